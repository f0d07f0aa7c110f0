"""Linear estimates with their intervals and tests: what marginal means, contrasts of them and slopes have in common.

Each is ``c'gamma`` for a row c, with the degrees of freedom that were asked for. A contrast of estimates is again a
linear estimate, so that contrasts of contrasts (differences of differences) come from the same method.

Chapter 8 (``08_inference``) derives them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..display import html_table, number, text_table
from ..results import check_level
from . import multiplicity
from .families import family, labels_of, numeric, plain
from .response_scale import linked, outcome_name, presented, ratio_label, told
from .small_sample import DDF, f_test, method_of
from ..testresult import TestResult, p_text

__all__ = ["Estimates"]

_METHODS = {"satterthwaite": "Satterthwaite's", "kenward-roger": "Kenward-Roger's"}
_SAID = {"bonferroni": "Bonferroni's", "holm": "Holm's", "sidak": "Sidak's", "tukey": "Tukey's", "scheffe": "Scheffe's",
         "mvt": "the multivariate t", "fdr": "the false discovery rate"}  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Estimates:
    """Linear estimates, one a row of `table`.

    Attributes
    ----------
    fit : LmmResult or OlsResult
    kind : str
        What they are, in words.
    value : str
        The name of the estimates' column: ``"mean"``, ``"estimate"`` or ``"slope"``.
    keys : tuple of str
        The columns that name a row; those in `by` first.
    rows : tuple of tuple
        Their values.
    by : tuple of str
        The columns whose values make a family each, for contrasts and adjustments.
    coefficients : ndarray, shape (k, p)
        The rows c.
    offset : ndarray, shape (k,)
        What is added to ``c'gamma``.
    ddf, adjust : str
    level : float
    tested : bool
        Whether the table shows tests of zero.
    pairs : bool
        Whether a family is all pairwise differences.
    notes : tuple of str
    seed : int
        Of the multivariate t.
    """

    fit: Any
    kind: str
    value: str
    keys: tuple
    rows: tuple
    by: tuple
    coefficients: np.ndarray
    offset: np.ndarray
    ddf: str
    adjust: str = "none"
    level: float = 0.95
    tested: bool = True
    pairs: bool = False
    notes: tuple = ()
    seed: int = 1
    order: dict = field(default_factory=dict)  # values of a column in their order, for the table
    type: str = "link"  # "response": shown on the scale of the outcome

    def __post_init__(self):
        check_level(self.level)
        if self.ddf not in DDF:
            raise ValueError(f"ddf={self.ddf!r} is not known; choose one of {', '.join(map(repr, DDF))}.")
        object.__setattr__(self, "adjust", multiplicity.method(self.adjust))
        self.coefficients.flags.writeable = self.offset.flags.writeable = False
        if self.adjust == "tukey" and not self.pairs:
            for group in self._groups:  # refuses, saying what to use instead
                self._kin(group)._way("tukey")

    def __len__(self):
        return len(self.rows)

    @property
    def table(self):
        """The estimates (DataFrame): names, mean (estimate, slope), se, df, t (or z), p if tested, lower, upper."""
        from .. import frames as pd
        out = pd.DataFrame(list(self._shown_rows), columns=list(self.keys), index=range(len(self)))
        for name, values in self.order.items():
            out[name] = pd.Categorical(out[name], values)
        tests = {self._letter: self._ratio, "p": self._pvalues} if self.tested else {}
        name, estimate, se, lower, upper = self._presented
        numbers = {name: estimate, "se": se, "df": self._df, **tests, "lower": lower, "upper": upper}
        return out.assign(**numbers)

    @property
    def cov(self):
        """The covariance matrix of the estimates, shape (k, k)."""
        return self.coefficients @ self._method.cov @ self.coefficients.T

    def contrast(self, method="pairwise", *, by=None, ref=None, adjust=None, level=None, name="contrast") -> Estimates:
        """Contrasts of these estimates.

        Parameters
        ----------
        method : str, dict, or array
            ``"pairwise"``, ``"revpairwise"``, ``"trt.vs.ctrl"``, ``"poly"``, ``"eff"``, ``"consecutive"``; a matrix
            with a row a contrast; or ``{name: coefficients}``: see `mlmlib.inference.families.family`.
        by : str or list of str, optional
            Columns within whose values to compare; those of these estimates when left out, ``[]`` for none.
        ref : str or int, optional
            The control of ``"trt.vs.ctrl"``.
        adjust : str, optional
            ``"none"``, ``"bonferroni"``, ``"holm"``, ``"sidak"``, ``"tukey"``, ``"dunnett"``, ``"mvt"``,
            ``"scheffe"``, ``"fdr"``: see `mlmlib.inference.multiplicity`. When left out, what is customary: tukey
            for pairs, mvt for comparisons with a control and for consecutive differences, fdr for effects, else
            none.
        level : float, optional
        name : str
            Of the column that names the contrasts.

        Returns
        -------
        Estimates

        Raises
        ------
        ValueError
            For an unknown method, a matrix of the wrong width, or a `by` that is no column here.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.lmm("math ~ schtype * homework + (1 + homework | schid)", mlm.load("math"))
        >>> slopes = mlm.emtrends(fit, "homework", over="schtype")
        >>> slopes.contrast("revpairwise").table[["contrast", "estimate"]].round(2).values.tolist()
        [['Public - Private', -0.5]]
        """
        by = self.by if by is None else ((by,) if isinstance(by, str) else tuple(by))
        lost = [column for column in by if column not in self.keys]
        if lost:
            raise ValueError(f"by= names {lost[0]!r}; {self._columns}.")
        while name in by:
            name += "1"
        inner = [column for column in self.keys if column not in by]
        groups = _group(self.rows, [self.keys.index(column) for column in by])
        C, offset, rows, notes, found = [], [], [], list(self.notes), None
        for values, places in groups.items():
            labels = labels_of([self._part(place, inner) for place in places], inner)
            found = family(method, labels, ref=ref, scores=self._scores(places, inner))
            C.append(_product(found.matrix, self.coefficients[places]))
            offset.append(_product(found.matrix, self.offset[places]))
            rows += [(*values, label) for label in found.names]
            notes += found.notes
        matrix = np.concatenate(C)
        void = [str(row[-1]) for row, c in zip(rows, matrix) if not c.any()]
        if void:
            more = " and others" if len(void) > 1 else ""
            notes.append(f"{void[0]}{more}: zero in this model whatever its coefficients, so there is nothing "
                         "to test.")
        adjust = multiplicity.method(found.adjust if adjust is None else adjust)
        order = {key: values for key, values in self.order.items() if key in by}
        kind = self.kind
        if not kind.startswith("Contrasts of "):
            kind = f"Contrasts of {kind[0].lower()}{kind[1:]}"
        return replace(self, kind=kind, value="estimate", keys=(*by, name), rows=tuple(rows), by=by, coefficients=matrix,
                       offset=np.concatenate(offset), adjust=adjust, level=self.level if level is None else level, tested=True,
                       pairs=found.pairs, notes=tuple(dict.fromkeys(notes)), order=order)

    def adjusted(self, adjust: str, *, level: float | None = None) -> Estimates:
        """The same estimates with p-values and intervals adjusted in another way; for means, simultaneous intervals."""
        return replace(self, adjust=adjust, level=self.level if level is None else level)

    def joint_test(self, **where) -> TestResult:
        """Whether all of these are zero: F (or chi-square) with as many degrees of freedom as are independent.

        Parameters
        ----------
        **where
            Values of columns, ``sector="Public"``: only these rows.

        Returns
        -------
        TestResult
            The test of `mlmlib.inference.small_sample.f_test`: after ``ddf="satterthwaite"`` and
            ``"kenward-roger"`` the one of lmerTest and pbkrtest. R's emmeans takes the least of several degrees of
            freedom and does not scale F. Satterthwaite's denominator depends a little on which
            contrasts span the hypothesis (lmerTest's too); Kenward and Roger's does not.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.lmm("Reaction ~ C(Days) + (1 | Subject)", mlm.load("sleepstudy"))
        >>> mlm.emmeans(fit, "Days").contrast("consecutive").joint_test().df[0]
        9
        """
        lost = [column for column in where if column not in self.keys]
        if lost:
            raise ValueError(f"There is no column {lost[0]!r}; {self._columns}.")
        places = [k for k, row in enumerate(self.rows) if all(row[self.keys.index(c)] == v for c, v in where.items())]
        if not places:
            raise ValueError(f"No row has {', '.join(f'{c} = {v!r}' for c, v in where.items())}.")
        plural = {"mean": "means", "slope": "slopes"}.get(self.value, "contrasts")
        inside = f" at {', '.join(f'{c} = {v}' for c, v in where.items())}" if where else ""
        null = f"all {len(places)} {plural} = 0{inside}" if len(places) > 1 else f"{self._label(places[0])} = 0"
        return f_test(self.fit, self.coefficients[places], self.ddf, -self.offset[places], null)

    def explain(self) -> str:
        """The estimates as sentences, one a row."""
        digits, (_, estimate, _, lower, upper) = self._digits, self._presented
        lines = []
        for k in range(len(self)):
            ends = f"{100 * self.level:g} % interval {lower[k]:.{digits}f} to {upper[k]:.{digits}f}"
            test = ""
            if self.tested:
                degrees = "" if np.isinf(self._df[k]) else f"({self._df[k]:.1f})"
                test = f"; {self._letter}{degrees} = {self._ratio[k]:.2f}, p {p_text(self._pvalues[k])}"
            lines.append(f"{self._label(k)}: {estimate[k]:.{digits}f} ({ends}{test}).")
        return "\n".join([*lines, *self._remarks])

    def plot(self, ax=None, **options):
        """The estimates with their intervals; a grid of p-values beside at most six means: see `mlmlib.plots.means`."""
        from .. import plots
        return plots.means(self, ax=ax, **options)

    def __repr__(self):
        return "\n".join([self._title, text_table(*self._shown()), *self._remarks])

    def _repr_html_(self):
        return html_table(*self._shown(), caption=self._title, note=" ".join(self._remarks))

    @property
    def _title(self):
        return f"{self.kind} of {self.fit.spec.endog_name}" if self.value == "mean" else self.kind

    @property
    def _columns(self):
        return f"the columns here are {', '.join(map(repr, self.keys)) or 'none'}"

    @cached_property
    def _method(self):
        return method_of(self.fit, self.ddf)

    @cached_property
    def _estimate(self):
        return self.coefficients @ self._method.params + self.offset

    @cached_property
    def _se(self):
        return np.sqrt(np.maximum(np.diagonal(self.cov), 0.0))

    @cached_property
    def _df(self):
        return np.asarray(self._method.df(self.coefficients), dtype=float)

    @cached_property
    def _ratio(self):
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._estimate / self._se

    @property
    def _letter(self):
        return "z" if np.isinf(self._df).all() else "t"

    @property
    def _groups(self):
        """The families: places of their rows."""
        return list(_group(self.rows, [self.keys.index(column) for column in self.by]).values())

    def _kin(self, places) -> multiplicity.Kin:
        means = round((1 + np.sqrt(1 + 8 * len(self) / len(self._groups))) / 2) if self.pairs else None
        C = self.coefficients[places] / np.maximum(np.abs(self.coefficients).max(axis=0), 1e-300)
        rank = int(np.linalg.matrix_rank(C, tol=1e-8))
        return multiplicity.Kin(self._df[places], self.cov[np.ix_(places, places)], rank, means, self.seed)

    def _each(self, of) -> np.ndarray:
        """A number for each estimate from its family; those without variance (zero by the model) are no part of it."""
        out = np.full(len(self), np.nan)
        for family_places in self._groups:
            places = [k for k in family_places if self._se[k] > 0]
            if places:
                out[places] = of(self._kin(places), places)
        return out

    @cached_property
    def _pvalues(self):
        return self._each(lambda kin, places: kin.pvalues(self._ratio[places], self.adjust))

    @cached_property
    def _interval(self):
        width = np.nan_to_num(self._each(lambda kin, _: kin.critical(self.level, self.adjust)))
        return self._estimate - width * self._se, self._estimate + width * self._se

    @cached_property
    def _presented(self) -> tuple:
        """The name of the estimates' column, estimates, standard errors, and ends of intervals, as they are shown."""
        name = outcome_name(self)
        if name is None:
            return self.value, self._estimate, self._se, *self._interval
        return name, *presented(self.fit.link, self.value, self._estimate, self._se, *self._interval)

    @property
    def _shown_rows(self) -> tuple:
        """The values that name a row; of ratios ``"a / b"``."""
        if outcome_name(self) is None or self.value != "estimate":
            return self.rows
        return tuple(tuple(ratio_label(v) if key.startswith("contrast") else v for key, v in zip(self.keys, row))
                     for row in self.rows)

    def _part(self, place, names):
        return tuple(self.rows[place][self.keys.index(name)] for name in names)

    def _scores(self, places, names):
        values = [self._part(place, names) for place in places]
        return np.array(values, float).ravel() if len(names) == 1 and all(numeric(v[0]) for v in values) else None

    def _label(self, place):
        if not self.keys:
            return "Overall"
        named = zip(self.keys, self._shown_rows[place])
        return ", ".join(str(v) if key.startswith("contrast") else f"{key} {plain(v)}" for key, v in named)

    @property
    def _digits(self):
        se = self._presented[2]
        spread = se[se > 0]
        return int(max(1, 1 - np.floor(np.log10(spread.min())))) if len(spread) else 3

    def _shown(self):
        digits, (name, estimate, se, lower, upper) = self._digits, self._presented
        header = [*self.keys, name, "se", *(() if np.isinf(self._df).all() else ("df",)),
                  *((self._letter, "p") if self.tested else ()), f"{100 * self.level:g} % interval"]  # fmt: skip
        body = []
        for k, row in enumerate(self._shown_rows):
            cells = [plain(v) for v in row] + [f"{estimate[k]:.{digits}f}", f"{se[k]:.{digits}f}"]
            if "df" in header:
                cells.append("" if np.isinf(self._df[k]) else number(round(float(self._df[k]), 1)))
            if self.tested:
                cells += [f"{self._ratio[k]:.2f}", p_text(self._pvalues[k]).removeprefix("= ")]
            body.append([*cells, f"{lower[k]:.{digits}f} to {upper[k]:.{digits}f}"])
        return header, body

    @property
    def _remarks(self):
        """What was averaged, held, adjusted, and by which method: a sentence each."""
        said = list(self.notes)
        if linked(self.fit):
            said += told(self)
        if self.ddf in _METHODS and self.fit.reml is not None:
            said.append(f"{_METHODS[self.ddf]} degrees of freedom.")
        if self._method.note:
            said.append(f"{self._method.note[0].upper()}{self._method.note[1:]}.")
        size = max(len(places) for places in self._groups)
        if self.adjust != "none" and size > 1:
            what = "P-values and intervals" if self.tested else "Intervals"
            each = " within each " + " and ".join(self.by) if self.by else ""
            said.append(f"{what} adjusted for {size} estimates{each} by {_SAID[self.adjust]}"
                        f"{' method' if self.adjust not in ('mvt', 'fdr') else ''}"
                        f"{', the intervals by Bonferroni' if self.adjust in ('holm', 'fdr') else ''}.")  # fmt: skip
        return said


def _product(matrix, values):
    """matrix @ values, with zeros where only rounding is left."""
    out, size = matrix @ values, np.abs(matrix) @ np.abs(values)
    return np.where(np.abs(out) <= 1e-13 * size, 0.0, out)


def _group(rows, places) -> dict:
    """Places of the rows by the values of some columns, in order of appearance."""
    found: dict = {}
    for k, row in enumerate(rows):
        found.setdefault(tuple(row[p] for p in places), []).append(k)
    return found
