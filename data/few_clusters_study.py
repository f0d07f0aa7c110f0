"""Simulate trials with 8, 20, 50 and 200 clusters, and analyze them in ten ways: writes data/few_clusters_study.csv.

    python data/few_clusters_study.py              2,000 replicates (1,000 of binary outcomes) of 16 scenarios, ten CPU minutes
    python data/few_clusters_study.py --blocks 40  twice as many; what is done already is kept
    python data/few_clusters_study.py --only-write the table from the blocks that are there

The scenarios cross 8, 20, 50 and 200 clusters with a continuous outcome in clusters of equal size, of very unequal size, and in
clusters that are unlike each other as the mixed model does not know; and with a binary outcome. few_clusters_replicates.py draws and
analyzes them. Replicates come in blocks, each with a seed of its own, so that nothing depends on the number of workers. A finished
block is kept in the folder --cache: an interrupted run goes on where it stopped. Every scenario gets its first block before any gets
its second, and the table uses as many blocks as all scenarios have. Besides the table the script writes the facts in its sheet and
tests/few_clusters_study.json: the first replicates of four scenarios, which a test draws again.
"""

from __future__ import annotations

from pathlib import Path

import study  # before NumPy
import few_clusters_replicates as replicates
import numpy as np
from few_clusters_replicates import COEFFICIENTS, EFFECT, SCENARIOS, block

NAME = "few_clusters_study"
TABLE, SLICE, CACHE = study.places(NAME)
COLUMNS = ["scenario", "outcome", "design", "clusters", "coefficient", "method", "false_alarms", "false_alarms_error", "coverage",
           "coverage_error", "power", "power_error", "sd", "mean_se", "df", "replicates", "failures"]
SLICED, AGAIN = (1, 6, 9, 13), 3  # the scenarios of which a test draws the first replicates again, and how many
ALPHA = 0.05


def path_of(cache: Path, scenario, number: int) -> Path:
    """Where a block is kept; blocks of another size, seed or truth have other names."""
    truth = (replicates.SEED, replicates.ICC, EFFECT, replicates.LOGIT_EFFECT, replicates.DRAWS, scenario.replicates)
    settings = study.hashed(truth, scenario)
    return cache / f"{scenario.number:02d}-{number:03d}-{settings}.npz"


def keep(cache: Path, scenario, number: int) -> None:
    """Compute a block and put it into the cache."""
    study.save(path_of(cache, scenario, number), block(scenario, number))


def run(cache: Path, blocks: int, jobs: int, progress: bool) -> None:
    """All blocks that are not there yet, round by round."""
    study.run(keep, path_of, SCENARIOS, cache, blocks, jobs, progress)


def gathered(cache: Path, scenario, blocks: int) -> dict[str, np.ndarray]:
    """The blocks of a scenario, one after another."""
    return study.gathered([path_of(cache, scenario, number) for number in range(blocks)])


def marginal_effect() -> float:
    """The log odds ratio of the treatment averaged over clusters, which a model without random effects estimates."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    u = np.sqrt(replicates.LOGIT_VARIANCE) * nodes
    low, high = (float(weights @ (1.0 / (1.0 + np.exp(-replicates.LOGIT - shift - u))) / weights.sum())
                 for shift in (0.0, replicates.LOGIT_EFFECT))
    return float(np.log(high / (1.0 - high)) - np.log(low / (1.0 - low)))


def rejects(cells: np.ndarray, value: float) -> np.ndarray:
    """1 where the hypothesis that a coefficient is `value` is rejected at 5 %, 0 where not, NaN after a failure."""
    from scipy.special import stdtrit

    b, se, df = cells.T
    finite = np.isfinite(df) & (df > 0)
    critical = np.where(finite, stdtrit(np.where(finite, df, 1.0), 1.0 - ALPHA / 2.0), 1.959963984540054)
    failed = np.isnan(b) | np.isnan(se) | np.isnan(df) | (df <= 0)
    return np.where(failed, np.nan, np.abs(b - value) > critical * se)


def rows_of(scenario, found: dict[str, np.ndarray]) -> list[tuple]:
    """A row for each coefficient and method."""
    rows = []
    for at, name in enumerate(COEFFICIENTS):
        for k, method in enumerate(scenario.methods):
            cells = found["fits"][:, k, at]
            alarm = rejects(cells, 0.0)
            if scenario.outcome == "continuous":
                wrong, power = alarm, rejects(cells, -EFFECT[name])
            else:
                again, treated = found["again"][:, k, at], name == "treated"
                mixed = method.startswith("mixed")
                wrong = rejects(again, (replicates.LOGIT_EFFECT if mixed else marginal_effect()) if treated else 0.0)
                power = rejects(again, 0.0) if treated else None
            rows.append(_row(scenario, name, method, alarm, wrong, power, cells))
        if "wild" in found:
            alarm, power = (found["wild"][:, at] < ALPHA + 1e-12).T.astype(float)
            rows.append(_row(scenario, name, "wild bootstrap", alarm, alarm, power))
    return rows


def _row(scenario, name: str, method: str, alarm, wrong, power, cells=None) -> tuple:
    """One row; a failure neither rejects nor covers."""
    shares = [_share(alarm == 1), _share(wrong == 0), (np.nan, np.nan) if power is None else _share(power == 1)]
    spread = (np.nan, np.nan, np.nan)
    if cells is not None:
        b, se, df = cells[~np.isnan(cells).any(axis=1)].T
        spread = b.std(ddof=1), se.mean(), float(np.median(df)) if np.isfinite(df).all() else np.nan
    return (scenario.number, scenario.outcome, scenario.design, scenario.clusters, name, method, *(v for s in shares for v in s),
            *spread, len(alarm), int(np.isnan(alarm).sum()))


def _share(hits: np.ndarray) -> tuple[float, float]:
    """Share of the replicates, and its Monte Carlo standard error."""
    share = float(hits.mean())
    return share, float(np.sqrt(share * (1.0 - share) / len(hits)))


def table(cache: Path, blocks: int):
    """The whole table (DataFrame)."""
    import pandas as pd

    rows = [row for scenario in SCENARIOS for row in rows_of(scenario, gathered(cache, scenario, blocks))]
    return pd.DataFrame(rows, columns=COLUMNS).round(dict.fromkeys(COLUMNS[6:14], 4) | {"df": 1})


def sliced() -> dict:
    """The first replicates of four scenarios, at nine digits, null where there is no number."""
    return {str(number): study.nine_digits(block(SCENARIOS[number - 1], 0, AGAIN)) for number in SLICED}


def complete(cache: Path) -> int:
    """How many blocks every scenario has."""
    return study.complete(path_of, SCENARIOS, cache)


def write(cache: Path, blocks: int) -> None:
    """The table, the facts of its sheet, and the slice."""
    study.write(NAME, table(cache, blocks), sliced())


def main(arguments=None) -> None:
    study.command(arguments, __doc__, CACHE, 20, "100 (binary: 50) replicates of each scenario", run, complete, write)


if __name__ == "__main__":
    main()
