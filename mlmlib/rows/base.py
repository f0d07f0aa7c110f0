"""What a structure of the residuals is: a description that the reader writes, and the same bound to a design's rows.

A description (``mlm.ar1("time", group="Subject")``) knows names of columns alone.  Bound, it has free parameters psi,
any real numbers, chosen so that the search is unconstrained and psi = 0 is near independence with equal variances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

__all__ = ["BOUND", "BoundCorrelation", "BoundVariance", "Correlation", "Parameter", "STEP", "Variance"]


BOUND = 15.0  # psi beyond which a structure is at the edge of what it can be
STEP = 2e-3  # of five-point differences in psi: errors of order 1e-11


class Parameter(NamedTuple):
    """A parameter as it is shown: its name, and the scale on which its interval is symmetric.

    `scale` is ``"correlation"`` (atanh), ``"positive"`` (log), ``"share"`` (logit) or ``"real"``.
    """

    name: str
    scale: str


@dataclass(frozen=True)
class Correlation:
    """A correlation structure of the rows of a group, as written: see `mlm.ar1` and the others.

    Attributes
    ----------
    time, group : str or None
    """

    name: ClassVar[str]
    title: ClassVar[str]

    time: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        within = f" within {self.group}" if self.group else ""
        return f"{self.title}{f' in {self.time}' if self.time else ''}{within}"

    def bind(self, design) -> BoundCorrelation:
        raise NotImplementedError


@dataclass(frozen=True)
class Variance:
    """A structure of the residual variances, as written: see `mlm.by_group` and the others.

    Attributes
    ----------
    column : str
    name, title, function : str
        As it is printed, in a sentence, and the function of mlmlib that writes it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    function: ClassVar[str]

    column: str

    def __str__(self) -> str:
        return f"{self.title} {self.column}"

    def bind(self, design) -> BoundVariance:
        raise NotImplementedError


class BoundCorrelation:
    """A correlation structure bound to the rows of a design.

    Attributes
    ----------
    layout : Layout
    n_params : int
    parameters : list of Parameter
    """

    layout: Any

    def starts(self) -> list[np.ndarray]:
        """Values of psi from which to search."""
        raise NotImplementedError

    def natural(self, psi: np.ndarray) -> np.ndarray:
        """The parameters as they are shown."""
        raise NotImplementedError

    def edge(self, psi: np.ndarray) -> np.ndarray:
        """Which parameters are at the edge of what they can be."""
        return np.abs(psi) > BOUND

    def whiten(self, rows: np.ndarray, psi: np.ndarray) -> tuple[np.ndarray, float]:
        """Rows (a column of the data each, sorted by the layout) times the inverse Cholesky factor of C, and log|C|."""
        raise NotImplementedError

    def gradient(self, rows: np.ndarray, white: np.ndarray, adjoint: np.ndarray, psi: np.ndarray) -> np.ndarray:
        """Derivatives in psi of twice the sum of `adjoint` times the whitened rows, and log|C|; here by differences.

        Parameters
        ----------
        rows, white, adjoint : ndarray, shape (k, n)
            Before and after whitening, and half the derivative in the whitened ones; sorted by the layout.
        """
        def value(x):
            moved, logdet = self.whiten(rows, x)
            return 2.0 * np.vdot(adjoint, moved - white) + logdet

        out = np.empty(len(psi))
        for k, unit in enumerate(STEP * np.eye(len(psi))):
            near, far = (value(psi + times * unit) - value(psi - times * unit) for times in (1, 2))
            out[k] = (8.0 * near - far) / (12.0 * STEP)
        return out


class BoundVariance:
    """Relative standard deviations of the rows of a design, on the log scale linear in psi.

    Parameters
    ----------
    columns : ndarray, shape (m, n)
        ``log g = psi @ columns``.
    parameters : list of Parameter
    """

    def __init__(self, columns: np.ndarray, parameters: list[Parameter]):
        self.columns, self.parameters = columns, parameters
        self.n_params = len(columns)

    def starts(self) -> list[np.ndarray]:
        return [np.zeros(self.n_params)]

    def log_sd(self, psi: np.ndarray) -> np.ndarray:
        """Log of the standard deviations relative to sigma, shape (n,)."""
        return psi @ self.columns

    @property
    def log_slopes(self) -> np.ndarray:
        """Derivatives of `log_sd`, shape (m, n)."""
        return self.columns

    def edge(self, psi: np.ndarray) -> np.ndarray:
        """Which parameters are at the edge of what they can be."""
        return np.abs(psi) > BOUND

    def natural(self, psi: np.ndarray) -> np.ndarray:
        """The parameters as they are shown."""
        return np.array([np.exp(value) if parameter.scale == "positive" else value
                         for value, parameter in zip(psi, self.parameters)])
