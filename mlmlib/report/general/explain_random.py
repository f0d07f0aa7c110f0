"""The random part of a generalized model as sizes one can feel: ranges of probabilities or counts, median ratios, shares; the distribution.

Chapter 16 (``16_binary``) says the same thing in three ways; chapter 17 (``17_counts``) reads dispersions, chapter 18
(``18_categories``) thresholds.
"""

from __future__ import annotations

import numpy as np

from ...results import normal_quantile
from ..explain_random import _correlation, _zero
from ..ledger import joined

__all__ = ["distribution", "thresholds", "variance_part"]


def variance_part(fit, words, say, speech):
    """Each random effect's standard deviation, correlations, median ratio, ICC."""
    for term, T in zip(fit.design.random, fit._T):
        sd = np.sqrt(np.maximum(np.diagonal(T), 0.0))
        flat = _zero(fit, term, sd)
        for k, name in enumerate(term.names):
            if not flat[k]:
                own = speech.of(name)
                plain = words._of_outcome(name)[1] == "Intercept"
                yield (_levels if plain else _slopes)(fit, words, say, own, term, name, float(sd[k]))
        for a in range(len(term.names)):
            for b in range(a + 1, len(term.names)):
                if T[a, b] and not flat[a] and not flat[b]:
                    parts = [words._of_outcome(term.names[k])[0] for k in (a, b)]
                    yield (_between_parts if any(parts) else _correlation)(fit, words, say, term, a, b, T, sd)
    yield from _shares(fit, words, say, speech)


def _between_parts(fit, words, say, term, a, b, T, sd):
    """The correlation of effects of two outcomes or categories."""
    r, first, second = float(T[a, b] / (sd[a] * sd[b])), words.effects_of(term.names[a]), words.effects_of(term.names[b])
    return (f"The correlation of the {first} and the {second} over {words.groups(term.group)} is "
            f"{say.share(f'{term.group}: corr({term.names[a]}, {term.names[b]})', r)}.")


def _levels(fit, words, say, own, term, name, sd):
    groups, key = words.groups(term.group), f"{term.group}: {name}"
    text = f"The levels of {groups} differ{_of(own)} with an SD of {say.plain(f'{key}: SD', sd, say.places(sd / 10))} on {own.scale}"
    start = f"{own.part}: Intercept" if own.part else "Intercept"
    if own.has_level and start in fit._names:
        middle = float(fit._params[list(fit._names).index(start)])
        half = normal_quantile(0.95) * sd
        low, high = sorted((own.mean(middle - half), own.mean(middle + half)))
        share = say.put("range", 0.95, "95")
        zero = ", with all predictors at zero or at their reference," if any(n != "Intercept" for n in fit._names) else ""
        text += (f": {own.level}{zero} lies between {own.shown(say, f'{key}: 2.5 % point', low)} and "
                 f"{own.shown(say, f'{key}: 97.5 % point', high)} in {share}% of the {groups}, and is "
                 f"{own.shown(say, f'{key}: middle', own.mean(middle))} in a typical one")
    elif fit.family.name == "ordinal":
        text += _category_range(fit, say, groups, key, sd)
    return text + "." + _median(fit, words, say, own, term, sd)


def _of(own):
    return f" in {own.event}" if own.part else ""


def _category_range(fit, say, groups, key, sd):
    """The probability of the higher categories, cut where it is nearest to one half, over groups."""
    plain = np.asarray(fit.thresholds)[:len(fit.categories) - 1]
    cut = int(np.argmin(np.abs(plain)))
    t = float(plain[cut])
    half = normal_quantile(0.95) * sd
    low, mid, high = (float(1.0 - fit.link.mean(np.array(t - e))) for e in (-half, 0.0, half))
    label = say.quote(str(fit.categories[cut]), "category")
    share = say.put("range", 0.95, "95")
    return (f": with all predictors at zero or at their reference, the probability of more than {label} lies between "
            f"{say.plain(f'{key}: 2.5 % point', low)} and {say.plain(f'{key}: 97.5 % point', high)} in {share}% of the "
            f"{groups}, and is {say.plain(f'{key}: middle', mid)} in a typical one")


def _median(fit, words, say, own, term, sd):
    """The median odds or rate ratio of two groups drawn at random."""
    if own.symbol not in ("OR", "RR", "HR") or own.part == "zero":
        return ""
    from ...glmm.median_ratio import median_ratio

    ratio = float(median_ratio(sd**2))
    kind = {"OR": "odds", "RR": "rate", "HR": "hazard"}[own.symbol]
    if own.ratio == "risk ratio":
        kind = "risk"
    what = {"odds": "odds", "rate": "expected counts", "hazard": "hazards", "risk": "probabilities"}[kind]
    return (f" Of two like {words.rows}, one from each of two {words.groups(term.group)} drawn at random, the larger "
            f"{what} are in the median {own.ratio_shown(say, f'{term.group}: median ratio', ratio)} times the smaller "
            f"(median {kind} ratio).")


def _slopes(fit, words, say, own, term, name, sd):
    from scipy.special import ndtr

    groups, key = words.groups(term.group), f"{term.group}: {name}"
    short = words.short(words._of_outcome(name)[1])
    text = f"Slopes of {short} differ between {groups}{_of(own)} with an SD of {say.plain(f'{key}: SD', sd, say.places(sd / 10))} on {own.scale}"
    if name not in fit._names:
        return text + "."
    middle = float(fit._params[list(fit._names).index(name)])
    half = normal_quantile(0.95) * sd
    share, against = say.put("range", 0.95, "95"), float(ndtr(-abs(middle) / sd))
    others = "practically none has" if against < 0.005 else f"about {say.percent(f'{key}: share of the other sign', against)} have"
    if own.ratio:
        low, high = (own.ratio_shown(say, f"{key}: {end} point", float(np.exp(v))) for end, v in (
            ("2.5 %", middle - half), ("97.5 %", middle + half)))
        text += f": {share}% of the {groups} have a ratio from {low} to {high}, and {others} one in the other direction"
    else:
        places = say.places(sd / 10)
        low, high = (say.plain(f"{key}: {end} point", v, places)
                     for end, v in (("2.5 %", middle - half), ("97.5 %", middle + half)))
        text += f": {share}% of the {groups} have a slope from {low} to {high}, and {others} one of the other sign"
    products = any(name in other.split(":") and other != name for other in fit._names)
    return text + (", with the columns it is multiplied with at zero or at their reference" if products else "") + "."


def _shares(fit, words, say, speech):
    """The intraclass correlation on the latent scale, of outcomes that have one."""
    if fit.family.name not in ("binomial", "bernoulli", "ordinal"):
        return
    from ... import clustering

    for group in fit.n_groups:
        if group.startswith("mm("):
            continue
        try:
            rho = clustering.icc(fit, say.level, group=group)
        except ValueError:
            return
        given = " that the predictors leave" if any(n != "Intercept" for n in fit._names) else ""
        slopes = dict.fromkeys(n for t in fit.design.random for n in t.names if n != "Intercept")
        where = f" (for {say.quote(joined(map(words.zero, slopes)), 'condition')})" if slopes else ""
        text = ("Behind the outcome one can think of a propensity, whose variance within a group the "
                f"{speech.facts.link} link holds at {say.plain('variance within', rho.within, 2)}. Of its "
                f"variance{given}, {say.percent(f'{group}: share', rho.share)} lies between "
                f"{words.groups(group)}{where}: the latent intraclass correlation is "
                f"{say.share(f'{group}: ICC', rho.estimate)}")
        if rho.lower == rho.lower:
            text += f", with an interval from {say.share('ICC: lower', rho.lower)} to {say.share('ICC: upper', rho.upper)}"
        yield text + f". It is not the correlation of the outcomes of two {words.rows}, which is smaller."


def distribution(fit, words, say, speech):
    """What the distribution's own parameters say of the spread of outcomes that have the same expectation."""
    values, base = dict(fit.dispersion), speech.facts.base
    rows = words.rows
    for name in (n for n in values if ": " in n):  # of several outcomes
        outcome, _, own = name.partition(": ")
        yield f"Of the distribution of {words.label(outcome)}, {own} is {say.plain(name, values[name], say.places(abs(values[name]) / 10))}."
    if "theta" in values or "alpha" in values and base == "nbinom1":
        mean = float(np.mean(np.asarray(fit.design.y)))
        name = "theta" if base == "nbinom2" else "alpha"
        shown = say.plain(name, values[name], say.places(abs(values[name]) / 10))
        times = 1.0 + (mean / values["theta"] if name == "theta" else values["alpha"])
        at = "" if name == "alpha" else f" at the mean count of {say.plain('mean count', mean)}"
        yield (f"Counts of {rows} with the same expectation vary more than Poisson counts: their variance is "
               f"{say.plain('variance over mean', times)} times the mean{at} ({name} = {shown}).")
    if "sigma" in values:
        sigma = say.plain("sigma", values["sigma"], say.places(values["sigma"] / 10))
        yield {"gamma": f"Of {rows} with the same mean, outcomes have an SD of "
                        f"{say.percent('sigma', values['sigma'])}% of the mean (sigma = {sigma}).".replace("%%", "%"),
               "lognormal": f"Of {rows} alike in all this, the logarithm of the outcome has an SD of {sigma}.",
               "t": f"Of {rows} alike in all this, outcomes scatter by a t distribution with scale {sigma}"
                    + (f" and {say.plain('df', values['df'], 1)} degrees of freedom: the fewer, the longer its tails."
                       if "df" in values else "."),
               "gaussian": f"Of {rows} alike in all this, outcomes have an SD of {words.amount(sigma)}."}.get(base, f"Sigma is {sigma}.")
    if "phi" in values:
        shown = say.plain("phi", values["phi"], say.places(abs(values["phi"]) / 10))
        if base == "beta":
            half = 0.5 / np.sqrt(1.0 + values["phi"])
            yield (f"Proportions of {rows} with a mean of one half have an SD of {say.plain('SD at one half', half)} "
                   f"(precision phi = {shown}).")
        else:
            yield f"Of {rows} with the same mean, the variance is phi times its cube, phi = {shown}."
    if "zero" in values:
        share = say.percent("zero", values["zero"])
        yield (f"The probability of a zero is {share}; counts above zero follow the distribution cut off at zero."
               if speech.facts.hurdle else
               f"For {share} of the {rows} the count is zero for certain; the others have counts, zeros among them, by "
               "the distribution.")


def thresholds(fit, words, say):
    """Thresholds of ordered categories as the probabilities of a typical group."""
    if fit.family.name != "ordinal":
        return
    if fit.nominal:
        yield ("Thresholds: they differ by predictors, so that a predictor has no one odds ratio; draw the "
               "probabilities of the categories (fit.probabilities) to read them.")
        return
    ends = np.asarray(fit.link.mean(np.asarray(fit.thresholds)))
    shares = np.diff(np.concatenate([[0.0], ends, [1.0]]))
    parts = [f"{say.quote(str(label), 'category')} with {say.plain(f'P({label})', float(p))}"
             for label, p in zip(fit.categories, shares)]
    typical = f" of a typical {joined(words.group(g) for g in fit.n_groups)}" if fit.n_groups else ""
    zero = " and all predictors at zero or at their reference" if len(fit._names) else ""
    values = joined(say.plain(f"threshold {name}", float(v), 2) for name, v in fit.thresholds.items())
    yield (f"Thresholds ({values}): for a {words.row}{typical}{zero}, the categories have these probabilities: "
           f"{joined(parts)}.".replace(
        " and all", " with all") if zero else
        f"Thresholds ({values}): for a {words.row}{typical}, the categories have these probabilities: {joined(parts)}.")
