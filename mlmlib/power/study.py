"""A study with a known truth that can be carried out on paper again and again: a table, a formula, and what is true.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..covariance import root
from ..design import build_design
from ..errors import DataError
from ..formula import parse, term_name
from ..membership import group_values

__all__ = ["Study"]

FAMILIES = ("gaussian", "binomial", "poisson")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A truth to draw from.

    Attributes
    ----------
    formula : str
        As `mlm.lmm` takes it; it is fitted, too.
    layout : callable
        ``rng -> {column: values}``: the columns but for the outcome.
    coefficients : dict
        Of the fixed part; those not named are zero.
    covariance : dict
        {group: variance or covariance matrix of its random effects}.
    sigma : float
        Standard deviation of the residuals (gaussian).
    term : str
        The coefficient that is tested.
    groups : str
        Column of the groups that are independent of each other: clusters of robust errors and of GEE.
    outcome : callable, optional
        ``(rng, table) -> y`` in place of the formula's own.
    options : dict
        Of the model when it is fitted.
    """

    formula: str
    layout: Any
    coefficients: dict
    covariance: dict = field(default_factory=dict)
    sigma: float = 1.0
    family: str = "gaussian"
    term: str = ""
    groups: str | None = None
    outcome: Any = None
    options: dict = field(default_factory=dict)

    @property
    def has_random(self) -> bool:
        return bool(parse(self.formula).random)

    @property
    def truth(self) -> float:
        """The value of the tested coefficient."""
        return float(self.coefficients.get(self.term, 0.0))

    @property
    def fixed_formula(self) -> str:
        """The formula without random terms."""
        parsed = parse(self.formula)
        terms = [term_name(term) for term in parsed.fixed if term]
        return f"{parsed.outcome.label} ~ {' + '.join(['1' if parsed.has_intercept else '0', *terms])}"

    def draw(self, rng):
        """A table with an outcome (DataFrame)."""
        from .. import frames as pd

        table = dict(self.layout(rng))
        n = len(next(iter(table.values())))
        parsed = parse(self.formula)
        response = parsed.outcome.label
        if self.outcome is not None:
            return pd.DataFrame({**table, response: self.outcome(rng, table)})
        design = build_design(parsed, {**table, response: np.arange(n, dtype=float)})
        return pd.DataFrame({**table, response: self._drawn(self._predictor(design, rng), rng)})

    def _predictor(self, design, rng) -> np.ndarray:
        strange = sorted(set(self.coefficients) - set(design.exog_names))
        if strange:
            raise DataError(f"coefficients names {', '.join(map(repr, strange))}; the formula has "
                            f"{', '.join(design.exog_names)}.")
        eta = design.X @ np.array([float(self.coefficients.get(name, 0.0)) for name in design.exog_names])
        groups = {term.group for term in design.random}
        if groups != set(self.covariance):
            raise DataError("covariance= must have an entry for each random factor of the formula "
                            f"({', '.join(sorted(groups)) or 'none'}); "
                            f"it has {', '.join(sorted(self.covariance)) or 'none'}.")
        for group in dict.fromkeys(term.group for term in design.random):
            terms = [term for term in design.random if term.group == group]
            Z, first = np.hstack([term.Z for term in terms]), terms[0]
            effects = rng.standard_normal((len(first.levels), Z.shape[1])) @ root(_matrix(self.covariance[group],
                                                                                          group, Z.shape[1])).T
            eta = eta + group_values(Z, first.codes, first.members, effects)
        return eta

    def _drawn(self, eta: np.ndarray, rng) -> np.ndarray:
        if self.family == "gaussian":
            return eta + self.sigma * rng.standard_normal(len(eta))
        if self.family == "poisson":
            return rng.poisson(np.exp(eta)).astype(float)
        return (rng.random(len(eta)) < 1.0 / (1.0 + np.exp(-eta))).astype(float)


def _matrix(value, group: str, q: int) -> np.ndarray:
    """A covariance matrix of q effects from a variance, variances, or a matrix."""
    found = np.asarray(value, dtype=float)
    found = np.diag(np.atleast_1d(found)) if found.ndim < 2 else found
    square = found.shape == (q, q) and np.allclose(found, found.T)
    if not square or np.linalg.eigvalsh(found)[0] < -1e-10 * max(1.0, found.trace()):
        raise DataError(f"covariance[{group!r}]={np.asarray(value).tolist()} must be a {q} x {q} covariance matrix "
                        f"(or its {q} variances).")
    return found
