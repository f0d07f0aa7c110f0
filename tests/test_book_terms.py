"""Every term of the glossary is a link where the book first uses it."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))

# what is no use of a term: roles, code, mathematics, headings, directives' lines, options, labels, links
BLOCK = re.compile(r"^(`{3,})(?!\{(?:exercise|solution|admonition|dropdown)).*?^\1", re.S | re.M)
OTHER = re.compile(r"\{[a-z:]+\}`[^`]*`|^`{3,}[^\n]*$|\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|^#[^\n]*$|^:::[^\n]*$|^:\w+:[^\n]*$"
                   r"|\]\([^)]*\)|^\([^\n]*\)=$|https?://\S+", re.S | re.M)

# words that chapters also use in their everyday sense, before the term is met
EVERYDAY = {"level", "influence", "threshold", "nested"}

# a program or a fit that is named before the chapter where its term is due
NAMED = {"hierarchical linear model": "HLM, the program, in chapter 1's tabs",
         "random effect": "lme4's refusal, quoted in chapter 1's tabs"}


def glossary() -> list[list[str]]:
    """The names of each entry, the first one its own."""
    lines = (ROOT / "backmatter" / "glossary.md").read_text(encoding="utf-8").split("{glossary}")[1].splitlines()[1:]
    entries, names = [], []
    for line in lines:
        if line.startswith(("```", ":::")):
            break
        if line.startswith(" "):
            if names:
                entries.append(names)
            names = []
        elif line.strip() and not line.startswith(":"):
            names.append(line.strip())
    return entries


ENTRIES = glossary()


def prose(text: str) -> str:
    """The text with everything else blanked, so that places stay what they were."""
    for pattern in (BLOCK, OTHER):
        text = pattern.sub(lambda found: " " * len(found.group(0)), text)
    return text


def cells():
    for path in CHAPTERS:
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                yield path.name, cell.source, prose(cell.source)


CELLS = list(cells())


def uses(names, text):
    """Places where one of the names stands in prose, the plural too; an abbreviation keeps its capitals."""
    for name in names:
        pattern = r"(?<![\w-])" + re.escape(name).replace(r"\ ", r"\s+") + r"(?:s|es)?(?![\w-])"
        yield from (found.start() for found in re.finditer(pattern, text, 0 if name.isupper() else re.I))


def links(names, source):
    """Places where one of the names is linked to the glossary."""
    lower = {name.lower() for name in names}
    for found in re.finditer(r"\{term\}`([^`<]*?)(?:\s*<([^>]*)>)?`", source):
        target = re.sub(r"\s+", " ", found.group(2) or found.group(1))
        if target.lower().replace("’", "'") in lower or target.lower() in lower:
            yield found.start()


def first_use(names):
    """Chapter of the first use, and whether it is a link; None where the chapters never use it."""
    for chapter, source, text in CELLS:
        used, linked = min(uses(names, text), default=None), min(links(names, source), default=None)
        if used is not None or linked is not None:
            return chapter, linked is not None and (used is None or linked < used)
    return None


def test_the_glossary_is_large_and_in_order():
    firsts = [names[0].lower() for names in ENTRIES]
    assert len(ENTRIES) >= 120
    assert firsts == sorted(firsts, key=lambda name: name.replace("-", " "))
    every = [name for names in ENTRIES for name in names]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("names", ENTRIES, ids=lambda names: names[0])
def test_a_term_is_a_link_at_its_first_use(names):
    if names[0] in EVERYDAY | set(NAMED):
        assert any(list(links(names, source)) for _, source, _ in CELLS), f"no chapter links {names[0]!r}"
        return
    first = first_use(names)
    assert first is None or first[1], f"{first[0]} uses {names[0]!r} before it is linked to the glossary"
