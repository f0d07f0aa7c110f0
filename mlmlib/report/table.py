"""Models side by side, as a journal prints them.

Chapter 5 (``05_two_level_models``) prints its models so; chapter 9 (``09_model_building``) argues about what belongs in such a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import table_writers as writers
from .rows import DAGGER, fit_rows, fixed_rows, random_rows
from .words import Words

__all__ = ["ModelTable", "table"]

_CRITERIA = ("criterion", "llf", "aic", "bic")


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
        import pandas as pd

        index = pd.MultiIndex.from_tuples([(r.section, r.label) for r in self.rows], names=["section", "row"])
        return pd.DataFrame(
            [[c.text if c else "" for c in r.cells] for r in self.rows], index=index, columns=list(self.models)
        )

    @property
    def numbers(self):
        """Every number at full precision (DataFrame): section, row, key, model, estimate, se, lower, upper, p."""
        import pandas as pd

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
    digits: int | None = None,
    labels=None,
    caption: str | None = None,
) -> ModelTable:
    """Put models side by side.

    Parameters
    ----------
    *fits : LmmResult or OlsResult
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
    digits : int, optional
        Decimals of the estimates; left out, two, and more in a row whose standard errors would else print as zero.
    labels : dict, optional
        {column: label}, as in {"cses": "SES within school"}; a grouping factor's label names its groups, "row" the rows.
    caption : str, optional

    Returns
    -------
    ModelTable
        Prints as text, and as HTML in a notebook; `to_html()`, `to_latex()`, `to_markdown()`, `to_csv()`, `to_word(path)`;
        `frame` (the cells) and `numbers` (at full precision) are DataFrames.

    Notes
    -----
    Chapter 5 (``05_two_level_models``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> hsb = mlm.load("hsb")
    >>> one = mlm.lmm("mathach ~ 1 + (1 | school)", hsb)
    >>> two = mlm.lmm("mathach ~ mean_ses + (1 | school)", hsb)
    >>> mlm.table(one, two).frame.loc["Fixed part"]
                   Model 1       Model 2
    row
    Intercept  12.64 (0.24)  12.65 (0.15)
    mean_ses                  5.86 (0.36)
    """
    if not fits:
        raise ValueError("table() needs one fit at least: mlm.table(fit1, fit2).")
    for name, value, known in (
        ("show", show, ("se", "ci", "p")),
        ("random", random, ("sd", "variance")),
        ("criteria", criteria, ("fit", "ml")),
    ):
        if value not in known:
            raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, known))}.")
    names = tuple(names or (f"Model {k + 1}" for k in range(len(fits))))
    if len(names) != len(fits) or len(set(names)) != len(names):
        raise ValueError(f"names= must hold {len(fits)} different names, one a model.")
    words = Words(max(fits, key=lambda fit: len(getattr(fit, "n_groups", None) or ())), labels)
    known = [Words(fit, labels) for fit in fits]
    flagged, warnings = _comparable(fits, criteria)
    rows = [
        *fixed_rows(fits, _Any(known), show, stars, level, digits),
        *random_rows(fits, _Any(known, words), show, random, level, digits),
        *fit_rows(fits, _Any(known, words), criteria, flagged),
    ]
    notes = [
        *_reading(fits, names, show, stars, random, level),
        *_columns(fits, known),
        *_measures(fits),
        *warnings,
        *_troubles(fits, names),
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
    kinds = {bool(getattr(fit, "n_groups", None)) for fit in fits}
    what = (
        "Linear mixed model"
        if kinds == {True}
        else "Linear model"
        if kinds == {False}
        else "Linear and linear mixed model"
    )
    return f"{what}{'s' if len(fits) > 1 else ''} of {' and '.join(outcomes)}"


def _method(fit) -> str:
    return (
        {"ols": "ordinary least squares", "ml": "maximum likelihood (ML)"}[fit.method]
        if fit.reml is None
        else ("restricted maximum likelihood (REML)" if fit.reml else "maximum likelihood (ML)")
    )


def _reading(fits, names, show, stars, random, level):
    methods: dict = {}
    for fit, name in zip(fits, names):
        methods.setdefault(_method(fit), []).append(name)
    if len(methods) == 1:
        yield f"Fitted by {next(iter(methods))} with mlmlib."
    else:
        yield (
            "Fitted with mlmlib, " + "; ".join(f"{', '.join(own)} by {method}" for method, own in methods.items()) + "."
        )
    tests = {"t" if fit._t_df is not None else "z" for fit in fits}
    test = f"Wald {' and '.join(sorted(tests, reverse=True))} tests"
    mixed = any(getattr(fit, "n_groups", None) for fit in fits)
    inside = {
        "se": "Standard errors in parentheses" + " (those of the random part give no test of zero)" * mixed,
        "p": f"p-values of {test} in parentheses",
        "ci": f"{100 * level:g}% Wald intervals in brackets, those of the random part symmetric in the logarithm (correlations: "
        f"in Fisher's z)",
    }[show]
    yield inside + "."
    if stars:
        yield f"{test}: * p < .05, ** p < .01, *** p < .001."
    if any(getattr(fit, "n_groups", None) for fit in fits):
        yield "SD = standard deviation." if random == "sd" else "Random part as variances and covariances."
    if any(
        shape.name in ("independent", "identity") and len(term.names) > 1
        for fit in fits
        if hasattr(fit, "model")
        for term, shape in zip(fit.design.random, fit.model.structures)
    ):
        yield "Correlations not listed are zero by assumption."


def _columns(fits, known):
    """What the columns are, with reference categories, where labels= does not say so."""
    said = {}
    for words in known:
        for name in words.fit._names:
            for piece in words.pieces(name):
                about = "" if piece.column in words.labels else words.label(piece.column)
                if piece.reference is not None:
                    said[piece.column] = ", ".join(
                        filter(None, [about if about != piece.column else "", f"compared with {piece.reference}"])
                    )
                elif about and about != piece.column:
                    said[piece.column] = about
    if said:
        labels = known[0].labels
        yield "; ".join(f"{labels.get(column, column)}: {text}" for column, text in said.items()) + "."


def _measures(fits):
    mixed = [fit for fit in fits if getattr(fit, "n_groups", None)]
    if not mixed:
        return
    text = "ICC = intraclass correlation, given the predictors in the model"
    slopes = list(dict.fromkeys(n for fit in mixed for t in fit.design.random for n in t.names if n != "Intercept"))
    if slopes:
        text += f" (with random slopes: at {' = '.join(slopes)} = 0)"
    yield text + "; marginal and conditional R2 after Nakagawa and Schielzeth (2013) and Johnson (2014)."


def _comparable(fits, criteria):
    """The rows that may not be compared across columns, and why."""
    if len(fits) < 2:
        return (), []
    designs = [fit.design for fit in fits]
    if len({d.endog_name for d in designs}) > 1 or len({fit.nobs for fit in fits}) > 1:
        return _CRITERIA, [f"{DAGGER} Not comparable between models with different outcomes or rows."]
    fixed = {frozenset(fit._names) for fit in fits if fit.reml}
    mixture = len({"REML" if fit.reml else "other" for fit in fits}) > 1
    if criteria == "ml" and fixed:
        notes = ["Log-likelihood, AIC and BIC are those of the same models fitted by maximum likelihood (ML)."]
        if len(fixed) > 1:
            notes.append(f"{DAGGER} Not comparable between models with different fixed parts.")
        return _CRITERIA[: len(fixed) > 1], notes
    reasons = ["REML and other fits"] if mixture else []
    if len(fixed) > 1:
        reasons.append(
            "models with different fixed parts, because each restricted likelihood has its own fixed part taken out"
        )
    if reasons:
        return _CRITERIA, [f"{DAGGER} Not comparable between {' or between '.join(reasons)}."]
    return (), []


def _troubles(fits, names):
    for fit, name in zip(fits, names):
        if not getattr(fit, "converged", True):
            yield f"{name} did not converge; its numbers must not be used."
        if getattr(fit, "is_singular", False):
            yield (
                f"{name} is singular: a variance is estimated as zero or a correlation as plus or minus one; such entries have no "
                f"standard error."
            )
