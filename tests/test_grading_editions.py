"""Editions: each student's own numbers and data, graded by whose file it is; variants to practice on."""

from __future__ import annotations

import shutil

import nbformat
import pytest

import exercise_kit as kit
from mlmlib.grading import building, check, draft, edition
from mlmlib.grading.source import read
from mlmlib.grading.supervise import Limits

QUICK = Limits(cell_seconds=10, total_seconds=120, memory_mb=1500)
DIFFERS = '''%% exercise 91_differs
# Differs

%% edition
```python
number = draw(21, range(30, 3000))
rows = draw(0, range(1, 10_000))
```

```python
import mlmlib as mlm

math = mlm.load("math").sample(frac=0.8, random_state=[[rows]])
table = math[["ses"]]
```

%% question q91_1 points=2
Give `twice`, two times [[number]], a number near [[2 * number:.0f]].
%% solution
```python
twice = 2 * [[number]]  # SOLUTION
```
%% tests
```python
# HIDDEN
def test_value(twice):
    from mlmlib.grading import check
    check.number(twice, 2 * [[number]], what="the double", known={"That is the number once.": [[number]]})
```
%% end

%% question q91_2 points=3
Give `mean`, the mean of `math["ses"]`.
%% solution
```python
mean = math["ses"].mean()  # SOLUTION
```
%% tests
```python
# HIDDEN
def test_value(mean):
    from mlmlib.grading import check, key
    check.number(mean, key.data("math").sample(frac=0.8, random_state=[[rows]])["ses"].mean(), what="the mean", tol=1e-9)
```
%% end
'''
STUDENTS = ["1001", "Ada L", "1003"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of an exercise with editions, built for three students."""
    place = tmp_path_factory.mktemp("editions")
    name, book = draft.to_notebook(DIFFERS)
    (place / "sources").mkdir()
    nbformat.write(book, place / "sources" / f"{name}.ipynb")
    assert draft.to_text(book, name).split() == DIFFERS.split()
    building.build_editions(STUDENTS, sources=place / "sources", out=place / "built", progress=lambda text: None)
    return place


def solved(built, who):
    """The model answers to a student's edition (None: the book's own)."""
    folder = built / "built" / "autograder" / "91_differs"
    return nbformat.read((folder / "editions" / edition.plain(who) if who else folder) / "91_differs.ipynb", as_version=4)


def test_the_own_edition_counts_and_another_ones_does_not(built):
    rows = kit.grade({
        "s_1001_1_91_differs.ipynb": solved(built, "1001"), "Ada L/91_differs.ipynb": solved(built, "Ada L"),
        "s_1003_1_91_differs.ipynb": solved(built, "1001"), "nobody/91_differs.ipynb": solved(built, "1003"), "other/91_differs.ipynb": solved(built, None),
    }, autograders=built / "built" / "autograder", limits=QUICK)
    points = {name: float(row["total"]) for name, row in rows.items()}
    assert points == {"s_1001_1_91_differs.ipynb": 5, "Ada L/91_differs.ipynb": 5, "s_1003_1_91_differs.ipynb": 0, "nobody/91_differs.ipynb": 5,
                      "other/91_differs.ipynb": 5}
    assert rows["s_1001_1_91_differs.ipynb"]["messages"] == ""
    assert "not the edition made for this student" in rows["s_1003_1_91_differs.ipynb"]["messages"]
    assert "cannot be told from the file's name" in rows["nobody/91_differs.ipynb"]["messages"]
    assert "no edition was made for this student" in rows["other/91_differs.ipynb"]["messages"]


def test_editions_differ_and_copies_do_not_hold_the_seed(built):
    copies = [(built / "built" / "student" / edition.plain(who) / "91_differs.ipynb").read_text(encoding="utf-8") for who in STUDENTS]
    base = (built / "built" / "student" / "91_differs.ipynb").read_text(encoding="utf-8")
    assert len({*copies, base}) == 4 and "two times 21, a number near 42" in base
    key = edition.secret(built / "built" / "autograder")
    for who, text in zip(STUDENTS, copies):
        assert str(edition.seed_of(key, "91_differs", who)) not in text
        assert "EDITION" not in text and "draw(" not in text and "[[number" not in text
    assert 'math[[\\"ses\\"]]' in base, "a selection of columns is no slot"
    assert edition.seed_of(key, "91_differs", "ada-l") == edition.seed_of(key, "91_differs", "Ada L") != edition.seed_of(key, "92", "Ada L")


def test_nothing_follows_from_earlier_answers_in_a_copy_of_another_edition():
    """There all answers follow from each other, so a copy handed on would earn what builds on the first steps."""
    def handed_in():
        check.number(6.0, 5.0, what="twice the first", follows=lambda told: 2 * told("first", 0, 10))

    with check.submission({"first": 3.0}):
        handed_in()
    with check.submission({"first": 3.0}, follow=False), pytest.raises(check.NotYet):
        handed_in()


def test_an_exercise_without_editions_is_the_same_for_all(built, tmp_path):
    shutil.copy(kit.workplace() / "tiny-sources" / "90_tiny.ipynb" if kit.tiny() else "", tmp_path)
    building.build_editions(["a", "b"], sources=tmp_path, out=tmp_path / "out", progress=lambda text: None)
    texts = {p.read_bytes() for p in (tmp_path / "out" / "student").rglob("*.ipynb")}
    assert len(texts) == 1
    with pytest.raises(ValueError, match="differ in letters and digits"):
        building.build_editions(["a-b", "ab"], sources=tmp_path, out=tmp_path / "out")


def test_a_variant_to_practice_on_comes_again_by_its_seed(built, tmp_path):
    texts = []
    for seed in (7, 7, 8, None):
        made = building.practice(seed=seed, sources=built / "sources", out=tmp_path, progress=lambda text: None)
        texts.append([c.source for c in nbformat.read(made["91_differs"][0], as_version=4).cells])
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("name", kit.NAMES)
def test_every_edition_of_the_books_exercises_can_be_solved(name):
    """Of three editions: values exist, and the right answer of each number is none of its known mistakes."""
    from mlmlib.grading import check
    from mlmlib.grading.source import test_functions
    raw = nbformat.read(kit.ROOT / "exercises" / f"{name}.ipynb", as_version=4)
    if not edition.differs(raw):
        pytest.skip("this exercise has one edition")
    changed = {i for i, c in enumerate(raw.cells) if edition.SLOT.search(c.source) and not edition.is_edition(c)}
    shift = sum(edition.is_edition(c) for c in raw.cells[:min(changed)])
    for seed in (1, 2, 3):
        book, asked = read(kit.ROOT / "exercises" / f"{name}.ipynb", seed)
        for question in asked:
            for index in (i for i in question.hidden if i + shift in changed):
                for function, names in test_functions(book.cells[index].source):
                    with check.recording() as log:
                        function(**{n: check.Name(n) for n in names})
                    for record in log:
                        function(**{names[0]: record.expected})
                        for wrong, reply in record.known:
                            wrong = record.expected ^ {wrong} if record.kind == "choose" else wrong
                            with pytest.raises(check.NotYet) as refusal:
                                function(**{names[0]: wrong})
                            assert reply in str(refusal.value), (seed, wrong)
