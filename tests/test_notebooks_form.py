"""How a chapter's notebook has to be kept, so that it reviews, runs and reads well."""

from __future__ import annotations

import json
import re

import nbformat
import pytest

from toc import ROOT, chapters

NETWORK = re.compile(r"https?://|urlopen|requests\.|httpx|urllib|sm\.datasets|get_rdataset|pip install")
SECTIONS = {
    "objectives": r"after this chapter you can",
    "the model in other programs": r"elsewhere|other (programs|packages|software)",
    "published results": r"published|reference",
    "common mistakes": r"mistakes",
    "self-check": r"self-check|check yourself",
    "exercises": r"exercises",
    "summary": r"summary",
    "further reading": r"further reading",
}


@pytest.fixture(params=chapters(), ids=lambda name: name.split("/")[1])
def notebook(request):
    path = ROOT / f"{request.param}.ipynb"
    return nbformat.read(path, as_version=4)


def cells(notebook, kind):
    return [(i, c) for i, c in enumerate(notebook.cells) if c.cell_type == kind]


def tags(cell):
    return cell.metadata.get("tags", [])


def test_notebook_is_valid_and_for_any_python(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"


def test_only_reference_cells_keep_an_output(notebook):
    stored = [i for i, c in cells(notebook, "code") if c.outputs and "reference" not in tags(c)]
    empty = [i for i, c in cells(notebook, "code") if "reference" in tags(c) and not c.outputs]
    assert not stored, f"cells {stored} hold outputs"
    assert not empty, f"reference cells {empty} hold no published output to compare with"
    assert all(c.execution_count is None for _, c in cells(notebook, "code") if "reference" not in tags(c))


def test_code_cells_are_short(notebook):
    limit = 10
    counts = {i: len([line for line in c.source.splitlines() if line.strip()]) for i, c in cells(notebook, "code")}
    assert not {i: n for i, n in counts.items() if n > limit}
    seen = [(i, c) for i, c in cells(notebook, "code") if "remove-input" not in tags(c)]  # a question's text is hidden, and prose
    assert not {i for i, c in seen if any(len(line) > 120 for line in c.source.splitlines())}


def test_no_cell_reads_the_network(notebook):
    assert not [i for i, c in cells(notebook, "code") if NETWORK.search(c.source)]


def test_cells_are_silent_about_the_machine(notebook):
    assert not [i for i, c in cells(notebook, "code") if re.search(r"^\s*[!%](?!config|matplotlib)", c.source, re.M)]
    assert not [i for i, c in cells(notebook, "code") if re.search(r"[\"'](/home|/Users|/work|/tmp|C:)", c.source)]


def test_figures_have_words(notebook):
    """A cell that shows a figure says in its metadata what is seen, and carries a caption."""
    silent = []
    for i, c in cells(notebook, "code"):
        if re.search(r"plt\.show\(|\.plot\.|\bplots?\.(?!style\b|text_color\b)\w+\(|plot_\w+\(", c.source) and "remove-output" not in tags(c):
            words = c.metadata.get("mystnb", {})
            alt, caption = words.get("image", {}).get("alt", ""), words.get("figure", {}).get("caption", "")
            if len(alt) < 40 or len(caption) < 20:
                silent.append(i)
    assert not silent


def test_chapter_has_its_parts(notebook):
    prose = "\n".join(c.source for _, c in cells(notebook, "markdown")).lower()
    assert not [name for name, pattern in SECTIONS.items() if not re.search(pattern, prose)]


def test_prose_is_the_length_agreed(notebook):
    prose = "\n".join(c.source for _, c in cells(notebook, "markdown"))
    words = len(re.findall(r"[A-Za-z][A-Za-z'-]+", re.sub(r"`[^`]*`|\$[^$]*\$", " ", prose)))
    assert 2500 <= words <= 7000, f"{words} words"


def test_notebook_is_stored_in_one_way():
    """One space of indent, no escapes: then a change of one line is a diff of one line."""
    for name in chapters():
        text = (ROOT / f"{name}.ipynb").read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n", name
