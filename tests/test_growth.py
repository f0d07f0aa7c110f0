"""Coding of time, events, lags, waves, templates; Singer and Willett's models of wages."""

from __future__ import annotations

import json
import pickle
import tomllib

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from toc import ROOT

WAGES = json.loads((ROOT / "tests/reference/r/growth_wages.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wages():
    data = mlm.load("wages")
    return data.assign(hgc9=data["hgc"] - 9, ue7=data["uerate"] - 7)


@pytest.mark.parametrize("case", WAGES["models"], ids=lambda case: case["model"])
def test_singer_and_willett_tables_5_4_and_6_2(case, wages):
    """The models of wages against lme4, whose search may end above our minimum where four effects vary, and never below it."""
    fit = mlm.lmm(case["formula"], wages, reml=False)
    assert fit.criterion <= case["deviance"] + 1e-6
    if fit.criterion < case["deviance"] - 1e-6:
        assert len(case["tau"]) > 2
        return
    renamed = (
        {"(Intercept)": "Intercept", "exper:ged": "ged:exper"}
        if case["model"] == "6.2I"
        else {"(Intercept)": "Intercept"}
    )
    fixef = {renamed.get(k, k): v for k, v in case["fixef"].items()}
    se = {renamed.get(k, k): v for k, v in case["se"].items()}
    np.testing.assert_allclose(fit.params[list(fixef)], list(fixef.values()), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(fit.bse[list(se)], list(se.values()), rtol=1e-5)
    assert fit.sigma**2 == pytest.approx(case["sigma2"], rel=1e-5)


@pytest.mark.parametrize("model", "AB")
def test_table_6_2_as_published(model, wages):
    """HLM's and Mplus's print, to what the rounding of uerate in the book's data leaves (see the file)."""
    case = tomllib.loads((ROOT / "tests/reference/alda_wages.toml").read_text(encoding="utf-8"))[model]
    fit = mlm.lmm(case["formula"], wages, reml=False)
    assert fit.llf == pytest.approx(case["loglik"], abs=0.03)
    for ours, theirs in ((fit.params, case.get("fixef", {})), (fit.bse, case.get("se", {}))):
        np.testing.assert_allclose(ours[list(theirs)], list(theirs.values()), atol=1e-5)
    if "tau" in case:
        assert fit.sigma**2 == pytest.approx(case["sigma2"], abs=1e-5)
        np.testing.assert_allclose(fit.covariance_matrix(), case["tau"], atol=2e-5)


def test_templates_write_those_models(wages):
    """The taxonomy of table 5.4: its deviances, printed to one decimal, by templates."""
    made = mlm.growth.formula("lnw", "exper", "id", invariant=("hgc9", "black"))
    deviances = {case["model"]: case["deviance"] for case in WAGES["models"]}
    assert mlm.lmm(made, wages, reml=False).criterion == pytest.approx(deviances["5.4B"], abs=1e-5)
    steps = mlm.growth.taxonomy("lnw", "exper", "id", invariant=("hgc9", "black"), varying="ue7")
    assert list(steps) == ["A", "B", "C", "D", "E"]
    fits = {name: mlm.lmm(text, wages, reml=False).criterion for name, text in steps.items()}
    assert fits["B"] == pytest.approx(deviances["5.4A"], abs=1e-5) and fits["D"] == pytest.approx(
        deviances["5.4B"], abs=1e-5
    )
    assert fits["A"] > fits["B"] > fits["C"] > fits["D"] > fits["E"]


def test_formula_shapes():
    write = mlm.growth.formula
    assert write("y", "t", "id", "flat") == "y ~ 1 + (1 | id)"
    assert write("y", "t", "id", "quadratic", invariant=["a", "b"]) == (
        "y ~ (t + I(t ** 2)) * (a + b) + (1 + t + I(t ** 2) | id)"
    )
    assert write("y", "t", "id", "discontinuous", random="independent") == (
        "y ~ t + event_jump + event_since + (1 + t + event_jump + event_since || id)"
    )
    assert write("y", "t", "id", "spline", df=4, random=["t"]) == "y ~ ns(t, df=4) + (1 + t | id)"
    assert write("y", "t", "id", status="w", varying="x") == "y ~ t + w + x + (1 + t | id)"
    assert write("y", "time in days", "id") == "y ~ `time in days` + (1 + `time in days` | id)"
    text = write("y", "t", "id", "cubic", invariant="w")
    assert len(text.explanation.splitlines()) == 9 and "at t = 0" in text.explanation
    again = pickle.loads(pickle.dumps(text))
    assert again == text and again.explanation == text.explanation
    with pytest.raises(AttributeError):
        text.explanation = ""
    for bad, words in (
        ({"shape": "round"}, "one of"),
        ({"shape": "piecewise"}, "knots="),
        ({"random": "slope"}, "random="),
        ({"invariant": "x", "varying": "x"}, "named twice"),
    ):
        with pytest.raises(mlm.FormulaError, match=words):
            write("y", "t", "id", **bad)


@pytest.mark.parametrize("shape", ["flat", "linear", "quadratic", "cubic", "piecewise", "spline"])
def test_every_shape_fits(shape):
    text = mlm.growth.formula(
        "Reaction", "Days", "Subject", shape, knots=[3], random="intercept" if shape == "cubic" else None
    )
    assert mlm.lmm(text, mlm.load("sleepstudy"), reml=False).nobs == 180


def test_three_zeros_one_fit():
    """A new zero or unit moves no line: same criterion, same slope in old units."""
    sleep = mlm.load("sleepstudy")
    fits = []
    for origin, unit in (("first", 1), ("last", 7), ("middle", 1), ("mean", 2), (3.5, 1)):
        coded = mlm.growth.code_time(sleep, "Days", origin=origin, unit=unit)
        assert coded.columns == ("Days_coded",) and "Days_coded" not in sleep
        fits.append(mlm.lmm("Reaction ~ Days_coded + (1 + Days_coded | Subject)", coded.data))
        assert fits[-1].params["Days_coded"] / unit == pytest.approx(fits[0].params["Days_coded"], rel=1e-6)
        units = 2 * np.log(unit)  # of the slope, in REML's log determinant
        assert fits[-1].criterion + units == pytest.approx(fits[0].criterion, abs=1e-5)
    assert fits[1].params["Intercept"] == pytest.approx(fits[0].params.sum() + 8 * fits[0].params.iloc[1], rel=1e-6)


def test_time_since_baseline_splits_age():
    """Age is its start plus what has passed; dates are counted in days."""
    df = pd.DataFrame(
        {
            "id": list("aabb"),
            "age": [10.0, 12, 14, np.nan],
            "day": pd.to_datetime(["2020-01-01", "2020-01-15", "2020-03-01", "2020-03-02"]),
        }
    )
    coded = mlm.growth.code_time(df, "age", "baseline", groups="id")
    assert coded.columns == ("age_since", "age_start")
    np.testing.assert_array_equal(coded.data["age_since"], [0, 2, 0, np.nan])
    np.testing.assert_array_equal(coded.data["age_start"], [10, 10, 14, 14])
    assert "between" in coded.meaning and "own first occasion" in str(coded)
    weeks = mlm.growth.code_time(df, "day", "2020-01-01", unit=(7, "weeks"), name="week")
    np.testing.assert_allclose(weeks.data["week"], [0, 2, 60 / 7, 61 / 7])
    assert (
        weeks.meaning["intercept"] == "the expected outcome at day = 2020-01-01"
        and "one week" in weeks.meaning["slope"]
    )
    for bad, words in (
        ({"time": "height"}, "no column"),
        ({"time": "id"}, "not numbers"),
        ({"time": "age", "origin": "start"}, "origin="),
        ({"time": "age", "origin": "baseline"}, "groups="),
        ({"time": "age", "unit": 0}, "positive"),
        ({"time": "age", "name": "day"}, "already have"),
    ):
        with pytest.raises(mlm.DataError, match=words):
            mlm.growth.code_time(df, **bad)


def test_events_of_wages(wages):
    """The day of the diploma, taken back from the data, gives ged and postexp again, to the rounding of the days."""
    ours = mlm.growth.event(_with_day(wages), "exper", at="day", groups="id", name="diploma")
    near = (ours["exper"] - ours["day"]).abs() < 0.01  # the day itself, rounded either way
    before = wages["exper"] < wages["postexp"]  # rows whose rounding says that the diploma came before work
    plain = ~near & ~before
    assert plain.mean() > 0.97
    assert (ours["diploma_jump"] == wages["ged"])[plain].all()
    assert (ours["diploma_since"] - wages["postexp"])[plain].abs().max() < 0.0065


def _with_day(wages):
    day = (wages["exper"] - wages["postexp"]).where(wages["ged"] == 1)
    return wages.assign(day=day.groupby(wages["id"]).transform("min"))


def test_events():
    df = pd.DataFrame(
        {
            "id": [1, 1, 2, 2],
            "t": [0.0, 2, 1, np.nan],
            "at": [1.0, 1, np.nan, np.nan],
            "bad": [1.0, 2, 1, 1],
            "date": pd.to_datetime(["2020-01-01"] * 4),
        }
    )
    out = mlm.growth.event(df, "t", at="at", groups="id")
    np.testing.assert_array_equal(out["event_jump"], [0, 1, 0, np.nan])
    np.testing.assert_array_equal(out["event_since"], [0, 1, 0, np.nan])
    np.testing.assert_array_equal(mlm.growth.event(df, "t", at=1)["event_jump"], [0, 1, 1, np.nan])
    for at, words in (
        ("bad", "one time for each"),
        (9, "after every row"),
        (-1, "before every row"),
        ("date", "both be dates"),
        ("when", "no column"),
    ):
        with pytest.raises(mlm.DataError, match=words):
            mlm.growth.event(df, "t", at=at, groups="id")


def test_lags_are_honest_about_gaps():
    df = pd.DataFrame(
        {"id": [2, 1, 1, 1, 2, 3], "t": [5, 0, 2, 1, 6, 1], "x": [50.0, 10, 12, 11, np.nan, 7]}, index=list("abcdef")
    )
    lag = mlm.growth.lag(df, "x", "id", "t")
    assert lag.index.tolist() == list("abcdef") and lag.name == "x_lag1"
    np.testing.assert_array_equal(lag, [np.nan, np.nan, 11, 10, 50, np.nan])
    np.testing.assert_array_equal(mlm.growth.lag(df, "x", "id", "t", n=2), [np.nan, np.nan, 10, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(mlm.growth.lead(df, "x", "id", "t"), [np.nan, 11, np.nan, 12, np.nan, np.nan])
    np.testing.assert_array_equal(mlm.growth.difference(df, "x", "id", "t"), [np.nan, np.nan, 1, 1, np.nan, np.nan])
    with pytest.raises(mlm.DataError, match="by='occasion'"):
        mlm.growth.lag(df, "x", "id", "t", n=0.5)
    with pytest.raises(mlm.DataError, match="two rows"):
        mlm.growth.lag(df.assign(t=1), "x", "id", "t")
    for bad in ({"n": 0}, {"n": 0.5, "by": "occasion"}, {"by": "row"}, {"col": "y"}):
        with pytest.raises(mlm.DataError):
            mlm.growth.lag(**{"df": df, "col": "x", "groups": "id", "time": "t", **bad})


def test_lags_agree_with_a_loop():
    """Random tables in random order, both kinds of lag, against the definition."""
    rng = np.random.default_rng(3)
    df = pd.DataFrame({"id": rng.integers(0, 30, 300), "t": rng.integers(0, 25, 300) / 4 + 2000}).drop_duplicates()
    df = df.assign(x=rng.normal(size=len(df))).sample(frac=1, random_state=1)
    for n in (0.25, 1, -0.75):
        byhand = [
            next(iter(df.loc[(df["id"] == i) & ((df["t"] - (t - n)).abs() < 1e-9), "x"]), np.nan)
            for i, t in zip(df["id"], df["t"])
        ]
        np.testing.assert_array_equal(mlm.growth.lag(df, "x", "id", "t", n=n), byhand)
    shifted = df.sort_values("t").groupby("id")["x"].shift(2).reindex(df.index)
    np.testing.assert_array_equal(mlm.growth.lag(df, "x", "id", "t", n=2, by="occasion"), shifted)


def test_waves_of_egsingle():
    """The counts of chapter 13: complete, dropped out, came late, both, gaps."""
    seen = mlm.growth.waves(mlm.load("egsingle"), "childid", "year", outcome="math")
    wide = mlm.load("egsingle").pivot_table(index="childid", columns="year", values="math")
    assert seen.times == tuple(wide.columns) and not seen.balanced and not seen.monotone
    assert (seen.table["kind"] == "complete").sum() == wide.notna().all(axis=1).sum()
    np.testing.assert_array_equal(seen.measured, wide.notna().sum())
    assert seen.table["occasions"].sum() == 7230 and len(seen.table) == 1721
    assert "not monotone" in str(seen) and "<table" in seen._repr_html_()
    five = mlm.growth.waves(mlm.load("egsingle").query("year > -2"), "childid", "year").table
    assert set(five.loc[five["kind"] == "late dropout", "pattern"]) == {".xxx."}
    assert five["kind"].value_counts().to_dict() == {"complete": 835, "dropout": 496, "late": 327, "late dropout": 46,
                                                     "gaps": 17}


def test_waves_of_small_tables():
    df = pd.DataFrame({"id": list("aaabbbccdde"), "t": [0, 1, 2, 0, 1, 2, 0, 1, 1, 2, 0]})
    kinds = mlm.growth.waves(df, "id", "t").table["kind"]
    assert kinds.to_dict() == {"a": "complete", "b": "complete", "c": "dropout", "d": "late", "e": "dropout"}
    assert mlm.growth.waves(df[~df["id"].isin(["d"])], "id", "t").monotone
    more = pd.concat([df, pd.DataFrame({"id": ["f", "g", "g"], "t": [1, 0, 2]})])
    seen = mlm.growth.waves(more, "id", "t")
    assert seen.table["kind"].loc[["f", "g"]].tolist() == ["late dropout", "gaps"]
    assert "1 came late and dropped out, 1 have gaps" in seen.missing
    own = mlm.growth.waves(mlm.load("wages"), "id", "exper")
    assert own.times == () and own.monotone is None and own.counts.sum() == 888 and "own" in str(own)
    with pytest.raises(mlm.DataError, match="two rows"):
        mlm.growth.waves(df.assign(t=1), "id", "t")


def test_lags_do_not_hang_on_where_time_begins():
    df = pd.DataFrame({"id": ["a"] * 3 + ["b"] * 3, "t": [0.0, 1.0, 2.0, 0.0, 1.0, 4.0], "y": np.arange(6.0)})
    for shift, unit in ((0.0, 1.0), (1.7e9, 1.0), (2010.0, 0.1), (-1e6, 1e-3), (0.0, 1 / 3)):
        moved = df.assign(t=shift + df["t"] * unit)
        lagged = mlm.growth.lag(moved, "y", groups="id", time="t", n=unit)
        np.testing.assert_array_equal(lagged, [np.nan, 0.0, 1.0, np.nan, 3.0, np.nan])
    with pytest.raises(mlm.DataError, match="exactly 0.5"):
        mlm.growth.lag(df.assign(t=1.7e9 + df["t"]), "y", groups="id", time="t", n=0.5)


@pytest.mark.parametrize("message, call", [
    ("takes a pandas DataFrame", lambda df: mlm.growth.code_time(df.to_dict("list"), "t")),
    ("have no rows", lambda df: mlm.growth.lag(df[:0], "y", groups="id", time="t")),
    ("is infinite in 1 rows", lambda df: mlm.growth.waves(df.assign(t=[0.0, np.inf]), "id", "t")),
    ("must be a number of units", lambda df: mlm.growth.lag(df, "y", groups="id", time="t", n="1")),
    ("a number or a column", lambda df: mlm.growth.event(df, "t", at=None)),
])
def test_growth_says_what_is_wrong(message, call):
    with pytest.raises(mlm.DataError, match=message):
        call(pd.DataFrame({"id": [1, 1], "t": [0.0, 1.0], "y": [1.0, 2.0]}))
