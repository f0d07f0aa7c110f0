"""What no fit may depend on, and what must agree, on random tables (hypothesis): order, labels, units, repeated rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlmlib as mlm

BOUNDED = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 10 ** 6)
FITTERS = {
    "lmm": lambda d, **o: mlm.lmm("y ~ x + z + (1 | g)", d, **o),
    "slopes": lambda d, **o: mlm.lmm("y ~ x + z + (1 + x | g)", d, **o),
    "crossed": lambda d, **o: mlm.lmm("y ~ x + z + (1 | g) + (1 | h)", d, **o),
    "binomial": lambda d, **o: mlm.glmm("k ~ x + z + (1 | g)", d, **o),
    "poisson": lambda d, **o: mlm.glmm("c ~ x + z + (1 | g)", d, family="poisson", **o),
    "ols": lambda d, **o: mlm.ols("y ~ x + z", d, **o),
    "panel": lambda d, **o: mlm.panel("y ~ x + z", d, groups="g", effects="random"),
    "gee": lambda d, **o: mlm.gee("y ~ x + z", d, groups="g", **o),
}
LINEAR = ("lmm", "slopes", "crossed", "ols", "panel", "gee")
LIKELY = ("lmm", "slopes", "crossed", "binomial", "poisson", "ols")


def table(seed: int) -> pd.DataFrame:
    """Unbalanced groups, at times without any difference between them."""
    rng = np.random.default_rng(seed)
    J = int(rng.integers(6, 15))
    g = np.repeat(np.arange(J), rng.integers(3, 9, size=J))
    n = len(g)
    x, z, sd = rng.standard_normal(n), rng.standard_normal(J)[g], rng.choice([0.0, 0.5, 1.5])
    eta = 0.3 + 0.5 * x - 0.3 * z + sd * rng.standard_normal(J)[g]
    h = rng.integers(5, size=n)
    return pd.DataFrame({"g": g, "h": h, "x": x, "z": z, "y": eta + 0.5 * rng.standard_normal(5)[h] + rng.standard_normal(n),
                         "k": (rng.random(n) < 1 / (1 + np.exp(-eta))) * 1.0, "c": rng.poisson(np.exp(0.5 * eta)) * 1.0})


def usable(name, d):
    """The fit, or None where the data separate outcomes or cannot tell effects apart."""
    try:
        fit = FITTERS[name](d)
    except mlm.DataError:
        return None
    return fit if getattr(fit, "converged", True) and np.isfinite(fit.bse).all() and not any("separat" in m for m in getattr(fit, "messages", ())) else None


def same(a, b, scale=1.0, rtol=2e-5):
    np.testing.assert_allclose(a.params, np.asarray(b.params) * scale, rtol=rtol, atol=1e-6 * np.abs(b.params).max())
    np.testing.assert_allclose(a.bse, np.asarray(b.bse) * scale, rtol=rtol, atol=1e-6 * np.abs(b.bse).max())


@pytest.mark.parametrize("name", FITTERS)
@BOUNDED
@given(seed=SEEDS, order=st.randoms(use_true_random=False))
def test_order_of_rows_and_labels_of_groups(name, seed, order):
    d = table(seed)
    fit = usable(name, d)
    if fit is None:
        return
    rows = list(range(len(d)))
    order.shuffle(rows)
    labels = [f"ß{i} é" for i in range(100)]
    order.shuffle(labels)
    other = d.iloc[rows].assign(g=lambda t: [labels[i] for i in t.g], h=lambda t: [labels[i] for i in t.h])
    again = FITTERS[name](other)
    same(again, fit)
    if name in LIKELY:
        assert again.llf == pytest.approx(fit.llf, abs=1e-6)
    if name != "panel":
        shown = again.fittedvalues.reindex(d.index) if name != "gee" else None
        if shown is not None:
            np.testing.assert_allclose(shown, fit.fittedvalues, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", LINEAR)
@BOUNDED
@given(seed=SEEDS, a=st.floats(-2, 2), b=st.sampled_from([1e-6, 0.1, -3.0, 1e5]), c=st.sampled_from([1e-4, -0.2, 7.0, 1e6]))
def test_units_of_x_and_y(name, seed, a, b, c):
    """x in units b, from another origin where no slope varies; y in units c: coefficients follow, likelihoods by a constant."""
    d = table(seed)
    fit = usable(name, d)
    if fit is None:
        return
    a = 0.0 if name == "slopes" else a
    again = FITTERS[name](d.assign(x=a + b * d.x, y=c * d.y))
    inner = slice(1, None)
    np.testing.assert_allclose(again.params.iloc[inner] * [b, 1] / c, fit.params.iloc[inner], rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(np.abs(again.bse.iloc[inner] * [b, 1] / c), fit.bse.iloc[inner], rtol=2e-5)
    if name in LIKELY:
        p = 0 if name == "ols" else 3  # REML: X'X has b twice, y's scale n - p times
        expected = fit.llf - (fit.nobs - p) * np.log(abs(c)) - (np.log(abs(b)) if p else 0.0)
        assert again.llf == pytest.approx(expected, abs=1e-5)
        np.testing.assert_allclose(again.fittedvalues / c, fit.fittedvalues, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ("binomial", "poisson", "ols", "gee"))
@BOUNDED
@given(seed=SEEDS)
def test_a_weight_of_two_is_a_row_twice(name, seed):
    d = table(seed)
    if usable(name, d) is None:
        return
    twice = np.random.default_rng(seed).integers(1, 3, size=len(d)).astype(float)
    long = d.loc[d.index.repeat(twice.astype(int))].reset_index(drop=True)
    if name == "gee":
        weighted, repeated = (mlm.gee("y ~ x + z", t, groups="g", corr="independence", **o) for t, o in ((d, {"weights": twice}), (long, {})))
    else:
        weighted, repeated = FITTERS[name](d, weights=twice), FITTERS[name](long)
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-5, atol=1e-7)
    if name in ("binomial", "poisson"):
        np.testing.assert_allclose(weighted.bse, repeated.bse, rtol=1e-4)
        assert weighted.llf == pytest.approx(repeated.llf, abs=1e-6)


@BOUNDED
@given(seed=SEEDS)
def test_predictions_and_likelihoods_agree(seed):
    """predict on the rows of the fit is fittedvalues; lmm, gls and glmm of one model, ML and REML, tell the same."""
    d = table(seed)
    for name in ("lmm", "slopes", "crossed", "binomial", "poisson", "ols"):
        fit = usable(name, d)
        if fit is not None:
            np.testing.assert_allclose(fit.predict(d), fit.fittedvalues, rtol=1e-8, atol=1e-10)
    ml, reml = mlm.lmm("y ~ x + z + (1 | g)", d, reml=False), mlm.lmm("y ~ x + z + (1 | g)", d)
    general = mlm.glmm("y ~ x + z + (1 | g)", d, family="gaussian")
    assert general.llf == pytest.approx(ml.llf, abs=1e-5)
    assert ml.llf >= mlm.ols("y ~ x + z", d).llf - 1e-7
    symmetric = mlm.gls("y ~ x + z", d, correlation=mlm.cs(group="g"), reml=True)
    assert symmetric.llf >= reml.llf - 1e-5  # its correlation may be negative too
    split = mlm.lmm("y ~ x + z + (1 | g)", d, weights=np.full(len(d), 4.0))
    assert split.criterion == pytest.approx(reml.criterion, abs=1e-6) and split.sigma == pytest.approx(2 * reml.sigma, rel=1e-5)
