"""Diagnostics of a fit: residuals of rows and groups, influence of groups and rows, and a table of what was looked for and found."""

from .groups import group_residuals
from .influence import Influence, influence
from .residuals import leverage, residuals

__all__ = ["Influence", "group_residuals", "influence", "leverage", "residuals"]
