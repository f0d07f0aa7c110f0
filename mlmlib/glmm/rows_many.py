"""Columns of several linear predictors a row, and rows without random effects.

With K predictors a row eta_ki = x_ki'b + z_ki'u a column of coefficient or effect a is an array (K, n).  Most coefficients
belong to one predictor and are zero in the others (`in_blocks`); one that all share has the same values in each (`shared`).
The operations of `mlmlib.glmm.rows` and `mlmlib.glmm.rows_several` then serve any K: weights are matrices (K, K, n).

Chapter 18 (``18_categories``) has categories with predictors of their own, Chapter 17 (``17_counts``) zeros with theirs.
"""

from __future__ import annotations

import numpy as np

__all__ = ["NoRows", "in_blocks", "shared"]


def in_blocks(columns: list[np.ndarray]) -> np.ndarray:
    """Columns of each of K predictors, (p_k, n), as columns of all, (p_1 + ... + p_K, K, n).

    Examples
    --------
    >>> import numpy as np
    >>> in_blocks([np.ones((2, 3)), np.ones((1, 3))]).shape
    (3, 2, 3)
    """
    K, n = len(columns), columns[0].shape[1]
    out = np.zeros((sum(len(own) for own in columns), K, n))
    at = 0
    for k, own in enumerate(columns):
        out[at:at + len(own), k] = own
        at += len(own)
    return out


def shared(columns: np.ndarray, K: int) -> np.ndarray:
    """Columns (p, n) that all K predictors share, (p, K, n)."""
    return np.repeat(columns[:, None], K, axis=1)


class NoRows:
    """The random effects of a model that has none, for criteria and searches that ask for them.

    Parameters
    ----------
    shape : tuple
        Of a linear predictor, (n,) or (K, n).
    """

    size = q = 0
    parts: tuple = ()
    members: tuple = ()

    def __init__(self, shape: tuple):
        self.shape = shape

    def gather(self, r: np.ndarray) -> np.ndarray:
        return np.zeros(0)

    def spread(self, u: np.ndarray) -> np.ndarray:
        return np.zeros(self.shape)

    def cross(self, w: np.ndarray) -> None:
        return None

    def own(self, A) -> list:
        return []

    def scale(self, L: np.ndarray, v: np.ndarray) -> np.ndarray:
        return v

    turn = scale

    def outer(self, g: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.zeros((0, 0))

    def eliminate(self, A, L: np.ndarray) -> _Nothing:
        return _Nothing()

    def leverages(self, inverse: _Nothing) -> np.ndarray:
        return np.zeros(self.shape if len(self.shape) == 1 else (self.shape[0], *self.shape))


class _Nothing:
    """An inverse of size zero."""

    logdet = 0.0

    def solve(self, g: np.ndarray) -> np.ndarray:
        return g

    def posterior(self, k: int = 0) -> np.ndarray:
        return np.zeros((0, 0, 0))

    def slopes(self) -> np.ndarray:
        return np.zeros((0, 0))

    def information(self, dD: np.ndarray) -> np.ndarray:
        return np.zeros((len(dD), len(dD)))
