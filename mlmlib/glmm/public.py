"""The call that fits a generalized linear mixed model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..design import build_design
from ..errors import DataError, FormulaError
from ..formula import parse
from ..table import Categorical
from .families import family as find_family
from .model import GlmmModel
from .result import GlmmResult

__all__ = ["glmm"]

METHODS = ("laplace", "agq", "pql", "mql")


def glmm(formula: str | list[str], data, *, family="binomial", link=None, method: str = "laplace",
         nodes: int | None = None,
         order: int | None = None, covariance="unstructured", trials=None, exposure=None, offset=None, weights=None,
         zero=None, nominal=None, reml: bool | None = None, dispersion: str | None = None) -> GlmmResult:
    """Fit a generalized linear mixed model.

    Parameters
    ----------
    formula : str or list of str
        In lme4's grammar, ``"use ~ age + urban + (1 | district)"``; several grouping factors as for `mlm.lmm`.  A list of
        formulas, one for each of several outcomes, joins them: see `mlmlib.glmm.joint`.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    family : str or Family
        ``"binomial"`` (``"bernoulli"`` is the same), ``"poisson"``, ``"nbinom2"``, ``"nbinom1"``, ``"geometric"``,
        ``"gamma"``, ``"exponential"``, ``"inverse-gaussian"``, ``"lognormal"``, ``"beta"``, ``"t"``, ``"gaussian"``;
        ``"ordinal"`` (thresholds, links logit, probit, cloglog, loglog, cauchit) and ``"multinomial"``, both with or without
        random terms ...
    link : str or Link, optional
        The family's own when left out: logit for binomial outcomes, log for counts.
    method : {"laplace", "agq", "pql", "mql"}
        Laplace's approximation, adaptive Gauss-Hermite quadrature, penalized or marginal quasi-likelihood.
    nodes : int, optional
        Quadrature points for each random effect of a group (``method="agq"``; 7 when left out): one grouping factor with
        up to three effects, or two nested ones with one effect each.
    order : {1, 2}, optional
        Order of the expansion of quasi-likelihood; 1 when left out.
    covariance : str or dict
        Structure of terms written with a single bar, as for `mlm.lmm`.
    trials : str, array or number, optional
        Number of trials of each row; the outcome counts the successes (binomial).
    exposure : str or array, optional
        Time or population at risk, above 0: its logarithm is added to the linear predictor.
    offset : str or array, optional
        Column or values added to the linear predictor with coefficient 1.
    weights : str or array, optional
        Positive; the log-likelihood of row i counts ``weights[i]`` times (frequency weights).
    zero : str, optional
        Formula of the zero part of zero-inflated and hurdle families, ``"~ z + (1 | g)"``.
    nominal : str, optional
        Predictors by which the thresholds of ordered categories differ, ``"~ z"`` (partial proportional odds).
    reml : bool, optional
        Of quasi-likelihood: fit the working model by REML (SAS GLIMMIX's RSPL), not by maximum likelihood (the default;
        MLwiN's IGLS, R's ``glmmPQL``).
    dispersion : {"fixed", "free"}, optional
        Of quasi-likelihood: the variance is the family's (the default), or a multiple of it that is estimated (R's
        ``glmmPQL``).

    Returns
    -------
    GlmmResult

    Raises
    ------
    FormulaError, DataError, ValueError
        When formula, data or options cannot be used; the message names the column or term and the mend.

    Notes
    -----
    Chapter 16 (``16_binary``) introduces the model and its approximations, Chapter 17 (``17_counts``) counts, Chapter 18
    (``18_categories``) ordered and unordered categories.  Laplace's approximation uses the observed information also
    where the link is not canonical, as glmmTMB does; lme4 then uses the expected one.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> round(fit.criterion, 4)
    184.0526
    """
    if isinstance(formula, (list, tuple)):
        from .joint import joint
        _several(order, zero, nominal, reml, dispersion)
        return joint(formula, data, family=family, link=link, method=method, nodes=nodes, covariance=covariance,
                     trials=trials, exposure=exposure, offset=offset, weights=weights)
    found = find_family(family)
    parsed = parse(formula) if isinstance(formula, str) else formula
    _refuse_cbind(parsed)
    if nominal is not None:
        parsed = _with_nominal(found, parsed, nominal)
    parts = None
    if zero is not None:
        from .zero_model import read_zero, with_zero
        parts = parsed, read_zero(found, zero)
        found, parsed = found.with_predictor(), with_zero(*parts)
    design, reading = read(found, parsed, data, weights=weights, offset=offset, trials=trials, exposure=exposure)
    Model, Result, options = _how(found, method, nodes, order, reml, dispersion)
    if Model is GlmmModel and not design.random:
        from .fixed_only import FixedOnly
        Model = FixedOnly
    options |= {} if nominal is None else {"nominal": nominal}
    options |= {} if parts is None else {"zero": parts}
    model = Model(design, found, link, covariance, reading=reading, trials=trials, exposure=exposure, **options)
    model.weights_option = weights
    # options are read by name by report.general.facts
    model.zero_option = zero if zero is None or "~" in str(zero) else f"~ {zero}"
    return Result(model, *model.fit())


def read(family, formula, data, *, weights=None, offset=None, trials=None, exposure=None) -> tuple:
    """The design, and what read its outcome."""
    reading = family.reader(data) if hasattr(family, "reader") else Outcome(family)
    scalar = trials if trials is not None and not isinstance(trials, str) and np.ndim(trials) == 0 else None
    design = build_design(formula, data, weights=weights, offset=offset, outcome=reading,
                          trials=None if scalar is not None else trials, exposure=exposure)
    if reading.messages:
        design = replace(design, messages=(*design.messages, *reading.messages))
    if scalar is not None:
        design.extra["trials"] = np.full(len(design.y), float(scalar))
    _check_exposure(design.extra["exposure"], exposure)
    return design, reading


def _how(family, method: str, nodes, order, reml, dispersion) -> tuple:
    """The classes of model and result, and the model's options, that a method needs."""
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not known; choose one of {', '.join(map(repr, METHODS))}.")
    if nodes is not None and method != "agq":
        raise ValueError(f"nodes={nodes!r} belongs to method='agq', not to method={method!r}.")
    quasi = {"order": order, "reml": reml, "dispersion": dispersion}
    for name, value in quasi.items():
        if value is not None and method not in ("pql", "mql"):
            raise ValueError(f"{name}={value!r} belongs to method='pql' or 'mql', not to method={method!r}.")
    Model, Result = family.fitter() if hasattr(family, "fitter") else (GlmmModel, GlmmResult)
    if method in ("laplace", "agq"):
        return Model, Result, {"nodes": None if method == "laplace" else 7 if nodes is None else nodes}
    if Model is not GlmmModel:
        raise FormulaError(f"family={family.name!r} has no quasi-likelihood: use method='laplace' or 'agq'.")
    from .pql import QuasiModel
    from .quasi_result import QuasiResult
    given = {name: value for name, value in quasi.items() if value is not None}
    return QuasiModel, QuasiResult, {"penalized": method == "pql", **given}


def _several(order, zero, nominal, reml, dispersion) -> None:
    for name, value in (("order", order), ("zero", zero), ("nominal", nominal), ("reml", reml),
                        ("dispersion", dispersion)):
        if value is not None:
            raise ValueError(f"{name}={value!r} has no place in a model of several outcomes: leave it out.")


def _with_nominal(family, formula, nominal):
    if family.name != "ordinal":
        raise ValueError(f"nominal= is for family='ordinal', not for {family.name!r}: leave it out.")
    from .ordinal_model import with_nominal
    return with_nominal(formula, nominal)


def _check_exposure(values, exposure) -> None:
    if values is None or (values > 0).all():
        return
    name = repr(exposure) if isinstance(exposure, str) else "given as values"
    raise DataError(f"The exposure {name} is not above 0 in {int((~(values > 0)).sum())} rows (first: row "
                    f"{int(np.argmin(values > 0))}): time or population at risk must be positive. Mend or drop these "
                    "rows.")


def _refuse_cbind(formula) -> None:
    response = formula.response
    if response is not None and response.label.replace(" ", "").startswith("cbind("):
        raise FormulaError(f"{response.label} is R's way to write successes and failures; write the successes as the "
                           "outcome and give the number of trials: mlm.glmm('successes ~ ...', data, trials='trials').")


class Outcome:
    """Reads the outcome: numbers as they are, two categories as 0 and 1."""

    def __init__(self, family):
        self.family, self.messages = family, []

    def __call__(self, y, factor) -> np.ndarray:
        if isinstance(y, Categorical):
            return self._two(y.used(), factor)
        if y.ndim != 1:
            raise DataError(f"The outcome {factor.label!r} has {y.shape[1]} columns; a model has one.")
        return y

    def _two(self, y, factor):
        levels = y.levels.tolist()
        if levels in ([False, True], [True], [False]):
            return np.asarray(y.levels, dtype=float)[y.codes]
        if self.family.name not in ("binomial", "bernoulli") or len(levels) != 2:
            shown = ", ".join(map(repr, levels[:3])) + (" ..." if len(levels) > 3 else "")
            mend = ("An outcome of two categories is binomial; one of several is family='ordinal' or 'multinomial'"
                    if self.family.name not in ("binomial", "bernoulli") else
                    "A binomial outcome has two categories; for several use family='ordinal' or 'multinomial'")
            raise DataError(f"The outcome {factor.label!r} holds text or categories ({shown}), and family="
                            f"{self.family.name!r} needs numbers. {mend}, or make it a number first.")
        self.messages.append(f"The outcome {factor.label!r} has the categories {levels[0]!r} and {levels[1]!r}: the "
                             f"model is of the probability of {levels[1]!r}.")
        return y.codes.astype(float)
