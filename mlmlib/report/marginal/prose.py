"""The paragraphs of a paper on a marginal model: estimating equations, working correlation, standard errors, coefficients in APA form.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

import platform

from ..general.kinds import regression
from ..general.prose import _fixed, _thresholds
from ..general.speech import Speech
from ..ledger import Ledger, Prose, joined, sign
from ..prose import _capital, _predictors
from .seen import correlation_words, words_of

__all__ = ["report"]

_WORKS = {
    "mlmlib": "mlmlib (Version {version}) [Computer software].",
    "liang": "Liang, K.-Y., & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. *Biometrika, 73*(1), "
             "13\u201322.",
    "mancl": "Mancl, L. A., & DeRouen, T. A. (2001). A covariance estimator for GEE with improved small-sample properties. *Biometrics, "
             "57*(1), 126\u2013134.",
    "kauermann": "Kauermann, G., & Carroll, R. J. (2001). A note on the efficiency of sandwich covariance matrix estimation. *Journal of the "
                 "American Statistical Association, 96*(456), 1387\u20131396.",
    "heagerty": "Heagerty, P. J., & Zeger, S. L. (1996). Marginal regression models for clustered ordinal measurements. *Journal of the "
                "American Statistical Association, 91*(435), 1024\u20131036.",
}


def report(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """A paragraph on the analysis and one on the results of a fit of ``mlm.gee``; see `mlmlib.report.prose.report`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> print(fit.report().text.split(", with")[0])
    A marginal logistic regression for child wheezes (resp)
    """
    if ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is for linear mixed models; GEE has ddf='wald', the normal distribution.")
    words, say = words_of(fit, labels, units), Ledger(level)
    speech, cited = Speech(words.fit, words), {"mlmlib", "liang"}
    speech.quote_categories(say)
    sections = [("Analysis", [" ".join(_analysis(fit, words, say, speech, cited))])]
    if not fit.converged:
        sections.append(("Results", ["The estimating equations were not solved. There is nothing to report: choose a simpler working "
                                     "correlation or look for extreme values."]))
    else:
        results = " ".join([*_fixed(words.fit, words, say, speech), *_thresholds(words.fit, say)])
        sections.append(("Results", [results, " ".join(_working(fit, words, say))]))
        remarks = [say.quote(message) for message in fit.messages]
        if remarks:
            sections.append(("Remarks", remarks))
    from ... import __version__
    works = sorted((_WORKS[name].format(version=__version__) for name in cited), key=str.lower)
    return Prose("", tuple(sections), (*works, *([f"Data: {words.sheet.facts['citation']}"] if words.sheet else [])), tuple(say.entries))


def _analysis(fit, words, say, speech, cited):
    from ... import __version__

    facts, column = speech.facts, fit.design.endog_name
    outcome = f"{words.outcome} ({column})" if words.outcome != column else words.outcome
    kind = regression(facts) if facts.link != "identity" or facts.family != "gaussian" else "linear"
    yield (f"A marginal {kind} regression for {outcome}{_which(fit, say, speech)} was fitted to {say.count('rows', fit.nobs)} {words.rows}"
           f"{_sizes(fit, words, say)}.")
    version, python = say.put("version of mlmlib", __version__, __version__), ".".join(platform.python_version_tuple()[:2])
    python = say.put("version of Python", python, python)
    source = f"Liang & Zeger, {say.put('year', 1986, '1986')}"
    if hasattr(fit, "categories") and fit.corr != "independence":
        cited.add("heagerty")
        source += f"; Heagerty & Zeger, {say.put('year', 1996, '1996')}"
    yield (f"Estimation was by generalized estimating equations ({source}) with {correlation_words(fit)}, with the package mlmlib (version "
           f"{version}) under Python {python}.")
    yield _predictors(words.fit, words)
    for name, text in (("exposure", "The logarithm of {} entered with coefficient 1"), ("offset", "{} entered with coefficient 1"),
                       ("weights", "The working variance of a row was divided by {}")):
        option = facts.option(name)
        if option is not None:
            if "1" in text:
                say.put("coefficient of the offset", 1, "1")
            yield _capital(text.format(option if isinstance(option, str) else "a given column")) + "."
    yield _tests(fit, say, speech, cited)


def _which(fit, say, speech) -> str:
    """What is modeled of the outcome."""
    facts = speech.facts
    if facts.binary:
        say.quote(facts.event, "event")
        return f", with the probability of {facts.event} as the mean,"
    if facts.family == "binomial":
        trials = fit.design.extra["trials"]
        return f", {say.count('events', int(fit.design.y.sum()))} in {say.count('trials', int(trials.sum()))} trials,"
    if facts.family in ("ordinal", "multinomial"):
        labels = [say.quote(str(label), "category") for label in facts.levels]
        return (f", ordered categories {' < '.join(labels)}," if facts.family == "ordinal" else
                f", categories {joined(labels)}, each against {labels[0]},")
    if (facts.family, facts.link) == ("gaussian", "identity"):
        return ""
    return f", with {'an' if facts.link[0] in 'aeiou' else 'a'} {facts.link} link,"


def _sizes(fit, words, say) -> str:
    parts = []
    for name, sizes in fit.group_sizes.items():
        low, high = (say.count(f"{end} group size", int(v)) for end, v in (("smallest", sizes.min()), ("largest", sizes.max())))
        spread = f"{low} {words.rows} each" if low == high else (
            f"{low} to {high} {words.rows} per {words.group(name)}, {sign('M')} = "
            f"{say.plain('mean group size', float(sizes.mean()), 1)}")
        parts.append(f"{say.count('groups', len(sizes))} {words.groups(name)} ({spread})")
    return f" {words.inside(fit._levels[0][0])} {joined(parts)}"


def _tests(fit, say, speech, cited) -> str:
    kinds = {"robust": "robust (sandwich)", "model": "model-based, which take the working correlation for true",
             "mancl-derouen": f"corrected for the number of groups (Mancl & DeRouen, {say.put('year', 2001, '2001')})",
             "kauermann-carroll": f"corrected for the number of groups (Kauermann & Carroll, {say.put('year', 2001, '2001')})"}
    cited |= {"mancl-derouen": {"mancl"}, "kauermann-carroll": {"kauermann"}}.get(fit.cov, set())
    text = f"Standard errors were {kinds[fit.cov]}. Coefficients were tested by Wald {sign('z')} tests. Confidence intervals (CI) are Wald intervals"
    if speech.ratio:
        text += f", exponentiated for {speech.ratio}s" + (f" ({speech.symbol})" if speech.symbol != "ratio" else "")
    return f"{text}. Coefficients are marginal: they compare means of the population, averaged over groups."


def _working(fit, words, say):
    found = fit.correlations
    if len(found):
        what = "global odds ratio" if hasattr(fit, "categories") else "working correlation"
        if len(found) == 1:
            value = float(found["estimate"].iloc[0])
            shown = say.plain("working correlation", value) if hasattr(fit, "categories") else say.share("working correlation", value)
            per = f" at times {say.put('unit', 1, '1')} apart" if fit.corr == "ar1" else ""
            yield f"The estimated {what}{per} was {shown}."
        elif len(found) <= 6:
            parts = [f"{say.share(f'correlation {name}', float(v))} ({say.quote(str(name), 'pair')})" for name, v in found["estimate"].items()]
            yield f"The estimated working correlations were {joined(parts)}."
        else:
            low, high = (say.share(f"{end} correlation", float(v)) for end, v in (("lowest", found["estimate"].min()),
                                                                                ("highest", found["estimate"].max())))
            yield f"The {say.count('correlations', len(found))} estimated working correlations lay between {low} and {high}."
    if hasattr(fit, "categories"):
        yield f"The model had {say.count('parameters', fit.n_params)} parameters of the mean."
        return
    quasi = {name: (float(v), f"{v:,.1f}") for name, v in fit.qic().items()}
    yield (f"QIC was {say.put('QIC', *quasi['QIC'])} and QICu "
           f"{say.put('QICu', *quasi['QICu'])} ({say.count('parameters', fit.n_params)} parameters of the mean); "
           f"the scale was {say.plain('scale', float(fit.scale), say.places(fit.scale / 10))}.")
