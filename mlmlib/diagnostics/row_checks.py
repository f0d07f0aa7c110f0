"""Checks of a model with a structure of its residuals.

What the structure says is taken out first: residuals are whitened, and if the structure is right they are independent
with equal variance.  What is left in them, it has missed.

Chapter 14 (``14_growth_shapes``) chooses a structure; Chapter 9 (``09_diagnostics``) reads the checks.

References
----------
Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, sections 5.2 and 5.3.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from . import level2
from .autocorrelation import acf
from .judging import Check, judge, p_words, shape_of
from .row_deletion import sets_of

__all__ = ["row_checks"]

_CHAPTER = "14_growth_shapes"
_AGAIN = 200  # sets of rows above which variances are held when one is left out


def row_checks(fit, time=None, reestimate: bool | None = None) -> tuple[list[Check], dict]:
    """The checks, and the influence of the sets of rows that are left out."""
    from .influence import influence
    white = np.asarray(fit.residuals("scaled"), dtype=float)
    checks = [level2.found_well(fit)]
    codes, labels, by = sets_of(fit)
    if by != "row":
        J = len(labels)
        verdict = "act" if J < 10 else "look" if J < 30 else "ok"
        todo = "nothing" if verdict == "ok" else "Report Satterthwaite's or Kenward-Roger's degrees of freedom."
        checks.append(Check("Enough groups", f"{J} groups of {by}, of {np.bincount(codes).min()} to "
                            f"{np.bincount(codes).max()} rows", float(J), np.nan, "Tests lean on the number of groups, "
                            "not of rows: below 30 with care.", verdict, todo, "08_inference"))
    checks += [_normality(white), _outliers(fit, white), _over_fitted(fit, white), _in_time(fit, time)]
    found = {}
    if by != "row" and len(fit._params) and len(labels) > 2:
        again = len(labels) <= _AGAIN if reestimate is None else reestimate
        try:
            found[by] = influence(fit, by, reestimate=again)
            checks.append(level2.influential(found[by]))
        except DataError as error:
            checks.append(Check(f"No single {by} carries the answer", str(error), np.nan, np.nan, "", "not checked",
                                "nothing"))
    return checks, found


def _normality(white) -> Check:
    shape = shape_of(white)
    todo = {"ok": "nothing", "look": "Look at a Q-Q plot of fit.residuals('scaled') for a bound, a tail or a mixture.",
            "act": "Transform the outcome, or model what makes the tail; compare standard errors with a bootstrap."}
    return Check("Whitened residuals are normal", f"Q-Q correlation {shape.correlation:.4f}, skewness "
                 f"{shape.skewness:+.2f}, excess kurtosis {shape.kurtosis:+.2f} ({shape.test} {p_words(shape.p)})",
                 shape.correlation, shape.p, "Skewness below 0.5 and excess kurtosis below 1 do no harm to "
                                             "coefficients.",
                 shape.verdict, todo[shape.verdict])


def _outliers(fit, white) -> Check:
    from scipy.special import ndtr
    p = np.minimum(2.0 * len(white) * ndtr(-np.abs(white)), 1.0)
    worst, count = int(np.abs(white).argmax()), int((p < 0.05).sum())
    label = fit.design.index()[worst]
    return Check("No outlying rows", f"largest whitened residual {white[worst]:+.2f} in row {label} (Bonferroni "
                 f"{p_words(float(p[worst]))}); {count} of {len(white)} rows beyond chance", float(abs(white[worst])),
                 float(p[worst]), "What a row has that the rows of its group before it do not predict.",
                 "look" if count else "ok", f"Check how row {label} was recorded; refit without it and report both if "
                                            "the answer moves." if count else "nothing")


def _over_fitted(fit, white) -> Check:
    """Is the spread that is left the same along the fitted values?"""
    from scipy.special import stdtr
    size, x = np.abs(white), fit._fitted
    n = len(x)
    low, high = np.quantile(x, [1 / 3, 2 / 3])
    ratio = float(np.sqrt(np.mean(white[x >= high] ** 2) / np.mean(white[x <= low] ** 2)))
    r = float(np.corrcoef(size, x)[0, 1]) if np.ptp(x) > 0 else 0.0
    p = float(2.0 * stdtr(n - 2, -abs(r * np.sqrt((n - 2) / max(1.0 - r * r, 1e-300)))))
    verdict = judge(max(ratio, 1.0 / ratio) - 1.0, 0.25, 0.5, p)
    todo = {"ok": "nothing", "look": "Look at whitened residuals against fitted values.",
            "act": "Add variance=mlm.power_of(...) or mlm.exponential_of(...) of what the variance follows."}
    return Check("What is left of the residual variance does not follow the fitted value",
                 f"whitened residual SD in the upper third of fitted values {ratio:.2f} times that in the lower third "
                 f"(Glejser {p_words(p)})", ratio, p, "1 is even; between 0.8 and 1.25 does no harm.", verdict,
                 todo[verdict], _CHAPTER)


def _in_time(fit, time) -> Check:
    """Is correlation left between residuals next to each other in time?"""
    from scipy.special import ndtr
    name = "No correlation in time is left"
    if time is None and fit.model.correlation is None:
        return Check(name, "no order in time is known; name a column: time=", np.nan, np.nan, "", "not checked",
                     "nothing", _CHAPTER)
    try:
        found = acf(fit, 1, time=time)
    except DataError as error:
        return Check(name, str(error), np.nan, np.nan, "", "not checked", "nothing", _CHAPTER)
    at = np.flatnonzero(found.lag == 1)
    if not len(at) or found.pairs[at[0]] < 10:
        return Check(name, "too few pairs of neighbors in time", np.nan, np.nan, "", "not checked", "nothing", _CHAPTER)
    r, m = float(found.correlation[at[0]]), int(found.pairs[at[0]])
    p = float(2.0 * ndtr(-abs(r) * np.sqrt(m)))
    verdict = judge(r, 0.1, 0.3, p)
    todo = {"ok": "nothing", "look": "See mlm.acf(fit) for further lags, and try mlm.arma11 or mlm.toeplitz.",
            "act": "The structure does not hold: try a random slope or a curve of time, then another correlation=."}
    return Check(name, f"correlation of whitened residuals one lag apart {r:+.2f} over {m} pairs ({p_words(p)})", r, p,
                 "Of residuals from which the model's own correlation is taken out.", verdict, todo[verdict], _CHAPTER)
