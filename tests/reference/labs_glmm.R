# The fits behind the presets of the labs two_averages and quadrature (chapter 16), by lme4's glmer with many nodes,
# and the same children by geepack.
#
#   Rscript tests/reference/labs_glmm.R       from the root of the book; writes tests/reference/r/labs_glmm.json
#
# Nothing here uses mlmlib. ohio and epil come with geepack and MASS, Contraception with mlmRev, cbpp with lme4.
suppressMessages({library(lme4); library(jsonlite)})
data(ohio, package = "geepack"); data(epil, package = "MASS"); data(Contraception, package = "mlmRev")
seen <- function(formula, data, family, nodes) {
  fit <- glmer(formula, data, family, nAGQ = nodes)
  list(call = paste0("glmer(", deparse1(formula), ", ", family, ", nAGQ=", nodes, ")"), fixef = as.list(fixef(fit)),
       sd = unname(getME(fit, "theta")), loglik = as.numeric(logLik(fit)))
}
herd <- aggregate(cbind(incidence, size) ~ herd, cbpp, sum)
subject <- aggregate(y ~ subject, epil, sum)
out <- list(id = "labs_glmm", software = "lme4", version = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4"))),
  results = list(
    contraception = seen(use ~ age + I(age^2) + urban + livch + (1 | district), Contraception, "binomial", 25),
    ohio = seen(resp ~ age * smoke + (1 | id), ohio, "binomial", 50),
    ohio_gee = as.list(coef(geepack::geeglm(resp ~ age * smoke, data = ohio, family = binomial, id = id, corstr = "independence"))),
    cbpp_mean = seen(cbind(incidence, size - incidence) ~ 1 + (1 | herd), cbpp, "binomial", 25),
    ohio_mean = seen(resp ~ 1 + (1 | id), ohio, "binomial", 50),
    ohio_mean_laplace = seen(resp ~ 1 + (1 | id), ohio, "binomial", 1),
    epil_mean = seen(y ~ 1 + (1 | subject), epil, "poisson", 25),
    herds = setNames(split(herd[, 2:3], herd$herd), NULL),
    herd14_later = as.list(colSums(subset(cbpp, herd == "14" & period != "1")[, c("incidence", "size")])),
    ohio_counts = as.list(table(tapply(ohio$resp, ohio$id, sum))),
    subjects = as.list(setNames(subject$y, subject$subject))))
write_json(out, "tests/reference/r/labs_glmm.json", digits = NA, auto_unbox = TRUE)
