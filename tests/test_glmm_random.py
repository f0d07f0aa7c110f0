"""Random small models: no other search, from several starts, finds a better point of the same criterion."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import mlmlib as mlm
from mlmlib.glmm.start import fit_glm

TERMS = ["(1 | g)", "(1 + x | g)", "(1 | g) + (1 | h)", "(1 + x || g) + (1 | h)"]


def draw(seed):
    rng = np.random.default_rng(seed)
    name = ("binomial", "poisson")[seed % 2]
    J, size = int(rng.integers(5, 15)), int(rng.integers(4, 9))
    n = J * size
    g, x, h = np.repeat(np.arange(J), size), rng.normal(size=n), rng.integers(0, int(rng.integers(3, 8)), n)
    eta = (0.5 * rng.normal() + 0.5 * x + rng.choice([0, 0.3, 1.0]) * rng.normal(size=J)[g]
           + rng.choice([0, 0.5]) * rng.normal(size=J)[g] * x + rng.choice([0, 0.7]) * rng.normal(size=8)[h])
    y = rng.poisson(np.exp(np.minimum(eta, 4))) if name == "poisson" else rng.binomial(1, 1 / (1 + np.exp(-eta)))
    return f"y ~ x + {TERMS[seed // 2 % 4]}", name, pd.DataFrame({"y": y.astype(float), "x": x, "g": g, "h": h})


def starts(fit, rng):
    criterion, model = fit.model.criterion, fit.model
    glm = fit_glm(model.X, model.density, criterion.offset)
    yield fit._at.x + 0.3 * rng.normal(size=len(fit._at.x))
    for size in (0.05, 0.5, 1.5):
        yield criterion.replaced(np.concatenate([glm.b, fit._at.x[criterion.p:]]), model.plain_factor(size))


@pytest.mark.parametrize("seed", range(60))
def test_no_other_search_does_better(seed):
    formula, name, data = draw(seed)
    fit = mlm.glmm(formula, data, family=name)
    assert fit.converged, fit.messages
    criterion, rng = fit.model.criterion, np.random.default_rng(seed)

    def both(x):
        at = criterion(x)
        return (at.value, at.gradient) if np.isfinite(at.value) else (1e10, np.zeros(len(x)))

    for start in starts(fit, rng):
        with np.errstate(all="ignore"):
            found = minimize(both, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-13, "gtol": 1e-7})
        assert found.fun > fit.criterion - 1e-7
    if seed % 10 == 0:
        simplex = minimize(lambda x: both(x)[0], fit._at.x + 0.1, method="Nelder-Mead", options={"maxiter": 600})
        assert simplex.fun > fit.criterion - 1e-7
