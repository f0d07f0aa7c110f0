"""Answers as plain JSON: the only thing that crosses from a submission's process to the grader.

Whatever clever object a notebook holds, what arrives is a number, a text, a container of them, or the note that a
name holds a function or a fit. Nothing is unpickled. `encode` runs on the submission's side, `decode` on the grader's.
"""
import math
import numbers
from typing import Any

MAX_ITEMS = 20_000
MAX_TEXT = 20_000
MAX_DEPTH = 6


def encode(value, depth=0, name=""):
    """JSON-ready form of an answer."""
    if value is None:
        return None
    if value is Ellipsis:
        return {"t": "empty"}
    if depth > MAX_DEPTH:
        return {"t": "other", "v": "something nested too deeply"}
    if isinstance(value, str):
        return {"t": "text", "v": str.__str__(value)[:MAX_TEXT]}
    kind = type(value).__name__
    if kind in ("bool", "bool_"):
        return bool(value)
    if isinstance(value, numbers.Real) or (kind.startswith(("float", "int", "uint")) and hasattr(value, "item")):
        number = float(value)
        return {"t": "num", "v": number if math.isfinite(number) else str(number)}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = list(value)[: MAX_ITEMS + 1]
        if len(items) > MAX_ITEMS:
            return {"t": "other", "v": f"{kind} with more than {MAX_ITEMS} values"}
        tag = "set" if isinstance(value, (set, frozenset)) else "list"
        return {"t": tag, "v": [encode(v, depth + 1) for v in items]}
    if hasattr(value, "__array__") or hasattr(value, "to_dict"):
        return _encode_table(value, depth)
    if isinstance(value, dict):
        if len(value) > MAX_ITEMS:
            return {"t": "other", "v": f"dict with more than {MAX_ITEMS} values"}
        return {"t": "dict", "k": [str(k)[:200] for k in value], "v": [encode(v, depth + 1) for v in value.values()]}
    from .fits import describe

    fields = describe(value)
    if fields is not None:
        return {"t": "fit", "v": fields}
    if callable(value):
        return {"t": "func", "v": name}
    return {"t": "other", "v": kind}


def _encode_table(value, depth):
    if hasattr(value, "columns"):
        if value.size > MAX_ITEMS:
            return {"t": "other", "v": f"DataFrame with {value.size} values"}
        columns = {str(c): list(value[c]) for c in value.columns}
        return {"t": "frame", "index": [str(i) for i in value.index], "k": list(columns),
                "v": [[encode(x, depth + 1) for x in column] for column in columns.values()]}
    if getattr(value, "size", 0) > MAX_ITEMS:
        return {"t": "other", "v": f"{type(value).__name__} with {value.size} values"}
    if hasattr(value, "to_dict"):
        return {"t": "series", "k": [str(k) for k in value.index], "v": [encode(v, depth + 1) for v in value]}
    if getattr(value, "ndim", 1) == 0:
        return encode(value.item(), depth + 1)
    return {"t": "list", "v": [encode(v, depth + 1) for v in value.tolist()]}


def decode(data, function=None):
    """The answer that `encode` made `data` from; `function(name)` gives the stand-in for a function."""
    if data is None or isinstance(data, bool):
        return data
    if not isinstance(data, dict):
        return Unreadable("an unreadable value")
    tag: Any = data.get("t")
    v: Any = data.get("v")
    match tag:
        case "empty":
            return Ellipsis
        case "num":
            return float(v)
        case "text":
            return str(v)
        case "list":
            return [decode(x) for x in v]
        case "set":
            return {x if isinstance(x, (str, float, bool)) else str(x) for x in map(decode, v)}
        case "dict":
            return dict(zip(data["k"], map(decode, v)))
        case "series":
            from .. import frames as pd
            return pd.Series([decode(x) for x in v], index=data["k"])
        case "frame":
            from .. import frames as pd
            return pd.DataFrame({k: [decode(x) for x in c] for k, c in zip(data["k"], v)}, index=data["index"])
        case "fit":
            from .fits import record
            return record(v)
        case "func" if function is not None:
            return function(v)
        case _:
            return Unreadable(str(v)[:60])


class Unreadable:
    """An answer of a kind that no question asks for."""

    def __init__(self, kind):
        self.kind = kind

    def __repr__(self):
        return self.kind
