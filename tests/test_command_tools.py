"""The maintainer's half of the command: the environment and its lock, versions, coverage, outside links. Nothing is installed or asked."""

from __future__ import annotations

import http.server
import io
import json
import subprocess
import sys
import threading
import types
from argparse import Namespace
from pathlib import Path

import pytest

from mlmlib.cli import coverage, environment, links, lock, versions
from mlmlib.cli.environment import SetupError
from toc import ROOT


def finished(command, code=0, out="", err=""):
    return subprocess.CompletedProcess(command, code, out, err)


# --- the environment ------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A book with a lock of two packages, where Python is asked for nothing."""
    monkeypatch.delenv("MLM_PYTHON", raising=False)
    for name in environment.LOCKS.values():
        (tmp_path / name).write_text("numpy==2.0 --hash=x\nscipy==1.13 --hash=y\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def steps(tree, monkeypatch):
    """What would be run: making the environment and pip, which end with `codes` in turn."""
    made = types.SimpleNamespace(commands=[], codes=[])

    def run(command, **options):
        made.commands.append(command)
        code = made.codes.pop(0) if made.codes else 0
        if "venv" in command and not code:
            (tree / ".venv").mkdir(exist_ok=True)
            python = environment.interpreter(tree / ".venv")
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        return finished(command, code, "said ", "why")

    def follow(command, root, log, total):
        made.commands.append(command)
        log.write("first line\nERROR: no such package\n")
        log.flush()
        return made.codes.pop(0) if made.codes else 0

    monkeypatch.setattr(environment.subprocess, "run", run)
    monkeypatch.setattr(environment, "_follow", follow)
    return made


def test_the_root_is_the_nearest_folder_above(tmp_path):
    (tmp_path / "_toc.yml").touch()
    (tmp_path / "mlmlib" / "cli").mkdir(parents=True)
    assert environment.find_root(tmp_path / "mlmlib" / "cli") == tmp_path.resolve() == environment.find_root(tmp_path)
    (tmp_path / "mlmlib" / "_toc.yml").touch()  # a folder without the library is not the book
    assert environment.find_root(tmp_path / "mlmlib") == tmp_path.resolve()


def test_a_python_that_is_named_is_taken_as_it_is(tree, monkeypatch):
    monkeypatch.setenv("MLM_PYTHON", sys.executable)
    assert environment.ensure(tree, "test") == Path(sys.executable) and environment.is_current(Path(sys.executable))
    assert not environment.is_current(tree / "python")


def test_an_old_python_is_refused(tree, monkeypatch):
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 1))
    with pytest.raises(SetupError, match="Python 3.11 or newer is needed; this is "):
        environment.ensure(tree, "book")


def test_the_environment_is_made_once_and_again_when_the_lock_changes(tree, steps, capsys):
    python = environment.ensure(tree, "book")
    assert python == environment.interpreter(tree / ".venv") and [command[1:3] for command in steps.commands] == [["-m", "venv"], ["-m", "pip"], ["-m", "pip"]]
    assert "--require-hashes" in steps.commands[1] and steps.commands[2][-1] == str(tree)
    said = capsys.readouterr().out
    assert "Making .venv with Python" in said and "Installing up to 2 locked packages" in said and "Installed in" in said
    assert environment.ensure(tree, "book") == python and len(steps.commands) == 3
    environment.ensure(tree, "test")
    assert [command[1:4] for command in steps.commands[3:4]] == [["-m", "pip", "--version"]], "the environment stays, its packages are added to"
    (tree / environment.LOCKS["book"]).unlink()
    assert environment.ensure(tree, "book") == python, "the tests' lock has all that the book's has"


def test_a_changed_packaging_is_installed_again_but_line_ends_do_not_count(tree, steps):
    environment.ensure(tree, "test")
    for name in ("pyproject.toml", environment.LOCKS["test"]):
        path = tree / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    environment.ensure(tree, "test")
    assert len(steps.commands) == 3
    (tree / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    environment.ensure(tree, "test")
    assert len(steps.commands) == 6


def test_an_environment_without_pip_is_made_anew(tree, steps):
    environment.ensure(tree, "test")
    (tree / ".venv" / "mlm-test.stamp").unlink()
    steps.codes = [1]
    environment.ensure(tree, "test")
    assert [command[2] for command in steps.commands[3:]] == ["pip", "venv", "pip", "pip"]


def test_a_failed_environment_says_what_to_install(tree, steps):
    steps.codes = [1]
    with pytest.raises(SetupError, match="install python3-venv and try again.\nsaid why"):
        environment.ensure(tree, "test")


def test_a_failed_pip_shows_the_end_of_its_log_and_leaves_no_stamp(tree, steps):
    steps.codes = [0, 3]
    with pytest.raises(SetupError, match=r"pip could not install the lock \(exit 3\)(.|\n)*ERROR: no such package"):
        environment.ensure(tree, "test")
    assert not list((tree / ".venv").glob("*.stamp"))


def test_a_missing_lock(tree, steps):
    (tree / environment.LOCKS["test"]).unlink()
    (tree / ".venv").mkdir()
    with pytest.raises(SetupError, match="^requirements-test.lock is missing: `mlm lock` makes it.$"):
        environment._install(tree, tree / ".venv", Path("python"), "test")


def test_variables_of_our_tools(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "else")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    found = environment.variables(tmp_path)
    assert found["PYTHONPATH"].split(environment.os.pathsep) == [str(tmp_path), "else"]
    assert found["OPENBLAS_NUM_THREADS"] == "1" and found["OMP_NUM_THREADS"] == "4", "a reader's own number stays"
    profile = Path(found["IPYTHONDIR"]) / "profile_default" / "ipython_kernel_config.py"
    assert "log_level" in profile.read_text(encoding="utf-8")
    profile.write_text("# own\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert environment.variables(tmp_path)["PYTHONPATH"] == str(tmp_path) and profile.read_text(encoding="utf-8") == "# own\n"


PIP = "print('Collecting numpy==2.0'); print('  x'); print('Collecting scipy==1.13'); print('Installing collected packages: a'); raise SystemExit(4)"


@pytest.mark.parametrize("tty", [False, True])
def test_pip_is_followed_on_one_line_and_kept_in_the_log(tmp_path, monkeypatch, capsys, tty):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: tty)
    log = io.StringIO()
    assert environment._follow([sys.executable, "-c", PIP], tmp_path, log, 2) == 4
    said = capsys.readouterr().out
    assert log.getvalue().splitlines()[2] == "Collecting scipy==1.13" and "1 of 2  numpy" in said and "unpacking ..." in said
    assert ("\r" in said) == tty


def test_a_stop_ends_pip_too(tmp_path):
    class Full(io.StringIO):
        def write(self, text):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environment._follow([sys.executable, "-c", "import time; print('x', flush=True); time.sleep(60)"], tmp_path, Full(), 1)


# --- the lock and the versions, with a made-up uv ---------------------------------------------------------


@pytest.fixture
def uv(monkeypatch):
    """Answers of `uv export`, and what it was asked for."""
    made = types.SimpleNamespace(text="numpy==2.0 \\\n    --hash=sha256:1\nscipy==1.13 ; python_version > '3'\n", asked=[])

    def run(command, cwd=None, **options):
        made.asked.append(command)
        assert (Path(cwd) / "pyproject.toml").is_file() and (Path(cwd) / "README.md").is_file()
        return finished(command, out=made.text)

    monkeypatch.setattr(lock.shutil, "which", lambda name: "uv")
    monkeypatch.setattr(lock.subprocess, "run", run)
    return made


def test_both_locks_come_of_one_resolution(tree, uv, capsys):
    assert lock.run(tree, Namespace()) == 0
    assert [command[1] for command in uv.asked] == ["lock", "export", "export"]
    written = (tree / "requirements.lock").read_text(encoding="utf-8")
    assert written == "# Made by `make lock` from pyproject.toml, extras book, lab, word: do not edit.\n" + uv.text
    assert "exercises" in (tree / "requirements-test.lock").read_text(encoding="utf-8").splitlines()[0]
    assert capsys.readouterr().out == "requirements.lock: 2 packages\nrequirements-test.lock: 2 packages\n"


@pytest.mark.parametrize("line", ["--find-links x\n", "a @ " + "https:" + "//example.org/a.whl\n"])
def test_a_lock_with_an_address_is_not_written(tree, uv, line):
    uv.text += line
    with pytest.raises(SetupError, match="the export holds an address"):
        lock.run(tree, Namespace())
    assert "--hash=x" in (tree / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", [lock, versions])
def test_without_uv(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.shutil, "which", lambda name: None)
    with pytest.raises(SetupError, match="^`uv` is needed"):
        tool.run(tmp_path, Namespace(python=[]))


@pytest.fixture
def matrix(tmp_path, monkeypatch):
    """A book to be tested with made-up environments; `fail` says which commands fail, `tests` what pytest prints."""
    made = types.SimpleNamespace(fail={}, tests="x\n12 passed, 1 skipped in 3.2s\n", asked=[])
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=2"]\n[project.optional-dependencies]\nplots = ["matplotlib"]\nparallel = ["joblib"]\n'
        'word = []\n', encoding="utf-8")
    (tmp_path / "backmatter").mkdir()

    def quiet(command, root, env):
        made.asked.append(command)
        if command[1] == "venv":
            Path(command[-1]).mkdir(parents=True, exist_ok=True)
        for word, error in made.fail.items():
            if word in command:
                return finished(command, 1, "", error)
        if "freeze" in command:
            return finished(command, out="numpy==2.0.0\nother==1\njoblib==1.4\n")
        if "-c" in command:
            return finished(command, out="3.11.9\n")
        return finished(command, out=made.tests if "pytest" in command and "-m" in command else "")

    monkeypatch.setattr(versions.shutil, "which", lambda name: "uv")
    monkeypatch.setattr(versions, "_quiet", quiet)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return made


def rows_of(root):
    return json.loads((root / versions.TABLE).read_text(encoding="utf-8"))


def test_oldest_and_newest_versions_are_tested_and_kept(matrix, tmp_path, capsys):
    (tmp_path / versions.TABLE).write_text('[{"python": "3.12", "versions": "newest"}, {"python": "3.11", "versions": "newest"}]', encoding="utf-8")
    assert versions.run(tmp_path, Namespace(python=["3.11"])) == 0
    oldest, newest, other = rows_of(tmp_path)
    assert (oldest["versions"], newest["versions"], other["python"]) == ("oldest", "newest", "3.12")
    assert oldest["with"] == {"numpy": "2.0.0", "joblib": "1.4"} and oldest["exactly"] == "3.11.9"
    assert (oldest["passed"], oldest["failed"], oldest["skipped"]) == (12, 0, 1) and "which" not in oldest
    assert "Python 3.11.9, oldest: 12 passed, 0 failed, 1 skipped" in capsys.readouterr().out
    resolved = [command for command in matrix.asked if "--resolution" in command]
    assert [command[command.index("--resolution") + 1] for command in resolved] == ["lowest-direct", "highest"] and resolved[0][-3:] == ["numpy>=2", "matplotlib", "joblib"]


def test_failures_are_named(matrix, tmp_path):
    matrix.tests = "FAILED tests/test_ols.py::test_one - AssertionError\n1 failed, 11 passed, 1 error in 2s\n"
    assert versions.run(tmp_path, Namespace(python=["3.11"])) == 1
    assert rows_of(tmp_path)[0]["failed"] == 2 and rows_of(tmp_path)[0]["which"] == ["tests/test_ols.py::test_one"]


@pytest.mark.parametrize("said", ["", "a\nImportError: no numpy\n"])
def test_tests_that_do_not_start_are_a_failure(matrix, tmp_path, said):
    matrix.tests = said
    assert versions.run(tmp_path, Namespace(python=["3.11"])) == 1
    row = rows_of(tmp_path)[0]
    assert row["failed"] == 1 and row["passed"] == 0 and row.get("which", []) == said.splitlines()


def test_what_cannot_be_had_is_said(matrix, tmp_path, capsys):
    matrix.fail = {"venv": ""}
    assert versions.run(tmp_path, Namespace(python=[])) == 0
    assert [row["python"] for row in rows_of(tmp_path)] == sorted(versions.PYTHONS * 2)
    assert "Python 3.14, newest: this Python could not be had" in capsys.readouterr().out
    matrix.fail = {"--resolution": "hint\n  no wheel of numpy\n"}
    versions.run(tmp_path, Namespace(python=["3.11"]))
    assert rows_of(tmp_path)[0]["missing"] == "no such versions for this Python: no wheel of numpy"
    matrix.fail = {"hypothesis": "conflict"}
    with pytest.raises(SetupError, match="could not be installed beside these versions:\nconflict"):
        versions.run(tmp_path, Namespace(python=["3.11"]))


def test_a_python_of_pyenv_is_found(matrix, tmp_path):
    own = tmp_path / "pyenv" / "versions" / "3.12.4" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert versions._found("3.12") == str(own) and versions._found("3.13") == "3.13"
    assert versions.__dict__["_line"]({"python": "3.13", "versions": "newest", "missing": "why"}) == "Python 3.13, newest: why"


def test_what_is_run_is_kept_quiet():
    done = subprocess.run([sys.executable, "-c", "from mlmlib.cli.versions import _quiet; import sys; from pathlib import Path; "
                           "print(_quiet([sys.executable, '-c', 'print(7)'], Path('.'), {}).stdout)"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["7"] and not done.stderr


# --- coverage ---------------------------------------------------------------------------------------------


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A book whose coverage is made up: 19 of 20 lines, `branches` of 10."""
    made = types.SimpleNamespace(branches=9, code=0, built=0, asked=[])
    (tmp_path / "tests").mkdir()
    (tmp_path / "backmatter").mkdir()
    (tmp_path / coverage.LEFT).write_text("", encoding="utf-8")

    def run(command, **options):
        made.asked.append(command)
        if "json" in command:
            part = {"covered_lines": 19, "num_statements": 20, "covered_branches": made.branches, "num_branches": 10}
            Path(command[-1]).write_text(json.dumps({"files": {"mlmlib\\ols.py": {"summary": part, "functions": {}}}}), encoding="utf-8")
        return finished(command, out="abc123\n")

    def call(command, **options):
        made.asked.append(command)
        return made.code if "pytest" in command else made.built

    monkeypatch.setattr(coverage.subprocess, "run", run)
    monkeypatch.setattr(coverage.subprocess, "call", call)
    return made


def coverage_args(**more):
    return Namespace(**{"report": False, "write": False, "pytest": []} | more)


def test_a_run_is_measured_and_its_figures_are_kept(measured, tmp_path, capsys):
    assert coverage.run(tmp_path, coverage_args(write=True)) == 0
    built, tests, combined = measured.asked[:3]
    assert built[-1] == "book" and tests[3:6] == ["run", "-m", "pytest"] and {"tests", "chapters"} <= set(tests) and combined[3] == "combine"
    kept = json.loads((tmp_path / coverage.TABLE).read_text(encoding="utf-8"))
    assert kept["needed"] == kept["all"] == {"lines": 95.0, "branches": 90.0} and kept["commit"] == "abc123" and kept["left"] == 0
    assert "lines: 95.0 % of what can be reached (at least 95), 95.0 % of all" in capsys.readouterr().out


def test_a_bound_that_does_not_hold_is_a_failure(measured, tmp_path):
    measured.branches = 8
    assert coverage.run(tmp_path, coverage_args()) == 1


def test_failed_tests_are_not_kept(measured, tmp_path):
    measured.code = 4
    assert coverage.run(tmp_path, coverage_args(write=True)) == 4 and not (tmp_path / coverage.TABLE).exists()


def test_a_book_that_is_not_built_is_one_sentence(measured, tmp_path):
    measured.built = 1
    with pytest.raises(SetupError, match="the book was not built(.*)nothing was measured"):
        coverage.run(tmp_path, coverage_args())
    assert len(measured.asked) == 1


def test_a_part_of_the_tests_is_not_kept(measured, tmp_path):
    assert coverage.run(tmp_path, coverage_args(write=True, pytest=["tests/test_ols.py"])) == 0
    assert measured.asked[0][-1] == "tests/test_ols.py" and not (tmp_path / coverage.TABLE).exists()


def test_a_report_runs_nothing(measured, tmp_path):
    assert coverage.run(tmp_path, coverage_args(report=True)) == 0
    assert [command[3] for command in measured.asked] == ["json"]


def test_nothing_to_count_is_all_of_it():
    assert coverage.shares({}, "all") == {"lines": 100.0, "branches": 100.0}
    assert coverage.reasons_of([{"file": "a.py", "functions": ["f"]}, {"file": "b.py", "functions": ["*"]}], "b.py") == {"*"}


# --- links --------------------------------------------------------------------------------------------------


class Site(http.server.BaseHTTPRequestHandler):
    """Answers by the name of the page: a number, or one that refuses HEAD."""

    def do_HEAD(self):
        self.answer("HEAD")

    def do_GET(self):
        self.answer("GET")

    def answer(self, method):
        name = self.path.strip("/")
        self.send_response(405 if name == "shy" and method == "HEAD" else 200 if name == "shy" else int(name))
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("page, said", [("200", "ok"), ("shy", "ok"), ("403", "ok"), ("404", "answers 404"), ("500", "answers 500")])
def test_what_a_site_answers(site, page, said):
    assert links.answer(f"{site}/{page}", 5.0) == said


def test_a_site_that_is_not_there():
    assert "refused" in links.answer("http://127.0.0.1:9/x", 5.0).lower() and "unknown" in links.answer("nowhere:x", 1.0)


def book_with(tmp_path, text):
    (tmp_path / "intro.md").write_text(text, encoding="utf-8")
    (tmp_path / "references.bib").write_text("@book{a,\n  doi = {10.1000/182},\n}\n", encoding="utf-8")
    return tmp_path


def test_dead_links_are_told_with_their_places(tmp_path, monkeypatch, capsys):
    good, bad = "https:" + "//good.org/a_(b)", "https:" + "//bad.org"
    root = book_with(tmp_path, f"See ({good}), <{bad}> and http://localhost:8000/.")
    assert list(links.addresses(root)) == [bad, "https:" + "//doi.org/10.1000/182", good]
    monkeypatch.setattr(links.socket, "getaddrinfo", lambda *a: [])
    monkeypatch.setattr(links, "answer", lambda address: "answers 404" if address == bad else "ok")
    assert links.run(root, Namespace()) == 1
    assert capsys.readouterr().out == f"{bad}: answers 404  (intro.md)\n2 of 3 addresses answer.\n"
    monkeypatch.setattr(links, "answer", lambda address: "ok")
    assert links.run(root, Namespace()) == 0


def test_without_the_net_nothing_is_asked(tmp_path, monkeypatch, capsys):
    def nowhere(*args):
        raise OSError

    monkeypatch.setattr(links.socket, "getaddrinfo", nowhere)
    monkeypatch.setattr(links, "answer", lambda address: pytest.fail("nothing is to be asked"))
    assert links.run(book_with(tmp_path, "none"), Namespace()) == 2
    assert capsys.readouterr().out == "1 addresses were found and none was asked: this machine does not reach the net.\n"
