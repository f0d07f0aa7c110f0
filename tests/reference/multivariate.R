# Reference numbers of models with several outcomes: nlme's lme and gls on the stacked table, with corSymm and varIdent.
#
#   Rscript tests/reference/multivariate.R       from the root of the book; writes tests/reference/r/nlme_mv_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(nlme);library(jsonlite)})
cl <- glsControl(tolerance=1e-10,msTol=1e-12,maxIter=500,msMaxIter=500,opt="nlminb")
ll <- lmeControl(tolerance=1e-10,msTol=1e-12,maxIter=500,msMaxIter=500,niterEM=100,opt="nlminb")
# a row for each outcome that a unit has
stack <- function(d, outcomes) {
 d$unit <- seq_len(nrow(d))
 s <- do.call(rbind, lapply(seq_along(outcomes), function(k) cbind(d, y=d[[outcomes[k]]], occ=k)))
 s$outcome <- factor(outcomes[s$occ], levels=outcomes)
 s <- s[!is.na(s$y),]; s[order(s$unit,s$occ),] }
gcse <- read.csv("data/gcsemv.csv",stringsAsFactors=TRUE); gcse$school <- factor(gcse$school)
two <- stack(gcse, c("course","written"))
eg <- read.csv("data/egsingle.csv",stringsAsFactors=TRUE)
eg <- eg[eg$year %in% c(-0.5,0.5,1.5), c("schoolid","childid","female","year","math")]
eg$wave <- c("m1","m2","m3")[match(eg$year,c(-0.5,0.5,1.5))]
wide <- reshape(eg[,c("schoolid","childid","female","wave","math")],idvar=c("schoolid","childid","female"),timevar="wave",direction="wide")
names(wide) <- sub("math\\.","",names(wide)); wide$schoolid <- factor(wide$schoolid)
three <- stack(wide, c("m1","m2","m3"))
sleep <- read.csv("data/sleepstudy.csv"); sleep <- sleep[sleep$Days<4,]
days <- reshape(sleep,idvar="Subject",timevar="Days",direction="wide"); names(days) <- sub("Reaction\\.","d",names(days))
days$d2[c(3,9)] <- NA
four <- stack(days, c("d0","d1","d2","d3"))
put <- function(name,call) { for (m in c("ML","REML")) { cc <- gsub("METHOD",paste0('"',m,'"'),call)
 f <- eval(parse(text=cc)); mixed <- inherits(f,"lme")
 fe <- if (mixed) fixef(f) else coef(f); C <- as.matrix(f$modelStruct$corStruct)
 C <- C[[which.max(sapply(C,nrow))]]
 sd <- f$sigma*coef(f$modelStruct$varStruct,unconstrained=FALSE,allCoef=TRUE)[levels(getData(f)$outcome)]
 r <- list(id=paste0("nlme_mv_",name,"_",tolower(m)),software="nlme",
  version=list(R=as.character(getRversion()),nlme=as.character(packageVersion("nlme"))),call=cc,
  results=list(method=m,fixef=as.list(fe),se=as.list(sqrt(diag(vcov(f)))),logLik=as.numeric(logLik(f)),df=attr(logLik(f),"df"),
   residual_cov=unname(C*outer(sd,sd)),random_cov=if (mixed) unclass(as.matrix(getVarCov(f)))[,,drop=FALSE] else list(),
   random_effects=if (mixed) as.matrix(ranef(f))[1:3,] else list()))
 cat(r$id, sprintf("%.7f",logLik(f)), "\n")
 write_json(r,paste0("tests/reference/r/",r$id,".json"),digits=NA,auto_unbox=TRUE) } }
un <- 'correlation=corSymm(form=~occ|unit), weights=varIdent(form=~1|outcome), method=METHOD, control=cl)'
unr <- function(g) paste0('random=~0+outcome|',g,', correlation=corSymm(form=~occ|',g,'/unit), weights=varIdent(form=~1|outcome), method=METHOD, control=ll)')
put("gcse",paste0('lme(y ~ 0 + outcome + outcome:gender, two, ',unr("school")))
put("gcse_equal",paste0('lme(y ~ 0 + outcome + gender, two, ',unr("school")))
put("gcse_gls",paste0('gls(y ~ 0 + outcome + outcome:gender, two, ',un))
put("gcse_sur",paste0('gls(y ~ 0 + outcome + I((outcome=="course")*(gender=="M")), two, ',un))
put("days",paste0('gls(y ~ 0 + outcome, four, ',un))
put("egsingle",paste0('lme(y ~ 0 + outcome + outcome:female, three, ',unr("schoolid")))
