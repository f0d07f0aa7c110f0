"""What a translator needs to know of a marginal model, besides what a generalized one says: groups, times, working correlation, errors.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...general.facts import Facts
from ...translate.general.spec import General, _general
from ...translate.model import Untranslatable, _of_design
from ..seen import Seen

__all__ = ["MarginalModel", "of_fit"]


@dataclass(frozen=True)
class MarginalModel(General):
    """A model by generalized estimating equations in no program's language.

    `group` is the column of the groups, `inner` that of groups nested in them; `labels` whether the groups are named by text.
    """

    group: str = ""
    inner: str | None = None
    labels: bool = False
    time: str | None = None
    corr: str = "exchangeable"
    cov: str = "robust"
    scale: float | None = None
    theta: float | None = None
    balanced: bool = True
    whole_times: bool = True
    moments: str = "geepack"
    count: int | None = None  # of groups

    def refuse_nested(self, program: str) -> None:
        """For programs without nested working correlations."""
        if self.corr == "nested":
            raise Untranslatable(f"{program} has no nested working correlation; with robust standard errors an exchangeable one on "
                                 f"{self.group} is valid too, if less precise")


def of_fit(fit, data: str = "df") -> MarginalModel:
    """The model behind a fit of ``mlm.gee``."""
    facts = Facts(Seen(fit))
    made = _general(replace(_of_design(fit.design, data), left_out=()), facts.family, facts.link, "gee", None, None)
    own = {name: getattr(made, name) for name in General.__dataclass_fields__}
    left = []
    for name in ("trials", "exposure", "offset", "weights"):
        value = facts.option(name)
        if value is not None and not isinstance(value, (str, int)):
            left.append({"offset": "an offset"}.get(name, name))
        else:
            own[name] = value
    sizes = fit.group_sizes[fit._levels[0][0]]
    named = fit._levels[0][2]
    time, columns = fit.time_name, [level[0].rpartition(":")[2].strip("`") for level in fit._levels]
    own |= {"levels": facts.levels, "left_out": tuple(left), "group": columns[0], "inner": columns[1] if len(columns) > 1 else None,
            "labels": isinstance(named[0], str), "time": time, "corr": fit.corr, "cov": fit.cov, "balanced": sizes.nunique() == 1,
            "count": len(named)}
    if not hasattr(fit, "categories"):
        times = fit._rows.time
        own |= {"scale": fit._options["scale"], "theta": fit._options["theta"], "moments": fit._options["moments"],
                "whole_times": times is None or bool((times == times.round()).all())}
    return MarginalModel(**own)


