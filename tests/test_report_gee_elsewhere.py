"""Marginal models in other programs: R gives our numbers, statsmodels runs, and the way back."""

import json
import shutil
import subprocess
import warnings

import numpy as np
import pytest
from gee_models import FITS, STORE, codes, fit, run, table

import mlmlib as mlm
from mlmlib.report import translate
from mlmlib.report.translate import read

SAID = json.loads(STORE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FITS)
def test_r_said_our_numbers(name):
    said, one = SAID["fit"][name], fit(name)
    assert said["code"] == codes()[name], "run tests/gee_models.py"
    assert said["coefficients"] == pytest.approx(one.params.tolist(), rel=1e-9, abs=1e-10)
    assert said["se"] == pytest.approx(one.bse.tolist(), rel=1e-9)
    assert said["alpha"] == pytest.approx(one.correlations["estimate"].tolist(), rel=1e-8)


@pytest.mark.slow
def test_r_says_it_again():
    rscript = shutil.which("Rscript")
    if not rscript or subprocess.run([rscript, "-e", "library(geepack); library(emmeans)"], capture_output=True).returncode:
        pytest.skip("R with geepack and emmeans is not here")
    again = run(rscript)
    for name, said in SAID["fit"].items():
        assert again["fit"][name]["se"] == pytest.approx(said["se"], rel=1e-8)
    assert set(again["anova"]) == set(SAID["anova"]) and set(again["means"]) == set(SAID["means"])


@pytest.mark.parametrize("name", [name for name in FITS if name not in ("cattle", "pigs")])  # no trials; its search fails
def test_statsmodels_code_runs(name):
    rows, _formula, settings = FITS[name]
    corr = settings.get("corr", "exchangeable")
    told = fit(name).translate("statsmodels")
    code = str(told).replace("fit.summary()", "")
    df = table(rows).copy()
    if "Rename columns" in told.note:
        df.columns = [column.replace(" ", "_") for column in df.columns]
    scope = {"df": df.sort_values(["id", "age"]) if rows == "mixed" else df}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, scope)
        theirs = scope["fit"]
    ours = {frozenset(one.replace(" ", "_").replace("_**_", " ** ").split(":")): value for one, value in fit(name).params.items()}
    params = np.array([ours[frozenset(one.split(":"))] for one in theirs.params.index])  # patsy has an order of its own
    errors = fit(name).bse.max()
    gap = np.abs(np.asarray(theirs.params) - params) / errors
    assert gap.max() < (1e-4 if corr == "independence" else 0.35 if corr == "ar1" else 0.1)


def test_statsmodels_code_of_categories_runs():
    wine = mlm.load("wine")
    ordinal = mlm.gee("rating ~ temp + contact", wine, groups="judge", family="ordinal", corr="independence")
    scope = {"df": wine.copy()}
    code = str(ordinal.translate("statsmodels"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code.replace("fit.summary()", ""), scope)
    ours = [*-ordinal.thresholds, *ordinal.params]
    assert np.asarray(scope["fit"].params) == pytest.approx(ours, abs=1e-4)


CODE = {  # fit: program: what its code says
    "wheeze": {"stata": "corr(exchangeable) vce(robust)", "sas": "repeated subject=id / type=exch corrw;", "glimmix": "empirical=classical",
               "spss": "/REPEATED SUBJECT=id SORT=YES CORRTYPE=EXCHANGEABLE", "statsmodels": "cov_struct=sm.cov_struct.Exchangeable()"},
    "wheeze, ar1": {"stata": "xtset id age\n", "sas": "type=ar(1) within=age_class", "spss": "WITHINSUBJECT=age", "geepack": "waves = wave"},
    "wheeze, text": {"stata": "encode child, generate(child_n)\nxtset child_n", "sas": "model wheezes(event='yes')",
                     "statsmodels": '== \'yes\').astype(int)'},
    "pigs, scale": {"stata": "scale(2)", "sas": "modelse", "spss": "COVB=MODEL", "geepack": "vbeta.naiv * 2", "statsmodels": "scale=2"},
    "cattle": {"stata": "family(binomial size)", "sas": "model incidence/size = period", "spss": "GENLIN incidence OF size",
               "geepack": "weights = size"},
    "seizures, rate": {"stata": "exposure(weeks)", "geepack": "offset(log(weeks))", "sas": "offset=offset_of_rows",
                       "statsmodels": 'exposure="weeks"'},
}


@pytest.mark.parametrize("name", CODE)
def test_code(name):
    for program, text in CODE[name].items():
        if (name, program) == ("pigs, scale", "geepack"):
            text = "vbeta.naiv) * 2"
        found = fit(name).translate(program)
        assert found.possible and text in found, (program, found)


def test_what_cannot_be_said():
    wine = mlm.load("wine")
    ordinal = mlm.gee("rating ~ temp", wine, groups="judge", family="ordinal")
    assert "vce(cluster judge)" in ordinal.translate("stata") and not ordinal.translate("stata").possible
    assert "ordLORgee(" in ordinal.translate("r") and "type=ind" in ordinal.translate("sas") and "CUMLOGIT" in ordinal.translate("spss")
    nominal = mlm.gee("rating ~ contact", wine.assign(rating=np.minimum(wine["rating"].astype(int), 3)), groups="judge", family="nominal",
                      corr="independence")
    assert "nomLORgee(" in nominal.translate("geepack") and "proc gee" in nominal.translate("sas")
    assert not nominal.translate("spss").possible and "nominal_gee" in nominal.translate("statsmodels")
    epil = mlm.load("epil")
    counts = mlm.gee("y ~ trt", epil, groups="subject", family="nbinom2", corr="independence")
    assert not counts.translate("geepack").possible and "nbinomial 1.1" in counts.translate("stata")
    given = mlm.gee("y ~ trt", epil, groups="subject", family="poisson", offset=np.ones(len(epil)))
    assert "given as values" in given.translate("r")
    with pytest.raises(ValueError, match="hlm"):
        counts.translate("hlm")
    page = fit("wheeze").elsewhere()
    assert [code.title for code in page.codes] == ["R: geepack", "Stata", "SAS", "SPSS", "Python: statsmodels"]
    assert "537/536" in fit("wheeze").translate("stata").note and page._repr_html_()


@pytest.mark.parametrize("name", [name for name in FITS if name not in ("wheeze, text", "odd names", "pigs, scale", "reaction, gamma")])
@pytest.mark.parametrize("program", ["geepack", "stata"])
def test_there_and_back(name, program):
    call = read(str(fit(name).translate(program)))
    assert call.fitter == "gee" and call.code().startswith("mlm.gee(")
    again = call.fit(table(FITS[name][0]))
    assert again.params.to_numpy() == pytest.approx(fit(name).params.to_numpy(), rel=1e-8)
    assert again.bse.to_numpy() == pytest.approx(fit(name).bse.to_numpy(), rel=1e-8)


def test_code_of_others_is_read():
    assert translate('geeglm(cbind(y, n - y) ~ x + factor(z), id=g, data=d, family=binomial(link="cloglog"), corstr="ar1")', "mlmlib") == (
        'mlm.gee("y ~ x + C(z)", df, groups="g", family="binomial", link="cloglog", corr="ar1", time="wave", trials="n")')
    assert translate("geeglm(y ~ x + offset(log(e)), id = g, family = poisson, data = d)", "mlmlib") == (
        'mlm.gee("y ~ x", df, groups="g", family="poisson", corr="independence", exposure="e")')
    assert translate("xtset g t\nxtgee y x i.z, family(poisson) corr(ar 1)", "mlmlib") == (
        'mlm.gee("y ~ x + z", df, groups="g", family="poisson", corr="ar1", time="t", cov="model", scale=1.0)')
    for code, what in (("geeglm(y ~ x, data = d)", "id ="), ("xtgee y x", "xtset"), ('geeglm(y ~ x, id = g, corstr = "userdefined")', "corstr"),
                       ("xtset g\nxtgee y x, corr(ar 1)", "time"), ("xtset g t\nxtgee y x, corr(stationary 2)", "corr")):
        with pytest.raises(ValueError, match=what):
            read(code)
