"""Separation of categories: a direction of the coefficients in which no row's category becomes less probable, and some more.

Of ordered categories a direction (d, e) of coefficients and thresholds does so when e_y - x'd >= 0 for the upper and
x'd - e_(y-1) >= 0 for the lower threshold of every row; of unordered ones when x'(d_y - d_l) >= 0 for every other category l.  `separation`
finds it by linear programs.

Chapter 18 (``18_categories``).

References
----------
Albert, A., & Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic regression models.
Biometrika, 71, 1-10.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .separation import find_direction

__all__ = ["ordered_rows", "refuse", "suspected", "unordered_rows"]

_SURE = 1e-4  # probability that a row lacks to 1 from which separation is looked for


def ordered_rows(X: np.ndarray, codes: np.ndarray, C: int) -> tuple[np.ndarray, np.ndarray]:
    """What must not fall, one row each of (d, e): columns (m, p + C - 1), and the row of the data it belongs to."""
    out, owner = [], []
    for rows, place, sign in ((np.flatnonzero(codes < C - 1), codes, 1.0),
                              (np.flatnonzero(codes > 0), codes - 1, -1.0)):
        own = np.zeros((len(rows), X.shape[1] + C - 1))
        own[:, :X.shape[1]] = -sign * X[rows]
        own[np.arange(len(rows)), X.shape[1] + place[rows]] = sign
        out.append(own)
        owner.append(rows)
    return np.concatenate(out), np.concatenate(owner)


def unordered_rows(X: np.ndarray, codes: np.ndarray, C: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of unordered categories, with the coefficients of all but the first."""
    p, out, owner = X.shape[1], [], []
    for other in range(C):
        rows = np.flatnonzero(codes != other)
        own = np.zeros((len(rows), C, p))
        own[np.arange(len(rows)), codes[rows]] = X[rows]
        own[:, other] = -X[rows]
        out.append(own[:, 1:].reshape(len(rows), -1))
        owner.append(rows)
    return np.concatenate(out), np.concatenate(owner)


def refuse(model, made: tuple[np.ndarray, np.ndarray], names) -> None:
    """Refuse coefficients that would run to infinity, naming them.

    Parameters
    ----------
    model : FixedOnly
    made : (columns, owner)
        Of `ordered_rows` or `unordered_rows`.
    names : sequence of str
        The coefficients, first among the columns.
    """
    rows, owner = made
    none = np.zeros(len(rows), dtype=bool)
    direction = find_direction(rows, none, ~none)
    if direction is None:
        return
    used = [name for name, value in zip(names, direction.d) if value and not name.endswith("Intercept")]
    count = len(np.unique(owner[direction.moved > 0]))
    who = " and ".join([", ".join(map(repr, used[:-1])), repr(used[-1])]) + " together tell" if len(used) > 1 else (
        f"{used[0]!r} tells" if used else "the intercept tells")
    out = sorted({name.rpartition(": ")[2] for name in used})
    raise DataError(f"Separation: {who} the category of {model.design.endog_name!r} from others in {count} rows "
                    "without error. The "
                    "likelihood has no maximum: coefficients would run to infinity and their standard errors mean "
                    "nothing. "
                    f"Leave {' or '.join(map(repr, out)) or 'the intercept'} out, join categories, or collect more "
                    "data; a Bayesian "
                    "or penalized fit can keep it.")


def suspected(terms, found: bool, weights) -> bool:
    """True where a search should look for separation: some row's category is nearly certain, or no maximum was found."""
    value = terms.value if weights is None else terms.value / weights
    return not found or bool((value > -_SURE).any())
