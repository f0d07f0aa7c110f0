# Autocorrelations of residuals by nlme's ACF, and residual variances by a power of the fitted values.
#
#   Rscript tests/reference/rows_acf.R       from the root of the book; writes tests/reference/r/nlme_acf_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(nlme); library(jsonlite)})
control <- lmeControl(tolerance = 1e-10, msTol = 1e-12, maxIter = 500, msMaxIter = 500, niterEM = 100, opt = "nlminb")
sleep <- read.csv("data/sleepstudy.csv"); sleep$Subject <- factor(sleep$Subject)
ovary <- read.csv("tests/reference/data/ovary.csv"); ovary$Mare <- factor(ovary$Mare)
put <- function(name, call, kind) {
  f <- eval(parse(text = call))
  a <- ACF(f, resType = kind)
  r <- list(id = paste0("nlme_acf_", name), software = "nlme",
            version = list(R = as.character(getRversion()), nlme = as.character(packageVersion("nlme"))), call = call,
            results = list(kind = kind, lag = a$lag, acf = a$ACF, pairs = attr(a, "n.used")))
  cat(r$id, a$ACF[2], "\n")
  write_json(r, paste0("tests/reference/r/", r$id, ".json"), digits = NA, auto_unbox = TRUE)
}
put("sleep_ar1", paste("lme(Reaction ~ Days, sleep, random = ~ 1 | Subject,",
                       "correlation = corAR1(form = ~ Days | Subject), control = control)"), "normalized")
put("ovary", paste("lme(follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), ovary, random = ~ 1 | Mare,",
                   "control = control)"), "pearson")
put("sleep_gls", "gls(Reaction ~ Days, sleep, correlation = corAR1(form = ~ Days | Subject))", "pearson")
