"""The labs, one function each: ``mlm.labs.least_squares()`` and so on. Each lives in the module of its name."""

from __future__ import annotations

from importlib import import_module

_LABS = (
    "centering",
    "confounded_schools",
    "coverage",
    "covariance_origin",
    "cross_level",
    "design_effect",
    "forking_paths",
    "influence",
    "least_squares",
    "likelihood_surface",
    "origin_of_time",
    "piecewise",
    "power_planner",
    "quadrature",
    "residual_memory",
    "shrinkage",
    "two_averages",
    "variance_partition",
    "variance_test",
    "working_correlation",
)
__all__ = list(_LABS)


def __getattr__(name):
    if name not in _LABS:
        raise AttributeError(f"there is no lab {name!r}; there are {', '.join(_LABS)}")
    return getattr(import_module(f"mlmlib.widgets.{name}"), name)


def __dir__():
    return __all__
