"""Panel regression: groups as fixed effects, as random effects, and both at once.

Rows are transformed (`fixed`, `random`, `instrumental`), regressed (`solve`), and kept with what can be asked of them
(`result`, `tests`).  Chapter 19 (``19_fixed_or_random``) derives it all.
"""

from __future__ import annotations

from .model import panel
from .result import PanelResult

__all__ = ["PanelResult", "panel"]
