"""The note under a table of models: how they were fitted, what stands in the cells, what may not be compared.

`mlmlib.report.table` puts it together.
"""

from __future__ import annotations

from ..inference.small_sample import TITLES
from .general.facts import Facts, has_effects, is_general, is_marginal
from .general.kinds import method, ratio_of
from .ledger import joined
from .rows import DAGGER
from .words import Words

__all__ = ["columns", "comparable", "measures", "ratios", "reading", "troubles"]

_CRITERIA = ("criterion", "llf", "aic", "bic")


def _method(fit) -> str:
    if is_general(fit):
        return method(Facts(fit))
    if hasattr(fit, "transformed"):  # of mlm.panel
        return f"{fit.title[0].lower()}{fit.title[1:]}"
    return (
        {"ols": "ordinary least squares", "ml": "maximum likelihood (ML)"}[fit.method]
        if fit.reml is None
        else ("restricted maximum likelihood (REML)" if fit.reml else "maximum likelihood (ML)")
    )


def reading(fits, names, show, stars, random, level, ddf="wald"):
    """Method, the meaning of the parentheses, abbreviations."""
    methods: dict = {}
    for fit, name in zip(fits, names):
        methods.setdefault(_method(fit), []).append(name)
    if len(methods) == 1:
        yield f"Fitted by {next(iter(methods))} with mlmlib."
    else:
        yield (
            "Fitted with mlmlib, " + "; ".join(f"{', '.join(own)} by {method}" for method, own in methods.items()) + "."
        )
    mixed = any(has_effects(fit) for fit in fits)
    tests = {"t" if fit._t_df is not None else "z" for fit in fits}
    test = f"Wald {' and '.join(sorted(tests, reverse=True))} tests"
    intervals = f"{100 * level:g}% Wald intervals in brackets"
    if mixed and ddf != "wald":
        test = f"t tests with {TITLES[ddf]}"
        intervals = f"{100 * level:g}% t intervals with {TITLES[ddf]} in brackets"
    inside = {
        "se": "Standard errors in parentheses" + " (those of the random part give no test of zero)" * mixed,
        "p": f"p-values of {test} in parentheses",
        "ci": f"{intervals}, those of the random part {'Wald intervals ' * (mixed and ddf != 'wald')}symmetric in the "
              "logarithm (correlations: in Fisher's z)",
    }[show]
    yield inside + "."
    yield from (f"Standard errors of {name}: {fit.cov_title}." for fit, name in zip(fits, names)
                if hasattr(fit, "cov_title"))
    if mixed and ddf == "kenward-roger":
        yield "Standard errors of the fixed part after Kenward and Roger (1997)."
        refitted = [name for fit, name in zip(fits, names) if fit.reml is False]
        if refitted:
            yield f"Fixed part of {', '.join(refitted)}: from the same model fitted by REML, which Kenward-Roger is made for."
    if stars:
        yield f"{test}: * p < .05, ** p < .01, *** p < .001."
    if any(has_effects(fit) for fit in fits):
        yield "SD = standard deviation." if random == "sd" else "Random part as variances and covariances."
    if any(
        shape.name in ("independent", "identity") and len(term.names) > 1
        for fit in fits
        if hasattr(fit, "model") and has_effects(fit)
        for term, shape in zip(fit.design.random, fit.model.structures)
    ):
        yield "Correlations not listed are zero by assumption."


def columns(fits, known):
    """What the columns are, with reference categories, where labels= does not say so."""
    said = {}
    for words in known:
        for name in words.fit._names:
            for piece in words.pieces(name):
                about = "" if piece.column in words.labels else words.label(piece.column)
                if piece.reference is not None:
                    said[piece.column] = ", ".join(
                        filter(None, [about if about != piece.column else "", f"compared with {piece.reference}"])
                    )
                elif about and about != piece.column:
                    said[piece.column] = about
    if said:
        labels = known[0].labels
        yield "; ".join(f"{labels.get(column, column)}: {text}" for column, text in said.items()) + "."


def measures(fits, labels):
    """What ICC and R2 are."""
    whole = [fit for fit in fits if has_effects(fit) and not hasattr(fit, "residual_table")]  # the others have neither
    mixed = [fit for fit in whole if not is_general(fit)]
    if len(mixed) < len(whole):
        yield ("Of generalized models ICC and R2 (Nakagawa et al., 2017) are those of the scale of the linear "
               "predictor, where there is a variance of a unit.")
    panels = [fit for fit in fits if hasattr(fit, "transformed")]
    if any(len(fit.random_table()) > 1 for fit in panels):
        yield "ICC of random-effects regressions: the share of the groups in the variance (rho)."
    if panels:
        yield "R2 within, between, and overall: squared correlations of what the slopes expect with the outcome, as Stata has them."
    if not mixed:
        return
    text = "ICC = intraclass correlation, given the predictors in the model"
    zeros = dict.fromkeys(Words(fit, labels).zero(n) for fit in mixed for t in fit.design.random for n in t.names
                          if n != "Intercept")
    if zeros:
        text += f" (with random slopes: at {joined(zeros)})"
    yield text + "; marginal and conditional R2 after Nakagawa and Schielzeth (2013) and Johnson (2014)."


def ratios(fits, names, exponentiate):
    """What the fixed part's numbers are, where generalized models are among the fits."""
    general = [(fit, name) for fit, name in zip(fits, names) if is_general(fit) and not (
        is_marginal(fit) and Facts(fit).link == "identity")]
    if not general:
        return
    what: dict = {}
    for fit, name in general:
        ratio = ratio_of(fit) if exponentiate else None
        what.setdefault(f"{ratio}s" if ratio else f"coefficients on the {Facts(fit).link} scale", []).append(name)
    several = len(what) > 1 or len(general) < len(fits)
    parts = [kind + (f" ({', '.join(own)})" if several else "") for kind, own in what.items()]
    yield f"Fixed part: {joined(parts)}" + (", for units of one group or of groups with equal effects." if any(
        has_effects(fit) for fit, _ in general) and not any(is_marginal(fit) for fit, _ in general) else ".")


def comparable(fits, criteria):
    """The rows that may not be compared across columns, and why."""
    fits = [fit for fit in fits if not is_marginal(fit)]  # which have QIC alone
    if len(fits) < 2:
        return (), []
    designs = [fit.design for fit in fits]
    if len({d.endog_name for d in designs}) > 1 or len({fit.nobs for fit in fits}) > 1:
        return _CRITERIA, [f"{DAGGER} Not comparable between models with different outcomes or rows."]
    if len({_approximation(fit) for fit in fits if is_general(fit)}) > 1:
        return _CRITERIA, [f"{DAGGER} Not comparable between models whose likelihood is approximated in different "
                           "ways."]
    fixed = {frozenset(fit._names) for fit in fits if fit.reml}
    mixture = len({"REML" if fit.reml else "other" for fit in fits}) > 1
    if criteria == "ml" and fixed:
        notes = ["Log-likelihood, AIC and BIC are those of the same models fitted by maximum likelihood (ML)."]
        if len(fixed) > 1:
            notes.append(f"{DAGGER} Not comparable between models with different fixed parts.")
        return _CRITERIA[: len(fixed) > 1], notes
    reasons = ["REML and other fits"] if mixture else []
    if len(fixed) > 1:
        reasons.append(
            "models with different fixed parts, because each restricted likelihood has its own fixed part taken out"
        )
    if reasons:
        return _CRITERIA, [f"{DAGGER} Not comparable between {' or between '.join(reasons)}."]
    return (), []


def _approximation(fit):
    return Facts(fit).method, Facts(fit).nodes


def troubles(fits, names):
    """Fits that did not converge, and singular ones."""
    for fit, name in zip(fits, names):
        if not getattr(fit, "converged", True):
            yield f"{name} did not converge; its numbers must not be used."
        if getattr(fit, "is_singular", False):
            yield (
                f"{name} is singular: a variance is estimated as zero or a correlation as plus or minus one; such "
                "entries have no standard error."
            )
