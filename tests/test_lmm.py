"""Linear mixed models: derivatives, invariances, structures, boundaries, predictions, errors."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.design import build_design
from mlmlib.lmm import LmmModel
from models import LMM, data, fit


def sample(seed=1, groups=12, rows=9, effects=2):
    """A small data set with two predictors, a category, weights and known groups."""
    rng = np.random.default_rng(seed)
    n = groups * rows
    g = np.repeat(np.arange(groups), rows)
    x, z = rng.normal(size=n), rng.normal(size=n) + g / groups
    u = rng.normal(size=(groups, 3)) * [1.0, 0.6, 0.4]
    y = 2 + x + u[g, 0] + u[g, 1] * x + (u[g, 2] * z if effects > 2 else 0) + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": g, "c": pd.Categorical(np.where(z > 0.5, "hi", "lo")),
                         "w": rng.uniform(0.5, 2, n)})


SMALL = sample()
MODELS = [("y ~ x + (1 | g)", "unstructured"), ("y ~ x + (x | g)", "unstructured"), ("y ~ x + (x || g)", "unstructured"),
          ("y ~ x + (x + z | g)", "unstructured"), ("y ~ x + (x + z | g)", "exchangeable"), ("y ~ x + (x + z | g)", "identity"),
          ("y ~ x + (x + z | g)", "independent"), ("y ~ x * c + (1 | g) + (0 + x + z | g)", "unstructured"),
          ("y ~ 0 + (1 | g)", "unstructured"), ("y ~ x + (1 + c | g) + (0 + z | g)", "unstructured")]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula, covariance", MODELS)
@pytest.mark.parametrize("weights", [None, "w"])
def test_derivatives(formula, covariance, reml, weights):
    """Gradient and Hessian against central differences."""
    criterion = LmmModel(build_design(formula, SMALL, weights=weights), covariance, reml).criterion
    theta = np.random.default_rng(3).normal(size=len(criterion.basis))
    at, h = criterion(theta), 1e-5
    steps = h * np.eye(len(theta))
    slope = [(criterion(theta + s).value - criterion(theta - s).value) / (2 * h) for s in steps]
    curve = [(criterion(theta + s).gradient - criterion(theta - s).gradient) / (2 * h) for s in steps]
    assert np.allclose(at.gradient, slope, rtol=1e-6, atol=1e-6)
    assert np.allclose(at.hessian, curve, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula, covariance", MODELS)
@pytest.mark.parametrize("weights, offset", [(None, None), ("w", "z")])
def test_criterion_is_the_normal_likelihood(formula, covariance, reml, weights, offset):
    """The criterion against the density of y written out with n x n matrices."""
    design = build_design(formula, SMALL, weights=weights, offset=offset)
    model = LmmModel(design, covariance, reml)
    theta = np.random.default_rng(4).normal(size=len(model.criterion.basis))
    at = model.criterion(theta)
    n, (X, y) = len(design.y), (design.X, design.y - (0 if offset is None else design.offset))
    V = np.diag(1 / design.weights) if weights else np.eye(n)
    for term, back, block in zip(design.random, model.z_maps, model.criterion.blocks):
        D = back @ at.L[block, block] @ at.L[block, block].T @ back.T
        V += (term.Z @ D @ term.Z.T) * (term.codes[:, None] == term.codes)
    Vi = np.linalg.inv(V)
    H = X.T @ Vi @ X
    b = np.linalg.solve(H, X.T @ Vi @ y)
    degrees = n - X.shape[1] if reml else n
    s2 = (y - X @ b) @ Vi @ (y - X @ b) / degrees
    value = np.linalg.slogdet(V)[1] + degrees * (1 + np.log(2 * np.pi * s2)) + (np.linalg.slogdet(H)[1] if reml else 0)
    assert at.value == pytest.approx(value, abs=1e-8)
    assert at.s2 == pytest.approx(s2, rel=1e-9)


@pytest.mark.parametrize("reml", [True, False])
def test_standard_errors_of_variances_from_numerical_derivatives(reml):
    """Observed information in (log sd, atanh corr, log sigma): the exact one against differences of the full criterion."""
    fitted = mlm.lmm("y ~ x + (x | g)", SMALL, reml=reml)
    model, T = fitted.model, fitted.covariance_matrix().to_numpy()
    degrees = model.criterion.degrees

    def deviance(p):
        sd, r, s2 = np.exp(p[:2]), np.tanh(p[2]), np.exp(2 * p[3])
        at = model.at({"g": np.outer(sd, sd) * [[1, r], [r, 1]]}, s2)
        return at.value + degrees * (np.log(s2 / at.s2) + at.s2 / s2 - 1)

    sd = np.sqrt(np.diag(T))
    p = np.array([*np.log(sd), np.arctanh(T[0, 1] / sd.prod()), np.log(fitted.sigma)])
    h = 1e-3 * np.eye(4)
    H = [[(deviance(p + a + b) - deviance(p + a - b) - deviance(p - a + b) + deviance(p - a - b)) / 4e-6 for a in h] for b in h]
    assert np.allclose(fitted.variance_cov()[1], np.linalg.inv(np.array(H) / 2), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("covariance", ["unstructured", "independent", "exchangeable", "identity"])
def test_structures_have_their_form(covariance):
    table = sample(effects=3, groups=30)
    fitted = mlm.lmm("y ~ x + z + (x + z | g)", table, covariance=covariance)
    T = fitted.covariance_matrix().to_numpy()
    off = T[np.triu_indices(3, 1)]
    assert fitted.n_params == 3 + 1 + {"unstructured": 6, "independent": 3, "exchangeable": 2, "identity": 1}[covariance]
    if covariance in ("independent", "identity"):
        assert np.all(off == 0)
    if covariance in ("exchangeable", "identity"):
        assert np.allclose(np.diag(T), T[0, 0]) and np.allclose(off, off[0])
    assert fitted.converged


def test_structures_are_ordered_by_likelihood():
    table = sample(effects=3, groups=30)
    value = {c: mlm.lmm("y ~ x + z + (x + z | g)", table, covariance=c, reml=False).llf
             for c in ("unstructured", "independent", "exchangeable", "identity")}
    assert value["unstructured"] >= max(value["independent"], value["exchangeable"])
    assert min(value["independent"], value["exchangeable"]) >= value["identity"]


def test_a_double_bar_is_two_terms_and_the_independent_structure():
    fits = [mlm.lmm("y ~ x + (x || g)", SMALL), mlm.lmm("y ~ x + (1 | g) + (0 + x | g)", SMALL),
            mlm.lmm("y ~ x + (x | g)", SMALL, covariance="independent"),
            mlm.lmm("y ~ x + (x | g)", SMALL, covariance={"g": "independent"})]
    assert np.ptp([f.criterion for f in fits]) < 1e-8
    for other in fits[1:]:
        assert np.allclose(other.covariance_matrix(), fits[0].covariance_matrix(), atol=1e-6)
        assert np.allclose(other.random_effects["g"], fits[0].random_effects["g"], atol=1e-6)


# invariances

def test_order_of_rows_and_names_of_groups_do_not_matter():
    one = mlm.lmm("y ~ x + (x | g)", SMALL)
    mixed = SMALL.sample(frac=1, random_state=5).assign(g=lambda t: "group " + (97 - t["g"]).astype(str))
    two = mlm.lmm("y ~ x + (x | g)", mixed)
    assert two.criterion == pytest.approx(one.criterion, abs=1e-9)
    assert np.allclose(two.fittedvalues.sort_index(), one.fittedvalues, atol=1e-8)
    assert np.allclose(two.random_effects["g"].loc["group 97"], one.random_effects["g"].loc[0], atol=1e-7)


def test_units_and_origins_do_not_matter():
    one = mlm.lmm("y ~ x + (x | g)", SMALL)
    far = SMALL.assign(x=SMALL["x"] * 1e-3 + 2000.0, y=SMALL["y"] * 1e4)
    two = mlm.lmm("y ~ x + (x | g)", far)
    assert two.converged
    assert np.allclose(two.fittedvalues, one.fittedvalues * 1e4, rtol=1e-6)
    assert two.params["x"] == pytest.approx(one.params["x"] * 1e7, rel=1e-6)
    assert two.covariance_matrix().loc["x", "x"] == pytest.approx(one.covariance_matrix().loc["x", "x"] * 1e14, rel=1e-5)
    assert two.llf == pytest.approx(one.llf - len(SMALL) * np.log(1e4) + 2 * np.log(1e4) + np.log(1e3), abs=1e-5)


def test_weights_are_those_of_repeated_means():
    """A row of weight k that stands for the mean of k rows: variance sigma2 / k."""
    one = mlm.lmm("y ~ x + (1 | g)", SMALL, weights=np.ones(len(SMALL)))
    assert one.criterion == pytest.approx(mlm.lmm("y ~ x + (1 | g)", SMALL).criterion, abs=1e-9)
    half = mlm.lmm("y ~ x + (1 | g)", SMALL, weights=np.full(len(SMALL), 4.0))
    assert half.sigma == pytest.approx(2 * one.sigma, rel=1e-8)
    assert np.allclose(half.params, one.params)


def test_an_offset_is_taken_off():
    one, two = mlm.lmm("y ~ x + (x | g)", SMALL, offset="z"), mlm.lmm("I(y - z) ~ x + (x | g)", SMALL)
    assert one.criterion == pytest.approx(two.criterion, abs=1e-9)
    assert np.allclose(one.fittedvalues - SMALL["z"], two.fittedvalues)


# the boundary

def test_no_variance_between_groups():
    fitted = fit("dyestuff2_reml")
    assert fitted.is_singular and fitted.converged and fitted.theta[0] == 0
    assert any("(1 | Batch)" in m and "estimated as zero" in m for m in fitted.messages)
    assert np.all(fitted.random_effects["Batch"] == 0)
    table = fitted.random_table()
    assert table["se"].isna().tolist() == [True, False]
    assert fitted.lr_vs_linear().statistic == 0 and fitted.lr_vs_linear().pvalue == 1


def test_a_correlation_of_one_is_named():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 10)
    u, x = rng.normal(size=20), rng.normal(size=200)
    table = {"y": u[g] * (1 + x) + rng.normal(size=200), "x": x, "g": g}
    fitted = mlm.lmm("y ~ x + (x | g)", table)
    assert fitted.is_singular and fitted.converged
    assert abs(fitted.variance_components["correlation"].iloc[2]) == pytest.approx(1, abs=1e-9)
    assert any("perfectly correlated" in m and "(x || g)" in m for m in fitted.messages)


@pytest.mark.parametrize("seed", range(12))
def test_no_start_finds_a_better_point(seed):
    from mlmlib.lmm.optimise import minimize
    rng = np.random.default_rng(seed)
    table = sample(seed, groups=int(rng.integers(5, 15)), rows=int(rng.integers(4, 9)), effects=int(rng.integers(2, 4)))
    model = LmmModel(build_design("y ~ x + (x + z | g)", table))
    reached = model.fit()[0]
    assert reached.converged
    for _ in range(8):
        L = model.criterion.factor(rng.normal(size=6) * rng.choice([0.1, 1, 3]))
        assert minimize(model.criterion.settle(L), model.criterion.advance).at.value > reached.at.value - 1e-6


def test_few_evaluations():
    assert fit("hsb_rc_reml").n_evaluations <= 6
    assert max(fit(f"{name}_reml").n_evaluations for name in LMM if not fit(f"{name}_reml").is_singular) <= 9


# what a result offers

def test_blups_are_the_regression_of_u_on_y():
    fitted = mlm.lmm("y ~ x + (x | g)", SMALL)
    T, Z = fitted.covariance_matrix().to_numpy(), np.column_stack([np.ones(len(SMALL)), SMALL["x"]])
    rows = (SMALL["g"] == 3).to_numpy()
    V = Z[rows] @ T @ Z[rows].T + fitted.sigma ** 2 * np.eye(rows.sum())
    residual = SMALL["y"][rows] - fitted.predict(random_effects=False)[rows]
    assert np.allclose(fitted.random_effects["g"].loc[3], T @ Z[rows].T @ np.linalg.solve(V, residual))
    cov = T - T @ Z[rows].T @ np.linalg.solve(V, Z[rows] @ T)
    assert np.allclose(fitted.random_effects_cov["g"][3], cov)
    assert np.allclose(fitted.random_effects_se["g"].loc[3], np.sqrt(np.diag(cov)))


def test_predictions():
    fitted = fit("hsb_rc_reml")
    new = data("hsb").iloc[:3].assign(school=[1224, 1224, 99999])
    whole, fixed = fitted.predict(new), fitted.predict(new, random_effects=False)
    assert np.allclose(whole.iloc[:2], fitted.fittedvalues.iloc[:2]) and whole.iloc[2] == pytest.approx(fixed.iloc[2])
    with pytest.raises(mlm.DataError, match="1 rows in groups of 'school'"):
        fitted.predict(new, new_groups="error")
    own = fitted.coefficients["school"].loc[1224]
    assert whole.iloc[0] == pytest.approx(own["Intercept"] + own["cses"] * new["cses"].iloc[0])
    with pytest.raises(mlm.DataError, match="There is no column 'cses'"):
        fitted.predict(new[["school"]])
    assert len(fitted.predict(new.drop(columns="school"), random_effects=False)) == 3


def test_predictions_refuse_missing_values():
    fitted = mlm.lmm("y ~ x + c + (1 | g)", SMALL)
    for column in ("x", "c", "g"):
        new = SMALL.astype({"g": float}).iloc[:4].copy()
        new.loc[2, column] = None
        with pytest.raises(mlm.DataError, match=f"miss '{column}' in 1 rows \\(first: row 2\\)"):
            fitted.predict(new)


def test_predictions_take_the_offset_from_its_column():
    fitted = mlm.lmm("y ~ x + (1 | g)", SMALL, offset="z")
    assert np.allclose(fitted.predict(SMALL), fitted.fittedvalues)
    with pytest.raises(mlm.DataError, match="given as values"):
        mlm.lmm("y ~ x + (1 | g)", SMALL, offset=SMALL["z"].to_numpy()).predict(SMALL)


def test_predictions_refuse_a_new_category():
    fitted = mlm.lmm("y ~ c + (1 | g)", SMALL)
    with pytest.raises(mlm.DataError, match="have mid in 'c'"):
        fitted.predict({"c": ["lo", "mid"], "g": [1, 1]})


def test_rows_keep_their_labels():
    table = SMALL.set_index(SMALL.index + 500).assign(x=SMALL["x"].to_numpy())
    table.loc[503, "x"] = np.nan
    fitted = mlm.lmm("y ~ x + (1 | g)", table)
    assert 503 not in fitted.resid.index and fitted.resid.index[0] == 500 and fitted.nobs == len(SMALL) - 1
    assert np.allclose(fitted.endog - fitted.fittedvalues, fitted.resid)
    assert fitted.messages[0].startswith("1 of 108 rows")


def test_results_are_immutable():
    fitted = fit("hsb_null_reml")
    with pytest.raises(AttributeError, match="immutable"):
        fitted.llf = 0
    before = fitted.params.copy()
    for table in (fitted.params, fitted.cov_params(), fitted.random_effects["school"]):
        table.iloc[:] = 99
    assert fitted.params.equals(before) and fitted.random_effects["school"].iloc[0, 0] != 99


def test_refit():
    fitted = fit("hsb_rc_reml")
    y = fitted.endog.to_numpy()[::-1].copy()
    whole = mlm.lmm("mathach ~ cses + (cses | school)", data("hsb").assign(mathach=y))
    again = fitted.refit(y)
    assert again.criterion == pytest.approx(whole.criterion, abs=1e-7)
    assert np.allclose(again.params, whole.params) and np.allclose(again.fittedvalues, whole.fittedvalues, atol=1e-6)
    assert fitted.refit(reml=False).criterion == pytest.approx(fit("hsb_rc_ml").criterion, abs=1e-8)


def test_refit_with_weights_and_offset():
    table = SMALL.assign(y2=SMALL["y"] ** 2)
    one = mlm.lmm("y ~ x + (x | g)", table, weights="w", offset="z").refit(table["y2"])
    two = mlm.lmm("y2 ~ x + (x | g)", table, weights="w", offset="z")
    assert one.criterion == pytest.approx(two.criterion, abs=1e-8) and np.allclose(one.theta, two.theta, atol=1e-6)


def test_tables():
    fitted = fit("sleepstudy_corr_reml")
    table = fitted.variance_components
    assert table["name"].tolist() == ["Intercept", "Days", "Intercept, Days", "Residual"]
    assert table["group"].tolist() == ["Subject"] * 3 + ["Residual"]
    T = fitted.covariance_matrix()
    assert table["correlation"].iloc[2] == pytest.approx(T.iloc[0, 1] / np.sqrt(T.iloc[0, 0] * T.iloc[1, 1]))
    names, cov = fitted.variance_cov()
    assert names == ["log sd(Subject: Intercept)", "log sd(Subject: Days)", "atanh corr(Subject: Intercept, Days)", "log sigma"]
    assert cov.shape == (4, 4)
    wide, narrow = fitted.random_table("sd", level=0.99), fitted.random_table("sd", level=0.5)
    assert (wide["lower"] < narrow["lower"]).all() and (wide["upper"] > narrow["upper"]).all()


def test_large_data_keep_their_memory():
    """A hundred thousand rows in shuffled order, groups as text."""
    rng = np.random.default_rng(0)
    g = rng.integers(0, 2000, 100_000)
    x = rng.normal(size=100_000)
    y = rng.normal(size=2000)[g] + x * (1 + 0.5 * rng.normal(size=2000)[g]) + rng.normal(size=100_000)
    fitted = mlm.lmm("y ~ x + (x | g)", {"y": y, "x": x, "g": [f"s{k}" for k in g]})
    assert fitted.converged and fitted.covariance_matrix().iloc[1, 1] == pytest.approx(0.25, abs=0.03)


def test_import_is_light():
    code = ("import sys, mlmlib; heavy = [m for m in ('numpy', 'pandas', 'scipy', 'statsmodels', 'matplotlib') if m in sys.modules]; "
            "assert not heavy, heavy; mlmlib.lmm; assert 'pandas' not in sys.modules and 'statsmodels' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


# unusable input: one clear error that names the column

BAD = SMALL.assign(one=1.0, twice=2 * SMALL["x"], text=[f"{v:.3f}" for v in SMALL["x"]], word="w", id=np.arange(len(SMALL)),
                   hole=np.nan, far=np.where(SMALL["x"] > 1, np.inf, SMALL["x"]), flat=3.0, day=pd.Timestamp("2020-01-01"),
                   level2=np.repeat(np.arange(12.0), 9) ** 2, huge=1e200, zero=np.r_[0.0, np.ones(107)])


@pytest.mark.parametrize("formula, says", [
    ("y ~ xx + (1 | g)", "no column 'xx'"), ("y ~ x + (1 | word)", "'word' has one group only"),
    ("y ~ x + (1 | id)", "108 groups x 1 effects"), ("y ~ x + (x | id)", "random effects for 108 rows"), ("flat ~ x + (1 | g)", "is 3 in every row"),
    ("text ~ x + (1 | g)", "outcome 'text' holds text"), ("y ~ text + (1 | g)", "'text' is text that holds numbers"),
    ("y ~ log(c) + (1 | g)", "'c' holds categories"), ("y ~ log(x) + (1 | g)", "log\\(x\\) is not a finite number"),
    ("y ~ far + (1 | g)", "'far' is infinite in"), ("y ~ hole + (1 | g)", "No row is complete"), ("y ~ day + (1 | g)", "dates"),
    ("y ~ x + twice + (1 | g)", "'twice' of the fixed effects is fully determined by 'x'"), ("y ~ one + (1 | g)", "'one'.*same in every row"),
    ("y ~ x + (x + twice | g)", "'twice' of the effects of \\(x \\+ twice \\| g\\)"), ("twice ~ x + (1 | g)", "reproduce the outcome 'twice'"),
    ("level2 ~ x + (1 | g)", "same in all rows of each group"), ("y ~ huge + (1 | g)", "too large"), ("y ~ scale(one) + (1 | g)", "does not vary"),
    ("y ~ x", "no random term"),
    ("y ~ f(x) + (1 | g)", "formulas do not know"), ("y ~ C(id) + (1 | g)", "108 rows cannot carry 108"), ("~ x + (1 | g)", "no outcome"),
])
def test_unusable_input_is_named(formula, says):
    with pytest.raises((mlm.DataError, mlm.FormulaError), match=says):
        mlm.lmm(formula, BAD)


@pytest.mark.parametrize("options, says", [
    ({"weights": "zero"}, "weights must all be positive"), ({"weights": [1, 2]}, "has 2 values"), ({"weights": "c"}, "not a column of numbers"),
    ({"offset": "far"}, "offset= is infinite"), ({"covariance": "toeplitz"}, "not known"), ({"covariance": {"h": "identity"}}, "names the group 'h'"),
])
def test_unusable_options_are_named(options, says):
    with pytest.raises((mlm.DataError, mlm.FormulaError), match=says):
        mlm.lmm("y ~ x + (1 | g)", BAD, **options)


@pytest.mark.parametrize("table, says", [(None, "must be a table"), ({}, "no columns"), (SMALL.iloc[:0], "no rows"),
                                         (SMALL.iloc[:9], "one group only"), ({"y": [1, 2], "x": [1], "g": [1, 2]}, "has 1 rows")])
def test_unusable_tables_are_named(table, says):
    with pytest.raises(mlm.DataError, match=says):
        mlm.lmm("y ~ x + (1 | g)", table)


def test_a_slope_that_no_group_shows_is_told():
    fitted = mlm.lmm("y ~ x + (level2 | g)", BAD)
    assert any("'level2' is the same in all rows of each group" in m for m in fitted.messages)


def test_a_slope_without_its_fixed_effect_has_two_minima_and_the_lower_is_found():
    """Found by tests/differential.py: both minima are stationary and inside, the one near the start 8.9 higher."""
    from differential import drawn
    from mlmlib.lmm.optimise import minimize
    case, fit, _ = drawn("linear", 264)
    assert case.formula == "y ~ 1 + (0 + x | g) + (1 | h)"
    assert fit.criterion == pytest.approx(711.2926613, abs=1e-6)  # lme4 with tight tolerances, and glmmTMB
    higher = fit.model.criterion.settle(fit.model.criterion.factor(fit.model.plain_start(0.1)))
    assert minimize(higher, fit.model.criterion.advance).at.value == pytest.approx(720.1996768, abs=1e-6)
