"""Ordered categories: densities and their derivatives in the tails, thresholds, probabilities, proportional odds."""

from __future__ import annotations

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmlib as mlm
from mlmlib.glmm.cumulative import LINKS
from mlmlib.glmm.laplace import Laplace
from mlmlib.glmm.ordinal import OrdinalDensity
from mlmlib.glmm.rows import OneFactorRows
from toc import ROOT

FORMULA = "rating ~ temp + contact"
ENDS = [(-np.inf, -0.7), (-0.7, 0.4), (0.4, 0.9), (1.2, np.inf)]
DISTRIBUTIONS = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l, "loglog": stats.gumbel_r, "cauchit": stats.cauchy}


def reference(name):
    return json.loads((ROOT / "tests/reference/r" / f"{name}.json").read_text(encoding="utf-8"))["results"]


def relative(found, truth):
    found, truth = np.asarray(found, dtype=float), np.asarray(truth, dtype=float)
    return float(np.max(np.abs(found - truth) / np.maximum(1.0, np.abs(truth)), initial=0.0))


@pytest.fixture(scope="module")
def wine():
    return mlm.load("wine")


@pytest.fixture(scope="module")
def fit(wine):
    return mlm.glmm(FORMULA + " + (1 | judge)", wine, family="ordinal")


# densities


@pytest.mark.parametrize("link", LINKS)
def test_stretches_are_differences_of_the_distribution_function(link):
    eta = np.linspace(-2.5, 2.5, 11)
    for low, high in ENDS:
        own = DISTRIBUTIONS[link]
        truth = own.cdf(high - eta) - own.cdf(low - eta)
        assert relative(np.exp(LINKS[link](high - eta, low - eta).value), truth) < 1e-14


@pytest.mark.parametrize("link", LINKS)
def test_derivatives_follow_from_values_and_each_other(link):
    eta, h = np.concatenate([np.linspace(-6, 6, 25), [-30.0, 30.0]]), 1e-5
    for low, high in ENDS:
        def at(eta, up=0.0, down=0.0, low=low, high=high):
            return LINKS[link](high + up - eta, low + down - eta)

        here = at(eta)
        for order, exact in enumerate((here.d1, here.d2, here.d3)):
            up, down = at(eta + h)[order], at(eta - h)[order]
            assert np.abs((up - down) / (2 * h) - exact).max() < 1e-5 * (1 + np.abs(exact).max())
        for order in range(3):
            if np.isfinite(high):
                change = (at(eta, h)[order] - at(eta, -h)[order]) / (2 * h)
                assert np.abs(change - here.upper[order]).max() < 1e-5 * (1 + np.abs(change).max())
            if np.isfinite(low):
                change = (at(eta, 0.0, h)[order] - at(eta, 0.0, -h)[order]) / (2 * h)
                assert np.abs(change - here.lower[order]).max() < 1e-5 * (1 + np.abs(change).max())


@pytest.mark.parametrize("link", LINKS)
def test_tails_are_finite_and_silent(link):
    ends = np.array([-np.inf, -1.0, 0.5, 2.0, np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for eta in (-700.0, -40.0, 40.0, 700.0):
            found = LINKS[link](ends[1:] - eta, ends[:-1] - eta)
            assert all(np.isfinite(part).all() for part in found)
            assert (found.value <= 0).all()


def test_a_thin_stretch_far_out_keeps_its_digits():
    """log(F(a) - F(c)) with both ends 20 out, where F is 1 to all digits; by the expansion of each tail."""
    a, c = np.array([20.0 + 1e-3]), np.array([20.0])
    assert LINKS["logit"](a, c).value[0] == pytest.approx(-20.0 + np.log(-np.expm1(-1e-3)), abs=1e-8)
    exact = -0.5 * 400.0 - 0.5 * np.log(2 * np.pi) + np.log(-np.expm1(-20.0 * 1e-3) / 20.0)  # exp(-20 d) within the stretch
    assert LINKS["probit"](a, c).value[0] == pytest.approx(exact, abs=3e-3)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("columns", [0, 2])
def test_gradient_of_laplace_with_thresholds(link, columns):
    rng = np.random.default_rng(4)
    n, J = 90, 9
    codes, x = np.repeat(np.arange(J), n // J), rng.normal(size=(2, n))
    y = rng.integers(0, 4, n)
    nominal = 0.5 * rng.normal(size=(columns, n)) if columns else None
    density = OrdinalDensity(y, link, weights=rng.uniform(0.5, 2.0, n), nominal=nominal)
    criterion = Laplace(x, OneFactorRows(np.ones((1, n)), codes, J), density, 0.0, np.ones((1, 1, 1)))
    point = np.concatenate([[0.3, -0.2], [0.8], density.start()[1]])
    point[6:] += 0.05 * rng.normal(size=len(point) - 6)
    exact = criterion(point).gradient
    for k in range(len(point)):
        up, down = point.copy(), point.copy()
        up[k] += 1e-5
        down[k] -= 1e-5
        assert (criterion(up).value - criterion(down).value) / 2e-5 == pytest.approx(exact[k], abs=1e-4)


# fits


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog"])
def test_agrees_with_clm(wine, link):
    truth, found = reference("catR_nominal_test")[link], mlm.glmm(FORMULA, wine, family="ordinal", link=link)
    assert abs(found.llf - truth["logLik"]) < 1e-6 and found.converged
    mine = np.concatenate([found.thresholds, found.params])
    se = np.sqrt(np.diagonal(found.cov_params(thresholds=True)))
    assert relative(mine, list(truth["coef"].values())) < 1e-5
    assert relative(se, list(truth["se"].values())) < 1e-5


def test_cauchit_goes_on_where_clm_stops(wine):
    """clm ends 2.7e-4 of log-likelihood below; that ours is a maximum is seen by its gradient."""
    truth, found = reference("catR_nominal_test")["cauchit"], mlm.glmm(FORMULA, wine, family="ordinal", link="cauchit")
    assert 0 < found.llf - truth["logLik"] < 1e-3
    assert found.gradient_norm < 1e-5 and np.isfinite(found.bse).all()


def test_thresholds_with_standard_errors(wine):
    """AGQ, where clmm's own criterion is smooth: its Hessian and ours agree to the digits of differences."""
    truth = reference("clmm_wine_logit_agq10")
    found = mlm.glmm(FORMULA + " + (1 | judge)", wine, family="ordinal", method="agq", nodes=10)
    names = ["1|2", "2|3", "3|4", "4|5"]
    table = found.threshold_table()
    assert list(table.index) == names == list(found.thresholds.index)
    assert relative(table["estimate"], [truth["thresholds"][name] for name in names]) < 1e-6
    cov = found.cov_params(thresholds=True)
    assert list(cov.index) == [*names, "temp[T.warm]", "contact[T.yes]"]
    assert relative(cov, np.array(truth["vcov_all"]["values"])[:6, :6]) < 1e-6
    assert relative(found.cov_params(), np.array(truth["vcov_all"]["values"])[4:6, 4:6]) < 1e-6
    assert found.categories == ["1", "2", "3", "4", "5"]


def test_no_predictors(wine):
    found = mlm.glmm("rating ~ 1 + (1 | judge)", wine, family="ordinal")
    assert found.converged and len(found.params) == 0 and len(found.thresholds) == 4
    alone = mlm.glmm("rating ~ 1", wine, family="ordinal")
    shares = wine["rating"].value_counts(normalize=True, sort=False).to_numpy()
    assert relative(alone.predict().iloc[0], shares) < 1e-10
    assert alone.llf == pytest.approx(float((72 * shares * np.log(shares)).sum()), abs=1e-9)


def test_units_do_not_matter(wine, fit):
    data = wine.assign(hot=(wine["temp"] == "warm") * 1000.0 + 5000.0)
    found = mlm.glmm("rating ~ hot + contact + (1 | judge)", data, family="ordinal")
    assert found.llf == pytest.approx(fit.llf, abs=1e-8)
    assert found.params["hot"] * 1000 == pytest.approx(fit.params["temp[T.warm]"], rel=1e-6)
    assert found.bse["hot"] * 1000 == pytest.approx(fit.bse["temp[T.warm]"], rel=1e-5)


def test_frequency_weights_are_repeated_rows(wine):
    count = np.arange(len(wine)) % 3 + 1
    one = mlm.glmm(FORMULA + " + (1 | judge)", wine.assign(count=count), family="ordinal", weights="count")
    many = mlm.glmm(FORMULA + " + (1 | judge)", wine.loc[wine.index.repeat(count)], family="ordinal")
    assert one.llf == pytest.approx(many.llf, abs=1e-8)
    assert relative(one.threshold_table(), many.threshold_table()) < 1e-5


def test_integers_are_ordered_and_unseen_categories_named(wine, fit):
    numbers = wine.assign(rating=wine["rating"].astype(int) * 10)
    found = mlm.glmm(FORMULA + " + (1 | judge)", numbers, family="ordinal")
    assert found.llf == pytest.approx(fit.llf, abs=1e-9) and found.categories == [10, 20, 30, 40, 50]
    more = wine.assign(rating=wine["rating"].cat.add_categories(["9"]) if wine["rating"].cat.categories.dtype == object
                       else wine["rating"].cat.add_categories([9]))
    found = mlm.glmm(FORMULA + " + (1 | judge)", more, family="ordinal")
    assert len(found.thresholds) == 4 and any("No row has rating = 9" in message for message in found.messages)


def test_refusals(wine):
    text = wine.assign(rating=wine["rating"].astype(int).map({1: "bad", 2: "fair", 3: "good", 4: "fine", 5: "best"}))
    with pytest.raises(mlm.DataError, match="without an order.*ordered=True"):
        mlm.glmm(FORMULA + " + (1 | judge)", text, family="ordinal")
    with pytest.raises(mlm.DataError, match="without an order"):
        mlm.glmm(FORMULA + " + (1 | judge)", text.assign(rating=text["rating"].astype("category")), family="ordinal")
    with pytest.raises(mlm.DataError, match="not whole numbers"):
        mlm.glmm("response ~ temp + (1 | judge)", wine.assign(response=wine["response"] + 0.5), family="ordinal")
    with pytest.raises(mlm.DataError, match="cut it into fewer"):
        mlm.glmm("y ~ x + (1 | g)", {"y": np.arange(90), "x": np.arange(90) % 7, "g": np.arange(90) % 5}, family="ordinal")
    with pytest.raises(mlm.DataError, match="two categories"):
        mlm.glmm("contact ~ temp + (1 | judge)", wine.assign(contact=(wine["contact"] == "yes") * 1), family="ordinal")
    with pytest.raises(mlm.FormulaError, match="thresholds"):
        mlm.glmm("rating ~ 0 + temp + (1 | judge)", wine, family="ordinal")
    with pytest.raises(mlm.DataError, match="same in every row"):
        mlm.glmm("rating ~ temp + one + (1 | judge)", wine.assign(one=1.0), family="ordinal")
    with pytest.raises(ValueError, match="nominal="):
        mlm.glmm("response ~ temp + (1 | judge)", wine, family="poisson", nominal="~ temp")
    with pytest.raises(mlm.DataError, match="trials"):
        mlm.glmm(FORMULA + " + (1 | judge)", wine, family="ordinal", trials=3)
    with pytest.raises(mlm.FormulaError, match="no random term"):
        mlm.glmm(FORMULA, wine, family="ordinal", method="agq")


@pytest.mark.parametrize("random", ["", " + (1 | judge)"])
def test_separation_is_named(wine, random):
    number = wine["rating"].astype(int)
    with pytest.raises(mlm.DataError, match="Separation: 'hit' tells .* 7 rows"):
        mlm.glmm(f"rating ~ temp + hit{random}", wine.assign(hit=(number == 5) * 1.0), family="ordinal")
    with pytest.raises(mlm.DataError, match="Separation: 'response' tells .* 72 rows"):
        mlm.glmm(f"rating ~ temp + response{random}", wine, family="ordinal")


def test_a_variance_of_zero(wine):
    rng = np.random.default_rng(0)
    data = wine.assign(lot=rng.permutation(np.arange(72) % 12))
    found = mlm.glmm(FORMULA + " + (1 | lot)", data, family="ordinal")
    alone = mlm.glmm(FORMULA, wine, family="ordinal")
    if found.is_singular:
        assert found.llf == pytest.approx(alone.llf, abs=1e-6)
        assert relative(found.thresholds, alone.thresholds) < 1e-4
    assert found.llf >= alone.llf - 1e-7


def test_terms_and_interactions_are_tested(wine):
    fitted = mlm.glmm("rating ~ temp * contact + (1 | judge)", wine, family="ordinal")
    for kind, which in ((1, "temp:contact"), (2, "temp:contact"), (3, "temp:contact")):
        table = fitted.anova(type=kind).table
        assert list(table.index) == ["temp", "contact", "temp:contact"] and table["df"].tolist() == [1, 1, 1]
        assert table.loc[which, "chi2"] == pytest.approx(fitted.tvalues.iloc[2] ** 2, rel=1e-8)
    middle = fitted.params.iloc[0] + 0.5 * fitted.params.iloc[2]  # type III: at the mean of the two contacts
    V = fitted.cov_params().to_numpy()
    c = np.array([1.0, 0.0, 0.5])
    assert table.loc["temp", "chi2"] == pytest.approx(middle**2 / (c @ V @ c), rel=1e-8)


# probabilities


def test_probabilities(wine, fit):
    p = fit.predict()
    assert np.allclose(p.sum(axis=1), 1.0) and list(p.columns) == fit.categories
    truth = reference("clmm_wine_logit_laplace")["fitted_first5"]
    own = p.to_numpy()[np.arange(5), fit.design.y[:5].astype(int)]
    assert relative(own, truth) < 1e-5
    numbers = fit.mu
    assert np.allclose(numbers, p.to_numpy() @ np.arange(1, 6))
    assert np.allclose(fit.resid, fit.design.y + 1 - numbers)


def test_averaged_probabilities_against_draws_and_quadrature(wine, fit):
    new = wine.head(4)
    sd = float(np.sqrt(fit.covariance_matrix().iloc[0, 0]))
    z, w = np.polynomial.hermite_e.hermegauss(101)
    eta = fit.predict(new, groups="typical", scale="link").to_numpy()
    truth = sum(weight * fit.density.probabilities(eta + sd * at, fit._psi) for at, weight in zip(z, w / w.sum()))
    assert relative(fit.predict(new, groups="average"), truth.T) < 1e-10
    unseen = fit.predict(new.assign(judge=99), new_groups="average")
    assert relative(unseen, truth.T) < 1e-10


@pytest.mark.parametrize("groups", ["given", "typical", "average"])
def test_standard_errors_of_probabilities_by_differences(wine, fit, groups):
    new = wine.iloc[[0, 5, 40]]
    table = fit.predict(new, groups=groups, interval="confidence")
    plain = fit.predict(new, groups=groups)
    assert relative(table.xs("mean", axis=1, level=1), plain) < 1e-12
    if groups != "given":  # the delta method over all parameters
        assert relative(table.xs("se", axis=1, level=1), _delta(fit, new, groups)) < 1e-6
    lower, upper = (table.xs(name, axis=1, level=1).to_numpy() for name in ("lower", "upper"))
    assert ((0 < lower) & (lower < plain) & (plain < upper) & (upper < 1)).all(axis=None)


def _delta(fit, new, groups):
    from mlmlib.glmm.averaging import average
    x, model = fit._at.x, fit.model
    X = fit.design.fixed_matrix(new)

    def probabilities(x):
        _b, _, psi = model.criterion.split(x)
        T = model.factors(x)[0] ** 2 if groups == "average" else np.zeros((1, 1))
        return average(lambda eta, rows: fit.density.probabilities(eta, psi), X @ model.coefficients(x), float(T[0, 0]))

    slopes = []
    for k in range(len(x)):
        up, down = x.copy(), x.copy()
        up[k] += 1e-5
        down[k] -= 1e-5
        slopes.append((probabilities(up) - probabilities(down)) / 2e-5)
    return np.sqrt(np.einsum("kci,kl,lci->ic", slopes, fit._x_cov, slopes))


def test_margins_are_average_probabilities(wine, fit):
    cold, warm = (fit.predict(wine.assign(temp=value), groups="average").mean() for value in ("cold", "warm"))
    table = fit.margins("temp").table
    assert relative(table["margin"], np.concatenate([cold, warm])) < 1e-10
    effects = fit.margins(dydx="temp").table
    assert relative(effects["margin"], warm - cold) < 1e-10
    typical = mlm.glmm(FORMULA, wine, family="ordinal").margins(at={"temp": "warm", "contact": "yes"})
    alone = mlm.glmm(FORMULA, wine, family="ordinal").predict(wine.iloc[[6]], interval="confidence")
    assert relative(typical.table["se"], alone.xs("se", axis=1, level=1).iloc[0]) < 1e-6
    numbers = fit.margins(dydx="temp", groups="typical")
    assert "typical group" in str(numbers) and "zero" not in numbers._repr_html_()
    assert mlm.margins(fit, "temp").table.equals(table)
    with pytest.raises(mlm.DataError, match="no column"):
        fit.margins("judge")


def test_refit_simulate_and_pickle(fit):
    drawn = fit.simulate(2, seed=3)
    assert drawn.shape == (2, 72) and set(np.unique(drawn)) <= {0, 1, 2, 3, 4}
    again = fit.refit(fit.endog)
    assert again.llf == pytest.approx(fit.llf, abs=1e-8)
    back = pickle.loads(pickle.dumps(fit))
    assert back.thresholds.equals(fit.thresholds)
    assert back.predict(scale="class").equals(fit.predict(scale="class"))
    with pytest.raises(mlm.DataError, match="the category"):
        fit.refit(["z"] * 72)
    with pytest.raises(mlm.DataError, match=r"a row a draw: refit\(drawn\[0\]\)"):
        fit.refit(drawn)


# thresholds that differ by a predictor


def test_nominal_agrees_with_clm(wine):
    truth = reference("catR_nominal_contact")
    found = mlm.glmm("rating ~ temp", wine, family="ordinal", nominal="~ contact")
    assert found.llf == pytest.approx(truth["logLik"], abs=1e-8)
    mine = np.concatenate([found.thresholds, found.params])
    assert relative(mine, list(truth["coef"].values())) < 1e-5
    assert relative(np.concatenate([found.threshold_table()["se"], found.bse]), list(truth["se"].values())) < 1e-5
    assert found.nominal == ("contact[T.yes]",) and "2|3: contact[T.yes]" in found.thresholds.index
    p = found.predict(wine.head(6))
    assert np.allclose(p.sum(axis=1), 1.0) and relative(p, found.predict().head(6)) < 1e-12
    assert found.predict(wine.head(3), interval="confidence").notna().all(axis=None)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_proportional_odds_agrees_with_nominal_test(wine, link):
    """clm's nominal_test; with temp two thresholds run to infinity, so that both stop a little below the limit."""
    truth = reference("catR_nominal_test")[link]
    tests = mlm.proportional_odds_test(mlm.glmm(FORMULA, wine, family="ordinal", link=link))
    for term, statistic, p in zip(truth["terms"], truth["lrt"], truth["p"]):
        assert tests.terms[term].statistic == pytest.approx(statistic, abs=2e-5)
        assert tests.terms[term].pvalue == pytest.approx(p, abs=1e-5)
        assert tests.terms[term].df == 3
    assert tests.df == 6 and list(tests.table.index) == ["temp", "contact", "all jointly"]
    assert "runs to infinity" in tests.note and "runs to infinity" not in tests.terms["contact"].note
    assert tests.note.startswith("temp, all jointly: ")
    assert "all jointly" in str(tests) and "<table" in tests._repr_html_()


def test_three_forms_of_the_test_agree_where_odds_are_proportional():
    rng = np.random.default_rng(8)
    n = 3000
    g = np.repeat(np.arange(60), 50)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    latent = 0.8 * x + 0.5 * z + 0.7 * rng.normal(size=60)[g] + rng.logistic(size=n)
    data = pd.DataFrame({"y": np.digitize(latent, [-1.0, 0.3, 1.5]), "x": x, "z": z, "g": g})
    fitted = mlm.glmm("y ~ x + z + (1 | g)", data, family="ordinal")
    for term in ("x", "z"):
        lr, score, wald = (mlm.proportional_odds_test(fitted, term, method=method) for method in ("lr", "score", "wald"))
        assert lr.df == score.df == wald.df == 2 and lr.pvalue > 0.01
        assert score.statistic == pytest.approx(lr.statistic, abs=0.1 + 0.05 * lr.statistic)
        assert wald.statistic == pytest.approx(lr.statistic, abs=0.1 + 0.05 * lr.statistic)
    bent = np.digitize(latent + np.where(latent > 0.3, 1.2, 0.0) * x, [-1.0, 0.3, 1.5])
    found = mlm.proportional_odds_test(mlm.glmm("y ~ x + z + (1 | g)", data.assign(y=bent), family="ordinal"), "x", method="score")
    assert found.pvalue < 1e-6


def test_refusals_of_the_test(wine, fit):
    with pytest.raises(mlm.FormulaError, match="no term 'x'"):
        mlm.proportional_odds_test(fit, "x")
    with pytest.raises(mlm.DataError, match="family='ordinal'"):
        mlm.proportional_odds_test(mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size"))
    gone = wine[~((wine["rating"].astype(int) == 3) & (wine["temp"] == "cold"))]
    with pytest.raises(mlm.DataError, match="category number 3 of 5"):
        mlm.glmm("rating ~ contact", gone, family="ordinal", nominal="~ temp")
