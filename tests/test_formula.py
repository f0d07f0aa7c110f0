"""The grammar of formulas, and the coding of the columns they ask for (against patsy)."""

import time

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.design import build_design
from mlmlib.formula import parse, term_name


def fixed(text):
    return [term_name(term) for term in parse(text).fixed]


@pytest.mark.parametrize("text, terms", [
    ("y ~ 1", ["Intercept"]),
    ("y ~ x", ["Intercept", "x"]),
    ("y ~ 0 + x", ["x"]),
    ("y ~ x - 1", ["x"]),
    ("y ~ x + 0 + 1", ["Intercept", "x"]),
    ("y ~ a * b", ["Intercept", "a", "b", "a:b"]),
    ("y ~ a:b + a", ["Intercept", "a", "a:b"]),
    ("y ~ a * b + b * a", ["Intercept", "a", "b", "a:b"]),
    ("y ~ a / b", ["Intercept", "a", "a:b"]),
    ("y ~ (a + b) / c", ["Intercept", "a", "b", "a:b:c"]),
    ("y ~ (a + b + c)^2", ["Intercept", "a", "b", "c", "a:b", "a:c", "b:c"]),
    ("y ~ (a + b + c)**3 - a:b:c", ["Intercept", "a", "b", "c", "a:b", "a:c", "b:c"]),
    ("y ~ a * b * c", ["Intercept", "a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
    ("y ~ a * (b + c)", ["Intercept", "a", "b", "c", "a:b", "a:c"]),
    ("y ~ a * b - a", ["Intercept", "b", "a:b"]),
    ("y ~ a:b:a", ["Intercept", "a:b"]),
    ("y ~ I(x^2) + log( x )", ["Intercept", "I(x ** 2)", "log(x)"]),
    ("y ~ np.log(x):z", ["Intercept", "np.log(x):z"]),
    ("y ~ `my x` + mean.ses", ["Intercept", "my x", "mean.ses"]),
    ("y ~ I(`my x` + 1)", ["Intercept", "I(`my x` + 1)"]),
    ("y ~ C(g, Treatment('b'))", ["Intercept", "C(g, Treatment('b'))"]),
    ("~ x", ["Intercept", "x"]),
])
def test_terms(text, terms):
    assert fixed(text) == terms


@pytest.mark.parametrize("text, terms", [
    ("y ~ (1 | g)", [(["Intercept"], "g", False)]),
    ("y ~ x + (x | g)", [(["Intercept", "x"], "g", False)]),
    ("y ~ (1 + x | g)", [(["Intercept", "x"], "g", False)]),
    ("y ~ (x || g)", [(["Intercept", "x"], "g", True)]),
    ("y ~ (0 + x | g)", [(["x"], "g", False)]),
    ("y ~ (x - 1 | g)", [(["x"], "g", False)]),
    ("y ~ (1 | a/b)", [(["Intercept"], "a", False), (["Intercept"], "a:b", False)]),
    ("y ~ (1 | a:b)", [(["Intercept"], "a:b", False)]),
    ("y ~ (1 | a/b/c)", [(["Intercept"], "a", False), (["Intercept"], "a:b", False), (["Intercept"], "a:b:c", False)]),
    ("y ~ (1 | a) + x + (1 | b)", [(["Intercept"], "a", False), (["Intercept"], "b", False)]),
    ("y ~ (x * z | g)", [(["Intercept", "x", "z", "x:z"], "g", False)]),
    ("y ~ (1 + I(t^2) | `the group`)", [(["Intercept", "I(t ** 2)"], "the group", False)]),
])
def test_random_terms(text, terms):
    found = [([term_name(t) for t in r.terms], r.group_name, r.independent) for r in parse(text).random]
    assert found == terms


@pytest.mark.parametrize("text, says", [
    ("", "must be text"), ("y ~ x +", "ends too soon"), ("y ~ x^2", r"write I\(x\^2\)"), ("y ~ 2 * x", "I\\(2 \\* x\\)"),
    ("y ~ x + 3", "Only the numbers 0 and 1"), ("y ~ (1 | )", "ends too soon|Did not expect"), ("y ~ (1 | g", "Expected '\\)'"),
    ("y ~ x @ z", "Cannot read '@'"), ("y ~ y + x", "also stands on the right"), ("y ~ a:(1 | g)", "can only be added"),
    ("y ~ x - (1 | g)", "can only be added"), ("y + z ~ x", "Expected '~'"), ("y ~ log(x", "not closed"), ("y ~ x) ", "Cannot read on"),
    ("y ~ log(x +)", "Cannot read 'log"), ("y ~ (0 | g)", "no effect"), ("y ~ (a + b)^x", "whole number"),
])
def test_errors_point_at_the_place(text, says):
    with pytest.raises(mlm.FormulaError, match=says):
        parse(text)


def test_parse_is_fast_and_cached():
    text = "mathach ~ cses * sector * minority + I(ses^2) + (1 + cses | school)"
    parse(text)
    start = time.perf_counter()
    for _ in range(100):
        parse(text)
    assert time.perf_counter() - start < 0.01
    assert parse(text) is parse(text)


# columns, against patsy

TABLE = pd.DataFrame({
    "y": np.arange(24.0) ** 1.5, "x": np.linspace(-1, 2, 24) ** 3, "z": np.cos(np.arange(24)),
    "a": pd.Categorical(np.tile(["a1", "a2", "a3"], 8)), "b": pd.Categorical(np.repeat(["b1", "b2"], 12)),
    "c": pd.Categorical(np.tile(np.repeat(["c1", "c2"], 3), 4)), "k": np.tile([1, 2, 3, 4], 6), "f": np.tile([True, False], 12)})

FORMULAS = ["x", "a", "0 + a", "a + b", "0 + a + b", "a * b", "a:b", "0 + a:b", "a + a:b", "a / b", "b + a:b", "a * x", "x:a", "0 + x:a",
            "x + x:a", "a * b * c", "a:b:c", "0 + a:b:c", "a + b:c", "(a + b + c)^2", "a * b * x", "x * z", "a:x:z", "C(k)", "0 + C(k)",
            "C(a, Treatment('a2'))", "C(a, Sum)", "C(a, Sum) * b", "C(k) * x", "f", "f:x", "f * a", "I(x ** 2) + x", "np.exp(x) + a",
            "center(x)", "a:b + x:a - 1", "a * (x + z)", "b:x + a"]


@pytest.mark.parametrize("right", FORMULAS)
def test_columns_are_those_of_patsy(right):
    patsy = pytest.importorskip("patsy")
    ours = build_design(f"y ~ {right}", TABLE)
    theirs = patsy.dmatrix(right.replace("^", "**"), TABLE)
    names = theirs.design_info.column_names
    assert set(ours.exog_names) == set(names)
    for place, name in enumerate(ours.exog_names):
        assert np.allclose(ours.X[:, place], theirs[:, names.index(name)], atol=1e-12)


@pytest.mark.parametrize("right", FORMULAS)
def test_coding_has_full_rank(right):
    X = build_design(f"y ~ {right}", TABLE).X
    assert np.linalg.matrix_rank(X) == X.shape[1]


def test_poly_is_that_of_r():
    """poly(1:10, 2) in R."""
    design = build_design("y ~ poly(x, 2)", {"y": np.arange(10) ** 2.0 + 1, "x": np.arange(1.0, 11)})
    assert design.exog_names == ("Intercept", "poly(x, 2)[1]", "poly(x, 2)[2]")
    assert np.allclose(design.X[:3, 1], [-0.49543369, -0.38533732, -0.27524094])
    assert np.allclose(design.X[:3, 2], [0.52223297, 0.17407766, -0.08703883])


@pytest.mark.parametrize("right", ["center(x)", "scale(x)", "poly(x, 3)", "I(center(x) ** 2)", "a * x", "C(k)", "scale(x) * a", "C(a, Sum)"])
def test_new_rows_are_coded_as_in_the_fit(right):
    design = build_design(f"y ~ {right}", TABLE)
    part = TABLE.iloc[3:9]
    assert np.allclose(design.fixed_matrix(part), design.X[3:9])
    plain = {column: part[column].astype(str).tolist() if column in "abc" else part[column].to_numpy() for column in part}
    assert np.allclose(design.fixed_matrix(plain), design.X[3:9])


def test_random_columns():
    design = build_design("y ~ x + (1 + a | k) + (0 + a | c)", TABLE)
    assert design.random[0].names == ("Intercept", "a[T.a2]", "a[T.a3]")
    assert design.random[1].names == ("a[a1]", "a[a2]", "a[a3]")
    assert design.random[0].levels.tolist() == [1, 2, 3, 4]


def test_groups_of_two_columns():
    design = build_design("y ~ 1 + (1 | b:k)", TABLE)
    term = design.random[0]
    assert term.group == "b:k" and len(term.levels) == 8 and term.levels[0] == "b1:1"
    assert [term.levels[code] for code in term.codes[:3]] == ["b1:1", "b1:2", "b1:3"]


def test_ordered_categories_keep_their_order_and_unused_ones_go():
    table = TABLE.assign(a=pd.Categorical(TABLE["a"], ["a3", "zz", "a1", "a2"], ordered=True))
    assert build_design("y ~ a", table).exog_names == ("Intercept", "a[T.a1]", "a[T.a2]")


def test_missing_rows_are_dropped_and_told():
    table = TABLE.assign(x=TABLE["x"].where(TABLE["x"] > -0.5), a=TABLE["a"].where(TABLE["z"] > -0.9))
    design = build_design("y ~ x + a + (1 | k)", table)
    lost = (table["x"].isna() | table["a"].isna()).sum()
    assert len(design.y) == 24 - lost and f"{lost} of 24 rows were dropped" in design.messages[0]
    assert f"x ({table['x'].isna().sum()})" in design.messages[0]
    assert list(design.index()) == list(table.dropna(subset=["x", "a"]).index)


def test_offset_in_the_formula_and_as_an_option_are_one():
    a, b = build_design("y ~ x + offset(z)", TABLE), build_design("y ~ x", TABLE, offset="z")
    assert np.array_equal(a.offset, b.offset) and a.exog_names == b.exog_names


def test_a_column_named_like_a_function():
    design = build_design("y ~ log + log(log)", {"y": [1.0, 2, 4], "log": [1.0, 2, 5]})
    assert np.allclose(design.X[:, 2], np.log([1, 2, 5]))


@pytest.mark.parametrize("kind", ["dict", "records", "object", "nullable", "polars", "arrow"])
def test_every_kind_of_table(kind):
    frame = TABLE.assign(**{c: TABLE[c].astype(str) for c in "abc"})
    if kind == "polars":
        table = pytest.importorskip("polars").from_pandas(frame)
    elif kind == "arrow":
        table = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    else:
        table = {"dict": lambda: {c: frame[c].tolist() for c in frame}, "records": lambda: frame.to_records(index=False),
                 "object": lambda: frame.astype(object), "nullable": lambda: frame.convert_dtypes()}[kind]()
    ours, plain = build_design("y ~ x * a + f + (1 + x | k)", table), build_design("y ~ x * a + f + (1 + x | k)", TABLE)
    assert ours.exog_names == plain.exog_names
    assert np.allclose(ours.X, plain.X) and np.array_equal(ours.random[0].codes, plain.random[0].codes)
