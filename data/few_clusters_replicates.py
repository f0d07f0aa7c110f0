"""One block of replicates of the study of few clusters (`few_clusters_study.py`): trials drawn, and analyzed by every method.

Clusters are treated or not, and x is drawn for each row. The outcome is continuous (variances 0.1 between and 0.9 within clusters)
or binary (logit model with a latent intraclass correlation of 0.1). Continuous outcomes are drawn without effects: adding c times
a column to y adds c to its estimate, so that power against an effect follows from the same fit. Binary ones are drawn twice, with
and without an effect of the treatment. A block's numbers depend on the scenario and the number of the block alone, and the first
replicates of a block do not depend on how many are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

import mlmlib as mlm
from mlmlib.inference.small_sample import linear

SEED, SIZE, ICC, ROWS_VARIANCE = 2026, 20, 0.1, 0.9
COEFFICIENTS = ("treated", "x")
EFFECT = {"treated": 0.4, "x": 0.1}  # of continuous outcomes, against which power is measured
LOGIT, LOGIT_EFFECT = float(np.log(0.3 / 0.7)), 0.8
LOGIT_VARIANCE = float(ICC / (1.0 - ICC) * np.pi ** 2 / 3.0)
DRAWS = 399  # of a wild bootstrap, of 8 clusters all 256
CONTINUOUS = ("OLS", "CR0 z", "CR1 t", "CR2", "GEE z", "GEE MD t", "mixed z", "mixed Satterthwaite", "mixed KR")
BINARY = ("GLM", "CR0 z", "CR1 t", "CR2", "GEE z", "GEE MD t", "mixed z", "mixed t")
AT = [1, 2]  # where treated and x are among the coefficients


@dataclass(frozen=True)
class Scenario:
    """A design: its number, the outcome, what clusters are like, how many there are."""

    number: int
    outcome: str
    design: str
    clusters: int

    @property
    def replicates(self) -> int:
        """In a block."""
        return 100 if self.outcome == "continuous" else 50

    @property
    def methods(self) -> tuple:
        """Those that give a standard error."""
        return CONTINUOUS if self.outcome == "continuous" else BINARY


KINDS = (("continuous", "equal"), ("continuous", "unequal"), ("continuous", "unlike"), ("binary", "equal"))
SCENARIOS = [Scenario(k, *kind, J) for k, (kind, J) in enumerate(product(KINDS, (8, 20, 50, 200)), start=1)]


def cluster_sizes(scenario: Scenario) -> np.ndarray:
    """Twenty each; unequal: from 2 up, the quantiles of a skewed distribution, with a mean of about 20."""
    J = scenario.clusters
    if scenario.design != "unequal":
        return np.full(J, SIZE)
    skewed = (-np.log1p(-(np.arange(J) + 0.5) / J)) ** 1.2
    return np.maximum(np.round(SIZE * skewed / skewed.mean()), 2).astype(int)


def draw(scenario: Scenario, rng) -> dict[str, np.ndarray]:
    """One data set: columns treated, x, y, cluster; of binary outcomes also `again`, the outcome with an effect."""
    J = scenario.clusters
    sizes = rng.permutation(cluster_sizes(scenario))
    cluster = np.repeat(np.arange(J), sizes)
    arm = rng.permutation(np.arange(J) < (J // 4 if scenario.design == "unlike" else J // 2)).astype(float)
    x, u = rng.standard_normal(len(cluster)), rng.standard_normal(J)
    data = {"cluster": cluster, "treated": arm[cluster], "x": x}
    if scenario.outcome == "binary":
        eta, chance = LOGIT + np.sqrt(LOGIT_VARIANCE) * u[cluster], rng.random(len(cluster))
        low, high = ((chance < 1.0 / (1.0 + np.exp(-eta - shift * data["treated"]))) for shift in (0.0, LOGIT_EFFECT))
        return data | {"y": low.astype(float), "again": high.astype(float)}
    y = np.sqrt(ROWS_VARIANCE) * rng.standard_normal(len(cluster))
    if scenario.design == "unlike":
        u = np.where(arm == 1.0, 2.0, 1.0) * u
        y = y + (0.3 * rng.standard_normal(J))[cluster] * x
    return data | {"y": y + np.sqrt(ICC) * u[cluster]}


def gee_exchangeable(y, X, cluster, binary: bool) -> tuple:
    """Coefficients of GEE with exchangeable correlation (geepack's moments), robust and Mancl-DeRouen covariance.

    The same numbers as ``mlm.gee(..., corr="exchangeable")``, which a test checks, in a hundredth of the time: the inverse of an
    exchangeable correlation needs sums over clusters only.  Where they do not settle, or settle at what is no correlation matrix,
    there is no result; `mlm.gee` then refuses, or says so in a message.
    """
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    sizes = np.diff(np.append(starts, len(y))).astype(float)
    pairs = (sizes * (sizes - 1.0)).sum()
    b, a = np.zeros(X.shape[1]), 0.0
    for step in range(200):
        eta = X @ b
        mean = 1.0 / (1.0 + np.exp(-eta)) if binary else eta
        root = np.sqrt(mean * (1.0 - mean)) if binary else np.ones(len(y))
        r, A = (y - mean) / root, X * root[:, None]
        sums, R = np.add.reduceat(A, starts), np.add.reduceat(r, starts)
        if step > (8 if binary else 0):  # independent rows first
            a = float((R @ R - r @ r) / (r @ r / len(y) * pairs))
        c = a / (1.0 + (sizes - 1.0) * a)
        B = (A.T @ A - (sums * c[:, None]).T @ sums) / (1.0 - a)
        scores = (np.add.reduceat(A * r[:, None], starts) - (c * R)[:, None] * sums) / (1.0 - a)
        move = np.linalg.solve(B, scores.sum(axis=0))
        b = b + move
        if step > 9 and np.abs(move).max() < 1e-11:
            break
    else:
        raise mlm.DataError("the estimating equations are not solved")
    if not -1.0 / (sizes.max() - 1.0) + 1e-10 < a < 1.0:
        raise mlm.DataError("the working correlation is not positive definite")
    own = np.add.reduceat(A[:, :, None] * A[:, None, :], starts)
    own = (own - c[:, None, None] * sums[:, :, None] * sums[:, None, :]) / (1.0 - a)
    M = np.linalg.inv(B)
    plain = scores @ M
    more = np.linalg.solve(np.eye(len(b)) - own @ M, scores[:, :, None])[:, :, 0] @ M
    return b, plain.T @ plain, more.T @ more


def analyze(scenario: Scenario, data: dict, outcome: str = "y") -> np.ndarray:
    """Every method that gives a standard error.

    Returns
    -------
    ndarray, shape (methods, 2, 3)
        In the order of the scenario's methods, of treated and x: estimate, standard error, degrees of freedom (infinite for z);
        NaN where a method failed.
    """
    binary, J, found = scenario.outcome == "binary", scenario.clusters, {}
    fixed, mixed = f"{outcome} ~ treated + x", f"{outcome} ~ treated + x + (1 | cluster)"
    marginal = mlm.glmm(fixed, data, family="binomial") if binary else mlm.ols(fixed, data)
    found[scenario.methods[0]] = _cells(marginal._params, marginal._cov, np.inf if binary else len(data["x"]) - 3.0)
    plain = mlm.robust(marginal, data["cluster"], kind="CR0", ddf="normal")
    found["CR0 z"] = _cells(marginal._params, plain._cov, np.inf)
    found["CR1 t"] = _cells(marginal._params, plain._cov * J / (J - 1.0), J - 1.0)
    table = mlm.robust(marginal, data["cluster"], kind="CR2").coef_table()
    found["CR2"] = table[["estimate", "se", "df"]].to_numpy()[AT]
    try:
        X = np.column_stack([np.ones(len(data["x"])), data["treated"], data["x"]])
        b, robust, corrected = gee_exchangeable(data[outcome], X, data["cluster"], binary)
        found["GEE z"], found["GEE MD t"] = _cells(b, robust, np.inf), _cells(b, corrected, J - 3.0)
    except (mlm.DataError, np.linalg.LinAlgError):
        found["GEE z"] = found["GEE MD t"] = np.full((2, 3), np.nan)
    if binary:
        fit = mlm.glmm(mixed, data, family="binomial")
        found["mixed z"], found["mixed t"] = (_cells(fit._params, fit._cov, df) for df in (np.inf, J - 2.0))
    else:
        fit = mlm.lmm(mixed, data)
        found["mixed z"] = _cells(fit._params, fit._cov, np.inf)
        for name, ddf in (("mixed Satterthwaite", "satterthwaite"), ("mixed KR", "kenward-roger")):
            found[name] = np.column_stack(linear(fit, np.eye(3)[AT], ddf)[:3])
    if not fit.converged:
        found |= {name: np.full((2, 3), np.nan) for name in found if name.startswith("mixed")}
    return np.array([found[method] for method in scenario.methods])


def _cells(b, cov, df: float) -> np.ndarray:
    """Estimate, standard error and degrees of freedom of treated and x."""
    return np.column_stack([b[AT], np.sqrt(np.diagonal(cov)[AT]), [df, df]])


def wild(data: dict, seed: int) -> np.ndarray:
    """p-values of the wild cluster bootstrap, of treated and x: of the truth, and of zero when there is an effect."""
    fit, found = mlm.ols("y ~ treated + x", data), []
    for name in COEFFICIENTS:
        test = mlm.wild_bootstrap(fit, f"{name} = 0", data["cluster"], n=DRAWS, seed=seed)
        found.append((test.pvalue, test._ratio.pvalue(test.estimate + EFFECT[name])))
    return np.array(found)


def block(scenario: Scenario, number: int, count: int | None = None) -> dict[str, np.ndarray]:
    """The first `count` replicates of a block, all when left out.

    Returns
    -------
    dict
        ``"fits"``: shape (count, methods, 2, 3); of continuous outcomes ``"wild"``: (count, 2, 2); of binary outcomes ``"again"``:
        as fits, of the outcome with an effect.
    """
    rng = np.random.default_rng([SEED, scenario.number, number])
    found: dict[str, list] = {"fits": []}
    for k in range(scenario.replicates if count is None else count):
        data = draw(scenario, rng)
        found["fits"].append(analyze(scenario, data))
        if scenario.outcome == "binary":
            found.setdefault("again", []).append(analyze(scenario, data, "again"))
        else:
            found.setdefault("wild", []).append(wild(data, 1000 * number + k))
    return {key: np.array(rows) for key, rows in found.items()}
