"""Estimated means of generalized models carried back from the linear predictor to the scale of the outcome.

A mean is g(eta), with the standard error of the delta method and the ends of its interval carried back.  A difference of
linear predictors is the logarithm of a ratio, of odds under the logit link and of means under the log link; other links
have no such ratio.  Tests are those of the linear predictor.  The numbers are those of R's emmeans with
``type = "response"``.

Chapter 16 (``16_binary``) compares both scales.
"""

from __future__ import annotations

import numpy as np

__all__ = ["check_scale", "linked", "outcome_name", "presented", "ratio_label", "told"]

_RATIOS = {"logit": "odds ratio", "log": "ratio"}


def check_scale(fit, type: str, names) -> None:
    """Refuse what a generalized model has no estimated means of."""
    if type not in ("link", "response"):
        raise ValueError(f"type={type!r} must be 'link' or 'response'.")
    if getattr(fit, "_marginal", False) and hasattr(fit, "categories"):
        raise ValueError("Estimated means and trends are there for outcomes with one mean; of categories "
                         "fit.margins(...) averages the probabilities.")
    if not hasattr(fit, "density"):
        return
    if fit.density.K > 1 and getattr(fit.model, "zero", None) is None:
        raise ValueError("Estimated means and trends are there for models with one linear predictor; of unordered "
                         "categories fit.margins(...) averages the probabilities.")
    if fit.family.name != "ordinal":
        return
    if type == "response":
        raise ValueError("Ordered categories have a probability each: ask fit.margins(...) for them, or leave "
                         "type='response' out for means of the linear predictor.")
    terms = () if fit.model.nominal is None else fit.model.nominal.terms
    moved = {name for term in terms for factor in term for name in factor.columns} & set(names)
    if moved:
        raise ValueError(f"Thresholds differ by {min(moved)!r}, so that it has no one mean of the linear predictor: "
                         "ask fit.margins(...) for probabilities.")


def linked(fit) -> bool:
    """Whether the fit has a link: a generalized model, or a marginal one."""
    return hasattr(fit, "density") or getattr(fit, "_marginal", False)


def outcome_name(found) -> str | None:
    """What `Estimates` are called on the scale of the outcome; None where they are shown as they are."""
    if found.type != "response" or not linked(found.fit):
        return None
    family, link = found.fit.family, found.fit.link.name
    if found.value == "slope" or link == "identity":
        return None
    if found.value == "estimate":
        return _RATIOS.get(link)
    if not family.discrete:
        return "response"
    return "prob" if family.support == "unit" else "rate" if link == "log" else "response"


def told(found) -> list[str]:
    """On which scale the `Estimates` of a generalized model are."""
    link = found.fit.link.name
    if link == "identity":
        return []
    if outcome_name(found) is None:
        return [f"On the scale of the linear predictor ({link})."]
    tests = "; tests are those of the linear predictor" if found.tested else ""
    if getattr(found.fit, "_marginal", False):
        return [f"Means of the population, carried back from the linear predictor ({link}){tests}."]
    return [f"Carried back from the linear predictor ({link}), of a group with effects of zero{tests}."]


def presented(link, value: str, estimate, se, lower, upper) -> tuple:
    """Estimates, standard errors and ends of intervals on the scale of the outcome."""
    if value == "estimate":
        with np.errstate(over="ignore"):
            ratio = np.exp(estimate)
            return ratio, ratio * se, np.exp(lower), np.exp(upper)
    mean, slope = (np.asarray(part) for part in link.mean_terms(np.asarray(estimate, dtype=float), 2)[:2])
    ends = np.sort(np.stack([link.mean(np.asarray(lower)), link.mean(np.asarray(upper))]), axis=0)
    return mean, np.abs(slope) * se, ends[0], ends[1]


def ratio_label(value):
    """``"a - b"`` as ``"a / b"``."""
    return value.replace(" - ", " / ") if isinstance(value, str) else value
