"""The criterion of a linear mixed model: -2 log-likelihood, or the REML criterion, with exact derivatives.

Fixed effects b and the residual variance s2 are profiled out, so that only theta, the parameters of the relative
covariance factor L(theta), is left.  With H = X'V^-1X, rss = (y - Xb)'V^-1(y - Xb) and N = n - p for REML, n for ML,

    criterion = log|V| + N (1 + log(2 pi rss / N))  [+ log|H| for REML].

Derivatives are taken with respect to the relative covariance D = L L'.  Let K_j = Z_j'V_j^-1 Z_j and let the columns of
Y_j be Z_j'V_j^-1 X_j H^(-1/2) and Z_j'V_j^-1 (y - Xb)_j / s.  Then in direction E

    d criterion = tr(Gamma E),   Gamma = sum_j K_j - sum_j Y_j Y_j'

(for ML the last column of Y_j alone), and the second derivative in directions E, F is

    sum_j tr(E (2 Y_j Y_j' - K_j) F K_j) - <R_E, R_F>,   R_E = sum_j Y_j' E Y_j.

Chapter 7 (``07_estimation``) derives the criterion and its gradient.

References
----------
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models using lme4.
Journal of Statistical Software, 67(1), eqs. 34 and 42.
Searle, S. R., Casella, G., & McCulloch, C. E. (1992). Variance Components. Wiley, chapter 6.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..covariance import Structure
from .start import moment_start

__all__ = ["Criterion", "Evaluation"]

_TO_COME = np.zeros((0, 0))  # in place of a Hessian that is made from the rest of its evaluation


@dataclass(frozen=True)
class Evaluation:
    """The criterion at one relative covariance factor L, with its derivatives and what they were made of.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (m,)
        In the coordinates d of ``L + sum_k d_k basis[k]``.
    hessian : ndarray, shape (m, m)
    L : ndarray, shape (q, q)
    basis : ndarray, shape (m, q, q)
    b : ndarray, shape (p,)
        Fixed effects (in the criterion's own columns).
    s2 : float
        Residual variance.
    Gamma : ndarray, shape (q, q)
        Derivative of the criterion with respect to D = L L'.
    half : ndarray, shape (p, p)
        ``half @ half.T`` is the inverse of X'V^-1X.
    parts : Eliminated
    Y : ndarray, shape (q, p + 1, J), or with several grouping factors a list of them
    """

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    L: np.ndarray
    basis: np.ndarray
    b: np.ndarray
    s2: float
    Gamma: np.ndarray
    half: np.ndarray
    parts: Any  # as the criterion's elimination makes them
    Y: Any


class Criterion:
    """The (REML) criterion as a function of theta.

    Parameters
    ----------
    elimination : OneFactor
        Cross-products, with the outcome as the last column.
    structures : sequence of Structure
        One for each random term, in the order of the elimination's effects.
    n : int
        Number of rows.
    reml : bool
    constant : float
        Added to the criterion: the log-determinants of the changes of columns and of the weights.
    held : float, optional
        The residual variance where it is known, as in the working model of a binomial outcome.
    """

    elimination: Any  # OneFactor, in subclasses others; `Evaluation.parts` and `Evaluation.Y` are of its kind
    rows: np.ndarray  # whitened columns [Z X y], of a model with structured residuals

    def __init__(self, elimination: Any, structures: list[Structure], n: int, reml: bool, constant: float = 0.0,
                 held: float | None = None):
        self.elimination, self.structures = elimination, structures
        self.reml, self.constant, self.held = reml, constant, held
        self.p = len(elimination.C) - 1
        self.degrees = n - self.p if reml else n
        self.basis = block_basis(structures)
        self.blocks = block_slices(len(shape.sd) for shape in structures)
        self.places = block_slices(shape.n_params for shape in structures)
        self._log_scale = self.degrees * (1.0 + float(np.log(2.0 * np.pi / self.degrees))) + constant
        weight = np.ones((self.p + 1, self.p + 1))
        weight[-1, -1] = 0.0
        if not reml:
            weight[:-1, :-1] = 0.0
        self._weight = weight.ravel()

    def __call__(self, theta: np.ndarray) -> Evaluation:
        """The criterion at theta; derivatives are with respect to theta."""
        return self.evaluate(self.factor(theta), self.basis)

    def factor(self, theta: np.ndarray) -> np.ndarray:
        """The block-diagonal relative covariance factor L at theta."""
        return (theta @ self.basis.reshape(len(theta), -1)).reshape(self.basis.shape[1:])

    def start(self) -> Evaluation:
        """The criterion where the search begins, from moments."""
        return self.settle(moment_start(self.elimination, self.structures, self.blocks, self.basis, self.degrees))

    def advance(self, at: Evaluation, step: np.ndarray) -> Evaluation:
        """The criterion a step on from another evaluation, in that one's coordinates."""
        return self.settle(at.L + (step @ at.basis.reshape(len(step), -1)).reshape(at.L.shape))

    def settle(self, L: np.ndarray) -> Evaluation:
        """The criterion at L, each term's block of it turned to the frame in which to step on."""
        turned, basis = np.zeros_like(L), np.zeros_like(self.basis)
        for shape, block, place in zip(self.structures, self.blocks, self.places):
            turned[block, block], basis[place, block, block] = shape.frame(L[block, block])
        return self.evaluate(turned, basis)

    def evaluate(self, L: np.ndarray, basis: np.ndarray) -> Evaluation:
        """The criterion, its gradient and its Hessian at L, in the coordinates of `basis`."""
        p, q = self.p, self.elimination.q
        parts = self.elimination.eliminate(L)
        value, b, s2, half, mix = self.profiled(parts.logdet, parts.S)
        Y = mix @ parts.W
        own = (Y if self.reml else Y[:, p:]).reshape(q, -1)
        Gamma = parts.K.sum(axis=2) - own @ own.T
        flat = basis.reshape(len(basis), -1)
        gradient = 2.0 * (flat @ (Gamma @ L).ravel())
        at = Evaluation(value, gradient, _TO_COME, L, basis, b, s2, Gamma, half, parts, Y)
        slope = basis @ L.T
        curve, fit = self.curvature(at, slope + slope.transpose(0, 2, 1))
        second = (Gamma @ basis).reshape(len(basis), -1) @ flat.T
        return replace(at, hessian=curve - self.profile_term(fit) + 2.0 * second)

    def profile_term(self, fit: np.ndarray) -> np.ndarray:
        """What profiling the residual variance takes from the curvature: nothing where it is known."""
        return np.multiply.outer(fit, fit / self.degrees) if self.held is None else np.zeros((len(fit),) * 2)

    def profiled(self, logdet: float, S: np.ndarray) -> tuple[float, np.ndarray, float, np.ndarray, np.ndarray]:
        """The criterion's value, b, s2, half of the inverse of X'V^-1X, and the mix that takes Z'V^-1[X y] to Y."""
        p = self.p
        root = np.linalg.cholesky(S[:p, :p])
        half = np.linalg.inv(root).T
        z = S[p, :p] @ half
        b = half @ z
        rss = float(S[p, p] - z @ z)
        s = math.sqrt(rss / self.degrees if self.held is None else self.held)
        if self.held is None:
            value = logdet + self.degrees * math.log(rss) + self._log_scale
        else:
            value = logdet + self.degrees * math.log(2.0 * math.pi * self.held) + rss / self.held + self.constant
        if self.reml:
            value += 2.0 * float(np.log(root.diagonal()).sum())
        mix = np.zeros((p + 1, p + 1))
        mix[:p, :p] = half.T
        mix[p, :p] = b / -s
        mix[p, p] = 1.0 / s
        return value, b, s * s, half, mix

    def curvature(self, at: Evaluation, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Second derivatives in D, the residual variance held fixed, and in D and log s2 together.

        Parameters
        ----------
        at : Evaluation
        directions : ndarray, shape (m, q, q)
            Symmetric matrices E.

        Returns
        -------
        ndarray, shape (m, m)
            Second derivatives of the criterion in the directions.
        ndarray, shape (m,)
            Second derivatives in each direction and log s2; that in log s2 twice is N.
        """
        q, wide, groups = at.Y.shape
        K, m = at.parts.K, len(directions)
        own = at.Y if self.reml else at.Y[:, -1:]
        inner = 2.0 * (own[:, None] * own).sum(axis=2) - K
        tensor = (inner.reshape(q * q, groups) @ K.reshape(q * q, groups).T).reshape(q, q, q, q)  # a d, b c
        flat = at.Y.reshape(q * wide, groups)
        gram = (flat @ flat.T).reshape(q, wide, q, wide)
        E = directions.reshape(m, q * q)
        first = E @ tensor.transpose(0, 2, 3, 1).reshape(q * q, q * q) @ E.T  # E_ab F_cd T_adbc
        R = E @ gram.transpose(0, 2, 1, 3).reshape(q * q, wide * wide)
        curve = 0.5 * (first + first.T) - (R * self._weight) @ R.T
        return curve, R[:, -1]

    def search_curvature(self, at: Evaluation, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `curvature`, or nearly so where the exact one is dear: what a search steps by."""
        return self.curvature(at, directions)

    def at_variance(self, at: Evaluation, s2: float) -> tuple[Evaluation, float]:
        """An evaluation at another residual variance than the best one, and its derivative in log s."""
        ratio, N = at.s2 / s2, self.degrees
        value = at.value + N * float(ratio - 1.0 - np.log(ratio))
        return replace(at, value=value, s2=s2, **self._rescaled(at, ratio)), 2.0 * N * (1.0 - ratio)

    def _rescaled(self, at: Evaluation, ratio: float) -> dict:
        own, Y = at.Y[:, -1], at.Y.copy()
        Y[:, -1] *= np.sqrt(ratio)
        return {"Gamma": at.Gamma + (1.0 - ratio) * own @ own.T, "Y": Y}

    def fixed_sums(self, at: Evaluation, directions: np.ndarray) -> np.ndarray:
        """Sum over the groups of Y'EY for each direction, Y's columns of X alone, shape (m, p, p)."""
        own = at.Y[:, :-1]  # Z_j'V_j^-1 X_j H^(-1/2)
        return np.einsum("apj,mab,brj->mpr", own, directions, own, optimize=True)


def block_slices(sizes: Iterable[int]) -> list[slice]:
    """Consecutive slices of the given sizes."""
    slices, at = [], 0
    for size in sizes:
        slices.append(slice(at, at + size))
        at += size
    return slices


def block_basis(structures: list[Structure]) -> np.ndarray:
    """The bases of several terms side by side: L is block-diagonal."""
    blocks = block_slices(len(shape.sd) for shape in structures)
    places = block_slices(shape.n_params for shape in structures)
    basis = np.zeros((places[-1].stop, blocks[-1].stop, blocks[-1].stop))
    for shape, block, place in zip(structures, blocks, places):
        basis[place, block, block] = shape.basis
    return basis
