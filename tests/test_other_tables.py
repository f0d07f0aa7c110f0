"""Tables of other libraries as data of every kind of model: the numbers are those of pandas; what is no table is one clear error."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm

KINDS = ["polars", "pyarrow", "pandas on Arrow", "dict of arrays", "dict of lists", "structured array", "record array"]


def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n, J = 240, 24
    g = np.repeat(np.arange(J), n // J)
    x, u = rng.standard_normal(n), rng.standard_normal(J)[g]
    y = 1 + 0.5 * x + u + rng.standard_normal(n)
    return pd.DataFrame({"school": [f"Schule Nº {k}" for k in g], "t": np.tile(np.arange(n // J), J), "x": x, "f": rng.choice(list("abc"), n),
                         "y": y, "count": rng.poisson(np.exp(0.2 * x + 0.3 * u)), "yes": (y > 1).astype(int), "w": rng.uniform(0.5, 2, n)})


def as_kind(kind: str, d: pd.DataFrame):
    """The same rows as another library has them."""
    lists = {name: column.tolist() for name, column in d.items()}
    if kind == "polars":
        return pytest.importorskip("polars").DataFrame(lists)
    if kind == "pyarrow":
        return pytest.importorskip("pyarrow").table(lists)
    if kind == "pandas on Arrow":
        return pytest.importorskip("pyarrow").table(lists).to_pandas(types_mapper=pd.ArrowDtype)
    if kind == "dict of lists":
        return lists
    arrays = {name: np.array(values) for name, values in lists.items()}
    if kind == "dict of arrays":
        return arrays
    found = np.rec.fromarrays(list(arrays.values()), names=list(arrays))
    return found if kind == "record array" else found.view(np.ndarray)


MODELS = {
    "lmm": lambda d: mlm.lmm("y ~ x + f + (1 + x | school)", d, weights="w"),
    "lmm, several factors": lambda d: mlm.lmm("y ~ x + (1 | school) + (1 | t)", d),
    "lmm, residual structure": lambda d: mlm.lmm("y ~ x + (1 | school)", d, correlation=mlm.ar1("t")),
    "glmm": lambda d: mlm.glmm("yes ~ x + (1 | school)", d),
    "glmm, counts": lambda d: mlm.glmm("count ~ x + f + (1 | school)", d, family="poisson"),
    "ols": lambda d: mlm.ols("y ~ x + f", d),
    "gls": lambda d: mlm.gls("y ~ x", d, variance=mlm.by_group("f")),
    "gee": lambda d: mlm.gee("yes ~ x + f", d, groups="school", family="binomial"),
    "gee over time": lambda d: mlm.gee("y ~ x", d, groups="school", time="t", corr="ar1"),
    "panel": lambda d: mlm.panel("y ~ x + f", d, groups="school", time="t"),
    "panel, random": lambda d: mlm.panel("y ~ x", d, groups="school", effects="random"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_are_those_of_pandas(name, kind):
    one, other = MODELS[name](table()), MODELS[name](as_kind(kind, table()))
    assert list(other.params.index) == list(one.params.index) and other.nobs == one.nobs
    np.testing.assert_allclose(other.params, one.params, rtol=1e-12)
    np.testing.assert_allclose(other.bse, one.bse, rtol=1e-12)
    if hasattr(one, "llf"):
        assert other.llf == pytest.approx(one.llf, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_after_a_fit(kind):
    """Predictions of new rows, the bootstrap, robust covariances, and a power study from a pilot."""
    d, formula = table(), "y ~ x + f + (1 | school)"
    one, other = mlm.lmm(formula, d), mlm.lmm(formula, as_kind(kind, d))
    np.testing.assert_allclose(other.predict(as_kind(kind, d.iloc[:9])), one.predict(d.iloc[:9]), rtol=1e-12)
    for options in ({}, {"kind": "cluster"}, {"kind": "cluster", "statistic": lambda fit: fit.params["x"]}):
        np.testing.assert_allclose(other.bootstrap(10, **options).replicates, one.bootstrap(10, **options).replicates, rtol=1e-9)
    np.testing.assert_allclose(mlm.robust(other, "school").bse, mlm.robust(one, "school").bse, rtol=1e-12)
    found = [mlm.power.simulate(fit, {"x": 0.4}, groups=12, n=5, replicates=4).values for fit in (one, other)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_formula_s_table_of_a_power_study(kind):
    d = table()[["school", "x"]]
    found = [mlm.power.simulate("z ~ x + (1 | school)", {"x": 0.2}, data=data, covariance={"school": 0.3}, replicates=4).values
             for data in (d, as_kind(kind, d))]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


@pytest.mark.parametrize("data, words", [
    ([[1.0, 2.0], [3.0, 4.0]], "must be a table .*not list"), (np.ones((3, 2)), "must be a table .*not ndarray"), (3, "must be a table .*not int"),
    (None, "must be a table"), ("rows.csv", "read the file first"),
])
@pytest.mark.parametrize("call", ["lmm", "glmm", "ols", "gee", "panel"])
def test_what_is_no_table_is_one_clear_error(call, data, words):
    formula = "y ~ x + (1 | school)" if call in ("lmm", "glmm") else "y ~ x"
    options = {"groups": "school"} if call in ("gee", "panel") else {}
    with pytest.raises(mlm.DataError, match=words):
        getattr(mlm, call)(formula, data, **options)


def test_a_lazy_frame_is_told_to_collect():
    polars = pytest.importorskip("polars")
    for call, options in ((mlm.lmm, {}), (mlm.glmm, {})):
        with pytest.raises(mlm.DataError, match=r"LazyFrame, which has not been read yet; call its collect\(\)"):
            call("y ~ x + (1 | school)", polars.DataFrame({"y": [1.0], "x": [1.0], "school": [1]}).lazy(), **options)
