"""The page of reference numbers: published values beside ours. Made anew with each build; the judging is `agreement`'s."""

from __future__ import annotations

import re
from pathlib import Path

from ..report import book
from . import claims as claimed
from . import lme4_vignette, multiple_terms, r_results, stata_workshop
from .agreement import VERDICTS, Row, places

SOURCES = {
    stata_workshop.NAME: ("Stata workshop on math", stata_workshop),
    lme4_vignette.NAME: ("lme4 vignette on High School & Beyond", lme4_vignette),
    multiple_terms.NAME: ("models with several random terms", multiple_terms),
}
SHORT = {  # the verdict's name in the narrow last column of a table
    "digits": "every digit",
    "short": "within 1e-5",
    "stopped": "where Stata stopped",
    "driven": "lme4 driven on",
    "twice": "rounded twice",
    "false": "false optimum",
    "of rounded": "from rounded numbers",
    "random": "Monte-Carlo error",
    "differs": "differs",
}
BLOCKS = {
    "coef": "coefficient",
    "se": "SE",
    "ci95": "95 % interval",
    "var": "variance",
    "var_se": "SE of variance",
    "var_ci95": "95 % interval of variance",
    "sd": "SD",
    "sd_se": "SE of SD",
    "sd_ci95": "95 % interval of SD",
    "corr": "correlation",
    "corr_fixed": "correlation of estimates",
    "loglik": "log-likelihood",
    "deviance": "deviance",
    "aic": "AIC",
    "bic": "BIC",
    "z": "z",
    "rows": "rows",
    "levels": "levels of",
    "reml_criterion": "REML criterion",
    "scaled_residuals": "scaled residuals",
    "wald_chi2": "Wald chi2",
    "lr_vs_linear": "LR test against linear",
    "lr_distribution": "its null distribution",
    "icc": "ICC",
    "margins": "margin",
    "groups": "groups",
    "r2": "R2",
    "r2_adj": "adjusted R2",
    "rmse": "root MSE",
    "level1_variance_explained": "level-1 variance explained",
    "bootstrap_ci95": "bootstrap interval",
    "parametric_bootstrap_p_1000": "bootstrap p",
    "chisq": "chi2",
    "npar": "parameters",
    "ss_model": "SS model",
    "ss_residual": "SS residual",
    "ss_total": "SS total",
}

CAPITALS = {"ols": "OLS", "ml": "ML", "lrt": "LR test,"}


def rows() -> list[Row]:
    """Every published value."""
    return [row for _, module in SOURCES.values() for row in module.rows()]


def _table(head: list[str], lines: list[list[str]]) -> str:
    body = ["| " + " | ".join(line) + " |" for line in lines]
    right = ["---" if k == 0 or name in ("verdict", "in") else "---:" for k, name in enumerate(head)]
    return "\n".join(["| " + " | ".join(head) + " |", "| " + " | ".join(right) + " |", *body])


def label(row: Row) -> str:
    """What a value is, in words, with the name it has in the published document."""
    block = row.block.removesuffix("_loose")
    words = BLOCKS.get(block, block.replace("_", " "))
    return f"{words} `{row.name}`" if row.name else words


def shown(value, printed: str) -> str:
    """Our number to two digits more than are printed."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if re.fullmatch(r"\d+", printed) and float(value).is_integer():
        return f"{value:.0f}"
    if printed.startswith("<"):
        return f"{value:.1e}"
    return f"{value:.{min(places(printed) + 2, 10)}f}".replace("-", "\u2212")


def difference(row: Row) -> str:
    """Ours minus the printed one, to one digit."""
    found = row.difference
    if found is None or (found == 0):
        return "" if found is None else "0"
    return f"{found:.0e}".replace("e-0", "e-").replace("-", "\u2212")


def printed(text: str) -> str:
    """A published string with a real minus sign."""
    return re.sub(r"^-(?=[.\d])", "\u2212", text).replace("<", "&lt;")


def values_table(found) -> str:
    """Published, ours, difference, verdict."""
    return _table(
        ["value", "published", "ours", "difference", "verdict"],
        [[label(r), printed(r.printed), shown(r.ours, r.printed), difference(r), SHORT[r.verdict]] for r in found],
    )


def counts(root: Path, pages=None) -> str:
    """The counts at the top."""
    names = list(SOURCES)
    kept = [key for key in VERDICTS if any(row.verdict == key for row in rows())]

    def count(source, *keys):
        return str(sum(row.source in source and (not keys or row.verdict in keys) for row in rows()))

    columns = [[name] for name in names] + [names]
    lines = [["published values", *(count(c) for c in columns)]]
    lines += [[f"*{SHORT[key]}*: {VERDICTS[key][1]}", *(count(c, key) for c in columns)] for key in kept]
    done = rows()
    exact = sum(row.verdict == "digits" for row in done)
    ruled = sum(row.stands for row in done) - exact
    rest = len(done) - exact - ruled
    opening = (
        f"{len(done)} published values, all of them checked in this build: **{exact} agree to every printed digit, "
        f"{ruled} by a stated rule, and {rest} do not**, for one reason, a published fit that is a false optimum."
    )
    return opening + "\n\n" + _table(["", "Stata, math", "lme4, HSB", "several terms", "all"], lines)


def _where(source, name, root, pages) -> str:
    found = book.checked(root, pages).get((source, name), [])
    labels = book.labels(root, pages)
    links = [book.link(f"chapter {number}", place, labels) for number, place in found]
    return (
        f"Checked in {', '.join(links)} and here."
        if links
        else "Checked here and by the tests; no chapter of this build prints it."
    )


def _model(module, name, root, pages) -> str:
    entry = module.models()[name]
    mine = [row for row in module.rows() if row.model == name]
    said = [f"`{entry[key]}`" for key in ("command", "formula") if key in entry]
    said += [f"`{entry['null']}` against `{entry['full']}`, {entry['estimator']}"] if "null" in entry else []
    what = "; ".join(said) or "Rows, means, SDs and frequencies of the data."
    tally = ", ".join(f"{n} {SHORT[key]}" for key in VERDICTS if (n := sum(r.verdict == key for r in mine)))
    title = " ".join(CAPITALS.get(word, word) for word in name.split("-"))
    head = f"(reference-{module.NAME.replace('_', '-')}-{name})=\n### {title[0].upper()}{title[1:]}"
    return "\n\n".join(
        [
            head,
            f"{what}. {_where(module.NAME, name, root, pages)} {len(mine)} values: {tally}.".replace("..", "."),
            values_table(mine),
        ]
    )


def _document(module, root, pages) -> str:
    names = [n for n in module.models() if not module.models()[n].get("published_is_false_optimum")]
    return "\n\n".join(_model(module, name, root, pages) for name in names)


def stata(root: Path, pages=None) -> str:
    """Every value of the Stata workshop."""
    return _document(stata_workshop, root, pages)


def lme4(root: Path, pages=None) -> str:
    """Every value of the lme4 vignette, the false optimum apart."""
    return _document(lme4_vignette, root, pages)


def several(root: Path, pages=None) -> str:
    """Every value of the published models with several random terms."""
    return _document(multiple_terms, root, pages)


def false_optimum(root: Path, pages=None) -> str:
    """The published false optimum: as printed, found again, and left behind."""
    name = "random-coefficient-minority"
    mine = [row for row in lme4_vignette.rows() if row.model == name]
    best, held = lme4_vignette.fit(name), lme4_vignette.trap()
    again = sum(lme4_vignette.reproduced(row) for row in mine if row.verdict == "false")
    targets = [lme4_vignette.on_target(*item) for item in lme4_vignette.targets()]
    story = book.link("Chapter 4", "ch04-trap", book.labels(root, pages))
    lines = [
        [label(r), printed(r.printed), shown(lme4_vignette.in_trap(r), r.printed), shown(r.ours, r.printed)]
        for r in mine
    ]
    text = (
        f"`{lme4_vignette.models()[name]['formula']}`. lme4's default optimizer stopped at a REML criterion of "
        f"{held.criterion:.2f} and called the fit singular. The optimum lies {held.criterion - best.criterion:.2f} "
        f"lower, at {best.criterion:.2f}, and is not singular. The criterion is flat across the boundary where the "
        "slopes have no variance of their own beyond the intercepts', so a search that arrives there sees no way down. "
        f"{story} tells how to notice and what to do.\n\nNone of the {len([r for r in mine if r.verdict == 'false'])} "
        f"printed numbers is the model's. Hold our fit on that boundary and {again} of them come back, to the printed "
        "digits or within 1e-3: same model, same criterion, a search that ended too soon. The share of variance "
        "explained was computed by its authors from rounded numbers."
    )
    aim = (
        "lme4 with another optimizer, nlme and glmmTMB agree on the optimum. "
        f"{sum(r.verdict == 'digits' for r in targets)} of its {len(targets)} values are ours to every digit:"
    )
    head = ["value", "published", "ours, held on the boundary", "ours, at the optimum"]
    return "\n\n".join(
        [text, _where(lme4_vignette.NAME, name, root, pages), _table(head, lines), aim, values_table(targets)]
    )


def claims(root: Path, pages=None) -> str:
    """The claims that are not fits, with verdicts."""
    labels, out = book.labels(root, pages), []
    written = {chapter.number for chapter in book.chapters(root, pages)}
    known = sorted(claimed.claims(), key=lambda c: c["chapter"])
    judged = [c for c in known if claimed.verdict(c["id"])]
    out.append(f"{len(known)} claims, {len(judged)} with a verdict; the others wait for their chapters.")
    for claim in judged:
        word, why = claimed.verdict(claim["id"])
        place = claimed.PLACES[claim["id"]]
        where = book.link(f"Chapter {claim['chapter']}", place, labels)
        out.append(f"\u201c{claim['says']}\u201d".replace(" %", "\u00a0%"))
        more = f" {where} shows it." if claim["chapter"] in written else ""
        out.append(f": **{word[0].upper()}{word[1:]}.** {why}{more}")
    later = [
        f"- Chapter {c['chapter']}: \u201c{c['says']}\u201d".replace(" %", "\u00a0%") for c in known if c not in judged
    ]
    body = "\n".join(f"\n{line}" if line.startswith("\u201c") else line for line in out)
    return body + ("\n\nNot yet checked:\n\n" + "\n".join(later) if later else "")


def r(root: Path, pages=None) -> str:
    """Results of R at full precision: how many are compared, and the largest relative difference of each kind."""
    found, lines = r_results.differences(), []
    for kind in sorted(dict.fromkeys(d.kind for d in found), key=lambda kind: kind.startswith("generalized")):
        mine = [d for d in found if d.kind == kind]
        worst = max(mine, key=lambda d: d.worst)
        lines.append(
            [
                kind,
                str(len(mine) if kind != "regressions by school" else 1),
                str(sum(d.count for d in mine)),
                f"{worst.worst:.0e}".replace("-", "\u2212"),
                f"`{worst.file}`",
            ]
        )
    others = [(name, software) for name, software in r_results.others() if name not in r_results.WAITING]
    said = {}
    for name, software in others:
        said.setdefault(software, []).append(name)
    rest = "; ".join(f"{len(names)} of {software}" for software, names in said.items())
    files = {d.file for d in found}
    text = (
        f"{len(files) + len(others) + len(r_results.WAITING)} files of R's results, stored at full precision, are in "
        f"the repository so far. {len(files)} are compared below while this page is built, "
        f"{sum(d.count for d in found)} numbers in all; {len(others)} more are held by tests of their own ({rest})."
    )
    for name, why in r_results.WAITING.items():
        text += f" `{name}` waits for {why}, which the library does not have yet."
    return text + "\n\n" + _table(["what", "files", "numbers", "worst relative difference", "in"], lines)
