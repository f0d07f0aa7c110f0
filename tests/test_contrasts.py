"""Linear hypotheses in words."""

import numpy as np
import pytest
from ddf_cases import case

import mlmlib as mlm
from mlmlib.inference.contrasts import describe, hypotheses

NAMES = ["Intercept", "x", "x2", "cses", "sector[T.Catholic]", "cses:sector[T.Catholic]", "I(x ** 2)", "np.log(x)",
         "grade[T.a, b = c]", "my var", "g[T.11:x]:x", "C(x)[T.1-2]", "x.1"]


def weights(text):
    C, r, _ = hypotheses(text, NAMES)
    return [({name: w for name, w in zip(NAMES, row) if w}, value) for row, value in zip(C, r)]


@pytest.mark.parametrize(("text", "known"), [
    ("x = 0", [({"x": 1}, 0)]),
    ("x", [({"x": 1}, 0)]),
    ("x = 0, x2 = cses", [({"x": 1}, 0), ({"x2": 1, "cses": -1}, 0)]),
    ("x = x2 = 0", [({"x": 1, "x2": -1}, 0), ({"x2": 1}, 0)]),
    ("x; x2", [({"x": 1}, 0), ({"x2": 1}, 0)]),
    ("2*x - x2/4 = 1.5e1", [({"x": 2, "x2": -0.25}, 15)]),
    ("x*2 = -3", [({"x": 2}, -3)]),
    ("1 + x = 3", [({"x": 1}, 2)]),
    ("(x + x2 + cses) / 3 == 0", [({"x": 1 / 3, "x2": 1 / 3, "cses": 1 / 3}, 0)]),
    ("-(x - 2*(x2 - 1)) = 0", [({"x": -1, "x2": 2}, 2)]),
    ("cses + 0.5 * cses:sector[T.Catholic] = 2", [({"cses": 1, "cses:sector[T.Catholic]": 0.5}, 2)]),
    ("sector[T.Catholic]:cses", [({"cses:sector[T.Catholic]": 1}, 0)]),
    ("I(x ** 2) = np.log(x)", [({"I(x ** 2)": 1, "np.log(x)": -1}, 0)]),
    ("grade[T.a, b = c] = 1, my var = 2", [({"grade[T.a, b = c]": 1}, 1), ({"my var": 1}, 2)]),
    ("`my var` - 'x' = 0", [({"my var": 1, "x": -1}, 0)]),
    ('"C(x)[T.1-2]" = 0', [({"C(x)[T.1-2]": 1}, 0)]),
    ("C(x)[T.1-2] - x.1", [({"C(x)[T.1-2]": 1, "x.1": -1}, 0)]),
    ("g[T.11:x]:x = x:g[T.11:x]/2", [({"g[T.11:x]:x": 0.5}, 0)]),
    ("Intercept\n = 12 ,\n x = 1", [({"Intercept": 1}, 12), ({"x": 1}, 1)]),
])
def test_read(text, known):
    assert weights(text) == [(pytest.approx(row), pytest.approx(value)) for row, value in known]


@pytest.mark.parametrize(("text", "message"), [
    ("ses = 0", "no coefficient 'ses'. Did you mean 'cses'.*The model has Intercept, x"),
    ("sector = 0", "no coefficient 'sector'"),
    ("x:cses = 0", "no coefficient 'x:cses'"),
    ("`her var` = 0", "no coefficient 'her var'"),
    ("x * cses", "not linear"),
    ("x / cses", "divided only by a number"),
    ("x / 0", "divided only by a number"),
    ("2 = 2", "no coefficient in it"),
    ("x - x = 1", "no coefficient in it"),
    ("x = ", "ends where"),
    ("x + * 2", r"Cannot read '\*'"),
    ("(x + 1", "not closed"),
    ("x) = 1", r"Cannot read '\)'"),
    ("x x2", "no coefficient|Cannot read"),
    ("  ", "empty"),
])
def test_refused(text, message):
    with pytest.raises(ValueError, match=message):
        hypotheses(text, NAMES)


def test_words():
    assert hypotheses("x,  x2 -  cses", NAMES)[2] == "x = 0, x2 - cses = 0"
    assert hypotheses({"x": 1, "x2": -0.5}, NAMES, 3)[2] == "x - 0.5*x2 = 3"
    assert describe(np.array([[-1.0, 0], [0, 0]]), np.zeros(2), ["a", "b"]) == "-a = 0, 0 = 0"


def test_the_same_hypothesis_in_every_form():
    fitted = case("two_terms")
    assert fitted._names == ("Intercept", "cses", "minority[T.Yes]", "cses:minority[T.Yes]")
    forms = ["cses = 1, minority[T.Yes] = 1", [{"cses": 1}, {"minority[T.Yes]": 1}], np.eye(4)[1:3], ["cses = 1", {"minority[T.Yes]": 1}]]
    for ddf in ("wald", "satterthwaite", "kenward-roger"):
        tests = [fitted.test(form, ddf=ddf, rhs=0 if k == 0 else [0, 1] if k == 3 else 1) for k, form in enumerate(forms)]
        assert len({round(test.statistic, 9) for test in tests}) == 1 and len({test.null for test in tests}) == 1
    assert fitted.test({"cses": 1}, rhs=2).statistic == pytest.approx(fitted.test("cses = 2").statistic)


def test_one_hypothesis_is_t_squared():
    fitted = case("factors")
    table = fitted.coef_table(ddf="kenward-roger")
    test = fitted.test("cses = 0", ddf="kenward-roger")
    assert (test.statistic, test.df, test.pvalue) == (
        pytest.approx(table.at["cses", "t"] ** 2), (1, pytest.approx(table.at["cses", "df"])), pytest.approx(table.at["cses", "p"]))
    assert str(test).startswith("Kenward-Roger F test of cses = 0: F(1, ")


def test_all_slopes_are_the_wald_test():
    fitted = case("shifted")
    assert fitted.test(", ".join(fitted._names[1:])).statistic == pytest.approx(fitted.wald_test().statistic)
    ols = mlm.ols("math ~ homework + ses", mlm.load("math"))
    assert ols.test("homework, ses").statistic == pytest.approx(ols.fvalue)


def test_wrong_shapes():
    fitted = case("two_terms")
    with pytest.raises(ValueError, match="4 columns"):
        fitted.test(np.eye(3))
    with pytest.raises(ValueError, match="without rhs="):
        fitted.test("cses = 1", rhs=2)
    with pytest.raises(ValueError, match="no coefficient 'foo'"):
        fitted.test({"foo": 1})
