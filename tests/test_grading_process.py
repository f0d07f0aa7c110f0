"""The process of a submission, in one that may do everything: what it sends, what its guard would refuse, and how it is ended."""

from __future__ import annotations

import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading

import pytest

import exercise_kit as kit
from mlmlib.grading import codec, grading, guard, process, supervise
from mlmlib.grading.supervise import Limits, Submission

RUNNER = "from mlmlib.grading import guard, runner\nguard.apply = lambda *args: ['nothing']\nrunner.main()"
CELLS = ["x = 1\ny = 2", "0 / 0", "y = 3", "raise SystemExit", "while True: pass", "class Shy:\n    @property\n    def params(self): raise RuntimeError\nshy = Shy()",
         "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute", "def twice(v): return 2 * v\ndef slow(v):\n    while True: pass\n"
         "def mute(v): raise Mute", "import otter\notter.Notebook('a.ipynb').check('q1')\nz = 5"]


@pytest.mark.skipif(os.name != "posix", reason="a cell is interrupted by an alarm of POSIX")
def test_what_a_submission_sends(tmp_path):
    """The runner without its guard: it takes the same task and speaks the same words."""
    task = {"cells": CELLS, "names": ["x", "y", "z", "shy", "nowhere"], "skip": [3], "folder": str(tmp_path), "hidden": [], "cell_seconds": 1.0,
            "memory_mb": 4000, "slot": 0}
    env = os.environ | {"PYTHONPATH": str(kit.ROOT), "IPYTHONDIR": str(tmp_path)}
    running = subprocess.Popen([sys.executable, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    said = []

    def ask(question):
        running.stdin.write(json.dumps(question).encode() + b"\n")
        running.stdin.flush()

    def hear():
        said.append(json.loads(running.stdout.readline()))
        return said[-1]

    ask(task)
    while not hear().get("done"):
        pass
    calls = []
    for name, given in (("twice", 2.5), ("slow", 1.0), ("mute", 1.0), ("nowhere", 1.0)):
        ask({"call": name, "args": [codec.encode(given)]})
        calls.append(hear())
    running.stdin.close()
    running.stdout.close()
    assert running.wait(timeout=60) == 0, "it ends when the grader hangs up"
    assert said[0] == {"ready": ["nothing"]} and [m["start"] for m in said if "start" in m] == [0, 1, 2, 4, 5, 6, 7, 8]
    done = {m["cell"]: m for m in said if "cell" in m}
    assert done[0]["error"] is None and set(done[0]["values"]) == {"x", "y"}
    assert done[1]["error"] == "ZeroDivisionError: division by zero" and done[1]["values"] == {}
    assert done[2]["values"] == {"y": {"t": "num", "v": 3.0}}, "what has not changed is not sent again"
    assert done[4]["error"] == "the cell ran longer than 1 seconds and was stopped"
    assert done[5]["values"]["shy"] == {"t": "other", "v": "a value that cannot be read (RuntimeError)"}
    assert done[6]["error"] == "Mute" and done[8] == {"cell": 8, "error": None, "values": {"z": {"t": "num", "v": 5.0}}}
    assert calls == [{"result": {"t": "num", "v": 5.0}}, {"error": "longer than 1 seconds"}, {"error": "Mute"}, {"error": "KeyError: 'nowhere'"}]


# ---- the hook, asked and not installed -----------------------------------------------------------------------------------

@pytest.fixture
def hook(tmp_path):
    for name in ("own", "hidden"):
        (tmp_path / name).mkdir()
    asked = guard._hook(str(tmp_path / "own"), (str(tmp_path / "hidden"),))
    return lambda event, *args: asked(event, tuple(str(tmp_path / a[1:]) if isinstance(a, str) and a.startswith("@") else a for a in args))


@pytest.mark.parametrize(("event", "args", "said"), [
    ("subprocess.Popen", ("echo",), "subprocess.Popen is not available"), ("socket.connect", (), "socket.connect is not available"),
    ("open", ("@hidden/key", "r", 0), "this folder is not available"), ("open", ("@new", "w", 0), "can write in its own folder only"),
    ("open", ("@new", None, os.O_WRONLY), "own folder only"), ("open", ("@hidden/../own", "r", 0), None), ("open", ("@own/../new", "a", 0), "own folder only"),
    ("open", ("@", None, 0), "own folder only"),
    pytest.param("open", ("/proc/1/environ", "r", 0), "this folder is not available",
                 marks=pytest.mark.skipif(os.name == "nt", reason="WINDOWS HAS NO /proc")),
    ("os.remove", ("@precious", -1), "change files in its own folder only"), ("os.rename", ("@own/a", "@b", -1, -1), "change files in its own"),
    ("os.remove", ("@own/../own/a", 7), "change files in its own"), ("os.listdir", ("@hidden",), "this folder is not available"),
])
def test_the_hook_refuses(hook, event, args, said):
    if said is None:
        assert hook(event, *args) is None
    else:
        with pytest.raises(PermissionError, match=said):
            hook(event, *args)


@pytest.mark.parametrize(("event", "args"), [
    ("open", ("@own/new", "w", 0)), ("open", (os.devnull, "w", 0)), ("open", ("@precious", "r", 0)), ("open", (3, "w", 0)), ("import", ("os",)),
    ("os.remove", ("@own/a", -1)), ("os.remove", (3, -1)), ("os.rename", ("@own/a", "@own/b", -1, -1)), ("os.listdir", ("@own",)), ("os.listdir", (None,)),
    ("os.truncate", ("@own/a", 0)), ("open", (f"/proc/{os.getpid()}/status", "r", 0))])
def test_the_hook_lets_be(hook, event, args):
    assert hook(event, *args) is None


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_limits_that_the_system_does_not_take_are_not_claimed(monkeypatch):
    import resource
    asked = {}

    def take(limit, sizes):
        if limit == resource.RLIMIT_FSIZE:
            raise ValueError
        asked[limit] = sizes[0]

    monkeypatch.setattr(resource, "getrlimit", lambda limit: (0, 1 << 30 if limit == resource.RLIMIT_AS else resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", take)
    monkeypatch.setattr(guard, "_others", lambda: 10)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert guard._limits(4000, None) == ["memory limit", "process limit"]
    assert asked[resource.RLIMIT_AS] == 1 << 30, "no more than the system allows already"
    assert asked[resource.RLIMIT_NPROC] == guard.PROCESSES + 10 and asked[resource.RLIMIT_CORE] == 0
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert guard._limits(4000, None) == ["memory limit"], "root is bound by no number of processes"
    assert guard._limits(4000, 61184) == ["memory limit", "process limit"] and asked[resource.RLIMIT_NPROC] == guard.PROCESSES
    monkeypatch.setitem(sys.modules, "resource", None)
    assert guard._limits(4000, None) == []


@pytest.mark.skipif(os.name != "posix", reason="users of POSIX")
def test_a_user_that_the_system_has_not_is_not_taken(monkeypatch):
    assert guard._others() >= threading.active_count()
    tried = []

    def become(user):
        tried.append(user)
        if user in refused:
            raise OSError

    monkeypatch.setattr(os, "seteuid", become)
    refused = set()
    first = guard._user(0)
    assert first in guard.USERS and tried == [first, 0] and guard._user(1) == first + 1
    refused = {first}
    assert guard._user(0) == 65534, "nobody, where there are no other numbers"
    refused |= {65534}
    assert guard._user(0) is None


# ---- the grader's side ---------------------------------------------------------------------------------------------------

class Scripted:
    """A process that says what it is told to say, and ends."""

    kind, pid = "scripted", 2 ** 22 + 1

    def __init__(self, *lines):
        self.stdin, self.stdout, self.ended = io.BytesIO(), io.BytesIO(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
                                                                                  for line in lines)), 0

    def healthy(self):
        return True

    def end(self):
        self.ended += 1


@pytest.mark.parametrize(("lines", "note"), [
    (([],), supervise.WIRE), ((b"no json\n",), supervise.WIRE), (({"start": 7},), supervise.WIRE), (({"cell": "x"},), supervise.WIRE),
    (({"ready": ["a"]},), supervise.ENDED), (({"odd": 1}, {"done": True}), None),
])
def test_what_is_no_message_of_ours_ends_a_run(lines, note):
    with Submission(["x = 1"], {"x"}, start=lambda folder: Scripted(*lines)) as submission:
        outcome = submission.run()
    assert outcome.notes == ([note] if note else [])


def test_a_cell_that_ends_the_process_is_left_out_and_answers_are_kept():
    tasks = []

    def start(folder):
        told = [{"ready": []}, {"start": 0}, {"cell": 0, "error": "E: no", "values": {"x": {"t": "num", "v": 1.0}, "spy": 1}}, {"start": 1}]
        tasks.append(Scripted(*told, *([] if len(tasks) == 0 else [{"done": True}])))
        return tasks[-1]

    with Submission(["a", "b"], {"x"}, start=start) as submission:
        outcome = submission.run()
        assert outcome.errors == {0: "E: no", 1: supervise.ENDED} and outcome.answers == {"x": {"t": "num", "v": 1.0}} and not outcome.notes
        assert [json.loads(t.stdin.getvalue())["skip"] for t in tasks] == [[], [1]]
        with pytest.raises(RuntimeError, match="it ended the process"):
            submission.call("f", (1.0,))
        with pytest.raises(RuntimeError, match="had ended before the function could be tried"):
            submission.call("f", (1.0,))


def test_a_function_is_called_over_the_wire():
    replies = [{"result": {"t": "num", "v": 4.0}}, {"error": "ValueError: no"}]
    with Submission([], {"f"}, start=lambda folder: Scripted({"done": True}, *replies)) as submission:
        submission.run()
        assert submission.call("f", (2.0,)) == 4.0
        with pytest.raises(RuntimeError, match="ValueError: no"):
            submission.call("f", (2.0,))


@pytest.mark.parametrize(("what", "note"), [("memory_mb", supervise.MEMORY), ("folder_mb", supervise.FOLDER)])
def test_too_much_memory_or_too_many_files_end_a_process(monkeypatch, tmp_path, what, note):
    ended, over = [], []
    monkeypatch.setattr(supervise, "memory_mb", lambda pid: 1.0)
    monkeypatch.setattr(supervise, what, lambda place: 1e6)
    monkeypatch.setattr(process, "kill_family", ended.append)
    Submission([], set())._watch(Scripted(), tmp_path, over, threading.Event())
    assert over == [note] and ended == [Scripted.pid]


def test_silence_and_small_measures(tmp_path):
    submission = Submission([], set())
    submission.lines = queue.Queue()
    assert submission._receive(0.01) == supervise.LONG
    (tmp_path / "small").write_bytes(b"x")
    (tmp_path / "large").write_bytes(b"x" * (1 << 20))
    assert supervise.folder_mb(tmp_path) == pytest.approx(1 + 4096 / (1 << 20))
    assert supervise.memory_mb(os.getpid()) > 10 and supervise.memory_mb(2 ** 22 + 1) == 0.0
    assert process.family(2 ** 22 + 1) == []

    class Torn(io.BytesIO):
        def readline(self, *size):
            raise OSError

    lines = queue.Queue()
    supervise._listen(Torn(), lines, threading.Event())
    assert lines.get_nowait() is None, "a torn stream is an ended one"
    full, ended = queue.Queue(maxsize=1), threading.Event()
    full.put(b"earlier")
    threading.Timer(0.7, ended.set).start()
    supervise._listen(io.BytesIO(b"a\nb\n"), full, ended)
    assert full.qsize() == 1 and full.get_nowait() == b"earlier", "who is no longer listened to is not waited for"


def test_folders_of_a_grader_that_is_gone_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(supervise.tempfile, "gettempdir", lambda: str(tmp_path))
    names = [f"submission-{2 ** 22 + 1}-a", f"submission-{os.getpid()}-b", "submission-x-c"]
    for name in names:
        (tmp_path / name).mkdir()
    supervise.sweep()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names[1:])


@pytest.mark.skipif(os.name != "posix", reason="groups of processes are POSIX's")
def test_a_family_is_killed_together():
    code = "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\nimport time; time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    child = int(parent.stdout.readline())
    assert [p.pid for p in process.family(parent.pid)] == [child]
    process.kill_family(parent.pid)
    assert parent.wait(timeout=20) == -signal.SIGKILL and not process.family(parent.pid)
    process.kill_family(parent.pid)
    parent.stdout.close()


def test_where_no_warm_process_starts_a_new_interpreter_is_taken(monkeypatch, tmp_path):
    def fails(folder):
        raise OSError

    monkeypatch.setattr(process, "Forked", fails)
    monkeypatch.setattr(process, "Fresh", lambda folder: ("fresh", folder))
    assert process.start(tmp_path) == ("fresh", tmp_path)


# ---- a grading that does not go as it should -------------------------------------------------------------------------------

def graded(monkeypatch, tmp_path, work):
    monkeypatch.setattr(grading, "grade_one", work)
    stop = threading.Event()
    run = grading.Run(tmp_path, tmp_path, {}, Limits(), (), True)
    return run, stop, lambda: grading._guarded(tmp_path / "a.ipynb", run, stop)


def test_a_fault_of_ours_is_told_and_an_interruption_tried_again(monkeypatch, tmp_path):
    tried = []

    def work(path, name, run):
        tried.append(name)
        raise error

    *_, act = graded(monkeypatch, tmp_path, work)
    error = ValueError("odd")
    assert act()["messages"] == ["not graded: ValueError: odd; grade this one by hand"] and len(tried) == 1
    error = supervise.Interrupted("gone")
    assert act()["messages"] == ["not graded: Interrupted: gone; grade this one by hand"] and len(tried) == 4


def test_a_stop_leaves_what_is_finished(monkeypatch, tmp_path):
    def work(path, name, run):
        raise KeyboardInterrupt

    run, stop, act = graded(monkeypatch, tmp_path, work)
    closed = []
    monkeypatch.setattr(process, "close", lambda: closed.append(True))
    with pytest.raises(KeyboardInterrupt):
        grading._all([tmp_path / "a.ipynb"], run, 1, False)
    assert closed
    stop.set()
    with pytest.raises(grading.concurrent.futures.CancelledError):
        act()


@pytest.mark.skipif(os.name != "posix", reason="the lock is POSIX's")
def test_two_gradings_do_not_write_into_one_place(tmp_path):
    with grading._alone(tmp_path), pytest.raises(ValueError, match="another grading is writing into"), grading._alone(tmp_path):
        pass
    with grading._alone(tmp_path):
        assert (tmp_path / "lock").is_file()


def test_the_history_of_a_worktree_is_hidden_where_it_lies(monkeypatch, tmp_path):
    (tmp_path / ".git").write_text("gitdir: /elsewhere/.git/worktrees/mine\n", encoding="utf-8")
    monkeypatch.setattr(grading, "ROOT", tmp_path)
    hidden = [p.as_posix() for p in grading._hidden(tmp_path.parent, tmp_path / "in")]
    assert "/elsewhere/.git" in hidden and str(tmp_path / "in") in hidden and str(tmp_path.parent) not in hidden, "not what the library itself lies in"
