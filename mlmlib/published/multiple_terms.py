"""Published models with several random terms (tests/reference/multiple_terms.toml), each value beside ours."""

from __future__ import annotations

from functools import cache

import mlmlib as mlm

from .agreement import Row, rounds_to, verdict
from .as_julia import values_of
from .sources import data, published

NAME = "multiple_terms"
NOT_VALUES = ("id", "data", "formula", "estimator")
# The published search (BOBYQA, without derivatives) stopped a little short of the optimum. lme4's values there, driven on
# by tests/reference/multiple_terms.R; ours must be these to 1e-5 (where 73,421 rows leave a criterion without derivatives
# no more than that), and the printed ones lie within 1e-4 of ours.
STOPPED_SHORT = {
    ("penicillin-ml", "var", "plate"): 0.714992349,
    ("pastes-ml", "var", "batch"): 1.199155799,
    ("pastes-ml", "se", "(Intercept)"): 0.642135338,
    ("pastes-ml", "z", "(Intercept)"): 93.5213027,
    ("insteval-service-ml", "var", "dept"): 0.00616788831,
    ("insteval-service-ml", "sd", "dept"): 0.0785359046,
    ("insteval-service-ml", "se", "(Intercept)"): 0.0284116422,
    ("insteval-service-ml", "z", "(Intercept)"): 115.53648164,
}


@cache
def models() -> dict:
    """The published models by id."""
    return {entry["id"]: entry for entry in published(NAME)["model"]}


@cache
def fit(name: str):
    """Our fit of a published model."""
    entry = models()[name]
    return mlm.lmm(entry["formula"], data(entry["data"]), reml=entry["estimator"] == "REML")


def values():
    """(id, path, printed) of every published value."""
    for name, entry in models().items():
        for key, inner in entry.items():
            if key not in NOT_VALUES:
                pairs = inner.items() if isinstance(inner, dict) else [("", inner)]
                yield from ((name, (key, inner_name), printed) for inner_name, printed in pairs)


def check(name: str, path: tuple, printed: str) -> Row:
    """One published value beside ours, judged."""
    block, inner = path
    found = values_of(fit(name))[block]
    found = float(found[inner] if inner else found)
    target = STOPPED_SHORT.get((name, *path))
    if target is not None and not rounds_to(found, printed):
        near = abs(found - target) <= 1e-5 * abs(target) and abs(found - float(printed)) <= 1e-4 * abs(float(printed))
        return Row(NAME, name, block, inner, printed, found, "driven" if near else "differs")
    return Row(NAME, name, block, inner, printed, found, verdict(found, printed, block in ("var", "sd")))


@cache
def rows() -> tuple[Row, ...]:
    """All of them."""
    return tuple(check(*item) for item in values())
