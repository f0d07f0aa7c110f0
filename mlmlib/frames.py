"""The tables that results hand out: pandas where it is installed, else columns with names, of NumPy alone.

``from .. import frames as pd`` gives pandas itself.  Without it (a browser's Python, ``pip install --no-deps``) `Series`
and `DataFrame` below stand in, with what a result needs to be read: labels, columns, arrays, arithmetic, printing.
Everything else names pandas and how to install it.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from .display import number, text_table
from .optional import needs


def __getattr__(name: str):
    """What pandas has under this name, or its stand-in."""
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        with needs(f"A table ({name})"):
            import pandas
    except ModuleNotFoundError:
        if name in _OWN:
            return _OWN[name]
        raise
    return getattr(pandas, name)


class _Labeled:
    """Values with a label each; what only pandas has is refused by name."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"{name!r} of a table needs the package pandas, which is not installed: pip install pandas")

    def __len__(self):
        return len(self.index)

    def _place(self, label) -> int:
        found = [k for k, own in enumerate(self.index) if own == label]
        if not found:
            raise KeyError(label)
        return found[0]


class _Series(_Labeled):
    """One column: ``s["x"]``, ``s.index``, ``s.to_numpy()``, arithmetic."""

    def __init__(self, data, index=None, name=None, dtype=None):
        if isinstance(data, dict):
            data, index = list(data.values()), list(data)
        self.values, self.name = np.asarray(data, dtype=dtype), name
        self.index = _labels(index, len(self.values))

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __iter__(self):
        return iter(self.values)

    def __contains__(self, label):
        return label in self.index

    def __getitem__(self, key):
        if isinstance(key, slice) or np.ndim(key):
            return _Series(self.values[key], self.index[key], self.name)
        return self.values[self._place(key)]

    @property
    def ndim(self):
        return 1

    def get(self, label, default=None):
        return self[label] if label in self.index else default

    def items(self):
        return zip(self.index, self.values)

    def keys(self):
        return self.index

    def to_numpy(self):
        return self.values.copy()

    def tolist(self):
        return self.values.tolist()

    def to_dict(self):
        return dict(zip(self.index, self.tolist()))

    def round(self, digits=0):
        return _Series(np.round(self.values, digits), self.index, self.name)

    def copy(self):
        return _Series(self.values.copy(), self.index, self.name)

    def min(self):
        return self.values.min()

    def max(self):
        return self.values.max()

    def mean(self):
        return self.values.mean()

    def sum(self):
        return self.values.sum()

    def __repr__(self):
        return text_table(("", self.name or ""), _shown(self.index, [self.values]))


def _operator(name):
    def inner(self, other):
        other = other.values if isinstance(other, _Series) else other
        return _Series(getattr(self.values, name)(other), self.index, self.name)
    return inner


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(_Series, f"__{_name}__", _operator(f"__{_name}__"))


class _DataFrame(_Labeled):
    """Columns by name: ``t["se"]``, ``t.loc["x"]``, ``t.columns``, ``t.to_numpy()``, rows one by one."""

    def __init__(self, data=None, index=None, columns=None):
        if isinstance(data, dict):
            made = {name: getattr(column, "values", column) for name, column in data.items()}
        elif isinstance(data, np.ndarray):
            made = dict(zip(columns, data.T))
        elif columns is None and data:  # a dict a row
            made = {name: [row[name] for row in data] for name in data[0]}
        else:
            made = dict(zip(columns, zip(*data))) if data else dict.fromkeys(columns or (), ())
        self._data = {name: np.asarray(column) for name, column in made.items()}
        self.index = _labels(index, len(next(iter(self._data.values()), ())))
        self.attrs: dict = {}

    @property
    def columns(self):
        return list(self._data)

    @property
    def shape(self):
        return len(self.index), len(self._data)

    def __iter__(self):
        return iter(self._data)

    def __contains__(self, name):
        return name in self._data

    def __getitem__(self, key):
        if isinstance(key, list):
            return _DataFrame({name: self._data[name] for name in key}, self.index)
        if isinstance(key, _Series):  # of True and False: rows
            return _DataFrame({name: column[key.values] for name, column in self._data.items()},
                              [label for label, wanted in zip(self.index, key) if wanted])
        return _Series(self._data[key], self.index, key)

    def __setitem__(self, key, value):
        if isinstance(key, list):
            for name in key:
                self[name] = value[name]
            return
        self._data[key] = np.broadcast_to(np.asarray(value), (len(self.index),))

    def __array__(self, dtype=None, copy=None):
        return np.array(np.column_stack(list(self._data.values())), dtype=dtype)

    @property
    def loc(self):
        return dict(self.iterrows())

    def get(self, name, default=None):
        return self[name] if name in self else default

    def copy(self):
        return self[self.columns]

    def to_numpy(self):
        return np.asarray(self)

    def to_dict(self):
        return {name: self[name].to_dict() for name in self}

    def round(self, digits=0):
        return _DataFrame({name: np.round(c, digits) if c.dtype.kind in "fc" else c for name, c in self._data.items()},
                          self.index)

    def iterrows(self):
        names = self.columns
        for label, row in zip(self.index, zip(*self._data.values())):
            mixed = any(isinstance(cell, str) for cell in row)
            yield label, _Series(row, names, label, dtype=object if mixed else None)

    def itertuples(self, index=True):
        names = [*(["Index"] if index else []), *self.columns]
        kind = namedtuple("Row", names, rename=True)
        cells = ([self.index] if index else []) + [column.tolist() for column in self._data.values()]
        return (kind(*row) for row in zip(*cells))

    def __repr__(self):
        return text_table(("", *map(str, self.columns)), _shown(self.index, self._data.values()))


def _index(data, name=None):
    """The labels of rows: a plain list."""
    return _labels(data, len(data))


def _labels(index, n: int) -> list:
    return list(range(n)) if index is None else list(getattr(index, "tolist", lambda: index)())


def _shown(index, columns):
    """The cells of a table in text; of a long one the first and last rows."""
    rows = [[label, *(number(float(x), 6) if isinstance(x, (float, int, np.number)) else x for x in row)]
            for label, row in zip(index, zip(*columns))]
    return rows if len(rows) <= 60 else [*rows[:5], ["..."] + [""] * (len(rows[0]) - 1), *rows[-5:]]


_OWN = {"Series": _Series, "DataFrame": _DataFrame, "Index": _index}
