"""Hausman and Taylor's estimator: some regressors go with the groups' effects, the others serve as instruments.

Chapter 19 (``19_fixed_or_random``).

References
----------
Hausman, J. A., & Taylor, W. E. (1981). Panel data and unobservable individual effects. Econometrica, 49, 1377-1398.
Baltagi, B. H. (2013). Econometric Analysis of Panel Data (5th ed.). Wiley, section 7.4.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .fixed import within
from .frame import Frame
from .random import Components, quasi_demeaned
from .solve import Regression, independent

__all__ = ["endogenous_columns", "hausman_taylor"]


def endogenous_columns(frame: Frame, endogenous) -> np.ndarray:
    """Which columns belong to the variables named, shape (p,) of bool."""
    asked = [endogenous] if isinstance(endogenous, str) else list(endogenous)
    if not asked:
        raise DataError("effects='hausman-taylor' needs to know what goes with the groups' effects: name variables of the "
                        "formula in endogenous=, as in endogenous=['school'].")
    known = []
    for term, names in frame.design.encoder.named_terms:
        words = {word for factor in term for word in (factor.label, *factor.columns)}
        known += [words | {name} for name in names]
    strange = [name for name in asked if not any(name in words for words in known)]
    if strange:
        raise DataError(f"endogenous= names {strange[0]!r}, which is not in the formula; it has "
                        f"{', '.join(name for name in frame.names if name != 'Intercept')}.")
    return np.array([bool(words & set(asked)) for words in known])


def _two_stage(y, X, W) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
    """Columns kept, coefficients, projections of X on W, residuals, and what was left out."""
    Q = independent(W)[1]
    hat = Q @ (Q.T @ X)
    kept, P, R, follows = independent(hat, np.sqrt((X ** 2).sum(axis=0)))
    b = np.linalg.solve(R, P.T @ y)
    return kept, b, hat[:, kept], y - X[:, kept] @ b, follows


def hausman_taylor(frame: Frame, endogenous) -> tuple[Regression, dict, Components, dict]:
    """Two-stage least squares of quasi-demeaned rows (Hausman & Taylor, 1981, section 3; plm's ``pht``).

    Instruments are deviations of all that varies within groups, group means of the exogenous of these, and the exogenous
    that do not vary.  The variance of the groups is from a two-stage regression of the within residuals' means; the
    residual variance has the divisor N - J, and with groups of unequal size their harmonic mean stands for their size.
    """
    loose, constant = endogenous_columns(frame, endogenous), frame.constant(frame.X)
    one = np.array([name == "Intercept" for name in frame.names])
    kinds = {"varying, exogenous": ~constant & ~loose, "varying, endogenous": ~constant & loose,
             "constant, exogenous": constant & ~loose & ~one, "constant, endogenous": constant & loose}
    need, have = int(kinds["constant, endogenous"].sum()), int(kinds["varying, exogenous"].sum())
    if need > have:
        raise DataError(f"Hausman and Taylor's estimator has {need} endogenous columns that do not vary within groups of "
                        f"{frame.group!r}, and {have} exogenous ones that vary to serve as instruments; it needs at least as "
                        "many of these. Name fewer variables in endogenous=, or add exogenous predictors that vary.")
    if not one.any():
        raise DataError("Hausman and Taylor's estimator needs the intercept; leave '0' or '- 1' out of the formula.")
    X, y = frame.X, frame.y
    inner = within(frame)[0]
    s2_e = inner.ssr / (frame.n - frame.J)
    rest = (frame.means(y) - frame.means(X)[:, inner.kept] @ inner.b)[frame.codes]
    mean = frame.means(X)[frame.codes]
    fixed = X[:, one | constant]
    outer = _two_stage(rest, fixed, np.column_stack([X[:, one | kinds["constant, exogenous"] | kinds["varying, exogenous"]]]))[3]
    size = frame.J / (1.0 / frame.sizes).sum()
    parts = Components.of(float((outer @ outer / frame.J - s2_e) / size), s2_e, frame.sizes)
    star, columns = (quasi_demeaned(frame, A, parts.theta) for A in (y, X))
    W = np.column_stack([np.ones(frame.n), frame.deviations(X[:, ~constant]), X[:, kinds["constant, exogenous"]],
                         mean[:, kinds["varying, exogenous"]]])
    kept, b, hat, resid, follows = _two_stage(star, columns, W)
    R = np.linalg.qr(hat, mode="r")
    root = np.linalg.solve(R, np.eye(len(kept)))
    fit = Regression(kept, star, hat, b, root @ root.T, resid, frame.n - len(kept), frame.codes)
    return fit, follows, parts, {kind: tuple(np.array(frame.names)[which]) for kind, which in kinds.items()}
