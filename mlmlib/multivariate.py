"""Several outcomes as one model.

Chapter 15 (``15_multivariate``) compares it with a model for each outcome.
"""

from __future__ import annotations

from .outcomes.model import OutcomeModel
from .outcomes.residuals import UNIT, ByOutcome, WithinUnit
from .outcomes.result import MultivariateResult
from .outcomes.stack import stack

__all__ = ["multivariate"]


def multivariate(formula: str, data, *, reml: bool = True, covariance="unstructured", equal=(), only=None,
                 weights=None) -> MultivariateResult:
    """Fit a linear (mixed) model to several outcomes at once.

    The outcomes of a unit have an unstructured covariance matrix, and so have the random effects of a group, each
    crossed with the outcomes.  Without random terms it is multivariate regression (with `only`, seemingly unrelated
    regression).

    Parameters
    ----------
    formula : str
        ``"course + written ~ gender + (1 | school)"``: the outcomes joined by ``+``; the right side is that of `mlm.lmm`.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
        A row a unit, a column an outcome.  Where an outcome is missing, the unit's others are used; estimates are right
        if what is missing depends only on what the model has (missing at random).
    reml : bool
        Restricted maximum likelihood (the default), or maximum likelihood.
    covariance : str or dict
        Structure of the random effects of all outcomes together, as for `mlm.lmm`.
    equal : str or sequence of str
        Terms whose coefficients are the same for all outcomes: ``equal="gender"``, ``equal=["ses", "Intercept"]``.
    only : dict, optional
        Terms that some outcomes have only: ``only={"ses": "written"}``.
    weights : str or array, optional
        Of the units, positive; a unit's covariance matrix is divided by its weight.

    Returns
    -------
    MultivariateResult
        Coefficients are named ``"written: gender[T.M]"``, one that is the same for all outcomes ``"gender[T.M]"``.

    Raises
    ------
    FormulaError, DataError
        When formula or data cannot be used; the message names the column or term and the mend.

    Notes
    -----
    Chapter 15 (``15_multivariate``).  The outcomes are stacked, and fitted by the same criterion as models with a
    structure of the residuals: a correlation for each pair of outcomes and a variance for each outcome.

    References
    ----------
    Goldstein, H. (2011). Multilevel Statistical Models (4th ed.). Wiley, chapter 6.
    Snijders, T. A. B., & Bosker, R. J. (2012). Multilevel Analysis (2nd ed.). Sage, chapter 16.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"), reml=False)
    >>> fit.params.round(2).to_dict()
    {'course: Intercept': 76.38, 'course: gender[T.M]': -6.76, 'written: Intercept': 46.52, 'written: gender[T.M]': 2.49}
    """
    design = stack(formula, data, equal=equal, only=only, weights=weights)
    mark = design.encoder.outcome.label
    model = OutcomeModel(design, covariance, reml, WithinUnit(mark, UNIT), ByOutcome(mark))
    return MultivariateResult(model, *model.fit())
