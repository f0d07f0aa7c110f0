"""What inference refuses: one sentence that names what is wrong and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.inference.cones import Cone, intrinsic_volumes
from mlmlib.inference.contrasts import unknown_name
from mlmlib.inference.expression_of import read_expression
from mlmlib.inference.families import family

ABC = ["a", "b", "c"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(12), 6)
    x, z = rng.normal(size=72), np.tile(["a", "b", "c"], 24)
    y = 1 + 0.5 * x + rng.normal(size=12)[g] + rng.normal(size=72)
    return pd.DataFrame({"g": g, "h": np.tile(np.arange(6), 12), "x": x, "z": z, "y": y, "w": 1.0 + (x > 0),
                         "k": rng.poisson(np.exp(0.2 * x)), "b": (y > 1) * 1.0, "t": np.tile(np.arange(6.0), 12)})


@pytest.fixture(scope="module")
def fits(table):
    lmm, ols = "y ~ x + z + (1 | g)", "y ~ x + z"
    return {"reml": mlm.lmm(lmm, table), "ml": mlm.lmm(lmm, table, reml=False), "ols": mlm.ols(ols, table),
            "olsml": mlm.ols(ols, table, method="ml"), "glmm": mlm.glmm("k ~ x + z + (1 | g)", table, family="poisson"),
            "small": mlm.lmm("y ~ x + (1 | g)", table, reml=False)}


@pytest.mark.parametrize("call, said", [
    (lambda: family("pairwise", ABC, ref="a"), r"ref= names the control of 'trt.vs.ctrl'; 'pairwise' has none\."),
    (lambda: family("trt.vs.ctrl", ABC, ref=3), r"ref=3 is no place among 3 means; count from 0\."),
    (lambda: family("trt.vs.ctrl", ABC, ref="d"), "ref='d' is none of the means: 'a', 'b', 'c'"),
    (lambda: family({}, ABC), "There are no contrasts in the matrix given"),
    (lambda: family({"late": {"d": 1}}, ABC), "The contrast of 'late' names 'd'; the means are 'a', 'b', 'c'"),
    (lambda: family([1, -1], ABC), "The coefficients are 2, and the means 3: 'a', 'b', 'c'"),
    (lambda: family("poly", ["a"]), "at least two means; there is only 'a'"),
    (lambda: intrinsic_volumes(Cone(free=1, positive=1), np.eye(2)), "Profile the free coordinates out first"),
])
def test_contrasts_and_cones(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_a_control_by_its_place_is_the_control_by_its_name():
    for ref, label in ((0, "a"), (-1, "c"), ("b", "b"), (None, "a")):
        found = family("trt.vs.ctrl", ABC, ref=ref)
        assert found.names == tuple(f"{other} - {label}" for other in ABC if other != label)


@pytest.mark.parametrize("text, said", [
    ("nonsense + x", unknown_name("parameter", "nonsense", ("x", "x:z", "sigma"))),
    ("`nonsense` + x", unknown_name("parameter", "nonsense", ("x", "x:z", "sigma"))),
    ("_v[0] + x", unknown_name("parameter", "_v", ("x", "x:z", "sigma"))),
    ("x +", "Cannot read 'x +': write names, numbers, + - * / ** and parentheses. The model has x, x:z, sigma."),
    ("x if 1 else 2", "Cannot read 'x if 1 else 2': only names, numbers"),
    ("x and 1", "Cannot read 'x and 1': only names, numbers"),
    ("exp(x=1)", "Cannot read 'exp(x=1)'"),
    ("exp[0] + x", unknown_name("parameter", "exp[0]", ("x", "x:z", "sigma"))),
])
def test_text_that_is_no_arithmetic_of_parameters(text, said):
    with pytest.raises(ValueError) as error:
        read_expression(text, ("x", "x:z", "sigma"))
    assert said in str(error.value)


@pytest.mark.parametrize("call, said", [
    (lambda f: f["reml"].conf_int(which="some"), "which='some' must be 'fixed' or 'all'"),
    (lambda f: f["reml"].conf_int(method="magic"), "method='magic'.*is not known; choose one of 'wald'"),
    (lambda f: f["reml"].conf_int(method="satterthwaite", which="all"), "'profile', 'bootstrap' or 'wald'"),
    (lambda f: f["ols"].conf_int(method="satterthwaite", which="all"), "use 'bootstrap' or 'wald'"),
    (lambda f: f["reml"].conf_int(method="satterthwaite", of="x / sigma"), "linear combinations of coefficients; 'x / sigma' is"),
    (lambda f: f["reml"].conf_int(method="fieller"), "is for a ratio: give one by of="),
    (lambda f: f["reml"].conf_int(method="fieller", of="x"), "ratio of two linear combinations of coefficients; 'x' is"),
    (lambda f: f["reml"].conf_int(method="fieller", of="x / sigma"), "'x / sigma' is none"),
    (lambda f: f["ols"].conf_int(method="profile"), "method='profile' is for mixed models"),
    (lambda f: f["ml"].conf_int(method="profile", of="x / sigma"), "'x / sigma' is none of them"),
    (lambda f: f["ols"].conf_int(of="icc"), "of='icc' needs a model with random effects"),
    (lambda f: f["reml"].conf_int(of=3), "of=3 must be text, a function of a fit"),
    (lambda f: f["ml"].profile("nonsense"), "'nonsense' is not a parameter of this model; it has Intercept, x"),
    (lambda f: f["reml"].profile("x", reml=True), "The REML criterion says nothing about the fixed effect 'x'"),
    (lambda f: mlm.emmeans(f["reml"], ["z", 3]), r"Name the categories as text: \['z', 3\] holds something else"),
    (lambda f: mlm.emmeans(f["reml"], "z", at={"x": []}), r"at=\{'x': \[\]\} gives no value"),
    (lambda f: mlm.emmeans(f["reml"], "z", at={"x": [1, 1]}), r"at=\{'x': ...\} gives a value twice"),
    (lambda f: mlm.emmeans(f["reml"], "z", at={"x": ["a"]}), "needs finite numbers, because 'x' is a column of"),
    (lambda f: mlm.emmeans(f["reml"], "z", at={"z": ["d"]}), "'d' is no category of 'z', which has 'a', 'b', 'c'"),
    (lambda f: mlm.emmeans(f["reml"], "z", by="z"), "'z' stands in both over= and by="),
    (lambda f: mlm.emmeans(f["reml"], "x"), "'x' is a number, not a category"),
    (lambda f: mlm.emmeans(f["glmm"], "z", type="odds"), "type='odds' must be 'link' or 'response'"),
    (lambda f: mlm.emtrends(f["reml"], ["x"]), r"var=\['x'\] must be the name of one column of numbers"),
    (lambda f: mlm.emtrends(f["reml"], "z"), "'z' is a category, which has no slope"),
    (lambda f: f["reml"].margins("x", dydx="x"), r"'x' cannot be both varied \(dydx\) and fixed"),
    (lambda f: f["glmm"].margins("z", dydx="z"), r"'z' cannot be both varied \(dydx\) and fixed"),
    (lambda f: f["glmm"].margins("z", scale="odds"), "scale='odds' must be 'response' or 'link'"),
    (lambda f: f["glmm"].margins("z", scale="link"), "scale='link' is for groups='typical'"),
    (lambda f: f["glmm"].margins("z", groups="all"), "groups='all' must be 'average', 'typical' or 'given'"),
    (lambda f: mlm.emmeans(f["reml"], "z").contrast("pairwise", by="x"), "by= names 'x'; the columns here are 'z'"),
    (lambda f: f["reml"].predict(interval="tolerance"), "interval='tolerance'"),
    (lambda f: f["reml"].bootstrap(kind="magic", n=2), "kind='magic' is not known; choose one of"),
    (lambda f: f["ols"].bootstrap(kind="parametric", groups="g", n=2), "groups= is for kind='cluster' of a model without"),
    (lambda f: f["ols"].bootstrap(kind="cluster", groups="nonsense", n=2), "'nonsense', which is no column of the data"),
    (lambda f: f["ols"].bootstrap(kind="cluster", groups=[1, 2], n=2), "groups= has 2 values for 72 rows"),
    (lambda f: f["ols"].bootstrap(statistic=lambda fit: [[1.0, 2.0]], n=2), "The statistic must be a number, or a dict"),
    (lambda f: mlm.compare(f["small"], f["reml"]), "One fit is by REML and the other by ML"),
    (lambda f: mlm.compare(f["ml"], f["ml"]), "same model"),
    (lambda f: mlm.exact_rlrt(f["ols"]), "The model has no random effects, so there is no variance to test"),
    (lambda f: mlm.exact_rlrt(f["glmm"]), "known for linear mixed models alone"),
    (lambda f: mlm.exact_rlrt(f["reml"], n=0), "n=0 must be a whole number of draws, 1 or more"),
    (lambda f: mlm.exact_rlrt(f["reml"], mlm.ols("y ~ x", f["reml"].data)), "fixed effects of the two models differ"),
])
def test_questions_that_have_no_answer(fits, call, said):
    with pytest.raises((ValueError, TypeError), match=said):
        call(fits)


def test_options_of_other_methods_are_refused(fits):
    with pytest.raises(TypeError, match=r"conf_int\(method='wald'\) has no option 'n'"):
        fits["reml"].conf_int(n=10)
    boot = fits["reml"].bootstrap(n=4, progress=False)
    with pytest.raises(TypeError, match="With boot= there is no option 'n': the replicates are there already"):
        fits["reml"].conf_int(method="bootstrap", boot=boot, n=4)
    with pytest.raises(ValueError, match="boot= is a bootstrap of another fit"):
        fits["small"].conf_int(method="bootstrap", boot=boot)
    with pytest.raises(ValueError, match="boot= holds parameters only; functions of a fit need replicates of their own"):
        fits["reml"].conf_int(method="bootstrap", boot=boot, of=lambda fit: fit.sigma)
    own = fits["reml"].bootstrap(statistic=lambda fit: fit.sigma, n=4, progress=False)
    with pytest.raises(ValueError, match="boot= is a bootstrap of a statistic, not of the parameters"):
        fits["reml"].conf_int(method="bootstrap", boot=own)
