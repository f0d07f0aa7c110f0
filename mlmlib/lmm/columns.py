"""Changes of columns that make the cross-products well conditioned, whatever the units and origin of the data."""

from __future__ import annotations

import numpy as np

from ..errors import DataError

__all__ = ["orthonormalize"]

_TOLERANCE = 1e-9  # share of a column's length that must be left beside the columns before it
_STRETCH = 1 << 16  # rows handled at a time


def orthonormalize(rows: np.ndarray, names, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal rows Q and lower-triangular R with ``rows = R @ Q``.

    Parameters
    ----------
    rows : ndarray, shape (p, n)
        Columns of a design, one a row.
    names : sequence of str
        Their names, for the error.
    what : str
        What they are, for the error: ``"fixed effects"`` or ``"effects of (1 + x | g)"``.

    Returns
    -------
    Q : ndarray, shape (p, n)
    R : ndarray, shape (p, p)

    Raises
    ------
    DataError
        If a column depends linearly on those before it; it is named.

    Notes
    -----
    Cholesky-QR, twice (Yamamoto et al., 2015, Electronic Transactions on Numerical Analysis 44, 306-326), after the
    columns are brought to equal length: as accurate as Householder's QR here, and made of matrix products.
    """
    if not len(rows):
        return rows, np.empty((0, 0))
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not np.isfinite(length).all():
        raise DataError(f"The column {names[int(np.argmax(length))]!r} of the {what} holds numbers too large to "
                        "compute with; express it in larger units.")
    if not (length > 0).all():
        name = names[int(np.argmin(length))]
        mend = ("no row has this combination, so that nothing is known of it. Merge or drop categories, or leave the "
                "interaction out" if ":" in name else "remove it from the formula")
        raise DataError(f"The column {name!r} of the {what} is zero in every row; {mend}.")
    Q = rows / length[:, None]
    R = np.diag(length)
    try:
        for _ in range(2):
            C = np.linalg.cholesky(Q @ Q.T)
            if np.diagonal(C).min() < 1e-6:
                raise np.linalg.LinAlgError
            _premultiply(np.linalg.inv(C), Q)
            R = R @ C
        return Q, R
    except np.linalg.LinAlgError:
        Q, R = np.linalg.qr((rows / length[:, None]).T)
        _refuse_dependent(R, names, what)
        return Q.T, length[:, None] * R.T


def _premultiply(A: np.ndarray, Q: np.ndarray) -> None:
    """Q becomes A Q, in stretches that fit the cache: with millions of rows no second copy of Q is made."""
    for at in range(0, Q.shape[1], _STRETCH):
        Q[:, at:at + _STRETCH] = A @ Q[:, at:at + _STRETCH]


def _refuse_dependent(R, names, what) -> None:
    """Raise if a column of the triangular R has nothing left beside the columns before it."""
    left = np.abs(np.diagonal(R))
    if (left > _TOLERANCE).all() and R.shape[0] == R.shape[1]:
        return
    place = int(np.argmax(left <= _TOLERANCE))
    weights = np.linalg.lstsq(R[:, :place], R[:, place], rcond=None)[0] if place else np.empty(0)
    others = [names[k] for k in np.flatnonzero(np.abs(weights) > 1e-6)]
    if others == ["Intercept"]:
        raise DataError(f"The column {names[place]!r} of the {what} is the same in every row (it repeats the "
                        "intercept); remove it from the formula.")
    raise DataError(f"The column {names[place]!r} of the {what} is fully determined by "
                    f"{', '.join(map(repr, others))}, so its own effect cannot be told apart; remove one of them "
                    "from the formula.")
