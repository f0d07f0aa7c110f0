"""Planning: the power of a multilevel study, by formula and by simulation.

A namespace, ``mlm.power``: a function a design (`cluster_randomized`, `multisite`, `three_level`, `longitudinal`,
`cross_level`), `budget` for what two or three levels cost, and `simulate` for every study that no formula fits.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

from .clusters import cluster_randomized
from .costs import BudgetResult, budget
from .cross import cross_level
from .growth import longitudinal
from .result import PowerResult
from .simulated import SimulatedPower
from .simulation import simulate
from .sites import multisite
from .three import three_level

__all__ = ["BudgetResult", "PowerResult", "SimulatedPower", "budget", "cluster_randomized", "cross_level",
           "longitudinal", "multisite",
           "simulate", "three_level"]
