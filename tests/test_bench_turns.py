"""How programs take turns when they are timed, what is kept of their answers, and how our own time and memory are measured.

Nothing is timed: the programs are made up, or a tiny model is fitted once, and what is asserted is what was counted.
"""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mlmlib as mlm
from mlmlib.bench import compare, general, growth, inference, shares, tasks
from mlmlib.bench.general_models import GENERAL
from mlmlib.bench.models import MODELS, Model
from mlmlib.bench.programs import NoAnswer, Program
from mlmlib.bench.tasks import Task
from toc import ROOT


class Made:
    """A program that takes `wall` seconds a fit and fails where it is told to: at the reading, or at the fit of a number."""

    about = {"version": "1"}

    def __init__(self, name, wall=0.001, criterion=100.0, fails=None, dies=False, log=None):
        self.name, self.wall, self.criterion, self.fails, self.dies = name, wall, criterion, fails, dies
        self.fits, self.log, self.alive = 0, [] if log is None else log, True
        self.process = self

    def poll(self):
        return None if self.alive else 3

    def read(self, path):
        if self.fails == "read":
            raise NoAnswer("it cannot read")

    def fit(self, model, limit):
        self.limit, self.fits = limit, self.fits + 1
        self.log.append(self.name)
        if self.fits == self.fails:
            self.alive = not self.dies
            raise NoAnswer(f"fit {self.fits} failed")
        return {"seconds": self.wall, "wall": self.wall, "criterion": self.criterion, "note": ""}

    prepared = None

    def prepare(self, ready, code, limit):
        self.prepared = ready, code

    def run(self, limit):
        return self.fit(None, limit) | {"numbers": [1.0, self.criterion]}

    def stop(self):
        self.stopped = True


MODEL = Model("key", "Title", "data", "y ~ 1", {})


def row(*programs, model=MODEL, quick=True, gone=None):
    return compare._row(model, "data.csv", programs, quick, {} if gone is None else gone)["results"]


def test_a_turn_is_a_few_quick_fits_or_one():
    """The first fit warms up; then five turns of at most five fits, of at most 0.05 s but for the last fit."""
    quick, middle = Made("mlmlib"), Made("lme4", wall=0.03)
    found = row(quick, middle)
    assert quick.fits == 1 + 5 * compare.MOST == 1 + found["mlmlib"]["fits"]
    assert middle.fits == 1 + 5 * 2 and found["lme4"]["median"] == found["lme4"]["wall"] == 0.03
    assert middle.limit == compare.PATIENCE and quick.limit == compare.LIMIT
    assert row(Made("mlmlib"), quick=False)["mlmlib"]["fits"] == compare.ROUNDS * compare.MOST


def test_slow_programs_have_fewer_turns():
    """One of 1.5 s has two turns of the two seconds, one of 20 s only the fit that warms up, which is then counted."""
    found = row(Made("mlmlib"), Made("statsmodels", wall=1.5), Made("lme4", wall=20.0))
    assert found["statsmodels"]["fits"] == 2 and found["lme4"]["fits"] == 1


def test_programs_go_in_one_order_and_then_in_the_other():
    log = []
    row(Made("mlmlib", wall=0.1, log=log), Made("lme4", wall=0.1, log=log))
    assert log == ["mlmlib", "lme4"] + ["lme4", "mlmlib", "mlmlib", "lme4"] * 2 + ["lme4", "mlmlib"]


def test_criteria_are_put_above_the_lowest_of_those_that_can_be_compared():
    model = GENERAL[2]  # of which one program has a criterion of its own
    name = next(iter(model.different))
    found = row(Made("mlmlib", criterion=10.5), Made("lme4", criterion=10.0), Made(name, criterion=3.0), model=model)
    assert found["mlmlib"]["above"] == 0.5 and found["lme4"]["above"] == 0.0 and "different" not in found["lme4"]
    assert found[name]["different"] == model.different[name] and found[name]["above"] == -7.0


def test_who_died_is_not_asked_for_larger_models_of_the_same_data():
    gone, lame = {}, Made("glmm", fails=1, dies=True)
    assert row(Made("mlmlib"), lame, gone=gone)["glmm"] == {"error": "fit 1 failed"}
    assert gone == {("glmm", "data"): "fit 1 failed"}
    later = Made("glmm")
    assert row(Made("mlmlib"), later, gone=gone)["glmm"] == {"error": "not asked: fit 1 failed on a smaller model of these data"}
    assert later.fits == 0 and row(Made("mlmlib"), later, model=MODEL._replace(data="other"), gone=gone)["glmm"]["fits"] > 1


def test_an_error_is_kept_and_the_others_go_on():
    gone = {}
    found = row(Made("mlmlib"), Made("glmm", fails="read"), Made("mixedlm", fails=1), Made("lme4", fails=4), gone=gone)
    assert {name: own.get("error") for name, own in found.items()} == {
        "mlmlib": None, "glmm": "it cannot read", "mixedlm": "fit 1 failed", "lme4": "fit 4 failed"}
    assert gone == {} and found["mlmlib"]["fits"] == 25


SLEEP = Model("sleep", "sleepstudy", "sleepstudy", "Reaction ~ Days + (1 | Subject)", {})


@pytest.fixture
def ours():
    """mlmlib itself in a process of its own, with the worker that the comparison uses."""
    worker = str(Path(compare.__file__).with_name("worker.py"))
    program = Program("mlmlib", [sys.executable, worker, "mlmlib"], "json", {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"})
    yield program
    program.stop()


def test_a_comparison_of_one_model(ours, monkeypatch):
    other = Made("lme4", fails=1)
    monkeypatch.setattr(compare, "start", lambda root, blas: ([ours, other], {"glmm": "no wheel"}))
    smaller = SLEEP._replace(key="smaller", formula="Reaction ~ 1 + (1 | Subject)")
    monkeypatch.setattr(compare, "MODELS", (SLEEP, smaller, SLEEP._replace(key="large", data="insteval")))
    said = []
    found = compare.compare(ROOT, quick=True, say=said.append)
    assert found["programs"] == {"mlmlib": {"version": mlm.__version__}, "lme4": {"version": "1"}} and found["missing"] == {"glmm": "no wheel"}
    assert [row["key"] for row in found["rows"]] == ["sleep", "smaller"], "a quick run leaves the large models out"
    own = found["rows"][0]["results"]["mlmlib"]
    assert own["criterion"] == pytest.approx(mlm.lmm(SLEEP.formula, mlm.load("sleepstudy")).criterion, abs=1e-8) and own["above"] == 0.0
    assert "Reaction ~ Days" in said[0] and " ms " in said[1] and said[2].split(maxsplit=1) == ["lme4", "fit 1 failed"]
    assert other.stopped and ours.process.poll() is not None


def test_a_comparison_of_one_generalized_model(ours, monkeypatch):
    monkeypatch.setattr(general, "start", lambda root, packages, r_packages: ([ours], {}))
    monkeypatch.setattr(general, "GENERAL", (GENERAL[0], GENERAL[0]))
    said = []
    found = general.general(ROOT, quick=True, say=said.append)
    fit = mlm.glmm(GENERAL[0].formula, mlm.load("cbpp"), **GENERAL[0].arguments)
    assert found["rows"][0]["results"]["mlmlib"]["criterion"] == pytest.approx(fit.criterion, abs=1e-6)
    step, other = found["steps"]
    assert other["evaluations"] == step["evaluations"] and len(found["rows"]) == 2
    assert step["evaluations"] == fit.n_evaluations and len(step["seconds"]) == 2 and f"{fit.n_evaluations} evaluations" in said[-1]


def task(**programs) -> Task:
    return Task("key", "Title", "sleepstudy", {name: (f"ready {name}", f"code {name}") for name in programs},
                different={"lmerTest": "another method"})


def task_row(which, *programs, rounds=5):
    return tasks._row(which, Path("data.csv"), programs, rounds)["results"]


def test_a_task_is_given_to_the_programs_that_have_it():
    ours, theirs, without = Made("mlmlib"), Made("lmerTest", criterion=101.0), Made("emmeans")
    found = task_row(task(mlmlib=1, lmerTest=1), ours, theirs, without)
    assert list(found) == ["mlmlib", "lmerTest"] and without.fits == 0 and theirs.prepared == ("ready lmerTest", "code lmerTest")
    assert found["mlmlib"]["apart"] == 0.0 and found["lmerTest"]["apart"] == pytest.approx(0.01)
    assert found["lmerTest"]["different"] == "another method" and found["mlmlib"]["fits"] == 25 == ours.fits - 1
    slow = task_row(task(mlmlib=1), Made("mlmlib", wall=3.0))["mlmlib"]
    assert slow["fits"] == 1 and slow["median"] == 3.0


def test_a_task_that_fails_at_once_or_later_is_told_and_the_others_go_on():
    found = task_row(task(mlmlib=1, lmerTest=1, emmeans=1), Made("mlmlib"), Made("lmerTest", fails=9), Made("emmeans", fails=1))
    assert found["lmerTest"] == {"error": "fit 9 failed", "different": "another method"} and found["emmeans"] == {"error": "fit 1 failed"}
    assert found["mlmlib"]["fits"] == 25


def test_answers_are_apart_relative_to_ours():
    assert tasks.apart([1.0, 2.2], [1.0, 2.0]) == pytest.approx(0.1) and tasks.apart([1e-8], [0.0]) == 1.0
    assert tasks.apart([1.0], [1.0, 2.0]) is None


def test_all_tasks_are_told(monkeypatch, tmp_path):
    log = [Made("mlmlib"), Made("lmerTest"), Made("emmeans", fails="read")]
    monkeypatch.setattr(tasks, "start", lambda root, packages, r_packages: (log, {"RLRsim": "no R"}))
    said, read = [], []

    def table(name):
        read.append(name)
        return mlm.load(name)

    both = [task(mlmlib=1, lmerTest=1, emmeans=1), task(lmerTest=1)]
    found = tasks.tasks(ROOT, both, table, (), ("lmerTest",), quick=True, say=said.append)
    assert read == ["sleepstudy"] and len(found["rows"]) == len(found["load"]) == 2 and found["missing"] == {"RLRsim": "no R"}
    assert found["programs"]["lmerTest"] == {"version": "1"} and all(one.stopped for one in log)
    text = "\n".join(said)
    assert "times ours  0.0e+00 apart" in text and "it cannot read" in text and said[-1].endswith(" ms"), "no ours to be compared with"
    tasks._tell({"title": "t", "results": {"mlmlib": {"median": 1.0, "apart": 0.0}, "b": {"median": 2.0, "apart": None}}}, said.append)
    assert said[-1].endswith("2.00 times ours  other numbers")


def test_shares_are_of_the_four_steps_of_a_fit(monkeypatch):
    asked = []
    monkeypatch.setattr(mlm, "load", lambda name, own=mlm.load: asked.append(name) or own("sleepstudy"))
    monkeypatch.setattr(shares, "MODELS", (SLEEP, SLEEP._replace(key="large", data="insteval")))
    said = []
    (only,) = shares.shares(quick=True, say=said.append)
    fit = mlm.lmm(SLEEP.formula, mlm.load("sleepstudy"))
    assert only["key"] == "sleep" and len(only["seconds"]) == len(shares.STEPS) and only["evaluations"] == fit.n_evaluations
    assert all(step in said[0] for step in shares.STEPS) and "insteval" not in asked
    assert [one["key"] for one in shares.shares(say=said.append)] == ["sleep", "large"]


def test_growth_measures_each_case_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(growth, "QUICK", {"rows": [(400, 20, 2, 0)], "crossed": [(500, 20, 1, 8)]})
    said = []
    found = growth.growth({"PYTHONPATH": str(ROOT)}, quick=True, say=said.append)
    (plain,), (crossed,) = found["rows"], found["crossed"]
    assert (plain["rows"], plain["groups"], plain["effects"], plain["crossed"]) == (400, 20, 2, 0) and plain["converged"]
    assert crossed["crossed"] == 8 and crossed["peak"] >= crossed["before"] > 2 ** 20 and len(said) == 2


def test_a_case_of_growth_in_this_process():
    found = growth.measure(300, 10, 3, 0)
    formula, data = growth.simulate(300, 10, 3, 0)
    assert formula == "y ~ 1 + x1 + x2 + (1 + x1 + x2 | g)" and found["evaluations"] == mlm.lmm(formula, data).n_evaluations
    assert growth.simulate(30, 5, 1, 4)[0] == "y ~ 1 + (1 | g) + (1 | h)" and found["fits"] == 5


def test_memory_where_there_is_no_proc(monkeypatch):
    def nowhere(*args, **options):
        raise OSError

    told = growth._memory("VmHWM")
    monkeypatch.setattr(builtins, "open", nowhere)
    growth._forget_peak()
    assert 0.9 * told < growth._memory("VmHWM") < 2 ** 40, "bytes, and the most that the process ever had"


R = """#!{python}
import sys
assert "READ" not in sys.argv[2] and "hsb.csv" in sys.argv[2]
if {fails}:
    sys.exit(1)
print("kenward 1.0 20.5 157.25")
print("deletion 2.0 0.125")
print("test 1.0"); print("refits 1e-9"); print("boot 2.0")
"""


@pytest.fixture(params=["R", "R that fails", "no R"])
def r(request, tmp_path, monkeypatch):
    """Rscript, one without the packages, or none."""
    path = tmp_path / "Rscript"
    path.write_text(R.format(python=sys.executable, fails=request.param != "R"), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(inference.shutil, "which", lambda name: None if request.param == "no R" else str(path))
    monkeypatch.setattr(inference, "SAMPLES", 10)
    monkeypatch.setattr(inference, "MEASURED", 5)
    monkeypatch.setattr(mlm, "load", lambda name, own=mlm.load: own(name).iloc[:900])
    return request.param


def test_inference_beside_r(r):
    said = []
    rows = inference.inference(quick=False, say=said.append)
    assert [row["program"] for row in rows] == ["pbkrtest", "lme4", "pbkrtest", "lme4", "lme4"]
    assert rows[3]["found"] == "20 fits" and rows[4]["found"] == "10 refits"
    if r == "R":
        assert [row["seconds"] for row in rows] == [1.0, 2.0, 2.0, 2e-9, 4.0], "bootstraps of 5 samples are given for 10"
        assert rows[0]["other"] == "df 20.5000 to 157.2500" and rows[1]["other"] == "largest Cook's distance 0.1250"
        assert "times ours" in said[0]
    else:
        assert all(row["seconds"] is None for row in rows) and all("not measured: R with lme4" in text for text in said)


def test_a_quick_inference_has_no_bootstraps(monkeypatch):
    asked = []
    monkeypatch.setattr(inference, "in_r", lambda hsb, code: asked.append(code) or {})
    monkeypatch.setattr(mlm, "load", lambda name, own=mlm.load: own(name).iloc[:900])
    rows = inference.inference(quick=True, say=lambda text: None)
    assert [row["title"].split()[0] for row in rows] == ["Kenward-Roger", "Each"]
    assert "vcovAdj" in asked[0] and "bootMer" not in asked[0]
    found = mlm.influence(mlm.lmm(inference.SLOPES, mlm.load("hsb")))
    largest = found.table["cooks"].max() * (1 - 2 / len(found.labels))
    assert rows[1]["found"] == f"largest Cook's distance {largest:.4f}"


def test_models_have_their_data():
    """Every model of the tables names a data set of the book and columns that it has."""
    for model in MODELS:
        design = mlm.formula.parse(model.formula)
        assert set(design.columns) <= set(mlm.load(model.data).columns), model.key


def test_growth_is_a_command():
    done = subprocess.run([sys.executable, "-m", "mlmlib.bench.growth", "200", "8", "1", "0"], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert json.loads(done.stdout)["rows"] == 200
