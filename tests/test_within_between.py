"""Predictors split into their levels, several at once and categories too, and the contextual effect."""
import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.errors import DataError


@pytest.fixture(scope="module")
def hsb():
    return mlm.load("hsb")


def test_several_predictors_and_categories(hsb):
    split = mlm.within_between(hsb, ["ses", "minority", "female"], groups="school")
    new = ["ses_between", "ses_within", "minority_Yes_between", "minority_Yes_within", "female_Yes_between", "female_Yes_within"]
    assert list(split.columns) == [*hsb.columns, *new]
    share = (hsb["female"] == "Yes").groupby(hsb["school"]).transform("mean")
    assert np.allclose(split["female_Yes_between"], share)
    assert np.allclose(split["female_Yes_between"] + split["female_Yes_within"], hsb["female"] == "Yes")
    for name in new[1::2]:
        assert abs(split.groupby("school")[name].mean()).max() < 1e-12
    fit = mlm.lmm(f"mathach ~ {' + '.join(new)} + (1 | school)", split)
    within = mlm.lmm(f"mathach ~ {' + '.join(new[1::2])} + (1 | school)", split)
    assert fit.params[new[1::2]].tolist() == pytest.approx(within.params[new[1::2]].tolist(), rel=1e-8)


def test_three_levels_and_missing(hsb):
    table = hsb[["school", "mathach"]].assign(
        track=np.where(hsb["ses"] > 0.5, "top set", np.where(hsb["ses"] > -0.5, "middle", "a-low")))
    table.loc[:3, "track"] = None
    split = mlm.within_between(table, "track", groups="school")
    assert list(split.columns[-4:]) == ["track_middle_between", "track_middle_within", "track_top_set_between",
                                        "track_top_set_within"]
    assert split["track_middle_within"].isna().sum() == 4
    first = split[split["school"] == split["school"].iloc[0]]
    assert first["track_middle_between"].iloc[0] == pytest.approx((first["track"].dropna() == "middle").mean())
    assert "mathach ~ 1" not in mlm.lmm("mathach ~ track_top_set_within + (1 | school)", split).formula


def test_refusals(hsb):
    with pytest.raises(DataError, match="does not vary within"):
        mlm.within_between(hsb, ["mean_ses"], groups="school")
    with pytest.raises(DataError, match="does not vary within"):
        mlm.within_between(hsb, ["sector"], groups="school")
    with pytest.raises(DataError, match="no column 'age'"):
        mlm.within_between(hsb, ["age"], groups="school")
    once = mlm.within_between(hsb, "ses", groups="school")
    with pytest.raises(DataError, match="already have"):
        mlm.within_between(once, "ses", groups="school")


def test_contextual_effect_equals_the_coefficient_of_the_group_mean(hsb):
    split = mlm.within_between(hsb, "ses", groups="school")
    fit = mlm.lmm("mathach ~ ses_between + ses_within + (1 | school)", split)
    raw = mlm.lmm("mathach ~ ses_between + ses + (1 | school)", split)
    got = mlm.contextual_effect(fit, "ses")
    assert (got.estimate, got.se) == pytest.approx((raw.params["ses_between"], raw.bse["ses_between"]), rel=1e-7)
    assert [got.lower, got.upper] == pytest.approx(raw.conf_int().loc["ses_between"].tolist(), rel=1e-7)
    assert got.pvalue == pytest.approx(raw.pvalues["ses_between"], rel=1e-4)
    assert float(got) == got.between - got.within and "minus" in str(got) and "<table" in got._repr_html_()
    linear = mlm.contextual_effect(mlm.ols("mathach ~ ses_between + ses_within", split), "ses")
    assert linear.letter == "t"
    with pytest.raises(DataError, match="no coefficient"):
        mlm.contextual_effect(raw, "ses")
    with pytest.raises(DataError, match="depend on another"):
        mlm.contextual_effect(mlm.lmm("mathach ~ mean_ses + cses * sector + (1 | school)", hsb), between="mean_ses", within="cses")
