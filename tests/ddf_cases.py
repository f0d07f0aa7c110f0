"""The hard cases of tests/reference/ddf.R: the same rows, fitted by us."""

from functools import cache

import numpy as np
import pandas as pd

import mlmlib as mlm
from models import REFERENCE, reference

CASES = reference("ddfR_cases")


def listed(value) -> list:
    """JSON writes a vector of one as a number."""
    return value if isinstance(value, list) else [value]


@cache
def schools() -> pd.DataFrame:
    """HSB with ses in three bands."""
    table = mlm.load("hsb").copy()
    bands = np.select([table["ses"] <= -0.5, table["ses"] <= 0.5], ["low", "middle"], "high")
    return table.assign(band=pd.Categorical(bands, ["low", "middle", "high"]))


def rows(id: str) -> pd.DataFrame:
    """The data of one case."""
    if id == "zero_variance":
        return pd.read_csv(REFERENCE / "data" / "Dyestuff2.csv")
    table = schools()
    order = list(dict.fromkeys(table["school"]))
    chosen = {"three_schools": [0, 4, 8], "zero_variance_ml": [0, 4, 8], "eight_schools": range(8)}.get(id, range(24))
    table = table[table["school"].isin([order[k] for k in chosen])].copy()
    if id == "eight_schools":
        table["sector"] = pd.Categorical(table["sector"], ["Catholic", "Public"])
    table["w"] = 1.0 + np.arange(len(table)) % 3
    table["shift"] = 2 * table["ses"]
    table["root"] = np.sqrt(table["w"])
    return table.assign(ry=table["root"] * table["mathach"], rx=table["root"] * table["cses"])


@cache
def case(id: str):
    """Our fit of one case."""
    truth = CASES[id]
    formula = truth["formula"]
    if id == "sums":
        formula = formula.replace("band", "C(band, Sum)").replace("minority", "C(minority, Sum)")
    weights = "w" if id in ("weighted", "weighted_small") else None
    return mlm.lmm(formula, rows(id), reml=truth["reml"], weights=weights)
