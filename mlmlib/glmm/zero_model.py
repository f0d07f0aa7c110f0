"""Counts whose zeros have a linear predictor of their own: coefficients and random effects of two predictors a row.

Names of the zero part begin with ``zero: ``.  Random effects of the two parts are independent, also where they vary
over the same grouping factor, as in glmmTMB.

Chapter 17 (``17_counts``) fits such models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..coding import Encoder
from ..design import Design, _replay
from ..errors import DataError, FormulaError
from ..formula import Formula, parse
from ..table import Table
from .fixed_only import FixedOnly
from .rows_many import in_blocks

__all__ = ["ZeroModel", "ZeroPart", "read_zero", "with_zero"]

PREFIX = "zero: "
_NONE = -12.0  # a logit below which no row shows its zero part


@dataclass(frozen=True)
class ZeroPart:
    """The zero part of a model.

    Attributes
    ----------
    formula : Formula
    encoder : Encoder
    X : ndarray, shape (n, p)
    first : int
        Number of the first of the design's random terms that is the zero part's.
    """

    formula: Formula
    encoder: Encoder
    X: np.ndarray
    first: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(PREFIX + name for name in self.encoder.names)

    def of(self, data) -> np.ndarray:
        """The columns of new rows, shape (rows, p)."""
        table = Table(data)
        return self.encoder.rows(_replay(self.encoder, table), table.n).T


def read_zero(family, text) -> Formula:
    """The zero part's formula, ``"~ z + (1 | g)"``."""
    if not hasattr(family, "with_predictor"):
        raise ValueError(f"zero= is for counts with a part for zeros (zip, zinb1, zinb2, hurdle-poisson, "
                         f"hurdle-nbinom1, hurdle-nbinom2), not for family={family.name!r}.")
    parsed = parse(text if isinstance(text, str) and "~" in text else f"~ {text}")
    if parsed.response is not None or parsed.offsets:
        raise FormulaError(f"zero={text!r} has predictors and random terms only, as in zero='~ z + (1 | g)'.")
    if not parsed.fixed:
        raise FormulaError(f"zero={text!r} has no fixed part; write zero='~ 1' for an intercept.")
    return parsed


def with_zero(formula: Formula, zero: Formula) -> Formula:
    """Both parts as one formula, so that one design reads all columns."""
    known = {frozenset(term) for term in formula.fixed}
    more = [term for term in zero.fixed if frozenset(term) not in known]
    return replace(formula, fixed=tuple(sorted((*formula.fixed, *more), key=len)),
                   random=(*formula.random, *zero.random))


class ZeroModel(FixedOnly):
    """A model of counts in which a zero has a linear predictor, the logit of its probability.

    Parameters
    ----------
    design : Design
        Of the formula that `with_zero` joins.
    zero : tuple of Formula, optional
        That of the counts, and that of the zeros.

    Other parameters are those of `mlmlib.glmm.model.GlmmModel`.
    """

    def __init__(self, design: Design, family, link=None, covariance="unstructured", *, zero=None, **options):
        if hasattr(design.encoder, "zero"):
            self.zero = design.encoder.zero
        else:
            design, self.zero = _divided(design, *zero)
        super().__init__(design, family, link, covariance, **options)

    def check(self, design):
        counts, zeros = design.random[:self.zero.first], design.random[self.zero.first:]
        if self.nodes is not None and len({term.group for term in design.random}) > 1:
            raise FormulaError("method='agq' needs one grouping factor, the same in both parts: use method='laplace'.")
        for own in (counts, zeros):
            super().check(replace(design, random=own))
        n, p = len(design.y), design.X.shape[1] + self.zero.X.shape[1]
        if n <= p:
            raise DataError(f"{n} rows cannot carry {p} fixed effects; drop predictors or collect more data.")

    def fit(self, start=None):
        found, messages = super().fit(start)
        eta = found.at.modes.eta[1]
        if eta.max() < _NONE and not self.family.hurdle:
            messages = [*messages, "The probability of a zero of the zero part runs to 0 in every row: the counts have "
                                   f"no more zeros than family={self.family.base.name!r}, which fits as well."]
        return found, messages

    def _fixed_columns(self):
        design, zero = self.design, self.zero
        return (*design.exog_names, *zero.names), in_blocks([design.X.T, zero.X.T])

    def _rows(self, Zs):
        wide = []
        for k, Z in enumerate(Zs):
            both = np.zeros((len(Z), 2, Z.shape[1]))
            both[:, int(k >= self.zero.first)] = Z
            wide.append(both)
        return super()._rows(wide)

    @property
    def offset(self):
        """What is added to the linear predictor of the counts."""
        offset = super().offset
        return offset if np.ndim(offset) == 0 and offset == 0.0 else np.stack([offset, np.zeros_like(offset)])


class _Counts(Encoder):
    """The encoder of the counts' fixed part, which knows the zeros'."""

    def __init__(self, terms, infos, zero):
        super().__init__(terms, infos)
        self.zero = zero


def _divided(design: Design, counts: Formula, zeros: Formula) -> tuple[Design, ZeroPart]:
    """The counts' design, with the zeros' random terms after its own; and the zero part."""
    infos, values, n = design.encoder.infos, design.fixed_values(), len(design.y)
    encoder = Encoder(zeros.fixed, infos)
    first = len(counts.random)
    part = ZeroPart(zeros, encoder, encoder.rows(values, n).T, first)
    own = _Counts(counts.fixed, infos, part)
    random = [term if k < first else replace(term, names=tuple(PREFIX + name for name in term.names))
              for k, term in enumerate(design.random)]
    return replace(design, formula=counts, X=own.rows(values, n).T, exog_names=tuple(own.names), encoder=own,
                   random=tuple(random)), part
