"""Where the search begins: the generalized linear model without random effects, and variances by moments.

Chapter 16 (``16_binary``) begins with the model that ignores the groups.

References
----------
Nelder, J. A., & Wedderburn, R. W. M. (1972). Generalized linear models. Journal of the Royal Statistical Society A, 135,
370-384.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .modes import _convex
from .rows import flat, times

__all__ = ["GlmFit", "fit_glm", "moments"]

_STEP = 1e-4


@dataclass(frozen=True)
class GlmFit:
    """A generalized linear model: coefficients, psi, linear predictor, the density there.

    `value` is -2 log-likelihood; `found` False where no maximum was found, as with separation.
    """

    b: np.ndarray
    psi: np.ndarray
    eta: np.ndarray
    terms: Any
    value: float
    found: bool


@np.errstate(over="ignore", invalid="ignore")  # of steps too far, which are taken back
def fit_glm(X: np.ndarray, density, offset, limit: int = 50) -> GlmFit:
    """Maximize the likelihood without random effects by Newton steps in (b, psi).

    Parameters
    ----------
    X : ndarray, shape (p, n) or (p, K, n)
    density : Density
    offset : ndarray or float
    limit : int
        Largest number of steps.
    """
    p, whole = len(X), flat(X)
    eta, psi = density.start()
    terms = density(eta, psi, 2)
    weighted = flat(times(_convex(-terms.d2), X))
    b = np.linalg.lstsq(weighted @ whole.T, weighted @ (eta - offset).ravel(), rcond=None)[0]

    def at(b, psi):
        eta = (b @ whole).reshape(X.shape[1:]) + offset
        terms = density(eta, psi, 3)
        return eta, terms, -2.0 * float(terms.value.sum())

    eta, terms, value = at(b, psi)
    found = False
    for _ in range(limit):
        gradient = np.concatenate([whole @ terms.d1.ravel(), terms.p.sum(axis=1)])
        information = -_hessian(X, density, eta, psi, terms)
        values, vectors = np.linalg.eigh(information)
        floor = 1e-10 * max(float(np.abs(values).max(initial=0.0)), 1e-300)
        step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), floor))
        decrement = float(gradient @ step)
        if not decrement > 1e-12:
            found = True
            break
        share = 1.0
        while share > 1e-8:
            trial = b + share * step[:p], psi + share * step[p:]
            new = at(*trial)
            if new[2] <= value - 1e-4 * share * decrement or (decrement < 1e-8 and share == 1.0):
                break
            share *= 0.5
        else:
            break
        (b, psi), (eta, terms, value) = trial, new
    return GlmFit(b, psi, eta, terms, value, found)


def _hessian(X, density, eta, psi, terms) -> np.ndarray:
    """Second derivatives of the log-likelihood in (b, psi); those in psi alone by differences."""
    p, whole = len(X), flat(X)
    out = np.empty((p + len(psi),) * 2)
    out[:p, :p] = whole @ flat(times(terms.d2, X)).T
    for k, unit in enumerate(_STEP * np.eye(len(psi))):
        out[p + k, :p] = out[:p, p + k] = whole @ terms.p1[k].ravel()
        up, down = (density(eta, psi + sign * unit, 3).p.sum(axis=1) for sign in (1, -1))
        out[p + k, p:] = (up - down) / (2.0 * _STEP)
    return out


def moments(rows, structures, blocks, glm: GlmFit) -> list[np.ndarray]:
    """A factor L of each term from the groups' scores S_j = Z_j'l': E[S S' - A] = A D A, solved for D.

    Where the groups differ less than chance alone would make them, a small variance.
    """
    A = rows.own(rows.cross(_convex(-glm.terms.d2)))
    score = rows.gather(glm.terms.d1)
    found: list = [None] * len(blocks)
    for (place, J, effects), own in zip(rows.parts, A):
        q = len(effects)
        S = score[place].reshape(J, q)
        excess = np.einsum("ja,jb->ab", S, S) - own.sum(axis=0)
        for k, (shape, block) in enumerate(zip(structures, blocks)):
            if block.start not in effects:
                continue
            at = int(np.flatnonzero(effects == block.start)[0])
            inner = slice(at, at + block.stop - block.start)
            part = own[:, inner, inner]
            width = part.shape[1]
            kron = np.einsum("jab,jcd->acbd", part, part).reshape(width ** 2, width ** 2)
            D = np.linalg.lstsq(kron, excess[inner, inner].ravel(), rcond=None)[0].reshape(width, width)
            mean = np.einsum("jaa->", part) / (J * width)
            floor = max(0.04, 0.1 / max(mean, 1e-8)) if mean > 0.1 else 0.25
            found[k] = shape.nearest(0.5 * (D + D.T), min(floor, 1.0))
    return found
