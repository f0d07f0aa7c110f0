"""One generalized model of each kind, small ones, for the tests of what is said of them."""

from functools import cache

import numpy as np
import pandas as pd

import mlmlib as mlm
from general_models import FITS, table
from general_models import fit as translated


@cache
def made():
    """Simulated outcomes of 40 groups of 12."""
    rng = np.random.default_rng(18)
    g = np.repeat(np.arange(40), 12)
    u, v = rng.normal(0, 0.8, 40)[g], rng.normal(0, 0.5, 40)[g]
    x, w = rng.normal(size=480), rng.normal(size=40)[g]
    rows = pd.DataFrame({"g": g, "x": x, "w": w, "days": rng.uniform(1, 9, 480), "side": np.where(rng.random(480) < 0.5, "left", "right")})
    rows["ill"] = rng.binomial(1, 1 / (1 + np.exp(-(0.3 * x + u))))
    rows["visits"] = rng.poisson(np.exp(0.5 + 0.2 * x + 0.7 * u)) * (rng.random(480) > 0.25)
    latent = np.stack([np.zeros(480), 0.4 * x + u, -0.5 + v], 1) + rng.gumbel(size=(480, 3))
    rows["food"] = np.array(["bread", "cake", "fruit"])[latent.argmax(1)]
    return rows


MORE = {
    "no groups": lambda: mlm.glmm("ill ~ x + w", made()),
    "only groups": lambda: mlm.glmm("ill ~ 1 + (1 | g)", made()),
    "products": lambda: mlm.glmm("ill ~ x * w + side * x + (1 | g)", made()),
    "cauchit": lambda: mlm.glmm("ill ~ x + (1 | g)", made(), link="cauchit"),
    "zeros": lambda: mlm.glmm("visits ~ x + (1 | g)", made(), family="zip", zero="~ side"),
    "hurdle": lambda: mlm.glmm("visits ~ x + (1 | g)", made(), family="hurdle-nbinom2", exposure="days"),
    "food": lambda: mlm.glmm("food ~ x + (1 | g)", made(), family="multinomial"),
    "two outcomes": lambda: mlm.glmm(["ill ~ x + (1 | g)", "visits ~ w + (1 | g)"], made(), family=["binomial", "poisson"]),
    "pql": lambda: mlm.glmm("ill ~ x + (1 | g)", made(), method="pql"),
    "mql 2": lambda: mlm.glmm("ill ~ x + (1 | g)", made(), method="mql", order=2),
    "slopes": lambda: mlm.glmm("visits ~ x + w + (1 + x | g)", made(), family="nbinom2"),
    "offset": lambda: mlm.glmm("visits ~ x + offset(log(days)) + (1 | g)", made(), family="poisson", weights="days"),
    "hazard": lambda: mlm.glmm("ill ~ x + side + (1 | g)", made(), link="cloglog"),
    "nominal": lambda: mlm.glmm("rating ~ temp + (1 | judge)", table("wine"), family="ordinal", nominal="contact"),
    "inverse Gaussian": lambda: mlm.glmm("y ~ Days + (1 | Subject)", table("sleepstudy"), family="inverse-gaussian"),
}
NAMES = (*FITS, *MORE)


@cache
def fit(name):
    return translated(name) if name in FITS else MORE[name]()
