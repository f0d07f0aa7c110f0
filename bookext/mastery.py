"""The map of the reader's progress: every chapter's objectives, with what the page's script needs to know of them.

Read from the chapters, so that the map cannot differ from them. What a reader has answered stays in the browser (`mlmlib/widgets/js/progress.js`).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

OBJECTIVES = re.compile(r"^## What you will be able to do\n(.*?)(?=^## |^\(ch\d+-\w+\)=|\Z)", re.S | re.M)
ITEM = re.compile(r"^\d+\. (.*?)(?=^\d+\. |\Z)", re.S | re.M)
EXERCISE = re.compile(r"<ex-(ch\d+)-([\w-]+)>")
ASKED = re.compile(r"""mlm\.ask\.(?:choice|number)\(\s*["'](ch\d+)-([\w-]+)["']""")


def chapter(path: Path) -> dict:
    """Title, objectives as (id, text) and ids of questions of one notebook. An objective is known by the first exercise that it names."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    found, objectives = OBJECTIVES.search(text), {}
    for item in ITEM.findall(found[1] if found else ""):
        words, exercise = " ".join(item.split()), EXERCISE.search(item)
        if exercise is None or "{eval}" in words:
            raise ValueError(f"{path.name}: the objective {words[:60]!r} names no exercise, or has a computed number")
        name, k = exercise[2], 2
        while name in objectives:
            name, k = f"{exercise[2]}-{k}", k + 1
        objectives[name] = words.rstrip(";.")
    return {
        "title": re.search(r"^# (.+)$", text, re.M)[1].strip(),
        "objectives": objectives,
        "questions": [name for _, name in ASKED.findall(code)],
    }


def page(root: Path, pages=None) -> str:
    """The map as MyST: the controls, then a heading a part and a box a chapter."""
    import yaml

    from mlmlib.widgets.component import html

    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    lines, state = [], {}
    for part in toc["parts"]:
        names = [entry["file"] for entry in part["chapters"] if entry["file"].startswith("chapters/")]
        names = [name for name in names if pages is None or name in pages]
        if names:
            lines += [f"## {part['caption']}", ""]
        for name in names:
            number, held = int(Path(name).name[:2]), chapter(root / f"{name}.ipynb")
            key = f"ch{number:02d}"
            state[key] = {"questions": held["questions"], "objectives": list(held["objectives"])}
            lines += [f":::::{{dropdown}} {number} {held['title']}", f":class-container: mlm-map mlm-map-{key}", "",
                      f"{{doc}}`Read chapter {number} </{name}>`. After it you can", ""]
            lines += [f"{k}. {words}" for k, words in enumerate(held["objectives"].values(), 1)] + [":::::", ""]
    block = html("map", "mastery.js", {"chapters": state}, "This part needs JavaScript; the objectives below do not.", sys.modules[__name__])
    return "\n".join(["``````{raw} html", block, "``````", "", *lines])
