"""Covariance structures of random effects.

One mechanism serves all.  The relative covariance of a term's q effects is ``D = L L'`` with a factor that is linear in
the free parameters, ``L = sum_k theta_k B_k``.  A structure is its basis ``B`` together with the pattern of standard
deviations and correlations that it shares; a new structure is a new function of a few lines.  Because L, not D, is
stepped in, a singular D (a zero variance, a correlation of one) is an ordinary point.

The structures are the subject of Chapter 4 (``04_random_slopes``).

References
----------
Pinheiro, J. C., & Bates, D. M. (1996). Unconstrained parametrizations for variance-covariance matrices.
Statistics and Computing, 6, 289-296.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .errors import FormulaError

__all__ = ["Structure", "exchangeable", "identity", "independent", "lower_factor", "root", "structure", "unstructured"]


@dataclass(frozen=True)
class Structure:
    """A covariance structure for q effects.

    Attributes
    ----------
    name : str
    basis : ndarray, shape (m, q, q)
        ``L = tensordot(theta, basis, 1)``.
    sd : ndarray of int, shape (q,)
        Which standard-deviation parameter each effect has.
    corr : ndarray of int, shape (q, q)
        Which correlation parameter each pair has; -1 for none (correlation zero).
    rescaling : str
        By what the effects' columns may be transformed without leaving the structure: ``"any"`` matrix, a
        ``"diagonal"`` one, or one ``"scalar"``.
    """

    name: str
    basis: np.ndarray
    sd: np.ndarray
    corr: np.ndarray
    rescaling: str

    @property
    def n_params(self) -> int:
        return len(self.basis)

    def factor(self, theta: np.ndarray) -> np.ndarray:
        """The relative covariance factor L at theta, shape (q, q)."""
        return np.tensordot(theta, self.basis, 1)

    def theta(self, D: np.ndarray) -> np.ndarray:
        """The theta of a relative covariance matrix D, from its Cholesky factor or its symmetric root."""
        values, vectors = np.linalg.eigh(D)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        L = lower_factor(root) if self.rescaling == "any" else root @ vectors.T
        flat = self.basis.reshape(self.n_params, -1)
        return flat @ L.ravel() / (flat * flat).sum(axis=1)

    def nearest(self, D: np.ndarray, floor: float) -> np.ndarray:
        """A factor L of this structure whose L L' is near the symmetric matrix D, with no eigenvalue below `floor`."""
        values, vectors = np.linalg.eigh(D)
        root = vectors * np.sqrt(np.maximum(values, floor))
        return root if self.rescaling == "any" else self.factor(self.theta(root @ root.T))

    def frame(self, L: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same D by another factor, and the basis in which to step on from it.

        For an unstructured D the factor is turned to its principal axes, ``L = U S``, and steps are ``U`` times a lower
        triangle: a vanishing dimension is then one coordinate, and no other moves with it.
        """
        if self.rescaling != "any" or len(L) == 1:
            return L, self.basis
        U, values, _ = np.linalg.svd(L)
        return U * values, U @ self.basis

    def without_small(self, L: np.ndarray, tolerance: float) -> np.ndarray:
        """The factor with dimensions of size below `tolerance` set to zero."""
        if self.rescaling == "any":
            U, values, _ = np.linalg.svd(L)
            return U * np.where(values < tolerance, 0.0, values)
        theta = self.theta(L @ L.T)
        return self.factor(np.where(theta < tolerance, 0.0, theta))


def root(D: np.ndarray) -> np.ndarray:
    """A factor L with L L' = D of a covariance matrix; of a singular one too."""
    values, vectors = np.linalg.eigh(D)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def lower_factor(factor: np.ndarray) -> np.ndarray:
    """The lower-triangular L with L L' = factor factor' and a diagonal that is not negative; singular ones too."""
    L = np.linalg.qr(factor.T, mode="r").T
    return L * np.where(np.diagonal(L) < 0, -1.0, 1.0)


def unstructured(q: int) -> Structure:
    """Every variance and covariance free: theta is the lower triangle of L, column by column."""
    columns, rows = np.triu_indices(q)
    basis = np.zeros((len(rows), q, q))
    basis[np.arange(len(rows)), rows, columns] = 1.0
    corr = np.full((q, q), -1)
    lower = np.tril_indices(q, -1)
    corr[lower] = np.arange(len(lower[0]))
    corr.T[lower] = np.arange(len(lower[0]))
    return Structure("unstructured", basis, np.arange(q), corr, "any")


def independent(q: int) -> Structure:
    """Every variance free, all covariances zero."""
    basis = np.zeros((q, q, q))
    basis[np.arange(q), np.arange(q), np.arange(q)] = 1.0
    return Structure("independent", basis, np.arange(q), np.full((q, q), -1), "diagonal")


def identity(q: int) -> Structure:
    """One variance for all effects, all covariances zero."""
    return Structure("identity", np.eye(q)[None], np.zeros(q, dtype=int), np.full((q, q), -1), "scalar")


def exchangeable(q: int) -> Structure:
    """One variance and one covariance: L acts apart on the mean of the effects and on deviations from it."""
    mean = np.full((q, q), 1.0 / q)
    corr = np.zeros((q, q), dtype=int)
    np.fill_diagonal(corr, -1)
    return Structure("exchangeable", np.stack([np.eye(q) - mean, mean]), np.zeros(q, dtype=int), corr, "scalar")


STRUCTURES: dict[str, Callable[[int], Structure]] = {
    "unstructured": unstructured, "independent": independent, "identity": identity, "exchangeable": exchangeable}


@lru_cache(maxsize=64)
def structure(name: str, q: int) -> Structure:
    """The structure called `name` for q effects; one effect has one variance whatever the name."""
    if name not in STRUCTURES:
        raise FormulaError(f"covariance={name!r} is not known; choose one of {', '.join(STRUCTURES)}.")
    return STRUCTURES[name if q > 1 else "unstructured"](q)
