"""The equations of a robust fit: those of the model whose coefficients it has. Chapter 20 (``20_gee_and_robust``)."""

from __future__ import annotations

__all__ = ["equations"]


def equations(fit, *, estimates: bool = False, form: str = "both"):
    """Those of the fit, whose coefficients are the same."""
    return fit.fit.equations(estimates=estimates, form=form)
