"""Marginal means, contrasts and slopes against R's emmeans, case by case and value by value."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from models import REFERENCE

CASES = sorted(path.stem for path in (REFERENCE / "r").glob("emm_*.json"))
OPTIONS = {"emm_loom_weighted": {"weights": "looms"}, "emm_cake_ml": {"reml": False}}
TEXT = {"recipe", "temperature", "replicate", "wool", "tension"}


@cache
def reference(case):
    return json.loads((REFERENCE / "r" / f"{case}.json").read_text(encoding="utf-8"))


@cache
def fitted(case):
    name = reference(case)["data"].split(",")[0]
    if (REFERENCE / "data" / f"{name}.csv").exists():
        data = pd.read_csv(REFERENCE / "data" / f"{name}.csv")
        data = data.astype({column: str for column in data.columns if column in TEXT})
    else:
        data = mlm.load(name)
    if "tension" in data:
        data = data.assign(tension=pd.Categorical(data["tension"], list("LMH")))
    formula = reference(case)["call"]
    if name == "hsb":
        data = data.assign(sector=pd.Categorical(data["sector"].astype(str), ["Public", "Catholic"]))
    if "|" in formula:
        return mlm.lmm(formula, data, **OPTIONS.get(case, {}))
    return mlm.ols(formula, data, **OPTIONS.get(case, {}))


TABLES = [(case, k) for case in CASES for k in range(len(reference(case)["tables"]))]


def listed(values):
    return np.array([np.inf if v is None else v for v in np.atleast_1d(np.array(values, dtype=object))], dtype=float)


def ours(case, spec):
    fit, over = fitted(case), list(np.atleast_1d(spec["specs"]))
    by = list(np.atleast_1d(spec["by"] or []))
    at = {name: list(np.atleast_1d(values)) for name, values in (spec["at"] or {}).items()}
    options = {"by": by, "at": at, "weights": spec["weights"], "ddf": spec["ddf"]}
    if spec["trend"]:
        return mlm.emtrends(fit, spec["trend"], over, **options)
    return mlm.emmeans(fit, over, **options)


def close(found, wanted, rtol, what, atol=0.0):
    np.testing.assert_allclose(np.asarray(found, float), listed(wanted), rtol=rtol, atol=atol, err_msg=what)


def held_against(table, theirs, what, loose):
    """Estimates, errors, degrees of freedom and intervals of a table of ours against R's columns."""
    names = {"SE": "se", "df": "df", "t.ratio": "t", "z.ratio": "z", "p.value": "p", "lower.CL": "lower", "upper.CL": "upper",
             "asymp.LCL": "lower", "asymp.UCL": "upper"}  # fmt: skip
    for column, values in theirs.items():
        mine = names.get(column, table.columns[list(table.columns).index("se") - 1])
        scale = float(np.abs(table["se"]).max())
        if mine == "df":
            close(table["df"], values, loose, f"{what} df")
        elif mine == "p":
            close(table["p"], values, 30 * loose, f"{what} p", 1e-12)
        else:
            close(table[mine], values, loose, f"{what} {column}", loose * scale)


@pytest.mark.parametrize(("case", "place"), TABLES)
def test_means_are_those_of_emmeans(case, place):
    spec = reference(case)["tables"][place]
    means = ours(case, spec)
    loose = 2e-6 if spec["ddf"] in ("wald", "kenward-roger") or "_lm" in case else 2e-5  # lmerTest differentiates numerically
    for name, labels in spec["levels"].items():
        wanted = list(np.atleast_1d(labels))
        assert [f"{v:g}" if isinstance(v, (int, float)) else str(v) for v in means.table[name].tolist()] == wanted
    held_against(means.table, spec["means"], f"{case} {place}", loose)
    for adjust, wanted in spec["adjust"].items() if isinstance(spec["adjust"], dict) else ():
        table = means.adjusted(adjust).table
        close(table["lower"], wanted["lower"], loose, adjust, loose * table["se"].max())
        close(table["upper"], wanted["upper"], loose, adjust, loose * table["se"].max())


CONTRASTS = [(case, k, c) for case, k in TABLES for c in range(len(reference(case)["tables"][k]["contrasts"]))]


@pytest.mark.parametrize(("case", "place", "which"), CONTRASTS)
def test_contrasts_are_those_of_emmeans(case, place, which):
    spec = reference(case)["tables"][place]
    wanted = spec["contrasts"][which]
    method = {"consec": "consecutive"}.get(wanted["method"], wanted["method"]) if isinstance(wanted["method"], str) else wanted["method"]
    ref = wanted["args"]["ref"] - 1 if wanted["args"] else None
    loose = 2e-6 if spec["ddf"] in ("wald", "kenward-roger") or "_lm" in case else 2e-5
    contrasts = ours(case, spec).contrast(method, ref=ref, adjust="none")
    assert contrasts.table["contrast"].tolist() == list(np.atleast_1d(wanted["labels"]))
    what = f"{case} {place} {wanted['method']}"
    held_against(contrasts.table, wanted["none"], what, loose)
    for adjust, theirs in wanted["adjust"].items() if isinstance(wanted["adjust"], dict) else ():
        again = contrasts.adjusted(adjust)
        table = again.table
        tolerance = {"tukey": 2e-5, "mvt": 1e-4}.get(adjust, 60 * loose)
        close(table["p"], theirs["p"], tolerance, f"{what} {adjust} p", {"tukey": 1e-8, "mvt": 3e-5}.get(adjust, 1e-12))
        if "lower" in theirs:
            rtol = max(loose, 2e-5 if adjust == "tukey" else 0)
            close(table["lower"], theirs["lower"], rtol, f"{what} {adjust} lower", rtol * 5 * table["se"].max())
            close(table["upper"], theirs["upper"], rtol, f"{what} {adjust} upper", rtol * 5 * table["se"].max())
    joint = contrasts.joint_test()
    rank = joint.df[0] if isinstance(joint.df, tuple) else joint.df
    assert rank == wanted["joint_rank"]
    if spec["ddf"] == "wald":
        statistic = joint.statistic * (rank if isinstance(joint.df, tuple) else 1)
        close([statistic], [wanted["joint_wald"]], 1e-5, f"{what} joint")
