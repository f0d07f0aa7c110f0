"""What is said of marginal models: equations, prose, tables."""

import re

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm

OHIO, DIETOX, WINE, EPIL, CBPP = (mlm.load(name) for name in ("ohio", "dietox", "wine", "epil", "cbpp"))
SCHOOLS = pd.DataFrame({"school": np.repeat(np.arange(12), 12), "room": np.repeat(np.arange(36), 4)})
_rng = np.random.default_rng(1)
SCHOOLS["x"] = _rng.normal(size=144)
SCHOOLS["y"] = _rng.normal(size=144) + np.repeat(_rng.normal(size=12), 12) + np.repeat(_rng.normal(size=36), 4)

FITS = {
    "binary": lambda: mlm.gee("resp ~ age * smoke", OHIO, groups="id", family="binomial"),
    "probit": lambda: mlm.gee("resp ~ age", OHIO, groups="id", family="binomial", link="probit", corr="independence"),
    "unstructured": lambda: mlm.gee("resp ~ age", OHIO, groups="id", family="binomial", corr="unstructured", time="age"),
    "ar1": lambda: mlm.gee("Weight ~ Time + Cu", DIETOX, groups="Pig", time="Time", corr="ar1", cov="mancl-derouen"),
    "counts": lambda: mlm.gee("y ~ lbase * trt + lage", EPIL, groups="subject", family="poisson", cov="model"),
    "nbinom": lambda: mlm.gee("y ~ lbase", EPIL, groups="subject", family="nbinom2", cov="kauermann-carroll"),
    "trials": lambda: mlm.gee("incidence ~ period", CBPP, groups="herd", family="binomial", trials="size"),
    "ordinal": lambda: mlm.gee("rating ~ temp + contact", WINE, groups="judge", family="ordinal"),
    "nominal": lambda: mlm.gee("rating ~ contact", WINE.assign(rating=np.minimum(WINE["rating"].astype(int), 3)), groups="judge",
                               family="nominal", corr="independence"),
    "nested": lambda: mlm.gee("y ~ x", SCHOOLS, groups="school/room", corr="nested"),
    "weights": lambda: mlm.gee("y ~ x", SCHOOLS.assign(w=1.0 + SCHOOLS["room"] % 2), groups="school", weights="w"),
    "exposure": lambda: mlm.gee("y ~ trt", EPIL.assign(t=2.0), groups="subject", family="poisson", exposure="t"),
    "alone": lambda: mlm.gee("y ~ 1", SCHOOLS, groups="school"),
}
_made = {}


def fit(name):
    if name not in _made:
        _made[name] = FITS[name]()
    return _made[name]


@pytest.mark.parametrize("name", FITS)
def test_everything_is_said_of_every_fit(name):
    one = fit(name)
    for estimates in (False, True):
        found = one.equations(estimates=estimates)
        assert found.latex.count("{") == found.latex.count("}") and "None" not in str(found) and "nan" not in str(found)
    for told in (one.explain(), one.report(), one.explain(level=0.9), one.report(level=0.9)):
        text = str(told)
        assert "None" not in re.sub("None: the estimating|None\\.", "", text) and "nan" not in text.split()
        assert told.markdown and told._repr_html_()
        shown = set(told.numbers["shown"])
        for _, paragraphs in told.sections:
            for number in re.findall(r"(?<![\w.,^])\d[\d,]*\.\d+", " ".join(paragraphs)):
                assert number.rstrip(",") in shown or any(number in one for one in shown), number
    table = mlm.table(one)
    assert table._repr_html_() and table.to_latex() and "GEE" in str(table)


def test_equations():
    assert str(fit("binary").equations(estimates=True)).splitlines()[2] == (
        "  logit(π_ij) = -1.900 - 0.1412 age_ij + 0.314 smoke_j + 0.0708 age_ij smoke_j")
    text = str(fit("unstructured").equations())
    assert "R_j = [1, α_12, α_13, α_14; α_12, 1, α_23, α_24;" in text
    text = str(fit("ar1").equations())
    assert "Corr(Weight_ij, Weight_i'j) = α^|t_ij - t_i'j|" in text and "[1, α, α^2, α^3, ...;" in text and "Var(Weight_ij) = φ\n" in text
    assert "0.936^2" not in str(fit("ar1").equations()) and "^2" in str(fit("ar1").equations(estimates=True))
    assert "E(incidence_ij/size_ij) = π_ij" in str(fit("trials").equations()) and "/ size_ij" in str(fit("trials").equations())
    text = str(fit("nested").equations())
    assert "Corr(y_ijk, y_i'jk) = α_1   (the same room)" in text and "Corr(y_ijk, y_i'j'k) = α_0   (another room, the same school)" in text
    assert "OR(rating_ij > c, rating_i'j > d) = ψ" in str(fit("ordinal").equations())
    assert "logit(P(rating_ij <= c)) = α_c - η_ij" in str(fit("ordinal").equations())
    assert "log(P(rating_ij = 2) / P(rating_ij = 1)) =" in str(fit("nominal").equations())
    assert "Var(y_ij) = φ / w_ij" in str(fit("weights").equations())
    assert "log(μ_ij) = log(t_ij) + β_0" in str(fit("exposure").equations())
    assert "(μ_ij + μ_ij^2/2." in str(fit("nbinom").equations())
    with pytest.raises(ValueError, match="one equation"):
        fit("binary").equations(form="levels")


def test_every_coefficient_is_a_difference_between_means_of_the_population():
    told = dict(fit("binary").explain().sections)
    age, smoke = told["Mean"][1:3]
    assert "in the population, the odds of resp = 1 are 0.87 times as high" in age and "marginal odds ratio 0.87" in age
    assert "children with smoke = 1 as for those with smoke = 0" in smoke and "do not tell the direction" in smoke
    assert "correlate by 0.35" in told["Working correlation"][0]
    assert told["Standard errors"][0].startswith("Robust (sandwich): how much the 537 children differ")
    assert any("Within a child odds ratios lie farther" in text for text in told["What the model does not know"])
    assert "6.73 kg higher" in dict(fit("ar1").explain().sections)["Mean"][1]
    assert "Bias-reduced" in dict(fit("ar1").explain().sections)["Standard errors"][0]
    assert "they hold only where" in dict(fit("counts").explain().sections)["Standard errors"][0]
    assert "marginal rate ratio" in str(fit("counts").explain())
    assert "odds of a higher bitterness" in str(fit("ordinal").explain()) and "One odds ratio of 2.39" in str(fit("ordinal").explain())
    assert "odds of 2 in place of 1" in str(fit("nominal").explain()) or "odds of 2" in str(fit("nominal").explain())
    assert "Within a" not in str(fit("counts").explain())
    labeled = str(fit("binary").explain(labels={"row": "visit", "id": "child", "smoke": "smoking"}))
    assert "2,148 visits" in labeled
    with pytest.raises(ValueError, match="ddf"):
        fit("binary").explain(ddf="satterthwaite")


def test_reports_name_equations_correlation_and_errors():
    text = fit("binary").report().text
    assert "marginal logistic regression" in text and "(Liang & Zeger, 1986) with an exchangeable working correlation" in text
    assert "OR = 0.87, 95% CI [0.77, 0.973]" in text and "The estimated working correlation was .35." in text and "QIC was 1,830.4" in text
    assert "Mancl & DeRouen, 2001" in fit("ar1").report().text and any("Mancl" in work for work in fit("ar1").report().references)
    assert "99 in 842 trials" in fit("trials").report().text and "15 groups (herd)" in str(fit("trials").report())
    assert any("Heagerty" in work for work in fit("ordinal").report().references)


def test_tables_say_what_is_marginal_and_what_conditional():
    glmm = mlm.glmm("resp ~ age * smoke + (1 | id)", OHIO, method="agq", nodes=9)
    table = mlm.table(mlm.glmm("resp ~ age * smoke", OHIO), fit("binary"), glmm, names=["GLM", "GEE", "GLMM"])
    notes = " ".join(table.notes)
    assert "Coefficients of GEE are marginal" in notes and "those of GLMM are conditional" in notes and "farther from zero" in notes
    frame = table.frame
    assert frame.loc[("Fitted as", "Method"), "GEE"] == "GEE, exchangeable" and frame.loc[("Working correlation", "same id"), "GEE"] == "0.35"
    assert frame.loc[("Model", "QIC"), "GEE"] == "1,830.4" and frame.loc[("Model", "AIC†"), "GEE"] == ""
    ratios = mlm.table(fit("binary"), exponentiate=True).numbers.set_index("key")["estimate"]
    assert ratios["smoke"] == pytest.approx(float(np.exp(fit("binary").params["smoke"])))
    linear = mlm.table(mlm.ols("Weight ~ Time", DIETOX), mlm.lmm("Weight ~ Time + (1 | Pig)", DIETOX),
                       mlm.gee("Weight ~ Time", DIETOX, groups="Pig"))
    assert "both are the same quantities" in " ".join(linear.notes) and "Marginal and linear" in linear.caption
    counts = mlm.table(fit("counts"), mlm.glmm("y ~ lbase * trt + lage + (1 | subject)", EPIL, family="poisson"))
    assert "but for the intercept" in " ".join(counts.notes)
    assert mlm.table(fit("ordinal")).frame.loc[("Thresholds", "1|2")].iloc[0].startswith("-1.37")
