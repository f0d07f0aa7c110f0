"""Variances and correlations of several outcomes at every level, with their standard errors.

Chapter 15 (``15_multivariate``) reads them.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..lmm.row_variances import RowVarianceParameters
from ..results import normal_quantile

__all__ = ["OutcomeVariances", "correlations", "icc"]

_STEP = 1e-5


class OutcomeVariances(RowVarianceParameters):
    """As `RowVarianceParameters`, the residuals having a standard deviation for each outcome and their correlations."""

    one_residual = False

    def __init__(self, fit):
        super().__init__(fit)
        rows, psi, outcomes = fit.model.rows, fit.model.psi, fit.outcomes
        K = len(outcomes)
        a, b = self.upper = np.triu_indices(K, 1)
        m = len(self.names) - 1

        def own(x):  # log standard deviations relative to the first outcome, atanh correlations
            found = rows.natural(x)
            return np.concatenate([[0.0], np.log(found[len(a):]), np.arctanh(found[:len(a)])])

        slopes = np.column_stack([(own(psi + unit) - own(psi - unit)) / (2.0 * _STEP)
                                  for unit in _STEP * np.eye(len(psi))])
        across = self._moves() @ self.psi_cov  # of the variance parameters with psi
        both = np.block([[self.cov, across], [across.T, self.psi_cov]])
        carry = np.zeros((m + K + len(a), len(both)))
        carry[:m, :m] = np.eye(m)
        carry[m:m + K, m] = 1.0
        carry[m:, m + 1:] = slopes
        known = np.isfinite(np.diagonal(both))
        cov = carry @ np.where(np.outer(known, known), both, 0.0) @ carry.T
        lost = (np.abs(carry[:, ~known]) > 0).any(axis=1)
        cov[lost] = cov[:, lost] = np.nan
        self.cov = cov
        self.names = [*self.names[:-1], *(f"log sd(Residual: {name})" for name in outcomes),
                      *(f"atanh corr(Residual: {outcomes[i]}, {outcomes[j]})" for i, j in zip(a, b))]
        corr = np.full((K, K), -1)
        corr[a, b] = corr[b, a] = m + K + np.arange(len(a))
        self._residual = SimpleNamespace(group="Residual", names=outcomes), m + np.arange(K), corr

    def rows(self):
        yield from super().rows()
        yield from self._of(*self._residual[:1], self.fit._residual_cov, *self._residual[1:])


def correlations(fit, level: float = 0.95):
    """Correlations of the effects at every level, as `MultivariateResult.correlations` gives them."""
    from .. import frames as pd
    table = fit.random_table("sd", level)
    table = table[table["name"].str.startswith("corr(")]
    pairs = table["name"].str[5:-1]
    out = pd.DataFrame({"level": table["group"], "pair": pairs})
    out[["correlation", "se", "lower", "upper"]] = table[["estimate", "se", "lower", "upper"]]
    return out.reset_index(drop=True)


def icc(fit, level: float = 0.95):
    """The intraclass correlation of each outcome, as `MultivariateResult.icc` gives it."""
    from .. import frames as pd
    terms = fit.design.random
    if len(terms) != 1 or len(terms[0].names) != len(fit.outcomes) or not all(
            name.endswith(": Intercept") for name in terms[0].names):
        raise ValueError("icc() takes a model whose one random term is (1 | group); with more, the share that lies "
                         "between groups depends on them: see covariance_matrix() and residual_cov().")
    z, names, cov = normal_quantile(level), fit._every_variance.names, fit._every_variance.cov
    T, Sigma, out = np.diagonal(fit._T[0]), np.diagonal(fit._residual_cov), []
    for k, name in enumerate(fit.outcomes):
        share = T[k] / (T[k] + Sigma[k])
        place = [names.index(f"log sd({terms[0].group}: {name}: Intercept)"), names.index(f"log sd(Residual: {name})")]
        own = cov[np.ix_(place, place)]
        spread = 2.0 * float(np.sqrt(own[0, 0] + own[1, 1] - 2.0 * own[0, 1]))  # of the logit
        with np.errstate(all="ignore"):
            middle = np.log(T[k] / Sigma[k])
            ends = 1.0 / (1.0 + np.exp(-(middle + np.array([-z, z]) * spread)))
        out.append((share, share * (1.0 - share) * spread, *ends))
    return pd.DataFrame(out, index=pd.Index(fit.outcomes, name="outcome"), columns=["icc", "se", "lower", "upper"])
