"""Deviance residuals of every family that has them, against statsmodels' unit deviances at the same means."""

import numpy as np
import pytest
from statsmodels.genmod import families as theirs

import mlmlib as mlm
from bad_input import base

TRIALS = 5.0
CASES = [*[("k", "binomial", link) for link in ("logit", "probit", "cloglog", "loglog", "cauchit", "identity", "log")],
         *[("c", "poisson", link) for link in ("log", "sqrt", "identity")],
         *[("s", family, link) for family in ("gamma", "inverse-gaussian") for link in ("log", "inverse", "identity")],
         ("s", "exponential", "log"), ("y", "gaussian", "identity"), ("c", "nbinom2", "log"), ("c", "geometric", "log")]
OF = {"binomial": theirs.Binomial(), "poisson": theirs.Poisson(), "gamma": theirs.Gamma(), "exponential": theirs.Gamma(),
      "inverse-gaussian": theirs.InverseGaussian(), "gaussian": theirs.Gaussian(), "geometric": theirs.NegativeBinomial(alpha=1.0)}


@pytest.fixture(scope="module")
def table():
    """Successes of five trials `k`, with none and all among them, counts `c`, sizes `s`."""
    table = base()
    k = np.random.default_rng(1).binomial(5, 0.4, len(table))
    k[:3] = 0, 5, 0
    return table.assign(k=k, s=np.exp(table.y / 2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("random", ["", " + (1 | g)"], ids=["plain", "mixed"])
@pytest.mark.parametrize("y, family, link", CASES)
def test_deviance_residuals_are_those_of_statsmodels(table, y, family, link, random):
    trials = TRIALS if family == "binomial" else None
    fit = mlm.glmm(f"{y} ~ x{random}", table, family=family, link=link, trials=trials)
    own = OF.get(family) or theirs.NegativeBinomial(alpha=1.0 / float(fit.dispersion.iloc[0]))
    mu, n = fit.mu.to_numpy(), trials or 1.0
    scale = 1.0 / n if trials else fit.family.variance(mu, fit._psi, None) / own.variance(mu)
    expected = own.resid_dev(table[y].to_numpy() / n, mu) / np.sqrt(scale)
    np.testing.assert_allclose(fit.residuals("deviance"), expected, rtol=1e-9, atol=1e-10)
