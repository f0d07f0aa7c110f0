"""Nothing in mlmlib that nothing uses: vulture's list of names that are defined and never read, less what has a reason.

A name counts as used when code of the library, the tests, the site or the data reads it, or when a page or a notebook names
it. What Python or another program looks up by itself is below, each with who does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REASONS = {  # name: who reads it
    "nominal_option": "report.translate reads the options of a model as f'{name}_option'",
    "zero_option": "report.translate reads the options of a model as f'{name}_option'",
    "__getattr__": "Python calls it, for module.name",
    "__dir__": "Python calls it, for dir(module)",
    "__test__": "pytest reads it: the function called test is not one of its own",
    "Notebook": "a student's notebook calls otter.Notebook()",
    "showtraceback": "IPython calls it when a cell fails",
    "log_message": "http.server calls it for each request",
    "expval": "statsmodels calls update and covariance_matrix of a working correlation with it",
    "ddof_scale": "statsmodels' GEE reads it",
    "scaletype": "statsmodels' GEE reads it",
    "tempdir": "the module tempfile reads it",
    "enabled": "IPython's history manager reads it",
    "signum": "the signal module passes it to a handler",
    "exc": "an __exit__ method is given it",
    "writeable": "NumPy reads it: the array cannot be written to",
    "compress_type": "zipfile reads it",
    "create_system": "zipfile reads it",
    "external_attr": "zipfile reads it",
    "italic": "python-docx reads it",
    "space_after": "python-docx reads it",
    "space_before": "python-docx reads it",
    "left_indent": "python-docx reads it",
    "alignment": "python-docx reads it",
    "_repr_markdown_": "Jupyter calls it to show the object",
    "exclude": "Jupyter passes it to _repr_mimebundle_",
    "include": "Jupyter passes it to _repr_mimebundle_",
}


@lru_cache(maxsize=1)
def unused() -> list[str]:
    """What vulture finds in mlmlib."""
    folders = [str(ROOT / name) for name in ("mlmlib", "tests", "bookext", "data", "setup.py")]
    done = subprocess.run([sys.executable, "-m", "vulture", *folders, "--min-confidence", "60"], cwd=ROOT,
                          capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return [line.replace("\\", "/") for line in done.stdout.splitlines() if re.match(r"\S*mlmlib[/\\]", line)]


def test_no_dead_code():
    pytest.importorskip("vulture", reason="VULTURE IS NOT INSTALLED: NOBODY LOOKED FOR DEAD CODE")
    pages = [path for folder in ("chapters", "backmatter", "exercises") for path in (ROOT / folder).rglob("*")]
    said = " ".join(path.read_text(encoding="utf-8") for path in [*pages, ROOT / "_config.yml"]
                    if path.suffix in (".md", ".ipynb", ".yml"))
    named = set(re.findall(r"\w+", said))
    found = unused()
    assert found, "vulture found nothing at all, not even what only Python calls: it did not read the library"
    dead = [line for line in found if (name := re.search(r"'(\w+)'", line)[1]) not in REASONS and name not in named]
    assert not dead, "\n".join(dead)


def test_reasons_are_needed():
    """A reason for a name that is gone, or is used, is out of date."""
    pytest.importorskip("vulture", reason="VULTURE IS NOT INSTALLED: NOBODY LOOKED FOR DEAD CODE")
    names = {re.search(r"'(\w+)'", line)[1] for line in unused()}
    assert not set(REASONS) - names
