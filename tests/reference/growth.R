# Reference numbers of growth: bases of R's splines and poly, and Singer & Willett's models of wages by lme4.
#
#   Rscript tests/reference/growth.R     from the root of the book; writes tests/reference/r/growth_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(lme4); library(splines); library(jsonlite)})
version <- list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")), splines = as.character(packageVersion("splines")))
put <- function(id, ...) write_json(list(id = id, version = version, ...), paste0("tests/reference/r/", id, ".json"), digits = NA, auto_unbox = TRUE)
plain <- function(m) matrix(as.numeric(m), nrow(m))
x <- c(0.3, 1.1, 1.9, 2.2, 3.7, 4.4, 4.9, 6.0, 7.3, 7.9, 9.1, 9.6, 11.2, 12.5, 13.0)
new <- c(-1, 0.3, 2, 5.5, 8.25, 13, 14.5)
calls <- c("bs(x, df = 5)", "bs(x, knots = c(3, 7))", "bs(x, df = 4, degree = 2)", "bs(x, df = 6, intercept = TRUE)", "bs(x)",
           "bs(x, knots = 5, degree = 1, Boundary.knots = c(0, 14))", "ns(x, df = 3)", "ns(x, df = 5)", "ns(x, knots = c(3, 7))",
           "ns(x, df = 4, intercept = TRUE)", "ns(x, df = 1)", "ns(x, knots = 5, Boundary.knots = c(1, 12))", "poly(x, 3)", "poly(x, 3, raw = TRUE)")
bases <- lapply(calls, function(call) { b <- eval(parse(text = call)); p <- suppressWarnings(predict(b, new))
  list(call = call, x = plain(b), new = if (grepl("raw", call)) outer(new, 1:3, "^") else plain(p)) })
put("growth_bases", software = "splines", x = x, new = new, bases = bases)

wages <- read.csv("data/wages.csv"); wages$hgc9 <- wages$hgc - 9; wages$ue7 <- wages$uerate - 7
rights <- c(                                                       # Singer & Willett (2003), tables 5.4 and 6.2
  "5.4A" = "exper + (exper | id)", "5.4B" = "exper * (hgc9 + black) + (exper | id)", "5.4C" = "hgc9 + exper + exper:black + (exper | id)",
  "6.2A" = "exper + hgc9 + exper:black + ue7 + (exper | id)", "6.2B" = "exper + hgc9 + exper:black + ue7 + ged + (exper + ged | id)",
  "6.2C" = "exper + hgc9 + exper:black + ue7 + ged + (exper | id)", "6.2D" = "exper + hgc9 + exper:black + ue7 + postexp + (exper + postexp | id)",
  "6.2E" = "exper + hgc9 + exper:black + ue7 + postexp + (exper | id)", "6.2F" = "exper + hgc9 + exper:black + ue7 + ged + postexp + (exper + ged + postexp | id)",
  "6.2I" = "exper + hgc9 + exper:black + ue7 + ged + ged:exper + (exper + ged + ged:exper | id)")
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-2, rhoend = 1e-11, maxfun = 2e5), calc.derivs = FALSE, check.conv.singular = "ignore")
models <- lapply(names(rights), function(name) {
  call <- paste("lnw ~", rights[[name]])
  m <- lmer(as.formula(call), wages, REML = FALSE, control = tight)
  f <- update(m, devFunOnly = TRUE); th <- getME(m, "theta")
  for (k in 1:4) th <- nlminb(th, f, lower = getME(m, "lower"), control = list(rel.tol = 1e-15, x.tol = 1e-14))$par
  m <- update(m, start = th, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-6, rhoend = 1e-13, maxfun = 2e5), calc.derivs = FALSE))
  cat(name, deviance(m), "\n")
  list(model = name, formula = call, deviance = as.numeric(deviance(m)), fixef = as.list(fixef(m)), se = as.list(sqrt(diag(as.matrix(vcov(m))))),
       sigma2 = sigma(m)^2, tau = plain(as.matrix(VarCorr(m)$id)), names = rownames(VarCorr(m)$id)) })
put("growth_wages", software = "lme4", method = "ML", models = models)
