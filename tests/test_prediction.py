"""Predictions with intervals: against Henderson's equations in R, against n x n matrices, and by simulation."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.inference.prediction import residual_sd
from models import data, reference

CASES = {case["name"]: case for case in reference("predictR_cases")}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_hendersons_equations_in_R(name):
    case = CASES[name]
    formula = case["formula"]
    fit, rows = mlm.lmm(formula, data(name)), case["rows"]
    found = fit.predict(interval="confidence").iloc[rows]
    assert np.allclose(found["mean"], case["mean"], rtol=1e-6)
    assert np.allclose(found["se"], case["confidence"], rtol=2e-5)  # lme4's theta to about 1e-6
    assert np.allclose(fit.predict(interval="prediction").iloc[rows]["se"], case["prediction"], rtol=2e-5)
    fixed = fit.predict(random_effects=False, interval="confidence").iloc[rows]
    assert np.allclose(fixed["se"], case["fixed"], rtol=2e-5)
    assert np.allclose(found["upper"] - found["mean"], 1.959963984540054 * found["se"])


def table(seed=5, n=90):
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 8, n), rng.integers(0, 5, n)
    x = rng.standard_normal(n) + 2
    y = 1 + 0.5 * x + rng.standard_normal(8)[g] * (1 + 0.5 * x) + rng.standard_normal(5)[h] + rng.standard_normal(n)
    order = np.argsort(np.argsort(np.lexsort((np.arange(n), g))))
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": h, "g2": rng.integers(0, 8, n), "w": rng.uniform(0.5, 2, n),
                         "o": rng.standard_normal(n), "t": order + 0.0, "s": np.where(h % 2, "m", "f")})


NEW = pd.DataFrame({"x": [0.0, 1.5, 3.0, 2.0, -1.0], "g": [0, 3, 99, 7, 98], "h": [4, 77, 2, 1, 78],
                    "g2": [1, 3, 99, 98, 5], "o": [0.0, 1.0, 2.0, 0.5, -1.0], "s": list("mfmfm"),
                    "t": np.arange(5.0)}, index=list("abcde"))
FITS = {
    "intercept": ("y ~ x + (1 | g)", {}),
    "slopes": ("y ~ x + (1 + x | g)", {}),
    "two terms": ("y ~ x + (1 | g) + (0 + x | g)", {}),
    "weights, offset": ("y ~ x + (1 | g)", {"weights": "w", "offset": "o"}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", {}),
    "crossed slopes": ("y ~ x + (x | g) + (1 | h)", {}),
    "crossed slopes in both": ("y ~ x + (x | g) + (x | h)", {"reml": False}),
    "nested": ("y ~ x + (1 | g/h)", {}),
    "members": ("y ~ x + (1 | mm(g, g2))", {}),
    "members, crossed": ("y ~ x + (1 | mm(g, g2)) + (1 | h)", {"weights": "w"}),
    "ar1": ("y ~ x + (1 | g)", {"correlation": mlm.ar1("t")}),
    "by group": ("y ~ x + (1 | g) + (1 | h)", {"variance": mlm.by_group("s")}),
    "power": ("y ~ x + (x | g)", {"variance": mlm.exponential_of("o")}),
}


def effects(fit, rows):
    """Z of rows and labels of its columns, for all terms, from the columns themselves."""
    n, columns, labels = len(rows), [], []
    for k, term in enumerate(fit.design.random):
        names = term.group.removeprefix("mm(").removesuffix(")").replace(",", " ").split()
        members = [np.array([":".join(str(rows[part].iloc[i]) for part in name.split(":")) for i in range(n)])
                   for name in names]
        base = [np.ones(n) if name == "Intercept" else rows[name].to_numpy() for name in term.names]
        for label in sorted({str(a) for own in members for a in own}):
            share = sum((own == label) / len(members) for own in members)
            for e, column in enumerate(base):
                columns.append(share * column)
                labels.append((k, label, e))
    return np.array(columns).T, labels


def written_out(fit, new, random_effects, interval):
    """Mean and standard error of predictions, from the covariance of all rows, old and new."""
    n = fit.nobs
    both = pd.concat([fit.data, new])
    Z, labels = effects(fit, both)
    G = np.zeros((len(labels),) * 2)
    for i, (k, label, e) in enumerate(labels):
        for j, (other, own, f) in enumerate(labels):
            if (k, label) == (other, own):
                G[i, j] = fit._T[k][e, f]
    known = np.array([np.abs(Z[:n, i]).max() > 0 for i in range(len(labels))])
    R = np.diag(residual_sd(fit) ** 2)
    if getattr(fit, "residual_structure", None) and fit.model.rows.correlation is not None:
        codes = fit.design.random[0].codes
        for j, level in enumerate(fit.design.random[0].levels):
            place = np.flatnonzero(codes == j)
            R[np.ix_(place, place)] = fit.residual_cov(level)
    X, x = fit.design.X, fit.design.fixed_matrix(new)
    V = Z[:n] @ G @ Z[:n].T + R
    W = np.linalg.inv(V)
    F = np.linalg.inv(X.T @ W @ X)
    z = Z[n:] * known if random_effects else 0 * Z[n:]
    A = (x - z @ G @ Z[:n].T @ W @ X) @ F @ X.T @ W + z @ G @ Z[:n].T @ W  # predictions are A y
    y = fit.design.y - (0 if fit.design.offset is None else fit.design.offset)
    mean = A @ y + (0 if fit.design.offset is None else new["o"].to_numpy())
    target = z if interval == "confidence" else Z[n:]
    error = A @ V @ A.T - A @ Z[:n] @ G @ target.T - (A @ Z[:n] @ G @ target.T).T + target @ G @ target.T
    variance = np.diag(error).copy()
    if not random_effects and interval == "prediction":  # groups drawn anew: nothing of what is known of these
        variance = np.diag(A @ V @ A.T + target @ G @ target.T).copy()
    if interval == "prediction":
        variance += residual_sd(fit, new) ** 2
    return mean, np.sqrt(variance)


@pytest.mark.parametrize("random_effects", [True, False])
@pytest.mark.parametrize("name", FITS)
def test_agrees_with_matrices_written_out(name, random_effects):
    formula, options = FITS[name]
    fit = mlm.lmm(formula, table(), **options)
    for interval in ("confidence", "prediction"):
        found = fit.predict(NEW, random_effects, interval=interval, level=0.9)
        mean, se = written_out(fit, NEW, random_effects, interval)
        assert np.allclose(found["mean"], mean, rtol=1e-7, atol=1e-8)
        assert np.allclose(found["se"], se, rtol=1e-6)
        assert found.index.tolist() == list("abcde")
        assert np.allclose(found["mean"], fit.predict(NEW, random_effects))
        assert np.allclose(found["upper"] - found["lower"], 2 * 1.6448536269514722 * found["se"])


def test_the_rows_of_the_fit():
    """Without data the rows of the fit are predicted, each with its own weight."""
    for formula, options in FITS.values():
        rows = table()
        fit = mlm.lmm(formula, rows, **options)
        own, again = (fit.predict(part, interval="confidence") for part in (None, rows))
        assert np.allclose(own, again, rtol=1e-7)
        weights = "w" if "weights" in options else None
        own, again = fit.predict(interval="prediction"), fit.predict(rows, interval="prediction", weights=weights)
        assert np.allclose(own, again, rtol=1e-7)
        assert np.allclose(own["mean"], fit.fittedvalues)


def test_without_random_effects():
    rows = table()
    fit = mlm.gls("y ~ x", rows, correlation=mlm.ar1("t", group="g"), variance=mlm.by_group("s"))
    found = fit.predict(NEW, interval="confidence")
    x = np.column_stack([np.ones(5), NEW["x"]])
    assert np.allclose(found["se"], np.sqrt(np.einsum("ij,jk,ik->i", x, fit.cov_params(), x)))
    ratio = fit.residual_params.filter(like="by_group").iloc[0]
    sd = np.where(NEW["s"] == "f", fit.sigma, fit.sigma * ratio)
    assert np.allclose(fit.predict(NEW, interval="prediction")["se"], np.hypot(found["se"], sd))
    ols = mlm.ols("y ~ x", rows)
    import statsmodels.formula.api as smf
    theirs = smf.ols("y ~ x", rows).fit().get_prediction(NEW).summary_frame(alpha=0.05)
    for interval, kind in (("confidence", "mean"), ("prediction", "obs")):
        assert np.allclose(ols.predict(NEW, interval=interval)[["lower", "upper"]],
                           theirs[[f"{kind}_ci_lower", f"{kind}_ci_upper"]])


def test_residual_variances_that_follow_the_fitted_values():
    rows = table().assign(y=lambda own: own["y"] + 20)
    fit = mlm.lmm("y ~ x + (1 | g)", rows, variance=mlm.power_of("fitted(.)"))
    own = fit.sigma * fit.predict(NEW) ** fit.residual_params.iloc[0]
    assert np.allclose(residual_sd(fit, NEW), own)
    assert np.allclose(residual_sd(fit, rows), residual_sd(fit), rtol=1e-5)


def test_a_singular_fit():
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(10), 5)
    e = rng.standard_normal(50)
    rows = pd.DataFrame({"y": e - np.array([e[g == k].mean() for k in range(10)])[g], "x": rng.standard_normal(50),
                         "g": g})
    fit = mlm.lmm("y ~ x + (1 | g)", rows)
    assert fit.is_singular
    new = pd.DataFrame({"x": [0.0, 1.0], "g": [3, 50]})
    fixed = fit.predict(new, random_effects=False, interval="confidence")
    assert np.allclose(fit.predict(new, interval="confidence"), fixed)


def test_several_outcomes():
    fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"))
    new = pd.DataFrame({"gender": ["F", "M"], "school": [22520, 1]}, index=["a", "b"])
    found = fit.predict(new, interval="confidence")
    assert found.index.tolist() == [("a", "course"), ("a", "written"), ("b", "course"), ("b", "written")]
    assert np.allclose(found["mean"], fit.predict(new).to_numpy().ravel())
    one = mlm.lmm("course ~ gender + (1 | school)", mlm.load("gcsemv")).predict(new, interval="confidence")
    assert np.allclose(found["se"].iloc[[0, 2]], one["se"], rtol=0.05)
    wide = fit.predict(new, interval="prediction")
    Sigma, T = np.diag(fit.residual_cov()), np.diag(fit.covariance_matrix())
    assert np.allclose(wide["se"] ** 2 - found["se"] ** 2, [*Sigma, *(Sigma + T)])


def test_coverage():
    """Over 300 studies of 40 groups of 10 intervals hold what they are of about as often as they say."""
    rng = np.random.default_rng(11)
    J, m, hits = 40, 10, {name: [] for name in ("fixed", "known", "known new", "new")}
    g = np.repeat(np.arange(J), m)
    point = pd.DataFrame({"x": np.linspace(-1, 1, 8), "g": np.arange(8)})
    other = point.assign(g=point["g"] + 1000)
    for _ in range(300):
        x, u = rng.standard_normal(J * m), 0.8 * rng.standard_normal((2 * J, 2)) @ np.array([[1.0, 0.3], [0.0, 0.5]])
        y = 1 + 0.5 * x + u[g, 0] + u[g, 1] * x + rng.standard_normal(J * m)
        fit = mlm.lmm("y ~ x + (x | g)", pd.DataFrame({"y": y, "x": x, "g": g}))
        line = 1 + 0.5 * point["x"]
        own = line + u[:8, 0] + u[:8, 1] * point["x"]
        fresh = line + u[J:J + 8, 0] + u[J:J + 8, 1] * point["x"]
        asked = {"fixed": (fit.predict(point, False, interval="confidence"), line),
                 "known": (fit.predict(point, interval="confidence"), own),
                 "known new": (fit.predict(point, interval="prediction"), own + rng.standard_normal(8)),
                 "new": (fit.predict(other, interval="prediction"), fresh + rng.standard_normal(8))}
        for name, (found, truth) in asked.items():
            hits[name].append(((found["lower"] < truth) & (truth < found["upper"])).mean())
    for name, share in hits.items():
        assert 0.925 < np.mean(share) < 0.965, (name, np.mean(share))


def test_bad_input():
    fit = mlm.lmm("y ~ x + (1 | g)", table())
    with pytest.raises(ValueError, match="'confidence' or 'prediction'"):
        fit.predict(NEW, interval="both")
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit.predict(NEW, interval="confidence", level=95)
    with pytest.raises(mlm.DataError, match="2 rows in groups of 'g'"):
        fit.predict(NEW, new_groups="error", interval="confidence")
    with pytest.raises(mlm.DataError, match="5 positive numbers"):
        fit.predict(NEW, interval="prediction", weights=[1.0, 0, 1, 1, 1])
    by = mlm.lmm("y ~ x + (1 | g)", table(), variance=mlm.by_group("s"))
    with pytest.raises(mlm.DataError, match="residual variance the fit does not know"):
        by.predict(NEW.assign(s="q"), interval="prediction")
