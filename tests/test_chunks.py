"""A fit in chunks is the fit of all rows at once, from whatever source; it keeps no rows, and says so."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm

MODELS = [
    ("y ~ x + f + (1 | g)", {}), ("y ~ x + f + (1 + x | g)", {}), ("y ~ x + f + (1 + x || g)", {}), ("y ~ x * f + (1 + x | g)", {"reml": False}),
    ("y ~ x + (1 + x | g)", {"weights": "w", "offset": "o"}), ("y ~ x + offset(o) + (1 | g)", {}), ("y ~ x + (1 | g) + (0 + x | g)", {}),
    ("y ~ I(x ** 2) + x + (1 + x | g)", {"covariance": "identity"}), ("y ~ 0 + f + x + (1 | g)", {}), ("log(y) ~ x + (1 | g)", {}), ("y ~ 1 + (1 | g:f)", {}),
    ("y ~ x + C(f, Sum) + (1 | t)", {"covariance": "exchangeable"}),
]


def rows(n=3000, seed=3, J=60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x = rng.integers(J, size=n), 50 + rng.standard_normal(n)
    f = np.array(list("abc"))[np.r_[0, 1, 2, rng.integers(3, size=n - 3)]]
    d = pd.DataFrame({"g": g, "x": x, "f": f, "w": rng.uniform(0.5, 2, n), "o": rng.standard_normal(n)})
    d["y"] = 1000 + 2 * x + rng.standard_normal(J)[g] + 0.3 * rng.standard_normal(J)[g] * (x - 50) + rng.standard_normal(n) + (f == "b")
    d["t"] = d.g.map(lambda k: f"Nº {k}")
    d.loc[7, "x"] = np.nan
    return d


def cut(d, size):
    return (d.iloc[at:at + size] for at in range(0, len(d), size))


def agree(chunked, whole, tol=1e-10):
    assert chunked.criterion == pytest.approx(whole.criterion, rel=tol)
    np.testing.assert_allclose(chunked.params, whole.params, rtol=tol, atol=tol * np.abs(whole.params).max())
    np.testing.assert_allclose(chunked.bse, whole.bse, rtol=tol)
    assert chunked.sigma == pytest.approx(whole.sigma, rel=tol)
    np.testing.assert_allclose(chunked.covariance_matrix(), whole.covariance_matrix(), rtol=1e-8, atol=tol)
    np.testing.assert_allclose(chunked.variance_components["se"], whole.variance_components["se"], rtol=1e-8)
    (group, effects), = whole.random_effects.items()
    assert sorted(chunked.random_effects[group].index) == sorted(effects.index)  # pairs of columns may stand in another order
    np.testing.assert_allclose(chunked.random_effects[group].loc[effects.index], effects, rtol=1e-8, atol=1e-9)
    assert chunked.nobs == whole.nobs and (chunked.group_sizes[group].loc[effects.index] == whole.group_sizes[group]).all()


@pytest.mark.parametrize("size", [100, 1501, 5000])
@pytest.mark.parametrize("formula, options", MODELS)
def test_chunked_is_whole(formula, options, size):
    d = rows()
    agree(mlm.lmm(formula, cut(d, size), **options), mlm.lmm(formula, d, **options))


def test_chunks_that_are_sorted_by_group_and_drift():
    """The first chunk's mean and scale are far from those of the rest, and every chunk has groups of its own."""
    d = rows().dropna().sort_values("g")
    d["x"] += 0.2 * d.g
    for formula in ("y ~ x + (1 | g)", "y ~ x + (1 + x | g)"):
        agree(mlm.lmm(formula, cut(d, 37)), mlm.lmm(formula, d), 1e-9)


def test_a_bundled_data_set():
    hsb = mlm.load("hsb")
    fit = mlm.lmm("mathach ~ cses + (cses | school)", cut(hsb, 1000))
    assert fit.criterion == pytest.approx(46714.234050, abs=1e-5)
    agree(fit, mlm.lmm("mathach ~ cses + (cses | school)", hsb))


@pytest.fixture(scope="module")
def whole():
    return mlm.lmm("y ~ x + f + (1 + x | g)", rows())


@pytest.mark.parametrize("source", ["list", "dicts", "csv", "empty chunks", "missing chunks", "polars", "parquet", "arrow", "duckdb", "dask"])
def test_sources(source, whole, tmp_path):
    d = rows()
    for module in {"polars": ["polars"], "parquet": ["pyarrow"], "arrow": ["pyarrow"], "duckdb": ["duckdb", "pyarrow"], "dask": ["dask.dataframe"]}.get(source, []):
        pytest.importorskip(module)
    if source == "list":
        data = list(cut(d, 700))
    elif source == "dicts":
        data = ({name: values.to_numpy() for name, values in part.items()} for part in cut(d, 700))
    elif source == "csv":
        d.to_csv(tmp_path / "rows.csv", index=False)
        data = pd.read_csv(tmp_path / "rows.csv", chunksize=700)
    elif source == "empty chunks":
        data = (part for piece in cut(d, 700) for part in (piece, piece.iloc[:0]))
    elif source == "missing chunks":
        data = [d.iloc[:1500], d.iloc[7:8], d.iloc[1500:]]
    elif source == "polars":
        import polars
        data = [polars.DataFrame({name: values.to_list() for name, values in part.items()}) for part in cut(d, 700)]
    elif source in ("parquet", "arrow"):
        import pyarrow
        import pyarrow.dataset
        import pyarrow.parquet
        for number, part in enumerate(cut(d, 700)):
            pyarrow.parquet.write_table(pyarrow.Table.from_pandas(part, preserve_index=False), tmp_path / f"part{number}.parquet")
        data = str(tmp_path) if source == "parquet" else pyarrow.dataset.dataset(tmp_path)
    elif source == "duckdb":
        import duckdb
        data = duckdb.sql("select * from d")
    else:
        import dask.dataframe
        data = dask.dataframe.from_pandas(d, npartitions=5)
    found = mlm.lmm("y ~ x + f + (1 + x | g)", data)
    assert found.criterion == pytest.approx(whole.criterion, rel=1e-10)
    np.testing.assert_allclose(found.params, whole.params, rtol=1e-10, atol=1e-10)


def test_what_needs_no_rows_works_and_what_does_says_so(whole):
    fit = mlm.lmm("y ~ x + f + (1 + x | g)", cut(rows(), 700))
    new = rows().dropna().iloc[:5]
    np.testing.assert_allclose(fit.predict(new), whole.predict(new), rtol=1e-10)
    for ddf in ("wald", "satterthwaite", "kenward-roger"):
        np.testing.assert_allclose(fit.coef_table(ddf=ddf), whole.coef_table(ddf=ddf), rtol=1e-6)
    np.testing.assert_allclose(fit.conf_int(which="all"), whole.conf_int(which="all"), rtol=1e-8)
    assert fit.refit(reml=False).criterion == pytest.approx(whole.refit(reml=False).criterion, rel=1e-10)
    assert fit.test("x = 2").pvalue == pytest.approx(whole.test("x = 2").pvalue, rel=1e-6)
    assert mlm.icc(fit).estimate == pytest.approx(mlm.icc(whole).estimate, rel=1e-8)
    np.testing.assert_allclose(fit.random_effects["g"], whole.random_effects["g"], rtol=1e-6, atol=1e-9)
    assert "3,000" in str(fit.messages) and "2,999" in str(fit.summary())
    for call in (lambda: fit.resid, lambda: fit.fittedvalues, fit.predict, lambda: fit.endog, lambda: fit.exog, fit.simulate, lambda: fit.bootstrap(3),
                 lambda: fit.refit(np.ones(3)), lambda: mlm.influence(fit), lambda: mlm.diagnose(fit), fit.profile, fit.report, fit.equations,
                 lambda: mlm.compare(fit, fit), lambda: mlm.table(fit), lambda: fit.translate("lme4"), lambda: fit.margins("f"), fit.anova,
                 lambda: mlm.r2(fit), lambda: mlm.reliability(fit), lambda: mlm.robust(fit, "g")):
        with pytest.raises(mlm.DataError, match="made in chunks and keeps no rows"):
            call()


@pytest.mark.parametrize("formula, change, options, words", [
    ("y ~ x + (1 | g)", lambda parts: [], {}, "table|chunk"), ("y ~ q + (1 | g)", None, {}, "no column 'q'"), ("y ~ x", None, {}, "no random term"),
    ("y ~ x + (1 | g) + (1 | t)", None, {}, "takes one grouping factor"), ("y ~ center(x) + (1 | g)", None, {}, "learns from all rows"),
    ("y ~ x + (1 | g)", None, {"weights": np.ones(3000)}, "weights= must be the name of a column"), ("y ~ x + (1 | g)", None, {"correlation": mlm.ar1("o")}, "need all rows at once"),
    ("y ~ x + f + (1 | g)", lambda parts: [parts[0], parts[1].assign(f="zz")], {}, "In chunk 1, the first being 0: .* zz in 'f'.*C\\(f, levels="),
    ("y ~ x + (1 | g)", lambda parts: [parts[0], parts[1].drop(columns="x")], {}, "In chunk 1, the first being 0: There is no column 'x'"),
    ("y ~ x + (1 | g)", lambda parts: [parts[0], 3], {}, "In chunk 1, the first being 0: The data must be a table"),
    ("y ~ x + (1 | g)", lambda parts: [part.assign(g=1) for part in parts], {}, "has one group only"), ("y ~ x + (1 | g)", lambda parts: [part.assign(y=2.0) for part in parts], {}, "'y' is 2 in every row"),
    ("y ~ x + I(2 * x) + (1 | g)", None, {}, "fully determined by"), ("y ~ x + o + (1 | g)", lambda parts: [part.assign(o=0) for part in parts], {}, "zero in every row"),
    ("y ~ x + o + (1 | g)", lambda parts: [part.assign(o=part.y) for part in parts], {}, "reproduce"),
])
def test_bad_chunks(formula, change, options, words):
    parts = list(cut(rows(), 1000))
    with pytest.raises(ValueError, match=words):
        mlm.lmm(formula, change(parts) if change else parts, **options)


def exact(part):
    return part.assign(y=part.x * 2 + part.g)


@pytest.mark.parametrize("formula, parts, options, words", [
    ("y ~ x + (1 | g)", lambda d: iter(()), {}, "There is no chunk of data"),
    ("y ~ x + (1 | g)", lambda d: [d.iloc[:0], d], {}, "The first chunk has no rows"),
    ("y ~ x + (1 | g)", lambda d: [d.iloc[:50], d.iloc[50:].assign(x=np.nan), d.iloc[:0]], {"weights": "z"}, "The weights must all be positive"),
    ("f ~ x + (1 | g)", lambda d: [d], {}, "The outcome 'f' holds text, categories or several columns"),
    ("y ~ x + f + (1 | g)", lambda d: [d.iloc[:4]], {}, "4 rows cannot carry 4 fixed effects"),
    ("y ~ x + (1 | g)", lambda d: [exact(d)], {}, "reproduce the outcome 'y' exactly"),
    ("y ~ x + (1 + x | t)", lambda d: [d.assign(t=np.arange(len(d)) // 2)], {}, "has 1500 groups x 2 effects = 3000 random effects for 2999 rows"),
])
def test_chunks_that_cannot_be_fitted(formula, parts, options, words):
    with pytest.raises(mlm.DataError, match=words):
        mlm.lmm(formula, parts(rows().assign(z=0.0)), **options)


@pytest.mark.parametrize("seed", [3, 4])
def test_an_outcome_of_the_groups_alone_is_refused_in_the_same_words_at_once_and_in_chunks(seed):
    """The variances grow until nothing can be factored: the search may end in that, or in a residual of nothing."""
    d = exact(rows(seed=seed)).dropna()
    for data in (d, [d], list(cut(d, 500))):
        with pytest.raises(mlm.DataError, match="reproduce the outcome 'y' exactly: nothing is left for the residual"):
            mlm.lmm("y ~ x + (1 | g)", data)
    with pytest.raises(mlm.DataError, match="nothing is left for the residual"):
        mlm.lmm("y ~ x + (1 | g)", d.assign(k=d.groupby("g").cumcount()), correlation=mlm.ar1("k"))


def test_chunks_without_a_complete_row_are_read_and_pass():
    d = rows()
    gaps = d.assign(x=np.nan)
    fit = mlm.lmm("y ~ x + (1 | g)", [d.iloc[:900], gaps, d.iloc[900:], gaps])
    agree(fit, mlm.lmm("y ~ x + (1 | g)", d))
    assert "9,000" in str(fit.messages), "rows that were read"


def test_labels_of_several_types_are_told_apart():
    d = rows().dropna()
    d["g"] = [label if label % 2 else f"n{label}" for label in d.g]
    fit, whole = mlm.lmm("y ~ x + (1 | g)", cut(d, 700)), mlm.lmm("y ~ x + (1 | g)", d.assign(g=d.g.astype(str)))
    assert fit.criterion == pytest.approx(whole.criterion, rel=1e-10)
    found, own = fit.random_effects["g"]["Intercept"], whole.random_effects["g"]["Intercept"]
    assert all(found[label] == pytest.approx(own[str(label)], rel=1e-7) for label in found.index) and len(found) == len(own)


def test_folders_of_parquet_that_do_not_fit(tmp_path):
    pytest.importorskip("pyarrow")
    with pytest.raises(mlm.DataError, match="There is no Parquet file at empty; other files are read by pandas"):
        (tmp_path / "empty").mkdir()
        mlm.lmm("y ~ x + (1 | g)", tmp_path / "empty")
    with pytest.raises(mlm.DataError, match="There is no folder or Parquet file 'none'"):
        mlm.lmm("y ~ x + (1 | g)", tmp_path / "none")
    rows().to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(mlm.DataError, match="There is no column 'q' in the data; its columns are: g, x, f, w, o, y, t"):
        mlm.lmm("y ~ q + (1 | g)", str(tmp_path / "rows.parquet"))


def test_a_later_category_may_be_declared():
    d = rows().dropna()
    parts = [d[d.f == name] for name in "abc"]
    formula = "y ~ x + C(f, levels=['a', 'b', 'c']) + (1 | g)"
    agree(mlm.lmm(formula, parts), mlm.lmm(formula, d))


def test_memory_does_not_grow_with_the_rows():
    def peak(chunks):
        made = (rows(20_000, seed) for seed in range(chunks))
        tracemalloc.start()
        fit = mlm.lmm("y ~ x + (1 + x | g)", made)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert fit.nobs == chunks * 20_000 - chunks
        return found

    peak(1)
    assert peak(12) < 1.3 * peak(3)
