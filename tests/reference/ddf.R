# Reference numbers of chapter 8: degrees of freedom and analyses of variance in hard cases, by lmerTest and pbkrtest.
#
#   Rscript tests/reference/ddf.R        from the root of the book; writes tests/reference/r/ddfR_cases.json
#
# Nothing here uses mlmlib. Each fit of lme4 is polished by Newton's steps on its own deviance function (bobyqa alone is
# good to about six digits of theta), except where it is singular: there lme4's optimum is taken as it stands, from
# several starts. lmerTest then differentiates the deviance numerically. pbkrtest leaves weights out of Sigma; the case
# with weights is given to it as rows multiplied by the roots of the weights, which is the same model.
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})
options(contrasts = c("contr.treatment", "contr.poly"))
hsb <- read.csv("data/hsb.csv", stringsAsFactors = TRUE)
hsb$band <- cut(hsb$ses, c(-Inf, -0.5, 0.5, Inf), labels = c("low", "middle", "high"))
schools <- unique(hsb$school)
some <- function(k) droplevels(hsb[hsb$school %in% schools[k], ])
h24 <- some(1:24); h3 <- some(c(1, 5, 9)); h8 <- some(1:8)
h24$w <- 1 + (seq_len(nrow(h24)) - 1) %% 3; h24$shift <- h24$ses * 2
h24$root <- sqrt(h24$w); h24$ry <- h24$root * h24$mathach; h24$rx <- h24$root * h24$cses
sums <- h24; contrasts(sums$band) <- "contr.sum"; contrasts(sums$minority) <- "contr.sum"
dyestuff2 <- read.csv("tests/reference/data/Dyestuff2.csv", stringsAsFactors = TRUE)
math <- read.csv("data/math.csv", stringsAsFactors = TRUE)

CASES <- list(   # formula, data, REML, weights
  factors = list(mathach ~ band * minority + band * cses + (1 + cses | school), "h24"),
  sums = list(mathach ~ band * minority + band * cses + (1 + cses | school), "sums"),
  threeway = list(mathach ~ band * minority * female + (1 | school), "h24"),
  no_intercept = list(mathach ~ 0 + band + minority + cses + (1 | school), "h24"),
  slope_by_group = list(mathach ~ band + band:cses + (1 | school), "h24"),
  ml = list(mathach ~ band * cses + (1 + cses | school), "h24", FALSE),
  weighted = list(mathach ~ band + cses + (1 + cses | school), "h24", TRUE, "w"),
  weighted_by_rows = list(ry ~ 0 + root + rx + (0 + root + rx | school), "h24"),
  weighted_small = list(mathach ~ cses + (1 + cses | school), "h24", TRUE, "w"),
  shifted = list(mathach ~ band + cses + offset(shift) + (1 + cses | school), "h24"),
  two_terms = list(mathach ~ cses * minority + (1 | school) + (0 + cses + minority | school), "h24"),
  uncorrelated = list(mathach ~ cses + mean_ses + (1 | school) + (0 + cses | school), "h24"),
  three_schools = list(mathach ~ cses + minority + (1 | school), "h3"),
  eight_schools = list(mathach ~ cses + sector + (1 + cses | school), "h8"),
  zero_variance = list(Yield ~ 1 + (1 | Batch), "dyestuff2"),
  zero_variance_ml = list(mathach ~ cses * minority + mean_ses + (1 | school), "h3", FALSE)
)

deviance_of <- function(m) if (getME(m, "is_REML")) REMLcrit(m) else deviance(m, REML = FALSE)

fit <- function(spec) {
  d <- get(spec[[2]]); reml <- if (length(spec) > 2) spec[[3]] else TRUE
  d$.w <- if (length(spec) > 3) d[[spec[[4]]]] else 1
  tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, check.conv.singular = "ignore",
                       optCtrl = list(rhobeg = 0.2, rhoend = 1e-10, maxfun = 1e5))
  assign("the_data", d, globalenv())
  m <- if (length(spec) > 3) eval(bquote(lmer(.(spec[[1]]), the_data, REML = .(reml), weights = .w, control = tight)), list(tight = tight))
       else eval(bquote(lmer(.(spec[[1]]), the_data, REML = .(reml), control = tight)), list(tight = tight))
  m <- update(m, start = getME(m, "theta"))
  if (isSingular(m, 1e-4)) return(m)
  theta <- getME(m, "theta"); fun <- update(m, devFunOnly = TRUE)
  for (k in 1:5) theta <- theta - solve(numDeriv::hessian(fun, theta), numDeriv::grad(fun, theta))
  still <- tight; still$optimizer <- "stay"; assign("still", still, globalenv()); assign("tight", tight, globalenv())
  assign("stay", function(fn, par, lower, upper, control) list(par = theta, fval = fn(theta), conv = 0, message = "", feval = 1), globalenv())
  assign("the_theta", theta, globalenv())
  out <- update(m, control = still, start = the_theta)
  stopifnot(deviance_of(out) <= deviance_of(m) + 1e-8)
  out
}

# lmerTest's steps are proportional to the parameters: too short for a theta near zero (case ml: theta_2 is 0.001). Here the
# deviance is differentiated in differences from the optimum, with steps of one size.
even_steps <- function(m) {
  fun <- update(m, devFunOnly = TRUE); at <- c(getME(m, "theta"), sigma(m)); zero <- rep(0, length(at))
  vp <- lmerTest:::devfun_vp; cov <- lmerTest:::get_covbeta
  A <- 2 * solve(numDeriv::hessian(function(d) vp(at + d, devfun = fun, reml = getME(m, "is_REML")), zero,
                                   method.args = list(eps = 0.01, r = 6)))
  J <- numDeriv::jacobian(function(d) as.numeric(cov(at + d, devfun = fun)), zero, method.args = list(eps = 0.01, r = 6))
  p <- length(fixef(m)); V <- as.matrix(vcov(m))
  sapply(seq_len(p), function(k) { g <- J[(k - 1) * p + k, ]; 2 * V[k, k]^2 / drop(g %*% A %*% g) })
}

frame <- function(x) { x <- as.data.frame(x); c(as.list(x), list(row_names = rownames(x))) }
one <- function(id) {
  spec <- CASES[[id]]; m <- fit(spec); reml <- getME(m, "is_REML"); weighted <- length(spec) > 3
  p <- length(fixef(m)); L <- diag(p)[seq_len(p)[-1], , drop = FALSE]
  out <- list(formula = deparse1(spec[[1]]), reml = reml, criterion = deviance_of(m), theta = unname(getME(m, "theta")),
              sigma = sigma(m), singular = isSingular(m, 1e-4), coef_names = names(fixef(m)),
              satterthwaite = frame(coef(summary(m, ddf = "Satterthwaite"))))
  types <- if (p > 1) c("1", "2", "3") else character(0)
  out$satterthwaite_anova <- sapply(types, function(k) frame(anova(m, type = k, ddf = "Satterthwaite")), simplify = FALSE)
  if (p > 1) out$satterthwaite_joint <- as.list(contestMD(m, L, rhs = seq_len(p - 1), ddf = "Satterthwaite"))
  if (!out$singular) out$satterthwaite_even_steps <- even_steps(m)
  if (!weighted) {
    r <- if (reml) m else fit(list(spec[[1]], spec[[2]], TRUE))
    if (reml) out$kr_anova <- sapply(types, function(k) frame(anova(m, type = k, ddf = "Kenward-Roger")), simplify = FALSE)
    A <- vcovAdj(r)
    out$kr_se <- sqrt(diag(as.matrix(A)))
    out$kr_df <- sapply(seq_len(p), function(k) Lb_ddf(diag(p)[k, ], vcov(r), A))
    out$kr_estimate <- unname(fixef(r))
    if (p > 1) out$kr_joint <- as.list(getKR(KRmodcomp(r, L, betaH = drop(MASS::ginv(L) %*% seq_len(p - 1))))[c("ndf", "ddf", "Fstat", "p.value", "F.scaling")])
  }
  out
}
results <- sapply(names(CASES), function(id) { message(id); one(id) }, simplify = FALSE)
version <- sapply(c("lme4", "lmerTest", "pbkrtest"), function(p) as.character(packageVersion(p)))
out <- list(id = "ddfR_cases", software = "lme4+lmerTest+pbkrtest", version = c(as.list(version), R = as.character(getRversion())),
            call = "tests/reference/ddf.R", results = results)
write(toJSON(out, digits = NA, auto_unbox = TRUE, matrix = "rowmajor", pretty = FALSE), "tests/reference/r/ddfR_cases.json")
