"""Estimates and tests of linear combinations of coefficients, with the degrees of freedom that were asked for.

Everything that tests coefficients goes through `linear` (each combination by itself: estimate, standard error, degrees
of freedom) and `f_test` (all of them at once). ``ddf`` is one of

- ``"wald"``: the variances are taken for known: z and chi-square for a mixed model, t and F for least squares;
- ``"satterthwaite"``: t and F, `mlmlib.inference.satterthwaite`;
- ``"kenward-roger"``: t and F with an adjusted covariance, `mlmlib.inference.kenward_roger`.

For least squares the last two are exact, and the same: t with the residual degrees of freedom.

Chapter 8 (``08_inference``) compares them.
"""

from __future__ import annotations

import numpy as np

from ..results import check_level, refuse_panel
from ..testresult import TestResult

__all__ = ["DDF", "TITLES", "coef_table", "f_test", "linear", "method_of"]

DDF = ("wald", "satterthwaite", "kenward-roger")
TITLES = {"wald": "Wald tests", "satterthwaite": "Satterthwaite's degrees of freedom",
          "kenward-roger": "Kenward and Roger's covariance and degrees of freedom"}


def linear(fit, C, ddf: str = "wald") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear combinations of the coefficients, each with its standard error and degrees of freedom.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    C : array, shape (k, p) or (p,)
        One combination a row.
    ddf : {"wald", "satterthwaite", "kenward-roger"}

    Returns
    -------
    estimate, se, df : ndarray, shape (k,)
        ``df`` is infinite where the normal distribution is meant. The Kenward-Roger estimates after a fit by maximum
        likelihood are those of the REML fit that the method needs. A row without variance (zeros) has df NaN.

    Raises
    ------
    ValueError
        For an unknown `ddf` or a `C` of another width than the model has coefficients.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ homework + (1 + homework | schid)", mlm.load("math"))
    >>> estimate, se, df = linear(fit, [0, 1], "kenward-roger")
    >>> estimate.round(4).tolist(), se.round(4).tolist(), df.round(4).tolist()
    ([1.9802], [0.9293], [21.8936])
    """
    method, C = method_of(fit, ddf), _rows(fit, C)
    variance = np.einsum("ka,ab,kb->k", C, method.cov, C)
    return C @ method.params, np.sqrt(np.maximum(variance, 0.0)), method.df(C)


def f_test(fit, C, ddf: str = "wald", rhs=0.0, null: str | None = None) -> TestResult:
    """Joint test that linear combinations of the coefficients have given values.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    C : array, shape (k, p) or (p,)
        One combination a row; rows that follow from others are not counted.
    ddf : {"wald", "satterthwaite", "kenward-roger"}
    rhs : float or array, shape (k,)
        Their values under the null hypothesis.
    null : str, optional
        The hypothesis in words; made from `C` when left out.

    Returns
    -------
    TestResult
        F with ``df = (numerator, denominator)``; for a mixed model with ``ddf="wald"`` chi-square.

    Raises
    ------
    ValueError
        For an unknown `ddf`, a `C` of the wrong width or of zeros, or hypotheses that contradict each other.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ homework + (1 + homework | schid)", mlm.load("math"))
    >>> print(f_test(fit, [0, 1], "satterthwaite"))
    Satterthwaite F test of homework = 0: F(1, 19.92) = 4.55, p = 0.046
    """
    method, C = method_of(fit, ddf), _rows(fit, C)
    rhs = np.broadcast_to(np.asarray(rhs, dtype=float), (len(C),))
    if not np.isfinite(rhs).all():
        raise ValueError("The right side of a hypothesis must be finite numbers.")
    if null is None:
        from .contrasts import describe
        null = describe(C, rhs, list(fit._names))
    rows, difference = _independent(C, C @ method.params - rhs, method.cov)
    statistic, df = method.f(rows, difference)
    q = len(rows)
    if np.isinf(df):
        from scipy.special import chdtrc
        return TestResult(q * statistic, q, float(chdtrc(q, q * statistic)), f"chi2({q})", null,
                          "Wald test", method.note)
    if not (df > 0 and statistic >= 0):
        note = (f"no F distribution has the moments that {method.name.removesuffix(' F test')} asks for: too few "
                "groups for so many variances; test fewer coefficients at once, or use another ddf or a bootstrap")
        return TestResult(np.nan, (q, np.nan), np.nan, f"F({q}, ?)", null, method.name, note)
    from scipy.special import fdtrc
    shown = f"{df:.0f}" if float(df).is_integer() else f"{df:.2f}"
    return TestResult(statistic, (q, float(df)), float(fdtrc(q, df, statistic)), f"F({q}, {shown})", null, method.name,
                      method.note)


def coef_table(fit, level: float = 0.95, ddf: str = "wald"):
    """The coefficients with standard errors, tests and intervals (DataFrame): ``fit.coef_table``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ homework + (1 + homework | schid)", mlm.load("math"))
    >>> coef_table(fit, ddf="kenward-roger").round(3)
               estimate     se      df       t      p   lower   upper
    Intercept    46.326  1.760  21.900  26.319  0.000  42.674  49.977
    homework      1.980  0.929  21.894   2.131  0.045   0.052   3.908
    """
    from .. import frames as pd
    from scipy.special import stdtr, stdtrit
    check_level(level)
    estimate, se, df = linear(fit, np.eye(len(fit._names)), ddf)
    statistic = estimate / se
    columns = {"estimate": estimate, "se": se}
    if ddf == "wald":
        columns["z" if fit._t_df is None else "t"] = statistic
    else:
        columns.update(df=df, t=statistic)
    half = stdtrit(df, 0.5 + level / 2.0) * se
    columns.update(p=2.0 * stdtr(df, -np.abs(statistic)), lower=estimate - half, upper=estimate + half)
    table = pd.DataFrame(columns, index=list(fit._names))
    note = method_of(fit, ddf).note
    table.attrs.update({"note": note} if note else {})
    return table


def method_of(fit, ddf: str):
    """The method called `ddf` for a fit: an object with `params`, `cov`, `note`, ``df(C)`` and ``f(C, difference)``."""
    if ddf not in DDF:
        raise ValueError(f"ddf={ddf!r} is not known; choose one of {', '.join(map(repr, DDF))}.")
    if "_tests" in fit.__dict__:  # a robust covariance, which has its own
        return fit._tests
    if hasattr(fit, "density") and ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is for linear mixed models: a generalized one has no residual variance whose "
                         "degrees of freedom could be counted. Use ddf='wald' (the normal distribution), a "
                         "likelihood-ratio test (mlm.compare), or a bootstrap.")
    if ddf != "wald":
        refuse_panel(fit, f"ddf={ddf!r}", "mlm.robust has Satterthwaite's degrees of freedom for them")
    if fit.reml is None:
        return _least_squares(fit, ddf)
    if ddf == "wald":
        return _Fixed(fit._params, fit._cov, np.inf)
    return fit._satterthwaite if ddf == "satterthwaite" else fit._kenward_roger


class _Fixed:
    """One number of degrees of freedom for all combinations."""

    def __init__(self, params, cov, degrees: float, note: str = ""):
        self.params, self.cov, self.degrees, self.note = params, cov, float(degrees), note
        self.name = "F test"

    def df(self, C):
        return np.full(len(C), self.degrees)

    def f(self, C, difference):
        return float(difference @ np.linalg.solve(C @ self.cov @ C.T, difference)) / len(C), self.degrees


def _least_squares(fit, ddf: str) -> _Fixed:
    """t with n - p; by maximum likelihood z, what Satterthwaite's formula gives (n), or the unbiased variance."""
    n, p = fit.design.X.shape
    if fit._t_df is not None:
        return _Fixed(fit._params, fit._cov, fit._t_df)
    if ddf == "wald":
        return _Fixed(fit._params, fit._cov, np.inf)
    if ddf == "satterthwaite":
        return _Fixed(fit._params, fit._cov, n)
    return _Fixed(fit._params, fit._cov * n / (n - p), n - p, "with the unbiased residual variance, which "
                  "Kenward-Roger is made for")


def _rows(fit, C) -> np.ndarray:
    C = np.atleast_2d(np.asarray(C, dtype=float))
    p = len(fit._names)
    if C.ndim != 2 or C.shape[1] != p:
        raise ValueError(f"The matrix of combinations has shape {C.shape}; it needs {p} columns, one for each "
                         f"coefficient: {', '.join(fit._names)}.")
    if not np.isfinite(C).all():
        raise ValueError("The matrix of combinations holds numbers that are not finite.")
    return C


def _independent(C, difference, cov) -> tuple[np.ndarray, np.ndarray]:
    """As many combinations as are independent, spanning the same hypotheses.

    The principal axes of their covariance, as lmerTest takes them; of their correlations where sizes differ so much
    that an axis would be lost.
    """
    V = C @ cov @ C.T
    scale = np.sqrt(np.maximum(np.diagonal(V), 0.0))
    if not scale.any():
        raise ValueError("The matrix of combinations is zero: there is nothing to test.")
    if len(C) == 1:
        return C, difference
    unit = 1.0 / np.where(scale > 1e-12 * np.abs(C).sum(axis=1) * np.sqrt(np.diagonal(cov).max()), scale, np.inf)
    correlation = V * np.outer(unit, unit)
    rank = int((np.linalg.eigvalsh(correlation) > 1.5e-8 * len(C)).sum())
    values, axes = np.linalg.eigh(V)
    use = values > 1.5e-8 * values[-1]
    if use.sum() != rank:
        values, axes = np.linalg.eigh(correlation)
        use = np.arange(len(C)) >= len(C) - rank
        axes = axes * unit[:, None]
    if rank < len(C):
        left = difference - C @ np.linalg.lstsq(C, difference, rcond=1e-10)[0]
        if np.abs(left * unit).max() > 1e-6 or (np.abs(left[unit == 0]) > 1e-9).any():
            raise ValueError("The hypotheses contradict each other: no values of the coefficients meet them all.")
    return axes[:, use].T @ C, axes[:, use].T @ difference
