"""An answer, whatever it is: what a student reads of one that is of the wrong kind, and how answers cross to the grader."""

from __future__ import annotations

import math
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.grading import answers, check, codec, fits, public, rounding
from mlmlib.grading.answers import NotYet

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=["x", "y"])


class Odd:
    """Looks like an array of one value and has none."""

    size = 1


@pytest.mark.parametrize(("value", "number"), [
    (3, 3.0), ("6467", 6467.0), (np.float32(0.5), 0.5), (np.array([2.5]), 2.5), (np.array(7), 7.0), (pd.Series([1.5]), 1.5),
])
def test_what_counts_as_a_number(value, number):
    assert answers.as_number(value, "the slope") == number


@pytest.mark.parametrize(("value", "said"), [
    (None, "No answer yet for the slope."), (..., "No answer yet for the slope."), (True, "Give the slope as a number; this is True."),
    ("two", "without quotation marks; this is the text 'two'"), ([1.0], "as one number; this is a list."),
    (np.arange(3), "as one number; this is a ndarray with 3 values."), (len, "as one number; this is a builtin_function_or_method."),
    (1j, "as one number; this is a complex."), (10 ** 400, "as one number; this is a int."), (np.array(["x"]), "as one number; this is a str."),
    (Odd(), "as one number; this is a Odd."), (math.inf, "The slope came out as inf. Look for a division by zero"),
    ("nan", "The slope came out as nan."),
])
def test_what_is_no_number_is_named(value, said):
    with pytest.raises(NotYet) as refusal:
        answers.as_number(value, "the slope")
    assert said in str(refusal.value)


@pytest.mark.parametrize(("read", "value", "said"), [
    ("letter", None, "No answer yet for part 1."), ("letter", "", "No answer yet for part 1."), ("letter", "z", "one of 'a', 'b', 'c'; this is 'z'"),
    ("letter", 3, "one of 'a', 'b', 'c'; this is '3'"), ("letters", ..., "No answer yet for part 1."),
    ("letters", 3, "a set of letters such as {'a', 'c'}; this is a int"), ("letters", {"a", "y", "z"}, "Part 1 has the letters a, b, c; you also gave y, z."),
    ("truth", None, "No answer yet for part 1."), ("truth", "True", "True or False (no quotation marks); this is a str"),
    ("dict", None, "No answer yet for part 1."), ("dict", [1], "as a dict or a Series with names; this is a list"),
    ("dict", FRAME.to_numpy(), "this is a ndarray"), ("call", None, "No answer yet for part 1."), ("call", 3, "Part 1 should be a function; this is a int."),
    ("call", lambda x: None, "Part 1 returns nothing for the arguments 2.5: is `return` missing?"),
    ("call", lambda x: x / 0, "Part 1 stops for the arguments 2.5: ZeroDivisionError"),
    ("call", lambda x: "b", "the result of part 1 as a number, without quotation marks"),
    ("call", lambda x: answers.as_number(None, "x"), "No answer yet for x."),
])
def test_what_is_of_another_kind_is_named(read, value, said):
    with pytest.raises(NotYet) as refusal:
        {"letter": lambda: answers.as_letter(value, "abc", "part 1"), "letters": lambda: answers.as_letters(value, "abc", "part 1"),
         "truth": lambda: answers.as_truth(value, "part 1"), "call": lambda: answers.call(value, (2.5,), "part 1"),
         "dict": lambda: answers.as_dict(value, "part 1")}[read]()
    assert said in str(refusal.value)


def test_answers_in_many_forms_are_one():
    assert answers.as_letter(" B ", "abc", "x") == "b"
    assert answers.as_letters("C, a", "abc", "x") == answers.as_letters(["a", "C "], "abc", "x") == {"a", "c"}
    assert answers.as_truth(np.bool_(True), "x") is True and answers.as_truth(False, "x") is False
    assert answers.as_dict(FRAME[["a"]], "x") == answers.as_dict(FRAME["a"], "x") == {"x": 1.0, "y": 2.0} == answers.as_dict({"x": 1.0, "y": 2.0}, "x")
    assert answers.call(lambda x: 2 * x, (2.5,), "x") == 5.0
    long = answers._short(tuple(range(100)))
    assert len(long) == 80 and long.endswith("...")


# ---- replies of the grader ---------------------------------------------------------------------------------------------

def doubled(x):
    return 2 * x


@pytest.mark.parametrize(("act", "said"), [
    (lambda: check.number(-5.0, 5.0, what="x"), "The size is right and the sign is not"),
    (lambda: check.number(50.0, 0.5, what="x"), "a proportion and a percentage are mixed up"),
    (lambda: check.number(0.5, 50.0, what="x"), "a proportion and a percentage are mixed up"),
    (lambda: check.number(101.5, 100.0, what="x"), "You are within 2 %"),
    (lambda: check.number(30.0, 100.0, what="x", hint="Look at the table."), "30 is not x. Look at the table. Any sensible rounding counts"),
    (lambda: check.number(30.0, 1.0, what="x", between=(0, 10)), "30 cannot be x: it has to lie between 0 and 10."),
    (lambda: check.number(4.0, 2.0, what="x", known=[("Squared.", 4.0), ("Infinite.", math.inf)]), "4? Squared."),
    (lambda: check.number(4.0, 2.0, what="x", known={"4 is the square.": 4.0}), "4 is the square."),
    (lambda: check.choice("a", "b", {"a": "not that one"}), "a: not that one"),
    (lambda: check.choose("ab", {"a", "c"}, {"a": "A", "b": "B", "c": "C"}), "b (is not true): B c (is true, and missing): C"),
    (lambda: check.truth(False, True, what="x", reply="It is."), "It is."),
    (lambda: check.table({"p": 1}, {"p": 1, "q": 2}, what="numbers"), "Numbers lacks q; it has p."),
    (lambda: check.table({"p": 1, "q": 4}, {"p": 1, "q": 2}, what="numbers", known={"Squared.": {"p": 1, "q": 4}}), "Squared."),
    (lambda: check.table({"p": 1, "q": 9}, {"p": 1, "q": 2}, what="numbers", known={"Squared.": {"p": 1, "q": 4}}, hint="Hm."),
     "Numbers: 1 of 2 are right; look again at q. Hm. Any"),
    (lambda: check.function(lambda x: x * x, doubled, [1.5, 2.5], what="f", known={"That squares.": lambda x: x * x}), "That squares."),
    (lambda: check.function(lambda x: x * x, doubled, [2, 3], what="f", hint="Try 3.", known={"Cubed.": lambda x: x ** 3}),
     "F gives the right number for 1 of 2 inputs that we tried. Try 3."),
])
def test_a_wrong_answer_gets_its_reply(act, said):
    with pytest.raises(NotYet) as refusal:
        act()
    assert said in str(refusal.value)


def test_right_answers_pass_in_silence():
    mistake = SimpleNamespace(value=4.0, reply="Squared.")
    assert rounding.mistakes([mistake, (5.0, "Five."), ("Six.", 6)]) == [(4.0, "Squared."), (5.0, "Five."), (6.0, "Six.")]
    passed = [check.number(2.004, 2.0, what="x", known=[mistake]), check.choice("B", "b", {"a": "no"}), check.truth(True, True, what="x", reply="no"),
              check.choose("ca", {"a", "c"}, {"a": "", "c": ""}), check.table(pd.Series({"p": 1.0}), {"p": 1}, what="x"),
              check.function(lambda a, b: a + b, lambda a, b: b + a, [(1, 2)], what="f")]
    assert passed == [None] * 6


def test_what_follows_from_an_earlier_answer_counts_and_is_said():
    with check.submission({"first": 3.0, "far": 30.0, "fit": fits.record({"reml": True})}) as told:
        check.number(6.0, 5.0, what="twice the first", follows=lambda told: 2 * told("first", 0, 10))
        assert told.notes == ["Twice the first: 6 follows correctly from your own earlier answer and counts in full."]
        check.function(lambda x: 3 * x, doubled, [2.5], what="f", follows=lambda told: lambda x: told("first", 0, 10) * x)
        assert told.reml("fit") and told.fit("fit") == {"reml": True} and len(told.notes) == 2
        for follows in (lambda told: 2 * told("far", 0, 10), lambda told: told("first", 0, 10), lambda told: 1 / 0, lambda told: math.nan):
            with pytest.raises(NotYet, match="6 is not twice"):
                check.number(6.0, 5.0, what="twice", follows=follows)
        assert len(told.notes) == 2, "what is out of range, does not agree, or cannot be computed is no excuse"


# ---- the public check --------------------------------------------------------------------------------------------------

def sealed(act):
    """The seal that a student copy would carry for a hidden check."""
    with check.recording() as log:
        act(check.Name("x"))
    return check.make_seal(log[0], "salt")


@pytest.fixture(scope="module")
def locks():
    return {"number": sealed(lambda x: check.number(x, 5.0, what="the mean", known={"Squared.": 25.0}, between=(0, 100), confirm=True)),
            "open": sealed(lambda x: check.number(x, 5.0, what="the mean", between=(0, 100))),
            "choice": sealed(lambda x: check.choice(x, "b", {"a": "no"}, what="part 1")),
            "choose": sealed(lambda x: check.choose(x, {"b"}, {"a": "", "b": ""}, what="part 1")),
            "truth": sealed(lambda x: check.truth(x, True, what="part 1", reply="no")),
            "table": sealed(lambda x: check.table(x, {"p": 1.0, "q": 2.0}, what="the table")),
            "function": sealed(lambda x: check.function(x, doubled, [(2.5,)], what="the function")),
            "fit": sealed(lambda x: check.fit(x, None, what="the fit"))}


@pytest.mark.parametrize(("kind", "value", "said"), [
    ("number", 25.0, "25? Squared."), ("number", 500.0, "500 cannot be the mean"), ("number", 7.0, "7 is not the mean yet. Open the next hint."),
    ("choice", "z", "one of 'a', 'b'"), ("choose", "az", "you also gave z"), ("truth", 1, "True or False"), ("table", {"p": 1}, "The table lacks q."),
    ("table", {"p": 1, "q": "x"}, "Give the table, q as a number"), ("function", doubled("x"), "should be a function"),
    ("fit", None, "No answer yet for the fit."), ("fit", 3, "The fit should be a fitted model; this is a int."),
])
def test_a_public_check_says_what_is_wrong_with_the_form(locks, kind, value, said):
    with pytest.raises(NotYet) as refusal:
        check.form(value, locks[kind])
    assert said in str(refusal.value)


@pytest.mark.parametrize(("kind", "value"), [
    ("number", 5.0), ("open", 7.0), ("choice", "a"), ("choose", "a"), ("truth", False), ("table", {"p": 9, "q": 9}), ("function", lambda x: 99)])
def test_a_public_check_does_not_judge_what_it_does_not_confirm(locks, kind, value):
    assert check.form(value, locks[kind]) is None


def test_a_public_check_without_a_seal_asks_for_any_answer():
    assert check.form(3) is None
    for nothing in (None, ...):
        with pytest.raises(NotYet, match="No answer yet"):
            check.form(nothing)
    assert public.form is check.form


# ---- across to the grader ----------------------------------------------------------------------------------------------

class Named:
    pass


@pytest.mark.parametrize(("value", "back"), [
    (None, None), (..., ...), (True, True), (np.bool_(False), False), (3, 3.0), (np.int64(4), 4.0), (np.array(5.5), 5.5), ("word", "word"),
    ([1, "a"], [1.0, "a"]), ((1, 2), [1.0, 2.0]), ({"a", "b"}, {"a", "b"}), (frozenset({1}), {1.0}), ({(1, 2)}, {"[1.0, 2.0]"}),
    ({1: 2}, {"1": 2.0}), (np.arange(3), [0.0, 1.0, 2.0])])
def test_an_answer_arrives_as_it_was(value, back):
    assert codec.decode(codec.encode(value)) == back


def test_tables_and_functions_arrive_with_their_names():
    pd.testing.assert_frame_equal(pd.DataFrame(codec.decode(codec.encode(FRAME))), FRAME)
    series = codec.decode(codec.encode(FRAME["a"]))
    assert dict(zip(series.index, series)) == {"x": 1.0, "y": 2.0}
    assert math.isnan(codec.decode(codec.encode(math.nan))) and codec.decode(codec.encode(-math.inf)) == -math.inf
    sent = codec.encode(doubled, name="f")
    assert codec.decode(sent, lambda name: f"reached as {name}") == "reached as f"
    assert repr(codec.decode(sent)) == "f", "without a way to call it a function is unreadable"


@pytest.mark.parametrize(("value", "said"), [
    (list(range(20_001)), "list with more than 20000 values"), (dict.fromkeys(range(20_001)), "dict with more than 20000 values"),
    (np.zeros(20_001), "ndarray with 20001 values"), (pd.DataFrame(np.zeros((20_001, 1))), "DataFrame with 20001 values"), (Named(), "Named")])
def test_what_is_too_much_is_named_instead(value, said):
    found = codec.decode(codec.encode(value))
    assert isinstance(found, codec.Unreadable) and repr(found) == said


def test_what_is_nested_too_deeply_is_named_where_it_lies():
    back = codec.decode(codec.encode([[[[[[[[1]]]]]]]]))
    for _ in range(codec.MAX_DEPTH + 1):
        (back,) = back
    assert repr(back) == "something nested too deeply"


def test_what_is_no_message_of_ours_is_unreadable():
    assert repr(codec.decode([1, 2])) == "an unreadable value"
    assert repr(codec.decode({"t": "bomb", "v": "x" * 100})) == "x" * 60


# ---- fits --------------------------------------------------------------------------------------------------------------

@lru_cache
def fitted():
    data = mlm.load("math")
    pupils = data.assign(high=(data["math"] > 50).astype(int), job=data["homework"])
    return {"ols": mlm.ols("math ~ homework", data), "ml": mlm.lmm("math ~ homework + (1 | schid)", data, reml=False),
            "reml": mlm.lmm("math ~ homework + (1 | schid)", data), "renamed": mlm.lmm("math ~ job + (1 | schid)", pupils, reml=False),
            "more": mlm.lmm("math ~ homework + ses + (1 | schid)", data, reml=False), "rows": mlm.lmm("math ~ homework + (1 | schid)", data[5:], reml=False),
            "slopes": mlm.lmm("math ~ homework + (1 + homework | schid)", data, reml=False),
            "other": mlm.lmm("y ~ homework + (1 | schid)", data.assign(y=data["math"] + data["ses"]), reml=False),
            "logit": mlm.glmm("high ~ homework + (1 | schid)", pupils, family="binomial")}


@pytest.mark.parametrize(("found", "said"), [
    ("ml", ""), ("renamed", ""), ("ols", "a random part such as (1 | school) is missing"), ("reml", "it is fitted by REML, and the question asks for ML"),
    ("more", "the fixed part has ses, which the question does not ask for"), ("slopes", "the random part has schid: "),
    ("rows", "rows and not to all 519"), ("other", "the terms are right, but the fit is another one: were the data changed, or the outcome"),
    ("logit", "its family is binomial, and the question asks for a linear model"),
])
def test_a_fit_is_compared_and_the_first_difference_named(found, said):
    given, wanted = fits.describe(fitted()[found]), fits.describe(fitted()["ml"])
    reply = fits.differences(given, wanted)
    assert said in reply and bool(said) == bool(reply)
    lock = fits.sealed_fit(wanted, [(fits.describe(fitted()["reml"]), "By REML.")], "salt")
    told = fits.unlike(given, lock, "salt")
    assert said in told and bool(said) == bool(told), "the public check says the same"
    if said:
        with pytest.raises(NotYet, match="^The fit: "):
            check.fit(fitted()[found], fitted()["ml"], what="the fit")
    else:
        assert check.fit(fits.record(given), fitted()["ml"], what="the fit") is None


def test_a_known_wrong_fit_gets_its_own_reply():
    known = {"These are other data.": fitted()["other"]}
    with pytest.raises(NotYet, match=r"^The fit: These are other data\.$"):
        check.fit(fitted()["other"], fitted()["ml"], what="the fit", known=known)
    lock = fits.sealed_fit(fits.describe(fitted()["ml"]), [(fits.describe(fitted()["other"]), "These are other data.")], "salt")
    assert fits.unlike(fits.describe(fitted()["other"]), lock, "salt") == "These are other data."
    assert fits._opened(fits.describe(fitted()["slopes"]), lock["right"][:1], "salt") is None, "a lock of another number of parts stays shut"


def test_other_ways_for_a_fit_to_be_wrong():
    linear, mixed = fits.describe(fitted()["ols"]), fits.describe(fitted()["ml"])
    assert "asks for one without random effects" in fits.differences(mixed, linear)
    assert fits.differences(linear | {"params": {"x": 1.0}}, linear) == "the fixed part lacks Intercept, homework and has x."
    swapped = linear | {"params": {"Intercept": linear["params"]["Intercept"], "homework": 9.0}}
    assert "the coefficient of homework is another one: does each column hold" in fits.differences(swapped, linear)
    near = linear | {"params": {n: v + 0.02 * linear["se"][n] for n, v in linear["params"].items()}}
    assert not fits.same(near, linear) and fits.differences(near, linear) == "", "two optimizers may differ by so little"
    logit = fits.describe(fitted()["logit"])
    assert logit["kind"] == "mixed" and logit["link"] == "logit" and logit["dispersion"] == {}


@pytest.mark.parametrize("value", [None, 3, SimpleNamespace(params=[1.0], nobs=3), SimpleNamespace(params={"a": "x"}, nobs=3)])
def test_what_is_no_fit_is_none(value):
    assert fits.describe(value) is None
    for nothing in (None, 3):
        with pytest.raises(NotYet, match="No answer yet for the fit|should be a fitted model, as mlm.lmm or mlm.ols returns it; this is a int"):
            check.fit(nothing, None, what="the fit")


def test_a_wide_fit_and_a_quasi_likelihood_are_described():
    many = SimpleNamespace(params={str(i): 1.0 for i in range(13)}, bse={}, nobs=20, llf=-1.0)
    assert "cov" not in fits.describe(many) and fits.describe(many)["kind"] == "linear"
    none = pd.DataFrame({"group": ["g"], "name": ["Intercept"], "variance": [1.0]})
    quasi = SimpleNamespace(params={str(i): 1.0 for i in range(13)}, bse={}, nobs=20, llf=math.nan, variance_components=none, reml=False, criterion=math.nan,
                            family=SimpleNamespace(name="quasipoisson"), link="log", method="PQL", dispersion={"scale": 2.0})
    found = fits.describe(quasi)
    assert found["llf"] == found["criterion"] == 0.0 and found["link"] == "log" and found["dispersion"] == {"scale": 2.0}
