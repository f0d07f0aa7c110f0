"""What the lab of the origin of time draws: growth models fitted once, as polynomials of the data's own time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

PEOPLE = 60  # lines that are drawn at most; the fit uses everybody


class Study(NamedTuple):
    """A data set of the book with a time, people, and maybe two groups of people."""

    title: str
    outcome: str
    time: str
    person: str
    random: str
    ends: tuple[float, float]
    step: float
    status: str
    clock: str
    unit: str
    group: str = ""
    names: tuple[str, str] = ("", "")


STUDIES = {
    "orthodont": Study(
        "jaws of 27 children", "distance", "age", "Subject", "(1 + age | Subject)", (0, 18), 0.1,
        "distance in the jaw (mm)", "age", "years", "Sex", ("boys", "girls"),
    ),
    "sleepstudy": Study(
        "18 drivers with little sleep", "Reaction", "Days", "Subject", "(1 + Days | Subject)", (-6, 12), 0.1,
        "reaction time (ms)", "day", "days",
    ),
    "egsingle": Study(
        "math of 1,721 children in 60 schools", "math", "year", "childid", "(1 + year | schoolid/childid)", (-4, 4), 0.1,
        "math score (points)", "year", "years", "black", ("other children", "black children"),
    ),
}  # fmt: skip


def formula(study: Study, curved: bool) -> str:
    """The growth model: straight or curved on average, with lines that differ between people."""
    shape = f"({study.time} + I({study.time}**2))" if curved else study.time
    return f"{study.outcome} ~ {shape}{f' * {study.group}' if study.group else ''} + {study.random}"


@lru_cache
def fitted(name: str, curved: bool) -> Any:
    """The REML fit of one study."""
    from mlmlib import lmm
    from mlmlib.datasets import load

    return lmm(formula(STUDIES[name], curved), load(name))


def polynomials(fit: Any, study: Study) -> tuple[list[int], list[int]]:
    """Places of 1, t, t² among the coefficients, for the first group and for the difference of the groups."""
    own, other = [], []
    for place, name in enumerate(fit.params.index):
        (other if study.group and study.group in name else own).append(place)
    return own, other


@lru_cache
def shown(name: str, curved: bool) -> dict:
    """All that the page needs of one study: mean curves with covariances, T of people, and people's own lines."""
    import numpy as np

    study, fit = STUDIES[name], fitted(name, curved)
    own, other = polynomials(fit, study)
    beta, cov = np.asarray(fit.params), np.asarray(fit.cov_params())
    T = sum(fit.covariance_matrix(factor).to_numpy() for factor in fit.n_groups)
    return {
        "mean": beta[own].tolist(),
        "meanCov": cov[np.ix_(own, own)].tolist(),
        "difference": beta[other].tolist(),
        "differenceCov": cov[np.ix_(other, other)].tolist(),
        "T": [float(v) for v in (T[0, 0], T[0, 1], T[1, 1])],
        "sigma2": float(fit.sigma**2),
        "criterion": float(fit.criterion),
        **_people(name, fit),
    }


def _people(name: str, fit: Any) -> dict:
    """(u0, u1) of up to PEOPLE people, the group of each, and when they were seen first and last."""
    from mlmlib.datasets import load

    study, frame = STUDIES[name], load(name)
    effects = {factor: table.T.to_dict("list") for factor, table in fit.random_effects.items()}
    people = frame.groupby(study.person, observed=True)
    labels = list(people.groups)
    labels = labels[:: -(-len(labels) // PEOPLE)]
    u, group, spans = [], [], []
    for label in labels:
        rows = people.get_group(label)
        first, parts = rows.iloc[0], []
        for factor, table in effects.items():
            above = [first[column] for column in factor.split(":")]
            parts.append(table[above[0] if len(above) == 1 else ":".join(map(str, above))])
        u.append([float(sum(part[k] for part in parts)) for k in (0, 1)])
        group.append(int(first[study.group] in (1, "Female")) if study.group else 0)
        spans.append([float(rows[study.time].min()), float(rows[study.time].max())])
    return {"labels": [str(label) for label in labels], "u": u, "group": group, "spans": spans}
