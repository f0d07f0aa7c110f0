"""Formulas in lme4's grammar, read into terms.

``mathach ~ cses * sector + (1 + cses | school)`` becomes a `Formula`: a response, the fixed terms in Wilkinson and
Rogers' order (by degree, then as written), and the random terms.  No data are looked at here; that is
`mlmlib.design`.  A parse takes some tens of microseconds and is cached.

The grammar is used from Chapter 1 on; random terms are introduced in Chapters 3 and 4 (``03_random_intercepts``,
``04_random_slopes``).

References
----------
Wilkinson, G. N., & Rogers, C. E. (1973). Symbolic description of factorial models for analysis of variance.
Applied Statistics, 22, 392-399.
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models using lme4.
Journal of Statistical Software, 67(1), section 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .errors import FormulaError
from .expression import Factor, closing, read_call

__all__ = ["Factor", "Formula", "RandomTerm", "parse"]

_TOKEN = re.compile(
    r"(?P<name>`[^`]+`|[^\W\d]\w*(?:\.\w+)*)|(?P<number>\d+(?:\.\d+)?)|(?P<op>\*\*|\|\||[-+*/:^()|~])")

_MENDS = {  # what to write in place of what cannot be read
    "|": "A random term stands in parentheses, as in (1 | g).", "||": "A random term stands in parentheses, as in (x || g).",
    "=": "Between the outcome and its predictors stands '~'.", "~": "A formula has one '~'.",
    ",": "A random term has a bar, as in (1 | g).", ")": "No parenthesis is open here.", ".": "Name the columns: no sign stands for all others.",
    "%": "R's a %in% b is a:b here.", "'": "Columns stand without quotes, names with spaces in backticks.",
    '"': "Columns stand without quotes, names with spaces in backticks."}
_JOINED = "Terms are joined by '+', and a name with spaces stands in backticks, as in `blood pressure`."

Term = tuple  # of Factor; the empty tuple is the intercept


@dataclass(frozen=True)
class RandomTerm:
    """One random term: which effects vary (`terms`), over which groups (`group`), and whether ``||`` was written."""

    terms: tuple[Term, ...]
    group: Term
    independent: bool
    text: str

    @property
    def group_name(self) -> str:
        return term_name(self.group)


@dataclass(frozen=True)
class Formula:
    """A parsed formula: response, fixed terms, random terms, offsets."""

    text: str
    response: Factor | None
    fixed: tuple[Term, ...]
    random: tuple[RandomTerm, ...]
    offsets: tuple[Factor, ...]

    @property
    def outcome(self) -> Factor:
        """The response; FormulaError where there is none."""
        if self.response is None:
            raise FormulaError(f"The formula {self.text!r} has no outcome; write one, as in 'y ~ x'.")
        return self.response

    @property
    def has_intercept(self) -> bool:
        return () in self.fixed

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Every factor the formula reads, once each, response first."""
        found = dict.fromkeys([self.response] if self.response else [])
        for term in self.fixed:
            found.update(dict.fromkeys(term))
        for random in self.random:
            for term in (*random.terms, random.group):
                found.update(dict.fromkeys(term))
        found.update(dict.fromkeys(self.offsets))
        return tuple(found)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the table that the formula reads, once each, response first."""
        return tuple(dict.fromkeys(name for factor in self.factors for name in factor.columns))


def term_name(term: Term) -> str:
    """The label of a term: factors joined by a colon, ``"Intercept"`` for the empty one."""
    return ":".join(factor.label for factor in term) or "Intercept"


def as_written(factor: Factor | str) -> str:
    """A factor or a column's name as formulas have it: a column with spaces or signs in backticks."""
    name, is_column = (factor, True) if isinstance(factor, str) else (factor.label, factor.is_column)
    return name if re.fullmatch(r"[^\W\d][\w.]*", name) or not is_column else f"`{name}`"


def as_groups(groups: str) -> str:
    """What groups= names, as formulas have it: one column, or ``outer/inner``."""
    return "/".join(part if re.fullmatch(r"[\w.:]+|`[^`]+`", part) else as_written(part) for part in map(str.strip, groups.split("/")))


def parse(text: str) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text : str
        ``"y ~ x * z + (1 + x | g)"``.  Operators: ``+ - : * / ^ **``, ``1``, ``0``, ``-1``; random terms
        ``(1 | g)``, ``(1 + x | g)``, ``(x || g)``, ``(0 + x | g)``, ``(1 | a/b)``, ``(1 | a:b)``,
        ``(1 | mm(g1, g2, weights=(w1, w2)))``; functions of columns such as ``C(x)``, ``I(x^2)``,
        ``log(x)``, ``np.log(x)``, ``center(x)``, ``scale(x)``, ``poly(x, 2)``,
        ``piecewise(x, knots=[2, 5])``, ``bs(x, df=5)``, ``ns(x, df=3)``, ``offset(x)``.  Names with spaces stand in backticks.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        With the place in the formula that could not be read.

    Examples
    --------
    >>> from mlmlib.formula import parse
    >>> formula = parse("math ~ homework * ses + (1 + homework | schid)")
    >>> [term_name(term) for term in formula.fixed]
    ['Intercept', 'homework', 'ses', 'homework:ses']
    >>> formula.random[0].group_name
    'schid'
    """
    if not isinstance(text, str) or not text.strip():
        raise FormulaError("The formula must be text such as 'y ~ x + (1 | g)'.")
    return _parsed(text)


@lru_cache(maxsize=512)
def _parsed(text: str) -> Formula:
    return _Parser(text).formula()


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str):
        self.text = text
        self.random: list[RandomTerm] = []
        self.tokens: list[tuple[str, Any, int]] = []  # kind, value (a Factor of a name, else text), position
        self.at = 0
        position = 0
        while position < len(text):
            if text[position].isspace():
                position += 1
                continue
            match = _TOKEN.match(text, position)
            if not match:
                raise self.error(f"Cannot read {text[position]!r}", position, _MENDS.get(text[position], ""))
            kind, word, start, position = str(match.lastgroup), match.group(), position, match.end()
            if kind == "name" and text[position:position + 1] == "(":
                end = closing(text, position)
                if end < 0:
                    raise self.error(f"The parenthesis after {word!r} is not closed", position)
                self.tokens.append((kind, read_call(text[start:end + 1], text), start))
                position = end + 1
            else:
                self.tokens.append((kind, Factor(word.strip("`"), (word.strip("`"),)) if kind == "name" else word, start))
        self.tokens.append(("end", "", len(text)))

    def error(self, what: str, position: int | None = None, mend: str = "") -> FormulaError:
        position = self.tokens[self.at][2] if position is None else position
        return FormulaError(f"{what} in the formula:\n    {self.text}\n    {' ' * position}^" + (f"\n{mend}" if mend else ""))

    def peek(self, *values: str) -> bool:
        return self.tokens[self.at][0] == "op" and self.tokens[self.at][1] in values

    def take(self, value: str) -> None:
        if not self.peek(value):
            raise self.error(f"Expected {value!r}")
        self.at += 1

    def formula(self) -> Formula:
        response: Factor | None = None
        if any(kind == "op" and value == "~" for kind, value, _ in self.tokens):
            if not self.peek("~"):
                kind, response, _ = self.tokens[self.at]
                if kind != "name":
                    raise self.error("The outcome must be a column or a function of one")
                self.at += 1
            if not self.peek("~"):
                raise self.error("Expected '~' after the outcome; write a transformed outcome as I(...) or log(...)",
                                 mend=_JOINED if self.tokens[self.at][0] == "name" else "")
            self.take("~")
        fixed = self.sum([()], top=True)
        kind, word, _ = self.tokens[self.at]
        if kind != "end":
            raise self.error("Cannot read on", mend=_MENDS.get(word, _JOINED) if kind == "op" else _JOINED)
        offsets = [term[0] for term in fixed if len(term) == 1 and term[0].label.startswith("offset(")]
        fixed = [term for term in fixed if not any(factor in offsets for factor in term)]
        if response and response in {factor for term in fixed for factor in term}:
            raise FormulaError(f"The outcome {response.label!r} also stands on the right of '~'; remove it there.")
        if response and any(response in (*random.group, *(f for term in random.terms for f in term)) for random in self.random):
            raise FormulaError(f"The outcome {response.label!r} also stands in the random part; remove it there.")
        return Formula(self.text, response, tuple(sorted(fixed, key=len)), tuple(self.random), tuple(offsets))

    def sum(self, start: list, top: bool = False) -> list[Term]:
        terms = {frozenset(term): term for term in start}  # a:b and b:a are one term
        sign = "+"
        if self.peek("+", "-"):
            sign = self.operator()
        while True:
            kind, value, _ = self.tokens[self.at]
            if kind == "number" and not self._number_is_product():
                if value not in ("0", "1"):
                    raise self.error("Only the numbers 0 and 1 (no intercept, intercept) can be added")
                self.at += 1
                if (value == "1") == (sign == "+"):
                    terms[frozenset()] = ()
                else:
                    terms.pop(frozenset(), None)
            elif self.peek("(") and self._has_bar():
                if not top or sign == "-":
                    raise self.error("A random term (... | group) can only be added")
                self.random_term()
            else:
                for term in self.product():
                    if sign == "+":
                        terms.setdefault(frozenset(term), term)
                    else:
                        terms.pop(frozenset(term), None)
            if not self.peek("+", "-"):
                return list(terms.values())
            sign = self.operator()

    def operator(self) -> str:
        value = self.tokens[self.at][1]
        self.at += 1
        return value

    def _number_is_product(self) -> bool:
        return self.tokens[self.at + 1][1] in ("*", ":", "/", "^", "**") and self.tokens[self.at + 1][0] == "op"

    def _has_bar(self) -> bool:
        depth = 0
        for kind, value, _ in self.tokens[self.at:]:
            if kind == "op":
                depth += (value == "(") - (value == ")")
                if depth == 1 and value in ("|", "||"):
                    return True
                if depth == 0:
                    return False
        return False

    def random_term(self) -> None:
        begin = self.tokens[self.at][2]
        self.take("(")
        terms = tuple(sorted(self.sum([()]), key=len))
        independent = self.operator() == "||"
        groups = [term for term in self.sum([]) if term]
        if not self.peek(")"):
            raise self.error("Expected ')' after the grouping factor")
        text = self.text[begin:self.tokens[self.at][2] + 1]
        self.take(")")
        if not groups:
            raise self.error(f"The random term {text} names no grouping factor", begin)
        if not terms:
            raise self.error(f"The random term {text} has no effect that could vary", begin)
        for group in groups:
            self.random.append(RandomTerm(terms, group, independent, text))

    def product(self) -> list[Term]:
        left = self.interaction()
        while self.peek("*", "/"):
            if self.operator() == "*":
                right = self.interaction()
                left = _unique([*left, *right, *_cross(left, right)])
            else:
                whole = tuple(dict.fromkeys(factor for term in left for factor in term))
                left = _unique([*left, *_cross([whole], self.interaction())])
        return left

    def interaction(self) -> list[Term]:
        left = self.power()
        while self.peek(":"):
            self.at += 1
            left = _cross(left, self.power())
        return left

    def power(self) -> list[Term]:
        base = self.primary()
        if self.peek("^", "**"):
            sign = self.operator()
            kind, value, _ = self.tokens[self.at]
            if kind != "number" or not value.isdigit() or int(value) < 1:
                raise self.error("A power in a formula must be a whole number of at least 1")
            if len(base) == 1:
                name = term_name(base[0])
                raise self.error(f"{name}{sign}{value} means 'interactions of {name} with itself', which is {name}; "
                                 f"for the {value}. power write I({name}{sign}{value}). Found")
            self.at += 1
            result = base
            for _ in range(int(value) - 1):
                result = _unique([*result, *_cross(result, base)])
            return result
        return base

    def primary(self) -> list[Term]:
        kind, value, _ = self.tokens[self.at]
        if kind == "name":
            self.at += 1
            return [(value,)]
        if self.peek("("):
            if self._has_bar():
                raise self.error("A random term (... | group) can only be added")
            self.at += 1
            terms = self.sum([])
            if not self.peek(")"):
                raise self.error("Expected ')'")
            self.at += 1
            return terms
        if kind == "number":
            raise self.error("A number cannot be multiplied in a formula; write I(2 * x) for arithmetic. Found one")
        if kind == "end":
            raise self.error("The formula ends too soon: a term is missing")
        raise self.error(f"Did not expect {value!r}")


def _unique(terms: Iterable[Term]) -> list[Term]:
    """Terms once each; a:b and b:a are one term, named as first written."""
    found: dict = {}
    for term in terms:
        found.setdefault(frozenset(term), term)
    return list(found.values())


def _cross(left: list[Term], right: list[Term]) -> list[Term]:
    return _unique([tuple(dict.fromkeys((*a, *b))) for a in left for b in right])
