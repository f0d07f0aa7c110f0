"""The grader's side of one submission: start its process, feed it, listen, and end it when it will not end itself."""
import itertools
import json
import os
import queue
import shutil
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import process
from .codec import decode, encode
from .guard import FOLDER_MB

MAX_LINE = 8 << 20
MAX_MESSAGES = 20_000
START_SECONDS = 60
PREFIX = "submission-"
LONG, MEMORY, FOLDER, ENDED, WIRE, GONE = ("it ran too long and was stopped", "it used too much memory and was stopped",
                                     "it wrote too many files and was stopped", "it ended the process", "it wrote into the grader's channel",
                                           "the notebook had ended before the function could be tried")


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds of processor time for a cell, seconds of clock time for all, megabytes."""

    cell_seconds: float = 30
    total_seconds: float = 300
    memory_mb: int = 3072

    @property
    def patience(self):
        """Seconds of clock time without a word from the submission after which it is ended."""
        return 3 * self.cell_seconds + 5

    @property
    def as_dict(self):
        """The three numbers by name."""
        return asdict(self)


@dataclass
class Outcome:
    """What a run left: raw answers, errors by cell, what stopped it, what protected us, seconds of clock time."""

    answers: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    measures: list = field(default_factory=list)
    seconds: float = 0.0


class Interrupted(OSError):
    """The run was ended from our side, so it says nothing about the submission."""


class Submission:
    """One notebook running in its own process and folder; a context manager that leaves nothing behind."""

    def __init__(self, cells, names, *, limits=Limits(), hidden=(), start=process.start):
        self.cells, self.names, self.limits, self.hidden = cells, sorted(names), limits, [str(h) for h in hidden]
        self.outcome, self.folder, self.start, self.slot = Outcome(), None, start, None
        self.process: Any = None  # as `start` makes it, while one runs
        self.deadline, self.interrupted = 0.0, False

    def __enter__(self):
        self.slot = _take_slot()
        return self

    def __exit__(self, *exc):
        self.end()
        _slots.discard(self.slot)

    # ---- running ----------------------------------------------------------------------------------------------
    def run(self):
        """Run all cells. A cell that ends the process is left out and the others are run again, twice at most."""
        began = time.monotonic()
        self.deadline = began + self.limits.total_seconds
        skip = []
        for _ in range(3):
            last, reason = self._run_once(skip)
            self._blame(reason)
            if reason is None or last is None or time.monotonic() > self.deadline:
                if reason:
                    self.outcome.notes.append(reason)
                break
            skip.append(last)
            self.outcome.errors[last] = reason
        self.outcome.seconds = round(time.monotonic() - began, 2)
        return self.outcome

    def _run_once(self, skip):
        """One attempt; returns (cell that was running, why the process ended) or (None, None) if it came to its end."""
        self.end()
        self._start(skip)
        running, wait = None, START_SECONDS
        for _ in range(MAX_MESSAGES):
            message = self._receive(min(wait, max(0.1, self.deadline - time.monotonic())))
            if isinstance(message, str):
                return running, message
            try:
                running = self._take(message, running)
            except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
                return running, WIRE
            if running == "done":
                return None, None
            wait = self.limits.patience
        return running, WIRE

    def _take(self, message, running):
        """Note what a message says; the cell that runs now, or "done". What is no message of ours is an error."""
        if "ready" in message:
            self.outcome.measures = [self.process.kind, *(str(m)[:40] for m in message["ready"][:16])]
            return None
        if "start" in message:
            return range(len(self.cells))[int(message["start"])]
        if "cell" in message:
            cell = range(len(self.cells))[int(message["cell"])]
            if message.get("error"):
                self.outcome.errors[cell] = str(message["error"])[:400]
            self.outcome.answers.update({k: v for k, v in message.get("values", {}).items() if k in self.names})
            return None
        return "done" if message.get("done") else running

    def _blame(self, reason):
        """A process that ended because ours did is not the submission's doing."""
        if reason in (ENDED, GONE) and self.process is not None and not self.process.healthy():
            self.interrupted = True
            raise Interrupted("the process that starts submissions has ended")

    def call(self, name, args):
        """Call a function of the notebook in its own process."""
        request = json.dumps({"call": name, "args": [encode(a) for a in args]})
        try:
            self.process.stdin.write(request.encode() + b"\n")
            self.process.stdin.flush()
            wait = min(self.limits.patience, max(1.0, self.deadline + 30 - time.monotonic()))
            reply = self._receive(wait)
        except (AttributeError, OSError, ValueError):
            reply = GONE
        if isinstance(reply, str):
            self._blame(reply)
            self.end()
            raise RuntimeError(reply)
        if "error" in reply:
            raise RuntimeError(str(reply["error"])[:300])
        return decode(reply.get("result"))

    # ---- the process ---------------------------------------------------------------------------------------------
    def _start(self, skip):
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.process = self.start(self.folder)
        self.lines, self.over, self.ended = queue.Queue(maxsize=8), [], threading.Event()
        threading.Thread(target=_listen, args=(self.process.stdout, self.lines, self.ended), daemon=True).start()
        threading.Thread(target=self._watch, args=(self.process, self.folder, self.over, self.ended), daemon=True).start()
        task = {"cells": self.cells, "names": self.names, "skip": skip, "folder": str(self.folder), "hidden": self.hidden,
                "cell_seconds": self.limits.cell_seconds, "memory_mb": self.limits.memory_mb, "slot": self.slot or 0}
        try:
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            pass

    def _receive(self, seconds):
        """The next message as a dict, or the reason why there is none as a text."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            return LONG
        if line is None:
            return self.over[0] if self.over else ENDED
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        return message if isinstance(message, dict) else WIRE

    def _watch(self, running, folder, over, ended):
        """Look at the memory of a process with all that it started, and at its folder; end it when it has too much."""
        for turn in itertools.count():
            if ended.wait(0.25):
                return
            if memory_mb(running.pid) > self.limits.memory_mb:
                over.append(MEMORY)
            elif turn % 4 == 0 and folder_mb(folder) > FOLDER_MB:
                over.append(FOLDER)
            if over:
                process.kill_family(running.pid)
                return

    def end(self):
        """Kill the process with all its children, and remove its folder."""
        if self.process is not None:
            self.ended.set()
            self.process.end()
            self.process = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


_slots, _slots_lock = set(), threading.Lock()


def _take_slot():
    """A number that no other running submission of this grader has."""
    with _slots_lock:
        slot = next(n for n in itertools.count(8 * os.getpid() % 2000) if n not in _slots)
        _slots.add(slot)
    return slot


def _listen(stream, lines, ended):
    """Put the lines of a stream into a short queue, and None when it ends."""
    try:
        while line := stream.readline(MAX_LINE):
            while not ended.is_set():
                try:
                    lines.put(line, timeout=0.5)
                    break
                except queue.Full:
                    continue
            if ended.is_set():
                return
    except (OSError, ValueError):
        pass
    try:
        lines.put(None, timeout=60)
    except queue.Full:
        pass


def sweep():
    """Remove folders of submissions whose grader is gone: a killed one could not clean up."""
    import psutil
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def memory_mb(pid):
    """Megabytes that a process and all its descendants hold."""
    try:
        import psutil
        return sum(p.memory_info().rss for p in [psutil.Process(pid), *process.family(pid)]) / (1 << 20)
    except Exception:
        return 0.0


def folder_mb(folder):
    """Megabytes in a folder, counting 4 kB for each file at least; looks at 20,000 files at most."""
    total = 0
    try:
        for path in itertools.islice(folder.rglob("*"), 20_000):
            total += max(path.lstat().st_size, 4096)
    except OSError:
        pass
    return total / (1 << 20)
