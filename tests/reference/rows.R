# Reference numbers of residual structures: further fits by nlme's gls and lme.
#
#   Rscript tests/reference/rows.R       from the root of the book; writes tests/reference/r/nlme_more_*.json
#
# Nothing here uses mlmlib.
suppressMessages({library(nlme);library(jsonlite)})
D <- "tests/reference/data/"
ortho <- read.csv(paste0(D,"ortho.csv"),stringsAsFactors=TRUE); ovary <- read.csv(paste0(D,"ovary.csv")); ovary$Mare<-factor(ovary$Mare)
ovary$occ <- ave(ovary$Time, ovary$Mare, FUN=seq_along)
ortho$occ <- as.integer((ortho$age-6)/2); sleep <- read.csv("data/sleepstudy.csv"); sleep$Subject<-factor(sleep$Subject)
gap <- sleep[!(sleep$Days %in% c(3,4) & as.integer(sleep$Subject) %% 3 == 0) & !(sleep$Days==7 & as.integer(sleep$Subject)%%2==0),]
sleep$Day1 <- sleep$Days + 1; gap$Day1 <- gap$Days+1
cl <- glsControl(tolerance=1e-10,msTol=1e-12,maxIter=500,msMaxIter=500,opt="nlminb")
ll <- lmeControl(tolerance=1e-10,msTol=1e-12,maxIter=500,msMaxIter=500,niterEM=100,opt="nlminb")
out <- list()
put <- function(name,call) { for (m in c("ML","REML")) { cc <- gsub("METHOD",paste0('"',m,'"'),call)
 f <- eval(parse(text=cc)); cs <- f$modelStruct$corStruct; vs <- f$modelStruct$varStruct
 fe <- if (inherits(f,"lme")) fixef(f) else coef(f)
 r <- list(id=paste0("nlme_more_",name,"_",tolower(m)),software="nlme",version=list(R=as.character(getRversion()),nlme="3.1.162"),call=cc,
  results=list(method=m,fixef=as.list(fe),se=as.list(sqrt(diag(vcov(f)))),sigma=f$sigma,cor_par=if(is.null(cs)) list() else as.numeric(coef(cs,unconstrained=FALSE)),
   var_par=if(is.null(vs)) list() else as.list(coef(vs,unconstrained=FALSE)),logLik=as.numeric(logLik(f)),df=attr(logLik(f),"df"),
   random_cov=if (inherits(f,"lme")) unclass(as.matrix(getVarCov(f)))[,,drop=FALSE] else list(),
   resid_pearson_first5=as.numeric(residuals(f,type="pearson"))[1:5], resid_normalized_first5=as.numeric(residuals(f,type="normalized"))[1:5]))
 cat(r$id, logLik(f), r$results$cor_par, unlist(r$results$var_par),"\n")
 write_json(r,paste0("tests/reference/r/",r$id,".json"),digits=NA,auto_unbox=TRUE) } }
put("gls_sleep_arma11",'gls(Reaction ~ Days, sleep, correlation=corARMA(form=~Days|Subject,p=1,q=1), method=METHOD, control=cl)')
put("gls_ovary_arma11",'gls(follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), ovary, correlation=corARMA(form=~1|Mare,p=1,q=1), method=METHOD, control=cl)')
put("gls_gap_ar1",'gls(Reaction ~ Days, gap, correlation=corAR1(form=~Days|Subject), method=METHOD, control=cl)')
put("gls_gap_arma11",'gls(Reaction ~ Days, gap, correlation=corARMA(form=~Days|Subject,p=1,q=1), method=METHOD, control=cl)')
put("gls_gap_car1_exp",'gls(Reaction ~ Days, gap, correlation=corCAR1(form=~Days|Subject), weights=varExp(form=~Days), method=METHOD, control=cl)')
put("gls_gap_power",'gls(Reaction ~ Days, gap, weights=varPower(form=~Day1), method=METHOD, control=cl)')
put("lme_sleep_exp",'lme(Reaction ~ Days, sleep, random=~1|Subject, weights=varExp(form=~Days), method=METHOD, control=ll)')
put("lme_sleep_rs_power",'lme(Reaction ~ Days, sleep, random=~Days|Subject, weights=varPower(form=~Day1), method=METHOD, control=ll)')
put("lme_gap_rs_ar1_exp",'lme(Reaction ~ Days, gap, random=~Days|Subject, correlation=corAR1(form=~Days|Subject), weights=varExp(form=~Days), method=METHOD, control=ll)')
put("lme_ovary_car1",'lme(follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), ovary, random=~1|Mare, correlation=corCAR1(form=~Time|Mare), method=METHOD, control=ll)')
put("lme_ovary_arma11",'lme(follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), ovary, random=~1|Mare, correlation=corARMA(form=~1|Mare,p=1,q=1), method=METHOD, control=ll)')
put("gls_ortho_cs_gap",'gls(distance ~ age * Sex, ortho[-c(2,7,30),], correlation=corCompSymm(form=~1|Subject), weights=varIdent(form=~1|Sex), method=METHOD, control=cl)')
put("gls_ortho_un_gap",'gls(distance ~ age * Sex, ortho[-c(2,7,30),], correlation=corSymm(form=~occ|Subject), weights=varIdent(form=~1|age), method=METHOD, control=cl)')
