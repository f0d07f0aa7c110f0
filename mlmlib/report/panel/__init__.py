"""Fits of `mlm.panel` as equations, prose, tables, and code of other programs. Chapter 19 (``19_fixed_or_random``)."""

from .code import elsewhere, translate
from .equations import equations
from .explain import explain
from .prose import report

__all__ = ["elsewhere", "equations", "explain", "report", "translate"]
