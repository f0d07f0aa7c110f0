# Penalized quasi-likelihood by MASS::glmmPQL (maximum likelihood of nlme's lme), its tolerance tightened from 1e-6 to
# 1e-22 and its steps from 10 to 500, with the residual variance free (its own way) and held at 1 (lmeControl(sigma = 1)).
#   Rscript tests/reference/pql.R       writes tests/reference/r/pql_*.json
# The data are those of tests/reference/data, and MASS::bacteria, which is written there too.
suppressMessages({library(MASS); library(nlme); library(jsonlite)})
here <- "tests/reference"
tight <- glmmPQL
text <- gsub("1e-06", "1e-22", deparse(body(glmmPQL)), fixed = TRUE)
stopifnot(any(grepl("1e-22", text)))
body(tight) <- parse(text = text)[[1]]
environment(tight) <- environment(glmmPQL)

say <- function(id, call, ..., kinds = c("free", "fixed"), small = 1e-14, niter = 500) {
  for (sigma in kinds) {
    control <- lmeControl(msTol = small, tolerance = 100 * small, maxIter = 500, msMaxIter = 500, msMaxEval = 2000,
                          opt = "nlminb", sigma = if (sigma == "fixed") 1 else NULL)
    fit <- tight(..., niter = niter, verbose = FALSE, control = control)
    T <- lapply(fit$modelStruct$reStruct, function(s) as.matrix(s) * fit$sigma^2)
    out <- list(id = sprintf("pql_%s_%s", id, sigma), software = "MASS", version = list(R = paste(R.version$major, R.version$minor, sep = "."),
                MASS = as.character(packageVersion("MASS")), nlme = as.character(packageVersion("nlme"))),
                call = call, sigma = sigma,
                results = list(fixef = as.list(fixef(fit)), residual = fit$sigma,
                               covariance = lapply(T, function(m) lapply(seq_len(nrow(m)), function(i) unname(m[i, ]))),
                               se = as.list(sqrt(diag(vcov(fit)))), n = fit$dims$N, p = length(fixef(fit))))
    writeLines(toJSON(out, auto_unbox = TRUE, digits = NA, pretty = TRUE), sprintf("%s/r/pql_%s_%s.json", here, id, sigma))
  }
}

contr <- read.csv(file.path(here, "data", "contraception.csv"))
contr$use <- as.integer(contr$use == "Y")
say("contraception", "glmmPQL(use ~ age + I(age^2) + urban + livch, random = ~ 1 | district, family = binomial)",
    use ~ age + I(age^2) + urban + livch, random = ~ 1 | district, family = binomial, data = contr)
say("contraception_slope", "glmmPQL(use ~ age + I(age^2) + urban + livch, random = ~ urban | district, family = binomial)",
    use ~ age + I(age^2) + urban + livch, random = ~ urban | district, family = binomial, data = contr)
say("contraception_probit", "glmmPQL(use ~ age + I(age^2) + urban + livch, random = ~ 1 | district, family = binomial(probit))",
    use ~ age + I(age^2) + urban + livch, random = ~ 1 | district, family = binomial("probit"), data = contr)
cbpp <- read.csv(file.path(here, "data", "cbpp.csv"))
cbpp$period <- factor(cbpp$period)
say("cbpp", "glmmPQL(cbind(incidence, size - incidence) ~ period, random = ~ 1 | herd, family = binomial)",
    cbind(incidence, size - incidence) ~ period, random = ~ 1 | herd, family = binomial, data = cbpp)
epil <- read.csv(file.path(here, "data", "epil.csv"))
say("epil", "glmmPQL(y ~ lbase * trt + lage + V4, random = ~ 1 | subject, family = poisson)",
    y ~ lbase * trt + lage + V4, random = ~ 1 | subject, family = poisson, data = epil)
write.csv(bacteria, file.path(here, "data", "bacteria.csv"), row.names = FALSE, quote = FALSE)
bacteria$late <- as.integer(bacteria$week > 2)
bacteria$y <- as.integer(bacteria$y == "y")
say("bacteria", "glmmPQL(y ~ trt + I(week > 2), random = ~ 1 | ID, family = binomial, data = bacteria)",
    y ~ trt + late, random = ~ 1 | ID, family = binomial, data = bacteria)
births <- read.csv(gzfile("data/rodriguez_goldman.csv.gz"))  # here lme is not to be driven further than its own tolerance
say("rodriguez_goldman", "glmmPQL(y1 ~ chldcov + famcov + commcov, random = ~ 1 | community/family, family = binomial)",
    y1 ~ chldcov + famcov + commcov, random = ~ 1 | community/family, family = binomial, data = births,
    kinds = "fixed", small = 1e-10, niter = 40)
