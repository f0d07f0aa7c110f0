"""The working outcome of quasi-likelihood, its density, and how a slow iteration is hastened.

Chapter 16 (``16_binary``) shows a working outcome.

References
----------
Walker, H. F., & Ni, P. (2011). Anderson acceleration for fixed-point iterations. SIAM Journal on Numerical Analysis, 49,
1715-1735.
"""

from __future__ import annotations

import numpy as np

from .density import Terms

__all__ = ["Working", "WorkingDensity", "accelerated"]

_LEAST = 1e-10  # smallest weight, relative to the largest
_DEPTH = 5  # steps that an acceleration looks back


class Working:
    """From a linear predictor to the working outcome and its weights.

    Parameters
    ----------
    density : Density
        Of a family whose variance is a dispersion times a function of the mean.
    """

    def __init__(self, density):
        self.density = density
        self.y = density.y if density.trials is None else density.y / np.maximum(density.trials, 1.0)
        self.unit = np.zeros(len(density.psi_names))

    def inside(self, eta: np.ndarray) -> bool:
        """True where every linear predictor has a mean."""
        if not np.isfinite(eta).all():
            return False
        bounds = self.density.bounds
        return bounds is None or bool(((eta > bounds[0]) & (eta < bounds[1])).all())

    def __call__(self, eta: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Working outcome, the offset still in it, and weights at dispersion 1."""
        density = self.density
        terms = density.link.mean_terms(eta, 2)
        mu, d1, d2 = terms if len(terms) == 3 else (*terms, np.ones_like(eta), np.zeros_like(eta))
        variance = density.family.variance(mu, self.unit, density.trials)
        with np.errstate(divide="ignore", invalid="ignore"):
            w = d1 * d1 / variance
            if density.weights is not None:
                w = w * density.weights
            z = eta + (self.y - mu) / d1 - 0.5 * d2 / d1 * T
        top = float(np.nanmax(w, initial=0.0))
        poor = ~(np.isfinite(z) & (w > _LEAST * top))
        if poor.any():  # a row so sure of its outcome that it says nothing more
            z, w = np.where(poor, eta, z), np.where(poor, _LEAST * top, w)
        return z, w

    @property
    def slope(self) -> np.ndarray:
        """How the logarithm of the dispersion rises with the density's parameter, shape (0,) or (1,)."""
        if not len(self.unit):
            return np.empty(0)
        at = [float(np.log(self.density.family.variance(np.ones(1), np.array([k]), None))[0]) for k in (0.0, 1.0)]
        return np.array([at[1] - at[0]])


class WorkingDensity:
    """Normal working outcomes with variances dispersion / w.

    Parameters
    ----------
    z, w : ndarray, shape (n,)
    slope : ndarray, shape (0,) or (1,)
        The logarithm of the dispersion is slope times psi; of shape (0,) where the dispersion is 1.
    """

    K, bounds = 1, None

    def __init__(self, z: np.ndarray, w: np.ndarray, slope: np.ndarray):
        self.z, self.w, self.n, self.slope = z, w, len(z), slope
        self.psi_names = ("log dispersion",) * len(slope)

    def __call__(self, eta, psi, order=3) -> Terms:
        w = self.w / float(np.exp(self.slope @ psi))
        r = self.z - eta
        square = w * r * r
        return Terms(0.5 * (np.log(w / (2.0 * np.pi)) - square), w * r, -w, np.zeros(self.n),
                     np.multiply.outer(self.slope, 0.5 * (square - 1.0)), np.multiply.outer(-self.slope, w * r),
                     np.multiply.outer(self.slope, w))


def accelerated(history: list, old: tuple, new: tuple, share: float = 1.0) -> list[np.ndarray]:
    """The next argument of a fixed-point iteration from the last few: Anderson's mixing.

    Parameters
    ----------
    history : list
        (argument, value) of the last steps; changed.
    old, new : tuple of ndarray
        The argument, in parts, and the function there.
    share : float
        Part of the way that is gone; less than 1 where the iteration swings from side to side.
    """
    x, g = np.concatenate(old), np.concatenate(new)
    f = g - x
    if history and np.linalg.norm(f) > 2.0 * np.linalg.norm(history[-1][1] - history[-1][0]):
        history.clear()
    history.append((x, g))
    del history[:-_DEPTH]
    go = x + share * f
    if len(history) > 2:
        dX = np.diff(np.stack([a for a, _ in history]), axis=0)
        dF = np.diff(np.stack([b - a for a, b in history]), axis=0)
        part = np.linalg.lstsq(dF.T, f, rcond=1e-8)[0]
        if np.abs(part).sum() < 1e3:
            go = go - part @ (dX + share * dF)
    return np.split(go, np.cumsum([len(part) for part in old])[:-1])
