"""The words for a generalized model: its distribution, link, approximation, and what its coefficients are.

Chapters 16 to 18 (``16_binary``, ``17_counts``, ``18_categories``).
"""

from __future__ import annotations

from .facts import Facts

__all__ = ["method", "method_short", "outcome_of", "ratio_of", "regression", "scale_of"]

_DISTRIBUTIONS = {
    "gaussian": "normal", "binomial": "binomial", "poisson": "Poisson", "nbinom2": "negative binomial (variance mu + mu^2/theta)",
    "nbinom1": "negative binomial (variance mu (1 + alpha))", "geometric": "geometric", "gamma": "gamma", "exponential": "exponential",
    "inverse-gaussian": "inverse Gaussian", "lognormal": "log-normal", "beta": "beta", "t": "t", "zip": "zero-inflated Poisson",
    "zinb2": "zero-inflated negative binomial (nbinom2)", "zinb1": "zero-inflated negative binomial (nbinom1)",
    "hurdle-poisson": "Poisson hurdle", "hurdle-nbinom2": "negative binomial hurdle (nbinom2)",
    "hurdle-nbinom1": "negative binomial hurdle (nbinom1)", "ordinal": "ordered categories", "multinomial": "categories",
}
_REGRESSIONS = {
    ("binomial", "logit"): "logistic", ("binomial", "probit"): "probit", ("binomial", "cloglog"): "complementary log-log",
    ("poisson", "log"): "Poisson", ("nbinom2", "log"): "negative binomial", ("nbinom1", "log"): "negative binomial",
    ("ordinal", "logit"): "ordinal logistic", ("ordinal", "probit"): "ordinal probit", ("multinomial", "logit"): "multinomial logistic",
    ("gamma", "log"): "gamma", ("beta", "logit"): "beta", ("zip", "log"): "zero-inflated Poisson",
    ("zinb2", "log"): "zero-inflated negative binomial", ("zinb1", "log"): "zero-inflated negative binomial",
    ("hurdle-poisson", "log"): "hurdle Poisson", ("hurdle-nbinom2", "log"): "hurdle negative binomial",
    ("hurdle-nbinom1", "log"): "hurdle negative binomial",
}


def outcome_of(facts: Facts) -> str:
    """The distribution: ``"Bernoulli (0 or 1)"``, ``"Poisson"``."""
    if facts.family == "binomial":
        if facts.binary:
            return f"Bernoulli, the event being {facts.event}"
        trials = facts.option("trials")
        return f"binomial, out of {trials} trials" if isinstance(trials, (str, int)) else "binomial, out of several trials"
    if facts.family in ("ordinal", "multinomial"):
        joint = " < " if facts.family == "ordinal" else ", "
        return f"{_DISTRIBUTIONS[facts.family]} ({joint.join(map(str, facts.levels))})"
    if hasattr(facts.fit.family, "families"):
        return ", ".join(f"{name} {_short(one.name)}" for name, one in facts.fit.families.items())
    return _DISTRIBUTIONS.get(facts.family, facts.family)


def _short(family: str) -> str:
    """The distribution in a word or two."""
    return _DISTRIBUTIONS.get(family, family).split(" (")[0]


def regression(facts: Facts) -> str:
    """``"logistic"`` of ``"mixed-effects logistic regression"``; distribution and link where there is no such name."""
    if hasattr(facts.fit.family, "families"):
        return f"joint {' and '.join(dict.fromkeys(_short(one.name) for one in facts.fit.family.families))}"
    known = _REGRESSIONS.get((facts.family, facts.link))
    return known or f"{_short(facts.family)} ({facts.link} link)"


def method(facts: Facts) -> str:
    """How the likelihood was approximated, in a sentence's words."""
    if facts.method == "gee":
        from ..marginal.seen import correlation_words, errors_words
        return f"generalized estimating equations (GEE) with {correlation_words(facts.fit)}; standard errors {errors_words(facts.fit)}"
    if not getattr(facts.fit, "n_groups", None):
        return "maximum likelihood"
    if facts.method == "laplace":
        return "maximum likelihood (Laplace approximation)"
    if facts.method == "agq":
        return f"maximum likelihood (adaptive Gauss-Hermite quadrature, {facts.nodes} nodes)"
    return f"{'penalized' if facts.method == 'pql' else 'marginal'} quasi-likelihood ({facts.method.upper()}, order {facts.order})"


def method_short(facts: Facts) -> str:
    """The same in a table's cell.

    >>> from types import SimpleNamespace
    >>> method_short(Facts(SimpleNamespace(family="binomial", link="logit", method="agq", nodes=7, n_groups={"g": 3})))
    'AGQ, 7 nodes'
    """
    if facts.method == "gee":
        return f"GEE, {facts.fit.corr}"
    if not getattr(facts.fit, "n_groups", None):
        return "ML"
    return {"laplace": "Laplace", "agq": f"AGQ, {facts.nodes} nodes"}.get(facts.method, f"{facts.method.upper()}, order {facts.order}")


def ratio_of(fit) -> str | None:
    """What the exponential of a coefficient is, or None where it is nothing with a name."""
    from ...errors import DataError
    from ...glmm.ratios import kind_of_ratio

    try:
        return kind_of_ratio(fit)
    except DataError:
        return None


def scale_of(facts: Facts) -> str:
    """What a coefficient is a difference of.

    >>> from types import SimpleNamespace
    >>> scale_of(Facts(SimpleNamespace(family="poisson", link="log", method="laplace")))
    'log rate'
    """
    if facts.link == "identity":
        return "mean"
    if facts.family in ("binomial", "multinomial") or facts.family == "ordinal":
        known = {"logit": "log-odds", "log": "log probability", "cloglog": "log hazard"}
        return known.get(facts.link, f"{facts.link} scale")
    if facts.link == "log":
        return "log rate" if facts.base in ("poisson", "nbinom1", "nbinom2", "geometric") else (
            "mean of the log" if facts.family == "lognormal" else "log mean")
    return f"{facts.link} scale" if facts.family != "beta" or facts.link != "logit" else "logit of the mean"
