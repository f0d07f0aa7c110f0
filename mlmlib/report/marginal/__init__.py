"""What is said of a marginal model (``mlm.gee``): its equations, prose, tables and code for other programs.

Chapter 20 (``20_gee_and_robust``).
"""

from .equations import equations
from .explain import explain
from .prose import report
from .translate import elsewhere, translate

__all__ = ["elsewhere", "equations", "explain", "report", "translate"]
