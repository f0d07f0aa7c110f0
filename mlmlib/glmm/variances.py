"""Standard errors of the parameters of a GLMM: the inverse of the whole observed information of (b, theta, psi).

The information is half the Hessian of -2 log-likelihood, by central differences of its exact gradient.  Variances,
correlations and the density's own parameters are carried to the scale shown by the delta method.

Chapter 16 (``16_binary``) reads these.
"""

from __future__ import annotations

import numpy as np

from ..lmm.variances import VarianceParameters

__all__ = ["GlmmVarianceParameters", "joint_covariance"]

_NOTHING = 1e-4  # curvature in a logarithm or logit that leaves it hundreds of units
_NEGLIGIBLE = 1e-7  # curvature, relative to what is expected, that says nothing


def joint_covariance(H: np.ndarray, p: int, expected: np.ndarray, m: int | None = None) -> np.ndarray:
    """Covariance of (b, theta, psi) from the Hessian of -2 log-likelihood.

    NaN in the rows of parameters that the likelihood does not hold: a direction of theta without curvature, as at a
    boundary, is left out, and so is a parameter of the density (after p coefficients and m of theta) that has run to the
    edge; a Hessian that is not positive definite otherwise holds nothing.
    """
    size = np.sqrt(np.maximum(np.diagonal(expected), 1e-300))
    scaled = H / np.outer(size, size)
    keep = np.diagonal(scaled) > _NEGLIGIBLE
    if m is not None:
        keep[p + m:] &= np.diagonal(H)[p + m:] > _NOTHING
    keep[:p] = True
    out = np.full_like(H, np.nan)
    if not np.isfinite(scaled).all():
        return out
    values, vectors = np.linalg.eigh(scaled[np.ix_(keep, keep)])
    if values[0] <= 1e-10 * max(values[-1], 1.0):
        return out
    inverse = (vectors / values) @ vectors.T
    out[np.ix_(keep, keep)] = 2.0 * inverse / np.outer(size[keep], size[keep])
    return out


class GlmmVarianceParameters(VarianceParameters):
    """The parameters (log sd, atanh corr) of each term, with their covariance; psi is estimated."""

    one_residual = False

    def __init__(self, fit):
        self.fit, self.names, self._place = fit, [], []
        model, x = fit.model, fit._at.x
        criterion = model.criterion
        slopes, free = [], []
        L = criterion.factor(x)
        for term, shape, T, back, block in zip(model.design.random, model.structures, fit._T, model.z_maps,
                                               model.blocks):
            change = back @ criterion.basis[:, block, block] @ L[block, block].T @ back.T
            change = change + change.transpose(0, 2, 1)  # dT / dtheta, shape (m, q, q)
            sd = np.sqrt(np.maximum(np.diagonal(T), 0.0))
            known = sd > 1e-6 * fit.density.unit / np.sqrt(np.mean(term.Z ** 2, axis=0))
            with np.errstate(divide="ignore", invalid="ignore"):
                log_sd = np.einsum("kaa->ka", change) / (2.0 * sd ** 2)
            sd_place = len(self.names) + shape.sd
            for k in range(shape.sd.max() + 1):
                mine = np.flatnonzero(shape.sd == k)
                self.names.append(f"log sd({term.group}: {' = '.join(term.names[a] for a in mine)})")
                slopes.append(log_sd[:, mine[0]])
                free.append(bool(known[mine].all()))
            corr_place = np.where(shape.corr >= 0, len(self.names) + shape.corr, -1)
            for k in range(shape.corr.max() + 1):
                a, b = (int(i[0]) for i in np.nonzero(np.triu(shape.corr == k)))
                r = T[a, b] / (sd[a] * sd[b]) if known[a] and known[b] else np.nan
                inside = bool(np.isfinite(r) and abs(r) < 1 - 1e-7)
                self.names.append(f"atanh corr({term.group}: {term.names[a]}, {term.names[b]})")
                with np.errstate(divide="ignore", invalid="ignore"):
                    own = change[:, a, b] / (sd[a] * sd[b]) - r * (log_sd[:, a] + log_sd[:, b])
                    slopes.append(own / (1.0 - r * r))
                free.append(inside)
            self._place.append((sd_place, corr_place))
        p, m = criterion.p, criterion.m
        self.slopes = np.array(slopes).reshape(len(free), len(criterion.basis))
        self.free = np.array(free, dtype=bool)
        self.cov = np.full((len(free), len(free)), np.nan)
        theta = fit._x_cov[p:p + m, p:p + m]
        own = self.slopes[self.free]
        used = np.flatnonzero(~np.isnan(np.diagonal(theta)))
        held = np.abs(np.delete(own, used, axis=1)).max(axis=1, initial=0.0) > 1e-8  # rests on what nothing is known of
        cov = own[:, used] @ theta[np.ix_(used, used)] @ own[:, used].T
        cov[held] = cov[:, held] = np.nan
        self.cov[np.ix_(self.free, self.free)] = cov
