"""Linear mixed models against lme4 at full precision (reference/r)."""

import numpy as np
import pytest

from mlmlib.published.r_results import order, ours, random_parts, relative
from mlmlib.published.sources import LMM
from models import fit, reference

NAMES = [f"{key}_{kind}" for key in LMM for kind in ("ml", "reml")]  # one grouping factor; several: test_reference_several.py


@pytest.mark.parametrize("name", NAMES)
def test_criterion(name):
    fitted, truth = fit(name), reference(name)
    assert fitted.criterion == pytest.approx(truth["deviance_or_remlcrit"], abs=1e-6)
    assert fitted.llf == pytest.approx(truth["logLik"], abs=1e-6)
    assert fitted.aic == pytest.approx(truth["AIC"], abs=2e-6)
    assert fitted.bic == pytest.approx(truth["BIC"], abs=2e-6)
    assert fitted.n_params == truth["df"]
    assert fitted.nobs == truth["nobs"]
    assert fitted.n_groups == truth["ngroups"]
    assert fitted.converged
    assert fitted.is_singular == truth["is_singular"]


@pytest.mark.parametrize("name", NAMES)
def test_fixed_effects(name):
    fitted, truth = fit(name), reference(name)
    place = order(fitted._names, truth["fixef"])
    scale = np.array(list(truth["se"].values()))
    assert relative(fitted._params[place], list(truth["fixef"].values()), 1e-3 * scale.max()) < 1e-6
    assert relative(fitted.bse.to_numpy()[place], scale) < 1e-6
    assert np.allclose(fitted._cov[np.ix_(place, place)], truth["vcov_fixef"]["values"], rtol=2e-6,
                       atol=1e-6 * scale.max() ** 2)


@pytest.mark.parametrize("name", NAMES)
def test_variances(name):
    fitted, truth = fit(name), reference(name)
    (cov,) = random_parts(fitted, truth).values()
    names = [name for part in truth["varcomp"].values() for name in part["names"]]
    T = fitted.covariance_matrix()
    assert [ours(effect) for effect in names] == [frozenset([effect]) for effect in T.index]
    scale = np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
    assert np.all(np.abs(T.to_numpy() - cov) <= 1e-5 * np.maximum(np.abs(cov), 1e-2 * scale) + 1e-12)
    assert fitted.sigma ** 2 == pytest.approx(truth["sigma2"], rel=1e-5)
    assert np.allclose(fitted.theta, list(truth["theta"].values()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_random_effects(name):
    fitted, truth = fit(name), reference(name)
    block = next(iter(truth["ranef_first5"].values()))
    effects = next(iter(fitted.random_effects.values()))
    assert [str(level) for level in effects.index[:5]] == block["levels"]
    sizes = effects.abs().max().to_numpy()
    assert np.allclose(effects.to_numpy()[:5], block["blup"], rtol=1e-5, atol=1e-5 * max(sizes.max(), 1e-9))
    assert np.allclose((effects ** 2).sum(), block["sum_sq_all"], rtol=2e-5, atol=1e-9)
    errors = next(iter(fitted.random_effects_se.values())).to_numpy()[:5]
    given = block["cond_sd"]
    given = given["values"] if isinstance(given, dict) else given
    if len(next(iter(truth["varcomp"].values()))["names"]) == np.shape(given)[1]:  # lme4 ignores the posterior covariance of ||
        assert np.allclose(errors, given, rtol=1e-5, atol=1e-6)
    if block["cond_cov"]:
        cov = next(iter(fitted.random_effects_cov.values()))
        assert np.allclose(cov[:5], block["cond_cov"], rtol=2e-5, atol=1e-6 * np.abs(block["cond_cov"]).max())


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("imm")])
def test_rows(name):
    fitted, truth = fit(name), reference(name)
    assert np.allclose(fitted.fittedvalues.to_numpy()[:5], truth["fitted_first5"], rtol=1e-6)
    assert np.allclose(fitted.predict(random_effects=False).to_numpy()[:5], truth["predict_population_first5"], rtol=1e-6)
    assert np.allclose(fitted.resid.to_numpy()[:5], truth["resid_first5"], rtol=1e-4, atol=1e-5)


def test_orthodont_agrees_with_nlme():
    truth = reference("nlme_lme_orthodont_rs_ml")
    assert fit("orthodont_rs_ml").llf == pytest.approx(truth["logLik"], abs=1e-6)


def test_minority_is_not_the_published_false_optimum():
    false = reference("hsb_minority_nloptwrap_falseopt_reml")
    assert fit("hsb_minority_reml").criterion == pytest.approx(46495.1402594, abs=1e-6)
    assert fit("hsb_minority_reml").criterion < -2 * false["logLik"] - 8
