"""The examples in the docstrings of mlmlib run and give what they show."""

from __future__ import annotations

import doctest
import importlib

import pytest

from toc import ROOT

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "mlmlib").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    if not hasattr(module, "__file__"):  # a function that bears its module's name
        module = importlib.import_module("sys").modules[name]
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted and not result.failed
