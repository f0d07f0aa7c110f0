"""From a fit to something one can say: summary, equations, and the same model in other programs."""

from .equations import equations
from .summary import summary
from .translate import elsewhere, translate

__all__ = ["elsewhere", "equations", "summary", "translate"]
