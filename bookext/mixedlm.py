"""The runs on *From statsmodels' MixedLM*: each is code of a few lines, carried out while the page is built, and what it printed.

A run's warnings are shown as statsmodels words them, each once.
"""

from __future__ import annotations

import contextlib
import io
import warnings

_START = """import mlmlib as mlm
import statsmodels.formula.api as smf
sleep = mlm.load("sleepstudy")
"""
RUNS = {
    "agree": """theirs = smf.mixedlm("Reaction ~ Days", sleep, groups="Subject", re_formula="~Days").fit()
ours = mlm.lmm("Reaction ~ Days + (Days | Subject)", sleep)
print("log-likelihood ", round(theirs.llf, 4), round(ours.llf, 4))
print("slope          ", round(theirs.fe_params["Days"], 4), round(ours.params["Days"], 4))
print("its SE         ", round(theirs.bse_fe["Days"], 4), round(ours.bse["Days"], 4))
print("variance slopes", round(theirs.cov_re.iloc[1, 1], 3), round(ours.covariance_matrix().iloc[1, 1], 3))""",
    "nested": """pastes = mlm.load("pastes")
casks = {"cask": "0 + C(cask)"}
theirs = smf.mixedlm("strength ~ 1", pastes, groups="batch", re_formula="1", vc_formula=casks).fit()
without = smf.mixedlm("strength ~ 1", pastes, groups="batch", vc_formula=casks).fit()
print("both factors", round(theirs.llf, 3), round(mlm.lmm("strength ~ 1 + (1 | batch/cask)", pastes).llf, 3))
print("casks alone ", round(without.llf, 3), round(mlm.lmm("strength ~ 1 + (1 | batch:cask)", pastes).llf, 3))""",
    "schools": """hsb = mlm.load("hsb")
for method in (None, "powell"):
    theirs = smf.mixedlm("mathach ~ cses", hsb, groups="school", re_formula="~cses").fit(method=method)
    print("MixedLM", method, theirs.converged, round(theirs.llf, 2), round(theirs.bse_fe["cses"], 3))
ours = mlm.lmm("mathach ~ cses + (cses | school)", hsb)
print("mlmlib", ours.converged, round(ours.llf, 2), round(ours.bse["cses"], 3))""",
    "units": """seconds = sleep.assign(time=sleep["Days"] * 86400)
theirs = smf.mixedlm("Reaction ~ time", seconds, groups="Subject", re_formula="~time").fit()
ours = mlm.lmm("Reaction ~ time + (time | Subject)", seconds)
print("MixedLM", theirs.converged, round(theirs.llf, 2))
print("mlmlib ", ours.converged, round(ours.llf, 2))""",
    "singular": """math = mlm.load("math")
theirs = smf.mixedlm("math ~ homework + ses + ratio", math, groups="schid",
                     re_formula="~homework + ses").fit()
ours = mlm.lmm("math ~ homework + ses + ratio + (homework + ses | schid)", math)
print("MixedLM", theirs.converged, round(theirs.llf, 4))
print("mlmlib ", ours.converged, round(ours.llf, 4))
print(ours.messages[0])""",
    "errors": """theirs = smf.mixedlm("Reaction ~ 1", sleep, groups="Subject").fit()
ours = mlm.lmm("Reaction ~ 1 + (1 | Subject)", sleep)
print(theirs.summary().tables[1].loc["Subject Var", ["Coef.", "Std.Err."]].tolist())
print(ours.variance_components[["variance", "se"]].round(3).iloc[0].tolist())""",
    "crossed": """pen = mlm.load("penicillin").assign(one=1)
theirs = smf.mixedlm("diameter ~ 1", pen, groups="one",
                     vc_formula={"plate": "0 + C(plate)", "sample": "0 + C(sample)"}).fit()
ours = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", pen)
print(theirs.vcomp.round(3), round(theirs.llf, 3), len(theirs.random_effects))
print(ours.variance_components["variance"].round(3).tolist()[:2], round(ours.llf, 3),
      {factor: len(table) for factor, table in ours.random_effects.items()})""",
    "refused": """fit = smf.mixedlm("Reaction ~ Days", sleep, groups="Subject").fit()
print("AIC after REML:", fit.aic)
print("first row: predict", round(fit.predict(sleep.head(1))[0], 1), "fitted", round(fit.fittedvalues[0], 1))
try:
    smf.mixedlm("Reaction ~ Days", sleep, groups="Subject", weights=sleep["Days"] + 1)
except ValueError as error:
    print(error)
gaps = sleep.assign(Reaction=sleep["Reaction"].where(sleep.index != 3))
try:
    smf.mixedlm("Reaction ~ Days", gaps, groups="Subject")
except Exception as error:
    print(str(error).splitlines()[0])
print(mlm.lmm("Reaction ~ Days + (1 | Subject)", gaps).messages[0])""",
}


def run(name: str) -> str:
    """What one run prints, its warnings first."""
    printed, known = io.StringIO(), {}
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        exec(compile(_START + RUNS[name], f"<{name}>", "exec"), known)
    said = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught if "statsmodels" in str(w.category))
    return "".join(f"{line}\n" for line in said) + printed.getvalue()


def _page(name: str):
    def made(root, pages) -> str:
        return f"```python\n{RUNS[name]}\n```\n\n```text\n{run(name).rstrip()}\n```"
    return made


for _name in RUNS:
    globals()[_name] = _page(_name)
