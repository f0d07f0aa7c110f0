"""Panel and robust fits in other programs: what the code says, and that R and Python say our numbers to it."""

import json
import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest

import mlmlib as mlm
from panel_models import INV, NAMES, PANELS, STORE, ask, fit, ours, rows, run_r, same, table

SAID = json.loads(STORE.read_text(encoding="utf-8"))
REML = {("lme4", kind) for kind in ("random", "mundlak", "hybrid")}
PAIRS = [(name, to) for name, own in SAID.items() for to in own]


@pytest.mark.parametrize("name, to", PAIRS)
def test_others_say_the_same(name, to):
    """Estimates and standard errors; those of lme4, and of linearmodels with groups of unequal size, have other variances."""
    said, own = SAID[name][to], ours(name)
    assert said["code"] == str(ask(name, to)), "the translation has changed; run tests/panel_models.py"
    numbers = said["numbers"]
    kind = PANELS[name][2]["effects"] if name in PANELS else ""
    near = (to, kind) in REML or to == "linearmodels" and name in ("males, random", "males, mundlak", "males, hybrid", "mundlak, CR1S")
    b, se = (5e-3, 2e-2) if near else (1e-9, 1e-6)
    for key, (estimate, error) in own.items():
        assert numbers[key][0] == pytest.approx(estimate, rel=b, abs=1e-12), key
        assert numbers[key][1] == pytest.approx(error, rel=se), key


def test_most_were_asked():
    assert len(PAIRS) > 55
    assert {to for _, to in PAIRS} == {"plm", "lme4", "clubsandwich", "sandwich", "linearmodels"}
    missing = {(name, to) for name in NAMES for to in ("plm", "clubsandwich") if ask(name, to) is not None} - set(PAIRS)
    assert missing == {("males, mundlak", "plm"), ("males, hybrid", "plm"), ("mundlak, CR1S", "clubsandwich")}  # plm: singular


@pytest.mark.slow
def test_r_says_it_again():
    rscript = shutil.which("Rscript")
    need = "library(plm); library(clubSandwich); library(sandwich); library(lmtest); library(lme4)"
    if not rscript or subprocess.run([rscript, "-e", need], capture_output=True).returncode:
        pytest.skip("R with plm, clubSandwich, sandwich, lmtest and lme4 is not here")
    again = run_r(rscript)
    for name, own in SAID.items():
        for to, said in own.items():
            if to != "linearmodels":
                for key, numbers in said["numbers"].items():
                    assert again[name][to]["numbers"][key] == pytest.approx(numbers, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if fit(name).translate("statsmodels").possible])
def test_the_code_of_statsmodels_runs(name):
    code, own = fit(name).translate("statsmodels"), ours(name)
    space = {"df": table(rows(name)).copy()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(re.sub(r"^fit\.summary\(\)$", "", code, flags=re.M), space)
    found = space["fit"]
    numbers = {same(re.sub(r"(?:C\((\w+)[^)]*\)+|(\w+))\[T\.", lambda m: f"{m[1] or m[2]}[T.", key)): key for key in found.params.index}
    near = fit(name).effects in ("random", "mundlak", "hybrid") if name in PANELS else False
    for key, (estimate, error) in own.items():
        assert found.params[numbers[key]] == pytest.approx(estimate, rel=5e-3 if near else 1e-6, abs=1e-9), key
        assert found.bse[numbers[key]] == pytest.approx(error, rel=3e-2 if near else 1e-6), key


def test_r_without_the_package_is_text():
    assert "feols(inv ~ value + capital | firm + year, data = df, vcov = \"iid\")" in fit("grunfeld, two-way").translate("fixest")
    assert "feols(inv ~ value + capital | firm, data" in fit("grunfeld, within").translate("feols")
    assert not fit("grunfeld, random").translate("fixest").possible


CODE = {  # fit: program: what its code says
    "grunfeld, pooled": {"stata": "regress inv value capital", "sas": "/ pooled;", "glm": "Cannot: PROC GLM"},
    "grunfeld, within": {"stata": "xtset firm year\nxtreg inv value capital, fe", "sas": "id firm year;\n  model inv = value capital / fixone;",
                         "glm": "absorb firm;\n  model inv = value capital / solution;", "spss": "MIXED inv BY firm WITH value capital"},
    "grunfeld, two-way": {"stata": "xtset firm\nxtreg inv value capital i.year, fe", "sas": "fixtwo", "glm": "class year;",
                          "spss": "BY firm year"},
    "grunfeld, first-difference": {"stata": "regress D.(inv value capital), noconstant", "sas": "fdone", "lme4": "Cannot",
                                   "spss": "IF (firm = LAG(firm)) d_value = value - LAG(value)."},
    "grunfeld, between": {"stata": "xtreg inv value capital, be", "sas": "btwng", "spss": "AGGREGATE /OUTFILE=* /BREAK=firm"},
    "grunfeld, random": {"stata": ", re sa", "sas": "ranone", "spss": "/RANDOM = INTERCEPT | SUBJECT(firm)", "lme4": "(1 | firm)"},
    "grunfeld, mundlak": {"stata": "egen value_between = mean(value), by(firm)", "sas": "mean(value) as value_between",
                          "spss": "/value_between = MEAN(value)", "plm": "df$value_between <- with(df, ave(value, firm))"},
    "males, hybrid": {"stata": "generate union_yes_within = union_yes - union_yes_between", "sas": 'union_yes = (union = "yes");',
                      "spss": "COMPUTE exper_within = exper - exper_between."},
    "males, hausman-taylor": {"plm": "pht(", "sas": "instruments correlated=(union_yes school)", "spss": "Cannot", "linearmodels": "Cannot",
                              "stata": "Cannot: after effects='hausman-taylor' Stata takes no categories"},
    "grunfeld, no time": {"sas": "if first.firm then row = 0;", "linearmodels": 'groupby("firm").cumcount()'},
    "math, CR2": {"stata": "vce(hc2 schid, dfadjust)", "sas": "empirical=root", "spss": "Cannot", "sandwich": "Cannot"},
    "math, CR1S": {"stata": ", vce(cluster schid)", "sas": "proc surveyreg data=df;\n  cluster schid;", "sandwich": 'type = "HC1", cadjust = TRUE'},
    "math, CR0": {"spss": "GENLIN math WITH homework schtype_Public homework_schtype_Public", "sas": "empirical=classical", "stata": "Cannot"},
    "math, CR3": {"sandwich": 'type = "HC3", cadjust = TRUE', "sas": "empirical=firores"},
    "women, CR1": {"stata": "vce(cluster district)"},
    "women, CR0": {"sas": "random _residual_ / subject=district;", "spss": "COVB=ROBUST"},
    "mixed, CR2": {"stata": "Cannot", "sas": "EMPIRICAL"},
    "firms and years": {"r": "cluster = ~ firm + year", "stata": "Cannot"},
    "within, CR0": {"sas": "fixone hccme=0 cluster", "sandwich": "vcovHC(fit, method = \"arellano\", type = \"HC0\")"},
    "within, CR1S": {"stata": "fe vce(cluster nr)", "linearmodels": 'cov_type="clustered"', "statsmodels": "linearmodels has them"},
    "within, CR2": {"stata": "fe vce(hc2 firm, dfadjust)"},
    "mundlak, CR1S": {"stata": "Cannot: Stata has vce(cluster) after this model"},
}


@pytest.mark.parametrize("name, to", [(name, to) for name, own in CODE.items() for to in own])
def test_what_the_code_says(name, to):
    code = fit(name).translate(to)
    assert CODE[name][to] in code
    assert code.possible != code.startswith("Cannot") and code.title and code.language


def test_what_is_not_known_is_refused():
    one = fit("grunfeld, within")
    for ask_for in (one, mlm.robust(one)):
        with pytest.raises(ValueError, match="translated to"):
            ask_for.translate("hlm")
    with pytest.raises(ValueError, match="Satterthwaite"):
        one.translate("plm", ddf="satterthwaite")


def test_names_that_a_program_cannot_read():
    hard = mlm.load("grunfeld").rename(columns={"value": "the value"})
    one = mlm.panel("inv ~ `the value` + capital", hard, groups="firm", effects="within")
    assert "`the value`" in one.translate("plm") and "rename the column" in one.translate("sas")
    text = hard.assign(firm="f" + hard["firm"].astype(str))
    assert "is text" in mlm.panel("inv ~ capital", text, groups="firm").translate("stata")
    weighted = mlm.panel(INV, mlm.load("grunfeld"), groups="firm", effects="within", weights=np.arange(1.0, 201.0))
    assert "weights must be added" in weighted.translate("plm").note and "weights" in weighted.translate("stata")


def test_elsewhere_has_those_that_can():
    titles = [code.title for code in mlm.elsewhere(fit("grunfeld, within")).codes]
    assert titles[0] == "R: plm" and "SAS: PROC GLM" in titles and "Python: linearmodels" in titles
    assert [code.title for code in mlm.elsewhere(fit("grunfeld, random"), ["plm", "fixest"]).codes] == ["R: plm", "R: fixest"]
    assert "mlm-tabs" in fit("math, CR2").elsewhere()._repr_html_()
    assert {code.title for code in fit("math, CR1S").elsewhere().codes} >= {"R: clubSandwich", "R: sandwich", "Stata", "SAS", "Python: statsmodels"}


def test_the_second_rosetta_page():
    """Every estimator, robust covariances and marginal models stand there, each in several programs."""
    from bookext.made import LINE, make
    from mlmlib.report import rosetta_other
    from toc import ROOT
    text = make((ROOT / "backmatter" / "rosetta_other.md").read_text(encoding="utf-8"), ROOT)
    assert not LINE.search(text) and "Cannot" not in text and len(text) < 400_000
    assert {settings[2]["effects"] for settings in PANELS.values()} == set(rosetta_other.PANELS)
    assert text.count("\n### ") == text.count("<fieldset") == len(rosetta_other.PANELS) + len(rosetta_other.ROBUST) + len(rosetta_other.MARGINAL)
    for piece in ("plm(", "feols(", "xtreg", "proc panel", "PanelOLS", "vcovCR", "vcovCL", "surveyreg", "geeglm", "xtgee", "becomes"):
        assert piece in re.sub(r"<[^>]*>", "", text), piece
