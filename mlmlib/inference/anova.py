"""Analysis of variance of a fit's fixed part: a test of each term, of type I, II or III.

Chapter 8 (``08_inference``) shows what each type asks; `mlmlib.inference.term_contrasts` says how the hypotheses are made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..display import html_table, text_table
from .small_sample import TITLES, f_test
from ..testresult import p_text
from .term_contrasts import term_contrasts

__all__ = ["Anova", "anova"]

_TYPES = {1: 1, 2: 2, 3: 3, "1": 1, "2": 2, "3": 3, "I": 1, "II": 2, "III": 3}


@dataclass(frozen=True, repr=False)
class Anova:
    """An analysis of variance of the fixed part.

    Attributes
    ----------
    tests : dict of str to TestResult
        By term.
    hypotheses : dict of str to ndarray, shape (k, p)
        The combinations of coefficients that are tested to be zero, by term.
    title, note : str
    """

    tests: dict
    hypotheses: dict
    title: str
    note: str

    @property
    def table(self):
        """A row a term (DataFrame): ``F``, ``NumDF``, ``DenDF``, ``p``; ``chi2``, ``df``, ``p`` without degrees of freedom."""
        from .. import frames as pd

        head = ["F", "NumDF", "DenDF", "p"] if self._is_f else ["chi2", "df", "p"]
        return pd.DataFrame([[test.statistic, *np.atleast_1d(test.df), test.pvalue] for test in self.tests.values()],
                            index=list(self.tests), columns=head).astype({head[1]: int})

    @property
    def _is_f(self) -> bool:
        return all(isinstance(test.df, tuple) for test in self.tests.values())

    def __len__(self):
        return len(self.tests)

    def _shown(self):
        head = ["", "F", "NumDF", "DenDF", "p"] if self._is_f else ["", "chi2", "df", "p"]
        rows = []
        for term, test in self.tests.items():
            degrees = [str(test.df[0]), _shown(test.df[1])] if self._is_f else [str(test.df)]
            rows.append([term, f"{test.statistic:.2f}", *degrees, p_text(test.pvalue).removeprefix("= ")])
        return head, rows

    def __repr__(self):
        return "\n".join(filter(None, [self.title, text_table(*self._shown()), self.note]))

    def _repr_html_(self):
        return html_table(*self._shown(), caption=self.title, note=self.note)


def _shown(df: float) -> str:
    return f"{df:.4g}" if not df >= 1000 else f"{df:,.0f}"


def anova(fit, *, type=3, ddf: str = "wald") -> Anova:
    """Test each term of the fixed part.

    Parameters
    ----------
    fit : LmmResult, GlmmResult or OlsResult
    type : {1, 2, 3}, or the Roman numeral as text
        1: each term after those before it. 2: each after all that do not contain it. 3: each in the presence of all
        others, by contrasts that do not depend on the coding of categories.
    ddf : {"wald", "satterthwaite", "kenward-roger"}

    Returns
    -------
    Anova
        Prints as a table; ``.table`` is a DataFrame.

    Raises
    ------
    ValueError
        For an unknown type or `ddf`, or a model without terms.

    Notes
    -----
    Chapter 8 (``08_inference``). The numbers are those of lmerTest 3.1 (`anova`), with Kenward-Roger of pbkrtest.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses * sector + (1 + cses | school)", mlm.load("hsb"))
    >>> fit.anova(ddf="satterthwaite").table.round(2)
                      F  NumDF   DenDF    p
    cses         332.80      1  151.54  0.0
    sector        40.87      1  153.69  0.0
    cses:sector   32.91      1  151.54  0.0
    """
    if type not in _TYPES:
        raise ValueError(f"type={type!r} must be 1, 2 or 3.")
    kind = _TYPES[type]
    if hasattr(fit, "density"):
        from .generalized_terms import generalized_terms
        hypotheses = generalized_terms(fit, kind)
    elif hasattr(fit, "outcomes"):
        from .outcome_terms import term_hypotheses
        hypotheses = term_hypotheses(fit, kind)
    elif hasattr(fit, "_term_hypotheses"):  # thresholds in place of an intercept, or coefficients by category
        hypotheses = fit._term_hypotheses(kind)
    else:
        hypotheses = term_contrasts(fit, kind)
    if not hypotheses:
        raise ValueError("The model has only an intercept, so there is no term to test.")
    tests = {term: f_test(fit, C, ddf, null=f"no effect of {term}") for term, C in hypotheses.items()}
    notes = dict.fromkeys(test.note for test in tests.values() if test.note)
    result = Anova(tests, hypotheses, "", "; ".join(notes))
    method = TITLES[ddf] if fit.reml is not None else "F tests" if result._is_f else TITLES["wald"]
    return replace(result, title=f"Analysis of variance of {fit.spec.endog_name}, type {'I' * kind}: {method}")
