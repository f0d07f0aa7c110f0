"""Profile likelihood: ends of intervals against R, tables against dense matrices, hard cases, pictures."""

import time

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.inference.charts import correlation_chart, icc_chart, sd_chart
from mlmlib.inference.constrained import HeldFixedEffect, HeldVariance
from mlmlib.inference.profile import profile_intervals
from mlmlib.lmm.optimise import Minimum, minimize
from mlmlib.published.r_results import ours
from models import fit, reference

OURS = {"sd_": "sd", "cor": "corr"}
LME4 = ["hsb_null", "imm_hw_rs", "imm_null", "sleepstudy_corr", "sleepstudy_uncorr"]
THREE = "Reaction ~ Days + (1 + Days + x2 | Subject)"


def _name(theirs, names):
    """Our name of a row of lme4's: sd_(Intercept)|schid, cor_homework.(Intercept)|schid."""
    if "|" not in theirs:
        return theirs if theirs == "sigma" else next(iter(ours(theirs)))
    effects = theirs.split("|")[0].split("_", 1)[1].replace("(Intercept)", "Intercept").split(".")
    kind = OURS[theirs[:3]]
    return next(name for name in names if name.startswith(kind + "(") and
                set(name.split(": ")[1].rstrip(")").split(", ")) == set(effects))


@pytest.mark.parametrize("name", LME4)
def test_exact_ends_of_lme4(name):
    truth = reference(f"profile_{name}")["exact_root_ci"]["ci"]
    found = fit(f"{name}_ml").profile().conf_int()
    assert len(truth) == len(found)
    for row, ends in truth.items():
        assert found.loc[_name(row, found.index)].to_numpy() == pytest.approx(np.array(ends), rel=1e-8), row


def _sleep():
    table = mlm.load("sleepstudy")
    table["Subject"] = table["Subject"].astype(int)
    return table.assign(x2=np.sin(2.1 * table["Days"]), w=1 + (table["Days"] % 3) / 2, o=3.0 * table["Days"])


def _case(name):
    """Ours of the models of tests/reference/profile.R."""
    sleep = _sleep()
    if name.startswith("dyestuff"):
        return fit(name if name.endswith("reml") else f"{name}_ml")
    if name == "sleep_weighted":  # two groups of two rows, one of one
        few = sleep["Subject"].isin([308, 309]) & (sleep["Days"] > 1) | (sleep["Subject"] == 310) & (sleep["Days"] > 0)
        return mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep[~few], weights="w", offset="o", reml=False)
    if name == "sleep_reml":
        return mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep)
    structure = "unstructured" if name == "sleep_three" else name.removeprefix("sleep_")
    return mlm.lmm(THREE, sleep, covariance=structure, reml=False)


@pytest.mark.parametrize("name", ["sleep_weighted", "sleep_reml", "sleep_three", "sleep_independent", "sleep_identity",
                                  "sleep_exchangeable", "dyestuff", "dyestuff_reml", "dyestuff2"])
def test_ends_by_brute_force(name):
    truth, fitted = reference("profileR_cases")[name], _case(name)
    assert fitted.criterion == pytest.approx(truth["criterion"], abs=1e-6)
    found = fitted.profile(list(truth["ci"]), reml=fitted.reml).conf_int()
    for row, ends in truth["ci"].items():
        assert found.loc[row].to_numpy() == pytest.approx(np.array(ends), rel=1e-6, abs=1e-6), row


def _dense(fitted, row):
    """-2 log-likelihood at the parameters of a row of the table, from the covariance matrix of all rows."""
    X, y, (term,) = fitted.design.X, fitted.design.y, fitted.design.random
    V = np.diag(np.full(len(y), row["sigma"] ** 2) / (1.0 if fitted.design.weights is None else fitted.design.weights))
    sds = [column for column in row.index if column.startswith("sd(")]
    sd = np.array([next(row[column] for column in sds if name in column.split(": ")[1]) for name in term.names])
    T = np.diag(sd ** 2)
    for b in range(len(sd)):
        for a in range(b):
            r = row.get(f"corr({term.group}: {term.names[a]}, {term.names[b]})", 0.0)
            T[a, b] = T[b, a] = 0.0 if sd[a] * sd[b] == 0 else r * sd[a] * sd[b]
    V += np.where(term.codes[:, None] == term.codes, term.Z @ T @ term.Z.T, 0.0)
    e = y - X @ row[list(fitted._names)].to_numpy(float)
    e -= 0.0 if fitted.design.offset is None else fitted.design.offset
    return np.linalg.slogdet(2 * np.pi * V)[1] + e @ np.linalg.solve(V, e)


@pytest.mark.parametrize("name", ["sleep_weighted", "sleep_three", "sleep_independent", "sleep_identity", "dyestuff2"])
def test_table_is_where_it_says(name):
    fitted = _case(name)
    table = fitted.profile().table
    rows = table[~table["value"].isna()]
    for _, row in rows.iloc[:: max(1, len(rows) // 40)].iterrows():
        assert row[row["parameter"]] == pytest.approx(row["value"], abs=1e-9 * max(1, abs(row["value"])))
        assert _dense(fitted, row) == pytest.approx(fitted.criterion + row["zeta"] ** 2, abs=1e-7)


@pytest.mark.parametrize("reml", [False, True])
@pytest.mark.parametrize("structure", ["unstructured", "independent", "identity", "exchangeable"])
def test_derivatives_of_held_parameters(structure, reml):
    fitted = mlm.lmm(THREE + " + (0 + w | Subject)", _sleep(), covariance=structure, reml=reml, weights="w")
    model, shape, back = fitted.model, fitted.model.structures[0], fitted.model.z_maps[0]
    held = [(HeldVariance(model), 30.0), (HeldVariance(model, 0, icc_chart(shape, back, 0)), 0.2)]
    held += [(HeldVariance(model, 0, sd_chart(shape, back, a)), 5.0) for a in range(shape.sd.max() + 1)]
    held += [(HeldVariance(model, 0, correlation_chart(shape, back, *np.argwhere(np.triu(shape.corr == k))[0])), 0.3)
             for k in range(shape.corr.max() + 1)]
    rng = np.random.default_rng(3)
    for one, value in held:
        seen = []
        at = one._point
        one._point = lambda x, v, at=at, seen=seen: seen.append(x) or at(x, v)
        one.solve(value, fitted._at.L + 0.1 * np.eye(len(fitted._at.L)), fitted._at.s2)
        del one._point
        x = seen[0] + 0.1 * rng.random(len(seen[0]))
        here, step = one._point(x, value), 1e-5 * np.eye(len(x))
        ahead, behind = [one._point(x + d, value) for d in step], [one._point(x - d, value) for d in step]
        size = max(1.0, np.abs(here.hessian).max())
        slopes = np.array([(a.value - b.value) / 2e-5 for a, b in zip(ahead, behind)])
        curves = np.array([(a.gradient - b.gradient) / 2e-5 for a, b in zip(ahead, behind)])
        assert here.gradient == pytest.approx(slopes, abs=1e-5 * size)
        assert here.hessian == pytest.approx(curves, abs=1e-6 * size)
        rise = (one._point(x, value + 1e-5).value - one._point(x, value - 1e-5).value) / 2e-5
        assert here.slope == pytest.approx(rise, rel=1e-5, abs=1e-4)


def test_slope_of_a_held_fixed_effect():
    fitted = _case("sleep_weighted")
    held, near = HeldFixedEffect(fitted.model, 1), 1e-4
    at, ahead, behind = (held.solve(v, fitted._at.L, fitted._at.s2) for v in (9.0, 9.0 + near, 9.0 - near))
    assert at.slope == pytest.approx((ahead.value - behind.value) / (2 * near), rel=1e-6)


def test_a_reml_fit_is_fitted_again_by_ml():
    profile = fit("sleepstudy_corr_reml").profile(["sigma", "Days"])
    assert profile.method == "ML" and not profile.fit.reml and "fitted again by ML" in profile.messages[0]
    same = fit("sleepstudy_corr_ml").profile(["sigma", "Days"])
    assert profile.conf_int().to_numpy() == pytest.approx(same.conf_int().to_numpy())
    with pytest.raises(ValueError, match="says nothing about the fixed effect 'Days'"):
        fit("sleepstudy_corr_reml").profile("Days", reml=True)


def test_intervals_alone_are_those_of_the_profile():
    fitted = fit("imm_hw_rs_reml")
    profile = fitted.profile()
    assert profile_intervals(fitted, profile.names, 0.9) == pytest.approx(profile.conf_int(0.9).to_numpy(), rel=1e-8)
    assert profile.conf_int(0.99).loc["sigma", "upper"] > profile.conf_int(0.9).loc["sigma", "upper"]
    assert profile_intervals(fitted, [], 0.95).shape == (0, 2)


def test_a_singular_fit_and_an_unidentified_correlation():
    found = fit("dyestuff2_ml").profile()
    assert found.conf_int().loc["sd(Batch: Intercept)", "lower"] == 0.0
    assert any("at its bound 0" in message for message in found.messages)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"g": np.repeat(np.arange(30), 6), "x": rng.normal(size=180), "y": rng.normal(size=180)})
    inner = table["x"] - table.groupby("g")["x"].transform("mean")
    slope = table.assign(xy=inner * table["y"], xx=inner**2).groupby("g")[["xy", "xx"]].sum()
    table["y"] -= inner * (slope["xy"] / slope["xx"]).to_numpy()[table["g"]]
    table["y"] += table["x"] - table.groupby("g")["y"].transform("mean")  # all groups' lines are the same
    fitted = mlm.lmm("y ~ x + (1 + x | g)", table, reml=False)
    profile = fitted.profile()
    assert np.isnan(profile.params["corr(g: Intercept, x)"])
    assert profile.conf_int().loc["corr(g: Intercept, x)"].tolist() == [-1.0, 1.0]
    assert any("any value fits as well" in message for message in profile.messages)
    assert not len(profile.curve("corr(g: Intercept, x)"))
    assert (profile.conf_int().loc[["sd(g: x)", "sd(g: Intercept)"], "lower"] == 0.0).all()
    table["y"] += 2 * rng.normal(size=30)[table["g"]]  # levels differ, slopes do not
    fitted = mlm.lmm("y ~ x + (1 + x | g)", table, reml=False)
    assert fitted.is_singular and abs(fitted.profile().params["corr(g: Intercept, x)"]) == 1.0
    assert fitted.profile(["corr(g: Intercept, x)", "sd(g: x)"]).conf_int()["lower"].tolist() == [-1.0, 0.0]


def test_a_correlation_never_fits_worse_than_no_variance():
    fitted = fit("hsb_minority_ml")
    profile = fitted.profile("corr(school: cses, minority[T.Yes])")
    line = profile.zeta("corr(school: cses, minority[T.Yes])")
    assert (np.diff(line) > -1e-6).all()
    assert profile.conf_int().iloc[0].tolist() == pytest.approx([-1.0, 0.090746], abs=1e-6)


def test_a_false_optimum_is_left():
    true = fit("hsb_minority_ml")
    model = true.model
    caught = model.criterion.settle(np.zeros_like(true._at.L))
    stopped = type(true)(model, Minimum(caught, 1, True, 0.0))
    assert stopped.criterion > true.criterion + 10
    profile = stopped.profile("sigma")
    assert "found a better fit" in " ".join(profile.messages)
    assert profile.fit.criterion == pytest.approx(true.criterion, abs=1e-8)
    assert profile_intervals(stopped, ["sigma"]) == pytest.approx(profile_intervals(true, ["sigma"]), rel=1e-8)


def test_one_variance_for_uneven_columns_has_no_false_optimum():
    """The search for one variance of columns of size 1 and 0.16 once ended 29 above the minimum."""
    rng = np.random.default_rng(12)
    J = rng.integers(4, 40)
    g = np.repeat(np.arange(J), rng.integers(3, 11, J))
    x = 0.16 * rng.normal(size=len(g))
    xs, sd = (x - x.mean()) / x.std(), rng.choice([0.0, 0.3, 1, 3], 2)
    y = sd[0] * rng.normal(size=J)[g] + sd[1] * rng.normal(size=J)[g] * xs + xs + rng.normal(size=len(g))
    fitted = mlm.lmm("y ~ x + (1 + x | g)", pd.DataFrame({"x": x, "y": y, "g": g}), covariance="identity")
    criterion = fitted.model.criterion
    for size in (0.01, 0.1, 1.0, 10.0, 100.0):
        start = criterion.settle(criterion.factor(fitted.model.plain_start(size)))
        assert fitted.criterion <= minimize(start, criterion.advance).at.value + 1e-6
    assert not fitted.profile(reml=True).messages


def test_origin_and_units_change_only_what_they_name():
    sleep = _sleep().assign(year=lambda t: t["Days"] + 2000.0, micro=lambda t: t["Days"] * 1e6)
    plain = fit("sleepstudy_corr_ml").profile().conf_int()
    for column, factor in (("year", 1.0), ("micro", 1e6)):
        moved = mlm.lmm(f"Reaction ~ {column} + (1 + {column} | Subject)", sleep, reml=False).profile().conf_int()
        assert moved.loc["sigma"].to_numpy() == pytest.approx(plain.loc["sigma"].to_numpy(), rel=1e-7)
        assert factor * moved.loc[column].to_numpy() == pytest.approx(plain.loc["Days"].to_numpy(), rel=1e-7)
        assert factor * moved.loc[f"sd(Subject: {column})"].to_numpy() == pytest.approx(
            plain.loc["sd(Subject: Days)"].to_numpy(), rel=1e-7)
        if column == "micro":
            assert moved.loc["corr(Subject: Intercept, micro)"].to_numpy() == pytest.approx(
                plain.loc["corr(Subject: Intercept, Days)"].to_numpy(), rel=1e-7)


def test_the_icc_is_an_odds_of_variances():
    fitted = fit("imm_null_ml")
    profile = fitted.profile("icc")
    assert profile.params["icc"] == pytest.approx(float(mlm.icc(fitted)))
    lower, upper = profile.conf_int().loc["icc"]
    assert lower < profile.params["icc"] < upper
    assert profile.zeta("icc", [lower, upper]).to_numpy() == pytest.approx([-1.959964, 1.959964], abs=1e-6)
    with pytest.raises(mlm.DataError, match="random intercept"):
        mlm.lmm("Reaction ~ Days + (0 + Days | Subject)", _sleep(), reml=False).profile("icc")


def test_zeta_and_density():
    profile = fit("hsb_rc_ml").profile(["cses", "sd(school: cses)"])
    curve = profile.curve("sd(school: cses)", 21)
    exact = profile.zeta("sd(school: cses)", curve["value"]).to_numpy()
    assert curve["zeta"].to_numpy() == pytest.approx(exact, abs=2e-3)
    density = profile.density(801)
    own = density[density["parameter"] == "cses"]
    assert np.trapezoid(own["density"], own["value"]) == pytest.approx(1.0, abs=2e-3)
    with pytest.raises(ValueError, match="lies between 0"):
        profile.zeta("sd(school: cses)", -1.0)
    with pytest.raises(ValueError, match="was not profiled"):
        profile.zeta("sigma")


def test_a_profile_cannot_be_changed():
    profile = fit("imm_null_ml").profile("sigma")
    table = profile.table
    table["zeta"] = 0.0
    assert profile.table["zeta"].abs().max() > 3
    rows = len(profile.table)
    profile.zeta("sigma", 9.1)
    profile.conf_int(0.8)
    assert len(profile.table) == rows and len(profile.zeta("sigma")) == rows
    with pytest.raises(AttributeError, match="immutable"):
        profile.names = ()


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'sd' is not a parameter"):
        fit("imm_null_ml").profile("sd")
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit("imm_null_ml").profile("sigma").conf_int(95)


def test_progress_and_interruption():
    told = []

    def progress(done, whole):
        told.append((done, whole))
        if done == 2:
            raise KeyboardInterrupt

    profile = fit("imm_hw_rs_ml").profile(progress=progress)
    assert told == [(1, 6), (2, 6)]
    assert profile.names == ("Intercept", "homework") and "Interrupted: 2 of 6" in profile.messages[-1]


def test_speed():
    fitted = fit("hsb_rc_ml")
    fitted.profile("sigma")
    begin = time.process_time()
    profile_intervals(fitted, fitted.profile().names)
    assert time.process_time() - begin < 1.0


def test_tiny_groups_and_groups_of_rank_one():
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(60), rng.integers(1, 4, 60))
    x = rng.integers(0, 2, 60)[g] + 0.5 * rng.integers(0, 2, len(g))
    y = rng.normal(size=60)[g] + x * (1 + 0.7 * rng.normal(size=60)[g]) + 0.5 * rng.normal(size=len(g))
    fitted = mlm.lmm("y ~ x + (1 + x | g)", pd.DataFrame({"y": y, "x": x, "g": g}), reml=False, weights=np.ones(len(y)))
    profile = fitted.profile()
    ends = profile.conf_int()
    assert ((ends["lower"] <= profile.params) & (profile.params <= ends["upper"])).all()
    for name in profile.names:
        for end, side in zip(ends.loc[name], (-1, 1)):
            size = abs(float(profile.zeta(name, end).iloc[0]))
            at_bound = end in (profile._track(name).parameter.lower, profile._track(name).parameter.upper)
            assert size == pytest.approx(1.959964, abs=1e-6) or (at_bound and size < 1.96), (name, side)


def test_several_terms_and_no_fixed_effects():
    sleep = _sleep()
    two = mlm.lmm("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", sleep, reml=False).profile().conf_int()
    bar = fit("sleepstudy_uncorr_ml").profile().conf_int()
    assert two.to_numpy() == pytest.approx(bar.to_numpy(), rel=1e-7)
    none = mlm.lmm("Reaction ~ 0 + (1 + Days | Subject)", sleep, reml=False)
    assert none.profile().names[0] == "sd(Subject: Intercept)"
    again = minimize(none.model.criterion.start(), none.model.criterion.advance)
    assert again.at.value == pytest.approx(none.criterion)


def test_pictures():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    profile = fit("hsb_iso_ml").profile()
    zeta, density, pairs = profile.plot_zeta(), profile.plot_density("sigma"), profile.plot_pairs()
    assert len(zeta) == len(profile.names) and pairs.shape == (4, 4) and np.ravel(density)[0].get_xlabel() == "sigma"
    assert "sd(school: cses): 0.255, 95% from 0 to 0.739" in mlm.plots.alt(zeta)
    assert "Joint likelihood regions" in mlm.plots.alt(pairs)
    few = fit("imm_null_ml").profile(["sigma", "icc"]).plot_pairs()
    np.ravel(few)[0].figure.canvas.draw()
    with pytest.raises(ValueError, match="two parameters"):
        profile.plot_pairs(["sigma"])
    plt.close("all")
