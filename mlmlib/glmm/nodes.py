"""Gauss-Hermite rules: where an integral over normal variables is evaluated, and with which weights.

Chapter 16 (``16_binary``) shows the nodes of one group.

References
----------
Golub, G. H., & Welsch, J. H. (1969). Calculation of Gauss quadrature rules. Mathematics of Computation, 23, 221-230.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["MOST", "hermite", "product_rule"]

MOST = 151  # nodes a dimension; the rule's own weights underflow beyond


@lru_cache(maxsize=32)
def hermite(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes t and logarithms of weights w of the rule for a standard normal variable: E f(t) is near sum w f(t).

    Parameters
    ----------
    nodes : int
        1 .. 151; polynomials up to the degree 2 * nodes - 1 are integrated exactly.

    Returns
    -------
    t, log_w : ndarray, shape (nodes,)

    Examples
    --------
    >>> import numpy as np
    >>> from mlmlib.glmm.nodes import hermite
    >>> t, log_w = hermite(5)
    >>> float((np.exp(log_w) * t ** 4).sum().round(12))
    3.0
    """
    from scipy.special import roots_hermitenorm

    t, w = roots_hermitenorm(nodes)
    t = 0.5 * (t - t[::-1])  # symmetric to the last digit, so that the middle one of an odd rule is zero
    return t, np.log(w / w.sum())


@lru_cache(maxsize=32)
def product_rule(nodes: int, q: int) -> tuple[np.ndarray, np.ndarray]:
    """The rule for q independent standard normal variables: all combinations, t (nodes^q, q) and log w (nodes^q,)."""
    t, log_w = hermite(nodes)
    grid = np.stack(np.meshgrid(*[t] * q, indexing="ij"), axis=-1).reshape(-1, q)
    weights = np.stack(np.meshgrid(*[log_w] * q, indexing="ij"), axis=-1).reshape(-1, q).sum(axis=1)
    return grid, weights
