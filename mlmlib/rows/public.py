"""The structures by the names the reader writes: ``mlm.ar1("time", group="pupil")``."""

from __future__ import annotations

from .dense import Arma11, Toeplitz, Un
from .heteroscedastic import ByGroup, Exponential, Power
from .markov import Ar1, Car1
from .symmetric import Cs

__all__ = ["ar1", "arma11", "by_group", "car1", "cs", "exponential_of", "power_of", "toeplitz", "un"]


def ar1(time: str | None = None, *, group: str | None = None) -> Ar1:
    """First-order autoregression: the correlation of two rows is ``phi ** steps``, steps the occasions between them.

    Parameters
    ----------
    time : str, optional
        Column of times, equally spaced, of which some may be missing; one step is the greatest length of which all gaps
        are multiples.  The order of the rows when left out.
    group : str, optional
        Column of groups (``"school:pupil"`` for several); when left out, the random effects' factor with the most
        groups, or all rows as one series.

    Notes
    -----
    Chapter 14 (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"), correlation=mlm.ar1("Days"))
    >>> fit.residual_params.round(3).to_dict()
    {'ar1: phi': 0.653}
    """
    return Ar1(time, group)


def car1(time: str, *, group: str | None = None) -> Car1:
    """Continuous first-order autoregression: the correlation is ``phi ** (difference in time)``, phi between 0 and 1.

    Parameters are those of `ar1`; times may be any numbers.  Chapter 14 (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gls("Reaction ~ Days", mlm.load("sleepstudy"), correlation=mlm.car1("Days", group="Subject"))
    >>> fit.residual_params.round(2).to_dict()
    {'car1: phi': 0.8}
    """
    return Car1(time, group)


def arma11(time: str | None = None, *, group: str | None = None) -> Arma11:
    """Autoregression with moving average: correlations fall by phi from the second step on, the first is free.

    Parameters are those of `ar1`; phi and theta are shown as in nlme's ``corARMA(p = 1, q = 1)``.  Chapter 14
    (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gls("Reaction ~ Days", mlm.load("sleepstudy"), correlation=mlm.arma11("Days", group="Subject"))
    >>> fit.residual_params.round(2).to_dict()
    {'arma11: phi': 0.88, 'arma11: theta': -0.24}
    """
    return Arma11(time, group)


def cs(*, group: str | None = None) -> Cs:
    """Compound symmetry: any two rows of a group have correlation rho, which may be negative.

    `group` is that of `ar1`.  With rho positive it is the model with a random intercept.  Chapter 14
    (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gls("Reaction ~ Days", mlm.load("sleepstudy"), correlation=mlm.cs(group="Subject"))
    >>> fit.residual_params.round(2).to_dict()
    {'cs: rho': 0.59}
    """
    return Cs(None, group)


def toeplitz(time: str | None = None, *, group: str | None = None) -> Toeplitz:
    """A correlation for each number of steps between two rows.

    Parameters are those of `ar1`.  Chapter 14 (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gls("Reaction ~ Days", mlm.load("sleepstudy"), correlation=mlm.toeplitz("Days", group="Subject"))
    >>> fit.n_params
    12
    """
    return Toeplitz(time, group)


def un(time: str | None = None, *, group: str | None = None) -> Un:
    """Unstructured: a correlation for each pair of occasions.

    Parameters are those of `ar1`; times may be any numbers or categories.  With ``variance=mlm.by_group(time)`` beside
    it variances are free too, which is what SAS and Stata call unstructured.  Chapter 14
    (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> data = mlm.load("sleepstudy")
    >>> data = data[data["Days"] < 4]
    >>> fit = mlm.gls("Reaction ~ Days", data, correlation=mlm.un("Days", group="Subject"),
    ...               variance=mlm.by_group("Days"))
    >>> fit.n_params
    12
    """
    return Un(time, group)


def by_group(column: str) -> ByGroup:
    """A residual variance for each category of a column (``"sex:grade"`` for several), nlme's ``varIdent``.

    What is estimated are ratios of standard deviations to that of the first category.  Chapter 14
    (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses + (cses | school)", mlm.load("hsb"), variance=mlm.by_group("sector"))
    >>> len(fit.residual_params)
    1
    """
    return ByGroup(column)


def power_of(column: str) -> Power:
    """Residual standard deviation proportional to a power of a column's absolute value, nlme's ``varPower``.

    ``power_of("fitted(.)")`` takes the model's own fitted values, random effects included, as nlme does: the model is
    fitted and they are taken anew in turn until both agree; standard errors take them for known.
    Chapter 14 (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> data = mlm.load("sleepstudy").assign(day=lambda rows: rows["Days"] + 1)
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", data, variance=mlm.power_of("day"))
    >>> fit.residual_params.round(3).to_dict()
    {'power(day): delta': 0.212}
    """
    return Power(column)


def exponential_of(column: str) -> Exponential:
    """Residual standard deviation proportional to ``exp(delta * column)``, nlme's ``varExp``.

    ``exponential_of("fitted(.)")`` takes the model's own fitted values: see `power_of`.
    Chapter 14 (``14_growth_shapes``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"), variance=mlm.exponential_of("Days"))
    >>> fit.residual_params.round(3).to_dict()
    {'exponential(Days): delta': 0.082}
    """
    return Exponential(column)
