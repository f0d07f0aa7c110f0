"""ARMA(1,1), Toeplitz and unstructured: correlation matrices written down, groups with as many rows factored together.

References
----------
Box, G. E. P., Jenkins, G. M., & Reinsel, G. C. (1994). Time Series Analysis (3rd ed.). Prentice Hall, eq. 3.4.7.
Durbin, J. (1960). The fitting of time-series models. Revue de l'Institut International de Statistique, 28, 233-244.
Pinheiro, J. C., & Bates, D. M. (1996). Unconstrained parametrizations for variance-covariance matrices.
Statistics and Computing, 6, 289-296.
Murray, I. (2016). Differentiation of the Cholesky decomposition. arXiv:1602.07527.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .base import STEP, BoundCorrelation, Correlation, Parameter
from .layout import Layout, layout
from .markov import integer_gaps

__all__ = ["Arma11", "Toeplitz", "Un"]

_MOST = 60  # occasions of a structure with a parameter a lag or a pair


@dataclass(frozen=True)
class Arma11(Correlation):
    name, title = "arma11", "ARMA(1,1)"

    def bind(self, design):
        own = layout(design, self.time, self.group, "arma11")
        return _BoundArma11(own, _steps(own, self.time, "arma11"))


@dataclass(frozen=True)
class Toeplitz(Correlation):
    name, title = "toeplitz", "Toeplitz"

    def bind(self, design):
        own = layout(design, self.time, self.group, "toeplitz")
        return _BoundToeplitz(own, _steps(own, self.time, "toeplitz"))


@dataclass(frozen=True)
class Un(Correlation):
    name, title = "un", "unstructured correlation"

    def bind(self, design):
        own = layout(design, self.time, self.group, "un", times="any")
        different, steps = np.unique(own.time, return_inverse=True)
        _refuse_many(len(different), "un", "occasions")
        return _BoundUn(own, steps.reshape(-1))


def _steps(own: Layout, time, what: str) -> np.ndarray:
    """Whole steps since the group's first row."""
    gone = np.cumsum(integer_gaps(own, time, what))
    return (gone - np.repeat(gone[own.starts], own.sizes)).astype(int)


def _refuse_many(count: int, what: str, of: str) -> None:
    if count > _MOST:
        raise DataError(f"{what} would have a parameter for each of {count} {of} or more; it takes {_MOST} at most. "
                        "Use mlm.ar1, mlm.arma11 or mlm.car1, or name the column of occasions as time=.")


class _Dense(BoundCorrelation):
    """A subclass gives `table`, the correlations of occasions, shape (T, T); `steps` is each row's occasion."""

    table: Any

    def __init__(self, own: Layout, steps: np.ndarray):
        self.layout, self.steps = own, steps
        self.T = int(steps.max()) + 1
        self.batches = []
        for size in np.unique(own.sizes):
            rows = own.starts[own.sizes == size][:, None] + np.arange(size)
            patterns, which = np.unique(steps[rows], axis=0, return_inverse=True)
            self.batches.append((rows, patterns, which.reshape(-1)))

    def whiten(self, rows, psi):
        whole, out, logdet = self.table(psi), np.empty_like(rows), 0.0
        for place, patterns, which in self.batches:
            factor = np.linalg.cholesky(whole[patterns[:, :, None], patterns[:, None, :]])
            own = 2.0 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
            logdet += float(own @ np.bincount(which, minlength=len(patterns)))
            inverse = np.linalg.inv(factor)
            block = rows[:, place]  # (k, groups, size)
            if len(patterns) == 1:
                out[:, place] = block @ inverse[0].T
            else:
                out[:, place] = (block.transpose(1, 0, 2) @ inverse[which].transpose(0, 2, 1)).transpose(1, 0, 2)
        return out, logdet

    def gradient(self, rows, white, adjoint, psi):
        """Exactly: the derivative is carried back through the Cholesky factors to the table (Murray, 2016, eq. 8)."""
        whole, back = self.table(psi), np.zeros((self.T, self.T))
        for place, patterns, which in self.batches:
            at = patterns[:, :, None], patterns[:, None, :]
            inverse = np.linalg.inv(np.linalg.cholesky(whole[at]))
            product = adjoint[:, place].transpose(1, 2, 0) @ white[:, place].transpose(1, 0, 2)  # (groups, size, size)
            inner = np.zeros_like(inverse)
            np.add.at(inner, which, product)
            diagonal = np.arange(inner.shape[1])
            counts = np.bincount(which, minlength=len(patterns))[:, None]
            half = -2.0 * np.tril(inner, -1)
            half[:, diagonal, diagonal] = counts - inner[:, diagonal, diagonal]
            np.add.at(back, at, inverse.transpose(0, 2, 1) @ half @ inverse)
        out = np.empty(len(psi))
        for k, unit in enumerate(STEP * np.eye(len(psi))):
            near, far = (self.table(psi + times * unit) - self.table(psi - times * unit) for times in (1, 2))
            out[k] = np.vdot(back, (8.0 * near - far) / (12.0 * STEP))
        return out

    def _by_lag(self, lagged: np.ndarray) -> np.ndarray:
        t = np.arange(self.T)
        return lagged[np.abs(t[:, None] - t)]


class _BoundArma11(_Dense):
    n_params = 2
    parameters = [Parameter("phi", "correlation"), Parameter("theta", "correlation")]

    def starts(self):
        return [np.array([0.1, 0.1]), np.array([0.9, -0.4])]

    def natural(self, psi):
        return np.tanh(psi)

    def table(self, psi):
        phi, theta = np.tanh(psi)
        first = (1.0 + phi * theta) * (phi + theta) / (1.0 + 2.0 * phi * theta + theta * theta)
        return self._by_lag(np.concatenate([[1.0], first * phi ** np.arange(self.T - 1)]))


class _BoundToeplitz(_Dense):
    """psi is atanh of the partial autocorrelations, which are free."""

    def __init__(self, own, steps):
        super().__init__(own, steps)
        _refuse_many(self.T - 1, "toeplitz", "lags")
        self.n_params = self.T - 1
        self.parameters = [Parameter(f"corr(lag {lag})", "correlation") for lag in range(1, self.T)]

    def starts(self):
        return [np.full(self.n_params, 0.05), np.concatenate([[0.8], np.full(self.n_params - 1, 0.1)])]

    def natural(self, psi):
        """Autocorrelations from partial ones, by Durbin's recursion."""
        partial, r, weights = np.tanh(psi), np.empty(len(psi)), np.empty(0)
        spread = 1.0
        for k, p in enumerate(partial):
            r[k] = weights @ r[:k][::-1] + p * spread
            weights = np.concatenate([weights - p * weights[::-1], [p]])
            spread *= 1.0 - p * p
        return r

    def table(self, psi):
        return self._by_lag(np.concatenate([[1.0], self.natural(psi)]))


class _BoundUn(_Dense):
    """psi is the lower triangle of a unit-diagonal factor whose rows are brought to length one."""

    def __init__(self, own, steps):
        super().__init__(own, steps)
        self.lower = np.tril_indices(self.T, -1)
        self.n_params = len(self.lower[0])
        names = [str(value.item() if hasattr(value, "item") else value) for value in own.values]
        a, b = self.upper = np.triu_indices(self.T, 1)
        self.parameters = [Parameter(f"corr({_short(names[i])}, {_short(names[j])})", "correlation")
                           for i, j in zip(a, b)]
        seen = np.zeros((self.T, self.T), dtype=bool)
        for _, patterns, _ in self.batches:
            for pattern in patterns:
                seen[np.ix_(pattern, pattern)] = True
        if not seen.all():
            i, j = np.argwhere(~seen)[0]
            raise DataError(f"un has a correlation for each pair of occasions, but no group has rows at both "
                            f"{names[i]} and {names[j]}. Use a structure with fewer parameters.")

    def starts(self):
        return [np.full(self.n_params, 0.05), np.full(self.n_params, 0.4)]

    def natural(self, psi):
        return self.table(psi)[self.upper]

    def table(self, psi):
        factor = np.eye(self.T)
        factor[self.lower] = psi
        factor /= np.sqrt((factor * factor).sum(axis=1))[:, None]
        return factor @ factor.T


def _short(name: str) -> str:
    return name[:-2] if name.endswith(".0") else name
