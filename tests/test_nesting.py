"""Comparisons that would mean nothing are refused, with the reason and the mend."""

import numpy as np
import pytest

import mlmlib as mlm
from models import data, fit


@pytest.mark.parametrize("null, full, says", [
    ("sleepstudy_ri_ml", "hsb_rc_ml", "different outcomes, 'Reaction' and 'mathach'"),
    ("hsb_ri_cses_ml", "hsb_rc_reml", "One fit is by REML and the other by ML"),
    ("hsb_ri_ses_ml", "hsb_rc_ml", "not nested: 'ses' of the first model's fixed effects"),
    ("hsb_ri_cses_ml", "hsb_ri_ses_ml", "not nested: 'cses'"),
    ("hsb_rc_ml", "hsb_ri_cses_ml", "comes first"),
    ("hsb_null_ml", "hsb_null_ml", "the same model"),
    ("imm_hw_rs_ml", "imm_hw_public_ri_ml", "comes first"),
])
def test_pairs(null, full, says):
    with pytest.raises(ValueError, match=says):
        mlm.compare(fit(null), fit(full))


def lmm(formula, table=None, **options):
    return mlm.lmm(formula, data("hsb") if table is None else table, **{"reml": False} | options)


def refused(null, full, says):
    with pytest.raises(ValueError, match=says) as caught:
        mlm.compare(null, full)
    return str(caught.value)


def test_random_parts():
    refused(lmm("mathach ~ cses + (0 + cses | school)"), lmm("mathach ~ cses + minority + female + (1 | school)"),
            "lets 'cses' vary over 'school', the second does not")
    refused(lmm("mathach ~ cses + (1 + cses | school)"), lmm("mathach ~ cses + minority + female + (cses || school)"),
            "unstructured covariance of .* no special case")
    refused(lmm("mathach ~ cses + (1 + cses | school)", covariance="exchangeable"),
            lmm("mathach ~ cses + minority + (cses || school)"), "exchangeable covariance")
    groups = data("hsb").assign(other=np.arange(len(data("hsb"))) % 50)
    refused(lmm("mathach ~ cses + (1 | other)", groups), lmm("mathach ~ cses + (1 + cses | school)", groups),
            "groups by 'other', the second by school")
    refused(lmm("mathach ~ cses + (1 | school)"), mlm.ols("mathach ~ cses * sector", data("hsb")), "the second has none")


def test_groups_by_another_name_are_the_same():
    renamed = data("hsb").assign(place=lambda t: "s" + t["school"].astype(str))
    test = mlm.compare(fit("hsb_ri_cses_ml"), lmm("mathach ~ cses + (1 + cses | place)", renamed))
    assert test.statistic == pytest.approx(mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml")).statistic, abs=1e-7)


def test_a_transformed_outcome():
    positive = data("hsb").assign(mathach=lambda t: t["mathach"] + 5)
    says = refused(lmm("log(mathach) ~ cses + (1 | school)", positive), lmm("mathach ~ cses + (1 + cses | school)", positive),
                   "'log\\(mathach\\)' and 'mathach'")
    assert "transformed outcome is on another scale" in says


def test_rows_lost_to_missing_values():
    holes = data("hsb").assign(cses=lambda t: t["cses"].where(t["cses"] > -2))
    lost = int(holes["cses"].isna().sum())
    says = refused(lmm("mathach ~ 1 + (1 | school)", holes), lmm("mathach ~ cses + (1 | school)", holes), "different rows")
    assert f"the second lacks {lost} where 'cses' is missing" in says and "dropna(subset=['cses'])" in says
    assert f"(7185 and {7185 - lost})" in says
    fewer = data("hsb").iloc[:7000]
    says = refused(lmm("mathach ~ 1 + (1 | school)"), lmm("mathach ~ cses + (1 | school)", fewer), "different rows")
    assert "from tables of 7185 and 7000 rows" in says


def test_another_order_of_the_rows():
    mixed = data("hsb").sample(frac=1, random_state=3)
    test = mlm.compare(fit("hsb_ri_cses_ml"), lmm("mathach ~ cses + (1 + cses | school)", mixed))  # labels tell
    assert test.statistic == pytest.approx(mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml")).statistic, abs=1e-7)
    says = refused(fit("hsb_ri_cses_ml"), lmm("mathach ~ cses + (1 + cses | school)", mixed.reset_index(drop=True)),
                   "differs between the fits in")
    assert "different outcomes" in says


def test_another_outcome_of_the_same_name():
    other = data("hsb").assign(mathach=lambda t: t["mathach"].where(t.index != 17, 3.0))
    refused(fit("hsb_ri_cses_ml"), lmm("mathach ~ cses + (1 + cses | school)", other), "in 1 of 7185 rows")


def test_weights_and_offsets():
    table = data("hsb").assign(w=1.0 + np.arange(7185) % 2, even=2.0)
    plain, full = lmm("mathach ~ cses + (1 | school)", table), "mathach ~ cses + (1 + cses | school)"
    refused(plain, lmm(full, table, weights="w"), "different weights")
    refused(plain, lmm(full, table, weights="even"), "different weights")
    refused(plain, lmm(full, table, offset="ses"), "different offsets")
    assert mlm.compare(plain, lmm(full, table, offset=np.full(7185, 2.0))).df == 2  # the intercept takes it up


def test_a_fit_that_did_not_converge():
    stopped = lmm("mathach ~ cses + (1 | school)")
    stopped.__dict__["converged"] = False
    refused(stopped, fit("hsb_rc_ml"), "first fit .* did not converge")
    refused(fit("hsb_null_ml"), stopped, "second fit .* did not converge")
