"""The model and the result of rows that came in chunks: cross-products in the columns in which `LmmModel` works.

Chapter 7 (``07_estimation``) derives what is left of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..design import Design, RandomDesign
from ..errors import DataError, FormulaError
from ..formula import parse
from ..membership import is_membership
from .chunk_sources import chunks_of, on_the_cluster
from .chunks import Moments, Plan, together
from .criterion import Criterion
from .elimination import OneFactor
from .model import LmmModel, _structures
from .result import LmmResult

__all__ = ["ChunkedModel", "ChunkedResult", "fit_chunks"]


class NoRows:
    """Stands for numbers of rows that were not kept: it knows their shape, and refuses everything else."""

    def __init__(self, *shape: int):
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def _refuse(self, *_, **__):
        raise DataError("This fit was made in chunks and keeps no rows, which this needs. Without rows there are coefficients, tests, Wald "
                        "intervals, variances, random effects, mlm.icc and fit.predict(data) for rows at hand; for more, fit rows that "
                        "are all there, of a sample of the groups, say.")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    __array__ = __getitem__ = __iter__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __pow__ = _refuse
    __truediv__ = __rtruediv__ = __neg__ = __eq__ = __ne__ = __rmatmul__ = _refuse
    __hash__ = None


def _none(*shape: int) -> Any:
    """In place of an array of rows that were not kept."""
    return NoRows(*shape)


class Sums(OneFactor):
    """Cross-products of one grouping factor whose rows were not kept."""

    def __init__(self, AB: np.ndarray, C: np.ndarray):
        self.AB, self.C, self.q, self.n_groups = AB, C, len(AB), AB.shape[2]

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        NoRows(0)._refuse()


@dataclass(frozen=True)
class ChunkedTerm(RandomDesign):
    """A random term whose rows were not kept, with what is known of them."""

    counts: np.ndarray = field(kw_only=True)
    squares: np.ndarray = field(kw_only=True)

    @property
    def sizes(self) -> np.ndarray:
        return self.counts

    @property
    def mean_squares(self) -> np.ndarray:
        return self.squares


class ChunkedModel(LmmModel):
    """A linear mixed model made of cross-products.

    Parameters
    ----------
    moments : Moments
    covariance, reml
        As for `LmmModel`.
    """

    def __init__(self, moments: Moments, covariance="unstructured", reml: bool = True):
        plan, n = moments.plan, moments.n
        self.moments, self.covariance, self.reml, self.root_weights = moments, covariance, reml, None
        levels, AB, counts = moments.sorted()
        names, p = tuple(plan.fixed.names), len(plan.fixed.names)
        self._refuse_unusable(levels, counts, names)
        forward = [np.linalg.inv(scale) for scale in plan.z_scales]  # from the columns of the sums to the reader's
        self._set_design(levels, AB, counts, forward)
        self.structures = _structures(self.design, covariance)
        root = _cholesky(moments.C[:p, :p], np.linalg.inv(plan.x_scale), names, "fixed effects")
        self.x_map = np.linalg.inv(plan.x_scale) @ root
        to_Q = np.linalg.inv(root)
        own = to_Q @ moments.C[:p, p]
        self.start_b = own + root.T @ plan.b
        rss = float(moments.C[p, p] - own @ own)
        total, first, second = moments.w
        self.variance = max(second - first * first / total, 0.0) / n
        if not rss > 1e-20 * (second + total * plan.center ** 2):
            raise DataError(f"The fixed effects reproduce the outcome {self.design.endog_name!r} exactly: nothing is left for the random "
                            "effects and the residual. Is the outcome, or a copy of it, among the predictors?")
        self.z_maps, T, at = [], np.zeros((len(AB), len(AB))), 0
        for term, shape, back_scale in zip(self.design.random, self.structures, forward):
            block = slice(at, at := at + len(term.names))
            gram = AB[block, block].sum(axis=2)
            root = _cholesky(gram, back_scale, term.names, f"effects of {term.text}")
            if shape.rescaling == "any":
                back = np.linalg.inv(back_scale @ root).T * np.sqrt(n)
            else:
                size = np.sqrt(np.diagonal(back_scale @ gram @ back_scale.T) / n)
                size = np.full(len(size), np.sqrt(np.mean(size ** 2))) if shape.rescaling == "scalar" else size
                back = np.diag(1.0 / size)
            self.z_maps.append(back)
            T[block, block] = back.T @ back_scale
        q = len(T)
        carried = np.einsum("ab,bcj->acj", T, AB)
        A = np.einsum("abj,cb->acj", carried[:, :q], T)
        BX = np.einsum("abj,cb->acj", carried[:, q:-1], to_Q)
        By = carried[:, -1] - np.einsum("apj,p->aj", BX, own)
        C = np.zeros((p + 1, p + 1))
        C[:p, :p], C[p, p] = np.eye(p), rss
        elimination = Sums(np.concatenate([A, BX, By[:, None]], axis=1), C)
        constant = -moments.log_weights + (2.0 * float(np.log(np.abs(np.diagonal(self.x_map))).sum()) if reml else 0.0)
        self.criterion = Criterion(elimination, self.structures, n, reml, constant)

    @property
    def one_factor(self) -> bool:
        return True

    def _refuse_unusable(self, levels, counts, names) -> None:
        moments, formula = self.moments, self.moments.plan.formula
        n, group, outcome = moments.n, formula.random[0].group_name, formula.outcome.label
        if not n:
            raise DataError("No row of any chunk is complete.")
        if moments.low == moments.high:
            raise DataError(f"The outcome {outcome!r} is {moments.low:g} in every row: there is nothing to explain. Check that the right "
                            "column is named.")
        if n <= len(names):
            raise DataError(f"{n} rows cannot carry {len(names)} fixed effects; drop predictors or collect more data.")
        if len(levels) < 2:
            raise DataError(f"The grouping factor {group!r} has one group only ({levels[0]}), so no variation between groups can be "
                            "seen; use mlm.ols.")
        for term, own in zip(formula.random, moments.plan.random):
            q = len(own.names)
            if len(levels) * q >= n and moments.plan.weights is None:
                raise DataError(f"The term {term.text} has {len(levels)} groups x {q} effects = {len(levels) * q} random effects for {n} "
                                "rows: they cannot be told from the residual. Each group needs more rows, or the term fewer effects.")

    def _set_design(self, levels, AB, counts, forward) -> None:
        moments, plan, n = self.moments, self.moments.plan, self.moments.n
        random, at = [], 0
        for term, own, back in zip(plan.formula.random, plan.random, forward):
            q = len(own.names)
            squares = np.diagonal(back @ AB[at:at + q, at:at + q].sum(axis=2) @ back.T) / n
            at += q
            random.append(ChunkedTerm(term.group_name, tuple(own.names), _none(n, q), _none(n), levels, term.independent, term.text, own,
                                      term.group, counts=counts, squares=squares))
        dropped = moments.read - n
        told = (f"{dropped:,} of {moments.read:,} rows were dropped because values are missing.",) if dropped else ()
        weights = None if plan.weights is None else _none(n)
        self.design = Design(plan.formula, plan.formula.outcome.label, tuple(plan.fixed.names), _none(n), _none(n, len(plan.fixed.names)),
                             tuple(random), weights, None, None, told, _none(n), plan.fixed, plan.offset)

    def fit(self):
        """The minimum of the criterion, and what the reader should know of it."""
        minimum = self.search()
        if not minimum.at.s2 > 1e-14 * self.variance:
            raise self._nothing_left()
        messages = self._flat(minimum.at)
        if not minimum.converged:
            messages.append(f"The search did not converge: after {minimum.n_evaluations} evaluations the gradient is still "
                            f"{minimum.gradient_norm:.2g}. Do not use these estimates; simplify the random part.")
        return minimum, messages

    def with_outcome(self, y):
        NoRows(self.moments.n)._refuse()


def _cholesky(gram, back, names, what: str) -> np.ndarray:
    """The lower-triangular root of a Gram matrix; a column that follows from others is named."""
    size = np.sqrt(np.diagonal(gram))
    if not (size > 0).all():
        raise DataError(f"The column {names[int(np.argmin(size))]!r} of the {what} is zero in every row; remove it from the formula.")
    scaled, root = gram / np.outer(size, size), np.zeros_like(gram)
    for k in range(len(gram)):
        root[k, :k] = np.linalg.solve(root[:k, :k], scaled[:k, k]) if k else 0.0
        left = scaled[k, k] - root[k, :k] @ root[k, :k]
        if left < 1e-13:
            weights = np.linalg.lstsq(scaled[:k, :k], scaled[:k, k], rcond=1e-12)[0]
            others = [names[i] for i in np.flatnonzero(np.abs(weights) > 1e-6)] or list(names[:k])
            raise DataError(f"The column {names[k]!r} of the {what} is fully determined by {', '.join(map(repr, others))}, so its own effect "
                            "cannot be told apart; remove one of them from the formula.")
        root[k, k] = np.sqrt(left)
    return size[:, None] * root


class ChunkedResult(LmmResult):
    """A fitted linear mixed model whose rows came in chunks: all of `LmmResult` that needs no rows of the fit.

    Residuals, fitted values, diagnostics and the bootstrap need them and say so; ``predict(data)`` takes new rows.
    """

    def refit(self, y=None, *, reml: bool | None = None):
        """The same model by the other likelihood; an outcome of its own needs rows, which were not kept."""
        if y is not None:
            self.model.with_outcome(y)
        model = ChunkedModel(self.model.moments, self.model.covariance, self.reml if reml is None else reml)
        return ChunkedResult(model, *model.fit())

    def predict(self, data=None, *args, **options):
        """Predictions for new rows: see `LmmResult.predict`."""
        if data is None:
            self.design.y._refuse()
        return super().predict(data, *args, **options)


def fit_chunks(formula: str, data, *, reml: bool, covariance, weights, offset) -> ChunkedResult:
    """Fit rows that come in chunks."""
    parsed = parse(formula)
    options = [name for name in (weights, offset) if isinstance(name, str)]
    columns = list(dict.fromkeys([*parsed.outcome.columns, *parsed.columns, *options]))
    for name, value in (("weights", weights), ("offset", offset)):
        if value is not None and not isinstance(value, str):
            raise DataError(f"{name}= must be the name of a column where the data come in chunks.")
    if not parsed.random:
        raise FormulaError(f"The formula {formula!r} has no random term such as (1 | group); add one.")
    if len({term.group_name for term in parsed.random}) > 1 or is_membership(parsed.random[0].group):
        raise FormulaError("A fit in chunks takes one grouping factor; several, nested, crossed or of multiple membership, need all rows at once.")
    moments = _accumulated(parsed, data, columns, weights, offset)
    model = ChunkedModel(moments, covariance, reml)
    return ChunkedResult(model, *model.fit())


def _accumulated(parsed, data, columns, weights, offset) -> Moments:
    """The sums of all chunks."""
    if hasattr(data, "to_delayed"):
        lost = [name for name in columns if name not in data.columns]
        if lost:
            raise DataError(f"There is no column {lost[0]!r} in the data; its columns are: {', '.join(map(str, list(data.columns)[:20]))}.")
        plan, part = on_the_cluster(data, columns, partial(_planned, parsed, weights, offset), Plan.read, together)
        moments = Moments(plan)
        moments.add(part)
        return moments
    source = chunks_of(data, columns)
    first = next(source, None)
    if first is None:
        raise DataError("There is no chunk of data.")
    plan = Plan(parsed, first, weights, offset)
    moments = Moments(plan)
    moments.add(plan.read(first))
    for number, chunk in enumerate(source, 1):
        try:
            moments.add(plan.read(chunk))
        except DataError as error:
            raise DataError(f"In chunk {number}, the first being 0: {error}") from None
    return moments


def _planned(formula, weights, offset, first) -> Plan:
    """The plan of the first chunk, by the worker that has it."""
    return Plan(formula, first, weights, offset)
