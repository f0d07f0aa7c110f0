"""The `mlm` command: the same verbs as the Makefile, on a machine that has Python alone.

This file and `environment.py` use nothing but the standard library, because they run before anything is installed:
`python -m mlmlib.cli book` in a fresh clone makes `.venv`, installs the lock into it, and builds the book there.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys

from mlmlib.cli import environment

VERBS = {
    # verb: (lock it needs or None, module that does it, help)
    "book": ("book", "book", "build the website into _build/html"),
    "test": ("test", "checks", "run every test: style, library, notebooks, exercises, the site in a browser"),
    "lab": ("book", "lab", "open the chapters in JupyterLab"),
    "serve": (None, "serve", "show the built website on this machine"),
    "exercises": ("test", "exercises", "build the student copies of the exercises"),
    "grade": ("test", "exercises", "grade a folder of submissions into a CSV file"),
    "bench": ("book", "bench", "time the estimator in turn with other programs, and its growth with rows"),
    "release": ("test", "release", "write the site, the notebooks and a PDF of the book, to take away, with checksums"),
    "slides": ("book", "slides", "write slides from the built chapters"),
    "setup": ("test", None, "make .venv with everything that the other verbs need, and stop"),
    "lock": (None, "lock", "resolve the dependencies of pyproject.toml anew into the two lock files (needs uv)"),
    "versions": (None, "versions", "test the library with the oldest and newest versions it allows (needs uv)"),
    "links": (None, "links", "ask whether the outside addresses in the book still answer"),
    "coverage": ("test", "coverage", "measure which lines and branches of the library the tests reach"),
    "clean": (None, "clean", "remove what was built (--all removes .venv too)"),
}


def parser() -> argparse.ArgumentParser:
    """The command line, one sub-command a verb."""
    top = argparse.ArgumentParser(prog="mlm",
                                  description="Build, test, read and grade the textbook of multilevel models.")
    sub = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    made = {verb: sub.add_parser(verb, help=text, description=text) for verb, (_, _, text) in VERBS.items()}
    made["book"].add_argument("--all", action="store_true", help="forget earlier builds first")
    made["book"].add_argument("--jobs", type=int, default=2, help="chapters run at the same time (default 2)")
    made["book"].add_argument("--only", nargs="+", metavar="NN",
                              help="preview these chapters, with the back matter, into _build/preview")
    made["book"].add_argument("--out", help="folder to build in (default _build)")
    made["test"].add_argument("--quick", action="store_true",
                              help="style and library only: no notebooks, no book, no browser")
    made["test"].add_argument("pytest", nargs="*", help="passed to pytest (put -- before options)")
    made["lab"].add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    made["serve"].add_argument("--port", type=int, default=8000, help="first port to try (default 8000)")
    made["serve"].add_argument("--open", action="store_true", help="open the web browser too")
    made["exercises"].add_argument("chapters", nargs="*", help="chapters to build, e.g. 03 (default: all)")
    made["exercises"].add_argument("--students", metavar="FILE", help="an edition of its own for each student, one number or name a line")
    made["exercises"].add_argument("--practice", action="store_true", help="a fresh variant to practice on")
    made["exercises"].add_argument("--seed", help="with --practice: which variant")
    made["exercises"].add_argument("--check-public", metavar="DIR", help="build nothing; look through a folder or zip for hidden tests, solutions "
                                   "and secrets that must not be published")
    made["grade"].add_argument("submissions", help="folder that holds one notebook a student")
    made["grade"].add_argument("options", nargs=argparse.REMAINDER,
                               help="passed to the grader, see `mlm grade DIR --help`")
    made["bench"].add_argument("--quick", action="store_true", help="fewer rounds, no large models: two minutes")
    made["bench"].add_argument("--write", action="store_true",
                               help="keep the results in backmatter/bench.json, for the book's page")
    made["bench"].add_argument("--part", choices=("compare", "general", "panel", "shares", "tasks", "inference", "growth"),
                               help="one part alone; tasks are the quick half of inference")
    made["bench"].add_argument("--r-blas", metavar="LIB",
                               help="a shared library with a faster BLAS: time lme4 with it too")
    made["release"].add_argument("--out", help="folder to write into (default _build/release)")
    made["release"].add_argument("--built", action="store_true",
                                 help="take the site and the student copies as they are in _build, build nothing")
    made["release"].add_argument("--no-pdf", action="store_true", help="leave the PDF out")
    made["slides"].add_argument("chapters", nargs="*", help="chapters, e.g. 03 (default: all)")
    made["slides"].add_argument("--out", help="folder to write into (default _build/slides)")
    made["versions"].add_argument("python", nargs="*", help="e.g. 3.12 (default: 3.11 to 3.14, as far as they can be had)")
    made["coverage"].add_argument("--write", action="store_true",
                                  help="keep the figures in backmatter/coverage.json, for the book's page")
    made["coverage"].add_argument("--report", action="store_true", help="the last run's figures, nothing is run")
    made["coverage"].add_argument("pytest", nargs="*", help="passed to pytest (put -- before options)")
    made["clean"].add_argument("--all", action="store_true", help="remove .venv too")
    return top


def main(argv: list[str] | None = None) -> int:
    """Carry out one verb; the value is the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    args = parser().parse_args(argv)
    needs, module, _ = VERBS[args.verb]
    try:
        root = environment.find_root()
        if needs:
            python = environment.ensure(root, needs)
            if not environment.is_current(python):
                return subprocess.call([str(python), "-m", "mlmlib.cli", *argv], cwd=root,
                                       env=environment.variables(root))
            os.environ.update(environment.variables(root))
        if module is None:
            print("Ready.")
            return 0
        return importlib.import_module(f"mlmlib.cli.{module}").run(root, args) or 0
    except environment.SetupError as error:
        print(f"mlm: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmlm: stopped. Nothing is broken: the same command goes on from here.", file=sys.stderr)
        return 130
