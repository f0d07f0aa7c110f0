"""The parameters of a generalized linear mixed model under one set of names.

Coefficients, standard deviations and correlations as of a linear mixed model (`mlmlib.inference.parameters`), and in
place of sigma the density's own: ``"theta"``, ``"zero"``, ``"sigma"``, thresholds ``"1|2"``.  Their covariance is that of
all parameters together.

Chapter 16 (``16_binary``), Chapter 17 (``17_counts``) and Chapter 18 (``18_categories``) have intervals of them.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from .parameters import Parameters

__all__ = ["GeneralizedParameters", "parameters_of", "shared"]


def parameters_of(fit) -> Parameters:
    """Names and values of the parameters of any fit."""
    return GeneralizedParameters(fit) if hasattr(fit, "density") else Parameters(fit)


def shared(fit, psi: np.ndarray | None = None) -> list[tuple]:
    """The density's own parameters as they are shown: (name, value, derivatives in psi, scale), thresholds among them."""
    psi = fit._psi if psi is None else psi
    if fit.family.name != "ordinal":
        taken = set(fit._names)
        return [(f"dispersion: {name}" if name in taken else name, value, slope, scale)
                for name, value, slope, scale in fit.density.reported(psi)]
    t, turn = fit.density.thresholds(psi), fit.density.threshold_slopes(psi)
    m, r = len(t), len(fit.nominal)
    slopes, changes = np.eye(m * (1 + r)), fit.density.changes(psi)
    slopes[:m, :m] = turn
    if r:
        middle = fit.density.middle
        t = t - (changes * middle).sum(axis=0)
        for k in range(r):
            slopes[:m, m * (1 + k):m * (2 + k)] = -middle[k, 0] * np.eye(m)
    values = np.concatenate([t, changes.ravel()])
    return [(name, float(value), slope, "identity") for name, value, slope in zip(fit._threshold_names, values, slopes)]


_SCALES = {"log": "log", "logit": "logit", "identity": "plain"}


class GeneralizedParameters(Parameters):
    """Names and values of the parameters of a `GlmmResult`, and of many sets of values at once.

    Attributes
    ----------
    names : tuple of str
        Fixed effects, standard deviations and correlations of each term, the density's own parameters.
    p : int
        How many of them are fixed effects.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("TICKS ~ YEAR + (1 | BROOD)", mlm.load("grouseticks"), family="nbinom2")
    >>> parameters_of(fit).names[3:]
    ('sd(BROOD: Intercept)', 'theta')
    """

    def __init__(self, fit):
        super().__init__(fit)
        self.own = shared(fit)
        self.names = (*self.names[:-1], *(row[0] for row in self.own))

    @property
    def middle(self) -> int:
        """Where the density's own parameters begin."""
        return len(self.names) - len(self.own)

    def values(self) -> np.ndarray:
        """The estimates, shape (k,)."""
        return self.at(self.fit._params, self.fit._T, [row[1] for row in self.own])

    def at(self, b, T, own) -> np.ndarray:
        """Values of one set of coefficients, covariance matrices and parameters of the density."""
        found = self.gather(np.asarray(b)[None], [one[None] for one in T], np.ones(1))[0, :-1]
        return np.concatenate([found, own])

    @property
    def scales(self) -> tuple[str, ...]:
        """On which scale each is close to normal: ``"plain"``, ``"log"``, ``"atanh"``, ``"logit"``."""
        random = ["atanh" if a != c else "log" for _, a, c in self._sources]
        return (*["plain"] * self.p, *random, *(_SCALES[row[3]] for row in self.own))

    def covariance(self) -> np.ndarray:
        """Covariance of all values, each on its scale, from the whole observed information; NaN where there is none."""
        fit, p, m = self.fit, self.p, self.fit.model.criterion.m
        J = np.zeros((len(self.names), len(fit._x_cov)))
        J[:p, :p] = fit._back
        if self._sources:
            J[p:self.middle, p:p + m] = np.nan_to_num(fit._variances.slopes, nan=0.0, posinf=0.0, neginf=0.0)
        for k, (_, value, slope, scale) in enumerate(self.own):
            size = value if scale == "log" else value * (1.0 - value) if scale == "logit" else 1.0
            J[self.middle + k, p + m:] = slope / size if size else 0.0
        unknown = ~np.isfinite(np.diagonal(fit._x_cov))
        cov = J @ np.where(np.isfinite(fit._x_cov), fit._x_cov, 0.0) @ J.T
        lost = (np.abs(J[:, unknown]) > 1e-8 * np.abs(J).max(axis=1, keepdims=True)).any(axis=1)
        if self._sources:
            lost[p:self.middle] |= ~np.isfinite(np.diagonal(fit._variances.cov))
        cov[lost] = cov[:, lost] = np.nan
        return cov

    def psi(self, values) -> np.ndarray:
        """The density's parameters on the real line at values of those that are shown, by Newton's method."""
        fit, psi = self.fit, np.array(self.fit._psi, dtype=float)
        target = np.asarray(values, dtype=float)
        for _ in range(100):
            rows = shared(fit, psi)
            now, slopes = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
            for k, row in enumerate(rows):  # steps in the logarithm of what is positive
                if row[3] == "log" and target[k] > 0:
                    slopes[k] /= now[k]
            gap = np.array([np.log(target[k] / now[k]) if row[3] == "log" and target[k] > 0 else target[k] - now[k]
                            for k, row in enumerate(rows)])
            step = np.linalg.lstsq(slopes, gap, rcond=None)[0] if len(rows) else psi * 0.0
            psi = psi + np.clip(step, -2.0, 2.0)
            if np.abs(step).max(initial=0.0) < 1e-13 * (1.0 + np.abs(psi).max(initial=0.0)):
                break
        return psi

    def moved(self, values: np.ndarray):
        """The fit as it would be with other values of its parameters: what a derived quantity is computed from."""
        fit, model = self.fit, copy.copy(self.fit.model)
        criterion = fit.model.criterion.in_basis(fit.model.basis)
        L = np.zeros(criterion.basis.shape[1:])
        if self._sources:
            parts = zip(model.structures, model.blocks, model.z_maps, self.covariances(values[None]))
            for shape, block, back, T in parts:
                forward = np.linalg.inv(back)
                L[block, block] = shape.factor(shape.theta(forward @ T[0] @ forward.T))
        b = model.x_map.T @ values[:self.p]
        x = np.concatenate([b, np.zeros(criterion.m), self.psi(values[self.middle:])])
        x = criterion.replaced(x, L) if criterion.m else x
        model.criterion = criterion
        return type(fit)(model, replace(fit._found, at=criterion(x, fit._at.modes.v), criterion=criterion))
