# Reference numbers of nested random effects with AR(1) residuals, by nlme's lme.
#
#   Rscript tests/reference/rows_nested.R       from the root of the book; writes tests/reference/r/nlme_nested_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(nlme); library(jsonlite)})
control <- lmeControl(tolerance = 1e-10, msTol = 1e-12, maxIter = 500, msMaxIter = 500, niterEM = 100, opt = "nlminb")
egsingle <- read.csv("data/egsingle.csv")
egsingle$schoolid <- factor(egsingle$schoolid); egsingle$childid <- factor(egsingle$childid)
egsingle$occ <- as.integer(egsingle$year + 3.5)
put <- function(name, call) for (m in c("ML", "REML")) {
  text <- gsub("METHOD", paste0('"', m, '"'), call)
  f <- eval(parse(text = text))
  v <- VarCorr(f)
  r <- list(id = paste0("nlme_nested_", name, "_", tolower(m)), software = "nlme",
            version = list(R = as.character(getRversion()), nlme = as.character(packageVersion("nlme"))), call = text,
            results = list(method = m, fixef = as.list(fixef(f)), se = as.list(sqrt(diag(vcov(f)))), sigma = f$sigma,
                           sds = as.numeric(v[v[, "StdDev"] != "", "StdDev"]),
                           cor_par = as.numeric(coef(f$modelStruct$corStruct, unconstrained = FALSE)),
                           reStruct = lapply(as.matrix(f$modelStruct$reStruct), function(x) as.numeric(x) * f$sigma^2),
                           logLik = as.numeric(logLik(f)), df = attr(logLik(f), "df")))
  cat(r$id, r$results$logLik, r$results$cor_par, "\n")
  write_json(r, paste0("tests/reference/r/", r$id, ".json"), digits = NA, auto_unbox = TRUE)
}
put("egsingle_ar1", paste("lme(math ~ year, egsingle, random = ~ 1 | schoolid/childid,",
                          "correlation = corAR1(form = ~ occ | schoolid/childid), method = METHOD, control = control)"))
