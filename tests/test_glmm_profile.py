"""Profile likelihood of generalized linear mixed models: against root search in R, lme4's spline, and itself."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

import mlmlib as mlm
from mlmlib.inference.generalized_parameters import parameters_of
from mlmlib.inference.generalized_profile import generalized_parameter

R = json.loads((Path(__file__).parent / "reference/r/profileR_glmm.json").read_text())


@cache
def cbpp(**options):
    return mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", **options)


@cache
def slope():
    return mlm.glmm("use ~ age + urban + (1 + urban | district)", mlm.load("contraception"))


@cache
def ticks(family, **options):
    return mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", mlm.load("grouseticks"), family=family, **options)


@cache
def wine():
    return mlm.glmm("rating ~ temp + contact + (1 | judge)", mlm.load("wine"), family="ordinal")


@pytest.mark.parametrize(("case", "options"), [("cbpp_laplace", {}), ("cbpp_agq9", {"method": "agq", "nodes": 9})])
def test_ends_are_the_roots(case, options):
    """Exact ends by uniroot on lme4's deviance, each constrained fit by nlminb: the same to 1e-7."""
    found = cbpp(**options).conf_int(method="profile", which="all")
    for name, ends in R[case]["roots"]["ci"].items():
        assert np.allclose(found.loc[name], ends, atol=1e-7), name


def test_lme4_spline():
    """lme4's own profile() interpolates: its ends lie within 1e-4 of the roots."""
    fits = {"cbpp_laplace": cbpp(), "contraception": mlm.glmm("use ~ age + urban + (1 | district)", mlm.load("contraception"))}
    for case, fit in fits.items():
        found = fit.conf_int(method="profile", which="all")
        names = {"sd_(Intercept)|herd": "sd(herd: Intercept)", "sd_(Intercept)|district": "sd(district: Intercept)",
                 "(Intercept)": "Intercept", "urbanY": "urban[T.Y]"}
        for name, ends in R[case]["spline"].items():
            own = names.get(name, name.replace("period", "period[T.") + ("]" if name.startswith("period") else ""))
            assert np.allclose(found.loc[own], ends, atol=1e-4), name


@pytest.mark.parametrize("name", ["urban[T.Y]", "sd(district: Intercept)", "sd(district: urban[T.Y])",
                                  "corr(district: Intercept, urban[T.Y])"])
def test_constrained_fits_are_minima(name):
    """At an end the criterion is 3.84 above its minimum, and a general optimizer finds no lower one there."""
    fit = slope()
    end = fit.conf_int(method="profile", which="all").loc[name, "upper"]
    z2 = 3.841458820694124
    known, model = parameters_of(fit), fit.model
    held = generalized_parameter(fit, name).held
    from mlmlib.inference.generalized_profile import generalized_optimum
    best = held.solve(end, generalized_optimum(fit).L, 1.0)
    assert best.converged and abs(best.value - fit.criterion - z2) < 1e-7
    place = known.names.index(name)

    def penalized(y, weight):
        x = best_x + y
        at = model.criterion(x, best.L[3], gradient=False)
        T = [L @ L.T for L in model.factors(x)]
        gap = known.at(model.coefficients(x), T, [])[place] - end
        return at.value + weight * gap ** 2

    x = np.concatenate([best.L[0], np.zeros(model.criterion.m), best.L[2]])
    lower = np.linalg.cholesky(best.L[1] @ best.L[1].T)
    best_x = model.criterion.replaced(x, lower)
    assert abs(penalized(np.zeros_like(best_x), 0.0) - best.value) < 1e-7
    found = minimize(penalized, np.zeros_like(best_x), args=(1e5,), method="BFGS", options={"gtol": 1e-4})
    given = best.slope ** 2 / (4 * 1e5)  # what a penalty of this weight lets go
    assert abs(found.fun - (best.value - given)) < 1e-4


def test_slopes_are_those_of_the_envelope():
    fit = slope()
    profile = fit.profile(["sd(district: Intercept)", "corr(district: Intercept, urban[T.Y])", "age"])
    for name in profile.names:
        track = profile._track(name)
        for value in sorted(track.known)[2:4]:
            h = 1e-4 * track.unit
            slope_ = (track._solve(value + h, track.known[value].L, 1.0).value
                      - track._solve(value - h, track.known[value].L, 1.0).value) / (2 * h)
            assert abs(slope_ - track.known[value].slope) < 1e-3 * max(1.0, abs(slope_)), name


def test_dispersion():
    fit = ticks("nbinom2")
    ends = fit.conf_int(method="profile", which="all").loc["theta"]
    for theta in ends:
        x = fit._at.x.copy()
        x[-1] = np.log(theta)

        def rest(y, x=x):
            at = fit.model.criterion(np.append(y, x[-1]), fit._at.modes.v)
            return at.value, at.gradient[:-1]

        found = minimize(rest, x[:-1], jac=True, method="BFGS", options={"gtol": 1e-6})
        assert abs(found.fun - fit.criterion - 3.841458820694124) < 1e-6
    wald = fit.dispersion_table().set_index("name").loc["theta"]
    assert abs(ends["lower"] - wald["lower"]) < 0.1 and abs(ends["upper"] - wald["upper"]) < 0.1


def test_dispersion_without_an_end():
    """Counts that are Poisson: theta may be infinite, and the probability of extra zeros none."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(30), 6)
    data = {"g": g, "y": rng.poisson(np.exp(1.0 + 0.5 * rng.standard_normal(30)[g]))}
    nb, zip_ = (mlm.glmm("y ~ 1 + (1 | g)", data, family=family) for family in ("nbinom2", "zip"))
    assert np.isinf(nb.conf_int(method="profile", which="all").loc["theta", "upper"])
    zero = zip_.conf_int(method="profile", which="all").loc["zero"]
    assert zero["lower"] == 0.0 and 0.0 < zero["upper"] < 0.2


def test_coefficient_without_an_end():
    """No count is a zero for certain: the logit of their probability may go to minus infinity."""
    ends = ticks("zinb2", zero="~ 1").conf_int(method="profile").loc["zero: Intercept"]
    same = ticks("zinb2").conf_int(method="profile", which="all").loc["zero"]
    assert ends["lower"] == -np.inf and abs(1 / (1 + np.exp(-ends["upper"])) - same["upper"]) < 1e-7


def test_thresholds():
    found = wine().profile(["1|2", "3|4"])
    wald = wine().threshold_table()
    for name, (lower, upper) in found.conf_int().iterrows():
        assert lower < wald.loc[name, "estimate"] < upper
        assert abs(lower - wald.loc[name, "lower"]) < 0.3 and abs(upper - wald.loc[name, "upper"]) < 0.4
    table = found.table
    assert set(table["parameter"]) == {"1|2", "3|4"} and not table.isna().any().any()
    held = table[table["parameter"] == "3|4"]
    assert np.allclose(held["value"], held["3|4"])


def test_a_shift_of_the_predictor_moves_the_intercept_only():
    data = mlm.load("contraception").assign(later=lambda d: d["age"] + 10.0)
    one, other = (mlm.glmm(f"use ~ {x} + (1 | district)", data).conf_int(method="profile", which="all") for x in ("age", "later"))
    assert np.allclose(one.iloc[1:], other.iloc[1:], atol=1e-7)


def test_profile_of_a_combination():
    fit = cbpp()
    found = fit.conf_int(method="profile", of="Intercept + `period[T.4]`")
    data = mlm.load("cbpp")
    data = data.assign(period=data["period"].astype(str).replace("4", "0"))
    other = mlm.glmm("incidence ~ period + (1 | herd)", data, trials="size").conf_int(method="profile").loc["Intercept"]
    assert np.allclose(found[["lower", "upper"]].iloc[0], other, atol=1e-7)


def test_without_random_effects():
    fit = mlm.glmm("incidence ~ period", mlm.load("cbpp"), trials="size")
    import statsmodels.api as sm
    data = mlm.load("cbpp")
    y = np.column_stack([data["incidence"], data["size"] - data["incidence"]])
    ends = fit.conf_int(method="profile").loc["period[T.2]"]
    X = fit.exog.to_numpy()
    for end in ends:
        held = sm.GLM(y, np.delete(X, 1, axis=1), family=sm.families.Binomial(), offset=X[:, 1] * end).fit(tol=1e-14)
        assert abs(2 * (fit.llf - held.llf) - 3.841458820694124) < 1e-6


def test_singular_fit():
    data = {"g": np.repeat(np.arange(20), 6), "x": np.tile(np.arange(6.0), 20), "y": np.tile([0, 1, 1, 0, 1, 0], 20)}
    fit = mlm.glmm("y ~ x + (1 | g)", data)
    sd = fit.conf_int(method="profile", which="all").loc["sd(g: Intercept)"]
    assert fit.is_singular and sd["lower"] == 0.0 and 0.0 < sd["upper"] < 1.0


def test_curve_density_and_pictures():
    profile = cbpp().profile(["period[T.2]", "sd(herd: Intercept)"])
    curve = profile.curve("period[T.2]")
    assert (np.diff(curve["zeta"]) > 0).all()
    assert len(profile.density()) == 2 * 201
    assert abs(float(profile.zeta("period[T.2]", profile.conf_int().loc["period[T.2]", "upper"]).iloc[0]) - 1.959964) < 1e-5


def test_refusals():
    with pytest.raises(ValueError, match="no REML criterion"):
        cbpp().profile(reml=True)
    with pytest.raises(ValueError, match="is not a parameter.*sd\\(herd: Intercept\\)"):
        cbpp().profile("sigma")
    with pytest.raises(ValueError, match="no likelihood"):
        cbpp(method="pql").profile()


def test_wald_intervals_of_all():
    """Names of all methods are the same; Wald's are symmetric on the log, logit or atanh."""
    fit = ticks("nbinom2")
    wald, table = fit.conf_int(which="all"), fit.dispersion_table().set_index("name")
    assert wald.index.tolist() == list(parameters_of(fit).names) == fit.profile("theta").table.columns[3:].tolist()
    assert np.allclose(wald.loc["theta"], table.loc["theta", ["lower", "upper"]].astype(float), rtol=1e-6)
    sd = fit.random_table("sd").iloc[0]
    assert np.allclose(wald.loc["sd(BROOD: Intercept)"], sd[["lower", "upper"]].astype(float), rtol=1e-6)
    own = wine().conf_int(which="all")
    assert np.allclose(own.loc["1|2"], wine().threshold_table().loc["1|2", ["lower", "upper"]].astype(float), rtol=1e-6)
