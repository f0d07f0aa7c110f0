"""Several outcomes as one model: against nlme on the stacked table, against n x n matrices, and what bad input says."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from models import reference


@cache
def table(name):
    """The data of a fit, made as multivariate.R makes them."""
    if name == "gcse":
        return mlm.load("gcsemv")
    if name == "days":
        sleep = mlm.load("sleepstudy").query("Days < 4")
        wide = sleep.pivot(index="Subject", columns="Days", values="Reaction").reset_index()
        wide.columns = ["Subject", "d0", "d1", "d2", "d3"]
        wide.loc[[2, 8], "d2"] = np.nan
        return wide
    rows = mlm.load("egsingle")
    rows = rows[rows["year"].isin([-0.5, 0.5, 1.5])]
    wide = rows.pivot(index=["schoolid", "childid", "female"], columns="year", values="math")
    wide.columns = ["m1", "m2", "m3"]
    return wide.reset_index()


MODELS = {
    "gcse": ("gcse", "course + written ~ gender + (1 | school)", {}),
    "gcse_equal": ("gcse", "course + written ~ gender + (1 | school)", {"equal": "gender"}),
    "gcse_gls": ("gcse", "course + written ~ gender", {}),
    "gcse_sur": ("gcse", "course + written ~ gender", {"only": {"gender": "course"}}),
    "days": ("days", "d0 + d1 + d2 + d3 ~ 1", {}),
    "egsingle": ("egsingle", "m1 + m2 + m3 ~ female + (1 | schoolid)", {}),
}
NAMES = [f"{key}_{kind}" for key in MODELS for kind in ("ml", "reml")]


@cache
def fit(name):
    key, _, kind = name.rpartition("_")
    rows, formula, options = MODELS[key]
    return mlm.multivariate(formula, table(rows), reml=kind == "reml", **options)


def name_of(theirs):
    """Our name of a coefficient of R's."""
    if theirs.startswith("I("):
        return "course: gender[T.M]"
    outcome, _, rest = theirs.removeprefix("outcome").partition(":")
    rest = {"": "Intercept", "genderM": "gender[T.M]", "femaleYes": "female[T.Yes]"}[rest]
    return "gender[T.M]" if outcome == "genderM" else f"{outcome}: {rest}"


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_nlme(name):
    fitted, truth = fit(name), reference(f"nlme_mv_{name}")
    assert fitted.converged
    assert fitted.llf == pytest.approx(truth["logLik"], abs=5e-7)
    assert fitted.n_params == truth["df"]
    names = [name_of(key) for key in truth["fixef"]]
    assert sorted(names) == sorted(fitted.params.index)
    theirs = np.array(list(truth["fixef"].values()))
    assert np.allclose(fitted.params[names], theirs, rtol=0, atol=2e-6 * np.abs(theirs).max())
    N, p = fitted.design.X.shape
    stretch = np.sqrt(N / (N - p)) if not fitted.design.random and not fitted.reml else 1.0  # as nlme's gls prints them
    assert np.allclose(stretch * fitted.bse[names], list(truth["se"].values()), rtol=2e-5)
    Sigma = np.array(truth["residual_cov"])
    assert np.abs(fitted.residual_cov() - Sigma).max().max() < 3e-5 * np.abs(Sigma).max()
    if fitted.design.random:
        T = np.array(truth["random_cov"])
        assert np.abs(fitted.covariance_matrix() - T).max().max() < 3e-5 * np.abs(T).max()


@pytest.mark.parametrize("kind", ["ml", "reml"])
def test_random_effects_are_those_of_nlme(kind):
    truth = np.array(reference(f"nlme_mv_gcse_{kind}")["random_effects"])
    assert np.allclose(fit(f"gcse_{kind}").random_effects["school"].iloc[:3], truth, atol=2e-4)


def small(seed=3, n=60):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(12), n // 12)
    x = rng.standard_normal(n)
    u = rng.standard_normal((12, 2)) @ np.array([[1.0, 0.5], [0.0, 0.8]])
    e = rng.standard_normal((n, 2)) @ np.array([[1.0, -0.6], [0.0, 0.7]])
    rows = pd.DataFrame({"a": 1 + x + u[g, 0] + e[:, 0], "b": 100 * (2 - x + u[g, 1] + e[:, 1]), "x": x, "g": g,
                         "w": rng.uniform(0.5, 2.0, n)})
    rows.loc[rng.choice(n, 8, replace=False), "a"] = np.nan
    rows.loc[[5, 40], "b"] = np.nan
    return rows.sample(frac=1.0, random_state=2)


def dense(fitted, logs):
    """-2 log-likelihood with the covariance matrix of all rows written out, at (log sd, atanh corr) of every level."""
    design, K = fitted.design, len(fitted.outcomes)

    def cov(values):
        R = np.eye(K)
        R[np.triu_indices(K, 1)] = np.tanh(values[K:])
        R = R + R.T - np.eye(K)
        return R * np.exp(np.add.outer(values[:K], values[:K]))

    half = len(logs) // 2
    T, Sigma = cov(logs[:half]), cov(logs[half:])
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    k, i, j = design.outcome, design.unit, design.random[0].codes
    V = np.where(j[:, None] == j, T[k[:, None], k], 0.0)
    V += np.where(i[:, None] == i, Sigma[k[:, None], k], 0.0) / np.outer(root, root)
    W = np.linalg.inv(V)
    H = design.X.T @ W @ design.X
    b = np.linalg.solve(H, design.X.T @ W @ design.y)
    e = design.y - design.X @ b
    n, p = design.X.shape
    value = np.linalg.slogdet(V)[1] + e @ W @ e + (n - p * fitted.reml) * np.log(2 * np.pi)
    return value + np.linalg.slogdet(H)[1] * fitted.reml, b, H


def logs_of(fitted):
    """The parameters that `dense` takes, and as the library names them."""
    out = []
    for S in (fitted.covariance_matrix().to_numpy(), fitted.residual_cov().to_numpy()):
        sd = np.sqrt(np.diag(S))
        out += [*np.log(sd), *np.arctanh((S / np.outer(sd, sd))[np.triu_indices(len(sd), 1)])]
    return np.array(out)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("reml", [False, True])
def test_is_the_minimum_of_the_written_out_criterion(reml, weights):
    fitted = mlm.multivariate("a + b ~ x + (1 | g)", small(), reml=reml, weights=weights)
    logs = logs_of(fitted)
    value, b, H = dense(fitted, logs)
    assert fitted.criterion == pytest.approx(value, abs=1e-8)
    assert np.allclose(fitted.params, b, rtol=1e-7) and np.allclose(fitted.cov_params(), np.linalg.inv(H), rtol=1e-6)
    steps = 1e-4 * np.eye(len(logs))
    slopes = [(dense(fitted, logs + s)[0] - dense(fitted, logs - s)[0]) / 2e-4 for s in steps]
    assert np.abs(slopes).max() < 1e-5
    information = np.array([[(dense(fitted, logs + s + t)[0] - dense(fitted, logs + s - t)[0]
                              - dense(fitted, logs - s + t)[0] + dense(fitted, logs - s - t)[0]) / 8e-8
                             for t in steps] for s in steps])
    names, cov = fitted.every_variance_cov()
    assert names == ["log sd(g: a: Intercept)", "log sd(g: b: Intercept)",
                     "atanh corr(g: a: Intercept, b: Intercept)", "log sd(Residual: a)", "log sd(Residual: b)",
                     "atanh corr(Residual: a, b)"]
    assert np.allclose(cov, np.linalg.inv(information), rtol=2e-3, atol=1e-5)


def test_tables_of_the_random_part():
    fitted = fit("gcse_ml")
    table = fitted.variance_components
    assert table["name"].tolist()[3:] == ["course", "written", "course, written"]
    assert table["group"].tolist() == ["school"] * 3 + ["Residual"] * 3
    assert table["variance"].tolist()[3:] == pytest.approx(fitted.residual_cov().to_numpy()[[0, 1, 0], [0, 1, 1]])
    sd = fitted.random_table("sd")
    assert sd["name"].tolist()[-1] == "corr(course, written)"
    both = fitted.correlations()
    assert both["correlation"].tolist() == pytest.approx(sd["estimate"][[2, 5]])
    assert (both["lower"] < both["correlation"]).all() and (both["correlation"] < both["upper"]).all()
    assert fitted.covariance_matrix(correlation=True).iloc[0, 1] == pytest.approx(both["correlation"][0])
    share = fit("gcse_ml").icc()
    T, Sigma = fitted.covariance_matrix(), fitted.residual_cov()
    assert share["icc"]["written"] == pytest.approx(T.iloc[1, 1] / (T.iloc[1, 1] + Sigma.iloc[1, 1]))
    text = str(fitted.summary())
    assert "of 2 outcomes" in text and "3,428 outcomes in 1,905 rows" in text and "written: gender[T.M]" in text
    assert text.count("course, written") == 1


def test_icc_of_one_outcome_by_itself_is_near():
    """The univariate fit's interval, which has less to go by, is close."""
    alone = mlm.icc(mlm.lmm("written ~ gender + (1 | school)", table("gcse"), reml=False))
    joint = fit("gcse_ml").icc().loc["written"]
    assert joint["icc"] == pytest.approx(alone.estimate, abs=0.01) and joint["se"] == pytest.approx(alone.se, rel=0.1)
    assert joint["lower"] == pytest.approx(alone.lower, abs=0.02)


def test_complete_outcomes_with_the_same_predictors_are_ols():
    """Zellner (1962): with the same predictors joint estimates are those of each outcome."""
    rows = table("gcse").dropna()
    joint = mlm.multivariate("course + written ~ gender", rows)
    for name in joint.outcomes:
        alone = mlm.ols(f"{name} ~ gender", rows)
        own = [f"{name}: {key}" for key in alone.params.index]
        assert np.allclose(joint.params[own], alone.params, rtol=1e-8)
        assert np.allclose(joint.bse[own], alone.bse, rtol=1e-6)
        assert joint.residual_cov().loc[name, name] == pytest.approx(alone.sigma ** 2, rel=1e-6)
    E = np.column_stack([mlm.ols(f"{name} ~ gender", rows).resid for name in joint.outcomes])
    assert np.allclose(joint.residual_cov(), E.T @ E / (len(rows) - 2), rtol=1e-6)


def test_equal_coefficients():
    full, less = fit("gcse_ml"), fit("gcse_equal_ml")
    assert list(less.params.index) == ["course: Intercept", "written: Intercept", "gender[T.M]"]
    lrt = mlm.compare(less, full)
    assert lrt.df == 1
    assert lrt.statistic == pytest.approx(less.criterion - full.criterion)
    wald = full.test("written: gender[T.M] = course: gender[T.M]")
    assert wald.statistic == pytest.approx(full.test_equal("gender[T.M]").statistic) == pytest.approx(
        np.ptp(full.params.iloc[[1, 3]]) ** 2 / (np.array([0, 1, 0, -1]) @ full.cov_params() @ [0, 1, 0, -1]))
    assert "same for all outcomes" in str(full.test_equal("gender[T.M]"))
    one = mlm.multivariate("d0 + d1 + d2 + d3 ~ 1", table("days"), equal="1", reml=False)
    assert list(one.params.index) == ["Intercept"] and one.criterion > fit("days_ml").criterion
    with pytest.raises(ValueError, match="no coefficient that several"):
        full.test_equal("gender")


def test_scales_of_outcomes_do_not_matter():
    rows = small()
    plain = mlm.multivariate("a + b ~ x + (1 | g)", rows)
    for factor in (1e-7, 1e7):
        wild = mlm.multivariate("a + b ~ x + (1 | g)", rows.assign(b=factor * rows["b"]))
        assert wild.converged and not wild.is_singular
        assert np.allclose(wild.params, plain.params * [1, 1, factor, factor], rtol=1e-6)
        assert np.allclose(wild.correlations()["correlation"], plain.correlations()["correlation"], atol=1e-6)
        assert np.allclose(wild.bse, plain.bse * [1, 1, factor, factor], rtol=1e-5)


def test_order_of_outcomes_and_rows_does_not_matter():
    one = mlm.multivariate("a + b ~ x + (1 + x | g)", small(), reml=False)
    two = mlm.multivariate("b + a ~ x + (1 + x | g)", small().sort_index(), reml=False)
    assert one.criterion == pytest.approx(two.criterion, abs=1e-7)
    assert np.allclose(one.params, two.params[one.params.index], rtol=1e-5)
    assert one.random_effects["g"].columns.tolist() == ["a: Intercept", "a: x", "b: Intercept", "b: x"]


def test_two_grouping_factors_and_other_tables():
    rows = small(n=120)
    rows["h"] = np.arange(120) % 7
    joint = mlm.multivariate("a + b ~ x + (1 | g) + (1 | h)", rows)
    assert joint.converged and list(joint.n_groups) == ["g", "h"]
    plain = mlm.multivariate("a + b ~ x + (1 | g)", {name: rows[name].to_numpy() for name in rows})
    assert plain.criterion == pytest.approx(mlm.multivariate("a + b ~ x + (1 | g)", rows).criterion, abs=1e-9)
    assert plain.predict({"x": [0.0], "g": [3]}).shape == (1, 2)
    assert plain.predict().shape == (120, 2)


def test_a_singular_fit_is_told():
    rng = np.random.default_rng(1)
    e = rng.standard_normal((60, 2))
    g = np.repeat(np.arange(10), 6)
    e -= np.array([e[g == k].mean(axis=0) for k in range(10)])[g]
    found = mlm.multivariate("a + b ~ 1 + (1 | g)", pd.DataFrame({"a": e[:, 0], "b": e[:, 1] + e[:, 0], "g": g}))
    assert found.is_singular and any("Singular" in text for text in found.messages)
    assert "Residual" in str(found)


def test_rows_predictions_and_refits():
    fitted, rows = fit("gcse_ml"), table("gcse")
    assert fitted.n_units == 1905 and fitted.nobs == 3428 and fitted.data is rows
    assert np.allclose(fitted.wide_endog, rows[["course", "written"]], equal_nan=True)
    shown = fitted.predict()
    have = rows[["course", "written"]].notna().to_numpy()
    assert np.allclose(shown.to_numpy()[have], fitted.fittedvalues)
    new = pd.DataFrame({"gender": ["M", "F"], "school": [-1, rows["school"][0]]}, index=["p", "q"])
    found, fixed, u = fitted.predict(new), fitted.params, fitted.random_effects["school"]
    assert found.index.tolist() == ["p", "q"]
    assert found.loc["p"].tolist() == pytest.approx([fixed.iloc[:2].sum(), fixed.iloc[2:].sum()])
    assert np.allclose(found.loc["q"], fixed.iloc[[0, 2]].to_numpy() + u.loc[rows["school"][0]].to_numpy())
    drawn = fitted.simulate(2, seed=4)
    again = fitted.refit(drawn[0])
    assert type(again) is type(fitted) and again.converged
    assert again.criterion == pytest.approx(fitted.refit(fitted.unstack(drawn[0])).criterion, abs=1e-6)
    assert fitted.refit(reml=True).criterion == pytest.approx(fit("gcse_reml").criterion, abs=1e-7)


def test_simulated_outcomes_have_the_fitted_covariances():
    fitted = mlm.multivariate("a + b ~ x + (1 | g)", small())
    drawn = fitted.simulate(4000, seed=1) - fitted.predict(random_effects=False).to_numpy()[
        fitted.design.unit, fitted.design.outcome]
    k, i = fitted.design.outcome, fitted.design.unit
    a, b = np.flatnonzero(i == np.argmax(np.bincount(i)))
    want = fitted.residual_cov() + fitted.covariance_matrix().to_numpy()
    assert k[a] == 0 and k[b] == 1
    assert np.allclose(np.cov(drawn[:, [a, b]].T), want, rtol=0.12)


@pytest.mark.parametrize("formula, options, said", [
    ("course ~ gender + (1 | school)", {}, "one outcome, 'course'"),
    ("course * written ~ gender", {}, "joined by"),
    ("course + written ~ course", {}, "also stands on the right"),
    ("course + written ~ offset(student)", {}, "offset"),
    ("course + writen ~ gender", {}, "did you mean 'written'"),
    ("course + written ~ sex", {}, "no column 'sex'"),
    ("course + written ~ gender", {"equal": "sex"}, "no term of the formula"),
    ("course + written ~ gender", {"only": {"gender": "paper"}}, "names the outcome 'paper'"),
    ("course + written ~ gender", {"equal": "gender", "only": {"gender": "course"}}, "equal= and in only="),
    ("course + gender ~ 1", {}, "text or categories"),
    ("course + written ~ 1 + (1 | mm(school, student))", {}, "memberships"),
    ("course + written", {}, "formula must be text"),
])
def test_bad_input(formula, options, said):
    with pytest.raises(ValueError, match=said):
        mlm.multivariate(formula, table("gcse"), **options)


def test_outcomes_never_seen_together():
    rows = pd.DataFrame({"a": [1.0, 2, 4, np.nan, np.nan, np.nan], "b": [np.nan, np.nan, np.nan, 3.0, 1, 2]})
    with pytest.raises(mlm.DataError, match="0 rows have both 'a' and 'b'"):
        mlm.multivariate("a + b ~ 1", rows)
    with pytest.raises(mlm.DataError, match="reproduce the outcome 'b' exactly"):
        mlm.multivariate("a + b ~ x", pd.DataFrame({"a": [1.0, 2, 5, 3, 3], "b": [2.0, 4, 6, 8, 10], "x": range(5)}))


def test_rows_without_any_outcome_are_told():
    rows = table("gcse").head(300).copy()
    rows.loc[:4, ["course", "written"]] = np.nan
    found = mlm.multivariate("course + written ~ gender", rows)
    assert found.n_units == 295 and "every outcome (5)" in found.messages[0]
    assert any("missing at random" in text for text in found.messages)


def test_leaving_out_a_school_is_a_fit_without_it():
    """Influence, cluster bootstrap and the like fit parts of the stacked rows."""
    from mlmlib.inference.row_resample import fit_part
    rows = table("gcse").head(500).assign(course=lambda own: own["course"] / 50)  # scales that differ
    fitted = mlm.multivariate("course + written ~ gender + (1 | school)", rows, reml=False)
    out = rows["school"].iloc[0]
    left = np.flatnonzero(fitted.groups["school"].to_numpy() != out)
    part = fit_part(fitted, left, np.zeros(len(left), dtype=int))
    direct = mlm.multivariate("course + written ~ gender + (1 | school)", rows[rows["school"] != out], reml=False)
    assert part.criterion == pytest.approx(direct.criterion, abs=1e-7)
    assert np.allclose(part.params, direct.params, rtol=1e-6)
    assert np.allclose(part.residual_cov(), direct.residual_cov(), rtol=1e-5)
    assert out in mlm.influence(fitted).table.index


def test_intervals_of_every_parameter():
    fitted = mlm.multivariate("a + b ~ x + (1 | g)", small(), reml=False)
    wald = fitted.conf_int(which="all")
    assert {"un: corr(a, b)", "by_group(outcome): sd ratio(b / a)", "sigma"} <= set(wald.index)
    both = fitted.correlations().iloc[-1]
    assert wald.loc["un: corr(a, b)"].to_numpy() == pytest.approx([both["lower"], both["upper"]], rel=1e-4)
    drawn = fitted.bootstrap(n=20, seed=2)
    assert np.isfinite(drawn.conf_int().to_numpy()).all()


@pytest.mark.parametrize("call", [lambda fit: mlm.emmeans(fit, "gender"), lambda fit: mlm.emtrends(fit, "student"),
                                  lambda fit: mlm.icc(fit), lambda fit: fit.anova(type=2), lambda fit: fit.margins("gender")])
def test_what_is_not_there_says_what_is(call):
    with pytest.raises(ValueError, match="several|one outcome"):
        call(fit("gcse_ml"))


def test_fits_of_one_outcome_and_of_several_are_not_compared():
    exam = mlm.load("gcsemv").dropna()
    both = mlm.multivariate("course + written ~ gender + (1 | school)", exam)
    one = mlm.lmm("course ~ gender + (1 | school)", exam)
    for pair in ((both, one), (one, both)):
        with pytest.raises(ValueError, match="several outcomes"):
            mlm.compare(*pair)
