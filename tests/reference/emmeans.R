# Reference values of estimated marginal means, contrasts and trends by R's emmeans; writes r/emm_*.json.
# Run from the root of the project: Rscript tests/reference/emmeans.R
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(mvtnorm); library(jsonlite)})
emm_options(lmerTest.limit = 1e5, pbkrtest.limit = 1e4, msg.interaction = FALSE, opt.digits = FALSE)
here <- "tests/reference"
chosen <- commandArgs(TRUE)   # names of cases; all of them when left out
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, rhobeg = 1e-2, maxfun = 1e5))
fits <- function(formula, data, REML = TRUE) {
  call <- substitute(lmer(F, D, REML = R, control = tight), list(F = formula, D = substitute(data), R = REML))
  m <- eval.parent(call)
  f <- as.function(eval.parent(substitute(update(M, devFunOnly = TRUE), list(M = m)))); th <- getME(m, "theta")   # polish
  for (k in 1:3) th <- nlminb(th, f, lower = getME(m, "lower"), control = list(rel.tol = 1e-15, x.tol = 1e-14))$par
  call$start <- th; call$control <- quote(lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 1e-7, rhoend = 1e-13, maxfun = 1e5)))
  m2 <- eval.parent(call)
  if (f(getME(m2, "theta")) <= f(th) + 1e-9) m2 else m
}
num <- function(x) { x[is.infinite(x)] <- NA; as.numeric(x) }   # null stands for infinite degrees of freedom
exact_mvt <- function(con, by) {   # the p-values of adjust = "mvt", integrated to 2e-6 (or as near as two million points come)
  s <- as.data.frame(summary(con, infer = c(TRUE, TRUE), adjust = "none"))
  t <- s[[if ("t.ratio" %in% names(s)) "t.ratio" else "z.ratio"]]; R <- cov2cor(vcov(con)); df <- s$df
  if (any(is.finite(df) & abs(df - round(df)) > 1e-6)) return(NULL)     # mvtnorm knows whole degrees of freedom only
  groups <- if (length(by)) split(seq_along(t), interaction(s[by], drop = TRUE)) else list(seq_along(t))
  p <- numeric(length(t))
  for (g in groups) for (i in g) {
    set.seed(1)
    p[i] <- 1 - pmvt(rep(-abs(t[i]), length(g)), rep(abs(t[i]), length(g)), corr = R[g, g], df = if (is.finite(df[i])) round(df[i]) else 0,
                     algorithm = GenzBretz(maxpts = 2e6, abseps = 2e-6))
  }
  p
}
columns <- function(s) {
  keep <- intersect(names(s), c("estimate", "emmean", "prediction", "SE", "df", "t.ratio", "z.ratio", "p.value", "lower.CL", "upper.CL",
                                "asymp.LCL", "asymp.UCL", grep("[.]trend$", names(s), value = TRUE)))
  lapply(s[keep], num)
}
contrasts_of <- function(em, by, wanted) lapply(wanted, function(w) {
  con <- do.call(contrast, c(list(em, method = w$method), w$args))
  s <- as.data.frame(summary(con, infer = c(TRUE, TRUE), adjust = "none"))
  out <- list(method = if (is.list(w$method)) lapply(w$method, I) else w$method, args = w$args, labels = as.character(s$contrast),
              none = columns(s), adjust = list())
  for (a in w$adjust) {
    if (a == "mvt") { p <- exact_mvt(con, by); if (!is.null(p)) out$adjust[[a]] <- list(p = num(p)); next }
    z <- as.data.frame(summary(con, infer = c(TRUE, TRUE), adjust = a))
    out$adjust[[a]] <- list(p = num(z$p.value), lower = num(z[[grep("LCL|lower", names(z))]]), upper = num(z[[grep("UCL|upper", names(z))]]))
  }
  j <- test(con, joint = TRUE, by = NULL)
  out$joint_rank <- num(j$df1)
  Q <- qr.Q(qr(t(con@linfct)))[, seq_len(qr(t(con@linfct))$rank), drop = FALSE]
  z <- t(Q) %*% con@bhat; out$joint_wald <- num(sum(z * solve(t(Q) %*% con@V %*% Q, z)))  # the quadratic form, unrounded
  out
})
table_of <- function(m, specs, by = NULL, at = NULL, weights = "equal", ddf = "wald", trend = NULL, contrasts = list(), adjust = character()) {
  a <- list(m, specs = specs, by = by, weights = weights)
  if (!is.null(at)) a$at <- at
  if (is(m, "merMod")) a$lmer.df <- c(wald = "asymptotic", satterthwaite = "satterthwaite", `kenward-roger` = "kenward-roger")[[ddf]]
  em <- if (is.null(trend)) do.call(emmeans, a) else do.call(emtrends, c(a, var = trend))
  s <- as.data.frame(summary(em, infer = c(TRUE, FALSE)))
  out <- list(specs = I(specs), by = I(as.character(by)), at = lapply(at, I), weights = weights, ddf = ddf, trend = trend,
              levels = lapply(s[c(specs, by)], as.character), means = columns(s), adjust = list())
  for (x in adjust) {
    z <- as.data.frame(summary(em, infer = c(TRUE, FALSE), adjust = x))
    out$adjust[[x]] <- list(lower = num(z[[grep("LCL|lower", names(z))]]), upper = num(z[[grep("UCL|upper", names(z))]]))
  }
  out$contrasts <- contrasts_of(em, by, contrasts)
  out
}
con <- function(method, adjust = character(), ...) list(method = method, args = list(...), adjust = adjust)
save <- function(id, call, data, ...) {
  if (length(chosen) && !id %in% chosen) return(invisible())   # the tables are not computed: R is lazy
  v <- function(p) as.character(packageVersion(p))
  write_json(list(id = id, software = "emmeans", version = list(R = paste(R.version$major, R.version$minor, sep = "."), emmeans = v("emmeans"),
                  lme4 = v("lme4"), lmerTest = v("lmerTest"), pbkrtest = v("pbkrtest"), mvtnorm = v("mvtnorm")), call = call, data = data,
                  tables = list(...)), file.path(here, "r", paste0(id, ".json")), digits = NA, auto_unbox = TRUE, null = "null", na = "null")
  cat(id, "\n")
}
all <- c("bonferroni", "holm", "sidak", "fdr", "scheffe")

hsb <- read.csv("data/hsb.csv", stringsAsFactors = TRUE); hsb$sector <- relevel(hsb$sector, "Public")
math <- read.csv("data/math.csv", stringsAsFactors = TRUE)
sleep <- read.csv("data/sleepstudy.csv"); trial <- read.csv("data/intervention.csv")
set.seed(20); cake0 <- as.data.frame(lme4::cake); cake0$temp <- NULL
cake0$temperature <- as.character(cake0$temperature); cake0 <- cake0[-sort(sample(nrow(cake0), 60)), ]
write.csv(cake0, file.path(here, "data", "cake_unequal.csv"), row.names = FALSE)
cake1 <- cake0; for (n in c("recipe", "temperature", "replicate")) cake1[[n]] <- factor(cake1[[n]])
set.seed(3); loom <- warpbreaks[-c(1:4, 10, 22, 30:36, 50), ]; loom$hours <- round(runif(nrow(loom), 1, 9), 2)
loom$looms <- sample(1:4, nrow(loom), TRUE)
write.csv(loom, file.path(here, "data", "loom_unequal.csv"), row.names = FALSE)

m <- fits(mathach ~ cses * sector + minority + (cses | school), hsb)
save("emm_hsb_sector", "mathach ~ cses * sector + minority + (cses | school)", "hsb",
  table_of(m, "sector", ddf = "satterthwaite", contrasts = list(con("pairwise"))),
  table_of(m, "sector", ddf = "wald", weights = "proportional", contrasts = list(con("revpairwise"))),
  table_of(m, "sector", by = "cses", at = list(cses = c(-1, 0, 1)), ddf = "satterthwaite", contrasts = list(con("pairwise"))),
  table_of(m, "sector", trend = "cses", ddf = "satterthwaite", contrasts = list(con("pairwise"))))
m <- fits(mathach ~ sector * minority + female + ses + (1 | school), hsb)
four <- list(con("pairwise", c("tukey", all, "mvt")), con("eff", c("fdr", "mvt")), con("trt.vs.ctrl", "mvt", ref = 2))
save("emm_hsb_cells", "mathach ~ sector * minority + female + ses + (1 | school)", "hsb",
  table_of(m, c("sector", "minority"), ddf = "wald", contrasts = four, adjust = c("bonferroni", "sidak", "scheffe")),
  table_of(m, c("sector", "minority"), ddf = "satterthwaite", weights = "proportional", contrasts = list(con("pairwise", c("tukey", all)))),
  table_of(m, "sector", by = "minority", ddf = "satterthwaite", contrasts = list(con("pairwise"))),
  table_of(m, "female", ddf = "satterthwaite", weights = "proportional"),
  table_of(m, "sector", ddf = "wald", weights = "cells"))
days <- list(con("poly", c("none", "bonferroni")), con("consec", c("holm", "sidak")), con("eff", "fdr"), con("trt.vs.ctrl", "bonferroni"),
             con("pairwise", c("tukey", "scheffe")))
m <- fits(Reaction ~ factor(Days) + (1 | Subject), sleep)
save("emm_sleep_days_ri", "Reaction ~ C(Days) + (1 | Subject)", "sleepstudy",
  table_of(m, "Days", ddf = "kenward-roger", contrasts = days), table_of(m, "Days", ddf = "satterthwaite", contrasts = days))
m <- fits(Reaction ~ Days + (Days | Subject), sleep)
save("emm_sleep_line", "Reaction ~ Days + (Days | Subject)", "sleepstudy",
  table_of(m, "Days", at = list(Days = c(0, 3, 9)), ddf = "kenward-roger", contrasts = list(con("consec"))),
  table_of(m, "Days", at = list(Days = c(0, 3, 9)), ddf = "satterthwaite"))
m <- fits(math ~ schtype * homework + ses + (homework | schid), math)
save("emm_math_slopes", "math ~ schtype * homework + ses + (homework | schid)", "math",
  table_of(m, c("schtype", "homework"), at = list(homework = c(1, 3, 5)), ddf = "kenward-roger", contrasts = list(con("pairwise", c("tukey", all)))),
  table_of(m, "schtype", by = "homework", at = list(homework = c(1, 3, 5)), ddf = "satterthwaite", contrasts = list(con("pairwise"))),
  table_of(m, "schtype", trend = "homework", ddf = "kenward-roger", contrasts = list(con("pairwise"))),
  table_of(m, "schtype", trend = "homework", ddf = "satterthwaite", contrasts = list(con("revpairwise"))))
m <- lm(math ~ schtype + factor(homework) + ses, math)
save("emm_math_lm", "math ~ schtype + C(homework) + ses", "math",
  table_of(m, "homework", contrasts = list(con("consec", c(all, "mvt")), con("trt.vs.ctrl", c("mvt", "holm"), ref = 4), con("poly"))),
  table_of(m, "homework", weights = "proportional", contrasts = list(con("pairwise", c("tukey", "scheffe", "holm")))),
  table_of(m, "schtype", weights = "proportional", contrasts = list(con("pairwise", c("tukey", "bonferroni")))),
  table_of(m, "schtype", at = list(ses = 1), weights = "cells"))
m <- fits(angle ~ recipe * temperature + (1 | replicate), cake1)
save("emm_cake_cells", "angle ~ recipe * temperature + (1 | replicate)", "cake_unequal",
  table_of(m, "recipe", ddf = "kenward-roger", contrasts = list(con("pairwise", c("tukey", all)))),
  table_of(m, "recipe", ddf = "satterthwaite", weights = "proportional", contrasts = list(con("pairwise", c("tukey", "scheffe")))),
  table_of(m, "recipe", ddf = "wald", weights = "cells", contrasts = list(con("pairwise", c("tukey", "mvt")))),
  table_of(m, "recipe", by = "temperature", ddf = "kenward-roger", contrasts = list(con("pairwise", c("tukey", all)), con("eff", "fdr"))),
  table_of(m, "temperature", ddf = "kenward-roger", contrasts = list(con("poly", "none"), con("consec", "sidak"))))
m <- fits(angle ~ recipe + temperature + (1 | replicate), cake1, REML = FALSE)
save("emm_cake_ml", "angle ~ recipe + temperature + (1 | replicate)", "cake_unequal",
  table_of(m, "recipe", ddf = "satterthwaite", weights = "proportional", contrasts = list(con("pairwise", c("tukey", "holm")))),
  table_of(m, "temperature", ddf = "wald", contrasts = list(con("trt.vs.ctrl", "mvt"), con("pairwise", c("tukey", "mvt")))))
m <- lm(breaks ~ wool * tension + hours, loom)
custom <- list(`low to rest` = c(-0.5, 1, -0.5), `middle` = c(-1, 0, 1))
save("emm_loom_lm", "breaks ~ wool * tension + hours", "loom_unequal",
  table_of(m, c("wool", "tension"), contrasts = list(con("pairwise", c("tukey", all, "mvt"))), adjust = c("bonferroni", "sidak", "scheffe")),
  table_of(m, "tension", by = "wool", contrasts = list(con("pairwise", c("tukey", all, "mvt")), con("consec", "mvt"), con(custom, "holm"))),
  table_of(m, "tension", weights = "proportional", contrasts = list(con("trt.vs.ctrl", "mvt", ref = 3), con("eff", "fdr"))))
m <- lm(breaks ~ wool + tension + I(hours^2) + log(hours), loom, weights = looms)
save("emm_loom_weighted", "breaks ~ wool + tension + I(hours^2) + log(hours)", "loom_unequal, weights looms",
  table_of(m, "wool", weights = "proportional", contrasts = list(con("pairwise"))),
  table_of(m, "tension", weights = "proportional", at = list(hours = c(2, 4)), contrasts = list(con("pairwise", "tukey"))))
m <- lm(breaks ~ wool * hours + offset(looms), loom)
save("emm_loom_offset", "breaks ~ wool * hours + offset(looms)", "loom_unequal",
  table_of(m, "wool", contrasts = list(con("pairwise"))),
  table_of(m, "wool", by = "hours", at = list(hours = c(2, 6))))   # emtrends of 1.8 stumbles over an offset
m <- fits(score ~ treatment + (1 | school), trial)
save("emm_trial_two_values", "score ~ treatment + (1 | school)", "intervention",
  table_of(m, "treatment", ddf = "kenward-roger", contrasts = list(con("revpairwise"))))
