"""Answers: the model's get full marks, every known mistake gets its own reply, wrong ones lose their own points only."""

from __future__ import annotations

import re

import pytest

import exercise_kit as kit
import mlmlib as mlm
from mlmlib.grading import answers, check, seal

# What a student who holds these misconceptions hands in, added after the model answers, and what it must cost.
WRONG = {
    "01_linear_model": {
        "q1_1 = 'a'": ("q1_1", 0, "independent"),
        "difference = -difference": ("q1_3", 1, "private minus public"),
        "variance_ols = np.sqrt(variance_ols)": ("q1_4", 1, "SD"),
        "ml_se = lambda se, n, p: se * (n - p) / n": ("q1_5", 0, "take the root"),
        "gap_3 = factorial.params['schtype[T.Public]']": ("q1_6", 0, "zero hours"),
        "q1_11 = 'ac'": ("q1_11", 0, "d (is true, and missing)"),
    },
    "02_clustering": {
        "q2_1 = 'd'": ("q2_1", 0, "R squared"),
        "deff = lambda n, icc: 1 + n * icc": ("q2_2", 0, "n - 1 *others*"),
        "icc = ms_between / (ms_between + ms_within)": ("q2_4", 2, "mean squares"),
        "se_mixed = se_ols": ("q2_5", 2, "(1 | school) is missing"),
        "rate = 0.05": ("q2_8", 0, "what the test promises"),
        "students_needed = 39": ("q2_11", 0, "one fewer"),
    },
    "03_random_intercepts": {
        "null = mlm.lmm('math ~ 1 + (1 | schid)', math)": ("q3_3", 2, "fitted by REML"),
        "icc = sigma2 / (tau00 + sigma2)": ("q3_4", 2, "share *within*"),
        "range_low = g - 1.96 * null.bse['Intercept']": ("q3_5", 2, "confidence interval of the intercept"),
        "mean_6327 = raw": ("q3_7", 2, "no pooling"),
        "p_three = 2 * p_three": ("q3_9", 2, "half of that"),
        "pred_new = pred_here": ("q3_11", 1, "no u of its own"),
    },
    "04_random_slopes": {
        "fit_un = fit_ind": ("q4_2", 1, "lacks schid: Intercept, homework"),
        "sd_slope = sd_slope ** 2": ("q4_3", 1, "the SD"),
        "p_cov = p_cov / 2": ("q4_5", 1, "plain chi2(1)"),
        "tau00_at = lambda c, t00, t01, t11: t00 + c * t01 + c ** 2 * t11": ("q4_7", 0, "twice"),
        "parameters = {'unstructured': 9, 'independent': 3, 'exchangeable': 2, 'identity': 1}": ("q4_11", 0, "symmetric"),
        "criterion = 46503.4": ("q4_12", 2, "false optimum"),
        "p_slope = stats.chi2.sf(lr_slope, 2)": ("q4_15", 1.5, "conservative"),
    },
    "05_level2_predictors": {
        "q5_1 = 'd'": ("q5_1", 0, "only at the level"),
        "means = coefs": ("q5_3", 2, "lacks mean_ses"),
        "slope_catholic = slope_catholic - slope_public": ("q5_5", 2, "*difference* of the slopes"),
        "gap_high = level": ("q5_6", 2, "at cses = 0"),
        "gap_se = both.bse[a] + both.bse[b]": ("q5_7", 1, "standard errors do not"),
        "prv_between = -prv_between": ("q5_9", 2, "not an error"),
        "p_slope = stats.chi2.sf(lr, 2)": ("q5_11", 1, "conservative"),
    },
    "06_centering": {
        "q6_1 = 'b'": ("q6_1", 0, "*group*-mean"),
        "slope_between = context": ("q6_3", 3, "Is raw ses in your model?"),
        "context_se = split.bse['ses_between'] - split.bse['ses_within']": ("q6_4", 2, "also for a difference"),
        "average = blend.params['ses']": ("q6_5", 1, "fitted coefficient"),
        "minority_z = parts.tvalues['is_minority_between']": ("q6_7", 2, "not whether company matters"),
        "tau_group = variances(mlm.lmm('mathach ~ cses + (1 | school)', hsb))['Intercept']": ("q6_8", 2, "REML"),
        "q6_11 = 'ab'": ("q6_11", 0, "d (is true, and missing)"),
        "sd_raw = sd_centered": ("q6_12", 2, "group-mean centered SES"),
    },
    "07_estimation": {
        "q7_1 = 'ab'": ("q7_1", 0, "divided by the spread"),
        "searched = {'A': 2, 'B': 4, 'C': 7}": ("q7_2", 0, "sigma squared too"),
        "at_guess = -at_guess / 2": ("q7_3", 2, "minus two"),
        "theta_null = tau00_null / sigma2_null": ("q7_4", 1, "theta is its root"),
        "height = values[0]": ("q7_5", 2, "subtract the minimum"),
        "change = -change": ("q7_7", 2, "new minus old"),
        "tau00_new = tau00_new - u_var": ("q7_9", 2, "Shrunken numbers"),
        "gamma_ml = -gamma_ml": ("q7_11", 3, "expected minus what is seen"),
        "the_false = 'b'": ("q7_12", 1, "not false"),
        "odds = odds ** 2": ("q7_13", 3, "minus *twice*"),
    },
}


class Graded(dict):
    """Rows by file name; the notebooks of an exercise are graded in one run when the first is asked for."""

    def __missing__(self, key):
        name = key.partition("/")[2].removesuffix(".ipynb")
        model = kit.model(name)
        books = {"model": model, "empty": kit.student(name)}
        if name in WRONG:
            books["wrong"] = kit.with_code(model, "\n".join(WRONG[name]))
        self.update(kit.grade({f"{kind}/{name}.ipynb": book for kind, book in books.items()},
                              autograders=kit.built_one(name) / "autograder"))
        return self[key]


@pytest.fixture(scope="module")
def graded():
    """Model answers, untouched student copies and copies with the wrong answers above, exercise by exercise."""
    return Graded()


@pytest.mark.parametrize("name", kit.NAMES)
def test_model_answers_get_full_marks(graded, name):
    row = graded[f"model/{name}.ipynb"]
    assert row["total"] == row["possible"], row["messages"]
    assert float(row["possible"]) >= 15 and float(row["to_grade_by_hand"]) >= 4
    assert row["messages"] == ""


@pytest.mark.parametrize("name", kit.NAMES)
def test_an_empty_copy_runs_and_gets_nothing(graded, name):
    row = graded[f"empty/{name}.ipynb"]
    assert row["total"] == "0"
    assert "No answer yet" in row["messages"]


@pytest.mark.parametrize("name", [n for n in kit.NAMES if n in WRONG])
def test_wrong_answers_lose_their_own_points_and_are_named(graded, name):
    row, full = graded[f"wrong/{name}.ipynb"], graded[f"model/{name}.ipynb"]
    replies = dict(re.findall(r"\[(\w+)\] (.*?)(?= // |$)", row["messages"]))
    for question, points, said in WRONG[name].values():
        assert float(row[question]) == pytest.approx(points, abs=0.51 if points else 0) and row[question] != full[question]
        assert said in replies[question], (question, replies[question])
    touched = {question for question, *_ in WRONG[name].values()}
    lost = {q for q in full if re.fullmatch(r"q\d+_\d+", q) and row[q] != full[q]}
    assert lost == touched


SLIPS = {
    "REML": ("null = mlm.lmm('math ~ 1 + (1 | schid)', math)\ntau00, sigma2 = null.variance_components['variance']", 0,
             ["q3_4", "q3_5", "q3_7", "q3_9", "q3_10"]),
    "SDs": ("tau00, sigma2 = tau00 ** 0.5, sigma2 ** 0.5", 1, ["q3_5", "q3_7", "q3_10"]),
}


def test_one_early_slip_costs_its_own_points_only():
    """Later steps that follow correctly from it count in full, and the reply says so."""
    name = "03_random_intercepts"
    books = {f"{slip}.ipynb": kit.with_code(kit.model(name), code, after="sigma2 = null.sigma")
             for slip, (code, *_) in SLIPS.items()} | {"model.ipynb": kit.model(name)}
    rows = kit.grade(books)
    full = rows["model.ipynb"]
    for slip, (_, left, later) in SLIPS.items():
        row = rows[f"{slip}.ipynb"]
        lost = {q for q in full if re.fullmatch(r"q\d+_\d+", q) and row[q] != full[q]}
        assert lost == {"q3_3"} and float(row["q3_3"]) <= left + 1, (slip, row["messages"])
        for question in later:
            assert f"[{question}]" in row["messages"], (slip, question)
        assert "follows correctly from your own earlier answer" in row["messages"]


BOTH = "both = mlm.lmm('mathach ~ cses * mean_ses {} sector + (1 + cses | school)', hsb, reml={})"


def test_a_wrong_fit_costs_its_own_points_only():
    """What follows from the fit `both` of chapter 5 counts in full: by ML, or with a product too many."""
    name = "05_level2_predictors"
    ml = kit.with_code(kit.model(name), BOTH.format("+ cses *", False), after="both = mlm.lmm")
    ml = kit.with_code(ml, "six = six.refit(reml=False)\nlr = six.criterion - both.criterion\n"
                       "p_slope = (stats.chi2.sf(lr, 1) + stats.chi2.sf(lr, 2)) / 2", after="six = mlm.lmm")
    more = kit.with_code(kit.model(name), BOTH.format("*", True), after="both = mlm.lmm")
    rows = kit.grade({"model.ipynb": kit.model(name), "ml.ipynb": ml, "more.ipynb": more})
    full = rows["model.ipynb"]
    for file, reply, spared in (("ml.ipynb", "fitted by ML", set()), ("more.ipynb", "which the question does not ask for", {"q5_11"})):
        lost = {q for q in full if re.fullmatch(r"q\d+_\d+", q) and rows[file][q] != full[q]}
        assert lost - spared == {"q5_3"}, (file, rows[file]["messages"])
        assert float(full["q5_3"]) - float(rows[file]["q5_3"]) == pytest.approx(1)
        assert reply in rows[file]["messages"] and "follows correctly" in rows[file]["messages"]


def test_public_checks_confirm_the_fits_that_later_steps_stand_on():
    confirmed = {r.name: r for name in ("05_level2_predictors", "06_centering") for *_, r in kit.checks(name) if r.kind == "fit"}
    assert set(confirmed) == {"means", "coefs", "both", "blend", "split"} and all(r.confirm for r in confirmed.values())
    math = mlm.load("math")
    math["own"] = math.groupby("schid")["ses"].transform("mean")
    math["apart"], math["ses_within"] = math["ses"] - math["own"], math["ses"] - math["ses"].mean()
    math["ses_between"] = math["own"]
    sealed = check.make_seal(confirmed["split"], "salt")
    assert "ses_between" not in str(sealed)

    def reply(formula, reml=False):
        with pytest.raises(check.NotYet) as refusal:
            check.form(mlm.lmm(formula, math, reml=reml), sealed)
        return str(refusal.value)

    check.form(mlm.lmm("math ~ own + apart + (1 | schid)", math, reml=False), sealed)  # own names for the right columns
    assert "lacks ses_between" in reply("math ~ ses_within + (1 | schid)")
    assert "fitted by REML" in reply("math ~ ses_within + ses_between + (1 | schid)", reml=True)
    assert "zero in every school" in reply("math ~ ses_within + ses_between + (1 | schid)")  # centered at the grand mean
    assert "random part" in reply("math ~ ses_within + ses_between + (ses | schid)")


@pytest.mark.parametrize(("name", "fit", "data", "groups", "formula", "right", "wrong"), [
    ("06_centering", "split", mlm.load("math"), "schid", "math ~ {} + (1 | schid)", "ses_within + ses_between",
     ["ses + ses_between", "ses_within + ses"]),
    ("13_growth", "parts", mlm.load("wages").assign(hgc9=lambda t: t["hgc"] - 9, ses=lambda t: t["uerate"] - 7), "id",
     "lnw ~ exper * black + hgc9 + {} + (1 + exper | id)", "ses_between + ses_within", ["ses + ses_between", "ses_within + ses"]),
])
def test_an_equal_likelihood_is_no_equal_model(name, fit, data, groups, formula, right, wrong):
    """Of the same height with other coefficients: neither the public check nor the hidden one takes it."""
    test, record = next((test, r) for _, test, _, r in kit.checks(name) if r.name == fit)
    sealed, split = check.make_seal(record, "salt"), mlm.within_between(data, ["ses"], groups=groups)
    fits = {terms: mlm.lmm(formula.format(terms), split, reml=False) for terms in (right, *wrong)}
    check.form(fits[right], sealed)
    test(**{fit: fits[right]})
    for terms in wrong:
        assert fits[terms].llf == pytest.approx(fits[right].llf, abs=1e-6)
        for refuse in (lambda: check.form(fits[terms], sealed), lambda: test(**{fit: fits[terms]})):
            with pytest.raises(check.NotYet):
                refuse()


def test_a_column_that_does_not_hold_what_its_name_says_is_no_full_mark():
    test, _ = next((test, names) for q, test, names, r in kit.checks("06_centering") if r.name == "split")
    d = mlm.within_between(mlm.load("math"), ["ses"], groups="schid")
    wrong = d.assign(ses_within=d["ses"] - d["ses"].mean())
    for data, refused in ((d, False), (wrong, True)):
        fit = mlm.lmm("math ~ ses_within + ses_between + (1 | schid)", data, reml=False)
        if refused:
            with pytest.raises(check.NotYet, match="zero in every school"):
                test(split=fit)
        else:
            test(split=fit)


def test_a_number_in_quotes_is_a_number():
    assert answers.as_number("6467", "x") == 6467 and answers.as_number(" -0.25 ", "x") == -0.25
    with pytest.raises(check.NotYet, match="without quotation marks"):
        answers.as_number("school 6467", "x")


@pytest.fixture
def quick_seals(monkeypatch):
    """Seals that open at once: their slowness is for the world outside."""
    monkeypatch.setattr(seal, "ROUNDS", 1)
    seal._key.cache_clear()
    yield
    seal._key.cache_clear()


@pytest.mark.usefixtures("quick_seals")
@pytest.mark.parametrize("name", kit.NAMES)
def test_every_known_mistake_gets_its_reply(name):
    """In the hidden test; for numbers also in the public one, which knows the mistake and not the answer."""
    seen = 0
    for q, test, names, record in kit.checks(name):
        if record.kind == "choose":
            continue
        sealed = check.make_seal(record, "salt")
        for wrong, reply in record.known:
            with pytest.raises(check.NotYet) as refusal:
                test(**{names[0]: wrong})
            assert reply in str(refusal.value), (q.name, record.name, wrong)
            seen += 1
            if record.kind == "number":
                with pytest.raises(check.NotYet) as refusal:
                    check.form(wrong, sealed)
                assert reply in str(refusal.value), (q.name, record.name, wrong)
    assert seen >= 40


@pytest.mark.usefixtures("quick_seals")
@pytest.mark.parametrize("name", kit.NAMES)
def test_rounding_to_the_digits_asked_for_counts(name):
    for q, test, names, record in kit.checks(name):
        if record.kind == "number" and record.expected:
            rounded = float(f"{record.expected:.{max(record.digits, 3)}g}")
            test(**{names[0]: rounded})
            sealed = check.make_seal(record, "salt")
            check.form(rounded, sealed)
            assert record.between is None or record.between[0] <= record.expected <= record.between[1], q.name


@pytest.mark.parametrize("name", kit.NAMES)
def test_wrong_sets_are_answered_letter_by_letter(name):
    for q, test, names, record in kit.checks(name):
        if record.kind == "choose":
            for letter, reply in record.known:
                with pytest.raises(check.NotYet) as refusal:
                    test(**{names[0]: record.expected ^ {letter}})
                assert reply in str(refusal.value), (q.name, letter)


@pytest.mark.parametrize("name", kit.NAMES)
def test_public_checks_of_choices_do_not_tell_right_from_wrong(name):
    for _, _, _, record in kit.checks(name):
        if record.kind == "choice":
            sealed = check.make_seal(record, "salt")
            assert all(check.form(letter, sealed) is None for letter in record.options)
            assert record.expected not in {v for k, v in sealed.items() if k != "options" and isinstance(v, str) and len(v) == 1}
