"""The page of times, made from `backmatter/bench.json` with each build of the book: nobody types a number there."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path

from .models import MODELS
from .shares import STEPS

__all__ = ["after", "criteria", "goals", "growing", "machine", "missing", "ratios", "steps", "times"]

RESULTS = "backmatter/bench.json"
SHORT = {"mlmlib": "mlmlib", "lme4, OpenBLAS": "lme4 with OpenBLAS"}
MINUS, TIMES = "\u2212", "\u00d7"


@lru_cache
def _read(path: Path, changed: float) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def results(root: Path) -> dict:
    """The results file, read."""
    path = root / RESULTS
    return _read(path, path.stat().st_mtime)


def _table(head: list[str], lines: list[list[str]], left: int = 1) -> str:
    marks = ["---" if k < left else "---:" for k in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, marks, *lines])


def digits(value: float) -> str:
    """Three significant digits, thousands parted; no exponent.

    >>> digits(0.01234), digits(2.5), digits(1234.5)
    ('0.0123', '2.50', '1,234')
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")  # 9.999 has the digits of 10
    return f"{value:,.{max(2 - math.floor(math.log10(abs(rounded))), 0)}f}"


def power(value: float) -> str:
    """A small difference as one digit and a power of ten, a large one in decimals.

    >>> power(0.0), power(3.4e-7), power(1.64)
    ('0', '3e−7', '1.64')
    """
    if value >= 0.01:
        return digits(value)
    return "0" if value == 0 else f"{value:.0e}".replace("e-0", "e-").replace("-", MINUS)


def _others(found: dict) -> list[str]:
    return [name for name in found["programs"] if name != "mlmlib"]


def _cells(found: dict, show, names) -> list[list[str]]:
    lines = []
    for row in found["rows"]:
        cells = []
        for name in names:
            own = row["results"].get(name, {"error": ""})
            cells.append("none" if "error" in own else show(row, own))
        lines.append([row["title"], *cells])
    return lines


def ratio(found: dict, key: str, name: str) -> float | None:
    """How many times as long as mlmlib a program takes for a model; None where it gave no answer or was not asked."""
    row = next((row["results"] for row in found["rows"] if row["key"] == key), {})
    return row[name]["median"] / row["mlmlib"]["median"] if "median" in row.get(name, {}) else None


def sentence(where: dict) -> str:
    """What is said of other work on the machine."""
    return "" if not where["load"] else (f" Other work ran on it at the same time (load {where['load']:.1f} when it "
                                         "began), which is why the processor's time was taken and not the clock's.")


def machine(root: Path, pages=None) -> str:
    """When, where, with what."""
    found, where = results(root), results(root)["machine"]
    versions = [f"{name} {about['version']}" for name, about in found["programs"].items()
                if not name.startswith("lme4")]
    r = found["programs"].get("lme4")
    if r:
        versions.append(f"lme4 {r['version']} in R {r['r']} with `{r['blas']}`")
        second = found["programs"].get("lme4, OpenBLAS")
        versions += [f"and once more with `{second['blas']}`"] if second else []
    load = sentence(where)
    return (f"Measured on {found['date']}: {where['processor']}, {where['cores']} cores, {where['memory'] / 2**30:.0f} "
            f"GB, {where['system']}; Python {where['python']}, NumPy {where['numpy']}, SciPy {where['scipy']}; "
            f"{', '.join(versions)}.{load}")


def ratios(root: Path, pages=None) -> str:
    """Times as multiples of ours."""
    found = results(root)
    names = _others(found)

    def show(row, own):
        value = own["median"] / row["results"]["mlmlib"]["median"]
        return f"**{digits(value)}**" if value < 1 else digits(value)

    lines = _cells(found, show, names)
    shown = [(row, name) for row in found["rows"] for name in names if "median" in row["results"].get(name, {})]
    lost = [row["results"][name]["median"] < row["results"]["mlmlib"]["median"] for row, name in shown]
    told = (f"Of {len(lost)} comparisons mlmlib wins {len(lost) - sum(lost)} and loses {sum(lost)}. Each number says "
            "how many times as long as mlmlib the program takes; **bold** is where it is faster than mlmlib. *None* is "
            "a fit that did not come about.")
    return told + "\n\n" + _table(["model", *(SHORT.get(name, name) for name in names)], lines)


def times(root: Path, pages=None) -> str:
    """Medians in milliseconds."""
    found = results(root)
    names = list(found["programs"])
    lines = _cells(found, lambda row, own: digits(1e3 * own["median"]), names)
    formulas = [f"- {row['title']}: `{row['formula']}`" for row in found["rows"]]
    return _table(["milliseconds", *(SHORT.get(name, name) for name in names)], lines) + "\n\n" + "\n".join(formulas)


def criteria(root: Path, pages=None) -> str:
    """How far above the lowest criterion each program ends."""
    found = results(root)
    names = list(found["programs"])

    def show(row, own):
        text = "0" if own["above"] < 1e-9 else power(own["above"])
        text = f"**{text}**" if own["above"] > 1e-3 else text
        return text + (" (no convergence)" if own["note"] else "")

    lines = _cells(found, show, names)
    ours = max(row["results"]["mlmlib"]["above"] for row in found["rows"])
    return (f"mlmlib is never more than {power(ours)} above the lowest.\n\n"
            + _table(["above the lowest", *(SHORT.get(name, name) for name in names)], lines))


def reason(own: dict) -> str:
    """Why there is no fit: the program's message, or what its language cannot say."""
    said = own["error"].removeprefix("ValueError: ").rstrip(".")
    known = [model.statsmodels["cannot"] for model in MODELS if "cannot" in model.statsmodels]
    return f"not asked: it has {said}" if said in known else own["error"].rstrip(".")


def missing(root: Path, pages=None) -> str:
    """Which fits did not come about, with the program's own message."""
    found = results(root)
    lines = [f"- {name} was not compared: {why}." for name, why in found["missing"].items()]
    for row in found["rows"]:
        for name, own in row["results"].items():
            if "error" in own:
                lines.append(f"- {row['title']}, {name}: {reason(own)}.")
    return "\n".join(lines) or "None."


def goals(root: Path, pages=None) -> str:
    """What was aimed at beside what was measured."""
    found = results(root)

    def least(keys, name):
        known = [value for key in keys if (value := ratio(found, key, name)) is not None]
        return min(known) if known else None

    every = [row["key"] for row in found["rows"]]
    hsb = [key for key in every if key.startswith("hsb")]
    blas = "lme4, OpenBLAS"
    aims = [
        ("HSB random slopes: 20 times as fast as lme4", ratio(found, "hsb_slopes", "lme4"), 20),
        ("the same, R with OpenBLAS", ratio(found, "hsb_slopes", blas), 20),
        ("HSB random slopes: within 2 times the time of glmm", ratio(found, "hsb_slopes", "glmm"), 0.5),
        ("InstEval, two factors: 12 times as fast as lme4", ratio(found, "insteval", "lme4"), 12),
        ("the same, R with OpenBLAS", ratio(found, "insteval", blas), 12),
        ("InstEval, two factors: faster than glmm", ratio(found, "insteval", "glmm"), 1),
        ("every model faster than lme4: the least ratio", least(every, "lme4"), 1),
        ("the same, R with OpenBLAS", least(every, blas), 1),
        ("HSB: 100 times as fast as statsmodels: the least ratio", least(hsb, "statsmodels"), 100),
    ]
    lines = [[text, f"{digits(value)}\u00a0{TIMES}", "met" if value >= aim else "**missed**"]
             for text, value, aim in aims if value is not None]
    return _table(["aim", "measured", ""], lines)


def steps(root: Path, pages=None) -> str:
    """Where the time of our fits goes."""
    found = results(root)["shares"]
    lines = [[row["title"], *(digits(1e3 * value) for value in row["seconds"]), str(row["evaluations"]),
              digits(1e3 * row["seconds"][2] / row["evaluations"])] for row in found]
    return _table(["milliseconds", *STEPS, "evaluations", "each"], lines)


def slope(cases: list[dict], by: str, of: str = "seconds") -> float:
    """The slope of log time against log size, by least squares."""
    x, y = ([math.log(case[key]) for case in cases] for key in (by, of))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / sum((a - mean_x) ** 2 for a in x)


GROWS = {
    "rows": ("rows", "More rows, 1,000 groups, a random intercept and slope"),
    "groups": ("groups", "More groups, a million rows, a random intercept and slope"),
    "effects": ("effects", "More effects that vary (all of them correlated, all of them fixed effects too), 200,000 rows, 1,000 groups"),
    "crossed": ("crossed", "A second, crossed factor with more groups; 500,000 rows, 20,000 groups of the first"),
}


def growing(root: Path, pages=None) -> str:
    """Time and memory against size, with the slope between the two largest cases."""
    found = results(root)["growth"]
    parts = []
    for name, (by, title) in GROWS.items():
        cases = found.get(name)
        if not cases:
            continue
        lines = [[f"{case[by]:,}", digits(case["seconds"]), f"{case['peak'] / 2**20:,.0f}",
                  f"{max(case['peak'] - case['before'], 0) / 2**20:,.0f}"] for case in cases]
        parts.append(f"**{title}.** Ten times as many take {digits(10 ** slope(cases[-2:], by))} times as long at the "
                     f"end of the table; over all of it the logarithm of the time rises by {slope(cases, by):.2f} for "
                     "each unit of the logarithm of the size.\n\n"
                     + _table([by if by != "crossed" else "groups", "seconds", "peak memory (MB)", "of it the fit (MB)"], lines, 0))
    for case in found.get("largest", ()):
        parts.append(f"**{case['rows']:,} rows in {case['groups']:,} groups**, in no order, a random intercept and "
                     f"slope: {digits(case['seconds'])} seconds ({digits(case['wall'])} by the clock), "
                     f"{case['evaluations']} evaluations of the criterion, {case['peak'] / 2**30:.2f} GB at most, of "
                     f"which {case['before'] / 2**30:.2f} GB are Python and the data.")
    return "\n\n".join(parts)


def after(root: Path, pages=None) -> str:
    """Inference after the fit, beside R."""
    lines = [[row["title"], digits(1e3 * row["ours"]), row["program"],
              "not measured" if row["seconds"] is None else digits(1e3 * row["seconds"]),
              "" if row["seconds"] is None else digits(row["seconds"] / row["ours"]),
              row["found"], row["other"]] for row in results(root)["inference"]]
    return _table(["what", "mlmlib (ms)", "other", "other (ms)", "ratio", "mlmlib found", "other found"], lines)
