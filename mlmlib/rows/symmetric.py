"""Compound symmetry: any two rows of a group are equally correlated.

Row t is predicted from the sum of those before it, with weight rho / (1 + (t - 1) rho), so that whitening is one
cumulative sum.

References
----------
Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, section 5.3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import BoundCorrelation, Correlation, Parameter
from .layout import layout

__all__ = ["Cs"]


@dataclass(frozen=True)
class Cs(Correlation):
    name, title = "cs", "compound symmetry"

    def bind(self, design):
        return _BoundCs(layout(design, self.time, self.group, "cs", repeats=True, times="any"))


class _BoundCs(BoundCorrelation):
    """psi is the logit of where rho stands between -1 / (largest group - 1) and 1."""

    n_params = 1
    parameters = [Parameter("rho", "correlation")]

    def __init__(self, own):
        self.layout = own
        self.low = -1.0 / (own.sizes.max() - 1.0)
        self.before = np.arange(len(own.order)) - np.repeat(own.starts, own.sizes)  # rows of the group before each

    def _psi(self, rho: float) -> np.ndarray:
        share = (rho - self.low) / (1.0 - self.low)
        return np.array([np.log(share / (1.0 - share))])

    def starts(self):
        return [self._psi(0.05), self._psi(0.5)]

    def natural(self, psi):
        return self.low + (1.0 - self.low) / (1.0 + np.exp(-psi))

    def whiten(self, rows, psi):
        rho = self.natural(psi)[0]
        weight = rho / (1.0 + (self.before - 1.0) * rho)
        weight[self.layout.starts] = 0.0
        spread = 1.0 - self.before * weight * rho
        total = np.cumsum(rows, axis=1)
        own = total[:, self.layout.starts] - rows[:, self.layout.starts]  # what came before the group
        past = total - rows - np.repeat(own, self.layout.sizes, axis=1)
        return (rows - weight * past) / np.sqrt(spread), float(np.log(spread).sum())
