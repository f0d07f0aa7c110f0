"""The bootstrap of generalized linear mixed models."""

from functools import cache

import numpy as np
import pytest

import mlmlib as mlm


@cache
def cbpp(**options):
    return mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", **options)


@cache
def boot():
    return cbpp().bootstrap(300, seed=1)


@cache
def wine():
    return mlm.glmm("rating ~ temp + contact + (1 | judge)", mlm.load("wine"), family="ordinal")


def test_spread_is_near_the_standard_errors():
    ratio = boot().se[:4] / cbpp().bse
    assert (abs(ratio - 1) < 0.2).all() and boot().names[-1] == "sd(herd: Intercept)"
    assert abs(boot().bias.iloc[0]) < 0.05


def test_same_replicates_for_any_number_of_workers():
    one, two = (cbpp().bootstrap(60, seed=5, n_jobs=jobs).replicates for jobs in (1, 2))
    assert np.array_equal(one, two)
    assert np.array_equal(cbpp().bootstrap(100, seed=5).replicates.iloc[:60], one)


def test_replicates_are_refits_of_draws():
    """The first replicate by hand."""
    from mlmlib.glmm.draw import predictors_drawn
    fit = cbpp()
    rng = np.random.default_rng(np.random.SeedSequence(1).spawn(1)[0])
    y = fit.density.simulate(predictors_drawn(fit, 1, rng, "new")[0], fit._psi, rng)
    again = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp").assign(incidence=y), trials="size")
    assert np.allclose(boot().replicates.iloc[0, :4], again.params, atol=1e-5)


@pytest.mark.parametrize("type", ["percentile", "basic", "normal", "bca"])
def test_intervals(type):
    ends = cbpp().conf_int(method="bootstrap", which="all", boot=boot(), type=type)
    assert (ends["lower"] < ends["upper"]).all() and ends.loc["sd(herd: Intercept)", "lower"] >= 0
    wald = cbpp().conf_int(which="all")
    assert (abs(ends - wald) < 0.45).all().all()


def test_derived_quantities():
    found = cbpp().conf_int(of={"sum": "Intercept + `period[T.2]`"}, method="bootstrap", boot=boot())
    sums = boot().replicates["Intercept"] + boot().replicates["period[T.2]"]
    assert abs(found["lower"].iloc[0] - np.quantile(sums, 0.025, method="weibull")) < 1e-12
    share = cbpp().conf_int(of="icc", method="bootstrap", n=20)
    assert abs(share["estimate"].iloc[0] - mlm.icc(cbpp()).estimate) < 1e-12


def test_whole_groups():
    found = cbpp().bootstrap(60, kind="cluster", seed=2)
    assert found.n + found.n_failed == 60 and (found.se > 0).all()
    two = mlm.glmm("y ~ trt + (1 | subject)", mlm.load("epil"), family="poisson").bootstrap(20, kind="cluster")
    assert two.kind == "cluster"


def test_families_with_parameters_of_their_own():
    ticks = mlm.load("grouseticks")
    nb = mlm.glmm("TICKS ~ YEAR + (1 | BROOD)", ticks, family="nbinom2").bootstrap(20, seed=3)
    assert nb.names[-1] == "theta" and (nb.replicates["theta"] > 0).all()
    zero = mlm.glmm("TICKS ~ YEAR + (1 | BROOD)", ticks, family="hurdle-poisson", zero="~ cHEIGHT").bootstrap(10, seed=3)
    assert "zero: cHEIGHT" in zero.names
    own = wine().bootstrap(20, seed=3)
    assert own.names[-4:] == ("1|2", "2|3", "3|4", "4|5") and (own.replicates["1|2"] < own.replicates["4|5"]).all()
    trips = mlm.glmm("mode ~ distance + (1 | district)", mlm.simulate.choice(seed=18), family="multinomial").bootstrap(5, seed=3)
    assert "corr(district: bus: Intercept, bicycle: Intercept)" in trips.names


def test_failures_are_counted_and_named():
    """Few rows, of which draws may lack a category or be separated."""
    small = mlm.load("wine")
    small = small[small["judge"].isin([1, 2, 3, 4, 5])]
    found = mlm.glmm("rating ~ temp + (1 | judge)", small, family="ordinal").bootstrap(60, seed=1)
    assert found.n_failed > 0 and found.n + found.n_failed == 60
    assert f"{found.n_failed} of 60 replicates could not be fitted" in str(found) and "categor" in found._why


def test_comparison():
    null = mlm.glmm("incidence ~ period", mlm.load("cbpp"), trials="size")
    test = mlm.compare(null, cbpp(), method="bootstrap", n=99)
    assert test.pvalue == 0.01 and 0.4 < test.zero_share < 0.8
    assert np.array_equal(mlm.compare(null, cbpp(), method="bootstrap", n=60, n_jobs=2).replicates, test.replicates[:60])
    assert "chibar2(01) gives p < 0.001" in test.note


def test_comparison_without_a_limit():
    """Zeros with a predictor against none have no known limit: the draws stand in for it."""
    ticks = mlm.load("grouseticks")
    fits = [mlm.glmm("TICKS ~ YEAR + (1 | BROOD)", ticks, family=family, **zero)
            for family, zero in (("poisson", {}), ("zip", {"zero": "~ cHEIGHT"}))]
    test = mlm.compare(*fits, method="bootstrap", n=19)
    assert test.n + test.n_failed == 19 and test.pvalue <= 0.1


def test_null_distribution_of_overdispersion():
    """Poisson against negative binomial at a Poisson truth: no better fit about half of the time, and the mixture's tail."""
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(40), 5)
    data = {"g": g, "y": rng.poisson(np.exp(1.0 + 0.4 * rng.standard_normal(40)[g]))}
    null, full = (mlm.glmm("y ~ 1 + (1 | g)", data, family=family) for family in ("poisson", "nbinom2"))
    test = mlm.compare(null, full, method="bootstrap", n=200)
    assert 0.4 < (test.replicates < 0.01).mean() < 0.75
    assert abs((test.replicates > 2.7055).mean() - 0.05) < 0.045


def test_refusals():
    with pytest.raises(ValueError, match="kind='residual'"):
        cbpp().bootstrap(5, kind="residual")
    with pytest.raises(ValueError, match="kind='parametric'"):
        wine().bootstrap(5, kind="cluster")
    with pytest.raises(ValueError, match="groups= is for"):
        cbpp().bootstrap(5, groups="herd")
