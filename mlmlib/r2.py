"""How much a mixed model explains: three families of R2, because there is more than one variance to explain.

Raudenbush and Bryk compare each variance with that of a smaller model; Snijders and Bosker compare errors of prediction, of a
row and of a group's mean; Nakagawa and Schielzeth divide the variance of the predictions by the whole, with Johnson's extension
to random slopes.

Chapter 5 (``05_level2_predictors``) derives the first two, chapter 9 (``09_diagnostics``) compares all three.

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, pp. 74, 79, 85.
Snijders, T. A. B., & Bosker, R. J. (2012). Multilevel analysis (2nd ed.). Sage, section 7.1.
Nakagawa, S., & Schielzeth, H. (2013). A general and simple method for obtaining R2 from generalized linear mixed-effects
models. Methods in Ecology and Evolution, 4, 133-142.
Johnson, P. C. D. (2014). Extension of Nakagawa & Schielzeth's R2GLMM to random slopes models. Methods in Ecology and
Evolution, 5, 944-946.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .display import Shown, number, percent
from .errors import DataError
from .lmm.factors import only_linear, only_plain_residuals
from .results import refuse_marginal

__all__ = ["ProportionalReduction", "R2", "proportional_reduction", "r2"]


@dataclass(frozen=True, repr=False)
class ProportionalReduction(Shown):
    """Each variance of one model against the same variance of a smaller one: 1 - full / null.

    `rows` are tuples (group, effect, variance of the null, variance of the full model, reduction); `table` is the same as a
    DataFrame. ``result["Residual"]`` and ``result["school", "Intercept"]`` give single reductions.
    """

    null: str
    full: str
    rows: tuple
    notes: tuple = ()

    @property
    def table(self):
        from . import frames as pd
        return pd.DataFrame(list(self.rows), columns=["group", "effect", "null", "full", "reduction"])

    def __getitem__(self, key):
        group, effect = key if isinstance(key, tuple) else (key, "Residual" if key == "Residual" else "Intercept")
        for row in self.rows:
            if row[:2] == (group, effect):
                return row[4]
        raise KeyError(f"There is no reduction of {key!r}; there are {', '.join(str(row[:2]) for row in self.rows)}.")

    def _title(self):
        return f"Proportional reduction of variance\nfrom {self.null}\nto   {self.full}"

    def _rows(self):
        return (["group", "effect", "null", "full", "reduction"],
                [[group, "" if group == "Residual" else effect, number(a), number(b), percent(r)]
                 for group, effect, a, b, r in self.rows])

    def _note(self):
        return " ".join(self.notes)


@dataclass(frozen=True, repr=False)
class R2(Shown):
    """The measures of explained variance of one mixed model.

    Attributes
    ----------
    marginal, conditional : float
        Nakagawa's: the share of the fixed part, and of fixed and random part together, in the whole.
    level1, level2 : float
        Snijders and Bosker's: how much smaller the squared error of predicting a row, and a group's mean, is than the null
        model's. NaN with several grouping factors.
    reduction : ProportionalReduction
        Raudenbush and Bryk's, one for each variance that both models have.
    var_fixed, var_random, var_residual : float
        What Nakagawa's measures are made of.
    size : float
        The group size in `level2`: the harmonic mean.
    """

    formula: str
    null: str
    marginal: float
    conditional: float
    level1: float
    level2: float
    reduction: ProportionalReduction
    var_fixed: float
    var_random: float
    var_residual: float
    size: float
    notes: tuple = ()

    def _title(self):
        against = f"\nagainst {self.null}" if self.reduction.rows else ""
        return f"Explained variance of {self.formula}{against}"

    def _rows(self):
        rows = [["marginal R2: fixed part", "Nakagawa & Schielzeth", percent(self.marginal)],
                ["conditional R2: fixed and random part", "Nakagawa & Schielzeth", percent(self.conditional)]]
        if self.level1 == self.level1:
            rows += [["level-1 R2: error of a row", "Snijders & Bosker", percent(self.level1)],
                     ["level-2 R2: error of a group mean", "Snijders & Bosker", percent(self.level2)]]
        rows += [[f"reduction of {'the residual variance' if g == 'Residual' else f'var({effect}) between groups of {g}'}",
                  "Raudenbush & Bryk", percent(r)] for g, effect, _, _, r in self.reduction.rows]
        return ["measure", "of", ""], rows

    def _note(self):
        return " ".join((*self.notes, *self.reduction.notes))


@dataclass(frozen=True, repr=False)
class LinearR2(Shown):
    """R2 of a linear model without random effects: 1 - rss / tss, and adjusted for the number of coefficients."""

    formula: str
    rsquared: float
    adjusted: float

    def __float__(self):
        return self.rsquared

    def _title(self):
        return f"Explained variance of {self.formula}"

    def _rows(self):
        return ["", ""], [["R2", percent(self.rsquared)], ["adjusted R2", percent(self.adjusted)]]


def proportional_reduction(null, full) -> ProportionalReduction:
    """By what share each variance of `null` is smaller in `full` (Raudenbush and Bryk).

    Parameters
    ----------
    null, full : LmmResult
        Two fits to the same rows, by the same likelihood. Any two will do, also when neither is empty: the random slope of a
        coefficient is compared with that of the model before its cross-level interactions came in.

    Returns
    -------
    ProportionalReduction
        A row for each variance that both have, the residual last. It can be negative, and then says why.

    Notes
    -----
    Chapter 5 (``05_level2_predictors``). It is a difference of estimates, not a share of a sum, so nothing keeps it between 0
    and 1. The variance between groups is what is left of the spread of group means when the noise sigma^2 / n_j is taken
    out; a predictor that varies only within groups lowers sigma^2, leaves the means where they are, and so raises tau_00.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> hsb = mlm.load("hsb")
    >>> before = mlm.lmm("mathach ~ cses + (1 + cses | school)", hsb)
    >>> after = mlm.lmm("mathach ~ cses * mean_ses + cses * sector + (1 + cses | school)", hsb)
    >>> gain = mlm.proportional_reduction(before, after)
    >>> [round(gain[key], 3) for key in (("school", "Intercept"), ("school", "cses"), "Residual")]
    [0.726, 0.854, -0.001]
    """
    for fit in (null, full):
        only_linear(fit, "proportional_reduction", "the variance of a unit on the link scale is fixed, so that the "
                                                   "others change with every predictor that explains something; see "
                                                   "mlm.r2(fit)")
        only_plain_residuals(fit, "proportional_reduction")
        _need_mixed(fit)
    _same_rows(null, full)
    before, after = _variances(null), _variances(full)
    rows = tuple((*key, before[key], after[key], 1 - after[key] / before[key] if before[key] > 0 else float("nan"))
                 for key in before if key in after)
    notes = []
    lower = [("the residual variance" if key[0] == "Residual" else f"var({key[1]})") for key, r in
             zip((row[:2] for row in rows), (row[4] for row in rows)) if r <= -0.0005]
    if lower:
        notes.append(f"Negative ({', '.join(lower)}): the variance is larger in the larger model. That can happen, "
                     "because all variances are estimated anew. The usual case: a predictor that varies within groups "
                     "lowers the residual variance, so less of the spread of group means counts as noise, and more is "
                     "left for the groups.")
    slopes = [key[1] for key in after if key[1] not in ("Intercept", "Residual") and key not in before]
    if slopes:
        notes.append(f"var(Intercept) of the larger model is that at {' = '.join(slopes)} = 0, of the smaller one the "
                     "same everywhere.")
    return ProportionalReduction(null.formula, full.formula, rows, tuple(notes))


def r2(fit, null=None, *, slopes: str = "refit", **options) -> R2 | LinearR2:
    """How much a model explains, by the three families of measures.

    Parameters
    ----------
    fit : LmmResult, GlmmResult or OlsResult
        For a GlmmResult the options are ``approximation=`` and ``mean=``, see `mlmlib.glmm.r2.glmm_r2`.
    null : LmmResult, optional
        What to compare with; left out, the model with random intercepts and no predictors, fitted to the same rows by the same
        likelihood. Only the marginal and conditional R2 do not depend on it.
    slopes : {"refit", "average"}
        How Snijders and Bosker's measures deal with random slopes, with which the variance of a row depends on its x.
        ``"refit"``: replace them by random intercepts and fit again, as the authors advise, since it changes little.
        ``"average"``: average the implied variances over the rows and over the groups.

    Returns
    -------
    R2
        `marginal`, `conditional`, `level1`, `level2`, `reduction`; for OLS a LinearR2; for a GLMM a GlmmR2 with `marginal` and
        `conditional` of the linear predictor, `observation_marginal` and `observation_conditional` of the outcome.

    Notes
    -----
    Chapter 5 (``05_level2_predictors``).

    - Marginal: var(X gamma) / (var(X gamma) + mean(z' T z) + sigma^2), conditional with mean(z' T z) in the numerator too; the
      mean is over the rows, which is Johnson's rule. The variance of X gamma has divisor N - 1, and no offset.
    - Level 1: 1 - (sigma^2 + tau_00) / (the same of the null).
    - With ``correlation=`` or ``variance=`` there are the marginal and conditional R2 alone, sigma^2 being the mean of the rows'
      residual variances.
    - Level 2: 1 - (sigma^2 / n + tau_00) / (the same of the null), with n the harmonic mean of the group sizes. This is the
      size at which the formula gives the average over groups of the error variance sigma^2 / n_j + tau_00.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses + (1 + cses | school)", mlm.load("hsb"))
    >>> got = mlm.r2(fit)
    >>> round(got.marginal, 4), round(got.conditional, 4), round(got.level1, 4), round(got.reduction["Residual"], 4)
    (0.0439, 0.2319, 0.0435, 0.0625)
    """
    refuse_marginal(fit, "r2")
    if hasattr(fit, "link"):
        if null is not None:
            raise DataError("For a GLMM there are the marginal and conditional R2, which have no null model to compare "
                            "with; leave null= out.")
        from .glmm.r2 import glmm_r2
        return glmm_r2(fit, **options)
    if options:
        raise TypeError(f"r2() has no option {next(iter(options))!r} for this model.")
    if hasattr(fit, "residual_table"):
        return _structured(fit, null)
    if slopes not in ("refit", "average"):
        raise ValueError(f"slopes={slopes!r} must be 'refit' or 'average'.")
    if getattr(fit, "rsquared", None) is not None:
        return LinearR2(fit.formula, fit.rsquared, fit.rsquared_adj)
    _need_mixed(fit)
    from .lmm.reduced import null_model, random_intercepts
    null = null_model(fit) if null is None else null
    reduction = proportional_reduction(null, fit)
    fixed, random, residual = shares(fit)
    notes = []
    if len(fit.n_groups) > 1:
        level1 = level2 = size = float("nan")
        notes.append("Snijders and Bosker's measures are for one grouping factor.")
    else:
        size = _harmonic(fit)
        pair = [null, fit]
        if slopes == "refit":
            sloped = [_has_slopes(model) for model in pair]
            pair = [random_intercepts(model) if has else model for model, has in zip(pair, sloped)]
            if any(sloped):
                notes.append("Snijders and Bosker's measures are of the model refitted with random intercepts alone.")
        errors = [(row_variance(m) + m.sigma ** 2, _mean_variance(m)) for m in pair]
        level1, level2 = (float(1 - b / a) for a, b in zip(*errors))
        notes.append(f"Level 2 is for groups of {number(size)} rows, the harmonic mean.")
    whole = fixed + random + residual
    return R2(fit.formula, null.formula, fixed / whole, (fixed + random) / whole, level1, level2, reduction, fixed,
              random, residual, size, tuple(notes))


def _structured(fit, null) -> R2:
    """Of a model with a residual structure: Nakagawa's measures, the residual variance averaged over the rows.

    The other families compare variances that such a model has a row of its own for, or that share the groups' with the
    correlation of the residuals.
    """
    if null is not None:
        raise DataError("For a model with correlation= or variance= there are the marginal and conditional R2 only, "
                        "which have no null model; leave null= out.")
    fixed, random = float(np.var(fit.design.X @ fit._params, ddof=1)), row_variance(fit)
    residual = float(np.mean(fit._row_sd ** 2))
    whole, nan = fixed + random + residual, float("nan")
    notes = ["The residual variance is the mean over the rows; correlation of residuals counts as unexplained."]
    return R2(fit.formula, "no null model", fixed / whole, (fixed + random) / whole, nan, nan,
              ProportionalReduction("no null model", fit.formula, ()), fixed, random, residual, nan, tuple(notes))


def shares(fit) -> tuple[float, float, float]:
    """The variances that Nakagawa's measures divide: of the fixed part's predictions, of the random part, of the residual."""
    return float(np.var(fit.design.X @ fit._params, ddof=1)), row_variance(fit), float(fit.sigma ** 2)


def row_variance(fit) -> float:
    """The variance that the random effects give a row, z' T z, averaged over the rows (Johnson 2014)."""
    return float(sum((np.einsum("ij,jk,ik->i", term.Z, T, term.Z) * (1.0 if term.members is None else term.members.square)).mean()
                     for term, T in zip(fit.design.random, fit._T)))


def _mean_variance(fit) -> float:
    """The error variance of a group's mean, averaged over the groups: z' T z at the mean z of the group, and sigma^2 / n_j."""
    term = fit.design.random[0]
    sizes = np.bincount(term.codes, minlength=len(term.levels))
    total = (fit.sigma ** 2 / sizes).mean()
    for own, T in zip(fit.design.random, fit._T):
        z = np.stack([np.bincount(own.codes, column, len(own.levels)) for column in own.Z.T], axis=1) / sizes[:, None]
        total += np.einsum("ij,jk,ik->i", z, T, z).mean()
    return float(total)


def _harmonic(fit) -> float:
    sizes = next(iter(fit.group_sizes.values())).to_numpy()
    return float(len(sizes) / (1.0 / sizes).sum())


def _has_slopes(fit) -> bool:
    return any(name != "Intercept" for term in fit.design.random for name in term.names)


def _variances(fit) -> dict:
    """{(group, effect): variance}, the residual last."""
    found = {(term.group, name): float(T[k, k]) for term, T in zip(fit.design.random, fit._T)
             for k, name in enumerate(term.names)}
    return found | {("Residual", "Residual"): float(fit.sigma ** 2)}


def _need_mixed(fit) -> None:
    if not getattr(fit, "n_groups", None):
        raise DataError("This needs fitted mixed models: formulas with a random term such as (1 | school).")


def _same_rows(null, full) -> None:
    a, b = null.design, full.design
    if a.endog_name != b.endog_name or len(a.y) != len(b.y) or not np.array_equal(np.sort(a.y), np.sort(b.y)):
        raise DataError(f"The two fits do not use the same outcome and rows ({a.endog_name}, {len(a.y)} rows, and "
                        f"{b.endog_name}, {len(b.y)}), so their variances cannot be compared. Fit both to "
                        "data.dropna(subset=[...]).")
    if null.reml != full.reml:
        raise DataError("One fit is by REML and the other by ML; their variances differ for that reason alone. Fit "
                        "both with the same reml=.")
