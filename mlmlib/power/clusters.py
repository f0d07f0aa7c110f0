"""Whole groups are assigned to treatment: two levels.

Chapter 21 (``21_planning``) derives the variance.

References
----------
Raudenbush, S. W. (1997). Statistical analysis and optimal design for cluster randomized trials. Psychological Methods,
2, 173-185.
Donner, A., & Klar, N. (2000). Design and Analysis of Cluster Randomization Trials in Health Research. Arnold.
Dong, N., & Maynard, R. (2013). PowerUp! Journal of Research on Educational Effectiveness, 6, 24-67.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import DataError
from .arguments import count, unit_share
from .design import Design, common
from .layout import arms, codes, drawn_sizes
from .outcome import outcome_of
from .result import PowerResult
from .solve import solved
from .unequal import SOURCES, inflated, unequal

__all__ = ["ClusterRandomized", "cluster_randomized"]


@dataclass(frozen=True, kw_only=True)
class ClusterRandomized(Design):
    """See `cluster_randomized`."""

    icc: float
    r2_group: float = 0.0
    r2_unit: float = 0.0
    covariates: int = 0
    cv: float = 0.0
    weights: str = "precision"

    title = "Cluster-randomized design, two levels"
    in_arms = ("groups",)

    def parts(self, effect, sizes):
        groups, n = sizes["groups"], sizes["n"]
        found = {"between groups": 0.0, "within groups": 0.0, "unequal sizes": 0.0}
        for arm, share in zip(self.outcome.arms(effect, self.icc), (1.0 - self.share, self.share)):
            a, b = arm.between[0] * (1.0 - self.r2_group), arm.within * (1.0 - self.r2_unit)
            found["between groups"] += a / (share * groups)
            found["within groups"] += b / (n * share * groups)
            found["unequal sizes"] += (inflated(a, b, n, self.cv, self.weights) - (a + b / n)) / (share * groups)
        return found if self.cv else {level: found[level] for level in ("between groups", "within groups")}

    def degrees(self, sizes):
        return sizes["groups"] - 2 - self.covariates

    def study(self, effect, sizes, given=None):
        from .study import Study

        arm = self.outcome.arms(effect, self.icc)[0]
        a, b = arm.between[0], arm.within
        if self.outcome.binary and (self.r2_group or self.r2_unit):
            raise DataError("Covariates of a binary outcome have no one truth to draw from: give simulate a formula "
                            "and its coefficients.")
        extra = {"z": math.sqrt(a * self.r2_group), "x": math.sqrt(b * self.r2_unit)}
        extra = {name: value for name, value in extra.items() if value}
        extra.update({f"z{k}": 0.0 for k in range(2, self.covariates + 1)})
        shared: dict[str, Any] = {"formula": " + ".join(["y ~ treatment", *extra, "(1 | group)"]),
                  "layout": partial(self._layout, sizes, given, tuple(extra)),
                  "term": "treatment", "groups": "group"}
        if self.outcome.scale == "difference":
            return Study(coefficients={"treatment": effect}, covariance={"group": 0.0},
                         outcome=partial(self._zeros_and_ones, effect), **shared)
        if self.outcome.binary:
            p = self.outcome.control
            return Study(coefficients={"Intercept": math.log(p / (1.0 - p)), "treatment": effect},
                         covariance={"group": a},
                         family="binomial", **shared)
        return Study(coefficients={"treatment": effect, **extra}, covariance={"group": a * (1.0 - self.r2_group)},
                     sigma=math.sqrt(b * (1.0 - self.r2_unit)), **shared)

    def _layout(self, sizes, given, extra, rng):
        groups = sizes["groups"]
        group = codes(drawn_sizes(groups, sizes["n"], self.cv, rng, given))
        table = {"group": group, "treatment": arms(groups, self.share, rng)[group - 1]}
        for name in extra:
            values = rng.standard_normal(len(group) if name == "x" else groups)
            table[name] = values if name == "x" else values[group - 1]
        return table

    def _zeros_and_ones(self, effect, rng, table):
        """Beta-binomial: the proportions of the groups have the variance icc p (1 - p)."""
        first = np.unique(table["group"], return_index=True)[1]
        p = np.where(table["treatment"][first] == 1.0, self.outcome.control + effect, self.outcome.control)
        if self.icc == 1.0:
            own = (rng.random(len(p)) < p).astype(float)
        elif self.icc > 0.0:
            size = 1.0 / self.icc - 1.0
            own = rng.beta(p * size, (1.0 - p) * size)
        else:
            own = p
        return (rng.random(len(table["group"])) < own[table["group"] - 1]).astype(float)

    @property
    def formula(self):
        if self.outcome.scale == "log-odds":
            return ("Variance of the effect: [tau^2 + 1/(n p0 (1 - p0))] / ((1 - share) groups) + [tau^2 + 1/(n p1 (1 "
                    "- p1))] / (share groups), "
                    "tau^2 = icc/(1 - icc) pi^2/3; t with groups - 2 - covariates df.")
        if self.outcome.binary:
            return ("Variance of the effect: [icc + (1 - icc)/n] times [p0 (1 - p0) / (1 - share) + p1 (1 - p1) / "
                    "share] / groups; "
                    "t with groups - 2 - covariates df.")
        return ("Variance of the effect: [icc (1 - r2_group) + (1 - icc)(1 - r2_unit)/n] / (share (1 - share) groups); "
                "t with groups - 2 - covariates df.")

    @property
    def source(self):
        if self.outcome.scale == "log-odds":
            return ("Moerbeek, Van Breukelen and Berger (2001); Spybrook et al. (2011); the icc is that of the latent "
                    "logistic scale.")
        if self.outcome.binary:
            return "Donner and Klar (2000); the icc is that of the zeros and ones."
        return "Raudenbush (1997); with covariates Dong and Maynard (2013), model 3.1."

    @property
    def notes(self):
        return [SOURCES[self.weights]] if self.cv else []


def cluster_randomized(effect=None, *, icc, groups=None, n=None, power=None, alpha=0.05, sides=2, share=0.5,
                       r2_group=0.0,
                       r2_unit=0.0, covariates=None, cv=0.0, weights="precision", outcome="continuous", control=None,
                       scale=None,
                       df=None) -> PowerResult:
    """Power when whole groups are assigned to treatment.

    Leave out one of effect, groups, n and power: it is solved for.

    Parameters
    ----------
    effect : float, optional
        In standard deviations of one arm; of a binary outcome a difference of proportions or a log odds ratio
        (`scale`).
    icc : float
        Intraclass correlation in one arm, without covariates.
    groups, n : int, float, optional
        Groups in both arms together; units a group (their mean, when sizes differ).
    power : float, optional
    alpha, sides : float, {1, 2}
        Level of the test; one-sided tests look in the direction of the effect.
    share : float
        Share of the groups that are treated.
    r2_group, r2_unit : float
        Shares of the variance between and within groups that covariates explain.
    covariates : int, optional
        Group-level covariates, a degree of freedom each; 1 when left out and r2_group is above zero.
    cv : float
        Coefficient of variation of the group sizes: standard deviation over mean.
    weights : {"precision", "size"}
        How the analysis weights groups of unequal size: a mixed model and GEE with exchangeable correlations by
        precision; units that count alike (OLS with robust errors) by size.
    outcome : {"continuous", "binary"}
    control : float, optional
        Proportion in the control arm; on the log-odds scale, in a typical group.
    scale : {"difference", "log-odds"}, optional
        Of a binary outcome: the scale of the effect **and of the icc**.  "difference": both are those of the zeros and
        ones. "log-odds": the effect is a log odds ratio within a group, the icc that of the latent logistic scale.
    df : float, optional
        Degrees of freedom in place of ``groups - 2 - covariates``; ``float("inf")`` for a z test.

    Returns
    -------
    PowerResult

    Raises
    ------
    DataError
        When an argument is out of its range, when not exactly one is left out, when a power cannot be reached.

    References
    ----------
    Raudenbush (1997); Donner & Klar (2000); Dong & Maynard (2013); Van Breukelen, Candel & Berger (2007); Eldridge,
    Ashby & Kerry (2006). Chapter 21 (``21_planning``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> plan = mlm.power.cluster_randomized(0.3, icc=0.15, n=20, power=0.8)
    >>> plan.groups, round(plan.power, 3), round(plan.design_effect, 2)
    (70, 0.805, 3.85)
    >>> mlm.power.cluster_randomized(0.3, icc=0.15, n=20, power=0.8, r2_group=0.6, r2_unit=0.4).groups
    32
    """
    found = outcome_of(outcome, control, scale)
    icc = unit_share("icc", icc, "It is the share of the variance that lies between groups.")
    found.check(None, icc)
    r2_group = unit_share("r2_group", r2_group,
                          "It is the share of the variance between groups that covariates explain.")
    r2_unit = unit_share("r2_unit", r2_unit, "It is the share of the variance within groups that covariates explain.")
    cv, weights = unequal(cv, weights)
    covariates = int(r2_group > 0) if covariates is None else count("covariates", covariates, 0,
                                                                    "It is the number of group-level covariates.")
    design = ClusterRandomized(icc=icc, r2_group=r2_group, r2_unit=r2_unit, covariates=covariates, cv=cv,
                               weights=weights,
                               outcome=found, **common(alpha, sides, share, df))
    return solved(design, effect, power, {"groups": groups, "n": n})
