"""A panel fit read aloud, in the order in which other fits are: asked, coefficients, variance, what it does not know, what would change
our mind, messages.

Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

import numpy as np

from ..ledger import Ledger, Prose, joined
from .words import PanelWords, read, scope

__all__ = ["explain", "reading"]

_RANDOM = ("random", "mundlak", "hybrid", "hausman-taylor")
_SWEPT = ("within", "two-way", "first-difference")


def explain(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """Read a panel fit aloud; see `mlmlib.report.explain.explain`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> told = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm").explain()
    >>> print(told.sections[1][1][0].split(".")[0])
    value: of two years of the same firm that differ by 1 in value of the firm (value; in millions of 1947 dollars), the higher one has 0
    """
    if ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is not made for fits of mlm.panel; mlm.robust has Satterthwaite's degrees of freedom for them.")
    words, say = PanelWords(fit, labels, units), Ledger(level)
    sections = [("Asked", [_asked(fit, words, say)]), ("Coefficients", list(reading(fit, words, say, fit.coef_table(level)))),
                ("Variance", list(_variance(fit, words, say))), ("What the model does not know", list(_unknown(fit, words, say))),
                ("What would change our mind", list(_mind(fit, words))),
                ("Messages", [say.quote(message) for message in fit.messages] or ["None."])]
    return Prose(f"{fit.formula}, {fit.title[0].lower()}{fit.title[1:]}, read aloud", tuple(sections), (), tuple(say.entries))


def _asked(fit, words, say) -> str:
    columns = joined(dict.fromkeys(words.named(p.column) for name in fit.frame.names if name != "Intercept"
                                   for p in words.pieces(name))) or "nothing but its mean"
    whom = {"pooled": f"whichever {words.one_group} they are from", "between": f"comparing means of {words.many} with one another",
            "within": f"comparing each {words.one_group} with itself",
            "two-way": f"comparing each {words.one_group} with itself, net of what a {words.one_time} does to all",
            "first-difference": f"comparing each {words.one_group} with itself one {words.row} before",
            "random": f"within and between {words.many} at once, as if both had one slope",
            "mundlak": f"within {words.many}, and how much another it is between them", "hybrid": f"within {words.many}, and between them",
            "hausman-taylor": f"when some predictors go with the effects of the {words.many}"}[fit.effects]
    unit = f" (in {words.outcome_unit})" if words.outcome_unit else ""
    return (f"How does {words.outcome}{unit} go with {columns}, among {say.count('rows', fit.nobs)} {words.rows} "
            f"{words.inside(words.factor)} {say.count('groups', fit.frame.J)} {words.many}, {whom}?")


def reading(fit, words, say, table):
    """A sentence or two on each coefficient."""
    for name in fit._names:
        row, about = table.loc[name], read(words, name)
        places = say.places(row["se"])
        wide = say.put("confidence level", say.level, f"{100 * say.level:g}")
        end = (f" The {wide}% interval runs from {say.plain(f'{name}: lower', row['lower'], places)} to "
               f"{say.plain(f'{name}: upper', row['upper'], places)}")
        if about.kind != "intercept" and row["lower"] <= 0 <= row["upper"]:
            end += ", on both sides of zero: these data do not tell the sign"
        yield f"{words.short(name)}: {_told(fit, words, say, about, scope(words, name), row['estimate'], places)}{end}."


def _told(fit, words, say, about, place, estimate, places) -> str:
    size = words.amount(say.plain(f"{about.name}: size", abs(estimate), places))
    more, focal = "more" if estimate > 0 else "less", about.focal
    if about.kind == "intercept":
        value = words.amount(say.plain(f"{about.name}: estimate", estimate, places))
        say.put("condition", 0, "0")
        return f"expected {words.outcome} where all predictors are 0 is {value}."
    if about.kind == "other" or about.kind == "product":
        return (f"the coefficient is {say.plain(f'{about.name}: estimate', estimate, places)}; draw predictions to read it with those it is "
                f"multiplied with.")
    for condition in about.conditions:
        if condition.endswith("= 0"):
            say.put("condition", 0, "0")
    at = f", for {joined(about.conditions)}" if about.conditions else ""
    if about.kind == "category":
        whose = {"between": words.many}.get(place, words.rows)
        return (f"{whose}{_same(words, place)} with {focal.column} = {focal.category} have {size} {more} than with {focal.column} = "
                f"{focal.reference}, in expected {words.outcome}{at}.")
    one = say.put("unit", 1, "1")
    if place == "contextual":
        base = words.short(words.part(about.name)[0])
        return (f"between {words.many} the slope of {base} is {size} {'higher' if estimate > 0 else 'lower'} than within them (the contextual "
                f"effect): of two equal {words.rows} in {words.many} whose means differ by {one}, the one where the mean is higher has {size} "
                f"{more}.")
    if place == "changes":
        return f"where {words.described(focal.column)} grows by {one} more from one {words.row} to the next, {words.outcome} grows by {size} {more}{at}."
    whose = words.many if place == "between" else words.rows
    mixed = f" That holds within and between {words.many} alike, by assumption." if place == "both" and fit.effects in (
        "random", "hausman-taylor") else f" Differences within and between {words.many} are mixed in it." if place == "both" else ""
    return (f"of two {whose}{_same(words, place)} that differ by {one} in {words.described(focal.column)}, the higher one has {size} {more} on "
            f"average{at}.{mixed}")


def _same(words, place) -> str:
    return {"within": f" of the same {words.one_group}",
            "times": f" of the same {words.one_group}, net of what their {words.times} do to all {words.many},"}.get(place, "")


def _variance(fit, words, say):
    sd = words.amount(say.plain("residual SD", fit.sigma_e if fit.effects in _RANDOM else fit.sigma))
    if fit.effects in _RANDOM:
        yield (f"{words.many[0].upper()}{words.many[1:]} depart from the line with an SD of "
               f"{words.amount(say.plain('sigma_u', fit.sigma_u))}, {words.rows} of one {words.one_group} from its own level with one of {sd}: "
               f"{say.percent('rho', fit.rho)} of the variance lies between {words.many}.")
        low, high = (say.plain(f"{end} theta", float(v)) for end, v in (("smallest", fit.theta.min()), ("largest", fit.theta.max())))
        one, zero = say.put("theta of within", 1, "1"), say.put("theta of pooled", 0, "0")
        yield (f"Each {words.row} loses {low if low == high else f'{low} to {high}'} of its {words.one_group}'s mean (theta): at {one} this would "
               f"be the within regression, at {zero} the pooled one.")
    else:
        what = {"between": f"The means of the {words.many}", "first-difference": "Changes"}.get(fit.effects, words.rows.capitalize())
        yield f"{what} scatter about what the model expects with an SD of {sd}."
    if fit.effects == "within":
        yield (f"The intercepts of the {words.many} have an SD of {words.amount(say.plain('sigma_u', fit.sigma_u))}, some of which is estimation "
               f"error.")
    shares = [f"{say.percent(f'R2 {name}', value)} of the variance {name if name != 'overall' else 'over all'}"
              for name, value in fit.r2.items() if value == value]
    if shares and len(fit._names) > ("Intercept" in fit._names):
        yield f"The predictors go with {joined(shares)}."


def _unknown(fit, words, say):
    many, one = words.many, words.one_group
    if fit.effects in _SWEPT:
        flat = [name for name in fit.frame.names if name != "Intercept" and name not in fit._names]
        yield (f"Anything about what does not change within a {one}: its effect is in the {one}'s intercept"
               f"{f'; {joined(flat)} had to be left out' if flat else ''}.")
        yield f"What changes within {many} together with the predictors and is not in the model: fixed effects take care of the constant only."
    elif fit.effects in ("random", "pooled", "between"):
        yield (f"Whether what sets {many} apart, and is not in the model, goes with the predictors. If it does, the coefficients carry it."
               + (" mlm.hausman and mlm.mundlak_test ask." if fit.effects == "random" else ""))
    elif fit.effects in ("mundlak", "hybrid"):
        yield (f"Why {many} with higher means differ: between {many} the coefficients compare different {many}, as they were found; those within "
               f"are free of all that is constant in a {one}.")
    else:
        yield "Whether the predictors taken as exogenous are: they serve as instruments, and nothing in the data says that they may."
    if fit.effects != "between":
        yield (f"Whether errors of the same {one} go together over time: standard errors take them as independent"
               f"{'' if fit.effects == 'pooled' else f' given the {one}'}. mlm.robust(fit) does not.")
    if fit.frame.J < 30:
        yield f"What another draw of {many} would give: there are only {say.count('groups', fit.frame.J)}."


def _mind(fit, words):
    many = words.many
    table = fit.coef_table()
    doubtful = [words.short(n) for n, row in table.iterrows() if n != "Intercept" and row["lower"] <= 0 <= row["upper"]]
    if doubtful:
        yield f"More data on {joined(doubtful)}: a coefficient whose interval holds zero may well be on its other side."
    if fit.effects == "random":
        yield f"Coefficients of effects='within' that are far from these: then the effects of the {many} go with the predictors."
    elif fit.effects in ("pooled", "between"):
        yield "Coefficients of effects='within' that are far from these."
    elif fit.effects == "hausman-taylor":
        yield "Coefficients that move when another predictor is named as endogenous."
    elif fit.effects in ("mundlak", "hybrid"):
        yield f"Slopes that differ between {many} (mlm.lmm with a random slope): one slope for all is an average of them."
    else:
        yield f"Slopes that differ between {many} (mlm.lmm with a random slope), or a predictor whose change follows the outcome."
    if fit.effects == "within" and fit.frame.time is not None:
        yield f"Coefficients of effects='two-way', which takes off what a {words.one_time} does to all {many}."
    if not doubtful and np.isfinite(fit.sigma_e) and fit.effects == "first-difference":
        yield "Coefficients of effects='within', which should be alike if the model is right."
