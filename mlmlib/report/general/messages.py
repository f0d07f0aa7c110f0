"""What the messages of a generalized fit mean in this model: a sentence in its own words after each.

Chapter 16 (``16_binary``) meets most of them: too few nodes, quasi-likelihood, variances without bound.
"""

from __future__ import annotations

import numpy as np

from ..ledger import joined

__all__ = ["explained"]


def explained(fit, words, say) -> list[str]:
    """Each message of a fit, and what it means here."""
    return [" ".join(filter(None, (say.quote(message), _meaning(fit, words, say, message))))
            for message in fit.messages]


def _meaning(fit, words, say, message) -> str:
    for start, mean in _KNOWN.items():
        if start in message:
            return mean(fit, words, say)
    return ""


def _groups(fit, words) -> tuple[str, str]:
    return joined(words.group(g) for g in fit.n_groups), joined(words.groups(g) for g in fit.n_groups)


def _coarse(fit, words, say):
    one, many = _groups(fit, words)
    size = float(np.mean(fit.group_sizes[next(iter(fit.n_groups))]))
    return (f"That is: the likelihood is an integral over what sets each {one} apart, and with "
            f"{say.plain('mean group size', size, 1)} {words.rows} on average a {one} says so little of it that one "
            f"point at the peak does not tell the area. The SDs between {many} suffer most, the ratios of predictors "
            "less.")


def _few(fit, words, say):
    return ("That is: the numbers above are those of an approximation that has not settled, and another program with "
            "other nodes would print others.")


def _infinite(fit, words, say):
    one, many = _groups(fit, words)
    return (f"That is: nearly every {one} has one and the same outcome in all its {words.rows}, so that {many} differ "
            f"as much as they can, and only the few that have both outcomes say anything of predictors within a {one}.")


def _edge(fit, words, say):
    return "That is: the parameter has no estimate, because the simpler distribution, its limit, fits the data as well."


def _flat(fit, words, say):
    _, many = _groups(fit, words)
    return f"That is: another set of SDs and correlations between {many} would fit exactly as well, so that these are not knowledge."


def _quasi(fit, words, say):
    _, many = _groups(fit, words)
    return (f"That is: the model was replaced by a linear one around its own estimates. With few {words.rows} in each "
            f"of the {many} the SDs come out too small, and with them the coefficients.")


def _event(fit, words, say):
    last = str(fit.messages).split("probability of ")[-1].split("'")[1]
    return f"A positive coefficient makes {last} more probable."


def _reference(fit, words, say):
    return "Two other categories are compared by the difference of their coefficients."


_KNOWN = {
    "approximation is coarse": _coarse, "Too few quadrature points": _few, "as good as infinite": _infinite,
    "runs to the edge": _edge, "cannot tell all variances": _flat, "Quasi-likelihood has no": _quasi,
    "the model is of the probability of": _event, "The reference category of": _reference,
}
