"""Likelihood-ratio tests and comparisons of generalized linear mixed models."""

from functools import cache

import numpy as np
import pytest

import mlmlib as mlm

WOMEN = "use ~ age + urban + livch"
TICKS = "TICKS ~ YEAR + cHEIGHT + (1 | BROOD)"


@cache
def women(random="", **options):
    return mlm.glmm(WOMEN + random, mlm.load("contraception"), **dict(options))


@cache
def ticks(family, **options):
    return mlm.glmm(TICKS, mlm.load("grouseticks"), family=family, **options)


@cache
def wine(formula, nominal=None):
    return mlm.glmm(formula, mlm.load("wine"), family="ordinal", nominal=nominal)


def test_random_slope():
    """Chapter 16's comparison: one more variance and its covariance."""
    test = mlm.compare(women(" + (1 | district)"), women(" + (1 + urban | district)"))
    assert test.weights == {1: 0.5, 2: 0.5} and test.df == 2
    assert test.null == "var(urban[T.Y]) = 0, cov(Intercept, urban[T.Y]) = 0"
    assert abs(test.statistic - 2 * (women(" + (1 + urban | district)").llf - women(" + (1 | district)").llf)) < 1e-9
    from scipy.stats import chi2
    assert abs(test.pvalue - 0.5 * (chi2.sf(test.statistic, 1) + chi2.sf(test.statistic, 2))) < 1e-12


def test_glm_against_glmm():
    test = mlm.compare(women(), women(" + (1 | district)"))
    assert test.distribution == "chibar2(01)" and test.null == "var(Intercept) = 0"
    same = women(" + (1 | district)").lr_vs_linear()
    assert str(same).startswith("LR test vs. logistic model of var(Intercept) = 0: chibar2(01)")
    assert abs(same.statistic - test.statistic) < 1e-7 and abs(same.pvalue - test.pvalue) < 1e-12


def test_lr_vs_linear_of_several():
    fit = women(" + (1 + urban | district)")
    assert fit.lr_vs_linear().distribution == "chi2(3)" and "conservative" in fit.lr_vs_linear().note
    mixed = fit.lr_vs_linear(mixture=True)
    assert mixed.df == (0, 1, 2, 3) and mixed.pvalue < fit.lr_vs_linear().pvalue
    with pytest.raises(ValueError, match="no random effects"):
        women().lr_vs_linear()


def test_three_models():
    found = mlm.compare(women(), women(" + (1 | district)"), women(" + (1 + urban | district)"), names=("a", "b", "c"))
    assert found.table["npar"].tolist() == [6, 7, 9] and found[1].weights == {1: 0.5, 2: 0.5}


def test_fixed_effects():
    null = mlm.glmm("use ~ age + urban + (1 | district)", mlm.load("contraception"))
    test = mlm.compare(null, women(" + (1 | district)"))
    assert test.distribution == "chi2(3)" and test.null == "livch[T.1] = 0, livch[T.2] = 0, livch[T.3+] = 0"


def test_coding_does_not_matter():
    data = mlm.load("contraception").assign(town=lambda d: (d["urban"] == "Y") * 1.0, land=lambda d: (d["urban"] == "N") * 1.0)
    a = mlm.glmm("use ~ age + town + (1 | district)", data)
    b = mlm.glmm("use ~ age + land + (0 + town + land | district)", data)
    test = mlm.compare(a, b)
    assert test.weights == {1: 0.5, 2: 0.5}


@pytest.mark.parametrize(("null", "full", "words"), [("poisson", "nbinom2", "1/theta = 0"), ("poisson", "nbinom1", "alpha = 0"),
                                                     ("poisson", "zip", "no extra zeros"),
                                                     ("nbinom2", "zinb2", "no extra zeros"), ("zip", "zinb2", "1/theta = 0")])
def test_families_at_the_boundary(null, full, words):
    test = mlm.compare(ticks(null), ticks(full))
    assert test.weights == {0: 0.5, 1: 0.5} and test.distribution == "chibar2(01)" and test.null == words
    assert "boundary of the larger family" in test.note


def test_families_inside():
    test = mlm.compare(ticks("geometric"), ticks("nbinom2"))
    assert test.distribution == "chi2(1)" and test.null == "theta = 1"


def test_no_extra_zeros_gives_nothing():
    test = mlm.compare(ticks("nbinom2"), ticks("zinb2"))  # chapter 17
    assert 0 <= test.statistic < 1e-4 and test.pvalue > 0.49


def test_zero_formula():
    one, more = ticks("zip", zero="~ 1"), ticks("zip", zero="~ cHEIGHT")
    assert abs(one.llf - ticks("zip").llf) < 1e-6
    assert mlm.compare(ticks("poisson"), one).distribution == "chibar2(01)"
    unknown = mlm.compare(ticks("poisson"), more)
    assert unknown.weights is None and "no known limit" in unknown.note and "bootstrap" in unknown.note
    for null in (one, ticks("zip")):
        assert mlm.compare(null, more).distribution == "chi2(1)"
    assert mlm.compare(one, more).null == "zero: cHEIGHT = 0"


def test_two_edges_are_conservative():
    test = mlm.compare(ticks("poisson"), ticks("zinb2"))
    assert test.distribution == "chi2(2)" and test.note.startswith("conservative")


def test_nominal_effects():
    plain, part = wine("rating ~ temp + contact + (1 | judge)"), wine("rating ~ temp + (1 | judge)", nominal="~ contact")
    test = mlm.compare(plain, part)
    assert test.df == 3 and test.null == "contact[T.yes] moves all thresholds alike"
    assert mlm.compare(wine("rating ~ temp + (1 | judge)"), part).null == "contact[T.yes] = 0 at every threshold"
    with pytest.raises(ValueError, match="not nested"):
        mlm.compare(part, wine("rating ~ temp * contact + C(judge) + (1 | judge)"))
    assert "ordered logistic" in str(plain.lr_vs_linear())


def test_unordered_categories():
    trips = mlm.simulate.choice(seed=18)
    null, full = (mlm.glmm(f"mode ~ {x} + (1 | district)", trips, family="multinomial") for x in ("1", "distance"))
    assert mlm.compare(null, full).df == 2
    loose = mlm.glmm("mode ~ distance + (1 | district)", trips, family="multinomial", covariance="independent")
    assert mlm.compare(loose, full).null == "cov(bus: Intercept, bicycle: Intercept) = 0"


def test_several_factors():
    both = mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)", mlm.load("grouseticks"),
                    family="poisson")
    test = mlm.compare(ticks("poisson"), both)
    assert test.null == "var(INDEX: Intercept) = 0, var(LOCATION: Intercept) = 0" and set(test.weights) == {0, 1, 2}


def test_quadrature_against_no_random_part():
    """Without random effects the likelihood is exact, and may be compared with any approximation."""
    plain = mlm.glmm("incidence ~ period", mlm.load("cbpp"), trials="size")
    laplace, agq = (mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", **how)
                    for how in ({}, {"method": "agq", "nodes": 25}))
    tests = [mlm.compare(plain, fit) for fit in (laplace, agq)]
    assert tests[0].distribution == tests[1].distribution == "chibar2(01)"
    assert 0 < abs(tests[0].statistic - tests[1].statistic) < 0.2


def test_a_factor_more_is_named():
    one = mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION)", mlm.load("grouseticks"), family="poisson")
    assert mlm.compare(ticks("poisson"), one).null == "var(LOCATION: Intercept) = 0"


def test_weights_are_those_of_the_information():
    """Of two independent variances in one factor: the angle of their information, as the cone has it."""
    fit = mlm.glmm(WOMEN + " + (1 + urban || district)", mlm.load("contraception"))
    test = mlm.compare(women(), fit)
    from mlmlib.inference.generalized_nesting import Special, information_at
    E = np.zeros((2, 2, 2))
    E[0, 0, 0] = E[1, 1, 1] = 1.0
    own = information_at(women(), fit, Special(np.zeros((2, 2)), [], False, 2))(E)
    turn = np.arcsin(own[0, 1] / np.sqrt(own[0, 0] * own[1, 1])) / (2.0 * np.pi)  # Self and Liang (1987), case 7
    assert np.allclose([test.weights[k] for k in range(3)], [0.25 + turn, 0.5, 0.25 - turn], atol=1e-12)


def test_gaussian_weights_are_near_those_of_lmm():
    """One model, two roads: the generalized one takes the residual variance as known, which moves weights by 0.02."""
    formula, sleep = "Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy")
    known = mlm.compare(mlm.ols("Reaction ~ Days", sleep, method="ml"), mlm.lmm(formula, sleep, reml=False))
    test = mlm.compare(*(mlm.glmm(own, sleep, family="gaussian") for own in ("Reaction ~ Days", formula)))
    assert abs(known.statistic - test.statistic) < 1e-5
    assert np.allclose(list(known.weights.values()), list(test.weights.values()), atol=0.025)


def test_singular_null():
    data = {"g": np.repeat(np.arange(20), 6), "x": np.tile(np.arange(6.0), 20), "y": np.tile([0, 1, 1, 0, 1, 0], 20)}
    null, full = (mlm.glmm(f"y ~ x + ({part} | g)", data) for part in ("1", "1 + x"))
    assert null.is_singular and full.is_singular
    test = mlm.compare(null, full)
    assert abs(test.statistic) < 1e-6 and test.pvalue == 1.0 and test.weights is None


@pytest.mark.parametrize(("null", "full", "says"), [
    (lambda: women(" + (1 | district)"), lambda: women(" + (1 | district)", method="pql"), "no likelihood"),
    (lambda: women(" + (1 | district)"), lambda: women(" + (1 + urban | district)", method="agq"), "Fit both with method='laplace'"),
    (lambda: women(" + (1 | district)", method="agq", nodes=5), lambda: women(" + (1 + urban | district)", method="agq"),
     "same nodes="),
    (lambda: women(" + (1 | district)"), lambda: women(" + (1 + urban | district)", link="probit"), "not nested: .* link"),
    (lambda: women(" + (1 + urban | district)"), lambda: women(" + (1 | district)"), "Exchange"),
    (lambda: women(" + (1 | district)"), lambda: women(" + (1 | district)"), "the same model"),
    (lambda: women(" + (1 | district)"), lambda: mlm.glmm("use ~ age + (1 + urban | district)", mlm.load("contraception")),
     "livch"),
    (lambda: women(" + (1 | district)"), lambda: mlm.glmm(WOMEN + " + (1 | district)", mlm.load("contraception").head(1500)),
     "different rows"),
    (lambda: ticks("poisson"), lambda: ticks("hurdle-poisson"), "AIC"),
    (lambda: ticks("nbinom1"), lambda: ticks("nbinom2"), "not nested"),
    (lambda: ticks("nbinom2"), lambda: ticks("poisson"), "Exchange"),
    (lambda: mlm.ols("use_ ~ age", mlm.load("contraception").assign(use_=1.0 * (mlm.load("contraception")["use"] == "Y"))),
     lambda: women(" + (1 | district)"), "mlm.glmm too"),
    (lambda: women(" + (1 | district)"), lambda: wine("rating ~ temp + contact + (1 | judge)"), "different outcomes"),
])
def test_refusals(null, full, says):
    with pytest.raises(ValueError, match=says):
        mlm.compare(null(), full())


def test_other_trials_and_exposures():
    cbpp = mlm.load("cbpp").assign(more=lambda d: d["size"] + 1)
    a, b = (mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size"),
            mlm.glmm("incidence ~ period + more + (1 | herd)", cbpp, trials="more"))
    with pytest.raises(ValueError, match="different trials"):
        mlm.compare(a, b)
    cancer = mlm.load("mmmec")
    c, d = (mlm.glmm("deaths ~ uvb + (1 | nation)", cancer, family="poisson", exposure="expected"),
            mlm.glmm("deaths ~ uvb + (1 | nation/region)", cancer, family="poisson"))
    with pytest.raises(ValueError, match="offset"):
        mlm.compare(c, d)


def test_information_criteria():
    fit = ticks("nbinom2")
    assert fit.n_params == 6 and abs(fit.aic - (12 - 2 * fit.llf)) < 1e-9
    assert abs(fit.bic - (6 * np.log(fit.nobs) - 2 * fit.llf)) < 1e-9
    table = mlm.compare(ticks("poisson"), fit).table
    assert np.allclose(table["aic"], [ticks("poisson").aic, fit.aic]) and np.allclose(table["bic"].iloc[1], fit.bic)
