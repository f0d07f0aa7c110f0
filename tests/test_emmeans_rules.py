"""Marginal means: what does not depend on coding or scale, families and adjustments, refusals, print and picture."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmlib as mlm
from mlmlib.inference.multiplicity import ADJUST, Kin
from mlmlib.inference.simultaneous import LargestT
from models import data, fit

matplotlib.use("Agg")
MIXED = "mathach ~ cses * sector + minority + (cses | school)"


@pytest.fixture(scope="module")
def mixed():
    return mlm.lmm(MIXED, data("hsb"))


@pytest.fixture(scope="module")
def cells(mixed):
    return mlm.emmeans(mixed, ["sector", "minority"])


def numbers(estimates):
    return np.concatenate([estimates._estimate, estimates._se, estimates._df])


@pytest.mark.parametrize("ddf", ["wald", "satterthwaite", "kenward-roger"])
def test_means_do_not_depend_on_the_coding(ddf):
    frame = data("math")
    one, other = (mlm.lmm(f"math ~ {schtype} * {homework} + ses + (1 | schid)", frame.assign(homework=frame["homework"].clip(upper=4)))
                  for schtype, homework in (("schtype", "C(homework)"), ("C(schtype, Sum)", "C(homework, Treatment(3))")))  # fmt: skip
    for weights in ("equal", "proportional", "cells"):
        a, b = (mlm.emmeans(f, "homework", weights=weights, ddf=ddf) for f in (one, other))
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=2e-5)


def test_units_do_not_matter():
    frame = data("math")
    wild = frame.assign(ses=1e7 * frame["ses"] + 3e9)
    a, b = (mlm.emtrends(mlm.lmm("math ~ schtype * ses + (1 | schid)", f), "ses", "schtype", ddf="kenward-roger") for f in (frame, wild))
    np.testing.assert_allclose(a._estimate, 1e7 * b._estimate, rtol=1e-6)
    np.testing.assert_allclose(a._df, b._df, rtol=1e-5)
    c, d = (mlm.emmeans(mlm.lmm("math ~ schtype * ses + (1 | schid)", f), "schtype", ddf="kenward-roger") for f in (frame, wild))
    np.testing.assert_allclose(numbers(c), numbers(d), rtol=1e-5)


def test_cells_weighted_by_their_counts_are_raw_means():
    frame = data("hsb")
    saturated = mlm.ols("mathach ~ sector * minority * female", frame)
    means = mlm.emmeans(saturated, ["sector", "minority"], weights="cells")
    raw = frame.groupby(["sector", "minority"], observed=True)["mathach"].mean()
    assert means._estimate == pytest.approx([raw[row] for row in means.rows])


def test_differences_are_coefficients(mixed):
    table = mlm.emmeans(mixed, "minority", ddf="wald").contrast("revpairwise").table.iloc[0]
    assert [table["estimate"], table["se"]] == pytest.approx([mixed.params["minority[T.Yes]"], mixed.bse["minority[T.Yes]"]])
    slopes = mlm.emtrends(mixed, "cses", "sector", ddf="satterthwaite").contrast("revpairwise").table.iloc[0]
    row = mixed.coef_table(ddf="satterthwaite").iloc[-1]
    assert abs(slopes["estimate"]) == pytest.approx(abs(row["estimate"])) and slopes["df"] == pytest.approx(row["df"], rel=1e-6)


def test_slope_of_a_curve_is_its_derivative():
    curve = mlm.ols("math ~ schtype * (ses + I(ses ** 3)) + exp(ses)", data("math"))
    slopes = mlm.emtrends(curve, "ses", "schtype", at={"ses": [-1, 2]}, by="ses")
    b = curve.params
    for (ses, school), found in zip(slopes.rows, slopes._estimate):
        public = school == "Public"
        wanted = b["ses"] + 3 * ses**2 * b["I(ses ** 3)"] + np.exp(ses) * b["exp(ses)"]
        wanted += public * (b["schtype[T.Public]:ses"] + 3 * ses**2 * b["schtype[T.Public]:I(ses ** 3)"])
        assert found == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("name", ["dyestuff2_reml", "hsb_iso_reml", "orthodont_rs_ml", "sleepstudy_uncorr_reml"])
@pytest.mark.parametrize("ddf", ["wald", "satterthwaite", "kenward-roger"])
def test_singular_ml_and_independent_fits(name, ddf):
    fitted = fit(name)
    means = mlm.emmeans(fitted, ddf=ddf)
    assert len(means) == 1 and np.isfinite(means.table[["mean", "se", "lower", "upper"]].to_numpy()).all()
    assert np.isinf(means._df[0]) == (ddf == "wald")


def test_differences_of_differences(mixed, cells):
    by_sector = cells.contrast("revpairwise", by="minority").contrast("revpairwise", by=[])
    assert by_sector._se[0] == 0 and any("nothing to test" in note for note in by_sector.notes)  # no such interaction
    assert np.isnan(by_sector.table["p"]).all() and "nothing to test" in repr(by_sector)
    crossed = mlm.lmm("mathach ~ sector * minority + (1 | school)", data("hsb"))
    means = mlm.emmeans(crossed, ["sector", "minority"], ddf="wald")
    twice = means.contrast("revpairwise", by="minority").contrast("revpairwise", by=[]).table.iloc[0]
    row = crossed.coef_table().iloc[-1]
    assert [abs(twice["estimate"]), twice["se"], twice["p"]] == pytest.approx([abs(row["estimate"]), row["se"], row["p"]])


def test_case_weights_count():
    frame = data("math").head(200)
    double = pd.concat([frame, frame[frame["schtype"] == "Public"]])
    weighted = frame.assign(w=np.where(frame["schtype"] == "Public", 2.0, 1.0))
    one = mlm.emmeans(mlm.ols("math ~ schtype + C(homework)", double), "homework", weights="proportional")
    other = mlm.emmeans(mlm.ols("math ~ schtype + C(homework)", weighted, weights="w"), "homework", weights="proportional")
    np.testing.assert_allclose(one._estimate, other._estimate)


def test_offset_given_as_an_option():
    frame = data("math")
    shifted = mlm.ols("math ~ schtype", frame.assign(math=frame["math"] + frame["ses"]), offset="ses")
    plain = mlm.ols("math ~ schtype", frame)
    moved = mlm.emmeans(shifted, "schtype")._estimate - mlm.emmeans(plain, "schtype")._estimate
    np.testing.assert_allclose(moved, frame["ses"].mean())


@pytest.mark.parametrize("df", [1.0, 4.5, 30.0, np.inf])
@pytest.mark.parametrize("k", [3, 5])
def test_multivariate_t_is_tukeys_for_independent_means(df, k):
    A = np.array([np.eye(k)[i] - np.eye(k)[j] for i in range(k) for j in range(i + 1, k)])
    largest, c = LargestT(A @ A.T / 2), np.array([0.7, 1.5, 2.4, 3.3, 8.0])
    wanted = stats.studentized_range.sf(np.sqrt(2) * c, k, df)
    np.testing.assert_allclose(largest.tail(c, df), wanted, atol=2e-5, rtol=2e-4)
    assert largest.quantile(0.95, df) == pytest.approx(stats.studentized_range.ppf(0.95, k, df) / np.sqrt(2), rel=3e-5)


def test_multivariate_t_is_scipys_where_that_is_right():
    R = np.array([[1, 0.5, 0.2], [0.5, 1, -0.3], [0.2, -0.3, 1]])
    for c in (1.2, 2.5):
        box = stats.multivariate_t.cdf(np.full(3, c), np.zeros(3), R, 12, lower_limit=np.full(3, -c), maxpts=400_000, random_state=1)
        assert LargestT(R).tail(c, 12)[0] == pytest.approx(1 - box, abs=1e-4)


def test_two_means_and_small_p():
    assert LargestT(np.array([[1.0, 1.0], [1.0, 1.0]])).tail(2.0, 9)[0] == pytest.approx(2 * stats.t.sf(2.0, 9))
    independent = LargestT(np.eye(2)).tail(9.0, np.inf)[0]
    assert independent == pytest.approx(2 * 2 * stats.norm.sf(9.0), rel=1e-3)  # never 1 less something


def test_adjustments_are_in_order():
    rng = np.random.default_rng(0)
    for size, df in ((4, 8.0), (6, np.inf), (3, 2.5)):
        A = np.array([np.eye(size)[i] - np.eye(size)[j] for i in range(size) for j in range(i + 1, size)])
        kin = Kin(np.full(len(A), df), A @ np.diag(rng.uniform(0.5, 2, size)) @ A.T, size - 1, size)
        t = rng.normal(0, 2, len(A))
        p = {adjust: kin.pvalues(t, adjust) for adjust in ADJUST}
        c = {adjust: kin.critical(0.95, adjust)[0] for adjust in ADJUST}
        order = ["none", "mvt", "tukey", "scheffe"]
        assert all((p[a] <= p[b] + 1e-7).all() and c[a] <= c[b] + 1e-6 for a, b in zip(order, order[1:]))
        order = ["none", "mvt", "sidak", "bonferroni"]
        assert all((p[a] <= p[b] + 1e-7).all() and c[a] <= c[b] + 1e-6 for a, b in zip(order, order[1:]))
        order = ["none", "fdr", "holm", "bonferroni"]
        assert all((p[a] <= p[b] + 1e-12).all() for a, b in zip(order, order[1:]))
        for adjust in ("none", "bonferroni", "sidak", "tukey", "mvt", "scheffe"):  # interval and test agree
            assert kin.pvalues(np.full(len(A), c[adjust]), adjust) == pytest.approx(0.05, rel=1e-4)


def test_many_degrees_of_freedom_are_interpolated():
    A = np.array([np.eye(7)[i] - np.eye(7)[j] for i in range(7) for j in range(i + 1, 7)])
    kin = Kin(np.geomspace(4.0, 3000.0, 21), A @ A.T, 6, 7)
    for adjust in ("tukey", "scheffe"):
        one = [Kin(np.full(21, df), A @ A.T, 6, 7).critical(0.95, adjust)[0] for df in kin.df[1::4]]
        np.testing.assert_allclose(kin.critical(0.95, adjust)[1::4], one, rtol=1e-8)


def test_simultaneous_intervals_cover_all_of_a_family():
    """The promise itself: under the null the family-wise error of the intervals is 5 %."""
    rng, A = np.random.default_rng(4), np.array([[1, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1]])
    variances = np.array([1.0, 0.1, 0.4, 2.0])
    kin = Kin(np.full(3, 6.0), A @ np.diag(variances) @ A.T, 3)
    t = np.abs(rng.normal(0, np.sqrt(variances), (200_000, 4)) @ A.T) / np.sqrt(np.diag(A @ np.diag(variances) @ A.T))
    t /= np.sqrt(rng.chisquare(6, (200_000, 1)) / 6)
    assert (t > kin.critical(0.95, "mvt")).any(axis=1).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 200_000))


def test_results_are_immutable_and_tables_are_copies(cells):
    with pytest.raises(AttributeError):
        cells.level = 0.5
    with pytest.raises(ValueError, match="read-only"):
        cells.coefficients[0, 0] = 1
    table = cells.table
    table.loc[0, "mean"] = 0.0
    assert cells.table.loc[0, "mean"] != 0


def test_custom_contrasts(cells):
    by_name = cells.contrast({"sector": {"Catholic No": 0.5, "Catholic Yes": 0.5, "Public No": -0.5, "Public Yes": -0.5}})
    labels = [f"{sector} {minority}" for sector, minority in cells.rows]
    row = [0.5 if "Catholic" in label else -0.5 for label in labels]
    assert by_name._estimate == pytest.approx(cells.contrast(row)._estimate)
    assert by_name.joint_test().pvalue == pytest.approx(by_name._pvalues[0])
    total = cells.contrast([[1, 1, 0, 0]])
    assert "do not sum to zero" in repr(total)


def test_joint_test_counts_what_is_independent(cells):
    pairs = cells.contrast("pairwise")
    test = pairs.joint_test()
    assert isinstance(test, mlm.TestResult) and test.df[0] == 2  # additive: 4 cells, 2 directions
    within = cells.contrast("pairwise", by="minority")
    assert within.joint_test(minority="Yes").pvalue == pytest.approx(within._pvalues[0])


def test_empty_cells_are_told():
    frame = pd.DataFrame({"a": list("xxxyyyxxyy"), "b": list("ppqpppqqpp"), "y": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3.0]})
    with pytest.raises(mlm.DataError, match="no row has this combination"):
        mlm.ols("y ~ a * b", frame)
    additive = mlm.ols("y ~ a + b", frame)
    assert "1 of the 4 cells averaged have no row" in repr(mlm.emmeans(additive, "a"))
    with pytest.raises(mlm.DataError, match="No row of the data has a = y, b = q"):
        mlm.emmeans(additive, ["a", "b"], weights="cells")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda f, m: mlm.emmeans(f, "colour"), mlm.DataError, "not in the fixed part"),
        (lambda f, m: mlm.emmeans(f, "school"), mlm.DataError, "groups the random effects"),
        (lambda f, m: mlm.emmeans(f, "cses"), mlm.DataError, "is a number, not a category"),
        (lambda f, m: mlm.emmeans(f, "sector", at={"ses": 1}), mlm.DataError, "not in the fixed part"),
        (lambda f, m: mlm.emmeans(f, "sector", at={"sector": "Charter"}), mlm.DataError, "no category of 'sector'"),
        (lambda f, m: mlm.emmeans(f, "sector", at={"cses": "high"}), mlm.DataError, "needs finite numbers"),
        (lambda f, m: mlm.emmeans(f, "sector", by="sector"), mlm.DataError, "both over= and by="),
        (lambda f, m: mlm.emmeans(f, "sector", weights="flat"), ValueError, "weights='flat'"),
        (lambda f, m: mlm.emmeans(f, "sector", ddf="exact"), ValueError, "ddf='exact'"),
        (lambda f, m: mlm.emmeans(f, "sector", level=95), ValueError, "between 0 and 1"),
        (lambda f, m: mlm.emmeans(f, "sector", adjust="tukey"), ValueError, "all pairwise differences"),
        (lambda f, m: mlm.emtrends(f, "sector"), mlm.DataError, "has no slope"),
        (lambda f, m: m.contrast([1, -1]), ValueError, "are 2, and the means 4"),
        (lambda f, m: m.contrast({"x": {"Nowhere": 1}}), ValueError, "names 'Nowhere'"),
        (lambda f, m: m.contrast("helmert"), ValueError, "no family of contrasts 'helmert'"),
        (lambda f, m: m.contrast("pairwise", by="school"), ValueError, "by= names 'school'"),
        (lambda f, m: m.contrast("pairwise", adjust="lsd"), ValueError, "adjust='lsd'"),
        (lambda f, m: m.contrast("eff", adjust="tukey"), ValueError, "all pairwise differences"),
        (lambda f, m: m.contrast("trt.vs.ctrl", ref="Nowhere"), ValueError, "ref='Nowhere'"),
        (lambda f, m: mlm.emmeans(f).contrast("pairwise"), ValueError, "at least two means"),
    ],
)
def test_refusals(mixed, cells, call, error, words):
    with pytest.raises(error, match=words):
        call(mixed, cells)


def test_print_and_explain(cells):
    pairs = cells.contrast("pairwise")
    assert "Tukey's method" in repr(pairs) and "6 estimates" in repr(pairs) and pairs._repr_html_().count("<tr>") == 7
    assert "Held: cses at its mean, 0.\n" in repr(cells)
    assert len(pairs.explain().splitlines()) >= 6 and "95 % interval" in pairs.explain()


def test_pictures_say_what_they_show(mixed, cells):
    axes = cells.plot()
    assert len(axes) == 2 and "Catholic" in mlm.plots.alt(axes) and "adjusted by tukey" in mlm.plots.alt(axes)
    one = cells.contrast("pairwise").plot(title="pairs")
    assert "Contrasts" in mlm.plots.alt(one) and one.get_title("left") == "pairs"
    with pytest.raises(ValueError, match="three to six"):
        mlm.emmeans(mixed, "sector").plot(compare=True)
    matplotlib.pyplot.close("all")
