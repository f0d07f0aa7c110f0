"""Every fact of every kind of fit is a number or is said to be missing; what models have no variance for is missing."""

import numpy as np
import pytest

from bad_questions import fit, mlm
from bad_input import base
from mlmlib.feedback.facts import FactMissing, Facts

NAMES = [name for name, value in vars(Facts).items() if isinstance(value, property)]
FITS = {**{name: lambda name=name: fit(name) for name in ("ols", "gls", "crossed", "lmm", "slope", "glmm")},
        "slope alone": lambda: mlm.lmm("y ~ x + (0 + x | g)", base()), "null": lambda: fit("null")}
NONE_OF = {"ols": {"icc", "between", "J", "n", "deviation", "lr", "variance_other", "raw_mean", "slope_variance"}, "gls": {"icc", "deviation"},
           "slope alone": {"icc", "between", "deviation", "n", "raw_mean"}, "slope": {"n", "raw_mean"}}


@pytest.mark.parametrize("name", FITS)
def test_a_fact_is_a_number_or_missing(name):
    had = set()
    for of in (None, "x", "Intercept", 3, "nothing"):
        facts = Facts(FITS[name](), of, {})
        for fact in NAMES:
            try:
                value = facts[fact]
            except FactMissing:
                continue
            had.add(fact)
            assert np.isfinite(value) or fact.endswith("se"), f"{fact} of {of}: {value}"
    assert not had & NONE_OF.get(name, set()) and len(had) > 5


def test_facts_are_those_of_the_fit():
    null, slope = fit("null"), fit("slope")
    assert Facts(null, None, {})["icc"] == pytest.approx(mlm.icc(null).estimate)
    assert Facts(null, 3, {})["n"] == 8 and Facts(null, None, {})["n"] == 8
    assert Facts(null, 3, {})["deviation"] == null.random_effects["g"].loc[3, "Intercept"]
    assert Facts(null, 3, {})["raw_mean"] == pytest.approx(base().groupby("g").y.mean()[3])
    assert Facts(slope, "x", {})["slope_variance"] == slope.covariance_matrix().loc["x", "x"]
    assert Facts(slope, "x", {})["standardized"] == pytest.approx(slope.params["x"] * base().x.std(ddof=0) / base().y.std(ddof=0))
    with pytest.raises(FactMissing):
        Facts(slope, "Intercept", {})["standardized"]
