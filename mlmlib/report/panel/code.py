"""A panel fit as code of other programs.

A target is a function ``write(ask) -> (code, note)`` in `mlmlib.report.panel.targets` or `mlmlib.report.panel.commercial`; `Ask` holds
what it needs. Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from ..translate.model import Model, Untranslatable, of_fit
from .columns import Columns, columns_of

__all__ = ["Ask", "elsewhere", "translate"]

_ALIASES = {"r": "plm", "xtreg": "stata", "feols": "fixest", "lmer": "lme4", "proc panel": "sas", "proc glm": "glm", "absorb": "glm",
            "mixed": "spss", "python": "linearmodels", "pht": "plm"}


@dataclass(frozen=True)
class Ask:
    """A fit that is to be written for another program, and the name of its data."""

    fit: Any
    data: str

    @property
    def effects(self) -> str:
        return self.fit.effects

    @property
    def group(self) -> str:
        return self.fit.frame.group

    @property
    def time(self) -> str | None:
        return self.fit.frame.time

    @property
    def split(self) -> bool:
        """Whether the group means are among the columns."""
        return self.effects in ("mundlak", "hybrid")

    @property
    def random(self) -> bool:
        return self.split or self.effects == "random"

    @cached_property
    def columns(self) -> Columns:
        return columns_of(self.fit)

    @cached_property
    def model(self) -> Model:
        """The regression of the formula, group means as columns of their own where there are any."""
        return of_fit(SimpleNamespace(design=self._design, method="ols", reml=None), self.data)

    @cached_property
    def mixed(self) -> Model:
        """The model with a random intercept, fitted by REML."""
        from ..translate.model import of_formula
        return of_formula(f"{self._formula} + (1 | {self.group})", self._table, data=self.data)

    @cached_property
    def _means(self):
        from ...panel.means import group_means
        return group_means(self.fit.formula, self.fit.data, groups=self.group, form=self.effects)

    @property
    def _formula(self) -> str:
        return self._means.formula.rpartition(" + (1 |")[0] if self.split else self.fit.formula

    @property
    def _table(self):
        return self._means.data if self.split else self.fit.data

    @property
    def _design(self):
        if not self.split:
            return self.fit.frame.design
        from ...design import build_design
        return build_design(self._formula, self._table)

    def cannot(self, program: str, why: str = "") -> None:
        raise Untranslatable(f"{program} has no estimator for effects={self.effects!r}{f'; {why}' if why else ''}")


def _targets() -> dict:
    from . import commercial, targets
    return {
        "plm": ("R: plm", "r", targets.plm), "fixest": ("R: fixest", "r", targets.fixest), "lme4": ("R: lme4", "r", targets.lme4),
        "stata": ("Stata", "stata", commercial.stata), "sas": ("SAS: PROC PANEL", "sas", commercial.sas),
        "glm": ("SAS: PROC GLM", "sas", commercial.glm), "spss": ("SPSS", "text", commercial.spss),
        "linearmodels": ("Python: linearmodels", "python", targets.linearmodels),
        "statsmodels": ("Python: statsmodels", "python", targets.statsmodels),
    }


def translate(fit, to: str, *, data: str = "df", ddf: str = "wald"):
    """A panel fit as code for another program.

    Parameters
    ----------
    fit : PanelResult
    to : {"plm", "fixest", "lme4", "stata", "sas", "glm", "spss", "linearmodels", "statsmodels"}
        ``"r"`` is plm, ``"python"`` linearmodels; ``"glm"`` is SAS's PROC GLM with ABSORB.
    data : str
        Name of the data frame.
    ddf : {"wald"}

    Returns
    -------
    Code
        A string with `note`, `possible`, `title` and `language`; where the program has no such estimator, it says so.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", effects="random")
    >>> print(fit.translate("plm"))
    library(plm)
    fit <- plm(inv ~ value + capital, data = df, index = "firm", model = "random", random.method = "swar")
    summary(fit)
    >>> print(fit.translate("stata"))
    xtset firm
    xtreg inv value capital, re sa
    """
    from ..translate import Code
    known = _targets()
    key = _ALIASES.get(to.lower(), to.lower())
    if key not in known:
        raise ValueError(f"A fit of mlm.panel is translated to {', '.join(map(repr, known))}, not to {to!r}.")
    if ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is not made for fits of mlm.panel; mlm.robust has Satterthwaite's degrees of freedom for them.")
    title, language, write = known[key]
    try:
        _plain_names(fit, title, key in ("plm", "fixest", "lme4"))
        lines, note = write(Ask(fit, data))
        code = Code("\n".join(lines))
        code.note = " ".join(filter(None, [note, *_loose_ends(fit)]))
    except Untranslatable as reason:
        code = Code(f"Cannot: {reason}.")
        code.possible = False
    code.title, code.language = "R" if key == "lme4" and code.possible and "lmer(" not in code else title, language
    return code


def _plain_names(fit, title: str, quoted: bool) -> None:
    """Refuse names of columns that the program cannot read."""
    columns = [*fit.frame.design.formula.columns, fit.frame.group, *([fit.frame.time] if fit.frame.time else [])]
    hard = [name for name in columns if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)]
    if hard and (not quoted or fit.effects in ("mundlak", "hybrid")):
        raise Untranslatable(f"{title} cannot read the name {hard[0]!r}; rename the column first")


def _loose_ends(fit):
    """What the code does not say."""
    design = fit.frame.design
    if design.weights is not None:
        yield "The fit's weights must be added: they are not in this code."
    if design.offset is not None:
        yield "The fit's offset must be added: it is not in this code."
    if design.kept is not None and fit.effects in ("mundlak", "hybrid"):
        yield "Drop rows with missing values first, so that means are taken over the same rows as here."
    lost = [name for name in fit.frame.names if name != "Intercept" and name not in fit._names] if fit.effects not in (
        "mundlak", "hybrid") else []
    if lost:
        yield f"Programs leave out {', '.join(lost)}, as this fit does, or stop at it."


def elsewhere(fit, programs=None, **options):
    """The same model in several programs, a tab each; those without such an estimator only if they are asked for."""
    from ..translate.tabs import Elsewhere
    codes = [translate(fit, name, **options) for name in programs or _targets()]
    return Elsewhere(codes if programs else [code for code in codes if code.possible])
