"""Parts of generalized models by themselves: densities of every order, links and families as objects, models without random effects, searches cut off."""

import pickle

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from bad_input import N, base
from bad_questions import fit, ordered
from mlmlib.glmm import pql
from mlmlib.glmm.families import _WHERE, family
from mlmlib.glmm.links import link

PLAIN = [name for name in _WHERE if not hasattr(family(name), "fitter")]


@pytest.mark.parametrize("name", PLAIN)
def test_a_density_is_the_same_at_every_order(name):
    """The value alone, with two derivatives, and with three; the derivatives are those of the value by differences."""
    own = family(name)
    rng = np.random.default_rng(5)
    y = rng.poisson(1.3, 40) if own.discrete and own.support == "positive" else rng.integers(2, size=40) if name in ("binomial", "bernoulli") else rng.uniform(0.2, 0.9, 40)
    density = own.density(y.astype(float))
    eta, psi = density.start()
    eta = eta + 0.1 * rng.standard_normal(40)
    value, two, three = (density(eta, psi, order) for order in (0, 2, 3))
    np.testing.assert_allclose(value.value, two.value, rtol=1e-12)
    np.testing.assert_allclose(value.value, three.value, rtol=1e-12)
    assert value.d1 is None and two.d3 is None
    h = 1e-5
    up, down = (density(eta + sign * h, psi, 3) for sign in (1, -1))
    for derivative, below in (("d1", "value"), ("d2", "d1"), ("d3", "d2")):
        slope = (getattr(up, below) - getattr(down, below)) / (2 * h)
        np.testing.assert_allclose(getattr(three, derivative), slope, rtol=2e-4, atol=2e-5, err_msg=derivative)
    for k in range(len(psi)):
        shifted = [density(eta, psi + sign * h * np.eye(len(psi))[k], 0).value for sign in (1, -1)]
        np.testing.assert_allclose(three.p[k], (shifted[0] - shifted[1]) / (2 * h), rtol=2e-4, atol=2e-5)


def test_links_and_families_are_what_their_names_say():
    """Also after a journey to another process; a family serves where its name does."""
    for name in ("logit", "probit", "log", "sqrt"):
        again = pickle.loads(pickle.dumps(link(name)))
        assert again == link(name) and hash(again) == hash(link(name)) and again != link("cloglog") and repr(again) == f"<link {name}>"
    assert link("sqrt").domain("unit") == (-1.0, 1.0)
    assert repr(family("poisson")) == "<family poisson>" and family(family("poisson")) is family("poisson")
    again = mlm.glmm("k ~ x + f + (1 | g)", base(), family=fit("glmm").family)
    assert again.llf == fit("glmm").llf


@pytest.mark.parametrize("kind, outcome", [("ordinal", "o"), ("multinomial", "f")])
def test_categories_without_groups_have_no_variances(kind, outcome):
    plain = mlm.glmm(f"{outcome} ~ x", ordered(), family=kind)
    for table in (plain.random_table(), plain.random_table("sd"), plain.variance_components):
        assert len(table) == 0 and list(table.columns)[:2] == ["group", "name"]
    assert plain.n_groups == {}


def test_a_quasi_likelihood_that_is_cut_off_says_so(monkeypatch):
    monkeypatch.setattr(pql, "_LIMIT", 2)
    cut = mlm.glmm("k ~ x + (1 | g)", base(), method="pql")
    assert not cut.converged and "The iteration did not converge: after 2 working models" in " ".join(cut.messages)
    monkeypatch.undo()
    assert mlm.glmm("k ~ x + (1 | g)", base(), method="pql").converged


def test_a_quasi_likelihood_without_variance_between_groups():
    """The share is the same in every group: the variance is zero, and the coefficients are those of plain logistic regression."""
    alike = base(k=np.tile([0, 1, 1, 0, 1, 0, 1, 1], 12))
    own, plain = mlm.glmm("k ~ x + (1 | g)", alike, method="pql"), mlm.glmm("k ~ x", alike)
    assert float(own.covariance_matrix().iloc[0, 0]) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(own.params, plain.params, rtol=1e-6)


@pytest.mark.parametrize("formula, options", [
    ("c ~ 0 + x + (1 | g)", {"family": "poisson", "offset": np.full(N, 800.0)}),
    ("s ~ 0 + x + (1 | g)", {"family": "gamma", "link": "inverse", "offset": np.full(N, -100.0)})])
def test_a_search_that_cannot_begin_says_so(formula, options):
    with pytest.raises(mlm.DataError, match="search cannot begin: with family .* predictors and an offset on a smaller scale"):
        mlm.glmm(formula, base(s=np.exp(base().y)), **options)


def test_a_median_ratio_without_an_error():
    alike = mlm.median_odds_ratio(mlm.glmm("k ~ x + (1 | g)", base(k=np.tile([0, 1, 1, 0, 1, 0, 1, 1], 12))))
    assert float(alike) == 1.0 and "interval" not in str(alike) and "No standard error" in str(alike)
    assert float(mlm.median_odds_ratio(fit("glmm"))) > 1.0 and "95 % interval" in str(mlm.median_odds_ratio(fit("glmm")))


def test_a_median_that_is_not_reached():
    rows = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "t": [1, 2] * 3, "e": [0, 1, 0, 0, 0, 0]})
    found = mlm.life_table(rows, time="t", event="e", id="id")
    assert "Median time to the event: not reached." in str(found)
    assert "not reached" not in str(mlm.life_table(rows.assign(e=[0, 1, 0, 1, 0, 1]), time="t", event="e", id="id"))
