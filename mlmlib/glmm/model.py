"""The generalized linear mixed model: a design with family, link and covariance structures, and its fit.

As in `mlmlib.lmm.model`, every number is brought to moderate size: the fixed part's columns are made orthogonal with mean
square one, each term's columns have mean square one (orthogonal ones where the structure allows).  `x_map` and `z_maps`
lead back to the reader's columns.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Self

import numpy as np

from ..design import Design
from ..errors import FormulaError
from ..lmm.columns import orthonormalize
from ..lmm.factors import check_terms, factor_names, recycled, refuse_indistinct
from ..lmm.model import _condition, _flat_slopes, _structures
from .density import Density
from .failure import check_outcome, told
from .laplace import Laplace
from .rows import OneFactorRows, flat
from .search import Found, search

__all__ = ["GlmmModel"]


class GlmmModel:
    """A generalized linear mixed model in columns of its own.

    Parameters
    ----------
    design : Design
        Its `extra` may hold ``trials`` and ``exposure``.
    family : Family
    link : str or Link, optional
    covariance : str or dict
        Structure of the terms written with a single bar, or ``{group: structure}``.
    nodes : int, optional
        Quadrature points for each effect; Laplace's approximation when left out.
    reading : object, optional
        What read the outcome; it knows the categories where there are some.
    trials, exposure
        As given: a column's name, or values.

    Attributes
    ----------
    density : Density
    criterion : Laplace
        -2 log-likelihood in (b, theta, psi) of the model's own columns.
    names : tuple of str
        The coefficients.
    """

    method = "laplace"

    def __init__(self, design: Design, family, link=None, covariance="unstructured", *, nodes: int | None = None,
                 reading=None, trials=None, exposure=None):
        self.design, self.family, self.covariance, self.nodes = design, family, covariance, nodes
        if nodes is not None:
            self.method = "agq"
        self.reading, self.trials_option, self.exposure_option = reading, trials, exposure
        self.check(design)
        self.structures = self._structures()
        self.density = self._density(family, link)
        self.link = self.density.link
        check_outcome(self)
        self.names, X = self._fixed_columns()
        n = len(design.y)
        Q, R = orthonormalize(flat(X), self.names, "fixed effects")
        self.x_map = R / np.sqrt(n)
        self.X = (Q * np.sqrt(n)).reshape(X.shape)
        Zs, self.z_maps = self._random_columns()
        Zs = self._rescaled(Zs)
        self.blocks, at = [], 0
        for Z in Zs:
            self.blocks.append(slice(at, at + len(Z)))
            at += len(Z)
        self.rows = self._rows(Zs)
        self.basis = self._basis(at)
        self.criterion = self._criterion()

    # pieces that other kinds of outcome may make in their own way

    def check(self, design: Design) -> None:
        """Refuse what cannot be estimated, naming the column or term."""
        check(design)

    def _rescaled(self, Zs: list[np.ndarray]) -> list[np.ndarray]:
        """Columns in the unit of the linear predictors, so that coefficients and effects are of moderate size."""
        unit = self.density.unit
        self.X, self.x_map = self.X * unit, self.x_map / unit
        self.z_maps = [back * unit for back in self.z_maps]
        return [Z * unit for Z in Zs]

    def _structures(self) -> list:
        return _structures(self.design, self.covariance)

    def _density(self, family, link) -> Density:
        design = self.design
        return family.density(design.y, link, trials=design.extra.get("trials"), weights=design.weights,
                              column=f"The outcome {design.endog_name!r}")

    def _fixed_columns(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Names of the coefficients and their columns, shape (p, n) or (p, K, n)."""
        return self.design.exog_names, self.design.X.T

    def _random_columns(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Of each term its columns, shape (q, n) or (q, K, n), and the map from their effects to the term's own."""
        made = [_condition(term.Z.T, term, shape) for term, shape in zip(self.design.random, self.structures)]
        return [Z for Z, _ in made], [back for _, back in made]

    def _rows(self, Zs: list[np.ndarray]):
        """The random effects as the rows see them."""
        if self.one_factor:
            first = self.design.random[0]
            return OneFactorRows(np.concatenate(Zs) if len(Zs) > 1 else Zs[0], first.codes, len(first.levels))
        from .nested_rows import nested_rows
        from .rows_several import several_rows
        return nested_rows(self.design.random, Zs) or several_rows(self.design.random, Zs)

    @property
    def offset(self) -> np.ndarray | float:
        """What is added to the linear predictor: offset, and the logarithm of the exposure."""
        offset = 0.0 if self.design.offset is None else self.design.offset
        exposure = self.design.extra.get("exposure")
        return offset if exposure is None else offset + np.log(exposure)

    def _criterion(self) -> Laplace:
        parts = self.X, self.rows, self.density, self.offset, self.basis
        if self.nodes is None:
            return Laplace(*parts)
        from .nested_quadrature import NestedQuadrature
        from .nested_rows import NestedRows
        from .quadrature import Quadrature
        if isinstance(self.rows, NestedRows):
            return NestedQuadrature(*parts, self.nodes)
        if not self.one_factor:
            raise FormulaError("method='agq' takes models with one grouping factor, or two nested ones with one effect "
                               f"each, and this one has {', '.join(map(repr, factor_names(self.design)))}: use "
                               "method='laplace'.")
        return Quadrature(*parts, self.nodes)

    @property
    def one_factor(self) -> bool:
        """True where all terms vary over one grouping factor, of which each row has one group."""
        return len(factor_names(self.design)) == 1 and all(term.members is None for term in self.design.random)

    def _basis(self, q: int) -> np.ndarray:
        """Basis of the whole L: the structures' own, each in its block."""
        whole = []
        for shape, block in zip(self.structures, self.blocks):
            own = np.zeros((shape.n_params, q, q))
            own[:, block, block] = shape.basis
            whole.append(own)
        return np.concatenate(whole)

    # fits

    def fit(self, start: np.ndarray | None = None) -> tuple[Found, list[str]]:
        """The minimum of the criterion, and what the reader should know of it."""
        found = search(self, start)
        self.criterion = found.criterion
        return found, _flat_slopes(self.design) + recycled(self.design) + told(self, found)

    def plain_factor(self, size: float) -> np.ndarray:
        """L with every standard deviation `size` and no correlation."""
        L = np.zeros(self.basis.shape[1:])
        for shape, block in zip(self.structures, self.blocks):
            L[block, block] = shape.factor(shape.theta(size ** 2 * np.eye(len(shape.sd))))
        return L

    def with_outcome(self, y: np.ndarray) -> Self:
        """The same model for other values of the outcome."""
        other = copy.copy(self)
        other.design = replace(self.design, y=np.asarray(y, dtype=float))
        other.density = self.density.replaced(other.design.y)
        check_outcome(other)
        other.criterion = other._criterion()
        return other

    # the reader's parameters

    def coefficients(self, x: np.ndarray) -> np.ndarray:
        """The reader's coefficients at a point of the criterion."""
        return np.linalg.solve(self.x_map.T, x[:len(self.X)])

    def factors(self, x: np.ndarray) -> list[np.ndarray]:
        """Of each term a factor of its effects' covariance matrix in the reader's columns, at a point."""
        L = self.criterion.factor(x)
        return [back @ L[block, block] for back, block in zip(self.z_maps, self.blocks)]

    def point(self, b: np.ndarray, T: list[np.ndarray], psi) -> np.ndarray:
        """The point of the criterion at the reader's coefficients, covariance matrices and psi."""
        theta = []
        for shape, back, own in zip(self.structures, self.z_maps, T):
            forward = np.linalg.inv(back)
            theta.append(shape.theta(forward @ own @ forward.T))
        return np.concatenate([self.x_map.T @ b, *theta, psi])

    def singular(self, L: np.ndarray, tolerance: float = 1e-4) -> list[bool]:
        """For each term whether its covariance matrix is singular."""
        return [bool(np.linalg.svd(L[block, block], compute_uv=False)[-1] < tolerance) for block in self.blocks]


def check(design: Design) -> None:
    """Refuse what cannot be estimated, naming the column or term."""
    check_terms(design, "use a generalized linear model of statsmodels for a model without random effects",
                "leave the random part out")
    refuse_indistinct(design)
