"""A marginal model in other programs: R's geepack, Stata's xtgee, SAS's GENMOD and GLIMMIX, SPSS's GENLIN, statsmodels.

Programs differ in the moments that give scale and correlations: the notes say where numbers then differ.  Chapter 20
(``20_gee_and_robust``) sets them side by side.
"""

from __future__ import annotations

from ...translate.model import Untranslatable
from ...translate.names import renamed
from . import python, r, sas, spss, stata
from .spec import MarginalModel, of_fit

__all__ = ["MarginalModel", "TARGETS", "elsewhere", "translate"]

# name: (title, language of the code, writer)
TARGETS = {
    "geepack": ("R: geepack", "r", r.write),
    "stata": ("Stata", "stata", stata.write),
    "sas": ("SAS", "sas", sas.genmod),
    "glimmix": ("SAS: GLIMMIX", "sas", sas.glimmix),
    "spss": ("SPSS", "text", spss.write),
    "statsmodels": ("Python: statsmodels", "python", python.write),
}
_ALIASES = {"r": "geepack", "lme4": "geepack", "geeglm": "geepack", "gee": "geepack", "xtgee": "stata", "genmod": "sas",
            "proc genmod": "sas", "proc glimmix": "glimmix", "genlin": "spss", "python": "statsmodels", "multgee": "geepack"}
_EVERY = ("geepack", "stata", "sas", "spss", "statsmodels")


def translate(fit, to: str, *, data: str = "df", ddf: str = "wald"):
    """A fit of ``mlm.gee`` as code for another program; see `mlmlib.report.translate.translate`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> print(fit.translate("stata"))
    xtset id
    xtgee resp c.age##c.smoke, family(binomial) link(logit) corr(exchangeable) vce(robust)
    """
    from ...translate import Code
    key = to.lower()
    key = _ALIASES.get(key, key)
    if key not in TARGETS:
        raise ValueError(f"A fit of mlm.gee is translated to {', '.join(map(repr, TARGETS))}, not to {to!r}.")
    if ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is for linear mixed models; GEE has ddf='wald', the normal distribution.")
    title, language, write = TARGETS[key]
    try:
        spec, names = renamed(of_fit(fit, data), "." if key == "geepack" else "_")
        if spec.left_out:
            raise Untranslatable(f"{' and '.join(spec.left_out)} {'were' if len(spec.left_out) > 1 else 'was'} given as values; name a "
                                 "column in their place")
        text, note = write(spec)
        if names and key == "geepack":
            text = f"names({spec.data}) <- make.names(names({spec.data}))\n{text}"
        elif names:
            note = f"Rename columns first: {', '.join(f'{old} to {new}' for old, new in names.items())}. {note}"
        code = Code(text)
    except Untranslatable as reason:
        code, note = Code(f"Cannot: {reason}."), ""
        code.possible = False
    code.title, code.language, code.note = title, language, note
    return code


def elsewhere(fit, programs=None, *, data: str = "df", ddf: str = "wald"):
    """A fit of ``mlm.gee`` in several programs, a tab each."""
    from ...translate.tabs import Elsewhere
    return Elsewhere([translate(fit, name, data=data, ddf=ddf) for name in programs or _EVERY])
