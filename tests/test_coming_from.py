"""What the page for those who come from another program tells them to type, runs."""

import re
from pathlib import Path

import pytest

import mlmlib as mlm

PAGE = (Path(__file__).resolve().parent.parent / "backmatter" / "coming_from.md").read_text(encoding="utf-8")


def calls():
    """The code of the second column of every table, without what only names a thing: options, dots, formulas."""
    for line in PAGE.splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) == 5 and "---" not in line:
            yield from (code for code in re.findall(r"`([^`]+)`", cells[2])
                        if re.match(r"(fit\.|mlm\.)", code) and "..." not in code)


CALLS = sorted(set(calls()))


@pytest.fixture(scope="module")
def names():
    df = mlm.load("hsb").iloc[:1500]
    null = mlm.lmm("mathach ~ cses + sector + (1 | school)", df)
    fit = mlm.lmm("mathach ~ cses + sector + (1 + cses | school)", df)
    panels = {kind: mlm.panel("mathach ~ ses", df, groups="school", effects=kind) for kind in ("within", "random")}
    return {"mlm": mlm, "df": df, "null": null, "fit": fit, "fe": panels["within"], "re": panels["random"]}


def test_there_is_something_to_run():
    assert len(CALLS) > 25


@pytest.mark.parametrize("code", CALLS)
def test_a_call_of_the_page_runs(code, names):
    if code == "fit.ratios()":  # of a fit with a logit
        names = names | {"fit": mlm.glmm("resp ~ age + (1 | id)", mlm.load("ohio"), family="binomial")}
    assert eval(code, dict(names)) is not None


@pytest.mark.parametrize("code", [line.split("#")[0].strip() for line in PAGE.splitlines()
                                  if line.startswith("mlm.translate(")])
def test_a_line_is_turned_around(code):
    assert str(eval(code, {"mlm": mlm}))


@pytest.mark.parametrize("option", ["covariance=\"independent\"", "reml=False", 'correlation=mlm.ar1("Days", group="Subject")',
                                    'variance=mlm.by_group("Days")'])
def test_an_option_of_the_page_is_one(option):
    name = option.split("=")[0]
    assert name in PAGE
    fit = eval(f'mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"), {option})', {"mlm": mlm})
    assert fit.converged
