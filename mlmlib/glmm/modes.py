"""The modes of the random effects given the outcomes: Newton's method on spherical effects.

The linear predictor is eta = Xb + offset + Z L v with v ~ N(0, I).  For given (b, L, psi) the modes maximize
sum l_i(eta_i) - v'v / 2; the negative Hessian H = I + L'Z'WZ L with observed weights W = -l'' is what Laplace's
approximation takes the determinant of.

Chapter 16 (``16_binary``) follows one group to its mode.

References
----------
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models using lme4.
Journal of Statistical Software, 67(1); and its vignette on generalized models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Modes", "find_modes"]

_CLOSE = 1e-16  # decrement at which the modes are found: log|H| is of first order in their error
_NEAR = 1e-6  # decrement from which the next step is expected to be the last
_LIMIT = 100


@dataclass(frozen=True)
class Modes:
    """The modes and all that was computed there.

    Attributes
    ----------
    v, eta : ndarray
        Spherical effects, flat; linear predictor.
    terms : Terms
        The density and its derivatives there, up to the third.
    A : object
        Z'WZ.
    inverse : object
        H^-1; like `A` None where the density is not finite at all.
    found : bool
        False where Newton's method did not arrive.
    """

    v: np.ndarray
    eta: np.ndarray
    terms: Any
    A: Any
    inverse: Any
    found: bool


@np.errstate(over="ignore", invalid="ignore")  # of steps too far, which are taken back
def find_modes(rows, density, fixed: np.ndarray, L: np.ndarray, psi: np.ndarray, v: np.ndarray,
               order: int = 3) -> Modes:
    """Maximize the joint log-density over the spherical effects.

    Parameters
    ----------
    rows : OneFactorRows or SeveralRows
    density : Density
    fixed : ndarray, shape (n,) or (K, n)
        Xb + offset.
    L : ndarray, shape (q, q)
    psi : ndarray
    v : ndarray
        Where to begin, flat.
    order : int
        Derivatives of the density wanted at the modes.
    """
    eta = fixed + rows.spread(rows.scale(L, v))
    terms, last, found = density(eta, psi, 2), np.inf, False
    A = inverse = None
    if not _finite(terms):
        v, eta = np.zeros_like(v), fixed
        terms = density(eta, psi, 2)
        if not _finite(terms):
            return Modes(v, eta, terms, A, inverse, False)
    for _ in range(_LIMIT):
        g = rows.turn(L, rows.gather(terms.d1)) - v
        A = rows.cross(-terms.d2)
        inverse, exact = _factored(rows, A, L), True
        if inverse is None:
            inverse, exact = _factored(rows, rows.cross(_convex(-terms.d2)), L), False
        if inverse is None:  # weights of too different size
            break
        step = inverse.solve(g)
        decrement = float(g @ step)
        found = exact and (decrement < _CLOSE or (decrement < 1e-12 and decrement > 0.25 * last))
        if found or not np.isfinite(decrement):
            break
        last = decrement
        trial = _ascend(rows, density, fixed, L, psi, (v, eta, terms), step, decrement, order)
        if trial is None:
            break
        v, eta, terms = trial
    if found and order > 2 and terms.d3 is None:
        terms = density(eta, psi, order)
    return Modes(v, eta, terms, A, inverse, found and bool(np.isfinite(terms.value.sum())))


def _factored(rows, A, L):
    """H^-1, or None where H is not positive definite."""
    try:
        return rows.eliminate(A, L)
    except np.linalg.LinAlgError:
        return None


def _finite(terms) -> bool:
    """True where Newton's method can begin."""
    return bool(np.isfinite(terms.value.sum()) and np.isfinite(terms.d1.sum()) and np.isfinite(terms.d2.sum()))


def _ascend(rows, density, fixed, L, psi, at, step, decrement, order):
    """A Newton step, halved until the joint log-density rises; None where it does not."""
    v, eta, terms = at
    move = rows.spread(rows.scale(L, step))
    if decrement < max(_NEAR, 1e-11 * abs(float(terms.value.sum()))):  # the value cannot tell, and the step is most likely the last
        new = density(eta + move, psi, order)
        return (v + step, eta + move, new) if _finite(new) else None
    value, share = float(terms.value.sum()) - 0.5 * float(v @ v), 1.0
    for _ in range(60):
        there = v + share * step
        new = density(eta + share * move, psi, 2)
        if float(new.value.sum()) - 0.5 * float(there @ there) >= value + 1e-4 * share * decrement and _finite(new):
            return there, eta + share * move, new
        share *= 0.5
    return None


def _convex(w: np.ndarray) -> np.ndarray:
    """Weights without negative curvature."""
    if w.ndim == 1:
        return np.maximum(w, 0.0)
    values, vectors = np.linalg.eigh(w.transpose(2, 0, 1))
    return np.einsum("nka,na,nla->kln", vectors, np.maximum(values, 0.0), vectors)
