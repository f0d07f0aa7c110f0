"""Lab of chapter 13: the origin of time."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.growth_studies import STUDIES, shown
from mlmlib.widgets.lab import lab

#: The state's name for the origin in each study, and where it opens: the first occasion.
KEYS = {"orthodont": "age", "sleepstudy": "day", "egsingle": "year"}
FIRST = {"orthodont": 8.0, "sleepstudy": 0.0, "egsingle": -1.5}


def origin_of_time(study: str = "orthodont", *, origin: float | None = None, curved: bool = False) -> Any:
    """Growth lines and the time that is called zero: what moves with it, and what does not (chapter 13).

    The models are fitted once, by REML, and are the same fit at every origin: status at zero, its variance, its
    correlation with the rate and the difference of two groups follow by algebra.

    Parameters
    ----------
    study : {"orthodont", "sleepstudy", "egsingle"}
        Jaws of 27 children by sex (from 8 to 14 years), reaction times of 18 drivers, or math of 1,721 children in 60
        schools by `black`, with children's variances added to schools'.
    origin : float, optional
        Where time is zero when the lab opens, in the study's own time; the first occasion if left out.
    curved : bool
        Whether the average growth is quadratic.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.origin_of_time("sleepstudy", origin=9)
    """
    if study not in STUDIES:
        raise ValueError(f"study = {study!r}: choose one of {', '.join(STUDIES)}")
    low, high = STUDIES[study].ends
    if origin is not None and not low <= origin <= high:
        raise ValueError(f"origin = {origin}: in {study} it slides from {low:g} to {high:g}")
    state = {"study": study, "curved": bool(curved), **{KEYS[name]: FIRST[name] for name in STUDIES}}
    if origin is not None:
        state[KEYS[study]] = float(origin)
    data = {name: _facts(name) for name in STUDIES}
    return lab("origin_of_time", "The origin of time", state, data=data)


def _facts(name: str) -> dict:
    from mlmlib.datasets import load

    study = STUDIES[name]
    times = load(name)[study.time]
    fits = [shown(name, curved) for curved in (False, True)]
    people = ("labels", "group", "spans")
    return {
        "key": KEYS[name],
        "title": study.title,
        "ends": list(study.ends),
        "first": FIRST[name],
        "seen": [float(times.min()), float(times.max())],
        "step": study.step,
        "status": study.status,
        "clock": study.clock,
        "unit": study.unit,
        "names": list(study.names) if study.group else [],
        "fits": [{key: value for key, value in fit.items() if key not in people} for fit in fits],
        **{key: fits[0][key] for key in people},
    }
