"""Results go to other processes and back (joblib) and stay what they are."""

import pickle

import numpy as np
import pytest

import mlmlib as mlm

SLEEP = mlm.load("sleepstudy")
CALLS = {
    "functions": lambda: mlm.lmm("log(Reaction) ~ Days + I(Days ^ 2) + (1 | Subject)", SLEEP),
    "poly": lambda: mlm.lmm("Reaction ~ poly(Days, 2) + (1 | Subject)", SLEEP),
    "piecewise": lambda: mlm.lmm("Reaction ~ piecewise(Days, 3) + (1 | Subject)", SLEEP),
    "changes": lambda: mlm.lmm("Reaction ~ piecewise(Days, [2, 6], coding='changes') + (1 | Subject)", SLEEP),
    "bs": lambda: mlm.lmm("Reaction ~ bs(Days, df=4) + (1 | Subject)", SLEEP),
    "ns": lambda: mlm.lmm("Reaction ~ ns(Days, df=3) + (1 | Subject)", SLEEP),
    "quoted": lambda: mlm.lmm("Reaction ~ center(`the day`) + (1 | Subject)", SLEEP.rename(columns={"Days": "the day"})),
    "ar1": lambda: mlm.gls("Reaction ~ Days", SLEEP, correlation=mlm.ar1("Days", group="Subject")),
    "fitted": lambda: mlm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP, variance=mlm.power_of("fitted(.)")),
    "fitted exponential": lambda: mlm.gls("Reaction ~ Days", SLEEP, variance=mlm.exponential_of("fitted(.)")),
    "crossed": lambda: mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", mlm.load("penicillin")),
    "glmm": lambda: mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size"),
    "glmm crossed": lambda: mlm.glmm("diameter ~ 1 + (1 | plate) + (1 | sample)", mlm.load("penicillin"), family="gamma",
                                     link="log"),
    "quadrature": lambda: mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", method="agq"),
    "zip": lambda: mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), family="zip"),
    "outcomes": lambda: mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv")),
}


@pytest.mark.parametrize("name", CALLS)
def test_results_go_to_other_processes(name):
    fit = CALLS[name]()
    again = pickle.loads(pickle.dumps(fit))
    assert type(again) is type(fit) and again.criterion == fit.criterion
    np.testing.assert_array_equal(again.predict(again.data[:3]), fit.predict(fit.data[:3]))
    assert str(again.summary()) == str(fit.summary())
    y = fit.simulate(1, seed=1)[0]
    assert again.refit(y).criterion == pytest.approx(fit.refit(y).criterion, abs=1e-9)
