"""The page of times from a small made-up results file: ratios are right, losses are named with a cause, what is missing is explained."""

from __future__ import annotations

import json

import pytest

from mlmlib.bench import losses, page, page_general, page_tasks
from mlmlib.bench.general_models import GENERAL
from mlmlib.bench.inference_tasks import INFERENCE
from mlmlib.bench.panel_tasks import PANEL, table


def fit(median, above=0.0, note="", **more):
    return {"median": median, "above": above, "note": note, **more}


def results_of(**results):
    return {"mlmlib": fit(0.002)} | results


CANNOT = next(model.statsmodels["cannot"] for model in page.MODELS if "cannot" in model.statsmodels)
WHERE = {"processor": "P", "cores": 2, "memory": 8 * 2 ** 30, "system": "Linux", "load": 1.25, "python": "3.11.1", "numpy": "2.0", "scipy": "1.14"}
FOUND = {
    "date": "2026-01-02", "machine": WHERE, "missing": {"glmm": "no wheel for this Python"},
    "programs": {"mlmlib": {"version": "0.1"}, "statsmodels": {"version": "0.15"}, "lme4": {"version": "1.1", "r": "4.2", "blas": "libblas"},
                 "lme4, OpenBLAS": {"version": "1.1", "r": "4.2", "blas": "libopenblas"}},
    "rows": [
        {"key": "hsb_null", "title": "HSB", "formula": "y ~ 1 + (1 | g)", "results": {
            "mlmlib": fit(0.002), "statsmodels": fit(0.5, 0.25, "did not converge"), "lme4": fit(0.001, 2e-7), "lme4, OpenBLAS": fit(0.05)}},
        {"key": "hsb_slopes", "title": "slopes", "formula": "y ~ x + (x | g)", "results": {
            "mlmlib": fit(0.01, 3e-9), "statsmodels": {"error": f"ValueError: {CANNOT}"}, "lme4": fit(0.25), "lme4, OpenBLAS": {"error": "no answer within 30 s."}}}],
    "shares": [{"key": "hsb_null", "title": "HSB", "evaluations": 4, "seconds": [0.1, 0.1, 0.7, 0.1]},
               {"key": "hsb_slopes", "title": "slopes", "evaluations": 8, "seconds": [0.1, 0.1, 0.8, 0.0]}],
    "general": {"date": "2026-01-03", "machine": WHERE | {"load": None}, "missing": {"ordinal": "R is not on this machine"},
                "programs": {"mlmlib": {"version": "0.1"}, "glmm": {"version": "3"}, "lme4": {"version": "1.1"}},
                "rows": [{"key": "verbagg", "title": "verbagg", "results": results_of(glmm=fit(0.001), lme4=fit(0.08, 0.5))},
                         {"key": "contraception_agq", "title": "agq", "results": results_of(
                             glmm={"error": f"ValueError: {page_general.NONE}"}, lme4={"error": "no answer within 30 s."})},
                         {"key": "epil", "title": "epil", "results": results_of(
                             glmm=fit(0.004, -3.0, different="it leaves constants out"), lme4=fit(0.004, 0.0, "did not converge"))}],
                "steps": [{"key": key, "title": key, "evaluations": 9, "seconds": [0.003, 0.001]} for key in ("verbagg", "contraception_agq", "epil")]},
    "inference": [{"title": "each left out", "ours": 0.5, "found": "d 1", "program": "lme4", "seconds": 0.25, "other": "d 1"},
                  {"title": "bootstrap", "ours": 0.5, "found": "n 9", "program": "lme4", "seconds": None, "other": ""}],
    "panel": {"date": "2026-01-04", "load": [None, None], "missing": {"plm": "R is not on this machine"},
              "programs": {"mlmlib": {"version": "0.1"}, "statsmodels": {"version": "0.15"}, "linearmodels": {"version": "7"}},
              "rows": [{"key": "cr1s", "title": "CR1S", "results": {
                            "mlmlib": {"median": 0.002, "apart": 0.0}, "statsmodels": {"median": 0.001, "apart": 2e-5, "different": "moments"},
                            "linearmodels": {"error": "it broke."}}},
                       {"key": "within", "title": "within", "results": {
                           "mlmlib": {"median": 0.002, "apart": 0.0}, "statsmodels": {"median": 0.004, "apart": None}}}]},
    "tasks": {"date": "2026-01-05", "load": [3.0, 1.5], "missing": {}, "programs": {"mlmlib": {"version": "0.1"}, "lme4": {"version": "1.1"}},
              "rows": [{"key": "profile", "title": "profile", "results": {"mlmlib": {"median": 0.002, "apart": 0.0},
                                                                         "lme4": {"median": 0.001, "apart": 1e-12}}}]},
    "growth": {"rows": [{"rows": n, "groups": 10, "seconds": 1e-6 * n, "peak": 2 ** 30, "before": 2 ** 29} for n in (1000, 10_000)],
               "largest": [{"rows": 10_000_000, "groups": 1000, "seconds": 9.5, "wall": 12.0, "evaluations": 11, "peak": 3 * 2 ** 29,
                            "before": 2 ** 29}]},
}


@pytest.fixture
def root(tmp_path):
    """A book whose results are those above."""
    (tmp_path / "backmatter").mkdir()
    (tmp_path / page.RESULTS).write_text(json.dumps(FOUND), encoding="utf-8")
    return tmp_path


def cells(text: str, title: str) -> list[str]:
    """The cells of the line of a table that begins with a title."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_times_and_ratios_with_losses_in_bold(root):
    assert cells(page.times(root), "HSB") == ["HSB", "2.00", "500", "1.00", "50.0"] and "- slopes: `y ~ x + (x | g)`" in page.times(root)
    assert cells(page.ratios(root), "HSB") == ["HSB", "250", "**0.500**", "25.0"]
    assert cells(page.ratios(root), "slopes") == ["slopes", "none", "25.0", "none"]
    assert "Of 4 comparisons mlmlib wins 3 and loses 1" in page.ratios(root) and "lme4 with OpenBLAS" in page.ratios(root)


def test_criteria_far_above_the_lowest_are_bold(root):
    text = page.criteria(root)
    assert cells(text, "HSB") == ["HSB", "0", "**0.250** (no convergence)", "2e\u22127", "0"]
    assert text.startswith("mlmlib is never more than 3e\u22129 above the lowest.")


def test_what_is_missing_is_explained(root):
    assert page.missing(root).splitlines() == [
        "- glmm was not compared: no wheel for this Python.", f"- slopes, statsmodels: not asked: it has {CANNOT}.",
        "- slopes, lme4, OpenBLAS: no answer within 30 s."]
    assert page_general.missing(root).splitlines() == [
        "- ordinal was not compared: R is not on this machine.", "- agq, lme4: no answer within 30 s."]


def test_nothing_missing_is_said_too(tmp_path):
    whole = {"missing": {}, "rows": FOUND["rows"][:1], "general": FOUND["general"] | {"missing": {}, "rows": FOUND["general"]["rows"][:1]}}
    (tmp_path / "backmatter").mkdir()
    (tmp_path / page.RESULTS).write_text(json.dumps(whole), encoding="utf-8")
    assert page.missing(tmp_path) == "None." and page_general.missing(tmp_path) == "All fits came about."


def test_aims_are_met_or_missed_and_unmeasured_ones_left_out(root):
    text = page.goals(root)
    assert cells(text, "HSB random slopes: 20 times as fast as lme4")[1:] == ["25.0\u00a0\u00d7", "met"]
    assert cells(text, "every model faster than lme4: the least ratio")[1:] == ["0.500\u00a0\u00d7", "**missed**"]
    assert cells(text, "HSB: 100 times as fast as statsmodels: the least ratio")[1:] == ["250\u00a0\u00d7", "met"]
    assert "glmm" not in text
    general = page_general.goals(root)
    assert cells(general, "verbagg: 25 times as fast as lme4")[1:] == ["40.0\u00a0\u00d7", "met"]
    assert cells(general, "verbagg: not slower than glmm")[1:] == ["0.500\u00a0\u00d7", "**missed**"] and "quadrature" not in general


def test_when_and_where_it_was_measured(root):
    text = page.machine(root)
    assert text.startswith("Measured on 2026-01-02: P, 2 cores, 8 GB, Linux; Python 3.11.1") and "(load 1.2 " in text
    assert "statsmodels 0.15, lme4 1.1 in R 4.2 with `libblas`, and once more with `libopenblas`." in text
    assert page_general.machine(root) == "Measured on 2026-01-03: mlmlib 0.1, glmm 3, lme4 1.1."


def test_without_lme4_the_machine_is_told_all_the_same(tmp_path):
    (tmp_path / "backmatter").mkdir()
    alone = {"date": "2026-01-02", "machine": WHERE | {"load": 0}, "programs": {"mlmlib": {"version": "0.1"}}}
    (tmp_path / page.RESULTS).write_text(json.dumps(alone), encoding="utf-8")
    assert page.machine(tmp_path).endswith("SciPy 1.14; mlmlib 0.1.")


def test_a_second_r_is_named_only_where_there_was_one(tmp_path):
    (tmp_path / "backmatter").mkdir()
    programs = {name: about for name, about in FOUND["programs"].items() if name != "lme4, OpenBLAS"}
    (tmp_path / page.RESULTS).write_text(json.dumps(FOUND | {"programs": programs}), encoding="utf-8")
    assert "with `libblas`." in page.machine(tmp_path) and "once more" not in page.machine(tmp_path)


def test_generalized_models(root):
    text = page_general.ratios(root)
    assert "Of 4 comparisons mlmlib wins 3 and loses 1" in text and cells(text, "verbagg") == ["verbagg", "**0.500**", "40.0"]
    assert cells(text, "agq") == ["agq", "\u2013", "none"], "a dash for what it does not have, none for what did not come about"
    assert cells(page_general.times(root), "epil") == ["epil", "2.00", "4.00", "4.00"]
    criteria = page_general.criteria(root)
    assert cells(criteria, "verbagg") == ["verbagg", "0", "0", "**0.500**"] and cells(criteria, "epil") == ["epil", "0", "other", "0 (no convergence)"]
    assert criteria.endswith("- epil, glmm: it leaves constants out.")
    assert cells(page_general.steps(root), "epil") == ["epil", "3.00", "1.00", "9"]
    assert page_general.formulas(root).count("mlm.glmm(") == len(GENERAL) and 'nodes=7' in page_general.formulas(root)


def test_steps_and_growth(root):
    assert cells(page.steps(root), "HSB")[1:] == ["100", "100", "700", "100", "4", "175"]
    text = page.growing(root)
    assert "Ten times as many take 10.0 times as long" in text and "rises by 1.00 for each unit" in text
    assert cells(text, "10,000") == ["10,000", "0.0100", "1,024", "512"] and text.count("**More ") == 1
    assert "**10,000,000 rows in 1,000 groups**" in text and "1.50 GB at most, of which 0.50 GB" in text


def test_after_the_fit(root):
    assert cells(page.after(root), "each left out")[1:] == ["500", "lme4", "250", "0.500", "d 1", "d 1"]
    assert cells(page.after(root), "bootstrap")[1:5] == ["500", "lme4", "not measured", ""]


def test_tasks_and_how_far_their_answers_are_apart(root):
    text = page_tasks.panel(root)
    assert text.startswith("Measured on 2026-01-04: mlmlib 0.1, statsmodels 0.15, linearmodels 7.\n")
    assert cells(text, "CR1S") == ["CR1S", "2.00", "**0.500**", "none"] and cells(text, "within") == ["within", "2.00", "2.00", "\u2013"]
    assert "Of 2 comparisons mlmlib wins 1 and loses 1" in text
    assert text.endswith("- CR1S, linearmodels: it broke.\n- plm was not compared: R is not on this machine.")
    answers = page_tasks.panel_answers(root)
    assert cells(answers, "CR1S") == ["CR1S", "2e\u22125*", "none"] and cells(answers, "within") == ["within", "other", "\u2013"]
    assert answers.endswith("- \\* statsmodels (CR1S): moments.")
    assert "its load was 3.0 at the beginning and 1.5 at the end" in page_tasks.inference(root)
    assert cells(page_tasks.inference_answers(root), "profile") == ["profile", "0"] and "\\*" not in page_tasks.inference_answers(root)


def test_losses_are_listed_largest_first_with_their_causes(root):
    found = losses.losses(FOUND)
    assert [(one.title, one.program, one.factor) for one in found] == [
        ("HSB", "lme4", 2.0), ("verbagg", "glmm", 2.0), ("CR1S", "statsmodels", 2.0), ("profile", "lme4", 2.0), ("each left out", "lme4", 2.0)]
    assert found[0].cause == "our search alone takes 1.40 ms, 4 evaluations of 0.350 ms with derivatives; its whole fit 1.00 ms"
    assert found[1].cause == "our fit without standard errors takes 1.50 ms with 9 evaluations, its fit with them 1.00 ms"
    assert found[2].cause == next(task for task in PANEL if task.key == "cr1s").causes["statsmodels"]
    known = next(task for task in INFERENCE if task.key == "profile").causes
    assert found[3].cause == known.get("lme4", losses.UNKNOWN) and found[4].cause == losses.UNKNOWN
    assert losses.page(root).startswith("In 5 of the comparisons on this page another program is faster.\n\n- **2.00** times as long as lme4: HSB;")


def test_a_page_without_losses(tmp_path):
    (tmp_path / "backmatter").mkdir()
    empty = {"rows": [], "shares": [], "inference": [], "general": {"rows": [], "steps": []}, "panel": {"rows": []}, "tasks": {"rows": []}}
    (tmp_path / page.RESULTS).write_text(json.dumps(empty), encoding="utf-8")
    assert losses.page(tmp_path) == "Nowhere in these tables."


def test_three_digits_whatever_the_size():
    assert page.digits(0) == "0" and page.digits(-1234.5) == "-1,234"
    assert (page.digits(9.999), page.digits(9.99), page.digits(99.97)) == ("10.0", "9.99", "100")


def test_the_large_panel_is_drawn_the_same_each_time():
    large = table("large")
    assert large.equals(table("large")) and len(large) == 200_000 and large["g"].nunique() == pytest.approx(20_000, rel=0.01)
    assert not large.duplicated(["g", "year"]).any() and set(large.columns) == {"g", "year", "x", "z", "y"}
