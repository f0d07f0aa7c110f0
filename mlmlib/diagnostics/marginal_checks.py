"""What a fit by generalized estimating equations can be checked for.

Its standard errors stand on many independent groups of like weight, its efficiency on the working correlation, its estimates on the
mean model and on rows that are missing for no reason that has to do with the outcomes.

Chapter 20 (``20_gee_and_robust``).

References
----------
Mancl, L. A., & DeRouen, T. A. (2001). A covariance estimator for GEE with improved small-sample properties. Biometrics, 57, 126-134.
MacKinnon, J. G., Nielsen, M. O., & Webb, M. D. (2023). Leverage, influence, and the jackknife in clustered regression models. Stata
Journal, 23, 942-982.
Williamson, J. M., Datta, S., & Satten, G. A. (2003). Marginal analyses of clustered data when cluster size is informative.
Biometrics, 59, 36-42.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .judging import Check, judge, p_words

__all__ = ["marginal_checks"]

_CHAPTER = "20_gee_and_robust"
_NAN = float("nan")


def marginal_checks(fit) -> list[Check]:
    """The checks of a fit of ``mlm.gee``."""
    return [check for check in (_groups(fit), _balance(fit), _influence(fit), _correlation(fit), _errors(fit),
                                _sizes(fit), _missing(fit), _spread(fit)) if check is not None]


def _check(name, found, value, p, reading, verdict, todo):
    return Check(name, found, float(value), float(p), reading, verdict, todo, _CHAPTER)


def _groups(fit) -> Check:
    name, _, labels = fit._levels[0]
    J, p = len(labels), len(fit._params)
    corrected = fit.cov in ("mancl-derouen", "kauermann-carroll")
    verdict = "ok" if J >= 40 or corrected and J >= 10 + p else "act" if J < 10 + p or not corrected and J < 20 else "look"
    todo = ("Refit with cov='mancl-derouen', and use t with about J - p degrees of freedom, or mlm.robust and "
            "mlm.wild_bootstrap of an mlm.ols or mlm.glmm fit." if not corrected
            else "Report that groups are few; mlm.wild_bootstrap of an mlm.ols fit is a check.")
    return _check("enough groups for the standard errors", f"{J} groups ({name}) for {p} coefficients; standard errors: {fit.cov}.", J,
                  _NAN, "The robust covariance is an average over groups: below about 40 it is too small, and tests "
                        "are too sure of themselves (Mancl & DeRouen, 2001).", verdict, todo)


def _balance(fit) -> Check:
    from ..gee.deletion import changes
    gamma = np.einsum("pa,jab,pb->pj", *_working(fit))
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = gamma.shape[1] / (1.0 + gamma.var(axis=1) / gamma.mean(axis=1) ** 2)
    _, leverage = changes(fit)
    k, j, J = int(np.nanargmin(effective)), int(np.argmax(leverage)), len(leverage)
    sizes = np.bincount(fit._levels[0][1])
    value, share = float(effective[k]), leverage[j] / leverage.sum()
    verdict = "ok" if value >= 20 else "act" if value < 8 else "look"
    if verdict != "ok" and fit.cov != "robust" and value >= 8:
        verdict = "ok"
    return _check("groups of like weight", f"Rows in a group: {sizes.min()} to {sizes.max()}. For {fit._names[k]} the "
                                           f"{J} groups count as {value:.1f} equal ones; {fit._levels[0][2][j]} alone "
                                           f"has {100 * share:.0f}% of all leverage.", value, _NAN,
                  "Unequal groups, or a predictor that few groups have, make few groups of many (effective number of "
                  "clusters, Carter, Schnepel & Steigerwald, 2017).", verdict,
                  "Use cov='mancl-derouen'; with a predictor that few groups have, say that the result rests on them.")


def _working(fit):
    """Coefficients' rows and the groups' parts, in columns where the sum of D'V^-1 D is the identity."""
    B = fit._solved.scores.B
    L = np.linalg.cholesky(np.linalg.inv(B.sum(axis=0)))
    back = fit._back @ L
    return back, L.T @ B @ L, back


def _influence(fit) -> Check:
    found = fit.influence()
    lost = found.index[found["cooks"].isna()]
    reading = ("The change of a coefficient, in its standard errors, when a group is left out (one step, working "
               "correlation held; Preisser & Qaqish, 1996). Up to about 0.5 is usual with 20 groups or more.")
    if len(lost):
        return _check("no group alone makes a result", f"Without the group {lost[0]} a coefficient cannot be "
                                                       "estimated.", np.inf, _NAN,
                      reading, "act", "Leave out what only this group tells of.")
    top = found["dfbetas"].abs().idxmax()
    value = float(found.at[top, "dfbetas"])
    verdict = "act" if abs(value) >= 1.0 else "look" if abs(value) >= 0.5 else "ok"
    return _check("no group alone makes a result", f"The largest change is by the group {top}: {found.at[top, 'of']} "
                                                   f"moves by {abs(value):.2f} standard errors.", value, _NAN, reading,
                  verdict, "See fit.influence(); report the result without the group as well.")


def _correlation(fit) -> Check | None:
    """Products of residuals against the working correlation."""
    sizes = np.diff(fit._rows.starts)
    if sizes.max() == 1:
        return None
    r = fit.resid_pearson.to_numpy()[fit._rows.order]
    phi = float((r * r).mean())
    kinds, theirs, ours, pairs = _pairs(fit, r / np.sqrt(phi))
    gap = np.abs(theirs - ours)
    heavy = pairs >= 0.05 * pairs.sum()
    k = int(np.argmax(np.where(heavy, gap, -1.0)))
    value = float(gap[k])
    verdict = "ok" if value < 0.1 else "look"
    reading = ("Where the working correlation is off the estimates stay right and robust standard errors too; "
               "estimates are less precise than they could be. Model-based standard errors are wrong then.")
    if fit.cov == "model" and value >= 0.1:
        verdict = "act"
    found = (f"Working correlation {fit.corr}. Of pairs {kinds[k]} residuals correlate by {theirs[k]:.2f}, and the "
             f"model has {ours[k]:.2f}; over all pairs the mean difference is {np.average(gap, weights=pairs):.2f}.")
    todo = "Compare structures by mlm.compare (QIC, CIC)" + (": 'exchangeable' to begin with." if fit.corr == "independence" else
                                                              ", or see fit.correlations with corr='unstructured'.")
    return _check("working correlation against that of residuals", found, value, _NAN, reading, verdict, todo)


def _pairs(fit, r):
    """Kinds of pairs (lags, or those of one group), mean products of residuals, mean working correlations, counts."""
    time, starts = fit._rows.time, fit._rows.starts
    lags, products, model = [], [], []
    for g, (a, b) in enumerate(zip(starts, starts[1:])):
        j, k = np.triu_indices(b - a, 1)
        if len(j) > 2000:  # a sample of a large group's pairs
            keep = np.random.default_rng(g).choice(len(j), 2000, replace=False)
            j, k = j[keep], k[keep]
        lags.append(np.zeros(len(j)) if time is None else np.round(time[a + k] - time[a + j], 6))
        products.append(r[a + j] * r[a + k])
        model.append(np.asarray(fit.structure.matrix(g))[j, k])
    values, codes = np.unique(np.concatenate(lags), return_inverse=True)
    pairs = np.bincount(codes)
    names = ["of one group"] if time is None else [f"{v:g} apart in time" for v in values]
    return names, np.bincount(codes, np.concatenate(products)) / pairs, np.bincount(codes, np.concatenate(model)) / pairs, pairs


def _errors(fit) -> Check | None:
    try:
        ratio = np.sqrt(np.diagonal(fit._covariance("robust")) / np.diagonal(fit._covariance("model")))
    except DataError:
        return None
    k = int(np.argmax(np.abs(np.log(ratio))))
    value = float(ratio[k])
    off = abs(np.log(value)) > np.log(1.25)
    verdict = "ok" if not off else "act" if fit.cov == "model" else "look"
    return _check("robust against model-based standard errors",
                  f"Their ratio is {ratio.min():.2f} to {ratio.max():.2f} (farthest from 1: "
                  f"{fit._names[k]}, {value:.2f}).", value, _NAN,
                  "Near 1 the working variance and correlation are about right (the trace "
                  "of this is CIC of fit.qic()). With few groups the ratio is noisy itself.", verdict,
                  "Keep the robust standard errors; another family (dispersion) or corr= may describe the data better.")


def _sizes(fit) -> Check | None:
    """Whether groups with many rows have other outcomes."""
    codes = fit._levels[0][1]
    sizes = np.bincount(codes)
    if len(np.unique(sizes)) < 2 or len(sizes) < 8:
        return None
    from scipy.stats import spearmanr
    means = np.bincount(codes, fit.resid_pearson.to_numpy()) / sizes
    rho, p = (float(v) for v in spearmanr(sizes, means))
    return _check("group size unrelated to outcomes", "The rank correlation of a group's size with its mean residual "
                                                      f"is {rho:.2f} ({p_words(p)}).", rho, p,
                  "Where size tells of outcomes, a mean over rows is not a mean over groups: coefficients "
                  "speak of rows, and with another working correlation of something between (Williamson et al., 2003).",
                  judge(rho, 0.15, 0.3, p), "Say which mean is meant: weights= of 1 / size with corr='independence' is "
                                            "the mean over groups. Or add the size as a predictor.")


def _missing(fit) -> Check | None:
    """Rows of a group that are not there, where times say which."""
    if fit._rows.time is None:
        return None
    times, sizes = len(np.unique(fit._rows.time)), np.diff(fit._rows.starts)
    if times > 20:
        return None
    share = float((sizes < times).mean())
    return _check("groups with all times",
                  f"{100 * share:.0f}% of the groups lack at least one of the {times} times.", share, _NAN,
                  "GEE needs rows to be missing for no reason that has to do with the outcomes, also not with those "
                  "that were seen (missing completely at random, given the predictors); a mixed model needs less.",
                  "ok" if share < 0.05 else "look", "Compare with mlm.glmm (or mlm.lmm), or weight by the inverse of "
                                                    "the probability of being seen.")


def _spread(fit) -> Check | None:
    """phi where the family has none."""
    if fit.family.name not in ("poisson", "binomial", "nbinom2") or fit.family.name == "binomial" and fit.design.extra["trials"] is None:
        return None
    value = float((fit.resid_pearson.to_numpy() ** 2).mean())
    return _check("dispersion", f"The mean squared Pearson residual is {value:.2f}; the family has 1.", value, _NAN,
                  "The estimates and robust standard errors allow for it. Model-based ones do where scale= is left "
                  "out.",
                  "look" if value > 1.5 or value < 0.67 else "ok",
                  "Nothing for the mean; family='nbinom2' in place of 'poisson' gives groups better weights where "
                  "counts spread widely.")
