"""The Rosetta page: every model that the chapters fit, as an equation and as code for each program. Made anew with each build."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..formula import parse
from . import book
from .equations import equations
from .translate import TARGETS, elsewhere, translate
from .translate.back import python

KINDS = {
    "linear": "Models without groups",
    "null": "Groups and nothing else",
    "intercept": "Random intercepts with predictors",
    "slopes": "Random slopes, covariances free",
    "structured": "Random slopes, covariances restricted",
    "several": "Three levels, crossed factors, multiple membership",
    "residuals": "Residuals with a structure",
    "outcomes": "Several outcomes",
    "binary": "Binary outcomes, and counts out of a total",
    "counts": "Counts and positive outcomes",
    "categories": "Ordered and unordered categories",
}
OTHERS = (  # what people paste, in the dialects that are read back
    ("r", "lmer(math ~ homework * schtype + (homework | schid), data = imm, REML = FALSE)"),
    ("r", "lmer(mathach ~ ses + (1 + ses || school), hsb)"),
    ("r", "lm(math ~ factor(schtype) + I(homework^2), data = imm)"),
    ("stata", "mixed math i.schtype##c.homework || schid: homework"),
    ("stata", "mixed math i.schtype##c.homework || schid: homework, covariance(unstructured) reml"),
    ("stata", "mixed math homework || schid: homework, covariance(exchangeable)"),
    ("stata", "generate log_ratio = ln(ratio)\nmixed math log_ratio || schid:"),
    ("stata", "regress math i.schtype homework"),
    ("stata", "mixed gain ses || school: || class:, reml"),
    ("stata", "mixed attain verbal || _all: R.second || primary:, reml"),
    ("stata", "mixed distance age || id:, residuals(ar 1, t(wave)) reml"),
    ("r", "lme(distance ~ age, data = growth, random = ~ 1 | id, correlation = corCAR1(form = ~ age | id), weights = varIdent(form = ~ 1 | sex))"),
    ("r", "gls(distance ~ age, data = growth, correlation = corSymm(form = ~ wave | id), weights = varIdent(form = ~ 1 | wave))"),
    ("r", "glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), data = cbpp, family = binomial, nAGQ = 9)"),
    ("r", "glmmTMB(y ~ trt + offset(log(weeks)) + (1 | subject), data = epil, family = nbinom2, ziformula = ~ 1)"),
    ("r", "clmm(rating ~ temp + contact + (1 | judge), data = wine, link = \"probit\")"),
    ("stata", "melogit use i.urban age || district:, or"),
    ("stata", "mepoisson deaths uvb, exposure(expected) irr || nation: || region:, intmethod(laplace)"),
    ("stata", "meologit rating temp contact || judge:, intpoints(12)"),
)
NOT_READ = (
    ("r", "glmer(dropout ~ ses + (1 | school), hsb, family = binomial, nAGQ = 0)"),
    ("stata", "mixed distance age || id:, residuals(ar 1, t(wave) by(sex))"),
)


@dataclass
class Entry:
    """One model with all the places where chapters fit it."""

    key: tuple
    kind: str
    uses: list
    fit: Any

    @property
    def anchor(self) -> str:
        """A label that stays when other models join the page."""
        use = self.uses[0]
        spelled = use.formula.replace("||", "-indep-").replace("*", "-by-").replace(":", "-x-")
        structure = " ".join([*_written(self.key[3:]), *self.shared])
        words = re.sub(r"[^a-z0-9]+", "-", f"{spelled} {self.method} {structure or 'unstructured'}".lower()).strip("-")
        return f"rosetta-{words}"

    @property
    def method(self) -> str:
        """REML, ML or OLS; of a generalized model Laplace, AGQ, PQL or MQL."""
        return self.key[2]

    @property
    def shared(self) -> list[str]:
        """Of several outcomes what is equal, and what some have only; of a generalized model its settings."""
        return [f"{name} {re.sub(r'[^A-Za-z0-9_,: ]', '', text)}" for name, text in self.key[0][3:]]

    @property
    def title(self) -> str:
        """The formula, and how it is estimated."""
        structure = "".join(f", {word}" for word in (*_written(self.key[3:]), *self.shared))
        return f"`{re.sub(r' +', ' ', self.uses[0].formula)}`, {'least squares' if self.method == 'OLS' else self.method}{structure}"


def _written(structures) -> list[str]:
    """Structures of the random effects and of the residuals, those that are not the default, in words."""
    covariance, correlation, variance = structures
    words = [] if covariance == "unstructured" else [covariance] if isinstance(covariance, str) else [
        f"{structure} in {group}" for group, structure in covariance]
    words += [] if correlation is None else [str(correlation)]
    return words + [f"variance {one}" for one in variance]


def meaning(formula: str, fitter: str, options: dict) -> tuple:
    """What a call says, whatever its spelling: outcome and fixed terms, random terms, method, structures."""
    left, several, parsed = _parsed(formula, fitter)

    def terms(found):
        return frozenset(frozenset(f.label for f in t) for t in found)

    random = frozenset((terms(r.terms), r.group_name, r.independent and len(r.terms) > 1) for r in parsed.random)
    method = (
        ("OLS" if options.get("method", "ols") == "ols" else "ML")
        if fitter == "ols"
        else "REML"
        if options.get("reml", True)
        else "ML"
    )
    fixed = (left, terms(parsed.fixed), parsed.has_intercept)
    if fitter == "glmm":
        method, settings = _settings(options, bool(parsed.random))
        fixed += settings
    if several:
        fixed += tuple((name, repr(options[name])) for name in ("equal", "only") if options.get(name))
    covariance, variance = options.get("covariance", "unstructured"), options.get("variance") or ()
    covariance = tuple(sorted(covariance.items())) if isinstance(covariance, dict) else covariance
    variance = variance if isinstance(variance, tuple) else (variance,)
    return fixed, random, method, covariance, options.get("correlation"), variance


def _settings(options: dict, mixed: bool) -> tuple[str, tuple]:
    """Of a generalized model how it is approximated, and its other settings that are not the default."""
    from .translate.general.spec import DEFAULT_LINKS, spelled

    family = spelled(options.get("family", "binomial"))
    link = options.get("link") or DEFAULT_LINKS.get(family)
    how = options.get("method", "laplace")
    method = {"laplace": "Laplace", "agq": f"AGQ with {options.get('nodes') or 7} nodes"}.get(how, f"{how.upper()} of order {options.get('order') or 1}")
    found = [("family", family)] + ([("link", link)] if link != DEFAULT_LINKS.get(family) else [])
    found += [(name, str(options[name])) for name in ("trials", "exposure", "offset", "weights", "zero", "nominal")
              if options.get(name) is not None]
    return method if mixed else "maximum likelihood", tuple(found)


def _parsed(formula: str, fitter: str):
    """The outcome (a set of several), whether there are several, and the rest of the formula."""
    if fitter != "multivariate":
        parsed = parse(formula)
        return parsed.outcome.label, False, parsed
    left, _, right = formula.partition("~")
    return frozenset(term[0].label for term in parse(f"~ {left}").fixed if term), True, parse(f"~ {right}")


def kind(formula: str, covariance="unstructured", correlation=None, variance=(), fitter="lmm", family="binomial") -> str:
    """The part of the page that a model belongs to."""
    if fitter == "glmm":
        from .translate.general.spec import spelled

        return {"binomial": "binary", "ordinal": "categories", "multinomial": "categories"}.get(spelled(family), "counts")
    if fitter == "multivariate":
        return "outcomes"
    parsed = parse(formula)
    if correlation is not None or variance:
        return "residuals"
    if len({r.group_name for r in parsed.random}) > 1 or any(r.group_name.startswith("mm(") for r in parsed.random):
        return "several"
    if not parsed.random:
        return "linear"
    if any(len(r.terms) > 1 or () not in r.terms for r in parsed.random):
        return "structured" if covariance != "unstructured" or any(r.independent for r in parsed.random) else "slopes"
    return "intercept" if any(parsed.fixed) else "null"


def entries(root: Path, pages=None) -> list[Entry]:
    """The models of the book, each once, in the order of the parts and of the chapters."""
    import mlmlib as mlm

    found: dict[tuple, Entry] = {}
    for use in book.models(root, pages):
        options = dict(use.options)
        key = meaning(use.formula, use.call, options)
        if key in found:
            found[key].uses.append(use)
        else:
            fit = getattr(mlm, use.call)(use.formula, use.table, **options)
            found[key] = Entry(key, kind(use.formula, key[3], key[4], key[5], fitter=use.call, family=options.get("family", "binomial")), [use], fit)
    return sorted(found.values(), key=lambda e: list(KINDS).index(e.kind))


def equation(fit) -> str:
    """The model in one equation, broken only where a narrow page asks for it."""
    latex = equations(fit, form="combined").latex
    line = re.sub(r"^\\begin\{aligned\}\n(&\\textbf\{Combined\} \\\\\n)?", "", latex)
    line = line.split(r" \\[0.6em]")[0]
    if hasattr(fit, "outcomes") or hasattr(fit, "family"):  # an equation for each, or what h stands for; distribution and link
        line = line.removesuffix("\n\\end{aligned}")
        return f"$$\n\\begin{{aligned}}\n{line}\n\\end{{aligned}}\n$$"
    line = re.split(r" \\\\\n&(?!\\qquad)", line)[0].removesuffix("\n\\end{aligned}")
    lines = line.split("\n")
    if len(lines) > 6:  # a category with many levels
        line = "\n".join([*lines[:2], r"&\qquad{} + \cdots \\", lines[-1]])
    return f"$$\n\\begin{{aligned}}\n{line}\n\\end{{aligned}}\n$$"


def places(entry: Entry, labels) -> str:
    """Links to the chapters that fit a model, and its data."""
    first = {}
    for use in entry.uses:
        first.setdefault(use.chapter, use)
    where = ", ".join(book.link(f"chapter {n}", use.label, labels) for n, use in first.items())
    data = ", ".join(f"`{name}`" for name in dict.fromkeys(use.data for use in entry.uses))
    return f"Fitted in {where}; data: {data}."


def contents(root: Path, pages=None) -> str:
    """The list of models, with links down the page."""
    known = entries(root, pages)
    lines = [f"{len(known)} models, each in the code of up to {len(TARGETS)} programs.", ""]
    for name, title in KINDS.items():
        mine = [e for e in known if e.kind == name]
        if mine:
            lines += ["", f"**{title}**", ""]
            lines += [f"- {{ref}}`{_plain(e.title)} <{e.anchor}>`" for e in mine]
    return "\n".join(lines)


def _plain(title: str) -> str:
    return title.replace("`", "")


def models(root: Path, pages=None) -> str:
    """Every model: its equation, where it is fitted, and tabs of code."""
    known, labels, out = entries(root, pages), book.labels(root, pages), []
    for name, title in KINDS.items():
        mine = [e for e in known if e.kind == name]
        out += [f"## {title}"] if mine else []
        for entry in mine:
            call = translate_call(entry)
            out += [f"({entry.anchor})=", f"### {entry.title}", equation(entry.fit), places(entry, labels)]
            out += [f"```python\n{call}\n```", f"```{{raw}} html\n{elsewhere(entry.fit)._repr_html_()}\n```"]
    return "\n\n".join(out)


def translate_call(entry: Entry) -> str:
    """The call of mlmlib, as the chapter writes it."""
    use = entry.uses[0]
    options = "".join(f", {name}={python(value)}" for name, value in use.options)
    return f'fit = mlm.{use.call}("{use.formula}", df{options})'


def back(root: Path | None = None, pages=None) -> str:
    """Code of others read back, each with what it becomes and what to see to."""
    out = []
    for language, code in (*OTHERS, *NOT_READ):
        out.append(f"```{language}\n{code}\n```")
        try:
            found = translate(code, "mlmlib")
        except ValueError as reason:
            out.append(f"is refused: {reason}")
            continue
        out.append(f"becomes\n\n```python\n{found}\n```")
        if found.note:
            note = re.sub(r"(\w+\(\w+\)|\w+_\w+)", r"`\1`", found.note)
            out.append(f"*To see to:* {note}.")
    return "\n\n".join(out)
