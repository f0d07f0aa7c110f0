"""What a public function is handed: a fit, or a table that has the columns named; anything else is one clear error."""

from __future__ import annotations

import functools

import numpy as np

from .errors import DataError

__all__ = ["LARGEST", "refuse_plain", "refuse_scale", "takes_fit", "the_columns"]

LARGEST = 1e140  # whose square, summed and squared again, a float still holds

_A_FIT = "a fitted model, as in fit = mlm.lmm('y ~ x + (1 | g)', data)"


def refuse_plain(value, what: str, wanted: str = _A_FIT) -> None:
    """Refuse None, numbers, text, lists, dicts, arrays and tables where a result is needed."""
    kind = type(value)
    plain = value is None or isinstance(value, (str, bytes, int, float, complex, list, tuple, set, dict)) or callable(value)
    if plain or hasattr(kind, "iloc") or hasattr(kind, "column_names") or kind.__module__ == "numpy":
        raise DataError(f"{what} needs {wanted}; it was given {'None' if value is None else f'a value of type {kind.__name__}'}.")


def takes_fit(function):
    """Refuse a first argument that cannot be a fit, naming the function."""
    name = f"mlm.{function.__name__}"

    @functools.wraps(function)
    def inner(fit, *args, **kwargs):
        refuse_plain(fit, name)
        return function(fit, *args, **kwargs)

    return inner


def the_columns(data, names, what: str) -> None:
    """Refuse what is no DataFrame, one without rows, and columns that are missing or there twice."""
    if not hasattr(type(data), "iloc") or not hasattr(type(data), "columns"):
        raise DataError(f"{what} takes a pandas DataFrame, not {type(data).__name__}; pandas.DataFrame(...) makes one.")
    known = list(data.columns)
    for name in names:
        if name not in known:
            raise DataError(f"There is no column {name!r}; the columns are {', '.join(map(str, known[:20]))}.")
        if known.count(name) > 1:
            raise DataError(f"Several columns are called {name!r}. Rename or drop all but one of them.")


def refuse_scale(name: str, y: np.ndarray) -> None:
    """Refuse an outcome whose squares are beyond what a float can hold."""
    peak = float(np.abs(y).max(initial=0.0))
    if peak > LARGEST or 0 < peak < 1 / LARGEST:
        kind, units = ("large", "larger") if peak > 1 else ("small", "smaller")
        raise DataError(f"The outcome {name!r} holds numbers too {kind} to compute with; express it in {units} units.")
