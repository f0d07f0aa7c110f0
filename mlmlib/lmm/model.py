"""The linear mixed model: a design with covariance structures, made ready for the criterion, and its fit."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from ..covariance import Structure, structure
from ..design import Design
from ..errors import DataError, FormulaError
from .columns import orthonormalize
from .criterion import Criterion
from .elimination import OneFactor
from .factors import check_terms, factor_names, recycled, refuse_indistinct, sparse_factors
from .optimise import Minimum, minimize

__all__ = ["LmmModel"]

# Standard deviations, relative to the residual's, from which a search is begun again: an unstructured covariance is
# searched in orthogonal columns and needs one; one variance for columns of very different size needs many.
_AGAIN_UNSTRUCTURED = (1.0,)
_AGAIN = (1.0, 100.0)
_AGAIN_UNEVEN = (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)
_FLAT = 1e-9  # smallest curvature, relative to the largest, below which a direction is taken for flat


class LmmModel:
    """A linear mixed model in columns of its own, where every number is of moderate size.

    X is replaced by orthonormal columns and y by its least-squares residual; each term's Z by columns of mean square
    one (orthogonal ones where the structure allows).  `x_map` and `z_maps` lead back to the reader's columns.

    Parameters
    ----------
    design : Design
    covariance : str or dict
        Structure of the terms written with a single bar, or ``{group: structure}``.
    reml : bool
    """

    def __init__(self, design: Design, covariance="unstructured", reml: bool = True):
        self._check(design)
        self.design, self.covariance, self.reml = design, covariance, reml
        self.structures = _structures(design, covariance)
        X, Zs = design.X.T, [term.Z.T for term in design.random]
        constant = 0.0
        self.root_weights = self._roots(design)
        if self.root_weights is not None:
            X, Zs = X * self.root_weights, [Z * self.root_weights for Z in Zs]
            constant -= 2.0 * float(np.log(self.root_weights).sum())
        self.Q, self.x_map = orthonormalize(X, design.exog_names, "fixed effects")
        if reml:
            constant += 2.0 * float(np.log(np.abs(np.diagonal(self.x_map))).sum())
        self.z_maps = []
        for k, (term, shape) in enumerate(zip(design.random, self.structures)):
            Zs[k], back = _condition(Zs[k], term, shape)
            self.z_maps.append(back)
        self.start_b, residual = self._least_squares(design)
        self._set_rows(Zs, residual, constant)

    def _roots(self, design: Design) -> np.ndarray | None:
        """By what each row is multiplied: the square root of its weight."""
        return None if design.weights is None else np.sqrt(design.weights)

    def _set_rows(self, Zs: list[np.ndarray], residual: np.ndarray, constant: float) -> None:
        """Take the columns of the random effects and the outcome's residual; a row structure would whiten them."""
        self.criterion = self._criterion(Zs, np.vstack([self.Q, residual]), constant)

    def _criterion(self, Zs: list[np.ndarray], XY: np.ndarray, constant: float) -> Criterion:
        design = self.design
        if self.one_factor:
            first = design.random[0]
            Z = np.concatenate(Zs) if len(Zs) > 1 else Zs[0]
            return Criterion(OneFactor(Z, XY, first.codes, len(first.levels)), self.structures, len(design.y), self.reml, constant)
        from .several import SeveralFactors
        from .several_criterion import SeveralCriterion
        return SeveralCriterion(SeveralFactors(sparse_factors(design.random, Zs), XY), self.structures, len(design.y), self.reml, constant)

    @staticmethod
    def _check(design: Design) -> None:
        check(design)

    @property
    def one_factor(self) -> bool:
        """True where all terms vary over one grouping factor, of which each row has one group."""
        return len(factor_names(self.design)) == 1 and all(term.members is None for term in self.design.random)

    def _least_squares(self, design: Design) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients of y on the orthonormal columns, and the residual."""
        y = design.y if design.offset is None else design.y - design.offset
        if self.root_weights is not None:
            y = y * self.root_weights
        start_b = self.Q @ y
        residual = y - start_b @ self.Q
        again = self.Q @ residual  # once more, for the digits that the first pass lost
        residual -= again @ self.Q
        if not residual @ residual > 1e-24 * (y @ y):
            raise DataError(f"The fixed effects reproduce the outcome {design.endog_name!r} exactly: nothing is left "
                            "for the random effects and the residual. Is the outcome, or a copy of it, among the "
                            "predictors?")
        return start_b + again, residual

    def with_outcome(self, y: np.ndarray) -> LmmModel:
        """The same model for other values of the outcome; nothing but products with y is computed again."""
        other = copy.copy(self)
        other.design = replace(self.design, y=np.asarray(y, dtype=float))
        other.start_b, residual = self._least_squares(other.design)
        other.criterion = copy.copy(self.criterion)
        other.criterion.elimination = self.criterion.elimination.with_outcome(self.Q, residual)
        return other

    def search(self, start: np.ndarray | None = None) -> Minimum:
        """Minimize the criterion; a fit on the boundary is tried again from away from it, and one that may have several
        minima from elsewhere, and the better kept.

        Parameters
        ----------
        start : ndarray, shape (q, q), optional
            A factor L to begin at; moments when left out.

        Raises
        ------
        DataError
            Where the variances grow against the residual's without end, until nothing can be factored.
        """
        try:
            return self._searched(start)
        except np.linalg.LinAlgError:
            raise self._nothing_left() from None

    def _nothing_left(self) -> DataError:
        """The error of an outcome that is reproduced."""
        return DataError(f"Fixed and random effects together reproduce the outcome {self.design.endog_name!r} exactly: nothing is left "
                         "for the residual. Give the random part fewer effects.")

    def _searched(self, start) -> Minimum:
        criterion = self.criterion
        minimum = minimize(criterion.start() if start is None else criterion.settle(start), criterion.advance)
        singular = any(self.singular(minimum.at))
        if singular or self._several_minima:
            count, best = minimum.n_evaluations, minimum
            for size in self._sizes_to_try():
                again = minimize(criterion.settle(criterion.factor(self.plain_start(size))), criterion.advance)
                count += again.n_evaluations
                if again.at.value < best.at.value - 1e-9:
                    best = again
            at = best.at
            if any(self.singular(at)):
                snapped, count = self._without_small(at), count + 1
                if snapped.value <= at.value + 1e-8:
                    at = snapped
            minimum = Minimum(at, count, best.converged, float(np.abs(at.gradient).max()))
        return minimum

    def fit(self) -> tuple[Minimum, list[str]]:
        """The minimum of the criterion, and what the reader should know of it."""
        minimum = self.search()
        messages = _flat_slopes(self.design) + recycled(self.design)
        rows = self.design.y if self.root_weights is None else self.design.y * self.root_weights
        if not minimum.at.s2 > 1e-14 * float(np.var(rows)):
            raise self._nothing_left()
        messages += self._flat(minimum.at)
        if not minimum.converged:
            messages.append(f"The search did not converge: after {minimum.n_evaluations} evaluations the gradient is "
                            f"still {minimum.gradient_norm:.2g}. Do not use these estimates; simplify the random "
                            "part.")
        return minimum, messages

    def _flat(self, at) -> list[str]:
        """Tell of a direction of the random part along which the criterion does not change at all."""
        if any(self.singular(at)) or not len(at.hessian):
            return []
        size = np.sqrt(np.abs(np.diagonal(at.hessian)))
        scaled = at.hessian / np.outer(size, size) if (size > 0).all() else at.hessian
        if not np.isfinite(scaled).all():
            return []
        values, axes = np.linalg.eigh(scaled)
        if values[0] > _FLAT * values[-1]:
            return []
        step = np.abs(np.tensordot(axes[:, 0] / np.where(size > 0, size, 1.0), at.basis, 1))
        named = " and ".join(term.text for term, block in zip(self.design.random, self.criterion.blocks)
                             if step[block, block].max() > 1e-3 * step.max())
        return [f"The data cannot tell all variances and correlations of {named} apart: the likelihood is the same "
                "along a line of them, of which this is one point. Usually no group has rows of both effects that are "
                "correlated, or two terms say the same; write || for no correlations, or leave one of the two out."]

    @property
    def _uneven(self) -> bool:
        """True where one variance serves columns of very different size: the criterion may have several minima."""
        sizes = [np.sqrt(term.mean_squares) for term, shape in zip(self.design.random, self.structures)
                 if shape.rescaling == "scalar"]
        return any(size.max() > 2 * size.min() for size in sizes)

    @property
    def _several_minima(self) -> bool:
        """True where the criterion may well have several minima.

        One variance serves columns of very different size; or an effect varies that the fixed part does not have: its
        mean is held at zero, and where it is not zero, either its variance takes it up or the other terms do.
        """
        names = set(self.design.exog_names)
        return self._uneven or any(name not in names for term in self.design.random for name in term.names)

    def _sizes_to_try(self) -> tuple[float, ...]:
        if self._uneven:
            return _AGAIN_UNEVEN
        return _AGAIN_UNSTRUCTURED if all(shape.rescaling == "any" for shape in self.structures) else _AGAIN

    def plain_start(self, size: float) -> np.ndarray:
        """Theta with every standard deviation `size` times the residual's and no correlation."""
        return np.concatenate([shape.theta(size ** 2 * np.eye(len(shape.sd))) for shape in self.structures])

    def at(self, T: dict, sigma2: float):
        """The criterion at given covariance matrices (by group) and residual variance; their ratio alone counts."""
        theta = []
        for term, shape, back in zip(self.design.random, self.structures, self.z_maps):
            forward = np.linalg.inv(back)
            theta.append(shape.theta(forward @ np.asarray(T[term.group], dtype=float) @ forward.T / sigma2))
        return self.criterion(np.concatenate(theta))

    def singular(self, at, tolerance: float = 1e-4) -> list[bool]:
        """For each term whether its covariance matrix is singular."""
        return [bool(np.linalg.svd(at.L[block, block], compute_uv=False)[-1] < tolerance)
                for block in self.criterion.blocks]

    def _without_small(self, at):
        """The criterion with vanishing dimensions of the random effects at exactly zero."""
        L = np.zeros_like(at.L)
        for shape, block in zip(self.structures, self.criterion.blocks):
            L[block, block] = shape.without_small(at.L[block, block], 1e-4)
        return self.criterion.settle(L)


def _structures(design: Design, covariance) -> list[Structure]:
    """The covariance structure of each term: independent for a double bar, else as asked for."""
    groups = [term.group for term in design.random]
    asked = covariance if isinstance(covariance, dict) else dict.fromkeys(groups, covariance)
    unknown = [group for group in asked if group not in groups]
    if unknown:
        raise FormulaError(f"covariance= names the group {unknown[0]!r}; the formula has "
                           f"{', '.join(dict.fromkeys(groups))}.")
    names = ["independent" if term.independent else asked.get(term.group, "unstructured") for term in design.random]
    return [structure(name, len(term.names)) for name, term in zip(names, design.random)]


def _condition(rows, term, shape) -> tuple[np.ndarray, np.ndarray]:
    """Columns of mean square one, and the map from their effects to the term's own."""
    n = rows.shape[1]
    Q, R = orthonormalize(rows, term.names, f"effects of {term.text}")
    if shape.rescaling == "any":
        Q *= np.sqrt(n)
        return Q, np.linalg.inv(R).T * np.sqrt(n)
    size = np.sqrt(np.einsum("ij,ij->i", rows, rows) / n)
    if shape.rescaling == "scalar":
        size = np.full(len(size), np.sqrt(np.mean(size ** 2)))
    return rows / size[:, None], np.diag(1.0 / size)


def check(design: Design) -> None:
    """Refuse what cannot be estimated, naming the column or term."""
    check_terms(design, "use mlm.ols for a model without random effects", "use mlm.ols")
    n = len(design.X)
    for term in design.random:
        J, q = len(term.levels), len(term.names)
        if J * q >= n and design.weights is None:
            raise DataError(f"The term {term.text} has {J} groups x {q} effects = {J * q} random effects for {n} "
                            "rows: they cannot be told from the residual. Each group needs more rows, or the term "
                            "fewer effects.")
    for term in design.random:
        if term.members is None and not _varies_within(design.y, term.codes):
            raise DataError(f"The outcome {design.endog_name!r} is the same in all rows of each group of "
                            f"{term.group!r}: it belongs to the groups, so there is no residual. Keep one row a group "
                            "and use mlm.ols.")
    refuse_indistinct(design)


def _flat_slopes(design: Design) -> list[str]:
    """Tell of random slopes of variables that are the same in all rows of a group."""
    told = []
    for term in design.random:
        if "Intercept" not in term.names or term.members is not None:
            continue
        flat = [name for name, z in zip(term.names, term.Z.T)
                if name != "Intercept" and not _varies_within(z, term.codes)]
        if flat:
            told.append(f"In {term.text} {', '.join(map(repr, flat))} is the same in all rows of each group of "
                        f"{term.group!r}, so no group shows a slope of its own; the term only lets the groups' "
                        "spread differ with it. Usually such a variable belongs to the fixed part alone.")
    return told


def _varies_within(values: np.ndarray, codes: np.ndarray) -> bool:
    """True if any group has rows with different values."""
    if ((values[1:] != values[:-1]) & (codes[1:] == codes[:-1])).any():
        return True
    first = np.empty(int(codes.max()) + 1)
    first[codes[::-1]] = values[::-1]
    return bool((values != first[codes]).any())
