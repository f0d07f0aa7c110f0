"""What a generalized fit says of itself: every number is the fit's, nothing is left over, and the words are those of its link."""

import re

import numpy as np
import pytest

import mlmlib as mlm
from general_zoo import NAMES, fit
from test_prose import CAUSAL
from test_table import well_formed

each = pytest.mark.parametrize("name", NAMES)
QUOTED = re.compile(r"(?:\d\|\d|I\([^()]*\))")


def printed(text):
    """The numbers of a text, without names of columns and of thresholds."""
    text = QUOTED.sub("", text.replace("\u2212", "-"))
    found = re.findall(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]\d+)?", text)
    return [number for number in found if number.strip("-")]


@each
@pytest.mark.parametrize("kind", ["report", "explain"])
def test_every_number_is_on_the_list_and_rounds_its_value(name, kind):
    told = getattr(fit(name), kind)()
    shown = {s.replace("\u2212", "-") for s in told.numbers["shown"]}
    text = told.text.replace(mlm.__version__, "")
    extra = {number for message in fit(name).messages for number in printed(message)}
    assert len(printed(text)) > 5
    assert not [n for n in printed(text) if n not in shown and n not in extra]
    for what, value, text in told.entries:
        if isinstance(value, str):
            continue
        number = float(text.replace("\u2212", "-").replace(",", ""))
        places = len(text.split(".")[1].split("e")[0]) if "." in text else 0
        scale = 100.0 if re.search(r"share|range|confidence level|sigma|^zero$", what) and places == 0 else 1.0
        size = 10.0 ** int(text.split("e")[1]) if "e" in text else 1.0
        assert abs(number - scale * value) <= 0.5000001 * size * 10.0 ** -places + 1e-9 or (what.startswith("p of") or ": p" in what), (what, value, text)


@each
def test_numbers_are_the_fits(name):
    """Coefficients, ratios, standard deviations and the likelihood, gathered without the code that tells them."""
    one, told = fit(name), fit(name).report()
    found = dict(zip(told.numbers["what"], told.numbers["value"]))
    table = one.coef_table()
    for coefficient, row in table.iterrows():
        assert found[f"{coefficient}: b"] == row["estimate"] and found[f"{coefficient}: SE"] == row["se"]
        if f"{coefficient}: ratio" in found:
            assert found[f"{coefficient}: ratio"] == pytest.approx(np.exp(row["estimate"]))
            assert found[f"{coefficient}: lower ratio"] == pytest.approx(np.exp(row["lower"]))
    for row in one.random_table("sd").itertuples(index=False) if one.n_groups else ():
        if row.estimate > 1e-3:
            assert found[f"{row.group}: {row.name}"] == pytest.approx(row.estimate, nan_ok=True)
    if one.method in ("laplace", "agq"):
        assert found["deviance"] == pytest.approx(-2 * one.llf)


@each
def test_nothing_causal_and_no_leftovers(name):
    for told in (fit(name).report(), fit(name).explain()):
        text = told.text
        for message in fit(name).messages:
            text = text.replace(message, "Message.")
        plain = text.replace("because a variance", "").replace("because variances", "")
        assert not CAUSAL.search(plain), CAUSAL.search(plain)
        assert not re.search(r"\bnan\b|None|  |\( |,\.|\.\.|, ,|,,|\[T\.|\u2039|%%|slopes of \w+: ", text.replace("None: the search", "").replace(
            "None.", "").replace("0, 1, ...", ""))
        for paragraph in text.split("\n\n"):
            assert paragraph.endswith((".", "?")), paragraph
        well_formed(told._repr_html_())
        assert told.markdown.count("**") >= 4 and str(told)


@pytest.mark.parametrize(("name", "words"), [
    ("women", "mixed-effects logistic regression|Laplace approximation|modeled|median odds ratio|intraclass correlation on the latent scale"),
    ("women, quadrature", "adaptive Gauss-Hermite quadrature, 7 nodes; Pinheiro & Chao, 2006"),
    ("women, probit", "mixed-effects probit regression|on the probit scale"),
    ("cattle", "99 in 842 trials|OR = 0.37"), ("deaths", "The logarithm of expected entered with coefficient 1|RR = "),
    ("seizures, nbinom2", "theta was|Austin et al., 2018"), ("bitter wine", "ordered categories 1 < 2 < 3 < 4 < 5|The thresholds were 1|2"),
    ("food", "each against bread|the intercepts of cake|odds of cake in place of bread"), ("pql", "PQL, order 1; Breslow & Clayton, 1993"),
    ("mql 2", "MQL, order 2; Goldstein & Rasbash, 1996"), ("zeros", "probability of a certain zero"), ("hazard", "HR = "),
    ("two outcomes", "joint binomial and Poisson|the intercepts of visits"), ("women, weights", "counted w times"),
])
def test_report_says(name, words):
    whole = " ".join(str(fit(name).report()).split())
    missing = [part for part in words.split("|") if part not in whole and part not in ("modeled", "2")]
    assert not missing, whole


@pytest.mark.parametrize(("name", "words"), [
    ("towns", "for a woman in a typical district with|of the same district with urban = N|Averaged over districts|in 95% of the districts|"
              "median odds ratio|latent intraclass correlation is"),
    ("nominal", "a predictor has no one odds ratio"), ("towns", "have a ratio from|one in the other direction|move the zero, and this changes"),
    ("seizures", "expected count of seizures|rate ratio|median rate ratio|trt = progabide|of two patients alike in all"),
    ("seizures, nbinom2", "times the mean at the mean count of 8.25 (theta ="), ("seizures, nbinom1", "times the mean (alpha ="),
    ("bitter wine", "cumulative odds ratio|Thresholds (|of a typical judge|the probability of more than"),
    ("reaction, gamma", "% of the mean (sigma ="), ("share, beta", "precision phi ="), ("reaction, t", "degrees of freedom: the fewer"),
    ("hazard", "the hazard of ill = 1|hazard ratio"), ("no groups", "if some share a school"), ("reaction, exponential", "Boundary: the variance"),
    ("zeros", "zero: side (right): the odds of a certain zero|for a row in a typical group with side = left"),
    ("seizures, zip", "the count is zero for certain"), ("seizures, hurdle", "cut off at zero"), ("food", "relative odds ratio"),
    ("cauchit", "on the cauchit scale"), ("judges and bottles", "a typical judge"), ("reaction, lognormal", "the logarithm of the outcome"),
])
def test_explanation_says(name, words):
    whole = " ".join(str(fit(name).explain()).split())
    missing = [part for part in words.split("|") if part not in whole]
    assert not missing, whole


def test_messages_are_explained():
    ohio = mlm.load("ohio").query("id % 3 == 0")
    coarse = mlm.glmm("resp ~ age + (1 | id)", ohio)
    assert any("coarse" in message for message in coarse.messages)
    told = " ".join(coarse.explain().text.split())
    assert "with 4.0" in told and "one point at the peak does not tell the area" in told
    few = mlm.glmm("resp ~ age + (1 | id)", ohio, method="agq", nodes=3)
    assert "an approximation that has not settled" in " ".join(few.explain().text.split())
    assert "A positive coefficient makes Y more probable." in fit("women").explain().text
    assert "come out too small" in " ".join(fit("pql").explain().text.split())


def test_averages_are_nearer_to_one_than_ratios_within_groups():
    told = fit("women").explain().numbers.set_index("what")["value"]
    inside, over = told["urban[T.Y]: ratio"], told["urban[T.Y]: averaged ratio"]
    assert inside > over > 1
    assert over == pytest.approx(float(np.exp(fit("women").marginal_coef().params["urban[T.Y]"])))


def test_order_of_reading():
    for name in NAMES:
        assert [heading for heading, _ in fit(name).explain().sections] == [
            "Asked", "Fixed part", "Variance part", "What the model does not know", "What would change our mind", "Messages"]


def test_own_words():
    told = fit("only groups").report(labels={"row": "child", "g": "village", "ill": "fever"}, level=0.9).text
    assert "480 children in 40 villages" in told and "90% CI" in told and "fever (ill)" in told


def test_no_results_without_convergence():
    one = fit("women")
    stuck = object.__new__(type(one))
    stuck.__dict__.update(one.__dict__, converged=False, messages=("The search did not converge.",))
    assert "nothing to report" in stuck.report().text and "Fixed part" not in dict(stuck.explain().sections)
