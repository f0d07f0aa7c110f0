"""Linear mixed models: formula, design, criterion, optimum, result, each a step that can be used by itself."""

from __future__ import annotations

from ..design import build_design
from ..errors import FormulaError
from ..formula import parse
from .model import LmmModel
from .result import LmmResult

__all__ = ["LmmModel", "LmmResult", "lmm"]


def lmm(formula: str, data, *, reml: bool = True, covariance="unstructured", weights=None, offset=None,
        correlation=None, variance=None) -> LmmResult:
    """Fit a linear mixed model.

    Parameters
    ----------
    formula : str
        In lme4's grammar, ``"mathach ~ cses * sector + (1 + cses | school)"``.  Several grouping factors, nested
        ``(1 | school/class)`` or crossed ``(1 | pupil) + (1 | item)``, and memberships in several groups at once,
        ``(1 | mm(school1, school2))``.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
        Or rows in chunks, for one grouping factor: any iterable of such tables, a folder of Parquet files, a DuckDB relation, a
        Dask DataFrame.  They are read once and not kept; categories are those of the first chunk.
    reml : bool
        Restricted maximum likelihood (the default, as in lme4), or maximum likelihood (Stata's default).
    covariance : str or dict
        Structure of terms written with a single bar: ``"unstructured"`` (the default, as in lme4), ``"independent"``
        (Stata's default), ``"exchangeable"``, ``"identity"``; or ``{"school": "independent"}``.  ``(x || g)`` is
        independent always.
    weights : str or array, optional
        Column or values, positive; the residual variance of row i is ``sigma**2 / weights[i]``.
    offset : str or array, optional
        Column or values added to the linear predictor with coefficient 1.
    correlation : Correlation, optional
        Of the residuals within groups: ``mlm.ar1("time", group="pupil")``, ``mlm.car1``, ``mlm.arma11``, ``mlm.cs``,
        ``mlm.toeplitz``, ``mlm.un``.  Its groups must lie within those of the random effects.
    variance : Variance or list of them, optional
        Of the residuals: ``mlm.by_group("sex")``, ``mlm.power_of("x")``, ``mlm.exponential_of("x")``; those of a list
        multiply.

    Returns
    -------
    LmmResult
        With `correlation` or `variance` a `RowResult`, which has their parameters too.

    Raises
    ------
    FormulaError, DataError
        When formula or data cannot be used; the message names the column or term and the mend.

    Notes
    -----
    Chapters 3 and 4 (``03_random_intercepts``, ``04_random_slopes``) introduce the model, Chapter 7
    (``07_estimation``) its estimation.  The criterion is that of Bates et al. (2015), minimized by exact Newton
    steps.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> round(fit.criterion, 4)
    1743.6283
    """
    if reml not in (True, False):
        raise ValueError(f"reml={reml!r} must be True (restricted maximum likelihood) or False (maximum likelihood).")
    parse(formula)  # who exchanged formula and data hears so before a file is looked for
    from .chunk_sources import is_chunked
    if is_chunked(data):
        from .chunk_model import fit_chunks
        if correlation is not None or variance is not None:
            raise FormulaError("correlation= and variance= need all rows at once; a fit in chunks has neither.")
        return fit_chunks(formula, data, reml=reml, covariance=covariance, weights=weights, offset=offset)
    design = build_design(formula, data, weights=weights, offset=offset)
    if correlation is not None or variance is not None:
        from .row_model import RowModel
        from .row_result import RowResult
        rows = RowModel(design, covariance, reml, correlation, variance)
        return RowResult(rows, *rows.fit())
    model = LmmModel(design, covariance, reml)
    return LmmResult(model, *model.fit())
