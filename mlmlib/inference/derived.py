"""Quantities derived from a fit: its ICC, a ratio, a slope at a value, where two lines cross, any function of it.

One mechanism: a quantity is a function of the parameters (`mlmlib.inference.parameters`).  Its interval follows by the
delta method from a numerical gradient, from a bootstrap's replicates, by profiling where it is one coefficient of the
model written anew, and for a ratio by Fieller's theorem.

Chapter 8 (``08_inference``) compares them.

References
----------
Fieller, E. C. (1954). Some problems in interval estimation. Journal of the Royal Statistical Society B, 16, 175-185.
Johnson, P. O., & Neyman, J. (1936). Tests of certain linear hypotheses and their application to some educational
problems. Statistical Research Memoirs, 1, 57-93.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..given import takes_fit
from ..results import normal_quantile
from .expression_of import Expression, read_expression
from .generalized_parameters import parameters_of
from .parameters import Parameters, icc_name

__all__ = ["Quantity", "crossing", "delta", "fieller", "quantities", "slope", "with_combination"]

_STEP = 3e-4  # of a standard error: the step of the numerical gradient


@dataclass(frozen=True)
class Quantity:
    """One number derived from a fit.

    Attributes
    ----------
    name : str
    of_values : callable or None
        Its values at parameters, shape (R, k) -> (R,); None for a function of a fit.
    of_fit : callable or None
    expression : Expression or None
    scale : str
        On which its interval is symmetric: ``"plain"``, ``"log"``, ``"atanh"``, ``"logit"``.
    what : str
        ``"icc"`` and the like, for those that have a name.
    """

    name: str
    of_values: Callable | None = None
    of_fit: Callable | None = None
    expression: Expression | None = None
    scale: str = "plain"
    what: str = ""

    def at(self, parameters: Parameters, values: np.ndarray) -> float:
        """The quantity at parameter values, shape (k,)."""
        if self.of_values is not None:
            return float(self.of_values(values[None])[0])
        return float(self.of_fit(parameters.moved(values)))


def quantities(fit, of) -> list[Quantity]:
    """Read what is asked for.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    of : str, callable, or a list or dict of these
        ``"icc"``, ``"r2_marginal"``, ``"r2_conditional"``, an expression of parameters such as ``"x + 0.5 * x:z"``, or a
        function of a fit that returns a number.  The keys of a dict name the rows.  Where a coefficient is called
        ``"icc"``, the intraclass correlation is ``"ICC"``.

    Raises
    ------
    ValueError
        For what cannot be read.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
    >>> [round(q.at(parameters_of(fit), parameters_of(fit).values()), 3) for q in quantities(fit, ["icc", "Days / sigma"])]
    [0.589, 0.338]
    """
    if isinstance(of, dict):
        pairs = list(of.items())
    else:
        pairs = [(None, one) for one in (of if isinstance(of, (list, tuple)) else [of])]
    parameters = parameters_of(fit)
    return [_read(fit, parameters, name, one) for name, one in pairs]


def _read(fit, parameters: Parameters, name, one) -> Quantity:
    if callable(one):
        return Quantity(name or getattr(one, "__name__", "quantity").replace("<lambda>", "quantity"), of_fit=one)
    if not isinstance(one, str):
        raise ValueError(f"of={one!r} must be text, a function of a fit, or a list or dict of these.")
    what = "icc" if one == icc_name(parameters.names) else one
    if what in _NAMED and one not in parameters.names:
        if not fit.design.random:
            raise ValueError(f"of={one!r} needs a model with random effects.")
        if hasattr(fit, "density"):
            return Quantity(name or one, of_fit=_SHARES[what], scale="logit")
        return Quantity(name or one, of_values=_NAMED[what](fit, parameters), scale="logit", what=what)
    expression = read_expression(one, parameters.names)
    scale = "plain" if expression.single is None else parameters.scales[expression.single]
    return Quantity(name or one, of_values=expression, expression=expression, scale=scale)


def _icc(fit, parameters: Parameters):
    """The share of the intercept's variance in it and the residual's: `mlmlib.icc` where slopes are at zero."""
    from ..clustering import icc
    icc(fit)  # refuses what has no ICC
    own = [k for k, name in enumerate(parameters.names[:-1]) if k >= parameters.p and name.startswith("sd(")
           and "Intercept" in name[3:-1].split(": ", 1)[1].split(" = ")]

    def share(values):
        between = (values[:, own] ** 2).sum(axis=1)
        return between / (between + values[:, -1] ** 2)

    return share


def _r2(conditional: bool):
    def make(fit, parameters: Parameters):
        """Nakagawa and Schielzeth's share, at the rows of the fit: `mlmlib.r2`."""
        p, design = parameters.p, fit.design
        spread = np.atleast_2d(np.cov(design.X, rowvar=False))
        forms = [(term.Z.T @ term.Z) / len(term.Z) for term in design.random]

        def share(values):
            b = values[:, :p]
            fixed = np.einsum("ra,ab,rb->r", b, spread, b)
            random = np.zeros(len(values))
            for form, T in zip(forms, parameters.covariances(values)):
                random += np.einsum("ab,rab->r", form, T)
            return (fixed + random * conditional) / (fixed + random + values[:, -1] ** 2)

        return share
    return make


def _share_of(kind):
    """The same of a generalized model, on the scale of the linear predictor."""
    def share(fit):
        from ..clustering import icc
        from ..r2 import r2
        return float(icc(fit).estimate if kind == "icc" else getattr(r2(fit), kind))
    return share


_SHARES = {"icc": _share_of("icc"), "r2_marginal": _share_of("marginal"), "r2_conditional": _share_of("conditional")}
_NAMED = {"icc": _icc, "r2_marginal": _r2(False), "r2_conditional": _r2(True)}


# text for what is often asked

@takes_fit
def slope(fit, x: str, at: dict | None = None) -> str:
    """The slope of `x` at values of the variables that it interacts with, as text for ``of=``.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    x : str
        A coefficient's name, ``"cses"``.
    at : dict
        Values of the variables, by the name that they have in the interaction: ``{"mean_ses": 0.5,
        "sector[T.Catholic]": 1}``; zero for those left out.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses * mean_ses + (1 | school)", mlm.load("hsb"))
    >>> slope(fit, "cses", {"mean_ses": 0.5})
    '`cses` + 0.5 * `cses:mean_ses`'
    """
    from .contrasts import _orders, unknown_name
    names, at = list(fit._names), dict(at or {})
    if x not in names:
        raise ValueError(unknown_name("coefficient", x, names))
    used, parts = set(), [f"`{x}`"]
    for name in names:
        orders = [order for order in _orders(name) if order.startswith(x + ":")]
        if name == x or not orders:
            continue
        others = _split(orders[0][len(x) + 1:])
        used |= set(others)
        weight = float(np.prod([at.get(other, 0.0) for other in others]))
        if weight:
            parts.append(f"{weight!r} * `{name}`")
    strange = set(at) - used
    if strange:
        known = ", ".join(sorted(used)) or "nothing"
        raise ValueError(f"{sorted(strange)[0]!r} does not interact with {x!r}; what does: {known}.")
    return " + ".join(parts)


def _split(name: str) -> list[str]:
    import re
    return re.split(r":(?![^\[(]*[\])])", name)


@takes_fit
def crossing(fit, x: str, group: str) -> str:
    """Where along `x` the lines of two groups cross, as text for ``of=``.

    The difference between the lines is ``group + x * (x:group)``, zero at ``-group / (x:group)``.  Fieller's interval for
    it has the Johnson-Neyman points as its ends: between them the difference is not significant.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    x : str
        The coefficient of the predictor, ``"cses"``.
    group : str
        The coefficient of the difference, ``"sector[T.Catholic]"``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses * sector + (1 | school)", mlm.load("hsb"))
    >>> crossing(fit, "cses", "sector[T.Catholic]")
    '-`sector[T.Catholic]` / `cses:sector[T.Catholic]`'
    """
    from .contrasts import _orders, unknown_name
    for name in (x, group):
        if name not in fit._names:
            raise ValueError(unknown_name("coefficient", name, fit._names))
    for name in fit._names:
        if name == f"{x}:{group}" or f"{x}:{group}" in _orders(name):
            return f"-`{group}` / `{name}`"
    raise ValueError(f"The lines do not cross: the model has no interaction of {x!r} with {group!r}, only "
                     f"{', '.join(fit._names)}.")


# intervals

def delta(fit, found: list[Quantity], level: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Estimates and intervals by the delta method, and what should be known.

    The gradient is numerical; the covariance is that of the coefficients and, apart from it, that of the variances'
    parameters on their scales.

    Returns
    -------
    estimates : ndarray, shape (m,)
    ends : ndarray, shape (m, 2)
    notes : list of str
    """
    parameters = parameters_of(fit)
    values, scales, cov = parameters.values(), parameters.scales, parameters.covariance()
    known = np.isfinite(np.diagonal(cov))
    se = np.sqrt(np.where(known, np.diagonal(cov), 0.0))
    estimates = np.array([q.at(parameters, values) for q in found])
    gradient = np.zeros((len(found), len(values)))
    blind = np.zeros(len(found), dtype=bool)
    for k in range(len(values)):
        if known[k]:
            up, down = (_moved_along(values, k, scales[k], sign * _STEP * se[k]) for sign in (1, -1))
            gradient[:, k] = [(q.at(parameters, up) - q.at(parameters, down)) / (2.0 * _STEP * se[k]) for q in found]
        else:  # on the boundary: does the quantity depend on it?
            other = values.copy()
            other[k] = 0.9 * values[k] if values[k] == values[k] and values[k] != 0.0 else 0.1 * (
                values[-1] if scales[k] == "log" else 1.0)
            blind |= [abs(q.at(parameters, other) - e) > 1e-10 * max(abs(e), 1e-300) for q, e in zip(found, estimates)]
    spread = np.sqrt(np.maximum(np.einsum("ma,ab,mb->m", gradient[:, known], cov[np.ix_(known, known)],
                                          gradient[:, known]), 0.0))
    if getattr(fit, "is_singular", False):  # as `mlmlib.icc`
        blind |= [q.what == "icc" for q in found]
    spread[blind] = np.nan
    z = {True: fit._quantile(level), False: normal_quantile(level)}
    each = zip(found, estimates, spread)
    ends = np.array([_symmetric(q.scale, e, s, z[q.scale == "plain"]) for q, e, s in each]).reshape(-1, 2)
    notes = []
    if blind.any():
        notes.append("No Wald interval where a parameter lies on its boundary (a singular fit); method='profile' or "
                     "'bootstrap' has one.")
    return estimates, ends, notes


def _moved_along(values, k: int, scale: str, step: float) -> np.ndarray:
    """The values with one of them moved by a step on its scale."""
    other = values.copy()
    if scale == "log":
        other[k] = values[k] * np.exp(step)
    elif scale == "atanh":
        other[k] = np.tanh(np.arctanh(values[k]) + step)
    else:
        other[k] = values[k] + step
    return other


_SCALES: dict[str, tuple[Callable, Callable, Callable]] = {  # of a quantity: to the scale, its slope there, and back
    "plain": (lambda v: v, lambda v: 1.0, lambda v: v),
    "log": (np.log, lambda v: 1.0 / v, np.exp),
    "atanh": (np.arctanh, lambda v: 1.0 / (1.0 - v * v), np.tanh),
    "logit": (lambda v: np.log(v / (1.0 - v)), lambda v: 1.0 / (v * (1.0 - v)), lambda v: 0.5 + 0.5 * np.tanh(0.5 * v)),
}


def _symmetric(scale: str, estimate: float, se: float, z: float) -> tuple[float, float]:
    """The interval that is symmetric on a scale."""
    if not np.isfinite(se):
        return np.nan, np.nan
    to, steep, back = _SCALES[scale]
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, half = to(estimate), z * se * abs(steep(estimate))
        return float(back(middle - half)), float(back(middle + half))


def fieller(fit, quantity: Quantity, level: float) -> tuple[float, float, str]:
    """Fieller's interval of a ratio of linear combinations of coefficients.

    All values at which the data do not reject ``numerator - value * denominator = 0``.  Where the denominator itself is
    not significant they are no interval: everything, or everything outside a gap.

    Returns
    -------
    lower, upper : float
        Infinite where the set is not bounded.
    note : str
        About the gap.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses * sector + (1 | school)", mlm.load("hsb"))
    >>> there = quantities(fit, crossing(fit, "cses", "sector[T.Catholic]"))[0]
    >>> tuple(round(end, 2) for end in fieller(fit, there, 0.95)[:2])
    (1.32, 3.31)
    """
    p = len(fit._names)
    ratio = quantity.expression.ratio if quantity.expression is not None else None
    if ratio is None or any(weights[p:].any() for weights, _ in ratio):
        raise ValueError("Fieller's interval is for a ratio of two linear combinations of coefficients; "
                         f"{quantity.name!r} is none. Use method='wald' or 'bootstrap'.")
    (top, top_constant), (bottom, bottom_constant) = ratio
    top, bottom = top[:p], bottom[:p]
    z2 = fit._quantile(level) ** 2
    n, d = top @ fit._params + top_constant, bottom @ fit._params + bottom_constant
    a = d * d - z2 * (bottom @ fit._cov @ bottom)
    b = n * d - z2 * (top @ fit._cov @ bottom)
    c = n * n - z2 * (top @ fit._cov @ top)
    inside = b * b - a * c
    if a > 0:
        root = np.sqrt(max(inside, 0.0))
        return float((b - root) / a), float((b + root) / a), ""
    what = f"The denominator of {quantity.name} is not told from zero"
    if inside <= 0 or a == 0:
        return -np.inf, np.inf, f"{what}, so any value is compatible with the data."
    ends = sorted(((b - np.sqrt(inside)) / a, (b + np.sqrt(inside)) / a))
    return -np.inf, np.inf, f"{what}: every value but those between {ends[0]:.4g} and {ends[1]:.4g} is compatible."


def with_combination(fit, weights: np.ndarray, name: str):
    """The same model with columns recombined so that a linear combination of its coefficients is one of them.

    Parameters
    ----------
    fit : LmmResult
    weights : ndarray, shape (p,)
    name : str
        What the coefficient is called.

    Returns
    -------
    LmmResult
        By maximum likelihood.
    """
    from ..lmm import LmmModel, LmmResult
    design = fit.design
    k = int(np.argmax(np.abs(weights) * np.sqrt(np.mean(design.X ** 2, axis=0))))
    own = design.X[:, k] / weights[k]
    X = design.X - np.outer(own, weights)
    X[:, k] = own
    names = tuple(name if place == k else other for place, other in enumerate(design.exog_names))
    model = LmmModel(replace(design, X=X, exog_names=names), fit.model.covariance, False)
    return LmmResult(model, *model.fit())
