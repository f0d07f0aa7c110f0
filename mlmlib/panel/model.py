"""`panel`: from formula, data and the name of an estimator to its result.

Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DataError
from . import fixed, random
from .frame import Frame, build_frame
from .instrumental import hausman_taylor
from .random import Components
from .result import PanelResult
from .solve import Regression
from .twoway import TwoWay
from .words import KINDS, left_out

__all__ = ["Estimate", "fit", "panel", "run"]


@dataclass(frozen=True)
class Estimate:
    """What an estimator found: the frame it saw, the regression, and what else there is of it."""

    frame: Frame
    regression: Regression
    messages: tuple = ()
    components: Components | None = None
    sweep: TwoWay | None = None
    plan: tuple | None = None
    kinds: dict | None = None


def panel(formula: str, data, *, groups: str, effects: str = "within", time: str | None = None, weights=None,
          endogenous=()) -> PanelResult:
    """Fit a panel regression: rows in groups whose unobserved effects may go with the predictors.

    Parameters
    ----------
    formula : str
        ``"inv ~ value + capital"``; no random terms.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    groups : str
        Column of the groups: firms, persons, schools.
    effects : str
        ``"pooled"``: least squares of all rows.
        ``"within"``: an effect of its own for each group (fixed effects), the same as a dummy for each.
        ``"two-way"``: effects of groups and of times, which may be incomplete.
        ``"first-difference"``: least squares of each row less the one before; without a constant, as the intercept goes
        with the differencing.  Write the time into the formula for a trend (plm's ``"fd"`` has one of a step a row).
        ``"between"``: least squares of group means, each group counted once.
        ``"random"``: random effects, by generalized least squares with Swamy and Arora's variances; for unbalanced
        panels as Baltagi and Chang (1994) have them (plm's ``"swar"``, Stata's ``xtreg, re sa``).
        ``"mundlak"``: random effects with the group means of all predictors that vary within groups (``x_between``):
        coefficients of x are those of ``"within"``, coefficients of ``x_between`` are between less within.
        ``"hybrid"``: the same with ``x_within``, the deviation from the mean, so that ``x_between`` has the between slope.
        ``"hausman-taylor"``: instrumental variables, for predictors that do not vary within groups and go with the effects.
    time : str, optional
        Column of the times, for ``"two-way"`` and ``"first-difference"``; sorted, text by letters, categories in their order.
    weights : str or array, optional
        Positive; the variance of row i is divided by ``weights[i]``.  For ``"pooled"``, ``"within"`` and ``"two-way"``.
    endogenous : str or list of str, optional
        For ``"hausman-taylor"``: the variables of the formula that go with the groups' effects.

    Returns
    -------
    PanelResult

    Raises
    ------
    FormulaError, DataError, ValueError
        When formula, data or estimator do not go together; the message names the column and the mend.

    Notes
    -----
    Columns that an estimator cannot tell apart, such as predictors that do not vary within groups under ``"within"``, are
    left out; ``fit.messages`` names each with the reason.  Standard errors take rows as independent given the groups'
    effects (``mlm.robust`` does not).  Coefficients are tested with t, after ``"random"``, ``"mundlak"``, ``"hybrid"`` and
    ``"hausman-taylor"`` with z, as in plm and Stata.  Chapter 19 (``19_fixed_or_random``).

    References
    ----------
    Baltagi, B. H. (2013). Econometric Analysis of Panel Data (5th ed.). Wiley, chapters 2, 3, 7 and 9.
    Swamy, P. A. V. B., & Arora, S. S. (1972). The exact finite sample properties of the estimators of coefficients in the
    error components regression models. Econometrica, 40, 261-275.
    Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica, 46, 69-85.
    Hausman, J. A., & Taylor, W. E. (1981). Panel data and unobservable individual effects. Econometrica, 49, 1377-1398.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> grunfeld = mlm.load("grunfeld")
    >>> mlm.panel("inv ~ value + capital", grunfeld, groups="firm").params.round(4).to_dict()
    {'value': 0.1101, 'capital': 0.3101}
    >>> fit = mlm.panel("inv ~ value + capital", grunfeld, groups="firm", effects="random")
    >>> fit.params.round(4).to_dict(), round(fit.rho, 3)
    ({'Intercept': -57.8344, 'value': 0.1098, 'capital': 0.3081}, 0.718)
    """
    _check(effects, weights, endogenous)
    return fit(build_frame(formula, data, groups, time, weights), effects, endogenous)


def fit(frame: Frame, effects: str, endogenous=()) -> PanelResult:
    """Fit a frame."""
    return PanelResult(run(frame, effects, endogenous), effects, frame)


def _check(effects, weights, endogenous) -> None:
    """Refuse options that do not go together."""
    if effects not in KINDS:
        raise ValueError(f"effects={effects!r} is not known; choose one of {', '.join(map(repr, KINDS))}.")
    if len(endogenous) and effects != "hausman-taylor":
        raise ValueError(f"endogenous= is for effects='hausman-taylor'; effects={effects!r} has no use for it.")
    if weights is not None and effects not in ("pooled", "within", "two-way"):
        raise ValueError(f"effects={effects!r} takes no weights; 'pooled', 'within' and 'two-way' do, and mlm.lmm.")


def run(frame: Frame, effects: str, endogenous=()) -> Estimate:
    """Run an estimator on a frame."""
    parts = sweep = plan = kinds = None
    told = list(frame.design.messages)
    own = frame
    if effects in ("mundlak", "hybrid"):
        own, plan = random.with_means(frame, effects)
    if effects == "two-way":
        reg, follows, sweep = fixed.two_way(frame)
        if sweep.parts > 1:
            told.append(f"The groups of {frame.group!r} and {frame.time!r} fall into {sweep.parts} sets that share neither: effects "
                        "of groups and times can be compared within a set only.")
    elif effects == "first-difference":
        reg, follows, gaps = fixed.first_difference(frame)
        if gaps:
            told.append(f"{gaps} of {len(reg.y)} differences bridge a gap in {frame.time!r} (the row before is not that of the "
                        "time before).")
    elif effects == "hausman-taylor":
        reg, follows, parts, kinds = hausman_taylor(frame, endogenous)
    elif effects in ("random", "mundlak", "hybrid"):
        reg, follows, parts = random.random(own)
    else:
        reg, follows = {"pooled": fixed.pooled, "within": fixed.within, "between": fixed.between}[effects](frame)
    told += left_out(effects, own, own.names, follows)
    if not len(reg.kept):
        raise DataError(f"effects={effects!r} leaves nothing to estimate. {' '.join(told) or 'The formula has no predictors.'}")
    alone = int((frame.sizes == 1).sum())
    if alone and effects in ("within", "two-way", "first-difference"):
        told.append(f"{alone} of {frame.J} groups of {frame.group!r} have one row, which tells nothing of the slopes.")
    if parts is not None and parts.negative:
        told.append(f"The variance between groups of {frame.group!r} is estimated as zero (the unbiased estimate is not positive): "
                    "the coefficients are those of the pooled regression.")
    return Estimate(own, reg, tuple(told), parts, sweep, plan, kinds)
