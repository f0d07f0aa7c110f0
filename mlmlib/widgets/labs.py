"""The labs, one function each: ``mlm.labs.least_squares()`` and so on."""

from mlmlib.widgets.least_squares import least_squares

__all__ = ["least_squares"]
