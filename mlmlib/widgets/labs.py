"""The labs, one function each: ``mlm.labs.least_squares()`` and so on. Each lives in the module of its name."""

from __future__ import annotations

from importlib import import_module

__all__ = ["coverage", "covariance_origin", "design_effect", "least_squares", "shrinkage"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"there is no lab {name!r}; there are {', '.join(__all__)}")
    return getattr(import_module(f"mlmlib.widgets.{name}"), name)


def __dir__():
    return __all__
