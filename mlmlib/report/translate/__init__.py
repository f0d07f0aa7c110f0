"""The same model in other programs, defaults carried over so that the numbers agree.

A new target is one file with ``write(model) -> (code, note)`` and one line in `TARGETS`.
"""

from __future__ import annotations

from dataclasses import replace

from ...errors import FormulaError
from ...given import refuse_plain
from ...inference.small_sample import DDF
from ...results import refuse_marginal
from ..own import own
from . import general, hlm, julia, nlme, outcomes, python, r, sas, spss, stata
from .back import Call, read
from .model import Model, Untranslatable, of_fit, of_formula
from .names import renamed
from .tabs import Elsewhere

__all__ = ["Call", "Code", "Elsewhere", "Model", "TARGETS", "Untranslatable", "elsewhere", "read", "translate"]

# name: (title, language of the code, writer)
TARGETS = {
    "lme4": ("R: lme4", "r", r.lme4),
    "nlme": ("R: nlme", "r", nlme.write),
    "stata": ("Stata", "stata", stata.write),
    "sas": ("SAS", "sas", sas.write),
    "spss": ("SPSS", "text", spss.write),
    "hlm": ("HLM", "text", hlm.write),
    "julia": ("Julia: MixedModels.jl", "julia", julia.write),
    "statsmodels": ("Python: statsmodels", "python", python.write),
}
_JOINTS = dict.fromkeys(("stata", "sas", "spss", "hlm", "julia", "statsmodels"), "_")
_EVERY = [*TARGETS, "glmmtmb", "ordinal"]  # the last two for generalized models
_ALIASES = {
    "r": "lme4",
    "lmer": "lme4",
    "lme": "nlme",
    "mixed": "stata",
    "proc mixed": "sas",
    "hlm7": "hlm",
    "mixedmodels": "julia",
    "mixedmodels.jl": "julia",
    "python": "statsmodels",
    "glmer": "lme4",
    "clmm": "ordinal",
    "melogit": "stata",
    "glimmix": "sas",
    "proc glimmix": "sas",
    "genlinmixed": "spss",
}


class Code(str):
    """Code in another language; a string that prints as itself and knows its `title`, `language`, `note`, `possible`."""

    title = language = note = ""
    possible = True

    def __repr__(self) -> str:
        return str(self)


def _check_model(model, what: str) -> None:
    """Refuse what is neither a fit nor text; a single word is neither a formula nor a program's code."""
    if not isinstance(model, str):
        refuse_plain(model, what, "a fitted model or a formula")
    elif model.isidentifier():
        raise FormulaError(f"The formula {model!r} has no outcome; write one, as in 'y ~ x'.")


def translate(model, to: str, *, table=None, reml: bool = True, covariance="unstructured", correlation=None,
              variance=None, data: str = "df", ddf: str = "wald", **settings) -> Code:
    """A model as code for another program, or code of lme4, nlme, glmmTMB, ordinal or Stata as a call of mlmlib.

    Parameters
    ----------
    model : a fit, a formula, or (to "mlmlib") code
    to : str
        ``"lme4"``, ``"nlme"``, ``"stata"``, ``"sas"``, ``"spss"``, ``"hlm"``, ``"julia"``, ``"statsmodels"``; ``"mlmlib"``;
        of a generalized model ``"glmmtmb"`` and ``"ordinal"`` as well.
    table : DataFrame, optional
        With a formula: tells which columns are categories and which do not vary within groups.
    reml, covariance, correlation, variance
        With a formula: as in ``mlm.lmm`` and ``mlm.gls``.
    data : str
        The name of the data set in the code.
    ddf : {"wald", "satterthwaite", "kenward-roger"}
        Degrees of freedom to ask the program for, as in ``fit.coef_table``; ``"wald"`` leaves its default.
    **settings
        With a formula of a generalized model: ``family``, ``link``, ``method``, ``nodes``, ``order``, ``trials``, ``exposure``,
        ``offset``, ``weights``, ``zero``, as in ``mlm.glmm``; ``family`` says that it is one.

    Returns
    -------
    Code
        A string with attributes `note` (what differs in default or in print), `possible`, `title`, `language`.

    Examples
    --------
    >>> print(translate("math ~ ses + (1 + ses | schid)", "stata", reml=False))
    mixed math ses || schid: ses, covariance(unstructured)
    estat sd
    >>> print(translate("lmer(math ~ ses + (1 | schid), math, REML = FALSE)", "mlmlib"))
    mlm.lmm("math ~ ses + (1 | schid)", df, reml=False)
    >>> print(translate("use ~ age + (1 | district)", "stata", family="binomial"))
    * left alone, Stata takes mean-variance adaptive quadrature with 7 points, not Laplace
    melogit use age || district:, intmethod(laplace)
    estat icc
    """
    _check_model(model, "mlm.translate")
    if (write := own(model, "translate")) is not None:
        return write(model, to, data=data, ddf=ddf)
    refuse_marginal(model, "translate")
    key = to.lower()
    if key == "mlmlib":
        call = read(model)
        return _code(call.code(data), "Python: mlmlib", "python", "; ".join(call.notes))
    key = _ALIASES.get(key, key)
    if key not in _EVERY:
        raise ValueError(f"translate() knows {', '.join(_EVERY)}, not {to!r}.")
    unknown = [name for name in settings if name not in general.SETTINGS]
    if unknown or settings and "family" not in settings:
        raise ValueError(f"translate() has no setting {unknown[0]!r}." if unknown else
                         f"{', '.join(settings)} need family=, which says that the model is a generalized one.")
    if ddf not in DDF:
        raise ValueError(f"ddf={ddf!r} is not known; choose one of {', '.join(map(repr, DDF))}.")
    try:
        spec = _spec(model, table, settings, data, reml=reml, covariance=covariance, correlation=correlation, variance=variance)
    except Untranslatable as reason:  # a contrast that no other program has
        return _code(f"Cannot: {reason}.", *(TARGETS.get(key) or general.TARGETS[key])[:2], possible=False)
    title, language, write = _target(key, spec)
    refitted = ddf == "kenward-roger" and (spec.random or spec.residuals) and spec.method == "ML"
    if spec.random or spec.residuals:
        spec = replace(spec, ddf=ddf, method="REML" if refitted else spec.method)
    try:
        joint = _JOINTS.get(key)
        if key == "nlme" or key == "lme4" and spec.residuals or isinstance(spec, general.General) and key in ("lme4", "glmmtmb", "ordinal"):
            joint = "."
        spec, names = renamed(spec, joint) if joint else (spec, {})
        text, note = outcomes.write(key, spec) if isinstance(spec, outcomes.Several) else write(spec)
        if names and joint == ".":
            text = f"names({spec.data}) <- make.names(names({spec.data}))\n{text}"
        elif names:
            note = f"Rename columns first: {', '.join(f'{old} to {new}' for old, new in names.items())}. {note}"
        if refitted:
            note = f"REML in place of ML, because Kenward-Roger is made for it. {note}"
        if spec.left_out:
            note = f"The fit's {' and '.join(spec.left_out)} must be added: {'they are' if len(spec.left_out) > 1 else 'it is'} " \
                   f"not in this code. {note}".replace("weights must be added: it is",
                                                       "weights must be added: they are")
        return _code(text, title, language, note)
    except Untranslatable as reason:
        return _code(f"Cannot: {reason}.", title, language, possible=False)


def _code(text: str, title: str, language: str, note: str = "", possible: bool = True) -> Code:
    """Code with what is known of it."""
    code = Code(text)
    code.title, code.language, code.note, code.possible = title, language, note, possible
    return code


def _spec(model, table, settings, data, **structures):
    """The model in no program's language."""
    if isinstance(model, Model):
        return model
    if settings:
        return general.of_text(model, table, covariance=structures["covariance"], data=data, **settings)
    if hasattr(model, "family"):
        return general.of_fit(model, data)
    if isinstance(model, str):
        return of_formula(model, table, data=data, **structures)
    return outcomes.of_fit(model, data) if hasattr(model, "outcomes") else of_fit(model, data)


def _target(key, spec):
    """Title, language and writer of a target."""
    if isinstance(spec, general.General):
        return *general.TARGETS[key][:2], lambda found: general.write(key, found)
    if key in TARGETS:
        return TARGETS[key]

    def refuse(_):
        raise Untranslatable("this is a linear mixed model; lme4 and nlme are R's programs for it")

    return *general.TARGETS[key][:2], refuse


def elsewhere(model, programs=None, **options) -> Elsewhere:
    """The same model in several programs, a tab each; `options` as in `translate`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> print(str(mlm.elsewhere(fit, ["stata"])).splitlines()[2])
    mixed Reaction Days || Subject: Days, covariance(unstructured) reml
    """
    _check_model(model, "mlm.elsewhere")
    if (write := own(model, "elsewhere")) is not None:
        return write(model, programs, **options)
    refuse_marginal(model, "elsewhere")
    if programs is None and (hasattr(model, "family") or "family" in options):
        given = {name: value for name, value in options.items() if name in (*general.SETTINGS, "table", "covariance")}
        programs = general.programs(general.of_text(model, **given) if isinstance(model, str) else model)
    single = True
    if programs is None:
        single = not (
            isinstance(model, str)
            and "|" in model
            or getattr(model, "n_groups", None)
            or getattr(model, "random", None)
        )
        single = single and not options.get("correlation") and not options.get("variance") and not hasattr(model, "residual_table")
        programs = [name for name in TARGETS if not (single and name in ("nlme", "hlm"))]
    codes = [translate(model, name, **options) for name in programs]
    for code in codes:
        if code.title == "R: lme4" and code.possible and "lmer" not in code:
            code.title = "R: nlme" if "library(nlme)" in code and not single else "R"
    codes = list({(code.title, str(code)): code for code in codes}.values())
    return Elsewhere(codes)
