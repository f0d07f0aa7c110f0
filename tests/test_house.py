"""The rules of the house that a machine can check."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from toc import ROOT, pages

TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".js", ".css", ".ipynb", ".cff", ".lock", ".cfg", ".txt", ""}


def tracked():
    """What git keeps; without git (an unpacked archive) there is nothing to check."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git clone")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def texts():
    return [(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8", errors="replace")) for p in tracked() if p.suffix in TEXT]


def test_no_address_of_a_package_registry():
    hosts = re.compile(r"pypi\.(org|python)|pythonhosted|registry\.npmjs|deb\.debian|--(extra-)?index-url|index-url *=")
    assert not [name for name, text in texts() if hosts.search(text) and name != "tests/test_house.py"]


def test_no_path_of_one_machine():
    found = re.compile(r"(?<![\w.])/(home|Users|root|work)/\w")
    assert not [name for name, text in texts() if found.search(text) and name != "tests/test_house.py"]


def test_nothing_is_left_for_later():
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    assert not [name for name, text in texts() if mark.search(text) and not name.endswith(".lock") and ".ci/" not in name]


def test_library_files_stay_readable():
    long = {name: n for name, text in texts() if name.startswith("mlmlib/") and (n := text.count("\n")) > 400}
    assert not long


def test_nothing_large_or_foreign_is_committed():
    paths = [p.relative_to(ROOT).as_posix() for p in tracked()]
    assert not [p for p in paths if (ROOT / p).stat().st_size > 2_000_000]
    assert "uv.lock" not in paths
    assert not [p for p in paths if re.search(r"(^|/)(node_modules|_build|\.venv|__pycache__)/|\.min\.js$", p)]


def test_locks_hold_names_versions_and_hashes_only():
    packages = {}
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        packages[name] = set(re.findall(r"^([A-Za-z0-9._-]+==[^\s;\\]+)", text, flags=re.M))
        assert len(re.findall(r"--hash=sha256:", text)) >= len(packages[name]) > 100
    assert packages["requirements.lock"] < packages["requirements-test.lock"], "one version in both, and more in the second"


def test_locks_answer_pyproject():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements-test.lock").read_text(encoding="utf-8")
    wanted = list(project["dependencies"])
    for extra in ("book", "lab", "word", "exercises", "release", "scale", "test"):
        wanted += project["optional-dependencies"][extra]
    names = [re.match(r"[A-Za-z0-9._-]+", spec).group(0).lower() for spec in wanted]
    assert not [name for name in names if f"\n{name}==" not in lock], "run `make lock`"
    book = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.findall(r"^(dask|distributed|polars|pyarrow|duckdb)==", book, flags=re.M), "the book does without"


def test_command_line_needs_nothing_installed():
    """`python -m mlmlib.cli` has to start in a fresh clone: -S hides every installed package."""
    done = subprocess.run([sys.executable, "-S", "-m", "mlmlib.cli", "--help"], cwd=ROOT, capture_output=True, text=True, env={"PATH": ""})
    assert done.returncode == 0, done.stderr
    for verb in ("book", "test", "lab", "serve", "exercises", "grade", "bench", "release", "slides", "clean"):
        assert verb in done.stdout


def test_make_and_mlm_have_the_same_verbs():
    from mlmlib.cli import VERBS

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, flags=re.M).group(1).split())
    assert phony - {"help"} == set(VERBS)


def test_import_is_light():
    """`import mlmlib` must not pull in plotting or pandas; a notebook's first cell and a browser's Python wait for it."""
    code = "import sys, mlmlib; print([m for m in ('matplotlib', 'statsmodels', 'pandas', 'IPython') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_chapter_is_in_the_contents():
    found = {f"chapters/{p.stem}" for p in (ROOT / "chapters").glob("*.ipynb")}
    assert found <= set(pages())


def test_every_data_set_has_its_sheet_in_the_book():
    sheets = (ROOT / "backmatter" / "data.md").read_text(encoding="utf-8")
    sets = {p.name.split(".")[0] for p in (ROOT / "data").glob("*.csv*")} - {"math_cells"}
    assert sets and not [name for name in sets if f"data/{name}.md" not in sheets]


def test_bibliography_is_used_and_complete():
    text = (ROOT / "references.bib").read_text(encoding="utf-8")
    entries = re.split(r"\n@", "\n" + text)[1:]
    assert len(entries) >= 40
    for entry in entries:
        assert re.search(r"\byear\s*=", entry) and re.search(r"\b(author|editor)\s*=", entry), entry[:60]
