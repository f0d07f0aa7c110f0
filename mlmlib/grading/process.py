"""The process that a submission runs in: forked from a warm one where the system can fork safely, else started anew.

Both kinds have `stdin`, `stdout`, `pid` and `end()`, which kills the process with everything that it started.
"""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[2]


def environment(folder):
    """Variables of a submission's process: one thread for each library, its home in `folder`, no secrets of ours."""
    kept = {k: os.environ[k] for k in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if k in os.environ}
    return kept | {f"{lib}_NUM_THREADS": "1" for lib in ("OPENBLAS", "OMP", "MKL", "NUMEXPR")} | {
        "PYTHONPATH": str(LIBRARY), "HOME": str(folder), "TMPDIR": str(folder), "MPLCONFIGDIR": str(font_cache()),
        "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", "IPYTHONDIR": str(folder)}


class Fresh:
    """A new interpreter, which imports everything itself: works everywhere, and costs seconds."""

    kind = "new interpreter"

    def __init__(self, folder):
        self._process = subprocess.Popen([sys.executable, "-m", "mlmlib.grading.runner"], stdin=subprocess.PIPE, cwd=folder,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(folder),
                                         start_new_session=os.name == "posix")
        self.stdin, self.stdout, self.pid = self._process.stdin, self._process.stdout, self._process.pid

    def healthy(self):
        """Whether its end, if it has ended, was its own doing."""
        return True

    def end(self):
        """Kill the process with all its children."""
        kill_family(self.pid)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        _close(self.stdin, self.stdout)


class Forked:
    """A copy of the warm process, with everything imported: ready in milliseconds."""

    kind = "warm process"

    def __init__(self, folder):
        self._server = server()
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self.stdin, self.stdout = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        try:
            self.pid = self._server.ask({"folder": str(folder), "environment": environment(folder)}, [theirs_in, theirs_out])
        except (OSError, ValueError):
            _close(self.stdin, self.stdout)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    def healthy(self):
        """Whether its end, if it has ended, was its own doing: it dies together with the warm process."""
        time.sleep(0.05)
        return self._server.alive

    def end(self):
        """Have the process killed by its parent, with all its children."""
        try:
            self._server.ask({"end": self.pid})
        except (OSError, ValueError):
            kill_family(self.pid)
        _close(self.stdin, self.stdout)


def start(folder):
    """A process for a submission in `folder`, warm if possible."""
    if sys.platform == "linux":
        try:
            return Forked(folder)
        except (OSError, ValueError):
            pass
    return Fresh(folder)


class Server:
    """The grader's hold on the warm process (`mlmlib.grading.warm`): one question and one answer at a time."""

    def __init__(self):
        self.lock, self.closed = threading.Lock(), False
        self.folder = tempfile.mkdtemp(prefix=f"submission-{os.getpid()}-warm-")
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen([sys.executable, "-m", "mlmlib.grading.warm", str(theirs.fileno())], env=environment(self.folder),
                                        pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.folder, start_new_session=True)
        theirs.close()
        self.channel.settimeout(120)
        self._answer()

    @property
    def alive(self):
        """Whether it still answers."""
        return not self.closed and self.process.poll() is None

    def ask(self, question, descriptors=()):
        """Send a question with open files; the answer is a process number."""
        with self.lock:
            socket.send_fds(self.channel, [json.dumps(question).encode()], list(descriptors))
            return self._answer()

    def _answer(self):
        reply = self.channel.recv(4096)
        if not reply:
            raise OSError("the warm process has ended")
        return int(reply)

    def close(self):
        """Hang up: the warm process then kills what it started, and ends."""
        self.closed = True
        self.channel.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_server, _lock = None, threading.Lock()


def server():
    """The warm process of this grader, started when first needed and again if it has died."""
    global _server
    with _lock:
        if _server is None or not _server.alive:
            close()
            _server = Server()
    return _server


def close():
    """End the warm process, if there is one."""
    global _server
    if _server is not None:
        _server.close()
        _server = None


atexit.register(close)


def family(pid):
    """The processes that descend from `pid`, as psutil knows them."""
    try:
        import psutil
        return psutil.Process(pid).children(recursive=True)
    except Exception:
        return []


def kill_family(pid):
    """Kill a process, its group and its descendants."""
    descendants = family(pid)
    try:
        os.killpg(pid, signal.SIGKILL) if os.name == "posix" else os.kill(pid, signal.SIGTERM)
    except OSError:
        pass
    for process in descendants:
        try:
            process.kill()
        except Exception:
            pass


def _close(*files):
    for file in files:
        try:
            file.close()
        except OSError:
            pass


_fonts, _fonts_lock = None, threading.Lock()


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
