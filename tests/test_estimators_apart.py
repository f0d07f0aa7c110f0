"""The columns of the table of estimators that some data do not have, and those of families whose groups all have an effect."""

import numpy as np
import pytest

import mlmlib as mlm
from bad_input import base


@pytest.mark.parametrize("family, outcome", [("gamma", "s"), ("inverse-gaussian", "s"), ("poisson", "c")])
def test_dummies_of_groups_are_a_glm_with_dummies(family, outcome):
    """Of sizes every group has an effect; of counts those with a count above zero."""
    table = base(s=np.exp(base().y / 2))
    found = mlm.estimators(f"{outcome} ~ x + z", table, groups="g", family=family)
    plain = mlm.glmm(f"{outcome} ~ x + z + C(g)", table, family=family)
    dummies = found.fits["FE (dummies)"]
    np.testing.assert_allclose(dummies.params.iloc[:2], plain.params[["x", "z"]], rtol=1e-5)


@pytest.mark.parametrize("formula, change, words", [
    ("c ~ w", {}, "No predictor varies within groups of 'g'."),
    ("k ~ x", {"k": np.where(base().g > 0, (base().g % 2) * 1.0, base().k)}, "Fewer than two groups have outcomes that differ.")])
def test_without_dummies_the_others_stay_and_the_note_says_why(formula, change, words):
    found = mlm.estimators(formula, base(**change), groups="g", family="poisson" if formula[0] == "c" else "binomial")
    assert "FE (dummies)" not in found.fits and {"GLM", "GLMM", "GEE"} <= set(found.fits)
    assert words in " ".join(str(found).split())


def test_more_groups_than_can_have_dummies(monkeypatch):
    from mlmlib.estimators import generalized
    monkeypatch.setattr(generalized, "_MOST", 5)
    found = mlm.estimators("c ~ x", base(), groups="g", family="poisson")
    assert "FE (dummies)" not in found.fits and "12 groups would have a dummy each; the table does so for up to 5." in " ".join(str(found).split())


def test_groups_named_in_words():
    words = base(g=base().g.map("school {}".format))
    one, other = mlm.estimators("y ~ x", words, groups="g"), mlm.estimators("y ~ x", base(), groups="g")
    assert "Groups:  g, 12" in str(one)
    for name, fit in one.fits.items():
        np.testing.assert_allclose(fit.params, other.fits[name].params, rtol=1e-8)
