"""Analysis of variance of the fixed part: lmerTest's tables, and anova of least squares."""

import numpy as np
import pytest
from ddf_cases import CASES, case, listed, schools

import mlmlib as mlm
from mlmlib.published.r_results import relative

DDF = {"satterthwaite": "satterthwaite_anova", "kenward-roger": "kr_anova"}
TABLES = [(id, ddf, kind) for id, truth in CASES.items() for ddf, key in DDF.items() for kind in truth.get(key, {})]


@pytest.mark.parametrize(("id", "ddf", "kind"), TABLES)
def test_lmertest(id, ddf, kind):
    truth = CASES[id][DDF[ddf]][kind]
    table = case(id).anova(type=kind, ddf=ddf).table
    assert len(table) == len(listed(truth["F value"]))
    assert table["NumDF"].tolist() == listed(truth["NumDF"])
    # lmerTest rounds the hypotheses of type III to seven digits (zapsmall); lmerTest's Hessian in the case ml: test_small_sample
    assert relative(table["F"], listed(truth["F value"])) < 1e-6
    assert relative(table["DenDF"], listed(truth["DenDF"])) < 5e-6
    assert np.allclose(table["p"], listed(truth["Pr(>F)"]), rtol=1e-4, atol=1e-300)


def test_how_many():
    assert len(TABLES) == 78 and sum(len(listed(CASES[i][DDF[d]][k]["F value"])) for i, d, k in TABLES) > 200


SEQUENCE = ["band", "minority", "ses", "band:minority", "band:ses"]


@pytest.mark.parametrize("weights", [None, "w"])
def test_least_squares_in_sequence(weights):
    """Type I by its definition: what each term takes off the residual sum of squares, over the last model's variance."""
    table = schools().iloc[:800].assign(w=1.0 + np.arange(800) % 3)
    fits = [mlm.ols(f"mathach ~ 1 + {' + '.join(SEQUENCE[:k])}".rstrip("+ "), table, weights=weights) for k in range(6)]
    ss = np.array([fit.sigma ** 2 * fit.df_resid for fit in fits])
    df = np.array([fit.df_resid for fit in fits])
    found = fits[-1].anova(type=1).table
    assert found.index.tolist() == SEQUENCE and found["NumDF"].tolist() == (-np.diff(df)).tolist()
    assert np.allclose(found["F"], np.diff(ss) / np.diff(df) / fits[-1].sigma ** 2, rtol=1e-8)
    assert (found["DenDF"] == fits[-1].df_resid).all()


@pytest.mark.parametrize("kind", [2, 3])
@pytest.mark.parametrize("weights", [None, "w"])
def test_least_squares(kind, weights):
    """Types II and III against statsmodels' sums of squares, with the sum coding that its type III needs."""
    import statsmodels.formula.api as smf
    from statsmodels.stats.anova import anova_lm

    table = schools().iloc[:800].assign(w=1.0 + np.arange(800) % 3)
    fitted = mlm.ols("mathach ~ band * minority + ses", table, weights=weights)
    other = "mathach ~ C(band, Sum) * C(minority, Sum) + ses"
    theirs = smf.ols(other, table) if weights is None else smf.wls(other, table, weights=table["w"])
    truth = anova_lm(theirs.fit(), typ=kind)
    truth.index = [name.replace("C(", "").replace(", Sum)", "") for name in truth.index]
    table = fitted.anova(type=kind).table
    known = truth.loc[table.index]
    assert np.allclose(table["F"], known["F"], rtol=1e-7) and np.allclose(table["p"], known["PR(>F)"], rtol=1e-6)
    assert (table["DenDF"] == fitted.df_resid).all() and (table["NumDF"] == known["df"]).all()


def test_type_three_does_not_depend_on_the_coding():
    plain, summed = case("factors"), case("sums")
    for ddf in ("wald", *DDF):
        one, two = plain.anova(ddf=ddf).table, summed.anova(ddf=ddf).table
        assert np.allclose(one.to_numpy(), two.to_numpy(), rtol=1e-6)
    reference = mlm.lmm("mathach ~ C(band, Treatment('high')) * minority + C(band, Treatment('high')) * cses + (1 + cses | school)",
                        plain.data)
    assert np.allclose(reference.anova().table.to_numpy(), plain.anova().table.to_numpy(), rtol=1e-6)


def test_type_three_of_a_covariate_is_the_mean_of_its_slopes():
    fitted = case("factors")
    C = fitted.anova().hypotheses["cses"]
    shares = {name: weight for name, weight in zip(fitted._names, C[0]) if weight}
    assert shares == pytest.approx({"cses": 1, "band[T.middle]:cses": 1 / 3, "band[T.high]:cses": 1 / 3})


def test_wald_is_chi_square():
    table = case("factors").anova(type=2).table
    assert list(table) == ["chi2", "df", "p"]
    joint = case("factors").wald_test(["band[T.middle]:minority[T.Yes]", "band[T.high]:minority[T.Yes]"])
    assert table.loc["band:minority", "chi2"] == pytest.approx(joint.statistic)


def test_printed():
    fitted = case("ml")
    shown = fitted.anova(type="II", ddf="kenward-roger")
    assert "type II: Kenward and Roger" in repr(shown) and "fitted again by REML" in repr(shown)
    assert "<caption>Analysis of variance of mathach" in shown._repr_html_() and len(shown) == 3


def test_missing_rows():
    table = schools().iloc[:1500].copy()
    table.loc[table.index[::7], "ses"] = np.nan
    gaps = mlm.lmm("mathach ~ band * ses + (1 | school)", table)
    whole = mlm.lmm("mathach ~ band * ses + (1 | school)", table.dropna())
    assert np.allclose(gaps.anova().table.to_numpy(), whole.anova().table.to_numpy())


def test_refusals():
    fitted = case("zero_variance")
    with pytest.raises(ValueError, match="only an intercept"):
        fitted.anova()
    with pytest.raises(ValueError, match="1, 2 or 3"):
        case("factors").anova(type=4)
    with pytest.raises(ValueError, match="ddf="):
        case("factors").anova(ddf="exact")
