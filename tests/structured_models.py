"""Models with several grouping factors and with structures of the residuals, small enough to be fitted in other programs too."""

import numpy as np
import pandas as pd

import mlmlib as mlm


def tables() -> dict:
    """The tables, written for R too: hard names are in `odd`."""
    rng = np.random.default_rng(5)
    growth = mlm.load("egsingle")
    growth = growth[growth["schoolid"].isin(sorted(growth["schoolid"].unique())[:12])].reset_index(drop=True)
    sleep = mlm.load("sleepstudy")
    sleep["half"] = np.where(sleep["Days"] < 5, "first", "second")
    sleep["age"] = 2.0 * sleep["Days"] + 0.5
    sleep["week"] = sleep["Days"] + rng.uniform(0, 0.5, len(sleep)).round(2)
    short = sleep[sleep["Days"].isin([0, 1, 3, 6])].reset_index(drop=True)
    odd = sleep.rename(columns={"Subject": "the driver", "Days": "day no.", "half": "half's"})
    odd["half's"] = odd["half's"].map({"first": 'the "first"', "second": "driver's second"})
    return {"growth": growth, "sleep": sleep, "short": short, "odd": odd, "pastes": mlm.load("pastes"),
            "penicillin": mlm.load("penicillin")}


def fits(data: dict) -> dict:
    """{name: (name of the table, fit)}."""
    sleep, short, growth, pastes, penicillin = (data[n] for n in ("sleep", "short", "growth", "pastes", "penicillin"))
    found = {
        "nested": ("pastes", mlm.lmm("strength ~ 1 + (1 | batch/cask)", pastes)),
        "three levels": ("growth", mlm.lmm("math ~ year * lowinc + (1 + year | schoolid/childid)", growth)),
        "three levels, ML": ("growth", mlm.lmm("math ~ year + black + (1 | schoolid) + (1 + year || childid)", growth, reml=False)),
        "crossed": ("penicillin", mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin)),
        "crossed, slopes": ("sleep", mlm.lmm("Reaction ~ Days + (1 + Days | Subject) + (1 | Days)", sleep, reml=False)),
        "two terms": ("sleep", mlm.lmm("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", sleep)),
        "ar1": ("sleep", mlm.gls("Reaction ~ Days", sleep, correlation=mlm.ar1("Days", group="Subject"))),
        "ar1 by the half": ("sleep", mlm.gls("Reaction ~ Days", sleep, correlation=mlm.ar1("age", group="Subject"),
                                             variance=mlm.by_group("half"))),
        "car1": ("sleep", mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep, correlation=mlm.car1("week"), reml=False)),
        "arma11": ("sleep", mlm.gls("Reaction ~ Days", sleep, correlation=mlm.arma11("Days", group="Subject"))),
        "cs": ("sleep", mlm.gls("Reaction ~ Days", sleep, correlation=mlm.cs(group="Subject"), reml=False)),
        "toeplitz": ("short", mlm.gls("Reaction ~ Days", short, correlation=mlm.toeplitz(group="Subject"))),
        "un": ("short", mlm.gls("Reaction ~ Days", short, correlation=mlm.un("Days", group="Subject"),
                                variance=mlm.by_group("Days"))),
        "un, equal variances": ("short", mlm.gls("Reaction ~ Days", short, correlation=mlm.un("Days", group="Subject"))),
        "by group": ("sleep", mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep, variance=mlm.by_group("half"))),
        "power": ("sleep", mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep, variance=mlm.power_of("age"))),
        "exponential and groups": ("sleep", mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep,
                                                    variance=[mlm.exponential_of("Days"), mlm.by_group("half")])),
        "residuals in three levels": ("growth", mlm.lmm("math ~ year + (1 | schoolid/childid)", growth,
                                                        correlation=mlm.ar1("year"))),
        "hard names": ("odd", mlm.lmm("Reaction ~ `day no.` + `half's` + (1 | `the driver`)", data["odd"],
                                      correlation=mlm.ar1("day no."), variance=mlm.by_group("half's"))),
    }
    return found


def membership() -> pd.DataFrame:
    """Pupils of one or two schools."""
    n, schools, rng = 300, 20, np.random.default_rng(6)
    first, second = rng.integers(0, schools, n), rng.integers(0, schools, n)
    share = rng.choice([0.25, 0.5, 0.75], n)
    u, x = rng.normal(0, 1, schools), rng.normal(size=n)
    y = 3 + 0.5 * x + share * u[first] + (1 - share) * u[second] + rng.normal(0, 1, n)
    return pd.DataFrame({"y": y, "x": x, "s1": first, "s2": second, "w1": share, "w2": 1 - share})
