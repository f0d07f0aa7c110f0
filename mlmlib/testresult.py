"""The one object that every test returns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TestResult", "p_text"]


def p_text(p: float) -> str:
    """A p-value as it is printed: ``"= 0.021"``, ``"< 0.001"``."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


@dataclass(frozen=True)
class TestResult:
    """The outcome of a hypothesis test.

    Attributes
    ----------
    statistic : float
    df : float or tuple
        Degrees of freedom; for a mixture of chi-squares those of its parts.
    pvalue : float
    distribution : str
        Of the statistic under the null, ``"chi2(2)"``, ``"chibar2(01)"``.
    null : str
        The hypothesis in words.
    name : str
        The test's name.
    note : str
        What should be known besides, such as that the test is conservative.

    Examples
    --------
    >>> print(TestResult(4.2, 1, 0.0404, "chi2(1)", "cses = 0", "Wald test"))
    Wald test of cses = 0: chi2(1) = 4.20, p = 0.040
    """

    __test__ = False  # not a class of tests, for pytest

    statistic: float
    df: float | tuple
    pvalue: float
    distribution: str
    null: str
    name: str
    note: str = ""

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{self.name} of {self.null}: {self.distribution} = {self.statistic:.2f}, p {p_text(self.pvalue)}{note}"

    __repr__ = __str__
