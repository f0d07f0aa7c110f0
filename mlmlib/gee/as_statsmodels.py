"""statsmodels' own moments of scale and correlation, for comparison with its results.

Chapter 20 (``20_gee_and_robust``) compares programs.
"""

from __future__ import annotations

import numpy as np
from statsmodels.genmod import cov_struct as sm
from statsmodels.genmod.generalized_estimating_equations import GEE

from ..errors import DataError
from .model import solve

__all__ = ["Shown", "solve_as_statsmodels"]


class Shown:
    """What a result asks of a structure, from statsmodels' own."""

    def __init__(self, name, labels, values, counts, matrices, timed=None):
        self.name, self.labels, self.dep_params, self.counts, self._matrices = name, labels, values, counts, matrices
        if timed is not None:
            self.times = timed

    def matrix(self, index):
        return self._matrices[index]

    def lowest(self) -> float:
        return min(float(np.linalg.eigvalsh(R).min()) for R in self._matrices)


def solve_as_statsmodels(rows, levels, family, corr, scale, start, limit):
    """Solve with statsmodels' structures; the same as `Engine` and `Structure` give."""
    from .fit import _structure, times_of
    if corr == "nested":
        raise ValueError("corr='nested' has the moments of this library alone; leave moments= out.")
    own, time = _structure(corr, rows, levels), None
    if corr in ("ar1", "unstructured"):
        places = times_of(corr, rows)[1]
        time = places if corr == "unstructured" else np.concatenate([np.arange(k) for k in np.diff(rows.starts)])
        inside = np.diff(rows.codes[0]) == 0
        if corr == "ar1" and len(np.unique(np.diff(rows.time)[inside])) > 1:
            raise DataError("statsmodels' AR(1) takes the rows of a group as equally spaced, and these are not; leave moments= out.")
    made = {"independence": sm.Independence, "exchangeable": sm.Exchangeable, "unstructured": sm.Unstructured,
            "ar1": lambda: sm.Autoregressive(grid=False)}[own.name]()
    engine = GEE(rows.y, rows.Q, rows.codes[0], family=family, cov_struct=made, offset=rows.offset, time=time)
    solved = solve(engine, start, limit, scale=scale)
    values = {"independence": lambda: np.zeros(0), "exchangeable": lambda: np.array([float(made.dep_params)]),
              "ar1": lambda: np.array([float(made.dep_params)]),
              "unstructured": lambda: made.dep_params[np.triu_indices(len(made.dep_params), 1)]}[own.name]()
    matrices = [np.eye(len(y)) if own.name == "independence" else np.array(made.covariance_matrix(y, k)[0])
                for k, y in enumerate(engine.endog_li)]
    return Shown(own.name, own.labels, values, own.counts, matrices, getattr(own, "times", None)), solved
