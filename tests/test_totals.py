"""The counts on the page about tests, and what every chapter has at least."""

from pathlib import Path

import pytest

from bookext import totals

ROOT = Path(__file__).resolve().parent.parent
COUNTS = totals.counts(ROOT)


def test_words_are_those_of_the_text():
    text = "# A title\n\n(label)=\nTwo words, {eval}`f\"{x:.1f}\"` and $x + y$.\n\n```python\nnot = these\n```\n````{exercise-start} One\n:label: a\n"
    assert totals.words(text) == len("A title Two words and".split())  # a directive's own line is not text


def test_the_table_adds_up():
    last = totals.table(ROOT).splitlines()[-1]
    assert f"*{sum(row['words'] for row in COUNTS.values()):,}*" in last


@pytest.mark.parametrize("page", COUNTS)
def test_a_chapter_has_what_every_chapter_has(page):
    row = COUNTS[page]
    assert 2500 <= row["words"] <= 5500
    assert row["code cells"] >= row["words"] / 110
    assert row["figures"] + row["labs"] >= 2
    assert row["self-checks"] >= 5 and row["exercises"] >= 5 and row["graded questions"] >= 10
