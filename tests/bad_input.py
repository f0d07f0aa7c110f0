"""Kinds of unusable and of awkward input, each with the one clear error it gets, or the fit it must agree with.

TABLES: what may be wrong with a table, asked of every fitter that reads it.  REFUSED: formulas, options and arguments, each
with the class of its error and words that name the culprit and the mend.  SAME: awkward tables whose numbers must be those
of the plain one.  `tests/test_bad_input.py` runs them.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd

import mlmlib as mlm

N, J = 96, 12


def base(**columns) -> pd.DataFrame:
    """Twelve groups of eight rows; keyword arguments replace columns."""
    rng = np.random.default_rng(10)
    g, t = np.repeat(np.arange(J), 8), np.tile(np.arange(8.0), J)
    x, u = rng.standard_normal(N), rng.standard_normal(J)[g]
    y = 1 + 0.5 * x + u + rng.standard_normal(N)
    table = {"y": y, "x": x, "g": g, "t": t, "w": rng.standard_normal(J)[g],
             "k": (rng.random(N) < 1 / (1 + np.exp(-x - u))).astype(float), "c": rng.poisson(np.exp(0.3 * x + 0.5 * u)).astype(float),
             "f": np.array(list("abc"))[rng.integers(3, size=N)], "size": np.full(N, 5.0), "z": rng.standard_normal(N),
             "y2": y + rng.standard_normal(N), "one": np.ones(N)}
    return pd.DataFrame({**table, **columns})


def put(column, row, value) -> pd.DataFrame:
    """The table with one cell changed."""
    table = base()
    if isinstance(value, str):
        table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


def arrays(**columns) -> dict:
    return {**{name: values.to_numpy() for name, values in base().items()}, **columns}


# a fitter takes a table, and reads y (k, c), x and, all but ols, g
FITTERS = {
    "lmm": lambda d: mlm.lmm("y ~ x + (1 | g)", d),
    "glmm": lambda d: mlm.glmm("k ~ x + (1 | g)", d),
    "poisson": lambda d: mlm.glmm("c ~ x + (1 | g)", d, family="poisson"),
    "ols": lambda d: mlm.ols("y ~ x", d),
    "gls": lambda d: mlm.gls("y ~ x", d, correlation=mlm.ar1("t", group="g")),
    "panel": lambda d: mlm.panel("y ~ x", d, groups="g"),
    "gee": lambda d: mlm.gee("y ~ x", d, groups="g"),
    "gee of two": lambda d: mlm.gee("k ~ x", d, groups="g", family="binomial"),
    "estimators": lambda d: mlm.estimators("y ~ x", d, groups="g"),
    "multivariate": lambda d: mlm.multivariate("y + y2 ~ x + (1 | g)", d),
}
ALL = tuple(FITTERS)
GROUPED = tuple(name for name in ALL if name != "ols")
MIXED = ("lmm", "glmm", "poisson")
OF_Y = ("lmm", "ols", "gls", "panel", "gee", "estimators", "multivariate")

# (what is wrong, the table, fitters, words of the error)
TABLES = [
    ("no column x", lambda: base().drop(columns="x"), ALL, "no column 'x' in the data; its columns are"),
    ("no column g", lambda: base().drop(columns="g"), GROUPED, "no column 'g' in the data; its columns are"),
    ("no column y", lambda: base().drop(columns="y"), OF_Y, "no column 'y'"),
    ("x twice", lambda: pd.concat([base(), base()[["x"]]], axis=1), ALL, "Several columns are called 'x'. Rename"),
    ("g twice", lambda: pd.concat([base(), base()[["g"]]], axis=1), GROUPED, "Several columns are called 'g'. Rename"),
    ("one text among numbers", lambda: put("x", 3, "n/a"), ALL, "'x' mixes numbers with text ('n/a'). Convert"),
    ("numbers as text", lambda: base(x=base().x.astype(str)), ALL, "'x' is text that holds numbers. Convert"),
    ("dates", lambda: base(x=pd.date_range("2020-01-01", periods=N)), ALL, "'x' holds dates or durations; turn"),
    ("dates with a zone", lambda: base(x=pd.date_range("2020-01-01", periods=N, tz="UTC")), ALL, "'x' holds dates"),
    ("periods", lambda: base(x=pd.period_range("2020-01", periods=N, freq="M")), ALL, "'x' holds dates"),
    ("durations", lambda: base(x=pd.to_timedelta(np.arange(N), "D")), ALL, "'x' holds dates or durations"),
    ("date objects", lambda: base(x=[datetime.date(2020, 1, 1 + i % 28) for i in range(N)]), ALL, "'x' holds dates"),
    ("complex numbers", lambda: base(x=base().x + 1j), ALL, "'x' holds complex numbers"),
    ("lists in cells", lambda: base(x=[[1, 2]] * N), ALL, "'x' holds a list in some rows"),
    ("dicts in cells", lambda: base(x=[{1: 2}] * N), ALL, "'x' holds a dict in some rows"),
    ("lists of unequal length", lambda: arrays(x=[[1]] * 95 + [[1, 2]]), ALL, "'x' holds lists of different lengths"),
    ("two numbers a row", lambda: arrays(x=np.zeros((N, 2))), ALL, "'x' has several values a row"),
    ("x missing everywhere", lambda: base(x=np.nan), ALL, "No row is complete; values are missing in x (96)"),
    ("x infinite once", lambda: put("x", 3, np.inf), ALL, "'x' is infinite in 1 rows (first: row 3); mend"),
    ("x minus infinite", lambda: put("x", 4, -np.inf), ALL, "'x' is infinite in 1 rows (first: row 4); mend"),
    ("y infinite", lambda: put("y", 3, np.inf), OF_Y, "'y' is infinite in 1 rows"),
    ("g missing everywhere", lambda: base(g=np.nan), (*MIXED, "panel", "gee"), "No row is complete; values are missing in g"),
    ("g missing, compared", lambda: base(g=np.nan), ("estimators",), "'g' is missing in every row"),
    ("g infinite", lambda: base(g=np.where(base().g == 0, np.inf, base().g)), (*MIXED, "panel", "gee", "estimators"), "'g' is infinite in 8 rows"),
    ("no rows", lambda: base().iloc[:0], ALL, "The data have no rows"),
    ("one row", lambda: base().iloc[:1], ("lmm", "ols", "gls", "panel", "multivariate"), "one complete row"),
    ("one row left", lambda: base(x=[1.0] + [np.nan] * 95), ("lmm", "ols", "gls", "panel"), "one complete row"),
    ("two rows", lambda: base().iloc[:2], MIXED, "2 rows cannot carry 2 fixed effects; drop predictors"),
    ("two rows, no groups", lambda: base().iloc[:2], ("ols", "gls"), "2 rows cannot carry 2 coefficients and a residual"),
    ("one group", lambda: base().iloc[:8], MIXED, "'g' has one group only (0)"),
    ("one group of a panel", lambda: base().iloc[:8], ("panel",), "'g' has one group, 0; a panel needs at least two"),
    ("one group of a GEE", lambda: base().iloc[:8], ("gee", "gee of two"), "all of one group (g = 0)"),
    ("one group, compared", lambda: base().iloc[:8], ("estimators",), "'g' names one group for all rows"),
    ("a row a group", lambda: base().iloc[::8], ("lmm",), "12 groups x 1 effects = 12 random effects for 12 rows"),
    ("a trial a group", lambda: base().iloc[::8], ("glmm",), "one trial in each group: groups cannot be told from trials. Leave (1 | g) out"),
    ("a row a group, serial", lambda: base().iloc[::8], ("gls",), "one row in each group of 'g'"),
    ("a row a group, within", lambda: base().iloc[::8], ("panel",), "12 observations cannot carry"),
    ("y constant", lambda: base(y=3.0), OF_Y, "'y' is 3 in every row: there is nothing to explain"),
    ("y zero", lambda: base(y=0.0), OF_Y, "'y' is 0 in every row"),
    ("all successes", lambda: base(k=1.0), ("glmm", "gee of two"), "'k' is 1 in every row"),
    ("counts constant", lambda: base(c=2.0), ("poisson",), "'c' is 2 in every row"),
    ("counts all zero", lambda: base(c=0.0), ("poisson",), "'c' is 0 in every row"),
    ("y the same within groups", lambda: base(y=base().w), ("lmm",), "'y' is the same in all rows of each group of 'g'"),
    ("x constant", lambda: base(x=2.0), ("lmm", "glmm", "ols", "gls", "gee", "estimators"), "'x' of the"),
    ("x constant within", lambda: base(x=base().w), ("panel",), "'x' is left out: it does not vary within groups of 'g'"),
    ("x zero", lambda: base(x=0.0), ("lmm", "glmm", "poisson", "ols", "gls", "gee"), "is zero in every row; remove it"),
    ("x is y", lambda: base(x=base().y), ("lmm", "gls", "multivariate"), "reproduce the outcome 'y' exactly"),
    ("x beyond squares", lambda: base(x=base().x * 1e200), ALL, "too large to compute with; express it in larger units"),
    ("x below squares", lambda: base(x=base().x * 1e-200), ALL, "too small to compute with; express it in smaller units"),
    ("y beyond squares", lambda: base(y=base().y * 1e200), OF_Y, "'y' holds numbers too large to compute with"),
    ("y below squares", lambda: base(y=base().y * 1e-200), OF_Y, "'y' holds numbers too small to compute with"),
    ("counts beyond squares", lambda: base(c=base().c * 1e300), ("poisson",), "'c' holds numbers too large"),
    ("x nearly constant", lambda: base(x=base().x + 1e12), ("lmm", "glmm", "ols", "gls", "panel", "gee", "estimators"), "varies so little beside its size (about 1e+12)"),
    ("whole numbers overflow", lambda: base(x=np.iinfo(np.int64).max - np.arange(N)), ALL, "'x' holds whole numbers of 2**53 or more"),
    ("Python's whole numbers", lambda: base(x=[10 ** 30 + i for i in range(N)]), ALL, "'x' holds whole numbers of 2**53 or more"),
    ("groups run into one another", lambda: base(g=base().g + 2.0 ** 60), (*MIXED, "panel", "gee"), "'g' are decimal numbers of 2**53 or more, which run into one another"),
    ("negative counts", lambda: base(c=base().c - 1), ("poisson",), "has the value -1, and family='poisson' needs counts 0, 1, 2"),
    ("half counts", lambda: base(c=base().c + 0.5), ("poisson",), "needs counts 0, 1, 2, ...: count events"),
    ("three outcomes of two", lambda: base(k=np.arange(N) % 3), ("glmm", "gee of two"), "'k'"),
    ("separated", lambda: base(k=(base().x > 0) * 1.0), ("glmm",), "'x'"),
    ("separated, marginal", lambda: base(k=(base().x > 0) * 1.0), ("gee of two",), "separates the outcomes"),
    ("None", lambda: None, ALL, "must be a table (a DataFrame or a dict of columns), not NoneType"),
    ("a list", lambda: [1, 2, 3], ALL, "must be a table (a DataFrame or a dict of columns), not list"),
    ("the name of a file", lambda: "school.csv", ALL, "not str; read the file first, as with pandas.read_csv"),
    ("a number", lambda: 3, ALL, "not int"),
    ("an array without names", lambda: np.zeros((4, 3)), ALL, "not ndarray; name its columns, as in pandas.DataFrame(array"),
    ("one column", lambda: base().y, ALL, "not Series; give the whole table"), ("a row of it", lambda: base().iloc[0], ALL, "df.iloc[[0]]"),
    ("grouped", lambda: base().groupby("g"), ALL, "not DataFrameGroupBy"),
    ("chunks", lambda: iter([base()]), tuple(name for name in ALL if name != "lmm"), "rows in chunks are for mlm.lmm"),
    ("a folder that is not there", lambda: "nowhere", ("lmm",), "no folder or Parquet file 'nowhere'"),
    ("a pattern of files", lambda: "nowhere/*.parquet", ("lmm",), "without a pattern such as *.parquet"),
    ("counts without a family", lambda: base(k=base().c), ("glmm",), "or name another family="),
    ("an empty dict", dict, ALL, "The data have no columns"),
    ("a dict of single values", lambda: dict.fromkeys(base(), 1.0), OF_Y[:5], "is a single value, not one value a row"),
    ("columns of unequal length", lambda: arrays(x=base().x.to_numpy()[:-1]), ALL, "'x' has 95 rows where the table has 96"),
    ("two levels of names", lambda: base().set_axis(pd.MultiIndex.from_product([["a"], base().columns]), axis=1), OF_Y[:5], "no column 'y'"),
    ("names that are numbers", lambda: base().set_axis(range(12), axis=1), OF_Y[:5], "no column 'y'"),
]


def _lmm(formula, **options):
    return lambda: mlm.lmm(formula, base(), **options)


def _glmm(formula="k ~ x + (1 | g)", data=None, **options):
    return lambda: mlm.glmm(formula, base() if data is None else data(), **options)


def _ones(n=N, value=1.0):
    return np.full(n, value)


@cache
def fit(name):
    """Fits that are asked wrong questions."""
    return {"lmm": lambda: mlm.lmm("y ~ x + f + (1 | g)", base()), "glmm": lambda: mlm.glmm("k ~ x + f + (1 | g)", base()),
            "ols": lambda: mlm.ols("y ~ x + f", base()), "panel": lambda: mlm.panel("y ~ x", base(), groups="g")}[name]()


def _asked(asked, /, *args, model="lmm", **options):
    return lambda: getattr(fit(model), asked)(*args, **options)


def _of(function, /, *args, model="lmm", **options):
    return lambda: getattr(mlm, function)(fit(model), *args, **options)


DATA, FORMULA, VALUE = mlm.DataError, mlm.FormulaError, ValueError

# (what is wrong, call, class of the error, words)
FORMULAS = [
    ("formula and data exchanged", lambda: mlm.lmm(base(), "y ~ x + (1 | g)"), FORMULA, "The formula must be text such as"), *(
    (text, _lmm(text), cls, words) for text, cls, words in [
        ("", FORMULA, "must be text such as"), ("   ", FORMULA, "must be text such as"), (None, FORMULA, "must be text such as"),
        (3, FORMULA, "must be text"), (["y ~ x"], FORMULA, "must be text"), (b"y ~ x", FORMULA, "must be text"),
        ("y", FORMULA, "has no outcome; write one"), ("y ~", FORMULA, "ends too soon"), ("y ~ x +", FORMULA, "ends too soon"),
        ("y ~ x + (1 | g", FORMULA, "Expected ')'"), ("y ~ x (1 | g)", FORMULA, "Cannot read on"), ("y ~ x + (1 | )", FORMULA, "Did not expect ')'"),
        ("y ~ x + ( | g)", FORMULA, "Did not expect '|'"), ("y ~ x + (x | 1)", FORMULA, "names no grouping factor"),
        ("y ~ x^2 + (1 | g)", FORMULA, "write I(x^2)"), ("y ~ 2*x + (1 | g)", FORMULA, "write I(2 * x)"),
        ("log(y) + 1 ~ x + (1 | g)", FORMULA, "write a transformed outcome as"), ("y ~ y + (1 | g)", FORMULA, "also stands on the right"),
        ("y ~ x + (y | g)", FORMULA, "'y' also stands in the random part"), ("y ~ x + (1 | y)", FORMULA, "'y' also stands in the random part"),
        ("y ~ x + (1 | g) + (1 | g)", FORMULA, "varies over 'g' in two terms"), ("y ~ x", FORMULA, "no random term such as (1 | group)"),
        ("y ~ foo(x) + (1 | g)", FORMULA, "calls foo(), which formulas do not know"), ("y ~ log(x) + (1 | g)", DATA, "a log needs positive values"),
        ("y ~ I(x/0) + (1 | g)", DATA, "I(x / 0) is not a finite number in 96 rows"), ("y ~ poly(x, 200) + (1 | g)", DATA, "more than 200 different values"),
        ("y ~ poly(x, 0) + (1 | g)", DATA, "needs a whole degree"), ("y ~ bs(x, df=2) + (1 | g)", FORMULA, "df=2 must be a whole number"),
        ("y ~ C(f, Treatment('q')) + (1 | g)", DATA, "'q' is not one of"), ("y ~ I(f + 1) + (1 | g)", DATA, "'f' holds categories, not numbers"),
        ("y ~ scale(one) + (1 | g)", DATA, "does not vary; remove it"), ("y ~ x + (1 | g) $", FORMULA, "Cannot read '$'"),
        ("y ~ __import__('os').getcwd() + (1 | g)", FORMULA, "Cannot read"), ("y ~ I(x.__class__) + (1 | g)", DATA, "no column 'x.__class__'"),
        ("y = x + (1 | g)", FORMULA, "Cannot read '='"), ("f ~ x + (1 | g)", DATA, "'f' holds text or categories"), ("f ~ 1 + (1 | g)", DATA, "Categories are outcomes of mlm.glmm with family="),
        ("poly(y, 2) ~ x + (1 | g)", DATA, "has 2 columns; a linear model has one"), ("y ~ x + (1 | mm(g))", FORMULA, "two or more columns of groups"),
        ("y ~ x + (1 | mm(g, t, weights=(x, z)))", DATA, "must not be negative"), ("y ~ x + I(2*x) + (1 | g)", DATA, "fully determined by 'x'"),
        ("y ~ x + (1 + x + z + w + t + k + c + y2 | g)", DATA, "= 96 random effects for 96 rows"), ("y ~ x*w*z*t*k*c*y2 + (1 | g)", DATA, "96 rows cannot carry 128"),
        ("y ~ f + C(f) + (1 | g)", DATA, "fully determined by 'f[T.b]'"), ("y ~ x + (1 | g) + (1 | w)", DATA, "divide the rows into the same groups"),
        ("y ~ x + 1 | g", FORMULA, "A random term stands in parentheses, as in (1 | g)"), ("y ~ x || g", FORMULA, "as in (x || g)"),
        ("y ~ x + (1, g)", FORMULA, "A random term has a bar"), ("y ~ x ~ z", FORMULA, "has one '~'"), ("y = x + (1 | g)", FORMULA, "stands '~'"),
        ("y ~ x) + (1 | g)", FORMULA, "No parenthesis is open"), ("y ~ . + (1 | g)", FORMULA, "Name the columns"), ("y ~ x %in% z", FORMULA, "a:b"),
        ("y ~ 'x' + (1 | g)", FORMULA, "without quotes"), ('y ~ "x" + (1 | g)', FORMULA, "without quotes"), ("y ~ x z", FORMULA, "joined by '+'"),
        ("blood pressure ~ x + (1 | g)", FORMULA, "in backticks, as in `blood pressure`"), ("y x (1 | g)", FORMULA, "joined by '+'"),
        ("y ~ Q('x') + (1 | g)", FORMULA, "do not know Q(), as in \"Q('x')\": write the name in backticks"),
        ("y ~ factor(f) + (1 | g)", FORMULA, "write C(x)"), ("y ~ as.factor(f) + (1 | g)", FORMULA, "know as.factor(), as in 'as.factor(f)': write C(x)"),
        ("y ~ relevel(f, ref='b') + (1 | g)", FORMULA, 'write C(x, Treatment("b"))'), ("y ~ s(x) + (1 | g)", FORMULA, "bs(x, df=5) or ns(x, df=3)"),
        ("y ~ sise + (1 | g)", DATA, "did you mean 'size'?"), ("y ~ x | g", FORMULA, "Cannot read on"), ("y ~ `no such` + (1 | g)", DATA, "no column 'no such'"),
    ])
]


def _kinds(**columns):
    return lambda: base(**{name: make(base()[name]) for name, make in columns.items()})


def _nullable(values):
    return pd.array([None, *values[1:]], dtype="Float64")


def _masked(values):
    return np.ma.array(values.to_numpy(), mask=np.arange(N) == 0)


def _read_only(values):
    array = values.to_numpy().copy()
    array.setflags(write=False)
    return array


def _foreign(module, make):
    """A table of another library, or None where that is not installed."""
    try:
        return make(__import__(module))
    except ImportError:
        return None


def _lists(d):
    return {name: values.to_list() for name, values in d.items()}


# (what is awkward, the table, the plain table it must agree with)
PLAIN = base
SAME = [
    ("dict of lists", lambda: _lists(base()), PLAIN), ("dict of series", lambda: dict(base().items()), PLAIN), ("dict of arrays", arrays, PLAIN),
    ("structured array", lambda: base().drop(columns="f").to_records(index=False), PLAIN),
    ("polars", lambda: _foreign("polars", lambda pl: pl.DataFrame(_lists(base()))), PLAIN), ("Arrow", lambda: _foreign("pyarrow", lambda pa: pa.table(_lists(base()))), PLAIN),
    ("Arrow with a dictionary", lambda: _foreign("pyarrow", lambda pa: pa.table({**_lists(base()), "g": pa.array(base().g.astype(str).to_list()).dictionary_encode()})), PLAIN),
    ("Arrow with missing integers", lambda: _foreign("pyarrow", lambda pa: pa.table({**_lists(base()), "x": [None, *base().x[1:]], "g": [None, *base().g.to_list()[1:]]})), lambda: base().iloc[1:]),
    ("polars with missing identifiers", lambda: _foreign("polars", lambda pl: pl.DataFrame({**_lists(base()), "x": [None, *base().x[1:]], "g": [None, *(base().g + 2 ** 60).to_list()[1:]]})), lambda: base().iloc[1:]),
    ("pandas on Arrow", lambda: _foreign("pyarrow", lambda pa: pa.table(_lists(base())).to_pandas(types_mapper=pd.ArrowDtype)), PLAIN),
    ("read-only arrays", lambda: {name: _read_only(values) for name, values in base().items()}, PLAIN), ("rows of a read-only view", lambda: base().iloc[::-1].iloc[::-1], PLAIN),
    ("missing once", lambda: put("x", 0, np.nan), lambda: base().iloc[1:]), ("a masked array", lambda: arrays(x=_masked(base().x)), lambda: base().iloc[1:]),
    ("a nullable column", _kinds(x=_nullable), lambda: base().iloc[1:]), ("None among objects", lambda: base(x=[None, *base().x[1:]]), lambda: base().iloc[1:]),
    ("pandas.NA among objects", lambda: base(x=pd.Series([pd.NA, *base().x[1:]], dtype=object)), lambda: base().iloc[1:]), ("decimals", _kinds(x=lambda x: [Decimal(repr(v)) for v in x]), PLAIN),
    ("a sparse column", _kinds(x=pd.arrays.SparseArray), PLAIN), ("objects that are numbers", _kinds(x=lambda x: x.astype(object)), PLAIN), ("rows backwards", lambda: base().iloc[::-1], PLAIN),
    ("an index of one label", lambda: base().set_axis([0] * N), PLAIN), ("an index of text", lambda: base().set_axis([f"row {i}" for i in range(N)]), PLAIN),
    ("groups of text", _kinds(g=lambda g: "École nº " + g.astype(str) + " 東京"), PLAIN), ("groups of tuples", _kinds(g=lambda g: [(v, 1) for v in g]), PLAIN), ("groups of mixed types", _kinds(g=lambda g: [v if v % 2 else str(v) for v in g]), PLAIN),
    ("groups of halves", _kinds(g=lambda g: g + 0.5), PLAIN), ("negative groups", _kinds(g=lambda g: g - 100), PLAIN), ("groups far apart", _kinds(g=lambda g: g * 10 ** 12), PLAIN), ("identifiers beyond 2**53", _kinds(g=lambda g: g + 2 ** 62), PLAIN),
    ("unsigned identifiers", _kinds(g=lambda g: g.astype("uint64") + np.uint64(2 ** 63)), PLAIN), ("identifiers of Python", _kinds(g=lambda g: [10 ** 30 + v for v in g]), PLAIN), ("nullable identifiers", _kinds(g=lambda g: pd.array(g + 2 ** 60, dtype="Int64")), PLAIN),
    ("two zeros", _kinds(g=lambda g: np.where((g == 0) & (np.arange(N) % 2 == 0), -0.0, g.astype(float))), PLAIN), ("groups of booleans", lambda: base(g=base().g > 5, t=np.arange(N) % 48), lambda: base(g=(base().g > 5) * 1, t=np.arange(N) % 48)),
    ("categories nobody has", _kinds(g=lambda g: pd.Categorical(g, categories=range(40))), PLAIN), ("categories in another order", _kinds(g=lambda g: pd.Categorical(g, categories=range(11, -1, -1))), PLAIN),
    ("x of single precision", lambda: base(x=base().x.astype("float32")), lambda: base(x=base().x.astype("float32").astype(float))), ("bytes of one sign", lambda: base(x=(np.arange(N) + 100).astype("uint8")), lambda: base(x=np.arange(N) + 100.0)),
    ("outcomes of booleans", lambda: base(k=base().k > 0), PLAIN), ("nullable counts", _kinds(c=lambda c: pd.array(c, dtype="Int64")), PLAIN),
]
NAMES = {"y": "Schüler: Punkte", "x": "größe in m", "g": "école no.", "k": "wahr?", "c": "Anzahl (n)"}
NAMED = {
    "lmm": (lambda d: mlm.lmm("`Schüler: Punkte` ~ `größe in m` + (1 | `école no.`)", d)), "glmm": (lambda d: mlm.glmm("`wahr?` ~ `größe in m` + (1 | `école no.`)", d)),
    "poisson": (lambda d: mlm.glmm("`Anzahl (n)` ~ `größe in m` + (1 | `école no.`)", d, family="poisson")), "ols": (lambda d: mlm.ols("`Schüler: Punkte` ~ `größe in m`", d)),
    "gls": (lambda d: mlm.gls("`Schüler: Punkte` ~ `größe in m`", d, correlation=mlm.ar1("t", group="école no."))), "panel": (lambda d: mlm.panel("`Schüler: Punkte` ~ `größe in m`", d, groups="école no.")),
    "gee": (lambda d: mlm.gee("`Schüler: Punkte` ~ `größe in m`", d, groups="école no.")), "estimators": (lambda d: mlm.estimators("`Schüler: Punkte` ~ `größe in m`", d, groups="école no.")),
}
# x scaled by the factor, y by the other: coefficients and likelihoods follow exactly
SCALES = [(1e-100, 1.0), (1e-9, 1.0), (1e9, 1.0), (1e100, 1.0), (1.0, 1e-100), (1.0, 1e-9), (1.0, 1e9), (1.0, 1e100), (1e-60, 1e60), (1e60, 1e-60)]
