"""New samples from models with several grouping factors: outcomes row by row, or whole groups.

Rows of different groups depend on each other through the other factors, so that the sums that suffice with one factor
(`mlmlib.inference.resample`) are no shorter than the outcomes themselves.  A sample is therefore an outcome of every
row; a refit forms its products with the columns and is begun at the estimates.

Whole groups are drawn of a factor, or of a column of the data, that all factors lie within: its groups alone are
independent of each other.  Factors that cross have none; drawing the levels of each (the pigeonhole bootstrap of Owen,
2007) keeps means right and not variances.

Chapter 12 (``12_crossed``) crosses factors; Chapter 8 (``08_inference``) derives the bootstrap.

References
----------
Owen, A. B. (2007). The pigeonhole bootstrap. Annals of Applied Statistics, 1, 386-411.
Carpenter, J. R., Goldstein, H., & Rasbash, J. (2003). Applied Statistics, 52, 431-443.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DataError, FormulaError
from ..lmm.factors import factor_names, lies_within, memberships
from ..lmm.optimise import Minimum
from .resample import reflated

__all__ = ["Outcomes", "WholeGroups", "estimates", "refitted_outcome", "regrouped"]


class Outcomes:
    """Outcomes drawn from a fit.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    kind : {"parametric", "residual"}
        Random effects and residuals from the fitted normal distributions; or drawn with replacement from the predicted
        ones, centered and stretched to the estimated covariance.

    Examples
    --------
    >>> import numpy as np, mlmlib as mlm
    >>> table = mlm.load("hsb").assign(track=lambda rows: rows.index % 3)
    >>> fit = mlm.lmm("mathach ~ 1 + (1 | school) + (1 | track)", table)
    >>> Outcomes(fit).rows(np.random.default_rng(1)).shape
    (7185,)
    """

    def __init__(self, fit, kind: str = "parametric"):
        design = fit.design
        self.n, self.sigma, self.terms = fit.nobs, fit.sigma, design.random
        self.root = 1.0 if design.weights is None else np.sqrt(design.weights)
        fixed = design.X @ fit._params
        self.fixed = fixed if design.offset is None else fixed + design.offset
        residual = (design.y - fit._fitted) * self.root
        self.pool = reflated(residual[None], np.array([[fit.sigma ** 2]]))[0] if kind == "residual" else None
        self.draws = [self._factor(fit, name, kind == "residual") for name in factor_names(design)]

    @staticmethod
    def _factor(fit, name: str, predicted: bool):
        """(J, q), places of its terms, and what its effects are drawn by: a factor of T or a pool of effects (q, J)."""
        model, at = fit.model, fit._at
        places = [k for k, term in enumerate(fit.design.random) if term.group == name]
        J = len(fit.design.random[places[0]].levels)
        wide = np.cumsum([0, *(len(fit._T[k]) for k in places)])
        own = np.concatenate([np.arange(s.start, s.stop) for s in (model.criterion.blocks[k] for k in places)])
        back = np.zeros((wide[-1], wide[-1]))
        for k, a, b in zip(places, wide[:-1], wide[1:]):
            back[a:b, a:b] = model.z_maps[k]
        factor = fit.sigma * at.L[np.ix_(own, own)]
        source = back @ factor
        if predicted:
            u = np.linalg.solve(back, fit._by_group[name][0].T)
            source = back @ reflated(u, factor @ factor.T)
        return J, list(zip(places, wide[:-1], wide[1:])), source

    def rows(self, rng) -> np.ndarray:
        """One sample, shape (n,), in the outcome's units."""
        y = self.fixed.copy()
        for J, places, source in self.draws:
            if self.pool is None:
                u = rng.standard_normal((J, len(source))) @ source.T
            else:
                u = source[:, rng.integers(J, size=J)].T
            for k, a, b in places:
                y += self.terms[k].values(u[:, a:b])
        noise = self.sigma * rng.standard_normal(self.n) if self.pool is None else (
            self.pool[rng.integers(self.n, size=self.n)])
        return y + noise / self.root


def refitted_outcome(model, y: np.ndarray, L: np.ndarray) -> tuple[object, Minimum] | None:
    """The model of another outcome and its fit, begun near L; None where there is none or the search did not end."""
    start = np.zeros_like(L)
    for shape, block in zip(model.structures, model.criterion.blocks):
        start[block, block] = shape.nearest(L[block, block] @ L[block, block].T, 0.01)
    try:
        other = model.with_outcome(y)
        minimum = other.search(start)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None
    return (other, minimum) if minimum.converged else None


def estimates(parameters, model, minimum: Minimum) -> np.ndarray:
    """The values of all parameters at a fit of another outcome, shape (k,)."""
    at = minimum.at
    b = np.linalg.inv(model.x_map).T @ (model.start_b + at.b)
    T = []
    for block, back in zip(model.criterion.blocks, model.z_maps):
        factor = back @ at.L[block, block]
        T.append((at.s2 * factor @ factor.T)[None])
    return parameters.gather(b[None], T, np.array([np.sqrt(at.s2)]))[0]


class WholeGroups:
    """Samples of whole groups of the outermost factor, or of given groups that every factor lies within.

    Parameters
    ----------
    fit : LmmResult
    codes : ndarray of int, shape (n,), optional
        The groups to draw; those of the factor that all others lie within when left out.

    Raises
    ------
    FormulaError
        If no factor holds all others, or one of them does not lie within `codes`.
    """

    def __init__(self, fit, codes: np.ndarray | None = None):
        self.codes = _outermost(fit.design) if codes is None else codes
        for name, columns in memberships(fit.design):
            if codes is not None and not lies_within(columns, codes):
                raise FormulaError(f"groups= must hold whole groups of every factor, and rows of one group of {name!r} "
                                   "are in several of them.")
        self.J = int(self.codes.max()) + 1
        self.sizes = np.bincount(self.codes, minlength=self.J)

    def counts(self, rng, size: int) -> np.ndarray:
        """How often each group is drawn, shape (size, J)."""
        return rng.multinomial(self.J, np.full(self.J, 1.0 / self.J), size).astype(float)

    def rows(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows of one selection and the number of the draw that each came by."""
        order = np.argsort(self.codes, kind="stable")
        of_group = np.split(order, np.cumsum(self.sizes)[:-1])
        drawn = np.repeat(np.arange(self.J), counts.astype(int))
        return np.concatenate([of_group[g] for g in drawn]), np.repeat(np.arange(len(drawn)), self.sizes[drawn])


def _outermost(design) -> np.ndarray:
    """Codes of the factor that all others lie within."""
    found = list(memberships(design))
    for name, columns in found:
        if columns.shape[1] == 1 and all(lies_within(other, columns[:, 0]) for k, other in found if k != name):
            return columns[:, 0]
    names = [name for name, _ in found]
    told = f"{', '.join(map(repr, names[:-1]))} and {names[-1]!r}" if len(names) > 1 else repr(names[0])
    raise FormulaError(
        f"Whole groups cannot be drawn or left out: no group of {told} holds whole groups of the others, so none is "
        "independent of the rest. Use kind='parametric' or 'residual', or name with groups= a column that all of them "
        "lie within. (Drawing the levels of crossed factors, the pigeonhole bootstrap of Owen 2007, is right for means "
        "and not for variances.)")


def regrouped(term, rows: np.ndarray, draw: np.ndarray):
    """A term's rows, any of them more than once; a group drawn twice is two groups.

    Parameters
    ----------
    term : RandomDesign
    rows, draw : ndarray of int, shape (m,)
        Which rows, and the number of the draw that each came by.
    """
    J = len(term.levels)
    if term.members is None:
        found, codes = np.unique(draw * J + term.codes[rows], return_inverse=True)
        return replace(term, Z=term.Z[rows], codes=codes, levels=np.arange(len(found)))
    old = term.members.codes[rows]
    found, codes = np.unique(draw[:, None] * J + old, return_inverse=True)
    levels = np.arange(len(found))
    members = replace(term.members, codes=codes.reshape(old.shape), weights=term.members.weights[rows], levels=levels)
    return replace(term, Z=term.Z[rows], codes=members.main, levels=levels, members=members)


def named_codes(fit, groups) -> np.ndarray:
    """The groups that ``groups=`` says: a factor's name, a column's, or values of rows."""
    if isinstance(groups, str) and groups in factor_names(fit.design):
        term = next(term for term in fit.design.random if term.group == groups)
        if term.members is not None:
            raise DataError(f"Rows belong to several groups of {groups}, so its groups cannot be drawn.")
        return term.codes
    from .replicate import _codes
    return _codes(fit, groups)
