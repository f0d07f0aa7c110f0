"""Laplace's approximation to the likelihood of a generalized linear mixed model, with its exact gradient.

With F(v) = -2 sum l_i(eta_i) + v'v at the modes v and H = I + L'Z'WZ L,

    -2 log-likelihood = F(v) + log|H|.

Let lev_i = z_i'C z_i with C = L H^-1 L', t_i = -l_i''' lev_i the derivative of log|H| in eta_i, and s = C Z't what the modes'
own movement adds.  With the bracket r = -2 l' + t - W Zs,

    d/db = X'r,
    d/dL = sum_j (Z_j'r) v_j' + (Z_j'l') (H^-1 L'Z't)_j' + 2 (Z'WZ L H^-1)_jj,
    d/dpsi = sum_i -2 dl_i/dpsi - lev_i dl_i''/dpsi + (Zs)_i dl_i'/dpsi.

W is the observed information -l'': this is the true Laplace approximation, also where the link is not canonical.

Chapter 16 (``16_binary``) derives it.

References
----------
Breslow, N. E., & Clayton, D. G. (1993). Approximate inference in generalized linear mixed models. Journal of the
American Statistical Association, 88, 9-25.
Kristensen, K., Nielsen, A., Berg, C. W., Skaug, H., & Bell, B. M. (2016). TMB: Automatic differentiation and Laplace
approximation. Journal of Statistical Software, 70(5).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from .modes import Modes, find_modes
from .rows import flat, times

__all__ = ["Laplace", "LaplaceAt"]


@dataclass(frozen=True)
class LaplaceAt:
    """The criterion -2 log-likelihood at one point.

    Attributes
    ----------
    x : ndarray
        Coefficients, theta, psi: the point.
    value : float
        Infinite where the modes were not found.
    gradient : ndarray or None
    modes : Modes
    """

    x: np.ndarray
    value: float
    gradient: Any  # ndarray; None where only the value was asked for
    modes: Modes


class Laplace:
    """The criterion as a function of (b, theta, psi).

    Parameters
    ----------
    X : ndarray, shape (p, n) or (p, K, n)
        Columns of the fixed part, one a row.
    rows : OneFactorRows or SeveralRows
    density : Density
    offset : ndarray or float
    basis : ndarray, shape (m, q, q)
        L = tensordot(theta, basis, 1).
    """

    def __init__(self, X: np.ndarray, rows, density, offset, basis: np.ndarray):
        self.X, self.rows, self.density, self.offset, self.basis = X, rows, density, offset, basis
        self.p, self.m = len(X), len(basis)
        self.flat = flat(X)

    def split(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(b, theta, psi) of a point."""
        return x[:self.p], x[self.p:self.p + self.m], x[self.p + self.m:]

    def factor(self, x: np.ndarray) -> np.ndarray:
        """L at a point."""
        return np.tensordot(x[self.p:self.p + self.m], self.basis, 1)

    def replaced(self, x: np.ndarray, L: np.ndarray) -> np.ndarray:
        """The point x with another factor L, of those that the basis makes the nearest."""
        m = self.m
        theta = np.linalg.lstsq(self.basis.reshape(m, -1).T, L.ravel(), rcond=None)[0] if m else np.empty(0)
        return np.concatenate([x[:self.p], theta, x[self.p + m:]])

    def in_basis(self, basis: np.ndarray) -> Laplace:
        """The same criterion with L made of another basis."""
        other = copy.copy(self)
        other.basis, other.m = basis, len(basis)
        return other

    def fixed(self, x: np.ndarray) -> np.ndarray:
        """Xb + offset, shape (n,) or (K, n)."""
        return (x[:self.p] @ self.flat).reshape(self.X.shape[1:]) + self.offset

    def modes_at(self, x: np.ndarray, v: np.ndarray | None, gradient: bool) -> tuple[np.ndarray, np.ndarray, Modes]:
        """The factor L and psi at x, and the random effects' modes there; the search for them begins at v."""
        L, psi = self.factor(x), x[self.p + self.m:]
        v = np.zeros(self.rows.size) if v is None else v
        return L, psi, find_modes(self.rows, self.density, self.fixed(x), L, psi, v, 3 if gradient else 2)

    def __call__(self, x: np.ndarray, v: np.ndarray | None = None, gradient: bool = True) -> LaplaceAt:
        """The criterion at x; the search for the modes begins at v."""
        L, _, modes = self.modes_at(x, v, gradient)
        if not modes.found:
            return LaplaceAt(x, np.inf, None, modes)
        value = -2.0 * float(modes.terms.value.sum()) + float(modes.v @ modes.v) + modes.inverse.logdet
        return LaplaceAt(x, value, self._gradient(modes, L) if gradient else None, modes)

    def _gradient(self, modes: Modes, L: np.ndarray) -> np.ndarray:
        rows, terms, inverse = self.rows, modes.terms, modes.inverse
        lev = rows.leverages(inverse)
        t = -terms.d3 * lev if lev.ndim == 1 else -np.einsum("klmn,kln->mn", terms.d3, lev)
        s = inverse.solve(rows.turn(L, rows.gather(t)))  # spherical
        Zs = rows.spread(rows.scale(L, s))
        r = -2.0 * terms.d1 + t + times(terms.d2, Zs)
        dL = rows.outer(rows.gather(r), modes.v) + rows.outer(rows.gather(terms.d1), s) + 2.0 * inverse.slopes()
        parts = [self.flat @ r.ravel(), np.tensordot(self.basis, dL, 2)]
        if len(terms.p):
            parts.append(-2.0 * terms.p.sum(axis=1) - _sums(terms.p2, lev) + _sums(terms.p1, Zs))
        return np.concatenate(parts)

    def ahead(self, at: LaplaceAt, x: np.ndarray) -> np.ndarray:
        """Where the modes will be at x, to first order: H dv = L'Z'(dl' - W deta) + dL'Z'l'."""
        rows, modes, L = self.rows, at.modes, self.factor(at.x)
        dL = self.factor(x) - L
        eta = self.fixed(x) - self.fixed(at.x) + rows.spread(rows.scale(dL, modes.v))
        change = times(modes.terms.d2, eta)
        psi = x[self.p + self.m:] - at.x[self.p + self.m:]
        if len(psi):
            change = change + np.tensordot(psi, modes.terms.p1, 1)
        g = rows.turn(L, rows.gather(change)) + rows.turn(dL, rows.gather(modes.terms.d1))
        return modes.v + modes.inverse.solve(g)


def _sums(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each parameter the sum over rows of products, shape (m,)."""
    return rows.reshape(len(rows), -1) @ values.ravel()
