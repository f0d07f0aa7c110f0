"""Models side by side, as a journal prints them.

Chapter 5 (``05_level2_predictors``) prints its models so; chapter 10 (``10_model_building``) argues about what belongs in such a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..given import refuse_plain
from . import table_writers as writers
from .general.facts import has_effects, is_marginal
from .marginal.table import note as marginal_note
from .rows import fit_rows, fixed_rows, general_rows, head_rows, random_rows, residual_rows
from .table_notes import columns, comparable, measures, ratios, reading, troubles
from .words import Words

__all__ = ["ModelTable", "table"]


@dataclass(frozen=True, repr=False)
class ModelTable:
    """Models side by side.

    Attributes
    ----------
    caption : str
    models : tuple of str
        The heads of the columns.
    rows : tuple of Row
        Section, label, and a cell for each model with its text and its numbers.
    notes : tuple of str
        What stands below: how the models were fitted, what the parentheses hold, what may not be compared.
    """

    caption: str
    models: tuple
    rows: tuple
    notes: tuple

    def __repr__(self) -> str:
        return writers.text(self)

    def _repr_html_(self) -> str:
        return writers.html(self)

    @property
    def frame(self):
        """The cells as printed (DataFrame; index: section and row)."""
        from .. import frames as pd

        index = pd.MultiIndex.from_tuples([(r.section, r.label) for r in self.rows], names=["section", "row"])
        return pd.DataFrame(
            [[c.text if c else "" for c in r.cells] for r in self.rows], index=index, columns=list(self.models)
        )

    @property
    def numbers(self):
        """Every number at full precision (DataFrame): section, row, key, model, estimate, se, lower, upper, p."""
        from .. import frames as pd

        return pd.DataFrame(
            [
                (r.section, r.label, r.key, model, c.estimate, c.se, c.lower, c.upper, c.p)
                for r in self.rows
                for model, c in zip(self.models, r.cells)
                if c
            ],
            columns=["section", "row", "key", "model", "estimate", "se", "lower", "upper", "p"],
        )

    def to_html(self, path=None) -> str:
        """An HTML table with caption, row and column heads; also written to `path`."""
        return _saved(writers.html(self), path)

    def to_latex(self, path=None) -> str:
        """A LaTeX table for the package booktabs; also written to `path`."""
        return _saved(writers.latex(self), path)

    def to_markdown(self, path=None) -> str:
        """A Markdown table; also written to `path`."""
        return _saved(writers.markdown(self), path)

    def to_csv(self, path=None) -> str:
        """The printed cells as comma-separated values; also written to `path`. `numbers` has them at full precision."""
        return _saved(writers.csv(self), path)

    def to_word(self, path) -> None:
        """A Word file with caption, table and note; needs the package python-docx."""
        from .word import write

        write(self, path)


def _saved(text: str, path) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def table(
    *fits,
    names=None,
    show: str = "se",
    stars: bool = False,
    random: str = "sd",
    criteria: str = "fit",
    level: float = 0.95,
    ddf: str = "wald",
    digits: int | None = None,
    labels=None,
    caption: str | None = None,
    exponentiate: bool = False,
) -> ModelTable:
    """Put models side by side.

    Parameters
    ----------
    *fits : LmmResult, GlmmResult, OlsResult or GeeResult
    names : list of str, optional
        Heads of the columns; "Model 1", "Model 2", ... when left out.
    show : {"se", "ci", "p"}
        What stands beside an estimate: its standard error, its confidence interval, or its p-value (which variances do not have).
    stars : bool
        Mark p < .05, .01 and .001. Off, because an interval says more.
    random : {"sd", "variance"}
        The random part as standard deviations and correlations, or variances and covariances.
    criteria : {"fit", "ml"}
        Log-likelihood, AIC and BIC of the fits as they are, or of REML fits refitted by maximum likelihood, so that models with
        different fixed parts can be compared. As they are, the note says where they may not be.
    level : float
        Of the intervals.
    ddf : {"wald", "satterthwaite", "kenward-roger"}
        Degrees of freedom of the fixed part's tests and intervals, as in ``fit.coef_table``; Kenward-Roger changes its standard
        errors too, and takes the coefficients of ML fits from the REML fit.
    digits : int, optional
        Decimals of the estimates; left out, two, and more in a row whose standard errors would else print as zero.
    labels : dict, optional
        {column: label}, as in {"cses": "SES within school"}; a grouping factor's label names its groups, "row" the rows.
    caption : str, optional
    exponentiate : bool
        Fixed parts of generalized models as odds ratios, rate ratios and the like; those of linear models, and of links whose
        exponentials are no ratios, stay as they are. p-values are those of the coefficients.

    Returns
    -------
    ModelTable
        Prints as text, and as HTML in a notebook; `to_html()`, `to_latex()`, `to_markdown()`, `to_csv()`, `to_word(path)`;
        `frame` (the cells) and `numbers` (at full precision) are DataFrames.

    Notes
    -----
    Chapter 5 (``05_level2_predictors``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> hsb = mlm.load("hsb")
    >>> one = mlm.lmm("mathach ~ 1 + (1 | school)", hsb)
    >>> two = mlm.lmm("mathach ~ mean_ses + (1 | school)", hsb)
    >>> mlm.table(one, two).frame.loc["Fixed part"]
                   Model 1       Model 2
    row
    Intercept  12.64 (0.24)  12.68 (0.15)
    mean_ses                  5.86 (0.36)
    """
    for fit in fits:
        refuse_plain(fit, "mlm.table")
    if digits is not None and (not isinstance(digits, int) or not 0 <= digits <= 15):
        raise ValueError(f"digits={digits!r} must be a whole number from 0 to 15.")
    if not fits:
        raise ValueError("table() needs one fit at least: mlm.table(fit1, fit2).")
    for name, value, choices in (
        ("show", show, ("se", "ci", "p")),
        ("random", random, ("sd", "variance")),
        ("criteria", criteria, ("fit", "ml")),
    ):
        if value not in choices:
            raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, choices))}.")
    names = tuple(names or (f"Model {k + 1}" for k in range(len(fits))))
    if len(names) != len(fits) or len(set(names)) != len(names):
        raise ValueError(f"names= must hold {len(fits)} different names, one a model.")
    words = Words(max(fits, key=lambda fit: len(getattr(fit, "n_groups", None) or ())), labels)
    known = [Words(fit, labels) for fit in fits]
    flagged, warnings = comparable(fits, criteria)
    if exponentiate and not any(hasattr(fit, "family") for fit in fits):
        raise ValueError("exponentiate= is for fits of mlm.glmm; a linear model's coefficients are differences, not "
                         "logarithms.")
    rows = [
        *head_rows(fits),
        *fixed_rows(fits, _Any(known), show, stars, level, digits, ddf, exponentiate),
        *general_rows(fits, show, level, digits),
        *random_rows(fits, _Any(known, words), show, random, level, digits),
        *residual_rows(fits, show, level, digits),
        *fit_rows(fits, _Any(known, words), criteria, flagged),
    ]
    notes = [
        *reading(fits, names, show, stars, random, level, ddf),
        *columns(fits, known),
        *ratios(fits, names, exponentiate),
        *marginal_note(fits, names),
        *measures(fits, labels),
        *warnings,
        *troubles(fits, names),
    ]
    return ModelTable(caption or _caption(fits, known), names, tuple(rows), tuple(notes))


class _Any:
    """The words of several fits: the first that knows a coefficient names it."""

    def __init__(self, words, general=None):
        self.words, self.general = words, general or words[0]

    def short(self, name):
        owner = next((w for w in self.words if name in w.fit._names), self.general)
        return owner.short(name)

    def __getattr__(self, name):
        return getattr(self.general, name)


def _caption(fits, known) -> str:
    outcomes = list(dict.fromkeys(f"{w.outcome}{f' ({w.outcome_unit})' if w.outcome_unit else ''}" for w in known))
    marginal = [fit for fit in fits if is_marginal(fit)]
    if len(marginal) == len(fits):
        return f"Marginal model{'s' if len(fits) > 1 else ''} (GEE) of {' and '.join(outcomes)}"
    fits = [fit for fit in fits if not is_marginal(fit)]
    if any(hasattr(fit, "transformed") for fit in fits):
        rest = [fit for fit in fits if not hasattr(fit, "transformed")]
        what = f"Panel regression{'s' if len(fits) - len(rest) > 1 else ''}"
        if rest:
            other = _caption(rest, known).partition(" of ")[0]
            what += f" and {other[0].lower()}{other[1:]}"
        return f"{what} of {' and '.join(outcomes)}"
    kinds = {has_effects(fit) for fit in fits}
    general = {hasattr(fit, "family") for fit in fits}
    what = (
        "Linear mixed model"
        if kinds == {True}
        else "Linear model"
        if kinds == {False}
        else "Linear and linear mixed model"
    )
    if general == {True}:
        what = "Generalized linear mixed model" if kinds == {True} else "Generalized linear model"
    elif True in general:
        what = "Linear and generalized linear mixed model"
    if marginal:
        what = f"Marginal and {what[0].lower()}{what[1:]}"
    return f"{what}{'s' if len(fits) + len(marginal) > 1 else ''} of {' and '.join(outcomes)}"
