"""Results of R at full precision (tests/reference/r), and how far ours are from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

import mlmlib as mlm

from .sources import LMM, SEVERAL, data, fit, folder, reference, stored

R_NAMES = {
    "(Intercept)": "Intercept",
    "minorityYes": "minority[T.Yes]",
    "sectorCatholic": "sector[T.Catholic]",
    "mean.ses": "mean_ses",
    "public": "schtype[T.Public]",
    "SexFemale": "Sex[T.Female]",
    "sexF": "sex[T.F]",
    "service1": "service",
}
OLS = {
    "1": "1",
    "homework": "homework",
    "homeworkXpublic": "homework * schtype",
    "homework_public": "homework + schtype",
    "public": "schtype",
    "ses": "ses",
}
WAITING: dict[str, str] = {}  # files that nothing here can be compared with yet, and why
NAMES = [f"{key}_{kind}" for key in LMM | SEVERAL for kind in ("ml", "reml")]


@dataclass(frozen=True)
class Difference:
    """The largest relative difference from one file of R's, of one kind of number."""

    file: str
    kind: str
    count: int
    worst: float


def ours(name: str) -> frozenset:
    """Our name of a coefficient of R's, whatever the order of an interaction."""
    return frozenset(R_NAMES.get(part, part) for part in name.split(":"))


def order(names, theirs) -> list[int]:
    """Places of R's coefficients among ours."""
    own = [frozenset(name.split(":")) for name in names]
    return [own.index(ours(name)) for name in theirs]


def relative(value, truth, floor=0.0) -> float:
    """The largest difference in units of the true value; of `floor` where that is larger."""
    value, truth = np.asarray(value, float), np.asarray(truth, float)
    size = np.maximum(np.abs(truth), floor)
    return float(np.max(np.abs(value - truth) / np.where(size > 0, size, 1.0), initial=0.0))


def factor_of(fitted, block: str) -> str:
    """Our grouping factor of a block of lme4's, which writes the inner one first and numbers the terms of one factor."""
    names = list(fitted.n_groups)
    if len(names) == 1:
        return names[0]
    return next(name for name in names if set(name.split(":")) == set(block.split(":")))


def random_parts(fitted, truth):
    """Each factor with the covariance matrix of its effects; lme4 prints a double bar as two blocks."""
    blocks = {}
    for block, part in truth["varcomp"].items():
        blocks.setdefault(factor_of(fitted, block), []).append(part)
    return {group: joined(parts) for group, parts in blocks.items()}


def joined(parts) -> np.ndarray:
    """Blocks along a diagonal."""
    size = sum(len(part["names"]) for part in parts)
    cov = np.zeros((size, size))
    at = 0
    for part in parts:
        q = len(part["names"])
        cov[at : at + q, at : at + q] = part["cov"]
        at += q
    return cov


def labels_of(fitted, group: str, block: str) -> list[str]:
    """The labels of a factor's groups, its parts in lme4's order."""
    levels = [str(level) for level in fitted.random_effects[group].index]
    return levels if block == group or ":" not in group else [":".join(reversed(level.split(":"))) for level in levels]


def mixed(name: str):
    """One fit of lme4's: likelihoods, coefficients, standard errors, variances, predicted effects."""
    fitted, truth = fit(name), reference(name)
    fixed = order(fitted.params.index, truth["fixef"])
    se = np.array(list(truth["se"].values()))
    yield (
        "log-likelihood, AIC, BIC",
        [fitted.llf, fitted.aic, fitted.bic],
        [truth[k] for k in ("logLik", "AIC", "BIC")],
        0,
    )
    yield "coefficients", fitted.params.to_numpy()[fixed], list(truth["fixef"].values()), 1e-3 * se.max()
    yield "standard errors", fitted.bse.to_numpy()[fixed], se, 0
    parts = random_parts(fitted, truth)
    T = [fitted.covariance_matrix(group).to_numpy().ravel() for group in parts]
    floors = [1e-2 * np.sqrt(np.outer(np.diag(cov), np.diag(cov))).ravel() for cov in parts.values()]
    yield (
        "variances and covariances",
        np.concatenate([*T, [fitted.sigma**2]]),
        np.concatenate([*(cov.ravel() for cov in parts.values()), [truth["sigma2"]]]),
        np.concatenate([*floors, [0.0]]) + 1e-9,
    )
    values, known, sizes = [], [], []
    for name, block in truth["ranef_first5"].items():
        group = factor_of(fitted, name)
        effects, labels = fitted.random_effects[group], labels_of(fitted, group, name)
        values.append(effects.to_numpy()[[labels.index(str(level)) for level in block["levels"]]].ravel())
        known.append(np.ravel(block["blup"]))
        sizes.append(np.full(known[-1].shape, max(float(effects.abs().to_numpy().max()), 1e-4)))
    yield "predicted effects of groups (the first five)", *map(np.concatenate, (values, known, sizes))


def least_squares(name: str):
    """One fit of lm's, or the 23 regressions by school."""
    truth = reference(name)
    if name.endswith("byschool"):
        table = data("math")
        for school, n, intercept, slope in zip(*(truth[key] for key in ("schid", "n", "intercept", "slope"))):
            fitted = mlm.ols("math ~ homework", table[table["schid"].astype(int) == int(school)])
            yield "regressions by school", [fitted.nobs, *fitted.params], [n, intercept, slope], 0
        return
    fitted = mlm.ols(f"math ~ {OLS[name.removeprefix('ols_imm_math_')]}", data("math"))
    place = order(fitted.params.index, truth["fixef"])
    yield "coefficients", fitted.params.to_numpy()[place], list(truth["fixef"].values()), 0
    yield "standard errors", fitted.bse.to_numpy()[place], list(truth["se"].values()), 0
    known = [truth[key] for key in ("sigma", "logLik", "AIC", "BIC")]
    yield "log-likelihood, AIC, BIC", [fitted.sigma, fitted.llf, fitted.aic, fitted.bic], known, 0


def intraclass(name: str):
    """An ICC with its standard error and interval, and the observed information behind it."""
    truth, fitted = reference(name), fit(name.removeprefix("icc_"))
    found, row = mlm.icc(fitted), fitted.random_table().iloc[0]
    values = [found.estimate, found.se, found.lower, found.upper]
    yield "intraclass correlations", values, [truth["icc"], truth["se"], *truth["ci_logit"]], 0
    values = [row["estimate"], row["se"], row["lower"], row["upper"]]
    known = [truth["var_u"], truth["se_var_u"], *truth["ci_var_u"]]
    yield "standard errors and intervals of variances", values, known, 0


def degrees(name: str):
    """Degrees of freedom, adjusted standard errors and analyses of variance of lmerTest and pbkrtest."""
    from mlmlib.inference.small_sample import f_test, linear

    truth, fitted = reference(name), numeric_public(name.removeprefix("krsatt_"))
    names = [name.replace("public", R_NAMES["public"]) for name in fitted._names]
    rows = np.eye(len(names))[order(names, truth["coef_names"])]
    _, se, df = linear(fitted, rows, "satterthwaite")
    known = truth["satterthwaite_coef"]
    yield "Satterthwaite's degrees of freedom", df, known["df"], 0
    _, se, df = linear(fitted, rows, "kenward-roger")
    yield "Kenward and Roger's degrees of freedom", df, truth["kr_ddf"], 0
    adjusted = rows @ fitted._kenward_roger.cov @ rows.T
    yield "Kenward and Roger's standard errors", se, truth["kr_se"], 0
    floor = np.outer(se, se).ravel()
    yield "Kenward and Roger's covariances", adjusted.ravel(), np.ravel(truth["kr_vcov_adj"]), floor
    values, known = [], []
    for key, ddf in (("satterthwaite", "satterthwaite"), ("kr", "kenward-roger")):
        for kind in (1, 2, 3):
            if (given := truth.get(f"{key}_anova_type{kind}")) is None:
                continue
            table = fitted.anova(type=kind, ddf=ddf).table
            place = [list(map(variables, table.index)).index(variables(term)) for term in given["row_names"]]
            for mine, theirs in (("F", "F value"), ("DenDF", "DenDF"), ("NumDF", "NumDF"), ("p", "Pr(>F)")):
                values += table[mine].iloc[place].tolist()
                known += given[theirs]
    for key, ddf, theirs in (("satt", "satterthwaite", ("F value", "DenDF")), ("kr", "kenward-roger", ("stat", "ddf"))):
        if given := truth.get(f"{key}_joint_all_slopes"):
            test = f_test(fitted, rows[1:], ddf)
            values += [test.statistic, test.df[1]]
            known += [given[name] for name in theirs]
    if known:
        yield "analyses of variance and joint tests", values, known, 1e-12


def variables(term: str) -> frozenset:
    """The variables of a term, by our names of them."""
    return frozenset({"mean.ses": "mean_ses"}.get(part, part) for part in term.split(":"))


@cache
def numeric_public(key: str):
    """Our REML fit of an id; the math data with the number `public` that R was given, not our category."""
    table, formula = (LMM | SEVERAL)[key]
    if "schtype" not in formula:
        return fit(f"{key}_reml")
    rows = data(table)
    return mlm.lmm(formula.replace("schtype", "public"),
                   rows.assign(public=(rows["schtype"] == "Public").astype(float)))


KINDS = {  # how a file's name begins: what it is, and what is compared
    "ols_": ("lm", least_squares),
    "icc_": ("lme4 with numDeriv", intraclass),
    "krsatt_": ("lmerTest and pbkrtest", degrees),
    "": ("lme4", mixed),
}


def maker(name: str):
    """The comparison that a file of R's calls for; None where a test of its own holds it."""
    from . import glmm_results, glmm_sources

    if name in NAMES:
        return KINDS[""]
    if name in glmm_sources.names():
        return glmm_sources.software(name), glmm_results.compared
    known = next((KINDS[prefix] for prefix in KINDS if prefix and name.startswith(prefix)), None)
    needed = {"icc_": name.removeprefix("icc_"), "krsatt_": f"{name.removeprefix('krsatt_')}_reml"}
    fitted = next((needed[prefix] for prefix in needed if name.startswith(prefix)), None)
    return known if known and (fitted is None or fitted in NAMES) else None


@cache
def differences() -> tuple[Difference, ...]:
    """Every file that has a comparison here, kind by kind."""
    out = []
    for path in sorted((folder() / "r").glob("*.json")):
        known = maker(path.stem)
        for kind, values, truth, floor in known[1](path.stem) if known else ():
            out.append(Difference(path.stem, kind, int(np.size(truth)), relative(values, truth, floor)))
    return tuple(out)


def others() -> list[tuple[str, str]]:
    """(file, software) of the results that only tests of their own hold."""
    names = [path.stem for path in sorted((folder() / "r").glob("*.json"))]
    return [(name, stored(name)["software"]) for name in names if maker(name) is None]
