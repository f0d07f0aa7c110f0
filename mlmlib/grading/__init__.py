"""Exercises: build the student copies, grade what comes back.

``exercises/NN_topic.ipynb`` (otter assign format) is the one source of a chapter's exercises. `build` makes from it
a student copy without solutions or hidden tests, and an autograder; `grade` runs a folder of submissions, each in a
process of its own, and writes a CSV. ``exercises/README.md`` tells authors how to write a source.

Names are loaded when first used: a student's notebook needs only `mlmlib.grading.check`.
"""
from importlib import import_module

from ..optional import needs

__all__ = ["build", "grade", "main", "check"]

_HOME = {"build": ("mlmlib.grading.building", "build"), "grade": ("mlmlib.grading.grading", "grade"),
         "main": ("mlmlib.grading.__main__", "main")}


def __getattr__(name):
    if name == "check":
        return import_module("mlmlib.grading.check")
    if name in _HOME:
        module, attribute = _HOME[name]
        with needs(f"mlm.grading.{name}"):
            return getattr(import_module(module), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
