# A package of R, as worker.py for the others. A line asks: "read" TAB path, "fit" TAB formula (of lmer), or "call" TAB expression
# in `data`; "ready" TAB expression makes `made` of a task and "run" TAB expression gives its numbers. A line answers: values parted
# by tabs.
package <- commandArgs(TRUE)[1]
ready <- suppressMessages(suppressWarnings(require(package, character.only = TRUE, quietly = TRUE)))
if (package == "emmeans") emm_options(lmerTest.limit = 1e5, pbkrtest.limit = 1e5)
answer <- function(...) { cat(paste(..., sep = "\t"), "\n", sep = ""); flush(stdout()) }
if (!ready) { answer("error", paste("the R package", package, "is not installed")); quit() }
answer("version", as.character(packageVersion(package)), paste(R.version$major, R.version$minor, sep = "."),
       basename(extSoftVersion()[["BLAS"]]))
questions <- file("stdin", "r")
data <- made <- NULL
quiet <- function(what) suppressMessages(suppressWarnings(what))
while (length(line <- readLines(questions, n = 1)) > 0) {
  part <- strsplit(line, "\t")[[1]]
  tryCatch({
    if (part[1] == "read") {
      data <- read.csv(part[2], stringsAsFactors = TRUE)
      answer("read")
    } else if (part[1] == "ready") {
      made <- quiet(eval(parse(text = part[2])))
      answer("ready")
    } else if (part[1] == "run") {
      spent <- system.time(numbers <- quiet(eval(parse(text = part[2]))), gcFirst = FALSE)
      answer("run", sprintf("%.6f", sum(spent[1:2])), sprintf("%.6f", spent[["elapsed"]]),
             paste(sprintf("%.12g", as.numeric(numbers)), collapse = ","))
    } else {
      linear <- part[1] == "fit"
      spent <- system.time(fit <- quiet(if (linear) lmer(as.formula(part[2]), data) else eval(parse(text = part[2]))), gcFirst = FALSE)
      value <- if (linear) REMLcrit(fit) else -2 * as.numeric(logLik(fit))
      answer("fit", sprintf("%.6f", sum(spent[1:2])), sprintf("%.6f", spent[["elapsed"]]), sprintf("%.10f", value))
    }
  }, error = function(problem) answer("error", gsub("[\t\n]", " ", conditionMessage(problem))))
}
