"""How the time and the memory of a fit grow with rows, groups, effects and crossed factors.

Each case runs in a process of its own, so that its peak of memory is its own: ``python -m mlmlib.bench.growth n J q crossed``.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

__all__ = ["growth"]

# name: (what grows, cases of rows, groups, effects, groups of a crossed factor)
SERIES = {
    "rows": [(10_000, 1000, 2, 0), (100_000, 1000, 2, 0), (1_000_000, 1000, 2, 0), (10_000_000, 1000, 2, 0)],
    "groups": [(1_000_000, 100, 2, 0), (1_000_000, 1000, 2, 0), (1_000_000, 10_000, 2, 0), (1_000_000, 100_000, 2, 0)],
    "effects": [(200_000, 1000, q, 0) for q in (1, 2, 4, 8)],
    "crossed": [(500_000, 20_000, 1, other) for other in (250, 500, 1000, 2000)],
    "largest": [(10_000_000, 100_000, 2, 0)],
}
QUICK = {"rows": SERIES["rows"][:3], "groups": [(100_000, J, 2, 0) for J in (100, 1000, 10_000)]}


def growth(env: dict, quick: bool = False, say=print) -> dict:
    """Measure all series: for each case the processor seconds of one fit and the memory it took, in bytes."""
    found = {}
    for name, cases in (QUICK if quick else SERIES).items():
        found[name] = []
        for case in cases:
            done = subprocess.run([sys.executable, "-m", "mlmlib.bench.growth", *map(str, case)], env=env,
                                  capture_output=True, text=True, check=True)
            found[name].append(json.loads(done.stdout))
            one = found[name][-1]
            say(f"  {one['rows']:>10,} rows  {one['groups']:>7,} groups  {one['effects']} effects  "
                f"{one['crossed']:>5} crossed  {one['seconds']:8.3f} s  peak {one['peak'] / 2**20:6.0f} MB, "
                f"of it {one['before'] / 2**20:.0f} before the fit")
    return found


def simulate(n: int, J: int, q: int, crossed: int) -> tuple[str, dict]:
    """A formula and data: rows in no order, groups of unequal size, q effects that vary, and a crossed factor if wanted."""
    import numpy as np

    rng = np.random.default_rng(20261122)
    g = rng.integers(J, size=n)
    names = [f"x{k}" for k in range(1, q)]
    data: dict = {"g": g}
    effects = rng.standard_normal((J, q))
    y = effects[g, 0] + 2.0 * rng.standard_normal(n)
    for k, name in enumerate(names, start=1):
        data[name] = rng.standard_normal(n)
        y += (0.5 + 0.5 * effects[g, k]) * data[name]
    inner = " + ".join(["1", *names])
    formula = f"y ~ {inner} + ({inner} | g)"
    if crossed:
        data["h"] = rng.integers(crossed, size=n)
        y += rng.standard_normal(crossed)[data["h"]]
        formula += " + (1 | h)"
    data["y"] = y
    return formula, data


def measure(n: int, J: int, q: int, crossed: int) -> dict:
    """One case in this process."""
    import mlmlib as mlm

    mlm.lmm(*simulate(500, 10, q, 20 if crossed else 0))  # what is loaded when first used
    formula, data = simulate(n, J, q, crossed)
    _forget_peak()
    before = _memory("VmRSS")
    seconds, wall = [], []
    while not seconds or (len(seconds) < 5 and sum(seconds) < 10.0):
        fit = None  # the fit before this one is not in memory beside it
        began, clock = time.process_time(), time.perf_counter()
        fit = mlm.lmm(formula, data)
        seconds.append(time.process_time() - began)
        wall.append(time.perf_counter() - clock)
    return {"rows": n, "groups": J, "effects": q, "crossed": crossed, "seconds": statistics.median(seconds),
            "wall": statistics.median(wall), "fits": len(seconds), "before": before, "peak": _memory("VmHWM"),
            "evaluations": fit.n_evaluations, "converged": bool(fit.converged)}


def _forget_peak() -> None:
    """Let the peak of memory begin here, not with the making of the data (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def _memory(which: str) -> int:
    """Bytes of memory that the process holds now (VmRSS), or held at most (VmHWM)."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))
    except OSError:  # not Linux: the peak alone is known
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
