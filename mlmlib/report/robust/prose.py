"""A robust fit as paragraphs of a paper, and read aloud: the model's own words, the robust standard errors and tests.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

import numpy as np

from ..ledger import Ledger, Prose, joined, sign
from ..panel import prose as panel_prose
from ..panel.words import PanelWords
from ..words import Words

__all__ = ["explain", "report"]

_WORKS = {
    "liang": "Liang, K.-Y., & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. *Biometrika, 73*(1), 13\u201322.",
    "bell": "Bell, R. M., & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage samples. *Survey "
            "Methodology, 28*(2), 169\u2013181.",
    "cameron": "Cameron, A. C., & Miller, D. L. (2015). A practitioner's guide to cluster-robust inference. *Journal of Human Resources, "
               "50*(2), 317\u2013372.",
    "multiway": "Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2011). Robust inference with multiway clustering. *Journal of Business & "
                "Economic Statistics, 29*(2), 238\u2013249.",
    "pustejovsky": "Pustejovsky, J. E., & Tipton, E. (2018). Small-sample methods for cluster-robust variance estimation and hypothesis "
                   "testing in fixed effects models. *Journal of Business & Economic Statistics, 36*(4), 672\u2013683.",
}
_KINDS = {
    "CR0": ("CR0, without an adjustment for the number of clusters; {}", "liang", "Liang & Zeger", 1986),
    "CR1": ("CR1, with the factor J / (J \u2212 1); {}", "cameron", "Cameron & Miller", 2015),
    "CR1p": ("CR1p, with the factor J / (J \u2212 p); {}", "cameron", "Cameron & Miller", 2015),
    "CR1S": ("CR1S, Stata's; {}", "cameron", "Cameron & Miller", 2015),
    "CR2": ("CR2, bias-reduced linearization; {}", "bell", "Bell & McCaffrey", 2002),
    "CR3": ("CR3, the approximate jackknife; {}", "bell", "Bell & McCaffrey", 2002),
}


def report(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """A paragraph on the analysis and one on the results; see `mlmlib.report.prose.report`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.robust(mlm.ols("math ~ homework", mlm.load("math")), "schid")
    >>> "bias-reduced linearization; Bell & McCaffrey, 2002" in fit.report().text
    True
    """
    from ..prose_random import references
    inner, words, say, cited = fit.fit, _words(fit, labels, units), Ledger(level), []
    first, sentences, more = _parts(fit, words, say, cited)
    analysis = " ".join([*first, *_covariance(fit, words, say, cited)])
    results = " ".join([*sentences, *_joint(fit, say), *more, *_few(fit, say)])
    sections = [("Analysis", [analysis]), ("Results", [results])]
    if fit.messages:
        sections.append(("Remarks", [say.quote(message) for message in fit.messages]))
    own, *data = references(inner, words, results=False)
    known = {**panel_prose._WORKS, **_WORKS, **_general()}
    works = sorted({own, *(known[key] for key in cited)}, key=str.lower)
    return Prose("", tuple(sections), (*works, *data), tuple(say.entries))


def _general() -> dict:
    """What the reports of generalized models cite."""
    from ..general.prose import _WORKS as works
    return {key: text for key, text in works.items() if key != "mlmlib"}


def _words(fit, labels, units):
    return (PanelWords if hasattr(fit.fit, "transformed") else Words)(fit.fit, labels, units)


def _parts(fit, words, say, cited):
    """Sentences on the model, on its coefficients, and on what the covariance does not touch."""
    inner = fit.fit
    if hasattr(inner, "transformed"):
        shares = [f"{say.share(f'R2 {name}', value)} {name}" for name, value in inner.r2.items() if value == value]
        whole = [f"The shares of variance explained were {sign('R')}\u00b2 = {joined(shares)}."] if shares else []
        return (list(panel_prose.analysis(inner, words, say, cited)),
                list(panel_prose.panel_sentences(inner, words, say, _table(fit, say))), whole)
    if hasattr(inner, "density"):
        from ..general import prose as general
        from ..general.speech import Speech
        speech, found = Speech(inner, words), set()
        speech.quote_categories(say)
        first = list(general._analysis(inner, words, say, speech, found))[:-1]  # the last is on its own tests
        cited += sorted(found - {"mlmlib"})
        return first, list(general._fixed(fit, words, say, speech)), []
    from .. import prose as linear
    mixed = bool(getattr(inner, "n_groups", None))
    first = list(linear._analysis(inner, words, say, say.level, mixed))[:-1]
    whole = []
    if mixed:
        from ..prose_random import _spread
        whole = list(_spread(inner, words, say, say.level))
    elif hasattr(inner, "rsquared") and len(inner._names) > 1:
        whole = [f"{sign('R')}\u00b2 = {say.share('R2', inner.rsquared)}."]
    words.fit = fit  # slopes in a category have robust intervals too
    return first, list(linear._fixed(fit, words, say, say.level)), whole


def _table(fit, say):
    return fit.coef_table(say.level)


def _clusters(fit, say) -> str:
    parts = []
    for one in fit.clusterings:
        low, high = (say.count(f"{end} cluster size", int(v)) for end, v in (("smallest", one.sizes.min()), ("largest", one.sizes.max())))
        size = f"{low} rows each" if low == high else f"{low} to {high} rows"
        parts.append(f"{say.count('clusters', one.J)} clusters of {one.name} ({size})")
    return joined(parts)


def _covariance(fit, words, say, cited):
    """Which standard errors and tests."""
    text, key, who, year = _KINDS[fit.kind]
    cited.append(key)
    say.quote(fit.kind, "kind of covariance")
    if "1)" in text:
        say.put("clusters less", 1, "1")
    source = f"{who}, {say.put('year', year, str(year))}"
    if len(fit.clusterings) > 1:
        cited.append("multiway")
        source += f"; two-way: Cameron, Gelbach & Miller, {say.put('year', 2011, '2011')}"
    yield (f"Standard errors are cluster-robust ({text.format(source)}), with {_clusters(fit, say)}: they hold whatever the correlation and "
           f"the variances within clusters, which the model need not have right.")
    if fit.ddf == "satterthwaite":
        cited.append("pustejovsky")
        yield (f"Coefficients were tested by {sign('t')} tests with Satterthwaite's degrees of freedom, each its own (Pustejovsky & Tipton, "
               f"{say.put('year', 2018, '2018')}).")
    elif fit.ddf == "clusters":
        yield (f"Coefficients were tested by {sign('t')} tests with {say.put('df', min(fit.n_clusters.values()) - 1, str(min(fit.n_clusters.values()) - 1))} "
               f"degrees of freedom, one less than clusters.")
    else:
        yield f"Coefficients were tested by {sign('z')} tests."


def _joint(fit, say):
    """The test that all slopes are zero."""
    if len(fit._names) <= 1 + ("Intercept" in fit._names):
        return
    try:
        test = fit.wald_test()
    except ValueError:
        return
    shown = say.quote(test.distribution, "degrees of freedom")
    yield f"All slopes together: {shown} = {say.plain('Wald statistic', test.statistic)}, {say.p('p of the Wald test', test.pvalue)}."


def _few(fit, say):
    worth = fit.effective_clusters
    low = float(worth.min())
    if low < 0.75 * min(fit.n_clusters.values()) or low < 20:
        yield (f"Because clusters differ, they count for {say.plain('effective clusters', low, 1)} equal ones for the coefficient of "
               f"{say.quote(str(worth.idxmin()), 'coefficient')}.")


def explain(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """Read a robust fit aloud; see `mlmlib.report.explain.explain`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> told = mlm.robust(mlm.ols("math ~ homework", mlm.load("math")), "schid").explain()
    >>> [heading for heading, _ in told.sections]
    ['Asked', 'Coefficients', 'Standard errors', 'What the model does not know', 'Messages']
    """
    words, say = _words(fit, labels, units), Ledger(level)
    asked, coefficients = _aloud(fit, words, say)
    sections = [("Asked", [asked]), ("Coefficients", coefficients), ("Standard errors", list(_errors(fit, say))),
                ("What the model does not know", list(_unknown(fit, say))),
                ("Messages", [say.quote(message) for message in fit.messages] or ["None."])]
    return Prose(f"{fit.formula}, cluster-robust, read aloud", tuple(sections), (), tuple(say.entries))


def _aloud(fit, words, say):
    inner = fit.fit
    if hasattr(inner, "transformed"):
        from ..panel.explain import _asked, reading
        return _asked(inner, words, say), list(reading(inner, words, say, _table(fit, say)))
    mixed = bool(getattr(inner, "n_groups", None))
    if hasattr(inner, "density"):
        from ..general import explain as general
        from ..general.speech import Speech
        speech = Speech(inner, words)
        speech.quote_categories(say)
        return (general._asked(inner, words, say, speech, mixed).replace(" taken as independent of one another", ""),
                list(general._fixed(fit, words, say, speech, mixed)))
    from ..explain import _asked as asked_of
    from ..explain import _fixed as fixed_of
    asked = asked_of(inner, words, say, mixed).replace(" taken as independent of one another", "")
    words.fit = fit
    return asked, list(fixed_of(fit, words, say, mixed))


def _errors(fit, say):
    yield (f"They come from how much each cluster by itself pulls at the coefficients, over {_clusters(fit, say)}, and not from the model's "
           f"word on how rows go together ({say.quote(fit.kind, 'kind of covariance')}).")
    ratio = np.asarray(fit.bse) / np.asarray(fit.fit.bse)
    for name, value in zip(fit._names, ratio):
        yield f"{name}: {say.plain(f'{name}: ratio of SEs', float(value))} times the standard error of the model."
    if fit.ddf == "satterthwaite":
        low, high = (say.put(f"{end} df", float(v), f"{v:.1f}") for end, v in (("smallest", fit.df.min()), ("largest", fit.df.max())))
        yield f"They are themselves estimates: t has {low if low == high else f'{low} to {high}'} degrees of freedom."
    worth = fit.effective_clusters
    yield (f"The clusters count for {say.plain('fewest effective clusters', float(worth.min()), 1)} to "
           f"{say.plain('most effective clusters', float(worth.max()), 1)} equal ones, depending on the coefficient.")


def _unknown(fit, say):
    yield "Whether the coefficients are right: robust standard errors repair the uncertainty of an estimate, not its bias."
    if not hasattr(fit.fit, "transformed") or fit.fit.effects == "pooled":
        yield "What sets clusters apart: no variance between clusters is estimated for it by the covariance."
    yield f"Whether clusters of {joined(one.name for one in fit.clusterings)} go with one another: it takes them as independent."
    few = min(fit.n_clusters.values())
    if few < 40:
        yield (f"How it would do with more clusters: it is made for many, and there are {say.count('clusters', few)}. "
               f"mlm.wild_bootstrap(fit, hypothesis) is another way to test with few.")
