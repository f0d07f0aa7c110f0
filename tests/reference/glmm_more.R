# Reference numbers of generalized mixed models that the project's own files (exactml_, glmm_, tmb_, clm) do not have.
#
#   Rscript tests/reference/glmm_more.R [name ...]      from the root of the book; writes tests/reference/r/tmbR_*.json, clmmR_*.json
#
# glmmTMB, driven on by Newton steps with its exact gradient until nothing moves; standard errors from the whole Hessian (all
# parameters).  ordinal's clmm as it stops.  Nothing here uses mlmlib.
suppressMessages({library(glmmTMB); library(lme4); library(mlmRev); library(MASS); library(ordinal); library(numDeriv); library(jsonlite)})
wanted <- commandArgs(TRUE)
versions <- list(R = as.character(getRversion()), glmmTMB = as.character(packageVersion("glmmTMB")),
                 TMB = as.character(packageVersion("TMB")), ordinal = as.character(packageVersion("ordinal")))
epil$period <- epil$period - 1; epil$row <- factor(seq_len(nrow(epil)))
wine$share <- wine$response / 100
Salamanders$site <- factor(Salamanders$site, ordered = FALSE)
Mmmec$logexpected <- log(Mmmec$expected)
sleepstudy$tenths <- sleepstudy$Reaction / 100
cbpp$row <- factor(seq_len(nrow(cbpp)))
for (name in c("owls", "salamanders")) {
  out <- if (name == "owls") Owls else Salamanders
  for (k in names(out)) if (is.double(out[[k]])) out[[k]] <- as.numeric(sprintf("%.15g", out[[k]]))
  write.csv(out, paste0("tests/reference/data/", name, ".csv"), row.names = FALSE, quote = FALSE)
}
data <- list(epil = epil, wine = wine, salamanders = Salamanders, owls = Owls, mmmec = Mmmec, contraception = Contraception,
             guimmun = guImmun, grouseticks = grouseticks, sleepstudy = sleepstudy, socatt = Socatt, verbagg = VerbAgg, cbpp = cbpp,
             ohio = geepack::ohio, rodriguez_goldman = cbind(s3bbx, y1 = s3bby[, 1], y100 = s3bby[, 100]))
keep <- function(id, software, call, table, results) {
  write_json(list(id = id, software = software, version = versions[c("R", if (software == "ordinal") "ordinal" else c("glmmTMB", "TMB"))],
                  call = call, data = table, results = results), paste0("tests/reference/r/", id, ".json"), digits = NA, auto_unbox = TRUE)
}
spoken <- function(verb, call, formula) {
  call$name <- NULL; call$formula <- formula; call[[1]] <- as.name(verb)
  gsub(" +", " ", paste(deparse(call), collapse = " "))
}
skip <- function(name) length(wanted) > 0 && !(name %in% wanted)
random <- function(terms, sd, corr) {
  out <- list()
  for (k in seq_along(terms)) {
    s <- as.numeric(sd[[k]]); R <- matrix(as.numeric(corr[[k]]), length(s)); if (length(s) == 1) R <- matrix(1)
    key <- names(terms)[k]; while (key %in% names(out)) key <- paste0(key, ".1")
    out[[key]] <- list(names = I(terms[[k]]), cov = outer(s, s) * R, sd = I(s), cor = R)
  }
  out
}
tmb <- function(name, table, formula, family, ...) {
  if (skip(name)) return(invisible())
  rows <- data[[table]]
  call <- spoken("glmmTMB", match.call(), formula)
  began <- proc.time()[3]
  fit <- glmmTMB(formula, rows, family = family, ..., control = glmmTMBControl(optCtrl = list(iter.max = 2000, eval.max = 3000)))
  obj <- fit$obj; obj$env$inner.control$tol10 <- 0; obj$env$silent <- TRUE
  p <- fit$fit$par; first <- obj$fn(p)
  for (step in 1:4) {
    g <- as.numeric(obj$gr(p)); H <- jacobian(function(x) as.numeric(obj$gr(x)), p); H <- (H + t(H)) / 2
    p <- p - solve(H, g)
  }
  last <- as.numeric(obj$fn(p)); g <- as.numeric(obj$gr(p)); obj$fn(p)
  H <- jacobian(function(x) as.numeric(obj$gr(x)), p); H <- (H + t(H)) / 2; V <- solve(H); se <- sqrt(diag(V))
  obj$fn(p); full <- obj$env$last.par; rep <- obj$report(full)
  X <- fit$modelInfo; named <- fixef(fit); part <- names(p)
  coefficients <- function(which, known) setNames(as.list(p[part == which]), names(known))
  errors <- function(which, known) setNames(as.list(se[part == which]), names(known))
  b <- full[names(full) == "b"]; cnms <- X$reTrms$cond$cnms
  results <- list(nobs = nobs(fit), fixef = coefficients("beta", named$cond), se = errors("beta", named$cond),
    par_all = split(as.numeric(p), factor(part, unique(part))), par_names = part, vcov_par_all = V, logLik = -last, df = length(p),
    AIC = 2 * last + 2 * length(p), dlogLik_polish = as.numeric(first) - last, max_abs_grad = max(abs(g)))
  power <- switch(fit$modelInfo$family$family, gaussian = 1 / 2, Gamma = -1 / 2, 1)  # of exp(betad), in what sigma() prints
  if ("betad" %in% part) results$sigma_glmmTMB <- exp(power * p[["betad"]])
  if (length(named$zi)) results <- c(results, list(zi = coefficients("betazi", named$zi), se_zi = errors("betazi", named$zi)))
  if (length(cnms)) results$varcomp <- random(cnms, rep$sd, rep$corr)
  if (length(X$reTrms$zi$cnms)) results$varcomp_zi <- random(X$reTrms$zi$cnms, rep$sdzi, rep$corrzi)
  if (length(cnms)) results$ranef_first5 <- as.list(as.numeric(b[1:5]))
  keep(paste0("tmbR_", name), "glmmTMB+TMB", call, table, results)
  cat(sprintf("%-28s %4.0f s  logLik %.8f  polish %.1e  grad %.1e\n", name, proc.time()[3] - began, -last, first - last, max(abs(g))))
}
clmmR <- function(name, table, formula, ...) {
  if (skip(name)) return(invisible())
  call <- spoken("clmm", match.call(), formula)
  began <- proc.time()[3]
  fit <- clmm(formula, data[[table]], ..., control = clmm.control(gradTol = 1e-8, maxIter = 200))
  s <- coef(summary(fit))
  keep(paste0("clmmR_", name), "ordinal", call, table, list(nobs = nobs(fit), coef = as.list(coef(fit)), se = setNames(as.list(s[, 2]), rownames(s)),
    varcomp = lapply(VarCorr(fit), function(v) list(names = I(rownames(v)), cov = unclass(v)[, , drop = FALSE])),
    logLik = as.numeric(logLik(fit)), df = attr(logLik(fit), "df"), max_grad = fit$info$max.grad))
  cat(sprintf("%-28s %4.0f s  logLik %.8f\n", name, proc.time()[3] - began, logLik(fit)))
}
E1 <- y ~ lbase * trt + lage + V4 + (1 | subject)
W <- share ~ temp + contact + (1 | judge)
tmb("contraception_slope", "contraception", use ~ age + I(age^2) + urban + livch + (urban | district), binomial())
tmb("contraception_probit", "contraception", use ~ age + I(age^2) + urban + livch + (1 | district), binomial("probit"))
tmb("contraception_cloglog", "contraception", use ~ age + I(age^2) + urban + livch + (1 | district), binomial("cloglog"))
tmb("ohio", "ohio", resp ~ age * smoke + (1 | id), binomial())
tmb("guimmun", "guimmun", immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 + (1 | mom) + (1 | comm), binomial())
for (y in c("y1", "y100")) tmb(paste0("rodriguez_goldman_", y), "rodriguez_goldman",
  as.formula(paste(y, "~ chldcov + famcov + commcov + (1 | family) + (1 | community)")), binomial())
tmb("cbpp_observation", "cbpp", cbind(incidence, size - incidence) ~ period + (1 | herd) + (1 | row), binomial())
tmb("grouseticks", "grouseticks", TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION), poisson())
tmb("grouseticks_observation", "grouseticks", TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION), poisson())
tmb("grouseticks_nbinom2", "grouseticks", TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION), nbinom2())
tmb("grouseticks_nbinom1", "grouseticks", TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION), nbinom1())
tmb("mmmec", "mmmec", deaths ~ uvb + offset(logexpected) + (1 | nation) + (1 | region), poisson())
tmb("mmmec_slope", "mmmec", deaths ~ uvb + offset(logexpected) + (uvb | nation) + (1 | region), poisson())
tmb("mmmec_nbinom2", "mmmec", deaths ~ uvb + offset(logexpected) + (1 | nation) + (1 | region), nbinom2())
tmb("epil_observation", "epil", update(E1, . ~ . + (1 | row)), poisson())
tmb("epil_slope", "epil", y ~ lbase * trt + lage + period + (period | subject), poisson())
tmb("epil_slope_uncorrelated", "epil", y ~ lbase * trt + lage + period + (1 | subject) + (0 + period | subject), poisson())
tmb("epil_nbinom1", "epil", E1, nbinom1())
tmb("epil_zip", "epil", E1, poisson(), ziformula = ~1)
tmb("epil_zinb2", "epil", E1, nbinom2(), ziformula = ~1)
tmb("salamanders_zip", "salamanders", count ~ mined + (1 | site), poisson(), ziformula = ~mined)
tmb("salamanders_zinb2", "salamanders", count ~ spp + mined + (1 | site), nbinom2(), ziformula = ~mined)
tmb("salamanders_zinb1", "salamanders", count ~ mined + (1 | site), nbinom1(), ziformula = ~1)
tmb("salamanders_zip_random", "salamanders", count ~ mined + (1 | site), poisson(), ziformula = ~ 1 + (1 | spp))
tmb("salamanders_hurdle", "salamanders", count ~ mined + (1 | site), truncated_poisson(), ziformula = ~mined)
tmb("salamanders_hurdle_nbinom2", "salamanders", count ~ mined + (1 | site), truncated_nbinom2(), ziformula = ~mined)
tmb("owls_zip", "owls", SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest), poisson(), ziformula = ~1)
tmb("owls_zinb1", "owls", SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest), nbinom1(), ziformula = ~1)
tmb("owls_zinb2", "owls", SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest), nbinom2(), ziformula = ~1)
tmb("wine_beta", "wine", W, beta_family())
tmb("wine_beta_cloglog", "wine", W, beta_family("cloglog"))
tmb("wine_gaussian", "wine", W, gaussian())
S1 <- tenths ~ Days + (1 | Subject)
tmb("sleep_gamma_inverse", "sleepstudy", S1, Gamma("inverse"), start = list(beta = c(0.4, -0.01), theta = -4))
tmb("sleep_gamma_identity", "sleepstudy", S1, Gamma("identity"), start = list(beta = c(2.5, 0.1), theta = -1))
tmb("sleep_t", "sleepstudy", S1, glmmTMB:::t_family())
tmb("verbagg_slope", "verbagg", r2 ~ Anger + Gender + btype + situ + mode + (1 + mode | id) + (1 | item), binomial())
clmmR("socatt", "socatt", numpos ~ year + religion + gender + (1 | respond))
clmmR("socatt_nested", "socatt", numpos ~ year + religion + gender + (1 | district) + (1 | respond))
clmmR("wine_slope", "wine", rating ~ temp + contact + (1 + temp | judge))
clmmR("wine_loglog", "wine", rating ~ temp + contact + (1 | judge), link = "loglog")
clmmR("wine_cauchit", "wine", rating ~ temp + contact + (1 | judge), link = "cauchit")
clmmR("verbagg", "verbagg", resp ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item))

links <- c("logit", "probit", "cloglog", "loglog", "cauchit")  # clmm has cloglog and loglog the other way round than clm
if (!skip("wine_links")) keep("clmR_wine_links", "ordinal", "clm(rating ~ temp + contact, data = wine, link = ...)", "wine", list(
  logLik = sapply(links, function(l) as.numeric(logLik(clm(rating ~ temp + contact, data = wine, link = l, gradTol = 1e-10, maxIter = 500))), simplify = FALSE),
  coef = sapply(links, function(l) as.list(coef(clm(rating ~ temp + contact, data = wine, link = l, gradTol = 1e-10, maxIter = 500))), simplify = FALSE)))
