# Ends of profile-likelihood intervals by brute force: the marginal normal density of each group, written out with dense
# matrices, minimized by nlminb over (sd, angles of the correlation matrix, log sigma) from several starts, and uniroot.
# Nothing of lme4 but its data. Run: Rscript tests/reference/profile.R tests/reference/r/profileR_cases.json
suppressMessages({library(lme4); library(jsonlite)})

# Log-density parts of all groups: V_j = Z_j T Z_j' + sigma^2 / w. Groups with the same rows share their Cholesky factor.
prepare <- function(y, X, Z, g, w = rep(1, length(y)), offset = 0) {
  y <- y - offset
  rows <- split(seq_along(y), g)
  keys <- sapply(rows, function(i) paste(format(cbind(Z[i, , drop = FALSE], w[i]), digits = 15), collapse = " "))
  lapply(split(rows, keys), function(own) {
    i <- own[[1]]
    list(Z = Z[i, , drop = FALSE], w = w[i], XY = lapply(own, function(k) cbind(X[k, , drop = FALSE], y[k])))
  })
}

deviance_of <- function(parts, T, s2, n, reml, hold = NULL) {
  S <- 0; logdet <- 0
  for (part in parts) {
    R <- chol(part$Z %*% T %*% t(part$Z) + diag(s2 / part$w, length(part$w)))
    for (XY in part$XY) {
      A <- backsolve(R, XY, transpose = TRUE)
      S <- S + crossprod(A)
    }
    logdet <- logdet + 2 * sum(log(diag(R))) * length(part$XY)
  }
  p <- ncol(S) - 1
  if (!is.null(hold)) {  # b_k = v: y - x_k v on the other columns
    M <- rbind(diag(p)[, -hold$k, drop = FALSE], 0)
    M <- cbind(M, c(-hold$v * (seq_len(p) == hold$k), 1))
    S <- t(M) %*% S %*% M
    p <- p - 1
  }
  rss <- S[p + 1, p + 1]
  extra <- 0
  if (p > 0) {
    H <- S[1:p, 1:p, drop = FALSE]
    rss <- rss - drop(S[p + 1, 1:p] %*% solve(H, S[1:p, p + 1]))
    if (reml) extra <- determinant(H)$modulus[1]
  }
  (n - if (reml) p else 0) * log(2 * pi) + logdet + extra + rss
}

# Structures: from parameters to T. Each says its parameters, their bounds and starts.
correlation <- function(angles, q, order) {  # spherical factor, effects in the given order
  C <- matrix(0, q, q); C[1, 1] <- 1; k <- 0
  for (i in seq_len(q)[-1]) {
    rest <- 1
    for (j in 1:(i - 1)) { k <- k + 1; C[i, j] <- rest * cos(angles[k]); rest <- rest * sin(angles[k]) }
    C[i, i] <- rest
  }
  R <- tcrossprod(C); back <- order(order)
  R[back, back, drop = FALSE]
}

solve_case <- function(case, level = 0.95) {
  q <- ncol(case$Z); n <- length(case$y); s0 <- sd(case$y)
  size <- sqrt(colMeans(case$Z^2))
  parts <- prepare(case$y, case$X, case$Z, case$g, if (is.null(case$w)) rep(1, n) else case$w,
                   if (is.null(case$offset)) 0 else case$offset)
  reml <- isTRUE(case$reml)
  n_sd <- switch(case$structure, unstructured = q, independent = q, identity = 1, exchangeable = 1)
  n_corr <- switch(case$structure, unstructured = q * (q - 1) / 2, independent = 0, identity = 0, exchangeable = 1)
  T_of <- function(sd, corr, order) {
    R <- switch(case$structure, unstructured = if (q > 1) correlation(corr, q, order) else diag(1),
                independent = diag(q), identity = diag(q),
                exchangeable = matrix(corr[1], q, q) + diag(1 - corr[1], q))
    sd <- rep(sd, length.out = q)
    R * outer(sd, sd)
  }
  # hold: list(kind, index / pair, value); minimizes over what is left
  best <- function(hold = list(kind = "none"), starts) {
    order <- seq_len(q)
    if (hold$kind == "corr" && q > 1) order <- c(hold$pair, setdiff(seq_len(q), hold$pair))
    free_sd <- setdiff(seq_len(n_sd), if (hold$kind %in% c("sd", "icc")) hold$k)
    free_corr <- setdiff(seq_len(n_corr), if (hold$kind == "corr") 1)
    exch <- case$structure == "exchangeable"
    f <- function(x) {
      s <- if (hold$kind == "sigma") hold$v else exp(x[1])
      sd <- numeric(n_sd); sd[free_sd] <- x[1 + seq_along(free_sd)]
      if (hold$kind == "sd") sd[hold$k] <- hold$v
      if (hold$kind == "icc") sd[hold$k] <- s * sqrt(hold$v / (1 - hold$v))
      corr <- numeric(n_corr); corr[free_corr] <- x[1 + length(free_sd) + seq_along(free_corr)]
      if (hold$kind == "corr") corr[1] <- if (exch) hold$v else acos(hold$v)
      v <- tryCatch(deviance_of(parts, T_of(sd, corr, order), s^2, n, reml, if (hold$kind == "b") hold), error = function(e) 1e10)
      if (is.finite(v)) v else 1e10
    }
    low <- c(log(s0) - 8, rep(0, length(free_sd)), rep(if (exch) -1 / (q - 1) else 0, length(free_corr)))
    high <- c(log(s0) + 3, rep(Inf, length(free_sd)), rep(if (exch) 1 else pi, length(free_corr)))
    found <- NULL
    for (start in starts) {
      x <- c(log(s0 * 0.6), (s0 * start$sd / size)[seq_len(n_sd)][free_sd],
             rep(if (exch) start$corr else acos(start$corr), length(free_corr)))
      fit <- NULL
      for (again in 1:4) {
        fit <- nlminb(x, f, lower = low, upper = high, scale = 1 / pmax(abs(x), 0.1),
                      control = list(rel.tol = 1e-15, x.tol = 1e-12, eval.max = 5000, iter.max = 2000))
        if (max(abs(fit$par - x)) < 1e-9) break
        x <- fit$par
      }
      if (is.null(found) || fit$objective < found$objective) found <- fit
    }
    found$objective
  }
  starts <- list(list(sd = 0.4, corr = 0.1), list(sd = 0.1, corr = -0.4))
  if (n_corr > 1) starts <- c(starts, list(list(sd = 0.4, corr = 0.6)))
  whole <- best(starts = starts)
  target <- qchisq(level, 1)
  root <- function(hold, inside, outside, bound) {
    f <- function(v) { hold$v <- v; best(hold, starts) - whole - target }
    if (is.finite(bound)) { at <- f(bound); if (at <= 0) return(bound); outside <- bound }
    while (f(outside) < 0) { step <- outside - inside; inside <- outside; outside <- outside + step }
    uniroot(f, sort(c(inside, outside)), tol = 1e-10 * max(abs(inside), abs(outside)), maxiter = 200)$root
  }
  out <- list()
  for (name in names(case$parameters)) {
    h <- case$parameters[[name]]
    lower <- switch(h$hold$kind, sd = 0, icc = 0, corr = if (case$structure == "exchangeable") -1 / (q - 1) else -1, -Inf)
    upper <- switch(h$hold$kind, corr = 1, Inf)
    out[[name]] <- c(root(h$hold, h$inside, h$inside - h$step, lower), root(h$hold, h$inside, h$inside + h$step, upper))
    cat(name, format(out[[name]], digits = 12), "\n")
  }
  list(criterion = whole, ci = out)
}

p <- function(what, inside, step, ...) list(hold = list(kind = what, ...), inside = inside, step = step)
sleep <- sleepstudy
sleep$x2 <- sin(2.1 * sleep$Days)
X <- cbind(1, sleep$Days)
cut <- sleep[!(sleep$Subject %in% c("308", "309") & sleep$Days > 1) & !(sleep$Subject == "310" & sleep$Days > 0), ]
cases <- list(
  sleep_weighted = list(y = cut$Reaction, X = cbind(1, cut$Days), Z = cbind(1, cut$Days), g = cut$Subject,
    w = 1 + (cut$Days %% 3) / 2, offset = 3 * cut$Days, structure = "unstructured", parameters = list(
    "Intercept" = p("b", 251, 10, k = 1), "Days" = p("b", 7.5, 2, k = 2),
    "sd(Subject: Intercept)" = p("sd", 24, 10, k = 1), "sd(Subject: Days)" = p("sd", 5.6, 2, k = 2),
    "corr(Subject: Intercept, Days)" = p("corr", 0.1, 0.3, pair = c(1, 2)), "sigma" = p("sigma", 30, 4))),
  sleep_reml = list(y = sleep$Reaction, X = X, Z = X, g = sleep$Subject, structure = "unstructured", reml = TRUE,
    parameters = list("sd(Subject: Intercept)" = p("sd", 24, 10, k = 1), "sd(Subject: Days)" = p("sd", 5.6, 2, k = 2),
    "corr(Subject: Intercept, Days)" = p("corr", 0.07, 0.3, pair = c(1, 2)), "sigma" = p("sigma", 25.6, 3))),
  sleep_three = list(y = sleep$Reaction, X = X, Z = cbind(1, sleep$Days, sleep$x2), g = sleep$Subject,
    structure = "unstructured", parameters = list("Days" = p("b", 10.3, 2, k = 2),
    "sd(Subject: Intercept)" = p("sd", 23.75, 10, k = 1), "sd(Subject: Days)" = p("sd", 5.66, 2, k = 2),
    "sd(Subject: x2)" = p("sd", 4.53, 5, k = 3), "corr(Subject: Intercept, Days)" = p("corr", 0.096, 0.3, pair = c(1, 2)),
    "corr(Subject: Days, x2)" = p("corr", -0.78, 0.1, pair = c(2, 3)), "sigma" = p("sigma", 25.3, 3))),
  sleep_independent = list(y = sleep$Reaction, X = X, Z = cbind(1, sleep$Days, sleep$x2), g = sleep$Subject,
    structure = "independent", parameters = list("sd(Subject: Intercept)" = p("sd", 24.2, 10, k = 1),
    "sd(Subject: Days)" = p("sd", 5.8, 2, k = 2), "sd(Subject: x2)" = p("sd", 0, 5, k = 3), "sigma" = p("sigma", 25.5, 3))),
  sleep_identity = list(y = sleep$Reaction, X = X, Z = cbind(1, sleep$Days, sleep$x2), g = sleep$Subject,
    structure = "identity", parameters = list("Intercept" = p("b", 251.4, 8, k = 1),
    "sd(Subject: Intercept = Days = x2)" = p("sd", 7.37, 2, k = 1), "sigma" = p("sigma", 27.7, 3), "icc" = p("icc", 0.066, 0.02, k = 1))),
  sleep_exchangeable = list(y = sleep$Reaction, X = X, Z = cbind(1, sleep$Days, sleep$x2), g = sleep$Subject,
    structure = "exchangeable", parameters = list("Days" = p("b", 10.6, 2, k = 2),
    "sd(Subject: Intercept = Days = x2)" = p("sd", 6.86, 2, k = 1),
    "corr(Subject: Intercept, Days)" = p("corr", 0.45, 0.2, pair = c(1, 2)), "sigma" = p("sigma", 27.8, 3),
    "icc" = p("icc", 0.0574, 0.02, k = 1))),
  dyestuff = list(y = Dyestuff$Yield, X = matrix(1, 30), Z = matrix(1, 30), g = Dyestuff$Batch, structure = "unstructured",
    parameters = list("sd(Batch: Intercept)" = p("sd", 37.3, 10, k = 1), "icc" = p("icc", 0.36, 0.1, k = 1))),
  dyestuff_reml = list(y = Dyestuff$Yield, X = matrix(1, 30), Z = matrix(1, 30), g = Dyestuff$Batch,
    structure = "unstructured", reml = TRUE, parameters = list("sd(Batch: Intercept)" = p("sd", 42, 10, k = 1),
    "icc" = p("icc", 0.42, 0.1, k = 1), "sigma" = p("sigma", 49.5, 5))),
  dyestuff2 = list(y = Dyestuff2$Yield, X = matrix(1, 30), Z = matrix(1, 30), g = Dyestuff2$Batch,
    structure = "unstructured", parameters = list("Intercept" = p("b", 5.6656, 1, k = 1),
    "sd(Batch: Intercept)" = p("sd", 0, 1, k = 1), "sigma" = p("sigma", 3.65, 0.5), "icc" = p("icc", 0, 0.1, k = 1))))

path <- commandArgs(trailingOnly = TRUE)[1]
results <- lapply(names(cases), function(name) { cat("==", name, "\n"); solve_case(cases[[name]]) })
names(results) <- names(cases)
writeLines(toJSON(list(id = "profileR_cases", software = "R, dense marginal likelihood, nlminb and uniroot",
  version = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4"))), call = "tests/reference/profile.R",
  results = results), auto_unbox = TRUE, digits = NA, pretty = TRUE), path)
