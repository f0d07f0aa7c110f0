# Reference numbers of planning (mlm.power): nothing here uses its formulas.
#
#   Rscript tests/reference/power.R       from the root of the book; writes tests/reference/r/powerR_cases.json
#
# - powers of noncentral t tests by pt(..., ncp =), and of R's own power.t.test;
# - variances of an estimated effect by generalized least squares with the dense covariance matrix of all rows;
# - the best sizes for a budget by numerical search.
# Base R and jsonlite.
suppressMessages(library(jsonlite))

tpower <- function(ncp, df, alpha, sides) {
  crit <- if (is.infinite(df)) qnorm(1 - alpha / sides) else qt(1 - alpha / sides, df)
  if (is.infinite(df)) return(1 - pnorm(crit - ncp) + if (sides == 2) pnorm(-crit - ncp) else 0)
  pt(crit, df, ncp = ncp, lower.tail = FALSE) + if (sides == 2) pt(-crit, df, ncp = ncp) else 0
}
grid <- expand.grid(ncp = c(0, 0.5, 1.5, 2.8, 5), df = c(1, 2, 7, 38, 500, Inf), alpha = c(0.05, 0.01), sides = c(1, 2))
grid$power <- mapply(tpower, grid$ncp, grid$df, grid$alpha, grid$sides)
grid$df <- ifelse(is.infinite(grid$df), -1, grid$df)

ttest <- lapply(list(c(10, 0.5), c(64, 0.5), c(25, 0.9), c(393, 0.2)), function(k)
  list(n = k[1], d = k[2], power = power.t.test(n = k[1], delta = k[2], strict = TRUE)$power,
       detectable = power.t.test(n = k[1], power = 0.8, strict = TRUE, tol = 1e-12)$delta))

# variance of the last column's coefficient under GLS
gls_var <- function(X, V) { W <- solve(V); solve(t(X) %*% W %*% X)[ncol(X), ncol(X)] }
same <- function(g) outer(g, g, "==") * 1
var <- list()

g <- rep(1:12, each = 5); tr <- (g <= 6) * 1                                 # 12 groups of 5, half treated
var$cluster <- gls_var(cbind(1, tr), 0.2 * same(g) + diag(0.8, length(g)))
tr <- (g <= 3) * 1
var$cluster_quarter <- gls_var(cbind(1, tr), 0.2 * same(g) + diag(0.8, length(g)))
tr <- (g <= 6) * 1                                                           # after covariates: 0.2 * 0.4, 0.8 * 0.7
var$cluster_covariates <- gls_var(cbind(1, tr), 0.2 * 0.4 * same(g) + diag(0.8 * 0.7, length(g)))

unequal <- function(m, rho) {                                                # both arms have the sizes m
  sizes <- c(m, m); g <- rep(seq_along(sizes), sizes); tr <- (g <= length(m)) * 1
  V <- rho * same(g) + diag(1 - rho, length(g)); X <- cbind(1, tr)
  B <- solve(crossprod(X), t(X))                                             # OLS: units count alike
  list(sizes = m, cv = sqrt(mean(m^2) / mean(m)^2 - 1), mean = mean(m), rho = rho, precision = gls_var(X, V), size = (B %*% V %*% t(B))[2, 2])
}
var$unequal <- list(unequal(c(4, 8, 10, 12, 16), 0.05), unequal(c(5, 5, 20, 30, 40), 0.2), unequal(c(2, 10, 20, 30, 38), 0.02))

g <- rep(1:9, each = 8); tr <- rep(rep(0:1, each = 4), 9)                     # 9 sites of 8, half of each treated
tc <- tr - 0.5
V <- 0.15 * same(g) + 0.2^2 * same(g) * outer(tc, tc) + diag(0.85, length(g))
var$multisite <- gls_var(cbind(1, tr), V)

three <- function(tr, V) gls_var(cbind(1, tr), V)                             # 6 clusters of 4 groups of 3 (or 4 where units are treated)
k <- rep(1:6, each = 12); g <- rep(1:24, each = 3)
V3 <- 0.1 * same(k) + 0.15 * same(g) + diag(0.75, 72)
var$three_at3 <- three((k <= 3) * 1, V3)
tr <- ((g - 1) %% 4 < 2) * 1; tc <- tr - 0.5
var$three_at2 <- three(tr, V3 + 0.3^2 * same(k) * outer(tc, tc))
k <- rep(1:6, each = 16); g <- rep(1:24, each = 4); tr <- rep(c(0, 0, 1, 1), 24); tc <- tr - 0.5
var$three_at1 <- three(tr, 0.1 * same(k) + 0.15 * same(g) + diag(0.75, 96) + (0.3^2 * same(k) + 0.2^2 * same(g)) * outer(tc, tc))

growth <- function(last, T, s2, times) {                                     # persons with the first last[i] measurements, twice: two arms
  last <- c(last, last); id <- rep(seq_along(last), last); t <- unlist(lapply(last, function(k) times[1:k]))
  tr <- (id <= length(last) / 2) * 1
  V <- same(id) * (T[1, 1] + T[1, 2] * outer(t, t, "+") + T[2, 2] * outer(t, t)) + diag(s2, length(id))
  gls_var(cbind(1, t, tr, t * tr), V)
}
T <- matrix(c(0.6, 0.05, 0.05, 0.04), 2)
var$growth <- growth(rep(5, 8), T, 0.5, 0:4)
var$growth_short <- growth(rep(3, 8), T, 0.5, c(0, 1, 2))
var$growth_attrition <- growth(c(rep(5, 12), 1, 2, 3, 4), T, 0.5, 0:4)        # a quarter lost, evenly
var$growth_attrition_free <- growth(c(rep(5, 12), 1, 2, 3, 4), matrix(c(1e7, 0, 0, 0.04), 2), 0.5, 0:4)

g <- rep(1:10, each = 6); x <- rep(c(-5, -3, -1, 1, 3, 5), 10); x <- x / sqrt(sum(x[1:6]^2) / 5); w <- (g <= 5) * 1
var$cross <- gls_var(cbind(1, x, w, x * w), 0.2 * same(g) + 0.15^2 * same(g) * outer(x, x) + diag(0.8, 60))

p0 <- 0.3; p1 <- plogis(qlogis(0.3) + 0.6); tau2 <- 0.1 / 0.9 * pi^2 / 3      # logistic model linearized at u = 0
g <- rep(1:14, each = 9); tr <- (g <= 7) * 1; p <- ifelse(tr == 1, p1, p0)
var$log_odds <- gls_var(cbind(1, tr), tau2 * same(g) + diag(1 / (p * (1 - p))))
p1 <- 0.45; p <- ifelse(tr == 1, p1, p0); s <- sqrt(p * (1 - p))               # correlation 0.1 of the zeros and ones
X <- cbind(1, tr); B <- solve(crossprod(X), t(X)); V <- outer(s, s) * (0.1 * same(g) + diag(0.9, length(g)))
var$difference <- (B %*% V %*% t(B))[2, 2]

best <- function(total, c2, c1, rho) {                                       # groups and units are real numbers
  f <- function(n) (rho + (1 - rho) / n) / (total / (c2 + n * c1)); optimize(f, c(1, 1000), tol = 1e-10)$minimum
}
budget <- list(list(c2 = 300, c1 = 10, rho = 0.1, n = best(2e4, 300, 10, 0.1)), list(c2 = 50, c1 = 5, rho = 0.25, n = best(1e4, 50, 5, 0.25)))
b3 <- optim(c(2, 10), function(v) { J <- v[1]; n <- v[2]; if (min(v) <= 0) return(1e9)
  (0.1 + 0.05 / J + 0.85 / (J * n)) / (2e5 / (2000 + J * (300 + 10 * n))) }, control = list(reltol = 1e-14, maxit = 5000))$par
budget3 <- list(c3 = 2000, c2 = 300, c1 = 10, icc_cluster = 0.1, icc_group = 0.05, groups = b3[1], n = b3[2])

write_json(list(id = "powerR_cases", software = "R", version = list(R = as.character(getRversion())), call = "pt, power.t.test, dense GLS, optimize",
                results = list(t = grid, ttest = ttest, variance = var, budget = budget, budget3 = budget3)),
           "tests/reference/r/powerR_cases.json", digits = NA, auto_unbox = TRUE)
