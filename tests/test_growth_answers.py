"""Tables of occasions, events and lags in their less usual forms, and what a latent basis tells the reader."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from bad_input import base
from mlmlib import growth


def test_a_taxonomy_without_predictors_or_with_varying_ones_alone():
    assert growth.taxonomy("y", "t", "g") == {"A": "y ~ 1 + (1 | g)", "B": "y ~ t + (1 + t | g)"}
    assert growth.taxonomy("y", "t", "g", varying="x")["C"] == "y ~ t + x + (1 + t | g)"
    both = growth.taxonomy("y", "t", "g", invariant="w", varying="x")
    assert list(both) == list("ABCDE") and "x" in both["E"] and "x" not in both["D"]


def test_occasions_of_one_wave_and_of_waves_that_were_missed():
    one = growth.waves(base().iloc[::8], "g", "t")
    assert "one occasion a person" in str(one) and one.balanced
    missing = base().assign(y=lambda d: d.y.where((d.g != 2) & ~((d.g == 3) & (d.t < 2)) & ~((d.g == 4) & (d.t == 5))))
    kinds = growth.waves(missing, "g", "t", "y").table["kind"]
    assert kinds[2] == "dropout" and kinds[3] == "late" and kinds[4] == "gaps" and kinds[0] == "complete"
    assert growth.waves(missing, "g", "t", "y").table.loc[2, "occasions"] == 0


def test_more_patterns_than_are_shown_are_counted():
    rng = np.random.default_rng(0)
    d = pd.DataFrame({"g": np.repeat(np.arange(40), 5), "t": np.tile(np.arange(5), 40)})
    seen = growth.waves(d[rng.random(200) < 0.6], "g", "t")
    shown, rest = seen.patterns.head(8), seen.patterns.iloc[8:]
    assert f"{int(rest.sum())} in {len(rest)} patterns" in " ".join(str(seen).split()) and shown.sum() + rest.sum() == len(seen.table)


def test_an_event_on_a_day_is_an_event_at_a_number_of_days():
    start = pd.Timestamp("2020-01-01")
    dates = base().assign(d=start + pd.to_timedelta(base().t, "D"))
    by_date, by_number = growth.event(dates, "d", at="2020-01-04"), growth.event(base(), "t", at=3.0)
    for name in ("event_jump", "event_since"):
        np.testing.assert_allclose(by_date[name], by_number[name])
    own = growth.event(base(own=3.0), "t", at="own")  # the same time for all, as a column, no persons named
    np.testing.assert_allclose(own["event_since"], by_number["event_since"])


def test_a_lag_of_one_person():
    one = base()[lambda d: d.g == 0]
    found = growth.lag(one, "x", None, "t")
    assert np.isnan(found.iloc[0]) and np.array_equal(found.iloc[1:], one.x.iloc[:-1])
    np.testing.assert_array_equal(found, growth.lag(one, "x", "g", "t"))


@pytest.fixture(scope="module")
def curved():
    rng = np.random.default_rng(1)
    g, t = np.repeat(np.arange(60), 5), np.tile(np.arange(5), 60)
    shape = np.array([0.0, 0.5, 0.8, 0.95, 1.0])[t]
    y = 2 + 3 * shape + rng.standard_normal(60)[g] + 0.7 * rng.standard_normal(60)[g] * shape + 0.5 * rng.standard_normal(300)
    return pd.DataFrame({"g": g, "t": t, "y": y})


def test_a_latent_basis_tells_its_shape_and_the_test_of_a_line(curved):
    found = growth.latent_basis("y ~ basis + (1 + basis | g)", curved, "t", anchors={0: 0, 4: 1})
    statistic, df, p = found.test_linear()
    line = mlm.lmm("y ~ t + (1 + t | g)", curved, reml=False)
    assert statistic == pytest.approx(-2 * line.llf - found.deviance, abs=1e-5) and df == 3 and p < 0.001
    text, page = repr(found), found._repr_html_()
    assert text.startswith(f"Latent basis, ML deviance {found.deviance:,.2f}") and f"chi2(3) = {statistic:.2f}, p < 0.001." in text
    for shown in (text, page):
        assert f"basis {found.params['basis']:.4g} (SE {found.bse['basis']:.2g})" in shown
    assert (np.abs(found.basis["value"] - [0.0, 0.5, 0.8, 0.95, 1.0]) < 0.1).all()
    straight = curved.assign(y=curved.y - 3 * np.array([0.0, 0.5, 0.8, 0.95, 1.0])[curved.t] + 0.75 * curved.t)
    again = growth.latent_basis("y ~ basis + (1 + basis | g)", straight, "t", anchors={0: 0, 4: 1})
    assert f"p = {again.test_linear()[2]:.3f}." in repr(again)
