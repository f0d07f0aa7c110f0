"""Random models on random data for `differential.py`: what is fitted, and how each program says it.

A model is drawn by its kind and seed alone: groups of one to three factors, nested and crossed, equal and very unequal sizes,
random slopes with and without correlations, true variances of zero and correlations of one, predictors of wild scales, nearly
collinear or constant in the groups; weights, offsets, trials. Outcomes come from the model's own family.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

SEED = 1010
SCALES = (1e-3, 1.0, 1.0, 1.0, 1e3)
FAMILIES = {  # family: links, each as often as it stands here
    "binomial": ("logit", "logit", "probit", "cloglog"), "trials": ("logit", "logit", "probit"), "poisson": ("log",),
    "nbinom2": ("log",), "gamma": ("log",), "beta": ("logit",), "ordinal": ("logit", "probit")}
OFTEN = ("binomial", "binomial", "trials", "trials", "poisson", "poisson", "nbinom2", "gamma", "beta", "ordinal")


@dataclass
class Term:
    """Effects that vary over one factor: names of numeric columns, "1" for the intercept."""

    group: str
    effects: tuple[str, ...]
    correlated: bool = True

    def text(self) -> str:
        inside = " + ".join(self.effects) if self.effects[0] == "1" else " + ".join(("0", *self.effects))
        return f"({inside} {'|' if self.correlated else '||'} {self.group})"


@dataclass
class Case:
    """A model and its table."""

    kind: str
    seed: int
    table: pd.DataFrame
    fixed: list[str]
    terms: list[Term]
    family: str = "gaussian"
    link: str = "identity"
    reml: bool = False
    weights: bool = False
    offset: bool = False
    traits: list[str] = field(default_factory=list)

    @property
    def formula(self) -> str:
        return " + ".join([f"y ~ {' + '.join(self.fixed) or '1'}", *(term.text() for term in self.terms)])

    def said(self) -> str:
        """The model on one line."""
        linear = self.kind == "linear"
        how = [("REML" if self.reml else "ML") if linear else f"{self.family} {self.link}"]
        return ", ".join([self.formula, *how, *["weights"] * self.weights, *["offset"] * self.offset, *self.traits])

    def columns(self) -> np.ndarray:
        """The fixed effects' columns, made without the library: intercept, then each term."""
        t, made = self.table, [np.ones(len(self.table))]
        for name in self.fixed:
            if name == "f":
                made += [(t["f"] == level).to_numpy(float) for level in sorted(t["f"].unique())[1:]]
            else:
                made.append(np.prod([t[part].to_numpy(float) for part in name.split(":")], axis=0))
        return np.column_stack(made)

    def random_columns(self, term: Term) -> tuple[np.ndarray, np.ndarray]:
        """Of a term its columns (n, q) and the number of each row's group."""
        t = self.table
        group = t[term.group.split(":")].astype(str).agg(":".join, axis=1)
        Z = np.column_stack([np.ones(len(t)) if one == "1" else t[one].to_numpy(float) for one in term.effects])
        return Z, pd.factorize(group)[0]


def _groups(rng, n: int, J: int) -> np.ndarray:
    """Groups of n rows: equal sizes, or very unequal ones; none without rows."""
    if rng.random() < 0.4:
        return rng.permutation(np.arange(n) % J)
    share = rng.dirichlet(np.full(J, rng.choice([0.5, 2.0])))
    return rng.permutation(np.concatenate([np.arange(J), rng.choice(J, size=n - J, p=share)]))


def _effects(rng, n: int, codes: np.ndarray) -> tuple[str, ...]:
    """Which effects vary: as many as the rows of the groups can tell."""
    most = 2 if n > 6 * (codes.max() + 1) else 1 if n > 3 * (codes.max() + 1) else 0
    slopes = int(rng.choice([0, 1, 2], p=[0.45, 0.4, 0.15]))
    names = ("1", "x", "z")[:1 + min(slopes, most)]
    return names[1:] if len(names) == 2 and rng.random() < 0.1 else names


def _covariance(rng, q: int, traits: list[str]) -> np.ndarray:
    """A root of the true covariance: some standard deviations are zero, some correlations one."""
    sd = rng.choice([0.0, 0.2, 0.5, 1.0, 2.0], size=q, p=[0.2, 0.2, 0.25, 0.25, 0.1])
    root = np.linalg.cholesky(0.3 + 0.7 * np.eye(q)) if rng.random() < 0.8 else np.ones((q, q)) / np.sqrt(q)
    if not sd.all() or (q > 1 and np.linalg.matrix_rank(root) < q):
        traits.append("singular truth")
    return sd[:, None] * root


def draw(kind: str, seed: int, again: int = 0) -> Case:
    """The model of one seed. `again` draws another in place of one that has no maximum."""
    rng = np.random.default_rng([SEED, kind == "linear", seed, again])
    n = int(rng.integers(60, 260))
    layout = str(rng.choice(["one", "nested", "crossed", "three"], p=[0.45, 0.2, 0.25, 0.1]))
    traits = [layout]
    table = pd.DataFrame({"g": _groups(rng, n, int(rng.integers(4, 25)))})
    if layout in ("nested", "three"):
        table["c"] = rng.integers(int(rng.integers(2, 5)), size=n)
    if layout in ("crossed", "three"):
        table["h"] = _groups(rng, n, int(rng.integers(3, 15)))
    x, z = rng.normal(size=(2, n))
    if rng.random() < 0.15:
        z = x + 0.02 * z
        traits.append("nearly collinear")
    if rng.random() < 0.15:
        x = x + 10.0
        traits.append("far from zero")
    w = rng.normal(size=n)[table["g"]]
    table = table.assign(f=rng.choice(["a", "b", "c"], size=n), x=x, z=z, w=w)
    fixed = [name for name, chance in (("x", 0.8), ("z", 0.5), ("w", 0.3), ("f", 0.25)) if rng.random() < chance]
    if "x" in fixed and "z" in fixed and rng.random() < 0.2:
        fixed.append("x:z")
    factors = {"one": ["g"], "nested": ["g", "g:c"], "crossed": ["g", "h"], "three": ["g", "g:c", "h"]}[layout]
    case = Case(kind, seed, table, fixed, [], traits=traits)
    eta = np.zeros(n)
    for name in factors:
        codes = case.random_columns(Term(name, ("1",)))[1]
        effects = _effects(rng, n, codes) if name == factors[0] or rng.random() < 0.3 else ("1",)
        term = Term(name, effects, bool(len(effects) == 1 or rng.random() < 0.6))
        case.terms.append(term)
        Z, codes = case.random_columns(term)
        Z[:, [one != "1" for one in effects]] /= 1.0 + 9.0 * ("far from zero" in traits)
        root = _covariance(rng, len(effects), traits)
        eta += np.einsum("nq,nq->n", Z, (rng.normal(size=(codes.max() + 1, len(effects))) @ root.T)[codes])
    eta += 0.5 * (x - x.mean()) - 0.3 * z
    (_linear if kind == "linear" else _general)(case, eta, rng)
    for name in ("x", "z"):
        scale = float(rng.choice(SCALES if kind == "linear" else (0.1, 1.0, 1.0, 10.0)))
        if scale != 1:
            case.table[name] *= scale
            traits.append(f"{name} in {scale:g}")
    return case


def _linear(case: Case, eta: np.ndarray, rng) -> None:
    n = len(eta)
    case.reml, case.weights, case.offset = (bool(one) for one in rng.random(3) < (0.5, 0.15, 0.15))
    weights = rng.uniform(0.2, 4.0, n) if case.weights else np.ones(n)
    scale = float(rng.choice(SCALES))
    offset = rng.normal(size=n) if case.offset else np.zeros(n)
    y = eta + offset + rng.normal(size=n) / np.sqrt(weights)
    case.table = case.table.assign(wt=weights, o=offset * scale, y=y * scale)
    if scale != 1:
        case.traits.append(f"y in {scale:g}")


def _general(case: Case, eta: np.ndarray, rng) -> None:
    n = len(eta)
    case.family = str(rng.choice(OFTEN))
    case.link = str(rng.choice(FAMILIES[case.family]))
    case.offset = bool(rng.random() < 0.15) and case.family != "ordinal"
    offset = rng.normal(size=n) * 0.3 if case.offset else np.zeros(n)
    eta = np.clip(eta + offset, -4.0, 4.0)
    mean = 1.0 / (1.0 + np.exp(-eta))
    table = case.table.assign(o=offset, trials=1)
    if case.family == "binomial":
        y = (rng.random(n) < mean).astype(int)
    elif case.family == "trials":
        table["trials"] = rng.integers(1, 20, n)
        y = rng.binomial(table["trials"], mean)
    elif case.family in ("poisson", "nbinom2"):
        rate = np.exp(np.minimum(eta, 3.0) + 0.5)
        y = rng.poisson(rate * (rng.gamma(2.0, 0.5, n) if case.family == "nbinom2" else 1.0))
    elif case.family == "gamma":
        y = rng.gamma(2.0, np.exp(eta) / 2.0) + 1e-6
    elif case.family == "beta":
        y = np.clip(rng.beta(5.0 * mean, 5.0 * (1.0 - mean)), 1e-4, 1 - 1e-4)
    else:
        latent = eta + rng.logistic(size=n)
        y = np.searchsorted(np.quantile(latent, [0.3, 0.6, 0.85][:int(rng.integers(2, 4))]), latent)
    case.table = table.assign(y=y, failures=table["trials"] - y if case.family == "trials" else 0)
