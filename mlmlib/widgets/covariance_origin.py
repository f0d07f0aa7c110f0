"""Lab of chapter 4: covariance and origin."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab


def covariance_origin(
    fit: Any = None,
    *,
    origin: float = 0.0,
    free: bool = True,
    origins: tuple[float, float] | None = None,
    x_name: str = "",
    x_unit: str = "",
    y_name: str = "",
) -> Any:
    """Lines of the groups and the ellipse of (intercept, slope) while the origin of x slides (chapter 4).

    Parameters
    ----------
    fit : LmmResult, optional
        A model ``y ~ x + (1 + x | g)`` with unstructured covariance; if left out, math on homework hours in the
        book's 23 schools.
    origin : float
        Where x is zero when the lab opens, on the scale of the data.
    free : bool
        Whether intercepts and slopes may covary; if not, the page refits the model without covariance at each origin.
    origins : (float, float), optional
        How far the origin slides; a little beyond the data if left out.
    x_name, x_unit, y_name : str, optional
        What to write on the axes instead of the column names, and the unit of x.
    """
    import numpy as np

    if fit is None:
        from mlmlib import lmm
        from mlmlib.datasets import load

        fit = lmm("math ~ homework + (1 + homework | schid)", load("math"))
        x_name, x_unit, y_name = x_name or "homework", x_unit or "hours", y_name or "math score"
        origins = origins or (-2.0, 6.0)
    names = list(fit.params.index)
    factor = next(iter(fit.random_effects))
    if (
        len(names) != 2
        or names[0] != "Intercept"
        or list(fit.random_effects[factor].columns) != names
        or len(fit.random_effects) != 1
    ):
        raise ValueError("this lab shows one predictor with a random intercept and slope: fit 'y ~ x + (1 + x | g)'")
    x, y = np.asarray(fit.exog)[:, 1], np.asarray(fit.endog)
    levels = list(fit.random_effects[factor].index)
    codes = _codes(fit, factor, levels)
    T = fit.covariance_matrix().to_numpy()
    if not T[1, 1] > 0:
        raise ValueError("the slopes of this fit do not vary (variance 0): there is no covariance to look at")
    low, high = origins or _padded(x)
    if not low <= origin <= high:
        raise ValueError(f"origin = {origin}: it slides from {low:g} to {high:g}")
    fine = (high - low) / 220
    unit = 10.0 ** np.floor(np.log10(fine))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= fine * 0.999)
    spans = [[float(x[codes == j].min()), float(x[codes == j].max())] for j in range(len(levels))]
    data = {
        "x": x,
        "y": y,
        "group": codes,
        "labels": [str(level) for level in levels],
        "T": [T[0, 0], T[0, 1], T[1, 1]],
        "sigma2": fit.sigma**2,
        "reml": bool(fit.reml),
        "slope": float(fit.params.iloc[1]),
        "origins": [low, high],
        "step": step,
        "spans": spans,
        "xName": x_name or names[1],
        "xUnit": x_unit,
        "yName": y_name or str(fit.spec.endog_name),
        "yRange": _padded(y, 0.02),
    }
    return lab("covariance_origin", "Covariance and origin", {"origin": origin, "free": free}, data=data)


def _padded(values, share: float = 0.2) -> list[float]:
    low, high = float(values.min()), float(values.max())
    return [low - share * (high - low), high + share * (high - low)]


def _codes(fit, factor, levels):
    import numpy as np

    place = {level: j for j, level in enumerate(levels)}
    groups = fit.groups[factor] if isinstance(fit.groups, dict) else fit.groups
    return np.array([place[group] for group in np.asarray(groups)])
