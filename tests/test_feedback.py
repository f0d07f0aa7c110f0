"""Known mistakes: what they give, how answers are matched, and that the page's script judges alike."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from inspect import signature

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib import feedback
from mlmlib.feedback.facts import Facts
from mlmlib.feedback.judge import read
from toc import ROOT


@pytest.fixture(scope="module")
def math():
    return mlm.load("math")


@pytest.fixture(scope="module")
def null(math):
    return mlm.lmm("math ~ 1 + (1 | schid)", math)


@pytest.fixture(scope="module")
def slopes(math):
    return mlm.lmm("math ~ homework + (homework | schid)", math)


def values(question):
    return {m.name: m.value for m in question.mistakes}


# ---- the tables


def test_every_entry_is_about_something_that_can_be_asked():
    for entry in feedback.MISTAKES:
        assert set(entry.asked) <= set(feedback.asked()), entry.name
        assert "{value}" in entry.reply and entry.reply.rstrip().endswith((".", "?"))
        assert not re.search(r"[{}]", entry.reply.format(value="1", asked=entry.asked[0]))


def test_names_are_unique_for_each_question():
    for asked in feedback.asked():
        names = [e.name for e in feedback.MISTAKES if asked in e.asked]
        assert len(names) == len(set(names)) >= 1, asked


def test_every_fact_is_had_from_fits_or_named_as_given():
    given = {"right", "sign", "power", "conflated", "between_slope", "within_slope", "before", "after", "mean"}
    functions = [*feedback.ANSWERS.values(), *(e.compute for e in feedback.MISTAKES)]
    needed = {name for function in functions for name in signature(function).parameters}
    from_fits = {name for name in dir(Facts) if isinstance(getattr(Facts, name), property)}
    assert needed <= from_fits | given


# ---- what known mistakes give


def test_variance(null, math):
    q = feedback.question("variance", null, of="Intercept")
    ml = mlm.lmm("math ~ 1 + (1 | schid)", math, reml=False)
    assert q.right == pytest.approx(null.covariance_matrix().iloc[0, 0])
    found = values(q)
    assert found["SD for variance"] == pytest.approx(np.sqrt(q.right))
    assert found["ML for REML"] == pytest.approx(ml.covariance_matrix().iloc[0, 0], rel=1e-5)
    assert found["wrong level"] == pytest.approx(null.sigma**2)
    assert found["raw means"] == pytest.approx(math.groupby("schid")["math"].mean().var())
    residual = values(feedback.question("variance", null, of="Residual"))
    assert residual["standard error"] == pytest.approx(null.variance_components["se"].iloc[1])
    assert residual["wrong level"] == pytest.approx(q.right) and "raw means" not in residual


def test_sd_turns_everything_into_sds(slopes):
    q = feedback.question("sd", slopes, of="homework")
    assert q.right == pytest.approx(np.sqrt(slopes.covariance_matrix().loc["homework", "homework"]))
    assert values(q)["variance for SD"] == pytest.approx(q.right**2)
    assert values(q)["wrong level"] == pytest.approx(slopes.sigma)


def test_icc(null, math):
    fit = mlm.lmm("math ~ homework + (1 | schid)", math)
    q, found = feedback.question("icc", fit), values(feedback.question("icc", fit))
    assert q.right == pytest.approx(mlm.icc(fit).estimate)
    assert found["share within"] == pytest.approx(1 - q.right)
    assert found["ratio of variances"] == pytest.approx(q.right / (1 - q.right))
    assert found["unconditional for residual"] == pytest.approx(mlm.icc(null).estimate, rel=1e-5)
    assert "unconditional for residual" not in values(feedback.question("icc", null))


def test_coefficient_and_se(slopes, math):
    ols = mlm.ols("math ~ homework", math)
    b, se = (feedback.question(asked, slopes, of="homework") for asked in ("coefficient", "se"))
    assert (b.right, se.right) == pytest.approx((slopes.params["homework"], slopes.bse["homework"]))
    assert values(b)["OLS for the model"] == pytest.approx(ols.params["homework"])
    assert values(se)["OLS for the model"] == pytest.approx(ols.bse["homework"])
    standardized = slopes.params["homework"] * math["homework"].std() / math["math"].std()
    assert values(b)["standardized for raw"] == pytest.approx(standardized)
    assert "OLS for the model" not in values(feedback.question("coefficient", ols, of="homework"))


def test_total_for_within(math):
    split = mlm.within_between(math, "homework", groups="schid")
    fit = mlm.lmm("math ~ homework_within + (1 | schid)", split)
    both = {"conflated": 2.9, "between_slope": 4.0}
    found = values(feedback.question("coefficient", fit, of="homework_within", **both))
    assert found["total for within"] == 2.9 and found["between for within"] == 4.0


def test_intervals_and_ranges(slopes):
    lower, upper = (feedback.question(f"interval {end}", slopes, of="homework") for end in ("lower", "upper"))
    assert [lower.right, upper.right] == pytest.approx(slopes.conf_int().loc["homework"].tolist())
    assert values(lower)["other end"] == pytest.approx(upper.right)
    low, high = (feedback.question(f"range {end}", slopes, of="homework") for end in ("lower", "upper"))
    assert values(low)["interval for range"] == pytest.approx(lower.right, rel=1e-6)
    assert values(upper)["range for interval"] == pytest.approx(high.right, rel=1e-6)


def test_groups(null, math):
    q = feedback.question("reliability", null, of=6327)
    assert q.right == pytest.approx(mlm.reliability(null).table.loc[6327, "Intercept"])
    mean = feedback.question("group mean", null, of=6327)
    raw = math.loc[math["schid"] == 6327, "math"].mean()
    assert mean.right == pytest.approx(null.coefficients["schid"].loc[6327, "Intercept"])
    assert values(mean)["raw for shrunken"] == pytest.approx(raw)
    numbers = feedback.question("shrunken mean", mean=raw, grand=null.params["Intercept"], n=8,
                                between=mlm.icc(null).between, within=mlm.icc(null).within)  # fmt: skip
    assert numbers.right == pytest.approx(mean.right)


def test_design_effects_from_numbers():
    assert feedback.question("design effect", icc=0.1, n=25).right == pytest.approx(3.4)
    q = feedback.question("effective n", icc=0.1, n=25, J=40)
    assert q.right == pytest.approx(mlm.design_effect(0.1, 25, groups=40).n_eff)
    assert values(q)["n for effective n"] == 1000 and values(q)["J for effective n"] == 40


def test_likelihood(null):
    q = feedback.question("variance p-value", null)
    assert q.right == pytest.approx(null.lr_vs_linear().pvalue)
    assert feedback.question("variance p-value", lr=2.0).mistakes[0].value == pytest.approx(0.1573, abs=1e-4)
    assert feedback.question("deviance", null).right == pytest.approx(null.criterion)


def test_mistakes_that_cannot_be_told_apart_are_left_out():
    q = feedback.question("icc", between=50, within=50)
    assert "share within" not in values(q)
    found = [q.right, *values(q).values()]
    assert all(abs(a - b) > 1e-3 for i, a in enumerate(found) for b in found[:i])


def test_missing_facts_are_named():
    with pytest.raises(ValueError, match="'icc' needs between, within; within is not given"):
        feedback.question("icc", between=3)
    with pytest.raises(ValueError, match="one can ask for coefficient"):
        feedback.question("iccs")


# ---- matching


def test_replies(null):
    q = feedback.question("variance", null, of="Intercept")  # 26.12
    for given in ("26", "26.1", "26.12", "26,12", 26.124, "26.15"):
        assert q.reply(given).right, given
    for given in ("5.1", "5.11", 5.1112, " 5.11 "):
        assert q.reply(given).mistake == "SD for variance"
    assert str(q.reply("5.11")) == "5.111 is the SD; the question asks for the variance, its square."
    verdicts = {"35": "far", "-26.1": "sign", "2612": "percent", "3e1": "coarse", "many": "unread"}
    verdicts[float("nan")] = "unread"
    assert {given: q.reply(given).verdict for given in verdicts} == verdicts


def test_reading():
    assert read("1,207.5")[0] == 1207.5 and read("\u22121.2")[0] == -1.2 and read("24 %") == (0.24, 0.005, 2)
    assert read("1e-3") == (0.001, 0.0005, 1) and read("") is None and read("1.2.3") is None


def test_no_reply_gives_the_answer_away(null):
    q = feedback.question("variance", null, of="Intercept")
    for given in ("35", "-26.1", "2612", "3e1", "5.11", "200", "25.5"):
        assert "26.1" not in str(q.reply(given))


def test_export(null):
    q = feedback.question("icc", null)
    exported = json.loads(json.dumps(q.to_json()))
    assert exported["answer"] == q.right and len(exported["known"]) == len(q.mistakes) == len(q.known)


def test_the_page_judges_alike(null, tmp_path):
    """answers.js gives the same verdict and the same words."""
    if shutil.which("node") is None:
        pytest.skip("NO NODE ON THIS MACHINE: the page's judgment is not compared with mlmlib's")
    script = (ROOT / "mlmlib" / "widgets" / "js" / "answers.js").read_text(encoding="utf-8").replace("export ", "")
    script += """
const {key, answers} = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(answers.map((a) => {
  const v = judgeNumber(a, key);
  return [v.verdict, v.verdict === "known" ? v.reply : v.verdict === "right" ? "Right." : nudge(v)];
})));"""
    (tmp_path / "answers.cjs").write_text(script, encoding="utf-8")
    question = feedback.question("icc", null)
    answers = "0.24 0.243 0.2433 .24 0,243 24.3% 24.3 0.2 0.757 .76 0.32 -0.243 0.25 0.245 0.9 3.1 80 0.06 x 1e9 0.05"
    answers = [*answers.split(), "\u22120.24", "0.4932", "0.362", "12.1", "", "24.3 %"]
    done = subprocess.run(["node", str(tmp_path / "answers.cjs")], capture_output=True, text=True, timeout=60,
                          input=json.dumps({"key": question.to_json(), "answers": answers}))  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = [question.reply(a) for a in answers]
    assert [[r.verdict, str(r)] for r in ours] == json.loads(done.stdout)


def test_self_checks_and_graded_exercises_take_the_mistakes(null):
    from mlmlib.grading import check

    q = feedback.question("variance", null, of="Intercept")
    mlm.ask.number("ch03-tau", "The variance between schools?", q.right, known=q.mistakes)
    assert len(check.mistakes(q.mistakes)) == len(check.mistakes(q.known)) == len(q.mistakes)
