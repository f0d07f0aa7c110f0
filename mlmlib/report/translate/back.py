"""From lme4's and Stata's syntax to a call of mlmlib."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """A model as mlmlib would be asked for it: ``method`` is "REML", "ML" or "OLS"; `notes` say what to see to."""

    formula: str
    method: str
    covariance: str = "unstructured"
    notes: tuple = ()

    def code(self, data: str = "df") -> str:
        """The call in Python."""
        if "|" not in self.formula:
            return f'mlm.ols("{self.formula}", {data}{"" if self.method == "OLS" else ", method=" + chr(34) + "ml" + chr(34)})'
        options = "" if self.method == "REML" else ", reml=False"
        options += "" if self.covariance == "unstructured" else f', covariance="{self.covariance}"'
        return f'mlm.lmm("{self.formula}", {data}{options})'

    def fit(self, table):
        """Fit it."""
        from ...lmm import lmm
        from ...ols import ols

        if "|" not in self.formula:
            return ols(self.formula, table, method="ols" if self.method == "OLS" else "ml")
        return lmm(self.formula, table, reml=self.method == "REML", covariance=self.covariance)


def read(code: str) -> Call:
    """The call behind a line of R (``lmer(...)``, ``lm(...)``) or Stata (``mixed ...``, ``regress ...``)."""
    text = re.sub(r"///[^\n]*\n", " ", code)
    if re.search(r"\b(lmer|lm)\s*\(", text):
        return from_lme4(text)
    if re.search(r"^\s*(mixed|xtmixed|reg|regress)\b", text, re.M):
        return from_stata(text)
    raise ValueError("This reads a call of lmer() or lm() in R, or a mixed or regress command in Stata; found neither.")


# ---------------------------------------------------------------- R
def from_lme4(code: str) -> Call:
    """Read ``lmer(y ~ x + (1 | g), data = df, REML = FALSE)``."""
    match = re.search(r"\b(lmer|lm)\s*\(", code)
    arguments = _arguments(code, match.end())
    named = {}
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if equals and re.fullmatch(r"\s*[\w.]+\s*", name) and "~" not in name:
            named[name.strip()] = value.strip()
        else:
            named[("formula", "data", "REML")[place] if place < 3 else f"argument {place}"] = argument.strip()
    formula = re.sub(r"\s+", " ", named["formula"])
    formula = re.sub(r"\b(?:as\.)?factor\((\w+)\)", r"C(\1)", formula)
    formula = re.sub(r"\^", " ** ", formula)
    known = ("formula", "data", "REML", "control", "start", "verbose", "na.action", "contrasts")
    notes = tuple(f"{name} = {value} is left out" for name, value in named.items() if name not in known)
    method = "OLS" if match[1] == "lm" else "ML" if named.get("REML", "TRUE") in ("FALSE", "F", "0") else "REML"
    return Call(formula, method, notes=notes)


def _arguments(text: str, start: int) -> list[str]:
    """What stands between a parenthesis opened before `start` and its match, cut at the commas of the first depth."""
    depth, parts, current = 0, [], ""
    for char in text[start:]:
        if char == ")" and depth == 0:
            return [*parts, current]
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts, current = [*parts, current], ""
        else:
            current += char
    raise ValueError("The parenthesis of the R call is not closed.")


# ---------------------------------------------------------------- Stata
def from_stata(code: str) -> Call:
    """Read ``mixed y i.a##c.x || g: x, covariance(unstructured) reml``; lines ``generate new = ...`` are used."""
    new = dict(re.findall(r"^\s*gen(?:erate)?\s+(\w+)\s*=\s*(.+?)\s*$", code, re.M))
    command = re.search(r"^\s*(mixed|xtmixed|regress|reg)\s+(.+)$", code, re.M)
    first, *groups = re.split(r"\|\|", command[2])
    fixed, options = _options(first)
    linear = command[1].startswith("reg")
    if linear and groups:
        raise ValueError("regress has no random part; use mixed.")
    outcome, *words = _words(fixed)
    notes = []
    terms = [_term(word, new, notes) for word in words]
    right = [*(["0"] if "noconstant" in options else []), *terms] or ["1"]
    structure, reml = "unstructured", "reml" in options
    for group in groups:
        name, _, rest = group.partition(":")
        slopes, own = _options(rest)
        if "R." in slopes:
            raise ValueError("R.factor effects (crossed factors) are not read.")
        reml = reml or "reml" in own
        for option, ddf in (("dfmethod(kr", "kenward-roger"), ("dfmethod(sat", "satterthwaite")):
            if any(o.startswith(option) for o in own):
                notes.append(f'then fit.coef_table(ddf="{ddf}")')
        effects = [_term(word, new, notes) for word in _words(slopes)]
        structure = _structure(own, len(effects) + ("noconstant" not in own))
        inner = " + ".join(["0" if "noconstant" in own else "1", *effects])
        right.append(f"({inner} {'||' if structure == 'independent' and len(effects) else '|'} {name.strip()})")
    if len(groups) > 1:
        raise ValueError("More than one || level is not read: mlm.lmm takes one grouping factor so far.")
    covariance = structure if structure in ("exchangeable", "identity") else "unstructured"
    formula = f"{_expression(new[outcome]) if outcome in new else outcome} ~ {' + '.join(right)}"
    return Call(formula, "OLS" if linear else "REML" if reml else "ML", covariance, tuple(dict.fromkeys(notes)))


def _options(text: str) -> tuple[str, list[str]]:
    main, _, options = text.partition(",")
    return main.strip(), re.findall(r"\w+\([^)]*\)|\w+", options)


def _structure(options, effects: int) -> str:
    found = next(
        (re.fullmatch(r"cov\w*\((\w+)\)", o)[1] for o in options if re.fullmatch(r"cov\w*\((\w+)\)", o)), "independent"
    )
    if effects == 1:
        return "unstructured"
    for name in ("unstructured", "independent", "exchangeable", "identity"):
        if name.startswith(found):
            return name
    raise ValueError(f"covariance({found}) is not known: independent, unstructured, exchangeable, identity.")


def _words(text: str) -> list[str]:
    return text.replace(" ##", "##").replace("## ", "##").split()


def _term(word: str, new: dict, notes: list) -> str:
    """``i.a##c.x`` is ``a * x``, ``i.a#c.x`` is ``a:x``."""
    return " * ".join(":".join(_factor(piece, new, notes) for piece in part.split("#")) for part in word.split("##"))


def _factor(piece: str, new: dict, notes: list) -> str:
    category = re.fullmatch(r"i(b\d+)?\.(\w+)", piece)
    if category:
        base = f" with its level number {category[1][1:]} first" if category[1] else ""
        notes.append(
            f"{category[2]} must be a text or category column{base}; if it holds numbers, write C({category[2]})"
        )
        return category[2]
    name = re.sub(r"^c\.", "", piece)
    return _expression(new[name]) if name in new else name


def _expression(text: str) -> str:
    text = re.sub(r"\bln\(", "log(", text).replace("^", " ** ")
    return text if re.fullmatch(r"(log|exp|sqrt)\([^()]*\)", text) else f"I({text})"
