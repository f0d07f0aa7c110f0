"""From nlme's lme and gls to a call of mlmlib."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...expression import matched
from ...formula import parse
from ...rows import public as rows
from .back import Call, arguments, call_arguments, formula_of, r_formula

_STRUCTURES = {"pdDiag": "independent", "pdCompSymm": "exchangeable", "pdIdent": "identity", "pdLogChol": "unstructured",
               "pdSymm": "unstructured"}
_LEFT = ("data", "control", "method", "na.action", "fixed", "model", "random", "correlation", "weights", "keep.data", "verbose",
         "contrasts", "subset")


def from_nlme(code: str) -> Call:
    """Read ``lme(y ~ x, random = ~ 1 | a/b, correlation = corAR1(form = ~ t | a/b), weights = varIdent(form = ~ 1 | s))``, and gls."""
    match = matched(r"\b(lme|gls)\s*\(", code)
    mixed = match[1] == "lme"
    given = call_arguments(code, match.end(), ("fixed", "data", "random") if mixed else ("model", "data"))
    notes = [f"{name} = {value} is left out" for name, value in given.items() if name not in _LEFT or name == "subset"]
    sources = dict(re.findall(r"\$`?([\w. ]+?)`? <- (?:as\.integer\(factor\(|round\(\()\w+\$`?([\w. ]+?)`?(?: [-+]|\))", code))
    random, structures = _random(given.get("random"), code) if mixed else ([], {})
    covariance = "unstructured" if not structures else next(iter(structures.values())) if len(random) == 1 else structures
    if mixed and not random:
        raise ValueError("lme() without random= (a groupedData object) is not read; write random = ~ 1 | group.")
    correlation = _correlation(given["correlation"], sources, notes) if given.get("correlation", "NULL") != "NULL" else None
    variance = _variances(given["weights"]) if given.get("weights", "NULL") != "NULL" else ()
    method = "ML" if given.get("method", "").strip("\"'") == "ML" else "REML"
    formula = " + ".join([r_formula(formula_of(given, "fixed" if mixed else "model")), *random])
    if not random and correlation is None and not variance:
        method = "OLS" if method == "REML" else "ML"
    return Call(formula, method, covariance, tuple(notes), correlation, variance)


def _inside(text: str, such: str = "pdDiag(~ x)") -> tuple[str, list[str]]:
    """Name and arguments of a call."""
    match = re.match(r"\s*([\w.]+)\s*\(", text)
    if not match:
        raise ValueError(f"{text.strip()!r} is not read: a call such as {such} is expected.")
    return match[1], [a.strip() for a in arguments(text, match.end())]


def _random(text, code) -> tuple[list[str], dict]:
    if text is None:
        return [], {}
    if text.lstrip().startswith("~"):
        effects, bar, groups = text.lstrip()[1:].partition("|")
        if not bar:
            raise ValueError(f"random = {text}: name the grouping factor, random = ~ 1 | group.")
        path = [g.strip() for g in groups.split("/")]
        return [f"({_effects(effects)} | {':'.join(path[: k + 1])})" for k in range(len(path))], {}
    name, levels = _inside(text, "list(group = ~ effects)")
    if name != "list":
        raise ValueError(f"random = {text} is not read: a formula, or list(group = ~ effects).")
    out, structures, path = [], {}, []
    for entry in levels:
        group, equals, own = entry.partition("=")
        group = group.strip()
        if not equals:
            raise ValueError(f"random = {text}: name the group of {entry}, as in list(group = ~ effects).")
        whole = re.search(rf"\${group} <- factor\(1\)", code) is not None
        path += [] if whole else [group]
        blocks = [own.strip()]
        if own.strip().startswith("pdBlocked"):
            blocks = _inside(_inside(own)[1][0])[1]
        for block in blocks:
            if whole:
                out.append(_crossed(block))
                continue
            kind, inner = ("pdLogChol", block) if block.startswith("~") else (lambda call: (call[0], call[1][0]))(_inside(block))
            if kind not in _STRUCTURES:
                raise ValueError(f"{kind} is not read: {', '.join(_STRUCTURES)}.")
            effects, structure = _effects(inner.lstrip("~ ")), _STRUCTURES[kind]
            several = len(parse(f"y ~ ({effects} | g)").random[0].terms) > 1
            out.append(f"({effects} {'||' if structure == 'independent' and several else '|'} {':'.join(path)})")
            if several and structure != "independent" and structures.setdefault(":".join(path), structure) != structure:
                raise ValueError(f"random = {text}: blocks of {group} have different structures, mlm.lmm takes one for each factor.")
    return out, {factor: structure for factor, structure in structures.items() if structure != "unstructured"}


def _effects(text: str) -> str:
    text = r_formula(text)
    moved = re.fullmatch(r"(.*?) ?- ?1", text)
    return f"0 + {moved[1]}" if moved else text


def _crossed(block: str) -> str:
    """``pdIdent(~ factor(g) - 1)`` is a variance for each group of g."""
    kind, (inner, *_) = _inside(block)
    found = re.fullmatch(r"~\s*(?:factor\(`?([\w. ]+?)`?\)|`?([\w. ]+?)`?)(?::(.+?))?\s*-\s*1", inner)
    if kind != "pdIdent" or not found:
        raise ValueError(f"{block} over all rows is not read: pdIdent(~ factor(group) - 1) is.")
    group = found[1] or found[2]
    return f"(0 + {r_formula(found[3])} | {group})" if found[3] else f"(1 | {group})"


# ------------------------------------------------------------- residuals
def _form(own: dict, sources) -> tuple[str | None, str | None]:
    """Time and group of ``form = ~ t | a/b``."""
    left, _, right = own.get("form", "~ 1").lstrip("~ ").partition("|")
    time = left.strip().strip("`")
    group = ":".join(g.strip().strip("`") for g in right.split("/") if g.strip() and g.strip() != "all")
    return None if time == "1" else sources.get(time, time), group or None


def _correlation(text, sources, notes):
    name, _ = _inside(text, "corAR1(form = ~ time | group)")
    own = call_arguments(text, text.index("(") + 1, ("value", "form"))
    if own.get("fixed", "FALSE") in ("TRUE", "T"):
        raise ValueError(f"{name}(fixed = TRUE) holds the correlation; mlmlib estimates it.")
    time, group = _form(own, sources)
    if name == "corARMA":
        p, q = int(own.get("p", 0)), int(own.get("q", 0))
        if (p, q) == (1, 0):
            return rows.ar1(time, group=group)
        if (p, q) == (1, 1):
            return rows.arma11(time, group=group)
        if q == 0:
            notes.append(f"corARMA(p = {p}) is Toeplitz where there are {p + 1} occasions; with more it is not the "
                         "same")
            return rows.toeplitz(time, group=group)
        raise ValueError(f"corARMA(p = {p}, q = {q}) is not there: mlm.ar1, mlm.arma11, and mlm.toeplitz.")
    makers: dict[str, Callable] = {"corAR1": rows.ar1, "corCAR1": rows.car1, "corSymm": rows.un}
    make = makers.get(name)
    if name == "corCAR1" and time is None:
        raise ValueError("corCAR1 needs the times: name their column, form = ~ time | group.")
    if make:
        return make(time, group=group)
    if name == "corCompSymm":
        return rows.cs(group=group)
    raise ValueError(f"{name} is not read: corAR1, corCAR1, corARMA, corCompSymm, corSymm.")


def _variances(text) -> tuple:
    if text.lstrip().startswith("~"):
        raise ValueError(f"weights = {text} is a fixed variance: make a column of 1 / {text.lstrip('~ ')} and give it "
                         "as weights=.")
    name, own = _inside(text, "varIdent(form = ~ 1 | group)")
    if name == "varComb":
        return tuple(v for part in own for v in _variances(part))
    form = call_arguments(text, text.index("(") + 1, ("value", "form")).get("form", "")
    column, _, group = form.lstrip("~ ").partition("|")
    if name == "varIdent" and group:
        return (rows.by_group(":".join(g.strip().strip("`") for g in re.split(r"[*/]", group))),)
    if name in ("varPower", "varExp") and not group and column.strip().strip("`") not in ("", "fitted(.)"):
        return ((rows.power_of if name == "varPower" else rows.exponential_of)(column.strip().strip("`")),)
    raise ValueError(f"{text} is not read: varIdent(form = ~ 1 | g), varPower(form = ~ x), varExp(form = ~ x), varComb "
                     "of them.")
