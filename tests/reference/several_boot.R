# Parametric bootstrap of a model with two crossed factors by lme4's bootMer: means and standard deviations of 4000
# replicates of every parameter. Nothing here uses mlmlib.
# Run: Rscript tests/reference/several_boot.R tests/reference/r/bootR_penicillin.json
suppressMessages({library(lme4); library(jsonlite)})
penicillin <- read.csv("tests/reference/data/Penicillin.csv", stringsAsFactors = TRUE)
fit <- lmer(diameter ~ 1 + (1 | plate) + (1 | sample), penicillin)
values <- function(f) c(Intercept = unname(fixef(f)), "sd(plate: Intercept)" = attr(VarCorr(f)$plate, "stddev")[[1]],
                        "sd(sample: Intercept)" = attr(VarCorr(f)$sample, "stddev")[[1]], sigma = sigma(f))
found <- suppressMessages(bootMer(fit, values, nsim = 4000, seed = 5))
writeLines(toJSON(list(id = "bootR_penicillin", software = "R, lme4's bootMer",
  version = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4"))),
  call = "tests/reference/several_boot.R",
  results = list(n = nrow(found$t), mean = as.list(colMeans(found$t)), sd = as.list(apply(found$t, 2, sd)))),
  auto_unbox = TRUE, digits = NA, pretty = TRUE), commandArgs(TRUE)[1])
