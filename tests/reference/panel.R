# Panel estimators that the given files do not have, by plm: two ways (complete and not), first differences, random effects
# and tests in an unbalanced panel, Hausman and Taylor's estimator.
#
#   Rscript tests/reference/panel.R            from the root of the book; writes tests/reference/r/panelR_*.json
#
# Nothing here uses mlmlib.  The unbalanced panels are the bundled ones without every 7th row (grunfeld), or without the
# rows whose place (from 1) gives 0, 3 or 4 modulo 11 (males).
suppressMessages({library(plm); library(jsonlite)})
versions <- list(R = as.character(getRversion()), plm = as.character(packageVersion("plm")))
save <- function(id, call, results) write(toJSON(list(id = id, software = "plm", version = versions, call = call,
  results = results), auto_unbox = TRUE, digits = NA, pretty = TRUE), file.path("tests/reference/r", paste0(id, ".json")))
told <- function(fit) {
  V <- vcov(fit)
  out <- list(fixef = as.list(coef(fit)), vcov = unname(matrix(as.numeric(V), nrow(V))), df_residual = df.residual(fit),
              ssr = sum(resid(fit)^2))
  if (!inherits(fit, "pht")) out$rsq <- unname(r.squared(fit))
  if (!is.null(fit$ercomp)) out$ercomp <- list(sigma2 = lapply(as.list(unlist(fit$ercomp$sigma2)), as.numeric),
                                               theta = unique(as.numeric(fit$ercomp$theta)))
  out
}
h <- function(t) list(stat = as.numeric(t$statistic), df = as.numeric(t$parameter), p = as.numeric(t$p.value))

# The auxiliary regression of Hausman's test with the intercept transformed like the other columns (phtest leaves it at 1,
# which differs in unbalanced panels) and the deviations found by name (phtest counts wrongly where a regressor is constant).
auxiliary <- function(re, fe) {
  y <- as.numeric(pmodel.response(re)); X <- as.matrix(model.matrix(re)); W <- as.matrix(model.matrix(fe, cstcovar.rm = "all"))
  theta <- re$ercomp$theta
  X[, "(Intercept)"] <- 1 - theta
  A <- cbind(matrix(X, nrow(X)), matrix(W, nrow(W))); b <- qr.coef(qr(A), y); e <- y - as.numeric(A %*% b)
  bread <- solve(crossprod(A)); at <- ncol(X) + seq_len(ncol(W)); id <- as.character(index(re)[[1]])
  wald <- function(V) { s <- as.numeric(b[at] %*% solve(V[at, at], b[at]))
    list(stat = s, df = length(at), p = pchisq(s, length(at), lower.tail = FALSE)) }
  S <- rowsum(A * e, id)
  list(plain = wald(bread * sum(e^2) / (length(y) - ncol(A))), robust = wald(bread %*% crossprod(S) %*% bread))
}

grunfeld <- read.csv("data/grunfeld.csv")
short <- grunfeld[seq_len(nrow(grunfeld)) %% 7 != 0, ]
males <- transform(read.csv("data/males.csv"), exper2 = exper^2, ethn = factor(ethn, c("other", "black", "hisp")))
few <- males[!(seq_len(nrow(males)) %% 11 %in% c(0, 3, 4)), ]
f <- inv ~ value + capital

for (name in c("whole", "short")) {
  d <- pdata.frame(if (name == "whole") grunfeld else short, index = c("firm", "year"))
  two <- plm(f, d, model = "within", effect = "twoways")
  one <- plm(f, d, model = "within"); ols <- plm(f, d, model = "pooling"); time <- plm(f, d, model = "within", effect = "time")
  lsdv <- lm(inv ~ value + capital + factor(firm) - 1 + factor(year), data = as.data.frame(lapply(d, function(x) x)))
  cf <- coef(summary(lsdv))
  save(paste0("panelR_twoway_", name), "plm(inv ~ value + capital, model = 'within', effect = 'twoways'); lm with dummies",
       c(told(two), list(firm = unname(cf[grep("firm", rownames(cf)), 1]), firm_se = unname(cf[grep("firm", rownames(cf)), 2]),
                         year = unname(cf[grep("year", rownames(cf)), 1]), year_se = unname(cf[grep("year", rownames(cf)), 2]),
                         both = h(pFtest(two, ols)), times = h(pFtest(two, one)), groups = h(pFtest(two, time)))))
  fd <- plm(f, d, model = "fd"); fd0 <- plm(inv ~ value + capital - 1, d, model = "fd")
  save(paste0("panelR_fd_", name), "plm(model = 'fd'), with and without the intercept",
       list(trend = told(fd), plain = told(fd0)))
  re <- plm(f, d, model = "random")
  alpha <- summary(fixef(one))
  save(paste0("panelR_random_", name), "plm(model = 'random'), fixef, ranef, tests",
       c(told(re), list(ranef = unname(as.numeric(ranef(re))), fixef_within = unname(alpha[, 1]), fixef_se = unname(alpha[, 2]),
         within = told(one), between = told(plm(f, d, model = "between")),
         honda = h(plmtest(ols, type = "honda")), bp = h(plmtest(ols, type = "bp")), hausman = h(phtest(one, re)),
         F = h(pFtest(one, ols)))))
}

g <- wage ~ exper + exper2 + union + married + school + ethn
for (name in c("whole", "short")) {
  d <- pdata.frame(if (name == "whole") males else few, index = c("nr", "year"))
  re <- plm(g, d, model = "random"); fe <- plm(g, d, model = "within"); ols <- plm(g, d, model = "pooling")
  save(paste0("panelR_males_", name), "plm(wage ~ exper + exper2 + union + married + school + ethn)",
       list(random = told(re), within = told(fe), hausman = h(phtest(fe, re)), F = h(pFtest(fe, ols)),
            auxiliary = auxiliary(re, fe)))
  ht <- suppressWarnings(pht(wage ~ exper + exper2 + union + married + school + ethn | exper + exper2 + married + ethn, d, model = "ht"))
  save(paste0("panelR_ht_", name),
       "pht(wage ~ exper + exper2 + union + married + school + ethn | exper + exper2 + married + ethn)", told(ht))
}

math <- read.csv("data/math.csv")
math$row <- ave(seq_len(nrow(math)), math$schid, FUN = seq_along)
for (name in c("math", "grunfeld")) {
  d <- pdata.frame(get(name), index = if (name == "math") c("schid", "row") else c("firm", "year"))
  m <- if (name == "math") math ~ homework else f
  re <- plm(m, d, model = "random"); fe <- plm(m, d, model = "within")
  save(paste0("panelR_auxiliary_", name), "auxiliary regression of Hausman's test, and phtest(method = 'aux')",
       c(auxiliary(re, fe), list(phtest = h(phtest(m, data = d, method = "aux")), phtest_robust = h(phtest(m, data = d,
         method = "aux", vcov = function(x) vcovHC(x, method = "arellano", type = "HC0"))))))
}
