"""The wild cluster bootstrap: outcomes drawn anew by turning the residuals of whole clusters.

With the hypothesis C b = r imposed, y* = X b_r + v_j e_r, where b_r and e_r are of the fit under the hypothesis and v_j is drawn
once for each cluster. In columns where sum X'WX = I, all that a replicate needs is linear in v with k numbers a cluster, so that
no replicate is refitted, and the statistic is a ratio of polynomials in r: an interval by inversion costs no new draws.

Chapter 20 (``20_gee_and_robust``).

References
----------
Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2008). Bootstrap-based improvements for inference with clustered errors. Review
of Economics and Statistics, 90, 414-427.

Roodman, D., Nielsen, M. O., MacKinnon, J. G., & Webb, M. D. (2019). Fast and wild: Bootstrap inference in Stata using boottest.
Stata Journal, 19, 4-60.

Webb, M. D. (2023). Reworking wild bootstrap-based inference for clustered errors. Canadian Journal of Economics, 56, 839-858.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..inference.contrasts import hypotheses
from ..testresult import TestResult, p_text
from ..results import check_level
from .adjust import KINDS
from .clusters import clusters_of
from .rows import rows_of

__all__ = ["WildBootstrap", "wild_bootstrap"]

_WEBB = np.sqrt([0.5, 1.0, 1.5])
_VALUES = {"rademacher": np.array([-1.0, 1.0]), "webb": np.concatenate([-_WEBB[::-1], _WEBB])}
_CELLS = 4_000_000
_TIE = 1e-9  # relative difference of squared statistics below which they are the same
_ROUNDING = 1e-13  # of a squared denominator, relative to what it is a difference of
_FAR = 1e4  # standard errors from the estimate beyond which no value is looked at


def wild_bootstrap(fit, hypothesis, groups=None, *, kind: str | None = None, weights: str = "rademacher", n: int = 9999,
                   seed: int | None = 1, rhs=0.0, restricted: bool = True, level: float = 0.95) -> WildBootstrap:
    """Test linear hypotheses, and find an interval, by the wild cluster bootstrap.

    Parameters
    ----------
    fit : a result of ``mlm.ols``, ``mlm.panel`` or ``mlm.lmm``, or of ``mlm.robust`` of one of these
    hypothesis : str, dict, list of these, or array of shape (q, p)
        ``"x = 0"``, ``"x = 0, z = 2*w"``: as in ``fit.test``.
    groups : str or array, optional
        The clusters, as in ``mlm.robust``; after ``mlm.robust`` those that it took.
    kind : {"CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"}, optional
        The covariance by which estimates are divided; that of ``mlm.robust``, else CR1.  (Factors of the whole matrix cancel.)
    weights : {"rademacher", "webb"}
        v is -1 or 1; or one of six values (Webb), for fewer than about ten clusters, of which Rademacher's 2^G draws are few.
    n : int
        Number of draws.  Where there are no more than `n` different draws, each is taken once (``enumerated``).
    seed : int, optional
    rhs : float or array, shape (q,)
        Right sides, for dicts and matrices.
    restricted : bool
        Impose the hypothesis (the default; Cameron, Gelbach and Miller's WCR).  False: residuals of the fit itself (WCU).
    level : float
        Of the interval, for one hypothesis.

    Returns
    -------
    WildBootstrap

    Raises
    ------
    ValueError, FormulaError
        For generalized models, which have no residuals that could be turned.

    Notes
    -----
    p is the share of draws whose statistic is as far from zero as the sample's, or farther, the sample counted among them: all
    draws where they are enumerated (v = 1 is one), else (1 + number) / (1 + n).  ``boottest`` counts those farther only, so
    that it may print 0.  The interval holds the values that a test at 1 - level does not reject, seen from the estimate out to
    the first one that it does; with very few clusters no value may be rejected, and it is infinite.  The variances of a mixed
    model, or of random effects, are held at their estimates.

    Chapter 20 (``20_gee_and_robust``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.ols("math ~ homework + schtype", mlm.load("math"))
    >>> mlm.wild_bootstrap(fit, "homework = 0", groups="schid", n=999, seed=1).pvalue <= 0.01
    True
    """
    from .public import clustered
    from .result import RobustResult
    if weights not in _VALUES:
        raise ValueError(f"weights={weights!r} must be 'rademacher' or 'webb'.")
    check_level(level)
    if n < 1:
        raise ValueError(f"n={n} must be a number of draws, 999 or more.")
    if isinstance(fit, RobustResult):
        kind = fit.kind if kind is None else kind
        rows, name, base = fit._rows, fit.clusterings[0].name, fit.fit
        one = fit.clusterings[0] if groups is None and kind == fit.kind and len(fit.clusterings) == 1 else None
        if groups is None and one is None and len(fit.clusterings) > 1:
            raise ValueError("The wild cluster bootstrap is for one clustering; say groups=.")
        groups = name if groups is None and one is None else groups
    else:
        rows, base, one = rows_of(fit), fit, None
    kind = kind or "CR1"
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not known; choose one of {', '.join(map(repr, KINDS))}.")
    if not rows.linear:
        raise ValueError("The wild cluster bootstrap is for linear models estimated by (generalized) least squares: there the "
                         "residuals of a cluster can be turned. For this fit see mlm.robust(fit, kind='CR2').")
    if one is None:
        found = clusters_of(base, groups, rows)
        if len(found) > 1:
            raise ValueError("The wild cluster bootstrap is for one clustering.")
        one = clustered(base, rows, found[0], kind)
    C, r, null = hypotheses(hypothesis, list(base._names), rhs)
    if np.linalg.matrix_rank(C) < len(C):
        raise ValueError("Some hypotheses follow from the others, or contradict them; leave them out.")
    count = len(_VALUES[weights])
    every = one.J * np.log(count) <= np.log(n) + 1e-12
    draws = count ** one.J if every else n
    turn = _Turn(one, C, C @ base._params - r, restricted)
    source = _Draws(weights, one.J, draws, every, seed)
    if len(C) > 1:
        return WildBootstrap(null, kind, weights, draws, every, one.J, restricted, turn.wald(source), float(turn.statistic),
                             name=one.name)
    ratio = turn.ratio(source)
    value = float(C[0] @ base._params)
    return WildBootstrap(null, kind, weights, draws, every, one.J, restricted, ratio.replicates(turn.tau),
                         float(turn.tau / ratio.se), value, ratio.se, level, ratio, one.name)


class _Draws:
    """Draws of v, shape (B, J), in stretches."""

    def __init__(self, weights: str, J: int, draws: int, every: bool, seed):
        self.values, self.J, self.draws, self.every, self.seed = _VALUES[weights], J, draws, every, seed

    def stretches(self, wide: int):
        """Stretches for each of which `wide` numbers a draw are kept."""
        rng, step = np.random.default_rng(self.seed), max(1, _CELLS // max(wide, 1))
        for at in range(0, self.draws, step):
            size = min(step, self.draws - at)
            if self.every:
                number = np.arange(at, at + size)
                digits = (number[:, None] // len(self.values) ** np.arange(self.J)) % len(self.values)
            else:
                digits = rng.integers(len(self.values), size=(size, self.J))
            yield self.values[digits]


class _Turn:
    """What turned residuals give, of hypotheses c b = r in columns where sum X'WX = I; tau = C b - r."""

    def __init__(self, one, C, tau, restricted: bool):
        self.parts, self.c, self.restricted = one.parts, C @ one.back, restricted
        self.tau = tau if len(tau) > 1 else float(tau[0])
        self.d = np.linalg.solve(self.c @ self.c.T, self.c).T  # from tau to what the hypothesis moves, (k, q)

    @property
    def statistic(self) -> float:
        """The sample's Wald statistic."""
        own = self.parts.scores @ self.c.T
        return float(self.tau @ np.linalg.solve(own.T @ own, self.tau))

    def wald(self, source: _Draws) -> np.ndarray:
        """The Wald statistics of draws, shape (B,)."""
        parts, c = self.parts, self.c
        move = self.d @ self.tau if self.restricted else np.zeros(c.shape[1])
        plain = parts.plain + np.einsum("jab,a->jb", parts.gram, move)
        own = (parts.scores + np.einsum("jab,a->jb", parts.E, move)) @ c.T
        h = np.einsum("jab,qb->jaq", parts.E, c)
        found = []
        for v in source.stretches(parts.scores.shape[0] * len(c)):
            w = v @ plain
            left = v[:, :, None] * own - np.tensordot(w, h, axes=(1, 1))
            meat = np.einsum("bjq,bjr->bqr", left, left)
            found.append(_quadratic(meat, w @ c.T))
        return np.concatenate(found)

    def ratio(self, source: _Draws) -> _Ratio:
        """Numerator and squared denominator of t of every draw, as polynomials in tau."""
        parts, c, d = self.parts, self.c[0], self.d[:, 0]
        pull = float(self.restricted)
        plain = parts.plain, pull * np.einsum("jab,a->jb", parts.gram, d)
        own = parts.scores @ c, pull * np.einsum("jab,a,b->j", parts.E, d, c)
        h = parts.E @ c
        inner, square = h.T @ h, np.column_stack([own[0] ** 2, 2.0 * own[0] * own[1], own[1] ** 2])
        top, bottom = [], []
        for v in source.stretches(len(h)):
            w, cross = [v @ part for part in plain], [v @ (part[:, None] * h) for part in own]
            top.append(np.column_stack([part @ c for part in w]))
            turned = [part @ inner for part in w]
            low = (v * v) @ square
            low[:, 0] += _dot(w[0], turned[0] - 2.0 * cross[0])
            low[:, 1] += 2.0 * (_dot(w[0], turned[1] - cross[1]) - _dot(w[1], cross[0]))
            low[:, 2] += _dot(w[1], turned[1] - 2.0 * cross[1])
            bottom.append(low)
        raw = np.array([own[0] @ own[0], own[1] @ own[1]])
        return _Ratio(np.concatenate(top), np.concatenate(bottom), raw, float(np.sqrt(raw[0])), source.every)


def _dot(a, b):
    return np.einsum("bk,bk->b", a, b)


def _quadratic(meat, top):
    """t' M^-1 t of every draw; infinite where M is singular."""
    values, axes = np.linalg.eigh(meat)
    good = values[:, 0] > 1e-12 * values[:, -1]
    out = np.full(len(top), np.inf)
    out[good] = (np.einsum("bqr,bq->br", axes[good], top[good]) ** 2 / values[good]).sum(axis=1)
    return out


@dataclass(frozen=True)
class _Ratio:
    """t of every draw: numerators (B, 2) and squared denominators (B, 3), coefficients of powers of tau.

    `raw` (2,): the size of what squared denominators are differences of, constant and in tau^2.
    """

    top: np.ndarray
    bottom: np.ndarray
    raw: np.ndarray
    se: float
    every: bool

    def replicates(self, tau: float) -> np.ndarray:
        top, bottom = self.top @ [1.0, tau], self.bottom @ [1.0, tau, tau * tau]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = top / np.sqrt(np.maximum(bottom, 0.0))
        return np.where(np.isnan(t), 0.0, t)

    def pvalue(self, tau: float) -> float:
        """Draws as far out as the sample; what rounding alone could set apart is the same."""
        top, bottom = self.top @ [1.0, tau], self.bottom @ [1.0, tau, tau * tau]
        rounding = _ROUNDING * float(self.raw @ [1.0, tau * tau])
        far = top ** 2 >= (tau / self.se) ** 2 * (bottom * (1.0 - _TIE) - rounding)
        return _p(far, self.every)

    def end(self, side: int, alpha: float) -> float:
        """How far from the estimate, in standard errors, a value is first rejected; infinite if none is."""
        inside, outside = 0.0, 0.5
        while self.pvalue(-side * outside * self.se) > alpha:
            inside, outside = outside, 1.1 * outside
            if outside > _FAR:
                return np.inf
        for _ in range(60):
            middle = 0.5 * (inside + outside)
            if self.pvalue(-side * middle * self.se) > alpha:
                inside = middle
            else:
                outside = middle
        return inside


def _p(far, every: bool) -> float:
    """The share of draws that are far out; drawn ones with the sample among them."""
    return float(far.mean()) if every else (1 + int(far.sum())) / (1 + len(far))


@dataclass(frozen=True, repr=False, eq=False)
class WildBootstrap:
    """A hypothesis tested by the wild cluster bootstrap.

    Attributes
    ----------
    null : str
        The hypothesis.
    kind : str
        The covariance by which estimates were divided.
    weights : str
    n : int
        Draws.
    enumerated : bool
        True where every possible draw was taken once.
    n_clusters : int
    restricted : bool
        True where the hypothesis was imposed.
    replicates : ndarray, shape (n,)
        t statistics of the draws; Wald statistics (chi-square scale) of several hypotheses.
    statistic : float
        The sample's, without the kind's factor (J / (J - 1) and so on), as the replicates.
    estimate, se : float
        Of one hypothesis: its left side, and the standard error, also without factor.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``).
    """

    null: str
    kind: str
    weights: str
    n: int
    enumerated: bool
    n_clusters: int
    restricted: bool
    replicates: np.ndarray
    statistic: float
    estimate: float = float("nan")
    se: float = float("nan")
    level: float = 0.95
    _ratio: Any = field(default=None)
    name: str = "groups"

    @property
    def pvalue(self) -> float:
        """Two-sided p-value."""
        if self._ratio is None:
            return _p(self.replicates >= self.statistic * (1.0 - _TIE), self.enumerated)
        return self._ratio.pvalue(self.statistic * self.se)

    def conf_int(self, level: float | None = None) -> tuple[float, float]:
        """The values that are not rejected (lower, upper), for one hypothesis; an end is infinite where none is rejected.

        Parameters
        ----------
        level : float, optional
            That of the bootstrap when left out.
        """
        if self._ratio is None:
            raise ValueError("Several hypotheses have no interval; test them one by one.")
        level = self.level if level is None else level
        check_level(level)
        ends = [self._ratio.end(side, 1.0 - level) for side in (-1, 1)]
        return self.estimate - ends[0] * self.se, self.estimate + ends[1] * self.se

    def result(self) -> TestResult:
        """The test as every other test of the library (TestResult)."""
        what = "t" if self._ratio is not None else "Wald"
        return TestResult(self.statistic, self.n_clusters - 1, self.pvalue, what, self.null, "Wild cluster bootstrap test", self._how)

    @property
    def _how(self) -> str:
        draws = f"all {self.n:,} draws" if self.enumerated else f"{self.n:,} draws"
        how = "the hypothesis imposed" if self.restricted else "residuals of the fit"
        return f"{draws} of {self.weights.capitalize()} weights, {self.n_clusters} clusters of {self.name!r}, {how}"

    def __repr__(self) -> str:
        what = "t" if self._ratio is not None else "Wald"
        text = f"Wild cluster bootstrap test of {self.null}: {what} = {self.statistic:.2f}, p {p_text(self.pvalue)}"
        if self._ratio is not None:
            lower, upper = self.conf_int()
            text += f"\nEstimate {self.estimate:.4g}, {self.level:.0%} interval {lower:.4g} to {upper:.4g}"
        return f"{text}\n{textwrap.fill(self._how[0].upper() + self._how[1:], 72)}"
