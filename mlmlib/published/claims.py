"""The claims of the sources that are not fits (tests/reference/claims.toml), each with a verdict that is computed.

A function a claim: it returns what is right about it in a word or two, and a sentence whose numbers are computed here. The chapter named in the
file shows the same at length, some of it by simulation.
"""

from __future__ import annotations

from functools import cache

import numpy as np

import mlmlib as mlm

from .sources import data, published

# where each claim is checked in the book
PLACES = {
    "design-effect": "ch02-idea",
    "type-one-error": "ch02-case",
    "small-icc-large-clusters": "ch02-large",
    "worked-comparison": "ch02-trial",
    "two-stage-intercepts": "ch03-idea",
    "conflated-is-weighted": "ch06-conflated",
    "stress-and-mood": "ch06",
    "lrt-conservative": "ch08-claim",
    "growth-variance-between-schools": "ch11-83",
    "ignored-crossing": "ch12-ignored",
    "few-clusters": "ch20-claim",
}


def claims() -> list[dict]:
    """The claims as the file has them."""
    return published("claims")["claim"]


def false_alarm(icc: float, n: int) -> float:
    """How often least squares rejects at 5 % a school-level predictor that does nothing."""
    from scipy.stats import norm

    return 2 * norm.sf(norm.ppf(0.975) / np.sqrt(1 + (n - 1) * icc))


def _tiny(difference: float) -> str:
    """A difference that should be rounding error, in words."""
    return "less than 1e-9" if difference < 1e-9 else f"{difference:.0e}"


def _design_effect():
    effect = 1 + 24 * 0.10
    return "right, one number rounded up", (
        f"The design effect is {effect:.1f}, its inverse {1 / effect:.3f} (a generous third), its root "
        f"{effect**0.5:.3f}."
    )


def _type_one_error():
    rates = [f"{false_alarm(icc, 20):.0%} at an ICC of {icc:.2f}" for icc in (0.01, 0.05, 0.10, 0.30)]
    return "right for predictors of schools", (
        f"By formula the error is {', '.join(rates)}. A predictor that varies only within schools keeps its 5 %; the "
        "chapter simulates both."
    )


def _small_icc():
    return "right", f"At 50 the design effect is {1 + 49 * 0.05:.2f} and the type-I error {false_alarm(0.05, 50):.2f}."


def _worked_comparison():
    root = (1 + 19 * 0.15) ** 0.5
    return "right about the width, loose about significance", (
        f"The right interval is {root:.2f} times as wide. Whether least squares rejects at an effect of 0.15 is a "
        "matter of chance, which the chapter counts."
    )


def _two_stage():
    table = data("math")
    fitted = mlm.lmm("math ~ 1 + (1 | schid)", table, reml=False)
    tau2, sigma2 = fitted.variance_components["variance"]
    sizes = table["schid"].value_counts()
    share = tau2 / (tau2 + sigma2 / sizes)
    own = table.groupby("schid")["math"].mean() - fitted.params.iloc[0]
    stacked = (
        (own * share.reindex(own.index) - next(iter(fitted.random_effects.values())).iloc[:, 0].to_numpy()).abs().max()
    )
    return "right", (
        f"On math the model's intercepts are the separate ones, shrunk to {share.min():.2f} of their distance in the "
        f"smallest school ({sizes.min()} students) and {share.max():.2f} in the largest ({sizes.max()}). Two stages "
        f"and one model differ by {_tiny(stacked)}."
    )


def _gls(table, columns, theta, sigma2):
    """Generalized least squares at given variances: take the share theta of each group's mean away."""
    X = np.column_stack([np.ones(len(table)), *(table[c] for c in columns), table["math"]])
    means = (
        table[["schid"]]
        .assign(**{str(k): X[:, k] for k in range(X.shape[1])})
        .groupby("schid")
        .transform("mean")
        .to_numpy()
    )
    X = X - theta[:, None] * means
    X, y = X[:, :-1], X[:, -1]
    return np.linalg.solve(X.T @ X, X.T @ y)[1:], sigma2 * np.linalg.inv(X.T @ X)[1:, 1:]


def _conflated():
    table = mlm.within_between(data("math"), ["homework"], groups="schid")
    fit = mlm.lmm("math ~ homework + (1 | schid)", table, reml=False)
    one = fit.params["homework"]
    parts = ["homework_within", "homework_between"]
    both = mlm.lmm("math ~ homework_between + homework_within + (1 | schid)", table, reml=False)
    weights = 1 / both.bse[parts] ** 2
    average = (weights * both.params[parts]).sum() / weights.sum()
    tau2, sigma2 = fit.variance_components["variance"]
    n = table.groupby("schid")["math"].transform("size").to_numpy()
    two, cov = _gls(table, parts, 1 - np.sqrt(sigma2 / (sigma2 + n * tau2)), sigma2)
    held = (two / np.diag(cov)).sum() / (1 / np.diag(cov)).sum()
    return "right, for one predictor, at the model's own variances", (
        f"On math the one coefficient is {one:.3f}. At the variances of its own model the weighted average of "
        f"{two[1]:.3f} (between) and {two[0]:.3f} (within) differs from it by {_tiny(abs(held - one))}; with the "
        f"standard errors of the model that has both slopes the average is {average:.3f}."
    )


def _stress_and_mood():
    rng = np.random.default_rng(1)
    person = np.repeat(np.arange(100), 20)
    usual, day = rng.normal(0, 1, 100)[person], rng.normal(0, 1, 2000)
    mood = 5 - 0.4 * day - 0.1 * usual + rng.normal(0, 0.7, 100)[person] + rng.normal(0, 1, 2000)
    import pandas as pd

    diary = mlm.within_between(
        pd.DataFrame({"person": person, "stress": 4 + usual + day, "mood": mood}), ["stress"], groups="person"
    )
    both = mlm.lmm("mood ~ stress_within + stress_between + (1 | person)", diary).params
    one = mlm.lmm("mood ~ stress + (1 | person)", diary).params["stress"]
    return "right", (
        f"From 100 people on 20 days, made so, we recover {both['stress_within']:.2f} within and "
        f"{both['stress_between']:.2f} between; the single coefficient is {one:.2f}."
    ).replace("-", "\u2212")


def _lrt_conservative():
    import pandas as pd
    from scipy.stats import chi2, t

    J, cut = np.array([6, 10, 50]), chi2.ppf(0.95, 1)
    fixed = 2 * t.sf(np.sqrt((J - 2) * np.expm1(cut / J)), J - 2)
    said = ", ".join(f"{rate:.1%} with {schools} schools" for schools, rate in zip(J, fixed))
    rows = pd.DataFrame({"school": np.repeat(np.arange(10), 20), "y": np.random.default_rng(8).normal(size=200)})
    draws = mlm.exact_rlrt(mlm.lmm("y ~ 1 + (1 | school)", rows), n=20_000, seed=1).draws
    plain, mixed = ((draws > limit).mean() for limit in (cut, chi2.ppf(0.90, 1)))
    return "right on both counts", (
        f"At 5 % the likelihood-ratio test of a school-level predictor in a balanced trial errs in {said}. That of a "
        f"variance, with ten schools of 20, errs in {plain:.1%} by a plain chi-squared and in {mixed:.1%} by the "
        "mixture. The chapter simulates both."
    )


def _growth_variance():
    rows = mlm.load("egsingle")
    start = rows.assign(year=rows["year"] + 2.5)
    shares = []
    for table in (rows, start):
        fit = mlm.lmm("math ~ year + (1 + year | schoolid/childid)", table)
        between, within = (np.diag(fit.covariance_matrix(group)) for group in fit.n_groups)
        shares.append(between / (between + within))
    (middle, rate), (first, _) = shares
    return "not reproduced by a subsample of the study", (
        f"In egsingle {rate:.0%} of the variance in growth rates lies between schools, and {middle:.0%} of that in "
        f"level at the middle of the study, {first:.0%} at its beginning. The zero of time moves the second number and "
        "cannot move the first. Chance in a smaller study, other children and grades, and a term for the summer in the "
        "model remain as reasons. That schools matter more for growth than for level holds in both."
    )


def _ignored_crossing():
    known = mlm.load("crossed_study").set_index(["model", "what", "measure", "design"])["value"].sort_index().loc["school only"]
    school, residual, ratio, alarms = (known[what, measure][["2", "30"]] for what, measure in (
        ("variance school", "mean"), ("variance residual", "mean"), ("x_other", "SE over SD"),
        ("x_other", "false alarms")))
    return "right, with one exception", (
        "With pupils of a school from 2 of 30 neighborhoods the ignored 0.15 raises the schools' variance from 0.15 to "
        f"{school.iloc[0]:.3f} and the residual's from 0.70 to {residual.iloc[0]:.3f}. With pupils from all 30 it "
        f"raises the residual to {residual.iloc[1]:.3f} and *lowers* the schools' to {school.iloc[1]:.3f}, as Luo and "
        f"Kwok say of balanced data. The standard error of a neighborhood predictor is {ratio.iloc[0]:.2f} and "
        f"{ratio.iloc[1]:.2f} of what it should be; its test errs in {alarms.iloc[0]:.0%} and {alarms.iloc[1]:.0%} of "
        "samples."
    )


def _few_clusters():
    study = mlm.load("few_clusters_study")
    rows = study[(study["outcome"] == "continuous") & (study["coefficient"] == "treated")]
    known = rows.set_index(["design", "method", "clusters"]).sort_index()
    errs = lambda design, method, J: f"{known.loc[(design, method, J), 'false_alarms']:.1%}"
    power = [known.loc[("unequal", method, 50), "power"] for method in ("mixed KR", "CR2")]
    few = [known.loc[("unequal", method, 8), "power"] for method in ("mixed KR", "CR2")]
    wrong = known.loc[("unlike", "mixed KR"), "false_alarms"]
    return "right of CR0 and CR1, not of CR2; of mixed models from 20 clusters on, if their variances are right", (
        f"With 20 clusters z by GEE (CR0 if they are equal) errs in {errs('equal', 'GEE z', 20)} and CR1 in {errs('equal', 'CR1 t', 20)}, "
        f"with very unequal sizes in {errs('unequal', 'GEE z', 20)} and {errs('unequal', 'CR1 t', 20)}, and there CR1 still in "
        f"{errs('unequal', 'CR1 t', 50)} with 50. CR2 with its degrees of freedom errs in {errs('equal', 'CR2', 8)} and "
        f"{errs('unequal', 'CR2', 8)} with 8. A mixed model with Kenward-Roger equals it with equal sizes and has more power with unequal "
        f"ones ({power[0]:.2f} against {power[1]:.2f} with 50), but with 8 of these less ({few[0]:.2f} against {few[1]:.2f}). "
        f"With a wrong random part it errs in {wrong.min():.0%} to {wrong.max():.0%} at any number of clusters."
    )


CHECKS = {
    "design-effect": _design_effect,
    "type-one-error": _type_one_error,
    "small-icc-large-clusters": _small_icc,
    "worked-comparison": _worked_comparison,
    "two-stage-intercepts": _two_stage,
    "conflated-is-weighted": _conflated,
    "stress-and-mood": _stress_and_mood,
    "lrt-conservative": _lrt_conservative,
    "growth-variance-between-schools": _growth_variance,
    "ignored-crossing": _ignored_crossing,
    "few-clusters": _few_clusters,
}


@cache
def verdict(name: str) -> tuple[str, str] | None:
    """The verdict on a claim and the sentence behind it; None where nothing checks it yet."""
    return CHECKS[name]() if name in CHECKS else None
