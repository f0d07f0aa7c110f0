# Predictions of glmmTMB with standard errors, rows of the fit and re.form = NA, on the link and the response scale,
# and the parameters of lme4's fits whose R2 by performance stands in r2_epil_poisson_laplace.json.
# Run from the root of the repository: Rscript tests/reference/glmm_predict.R
suppressMessages({library(glmmTMB); library(lme4); library(jsonlite)})
options(digits = 16)
read <- function(name) read.csv(file.path("tests/reference/data", paste0(name, ".csv")))
cbpp <- read("cbpp"); cbpp$period <- factor(cbpp$period); cbpp$herd <- factor(cbpp$herd)
epil <- read("epil"); epil$trt <- factor(epil$trt, levels = c("placebo", "progabide"))
# nlminb stops where the likelihood is flat to its digits: Newton steps on TMB's exact gradient from there, then once more
one <- function(fit, rows) {
  par <- fit$fit$par
  for (k in 1:6) par <- par - solve(numDeriv::jacobian(fit$obj$gr, par), as.vector(fit$obj$gr(par)))
  start <- split(unname(par), factor(names(par), unique(names(par))))
  fit <- update(fit, start = start, control = glmmTMBControl(optCtrl = list(iter.max = 0, eval.max = 1)))
  stopifnot(max(abs(fit$fit$par - par)) < 1e-9)
  take <- function(type, form) { p <- predict(fit, type = type, re.form = form, se.fit = TRUE); list(fit = p$fit[rows], se = p$se.fit[rows]) }
  list(rows = rows - 1, given_link = take("link", NULL), given_response = take("response", NULL),
       typical_link = take("link", NA), typical_response = take("response", NA))
}
out <- list(
  cbpp_logit = one(glmmTMB(cbind(incidence, size - incidence) ~ period + (1 | herd), family = "binomial", data = cbpp), 1:12),
  cbpp_cloglog = one(glmmTMB(cbind(incidence, size - incidence) ~ period + (1 | herd), family = list(family = "binomial", link = "cloglog"), data = cbpp), 1:12),
  epil_slope = one(glmmTMB(y ~ lbase * trt + lage + V4 + (1 + V4 | subject), family = "poisson", data = epil), 1:12),
  epil_nbinom2 = one(glmmTMB(y ~ lbase * trt + lage + V4 + (1 | subject), family = "nbinom2", data = epil), 1:12))
fit <- glmer(y ~ lbase * trt + lage + V4 + (1 | subject), epil, poisson, control = glmerControl("bobyqa"))
null <- glmer(y ~ 1 + (1 | subject), epil, poisson, control = glmerControl("bobyqa"))
out$epil_lme4 <- list(fixef = unname(fixef(fit)), variance = VarCorr(fit)$subject[1], null = unname(fixef(null)),
                      null_variance = VarCorr(null)$subject[1])
out$software <- "glmmTMB, lme4"
out$versions <- list(glmmTMB = as.character(packageVersion("glmmTMB")), lme4 = as.character(packageVersion("lme4")))
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "tests/reference/r/predictR_glmm.json")
