"""The estimators of one coefficient from grouped data, side by side."""

from .public import estimators

__all__ = ["estimators"]
