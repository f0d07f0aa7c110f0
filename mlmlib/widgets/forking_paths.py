"""Lab of chapter 10: forking paths."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

FACTS = 12


def forking_paths(
    *,
    seed: int = 6,
    chosen: Any = (),
    facts: int = FACTS,
    planned: bool = False,
    looks: int | None = None,
    worlds: int = 200,
) -> Any:
    """Search among twelve school facts that are pure noise, and watch the table turn into science (chapter 10).

    The model is ``math ~ homework + chosen facts + (1 | schid)`` by maximum likelihood, on the math data's 23 schools,
    fitted in the page. The facts are normal random numbers with invented names; forward selection by AIC takes six at
    most. The same search in other worlds shows how often it finds something.

    Parameters
    ----------
    seed : int
        Which facts: the same seed draws the same, 1 to 99999.
    chosen : sequence of int
        Facts that are in the model, by their places in the table from 0.
    facts : int
        How many facts are on offer, the first 1 to 12.
    planned : bool
        Whether the first fact is tested as planned, and no other looked at.
    looks : int, optional
        Tests looked at so far; left out, those of the table that the lab opens with.
    worlds : int
        How many other worlds are searched (at most 5000).
    """
    from mlmlib.datasets import load

    for name, value, (low, high) in (
        ("seed", seed, (1, 99_999)),
        ("facts", facts, (1, FACTS)),
        ("worlds", worlds, (1, 5000)),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: the lab works from {low:g} to {high:g}")
    inside = list(dict.fromkeys(int(k) for k in chosen))
    if not all(0 <= k < facts for k in inside):
        raise ValueError(f"chosen = {chosen!r}: the facts on offer are 0 to {facts - 1}")
    math = load("math")
    x, y = math["homework"], math["math"]
    schools = math.groupby("schid", observed=True)
    data = {
        "n": schools.size().tolist(),
        "x": schools["homework"].sum().tolist(),
        "y": schools["math"].sum().tolist(),
        "xx": float((x * x).sum()),
        "xy": float((x * y).sum()),
        "yy": float((y * y).sum()),
    }
    state = {
        "seed": seed,
        "chosen": inside,
        "facts": facts,
        "planned": bool(planned),
        "looks": facts if looks is None else int(looks),
        "worlds": worlds,
    }
    return lab("forking_paths", "Forking paths", state, data=data)
