"""The columns of a panel fit as lines of other programs: 0/1 columns, products, functions, and means of groups."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..translate.model import Untranslatable
from ..words import split

__all__ = ["Columns", "Language", "columns_of", "plain_name"]


@dataclass(frozen=True)
class Language:
    """How a program writes a comparison, a power, and new columns.

    `new` makes a column of an expression, `mean` one of its means in groups: format strings of data, name, expression, group.
    """

    equal: str
    power: str
    new: str
    mean: str
    log: str = "log"


LANGUAGES = {
    "r": Language("==", "^", "{data}${name} <- with({data}, {text})", "{data}${name} <- with({data}, ave({text}, {group}))"),
    "stata": Language("==", "^", "generate {name} = {text}", "egen {name} = mean({text}), by({group})"),
    "sas": Language("=", "**", "{name} = {text};", ""),
    "spss": Language("=", "**", "COMPUTE {name} = {text}.", "", "LN"),
    "python": Language("==", " ** ", '{data}["{name}"] = {data}.eval("{text}")',
                       '{data}["{name}"] = {data}.eval("{text}").groupby({data}["{group}"]).transform("mean")'),
}


def plain_name(name: str) -> str:
    """A coefficient as the name of a column: ``union[T.yes]`` is ``union_yes``, as in `mlmlib.group_means`."""
    return re.sub(r"[^0-9A-Za-z_]+", "_", re.sub(r"\[T\.", "_", name)).strip("_")


@dataclass(frozen=True)
class Columns:
    """What a regression needs: the outcome, the predictors by their new names, and what each is made of.

    Attributes
    ----------
    outcome : str
    names : tuple of str
        The predictors as columns, without the intercept.
    sources : dict
        {name: coefficient of the formula} of those that are made; plain columns are not.
    means : dict
        {name: (column it is the mean of, "within" or "between")}.
    response : str or None
        What the outcome is made of, where it is a function.
    """

    outcome: str
    names: tuple
    sources: dict
    means: dict
    response: str | None = None

    def lines(self, language: str, data: str, group: str) -> list[str]:
        """The lines that make the columns, those of means last."""
        own = LANGUAGES[language]
        made = {**({self.outcome: self.response} if self.response else {}), **self.sources}
        out = [own.new.format(data=data, name=name, text=expression(source, language)) for name, source in made.items()]
        between = [name for name, (_, part) in self.means.items() if part == "between"]
        if language == "sas":
            head = [f"data {data};", f"  set {data};", *(f"  {line}" for line in out), "run;"] if out else []
            return [*head, *self._sql(data, group)] if self.means else head
        if language == "spss":
            if between:
                out += ["EXECUTE."] * bool(out)
                parts = " ".join(f"/{name} = MEAN({self.means[name][0]})" for name in between)
                out.append(f"AGGREGATE /OUTFILE=* MODE=ADDVARIABLES /BREAK={group} {parts}.")
        else:
            out += [own.mean.format(data=data, name=name, text=self.means[name][0], group=group) for name in between]
        out += [own.new.format(data=data, name=name, text=f"{column} - {self._mean_of(column)}")
                for name, (column, part) in self.means.items() if part == "within"]
        return [*out, "EXECUTE."] if language == "spss" and out else out

    def _mean_of(self, column: str) -> str:
        return next(name for name, (other, part) in self.means.items() if other == column and part == "between")

    def _sql(self, data: str, group: str) -> list[str]:
        made = [f"mean({column}) as {name}" if part == "between" else f"{column} - mean({column}) as {name}"
                for name, (column, part) in self.means.items()]
        return ["proc sql;", f"  create table {data} as select *, {', '.join(made)}", f"  from {data} group by {group};", "quit;"]


def columns_of(fit) -> Columns:
    """The columns of a linear fit; those of a fit of `mlm.panel` with means of groups where it has them."""
    frame, sources, means, names = getattr(fit, "frame", None), {}, {}, []
    design = fit.design if frame is None else frame.design
    response = design.formula.response
    outcome = response.label if response.is_column else plain_name(response.label)
    for name in design.exog_names:
        if name != "Intercept" and plain_name(name) != name:
            sources[plain_name(name)] = name
    split_up = frame is not None and fit.effects in ("mundlak", "hybrid")
    for name in fit._names:
        if name == "Intercept":
            continue
        found = re.fullmatch(r"(.*)_(within|between)", name) if split_up and name not in design.exog_names else None
        names.append(f"{plain_name(found[1])}_{found[2]}" if found else plain_name(name))
        if found:
            means[names[-1]] = (plain_name(found[1]), found[2])
    for column, _ in list(means.values()):
        if not any(other == column and part == "between" for other, part in means.values()):
            means[f"{column}_between"] = (column, "between")
    used = {*names, *(column for column, _ in means.values())}
    return Columns(outcome, tuple(names), {name: source for name, source in sources.items() if name in used}, means,
                   None if response.is_column else response.label)


def expression(source: str, language: str) -> str:
    """A coefficient's column as arithmetic: ``exper:union[T.yes]`` is ``exper * (union == "yes")``."""
    own, parts = LANGUAGES[language], []
    for piece in split(source):
        level = re.fullmatch(r"(?:C\()?(\w+)\)?\[(?:T\.)?([^\[\]]*)\]", piece)
        if level:
            value = level[2] if re.fullmatch(r"-?\d+(\.\d+)?", level[2]) else f"'{level[2]}'" if language == "python" else f'"{level[2]}"'
            parts.append(f"({level[1]} {own.equal} {value})")
            continue
        text = re.sub(r"\bnp\.", "", piece)
        text = f"({text[2:-1]})" if text.startswith("I(") and len(split(source)) > 1 else text[2:-1] if text.startswith("I(") else text
        if "[" in text or "`" in text or re.search(r"\b(?!log\b|exp\b|sqrt\b|abs\b)([A-Za-z_]\w*)\(", text):
            raise Untranslatable(f"{piece} is a function or a name of our own; make it a column first")
        parts.append(re.sub(r" ?\*\* ?", own.power, text).replace("log(", f"{own.log}("))
    text = " * ".join(parts)
    return f"1 * {text}" if len(parts) == 1 and parts[0].startswith("(") and language in ("r", "python") else text
