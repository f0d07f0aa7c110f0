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
from typing import Any

import numpy as np

from ..errors import DataError
from ..lmm.optimise import _step
from .failure import refuse_separation
from .laplace import LaplaceAt
from .rows import flat, times
from .start import fit_glm, moments

__all__ = ["Found", "curvature", "hessian", "quasi_newton", "search"]

_TOLERANCE = 1e-12  # decrease that a further step promises, at which the search ends
_ENOUGH = 1e-8  # the same at which an end counts as a minimum
_AGAIN = (1.0, 3.0)  # standard deviations from which a search is begun again
_FRESH, _FAR = 4, 0.5  # evaluations up to which, and decrease after which, the working model's curvature is taken anew
_FEW = 16  # groups
_LARGE = 4.0  # standard deviation on the scale of the link that hardly any data have
_SMALLER = (0.1, 1e-3)  # and where it cannot begin at all
_LIMIT, _NEWTON = 300, 12  # evaluations, Hessians


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
    criterion : Laplace
        As the model's, L in the basis that the search ended in.
    B : ndarray or None
        Second derivatives as the search has them.
    """

    at: LaplaceAt
    n_evaluations: int
    converged: bool
    gradient_norm: float
    glm: Any = None
    criterion: Any = None
    B: np.ndarray | None = None


def search(model, start: np.ndarray | None = None) -> Found:
    """Minimize the criterion of a model from the GLM, or from the point `start`.

    Where the fit is singular, or no minimum was found, the search is begun again from larger variances, and goes on in
    the principal axes of the covariance matrices, where a vanishing dimension is one coordinate.
    """
    path = _Path(model.criterion)
    glm = None
    if start is None:
        glm = fit_glm(model.X, model.density, path.criterion.offset)
        if not abs(glm.value) < 1e100:  # its derivatives, squared, would not be numbers
            raise _no_begin(model)
        refuse_separation(model, glm)
        start = np.concatenate([glm.b, start_theta(model, glm), glm.psi])
    path.go(start)
    for size in _SMALLER:
        if path.at is None:
            path.go(path.criterion.replaced(start, model.plain_factor(size)))
    if path.at is None:
        raise _no_begin(model)
    if glm is None:
        refuse_separation(model, path.at.modes)
    if any(model.singular(path.L)) or path.decrement > _ENOUGH or _fragile(model):
        plain = np.concatenate([path.at.x[:path.criterion.p] if glm is None else glm.b, path.at.x[path.criterion.p:]])
        for size in _AGAIN:
            other = _Path(model.criterion)
            other.go(path.criterion.replaced(plain, model.plain_factor(size)))
            path.take(other)
        if np.linalg.norm(path.L, 2) > _LARGE:  # groups of one outcome each: a lower minimum may lie further out
            other = _Path(model.criterion)
            other.go(path.criterion.replaced(path.at.x, 3.0 * path.L))
            path.take(other)
        path.turn(model)
        if any(model.singular(path.L)):
            path.snap(model)
    if path.decrement > _ENOUGH:
        path.newton()
    at = path.at
    return Found(at, path.count, bool(path.decrement < _ENOUGH), float(np.abs(at.gradient).max(initial=0.0)), glm,
                 path.criterion, path.B)


def _no_begin(model) -> DataError:
    """What is said where no start has a likelihood."""
    return DataError(f"The search cannot begin: with family {model.family.name!r} and link {model.link.name!r} the "
                     f"outcome {model.design.endog_name!r} has no finite likelihood near the start. Another link, "
                     "or predictors and an offset on a smaller scale, usually mend this.")


def _fragile(model) -> bool:
    """True where several minima are not rare: several parameters of the random part, and few groups."""
    return model.criterion.m > 1 and min((J for _, J, _ in model.rows.parts), default=_FEW) < _FEW


class _Path:
    """A search under way: the criterion, where it is, and what a further step promises."""

    def __init__(self, criterion):
        self.criterion, self.B, self.count, self.decrement = criterion, None, 0, np.inf
        self.at: Any = None  # a LaplaceAt, once a start was finite

    @property
    def L(self) -> np.ndarray:
        return self.criterion.factor(self.at.x)

    def go(self, x: np.ndarray, v: np.ndarray | None = None) -> None:
        """Quasi-Newton steps from a point."""
        begin = self.criterion(x, v)
        if not np.isfinite(begin.value):
            return
        self.at, self.B, count, self.decrement = quasi_newton(self.criterion, begin)
        self.count += count

    def take(self, other: _Path) -> None:
        """The better of two ends; of two that are as good, this one."""
        self.count += other.count
        if other.at is not None and other.at.value < self.at.value - 1e-7:
            self.criterion, self.at, self.B, self.decrement = other.criterion, other.at, other.B, other.decrement

    def turn(self, model) -> None:
        """Go on in the principal axes of each unstructured covariance matrix."""
        if all(shape.rescaling != "any" or len(shape.sd) == 1 for shape in model.structures):
            return
        L, basis, at = self.L.copy(), self.criterion.basis.copy(), 0
        for shape, block in zip(model.structures, model.blocks):
            L[block, block], own = shape.frame(L[block, block])
            basis[at:at + shape.n_params, block, block] = own
            at += shape.n_params
        other = _Path(self.criterion.in_basis(basis))
        other.go(other.criterion.replaced(self.at.x, L))
        self.count += other.count
        if other.at is not None and other.at.value < self.at.value + 1e-9:
            self.criterion, self.at, self.B, self.decrement = other.criterion, other.at, other.B, other.decrement

    def snap(self, model) -> None:
        """Vanishing dimensions at exactly zero, where that is as good."""
        L = self.L.copy()
        for shape, block in zip(model.structures, model.blocks):
            L[block, block] = shape.without_small(L[block, block], 1e-3)
        x = self.criterion.replaced(self.at.x, L)
        if not np.allclose(self.criterion.factor(x), L, atol=1e-12):
            return
        trial = self.criterion(x, self.criterion.ahead(self.at, x))
        self.count += 1
        if trial.value <= self.at.value + 1e-8:
            self.at = trial

    def newton(self) -> None:
        """Newton's steps with a Hessian by differences, where quasi-Newton steps came to no end."""
        radius = 1.0
        for _ in range(_NEWTON):
            size = np.diagonal(curvature(self.criterion, self.at))
            B = hessian(self.criterion, self.at, 1e-3 * np.sqrt(2.0 / np.maximum(size, 2.0)))
            self.count += 2 * len(B)
            if not np.isfinite(B).all():
                return
            while True:
                step, promised, self.decrement = _step(self.at.gradient, B, radius)
                if self.decrement < _TOLERANCE or radius < 1e-8:
                    return
                x = self.at.x + step
                trial, self.count = self.criterion(x, self.criterion.ahead(self.at, x)), self.count + 1
                ratio = (self.at.value - trial.value) / promised
                if ratio > 1e-4 or (np.isfinite(trial.value) and promised < 1e-9
                                    and np.abs(trial.gradient).max() < np.abs(self.at.gradient).max()):
                    break
                radius = 0.25 * float(np.linalg.norm(step))
            radius = 2.0 * radius if ratio > 0.75 else radius
            done, self.at, self.B = self.decrement < 1e-10, trial, B
            if done:
                return


def start_theta(model, glm) -> np.ndarray:
    """Theta by moments, one structure after the other."""
    factors = moments(model.rows, model.structures, model.blocks, glm)
    return np.concatenate([np.empty(0), *(shape.theta(L @ L.T) for shape, L in zip(model.structures, factors))])


def quasi_newton(criterion, at: LaplaceAt, B: np.ndarray | None = None, limit: int = _LIMIT):
    """BFGS in a trust region: where it ended, the curvature, number of evaluations, and what a further step promises."""
    count, radius = 1, 1.0
    fresh = _FRESH if B is None else 0
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
        if np.isfinite(trial.value):
            B = _updated(B, step, trial.gradient - at.gradient)
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.99 * radius:
            radius = 2.0 * radius
        if ratio > 1e-4:
            far, at = at.value - trial.value > _FAR, trial
            if count <= fresh and far:
                B = curvature(criterion, at)


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


def curvature(criterion, at: LaplaceAt, plain: bool = False) -> np.ndarray:
    """Second derivatives by the working linear mixed model; those in psi by differences of the gradient.

    A plain one is that of theta alone, as it is; else it is made positive definite.
    """
    rows, X, modes = criterion.rows, criterion.X, at.modes
    L, p, m = criterion.factor(at.x), criterion.p, criterion.m
    dD = criterion.basis @ L.T
    information = modes.inverse.information(dD + dD.transpose(0, 2, 1))
    if plain:
        return information
    out = np.zeros((len(at.x),) * 2)
    weighted = times(-modes.terms.d2, X)
    S = np.stack([rows.turn(L, rows.gather(row)) for row in weighted]) if p else np.zeros((0, rows.size))
    solved = np.stack([modes.inverse.solve(row) for row in S]) if p else S
    out[:p, :p] = 2.0 * (flat(weighted) @ criterion.flat.T - S @ solved.T)
    size = np.sqrt(np.diagonal(information))
    information[np.diag_indices(m)] += 1e-6 * max(float(size.max(initial=0.0)), 1e-3) ** 2
    out[p:p + m, p:p + m] = information
    for k in range(p + m, len(at.x)):
        x = at.x.copy()
        x[k] += 1e-3
        there = criterion(x, criterion.ahead(at, x))
        change = (there.gradient - at.gradient) / 1e-3 if np.isfinite(there.value) else np.eye(len(x))[k]
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
    """Second derivatives of the criterion, by central differences of the exact gradient in steps of size `scale`.

    Differences are one-sided where the criterion is not finite on one side; NaN where it is on neither.
    """
    out = np.empty((len(at.x),) * 2)
    for k, h in enumerate(scale):
        sides = []
        for sign in (1.0, -1.0):
            x = at.x.copy()
            x[k] += sign * h
            side = criterion(x, criterion.ahead(at, x))
            sides.append((x[k], side.gradient) if np.isfinite(side.value) else (at.x[k], at.gradient))
        (up, high), (down, low) = sides
        out[k] = (high - low) / (up - down) if up > down else np.nan
    return 0.5 * (out + out.T)
