"""Discrete-time survival: person-period tables, life tables, grouped proportional hazards, figures, generators."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import mlmlib as mlm
from mlmlib.simulate_categories import DISCRETE_SURVIVAL

# Singer and Willett (2003), table 10.1: years until 3,941 special educators left teaching; left, still there at the end of
# data collection, and the hazards and survivor function as printed
LEFT = (456, 384, 359, 295, 218, 184, 123, 79, 53, 35, 16, 5)
STAYED = (0, 0, 0, 0, 0, 0, 280, 307, 255, 265, 241, 386)
AT_RISK = (3941, 3485, 3101, 2742, 2447, 2229, 2045, 1642, 1256, 948, 648, 391)
HAZARD = (0.1157, 0.1102, 0.1158, 0.1076, 0.0891, 0.0825, 0.0601, 0.0481, 0.0422, 0.0369, 0.0247, 0.0128)
SURVIVOR = (0.8843, 0.7869, 0.6958, 0.6209, 0.5656, 0.5189, 0.4877, 0.4642, 0.4446, 0.4282, 0.4177, 0.4123)


@pytest.fixture(scope="module")
def teachers():
    parts = [np.repeat([[year, kind]], count, axis=0) for year, both in enumerate(zip(LEFT, STAYED), start=1)
             for kind, count in zip((1, 0), both)]
    return pd.DataFrame(np.concatenate(parts), columns=["year", "left"])


@pytest.fixture(scope="module")
def periods():
    return mlm.person_period(mlm.simulate.discrete_survival(seed=5), "month", "arrested", id="person")


def test_a_published_life_table(teachers):
    found = mlm.life_table(mlm.person_period(teachers, "year", "left"))
    table = found.table
    assert tuple(table["at_risk"]) == AT_RISK and tuple(table["events"]) == LEFT and tuple(table["censored"]) == STAYED
    assert np.abs(table["hazard"] - np.array(HAZARD)).max() < 6e-5
    assert np.abs(table["survivor"] - np.array(SURVIVOR)).max() < 6e-5
    assert found.median[None] == pytest.approx(6.6, abs=0.05)  # as published, 6.6 years
    assert table["se_hazard"].iloc[0] == pytest.approx(np.sqrt(0.11571 * 0.88429 / 3941), rel=1e-4)


def test_greenwood_by_hand():
    persons = pd.DataFrame({"week": [1, 2, 2, 3, 3, 4], "event": [1, 1, 0, 1, 0, 0]})
    table = mlm.life_table(mlm.person_period(persons, "week", "event")).table
    assert table["at_risk"].tolist() == [6, 5, 3, 1]
    S = np.cumprod([5 / 6, 4 / 5, 2 / 3, 1.0])
    assert np.allclose(table["survivor"], S)
    spread = np.cumsum([1 / (6 * 5), 1 / (5 * 4), 1 / (3 * 2), 0.0])
    assert np.allclose(table["se_survivor"], S * np.sqrt(spread))
    assert (table["lower"] < table["survivor"]).all() and (table["survivor"] < table["upper"]).all()


def test_rows_of_persons():
    persons = pd.DataFrame({"who": ["a", "b", "c"], "week": [3, 2, 4], "event": [True, False, True], "entry": [0, 0, 2], "x": [1.5, 2.5, 3.5]})
    found = mlm.person_period(persons, "week", "event", id="who", entry="entry")
    assert found[["who", "week", "event"]].values.tolist() == [
        ["a", 1, 0], ["a", 2, 0], ["a", 3, 1], ["b", 1, 0], ["b", 2, 0], ["c", 3, 0], ["c", 4, 1]]
    assert found["x"].tolist() == [1.5] * 3 + [2.5] * 2 + [3.5] * 2
    late = mlm.life_table(found).table
    assert late["at_risk"].tolist() == [2, 2, 2, 1] and late["events"].tolist() == [0, 0, 1, 1]
    assert persons["week"].tolist() == [3, 2, 4]  # the table given is left as it was


def test_durations_are_cut():
    persons = pd.DataFrame({"days": [1.0, 7.0, 7.5, 20.0], "event": [1, 1, 0, 1]})
    assert mlm.person_period(persons, "days", "event", cuts=7).groupby("id")["days"].max().tolist() == [1, 1, 2, 3]
    assert mlm.person_period(persons, "days", "event", cuts=[7, 14, 28]).groupby("id")["days"].max().tolist() == [1, 1, 2, 3]
    with pytest.raises(mlm.DataError, match="beyond the last"):
        mlm.person_period(persons, "days", "event", cuts=[7, 14])


def test_competing_events():
    persons = mlm.simulate.discrete_survival(kinds=True, seed=4)
    found = mlm.person_period(persons, "month", "arrested", id="person")
    assert found["arrested"].cat.categories.tolist() == ["none", "theft", "violence"]
    table = mlm.life_table(found)
    own = table.table
    assert table.kinds == ("theft", "violence")
    assert np.allclose(own["hazard: theft"] + own["hazard: violence"], own["hazard"])
    assert np.allclose(own["incidence: theft"] + own["incidence: violence"], 1.0 - own["survivor"])
    fit = mlm.glmm("arrested ~ C(month) + program + prior", found, family="multinomial")
    assert fit.reference == "none" and fit.converged
    codes = persons.assign(arrested=persons["arrested"].cat.codes)
    numbers = mlm.person_period(codes, "month", "arrested", id="person")
    assert numbers["arrested"].cat.codes.tolist() == found["arrested"].cat.codes.tolist()


def test_saturated_model_is_the_life_table(teachers):
    """Without predictors the likelihood's maximum is at the life table's hazards, with any link."""
    found = mlm.person_period(teachers, "year", "left")
    table = mlm.life_table(found).table
    outcome = found["left"].to_numpy()
    X = (found["year"].to_numpy()[:, None] == np.arange(1, 13)).astype(float)
    fit = sm.GLM(outcome, X, family=sm.families.Binomial(sm.families.links.CLogLog())).fit()
    assert np.allclose(-np.expm1(-np.exp(fit.params)), table["hazard"], atol=1e-8)
    n, h, d = table["at_risk"], table["hazard"], table["events"]
    assert fit.llf == pytest.approx(float((d * np.log(h) + (n - d) * np.log(1 - h)).sum()), abs=1e-6)


def test_cloglog_is_the_grouped_proportional_hazards_model(periods):
    """The likelihood of Prentice and Gloeckler (1978), written out for whole persons, at our estimates and around them."""
    persons = periods.groupby("person").agg(month=("month", "max"), arrested=("arrested", "max"), program=("program", "first"),
                                            prior=("prior", "first"))
    glm = sm.GLM(periods["arrested"], pd.get_dummies(periods["month"], dtype=float).assign(
        program=periods["program"], prior=periods["prior"]), family=sm.families.Binomial(sm.families.links.CLogLog())).fit()

    def llf(gamma, b):
        """Log of S(t - 1) - S(t) for an arrest in month t, of S(t) for who is censored then, S(t) = exp(-H(t) exp(x'b))."""
        H = np.concatenate([[0.0], np.cumsum(np.exp(gamma))])
        risk = np.exp(persons[["program", "prior"]].to_numpy() @ b)
        t = persons["month"].to_numpy()
        before, after = np.exp(-H[t - 1] * risk), np.exp(-H[t] * risk)
        return np.log(np.where(persons["arrested"] == 1, before - after, after)).sum()

    x = glm.params.to_numpy()
    assert glm.llf == pytest.approx(llf(x[:8], x[8:]), abs=1e-8)
    fit = mlm.glmm("arrested ~ 0 + C(month) + program + prior + (1 | prison)", periods, link="cloglog")
    sd = float(np.sqrt(fit.covariance_matrix().iloc[0, 0]))
    assert fit.llf > glm.llf + 3.0 and sd == pytest.approx(DISCRETE_SURVIVAL["sd"], abs=0.2)


def test_no_frailty_is_the_generalized_linear_model():
    """Where prisons do not differ the variance is zero, and the rest is what statsmodels has."""
    persons = mlm.simulate.discrete_survival(groups=20, sd=0.0, seed=1)
    own = mlm.person_period(persons, "month", "arrested", id="person")
    for link, kind in (("cloglog", sm.families.links.CLogLog()), ("logit", sm.families.links.Logit())):
        fit = mlm.glmm("arrested ~ 0 + C(month) + program + prior + (1 | prison)", own, link=link)
        X = pd.get_dummies(own["month"], dtype=float).assign(program=own["program"], prior=own["prior"])
        glm = sm.GLM(own["arrested"], X, family=sm.families.Binomial(kind)).fit(tol=1e-12)
        assert fit.llf >= glm.llf - 1e-7
        if fit.is_singular:
            assert fit.llf == pytest.approx(glm.llf, abs=1e-6)
            assert np.abs(fit.params.to_numpy() - glm.params.to_numpy()).max() < 1e-4


def test_recovers_the_truth():
    persons = mlm.simulate.discrete_survival(groups=150, size=40, seed=2)
    own = mlm.person_period(persons, "month", "arrested", id="person")
    fit = mlm.glmm("arrested ~ 0 + C(month) + program + prior + (1 | prison)", own, link="cloglog")
    truth = np.array([*DISCRETE_SURVIVAL["baseline"], DISCRETE_SURVIVAL["program"], DISCRETE_SURVIVAL["prior"]])
    assert (np.abs(fit.params - truth) / fit.bse < 3.5).all()
    smooth = mlm.glmm("arrested ~ poly(month, 2) + program + prior + (1 | prison)", own, link="cloglog")
    assert smooth.params["prior"] == pytest.approx(fit.params["prior"], abs=0.02)


def test_late_entry_needs_its_rows_left_out():
    """With left truncation handled the truth is found; as if everybody had been seen from the start it is not."""
    persons = mlm.simulate.discrete_survival(groups=100, size=60, late=0.6, sd=0.0, seed=9)
    right = mlm.life_table(mlm.person_period(persons, "month", "arrested", id="person", entry="entry")).table
    wrong = mlm.life_table(mlm.person_period(persons, "month", "arrested", id="person")).table
    whole = mlm.life_table(mlm.person_period(mlm.simulate.discrete_survival(groups=100, size=60, sd=0.0, seed=9), "month", "arrested",
                                             id="person")).table
    assert abs(right["hazard"][0] - whole["hazard"][0]) < 3 * whole["se_hazard"][0] * 1.6
    assert wrong["hazard"][0] < right["hazard"][0] - 0.02


def test_refusals():
    good = pd.DataFrame({"id": [1, 2, 3], "week": [1, 2, 3], "event": [1, 0, 1]})
    wrong = {
        "several rows": good.assign(id=[1, 1, 3]), "whole numbers": good.assign(week=[1, 2.5, 3]), "missing in 1": good.assign(week=[1, np.nan, 3]),
        "no event was seen": good.assign(event=0), "at least 0": good.assign(week=[1, -2, 3]), "no column 'week'": good.drop(columns="week"),
        "censored=": good.assign(event=["died", "alive", "died"]), "not numbers": good.assign(week=["a", "b", "c"]),
    }
    for match, data in wrong.items():
        with pytest.raises(mlm.DataError, match=match):
            mlm.person_period(data, "week", "event", id="id")
    with pytest.raises(mlm.DataError, match="a column 'id'"):
        mlm.person_period(good, "week", "event")
    with pytest.raises(mlm.DataError, match="must lie before"):
        mlm.person_period(good.assign(start=[1, 0, 0]), "week", "event", id="id", entry="start")
    with pytest.raises(mlm.DataError, match="is not in column"):
        mlm.person_period(good, "week", "event", id="id", censored=9)
    text = mlm.person_period(good.assign(event=["died", "alive", "died"]), "week", "event", id="id", censored="alive")
    assert text["event"].tolist() == [1, 0, 0, 0, 0, 1]
    with pytest.raises(mlm.DataError, match="Say which column"):
        mlm.life_table(good)
    table = mlm.person_period(good, "week", "event", id="id")
    with pytest.raises(mlm.DataError, match="after the period of the event"):
        mlm.life_table(table.assign(event=1))
    with pytest.raises(mlm.DataError, match="several rows in period"):
        mlm.life_table(pd.concat([table, table]), time="week", event="event", id="id")


def test_figures(periods):
    table = mlm.life_table(periods, by="program")
    fit = mlm.glmm("arrested ~ 0 + C(month) + program + prior + (1 | prison)", periods, link="cloglog")
    axes = mlm.plots.survival(table, fit)
    assert len(axes) == 2 and "program = 0" in mlm.plots.alt(axes) and "Crosses" in mlm.plots.alt(axes)
    kinds = mlm.person_period(mlm.simulate.discrete_survival(kinds=True, seed=4), "month", "arrested", id="person")
    axes = mlm.life_table(kinds).plot(kind="theft")
    assert "theft" in axes[0].get_ylabel()
    with pytest.raises(mlm.DataError, match="competing"):
        mlm.life_table(kinds).plot(kind="arson")
    plt.close("all")
    assert "Median time" in repr(table) and "<table" in table._repr_html_()


def test_generators_are_seeded():
    assert mlm.simulate.discrete_survival(seed=3).equals(mlm.simulate.discrete_survival(seed=3))
    assert mlm.simulate.choice(seed=3).equals(mlm.simulate.choice(seed=3))
    for bad in ({"groups": 0}, {"dropout": 1.5}, {"link": "probit"}, {"sd": -1.0}):
        with pytest.raises(mlm.DataError):
            mlm.simulate.discrete_survival(**bad)
    with pytest.raises(mlm.DataError):
        mlm.simulate.choice(truth={"bus": {}, "T": ((-1.0,),)})
