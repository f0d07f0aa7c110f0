"""The command `mlm`: its verbs, their arguments, what each starts, and what it says where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
import urllib.request
from argparse import Namespace
from pathlib import Path

import pytest
import yaml

import mlmlib.cli as cli
from mlmlib.cli import bench, book, checks, clean, environment, exercises, lab, release, serve, slides
from mlmlib.cli.environment import SetupError
from toc import ROOT


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty book, in which the command stands; the environment is the one that is running."""
    (tmp_path / "_toc.yml").write_text("root: intro\n", encoding="utf-8")
    (tmp_path / "mlmlib").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLM_PYTHON", sys.executable)
    monkeypatch.setattr(environment, "variables", lambda root: {"MLM_TEST": str(root)})
    monkeypatch.setenv("MLM_TEST", "")
    return tmp_path


@pytest.fixture
def calls(monkeypatch):
    """What `subprocess.call` was asked for; each answers with the next of `codes`, then with 0."""
    made = types.SimpleNamespace(commands=[], codes=[], env=[])

    def call(command, cwd=None, env=None):
        made.commands.append([str(word) for word in command])
        made.env.append(env)
        return made.codes.pop(0) if made.codes else 0

    monkeypatch.setattr(subprocess, "call", call)
    return made


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help_and_a_module(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args([verb, "--help"])
    said = capsys.readouterr().out
    need, module, text = cli.VERBS[verb]
    assert ended.value.code == 0 and f"usage: mlm {verb}" in said and text.split()[0] in said
    assert need in (None, *environment.LOCKS)
    assert module is None or callable(__import__(f"mlmlib.cli.{module}", fromlist=["run"]).run)


WRONG = [([], "the following arguments are required: VERB"), (["boook"], "invalid choice: 'boook'"), (["grade"], "submissions"),
         (["bench", "--part", "speed"], "invalid choice: 'speed'"), (["serve", "--port", "x"], "invalid int value: 'x'"),
         (["clean", "everything"], "unrecognized arguments: everything"), (["book", "--only"], "expected at least one argument")]


@pytest.mark.parametrize("words, said", WRONG)
def test_wrong_words_are_refused_with_the_usage(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.startswith("usage: mlm") and said in told


def test_outside_of_the_book_it_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["serve"]) == 2
    assert capsys.readouterr().err == f"mlm: {tmp_path.resolve()} is not inside the book. Go to the folder that holds _toc.yml and try again.\n"


def test_a_verb_is_carried_out_in_the_folder_of_the_book(here, monkeypatch):
    asked = []
    monkeypatch.setattr(clean, "run", lambda root, args: asked.append((root, args.all)))
    (here / "mlmlib" / "deep").mkdir()
    monkeypatch.chdir(here / "mlmlib" / "deep")
    monkeypatch.setattr(sys, "argv", ["mlm", "clean", "--all"])
    assert cli.main() == 0 and asked == [(here, True)]


def test_a_verb_that_needs_packages_gets_the_variables(here, monkeypatch):
    monkeypatch.setattr(lab, "run", lambda root, args: 7)
    assert cli.main(["lab"]) == 7 and os.environ["MLM_TEST"] == str(here)


def test_another_python_is_started_with_the_same_words(here, calls, monkeypatch):
    monkeypatch.setenv("MLM_PYTHON", "other/python")
    calls.codes = [5]
    assert cli.main(["book", "--only", "03"]) == 5
    assert calls.commands == [[str(Path("other/python")), "-m", "mlmlib.cli", "book", "--only", "03"]] and calls.env == [{"MLM_TEST": str(here)}]


def test_setup_says_that_it_is_ready(here, capsys):
    assert cli.main(["setup"]) == 0 and capsys.readouterr().out == "Ready.\n"


def test_a_stop_from_the_keyboard_is_no_traceback(here, monkeypatch, capsys):
    def stopped(root, args):
        raise KeyboardInterrupt

    monkeypatch.setattr(clean, "run", stopped)
    assert cli.main(["clean"]) == 130 and "mlm: stopped." in capsys.readouterr().err


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "mlmlib.cli", "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "invalid choice: 'nothing'" in done.stderr


# --- clean, lab, serve, slides ------------------------------------------------------------------------


def test_clean_removes_what_was_built_and_the_environment_only_with_all(tmp_path, capsys):
    for name in ("_build/html", "build", ".venv/lib/__pycache__", "mlmlib/__pycache__", "chapters"):
        (tmp_path / name).mkdir(parents=True)
    assert clean.run(tmp_path, Namespace(all=False)) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".venv", "chapters", "mlmlib"] and not list((tmp_path / "mlmlib").iterdir())
    assert (tmp_path / ".venv/lib/__pycache__").is_dir() and capsys.readouterr().out.split() == ["removing", "_build", "removing", "build"]
    clean.run(tmp_path, Namespace(all=True))
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("quiet", [False, True])
def test_lab_is_for_this_machine_alone(calls, quiet):
    assert lab.run(ROOT, Namespace(no_browser=quiet)) == 0
    (command,) = calls.commands
    assert command[1:3] == ["-m", "jupyterlab"] and "--ServerApp.ip=127.0.0.1" in command and command[-1] == "chapters"
    assert ("--no-browser" in command) == quiet


def test_serve_without_a_site(tmp_path, capsys):
    assert serve.run(tmp_path, Namespace(port=0, open=False)) == 1
    assert capsys.readouterr().out == "There is no built site yet: run `make book` (or `mlm book`) first.\n"


@pytest.mark.parametrize("opened", [False, True])
def test_serve_until_it_is_stopped(tmp_path, monkeypatch, capsys, opened):
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").write_text("Hello", encoding="utf-8")
    shown = []
    monkeypatch.setattr(serve.webbrowser, "open", shown.append)

    def once(server, poll_interval=0.5):
        raise KeyboardInterrupt

    monkeypatch.setattr(serve.http.server.ThreadingHTTPServer, "serve_forever", once)
    assert serve.run(tmp_path, Namespace(port=0, open=opened)) == 0
    told = capsys.readouterr().out
    address = told.split()[4]
    assert address.startswith("http://127.0.0.1:") and told.endswith("Stopped.\n") and shown == [address] * opened


def test_the_next_free_port_is_taken_and_pages_are_not_cached(tmp_path):
    import threading

    (tmp_path / "index.html").write_text("Hello", encoding="utf-8")
    with serve.server(tmp_path) as first, serve.server(tmp_path, first.server_port) as second:
        assert first.server_port < second.server_port < first.server_port + 20
        threading.Thread(target=second.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{second.server_port}/") as answer:
            assert answer.read() == b"Hello" and answer.headers["Cache-Control"] == "no-store"
        second.shutdown()


def test_no_free_port(tmp_path, monkeypatch):
    def taken(*args):
        raise OSError("taken")

    monkeypatch.setattr(serve.http.server, "ThreadingHTTPServer", taken)
    with pytest.raises(OSError, match="taken"):
        serve.server(tmp_path, 8000)


def test_slides_of_the_chapters_asked_for(tmp_path, monkeypatch, capsys):
    made = []
    monkeypatch.setattr("mlmlib.release.slides.make_slides", lambda page, out, site: made.append((page.name, out)) or page.name)
    chapters = tmp_path / "_build" / "html" / "chapters"
    chapters.mkdir(parents=True)
    for name in ("01_one", "03_three"):
        (chapters / f"{name}.html").touch()
    assert slides.run(tmp_path, Namespace(chapters=["03"], out=None)) == 0
    assert made == [("03_three.html", tmp_path / "_build" / "slides")] and capsys.readouterr().out == "03_three.html\n"
    slides.run(tmp_path, Namespace(chapters=[], out=str(tmp_path / "there")))
    assert made[1:] == [("01_one.html", tmp_path / "there"), ("03_three.html", tmp_path / "there")]
    for wanted, said in ((["07", "08"], "No built chapter 07 or 08 in"), ([], "No built chapter at all in")):
        with pytest.raises(SetupError, match=said):
            slides.run(tmp_path if wanted else tmp_path / "empty", Namespace(chapters=wanted, out=None))


# --- test, exercises, release, book ---------------------------------------------------------------------


def test_everything_is_tested_even_after_a_failure(calls, capsys):
    calls.codes = [1, 0, 0]
    assert checks.run(ROOT, Namespace(pytest=[], quick=False)) == 1
    style, built, tests = calls.commands
    assert style[2:] == ["ruff", "check", "."] and built[2:] == ["mlmlib.cli", "book"] and {"tests", "chapters", "--nbval-lax"} <= set(tests)
    said = capsys.readouterr().out
    assert "--- style (ruff): FAILED" in said and said.endswith("mlm: also failed before pytest: style (ruff)\n")
    assert calls.env[-1]["TQDM_DISABLE"] == "1"


def test_a_quick_test_leaves_the_book_and_the_browser_out(calls):
    calls.codes = [0, 3]
    assert checks.run(ROOT, Namespace(pytest=[], quick=True)) == 3
    assert [command[2] for command in calls.commands] == ["ruff", "pytest"] and "not site and not browser and not slow" in calls.commands[1]


def test_words_for_pytest_are_handed_on(calls):
    assert checks.run(ROOT, Namespace(pytest=["-x", "tests/test_ols.py"], quick=False)) == 0
    assert [command[2:] for command in calls.commands] == [["pytest", "-x", "tests/test_ols.py"]]


EXERCISES = [
    (["exercises"], ["build"]), (["exercises", "03", "--practice", "--seed", "7"], ["build", "03", "--practice", "--seed", "7"]),
    (["exercises", "--students", "list.txt"], ["build", "--students", "list.txt"]),
    (["grade", "folder", "--jobs", "2"], ["grade", "folder", "--jobs", "2"])]


@pytest.mark.parametrize("words, handed", EXERCISES)
def test_exercises_and_grades_are_handed_on(words, handed, monkeypatch):
    import mlmlib.grading as grading

    monkeypatch.setattr(grading, "main", lambda argv: argv, raising=False)
    assert exercises.run(ROOT, cli.parser().parse_args(words)) == handed


def release_args(**more):
    return Namespace(**{"built": True, "out": None, "no_pdf": False} | more)


@pytest.fixture
def releases(monkeypatch, tmp_path):
    """What `make_release` was asked for."""
    import mlmlib.release

    asked = []

    def make_release(root, out, **more):
        asked.append((out, more))
        if not more["pdf"]:
            raise FileNotFoundError("There is no built site.")
        more["progress"]("printing")
        return types.SimpleNamespace(files=[tmp_path / "_toc.yml"], messages=["THE PDF IS MISSING"])

    (tmp_path / "_toc.yml").write_bytes(b"x" * 150_000)
    monkeypatch.setattr(mlmlib.release, "make_release", make_release)
    return asked


def test_a_release_takes_what_is_built(releases, calls, tmp_path, capsys):
    assert release.run(tmp_path, release_args()) == 0 and not calls.commands
    (out, more), = releases
    assert out == tmp_path / "_build" / "release" and more["site"] == tmp_path / "_build" / "html"
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "printing" and said[1].split()[:2] == ["0.1", "MB"] and said[2] == "mlm: THE PDF IS MISSING"


def test_a_release_builds_first_and_stops_where_that_fails(releases, calls, tmp_path, capsys):
    calls.codes = [0, 1]
    assert release.run(tmp_path, release_args(built=False, out=str(tmp_path / "there"))) == 1
    assert [command[-1] for command in calls.commands] == ["book", "exercises"] and not releases
    assert capsys.readouterr().out == "mlm: no release: `mlm exercises` failed.\n"
    assert release.run(tmp_path, release_args(built=False, out=str(tmp_path / "there"))) == 0 and releases[0][0] == tmp_path / "there"


def test_a_release_of_nothing_is_one_sentence(releases, tmp_path):
    with pytest.raises(SetupError, match="There is no built site"):
        release.run(tmp_path, release_args(no_pdf=True))


@pytest.fixture
def builder(monkeypatch, tmp_path):
    """A book with two parts, and a Sphinx that writes a page or fails."""
    toc = {"root": "intro", "parts": [{"caption": "I", "chapters": [{"file": "chapters/01_one"}, {"file": "chapters/02_two"}]},
                                      {"caption": "II", "chapters": [{"file": "chapters/03_three"}]},
                                      {"caption": "End", "chapters": [{"file": "backmatter/glossary"}]}]}
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    (tmp_path / "mlmlib" / "cli").mkdir(parents=True)
    (tmp_path / "mlmlib" / "cli" / "book.py").write_text("1", encoding="utf-8")
    (tmp_path / "mlmlib" / "ols.py").write_text("1", encoding="utf-8")
    made = types.SimpleNamespace(asked=[], code=0, page="<p>fine</p>")

    def build_sphinx(source, out, **options):
        made.asked.append(options)
        Path(out).mkdir(parents=True, exist_ok=True)
        (Path(out) / "index.html").write_text(made.page, encoding="utf-8")
        return made.code

    module = types.ModuleType("jupyter_book.sphinx")
    module.build_sphinx = build_sphinx
    monkeypatch.setitem(sys.modules, "jupyter_book.sphinx", module)
    monkeypatch.setenv("TQDM_DISABLE", "")
    return made


def book_args(**more):
    return Namespace(**{"all": False, "only": None, "out": None, "jobs": 2} | more)


def test_a_book_is_built_and_kept_until_something_below_it_changes(builder, tmp_path, capsys):
    assert book.run(tmp_path, book_args(jobs=3)) == 0
    built, kept = tmp_path / "_build" / "html", tmp_path / "_build" / "html" / "kept.html"
    assert builder.asked[0]["warningiserror"] and builder.asked[0]["jobs"] == 3 and "Built 1 pages" in capsys.readouterr().out
    kept.touch()
    (tmp_path / "mlmlib" / "cli" / "book.py").write_text("2", encoding="utf-8")
    (tmp_path / "mlmlib" / "__pycache__").mkdir()
    (tmp_path / "mlmlib" / "__pycache__" / "ols.pyc").touch()
    book.run(tmp_path, book_args())
    assert kept.is_file(), "no page depends on the command"
    (tmp_path / "mlmlib" / "ols.py").write_text("2", encoding="utf-8")
    book.run(tmp_path, book_args())
    assert not kept.exists() and (built / "index.html").is_file()
    kept.touch()
    book.run(tmp_path, book_args(all=True))
    assert not kept.exists()


@pytest.mark.parametrize("code, page, said", [(1, "<p>half</p>", "the book was not built"), (0, '<div class="traceback">', "a cell failed on index.html")])
def test_a_book_that_fails_leaves_no_stamp(builder, tmp_path, capsys, code, page, said):
    builder.code, builder.page = code, page
    assert book.run(tmp_path, book_args()) == 1 and said in capsys.readouterr().out
    assert not (tmp_path / "_build" / "key.json").exists()


def test_a_preview_has_the_chapters_asked_for_and_the_back_matter(builder, tmp_path):
    assert book.run(tmp_path, book_args(only=["02"])) == 0
    path = Path(builder.asked[0]["confoverrides"]["external_toc_path"])
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))["parts"]
    assert path.parent == tmp_path / "_build" / "preview" and not builder.asked[0]["warningiserror"]
    assert [[page["file"] for page in part["chapters"]] for part in parts] == [["chapters/02_two"], ["backmatter/glossary"]]
    book.run(tmp_path, book_args(out=str(tmp_path / "there")))
    assert (tmp_path / "there" / "html" / "index.html").is_file()


# --- bench --------------------------------------------------------------------------------------------------


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """All parts of the bench, made up, each telling what it was asked."""
    asked = {}

    def part(name, found):
        def measure(*args):
            asked[name] = args
            return found
        return measure

    missing = {"programs": {}, "missing": {"glmm": "no wheel"}, "rows": []}
    for place, found in {"compare.compare": missing, "general.general": dict(missing), "growth.growth": {"rows": []},
                         "inference.inference": [1], "shares.shares": [2], "tasks.tasks": dict(missing)}.items():
        monkeypatch.setattr(f"mlmlib.bench.{place}", part(place.partition(".")[0], found))
    monkeypatch.setattr(environment, "variables", lambda root: {})
    (tmp_path / "backmatter").mkdir()
    return asked


def bench_args(*words):
    return cli.parser().parse_args(["bench", *words])


def test_a_whole_bench_is_written_for_the_page(parts, tmp_path, capsys):
    assert bench.run(tmp_path, bench_args("--write", "--quick", "--r-blas", "libfast.so")) == 0
    found = json.loads((tmp_path / bench.RESULTS).read_text(encoding="utf-8"))
    assert set(found) == {"date", "quick", "machine", "programs", "missing", "rows", "general", "panel", "tasks", "shares", "inference", "growth"}
    assert found["quick"] and found["general"]["quick"] and parts["compare"][2] == "libfast.so"
    assert found["machine"]["cores"] == os.cpu_count() and found["machine"]["processor"]
    said = capsys.readouterr().out
    assert said.count("glmm is not compared: no wheel") == 4 and said.endswith("Written to backmatter/bench.json.\n")


@pytest.mark.parametrize("name", ["compare", "general", "panel", "shares", "tasks", "growth"])
def test_one_part_is_measured_and_put_beside_the_others(parts, tmp_path, name):
    (tmp_path / bench.RESULTS).write_text('{"old": 1, "shares": 0}', encoding="utf-8")
    bench.run(tmp_path, bench_args("--write", "--part", name))
    found = json.loads((tmp_path / bench.RESULTS).read_text(encoding="utf-8"))
    assert found["old"] == 1 and ("rows" in found if name == "compare" else name in found)
    assert set(parts) == {"tasks" if name == "panel" else name} and found["shares"] == ([2] if name == "shares" else 0)


def test_nothing_is_written_unasked(parts, tmp_path):
    bench.run(tmp_path, bench_args("--part", "inference"))
    assert set(parts) == {"inference", "tasks"} and not (tmp_path / bench.RESULTS).exists()


def test_a_machine_that_tells_little(monkeypatch):
    def nowhere(self, **options):
        raise OSError

    monkeypatch.setattr(Path, "read_text", nowhere)
    found = bench.machine(0.5)
    assert found["memory"] is None and found["load"] == 0.5 and found["processor"]
