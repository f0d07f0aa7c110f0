"""The data sets of the book: `load("hsb")` gives the table, `describe("hsb")` says what is in it.

Every data set is a CSV (compressed if large) and a data sheet (Markdown) in `data/`. The sheet's front matter and its
table of columns are read by the code here, so that the page a reader sees and the types that `load` sets come from one
place. Nothing here touches the network. All chapters use this; chapter 1 introduces `math`, chapter 3 `hsb`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .display import html_table, number, text_table
from .errors import DataError
from .optional import needs


class Column(NamedTuple):
    """One column of a data set: which level it belongs to, its type, unit, coding and a label for axes and prose.

    `span` is the row of the data sheet that many columns share, such as "y1 to y100", and else empty.
    """

    name: str
    level: int
    type: str
    unit: str
    coding: str
    label: str
    span: str = ""

    @property
    def categories(self):
        """The categories in their stated order (None for numbers and identifiers)."""
        if not self.type.endswith("category"):
            return None
        return [part.strip() for part in self.coding.split("<" if self.ordered else ",")]

    @property
    def ordered(self):
        return self.type == "ordered category"


@dataclass(frozen=True)
class Sheet:
    """A data sheet: the front matter (`facts`), the columns, and the text between them."""

    facts: dict
    columns: dict
    text: str


@dataclass(frozen=True, repr=False)
class Description:
    """What `describe` returns: the facts of the sheet beside what the data say."""

    name: str
    title: str
    rows: int
    unit: str
    groups: dict
    columns: dict
    values: dict
    source: str
    citation: str
    license: str
    text: str

    @property
    def sizes(self):
        parts = [f"{self.rows} rows, one per {self.unit}"]
        parts += [
            f"{g['n']} groups ({name}) of {g['min']} to {g['max']} rows, {number(g['mean'])} on average"
            for name, g in self.groups.items()
        ]
        return "; ".join(parts)

    def _table(self):
        header = ["column", "level", "label", "unit", "values"]
        shown = {c.span or c.name: c for c in self.columns.values()}
        values = {name: _span_values(self, name) if c.span else self.values[name] for name, c in shown.items()}
        return header, [[name, c.level, c.label, c.unit, values[name]] for name, c in shown.items()]

    def __repr__(self):
        origin = f"Source: {self.source}\nCite:   {self.citation}\nLicense: {self.license}"
        return f"{self.name}: {self.title}\n{self.sizes}\n\n{text_table(*self._table())}\n\n{origin}"

    def _repr_html_(self):
        note = f"{self.sizes}. Source: {self.source}. Cite: {self.citation} License: {self.license}."
        return html_table(*self._table(), caption=f"{self.name}: {self.title}", note=note)


def folder():
    """Where the data are: inside the installed package, or beside it in the source tree."""
    here = Path(__file__).parent
    return here / "data" if (here / "data").is_dir() else here.parent / "data"


def names():
    """The names that `load` knows.

    >>> names()
    ['bodyweight', 'cbpp', 'chem97', 'confounding_study', 'contraception', 'crossed_study', 'dietox',
     'dyestuff', 'dyestuff2', 'egsingle', 'epil', 'exam', 'few_clusters_study', 'gcsemv', 'grouseticks',
     'grunfeld', 'guimmun', 'hsb', 'inference_study', 'insteval', 'intervention', 'males', 'math', 'mmmec',
     'ohio', 'orthodont', 'ovary', 'oxboys', 'pastes', 'patient', 'penicillin', 'power_study', 'quasi_study',
     'respiratory', 'rodriguez_goldman', 'scotssec', 'sleepstudy', 'socatt', 'verbagg', 'wages', 'wine']
    """
    return sorted(path.stem for path in folder().glob("*.md") if any(folder().glob(f"{path.stem}.csv*")))


def sheet(name):
    """The data sheet of a data set, read.

    >>> sheet("math").columns["homework"].unit
    'hours per week'
    """
    _, front, body = _sheet_path(name).read_text(encoding="utf-8").split("---\n", 2)
    facts = {key: value.strip('"') for key, value in (line.split(": ", 1) for line in front.strip().splitlines())}
    before, after = body.split("## Columns", 1)
    columns = {}
    for line in after.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 6 and cells[1].isdigit():
            span = cells[0] if " to " in cells[0] else ""
            rest = {"type": cells[2], "unit": cells[3], "coding": cells[4], "label": cells[5], "span": span}
            columns |= {name: Column(name, int(cells[1]), **rest) for name in _spanned(cells[0])}
        elif columns and not line.startswith("|"):
            break
    text = before.strip().split("\n", 1)[1].strip()
    return Sheet(facts, columns, text)


def load(name, path=None):
    """A data set of the book as a DataFrame.

    Categories come in the order of the data sheet, the first being the one that models compare with. Only a
    coding that has an order gives an ordered category.

    Parameters
    ----------
    name : str
        One of `mlm.datasets.names()`.
    path : str or path, optional
        Your own copy of the file (.dta or .csv), read in place of the bundled one. For "math" this is how an owner
        of the original math.dta runs the book on it: it needs the columns schid, ses, homework, schtype (or public,
        0 and 1), ratio and math.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> math = mlm.load("math")
    >>> math.shape
    (519, 6)
    >>> list(math["schtype"].cat.categories)
    ['Private', 'Public']
    """
    with needs("mlm.load"):
        import pandas as pd

    columns = sheet(name).columns
    if path is not None:
        data = _conform(_read(Path(path)), name, columns)
    else:
        types = {c.name: pd.CategoricalDtype(c.categories, c.ordered) for c in columns.values() if c.categories}
        file = next(folder().glob(f"{name}.csv*"))
        data = pd.read_csv(file, dtype=types)
    data.attrs["dataset"] = name
    return data


def describe(name):
    """What a data set holds: source, levels, units, rows, groups.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> about = mlm.describe("math")
    >>> about.rows, about.groups["schid"]["n"]
    (519, 23)
    >>> about.columns["math"].unit
    'points'
    """
    described = sheet(name)
    data = load(name)
    groups = {}
    for key in described.facts["groups"].split(", "):
        sizes = data.groupby(key).size()
        groups[key] = {"n": len(sizes), "min": int(sizes.min()), "mean": float(sizes.mean()), "max": int(sizes.max())}
    return Description(
        name=name,
        rows=len(data),
        groups=groups,
        columns=described.columns,
        values={c.name: _values(data[c.name], c) for c in described.columns.values()},
        text=described.text,
        **{key: described.facts[key] for key in ("title", "unit", "source", "citation", "license")},
    )


def _sheet_path(name):
    path = folder() / f"{name}.md"
    if name not in names():
        raise DataError(f"There is no data set {name!r}. load() knows: {', '.join(names())}.")
    return path


def _spanned(name):
    """The columns that a row of a data sheet stands for: "y1 to y3" for y1, y2 and y3."""
    if " to " not in name:
        return [name]
    first, last = name.split(" to ")
    stem = first.rstrip("0123456789")
    return [f"{stem}{k}" for k in range(int(first.removeprefix(stem)), int(last.removeprefix(stem)) + 1)]


def _span_values(about, span):
    """How many columns a row of a description stands for, with the values of the first."""
    columns = _spanned(span)
    return f"{len(columns)} columns; {columns[0]}: {about.values[columns[0]]}"


def _values(column, about):
    if about.categories:
        counts = column.value_counts()
        return ", ".join(f"{level} {counts[level]}" for level in about.categories)
    if about.type == "identifier":
        return f"{column.nunique()} different"
    low, high, mean = (number(round(float(x), 12)) for x in (column.min(), column.max(), column.mean()))
    missing = int(column.isna().sum())
    return f"{low} to {high}, mean {mean}" + f", {missing} missing" * (missing > 0)


def _read(path):
    from . import frames as pd

    if not path.exists():
        raise DataError(f"There is no file {path}. Give the path of your own copy, as in path='math.dta'.")
    return pd.read_stata(path) if path.suffix == ".dta" else pd.read_csv(path)


def _conform(data, name, columns):
    """A reader's own file, with the columns and categories of the data sheet."""
    if name == "math" and "schtype" not in data and "public" in data:
        data = data.rename(columns={"public": "schtype"})
    missing = [c for c in columns if c not in data]
    if missing:
        raise DataError(
            f"The file has no column {', '.join(map(repr, missing))}, which {name!r} needs. It has: "
            f"{', '.join(map(str, data.columns[:20]))}. Rename the column in your file, or use the bundled data."
        )
    data = data[list(columns)].reset_index(drop=True)
    for column in columns.values():
        if column.categories:
            data[column.name] = _categories(data[column.name], column)
        elif column.type in ("identifier", "whole"):
            whole = data[column.name].dropna()
            if (whole == whole.round()).all() and len(whole) == len(data):
                data[column.name] = data[column.name].astype("int64")
    return data


def _categories(values, column):
    """Labels in any case, or the numbers 0, 1, ..., as the categories of the data sheet."""
    from . import frames as pd

    known = {label.lower(): label for label in column.categories}
    known |= {str(k): label for k, label in enumerate(column.categories)}
    keys = [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip().lower() for v in values]
    strange = sorted({k for k in keys if k not in known})
    if strange:
        numbers = ", ".join(map(str, range(len(known) // 2)))
        raise DataError(
            f"Column {column.name!r} holds {', '.join(map(repr, strange[:5]))}; expected "
            f"{' or '.join(map(repr, column.categories))}, or the numbers {numbers}."
        )
    return pd.Categorical([known[k] for k in keys], column.categories, column.ordered)
