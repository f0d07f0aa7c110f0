# Reference numbers of prediction errors: Henderson's mixed-model equations, solved as they stand, at lme4's estimates.
#
#   Rscript tests/reference/prediction.R       from the root of the book; writes tests/reference/r/predictR_cases.json
#
# Nothing here uses mlmlib.
suppressMessages({library(lme4);library(jsonlite)})
cl <- lmerControl(optimizer="bobyqa",optCtrl=list(rhobeg=0.02,rhoend=1e-11,maxfun=50000),calc.derivs=FALSE)
sleep <- read.csv("data/sleepstudy.csv"); pen <- read.csv("data/penicillin.csv"); pas <- read.csv("data/pastes.csv")
case <- function(name, formula, data, rows) {
 f <- lmer(formula, data, control=cl); s2 <- sigma(f)^2
 X <- getME(f,"X"); Z <- as.matrix(getME(f,"Z")); L <- as.matrix(getME(f,"Lambda")); G <- s2*L%*%t(L)
 C <- solve(rbind(cbind(crossprod(X),crossprod(X,Z)),cbind(crossprod(Z,X),crossprod(Z)+s2*solve(G))))*s2
 A <- cbind(X,Z)[rows,,drop=FALSE]
 list(name=name, formula=paste(deparse(formula),collapse=""), rows=rows-1, sigma=sigma(f), theta=unname(getME(f,"theta")),
  mean=unname(fitted(f)[rows]), confidence=sqrt(rowSums((A%*%C)*A)), prediction=sqrt(rowSums((A%*%C)*A)+s2),
  fixed=sqrt(rowSums((X[rows,,drop=FALSE]%*%as.matrix(vcov(f)))*X[rows,,drop=FALSE]))) }
out <- list(id="predictR_cases",software="lme4 and Henderson's equations",
 version=list(R=as.character(getRversion()),lme4=as.character(packageVersion("lme4"))), call="tests/reference/prediction.R",
 results=list(case("sleepstudy",Reaction~Days+(Days|Subject),sleep,c(1,2,10,57,180)),
  case("penicillin",diameter~1+(1|plate)+(1|sample),pen,c(1,2,7,100,144)),
  case("pastes",strength~1+(1|batch)+(1|batch:cask),pas,c(1,2,3,30,60))))
write_json(out,"tests/reference/r/predictR_cases.json",digits=NA,auto_unbox=TRUE)
