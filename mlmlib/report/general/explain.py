"""A generalized mixed model read aloud: ratios within a group and averaged over groups, groups as ranges of probabilities or counts.

Chapters 16 to 18 (``16_binary``, ``17_counts``, ``18_categories``) read their models in this order by hand.
"""

from __future__ import annotations

import numpy as np

from ..explain import _at, _average, _far, _mind, _unknown
from ..explain_random import diagnoses
from ..ledger import Ledger, Prose, joined
from ..meaning import meaning, simple_slope
from ..words import Words
from .explain_random import distribution, thresholds, variance_part

from .kinds import method
from .messages import explained
from .speech import Speech

__all__ = ["explain"]


def explain(fit, level: float = 0.95, labels=None, units=None) -> Prose:
    """Read a fit of ``mlm.glmm`` aloud; see `mlmlib.report.explain.explain`."""
    words, say = Words(fit, labels, units), Ledger(level)
    speech, mixed = Speech(fit, words), bool(fit.n_groups)
    speech.quote_categories(say)
    sections = [("Asked", [_asked(fit, words, say, speech, mixed)])]
    if fit.converged:
        sections.append(("Fixed part", list(_fixed(fit, words, say, speech, mixed))))
        sections.append(("Variance part",
                         [*variance_part(fit, words, say, speech), *distribution(fit, words, say, speech)] or [
            f"There is none: the {words.rows} are taken as independent of one another, and the distribution has no "
            "parameter of its own."]))
        sections.append(("What the model does not know", list(_unknown(fit, words, say, mixed))))
        sections.append(("What would change our mind", list(_mind(fit, words, say, mixed))))
    trouble = explained(fit, words, say) + (list(diagnoses(fit, words, say)) if mixed else [])
    calm = "None: the search converged, and no variance lies on the boundary." if mixed else "None: the search converged."
    sections.append(("Messages", trouble or [calm]))
    return Prose(f"{fit.formula}, read aloud", tuple(sections), (), tuple(say.entries))


def _asked(fit, words, say, speech, mixed):
    facts = speech.facts
    columns = list(dict.fromkeys(words.named(p.column) for name in fit._names for p in words.pieces(name)))
    rows = f"{say.count('rows', facts.rows)} {words.rows}"
    asked = {"multinomial": f"the choice among {joined(map(str, facts.levels))}"}.get(facts.family, speech.subject)
    if facts.binary and words.outcome != fit.design.endog_name and asked.endswith(speech.event):
        asked += f" ({words.outcome})"
    go = "do" if asked.startswith("the odds") else "does"
    if not mixed:
        return (f"How {go} {asked} go with {joined(columns)}, among {rows} taken as independent of one another?"
                if columns else f"What is {speech.level} over {rows}?")
    groups = joined(f"{say.count('groups', n)} {words.groups(g)}" for g, n in fit.n_groups.items())
    inside = words.inside(next(iter(fit.n_groups)))
    own = []
    for g in fit.n_groups:
        effects = dict.fromkeys(words._of_outcome(n)[1] for term in fit.design.random if term.group == g
                                for n in term.names)
        own.append(f"{words.group(g)} has its own "
                   + joined("level" if n == "Intercept" else f"slope of {words.short(n)}"
                                                             for n in effects))
    when = f"when each {joined(own, 'and each') if len(own) < 3 else ', each '.join(own)}"
    how = f"The answer is by {say.quote(method(facts), 'method')}."
    if not columns:
        return f"What {'are' if go == 'do' else 'is'} {asked} among {rows} {inside} {groups}, {when}? {how}"
    return f"How {go} {asked} go with {joined(columns)}, among {rows} {inside} {groups}, {when}? {how}"


def _fixed(fit, words, say, speech, mixed):
    table = fit.coef_table(say.level)
    averaged = _averaged(fit, speech) if mixed else None
    for name in fit._names:
        row, read, own = table.loc[name], meaning(words, name), speech.of(name)
        text = _aloud(fit, words, say, own, read, row, mixed)
        text += _interval(say, own, name, read, row)
        if read.kind == "intercept" and own.has_level:
            text += _averaged_level(fit, words, say, own, read, float(row["estimate"]), mixed) + _far(fit, words, say, read)
        if averaged is not None and read.kind in ("slope", "category") and not own.part:
            text += _over_groups(fit, words, say, own, name, averaged)
        yield f"{words.short(name)}: {text}"
    yield from thresholds(fit, words, say)


def _averaged(fit, speech):
    """Coefficients averaged over groups, None where there are none or they are the model's own."""
    if not speech.ratio or speech.link in ("log", "identity"):
        return None  # with the logarithm ratios are the same within groups and over them
    try:
        return fit.marginal_coef().params
    except (ValueError, TypeError):
        return None


def _over_groups(fit, words, say, own, name, averaged):
    value = float(np.exp(averaged[name]))
    return (f" Averaged over {joined(words.groups(g) for g in fit.n_groups)}, it is "
            f"{own.ratio_shown(say, f'{name}: averaged ratio', value)}.")


def _interval(say, own, name, read, row):
    wide = say.put("confidence level", say.level, f"{100 * say.level:g}")
    if read.kind == "intercept" and own.has_level:
        ends = sorted((own.mean(row["lower"]), own.mean(row["upper"])))
        lower, upper = (own.shown(say, f"{name}: {end}", value) for end, value in zip(("lower", "upper"), ends))
        return f" The {wide}% interval runs from {lower} to {upper}."
    if own.ratio and (read.kind != "intercept" or own.link == "logit"):
        lower, upper = (own.ratio_shown(say, f"{name}: {end} ratio", float(np.exp(row[end])))
                        for end in ("lower", "upper"))
        one = say.put("equal", 1, "1")
        if read.kind == "intercept":
            return f" The {wide}% interval runs from {lower} to {upper}."
        text = f" The {wide}% interval of the ratio runs from {lower} to {upper}"
        return text + (f", on both sides of {one}: these data do not tell the direction."
                       if row["lower"] <= 0 <= row["upper"] else ".")
    places = say.places(row["se"])
    text = (f" The {wide}% interval runs from {say.plain(f'{name}: lower', row['lower'], places)} to "
            f"{say.plain(f'{name}: upper', row['upper'], places)}")
    open_sign = read.kind != "intercept" and row["lower"] <= 0 <= row["upper"]
    return text + (", on both sides of zero: these data do not tell the sign." if open_sign else ".")


def _aloud(fit, words, say, own, read, row, mixed):
    estimate, focal = float(row["estimate"]), read.focal
    places = say.places(row["se"])
    coefficient = f"coefficient {say.plain(f'{read.name}: estimate', estimate, places)}"
    if read.kind == "intercept":
        return _start(fit, words, say, own, read, estimate, coefficient, mixed)
    if read.kind == "product":
        return _product(words, say, own, read, estimate, coefficient)
    if read.kind == "other":
        return (f"the {coefficient} has no meaning by itself: draw the predictions (fit.margins) to read it with the "
                "others.")
    whose = words.groups(focal.group) if focal.group else words.rows
    same = _same(fit, words, focal, mixed)
    at = _at(say, read.conditions)
    if read.kind == "slope":
        one = say.put("unit", 1, "1")
        pair = f"of two {whose}{same} that differ by {one} in {words.described(focal.column)}, the higher one has"
    if own.ratio:
        ratio = own.ratio_shown(say, f"{read.name}: ratio", float(np.exp(estimate)))
        told = f"({own.ratio} {ratio}; {coefficient})."
        if read.kind == "category":
            return (f"{own.subject} {own.verb} {ratio} times as high for {whose} with {focal.column} = "
                    f"{focal.category} as for {whose}{same} with {focal.column} = {focal.reference}{at} {told}")
        subject = own.subject.removeprefix("the ")
        article = "" if subject.startswith("odds") else "a " if subject[0] not in "aeiou" else "an "
        return f"{pair} {article}{subject} that {own.verb} {ratio} times as high{at} {told}"
    more = "higher" if estimate > 0 else "lower"
    size = say.plain(f"{read.name}: size", abs(estimate), places)
    what = "linear predictor" if own.link != "identity" else own.subject.removeprefix("the ")
    scale = f" ({own.scale})" if own.link != "identity" else ""
    if read.kind == "category":
        return (f"the {what} is {size} {more} for {whose} with {focal.column} = {focal.category} than for "
                f"{whose}{same} with {focal.column} = {focal.reference}{scale}{at}.")
    return f"{pair} a {what} that is {size} {more}{scale}{at}."


def _same(fit, words, focal, mixed):
    """Whose comparison it is: within a group, or between groups that are equal otherwise."""
    if not mixed:
        return ""
    groups = joined(words.group(g) for g in fit.n_groups)
    if focal.group:
        return " alike in all that the model does not name"
    return f" of the same {groups}"


def _start(fit, words, say, own, read, estimate, coefficient, mixed):
    """The intercept: the outcome of a typical group where predictors are zero."""
    who = f"a {words.row}"
    if mixed:
        factor = next(iter(fit.n_groups))
        who += f" {words.inside(factor)} {_average(fit, words).replace('an average', 'a typical')}"
    where = _at(say, read.conditions, " with ")
    if not own.has_level:
        odds = own.ratio_shown(say, f"{read.name}: odds", float(np.exp(estimate)))
        return f"for {who}{where}, {own.subject} are {odds} ({coefficient})."
    text = f"for {who}{where}, {own.level} is {own.shown(say, f'{read.name}: level', own.mean(estimate))} ({coefficient})."
    return text


def _averaged_level(fit, words, say, own, read, estimate, mixed):
    """The same averaged over groups, where it differs in what is printed."""
    if not mixed or own.part or own.link == "identity":
        return ""
    from ...glmm.marginal_mean import averaged_mean
    from ...errors import DataError

    variance = sum(T[k, k] for term, T in zip(fit.design.random, fit._T) for k, n in enumerate(term.names)
                   if n == "Intercept")
    try:
        value = float(averaged_mean(fit.link, np.array([estimate]), np.array([variance]))[0][0])
    except DataError:
        return ""
    return f" Averaged over {joined(words.groups(g) for g in fit.n_groups)} it is {own.shown(say, f'{read.name}: averaged level', value)}."


def _product(words, say, own, read, estimate, coefficient):
    focal, other = read.focal, read.moderator
    what = own.ratio or "slope"
    whose = focal.column if focal.category is None else f"{focal.category} against {focal.reference} ({focal.column})"
    at = _at(say, read.conditions)
    if not own.ratio:
        size = say.plain(f"{read.name}: size", abs(estimate), say.places(abs(estimate)))
        shift = f"the slope of {whose} is {size} {'higher' if estimate > 0 else 'lower'} on {own.scale}"
    else:
        ratio = own.ratio_shown(say, f"{read.name}: ratio", float(np.exp(estimate)))
        shift = f"the {what} of {whose} is {ratio} times as large"
    if other.category is None:
        text = f"for each {say.put('unit', 1, '1')} more of {other.column}, {shift}{at} ({coefficient})"
    else:
        text = f"{shift} with {other.column} = {other.category} as with {other.reference} ({coefficient})" if own.ratio else (
            f"{shift} with {other.column} = {other.category} than with {other.reference}")
        slope = simple_slope(words, read, say.level)
        if slope:
            value = float(np.exp(slope[0])) if own.ratio else slope[0]
            shown = own.ratio_shown(say, f"{read.name}: simple ratio", value) if own.ratio else say.plain(
                f"{read.name}: simple slope", value, say.places(slope[1]))
            text += f"; there it is {shown}{_at(say, slope[4])}"
    return text + "."


