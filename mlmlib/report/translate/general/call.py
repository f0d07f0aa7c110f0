"""A call of mlm.glmm, as code of another program says it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ....glmm.links import link as known_link
from ..back import Call, python
from .spec import COUNTS, DEFAULT_LINKS

__all__ = ["GeneralCall", "exposed", "settings_of"]


@dataclass(frozen=True)
class GeneralCall(Call):
    """A generalized model as mlmlib would be asked for it; `settings` are those of ``mlm.glmm`` that are not its defaults."""

    settings: dict = field(default_factory=dict)

    @property
    def fitter(self) -> str:
        return "glmm"

    def _options(self) -> dict:
        options = dict(self.settings)
        if self.covariance != "unstructured":
            options["covariance"] = self.covariance
        return options

    def code(self, data: str = "df") -> str:
        """The call in Python."""
        options = "".join(f", {name}={python(value)}" for name, value in self._options().items())
        return f'mlm.glmm("{self.formula}", {data}{options})'


def settings_of(family: str, link: str | None, **others) -> dict:
    """The settings that differ from the defaults; the family always. A link that is none is an error."""
    if link is not None:
        known_link(link)
    found = {"family": family}
    if link is not None and link != DEFAULT_LINKS[family]:
        found["link"] = link
    return found | {name: value for name, value in others.items() if value is not None}


def exposed(formula: str, family: str, link: str) -> tuple[str, str | None]:
    """The formula without ``offset(log(days))``, and the column of exposures, where a count has a log link."""
    match = re.search(r" \+ offset\(log\((\w+)\)\)", formula)
    if family not in COUNTS or link != "log" or not match or formula.count("offset(") > 1:
        return formula, None
    return formula.replace(match[0], ""), match[1]
