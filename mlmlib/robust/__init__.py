"""Cluster-robust covariance matrices of coefficients, with degrees of freedom that hold with few clusters.

Chapter 20 (``20_gee_and_robust``) derives them.
"""

from .public import robust
from .result import RobustResult
from .wild import wild_bootstrap

__all__ = ["RobustResult", "robust", "wild_bootstrap"]
