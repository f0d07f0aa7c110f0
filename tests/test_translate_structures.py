"""Several grouping factors and structures of the residuals in other programs: what the code says; with R, that it gives our criterion."""

import shutil
import subprocess
import warnings

import pytest

import mlmlib as mlm
from mlmlib.report.translate import TARGETS, elsewhere, read
from structured_models import fits as all_fits
from structured_models import membership, tables


@pytest.fixture(scope="module")
def data():
    return tables()


@pytest.fixture(scope="module")
def fits(data):
    return all_fits(data)


def code(fits, name, to):
    return fits[name][1].translate(to, data=fits[name][0])


@pytest.fixture(scope="module")
def rscript():
    program = shutil.which("Rscript")
    if not program or subprocess.run([program, "-e", "library(lme4); library(nlme)"], capture_output=True).returncode:
        warnings.warn("R with lme4 and nlme is not here: the translations to R are NOT run.", stacklevel=1)
        pytest.skip("R with lme4 and nlme is not here")
    return program


@pytest.mark.slow
def test_r_gives_our_criterion(fits, data, rscript, tmp_path):
    lines = ['suppressPackageStartupMessages({library(lme4); library(nlme)})',
             'tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9))',
             'both <- list(tolerance = 1e-9, msTol = 1e-11, opt = "nlminb", returnObject = TRUE, maxIter = 200, msMaxIter = 500)']
    for name, table in data.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        lines.append(f'{name} <- read.csv("{name}.csv", check.names = FALSE)')
    ours = {}
    for name, (table, fit) in fits.items():
        for target in ("lme4", "nlme"):
            text = fit.translate(target, data=table)
            if not text.possible or target == "lme4" and "gls(" in text:
                continue
            text = text.replace("intervals(fit)", "").replace(f"data = {table}, REML", f"data = {table}, control = tight, REML")
            text = text.replace('method = "', 'control = both, method = "')
            lines.append(f"try(local({{ invisible({{\n{text}\n}}); cat('RESULT|{name}|{target}|', format(as.numeric(logLik(fit)), "
                         f"digits = 15), '\\n', sep = '') }}))")
            ours[name, target] = fit.llf
    (tmp_path / "run.R").write_text("\n".join(lines))
    run = subprocess.run([rscript, "run.R"], cwd=tmp_path, capture_output=True, text=True, timeout=500)
    found = {tuple(line.split("|")[1:3]): float(line.split("|")[3]) for line in run.stdout.splitlines() if line.startswith("RESULT|")}
    assert set(found) == set(ours), run.stderr
    assert {name for name, _ in found} == set(fits)
    for key, value in ours.items():
        assert found[key] == pytest.approx(value, abs=2e-5), key


SAID = {  # model: program: what its code says
    "nested": {"stata": "|| batch: || cask:, reml", "sas": "subject=batch*cask", "spss": "SUBJECT(batch*cask)", "hlm": "\u03b2\u2080\u2080j = "
               "\u03b3\u2080\u2080\u2080 + u\u2080\u2080j", "julia": "(1 | batch & cask)", "nlme": "random = ~ 1 | batch/cask"},
    "three levels": {"hlm": "\u03b2\u2081\u2080j = \u03b3\u2081\u2080\u2080 + \u03b3\u2081\u2080\u2081*(LOWINCj) + u\u2081\u2080j",
                     "stata": "|| childid: year, covariance(unstructured) reml", "statsmodels": "Cannot"},
    "three levels, ML": {"nlme": "list(schoolid = ~ 1,\n                         childid = pdDiag(~ 1 + year))"},
    "crossed": {"stata": "mixed diameter || _all: R.sample || plate:, reml", "hlm": "\u03c0\u2080jk = \u03b8\u2080 + b\u2080\u2080j + c\u2080\u2080k",
                "nlme": "all = pdIdent(~ factor(sample) - 1)", "julia": "(1 | plate) + (1 | sample)"},
    "crossed, slopes": {"stata": "|| _all: R.Days || Subject: Days, covariance(unstructured)", "sas": "subject=Days_class;",
                        "hlm": "Cannot: HCM2"},
    "two terms": {"nlme": "Subject = pdBlocked(list(pdLogChol(~ 1), pdLogChol(~ 0 + Days)))", "stata": "|| Subject: Days, noconstant reml"},
    "ar1": {"nlme": "correlation = corAR1(form = ~ Days | Subject)", "stata": "|| Subject:, noconstant residuals(ar 1, t(Days)) reml",
            "sas": "repeated Days_class / subject=Subject type=ar(1);", "spss": "COVTYPE(AR1)", "julia": "Cannot", "hlm": "Cannot"},
    "ar1 by the half": {"nlme": "sleep$age_step <- round((sleep$age - 0.5) / 2)", "stata": "Cannot: in mixed by()"},
    "car1": {"lme4": "Cannot: lmer takes residuals", "stata": "residuals(exponential, t(week))", "sas": "type=sp(pow)(week)",
             "spss": "COVTYPE(SP_POWER) SPCOORDS(week)", "nlme": "corCAR1(form = ~ week | Subject)"},
    "arma11": {"nlme": "corARMA(form = ~ Days | Subject, p = 1, q = 1)", "sas": "type=arma(1,1)", "stata": "Cannot"},
    "cs": {"nlme": "corCompSymm(form = ~ 1 | Subject)", "stata": "residuals(exchangeable)", "sas": "type=cs"},
    "toeplitz": {"nlme": "corARMA(form = ~ 1 | Subject, p = 3)", "stata": "bysort Subject (row): generate order = _n", "sas": "type=toep;",
                 "spss": "BY Subject /RANK INTO occasion"},
    "un": {"nlme": "weights = varIdent(form = ~ 1 | Days)", "stata": "residuals(unstructured, t(Days))", "sas": "type=un", "spss": "COVTYPE(UN)"},
    "un, equal variances": {"nlme": "corSymm(form = ~ Days_step | Subject)", "stata": "Cannot", "sas": "Cannot", "spss": "Cannot"},
    "by group": {"stata": "residuals(independent, by(half)) reml", "sas": "repeated / group=half;", "spss": "SUBJECT(row_id) COVTYPE(DIAG)"},
    "power": {"nlme": "varPower(form = ~ age)", "sas": "repeated / local=exp(log_age);"},
    "exponential and groups": {"nlme": "varComb(varExp(form = ~ Days), varIdent(form = ~ 1 | half))"},
    "residuals in three levels": {"nlme": "| schoolid/childid)", "stata": "generate year_step = round((year + 2.5) / 1)",
                                  "sas": "subject=schoolid*childid type=ar(1)"},
    "hard names": {"nlme": "names(odd) <- make.names(names(odd))", "lme4": "Cannot"},
}


@pytest.mark.parametrize("name", SAID)
def test_what_the_code_says(fits, name):
    assert set(SAID) == set(fits)
    for to, text in SAID[name].items():
        assert text in code(fits, name, to), (to, code(fits, name, to))


def test_every_program_answers(fits):
    for name, (table, fit) in fits.items():
        for one in elsewhere(fit, data=table).codes:
            assert one and (one.possible or one.startswith("Cannot: ") and len(one) > 40), (name, one.title)


def test_hard_names_are_renamed():
    table = tables()["odd"]
    fit = mlm.lmm("Reaction ~ `day no.` + `half's` + (1 | `the driver`)", table)
    assert "relevel(factor(df$`half's`, ordered = FALSE), ref = \"driver's second\")" in fit.translate("lme4")
    assert "(1 | `the driver`)" in fit.translate("lme4")
    stata = fit.translate("stata")
    assert "mixed Reaction day_no_ i.half_s || the_driver:" in stata and "the driver to the_driver" in stata.note
    assert "half_s(ref='driver''s second')" in fit.translate("sas")
    scope = {"df": table.rename(columns={"the driver": "the_driver", "day no.": "day_no_", "half's": "half_s"})}
    exec(str(fit.translate("statsmodels")), scope)
    assert scope["fit"].llf == pytest.approx(fit.llf, abs=1e-4)


@pytest.mark.parametrize("name", ["nested", "three levels, ML", "crossed"])
def test_statsmodels_gives_our_criterion(fits, data, name):
    table, fit = fits[name]
    scope = {table: data[table]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(str(fit.translate("statsmodels", data=table)), scope)
    assert scope["fit"].llf == pytest.approx(fit.llf, abs=1e-3)


@pytest.mark.parametrize("to", ["lme4", "nlme", "stata"])
def test_there_and_back(fits, data, to):
    """The code read again is the same model: same criterion on the same data."""
    count = 0
    for name, (table, fit) in fits.items():
        text = fit.translate(to, data=table)
        if text.possible and name != "hard names":
            call = read(text)
            again = call.fit(data[table])
            assert again.llf == pytest.approx(fit.llf, abs=2e-5), (name, call.code())
            assert again.n_params == fit.n_params
            count += 1
    assert count >= 10


def test_code_of_others():
    def mine(text):
        return mlm.translate(text, "mlmlib")

    assert mine("mixed y x || school: || class: x, cov(un) reml") == 'mlm.lmm("y ~ x + (1 | school) + (1 + x | school:class)", df)'
    assert mine("mixed y || _all: R.item || person:") == 'mlm.lmm("y ~ 1 + (1 | item) + (1 | person)", df, reml=False)'
    assert mine("mixed y t || id:, nocons res(ar 1, t(t)) reml" .replace("nocons", "noconstant")) == (
        'mlm.gls("y ~ t", df, correlation=mlm.ar1("t", group="id"))')
    assert mine("mixed y t || id: t, residuals(independent, by(sex)) reml") == (
        'mlm.lmm("y ~ t + (1 + t || id)", df, variance=mlm.by_group("sex"))')
    assert mine("lme(y ~ x, d, ~ x | a/b, correlation = corCAR1(form = ~ t | a/b), method = 'ML')") == (
        'mlm.lmm("y ~ x + (x | a) + (x | a:b)", df, reml=False, correlation=mlm.car1("t", group="a:b"))')
    assert mine("lme(y ~ x, data = d, random = list(a = pdDiag(~ x), b = ~ 1))") == 'mlm.lmm("y ~ x + (x || a) + (1 | a:b)", df)'
    assert mine("gls(y ~ x, d, weights = varComb(varIdent(form = ~ 1 | s), varPower(form = ~ x)))") == (
        'mlm.gls("y ~ x", df, variance=[mlm.by_group("s"), mlm.power_of("x")])')
    assert mine("gls(y ~ x, d, correlation = corSymm(form = ~ 1 | id))") == 'mlm.gls("y ~ x", df, correlation=mlm.un(group="id"))'
    for text, why in (("mixed y || id:, residuals(ar 2, t(t))", "not read"), ("gls(y ~ x, d, weights = ~ x)", "weights="),
                      ("gls(y ~ x, d, correlation = corGaus(form = ~ t))", "corGaus"),
                      ("mixed y || id:, residuals(ar 1, t(t) by(s))", "correlation of its own")):
        with pytest.raises(ValueError, match=why):
            mine(text)


def test_formula_alone():
    assert "|| a: || b:" in mlm.translate("y ~ x + (1 | a/b)", "stata")
    text = mlm.translate("y ~ x + (1 | id)", "nlme", correlation=mlm.ar1("t"), variance=mlm.by_group("sex"))
    assert "corAR1(form = ~ t | id)" in text and "varIdent(form = ~ 1 | sex)" in text
    assert mlm.translate("y ~ x", "stata", correlation=mlm.ar1("t", group="id"), reml=False) == (
        "mixed y x || id:, noconstant residuals(ar 1, t(t))")
    assert not mlm.translate("y ~ x", "nlme", correlation=mlm.toeplitz("t", group="id")).possible


def test_membership():
    table = membership()
    fit = mlm.lmm("y ~ x + (1 | mm(s1, s2, weights=(w1, w2)))", table)
    for to in TARGETS:
        text = fit.translate(to)
        assert text.possible == (to == "sas"), to
    assert "effect s1_s2_mm = multimember(s1 s2 / weight=(w1 w2));" in fit.translate("sas")
    assert "stdize" in mlm.lmm("y ~ x + (1 | mm(s1, s2))", table).translate("sas")


def test_weights_are_told(data):
    fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", data["sleep"].assign(w=1.5), weights="w")
    assert "The fit's weights must be added" in fit.translate("lme4").note


def test_rosetta_follows_structures_in_chapters(tmp_path):
    import json

    from mlmlib.report import book, rosetta

    cells = ['import mlmlib as mlm\nteeth = mlm.load("orthodont")\nwho = dict(group="Subject")\nfixed = "distance ~ age * Sex"',
             'tries = {"AR": mlm.gls(fixed, teeth, correlation=mlm.ar1("age", **who)),\n'
             '         "two": mlm.lmm(fixed + " + (1 | Subject)", teeth, variance=[mlm.by_group("Sex"), mlm.exponential_of("age")])}\n'
             'lost = mlm.gls(fixed, teeth, correlation=unknown)',
             'A = mlm.lmm("strength ~ 1 + (1 | batch/cask)", mlm.load("pastes"))']
    notebook = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "(ch14)=\n# Growth\n"},
                          *({"cell_type": "code", "metadata": {}, "source": text} for text in cells)]}
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_toc.yml").write_text("- file: chapters/14_x\n")
    (tmp_path / "chapters" / "14_x.ipynb").write_text(json.dumps(notebook))
    uses = book.models(tmp_path)
    assert [(u.call, dict(u.options)) for u in uses] == [
        ("gls", {"correlation": mlm.ar1("age", group="Subject")}),
        ("lmm", {"variance": (mlm.by_group("Sex"), mlm.exponential_of("age"))}), ("lmm", {})]
    assert [e.kind for e in rosetta.entries(tmp_path)] == ["several", "residuals", "residuals"]
    page = rosetta.models(tmp_path)
    assert 'fit = mlm.gls("distance ~ age * Sex", df, correlation=mlm.ar1("age", group="Subject"))' in page
    assert "### `distance ~ age * Sex`, REML, AR(1) in age within Subject" in page and "corAR1" in page
    assert "variance=[mlm.by_group(\"Sex\"), mlm.exponential_of(\"age\")]" in page and "r_{0ij}" in page
