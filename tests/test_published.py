"""Reference cells: what a fit prints is what the published document's values print, for every model of the book."""

import json
from pathlib import Path

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib import published
from mlmlib.published import as_lme4, as_stata, cells, digits, glmm_sources
from mlmlib.published.__main__ import main
from mlmlib.published.sources import fit

VALUES = Path(__file__).parent / "reference"
GROUPED, FACTORIAL = "(1 | schid)", "math ~ schtype * homework"
# model: formula, what to show, digits, fewer -- the words that the chapters' cells use
STATA = {
    "ols-schtype": ("math ~ schtype", (), 7, None),
    "ml-schtype": ("math ~ schtype", ("z",), 7, None),
    "ml-schtype-homework": ("math ~ schtype + homework", (), 7, None),
    "ml-factorial": (FACTORIAL, (), 7, {"var_ci95 residual": 4}),
    "null": (f"math ~ 1 + {GROUPED}", ("icc",), 7, None),
    "homework": (f"math ~ homework + {GROUPED}", ("icc",), 7, None),
    "homework-schtype": (f"math ~ homework + schtype + {GROUPED}", ("icc",), 5, None),
    "random-intercept": (f"{FACTORIAL} + {GROUPED}", ("groups", "p"), 5, {"ci95 Public": 3}),
    "random-slope-independent": (
        f"{FACTORIAL} + (1 + homework || schid)",
        (),
        5,
        {"ci95 Public": 3, "var _cons": 4, "var_ci95 homework": 3},
    ),
    "random-slope-unstructured": (f"{FACTORIAL} + (1 + homework | schid)", ("z", "sd"), 5, {"var_ci95 homework": 3}),
    "disaggregated": (f"math ~ HWb + HWw + {GROUPED}", (), 5, None),
}
LME4 = {
    "random-coefficient": ("mathach ~ cses + (cses | school)", "model", None, {"sd": 3}),
    "random-coefficient-minority": (
        "mathach ~ cses + minority + (cses + minority | school)",
        "optimum",
        "criterion coef se var corr",
        None,
    ),
    "intercepts-and-slopes-as-outcomes": (
        "mathach ~ cses * mean_ses + cses * sector + (cses | school)",
        "model",
        None,
        {"residuals": 3, "var": 2, "sd": 3, "coef": 3, "t": 2},
    ),
}


@pytest.fixture(scope="module")
def math():
    data = mlm.load("math")
    data["HWb"] = data.groupby("schid")["homework"].transform("mean")
    data["HWw"] = data["homework"] - data["HWb"]
    return data


@pytest.mark.parametrize("model", STATA)
def test_stata_layout_prints_the_published_numbers(model, math, capsys):
    formula, show, count, fewer = STATA[model]
    fit = (
        mlm.lmm(formula, math, reml=False)
        if "|" in formula
        else mlm.ols(formula, math, method="ols" if model.startswith("ols") else "ml")
    )
    published.stata(fit, *show, digits=count, fewer=fewer)
    meta = {"source": "stata_math", "model": model, "show": ["model", *show], "digits": count, "fewer": fewer}
    assert capsys.readouterr().out == cells.expected(meta, VALUES)


@pytest.mark.parametrize("model", LME4)
def test_lme4_layout_prints_the_published_numbers(model, capsys):
    formula, show, only, fewer = LME4[model]
    published.lme4(mlm.lmm(formula, mlm.load("hsb")), only, fewer=fewer)
    meta = {"source": "lme4_hsb", "model": model, "show": [show], "fewer": fewer}
    assert capsys.readouterr().out == cells.expected(meta, VALUES)


@pytest.mark.parametrize("model", ["egsingle_3lev_rs_ml", "penicillin_reml", "scotssec_cc_reml", "sleepstudy_corr_ml"])
def test_layout_of_r_prints_the_numbers_of_r(model, capsys):
    published.r(fit(model), 6)
    assert capsys.readouterr().out == cells.expected({"source": "r", "model": model, "digits": 6}, VALUES)


@pytest.mark.parametrize("model", [
    "glmm_cbpp_laplace", "glmm_cbpp_agq25", "tmb_contraception", "glmm_contraception_agq7", "glmm_verbagg_laplace",
    "glmm_ohio_agq50", "glmm_epil_poisson_offset_laplace", "tmb_epil_nbinom2", "tmb_sleep_gamma_rs", "exactml_cbpp",
    "exactml_contraception_probit", "clm_wine_logit", "clmm_wine_logit_agq10", "clmm_wine_probit_laplace"])
def test_layout_of_r_prints_generalized_models(model, capsys):
    published.r(glmm_sources.glmm(model))
    assert capsys.readouterr().out == cells.expected({"source": "r", "model": model}, VALUES)


def test_layout_of_r_prints_ordered_categories_where_clmm_has_few_digits(capsys):
    published.r(glmm_sources.glmm("clmm_wine_logit_laplace"), 3)  # its standard errors by Laplace are good to three
    meta = {"source": "r", "model": "clmm_wine_logit_laplace", "digits": 3}
    assert capsys.readouterr().out == cells.expected(meta, VALUES)


def test_layout_of_r_prints_zero_parts_slopes_and_dispersion(capsys):
    published.r(mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="zinb2"))
    assert capsys.readouterr().out == cells.expected({"source": "r", "model": "tmbR_epil_zinb2"}, VALUES)
    formula = "use ~ age + I(age ** 2) + urban + livch + (urban | district)"
    published.r(mlm.glmm(formula, mlm.load("contraception")))
    text = capsys.readouterr().out
    assert text == cells.expected({"source": "r", "model": "tmbR_contraception_slope"}, VALUES)
    assert "deviance: 2360.6103" in text and "district: cov (Intercept), urbanY" in text


@pytest.mark.parametrize("case", ["grunfeld", "imm"])
@pytest.mark.parametrize("effects", ["between", "random", "within"])
def test_layout_of_r_prints_panel_regressions_of_plm(case, effects, capsys):
    formula, name, groups = {"grunfeld": ("inv ~ value + capital", "grunfeld", "firm"),
                             "imm": ("math ~ homework", "math", "schid")}[case]
    published.r(mlm.panel(formula, mlm.load(name), groups=groups, effects=effects), 7)
    text = capsys.readouterr().out
    assert text == cells.expected({"source": "r", "model": f"plm_{case}_{effects}", "digits": 7}, VALUES)
    assert "deviance" not in text and ("variance between groups" in text) == (effects == "random")


@pytest.mark.parametrize("corr", ["independence", "exchangeable", "ar1"])
def test_layout_of_r_prints_marginal_models_of_geepack(corr, capsys):
    fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial", corr=corr, time="age")
    published.r(fit, 6)
    text = capsys.readouterr().out
    assert text == cells.expected({"source": "r", "model": f"gee_ohio_{corr}", "digits": 6}, VALUES)
    assert "scale" in text and ("correlation" in text) == (corr != "independence")


def test_layout_of_r_prints_robust_covariances_of_clubsandwich(math, capsys):
    published.r(mlm.robust(mlm.ols("math ~ homework", math), groups="schid"), 6)
    text = capsys.readouterr().out
    assert text == cells.expected({"source": "r", "model": "crse_lm_imm_hw", "digits": 6}, VALUES)
    assert "df of homework" in text
    published.r(mlm.robust(mlm.lmm("mathach ~ cses + (cses | school)", mlm.load("hsb")), groups="school"), 5)
    assert capsys.readouterr().out == cells.expected({"source": "r", "model": "crse_lmer_hsb_rc", "digits": 5}, VALUES)


def test_layout_of_r_takes_residual_structures_and_other_names(capsys):
    rows = mlm.load("ovary")
    turn = 2 * np.pi * rows["Time"]
    rows = rows.assign(sine=np.sin(turn), cosine=np.cos(turn))
    memory = mlm.lmm("follicles ~ sine + cosine + (1 | Mare)", rows, correlation=mlm.ar1(group="Mare"))
    published.r(memory, names={"sine": "sin(2 * pi * Time)", "cosine": "cos(2 * pi * Time)"})
    known = cells.expected({"source": "r", "model": "nlme_lme_ovary_ri_ar1_reml"}, VALUES)
    assert capsys.readouterr().out == known and "0.60744" in known


def test_the_published_false_optimum_is_found_again(capsys):
    fit = mlm.lmm(LME4["random-coefficient-minority"][0], mlm.load("hsb"))
    trap = published.on_boundary(fit, "cses")
    assert trap.is_singular and trap.criterion - fit.criterion > 8 and "Held on the boundary" in trap.messages[0]
    fewer = {"residuals": 3, "var": 2, "se": 2}
    published.lme4(trap, "criterion residuals var corr coef se t", fewer=fewer)
    meta = {"source": "lme4_hsb", "model": "random-coefficient-minority", "show": ["model"], "fewer": fewer}
    assert capsys.readouterr().out == cells.expected(meta, VALUES)


def test_margins_and_data(math, capsys):
    fit = mlm.ols(FACTORIAL, math, method="ml")
    published.stata_margins(fit.margins("schtype", at={"homework": [1, 2, 3, 4, 5]}))
    assert capsys.readouterr().out == cells.expected(
        {"source": "stata_math", "model": "ml-factorial", "show": ["margins"]}, VALUES
    )
    published.stata_data(math)
    assert capsys.readouterr().out == cells.expected({"source": "stata_math", "model": "data"}, VALUES)


@pytest.mark.parametrize(("model", "full"), [("lrt-minority", "cses + minority + (1 | school)"), ("lrt-random-slope", "cses + (cses | school)")])
def test_comparisons_print_the_published_numbers(model, full, capsys):
    pair = [mlm.lmm(f"mathach ~ {right}", mlm.load("hsb")) for right in ("cses + (1 | school)", full)]
    boot = mlm.compare(*pair, method="bootstrap", n=1000, seed=1) if model == "lrt-minority" else None
    published.lme4_anova(mlm.compare(*pair), boot)
    assert capsys.readouterr().out == cells.expected({"source": "lme4_hsb", "model": model}, VALUES)


def test_bootstrap_intervals_within_their_error(capsys):
    """Ends as published where ours are near; a bootstrap of other data has ends of its own printed."""
    meta = {"source": "lme4_hsb", "model": "random-coefficient", "show": ["bootstrap"]}
    fit = mlm.lmm(LME4["random-coefficient"][0], mlm.load("hsb"))
    published.lme4_bootstrap(fit.bootstrap(n=1000, seed=1))
    assert capsys.readouterr().out == cells.expected(meta, VALUES)
    published.lme4_bootstrap(fit.refit(2 * mlm.load("hsb")["mathach"]).bootstrap(n=200, seed=1))
    assert "13.1124875" not in capsys.readouterr().out


def test_every_published_parameter_is_in_some_cell():
    known = {e["id"] for e in cells.source(str(VALUES), "stata_math")["model"]}
    assert known == set(STATA)
    assert {e["id"] for e in cells.source(str(VALUES), "lme4_hsb")["model"]} == set(LME4)


def test_digits():
    assert digits.general(-0.8245421) == "-.8245421" and digits.general(56.4901) == "56.4901"
    assert digits.general(7.0) == "7" and digits.general(-10.239128) == "-10.23913"
    assert digits.significant(9.99996, 5) == "10.000" and digits.significant("16.30338", 5) == "16.303"
    assert digits.significant(0.0640335, 4) == ".06403" and digits.fixed("46714.234", 1) == "46714.2"
    assert digits.r_format([8.681, 0.694, 36.7]) == ["8.681", "0.694", "36.700"]
    assert digits.r_format([2.94638, 0.83306, 6.05806]) == ["2.9464", "0.8331", "6.0581"]
    assert as_lme4.abbreviate("(Intercept)") == "(Intr)" and as_lme4.abbreviate("cses:mean_ses") == "css:m_"
    assert as_stata.term("schtype[T.Public]:homework") == "Public:homework"


def _notebook(tmp_path, meta):
    cell = {
        "cell_type": "code",
        "id": "a",
        "source": ["mlm.published.stata(fit)"],
        "outputs": [],
        "execution_count": None,
        "metadata": {"tags": ["reference"], "reference": meta},
    }
    path = tmp_path / "chapter.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_script_writes_stored_outputs_and_notices_changes(tmp_path, capsys):
    path = _notebook(tmp_path, {"source": "stata_math", "model": "ols-schtype"})
    arguments = [str(path), "--values", str(VALUES)]
    assert main(["check", *arguments]) == 1
    assert main(["write", *arguments]) == 0 and main(["check", *arguments]) == 0
    cell = json.loads(path.read_text())["cells"][0]
    assert "-7.805556" in cells.stored(cell) and cell["metadata"]["tags"] == ["reference", "nbval-check-output"]
    path.write_text(path.read_text().replace("-7.805556", "-7.805557"))
    assert main(["check", *arguments]) == 1
    assert "ols-schtype" in capsys.readouterr().out


def test_unknown_model_is_named(tmp_path):
    with pytest.raises(KeyError, match="no model 'nulll'"):
        cells.expected({"source": "stata_math", "model": "nulll"}, VALUES)


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb")), ids=lambda p: p.stem)
def test_stored_outputs_are_what_the_script_writes(path):
    assert cells.write(path, VALUES, check=True) == []


def test_cells_take_one_of_several_models_of_a_file(capsys):
    """``growth_wages`` lists the models of Singer & Willett, table 5.4."""
    rows = mlm.load("wages").assign(hgc9=lambda d: d["hgc"] - 9)
    published.r(mlm.lmm("lnw ~ exper * (hgc9 + black) + (1 + exper | id)", rows, reml=False))
    known = cells.expected({"source": "r", "model": "growth_wages:5.4B"}, VALUES)
    assert capsys.readouterr().out == known and "4873.7514" in known
