"""The table of versions on *How the book is tested*, from what `mlm versions` kept."""

from __future__ import annotations

import json

SHOWN = ("numpy", "scipy", "pandas", "statsmodels")


def table(root, pages) -> str:
    """A row an environment: Python, versions, counts, the day."""
    lines = ["| Python | versions | " + " | ".join(SHOWN) + " | passed | failed | skipped | on |", "|---|---|" + "---|" * (len(SHOWN) + 4)]
    absent = []
    for row in json.loads((root / "backmatter" / "versions.json").read_text(encoding="utf-8")):
        if "missing" in row:
            absent.append(row["python"])
            continue
        held = " | ".join(row["with"].get(name, "") for name in SHOWN)
        lines.append(f"| {row['exactly']} | {row['versions']} | {held} | {row['passed']} | {row['failed']} | {row['skipped']} | {row['date']} |")
    said = f"\n\nPython {', '.join(dict.fromkeys(absent))} could not be had where this was run." if absent else ""
    return "\n".join(lines) + said
