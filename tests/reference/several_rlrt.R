# Exact tests of one variance of models with several grouping factors, by RLRsim's exactRLRT(m, mA, m0).
# Nothing here uses mlmlib. Run: Rscript tests/reference/several_rlrt.R tests/reference/r/rlrtR_several.json
suppressMessages({library(lme4); library(RLRsim); library(jsonlite)})
read <- function(name) read.csv(file.path("tests/reference/data", paste0(name, ".csv")), stringsAsFactors = TRUE)
sleep <- read.csv("data/sleepstudy.csv", stringsAsFactors = TRUE)
sleep$moved <- sleep$Reaction + 20 * cos(2.3 * sleep$Days); sleep$day <- factor(sleep$Days)
tables <- list(pastes = read("Pastes"), scotssec = read("scotssec"), sleep = sleep)
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, check.conv.singular = "ignore",
                     optCtrl = list(rhobeg = 0.2, rhoend = 1e-10, maxfun = 1e5))
case <- function(data, alone, full, null) {
  fits <- lapply(list(alone, full, null), function(f) lmer(f, tables[[data]], control = tight))
  test <- exactRLRT(fits[[1]], fits[[2]], fits[[3]], seed = 12, nsim = 100000, gridlength = 1000)
  probs <- c(0.75, 0.9, 0.95, 0.99)
  list(data = data, formula = deparse1(full), null = deparse1(null), statistic = unname(test$statistic),
       p = test$p.value, zero = mean(test$sample == 0),
       quantiles = as.list(setNames(quantile(test$sample, probs, names = FALSE), probs)))
}
found <- suppressMessages(suppressWarnings(list(
  pastes_batch = case("pastes", strength ~ 1 + (1 | batch), strength ~ 1 + (1 | batch) + (1 | batch:cask),
                      strength ~ 1 + (1 | batch:cask)),
  scotssec_second = case("scotssec", attain ~ verbal + (1 | second), attain ~ verbal + (1 | primary) + (1 | second),
                         attain ~ verbal + (1 | primary)),
  sleep_slope = case("sleep", moved ~ Days + (0 + Days | Subject),
                     moved ~ Days + (1 | Subject) + (0 + Days | Subject) + (1 | day),
                     moved ~ Days + (1 | Subject) + (1 | day)))))
writeLines(toJSON(list(id = "rlrtR_several", software = "R, RLRsim's exactRLRT", version = list(
  R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
  RLRsim = as.character(packageVersion("RLRsim"))), call = "tests/reference/several_rlrt.R", results = found),
  auto_unbox = TRUE, digits = NA, pretty = TRUE), commandArgs(TRUE)[1])
