"""The lab of quadrature: its rules against NumPy's, its integrals against SciPy's, their sum against lme4's logLik."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import comb, expit, logsumexp

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.widgets.quadrature import GROUPS

pytestmark = pytest.mark.browser
R = json.loads((Path(__file__).parent / "reference" / "r" / "labs_glmm.json").read_text())["results"]


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(group="ohio_ones", phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.quadrature(group, **asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


class Group:
    """The page's group by SciPy's distributions."""

    def __init__(self, state):
        self.k, self.n, self.b, self.tau = (state[key] for key in ("k", "n", "intercept", "tau"))
        self.binomial = state["family"] == "binomial"
        mean = expit if self.binomial else np.exp
        self.mode = brentq(
            lambda u: self.k - self.n * mean(self.b + u) - u / self.tau**2, -60, 60, xtol=1e-14, rtol=1e-14
        )
        mu = mean(self.b + self.mode)
        self.sd = 1 / np.sqrt(self.n * (mu * (1 - mu) if self.binomial else mu) + 1 / self.tau**2)

    def likelihood(self, u):
        """Log-likelihood at u."""
        if self.binomial:
            return stats.binom.logpmf(self.k, self.n, expit(self.b + u))
        return stats.poisson.logpmf(self.k, self.n * np.exp(self.b + u))

    def log(self, u):
        """Log of likelihood times prior."""
        return self.likelihood(u) + stats.norm.logpdf(u, scale=self.tau)

    def truth(self):
        """Log of the integral by adaptive quadrature in pieces about the mode."""
        top, edges = self.log(self.mode), self.mode + self.sd * np.array([-40, -10, -4, -1, 0, 1, 4, 10, 40])
        pieces = [
            quad(lambda u: np.exp(self.log(u) - top), a, b, epsabs=1e-15, epsrel=1e-13)[0]
            for a, b in zip(edges[:-1], edges[1:], strict=True)
        ]
        return top + np.log(sum(pieces))

    def rule(self, n, adaptive):
        """Log of the integral by n nodes of NumPy's rule."""
        z, w = hermegauss(n)
        w = w / np.sqrt(2 * np.pi)
        if not adaptive:
            return logsumexp(self.likelihood(self.tau * z), b=w)
        terms = np.exp(self.log(self.mode + self.sd * z) - self.log(self.mode) + z**2 / 2)
        return self.log(self.mode) + np.log(self.sd * np.sqrt(2 * np.pi) * (w @ terms))


def assert_equals_scipy(page):
    state, seen = page.state, page.numbers
    group = Group(state)
    exact = group.truth()
    assert [seen["mode"], seen["sd"]] == pytest.approx([group.mode, group.sd], rel=1e-9, abs=1e-12)
    assert seen["truth"] == pytest.approx(exact, abs=1e-11)
    laplace = group.log(group.mode) + np.log(group.sd * np.sqrt(2 * np.pi))
    assert seen["laplace"] == pytest.approx(laplace, abs=1e-10)
    assert seen["adaptive"] == pytest.approx(group.rule(state["nodes"], True), abs=1e-10)
    assert seen["prior"] == pytest.approx(group.rule(state["nodes"], False), rel=1e-11, abs=1e-10)
    for name in ("laplace", "adaptive", "prior"):
        assert seen[f"error_{name}"] == pytest.approx(seen[name] - seen["truth"], abs=1e-15)
    for name, adaptive in (("adaptive", True), ("prior", False)):
        need = seen[f"enough_{name}"]
        if np.isfinite(need) and need > 1:
            assert (
                abs(group.rule(int(need), adaptive) - exact) < 1e-6 < abs(group.rule(int(need) - 1, adaptive) - exact)
            )
        elif np.isinf(need):
            assert abs(group.rule(60, adaptive) - exact) > 1e-6
    return seen


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_equals_scipy(lab, group):
    page = lab(group, nodes=7)
    assert_equals_scipy(page)
    for nodes in (1, 2, 25):
        page.slide("nodes", nodes)
        assert_equals_scipy(page)


@pytest.mark.parametrize(
    "asked",
    [
        {"k": 1, "n": 1, "intercept": 0, "tau": 4},
        {"k": 0, "n": 150, "intercept": 6, "tau": 0.1},
        {"k": 150, "n": 150, "intercept": -6, "tau": 4},
        {"family": "poisson", "k": 0, "n": 150, "intercept": 6, "tau": 4},
        {"family": "poisson", "k": 150, "n": 1, "intercept": -6, "tau": 0.5},
    ],
    ids=str,
)
def test_extreme_groups_equal_scipy(lab, asked):
    assert_equals_scipy(lab("yours", nodes=5, **asked))


def test_all_rules_of_the_chart_equal_numpys(lab):
    page = lab("ohio_zeros")
    group = Group(page.state)
    ours = np.array(page.js("lab.result.all"))
    want = [[group.rule(n, adaptive) for adaptive in (True, False)] for n in range(1, 26)]
    np.testing.assert_allclose(ours, want, rtol=0, atol=1e-11)
    caption, columns, rows = page.sheet()
    assert "0 yes of 4" in caption and len(rows) == 25 and columns[0] == "nodes"
    assert [float(row[1]) for row in rows] == pytest.approx([row[0] for row in want], abs=6e-9)


@pytest.mark.parametrize("method", ["adaptive", "prior"])
@pytest.mark.parametrize("nodes", [1, 4, 9])
def test_the_dashed_curve_has_the_area_that_the_rule_says(lab, method, nodes):
    page = lab("herd_small", nodes=nodes, method=method)
    group = Group(page.state)
    u = np.linspace(-12, 12, 6001)
    curve = np.array(page.js("Array.from({ length: 6001 }, (_, i) => lab.result.seen(-12 + i * 0.004))"))
    area = np.log(np.trapezoid(curve, u)) + page.js("lab.result.group.top")
    assert area == pytest.approx(page.readout(method), abs=1e-8)
    at = np.array(page.js("lab.result.rule.u"))
    touched = np.array(page.js("lab.result.rule.u.map((v) => lab.result.seen(v))"))
    assert touched == pytest.approx(np.exp(group.log(at) - group.log(group.mode)), abs=1e-10)


def total_over_children(lab, readout, fixed, sd, **asked):
    """The sum of 537 children's log integrals, each with its four answers in their order."""
    total = 0.0
    for k, children in R["ohio_counts"].items():
        page = lab("yours", family="binomial", k=int(k), n=4, intercept=fixed, tau=sd, **asked)
        orders = np.log(comb(4, int(k)))
        total += children * (page.readout(readout) - orders)
    return total


@pytest.mark.parametrize(("fit", "readout"), [("ohio_mean", "truth"), ("ohio_mean_laplace", "laplace")])
def test_the_sum_over_children_is_lme4s_log_likelihood(lab, fit, readout):
    """lme4 with 50 nodes, and with one, each at its own estimates."""
    at = R[fit]["fixef"]["(Intercept)"], R[fit]["sd"]
    assert total_over_children(lab, readout, *at) == pytest.approx(R[fit]["loglik"], abs=1e-4)


def test_the_sum_over_children_is_mlmlibs_log_likelihood(lab):
    fit = mlm.glmm("resp ~ 1 + (1 | id)", mlm.load("ohio"), method="agq", nodes=7)
    at = fit.params["Intercept"], np.sqrt(fit.covariance_matrix().to_numpy()[0, 0])
    assert total_over_children(lab, "adaptive", *at, nodes=7) == pytest.approx(fit.llf, abs=1e-6)


def test_groups_are_those_of_the_data_and_fits():
    def fit(name):
        return [R[name]["fixef"]["(Intercept)"], R[name]["sd"]]

    rows = mlm.load("cbpp").query("herd in (14, '14') and period not in (1, '1')")
    assert (rows["incidence"].sum(), rows["size"].sum()) == (0, 7)
    herd = R["herds"][2][0]
    counts = {
        "ohio_ones": (4, 4, "ohio_mean"),
        "ohio_zeros": (0, 4, "ohio_mean"),
        "herd_small": (R["herd14_later"]["incidence"], R["herd14_later"]["size"], "cbpp_mean"),
        "herd_large": (herd["incidence"], herd["size"], "cbpp_mean"),
        "epil_zero": (R["subjects"]["58"], 4, "epil_mean"),
        "epil_many": (R["subjects"]["25"], 4, "epil_mean"),
    }
    assert counts.keys() == GROUPS.keys()
    for name, (k, n, model) in counts.items():
        values = GROUPS[name]["values"]
        assert (values["k"], values["n"]) == (k, n)
        assert [values["intercept"], values["tau"]] == pytest.approx(fit(model), abs=1e-4)


def test_what_the_texts_promise(lab):
    page = lab()
    more = page.page.locator("#more")
    errors = {1: page.shown("error_adaptive")}
    for nodes in range(2, 7):
        more.click()
        errors[nodes] = page.shown("error_adaptive")
    assert [errors[n] for n in (1, 2, 3)] == ["-0.0390", "-0.0346", "-0.0122"] and errors[6] == "-3·10⁻⁴"
    assert abs(page.readout("error_adaptive")) < 0.001 < abs(page.js("lab.result.errors[4][0]"))
    by_prior = page.js("lab.result.errors.map((e) => e[1])")
    assert f"{by_prior[20]:.4f} {by_prior[24]:.4f}" == "-0.0015 -0.0002"
    page = lab("ohio_zeros", nodes=7)
    assert f"{page.readout('error_laplace'):.3f} {page.readout('error_adaptive'):.4f}" == "0.025 0.0009"
    assert R["ohio_counts"]["0"] == 355 and sum(R["ohio_counts"].values()) == 537
    others = []
    for k in (1, 2, 3, 4):
        page.slide("k", k)
        others.append(page.readout("error_laplace"))
    assert f"{max(others):.3f} {min(others):.3f}" == "-0.036 -0.040"
    assert f"{R['ohio_mean_laplace']['sd']:.2f} {R['ohio_mean']['sd']:.2f}" == "2.33 2.16"
    assert f"{lab('herd_large').readout('error_laplace'):.4f}" == "-0.0045"
    page = lab("epil_many", nodes=25, method="prior")
    seen = page.numbers
    assert f"{seen['error_laplace']:.4f} {seen['error_prior']:.2f} {seen['sd']:.2f}" == "-0.0006 -0.81 0.08"
    assert np.expm1(seen["error_prior"]) < -0.5


def test_own_numbers_leave_the_data(lab):
    page = lab("herd_small")
    page.slide("tau", 2)
    assert page.state["group"] == "yours" and page.state["n"] == 7
    page.slide("k", 9)  # more yes than trials: the trials follow
    assert (page.state["k"], page.state["n"]) == (9, 9)
    page.slide("n", np.log(5))
    assert (page.state["k"], page.state["n"]) == (5, 5)
    page.control("family").select_option("poisson")
    page.settle()
    page.slide("k", 12)
    assert (page.state["k"], page.state["n"]) == (12, 5)
    page.control("family").select_option("binomial")
    page.settle()
    assert (page.state["k"], page.state["n"]) == (5, 5)
    assert_equals_scipy(page)
    page.control("group").select_option("epil_zero")
    page.settle()
    assert (
        page.state["family"] == "poisson"
        and "Patient 58: 0 events in 4 visits" in page.page.locator(".says").inner_text()
    )


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True)
    page.touch_drag("nodes", 60)
    assert 4 <= page.state["nodes"] <= 8
    page.mouse_drag("tau", -20)
    assert page.state["tau"] < 2 and page.state["group"] == "yours"
    page.handle("nodes").focus()
    for key, value in (("End", 25), ("ArrowLeft", 24), ("Shift+ArrowLeft", 19), ("Home", 1)):
        page.page.keyboard.press(key)
        assert page.state["nodes"] == value
    assert page.handle("nodes").get_attribute("aria-valuetext").startswith("1: error −0.")
    page.page.locator("#more").click()
    assert page.state["nodes"] == 2
    page.page.locator("#laplace").click()
    assert page.state["nodes"] == 1
    page.slide("nodes", 25)
    assert page.page.locator("#more").is_disabled()
    assert page.overflow() <= 0
    page.announced("25 nodes: error")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="choose one of ohio_ones"):
        mlm.labs.quadrature("herd_8")
    with pytest.raises(ValueError, match="more yes than trials"):
        mlm.labs.quadrature(k=5, n=4)
    with pytest.raises(ValueError, match="nodes = 0: the lab works from 1 to 25"):
        mlm.labs.quadrature(nodes=0)
    with pytest.raises(ValueError, match="choose one of adaptive, prior"):
        mlm.labs.quadrature(method="laplace")
