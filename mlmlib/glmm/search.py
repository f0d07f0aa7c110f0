"""The search for the maximum of the likelihood: quasi-Newton steps with the exact gradient.

It begins at the generalized linear model and variances by moments, with the curvature of the working linear mixed model:
X'V^-1 X of the coefficients and the Fisher information of theta, V = W^-1 + Z L L'Z'.  Each step corrects this curvature
(BFGS) and predicts the modes of the next, so that few evaluations of few inner steps are needed.

Chapter 16 (``16_binary``) shows the path.

References
----------
Nocedal, J., & Wright, S. J. (2006). Numerical Optimization (2nd ed.). Springer, chapters 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lmm.optimise import _step
from .laplace import LaplaceAt
from .rows import flat, times
from .start import fit_glm, moments

__all__ = ["Found", "curvature", "hessian", "quasi_newton", "search"]

_TOLERANCE = 1e-12  # decrease that a further step promises, at which the search ends
_LIMIT = 300


@dataclass(frozen=True)
class Found:
    """Where the search ended.

    Attributes
    ----------
    at : LaplaceAt
    n_evaluations : int
    converged : bool
        A Newton step would change the criterion by less than 1e-8.
    gradient_norm : float
    glm : GlmFit or None
        The model without random effects.
    messages : tuple of str
    """

    at: LaplaceAt
    n_evaluations: int
    converged: bool
    gradient_norm: float
    glm: object = None
    messages: tuple = ()


def search(model, start: np.ndarray | None = None) -> Found:
    """Minimize the criterion of a model from the GLM, or from the point `start`."""
    criterion = model.criterion
    glm = None
    if start is None:
        glm = fit_glm(model.X, model.density, criterion.offset)
        start = np.concatenate([glm.b, start_theta(model, glm), glm.psi])
    at = criterion(start)
    at, B, count, decrement = quasi_newton(criterion, at)
    return Found(at, count, decrement < 1e-8, float(np.abs(at.gradient).max(initial=0.0)), glm)


def start_theta(model, glm) -> np.ndarray:
    """Theta by moments, one structure after the other."""
    factors = moments(model.rows, model.structures, model.blocks, glm)
    return np.concatenate([np.empty(0), *(shape.theta(L @ L.T) for shape, L in zip(model.structures, factors))])


def quasi_newton(criterion, at: LaplaceAt, B: np.ndarray | None = None, limit: int = _LIMIT):
    """BFGS in a trust region: where it ended, the curvature, number of evaluations, and what a further step promises."""
    count, radius = 1, 1.0
    B = curvature(criterion, at) if B is None else B
    while True:
        step, promised, decrement = _step(at.gradient, B, radius)
        if decrement < _TOLERANCE or count >= limit or radius < 1e-9:
            return at, B, count, decrement
        x = at.x + step
        trial, count = criterion(x, criterion.ahead(at, x)), count + 1
        length = float(np.linalg.norm(step))
        ratio = (at.value - trial.value) / promised if np.isfinite(trial.value) else -1.0
        if promised < 1e-10 * (1.0 + abs(at.value)) and np.isfinite(trial.value):  # below what the value can show
            ratio = float(np.abs(trial.gradient).max() < np.abs(at.gradient).max())
        if np.isfinite(trial.value) and np.isfinite(trial.gradient).all():
            B = _updated(B, step, trial.gradient - at.gradient)
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.99 * radius:
            radius = 2.0 * radius
        if ratio > 1e-4:
            at = trial


def _updated(B: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """BFGS, damped where the curvature along the step is not positive (Powell)."""
    Bs = B @ s
    sBs, sy = float(s @ Bs), float(s @ y)
    if sy < 0.1 * sBs:
        share = 0.9 * sBs / (sBs - sy)
        y = share * y + (1.0 - share) * Bs
        sy = float(s @ y)
    if not sy > 0:
        return B
    return B + np.outer(y, y) / sy - np.outer(Bs, Bs) / sBs


def curvature(criterion, at: LaplaceAt) -> np.ndarray:
    """Second derivatives by the working linear mixed model; those in psi by differences of the gradient."""
    rows, X, modes = criterion.rows, criterion.X, at.modes
    L, p, m = criterion.factor(at.x), criterion.p, criterion.m
    out = np.zeros((len(at.x),) * 2)
    weighted = times(-modes.terms.d2, X)
    S = np.stack([rows.turn(L, rows.gather(row)) for row in weighted]) if p else np.zeros((0, rows.size))
    solved = np.stack([modes.inverse.solve(row) for row in S]) if p else S
    out[:p, :p] = 2.0 * (flat(weighted) @ criterion.flat.T - S @ solved.T)
    dD = criterion.basis @ L.T
    dD = dD + dD.transpose(0, 2, 1)
    information = modes.inverse.information(dD)
    size = np.sqrt(np.diagonal(information))
    information[np.diag_indices(m)] += 1e-6 * max(float(size.max(initial=0.0)), 1e-3) ** 2
    out[p:p + m, p:p + m] = information
    for k in range(p + m, len(at.x)):
        x = at.x.copy()
        x[k] += 1e-3
        change = (criterion(x, criterion.ahead(at, x)).gradient - at.gradient) / 1e-3
        out[k, :k + 1] = out[:k + 1, k] = change[:k + 1]
    return _definite(out, p + m)


def _definite(B: np.ndarray, known: int) -> np.ndarray:
    """A positive definite matrix near B."""
    values, vectors = np.linalg.eigh(B)
    floor = 1e-6 * float(np.abs(values).max())
    if values[0] > floor:
        return B
    return (vectors * np.maximum(np.abs(values), floor)) @ vectors.T


def hessian(criterion, at: LaplaceAt, scale: np.ndarray) -> np.ndarray:
    """Second derivatives of the criterion, by central differences of the exact gradient in steps of size `scale`."""
    out = np.empty((len(at.x),) * 2)
    for k, h in enumerate(scale):
        sides = []
        for sign in (1.0, -1.0):
            x = at.x.copy()
            x[k] += sign * h
            sides.append(criterion(x, criterion.ahead(at, x)).gradient)
        out[k] = (sides[0] - sides[1]) / (2.0 * h)
    return 0.5 * (out + out.T)
