"""GEE: structures, options, messages and errors (numbers of R are in test_gee_reference)."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import sqrtm

import mlmlib as mlm

OHIO = mlm.load("ohio")
DIETOX = mlm.load("dietox")


def ohio(**options):
    return mlm.gee("resp ~ age + smoke", OHIO, groups="id", family="binomial", **options)


def panel(seed=1, J=40, n=5):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), n)
    x = rng.normal(size=J * n)
    return pd.DataFrame({"g": g, "t": np.tile(np.arange(n), J), "x": x, "y": x + rng.normal(size=J)[g] + rng.normal(size=J * n)})


def test_order_of_rows_does_not_matter():
    early = DIETOX[DIETOX["Time"] <= 4]
    shuffled = early.sample(frac=1.0, random_state=1)
    for corr in ("ar1", "unstructured", "exchangeable"):
        a = mlm.gee("Weight ~ Time + Cu", early, groups="Pig", time="Time", corr=corr)
        b = mlm.gee("Weight ~ Time + Cu", shuffled, groups="Pig", time="Time", corr=corr)
        assert a.converged and np.allclose(a.params, b.params, rtol=1e-9) and np.allclose(a.bse, b.bse, rtol=1e-9)
        assert np.allclose(a.resid.sort_index(), b.resid.sort_index(), rtol=1e-8)
        assert np.allclose(a.fittedvalues, a.predict(early))


def test_units_do_not_matter():
    table = panel()
    a = mlm.gee("y ~ x", table, groups="g")
    b = mlm.gee("y ~ x", table.assign(y=1e6 * table["y"], x=1e-5 * table["x"] + 7), groups="g")
    assert a.converged and b.converged
    assert b.params["x"] == pytest.approx(1e11 * a.params["x"], rel=1e-8)
    assert b.bse["x"] == pytest.approx(1e11 * a.bse["x"], rel=1e-8)


@pytest.mark.parametrize("corr", ["exchangeable", "ar1", "unstructured"])
def test_statsmodels_moments_are_statsmodels(corr):
    import warnings

    from statsmodels.genmod import cov_struct, families
    from statsmodels.genmod.generalized_estimating_equations import GEE
    table = panel()
    X = np.column_stack([np.ones(len(table)), table["x"]])
    made = {"exchangeable": cov_struct.Exchangeable, "unstructured": cov_struct.Unstructured,
            "ar1": lambda: cov_struct.Autoregressive(grid=False)}[corr]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = GEE(table["y"].to_numpy(), X, table["g"].to_numpy(), time=table["t"].to_numpy(), cov_struct=made,
                     family=families.Gaussian()).fit(ctol=1e-9, maxiter=200, cov_type="bias_reduced")
    ours = mlm.gee("y ~ x", table, groups="g", time="t", corr=corr, moments="statsmodels", cov="mancl-derouen")
    assert np.allclose(ours.params, theirs.params, rtol=1e-7) and np.allclose(ours.bse, theirs.bse, rtol=1e-6)
    assert np.allclose(ours.se_table()["robust"], np.sqrt(np.diagonal(theirs.cov_robust)), rtol=1e-6)
    assert ours.scale == pytest.approx(theirs.scale, rel=1e-7)
    default = mlm.gee("y ~ x", table, groups="g", time="t", corr=corr)
    assert not np.isclose(default.scale, ours.scale) and np.allclose(default.params, ours.params, atol=0.05)


def test_nested_correlation_solves_as_dense_matrices_do():
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(12), 12)
    room = np.repeat(np.arange(36), 4)
    keep = rng.random(144) < 0.8
    y = rng.normal(size=12)[school] + rng.normal(size=36)[room] + rng.normal(size=144)
    table = pd.DataFrame({"school": school, "room": room, "x": rng.normal(size=144), "y": y})[keep]
    fit = mlm.gee("y ~ x", table, groups="school/room", corr="nested")
    between, within = fit.correlations["estimate"]
    assert 0 < between < within < 1 and fit.n_groups == {"school": 12, "school:room": 36}
    M, score = 0.0, 0.0
    for _, own in table.groupby("school"):
        room = own["room"].to_numpy()
        R = np.where(room[:, None] == room, within, between)
        np.fill_diagonal(R, 1.0)
        X = np.column_stack([np.ones(len(own)), own["x"]])
        M, score = M + X.T @ np.linalg.solve(R, X), score + X.T @ np.linalg.solve(R, own["y"] - X @ fit.params)
        shown = fit.working_correlation(own["school"].iloc[0]).to_numpy()
        assert np.allclose(shown, shown.T) and np.allclose(np.sort(shown, axis=None), np.sort(R, axis=None))
    assert np.abs(score).max() < 1e-8
    assert np.allclose(fit.cov_params("model"), fit.scale * np.linalg.inv(M))
    r = (table["y"] - fit.fittedvalues).to_numpy()
    s, c = table["school"].to_numpy(), table["room"].to_numpy()
    pairs = np.triu(s[:, None] == s, 1)
    same = pairs & (c[:, None] == c)
    products = np.outer(r, r) / fit.scale
    assert within == pytest.approx(products[same].mean()) and between == pytest.approx(products[pairs & ~same].mean())


def test_kauermann_carroll_takes_the_principal_root():
    table = panel(J=8, n=4)
    fit = mlm.gee("y ~ x", table, groups="g", cov="kauermann-carroll")
    R, M = fit.working_correlation().to_numpy(), fit.cov_params("model").to_numpy() / fit.scale
    meat = 0.0
    for _, own in table.groupby("g"):
        X = np.column_stack([np.ones(4), own["x"]])
        A = np.linalg.inv(sqrtm(np.eye(4) - X @ M @ X.T @ np.linalg.inv(R)))
        s = X.T @ np.linalg.solve(R, A @ (own["y"] - X @ fit.params))
        meat = meat + np.outer(s, s)
    assert np.allclose(fit.cov_params(), M @ meat @ M)
    table = fit.se_table()
    assert (table["robust"] < table["kauermann-carroll"]).all() and (table["kauermann-carroll"] < table["mancl-derouen"]).all()


def test_exposure_offset_and_trials_are_one_thing():
    epil = mlm.load("epil").assign(weeks=2.0)
    epil.loc[epil["period"] == 1, "weeks"] = 3.0
    a = mlm.gee("y ~ trt", epil, groups="subject", family="poisson", exposure="weeks")
    b = mlm.gee("y ~ trt + offset(log(weeks))", epil, groups="subject", family="poisson")
    c = mlm.gee("y ~ trt", epil, groups="subject", family="poisson", offset=np.log(epil["weeks"]))
    assert np.allclose(a.params, b.params) and np.allclose(a.params, c.params) and np.allclose(a.bse, c.bse)
    assert np.allclose(a.predict(epil), b.predict(epil)) and np.allclose(a.predict(epil), a.predict())
    one = ohio(trials=1)
    assert np.allclose(one.params, ohio().params) and np.allclose(one.bse, ohio().bse)


def test_ratios_and_prediction():
    fit = ohio()
    found = fit.ratios()
    assert found.kind == "marginal odds ratio" and found["smoke"] == pytest.approx(np.exp(fit.params["smoke"]))
    assert np.allclose(np.log(found.table[["lower", "upper"]]), fit.conf_int().loc[found.table.index])
    shown = fit.predict(interval="confidence")
    assert (shown["lower"] < shown["mean"]).all() and (shown["mean"] < shown["upper"]).all()
    assert np.allclose(shown["mean"], fit.fittedvalues)
    with pytest.raises(ValueError, match="means and no distribution"):
        fit.predict(interval="prediction")
    with pytest.raises(mlm.DataError, match="differences of means"):
        mlm.gee("y ~ x", panel(), groups="g").ratios()


def test_family_nbinom_between_its_limits():
    epil = mlm.load("epil")
    poisson = mlm.gee("y ~ trt + lage", epil, groups="subject", family="poisson")
    near = mlm.gee("y ~ trt + lage", epil, groups="subject", family="nbinom", dispersion=1e8)
    assert np.allclose(near.params, poisson.params, rtol=1e-5) and np.allclose(near.bse, poisson.bse, rtol=1e-5)
    free = mlm.gee("y ~ trt + lage", epil, groups="subject", family="nbinom")
    ml = mlm.glmm("y ~ trt + lage", epil, family="nbinom2")
    assert free.family.theta == pytest.approx(ml.dispersion.iloc[0], rel=1e-5)
    assert any("theta" in message for message in free.messages) and np.isfinite(free.qic()).all()


def test_categories():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(60), 6)
    x = rng.normal(5, 1, size=360)
    eta = np.c_[np.zeros(360), 1 - 0.2 * x, -0.5 + 0.1 * x] + rng.normal(size=(60, 3))[g]
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    table = pd.DataFrame({"g": g, "x": x, "y": np.array(["a", "b", "c"])[y]})
    table["o"] = pd.Categorical(table["y"], ["a", "b", "c"], ordered=True)
    for corr in ("independence", "global-odds-ratio"):
        nominal = mlm.gee("y ~ x", table, groups="g", family="nominal", corr=corr)
        ordinal = mlm.gee("o ~ x", table, groups="g", family="ordinal", corr=corr)
        for fit in (nominal, ordinal):
            assert fit.converged and len(fit.correlations) == (corr != "independence")
            P = fit.probabilities()
            assert np.allclose(P.sum(axis=1), 1) and (P > 0).all().all() and list(P.columns) == ["a", "b", "c"]
            assert np.allclose(P.mean(), np.bincount(y) / 360, atol=0.02)
            assert np.allclose(P.iloc[:5], fit.predict(table[:5])) and str(fit.summary(exponentiate=True))
        assert list(nominal.params.index) == ["b: Intercept", "b: x", "c: Intercept", "c: x"] and nominal.thresholds is None
        assert list(ordinal.thresholds.index) == ["a|b", "b|c"] and len(ordinal.threshold_table()) == 2
        assert ordinal.ratios().kind == "marginal cumulative odds ratio"
    shifted = mlm.gee("o ~ x", table.assign(x=1000 * (table["x"] + 50)), groups="g", family="ordinal", corr="global-odds-ratio")
    assert shifted.params["x"] == pytest.approx(ordinal.params["x"] / 1000, rel=1e-6)
    assert np.allclose(shifted.probabilities(), ordinal.probabilities(), atol=1e-7)


def test_summary_text_html_and_tests():
    fit = mlm.gee("Weight ~ Time * Cu", DIETOX, groups="Pig", corr="ar1", time="Time", cov="mancl-derouen")
    text, html = str(fit), fit._repr_html_()
    assert "Mancl" in text and "ar1" in text and "<table>" in html and "Working correlation" in html
    assert "Time:Cu" in str(fit.anova()) and fit.test("Time = 6.7").pvalue < 1
    assert fit.wald_test().df == 5 and not hasattr(fit, "aic")
    R = fit.working_correlation()
    assert R.loc[1.0, 3.0] == pytest.approx(fit.correlations["estimate"].iloc[0] ** 2)


def test_messages():
    assert any("fewer than 40" in m for m in mlm.gee("y ~ x", panel(J=15), groups="g").messages)
    assert not mlm.gee("y ~ x", panel(J=15), groups="g", cov="mancl-derouen").messages
    assert any("singular" in m for m in mlm.gee("y ~ x", panel(J=2, n=30), groups="g").messages)
    holes = panel()
    holes.loc[[3, 7], "x"] = np.nan
    fit = mlm.gee("y ~ x", holes, groups="g")
    assert fit.nobs == 198 and "2 of 200 rows were dropped" in fit.messages[0] and len(fit.resid) == 198
    assert any("not solved" in m for m in ohio(max_iter=1).messages) and not ohio(max_iter=1).converged
    alone = panel().drop_duplicates("g")
    assert any("one row" in m for m in mlm.gee("y ~ x", alone, groups="g").messages)
    with pytest.raises(AttributeError):
        fit.scale = 2.0


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"corr": "ar1"}, ValueError, "needs time="),
    ({"corr": "unstructured"}, ValueError, "needs time="),
    ({"corr": "toeplitz"}, ValueError, "choose one of"),
    ({"cov": "HC3"}, ValueError, "choose one of"),
    ({"family": "tweedie"}, ValueError, "choose one of"),
    ({"formula": "y ~ x + (1 | g)"}, mlm.FormulaError, "random term"),
    ({"formula": "y ~ 0"}, mlm.FormulaError, "right side"),
    ({"formula": "y ~ x + I(2 * x)"}, mlm.DataError, "fully determined"),
    ({"groups": "h"}, (mlm.DataError, mlm.FormulaError), "h"),
    ({"groups": "one"}, mlm.DataError, "all of one group"),
    ({"groups": "g/t"}, ValueError, "corr='nested'"),
    ({"corr": "nested"}, ValueError, "outer/inner"),
    ({"corr": "ar1", "time": "same"}, mlm.DataError, "more than once"),
    ({"trials": "t"}, ValueError, "family='binomial'"),
    ({"family": "poisson"}, mlm.DataError, "y"),
    ({"dispersion": 2.0}, ValueError, "nbinom2"),
    ({"moments": "sas"}, ValueError, "geepack"),
    ({"weights": "t"}, mlm.DataError, "positive"),
    ({"exposure": "x", "family": "gamma", "formula": "e ~ 1"}, mlm.DataError, "exposure"),
])
def test_errors_name_the_mend(change, error, words):
    table = panel().assign(one=1, same=1)
    table["e"] = np.exp(table["y"])
    options = {"formula": "y ~ x", "groups": "g", **change}
    with pytest.raises(error, match=words):
        mlm.gee(options.pop("formula"), table, **options)


def test_more_errors():
    with pytest.raises(mlm.DataError, match="separates"):
        mlm.gee("b ~ x", {"b": [0, 0, 0, 1, 1, 1], "x": [1, 2, 3, 4, 5, 6], "g": [1, 1, 2, 2, 3, 3]}, groups="g", family="binomial")
    table = panel(J=10)
    table["only"] = (table["g"] == 3).astype(float)
    fit = mlm.gee("y ~ x + only", table, groups="g", cov="model")
    assert np.isnan(fit.se_table()["mancl-derouen"]).all()
    with pytest.raises(mlm.DataError, match="alone determines"):
        fit.cov_params("mancl-derouen")
    gaps = panel()[lambda d: ~((d["g"] % 2 == 0) & (d["t"] == 1)) & ~((d["g"] % 2 == 1) & (d["t"] == 2))]
    with pytest.raises(mlm.DataError, match="both times 1, 2"):
        mlm.gee("y ~ x", gaps, groups="g", time="t", corr="unstructured")
    many = mlm.gee("Weight ~ Time", DIETOX, groups="Pig", time="Time", corr="unstructured")
    assert any("not positive definite" in m for m in many.messages)  # 66 correlations, and weights that vary more each week
    with pytest.raises(mlm.DataError, match="equally spaced"):
        mlm.gee("y ~ x", gaps, groups="g", time="t", corr="ar1", moments="statsmodels")
    with pytest.raises(ValueError, match="ddf"):
        fit.coef_table(ddf="satterthwaite")
    with pytest.raises(ValueError, match="weights="):
        mlm.gee("rating ~ temp", mlm.load("wine"), groups="judge", family="ordinal", weights="response", corr="independence")


@pytest.mark.parametrize("ask", [
    lambda fit: fit.bootstrap(), lambda fit: fit.residuals(), lambda fit: fit.acf(), lambda fit: mlm.influence(fit),
    lambda fit: mlm.icc(fit), lambda fit: mlm.r2(fit), lambda fit: mlm.reliability(fit), lambda fit: mlm.design_effect(fit),
    lambda fit: mlm.robust(fit),
])
def test_what_gee_has_not_is_refused_in_words(ask):
    with pytest.raises(ValueError, match="not made for fits of mlm.gee"):
        ask(ohio())


def test_no_likelihood():
    with pytest.raises(AttributeError, match="qic"):
        _ = ohio().aic
    with pytest.raises(ValueError, match="likelihood"):
        ohio().conf_int(method="profile")


def test_tails():
    """Huge counts, groups of zeros alone, times with fractions, negative AR(1)."""
    rng = np.random.default_rng(4)
    table = panel(J=50, n=6)
    table["count"] = np.where(table["g"] < 5, 0, rng.poisson(1e6 * np.exp(0.1 * table["x"])))
    fit = mlm.gee("count ~ x", table, groups="g", family="poisson")
    assert fit.converged and np.isfinite(fit.bse).all()
    table["z"] = table["x"] + np.where(table["t"] % 2, 1.0, -1.0) * rng.normal(size=50)[table["g"]] + 0.3 * rng.normal(size=300)
    assert mlm.gee("z ~ x", table, groups="g", corr="ar1", time="t").correlations["estimate"].iloc[0] < -0.5
    table["u"] = table["t"] + rng.random(300)
    assert 0 < mlm.gee("y ~ x", table, groups="g", corr="ar1", time="u").correlations["estimate"].iloc[0] < 1
