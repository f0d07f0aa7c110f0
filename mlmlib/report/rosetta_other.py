"""The second Rosetta page: panel regressions, robust covariances and marginal models in other programs. Made anew with each build."""

from __future__ import annotations

import re
from pathlib import Path

from .translate import elsewhere, translate

__all__ = ["back", "marginal", "panels", "robust"]

INV = "inv ~ value + capital"
PANELS: dict[str, tuple[str, str, str, dict]] = {  # effects: heading, data, formula, settings
    "pooled": ("All rows as one", "grunfeld", INV, {}),
    "within": ("Fixed effects", "grunfeld", INV, {}),
    "two-way": ("Fixed effects of groups and times", "grunfeld", INV, {"time": "year"}),
    "first-difference": ("First differences", "grunfeld", INV, {"time": "year"}),
    "between": ("Between groups", "grunfeld", INV, {}),
    "random": ("Random effects", "grunfeld", INV, {}),
    "mundlak": ("Correlated random effects", "males", "wage ~ exper + union + school", {}),
    "hybrid": ("Within and between apart", "males", "wage ~ exper + union + school", {}),
    "hausman-taylor": ("Hausman and Taylor", "males", "wage ~ exper + union + school", {"time": "year", "endogenous": ["union", "school"]}),
}
ROBUST = (  # heading, data, call of the fit, call of mlm.robust
    ("CR2 with Satterthwaite's degrees of freedom", "math", 'mlm.ols("math ~ homework", df)', 'mlm.robust(fit, "schid")'),
    ("As Stata has it: CR1S, t with J - 1 degrees of freedom", "math", 'mlm.ols("math ~ homework", df)',
     'mlm.robust(fit, "schid", kind="CR1S", ddf="clusters")'),
    ("No adjustment, of a logistic regression", "contraception", 'mlm.glmm("use ~ age + urban", df, family="binomial")',
     'mlm.robust(fit, "district", kind="CR0", ddf="normal")'),
    ("Of fixed effects", "grunfeld", f'mlm.panel("{INV}", df, groups="firm", effects="within")',
     'mlm.robust(fit, "firm", kind="CR1S", ddf="clusters")'),
    ("Two-way clustering", "grunfeld", f'mlm.ols("{INV}", df)', 'mlm.robust(fit, ["firm", "year"], kind="CR1")'),
)
MARGINAL = (
    ("A binary outcome, exchangeable", "contraception", 'mlm.gee("use ~ age + urban", df, groups="district", family="binomial", corr="exchangeable")'),
    ("Counts, autoregressive", "epil", 'mlm.gee("y ~ trt + base", df, groups="subject", time="period", family="poisson", corr="ar1")'),
    ("A number, unstructured", "orthodont", 'mlm.gee("distance ~ age", df, groups="Subject", time="age", corr="unstructured")'),
)
OTHERS = (
    ("r", 'plm(inv ~ value + capital, data = df, index = c("firm", "year"), model = "within", effect = "twoways")'),
    ("r", 'plm(inv ~ value + capital - 1, df, index = c("firm", "year"), model = "fd")'),
    ("r", 'pht(wage ~ exper + union + school | exper, data = df, index = c("nr", "year"))'),
    ("r", "feols(inv ~ value + capital | firm + year, data = df, vcov = ~firm)"),
    ("stata", "xtset firm year\nxtreg inv value capital, fe vce(cluster firm)"),
    ("stata", "xtset firm year\nxtreg inv value capital, re"),
    ("stata", "xtset nr year\nxthtaylor wage exper union school, endog(union school)"),
    ("stata", "reghdfe inv value capital, absorb(firm year)"),
)


def _fit(data: str, *calls: str):
    """The last of some calls, each of which may use `df` and the `fit` before."""
    import mlmlib as mlm
    space = {"mlm": mlm, "df": mlm.load(data)}
    for call in calls:
        space["fit"] = eval(call, space)  # our own text above
    return space["fit"]


def _entry(heading: str, data: str, calls, fit, words: str = "") -> list[str]:
    anchor = "rosetta-other-" + re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
    code = "\n".join(f"fit = {call}" for call in calls)
    return [f"({anchor})=", f"### {heading}", f"```python\ndf = mlm.load(\"{data}\")\n{code}\n```", *filter(None, [words]),
            f"```{{raw}} html\n{elsewhere(fit)._repr_html_()}\n```"]


def panels(root: Path | None = None, pages=None) -> str:
    """Each estimator of mlm.panel: its equations, the same in words, and its code."""
    out = []
    for effects, (heading, data, formula, settings) in PANELS.items():
        group = "firm" if data == "grunfeld" else "nr"
        more = "".join(f", {name}={value!r}".replace("'", '"') for name, value in settings.items())
        call = f'mlm.panel("{formula}", df, groups="{group}", effects="{effects}"{more})'
        fit = _fit(data, call)
        told = fit.equations(form="combined")
        out += _entry(heading, data, [call], fit, f"$$\n{told.latex}\n$$\n\n{told.reading}")
    return "\n\n".join(out)


def robust(root: Path | None = None, pages=None) -> str:
    """Robust covariances."""
    return "\n\n".join(piece for heading, data, *calls in ROBUST for piece in _entry(heading, data, calls, _fit(data, *calls)))


def marginal(root: Path | None = None, pages=None) -> str:
    """Marginal models."""
    return "\n\n".join(piece for heading, data, call in MARGINAL for piece in _entry(heading, data, [call], _fit(data, call)))


def back(root: Path | None = None, pages=None) -> str:
    """Code of others read back."""
    out = []
    for language, code in OTHERS:
        found = translate(code, "mlmlib")
        out.append(f"```{language}\n{code}\n```\n\nbecomes\n\n```python\n{found}\n```")
        if found.note:
            note = re.sub(r"(mlm[.]\w+\([^()]*\))", r"`\1`", found.note)
            out.append(f"*To see to:* {note}.")
    return "\n\n".join(out)
