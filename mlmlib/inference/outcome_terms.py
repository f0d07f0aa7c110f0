"""What an analysis of variance tests of several outcomes: each term in all of them, and in each.

Chapter 15 (``15_multivariate``) tests terms in several outcomes; `mlmlib.inference.term_contrasts` says what
type III is.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from .term_contrasts import term_contrasts

__all__ = ["term_hypotheses"]


def term_hypotheses(fit, kind: int) -> dict[str, np.ndarray]:
    """For each term but the intercept the rows C of its hypothesis C b = 0: in all outcomes, then outcome by outcome.

    Parameters
    ----------
    fit : MultivariateResult
    kind : {3}

    Returns
    -------
    dict of str to ndarray, shape (k, p)
        ``"gender"``, ``"written: gender"``, ``"course: gender"``, ...

    Raises
    ------
    ValueError
        For other types, and where outcomes do not have the same terms.
    """
    design, K = fit.design, len(fit.outcomes)
    wide, cells = design.wide, design.encoder.cells
    count = len(wide.encoder.names)
    if sorted(cells) != [(column, code) for column in range(count) for code in range(K)]:
        raise ValueError(
            "anova() takes models whose outcomes all have the same terms; with equal= or only=, test the coefficients: "
            "fit.test('y1: x = 0, y2: x = 0')."
        )
    if kind != 3:
        raise ValueError(
            "Of several outcomes there is the analysis of variance of type 3 only: types 1 and 2 go by the columns' "
            "cross-products, which differ between outcomes that are missing in different rows."
        )
    found = {}
    for term, C in term_contrasts(SimpleNamespace(design=wide, _names=wide.encoder.names, reml=fit.reml), kind).items():
        own = {}
        for code, outcome in enumerate(fit.outcomes):
            rows = np.zeros((len(C), len(cells)))
            rows[:, [cells.index((column, code)) for column in range(count)]] = C
            own[f"{outcome}: {term}"] = rows
        found |= {term: np.vstack(list(own.values())), **own}
    return found
