"""Marginal models with unusual options in other programs: what the code says by their manuals, what is said beside it, what cannot be."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm

FITS = {  # name: table, formula, options
    "nested": ("ohio", "resp ~ age", {"groups": "clinic/id", "family": "binomial", "corr": "nested"}),
    "weights": ("epil", "y ~ trt", {"groups": "subject", "family": "poisson", "weights": "wt", "corr": "independence"}),
    "sqrt": ("epil", "y ~ trt", {"groups": "subject", "family": "poisson", "link": "sqrt"}),
    "loglog": ("ohio", "resp ~ age", {"groups": "id", "family": "binomial", "link": "loglog"}),
    "inverse-gaussian": ("epil", "I(y + 1) ~ trt", {"groups": "subject", "family": "inverse-gaussian"}),
    "mancl-derouen": ("ohio", "resp ~ age", {"groups": "id", "family": "binomial", "cov": "mancl-derouen"}),
    "kauermann-carroll": ("ohio", "resp ~ age", {"groups": "id", "family": "binomial", "cov": "kauermann-carroll", "corr": "ar1", "time": "age"}),
    "model": ("ohio", "resp ~ age", {"groups": "id", "family": "binomial", "cov": "model"}),
    "sixty": ("epil", "y ~ trt", {"groups": "subject", "family": "binomial", "trials": 120}),
    "statsmodels": ("ohio", "resp ~ age", {"groups": "id", "family": "binomial", "moments": "statsmodels"}),
    "half": ("epil", "y ~ trt", {"groups": "subject", "family": "poisson", "corr": "ar1", "time": "half"}),
    "offset": ("epil", "y ~ trt + offset(log(base + 1))", {"groups": "subject", "family": "poisson"}),
    "nbinom2": ("epil", "y ~ trt", {"groups": "subject", "family": "nbinom2"}),
    "ordinal": ("wine", "rating ~ temp * number", {"groups": "judge", "family": "ordinal"}),
    "ordinal, offset": ("wine", "rating ~ temp", {"groups": "judge", "family": "ordinal", "offset": "o", "corr": "independence"}),
    "probit": ("wine", "rating ~ temp", {"groups": "judge", "family": "ordinal", "link": "probit", "corr": "independence"}),
    "cauchit": ("wine", "rating ~ temp", {"groups": "judge", "family": "ordinal", "link": "cauchit", "corr": "independence"}),
    "unsorted": ("wine", "words ~ temp", {"groups": "judge", "family": "ordinal", "corr": "independence"}),
}


@cache
def table(name):
    rows = mlm.load(name)
    if name == "ohio":
        return rows.assign(clinic=rows["id"] // 20)
    if name == "epil":
        return rows.assign(wt=rows["subject"] % 3 + 1.0, half=rows["period"] * 1.5)
    words = rows["rating"].astype(int).map({1: "low", 2: "low", 3: "mid", 4: "high", 5: "high"})
    return rows.assign(o=0.1, number=np.arange(len(rows)) % 5.0, words=pd.Categorical(words, ["low", "mid", "high"], ordered=True))


@cache
def fit(name):
    rows, formula, options = FITS[name]
    with np.errstate(all="ignore"):
        return mlm.gee(formula, table(rows), **options)


CANNOT = [
    *[("nested", program, "an exchangeable one on clinic is valid too") for program in ("geepack", "stata", "sas", "glimmix", "spss")],
    ("weights", "statsmodels", "make a row of each trial"), ("sqrt", "geepack", "no sqrt link; R's glmtoolbox"), ("sqrt", "stata", "no sqrt link"),
    ("loglog", "sas", "no loglog link"), ("inverse-gaussian", "geepack", "no inverse-gaussian variance"), ("nbinom2", "geepack", "no nbinom2"),
    ("offset", "statsmodels", "no offset()"), ("ordinal, offset", "geepack", "no offsets or weights"), ("ordinal", "glimmix", "PROC GENMOD and PROC GEE"),
    ("ordinal", "stata", "ologit with vce(cluster judge)"), ("probit", "stata", "oprobit with vce(cluster judge)"),
    ("cauchit", "stata", "no categories with a cauchit link"), ("cauchit", "sas", "no cauchit link for ordinal"),
]


@pytest.mark.parametrize(("name", "program", "why"), CANNOT)
def test_what_a_program_cannot(name, program, why):
    code = fit(name).translate(program)
    assert not code.possible and why in code, code


SAID = [
    ("nested", "statsmodels", 'cov_struct=sm.cov_struct.Nested(),\n                dep_data=df[["id"]])'), ("weights", "stata", "[iweight = wt], family"),
    ("weights", "geepack", "weights = wt)"), ("weights", "sas", "  weight wt;\nrun;"), ("weights", "glimmix", "  weight wt;\nrun;"),
    ("weights", "spss", "LINK=LOG SCALEWEIGHT=wt\n  /REPEATED SUBJECT=subject"), ("sqrt", "sas", "link=power(0.5);"), ("sqrt", "spss", "LINK=POWER(0.5)"),
    ("inverse-gaussian", "statsmodels", '"I(y + 1) ~ trt"'), ("inverse-gaussian", "stata", "generate y_1 = y + 1\nxtset subject\nxtgee y_1 i.trt, family(ig"),
    ("inverse-gaussian", "glimmix", "dist=invgauss"), ("inverse-gaussian", "sas", "dist=igaussian"), ("mancl-derouen", "glimmix", "empirical=firores"),
    ("mancl-derouen", "statsmodels", 'cov_type="bias_reduced"'), ("kauermann-carroll", "glimmix", "empirical=root"), ("model", "stata", "scale(x2)"),
    ("kauermann-carroll", "glimmix", "random age_class / residual subject=id type=ar(1)"), ("kauermann-carroll", "stata", "xtset id age\n"),
    ("model", "geepack", "sqrt(diag(fit$geese$vbeta.naiv))"), ("model", "sas", "corrw modelse;"), ("model", "spss", "COVB=MODEL"),
    ("sixty", "geepack", "geeglm(y / 120 ~ trt"), ("sixty", "geepack", "weights = rep(120, nrow(df))"), ("sixty", "stata", "family(binomial 120)"),
    ("nbinom2", "spss", "DISTRIBUTION=NEGBIN(1."), ("nbinom2", "stata", "family(nbinomial 1."), ("nbinom2", "statsmodels", "alpha=1."),
    ("offset", "spss", "COMPUTE offset_of_rows = LN(base + 1)."), ("offset", "sas", "offset_of_rows = log(base + 1);"),
    ("probit", "sas", "link=cumprobit"), ("probit", "statsmodels", "sm.families.links.Probit()"), ("unsorted", "sas", "model words(order=data) = temp"),
    ("ordinal", "statsmodels", "I((temp == 'warm') * 1):number"),
]


@pytest.mark.parametrize(("name", "program", "said"), SAID)
def test_what_the_code_says(name, program, said):
    code = fit(name).translate(program)
    assert code.possible and said in code and code.count("/PRINT") <= 1, code


NOTES = [
    ("weights", "stata", "Weights must be the same in all rows of a group"), ("mancl-derouen", "geepack", "R's geesmv has GEE.var.md"),
    ("mancl-derouen", "stata", "no correction for few groups"), ("mancl-derouen", "sas", "translate to 'glimmix'"), ("mancl-derouen", "spss", "no correction"),
    ("kauermann-carroll", "statsmodels", "cov_type='bias_reduced' is Mancl and DeRouen's"), ("kauermann-carroll", "glimmix", "empirical=root is"),
    ("statsmodels", "statsmodels", "This fit has statsmodels' moments"), ("statsmodels", "geepack", "and geepack its own"), ("half", "geepack", "need rounding"),
    ("nbinom2", "sas", "dispersion (1/theta) is that of the model of independent rows"), ("unsorted", "sas", "sort by their order (low, mid, high) first"),
    ("ordinal", "sas", "working independence alone"), ("ordinal", "spss", "not our global odds ratio"), ("model", "geepack", "prints robust standard errors"),
]


@pytest.mark.parametrize(("name", "program", "said"), NOTES)
def test_what_is_said_beside_the_code(name, program, said):
    assert said in fit(name).translate(program).note


def test_degrees_of_freedom_are_not_for_gee():
    with pytest.raises(ValueError, match="GEE has ddf='wald'"):
        fit("model").translate("sas", ddf="satterthwaite")
