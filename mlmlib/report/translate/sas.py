"""SAS: PROC MIXED, and PROC GLM's least squares through METHOD=REML for OLS."""

from __future__ import annotations

from .model import Model, derived

DDFM = {"wald": "", "satterthwaite": " ddfm=satterthwaite", "kenward-roger": " ddfm=kr"}
NOTES = {
    "wald": " Estimates and standard errors are ours; its t tests use containment degrees of freedom, without ddfm=.",
    "satterthwaite": " The default would be containment degrees of freedom.",
    "kenward-roger": " The default would be containment degrees of freedom. SAS takes the observed information of the variances "
    "where we (and pbkrtest) take the expected, so that its degrees of freedom differ a little.",
}
TYPES = {"unstructured": "un", "independent": "vc", "exchangeable": "cs", "identity": "toep(1)"}


def write(model: Model):
    names = derived(model, "**")

    def word(term):
        return "*".join(model.category(f) or (names[f][0] if f in names else f.label) for f in term)

    lines = []
    if names:
        lines += [
            f"data {model.data};",
            f"  set {model.data};",
            *(f"  {name} = {text};" for name, text in names.values()),
            "run;",
        ]
    outcome = names[model.formula.response][0] if model.formula.response in names else model.outcome
    method = {"REML": "reml", "ML": "ml", "OLS": "reml"}[model.method]
    lines.append(f"proc mixed data={model.data} method={method} covtest cl;")
    classes = [r.group.replace(":", " ") for r in model.random]
    classes += [f"{c}(ref='{levels[0]}')" if levels else c for c, levels in model.categories.items()]
    if classes:
        lines.append(f"  class {' '.join(dict.fromkeys(classes))};")
    fixed = " ".join(word(t) for t in model.fixed if t)
    lines.append(
        f"  model {outcome} = {fixed + ' ' if fixed else ''}/ {'' if model.intercept else 'noint '}solution cl{DDFM[model.ddf]};"
    )
    for r in model.random:
        effects = " ".join((["intercept"] if r.intercept else []) + [word(e) for e in r.slopes])
        kind = "" if r.single else f" type={TYPES[r.structure]}"
        lines.append(f"  random {effects} / subject={r.group.replace(':', '*')}{kind};")
    lines.append("run;")
    note = (
        "PROC MIXED's default is REML"
        + (", and the default covariance is independent (vc)" if model.random else "")
        + "."
    )
    if model.categories:
        note += " Without ref= SAS takes the last category as the baseline."
    note += (
        " Without random effects REML is least squares."
        if model.method == "OLS"
        else NOTES[model.ddf]
    )
    return "\n".join(lines), note
