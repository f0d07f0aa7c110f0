"""Profiles and bootstraps with several grouping factors, against R (reference/r/profileR_several, bootR_*)."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.inference.boundary import boundary_weights
from models import reference


def sleep():
    table = mlm.load("sleepstudy")
    return table.assign(day=table["Days"].map(lambda v: f"d{v}"),
                        moved=table["Reaction"] + 20 * np.cos(2.3 * table["Days"]))


TABLES = {"pastes": "pastes", "penicillin": "penicillin", "dyestuff": "dyestuff"}


@pytest.fixture(scope="module", params=reference("profileR_several"))
def case(request):
    name = request.param
    truth = reference("profileR_several")[name]
    table = sleep() if name.startswith("sleep") else mlm.load(TABLES[name])
    fitted = mlm.lmm(truth["formula"], table, reml=False)
    return name, truth, fitted, fitted.conf_int(method="profile", which="all")


def test_profile_intervals_are_those_of_brute_force(case):
    _, truth, fitted, found = case
    assert fitted.criterion == pytest.approx(truth["criterion"], abs=1e-6)
    assert set(found.index) == set(truth["ci"]) and list(found.index) == list(fitted.conf_int(which="all").index)
    for parameter, ends in truth["ci"].items():
        size = np.ptp(ends)
        assert np.abs(found.loc[parameter].to_numpy() - ends).max() < 2e-6 * size, parameter


def test_profile_intervals_are_those_of_lme4(case):
    """lme4 interpolates between fits: to about one thousandth of an interval; it refuses the singular fit."""
    name, truth, _, found = case
    if name == "sleep_day":
        assert truth["lme4_ci"] == []
        return
    for label, ends in zip(truth["lme4_names"], truth["lme4_ci"]):
        row = _row(label, list(found.index))
        assert np.abs(found.loc[row].to_numpy() - ends).max() < 1e-3 * np.ptp(ends), row


def _row(label, ours):
    if label == "sigma":
        return label
    if "|" not in label:
        return {"(Intercept)": "Intercept"}.get(label, label)
    kind, rest = label.split("_", 1)
    effects, group = rest.split("|")
    start = {"sd": "sd(", "cor": "corr("}[kind]
    effects = {e.replace("(Intercept)", "Intercept") for e in effects.replace(".(", "#(").split("#")}
    return next(own for own in ours if own.startswith(start)
                and set(own[len(start):].split(": ")[0].split(":")) == set(group.split(":"))
                and set(own[:-1].split(": ")[1].split(", ")) == effects)


def test_an_estimate_at_zero_is_profiled(case):
    name, _, fitted, _ = case
    if name != "sleep_day":
        return
    found = fitted.profile("sd(day: Intercept)")
    assert found.params.iloc[0] == 0 and any("estimated at its bound 0" in text for text in found.messages)
    assert found.conf_int().iloc[0, 0] == 0


def test_the_profile_of_the_restricted_likelihood_and_of_an_icc():
    fitted = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", mlm.load("penicillin"))
    found = fitted.profile(reml=True)
    assert found.names == ("sd(plate: Intercept)", "sd(sample: Intercept)", "sigma")
    assert (found.conf_int()["lower"] < found.params).all() and (found.params < found.conf_int()["upper"]).all()
    for name, ends in found.conf_int().iterrows():
        assert found.zeta(name, list(ends)).to_numpy() == pytest.approx([-1.959964, 1.959964], abs=1e-6)
    with pytest.raises(ValueError, match="share of more variances than one"):
        fitted.profile("icc")


@pytest.mark.parametrize("weights", [None, "w"])
def test_a_held_parameter_is_the_best_fit_that_has_it(weights):
    """The slope of the criterion along each parameter, which Newton's method needs, against differences."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"g": rng.integers(12, size=90), "h": rng.integers(9, size=90), "x": rng.normal(size=90)})
    table["w"] = rng.uniform(0.5, 2.0, 90)
    u, v, w = rng.normal(size=12), rng.normal(size=12), rng.normal(size=9)
    table["y"] = (table["x"] + u[table["g"]] + v[table["g"]] * table["x"] + w[table["h"]]
                  + rng.normal(size=90))
    fitted = mlm.lmm("y ~ x + (1 + x | g) + (1 | h)", table, reml=False, weights=weights, offset="x")
    found = fitted.profile(["x", "sd(g: x)", "sd(h: Intercept)", "corr(g: Intercept, x)", "sigma"])
    for name, track in found._tracks.items():
        value = float(found.conf_int(0.8).loc[name, "upper"])
        step = 1e-4 * track.unit
        rise = (track.at(value + step).value - track.at(value - step).value) / (2 * step)
        assert track.at(value).slope == pytest.approx(rise, rel=1e-4), name


# bootstrap


def test_the_parametric_bootstrap_has_the_moments_of_lme4s():
    truth = reference("bootR_penicillin")
    fitted = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", mlm.load("penicillin"))
    found = fitted.bootstrap(800, seed=3)
    for name, sd in truth["sd"].items():
        noise = sd * np.sqrt(1 / found.n + 1 / truth["n"])
        assert abs(found.replicates[name].mean() - truth["mean"][name]) < 4 * noise, name
        assert abs(found.se[name] - sd) < 4 * noise, name  # of an SD about noise / sqrt(2)
    assert found.n_failed == 0


def test_replicates_are_the_same_for_any_number_of_workers():
    fitted = mlm.lmm("strength ~ 1 + (1 | batch/cask)", mlm.load("pastes"))
    for kind in ("parametric", "residual", "cluster"):
        alone = fitted.bootstrap(60, seed=2, kind=kind).replicates
        again = fitted.bootstrap(110 if kind == "parametric" else 60, seed=2, kind=kind, n_jobs=2).replicates
        assert np.array_equal(alone.to_numpy(), again.iloc[:60].to_numpy(), equal_nan=True)


def test_a_replicate_is_the_refit_of_its_sample():
    from mlmlib.inference.parameters import Parameters
    from mlmlib.inference.several_resample import Outcomes, estimates, refitted_outcome
    fitted = mlm.lmm("strength ~ 1 + (1 | batch/cask)", mlm.load("pastes"))
    rng = np.random.default_rng(8)
    for _ in range(8):
        y = Outcomes(fitted).rows(rng)
        found = estimates(Parameters(fitted), *refitted_outcome(fitted.model, y, fitted._at.L))
        anew = fitted.refit(y)
        assert found == pytest.approx(Parameters(anew).values(), rel=1e-4, abs=1e-5)


def test_residuals_are_drawn_with_the_estimated_variances():
    from mlmlib.inference.several_resample import Outcomes
    table = sleep()
    fitted = mlm.lmm("moved ~ Days + (Days | Subject) + (1 | day)", table)
    drawn = Outcomes(fitted, "residual")
    for (J, _, pool), group in zip(drawn.draws, ("Subject", "day")):
        assert np.allclose(pool @ pool.T / J, fitted.covariance_matrix(group)) and np.allclose(pool.sum(axis=1), 0)
    assert drawn.pool.std() == pytest.approx(fitted.sigma)


def test_whole_groups_are_those_of_the_outermost_factor():
    from mlmlib.inference.replicate import resampled
    from mlmlib.inference.several_resample import WholeGroups
    table = mlm.load("pastes")
    fitted = mlm.lmm("strength ~ 1 + (1 | batch/cask)", table)
    groups = WholeGroups(fitted)
    assert groups.J == 10
    counts = np.ones(10)
    counts[:2] = [0, 2]
    rows, draw = groups.rows(counts)
    again = resampled(fitted, rows, draw)
    twice = table.iloc[rows].assign(batch=draw)
    assert again.criterion == pytest.approx(mlm.lmm("strength ~ 1 + (1 | batch/cask)", twice).criterion, abs=1e-8)
    assert again.n_groups == {"batch": 10, "batch:cask": 30}
    by_name = fitted.bootstrap(20, kind="cluster", groups="batch").replicates
    assert np.array_equal(by_name, fitted.bootstrap(20, kind="cluster").replicates, equal_nan=True)
    assert fitted.bootstrap(40, kind="cluster").conf_int(type="bca").notna().all().all()
    with pytest.raises(mlm.FormulaError, match="rows of one group of 'batch' are in several"):
        fitted.bootstrap(10, kind="cluster", groups="batch:cask")
    with pytest.raises(ValueError, match="for kind='cluster'"):
        fitted.bootstrap(10, groups="batch")


def test_crossed_factors_have_no_whole_groups():
    table = mlm.load("penicillin")
    table["lab"] = table["plate"].astype(str).map(lambda v: "one" if v < "m" else "two")
    fitted = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", table)
    for ask in (lambda: fitted.bootstrap(10, kind="cluster"), lambda: fitted.bootstrap(10).conf_int(type="bca")):
        with pytest.raises(mlm.FormulaError, match="pigeonhole bootstrap of Owen 2007"):
            ask()
    with pytest.raises(mlm.FormulaError, match="'sample'"):
        fitted.bootstrap(10, kind="cluster", groups="lab")


def test_failed_and_singular_replicates_are_counted_and_a_statistic_is_bootstrapped():
    fitted = mlm.lmm("strength ~ 1 + (1 | batch/cask)", mlm.load("pastes"))
    found = fitted.bootstrap(60, statistic=lambda one: {"share": one.covariance_matrix("batch").iloc[0, 0]})
    assert found.names == ("share",) and 0.1 < found.singular_share < 0.7
    assert (fitted.conf_int(method="bootstrap", n=60, which="all").index == fitted.conf_int(which="all").index).all()
    from mlmlib.inference.several_resample import refitted_outcome
    assert refitted_outcome(fitted.model, np.full(fitted.nobs, 3.0), fitted._at.L) is None


@pytest.mark.parametrize("null", ["strength ~ 1 + (1 | batch:cask)", "strength ~ 1"])
def test_the_likelihood_ratio_against_samples_of_the_null(null):
    table = mlm.load("pastes")
    full = mlm.lmm("strength ~ 1 + (1 | batch/cask)", table, reml=False)
    small = mlm.lmm(null, table, reml=False) if "|" in null else mlm.ols(null, table)
    found = mlm.compare(small, full, method="bootstrap", n=60, seed=1)
    plain = mlm.compare(small, full)
    assert found.statistic == pytest.approx(plain.statistic) and found.n_failed == 0
    assert (found.replicates >= 0).all() and 0.3 < found.zero_share < 0.7
    assert (found.pvalue < 0.05) == (plain.pvalue < 0.05)


def test_a_replicate_of_the_ratio_is_that_of_two_refits():
    from mlmlib.inference.bootstrap_test import RowRatio
    from mlmlib.inference.several_resample import Outcomes
    table = mlm.load("penicillin")
    null = mlm.lmm("diameter ~ 1 + (1 | plate)", table, reml=False)
    full = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", table, reml=False)
    found = RowRatio(null, full)(np.random.SeedSequence(3), 6).values[:, 0]
    rng = np.random.default_rng(np.random.SeedSequence(3))
    sampler = Outcomes(null)
    for value in found:
        y = sampler.rows(rng)
        assert value == pytest.approx(max(null.refit(y).criterion - full.refit(y).criterion, 0.0), abs=1e-6)


def test_one_factor_of_two_is_tested_by_half_and_half():
    table = mlm.load("penicillin")
    full = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", table)
    null = mlm.lmm("diameter ~ 1 + (1 | plate)", table)
    found = mlm.compare(null, full)
    assert found.distribution == "chibar2(01)"
    from scipy.stats import chi2
    assert found.pvalue == pytest.approx(0.5 * chi2.sf(found.statistic, 1))
    D = np.diag([null.covariance_matrix().iloc[0, 0] / null.sigma ** 2, 0.0])
    assert boundary_weights(full, D, fewer=1) == pytest.approx({0: 0.5, 1: 0.5})
