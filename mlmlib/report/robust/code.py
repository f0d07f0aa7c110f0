"""A robust fit as code of other programs: the fit's own translation, and what makes its covariance robust.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..panel.columns import columns_of
from ..translate.model import Untranslatable

__all__ = ["elsewhere", "translate"]

_ALIASES = {"r": "clubsandwich", "lme4": "clubsandwich", "plm": "clubsandwich", "vcovcl": "sandwich", "surveyreg": "sas", "genlin": "spss",
            "python": "statsmodels"}


@dataclass(frozen=True)
class Asked:
    """A robust fit that is to be written for another program.

    Attributes
    ----------
    kind : str
        ``"ols"``, ``"gls"``, ``"glm"``, ``"lmm"`` or ``"panel"``.
    names : list of str
        The columns of the clusterings.
    """

    fit: Any
    data: str

    @property
    def inner(self):
        return self.fit.fit

    @property
    def kind(self) -> str:
        inner = self.inner
        return ("panel" if hasattr(inner, "transformed") else "glm" if hasattr(inner, "density") else "lmm" if getattr(inner, "n_groups", None)
                else "gls" if hasattr(inner, "residual_table") else "ols")

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.fit.clusterings]

    @property
    def own_groups(self) -> bool:
        """Whether the clusters are the groups of a panel fit."""
        return self.names == [self.inner.frame.group]

    def base(self, to: str) -> str:
        """The fit without its robust covariance."""
        code = self.inner.translate(to, data=self.data)
        if not getattr(code, "possible", True):
            raise Untranslatable(str(code).removeprefix("Cannot: ").removesuffix("."))
        return str(code)

    def has(self, *combinations) -> bool:
        """Whether kind and degrees of freedom are among ``(kind, ddf)``."""
        return (self.fit.kind, self.fit.ddf) in combinations

    def cannot(self, program: str, what: str):
        raise Untranslatable(f"{program} has {what}; this fit is kind={self.fit.kind!r} with ddf={self.fit.ddf!r}"
                             f"{', of two clusterings' if len(self.names) > 1 else ''}")


# ------------------------------------------------------------------------- R
def clubsandwich(ask):
    fit, base = ask.fit, ask.base("plm" if ask.kind == "panel" else "lme4")
    if len(ask.names) > 1:
        return sandwich(ask)
    if ask.kind == "panel" and ask.inner.effects == "hausman-taylor":
        ask.cannot("clubSandwich", "no method for pht")
    test = {"satterthwaite": "Satterthwaite", "clusters": "naive-t", "normal": "z"}[fit.ddf]
    cluster = '"individual"' if ask.kind == "panel" and ask.own_groups else f"{ask.data}${ask.names[0]}"
    call = f'fit, cluster = {cluster}, type = "{fit.kind}"'
    if ask.inner.design.weights is not None and ask.kind != "glm" and fit.working == "model":
        w = "weights(fit)"
        call += f", target = mean({w}) / {w}, inverse_var = TRUE"
    note = "The rows of the data must be those that the fit uses."
    if ask.kind == "panel" and not ask.own_groups:
        note += f" plm sorts rows by its index: sort {ask.data} so first."
    return f'{base}\nlibrary(clubSandwich)\ncoef_test(fit, vcov = vcovCR({call}), test = "{test}")', note


def sandwich(ask):
    fit, names = ask.fit, ask.names
    df = "Inf" if fit.ddf == "normal" else min(fit.n_clusters.values()) - 1
    if fit.ddf == "satterthwaite":
        ask.cannot("sandwich", "no degrees of freedom of its own; translate to 'clubsandwich'")
    if ask.kind == "panel":
        types = {"CR0": "HC0", "CR1S": "sss"}
        if len(names) > 1 or not ask.own_groups or fit.kind not in types:
            ask.cannot("plm's vcovHC", "CR0 and CR1S, clustered by the groups of the fit")
        return (f'{ask.base("plm")}\nlmtest::coeftest(fit, vcov. = vcovHC(fit, method = "arellano", type = "{types[fit.kind]}"), df = {df})',
                "plm's own vcovHC serves: sandwich has no method for its fits.")
    if ask.kind not in ("ols", "glm"):
        ask.cannot("sandwich", "no estimating functions of this model; translate to 'clubsandwich'")
    if len(names) > 1 and fit.kind not in ("CR0", "CR1", "CR1S"):
        raise Untranslatable("with two clusterings vcovCL names CR2 and CR3 in a way of its own; translate kind='CR0', 'CR1' or 'CR1S'")
    if fit.kind == "CR1p" or ask.kind == "glm" and fit.kind in ("CR2", "CR3"):
        ask.cannot("sandwich", "CR0, CR1 and CR1S here" if ask.kind == "glm" else "CR0, CR1, CR1S, CR2 and CR3 here")
    kind = {"CR1S": "HC1", "CR2": "HC2", "CR3": "HC3"}.get(fit.kind, "HC0")
    once = "FALSE" if fit.kind == "CR0" else "TRUE"  # without it HC2 and HC3 lack a factor J / (J - 1) too
    return (f'{ask.base("lme4")}\nlibrary(sandwich)\nlmtest::coeftest(fit, vcov. = vcovCL(fit, cluster = ~ {" + ".join(names)}, '
            f'type = "{kind}", cadjust = {once}), df = {df})'), ""


# --------------------------------------------------------------------- Stata
def stata(ask):
    fit, group = ask.fit, ask.names[0]
    glm = ask.kind == "glm"
    wanted = [("CR1", "normal")] if glm else [("CR1S", "clusters")]
    hc2 = fit.kind == "CR2" and fit.ddf == "satterthwaite" and (
        ask.kind == "ols" and ask.inner.design.weights is None or ask.kind == "panel" and ask.inner.effects in ("pooled", "within"))
    if len(ask.names) > 1 or not fit._rows.diagonal or not (hc2 or ask.has(*wanted)):
        ask.cannot("Stata", f"vce(cluster) after this model, which is kind={wanted[0][0]!r} with ddf={wanted[0][1]!r}"
                            + (", and vce(hc2, dfadjust), which is 'CR2' with 'satterthwaite'" if not glm else "")
                            + ", of one clustering and without random effects")
    lines = ask.base("stata").splitlines()
    at = max(k for k, line in enumerate(lines) if not line.startswith("estat"))
    option = f"vce(hc2 {group}, dfadjust)" if hc2 else f"vce(cluster {group})"
    lines[at] += f"{' ' if ',' in lines[at] else ', '}{option}"
    note = "vce(hc2 ...) is there from Stata 18 on." if hc2 else ""
    if ask.kind == "panel" and ask.inner.effects == "two-way":
        note = (f"Stata counts the dummies of {ask.inner.frame.time} among the coefficients, and so does its small-sample factor. The "
                "community-contributed reghdfe has both sets of effects in absorb(), and vce(cluster) too.")
    return "\n".join(lines), note


# ---------------------------------------------------------------- SAS, SPSS
def sas(ask):
    fit, data = ask.fit, ask.data
    if len(ask.names) > 1:
        ask.cannot("SAS", "one clustering")
    group = ask.names[0]
    if ask.kind == "panel":
        if ask.inner.effects not in ("pooled", "within") or not ask.own_groups or fit.kind != "CR0":
            ask.cannot("PROC PANEL", "kind='CR0' of pooled and within regressions, clustered by the groups (HCCME=0 CLUSTER)")
        return re.sub(r"(model .*?/ \w+)", r"\1 hccme=0 cluster", ask.base("sas")), "Its t tests have the degrees of freedom of the residuals."
    if ask.kind == "lmm":
        if fit.kind != "CR0" or group != min(ask.inner.n_groups, key=ask.inner.n_groups.get):
            ask.cannot("PROC MIXED", "kind='CR0', clustered by the outermost subject (EMPIRICAL)")
        return ask.base("sas").replace("covtest cl;", "covtest cl empirical;"), "Its t tests have other degrees of freedom."
    if ask.kind == "glm":
        if fit.kind != "CR0":
            ask.cannot("PROC GLIMMIX", "kind='CR0' (EMPIRICAL)")
        text = ask.base("sas").replace(f"proc glimmix data={data}", f"proc glimmix data={data} empirical")
        return text.removesuffix("run;") + f"  random _residual_ / subject={group};\nrun;", "Tests are t; add ddfm=none for z."
    if ask.kind != "ols":
        ask.cannot("SAS", "no procedure for this model; fit mlm.lmm or mlm.ols")
    columns = columns_of(ask.inner)
    head = columns.lines("sas", data, group)
    noint = "" if "Intercept" in ask.inner._names else "noint "
    model = f"  model {columns.outcome} = {' '.join(columns.names)} /"
    if ask.has(("CR1S", "clusters")):
        return "\n".join([*head, f"proc surveyreg data={data};", f"  cluster {group};", f"{model} {noint}solution clparm;", "run;"]), (
            "The default VADJUST=DF has the factor (N - 1) / (N - p).")
    names = {"CR0": "classical", "CR1p": "df", "CR2": "root", "CR3": "firores"}
    if fit.kind not in names:
        ask.cannot("SAS", "CR1S with ddf='clusters' (PROC SURVEYREG), and CR0, CR1p, CR2, CR3 (PROC GLIMMIX)")
    return "\n".join([*head, f"proc glimmix data={data} empirical={names[fit.kind]};", f"  class {group};", f"{model} {noint}solution;",
                      f"  random _residual_ / subject={group} type=vc;", "run;"]), "Its t tests have other degrees of freedom."


def spss(ask):
    if len(ask.names) > 1 or ask.kind not in ("ols", "glm") or not ask.has(("CR0", "normal")):
        ask.cannot("SPSS", "kind='CR0' with ddf='normal', of one clustering, for linear and generalized models (GENLIN)")
    group = ask.names[0]
    repeated = f"  /REPEATED SUBJECT={group} CORRTYPE=INDEPENDENT COVB=ROBUST"
    if ask.kind == "glm":
        return ask.base("spss").replace("  /PRINT", f"{repeated}\n  /PRINT"), ""
    columns = columns_of(ask.inner)
    names = " ".join(columns.names)
    none = "" if "Intercept" in ask.inner._names else " INTERCEPT=NO"
    return "\n".join([*columns.lines("spss", ask.data, group), f"GENLIN {columns.outcome} WITH {names}",
                      f"  /MODEL {names}{none} DISTRIBUTION=NORMAL LINK=IDENTITY", repeated, "  /PRINT SOLUTION."]), ""


# ------------------------------------------------------------------- Python
def statsmodels(ask):
    fit, names = ask.fit, ask.names
    if ask.kind not in ("ols", "glm"):
        ask.cannot("statsmodels", "cluster-robust covariances of linear and generalized models without random effects"
                                  + (" (linearmodels has them for panels)" if ask.kind == "panel" else ""))
    if fit.kind not in ("CR0", "CR1S") or fit.ddf == "satterthwaite":
        ask.cannot("statsmodels", "CR0 and CR1S, with ddf='clusters' or 'normal'")
    groups = (f'{ask.data}["{names[0]}"]' if len(names) == 1 else
              f'{ask.data}[["{names[0]}", "{names[1]}"]].apply(lambda one: one.astype("category").cat.codes).to_numpy()')
    tests = "True" if fit.ddf == "clusters" else "False"
    option = (f'cov_type="cluster", use_t={tests},\n    cov_kwds={{"groups": {groups}, "use_correction": {fit.kind == "CR1S"}, '
              f'"df_correction": {tests}}}')
    lines = ask.base("statsmodels").splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("fit = "))
    lines[at] = re.sub(r"\.fit\(\)$", f".fit({option})", lines[at])
    return "\n".join(lines), "The rows of the data must be those that the fit uses."


def linearmodels(ask):
    if ask.kind != "panel":
        ask.cannot("linearmodels", "panel regressions; statsmodels has the others")
    if len(ask.names) > 1 or not ask.own_groups or not ask.has(("CR1S", "clusters"), ("CR1S", "normal")):
        ask.cannot("linearmodels", "CR1S clustered by the groups of the fit, with t of the residuals' degrees of freedom")
    return ask.base("linearmodels").replace(".fit()", '.fit(cov_type="clustered", cluster_entity=True, group_debias=True)'), (
        "Its t tests have the degrees of freedom of the residuals.")


TARGETS = {
    "clubsandwich": ("R: clubSandwich", "r", clubsandwich), "sandwich": ("R: sandwich", "r", sandwich), "stata": ("Stata", "stata", stata),
    "sas": ("SAS", "sas", sas), "spss": ("SPSS", "text", spss), "statsmodels": ("Python: statsmodels", "python", statsmodels),
    "linearmodels": ("Python: linearmodels", "python", linearmodels),
}


def translate(fit, to: str, *, data: str = "df", ddf: str = "wald"):
    """A robust fit as code for another program.

    Parameters
    ----------
    fit : RobustResult
    to : {"clubsandwich", "sandwich", "stata", "sas", "spss", "statsmodels", "linearmodels"}
        ``"r"`` and ``"lme4"`` are clubSandwich (for two-way clustering sandwich).
    data : str
        Name of the data frame.

    Returns
    -------
    Code
        A string with `note`, `possible`, `title` and `language`; where the program has no such covariance, it says what it has.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.robust(mlm.ols("math ~ homework", mlm.load("math")), "schid")
    >>> print(fit.translate("r"))
    fit <- lm(math ~ homework, data = df)
    summary(fit)
    library(clubSandwich)
    coef_test(fit, vcov = vcovCR(fit, cluster = df$schid, type = "CR2"), test = "Satterthwaite")
    >>> print(fit.translate("stata"))
    regress math homework, vce(hc2 schid, dfadjust)
    >>> fit.translate("statsmodels").possible
    False
    """
    from ..translate import Code
    key = _ALIASES.get(to.lower(), to.lower())
    if key not in TARGETS:
        raise ValueError(f"A robust fit is translated to {', '.join(map(repr, TARGETS))}, not to {to!r}.")
    ask = Asked(fit, data)
    title, language, write = TARGETS[key]
    try:
        if any(not re.fullmatch(r"[A-Za-z_]\w*", name) or name == "groups" and name not in fit.design.data for name in ask.names):
            raise Untranslatable("the clusters are not a column with a plain name; make one of them first")
        text, note = write(ask)
        code = Code(text)
        code.note = note
    except Untranslatable as reason:
        code = Code(f"Cannot: {reason}.")
        code.possible = False
    code.title = "R: sandwich" if key == "clubsandwich" and "vcovCL" in code else title
    code.language = language
    return code


def elsewhere(fit, programs=None, **options):
    """The same in several programs, a tab each; those without such a covariance only if they are asked for."""
    from ..translate.tabs import Elsewhere
    codes = [translate(fit, name, **options) for name in programs or TARGETS]
    kept = codes if programs else [code for code in codes if code.possible]
    return Elsewhere(list({(code.title, str(code)): code for code in kept}.values()))
