"""One block of replicates of the study of inference (`inference_study.py`): trials drawn and analyzed by every method.

Half of the groups are treated, x is a predictor within groups (its group means are zero), and the model is
``y ~ treated + x + (1 | group)``. The outcome has variance 1, an ICC of 0.15 and true effects of zero; all methods give
the same coverage and error rates for any other effects, because adding c times a column to y adds c to its estimate and
to both ends of its interval. A block's numbers depend on the scenario and the number of the block alone, and the first
replicates of a block do not depend on how many are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

import mlmlib as mlm
from mlmlib.inference.likelihood_ratio import mixture_pvalue
from mlmlib.inference.parameters import Parameters
from mlmlib.inference.profile import profile, profile_intervals
from mlmlib.inference.profile_parameters import at_estimate, parameter, starts_of
from mlmlib.inference.profile_track import Track
from mlmlib.inference.resample import outcomes
from mlmlib.inference.small_sample import linear
from mlmlib.lmm.batch import BatchCriterion
from mlmlib.lmm.batch_fit import fit_replicates
from mlmlib.results import normal_quantile

SEED, ICC = 2026, 0.15
TRUE_SD = float(np.sqrt(ICC))
EFFECTS, SD = ("treated", "x"), "sd(group: Intercept)"
DDF = {"Satterthwaite": "satterthwaite", "Kenward-Roger": "kenward-roger"}


@dataclass(frozen=True)
class Scenario:
    """A design: its number in the table, number of groups, their sizes, the distribution of both random parts."""

    number: int
    groups: int
    sizes: str
    distribution: str


@dataclass(frozen=True)
class Counts:
    """How much one block holds.

    Attributes
    ----------
    cheap : int
        Replicates analyzed by every method without resampling.
    resampled : int
        The first of these, bootstrapped too.
    ends : int
        The first of these, whose profile intervals are found (a test at the truth tells whether an interval covers).
    null : int
        Replicates without variance between groups.
    draws : int
        Samples of each bootstrap.
    """

    cheap: int = 250
    resampled: int = 50
    ends: int = 25
    null: int = 1000
    draws: int = 199


SCENARIOS = [Scenario(k + 1, *design) for k, design in enumerate(
    product((6, 10, 20, 30, 50, 100), ("balanced", "unequal"), ("normal", "skewed")))]


def group_sizes(groups: int, kind: str) -> np.ndarray:
    """Twenty each, or from 5 to 60 with a mean of about 20, the same ones in both arms."""
    if kind == "balanced":
        return np.full(groups, 20)
    place = (np.arange(groups // 2) + 0.5) / (groups // 2)
    return np.repeat(np.round(5 + 55 * place ** (8 / 3)).astype(int), 2)


class Trial:
    """A scenario's columns and fits to draw on: REML, ML, and ML without each effect."""

    def __init__(self, scenario: Scenario):
        rng = np.random.default_rng([SEED, scenario.number])
        self.scenario, self.groups = scenario, scenario.groups
        sizes = group_sizes(scenario.groups, scenario.sizes)
        self.group = np.repeat(np.arange(scenario.groups), sizes)
        x = rng.standard_normal(sizes.sum())
        x -= (np.bincount(self.group, x) / sizes)[self.group]
        table = {"group": self.group, "treated": self.group % 2, "x": x, "y": self.outcome(rng)}
        self.reml = mlm.lmm("y ~ treated + x + (1 | group)", table)
        self.ml = self.reml.refit(reml=False)
        self.without = {"treated": mlm.lmm("y ~ x + (1 | group)", table, reml=False),
                        "x": mlm.lmm("y ~ treated + (1 | group)", table, reml=False)}

    def standard(self, rng, count: int) -> np.ndarray:
        """Numbers with mean 0 and variance 1: normal, or an exponential's less 1 (standardized chi2(2), skewness 2)."""
        normal = self.scenario.distribution == "normal"
        return rng.standard_normal(count) if normal else rng.exponential(size=count) - 1.0

    def outcome(self, rng, icc: float = ICC) -> np.ndarray:
        u, e = self.standard(rng, self.groups), self.standard(rng, len(self.group))
        return np.sqrt(icc) * u[self.group] + np.sqrt(1.0 - icc) * e


def block(scenario: Scenario, number: int, counts: Counts = Counts()) -> dict[str, np.ndarray]:
    """The results of a block, one row a replicate.

    Returns
    -------
    dict
        ``"interval|parameter|method"``: lower and upper ends, shape (r, 2), NaN where there is none;
        ``"p|parameter|method"``: p-values of the true value, shape (r,); ``"estimate"``, shape (r, 3).
    """
    trial = Trial(scenario)
    seeds = np.random.SeedSequence([SEED, scenario.number, number]).spawn(3)
    rng = np.random.default_rng(seeds[0])
    Y = np.array([trial.outcome(rng) for _ in range(counts.cheap)])
    found = _cheap(trial, Y)
    found |= _ends(found, Y[:counts.ends], trial)
    found |= _resampled(trial, Y[:counts.resampled], seeds[1], counts.draws)
    rng = np.random.default_rng(seeds[2])
    return found | _no_variance(trial, [trial.outcome(rng, icc=0.0) for _ in range(counts.null)])


def _cheap(trial: Trial, Y: np.ndarray) -> dict[str, np.ndarray]:
    """Every method that asks the fit and its likelihood alone."""
    found, z, C = {}, normal_quantile(0.95), np.eye(3)[1:]

    def note(key, value):
        found.setdefault(key, []).append(value)

    for y in Y:
        reml, ml = trial.reml.refit(y), trial.ml.refit(y)
        note("estimate", [*reml._params[1:], Parameters(reml).values()[3]])
        note("llf", ml.llf)
        for method, fit in (("z (REML)", reml), ("z (ML)", ml)):
            for name, b, se in zip(EFFECTS, fit._params[1:], fit._se[1:]):
                note(f"interval|{name}|{method}", (b - z * se, b + z * se))
        for method, ddf in DDF.items():
            for name, b, se, df in zip(EFFECTS, *linear(reml, C, ddf)):
                half = _t_quantile(df) * se
                note(f"interval|{name}|{method}", (b - half, b + half))
        log_se = np.sqrt(Parameters(reml).covariance()[3, 3])
        note("interval|sd|Wald (log scale)", found["estimate"][-1][2] * np.exp([-z * log_se, z * log_se]))
        note("p|sd|profile (ML)", _sd_p(ml))
        note("p|sd|profile (REML)", _sd_p(reml))
    found = {key: np.array(rows) for key, rows in found.items()}
    llf = found.pop("llf")
    for name, fit in trial.without.items():
        null = fit_replicates(fit.model, outcomes(fit.model, Y)).value
        found[f"p|{name}|LR test"] = _chi2_p(2.0 * llf + null)
    return found


def _t_quantile(df: float) -> float:
    from scipy.special import stdtrit
    return float(stdtrit(df, 0.975)) if np.isfinite(df) and df > 0 else np.nan


def _chi2_p(statistic):
    from scipy.special import chdtrc
    return chdtrc(1, np.maximum(statistic, 0.0))


def _sd_p(fit) -> float:
    """The likelihood-ratio test of the true SD between groups, by the criterion of the fit."""
    zeta = Track(parameter(fit, SD), at_estimate(fit), starts_of(fit)).zeta(TRUE_SD)
    return float(_chi2_p(zeta ** 2))


def _ends(found: dict, Y: np.ndarray, trial: Trial) -> dict[str, np.ndarray]:
    """Profile intervals; that they cover where the test at the truth does not reject is checked on the way."""
    ends = {f"{name}|profile": [] for name in EFFECTS} | {f"sd|profile ({kind})": [] for kind in ("ML", "REML")}
    for y in Y:
        fit = trial.ml.refit(y)
        restricted = profile(fit, SD, reml=True, progress=False).conf_int().iloc[0]
        for rows, pair in zip(ends.values(), [*profile_intervals(fit, [*EFFECTS, SD], 0.95), restricted]):
            rows.append(np.asarray(pair))
    for key, rows in ends.items():
        test = key.replace("profile", "LR test") if key.endswith("profile") else key
        covers, p = covered(np.reshape(rows, (-1, 2)), key), found[f"p|{test}"][:len(rows)]
        if (covers != (p > 0.05))[np.abs(p - 0.05) > 1e-6].any():
            raise RuntimeError(f"{test} and the profile interval disagree in {trial.scenario}.")
    return {f"interval|{key}": np.reshape(rows, (-1, 2)) for key, rows in ends.items()}


def covered(ends: np.ndarray, parameter: str) -> np.ndarray:
    """Which intervals hold the true value; one that is missing does not."""
    truth = TRUE_SD if parameter.startswith("sd") else 0.0
    return (ends[:, 0] <= truth) & (truth <= ends[:, 1])


def _resampled(trial: Trial, Y: np.ndarray, seed, draws: int) -> dict[str, np.ndarray]:
    """Percentile intervals and the bootstrap likelihood-ratio test of the treatment."""
    ends, p = [], []
    for y, own in zip(Y, np.random.default_rng(seed).integers(2 ** 31, size=(len(Y), 2)).tolist()):
        boot = trial.reml.refit(y).bootstrap(draws, seed=own[0], progress=False)
        ends.append(boot.conf_int(0.95, "percentile").loc[[*EFFECTS, SD]].to_numpy())
        pair = trial.without["treated"].refit(y), trial.ml.refit(y)
        p.append(mlm.compare(*pair, method="bootstrap", n=draws, seed=own[1], progress=False).pvalue)
    ends = np.array(ends).reshape(-1, 3, 2)
    found = {f"interval|{name}|bootstrap percentile": ends[:, k] for k, name in enumerate((*EFFECTS, "sd"))}
    return found | {"p|treated|bootstrap LR test": np.array(p)}


def _no_variance(trial: Trial, Y: list) -> dict[str, np.ndarray]:
    """Three p-values of the restricted likelihood ratio of the variance between groups, where there is none."""
    model, R = trial.reml.model, len(Y)
    exact = np.sort(mlm.exact_rlrt(trial.reml, seed=trial.scenario.number).draws)
    data = outcomes(model, np.array(Y))
    without = BatchCriterion(model.criterion).settle(data, np.zeros((R, 1, 1))).value
    statistic = np.maximum(without - fit_replicates(model, data).value, 0.0)
    statistic[statistic < 1e-7] = 0.0
    beyond = len(exact) - np.searchsorted(exact, statistic - 1e-9)
    return {"p|variance|chi2(1)": _chi2_p(statistic),
            "p|variance|chibar2(01)": np.array([mixture_pvalue(value, {0: 0.5, 1: 0.5}) for value in statistic]),
            "p|variance|exact RLRT": np.where(statistic > 0, (1 + beyond) / (1 + len(exact)), 1.0)}
