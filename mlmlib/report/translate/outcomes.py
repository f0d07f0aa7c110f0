"""Several outcomes in other programs: the table is stacked first, and the model is one of correlated residuals.

Chapter 15 (``15_multivariate``) stacks a table by hand.  The writers are those of one outcome; here the model is
brought to their form, with outcomes as a category (R, SAS) or as columns of 0 and 1 (Stata, SPSS, and wherever outcomes
share terms).

References
----------
Goldstein, H. (2011). Multilevel Statistical Models (4th ed.). Wiley, chapter 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from ...formula import Factor
from ...outcomes.encoder import ALL
from ...outcomes.stack import _free, _read
from ...rows.public import by_group, un
from ...table import Table
from . import model as one
from . import nlme, r, sas, spss, stata
from .model import Model, Random, Untranslatable, expression
from .reshape import RESHAPE
from .residuals import Residuals

__all__ = ["Several", "of_fit", "write"]


@dataclass(frozen=True)
class Several(Model):
    """A model of several outcomes; of `fixed` the first `count` terms are the outcomes, so that all are renamed alike.

    Attributes
    ----------
    cells : tuple
        Of each coefficient the number of its term among the predictors', what stands in the brackets of each factor's
        name ("" for a number), and the number of its outcome (`ALL` for one coefficient in all).
    random_cells : tuple
        Of each random term the same without the outcome.
    mark, unit, value : str
        New columns: which outcome, which unit, and the outcomes' values.
    """

    count: int = 0
    cells: tuple = ()
    random_cells: tuple = ()
    mark: str = "outcome"
    unit: str = "unit"
    value: str = "value"
    spread: float = 1.0  # the largest residual standard deviation over the smallest

    @property
    def outcomes(self) -> tuple[Factor, ...]:
        return tuple(term[0] for term in self.fixed[: self.count])

    @property
    def alike(self) -> bool:
        """Whether each outcome has every coefficient, none shared."""
        own = {code: {cell[:2] for cell in self.cells if cell[2] == code} for code in range(self.count)}
        return all(cell[2] != ALL for cell in self.cells) and len(set(map(frozenset, own.values()))) == 1


class _Crossed(Random):
    """A random term crossed with the outcomes: never of one column."""

    single = False


def of_fit(fit, data: str = "df") -> Several:
    """The model behind a result of ``mlm.multivariate``."""
    design = fit.design
    base = one._of_design(replace(design.wide, formula=design.formula), data)
    factors, right = _read(design.formula.text)
    formula = replace(design.formula, response=None, fixed=(*((f,) for f in factors), *right.fixed))
    encoder, wide = design.encoder, design.encoder.wide
    places = _cells(wide, right.fixed)
    random = tuple(replace(term, structure=s.name) for term, s in zip(base.random, fit.model.structures))
    names = {*Table(design.wide.data).names}
    left_out = base.left_out
    return Several(
        **{
            f: getattr(base, f)
            for f in Model.__dataclass_fields__
            if f not in ("formula", "random", "method", "residuals", "left_out")
        },
        formula=formula,
        random=random,
        method="REML" if fit.reml else "ML",
        left_out=left_out,
        residuals=Residuals(un("outcome", group="unit")),
        count=len(factors),
        cells=tuple((*places[column], code) for column, code in encoder.cells),
        random_cells=tuple(tuple(_cells(term.encoder.wide, own.effects)) for term, own in zip(design.random, random)),
        mark=encoder.outcome.label,
        unit=_free(names, "unit")[0],
        value=_free(names, "value")[0],
        spread=float(np.exp(0.5 * np.ptp(np.log(np.diagonal(fit.residual_cov()))))),
    )


def _cells(encoder, terms) -> list[tuple]:
    """Of each column the number of its term, and what stands in brackets, factor by factor."""
    out, sets = [], [frozenset(term) for term in terms]
    for term, coding in encoder.blocks:
        place = sets.index(frozenset(term))
        order = [term.index(factor) for factor in terms[place]]
        for name in encoder._names(term, coding):
            pieces = re.split(r":(?![^\[]*\])", name) if term else []
            words = [re.search(r"\[(?:T\.)?(.*)\]$", piece) for piece in pieces]
            out.append((place, tuple(words[k][1] if words[k] else "" for k in order)))
    return out


# ------------------------------------------------------------- the two forms
def _long(model: Several) -> str:
    return "long" if model.data != "long" else "stacked"


def _residuals(model: Several, group: str) -> Residuals:
    return Residuals(
        un(model.mark, group=group),
        (by_group(model.mark),),
        group=group,
        first=1.0,
        steps=model.count - 1,
        occasions=model.count,
    )


def _plain(model: Several, formula, random, group: str | None = None, **options) -> Model:
    """A model of one outcome, the stacked one."""
    known = {f: getattr(model, f) for f in Model.__dataclass_fields__}
    formula = replace(formula, response=Factor(model.value, (model.value,)))
    return Model(
        **{
            **known,
            "formula": formula,
            "random": tuple(random),
            "data": _long(model),
            "left_out": (),
            "residuals": _residuals(model, group or model.unit),
            **options,
        }
    )


def by_category(model: Several, group: str | None = None) -> Model:
    """``value ~ 0 + outcome + outcome:x``, the outcome being a category."""
    mark = Factor(model.mark, (model.mark,))
    fixed = tuple((mark, *term) for term in model.fixed[model.count :])
    random = [_Crossed(tuple((mark, *e) for e in own.effects), own.group, own.structure) for own in model.random]
    return _plain(model, replace(model.formula, fixed=fixed), random, group)


def by_columns(model: Several, names) -> tuple[Model, dict[str, str], dict[str, tuple[str, object]]]:
    """``value ~ 0 + d_course + d_course:x``: the model, the outcomes' columns, and {new column: (category, level)}."""
    marks = {re.sub(r"\W+", "_", f"d_{name}"): name for name in names}
    code_of, made = list(marks), {}

    def term(whole, words):
        out = []
        for factor, word in zip(whole, words):
            category = model.category(factor)
            if not word:
                out.append(factor)
            elif category:
                level = next(v for v in model.categories[category] if str(v) == word)
                new = re.sub(r"\W+", "_", f"{category}_{word}")
                made[new] = category, level
                out.append(Factor(new, (new,)))
            else:
                raise Untranslatable(one.what_to_do(factor))
        return tuple(out)

    def column(code):
        return () if code == ALL else (Factor(code_of[code], (code_of[code],)),)

    predictors = model.fixed[model.count :]
    fixed = tuple((*column(code), *term(predictors[place], words)) for place, words, code in model.cells)
    random = []
    for own, cells in zip(model.random, model.random_cells):
        effects = tuple(
            (*column(code), *term(own.effects[place], words)) for code in range(model.count) for place, words in cells
        )
        random.append(Random(effects, own.group, own.structure))
    return _plain(model, replace(model.formula, fixed=fixed), random, categories={}), marks, made


# ------------------------------------------------------------- targets
def write(key: str, model: Several) -> tuple[str, str]:
    """Code and note for one of the targets that have such models; the others raise `Untranslatable`."""
    if key in CANNOT:
        raise Untranslatable(CANNOT[key])
    if key == "lme4" and model.random and model.spread > 10:
        raise Untranslatable(
            "lmer has one residual variance, and the detour by random effects of the unit is not searched well where "
            f"residual standard deviations are {model.spread:.0f} times apart; bring the outcomes to like scales first"
        )
    names = _names(model, key)
    category = key in ("nlme", "lme4", "sas") and model.alike
    group = _within(model) if key == "sas" else None
    stacked, marks, made = (by_category(model, group), {}, {}) if category else by_columns(model, names)
    if key == "sas":
        categories = {model.mark: tuple(names), **stacked.categories} if category else {}
        stacked = replace(stacked, categories=categories, residuals=_residuals(model, group))
    products = {}
    if key == "stata":
        stacked, products = _with_products(stacked)
    code, note = {"nlme": nlme.write, "lme4": _lme4, "stata": stata.write, "sas": sas.write, "spss": spss.write}[key](
        stacked
    )
    before = RESHAPE["r" if key in ("nlme", "lme4") else key](model, names, _long(model), marks, made)
    before += [f"generate {new} = {text}" for new, text in products.items()]
    if code.startswith("library"):  # stays on top
        first, _, code = code.partition("\n")
        before = [first, *before]
    note = f"Rows are stacked first, one for each outcome that a unit has. {note}"
    if key in ("stata", "spss"):
        note += f" Of {model.mark} " + ", ".join(f"{k} is {name}" for k, name in enumerate(names, 1)) + "."
    if key == "nlme" or not model.random and key == "lme4":
        note += (
            " It prints the first outcome's residual standard deviation, the others' as ratios "
            "to it, and the correlations."
        )
    return "\n".join([*before, code]), note.replace("  ", " ")


def _with_products(model: Model) -> tuple[Model, dict[str, str]]:
    """Random slopes that are products as columns of their own, for Stata; and how these are computed."""
    made = {}

    def single(effect):
        if len(effect) < 2 or not all(f.is_column for f in effect):
            return effect
        new = "_".join(f.label for f in effect)
        made[new] = " * ".join(f.label for f in effect)
        return (Factor(new, (new,)),)

    return replace(
        model, random=tuple(replace(own, effects=tuple(map(single, own.effects))) for own in model.random)
    ), made


def _names(model: Several, key: str) -> dict[str, str | None]:
    """{column of an outcome: how it is computed}, None for one that is there."""
    signs = {"stata": ("^", "log"), "sas": ("**", "log"), "spss": ("**", "LN")}.get(key, ("^", "log"))
    return {
        f.label if f.is_column else re.sub(r"\W+", "_", f.label).strip("_"): None
        if f.is_column
        else expression(f, *signs)
        for f in model.outcomes
    }


def _within(model: Several) -> str:
    """The unit inside the innermost group, where groups are nested: PROC MIXED then goes group by group."""
    groups = {own.group for own in model.random}
    inner = [g for g in groups if all(g == other or (g, other) in model.inside for other in groups)]
    if not inner:
        return model.unit
    outer = [p for g in sorted(groups, key=lambda g: sum((g, o) in model.inside for o in groups)) for p in g.split(":")]
    return ":".join([*dict.fromkeys(outer), model.unit])


def _lme4(model: Model) -> tuple[str, str]:
    """lmer by a detour: the unit's covariance matrix as that of random effects, less lmer's own residual variance."""
    if not model.random:
        return r.lme4(model)
    if model.ddf != "wald":
        raise Untranslatable(
            "by lmer's detour a variance is not identified, and lmerTest needs all; SAS and Stata have these "
            "degrees of freedom"
        )
    if any(own.structure != "unstructured" for own in model.random):
        raise Untranslatable("lmer takes the outcomes' effects with a free covariance matrix only; nlme has the others")
    mark, unit = model.residuals.time, model.residuals.group
    own = Random(((Factor(mark, (mark,)),),), unit, "unstructured")
    detour = replace(model, residuals=Residuals(), random=(*model.random, own))
    code, _ = r.lme4(detour)
    code = re.sub(
        r"(REML = (?:TRUE|FALSE))\)",
        r"\1,"
        '\n            control = lmerControl(optimizer = "bobyqa", check.nobs.vs.nRE = "ignore",\n'
        r'                                  check.nobs.vs.nlev = "ignore"))',
        code,
    )
    code = code.replace(
        "summary(fit)",
        f"summary(fit)\nVarCorr(fit)${r.named(unit)}[,] + sigma(fit)^2 * diag({model.residuals.occasions})",
    )
    return code, (
        "A detour, because lmer always has one residual variance: the outcomes' covariance matrix "
        f"is that of ({unit}) plus the "
        "residual variance on its diagonal, as the last line prints it. Only that sum is identified, "
        "so lmer may warn, and the parts "
        "mean nothing. The criterion is ours as long as the residual variance stays below the matrix's "
        "smallest eigenvalue; compare logLik(fit)."
    )


CANNOT = {
    "hlm": "HLM2 and HLM3 take independent residuals. The modules HMLM (no groups above the unit) and "
    "HMLM2 (one grouping factor) fit "
    "several outcomes, by full maximum likelihood only: stack the rows, make a 0/1 column for "
    "each outcome, and choose the "
    "unrestricted model. MLwiN fits it as a model of three levels with no variance at the lowest",
    "julia": "MixedModels.jl takes residuals that are independent and equally variable; a unit's "
    "outcomes have a covariance matrix",
    "statsmodels": "MixedLM takes residuals that are independent and equally variable; a unit's "
    "outcomes have a covariance matrix",
}
