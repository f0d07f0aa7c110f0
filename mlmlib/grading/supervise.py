"""The grader's side of one submission: start its process, feed it, listen, and end it when it will not end itself."""
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .codec import decode, encode

MAX_LINE = 8 << 20
START_SECONDS = 60


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


@dataclass
class Outcome:
    """What a run left: raw answers, errors by cell, what stopped it, what protected us."""

    answers: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    measures: list = field(default_factory=list)


class Submission:
    """One notebook running in its own process and folder; a context manager that leaves nothing behind."""

    def __init__(self, cells, names, *, limits=Limits(), hidden=(), library=None):
        self.cells, self.names, self.limits, self.hidden = cells, sorted(names), limits, [str(h) for h in hidden]
        self.library = Path(library or Path(__file__).resolve().parents[2])
        self.outcome, self.process, self.folder = Outcome(), None, None
        self.deadline = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.end()

    # ---- running ----------------------------------------------------------------------------------------------
    def run(self):
        """Run all cells. A cell that ends the process is left out and the others are run again, twice at most."""
        self.deadline = time.monotonic() + self.limits.total_seconds
        skip = []
        for _ in range(3):
            last, reason = self._run_once(skip)
            if reason is None or last is None or time.monotonic() > self.deadline:
                if reason:
                    self.outcome.notes.append(reason)
                break
            skip.append(last)
            self.outcome.errors[last] = reason
        return self.outcome

    def _run_once(self, skip):
        """One attempt; returns (cell that was running, why the process ended) or (None, None) if it came to its end."""
        self.end()
        self._start(skip)
        running, wait = None, START_SECONDS
        while True:
            message = self._receive(min(wait, max(0.1, self.deadline - time.monotonic())))
            if isinstance(message, str):
                return running, message
            if "ready" in message:
                self.outcome.measures = [str(m) for m in list(message["ready"])[:12]]
            elif "start" in message:
                running = int(message["start"])
            elif "cell" in message:
                if message.get("error"):
                    self.outcome.errors[int(message["cell"])] = str(message["error"])[:400]
                self.outcome.answers.update({k: v for k, v in dict(message.get("values", {})).items() if k in self.names})
                running = None
            elif message.get("done"):
                return None, None
            wait = self.limits.patience

    def call(self, name, args):
        """Call a function of the notebook in its own process."""
        request = json.dumps({"call": name, "args": [encode(a) for a in args]})
        try:
            self.process.stdin.write(request.encode() + b"\n")
            self.process.stdin.flush()
            wait = min(self.limits.patience, max(1.0, self.deadline + 30 - time.monotonic()))
            reply = self._receive(wait)
        except (OSError, ValueError, AttributeError):
            reply = "the notebook had ended before the function could be tried"
        if isinstance(reply, str):
            self.end()
            raise RuntimeError(reply)
        if "error" in reply:
            raise RuntimeError(str(reply["error"])[:300])
        return decode(reply.get("result"))

    # ---- the process ---------------------------------------------------------------------------------------------
    def _start(self, skip):
        self.folder = Path(tempfile.mkdtemp(prefix="submission-"))
        environment = {k: os.environ[k] for k in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if k in os.environ}
        environment |= {"PYTHONPATH": str(self.library), "HOME": str(self.folder), "TMPDIR": str(self.folder),
                        "MPLCONFIGDIR": str(font_cache()), "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1",
                        "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", "IPYTHONDIR": str(self.folder)}
        environment |= {f"{lib}_NUM_THREADS": "1" for lib in ("OPENBLAS", "OMP", "MKL", "NUMEXPR")}
        own_group = {"start_new_session": True} if os.name == "posix" else {}
        self.process = subprocess.Popen([sys.executable, "-m", "mlmlib.grading.runner"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
                                        cwd=self.folder, **own_group)
        self.lines = queue.Queue(maxsize=64)
        threading.Thread(target=_listen, args=(self.process.stdout, self.lines), daemon=True).start()
        self.watch = threading.Event()
        threading.Thread(target=_watch_memory, args=(self.process, self.limits.memory_mb, self.watch), daemon=True).start()
        task = {"cells": self.cells, "names": self.names, "skip": skip, "folder": str(self.folder), "hidden": self.hidden,
                "cell_seconds": self.limits.cell_seconds, "memory_mb": self.limits.memory_mb}
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
            return "it ran too long and was stopped"
        if line is None:
            return "it used too much memory and was stopped" if self.watch.is_set() else "it ended the process"
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        return message if isinstance(message, dict) else "it wrote into the grader's channel"

    def end(self):
        """Kill the process with all its children, and remove its folder."""
        if self.process is not None:
            _kill(self.process)
            for pipe in (self.process.stdin, self.process.stdout):
                try:
                    pipe.close()
                except OSError:
                    pass
            self.process = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def _listen(stream, lines):
    try:
        while True:
            line = stream.readline(MAX_LINE)
            if not line:
                break
            lines.put(line)
    except (OSError, ValueError):
        pass
    lines.put(None)


def _watch_memory(process, limit_mb, over):
    """Where the system has no memory limit of its own, and for child processes everywhere: look, and kill."""
    try:
        import psutil
        root = psutil.Process(process.pid)
        while process.poll() is None:
            used = sum(p.memory_info().rss for p in [root, *root.children(recursive=True)])
            if used > limit_mb << 20:
                over.set()
                _kill(process)
                return
            time.sleep(0.25)
    except Exception:
        return


def _kill(process):
    try:
        import psutil
        family = psutil.Process(process.pid).children(recursive=True)
    except Exception:
        family = []
    try:
        os.killpg(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
    except (OSError, ProcessLookupError):
        pass
    for child in family:
        try:
            child.kill()
        except Exception:
            pass
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        pass


_fonts = None
_fonts_lock = threading.Lock()


def font_cache():
    """A folder with matplotlib's font list, made once: without it every submission would search the fonts anew."""
    global _fonts
    with _fonts_lock:
        if _fonts is None:
            folder = Path(tempfile.gettempdir()) / f"mlm-grading-fonts-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
            folder.mkdir(exist_ok=True)
            if not any(folder.glob("fontlist*.json")):
                subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=False,
                               env=os.environ | {"MPLCONFIGDIR": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _fonts = folder
    return _fonts
