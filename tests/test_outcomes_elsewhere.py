"""Models of several outcomes in other programs: what the code says; with R, that it gives our criterion."""

import shutil
import subprocess
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm


@cache
def table(name):
    exam = mlm.load("gcsemv")
    if name == "exam":
        return exam
    if name == "odd":
        return exam.rename(columns={"course": "course work", "gender": "the sex", "school": "school no."})
    rng = np.random.default_rng(15)
    child, year = np.repeat(np.arange(80), 4), np.tile(np.arange(4.0), 80)
    u = rng.multivariate_normal([50, 5, 40, 6], np.diag([36, 2, 49, 3]) + 0.5, 80)
    e = rng.multivariate_normal([0, 0], [[9, 2], [2, 16]], 320)
    rows = pd.DataFrame(
        {
            "child": child,
            "year": year,
            "school": child // 8,
            "math": u[child, 2] + u[child, 3] * year + e[:, 1] + 5.0 * rng.normal(size=10)[child // 8],
            "read": u[child, 0] + u[child, 1] * year + e[:, 0] + 5.0 * rng.normal(size=10)[child // 8],
        }
    )
    rows["third"] = 0.3 * rows["math"] + 3 * rng.normal(size=80)[child] + rng.normal(0, 4, 320)
    rows["track"] = np.array(["low", "high", "mid"])[child % 3]
    rows.loc[::7, "read"] = np.nan
    rows.loc[::11, "year"] = np.nan
    return rows


FITS = {  # name: table, formula, options
    "exam": ("exam", "written + course ~ gender + (1 | school)", {}),
    "exam, ML": ("exam", "written + course ~ gender + (1 | school)", {"reml": False}),
    "equal": ("exam", "written + course ~ gender + (1 | school)", {"equal": "gender"}),
    "only": ("exam", "written + course ~ gender + (1 | school)", {"only": {"gender": "course"}}),
    "no groups": ("exam", "written + course ~ gender", {}),
    "sur": ("exam", "written + course ~ gender", {"only": {"gender": "course"}, "reml": False}),
    "function": ("exam", "I(written / 2) + course ~ gender + (1 | school)", {}),
    "two lines": ("tests", "read + math ~ year + (1 + year | child)", {}),
    "diagonal": ("tests", "read + math ~ year + (1 | child)", {"covariance": "independent"}),
    "three outcomes": ("tests", "read + math + third ~ track * year + (1 | child)", {}),
    "shared intercept": ("tests", "read + math ~ track + year + (1 | child)", {"equal": ["Intercept", "year"]}),
    "nested": ("tests", "read + math ~ year + (1 | school/child)", {"reml": False}),
    "odd names": ("odd", "written + `course work` ~ `the sex` + (1 | `school no.`)", {}),
}


@cache
def fit(name):
    rows, formula, options = FITS[name]
    return mlm.multivariate(formula, table(rows), **options)


@pytest.mark.slow
def test_r_gives_our_criterion(tmp_path):
    rscript = shutil.which("Rscript")
    if not rscript or subprocess.run([rscript, "-e", "library(lme4); library(nlme)"], capture_output=True).returncode:
        warnings.warn("R with lme4 and nlme is not here: the translations to R are NOT run.", stacklevel=1)
        pytest.skip("R with lme4 and nlme is not here")
    lines, ours = (
        [
            "suppressPackageStartupMessages({library(lme4); library(nlme)})",
            "both <- list(tolerance = 1e-9, msTol = 1e-11, opt = 'nlminb', returnObject = TRUE, "
            "maxIter = 200, msMaxIter = 500)",
        ],
        {},
    )
    for name in {rows for rows, *_ in FITS.values()}:
        table(name).to_csv(tmp_path / f"{name}.csv", index=False)
    for name, (rows, *_) in FITS.items():
        for target in ("lme4", "nlme"):
            text = fit(name).translate(target, data=rows)
            if not text.possible or target == "lme4" and "gls(" in text:
                continue
            text = text.replace("intervals(fit)", "").replace('method = "', 'control = both, method = "')
            lines.append(
                f"try(local({{ {rows} <- read.csv('{rows}.csv', check.names = FALSE); invisible({{\n{text}\n}}); "
                f"cat('RESULT|{name}|{target}|', format(as.numeric(logLik(fit)), digits = 15), '\\n', sep = '') }}))"
            )
            ours[name, target] = fit(name).llf
    (tmp_path / "run.R").write_text("\n".join(lines))
    run = subprocess.run([rscript, "run.R"], cwd=tmp_path, capture_output=True, text=True, timeout=500)
    found = {
        tuple(line.split("|")[1:3]): float(line.split("|")[3])
        for line in run.stdout.splitlines()
        if line.startswith("RESULT|")
    }
    assert set(found) == set(ours), run.stderr
    assert {name for name, _ in found} == set(FITS)
    for key, value in ours.items():
        assert found[key] == pytest.approx(value, abs=5e-5 if key[1] == "nlme" else 1e-3), key


SAID = {  # fit: program: what its code says
    "exam": {
        "nlme": "corSymm(form = ~ outcome_step | school/unit)",
        "lme4": "(0 + outcome | school) + (0 + outcome | unit)",
        "sas": "repeated outcome / subject=school*unit type=un;",
        "spss": "/REPEATED = outcome | SUBJECT(unit) COVTYPE(UN)",
        "stata": "|| unit:, noconstant residuals(unstructured, t(outcome)) reml",
        "hlm": "HMLM2",
        "julia": "Cannot",
        "statsmodels": "Cannot",
    },
    "exam, ML": {
        "stata": "rename (written course) (value1 value2)\nreshape long value, i(unit) j(outcome)",
        "sas": "method=ml",
    },
    "equal": {
        "stata": "mixed value d_written d_course gender_M, noconstant",
        "nlme": "lme(value ~ 0 + d_written + d_course + gender_M",
    },
    "only": {
        "spss": "/FIXED = d_written d_course d_course*gender_M | NOINT",
        "sas": "model value = d_written d_course d_course*gender_M",
    },
    "no groups": {
        "nlme": "gls(value ~ 0 + outcome + outcome:gender",
        "stata": "noconstant ///\n  || unit:, noconstant residuals(unstr",
        "sas": "repeated outcome / subject=unit type=un",
    },
    "function": {"stata": "generate I_written_2 = written / 2\nrename (I_written_2 course)", "sas": "I_written_2"},
    "two lines": {
        "stata": "d_math_year = d_math * year\nmixed value d_read c.d_read#c.year d_math c.d_math#c.year, "
        "noconstant ///\n  || child: d_read d_read_year",
        "sas": "random outcome outcome*year / subject=child type=un;",
        "spss": "/RANDOM = d_read d_read*year d_math d_math*year | SUBJECT(child) COVTYPE(UN)",
    },
    "diagonal": {"nlme": "pdDiag(~ 0 + outcome)", "lme4": "Cannot", "stata": "covariance(independent)"},
    "three outcomes": {"spss": "VARSTOCASES /MAKE value FROM read math third", "stata": "c.d_third#c.track_mid#c.year"},
    "nested": {"sas": "subject=school*child*unit type=un", "nlme": "school/child/unit"},
    "odd names": {
        "stata": "rename (written course_work)",
        "nlme": 'c("written", "course.work")',
        "sas": "the_sex(ref='F')",
    },
}


@pytest.mark.parametrize("name", SAID)
def test_what_the_code_says(name):
    for to, text in SAID[name].items():
        assert text in fit(name).translate(to, data=FITS[name][0]), (to, fit(name).translate(to, data=FITS[name][0]))
