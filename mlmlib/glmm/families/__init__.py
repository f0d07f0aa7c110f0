"""Families of outcomes, one or two a file."""

from __future__ import annotations

from importlib import import_module

from .base import Family, Parameter

__all__ = ["Family", "Parameter", "family"]

_WHERE = {
    "binomial": "binomial.BINOMIAL", "bernoulli": "binomial.BERNOULLI", "poisson": "poisson.POISSON",
}


def family(name) -> Family:
    """The family of that name, or the `Family` itself.

    Raises
    ------
    ValueError
        When there is none of that name; the message lists those that there are.

    Examples
    --------
    >>> from mlmlib.glmm.families import family
    >>> family("poisson").default
    'log'
    """
    if isinstance(name, Family):
        return name
    key = str(name).strip().lower().replace("_", "-")
    if key not in _WHERE:
        raise ValueError(f"family={name!r} is not a family: choose one of {', '.join(_WHERE)}")
    module, attribute = _WHERE[key].split(".")
    return getattr(import_module(f".{module}", __package__), attribute)
