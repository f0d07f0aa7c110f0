"""Changes of columns that make the cross-products well conditioned, whatever the units and origin of the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import DataError
from ..given import LARGEST

__all__ = ["orthonormalize", "refuse_extreme"]

_TOLERANCE = 1e-9  # share of a column's length that must be left beside the columns before it
_STRETCH = 1 << 16  # rows handled at a time


def orthonormalize(rows: np.ndarray, names: Sequence[str], what: str) -> tuple[np.ndarray, np.ndarray]:
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
        if rows[int(np.argmin(length))].any():
            raise DataError(f"The column {name!r} of the {what} holds numbers too small to compute with; express it in "
                            "smaller units.")
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
        _refuse_dependent(R, names, what, rows)
        return Q.T, length[:, None] * R.T


def refuse_extreme(rows: np.ndarray, names: Sequence[str], what: str) -> None:
    """Refuse columns whose squares a float cannot hold, and those that vary too little beside their size."""
    for row, name in zip(rows, names):
        peak, spread = float(np.abs(row).max(initial=0.0)), float(np.ptp(row)) if row.size else 0.0
        if peak > LARGEST or 0 < peak < 1 / LARGEST:
            kind, units = ("large", "larger") if peak > 1 else ("small", "smaller")
            raise DataError(f"The column {name!r} of the {what} holds numbers too {kind} to compute with; express it in {units} units.")
        if 0 < spread < _TOLERANCE * peak:
            raise DataError(_too_flat(name, what, peak))


def _too_flat(name: str, what: str, size: float) -> str:
    return (f"The column {name!r} of the {what} varies so little beside its size (about {size:.3g}) that it cannot be told from "
            f"the intercept; subtract a constant first, as in center({name}).")


def _premultiply(A: np.ndarray, Q: np.ndarray) -> None:
    """Q becomes A Q, in stretches that fit the cache: with millions of rows no second copy of Q is made."""
    for at in range(0, Q.shape[1], _STRETCH):
        Q[:, at:at + _STRETCH] = A @ Q[:, at:at + _STRETCH]


def _refuse_dependent(R: np.ndarray, names: Sequence[str], what: str, rows: np.ndarray | None = None) -> None:
    """Raise if a column of the triangular R has nothing left beside the columns before it."""
    left = np.abs(np.diagonal(R))
    if (left > _TOLERANCE).all() and R.shape[0] == R.shape[1]:
        return
    place = int(np.argmax(left <= _TOLERANCE))
    weights = np.linalg.lstsq(R[:, :place], R[:, place], rcond=None)[0] if place else np.empty(0)
    others = [names[k] for k in np.flatnonzero(np.abs(weights) > 1e-6).tolist()]
    if others == ["Intercept"] and rows is not None and np.ptp(rows[place]) > 0:
        raise DataError(_too_flat(names[place], what, float(np.median(rows[place]))))
    if others == ["Intercept"]:
        raise DataError(f"The column {names[place]!r} of the {what} is the same in every row (it repeats the "
                        "intercept); remove it from the formula.")
    raise DataError(f"The column {names[place]!r} of the {what} is fully determined by "
                    f"{', '.join(map(repr, others))}, so its own effect cannot be told apart; remove one of them "
                    "from the formula.")
