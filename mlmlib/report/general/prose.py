"""The paragraphs of a paper on a generalized mixed model: method with approximation and nodes, ratios, random part, in APA form.

Chapter 16 (``16_binary``) reads such a report beside the model it speaks of.

References
----------
American Psychological Association (2020). Publication manual (7th ed.), sections 6.40-6.45.
"""

from __future__ import annotations

import platform
import re

import numpy as np

from ..ledger import Ledger, Prose, joined, sign
from ..meaning import meaning
from ..prose import _capital, _centering, _predictors, _random_structure, _sizes, _where
from ..prose_random import _parameter
from ..words import Words, effects
from .kinds import method, regression
from .speech import Speech

__all__ = ["report"]

_WORKS = {
    "mlmlib": "mlmlib (Version {version}) [Computer software].",
    "larsen": "Larsen, K., & Merlo, J. (2005). Appropriate assessment of neighborhood effects on individual health: Integrating random and "
              "fixed effects in multilevel logistic regression. *American Journal of Epidemiology, 161*(1), 81\u201388.",
    "austin": "Austin, P. C., Stryhn, H., Leckie, G., & Merlo, J. (2018). Measures of clustering and heterogeneity in multilevel Poisson "
              "regression analyses of rates/count data. *Statistics in Medicine, 37*(4), 572\u2013589.",
    "pinheiro": "Pinheiro, J. C., & Chao, E. C. (2006). Efficient Laplacian and adaptive Gaussian quadrature algorithms for multilevel "
                "generalized linear mixed models. *Journal of Computational and Graphical Statistics, 15*(1), 58\u201381.",
    "breslow": "Breslow, N. E., & Clayton, D. G. (1993). Approximate inference in generalized linear mixed models. *Journal of the American "
               "Statistical Association, 88*(421), 9\u201325.",
    "goldstein": "Goldstein, H., & Rasbash, J. (1996). Improved approximations for multilevel models with binary responses. *Journal of the "
                 "Royal Statistical Society: Series A, 159*(3), 505\u2013513.",
}


def report(fit, level: float = 0.95, labels=None, units=None) -> Prose:
    """A paragraph on the analysis and one on the results; see `mlmlib.report.prose.report`."""
    words, say = Words(fit, labels, units), Ledger(level)
    speech = Speech(fit, words)
    speech.quote_categories(say)
    cited = {"mlmlib"}
    sections = [("Analysis", [" ".join(_analysis(fit, words, say, speech, cited))])]
    if not fit.converged:
        sections.append(("Results", ["The search for the estimates did not converge. There is nothing to report: "
                                     "simplify the random part or rescale the columns, and fit again."]))
    else:
        results = [" ".join([*_fixed(fit, words, say, speech), *_thresholds(fit, say)])]
        random = " ".join([*_spread(fit, words, say, speech, cited), *_parameters(fit, say), *_whole(fit, say, speech)])
        sections.append(("Results", [*results, random]))
        remarks = [say.quote(message) for message in fit.messages]
        if remarks:
            sections.append(("Remarks", remarks))
    return Prose("", tuple(sections), _references(words, cited), tuple(say.entries))


def _references(words, cited) -> tuple:
    from ... import __version__

    found = sorted((_WORKS[name].format(version=__version__) for name in cited), key=str.lower)
    return (*found, *([f"Data: {words.sheet.facts['citation']}"] if words.sheet else []))


# ------------------------------------------------------------- what was done
def _analysis(fit, words, say, speech, cited):
    from ... import __version__

    facts, mixed = speech.facts, bool(fit.n_groups)
    column = fit.design.endog_name
    outcome = f"{words.outcome} ({column})" if words.outcome != column and not hasattr(fit, "families") else words.outcome
    kind = f"{regression(facts)} regression"
    title = f"mixed-effects {kind}" if mixed else kind
    article = "An" if title[0] in "aeiou" else "A"
    yield f"{article} {title} for {outcome}{_which(fit, say, speech)} was fitted to {say.count('rows', facts.rows)} {words.rows}" + (
        f"{_sizes(fit, words, say)}." if mixed else ".")
    version, python = say.put("version of mlmlib", __version__, __version__), ".".join(platform.python_version_tuple()[:2])
    python = say.put("version of Python", python, python)
    how, source = say.quote(method(facts), "method"), _source(facts, mixed, say, cited)
    how = f"{how[:-1]}; {source})" if source and how.endswith(")") else how
    yield (f"Estimation was by {how}, with the package mlmlib "
           f"(version {version}) under Python {python}.")
    yield _predictors(fit, words)
    yield from _centering(fit, words)
    for name, text in (("exposure", "The logarithm of {} entered with coefficient 1"),
                       ("offset", "{} entered with coefficient 1"),
                       ("weights", "The log-likelihood of a row was counted {} times")):
        option = facts.option(name)
        if option is not None:
            if "1" in text:
                say.put("coefficient of the offset", 1, "1")
            yield _capital(text.format(option if isinstance(option, str) else "a given column")) + "."
    if mixed:
        yield from _random_structure(fit, words)
    yield _tests(fit, speech, mixed)


def _which(fit, say, speech):
    """What is modeled of the outcome."""
    facts = speech.facts
    if facts.binary:
        say.quote(facts.event, "event")
        return f", with the probability of {facts.event} as the mean,"
    if facts.family == "binomial":
        trials = fit.density.trials
        return (f", {say.count('events', int(fit.design.y.sum()))} in {say.count('trials', int(np.sum(trials)))} "
                "trials,"
                if trials is not None else "")
    if facts.family in ("ordinal", "multinomial"):
        labels = [say.quote(str(label), "category") for label in facts.levels]
        return (f", ordered categories {' < '.join(labels)}," if facts.family == "ordinal" else
                f", categories {joined(labels)}, each against {labels[0]},")
    return "" if hasattr(fit.family, "families") else f", with {'an' if facts.link[0] in 'aeiou' else 'a'} {facts.link} link,"


def _source(facts, mixed, say, cited):
    if not mixed:
        return ""
    if facts.method == "agq":
        cited.add("pinheiro")
        return f"Pinheiro & Chao, {say.put('year', 2006, '2006')}"
    if facts.quasi:
        known = {1: ("breslow", "Breslow & Clayton", 1993), 2: ("goldstein", "Goldstein & Rasbash", 1996)}
        key, who, year = known.get(facts.order, known[1])
        cited.add(key)
        return f"{who}, {say.put('year', year, str(year))}"
    return ""


def _tests(fit, speech, mixed):
    text = "Confidence intervals (CI) are Wald intervals"
    scales = ["in the logarithm for standard deviations (SD)"] if mixed else []
    if speech.ratio:
        scales.insert(0, f"exponentiated for {speech.ratio}s" + (f" ({speech.symbol})" if speech.symbol != "ratio" else ""))
    if mixed and any(shape.name in ("unstructured", "exchangeable") and len(term.names) > 1
                     for term, shape in zip(fit.design.random, fit.model.structures)):
        scales.append("in Fisher's z for correlations")
    text += f", {joined(scales)}" if scales else ""
    same = " Coefficients compare rows of the same group, or of groups that are equal in all that the model does not name." if mixed else ""
    return (f"Coefficients were tested by Wald {sign('z')} tests. {text}." if len(fit._names) > 1 else f"{text}.") + same


# ------------------------------------------------------------- what came out
def _fixed(fit, words, say, speech):
    table = fit.coef_table(say.level)
    for name in fit._names:
        row, read, own = table.loc[name], meaning(words, name), speech.of(name)
        yield _sentence(fit, words, say, own, read, row, name)


def _numbers(say, own, name, row, ratio=True):
    places = say.places(row["se"])
    b = (f"{sign('b')} = {say.plain(f'{name}: b', row['estimate'], places)}, {sign('SE')} = "
         f"{say.plain(f'{name}: SE', row['se'], places)}")
    if not ratio or not own.ratio:
        return f"{b}, {say.interval(name, row['lower'], row['upper'], say.level, places=places)}"
    wide = say.put("confidence level", say.level, f"{100 * say.level:g}")
    lower, upper = (own.ratio_shown(say, f"{name}: {end} ratio", float(np.exp(row[end]))) for end in ("lower", "upper"))
    value = own.ratio_shown(say, f"{name}: ratio", float(np.exp(row["estimate"])))
    return f"{own.symbol} = {value}, {wide}% CI [{lower}, {upper}], {b}"


def _tested(say, name, row):
    letter = "z" if "z" in row else "t"  # of a robust covariance, each with its own degrees of freedom
    shown = f"{row['df']:,.1f}" if letter == "t" and np.isfinite(row["df"]) else ""
    df = f"({say.put(f'{name}: df', row['df'], shown)})" if shown else ""
    return f"{sign(letter)}{df} = {say.plain(f'{name}: {letter}', row[letter])}, {say.p(f'{name}: p', row['p'])}"


def _sentence(fit, words, say, own, read, row, name):
    where, focal = _where(say, read.conditions), read.focal
    if read.kind == "intercept":
        text = _numbers(say, own, name, row, ratio=False)
        typical = f" in a typical {joined(words.group(g) for g in fit.n_groups)}" if fit.n_groups else ""
        if not own.has_level:
            return _capital(f"{where}the intercept of {own.event} was {text}.")
        return _capital(f"{where}{own.level}{typical} was "
                        f"{own.shown(say, f'{name}: level', own.mean(row['estimate']))} ({text}).")
    both = f"{_numbers(say, own, name, row)}, {_tested(say, name, row)}"
    open_sign, higher = row["lower"] <= 0 <= row["upper"], "higher" if row["estimate"] > 0 else "lower"
    subject = own.subject if own.ratio or own.link == "identity" else f"the linear predictor of {own.event} ({own.link})"
    were = own.were if own.ratio else "was"
    if read.kind == "slope":
        unit = words.unit(focal.column)
        per = f"per unit of {focal.column}{f', {unit}' if unit else ''}"
        if open_sign:
            text = f"the interval for {focal.column}{_part(own)} ({per}) included {_null(own, say)}"
        elif focal.group:
            text = f"in {words.groups(focal.group)} with higher {focal.column}, {subject} {were} {higher} ({per})"
        else:
            article = "" if were == "were" else "a "
            text = f"higher {focal.column} went with {article}{higher} {subject.removeprefix('the ')} ({per})"
    elif read.kind == "category":
        if open_sign:
            text = (f"the interval for the difference between {focal.category} and {focal.reference} "
                    f"({focal.column}){_part(own)} included {_null(own, say)}")
        else:
            inside = f"in {words.groups(focal.group)}" if focal.group else f"for {words.rows}"
            text = f"{subject} {were} {higher} {inside} with {focal.column} = {focal.category} than with {focal.column} = {focal.reference}"
    elif read.kind == "product":
        other = read.moderator
        kind = "cross-level interaction" if read.cross_level else "interaction"
        first = focal.column if focal.category is None else f"{focal.column} = {focal.category}"
        second = other.column if other.category is None else f"{other.column} = {other.category}"
        if open_sign:
            text = f"the interval for the {kind} of {first} and {second}{_part(own)} included {_null(own, say)}"
        else:
            what = own.ratio or "slope"
            text = f"the {what} of {first} was {higher} where {second}" + (
                f" was higher ({kind})" if other.category is None
                else f" than where {other.column} = {other.reference} ({kind})")
    else:
        text = f"the coefficient of {words.short(name)} was"
        return _capital(f"{where}{text} {both}.")
    return _capital(f"{where}{text}, {both}.")


def _null(own, say):
    return say.put("equal", 1, "1") if own.ratio else "zero"


def _part(own):
    return f" in {own.event}" if own.part else ""


def _thresholds(fit, say):
    if fit.family.name != "ordinal":
        return
    rows = fit.threshold_table(say.level)
    parts = [f"{say.quote(_cut(name), 'threshold')}: {say.plain(f'threshold {name}', row.estimate)} ({sign('SE')} = "
             f"{say.plain(f'threshold {name}: SE', row.se)})"
             for name, row in zip(rows.index, rows.itertuples(index=False))]
    yield f"The thresholds were {joined(parts)}."


def _cut(name) -> str:
    """A threshold's name: ``1|2``, and ``1|2 with contact (yes)`` of what a predictor adds to it."""
    cut, colon, column = str(name).partition(": ")
    return cut + (" with " + re.sub(r"\[(?:T\.)?([^\]]*)\]", r" (\1)", column) if colon else "")


def _spread(fit, words, say, speech, cited):
    if not fit.n_groups:
        return
    from ...glmm.median_ratio import median_ratio

    table = fit.random_table(scale="sd", level=say.level)
    for group in fit.n_groups:
        parts = []
        for row in table[table["group"] == group].itertuples(index=False):
            kind, effect = row.name.split("(", 1)
            if fit.is_singular:
                row = row._replace(lower=float("nan"), upper=float("nan"))
            names = effects(effect[:-1])
            parts.append(_parameter(_Plain(words), say, row, kind, names, group, say.level))
        yield f"Between {words.groups(group)}, {joined(parts)}, on {speech.scale}."
        first = next((k for t, T in zip(fit.design.random, fit._T) if t.group == group
                      for k, n in enumerate(t.names) if n == "Intercept"), None)
        if first is not None and speech.symbol in ("OR", "RR") and speech.ratio != "risk ratio":
            variance = next(T[first, first] for t, T in zip(fit.design.random, fit._T) if t.group == group
                            and "Intercept" in t.names)
            ratio = float(median_ratio(variance))
            key, who, year = ("larsen", "Larsen & Merlo", 2005) if speech.symbol == "OR" else ("austin", "Austin et al.", 2018)
            cited.add(key)
            slopes = [n for t in fit.design.random if t.group == group for n in t.names if n != "Intercept"]
            at = f" where {say.quote(joined(words.zero(n) for n in slopes), 'condition')}" if slopes else ""
            yield (f"The median {'odds' if speech.symbol == 'OR' else 'rate'} ratio between two "
                   f"{words.groups(group)}{at} was {speech.ratio_shown(say, f'{group}: median ratio', ratio)} ({who}, "
                   f"{say.put('year', year, str(year))}).")
        yield from _icc(fit, words, say, group)


class _Plain:
    """Words whose amounts have no unit, because they are on the link's scale."""

    def __init__(self, words):
        self.words = words

    def __getattr__(self, name):
        return getattr(self.words, name)

    @staticmethod
    def amount(text):
        return text


def _icc(fit, words, say, group):
    if fit.family.name not in ("binomial", "bernoulli", "ordinal") or group.startswith("mm("):
        return
    from ... import clustering

    try:
        rho = clustering.icc(fit, say.level, group=group)
    except ValueError:
        return
    slopes = dict.fromkeys(n for t in fit.design.random for n in t.names if n != "Intercept")
    at = f" where {say.quote(joined(words.zero(n) for n in slopes), 'condition')}" if slopes else ""
    text = f"The intraclass correlation on the latent scale{at} was ICC = {say.share(f'{group}: ICC', rho.estimate)}"
    yield text + (f", {say.interval('ICC', rho.lower, rho.upper, say.level, bounded=True)}."
                  if rho.lower == rho.lower else ".")


def _parameters(fit, say):
    """Dispersion and the like."""
    if not len(fit.dispersion):
        return
    parts = []
    for row in fit.dispersion_table(say.level).itertuples(index=False):
        places = say.places(row.se) if row.se == row.se else 3
        parts.append(f"{row.name} was {say.plain(row.name, row.estimate, places)}" + (
            f", {say.interval(row.name, row.lower, row.upper, say.level, places=places)}"
            if row.lower == row.lower else ""))
    yield f"Of the distribution's own parameters, {joined(parts)}."


def _whole(fit, say, speech):
    if speech.facts.quasi:
        yield f"Quasi-likelihood has no deviance, and its estimates are known to lie too near to zero where groups are small ({say.count('parameters', fit.n_params)} parameters)."
        return
    if fit.n_groups and hasattr(fit, "lr_vs_linear"):
        from ..prose_random import _test

        yield _test(fit, say)
    deviance = -2 * fit.llf
    yield f"The deviance was {say.put('deviance', deviance, f'{deviance:,.1f}')} ({say.count('parameters', fit.n_params)} parameters)."


