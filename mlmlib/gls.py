"""Generalized least squares: a linear model with correlated residuals or unequal variances, without random effects.

Chapter 14 (``14_growth_shapes``) compares it with the mixed model.
"""

from __future__ import annotations

from .design import build_design
from .errors import FormulaError
from .lmm.row_model import RowModel
from .lmm.row_result import RowResult

__all__ = ["gls"]


def gls(formula: str, data, *, correlation=None, variance=None, reml: bool = True, weights=None,
        offset=None) -> RowResult:
    """Fit a linear model whose residuals are correlated within groups, or of unequal variance.

    Parameters
    ----------
    formula : str
        ``"distance ~ age * Sex"``; no random terms.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    correlation : Correlation, optional
        ``mlm.ar1("age", group="Subject")``, ``mlm.car1``, ``mlm.arma11``, ``mlm.cs``, ``mlm.toeplitz``, ``mlm.un``.
    variance : Variance or list of them, optional
        ``mlm.by_group("Sex")``, ``mlm.power_of("x")``, ``mlm.exponential_of("x")``; those of a list multiply.
    reml : bool
        Restricted maximum likelihood (the default, as in nlme's ``gls``), or maximum likelihood.
    weights : str or array, optional
        Column or values, positive; the residual variance of row i is divided by ``weights[i]``.
    offset : str or array, optional

    Returns
    -------
    RowResult

    Raises
    ------
    FormulaError, DataError
        When formula, data or structure cannot be used; the message names the column and the mend.

    References
    ----------
    Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, chapter 5.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gls("Reaction ~ Days", mlm.load("sleepstudy"), correlation=mlm.ar1("Days", group="Subject"))
    >>> fit.residual_params.round(3).to_dict()
    {'ar1: phi': 0.8}
    """
    design = build_design(formula, data, weights=weights, offset=offset)
    if design.random:
        raise FormulaError(f"The formula has the random term {design.random[0].text}; fit it with mlm.lmm, which takes "
                           "correlation= and variance= too.")
    if correlation is None and variance is None:
        raise FormulaError("gls needs correlation= or variance=; for independent residuals of equal variance there is "
                           "mlm.ols.")
    model = RowModel(design, "unstructured", reml, correlation, variance)
    return RowResult(model, *model.fit())
