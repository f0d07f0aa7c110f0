"""Code of plm, fixest and Stata's xt commands read as calls of mlm.panel."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.report.translate import read
from panel_models import PANELS, fit, table

READ = {
    'plm(inv ~ value, df, index = "firm")': 'mlm.panel("inv ~ value", df, groups="firm", effects="within")',
    'plm(inv ~ value, df, index = c("firm", "year"), model = "random")':
        'mlm.panel("inv ~ value", df, groups="firm", effects="random", time="year")',
    'plm(inv ~ value, data = df, index = c("firm", "year"), effect = "time", model = "within")':
        'mlm.panel("inv ~ value", df, groups="year", effects="within", time="firm")',
    'pht(wage ~ exper + union + school | exper, data = df, index = c("nr", "year"))':
        'mlm.panel("wage ~ exper + union + school", df, groups="nr", effects="hausman-taylor", time="year", endogenous=["union", "school"])',
    'feols(inv ~ value + capital | firm + year, data = df, vcov = "iid")':
        'mlm.panel("inv ~ value + capital", df, groups="firm", effects="two-way", time="year")',
    "xtset firm year\nxtreg inv value capital i.year, fe": 'mlm.panel("inv ~ value + capital", df, groups="firm", effects="two-way", time="year")',
    "xtset firm\nxtreg inv c.value##c.capital, re sa": 'mlm.panel("inv ~ value * capital", df, groups="firm", effects="random")',
    "xtreg inv value, be i(firm)": 'mlm.panel("inv ~ value", df, groups="firm", effects="between")',
    "xtset firm\nxtreg inv value, cre": 'mlm.panel("inv ~ value", df, groups="firm", effects="mundlak")',
    "reghdfe inv value capital, absorb(firm year)": 'mlm.panel("inv ~ value + capital", df, groups="firm", effects="two-way", time="year")',
}
NOTES = {
    'plm(inv ~ value, df, index = "firm", model = "random", random.method = "amemiya")': "Swamy and Arora's",
    'plm(inv ~ value, df, index = c("firm", "year"), model = "fd")': "have an intercept",
    "feols(inv ~ value | firm, df, vcov = ~firm)": "mlm.robust",
    "xtset firm\nxtreg inv value, fe vce(cluster firm)": 'then mlm.robust(fit, "firm", kind="CR1S", ddf="clusters")',
    "xtset firm\nxtreg inv value, fe vce(robust)": 'then mlm.robust(fit, "firm", kind="CR1S", ddf="clusters")',
    "xtset firm\nxtreg inv value, fe vce(hc2 firm, dfadjust)": 'then mlm.robust(fit, "firm")',
    "xtset firm\nxtreg inv value, re": "without the option sa",
    "xtset firm\nxtreg inv value, mle": "maximum likelihood",
}
REFUSED = {
    "plm(inv ~ value, df)": "what the groups are", "xtreg inv value, fe": "xtset firm year",
    'plm(inv ~ value, df, index = "firm", model = "nested")': "is not read", "feols(inv ~ value, df)": "are read",
    'plm(inv ~ value, df, index = "firm", model = "random", effect = "twoways")': "no counterpart",
    'plm(inv ~ value | capital, df, index = "firm")': "pht", "xtset firm\nxtreg inv value, pa": "marginal",
    'pht(wage ~ exper, df, index = "nr")': "after a bar", "reghdfe inv value": "absorb",
}


@pytest.mark.parametrize("code", READ)
def test_code_is_read(code):
    assert mlm.translate(code, "mlmlib") == READ[code]


@pytest.mark.parametrize("code", NOTES)
def test_what_differs_is_said(code):
    assert NOTES[code] in mlm.translate(code, "mlmlib").note


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_read_is_refused(code):
    with pytest.raises(ValueError, match=REFUSED[code]):
        mlm.translate(code, "mlmlib")


@pytest.mark.parametrize("to", ["plm", "stata", "fixest"])
@pytest.mark.parametrize("name", [name for name in PANELS if "mundlak" not in name and "hybrid" not in name])
def test_there_and_back(name, to):
    """What is written for another program is read as the same fit."""
    one = fit(name)
    code = one.translate(to)
    if not code.possible or name.endswith("pooled") and to != "plm" or "D.(" in code:
        return
    if name == "grunfeld, two-way" and to == "stata":  # i.year is a predictor unless xtset names the time
        code = code.replace("xtset firm", "xtset firm year")
    again = read(str(code)).fit(table(PANELS[name][0]))
    assert sorted(np.round(again.params, 8)) == sorted(np.round(one.params, 8)) and again.effects == one.effects
