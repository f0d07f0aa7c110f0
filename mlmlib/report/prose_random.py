"""The random part in a paper's words, and the works that a report cites."""

from __future__ import annotations

from ..clustering import icc
from ..r2 import shares
from .ledger import joined, sign
from .prose_rows import correlated, has_structure, residual_sd, shares_defined
from .prose_rows import results as results_rows
from .words import effects

__all__ = ["OPEN", "references", "results_random"]

OPEN = 10.0     # an interval of a standard deviation whose upper end is so many times the lower leaves its size open
_RIGHTS = "Nakagawa & Schielzeth, 2013"
_WORKS = {
    "mlmlib": "mlmlib (Version {version}) [Computer software].",
    "nakagawa": "Nakagawa, S., & Schielzeth, H. (2013). A general and simple method for obtaining *R*\u00b2 from generalized linear "
                "mixed-effects models. *Methods in Ecology and Evolution, 4*(2), 133\u2013142.",
    "johnson": "Johnson, P. C. D. (2014). Extension of Nakagawa & Schielzeth's *R*\u00b2GLMM to random slopes models. *Methods in Ecology "
               "and Evolution, 5*(9), 944\u2013946.",
    "satterthwaite": "Kuznetsova, A., Brockhoff, P. B., & Christensen, R. H. B. (2017). lmerTest package: Tests in linear mixed effects "
                     "models. *Journal of Statistical Software, 82*(13), 1\u201326.",
    "kenward-roger": "Kenward, M. G., & Roger, J. H. (1997). Small sample inference for fixed effects from restricted maximum "
                     "likelihood. *Biometrics, 53*(3), 983\u2013997.",
}


def references(fit, words, results: bool = True, ddf: str = "wald") -> tuple:
    """The works that the report of a fit cites, and the source of the data where the sheet knows it."""
    from .. import __version__
    found = [_WORKS["mlmlib"].format(version=__version__)]
    if results and getattr(fit, "n_groups", None) and len(fit._names) > 1 and not has_structure(fit):
        found.append(_WORKS["nakagawa"])
        if _slopes(fit):
            found.append(_WORKS["johnson"])
    if results and getattr(fit, "n_groups", None) and ddf in _WORKS:
        found.append(_WORKS[ddf])
    sources = [f"Data: {words.sheet.facts['citation']}"] if words.sheet else []
    return (*sorted(found, key=str.lower), *sources)


def results_random(fit, words, say, level) -> list[str]:
    """Standard deviations and correlations, ICC, the test of the random part, explained variance, likelihood."""
    return [" ".join(_spread(fit, words, say, level)), " ".join(_whole(fit, words, say, level))]


def _spread(fit, words, say, level):
    table = fit.random_table(scale="sd", level=level)
    for group in fit.n_groups:
        parts, opens = [], []
        for row in table[table["group"] == group].itertuples(index=False):
            kind, effect = row.name.split("(", 1)
            names = effects(effect[:-1])
            if fit.is_singular:
                row = row._replace(lower=float("nan"), upper=float("nan"))
            parts.append(_parameter(words, say, row, kind, names, group, level))
            if kind == "sd" and row.lower > 0 and row.upper / row.lower > OPEN:
                opens.append("the intercepts" if names == ["Intercept"] else f"the slopes of {words.short(names[0])}")
        yield f"Between {words.groups(group)}, {joined(parts)}."
        if opens:
            yield f"The interval leaves open how much {joined(opens)} differ."
    row = table.iloc[-1]
    places = say.places(row["se"])
    structured = list(results_rows(fit, words, say, level)) if has_structure(fit) else []
    yield (f"The residual SD{say.quote(residual_sd(fit), 'condition') if has_structure(fit) else ''}{f' within {words.groups(group)}' if len(fit.n_groups) == 1 else ''} was "
           f"{words.amount(say.plain('residual SD', row['estimate'], places))}"
           f"{_ci(say, 'residual SD', row['lower'], row['upper'], level, places)}.")
    yield from structured


def _parameter(words, say, row, kind, names, group, level):
    short = [f"the {words.effects_of(n)}" for n in names]
    key = f"{group}: {row.name}"
    if kind == "corr":
        if row.estimate != row.estimate:
            return f"the correlation of {joined(short)} is not defined"
        return (f"the correlation of {joined(short)} was {sign('r')} = {say.share(key, row.estimate)}"
                f"{_ci(say, key, row.lower, row.upper, level, bounded=True)}")
    places = say.places(row.se if row.se > 0 else row.estimate)
    if row.estimate < 10 ** -places / 2:
        return f"the SD of {short[0]} was estimated as zero, on the boundary of what is possible"
    value = words.amount(say.plain(key, row.estimate, places)) + ("" if short[0].startswith("the intercepts") else f" per unit of {words.short(names[0])}")
    return f"{short[0]} had an SD of {value}{_ci(say, key, row.lower, row.upper, level, places)}"


def _ci(say, what, lower, upper, level, places=2, bounded=False):
    if lower != lower or upper != upper:
        return " (no interval: the fit is singular)"
    return f", {say.interval(what, lower, upper, level, places=places, bounded=bounded)}"


def _slopes(fit):
    return list(dict.fromkeys(n for term in fit.design.random for n in term.names if n != "Intercept"))


def _whole(fit, words, say, level):
    slopes = _slopes(fit)
    for group in fit.n_groups if shares_defined(fit) else ():
        rho = icc(fit, level, group=group)
        if correlated(fit):
            at = f" where {say.quote(joined(map(words.zero, slopes)), 'condition')}" if slopes else ""
            yield f"{say.percent('share', rho.share)} of the variance{at} lay between {words.groups(group)}."
            continue
        at = joined(map(words.zero, slopes))
        given = None if rho.kind == "unconditional" else f" and at {at}" if slopes else ""
        say.quote(at if given else "", "condition")
        of = f" of two {words.rows} of one {words.group(group)}" if len(fit.n_groups) > 1 else ""
        text = f"the intraclass correlation{of}"
        text = f"Given the predictors{given}, {text}" if given is not None else f"T{text[1:]}"
        yield (f"{text} was ICC = {say.share('ICC', rho.estimate)}"
               + (f", {say.interval('ICC', rho.lower, rho.upper, level, bounded=True)}"
                  if rho.lower == rho.lower else "")
               + (f"; {say.percent('share', rho.share)} of the variance lay between {words.groups(group)}."
                  if len(fit.n_groups) > 1 else "."))
    yield _test(fit, say)
    yield from () if has_structure(fit) else _explained(fit, say, slopes)
    kind = "REML criterion" if fit.reml else "deviance"
    yield (f"The {kind} was {say.put(kind, fit.criterion, f'{fit.criterion:,.1f}')} "
           f"({say.count('parameters', fit.n_params)} parameters).")


def _explained(fit, say, slopes):
    fixed, random, residual = shares(fit)
    whole = fixed + random + residual
    cite = _RIGHTS + ("; Johnson, 2014" if slopes else "")
    both = f"conditional {sign('R')}\u00b2 = {say.share('conditional R2', (fixed + random) / whole)}"
    if len(fit._names) > 1:
        yield (f"The fixed part's predictions made up {say.percent('marginal R2', fixed / whole)} of the variance "
               f"(marginal {sign('R')}\u00b2 = {say.share('marginal R2', fixed / whole)}), those of fixed and random "
               f"part together {say.percent('conditional R2', (fixed + random) / whole)} ({both}; {cite}).")


def _test(fit, say):
    test = fit.lr_vs_linear()
    if test.distribution.startswith("chibar2"):
        zero, one = say.put("df", 0, "0"), say.put("df", 1, "1")
        shown = "\u03c7\u0304\u00b2"
        tail = f" (an equal mixture of \u03c7\u00b2({zero}) and \u03c7\u00b2({one}), because a variance cannot be negative)"
    else:
        df = max(test.df) if isinstance(test.df, tuple) else test.df
        shown = f"\u03c7\u00b2({say.put('df', df, f'{df:g}')})"
        tail = " (conservative, because variances cannot be negative)" if test.note else ""
    what = "restricted likelihood-ratio" if fit.reml else "likelihood-ratio"
    same = " with the same structure of the residuals" if has_structure(fit) else ""
    return (f"Against the model without random effects{same}, the {what} test gave {shown} = "
            f"{say.put('LR statistic', test.statistic, f'{test.statistic:,.2f}')}, "
            f"{say.p('p of LR', test.pvalue)}{tail}.")
