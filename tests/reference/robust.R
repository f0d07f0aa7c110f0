# Reference numbers of cluster-robust covariances that the given crse_*.json do not have.
#
#   Rscript tests/reference/robust.R       from the root of the book; writes tests/reference/r/crseR_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(clubSandwich); library(sandwich); library(lme4); library(nlme); library(plm); library(jsonlite)})
D <- "tests/reference/data/"
version <- list(R = as.character(getRversion()), clubSandwich = as.character(packageVersion("clubSandwich")),
                sandwich = as.character(packageVersion("sandwich")), lme4 = as.character(packageVersion("lme4")),
                nlme = as.character(packageVersion("nlme")), plm = as.character(packageVersion("plm")))
put <- function(name, call, results) {
  r <- list(id = paste0("crseR_", name), software = "clubSandwich+sandwich", version = version, call = call, results = results)
  write_json(r, paste0("tests/reference/r/", r$id, ".json"), digits = NA, auto_unbox = TRUE, null = "null")
  cat(r$id, "\n")
}
all_kinds <- function(fit, cluster, coefs, kinds = c("CR0", "CR1", "CR1S", "CR2", "CR3"), ...) {
  out <- list(coef = as.list(coefs))
  for (k in kinds) {
    V <- vcovCR(fit, cluster = cluster, type = k, ...)
    ct <- coef_test(fit, vcov = V, test = "Satterthwaite", coefs = "All", ...)
    b <- length(coefs)
    own <- list(vcov = as.matrix(unclass(V))[1:b, 1:b, drop = FALSE], df = ct$df_Satt, p = ct$p_Satt)
    slopes <- which(names(coefs) != "(Intercept)")
    if (length(slopes) > 1) {
      w <- Wald_test(fit, constraints = constrain_zero(slopes, coefs), vcov = V, test = "HTZ")
      own$htz <- list(F = w$Fstat, df1 = w$df_num, df2 = w$df_denom, p = w$p_val)
    }
    out[[k]] <- own
  }
  out
}
math <- read.csv("data/math.csv"); math$w <- 1 + math$homework / 3

# weighted least squares: variances sigma^2 / w (vcovCR divides weights by their mean, and so must the target), and (R's default) weights that say nothing of variances
fit <- lm(math ~ homework + ses, math, weights = w)
put("lm_weights", "lm math ~ homework + ses, weights = w; target = mean(w) / w, inverse_var = TRUE",
    { out <- list(coef = as.list(coef(fit)))
      for (k in c("CR0", "CR1S", "CR2", "CR3")) {
        V <- vcovCR(fit, cluster = math$schid, type = k, target = mean(math$w) / math$w, inverse_var = TRUE)
        ct <- coef_test(fit, vcov = V, test = "Satterthwaite"); w <- Wald_test(fit, constrain_zero(2:3), V, test = "HTZ")
        out[[k]] <- list(vcov = as.matrix(unclass(V))[1:3, 1:3], df = ct$df_Satt, htz = list(F = w$Fstat, df2 = w$df_denom)) }
      out })
put("lm_weights_identity", "lm math ~ homework + ses, weights = w; defaults of vcovCR", all_kinds(fit, math$schid, coef(fit)))

# dummies for groups, and the same fit with the dummies absorbed
fe <- lm(math ~ 0 + homework + ses + factor(schid), math)
put("lm_dummies", "lm math ~ 0 + homework + ses + factor(schid)", { out <- list()
  for (k in c("CR0", "CR1", "CR2")) { V <- vcovCR(fe, cluster = math$schid, type = k)
    ct <- coef_test(fe, vcov = V, test = "Satterthwaite", coefs = 1:2)
    w <- Wald_test(fe, constrain_zero(1:2), V, test = "HTZ")
    out[[k]] <- list(vcov = as.matrix(unclass(V))[1:2, 1:2], df = ct$df_Satt, htz = list(F = w$Fstat, df2 = w$df_denom)) }
  out })
math$pupil <- seq_len(nrow(math))
pw <- plm(math ~ homework + ses, math, index = c("schid", "pupil"), model = "within")
put("plm_within", "plm math ~ homework + ses, within", all_kinds(pw, "individual", coef(pw)))
pr <- plm(math ~ homework + ses + ratio, math, index = c("schid", "pupil"), model = "random")
put("plm_random", "plm math ~ homework + ses + ratio, random (Swamy-Arora)", all_kinds(pr, "individual", coef(pr)))
data("Grunfeld", package = "plm")
for (m in c("pooling", "within", "fd")) {
  f <- plm(inv ~ value + capital, Grunfeld, index = c("firm", "year"), model = m)
  put(paste0("plm_grunfeld_", m), paste("plm inv ~ value + capital,", m), all_kinds(f, "individual", coef(f)))
}
f <- plm(inv ~ value + capital, Grunfeld, index = c("firm", "year"), model = "within", effect = "twoways")
put("plm_grunfeld_twoways", "plm inv ~ value + capital, within, twoways", all_kinds(f, "individual", coef(f)))
# vcovCR(plm)'s CR3 forgets the absorbed times; least squares of rows less their firm's means with dummies less theirs does not
dm <- function(x) x - ave(x, Grunfeld$firm)
Y <- sapply(levels(factor(Grunfeld$year))[-1], function(t) dm(as.numeric(Grunfeld$year == t)))
f3 <- lm(dm(inv) ~ 0 + dm(value) + dm(capital) + Y, Grunfeld)
V <- vcovCR(f3, cluster = Grunfeld$firm, type = "CR3"); ct <- coef_test(f3, vcov = V, test = "Satterthwaite", coefs = 1:2)
put("twoways_cr3", "lm of firm-demeaned inv ~ value + capital + years", list(CR3 = list(vcov = as.matrix(unclass(V))[1:2, 1:2], df = ct$df_Satt)))
f <- plm(inv ~ value + capital, Grunfeld, index = c("firm", "year"), model = "random")
put("plm_grunfeld_random", "plm inv ~ value + capital, random", all_kinds(f, "individual", coef(f)))

# generalized linear models
con <- read.csv(paste0(D, "contraception.csv")); ep <- read.csv(paste0(D, "epil.csv")); cb <- read.csv(paste0(D, "cbpp.csv"))
tight <- glm.control(epsilon = 1e-14, maxit = 100)
g <- glm(use ~ age + I(age^2) + urban, binomial, transform(con, use = as.integer(use == "Y")), control = tight)
put("glm_contraception", "glm use == Y ~ age + I(age^2) + urban, binomial, by district", all_kinds(g, con$district, coef(g)))
g <- glm(use ~ age + urban, binomial("probit"), transform(con, use = as.integer(use == "Y")), control = tight)
put("glm_contraception_probit", "glm use == Y ~ age + urban, binomial(probit), by district", all_kinds(g, con$district, coef(g)))
g <- glm(y ~ trt + lbase, poisson, ep, control = tight)
put("glm_epil", "glm y ~ trt + lbase, poisson, by subject", all_kinds(g, ep$subject, coef(g)))
g <- glm(cbind(incidence, size - incidence) ~ factor(period), binomial, cb, control = tight)
put("glm_cbpp", "glm cbind(incidence, size - incidence) ~ factor(period), binomial, by herd", all_kinds(g, cb$herd, coef(g)))
ep$y1 <- ep$y + 1
g <- glm(y1 ~ trt + lbase, Gamma("log"), ep, control = tight)
put("glm_gamma", "glm y + 1 ~ trt + lbase, Gamma(log), by subject", all_kinds(g, ep$subject, coef(g)))

# mixed models
lc <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11, maxfun = 1e5), calc.derivs = FALSE)
m1 <- lmer(math ~ homework * schtype + (1 + homework | schid), math, control = lc)
put("lmer_math", "lmer math ~ homework * schtype + (1 + homework | schid)", all_kinds(m1, math$schid, fixef(m1)))
eg <- read.csv(paste0(D, "egsingle.csv"))
m2 <- lmer(math ~ year + (1 | schoolid) + (1 | schoolid:childid), eg, control = lc)
put("lmer_egsingle", "lmer math ~ year + (1 | schoolid/childid)", all_kinds(m2, eg$schoolid, fixef(m2), c("CR0", "CR2", "CR3")))
sleep <- read.csv("data/sleepstudy.csv")
g1 <- gls(Reaction ~ Days, sleep, correlation = corAR1(form = ~ Days | Subject),
          control = glsControl(tolerance = 1e-12, msTol = 1e-13, maxIter = 500, msMaxIter = 500))
put("gls_sleep_ar1", "gls Reaction ~ Days, corAR1(~ Days | Subject)", all_kinds(g1, sleep$Subject, coef(g1)))

# two-way clustering
tw <- lm(inv ~ value + capital, Grunfeld)
put("two_way_grunfeld", "sandwich::vcovCL(lm inv ~ value + capital, ~ firm + year)",
    list(coef = as.list(coef(tw)), CR0 = vcovCL(tw, ~ firm + year, type = "HC0", cadjust = FALSE),
         CR1 = vcovCL(tw, ~ firm + year, type = "HC0", cadjust = TRUE), CR1S = vcovCL(tw, ~ firm + year, type = "HC1", cadjust = TRUE),
         CR2 = vcovCL(tw, ~ firm + year, type = "HC2", cadjust = TRUE), CR3 = vcovCL(tw, ~ firm + year, type = "HC3", cadjust = TRUE)))
