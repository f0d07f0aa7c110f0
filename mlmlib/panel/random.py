"""Random effects by generalized least squares with Swamy and Arora's variances; Mundlak's and the hybrid form.

For unbalanced panels the variance between groups is Baltagi and Chang's (1994) version of Swamy and Arora's, unbiased
given the regressors: what plm's ``random.method = "swar"`` and Stata's ``xtreg, re sa`` compute.  (Stata without ``sa``
puts the harmonic mean of the group sizes into the formula for balanced panels.)

Chapter 19 (``19_fixed_or_random``).

References
----------
Swamy, P. A. V. B., & Arora, S. S. (1972). The exact finite sample properties of the estimators of coefficients in the
error components regression models. Econometrica, 40, 261-275.
Baltagi, B. H., & Chang, Y.-J. (1994). Incomplete panels. Journal of Econometrics, 62, 67-89.
Baltagi, B. H. (2013). Econometric Analysis of Panel Data (5th ed.). Wiley, sections 2.3.1 and 9.2.1.
Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica, 46, 69-85.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from .fixed import within
from .frame import Frame
from .solve import Regression, independent, regress

__all__ = ["Components", "quasi_demeaned", "random", "swamy_arora", "with_means"]


@dataclass(frozen=True)
class Components:
    """The variances of groups and rows, and theta, the share of its mean that each group's rows lose, shape (J,)."""

    s2_u: float
    s2_e: float
    theta: np.ndarray
    negative: bool = False

    @classmethod
    def of(cls, s2_u: float, s2_e: float, sizes) -> Components:
        low = s2_u <= 0
        s2_u = max(s2_u, 0.0)
        return cls(s2_u, s2_e, 1.0 - np.sqrt(s2_e / (sizes * s2_u + s2_e)), low)


def swamy_arora(frame: Frame) -> Components:
    """Variances from the within regression and from that of group means, each weighted by its rows."""
    inner = within(frame)[0]
    root = np.sqrt(frame.sizes)
    means = frame.means(frame.X)
    kept, Q, _, _ = independent(root[:, None] * means, np.sqrt((frame.X ** 2).sum(axis=0)))
    if frame.J <= len(kept):
        raise DataError(f"Swamy and Arora's variance between groups needs more groups than coefficients; {frame.group!r} has "
                        f"{frame.J} groups for {len(kept)}. Leave predictors out, or fit mlm.lmm.")
    y = root * frame.means(frame.y)
    rest = y - Q @ (Q.T @ y)
    # tr{(X'PX)^-1 X'ZZ'X}: Z'X has the groups' sums, n_j times their means
    trace = float(((root[:, None] * Q) ** 2).sum())
    s2_u = (rest @ rest - (frame.J - len(kept)) * inner.s2) / (frame.n - trace)
    return Components.of(float(s2_u), inner.s2, frame.sizes)


def quasi_demeaned(frame: Frame, A: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Rows less theta times the mean of their group."""
    return A - (theta.reshape(-1, *[1] * (A.ndim - 1)) * frame.means(A))[frame.codes]


def random(frame: Frame) -> tuple[Regression, dict, Components]:
    """Generalized least squares: least squares of quasi-demeaned rows (Baltagi, 2013, equations 2.20 and 9.6)."""
    parts = swamy_arora(frame)
    y, X = (quasi_demeaned(frame, A, parts.theta) for A in (frame.y, frame.X))
    return *regress(y, X, frame.codes), parts


def with_means(frame: Frame, form: str) -> tuple[Frame, tuple]:
    """The frame with the group means of what varies within groups: beside x (``mundlak``) or beside x less mean.

    Returns
    -------
    frame : Frame
    plan : tuple of (column, part)
        Of each new column the old one and what of it: ``"x"``, ``"within"`` or ``"between"``.
    """
    constant = frame.constant(frame.X)
    raw = "x" if form == "mundlak" else "within"
    plan = [(j, "x" if constant[j] else raw) for j in range(len(constant))]
    plan += [(int(j), "between") for j in np.flatnonzero(~constant)]
    names = tuple(frame.names[j] + ("" if part == "x" else f"_{part}") for j, part in plan)
    X = planned(plan, frame.X, frame.means(frame.X)[frame.codes])
    return replace(frame, design=replace(frame.design, X=X, exog_names=names)), tuple(plan)


def planned(plan, X: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The columns of `plan` made of rows and the means of their groups."""
    part = {"x": lambda j: X[:, j], "within": lambda j: X[:, j] - means[:, j], "between": lambda j: means[:, j]}
    return np.column_stack([part[what](j) for j, what in plan]) if plan else np.empty((len(X), 0))
