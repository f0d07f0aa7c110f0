"""A panel fit as the paragraphs of a paper, in APA form, every number taken from the fit.

Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

import platform

import numpy as np

from ..ledger import Ledger, Prose, joined, sign
from ..prose import _capital, _predictors, _sentence
from .words import PanelWords, read, scope

__all__ = ["KIND", "analysis", "panel_sentences", "report", "works"]

KIND = {"pooled": "pooled linear regression", "within": "fixed-effects (within) regression",
        "two-way": "two-way fixed-effects regression", "first-difference": "regression of first differences",
        "between": "between regression, on group means,", "random": "random-effects regression",
        "mundlak": "correlated random-effects regression (Mundlak's form)", "hybrid": "hybrid within-between regression",
        "hausman-taylor": "Hausman-Taylor regression"}
_RANDOM = ("random", "mundlak", "hybrid", "hausman-taylor")
_WORKS = {
    "mlmlib": "mlmlib (version {version}) [Python package].",
    "swamy": "Swamy, P. A. V. B., & Arora, S. S. (1972). The exact finite sample properties of the estimators of coefficients in the error "
             "components regression models. *Econometrica, 40*(2), 261\u2013275.",
    "baltagi": "Baltagi, B. H., & Chang, Y.-J. (1994). Incomplete panels: A comparative study of alternative estimators for the unbalanced "
               "one-way error component regression model. *Journal of Econometrics, 62*(2), 67\u201389.",
    "mundlak": "Mundlak, Y. (1978). On the pooling of time series and cross section data. *Econometrica, 46*(1), 69\u201385.",
    "hausman": "Hausman, J. A., & Taylor, W. E. (1981). Panel data and unobservable individual effects. *Econometrica, 49*(6), "
               "1377\u20131398.",
}


def report(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """A paragraph on the analysis and one on the results; see `mlmlib.report.prose.report`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm")
    >>> print(fit.report().text.split(". ")[0])
    A fixed-effects (within) regression for investment (inv, in millions of 1947 dollars) was fitted to 200 years in 10 firms (20 years each)
    """
    from ..prose_random import references
    if ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is not made for fits of mlm.panel; mlm.robust has Satterthwaite's degrees of freedom for them.")
    words, say, cited = PanelWords(fit, labels, units), Ledger(level), []
    first = " ".join([*analysis(fit, words, say, cited), _tests(fit, words)])
    table = fit.coef_table(level)
    results = " ".join([*panel_sentences(fit, words, say, table), *_whole(fit, words, say)])
    sections = [("Analysis", [first]), ("Results", [results])]
    if fit.messages:
        sections.append(("Remarks", [say.quote(message) for message in fit.messages]))
    own, *data = references(fit, words, results=False)
    return Prose("", tuple(sections), (*sorted([own, *works(cited)]), *data), tuple(say.entries))


def works(cited) -> list[str]:
    """The works of these keys."""
    return [_WORKS[key] for key in cited]


def analysis(fit, words, say, cited):
    """What was done."""
    from ... import __version__
    frame, kind = fit.frame, KIND[fit.effects]
    unit = f", in {words.outcome_unit}" if words.outcome_unit else ""
    column = fit.design.endog_name
    outcome = f"{words.outcome} ({column}{unit})" if words.outcome != column else f"{column}{f' ({unit[2:]})' if unit else ''}"
    low, high = (say.count(f"{end} group size", int(v)) for end, v in (("smallest", frame.sizes.min()), ("largest", frame.sizes.max())))
    sizes = f"{low} {words.rows} each" if low == high else (
        f"{low} to {high} {words.rows} per {words.one_group}, {sign('M')} = {say.plain('mean group size', float(frame.sizes.mean()), 1)}")
    yield (f"A {kind} for {outcome} was fitted to {say.count('rows', fit.nobs)} {words.rows} {words.inside(words.factor)} "
           f"{say.count('groups', frame.J)} {words.many} ({sizes}).")
    version, python = say.put("version of mlmlib", __version__, __version__), ".".join(platform.python_version_tuple()[:2])
    python = say.put("version of Python", python, python)
    yield f"Estimation was by {_method(fit, words, say, cited)}, with the package mlmlib (version {version}) under Python {python}."
    yield _predictors(_Plain(fit, words), words)
    yield from _effects(fit, words, say, cited)
    if fit.design.weights is not None:
        yield "Rows were weighted: the residual variance of a row is inversely proportional to its weight."


class _Plain:
    """The names of a fit without their within and between parts."""

    def __init__(self, fit, words):
        self._names = tuple(dict.fromkeys(words.part(name)[0] for name in fit._names))


def _method(fit, words, say, cited) -> str:
    if fit.effects not in _RANDOM:
        return {"pooled": "ordinary least squares", "between": f"ordinary least squares of the means of the {words.many}, each counted once",
                "first-difference": f"ordinary least squares of each {words.row} less the one before in the same {words.one_group}",
                "within": f"ordinary least squares of deviations from the means of the {words.many}",
                "two-way": f"ordinary least squares once the effects of {words.many} and {words.times} had been swept out"}[fit.effects]
    if fit.effects == "hausman-taylor":
        cited.append("hausman")
        year = say.put("year", 1981, "1981")
        return (f"two-stage least squares of quasi-demeaned {words.rows} (Hausman & Taylor, {year}), with deviations from the means of the "
                f"{words.many} and the means of exogenous predictors as instruments")
    cited.append("swamy")
    text = f"generalized least squares with the variances of Swamy and Arora ({say.put('year', 1972, '1972')}"
    if fit.frame.sizes.min() != fit.frame.sizes.max():
        cited.append("baltagi")
        text += f"; in the version of Baltagi & Chang, {say.put('year', 1994, '1994')}, for {words.many} of unequal size"
    return text + ")"


def _effects(fit, words, say, cited):
    """What is said of the groups."""
    many, one = words.many, words.one_group
    if fit.effects in ("within", "first-difference"):
        yield f"Each {one} had an intercept of its own, which may go with the predictors; coefficients rest on differences within {many} alone."
    elif fit.effects == "two-way":
        yield (f"Each {one} and each {words.one_time} ({say.count('times', len(fit.frame.time_levels))} in all) had an effect of its own, which "
               f"may go with the predictors.")
    elif fit.effects == "random":
        yield f"The effects of the {many} were taken as random, with one variance, and as unrelated to the predictors."
    elif fit.effects in ("mundlak", "hybrid"):
        cited.append("mundlak")
        year = say.put("year", 1978, "1978")
        how = ("The means of the predictors in each {} entered beside them" if fit.effects == "mundlak" else
               "The predictors entered as means in each {} and as deviations from these").format(one)
        yield f"{how} (Mundlak, {year}), so that effects of the {many}, taken as random, may go with the predictors through their means."
    elif fit.effects == "hausman-taylor":
        loose = [name for kind, names in fit.kinds.items() if "endogenous" in kind for name in names]
        yield f"The effects of the {many} were taken as random, and {joined(words.short(n) for n in loose)} as related to them (endogenous)."


def _tests(fit, words) -> str:
    letter = "z" if fit._t_df is None else "t"
    alike = {"pooled": f"take the {words.rows} as independent and equally variable",
             "between": f"take the {words.many} as independent and their means as equally variable",
             "first-difference": "take the changes as independent and equally variable"}.get(
        fit.effects, f"take the {words.rows} of a {words.one_group} as independent given its effect, and as equally variable")
    return f"Coefficients were tested by {sign(letter)} tests; standard errors {alike}."


def panel_sentences(fit, words, say, table):
    """A sentence a coefficient, opened by whom it compares."""
    letter = "z" if "z" in table else "t"
    for name in fit._names:
        row, about = table.loc[name], read(words, name)
        places, open_sign = say.places(row["se"]), row["lower"] <= 0 <= row["upper"]
        unit = words.outcome_unit if about.kind in ("intercept", "slope", "category") else ""
        numbers = (f"{sign('b')} = {say.plain(f'{name}: b', row['estimate'], places)}{f' {unit}' if unit else ''}, {sign('SE')} = "
                   f"{say.plain(f'{name}: SE', row['se'], places)}, {say.interval(name, row['lower'], row['upper'], say.level, places=places)}")
        df = row["df"] if "df" in row else fit._t_df
        shown = "" if df is None or not np.isfinite(df) else f"{df:,.1f}" if "df" in row else f"{df:,}"
        degrees = f"({say.put(f'{name}: df', df, shown)})" if shown else ""
        tested = "" if about.kind == "intercept" else (
            f"{sign(letter)}{degrees} = {say.plain(f'{name}: {letter}', row[letter])}, {say.p(f'{name}: p', row['p'])}")
        if about.kind == "intercept":
            yield f"The intercept was {numbers}."
            continue
        place = scope(words, name)
        if place == "contextual" and about.kind == "slope":
            base = words.short(words.part(name)[0])
            told = (f"The interval for the difference between the slope of {base} between {words.many} and the one within included zero"
                    if open_sign else f"The slope of {base} was {'higher' if row['estimate'] > 0 else 'lower'} between {words.many} than within")
            yield f"{told}, {numbers}, {tested}."
            continue
        sentence = _sentence(words, say, about, row["estimate"] > 0, open_sign, numbers, tested)
        opener = {"within": f"Within {words.many}, ", "times": f"Within {words.many}, and net of what a {words.one_time} does to all of them, ",
                  "changes": f"In changes within {words.many}, ", "between": f"Between {words.many}, "}.get(place, "")
        if place == "between" and fit.effects != "between" and not words.part(name)[1]:
            opener = ""  # the sentence says whose it is
        yield _capital(f"{opener}{sentence[0].lower()}{sentence[1:]}" if opener else sentence)


def _whole(fit, words, say):
    """R2, the variances, and the test of the groups' effects."""
    if len(fit._names) == ("Intercept" in fit._names):
        return
    shares = [f"{say.share(f'R2 {name}', value)} {name}" for name, value in fit.r2.items() if value == value]
    yield f"The shares of variance explained were {sign('R')}\u00b2 = {joined(shares)}."
    if fit.effects in _RANDOM:
        yield (f"The SD between {words.many} was {words.amount(say.plain('sigma_u', fit.sigma_u, say.places(fit.sigma_u / 100)))}, the residual "
               f"SD {words.amount(say.plain('sigma_e', fit.sigma_e, say.places(fit.sigma_e / 100)))}; {words.many} made up "
               f"{say.percent('rho', fit.rho)} of the variance.")
    else:
        yield f"The residual SD was {words.amount(say.plain('residual SD', fit.sigma, say.places(fit.sigma / 100)))}."
    if fit.effects in ("within", "two-way"):
        both = fit.effects == "two-way"
        test = fit.f_test_groups("both" if both else "groups")
        first, second = (say.count(what, int(v)) for what, v in zip(("numerator df", "denominator df"), test.df))
        whose = f"{words.many} and {words.times}" if both else words.many
        yield (f"That {whose} have no effects of their own was tested by {sign('F')}({first}, {second}) = "
               f"{say.plain('F of groups', test.statistic)}, {say.p('p of groups', test.pvalue)}.")
