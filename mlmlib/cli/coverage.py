"""`mlm coverage`: which lines and branches of mlmlib the tests reach, in every process that they start.

Not a part of `mlm test`: measuring makes the run half as long again.  Functions that no test can reach stand in
`tests/coverage_left.toml`, each with its reason; the bounds hold for all others.  A run of the whole suite with `--write`
keeps its figures in `backmatter/coverage.json`, which *How the book is tested* shows.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from mlmlib.cli.environment import SetupError

from mlmlib.cli.checks import WHOLE

BOUNDS = {"lines": 95.0, "branches": 90.0}
LEFT = Path("tests") / "coverage_left.toml"
TABLE = Path("backmatter") / "coverage.json"


def run(root: Path, args) -> int:
    """Run the tests, print the table by part of the library; the value is 0 if the tests pass and the bounds hold."""
    folder = root / "_build" / "coverage"
    if not args.report:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    code = 0 if args.report else _measure(root, args.pytest)
    tool = [sys.executable, "-m", "coverage"]
    if not args.report:
        subprocess.run([*tool, "combine", "--quiet"], cwd=root, check=True)
    subprocess.run([*tool, "json", "--quiet", "-o", str(folder / "coverage.json")], cwd=root, check=True)
    left = tomllib.loads((root / LEFT).read_text(encoding="utf-8")).get("left", [])
    found = json.loads((folder / "coverage.json").read_text(encoding="utf-8"))["files"]
    counts = {name.replace("\\", "/"): count(file, reasons_of(left, name.replace("\\", "/"))) for name, file in found.items()}
    print(text(counts))
    share, plain = shares(counts, "needed"), shares(counts, "all")
    low = [what for what, bound in BOUNDS.items() if share[what] < bound]
    for what, bound in BOUNDS.items():
        print(f"{what}: {share[what]:.1f} % of what can be reached (at least {bound:.0f}), {plain[what]:.1f} % of all")
    if args.write and not args.pytest and code == 0:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout.strip()
        kept = {"date": datetime.date.today().isoformat(), "commit": commit, "needed": share, "all": plain,
                "left": len(left), "parts": {part: shares(own, "needed") for part, own in parts(counts).items()}}
        (root / TABLE).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8", newline="\n")
    return code or int(bool(low))


def _measure(root: Path, chosen: list[str]) -> int:
    """The tests under coverage, which every worker, every kernel and every process of theirs joins."""
    if not chosen and subprocess.call([sys.executable, "-m", "mlmlib.cli", "book"], cwd=root):
        raise SetupError("the book was not built, and the tests of the site read its pages: nothing was measured.")
    command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", *(chosen or WHOLE)]
    return subprocess.call(command, cwd=root, env={**os.environ, "TQDM_DISABLE": "1"})


def reasons_of(left: list[dict], name: str) -> set[str]:
    """The functions of a file that are left out; ``"*"`` is all of it."""
    return {function for entry in left if entry["file"] == name for function in entry["functions"]}


def count(file: dict, left: set[str]) -> dict:
    """Lines and branches of one file, reached and in all, with and without what is left out."""
    keys = {"lines": ("covered_lines", "num_statements"), "branches": ("covered_branches", "num_branches")}
    whole = {what: tuple(file["summary"][key] for key in pair) for what, pair in keys.items()}
    needed = dict(whole)
    unknown = left - {"*"} - set(file["functions"])
    if unknown:
        raise ValueError(f"{LEFT} names functions that are gone: {', '.join(sorted(unknown))}")
    for name in left:
        part = file["summary"] if name == "*" else file["functions"][name]["summary"]
        needed = {what: tuple(a - part[key] for a, key in zip(needed[what], pair)) for what, pair in keys.items()}
    return {"all": whole, "needed": needed}


def shares(counts: dict, of: str) -> dict[str, float]:
    """Per cent of lines and of branches reached."""
    sums = {what: [sum(own[of][what][k] for own in counts.values()) for k in (0, 1)] for what in BOUNDS}
    return {what: round(100.0 * reached / total, 2) if total else 100.0 for what, (reached, total) in sums.items()}


def parts(counts: dict) -> dict[str, dict]:
    """Files by package of the library; those of the top are one part."""
    found: dict[str, dict] = {}
    for name, own in sorted(counts.items()):
        places = name.split("/")
        found.setdefault(places[1] if len(places) > 2 else "mlmlib", {})[name] = own
    return found


def text(counts: dict) -> str:
    """The table: a line a part, then the files that miss most."""
    lines = [f"{'part':<14}{'lines %':>9}{'branches %':>12}"]
    for part, own in parts(counts).items():
        share = shares(own, "needed")
        lines.append(f"{part:<14}{share['lines']:>9.1f}{share['branches']:>12.1f}")
    missing = {name: own["needed"]["lines"][1] - own["needed"]["lines"][0] for name, own in counts.items()}
    lines.append("most lines not reached:")
    lines += [f"{n:>6} {name}" for name, n in sorted(missing.items(), key=lambda item: -item[1])[:15] if n]
    return "\n".join(lines)
