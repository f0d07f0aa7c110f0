"""Panel regressions: which estimators are equal where, what is left out, effects, predictions, tests and errors."""

import pickle
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.panel.words import KINDS
from toc import ROOT

INV = "inv ~ value + capital"
WAGE = "wage ~ exper + I(exper ** 2) + union + married + school + ethn"
EVERY = [(kind, {"time": "year"} if kind in ("two-way", "first-difference") else {}) for kind in KINDS
         if kind != "hausman-taylor"]


@pytest.fixture(scope="module")
def grunfeld():
    return mlm.load("grunfeld")


@pytest.fixture(scope="module")
def ragged():
    """An unbalanced panel with a group of one row, a constant predictor and large numbers."""
    rng = np.random.default_rng(7)
    sizes = rng.integers(2, 9, 40)
    sizes[3] = 1
    g = np.repeat(np.arange(40), sizes)
    t = np.concatenate([rng.permutation(10)[:n] for n in sizes])
    u = rng.normal(size=40)
    x = 1e6 + u[g] + rng.normal(size=len(g))
    z = rng.normal(size=40)[g]
    w = rng.normal(size=len(g))
    y = 2 + 0.5 * (x - 1e6) - w + z + 2 * u[g] + rng.normal(size=len(g))
    return pd.DataFrame({"g": g, "t": t, "x": x, "w": w, "z": z, "y": y, "weight": rng.uniform(0.5, 2.0, len(g))})


# ---- equal where they are


@pytest.mark.parametrize("weights", [None, "weight"])
def test_demeaning_is_dummies(ragged, weights):
    fit = mlm.panel("y ~ x + w", ragged, groups="g", weights=weights)
    dummies = mlm.ols("y ~ 0 + C(g) + I(x - 1e6) + w", ragged, weights=weights)
    assert np.allclose(fit.params, dummies.params[-2:], rtol=1e-8)
    assert np.allclose(fit.bse, dummies.bse[-2:], rtol=1e-8)
    assert fit.df_resid == dummies.df_resid
    assert np.isclose(fit.sigma, dummies.sigma) and np.isclose(fit.llf, dummies.llf)
    assert np.allclose(fit.resid, dummies.resid, atol=1e-7)
    level = fit.group_effects.to_numpy() + 1e6 * fit.params["x"]
    assert np.allclose(level, dummies.params[:40], atol=1e-6)
    small = mlm.panel("y ~ I(x - 1e6) + w", ragged, groups="g", weights=weights)
    assert np.allclose(small.group_effects_se, dummies.bse[:40], rtol=1e-8)


@pytest.mark.parametrize("weights", [None, "weight"])
def test_two_ways_are_two_sets_of_dummies(ragged, weights):
    fit = mlm.panel("y ~ I(x - 1e6) + w", ragged, groups="g", time="t", effects="two-way", weights=weights)
    dummies = mlm.ols("y ~ 0 + C(g) + C(t) + I(x - 1e6) + w", ragged, weights=weights)
    assert np.allclose(fit.params, dummies.params[-2:], rtol=1e-9) and np.allclose(fit.bse, dummies.bse[-2:], rtol=1e-9)
    assert fit.df_resid == dummies.df_resid
    assert np.allclose(fit.group_effects, dummies.params[:40]) and np.allclose(fit.group_effects_se, dummies.bse[:40])
    assert np.allclose(fit.time_effects[1:], dummies.params[40:49]) and np.allclose(fit.time_effects_se[1:], dummies.bse[40:49])
    assert np.allclose(fit.fittedvalues, dummies.fittedvalues)


def test_first_differences_equal_demeaning_with_two_periods(grunfeld):
    two = grunfeld[grunfeld["year"].isin((1940, 1941))]
    fd = mlm.panel(INV, two, groups="firm", time="year", effects="first-difference")
    fe = mlm.panel(INV, two, groups="firm")
    assert np.allclose(fd.params, fe.params, rtol=1e-12) and np.allclose(fd.bse, fe.bse, rtol=1e-12)
    with_year = mlm.panel(INV + " + year", two, groups="firm", time="year", effects="first-difference")
    both = mlm.panel(INV, two, groups="firm", time="year", effects="two-way")
    assert np.allclose(with_year.params[:2], both.params, rtol=1e-10)
    more = mlm.panel(INV, grunfeld, groups="firm", time="year", effects="first-difference")
    assert not np.allclose(more.params, mlm.panel(INV, grunfeld, groups="firm").params, rtol=0.01)


@pytest.mark.parametrize("name", ["grunfeld", "males", "math", "hsb", "ragged"])
def test_mundlaks_within_coefficient_is_that_of_fixed_effects(name, ragged):
    formula, data, group = {
        "grunfeld": (INV, None, "firm"), "males": (WAGE, None, "nr"), "math": ("math ~ homework + ses + schtype", None, "schid"),
        "hsb": ("mathach ~ ses * sector + female", None, "school"), "ragged": ("y ~ I(x - 1e6) + w + z", ragged, "g")}[name]
    data = mlm.load(name) if data is None else data
    fe, mundlak, hybrid = (mlm.panel(formula, data, groups=group, effects=kind) for kind in ("within", "mundlak", "hybrid"))
    names = list(fe.params.index)
    assert np.abs(mundlak.params[names] - fe.params).max() < 1e-10
    assert np.abs(hybrid.params[[f"{n}_within" for n in names]].to_numpy() - fe.params).max() < 1e-10
    means = [f"{n}_between" for n in names]
    contextual = hybrid.params[means].to_numpy() - hybrid.params[[f"{n}_within" for n in names]].to_numpy()
    assert np.allclose(mundlak.params[means], contextual, atol=1e-9)
    assert np.isclose(mundlak.sigma_e, fe.sigma_e) and fe.df_resid < mundlak.df_resid


def test_hybrid_between_is_the_between_regression_when_balanced(grunfeld):
    hybrid = mlm.panel(INV, grunfeld, groups="firm", effects="hybrid")
    between = mlm.panel(INV, grunfeld, groups="firm", effects="between")
    assert np.allclose(hybrid.params[["value_between", "capital_between"]], between.params[1:], rtol=1e-10)


def test_random_effects_lie_between_pooled_and_within(grunfeld):
    random = mlm.panel(INV, grunfeld, groups="firm", effects="random")
    mixed = mlm.lmm(INV + " + (1 | firm)", grunfeld)
    assert np.allclose(random.params, mixed.params, rtol=0.01)
    share = random.sigma_e ** 2 / (random.sigma_e ** 2 + 20 * random.sigma_u ** 2)
    assert np.allclose(random.theta, 1 - np.sqrt(share))
    assert np.isclose(random.rho, random.sigma_u ** 2 / (random.sigma_u ** 2 + random.sigma_e ** 2))


def test_predictions_of_random_effects_are_those_of_a_mixed_model_with_the_same_variances(ragged):
    """Henderson's equations, solved with the variances of Swamy and Arora."""
    fit = mlm.panel("y ~ I(x - 1e6) + w + z", ragged, groups="g", effects="random")
    X, Z = fit.design.X, np.eye(40)[fit.frame.codes]
    p, ratio = X.shape[1], fit.sigma_e ** 2 / fit.sigma_u ** 2
    A = np.block([[X.T @ X, X.T @ Z], [Z.T @ X, Z.T @ Z + ratio * np.eye(40)]])
    solved = np.linalg.solve(A, np.concatenate([X.T, Z.T]) @ fit.frame.y)
    assert np.allclose(fit.params, solved[:p]) and np.allclose(fit.group_effects, solved[p:])
    error = fit.sigma_e ** 2 * np.diag(np.linalg.inv(A))[p:]
    assert np.allclose(fit.group_effects_se, np.sqrt(error), rtol=1e-9)


def test_pooled_is_least_squares(ragged):
    fit, ols = mlm.panel("y ~ w + z", ragged, groups="g", effects="pooled"), mlm.ols("y ~ w + z", ragged)
    assert np.allclose(fit.params, ols.params) and np.allclose(fit.bse, ols.bse) and np.isclose(fit.llf, ols.llf)
    assert np.isclose(fit.aic, ols.aic) and np.isclose(fit.rsquared, ols.rsquared)


# ---- conventions


@pytest.mark.parametrize("kind", ["within", "random", "pooled"])
def test_the_three_r2_are_squared_correlations(ragged, kind):
    fit = mlm.panel("y ~ I(x - 1e6) + w", ragged, groups="g", effects=kind)
    linear = pd.Series(fit.exog @ fit.params)
    rows = pd.DataFrame({"y": ragged["y"], "linear": linear})
    means = rows.groupby(ragged["g"]).transform("mean")
    wanted = [(rows - means).corr().iloc[0, 1], rows.groupby(ragged["g"]).mean().corr().iloc[0, 1], rows.corr().iloc[0, 1]]
    assert np.allclose(fit.r2[["within", "between", "overall"]], np.square(wanted))


def test_sigma_u_of_fixed_effects_is_the_sd_of_the_effects(ragged):
    fit = mlm.panel("y ~ I(x - 1e6) + w", ragged, groups="g")
    assert np.isclose(fit.sigma_u, fit.group_effects.std()) and np.isclose(fit.sigma_e, fit.sigma)
    assert np.isclose(fit.intercept, np.average(fit.group_effects, weights=fit.group_sizes))


# ---- what is left out


def test_what_does_not_vary_within_groups_is_left_out_by_name():
    fit = mlm.panel(WAGE, mlm.load("males"), groups="nr")
    assert list(fit.params.index) == ["exper", "I(exper ** 2)", "union[T.yes]", "married[T.yes]"]
    message, = fit.messages
    assert message.startswith("'school', 'ethn[T.black]', 'ethn[T.hisp]' are left out: they do not vary within groups of 'nr'")
    assert message in str(fit.summary())


def test_trends_alike_in_all_groups_are_left_out_of_two_ways(grunfeld):
    fit = mlm.panel(INV + " + year", grunfeld, groups="firm", time="year", effects="two-way")
    assert list(fit.params.index) == ["value", "capital"]
    assert "'year' is left out: the effects of 'firm' and 'year' together determine it" in fit.messages[0]


def test_dependent_columns_are_left_out_by_name(ragged):
    fit = mlm.panel("y ~ w + z + I(2 * w + z)", ragged, groups="g")
    assert list(fit.params.index) == ["w"]
    assert any("'I(2 * w + z)' is left out: it follows from 'w' once the group means" in m for m in fit.messages)
    fit = mlm.panel("y ~ w + z + I(2 * w + z)", ragged, groups="g", effects="random")
    assert any("'I(2 * w + z)' is left out: it follows from 'w', 'z', so" in m for m in fit.messages)
    assert list(fit.params.index) == ["Intercept", "w", "z"]


def test_groups_of_one_row_are_told(ragged):
    assert any("1 of 40 groups of 'g' have one row" in m for m in mlm.panel("y ~ w", ragged, groups="g").messages)


def test_missing_values_are_dropped_also_in_the_groups(grunfeld):
    holes = grunfeld.astype(float)
    holes.loc[3, "firm"] = np.nan
    holes.loc[50, "value"] = np.nan
    fit = mlm.panel(INV, holes, groups="firm")
    assert fit.nobs == 198 and "2 of 200 rows were dropped" in fit.messages[0]
    assert list(fit.resid.index) == [k for k in range(200) if k not in (3, 50)]


def test_a_variance_of_zero_gives_the_pooled_regression():
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(30), 5)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=150)})
    e = rng.normal(size=150)
    data["y"] = data["x"] + e - data.assign(e=e).groupby("g")["e"].transform("mean")
    fit = mlm.panel("y ~ x", data, groups="g", effects="random")
    assert fit.sigma_u == 0 and fit.rho == 0 and (fit.theta == 0).all() and (fit.group_effects == 0).all()
    assert "estimated as zero" in fit.messages[0]
    assert np.allclose(fit.params, mlm.ols("y ~ x", data).params)
    assert mlm.breusch_pagan(fit, one_sided=True).pvalue > 0.5


def test_an_exact_fit_has_no_rho():
    data = {"y": [1.0, 2.0, 3.0, 4.0, 6.0], "x": [1.0, 2.0, 3.0, 4.0, 6.0], "g": list("aabbb")}
    fit = mlm.panel("y ~ x", data, groups="g")
    assert np.isclose(fit.params["x"], 1.0) and fit.sigma < 1e-12 and fit.sigma_u < 1e-12
    with_ties = mlm.panel("y ~ x", data | {"y": [0.0, 0.0, 2.0, 2.0, 2.0]}, groups="g")
    assert with_ties.params["x"] == 0.0 and np.isclose(with_ties.rho, 1.0)


def test_what_grows_alike_for_everybody_is_lost_in_two_ways():
    fit = mlm.panel("wage ~ exper + union", mlm.load("males"), groups="nr", time="year", effects="two-way")
    assert list(fit.params.index) == ["union[T.yes]"] and "'exper' is left out" in fit.messages[0]


# ---- rows


@pytest.mark.parametrize("kind, options", EVERY)
def test_fitted_residuals_and_predictions_agree(ragged, kind, options):
    options = {"time": "t"} if options else {}
    fit = mlm.panel("y ~ I(x - 1e6) + w + z", ragged, groups="g", effects=kind, **options)
    assert np.allclose(fit.fittedvalues + fit.resid, ragged["y"])
    assert np.allclose(fit.predict(ragged), fit.fittedvalues)
    assert np.allclose(fit.predict(), fit.fittedvalues)
    assert np.allclose(fit.predict(ragged, group_effects=False), fit.predict(group_effects=False))
    assert len(fit.transformed.y) - len(fit.params) >= fit.df_resid
    again = pickle.loads(pickle.dumps(fit))
    assert (again.params == fit.params).all()
    with pytest.raises(AttributeError, match="immutable"):
        fit.sigma = 1
    text = str(fit.summary())
    assert fit.title in text and all(name in text for name in fit.params.index)
    assert "<table" in fit._repr_html_()


def test_new_groups(ragged):
    fit = mlm.panel("y ~ w", ragged, groups="g")
    new = {"w": [0.0, 0.0], "g": [5, 99]}
    assert np.allclose(fit.predict(new), [fit.group_effects[5], fit.intercept])
    with pytest.raises(mlm.DataError, match="1 rows in groups of 'g' that the fit has not seen"):
        fit.predict(new, new_groups="error")
    mundlak = mlm.panel("y ~ w", ragged, groups="g", effects="mundlak")
    rows = pd.DataFrame({"w": [1.0, 3.0, 1.0], "g": [99, 99, 5]})
    own = ragged.loc[ragged["g"] == 5, "w"].mean()
    b = mundlak.params
    wanted = b["Intercept"] + b["w"] * rows["w"] + b["w_between"] * np.array([2.0, 2.0, own])
    wanted += [0.0, 0.0, mundlak.group_effects[5]]
    assert np.allclose(mundlak.predict(rows), wanted)


def test_two_ways_in_separate_sets():
    data = pd.DataFrame({"g": [0, 0, 1, 1, 2, 2, 3, 3], "t": [0, 1, 0, 1, 2, 3, 2, 3], "x": [0.1, 1, 2, 5, 1, 4, 2, 3.0],
                         "y": [1, 2, 4, 3, 6, 5, 8, 9.0]})
    fit = mlm.panel("y ~ x", data, groups="g", time="t", effects="two-way")
    assert fit.df_resid == 8 - (4 + 4 - 2) - 1
    assert "fall into 2 sets" in fit.messages[0]
    D = np.hstack([np.eye(4)[data["g"]], np.eye(4)[data["t"]], data[["x"]]])
    assert np.allclose(fit.fittedvalues, D @ np.linalg.lstsq(D, data["y"], rcond=None)[0])


# ---- tests


def test_tests_of_effects(ragged):
    fe, re, mundlak = (mlm.panel("y ~ I(x - 1e6) + w + z", ragged, groups="g", effects=kind)
                       for kind in ("within", "random", "mundlak"))
    null, full = mlm.ols("y ~ I(x - 1e6) + w + z", ragged), mlm.ols("y ~ 0 + C(g) + I(x - 1e6) + w", ragged)
    F = (null.ss_resid - full.ss_resid) / (null.df_resid - full.df_resid) / full.sigma ** 2
    assert np.isclose(re.f_test_groups().statistic, F) and re.f_test_groups().df == (38, full.df_resid)
    classical = mlm.hausman(fe, re)
    assert classical.statistic < 0 and np.isnan(classical.pvalue) and "not positive definite" in classical.note
    assert mlm.hausman(fe, re, method="robust").df == 2 and mlm.hausman(fe, re, method="robust").pvalue < 0.01
    assert mlm.hausman(fe, re, method="auxiliary").pvalue < 0.01
    assert mlm.mundlak_test(re) == mlm.mundlak_test(mundlak) and mlm.mundlak_test(fe).df == 2
    # the three regressions that add group means or deviations are one
    assert np.isclose(mundlak.wald_test(["I(x - 1000000.0)_between", "w_between"]).statistic, mlm.mundlak_test(re).statistic)


# ---- errors


@pytest.mark.parametrize("formula, options, error, words", [
    ("y ~ w + (1 | g)", {}, mlm.FormulaError, "has a random term"),
    ("y ~ w", {"groups": "nope"}, mlm.DataError, "nope"),
    ("y ~ w", {"groups": ["g"]}, mlm.DataError, "name of one column"),
    ("y ~ w", {"effects": "fixed"}, ValueError, "'within', 'two-way'"),
    ("y ~ w", {"effects": "two-way"}, mlm.DataError, "name its column in time="),
    ("y ~ w", {"effects": "first-difference"}, mlm.DataError, "order of the rows"),
    ("y ~ w", {"effects": "first-difference", "time": "same"}, mlm.DataError, "one row for each group and time"),
    ("y ~ z", {}, mlm.DataError, "leaves nothing to estimate. 'z' is left out"),
    ("y ~ w", {"groups": "one"}, mlm.DataError, "at least two"),
    ("y ~ w", {"groups": "own"}, mlm.DataError, "cannot carry"),
    ("y ~ w", {"effects": "random", "weights": "weight"}, ValueError, "takes no weights"),
    ("y ~ w", {"endogenous": "w"}, ValueError, "endogenous= is for"),
    ("y ~ w", {"effects": "hausman-taylor"}, mlm.DataError, "name variables of the formula in endogenous="),
    ("y ~ w", {"effects": "hausman-taylor", "endogenous": "q"}, mlm.DataError, "names 'q', which is not in the formula"),
    ("y ~ w + z", {"effects": "hausman-taylor", "endogenous": ["w", "z"]}, mlm.DataError, "needs at least as many"),
    ("y ~ w + x + z", {"groups": "two", "effects": "random"}, mlm.DataError, "more groups than coefficients"),
])
def test_errors_name_the_mend(ragged, formula, options, error, words):
    data = ragged.assign(same=1, one=1, own=np.arange(len(ragged)), two=ragged["g"] > 20)
    with pytest.raises(error, match=words):
        mlm.panel(formula, data, **{"groups": "g", **options})


def test_tests_refuse_what_they_cannot_compare(grunfeld):
    fe, re = (mlm.panel(INV, grunfeld, groups="firm", effects=kind) for kind in ("within", "random"))
    with pytest.raises(ValueError, match="in this order"):
        mlm.hausman(re, fe)
    with pytest.raises(ValueError, match="same formula"):
        mlm.hausman(mlm.panel("inv ~ value", grunfeld, groups="firm"), re)
    with pytest.raises(ValueError, match="takes fits of mlm.panel"):
        mlm.breusch_pagan(mlm.ols(INV, grunfeld))
    between = mlm.panel(INV, grunfeld, groups="firm", effects="between")
    for fit, name, words in ((fe, "theta", "has no theta"), (between, "group_effects", "no effects of groups"),
                             (fe, "time_effects", "no effects of times")):
        with pytest.raises(ValueError, match=words):
            getattr(fit, name)
    with pytest.raises(ValueError, match="must be 'groups'"):
        fe.f_test_groups("both")


@pytest.mark.parametrize("ask", [
    mlm.influence, mlm.residuals, mlm.acf, mlm.diagnose, lambda fit: fit.bootstrap(), lambda fit: mlm.compare(fit, fit),
    lambda fit: fit.report(ddf="satterthwaite"), lambda fit: fit.explain(ddf="satterthwaite"),
    lambda fit: fit.coef_table(ddf="satterthwaite")])
def test_what_is_made_for_other_models_refuses(grunfeld, ask):
    with pytest.raises(ValueError, match="is not made for fits of mlm.panel; .+"):
        ask(mlm.panel(INV, grunfeld, groups="firm"))


def test_levels_need_an_intercept(grunfeld):
    fe, re = (mlm.panel(INV, grunfeld, groups="firm", effects=kind) for kind in ("within", "random"))
    with pytest.raises(ValueError, match="one for each group instead"):
        fe.margins(at={"value": 1000})
    assert np.isclose(fe.margins(dydx="value").table["margin"].iloc[0], fe.params["value"])
    new = {"value": [1000.0], "capital": [grunfeld["capital"].mean()], "firm": [-1]}
    assert np.isclose(re.margins(at={"value": 1000}).table["margin"].iloc[0], re.predict(new)[0])


def test_tables_set_them_beside_others(grunfeld):
    fits = [mlm.panel(INV, grunfeld, groups="firm", effects=kind) for kind in ("within", "random")]
    text = str(mlm.table(*fits, mlm.lmm(INV + " + (1 | firm)", grunfeld)))
    assert "Model 1 by fixed-" in text and "84.20" in text


# ---- other families


@pytest.mark.parametrize("form", ["hybrid", "mundlak"])
def test_group_means_give_the_panel_models(form):
    formula, data = mlm.group_means("wage ~ exper + union + school", mlm.load("males"), groups="nr", form=form)
    fit = mlm.panel("wage ~ exper + union + school", mlm.load("males"), groups="nr", effects=form)
    mixed = mlm.lmm(formula, data)
    own = [name.replace("[T.", "_").replace("]", "") if "_" in name else name for name in fit.params.index]
    inner = [k for k, name in enumerate(fit.params.index) if not name.endswith("_between") and name not in ("Intercept", "school")]
    for k in inner:
        name = own[k] if own[k] in mixed.params.index else fit.params.index[k]
        assert abs(mixed.params[name] - fit.params.iloc[k]) < 1e-8


def test_group_means_of_categories_missing_values_and_errors():
    males = mlm.load("males").astype({"exper": float})
    males.loc[5, "exper"] = np.nan
    formula, data = mlm.group_means("union ~ exper + ethn", males, groups="nr")
    assert formula == "union ~ ethn + exper_within + exper_between + (1 | nr)"
    assert len(data) == 4359 and abs(data.groupby("nr")["exper_within"].mean()).max() < 1e-12
    with pytest.raises(mlm.DataError, match="no group means to add"):
        mlm.group_means("union ~ school", males, groups="nr")
    with pytest.raises(mlm.FormulaError, match="has a random term"):
        mlm.group_means("union ~ exper + (1 | nr)", males, groups="nr")
    with pytest.raises(mlm.DataError, match="already have a column 'exper_within'"):
        mlm.group_means("union ~ exper", data, groups="nr")


# ---- in other programs


def test_code_of_stata_and_plm(grunfeld):
    fit = mlm.panel(INV, grunfeld, groups="firm", time="year", effects="two-way")
    assert fit.translate("stata") == "xtset firm\nxtreg inv value capital i.year, fe"
    assert 'index = c("firm", "year"), model = "within", effect = "twoways")' in fit.translate("plm")
    fd = mlm.panel(INV, grunfeld, groups="firm", time="year", effects="first-difference")
    assert fd.translate("stata") == "xtset firm year\nregress D.(inv value capital), noconstant"
    with pytest.raises(ValueError, match="translated to 'plm', 'fixest'"):
        fit.translate("hlm")


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R is not on this machine")
def test_the_code_of_plm_runs_and_gives_the_same(grunfeld):
    if subprocess.run(["Rscript", "-e", "library(plm)"], capture_output=True, check=False).returncode:
        pytest.skip("R has no plm")
    males = mlm.load("males")
    fits = [mlm.panel(INV, grunfeld, groups="firm", effects=kind, time="year") for kind in
            ("pooled", "within", "two-way", "first-difference", "between", "random")]
    fits.append(mlm.panel(WAGE, males, groups="nr", effects="hausman-taylor", endogenous=["union", "school"]))
    lines = []
    for k, fit in enumerate(fits):
        data = "males" if k == len(fits) - 1 else "grunfeld"
        lines += [f'df <- read.csv("{(ROOT / "data" / data).as_posix()}.csv")', fit.translate("plm").replace("summary(fit)", ""),
                  "cat(format(coef(fit), digits = 15), '\\n')"]
    done = subprocess.run(["Rscript", "-"], input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for fit, line in zip(fits, done.stdout.strip().splitlines()):
        assert np.allclose(fit.params, [float(word) for word in line.split()], rtol=1e-9), fit.effects
