"""Who is in which group, arm and wave: the tables of the planned designs, without outcomes.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

import numpy as np

__all__ = ["arms", "codes", "drawn_sizes"]


def arms(groups: int, share: float, rng) -> np.ndarray:
    """1 for a random share of the groups, 0 for the others; at least one in each arm."""
    treated = min(max(round(groups * share), 1), groups - 1)
    return rng.permutation(np.arange(groups) < treated).astype(float)


def drawn_sizes(groups: int, n: float, cv: float, rng, sizes=None) -> np.ndarray:
    """Group sizes: those given in a random order; else whole numbers with mean n and coefficient of variation cv."""
    if sizes is not None:
        return rng.permutation(np.asarray(sizes, dtype=int))
    if cv == 0.0:
        whole = np.full(groups, int(n))
        more = round((n - int(n)) * groups)
        whole[rng.permutation(groups)[:more]] += 1
        return whole
    return np.maximum(1, np.round(rng.gamma(1.0 / cv ** 2, n * cv ** 2, groups))).astype(int)


def codes(sizes: np.ndarray) -> np.ndarray:
    """The group of each row, from 1."""
    return np.repeat(np.arange(1, len(sizes) + 1), sizes)
