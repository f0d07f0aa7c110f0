"""Fits printed in the layout and digits of published documents, for the book's `reference` cells."""

from ..optional import needs

with needs("mlm.published"):
    import pandas  # noqa: F401

from .as_julia import julia
from .as_lme4 import lme4
from .as_lme4_anova import lme4_anova, lme4_bootstrap
from .as_r import r
from .as_stata import stata, stata_data, stata_margins
from .trap import on_boundary

__all__ = ["julia", "lme4", "lme4_anova", "lme4_bootstrap", "on_boundary", "r", "stata", "stata_data", "stata_margins"]
