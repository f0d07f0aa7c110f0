"""Where feedback pages send students: every question names a section, and every section that is named exists."""

from __future__ import annotations

import re

import pytest

import exercise_kit as kit
from mlmlib.grading import feedback_page, places

CHAPTERS = kit.ROOT / "chapters"
NAMED = places.author()


def test_only_exercises_are_named():
    assert set(NAMED) == set(kit.NAMES)


@pytest.mark.parametrize("name", kit.NAMES)
def test_every_question_names_sections_that_exist(name):
    _, asked = kit.read(name)
    assert list(NAMED[name]) == [q.name for q in asked]
    for question, addresses in NAMED[name].items():
        assert 1 <= len(addresses) <= 3 and len(set(addresses)) == len(addresses), question
        for address in addresses:
            assert places.title_of(CHAPTERS, name, address)


@pytest.mark.parametrize("name", kit.NAMES)
def test_a_chapter_is_used_widely(name):
    """A map that sends everybody to one section says nothing."""
    used = {address for addresses in NAMED[name].values() for address in addresses if "#" not in address}
    assert len(used) >= 6


@pytest.mark.site
@pytest.mark.parametrize("name", kit.NAMES)
def test_addresses_are_those_of_the_built_page(site, name):
    for addresses in NAMED[name].values():
        for address in addresses:
            other, _, place = address.rpartition("#")
            page = (site / "chapters" / f"{other or name}.html").read_text(encoding="utf-8")
            assert f'<section id="{place}">' in page, address


def test_an_address_that_does_not_exist_is_refused():
    with pytest.raises(KeyError, match="0 sections with the address no-such-place"):
        places.title_of(CHAPTERS, "03_random_intercepts", "no-such-place")


def test_a_feedback_page_names_both_chapters():
    book, asked = kit.read("04_random_slopes")
    found = places.places("04_random_slopes", book, asked)["q4_16"]
    mark = {"question": "q4_16", "points": 0.0, "possible": 2.0, "messages": ["No."], "manual": False}
    said = feedback_page._question(mark, found, "https://book")
    links = re.findall(r'href="https://book/chapters/([\w#.-]+)"', said)
    assert links == ["04_random_slopes.html#model-c-slopes-vary-and-may-go-with-levels",
                     "05_level2_predictors.html#model-5-why-levels-and-slopes-differ"]
    assert "Look in chapter 4: " in said and "Also look in chapter 5: " in said


def test_an_exercise_without_names_gets_the_sections_most_like_it(tmp_path):
    book, asked = kit.read("03_random_intercepts")
    found = places.places("03_random_intercepts", book, asked, named=tmp_path / "none.toml")
    assert all(1 <= len(place["sections"]) <= 2 for place in found.values())
