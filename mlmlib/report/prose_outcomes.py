"""Models of several outcomes in prose: read aloud, and reported.

Chapter 15 (``15_multivariate``) reads the correlations at each level.  Coefficients are read as those of one outcome
are, each with its own outcome's name and unit.
"""

from __future__ import annotations

from .ledger import Ledger, joined
from .words import Words, effects

__all__ = ["analysis", "asked", "mind", "report_variances", "structure", "unknown", "variances"]


def _together(words) -> str:
    return joined(words.named(name) for name in words.fit.outcomes)


def asked(fit, words: Words, say: Ledger) -> str:
    """What the model asks."""
    columns = list(dict.fromkeys(words.named(p.column) for name in fit._names for p in words.pieces(name)))
    rows = f"{say.count('rows', fit.n_units)} {words.rows}"
    groups = joined(f"{say.count('groups', n)} {words.groups(g)}" for g, n in fit.n_groups.items())
    where = f" {words.inside(next(iter(fit.n_groups)))} {groups}" if groups else ""
    how = (
        f"How do {_together(words)} go with {joined(columns)}"
        if columns
        else f"What are the means of {_together(words)}"
    )
    levels = joined(["among " + words.rows, *(f"between {words.groups(g)}" for g in fit.n_groups)])
    return f"{how}, in {rows}{where}, and how do the outcomes go together, {levels}?"


def _effect(words, name: str) -> str:
    """A random effect or a residual in words: ``the coursework``, ``the slope of year in math``."""
    outcome, own = words._of_outcome(name)
    if not outcome:
        return words.label(name)
    return words.label(outcome) if own == "Intercept" else f"{words.label(outcome)} (slope of {words.short(own)})"


def _levels(fit, level):
    """Of each level: its name, and its standard deviations and correlations, as (kind, effects, row)."""
    table = fit.random_table("sd", level)
    for group in dict.fromkeys(table["group"]):
        own = []
        for row in table[table["group"] == group].itertuples(index=False):
            kind, _, inner = row.name.partition("(")
            own.append((kind, effects(inner[:-1]), row))
        yield group, own


def variances(fit, words: Words, say: Ledger):
    """The variance part, a paragraph for each level."""
    wide = say.put("confidence level", say.level, f"{100 * say.level:g}")
    for group, own in _levels(fit, say.level):
        first = _between(fit, words, group)
        sds = []
        for kind, names, row in own:
            if kind == "sd":
                outcome, effect = words._of_outcome(names[0])
                unit = words.unit(outcome or names[0]) if effect in (names[0], "Intercept") else ""
                size = say.plain(f"{group}: {row.name}", row.estimate, _places(say, row))
                sds.append(f"{size}{f' {unit}' if unit else ''} in {_effect(words, names[0])}")
        text = (
            f"{first}, given the predictors, the SD is {joined(sds)}."
            if _predicted(fit)
            else f"{first} the SD is {joined(sds)}."
        )
        for kind, names, row in own:
            if kind != "sd" and row.estimate == row.estimate:
                pair = " and ".join(_effect(words, n) for n in names)
                text += (
                    f" {pair[0].upper()}{pair[1:]} correlate "
                    f"{say.share(f'{group}: {row.name}', row.estimate)}{_interval(say, group, row, wide)}."
                )
        yield text


def _between(fit, words, group: str) -> str:
    """At which level."""
    if group != "Residual":
        return f"Between {words.groups(group)}"
    return f"Between {words.rows}" + (
        f" of the same {joined(words.group(g) for g in fit.n_groups)}" if fit.n_groups else ""
    )


def _predicted(fit) -> bool:
    return any(not name.endswith("Intercept") for name in fit._names)


def _places(say, row) -> int:
    return say.places(row.se if row.se == row.se and row.se > 0 else abs(row.estimate) / 100 or 1.0)


def _interval(say, group, row, wide) -> str:
    if row.lower != row.lower:
        return ""
    low, high = say.share(f"{group}: {row.name}: lower", row.lower), say.share(f"{group}: {row.name}: upper", row.upper)
    sides = "; its interval holds zero" if row.lower <= 0 <= row.upper else ""
    return f" ({wide}% interval {low} to {high}{sides})"


def unknown(fit, words: Words):
    """What the model does not know."""
    for group in fit.n_groups:
        yield (
            f"Why {words.groups(group)} differ: all that sets them apart and is not in the model is in "
            "their deviations, under no name."
        )
    yield (
        "Which outcome comes first: a correlation at any level says that outcomes go together, and "
        "not that one moves the other."
    )
    if any(len(fit.wide_endog[name].dropna()) < fit.n_units for name in fit.outcomes):
        yield (
            f"Why an outcome is missing. {words.rows[0].upper()}{words.rows[1:]} without it are used with "
            "the others, which is right if "
            "what is missing depends only on what is in the model."
        )


def mind(fit, words: Words, say: Ledger):
    """What would change our mind."""
    table = fit.coef_table(say.level, say.ddf)
    doubtful = [words.short(n) for n, row in table.iterrows() if words.pieces(n) and row["lower"] <= 0 <= row["upper"]]
    if doubtful:
        yield f"More data on {joined(doubtful)}: a coefficient whose interval holds zero may well be on its other side."
    yield (
        "The same comparison on another scale: whether a coefficient is larger for one outcome than "
        "for another (fit.test_equal) has "
        "a meaning only where the outcomes' scales do."
    )


def analysis(fit, words: Words, say: Ledger):
    """The first sentences of a report."""
    groups = joined(f"{say.count('groups', n)} {words.groups(g)}" for g, n in fit.n_groups.items())
    where = f" {words.inside(next(iter(fit.n_groups)))} {groups}" if groups else ""
    kind = "multivariate linear mixed model" if groups else "multivariate linear model"
    yield (
        f"A {kind} for {_together(words)} was fitted to {say.count('rows', fit.n_units)} {words.rows}{where}, with "
        f"{say.count('outcomes', int(fit.nobs))} outcomes in all."
    )


def structure(fit, words: Words):
    """The covariance matrices, as a report says them."""
    from .prose import _STRUCTURES

    for term, shape in zip(fit.design.random, fit.model.structures):
        yield (
            f"The random effects of all outcomes varied together between {words.groups(term.group)}, with normal "
            f"distributions{_STRUCTURES[shape.name]}."
        )
    yield f"The residuals of one {words.row} had a variance for each outcome and a correlation for each pair."


def report_variances(fit, words: Words, say: Ledger, level: float):
    """The random part of a report, a paragraph for each level."""
    for group, own in _levels(fit, level):
        parts = []
        for kind, names, row in own:
            if row.estimate != row.estimate:
                continue
            what, bounded = f"{group}: {row.name}", kind != "sd"
            name = ("the SD of " if kind == "sd" else "the correlation of ") + " and ".join(
                _effect(words, n) for n in names
            )
            places = _places(say, row)
            shown = say.share(what, row.estimate) if bounded else say.plain(what, row.estimate, places)
            interval = (
                ""
                if row.lower != row.lower
                else f", {say.interval(what, row.lower, row.upper, level, places=places, bounded=bounded)}"
            )
            parts.append(f"{name} was {shown}{interval}")
        yield f"{_between(fit, words, group)}, {'; '.join(parts)}."
    kind = "REML criterion" if fit.reml else "deviance"
    value, count = say.put(kind, fit.criterion, f"{fit.criterion:,.1f}"), say.count("parameters", fit.n_params)
    yield f"The {kind} was {value} ({count} parameters)."
