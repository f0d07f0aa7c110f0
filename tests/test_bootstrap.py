"""The bootstrap: batched refits against refits one by one, on hard cases; exact draws; seeds, workers, failures, tests."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.inference.bootstrap_result import bca_levels, quantiles
from mlmlib.inference.parameters import Parameters
from mlmlib.inference.replicate import BLOCK, deletions, engine, resampled
from mlmlib.inference.resample import Cluster, Parametric, Residual, outcomes
from mlmlib.lmm.batch_fit import alone, fit_replicates
from models import fit

RNG = np.random.default_rng(77)
SLEEP = mlm.load("sleepstudy").assign(w=RNG.uniform(0.3, 2.0, 180), o=20.0 * RNG.normal(size=180), wild=lambda t: 1e6 * (t.Days - 30))
UNEVEN = SLEEP.sample(frac=0.55, random_state=3)  # groups of very different size, rows in no order
TINY = SLEEP[SLEEP["Days"] < 3].drop(SLEEP.index[[0, 1, 30, 31, 60]])  # groups of one to three rows

HARD = {
    "intercepts": ("Reaction ~ Days + (1 | Subject)", SLEEP, {}),
    "slopes": ("Reaction ~ Days + (1 + Days | Subject)", SLEEP, {}),
    "slopes by ML, weighted, offset": ("Reaction ~ Days + (1 + Days | Subject)", UNEVEN, {"reml": False, "weights": "w", "offset": "o"}),
    "slopes weighted, offset": ("Reaction ~ Days + (1 + Days | Subject)", UNEVEN, {"weights": "w", "offset": "o"}),
    "independent": ("Reaction ~ Days + (1 + Days || Subject)", UNEVEN, {"reml": False}),
    "exchangeable": ("Reaction ~ Days + (1 + Days | Subject)", SLEEP, {"covariance": "exchangeable"}),
    "identity": ("Reaction ~ Days + (1 + Days | Subject)", UNEVEN, {"covariance": "identity", "reml": False}),
    "two terms": ("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", UNEVEN, {"weights": "w"}),
    "three effects": ("Reaction ~ Days + w + (1 + Days + w | Subject)", SLEEP, {}),
    "wild scale": ("Reaction ~ wild + (1 + wild | Subject)", SLEEP, {}),
    "tiny groups": ("Reaction ~ Days + (1 | Subject)", TINY, {}),
    "one variance for wild columns": ("Reaction ~ wild + (1 + wild | Subject)", UNEVEN, {"covariance": "identity"}),
    "no fixed effects": ("Reaction ~ 0 + (1 | Subject)", SLEEP, {}),
    "no intercept": ("Reaction ~ 0 + Days + (0 + Days | Subject)", UNEVEN, {"weights": "w"}),
}


def made(name):
    formula, table, options = HARD[name]
    return mlm.lmm(formula, table, **options)


@pytest.mark.parametrize("shrunk", [1.0, 0.15], ids=["as fitted", "near the boundary"])
@pytest.mark.parametrize("name", HARD)
def test_a_batch_is_the_refits_one_by_one(name, shrunk):
    """Criterion to 1e-8, estimates, and which fits are singular; also where most of them are."""
    base = made(name)
    sampler = Parametric(base)
    sampler.factor = shrunk * sampler.factor
    rng = np.random.default_rng(4)
    Y = np.array([sampler.rows(rng) for _ in range(25)])
    found = fit_replicates(base.model, outcomes(base.model, Y), base._at.L)
    single = [base.refit(y) for y in Y]
    assert not found.failed.any()
    assert np.abs(found.value - [one.criterion for one in single]).max() < 1e-8
    assert found.singular.tolist() == [one.is_singular for one in single]
    b = (base.model.start_b + found.b) @ np.linalg.inv(base.model.x_map)
    assert (np.abs(b - [one._params for one in single]) < 1e-5 * base._se).all()
    assert np.allclose(found.s2, [one.sigma**2 for one in single], rtol=1e-6)
    inner = Parameters(base)
    values = inner.gather_batch(found, b)
    ours = np.array([Parameters(one).values() for one in single])
    regular = ~found.singular  # where a variance vanishes a correlation is anything
    assert np.allclose(values[regular], ours[regular], rtol=1e-4, atol=1e-6 * np.nanmax(np.abs(ours), axis=0))
    if shrunk < 1:
        assert found.singular.any() or name in ("slopes", "no intercept", "intercepts", "no fixed effects")


@pytest.mark.parametrize("name", ["slopes", "slopes weighted, offset", "independent", "identity", "two terms", "tiny groups",
                                  "one variance for wild columns"])
def test_draws_of_cross_products_have_the_moments_of_rows(name):
    """Z'y, X'y and y'y are drawn without rows; mean and covariance are those of the rows' own."""
    base = made(name)
    sampler, rng, many = Parametric(base), np.random.default_rng(5), 3000
    drawn = sampler.draw(rng, many)[0]
    rows = outcomes(base.model, np.array([sampler.rows(rng) for _ in range(many)]))
    shift = base.model.x_map.T @ base._params - base.model.start_b  # rows are taken about another fixed part
    Xy, Zy = rows.Xy - shift, rows.Zy - np.einsum("apj,p->aj", base.model.criterion.elimination.AB[:, len(rows.Zy[0]):-1], shift)
    yy = rows.yy - 2 * rows.Xy @ shift + shift @ rows.XX[0] @ shift
    pairs = [(drawn.yy, yy), *zip(drawn.Xy.T, Xy.T), *zip(drawn.Zy.reshape(many, -1)[:, :12].T, Zy.reshape(many, -1)[:, :12].T)]
    for a, b in pairs:
        se = np.sqrt((a.var() + b.var()) / many)
        assert abs(a.mean() - b.mean()) < 5 * se
        assert abs(np.log(a.var() / b.var())) < 5 * np.sqrt(4 / many) * max(1.0, ((b - b.mean()) ** 4).mean() / b.var() ** 2 / 3)
    assert np.corrcoef(drawn.Xy[:, 0], drawn.Zy[:, 0, 0])[0, 1] == pytest.approx(np.corrcoef(Xy[:, 0], Zy[:, 0, 0])[0, 1], abs=0.1)


def test_standard_errors_of_the_parametric_bootstrap_are_those_of_the_theory():
    base = fit("hsb_rc_reml")
    boot = base.bootstrap(4000, seed=8)
    ratio = boot.se.iloc[:2] / base.bse
    assert np.abs(ratio - 1).max() < 4 / np.sqrt(2 * 4000)
    assert np.abs(boot.bias.iloc[:2] / base.bse).max() < 4 / np.sqrt(4000)
    assert boot.se["sigma"] == pytest.approx(0.05165, rel=0.05)


@pytest.mark.parametrize("kind", ["parametric", "residual", "cluster"])
def test_the_same_numbers_whatever_the_workers(kind):
    base = fit("sleepstudy_corr_reml")
    one = base.bootstrap(130, seed=3, kind=kind).replicates
    assert one.equals(base.bootstrap(130, seed=3, kind=kind, n_jobs=2).replicates)
    assert one.iloc[:70].equals(base.bootstrap(70, seed=3, kind=kind).replicates)
    assert not one.equals(base.bootstrap(130, seed=4, kind=kind).replicates)


def test_any_backend_of_joblib_serves():
    joblib = pytest.importorskip("joblib")
    base = mlm.lmm("Reaction ~ log(Days + 1) + (1 | Subject)", SLEEP)
    one = base.bootstrap(120, seed=3).replicates
    for backend in ("threading", "multiprocessing"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            assert one.equals(base.bootstrap(120, seed=3, n_jobs=None).replicates)


def test_a_backend_that_returns_a_list_serves():
    """Dask and Ray bring backends of their own; one that cannot hand results over one by one is taken as it is."""
    joblib = pytest.importorskip("joblib")
    from joblib._parallel_backends import ThreadingBackend

    class Plain(ThreadingBackend):
        supports_return_generator = False

    joblib.register_parallel_backend("plain", Plain)
    base = fit("sleepstudy_corr_reml")
    with joblib.parallel_config(backend="plain", n_jobs=2):
        assert base.bootstrap(120, n_jobs=None).replicates.equals(base.bootstrap(120).replicates)


def test_the_bar_counts_replicates(capfd, monkeypatch):
    base = fit("sleepstudy_corr_reml")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    base.bootstrap(100, progress=True)
    assert "100" in capfd.readouterr().err
    base.bootstrap(100)
    base.bootstrap(100, progress=False)
    assert not capfd.readouterr().err


@pytest.mark.parametrize("name", ["slopes", "slopes weighted, offset", "slopes by ML, weighted, offset", "independent", "two terms",
                                  "exchangeable"])
def test_the_cluster_bootstrap_is_the_fit_to_the_drawn_rows(name):
    """Groups as counts in the sums give the fit to a table in which drawn groups are new groups."""
    base = made(name)
    sampler, rng = Cluster(base), np.random.default_rng(6)
    counts = sampler.counts(rng, 8)
    drawn = engine(base, "cluster").selections(counts)
    found = fit_replicates(base.model, sampler.replicates(counts), base._at.L)
    for k, row in enumerate(counts):
        single = resampled(base, *sampler.rows(row))
        assert found.value[k] == pytest.approx(single.criterion, abs=1e-7)
        assert np.allclose(drawn.values[k][:-1], Parameters(single).values()[:-1], rtol=1e-4, atol=1e-4, equal_nan=True)
        assert single.nobs == int(row @ sampler.sizes)


def test_deleting_a_group_is_deleting_its_rows():
    base = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", UNEVEN, weights="w", offset="o")
    left = deletions(base)
    for k, level in enumerate(base.design.random[0].levels[:4]):
        without = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", UNEVEN[UNEVEN["Subject"] != level], weights="w", offset="o")
        assert np.allclose(left[k], Parameters(without).values(), rtol=1e-5, atol=1e-5)


def test_reflated_effects_have_the_estimated_covariance():
    base = fit("hsb_rc_reml")
    sampler = Residual(base)
    assert np.allclose(sampler.blups @ sampler.blups.T / sampler.blups.shape[1], base.sigma**2 * base._at.L @ base._at.L.T)
    assert np.allclose(sampler.blups.mean(axis=1), 0, atol=1e-12) and sampler.pool.mean() == pytest.approx(0, abs=1e-12)
    assert np.mean(sampler.pool**2) == pytest.approx(base.sigma**2)
    singular = fit("dyestuff2_reml")
    assert singular.is_singular and np.allclose(Residual(singular).blups, 0)
    boot = base.bootstrap(600, kind="residual")
    assert np.abs(boot.se.iloc[:2] / base.bse - 1).max() < 0.13


def test_a_failed_replicate_is_counted_and_told():
    """Draws of four groups, of which one alone has the predictor: often it is not drawn and its coefficient cannot be had."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(5), 6)
    table = {"y": rng.normal(size=30) + g, "x": (g == 0).astype(float), "g": g}
    boot = mlm.lmm("y ~ x + (1 | g)", table).bootstrap(200, kind="cluster")
    assert boot.n + boot.n_failed == 200 and 20 < boot.n_failed < 120
    assert f"{boot.n_failed} of 200 replicates could not be fitted" in repr(boot)
    assert np.isfinite(boot.replicates.to_numpy()).all()


def test_a_replicate_by_itself_is_the_same_fit():
    base = made("slopes weighted, offset")
    rng = np.random.default_rng(2)
    sets = [outcomes(base.model, np.array([Parametric(base).rows(rng)])), Cluster(base).replicates(Cluster(base).counts(rng, 1))]
    for replicates in sets:
        found, minimum = fit_replicates(base.model, replicates, base._at.L), alone(base.model, replicates, 0).fit()[0]
        assert minimum.at.value == pytest.approx(found.value[0], abs=1e-8)
        assert np.allclose(minimum.at.b, found.b[0], rtol=1e-4, atol=1e-4 * base.sigma)


def test_an_interrupt_keeps_what_is_done(monkeypatch):
    from mlmlib.inference.replicate import Mixed
    calls, carry_out = [], Mixed.__call__

    def stopping(self, seed, size):
        calls.append(size)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return carry_out(self, seed, size)

    monkeypatch.setattr(Mixed, "__call__", stopping)
    boot = fit("sleepstudy_corr_reml").bootstrap(500)
    assert boot.interrupted and boot.n == 2 * BLOCK and "Interrupted: 100 of 500 replicates are done" in repr(boot)


def test_a_statistic_of_a_fit():
    base = fit("sleepstudy_ri_reml")
    one = base.bootstrap(60, statistic=lambda f: {"icc": mlm.icc(f).estimate, "slope": f.params["Days"]})
    assert one.names == ("icc", "slope") and one.estimates["icc"] == pytest.approx(mlm.icc(base).estimate)
    assert one.replicates.equals(base.bootstrap(60, n_jobs=2, statistic=lambda f: {"icc": mlm.icc(f).estimate, "slope": f.params["Days"]}).replicates)
    assert one.conf_int(type="bca").loc["icc"].between(0, 1).all()
    by_group = base.bootstrap(40, kind="cluster", statistic=lambda f: f.nobs)
    assert by_group.names == ("statistic",) and (by_group.replicates["statistic"] == 180).all()

    def sometimes(f):
        if f.params["Days"] > base.params["Days"] and f is not base:
            raise ValueError("too steep")
        return f.params["Days"]

    told = base.bootstrap(60, statistic=sometimes)
    assert 10 < told.n_failed < 50 and "too steep" in repr(told)


def test_intervals_of_a_bootstrap():
    base = fit("hsb_rc_reml")
    boot = base.bootstrap(1000, seed=2)
    percentile, basic, normal, bca = (boot.conf_int(0.9, type=kind) for kind in ("percentile", "basic", "normal", "bca"))
    assert np.allclose(basic["lower"], 2 * boot.estimates - percentile["upper"])
    assert np.allclose(normal.mean(axis=1), boot.estimates - boot.bias)
    for table in (percentile, basic, normal, bca):
        assert (table["lower"] < boot.estimates).all() and (boot.estimates < table["upper"]).all()
    assert np.abs(bca - percentile).max().max() < 0.1 * (percentile["upper"] - percentile["lower"]).max()
    assert quantiles(np.arange(1.0, 1000)[:, None], (0.025, 0.975)).ravel().tolist() == pytest.approx([25, 975])
    assert boot.table.loc["cses", "lower"] == boot.conf_int().loc["cses", "lower"]


def test_bca_levels_by_hand():
    """Davison and Hinkley (1997, eq. 5.22) with w = 0.1 and a = 0.05."""
    from scipy.special import ndtr, ndtri
    jack = np.array([-1.0, -1.0, 2.0])
    bend = ((jack.mean() - jack) ** 3).sum() / (6 * ((jack - jack.mean()) ** 2).sum() ** 1.5)
    replicates = np.arange(1000.0)
    lean = ndtri(0.6)
    expected = [ndtr(lean + (lean + z) / (1 - bend * (lean + z))) for z in (-1.959964, 1.959964)]
    assert np.allclose(bca_levels(replicates, jack, 599.5, 0.95), expected, atol=1e-6)


def test_a_singular_fit_can_be_bootstrapped():
    boot = fit("dyestuff2_reml").bootstrap(300)
    assert boot.singular_share > 0.4 and (boot.conf_int()["lower"] >= 0).iloc[1]
    assert "singular" in repr(boot) and "<table" in boot._repr_html_()


@pytest.mark.parametrize("options", [{}, {"weights": "w", "offset": "o"}, {"method": "ml"}], ids=["plain", "weights", "ml"])
def test_a_linear_model(options):
    base = mlm.ols("Reaction ~ Days", SLEEP, **options)
    for kind in ("parametric", "residual"):
        boot = base.bootstrap(3000, seed=5, kind=kind)
        assert np.abs(boot.se.iloc[:2] / base.bse - 1).max() < 0.08 and abs(boot.bias["sigma"]) < 0.05 * base.sigma
    by_group = base.bootstrap(500, kind="cluster", groups="Subject")
    refits = base.bootstrap(500, kind="cluster", groups="Subject", statistic=lambda f: {**f.params, "sigma": f.sigma})
    assert np.allclose(by_group.replicates, refits.replicates, rtol=1e-8)
    robust = base.statsmodels.get_robustcov_results("cluster", groups=SLEEP["Subject"].astype("category").cat.codes,
                                                    use_correction=False).bse
    assert np.abs(by_group.se.iloc[:2] / robust - 1).max() < 0.15


def test_what_cannot_be_done_is_said():
    base = fit("sleepstudy_ri_reml")
    for call, says in ((lambda: base.bootstrap(kind="wild"), "kind='wild'"), (lambda: base.bootstrap(1), "n=1"),
                       (lambda: base.bootstrap(10, groups="Subject"), "groups="),
                       (lambda: mlm.ols("Reaction ~ Days", SLEEP).bootstrap(10, kind="cluster", groups="subject"), "no column"),
                       (lambda: base.bootstrap(50).conf_int(type="exact"), "type='exact'"),
                       (lambda: base.bootstrap(50).conf_int(95), "level=95")):
        with pytest.raises(ValueError, match=says):
            call()
    with pytest.raises(AttributeError):
        base.bootstrap(10).n = 3
    assert isinstance(base.bootstrap(10, seed=None).seed, int)


# the test of nested models

def test_a_test_of_coefficients_is_uniform_under_the_null():
    """With the null true, the bootstrap p-values of few, uneven groups are uniform; chi-square's are too small."""
    rng = np.random.default_rng(9)
    g = np.repeat(np.arange(6), [3, 4, 5, 9, 12, 15])
    w = np.array([0, 1, 0, 1, 0, 1.0])[g]
    p, limit = [], []
    for _ in range(120):
        table = {"y": rng.normal(size=6)[g] + rng.normal(size=len(g)), "w": w, "g": g}
        null, full = (mlm.lmm(f"y ~ {x} + (1 | g)", table, reml=False) for x in ("1", "w"))
        test = mlm.compare(null, full, method="bootstrap", n=199)
        p.append(test.pvalue)
        limit.append(test.limit.pvalue)
    assert 0.005 < np.mean(np.array(p) <= 0.05) < 0.11 < np.mean(np.array(limit) <= 0.05)


@pytest.mark.parametrize("null, full, options", [
    ("1 + (1 | Subject)", "1 + (1 + Days | Subject)", {}),
    ("Days + (1 | Subject)", "Days + (1 + Days || Subject)", {"weights": "w", "offset": "o"}),
    ("1 + (1 + Days | Subject)", "Days + (1 + Days | Subject)", {"weights": "w", "reml": False}),
], ids=["variance", "weights and offset", "coefficient"])
def test_its_replicates_are_those_of_refits(null, full, options):
    """Samples from the null as rows, both models refitted, give the same distribution as the batches."""
    a, b = (mlm.lmm(f"Reaction ~ {right}", UNEVEN, **options) for right in (null, full))
    test = mlm.compare(a, b, method="bootstrap", n=800)
    sampler, rng = Parametric(a), np.random.default_rng(3)
    rows = [sampler.rows(rng) for _ in range(150)]
    slow = np.array([max(a.refit(y).criterion - b.refit(y).criterion, 0.0) for y in rows])
    fast = test.replicates
    from scipy.stats import ks_2samp
    assert ks_2samp(slow.round(6), fast.round(6)).pvalue > 0.001
    assert test.pvalue == (1 + (fast >= test.statistic - 1e-8).sum()) / 801


def test_a_test_against_the_linear_model():
    linear, mixed = mlm.ols("Reaction ~ Days", TINY), mlm.lmm("Reaction ~ Days + (1 | Subject)", TINY)
    test = mlm.compare(linear, mixed, method="bootstrap", n=2000)
    assert 0.45 < test.zero_share < 0.75 and test.statistic == pytest.approx(mlm.compare(linear, mixed).statistic)
    from mlmlib.inference.bootstrap_test import compare_bootstrap
    again = compare_bootstrap(linear, mixed, 2000, n_jobs=2)
    assert (again.replicates == test.replicates).all()
    assert "larger model fits no better" in str(test) and test.table["pvalue"].iloc[1] == test.pvalue
    two = mlm.compare(mlm.ols("Reaction ~ 1", SLEEP, method="ml"), mlm.ols("Reaction ~ Days", SLEEP, method="ml"), method="bootstrap", n=400)
    assert two.pvalue == pytest.approx(1 / 401)


def test_reml_tests_do_not_depend_on_the_coding():
    other = SLEEP.assign(late=10 - SLEEP["Days"])
    a, b = (mlm.lmm(f"Reaction ~ {x} + ({r} | Subject)", other) for x, r in (("Days", "1"), ("Days", "1 + Days")))
    c = mlm.lmm("Reaction ~ late + (1 + late | Subject)", other)
    first, second = (mlm.compare(a, x, method="bootstrap", n=300) for x in (b, c))
    assert first.statistic == pytest.approx(second.statistic, abs=1e-6)
    assert np.quantile(first.replicates, 0.9) == pytest.approx(np.quantile(second.replicates, 0.9), rel=0.5)


def test_reml_fits_with_other_coefficients_are_refitted_and_it_is_said():
    a, b = (mlm.lmm(f"Reaction ~ {x} + (1 | Subject)", SLEEP) for x in ("1", "Days"))
    test = mlm.compare(a, b, method="bootstrap", n=100, names=("flat", "sloped"), progress=False)
    assert "both refitted by maximum likelihood" in test.note and test.table.index.tolist() == ["flat", "sloped"]
    with pytest.raises(ValueError, match="refit=True"):
        mlm.compare(a, b, method="bootstrap", n=100, refit=False)
    with pytest.raises(ValueError, match="different orders"):
        mlm.compare(a, mlm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP.iloc[::-1]), method="bootstrap", n=100)


def test_a_test_can_be_interrupted(monkeypatch):
    from mlmlib.inference.bootstrap_test import Ratio
    calls, carry_out = [], Ratio.__call__

    def stopping(self, seed, size):
        calls.append(size)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return carry_out(self, seed, size)

    monkeypatch.setattr(Ratio, "__call__", stopping)
    a, b = (mlm.lmm(f"Reaction ~ Days + ({x} | Subject)", SLEEP) for x in ("1", "1 + Days"))
    test = mlm.compare(a, b, method="bootstrap", n=400)
    assert test.n == BLOCK and "interrupted: 50 of 400 replicates are done" in test.note


def test_the_pictures():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    base = fit("hsb_iso_reml")
    axes = base.bootstrap(200).plot()
    assert len(axes) == 10 and "pile up at the edge" in mlm.plots.alt(axes) and "sigma: estimate 6.06" in mlm.plots.alt(axes)
    one = base.bootstrap(100).plot("cses", type="normal")
    assert "cses: estimate 2.95" in mlm.plots.alt(one)
    with pytest.raises(ValueError, match="no 'ses'"):
        base.bootstrap(20).plot("ses")
    a, b = (mlm.lmm(f"Reaction ~ Days + ({x} | Subject)", SLEEP) for x in ("1", "1 + Days"))
    picture = mlm.compare(a, b, method="bootstrap", n=200).plot()
    assert "The observed statistic is 42.8" in mlm.plots.alt(picture)
    matplotlib.pyplot.close("all")
