"""The page of times: its results file is complete, every fit in it is right, and the page says what the file says.

Nothing is timed here."""

import json
import re

import pytest

from bookext.made import LINE, make
from mlmlib.bench import general, inference_tasks, losses, page, page_general, page_tasks, panel_tasks
from mlmlib.bench.general_models import GENERAL, table
from mlmlib.bench.models import MODELS
from mlmlib.bench.programs import INSTALLED, LOCK, PACKAGES, _short
from mlmlib.bench.worker import PROGRAMS
from toc import ROOT, pages

FOUND = json.loads((ROOT / page.RESULTS).read_text(encoding="utf-8"))
TEXT = (ROOT / "backmatter" / "bench.md").read_text(encoding="utf-8")
MADE = make(TEXT, ROOT)


def test_the_page_is_in_the_book_and_made_whole():
    assert "backmatter/bench" in pages() and not LINE.search(MADE)
    assert not FOUND["quick"] and re.fullmatch(r"\d{4}-\d\d-\d\d", FOUND["date"])


def test_every_model_is_timed_by_every_program_or_the_reason_is_told():
    assert [row["key"] for row in FOUND["rows"]] == [model.key for model in MODELS]
    names = set(FOUND["programs"])
    assert names | set(FOUND["missing"]) >= {"mlmlib", "lme4", *PACKAGES} == {"lme4", *PROGRAMS} - {"linearmodels"}
    for row, model in zip(FOUND["rows"], MODELS):
        assert row["formula"] == model.formula and set(row["results"]) == names
        for name, own in row["results"].items():
            if "error" in own:
                assert own["error"] and f"{row['title']}, {name}: {page.reason(own)}" in MADE
            else:
                assert own["median"] > 0 and own["above"] >= 0 and (own["fits"] >= 2 or own["median"] > 10)


def test_mlmlib_fits_all_and_never_worse_than_the_best():
    for row in FOUND["rows"]:
        ours = row["results"]["mlmlib"]
        assert ours["above"] < 1e-6 and not ours["note"], row["key"]


def test_mlmlib_and_lme4_agree():
    for row in FOUND["rows"]:
        for name in ("lme4", "lme4, OpenBLAS"):
            if name in row["results"]:
                excess = row["results"][name]["criterion"] - row["results"]["mlmlib"]["criterion"]
                assert abs(excess) < 1e-6, (row["key"], excess)


@pytest.mark.parametrize("model", [model for model in MODELS if model.data != "insteval"], ids=lambda model: model.key)
def test_the_criterion_of_the_file_is_the_librarys(model):
    import mlmlib as mlm

    row = next(row for row in FOUND["rows"] if row["key"] == model.key)
    assert mlm.lmm(model.formula, mlm.load(model.data)).criterion == pytest.approx(
        row["results"]["mlmlib"]["criterion"], abs=1e-6)


def test_every_number_of_the_table_comes_from_the_file():
    names = list(FOUND["programs"])
    table = page.times(ROOT).splitlines()
    for line, row in zip(table[2:], FOUND["rows"]):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        shown = ["none" if "error" in row["results"][name] else page.digits(1e3 * row["results"][name]["median"]) for name in names]
        assert cells == [row["title"], *shown] and line in MADE
    assert not re.search(r"\d+(\.\d+)? (ms|seconds|times as)", TEXT), "a measured number is typed"


def test_losses_are_shown():
    lost = [(row, own) for row in FOUND["rows"] for own in row["results"].values()
            if "median" in own and own["median"] < row["results"]["mlmlib"]["median"]]
    assert f"loses {len(lost)}" in MADE
    for row, own in lost:
        assert f"**{page.digits(own['median'] / row['results']['mlmlib']['median'])}**" in page.ratios(ROOT)


def test_growth_reaches_ten_million_rows():
    largest = FOUND["growth"]["largest"][0]
    assert (largest["rows"], largest["groups"], largest["effects"]) == (10_000_000, 100_000, 2) and largest["converged"]
    assert largest["peak"] < 2 * 2 ** 30, "the fit keeps few copies of the columns"
    for name in page.GROWS:
        cases = FOUND["growth"][name]
        assert len(cases) >= 4 and all(case["converged"] for case in cases)
    assert page.slope(FOUND["growth"]["rows"], "rows") < 1.1, "time is proportional to the rows"


def test_slope_of_logarithms():
    cases = [{"rows": n, "seconds": 3e-6 * n ** 1.5} for n in (10, 100, 1000)]
    assert page.slope(cases, "rows") == pytest.approx(1.5)


def test_the_other_programs_are_locked():
    lock = (ROOT / LOCK).read_text(encoding="utf-8")
    assert "://" not in lock
    for name in INSTALLED:
        version = re.search(rf"^{name}==([^\s;\\]+)", lock, re.M).group(1)
        for part in (FOUND, FOUND["general"], FOUND["panel"]):
            assert part["programs"].get(name, {"version": version})["version"] == version


def test_a_long_message_becomes_one_line_without_paths():
    assert _short("ValueError: no\nmore") == "ValueError: no"
    assert _short("cannot read " + "/".join(["", "some", "where", "file.csv"])) == "cannot read ..."


GENERALIZED = FOUND["general"]


def test_every_generalized_model_is_timed_by_every_program_that_has_it():
    assert [row["key"] for row in GENERALIZED["rows"]] == [model.key for model in GENERAL] and not GENERALIZED["quick"]
    names = set(GENERALIZED["programs"])
    assert names | set(GENERALIZED["missing"]) == {"mlmlib", *general.PROGRAMS, *general.R_PACKAGES}
    for row, model in zip(GENERALIZED["rows"], GENERAL):
        for name, own in row["results"].items():
            assert ("median" in own) == (name == "mlmlib" or name in model.programs) or "error" in own, (row["key"], name)
            assert own.get("different") == (model.different.get(name) if "median" in own else None)


@pytest.mark.parametrize("model", GENERAL, ids=lambda model: model.key)
def test_generalized_criteria_are_the_librarys_and_nobodys_is_lower(model):
    import mlmlib as mlm

    row = next(row for row in GENERALIZED["rows"] if row["key"] == model.key)
    fit = mlm.glmm(model.formula, table(model.data), **model.arguments)
    ours = row["results"]["mlmlib"]
    assert fit.criterion == pytest.approx(ours["criterion"], abs=1e-6)
    assert ours["above"] < 1e-6 and not ours["note"]
    for name, own in row["results"].items():
        if "different" not in own and "median" in own:
            assert own["above"] > -1e-9, name


def test_generalized_losses_are_shown_and_no_number_is_typed():
    lost = [own for row in GENERALIZED["rows"] for own in row["results"].values()
            if "median" in own and own["median"] < row["results"]["mlmlib"]["median"]]
    assert f"loses {len(lost)};" in page_general.ratios(ROOT) and page_general.ratios(ROOT) in MADE
    assert "met" in page_general.goals(ROOT)


# part of the file: its tasks, the programs it should have, and the functions of the page that show it
TASKS = {
    "panel": (panel_tasks.PANEL, {*panel_tasks.PACKAGES, *panel_tasks.R_PACKAGES}, (page_tasks.panel, page_tasks.panel_answers)),
    "tasks": (inference_tasks.INFERENCE, {*inference_tasks.R_PACKAGES}, (page_tasks.inference, page_tasks.inference_answers))}


@pytest.mark.parametrize("part", TASKS)
def test_every_task_is_timed_by_every_program_that_has_it(part):
    which, programs, shown = TASKS[part]
    own = FOUND[part]
    assert [row["key"] for row in own["rows"]] == [task.key for task in which] and not own["quick"]
    assert set(own["programs"]) | set(own["missing"]) == {"mlmlib", *programs} and len(own["load"]) == 2
    for row, task in zip(own["rows"], which):
        assert set(row["results"]) == {name for name in task.programs if name in own["programs"]}
        for name, result in row["results"].items():
            assert result.get("different") == task.different.get(name)
            assert "error" in result or (result["median"] > 0 and len(result["numbers"]) and result["fits"] >= 1), name
    for function in shown:
        assert function(ROOT) in MADE


@pytest.mark.parametrize("part", TASKS)
def test_tasks_have_one_answer_where_no_reason_is_given(part):
    for row in FOUND[part]["rows"]:
        for name, own in row["results"].items():
            assert "error" in own or "different" in own or own["apart"] < 2e-5, (row["key"], name, own["apart"])


QUICK = [(part, task) for part, (which, _, _) in TASKS.items() for task in which if task.data != "large"]


@pytest.mark.parametrize("part, task", QUICK, ids=lambda one: getattr(one, "key", one))
def test_numbers_of_tasks_are_the_librarys(part, task, tmp_path):
    """What the worker computes now, against what the file says it found."""
    from mlmlib.bench import general_models, worker

    path = tmp_path / "data.csv"
    (panel_tasks.table if part == "panel" else general_models.table)(task.data).to_csv(path, index=False)
    names = worker.MODULES["mlmlib"]() | {"data": worker.pandas_table(path)}
    ready, code = task.programs["mlmlib"]
    names["made"] = eval(ready, names)
    stored = next(row for row in FOUND[part]["rows"] if row["key"] == task.key)["results"]["mlmlib"]["numbers"]
    assert [float(one) for one in eval(code, names)] == pytest.approx(stored, rel=1e-5, abs=1e-7)


def test_every_loss_is_listed_with_its_cause():
    lost = losses.losses(FOUND)
    parts = [FOUND["rows"], FOUND["general"]["rows"], *(FOUND[part]["rows"] for part in TASKS)]
    count = sum(own["median"] < row["results"]["mlmlib"]["median"] for rows in parts for row in rows
                for own in row["results"].values() if "median" in own)
    count += sum(row["seconds"] is not None and row["seconds"] < row["ours"] for row in FOUND["inference"])
    assert len(lost) == count and f"In {count} of the comparisons" in MADE
    assert all(one.cause != losses.UNKNOWN and one.factor > 1 for one in lost), [one for one in lost if one.cause == losses.UNKNOWN]
    assert losses.page(ROOT) in MADE


def test_the_cause_of_a_loss_follows_the_measured_shares():
    step = {"seconds": [0.2, 0.1, 0.6, 0.1], "evaluations": 10}
    assert losses._linear(step, 1e-3, 1e-4).startswith("our *formula and table* alone takes 0.200 ms")
    assert "before and after the search takes 0.400 ms" in losses._linear(step, 1e-3, 3e-4)
    assert "search alone takes 0.600 ms, 10 evaluations of 0.0600 ms" in losses._linear(step, 1e-3, 5e-4)
    assert "no single part" in losses._linear(step, 1e-3, 9e-4)
    step = {"seconds": [0.3, 0.7], "evaluations": 4}
    assert losses._general(step, 1e-2, 2e-3).startswith("our fit without standard errors takes 3.00 ms with 4")
    assert losses._general(step, 1e-2, 5e-3).startswith("our standard errors")


def test_no_loss_is_told_as_such():
    nobody = {"rows": [], "general": {"rows": [], "steps": []}, "shares": [], "panel": {"rows": []}, "tasks": {"rows": []},
              "inference": []}
    assert losses.losses(nobody) == []


def test_absent_programs_are_named():
    assert {"MixedModels.jl", "fixest"} <= set(page_tasks.ABSENT)
    assert all(f"- {name} was not compared: {why}." in MADE for name, why in page_tasks.ABSENT.items())
