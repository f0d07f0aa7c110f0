"""The variance part read aloud, and what a boundary, a singular fit, a large correlation or an open interval means here."""

from __future__ import annotations

import numpy as np

from ..clustering import icc
from ..r2 import shares
from ..results import normal_quantile
from .ledger import joined
from ..lmm.nested import chain_of, outer_of
from .prose_random import OPEN
from .prose_rows import aloud, correlated, has_structure, residual_sd, shares_defined

__all__ = ["changing", "diagnoses", "variance_part"]

LARGE = 0.9     # a correlation beyond which random effects nearly lie on a line


def _each(fit):
    """(term, covariance matrix, standard deviations) of every random term."""
    for term, T in zip(fit.design.random, fit._T):
        yield term, T, np.sqrt(np.maximum(np.diagonal(T), 0.0))


def _zero(fit, term, sd):
    """Which effects have no variance, to the accuracy of the search."""
    length = np.sqrt(np.mean(term.Z ** 2, axis=0))
    return sd * length < 1e-4 * fit.sigma


def _apart(say, what, sd, places):
    return say.plain(f"{what}: typical distance", 2 * sd / np.sqrt(np.pi), places)


def _range(say, what, middle, sd, places):
    half = normal_quantile(0.95) * sd
    return (f"{say.plain(f'{what}: 2.5 % point', middle - half, places)} to "
            f"{say.plain(f'{what}: 97.5 % point', middle + half, places)}")


def variance_part(fit, words, say):
    """Standard deviations, typical distances, ranges of 95 %, correlations, the residual, the ICC."""
    slopes = [n for term in fit.design.random for n in term.names if n != "Intercept"]
    for term, T, sd in _each(fit):
        zero = _zero(fit, term, sd)
        for k, name in enumerate(term.names):
            if not zero[k]:
                yield (_intercepts if name == "Intercept" else _slopes)(fit, words, say, term, name, float(sd[k]), slopes)
        for a in range(len(term.names)):
            for b in range(a + 1, len(term.names)):
                if T[a, b] and not zero[a] and not zero[b]:
                    yield _correlation(fit, words, say, term, a, b, T, sd)
    places = say.places(fit.sigma / 100)
    alike = " alike in the predictors" if len(fit._names) > 1 else ""
    home, own = _home(fit, words, slopes)
    sd = words.amount(say.plain("residual SD", fit.sigma, places))
    if has_structure(fit):
        yield f"{_capital(words.rows)} of {home} scatter about {own} with an SD of {sd}{say.quote(residual_sd(fit), 'condition')}."
        yield from aloud(fit, words, say)
    else:
        yield (f"{_capital(words.rows)} of {home} scatter about {own} with an SD of {sd}; "
               f"two of them{alike} typically lie {_apart(say, 'residual', fit.sigma, places)} apart.")
    if not shares_defined(fit):
        if any(term.members is not None for term in fit.design.random) and not has_structure(fit):
            _, between, within = shares(fit)
            groups = joined(words.groups(g) for g in fit.n_groups)
            yield (f"Of the variance that the fixed part leaves, {say.percent('share', between / (between + within))} "
                   f"lies between {groups} for the average {words.row}; what a {words.row} has of it depends on its "
                   "weights.")
        return
    for name in fit.n_groups:
        rho = icc(fit, say.level, group=name)
        left = "" if rho.kind == "unconditional" else " that the predictors leave"
        where = f" (for {say.quote(joined(map(words.zero, dict.fromkeys(slopes))), 'condition')})" if slopes else ""
        text = (f"Of the variance{left}, {say.percent('share', rho.share)} lies between {words.groups(name)}{where}")
        if correlated(fit):
            yield f"{text}."
            continue
        nested = rho.share < rho.estimate  # the rows of a nested group share the groups above it as well
        text += (f"; two {words.rows} of one {words.group(name)} share what is above it too, and their intraclass "
                 "correlation is "
                 if nested else ": the intraclass correlation is ") + say.share("ICC", rho.estimate)
        if rho.lower == rho.lower:
            text += f", with an interval from {say.share('ICC: lower', rho.lower)} to {say.share('ICC: upper', rho.upper)}"
        yield text + "."
    if correlated(fit):
        yield f"These shares are not the correlations of two {words.rows}, whose residuals are correlated besides."


def _capital(text):
    return text[0].upper() + text[1:]


def _home(fit, words, slopes):
    """The groups whose effects a row has all of, and what it scatters about."""
    chain = chain_of(fit.design)
    what = "line" if slopes else "level"
    if chain:
        one = words.group(chain[-1])
        return f"one {one}", f"their {one}'s own {what}"
    groups = [words.group(g) for g in fit.n_groups]
    if any(term.members is not None for term in fit.design.random):
        return f"the same {joined(groups)}", "what these give them"
    return joined(f"one {g}" for g in groups), f"the {what} that these give them"


def _intercepts(fit, words, say, term, name, sd, slopes):
    groups, what = words.groups(term.group), f"{term.group}: intercept"
    places = say.places(sd / 10)
    predictors = [n for n in fit._names if n != "Intercept"]
    alike = " alike in all predictors" if predictors else ""
    at = f", where {say.quote(joined(map(words.zero, dict.fromkeys(slopes))), 'condition')}," if slopes else ""
    above = outer_of(fit.design, term.group)
    inside, average = (f" {words.inside(above[-1])} {a} {words.group(above[-1])}" if above else ""
                       for a in ("one", "an average"))
    text = (f"The levels of {groups}{inside}{alike} differ{at} with an SD of "
            f"{words.amount(say.plain(f'{what}: SD', sd, places))}: two such {groups} drawn at random typically lie "
            f"{words.amount(_apart(say, what, sd, places))} apart")
    names = list(fit._names)
    if "Intercept" in names:
        middle = float(fit._params[names.index("Intercept")])
        share = say.put("range", 0.95, "95")
        zero = " with all predictors at zero or at their reference" if predictors else ""
        text += f", and {share}% of the {groups}{average}{zero} have a level from {_range(say, what, middle, sd, places)}, if levels are normal"
    return text + "."


def _slopes(fit, words, say, term, name, sd, slopes):
    from scipy.special import ndtr
    groups, what = words.groups(term.group), f"{term.group}: {name}"
    places = say.places(sd / 10)
    text = f"Slopes of {words.short(name)} differ between {groups} with an SD of {say.plain(f'{what}: SD', sd, places)}"
    names = list(fit._names)
    if name in names:
        middle = float(fit._params[names.index(name)])
        against = float(ndtr(-abs(middle) / sd))
        share = say.put("range", 0.95, "95")
        products = any(name in other.split(":") and other != name for other in names)
        where = ", with the columns it is multiplied with at zero or at their reference" if products else ""
        others = ("practically none has" if against < 0.005 else
                  f"about {say.percent(f'{what}: share of the other sign', against)} have")
        text += (f" about {say.plain(f'{what}: fixed slope', middle, places)}{where}: {share}% of the {groups} have a "
                 f"slope from {_range(say, what, middle, sd, places)}, and {others} one of the other sign")
    return text + "."


def _correlation(fit, words, say, term, a, b, T, sd):
    r = float(T[a, b] / (sd[a] * sd[b]))
    groups, what = words.groups(term.group), f"{term.group}: corr({term.names[a]}, {term.names[b]})"
    shown = say.share(what, r)
    table = fit.random_table(scale="sd", level=say.level).set_index("name")
    own = table[table["group"] == term.group].loc[f"corr({term.names[a]}, {term.names[b]})"]
    text = f"The correlation is {shown}"
    if own["lower"] == own["lower"] and not fit.is_singular:
        text += f", with an interval from {say.share(f'{what}: lower', own['lower'])} to {say.share(f'{what}: upper', own['upper'])}"
        if own["lower"] <= 0 <= own["upper"]:
            return text + f": these data do not tell whether {_pair(words, say, term, a, b, groups, True)}."
    return text + f": {_pair(words, say, term, a, b, groups, r > 0)}{_closest(fit, words, say, term, a, b, T)}."


def _closest(fit, words, say, term, a, b, T):
    """Where the groups' lines lie closest together."""
    if term.names[a] != "Intercept" or len(term.names) > 2 or not T[b, b] > 0:
        return ""
    x, where = term.Z[:, b], float(-T[a, b] / T[b, b])
    if not x.min() <= where <= x.max():
        return ""
    at = say.plain(f"{term.group}: least variance at", where, say.places(float(x.std()) / 10))
    return f"; their lines lie closest together where {words.short(term.names[b])} = {at}"


def _pair(words, say, term, a, b, groups, positive):
    first, second = term.names[a], term.names[b]
    if first == "Intercept":
        return (f"{groups} that stand higher where {say.quote(words.zero(second), 'condition')} have "
                f"{'higher' if positive else 'lower'} slopes of {words.short(second)} (move the zero, and this "
                "changes)")
    return f"{groups} with a higher slope of {words.short(first)} have a {'higher' if positive else 'lower'} one of {words.short(second)}"


def changing(fit, words, say):
    """The standard deviation that the data know least."""
    table = fit.random_table(scale="sd", level=say.level)
    rows = [r for r in table.itertuples(index=False) if r.name.startswith("sd(") and r.group != "Residual"
            and r.lower > 0]
    if not rows or fit.is_singular:
        yield "A sample with more groups: this one says too little about the variances between them."
        return
    worst = max(rows, key=lambda r: r.upper / r.lower)
    name = worst.name[3:-1]
    what = _many(words, name)
    places = say.places(worst.estimate / 10)
    key = f"{worst.group}: {worst.name}"
    yield (f"Another sample of {words.groups(worst.group)}. Of the SDs between them, that of the {what} is known "
           f"least: its interval runs from {say.plain(f'{key}: lower', worst.lower, places)} to "
           f"{say.plain(f'{key}: upper', worst.upper, places)}.")


def _many(words, name) -> str:
    """The levels, or the slopes of a column."""
    return words.effects_of(name).replace("intercepts", "levels")


def diagnoses(fit, words, say):
    """What the boundary, a large correlation or an open interval means in this model, and what to try."""
    table = fit.random_table(scale="sd", level=say.level)
    for term, T, sd in _each(fit):
        groups, zero = words.groups(term.group), _zero(fit, term, sd)
        for name in (n for n, flat in zip(term.names, zero) if flat):
            yield _boundary(fit, words, say, term, name, groups)
        for a in range(len(term.names)):
            for b in range(a + 1, len(term.names)):
                if hasattr(fit, "family") and words._of_outcome(term.names[b])[0]:  # which are no lines
                    continue
                if not zero[a] and not zero[b] and T[a, b] and abs(r := T[a, b] / (sd[a] * sd[b])) > LARGE:
                    yield _line(fit, words, say, term, a, b, float(r), T)
        for row in table[table["group"] == term.group].itertuples(index=False):
            if row.name.startswith("sd(") and row.lower > 0 and row.upper / row.lower > OPEN and not fit.is_singular:
                what = _many(words, row.name[3:-1])
                yield (f"The SD of the {what} is close to the boundary at zero: its interval covers everything from "
                       "next to nothing to a large value. The estimate is usable, its size is not knowledge. Compare "
                       "with the model without it (mlm.compare).")


def _boundary(fit, words, say, term, name, groups):
    what = _many(words, name)
    mean = say.plain("mean group size", float(np.mean(fit.group_sizes[term.group])), 1)
    plain = "the model without random effects" if hasattr(fit, "family") else "the linear model (mlm.ols)"
    tries = (f"report the model as it is, or compare it with {plain}; the fixed part is nearly the same"
             if len(term.names) == 1 else f"leave {name} out of {term.text} and compare the two (mlm.compare)")
    return (f"Boundary: the variance of the {what} between {groups} is estimated as zero. That is not proof that "
            f"{groups} are the same. It says that their {what} differ no more than chance would make them differ, with "
            f"{say.count('groups', len(term.levels))} {groups} of {mean} {words.rows} on average. What to try: "
            f"{tries}.")


def _crossing(words, say, term, a, b, T):
    first, second = term.names[a], term.names[b]
    groups = words.groups(term.group)
    if first == "Intercept":
        at = say.plain(f"{term.group}: crossing", float(-T[a, b] / T[b, b]))
        text = f"Perfect correlation: the estimated lines of all {groups} cross in one point, where {words.short(second)} = {at}."
    else:
        text = f"Perfect correlation: to know the one slope of a {words.group(term.group)} is to know the other."
    effects = " + ".join("1" if n == "Intercept" else n for n in term.names)
    return (f"{text} That is the best fit, and hardly a fact about {groups}: the data cannot give each "
            f"{words.group(term.group)} both of its own. "
            f"What to try: fewer effects in {term.text}, or ({effects} || {term.group}); centering does not cure it.")


def _line(fit, words, say, term, a, b, r, T):
    first, second = term.names[a], term.names[b]
    shown = say.share(f"{term.group}: corr({first}, {second})", r)
    if abs(r) > 0.9995:
        return _crossing(words, say, term, a, b, T)
    text = f"Large correlation ({shown}): once the one effect of a {words.group(term.group)} is known, so almost is the other."
    if first == "Intercept" and second in fit._names:
        x = fit.design.X[:, list(fit._names).index(second)]
        mean, sd = float(x.mean()), float(x.std())
        if abs(mean) > 1.5 * sd:
            places = say.places(sd / 10)
            at, spread = say.plain(f"{second}: mean", mean, places), say.plain(f"{second}: SD", sd, places)
            return (f"{text} Here zero of {words.short(second)} lies far from the data, whose mean is {at} and SD "
                    f"{spread}: lines that fan out must cross somewhere, and levels read off far away follow the "
                    f"slopes. What to try: center {words.short(second)} (mlm.center); the fit stays the same.")
    effects = " + ".join("1" if n == "Intercept" else n for n in term.names)
    return (f"{text} Often the data hold too little to tell the two apart. What to try: ({effects} || {term.group}), "
            "which sets the correlation to zero, and compare (mlm.compare); but it changes the model unless zero of "
            "the predictor is a natural point.")
