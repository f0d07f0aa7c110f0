"""Everything that a fit can be checked for, in one table.

Chapter 9 (``09_diagnostics``) goes through it line by line.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from ..results import refuse_panel
from . import level1, level2, linearity
from .influence import influence as influence_of
from .judging import Check
from .several_blocks import seen_by

__all__ = ["Diagnosis", "diagnose"]

_MANY = 2000  # groups above which the variances are held when one is left out
_MANY_OF_SEVERAL = 200  # with several grouping factors, where the rows that are left are gone through again


class Diagnosis:
    """What was looked for in a fit, and what was found.

    Attributes
    ----------
    fit : LmmResult
    checks : tuple of Check
        Each with ``name``, ``found``, ``value``, ``p``, ``reading``, ``verdict``, ``todo``, ``chapter``.
    influence : Influence or None
        Of the groups on the coefficients, if there are any; with several grouping factors of those with the fewest.
    influences : dict
        The same for every factor.
    """

    fit: Any
    checks: Any
    influences: dict
    influence: Any

    def __init__(self, fit, checks: tuple[Check, ...], influences: dict):
        self.__dict__.update(fit=fit, checks=checks, influences=influences,
                             influence=next(iter(influences.values()), None))

    def __setattr__(self, name, value):
        raise AttributeError(f"Results are immutable; {name!r} cannot be set.")

    @cached_property
    def _counts(self) -> dict[str, int]:
        return {
            verdict: sum(check.verdict == verdict for check in self.checks)
            for verdict in ("act", "look", "ok", "not checked")
        }

    @property
    def table(self):
        """One row a check: check, found, value, p, reading, verdict, todo, chapter (DataFrame)."""
        from .. import frames as pd

        names = {
            "name": "check",
            "found": "found",
            "value": "value",
            "p": "p",
            "reading": "reading",
            "verdict": "verdict",
            "todo": "todo",
            "chapter": "chapter",
        }
        return pd.DataFrame([{shown: getattr(check, name) for name, shown in names.items()} for check in self.checks])

    def __getitem__(self, part: str) -> Check:
        """The first check whose name contains the text."""
        for check in self.checks:
            if part.lower() in check.name.lower():
                return check
        raise KeyError(f"No check is called {part!r}; there are: {'; '.join(check.name for check in self.checks)}.")

    def panels(self, **options):
        """Six pictures: residuals, Q-Q of rows, Q-Q of groups, caterpillar, influence, residual SDs of groups.

        With several grouping factors ``group=`` names the one whose groups are drawn.
        """
        from ..plots import diagnosis

        return diagnosis(self, **options)

    def _headline(self) -> str:
        counts = self._counts
        parts = [
            f"{counts[verdict]} {words}"
            for verdict, words in (
                ("act", "to act on"),
                ("look", "to look at"),
                ("ok", "in order"),
                ("not checked", "not checked"),
            )
            if counts[verdict]
        ]
        return f"{len(self.checks)} checks of {self.fit.formula}: {', '.join(parts)}"

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *(line for check in self.checks for line in check._lines(108))])

    def _repr_html_(self) -> str:
        left = 'style="text-align:left;vertical-align:top;padding:0.3em 0.6em 0.3em 0"'
        rows = "".join(
            f'<tr><th scope="row" {left}>{escape(check.name)}</th><td {left}><strong>{escape(check.verdict)}</strong></td>'
            f"<td {left}>{escape(check.found)}"
            + (f"<br><em>{escape(check.todo)}</em>" if check.verdict in ("look", "act") else "")
            + (f"<details><summary>How to read it</summary>{escape(check.reading)}</details>" if check.reading else "")
            + "</td></tr>"
            for check in self.checks
        )
        names = ("What should hold", "Verdict", "Found, and what to do")
        head = "".join(f'<th scope="col" {left}>{name}</th>' for name in names)
        return (
            '<div class="mlm-result"><table class="mlm-table" style="font-size:0.85em;line-height:1.35">'
            f"<caption>{escape(self._headline())}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


def diagnose(fit, *, time=None, reestimate: bool | None = None) -> Diagnosis:
    """Check everything about a fit that can be checked, and say what was found in plain words.

    Parameters
    ----------
    fit : LmmResult, GlmmResult or GeeResult
    time : str or array, optional
        Column (or values) that orders the rows of a group; residuals are then checked for autocorrelation.
    reestimate : bool, optional
        Whether variances are estimated again when a group is left out; yes, unless there are more than 2000 groups
        (with several grouping factors 200).

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If the model has no random effects.

    Notes
    -----
    Chapter 9 (``09_diagnostics``).  A verdict goes by a size and, where there is a test, by a p-value below 0.01;
    a table of many checks will still ask for a look now and then where nothing is wrong.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> found = mlm.diagnose(mlm.lmm("mathach ~ ses + (1 | school)", mlm.load("hsb")))
    >>> found["correlated with ses"].verdict
    'act'
    >>> round(found["correlated with ses"].value, 2)
    3.69
    """
    if getattr(fit, "_marginal", False):
        from .marginal_checks import marginal_checks
        if hasattr(fit, "categories"):
            raise ValueError("diagnose is for GEE of outcomes with one mean; of ordered categories fit the indicator "
                             "of y > c (mlm.gee with family='binomial') and check that.")
        with np.errstate(all="ignore"):
            return Diagnosis(fit, tuple(marginal_checks(fit)), {})
    if hasattr(fit, "density"):
        from .glmm_checks import glmm_checks
        if hasattr(fit, "outcomes"):
            raise ValueError("diagnose is for models of one outcome; fit each of several by itself to check it.")
        if fit.density.K > 1 and not hasattr(fit, "zero_probability") or not fit.n_groups:
            raise ValueError("diagnose is for models with random effects whose outcomes are numbers or ordered "
                             "categories.")
        checks, influences = glmm_checks(fit, time, reestimate)
        return Diagnosis(fit, tuple(checks), influences)
    if hasattr(fit, "residual_table"):
        from .row_checks import row_checks
        checks, influences = row_checks(fit, time, reestimate)
        return Diagnosis(fit, tuple(checks), influences)
    refuse_panel(fit, "diagnose", "see fit.f_test_groups(), mlm.hausman and mlm.mundlak_test for the effects of "
                                  "groups, mlm.robust for errors that go together, and mlm.diagnose of mlm.lmm with (1 "
                                  "| group) for residuals")
    if not getattr(fit, "n_groups", None):
        raise ValueError(
            "The model has no random effects; diagnose is for models of mlm.lmm. For mlm.ols see fit.residuals and "
            "mlm.influence."
        )
    sizes, many = fit.n_groups, _MANY if len(fit.n_groups) == 1 else _MANY_OF_SEVERAL
    factors = sorted(sizes, key=sizes.get)
    influences = {}
    for group in factors if len(fit._params) else ():
        again = 2 < sizes[group] <= many if reestimate is None else reestimate
        influences[group] = influence_of(fit, group, reestimate=again)
    views = [seen_by(fit, group) for group in factors]
    with np.errstate(all="ignore"):
        checks = [
            *_of_each(views, lambda view: [level2.enough_groups(view)]),
            level2.found_well(fit),
            *_of_each(views, level2.seen),
            level1.normality(fit),
            level1.outlying_rows(fit),
            level1.variance_over_groups(fit),
            level1.variance_over_fitted(fit),
            *_of_each(views, linearity.curves),
            *_of_each(views, linearity.context),
            *_of_each(views, level2.normality),
            *_of_each(views, lambda view: [level2.outlying_groups(view)]),
            *(level2.influential(found) for found in influences.values()),
        ]
        if time is not None:
            checks.append(level1.autocorrelation(fit, time))
    return Diagnosis(fit, tuple(checks), influences)


def _of_each(views, check) -> list[Check]:
    """The checks of the groups of each factor, the factor's name before them where there are several."""
    if len(views) == 1:
        return check(views[0])
    return [replace(one, name=f"{next(iter(view.n_groups))}: {one.name}") for view in views for one in check(view)]
