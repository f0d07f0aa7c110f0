# lme4, told to go on, for the models of multiple_terms.toml whose printed last digits stop short of the optimum.
library(lme4)
go <- function(formula, data) {
  fit <- lmer(formula, data, REML = FALSE, control = lmerControl(optimizer = "bobyqa", calc.derivs = FALSE,
    optCtrl = list(rhoend = 1e-9, maxfun = 1e5)))
  theta <- getME(fit, "theta")
  f <- update(fit, devFunOnly = TRUE)
  best <- optim(theta, f, method = "L-BFGS-B", lower = 0, control = list(factr = 1, maxit = 500, pgtol = 0))
  fit <- update(fit, start = best$par, control = lmerControl(optimizer = "nloptwrap", calc.derivs = FALSE,
    optCtrl = list(algorithm = "NLOPT_LN_NELDERMEAD", xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 2000)))
  cat(deparse(formula), "\n"); print(c(deviance = deviance(fit)), digits = 12)
  print(as.data.frame(VarCorr(fit))[, c("grp", "vcov", "sdcor")], digits = 9)
  print(coef(summary(fit)), digits = 9)
}
go(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)
go(strength ~ 1 + (1 | sample) + (1 | batch), Pastes)
go(strength ~ 1 + (1 | sample), Pastes)
go(y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept), InstEval)
