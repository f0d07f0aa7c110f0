"""The library by itself: what a wheel and a source archive hold, and what works with NumPy and SciPy alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.cli.archive_source import copy_source
from mlmlib.optional import PACKAGES
from toc import ROOT

pytestmark = pytest.mark.slow
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the source archive, built without the network from a copy of what they are made of."""
    there = tmp_path_factory.mktemp("package")
    copy_source(ROOT, there / "source")
    code = "from setuptools import build_meta as b; b.build_sdist('dist'); b.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", code], cwd=there / "source", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return there / "source" / "dist"


@pytest.fixture(scope="module")
def names(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        return wheel.namelist()


def test_the_wheel_has_the_library_and_its_data(names):
    sets = {p.name for p in (ROOT / "data").glob("*.csv*")} | {p.name for p in (ROOT / "data").glob("*.md")}
    assert sets and {f"mlmlib/data/{name}" for name in sets} <= set(names)
    own = {p.relative_to(ROOT).as_posix() for p in (ROOT / "mlmlib").rglob("*")
           if p.suffix in (".py", ".js", ".css", ".html", ".toml", ".json") and "__pycache__" not in p.parts}
    workshop = {name for name in own if name.startswith(("mlmlib/release/", "mlmlib/bench/"))}
    assert own - set(names) == workshop


def test_the_wheel_has_nothing_else(names):
    """No tests, no exercises with their answers, no chapters, no scripts that made the data, none of the book's workshop."""
    roots = {name.partition("/")[0] for name in names}
    assert roots == {"mlmlib", f"mlmlib-{mlm.__version__}.dist-info"}
    foreign = re.compile(r"mlmlib/(tests|exercises|chapters|release|bench)/|\.ipynb$|mlmlib/data/.*\.py$|__pycache__|test_")
    assert not [name for name in names if foreign.search(name)]


def test_the_source_archive_builds_the_same_and_has_no_answers(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert tops <= {"mlmlib", "data", "pyproject.toml", "setup.py", "setup.cfg", "README.md", "LICENSE", "MANIFEST.in",
                    "PKG-INFO", "mlmlib.egg-info"}


def test_what_the_wheel_says_of_itself(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        said = wheel.read(f"mlmlib-{mlm.__version__}.dist-info/METADATA").decode()
    assert PROJECT["version"] == mlm.__version__ and f"\nVersion: {mlm.__version__}\n" in said
    plain = re.findall(r"^Requires-Dist: ([A-Za-z0-9_.-]+)[^;\n]*$", said, flags=re.M)
    assert sorted(plain) == ["numpy", "pandas", "scipy", "statsmodels"]


def test_a_missing_package_is_named_with_an_extra_that_has_it():
    plain = [re.match(r"[\w.-]+", spec).group(0) for spec in PROJECT["dependencies"]]
    extras = {extra: [re.match(r"[\w.-]+", spec).group(0) for spec in specs]
              for extra, specs in PROJECT["optional-dependencies"].items()}
    for package, extra in PACKAGES.values():
        assert package in (extras[extra] if extra else plain), package


@pytest.fixture(scope="module")
def alone(built, tmp_path_factory):
    """What `tests/alone.py` tells of the wheel in a folder of its own, with NumPy and SciPy and nothing else."""
    there = tmp_path_factory.mktemp("alone")
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(there)
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "COVERAGE_PROCESS_START")}
    sleep = mlm.load("sleepstudy")
    done = subprocess.run([sys.executable, str(ROOT / "tests" / "alone.py")], cwd=there, capture_output=True, text=True,
                          env={**env, "PYTHONPATH": str(there)}, input=json.dumps(sleep.to_dict("list")))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["where"].startswith(str(there)) and not told["loaded"]
    return told


def test_numpy_and_scipy_alone_fit_and_answer(alone):
    sleep = mlm.load("sleepstudy")
    fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep)
    close = pytest.approx
    assert alone["params"] == close(fit.params.to_dict()) and alone["bse"] == close(fit.bse.to_dict())
    assert alone["params"] == close({"Intercept": 251.405, "Days": 10.467}, abs=5e-4)  # lme4's vignette
    assert alone["slope by name"] == close(fit.params["Days"]) and alone["in milliseconds"] == close(list(1000 * fit.params))
    assert alone["satterthwaite"] == close(fit.coef_table(ddf="satterthwaite")["df"].tolist())
    assert np.allclose(alone["profile"], fit.conf_int()) and alone["icc"] == close(mlm.icc(fit).estimate)
    assert alone["components"] == close(fit.variance_components["variance"].tolist())
    assert alone["effect"] == close(fit.random_effects["Subject"].loc[308, "Days"])
    new = {"Days": [10, 10], "Subject": [308, -1]}
    assert alone["predict"] == close(fit.predict(new).tolist())
    assert np.allclose(alone["interval"], fit.predict(new, interval="confidence"))
    assert alone["lrt"] == close(mlm.compare(mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep), fit).statistic)


def test_numpy_and_scipy_alone_print_the_same(alone):
    sleep = mlm.load("sleepstudy")
    sleep["slow"] = sleep["Reaction"] > 300
    fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep)
    assert alone["summary"] == str(fit.summary()) and alone["html"] and "251.405" in alone["params in text"]
    odds = mlm.glmm("slow ~ Days + (1 | Subject)", sleep, family="binomial")
    assert alone["odds summary"] == str(odds.summary()) and alone["odds"] == pytest.approx(odds.params.tolist())
    panel = mlm.panel("Reaction ~ Days", sleep, groups="Subject")
    assert alone["panel summary"] == str(panel.summary()) and alone["panel"] == pytest.approx(panel.params["Days"])
    memory = mlm.gls("Reaction ~ Days", sleep, correlation=mlm.ar1("Days", group="Subject"))
    assert alone["ar1"] == pytest.approx(memory.params.tolist())


def test_a_missing_package_is_one_clear_error(alone):
    data, ols, gee, plots = alone["errors"]
    assert data == "mlm.load needs the package pandas, which is not installed: pip install pandas"
    assert ols == "mlm.ols needs the package statsmodels, which is not installed: pip install statsmodels"
    assert gee == "mlm.gee needs the package statsmodels, which is not installed: pip install statsmodels"
    assert plots == 'mlm.plots needs the package matplotlib, which is not installed: pip install "mlmlib[plots]"'
    assert alone["refused"] == "A table (concat) needs the package pandas, which is not installed: pip install pandas"


def test_the_command_outside_of_the_book_says_what_it_needs(built, tmp_path):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for verb in (["book"], ["serve"], ["test"], ["grade", "x"]):
        done = subprocess.run([sys.executable, "-m", "mlmlib.cli", *verb], cwd=tmp_path, capture_output=True, text=True, env=env)
        assert done.returncode == 2 and done.stdout == "" and "is not inside the book" in done.stderr and "Traceback" not in done.stderr


def test_the_oldest_versions_were_tested():
    """`mlm versions` was run since the last change of a lower bound, on the oldest Python at the least, and nothing failed."""
    rows = json.loads((ROOT / "backmatter" / "versions.json").read_text(encoding="utf-8"))
    tested = [row for row in rows if "missing" not in row]
    assert {row["python"] for row in tested} >= {"3.11", "3.12", "3.13"} and {row["versions"] for row in tested} == {"oldest", "newest"}
    assert all(row["passed"] > 500 and not row["failed"] for row in tested)
    oldest = next(row["with"] for row in tested if (row["python"], row["versions"]) == ("3.11", "oldest"))
    for spec in PROJECT["dependencies"]:
        name, bound = spec.split(">=")
        assert re.match(rf"{re.escape(bound)}(\.|$)", oldest[name]), f"{name}: run `mlm versions` again"
