"""Linear models and variance parameters against R at full precision (reference/r)."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.published.r_results import OLS, order
from models import data, fit, reference


@pytest.mark.parametrize("name", OLS)
def test_ols(name):
    truth, ours = reference(f"ols_imm_math_{name}"), mlm.ols(f"math ~ {OLS[name]}", data("math"))
    place = order(ours.params.index, truth["fixef"])
    assert np.allclose(ours.params.to_numpy()[place], list(truth["fixef"].values()), rtol=1e-8)
    assert np.allclose(ours.bse.to_numpy()[place], list(truth["se"].values()), rtol=1e-8)
    assert np.allclose(ours._cov[np.ix_(place, place)], truth["vcov"], rtol=1e-8)
    assert ours.sigma == pytest.approx(truth["sigma"], rel=1e-8)
    assert ours.rsquared == pytest.approx(truth["r2"], abs=1e-9)
    assert ours.llf == pytest.approx(truth["logLik"], abs=1e-6)
    assert ours.aic == pytest.approx(truth["AIC"], abs=1e-6)
    assert ours.bic == pytest.approx(truth["BIC"], abs=1e-6)


def test_ols_by_school():
    truth = reference("ols_imm_byschool")
    for school, n, intercept, slope in zip(*(truth[key] for key in ("schid", "n", "intercept", "slope"))):
        ours = mlm.ols("math ~ homework", data("math").query("schid == @school", local_dict={"school": int(school)}))
        assert ours.nobs == n
        assert np.allclose(ours.params, [intercept, slope], rtol=1e-8)


@pytest.mark.parametrize("name", ["hsb_null_ml", "hsb_null_reml", "imm_hw_ri_ml", "imm_hw_ri_reml", "imm_null_ml",
                                  "imm_null_reml"])
def test_standard_errors_of_variances(name):
    """Observed information in (log sd, log sigma) against numerical derivatives in R."""
    truth, ours = reference(f"icc_{name}"), fit(name)
    assert np.allclose(ours.variance_cov()[1], truth["vcov_logsd"], rtol=2e-5, atol=1e-9)
    row = ours.random_table().iloc[0]
    assert row["estimate"] == pytest.approx(truth["var_u"], rel=1e-6)
    assert row["se"] == pytest.approx(truth["se_var_u"], rel=1e-5)
    assert [row["lower"], row["upper"]] == pytest.approx(truth["ci_var_u"], rel=1e-5)
    row = ours.random_table().iloc[-1]
    assert [row["lower"], row["upper"]] == pytest.approx(truth["ci_var_e"], rel=1e-6)
