"""What a diagnosis tells of fits that are singular, out of order, of few rows, or cannot be asked; and influence where something is lost."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from bad_input import N, base
from bad_questions import fit
from mlmlib.diagnostics.groups import group_residuals
from mlmlib.diagnostics.marginal_checks import _pairs
from mlmlib.diagnostics.simulated import envelope


def told(fitted, **options) -> dict:
    """{name of a check: (what was found, verdict)}."""
    return {check.name: (check.found, check.verdict) for check in mlm.diagnose(fitted, **options).checks}


def test_a_singular_glmm_is_told_of_first():
    found, verdict = told(mlm.glmm("k ~ x + (1 | g)", base(k=np.tile([0, 1, 1, 0, 1, 0, 1, 1], 12))))["The fit converged inside the boundary"]
    assert verdict == "act" and "singular: the variance of 'Intercept' between groups of 'g' is estimated as zero" in found


def test_variances_as_good_as_infinite_are_told_of_first():
    table = base(k=np.where(base().index == 3, 0.0, np.where(base().g < 6, 1.0, 0.0)))
    found, verdict = told(mlm.glmm("k ~ x + (1 | g)", table, method="agq"))["The fit converged inside the boundary"]
    assert verdict == "act" and "as good as infinite" in found


def test_a_model_without_degrees_of_freedom_has_no_studentized_residuals():
    """One row less would leave as many rows as coefficients."""
    assert mlm.ols("y ~ x + z", base().iloc[:4]).residuals("studentized").isna().all()
    assert mlm.ols("y ~ x + z", base().iloc[:6]).residuals("studentized").notna().all()


def test_times_far_apart_are_counted_as_rows():
    """Lags of a billion are not steps: they are those of rows in order."""
    far, rows = (mlm.acf(mlm.lmm("y ~ x + (1 | g)", base(t=base().t * scale)), time="t") for scale in (1e9, 1.0))
    np.testing.assert_allclose(far.correlation, rows.correlation)


@pytest.mark.parametrize("formula", ["k ~ x + (0 + x | g)", "k ~ x + (1 | mm(g, t))"])
def test_effects_without_intercepts_or_of_several_groups_are_not_held_against_means(formula):
    checks = told(mlm.glmm(formula, base()))
    assert not any("are not correlated with" in name for name in checks) and "Enough groups of" in " ".join(checks)
    assert any("are not correlated with x" in name for name in told(fit("glmm")))
    if "mm" in formula:
        assert not any(name.startswith("Effects of") for name in checks)


def test_times_may_be_a_column_values_or_ordered_numbers():
    """As categories that are numbers in order they are the same; without neighbors nothing is checked."""
    null, name = fit("null"), "Residuals are not correlated in time"
    by_column, by_values = told(null, time="t")[name], told(null, time=base().t.to_numpy())[name]
    stages = mlm.lmm("y ~ 1 + (1 | g)", base(stage=pd.Categorical(base().t.astype(int))))
    assert by_column == by_values == told(stages, time="stage")[name]
    few = base().groupby("g").head(2).iloc[:18]
    assert told(mlm.lmm("y ~ 1 + (1 | g)", few), time="t")[name] == ("only 9 rows have a neighbor in time in their group", "not checked")


def test_structures_without_an_order_in_time():
    name = "No correlation in time is left"
    found, verdict = told(fit("groups"), time="t")[name]  # all rows are one series, with several rows a time
    assert verdict == "not checked" and "two at t = 0" in found
    few = base().groupby("g").head(2).iloc[:16]
    assert told(mlm.gls("y ~ x", few, correlation=mlm.ar1("t", group="g")), time="t")[name] == ("too few pairs of neighbors in time", "not checked")


def test_a_gee_of_one_row_a_group_has_no_working_correlation_to_check():
    one = told(mlm.gee("y ~ x", base().groupby("g").head(1), groups="g"))
    assert "working correlation against that of residuals" not in one and "groups of like weight" in one
    assert "working correlation against that of residuals" in told(fit("gee"))
    model = told(mlm.gee("y ~ x", base(), groups="g", cov="model", time="t", corr="ar1"))
    assert model["groups with all times"][1] == "ok" and model["working correlation against that of residuals"][1] == "act"
    many = mlm.gee("y ~ x", base(t=np.arange(N) * 1.0), groups="g", corr="ar1", time="t")
    assert "groups with all times" not in told(many)


def test_pairs_of_large_groups_are_sampled():
    """Products of residuals that are 1 in mean are so in a sample of the pairs."""
    rng = np.random.default_rng(3)
    n, J = 90, 12
    table = pd.DataFrame({"g": np.repeat(np.arange(J), n), "x": rng.standard_normal(J * n)})
    table["y"] = table.x + rng.standard_normal(J)[table.g] + rng.standard_normal(J * n)
    fitted = mlm.gee("y ~ x", table, groups="g", corr="exchangeable")
    r = fitted.resid_pearson.to_numpy()[fitted._rows.order]
    r = r / np.sqrt((r * r).mean())
    _, theirs, ours, pairs = _pairs(fitted, r)
    exact = np.mean([(r[a:a + n].sum() ** 2 - (r[a:a + n] ** 2).sum()) / (n * (n - 1)) for a in range(0, J * n, n)])
    assert pairs.sum() == 2000 * J and theirs[0] == pytest.approx(exact, abs=0.03) and ours[0] == pytest.approx(float(fitted.correlations["estimate"].iloc[0]))


@pytest.mark.parametrize("call, words", [
    (lambda: mlm.influence(mlm.gls("y ~ x + f", base(f=np.where(base().g == 0, "a", "b")), correlation=mlm.ar1("t", group="g")), reestimate=False),
     "Without g 0 there are no estimates: the rows that are left cannot tell the coefficients apart."),
    (lambda: mlm.influence(mlm.gls("y ~ x", base(f=np.where(base().g == 0, "a", "b")), variance=mlm.by_group("f")), by="g"),
     "Without g 0 there are no estimates: by_group: 'f' is the same in all rows"),
    (lambda: mlm.influence(mlm.gls("y ~ x", base(q=np.where(base().g == 0, "z", base().f)), variance=mlm.by_group("q")), by="g"),
     "Without g 0 there are no estimates: the structure of the residuals has other parameters without these rows"),
    (lambda: mlm.influence(mlm.lmm("y ~ x + (1 | g)", pd.concat([base()[base().g < 1], base()[base().g > 0].groupby("g").head(1)])), by="g"),
     "Without g 0 there are no estimates: too few rows are left for the model."),
    (lambda: mlm.influence(mlm.lmm("y ~ d + (1 | g) + (1 | t)", base(d=(base().g == 0) * 1.0)), by="g"),
     "Without g 0 there are no estimates: the rows that are left cannot tell 'd' from the other columns."),
    (lambda: mlm.influence(mlm.lmm("y ~ x + (1 | g)", base(f=np.where(base().g < 11, "a", "b"))), by="f"),
     "Without f a there are no estimates: one group only is left, so no variation between groups can be seen."),
    (lambda: mlm.influence(mlm.lmm("y ~ x + (1 | g) + (1 | t)", base(f=np.where(base().g < 11, "a", "b"))), by="f"),
     "Without f a there are no estimates: one group only is left of a factor, so no variation between its groups can be seen.")])
def test_what_cannot_be_left_out_is_named_with_the_reason(call, words):
    found = call()
    assert words in " ".join(repr(found).split())
    assert np.isfinite(found.table["cooks"]).sum() == len(found.table) - 1 and found.table["cooks"].isna().sum() == 1


def test_relative_changes_of_variances():
    """(without - with) / with, a covariance of effects by its deviations' product."""
    slope = fit("slope")
    found = mlm.influence(slope, by="g").rvc
    left = mlm.lmm("y ~ x + (1 + x | g)", base()[base().g != 3])
    T, own = slope.covariance_matrix(), left.covariance_matrix()
    assert found.loc[3, "var(residual)"] == pytest.approx(left.sigma**2 / slope.sigma**2 - 1, rel=1e-4)
    assert found.loc[3, "var(g: x)"] == pytest.approx(own.loc["x", "x"] / T.loc["x", "x"] - 1, abs=1e-3)
    assert found.loc[3, "cov(g: Intercept, x)"] == pytest.approx(own.loc["Intercept", "x"] / T.loc["Intercept", "x"] - 1, abs=1e-3)


def test_a_model_without_groups_has_no_residuals_of_them():
    with pytest.raises(ValueError, match="no random effects, so there are no residuals of groups"):
        group_residuals(fit("ols"))


def test_envelopes_of_a_glmm_are_of_its_simulated_outcomes():
    poisson = fit("poisson")
    low, high = envelope(poisson, lambda one: one.residuals("pearson"), n=19, seed=3)
    own = np.sort(poisson.residuals("pearson"))
    assert (low <= high).all() and low.shape == (N,) and ((own >= low - 0.3) & (own <= high + 0.3)).mean() > 0.8


def test_a_check_reads_as_its_lines():
    check = mlm.diagnose(fit("null")).checks[0]
    lines = repr(check).splitlines()
    assert lines[0].split(None, 1) == ["look", "Enough groups"] and lines[1].strip() == check.found and lines[2].strip().startswith("-> Report")
    assert all(len(line) <= 78 for line in lines)
