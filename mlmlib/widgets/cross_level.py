"""Lab of chapter 5: a cross-level interaction."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

FORMULA = "mathach ~ cses * mean_ses + cses * sector + (1 + cses | school)"
CATHOLIC = "sector[T.Catholic]"
#: Level: intercept, mean SES, sector; slope: the same three.
NAMES = (("Intercept",), ("mean_ses",), (CATHOLIC,), ("cses",), ("cses", "mean_ses"), ("cses", CATHOLIC))


def cross_level(
    fit: Any = None, *, mean_ses: float = 0.0, sector: str = "Catholic", student: float = -1.0, own: bool = False
) -> Any:
    """Levels and slopes of the HSB schools against mean SES and sector, and the lines inside schools (chapter 5).

    Parameters
    ----------
    fit : LmmResult, optional
        The model ``mathach ~ cses * mean_ses + cses * sector + (1 + cses | school)`` on High School & Beyond or a part
        of it, by REML or ML; fitted here by REML if left out.
    mean_ses : float
        Mean SES of the school that the lab opens with, -1.1 to 0.8.
    sector : {"Catholic", "Public"}
        Its sector.
    student : float
        SES of a student relative to the school's mean, -2 to 2.
    own : bool
        Whether each school's own least-squares estimates are drawn too.
    """
    import numpy as np

    if sector not in ("Catholic", "Public"):
        raise ValueError(f"sector = {sector!r}: choose Catholic or Public")
    for name, value, (low, high) in (("mean_ses", mean_ses, (-1.1, 0.8)), ("student", student, (-2, 2))):
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: the lab works from {low:g} to {high:g}")
    if fit is None:
        from mlmlib import lmm
        from mlmlib.datasets import load

        fit = lmm(FORMULA, load("hsb"))
    order = _order(fit)
    gamma, cov = fit.params.to_numpy()[order], fit.cov_params().to_numpy()[np.ix_(order, order)]
    schools = _schools(fit, gamma)
    w = np.array([school["w"] for school in schools])
    typical = zip(("poor (10th percentile)", "middling", "rich (90th percentile)"), np.quantile(w, [0.1, 0.5, 0.9]))
    data = {
        "gamma": gamma,
        "cov": cov,
        "schools": schools,
        "typical": [[label, round(float(value), 3)] for label, value in typical],
        "wRange": [-1.25, 0.9],
        "slide": [-1.1, 0.8],
        "range": {"level": [4.0, 20.0], "slope": [-1.0, 5.0]},
        "ownRange": {"level": [4.0, 20.0], "slope": [-4.0, 7.0]},
    }
    state = {"mean_ses": mean_ses, "sector": sector, "student": student, "own": own}
    return lab("cross_level", "Cross-level interaction", state, data=data)


def _order(fit) -> list[int]:
    """Places of the six coefficients, whichever way round the interactions are written."""
    found = {tuple(sorted(name.split(":"))): i for i, name in enumerate(fit.params.index)}
    wanted = [tuple(sorted(name)) for name in NAMES]
    if set(found) != set(wanted) or list(fit.random_effects) != ["school"]:
        raise ValueError(f"this lab shows one model: fit {FORMULA!r} on the hsb data")
    if list(fit.random_effects["school"].columns) != ["Intercept", "cses"]:
        raise ValueError("this lab shows random levels and slopes: fit '(1 + cses | school)'")
    return [found[name] for name in wanted]


def _schools(fit, gamma) -> list[dict]:
    """What the model says of each school, and what its own students alone say."""
    import numpy as np

    u, rows = fit.random_effects["school"], []
    for school, part in fit.data.groupby("school", observed=True):
        w, z = float(part["mean_ses"].iloc[0]), float(part["sector"].iloc[0] == "Catholic")
        x, y = part["cses"].to_numpy(float), part["mathach"].to_numpy(float)
        row, inner = np.array([1.0, w, z]), x - x.mean()
        slope = inner @ y / (inner @ inner) if inner @ inner > 0 else np.nan
        rows.append(
            {
                "label": str(school),
                "sector": "Catholic" if z else "Public",
                "w": w,
                "level": round(float(row @ gamma[:3] + u.loc[school, "Intercept"]), 6),
                "slope": round(float(row @ gamma[3:] + u.loc[school, "cses"]), 6),
                "own_level": round(float(y.mean() - slope * x.mean()), 4),
                "own_slope": round(float(slope), 4),
            }
        )
    return rows
