# Reference numbers of chapter 9: residuals, deletion diagnostics and tests, by lme4 and by dense matrices from its fits.
#
#   Rscript tests/reference/diagnostics.R [id ...]        from the root of the book; writes tests/reference/r/diagR_*.json
#
# Nothing here uses mlmlib. For each fit of lme4 (its optimum polished) the matrices V_j of the groups are formed in full and the
# definitions are applied as they stand in the literature:
#   hat matrix, rstudent          lme4's own hatvalues() and rstudent()
#   marginal residuals            r = y - X b, Var(r) = V - X (X'V^-1X)^-1 X'; whitened by chol(V) as HLMdiag's hlm_resid does
#   EBLUPs                        Var(u) = D Z'P Z D (diagnostic), Mahalanobis distance u' Var(u)^- u
#   deletion, variances held      Christensen, Pearson & Johnson (1992); Cook's D, MDFFITS, COVRATIO, COVTRACE as in HLMdiag
#   deletion, variances again     fits without the group: coefficients, their covariance, theta, sigma; then Cook's
#                                 distance of lme4 (cooks.distance of an influence.merMod), of influence.ME, dfbetas of lme4
#   homogeneity                   H of Raudenbush & Bryk (2002, chapter 9), Brown-Forsythe by car::leveneTest
#   added columns                 the coefficient of a column added with theta held: generalized least squares with V held
suppressMessages({library(lme4); library(jsonlite)})
options(contrasts = c("contr.treatment", "contr.poly"))

read <- function(name, folder = "data") read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE)
hsb <- read("hsb"); hsb$sector <- relevel(hsb$sector, "Public"); sleep <- read("sleepstudy"); math <- read("math")
sleep$w <- 1 + (seq_len(nrow(sleep)) - 1) %% 3
math$schtype <- relevel(math$schtype, "Private")
dyestuff2 <- read("Dyestuff2", "tests/reference/data")

MODELS <- list(
  sleepstudy_corr_reml = list(Reaction ~ Days + (Days | Subject), "sleep", TRUE),
  sleepstudy_uncorr_ml = list(Reaction ~ Days + (Days || Subject), "sleep", FALSE),
  sleepstudy_weighted_reml = list(Reaction ~ Days + (Days | Subject), "sleep", TRUE, "w"),
  imm_hw_rs_ml = list(math ~ homework + (homework | schid), "math", FALSE),
  imm_public_ri_reml = list(math ~ schtype + (1 | schid), "math", TRUE),
  dyestuff2_reml = list(Yield ~ 1 + (1 | Batch), "dyestuff2", TRUE),
  hsb_rc_reml = list(mathach ~ cses + (cses | school), "hsb", TRUE),
  hsb_iso_reml = list(mathach ~ cses * mean_ses + cses * sector + (cses | school), "hsb", TRUE)
)

slopes <- function(f, x, h = 2e-3) {              # gradient by the five-point rule: exact to about 1e-9, where bobyqa sees 1e-6
  sapply(seq_along(x), function(k) {
    at <- function(d) { z <- x; z[k] <- z[k] + d * h; f(z) }
    (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
  })
}

fit <- function(spec, data, start = NULL) {       # lme4's criterion and lme4's fit, its optimum found by bobyqa and then by Newton
  data$.w <- if (length(spec) > 3) data[[spec[[4]]]] else rep(1, nrow(data))
  parts <- lFormula(spec[[1]], data, REML = spec[[3]], weights = .w, control = lmerControl(check.conv.singular = "ignore"))
  f <- do.call(mkLmerDevfun, c(parts, list(start = start)))
  opt <- optimizeLmer(f, optimizer = "bobyqa", start = start, control = list(rhobeg = 0.2, rhoend = 1e-8, maxfun = 1e5), calc.derivs = FALSE)
  theta <- opt$par
  free <- which(!(theta < 1e-4 & parts$reTrms$lower == 0))
  for (k in seq_len(if (length(free)) 3 else 0)) {
    put <- function(x) { z <- theta; z[free] <- x; f(z) }
    g <- slopes(put, theta[free])
    H <- sapply(seq_along(free), function(i) { d <- replace(numeric(length(free)), i, 1e-4)
                                               (slopes(put, theta[free] + d) - slopes(put, theta[free] - d)) / 2e-4 })
    theta[free] <- theta[free] - solve((H + t(H)) / 2, g)
  }
  if (f(theta) > opt$fval + 1e-8) stop("Newton went astray")
  opt$par <- theta; opt$fval <- f(theta)
  mkMerMod(environment(f), opt, parts$reTrms, fr = parts$fr, mc = quote(lmer()))
}

covariance <- function(m) {                       # D of one group's effects, terms side by side, in units of the outcome
  parts <- lapply(VarCorr(m), function(v) matrix(as.numeric(v), nrow(v)))
  as.matrix(Matrix::bdiag(parts))
}

diagnose <- function(id) {
  spec <- MODELS[[id]]; data <- get(spec[[2]]); m <- fit(spec, data)
  X <- getME(m, "X"); y <- getME(m, "y"); w <- weights(m); g <- getME(m, "flist")[[1]]; s2 <- sigma(m)^2
  D <- covariance(m); b <- fixef(m); p <- ncol(X); n <- nrow(X); J <- nlevels(g)
  Zraw <- do.call(cbind, lapply(getME(m, "mmList"), as.matrix))
  r <- y - as.numeric(X %*% b)
  rows <- split(seq_len(n), g)
  V <- lapply(rows, function(i) Zraw[i, , drop = FALSE] %*% D %*% t(Zraw[i, , drop = FALSE]) + diag(s2 / w[i], length(i)))
  Vi <- lapply(V, solve)
  XVX <- Reduce(`+`, Map(function(i, v) t(X[i, , drop = FALSE]) %*% v %*% X[i, , drop = FALSE], rows, Vi))
  H <- solve(XVX)
  out <- list(fixef = as.list(b), theta = getME(m, "theta"), sigma = sqrt(s2), vcov = as.matrix(vcov(m)), n_groups = J)
  mar <- chol_mar <- mar_sd <- lev_f <- lev_r <- pdiag <- py <- numeric(n)
  u <- ols <- usd <- NULL; mdist <- cook <- mdffits <- covratio <- covtrace <- numeric(J); beta <- matrix(0, J, p)
  cook_row <- mdffits_row <- covratio_row <- numeric(n); beta_row <- matrix(0, n, p)
  step <- function(cdd, gone) {                    # gone: X_I'V^-1 ... the information that leaves
    new <- XVX - gone
    c(t(cdd) %*% XVX %*% cdd / p, t(cdd) %*% new %*% cdd / p, 1 / det(new %*% H), abs(sum(diag(XVX %*% solve(new))) - p))
  }
  for (j in seq_len(J)) {
    i <- rows[[j]]; Xi <- X[i, , drop = FALSE]; Zi <- Zraw[i, , drop = FALSE]
    P <- Vi[[j]] - Vi[[j]] %*% Xi %*% H %*% t(Xi) %*% Vi[[j]]
    mar[i] <- r[i]; chol_mar[i] <- solve(t(chol(V[[j]])), r[i])
    mar_sd[i] <- sqrt(diag(V[[j]] - Xi %*% H %*% t(Xi)))
    lev_f[i] <- diag(Xi %*% H %*% t(Xi) %*% Vi[[j]])
    lev_r[i] <- diag(Zi %*% D %*% t(Zi) %*% P)
    pdiag[i] <- diag(P); py[i] <- Vi[[j]] %*% r[i]
    uj <- as.numeric(D %*% t(Zi) %*% Vi[[j]] %*% r[i]); vu <- D %*% t(Zi) %*% P %*% Zi %*% D
    u <- rbind(u, uj); usd <- rbind(usd, sqrt(diag(vu))); s <- svd(vu)
    keep <- s$d > 1e-8 * max(s$d, 1e-300)
    mdist[j] <- if (max(s$d) > 1e-12) sum((t(s$u[, keep, drop = FALSE]) %*% uj)^2 / s$d[keep]) else 0
    o <- tryCatch(solve(t(Zi) %*% (Zi * w[i]), t(Zi) %*% (r[i] * w[i])), error = function(e) rep(NA, ncol(Zi)))
    ols <- rbind(ols, as.numeric(o))
    cdd <- H %*% t(Xi) %*% Vi[[j]] %*% solve(P, Vi[[j]] %*% r[i])
    beta[j, ] <- b - cdd
    d <- step(cdd, t(Xi) %*% Vi[[j]] %*% Xi)
    cook[j] <- d[1]; mdffits[j] <- d[2]; covratio[j] <- d[3]; covtrace[j] <- d[4]
    VX <- Vi[[j]] %*% Xi
    for (k in seq_along(i)) {
      cdd <- H %*% VX[k, ] * (py[i[k]] / P[k, k]); beta_row[i[k], ] <- b - cdd
      d <- step(cdd, VX[k, ] %*% t(VX[k, ]) / Vi[[j]][k, k])
      cook_row[i[k]] <- d[1]; mdffits_row[i[k]] <- d[2]; covratio_row[i[k]] <- d[3]
    }
  }
  first <- if (n > 600) seq_len(60) else seq_len(n)
  out$rows <- list(count = length(first), hat = hatvalues(m)[first], hat_sum = sum(hatvalues(m)),
    pearson = residuals(m, "pearson", scaled = TRUE)[first], rstudent = rstudent(m)[first],
    marginal = mar[first], marginal_scaled = chol_mar[first], marginal_sd = mar_sd[first], leverage_fixed = lev_f[first],
    leverage_random = lev_r[first], cooks = cook_row[first], mdffits = mdffits_row[first], covratio = covratio_row[first],
    beta = beta_row[first, , drop = FALSE], scaled_sum_sq = sum(chol_mar^2))
  out$groups <- list(levels = levels(g), eblup = unname(u), diagnostic_sd = unname(usd), mahalanobis = mdist, ols = unname(ols),
    cooks = cook, mdffits = mdffits, covratio = covratio, covtrace = covtrace, beta = unname(beta),
    leverage_fixed = as.numeric(tapply(lev_f, g, mean)), leverage_random = as.numeric(tapply(lev_r, g, mean)))
  # refits without each group
  again <- lapply(levels(g), function(l) fit(spec, droplevels(data[g != l, ]), getME(m, "theta")))
  db <- t(sapply(again, fixef)); if (p == 1) db <- t(db)
  db <- db - matrix(b, J, p, byrow = TRUE)
  se <- t(sapply(again, function(a) sqrt(diag(as.matrix(vcov(a)))))); if (p == 1) se <- t(se)
  out$refits <- list(beta = unname(t(t(db) + b)), se = unname(se), theta = unname(do.call(rbind, lapply(again, getME, "theta"))),
    sigma = sapply(again, sigma), criterion = sapply(again, function(a) if (isREML(a)) REMLcrit(a) else deviance(a)),
    cooks_lme4 = sapply(seq_len(J), function(j) (J - p) / (J * p) * t(db[j, ]) %*% solve(as.matrix(vcov(m))) %*% db[j, ]),
    cooks_influence_ME = sapply(seq_len(J), function(j) t(db[j, ]) %*% solve(as.matrix(vcov(again[[j]]))) %*% db[j, ] / p),
    dfbetas_lme4 = unname(db / se))
  # within-group regressions
  within <- lapply(rows, function(i) { q <- qr(cbind(X, Zraw)[i, ] * sqrt(w[i])); e <- qr.resid(q, y[i] * sqrt(w[i]))
                                       list(df = length(i) - q$rank, ss = sum(e^2), e = e) })
  df <- sapply(within, `[[`, "df"); ss <- sapply(within, `[[`, "ss"); least <- if (sum(df >= 10) > 1) 10 else 3
  use <- df >= least & ss > 0
  if (sum(use) > 1) {
    ls <- log(ss[use] / df[use]); mid <- sum(df[use] * ls) / sum(df[use]); h <- sum(df[use] / 2 * (ls - mid)^2)
    out$homogeneity <- list(H = h, df = sum(use) - 1, p = pchisq(h, sum(use) - 1, lower.tail = FALSE), groups_used = sum(use),
      spread = sqrt(max(0, var(ls) - mean(trigamma(df[use] / 2)))) / 2)
  }
  if (sum(use) > 1) {                              # residuals brought to the scale of the error: times sqrt(n_j / df_j)
    e <- unlist(lapply(which(use), function(j) within[[j]]$e * sqrt(length(rows[[j]]) / df[j])))
    lev <- car::leveneTest(e, factor(rep(which(use), lengths(rows)[use])), center = median)
    out$levene <- list(F = lev$`F value`[1], df = lev$Df, p = lev$`Pr(>F)`[1])
  }
  gls <- function(extra) {                         # coefficients and covariance with extra columns, V held
    XX <- cbind(X, extra)
    A <- Reduce(`+`, Map(function(i, v) t(XX[i, , drop = FALSE]) %*% v %*% XX[i, , drop = FALSE], rows, Vi))
    h <- Reduce(`+`, Map(function(i, v) t(XX[i, , drop = FALSE]) %*% v %*% y[i], rows, Vi))
    k <- ncol(XX); S <- solve(A); c(estimate = (S %*% h)[k], se = sqrt(S[k, k]))
  }
  out$added <- list()
  for (name in intersect(c("homework", "Days"), colnames(X))) {
    x <- X[, name]; xm <- ave(x, g); xb <- xm - mean(xm)
    out$added[[name]] <- list(within = as.list(gls(if (sd(xm) > 1e-9) cbind(xb, (x - xm)^2) else cbind((x - xm)^2))))
    if (sd(xm) > 1e-9) out$added[[name]] <- c(out$added[[name]], list(context = as.list(gls(xb)), between = as.list(gls(cbind(xb, xb^2)))))
  }
  std <- rstudent(m)
  out$shape <- list(skewness = mean((std - mean(std))^3) / mean((std - mean(std))^2)^1.5,
                    kurtosis = mean((std - mean(std))^4) / mean((std - mean(std))^2)^2 - 3,
                    qq_correlation = cor(sort(std), qnorm(ppoints(n, 0.375))))
  if (n <= 5000) { s <- shapiro.test(std); out$shape$shapiro <- list(W = unname(s$statistic), p = s$p.value) }
  write_json(list(id = paste0("diagR_", id), software = "lme4 and dense matrices",
                  version = list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = as.character(packageVersion("lme4"))),
                  call = paste(deparse(spec[[1]], width.cutoff = 200), if (spec[[3]]) "REML" else "ML",
                               if (length(spec) > 3) "weights = 1, 2, 3, 1, 2, 3 ..." else ""),
                  script = "tests/reference/diagnostics.R", results = out),
             file.path("tests", "reference", "r", paste0("diagR_", id, ".json")), digits = NA, auto_unbox = TRUE, null = "null")
  cat(id, "\n")
}
asked <- commandArgs(trailingOnly = TRUE)
for (id in if (length(asked)) asked else names(MODELS)) diagnose(id)
