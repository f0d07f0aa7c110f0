"""Lab of chapter 14: what residuals remember."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

LIMITS = {"tau00": (0, 4), "tau11": (0, 0.2), "sigma2": (0.2, 3), "phi": (-0.5, 0.95), "m": (4, 16)}


def residual_memory(
    *, tau00: float = 1.0, tau11: float = 0.0, sigma2: float = 1.0, phi: float = 0.6, m: int = 8
) -> Any:
    """What a random intercept, a random slope and AR(1) errors imply about the correlation of waves (chapter 14).

    The covariance matrix of a person's waves is V = Z T Z' + R with ``R = sigma2 * phi ** |d|``, drawn as a picture of
    correlations and by lag. Beside it: the standard errors that a random intercept alone would claim in a large study,
    over those that its estimates really have, for a trend, a slow wave and a zigzag.

    Parameters
    ----------
    tau00 : float
        Variance of intercepts, 0 to 4; intercepts are at the first wave.
    tau11 : float
        Variance of slopes a wave, 0 to 0.2, uncorrelated with the intercepts.
    sigma2 : float
        Variance of the errors, 0.2 to 3.
    phi : float
        Correlation of neighboring errors, -0.5 to 0.95.
    m : int
        Waves, 4 to 16.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.residual_memory(tau00=0, phi=0.8)
    """
    state = {"tau00": tau00, "tau11": tau11, "sigma2": sigma2, "phi": phi, "m": m}
    for name, value in state.items():
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: the lab works from {low:g} to {high:g}")
    return lab("residual_memory", "What residuals remember", state)
