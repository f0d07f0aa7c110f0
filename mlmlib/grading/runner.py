"""The submission's side: run the cells of one notebook and send its answers out, one line of JSON after each cell.

Started by `mlmlib.grading.supervise` as a process of its own. It knows the cells and the names that are asked for;
of tests and expected values it knows nothing, so there is nothing in it worth stealing or breaking.
"""
import contextlib
import io
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import types
from functools import lru_cache


def main(starter=None):
    """Read the task from standard input, run it, serve calls of functions until the grader hangs up.

    `starter` is the process that started this one, with which it ends; its parent, if nothing is said.
    """
    wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    task = json.loads(wire_in.readline())

    from . import guard
    with contextlib.suppress(ImportError):
        import statsmodels.tools.data  # noqa: F401 - where polars is installed, importing it opens a library, which the guard forbids
    os.chdir(task["folder"])
    tempfile.tempdir = None
    measures = guard.apply(task["folder"], task["hidden"], task["memory_mb"], task["slot"], starter)
    shell = make_shell()

    def send(message):
        wire_out.write(json.dumps(message).encode() + b"\n")
        wire_out.flush()

    lines = queue.Queue()
    threading.Thread(target=hang_up, args=(wire_in, lines), daemon=True).start()
    send({"ready": measures})
    sent = {}
    for number, source in enumerate(task["cells"]):
        if number in task["skip"]:
            continue
        send({"start": number})
        error = run_cell(shell, source, task["cell_seconds"])
        send({"cell": number, "error": error, "values": changed(shell.user_ns, task["names"], sent)})
    send({"done": True})
    while True:
        send(answer_call(shell.user_ns, json.loads(lines.get()), task["cell_seconds"]))


def hang_up(wire_in, lines):
    """Put what the grader sends into a queue; end this process when the grader is gone."""
    for line in wire_in:
        lines.put(line)
    os._exit(0)


@lru_cache
def make_shell():
    """An IPython shell without history or terminal, with a stand-in for otter whose checks do nothing; made once."""
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell
    HistoryManager.enabled = False
    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *args, **kwargs: None
    otter = types.ModuleType("otter")
    otter.Notebook = lambda *args, **kwargs: _Silent()
    sys.modules["otter"] = otter
    return shell


class _Silent:
    """Takes every method call and does nothing."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


class OutOfTime(KeyboardInterrupt):
    """The cell ran longer than it may."""


def _ring(signum, frame):
    raise OutOfTime


def timed(seconds, work):
    """Run `work()`, interrupted after `seconds` of processor time where the system has such an alarm.

    Processor time, so that a busy machine takes nothing from anyone; who sleeps is ended by the grader's own clock.
    """
    if not hasattr(signal, "setitimer"):
        return work()
    signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def run_cell(shell, source, seconds):
    """Run one cell; what it prints is thrown away; its error comes back as one line, or None."""
    sys.stdout = sys.stderr = io.TextIOWrapper(io.FileIO(os.devnull, "w"), write_through=True)
    try:
        result = timed(seconds, lambda: shell.run_cell(source, store_history=False, silent=False))
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:
        error = raised
    if error is None:
        return None
    if isinstance(error, OutOfTime):
        return f"the cell ran longer than {seconds:g} seconds and was stopped"
    try:
        return f"{type(error).__name__}: {error}"[:300]
    except Exception:
        return type(error).__name__


def changed(namespace, names, sent):
    """Encoded answers that are new or differ from what was `sent` before."""
    from .codec import encode
    out = {}
    for name in names:
        if name not in namespace:
            continue
        try:
            value = timed(10, lambda: encode(namespace[name], name=name))
            text = json.dumps(value)
        except BaseException as error:
            value = {"t": "other", "v": f"a value that cannot be read ({type(error).__name__})"}
            text = json.dumps(value)
        if sent.get(name) != text:
            sent[name] = text
            out[name] = value
    return out


def answer_call(namespace, request, seconds):
    """Call a function of the notebook with the arguments that the grader sent."""
    from .codec import decode, encode
    try:
        args = [decode(a) for a in request["args"]]
        return {"result": timed(seconds, lambda: encode(namespace[request["call"]](*args)))}
    except OutOfTime:
        return {"error": f"longer than {seconds:g} seconds"}
    except BaseException as error:
        try:
            return {"error": f"{type(error).__name__}: {error}"[:300]}
        except Exception:
            return {"error": type(error).__name__}


if __name__ == "__main__":
    main()
