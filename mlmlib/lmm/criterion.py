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

from dataclasses import dataclass

import numpy as np

from ..covariance import Structure
from .elimination import Eliminated, OneFactor

__all__ = ["Criterion", "Evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """The criterion at one theta, with its derivatives and what they were made of.

    Attributes
    ----------
    theta : ndarray, shape (m,)
    value : float
    gradient : ndarray, shape (m,)
    hessian : ndarray, shape (m, m)
    L : ndarray, shape (q, q)
        Relative covariance factor.
    b : ndarray, shape (p,)
        Fixed effects (in the criterion's own columns).
    s2 : float
        Residual variance.
    Gamma : ndarray, shape (q, q)
        Derivative of the criterion with respect to D.
    """

    theta: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    L: np.ndarray
    b: np.ndarray
    s2: float
    Gamma: np.ndarray
    half: np.ndarray  # H^(-1/2): half @ half.T = H^-1
    parts: Eliminated
    Y: np.ndarray  # (q, p + 1, J)


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
    """

    def __init__(self, elimination: OneFactor, structures: list[Structure], n: int, reml: bool, constant: float = 0.0):
        self.elimination, self.reml, self.constant = elimination, reml, constant
        self.p = len(elimination.C) - 1
        self.degrees = n - self.p if reml else n
        self.basis = _block_basis(structures)
        weight = np.full((self.p + 1, self.p + 1), 1.0)
        if not reml:
            weight[:-1, :-1] = 0.0
        self._weight = weight

    def __call__(self, theta: np.ndarray) -> Evaluation:
        """Evaluate the criterion, its gradient and its Hessian."""
        L = np.tensordot(theta, self.basis, 1)
        parts = self.elimination.eliminate(L)
        p, degrees = self.p, self.degrees
        H, c = parts.S[:p, :p], parts.S[:p, p]
        root = np.linalg.cholesky(H)
        half = np.linalg.inv(root).T
        z = half.T @ c
        b = half @ z
        rss = parts.S[p, p] - z @ z
        s2 = rss / degrees
        value = parts.logdet + degrees * (1.0 + np.log(2.0 * np.pi * s2)) + self.constant
        if self.reml:
            value += 2.0 * np.log(np.diagonal(root)).sum()
        mix = np.zeros((p + 1, p + 1))
        mix[:p, :p] = half
        mix[:p, p] = -b / np.sqrt(s2)
        mix[p, p] = 1.0 / np.sqrt(s2)
        Y = np.matmul(mix.T, parts.W)
        own = Y if self.reml else Y[:, p:]
        flat = own.reshape(len(L), -1)
        Gamma = parts.K.sum(axis=2) - flat @ flat.T
        gradient = 2.0 * np.tensordot(self.basis, Gamma @ L, 2)
        sofar = Evaluation(theta, float(value), gradient, gradient, L, b, float(s2), Gamma, half, parts, Y)
        step = self.basis @ L.T
        curve, fit = self.curvature(sofar, step + step.transpose(0, 2, 1))
        second = np.tensordot(np.matmul(Gamma, self.basis), self.basis, ((1, 2), (1, 2)))
        hessian = curve - np.outer(fit, fit) / degrees + 2.0 * second
        return Evaluation(theta, float(value), gradient, hessian, L, b, float(s2), Gamma, half, parts, Y)

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
        K = at.parts.K
        own = at.Y if self.reml else at.Y[:, -1:]
        inner = (own[:, None] * own[None]).sum(axis=2)
        inner *= 2.0
        inner -= K
        tensor = (inner.reshape(q * q, groups) @ K.reshape(q * q, groups).T).reshape(q, q, q, q)  # a d, b c
        flat = at.Y.reshape(q * wide, groups)
        gram = (flat @ flat.T).reshape(q, wide, q, wide)
        m = len(directions)
        EF = np.tensordot(directions, tensor, ((1, 2), (0, 2)))  # k, d, c <- E_ab T_adbc
        first = EF.transpose(0, 2, 1).reshape(m, -1) @ directions.reshape(m, -1).T  # F_cd
        R = np.tensordot(directions, gram, ((1, 2), (0, 2))).reshape(m, -1)
        weight = self._weight.copy()
        weight[-1, -1] = 0.0
        if not self.reml:
            weight *= 1.0
        curve = 0.5 * (first + first.T) - (R * weight.ravel()) @ R.T
        return curve, R[:, -1]


def _block_basis(structures: list[Structure]) -> np.ndarray:
    """The bases of several terms side by side: L is block-diagonal."""
    sizes = [structure.basis.shape[1] for structure in structures]
    basis = np.zeros((sum(s.n_params for s in structures), sum(sizes), sum(sizes)))
    row = place = 0
    for structure, size in zip(structures, sizes):
        basis[row:row + structure.n_params, place:place + size, place:place + size] = structure.basis
        row, place = row + structure.n_params, place + size
    return basis
