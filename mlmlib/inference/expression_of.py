"""Text such as ``"cses + 0.5 * cses:mean_ses"`` read as a function of a fit's parameters.

Chapter 8 (``08_inference``) asks for intervals of such quantities.
"""

from __future__ import annotations

import ast
import re

import numpy as np

from .contrasts import _orders, unknown_name

__all__ = ["Expression", "read_expression"]

_FUNCTIONS = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "tanh": np.tanh, "atanh": np.arctanh}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub)


class Expression:
    """A function of the parameters, with what is known of its form.

    Attributes
    ----------
    text : str
    single : int or None
        The parameter that it is, if it is one by itself.
    linear : tuple of (ndarray, float) or None
        Weights of all parameters and the constant, where it is linear.
    ratio : tuple of two such pairs, or None
        Numerator and denominator, where both are linear.
    """

    def __init__(self, text: str, tree: ast.expr, names: tuple[str, ...]):
        self.text, self._n = text, len(names)
        self._code = compile(ast.fix_missing_locations(ast.Expression(tree)), "<of>", "eval")
        self.linear = self._linear(tree)
        self.ratio = self._ratio(tree) if self.linear is None else None
        self.single = None
        if self.linear is not None and self.linear[1] == 0.0:
            places = np.flatnonzero(self.linear[0])
            if len(places) == 1 and self.linear[0][places[0]] == 1.0:
                self.single = int(places[0])

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The quantity at parameter values, shape (..., k)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = eval(self._code, {"__builtins__": {}},
                         {**_FUNCTIONS, "_v": [values[..., k] for k in range(self._n)]})
        return np.broadcast_to(np.asarray(found, dtype=float), values.shape[:-1])

    def _linear(self, node):
        """Weights and constant of a node, None where it is not linear."""
        if isinstance(node, ast.Constant):
            return np.zeros(self._n), float(node.value)
        if isinstance(node, ast.Subscript):
            weights = np.zeros(self._n)
            weights[node.slice.value] = 1.0
            return weights, 0.0
        if isinstance(node, ast.UnaryOp):
            inner, sign = self._linear(node.operand), -1.0 if isinstance(node.op, ast.USub) else 1.0
            return None if inner is None else (sign * inner[0], sign * inner[1])
        if not isinstance(node, ast.BinOp):
            return None
        left, right = self._linear(node.left), self._linear(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, (ast.Add, ast.Sub)):
            sign = 1.0 if isinstance(node.op, ast.Add) else -1.0
            return left[0] + sign * right[0], left[1] + sign * right[1]
        fixed_left, fixed_right = not left[0].any(), not right[0].any()
        if isinstance(node.op, ast.Mult) and (fixed_left or fixed_right):
            number, other = (left[1], right) if fixed_left else (right[1], left)
            return number * other[0], number * other[1]
        if isinstance(node.op, ast.Div) and fixed_right and right[1] != 0.0:
            return left[0] / right[1], left[1] / right[1]
        if isinstance(node.op, ast.Pow) and fixed_left and fixed_right:
            return left[0], left[1] ** right[1]
        return None

    def _ratio(self, node):
        """Numerator and denominator of a quotient of linear parts, a sign before it taken into the numerator."""
        sign = 1.0
        while isinstance(node, ast.UnaryOp):
            sign, node = (-sign if isinstance(node.op, ast.USub) else sign), node.operand
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
            return None
        top, bottom = self._linear(node.left), self._linear(node.right)
        if top is None or bottom is None:
            return None
        return (sign * top[0], sign * top[1]), bottom


def read_expression(text: str, names: tuple[str, ...]) -> Expression:
    """Read an expression of parameters.

    Parameters
    ----------
    text : str
        Names, numbers, ``+ - * / **``, parentheses, and exp, log, sqrt, abs, tanh, atanh.  The factors of an interaction
        may stand in any order; ``var(...)`` is the square of ``sd(...)``.  A name in backticks is never read as
        anything else.
    names : tuple of str
        The parameters.

    Raises
    ------
    ValueError
        For text that cannot be read, or a name that the model does not have.

    Examples
    --------
    >>> found = read_expression("x + 0.5 * z:x", ("Intercept", "x", "x:z", "sigma"))
    >>> found.linear[0].tolist(), float(found(np.array([1.0, 2.0, 4.0, 1.0])))
    ([0.0, 1.0, 0.5, 0.0], 4.0)
    >>> read_expression("-Intercept / x", ("Intercept", "x")).ratio is not None
    True
    """
    known = {}
    for place, name in enumerate(names):
        if name.startswith("sd("):
            known["var" + name[2:]] = f"(_v[{place}] ** 2)"
        for order in _orders(name):
            known.setdefault(order, f"_v[{place}]")
    known.update({name: f"_v[{place}]" for place, name in enumerate(names)})

    def replace(match):
        name = match.group()
        if name[0] == "`":
            name = name[1:-1]
            if name not in known:
                raise ValueError(unknown_name("parameter", name, names))
        return known[name]

    spelled = "|".join(_whole(name) for name in sorted(known, key=len, reverse=True))
    if "_v" in re.sub(f"`[^`]+`|{spelled}", "", text):
        raise ValueError(unknown_name("parameter", "_v", names))
    source = re.sub(f"`[^`]+`|{spelled}", replace, text).replace("^", "**")
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except SyntaxError:
        raise ValueError(f"Cannot read {text!r}: write names, numbers, + - * / ** and parentheses. The model has "
                         f"{', '.join(names)}.") from None
    _check(tree, text, names)
    return Expression(text, tree, names)


def _whole(name: str) -> str:
    """A pattern for the name where it is not part of a longer word."""
    before = r"(?<![\w.])" if re.match(r"\w", name) else ""
    after = r"(?![\w.(\[:])" if re.search(r"\w$", name) else ""
    return before + re.escape(name) + after


def _check(tree, text: str, names) -> None:
    """Refuse what is no arithmetic of parameters."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in _FUNCTIONS and node.id != "_v":
            raise ValueError(unknown_name("parameter", node.id, names))
        allowed = (ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, ast.Subscript, *_OPERATORS)
        call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords
        number = isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
        if not (isinstance(node, allowed) or call or number):
            raise ValueError(f"Cannot read {text!r}: only names, numbers, + - * / ** and exp, log, sqrt, abs, tanh, "
                             f"atanh are known. The model has {', '.join(names)}.")
        if isinstance(node, ast.Subscript) and not (isinstance(node.value, ast.Name) and node.value.id == "_v"
                                                    and isinstance(node.slice, ast.Constant)):
            raise ValueError(unknown_name("parameter", ast.unparse(node), names))
