"""Separation: a direction of the coefficients along which the likelihood rises for ever.

Rows whose outcome is the least there can be (0, or no success) grow likelier the smaller their linear predictor is, rows
whose outcome is the greatest (every trial a success) the larger it is.  A direction d with x'd <= 0 in the first, x'd >= 0
in the second, x'd = 0 in all others, and not zero everywhere has no end: the coefficients run to infinity, with random
effects as without, for any given effects.  Linear programs find it, and a small
set of columns that will do.

Chapter 16 (``16_binary``) shows one.

References
----------
Albert, A., & Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic regression models.
Biometrika, 71, 1-10.
Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic regression models (Doctoral
thesis, University of Oxford).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Direction", "ends", "find_direction", "separation_message"]

_ZERO = 1e-7
_MOST = 40  # categories of which all pairs are looked at
_COUNTS = ("poisson", "nbinom1", "nbinom2", "geometric")


@dataclass(frozen=True)
class Direction:
    """Where the coefficients run to.

    Attributes
    ----------
    d : ndarray, shape (p,)
        The direction, in the reader's columns.
    moved : ndarray, shape (n,)
        x'd of the rows, the largest being 1 in size.
    complete : bool
        True where every row moves.
    """

    d: np.ndarray
    moved: np.ndarray
    complete: bool


def ends(density) -> tuple[np.ndarray, np.ndarray] | None:
    """Which rows have the least, and which the greatest outcome that there can be; None for families without ends."""
    name, y = density.family.name, density.y
    if name in ("binomial", "bernoulli"):
        return y == 0, y == (1.0 if density.trials is None else density.trials)
    if name in _COUNTS and density.link.name == "log":
        return y == 0, np.zeros(len(y), dtype=bool)
    return None


def find_direction(X: np.ndarray, low: np.ndarray, high: np.ndarray, design=None) -> Direction | None:
    """A direction of recession with few columns, or None.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        The intercept, where there is one, first.
    low, high : ndarray of bool, shape (n,)
        Rows with the least and with the greatest outcome; rows with both say nothing.
    design : Design, optional
        Its categories are tried first, without a linear program.
    """
    simple = None if design is None else _category(X, low, high, _sets(design))
    if simple is not None:
        return simple
    size = np.sqrt(np.mean(X ** 2, axis=0))
    scaled = X / size
    signed = np.unique(np.concatenate([-scaled[low & ~high], scaled[high & ~low]]), axis=0)
    held = scaled[~low & ~high]
    kept = list(range(X.shape[1]))
    d = _widest(signed, held, kept)
    if d is None:
        return None
    part = np.abs(d)
    for k in sorted(kept, key=lambda k: (k == 0, part[k])):  # as few columns as will do, the intercept tried last
        fewer = [other for other in kept if other != k]
        without = _widest(signed, held, fewer) if fewer else None
        if without is not None:
            kept, d = fewer, without
    apart = _margin(signed, kept) if not len(held) else None
    d = d if apart is None else apart
    moved = scaled @ d
    moved = moved / np.abs(moved).max()
    moved[np.abs(moved) < _ZERO] = 0.0
    return Direction(d / size, moved, apart is not None)


def _widest(signed, held, kept) -> np.ndarray | None:
    """Of the directions in some columns that separate, one that moves rows the most; None where there is none."""
    from scipy.optimize import linprog
    rows = signed[:, kept]
    null = np.eye(len(kept))
    if len(held):
        values, vectors = np.linalg.eigh(held[:, kept].T @ held[:, kept])
        null = vectors[:, values <= 1e-10 * len(held)]
        if not null.shape[1]:
            return None
    inner = rows @ null
    found = linprog(-inner.sum(axis=0), A_ub=-inner, b_ub=np.zeros(len(inner)), bounds=(-1, 1))
    if found.status != 0 or not -found.fun > _ZERO * len(signed):
        return None
    d = np.zeros(signed.shape[1])
    d[kept] = null @ found.x
    d[np.abs(d) < _ZERO * np.abs(d).max()] = 0.0
    return d


def _margin(signed, kept) -> np.ndarray | None:
    """The direction that keeps every row farthest from zero; None where some row cannot move."""
    from scipy.optimize import linprog
    rows = np.column_stack([-signed[:, kept], np.ones(len(signed))])
    found = linprog(np.append(np.zeros(len(kept)), -1.0), A_ub=rows, b_ub=np.zeros(len(rows)),
                    bounds=[*[(-1, 1)] * len(kept), (None, None)])
    if found.status != 0 or not found.x[-1] > _ZERO:
        return None
    d = np.zeros(signed.shape[1])
    d[kept] = found.x[:-1]
    return d


def separation_message(design, names, direction: Direction, density) -> str:
    """What separates, named, and the mend."""
    moved = direction.moved != 0
    used = [name for name, value in zip(names, direction.d) if value]
    outcome = design.endog_name
    up, down = direction.moved > 0, direction.moved < 0
    counts = density.family.name in _COUNTS
    least = "0" if density.trials is None else "no success"
    most = "1" if density.trials is None else "nothing but successes"
    place = _where(design, moved) if up.any() != down.any() else None
    kind = "complete" if direction.complete and not counts else "quasi-complete"
    if place is not None:
        said = (f"in all {int(moved.sum())} rows where {place} the outcome {outcome!r} is "
                f"{most if up.any() else least}, so that the effect of this is without bound")
        mend = "Merge this category with another, drop its rows or leave the variable out"
    else:
        numbers = [name for name in used if name != "Intercept"]
        cut = _cut(design, names, direction, used) if len(numbers) == 1 else None
        if cut is not None:
            name, value, above = cut
            said = (f"the outcome {outcome!r} is {most if above else least} in every row with {name!r} above "
                    f"{value:.4g} and {least if above else most} in every row below")
        else:
            which = f"{', '.join(map(repr, numbers[:-1]))} and {numbers[-1]!r} together" if len(numbers) > 1 else (
                repr(numbers[0]) if numbers else "the intercept")
            said = f"{which} tell{'s' if len(numbers) < 2 else ''} the outcome {outcome!r} in {int(moved.sum())} rows without error"
        mend = f"Leave {' or '.join(map(repr, numbers)) or 'the intercept'} out, or collect more data"
    return (f"Separation ({kind}): {said}. The likelihood has no maximum: coefficients would run to infinity and their "
            f"standard errors mean nothing. {mend}; a Bayesian or penalized fit can keep it.")


def _sets(design) -> list[tuple[str, np.ndarray]]:
    """Words and rows of every category of the fixed part, and of every pair of categories of two variables."""
    from ..table import Categorical
    found = []
    for factor, values in design.fixed_values().items():
        if isinstance(values, Categorical):
            found.append([(f"{factor.label!r} is {_plain(level)}", values.codes == code)
                          for code, level in enumerate(values.levels)])
        elif values.ndim == 1:
            levels = np.unique(values)
            if len(levels) == 2:
                found.append([(f"{factor.label!r} is {level:g}", values == level) for level in levels])
    single = [one for own in found for one in own]
    if len(single) > _MOST:
        return single
    return single + [(f"{words} and {other}", rows & more) for k, own in enumerate(found) for words, rows in own
                     for another in found[k + 1:] for other, more in another]


def _category(X: np.ndarray, low, high, sets) -> Direction | None:
    """The direction of the first category whose rows all have one and the same end of the outcome."""
    cross = np.linalg.pinv(X.T @ X)
    for _, rows in sets:
        if not rows.any() or rows.all() or not (low[rows].all() or high[rows].all()):
            continue
        moved = (1.0 if high[rows].all() else -1.0) * rows
        d = cross @ (X.T @ moved)
        if np.abs(X @ d - moved).max() < 1e-6:  # the columns can tell these rows from the others
            return Direction(d, moved, False)
    return None


def _where(design, moved: np.ndarray) -> str | None:
    """Words for a set of rows that one category, or a pair of categories, picks out."""
    return next((words for words, rows in _sets(design) if np.array_equal(rows, moved)), None)


def _plain(level) -> str:
    return repr(level) if isinstance(level, str) else str(level)


def _cut(design, names, direction: Direction, used) -> tuple[str, float, bool] | None:
    """Of complete separation by one column: its name, the value that parts the outcomes, and whether above is more."""
    column = next(k for k, name in enumerate(names) if name in used and name != "Intercept")
    values = design.X[:, column]
    up, down = direction.moved > 0, direction.moved < 0
    if not (up.any() and down.any()) or not direction.complete:
        return None
    above = bool(values[up].min() > values[down].max())
    if not above and not values[down].min() > values[up].max():
        return None
    low, high = (down, up) if above else (up, down)
    return names[column], float(0.5 * (values[low].max() + values[high].min())), above
