"""What a fit says of itself: every number is the fit's, and nothing is said that the model does not support."""
import itertools
import re
from functools import cache

import numpy as np
import pytest

import mlmlib as mlm
from models import data, fit
from test_table import well_formed

TOY = {"y": [1, 2, 3, 4, 2, 3, 4, 6, 1, 2, 2, 3.0], "x": [1, 2, 3, 4] * 3}
CAUSAL = re.compile(r"\b(caus\w*|effects? of|influenc\w*|impact\w*|leads? to|led to|due to|because of|increas\w*|decreas\w*|affect\w*|"
                    r"improv\w*|prov(e|es|ed)|significan\w*|determin\w*)\b", re.I)


@cache
def split():
    return mlm.within_between(data("hsb"), ["ses", "minority"], groups="school")


BUILD = {
    "iso": lambda: fit("hsb_iso_reml"), "null": lambda: fit("imm_null_reml"), "null ml": lambda: fit("imm_null_ml"),
    "intercept": lambda: fit("imm_hw_ri_reml"), "slope": lambda: fit("imm_hw_rs_ml"),
    "uncorrelated": lambda: fit("imm_hw_rs_uncorr_reml"), "interaction": lambda: fit("imm_publicXhw_rs_ml"),
    "three effects": lambda: fit("hsb_minority_reml"), "sleep": lambda: fit("sleepstudy_corr_reml"),
    "square": lambda: mlm.lmm("Reaction ~ Days + I(Days ** 2) + (1 | Subject)", data("sleepstudy")),
    "split": lambda: mlm.lmm("mathach ~ ses_within + ses_between + minority_Yes_within + (1 | school)", split()),
    "adjusted": lambda: mlm.lmm("mathach ~ ses + mean_ses + (1 | school)", data("hsb")),
    "ols": lambda: mlm.ols("math ~ homework * schtype", data("math")),
    "ols ml": lambda: mlm.ols("math ~ homework", data("math"), method="ml"),
    "ols null": lambda: mlm.ols("math ~ 1", data("math")),
    "categories": lambda: mlm.lmm("mathach ~ minority * female + sector * minority + (1 | school)", data("hsb")),
    "far": lambda: mlm.lmm("satisfaction ~ minutes + female + (1 + minutes | doctor)", data("patient")),
    "boundary": lambda: mlm.lmm("y ~ x + (1 | g)", {**TOY, "g": list("abcdabcdbcda")}),
    "perfect": lambda: mlm.lmm("y ~ x + (1 + x | g)", {**TOY, "g": np.repeat(list("abc"), 4)}),
    "identity": lambda: mlm.lmm("mathach ~ cses + (1 + cses | school)", data("hsb"), covariance="identity"),
    "dropped": lambda: mlm.lmm("math ~ homework + (1 | schid)",
                               data("math").assign(homework=data("math")["homework"].where(data("math")["homework"] < 7))),
}


@cache
def model(name):
    return BUILD[name]()


each = pytest.mark.parametrize("name", BUILD)


def printed(text):
    """The numbers of a text, as they stand, without the years of citations and without names of columns such as I(x ** 2)."""
    text = re.sub(r"(Schielzeth|Johnson), 20\d\d", r"\1", re.sub(r"I\([^()]*\)", "", text)).replace("\u2212", "-")
    found = re.findall(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?", text)
    return [number for number in found if number.strip("-")]


def quantities(one):
    """Everything in a fit that may be told, gathered without the code that tells it."""
    found = [0, 1, 0.95, 95, one.nobs, one.n_params, 3.11, *map(float, re.findall(r"\d+", " ".join(one.messages)))]
    table = one.coef_table()
    found += table.to_numpy().ravel().tolist()
    V, b, names = one.cov_params().to_numpy(), one.params.to_numpy(), list(one.params.index)
    for a, c in itertools.combinations(range(len(b)), 2):
        s = np.sqrt(V[a, a] + V[c, c] + 2 * V[a, c])
        found += [b[a] + b[c], *(b[a] + b[c] + q * s for q in (-1, 1) for q in (q * one._quantile(0.95),))]
    for k, name in enumerate(names):
        x = one.exog[name].to_numpy()
        found += [x.min(), x.max(), x.mean(), x.std()]
        sds = [x.std(ddof=1)]
        if getattr(one, "n_groups", None):
            groups = next(iter(one.groups.values()))
            sds.append(one.exog[name].groupby(groups.to_numpy()).first().std())
        found += [*sds, *(b[k] * s for s in sds)]
    if not getattr(one, "n_groups", None):
        found += [one.sigma, 2 * one.sigma / np.sqrt(np.pi), one.rsquared, 100 * one.rsquared, one.rsquared_adj, one.df_resid, one.df_model,
                  one.fvalue, one.f_pvalue] if one.ss_total else [one.sigma]
        return found
    group = next(iter(one.n_groups))
    sizes, rho, r2, lr = one.group_sizes[group], mlm.icc(one), mlm.r2(one), one.lr_vs_linear()
    found += [one.n_groups[group], sizes.min(), sizes.max(), sizes.mean(), rho.estimate, 100 * rho.estimate, rho.lower, rho.upper, r2.marginal,
              100 * r2.marginal, r2.conditional, 100 * r2.conditional, lr.statistic, lr.pvalue, *np.atleast_1d(lr.df), one.criterion]
    found += one.random_table("sd")[["estimate", "lower", "upper"]].to_numpy().ravel().tolist()
    T = one.covariance_matrix()
    for name in T:
        sd, middle = np.sqrt(T.loc[name, name]), one.params.get(name, 0.0)
        found += [2 * sd / np.sqrt(np.pi), middle - 1.959964 * sd, middle + 1.959964 * sd]
        from scipy.stats import norm
        found += [100 * norm.cdf(-abs(middle) / sd)] if sd > 0 else []
        found += [-T.loc["Intercept", name] / T.loc[name, name]] if sd > 0 and "Intercept" in T else []
    return [*found, 2 * one.sigma / np.sqrt(np.pi)]


def belongs(text, values):
    number = text.replace(",", "")
    places = len(number.split(".")[1]) if "." in number else 0
    return any(abs(abs(float(number)) - abs(v)) <= 0.5000001 * 10 ** -places + 1e-9 for v in values if v == v)


@each
@pytest.mark.parametrize("kind", ["report", "explain"])
def test_every_number_is_found_in_the_fit(name, kind):
    one = model(name)
    told = getattr(one, kind)()
    text = told.text.replace(mlm.__version__, "")
    values = quantities(one)
    numbers = printed(text)
    assert len(numbers) > (0 if name == "ols null" else 5)
    strangers = [n for n in numbers if not belongs(n, [*values, 0.001, 0.999])]
    assert not strangers, strangers
    shown = {s.replace("\u2212", "-") for s in told.numbers["shown"]}
    assert not [n for n in numbers if n not in shown]


@each
def test_ledger_holds_what_is_printed(name):
    for told in (model(name).report(), model(name).explain()):
        table = told.numbers
        assert not [s for s in table["shown"] if s not in told.text]


@each
def test_nothing_causal_and_no_leftovers(name):
    for told in (model(name).report(), model(name).explain()):
        text = told.text
        assert not CAUSAL.search(text.replace("because a variance", "").replace("because variances", "")), CAUSAL.search(text)
        assert not re.search(r"\bnan\b|None|  |\( |,\.|\.\.|, ,|\[T\.|\u2039", text.replace("None: the search", "").replace("None.", ""))
        for paragraph in text.split("\n\n"):
            assert paragraph.endswith((".", "?")), paragraph
        well_formed(told._repr_html_())
        assert told.markdown.count("**") >= 4 and str(told)


@pytest.mark.parametrize(("name", "words"), [
    ("iso", "restricted maximum likelihood (REML)|unstructured covariance matrix|7,185 students in 160 schools (14 to 67|cross-level interaction|"
            "cses was centered at the means of the schools|b = \u22121.64, SE = 0.24|Wald z tests|z = \u22126.85, p < .001|mlmlib (version|"
            "r = .39|ICC = .06|\u03c7\u00b2(3) = 220.56|conservative|leaves open how much the slopes of cses differ"),
    ("null ml", "by maximum likelihood (ML)|There were no predictors|The overall mean of mathematics score was b = |The deviance was"),
    ("null", "equal mixture of \u03c7\u00b2(0) and \u03c7\u00b2(1)"),
    ("uncorrelated", "a variance for each and no covariances"), ("identity", "one variance for all and no covariances"),
    ("intercept", "not centered within schools"), ("adjusted", "ith the group means of ses in the model, the slope of ses is that within schools"),
    ("sleep", "180 test days of 18 drivers (10 test days each)|Days had the same mean in all drivers"),
    ("ols", "ordinary least squares|t(515) = |F(3, 515) = |take the students as independent|included zero"),
    ("boundary", "estimated as zero, on the boundary|Singular fit"), ("perfect", "r = 1.00 (no interval: the fit is singular)"),
    ("dropped", "Remarks"), ("square", "The coefficient of I(Days ** 2) was"),
])
def test_report_says(name, words):
    whole = " ".join(str(model(name).report()).split())
    assert not [part for part in words.split("|") if part not in whole]


@pytest.mark.parametrize(("name", "words"), [
    ("iso", "of two students of the same school that differ by 1 in SES relative to the school (cses; on the SES scale), the higher one has 2.95 "
            "points more|typically lie 1.74 points apart|close to the boundary at zero|mlm.compare|these data do not tell whether"),
    ("null", "the mean of the schools' true means is 50.76 points|95% of the schools have a level from 40.74 to 60.78"),
    ("slope", "lie closest together where homework = 1.56|mlm.within_between splits them|23 schools the Wald intervals|about 31% have one"),
    ("far", "No patient has minutes = 0 (it runs from 3 to 29)|702 patients of 48 doctors"),
    ("boundary", "Boundary: the variance of the levels between groups is estimated as zero. That is not proof"),
    ("perfect", "Perfect correlation: the estimated lines of all groups cross in one point|centering does not cure it"),
    ("ols", "the standard errors are too small"), ("square", "has no meaning by itself: draw the predictions"),
])
def test_explanation_says(name, words):
    whole = " ".join(str(model(name).explain()).split())
    assert not [part for part in words.split("|") if part not in whole]


def test_order_of_reading():
    for one in map(model, BUILD):
        assert [heading for heading, _ in one.explain().sections] == [
            "Asked", "Fixed part", "Variance part", "What the model does not know", "What would change our mind", "Messages"]


def test_large_correlation_far_from_the_data():
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(40), 12)
    x = rng.normal(50, 4, len(g))
    y = 3 + 0.5 * (x - 50) + rng.normal(0, 1, 40)[g] + rng.normal(0, 0.6, 40)[g] * (x - 50) + rng.normal(0, 2, len(g))
    told = " ".join(mlm.lmm("y ~ x + (1 + x | g)", {"y": y, "x": x, "g": g}).explain().text.split())
    assert "Large correlation (" in told and "center x (mlm.center)" in told


def test_no_results_without_convergence():
    one = model("intercept")
    stuck = object.__new__(type(one))
    stuck.__dict__.update(one.__dict__, converged=False, messages=("The search did not converge.",))
    report = stuck.report()
    assert "nothing to report" in report.text and "b =" not in report.text
    assert "Fixed part" not in dict(stuck.explain().sections)


def test_own_words():
    one = mlm.lmm("y ~ x + (1 | g)", {**TOY, "g": np.repeat(list("abc"), 4)})
    told = one.report(labels={"row": "child", "g": "family", "y": "height", "x": "age"}, units={"y": "cm", "x": "years"}, level=0.9).text
    assert "height (y, in cm) was fitted to 12 children in 3 families (4 children each)" in told
    assert "90% CI" in told and "per unit of x, years" in told
    assert "differ by 1 in age (in years)" in one.explain(labels={"x": "age"}, units={"x": "years"}).text
