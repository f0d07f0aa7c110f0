"""Degrees of freedom of robust tests, from the working covariance.

A contrast's variance estimate is a quadratic form in the outcomes, sum_j (p_j'y)^2. If y has the working covariance, products
p_si' Theta p_tj of contrasts s and t in clusters i and j give its mean and variance:

    P^st_ij = [i = j] c_s'T_i c_t - a_si'd_tj - d_si'a_tj + a_si'S a_tj,   a = E c, d = D c.

That is diagonal plus rank 2k, so that sums over all pairs of clusters need k x k sums only.

Chapter 20 (``20_gee_and_robust``).

References
----------
Bell, R. M., & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage samples.
Survey Methodology, 28, 169-181.

Pustejovsky, J. E., & Tipton, E. (2018). Small-sample methods for cluster-robust variance estimation and hypothesis testing in
fixed effects models. Journal of Business & Economic Statistics, 36, 672-683 (section 4).
"""

from __future__ import annotations

import numpy as np

from .adjust import Pieces

__all__ = ["RobustTests"]


class RobustTests:
    """Tests with a cluster-robust covariance: what `mlmlib.inference.small_sample` needs of a method.

    Parameters
    ----------
    params : ndarray, shape (p,)
    cov : ndarray, shape (p, p)
    parts : Pieces or None
        None where one number of degrees of freedom is for all.
    back : ndarray, shape (p, k)
    degrees : float
        That number.
    """

    note = ""

    def __init__(self, params, cov, parts: Pieces | None = None, back=None, degrees: float = np.inf):
        self.params, self.cov, self.parts, self.back, self.degrees = params, cov, parts, back, degrees
        self.name = "Wald test" if parts is None else "AHT Wald test"

    def df(self, C: np.ndarray) -> np.ndarray:
        """Degrees of freedom of each row of C, shape (q, p), by itself."""
        if self.parts is None:
            return np.full(len(C), float(self.degrees))
        found = []
        for row in C @ self.back:
            form = _Form(self.parts, row[None])
            found.append(form.mean[0, 0] ** 2 / form.inner(0, 0, 0, 0) if np.any(row) else np.nan)
        return np.array(found)

    def f(self, C: np.ndarray, difference: np.ndarray) -> tuple[float, float]:
        """F and its denominator's degrees of freedom: approximate Hotelling's T^2 (Pustejovsky and Tipton's AHT or HTZ)."""
        q = len(C)
        statistic = float(difference @ np.linalg.solve(C @ self.cov @ C.T, difference))
        if self.parts is None:
            return statistic / q, float(self.degrees)
        rows = C @ self.back
        values, axes = np.linalg.eigh(_Form(self.parts, rows).mean)
        form = _Form(self.parts, (axes / np.sqrt(values)) @ axes.T @ rows)
        total = sum(form.inner(s, s, t, t) + form.inner(s, t, t, s) for s in range(q) for t in range(q))
        nu = q * (q + 1) / total
        if nu - q + 1 < 1e-6:  # clusters too few for so many hypotheses
            return np.nan, np.nan
        return statistic * (nu - q + 1) / (nu * q), float(nu - q + 1)


class _Form:
    """P of contrasts, rows of c (q, k), of the columns in which sum X'WX = I."""

    def __init__(self, parts: Pieces, c: np.ndarray):
        k = c.shape[1]
        a, d = np.einsum("jab,sb->sja", parts.E, c), np.einsum("jab,sb->sja", parts.D, c)
        self.F = np.concatenate([a, d], axis=2)
        self.Q = np.block([[parts.S, -np.eye(k)], [-np.eye(k), np.zeros((k, k))]])
        self.t = np.einsum("sa,jab,tb->stj", c, parts.T, c, optimize=True)
        self.FQ = self.F @ self.Q
        self.cross = np.einsum("sja,tjb->stab", self.F, self.F, optimize=True)
        self.mean = self.t.sum(axis=2) + np.einsum("sja,tja->st", self.FQ, self.F, optimize=True)

    def inner(self, s: int, t: int, s2: int, t2: int) -> float:
        """Sum over i, j of P^st_ij P^s2t2_ij."""
        first, second = self.t[s, t], self.t[s2, t2]
        own = (self.FQ[s] * self.F[t]).sum(axis=1)
        other = (self.FQ[s2] * self.F[t2]).sum(axis=1)
        whole = np.trace(self.Q @ self.cross[s, s2] @ self.Q @ self.cross[t2, t])
        return float(first @ second + first @ other + second @ own + whole)
