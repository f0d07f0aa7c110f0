"""Generalized estimating equations on statsmodels' GEE: marginal models of grouped data with robust standard errors."""

from .public import gee

__all__ = ["gee"]
