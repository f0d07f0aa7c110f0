"""The pages that code makes: they grow with the chapters, say what the tests say, and link to places that exist."""

import re

import pytest

import mlmlib as mlm
from bookext.made import LINE, make
from mlmlib.published import claims, page, r_results
from mlmlib.published.agreement import VERDICTS, Row, rounds_to
from mlmlib.report import book, rosetta
from mlmlib.report.translate import TARGETS, general
from toc import ROOT, chapters


@pytest.fixture(scope="module")
def numbers():
    return make((ROOT / "backmatter" / "reference_numbers.md").read_text(encoding="utf-8"), ROOT)


@pytest.fixture(scope="module")
def stone():
    return make((ROOT / "backmatter" / "rosetta.md").read_text(encoding="utf-8"), ROOT)


def test_every_published_value_stands_on_the_page(numbers):
    assert not LINE.search(numbers)
    assert "573 published values, all of them checked" in numbers
    assert "395 agree to every printed digit, 154 by a stated rule, and 24 do not" in numbers
    shown = len(re.findall(rf"^\| .* \| (?:{'|'.join(page.SHORT.values())}) \|$", numbers, re.M))
    targets = len(list(page.lme4_vignette.targets()))
    assert shown == 573 - 24 + targets  # the false optimum has a table of its own


def test_no_value_differs_without_a_reason():
    assert not [row for row in page.rows() if row.verdict == "differs"]
    assert set(page.SHORT) == set(VERDICTS)


def test_a_row_knows_its_difference():
    row = Row("x", "m", "coef", "a", "-1.50", -1.4, "differs")
    assert row.difference == pytest.approx(0.1) and not row.stands and page.difference(row) == "1e\u22121"
    assert Row("x", "m", "p", "", "< 2.2e-16", 1e-40, "digits").difference is None
    assert rounds_to(0.12345, ".1235") and not rounds_to(0.1236, ".1235")


def test_ours_is_shown_beyond_the_printed_digits():
    assert page.shown(-7.80555555, "-7.805556") == "\u22127.80555555" and page.shown(23.0, "23") == "23"
    assert page.printed("-.5") == "\u2212.5" and page.printed("chibar2(01)") == "chibar2(01)"


def test_claims_of_written_chapters_have_verdicts():
    written = {int(name.split("/")[1][:2]) for name in chapters()}
    labels = book.labels(ROOT)
    for claim in claims.claims():
        if claim["chapter"] in written:
            assert claims.verdict(claim["id"]), claim["id"]
            assert claims.PLACES[claim["id"]] in labels
    assert set(claims.PLACES) == set(claims.CHECKS)


def test_the_false_optimum_is_explained(numbers):
    part = numbers.split("## The false optimum")[1].split("## The claims")[0]
    assert "{ref}`Chapter 4 <ch04-trap>`" in part and "8.25 lower" in part and "14 of its 14 values" in part


def test_r_is_close_and_nothing_is_left_out(numbers):
    worst = {d.kind: max(x.worst for x in r_results.differences() if x.kind == d.kind) for d in r_results.differences()}
    of_glmm = {kind: worst.pop(kind) for kind in list(worst) if kind.startswith("generalized")}
    assert worst.pop("variances and covariances") < 1e-5 and max(worst.values()) < 1e-6
    assert max(of_glmm["generalized: log-likelihood"], of_glmm["generalized: coefficients"]) < 1e-5
    assert max(of_glmm.values()) < 1e-3, "the tests of test_reference_glmm.py say where R stops short of 1e-5"
    stored = {path.stem for path in (ROOT / "tests" / "reference" / "r").glob("*.json")}
    assert {d.file for d in r_results.differences()} | {name for name, _ in r_results.others()} == stored


def test_every_chapter_gives_models(stone):
    known = rosetta.entries(ROOT)
    assert {use.chapter for entry in known for use in entry.uses} == {int(name.split("/")[1][:2]) for name in chapters()}
    assert len({entry.key for entry in known}) == len({entry.anchor for entry in known}) == len(known) >= 20
    for entry in known:
        assert f"({entry.anchor})=" in stone and f"<{entry.anchor}>" in stone
    assert stone.count("<fieldset") == len(known)


def test_calls_on_the_page_run(stone):
    entry = next(e for e in rosetta.entries(ROOT) if e.kind == "slopes")
    scope = {"mlm": mlm, "df": entry.uses[0].table}
    exec(rosetta.translate_call(entry), scope)
    assert scope["fit"].llf == pytest.approx(entry.fit.llf)


def test_one_equation_a_model():
    for entry in rosetta.entries(ROOT):
        text = rosetta.equation(entry.fit)
        assert text.count("aligned") == 2
        if hasattr(entry.fit, "family"):  # distribution and link stand above the linear predictor
            assert "eta_{" in text and len(re.findall(r"(?<![a-zA-Z])e_\{", text)) == 0
        else:
            assert "sim" not in text and len(re.findall(r"(?<![a-zA-Z])e_\{", text)) == 1


def test_spelling_does_not_make_another_model():
    a = rosetta.meaning("y ~ x * w + (x | g)", "lmm", {})
    assert a == rosetta.meaning("y ~ w + x + x:w + (1 + x | g)", "lmm", {"reml": True})
    assert a != rosetta.meaning("y ~ x * w + (x || g)", "lmm", {}) and a != rosetta.meaning("y ~ x * w + (x | g)", "lmm", {"reml": False})


def test_several_outcomes_stand_on_the_page():
    a = rosetta.meaning("a + b ~ x * w + (1 | g)", "multivariate", {})
    assert a == rosetta.meaning("b + a ~ w * x + (1 | g)", "multivariate", {"reml": True})
    assert a != rosetta.meaning("a + b ~ x * w + (1 | g)", "multivariate", {"equal": "x"})
    assert a != rosetta.meaning("a ~ x * w + (1 | g)", "lmm", {})
    assert rosetta.kind("a + b ~ x", fitter="multivariate") == "outcomes"
    fit = mlm.multivariate("written + course ~ gender + (1 | school)", mlm.load("gcsemv"))
    assert rosetta.equation(fit).count("aligned") == 2 and "y_{hij}" in rosetta.equation(fit)
    assert "$ +" not in rosetta.equation(fit) and "sim" not in rosetta.equation(fit)


def test_defaults_are_told_for_every_program(stone):
    table = stone.split("(rosetta-defaults)=")[1].split("Where each trips")[0]
    names = {"lme4": "lme4", "nlme": "nlme", "stata": "Stata", "sas": "SAS", "spss": "SPSS", "hlm": "HLM", "julia": "MixedModels.jl", "statsmodels": "statsmodels"}
    assert set(names) == set(TARGETS)
    assert not [name for name in ("mlmlib", *names.values()) if not re.search(rf"^\| {re.escape(name)}", table, re.M)]
    table = stone.split("(rosetta-defaults-general)=")[1].split("Where each trips")[0]
    own = {"lme4": "`glmer`", "glmmtmb": "glmmTMB", "ordinal": "`clmm`", "nlme": "`glmmPQL`", "stata": "Stata", "sas": "SAS", "spss": "SPSS",
           "hlm": "HLM", "julia": "MixedModels.jl", "statsmodels": "statsmodels"}
    assert set(own) == set(general.TARGETS)
    assert not [name for name in ("mlmlib", *own.values()) if not re.search(rf"^\| .*{re.escape(name)}", table, re.M)]


def test_other_code_is_read_and_refused_with_reasons(stone):
    part = stone.split("(rosetta-back)=")[1]
    assert part.count("\nbecomes\n") == len(rosetta.OTHERS) and part.count("is refused: ") == len(rosetta.NOT_READ)


def test_pages_of_a_preview_link_only_within_it():
    text = rosetta.models(ROOT, {"chapters/04_random_slopes"}) + page.claims(ROOT, {"chapters/04_random_slopes"})
    assert set(re.findall(r"<(ch\d\d)", text)) == {"ch04"}
