"""Inference after a fit that each program has made ready: degrees of freedom, marginal means, profiles, an exact test."""

from __future__ import annotations

from .tasks import Task

__all__ = ["INFERENCE", "R_PACKAGES"]

R_PACKAGES = ("lme4", "lmerTest", "emmeans", "RLRsim")  # lmerTest asks pbkrtest for Kenward and Roger's

OUTCOMES = "mathach ~ mean_ses * cses + sector * cses + (1 + cses | school)"
CELLS = "mathach ~ sector * minority + (1 | school)"
DAYS = "Reaction ~ Days + (Days | Subject)"
PLAIN = "Reaction ~ Days + (1 | Subject)"
HERDS = "cbind(incidence, healthy) ~ period + (1 | herd)"
# fits are made ready, not timed, with tolerances that leave nothing of the optimizer in the answers
TIGHT = "control = lme4::lmerControl(optimizer = 'bobyqa', optCtrl = list(rhoend = 1e-9))"
OURS = f"mlm.lmm('{OUTCOMES}', data)"
COARSE = "its bounds are read from splines between few points of a profile, ours are solved for"


def _ddf(ours: str, theirs: str) -> dict:
    """Standard errors and degrees of freedom of all coefficients, computed anew each time."""
    return {"mlmlib": (OURS, f"(lambda m: [*np.sqrt(np.diagonal(m.cov)), *m.df(np.eye(len(made.params)))])({ours}(made))"),
            "lmerTest": (f"lme4::lmer({OUTCOMES}, data, {TIGHT})",
                         f"{{ f <- coef(summary(as_lmerModLmerTest(made), ddf = '{theirs}')); c(f[, 2], f[, 3]) }}")}


def _means(ddf: str) -> dict:
    return {"mlmlib": (f"mlm.lmm('{CELLS}', data)",
                       f"(lambda t: [*t['mean'], *t['se'], *t['df']])(mlm.emmeans(fresh(made), ['sector', 'minority'], ddf='{ddf}').table)"),
            "emmeans": (f"lme4::lmer({CELLS}, data, {TIGHT})",
                        "{ f <- as.data.frame(summary(emmeans(made, ~ sector * minority, "
                        f"lmer.df = '{ddf}'))); c(f$emmean, f$SE, f$df) }}")}


PROFILE = {"mlmlib": (f"mlm.lmm('{DAYS}', data)", "np.ravel(fresh(made).profile().conf_int().loc[['Intercept', 'Days']])"),
           "lme4": (f"lmer({DAYS}, data)", "t(confint(made, quiet = TRUE)[c('(Intercept)', 'Days'), ])")}
PROFILE_HERDS = {
    "mlmlib": ("mlm.glmm('incidence ~ period + (1 | herd)', data, family='binomial', trials='size')",
               "np.ravel(fresh(made).profile().conf_int().iloc[:4])"),
    "lme4": (f"glmer({HERDS}, data, binomial)", "t(confint(made, quiet = TRUE)[2:5, ])")}
EXACT = {"mlmlib": (f"mlm.lmm('{PLAIN}', data)", "[mlm.exact_rlrt(made, n=10000).statistic]"),
         "RLRsim": (f"lme4::lmer({PLAIN}, data)", "exactRLRT(made, nsim = 10000)$statistic")}

INFERENCE = (
    Task("satterthwaite", "HSB, intercepts and slopes as outcomes: Satterthwaite's degrees of freedom", "hsb",
         _ddf("Satterthwaite", "Satterthwaite")),
    Task("kenward_roger", "the same by Kenward and Roger", "hsb", _ddf("KenwardRoger", "Kenward-Roger")),
    Task("means", "HSB, four marginal means, Satterthwaite", "hsb", _means("satterthwaite")),
    Task("means_kr", "the same, Kenward-Roger", "hsb", _means("kenward-roger")),
    Task("profile", "sleepstudy, profile likelihood of all six parameters", "sleepstudy", PROFILE),
    Task("profile_herds", "cbpp, profile likelihood of all five parameters", "cbpp", PROFILE_HERDS, different={"lme4": COARSE}),
    Task("exact_rlrt", "sleepstudy, exact test of the intercepts' variance, 10,000 draws", "sleepstudy", EXACT),
)
