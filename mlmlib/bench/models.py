"""The models that are timed, written so that every program's formula language has them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MODELS", "Model"]


class Model(NamedTuple):
    """One row of the comparison: what it is called, its data set, its formula, and statsmodels' way to say it."""

    key: str
    title: str
    data: str
    formula: str
    statsmodels: dict


def _components(fixed: str, *groups: str) -> dict:
    """statsmodels takes crossed factors as variance components of a single group."""
    return {"formula": fixed, "vc_formula": {group: f"0 + C({group})" for group in groups}}


MODELS = (
    Model("hsb_null", "HSB, null model", "hsb", "mathach ~ 1 + (1 | school)", {"formula": "mathach ~ 1", "groups": "school"}),
    Model("hsb_slopes", "HSB, random slopes", "hsb", "mathach ~ cses + (1 + cses | school)",
          {"formula": "mathach ~ cses", "groups": "school", "re_formula": "~cses"}),
    Model("hsb_outcomes", "HSB, intercepts and slopes as outcomes", "hsb",
          "mathach ~ mean_ses * cses + sector * cses + (1 + cses | school)",
          {"formula": "mathach ~ mean_ses * cses + sector * cses", "groups": "school", "re_formula": "~cses"}),
    Model("sleepstudy", "sleepstudy, random slopes", "sleepstudy", "Reaction ~ Days + (1 + Days | Subject)",
          {"formula": "Reaction ~ Days", "groups": "Subject", "re_formula": "~Days"}),
    Model("penicillin", "Penicillin, two crossed factors", "penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)",
          _components("diameter ~ 1", "plate", "sample")),
    Model("scotssec", "ScotsSec, two partly crossed factors", "scotssec", "attain ~ verbal + sex + (1 | primary) + (1 | second)",
          _components("attain ~ verbal + sex", "primary", "second")),
    Model("egsingle", "egsingle, three levels, slopes at both", "egsingle",
          "math ~ year + (1 + year | schoolid) + (1 + year | childid)",
          {"cannot": "no covariance between the variance components of a nested factor"}),
    Model("chem97", "chem97, three levels", "chem97", "score ~ gcsecnt + (1 | lea) + (1 | school)",
          {"formula": "score ~ gcsecnt", "groups": "lea", "vc_formula": {"school": "0 + C(school)"}}),
    Model("insteval", "InstEval, two crossed factors", "insteval", "y ~ 1 + (1 | s) + (1 | d)",
          _components("y ~ 1", "s", "d")),
    Model("insteval_service", "InstEval, with service", "insteval", "y ~ service + (1 | s) + (1 | d)",
          _components("y ~ service", "s", "d")),
    Model("insteval_dept", "InstEval, three crossed factors", "insteval",
          "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)",
          _components("y ~ service", "s", "d", "dept:service")),
)
