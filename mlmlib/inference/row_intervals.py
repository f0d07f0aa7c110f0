"""Confidence intervals of models with a structure of their residuals: those of `mlmlib.inference.intervals`, and the
structure's parameters beside them.

Chapter 14 (``14_growth_shapes``) reads them.
"""

from __future__ import annotations

import numpy as np

from . import intervals
from .row_parameters import structure_names

__all__ = ["conf_int"]


def conf_int(fit, level: float = 0.95, method: str = "wald", which: str = "fixed", of=None, **options):
    """As `mlmlib.inference.intervals.conf_int`; ``which="all"`` and ``of=`` know the residuals' parameters.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gls("Reaction ~ Days", mlm.load("sleepstudy"), correlation=mlm.ar1("Days", group="Subject"))
    >>> fit.conf_int(which="all").index.tolist()
    ['Intercept', 'Days', 'sigma', 'ar1: phi']
    """
    from .. import frames as pd
    own = structure_names(fit)
    if of is None:
        boot = options.get("boot")
        if method == "bootstrap" and which == "all" and boot is None:
            kind = options.pop("type", "percentile")
            boot, options = fit.bootstrap(**options), {"type": kind}
            options["boot"] = boot
        table = intervals.conf_int(fit, level, method, which, None, **options)
        if which != "all":
            return table
        if method == "profile":
            from .profile import profile_intervals
            ends = profile_intervals(fit, own, level)
            rows = pd.DataFrame({"lower": ends[:, 0], "upper": ends[:, 1]}, index=own)
        elif method == "bootstrap":
            rows = boot.conf_int(level, options.get("type", "percentile")).loc[own]
        else:
            rows = fit.residual_table(level).set_index("name")[["lower", "upper"]].rename_axis(None)
        whole = pd.concat([table, rows])
        whole.attrs.update(table.attrs)
        return whole
    single = [of] if isinstance(of, str) else of
    if isinstance(single, list) and all(isinstance(one, str) and one in own for one in single):
        table = conf_int(fit, level, method, "all", None, **options).loc[single]
        values = dict(zip(own, fit.model.rows.natural(fit.model.psi)))
        table.insert(0, "estimate", np.array([values[one] for one in single]))
        return table
    return intervals.conf_int(fit, level, method, which, of, **options)
