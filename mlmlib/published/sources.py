"""The reference files of the project: published numbers (TOML), results of R (JSON), and the data of those."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd

import mlmlib as mlm

from .cells import find_values, source

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
SEVERAL = {  # the same with several grouping factors
    "egsingle_3lev_ri": ("egsingle", "math ~ year + (1 | schoolid/childid)"),
    "egsingle_3lev_rs": ("egsingle", "math ~ year + (year | schoolid/childid)"),
    "insteval_sd": ("insteval", "y ~ 1 + service + (1 | s) + (1 | d)"),
    "pastes": ("Pastes", "strength ~ 1 + (1 | batch/cask)"),
    "penicillin": ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    "scotssec_cc": ("scotssec", "attain ~ verbal + sex + (1 | primary) + (1 | second)"),
}
ORDERED = {"scotssec": {"sex": ["M", "F"]}, "ortho": {"Sex": ["Male", "Female"]}}


@cache
def folder() -> Path:
    """tests/reference of the project one stands in, or of the one that holds this file."""
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        try:
            return find_values(start)
        except FileNotFoundError:
            continue
    raise FileNotFoundError(
        "No tests/reference here: the published values come with a clone of the book, not with the package."
    )


def published(name: str) -> dict:
    """A published document's numbers, as printed."""
    return source(str(folder()), name)


@cache
def stored(name: str) -> dict:
    """One file of R's results with all it says of itself."""
    return json.loads((folder() / "r" / f"{name}.json").read_text(encoding="utf-8"))


def reference(name: str) -> dict:
    """Results of R at full precision."""
    return stored(name)["results"]


@cache
def data(name: str) -> pd.DataFrame:
    """A data set of the book, or one that only the comparison with R uses."""
    path = folder() / "data" / f"{name}.csv"
    if not path.exists():
        return mlm.load(name)
    table = pd.read_csv(path)
    for column, levels in ORDERED.get(name, {}).items():
        table[column] = pd.Categorical(table[column], levels)
    return table


@cache
def fit(name: str):
    """Our fit of an id of reference/r, such as ``"hsb_rc_reml"``."""
    key, kind = name.rsplit("_", 1)
    table, formula = (LMM | SEVERAL)[key]
    return mlm.lmm(formula, data(table), reml=kind == "reml")
