"""Random models with several factors: no search ends above the best of a quasi-Newton search from five starts."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import mlmlib as mlm


def random_case(seed):
    """A random design (unbalanced, nested or crossed, some variances zero, some columns on a wild scale) and a formula."""
    rng = np.random.default_rng(seed)
    n, a, b = int(rng.integers(40, 160)), int(rng.integers(3, 12)), int(rng.integers(3, 20))
    g, h = rng.integers(a, size=n), rng.integers(b, size=n)
    if rng.random() < 0.4:
        h = h * a + g  # nested
    scale = 10.0 ** rng.integers(-4, 5)
    x = rng.normal(size=n)
    sizes = rng.choice([0.0, 0.1, 1.0, 3.0], size=3)
    u, v, w = rng.normal(size=a), rng.normal(size=a), rng.normal(size=h.max() + 1)
    y = x + sizes[0] * u[g] + sizes[1] * v[g] * x + sizes[2] * w[h] + rng.normal(size=n)
    parts = [["(1 | g)", "(1 + x | g)", "(x || g)"][rng.integers(3)], ["(1 | h)", "(1 | h)", "(0 + x | h)"][rng.integers(3)]]
    return pd.DataFrame({"y": y, "x": x * scale, "g": g, "h": h}), f"y ~ x + {' + '.join(parts)}", bool(rng.random() < 0.5)


@pytest.mark.parametrize("seed", range(24))
def test_no_worse_than_the_best_of_five_starts(seed):
    table, formula, reml = random_case(seed)
    fitted = mlm.lmm(formula, table, reml=reml)
    criterion, rng = fitted.model.criterion, np.random.default_rng(seed)
    assert fitted.converged

    def value(theta):
        at = criterion(theta)
        return at.value, at.gradient

    starts = [fitted.model.plain_start(size) for size in (0.1, 1.0, 10.0)]
    starts += [rng.normal(size=len(criterion.basis)) for _ in range(2)]
    best = min(minimize(value, start, jac=True, method="L-BFGS-B").fun for start in starts)
    assert fitted.criterion <= best + 1e-6
