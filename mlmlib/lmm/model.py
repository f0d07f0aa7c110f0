"""The linear mixed model: a design with covariance structures, made ready for the criterion, and its fit."""

from __future__ import annotations

import numpy as np

from ..covariance import Structure, structure
from ..design import Design
from ..errors import DataError, FormulaError
from .columns import orthonormalize
from .criterion import Criterion
from .elimination import OneFactor
from .optimise import Minimum, minimize

__all__ = ["LmmModel"]


class LmmModel:
    """A linear mixed model in columns of its own, where every number is of moderate size.

    X is replaced by orthonormal columns and y by its least-squares residual; each term's Z by columns of mean square one
    (orthogonal ones where the structure allows).  `fixed_effects`, `effect_maps` and so on lead back.

    Parameters
    ----------
    design : Design
    covariance : str or dict
        Structure of the terms written with a single bar, or ``{group: structure}``.
    reml : bool
    """

    def __init__(self, design: Design, covariance="unstructured", reml: bool = True):
        self.design, self.reml = design, reml
        self.structures = [_choose(term, covariance) for term in design.random]
        _check(design)
        n = len(design.y)
        y = design.y if design.offset is None else design.y - design.offset
        X = design.X.T
        Zs = [term.Z.T for term in design.random]
        constant = 0.0
        if design.weights is not None:
            root = np.sqrt(design.weights)
            y, X, Zs = y * root, X * root, [Z * root for Z in Zs]
            constant -= float(np.log(design.weights).sum())
        Q, self.x_map = orthonormalize(X, design.exog_names, "fixed effects")
        self.start_b = Q @ y
        residual = y - self.start_b @ Q
        again = Q @ residual
        self.start_b += again
        residual -= again @ Q
        if reml:
            constant += 2.0 * float(np.log(np.abs(np.diagonal(self.x_map))).sum())
        if not residual @ residual > 1e-24 * (y @ y):
            raise DataError(f"The fixed effects reproduce the outcome {design.endog_name!r} exactly: nothing is left for "
                            f"the random effects and the residual. Is the outcome, or a copy of it, among the predictors?")
        self.z_maps = []
        for k, (term, shape) in enumerate(zip(design.random, self.structures)):
            Zs[k], back = _condition(Zs[k], term, shape)
            self.z_maps.append(back)
        first = design.random[0]
        self.elimination = OneFactor(np.concatenate(Zs), np.vstack([Q, residual]), first.codes, len(first.levels))
        self.criterion = Criterion(self.elimination, self.structures, n, reml, constant)

    def blocks(self) -> list[slice]:
        """Where each term's effects stand among all effects."""
        ends = np.cumsum([len(term.names) for term in self.design.random])
        return [slice(int(end) - len(term.names), int(end)) for end, term in zip(ends, self.design.random)]

    def params_blocks(self) -> list[slice]:
        """Where each term's parameters stand in theta."""
        ends = np.cumsum([shape.n_params for shape in self.structures])
        return [slice(int(end) - shape.n_params, int(end)) for end, shape in zip(ends, self.structures)]

    def start(self, size: float = 0.3) -> np.ndarray:
        """Every effect with standard deviation `size`, in units of the residual's, no correlation."""
        return np.concatenate([np.tensordot(shape.basis, np.eye(len(shape.sd)), 2) /
                               np.einsum("kij,kij->k", shape.basis, shape.basis) * size for shape in self.structures])

    def fit(self) -> tuple[Minimum, list[str]]:
        """Minimize the criterion; a fit on the boundary is tried again from away from it, and the better kept."""
        messages = []
        minimum = minimize(self.criterion, self.criterion.start())
        if any(self.singular_blocks(minimum.at)):
            again = minimize(self.criterion, self.start(1.0))
            count = minimum.n_evaluations + again.n_evaluations
            best = min(minimum, again, key=lambda end: end.at.value)
            snapped = self._snap(best.at)
            count += 1
            at = snapped if snapped.value <= best.at.value + 1e-7 else best.at
            minimum = Minimum(at, count, best.converged, float(np.abs(at.gradient).max()))
        if not minimum.converged:
            messages.append(f"The search did not converge: after {minimum.n_evaluations} evaluations the gradient is still "
                            f"{minimum.gradient_norm:.2g}. Do not use these estimates; simplify the random part.")
        return minimum, messages

    def at(self, T: dict, sigma2: float):
        """Evaluate the criterion at given covariance matrices (by group) and residual variance.

        The profiled criterion depends on the ratio of the two alone.
        """
        theta = []
        for term, shape, back in zip(self.design.random, self.structures, self.z_maps):
            values, vectors = np.linalg.eigh(np.asarray(T[term.group], dtype=float) / sigma2)
            root = np.linalg.solve(back, vectors * np.sqrt(np.maximum(values, 0.0)))
            if shape.rescaling == "any":
                L = lower_factor(root)
            else:
                values, vectors = np.linalg.eigh(root @ root.T)
                L = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
            flat = shape.basis.reshape(shape.n_params, -1)
            theta.append(flat @ L.ravel() / (flat * flat).sum(axis=1))
        return self.criterion(np.concatenate(theta))

    def singular_blocks(self, at, tolerance: float = 1e-4) -> list[bool]:
        """For each term whether its covariance matrix is singular."""
        return [bool(np.linalg.svd(at.L[block, block], compute_uv=False)[-1] < tolerance) for block in self.blocks()]

    def _snap(self, at):
        """The same fit with vanishing dimensions of the random effects exactly zero."""
        theta = at.theta.copy()
        for place, block, shape in zip(self.params_blocks(), self.blocks(), self.structures):
            if shape.rescaling == "any":
                left, values, right = np.linalg.svd(at.L[block, block])
                L = lower_factor(left * np.where(values < 1e-4, 0.0, values))
                theta[place] = np.tensordot(shape.basis, L, 2)
            else:
                theta[place] = np.where(np.abs(theta[place]) < 1e-4, 0.0, theta[place])
        return self.criterion(theta)


def lower_factor(factor: np.ndarray) -> np.ndarray:
    """The lower-triangular L with L L' = factor factor' and a diagonal that is not negative; singular ones too."""
    L = np.linalg.qr(factor.T, mode="r").T
    return L * np.where(np.diagonal(L) < 0, -1.0, 1.0)


def _choose(term, covariance) -> Structure:
    if term.independent:
        return structure("independent", len(term.names))
    name = covariance.get(term.group, "unstructured") if isinstance(covariance, dict) else covariance
    return structure(name, len(term.names))


def _condition(rows, term, shape) -> tuple[np.ndarray, np.ndarray]:
    """Columns of mean square one, and the map from their effects to the term's own."""
    n = rows.shape[1]
    Q, R = orthonormalize(rows, term.names, f"effects of {term.text}")
    if shape.rescaling == "any":
        return Q * np.sqrt(n), np.linalg.inv(R).T * np.sqrt(n)
    size = np.sqrt(np.einsum("ij,ij->i", rows, rows) / n)
    if shape.rescaling == "scalar":
        size = np.full(len(size), np.sqrt(np.mean(size ** 2)))
    return rows / size[:, None], np.diag(1.0 / size)


def _check(design: Design) -> None:
    """Refuse what cannot be estimated, naming the term."""
    n, p = design.X.shape
    if not design.random:
        raise FormulaError(f"The formula {design.formula.text!r} has no random term such as (1 | group); add one, or use "
                           f"mlm.ols for a model without random effects.")
    groups = list(dict.fromkeys(term.group for term in design.random))
    if len(groups) > 1:
        other = next(term for term in design.random if term.group != groups[0])
        raise FormulaError(f"The term {other.text} has the grouping factor {other.group!r} beside {groups[0]!r}; lmm takes terms "
                           f"of one grouping factor so far, not nested or crossed ones.")
    if n <= p:
        raise DataError(f"{n} rows cannot carry {p} fixed effects; drop predictors or collect more data.")
    for term in design.random:
        J, q = len(term.levels), len(term.names)
        if J < 2:
            raise DataError(f"The grouping factor {term.group!r} has one group only ({term.levels[0]}), so no variation between "
                            f"groups can be seen; use mlm.ols.")
        if J * q >= n and design.weights is None:
            raise DataError(f"The term {term.text} has {J} groups x {q} effects = {J * q} random effects for {n} rows: they "
                            f"cannot be told from the residual. Each group needs more rows, or the term fewer effects.")
