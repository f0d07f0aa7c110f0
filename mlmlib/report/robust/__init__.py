"""Fits of `mlm.robust` as equations, prose and code of other programs. Chapter 20 (``20_gee_and_robust``)."""

from .code import elsewhere, translate
from .equations import equations
from .prose import explain, report

__all__ = ["elsewhere", "equations", "explain", "report", "translate"]
