"""Every model that tests need more than once, fitted once: `fit("hsb_rc_reml")`."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

import pandas as pd

import mlmlib as mlm

REFERENCE = Path(__file__).parent / "reference"

# id of reference/r without the estimator: data, formula
LMM = {
    "dyestuff": ("Dyestuff", "Yield ~ 1 + (1 | Batch)"),
    "dyestuff2": ("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
    "exam_ri": ("exam", "normexam ~ standLRT + (1 | school)"),
    "exam_rs": ("exam", "normexam ~ standLRT + (standLRT | school)"),
    "hsb_iso": ("hsb", "mathach ~ cses * mean_ses + cses * sector + (cses | school)"),
    "hsb_meanses": ("hsb", "mathach ~ mean_ses + (1 | school)"),
    "hsb_minority": ("hsb", "mathach ~ cses + minority + (cses + minority | school)"),
    "hsb_null": ("hsb", "mathach ~ 1 + (1 | school)"),
    "hsb_rc": ("hsb", "mathach ~ cses + (cses | school)"),
    "hsb_rc_uncorr": ("hsb", "mathach ~ cses + (cses || school)"),
    "hsb_ri_cses": ("hsb", "mathach ~ cses + (1 | school)"),
    "hsb_ri_ses": ("hsb", "mathach ~ ses + (1 | school)"),
    "imm_hw_public_ri": ("math", "math ~ homework + schtype + (1 | schid)"),
    "imm_hw_public_rs": ("math", "math ~ homework + schtype + (homework | schid)"),
    "imm_hw_ri": ("math", "math ~ homework + (1 | schid)"),
    "imm_hw_rs": ("math", "math ~ homework + (homework | schid)"),
    "imm_hw_rs_uncorr": ("math", "math ~ homework + (homework || schid)"),
    "imm_null": ("math", "math ~ 1 + (1 | schid)"),
    "imm_publicXhw_rs": ("math", "math ~ schtype * homework + (homework | schid)"),
    "imm_public_ri": ("math", "math ~ schtype + (1 | schid)"),
    "orthodont_ri": ("ortho", "distance ~ age * Sex + (1 | Subject)"),
    "orthodont_rs": ("ortho", "distance ~ age * Sex + (age | Subject)"),
    "sleepstudy_corr": ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    "sleepstudy_ri": ("sleepstudy", "Reaction ~ Days + (1 | Subject)"),
    "sleepstudy_uncorr": ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
}
ORDERED = {"ortho": {"Sex": ["Male", "Female"]}}


@cache
def data(name: str) -> pd.DataFrame:
    """A data set of the book, or one that only tests use."""
    path = REFERENCE / "data" / f"{name}.csv"
    if not path.exists():
        return mlm.load(name)
    table = pd.read_csv(path)
    for column, levels in ORDERED.get(name, {}).items():
        table[column] = pd.Categorical(table[column], levels)
    return table


@cache
def fit(name: str):
    """The fit called `name`: an id of reference/r, such as ``"hsb_rc_reml"``."""
    key, kind = name.rsplit("_", 1)
    source, formula = LMM[key]
    return mlm.lmm(formula, data(source), reml=kind == "reml")


@cache
def reference(name: str) -> dict:
    """Results of R at full precision."""
    return json.loads((REFERENCE / "r" / f"{name}.json").read_text())["results"]


@cache
def published(name: str) -> dict:
    """A published document's numbers, as printed."""
    return tomllib.loads((REFERENCE / f"{name}.toml").read_text())
