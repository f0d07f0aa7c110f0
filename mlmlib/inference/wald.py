"""Wald tests of coefficients.

Chapter 8 (``08_inference``) compares them with likelihood-ratio tests.
"""

from __future__ import annotations

import numpy as np

from .contrasts import unknown_name
from ..testresult import TestResult

__all__ = ["wald_test"]


def wald_test(fit, names=None) -> TestResult:
    """Joint test that coefficients are zero: ``b' V^-1 b`` against chi-square.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    names : str or list of str, optional
        Coefficients to test; all but the intercept when left out, which is the ``Wald chi2`` in Stata's header.

    Returns
    -------
    TestResult
        For OLS with the t distribution the statistic is F.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
    >>> wald_test(fit).df
    1
    """
    known = list(fit._names)
    if names is None:
        parts = hasattr(fit, "density")  # "category: Intercept", "outcome: Intercept", "zero: Intercept"
        names = [name for name in known if name != "Intercept" and not (parts and name.endswith(": Intercept"))]
        null = "all coefficients = 0"
    else:
        names = [names] if isinstance(names, str) else list(names)
        null = ", ".join(f"{name} = 0" for name in names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(unknown_name("coefficient", unknown[0], known))
    if not names:
        raise ValueError("The model has only an intercept, so there is nothing to test.")
    place = [known.index(name) for name in names]
    b = fit._params[place]
    statistic = float(b @ np.linalg.solve(fit._cov[np.ix_(place, place)], b))
    df = len(place)
    if fit._t_df is None:
        from scipy.special import chdtrc
        return TestResult(statistic, df, float(chdtrc(df, statistic)), f"chi2({df})", null, "Wald test")
    from scipy.special import fdtrc
    statistic /= df
    return TestResult(statistic, (df, fit._t_df), float(fdtrc(df, fit._t_df, statistic)), f"F({df}, {fit._t_df})", null,
                      "F test")
