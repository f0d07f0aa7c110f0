"""What a comparison of fits looks like: a test with the table of the models.

Chapter 8 (``08_inference``) reads one.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from ..testresult import TestResult, p_text

__all__ = ["Comparison", "Comparisons", "rows_of"]

_HEAD = ("model", "npar", "aic", "bic", "loglik", "deviance")


def rows_of(fits, names, logliks) -> list[dict]:
    """A row a fit: parameters, AIC, BIC and likelihood, with room for its test against the one before."""
    return [{"model": name, "formula": fit.formula, "npar": fit.n_params, "aic": 2 * fit.n_params - 2 * loglik,
             "bic": float(np.log(fit.nobs)) * fit.n_params - 2 * loglik, "loglik": loglik, "deviance": -2 * loglik,
             "chisq": np.nan, "df": np.nan, "pvalue": np.nan} for fit, name, loglik in zip(fits, names, logliks)]


def _frame(rows):
    from .. import frames as pd
    return pd.DataFrame(rows).set_index("model")


def _lines(rows, more=()) -> str:
    """The rows as a table in text; `more` adds columns given as functions of a row."""
    lines = [[*_HEAD, *(name for name, _ in more)]]
    lines += [[str(row["model"]), f"{row['npar']}", *(f"{row[key]:.2f}" for key in _HEAD[2:]),
               *(show(row) for _, show in more)] for row in rows]
    wide = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(w) if k else cell.ljust(w) for k, (cell, w) in enumerate(zip(line, wide)))
                     .rstrip() for line in lines)


class Comparison(TestResult):
    """A likelihood-ratio test of two nested fits, with the table of both.

    Attributes
    ----------
    table : DataFrame
        One row a fit: npar, aic, bic, loglik, deviance, and for the larger chisq, df, pvalue.
    weights : dict or None
        The mixture of chi-squares that the statistic is referred to, ``{degrees of freedom: weight}``; None where it is
        no mixture.
    """

    _rows: Any
    _weights: Any

    def __init__(self, test: TestResult, rows: list[dict], weights: dict | None = None):
        super().__init__(test.statistic, test.df, test.pvalue, test.distribution, test.null, test.name, test.note)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_weights", weights)

    @property
    def weights(self) -> dict | None:
        return None if self._weights is None else dict(self._weights)

    @property
    def table(self):
        return _frame(self._rows)

    def __str__(self) -> str:
        return f"{_lines(self._rows)}\n{super().__str__()}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        table = self.table.drop(columns=["chisq", "df", "pvalue"], errors="ignore")
        return f"{table.to_html(float_format='{:.2f}'.format)}<p>{escape(super().__str__())}</p>"


class Comparisons:
    """Several nested fits, each tested against the one before it.

    Attributes
    ----------
    tests : tuple of Comparison
    table : DataFrame
        As that of a `Comparison`, a row a fit.
    note : str

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sleep = mlm.load("sleepstudy")
    >>> fits = [mlm.lmm(f"Reaction ~ Days + ({part} | Subject)", sleep) for part in ("1", "1 + Days")]
    >>> found = mlm.compare(mlm.ols("Reaction ~ Days", sleep), *fits, names=("none", "levels", "slopes"))
    >>> found.table["df"].tolist()
    [nan, 1.0, 2.0]
    """

    tests: Any
    note: str

    def __init__(self, tests: tuple[Comparison, ...], note: str = ""):
        self.__dict__.update(tests=tests, note=note)

    def __setattr__(self, name, value):
        raise AttributeError(f"Results are immutable; {name!r} cannot be set.")

    def __len__(self) -> int:
        return len(self.tests)

    def __getitem__(self, k) -> Comparison:
        return self.tests[k]

    @property
    def _rows(self) -> list[dict]:
        return [self.tests[0]._rows[0], *(test._rows[1] for test in self.tests)]

    @property
    def table(self):
        return _frame(self._rows)

    def _sentences(self) -> list[str]:
        names = [row["model"] for row in self._rows]
        return [*([self.note[0].upper() + self.note[1:] + "."] if self.note else []),
                *(f"{b} against {a}: {TestResult.__str__(test)}" for a, b, test in zip(names, names[1:], self.tests))]

    def __str__(self) -> str:
        more = [("chisq", lambda row: "" if np.isnan(row["chisq"]) else f"{row['chisq']:.2f}"),
                ("df", lambda row: "" if np.isnan(row["df"]) else f"{row['df']:.0f}"),
                ("p", lambda row: "" if np.isnan(row["pvalue"]) else p_text(row["pvalue"]).removeprefix("= "))]
        return "\n".join([_lines(self._rows, more), *self._sentences()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        table = self.table.to_html(float_format="{:.4g}".format, na_rep="")
        return table + "".join(f"<p>{escape(line)}</p>" for line in self._sentences())
