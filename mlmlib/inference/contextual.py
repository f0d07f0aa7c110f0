"""The contextual effect: the between-group slope minus the within-group slope.

Two students with the same ses, one in a school whose mean is a point higher: how do their expected outcomes differ? In a model
with the group mean and the deviation from it as predictors, that is the difference of their coefficients, and its variance
is the sum of theirs less twice their covariance.

Chapter 6 (``06_centering``) derives it.

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, pp. 139-141.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import Shown, number
from ..given import takes_fit
from ..errors import DataError
from ..results import check_level
from .small_sample import linear
from ..testresult import p_text

__all__ = ["ContextualEffect", "contextual_effect"]


@dataclass(frozen=True, repr=False)
class ContextualEffect(Shown):
    """Between minus within: `estimate`, `se`, `statistic`, `pvalue`, `lower`, `upper`, and the two slopes it is made of."""

    between: float
    within: float
    estimate: float
    se: float
    statistic: float
    pvalue: float
    lower: float
    upper: float
    level: float
    names: tuple
    letter: str = "z"

    def __float__(self):
        return self.estimate

    def _title(self):
        return f"Contextual effect: {self.names[0]} minus {self.names[1]}"

    def _rows(self):
        return ["", ""], [["between groups", number(self.between)], ["within groups", number(self.within)],
                          ["difference", number(self.estimate)], ["standard error", number(self.se)],
                          [f"{100 * self.level:g} % interval", f"{number(self.lower)} to {number(self.upper)}"],
                          [f"{self.letter} test of no difference",
                           f"{self.letter} = {self.statistic:.2f}, p {p_text(self.pvalue)}"]]


@takes_fit
def contextual_effect(fit, column=None, *, between=None, within=None, level: float = 0.95,
                      ddf: str = "wald") -> ContextualEffect:
    """The contextual effect of a predictor that is in the model as group mean and deviation from it.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    column : str, optional
        The name given to `mlm.within_between`: the coefficients are then column_between and column_within.
    between, within : str, optional
        The names of the two coefficients where they are others.
    level : float
    ddf : {"wald", "satterthwaite", "kenward-roger"}
        Degrees of freedom of the test and interval, as in ``fit.coef_table``.

    Returns
    -------
    ContextualEffect

    Notes
    -----
    Chapter 6 (``06_centering``). In a model with the raw x and its group mean, the coefficient of the group mean is this
    difference already.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ mean_ses + cses + (1 | school)", mlm.load("hsb"))
    >>> effect = mlm.contextual_effect(fit, between="mean_ses", within="cses")
    >>> round(effect.estimate, 3), round(effect.se, 3)
    (3.675, 0.378)
    """
    pair = (between or f"{column}_between", within or f"{column}_within")
    if pair[0] == pair[1]:
        raise DataError(f"between= and within= both name {pair[0]!r}; name two coefficients.")
    for name in pair:
        if name not in fit._names:
            raise DataError(f"There is no coefficient {name!r}; the model has {', '.join(fit._names)}. Split the "
                            "predictor with mlm.within_between, or name the two coefficients with between= and "
                            "within=.")
    crossed = [name for name in fit._names if name not in pair and set(pair) & set(name.split(":"))]
    if crossed:
        raise DataError(f"{crossed[0]!r} lets the slope depend on another predictor, so there is no single contextual "
                        "effect.")
    weights = np.array([(name == pair[0]) * 1.0 - (name == pair[1]) * 1.0 for name in fit._names])
    slopes = np.array([[name == own for name in fit._names] for own in pair], dtype=float)
    (b, w, estimate), (_, _, se), (_, _, df) = (v.tolist() for v in linear(fit, np.vstack([slopes, weights]), ddf))
    from scipy.special import stdtr, stdtrit
    check_level(level)
    ratio, half = estimate / se, float(stdtrit(df, 0.5 + level / 2.0)) * se
    return ContextualEffect(b, w, estimate, se, ratio, float(2 * stdtr(df, -abs(ratio))), estimate - half,
                            estimate + half, level, pair, "z" if np.isinf(df) else "t")
