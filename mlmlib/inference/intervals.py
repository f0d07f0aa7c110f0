"""Confidence intervals by every method, under one set of row names: what ``fit.conf_int`` does.

Chapter 8 (``08_inference``) compares the methods.
"""

from __future__ import annotations

import numpy as np

from ..results import check_level
from .derived import delta, fieller, quantities, with_combination
from .generalized_parameters import parameters_of
from .parameters import icc_name

__all__ = ["METHODS", "conf_int"]


def conf_int(fit, level: float = 0.95, method: str = "wald", which: str = "fixed", of=None, **options):
    """Confidence intervals of parameters or of quantities derived from them.

    Parameters
    ----------
    fit : LmmResult, GlmmResult or OlsResult
    level : float
    method : str
        - ``"wald"``: estimate plus and minus a quantile times the standard error; for standard deviations symmetric in
          the log, for correlations in atanh; derived quantities by the delta method.
        - ``"satterthwaite"``, ``"kenward-roger"``: with t and the degrees of freedom of each coefficient.
        - ``"profile"``: all values that a likelihood-ratio test does not reject (by maximum likelihood).
        - ``"bootstrap"``: from replicates; options ``n``, ``seed``, ``kind``, ``type``, ``n_jobs``, ``progress``, or
          ``boot=`` a `Bootstrap` of the fit that is there already.
        - ``"fieller"``: for a ratio of linear combinations of coefficients.
    which : {"fixed", "all"}
        Coefficients, or standard deviations, correlations and sigma too.
    of : str, callable, or a list or dict of these, optional
        Derived quantities in place of parameters: ``"icc"``, ``"r2_marginal"``, ``"r2_conditional"``, an expression such as
        ``"cses + 0.5 * cses:mean_ses"`` or ``"-a / b"``, a function of a fit that returns a number.  The keys of a
        dict name the rows.  See `mlmlib.inference.derived`, whose `slope` and `crossing` write such text.

    Returns
    -------
    DataFrame
        Columns ``lower`` and ``upper`` (for derived quantities after ``estimate``).  What should be known besides is in
        ``.attrs["note"]``.

    Raises
    ------
    ValueError
        For a method that the parameters or quantities do not have; the message names those that they have.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> fit.conf_int(method="satterthwaite").round(2)
                lower   upper
    Intercept  237.01  265.80
    Days         7.21   13.73
    >>> fit.conf_int(which="all").index[2:].tolist()
    ['sd(Subject: Intercept)', 'sd(Subject: Days)', 'corr(Subject: Intercept, Days)', 'sigma']
    >>> fit.conf_int(of={"after a week": "Intercept + 7 * Days"}).round(1)
                  estimate  lower  upper
    after a week     324.7  301.2  348.1
    """
    from .. import frames as pd
    if method not in METHODS:
        raise ValueError(f"conf_int(method={method!r}) is not known; choose one of {', '.join(map(repr, METHODS))}.")
    if which not in ("fixed", "all"):
        raise ValueError(f"which={which!r} must be 'fixed' or 'all'.")
    if options and method != "bootstrap":
        raise TypeError(f"conf_int(method={method!r}) has no option {next(iter(options))!r}.")
    check_level(level)
    if of is None:
        names = list(parameters_of(fit).names if which == "all" else fit._names)
        ends, notes = _OF_PARAMETERS[method](fit, names, level, **options)
        table = pd.DataFrame({"lower": ends[:, 0], "upper": ends[:, 1]}, index=names)
    else:
        found = quantities(fit, of)
        parameters = parameters_of(fit)
        estimates = [q.at(parameters, parameters.values()) for q in found]
        ends, notes = _OF_QUANTITIES[method](fit, found, level, **options)
        table = pd.DataFrame({"estimate": estimates, "lower": ends[:, 0], "upper": ends[:, 1]},
                             index=[q.name for q in found])
    notes = [note for note in notes if note]
    if notes:
        table.attrs["note"] = " ".join(dict.fromkeys(notes))
    return table


_BY_ML = "The likelihood is profiled, so the fit by REML was fitted again by maximum likelihood."


# of parameters: (fit, names, level) -> ends, notes

def _wald(fit, names, level):
    half = fit._quantile(level) * fit._se
    ends = np.column_stack([fit._params - half, fit._params + half])
    if len(names) == len(ends):
        return ends, []
    _, others, notes = delta(fit, quantities(fit, [f"`{name}`" for name in names[len(ends):]]), level)
    return np.concatenate([ends, others]), notes


def _small_sample(ddf):
    def ends(fit, names, level):
        if len(names) > len(fit._names):
            others = "'profile', 'bootstrap' or" if fit.design.random else "'bootstrap' or"
            raise ValueError(f"method={ddf!r} has intervals of the coefficients only; for standard deviations and "
                             f"correlations use {others} 'wald'.")
        return _combinations(fit, np.eye(len(names)), level, ddf)
    return ends


def _combinations(fit, C, level, ddf):
    """Intervals of linear combinations of coefficients, with t."""
    from scipy.special import stdtrit

    from .small_sample import linear, method_of
    estimate, se, df = linear(fit, C, ddf)
    known = np.isfinite(df)
    half = np.where(known, stdtrit(np.where(known, df, 1.0), 0.5 + level / 2.0), fit._quantile(level)) * se
    return np.column_stack([estimate - half, estimate + half]), [method_of(fit, ddf).note]


def _profile(fit, names, level):
    _need_mixed(fit, "profile")
    from .profile import profile_intervals
    return np.asarray(profile_intervals(fit, names, level), dtype=float).reshape(-1, 2), [_BY_ML if fit.reml else ""]


def _bootstrap(fit, names, level, boot=None, type="percentile", **options):
    boot = _replicates(fit, boot, options)
    if set(names) - set(boot.names):
        raise ValueError("boot= is a bootstrap of a statistic, not of the parameters; leave it out, or use "
                         "boot.conf_int().")
    return boot.conf_int(level, type).loc[names].to_numpy(), [boot._note()]


def _fieller_needs(fit, names, level):
    raise ValueError("method='fieller' is for a ratio: give one by of=, such as of='-a / b'.")


_OF_PARAMETERS = {"wald": _wald, "satterthwaite": _small_sample("satterthwaite"),
                  "kenward-roger": _small_sample("kenward-roger"), "profile": _profile, "bootstrap": _bootstrap,
                  "fieller": _fieller_needs}
METHODS = tuple(_OF_PARAMETERS)


# of derived quantities: (fit, quantities, level) -> ends, notes

def _delta(fit, found, level):
    _, ends, notes = delta(fit, found, level)
    return ends, notes


def _fieller(fit, found, level):
    *ends, notes = zip(*(fieller(fit, q, level) for q in found))
    return np.column_stack(ends), notes


def _linear_in_coefficients(fit, q):
    """Weights and constant of a linear combination of coefficients, or None."""
    linear = q.expression.linear if q.expression is not None else None
    p = len(fit._names)
    return None if linear is None or linear[0][p:].any() or not linear[0].any() else (linear[0][:p], linear[1])


def _small_sample_of(ddf):
    def ends(fit, found, level):
        linear = [_linear_in_coefficients(fit, q) for q in found]
        for q, own in zip(found, linear):
            if own is None:
                raise ValueError(f"method={ddf!r} is for linear combinations of coefficients; {q.name!r} is none. Use "
                                 "'wald', 'bootstrap' or for a ratio 'fieller'.")
        ends, notes = _combinations(fit, np.array([weights for weights, _ in linear]), level, ddf)
        return ends + np.array([[constant] for _, constant in linear]), notes
    return ends


def _profile_of(fit, found, level):
    _need_mixed(fit, "profile")
    from .generalized_profile import profile_of_combination
    from .profile import profile_intervals
    names, ends = parameters_of(fit).names, []
    for q in found:
        own = _linear_in_coefficients(fit, q)
        if q.what == "icc":
            ends.append(profile_intervals(fit, [icc_name(fit._names)], level)[0])
        elif q.expression is not None and q.expression.single is not None:
            ends.append(profile_intervals(fit, [names[q.expression.single]], level)[0])
        elif own is not None and hasattr(fit, "density"):
            ends.append(np.array(profile_of_combination(fit, own[0], q.name, level)) + own[1])
        elif own is not None:
            ends.append(profile_intervals(with_combination(fit, own[0], q.name), [q.name], level)[0] + own[1])
        else:
            raise ValueError("method='profile' is for single parameters, linear combinations of coefficients and the "
                             f"ICC; {q.name!r} is none of them. Use 'wald', 'bootstrap' or for a ratio 'fieller'.")
    return np.array(ends, dtype=float).reshape(-1, 2), [_BY_ML if fit.reml else ""]


def _bootstrap_of(fit, found, level, boot=None, type="percentile", **options):
    if all(q.of_values is not None for q in found):
        boot = _replicates(fit, boot, options).derive(found)
    elif boot is not None:
        raise ValueError("boot= holds parameters only; functions of a fit need replicates of their own, so leave it "
                         "out.")
    else:
        boot = fit.bootstrap(statistic=_Together(found), **options)
    return boot.conf_int(level, type).to_numpy(), [boot._note()]


class _Together:
    """All quantities of a fit, as a statistic."""

    def __init__(self, found):
        self.found = found

    def __call__(self, fit):
        parameters = parameters_of(fit)
        values = parameters.values()
        return {q.name: float(q.of_fit(fit)) if q.of_values is None else q.at(parameters, values) for q in self.found}


_OF_QUANTITIES = {"wald": _delta, "satterthwaite": _small_sample_of("satterthwaite"), "profile": _profile_of,
                  "kenward-roger": _small_sample_of("kenward-roger"), "bootstrap": _bootstrap_of, "fieller": _fieller}


def _replicates(fit, boot, options):
    """The bootstrap that was given, or a new one."""
    if boot is None:
        return fit.bootstrap(**options)
    if options:
        raise TypeError(f"With boot= there is no option {next(iter(options))!r}: the replicates are there already.")
    if boot._fit is not fit and not np.array_equal(boot._fit._params, fit._params):
        raise ValueError("boot= is a bootstrap of another fit.")
    return boot


def _need_mixed(fit, method: str) -> None:
    if not fit.design.random and not hasattr(fit, "residual_table") and not hasattr(fit, "density"):
        raise ValueError(f"method={method!r} is for mixed models, and this one has no random effects: use 'wald' (with "
                         "t after least squares) or 'bootstrap'.")
