"""Lab of chapter 7: the likelihood surface."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

SURFACES = ("math", "dealt", "hsb")
METHODS = ("em", "scoring", "bfgs", "simplex")
#: Elements of the relative factor, by columns, at which lme4 1.1-31 stops for HSB_FORMULA by REML: a criterion of
#: 46503.39, with a diagonal element of zero.
HSB_STOP = (
    0.40386950516635595,
    -0.017817582001247025,
    0.06953276407252001,
    0.0,
    0.11709332903338454,
    0.18927962304073276,
)
HSB_FORMULA = "mathach ~ cses + minority + (cses + minority | school)"
#: Where the lab opens, and how far the picture goes.
STARTS = {"math": (1.0, 14.0), "dealt": (6.0, 12.0), "hsb": (0.02, 0.2)}
RANGES = {
    "math": ((0.0, 14.0), (6.5, 16.0)),
    "dealt": ((0.0, 7.0), (9.0, 13.0)),
    "hsb": ((-0.26, 0.26), (-0.3, 0.3)),
}
DEAL = 1


def likelihood_surface(
    *,
    surface: str = "math",
    method: str = "em",
    reml: bool | None = None,
    wall: bool = True,
    x: float | None = None,
    y: float | None = None,
    step: int = -1,
) -> Any:
    """The criterion as contours over two parameters, and how EM, scoring, BFGS and a simplex walk on it (chapter 7).

    Parameters
    ----------
    surface : {"math", "dealt", "hsb"}
        Schools of the math data over (tau, sigma); the same students dealt to the schools at random, where tau is
        estimated as zero; or High School & Beyond over two elements of the relative factor, the other four held where
        lme4's default optimizer stopped.
    method : {"em", "scoring", "bfgs", "simplex"}
        Who walks. EM has no step on ``"hsb"``.
    reml : bool, optional
        Whether the criterion is that of REML; by default on ``"hsb"`` only.
    wall : bool
        Whether theta22 must not be negative on ``"hsb"``, as in lme4.
    x, y : float, optional
        Where the walk starts.
    step : int
        How many steps of it are shown; -1 for all.
    """
    if surface not in SURFACES:
        raise ValueError(f"surface = {surface!r}: choose one of {', '.join(SURFACES)}")
    if method not in METHODS:
        raise ValueError(f"method = {method!r}: choose one of {', '.join(METHODS)}")
    if surface == "hsb" and method == "em":
        method = "bfgs"
    start = [own if asked is None else float(asked) for own, asked in zip(STARTS[surface], (x, y))]
    for name, value, (low, high) in zip("xy", start, RANGES[surface]):
        low = max(low, 0.0) if wall and name == "x" else low
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: on {surface!r} the walk starts between {low:g} and {high:g}")
    if step < -1:
        raise ValueError(f"step = {step}: give a number of steps, or -1 for the whole walk")
    state = {
        "surface": surface,
        "method": method,
        "reml": surface == "hsb" if reml is None else bool(reml),
        "wall": wall,
        "x": start[0],
        "y": start[1],
        "step": step,
    }
    data = {
        "starts": {name: list(at) for name, at in STARTS.items()},
        "ranges": {name: [list(pair) for pair in pairs] for name, pairs in RANGES.items()},
        **_schools(),
    }
    return lab("likelihood_surface", "Likelihood surface", state, data=data)


def _schools() -> dict:
    """Sufficient statistics of the three surfaces."""
    import numpy as np

    from mlmlib.datasets import load

    math, hsb = load("math"), load("hsb")
    dealt = math.assign(schid=np.random.default_rng(DEAL).permutation(math["schid"].to_numpy()))
    Z = np.c_[np.ones(len(hsb)), hsb["cses"].to_numpy(float), (hsb["minority"] == "Yes").to_numpy(float)]
    y = hsb["mathach"].to_numpy(float)
    schools = []
    for rows in hsb.reset_index().groupby("school", observed=True).indices.values():
        A, c = Z[rows].T @ Z[rows], Z[rows].T @ y[rows]
        schools.append([float(f"{v:.11g}") for v in (*A[np.triu_indices(3)], *c)])
    l11, l21, l31, _, _, l33 = HSB_STOP
    return {
        "math": _groups(math),
        "dealt": _groups(dealt),
        "hsb": {"schools": schools, "yy": float(y @ y), "N": len(y)},
        "held": [l11, l21, l31, l33],
        "stop": list(HSB_STOP[3:5]),
    }


def _groups(frame) -> dict:
    """Each school's size, mean and sum of squares around it."""
    groups = frame.groupby("schid", observed=True)["math"]
    size, mean = groups.size(), groups.mean()
    around = (frame["math"] - groups.transform("mean")) ** 2
    return {"size": size.tolist(), "means": mean.tolist(), "ss": around.groupby(frame["schid"]).sum().tolist()}
