"""Random models by mlmlib, lme4, glmmTMB and ordinal, and who is right where they differ.

    python tests/differential.py [--first 0] [--last N] [--kind linear|general]     from the root of the book

Needs R with lme4, glmmTMB and ordinal; writes `tests/differential.json`. Each model (`differential_models.py`) is fitted by
us, by lme4 with its defaults and with tight tolerances, and by glmmTMB (of linear models at least every other one) or ordinal's clmm. A judge that is neither's
(`differential_judge.py`) evaluates the criterion from its definition at everybody's estimates. A fit is then

agrees       its criterion is ours to `CLOSE`
stopped      judged at its estimates the same criterion is higher than at ours, and has a slope there
elsewhere    the same without a slope: a second stationary point, such as a variance at zero that should not be
lower        judged, it is lower: ours is wrong
expected     its criterion is that of Laplace with the expected information, not the observed one
dispersion   lme4's gamma family has the deviance in the place of the dispersion
modes        judged it agrees or is higher, but it tells another value: its modes were not found to the end
no answer    an error, or no number
unexplained  none of these

and the file has the figures that say so.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

import mlmlib as mlm
from differential_judge import Laplace, linear, root
from differential_models import Case, draw

HERE = Path(__file__).parent
STORED = HERE / "differential.json"
COUNTS = {"linear": 520, "general": 320}  # seeds; blocks of them are done in any order and stored as they are ready
CLOSE = 1e-5
SLOPE = 1e-3  # of the criterion, for a step of a column of mean square one
BLOCK = 20
NOTHING = {"class": "no answer"}


def ours(case: Case):
    """Our fit."""
    t, offset = case.table, {"offset": "o"} if case.offset else {}
    if case.kind == "linear":
        return mlm.lmm(case.formula, t, reml=case.reml, **offset, **({"weights": "wt"} if case.weights else {}))
    family = "binomial" if case.family == "trials" else case.family
    trials = {"trials": "trials"} if case.family == "trials" else {}
    return mlm.glmm(case.formula, t, family=family, link=case.link, **offset, **trials)


def drawn(kind: str, seed: int):
    """The first draw of a seed that has a fit, the fit, and what was said of the draws before."""
    refused = []
    while True:
        case = draw(kind, seed, len(refused))
        try:
            return case, ours(case), refused
        except ValueError as problem:
            refused.append(f"{case.said()}: {str(problem)[:160]}")


def estimates(case: Case, fit) -> tuple:
    """Our coefficients, covariance matrices of the terms, and sigma or the density's own parameters."""
    b = np.asarray(fit.params, dtype=float)
    if case.kind == "linear":
        return b, fit._T, float(fit.sigma)
    if case.family == "ordinal":
        return b, fit._T, np.asarray(fit.thresholds, dtype=float)
    own = np.asarray(fit.dispersion, dtype=float)
    if case.family == "gamma":  # we and glmmTMB report the coefficient of variation, the judge takes the shape
        own = 1.0 / own**2
    return b, fit._T, own[0] if len(own) else None


def judge(case: Case, expected: bool = False):
    """The criterion as a function of estimates, by the judge; modes are kept from one call to the next."""
    if case.kind == "linear":
        return lambda at: linear(case, at[1], at[2], at[0])
    laplace = Laplace(case, expected)
    return lambda at: laplace(*at)


def judged(case: Case, at: tuple, expected: bool = False) -> float:
    """The criterion at given estimates."""
    return judge(case, expected)(at)


def tasks(case: Case) -> dict[str, str]:
    """What R is asked: program -> expression in `d`."""
    formula, offset = case.formula, ", offset = o" if case.offset else ""
    if case.kind == "linear":
        rest = f"{formula}, d, REML = {str(case.reml).upper()}{offset}"
        weights = ", weights = wt" if case.weights else ""
        made = {"lme4": f"lmer({rest}{weights}, control = plain)", "lme4 tight": f"lmer({rest}{weights}, control = tight)"}
        if case.weights or case.seed % 2:  # glmmTMB's weights are those of the log-likelihood, another model
            return made
        return made | {"glmmTMB": f"glmmTMB({rest}, se = FALSE)"}
    if case.family == "ordinal":
        apart = [f"(0 + {one} | {term.group})" if one != "1" else f"(1 | {term.group})" for term in case.terms
                 for one in term.effects] if not all(term.correlated for term in case.terms) else []
        if apart:
            return {}
        return {"ordinal": f"clmm(factor({formula.replace('y ~', 'y) ~')}, d, link = '{case.link}', "
                           "control = list(gradTol = 1e-6, maxIter = 200))"}
    formula = formula.replace("y ~", "cbind(y, failures) ~") if case.family == "trials" else formula
    name = {"trials": "binomial", "gamma": "Gamma", "beta": "beta_family"}.get(case.family, case.family)
    family = f"{name}('{case.link}')"
    made = {"glmmTMB": f"glmmTMB({formula}, d, family = {family}{offset}, se = FALSE)"}
    if case.family in ("binomial", "trials", "poisson"):
        made["lme4"] = f"glmer({formula}, d, {family}{offset}, control = gplain)"
        made["lme4 tight"] = f"glmer({formula}, d, {family}{offset}, control = gtight)"
    elif case.family == "gamma":
        made["lme4"] = f"glmer({formula}, d, {family}{offset}, control = gplain)"
    elif case.family == "nbinom2" and case.seed % 2 == 0:  # seconds each
        made["lme4"] = f"glmer.nb({formula}, d{offset})"
    return made


def in_r(asked: list[tuple[Case, dict[str, str]]]) -> dict:
    """{(number of the case, program): fields of the answer}."""
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for k, (case, expressions) in enumerate(asked):
            path = Path(folder) / f"{k}.csv"
            case.table.to_csv(path, index=False)
            lines += [f"{k}\t{path.as_posix()}\t{program}\t{code}" for program, code in expressions.items()]
        file = Path(folder) / "tasks"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run([shutil.which("Rscript"), "--vanilla", str(HERE / "differential.R"), str(file)],
                              capture_output=True, text=True, check=False)
    found = {}
    for line in done.stdout.splitlines():
        k, program, *fields = line.split("\t")
        found[int(k), program] = fields
    return found


def _floats(text: str) -> np.ndarray:
    return np.array([float(one) if one not in ("NA", "NaN") else np.nan for one in text.split(",")])


def read(case: Case, program: str, fields: list[str]) -> tuple[float, tuple] | None:
    """The criterion that a program told, and its estimates as the judge takes them; None without an answer."""
    if fields[0] == "error":
        return None
    value, b, own = float(fields[0]) if fields[0] not in ("NA", "NaN") else np.nan, _floats(fields[1]), _floats(fields[2])[0]
    if not np.isfinite(value) or not np.isfinite(b).all():
        return None
    found = {}
    for entry in fields[3].split(","):
        name, number = entry.split("=")
        group, *pair = name.split(";")
        # R makes g.c of g:c, and g.1 of the second term of g
        found[(group.replace("g.c", "g:c").partition(".")[0], *pair)] = float(number)
    named = {"1": "(Intercept)"}
    covariances = [np.array([[found.get((term.group, named.get(one, one), named.get(two, two)), 0.0)
                              for two in term.effects] for one in term.effects]) for term in case.terms]
    if case.family == "ordinal":
        slopes = case.columns().shape[1] - 1
        return value, (b[:slopes], covariances, b[slopes:])
    if case.family == "gamma":
        own = 1.0 / own**2
    return value, (b, covariances, own)


def gradient(case: Case, at: tuple) -> float:
    """The largest derivative of the judged criterion, in coefficients and factors of columns of mean square one."""
    b, covariances, own = at
    value = judge(case)
    X = case.columns()[:, case.family == "ordinal":]
    sizes = np.sqrt((X**2).mean(axis=0))
    unit = own if case.kind == "linear" else 1.0
    worst, h = 0.0, 1e-4

    def slope(change):
        return abs(value(change(h)) - value(change(-h))) / (2 * h)

    for k in range(0 if case.reml else len(b)):
        step = np.eye(len(b))[k] * unit / sizes[k]
        worst = max(worst, slope(lambda d, step=step: (b + d * step, covariances, own)))
    for k, (term, T) in enumerate(zip(case.terms, covariances)):
        L, sizes = root(T), np.sqrt((case.random_columns(term)[0] ** 2).mean(axis=0))
        for i, j in np.ndindex(L.shape):
            if not term.correlated and i != j:
                continue
            step = np.zeros(L.shape)
            step[i, j] = unit / sizes[i]

            def changed(d, k=k, L=L, step=step):
                factor = L + d * step
                return b, [factor @ factor.T if m == k else other for m, other in enumerate(covariances)], own

            worst = max(worst, slope(changed))
    return worst


def verdict(case: Case, program: str, told: float, at: tuple, best: float, mine: float) -> dict:
    """How a fit that gave an answer compares with ours, whose told and judged criteria are `best` and `mine`."""
    if case.family == "gamma" and program == "lme4":  # its dispersion is no estimate: the most favorable one is taken
        lowest = minimize_scalar(lambda log: judged(case, (*at[:2], np.exp(log))), bracket=(np.log(at[2]), np.log(at[2]) + 0.1))
        at = (*at[:2], float(np.exp(lowest.x)))
    theirs = judged(case, at)
    found = {"told": told - best, "judged": theirs - mine}
    if theirs - mine < -CLOSE:
        return found | {"class": "lower"}
    if abs(told - best) <= CLOSE:
        return found | {"class": "agrees"}
    if abs(told - theirs) <= CLOSE:
        return stopped(found | {"gradient": gradient(case, at)})
    if case.family == "gamma" and program == "lme4":
        return found | {"class": "dispersion"}
    if program.startswith("lme4") and case.link in ("probit", "cloglog") or program == "lme4" and case.family == "nbinom2":
        other = judged(case, at, expected=True)
        found["by expected"] = told - other
        if abs(told - other) < 1e-2 and abs(told - other) < 0.1 * abs(told - theirs):
            return found | {"class": "expected"}
    if abs(told - theirs) < 1e-2:
        return found | {"class": "modes", "gradient": gradient(case, at)}
    return found | {"class": "unexplained"}


def stopped(found: dict) -> dict:
    """The class of a fit whose criterion is ours and higher than ours, by the slope of the criterion there."""
    return found | {"class": "stopped" if found["gradient"] > SLOPE else "elsewhere"}


def compared(cases: list[tuple]) -> list[dict]:
    """Records of drawn cases, fitted by all."""
    asked = [(case, tasks(case)) for case, _, _ in cases]
    answers, records = in_r(asked), []
    for k, (case, fit, refused) in enumerate(cases):
        mine = judged(case, estimates(case, fit))
        record = {"kind": case.kind, "seed": case.seed, "model": case.said(), "rows": len(case.table),
                  "parameters": int(fit.n_params), "singular": bool(fit.is_singular), "ours": round(float(fit.criterion), 9),
                  "judge": float(f"{fit.criterion - mine:.2e}"), "gradient": float(f"{fit.gradient_norm:.1e}"),
                  "refused": refused, "others": {}}
        for program in asked[k][1]:
            fields = answers.get((k, program), ["error", "no line"])
            answer = read(case, program, fields)
            own = NOTHING | {"said": fields[1][:120]} if answer is None else verdict(
                case, program, *answer, float(fit.criterion), mine)
            note = {"note": fields[4]} if len(fields) > 4 and fields[4] else {}
            record["others"][program] = {key: float(f"{value:.3g}") if isinstance(value, float) else value
                                         for key, value in own.items()} | note
        records.append(record)
    return records


def write(records) -> None:
    lines = ",\n".join(json.dumps(one) for one in sorted(records, key=lambda one: (one["kind"], one["seed"])))
    STORED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main() -> None:
    asks = argparse.ArgumentParser()
    asks.add_argument("--kind", choices=tuple(COUNTS))
    asks.add_argument("--first", type=int, default=0)
    asks.add_argument("--last", type=int)
    asks.add_argument("--out", type=Path, help="a part's own file, to be joined with --join")
    asks.add_argument("--join", type=Path, nargs="*", help="parts to make the stored file of")
    args = asks.parse_args()
    if args.join:
        write([record for part in args.join for record in json.loads(part.read_text(encoding="utf-8"))])
        return
    done = []
    for kind in [args.kind] if args.kind else COUNTS:
        for first in range(args.first, args.last or COUNTS[kind], BLOCK):
            seeds = range(first, min(first + BLOCK, args.last or COUNTS[kind]))
            done += compared([drawn(kind, seed) for seed in seeds])
            if args.out:
                args.out.write_text(json.dumps(done), encoding="utf-8")
    if not args.out:
        write(done)


if __name__ == "__main__":
    main()
