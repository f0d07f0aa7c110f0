"""Families of outcomes, one or two a file."""

from __future__ import annotations

import re
from importlib import import_module

from .base import Family, Parameter

__all__ = ["Family", "Parameter", "family"]

_WHERE = {
    "gaussian": "gaussian.GAUSSIAN", "binomial": "binomial.BINOMIAL", "bernoulli": "binomial.BERNOULLI",
    "poisson": "poisson.POISSON", "nbinom2": "negative_binomial.NBINOM2", "nbinom1": "negative_binomial.NBINOM1",
    "geometric": "negative_binomial.GEOMETRIC", "gamma": "gamma.GAMMA", "exponential": "gamma.EXPONENTIAL",
    "inverse-gaussian": "gamma.INVERSE_GAUSSIAN", "lognormal": "gaussian.LOGNORMAL", "beta": "beta.BETA",
    "t": "student.STUDENT", "ordinal": "ordinal.ORDINAL", "multinomial": "multinomial.MULTINOMIAL",
    "zip": "zero.ZIP", "zinb1": "zero.ZINB1", "zinb2": "zero.ZINB2", "hurdle-poisson": "zero.HURDLE_POISSON",
    "hurdle-nbinom1": "zero.HURDLE_NBINOM1", "hurdle-nbinom2": "zero.HURDLE_NBINOM2",
}
_ALSO = {"negative-binomial": "nbinom2", "normal": "gaussian", "student-t": "t"}


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
    key = _ALSO.get(key, key)
    df = re.fullmatch(r"t\(\s*([0-9.]+)\s*\)", key)
    if df and float(df[1]) > 0:
        from .student import Student

        return Student(float(df[1]))
    if key not in _WHERE:
        raise ValueError(f"family={name!r} is not a family: choose one of {', '.join(_WHERE)}, t(df) with df fixed")
    module, attribute = _WHERE[key].split(".")
    return getattr(import_module(f".{module}", __package__), attribute)
