"""Whether quadrature had nodes enough: the log-likelihood at the estimates, evaluated again with twice as many.

It is told of where the two differ by more than 1e-4.  A likelihood-ratio statistic is then off by 2e-4 or more, and the
fifth digit of a p-value near 0.05 moves; what is left below that no reader sees.

Chapter 16 (``16_binary``) doubles the nodes by hand.
"""

from __future__ import annotations

import numpy as np

from .nodes import MOST

__all__ = ["too_few_nodes"]

_VISIBLE = 1e-4  # of the log-likelihood
_WORK = 2e8  # densities of single rows that may be evaluated to find out


def too_few_nodes(criterion, at) -> list[str]:
    """Tell if doubling the nodes would move the log-likelihood, and how many are enough.

    Parameters
    ----------
    criterion : Quadrature or NestedQuadrature
    at : LaplaceAt
        Where the search ended.
    """
    nodes, levels = criterion.nodes, criterion.rows.q
    points = [(nodes, -at.value / 2.0)]
    while True:
        more = min(2 * points[-1][0], MOST)
        if more == points[-1][0] or criterion.density.n * float(more) ** levels > _WORK:
            break
        try:
            there = criterion.with_nodes(more)(at.x, at.modes.v, gradient=False)
        except ValueError:  # more than a product grid holds
            break
        if not np.isfinite(there.value):
            return [f"With {more} quadrature points some reach random effects at which the link "
                    f"{criterion.density.link.name!r} gives no mean, so that the likelihood is not sure: choose a link "
                    "without bounds (log, logit), or method='laplace'."]
        points.append((more, -there.value / 2.0))
        if abs(points[-1][1] - points[-2][1]) < _VISIBLE:
            break
    if len(points) < 2:
        return []
    moved = points[1][1] - points[0][1]
    if not abs(moved) >= _VISIBLE:
        return []
    settled = abs(points[-1][1] - points[-2][1]) < _VISIBLE
    enough = points[-2][0] if settled else points[-1][0]
    least = "" if settled else ", though even those may be too few"
    digits = max(2, 1 - int(np.floor(np.log10(abs(moved)))))
    return [f"Too few quadrature points: with {points[1][0]} in place of {nodes} the log-likelihood at these estimates "
            f"is {points[1][1]:.{digits}f}, not {points[0][1]:.{digits}f}. Ask for nodes={enough}{least}."]
