"""The process that fits what it is asked: its protocol with the programs that the tests' environment has, mlmlib and statsmodels."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.bench import worker
from mlmlib.bench.general_models import GENERAL, table
from mlmlib.bench.models import MODELS
from toc import ROOT

SLEEP = next(model for model in MODELS if model.key == "sleepstudy")


@pytest.fixture
def path(tmp_path):
    mlm.load("sleepstudy").to_csv(tmp_path / "data.csv", index=False)
    return str(tmp_path / "data.csv")


@pytest.fixture
def ask(monkeypatch):
    """What a program answers to some questions; its version comes first."""
    monkeypatch.setattr(worker, "limit_memory", lambda gigabytes: None)

    def asked(name, *questions):
        answers = io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(json.dumps(one) + "\n" for one in questions)))
        monkeypatch.setattr(sys, "stdout", answers)
        with warnings.catch_warnings():
            worker.main(name)
        monkeypatch.undo()
        return [json.loads(line) for line in answers.getvalue().splitlines()]

    return asked


def test_mlmlib_reads_fits_and_answers_tasks(ask, path):
    version, read, fit, ready, run, broken = ask(
        "mlmlib", {"read": path}, {"fit": SLEEP._asdict()}, {"ready": "mlm.lmm('Reaction ~ Days + (1 | Subject)', data)"},
        {"run": "[made.sigma, fresh(made).sigma, np.pi]"}, {"run": "nothing"})
    own = mlm.lmm(SLEEP.formula, mlm.load("sleepstudy"))
    assert version == {"version": mlm.__version__} and read == ready == {}
    assert fit["criterion"] == pytest.approx(own.criterion, abs=1e-8) and fit["note"] == "" and fit["seconds"] >= 0 <= fit["wall"]
    sigma = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy")).sigma
    assert run["numbers"] == pytest.approx([sigma, sigma, np.pi]) and broken == {"error": "NameError: name 'nothing' is not defined"}


def test_generalized_models_are_those_of_the_library(ask, tmp_path):
    model = GENERAL[0]
    table(model.data).to_csv(tmp_path / "data.csv", index=False)
    _, _, fit = ask("mlmlib", {"read": str(tmp_path / "data.csv")}, {"fit": model._asdict()})
    assert fit["criterion"] == pytest.approx(mlm.glmm(model.formula, table(model.data), **model.arguments).criterion, abs=1e-6)


def test_what_was_kept_is_forgotten_before_it_is_timed_again():
    fit = mlm.lmm(SLEEP.formula, mlm.load("sleepstudy"))
    kept = fit.random_effects
    again = worker._of_mlmlib()["fresh"](fit)
    assert set(vars(fit)) - set(vars(again)) and vars(again).items() <= vars(fit).items(), "it had kept what it computed once"
    np.testing.assert_array_equal(again.random_effects["Subject"], kept["Subject"])


def test_statsmodels_fits_what_its_language_can_say(ask, path):
    cannot = next(model for model in MODELS if "cannot" in model.statsmodels)
    crossed = SLEEP._replace(statsmodels={"formula": "Reaction ~ Days", "vc_formula": {"Subject": "0 + C(Subject)"}})
    version, _, fit, one_group, refused, run = ask(
        "statsmodels", {"read": path}, {"fit": SLEEP._asdict()}, {"fit": crossed._asdict()}, {"fit": cannot._asdict()},
        {"ready": "smf.ols('Reaction ~ Days', data).fit()"})
    assert version["version"][0].isdigit() and refused == {"error": f"ValueError: {cannot.statsmodels['cannot']}"} and run == {}
    assert fit["criterion"] == pytest.approx(mlm.lmm(SLEEP.formula, mlm.load("sleepstudy")).criterion, abs=1e-3)
    plain = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
    assert one_group["criterion"] == pytest.approx(plain.criterion, abs=1e-3)


def test_a_model_that_a_program_does_not_have(ask, path):
    worker.Statsmodels.general = None
    try:
        *_, answer = ask("statsmodels", {"read": path}, {"fit": {**SLEEP._asdict(), "programs": {"lme4": "glmer()"}}})
    finally:
        del worker.Statsmodels.general
    assert answer == {"error": "ValueError: it has no such model"}


def test_a_program_that_is_not_there_says_so_and_ends(ask):
    assert ask("nothing", {"read": "x"}) == [{"error": "KeyError: 'nothing'"}]


def test_text_is_read_as_categories(tmp_path):
    (tmp_path / "data.csv").write_text("x,f\n1,b\n2,a\n", encoding="utf-8")
    read = worker.pandas_table(tmp_path / "data.csv")
    assert read["f"].cat.categories.tolist() == ["a", "b"] and read["x"].tolist() == [1, 2]
    pytest.importorskip("polars")
    assert worker.polars_table(tmp_path / "data.csv")["x"].to_list() == [1, 2]


def test_memory_is_limited_where_the_system_can():
    pytest.importorskip("resource")
    code = ("import resource; from mlmlib.bench.worker import limit_memory; limit_memory(3); limit_memory(9)\n"
            "print(resource.getrlimit(resource.RLIMIT_AS)[0])")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, "a limit that cannot be raised is left as it is"
    assert int(done.stdout) in (3 * 2 ** 30, 9 * 2 ** 30)
