"""What panel models are called, and why they leave columns out."""

from __future__ import annotations

__all__ = ["KINDS", "TITLES", "left_out"]

TITLES = {
    "pooled": "Pooled regression (least squares)",
    "within": "Fixed-effects (within) regression",
    "two-way": "Fixed-effects regression, two-way (groups and times)",
    "first-difference": "First-difference regression",
    "between": "Between regression (on group means)",
    "random": "Random-effects regression (GLS, Swamy-Arora)",
    "mundlak": "Correlated random effects (Mundlak; GLS, Swamy-Arora)",
    "hybrid": "Hybrid within-between regression (random effects; GLS, Swamy-Arora)",
    "hausman-taylor": "Hausman-Taylor regression (instrumental variables)",
}
KINDS = tuple(TITLES)
_AFTER = {"within": "once the group means are taken off", "two-way": "once the effects of groups and times are taken off",
          "first-difference": "once differences are taken", "between": "among the group means"}


def left_out(effects: str, frame, names, follows: dict) -> list[str]:
    """Messages that name each column that a regression could not tell apart, with the reason."""
    swept = effects in ("within", "two-way", "first-difference")
    constant = frame.constant(frame.X) if swept else ()
    lost = [j for j in follows if swept and constant[j]]
    flat = [repr(names[j]) for j in lost if names[j] != "Intercept"]
    told = []
    if flat:
        one = len(flat) == 1
        told.append(f"{', '.join(flat)} {'is' if one else 'are'} left out: {'it does' if one else 'they do'} not vary within "
                    f"groups of {frame.group!r}, and the effects of the groups take up all that differs between groups alone. "
                    f"effects='random', 'mundlak' or 'hausman-taylor' can estimate {'its coefficient' if one else 'them'}.")
    for j, others in follows.items():
        if j in lost:
            continue
        if not others and effects == "two-way":
            told.append(f"{names[j]!r} is left out: the effects of {frame.group!r} and {frame.time!r} together determine it, "
                        "as they do all that runs alike in every group.")
            continue
        what = f"it follows from {', '.join(repr(names[k]) for k in others)}" if others else "it is zero in every row"
        told.append(f"{names[j]!r} is left out: {what}{' ' + _AFTER[effects] if effects in _AFTER else ''}, so that its own "
                    "effect cannot be told apart.")
    return told
