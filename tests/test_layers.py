"""Imports go down the list of layers only from later to earlier ones.

Counted are imports that run when a module is loaded.  A method may dispatch to a later layer in its body
(``fit.margins()`` asks `mlmlib.inference`), because nobody pays for that who does not call it.
"""

from __future__ import annotations

import ast

import pytest

from toc import ROOT

# One line a layer, earlier ones first; modules of one line may import each other.  A module belongs to the longest name
# that it begins with: the summaries of panels, GEE and robust fits are reports that live beside what they report.
LAYERS = [
    ("words", "errors optional display frames given expression results testresult icc_result"),
    ("table", "table datasets splines transforms"),
    ("formula", "formula coding"),
    ("design", "design membership new_rows"),
    ("covariance", "covariance rows"),
    ("lmm", "lmm ols gls outcomes multivariate"),
    ("glmm", "glmm"),
    ("inference", "inference"),
    ("clustering", "clustering centering r2"),
    ("other answers to clustering", "panel gee robust"),
    ("diagnostics", "diagnostics growth"),
    ("plots", "plots"),
    ("simulate", "simulate simulate_categories"),
    ("power", "power"),
    ("report", "report panel.summary gee.summary robust.summary"),
    ("the book", "estimators published widgets feedback grading bench release cli"),
]
PLACE = {name: k for k, (_, names) in enumerate(LAYERS) for name in names.split()}


def layer(module: str) -> int | None:
    """The place of a module, named without ``mlmlib.``; None for the package itself, which loads nothing."""
    parts = module.split(".")
    return next((PLACE[name] for k in range(len(parts), 0, -1) if (name := ".".join(parts[:k])) in PLACE), None)


def loaded_with(tree):
    """The imports that run when a module is loaded: those outside functions."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for name in ("body", "orelse", "finalbody", "handlers"):
                for part in getattr(node, name, ()) if isinstance(getattr(node, name, ()), list) else ():
                    yield from loaded_with(ast.Module([part], []))


def imported(module: str, package: str, source: str):
    """Line and name, without ``mlmlib.``, of all modules of the library that a module loads."""
    for node in loaded_with(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        else:
            base = node.module or ""
            if node.level:
                base = ".".join(filter(None, [*package.split(".")[:len(package.split(".")) - node.level + 1], base]))
            found = [f"{base}.{alias.name}" for alias in node.names]
        for name in found:
            if name.startswith("mlmlib."):
                yield node.lineno, name.removeprefix("mlmlib.")


def against_the_order(module: str, package: str, source: str) -> list[str]:
    own = layer(module)
    return [f"{module}, line {line}: {name} belongs to a later layer ({LAYERS[layer(name)][0]} after {LAYERS[own][0]})"
            for line, name in imported(module, package, source) if own is not None and (layer(name) or 0) > own]


def modules():
    for path in sorted((ROOT / "mlmlib").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = ".".join(parts[:-1])
        name = package if parts[-1] == "__init__" else ".".join(parts)
        yield name.removeprefix("mlmlib").removeprefix("."), package, path


def test_imports_go_from_later_layers_to_earlier_ones():
    found = [told for name, package, path in modules() for told in against_the_order(name, package, path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


def test_every_module_has_a_layer():
    assert not [name for name, _, _ in modules() if name and layer(name) is None]


def test_the_table_names_what_exists():
    names = {".".join(name.split(".")[:k]) for name, _, _ in modules() for k in (1, 2)}
    assert not set(PLACE) - names
    assert len(PLACE) == sum(len(names.split()) for _, names in LAYERS)


@pytest.mark.parametrize("source", [
    "from ..inference.wald import f_test", "from ..report import page", "import mlmlib.report.page", "from .. import plots",
    "if True:\n    from ..report import page", "try:\n    pass\nexcept ImportError:\n    from ..report import page",
    "class A:\n    from ..report.page import Page"])
def test_an_import_of_a_later_layer_is_found(source):
    assert len(against_the_order("glmm.model", "mlmlib.glmm", source)) == 1


@pytest.mark.parametrize("source", [
    "from ..lmm.factors import factor_names", "from .result import GlmmResult", "from .. import design", "import numpy as np",
    "def margins(fit):\n    from ..inference.margins import margins\n    return margins(fit)", "from .. import __version__"])
def test_an_earlier_layer_and_the_body_of_a_function_are_free(source):
    assert not against_the_order("glmm.model", "mlmlib.glmm", source)
