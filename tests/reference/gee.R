# Reference numbers of generalized estimating equations that the given files do not have, by geepack and clubSandwich.
#
#   Rscript tests/reference/gee.R       from the root of the book; writes tests/reference/r/geeR_cases.json
#
# Nothing here uses mlmlib.
suppressMessages({library(geepack); library(clubSandwich); library(jsonlite)})
control <- geese.control(epsilon = 1e-14, maxit = 1000)
of <- function(fit, call) list(call = call, coef = unname(coef(fit)), se = unname(sqrt(diag(fit$geese$vbeta))),
  naive = unname(sqrt(diag(fit$geese$vbeta.naiv))), alpha = unname(fit$geese$alpha), phi = unname(fit$geese$gamma),
  QIC = as.list(QIC(fit)))
cases <- list()
d <- read.csv("data/dietox.csv")
d$w <- 1 + d$Time %% 3
cases$dietox_ar1 <- of(geeglm(Weight ~ Time + Cu, id = Pig, waves = Time, data = d, corstr = "ar1", control = control), "ar1")
gaps <- d[!(d$Time %in% c(3, 4) & d$Pig %% 2 == 0), ]  # every other pig without weeks 3 and 4
cases$dietox_gaps <- of(geeglm(Weight ~ Time + Cu, id = Pig, waves = Time, data = gaps, corstr = "ar1", control = control), "ar1, waves")
cases$dietox_weights <- of(geeglm(Weight ~ Time + Cu, id = Pig, data = d, weights = w, corstr = "exchangeable", control = control), "weights")
cases$dietox_weights_ar1 <- of(geeglm(Weight ~ Time + Cu, id = Pig, waves = Time, data = d, weights = w, corstr = "ar1", control = control), "weights, ar1")
cases$dietox_gamma <- of(geeglm(Weight ~ Time + Cu, id = Pig, data = d, family = Gamma("log"), corstr = "exchangeable", control = control), "Gamma(log)")
h <- read.csv("data/cbpp.csv"); h$period <- factor(h$period)
cases$cbpp_trials <- of(geeglm(cbind(incidence, size - incidence) ~ period, id = herd, data = h, family = binomial, corstr = "exchangeable", control = control), "trials")
o <- read.csv("data/ohio.csv")
for (link in c("probit", "cloglog"))
  cases[[paste0("ohio_", link)]] <- of(geeglm(resp ~ age + smoke, id = id, data = o, family = binomial(link), corstr = "exchangeable", control = control), link)
cases$ohio_fixed <- of(geeglm(resp ~ age + smoke, id = id, data = o, family = binomial, corstr = "exchangeable", scale.fix = TRUE, control = control), "scale.fix")
e <- read.csv("data/epil.csv"); e$weeks <- 2; e$weeks[e$period == 1] <- 3
e$trt <- factor(e$trt, levels = c("placebo", "progabide"))
cases$epil_exposure <- of(geeglm(y ~ trt + V4 + offset(log(weeks)), id = subject, data = e, family = poisson, corstr = "exchangeable", control = control), "offset")
# I - H taken away from the residuals (Mancl & DeRouen), written out with dense matrices at geepack's estimates
reduced <- function(fit, id, power) {
  X <- model.matrix(fit); mu <- as.vector(fitted(fit)); y <- as.vector(fit$y); link <- family(fit)$linkfun; eta <- link(mu)
  D <- X * family(fit)$mu.eta(eta); sd <- sqrt(family(fit)$variance(mu)); a <- fit$geese$alpha
  rows <- split(seq_along(y), id); M <- 0
  V <- lapply(rows, function(i) { R <- matrix(a, length(i), length(i)); diag(R) <- 1; outer(sd[i], sd[i]) * R })
  for (g in names(rows)) { i <- rows[[g]]; M <- M + t(D[i, ]) %*% solve(V[[g]], D[i, ]) }
  M <- solve(M); S <- 0
  for (g in names(rows)) {
    i <- rows[[g]]; A <- diag(length(i)) - D[i, ] %*% M %*% t(D[i, ]) %*% solve(V[[g]])
    if (power == 0.5) { E <- eigen(A); A <- Re(E$vectors %*% diag(sqrt(as.complex(E$values))) %*% solve(E$vectors)) }
    s <- t(D[i, ]) %*% solve(V[[g]], solve(A, (y - mu)[i])); S <- S + s %*% t(s)
  }
  unname(sqrt(diag(M %*% S %*% M)))
}
m <- geeglm(y ~ trt + V4, id = subject, data = e, family = poisson, corstr = "exchangeable", control = control)
cases$epil_reduced <- c(of(m, "dense matrices at geepack's estimates"), list(mancl_derouen = reduced(m, e$subject, 1), kauermann_carroll = reduced(m, e$subject, 0.5)))
hsb <- read.csv("data/hsb.csv"); hsb <- hsb[hsb$school %in% unique(hsb$school)[1:12], ]
l <- lm(mathach ~ cses + mean_ses, data = hsb)
cases$hsb_club <- list(call = "clubSandwich of lm, twelve schools", coef = unname(coef(l)),
  CR0 = unname(sqrt(diag(vcovCR(l, hsb$school, "CR0")))), CR2 = unname(sqrt(diag(vcovCR(l, hsb$school, "CR2")))), CR3 = unname(sqrt(diag(vcovCR(l, hsb$school, "CR3")))))
write(toJSON(list(id = "geeR_cases", software = "geepack, clubSandwich", version = list(R = as.character(getRversion()),
  geepack = as.character(packageVersion("geepack")), clubSandwich = as.character(packageVersion("clubSandwich"))), results = cases),
  auto_unbox = TRUE, digits = NA, pretty = TRUE), "tests/reference/r/geeR_cases.json")
