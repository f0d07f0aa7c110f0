"""A fit as the paragraphs of a paper: how it was done and what came out, in APA form, every number taken from the fit.

The text says what went with what, never what led to what: a coefficient of a regression is a difference between rows or groups as
they were found. Where the data leave a sign open the text says so, and what rests on a singular fit carries the warning.

Chapter 5 (``05_two_level_models``) reads such a report beside the model it speaks of.

References
----------
American Psychological Association (2020). Publication manual (7th ed.), sections 6.40-6.45.
"""

from __future__ import annotations

import platform

from .ledger import Ledger, Prose, joined, sign
from .meaning import meaning, simple_slope
from .prose_random import references, results_random
from .words import Words

__all__ = ["report"]

_STRUCTURES = {"unstructured": "an unstructured covariance matrix (all variances and covariances estimated)",
               "independent": "variances of their own and no covariances",
               "identity": "one variance for all and no covariances",
               "exchangeable": "one variance and one covariance for all"}


def report(fit, *, level: float = 0.95, labels=None, units=None) -> Prose:
    """A paragraph on the analysis and one on the results, in APA form.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    level : float
        Of the confidence intervals.
    labels : dict, optional
        {column: what it is called}; "row" for the rows, the name of a grouping factor for its groups. The data sheet serves where
        the data come from `mlm.load`.
    units : dict, optional
        {column: unit}.

    Returns
    -------
    Prose
        Prints as text, and as HTML in a notebook; `.text`, `.markdown`, and `.numbers`: every number with what it is.

    Notes
    -----
    Chapter 5 (``05_two_level_models``). A fit that did not converge gets no results.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ homework + (1 | schid)", mlm.load("math"))
    >>> print(report(fit).text.split(". ")[0])
    A linear mixed model for mathematics score (math, in points) was fitted to 519 students in 23 schools (5 to 67 students per school, M = 22.6)
    """
    words, say = Words(fit, labels, units), Ledger()
    mixed = bool(getattr(fit, "n_groups", None))
    sections = [("Analysis", [" ".join(_analysis(fit, words, say, level, mixed))])]
    if not getattr(fit, "converged", True):
        sections.append(("Results", ["The search for the estimates did not converge. There is nothing to report: simplify the random part "
                                     "or rescale the columns, and fit again."]))
        return Prose("", tuple(sections), references(fit, words, results=False), tuple(say.entries))
    results = [" ".join(_fixed(fit, words, say, level))]
    results += results_random(fit, words, say, level) if mixed else [_linear(fit, say)]
    sections.append(("Results", results))
    remarks = [say.quote(message) for message in fit.messages]
    if remarks:
        sections.append(("To be told with it", remarks))
    return Prose("", tuple(sections), references(fit, words), tuple(say.entries))


def _analysis(fit, words, say, level, mixed):
    from .. import __version__
    rows = say.count("rows", fit.nobs)
    unit = f", in {words.outcome_unit}" if words.outcome_unit else ""
    column = fit.design.endog_name
    outcome = f"{words.outcome} ({column}{unit})" if words.outcome != column else f"{column}{f' ({unit[2:]})' if unit else ''}"
    kind = "linear mixed model" if mixed else "linear regression"
    yield f"A {kind} for {outcome} was fitted to {rows} {words.rows}{_sizes(fit, words, say) if mixed else ''}."
    method = ("ordinary least squares" if fit.method == "ols" else "maximum likelihood (ML)") if not mixed else (
        "restricted maximum likelihood (REML)" if fit.reml else "maximum likelihood (ML)")
    version, python = say.put("version of mlmlib", __version__, __version__), ".".join(platform.python_version_tuple()[:2])
    yield f"Estimation was by {method}, with the package mlmlib (version {version}) for Python {say.put('version of Python', python, python)}."
    yield _predictors(fit, words)
    if mixed:
        yield from _random_structure(fit, words)
    if fit.design.weights is not None:
        yield "Rows were weighted: the residual variance of a row is inversely proportional to its weight."
    if mixed or fit._t_df is None:
        yield (f"Coefficients were tested by Wald {sign('z')} tests, without a small-sample correction; "
               f"confidence intervals (CI) are Wald intervals"
               + (", symmetric in the logarithm for standard deviations (SD)"
                  + (" and in Fisher's z for correlations" if any(len(t.names) > 1 for t in fit.design.random) else "") if mixed else "")
               + ".")
    else:
        yield f"Coefficients were tested by {sign('t')} tests; standard errors take the {words.rows} as independent and equally variable."


def _sizes(fit, words, say):
    parts = []
    for factor, count in fit.n_groups.items():
        sizes = fit.group_sizes[factor]
        low, high = (say.count(f"{end} group size", int(v)) for end, v in (("smallest", sizes.min()), ("largest", sizes.max())))
        mean = say.plain("mean group size", float(sizes.mean()), 1)
        name = words.groups(factor) + (f" of {factor}" if words.group(factor) == "group" else "")
        spread = f"{low} {words.rows} in each" if low == high else (
            f"{low} to {high} {words.rows} per {words.group(factor)}, {sign('M')} = {mean}")
        parts.append(f"{say.count('groups', count)} {name} ({spread})")
    return f" in {joined(parts)}"


def _predictors(fit, words):
    singles, products = [], []
    for name in fit._names:
        pieces = words.pieces(name)
        if len(pieces) > 1:
            products.append(" \u00d7 ".join(dict.fromkeys(p.column for p in pieces)))
        for piece in pieces:
            about = words.named(piece.column)
            if piece.reference is not None:
                about += f" [compared with {piece.reference}]"
            singles.append(about)
    singles, products = list(dict.fromkeys(singles)), list(dict.fromkeys(products))
    if not singles:
        return "There were no predictors."
    text = f"The predictor{'s' if len(singles) > 1 else ''} {'were' if len(singles) > 1 else 'was'} {joined(singles)}"
    if products:
        text += f", with the product{'s' if len(products) > 1 else ''} {joined(products)}"
    return text + "."


def _random_structure(fit, words):
    for term, shape in zip(fit.design.random, fit.model.structures):
        effects = ["intercepts" if n == "Intercept" else f"the slopes of {words.short(n)}" for n in term.names]
        group = words.groups(term.group)
        text = f"{joined(effects)[0].upper()}{joined(effects)[1:]} varied between {group}, with normal distributions"
        yield text + (f" and {_STRUCTURES[shape.name]}." if len(term.names) > 1 else ".")


def _fixed(fit, words, say, level):
    table = fit.coef_table(level)
    letter = "z" if "z" in table else "t"
    for name in fit._names:
        row, read = table.loc[name], meaning(words, name)
        places = say.places(row["se"])
        b = say.plain(f"{name}: b", row["estimate"], places)
        numbers = (f"{sign('b')} = {words.amount(b)}, {sign('SE')} = {say.plain(f'{name}: SE', row['se'], places)}, "
                   f"{say.interval(name, row['lower'], row['upper'], level, places=places)}")
        test = letter if fit._t_df is None else f"t({say.put('df', fit._t_df, f'{fit._t_df:,}')})"
        head, *df = test.split("(")
        tested = f"{sign(head)}{'(' + df[0] if df else ''} = {say.plain(f'{name}: {letter}', row[letter])}, {say.p(f'{name}: p', row['p'])}"
        open_sign = row["lower"] <= 0 <= row["upper"]
        yield _sentence(words, say, read, row["estimate"] > 0, open_sign, numbers, tested)


def _where(say, conditions, before="At ", after=", "):
    if not conditions:
        return ""
    for condition in conditions:
        if condition.endswith("= 0"):
            say.put("condition", 0, "0")
    return f"{before}{joined(conditions)}{after}"


def _capital(text):
    return text[0].upper() + text[1:]


def _sentence(words, say, read, positive, open_sign, numbers, tested):
    where = _where(say, read.conditions, before="at ")
    if read.kind == "intercept":
        mean = "the expected outcome" if read.conditions else "the overall mean"
        return _capital(f"{where}{mean} was {numbers}.")
    both = f"{numbers}, {tested}"
    if read.kind == "slope":
        per = _per(words, read.focal)
        if open_sign:
            return _capital(f"{where}the interval for the slope of {read.focal.column} ({per}) included zero, {both}.")
        return _capital(f"{where}higher {read.focal.column} went with {'higher' if positive else 'lower'} {words.outcome} ({per}), {both}.")
    if read.kind == "category":
        pair = f"{read.focal.category} and {read.focal.reference} ({read.focal.column})"
        if open_sign:
            return _capital(f"{where}the interval for the difference between {pair} included zero, {both}.")
        return _capital(f"{where}{words.outcome} was {'higher' if positive else 'lower'} for {read.focal.column} = {read.focal.category} "
                        f"than for {read.focal.reference}, {both}.")
    if read.kind == "product":
        return _capital(f"{where}{_product(words, say, read, positive, open_sign, both)}")
    return _capital(f"{where}the coefficient of {words.short(read.name)} was {both}.")


def _per(words, piece):
    unit = words.unit(piece.column)
    return f"per unit of {piece.column}{f', {unit}' if unit else ''}"


def _product(words, say, read, positive, open_sign, both):
    focal, other = read.focal, read.moderator
    what = f"the slope of {focal.column}" if focal.category is None else (
        f"the difference between {focal.category} and {focal.reference} ({focal.column})")
    kind = "cross-level interaction" if read.cross_level else "interaction"
    if other.category is None:
        if open_sign:
            return f"the interval for the {kind} of {focal.column} and {other.column} included zero, {both}."
        return f"{what} was {'higher' if positive else 'lower'} where {other.column} was higher ({kind}), {both}."
    if open_sign:
        text = f"the interval for the {kind} of {focal.column} and {other.column} ({other.category}) included zero, {both}"
    else:
        text = f"{what} was {'higher' if positive else 'lower'} for {other.column} = {other.category} than for {other.reference} ({kind}), {both}"
    slope = simple_slope(words, read)
    if slope:
        estimate, se, lower, upper, conditions = slope
        places = say.places(se)
        text += (f"; for {other.category} it was {words.amount(say.plain(f'{read.name}: simple slope', estimate, places))}, "
                 f"{say.interval(f'{read.name}: simple slope', lower, upper, 0.95, places=places)}"
                 f"{_where(say, conditions, before=' (at ', after=')')}")
    return text + "."


def _linear(fit, say):
    text = f"The residual SD was {say.plain('residual SD', fit.sigma)}"
    if len(fit._names) > 1 and fit._t_df is not None:
        first, second = say.count("numerator df", fit.df_model), say.count("denominator df", fit.df_resid)
        text += (f"; {sign('R')}\u00b2 = {say.share('R2', fit.rsquared)}, adjusted {sign('R')}\u00b2 = "
                 f"{say.share('adjusted R2', fit.rsquared_adj)}, {sign('F')}({first}, {second}) = {say.plain('F', fit.fvalue)}, "
                 f"{say.p('p of F', fit.f_pvalue)}")
    return text + "."
