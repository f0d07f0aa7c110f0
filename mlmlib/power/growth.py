"""Two arms of persons that are measured again and again: the difference of their slopes.

Chapter 21 (``21_planning``).

References
----------
Raudenbush, S. W., & Liu, X.-F. (2001). Effects of study duration, frequency of observation, and sample size on power in
studies of group differences in polynomial change. Psychological Methods, 6, 387-401.
Galbraith, S., & Marschner, I. C. (2002). Guidelines for the design of clinical trials with longitudinal outcomes.
Controlled Clinical Trials, 23, 257-273.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import DataError
from .arguments import number, positive, unit_share
from .design import MOST, Design, common
from .layout import arms
from .result import PowerResult
from .solve import solved

__all__ = ["Longitudinal", "longitudinal"]


@dataclass(frozen=True, kw_only=True)
class Longitudinal(Design):
    """See `longitudinal`."""

    slope_var: float
    residual_var: float
    duration: float
    attrition: float = 0.0
    intercept_var: float | None = None
    covariance: float = 0.0
    r2_slope: float = 0.0

    title = "Longitudinal design: difference of slopes between two arms"
    names = ("groups", "waves")
    words = {"groups": "persons", "waves": "measurements a person"}
    unit = "outcome units per unit of time"
    least = {"waves": 2}
    in_arms = ("groups",)

    def times(self, waves: int) -> np.ndarray:
        """Equally spaced, from 0 to the duration."""
        return np.linspace(0.0, self.duration, int(waves))

    def parts(self, effect, sizes):
        waves, slope_var = sizes["waves"], self.slope_var * (1.0 - self.r2_slope)
        both = 1.0 / (self.share * (1.0 - self.share) * sizes["groups"])
        if self.attrition == 0.0:
            spread = self.duration ** 2 * waves * (waves + 1.0) / (12.0 * (waves - 1.0))
            return {"slopes between persons": both * slope_var, "within persons": both * self.residual_var / spread}
        whole = both * self._one_person(waves, slope_var)
        return {"slopes between persons": both * slope_var, "within persons and attrition": whole - both * slope_var}

    def _one_person(self, waves, slope_var) -> float:
        """Variance of the mean slope times the persons: the inverse of their mean information."""
        times, information = self.times(waves), np.zeros((2, 2))
        for last, share in enumerate(self._last(waves), start=1):
            t = times[:last]
            if self.intercept_var is None:  # each person's own level is left out: slopes come from two measurements on
                spread = float(((t - t.mean()) ** 2).sum())
                information[1, 1] += share / (slope_var + self.residual_var / spread) if last > 1 else 0.0
                continue
            Z = np.column_stack([np.ones(last), t])
            T = np.array([[self.intercept_var, self.covariance], [self.covariance, slope_var]])
            V = Z @ T @ Z.T + self.residual_var * np.eye(last)
            information += share * Z.T @ np.linalg.solve(V, Z)
        if self.intercept_var is None:
            return 1.0 / information[1, 1]
        return float(np.linalg.inv(information)[1, 1])

    def _last(self, waves) -> np.ndarray:
        """Shares by last measurement; all are there at the first."""
        shares = np.full(int(waves), self.attrition / (waves - 1))
        shares[-1] = 1.0 - self.attrition
        return shares

    def degrees(self, sizes):
        return sizes["groups"] - 2

    def alone(self, effect, total):
        return None

    def most(self, name):
        return 2_000 if name == "waves" and self.attrition else MOST

    def study(self, effect, sizes, given=None):
        from .study import Study

        if self.r2_slope:
            raise DataError("Covariates of this design are not drawn: give simulate a formula and its coefficients.")
        level = self.residual_var if self.intercept_var is None else self.intercept_var
        T = np.array([[level, self.covariance], [self.covariance, self.slope_var]])
        return Study(formula="y ~ time * treatment + (1 + time | person)", layout=partial(self._layout, sizes),
                     coefficients={"time:treatment": effect}, covariance={"person": T},
                     sigma=math.sqrt(self.residual_var),
                     term="time:treatment", groups="person")

    def _layout(self, sizes, rng):
        persons, waves = sizes["groups"], int(sizes["waves"])
        last = rng.choice(np.arange(1, waves + 1), persons, p=self._last(waves))
        person = np.repeat(np.arange(1, persons + 1), last)
        time = np.concatenate([self.times(waves)[:k] for k in last])
        return {"person": person, "time": time, "treatment": arms(persons, self.share, rng)[person - 1]}

    @property
    def formula(self):
        line = ("Variance of the effect: [slope_var (1 - r2_slope) + residual_var / S] / (share (1 - share) groups), "
                "S = duration^2 waves (waves + 1) / (12 (waves - 1)), the sum of squared times about their mean; t "
                "with groups - 2 df.")
        if self.attrition:
            line += (" With attrition: the inverse of the mean information of persons with 1, 2, ... measurements"
                     + (", levels of persons left free." if self.intercept_var is None
                        else " (generalized least squares)."))
        return line

    @property
    def source(self):
        return "Raudenbush and Liu (2001)" + ("; with attrition Galbraith and Marschner (2002)." if self.attrition
                                              else ".")


def longitudinal(effect=None, *, slope_var, residual_var, duration=None, groups=None, waves=None, power=None,
                 attrition=0.0,
                 intercept_var=None, covariance=0.0, r2_slope=0.0, alpha=0.05, sides=2, share=0.5,
                 df=None) -> PowerResult:
    """Power for a difference of linear slopes between two arms of persons.

    Leave out one of effect, groups, waves and power: it is solved for.

    Parameters
    ----------
    effect : float, optional
        Difference of the mean slopes, outcome units per unit of time.  Raudenbush and Liu's standardized effect times
        ``sqrt(slope_var)``.
    slope_var, residual_var : float
        Variance of the slopes between persons, and of the residuals about each person's line.
    duration : float
        Time from the first to the last measurement.
    groups : int, optional
        Persons in both arms together.
    waves : int, optional
        Measurements a person, equally spaced over the duration, the first and the last included.
    attrition : float
        Share of the persons who are gone at the last measurement; losses are even over the intervals and do not depend
        on the outcome.
    intercept_var, covariance : float, optional
        Of the intercepts at the first measurement, and of intercepts with slopes: they matter when there is attrition.
        When left out, only comparisons within persons count, a little less than a mixed model uses.
    r2_slope : float
        Share of the variance of slopes that covariates explain.
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
    Raudenbush & Liu (2001); Galbraith & Marschner (2002). Chapter 21 (``21_planning``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> study = dict(slope_var=0.04, residual_var=0.5, duration=4)
    >>> mlm.power.longitudinal(0.15, waves=5, power=0.8, **study).groups
    128
    >>> mlm.power.longitudinal(0.15, waves=5, power=0.8, attrition=0.3, **study).groups
    164
    """
    if duration is None:
        raise DataError("duration= is needed: the time from the first to the last measurement, in the unit of the "
                        "slopes.")
    slope_var = number("slope_var", slope_var, least=0.0, mend="It is a variance.")
    residual_var = number("residual_var", residual_var, least=0.0, mend="It is a variance.")
    attrition = unit_share("attrition", attrition, "It is the share of persons gone at the last measurement.")
    if attrition == 1.0:
        raise DataError("attrition=1 leaves nobody at the last measurement. Give the share that is gone by then, "
                        "below 1.")
    if intercept_var is not None:
        intercept_var = number("intercept_var", intercept_var, least=0.0, mend="It is a variance.")
    covariance = number("covariance", covariance)
    if covariance and (intercept_var is None or covariance ** 2 > intercept_var * slope_var * (1 + 1e-12)):
        raise DataError(f"covariance={covariance:g} of intercepts and slopes needs intercept_var= and must not exceed "
                        f"{'' if intercept_var is None else f'{math.sqrt(intercept_var * slope_var):.4g}, '}the root "
                        "of the product of their variances.")
    design = Longitudinal(slope_var=slope_var, residual_var=residual_var, duration=positive("duration", duration),
                          attrition=attrition,
                          intercept_var=intercept_var, covariance=covariance, r2_slope=unit_share("r2_slope", r2_slope),
                          **common(alpha, sides, share, df))
    return solved(design, effect, power, {"groups": groups, "waves": waves})
