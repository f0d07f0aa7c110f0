"""Generalized linear mixed models: formula, design, density, criterion, optimum, result, each a step by itself."""

from __future__ import annotations

from .public import glmm
from .result import GlmmResult

__all__ = ["GlmmResult", "glmm"]
