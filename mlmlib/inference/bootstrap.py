"""The bootstrap: how estimates would vary if the study were done again.

New samples are made from the fit (`mlmlib.inference.resample`), the model is fitted to each, and the spread of the
estimates is read off.  Cross-products of the columns are kept, so that a refit is a few evaluations of the criterion,
and replicates are fitted in batches.

Chapter 8 (``08_inference``) derives the three kinds and compares their intervals.

References
----------
Efron, B., & Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.
Carpenter, J. R., Goldstein, H., & Rasbash, J. (2003). Applied Statistics, 52, 431-443.
Van der Leeden, R., Meijer, E., & Busing, F. M. T. A. (2008). Resampling multilevel models. In J. de Leeuw & E. Meijer
(Eds.), Handbook of Multilevel Analysis (pp. 401-433). Springer.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..results import refuse_panel
from .blocks import new_seed, run
from .bootstrap_result import Bootstrap
from .bootstrap_test import compare_bootstrap
from .replicate import engine, named
from .row_parameters import all_values

__all__ = ["bootstrap", "compare_bootstrap"]


def bootstrap(fit, n: int = 1000, seed: int | None = 1, kind: str = "parametric", statistic=None,
              n_jobs: int | None = None, progress: bool | None = None, groups=None, checkpoint=None) -> Bootstrap:
    """Bootstrap a fit.

    Parameters
    ----------
    fit : LmmResult, GlmmResult or OlsResult
    n : int
        Number of replicates.  A standard error is known to about ``1 / sqrt(2 n)`` of itself, the end of a 95 %
        interval to about ``2.1 / sqrt(n)`` standard errors.
    seed : int or None
        The same seed gives the same replicates, whatever the number of workers; None takes a new one, which the
        result tells.
    kind : {"parametric", "residual", "cluster"}
        New random effects and residuals from the fitted normal distributions; from the predicted ones, centered and
        stretched to the estimated covariance; or whole groups drawn with replacement.  Of a generalized model, parametric or
        cluster: new outcomes are drawn from its family.
    statistic : callable, optional
        What to bootstrap: a function of a fit that returns a number, a dict or a Series.  Each replicate is then fitted
        by itself.  All parameters of the fit when left out.
    n_jobs : int or None
        Workers, through joblib: -1 for all processors; None for those of the joblib backend that is in force
        (``joblib.parallel_config("dask")`` for a cluster), one where none is.  No number changes with it; no bit does where
        the workers' BLAS has as many threads as this process', as when ``OPENBLAS_NUM_THREADS`` is set before Python starts.
    progress : bool, optional
        A progress bar; by default in a terminal or a notebook when it takes longer than a second.
    groups : str or array, optional
        For ``kind="cluster"``: what is drawn.  Without random effects rows when left out; with several grouping factors
        a factor or a column that all of them lie within, the outermost factor when left out.
    checkpoint : path, optional
        A file in which each block of 50 replicates is kept when it is done.  The same call, after an interrupt or when the
        process was killed, goes on from there to the same result; one with a larger `n` adds to it.

    Returns
    -------
    Bootstrap
        After an interrupt, with the replicates done by then (``interrupted`` is true).

    Raises
    ------
    ValueError
        When kind or n is not what it can be.
    DataError
        When no replicate could be fitted, or `checkpoint` is of another run.
    FormulaError
        When whole groups shall be drawn and the grouping factors cross, so that none are independent of the rest.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> boot = fit.bootstrap(1000, seed=1)
    >>> bool(abs(boot.se["Days"] / fit.bse["Days"] - 1) < 0.06)
    True
    >>> ratio = fit.bootstrap(100, statistic=lambda f: f.params["Days"] / f.sigma)
    >>> ratio.replicates.shape
    (100, 1)
    """
    refuse_panel(fit, "bootstrap", "mlm.robust and mlm.wild_bootstrap take them")
    if not (isinstance(n, (int, np.integer)) and n >= 2):
        raise ValueError(f"n={n!r} must be a whole number of replicates, 2 or more.")
    seed = new_seed(seed, checkpoint)
    make = engine(fit, kind, statistic, groups)
    blocks, interrupted = run(make, n, seed, n_jobs, progress, checkpoint=checkpoint, about=f"{kind} bootstrap of {fit.formula}")
    if not blocks:
        raise KeyboardInterrupt
    failed = np.concatenate([block.failed for block in blocks])
    why = next((block.why for block in blocks if block.why), "")
    if failed.all():
        raise DataError(f"None of {len(failed)} replicates could be fitted. {why}".strip())
    values = np.concatenate([block.values for block in blocks])[~failed]
    singular = np.concatenate([block.singular for block in blocks])[~failed]
    estimates = all_values(fit) if statistic is None else named(statistic(fit))[1]
    return Bootstrap(fit, kind, seed, make.names, estimates, values, singular, int(failed.sum()), n, interrupted,
                     statistic, groups, why, checkpoint=checkpoint)
