"""A predictor of groups changes the slope of a predictor of units: the cross-level interaction.

Chapter 21 (``21_planning``).

References
----------
Snijders, T. A. B. (2005). Power and sample size in multilevel linear models. In B. S. Everitt & D. C. Howell (Eds.),
Encyclopedia of Statistics in Behavioral Science (Vol. 3, pp. 1570-1573). Wiley.
Mathieu, J. E., Aguinis, H., Culpepper, S. A., & Chen, G. (2012). Understanding and estimating the power to detect
cross-level interaction effects in multilevel modeling. Journal of Applied Psychology, 97, 951-966.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import DataError
from .arguments import number, one_of, positive, unit_share
from .design import Design, common
from .layout import arms, codes, drawn_sizes
from .result import PowerResult
from .solve import solved

__all__ = ["CrossLevel", "cross_level"]


@dataclass(frozen=True, kw_only=True)
class CrossLevel(Design):
    """See `cross_level`."""

    icc: float
    slope_sd: float
    w: str = "half"
    w_var: float = 1.0
    x_var: float = 1.0
    r2_unit: float = 0.0

    title = "Cross-level interaction, two levels"
    least = {"n": 2}

    @property
    def in_arms(self):
        return ("groups",) if self.w == "half" else ()

    @property
    def unit(self):
        return "difference of slopes" if self.w == "half" else "change of the slope for a unit of w"

    @property
    def spread(self) -> float:
        """Variance of the group-level predictor."""
        return self.share * (1.0 - self.share) if self.w == "half" else self.w_var

    def parts(self, effect, sizes):
        over = self.spread * sizes["groups"]
        within = (1.0 - self.icc) * (1.0 - self.r2_unit) / ((sizes["n"] - 1.0) * self.x_var)
        return {"slopes between groups": self.slope_sd ** 2 / over, "within groups": within / over}

    def degrees(self, sizes):
        return sizes["groups"] - 2

    def alone(self, effect, total):
        return None

    def study(self, effect, sizes, given=None):
        from .study import Study

        if self.r2_unit:
            raise DataError("Covariates of this design are not drawn: give simulate a formula and its coefficients.")
        random = "(1 + x || group)" if self.slope_sd else "(1 | group)"
        return Study(formula=f"y ~ x * w + {random}", layout=partial(self._layout, sizes, given),
                     coefficients={"x:w": effect},
                     covariance={"group": [self.icc, self.slope_sd ** 2] if self.slope_sd else self.icc},
                     sigma=math.sqrt(1.0 - self.icc),
                     term="x:w", groups="group")

    def _layout(self, sizes, given, rng):
        groups = sizes["groups"]
        group = codes(drawn_sizes(groups, sizes["n"], 0.0, rng, given))
        w = arms(groups, self.share, rng) if self.w == "half" else math.sqrt(self.w_var) * rng.standard_normal(groups)
        x = math.sqrt(self.x_var) * rng.standard_normal(len(group))
        x -= (np.bincount(group, x) / np.maximum(np.bincount(group), 1))[group]
        return {"group": group, "x": x, "w": w[group - 1]}

    @property
    def formula(self):
        w = "share (1 - share)" if self.w == "half" else "w_var"
        return (f"Variance of the effect: [slope_sd^2 + (1 - icc)(1 - r2_unit) / ((n - 1) x_var)] / ({w} groups); "
                "t with groups - 2 df.")

    source = "Snijders (2005), after Snijders and Bosker (1993); compare Mathieu et al. (2012)."

    @property
    def notes(self):
        return ["x_var is the variance of x within groups; x centered in its groups."]


def cross_level(effect=None, *, icc, slope_sd, groups=None, n=None, power=None, w="half", w_var=1.0, x_var=1.0,
                r2_unit=0.0, alpha=0.05,
                sides=2, share=0.5, df=None) -> PowerResult:
    """Power for a cross-level interaction: a group-level w changes the slope of a unit-level x.

    Leave out one of effect, groups, n and power: it is solved for.

    Parameters
    ----------
    effect : float, optional
        The coefficient of ``w:x``, in standard deviations of the outcome (intercepts and residuals together).
    icc : float
        Share of that variance that lies between groups, at the mean of x.
    slope_sd : float
        Standard deviation of the slopes of x between groups that w leaves.
    groups, n : int, float, optional
    w : {"half", "normal"}
        The group-level predictor: two kinds of groups (`share` of one kind), or a continuous one with variance `w_var`.
    x_var : float
        Variance of x **within** groups; x is centered in its groups.
    r2_unit : float
        Share of the variance within groups that other unit-level covariates explain.
    df : float, optional
        In place of ``groups - 2``.

    Returns
    -------
    PowerResult

    Raises
    ------
    DataError
        As in `cluster_randomized`.

    References
    ----------
    Snijders (2005); Mathieu et al. (2012). Chapter 21 (``21_planning``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> plan = mlm.power.cross_level(0.2, icc=0.15, slope_sd=0.1, groups=40, n=20)
    >>> round(plan.power, 3), mlm.power.cross_level(0.2, icc=0.15, slope_sd=0.1, n=20, power=0.8).groups
    (0.75, 46)
    """
    one_of("w", w, ("half", "normal"))
    design = CrossLevel(icc=unit_share("icc", icc, "It is the share of the variance that lies between groups."),
                        slope_sd=number("slope_sd", slope_sd, least=0.0, mend="It is a standard deviation of slopes."),
                        w=w,
                        w_var=positive("w_var", w_var, "It is a variance."),
                        x_var=positive("x_var", x_var, "It is a variance."),
                        r2_unit=unit_share("r2_unit", r2_unit), **common(alpha, sides, share, df))
    return solved(design, effect, power, {"groups": groups, "n": n})
