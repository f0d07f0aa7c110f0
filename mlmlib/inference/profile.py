"""Profile likelihood: intervals that ask the likelihood itself how far a parameter may be moved.

Hold one parameter at a value, fit all the others again, and see how much worse the fit is: the likelihood-ratio
statistic of that value. The interval is the set of values that a test at its level does not reject. It need not be
symmetric, it does not change when a parameter is written on another scale (a variance, its root, its log), and it may
end at a standard deviation of zero or at a correlation of one. Ends are found by searching for them with exact
constrained fits, not by interpolating between some.

Chapter 7 (``07_estimation``) draws the likelihood; Chapter 8 (``08_inference``) makes intervals of it.

References
----------
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models using lme4.
Journal of Statistical Software, 67(1), section 5.1.
Venzon, D. J., & Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence intervals.
Applied Statistics, 37, 87-94.
"""

from __future__ import annotations

import math
import warnings
from functools import cached_property
from typing import Any

import numpy as np

from .. import frames as pd
from ..lmm.optimise import Minimum, minimize
from ..results import normal_quantile
from .blocks import bar_of
from .constrained import Optimum
from .generalized_profile import generalized_better, generalized_names
from .parameters import icc_name
from .profile_parameters import at_estimate, parameter, parameter_names, parameter_values, starts_of
from .profile_track import LowerCriterion, Track
from .row_profile import better_fit

__all__ = ["Profile", "profile", "profile_intervals"]

_REACH, _STEP = 3.5, 0.5  # how far a profile goes and how densely, in units of zeta


class Profile:
    """The profile likelihood of parameters of a linear mixed model.

    Attributes
    ----------
    names : tuple of str
        The parameters profiled.
    method : str
        The criterion profiled, ``"ML"`` or ``"REML"``.
    fit : LmmResult
        The fit that was profiled: the one given, or its refit by `method`.
    messages : tuple of str
        What should be known: a refit by ML, an interruption, an estimate on the boundary.

    Notes
    -----
    Chapter 8 (``08_inference``) reads a profile.
    """
    fit: Any
    names: tuple[str, ...]
    method: str
    messages: tuple[str, ...]
    _tracks: dict
    _lines: Any

    def __init__(self, fit, tracks: dict[str, Track], lines: dict[str, list], messages=()):
        self.__dict__.update(fit=fit, names=tuple(tracks), method="REML" if fit.reml else "ML",
                             messages=tuple(messages), _tracks=tracks, _lines=lines)

    def __setattr__(self, name, value):
        raise AttributeError(f"Results are immutable; {name!r} cannot be set.")

    def __delattr__(self, name):
        raise AttributeError(f"Results are immutable; {name!r} cannot be deleted.")

    def _track(self, name: str) -> Track:
        if name not in self._tracks:
            raise ValueError(f"{name!r} was not profiled; the profile has {', '.join(self.names)}.")
        return self._tracks[name]

    @property
    def params(self):
        """Estimates of the parameters profiled (Series)."""
        return pd.Series([track.parameter.estimate for track in self._tracks.values()], index=list(self.names))

    @cached_property
    def _frame(self):
        everything, rows = parameter_names(self.fit), []
        for name, track in self._tracks.items():
            for value, zeta, _ in self._lines[name]:
                best = parameter_values(self.fit, track.at(value))
                if name in everything:
                    best[everything.index(name)] = value
                rows.append((name, value, zeta, *best))
        return pd.DataFrame(rows, columns=["parameter", "value", "zeta", *everything])

    @property
    def table(self):
        """The constrained fits (DataFrame): the parameter held, its value, zeta, and the best values of all.

        A correlation is NaN where one of its effects does not vary.
        """
        return self._frame.copy()

    def conf_int(self, level: float = 0.95):
        """Profile-likelihood intervals.

        Parameters
        ----------
        level : float

        Returns
        -------
        DataFrame
            A row a parameter, columns ``lower`` and ``upper``; the ends are exact to about nine digits.
        """
        z = normal_quantile(level)
        ends = [_ends(track, z) for track in self._tracks.values()]
        return pd.DataFrame(ends, index=list(self.names), columns=["lower", "upper"])

    def zeta(self, name: str, at=None):
        """The signed root of the deviance along a parameter.

        Parameters
        ----------
        name : str
        at : float or array, optional
            Values of the parameter, each of which costs a constrained fit; those of the table when left out.

        Returns
        -------
        Series
            Zeta, indexed by the parameter's value.
        """
        track = self._track(name)
        here = track.parameter
        if at is None:
            values = np.array([value for value, *_ in self._lines[name]])
        else:
            values = np.atleast_1d(np.asarray(at, dtype=float))
            if not np.isfinite(values).all() or (values < here.lower).any() or (values > here.upper).any():
                raise ValueError(f"{name} lies between {here.lower:g} and {here.upper:g}.")
        return pd.Series([track.zeta(float(value)) for value in values], index=pd.Index(values, name=name), name="zeta")

    def curve(self, name: str, points: int = 201):
        """Zeta and its slope on a fine grid, interpolated between the constrained fits with their exact slopes.

        Parameters
        ----------
        name : str
        points : int

        Returns
        -------
        DataFrame
            Columns ``value``, ``zeta``, ``slope``; empty for a parameter that the data say nothing about.
        """
        spline = self._spline(name)
        if spline is None:
            return pd.DataFrame(columns=["value", "zeta", "slope"], dtype=float)
        values = np.linspace(spline.x[0], spline.x[-1], points)
        return pd.DataFrame({"value": values, "zeta": spline(values), "slope": spline(values, 1)})

    def density(self, points: int = 201):
        """The density that each profile stands for: the normal density of zeta, carried to the parameter's scale.

        Parameters
        ----------
        points : int

        Returns
        -------
        DataFrame
            Columns ``parameter``, ``value``, ``density``.
        """
        parts = []
        for name in self.names:
            curve = self.curve(name, points)
            height = np.exp(-0.5 * curve["zeta"] ** 2) / math.sqrt(2.0 * math.pi) * np.maximum(curve["slope"], 0.0)
            parts.append(pd.DataFrame({"parameter": name, "value": curve["value"], "density": height}))
        return pd.concat(parts, ignore_index=True)

    def _spline(self, name: str):
        """Zeta as a piecewise cubic with the exact slopes."""
        from scipy.interpolate import CubicHermiteSpline
        self._track(name)
        line = self._lines[name]
        return CubicHermiteSpline(*zip(*line)) if len(line) > 1 else None

    def plot_zeta(self, names=None, **options):
        """Zeta along each parameter, with its interval: see `mlmlib.plots.profile_zeta`."""
        from ..plots.profile import profile_zeta
        return profile_zeta(self, names, **options)

    def plot_pairs(self, names=None, **options):
        """Regions of two parameters at a time: see `mlmlib.plots.profile_pairs`."""
        from ..plots.profile import profile_pairs
        return profile_pairs(self, names, **options)

    def plot_density(self, names=None, **options):
        """The density that each profile stands for: see `mlmlib.plots.profile_density`."""
        from ..plots.profile import profile_density
        return profile_density(self, names, **options)

    def _shown(self):
        return self.conf_int().assign(estimate=self.params)[["estimate", "lower", "upper"]]

    def __repr__(self) -> str:
        title = f"Profile likelihood ({self.method}), 95 % intervals"
        return "\n".join([title, self._shown().to_string(float_format=lambda v: f"{v:.6g}"), *self.messages])

    def _repr_html_(self) -> str:
        from html import escape
        notes = "".join(f"<p>{escape(message)}</p>" for message in self.messages)
        return (f"<p>Profile likelihood ({self.method}), 95 % intervals</p>"
                f"{self._shown().to_html(float_format=lambda v: f'{v:.6g}', border=0)}{notes}")


def profile(fit, of=None, *, reml: bool = False, progress=None) -> Profile:
    """Profile the likelihood of parameters of a linear or generalized linear mixed model.

    Parameters
    ----------
    fit : LmmResult or GlmmResult
        A REML fit is fitted again by ML first (as lme4 does), and the profile says so.
    of : str or list of str, optional
        Parameters, named as in ``fit.conf_int(which="all")``: ``"cses"``, ``"sd(school: Intercept)"``,
        ``"corr(school: Intercept, cses)"``, ``"sigma"``.  ``"icc"`` is the share of the intercept's variance in it and
        the residual's (with random slopes: where their variables are zero).  All but the ICC when left out.
    reml : bool
        Profile the REML criterion instead, which has the parameters of the random part only.
    progress : bool or callable, optional
        A progress bar; by default in a terminal or a notebook when it takes longer than a second.  A function is called
        as ``progress(done, of_how_many)`` after each parameter.

    Returns
    -------
    Profile
        Interrupted by the keyboard after the first parameter, one of those that were finished.

    Raises
    ------
    ValueError
        If a name is not a parameter, or a fixed effect is asked for with ``reml=True``.

    Notes
    -----
    A SD's interval may end at 0, a correlation's at +-1: every value from the other end to that is compatible with the
    data.  A correlation with an effect whose variance is estimated as zero may be anything.  At a bound the reference
    distribution is not chi-squared with one degree of freedom, and the interval is then conservative.

    Chapter 8 (``08_inference``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"), reml=False)
    >>> fit.profile().conf_int().round(3)
                                       lower    upper
    Intercept                        237.681  265.130
    Days                               7.359   13.576
    sd(Subject: Intercept)            14.381   37.716
    sd(Subject: Days)                  3.801    8.753
    corr(Subject: Intercept, Days)    -0.481    0.685
    sigma                             22.898   28.858
    """
    fit, names, messages = _prepared(fit, of, reml)
    while True:
        tracks: dict[str, Track] = {}
        lines: dict[str, list] = {}
        try:
            with bar_of(len(names), False if callable(progress) else progress, "parameters") as bar:
                for name, track in _tracks(fit, names):
                    track.walk(_REACH, _STEP)
                    lines[name] = track.line()
                    tracks[name] = track
                    bar.update(1)
                    if callable(progress):
                        progress(len(tracks), len(names))
            break
        except LowerCriterion as found:
            fit = _better(fit, found.optimum, messages)
        except KeyboardInterrupt:
            if not tracks:
                raise
            messages.append(f"Interrupted: {len(tracks)} of {len(names)} parameters were profiled.")
            break
    messages += _about_bounds(tracks)
    return Profile(fit, tracks, lines, messages)


def profile_intervals(fit, names, level: float = 0.95) -> np.ndarray:
    """Profile-likelihood intervals alone, which need fewer constrained fits than a whole profile.

    Parameters
    ----------
    fit : LmmResult
    names : sequence of str
        As for `profile`.
    level : float

    Returns
    -------
    ndarray, shape (k, 2)
        Lower and upper ends, in the order of `names`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ 1 + (1 | schid)", mlm.load("math"), reml=False)
    >>> profile_intervals(fit, ["icc", "sigma"], 0.95).round(4)
    array([[0.1377, 0.3858],
           [8.4806, 9.6038]])
    """
    z = normal_quantile(level)
    fit, names, _ = _prepared(fit, list(names), False)
    while True:
        try:
            return np.array([_ends(track, z) for _, track in _tracks(fit, names)]).reshape(len(names), 2)
        except LowerCriterion as found:
            fit = _better(fit, found.optimum, [])


def _ends(track: Track, z: float) -> tuple[float, float]:
    ends, here = (track.root(-z), track.root(z)), track.parameter
    if not all(track.known[end].converged for end in ends if end in track.known):
        warnings.warn(f"A fit at an end of the interval of {track.parameter.name} did not converge; do not rely on "
                      "that end, and simplify the random part.", RuntimeWarning, stacklevel=3)
    if here.ends is None:
        return ends
    low, high = (stands if end == bound else end for end, bound, stands in zip(ends, (here.lower, here.upper), here.ends))
    return low, high


def _prepared(fit, of, reml: bool):
    """The fit by the criterion asked for, the parameters' names, and what was done."""
    messages = []
    if hasattr(fit, "density"):
        return fit, generalized_names(fit, of, reml), messages
    if fit.reml != reml:
        fit = fit.refit(reml=reml)
        messages.append("The fit was by REML; it was fitted again by ML, and the likelihood profiled." if not reml else
                        "The fit was by ML; it was fitted again by REML, and the REML criterion profiled.")
    known = parameter_names(fit)
    fixed = known[:len(fit._names)]
    if of is None:
        return fit, known[len(fixed):] if reml else known, messages
    names = [of] if isinstance(of, str) else list(of)
    for name in names:
        if name not in known and name != icc_name(fixed):
            raise ValueError(f"{name!r} is not a parameter of this model; it has {', '.join(known)}, and "
                             f"{icc_name(fixed)}.")
        if reml and name in fixed:
            raise ValueError(f"The REML criterion says nothing about the fixed effect {name!r}; leave out reml=True.")
    return fit, names, messages


def _tracks(fit, names):
    """A track for each parameter, made when its turn comes."""
    best, starts = at_estimate(fit), starts_of(fit)
    for name in names:
        yield name, Track(parameter(fit, name), best, starts)


def _better(fit, optimum: Optimum, messages: list):
    """The fit that a constrained one has shown to be there: the search goes on from it."""
    said = "Profiling found a better fit than the one given (a lower criterion); this is the profile of the better one."
    if said not in messages:
        messages.append(said)
    if hasattr(fit, "density"):
        return generalized_better(fit, optimum)
    if isinstance(optimum.L, tuple):
        return better_fit(fit, optimum)
    criterion = fit.model.criterion
    minimum = minimize(criterion.settle(optimum.L), criterion.advance)
    return type(fit)(fit.model, Minimum(minimum.at, minimum.n_evaluations, minimum.converged, minimum.gradient_norm))


def _about_bounds(tracks) -> list[str]:
    """Say which parameters the data do not identify or that are estimated at a bound."""
    told = []
    for name, track in tracks.items():
        here = track.parameter
        failed = sum(not optimum.converged for optimum in track.known.values())
        if failed:
            told.append(f"{name}: {failed} of {len(track.known)} constrained fits did not converge; their zeta may be "
                        "too large.")
        if math.isnan(here.estimate):
            told.append(f"{name}: one of its effects does not vary in the best fit, so any value fits as well.")
        elif here.estimate in (here.lower, here.upper):
            bound = here.estimate if here.ends is None else here.ends[int(here.estimate == here.upper)]
            told.append(f"{name} is estimated at its bound {bound:g}, which is an end of its interval.")
    return told
