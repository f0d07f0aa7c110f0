# Reference numbers of ordered and unordered categories without random effects, by ordinal's clm and nnet's multinom.
#
#   Rscript tests/reference/categories.R       from the root of the book; writes tests/reference/r/catR_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(ordinal); library(nnet); library(jsonlite)})
versions <- list(R = as.character(getRversion()), ordinal = as.character(packageVersion("ordinal")),
                 nnet = as.character(packageVersion("nnet")))
save <- function(id, call, results) write(toJSON(list(id = id, software = "ordinal, nnet", version = versions, call = call,
  results = results), auto_unbox = TRUE, digits = NA, pretty = TRUE), file.path("tests/reference/r", paste0(id, ".json")))
control <- clm.control(gradTol = 1e-10, maxIter = 500)

wine <- read.csv("data/wine.csv")
wine$rating <- factor(wine$rating, ordered = TRUE)
tests <- list()
for (link in c("logit", "probit", "cloglog", "loglog", "cauchit")) {
  fit <- clm(rating ~ temp + contact, data = wine, link = link, control = control)
  found <- suppressWarnings(nominal_test(clm(rating ~ temp + contact, data = wine, link = link)))  # the default control
  tests[[link]] <- list(logLik = as.numeric(logLik(fit)), coef = as.list(coef(fit)), se = as.list(sqrt(diag(vcov(fit)))),
                        df = found$Df[-1], lrt = found$LRT[-1], p = found[["Pr(>Chi)"]][-1], terms = rownames(found)[-1])
}
save("catR_nominal_test", "nominal_test(clm(rating ~ temp + contact, data = wine, link = link))", tests)

fit <- clm(rating ~ temp, nominal = ~ contact, data = wine, control = control)
save("catR_nominal_contact", "clm(rating ~ temp, nominal = ~ contact, data = wine)",
     list(logLik = as.numeric(logLik(fit)), coef = as.list(coef(fit)), se = as.list(sqrt(diag(vcov(fit))))))

socatt <- read.csv("data/socatt.csv")
socatt$party <- factor(socatt$party)
fit <- multinom(party ~ age + gender, data = socatt, trace = FALSE, reltol = 1e-16, abstol = 1e-16, maxit = 5000)
save("catR_multinom_socatt", "multinom(party ~ age + gender, data = socatt)",
     list(logLik = as.numeric(logLik(fit)), levels = levels(socatt$party), terms = colnames(coef(fit)),
          coef = unname(coef(fit)), se = unname(summary(fit)$standard.errors), fitted_first = unname(fitted(fit)[1:3, ])))
