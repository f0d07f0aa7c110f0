# Exact tests of one variance beyond those of r/rlrt_*.json, by RLRsim: small data, a statistic of moderate size, a variance
# estimated as zero, one variance of two (m, mA, m0), maximum likelihood with and without a fixed effect in the null.
#
#   Rscript tests/reference/rlrt.R        from the root of the book; writes tests/reference/r/rlrtR_cases.json
#
# Nothing here uses mlmlib. RLRsim looks for the maximum on a grid of 200 points of log lambda from -10 to 8; 1000 are asked for.
suppressMessages({library(lme4); library(RLRsim); library(jsonlite)})
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, check.conv.singular = "ignore",
                     optCtrl = list(rhobeg = 0.2, rhoend = 1e-10, maxfun = 1e5))
read <- function(name, folder = "data") read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE)
hsb <- read("hsb"); hsb$sector <- relevel(hsb$sector, "Public"); sleep <- read("sleepstudy"); math <- read("math")
yield <- read("Dyestuff", "tests/reference/data"); yield2 <- read("Dyestuff2", "tests/reference/data")
fit <- function(formula, data, reml) lmer(formula, data, REML = reml, control = tight)
few <- sleep[sleep$Days %in% c(0, 1) & as.integer(factor(sleep$Subject)) <= 10, ]
some <- hsb[hsb$school %in% sort(unique(hsb$school))[1:30], ]
NSIM <- 100000
probs <- c(0.75, 0.9, 0.95, 0.99)

case <- function(call, data, formula, test, null = NULL, null_fixed = NULL) {
  draws <- test$sample
  list(call = call, data = data, formula = formula, null = null, statistic = unname(test$statistic), p = test$p.value,
       zero = if (is.null(draws)) NULL else mean(draws == 0),
       quantiles = if (is.null(draws)) NULL else as.list(setNames(quantile(draws, probs, names = FALSE), probs)))
}
rlrt <- function(formula, data, name) {
  m <- fit(formula, data, TRUE)
  case("exactRLRT(m)", name, deparse1(formula), exactRLRT(m, seed = 11, nsim = NSIM, gridlength = 1000))
}
rlrt3 <- function(alone, full, null, data, name) {
  fits <- lapply(list(alone, full, null), fit, data = data, reml = TRUE)
  case("exactRLRT(m, mA, m0)", name, deparse1(full),
       exactRLRT(fits[[1]], fits[[2]], fits[[3]], seed = 12, nsim = NSIM, gridlength = 1000), deparse1(null))
}
lrt <- function(formula, null, data, name) {
  m <- fit(formula, data, FALSE)
  case("exactLRT(m, m0)", name, deparse1(formula),
       exactLRT(m, lm(null, data), seed = 13, nsim = NSIM, gridlength = 1000), deparse1(null))
}
found <- suppressMessages(suppressWarnings(list(
  dyestuff = rlrt(Yield ~ 1 + (1 | Batch), yield, "Dyestuff"),
  dyestuff2 = rlrt(Yield ~ 1 + (1 | Batch), yield2, "Dyestuff2"),
  sleep_few = rlrt(Reaction ~ Days + (1 | Subject), few, "sleepstudy, days 0 and 1, first 10"),
  hsb_slope = rlrt(mathach ~ cses + (0 + cses | school), hsb, "hsb"),
  sleep_slope = rlrt3(Reaction ~ Days + (0 + Days | Subject), Reaction ~ Days + (1 | Subject) + (0 + Days | Subject),
                      Reaction ~ Days + (1 | Subject), sleep, "sleepstudy"),
  some_slope = rlrt3(mathach ~ cses + (0 + cses | school), mathach ~ cses + (1 | school) + (0 + cses | school),
                     mathach ~ cses + (1 | school), some, "hsb, first 30 schools"),
  lrt_dyestuff = lrt(Yield ~ 1 + (1 | Batch), Yield ~ 1, yield, "Dyestuff"),
  lrt_sleep_few = lrt(Reaction ~ Days + (1 | Subject), Reaction ~ Days, few, "sleepstudy, days 0 and 1, first 10"),
  lrt_sleep_few_fixed = lrt(Reaction ~ Days + (1 | Subject), Reaction ~ 1, few, "sleepstudy, days 0 and 1, first 10")
)))
writeLines(toJSON(list(id = "rlrtR_cases", software = "RLRsim",
                       version = list(R = as.character(getRversion()), RLRsim = as.character(packageVersion("RLRsim")),
                                      lme4 = as.character(packageVersion("lme4"))),
                       nsim = NSIM, results = found), auto_unbox = TRUE, digits = NA, pretty = TRUE, null = "null"),
           "tests/reference/r/rlrtR_cases.json")
