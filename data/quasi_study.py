"""Fit the simulated outcomes of Rodríguez and Goldman by every method: writes data/quasi_study.csv.

    python data/quasi_study.py                 all 100 outcomes, about three CPU minutes; what is done already is kept
    python data/quasi_study.py --outcomes 10   the first ten
    python data/quasi_study.py --only-write    the table from the fits that are there

The data set `rodriguez_goldman` holds 100 outcomes simulated from one truth, so that the study needs no seed. Each is fitted
by marginal and penalized quasi-likelihood of orders 1 and 2, by Laplace's approximation, and by adaptive quadrature with
NODES nodes at each level. A fit is kept in the folder --cache under the hash of the settings: an interrupted run goes on
where it stopped.

Besides the table it writes the facts in its sheet (rows, SHA-256) and tests/quasi_study.json: the estimates from the first
two outcomes, which a test computes again.
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

import numpy as np  # noqa: E402

import mlmlib as mlm  # noqa: E402

TABLE, SLICE = HERE / "quasi_study.csv", HERE.parent / "tests" / "quasi_study.json"
CACHE = HERE.parent / "_build" / "quasi_study"
OUTCOMES, SLICED, NODES = 100, 2, 15
FORMULA = "{} ~ chldcov + famcov + commcov + (1 | community/family)"
METHODS = {
    "MQL-1": {"method": "mql", "order": 1},
    "MQL-2": {"method": "mql", "order": 2},
    "PQL-1": {"method": "pql", "order": 1},
    "PQL-2": {"method": "pql", "order": 2},
    "Laplace": {"method": "laplace"},
    "quadrature": {"method": "agq", "nodes": NODES},
}
TRUTH = {"Intercept": 0.65, "chldcov": 1.0, "famcov": 1.0, "commcov": 1.0, "sd community": 1.0, "sd family": 1.0}
COLUMNS = ["method", "parameter", "true", "mean", "bias_percent", "mc_error", "sd", "mean_se", "coverage", "outcomes",
           "converged", "zero_variance"]


def estimates(data, outcome: int, method: str) -> dict:
    """One fit: estimates in the order of TRUTH, standard errors of the coefficients, whether it converged."""
    fit = mlm.glmm(FORMULA.format(f"y{outcome}"), data, family="binomial", **METHODS[method])
    sd = [float(np.sqrt(fit.covariance_matrix(group).iloc[0, 0])) for group in ("community", "community:family")]
    return {"estimates": [*map(float, fit.params), *sd], "se": [*map(float, fit.bse)], "converged": bool(fit.converged)}


def path_of(cache: Path, outcome: int, method: str) -> Path:
    """Where a fit is kept."""
    settings = hashlib.sha256(repr((FORMULA, METHODS[method])).encode()).hexdigest()[:10]
    return cache / f"{outcome:03d}-{method}-{settings}.json"


def run(cache: Path, outcomes: int, progress: bool) -> None:
    """All fits that are not there yet, outcome by outcome."""
    from tqdm import tqdm

    cache.mkdir(parents=True, exist_ok=True)
    data = mlm.load("rodriguez_goldman")
    tasks = [(k, method) for k in range(1, outcomes + 1) for method in METHODS]
    left = [task for task in tasks if not path_of(cache, *task).exists()]
    for task in tqdm(left, total=len(tasks), initial=len(tasks) - len(left), unit=" fits", disable=not progress):
        path = path_of(cache, *task)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(estimates(data, *task)) + "\n", encoding="utf-8")
        os.replace(part, path)


def gathered(cache: Path, method: str, outcomes: int) -> list[dict]:
    """The fits of a method that are there."""
    paths = [path_of(cache, k, method) for k in range(1, outcomes + 1)]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def rows_of(method: str, fits: list[dict]) -> list[tuple]:
    """A row for each parameter; of fits that converged."""
    good = [fit for fit in fits if fit["converged"]]
    values = np.array([fit["estimates"] for fit in good])
    errors = np.array([fit["se"] for fit in good])
    found = []
    for k, (name, true) in enumerate(TRUTH.items()):
        own, n = values[:, k], len(good)
        sd = float(own.std(ddof=1))
        row = [method, name, true, own.mean(), 100.0 * (own.mean() / true - 1.0), 100.0 * sd / np.sqrt(n) / true, sd]
        if k < errors.shape[1]:
            inside = np.abs(own - true) < 1.959964 * errors[:, k]
            row += [float(errors[:, k].mean()), float(inside.mean()), len(fits), n, np.nan]
        else:
            row += [np.nan, np.nan, len(fits), n, int((own < 1e-3).sum())]
        found.append(tuple(row))
    return found


def table(cache: Path, outcomes: int):
    """The whole table (DataFrame)."""
    import pandas as pd

    rows = [row for method in METHODS for row in rows_of(method, gathered(cache, method, outcomes))]
    rounded = pd.DataFrame(rows, columns=COLUMNS).round(
        {"mean": 4, "bias_percent": 2, "mc_error": 2, "sd": 4, "mean_se": 4, "coverage": 3})
    return rounded.astype({"zero_variance": "Int64"})


def sliced(data) -> dict:
    """The first outcomes' estimates, at nine digits."""
    return {method: [np.round(estimates(data, k, method)["estimates"], 9).tolist() for k in range(1, SLICED + 1)]
            for method in METHODS}


def write(cache: Path, outcomes: int) -> None:
    """The table, the facts of its sheet, and the slice."""
    from build import stamp

    table(cache, outcomes).to_csv(TABLE, index=False, lineterminator="\n")
    stamp(TABLE.stem)
    SLICE.write_text(json.dumps(sliced(mlm.load("rodriguez_goldman"))) + "\n", encoding="utf-8")


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outcomes", type=int, default=OUTCOMES, help="how many of the 100 outcomes (100)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of finished fits (_build/quasi_study)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--only-write", action="store_true", help="compute nothing; write the table from the cache")
    options = parser.parse_args(arguments)
    began = time.time()
    if not options.only_write:
        run(options.cache, options.outcomes, not options.quiet)
    if not all(gathered(options.cache, method, options.outcomes) for method in METHODS):
        parser.error(f"the cache {options.cache} has not one fit of every method yet")
    write(options.cache, options.outcomes)
    print(f"{time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
