"""Least squares that leaves out, by name and with the reason, the columns it cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError

__all__ = ["Regression", "independent", "regress"]

_TOLERANCE = 1e-9  # share of a column's length that must be left beside the columns before it


@dataclass(frozen=True)
class Regression:
    """A regression of transformed outcomes on transformed columns.

    Attributes
    ----------
    kept : ndarray of int
        The columns estimated.
    y, X : ndarray, shapes (m,), (m, k)
        What was regressed on what; X has the kept columns (after an instrumental fit, their projections).
    b : ndarray, shape (k,)
    inverse : ndarray, shape (k, k)
        Of X'X.
    resid : ndarray, shape (m,)
    df : int
        Residual degrees of freedom, those of absorbed effects taken off.
    codes : ndarray of int, shape (m,)
        The group of each transformed row.
    """

    kept: np.ndarray
    y: np.ndarray
    X: np.ndarray
    b: np.ndarray
    inverse: np.ndarray
    resid: np.ndarray
    df: int
    codes: np.ndarray

    @property
    def ssr(self) -> float:
        return float(self.resid @ self.resid)

    @property
    def s2(self) -> float:
        return self.ssr / self.df

    @property
    def cov(self) -> np.ndarray:
        return self.s2 * self.inverse


def independent(X: np.ndarray, size=None) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Orthonormal Q and triangular R of the columns that do not follow from earlier ones.

    Parameters
    ----------
    X : ndarray, shape (m, p)
    size : ndarray, shape (p,), optional
        Lengths that columns had before they were transformed, by which what is left of them is judged.

    Returns
    -------
    kept : ndarray of int, shape (k,)
    Q, R : ndarray, shapes (m, k), (k, k)
    follows : dict
        Of each column left out: the earlier columns that it is made of (none for a column of zeros).
    """
    m, p = X.shape
    length = np.sqrt((X ** 2).sum(axis=0))
    size = length if size is None else np.maximum(size, length)
    Q, R, kept, follows = np.empty((m, p)), np.zeros((p, p)), [], dict[int, tuple[int, ...]]()
    for j in range(p):
        k = len(kept)
        if k == m or length[j] <= _TOLERANCE * size[j] or not length[j]:
            follows[j] = ()
            continue
        left, part = X[:, j].copy(), np.zeros(k)
        for _ in range(3):  # Gram-Schmidt, again and again until orthogonal to rounding
            step = Q[:, :k].T @ left
            left -= Q[:, :k] @ step
            part += step
        rest = np.sqrt(left @ left)
        if rest <= _TOLERANCE * size[j]:
            weights = np.linalg.solve(R[:k, :k], part) * length[kept] / length[j]
            follows[j] = tuple(kept[i] for i in np.flatnonzero(np.abs(weights) > 1e-7))
            continue
        Q[:, k], R[:k, k], R[k, k] = left / rest, part, rest
        kept.append(j)
    k = len(kept)
    return np.array(kept, dtype=int), Q[:, :k], R[:k, :k], follows


def regress(y, X, codes, absorbed: int = 0, size=None, what: str = "coefficients") -> tuple[Regression, dict]:
    """Regress y on the columns of X that can be told apart; `absorbed` degrees of freedom went to effects before."""
    kept, Q, R, follows = independent(X, size)
    df = len(y) - len(kept) - absorbed
    if df <= 0:
        raise DataError(f"{len(y)} observations cannot carry {len(kept)} {what}{f', {absorbed} effects' * bool(absorbed)} "
                        "and a residual; drop predictors or collect more data.")
    part = Q.T @ y
    root = np.linalg.solve(R, np.eye(len(kept)))
    resid = y - Q @ part
    resid -= Q @ (Q.T @ resid)
    return Regression(kept, y, X[:, kept], root @ part, root @ root.T, resid, df, codes), follows
