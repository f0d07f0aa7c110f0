"""`mlm.estimators`: one formula by each way of dealing with groups.

Chapters 19 (``19_fixed_or_random``) and 20 (``20_gee_and_robust``) compare them.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError, FormulaError
from ..formula import as_groups, as_written, parse
from ..table import Categorical, Table, factorize
from .result import About, Estimators

__all__ = ["estimators"]

_FEW = 40
_LINEAR = (
    About("OLS", "mix of within and between", "both are the same", "rows independent, unrelated to what groups have in common"),
    About("OLS + CR2", "mix of within and between", "both are the same", "groups independent; any correlation within them"),
    About("FE", "within", "both are the same", "nothing of the groups' effects; rows independent given them"),
    About("RE", "mix, weighted by precision", "both are the same", "groups' effects of one variance, unrelated to predictors"),
    About("Mundlak", "within; _between: between less within", "both are the same",
          "groups' effects related to predictors by the groups' means alone"),
    About("random slope", "mix; average over groups", "both are the same",
          "groups' intercepts and slopes normal, unrelated to predictors"),
    About("GEE", "mix, weighted by working correlation", "both are the same", "groups independent; any correlation within them"),
)


def estimators(formula: str, data, *, groups: str, family="gaussian", link=None, slope: str | None = None, trials=None,
               exposure=None, level: float = 0.95) -> Estimators:
    """Fit one formula by each estimator for grouped data, and tell what each estimates and assumes.

    Parameters
    ----------
    formula : str
        ``"mathach ~ ses + sector"``; no random terms.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    groups : str
        Column of the groups.
    family, link : str
        As for `mlm.gee`; other families than gaussian have the generalized estimators.
    slope : str, optional
        The predictor whose slope varies between groups in the model with a random slope; the first that varies within groups
        when left out.
    trials, exposure : str, optional
        Columns, as for `mlm.glmm`.
    level : float
        Of the intervals in ``table``.

    Returns
    -------
    Estimators
        ``table`` has everything as a DataFrame, ``estimates`` and ``se`` an estimator a column, ``about`` the words, ``fits``
        the fits.

    Raises
    ------
    FormulaError, DataError, ValueError
        When formula or data cannot be used by any estimator; what only one cannot do is said in ``notes``.

    Notes
    -----
    Chapters 19 (``19_fixed_or_random``) and 20 (``20_gee_and_robust``).  Gaussian outcomes: least squares, the same with CR2
    standard errors, fixed effects (within), random effects (Swamy and Arora), Mundlak's, a random slope (REML), GEE with
    exchangeable correlation (bias-reduced standard errors below 40 groups).  Others: GLM, the same with CR2, a dummy for each
    group, a random intercept (quadrature with 25 nodes), the same with group means, GEE.  With links other than identity and log conditional
    coefficients are larger than marginal ones, also where nothing is confounded.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> found = mlm.estimators("mathach ~ ses", mlm.load("hsb"), groups="school")
    >>> found.estimates.loc["ses", ["OLS", "FE", "Mundlak", "GEE"]].round(2).to_dict()
    {'OLS': 3.18, 'FE': 2.19, 'Mundlak': 2.19, 'GEE': 2.41}
    """
    parsed = parse(formula)
    if parsed.random:
        raise FormulaError(f"The formula has the random term {parsed.random[0].text}; name the groups by groups= alone, for each "
                           "estimator deals with them in its own way.")
    if not isinstance(groups, str):
        raise ValueError(f"groups={groups!r} must be the name of a column.")
    if family not in ("gaussian", "normal"):
        from .generalized import generalized
        return generalized(formula, data, groups, family, link, slope, trials, exposure, level)
    if link not in (None, "identity") or trials is not None or exposure is not None:
        raise ValueError("link=, trials= and exposure= are for other families than gaussian: leave them out.")
    from ..gee import gee
    from ..lmm import lmm
    from ..ols import ols
    refuse_groups(data, groups)
    from ..panel import panel
    from ..robust import robust
    least = ols(formula, data)
    calls = {
        "OLS": lambda: least,
        "OLS + CR2": lambda: robust(least, groups),
        "FE": lambda: panel(formula, data, groups=groups),
        "RE": lambda: panel(formula, data, groups=groups, effects="random"),
        "Mundlak": lambda: panel(formula, data, groups=groups, effects="mundlak"),
        "random slope": lambda: lmm(f"{formula} + (1 + {slope or first_within(formula, data, groups)} | {as_groups(groups)})", data),
        "GEE": lambda: gee(formula, data, groups=groups, cov=covariance(data, groups)),
    }
    fits, notes = run(calls, set(least.messages))
    abouts = tuple(about for about in _LINEAR if about.name in fits)
    return Estimators(formula, f"{groups}, {count(data, groups):,}", "gaussian", fits, abouts, {}, (*least.messages, *notes), level)


def refuse_groups(data, groups) -> None:
    """Refuse groups that no estimator could use."""
    if not Table(data).n:
        raise DataError("The data have no rows.")
    if count(data, groups) < 2:
        raise DataError(f"Column {groups!r} names one group for all rows: there is nothing to compare between groups. Use mlm.ols.")


def run(calls: dict, told: set) -> tuple[dict, list[str]]:
    """Call each; what one cannot do, and what it says, are notes."""
    fits, notes = {}, []
    for name, call in calls.items():
        try:
            fits[name] = call()
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:  # of one estimator; the others stand
            notes.append(f"{name}: not estimated. {error}")
            continue
        notes += [f"{name}: {message}" for message in getattr(fits[name], "messages", ()) if message not in told]
    return fits, notes


def count(data, groups) -> int:
    column = Table(data)[groups]
    if isinstance(column, Categorical):
        return len(column.used().levels)
    if np.isinf(column).any():
        raise DataError(f"Column {groups!r} is infinite in {int(np.isinf(column).sum())} rows; mend or drop them.")
    if np.isnan(column).all():
        raise DataError(f"Column {groups!r} is missing in every row: there are no groups.")
    return len(factorize(column[~np.isnan(column)])[1])


def covariance(data, groups) -> str:
    """Robust standard errors, bias-reduced where groups are few."""
    return "mancl-derouen" if count(data, groups) < _FEW else "robust"


def first_within(formula, data, groups) -> str:
    """The first predictor that varies within groups."""
    from ..gee.public import read
    for term in parse(formula).fixed:
        if len(term) == 1:
            design, levels = read(f"{as_written(parse(formula).outcome)} ~ {':'.join(map(as_written, term))}", data, groups, None)
            if within(design.X, levels[0][1]).any():
                return as_written(term[0])
    raise DataError(f"No predictor varies within groups of {groups!r}: there is no slope that could differ between them.")


def within(X: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Which columns vary within groups, shape (p,)."""
    means = np.stack([np.bincount(codes, x) for x in X.T], axis=1) / np.bincount(codes)[:, None]
    return np.abs(X - means[codes]).max(axis=0) > 1e-9 * np.abs(X).max(axis=0)
