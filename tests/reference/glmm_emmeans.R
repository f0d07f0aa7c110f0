# Estimated marginal means, trends and contrasts of generalized linear mixed models by R's emmeans on glmer's fits, on the
# link and the response scale. Run from the root of the repository: Rscript tests/reference/glmm_emmeans.R
suppressMessages({library(lme4); library(emmeans); library(jsonlite)})
options(digits = 16); emm_options(opt.digits = FALSE, msg.interaction = FALSE)
read <- function(name) read.csv(file.path("tests/reference/data", paste0(name, ".csv")))
cbpp <- read("cbpp"); cbpp$period <- factor(cbpp$period); cbpp$herd <- factor(cbpp$herd)
con <- transform(read("contraception"), use = as.integer(use == "Y"))
epil <- read("epil"); epil$trt <- factor(epil$trt, levels = c("placebo", "progabide"))
tight <- glmerControl("bobyqa", tolPwrss = 1e-13, optCtrl = list(rhobeg = 0.1, rhoend = 1e-9, maxfun = 1e5))
# lme4 stops where the deviance is flat to its digits: Newton's steps on its own deviance, by numerical derivatives, end the search
cols <- function(s) { s <- as.data.frame(s); s[sapply(s, is.factor)] <- lapply(s[sapply(s, is.factor)], as.character); as.list(s) }
one <- function(fit, spec, by = NULL, at = NULL, method = "pairwise", trend = NULL) {
  em <- if (is.null(at)) emmeans(fit, spec, by = by) else emmeans(fit, spec, by = by, at = at)
  out <- list(fixef = as.list(fixef(fit)), vcov = unname(as.matrix(vcov(fit))), criterion = -2 * as.numeric(logLik(fit)),
              link = cols(summary(em)), response = cols(summary(em, type = "response")),
              contrast_link = cols(summary(contrast(em, method), infer = TRUE, adjust = "none")),
              contrast_response = cols(summary(contrast(regrid(em, transform = "none"), method), type = "response", infer = TRUE, adjust = "none")),
              contrast_adjusted = cols(summary(contrast(em, method), type = "response", infer = TRUE)))
  if (!is.null(trend)) out$trend <- cols(summary(emtrends(fit, spec, var = trend), infer = TRUE))
  out
}
out <- list(
  id = "emmR_glmm", software = "emmeans on lme4", call = "tests/reference/glmm_emmeans.R",
  versions = list(emmeans = as.character(packageVersion("emmeans")), lme4 = as.character(packageVersion("lme4"))),
  cbpp = one(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = tight), "period"),
  cbpp_cloglog_agq = one(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, nAGQ = 25, control = tight), "period"),
  contraception = one(glmer(use ~ age * urban + livch + (1 | district), con, binomial, control = tight), "urban", by = "livch", trend = "age"),
  epil = one(glmer(y ~ lbase * trt + lage + V4 + (1 | subject), epil, poisson, control = tight), "trt", at = list(lbase = c(-0.5, 0.5)), trend = "lbase"))
names(out)[names(out) == "cbpp_cloglog_agq"] <- "cbpp_agq25"
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "tests/reference/r/emmR_glmm.json")
