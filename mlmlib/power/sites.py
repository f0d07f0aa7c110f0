"""Units are assigned to treatment within each group, and the effect differs between groups: two levels.

Chapter 21 (``21_planning``) derives the variance.

References
----------
Raudenbush, S. W., & Liu, X. (2000). Statistical power and optimal design for multisite randomized trials. Psychological
Methods, 5, 199-213.
Dong, N., & Maynard, R. (2013). PowerUp! Journal of Research on Educational Effectiveness, 6, 24-67.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import DataError
from .arguments import count, number, one_of, unit_share
from .design import Design, common
from .layout import arms, codes, drawn_sizes
from .outcome import outcome_of
from .result import PowerResult
from .solve import solved
from .unequal import inflated, unequal

__all__ = ["Multisite", "multisite"]


@dataclass(frozen=True, kw_only=True)
class Multisite(Design):
    """See `multisite`."""

    icc: float
    effect_sd: float = 0.0
    effects: str = "random"
    r2_unit: float = 0.0
    r2_effect: float = 0.0
    covariates: int = 0
    cv: float = 0.0

    title = "Multisite design: treatment within groups, two levels"
    least = {"n": 2}
    in_arms = ("n",)

    def parts(self, effect, sizes):
        groups, n = sizes["groups"], sizes["n"]
        varying = self.effect_sd ** 2 * (1.0 - self.r2_effect) if self.effects == "random" else 0.0
        arms = self.outcome.arms(effect, self.icc)
        within = sum(arm.within * (1.0 - self.r2_unit) / share for arm,
                     share in zip(arms, (1.0 - self.share, self.share)))
        found = {"effects between groups": varying / groups, "within groups": within / (n * groups)}
        if self.cv:
            found["unequal sizes"] = (inflated(varying, within, n, self.cv,
                                               "precision") - (varying + within / n)) / groups
        return found

    def degrees(self, sizes):
        if self.effects == "fixed":
            return sizes["groups"] * (sizes["n"] - 2) - self.covariates
        return sizes["groups"] - 1 - self.covariates

    def study(self, effect, sizes, given=None):
        from .study import Study

        if self.outcome.scale == "difference":
            raise DataError("Proportions that differ between groups by a varying difference can leave 0 to 1: "
                            "simulate the design with "
                            "scale='log-odds'.")
        if self.r2_unit or self.r2_effect or self.covariates:
            raise DataError("Covariates of this design are not drawn: give simulate a formula and its coefficients.")
        arm, p, varying = self.outcome.arms(effect, self.icc)[0], self.outcome.control, self.effect_sd ** 2
        random = "(1 + treatment || group)" if varying else "(1 | group)"
        return Study(formula=f"y ~ treatment + {random}", layout=partial(self._layout, sizes, given),
                     coefficients={"Intercept": math.log(p / (1.0 - p)) if p else 0.0, "treatment": effect},
                     covariance={"group": [arm.between[0], varying] if varying else arm.between[0]},
                     sigma=1.0 if self.outcome.binary else math.sqrt(arm.within),
                     family="binomial" if p else "gaussian",
                     term="treatment", groups="group")

    def _layout(self, sizes, given, rng):
        """Treatment is centered, so that both arms vary alike: 1 - share and -share."""
        members = drawn_sizes(sizes["groups"], sizes["n"], self.cv, rng, given)
        treated = np.concatenate([arms(m, self.share, rng) if m > 1 else rng.integers(0, 2,
                                                                                      1).astype(float)
                                  for m in members])
        return {"group": codes(members), "treatment": treated - (0.0 if self.outcome.binary else self.share)}

    @property
    def formula(self):
        within = ("[1/(p0 (1 - p0) (1 - share)) + 1/(p1 (1 - p1) share)] / n" if self.outcome.scale == "log-odds" else
                  "(1 - icc) [p0 (1 - p0)/(1 - share) + p1 (1 - p1)/share] / n" if self.outcome.binary else
                  "(1 - icc)(1 - r2_unit) / (share (1 - share) n)")
        if self.effects == "fixed":
            return f"Variance of the effect: {within} / groups; t with groups (n - 2) - covariates df."
        return (f"Variance of the effect: [effect_sd^2 (1 - r2_effect) + {within}] / groups; "
                "t with groups - 1 - covariates df.")

    @property
    def source(self):
        model = "BIRA2_1f" if self.effects == "fixed" else "BIRA2_1r"
        return f"Raudenbush and Liu (2000); Dong and Maynard (2013), {model}."

    @property
    def notes(self):
        fixed = ["The result is for these groups alone: their effects are held fixed."]
        return fixed if self.effects == "fixed" else []


def multisite(effect=None, *, icc, groups=None, n=None, power=None, effect_sd=0.0, effects="random", alpha=0.05,
              sides=2, share=0.5,
              r2_unit=0.0, r2_effect=0.0, covariates=0, cv=0.0, outcome="continuous", control=None, scale=None,
              df=None) -> PowerResult:
    """Power when units are assigned to treatment within each group.

    Leave out one of effect, groups, n and power: it is solved for.

    Parameters
    ----------
    effect, icc, power, alpha, sides, outcome, control, scale
        As in `cluster_randomized`.
    groups, n : int, optional
        Groups; units a group, both arms together.
    effect_sd : float
        Standard deviation of the effect between groups, in the unit of the effect.
    effects : {"random", "fixed"}
        The groups are a sample of those that the result shall hold for, or they are all of them (effect_sd then counts
        for nothing).
    share : float
        Share of the units of each group that are treated.
    r2_unit, r2_effect : float
        Shares of the variance within groups, and of the variance of the effect, that covariates explain.
    covariates : int
        Predictors of the effect at the group level (with fixed effects, of the outcome at the unit level), a degree of
        freedom each.
    cv : float
        Coefficient of variation of the group sizes.
    df : float, optional
        In place of ``groups - 1 - covariates``, or with fixed effects ``groups (n - 2) - covariates``.

    Returns
    -------
    PowerResult

    Raises
    ------
    DataError
        As in `cluster_randomized`.

    References
    ----------
    Raudenbush & Liu (2000); Dong & Maynard (2013). Chapter 21 (``21_planning``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> mlm.power.multisite(0.3, icc=0.15, n=20, power=0.8, effect_sd=0.2).groups
    21
    >>> mlm.power.cluster_randomized(0.3, icc=0.15, n=20, power=0.8).groups
    70
    """
    found = outcome_of(outcome, control, scale)
    icc = unit_share("icc", icc, "It is the share of the variance that lies between groups.")
    found.check(None, icc)
    effect_sd = number("effect_sd", effect_sd, least=0.0,
                       mend="It is the standard deviation of the effect between groups.")
    one_of("effects", effects, ("random", "fixed"))
    if effects == "fixed" and effect_sd:
        raise DataError("effect_sd= is for effects='random'; with effects='fixed' the groups are all there are, and "
                        "their effects "
                        "do not add to the error. Leave one of the two out.")
    cv, _ = unequal(cv, "precision")
    design = Multisite(icc=icc, effect_sd=effect_sd, effects=effects, r2_unit=unit_share("r2_unit", r2_unit),
                       r2_effect=unit_share("r2_effect", r2_effect), covariates=count("covariates", covariates, 0),
                       cv=cv,
                       outcome=found, **common(alpha, sides, share, df))
    return solved(design, effect, power, {"groups": groups, "n": n})
