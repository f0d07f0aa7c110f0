"""Power by formula and by simulation, design by design: writes data/power_study.csv.

    python data/power_study.py                   all designs, about ten CPU minutes; what is done already is kept
    python data/power_study.py --jobs 2          with two workers
    python data/power_study.py --only-write      the table from the designs that are there

Each design is drawn and analyzed REPLICATES times with seed SEED; all analyses of a design see the same data. A design
is kept in the folder --cache under the hash of its settings: an interrupted run goes on where it stopped.

Besides the table it writes the facts in its sheet (rows, SHA-256) and tests/power_study.json: the first estimates of
every design, which a test computes again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import mlmlib as mlm  # noqa: E402

TABLE, SLICE = HERE / "power_study.csv", HERE.parent / "tests" / "power_study.json"
CACHE = HERE.parent / "_build" / "power_study"
REPLICATES, SEED, SLICED = 1000, 21, 10
GROWTH = {"slope_var": 0.04, "residual_var": 0.5, "duration": 4, "groups": 120, "waves": 5, "intercept_var": 0.6,
          "covariance": 0.02}
BINARY = {"icc": 0.08, "groups": 30, "n": 30, "outcome": "binary", "control": 0.3}

# name: function of mlm.power, its arguments, the analysis that the formula is of, others
DESIGNS = {
    "cluster-randomized": ("cluster_randomized", {"effect": 0.4, "icc": 0.15, "groups": 40, "n": 20}, "lmm",
                           ("lmm kenward-roger", "lmm wald", "ols robust", "ols")),
    "no effect": ("cluster_randomized", {"effect": 0.0, "icc": 0.15, "groups": 40, "n": 20}, "lmm", ("ols",)),
    "ten clusters": ("cluster_randomized", {"effect": 0.8, "icc": 0.15, "groups": 10, "n": 20}, "lmm",
                     ("lmm wald", "ols robust", "gee", "gee mancl-derouen")),
    "ten clusters: no effect": ("cluster_randomized", {"effect": 0.0, "icc": 0.15, "groups": 10, "n": 20}, "lmm",
                                ("lmm wald", "ols robust", "gee", "gee mancl-derouen")),
    "unequal sizes": ("cluster_randomized", {"effect": 0.4, "icc": 0.15, "groups": 40, "n": 20, "cv": 0.6}, "lmm", ()),
    "unequal sizes: units alike": ("cluster_randomized",
                                   {"effect": 0.4, "icc": 0.15, "groups": 40, "n": 20, "cv": 0.6, "weights": "size"},
                                   "ols robust", ()),
    "covariates": ("cluster_randomized", {"effect": 0.3, "icc": 0.15, "groups": 40, "n": 20, "r2_group": 0.6,
                                          "r2_unit": 0.4}, "lmm", ()),
    "multisite": ("multisite", {"effect": 0.3, "icc": 0.15, "effect_sd": 0.3, "groups": 20, "n": 20}, "lmm", ()),
    "three levels: clusters": ("three_level", {"effect": 0.4, "icc_cluster": 0.1, "icc_group": 0.1, "clusters": 30,
                                               "groups": 3, "n": 10}, "lmm", ()),
    "three levels: groups": ("three_level", {"effect": 0.35, "at": 2, "icc_cluster": 0.1, "icc_group": 0.1,
                                             "effect_sd_cluster": 0.4, "clusters": 16,
                                             "groups": 4, "n": 10}, "lmm", ()),
    "three levels: units": ("three_level", {"effect": 0.3, "at": 1, "icc_cluster": 0.1, "icc_group": 0.1,
                                            "effect_sd_cluster": 0.3, "clusters": 14,
                                            "groups": 3, "n": 10}, "lmm", ()),
    "longitudinal": ("longitudinal", {"effect": 0.15, **GROWTH}, "lmm", ()),
    "longitudinal: 30 % lost": ("longitudinal", {"effect": 0.15, **GROWTH, "attrition": 0.3}, "lmm", ()),
    "cross-level": ("cross_level", {"effect": 0.2, "icc": 0.15, "slope_sd": 0.2, "groups": 50, "n": 20}, "lmm", ()),
    "binary: difference": ("cluster_randomized", {"effect": 0.15, **BINARY}, "ols robust", ("lmm",)),
    "binary: log-odds": ("cluster_randomized", {"effect": 0.7, "scale": "log-odds", "df": float("inf"), **BINARY},
                         "glmm", ()),
}
COLUMNS = ["design", "analysis", "of_formula", "formula_power", "power", "mc_error", "z", "formula_se", "sd",
           "mean_se", "bias", "bias_error",
           "coverage", "replicates", "failed", "singular"]


def plan(name: str):
    """The planned design."""
    function, arguments, _, _ = DESIGNS[name]
    return getattr(mlm.power, function)(**arguments)


def simulated(name: str, replicates: int, jobs: int = 1, progress: bool = False):
    """The design carried out."""
    _, _, own, others = DESIGNS[name]
    return mlm.power.simulate(plan(name), replicates=replicates, seed=SEED, analysis=[own, *others], n_jobs=jobs,
                              progress=progress)


def path_of(cache: Path, name: str, replicates: int) -> Path:
    """Where a design is kept."""
    settings = hashlib.sha256(repr((DESIGNS[name], replicates, SEED)).encode()).hexdigest()[:10]
    return cache / f"{name.replace(' ', '_').replace(':', '').replace('%', '')}-{settings}.json"


def run(cache: Path, replicates: int, jobs: int, progress: bool) -> None:
    """All designs that are not there yet."""
    cache.mkdir(parents=True, exist_ok=True)
    for name in DESIGNS:
        path = path_of(cache, name, replicates)
        if path.exists():
            continue
        began, found = time.time(), simulated(name, replicates, jobs, progress)
        if found.done < replicates:
            raise KeyboardInterrupt
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(found.table.to_dict("index")) + "\n", encoding="utf-8")
        os.replace(part, path)
        print(f"{name}: {time.time() - began:.0f} s", flush=True)


def rows_of(name: str, found: dict) -> list[dict]:
    """A row for each analysis; z is simulation less formula in Monte Carlo errors, those at the formula's power."""
    design, own = plan(name), DESIGNS[name][2]
    rows = []
    for analysis, row in found.items():
        p = design.power
        z = (row["power"] - p) / (p * (1.0 - p) / row["fits"]) ** 0.5
        rows.append({"design": name, "analysis": analysis, "of_formula": "yes" if analysis == own else "no",
                     "formula_power": p, "z": z,
                     "formula_se": design.se, "replicates": row["fits"] + row["failed"], **row})
    return rows


def table(cache: Path, replicates: int):
    """The whole table (DataFrame)."""
    import pandas as pd

    rows = [row for name in DESIGNS for row in rows_of(name,
                                                       json.loads(path_of(cache, name,
                                                                          replicates).read_text(encoding="utf-8")))]
    numbers = ("formula_power", "power", "mc_error", "formula_se", "sd", "mean_se", "bias", "bias_error", "coverage")
    return pd.DataFrame(rows)[COLUMNS].round({**dict.fromkeys(numbers, 4), "z": 2})


def sliced() -> dict:
    """The first estimates and standard errors of every design, at nine digits."""
    return {name: simulated(name, SLICED).values[:, :, :2].round(9).tolist() for name in DESIGNS}


def write(cache: Path, replicates: int) -> None:
    """The table, the facts of its sheet, and the slice."""
    from build import stamp

    table(cache, replicates).to_csv(TABLE, index=False, lineterminator="\n")
    stamp(TABLE.stem)
    SLICE.write_text(json.dumps(sliced()) + "\n", encoding="utf-8")


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=REPLICATES, help=f"studies of each design ({REPLICATES})")
    parser.add_argument("--jobs", type=int, default=1, help="workers (1)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of finished designs (_build/power_study)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--only-write", action="store_true", help="compute nothing; write the table from the cache")
    options = parser.parse_args(arguments)
    if not options.only_write:
        run(options.cache, options.replicates, options.jobs, not options.quiet)
    if not all(path_of(options.cache, name, options.replicates).exists() for name in DESIGNS):
        parser.error(f"the cache {options.cache} has not every design yet")
    write(options.cache, options.replicates)


if __name__ == "__main__":
    main()
