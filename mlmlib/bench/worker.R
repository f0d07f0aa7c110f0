# lme4, as worker.py for the others. A line asks: "read" TAB path, or "fit" TAB formula. A line answers: values parted by tabs.
ready <- suppressMessages(suppressWarnings(require(lme4, quietly = TRUE)))
answer <- function(...) { cat(paste(..., sep = "\t"), "\n", sep = ""); flush(stdout()) }
if (!ready) { answer("error", "the R package lme4 is not installed"); quit() }
answer("version", as.character(packageVersion("lme4")), paste(R.version$major, R.version$minor, sep = "."),
       basename(extSoftVersion()[["BLAS"]]))
questions <- file("stdin", "r")
data <- NULL
while (length(line <- readLines(questions, n = 1)) > 0) {
  part <- strsplit(line, "\t")[[1]]
  tryCatch({
    if (part[1] == "read") {
      data <- read.csv(part[2], stringsAsFactors = TRUE)
      answer("read")
    } else {
      spent <- system.time(fit <- suppressMessages(suppressWarnings(lmer(as.formula(part[2]), data))), gcFirst = FALSE)
      answer("fit", sprintf("%.6f", sum(spent[1:2])), sprintf("%.6f", spent[["elapsed"]]), sprintf("%.10f", REMLcrit(fit)))
    }
  }, error = function(problem) answer("error", gsub("[\t\n]", " ", conditionMessage(problem))))
}
