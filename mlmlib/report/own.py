"""Which package writes about a fit: those of panels, of robust covariances and of marginal models have one of their own.

A package has functions named ``equations``, ``explain``, ``report``, ``translate``, ``elsewhere`` with the arguments of those here;
of what it has not, the fit is refused or the general function serves.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["own"]


def own(fit, what: str):
    """The function `what` for this fit, None where the general one serves."""
    package = ("robust" if hasattr(fit, "clusterings") else "panel" if hasattr(fit, "transformed")
               else "marginal" if getattr(fit, "_marginal", False) else None)
    if package is None:
        return None
    try:
        return getattr(import_module(f".{package}", __package__), what, None)
    except ModuleNotFoundError:  # no such package: the fit is refused
        return None
