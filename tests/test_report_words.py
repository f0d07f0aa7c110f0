"""The words of reports at the edges: zero variance, ratios without bound, scales of links, many working correlations."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.report.general.facts import Facts
from mlmlib.report.general.kinds import scale_of
from mlmlib.report.general.speech import Speech
from mlmlib.report.ledger import Ledger


@pytest.mark.parametrize(("family", "link", "scale"), [
    ("gaussian", "identity", "mean"), ("binomial", "logit", "log-odds"), ("binomial", "log", "log probability"),
    ("binomial", "cloglog", "log hazard"), ("ordinal", "probit", "probit scale"), ("gamma", "log", "log mean"),
    ("lognormal", "log", "mean of the log"), ("nbinom2", "log", "log rate"), ("beta", "logit", "logit of the mean"),
    ("gamma", "inverse", "inverse scale"), ("beta", "probit", "probit scale"),
])
def test_what_a_coefficient_is_a_difference_of(family, link, scale):
    assert scale_of(Facts(SimpleNamespace(family=family, link=link, method="laplace"))) == scale


@pytest.mark.parametrize(("ratio", "shown"), [(np.inf, "inf"), (2e7, "2e+07"), (250.04, "250.0"), (2.345, "2.35"), (1.03, "1.030")])
def test_a_ratio_is_shown_with_the_places_it_needs(ratio, shown):
    say = Ledger(0.95)
    assert Speech.ratio_shown(say, "ratio", ratio) == shown
    assert ratio in say.entries[-1]


def test_a_variance_of_zero_is_reported_as_the_boundary():
    x = np.tile(np.arange(6.0), 12)
    rows = pd.DataFrame({"y": 2 * x + np.tile([1.0, -1.0, 0.5, -0.5, 0.25, -0.25], 12), "x": x, "g": np.repeat(np.arange(12), 6)})
    text = " ".join(str(mlm.lmm("y ~ x + (1 | g)", rows).report()).split())
    assert "was estimated as zero, on the boundary of what is possible" in text and "nan" not in text.lower()


def test_many_working_correlations_are_told_by_their_range():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"y": rng.normal(size=200) + np.repeat(rng.normal(size=40), 5), "t": np.tile(np.arange(5), 40), "g": np.repeat(np.arange(40), 5)})
    fit = mlm.gee("y ~ 1", rows, groups="g", corr="unstructured", time="t")
    low, high = fit.correlations["estimate"].min(), fit.correlations["estimate"].max()
    text = " ".join(str(fit.report()).split())
    assert "10 estimated working correlations lay between" in text
    assert f"{low:.2f}".lstrip("0") in text and f"{high:.2f}".lstrip("0") in text
    with pytest.raises(ValueError, match="GEE has ddf='wald'"):
        fit.report(ddf="satterthwaite")
