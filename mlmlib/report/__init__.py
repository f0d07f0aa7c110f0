"""From a fit to something one can say: summary, equations, and the same model in other programs."""
from .summary import summary

__all__ = ["summary"]
