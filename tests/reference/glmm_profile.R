# Profile-likelihood intervals of generalized linear mixed models: lme4's profile() (a spline through constrained fits),
# and for cbpp exact ends by root search, each constrained fit by nlminb on the Laplace or quadrature deviance of
# lme4's own deviance function (devfun of glmer, stage two), tightly converged.
# Run from the root of the repository: Rscript tests/reference/glmm_profile.R
suppressMessages({library(lme4); library(jsonlite)})
options(digits = 16)
read <- function(name) read.csv(file.path("tests/reference/data", paste0(name, ".csv")))
cbpp <- read("cbpp"); cbpp$period <- factor(cbpp$period); cbpp$herd <- factor(cbpp$herd)
con <- read("contraception")
tight <- glmerControl("bobyqa", tolPwrss = 1e-13, optCtrl = list(rhobeg = 0.1, rhoend = 1e-9, maxfun = 1e5))

tightly <- list(rel.tol = 1e-13, x.tol = 1e-10, eval.max = 1000, iter.max = 500)
# The ends of one parameter's interval: the deviance minimized over all others is 3.84 above its minimum.
roots <- function(fit, names) {
  dev <- update(fit, devFunOnly = TRUE)
  best <- c(getME(fit, "theta"), fixef(fit))
  small <- function(par) dev(par)
  refine <- nlminb(best, small, control = tightly)
  best <- refine$par; low <- refine$objective
  lower <- c(rep(0, length(getME(fit, "theta"))), rep(-Inf, length(fixef(fit))))
  if (length(getME(fit, "theta")) > 1) stop("one theta only")
  found <- list()
  for (k in seq_along(best)) {
    held <- function(value) {
      start <- best[-k]
      inner <- function(rest) { par <- best; par[k] <- value; par[-k] <- rest; small(par) }
      one <- nlminb(start, inner, lower = lower[-k], control = tightly)
      one <- nlminb(one$par, inner, lower = lower[-k], control = tightly)
      one$objective - low - qchisq(0.95, 1)
    }
    step <- if (k == 1) 0.3 else 2 * sqrt(diag(as.matrix(vcov(fit))))[k - 1]
    up <- best[k] + step; while (held(up) < 0) up <- up + step
    down <- if (k == 1) 1e-4 else best[k] - step
    if (k > 1) while (held(down) < 0) down <- down - step
    found[[names[k]]] <- c(uniroot(held, c(down, best[k]), tol = 1e-8)$root, uniroot(held, c(best[k], up), tol = 1e-8)$root)
  }
  message('roots done')
  list(criterion = low, ci = found)
}

spline <- function(fit) {
  started <- Sys.time()
  ci <- confint(profile(fit, signames = FALSE, delta.cutoff = 1/16), level = 0.95)
  message(nobs(fit), ' rows, profile: ', format(Sys.time() - started))
  split(unname(ci), row(ci)) |> setNames(rownames(ci))
}

small <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = tight)
agq <- update(small, nAGQ = 9)
names <- c("sd(herd: Intercept)", "Intercept", "period[T.2]", "period[T.3]", "period[T.4]")
women <- transform(con, use = as.integer(use == "Y"))
level <- glmer(use ~ age + urban + (1 | district), women, binomial, control = tight)
out <- list(id = "profileR_glmm", software = "lme4", version = as.character(packageVersion("lme4")),
            call = "tests/reference/glmm_profile.R",
            cbpp_laplace = list(roots = roots(small, names = names), spline = spline(small)),
            cbpp_agq9 = list(roots = roots(agq, names = names)),
            contraception = list(criterion = -2 * as.numeric(logLik(level)), spline = spline(level)))
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "tests/reference/r/profileR_glmm.json")
