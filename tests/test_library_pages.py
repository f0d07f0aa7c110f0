"""The reference of the library is whole: every public name has its place on a page, and a runnable example."""

from __future__ import annotations

import inspect
import re

import pytest

import mlmlib as mlm
from toc import ROOT

PAGES = [ROOT / "backmatter" / f"{name}.md" for name in ("library", "library_linear", "library_general")]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
PUBLIC = [name for name in mlm.__all__ if name != "__version__"]
RESULTS = [name for name in PUBLIC if name.endswith("Result") and name != "TestResult"]
NO_EXAMPLE = {
    "DataError": "an error: raised in many examples of the tests", "FormulaError": "the same",
    **dict.fromkeys(RESULTS, "made by the fitting function, whose examples make it"),
}


def members(name):
    return [member for member in dir(getattr(mlm, name)) if not member.startswith("_")]


@pytest.fixture(scope="module")
def examples():
    """Every line of every example in the library; `tests/test_examples.py` runs them all."""
    lines = []
    for path in (ROOT / "mlmlib").rglob("*.py"):
        lines += re.findall(r"^\s*(?:>>>|\.\.\.) .*$", path.read_text(encoding="utf-8"), flags=re.M)
    return "\n".join(lines)


def test_every_public_name_is_on_a_page():
    named = set(re.findall(r"^\.\. auto\w+:: mlmlib\.(\S+)$", TEXT, flags=re.M))
    assert not [name for name in PUBLIC if name not in named]


def test_every_name_on_a_page_is_there_once():
    named = re.findall(r"^\.\. auto\w+:: (\S+)$", TEXT, flags=re.M)
    assert len(named) == len(set(named))


def test_results_are_shown_whole():
    for name in RESULTS:
        assert f".. autoclass:: mlmlib.{name}\n   :members:\n   :inherited-members:\n" in TEXT, name


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example(name, examples):
    if name in NO_EXAMPLE:
        assert inspect.isclass(getattr(mlm, name))
        return
    assert re.search(rf"\bmlm\.{name}\b|\b{name}\(", examples), name


@pytest.mark.parametrize("name", RESULTS)
def test_every_method_and_attribute_is_documented_and_used_in_an_example(name, examples):
    missing = [member for member in members(name) if not re.search(rf"\.{member}\b", examples)]
    own = inspect.getdoc(getattr(mlm, name))
    silent = [member for member in members(name)
              if not inspect.getdoc(getattr(getattr(mlm, name), member)) and not re.search(rf"\b{member}\b", own)]
    assert not missing and not silent


@pytest.mark.site
def test_every_public_name_and_method_has_an_anchor(site):
    found = set()
    for path in PAGES:
        found |= set(re.findall(r'id="(mlmlib\.[\w.]+)"', (site / "backmatter" / f"{path.stem}.html").read_text(encoding="utf-8")))
    assert not [name for name in PUBLIC if f"mlmlib.{name}" not in found]
    assert not [f"{name}.{member}" for name in RESULTS for member in members(name)
                if callable(getattr(getattr(mlm, name), member)) and f"mlmlib.{name}.{member}" not in found]


@pytest.mark.site
def test_entries_link_to_chapters_and_name_their_file(site):
    html = (site / "backmatter" / "library.html").read_text(encoding="utf-8")
    assert len(re.findall(r'href="\.\./chapters/\d\d_\w+\.html"', html.split('id="mlmlib.lmm"')[1])) > 40
    assert html.count("Written in ") > 80
