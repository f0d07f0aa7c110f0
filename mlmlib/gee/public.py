"""The call that solves generalized estimating equations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..design import Design, build_design
from ..errors import DataError, FormulaError
from ..formula import as_groups, parse
from ..glmm.families import family as find_family
from ..glmm.public import Outcome, _check_exposure, _refuse_cbind
from ..lmm.columns import orthonormalize
from ..optional import needs

__all__ = ["COVARIANCES", "gee"]

CORRELATIONS = ("independence", "exchangeable", "ar1", "unstructured", "nested")
COVARIANCES = {"robust": "robust (sandwich)", "model": "model-based", "mancl-derouen": "bias-reduced (Mancl & DeRouen)",
               "kauermann-carroll": "bias-reduced (Kauermann & Carroll)"}
MOMENTS = ("geepack", "statsmodels")


def gee(formula: str, data, *, groups: str, corr: str = "exchangeable", family="gaussian", link=None, time: str | None = None,
        cov: str = "robust", weights=None, offset=None, exposure=None, trials=None, scale: float | None = None,
        dispersion: float | None = None, moments: str = "geepack", max_iter: int = 200):
    """Fit a marginal model by generalized estimating equations (GEE).

    Parameters
    ----------
    formula : str
        ``"resp ~ age * smoke"``; no random terms.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    groups : str
        Column whose values are the groups; ``"school/class"`` (outermost first) with ``corr="nested"``.
    corr : {"exchangeable", "independence", "ar1", "unstructured", "nested"}
        Working correlation of the rows of a group.  ``"ar1"`` and ``"unstructured"`` need `time`; ``"nested"`` has one
        correlation for rows of the same inner group and one for rows that share the outer group alone.  For
        ``family="ordinal"`` and ``"nominal"``: ``"independence"`` or ``"global-odds-ratio"``.
    family : {"gaussian", "binomial", "poisson", "gamma", "inverse-gaussian", "nbinom2", "ordinal", "nominal"}
        ``"nbinom"`` is ``"nbinom2"`` (variance mu + mu^2 / theta), ``"multinomial"`` is ``"nominal"``.
    link : str, optional
        As for `mlm.glmm`; by default identity, logit, or (counts, gamma, inverse Gaussian) log.
    time : str, optional
        Column of numbers: when a row of a group was measured.  Rows may come in any order; a time may come once in a group.
        AR(1) takes distances in this unit.
    cov : {"robust", "model", "mancl-derouen", "kauermann-carroll"}
        Which standard errors ``bse``, tests and intervals use; ``fit.se_table()`` has all of them.
    weights : str or array, optional
        Positive; the working variance of row i is ``phi V(mu_i) / weights[i]``.
    offset : str or array, optional
        Added to the linear predictor.
    exposure : str or array, optional
        Above 0: its logarithm is added to the linear predictor.
    trials : str, array or number, optional
        Number of trials of each row; the outcome counts the successes (binomial).
    scale : float, optional
        Fixed value of phi in the model-based standard errors; estimated when left out, for all families.  Correlations are
        moments with the estimated phi in any case, as in geepack.
    dispersion : float, optional
        theta of ``"nbinom2"``; when left out that of the model of independent rows by maximum likelihood.
    moments : {"geepack", "statsmodels"}
        How phi and the correlations are estimated; see the notes.
    max_iter : int
        Steps at most.

    Returns
    -------
    GeeResult
        For ordinal and nominal outcomes `GeeCategoryResult`.

    Raises
    ------
    FormulaError, DataError, ValueError
        When formula, data or options cannot be used; the message names the column and the mend.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``).  Coefficients solve sum D'V^-1 (y - mu) = 0 (Liang & Zeger, 1986, equation 6) and are
    effects on the population's mean.  Programs differ in phi and the correlations.  With ``moments="geepack"``, the default,
    phi is the mean of the squared Pearson residuals and a correlation the mean of r_j r_k / phi over its pairs, both without
    subtracting p; AR(1) uses all pairs.  With ``moments="statsmodels"`` phi is 1 for binomial outcomes and counts and else has
    the divisor N - p, which correlations have too, and AR(1) takes rows as equally spaced.  Where rows have weights or trials,
    phi of the geepack moments is sum w r^2 / sum w inside the correlation, as in geepack, but sum w r^2 / N in ``fit.scale`` and
    the model-based standard errors, which the working variance phi V / w asks for; geepack's model-based errors differ there.
    The robust ones do not depend on phi.

    References
    ----------
    Liang, K.-Y., & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73, 13-22.
    Mancl, L. A., & DeRouen, T. A. (2001). A covariance estimator for GEE with improved small-sample properties.
    Biometrics, 57, 126-134.
    Halekoh, U., Hojsgaard, S., & Yan, J. (2006). The R package geepack for generalized estimating equations. Journal of
    Statistical Software, 15(2).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> fit.params.round(4).tolist()
    [-1.9005, -0.1412, 0.3138, 0.0708]
    >>> round(float(fit.correlations["estimate"].iloc[0]), 4)
    0.3546
    """
    with needs("mlm.gee"):
        from .families import ALSO, FAMILIES
        from .result import GeeResult
    key = str(family).strip().lower().replace("_", "-")
    name = ALSO.get(key, key)
    if name not in (*FAMILIES, "ordinal", "nominal"):
        raise ValueError(f"family={family!r} has no GEE; choose one of {', '.join((*FAMILIES, 'ordinal', 'nominal'))}.")
    _check_options(corr, cov, moments, name, dispersion)
    if name in ("ordinal", "nominal"):
        from .categories import categories
        return categories(formula, data, name, groups=groups, corr=corr, link=link, time=time, cov=cov, offset=offset,
                          limit=max_iter, refused={"weights": weights, "exposure": exposure, "trials": trials, "scale": scale})
    if scale is not None and not scale > 0:
        raise ValueError(f"scale={scale!r} must be above 0.")
    if not isinstance(max_iter, int) or max_iter < 1:
        raise ValueError(f"max_iter={max_iter!r} must be a whole number, 1 or more.")
    if trials is not None and name != "binomial":
        raise ValueError(f"trials= is for family='binomial', not for {name!r}: leave it out.")
    if moments == "statsmodels" and (weights is not None or trials is not None):
        raise ValueError("moments='statsmodels' takes neither weights nor trials: statsmodels has no symmetric working covariance "
                         "for them. Leave moments= out.")
    reading = Outcome(find_family(name))
    scalar = trials is not None and not isinstance(trials, str) and np.ndim(trials) == 0
    design, levels = read(formula, data, groups, reading, nested=corr == "nested", weights=weights, offset=offset,
                          exposure=exposure, trials=None if scalar else trials, time=time)
    if scalar:
        design.extra["trials"] = np.full(len(design.y), float(trials))
    _check_exposure(design.extra["exposure"], exposure)
    reading.family.check(design.y, design.extra["trials"], f"The outcome {design.endog_name!r}")
    if trials is None and np.ptp(design.y) == 0:
        raise DataError(f"The outcome {design.endog_name!r} is {design.y[0]:g} in every row: there is nothing to explain. Check that "
                        "the right column is named.")
    messages = list(design.messages)
    if name == "nbinom2" and dispersion is None:
        dispersion = _theta(formula, data, design, exposure)
        messages.append(f"theta = {dispersion:.4g} is that of the model of independent rows by maximum likelihood; give "
                        "dispersion= to fix another.")
    from .fit import fit_rows
    return GeeResult(*fit_rows(design, levels, name, corr=corr, link=link, scale=scale, moments=moments, limit=max_iter,
                               theta=dispersion), cov=cov, messages=messages,
                     given={"trials": trials, "exposure": exposure, "weights": weights, "time": time})


def read(formula, data, groups, reading, *, nested=False, **columns) -> tuple[Design, tuple]:
    """The design of the fixed part, and ``(name, codes, labels)`` of each level of groups, outermost first."""
    parsed = parse(formula) if isinstance(formula, str) else formula
    _refuse_cbind(parsed)
    if parsed.random:
        raise FormulaError(f"The formula has the random term {parsed.random[0].text}; GEE has none. Name the groups by groups=, "
                           "or fit the term with mlm.glmm.")
    if not parsed.fixed:
        raise FormulaError(f"The formula {parsed.text!r} has nothing on its right side; write '1' for an intercept.")
    if not isinstance(groups, str) or not groups.strip():
        raise ValueError(f"groups={groups!r} must be the name of a column, such as groups='school'.")
    terms = parse(f"y ~ 1 + (1 | {as_groups(groups)})").random
    if nested != (len(terms) > 1):
        raise ValueError("corr='nested' needs groups='outer/inner', such as 'school/class'." if nested else
                         f"groups={groups!r} names nested groups, which belong to corr='nested'.")
    if "weights" in columns and isinstance(columns["weights"], (int, float)):
        raise ValueError("weights= is a column's name or one value for each row.")
    design = build_design(replace(parsed, random=terms), data, outcome=reading, **columns)
    levels = [(term.group, term.codes, term.levels) for term in design.random]
    levels.sort(key=lambda level: len(level[2]))
    design = replace(design, formula=parsed, random=(), messages=(*design.messages, *getattr(reading, "messages", ())))
    name, _, labels = levels[0]
    if len(labels) < 2:
        raise DataError(f"The rows are all of one group ({name} = {labels[0]}): GEE learns how estimates vary from groups that "
                        "are independent of each other, and needs many.")
    n, p = design.X.shape
    if n <= p:
        raise DataError(f"{n} rows cannot carry {p} coefficients; drop predictors or collect more data.")
    orthonormalize(design.X.T.copy(), design.exog_names, "predictors")
    return design, tuple(levels)


def _check_options(corr, cov, moments, family, dispersion) -> None:
    known = ("independence", "global-odds-ratio") if family in ("ordinal", "nominal") else CORRELATIONS
    if corr not in known and not (family in ("ordinal", "nominal") and corr == "exchangeable"):
        raise ValueError(f"corr={corr!r} is not known for family={family!r}; choose one of {', '.join(map(repr, known))}.")
    if cov not in COVARIANCES:
        raise ValueError(f"cov={cov!r} is not known; choose one of {', '.join(map(repr, COVARIANCES))}.")
    if moments not in MOMENTS:
        raise ValueError(f"moments={moments!r} must be 'geepack' or 'statsmodels'.")
    if dispersion is not None and family != "nbinom2":
        raise ValueError(f"dispersion= is theta of family='nbinom2'; {family!r} has none. Use scale= to fix phi.")
    if dispersion is not None and not dispersion > 0:
        raise ValueError(f"dispersion={dispersion!r} must be above 0.")


def _theta(formula, data, design, exposure) -> float:
    """Maximum likelihood of theta, all rows independent, on the rows used."""
    from ..glmm import glmm
    own = {f"x{k}": column for k, column in enumerate(design.X.T)}
    shift = 0.0 if design.offset is None else design.offset
    if exposure is not None:
        shift = shift + np.log(design.extra["exposure"])
    fit = glmm("y ~ 0 + " + " + ".join(own), {"y": design.y, **own}, family="nbinom2",
               offset=np.broadcast_to(shift, design.y.shape).astype(float), weights=design.weights)
    return float(fit.dispersion.iloc[0])
