"""The Python face of a lab."""

from __future__ import annotations

from html import escape
from typing import Any

from mlmlib.widgets.component import component


def lab(name: str, title: str, state: dict, *, data: dict | None = None) -> Any:
    """A lab whose module is ``js/<name>.js``.

    Parameters
    ----------
    name : str
        Name of the module, and of the function in :mod:`mlmlib.widgets.labs` that calls this.
    title : str
        Shown where no script runs.
    state : dict
        What a reader can change, with the values that the lab opens with. The keys are those of the module's
        ``state``. ``None`` leaves the module's own value.
    data : dict, optional
        What the lab works on and a reader cannot change (a data set, say).

    Returns
    -------
    object
        Each key of ``state`` is an attribute that can be read and set; ``result`` holds the numbers that the lab shows
        (None until it has been drawn in a notebook).
    """
    given = {key: value for key, value in state.items() if value is not None}
    values = {**dict.fromkeys(state), **given, "data": data, "result": None}
    short = [f"{key}={value!r}" for key, value in given.items() if isinstance(value, (bool, int, float, str))]
    call = f"mlm.labs.{name}({', '.join(short)})"
    waiting = f"<p><em>Lab: {escape(title)}.</em> It runs in the page and needs JavaScript.</p>"
    return component(name, f"{name}.js", values, waiting=waiting, call=call, doc=title)
