"""What another program cannot do is said in words; what it can do in an unusual way is written its way."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.report import elsewhere, translate

INTERCEPTS, SLOPES, MEMBERS, CROSSED = "y ~ x + (1 | g)", "y ~ x + (1 + x | g)", "y ~ x + (1 | mm(a, b))", "y ~ x + (1 | a) + (1 | b)"
TABLE = pd.DataFrame({"a": np.repeat(np.arange(6), 8), "b": np.tile(np.arange(8), 6), "s": np.repeat(np.arange(12), 4),
                      "t": np.tile(np.arange(4.0), 12) * 2 + 1}).assign(
    x=lambda d: np.sin(np.arange(48.0)), z=lambda d: (d["a"] % 3).astype(float), w=lambda d: (d["b"] % 3).astype(float),
    v=lambda d: (d["s"] % 5).astype(float), h=lambda d: np.array(["u", "v"])[d["s"] % 2], y=lambda d: np.cos(np.arange(48.0)) + d["z"])
AR1, DATA = {"correlation": mlm.ar1("t")}, {"table": TABLE}
BINARY, PQL = {"family": "binomial"}, {"family": "binomial", "method": "pql"}

CANNOT = [  # formula, program, options, why
    (MEMBERS, "lme4", {}, "lmerMultiMember"), (MEMBERS, "nlme", {}, "no multiple membership"), (MEMBERS, "julia", {}, "no multiple membership"),
    (MEMBERS, "hlm", {}, "no multiple membership"), (MEMBERS, "stata", {}, "R. gives every row one group"),
    (MEMBERS, "spss", {}, "no multiple membership"), (MEMBERS, "statsmodels", {}, "no formula for multiple membership"),
    ("y ~ x + (1 + x | mm(a, b))", "sas", {}, "intercepts only"), (MEMBERS, "sas", {"reml": False, "ddf": "satterthwaite"}, "not with this"),
    *[(MEMBERS, program, BINARY, "multi") for program in ("lme4", "sas", "spss", "julia", "statsmodels")],
    (MEMBERS, "stata", {"family": "beta"}, "gsem has no multiple membership"),
    (SLOPES, "lme4", {"covariance": "identity"}, "nlme has"), (SLOPES, "julia", {"covariance": "identity"}, "no identity covariance"),
    (SLOPES, "statsmodels", {"covariance": "exchangeable"}, "no exchangeable covariance"),
    ("y ~ x + (1 + h || a)", "lme4", DATA, "make 0/1 columns"), ("y ~ x + (1 + bs(x, 4) || a)", "lme4", {}, "nlme's pdDiag does"),
    ("y ~ C(h, Sum) + (1 | a)", "lme4", {}, "has no counterpart; write its columns out"), ("y ~ f(x) + (1 | a)", "stata", {}, "of our own"),
    ("y ~ bs(x, 4) + (1 | g)", "julia", {}, "R has splines::bs(x, df = 4)"),
    ("y ~ 0 + x + (1 | g)", "hlm", {}, "keeps its intercept"), ("y ~ x + (1 + w | g)", "hlm", {}, "random slope of W needs its fixed part"),
    ("y ~ 0 + x + (1 | a) + (1 | b)", "hlm", {}, "keeps its intercept"), ("y ~ x + (1 | a:b)", "hlm", {}, "combined groups"),
    ("y ~ x + (1 | a) + (1 | b) + (1 | c)", "hlm", {}, "HLM4 has three"), ("y ~ z + (1 + x | a/s)", "hlm", DATA, "X needs its fixed part"),
    ("y ~ x + (1 + x | a) + (1 | b)", "hlm", DATA, "random intercepts only"),
    ("y ~ x + z * w + (1 | a) + (1 | b)", "hlm", DATA, "product of a row and a column predictor"),
    (INTERCEPTS, "nlme", {"ddf": "satterthwaite"}, "lmerTest has"), ("y ~ x + (1 | s)", "nlme", {"correlation": mlm.toeplitz("t")}, "number of lags"),
    ("y ~ x", "lme4", {"correlation": mlm.ar1("t", group="s"), "ddf": "kenward-roger", **DATA}, "gls has no Kenward-Roger"),
    ("y ~ x + (1 + x | a:b)", "statsmodels", {}, "make one of a and b first"), ("y ~ x + (1 | s)", "statsmodels", AR1, "independent and equally"),
    ("y ~ x + (1 | s)", "julia", AR1, "independent and equally"), ("y ~ x + (1 | s)", "hlm", AR1, "the module HMLM has"),
    ("y ~ x + (1 + x | a) + (1 + x | b)", "stata", {}, "correlated effects of crossed factors"),
    ("y ~ x * w + (1 + x:w | a)", "stata", {}, "columns of their own in Stata"), (INTERCEPTS, "stata", {"ddf": "satterthwaite", "reml": False}, "by REML"),
    # residual structures
    *[("y ~ x + (1 | s)", program, {**AR1, **DATA, "variance": mlm.by_group("h")}, why)
      for program, why in (("sas", "its own correlation"), ("spss", "not by another column"), ("stata", "its own correlation"))],
    *[("y ~ x + (1 | s)", program, {**DATA, "correlation": mlm.un("t")}, "variance=mlm.by_group") for program in ("sas", "spss", "stata")],
    ("y ~ x", "sas", {"variance": [mlm.by_group("h"), mlm.power_of("x")]}, "one structure of the variances"),
    ("y ~ x + (1 | s)", "sas", {**AR1, **DATA, "variance": mlm.power_of("t")}, "uncorrelated residuals only"),
    ("y ~ x + (1 | s)", "sas", {"correlation": mlm.toeplitz("t"), "table": TABLE[TABLE["t"] != 3]}, "some are missing"),
    ("y ~ x", "spss", {"variance": mlm.power_of("x")}, "no residual variance"), ("y ~ x", "stata", {"variance": mlm.power_of("x")}, "a power of"),
    ("y ~ x", "stata", {"variance": [mlm.by_group("h"), mlm.by_group("s")]}, "one by() column"),
    ("y ~ x + (1 | s)", "stata", {"correlation": mlm.arma11("t"), **DATA}, "no mixture of the two"),
    # generalized
    (SLOPES, "lme4", {**BINARY, "covariance": "exchangeable"}, "no exchangeable covariance"), (SLOPES, "lme4", {**BINARY, "method": "agq"}, "GLMMadaptive"),
    (INTERCEPTS, "lme4", {**BINARY, "link": "loglog"}, "cloglog model of 1 - y"), (INTERCEPTS, "glmmtmb", {**BINARY, "link": "loglog"}, "of 1 - y"),
    (INTERCEPTS, "glmmtmb", {"family": "ordinal"}, "(clmm)"), (INTERCEPTS, "glmmtmb", {"family": "t(4)"}, "estimates the degrees of freedom"),
    (SLOPES, "ordinal", {"family": "ordinal", "covariance": "independent"}, "free covariance"), (INTERCEPTS, "ordinal", BINARY, "ordered categories"),
    (SLOPES, "ordinal", {"family": "ordinal", "method": "agq"}, "one random effect only"), (INTERCEPTS, "nlme", {**PQL, "order": 2}, "of order 1"),
    (INTERCEPTS, "nlme", {**PQL, "family": "gamma"}, "binomial outcomes and counts"), (CROSSED, "nlme", PQL, "nested random intercepts"),
    (SLOPES, "nlme", {**PQL, "covariance": "identity"}, "the covariance identity"), (INTERCEPTS, "sas", {"family": "nbinom1"}, "no nbinom1"),
    (INTERCEPTS, "sas", {"family": "lognormal", "link": "identity"}, "our log link"), (INTERCEPTS, "sas", {"family": "gamma", "link": "sqrt"}, "no sqrt"),
    (INTERCEPTS, "spss", {"family": "geometric"}, "no geometric"), (SLOPES, "stata", {"family": "multinomial"}, "random slopes of a multinomial"),
    (CROSSED, "stata", {"family": "beta"}, "no crossed effects"), (SLOPES, "stata", {"family": "beta", "covariance": "exchangeable"}, "free covariances"),
    (INTERCEPTS, "julia", PQL, "no PQL"), (INTERCEPTS, "julia", {"family": "gamma"}, "warns against its own results"),
    (INTERCEPTS, "julia", {"family": "beta"}, "no beta outcomes"), (INTERCEPTS, "julia", {**BINARY, "link": "loglog"}, "no loglog link"),
    (SLOPES, "julia", {**BINARY, "covariance": "exchangeable"}, "free or diagonal"), (SLOPES, "julia", {**BINARY, "method": "agq"}, "one random effect"),
    (INTERCEPTS, "julia", {**BINARY, "trials": "n", "weights": "w"}, "no place for weights"),
    ("y ~ x + offset(2 * z) + (1 | g)", "julia", {"family": "poisson"}, "make a column of 2 * z"),
    (INTERCEPTS, "statsmodels", {**BINARY, "weights": "w"}, "no offset, weights"), (SLOPES, "statsmodels", BINARY, "independent random effects only"),
    (INTERCEPTS, "hlm", {"family": "poisson", "offset": "o"}, "exposure="), (INTERCEPTS, "hlm", {**BINARY, "trials": 10}, "as a column"),
    (INTERCEPTS, "hlm", {**BINARY, "method": "mql"}, "MLwiN"), (SLOPES, "hlm", {"family": "multinomial"}, "of one factor"),
    (INTERCEPTS, "hlm", {"family": "t"}, "is t with an identity link"), ("y ~ x", "hlm", BINARY, "without random effects is not for this program"),
    ("y ~ x", "julia", {"family": "gamma"}, "with a log link"), ("y ~ x", "julia", {**BINARY, "trials": "n"}, "share of successes"),
    ("y ~ x", "julia", {"family": "poisson", "exposure": "n"}, "as vectors"), ("y ~ x", "ordinal", BINARY, "ordered categories"),
    ("y ~ x", "stata", {"family": "t"}, "under one command"), ("y ~ x", "lme4", {"family": "beta"}, "glm has no beta"),
    ("y ~ x + offset(z)", "stata", {"family": "multinomial"}, "mlogit has no offset"), ("y ~ x", "glmmtmb", {"family": "zip"}, "zeroinfl"),
    ("y ~ x", "spss", {"family": "multinomial"}, "NOMREG"), ("y ~ x", "statsmodels", {**BINARY, "trials": "n"}, "two columns"),
    ("y ~ x + offset(z)", "statsmodels", {"family": "poisson"}, "no offset()"),
]


@pytest.mark.parametrize(("formula", "program", "options", "why"), CANNOT)
def test_what_a_program_cannot(formula, program, options, why):
    code = translate(formula, program, **options)
    assert not code.possible and code.startswith("Cannot: ") and why in code, code
    assert code.title and code.language


SAID = [  # formula, program, options, what the code says by the program's manual
    ("y ~ x + (1 | a:b)", "nlme", {}, "df$a_b <- interaction(df$a, df$b, drop = TRUE)\nfit <- lme(y ~ x,\n           random = ~ 1 | a_b"),
    ("y ~ x + (1 | s)", "nlme", {**AR1, **DATA}, "df$t_step <- round((df$t - 1) / 2)"),
    ("y ~ x + (1 | s)", "stata", {**AR1, **DATA}, "generate t_step = round((t - 1) / 2)\nmixed y x || s:, residuals(ar 1, t(t_step)) reml"),
    ("y ~ x", "stata", {"correlation": mlm.ar1(), **DATA}, "sort row\ngenerate order = _n\nmixed y x, residuals(ar 1, t(order)) reml"),
    ("y ~ x", "stata", {"variance": mlm.by_group("s:h")}, "egen s_h = group(s h)\nmixed y x, residuals(independent, by(s_h)) reml"),
    ("y ~ x + (1 | a:b)", "stata", {}, "egen a_b = group(a b)\nmixed y x || a_b:"), ("y ~ 0 + x", "stata", {"reml": False}, "mixed y x, noconstant"),
    ("y ~ x + (1 | mm(a, b, weights=(v, w)))", "sas", {}, "effect a_b_mm = multimember(a b / weight=(v w));"),
    ("log(y) ~ x + (1 | mm(a, b)) + (1 + x | s)", "sas", {}, "random intercept x / subject=s type=un;"),
    ("y ~ x", "julia", {"reml": False}, "m = lm(@formula(y ~ 1 + x), df)\nloglikelihood(m)"),
    ("y ~ x + h", "julia", DATA, 'contrasts = Dict(:h => DummyCoding(base = "u"))'),
    ("y ~ x + (1 + x || a) + (1 | a:b)", "statsmodels", {}, '{"a": "0 + C(a)", "a_x": "0 + C(a):x", "a_b": "0 + C(a):C(b)"}'),
    ("y ~ x:z + (1 | a) + (1 | b)", "hlm", DATA, "π₀jk = θ₀ + b₀₀j + c₀₀k\n"), ("log(y) ~ x + (1 | a) + (1 | b)", "hlm", {}, "LN_Yijk"),
    ("y ~ x * z + w + (1 | a) + (1 | b)", "hlm", DATA, "θ₀ + b₀₀j + c₀₀k + β₀₁*(Zk) + γ₀₁*(Wj)\n  π₁jk = θ₁ + β₁₁*(Zk)"),
    ("y ~ x * z * v + (1 + x | a/s)", "hlm", {**DATA, "covariance": "independent"}, "β₁₁j = γ₁₁₀ + γ₁₁₁*(Zj)"),
    ("I(y / 2) ~ x", "statsmodels", {}, "smf.ols(\"I(y / 2) ~ x\""), ("I((y + 1) / 2) ~ x", "statsmodels", {}, "\"I((y + 1) / 2) ~ x\""),
    # generalized
    (INTERCEPTS, "lme4", {"family": "inverse-gaussian", "link": "inverse-squared"}, 'inverse.gaussian(link = "1/mu^2")'),
    (INTERCEPTS, "lme4", {"family": "geometric"}, 'MASS::negative.binomial(1, link = "log")'),
    (INTERCEPTS, "lme4", {"family": "gamma", "link": "power(0.3)"}, "Gamma(link = power(0.3))"),
    (INTERCEPTS, "lme4", {"family": "nbinom2", "method": "agq"}, "ours has quadrature"), (INTERCEPTS, "glmmtmb", {"family": "t"}, "t_family("),
    (SLOPES, "nlme", {**PQL, "covariance": "independent"}, "random = list(g = pdDiag(~ 1 + x))"), (INTERCEPTS, "sas", {"family": "t(4)"}, "dist=t(4)"),
    ("y ~ x + (1 | a/b)", "nlme", PQL, "random = ~ 1 | a/b"), ("y ~ g + (1 | g)", "sas", BINARY, "g_class = g;"),
    (INTERCEPTS, "sas", {"family": "gamma", "link": "power(0.3)"}, "link=power(0.3)"), (INTERCEPTS, "spss", PQL, "but its REML version"),
    (INTERCEPTS, "spss", {"family": "gamma", "link": "power(0.3)"}, "LINK=POWER(0.3)"), ("y ~ x + (1 | a:b)", "stata", {"family": "beta"}, "M1[a_b]@1"),
    (SLOPES, "stata", {"family": "beta", "method": "agq", "nodes": 5}, "c.x#M2[g]@1), ///\n     family(beta) link(logit) cov(M1[g]*M2[g]) intmethod(mcag"),
    ("y ~ log(x) + offset(z ** 2) + offset(log(w)) + (1 | g)", "stata", {"family": "exponential", "weights": "k"}, "offset_of_rows = z^2 + ln(w)"),
    ("y ~ x + offset(log(z + 1)) + (1 | g)", "spss", {"family": "poisson"}, "COMPUTE offset_of_rows = LN(z + 1)."),
    ("y ~ x + offset(z ** 2) + (1 | g)", "lme4", {"family": "poisson"}, "offset(z^2)"),
    ("y ~ x + offset(log(z)) + offset(w) + (1 | g)", "julia", {"family": "poisson", "offset": "o"}, "offset = df.o .+ log.(df.z) .+ df.w"),
    (INTERCEPTS, "julia", {"family": "poisson", "link": "identity"}, "# with an identity link"), (INTERCEPTS, "julia", {**BINARY, "weights": "w"}, "wts = float.(df.w)"),
    (SLOPES, "statsmodels", {**BINARY, "covariance": "independent"}, 'parts = {"g": "0 + C(g)", "g_x": "0 + C(g):x"}'),
    (INTERCEPTS, "hlm", {**BINARY, "trials": "n"}, "E(Yij|βj) = Nij*φij"), (INTERCEPTS, "hlm", {"family": "poisson", "exposure": "n"}, "Nij*λij"),
    (CROSSED, "hlm", {"family": "poisson"}, "log[λijk] = ηijk"), (INTERCEPTS, "hlm", {"family": "gaussian"}, "Estimation: full maximum likelihood"),
    # without random effects
    ("y ~ x", "ordinal", {"family": "ordinal", "weights": "w", "offset": "o"}, "clm(factor(y, ordered = TRUE) ~ x + offset(o), data = df, weights = w"),
    ("y ~ x", "spss", {"family": "poisson", "weights": "w"}, "WEIGHT BY w.\nGENLIN y WITH x\n"), ("y ~ x", "stata", {"family": "nbinom1"}, "dispersion(constant)"),
    ("y ~ x", "spss", {"family": "gamma", "link": "power(0.3)"}, "DISTRIBUTION=GAMMA LINK=POWER(0.3)"),
    ("y ~ x", "lme4", {"family": "nbinom2"}, "MASS::glm.nb(y ~ x, data = df)"), ("y ~ x", "lme4", {"family": "multinomial"}, "nnet::multinom(y ~ x"),
    ("y ~ x", "stata", {"family": "gamma"}, "glm y x, family(gamma) link(log)"), ("y ~ x", "julia", {"family": "poisson"}, "Poisson(), LogLink())"),
    ("I(y + 1) ~ log(x)", "statsmodels", {"family": "gamma"}, 'import numpy as np\nfit = smf.glm("I(y + 1) ~ np.log(x)", df'),
]


@pytest.mark.parametrize(("formula", "program", "options", "said"), SAID)
def test_what_the_code_says(formula, program, options, said):
    code = translate(formula, program, **options)
    assert code.possible and said in code and "None" not in code, code


NOTES = [
    (INTERCEPTS, "lme4", BINARY, "exp(fixef(fit)) are the ratios", True), (INTERCEPTS, "lme4", {**BINARY, "link": "probit"}, "ratios", False),
    (INTERCEPTS, "lme4", {"family": "nbinom2", "method": "agq"}, "more nodes", False), (INTERCEPTS, "hlm", {"family": "gaussian"}, "Laplace", False),
    (SLOPES, "hlm", {"covariance": "independent"}, "this independent one it does not offer", True),
    ("y ~ x + h + (1 + x | a) + (1 | a:s)", "hlm", {**DATA, "covariance": "independent"}, "h enters as 0/1 columns, u = 0", True),
    ("y ~ C(h) + (1 | g)", "hlm", {}, "h enters as 0/1 columns.", True), ("y ~ x:z + (1 | a) + (1 | b)", "hlm", DATA, "X_Z = X x Z", True),
    (CROSSED, "spss", BINARY, "Crossed factors need no DATA_STRUCTURE", True), (INTERCEPTS, "sas", {"family": "nbinom2"}, "Scale is 1/theta", True),
]


@pytest.mark.parametrize(("formula", "program", "options", "said", "there"), NOTES)
def test_what_is_said_beside_the_code(formula, program, options, said, there):
    assert (said in translate(formula, program, **options).note) is there


def test_clm_and_r_give_our_numbers():
    """R's ordinal (2022.11-16) says of this code logLik -177.3665978 and the slope 2.4386049."""
    wine = mlm.load("wine").assign(k=lambda d: np.arange(len(d)) % 3 + 1.0, off=lambda d: 0.1 * (np.arange(len(d)) % 4))
    fit = mlm.glmm("rating ~ temp", wine, family="ordinal", weights="k", offset="off")
    assert "clm(rating ~ temp + offset(off), data = df, weights = k," in fit.translate("ordinal")
    assert fit.llf == pytest.approx(-177.3665978, abs=1e-6) and fit.params.iloc[0] == pytest.approx(2.4386049, abs=1e-5)


def test_statsmodels_code_of_a_shifted_outcome_runs():
    rows = mlm.load("epil").assign(g=lambda d: d["subject"])
    marginal = mlm.gee("I(y + 1) ~ lbase", rows, groups="g", family="gamma", corr="independence")
    scope = {"df": rows}
    exec(str(marginal.translate("statsmodels")), scope)
    assert np.asarray(scope["fit"].params) == pytest.approx(np.asarray(marginal.params), rel=1e-6)
    alone = mlm.ols("I((y + 1) / 2) ~ lbase", rows)
    exec(str(alone.translate("statsmodels")), scope)
    assert np.asarray(scope["fit"].params) == pytest.approx(np.asarray(alone.params), rel=1e-10)


def test_what_is_no_model_or_program_is_refused():
    with pytest.raises(ValueError, match="has no outcome"):
        translate("lmer", "stata")
    with pytest.raises(ValueError, match="not 'nope'"):
        translate("y ~ x", "nope")
    with pytest.raises((TypeError, ValueError), match="a fitted model or a formula"):
        elsewhere(3)
    with pytest.raises(ValueError, match="ddf='exact' is not known"):
        translate(INTERCEPTS, "stata", ddf="exact")
