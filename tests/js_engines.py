"""Run the labs' JavaScript numbers outside a lab: in node where there is one, and in Chromium.

Both engines answer the same jobs (tests/js/jobs.js), so a machine that has only one of them still
checks every number.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

WIDGETS = Path(__file__).parents[1] / "mlmlib" / "widgets" / "js"
JOBS = Path(__file__).parent / "js" / "jobs.js"
MODULES = ("numerics.js", "mixed.js")


def classic_script():
    """The numeric modules as one plain script that defines `labs` and `answer`."""
    names, parts = [], []
    for module in MODULES:
        text = (WIDGETS / module).read_text(encoding="utf-8")
        text = re.sub(r"^import .*?;\n", "", text, flags=re.M)
        names += re.findall(r"^export (?:const|function) (\w+)", text, flags=re.M)
        parts.append(re.sub(r"^export ", "", text, flags=re.M))
    body = "\n".join(parts)
    return f"const labs = (() => {{\n{body}\nreturn {{ {', '.join(names)} }};\n}})();\n" + JOBS.read_text(
        encoding="utf-8"
    )


def plain(value):
    """NumPy to what JSON knows."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


class Node:
    """Answers jobs in node, one process a job."""

    def __init__(self, folder):
        self.script = folder / "labs.cjs"
        tail = (
            "\nprocess.stdout.write(JSON.stringify(answer(labs, JSON.parse(require('fs').readFileSync(0, 'utf8')))));\n"
        )
        self.script.write_text(classic_script() + tail, encoding="utf-8")

    def __call__(self, job, **args):
        done = subprocess.run(
            ["node", str(self.script)],
            input=json.dumps(plain({"job": job, "args": args})),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def close(self):
        """Nothing stays open."""


class Chromium:
    """Answers jobs in a page of headless Chromium, opened from a file."""

    def __init__(self, folder, browser):
        self.page = browser.new_page()
        page = folder / "labs.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><script>{classic_script()}</script>", encoding="utf-8")
        self.page.goto(page.as_uri())

    def __call__(self, job, **args):
        text = self.page.evaluate("(job) => JSON.stringify(answer(labs, job))", plain({"job": job, "args": args}))
        return json.loads(text)

    def close(self):
        self.page.close()


def start(name, folder, request):
    """An engine by name, or a skip that says what is missing; Chromium is the one that all tests share."""
    if name == "node":
        if shutil.which("node") is None:
            pytest.skip("NO NODE ON THIS MACHINE: the labs' numbers are checked in Chromium only")
        return Node(folder)
    return Chromium(folder, request.getfixturevalue("browser"))
