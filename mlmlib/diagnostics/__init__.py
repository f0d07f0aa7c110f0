"""Diagnostics of a fit: residuals of rows and groups, influence of groups and rows, and a table of what was looked
for and found."""

from .autocorrelation import Acf, acf
from .diagnosis import Diagnosis, diagnose
from .glmm_tests import dispersion_test, outliers_test, pearson_dispersion, uniformity_test, zeros_test
from .groups import group_residuals
from .influence import Influence, influence
from .judging import Check
from .level1 import Homogeneity, homogeneity
from .linearity import added
from .residuals import leverage, residuals

__all__ = [
    "Acf",
    "Check",
    "Diagnosis",
    "Homogeneity",
    "Influence",
    "acf",
    "added",
    "diagnose",
    "dispersion_test",
    "group_residuals",
    "homogeneity",
    "influence",
    "leverage",
    "outliers_test",
    "pearson_dispersion",
    "residuals",
    "uniformity_test",
    "zeros_test",
]
