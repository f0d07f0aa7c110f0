"""A table with several outcomes made into rows of unit and outcome, in the language of each program; models are `Several`."""

from __future__ import annotations

from .r import named
from .r import quoted as in_r
from .sas import quoted as in_sas
from .spss import _value as in_spss

__all__ = ["RESHAPE"]


def _r(model, names, long: str, marks, made) -> list[str]:
    data, words = model.data, f"c({', '.join(map(in_r, names))})"
    lines = [f"{data}${named(model.unit)} <- seq_len(nrow({data}))"]
    lines += [f"{data}${name} <- with({data}, {text})" for name, text in names.items() if text]
    lines += [
        f'{long} <- reshape({data}, direction = "long", idvar = {in_r(model.unit)}, varying = list({words}),',
        f"{' ' * len(long)}            v.names = {in_r(model.value)}, timevar = {in_r(model.mark)}, times = {words})",
        f"{long} <- {long}[complete.cases({long}[c({', '.join(map(in_r, _used(model)))})]), ]",
        f"{long}${named(model.mark)} <- factor({long}${named(model.mark)}, levels = {words})",
    ]
    lines += [f"{long}${new} <- as.numeric({long}${named(model.mark)} == {in_r(name)})" for new, name in marks.items()]
    return lines + [
        f"{long}${new} <- as.numeric({long}${named(column)} == {_level(level, in_r)})"
        for new, (column, level) in made.items()
    ]


def _used(model) -> list[str]:
    """The columns that a row must have."""
    own = {column for factor in model.outcomes for column in factor.columns}
    return [model.value, *(column for column in model.formula.columns if column not in own)]


def _level(level, quote) -> str:
    return str(level) if isinstance(level, (int, float)) else quote(level)


def _stata(model, names, long, marks, made) -> list[str]:
    lines = [f"generate long {model.unit} = _n", *(f"generate {name} = {text}" for name, text in names.items() if text)]
    numbered = " ".join(f"{model.value}{k}" for k in range(1, len(names) + 1))
    lines += [
        f"rename ({' '.join(names)}) ({numbered})",
        f"reshape long {model.value}, i({model.unit}) j({model.mark})",
    ]
    lines += [f"generate {new} = {model.mark} == {k}" for k, new in enumerate(marks, 1)]

    def quoted(text):
        return '"' + str(text) + '"'

    return lines + [
        f"generate {new} = {column} == {_level(level, quoted)} if !missing({column})"
        for new, (column, level) in made.items()
    ]


def _spss(model, names, long, marks, made) -> list[str]:
    lines = [
        f"COMPUTE {model.unit} = $CASENUM.",
        *(f"COMPUTE {name} = {text}." for name, text in names.items() if text),
        "EXECUTE.",
    ]
    lines.append(f"VARSTOCASES /MAKE {model.value} FROM {' '.join(names)} /INDEX = {model.mark} /NULL = DROP.")
    lines += [f"COMPUTE {new} = ({model.mark} = {k})." for k, new in enumerate(marks, 1)]
    return [
        *lines,
        *(f"COMPUTE {new} = ({column} = {in_spss(level)})." for new, (column, level) in made.items()),
        "EXECUTE.",
    ]


def _sas(model, names, long, marks, made) -> list[str]:
    lines = [
        f"data {long};",
        f"  set {model.data};",
        f"  length {model.mark} $ {max(map(len, names))};",
        f"  {model.unit} = _n_;",
    ]
    lines += [f"  {name} = {text};" for name, text in names.items() if text]
    lines += [
        f"  if not missing({column}) then {new} = ({column} = {_level(level, in_sas)});"
        for new, (column, level) in made.items()
    ]
    for name in names:
        own = "".join(f" {new} = {int(marks[new] == name)};" for new in marks)
        lines.append(f"  {model.mark} = {in_sas(name)};{own} {model.value} = {name}; output;")
    return [*lines, "run;"]


RESHAPE = {"r": _r, "stata": _stata, "spss": _spss, "sas": _sas}
