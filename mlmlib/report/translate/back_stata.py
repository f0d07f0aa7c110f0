"""From Stata's mixed and regress to a call of mlmlib."""

from __future__ import annotations

import re

from ...expression import matched
from ...rows import public as rows
from .back import Call


def from_stata(code: str) -> Call:
    """Read ``mixed y i.a##c.x || g: x, covariance(unstructured) reml``; lines ``generate new = ...`` are used."""
    new = dict(re.findall(r"^\s*(?:bysort [^:\n]*:\s*)?gen(?:erate)?\s+(?:long\s+)?(\w+)\s*=\s*(.+?)\s*$", code, re.M))
    joined = {name: inner.split() for name, inner in re.findall(r"^\s*egen\s+(\w+)\s*=\s*group\(([^)]*)\)", code, re.M)}
    command = matched(r"^\s*(mixed|xtmixed|regress|reg)\s+(.+)$", code, re.M)
    first, *groups = re.split(r"\|\|", command[2])
    fixed, options = _options(first)
    linear = command[1].startswith("reg")
    if linear and groups:
        raise ValueError("regress has no random part; use mixed.")
    outcome, *words = _words(fixed)
    notes, every = [], list(options)
    terms = [_term(word, new, notes) for word in words]
    right = [*(["0"] if "noconstant" in options else []), *terms] or ["1"]
    random, structures, path = random_part(groups, new, joined, notes, every)
    notes += left_out(every)
    for option, ddf in (("dfmethod(kr", "kenward-roger"), ("dfmethod(sat", "satterthwaite")):
        if any(o.startswith(option) for o in every):
            notes.append(f'then fit.coef_table(ddf="{ddf}")')
    if len(path) > 1:
        notes.append(f"Stata takes labels of {path[1]} as those within {path[0]}: hence {':'.join(path[:2])}")
    correlation, variance = _residuals(every, ":".join(path) or None, new, notes)
    covariance = "unstructured" if not structures else next(iter(structures.values())) if len(random) == 1 else structures
    formula = f"{_expression(new[outcome]) if outcome in new else outcome} ~ {' + '.join([*right, *random])}"
    method = "OLS" if linear else "REML" if "reml" in every else "ML"
    return Call(formula, method, covariance, tuple(dict.fromkeys(notes)), correlation, variance)


def left_out(options) -> list[str]:
    """What is to be said of standard errors that the call does not give."""
    return [f"{option} is left out: mlm.robust(fit, clusters) gives robust standard errors" for option in options
            if re.match(r"vce\((?!oim)", option) or option == "robust"]


def random_part(groups, new, joined, notes, every) -> tuple[list[str], dict, list[str]]:
    """The random terms, {factor: structure}, and the columns of nested factors; options after ``||`` join `every`."""
    random, structures, path = [], {}, []
    for group in groups:
        name, _, rest = group.partition(":")
        slopes, own = _options(rest)
        every += own
        if name.strip() == "_all":
            factor = re.fullmatch(r"R\.(\w+)", slopes)
            if not factor:
                raise ValueError(f"_all: {slopes} is not read; _all: R.factor is.")
            random.append(f"(1 | {':'.join(joined.get(factor[1], [factor[1]]))})")
            continue
        if "R." in slopes:
            raise ValueError("R.factor effects are read after _all: only.")
        columns = joined.get(name.strip(), [name.strip()])
        path += [c for c in columns if c not in path]
        effects = [_term(word, new, notes) for word in _words(slopes)]
        if "noconstant" in own and not effects:
            continue  # a level for residuals(...) alone
        structure = _structure(own, len(effects) + ("noconstant" not in own))
        inner = " + ".join(["0" if "noconstant" in own else "1", *effects])
        bar = "||" if structure == "independent" and effects else "|"
        random.append(f"({inner} {bar} {':'.join(path)})")
        if structure in ("exchangeable", "identity"):
            structures[":".join(path)] = structure
    return random, structures, path


def _residuals(options, group, new, notes):
    """What residuals(...) asks for."""
    option = next((o for o in options if re.match(r"res\w*\(", o)), None)
    if option is None:
        return None, ()
    text = option[option.index("(") + 1 : -1]
    found = {name: re.search(rf"\b{name}\((\w+)\)", text) for name in ("t", "by")}
    time, by = (m[1] if m else None for m in found.values())
    if time in new:
        source = re.search(r"round\(\(([A-Za-z_]\w*) ", new[time])
        time = source[1] if source else None if new[time] == "_n" else time
    kind, _, order = text.split(",")[0].strip().partition(" ")
    if by and kind != "independent":
        raise ValueError(f"residuals({kind}, by({by})) gives each {by} a correlation of its own, which mlmlib does "
                         "not; fit the groups apart, or leave by() out.")
    if kind == "independent":
        return None, (rows.by_group(by),) if by else ()
    if kind == "exchangeable":
        return rows.cs(group=group), ()
    if kind in ("unstructured", "exponential"):
        if time is None:
            raise ValueError(f"residuals({kind}) needs the column of times: t(column).")
        return (rows.un(time, group=group), (rows.by_group(time),)) if kind == "unstructured" else (rows.car1(time, group=group), ())
    if kind == "ar" and order.strip() in ("", "1"):
        return rows.ar1(time, group=group), ()
    if kind == "toeplitz":
        if order.strip():
            notes.append(f"toeplitz {order.strip()} sets correlations beyond lag {order.strip()} to zero, mlm.toeplitz "
                         "has all of them")
        return rows.toeplitz(time, group=group), ()
    raise ValueError(f"residuals({text}) is not read: independent with by(), exchangeable, ar 1, exponential, "
                     "toeplitz, unstructured.")


def _options(text: str) -> tuple[str, list[str]]:
    main, _, options = text.partition(",")
    return main.strip(), re.findall(r"\w+\((?:[^()]|\([^()]*\))*\)|\w+", options)


def _structure(options, effects: int) -> str:
    found = next((m[1] for o in options if (m := re.fullmatch(r"cov\w*\((\w+)\)", o))), "independent")
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
