"""The page of times: its results file is complete, every fit in it is right, and the page says what the file says.

Nothing is timed here."""

import json
import re

import pytest

from bookext.made import LINE, make
from mlmlib.bench import general, page, page_general
from mlmlib.bench.general_models import GENERAL, table
from mlmlib.bench.models import MODELS
from mlmlib.bench.programs import LOCK, PACKAGES, _short
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
    assert names | set(FOUND["missing"]) >= {"mlmlib", "lme4", *PACKAGES} == {"lme4", *PROGRAMS}
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
    for name in PACKAGES:
        version = re.search(rf"^{name}==([^\s;\\]+)", lock, re.M).group(1)
        assert FOUND["programs"].get(name, {"version": version})["version"] == version


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
