"""Influence: what a group, or a row, does to the answer, told as what the answer would be without it.

Chapter 9 (``09_diagnostics``).

References
----------
Cook, R. D. (1977). Detection of influential observation in linear regression. Technometrics, 19, 15-18.
Christensen, R., Pearson, L. M., & Johnson, W. (1992). Case-deletion diagnostics for mixed models. Technometrics, 34,
38-45.
Nieuwenhuis, R., te Grotenhuis, M., & Pelzer, B. (2012). influence.ME: Tools for detecting influential data in mixed
effects models. The R Journal, 4(2), 38-47.
Loy, A., & Hofmann, H. (2014). HLMdiag: A suite of diagnostics for hierarchical linear models in R. Journal of
Statistical Software, 56(5).
"""

from __future__ import annotations

import numpy as np
from typing import Any

from ..display import html_table, number, text_table
from ..given import takes_fit
from ..errors import DataError
from ..inference.row_parameters import all_values, structure_names
from ..results import refuse_panel
from ..table import Categorical, Table
from . import deletion
from .residuals import leverage
from .several_blocks import default_factor, group_rows, seen_by
from .several_deletion import LARGEST

__all__ = ["Influence", "influence"]


class Influence:
    """Estimates without each group (or row), and what the difference amounts to.

    Attributes
    ----------
    by : str
        What was left out one at a time: the grouping factor, a column, or ``"row"``.
    reestimated : bool
        True if the variances were estimated again each time, False if they were held.
    labels : ndarray, shape (m,)
    threshold : dict
        Conventional sizes worth a look: ``cooks`` 4 / m, ``dfbetas`` 2 / sqrt(m), ``covratio`` 3 p / m from one.
    messages : tuple of str
        Which could not be left out, and why.

    Notes
    -----
    Chapter 9 (``09_diagnostics``).  With d the change of the coefficients and V their covariance in the whole
    fit, V_j without j: Cook's distance is d'V^-1 d / p (Christensen et al. 1992; HLMdiag, SAS), ``mdffits`` d'V_j^-1 d
    / p (what influence.ME calls Cook's distance), ``covratio`` det V_j / det V, ``covtrace`` |tr(V^-1 V_j) - p|; lme4's
    and car's Cook's distance is the first times (m - p) / m.
    """

    threshold: dict
    messages: tuple[str, ...]
    fit: Any
    by: str
    labels: np.ndarray
    reestimated: bool
    _sizes: Any
    _deleted: Any
    _measures: Any

    def __init__(self, fit, by, labels, sizes, deleted, measures, held_fast):
        self.__dict__.update(
            fit=fit, by=by, labels=labels, reestimated=not held_fast, _sizes=sizes, _deleted=deleted, _measures=measures
        )
        m, p = len(labels), len(fit._params)
        self.__dict__["threshold"] = {"cooks": 4.0 / m, "dfbetas": 2.0 / np.sqrt(m), "covratio": 3.0 * p / m}
        self.__dict__["messages"] = tuple(
            f"Without {by} {labels[j]} there are no estimates: {reason}." for j, reason in deleted.why.items()
        )

    def __setattr__(self, name, value):
        raise AttributeError(f"Results are immutable; {name!r} cannot be set.")

    def _frame(self, values, names):
        from .. import frames as pd

        return pd.DataFrame(np.array(values), index=pd.Index(self.labels, name=self.by), columns=list(names))

    @property
    def _names(self) -> list[str]:
        return [*self.fit._names, *deletion.variance_names(self.fit)]

    @property
    def _full(self) -> np.ndarray:
        fit = self.fit
        if structure_names(fit):
            return all_values(fit)
        own = deletion.variance_values(fit.model, fit._at) if getattr(fit, "model", None) else [fit.sigma]
        return np.concatenate([fit._params, own])

    @property
    def original(self):
        """Estimates of the whole fit, coefficients and variance parameters (Series)."""
        from .. import frames as pd

        return pd.Series(self._full, index=self._names, name="estimate")

    @property
    def estimates(self):
        """Estimates without each one: coefficients, then standard deviations, correlations and sigma (DataFrame)."""
        return self._frame(np.column_stack([self._deleted.fixed, self._deleted.variances]), self._names)

    @property
    def change(self):
        """Estimates without each one less those of the whole fit, in the data's units (DataFrame)."""
        return self.estimates - self._full

    @property
    def se(self):
        """Standard errors of the coefficients without each one (DataFrame)."""
        return self._frame(self._deleted.se, self.fit._names)

    @property
    def _dfbetas(self) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self._deleted.fixed - self.fit._params) / self._deleted.se

    @property
    def dfbetas(self):
        """Change of each coefficient without each one, in its standard errors then (DataFrame); signs as in lme4."""
        return self._frame(self._dfbetas, self.fit._names)

    @property
    def rvc(self):
        """Relative change of each variance and covariance without each one (DataFrame), as HLMdiag's ``rvc``."""
        names, values, full = (
            deletion.variance_names(self.fit),
            self._deleted.variances,
            self._full[len(self.fit._params) :],
        )
        sds = {(term.group, own): k for term in self.fit.design.random for k, name in enumerate(names)
               if name.startswith(f"sd({term.group}: ") for own in name[len(term.group) + 5 : -1].split(" = ")}  # fmt: skip
        columns, labels = [], []
        for k, name in enumerate(names):
            if name in structure_names(self.fit):
                continue
            if name.startswith("corr("):
                group, pair = name[5:-1].split(": ", 1)
                places = [sds[group, effect] for effect in _two(pair, sds, group)]
                ours, theirs = (row[..., k] * row[..., places[0]] * row[..., places[1]] for row in (values, full))
                labels.append(f"cov({group}: {pair})")
            else:
                ours, theirs = values[:, k] ** 2, full[k] ** 2
                labels.append(f"var{name[2:]}" if name.startswith("sd(") else "var(residual)")
            with np.errstate(invalid="ignore", divide="ignore"):
                columns.append(ours / theirs - 1.0)
        return self._frame(np.column_stack(columns), labels)

    @property
    def table(self):
        """One row a group (or row): its size, Cook's distance and the other measures (DataFrame).

        ``n`` rows; ``cooks``, ``mdffits``, ``covratio``, ``covtrace``; ``leverage``, the mean hat value of its rows;
        ``dfbetas``, the largest in size, and ``of``, the coefficient that it belongs to; ``singular``, whether the fit
        without it is.
        """
        betas = self._dfbetas
        known = np.isfinite(betas).all(axis=1)
        most = np.where(known, np.abs(np.where(np.isfinite(betas), betas, 0.0)).argmax(axis=1), 0)
        largest = betas[np.arange(len(betas)), most]
        frame = self._frame(np.empty((len(betas), 0)), [])
        frame["n"] = self._sizes
        for name, values in self._measures.items():
            frame[name] = values
        frame["dfbetas"] = np.where(known, largest, np.nan)
        frame["of"] = [self.fit._names[k] if ok else "" for k, ok in zip(most, known)]
        if self.reestimated:
            frame["singular"] = self._deleted.singular
        return frame

    @property
    def turned(self):
        """Coefficients whose 95 % Wald interval takes in zero with a group and not without it, or the other way
        (DataFrame)."""
        from .. import frames as pd

        fit = self.fit
        with np.errstate(invalid="ignore", divide="ignore"):
            after = self._deleted.fixed / self._deleted.se
        before, bar = fit._params / fit._se, fit._quantile(0.95)
        where = np.argwhere(np.isfinite(after) & ((np.abs(after) > bar) != (np.abs(before) > bar)))
        rows = [(self.labels[j], fit._names[k], before[k], after[j, k]) for j, k in where]
        return pd.DataFrame(rows, columns=[self.by, "coefficient", "z", "z without"])

    def most(self, count: int = 5, by: str = "cooks"):
        """The rows of `table` with the largest values of a measure (DataFrame)."""
        table = self.table
        if by not in table:
            raise ValueError(f"by={by!r} is not a column of the table; choose one of {', '.join(table.columns)}.")
        size = np.abs(table[by] - 1.0) if by == "covratio" else np.abs(table[by])
        return (
            table.loc[size.sort_values(ascending=False, kind="stable").index[:count]]
            if table.index.is_unique
            else table.iloc[np.argsort(-size.fillna(-1).to_numpy(), kind="stable")[:count]]
        )

    @property
    def flagged(self):
        """The rows of `table` whose Cook's distance is above the threshold, largest first (DataFrame)."""
        table = self.table
        return table[table["cooks"] > self.threshold["cooks"]].sort_values("cooks", ascending=False, kind="stable")

    def plot(self, what: str = "cooks", **options):
        """A picture of a measure or of an estimate without each one: see `mlmlib.plots.influence`."""
        from ..plots import influence as draw

        return draw(self, what, **options)

    def _lines(self):
        full, rows = self._full, []
        for j in self._order()[:5]:
            betas = self._dfbetas[j]
            k = int(np.abs(betas).argmax())
            rows.append(
                [
                    str(self.labels[j]),
                    number(int(self._sizes[j])),
                    f"{self._measures['cooks'][j]:.3f}",
                    self.fit._names[k],
                    number(full[k]),
                    number(self._deleted.fixed[j, k]),
                    f"{betas[k]:+.2f}",
                ]
            )
        return [self.by, "rows", "Cook's D", "moves most", "with", "without", "in SEs"], rows

    def _order(self) -> np.ndarray:
        cooks = self._measures["cooks"]
        order = np.argsort(-np.where(np.isfinite(cooks), cooks, -1.0), kind="stable")
        return order[np.isfinite(cooks[order])]

    def _title(self):
        return f"Influence on the coefficients, one {self.by} left out at a time ({len(self.labels)} of them)"

    def _note(self):
        over = int(np.nansum(self._measures["cooks"] > self.threshold["cooks"]))
        how = "estimated again each time" if self.reestimated else "held at their estimates"
        return " ".join(
            [
                f"{over} of {len(self.labels)} above 4/{len(self.labels)} = {number(self.threshold['cooks'], 3)}. "
                f"Variances {how}.",
                *self.messages[:3],
            ]
        )

    def __repr__(self) -> str:
        return f"{self._title()}\n{text_table(*self._lines())}\n{self._note()}"

    def _repr_html_(self) -> str:
        return html_table(*self._lines(), caption=self._title(), note=self._note())


def _two(pair: str, sds, group) -> list[str]:
    """The two effects of ``"a, b"``, where an effect's own name may hold a comma."""
    parts = pair.split(", ")
    for k in range(1, len(parts)):
        two = [", ".join(parts[:k]), ", ".join(parts[k:])]
        if all((group, name) in sds for name in two):
            return two
    raise ValueError(f"Effects of {pair!r} are not told apart.")


@takes_fit
def influence(fit, by: str | None = None, *, group: str | None = None, reestimate: bool | None = None) -> Influence:
    """Leave out one group (or row) at a time and see what becomes of the estimates.

    Parameters
    ----------
    fit : LmmResult, OlsResult or GlmmResult
        A GlmmResult is fitted again without each group (`mlmlib.diagnostics.glmm_influence`).
    by : str, optional
        What to leave out: a grouping factor (what is left out when nothing is said: with several the one with the
        fewest groups), ``"row"``, or a column of the data, all rows with one value at a time.
    group : str, optional
        The same for a grouping factor: ``group="school"``.
    reestimate : bool, optional
        True estimates the variances again each time (exact: what a new fit would give); False holds them, so that only
        the coefficients answer. Left out: True for groups and columns, False for rows.

    Returns
    -------
    Influence

    Raises
    ------
    DataError
        If `by` is not a grouping factor nor a column, or the column misses values in rows used.
    FormulaError
        If `group` is not a grouping factor.
    ValueError
        If the model has no coefficients, or variances shall be estimated again where there are none.

    Notes
    -----
    Chapter 9 (``09_diagnostics``).  A fit without a group is made of cross-products and costs about three
    evaluations of the criterion, so that all 160 schools of High School & Beyond take
    about a fifth of a second (``mlm bench``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> found = mlm.influence(fit)
    >>> found.most(1)[["cooks", "dfbetas", "of"]].round(2).to_dict("index")
    {309: {'cooks': 0.15, 'dfbetas': 0.41, 'of': 'Intercept'}}
    >>> found.change.loc[335, ["Days", "sd(Subject: Days)"]].round(2).tolist()
    [0.79, -0.86]
    """
    refuse_panel(fit, "influence", "leave rows or groups out and fit anew")
    if hasattr(fit, "density"):
        from .glmm_influence import glmm_influence
        if reestimate is False:
            raise ValueError("A GLMM without a group is a fit of its own; leave reestimate= out.")
        return glmm_influence(fit, group if by is None else by)
    if not len(fit._params):
        raise ValueError("The model has no coefficients, so nothing can influence them.")
    if structure_names(fit):
        from .row_deletion import structured_influence
        return structured_influence(fit, group if by is None else by, reestimate)
    mixed = getattr(fit, "model", None) is not None
    several = mixed and not fit.model.one_factor
    if group is not None:
        if by not in (None, group):
            raise ValueError("Give by= or group=, not both.")
        by = seen_by(fit, group) and group
    if by is None:
        by = default_factor(fit) if mixed else "row"
    factor = next((term for term in fit.design.random if term.group == by), None) if mixed else None
    sets = None
    n = len(fit.design.y)
    if by == "row":
        labels, codes, kind = np.asarray(fit.design.index()), np.arange(n), "row"
    elif factor is not None:
        labels, codes, kind = factor.levels, factor.codes, "group"
    else:
        codes, labels = _column(fit, by)
        kind = "set"
    m = len(labels)
    if several and kind != "row":
        sets = group_rows(factor) if kind == "group" else [np.flatnonzero(codes == j) for j in range(m)]
    reestimate = mixed and kind != "row" if reestimate is None else bool(reestimate)
    if m < 2:
        raise DataError(f"All rows have the same {by!r}; there is nothing left when it is left out.")
    if reestimate and not mixed:
        raise ValueError("A model without random effects has no variances to estimate again; leave reestimate= out.")
    if kind == "group" and m == 2 and reestimate:
        raise DataError(
            f"With two groups of {by!r} one is left when the other is left out, and no variation between groups can be "
            "estimated; reestimate=False holds the variances."
        )
    if not mixed:
        done, measures = deletion.held_linear(fit, codes, m, kind)
    elif reestimate or (kind == "set" and not several) or (sets and max(map(len, sets)) > LARGEST):
        done, measures = deletion.reestimated(fit, codes, m, variances=reestimate, sets=sets)
    else:
        done, measures = deletion.held(fit, codes, m, kind, sets)
    hat = leverage(fit)["total"].to_numpy()
    if sets is None:
        sizes = np.bincount(codes, minlength=m)
        measures["leverage"] = np.bincount(codes, hat, minlength=m) / sizes
    else:
        sizes = np.array([len(rows) for rows in sets])
        measures["leverage"] = np.array([hat[rows].mean() for rows in sets])
    return Influence(fit, by, labels, sizes, done, measures, not reestimate)


def _column(fit, by):
    """Codes and labels of the rows used by a column of the data."""
    column = Table(fit.design.data)[by]
    kept = fit.design.kept
    if isinstance(column, Categorical):
        column = column if kept is None else column.take(kept)
        column = column.used()
        missing, codes, labels = column.codes < 0, column.codes, column.levels
    else:
        column = column if kept is None else column[kept]
        missing = np.isnan(column)
        labels, codes = np.unique(column, return_inverse=True)
        labels = labels.astype(np.int64) if np.isfinite(labels).all() and (labels == np.round(labels)).all() else labels
    if missing.any():
        raise DataError(f"The column {by!r} misses values in {int(missing.sum())} of the rows used; fill them in.")
    return codes, labels
