"""Helpers for growth: the coding of time, events, lags, waves, templates of formulas, latent bases.

``mlm.growth.code_time``, ``waves``, ``event``, ``lag``, ``lead``, ``difference``, ``formula``, ``taxonomy``,
``latent_basis``. Chapters 13 (``13_growth``) and 14 (``14_growth_shapes``) teach them. The bases that bend (`poly`,
`piecewise`, `bs`, `ns`) are functions of formulas, in `mlmlib.transforms` and `mlmlib.splines`.
"""

from .basis import LatentBasis, latent_basis
from .events import event
from .lags import difference, lag, lead
from .templates import GrowthFormula, formula, taxonomy
from .timing import TimeCoding, code_time
from .wave import Waves, waves

__all__ = [
    "GrowthFormula",
    "LatentBasis",
    "TimeCoding",
    "Waves",
    "code_time",
    "difference",
    "event",
    "formula",
    "lag",
    "latent_basis",
    "lead",
    "taxonomy",
    "waves",
]
