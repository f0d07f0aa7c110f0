# Families, links and zero parts of generalized mixed models that the other reference files do not have.
#
#   Rscript tests/reference/families.R      from the root of the book; writes tests/reference/r/families.json
#
# glmmTMB, driven on by Newton steps with its exact gradient until nothing moves; standard errors from the whole Hessian.
# Nothing here uses mlmlib.
suppressMessages({library(glmmTMB); library(MASS); library(lme4); library(numDeriv); library(jsonlite)})
owls <- read.csv("tests/reference/data/owls.csv", stringsAsFactors = TRUE)
salamanders <- read.csv("tests/reference/data/salamanders.csv", stringsAsFactors = TRUE)
sleepstudy$tenths <- sleepstudy$Reaction / 100
data <- list(epil = epil, owls = owls, salamanders = salamanders, sleepstudy = sleepstudy, cbpp = cbpp)
out <- list()
tmb <- function(name, table, formula, family, ...) {
  fit <- glmmTMB(formula, data[[table]], family = family, ..., control = glmmTMBControl(optCtrl = list(iter.max = 2000, eval.max = 3000)))
  obj <- fit$obj; obj$env$inner.control$tol10 <- 0; obj$env$silent <- TRUE
  p <- fit$fit$par; first <- obj$fn(p)
  for (step in 1:4) {
    g <- as.numeric(obj$gr(p)); H <- jacobian(function(x) as.numeric(obj$gr(x)), p); H <- (H + t(H)) / 2
    p <- p - solve(H, g)
  }
  last <- as.numeric(obj$fn(p)); g <- as.numeric(obj$gr(p))
  H <- jacobian(function(x) as.numeric(obj$gr(x)), p); se <- sqrt(diag(solve((H + t(H)) / 2)))
  part <- names(p); named <- fixef(fit)
  of <- function(which, known) setNames(as.list(p[part == which]), names(known))
  errors <- function(which, known) setNames(as.list(se[part == which]), names(known))
  found <- list(data = table, formula = deparse1(formula), logLik = -last, df = length(p), gradient = max(abs(g)),
                fixef = of("beta", named$cond), se = errors("beta", named$cond), theta = I(as.numeric(p[part == "theta"])))
  if ("betad" %in% part) found$betad <- p[["betad"]]
  if (length(named$zi)) {
    found$zi <- of("betazi", named$zi); found$se_zi <- errors("betazi", named$zi)
    found$thetazi <- I(as.numeric(p[part == "thetazi"]))
  }
  out[[name]] <<- found
  cat(sprintf("%-28s logLik %.8f  polish %.1e  grad %.1e\n", name, -last, first - last, max(abs(g))))
}
E <- y ~ lbase * trt + lage + V4 + (1 | subject)
fixed <- list(betad = factor(NA))
tmb("geometric", "epil", E, nbinom2(), start = list(betad = 0), map = fixed)
tmb("exponential", "sleepstudy", tenths ~ Days + (1 | Subject), Gamma("log"), start = list(betad = 0), map = fixed)
tmb("t5", "sleepstudy", tenths ~ Days + (1 | Subject), t_family(), start = list(psi = log(5)), map = list(psi = factor(NA)))
tmb("t_slope", "sleepstudy", tenths ~ Days + (Days | Subject), t_family())
tmb("gaussian_log", "sleepstudy", tenths ~ Days + (1 | Subject), gaussian("log"))
tmb("poisson_sqrt", "epil", y ~ base + trt + (1 | subject), poisson("sqrt"))
tmb("nbinom2_sqrt", "epil", y ~ base + trt + (1 | subject), nbinom2("sqrt"))
tmb("binomial_log", "cbpp", cbind(incidence, size - incidence) ~ period + (1 | herd), binomial("log"), start = list(beta = c(-1.7, -0.8, -0.9, -1.3), theta = -1))
O <- SiblingNegotiation ~ FoodTreatment + offset(logBroodSize) + (1 | Nest)
tmb("zip_both", "owls", O, poisson(), ziformula = ~ FoodTreatment + (1 | Nest))
tmb("zip_slope", "owls", O, poisson(), ziformula = ~ FoodTreatment + (FoodTreatment | Nest))
tmb("zinb2_both", "owls", O, nbinom2(), ziformula = ~ FoodTreatment + (1 | Nest))
tmb("hurdle_both", "owls", O, truncated_poisson(), ziformula = ~ FoodTreatment + (1 | Nest))
tmb("hurdle_nbinom1", "owls", O, truncated_nbinom1(), ziformula = ~ FoodTreatment + (1 | Nest))
tmb("hurdle_nbinom2", "owls", O, truncated_nbinom2(), ziformula = ~ FoodTreatment)
tmb("zip_fixed", "owls", SiblingNegotiation ~ FoodTreatment + offset(logBroodSize), poisson(), ziformula = ~ FoodTreatment)
write_json(list(software = "glmmTMB+TMB", version = list(R = as.character(getRversion()), glmmTMB = as.character(packageVersion("glmmTMB"))),
                fits = out), "tests/reference/r/families.json", digits = NA, auto_unbox = TRUE, pretty = 1)
