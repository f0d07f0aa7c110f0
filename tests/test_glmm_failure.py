"""What cannot be fitted, or should be known of a fit, is said by name."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    n = 200
    g, x = np.repeat(np.arange(20), 10), rng.normal(size=n)
    frame = pd.DataFrame({"x": x, "z": rng.normal(size=n), "c": rng.choice(list("abc"), n), "g": g, "i": range(n)})
    eta = 0.5 * x + rng.normal(size=20)[g]
    frame["y"] = rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float)
    frame["count"] = rng.poisson(np.exp(0.5 * eta))
    return frame


def refused(match, formula, data, **options):
    with pytest.raises(ValueError) as error:
        mlm.glmm(formula, data, **options)
    for part in [match] if isinstance(match, str) else match:
        assert part in str(error.value)


def test_plain(data):
    fit = mlm.glmm("y ~ x + c + (1 | g)", data)
    assert fit.converged and fit.messages == ()


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_category_without_events(data, link):
    data.loc[data.c == "b", "y"] = 0
    refused(["quasi-complete", "'c' is 'b'", "'y' is 0"], "y ~ x + c + (1 | g)", data, link=link)


def test_reference_category_with_events_only(data):
    data.loc[data.c == "a", "y"] = 1
    refused(["'c' is 'a'", "'y' is 1"], "y ~ c + x + (1 | g)", data)


def test_counts_of_a_category_all_zero(data):
    data.loc[data.c == "c", "count"] = 0
    for name in ("poisson", "nbinom2"):
        refused(["'c' is 'c'", "'count' is 0"], "count ~ x + c + (1 | g)", data, family=name)


def test_complete_separation_by_a_number(data):
    data["y"] = (data.x > 0.2) * 1.0
    refused(["(complete)", "'x' above 0.19", "'y' is 1"], "y ~ x + z + c + (1 | g)", data)
    data["y"] = 1 - data.y
    refused(["'x' above 0.19", "'y' is 0"], "y ~ x + z + (1 | g)", data)


def test_separation_by_two_columns(data):
    data["y"] = (data.x + data.z > 0.2) * 1.0
    data["x"] = 1e3 * data.x + 1e4
    refused(["'x' and 'z' together"], "y ~ x + z + c + (1 | g)", data)


def test_separated_cell(data):
    data["w"] = (data.x > 1) * 1
    data.loc[(data.w == 1) & (data.c == "c"), "y"] = 1
    refused(["'w' is 1 and 'c' is 'c'"], "y ~ w * c + (1 | g)", data)


def test_trials(data):
    rng = np.random.default_rng(1)
    data["m"] = 4.0
    data["y"] = rng.binomial(4, 0.5, 200).astype(float)
    assert mlm.glmm("y ~ c + (1 | g)", data, trials="m").converged
    data.loc[data.c == "b", "y"] = 4.0
    refused(["'c' is 'b'", "nothing but successes"], "y ~ c + (1 | g)", data, trials="m")


def test_steep_but_not_separated(data):
    data["y"] = (data.x > 0.2) * 1.0
    data.loc[data.x.idxmax(), "y"] = 0.0
    data.loc[data.x.idxmin(), "y"] = 1.0
    assert mlm.glmm("y ~ x + (1 | g)", data).params["x"] > 1


def test_groups_that_are_all_alike(data):
    data["y"] = (data.g > 9) * 1.0
    refused(["same in all rows of each group", "'g'"], "y ~ x + (1 | g)", data)
    data.loc[[0, 150], "y"] = [1.0, 0.0]
    fit = mlm.glmm("y ~ x + (1 | g)", data)
    assert "2 of 20 groups have both outcomes" in fit.messages[-1]
    refused("one trial in each group", "y ~ x + (1 | i)", data)
    assert mlm.glmm("count ~ x + (1 | i) + (1 | g)", data, family="poisson").converged


def test_outcomes(data):
    refused("1 in every row", "y ~ x + (1 | g)", data.assign(y=1.0))
    refused("3 in every row", "y ~ x + (1 | g)", data.assign(y=3.0), family="poisson")
    refused(["'y'", "-1"], "y ~ x + (1 | g)", data.assign(y=data["count"] - 1), family="poisson")
    refused(["'y'", "1.5"], "y ~ x + (1 | g)", data.assign(y=data["count"] + 0.5), family="poisson")
    refused("3 trials", "y ~ x + (1 | g)", data.assign(y=data["y"] * 4), trials=3)
    refused("exposure 'e' is not above 0 in 1 rows", "count ~ x + (1 | g)", data.assign(e=data.i), family="poisson",
            exposure="e")
    refused("trials='trials'", "cbind(y, x) ~ x + (1 | g)", data)
    refused("200 random effects for 200 rows", "x ~ z + (1 | i)", data, family="gaussian")
    refused("'poisson'", "c ~ x + (1 | g)", data, family="poisson")
    refused("one group only", "y ~ x + (1 | one)", data.assign(one=1))


def test_options(data):
    refused("method='foo'", "y ~ x + (1 | g)", data, method="foo")
    refused("nodes=3 belongs to", "y ~ x + (1 | g)", data, nodes=3)
    refused("order=2 belongs to", "y ~ x + (1 | g)", data, order=2)
    refused("one grouping factor", "y ~ x + (1 | g) + (1 | c)", data, method="agq")
    refused("has no link 'inverse'", "y ~ x + (1 | g)", data, link="inverse")


def test_singular_fit_is_named(data):
    rng = np.random.default_rng(5)
    data["count"] = rng.poisson(2.0, 200)
    fit = mlm.glmm("count ~ x + (1 + x | g)", data, family="poisson")
    assert fit.is_singular and fit.converged
    told = [text for text in fit.messages if "Singular" in text]
    assert "(1 + x | g)" in told[0]
    whole = mlm.glmm("count ~ x + (1 | g)", data, family="poisson")
    assert fit.criterion <= whole.criterion + 1e-8
    assert np.isfinite(fit.bse).all()


def test_zero_variance_is_the_model_without_groups():
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(12), 8)
    fit = None
    for _ in range(5):
        y = rng.binomial(1, 0.5, 96)
        fit = mlm.glmm("y ~ 1 + (1 | g)", {"y": y, "g": g})
        if fit.is_singular:
            break
    assert fit.is_singular and fit.theta[0] < 1e-4
    p = y.mean()
    assert fit.llf == pytest.approx(96 * (p * np.log(p) + (1 - p) * np.log(1 - p)), abs=1e-8)
    assert "estimated as zero" in fit.messages[-1]
    assert np.isnan(fit.variance_components["se"][0]) and np.isfinite(fit.bse).all()


def test_dispersion_on_the_edge(data):
    data["count"] = np.random.default_rng(5).poisson(2.0, 200)
    for name in ("nbinom2", "zip"):
        fit = mlm.glmm("count ~ x + (1 | g)", data, family=name)
        if not any("runs to the edge" in text for text in fit.messages):
            assert np.isfinite(fit.dispersion_table()["se"]).all()
    fit = mlm.glmm("x ~ z + (1 | g)", data, family="t")
    assert any("'df'" in text and "gaussian" in text for text in fit.messages)


def test_coarse_approximation_is_told(data):
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(200), 3)
    y = rng.binomial(1, 1 / (1 + np.exp(-(-2.0 + 2.5 * rng.normal(size=200)[g]))))
    fit = mlm.glmm("y ~ 1 + (1 | g)", {"y": y, "g": g})
    assert any("coarse" in text and "method='agq'" in text for text in fit.messages)
    assert not any("coarse" in text for text in mlm.glmm("y ~ 1 + (1 | g)", {"y": y, "g": g}, method="agq", nodes=25).messages)
