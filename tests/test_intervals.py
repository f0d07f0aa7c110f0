"""conf_int: one set of rows for every method, derived quantities, and what is refused."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.inference.derived import quantities, with_combination
from mlmlib.inference.expression_of import read_expression
from mlmlib.inference.parameters import Parameters
from models import data, fit

ISO = "hsb_iso_reml"
NAMES = ["sd(school: Intercept)", "sd(school: cses)", "corr(school: Intercept, cses)", "sigma"]


def test_the_default_is_wald():
    base = fit("hsb_rc_reml")
    table = base.conf_int()
    assert table.columns.tolist() == ["lower", "upper"] and table.index.tolist() == ["Intercept", "cses"]
    assert np.allclose(table, np.column_stack([base.params - 1.959963985 * base.bse, base.params + 1.959963985 * base.bse]))
    linear = mlm.ols("mathach ~ cses", data("hsb"))
    assert np.allclose(linear.conf_int(0.9), linear.statsmodels.conf_int(0.1))


@pytest.mark.parametrize("method", ["wald", "profile", "bootstrap"])
def test_all_parameters_have_their_names(method):
    table = fit("hsb_rc_reml").conf_int(method=method, which="all")
    assert table.index.tolist() == ["Intercept", "cses", *NAMES]
    assert (table["lower"] < Parameters(fit("hsb_rc_reml")).values()).all() and (table["upper"] > Parameters(fit("hsb_rc_reml")).values()).all()


@pytest.mark.parametrize("options", [{}, {"covariance": "independent"}, {"covariance": "exchangeable"}, {"covariance": "identity"},
                                     {"reml": False}], ids=str)
def test_wald_intervals_of_the_random_part_are_those_of_the_table(options):
    base = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", data("sleepstudy"), **options)
    ours = base.conf_int(which="all", level=0.9).iloc[2:]
    table = base.random_table("sd", 0.9)
    stated = table[~table.duplicated(["estimate", "se"])]
    stated = stated[["corr" in name for name in stated["name"]]] , stated[["corr" not in name for name in stated["name"]]]
    for rows, kind in zip(stated, ("corr", "s")):
        mine = ours[[name.startswith(kind) for name in ours.index]]
        assert np.allclose(mine, rows[["lower", "upper"]], rtol=1e-6)


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_small_sample_intervals(method):
    base = fit("imm_hw_rs_reml")
    from scipy.stats import t
    table, ours = base.coef_table(ddf=method), base.conf_int(method=method)
    half = t.ppf(0.975, table["df"]) * table["se"]
    assert np.allclose(ours["upper"] - ours["lower"], 2 * half)
    combined = base.conf_int(method=method, of=list(base.params.index[:2]))
    assert np.allclose(combined[["lower", "upper"]], ours.iloc[:2])
    assert np.allclose(mlm.ols("math ~ homework", data("math")).conf_int(method=method), mlm.ols("math ~ homework", data("math")).conf_int())


def test_a_profile_of_a_combination_is_that_of_the_coefficient_in_other_columns():
    base = fit("sleepstudy_corr_ml")
    own = base.conf_int(method="profile", of="Intercept + 4 * Days").iloc[0]
    moved = mlm.lmm("Reaction ~ late + (1 + Days | Subject)", data("sleepstudy").assign(late=lambda d: d["Days"] - 4), reml=False)
    assert np.allclose(own[["lower", "upper"]].astype(float), moved.conf_int(method="profile").loc["Intercept"], rtol=1e-6)
    again = with_combination(base, np.array([1.0, 4.0]), "c")
    assert again.criterion == pytest.approx(base.criterion, abs=1e-8) and again.bse["c"] == pytest.approx(moved.bse["Intercept"], rel=1e-6)
    shifted = base.conf_int(method="profile", of="2 * Days - 3").iloc[0]
    assert np.allclose(shifted[["lower", "upper"]].astype(float), 2 * base.conf_int(method="profile").loc["Days"] - 3, rtol=1e-5)
    one = base.conf_int(method="profile", of=["icc", "sd(Subject: Days)", "sigma"])
    assert np.allclose(one.loc["sd(Subject: Days)", ["lower", "upper"]].astype(float), base.conf_int(method="profile", which="all").loc["sd(Subject: Days)"])


def test_the_icc_is_that_of_mlm_icc():
    for name in ("imm_null_ml", "hsb_iso_reml"):
        rho, ours = mlm.icc(fit(name)), fit(name).conf_int(of="icc").iloc[0]
        assert np.allclose(ours.astype(float), [rho.estimate, rho.lower, rho.upper], rtol=1e-6)


def test_mlm_icc_takes_the_other_methods():
    base = fit("imm_null_ml")
    assert np.allclose([mlm.icc(base, method="profile").lower, mlm.icc(base, method="profile").upper], [0.1377, 0.3858], atol=1e-4)
    boot = mlm.icc(base, method="bootstrap", n=400)
    assert boot.lower < boot.estimate < boot.upper and boot.se == mlm.icc(base).se
    slopes = fit("sleepstudy_corr_reml")
    there = mlm.icc(slopes, at={"Days": 9}, method="bootstrap", n=60)
    assert there.lower < there.estimate < there.upper and "bootstrap" in str(pytest.raises(ValueError, mlm.icc, slopes, at={"Days": 9}, method="profile").value)
    with pytest.raises(ValueError, match="method='exact'"):
        mlm.icc(base, method="exact")
    with pytest.raises(TypeError, match="'n'"):
        mlm.icc(base, n=3)
    zero = mlm.icc(fit("dyestuff2_reml"), method="profile")
    assert zero.lower == 0 < zero.upper < 1


def test_r2_is_that_of_mlm_r2():
    for base in (fit(ISO), mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", data("sleepstudy"), covariance="exchangeable")):
        ours, known = base.conf_int(of=["r2_marginal", "r2_conditional"]), mlm.r2(base)
        assert np.allclose(ours["estimate"], [known.marginal, known.conditional])
        assert (ours["lower"] < ours["estimate"]).all() and ours["upper"].lt(1).all()


def test_the_delta_method_by_hand():
    base = fit(ISO)
    a, b = base.params["cses:sector[T.Catholic]"], base.params["sector[T.Catholic]"]
    cov = base.cov_params().loc[["sector[T.Catholic]", "cses:sector[T.Catholic]"], ["sector[T.Catholic]", "cses:sector[T.Catholic]"]]
    gradient = np.array([-1 / a, b / a**2])
    se = np.sqrt(gradient @ cov.to_numpy() @ gradient)
    ours = base.conf_int(of=mlm.crossing(base, "cses", "sector[T.Catholic]")).iloc[0]
    assert ours["estimate"] == pytest.approx(-b / a) and ours["upper"] - ours["lower"] == pytest.approx(2 * 1.959963985 * se, rel=1e-6)
    random = fit("imm_null_ml")
    _names, V = random.variance_cov()
    total = random.conf_int(of="var(schid: Intercept) + sigma ** 2").iloc[0]
    slope = 2 * np.array([random.variance_components["variance"].iloc[0], random.sigma**2])
    assert total["upper"] - total["lower"] == pytest.approx(2 * 1.959963985 * np.sqrt(slope @ V @ slope), rel=1e-6)


def test_a_function_and_its_text_agree():
    base = fit(ISO)
    made = base.conf_int(of={"f": lambda f: f.params["cses"] / f.sigma, "t": "cses / sigma"})
    assert np.allclose(made.loc["f"], made.loc["t"], rtol=1e-6)
    same = base.conf_int(of={"f": lambda f: f.covariance_matrix().iloc[0, 0] / f.sigma**2, "t": "var(school: Intercept) / sigma**2"})
    assert np.allclose(same.loc["f"], same.loc["t"], rtol=1e-5)


def test_slopes_at_a_value():
    base = fit(ISO)
    text = mlm.slope(base, "cses", {"mean_ses": 0.5, "sector[T.Catholic]": 1})
    assert text == "`cses` + 0.5 * `cses:mean_ses` + 1.0 * `cses:sector[T.Catholic]`"
    moved = mlm.lmm("mathach ~ cses * m + cses * s + (1 + cses | school)",
                    data("hsb").assign(m=lambda d: d["mean_ses"] - 0.5, s=lambda d: 1.0 * (d["sector"] != "Catholic")))
    for method in ("wald", "satterthwaite"):
        assert np.allclose(base.conf_int(of=text, method=method)[["lower", "upper"]], moved.conf_int(method=method).loc[["cses"]], rtol=1e-5)
    assert mlm.slope(base, "cses") == "`cses`"


def test_fieller_and_johnson_neyman():
    """The ends of Fieller's interval for a crossing are where the difference of the lines stops being significant."""
    base = fit(ISO)
    ends = base.conf_int(of=mlm.crossing(base, "cses", "sector[T.Catholic]"), method="fieller", level=0.9).iloc[0]
    V, z = base.cov_params(), 1.644853627
    for x in (ends["lower"], ends["upper"]):
        difference = base.params["sector[T.Catholic]"] + x * base.params["cses:sector[T.Catholic]"]
        pair = ["sector[T.Catholic]", "cses:sector[T.Catholic]"]
        variance = np.array([1, x]) @ V.loc[pair, pair].to_numpy() @ np.array([1, x])
        assert abs(difference) / np.sqrt(variance) == pytest.approx(z, rel=1e-6)
    rng = np.random.default_rng(0)
    table = {"y": rng.normal(size=200), "x": rng.normal(size=200), "z": rng.normal(size=200), "g": np.repeat(np.arange(20), 10)}
    free = mlm.lmm("y ~ x + z + (1 | g)", table).conf_int(of="x / z", method="fieller")
    assert np.isinf(free.iloc[0, 1:].astype(float)).all() and "not told from zero" in free.attrs["note"]


def test_derived_quantities_by_bootstrap():
    base = fit(ISO)
    of = {"slope": "cses + cses:sector[T.Catholic]", "icc": "icc", "r2": "r2_marginal", "cross": mlm.crossing(base, "cses", "sector[T.Catholic]")}
    boot = base.bootstrap(800, seed=4)
    fast = base.conf_int(of=of, method="bootstrap", boot=boot)
    wald = base.conf_int(of=of)
    width = wald["upper"] - wald["lower"]
    assert np.allclose(fast["estimate"], wald["estimate"])
    assert ((fast["upper"] - fast["lower"]) / width).between(0.85, 1.2).all()
    for kind in ("basic", "normal", "bca"):
        assert ((base.conf_int(of=of, method="bootstrap", boot=boot, type=kind)["upper"] - wald["upper"]).abs() < 0.35 * width).all()
    slow = base.conf_int(of={"icc": lambda f: mlm.icc(f).estimate, "slope": "cses + cses:sector[T.Catholic]"}, method="bootstrap", n=80)
    assert np.allclose(slow["lower"], fast.loc[["icc", "slope"], "lower"], atol=0.3 * width[["icc", "slope"]])
    again = base.conf_int(method="bootstrap", which="all", boot=boot)
    assert again.equals(boot.conf_int().loc[again.index])


def test_a_fit_on_the_boundary():
    base = fit("dyestuff2_reml")
    wald = base.conf_int(which="all")
    assert wald.loc["sd(Batch: Intercept)"].isna().all() and "boundary" in wald.attrs["note"] and wald.loc["sigma"].notna().all()
    assert base.conf_int(of="icc").iloc[0, 1:].isna().all()
    assert base.conf_int(of="Intercept / 2").notna().all().all()
    profile = base.conf_int(method="profile", which="all")
    assert profile.loc["sd(Batch: Intercept)", "lower"] == 0 < profile.loc["sd(Batch: Intercept)", "upper"]
    boot = base.conf_int(method="bootstrap", which="all", n=300)
    assert boot.loc["sd(Batch: Intercept)", "lower"] == 0


def test_a_moved_fit_is_the_fit_with_other_parameters():
    for base in (fit(ISO), mlm.lmm("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", data("sleepstudy")),
                 mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", data("sleepstudy"), covariance="identity"),
                 mlm.ols("Reaction ~ Days", data("sleepstudy"))):
        parameters = Parameters(base)
        values = parameters.values()
        assert np.allclose(Parameters(parameters.moved(values)).values(), values)
        other = values * np.linspace(0.9, 1.1, len(values))
        there = parameters.moved(other)
        assert np.allclose(Parameters(there).values(), other) and np.allclose(there.params, other[: parameters.p])
        assert np.allclose(parameters.moved(values).fittedvalues, base.fittedvalues)


def test_reading_expressions():
    names = ("Intercept", "x", "x:z", "log(x)", "C(a)[T.b c]", "sd(g: Intercept)", "corr(g: Intercept, x)", "sigma", "x2")
    v = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5, 7.0, 8.0])
    for text, value in {"x": 2, "-x + 2*x:z": 4, "z:x": 3, "log(x)": 4, "log(`x`)": np.log(2), "C(a)[T.b c] / 2": 2.5, "x2 - x": 6,
                        "var(g: Intercept)": 36, "sd(g: Intercept)/sigma": 6 / 7, "corr(g: Intercept, x) ^ 2": 0.25,
                        "exp(0) * (x + x:z) / 5": 1, "(x+x2)*(Intercept)": 10}.items():
        assert float(read_expression(text, names)(v)) == pytest.approx(value), text
    assert read_expression("2 * (x - 3) / 4 + x2", names).linear[0].tolist() == [0, 0.5, 0, 0, 0, 0, 0, 0, 1]
    assert read_expression("x * x2", names).linear is None and read_expression("x", names).single == 1
    assert read_expression("2 * x", names).single is None and read_expression("x / x2", names).ratio is not None
    for text, says in {"y": "no parameter 'y'", "x +": "Cannot read", "x if x else 1": "Cannot read", "sigm": "Did you mean 'sigma'",
                       "x.real": "Cannot read|no parameter", "open('f')": "Cannot read|no parameter", "`w` + 1": "no parameter 'w'",
                       "_v[0]": "no parameter"}.items():
        with pytest.raises(ValueError, match=says):
            read_expression(text, names)


def test_what_cannot_be_done_is_said():
    base, linear = fit(ISO), mlm.ols("mathach ~ cses", data("hsb"))
    for call, says in (
        (lambda: base.conf_int(method="exact"), "method='exact'"),
        (lambda: base.conf_int(which="random"), "which='random'"),
        (lambda: base.conf_int(1.5), "level=1.5"),
        (lambda: base.conf_int(method="kenward-roger", which="all"), "coefficients only"),
        (lambda: base.conf_int(method="fieller"), "give one by of="),
        (lambda: base.conf_int(of="icc", method="fieller"), "none. Use"),
        (lambda: base.conf_int(of="cses / mean_ses", method="profile"), "'cses / mean_ses' is none of them"),
        (lambda: base.conf_int(of="sigma", method="satterthwaite"), "linear combinations of coefficients"),
        (lambda: base.conf_int(of=3), "of=3"),
        (lambda: linear.conf_int(method="profile"), "for mixed models"),
        (lambda: linear.conf_int(of="icc"), "random effects"),
        (lambda: base.conf_int(method="bootstrap", boot=fit("hsb_rc_reml").bootstrap(20)), "another fit"),
        (lambda: mlm.slope(base, "cses", {"female": 1}), "'female' does not interact"),
        (lambda: mlm.crossing(base, "mean_ses", "sector[T.Catholic]"), "do not cross"),
    ):
        with pytest.raises(ValueError, match=says):
            call()
    with pytest.raises(TypeError, match="no option 'n'"):
        base.conf_int(n=100)
    assert [q.name for q in quantities(base, {"a": "cses", "b": lambda f: 1.0})] == ["a", "b"]
