"""How to speak of a generalized model's outcome: what its linear predictor is about, and what the exponential of a coefficient is.

Chapter 16 (``16_binary``) speaks of odds, chapter 17 (``17_counts``) of rates, chapter 18 (``18_categories``) of categories.
"""

from __future__ import annotations

import numpy as np

from ..ledger import joined
from .facts import Facts, outcome_view
from .kinds import ratio_of

__all__ = ["Speech"]

SYMBOLS = {"odds ratio": "OR", "cumulative odds ratio": "OR", "relative odds ratio": "OR", "hazard ratio": "HR", "rate ratio": "RR",
           "risk ratio": "RR"}


class Speech:
    """The words for one linear predictor of a fit.

    Parameters
    ----------
    fit : GlmmResult
    words : Words
    part : str
        Of several predictors which: ``"zero"``, a category; empty where there is one.
    """

    def __init__(self, fit, words, part: str = ""):
        self.whole, self.words, self.part = fit, words, part
        self.fit = outcome_view(fit, part) if part and hasattr(fit, "families") else fit
        self.facts = Facts(self.fit)
        self.ratio = "odds ratio" if part == "zero" else ratio_of(self.fit)

    def of(self, name: str) -> Speech:
        """The words for a coefficient."""
        part = self.words._of_outcome(name)[0]
        return self if part == self.part else Speech(self.whole, self.words.of(name), part)

    @property
    def symbol(self) -> str:
        """The abbreviation of the ratio."""
        return SYMBOLS.get(self.ratio, "ratio")

    @property
    def link(self) -> str:
        return "logit" if self.part == "zero" else self.facts.link

    @property
    def event(self) -> str:
        """What happens or not: ``"use = Y"``; of categories the one; of zeros a zero."""
        facts, outcome = self.facts, self.words.outcome
        if self.part == "zero":
            return "a zero" if facts.hurdle else "a certain zero"
        if facts.family == "multinomial":
            return f"{self.part} in place of {facts.levels[0]}"
        if facts.family == "ordinal":
            return f"a higher {outcome}"
        if not facts.binary:
            return outcome
        return facts.event

    @property
    def subject(self) -> str:
        """What a ratio multiplies: ``"the odds of use = Y"``, ``"the expected seizures"``."""
        facts = self.facts
        if hasattr(self.fit, "families"):
            return joined(Speech(self.fit, self.words.of(f"{name}: "), name).subject for name in self.fit.families)
        if self.part == "zero" or facts.family == "multinomial":
            return f"the odds of {self.event}"
        if facts.family in ("binomial", "ordinal"):
            return {"logit": f"the odds of {self.event}", "cloglog": f"the hazard of {self.event}",
                    "log": f"the probability of {self.event}"}.get(facts.link, f"the probability of {self.event}")
        if facts.family == "lognormal":
            return f"the median of {self.words.outcome}"
        exposure = facts.option("exposure")
        per = f" per unit of {exposure}" if isinstance(exposure, str) else ""
        what = "count of " if facts.base != facts.family or facts.base in ("poisson", "nbinom1", "nbinom2", "geometric") else "mean of "
        return f"the expected {what}{self.words.outcome}{per}" if what == "count of " else f"the {what}{self.words.outcome}"

    @property
    def verb(self) -> str:
        """``"are"`` of odds, ``"is"`` of the rest."""
        return "are" if self.subject.startswith("the odds") else "is"

    @property
    def were(self) -> str:
        return "were" if self.verb == "are" else "was"

    @property
    def scale(self) -> str:
        """The scale of coefficients in words: ``"the logit scale"``."""
        return f"the {'log' if self.link == 'log' else self.link} scale"

    @property
    def level(self) -> str:
        """What a value of the linear predictor is on the outcome's own scale."""
        facts = self.facts
        if self.part == "zero" or facts.family == "binomial":
            return f"the probability of {self.event}"
        return self.subject

    def mean(self, eta) -> float:
        """The value of `level` at a linear predictor."""
        if self.part == "zero":
            return float(1.0 / (1.0 + np.exp(-eta)))
        return float(self.fit.link.mean(np.asarray(eta, dtype=float)))

    @property
    def unit_interval(self) -> bool:
        """Whether `level` is a probability or a proportion."""
        return self.part == "zero" or self.facts.family in ("binomial", "beta")

    @property
    def has_level(self) -> bool:
        """Whether one number says what a value of the linear predictor is."""
        return self.part == "zero" or self.facts.family not in ("ordinal", "multinomial") and not hasattr(self.fit.family, "families")

    def shown(self, say, what: str, value: float) -> str:
        """A value of `level`, printed: probabilities with two decimals, three near an end; others with three digits."""
        if self.unit_interval:
            places = 2 if 0.01 <= value <= 0.99 else 3
            return say.plain(what, value, places)
        places = int(np.clip(2 - np.floor(np.log10(abs(value))), 0, 6)) if value else 0
        return say.plain(what, value, places)

    def quote_categories(self, say) -> None:
        """Note numbers in the names of categories, ``period = 2``."""
        say.quote(f"{self.words.outcome} {self.event}", "category")
        for name in self.whole._names:
            for piece in self.words.pieces(name):
                if piece.category is not None:
                    say.quote(f"{piece.category} {piece.reference or ''}", "category")

    @staticmethod
    def ratio_shown(say, what: str, value: float) -> str:
        """A ratio, printed with two decimals, three near one or near zero."""
        if not np.isfinite(value) or value >= 1e6:
            return say.put(what, value, f"{value:.3g}")
        places = 3 if abs(np.log(max(value, 1e-12))) < 0.095 or value < 0.1 else 2 if value < 100 else 1
        return say.plain(what, value, max(places, int(np.ceil(-np.log10(max(value, 1e-6)))) + 1)
                         if value < 0.1 else places)
