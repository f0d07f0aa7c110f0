"""Packages that only some functions need: where one is missing the rest works, and one sentence says what to install."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib import frames
from mlmlib.inference.blocks import bar_of
from mlmlib.optional import PACKAGES, needs
from toc import ROOT


def without(hidden: str, tmp_path, *names: str) -> dict:
    """What `tests/without.py` tells in a Python that does not find these packages."""
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"no Parquet")
    done = subprocess.run([sys.executable, str(ROOT / "tests" / "without.py"), hidden, str(path), *names], capture_output=True,
                          text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
                          input=json.dumps(mlm.load("sleepstudy").to_dict("list")))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return without("pandas,statsmodels,patsy,matplotlib,joblib,tqdm,pyarrow,polars,duckdb,docx,nbformat",
                   tmp_path_factory.mktemp("bare"))


INSTALL = {"pandas": "pandas", "statsmodels": "statsmodels", "matplotlib": '"mlmlib[plots]"', "joblib": '"mlmlib[parallel]"',
           "tqdm": '"mlmlib[parallel]"', "pyarrow": '"mlmlib[scale]"', "nbformat": '"mlmlib[exercises]"',
           "python-docx": '"mlmlib[word]"'}
NEEDED = {
    "load": ("mlm.load", "pandas"), "ols": ("mlm.ols", "statsmodels"), "gee": ("mlm.gee", "statsmodels"),
    "lag": ("mlm.growth.lag", "pandas"), "waves": ("mlm.growth.waves", "pandas"), "group_means": ("mlm.group_means", "pandas"),
    "person_period": ("mlm.person_period", "pandas"), "life_table": ("mlm.life_table", "pandas"),
    "two_level": ("mlm.simulate", "pandas"), "patient": ("mlm.simulate", "pandas"), "choice": ("mlm.simulate", "pandas"),
    "discrete_survival": ("mlm.simulate", "pandas"), "published": ("mlm.published", "pandas"),
    "plots": ("mlm.plots", "matplotlib"), "plot": ("mlm.plots", "matplotlib"), "grade": ("mlm.grading.grade", "nbformat"),
    "build": ("mlm.grading.build", "nbformat"), "n_jobs": ("n_jobs=", "joblib"), "progress": ("progress=True", "tqdm"),
    "parquet": ("Reading rows.parquet in chunks", "pyarrow"), "duckdb": ("Reading DuckDB's rows in chunks", "pyarrow")}


@pytest.mark.parametrize("call", NEEDED)
def test_what_is_missing_and_how_to_install_it_in_one_sentence(bare, call):
    what, package = NEEDED[call]
    assert bare[call] == f"ModuleNotFoundError: {what} needs the package {package}, which is not installed: pip install {INSTALL[package]}"


@pytest.mark.parametrize("call", ["report", "profile", "table"])
def test_what_only_a_table_of_pandas_can_names_pandas(bare, call):
    assert bare[call].startswith("AttributeError: ") and bare[call].endswith(
        "of a table needs the package pandas, which is not installed: pip install pandas")


SAME = ["equations", "equations, crossed", "equations, odds", "translate", "translate, crossed", "translate, odds", "translate, panel",
        "report, odds", "report, panel", "diagnose", "anova", "r2", "bootstrap", "quietly"]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return without("nothing", tmp_path_factory.mktemp("full"), *SAME, "power")


@pytest.mark.parametrize("call", SAME)
def test_what_needs_none_says_the_same_without_them(bare, full, call):
    assert bare[call] == full[call] and "Error" not in full[call] and len(full[call])


def test_a_power_study_prints_its_numbers_without_pandas(bare, full):
    """The tables are laid out a little differently."""
    assert bare["power"].split()[:6] == full["power"].split()[:6] and "Error" not in bare["power"]


def test_word_needs_its_package(tmp_path):
    found = without("docx", tmp_path, "word")["word"]
    assert found == ('ModuleNotFoundError: to_word() needs the package python-docx, which is not installed: pip install "mlmlib[word]"')


def test_a_module_of_our_own_that_is_missing_is_no_package():
    """A fault of ours is not told as something to install."""
    with pytest.raises(ModuleNotFoundError, match="^No module named 'mlmlib.nowhere'$"):
        with needs("mlm.lmm"):
            import mlmlib.nowhere  # noqa: F401


def test_a_progress_bar_is_left_out_in_silence_unless_it_was_asked_for(monkeypatch, capsys):
    monkeypatch.setattr("mlmlib.inference.blocks._watched", lambda: True)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with bar_of(10, None) as bar:
        bar.update(1)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ModuleNotFoundError, match="progress=True needs the package tqdm"):
        with bar_of(10, True):
            pytest.fail("the body is not reached")


# loaded only behind the gate named: a module that has asked for the package, or a call that got a table of its library
BEHIND = {"plots/": "plots/__init__.py", "published/": "published/__init__.py", "gee/": "gee/public.py",
          "grading/": "grading/__init__.py", "report/word.py": "to_word()", "widgets/component.py": "HTML where there is no anywidget",
          "frames.py": "itself", "inference/blocks.py": "joblib was asked for before",
          "report/translate/tabs.py": "plain text where there is no Pygments",
          "report/book.py": "reads the chapters of the book, whose environment has pandas"}
WORKSHOP = ("bench/", "cli/", "release/")  # the book's own tools, in an environment that the command makes


def asked_plainly(tree) -> set[str]:
    """Third-party packages but NumPy and SciPy that are imported outside of ``with needs(...)``."""
    safe = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(getattr(getattr(item.context_expr, "func", None), "id", "") == "needs" for item in node.items):
            safe |= {id(inner) for inner in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in safe or not isinstance(node, ast.Import | ast.ImportFrom) or getattr(node, "level", 0):
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
        found |= {name.partition(".")[0] for name in names}
    return found - set(sys.stdlib_module_names) - {"numpy", "scipy", "mlmlib"}


def test_no_function_of_the_library_imports_an_optional_package_plainly():
    found = {}
    for path in sorted((ROOT / "mlmlib").rglob("*.py")):
        name = path.relative_to(ROOT / "mlmlib").as_posix()
        if not name.startswith((*WORKSHOP, *BEHIND)) and (plain := asked_plainly(ast.parse(path.read_text(encoding="utf-8")))):
            found[name] = plain
    assert not found, "import it within needs(...), or take mlmlib.frames for pandas"


def test_the_search_for_plain_imports_finds_them():
    assert asked_plainly(ast.parse("def f():\n    import pandas as pd\n    from joblib import Parallel")) == {"pandas", "joblib"}
    assert asked_plainly(ast.parse("with needs('f()'):\n    import pandas.core\nimport os, numpy")) == set()


def test_every_package_has_a_way_to_be_installed():
    assert {extra for _, extra in PACKAGES.values()} >= {"", "plots", "parallel", "word", "labs", "scale", "exercises"}


ROWS = {"x": [1.5, 2.5, 4.0], "k": [1, 2, 3], "s": ["a", "b", "c"]}


@pytest.fixture
def tables():
    """The same rows with pandas and with the stand-in."""
    return pd.DataFrame(ROWS, index=list("pqr")), frames._OWN["DataFrame"](ROWS, index=list("pqr"))


def test_the_stand_in_of_a_table_reads_as_pandas(tables):
    theirs, ours = tables
    assert ours.shape == theirs.shape and ours.columns == list(theirs.columns) and list(ours) == list(theirs)
    assert ours["x"].to_dict() == theirs["x"].to_dict() and ours["s"].tolist() == theirs["s"].tolist()
    assert ours[["k", "x"]].to_numpy().tolist() == theirs[["k", "x"]].to_numpy().tolist()
    assert ours.loc["q"]["x"] == theirs.loc["q", "x"] and ours.to_dict() == theirs.to_dict()
    assert ours[ours["x"] > 2].to_dict() == theirs[theirs["x"] > 2].to_dict()
    assert [tuple(row) for row in ours.itertuples()] == [tuple(row) for row in theirs.itertuples()]
    assert [tuple(row) for row in ours.itertuples(index=False)] == [tuple(row) for row in theirs.itertuples(index=False)]
    assert [(label, row.tolist()) for label, row in ours.iterrows()] == [(label, row.tolist()) for label, row in theirs.iterrows()]
    assert ours.round(0)["x"].tolist() == theirs.round(0)["x"].tolist() and "x" in ours and "z" not in ours
    assert ours.get("z", 7) == theirs.get("z", 7) == 7 and ours.get("k")["r"] == 3


def test_the_stand_in_of_a_column_reads_as_pandas(tables):
    theirs, ours = (table["x"] for table in tables)
    for one in (lambda s: s.min(), lambda s: s.max(), lambda s: s.mean(), lambda s: s.sum(), lambda s: s["q"], lambda s: s.get("z", 0),
                lambda s: len(s), lambda s: s.ndim, lambda s: list(s), lambda s: list(s.items()), lambda s: list(s.keys()),
                lambda s: "q" in s, lambda s: 2.5 in s, lambda s: (2 / (1 - s) ** 2 + s * s).tolist(), lambda s: (s >= 2.5).tolist(),
                lambda s: s[1:].to_dict(), lambda s: s.round(0).tolist(), lambda s: (s == s.copy()).all() if hasattr(s, "all") else True):
        assert one(ours) == one(theirs)
    assert isinstance(ours.to_numpy(), np.ndarray) and np.asarray(ours).tolist() == theirs.tolist()
    with pytest.raises(KeyError, match="z"):
        ours["z"]


def test_the_stand_in_can_be_written_to_and_made_of_rows():
    kind = frames._OWN["DataFrame"]
    table = kind([(1, 2.0), (3, 4.0)], columns=["a", "b"])
    table["c"] = 7
    table[["a", "b"]] = {"a": [9, 8], "b": [0.5, 0.25]}
    assert table.to_dict() == {"a": {0: 9, 1: 8}, "b": {0: 0.5, 1: 0.25}, "c": {0: 7, 1: 7}}
    assert table.copy().to_dict() == table.to_dict() and kind([{"a": 1}, {"a": 2}])["a"].tolist() == [1, 2]
    assert kind(np.eye(2), columns=["a", "b"])["b"].tolist() == [0, 1] and kind(columns=["a"]).shape == (0, 1)
    assert frames._OWN["Index"](["u", "v"], name="n") == ["u", "v"]


def test_a_long_stand_in_shows_its_ends():
    shown = str(frames._OWN["DataFrame"]({"a": range(100)})).splitlines()
    assert len(shown) == 12 and shown[6].split() == ["..."] and shown[-1].split() == ["99", "99"]
    assert str(frames._OWN["Series"]({"u": 0.5, "v": 2.0}, name="n")).split() == ["n", "u", "0.5", "v", "2"]


def test_what_only_pandas_has_is_said(tables):
    for one in tables[1], tables[1]["x"]:
        with pytest.raises(AttributeError, match="^'groupby' of a table needs the package pandas"):
            _ = one.groupby
    with pytest.raises(AttributeError):
        _ = frames.__nothing__


def test_without_pandas_tables_are_our_own_and_the_rest_is_refused(monkeypatch):
    assert frames.Series is pd.Series
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert frames.Series is frames._OWN["Series"]
    with pytest.raises(ModuleNotFoundError, match=r"^A table \(concat\) needs the package pandas"):
        _ = frames.concat
