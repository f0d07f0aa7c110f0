"""The structure of the residuals in words: what was asked for, what was estimated, and what it says of two rows.

Chapter 14 (``14_growth_shapes``) reads such models.
"""

from __future__ import annotations

import numpy as np

from .ledger import joined, sign
from .translate.residuals import of_rows

__all__ = ["aloud", "has_structure", "methods", "correlated", "residual_sd", "results", "shares_defined"]

PHI, THETA, DELTA, RHO = "\u03c6", "\u03b8", "\u03b4", "\u03c1"
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def has_structure(fit) -> bool:
    """Whether correlation= or variance= was given."""
    return hasattr(fit, "residual_table")


def shares_defined(fit) -> bool:
    """Whether there is one variance of rows, of which shares can be taken: not where it differs between rows."""
    return (not has_structure(fit) or not fit.model.rows.variances) and all(t.members is None for t in fit.design.random)


def correlated(fit) -> bool:
    """Whether residuals are correlated, so that rows of a group have more in common than its effects."""
    return has_structure(fit) and fit.model.rows.correlation is not None


class _Structure:
    """Rows of ``residual_table`` by structure, and the words for groups and times."""

    def __init__(self, fit, words, level):
        self.fit, self.words = fit, words
        self.found = of_rows(fit.model.correlation, fit.model.variance, fit.design, fit.model.rows)
        self.table = {row.name: row for row in fit.residual_table(level).itertuples(index=False)}
        group = self.found.group
        self.one = words.group(group) if group else "the series"
        self.many = f"one {self.one}" if group else "the series"
        if group and self.one == "group":
            self.many = f"one group of {group.split(':')[-1]}"
        self.rows = words.rows

    def own(self, owner):
        return [row for name, row in self.table.items() if name.startswith(f"{owner}: ")]

    def step(self, say, count="one"):
        """``one step (2 of age) apart``."""
        found = self.found
        what = "steps" if count != "one" else "step"
        if found.time is None:
            return f"{count} {'places' if count != 'one' else 'place'} apart in the order of the rows"
        if found.step is None or found.kind == "car1":
            return f"{count} {what} of {found.time} apart"
        size = found.step * (_NUMBERS.index(count) if count in _NUMBERS else 1)
        return f"{say.put('distance in time', size, f'{size:g}')} apart" + (f" in {found.time}" if count == "one" else "")


def methods(fit, words):
    """What the report's first paragraph says of the residuals."""
    own = _Structure(fit, words, 0.95)
    found, kind = own.found, own.found.kind
    if kind:
        title = {"ar1": "a first-order autoregression, AR(1)",
                 "car1": "a first-order autoregression in continuous time",
                 "arma11": "an autoregression with a moving average, ARMA(1,1)",
                 "cs": "one correlation for all pairs (compound symmetry)",
                 "toeplitz": "a correlation for each distance (Toeplitz)", "un": "a correlation for each pair of occasions"}[kind]
        time = f" in {found.time}" if found.time and kind != "cs" else ""
        # the name has ones of its own
        yield f"Residuals within {own.many} were correlated, with {title}{time}."
    for one in found.variances:
        yield {"by_group": f"The residual variance was estimated for each category of {one.column}.",
               "power": f"The residual SD was proportional to a power of the absolute value of {one.column}.",
               "exponential": f"The residual SD was proportional to the exponential of a multiple of {one.column}."}[one.name]


def residual_sd(fit) -> str:
    """Where the residual SD that is printed holds: a phrase to put after it."""
    places = []
    for one in fit.model.rows and _variances(fit):
        if one.name == "by_group":
            places.append(f"{one.column} = {_reference(fit, one)}")
        else:
            places.append(f"{one.column} = {'1' if one.name == 'power' else '0'}")
    return f" where {joined(places)}" if places else ""


def _variances(fit):
    variance = fit.model.variance
    return () if variance is None else variance if isinstance(variance, (list, tuple)) else (variance,)


def _levels(row, column):
    """The two categories of ``by_group(sex): sd ratio(Female / Male)``."""
    inside = row.name.removeprefix(f"by_group({column}): sd ratio(")[:-1]
    return inside.rpartition(" / ")[0], inside.rpartition(" / ")[2]


def _reference(fit, one):
    name = next(n for n in fit.residual_params.index if n.startswith(f"by_group({one.column}): "))
    return name.removesuffix(")").rpartition(" / ")[2]


def results(fit, words, say, level):
    """The estimates in APA form."""
    own = _Structure(fit, words, level)
    found = own.found
    symbols = {"ar1": PHI, "car1": PHI, "cs": RHO}

    def interval(row, places=2, bounded=False):
        if row.lower != row.lower:
            return ""
        return f", {say.interval(row.name, row.lower, row.upper, level, places=places, bounded=bounded)}"

    if found.kind in ("ar1", "car1", "cs"):
        row = own.own(found.kind)[0]
        where = own.step(say) if found.kind == "ar1" else f"one unit of {found.time} apart" if found.kind == "car1" else ""
        yield (f"The correlation of residuals within {own.many}{f', {where},' if where else ''} was "
               f"{sign(symbols[found.kind])} = {say.share(row.name, row.estimate)}{interval(row, bounded=True)}.")
    elif found.kind == "arma11":
        phi, theta = own.own("arma11")
        yield (f"The parameters of the residuals were {sign(PHI)} = "
               f"{say.share(phi.name, phi.estimate)}{interval(phi, bounded=True)}, and {sign(THETA)} = "
               f"{say.share(theta.name, theta.estimate)}{interval(theta, bounded=True)}.")
    elif found.kind in ("toeplitz", "un"):
        rows = own.own(found.kind)
        shown = [f"{say.share(r.name, r.estimate)}{interval(r, bounded=True)} ({_pair(say, r, found)})" for r in rows]
        yield f"The correlations of residuals within {own.many} were {joined(shown)}."
    for one in found.variances:
        rows = own.own(f"{one.name}({one.column})")
        for row in rows:
            places = say.places(row.se if row.se > 0 else row.estimate)
            number = say.plain(row.name, row.estimate, places)
            if one.name == "by_group":
                level_of, reference = _levels(row, one.column)
                yield (f"The residual SD for {say.quote(f'{one.column} = {level_of}', 'category')} was {number} times "
                       f"that for {say.quote(f'{one.column} = {reference}', 'category')}{interval(row, places)}.")
            else:
                what = "power" if one.name == "power" else "rate in the exponential"
                yield f"The {what} of {one.column} in the residual SD was {sign(DELTA)} = {number}{interval(row, places)}."


def _pair(say, row, found):
    inside = row.name.partition("corr(")[2][:-1]
    if found.kind == "toeplitz":
        lag = int(inside.removeprefix("lag "))
        return f"{_count(say, lag)} step{'s' if lag > 1 else ''} apart"
    first, _, second = inside.partition(", ")
    return say.quote(f"{found.time or 'occasion'} {first} and {second}", "occasion")


def _count(say, number):
    return _NUMBERS[number] if number < len(_NUMBERS) else say.put("steps", number, str(number))


def aloud(fit, words, say):
    """What the parameters say of two rows."""
    own = _Structure(fit, words, say.level)
    yield from _memory(own, say)
    for one in own.found.variances:
        yield from _unequal(own, say, one)


def _memory(own, say):
    found, kind = own.found, own.found.kind
    if kind is None:
        return
    rows = own.own(kind)

    def share(row, value=None, what=""):
        return say.share(f"{row.name}{what}", row.estimate if value is None else value)

    def known(row):
        if row.lower != row.lower:
            return ""
        text = f" (interval from {say.share(f'{row.name}: lower', row.lower)} to {say.share(f'{row.name}: upper', row.upper)})"
        return text + (", and the interval holds zero" if row.lower <= 0 <= row.upper else "")

    start = f"What the model leaves of two {own.rows} of {own.many}"
    if kind == "ar1":
        phi = rows[0].estimate
        yield (f"{start} is correlated: {own.step(say)} they correlate {share(rows[0])}{known(rows[0])}, "
               f"{own.step(say, 'two')} {share(rows[0], phi ** 2, ': two steps')}, and so on, each step multiplying by "
               "the same number.")
    elif kind == "car1":
        size = _typical(own)
        at = say.put("typical distance in time", size, f"{size:.3g}")
        one = say.put("unit", 1, "1")
        yield (f"{start} is correlated: {one} apart in {found.time} they correlate {share(rows[0])}{known(rows[0])}, "
               f"and at the typical distance of neighbors, {at}, "
               f"{share(rows[0], rows[0].estimate ** size, ': typical distance')}.")
    elif kind == "arma11":
        phi, theta = rows
        first = (1 + phi.estimate * theta.estimate) * (phi.estimate + theta.estimate) / (
            1 + 2 * phi.estimate * theta.estimate + theta.estimate**2)
        yield (f"{start} is correlated: {own.step(say)} they correlate {share(phi, first, ': first correlation')}, and "
               f"each further step multiplies by {share(phi)}{known(phi)}.")
    elif kind == "cs":
        yield f"{start} correlates {share(rows[0])}{known(rows[0])}, however far apart they lie."
    elif kind == "toeplitz":
        shown = [f"{share(r)} {_pair(say, r, found)}" for r in rows]
        yield f"{start} is correlated: {joined(shown)}."
    else:
        least, most = min(rows, key=lambda r: r.estimate), max(rows, key=lambda r: r.estimate)
        yield (f"{start} has a correlation for each pair of occasions, from {share(least)} "
               f"({_pair(say, least, found)}) to {share(most)} ({_pair(say, most, found)}).")


def _typical(own) -> float:
    gaps = own.fit.model.rows.correlation.layout.gaps
    return float(np.median(gaps[gaps > 0]))


def _unequal(own, say, one):
    fit, words = own.fit, own.words
    if one.name == "by_group":
        for row in own.own(f"by_group({one.column})"):
            level_of, reference = (say.quote(f"{one.column} = {text}", "category") for text in _levels(row, one.column))
            places = say.places(row.se if row.se > 0 else row.estimate)
            text = f"Residuals for {level_of} scatter {say.plain(row.name, row.estimate, places)} times as much as those for {reference}"
            if row.lower == row.lower:
                text += (f" (interval from {say.plain(f'{row.name}: lower', row.lower, places)} to "
                         f"{say.plain(f'{row.name}: upper', row.upper, places)})")
            if len(own.found.variances) == 1:
                sd = fit.sigma * row.estimate
                text += f": an SD of {words.amount(say.plain(f'{row.name}: SD', sd, say.places(sd / 100)))}"
            if row.lower <= 1 <= row.upper:
                text += "; the interval holds equal SDs"
            yield text + "."
        return
    row = own.own(f"{one.name}({one.column})")[0]
    if one.name == "power":
        factor, often = 2**row.estimate, f"Where {one.column} doubles"
    else:
        x = np.asarray(fit.data[one.column], dtype=float)
        sd = float(np.nanstd(x, ddof=1))
        factor = np.exp(row.estimate * sd)
        often = f"Where {one.column} is a standard deviation ({say.plain(f'{one.column}: SD', sd, say.places(sd / 10))}) higher"
    text = f"{often}, residuals scatter {say.plain(f'{row.name}: factor', factor)} times as much"
    if row.lower == row.lower and row.lower <= 0 <= row.upper:
        text += "; the interval holds no change at all"
    yield text + "."
