"""The false optimum on which lme4's default optimizer stopped, found again on purpose.

The criterion is flat across the boundary where one diagonal element of the random effects' factor L is zero: the derivative by
that element vanishes there, whatever lies beyond. An optimizer that arrives at the boundary may therefore stop.
Chapter 4 (``04_random_slopes``) tells the story; `lmm` itself retries from inside and is not caught.
"""

from __future__ import annotations

import numpy as np

from ..covariance import lower_factor
from ..lmm.optimise import Minimum
from ..lmm.result import LmmResult


def on_boundary(fit: LmmResult, effect: str) -> LmmResult:
    """The best fit in which `effect` has no variance of its own beyond the effects named before it (its diagonal in L is zero).

    Parameters
    ----------
    fit : LmmResult
        A fit with one unstructured random term.
    effect : str
        Such as ``"cses"``.

    Returns
    -------
    LmmResult
        Singular, and worse than `fit` unless that is singular too.
    """
    from scipy.optimize import minimize

    model, (term,), (back,) = fit.model, fit.design.random, fit.model.z_maps
    if effect not in term.names:
        raise ValueError(f"The term {term.text} has the effects {list(term.names)}, not {effect!r}.")
    size, place = len(term.names), term.names.index(effect)
    rows, columns = np.tril_indices(size)
    free = ~((rows == place) & (columns == place))
    inverse, basis = np.linalg.inv(back), model.structures[0].basis
    counted = 0

    def evaluate(values):
        nonlocal counted
        counted += 1
        L = np.zeros((size, size))
        L[rows[free], columns[free]] = values
        return model.criterion(np.tensordot(basis, lower_factor(inverse @ L), 2))

    start = np.linalg.cholesky(fit.covariance_matrix().to_numpy() / fit.sigma**2 + 1e-9 * np.eye(size))[
        rows[free], columns[free]
    ]
    found = minimize(
        lambda v: evaluate(v).value,
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 20000, "maxfev": 20000, "adaptive": True},
    )
    at = evaluate(found.x)
    result = LmmResult(model, Minimum(at, counted, bool(found.success), float(np.abs(at.gradient).max())))
    result.__dict__["messages"] = (
        f"Held on the boundary: the variance of {effect!r} beyond the effects before it is kept at zero. The criterion "
        f"is {result.criterion - fit.criterion:.4f} above that of the free fit.",
    )
    return result
