"""Figures of the book, in one style. Each function returns its Axes; :func:`alt` gives the text of what it shows."""

from ..optional import needs

with needs("mlm.plots"):
    import matplotlib  # noqa: F401
    import pandas  # noqa: F401

from .autocorrelation import acf
from .averages import conditional_curves
from .bootstrap import bootstrap, bootstrap_test
from .checks import qq, residuals
from .data import group_means, scatter, small_multiples, spaghetti
from .diagnostics import diagnosis, influence, linearity, residual_spread
from .effects import caterpillar, pooling, random_effects, shrinkage, shrinkage_pairs
from .inference import design_effect, intervals, margins, sampling, type1_error
from .lines import fitted_lines
from .means import means
from .power import budget, power_curves
from .profile import profile_density, profile_pairs, profile_zeta
from .survival import survival
from .theme import DATA, FAINT, FIXED, INK, MISS, PARTIAL, POOLED, SECOND, SKY, SOFT, UNPOOLED, alt, style, text_color
from .variance import origin, plausible_ranges, variance, variance_shares

__all__ = [
    "DATA",
    "FAINT",
    "FIXED",
    "INK",
    "MISS",
    "PARTIAL",
    "POOLED",
    "SECOND",
    "SKY",
    "SOFT",
    "UNPOOLED",
    "acf",
    "alt",
    "bootstrap",
    "bootstrap_test",
    "budget",
    "caterpillar",
    "conditional_curves",
    "design_effect",
    "diagnosis",
    "fitted_lines",
    "group_means",
    "influence",
    "intervals",
    "linearity",
    "margins",
    "means",
    "origin",
    "plausible_ranges",
    "pooling",
    "power_curves",
    "profile_density",
    "profile_pairs",
    "profile_zeta",
    "qq",
    "random_effects",
    "residual_spread",
    "residuals",
    "sampling",
    "scatter",
    "shrinkage",
    "shrinkage_pairs",
    "small_multiples",
    "spaghetti",
    "style",
    "survival",
    "text_color",
    "type1_error",
    "variance",
    "variance_shares",
]
