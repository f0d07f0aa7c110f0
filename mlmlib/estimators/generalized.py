"""The estimators of generalized linear models with groups.

Chapter 20 (``20_gee_and_robust``) compares them.
"""

from __future__ import annotations

import numpy as np

from ..formula import as_groups
from ..errors import DataError
from .public import count, covariance, run, within
from .result import About, Estimators

__all__ = ["generalized"]

_MOST = 400  # groups for which a dummy each is fitted
_NODES = 25  # of the quadrature
_ABOUT = (
    About("GLM", "mix of within and between", "marginal", "rows independent"),
    About("GLM + CR2", "mix of within and between", "marginal", "groups independent; any correlation within them"),
    About("FE (dummies)", "within", "conditional", "nothing of the groups' effects; groups large (else biased)"),
    About("GLMM", "mix, weighted by information", "conditional", "groups' effects normal, unrelated to predictors"),
    About("hybrid GLMM", "within; _between: between less within", "conditional",
          "groups' effects normal, related to predictors by the groups' means alone"),
    About("GEE", "mix, weighted by working correlation", "marginal", "groups independent; any correlation within them"),
)


def generalized(formula, data, groups, family, link, slope, trials, exposure, level) -> Estimators:
    """Fit each; see `mlm.estimators`."""
    from ..gee import gee
    from ..gee.families import ALSO, FAMILIES
    from ..gee.public import read
    from ..glmm import glmm
    from ..glmm.families import family as find_family
    from ..glmm.public import Outcome
    from ..robust import robust
    name = ALSO.get(family, family)
    if name not in FAMILIES:
        raise ValueError(f"family={family!r} has no table of estimators; choose one of {', '.join(FAMILIES)}.")
    if slope is not None:
        raise ValueError("slope= is for family='gaussian': leave it out.")
    columns = {"trials": trials, "exposure": exposure}
    design, levels = read(formula, data, groups, Outcome(find_family(name)), **columns)
    codes, varying = levels[0][1], within(design.X, levels[0][1])
    options = {"family": name, "link": link, **columns}
    glm = glmm(formula, data, **options)
    own = {"family": name, "link": link, **{key: design.extra[key] for key in columns}, "offset": design.offset}
    names = {f"x{k}": column for k, column in enumerate(design.exog_names)}
    means = {f"m{k}": f"{column}_between" for k, column in enumerate(design.exog_names) if varying[k]}
    renamed: dict[str, dict] = {"hybrid GLMM": {**names, **means}}
    calls = {
        "GLM": lambda: glm,
        "GLM + CR2": lambda: robust(glm, groups),
        "FE (dummies)": lambda: _dummies(gee, design, codes, varying, own, groups),
        "GLMM": lambda: glmm(f"{formula} + (1 | {as_groups(groups)})", data, method="agq", nodes=_NODES, **options),
        "hybrid GLMM": lambda: _hybrid(glmm, design, codes, varying, own),
        "GEE": lambda: gee(formula, data, groups=groups, cov=covariance(data, groups), **options),
    }
    fits, notes = run(calls, set(glm.messages))
    if "FE (dummies)" in fits:
        notes += _warning(name, fits["FE (dummies)"].design, codes, groups)
        renamed["FE (dummies)"] = {one: names.get(one) for one in fits["FE (dummies)"].params.index}
    if "hybrid GLMM" in fits:
        absent = [shown for own_name, shown in means.items() if own_name not in fits["hybrid GLMM"].params.index]
        if absent:
            notes.append(f"hybrid GLMM: {', '.join(absent)} left out: the mean is the same in every group, or follows from others.")
    notes += _link(fits["GLM"].link.name)
    abouts = tuple(about for about in _ABOUT if about.name in fits)
    return Estimators(formula, f"{groups}, {count(data, groups):,}", f"{name}, {glm.link.name} link", fits, abouts, renamed,
                      (*glm.messages, *notes), level)


def _take(options, rows) -> dict:
    return {key: value[rows] if isinstance(value, np.ndarray) else value for key, value in options.items()}


def _dummies(gee, design, codes, varying, options, groups):
    """A GLM with a dummy for each group whose outcomes tell of slopes: all successes or none, and only zeros, have no finite effect.

    By scoring, which is GEE under independence with model-based errors.
    """
    top = options["trials"] if options["trials"] is not None else np.ones(len(codes))
    total = np.bincount(codes, design.y)
    use = total > 0
    if options["family"] == "binomial":
        use &= total < np.bincount(codes, top)
    if options["family"] in ("gaussian", "gamma", "inverse-gaussian"):
        use[:] = True
    rows = use[codes]
    if not varying.any():
        raise DataError(f"No predictor varies within groups of {groups!r}.")
    if use.sum() > _MOST:
        raise DataError(f"{use.sum():,} groups would have a dummy each; the table does so for up to {_MOST}. Conditional likelihood "
                        "or the hybrid model is for that.")
    if use.sum() < 2:
        raise DataError("Fewer than two groups have outcomes that differ.")
    columns = {f"x{k}": design.X[rows, k] for k in np.flatnonzero(varying)}
    labels = np.array([f"group {k:06d}" for k in range(len(total))], dtype=object)[codes[rows]]
    return gee("y ~ 0 + " + " + ".join(columns) + " + g", {"y": design.y[rows], **columns, "g": labels}, groups="g",
               corr="independence", cov="model", scale=1.0 if options["family"] in ("binomial", "poisson", "nbinom2") else None,
               **_take(options, rows))


def _hybrid(glmm, design, codes, varying, options):
    """A random intercept, with the group means of what varies within groups beside it."""
    columns = {f"x{k}": x for k, x in enumerate(design.X.T)}
    for k in np.flatnonzero(varying):
        mean = (np.bincount(codes, design.X[:, k]) / np.bincount(codes))[codes]
        known = np.stack(list(columns.values()), axis=1)
        rest = mean - known @ np.linalg.lstsq(known, mean, rcond=None)[0]
        if np.abs(rest).max() > 1e-9 * np.abs(design.X[:, k]).max():  # the same mean in all groups tells nothing
            columns[f"m{k}"] = mean
    if not any(name.startswith("m") for name in columns):
        raise DataError("The predictors that vary within groups have the same mean in every group, or one that other predictors "
                        "determine: there is no between part, and the GLMM estimates the within slopes.")
    return glmm("y ~ 0 + " + " + ".join(columns) + " + (1 | g)", {"y": design.y, **columns, "g": codes}, method="agq",
                nodes=_NODES, **options)


def _warning(family, used, codes, groups):
    n, J = len(used.y), len(np.unique(codes))
    if n < len(codes):
        yield (f"FE (dummies): {len(codes) - n:,} rows of groups of {groups!r} whose outcomes are all the same tell nothing of the "
               "slopes, and were left out.")
    if family != "poisson":
        yield (f"FE (dummies): with {len(codes) / J:.1f} rows in a group on average each dummy is badly known, and the slopes are "
               "biased for it (incidental parameters; Neyman & Scott, 1948): twice the size with two rows of binary outcomes.")


def _link(link):
    if link not in ("identity", "log"):
        yield ("Conditional coefficients compare rows of one group, marginal ones the whole population: with this link the former are "
               "larger, though neither is wrong.")
