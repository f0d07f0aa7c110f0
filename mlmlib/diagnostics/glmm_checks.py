"""Checks of a generalized linear mixed model, by quantile residuals and outcomes drawn from the fit.

Chapters 16 and 17 (``16_binary``, ``17_counts``) read them.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from . import level2
from .glmm_residuals import quantile_residuals, stream
from .glmm_tests import dispersion_test, outliers_test, uniformity_test, zeros_test
from .judging import Check, judge, p_words, shape_of

__all__ = ["glmm_checks"]

_BINARY, _COUNTS = "16_binary", "17_counts"
_AGAIN = 100  # groups, above which none is left out
_FIT_AGAIN = 20_000  # rows, above which none is left out
_DRAWS = 200


def glmm_checks(fit, time=None, reestimate: bool | None = None) -> tuple[list[Check], dict]:
    """The checks, and the influence of the groups of each factor where they were left out."""
    if time is not None:
        raise DataError("Autocorrelation of the residuals of a GLMM is not checked; leave time= out, and look at "
                        "mlm.plots.residuals(fit, time, kind='quantile').")
    checks = [_enough(fit, group) for group in fit.n_groups]
    checks += [_found(fit), _uniform(fit)]
    for name, test, todo in (("The outcomes vary as the family says", dispersion_test,
                              "Take a family with a dispersion (nbinom2, beta ...) or add an effect of each row: (1 | "
                              "row)."),
                             ("As many zeros as expected", zeros_test,
                              "First mend the dispersion; if zeros are left, a zero-inflated or " "hurdle family.")):
        checks.append(_ratio(name, fit, test, todo))
    checks.append(_outliers(fit))
    checks += _curves(fit)
    checks += _context(fit)
    checks += _effects(fit)
    found = {}
    for group, J in sorted(fit.n_groups.items(), key=lambda one: one[1]):
        if reestimate is False or not 2 < J <= _AGAIN or fit.nobs > _FIT_AGAIN or not len(fit._params):
            checks.append(Check(f"No single {group} carries the answer",
                                f"not checked: {J} fits; mlm.influence(fit, {group!r}) makes them",
                                np.nan, np.nan, "", "not checked", "nothing"))
            continue
        from .influence import influence
        try:
            found[group] = influence(fit, group)
            checks.append(level2.influential(found[group]))
        except DataError as error:
            checks.append(Check(f"No single {group} carries the answer", str(error), np.nan, np.nan, "",
                                "not checked", "nothing"))
    return checks, found


def _enough(fit, group) -> Check:
    sizes = fit.group_sizes[group]
    J = len(sizes)
    verdict = "act" if J < 10 else "look" if J < 30 else "ok"
    todo = {"ok": "nothing", "look": "Report profile or bootstrap intervals of the variance.",
            "act": "Few groups: trust no interval of a variance, and consider groups as fixed effects."}
    return Check(f"Enough groups of {group}", f"{J} groups, of {sizes.min()} to {sizes.max()} rows", float(J), np.nan,
                 "Wald tests and intervals of variances lean on the number of groups, not of rows: below 30 with care.",
                 verdict, todo[verdict], _BINARY)


def _found(fit) -> Check:
    name = "The fit converged inside the boundary"
    if not fit.converged or fit.is_singular:
        return level2.found_well(fit)
    told = [text for text in fit.messages if "infinit" in text or "separat" in text.lower()]
    if told:
        return Check(name, told[0], float(fit.gradient_norm), np.nan, "", "act",
                     "Read the message: a coefficient or variance has no " "estimate.", _BINARY)
    return Check(name, f"converged after {fit.n_evaluations} evaluations, gradient {fit.gradient_norm:.0e}",
                 float(fit.gradient_norm),
                 np.nan, "A Newton step would lower the criterion by less than 1e-8.", "ok", "nothing", _BINARY)


def _uniform(fit) -> Check:
    test = uniformity_test(fit)
    verdict = judge(test.statistic, 0.04, 0.1, test.pvalue)
    todo = {"ok": "nothing", "look": "Look at mlm.plots.qq(fit, kind='quantile').",
            "act": "The family or the link is not right: see the checks of dispersion and zeros, then "
                   "mlm.plots.qq(fit, kind='quantile')."}
    return Check("Outcomes have the family's distribution",
                 f"distribution of quantile residuals at most {test.statistic:.3f} from normal "
                 f"(Kolmogorov-Smirnov {p_words(test.pvalue)})", test.statistic, test.pvalue,
                 "A largest distance of 0.04 can hardly be seen; groups' effects are drawn given the data.", verdict,
                 todo[verdict], _BINARY)


def _ratio(name, fit, test, todo) -> Check:
    try:
        found = test(fit, _DRAWS)
    except (DataError, NotImplementedError) as error:
        return Check(name, str(error), np.nan, np.nan, "", "not checked", "nothing", _COUNTS)
    ratio = found.statistic
    far = max(ratio, 1.0 / ratio) - 1.0 if 0 < ratio < np.inf else np.inf
    verdict = judge(far, 0.15, 0.4, found.pvalue)
    return Check(name, f"observed over expected {ratio:.2f} ({p_words(found.pvalue)} by simulation)",
                 ratio, found.pvalue,
                 "1 is what the model says; 0.85 to 1.15 does little harm.", verdict,
                 "nothing" if verdict == "ok" else todo, _COUNTS)


def _outliers(fit) -> Check:
    test = outliers_test(fit)
    row = test.note.split(";")[0]
    out = test.pvalue < 0.05
    return Check("No outlying rows", f"farthest out is {row}: a tail of {test.statistic:.1e} (Bonferroni "
                                     f"{p_words(test.pvalue)})",
                 test.statistic, test.pvalue, "What the model can hardly have produced, given the row's group.",
                 "look" if out else "ok",
                 f"Check how {row.split(',')[0]} was recorded; fit without it and report both if the answer moves."
                 if out else "nothing", _BINARY)


def _numeric(fit):
    """Columns of the fixed part with more than a few values: name and values of the rows used."""
    for k, name in enumerate(fit.design.exog_names):
        x = fit.design.X[:, k]
        if ":" not in name and "(" not in name and "[" not in name and len(np.unique(x)) > 4:
            yield name, x


def _t_test(r, n) -> float:
    from scipy.special import stdtr
    return float(2.0 * stdtr(n - 3, -abs(r) * np.sqrt((n - 3) / max(1.0 - r * r, 1e-300))))


def _curves(fit) -> list[Check]:
    """Does the linear predictor bend where the model is straight?"""
    checks, z = [], quantile_residuals(fit)
    for name, x in _numeric(fit):
        if any(name in other and other != name and ("**" in other or "(" in other) for other in fit.design.exog_names):
            continue  # has a curve
        base = np.column_stack([np.ones_like(x), (x - x.mean()) / x.std()])
        square = base[:, 1] ** 2
        bent = square - base @ np.linalg.lstsq(base, square, rcond=None)[0]
        r = float(np.corrcoef(bent, z)[0, 1]) if np.ptp(bent) > 1e-12 else 0.0
        p = _t_test(r, len(z))
        verdict = judge(r, 0.06, 0.15, p)
        checks.append(Check(f"Straight in {name}", f"correlation of quantile residuals with the curvature of {name} "
                                                   f"{r:+.3f} ({p_words(p)})", r,
                            p, "On the scale of the link.", verdict, "nothing" if verdict == "ok" else
                            f"Add a curve: I({name} ** 2), ns({name}, df=3).", _BINARY))
    return checks


def _context(fit) -> list[Check]:
    """Do groups' effects go with the groups' means of a predictor?"""
    checks = []
    for term in fit.design.random:
        if term.members is not None or "Intercept" not in term.names:
            continue
        u = fit.random_effects[term.group]["Intercept"].to_numpy()
        sizes = np.bincount(term.codes, minlength=len(term.levels))
        for name, x in _numeric(fit):
            means = np.bincount(term.codes, x, len(term.levels)) / sizes
            within = float(np.sum((x - means[term.codes]) ** 2)) > 1e-8 * float(np.sum((x - x.mean()) ** 2))
            if not within or np.ptp(means) < 1e-10 or np.ptp(u) == 0 or len(u) < 5:
                continue
            r = float(np.corrcoef(u, means)[0, 1])
            p = _t_test(r, len(u))
            verdict = judge(r, 0.2, 0.4, p)
            checks.append(Check(f"Effects of {term.group} are not correlated with {name}",
                                f"correlation of predicted effects with the groups' "
                                f"means of {name} {r:+.2f} ({p_words(p)})", r, p,
                                "Otherwise the coefficient mixes two effects, within and "
                                "between groups.", verdict, "nothing" if verdict == "ok" else
                                f"Split {name} with mlm.within_between and put both parts in the model.",
                                "06_centering"))
    return checks


def _effects(fit) -> list[Check]:
    """Are the groups' effects normal? Effects drawn given the data: not shrunken, normal if the model is right."""
    checks = []
    if getattr(fit.design, "random", ()) and any(term.members is not None for term in fit.design.random):
        return checks
    rng = stream(1)
    for group in fit.n_groups:
        table = fit.residuals("quantile", group, seed=rng)
        for name, values in table.items():
            shape = shape_of(values.to_numpy())
            if not np.isfinite(shape.p):
                continue
            verdict = shape.verdict
            checks.append(Check(f"Effects of {group} are normal ({name})",
                                f"skewness {shape.skewness:+.2f}, excess kurtosis {shape.kurtosis:+.2f} "
                                f"({shape.test} {p_words(shape.p)})", shape.correlation, shape.p,
                                "Of effects drawn given the data, which do "
                                "not shrink; averages over groups lean on normality.", verdict,
                                "nothing" if verdict == "ok" else
                                f"Look at mlm.plots.qq(fit, {name!r}, kind='quantile') for groups apart.", _BINARY))
    return checks
