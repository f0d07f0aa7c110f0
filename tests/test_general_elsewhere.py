"""Generalized models in other programs: what the code says, that R gives our numbers, and the way back."""

import json
import shutil
import subprocess

import numpy as np
import pytest

import mlmlib as mlm
from general_models import FITS, STORE, codes, fit, run, table
from mlmlib.formula import parse
from mlmlib.report import translate
from mlmlib.report.translate import general, read
from mlmlib.report.translate.general.hlm import TYPES, type_of
from mlmlib.report.translate.general.spec import of_text

SAID = json.loads(STORE.read_text(encoding="utf-8"))


def ours(name):
    """Coefficients in the order of R's."""
    one = fit(name)
    return np.concatenate([np.asarray(getattr(one, "thresholds", ())), np.asarray(one.params)])


@pytest.mark.parametrize("name", FITS)
def test_r_said_our_numbers(name):
    now = codes()[name]
    assert {to: " ".join(own["code"].split()) for to, own in SAID[name].items()} == {
        to: " ".join(code.split()) for to, code in now.items()}, "run tests/general_models.py"
    assert now
    one = fit(name)
    for to, own in SAID[name].items():
        told = any(line.startswith("#") and "lognormal" not in one.family.name for line in own["code"].splitlines())
        other = np.abs(own["coefficients"] - ours(name)).max()
        if told:  # the code says that the program does something else
            assert other > 1e-5, "the comment in the code is needless"
            continue
        assert other < 1e-4
        llf = own["llf"] - (np.log(table(FITS[name][0])["Reaction"]).sum() if one.family.name == "lognormal" else 0.0)
        if not (to == "lme4" and one.method == "agq" and FITS[name][2].get("trials")):  # logLik without constants
            assert llf == pytest.approx(one.llf, abs=1e-4)


@pytest.mark.slow
def test_r_says_it_again():
    rscript = shutil.which("Rscript")
    if not rscript or subprocess.run([rscript, "-e", "library(glmmTMB); library(ordinal); library(lme4)"],
                                     capture_output=True).returncode:
        pytest.skip("R with lme4, glmmTMB and ordinal is not here")
    again = run(rscript)
    assert set(again) == set(SAID)
    for name, own in SAID.items():
        for to, said in own.items():
            assert again[name][to]["coefficients"] == pytest.approx(said["coefficients"], abs=1e-5)


CODE = {  # fit: program: what its code says
    "women": {"stata": 'generate use_Y = use == "Y"\n', "sas": "model use(event='Y') =", "hlm": "Bernoulli (0 or 1)",
              "spss": 'COMPUTE use_Y = (use = "Y").', "julia": 'df.use_Y = df.use .== "Y"', "statsmodels": "BinomialBayesMixedGLM",
              "lme4": 'levels = c("N", "Y"))', "ordinal": "Cannot"},
    "towns": {"stata": "|| district: urban_Y, covariance(unstructured) intmethod(laplace)", "sas": "type=un", "hlm": "u₃j",
              "spss": "COVARIANCE_TYPE=UNSTRUCTURED", "statsmodels": "Cannot"},
    "towns apart": {"stata": "covariance(independent)", "lme4": "(1 + child || district)", "glmmtmb": "diag(1 + child | district)",
                    "julia": "zerocorr(1 + child | district)"},
    "women, probit": {"stata": "meprobit", "lme4": "expected information", "sas": "link=probit", "hlm": "Cannot", "julia": "ProbitLink()"},
    "women, quadrature": {"stata": "intmethod(mcaghermite) intpoints(7)", "sas": "method=quad(qpoints=7)", "lme4": "nAGQ = 7",
                          "glmmtmb": "Laplace approximation only", "hlm": "quadrature, 7 points", "julia": "nAGQ = 7"},
    "women, weights": {"stata": "[fweight = w]", "sas": "freq w;", "spss": "ANALYSIS_WEIGHT=w", "lme4": "weights = w"},
    "cattle": {"stata": "binomial(size)", "sas": "model incidence/size =", "spss": "TRIALS=FIELD(size)",
               "lme4": "cbind(incidence, size - incidence)", "julia": "wts = float.(df.size)", "hlm": "Binomial (number of trials)"},
    "out of thirty-four": {"stata": "binomial(34)", "lme4": "cbind(incidence, 34 - incidence)", "sas": "Cannot", "spss": "TRIALS=VALUE(34)"},
    "persons and items": {"stata": "|| _all: R.item", "julia": "(1 | id) + (1 | item)", "sas": "crossed factors make one subject"},
    "seizures, nbinom2": {"stata": "menbreg", "sas": "dist=negbin", "lme4": "glmer.nb(", "spss": "NEGATIVE_BINOMIAL", "julia": "Cannot"},
    "seizures, nbinom1": {"stata": "dispersion(constant)", "sas": "Cannot", "lme4": "Cannot", "glmmtmb": "nbinom1"},
    "seizures, zip": {"glmmtmb": "ziformula = ~ 1", "stata": "Cannot", "sas": "NLMIXED", "hlm": "Cannot"},
    "seizures, hurdle": {"glmmtmb": "truncated_poisson"},
    "deaths": {"stata": "exposure(expected)", "sas": "offset_of_rows = log(expected);", "lme4": "offset(log(expected))",
               "spss": "OFFSET=FIELD(offset_of_rows)", "hlm": "Poisson (variable exposure)", "julia": "offset = log.(df.expected)"},
    "deaths, nested": {"stata": "|| nation: ///\n  || region:", "sas": "subject=nation*region", "hlm": "Cannot"},
    "reaction, gamma": {"stata": "family(gamma) link(log)", "sas": "dist=gamma", "lme4": "does not maximize the likelihood over"},
    "reaction, inverse": {"stata": "Cannot", "sas": "link=reciprocal", "spss": "LINK=POWER(-1)"},
    "reaction, exponential": {"stata": "family(exponential)", "glmmtmb": "map = list(betad = factor(NA))"},
    "reaction, lognormal": {"stata": "family(lognormal)", "sas": "dist=lognormal link=identity", "lme4": "Cannot"},
    "share, beta": {"stata": "family(beta) link(logit)", "glmmtmb": "beta_family", "sas": "dist=beta"},
    "bitter wine": {"stata": "meologit rating_n", "sas": "with the sign turned", "ordinal": "ordered = TRUE", "hlm": "Type of outcome: Ordinal",
                    "lme4": "Cannot", "spss": "(ORDINAL)"},
    "odd names": {"stata": "melogit takes_it_Y her_age || the_district:", "lme4": "takes.it ~ her.age + (1 | the.district)"},
}


@pytest.mark.parametrize("name", CODE)
def test_what_the_code_says(name):
    for to, text in CODE[name].items():
        code = fit(name).translate(to)
        assert text in code, (to, str(code))
        assert "None" not in code and "  ;" not in code


@pytest.mark.parametrize(("zero", "said"), [("~ trt", "~ trt)"), ("trt", "~ trt)"), ("~ trt + (1 | subject)", "~ trt + (1 | subject))")])
def test_formula_of_the_zeros_is_written(zero, said):
    fit = mlm.glmm("y ~ lbase + (1 | subject)", mlm.load("epil"), family="zip", zero=zero)
    assert "ziformula = " + said in fit.translate("glmmtmb")
    assert fit.translate("lme4").startswith("Cannot")


def test_tabs_hold_what_can_be_asked():
    titles = [code.title for code in fit("women").elsewhere().codes]
    assert titles == ["R: lme4", "R: glmmTMB", "Stata", "SAS", "SPSS", "HLM", "Julia: MixedModels.jl", "Python: statsmodels"]
    assert fit("bitter wine").elsewhere().codes[0].title == "R: ordinal"
    html = fit("women").elsewhere()._repr_html_()
    assert html.count('type="radio"') == len(titles)
    assert translate("y ~ x + (1 | g)", "glmmtmb").startswith("Cannot: this is a linear mixed model")


def test_seven_types_of_hlm():
    found = {type_of(of_text("y ~ x + (1 | g)", **settings)) for settings in (
        {"family": "gaussian"}, {"family": "binomial"}, {"family": "binomial", "trials": "n"}, {"family": "poisson"},
        {"family": "poisson", "exposure": "days"}, {"family": "ordinal"}, {"family": "multinomial"})}
    assert found == set(TYPES)


def test_multinomial_and_quasi_likelihood():
    gsem = translate("party ~ x + (1 | g)", "stata", family="multinomial")
    assert "(2.party <- x M2[g]@1)" in gsem and "cov(M2[g]*M3[g])" in gsem and "mlogit" in gsem
    assert "group=party" in translate("party ~ x + (1 | g)", "sas", family="multinomial")
    pql = {"family": "binomial", "method": "pql"}
    assert "method=mspl" in translate("y ~ x + (1 | g)", "sas", **pql)
    assert "method=mmpl" in translate("y ~ x + (1 | g)", "sas", family="binomial", method="mql")
    assert "order 1, not 2" in translate("y ~ x + (1 | g)", "sas", **pql, order=2)
    assert "glmmPQL" in translate("y ~ x + (1 | g)", "nlme", **pql)
    assert translate("y ~ x + (1 | g)", "stata", **pql).startswith("Cannot: Stata has no PQL")


def test_thresholds_by_predictors():
    from general_zoo import fit as zoo

    assert zoo("nominal").translate("ordinal").startswith("Cannot: thresholds differ by predictors")
    plain = mlm.glmm("rating ~ temp", table("wine"), family="ordinal", nominal="contact")
    assert "nominal = ~ contact)" in plain.translate("ordinal") and not plain.translate("stata").possible


def test_without_random_effects():
    from general_zoo import fit as zoo

    codes = {code.title: code for code in zoo("no groups").elsewhere().codes}
    assert set(codes) == {"R", "Stata", "SAS", "SPSS", "Julia: MixedModels.jl", "Python: statsmodels"}
    assert 'glm(ill ~ x + w, data = df, family = binomial(link = "logit"))' in codes["R"] and codes["Stata"] == "logit ill x w"
    scope = {"df": zoo("no groups").data.copy()}
    exec(str(codes["Python: statsmodels"]), scope)
    assert scope["fit"].llf == pytest.approx(zoo("no groups").llf, abs=1e-8)


def test_two_outcomes():
    from general_zoo import fit as zoo

    code = zoo("two outcomes").translate("stata")
    assert code.startswith("gsem (ill <- x M1[g]@1, logit)") and "cov(M1[g]*M2[g]) intmethod(laplace)" in code
    assert "byobs" in zoo("two outcomes").translate("sas")


def test_settings_are_checked():
    with pytest.raises(ValueError, match="need family="):
        translate("y ~ x + (1 | g)", "stata", trials="n")
    with pytest.raises(ValueError, match="no setting 'links'"):
        translate("y ~ x + (1 | g)", "stata", family="binomial", links="probit")
    with pytest.raises(ValueError, match="is not one of"):
        translate("y ~ x + (1 | g)", "stata", family="tweedie")


# ------------------------------------------------------------- and back
def meaning(formula, settings):
    """What a formula and settings say, whatever their spelling."""
    parsed = parse(formula)
    random = sorted((sorted(sorted(f.label for f in t) for t in r.terms), r.group_name, r.independent and len(r.terms) > 1)
                    for r in parsed.random)
    exposure = settings.get("exposure")
    offsets = sorted([f.label for f in parsed.offsets] + ([f"offset(log({exposure}))"] if exposure else []))
    own = {k: v for k, v in settings.items() if k != "exposure"}
    family = own.pop("family", "binomial")
    own.setdefault("method", "laplace")
    return (parsed.response.label, {frozenset(f.label for f in t) for t in parsed.fixed}, random, offsets, family, own)


# glmm's formula, its settings; programs that have it
ROUND = [(formula, settings) for formula, settings in (
    ("y ~ x + (1 | g)", {"family": "binomial"}),
    ("y ~ x * z + (1 + x | g)", {"family": "binomial", "link": "probit"}),
    ("y ~ x + (1 + x || g)", {"family": "binomial", "link": "cloglog"}),
    ("y ~ x + z + (1 | g)", {"family": "binomial", "trials": "n", "method": "agq", "nodes": 9}),
    ("y ~ x + (1 | g)", {"family": "binomial", "trials": 10}),
    ("y ~ x + (1 | g)", {"family": "binomial", "weights": "w"}),
    ("y ~ x + (1 | a) + (1 | b)", {"family": "binomial"}),
    ("y ~ x + (1 | a) + (1 | a:b)", {"family": "poisson", "exposure": "days"}),
    ("y ~ 1 + (1 | g)", {"family": "poisson"}),
    ("y ~ x + log(z) + (1 | g)", {"family": "nbinom2"}),
    ("y ~ x + (1 | g)", {"family": "nbinom1"}),
    ("y ~ x + (1 | g)", {"family": "geometric"}),
    ("y ~ x + (1 | g)", {"family": "gamma"}),
    ("y ~ x + (1 | g)", {"family": "gamma", "link": "inverse"}),
    ("y ~ x + (1 | g)", {"family": "inverse-gaussian"}),
    ("y ~ x + (1 | g)", {"family": "exponential"}),
    ("y ~ x + (1 | g)", {"family": "beta"}),
    ("y ~ x + (1 | g)", {"family": "t"}),
    ("y ~ x + (1 | g)", {"family": "zip"}),
    ("y ~ x + (1 | g)", {"family": "zinb2", "zero": "~ z + (1 | g)"}),
    ("y ~ x + (1 | g)", {"family": "hurdle-nbinom2", "exposure": "days"}),
    ("y ~ x + (1 | g)", {"family": "ordinal"}),
    ("y ~ x + z + (1 | g)", {"family": "ordinal", "link": "probit", "method": "agq", "nodes": 5}),
    ("y ~ x + (1 | g)", {"family": "ordinal", "link": "cloglog"}),
)]


@pytest.mark.parametrize("formula, settings", ROUND)
@pytest.mark.parametrize("to", ["lme4", "glmmtmb", "ordinal", "stata"])
def test_there_and_back(formula, settings, to):
    code = translate(formula, to, **settings)
    if not code.possible or code.startswith("gsem"):
        return
    call = read(code)
    expected = meaning(formula, settings)
    if to == "lme4" and settings["family"] == "exponential" or to == "glmmtmb" and settings.get("method") == "agq":
        return  # the code says that it is another model
    assert meaning(call.formula, call._options()) == expected, code


def test_every_target_goes_round_somewhere():
    back = {to: sum(translate(f, to, **s).possible for f, s in ROUND) for to in ("lme4", "glmmtmb", "ordinal", "stata")}
    assert back["lme4"] >= 12 and back["glmmtmb"] >= 16 and back["ordinal"] == 3 and back["stata"] >= 14


@pytest.mark.parametrize("code, call", [
    ("glmer(incidence / size ~ period + (1 | herd), weights = size, data = cbpp, family = binomial)",
     'mlm.glmm("incidence ~ period + (1 | herd)", df, family="binomial", trials="size")'),
    ("glmmTMB(y ~ x + (1 | g), d, family = Gamma())", 'mlm.glmm("y ~ x + (1 | g)", df, family="gamma", link="inverse")'),
    ("glmmTMB(y ~ x + (1 | g), data = d)", 'mlm.lmm("y ~ x + (1 | g)", df, reml=False)'),
    ("xtmelogit y x || g:", 'mlm.glmm("y ~ x + (1 | g)", df, family="binomial", method="agq", nodes=7)'),
    ("melogit y x || g:, intpoints(1) or", 'mlm.glmm("y ~ x + (1 | g)", df, family="binomial")'),
    ("meglm y x || g:, family(nbinomial constant)", 'mlm.glmm("y ~ x + (1 | g)", df, family="nbinom1", method="agq", nodes=7)'),
    ("meglm y x || g:, family(binomial n) link(probit) intmethod(laplace)",
     'mlm.glmm("y ~ x + (1 | g)", df, family="binomial", link="probit", trials="n")'),
])
def test_code_of_others(code, call):
    assert translate(code, "mlmlib") == call


def test_what_is_taken_otherwise_is_said():
    assert "mean and variance" in translate("melogit y x || g:", "mlmlib").note
    assert "hence Laplace" in translate("melogit y x || a: || b:", "mlmlib").note
    assert 'df["trials"] = df["s"] + df["f"]' in translate("glmer(cbind(s, f) ~ x + (1 | g), d, binomial)", "mlmlib").note
    for code, why in (("glmer(y ~ x + (1 | g), d, binomial, nAGQ = 0)", "nAGQ = 0"), ("glmer(y ~ x + (1 | g), d, quasipoisson)", "is not read"),
                      ("glmmTMB(y ~ x + ar1(t + 0 | g), d, poisson)", "ar1"), ("melogit y x", "no random part"),
                      ("glmmTMB(y ~ x + (1 | g), d, truncated_poisson)", "counts above zero alone")):
        with pytest.raises(ValueError, match=why):
            translate(code, "mlmlib")


def test_back_and_fitted():
    women = table("contraception")
    call = read("glmer(use ~ age + child + (1 | district), women, family = binomial)")
    assert call.fit(women).llf == pytest.approx(mlm.glmm("use ~ age + child + (1 | district)", women).llf)
    assert general.programs(fit("bitter wine"))[0] == "ordinal"
