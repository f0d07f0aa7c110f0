"""The table of `mlm.estimators`.

Chapters 19 (``19_fixed_or_random``) and 20 (``20_gee_and_robust``) read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..report.page import Page, Table, rounded

__all__ = ["About", "Estimators"]


@dataclass(frozen=True)
class About:
    """What an estimator estimates, on which mean, and what it assumes."""

    name: str
    slopes: str
    mean: str
    assumes: str


@dataclass(frozen=True, repr=False)
class Estimators:
    """Several estimators of one model.

    Attributes
    ----------
    formula, groups, family : str
    fits : dict
        The fits by name of the estimator; each is what `mlm.ols`, `mlm.panel` ... return.
    notes : tuple of str
        What could not be estimated and why, what was left out, warnings.
    """

    formula: str
    groups: str
    family: str
    fits: dict
    abouts: tuple
    renamed: dict
    notes: tuple
    level: float = 0.95

    @cached_property
    def table(self):
        """Every coefficient of every estimator (DataFrame): ``estimator``, ``term``, ``estimate``, ``se``, ``df``, ``p``,
        ``lower``, ``upper``; df is infinite for the normal distribution."""
        from .. import frames as pd
        rows = []
        for name, fit in self.fits.items():
            found = fit.coef_table(self.level)
            t_df = getattr(fit, "_t_df", None)
            for term, row in found.iterrows():
                df = row["df"] if "df" in found else np.inf if t_df is None else t_df
                shown = self.renamed.get(name, {}).get(term, term)
                if shown is not None:
                    rows.append((name, shown, row["estimate"], row["se"], float(df), row["p"], row["lower"], row["upper"]))
        return pd.DataFrame(rows, columns=["estimator", "term", "estimate", "se", "df", "p", "lower", "upper"])

    @property
    def estimates(self):
        """The estimates alone (DataFrame): a row a term, a column an estimator."""
        return self._wide("estimate")

    @property
    def se(self):
        """The standard errors alone (DataFrame), as `estimates`."""
        return self._wide("se")

    @property
    def about(self):
        """What each estimates and assumes (DataFrame): ``slopes``, ``mean``, ``assumes``."""
        from .. import frames as pd
        return pd.DataFrame([(a.slopes, a.mean, a.assumes) for a in self.abouts], columns=["slopes", "mean", "assumes"],
                            index=[a.name for a in self.abouts])

    def _wide(self, what):
        terms = list(dict.fromkeys(self.table["term"]))
        return self.table.pivot(index="term", columns="estimator", values=what).reindex(index=terms, columns=list(self.fits)
                                                                                       ).rename_axis(index=None, columns=None)

    def _page(self) -> Page:
        estimates, se = self.estimates, self.se
        rows = [(term, *(f"{a} ({b})" if a else "" for a, b in (rounded(x, s, guide=s) for x, s in zip(estimates.loc[term], se.loc[term]))))
                for term in estimates.index]
        told = [(a.name, a.slopes, a.mean, a.assumes) for a in self.abouts]
        return Page("Estimators side by side", (("Formula", self.formula), ("Groups", self.groups), ("Family", self.family)),
                    (Table("Coefficients, with standard errors in parentheses", ("", *self.fits), tuple(rows)),
                     Table("What each estimates, and what it assumes", ("", "slopes", "mean", "assumes"), tuple(told), words=4)),
                    self.notes)

    def __repr__(self) -> str:
        return str(self._page())

    def _repr_html_(self) -> str:
        return self._page()._repr_html_()
