"""Correlation and variances together: what the model asks of the residuals' covariance."""

from __future__ import annotations

import copy

import numpy as np

from ..errors import FormulaError
from .base import Correlation, Parameter, Variance

__all__ = ["RowCovariance"]


class RowCovariance:
    """The covariance ``sigma^2 G C G`` of the residuals of a design, G brought to geometric mean one.

    Parameters
    ----------
    design : Design
    correlation : Correlation or None
    variance : Variance, a sequence of them, or None
        Several variances multiply.

    Attributes
    ----------
    n_params : int
    parameters : list of Parameter
    titles : list of (str, str)
        What each structure is, for the reader: ``("correlation", "AR(1) within Subject")``.
    """

    def __init__(self, design, correlation=None, variance=None):
        if correlation is not None and not isinstance(correlation, Correlation):
            raise FormulaError(f"correlation={correlation!r} is not known; write such as "
                               "correlation=mlm.ar1('time', group='pupil').")
        variances = () if variance is None else (
            tuple(variance) if isinstance(variance, (list, tuple)) else (variance,))
        if correlation is None and not variances:
            raise FormulaError("variance= is an empty list; name a structure such as mlm.by_group('sex'), or leave it "
                               "out.")
        for one in variances:
            if not isinstance(one, Variance):
                raise FormulaError(f"variance={one!r} is not known; write such as variance=mlm.by_group('sex').")
        self.correlation = None if correlation is None else correlation.bind(design)
        self.variances = [one.bind(design) for one in variances]
        self.titles = [] if correlation is None else [("correlation", str(correlation))]
        self.titles += [("variance", str(one)) for one in variances]
        self.parts = ([self.correlation] if correlation is not None else []) + self.variances
        owners = ([correlation.name] if correlation is not None else []) + [
            f"{one.name}({one.column})" for one in variances]
        self.parameters = [Parameter(f"{owner}: {parameter.name}", parameter.scale)
                           for owner, part in zip(owners, self.parts) for parameter in part.parameters]
        ends = np.cumsum([0, *(part.n_params for part in self.parts)])
        self.places = [slice(a, b) for a, b in zip(ends[:-1], ends[1:])]
        self.n_params = int(ends[-1])

    @property
    def follows(self) -> bool:
        """Whether a variance depends on the model's own fitted values."""
        return any(hasattr(part, "follow") for part in self.variances)

    def following(self, fitted: np.ndarray) -> RowCovariance:
        """The same with other fitted values, shape (n,)."""
        other = copy.copy(self)
        other.variances = [part.follow(fitted) if hasattr(part, "follow") else part for part in self.variances]
        other.parts = ([] if self.correlation is None else [self.correlation]) + other.variances
        return other

    def starts(self) -> list[np.ndarray]:
        """Parameters psi from which to search: near independence, and strongly correlated."""
        most = max(len(part.starts()) for part in self.parts)
        return [np.concatenate([part.starts()[min(k, len(part.starts()) - 1)] for part in self.parts])
                for k in range(most)]

    def edge(self, psi: np.ndarray) -> np.ndarray:
        """Which parameters are at the edge of what they can be."""
        return np.concatenate([part.edge(psi[place]) for part, place in zip(self.parts, self.places)])

    def natural(self, psi: np.ndarray) -> np.ndarray:
        """The parameters as they are shown."""
        return np.concatenate([part.natural(psi[place]) for part, place in zip(self.parts, self.places)])

    def log_sd(self, psi: np.ndarray):
        """Log of the rows' standard deviations relative to sigma as it is shown, shape (n,); 0.0 if equal."""
        total = 0.0
        for part, place in zip(self.parts, self.places):
            if part is not self.correlation:
                total = total + part.log_sd(psi[place])
        return total

    def whiten(self, rows: np.ndarray, psi: np.ndarray) -> tuple[np.ndarray, float]:
        """Rows times the inverse of the Cholesky factor of G C G, and its log-determinant.

        Parameters
        ----------
        rows : ndarray, shape (k, n)
            Columns of the data, one a row.
        psi : ndarray, shape (n_params,)

        Returns
        -------
        ndarray, shape (k, n)
            In the order of the data; row i of the data is freed of what the rows of its group before it predict.
        float
            log|G C G|; zero for variances alone, since log|G| is.
        """
        if self.variances:
            log_sd = self.log_sd(psi)
            rows = rows * np.exp(log_sd.mean() - log_sd)
        if self.correlation is None:
            return rows, 0.0
        order = self.correlation.layout.order
        done, logdet = self.correlation.whiten(rows[:, order], psi[self.places[0]])
        return _unsorted(done, order), logdet

    def gradient(self, rows: np.ndarray, adjoint: np.ndarray, psi: np.ndarray) -> np.ndarray:
        """Derivatives in psi of a function of the whitened rows plus log|G C G|.

        Parameters
        ----------
        rows : ndarray, shape (k, n)
            Not whitened.
        adjoint : ndarray, shape (k, n)
            Half the function's derivative in each whitened number.
        psi : ndarray, shape (n_params,)
        """
        scaled, found = rows, []
        if self.variances:
            log_sd = self.log_sd(psi)
            scaled = rows * np.exp(log_sd.mean() - log_sd)
        if self.correlation is not None:
            order, own = self.correlation.layout.order, psi[self.places[0]]
            ordered, adjoint = scaled[:, order], adjoint[:, order]
            found.append(self.correlation.gradient(ordered, self.correlation.whiten(ordered, own)[0], adjoint, own))
        for part in self.variances:
            for slope in part.log_slopes:
                moved = (slope.mean() - slope) * scaled
                if self.correlation is not None:
                    moved = self.correlation.whiten(moved[:, order], own)[0]
                found.append(np.array([2.0 * np.vdot(adjoint, moved)]))
        return np.concatenate(found)

    def colour(self, rows: np.ndarray, psi: np.ndarray) -> np.ndarray:
        """Independent rows, shape (k, n), given this covariance (G of geometric mean one): the inverse of `whiten`."""
        if self.correlation is not None:
            layout = self.correlation.layout
            ordered, out = rows[:, layout.order], np.zeros_like(rows)
            steps = np.arange(len(layout.order)) - np.repeat(layout.starts, layout.sizes)
            # Solve L^-1 x = e row by row: with x known up to row t, whitening gives what is left of e at t.
            for t in range(int(layout.sizes.max())):
                at = np.flatnonzero(steps == t)
                unit = np.zeros((1, rows.shape[1]))
                unit[0, at] = 1.0
                scale = self.correlation.whiten(unit, psi[self.places[0]])[0][0, at]
                left = ordered[:, at] - self.correlation.whiten(out, psi[self.places[0]])[0][:, at]
                out[:, at] = left / scale
            rows = np.empty_like(out)
            rows[:, layout.order] = out
        if self.variances:
            log_sd = self.log_sd(psi)
            rows = rows * np.exp(log_sd - log_sd.mean())
        return rows


def _unsorted(rows: np.ndarray, order) -> np.ndarray:
    """Sorted rows back in the order of the data."""
    out = np.empty_like(rows)
    out[:, order] = rows
    return out
