"""What labs and self-checks have in common: one ES module, its state as JSON, and two ways onto a page.

In Jupyter a component is an :class:`anywidget.AnyWidget`, whose traits Python can read and set. On the book's site,
and wherever anywidget is not installed, it is a piece of HTML that needs no kernel: a container, the state as JSON, and
the module as an inline script.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from typing import Any

from mlmlib.widgets.bundle import bundle

#: Set while the site is built: components are plain HTML, no widget (and no widget manager) gets onto the page.
STATIC = "MLMLIB_STATIC"

#: While the site is built: the object of each kind that brings the module onto the page.
_carriers: dict[str, object] = {}


def is_static() -> bool:
    """Whether components are to be HTML only (the site is being built, or there is no anywidget)."""
    if os.environ.get(STATIC):
        return True
    try:
        import anywidget  # noqa: F401
    except ImportError:
        return True
    return False


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: arrays and Series become lists, NumPy's numbers Python's, NaN becomes None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) or type(value).__name__ == "range":
        return [plain(item) for item in value]
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, float) and math.isinf(value):
        raise ValueError(f"a lab's state must be finite, not {value}: JSON has no word for it, and the page would not open")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a lab's state must be numbers, text, or lists of them, not {type(value).__name__}")


def html(kind: str, entry: str, values: dict, waiting: str, owner: object) -> str:
    """The component as HTML. `waiting` is shown until the script runs, and where none runs."""
    state = json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    out = (
        f'<div class="mlm-block" data-mlm="{kind}"><div class="mlm-waiting">{waiting}</div>'
        f'<script type="application/json">{state}</script></div>'
    )
    # While the site is built one process runs one page, and one copy of the module serves all its blocks. In a notebook
    # each output carries its own, so that it survives when another is cleared.
    if not os.environ.get(STATIC) or _carriers.setdefault(kind, owner) is owner:
        out += f'\n<script type="module">\n{bundle(entry, kind)}</script>'
    return out


class _Html:
    """A component without a widget behind it: the same attributes, and HTML."""

    to_html: Callable[[], str]

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/plain": repr(self), "text/html": self.to_html()}


def _html_class(name: str, values: dict, methods: dict) -> object:
    made = type(name, (_Html,), dict(methods))()
    made.__dict__.update(values)
    return made


def _widget_class(name: str, entry: str, values: dict, methods: dict) -> object:
    import anywidget
    import traitlets

    def show(self, **kwargs):
        bundle_and_data = anywidget.AnyWidget._repr_mimebundle_(self, **kwargs)
        data, metadata = bundle_and_data if isinstance(bundle_and_data, tuple) else (bundle_and_data, {})
        return {**data, "text/plain": repr(self), "text/html": self.to_html()}, metadata

    traits = {key: traitlets.Any(value).tag(sync=True) for key, value in values.items()}
    for key in values:
        methods[f"_plain_{key}"] = traitlets.validate(key)(lambda self, proposal: plain(proposal["value"]))
    body = {"_esm": bundle(entry), "_repr_mimebundle_": show, **traits, **methods}
    return type(name, (anywidget.AnyWidget,), body)()


def component(kind: str, entry: str, values: dict, *, waiting: str, call: str, doc: str = "") -> Any:
    """A new component: ``values`` are its attributes, synced with the page where there is a kernel.

    Parameters
    ----------
    kind, entry : str
        What it is called on the page, and its module in ``js/``.
    values : dict
        The state it opens with.
    waiting : str
        HTML to show where no script runs.
    call : str
        How it reads in Python, for ``repr``.
    """
    values = {key: plain(value) for key, value in values.items()}

    def to_html(self) -> str:
        """The component as HTML that runs without a kernel."""
        return html(kind, entry, {key: getattr(self, key) for key in values}, waiting, self)

    name = "".join(part.title() for part in kind.split("_"))
    methods = {"to_html": to_html, "__repr__": lambda self: call, "__doc__": doc}
    if is_static():
        return _html_class(name, values, methods)
    return _widget_class(name, entry, values, methods)
