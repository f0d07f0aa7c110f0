"""A marginal model read aloud: every coefficient as a difference between means of the population, then the correlation within groups
and the standard errors.

Chapter 20 (``20_gee_and_robust``) reads its models in this order by hand.
"""

from __future__ import annotations

import numpy as np

from ..explain import _at, _far
from ..general.explain import _interval, _product
from ..general.explain_random import thresholds
from ..general.speech import Speech
from ..ledger import Ledger, Prose, joined
from ..meaning import meaning
from .seen import errors_words, words_of

__all__ = ["explain"]

_FEW = 40  # groups, as in `mlmlib.gee.marginal`


def explain(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """Read a fit of ``mlm.gee`` aloud; see `mlmlib.report.explain.explain`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> [heading for heading, _ in fit.explain().sections]
    ['Asked', 'Mean', 'Working correlation', 'Standard errors', 'What the model does not know', 'What would change our mind', 'Messages']
    """
    if ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is for linear mixed models; GEE has ddf='wald', the normal distribution.")
    words, say = words_of(fit, labels, units), Ledger(level)
    seen = words.fit
    speech = Speech(seen, words)
    speech.quote_categories(say)
    sections = [("Asked", [_asked(fit, words, say, speech)])]
    if fit.converged:
        sections += [("Mean", list(_mean(seen, words, say, speech))), ("Working correlation", list(_correlation(fit, words, say))),
                     ("Standard errors", list(_errors(fit, words, say))),
                     ("What the model does not know", list(_unknown(fit, words, say, speech))),
                     ("What would change our mind", list(_mind(fit, words, say)))]
    sections.append(("Messages", [say.quote(message) for message in fit.messages] or ["None: the estimating equations are solved."]))
    return Prose(f"{fit.formula}, read aloud", tuple(sections), (), tuple(say.entries))


def _groups(fit, words) -> tuple[str, str]:
    """One group and many, of the outermost grouping."""
    name = fit._levels[0][0]
    return words.group(name), words.groups(name)


def _asked(fit, words, say, speech) -> str:
    facts = speech.facts
    columns = list(dict.fromkeys(words.named(p.column) for name in fit._names for p in words.pieces(name)))
    asked = {"multinomial": f"the choice among {joined(map(str, facts.levels))}"}.get(facts.family, speech.subject)
    go = "do" if asked.startswith("the odds") else "does"
    counts = joined(f"{say.count('groups', n)} {words.groups(g)}" for g, n in fit.n_groups.items())
    where = f"{say.count('rows', fit.nobs)} {words.rows} {words.inside(fit._levels[0][0])} {counts}"
    text = (f"How {go} {asked} go with {joined(columns)} in the population that these {where} stand for?" if columns else
            f"What {'are' if go == 'do' else 'is'} {asked} in the population that these {where} stand for?")
    one, many = _groups(fit, words)
    return (f"{text} The answer is by generalized estimating equations: means over all {many}, not the course of a single {one}; no "
            f"distribution is assumed, only how means, and roughly variances, depend on the predictors.")


def _mean(fit, words, say, speech):
    table = fit.coef_table(say.level)
    for name in fit._names:
        row, read, own = table.loc[name], meaning(words, name), speech.of(name)
        text = _aloud(fit, words, say, own, read, row)
        far = _far(fit, words, say, read) if read.kind == "intercept" and own.has_level else ""
        yield f"{words.short(name)}: {text}{_interval(say, own, name, read, row)}{far}"
    yield from thresholds(fit, words, say)


def _aloud(fit, words, say, own, read, row) -> str:
    estimate, focal = float(row["estimate"]), read.focal
    places = say.places(row["se"])
    coefficient = f"coefficient {say.plain(f'{read.name}: estimate', estimate, places)}"
    if read.kind == "product":
        return _product(words, say, own, read, estimate, coefficient)
    if read.kind == "other":
        return f"the {coefficient} has no meaning by itself: draw the predictions (fit.margins) to read it with the others."
    if read.kind == "intercept":
        who = f"over all {words.rows}{_at(say, read.conditions, ' with ')}"
        if not own.has_level:
            odds = own.ratio_shown(say, f"{read.name}: odds", float(np.exp(estimate)))
            return f"{who}, {own.subject} are {odds} ({coefficient})."
        if own.link == "identity":
            return f"{who}, {own.level} is {words.amount(say.plain(f'{read.name}: estimate', estimate, places))}."
        return f"{who}, {own.level} is {own.shown(say, f'{read.name}: level', own.mean(estimate))} ({coefficient})."
    whose, at = words.groups(focal.group) if focal.group else words.rows, _at(say, read.conditions)
    if read.kind == "category":
        pair = (f"{whose} with {focal.column} = {focal.category}", f"those with {focal.column} = {focal.reference}")
    elif _two(fit, read.name):
        zero, one = say.put("category", 0, "0"), say.put("category", 1, "1")
        pair = (f"{whose} with {focal.column} = {one}", f"those with {focal.column} = {zero}")
    else:
        one = say.put("unit", 1, "1")
        pair = (f"{whose} that are {one} higher in {words.described(focal.column)}", f"{whose} that are not")
    if own.ratio:
        ratio = own.ratio_shown(say, f"{read.name}: ratio", float(np.exp(estimate)))
        return (f"in the population, {own.subject} {own.verb} {ratio} times as high for {pair[0]} as for {pair[1]}{at} "
                f"(marginal {own.ratio} {ratio}; {coefficient}).")
    more, size = "higher" if estimate > 0 else "lower", say.plain(f"{read.name}: size", abs(estimate), places)
    if own.link == "identity":
        return f"in the population, {own.subject} is {words.amount(size)} {more} for {pair[0]} than for {pair[1]}{at}."
    return f"in the population, the linear predictor of {own.level} is {size} {more} for {pair[0]} than for {pair[1]}{at} ({own.scale})."


def _two(fit, name) -> bool:
    """Whether a coefficient's column holds zeros and ones alone."""
    names = list(fit.design.exog_names)
    return name in names and bool(np.isin(fit.design.X[:, names.index(name)], (0.0, 1.0)).all())


def _correlation(fit, words, say):
    one, many = _groups(fit, words)
    found = fit.correlations
    if fit.corr == "independence" or not len(found):
        yield (f"Independence: {words.rows} of one {one} enter as if they had nothing in common. The estimates are right all the same; they "
               f"may be less precise than with a working correlation, and the standard errors allow for the likeness.")
        return
    values = [say.plain(f"correlation {name}", float(v)) for name, v in found["estimate"].items()]
    if hasattr(fit, "categories"):
        yield (f"One odds ratio of {values[0]} for any two {words.rows} of one {one}: how much likelier one is to be in a higher category "
               f"when the other is, given the predictors." if fit.family.name == "ordinal" else
               f"One odds ratio of {values[0]} for the same category in any two {words.rows} of one {one}, given the predictors.")
    elif fit.structure.name == "exchangeable":
        yield (f"Exchangeable: the residuals of any two {words.rows} of one {one} correlate by {values[0]}, those of two {many} not at all.")
    elif fit.structure.name == "ar1":
        one_unit, two = say.put("unit", 1, "1"), say.put("unit", 2, "2")
        squared = say.plain("correlation two units apart", float(found["estimate"].iloc[0]) ** 2)
        yield (f"First-order autoregressive: residuals of one {one} correlate by {values[0]} at times {one_unit} apart, by {squared} at "
               f"times {two} apart, and so on by powers.")
    elif fit.structure.name == "nested":
        inner = words.group(fit._levels[1][0])
        yield (f"Nested: residuals of two {words.rows} of one {inner} correlate by {values[1]}, of two {words.groups(fit._levels[1][0])} of "
               f"one {one} by {values[0]}.")
    else:
        ends = [say.plain(f"{end} correlation", float(v)) for end, v in (("lowest", found["estimate"].min()), ("highest", found["estimate"].max()))]
        yield (f"Unstructured: each pair of times has a correlation of its own, {say.count('correlations', len(found))} from {ends[0]} to "
               f"{ends[1]} (fit.correlations).")
    yield ("It is a working correlation: it decides which rows get more weight, hence the precision. Where it is wrong, the estimates "
           "still aim at the same means.")


def _errors(fit, words, say):
    one, many = _groups(fit, words)
    count = say.count("groups", len(fit._levels[0][2]))
    kind = say.quote(errors_words(fit), "standard errors")
    if fit.cov == "model":
        yield (f"{kind[0].upper()}{kind[1:]}: they hold only where working variance and correlation are right. Compare fit.se_table(), or ask for "
               f"cov='robust'.")
    else:
        yield (f"{kind[0].upper()}{kind[1:]}: how much the {count} {many} differ in what they say of each coefficient. They hold whatever the "
               f"correlation within a {one}, as long as {many} are independent and many.")
    if fit.scale is not None:
        by = f"{say.plain('scale', float(fit.scale), say.places(fit.scale / 10))}"
        what = "the residual variance" if fit.family.name == "gaussian" else "the factor on the family's variance"
        yield f"The scale is {by}: {what}, which only model-based standard errors use."


def _unknown(fit, words, say, speech):
    one, many = _groups(fit, words)
    yield (f"What happens within one {one}. The coefficients compare means of the population; {many} may differ in level and in slope "
           f"without a word here.{_shrunken(speech, one)}")
    if any(words.pieces(name) for name in fit._names):
        yield ("What would happen if a predictor were changed: the means are those of rows as they were found. Only where a predictor was "
               "assigned at random do the coefficients say more.")
        plain = dict.fromkeys(p.column for name in fit._names for p in words.pieces(name) if p.plain and p.group is None)
        mixed = [name for name in plain if name in fit._names and words.centering(words.pieces(name)[0]) == "mixed"]
        if mixed:
            yield (f"How much of the coefficient of {joined(mixed)} lies within {many} and how much between them: it mixes the two. "
                   f"mlm.within_between splits them.")
    yield ("Why rows are missing: they must be missing for no reason that has to do with the outcomes, given the predictors. A mixed model "
           "asks for less.")


def _shrunken(speech, one) -> str:
    if not speech.ratio or speech.link in ("log", "identity"):
        return ""
    return f" Within a {one} {speech.ratio}s lie farther from one than these: see mlm.glmm for them."


def _mind(fit, words, say):
    table = fit.coef_table(say.level)
    doubtful = [words.short(n) for n, row in table.iterrows() if words._of_outcome(n)[1] != "Intercept" and row["lower"] <= 0 <= row["upper"]]
    if doubtful:
        yield f"More data on {joined(doubtful)}: a coefficient whose interval holds zero may well be on its other side."
    one, many = _groups(fit, words)
    few = len(fit._levels[0][2])
    if fit.cov == "robust" and few < _FEW:
        yield (f"Standard errors that correct for few {many} (cov='mancl-derouen'): with {say.count('groups', few)} the robust ones are too "
               f"small on average.")
    if not hasattr(fit, "categories"):
        yield (f"A single {one} that carries a coefficient, or a working correlation far from that of the residuals: mlm.diagnose(fit) looks "
               f"for both.")
    yield "A mean model that bends where this one is straight: every other assurance rests on the mean being right."
