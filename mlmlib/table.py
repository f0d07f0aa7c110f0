"""Reading columns out of whatever table the reader has: pandas, polars, pyarrow, or a dict of arrays.

A numeric column becomes a float array with NaN for missing; text, categories and booleans become a `Categorical`.
No table library is imported: what is needed is found by duck typing.
"""

from __future__ import annotations

from typing import Any

import sys
from dataclasses import dataclass, replace

import numpy as np

from .errors import DataError

__all__ = ["Categorical", "Table", "factorize", "refuse_numbers_as_text"]


@dataclass(frozen=True)
class Categorical:
    """A column of categories.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Index into `levels`; -1 where missing.
    levels : ndarray, shape (k,)
        The categories in their order.
    contrast : object or None
        The contrast that `C(x, ...)` asked for.
    name : str
        The column it was read from.
    declared : bool
        Whether the order of the categories is that of the data's own type; that of text is alphabetical.
    """

    codes: np.ndarray
    levels: np.ndarray
    contrast: Any = None
    name: str = ""
    declared: bool = False

    def take(self, rows) -> Categorical:
        return replace(self, codes=self.codes[rows])

    def used(self) -> Categorical:
        """The same column without categories that no row has."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))
        if counts.all():
            return self
        lookup = np.where(counts > 0, np.cumsum(counts > 0) - 1, -1)
        codes = np.where(self.codes >= 0, lookup[self.codes], -1)
        return replace(self, codes=codes, levels=self.levels[counts > 0])

    def recode(self, levels: np.ndarray) -> Categorical:
        """The same column coded by other `levels`; -1 for what is not among them."""
        if len(levels) == len(self.levels) and all(a == b for a, b in zip(levels, self.levels)):
            return self
        place = {level: code for code, level in enumerate(levels.tolist())}
        lookup = np.array([place.get(level, -1) for level in self.levels.tolist()], dtype=np.intp)
        codes = np.where(self.codes >= 0, lookup[self.codes], -1) if len(lookup) else self.codes
        return replace(self, codes=codes, levels=levels)

    def _refuse(self, *_):
        raise DataError(f"Column {self.name!r} holds categories, not numbers, so it cannot be used in arithmetic. "
                        f"Convert it first, for example with pandas.to_numeric, or use it as a predictor by itself.")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _refuse
    __neg__ = __array__ = __lt__ = __gt__ = __le__ = __ge__ = _refuse


class Table:
    """Columns of a table by name, each read once.

    Parameters
    ----------
    data : pandas or polars DataFrame, pyarrow Table, dict of arrays, or structured array
    """

    def __init__(self, data):
        if isinstance(data, Table):
            data = data.data
        self.data: Any = data
        self._columns: dict = {}
        self.names = _names(data)
        self.n = _length(data, self.names)

    def __getitem__(self, name: str):
        """The column `name` as a float array or a `Categorical`."""
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    def _read(self, name: str):
        if name not in self.names:
            import difflib
            close = difflib.get_close_matches(str(name), [str(n) for n in self.names], 1, 0.6)
            known = ", ".join(map(str, self.names[:20])) + (" ..." if len(self.names) > 20 else "")
            hint = f"did you mean {close[0]!r}? The columns are" if close else "its columns are"
            raise DataError(f"There is no column {name!r} in the data; {hint}: {known}.")
        if self.names.count(name) > 1:
            raise DataError(f"Several columns are called {name!r}. Rename or drop all but one of them.")
        values = _column(self.data[name], name)
        size = len(values.codes) if isinstance(values, Categorical) else len(values)
        if size != self.n:
            raise DataError(f"Column {name!r} has {size} rows where the table has {self.n}.")
        return values

    def with_groups(self, factors) -> Table:
        """The table of new rows; refused where a column is not there that says in which group a row is."""
        lost = [name for factor in factors for name in factor.columns if name not in self.names]
        if lost:
            raise DataError(f"There is no column {lost[0]!r} in the new data to say in which group a row is. Add it (groups that the fit "
                            "has not seen are allowed), or leave the groups out with random_effects=False.")
        return self

    def take(self, rows) -> Table:
        """The same columns, some rows; only columns already read are kept."""
        part = object.__new__(Table)
        part.data, part.names = {}, self.names
        part._columns = {name: column.take(rows) if isinstance(column, Categorical) else column[rows]
                         for name, column in self._columns.items()}
        part.n = int(np.count_nonzero(rows))
        return part


def factorize(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes and sorted levels of an array without missing values.

    Whole numbers in a moderate range are coded by a table in O(n); everything else by hashing or sorting.
    """
    if values.dtype.kind == "f" and len(values):
        whole = values.astype(np.int64)
        if np.array_equal(whole, values):
            values = whole
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < 4 * len(values) + 1000:
            offsets = values - low
            present = np.zeros(high - low + 1, dtype=bool)
            present[offsets] = True
            return (np.cumsum(present) - 1)[offsets], np.flatnonzero(present) + low
    if values.dtype.kind == "O":
        try:
            levels = sorted(set(values.tolist()))
        except TypeError:
            levels = sorted(set(values.tolist()), key=str)
        place = {level: code for code, level in enumerate(levels)}
        codes = np.fromiter((place[value] for value in values.tolist()), np.intp, len(values))
        array = np.empty(len(levels), dtype=object)
        array[:] = levels
        return codes, array
    distinct, codes = np.unique(values, return_inverse=True)
    return codes, distinct


def refuse_numbers_as_text(name: str, value: Categorical) -> None:
    """Refuse a text column that holds many different numbers: it was not converted when it was read."""
    levels = value.levels.tolist()
    if any(isinstance(level, (int, np.integer)) and abs(int(level)) >= 2 ** 53 for level in levels):
        raise DataError(f"Column {name!r} holds whole numbers of 2**53 or more, which cannot be told apart in computation. "
                        "They serve as groups; as a predictor or outcome subtract a constant first, or convert to float.")
    if len(levels) <= 12 or value.declared:
        return
    numbers = [level for level in levels if not isinstance(level, str)]
    if numbers and all(isinstance(level, (int, float, np.number)) for level in numbers):
        words = [level for level in levels if isinstance(level, str)]
        raise DataError(f"Column {name!r} mixes numbers with text ({', '.join(map(repr, words[:3]))}). Convert it with "
                        f"pandas.to_numeric(..., errors='coerce'), or write C({name}) if each value is a category of its own.")
    if numbers:
        return
    words = [level for level in levels if not _reads_as_number(level)]
    if len(words) <= 0.1 * len(levels):
        why = f" (not numbers: {', '.join(map(repr, words[:3]))})" if words else ""
        raise DataError(f"Column {name!r} is text that holds numbers{why}. Convert it with "
                        f"pandas.to_numeric(..., errors='coerce'), or write C({name}) if each value is a "
                        "category of its own.")


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names(data) -> list:
    kind = type(data)  # asked of the type: a DataFrame is slow to say that it has no such attribute
    if hasattr(kind, "column_names"):  # pyarrow
        return list(data.column_names)
    if hasattr(kind, "collect_schema"):  # polars, whose lazy frames warn of .columns
        return list(data.collect_schema().names())
    if hasattr(kind, "columns"):
        return list(data.columns)
    if callable(getattr(kind, "keys", None)) and not hasattr(kind, "to_frame"):
        return list(data.keys())
    if getattr(getattr(data, "dtype", None), "names", None):
        return list(data.dtype.names)
    mend = ""
    if isinstance(data, (str, bytes)) or hasattr(kind, "open"):
        mend = "; read the file first, as with pandas.read_csv"
    elif hasattr(kind, "to_frame"):  # a Series: one column, or one row
        mend = "; give the whole table (of one row, df.iloc[[0]])"
    elif isinstance(data, np.ndarray):
        mend = "; name its columns, as in pandas.DataFrame(array, columns=[...])"
    elif hasattr(kind, "__next__"):
        mend = "; rows in chunks are for mlm.lmm with one grouping factor, so put them together, as with pandas.concat"
    raise DataError(f"The data must be a table (a DataFrame or a dict of columns), not {kind.__name__}{mend}.")


def _length(data, names) -> int:
    if not names:
        raise DataError("The data have no columns.")
    if hasattr(type(data), "num_rows"):
        return int(data.num_rows)
    if hasattr(type(data), "collect"):
        raise DataError(f"The data are a {type(data).__name__}, which has not been read yet; call its collect() first.")
    if hasattr(type(data), "columns") or not hasattr(type(data), "keys"):
        return len(data)
    return max(1 if np.isscalar(data[name]) else len(data[name]) for name in names)


def _column(values, name: str):
    """One column as a float array or a `Categorical`."""
    library = type(values).__module__.partition(".")[0]
    dtype: Any = getattr(values, "dtype", None)
    if getattr(dtype, "name", "") == "category":  # pandas
        return Categorical(values.cat.codes.to_numpy().astype(np.intp), np.asarray(values.cat.categories), None, name,
                           True)
    if library == "polars" and type(dtype).__name__ == "Enum":
        codes = values.to_physical().cast(int).fill_null(-1).to_numpy().astype(np.intp)
        return Categorical(codes, np.asarray(dtype.categories.to_list(), dtype=object), None, name, True)
    if library == "pyarrow" and str(values.type).startswith("dictionary"):
        return _arrow_dictionary(values, name)
    if library == "pandas" and not isinstance(dtype, np.dtype) and getattr(dtype, "kind", "O") in "iuf":
        numbers = values.to_numpy(dtype=float, na_value=np.nan)  # nullable numbers
        return numbers if dtype.kind == "f" or _exact(numbers) else _identifiers(values.to_numpy(dtype=object), name)
    if library in ("polars", "pyarrow") and str(getattr(values, "type", dtype)).lower().startswith(("int", "uint")):
        numbers = _numpy(values).astype(float)  # NaN where null
        listed = None if _exact(numbers) else getattr(values, "to_pylist", None) or values.to_list
        return numbers if listed is None else _identifiers(np.array(listed(), dtype=object), name)
    if isinstance(values, np.ma.MaskedArray):
        values = values.astype(float).filled(np.nan) if values.dtype.kind in "iuf" else values.astype(object).filled(None)
    array = _numpy(values) if hasattr(values, "to_numpy") else _array(values, name)
    if array.ndim == 0:
        raise DataError(f"Column {name!r} is a single value, not one value a row.")
    if array.ndim > 1:
        raise DataError(f"Column {name!r} has several values a row, shape {array.shape}; make each a column of its own.")
    kind = array.dtype.kind
    if kind in "iu":
        numbers = array.astype(float)
        return numbers if _exact(numbers) else _identifiers(array, name)
    if kind == "f":
        return array.astype(float, copy=False)
    if kind == "b":
        return Categorical(array.astype(np.intp), np.array([False, True]), None, name, True)
    if kind == "c":
        raise DataError(f"Column {name!r} holds complex numbers; take their real part or their absolute value first.")
    if kind in "mM" or (library == "pandas" and (getattr(dtype, "kind", "") in "mM" or "period" in str(dtype))):
        raise DataError(f"Column {name!r} holds dates or durations; turn it into numbers (days since a start, say) first.")
    return _text(array, name)


def _numpy(values) -> np.ndarray:
    """A column of a table library as an array; one chunk of Arrow must be told that it may copy."""
    return values.to_numpy(zero_copy_only=False) if hasattr(values, "buffers") else values.to_numpy()


def _array(values, name: str) -> np.ndarray:
    """A list or another sequence as an array; one without a common shape is refused."""
    try:
        return np.asarray(values)
    except ValueError:
        raise DataError(f"Column {name!r} holds lists of different lengths, not one value a row.") from None


def _exact(numbers: np.ndarray) -> bool:
    """Whether whole numbers, read as floats, are all below 2**53, above which floats leave numbers out."""
    with np.errstate(invalid="ignore"):
        return not (np.abs(numbers) >= 2.0 ** 53).any()


def _identifiers(array: np.ndarray, name: str) -> Categorical:
    """Whole numbers too large for floats: each is a category of its own, for they are identifiers."""
    missing = _missing(array) if array.dtype.kind == "O" else np.zeros(len(array), dtype=bool)
    levels, codes = np.unique(array[~missing].astype(object), return_inverse=True)
    full = np.full(len(array), -1, dtype=np.intp)
    full[~missing] = codes
    return Categorical(full, levels, None, name)


def _arrow_dictionary(values, name: str) -> Categorical:
    values = values.unify_dictionaries().combine_chunks() if hasattr(values, "unify_dictionaries") else values
    values = values.chunk(0) if hasattr(values, "chunk") else values
    codes = values.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.intp)
    return Categorical(codes, np.asarray(values.dictionary.to_pylist(), dtype=object), None, name, True)


def _text(array: np.ndarray, name: str):
    """A text or object column: numbers if all are, else categories."""
    array = array.astype(object)
    odd = next((type(value) for value in array.tolist() if getattr(type(value), "__hash__", None) is None), None)
    if odd is not None:
        raise DataError(f"Column {name!r} holds a {odd.__name__} in some rows, not one value a row.")
    missing = _missing(array)
    present = array[~missing]
    kinds = {type(value) for value in present.tolist()}
    if any(hasattr(kind, "isoformat") for kind in kinds):
        raise DataError(f"Column {name!r} holds dates or durations; turn it into numbers (days since a start, say) first.")
    if kinds and not any(issubclass(kind, (str, bytes, bool, np.bool_)) for kind in kinds):
        try:
            numbers = np.full(len(array), np.nan)
            numbers[~missing] = present.astype(float)
            whole = all(issubclass(kind, (int, np.integer)) for kind in kinds)
            return _identifiers(array, name) if whole and not _exact(numbers) else numbers
        except (TypeError, ValueError):
            pass
    if kinds == {bool}:
        codes, levels = present.astype(np.intp), np.array([False, True])
    elif "pandas" in sys.modules:
        codes, levels = sys.modules["pandas"].factorize(present, sort=len(kinds) == 1)
    else:
        codes, levels = factorize(present)
    full = np.full(len(array), -1, dtype=np.intp)
    full[~missing] = codes
    return Categorical(full, np.asarray(levels, dtype=object), None, name)


def _missing(array: np.ndarray) -> np.ndarray:
    """None, NaN and pandas.NA in an object array."""
    if "pandas" in sys.modules:
        return np.asarray(sys.modules["pandas"].isna(array))
    return np.array([value is None or value != value for value in array.tolist()], dtype=bool)
