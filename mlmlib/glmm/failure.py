"""What can go wrong with a GLMM, found and named: singular fits, separation, flat likelihoods, runaway variances.

Chapter 16 (``16_binary``) meets each of them.
"""

from __future__ import annotations

import numpy as np

__all__ = ["singular_message"]


def singular_message(fit, k: int) -> str:
    """Name the singular term, what it usually means, and what to try."""
    term, T = fit.design.random[k], fit._T[k]
    size = np.sqrt(np.mean(term.Z ** 2, axis=0))
    sd = np.sqrt(np.maximum(np.diagonal(T), 0.0)) * size
    zero = [name for name, value in zip(term.names, sd) if value < 1e-3]
    if zero:
        named = " and ".join(map(repr, zero))
        what = f"the variance of {named} between groups of {term.group!r} is estimated as zero"
        means = "groups differ no more than chance alone would make them"
        tries = (f"leave {named} out of the random part" if len(zero) < len(term.names)
                 else "compare with the model without this term")
    else:
        what = (f"the effects that vary over {term.group!r} ({', '.join(term.names)}) are estimated as perfectly "
                f"correlated")
        means = "the data hold too little information for that many variances and correlations"
        tries = f"try {term.text.replace('|', '||', 1)}, which has no correlations, or fewer effects"
    return (f"Singular fit in {term.text}: {what}. Usually {means}. The estimates are the best there are, but standard "
            f"errors of the random part do not hold; {tries}.")
