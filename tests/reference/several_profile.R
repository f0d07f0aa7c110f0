# Profile-likelihood intervals of models with several grouping factors, two ways: lme4's confint(method = "profile"), which
# interpolates between fits (three to four digits), and by brute force: the normal density with a dense V, minimized by
# nlminb over standard deviations and correlations from several starts, and uniroot on the root of the deviance.
# Nothing here uses mlmlib. Run: Rscript tests/reference/several_profile.R tests/reference/r/profileR_several.json
suppressMessages({library(lme4); library(jsonlite)})

read <- function(name) read.csv(file.path("tests/reference/data", paste0(name, ".csv")), stringsAsFactors = TRUE)
pastes <- read("Pastes"); penicillin <- read("Penicillin"); dyestuff <- read("Dyestuff")
sleep <- read.csv("data/sleepstudy.csv"); sleep$Subject <- factor(sleep$Subject); sleep$day <- factor(sleep$Days)
one <- function(data) matrix(1, nrow(data), 1, dimnames = list(NULL, "Intercept"))
CASES <- list(
  pastes = list(formula = strength ~ 1 + (1 | batch/cask), data = pastes, y = pastes$strength, X = one(pastes),
    terms = list(batch = list(g = pastes$batch, Z = one(pastes)),
                 "batch:cask" = list(g = interaction(pastes$batch, pastes$cask, drop = TRUE), Z = one(pastes)))),
  penicillin = list(formula = diameter ~ 1 + (1 | plate) + (1 | sample), data = penicillin, y = penicillin$diameter,
    X = one(penicillin), terms = list(plate = list(g = penicillin$plate, Z = one(penicillin)),
                                      sample = list(g = penicillin$sample, Z = one(penicillin)))),
  dyestuff = list(formula = Yield ~ 1 + (1 | Batch), data = dyestuff, y = dyestuff$Yield, X = one(dyestuff),
    terms = list(Batch = list(g = dyestuff$Batch, Z = one(dyestuff)))),
  sleep_day = list(formula = Reaction ~ Days + (Days | Subject) + (1 | day), data = sleep, y = sleep$Reaction,
    X = cbind(Intercept = 1, Days = sleep$Days),
    terms = list(Subject = list(g = sleep$Subject, Z = cbind(Intercept = 1, Days = sleep$Days)),
                 day = list(g = sleep$day, Z = one(sleep))))
)
# the same with days that differ: without, the variance of days is estimated as zero
sleep$moved <- sleep$Reaction + 20 * cos(2.3 * sleep$Days)
CASES$sleep_day_moved <- modifyList(CASES$sleep_day, list(formula = moved ~ Days + (Days | Subject) + (1 | day),
  data = sleep, y = sleep$moved))

brute <- function(case, level = 0.95) {
  y <- case$y; X <- case$X; n <- length(y); s0 <- sd(y)
  # parameters: standard deviations and correlations of each term, sigma; all divided by their units
  names <- c(); units <- c(); lower <- c(); upper <- c(); pieces <- list()
  for (k in seq_along(case$terms)) {
    term <- case$terms[[k]]; q <- ncol(term$Z); size <- sqrt(colMeans(term$Z^2)); label <- names(case$terms)[k]
    J <- outer(as.integer(term$g), as.integer(term$g), "==") * 1
    at <- length(names)
    names <- c(names, sprintf("sd(%s: %s)", label, colnames(term$Z))); units <- c(units, s0 / size)
    lower <- c(lower, rep(0, q)); upper <- c(upper, rep(Inf, q))
    if (q == 2) {
      names <- c(names, sprintf("corr(%s: %s, %s)", label, colnames(term$Z)[1], colnames(term$Z)[2]))
      units <- c(units, 1); lower <- c(lower, -1); upper <- c(upper, 1)
    }
    pieces[[k]] <- list(at = at, q = q, aa = outer(term$Z[, 1], term$Z[, 1]) * J,
      bb = if (q == 2) outer(term$Z[, 2], term$Z[, 2]) * J,
      ab = if (q == 2) (outer(term$Z[, 1], term$Z[, 2]) + outer(term$Z[, 2], term$Z[, 1])) * J)
  }
  names <- c(names, "sigma"); units <- c(units, s0); lower <- c(lower, 1e-4); upper <- c(upper, Inf)
  deviance_of <- function(par, hold = NULL) {
    par <- par * units
    V <- diag(par[length(par)]^2, n)
    for (piece in pieces) {
      v <- par[piece$at + seq_len(piece$q + (piece$q == 2))]
      V <- V + v[1]^2 * piece$aa
      if (piece$q == 2) V <- V + v[2]^2 * piece$bb + v[1] * v[2] * v[3] * piece$ab
    }
    R <- tryCatch(chol(V), error = function(e) NULL)
    if (is.null(R)) return(1e10)
    own <- X; target <- y
    if (!is.null(hold)) { target <- y - X[, hold$k] * hold$v; own <- X[, -hold$k, drop = FALSE] }
    r <- backsolve(R, target, transpose = TRUE)
    if (ncol(own)) { A <- backsolve(R, own, transpose = TRUE); r <- qr.resid(qr(A), r) }
    n * log(2 * pi) + 2 * sum(log(diag(R))) + sum(r^2)
  }
  k <- length(names)
  start0 <- ifelse(grepl("^corr", names), 0, 0.5)
  best_of <- function(f, starts, lo, hi) {
    fits <- lapply(starts, function(s) nlminb(s, f, lower = lo, upper = hi,
      control = list(rel.tol = 1e-14, x.tol = 1e-10, iter.max = 600, eval.max = 2000)))
    fits[[which.min(sapply(fits, `[[`, "objective"))]]
  }
  whole <- best_of(deviance_of, list(start0, start0 * 0.2 + 0.02, start0 * 1.5), lower, upper)
  whole <- best_of(deviance_of, list(whole$par, whole$par * 0.99), lower, upper)
  cut <- qnorm(0.5 + level / 2)^2
  # dev_at(v): minimum with one parameter held; near: where the search began to be good
  ends_of <- function(dev_at, estimate, step, lo, hi) {
    f <- function(v) dev_at(v) - whole$objective - cut
    end <- function(side, bound) {
      outer <- estimate + side * step
      for (i in 1:60) {
        if (side * (outer - bound) >= 0) { if (f(bound) <= 0) return(bound); outer <- bound; break }
        if (f(outer) > 0) break
        outer <- estimate + side * step * 1.5^i
      }
      uniroot(f, sort(c(estimate, outer)), tol = 1e-9 * max(abs(estimate), step), maxiter = 200)$root
    }
    c(end(-1, lo), end(1, hi))
  }
  ci <- list()
  for (j in seq_len(ncol(X))) {
    dev_at <- function(v) best_of(function(p) deviance_of(p, list(k = j, v = v)), list(whole$par, start0), lower, upper)$objective
    b <- coef(lm(y ~ X - 1))
    fit <- optimize(dev_at, b[j] + c(-1, 1) * s0 / max(1, sqrt(mean(X[, j]^2))), tol = 1e-6)
    ci[[colnames(X)[j]]] <- ends_of(dev_at, fit$minimum, s0 / sqrt(mean(X[, j]^2)) / 10, -Inf, Inf)
  }
  for (j in seq_len(k)) {
    dev_at <- function(v) {
      f <- function(p) deviance_of(append(p, v / units[j], j - 1))
      best_of(f, list(whole$par[-j], start0[-j]), lower[-j], upper[-j])$objective
    }
    step <- if (grepl("^corr", names[j])) 0.2 else max(0.2 * whole$par[j], 0.05) * units[j]
    ci[[names[j]]] <- ends_of(dev_at, whole$par[j] * units[j], step, lower[j], upper[j])
  }
  list(criterion = whole$objective, estimates = setNames(as.list(whole$par * units), names), ci = ci)
}

results <- list()
for (name in names(CASES)) {
  case <- CASES[[name]]
  fit <- suppressMessages(lmer(case$formula, case$data, REML = FALSE))
  shown <- suppressWarnings(suppressMessages(tryCatch(
    confint(fit, method = "profile", oldNames = FALSE, quiet = TRUE),
    error = function(e) structure(matrix(0, 0, 2), dimnames = list(character(), NULL)))))  # lme4 gives up where singular
  found <- brute(case)
  results[[name]] <- list(formula = paste(deparse(case$formula), collapse = " "), criterion = found$criterion,
    lme4_criterion = as.numeric(-2 * logLik(fit)), ci = found$ci,
    lme4_names = rownames(shown), lme4_ci = lapply(seq_len(nrow(shown)), function(i) unname(shown[i, ])))
  cat(name, format(Sys.time()), "\n")
}
writeLines(toJSON(list(id = "profileR_several", software = "R, dense marginal likelihood with nlminb and uniroot; lme4's confint",
  version = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4"))),
  call = "tests/reference/several_profile.R", results = results), auto_unbox = TRUE, digits = NA, pretty = TRUE),
  commandArgs(TRUE)[1])
