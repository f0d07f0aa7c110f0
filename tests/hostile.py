"""Submissions that crash, loop, cheat, escape or are no notebooks at all, and the points that each may have.

None of them could do lasting harm if it did escape: bombs are bounded, and what they try to delete or kill belongs to the test.
Written for the tiny exercise of `exercise_kit` (``twice``, two points, and ``square``, three). SECRETS and ROOT stand for folders.
"""

from __future__ import annotations

import io
import os
import zipfile

import nbformat

AFTER_FIRST = "twice = 42.5"
FAKE = """
class Fake(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __abs__(self): return 0.0
    def __float__(self): return 7.0
twice = Fake(7)
square = lambda x: Fake(1)
"""
PATCH = """
from mlmlib.grading import check, judge, codec
check.number = check.function = check.form = lambda *a, **k: None
judge.judge = lambda *a, **k: []
codec.encode = lambda *a, **k: {"t": "num", "v": 42.5}
import otter
otter.Notebook = None
twice, square = 1, None
"""
SEARCH = """
import glob, os
found = glob.glob(HERE + "/autograder/**", recursive=True)
texts = glob.glob(ROOT + "/exercises/*.ipynb")
for path in found:
    try:
        texts.append(open(path, "rb").read())
    except OSError:
        pass
twice = 42.5 if texts else 0
"""
STUBBORN = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
WIRE = """
import os
for fd in range(3, 40):
    try:
        os.write(fd, b'{"done": true}\\n{"cell": 1}\\n[1]\\n')
    except OSError:
        pass
twice = 1
"""

# name: (what is added, where, points it may have: the damage is the author's own)
CASES = {
    "model": (None, {}, 5),
    "raises": ("1 / 0", {"after": AFTER_FIRST}, 5),
    "syntax": ("def (:", {"after": AFTER_FIRST}, 5),
    "loops": ("while True: pass", {"after": AFTER_FIRST}, 5),
    "stubborn": (STUBBORN, {"after": AFTER_FIRST}, (2, 5)),
    "sys_exit": ("import sys; sys.exit(0)", {"after": AFTER_FIRST}, 5),
    "os_exit": ("import os; os._exit(0)", {"after": AFTER_FIRST}, 5),
    "memory": ("hog = []\nwhile True: hog.append(bytearray(100_000_000))", {"after": AFTER_FIRST}, 5),
    "prints": ("while True: print('spam' * 1000)", {"after": AFTER_FIRST}, 5),
    "recursion": ("def f(): return f()\nf()", {"after": AFTER_FIRST}, 5),
    "fake_float": (FAKE, {}, 0),
    "patches_checks": (PATCH, {}, (0, 2)),
    "channel": (WIRE, {}, (0, 3)),
    "wrong_types": ("import numpy as np\ntwice = np.zeros((2, 2))\nsquare = 'x ** 2'", {}, 0),
    "loops_in_function": ("def square(x):\n    while True: pass", {}, 2),
    "exits_in_function": ("def square(x):\n    import os\n    os._exit(0)", {}, 2),
    "remembers_inputs": ("calls = []\ndef square(x):\n    calls.append(x)\n    return 2.25 if len(calls) == 1 else 0", {}, 2),
    "big_answer": ("twice = list(range(3_000_000))", {}, 3),
    "overwrites_data": ("import mlmlib as mlm\nmlm.load = lambda name: None\ntwice = 21.25", {}, 3),
    "deletes": ("import os, shutil\nshutil.rmtree(HERE, ignore_errors=True)\nos.remove(HERE + '/90_model.ipynb')", {}, 5),
    "writes": ("open(HERE + '/planted.txt', 'w').write('x')", {}, 5),
    "searches": (SEARCH, {}, 3),
    "programs": ("import subprocess\ntwice = len(subprocess.run(['echo', 'x'], capture_output=True).stdout)", {}, 5),
    "sleeps": ("import time\ntime.sleep(1000)", {"after": AFTER_FIRST}, 5),
    "network": ("import socket\nsocket.create_connection(('127.0.0.1', 9))\ntwice = 0", {}, 5),
}

SHELL = """
import _posixsubprocess, os
def shell(command):
    r, w = os.pipe()
    return _posixsubprocess.fork_exec([b"/bin/sh", b"-c", command.encode()], [b"/bin/sh"], True, (w,), None, None, -1, -1, -1, -1,
        -1, -1, r, w, True, False, -1, None, None, None, -1, None, True)
"""
BUILTINS = """
import builtins
builtins.isinstance = lambda *a: True
builtins.float = lambda x: 42.5
builtins.type = lambda x: str
"""
NESTED = "twice = []\nfor i in range(100_000):\n    twice = [twice]"
CHAMELEON = """
import numbers
class Real(numbers.Complex):
    pass
class Answer:
    def __getattr__(self, name): return Answer()
    def __call__(self, *a, **k): return Answer()
    def __eq__(self, other): return True
    def __len__(self): return 1
    def __iter__(self): return iter([42.5])
    def __getitem__(self, i): return self
twice = Answer()
square = Answer()
"""
FOREVER = "import signal\nsignal.setitimer(signal.ITIMER_PROF, 0)\nwhile True: pass"
LATER = "import threading, time, os\nthreading.Thread(target=lambda: (time.sleep(0.3), os._exit(3)), daemon=True).start()"
FILES = "for i in range(100_000):\n    open(f'f{i}', 'w').write('x' * 100)"
DISK = "for i in range(40):\n    open(f'f{i}', 'wb').write(bytes(50_000_000))"
SEGFAULT = "import ctypes\nctypes.string_at(0)"
HIJACK = "open('numpy.py', 'w').write('raise SystemExit')\nopen('mlmlib.py', 'w').write('x')\nimport sys\nsys.path.insert(0, '.')"

CASES |= {
    "fork_bomb": (SHELL + "for i in range(400): shell('sleep 98765 & sleep 98765')", {"after": AFTER_FIRST}, 5),
    "daemon": (SHELL + "shell('setsid sh -c \"exec sleep 98765\" &')\nimport time\ntime.sleep(0.5)", {"after": AFTER_FIRST}, 5),
    "shell_kills": (SHELL + "shell('kill -9 GRADER')\nimport time\ntime.sleep(0.5)", {"after": AFTER_FIRST}, 5),
    "shell_deletes": (SHELL + "shell('rm -rf SECRETS')\nimport time\ntime.sleep(0.5)", {"after": AFTER_FIRST}, 5),
    "c_fork": ("import ctypes\nfor i in range(7): ctypes.pythonapi.fork()", {"after": AFTER_FIRST}, 5),
    "threads": ("import threading, time\nfor i in range(5000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
                {"after": AFTER_FIRST}, 5),
    "segfault": (SEGFAULT, {"after": AFTER_FIRST}, 5),
    "deep_stack": ("import sys\nsys.setrecursionlimit(10**9)\ndef f(): return [*map(lambda _: f(), [1])]\nf()", {"after": AFTER_FIRST}, 5),
    "no_alarm": (FOREVER, {"after": AFTER_FIRST}, 5),
    "exits_later": (LATER, {"after": AFTER_FIRST}, (0, 5)),
    "many_files": (FILES, {"after": AFTER_FIRST}, 5),
    "fills_disk": (DISK, {"after": AFTER_FIRST}, 5),
    "nested": (NESTED, {}, 3),
    "long_text": ("twice = '42.5' + ' ' * 200_000_000", {}, (3, 5)),
    "not_a_number": ("twice = float('nan')\nsquare = lambda x: float('inf')", {}, 0),
    "complex": ("twice = 42.5 + 0j", {}, 3),
    "builtins": (BUILTINS, {}, (0, 5)),
    "chameleon": (CHAMELEON, {}, 0),
    "json": ("import json\ntwice = 1\njson.dumps = lambda *a, **k: '{\"done\": true}'", {}, (0, 5)),
    "deep_json": ("import json\njson.dumps = lambda *a, **k: '[' * 900_000", {}, (0, 5)),
    "odd_message": ("import json\njson.dumps = lambda *a, **k: '{\"cell\": \"x\", \"values\": 7}'", {}, (0, 5)),
    "endless_messages": ("import json\nclass S(str):\n    pass\njson.dumps = lambda *a, **k: '{\"hi\": 1}\\n' * 50_000", {}, (0, 5)),
    "hijacks_imports": (HIJACK, {"after": AFTER_FIRST}, 5),
    "markup": ("raise RuntimeError('<script>alert(1)</script><img src=x onerror=alert(1)>')", {"after": AFTER_FIRST}, 5),
    "reads_others": (SHELL + "shell('cat SECRETS/autograder/*/*.ipynb ROOT/exercises/*.ipynb > found')\nimport os, time\ntime.sleep(0.5)\n"
                     "if os.path.getsize('found'): twice = 0", {}, 5),
}
# Only the kernel stops these, where it may: elsewhere they are left out.
NEEDS_KERNEL = {"fork_bomb", "daemon", "shell_kills", "shell_deletes", "fills_disk", "many_files", "threads", "reads_others", "c_fork"}


def _bomb():
    """A zip whose notebook unpacks to 80 MB of nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("90_bomb.ipynb", b" " * (80 << 20))
    return out.getvalue()


BROKEN = {
    "90_broken.ipynb": "{ this is no JSON",
    "90_empty.ipynb": b"",
    "90_not_a_zip.zip": b"PK nonsense",
    "90_zip_bomb.zip": _bomb(),
    "90_page.ipynb": "<!doctype html><title>Sign in</title>",
    "90_deep.ipynb": "[" * 200_000,
    "90_other_text.ipynb": "{}".encode("utf-16"),
    "90_odd_cells.ipynb": '{"cells": 7, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "90_no_source.ipynb": '{"cells": [{"cell_type": "code", "metadata": 3}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "77_other.ipynb": nbformat.v4.new_notebook(),
}


def runnable():
    """The names of the cases that this system can hold; a harmless run tells what measures it has."""
    from mlmlib.grading.supervise import Submission
    with Submission(["x = 1"], {"x"}) as submission:
        held = set(submission.run().measures)
    kernel = {"no network", "read-only files", "hidden folders", "folder limit", "own processes only", "process limit"} <= held
    return [name for name in CASES if kernel or name not in NEEDS_KERNEL]


def code_of(name, secrets, root):
    """The code of a case with the names of folders filled in; None for the model answers."""
    code = CASES[name][0]
    if code is None:
        return None
    code = code.replace("GRADER", str(os.getpid()))
    return code.replace("HERE", repr(str(secrets))).replace("SECRETS", str(secrets)).replace("ROOT", _root(code, root))


def _root(code, root):
    return str(root) if "shell(" in code else repr(str(root))
