"""Checks of the groups: how many, how well their effects are seen, their shape, which are strange, which carry the
answer.

Chapter 9 (``09_diagnostics``).

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, chapters 5 and 9.
Verbeke, G., & Lesaffre, E. (1996). A linear mixed-effects model with heterogeneity in the random-effects population.
Journal of the American Statistical Association, 91, 217-221.
Maas, C. J. M., & Hox, J. J. (2005). Sufficient sample sizes for multilevel modeling. Methodology, 1, 86-92.
"""

from __future__ import annotations

import numpy as np

from ..display import number
from .blocks import blocks
from .groups import diagnostic_covariance, effects, mahalanobis
from .judging import Check, p_words, shape_of

__all__ = ["enough_groups", "found_well", "influential", "normality", "outlying_groups", "seen"]


def enough_groups(fit) -> Check:
    """Are there enough groups to speak of a variance between them?"""
    at, factor = blocks(fit), fit.design.random[0].group
    single = int((at.sizes == 1).sum())
    verdict = "act" if at.J < 10 else "look" if at.J < 30 else "ok"
    todo = {
        "ok": "nothing",
        "look": "Report Kenward-Roger or Satterthwaite degrees of freedom and profile intervals of the variances.",
        "act": "Few groups: use REML with Kenward-Roger, trust no interval of a variance, and consider groups as "
        "fixed effects.",
    }
    return Check(
        "Enough groups",
        f"{at.J} groups of {factor}, of {at.sizes.min()} to {at.sizes.max()} rows"
        + (f"; {single} of one row only" if single else ""),
        float(at.J),
        np.nan,
        "Tests of group-level predictors and intervals of variances lean on the number of groups, not of rows: "
        "below 30 with care.",
        verdict,
        todo[verdict],
        "08_inference",
    )


def found_well(fit) -> Check:
    """Is the optimum a proper one: converged, inside the boundary?"""
    name = "The fit converged inside the boundary"
    if not fit.converged:
        return Check(
            name,
            f"not converged, gradient {fit.gradient_norm:.2g}",
            float(fit.gradient_norm),
            np.nan,
            "",
            "act",
            "Do not use these estimates; simplify the random part.",
            "07_estimation",
        )
    if fit.is_singular:
        why = next(
            (text for text in fit.messages if text.startswith("Singular fit")), "the covariance matrix is singular"
        )
        return Check(
            name,
            "singular: " + why.split(": ", 1)[-1].split(". ")[0],
            np.nan,
            np.nan,
            "Variances on the boundary have no standard errors; coefficients hold.",
            "act",
            why.split("; ")[-1] if "; " in why else "Give the random part fewer effects.",
            "04_random_slopes",
        )
    return Check(
        name,
        f"converged after {fit.n_evaluations} evaluations, gradient {fit.gradient_norm:.0e}",
        float(fit.gradient_norm),
        np.nan,
        "A Newton step would lower the criterion by less than 1e-12.",
        "ok",
        "nothing",
        "07_estimation",
    )


def seen(fit) -> list[Check]:
    """How much of each variance between groups can be seen in the groups' own predictions?"""
    cov = diagnostic_covariance(fit)
    T = np.concatenate([np.diagonal(T) for T in fit._T])
    checks, names = [], [(term.group, name) for term in fit.design.random for name in term.names]
    for a, (group, name) in enumerate(names):
        title = f"{name} varies between groups, and it can be seen"
        sd = float(np.sqrt(max(T[a], 0.0)))
        if not T[a] > 1e-12 * fit.sigma**2:
            checks.append(
                Check(
                    title,
                    f"sd({group}: {name}) is zero",
                    0.0,
                    np.nan,
                    "",
                    "act",
                    f"Leave {name} out of the random part, or say that no variation is found.",
                    "04_random_slopes",
                )
            )
            continue
        share = float(np.mean(cov[:, a, a]) / T[a])
        verdict = "act" if share < 0.05 else "look" if share < 0.1 else "ok"
        todo = {
            "ok": "nothing",
            "look": "Predictions of single groups say little; report the SD, not the ranking.",
            "act": f"Compare with a model without the random effect of {name}.",
        }
        checks.append(
            Check(
                title,
                f"sd {number(sd, 3)}, mean reliability {share:.2f}",
                share,
                np.nan,
                "The share of the variance between groups that their predicted effects show; below 0.05 the "
                "effect may as "
                "well be fixed (Raudenbush & Bryk).",
                verdict,
                todo[verdict],
                "04_random_slopes",
            )
        )
    return checks


def normality(fit) -> list[Check]:
    """Are the groups' effects normal?"""
    checks = []
    standard = effects(fit, "standardized")
    for name in standard.columns:
        values = standard[name].to_numpy()
        title = f"Groups' effects are normal: {name}"
        shape = shape_of(values)
        if shape.n < 8 or np.isnan(shape.correlation):
            checks.append(
                Check(
                    title,
                    f"{shape.n} groups have a standardized effect, too few to see a shape",
                    np.nan,
                    np.nan,
                    "",
                    "not checked",
                    "nothing",
                )
            )
            continue
        todo = {
            "ok": "nothing",
            "look": "Look at the Q-Q plot: one strange group, two kinds of groups, or a tail?",
            "act": "Find what the groups in the tail share and put it in the model; compare intervals with a "
            "bootstrap.",
        }
        checks.append(
            Check(
                title,
                f"Q-Q correlation {shape.correlation:.4f}, skewness {shape.skewness:+.2f}, excess kurtosis "
                f"{shape.kurtosis:+.2f} "
                f"({shape.test} {p_words(shape.p)})",
                shape.correlation,
                shape.p,
                "Predicted effects look more normal than the true ones: in small groups they are mostly averaged noise "
                "(Verbeke & Lesaffre 1996). A bad picture is news, a good one is not proof.",
                shape.verdict,
                todo[shape.verdict],
            )
        )
    return checks


def outlying_groups(fit) -> Check:
    """Is there a group too far from the others?"""
    from scipy.special import chdtrc

    distance, df = mahalanobis(fit)
    levels, factor = fit.design.random[0].levels, fit.design.random[0].group
    known = df > 0
    if not known.any():
        return Check(
            "No outlying groups", "no effect varies between groups", np.nan, np.nan, "", "not checked", "nothing"
        )
    p = np.where(known, np.minimum(known.sum() * chdtrc(np.maximum(df, 1), distance), 1.0), 1.0)
    worst = int(np.argmin(np.where(known, chdtrc(np.maximum(df, 1), distance), 2.0)))
    out = np.flatnonzero(p < 0.05)
    found = (
        f"farthest is {factor} {levels[worst]}: Mahalanobis distance {distance[worst]:.1f} on {df[worst]} df "
        "(Bonferroni "
        f"{p_words(float(p[worst]))}); {len(out)} of {int(known.sum())} groups beyond chance"
    )
    named = ", ".join(str(levels[j]) for j in out[np.argsort(p[out], kind="stable")][:5])
    return Check(
        "No outlying groups",
        found,
        float(distance[worst]),
        float(p[worst]),
        "Squared distance of a group's effects from the average group, in their own standard deviations; "
        "chi-square if the "
        "model holds.",
        "look" if len(out) else "ok",
        f"Find out what is special about {factor} {named}; if it can be named, put it in the model."
        if len(out)
        else "nothing",
    )


def influential(found) -> Check:
    """Does one group carry the answer?"""
    fit, name = found.fit, f"No single {found.by} carries the answer"
    betas = found._dfbetas
    size = np.where(np.isfinite(betas), np.abs(betas), 0.0)
    if not size.any():
        return Check(name, "no group can be left out", np.nan, np.nan, "", "not checked", "nothing")
    j, k = np.unravel_index(int(size.argmax()), size.shape)
    label, coefficient = found.labels[j], fit._names[k]
    over = int(np.nansum(found._measures["cooks"] > found.threshold["cooks"]))
    turned = [(row, place) for row, place in zip(*np.where(size >= 0.5)) if _turns(found, row, place)]
    verdict = "act" if size.max() >= 1.0 or turned else "look" if size.max() >= 0.5 or found.messages else "ok"
    text = (
        f"without {found.by} {label} {coefficient} goes from {number(fit._params[k])} to "
        f"{number(found._deleted.fixed[j, k])} "
        f"({betas[j, k]:+.2f} SE); {over} of {len(found.labels)} above Cook's D = {number(found.threshold['cooks'], 3)}"
    )
    if turned:
        row, place = turned[0]
        text += f"; without {found.labels[row]} the 95 % interval of {fit._names[place]} changes sides of zero"
    if found.messages:
        text += f"; {len(found.messages)} cannot be left out"
    todo = {
        "ok": "nothing",
        "look": f"Report the estimate with and without {found.by} {label}.",
        "act": f"Look at the rows of {found.by} {label} first; the conclusion rests on it, and the reader must be "
        "told.",
    }
    return Check(
        name,
        text,
        float(size.max()),
        np.nan,
        "The largest move of a coefficient when one group is left out and everything is estimated again. Half a "
        "standard error "
        "is worth a sentence, a whole one changes the story.",
        verdict,
        todo[verdict],
    )


def _turns(found, row: int, place: int) -> bool:
    """True if the 95 % interval of a coefficient takes in zero with the group and not without it, or the other way."""
    fit = found.fit
    after = found._deleted.fixed[row, place] / found._deleted.se[row, place]
    bar = fit._quantile(0.95)
    return bool((abs(after) > bar) != (abs(fit._params[place] / fit._se[place]) > bar))
