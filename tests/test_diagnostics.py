"""Diagnostics against lme4 and dense matrices (reference/r/diagR_*, made by reference/diagnostics.R), refits, and
planted faults."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib import diagnostics
from mlmlib.diagnostics.residuals import KINDS
from mlmlib.errors import DataError
from models import data, fit, reference

FITS = [
    "sleepstudy_corr_reml",
    "sleepstudy_uncorr_ml",
    "imm_hw_rs_ml",
    "imm_public_ri_reml",
    "dyestuff2_reml",
    "hsb_rc_reml",
    "hsb_iso_reml",
    "sleepstudy_weighted_reml",
]
WEIGHTS = 1.0 + np.arange(180) % 3


def fitted(name):
    if name == "sleepstudy_weighted_reml":
        return mlm.lmm("Reaction ~ Days + (Days | Subject)", data("sleepstudy"), weights=WEIGHTS)
    return fit(name)


def truth(name, part):
    return {
        key: np.array(value, dtype=float)
        for key, value in reference(f"diagR_{name}")[part].items()
        if key not in ("levels", "homogeneity")
    }


def order(name):
    """Places of our coefficients among R's."""
    theirs = [
        key.replace("(Intercept)", "Intercept")
        .replace("sectorCatholic", "sector[T.Catholic]")
        .replace("schtypePublic", "schtype[T.Public]")
        for key in reference(f"diagR_{name}")["fixef"]
    ]
    parts = [frozenset(key.split(":")) for key in theirs]
    return [parts.index(frozenset(key.split(":"))) for key in fitted(name)._names]


def near(ours, theirs, scale=None, tolerance=1e-6):
    """Agreement to 1e-6 of the size of the column (of each number where it is larger)."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    scale = np.nanmax(np.abs(theirs)) if scale is None else scale
    assert ours.shape == theirs.shape
    assert np.nanmax(np.abs(ours - theirs)) <= tolerance * max(scale, 1e-300)
    assert (np.isnan(ours) == np.isnan(theirs)).all()


def test_lme4_hat_values_and_residuals_of_sleepstudy():
    one, want = fit("sleepstudy_corr_reml"), reference("diag_sleepstudy")
    hat = diagnostics.leverage(one)["total"]
    near(hat[:5], want["hat_first5"])
    assert hat.sum() == pytest.approx(want["hat_sum"], rel=1e-6)
    near(one.residuals("pearson")[:5], want["pearson_scaled_first5"])
    near(one.residuals("standardized")[:5], want["rstudent_first5"])


@pytest.mark.parametrize("name", FITS)
def test_rows_as_lme4_and_dense_matrices(name):
    one, want = fitted(name), truth(name, "rows")
    k = int(want["count"])
    hat = diagnostics.leverage(one)
    assert hat["total"].sum() == pytest.approx(float(want["hat_sum"]), rel=2e-6)
    near(hat["total"][:k], want["hat"], 1.0)
    near(hat["fixed"][:k], want["leverage_fixed"])
    near(hat["random"][:k], want["leverage_random"], 1.0)
    near(one.residuals("pearson")[:k], want["pearson"])
    near(one.residuals("standardized")[:k], want["rstudent"])
    near(one.residuals("raw", "marginal")[:k], want["marginal"])
    near(one.residuals("standardized", "marginal")[:k], want["marginal"] / want["marginal_sd"])
    scaled = one.residuals("scaled", "marginal")
    near(scaled[:k], want["marginal_scaled"])
    assert (scaled**2).sum() == pytest.approx(float(want["scaled_sum_sq"]), rel=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_groups_as_dense_matrices(name):
    one, want = fitted(name), truth(name, "groups")
    table = diagnostics.group_residuals(one)
    assert [str(level) for level in table.index] == reference(f"diagR_{name}")["groups"]["levels"]
    singular = name.startswith("dyestuff2")
    scale = want["eblup"].reshape(len(table), -1)
    for a, effect in enumerate(one.random_effects[one.design.random[0].group].columns):
        column = table[effect]
        near(column["raw"], scale[:, a], max(np.abs(scale[:, a]).max(), 1e-3))
        near(column["sd"], want["diagnostic_sd"].reshape(len(table), -1)[:, a], max(want["diagnostic_sd"].max(), 1e-3))
        near(column["least squares"], want["ols"].reshape(len(table), -1)[:, a])
        assert (
            column["standardized"].isna().all()
            if singular
            else np.allclose(column["standardized"], column["raw"] / column["sd"])
        )
    near(table["group"]["mahalanobis"], want["mahalanobis"], max(want["mahalanobis"].max(), 1.0))


@pytest.mark.parametrize("name", FITS)
def test_deletion_with_variances_held(name):
    one, want, p = fitted(name), truth(name, "groups"), len(fitted(name)._params)
    found = mlm.influence(one, reestimate=False)
    near(found.estimates.iloc[:, :p], want["beta"].reshape(-1, p)[:, order(name)])
    for measure in ("cooks", "mdffits", "covratio", "covtrace"):
        near(found.table[measure], want[measure], max(np.abs(want[measure]).max(), 1e-3))
    near(found.table["leverage"], want["leverage_fixed"] + want["leverage_random"], 1.0)
    rows = truth(name, "rows")
    k, by_row = int(rows["count"]), mlm.influence(one, "row")
    near(by_row.estimates.iloc[:k, :p], rows["beta"].reshape(-1, p)[:, order(name)])
    for measure in ("cooks", "mdffits", "covratio"):
        near(by_row.table[measure][:k], rows[measure])


@pytest.mark.parametrize("name", FITS)
def test_deletion_with_variances_estimated_again(name):
    one, want, p = fitted(name), truth(name, "refits"), len(fitted(name)._params)
    found, place = mlm.influence(one), order(name)
    J = len(found.labels)
    size = one.bse.to_numpy()
    assert (
        np.abs(found.estimates.iloc[:, :p].to_numpy() - want["beta"].reshape(J, p)[:, place]).max() < 1e-5 * size.max()
    )
    assert np.allclose(found.se, want["se"].reshape(J, p)[:, place], rtol=5e-6)
    assert np.allclose(found.estimates["sigma"], want["sigma"], rtol=2e-6)
    assert np.allclose(found.dfbetas, want["dfbetas_lme4"].reshape(J, p)[:, place], rtol=1e-5, atol=1e-5)
    near(found.table["cooks"] * (J - p) / J, want["cooks_lme4"], tolerance=1e-5)
    near(found.table["mdffits"], want["cooks_influence_ME"], tolerance=1e-5)
    assert np.allclose(found.rvc["var(residual)"], (want["sigma"] / one.sigma) ** 2 - 1, atol=1e-5)
    names = [key for key in found.estimates if key.startswith("sd(")]
    theta = want["theta"].reshape(J, -1)  # lower triangle by columns; two blocks of one for a double bar
    q = len(names)
    if theta.shape[1] == q * (q + 1) // 2:
        L = np.zeros((J, q, q))
        columns, rows = np.triu_indices(q)
        L[:, rows, columns] = theta
        sds = np.sqrt((L**2).sum(axis=2)) * want["sigma"][:, None]
    else:
        sds = theta * want["sigma"][:, None]
    assert np.allclose(found.estimates[names], sds, rtol=2e-5, atol=2e-4 * one.sigma)


@pytest.mark.parametrize("covariance", ["unstructured", "independent", "exchangeable", "identity"])
@pytest.mark.parametrize("reml", [True, False])
def test_a_fit_without_a_group_is_the_fit_of_the_other_rows(covariance, reml):
    table = data("math").assign(x=lambda d: d["homework"] / 2)
    given = {"formula": "math ~ x + schtype + (x | schid)", "covariance": covariance, "reml": reml}
    weights = 0.5 + (np.arange(len(table)) % 4)
    one = mlm.lmm(data=table, weights=weights, **given)
    found = mlm.influence(one)
    for school in (6327, 62821, 72991):
        stay = (table["schid"] != school).to_numpy()
        again = mlm.lmm(data=table[stay], weights=weights[stay], **given)
        assert found.estimates.loc[school, list(again._names)].to_numpy() == pytest.approx(again._params, rel=1e-7)
        assert found.se.loc[school].to_numpy() == pytest.approx(again._se, rel=1e-6)
        sds = again.random_table("sd")["estimate"].to_numpy()
        ours = found.estimates.loc[school].drop(list(again._names))
        assert set(np.round(sds, 5)) == set(np.round(ours, 5))


def test_rows_and_columns_can_be_left_out_and_the_variances_estimated_again():
    table = data("sleepstudy").assign(week=np.arange(180) % 7, shift=lambda d: np.arange(180) % 3)
    one = mlm.lmm("Reaction ~ Days + (Days | Subject)", table, offset="shift")
    by_row, by_week = mlm.influence(one, "row", reestimate=True), mlm.influence(one, "week")
    again = mlm.lmm("Reaction ~ Days + (Days | Subject)", table.drop(index=59), offset="shift")
    assert by_row.estimates.loc[59, ["Intercept", "Days", "sigma"]].tolist() == pytest.approx(
        [*again._params, again.sigma], rel=1e-8
    )
    again = mlm.lmm("Reaction ~ Days + (Days | Subject)", table[table["week"] != 3], offset="shift")
    assert by_week.estimates.loc[3, ["Intercept", "Days", "sigma"]].tolist() == pytest.approx(
        [*again._params, again.sigma], rel=1e-8
    )
    held = mlm.influence(one, "week", reestimate=False)
    assert (held.estimates["sigma"] == one.sigma).all()
    assert not held.reestimated and not by_week.messages


def test_ols_agrees_with_statsmodels():
    one = mlm.ols("math ~ homework * schtype", data("math"))
    found, theirs = mlm.influence(one), one.statsmodels.get_influence()
    near(found.table["cooks"], theirs.cooks_distance[0])
    near(-found.change[list(one._names)], theirs.dfbeta)
    near(one.residuals("standardized"), theirs.resid_studentized_internal)
    near(one.residuals("studentized"), theirs.resid_studentized_external)
    near(diagnostics.leverage(one)["total"], theirs.hat_matrix_diag)
    table = data("math")
    by_school = mlm.influence(one, "schid")
    again = mlm.ols("math ~ homework * schtype", table[table["schid"] != 62821])
    assert by_school.estimates.loc[62821, list(one._names)].tolist() == pytest.approx(again._params.tolist(), rel=1e-8)


def test_studentized_residual_is_the_t_of_a_dummy_for_the_row():
    table = data("sleepstudy")
    one = mlm.lmm("Reaction ~ Days + (Days | Subject)", table)
    t = one.residuals("studentized")
    row = 59
    with_dummy = mlm.lmm("Reaction ~ Days + d + (Days | Subject)", table.assign(d=(np.arange(180) == row) * 1.0))
    T = {"Subject": one.covariance_matrix().to_numpy()}
    at = with_dummy.model.at(T, one.sigma**2)
    back = np.linalg.inv(with_dummy.model.x_map).T
    half = back @ at.half
    estimate, se = (back @ (with_dummy.model.start_b + at.b))[2], np.sqrt(at.s2 * (half @ half.T)[2, 2])
    assert t[row] == pytest.approx(estimate / se, rel=1e-8)


def test_scaled_residuals_are_white_and_do_not_depend_on_the_order_of_groups():
    one = fit("hsb_rc_reml")
    scaled = one.residuals("scaled", "marginal")
    assert scaled.std() == pytest.approx(1.0, abs=0.02)
    turned = data("hsb").iloc[::-1]
    other = mlm.lmm("mathach ~ cses + (cses | school)", turned).residuals("scaled", "marginal")
    assert (other**2).sum() == pytest.approx((scaled**2).sum(), rel=1e-8)
    mixed = data("hsb").sample(frac=1, random_state=1).sort_values("cses", kind="stable")
    again = mlm.lmm("mathach ~ cses + (cses | school)", mixed).residuals("raw", "marginal")
    near(again.sort_index(), one.residuals("raw", "marginal").sort_index(), tolerance=1e-7)


@pytest.mark.parametrize("name", ["imm_hw_rs_ml", "hsb_rc_reml", "imm_public_ri_reml", "sleepstudy_corr_reml"])
def test_homogeneity_as_r(name):
    want, found = reference(f"diagR_{name}"), diagnostics.homogeneity(fitted(name))
    if "homogeneity" in want:
        H = want["homogeneity"]
        assert (found.H.statistic, found.H.df, found.n_groups) == (
            pytest.approx(H["H"], rel=1e-8),
            H["df"],
            H["groups_used"],
        )
        assert found.spread == pytest.approx(H["spread"], rel=1e-8)
        assert found.H.pvalue == pytest.approx(H["p"], rel=1e-6, abs=1e-12)
    levene = want["levene"]
    assert found.robust.statistic == pytest.approx(levene["F"], rel=1e-8)
    assert list(found.robust.df) == levene["df"]
    assert found.robust.pvalue == pytest.approx(levene["p"], rel=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_shape_as_r(name):
    from mlmlib.diagnostics.judging import shape_of

    want, found = reference(f"diagR_{name}")["shape"], shape_of(fitted(name).residuals("standardized"))
    assert found.skewness == pytest.approx(want["skewness"], rel=1e-5, abs=1e-6)
    assert found.kurtosis == pytest.approx(want["kurtosis"], rel=1e-5)
    assert found.correlation == pytest.approx(want["qq_correlation"], rel=1e-8)
    if "shapiro" in want:
        assert found.p == pytest.approx(want["shapiro"]["p"], rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("name", ["imm_hw_rs_ml", "sleepstudy_corr_reml", "sleepstudy_weighted_reml"])
def test_added_columns_as_generalized_least_squares_in_r(name):
    one = fitted(name)
    term = "homework" if name.startswith("imm") else "Days"
    want = reference(f"diagR_{name}")["added"][term]
    x, codes = one.exog[term].to_numpy(), one.design.random[0].codes
    mean = (np.bincount(codes, x) / np.bincount(codes))[codes]
    middle = mean - mean.mean()
    columns = {"within": (middle, (x - mean) ** 2), "context": (middle,), "between": (middle, middle**2)}
    for part, theirs in want.items():
        ours = diagnostics.added(one, *columns[part])
        assert (ours.estimate, ours.se) == (
            pytest.approx(theirs["estimate"], rel=1e-5),
            pytest.approx(theirs["se"], rel=1e-5),
        )


def test_dropped_rows_keep_their_labels():
    table = data("math").astype({"homework": float}).set_index(np.arange(1000, 1519))
    table.loc[[1003, 1010], "homework"] = np.nan
    one = mlm.lmm("math ~ homework + (1 | schid)", table)
    for kind in KINDS:
        assert list(one.residuals(kind).index) == list(one.endog.index)
    assert 1003 not in mlm.influence(one, "row").table.index
    assert mlm.diagnose(one, time="ratio").table["verdict"].notna().all()
    assert len(mlm.influence(one, "homework").labels) == table["homework"].nunique()


def test_a_group_of_one_row():
    table = pd.concat(
        [
            data("math"),
            pd.DataFrame({"schid": [1], "schtype": "Public", "ratio": 15, "homework": 2, "ses": 0.0, "math": 50}),
        ],
        ignore_index=True,
    )
    one = mlm.lmm("math ~ homework + (homework | schid)", table)
    groups = diagnostics.group_residuals(one)
    assert np.isnan(groups.loc[1, ("homework", "least squares")]) and np.isfinite(
        groups.loc[1, ("homework", "standardized")]
    )
    assert np.isnan(one.residuals("least squares").iloc[-1]) and np.isfinite(one.residuals("studentized").iloc[-1])
    stay = mlm.influence(one).estimates.loc[1, ["Intercept", "homework"]].tolist()
    assert stay == pytest.approx(
        mlm.lmm("math ~ homework + (homework | schid)", data("math"))._params.tolist(), rel=1e-8
    )
    assert "one row only" in mlm.diagnose(one)["Enough groups"].found


def test_removing_the_only_group_of_its_kind_is_said():
    table = data("math")
    table = table.assign(lone=(table["schid"] == 62821) * 1.0)
    one = mlm.lmm("math ~ homework + lone + (1 | schid)", table)
    for reestimate in (True, False):
        found = mlm.influence(one, reestimate=reestimate)
        assert len(found.messages) == 1 and "62821" in found.messages[0] and "'lone'" in found.messages[0]
        assert found.estimates.loc[62821, "lone"] != found.estimates.loc[62821, "lone"]
        assert np.isnan(found.table.loc[62821, "cooks"]) and found.table["cooks"].notna().sum() == 22
        assert "62821" in repr(found) and "nan" not in repr(found)
        assert found.plot().alt_text and found.most(3)["cooks"].notna().all()
    assert "cannot be left out" in mlm.diagnose(one)["carries"].found
    rows = table.assign(single=(np.arange(519) == 7) * 1.0)
    by_row = mlm.influence(mlm.lmm("math ~ homework + single + (1 | schid)", rows), "row")
    assert "'single'" in by_row.messages[0] and np.isnan(by_row.table["cooks"].iloc[7])
    assert np.isnan(mlm.lmm("math ~ homework + single + (1 | schid)", rows).residuals("studentized").iloc[7])


def test_a_singular_fit_is_diagnosed():
    one = fit("dyestuff2_reml")
    assert one.is_singular
    found = mlm.diagnose(one)
    assert found["boundary"].verdict == "act" and found["Enough groups"].verdict == "act"
    assert found["can be seen"].verdict == "act" and "zero" in found["can be seen"].found
    assert found["outlying groups"].verdict == "not checked"
    assert (one.residuals("mahalanobis", "Batch") == 0).all()
    assert one.residuals("standardized").notna().all() and one.residuals("scaled", "marginal").notna().all()
    assert mlm.influence(one).table["singular"].any()
    assert found.panels(envelope=False)[0][0].figure
    perfect = mlm.lmm("y ~ x + (x | g)", _made(5, slope_of_effect=0.15))
    assert perfect.is_singular and mlm.diagnose(perfect)["boundary"].verdict == "act"
    table = diagnostics.group_residuals(perfect)
    assert (table["group"]["df"] == 1).all() and np.isfinite(table["group"]["mahalanobis"]).all()


def test_a_column_on_a_wild_scale_changes_nothing():
    one, table = fit("imm_hw_rs_ml"), data("math")
    wild = mlm.lmm("math ~ h + (h | schid)", table.assign(h=1e4 + 1e-3 * table["homework"]), reml=False)
    for kind in ("standardized", "studentized"):
        near(wild.residuals(kind), one.residuals(kind), tolerance=1e-5)
    near(wild.residuals("mahalanobis", "schid"), one.residuals("mahalanobis", "schid"), tolerance=1e-4)
    near(mlm.influence(wild).table["cooks"], mlm.influence(one).table["cooks"], tolerance=1e-4)


def test_a_model_without_coefficients_and_groups_of_two_rows():
    one = mlm.lmm("math ~ 0 + (1 | schid)", data("math"))
    with pytest.raises(ValueError, match="no coefficients"):
        mlm.influence(one)
    found = mlm.diagnose(one)
    assert found.influence is None and found.panels(envelope=False)[0][0].alt_text
    pairs = pd.DataFrame({"y": [3.0, 1, 4, 1, 5, 9, 2, 6], "x": [0.0, 1, 2, 0, 1, 2, 0, 1], "g": list("aabbccdd")})
    found = mlm.diagnose(mlm.lmm("y ~ x + (1 | g)", pairs))
    assert found["same in all groups"].verdict == "not checked" and found.panels(envelope=False)[0][0].alt_text


def test_two_groups():
    table = data("math")
    table = table[table["schid"].isin([62821, 7472])]
    one = mlm.lmm("math ~ homework + (1 | schid)", table)
    with pytest.raises(DataError, match="two groups"):
        mlm.influence(one)
    assert len(mlm.influence(one, reestimate=False).table) == 2
    assert mlm.diagnose(one)["Enough groups"].verdict == "act"


def _made(seed=3, J=60, n=20, slope_of_effect=None, noise=None, effects=None, curve=0.0, context=0.0, ar=0.0):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), n)
    level = rng.normal(size=J)
    x = rng.normal(size=J * n) + level[g]
    u = rng.normal(size=(J, 2)) * [2.0, 0.5] if effects is None else effects(rng, J)
    if slope_of_effect is not None:
        u[:, 1] = slope_of_effect * u[:, 0]
    e = rng.normal(size=J * n) * 3.0 if noise is None else noise(rng, g)
    for k in range(1, n):
        e[k::n] += ar * e[k - 1 :: n]
    y = 10 + x + u[g, 0] + u[g, 1] * (x - level[g]) + curve * (x - level[g]) ** 2 + context * level[g] + e
    return pd.DataFrame({"y": y, "x": x, "g": g, "t": np.tile(np.arange(n), J)})


def verdict(table, part, formula="y ~ x + (x | g)", **options):
    return mlm.diagnose(mlm.lmm(formula, table), **options)[part].verdict


def test_a_right_model_is_left_in_peace():
    asked = 0
    for seed in range(8):
        found = mlm.diagnose(mlm.lmm("y ~ x + (x | g)", _made(seed)), time="t", reestimate=False)
        asked += sum(check.verdict in ("look", "act") for check in found.checks)
        assert not any(check.verdict == "act" for check in found.checks)
    assert asked <= 6  # of 8 x 16 checks


def test_planted_faults_are_found():
    heavy = _made(noise=lambda rng, g: 3 * rng.standard_t(3, size=len(g)))
    assert verdict(heavy, "within groups are normal") == "act"
    uneven = _made(noise=lambda rng, g: rng.normal(size=len(g)) * np.exp(rng.normal(size=60) * 0.5)[g] * 3)
    assert verdict(uneven, "same in all groups") == "act"
    funnel = _made(noise=lambda rng, g: rng.normal(size=len(g)))
    funnel["y"] = np.exp(funnel["y"] / 6)
    assert verdict(funnel, "follow the fitted") == "act"
    assert verdict(_made(curve=1.5), "straight line within") in ("look", "act")
    assert verdict(_made(context=4.0), "not correlated with x") == "act"
    assert verdict(
        _made(effects=lambda rng, J: np.c_[rng.exponential(4.0, J), rng.normal(size=J) * 0.5]),
        "effects are normal: Int",
    ) in ("look", "act")
    assert verdict(_made(ar=0.6), "in time", time="t") == "act"
    strange = _made()
    strange.loc[strange["g"] == 5, "y"] += 25
    found = mlm.diagnose(mlm.lmm("y ~ x + (x | g)", strange))
    assert found["outlying groups"].verdict == "look" and "g 5:" in found["outlying groups"].found
    row = _made()
    row.loc[100, "y"] += 30
    assert "row 100 " in mlm.diagnose(mlm.lmm("y ~ x + (x | g)", row))["outlying rows"].found
    lever = _made(J=15)
    lever.loc[lever["g"] == 3, "x"] += 15
    lever.loc[lever["g"] == 3, "y"] -= 25
    carried = mlm.diagnose(mlm.lmm("y ~ x + (1 | g)", lever))["carries"]
    assert carried.verdict == "act" and "without g 3" in carried.found


def test_the_context_of_ses_in_hsb():
    found = mlm.diagnose(mlm.lmm("mathach ~ ses + (1 | school)", data("hsb")))
    check = found["correlated with ses"]
    true = mlm.lmm("mathach ~ ses + mean_ses + (1 | school)", data("hsb"))
    assert check.verdict == "act" and check.value == pytest.approx(true.params["mean_ses"], rel=0.05)
    better = mlm.diagnose(true)["correlated with ses"]
    assert better.verdict == "ok" and "in the model" in better.found
    centered = mlm.diagnose(fit("hsb_rc_reml"))["correlated with cses"]
    assert centered.verdict == "ok" and "same mean" in centered.found


def test_words_and_tables():
    found = mlm.diagnose(fit("sleepstudy_corr_reml"), time="Days")
    assert list(found.table.columns) == ["check", "found", "value", "p", "reading", "verdict", "todo", "chapter"]
    assert set(found.table["verdict"]) <= {"ok", "look", "act", "not checked"}
    text, page = repr(found), found._repr_html_()
    for check in found.checks:
        assert check.name in text and check.name.split("'")[0] in page
        assert "nan" not in check.found
    assert page.count("<tr>") == len(found.checks) + 1
    chapters = set(found.table["chapter"])
    assert chapters <= {
        "04_random_slopes",
        "06_centering",
        "07_estimation",
        "08_inference",
        "09_diagnostics",
        "14_growth_shapes",
    }
    influence = found.influence
    assert influence._repr_html_().count("<tr>") == 6 and "335" in repr(influence)
    assert influence.rvc.columns.tolist() == [
        "var(Subject: Intercept)",
        "var(Subject: Days)",
        "cov(Subject: Intercept, Days)",
        "var(residual)",
    ]
    assert influence.turned.empty and influence.flagged.empty
    for thing in (found, influence):
        with pytest.raises(AttributeError, match="immutable"):
            thing.fit = None
    with pytest.raises(KeyError, match="there are"):
        found["moon"]


def test_wrong_requests_are_told():
    one = fit("imm_hw_rs_ml")
    with pytest.raises(ValueError, match="choose one of raw"):
        one.residuals("deviance")
    with pytest.raises(ValueError, match="'schid'"):
        one.residuals("raw", "school")
    with pytest.raises(ValueError, match="for groups"):
        one.residuals("pearson", "schid")
    with pytest.raises(ValueError, match="own line"):
        one.residuals("least squares", "marginal")
    with pytest.raises(DataError, match="no column 'school'"):
        mlm.influence(one, "school")
    with pytest.raises(ValueError, match="no random effects"):
        mlm.diagnose(mlm.ols("math ~ homework", data("math")))
    with pytest.raises(ValueError, match="to estimate again"):
        mlm.influence(mlm.ols("math ~ homework", data("math")), reestimate=True)
    with pytest.raises(DataError, match="finite number"):
        mlm.diagnose(one, time=[1, 2, 3])
    with pytest.raises(ValueError, match="choose one of n, cooks"):
        mlm.influence(one).plot("moon")
    missing = data("math").astype({"ratio": float}).copy()
    missing.loc[3, "ratio"] = np.nan
    with pytest.raises(DataError, match="misses values"):
        mlm.influence(mlm.lmm("math ~ homework + (1 | schid)", missing), "ratio")


def test_least_squares_residuals_are_those_of_each_group_alone():
    table = data("math")
    one = mlm.lmm("math ~ homework * ratio + (homework | schid)", table)
    ours = one.residuals("least squares")
    for school, rows in table.groupby("schid"):
        X = np.c_[np.ones(len(rows)), rows["homework"]]
        own = rows["math"] - X @ np.linalg.lstsq(X, rows["math"], rcond=None)[0]
        assert ours[rows.index].to_numpy() == pytest.approx(own.to_numpy(), abs=1e-9), school


@pytest.mark.filterwarnings("ignore:More than 20 figures")
def test_pictures_say_what_they_show():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from mlmlib import plots

    table = data("math").astype({"homework": float}).copy()
    table.loc[[3, 10], "homework"] = np.nan
    one = mlm.lmm("math ~ homework + ses + (homework | schid)", table)
    found = mlm.diagnose(one)
    made = [
        found.influence.plot(what)
        for what in (
            "cooks",
            "dfbetas",
            "covratio",
            "mdffits",
            "leverage",
            "homework",
            "sd(schid: Intercept)",
            "corr(schid: Intercept, homework)",
            "sigma",
        )
    ]
    made += [
        mlm.influence(one, "row").plot(),
        plots.linearity(one, "homework"),
        plots.linearity(fit("hsb_rc_reml"), "cses"),
        plots.residual_spread(one),
        found.panels(envelope=False),
        plots.qq(one, band="simulated", samples=39, kind="studentized"),
        plots.qq(one, "homework", kind="standardized", band="simulated", samples=39),
        plots.residuals(one, "ratio"),
        plots.residuals(one, kind="pearson", level="marginal"),
        plots.qq(mlm.ols("math ~ ses", table), kind="studentized"),
    ]
    for axes in made:
        first = np.ravel(axes)[0]
        text = plots.alt(axes)
        assert len(text) > 60 and "nan" not in text and first.alt_text == text
        first.figure.canvas.draw()
    assert "62821" in plots.alt(made[0]) and "without" in plots.alt(made[5])
    assert any(plots.alt(axes).startswith("Six panels.") for axes in made)
    with pytest.raises(ValueError, match="homework, ses"):
        plots.linearity(one, "ratio")
    with pytest.raises(ValueError, match="variance is zero"):
        plots.qq(fit("dyestuff2_reml"), "Intercept", kind="standardized")
    with pytest.raises(ValueError, match="mlm.lmm"):
        plots.qq(np.arange(10.0), band="simulated")
    plt.close("all")


def test_all_schools_of_hsb_are_left_out_in_under_a_second():
    import time

    one = fit("hsb_rc_reml")
    mlm.influence(one)
    began = time.process_time()  # of this process alone, however busy the machine is
    found = mlm.influence(one)
    assert time.process_time() - began < 1.0
    assert found._deleted.evaluations < 5 * len(found.labels)
