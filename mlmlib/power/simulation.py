"""Power by simulation: the study is carried out on paper many times, and significant results are counted.

Chapter 21 (``21_planning``).

References
----------
Arnold, B. F., Hogan, D. R., Colford, J. M., & Hubbard, A. E. (2011). Simulation methods to estimate design power. BMC
Medical Research Methodology, 11, 94.
Green, P., & MacLeod, C. J. (2016). SIMR: an R package for power analysis of generalized linear mixed models by
simulation. Methods in Ecology and Evolution, 7, 493-498.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError, FormulaError
from ..inference.blocks import new_seed, run
from ..table import Table
from .analyses import analysis_of, default
from .arguments import count, inside, one_of
from .pilot import pilot
from .result import PowerResult
from .simulated import COLUMNS, SimulatedPower, judged
from .study import FAMILIES, Study

__all__ = ["simulate"]

_BLOCK = 10  # replicates that share a seed: what an interrupt can lose


def simulate(study, effect=None, *, replicates: int = 500, analysis=None, seed: int | None = 1, n_jobs: int | None = None,
             progress: bool | None = None, alpha: float | None = None, sides: int | None = None, groups=None, n=None,
             sizes=None,
             data=None, coefficients=None, covariance=None, sigma: float = 1.0, family: str = "gaussian", term=None,
             cluster=None, checkpoint=None) -> SimulatedPower:
    """Count how often a study finds its effect.

    Parameters
    ----------
    study : PowerResult, fit, or str
        A planned design; a model fitted to a pilot study; or a formula, whose truth is given below.
    effect : float or dict, optional
        Of a design: another effect than its own (0 gives the rate of false alarms).  Of a fit or a formula:
        ``{"treatment": 0.3}``, true coefficients that replace the estimated (or given) ones; the first is tested unless
        `term` says another.
    replicates : int
        Studies to carry out; the Monte Carlo error of a power near 0.8 is ``0.4 / sqrt(replicates)``.
    analysis : str, callable, or sequence of them, optional
        ``"lmm"`` (Satterthwaite), ``"lmm kenward-roger"``, ``"lmm wald"``, ``"glmm"``, ``"gee"``, ``"gee
        mancl-derouen"``, ``"ols robust"`` (CR2), ``"ols"``; or a function of the data that returns a fit, or (estimate,
        se[, df]).  All see the same data. The mixed model that the data come from when left out.
    seed : int or None
        The same seed gives the same studies, whatever the number of workers; the first 100 of 500 are those of 100.
    n_jobs : int or None
        Workers, through joblib, as for `fit.bootstrap`.
    progress : bool, optional
        A progress bar; by default in a terminal or a notebook when it takes longer than a second.
    alpha, sides : float, {1, 2}, optional
        Those of the design; 0.05 and 2 for fits and formulas.
    groups, n : int, optional
        Of a fit: groups of the new study, drawn whole and with replacement from those of the pilot, and rows a group,
        drawn with replacement from the group's; as many as there are when left out.
    sizes : sequence of int, optional
        Of a design with two levels: the sizes of the groups, in a new random order in each replicate.
    data : table or callable, optional
        Of a formula: the table without the outcome, or a function ``rng -> table`` that draws one.
    coefficients, covariance, sigma, family
        Of a formula: true coefficients by name (the others are zero); ``{"school": 0.2}`` or a matrix for each grouping
        factor; residual standard deviation; "gaussian", "binomial" or "poisson".
    term : str, optional
        The coefficient to test.
    cluster : str, optional
        Column whose values are independent groups, for GEE and robust errors; the first grouping factor when left out.
    checkpoint : path, optional
        A file that keeps what is done, ten studies at a time, as for `fit.bootstrap`: the same call goes on from there.

    Returns
    -------
    SimulatedPower
        After an interrupt, with the replicates done by then.

    Raises
    ------
    DataError, FormulaError
        When the study cannot be drawn, every fit of an analysis fails, or `checkpoint` is of another run.

    Notes
    -----
    Fits that fail or do not converge are counted and named, and left out of the shares. Chapter 21 (``21_planning``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> plan = mlm.power.cluster_randomized(0.5, icc=0.1, groups=20, n=10)
    >>> found = mlm.power.simulate(plan, replicates=100, analysis=["lmm", "ols"])
    >>> bool(abs(found.power - plan.power) < 3 * found.mc_error)
    True
    >>> fit = mlm.lmm("mathach ~ cses * sector + (1 + cses | school)", mlm.load("hsb"))
    >>> small = mlm.power.simulate(fit, {"cses:sector[T.Catholic]": -1.0}, groups=40, n=20, replicates=20)
    >>> small.done, small.truth
    (20, -1.0)
    >>> table = {"school": [j for j in range(20) for _ in range(5)], "x": list(range(5)) * 20}
    >>> found = mlm.power.simulate("y ~ x + (1 | school)", {"x": 0.2}, data=table, covariance={"school": 0.3},
    ...                            replicates=20)
    >>> found.table[["fits", "failed"]].astype(int).loc["lmm"].tolist()
    [20, 0]
    """
    replicates, seed = count("replicates", replicates, 2), new_seed(seed, checkpoint)
    given = {"groups": groups, "n": n, "sizes": sizes, "data": data, "coefficients": coefficients,
             "covariance": covariance, "term": term,
             "cluster": cluster}
    formula_power = None
    if isinstance(study, PowerResult):
        _refuse(given, ("sizes",), "a design has them itself: change it with plan.at(...)")
        plan = study if effect is None else study.at(effect=effect)
        alpha, sides = plan.design.alpha if alpha is None else alpha, plan.design.sides if sides is None else sides
        source = plan.design.study(plan.effect, plan.sizes, _sizes(plan, sizes))
        formula_power = plan.power if (alpha, sides) == (plan.design.alpha,
                                                         plan.design.sides) and sizes is None else None
    elif isinstance(study, str):
        _refuse(given, ("data", "coefficients", "covariance", "term", "cluster"),
                "groups and sizes of a formula are those of data=")
        source = _of_formula(study, effect, data, coefficients or {}, covariance or {}, sigma, family, term, cluster)
    elif hasattr(study, "simulate") and hasattr(study, "params"):
        _refuse(given, ("groups", "n", "term", "cluster"), "a fit has them itself")
        source = pilot(study, effect, groups, n, term, cluster)
    else:
        raise DataError("simulate takes a design of mlm.power, a fitted model or a formula, not "
                        f"{type(study).__name__}.")
    alpha = inside("alpha", 0.05 if alpha is None else alpha)
    sides = one_of("sides", 2 if sides is None else sides, (1, 2))
    if analysis is None:
        analysis = default(source)
    analyses = tuple(analysis) if isinstance(analysis, (list, tuple)) else (analysis,)
    names = tuple(analysis_of(name)[0] for name in analyses)
    if len(set(names)) < len(names):
        raise DataError(f"analysis= has {', '.join(names)}: each once, functions with names of their own.")
    source.draw(np.random.default_rng(seed))  # what cannot be drawn is said before the work begins
    about = f"{', '.join(names)} of studies of {source.formula}, alpha {alpha:g}, {sides}-sided"
    blocks, _ = run(_Carried(source, analyses, alpha, sides), replicates, seed, n_jobs, progress, _BLOCK, kind=_Block,
                    checkpoint=checkpoint, about=about)
    if not blocks:
        raise KeyboardInterrupt
    found = SimulatedPower(source.term, source.truth, names, np.concatenate([block.values for block in blocks]),
                           tuple(why for block in blocks for why in block.reasons), replicates, seed, alpha, sides,
                           formula_power, checkpoint)
    for k, name in enumerate(names):
        if not np.isfinite(found.values[:, k, 0]).any():
            why = next(iter(found.failures), "")
            raise DataError(f"None of {found.done} fits of analysis={name!r} worked. {why}".strip())
    return found


def _refuse(given: dict, known, why: str) -> None:
    """Refuse arguments of another kind of study."""
    for name, value in given.items():
        if value is not None and name not in known:
            raise DataError(f"{name}= cannot be given here; {why}.")


def _sizes(plan, sizes):
    """Sizes of groups, checked."""
    if sizes is None:
        return None
    if plan.design.names != ("groups", "n"):
        raise DataError("sizes= is for designs of two levels with groups of units.")
    sizes = [count("sizes", value) for value in sizes]
    if len(sizes) != plan.groups:
        raise DataError(f"sizes= has {len(sizes)} groups; the design has {plan.groups}.")
    return np.array(sizes)


def _of_formula(formula, effect, data, coefficients, covariance, sigma, family, term, cluster) -> Study:
    """The study of a formula and its truth."""
    from ..formula import parse

    if data is None:
        raise DataError("data= is needed: the table of the study without its outcome, or a function rng -> table.")
    one_of("family", family, FAMILIES)
    effect = {} if effect is None else effect
    if not isinstance(effect, dict):
        raise DataError(f"effect={effect!r} must name the coefficient: {{'x': {effect!r}}}.")
    term = next(iter(effect), None) if term is None else term
    if term is None:
        raise DataError("effect= (or term=) must name the coefficient that is tested: effect={'x': 0.3}.")
    parsed = parse(formula)
    if parsed.response is None:
        raise FormulaError(f"{formula!r} has no outcome: write 'y ~ ...'.")
    if cluster is None and parsed.random:
        cluster = parsed.random[0].group[0].label
    return Study(formula=formula, layout=data if callable(data) else _Table(data),
                 coefficients={**coefficients, **effect},
                 covariance=covariance, sigma=sigma, family=family, term=term, groups=cluster)


@dataclass(frozen=True)
class _Table:
    """The same table in every replicate."""

    data: Any

    def __call__(self, rng):
        return {name: np.asarray(self.data[name]) for name in Table(self.data).names}


@dataclass(frozen=True)
class _Block:
    """Results of some replicates; `failed` is counted by the progress bar."""

    values: np.ndarray
    reasons: list

    @property
    def failed(self):
        return self.values


@dataclass(frozen=True)
class _Carried:
    """``(seed, size) -> _Block``: what joblib sends to a worker."""

    source: Any
    analyses: tuple
    alpha: float
    sides: int

    def __call__(self, seed, size: int) -> _Block:
        values, reasons = np.full((size, len(self.analyses), len(COLUMNS)), np.nan), []
        own = [analysis_of(name)[1] for name in self.analyses]
        for r, stream in enumerate(seed.spawn(size)):
            data = self.source.draw(np.random.default_rng(stream))
            for k, analysis in enumerate(own):
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        values[r, k] = judged(analysis(self.source, data), self.source.truth, self.alpha, self.sides)
                    if not np.isfinite(values[r, k, :2]).all():
                        raise DataError("The standard error is not a number.")
                except (DataError, FormulaError, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                    values[r, k] = np.nan
                    reasons.append(str(error).split(". ")[0].rstrip(".") + ".")
        return _Block(values, reasons)
