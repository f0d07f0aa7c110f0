"""A fit as the paragraphs of a paper: how it was done and what came out, in APA form, every number taken from the fit.

The text says what went with what, never what led to what: a coefficient of a regression is a difference between rows or groups as
they were found. Where the data leave a sign open the text says so, and what rests on a singular fit carries the warning.

Chapter 5 (``05_level2_predictors``) reads such a report beside the model it speaks of.

References
----------
American Psychological Association (2020). Publication manual (7th ed.), sections 6.40-6.45.
"""

from __future__ import annotations

import platform

import numpy as np

from ..results import refuse_marginal
from .ledger import Ledger, Prose, joined, sign
from .meaning import meaning, simple_slope
from .own import own
from .prose_random import references, results_random
from .words import Words
from . import prose_outcomes as outcomes
from .prose_rows import has_structure, methods, residual_sd
from .prose_rows import results as results_rows

__all__ = ["report"]

_STRUCTURES = {
    "unstructured": " and an unstructured covariance matrix (all variances and covariances estimated)",
    "independent": ", a variance for each and no covariances",
    "identity": ", one variance for all and no covariances",
    "exchangeable": ", one variance and one covariance for all",
}


def report(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """A paragraph on the analysis and one on the results, in APA form.

    Parameters
    ----------
    fit : LmmResult, GlmmResult or OlsResult
    level : float
        Of the confidence intervals.
    labels : dict, optional
        {column: what it is called}; "row" for the rows, the name of a grouping factor for its groups. The data sheet serves where
        the data come from `mlm.load`.
    units : dict, optional
        {column: unit}.
    ddf : {"wald", "satterthwaite", "kenward-roger"}
        Degrees of freedom of the fixed part's tests and intervals, as in ``fit.coef_table``.

    Returns
    -------
    Prose
        Prints as text, and as HTML in a notebook; `.text`, `.markdown`, and `.numbers`: every number with what it is.

    Notes
    -----
    Chapter 5 (``05_level2_predictors``). A fit that did not converge gets no results.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ homework + (1 | schid)", mlm.load("math"))
    >>> print(report(fit).text.split(". ")[0])
    A linear mixed model for mathematics score (math, in points) was fitted to 519 students in 23 schools (5 to 67 students per
    school, M = 22.6)
    """
    if (write := own(fit, "report")) is not None:
        return write(fit, level=level, labels=labels, units=units, ddf=ddf)
    refuse_marginal(fit, "report")
    if hasattr(fit, "family"):
        from .general.prose import report as general

        return general(fit, level, labels, units)
    words, say = Words(fit, labels, units), Ledger(level, ddf)
    mixed = bool(getattr(fit, "n_groups", None))
    sections = [("Analysis", [" ".join(_analysis(fit, words, say, level, mixed))])]
    if not getattr(fit, "converged", True):
        sections.append(("Results", ["The search for the estimates did not converge. There is nothing to report: "
                                     "simplify the random part or rescale the columns, and fit again."]))
        return Prose("", tuple(sections), references(fit, words, results=False), tuple(say.entries))
    results = [" ".join(_fixed(fit, words, say, level))]
    results += list(outcomes.report_variances(fit, words, say, level)) if hasattr(fit, "outcomes") else results_random(
        fit, words, say, level) if mixed else [
        (_generalized if has_structure(fit) else _linear)(fit, words, say)]
    sections.append(("Results", results))
    remarks = [say.quote(message) for message in fit.messages]
    if remarks:
        sections.append(("Remarks", remarks))
    return Prose("", tuple(sections), references(fit, words, ddf=ddf), tuple(say.entries))


def _analysis(fit, words, say, level, mixed):
    from .. import __version__
    rows = "" if hasattr(fit, "outcomes") else say.count("rows", fit.nobs)
    unit = f", in {words.outcome_unit}" if words.outcome_unit else ""
    column = fit.design.endog_name
    outcome = f"{words.outcome} ({column}{unit})" if words.outcome != column else f"{column}{f' ({unit[2:]})' if unit else ''}"
    kind = "linear mixed model" if mixed else "linear model with a structure of its residuals" if has_structure(fit) else "linear regression"
    if hasattr(fit, "outcomes"):
        yield from outcomes.analysis(fit, words, say)
    else:
        yield f"A {kind} for {outcome} was fitted to {rows} {words.rows}{_sizes(fit, words, say) if mixed else ''}."
    method = ("ordinary least squares" if fit.method == "ols" else "maximum likelihood (ML)") if not mixed and not has_structure(fit) else (
        "restricted maximum likelihood (REML)" if fit.reml else "maximum likelihood (ML)")
    version, python = say.put("version of mlmlib", __version__, __version__), ".".join(platform.python_version_tuple()[:2])
    python = say.put("version of Python", python, python)
    yield f"Estimation was by {method}, with the package mlmlib (version {version}) under Python {python}."
    yield _predictors(fit, words)
    yield from _centering(fit, words)
    if hasattr(fit, "outcomes"):
        yield from outcomes.structure(fit, words)
    elif mixed:
        yield from _random_structure(fit, words)
    if has_structure(fit) and not hasattr(fit, "outcomes"):
        yield from (say.quote(text, "structure") for text in methods(fit, words))
    if fit.design.weights is not None:
        yield "Rows were weighted: the residual variance of a row is inversely proportional to its weight."
    yield _tests(fit, words, mixed, say)


def _tests(fit, words, mixed, say):
    if fit._t_df is not None:
        return f"Coefficients were tested by {sign('t')} tests; standard errors take the {words.rows} as independent and equally variable."
    text = "Confidence intervals (CI) are Wald intervals"
    if hasattr(fit, "outcomes"):
        text += ", symmetric in the logarithm for standard deviations (SD) and in Fisher's z for correlations"
    elif mixed:
        scales = ["in the logarithm for standard deviations (SD)"]
        if any(shape.name in ("unstructured", "exchangeable") and len(term.names) > 1
               for term, shape in zip(fit.design.random, fit.model.structures)):
            scales.append("in Fisher's z for correlations")
        text += f", symmetric {joined([*scales, 'in the logit for the intraclass correlation (ICC)'])}"
    if mixed and say.ddf != "wald":
        return _small_sample(fit, say, text.removeprefix("Confidence intervals (CI) are "))
    if len(fit._names) > 1:
        return f"Coefficients were tested by Wald {sign('z')} tests, without a small-sample correction. {text}."
    return text + "."


def _small_sample(fit, say, others):
    """Which degrees of freedom, and for which fit."""
    who = {"satterthwaite": "Satterthwaite's degrees of freedom (Kuznetsova et al., 2017)",
           "kenward-roger": "the covariance matrix and degrees of freedom of Kenward and Roger (1997)"}[say.ddf]
    year = {"satterthwaite": 2017, "kenward-roger": 1997}[say.ddf]
    say.put("year", year, str(year))
    what = f"tested by {sign('t')} tests, and given confidence intervals (CI)," if len(fit._names) > 1 else "given a confidence interval (CI)"
    text = f"{'Coefficients were' if len(fit._names) > 1 else 'The mean was'} {what} with {who}."
    if say.ddf == "kenward-roger" and not fit.reml:
        text += " For this the model was fitted again by REML, and these coefficients are reported."
    return f"{text} Other intervals are {others}."


def _sizes(fit, words, say):
    parts = []
    for factor, count in fit.n_groups.items():
        sizes = fit.group_sizes[factor]
        low, high = (say.count(f"{end} group size", int(v))
                     for end, v in (("smallest", sizes.min()), ("largest", sizes.max())))
        name = words.groups(factor) + (f" of {words.written(factor)}" if words.group(factor) == "group"
                                       and len(fit.n_groups) == 1 else "")
        spread = f"{low} {words.rows} each" if low == high else (
            f"{low} to {high} {words.rows} per {words.group(factor)}, {sign('M')} = "
            f"{say.plain('mean group size', float(sizes.mean()), 1)}")
        parts.append(f"{say.count('groups', count)} {name} ({spread})")
    return f" {words.inside(next(iter(fit.n_groups)))} {joined(parts)}"


def _predictors(fit, words):
    about, categories, products = {}, {}, []
    for name in fit._names:
        pieces = words.pieces(name)
        if len(pieces) > 1:
            products.append(" \u00d7 ".join(dict.fromkeys(p.column for p in pieces)))
        for piece in pieces:
            about[piece.column] = words.named(piece.column)
            if piece.reference is not None and piece.category not in categories.setdefault((piece.column, piece.reference), []):
                categories[piece.column, piece.reference].append(piece.category)
    for (column, reference), others in categories.items():
        compared = f"{joined(others)} compared with {reference}"
        text = about[column]
        about[column] = f"{text[:-1]}; {compared})" if text.endswith(")") else f"{text} ({compared})"
    if not about:
        return "There were no predictors."
    text = f"The predictor{'s were' if len(about) > 1 else ' was'} {joined(about.values())}"
    products = list(dict.fromkeys(products))
    if products:
        text += f", with the product{'s' if len(products) > 1 else ''} {joined(products)}"
    return text + "."


def _centering(fit, words):
    """Which slopes of level-1 columns are within groups, and which mix levels."""
    if not getattr(fit, "n_groups", None) or len(fit.n_groups) > 1 or fit.design.random[0].members is not None:
        return
    pieces = {p.column: p for name in fit._names for p in words.pieces(name) if p.plain and p.group is None}
    kinds = {column: words.centering(piece) for column, piece in pieces.items()}
    group = words.groups(next(iter(fit.n_groups)))
    for kind, text in (
        ("within", "of the predictors, {} {} centered at the means of the {}"),
        ("balanced", "of the predictors, {} had the same mean in all {}"),
        ("adjusted", "with the group means of {} in the model, the slope of {} is that within {}"),
        ("mixed", "of the predictors, {} {} not centered within {}, so that slopes combine differences within and "
                  "between them"),
    ):
        own = [column for column, found in kinds.items() if found == kind]
        if own:
            words_in = {"adjusted": (joined(own), joined(own), group), "balanced": (joined(own), group)}
            yield _capital(text.format(*words_in.get(kind, (joined(own), "were" if len(own) > 1 else "was", group)))) + "."


def _random_structure(fit, words):
    for term, shape in zip(fit.design.random, fit.model.structures):
        effects = joined("intercepts" if n == "Intercept" else f"the {words.effects_of(n)}" for n in term.names)
        text = f"{_capital(effects)} varied between {words.groups(term.group)}, with normal distributions"
        yield f"{text}{_STRUCTURES[shape.name]}." if len(term.names) > 1 else f"{text}."


def _fixed(fit, words, say, level):
    table = fit.coef_table(level, say.ddf)
    letter = "z" if "z" in table else "t"
    for name in fit._names:
        row, read = table.loc[name], meaning(words, name)
        places = say.places(row["se"])
        b = say.plain(f"{name}: b", row["estimate"], places)
        unit = words.of(name).outcome_unit if read.kind in ("intercept", "slope", "category") else ""
        numbers = (f"{sign('b')} = {b}{f' {unit}' if unit else ''}, {sign('SE')} = "
                   f"{say.plain(f'{name}: SE', row['se'], places)}, "
                   f"{say.interval(name, row['lower'], row['upper'], level, places=places)}")
        tested = "" if read.kind == "intercept" else (
            f"{sign(letter)}{_df(fit, say, name, row)} = {say.plain(f'{name}: {letter}', row[letter])}, "
            f"{say.p(f'{name}: p', row['p'])}")
        yield _sentence(words.of(name), say, read, row["estimate"] > 0, row["lower"] <= 0 <= row["upper"],
                        numbers, tested)


def _df(fit, say, name, row):
    if "df" in row and (getattr(fit, "n_groups", None) or hasattr(fit, "clusterings")):
        if not np.isfinite(row["df"]):
            return ""
        shown = f"{row['df']:,.1f}"
        return f"({say.put(f'{name}: df', row['df'], shown)})"
    return "" if fit._t_df is None else f"({say.put('df', fit._t_df, f'{fit._t_df:,}')})"


def _where(say, conditions, before="at ", after=", "):
    if not conditions:
        return ""
    for condition in conditions:
        if condition.endswith("= 0"):
            say.put("condition", 0, "0")
    return f"{before}{joined(conditions)}{after}"


def _capital(text):
    return text[0].upper() + text[1:]


def _sentence(words, say, read, positive, open_sign, numbers, tested):
    where, focal, both = _where(say, read.conditions), read.focal, f"{numbers}, {tested}"
    higher = "higher" if positive else "lower"
    if read.kind == "intercept":
        text = f"expected {words.outcome} was" if read.conditions else f"the overall mean of {words.outcome} was"
        return _capital(f"{where}{text} {numbers}.")
    if read.kind == "slope":
        unit = words.unit(focal.column)
        per = f"per unit of {focal.column}{f', {unit}' if unit else ''}"
        if open_sign:
            text = f"the interval for the slope of {focal.column}{_in(words)} ({per}) included zero"
        elif focal.group:
            text = f"{words.groups(focal.group)} with higher {focal.column} had {higher} {words.outcome} ({per})"
        else:
            text = f"higher {focal.column} went with {higher} {words.outcome} ({per})"
    elif read.kind == "category":
        if open_sign:
            text = (f"the interval for the difference between {focal.category} and {focal.reference} "
                    f"({focal.column}){_in(words)} included zero")
        else:
            inside = f"in {words.groups(focal.group)}" if focal.group else f"for {words.rows}"
            text = (f"expected {words.outcome} was {higher} {inside} with {focal.column} = {focal.category} than with "
                    f"{focal.column} = {focal.reference}")
    elif read.kind == "product":
        return _capital(f"{where}{_product(words, say, read, higher, open_sign, both)}")
    else:
        text = f"the coefficient of {words.short(read.name)} was"
        return _capital(f"{where}{text} {both}.")
    return _capital(f"{where}{text}, {both}.")


def _in(words) -> str:
    """Of several outcomes which; nothing where there is one."""
    return f" in {words.outcome}" if hasattr(words.fit, "outcomes") else ""


def _product(words, say, read, higher, open_sign, both):
    focal, other = read.focal, read.moderator
    what = f"the slope of {focal.column}{_in(words)}" if focal.category is None else (
        f"the difference between {focal.category} and {focal.reference} ({focal.column}){_in(words)}")
    kind = "cross-level interaction" if read.cross_level else "interaction"
    moderator = other.column if other.category is None else f"{other.column} = {other.category}"
    if open_sign:
        first = focal.column if focal.category is None else f"{focal.column} = {focal.category}"
        text = f"the interval for the {kind} of {first} and {moderator}{_in(words)} included zero, {both}"
    elif other.category is None:
        text = f"{what} was {higher} where {other.column} was higher ({kind}), {both}"
    else:
        text = f"{what} was {higher} for {moderator} than for {other.column} = {other.reference} ({kind}), {both}"
    slope = simple_slope(words, read, say.level, say.ddf)
    if slope:
        estimate, se, lower, upper, conditions = slope
        places, key = say.places(se), f"{read.name}: simple slope"
        text += (f"; for {other.category} it was {say.plain(key, estimate, places)}"
                 f"{_where(say, conditions, before=' (at ', after=')')}, "
                 f"{say.interval(key, lower, upper, say.level, places=places)}")
    return text + "."


def _generalized(fit, words, say):
    """The residual part of a model without random effects."""
    sd = words.amount(say.plain("residual SD", fit.sigma, say.places(fit.sigma / 100)))
    parts = [f"The residual SD{say.quote(residual_sd(fit), 'condition')} was {sd}.",
             *results_rows(fit, words, say, say.level)]
    kind = "REML criterion" if fit.reml else "deviance"
    parts.append(f"The {kind} was {say.put(kind, fit.criterion, f'{fit.criterion:,.1f}')} "
                 f"({say.count('parameters', fit.n_params)} parameters).")
    return " ".join(parts)


def _linear(fit, words, say):
    text = f"The residual SD was {words.amount(say.plain('residual SD', fit.sigma))}"
    if len(fit._names) > 1:
        text += (f"; {sign('R')}\u00b2 = {say.share('R2', fit.rsquared)}, adjusted {sign('R')}\u00b2 = "
                 f"{say.share('adjusted R2', fit.rsquared_adj)}")
    if len(fit._names) > 1 and fit._t_df is not None:
        first, second = say.count("numerator df", fit.df_model), say.count("denominator df", fit.df_resid)
        text += f", {sign('F')}({first}, {second}) = {say.plain('F', fit.fvalue)}, {say.p('p of F', fit.f_pvalue)}"
    return text + "."
