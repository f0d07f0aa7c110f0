# Residual variances that follow the fitted values, by nlme.  Its own iteration stops when its parameters have nearly
# settled (delta to three digits), so that here it is fitted to its fitted values, as a column, until these stay.
#
#   Rscript tests/reference/rows_fitted.R       from the root of the book; writes tests/reference/r/nlme_fitted_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(nlme); library(jsonlite)})
lc <- lmeControl(tolerance = 1e-12, msTol = 1e-13, maxIter = 1000, msMaxIter = 1000, niterEM = 100, opt = "nlminb")
gc <- glsControl(tolerance = 1e-12, msTol = 1e-13, maxIter = 1000, msMaxIter = 1000, opt = "nlminb")
sleep <- read.csv("data/sleepstudy.csv"); sleep$Subject <- factor(sleep$Subject)
put <- function(name, call) for (m in c("ML", "REML")) {
  text <- gsub("METHOD", paste0('"', m, '"'), call)
  own <- eval(parse(text = gsub("FORM", "~ fitted(.)", text)))
  f <- own
  for (k in 1:60) {
    sleep$v <- fitted(f); assign("sleep", sleep, envir = globalenv())
    f <- eval(parse(text = gsub("FORM", "~ v", text)))
    if (max(abs(fitted(f) - sleep$v)) < 1e-8) break
  }
  b <- if (inherits(f, "lme")) fixef(f) else coef(f)
  r <- list(id = paste0("nlme_fitted_", name, "_", tolower(m)), software = "nlme",
            version = list(R = as.character(getRversion()), nlme = as.character(packageVersion("nlme"))), call = text, turns = k,
            results = list(method = m, fixef = as.list(b), se = as.list(sqrt(diag(vcov(f)))), sigma = f$sigma,
                           delta = as.numeric(coef(f$modelStruct$varStruct)), own_delta = as.numeric(coef(own$modelStruct$varStruct)),
                           logLik = as.numeric(logLik(f)),
                           df = attr(logLik(f), "df")))
  cat(r$id, r$results$logLik, r$results$delta, k, "\n")
  write_json(r, paste0("tests/reference/r/", r$id, ".json"), digits = NA, auto_unbox = TRUE)
}
put("gls_power", "gls(Reaction ~ Days, sleep, weights = varPower(form = FORM), method = METHOD, control = gc)")
put("lme_power", paste("lme(Reaction ~ Days, sleep, random = ~ 1 | Subject,",
                       "weights = varPower(form = FORM), method = METHOD, control = lc)"))
put("lme_exp", paste("lme(Reaction ~ Days, sleep, random = ~ 1 | Subject,",
                     "weights = varExp(form = FORM), method = METHOD, control = lc)"))
