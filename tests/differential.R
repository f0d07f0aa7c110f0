# Fits what differential.py asks. A line of the file of tasks: name TAB table TAB program TAB expression in `d`. A line of the answer:
# name TAB program TAB criterion TAB coefficients TAB sigma TAB covariances TAB note, or "error" and its message after the program.
suppressMessages(suppressWarnings({
  has <- c(lme4 = require(lme4), glmmTMB = require(glmmTMB), ordinal = require(ordinal))
}))
plain <- lmerControl()
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
gplain <- glmerControl()
gtight <- glmerControl(optimizer = "bobyqa", calc.derivs = FALSE, tolPwrss = 1e-12,
                       optCtrl = list(rhoend = 1e-8, maxfun = 1e5))
number <- function(x) paste(sprintf("%.17g", x), collapse = ",")
covariances <- function(found) paste(unlist(lapply(names(found), function(name) {
  T <- as.matrix(found[[name]])
  outer(rownames(T), colnames(T), function(a, b) paste(name, a, b, sep = ";")) |> paste(sprintf("%.17g", T), sep = "=")
})), collapse = ",")
told <- function(name, program, m) {
  note <- ""
  if (inherits(m, "clmm")) {
    found <- list(-2 * m$logLik, c(m$beta, m$alpha), 1, VarCorr(m))
    note <- if (m$optRes$convergence != 0) "not converged" else ""
  } else if (inherits(m, "glmmTMB")) {
    found <- list(2 * m$fit$objective, fixef(m)$cond, sigma(m), VarCorr(m)$cond)
    if (m$fit$convergence != 0) note <- "not converged"
  } else {
    value <- if (isREML(m)) REMLcrit(m) else -2 * as.numeric(logLik(m))
    scale <- if (isGLMM(m) && grepl("Negative", family(m)$family)) getME(m, "glmer.nb.theta") else sigma(m)
    found <- list(value, fixef(m), scale, VarCorr(m))
    if (length(m@optinfo$conv$lme4$messages)) note <- "warned"
    if (length(m@optinfo$conv$opt) && m@optinfo$conv$opt != 0) note <- "not converged"
  }
  cat(name, program, number(found[[1]]), number(found[[2]]), number(found[[3]]), covariances(found[[4]]), note, sep = "\t")
  cat("\n")
}
for (line in readLines(commandArgs(TRUE)[1])) {
  task <- strsplit(line, "\t")[[1]]
  d <- read.csv(task[2], stringsAsFactors = FALSE)
  for (one in intersect(c("g", "c", "h", "f"), names(d))) d[[one]] <- factor(d[[one]])
  tryCatch(told(task[1], task[3], suppressMessages(suppressWarnings(eval(parse(text = task[4]))))),
           error = function(problem) cat(task[1], task[3], "error", gsub("[\t\n]", " ", conditionMessage(problem)), "\n", sep = "\t"))
}
