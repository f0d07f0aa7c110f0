"""Residual structures against the model written out with n x n matrices, and what bad input says."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm


def growth(seed=0):
    """Pupils in schools at 3 to 6 of 6 occasions, unequal variances, rows out of order."""
    rng = np.random.default_rng(seed)
    pupil, wave = np.repeat(np.arange(40), 6), np.tile(np.arange(6), 40)
    school = pupil // 5
    e = rng.standard_normal((40, 6))
    for t in range(1, 6):
        e[:, t] = 0.6 * e[:, t - 1] + 0.8 * e[:, t]
    sex = pupil % 2
    y = (3 + 0.4 * wave + 1.5 * rng.standard_normal(8)[school] + 1.2 * rng.standard_normal(40)[pupil]
         + e.ravel() * (1 + 0.5 * sex) * np.exp(0.1 * wave))
    table = pd.DataFrame({"y": y, "wave": wave, "pupil": pupil, "school": school, "sex": np.where(sex, "m", "f"),
                          "w": rng.uniform(0.5, 2.0, 240), "o": rng.standard_normal(240), "age": wave + 1.0,
                          "day": wave + rng.uniform(0, 0.5, 240)})
    keep = np.ones(240, dtype=bool)
    keep[rng.choice(240, 50, replace=False)] = False
    return table[keep].sample(frac=1.0, random_state=1).reset_index(drop=True)


DATA = growth()
PUPIL = {"group": "pupil"}
CASES = {
    "ar1": ("y ~ wave", {"correlation": mlm.ar1("wave", **PUPIL)}),
    "car1": ("y ~ wave", {"correlation": mlm.car1("day", **PUPIL)}),
    "arma11": ("y ~ wave", {"correlation": mlm.arma11("wave", **PUPIL)}),
    "cs": ("y ~ wave", {"correlation": mlm.cs(**PUPIL)}),
    "toeplitz": ("y ~ wave", {"correlation": mlm.toeplitz("wave", **PUPIL)}),
    "un": ("y ~ wave", {"correlation": mlm.un("wave", **PUPIL)}),
    "by_group": ("y ~ wave", {"variance": mlm.by_group("sex")}),
    "power": ("y ~ wave", {"variance": mlm.power_of("age")}),
    "both": ("y ~ wave", {"variance": [mlm.by_group("sex"), mlm.exponential_of("wave")]}),
    "weighted": ("y ~ wave", {"correlation": mlm.ar1("wave", **PUPIL), "weights": "w", "offset": "o"}),
    "mixed ar1": ("y ~ wave + (1 | pupil)", {"correlation": mlm.ar1("wave"), "variance": mlm.by_group("sex")}),
    "mixed weighted": ("y ~ wave + (1 | pupil)", {"correlation": mlm.car1("day"), "weights": "w", "offset": "o"}),
    "three levels": ("y ~ wave + (1 | school/pupil)", {"correlation": mlm.ar1("wave", group="school:pupil")}),
    "schools alone": ("y ~ wave + (wave | school)", {"correlation": mlm.arma11("wave", **PUPIL)}),
    "crossed, variance": ("y ~ 1 + (1 | pupil) + (1 | wave)", {"variance": mlm.by_group("sex")}),
}


def fitted(name, reml=True):
    formula, options = CASES[name]
    return (mlm.lmm if "|" in formula else mlm.gls)(formula, DATA, reml=reml, **options)


def dense(fit, psi=None, log_sigma=None, sds=None):
    """-2 log-likelihood (or the REML criterion) with the covariance matrix of all rows written out."""
    model, design = fit.model, fit.design
    psi = model.psi if psi is None else psi
    n = len(design.y)
    units = model.rows.whiten(np.eye(n) * (1.0 if model.root_weights is None else model.root_weights[None]), psi)[0]
    inverse = units @ units.T  # row i holds column i of the inverse factor times the data's unit row i
    sigma = fit.sigma if log_sigma is None else np.exp(log_sigma)
    V = sigma ** 2 * np.exp(2 * np.mean(model.rows.log_sd(psi))) * np.linalg.inv(inverse)
    for k, (term, T) in enumerate(zip(design.random, fit._T)):
        T = T if sds is None else np.array([[sds[k] ** 2]])
        Z = np.zeros((n, len(term.levels), len(term.names)))
        Z[np.arange(n), term.codes] = term.Z
        V += np.einsum("ija,ab,kjb->ik", Z, T, Z)
    X, y = design.X, design.y - (0.0 if design.offset is None else design.offset)
    Vi = np.linalg.inv(V)
    H = X.T @ Vi @ X
    b = np.linalg.solve(H, X.T @ Vi @ y)
    r = y - X @ b
    value = np.linalg.slogdet(V)[1] + r @ Vi @ r
    if fit.reml:
        return value + np.linalg.slogdet(H)[1] + (n - X.shape[1]) * np.log(2 * np.pi), b, np.linalg.inv(H)
    return value + n * np.log(2 * np.pi), b, np.linalg.inv(H)


@pytest.mark.parametrize("reml", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_against_dense(name, reml):
    fit = fitted(name, reml)
    value, b, cov = dense(fit)
    assert fit.converged
    assert fit.criterion == pytest.approx(value, abs=1e-7)
    assert np.allclose(fit._params, b, rtol=1e-8)
    assert np.allclose(fit._cov, cov, rtol=1e-7)
    for step in 1e-4 * np.eye(len(fit.model.psi)):
        up, down = dense(fit, fit.model.psi + step)[0], dense(fit, fit.model.psi - step)[0]
        # sigma is held as it is shown, so that only structures that leave it alone have a zero slope by themselves
        if not fit.model.rows.variances:
            assert abs(up - down) / 2e-4 < 1e-4


@pytest.mark.parametrize("name", ["ar1", "mixed ar1", "three levels", "both", "crossed, variance"])
def test_standard_errors(name):
    """Those of (psi, log sigma, log sd of each intercept) from the second differences of the dense criterion."""
    fit = fitted(name, reml=False)
    m, terms = len(fit.model.psi), len(fit.design.random)
    sds = [float(np.sqrt(T[0, 0])) for T in fit._T]

    def value(x):
        moved = dense(fit, x[:m], x[m], np.exp(x[m + 1:]) if terms else None)
        return moved[0]

    at = np.concatenate([fit.model.psi, [np.log(fit.sigma)], np.log(sds)])
    h, size = 2e-3, len(at)
    H = np.empty((size, size))
    E = h * np.eye(size)
    for i in range(size):
        for j in range(size):
            H[i, j] = (value(at + E[i] + E[j]) - value(at + E[i] - E[j]) - value(at - E[i] + E[j])
                       + value(at - E[i] - E[j])) / (4 * h * h)
    # beta is profiled out in `value`, as it is in the information of ML estimates
    cov = 2 * np.linalg.inv(H)
    assert np.allclose(np.sqrt(np.diagonal(fit._variances.psi_cov)), np.sqrt(np.diagonal(cov)[:m]), rtol=1e-3)
    order = [*range(m + 1, size), m]
    assert np.allclose(fit._variances.cov, cov[np.ix_(order, order)], rtol=5e-3, atol=1e-5)


def test_simulated_outcomes_have_the_structure():
    fit = fitted("mixed ar1")
    draws = fit.simulate(20000, seed=3, random_effects="kept") - fit.fittedvalues.to_numpy()
    pupil = DATA["pupil"].iloc[0]
    rows = np.flatnonzero(DATA["pupil"] == pupil)
    truth = fit.residual_cov(pupil).to_numpy()
    assert np.allclose(np.cov(draws[:, rows].T), truth, atol=0.05 * truth.max())
    assert np.allclose(np.sqrt(np.diagonal(truth)), fit.residual_sd.iloc[rows])


def test_white_residuals_are_white():
    fit = fitted("un")
    draws = fit.simulate(2000, seed=3)
    white = np.array([fit._whitened(row - fit.fittedvalues.to_numpy()) for row in draws])
    assert np.allclose(np.cov(white.T), np.eye(fit.nobs), atol=0.17)


def test_refit_finds_what_a_new_fit_finds():
    fit = fitted("mixed ar1")
    y = fit.simulate(1, seed=5)[0]
    again, new = fit.refit(y), mlm.lmm(CASES["mixed ar1"][0], DATA.assign(y=y), **CASES["mixed ar1"][1])
    assert again.criterion == pytest.approx(new.criterion, abs=1e-7)
    assert fit.refit(reml=False).criterion == pytest.approx(fitted("mixed ar1", False).criterion, abs=1e-8)


def test_compound_symmetry_is_a_random_intercept():
    table = DATA.assign(y=DATA["y"] + 2 * np.sin(DATA["pupil"]))
    cs = mlm.gls("y ~ wave", table, correlation=mlm.cs(group="pupil"))
    assert cs.criterion == pytest.approx(mlm.lmm("y ~ wave + (1 | pupil)", table).criterion, abs=1e-7)


def test_structures_are_nested_and_compared():
    null, full = fitted("ar1"), fitted("toeplitz")
    test = mlm.compare(null, full)
    assert test.df == 4 and test.statistic == pytest.approx(null.criterion - full.criterion)
    with pytest.raises(ValueError, match="not nested"):
        mlm.compare(fitted("cs"), fitted("arma11"))


def test_conf_int_all_has_the_structure():
    table = fitted("mixed ar1").conf_int(which="all")
    assert list(table.index[2:]) == ["sd(pupil: Intercept)", "sigma", "ar1: phi", "by_group(sex): sd ratio(m / f)"]


BAD = {
    "no column 'wav'": {"correlation": mlm.ar1("wav", **PUPIL)},
    "two at wave": {"correlation": mlm.ar1("wave", group="school")},
    "Use mlm.car1": {"correlation": mlm.ar1("day", **PUPIL)},
    "holds categories": {"variance": mlm.power_of("sex")},
    "zero in": {"variance": mlm.power_of("wave")},
    "is not known": {"correlation": "ar1"},
    "needs correlation=": {},
    "empty list": {"variance": []},
    "no column 3": {"correlation": mlm.ar1(3, **PUPIL)},
    "sorts by letters": {"correlation": mlm.ar1("text", **PUPIL)},
    "lengths of time": {"correlation": mlm.car1("text", **PUPIL)},
    "variance=Ar1": {"variance": mlm.ar1("wave", **PUPIL)},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input(message):
    with pytest.raises(ValueError, match=message):
        mlm.gls("y ~ wave", DATA.assign(text=(DATA["wave"] + 7).astype(str)), **BAD[message])


def test_groups_must_lie_within_the_random_effects():
    with pytest.raises(mlm.DataError, match="must lie within"):
        mlm.lmm("y ~ 1 + (1 | pupil) + (1 | wave)", DATA, correlation=mlm.ar1("wave", group="pupil"))


def test_what_is_not_there_says_so():
    fit = fitted("both")
    for call in (lambda: mlm.icc(fit), lambda: mlm.reliability(fitted("mixed ar1"))):
        with pytest.raises(mlm.FormulaError, match="so far"):
            call()
    with pytest.raises(mlm.DataError, match="mixed model"):
        mlm.icc(fitted("ar1"))
    with pytest.raises(ValueError, match="is not known"):
        fit.residuals("studentized")


def test_times_may_be_categories_in_their_order():
    text = (DATA["wave"] + 7).astype(str)
    ordered = DATA.assign(wave=pd.Categorical(text, ["6", "7", "8", "9", "10", "11", "12"]))
    structure = mlm.ar1("wave", **PUPIL)
    fits = [mlm.gls("y ~ age", table, correlation=structure) for table in (DATA, ordered)]
    assert fits[0].criterion == pytest.approx(fits[1].criterion, abs=1e-9)


def test_a_covariate_far_from_zero_costs_nothing_but_sigma():
    fits = [mlm.lmm("y ~ wave + (1 | pupil)", DATA.assign(year=DATA["wave"] + shift),
                    variance=mlm.exponential_of("year")) for shift in (0.0, 2e4)]
    near, far = (fit.predict(fit.data[:4], interval="prediction") for fit in fits)
    np.testing.assert_allclose(far, near, rtol=1e-6)
    np.testing.assert_allclose(fits[1].residual_sd, fits[0].residual_sd, rtol=1e-6)
    assert not fits[0].messages and "subtract a typical value" in fits[1].messages[-1]


def test_a_correlation_that_would_be_negative_is_told():
    table = DATA.assign(y=(-1.0) ** DATA["wave"] + 0.01 * DATA["o"])
    fit = mlm.gls("y ~ age", table, correlation=mlm.car1("wave", **PUPIL))
    assert "edge of what it can be" in fit.messages[0]
