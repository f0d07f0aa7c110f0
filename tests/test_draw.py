"""simulate() and refit() of every kind of fit: moments of what is drawn, new rows, and fits of what was drawn."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from test_prediction import FITS, NEW, effects, table

ALL = FITS | {"ols": ("y ~ x", {}), "ols weighted": ("y ~ x", {"weights": "w", "offset": "o"}),
              "gls": ("y ~ x", {"correlation": mlm.ar1("t", group="g"), "variance": mlm.by_group("s")})}


def fitted(name):
    formula, options = ALL[name]
    function = mlm.lmm if "|" in formula else mlm.gls if name == "gls" else mlm.ols
    return function(formula, table(), **options)


@pytest.mark.parametrize("name", ALL)
def test_refit_of_the_same_outcome_is_the_same_fit(name):
    fit = fitted(name)
    again = fit.refit(fit.endog.to_numpy())
    assert type(again) is type(fit)
    assert again.llf == pytest.approx(fit.llf, abs=1e-6)
    assert np.allclose(again.params, fit.params, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_refit_of_a_drawn_outcome_is_a_fit_to_it(name):
    fit = fitted(name)
    y = fit.simulate(2, seed=3)[1]
    assert np.array_equal(y, fit.simulate(2, seed=3)[1])
    formula, options = ALL[name]
    rows = table().assign(y=y)
    function = mlm.lmm if "|" in formula else mlm.gls if name == "gls" else mlm.ols
    direct, again = function(formula, rows, **options), fit.refit(y)
    assert again.llf == pytest.approx(direct.llf, abs=1e-5)
    assert np.allclose(again.endog, y) and np.allclose(fit.endog, table()["y"])
    assert np.allclose(again.params, direct.params, rtol=1e-3, atol=1e-5)


def covariance(fit, rows, sd):
    V = np.diag(sd ** 2)
    if getattr(fit, "n_groups", None):
        Z, labels = effects(fit, rows)
        G = np.array([[fit._T[k][e, f] if (k, a) == (m, b) else 0.0 for (m, b, f) in labels] for (k, a, e) in labels])
        V = V + Z @ G @ Z.T
    return V


def moments(drawn, mean, V):
    """Means and covariances of draws are within five standard errors of what they should be."""
    n, s = len(drawn), np.sqrt(np.diag(V))
    assert np.abs((drawn.mean(axis=0) - mean) / s).max() < 5 / np.sqrt(n)
    assert np.abs((np.cov(drawn.T) - V) / np.outer(s, s)).max() < 5 * np.sqrt(2 / n)


NO_CORRELATION = [name for name in ALL if "correlation" not in ALL[name][1]]


@pytest.mark.parametrize("name", NO_CORRELATION)
def test_new_rows_have_the_models_covariance(name):
    from mlmlib.inference.prediction import residual_sd
    fit = fitted(name)
    new = pd.concat([NEW, NEW.assign(x=1.0)])
    drawn = fit.simulate(6000, seed=5, data=new)
    mean = fit.predict(new) if name.startswith("ols") else fit.predict(new, random_effects=False)
    moments(drawn, mean.to_numpy(), covariance(fit, new, residual_sd(fit, new)))


@pytest.mark.parametrize("name", [name for name in FITS if name != "ar1"])
def test_kept_effects_are_those_predicted(name):
    """Known groups have their predicted effects; others are drawn, and rows of one share them."""
    from mlmlib.inference.prediction import residual_sd
    from mlmlib.new_rows import new_rows
    fit, new = fitted(name), pd.concat([NEW, NEW])
    drawn = fit.simulate(6000, seed=6, data=new, random_effects="kept")
    Z, labels = effects(fit, new)
    known = [{str(label) for label in term.levels} for term in fit.design.random]
    fresh = np.array([label not in known[k] for k, label, e in labels])
    G = np.array([[fit._T[k][e, f] if (k, a) == (m, b) else 0.0 for (m, b, f) in labels] for (k, a, e) in labels])
    V = (Z * fresh) @ G @ (Z * fresh).T + np.diag(residual_sd(fit, new) ** 2)
    moments(drawn, fit.predict(new).to_numpy(), V)
    assert new_rows(fit.design, fit.design.random[0].group, new, True).Z.shape[0] == 10


def test_weights_of_new_rows():
    fit = fitted("weights, offset")
    new = NEW.assign(w=100.0)
    drawn = fit.simulate(4000, seed=1, data=new, weights="w", random_effects="kept")[:, [0, 1, 3]]  # known groups
    assert np.allclose(drawn.std(axis=0), fit.sigma / 10, rtol=0.06)


def test_rows_of_the_fit_keep_their_draws():
    """The draws of the fit's rows do not depend on where the code stands: what bootstraps saved stays the same."""
    fit = mlm.lmm("y ~ x + (1 | g)", table())
    rng = np.random.default_rng(9)
    e = rng.standard_normal((1, 90)) * fit.sigma
    u = rng.standard_normal((8, 1)) * np.sqrt(fit._T[0])
    drawn = fit.simulate(seed=9)[0]
    own = fit._fixed_part + e[0] + u[fit.design.random[0].codes, 0]
    minus = fit._fixed_part + e[0] - u[fit.design.random[0].codes, 0]  # the sign of an eigenvector is free
    assert np.allclose(drawn, own) or np.allclose(drawn, minus)


def test_new_rows_of_several_outcomes():
    data = mlm.load("gcsemv")
    fit = mlm.multivariate("course + written ~ gender + (1 | school)", data)
    new = pd.DataFrame({"gender": ["F", "M", "M"], "school": [1, 1, 2]})
    drawn = fit.simulate(6000, seed=2, data=new).reshape(6000, -1)
    T, Sigma = fit.covariance_matrix().to_numpy(), fit.residual_cov().to_numpy()
    same = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    moments(drawn, fit.predict(new, random_effects=False).to_numpy().ravel(),
            np.kron(same, T) + np.kron(np.eye(3), Sigma))
    kept = fit.simulate(6000, seed=2, data=data.head(2), random_effects="kept").reshape(6000, -1)
    moments(kept, fit.predict(data.head(2)).to_numpy().ravel(), np.kron(np.eye(2), Sigma))
    heavy = fit.simulate(6000, seed=2, data=data.head(2), random_effects="kept", weights=[4.0, 4.0]).reshape(6000, -1)
    moments(heavy, fit.predict(data.head(2)).to_numpy().ravel(), np.kron(np.eye(2), Sigma) / 4)


def test_bad_input():
    with pytest.raises(mlm.FormulaError, match="without correlation="):
        fitted("ar1").simulate(data=NEW)
    with pytest.raises(ValueError, match="must be 'new' or 'kept'"):
        fitted("crossed").simulate(random_effects="old", data=NEW)
    with pytest.raises(ValueError, match="those of new rows"):
        fitted("crossed").simulate(weights="w")
    for name in ("ols", "crossed", "gls"):
        with pytest.raises(mlm.DataError, match="90 finite outcomes"):
            fitted(name).refit(np.zeros(3))
