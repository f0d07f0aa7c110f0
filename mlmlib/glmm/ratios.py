"""Exponentiated coefficients: odds ratios, rate ratios, hazard ratios and ratios of means, with intervals.

Chapter 16 (``16_binary``) has odds ratios, Chapter 17 (``17_counts``) rate ratios, Chapter 18 (``18_categories``)
cumulative odds ratios and hazard ratios.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import Shown, number
from ..errors import DataError
from ..results import check_level

__all__ = ["Ratios", "kind_of_ratio", "odds_ratios", "plural", "rate_ratios", "ratios"]

_COUNTS = ("poisson", "nbinom1", "nbinom2", "geometric", "zip", "zinb1", "zinb2", "hurdle-poisson", "hurdle-nbinom1",
           "hurdle-nbinom2")


@dataclass(frozen=True, repr=False)
class Ratios(Shown):
    """Exponentiated coefficients.

    Attributes
    ----------
    kind : str
        ``"odds ratio"``, ``"rate ratio"``, ``"hazard ratio"`` ...
    table : DataFrame
        A row a coefficient: ``ratio``, ``se`` (delta method), ``lower``, ``upper``, ``p`` (of a ratio of 1).
    """

    formula: str
    kind: str
    names: tuple
    logs: np.ndarray
    se: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    pvalues: np.ndarray
    level: float
    notes: tuple = ()

    @property
    def table(self):
        from .. import frames as pd
        with np.errstate(over="ignore"):
            ratio = np.exp(self.logs)
            return pd.DataFrame({"ratio": ratio, "se": ratio * self.se, "lower": np.exp(self.lower),
                                 "upper": np.exp(self.upper), "p": self.pvalues}, index=list(self.names))

    def __getitem__(self, name):
        return float(self.table["ratio"][name])

    def _title(self):
        return f"{plural(self.kind).capitalize()}: {self.formula}"

    def _rows(self):
        rows = [[name, number(r, 3), number(se, 2), f"{number(lo, 3)} to {number(hi, 3)}",
                 "< 0.001" if p < 0.001 else f"{p:.3f}"]
                for name, (r, se, lo, hi, p) in zip(self.names, self.table.to_numpy())]
        return ["", self.kind, "se", f"{100 * self.level:g} % interval", "p"], rows

    def _note(self):
        return " ".join(self.notes)


def plural(kind: str) -> str:
    """Several of a kind of ratio.

    >>> plural("odds ratio"), plural("odds ratio of means")
    ('odds ratios', 'odds ratios of means')
    """
    return kind.replace("ratio", "ratios", 1)


def kind_of_ratio(fit) -> str:
    """What the exponential of a coefficient is in this model.

    Raises
    ------
    DataError
        Where it is nothing that has a name: probit, identity and other links.
    """
    link, family = fit.link.name, fit.family.name
    if family == "ordinal":
        known = {"logit": "cumulative odds ratio"}
    elif family == "multinomial":
        known = {"logit": "relative odds ratio"}
    elif family in ("binomial", "bernoulli"):
        known = {"logit": "odds ratio", "cloglog": "hazard ratio", "log": "risk ratio"}
    elif family == "beta":
        known = {"logit": "odds ratio of means", "log": "ratio of means"}
    elif family in _COUNTS:
        known = {"log": "rate ratio"}
    elif family == "lognormal":
        known = {"log": "ratio of medians and means"}
    else:
        known = {"log": "ratio of means"}
    if link in known:
        return known[link]
    raise DataError(f"With the link {link} the exponential of a coefficient is no ratio that can be named. Compare "
                    "predictions: fit.margins(dydx=...)" + (", or fit with link='logit' for odds ratios." if link in ("probit", "cauchit", "loglog") else "."))


def ratios(fit, level: float = 0.95, *, method: str = "wald", marginal: bool = False, intercept: bool = False) -> Ratios:
    """Exponentiated coefficients, called what they are in this model.

    Parameters
    ----------
    fit : GlmmResult
    level : float
    method : {"wald", "profile", "bootstrap"}
        Of the interval, as for ``fit.conf_int``.
    marginal : bool
        Ratios averaged over groups (from ``fit.marginal_coef()``) in place of those within a group.
    intercept : bool
        Show the exponentiated intercept too: odds or rate of the reference, no ratio.

    Returns
    -------
    Ratios

    Raises
    ------
    DataError
        Where the exponential of a coefficient has no name, as with probit.

    Notes
    -----
    Chapters 16 to 18 (``16_binary``, ``17_counts``, ``18_categories``).  A ratio compares two units of one group (or of two groups with the
    same effects) that differ by one in the predictor.  The standard error is that of the ratio, by the delta method, as
    Stata prints it; the interval is that of the coefficient, exponentiated.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> fit.ratios().table.loc["period[T.2]", ["ratio", "lower", "upper"]].round(3).tolist()
    [0.371, 0.203, 0.676]
    """
    check_level(level)
    kind = kind_of_ratio(fit)
    names = list(fit._names)
    if marginal:
        if method != "wald":
            raise ValueError("Ratios averaged over groups have Wald intervals; leave method= out.")
        found = fit.marginal_coef(level=level)
        logs, se = found.estimates, found._se
        half = fit._quantile(level) * se
        lower, upper = logs - half, logs + half
        note = "Averaged over groups."
    else:
        logs, se = fit._params, fit._se
        ends = fit.conf_int(level, method)
        lower, upper = (ends.loc[names, side].to_numpy(float) for side in ("lower", "upper"))
        note = "Within a group, or between groups with equal effects."
    from scipy.special import ndtr
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2.0 * ndtr(-np.abs(logs / se))
    keep = np.array([intercept or name.rpartition(": ")[2] != "Intercept" for name in names])
    if not keep.any():
        raise DataError("The model has no predictor whose ratio could be shown; intercept=True shows the intercept.")
    shown = tuple(name for name, kept in zip(names, keep) if kept)
    if any(name.startswith("zero: ") for name in names):
        own = "" if fit.family.name.startswith("hurdle") else " that is not the counts' own"
        note += f" Those of the zero part (zero: ...) are odds ratios of a zero{own}."
    notes = (note, "Intervals are exponentiated.") + (
        (f"Intercept: not a ratio, but the {'odds' if 'odds' in kind else 'value'} where predictors are zero.",)
        if intercept else ())
    return Ratios(fit.formula, ("marginal " if marginal else "") + kind, shown, logs[keep], se[keep], lower[keep],
                  upper[keep], p[keep], level, notes)


def odds_ratios(fit, level: float = 0.95, **options) -> Ratios:
    """Odds ratios: `ratios`, of a model that has them."""
    return _only(fit, "odds", "odds_ratios", level, options)


def rate_ratios(fit, level: float = 0.95, **options) -> Ratios:
    """Rate ratios: `ratios`, of a model that has them."""
    return _only(fit, "rate", "rate_ratios", level, options)


def _only(fit, word, name, level, options):
    kind = kind_of_ratio(fit)
    if word not in kind:
        raise DataError(f"The coefficients of this model are logarithms of {plural(kind)}, not of {word} ratios; use "
                        f"fit.ratios() in place of fit.{name}().")
    return ratios(fit, level, **options)
