"""Three levels: units in groups in clusters, with the treatment at any of them.

Chapter 21 (``21_planning``).

References
----------
Heo, M., & Leon, A. C. (2008). Statistical power and sample size requirements for three level hierarchical cluster
randomized trials. Biometrics, 64, 1256-1262.
Konstantopoulos, S. (2008). The power of the test for treatment effects in three-level cluster randomized designs /
block randomized designs. Journal of Research on Educational Effectiveness, 1, 66-88, 265-288.
Dong, N., & Maynard, R. (2013). PowerUp! Journal of Research on Educational Effectiveness, 6, 24-67.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import DataError
from .arguments import count, number, one_of, unit_share
from .design import Design, common
from .layout import arms
from .outcome import outcome_of
from .result import PowerResult
from .solve import solved

__all__ = ["ThreeLevel", "three_level"]

_TITLES = {1: "Units assigned within groups", 2: "Groups assigned within clusters", 3: "Whole clusters assigned"}
_ARMS = {1: ("n",), 2: ("groups",), 3: ("clusters",)}


@dataclass(frozen=True, kw_only=True)
class ThreeLevel(Design):
    """See `three_level`."""

    at: int
    icc_cluster: float
    icc_group: float
    effect_sd_cluster: float = 0.0
    effect_sd_group: float = 0.0
    effects: str = "random"
    r2_cluster: float = 0.0
    r2_group: float = 0.0
    r2_unit: float = 0.0
    covariates: int = 0

    names = ("clusters", "groups", "n")
    words = {"clusters": "clusters", "groups": "groups a cluster", "n": "units a group"}

    @property
    def title(self):
        return f"{_TITLES[self.at]}, three levels"

    @property
    def in_arms(self):
        return _ARMS[self.at]

    @property
    def least(self):
        return {1: {"n": 2}, 2: {"groups": 2}, 3: {}}[self.at]

    def parts(self, effect, sizes):
        K, J, n = (sizes[name] for name in self.names)
        clusters = self.effect_sd_cluster ** 2 / K if self.at < 3 and self.effects == "random" else 0.0
        groups, units = self.effect_sd_group ** 2 / (K * J) if self.at == 1 else 0.0, 0.0
        for arm, share in zip(self.outcome.arms(effect, self.icc_cluster, self.icc_group),
                              (1.0 - self.share, self.share)):
            top, middle = arm.between
            if self.at == 3:
                clusters += top * (1.0 - self.r2_cluster) / (share * K)
            if self.at >= 2:
                groups += middle * (1.0 - self.r2_group) / (share * K * J)
            units += arm.within * (1.0 - self.r2_unit) / (share * K * J * n)
        name = "between clusters" if self.at == 3 else "effects between clusters"
        return {name: clusters, "between groups" if self.at > 1 else "effects between groups": groups,
                "within groups": units}

    def degrees(self, sizes):
        K, J = sizes["clusters"], sizes["groups"]
        if self.at == 3:
            return K - 2 - self.covariates
        if self.effects == "random":
            return K - 1 - self.covariates
        return K * (J - (2 if self.at == 2 else 1)) - self.covariates

    def study(self, effect, sizes, given=None):
        from .study import Study

        if self.outcome.scale == "difference":
            raise DataError("A binary outcome of three levels is drawn on the log-odds scale: say scale='log-odds'.")
        if self.r2_cluster or self.r2_group or self.r2_unit or self.covariates:
            raise DataError("Covariates of this design are not drawn: give simulate a formula and its coefficients.")
        arm, p = self.outcome.arms(effect, self.icc_cluster, self.icc_group)[0], self.outcome.control
        random, covariance = [], {}
        for group, between, sd in (("cluster", arm.between[0], self.effect_sd_cluster),
                                   ("cluster:group", arm.between[1], self.effect_sd_group)):
            random.append(f"(1 + treatment || {group})" if sd else f"(1 | {group})")
            covariance[group] = [between, sd ** 2] if sd else between
        return Study(formula=f"y ~ treatment + {' + '.join(random)}", layout=partial(self._layout, sizes),
                     coefficients={"Intercept": math.log(p / (1.0 - p)) if p else 0.0, "treatment": effect},
                     covariance=covariance,
                     sigma=1.0 if p else math.sqrt(arm.within), family="binomial" if p else "gaussian",
                     term="treatment", groups="cluster")

    def _layout(self, sizes, rng):
        K, J, n = (int(sizes[name]) for name in self.names)
        if self.at == 3:
            treated = np.repeat(arms(K, self.share, rng), J * n)
        elif self.at == 2:
            treated = np.repeat(np.concatenate([arms(J, self.share, rng) for _ in range(K)]), n)
        else:
            treated = np.concatenate([arms(n, self.share, rng) for _ in range(K * J)])
        return {"cluster": np.repeat(np.arange(1, K + 1), J * n), "group": np.repeat(np.arange(1, K * J + 1), n),
                "treatment": treated - (0.0 if self.outcome.binary else self.share)}

    @property
    def formula(self):
        PQ = "share (1 - share)"
        units = "(1 - icc_cluster - icc_group)(1 - r2_unit)"
        if self.at == 3:
            return ("Variance of the effect: [icc_cluster (1 - r2_cluster) + icc_group (1 - r2_group)/groups + "
                    f"{units}/(groups n)] / "
                    f"({PQ} clusters); t with clusters - 2 - covariates df.")
        top = "" if self.effects == "fixed" else "effect_sd_cluster^2 + "
        inner = (f"[icc_group (1 - r2_group) + {units}/n] / ({PQ} groups)" if self.at == 2 else
                 f"effect_sd_group^2/groups + {units} / ({PQ} groups n)")
        df = "clusters - 1" if self.effects == "random" else f"clusters (groups - {2 if self.at == 2 else 1})"
        return f"Variance of the effect: [{top}{inner}] / clusters; t with {df} - covariates df."

    @property
    def source(self):
        model = {3: "CRA3_3r", 2: "BCRA3_2f" if self.effects == "fixed" else "BCRA3_2r", 1: "BIRA3_1r"}[self.at]
        return f"Heo and Leon (2008); Konstantopoulos (2008); Dong and Maynard (2013), {model}."

    @property
    def notes(self):
        binary = [f"Outcome binary: variances of each arm, {self.outcome.unit}; the icc's are those of "
                  f"{self.outcome.icc_scale}."]
        fixed = ["The result is for these clusters alone: their effects are held fixed."]
        return (binary if self.outcome.binary else []) + (fixed if self.effects == "fixed" else [])


def three_level(effect=None, *, icc_cluster, icc_group, at=3, clusters=None, groups=None, n=None, power=None,
                effect_sd_cluster=0.0,
                effect_sd_group=0.0, effects="random", alpha=0.05, sides=2, share=0.5, r2_cluster=0.0, r2_group=0.0,
                r2_unit=0.0,
                covariates=None, outcome="continuous", control=None, scale=None, df=None) -> PowerResult:
    """Power with units in groups in clusters (students in classes in schools), treatment at any level.

    Leave out one of effect, clusters, groups, n and power: it is solved for.

    Parameters
    ----------
    effect, power, alpha, sides, outcome, control, scale
        As in `cluster_randomized`.
    icc_cluster, icc_group : float
        Shares of the variance of one arm that lie between clusters, and between groups within clusters.
    at : {3, 2, 1}
        What is assigned: whole clusters; groups within each cluster; units within each group.
    clusters, groups, n : int, float, optional
        Clusters; groups **a cluster**; units a group.
    effect_sd_cluster, effect_sd_group : float
        Standard deviations of the effect between clusters (treatment at 2 or 1) and between groups within clusters (at
        1).
    effects : {"random", "fixed"}
        Of the clusters when the treatment is within them: a sample, or all there are.
    share : float
        Share treated, of what is assigned.
    r2_cluster, r2_group, r2_unit : float
        Shares of the variances of the levels that covariates explain.
    covariates : int, optional
        Covariates at the level of the degrees of freedom; 1 when left out and r2_cluster is above zero.
    df : float, optional
        In place of clusters - 2 - covariates (at 3), clusters - 1 - covariates (at 2 and 1); with fixed effects
        clusters (groups - 2) (at 2) and clusters (groups - 1) (at 1), less the covariates.

    Returns
    -------
    PowerResult

    Raises
    ------
    DataError
        As in `cluster_randomized`.

    References
    ----------
    Heo & Leon (2008); Konstantopoulos (2008); Dong & Maynard (2013). Chapter 21 (``21_planning``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sizes = dict(icc_cluster=0.1, icc_group=0.1, groups=4, n=20)
    >>> mlm.power.three_level(0.3, at=3, power=0.8, **sizes).clusters
    50
    >>> mlm.power.three_level(0.3, at=2, power=0.8, **sizes).clusters
    15
    >>> mlm.power.three_level(0.3, at=1, power=0.8, **sizes).clusters
    6
    """
    one_of("at", at, (1, 2, 3))
    found = outcome_of(outcome, control, scale)
    icc_cluster = unit_share("icc_cluster", icc_cluster, "It is the share of the variance that lies between clusters.")
    icc_group = unit_share("icc_group", icc_group,
                           "It is the share of the variance that lies between groups within clusters.")
    if icc_cluster + icc_group > 1.0:
        raise DataError(f"icc_cluster={icc_cluster:g} and icc_group={icc_group:g} sum to more than 1. Both are shares "
                        "of the whole variance.")
    found.check(None, icc_cluster, icc_group)
    one_of("effects", effects, ("random", "fixed"))
    above: dict[str, Any] = {name: number(name, value, least=0.0, mend="It is a standard deviation of the effect.")
             for name, value in (("effect_sd_cluster", effect_sd_cluster), ("effect_sd_group", effect_sd_group))}
    if at == 3 and any(above.values()) or at == 2 and above["effect_sd_group"]:
        name = next(name for name, value in reversed(above.items()) if value)
        raise DataError(f"{name}= is for a treatment below that level; with at={at} the effect cannot be seen to vary "
                        "there. Leave it out.")
    if effects == "fixed" and (at == 3 or above["effect_sd_cluster"]):
        raise DataError("effects='fixed' is for a treatment within clusters, whose effects are then all there are: "
                        "at=2 or at=1, "
                        "without effect_sd_cluster.")
    shares: dict[str, Any] = {name: unit_share(name, value) for name, value in (("r2_cluster", r2_cluster), ("r2_group", r2_group),
                                                                ("r2_unit", r2_unit))}
    covariates = int(at == 3 and r2_cluster > 0) if covariates is None else count("covariates", covariates, 0)
    design = ThreeLevel(at=at, icc_cluster=icc_cluster, icc_group=icc_group, effects=effects, covariates=covariates,
                        outcome=found,
                        **above, **shares, **common(alpha, sides, share, df))
    return solved(design, effect, power, {"clusters": clusters, "groups": groups, "n": n})
