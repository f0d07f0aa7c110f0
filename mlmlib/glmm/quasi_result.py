"""The result of quasi-likelihood: a GLMM's, with the working linear mixed model's standard errors and no likelihood.

Chapter 16 (``16_binary``) compares it with Laplace's approximation and quadrature.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .result import GlmmResult
from .search import curvature

__all__ = ["QuasiResult"]

_STEP = 1e-3  # of the second differences that REML's part of the information takes


class QuasiResult(GlmmResult):
    """A generalized linear mixed model fitted by PQL or MQL.

    Attributes
    ----------
    order : int
        Of Taylor's expansion, 1 or 2.
    reml : bool
        True where the working model was fitted by REML.
    llf, criterion : float
        NaN: there is no likelihood of the outcomes.
    gradient_norm : float
        Largest element of the working model's gradient at its last fit; by REML of the last change.

    Notes
    -----
    Standard errors are those of the last working model: (X'V^-1 X)^-1 of the coefficients, as in R's ``glmmPQL``, and the
    observed information of the variances.
    """

    order: int
    reml: bool

    def __init__(self, model, found, messages=()):
        super().__init__(model, found, messages)
        self._freeze(order=model.order, reml=model.reml)

    @property
    def _overdispersed(self) -> bool:
        """True where a residual variance was set free that the family does not have."""
        return self.model.free and not self.density.psi_names

    @property
    def dispersion(self):
        """The density's parameters, or the residual variance of the working model that was set free (Series)."""
        from .. import frames as pd
        return pd.Series({"dispersion": self.model.residual_variance}) if self._overdispersed else super().dispersion

    def dispersion_table(self, level: float = 0.95):
        """The same with standard errors and intervals (DataFrame)."""
        from .. import frames as pd

        from ..results import normal_quantile
        if not self._overdispersed:
            return super().dispersion_table(level)
        value, se = self.model.residual_variance, float(np.sqrt(self._x_cov[-1, -1]))  # of its logarithm
        spread = float(np.exp(normal_quantile(level) * se))
        return pd.DataFrame([("dispersion", value, value * se, value / spread, value * spread)],
                            columns=["name", "estimate", "se", "lower", "upper"])

    @cached_property
    def _hessian(self) -> np.ndarray:
        p = self.model.criterion.p
        H = super()._hessian
        H[:p] = H[:, :p] = 0.0
        H[:p, :p] = self._expected[:p, :p]
        if self.reml:
            H[p:, p:] += self._restricted(p)
        return H

    def _restricted(self, p: int) -> np.ndarray:
        """Second derivatives of log|X'V^-1 X| in theta and psi, by differences."""
        criterion, x = self.model.criterion, self._at.x
        size = _STEP * np.sqrt(2.0 / np.maximum(np.diagonal(self._expected)[p:], 2.0))

        def value(change):
            at = criterion(x + np.concatenate([np.zeros(p), change]))
            return float(np.linalg.slogdet(curvature(criterion, at)[:p, :p])[1])

        k, steps = len(x) - p, np.diag(size)
        out, middle = np.empty((k, k)), value(np.zeros(k))
        for i in range(k):
            out[i, i] = (value(steps[i]) - 2.0 * middle + value(-steps[i])) / size[i] ** 2
            for j in range(i):
                four = (value(steps[i] + steps[j]) - value(steps[i] - steps[j]) - value(steps[j] - steps[i])
                        + value(-steps[i] - steps[j]))
                out[i, j] = out[j, i] = four / (4.0 * size[i] * size[j])
        return out
