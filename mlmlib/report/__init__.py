"""From a fit to something one can say: summary, equations, tables, prose, and the same model in other programs."""

from .equations import equations
from .explain import explain
from .prose import report
from .summary import summary
from .table import table
from .translate import elsewhere, translate

__all__ = ["elsewhere", "equations", "explain", "report", "summary", "table", "translate"]
