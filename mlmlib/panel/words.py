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
    """A message for each column that a regression could not tell apart."""
    constant = frame.constant(frame.X) if len(names) == len(frame.names) else None
    told = []
    for j, others in follows.items():
        name = names[j]
        if effects in _AFTER and effects != "between" and name == "Intercept":
            continue
        if effects in _AFTER and effects != "between" and constant is not None and constant[j]:
            told.append(f"{name!r} is left out: it does not vary within groups of {frame.group!r}, and the effects of the groups "
                        "take up all that differs between groups alone. effects='random', 'mundlak' or 'hausman-taylor' "
                        "estimate its coefficient.")
        elif not others and effects == "two-way":
            told.append(f"{name!r} is left out: the effects of {frame.group!r} and {frame.time!r} together determine it (as a "
                        "trend that is the same for all groups does).")
        else:
            what = f"it follows from {', '.join(repr(names[k]) for k in others)}" if others else "it is zero in every row"
            told.append(f"{name!r} is left out: {what}{' ' + _AFTER[effects] if effects in _AFTER else ''}, so that its own "
                        "effect cannot be told apart.")
    return told
