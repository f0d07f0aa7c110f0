"""The warm process: imports what notebooks import, then forks once for each submission and kills it when told to.

Started by `mlmlib.grading.process` on Linux. It never sees a submission's cells, a hidden test or an answer: the copy
reads its task from its own pipe. It adopts what a submission leaves running (as their subreaper) and kills that too, and
when the grader goes away, it takes all submissions with it.
"""
import contextlib
import ctypes
import gc
import json
import os
import random
import signal
import socket
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main():
    """Serve until the grader hangs up."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    prepare()
    channel.send(b"0")
    children = set()
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 2)
        except OSError:
            message = b""
        if not message:
            break
        question = json.loads(message)
        if "end" in question:
            end(question["end"], children)
            channel.send(b"0")
            continue
        me, pid = os.getpid(), os.fork()
        if pid == 0:
            become(question, descriptors, channel, me)
        children.add(pid)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(str(pid).encode())
    for pid in list(children):
        end(pid, children)


def prepare():
    """Import what the cells of notebooks will import, and freeze it, so that the copies share it."""
    import matplotlib.pyplot  # noqa: F401
    import pandas  # noqa: F401
    import scipy.optimize
    import scipy.stats  # noqa: F401

    import mlmlib as mlm

    from . import codec, fits, guard, notebook, runner  # noqa: F401
    for name in mlm.__all__:
        getattr(mlm, name)
    runner.make_shell()
    gc.collect()
    gc.freeze()


def become(question, descriptors, channel, parent):
    """In the copy: take the pipes, forget the server (but end with it), and run the submission."""
    status = 1
    with contextlib.suppress(BaseException):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(status)
        channel.close()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for here, there in zip(descriptors, (0, 1)):
            os.dup2(here, there)
            os.close(here)
        os.environ.clear()
        os.environ.update(question["environment"])
        os.chdir(question["folder"])
        random.seed()
        sys.modules["numpy"].random.seed()
        from . import runner
        runner.main(parent)
        status = 0
    os._exit(status)


def end(pid, children):
    """Kill a copy with its descendants, and whatever was left to us by a copy that tried to run away."""
    import psutil

    from .process import kill_family
    kill_family(pid)
    if pid in children:
        children.discard(pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    for stray in psutil.Process().children():
        if stray.pid not in children:
            with contextlib.suppress(psutil.Error):
                stray.kill()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(stray.pid, 0)


if __name__ == "__main__":
    main()
