"""Exact tests of one variance: statistics and distributions of RLRsim, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.inference.exact_rlrt import _spectrum
from models import data, fit, reference

CASES = reference("rlrtR_cases")
N_REFERENCE = {"rlrt": 10_000, "cases": 100_000}
OURS = 200_000


def table(name):
    if name.startswith("sleepstudy, days"):
        sleep = data("sleepstudy")
        return sleep[sleep["Days"].isin([0, 1]) & sleep["Subject"].isin(sorted(sleep["Subject"].unique())[:10])]
    if name.startswith("hsb, first"):
        return data("hsb")[data("hsb")["school"].isin(sorted(data("hsb")["school"].unique())[:30])]
    return data(name)


def result_of(case, n):
    reml = case["call"].startswith("exactRLRT")
    fitted = mlm.lmm(case["formula"], table(case["data"]), reml=reml)
    null = case["null"] and (mlm.lmm if "|" in case["null"] else mlm.ols)(case["null"], table(case["data"]))
    return (mlm.exact_rlrt if reml else mlm.exact_lrt)(fitted, null, n=n, seed=2)


def agree(draws, quantiles, zero, n):
    """Quantiles by the share of our draws beyond them, within four standard errors of the two simulations.

    RLRsim counts a maximum below its grid as zero, at most one draw in a thousand.
    """
    for probability, value in quantiles.items():
        p = float(str(probability).rstrip("%")) / (100 if "%" in str(probability) else 1)
        if value <= 0:
            assert (draws == 0).mean() > p - 0.02
            continue
        error = np.sqrt(p * (1 - p) * (1 / n + 1 / len(draws)))
        assert abs((draws <= value).mean() - p) < 4 * error, (probability, value)
    assert abs((draws == 0).mean() - zero) < 0.001 + 4 * np.sqrt(0.25 * (1 / n + 1 / len(draws)))


@pytest.mark.parametrize("name", ["hsb_null", "imm_hw_ri", "imm_null", "sleepstudy_ri"])
def test_rlrsim(name):
    known, test = reference(f"rlrt_{name}"), mlm.exact_rlrt(fit(f"{name}_reml"), n=OURS)
    assert test.statistic == pytest.approx(known["stat"], abs=1e-6)
    assert known["p"] == 0 and test.pvalue == 1 / (OURS + 1)
    agree(test.draws, known["sim_quantiles"], known["frac_zero"], N_REFERENCE["rlrt"])


@pytest.mark.parametrize("name", CASES)
def test_further_cases_of_rlrsim(name):
    known = CASES[name]
    test = result_of(known, OURS)
    assert test.statistic == pytest.approx(known["statistic"], abs=1e-6)
    agree(test.draws, known["quantiles"], known["zero"], N_REFERENCE["cases"])
    if test.statistic > 1e-6:  # R's of a variance estimated as zero is what rounding left of zero
        error = np.sqrt(max(known["p"], 1e-5) * (1 / N_REFERENCE["cases"] + 1 / OURS))
        assert abs(test.pvalue - known["p"]) < 4 * error + 1 / OURS


def test_a_variance_of_zero():
    test = mlm.exact_rlrt(fit("dyestuff2_reml"))
    assert test.statistic == 0 and test.pvalue == 1 and "p = 1.000" in str(test)


def test_seeds():
    fitted = fit("imm_null_reml")
    assert (mlm.exact_rlrt(fitted, seed=3).draws == mlm.exact_rlrt(fitted, seed=3).draws).all()
    assert (mlm.exact_rlrt(fitted, seed=3).draws != mlm.exact_rlrt(fitted, seed=4).draws).any()


def dense(fitted):
    """The eigenvalues by the n x n projection."""
    term, X = fitted.design.random[0], fitted.design.X
    Z = np.hstack([np.eye(len(term.levels))[term.codes] * z[:, None] for z in term.Z.T])
    if fitted.design.weights is not None:
        root = np.sqrt(fitted.design.weights)[:, None]
        X, Z = X * root, Z * root
    Q = np.linalg.qr(X)[0]
    return np.linalg.eigvalsh(Z.T @ Z - (Z.T @ Q) @ (Q.T @ Z)), np.linalg.eigvalsh(Z.T @ Z)


@pytest.mark.parametrize("formula, options", [
    ("mathach ~ cses * sector + (1 | school)", {}),
    ("mathach ~ cses + minority + (0 + cses | school)", {}),
    ("mathach ~ cses + (1 | school)", {"weights": "w"}),
    ("mathach ~ cses + (1 + cses | school)", {"covariance": "identity"}),
])
def test_the_spectrum(formula, options):
    rng = np.random.default_rng(5)
    few = data("hsb")[data("hsb")["school"].isin(sorted(data("hsb")["school"].unique())[:40])]
    few = few.assign(w=rng.choice([0.5, 1.0, 2.0], len(few)))
    fitted = mlm.lmm(formula, few, **options)
    test = mlm.exact_rlrt(fitted, n=100)
    assert test.pvalue >= 1 / 101
    q = fitted.model.criterion.elimination.q
    mu, times, xi = _spectrum(fitted.model.criterion, np.eye(q))
    large, all_of_z = dense(fitted)
    ours, theirs = np.sort(np.repeat(mu, times.astype(int))), np.sort(large) / large.max()
    assert np.allclose(ours, theirs[theirs > 1e-10], atol=1e-9)
    assert np.allclose(np.sort(xi), np.sort(all_of_z) / large.max(), atol=1e-9)


def test_balanced_data_need_few_draws():
    mu, times, _ = _spectrum(fit("sleepstudy_ri_reml").model.criterion, np.eye(1))
    assert len(mu) <= 2 and times.sum() == 17


def test_the_size_is_exact_with_few_groups():
    """Six groups of five: the half-and-half mixture rejects less often than it should, the exact test in 5 % of samples."""
    rng = np.random.default_rng(8)
    base = mlm.lmm("y ~ 1 + (1 | g)", {"y": rng.normal(size=30), "g": np.repeat(np.arange(6), 5)})
    bound = mlm.exact_rlrt(base, n=50_000).quantile(0.95)
    found = np.array([base.refit(rng.normal(size=30)).lr_vs_linear().statistic for _ in range(2000)])
    assert abs((found > bound).mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 2000)
    assert bound < 2.5 < 2.7055


def test_ml_fits_are_refitted():
    test = mlm.exact_rlrt(fit("sleepstudy_ri_ml"))
    assert test.statistic == pytest.approx(reference("rlrt_sleepstudy_ri")["stat"], abs=1e-6)
    assert "refitted by REML" in test.note
    assert "refitted by maximum likelihood" in mlm.exact_lrt(fit("sleepstudy_ri_reml")).note


def test_one_variance_of_two():
    test = mlm.exact_rlrt(fit("sleepstudy_uncorr_reml"), fit("sleepstudy_ri_reml"))
    assert test.statistic == pytest.approx(CASES["sleep_slope"]["statistic"], abs=1e-6)
    assert test.null == "var(Days) = 0" and "approximation" in test.note and "one-sided" in test.note


@pytest.mark.parametrize("full, null, says", [
    ("sleepstudy_corr_reml", None, "3 parameters.*give the model without"),
    ("sleepstudy_corr_reml", "sleepstudy_ri_reml", "2 parameters"),
    ("sleepstudy_corr_reml", "sleepstudy_uncorr_reml", "no variance"),
    ("sleepstudy_ri_reml", "sleepstudy_uncorr_reml", "comes first"),
])
def test_more_than_one_variance_is_refused(full, null, says):
    with pytest.raises(ValueError, match=says):
        mlm.exact_rlrt(fit(full), null and fit(null))


def test_fixed_effects_belong_to_the_likelihood_ratio():
    linear = mlm.ols("Reaction ~ 1", data("sleepstudy"))
    with pytest.raises(ValueError, match="use exact_lrt"):
        mlm.exact_rlrt(fit("sleepstudy_ri_reml"), linear)
    with pytest.raises(ValueError, match="no random effects"):
        mlm.exact_rlrt(linear)
    assert mlm.exact_lrt(fit("sleepstudy_ri_ml"), linear).df == 2


SEVERAL = reference("rlrtR_several")


@pytest.mark.parametrize("name", SEVERAL)
def test_one_factor_of_several_as_rlrsim(name):
    """The tested factor's own spectrum, the other variances taken as known (RLRsim's m, mA, m0)."""
    case = SEVERAL[name]
    rows = data(case["data"]) if case["data"] != "sleep" else data("sleepstudy").assign(
        day=lambda t: t["Days"], moved=lambda t: t["Reaction"] + 20 * np.cos(2.3 * t["Days"]))
    fitted, null = (mlm.lmm(case[key], rows) for key in ("formula", "null"))
    found = mlm.exact_rlrt(fitted, null, n=OURS, seed=2)
    assert found.statistic == pytest.approx(case["statistic"], abs=1e-5)
    assert abs(found.pvalue - case["p"]) < 0.006
    agree(found.draws, case["quantiles"], case["zero"], N_REFERENCE["cases"])


def test_exact_test_of_a_membership_is_refused():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"a": rng.integers(8, size=120), "b": rng.integers(8, size=120), "g": rng.integers(9, size=120)})
    rows["y"] = rng.normal(size=8)[rows["a"]] + rng.normal(size=9)[rows["g"]] + rng.normal(size=120)
    with pytest.raises(ValueError, match="multiple membership share rows"):
        mlm.exact_rlrt(mlm.lmm("y ~ 1 + (1 | g) + (1 | mm(a, b))", rows), mlm.lmm("y ~ 1 + (1 | g)", rows))
