"""What the tests reach, on *How the book is tested*, from what `mlm coverage --write` kept."""

from __future__ import annotations

import json
import tomllib

LEFT = "tests/coverage_left.toml"


def table(root, pages) -> str:
    """The whole in a sentence, a row a part of the library, and what no test can reach here."""
    kept = json.loads((root / "backmatter" / "coverage.json").read_text(encoding="utf-8"))
    said = (f"On {kept['date']} (commit `{kept['commit']}`) the tests ran **{kept['needed']['lines']:.1f} %** of the library's lines and took "
            f"**{kept['needed']['branches']:.1f} %** of its branches: both ways of an `if` count, the loop that ends and the loop that goes on.")
    lines = ["| part of `mlmlib` | lines % | branches % |", "|---|---|---|"]
    lines += [f"| `{part}` | {share['lines']:.1f} | {share['branches']:.1f} |" for part, share in sorted(kept["parts"].items())]
    return "\n\n".join([said, "\n".join(lines), *_left_out(root, kept)])


def _left_out(root, kept) -> list[str]:
    """The functions that these shares leave out, each with its reason."""
    left = tomllib.loads((root / LEFT).read_text(encoding="utf-8")).get("left", [])
    if not left:
        return []
    lines = []
    for entry in left:
        names = entry["functions"]
        what = "" if names == ["*"] else f", `{names[0]}`" if len(names) == 1 else f", {len(names)} functions"
        lines.append(f"- `{entry['file'].removeprefix('mlmlib/')}`{what}: {entry['reason']}.")
    whole = kept["all"]
    return [f"Left out of these shares is what no test can reach here (`{LEFT}` has it by name). Counted with it they are "
            f"{whole['lines']:.1f} and {whole['branches']:.1f} %.", "\n".join(lines)]
