"""The result of a model of unordered categories.

Chapter 18 (``18_categories``) reads one.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..new_rows import new_rows, refuse_new
from .categories import CategoryResult
from .draw import check_drawn, spherical
from .predictors import check_groups
from .softmax_average import averaged_probabilities

__all__ = ["MultinomialResult"]


class MultinomialResult(CategoryResult):
    """A fitted model of unordered categories (generalized logit).

    Attributes
    ----------
    categories : list
        The outcome's categories, the reference first.
    params : Series
        Named ``"category: term"``; exp of a coefficient is the ratio of the odds of the category against the reference.

    Notes
    -----
    Chapter 18 (``18_categories``).  Random effects are named in the same way; those of different categories are correlated
    unless ``covariance="independent"`` or ``||`` says that they are not.  The other attributes are those of `GlmmResult`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("mode ~ distance + (1 | district)", mlm.simulate.choice(seed=18), family="multinomial")
    >>> fit.reference, list(fit.params.index)
    ('car', ['bus: Intercept', 'bus: distance', 'bicycle: Intercept', 'bicycle: distance'])
    >>> fit.coef_by_category().round(2)
                bus  bicycle
    Intercept -0.46     0.62
    distance   0.09    -0.49
    """

    @property
    def reference(self):
        """The category that the others are compared with."""
        return self.categories[0]

    def coef_by_category(self):
        """The coefficients, a row a term and a column a category (DataFrame)."""
        from .. import frames as pd
        return pd.DataFrame(self._params.reshape(len(self.model.others), -1).T, index=list(self.model.base.exog_names),
                            columns=self.categories[1:])

    def _with_intercept(self):
        return self.model.base

    def _of_contrast(self, C):
        return np.kron(np.eye(len(self.model.others)), C)

    def _frame(self, values, names):
        from .. import frames as pd
        return pd.DataFrame(np.array(values).T, index=self.design.index(), columns=names)

    @property
    def exog(self):
        """The fixed-effects columns of each category, rows used (DataFrame)."""
        from .. import frames as pd
        base = self.model.base
        return pd.DataFrame(base.X.copy(), index=base.index(), columns=list(base.exog_names))

    @property
    def mu(self):
        """Probability of each category in each row used, random effects included (DataFrame)."""
        return self._frame(self.density.probabilities(self._at.modes.eta), self.categories)

    fittedvalues = mu

    @property
    def resid(self):
        """Of each category its indicator less its probability (DataFrame)."""
        seen = self.design.y.astype(int) == np.arange(len(self.categories))[:, None]
        return self._frame(seen - self.density.probabilities(self._at.modes.eta), self.categories)

    @property
    def linear_predictor(self):
        """Linear predictors of the rows used, random effects included, a column a category (DataFrame)."""
        return self._frame(self._at.modes.eta, self.categories[1:])

    # linear predictors of given and new rows, at any parameters

    def _fixed_of(self, data, b) -> np.ndarray:
        """x'b of each category, shape (K, rows)."""
        base = self.model.base
        X = base.X if data is None else base.fixed_matrix(data)
        offset = (0.0 if base.offset is None else base.offset) if data is None else base.offset_of(data)
        return b.reshape(len(self.model.others), -1) @ X.T + offset

    def _by_term(self, data, given: bool):
        """Of each random term: its base term, and its rows in groups."""
        from dataclasses import replace
        base = self.model.base
        return [(term, new_rows(replace(base, random=(term,)), term.group, data, given)) for term in base.random]

    def _moved(self, terms, effects) -> np.ndarray:
        """What the terms' effects (J, K q), those of groups not seen zero, add to each category, shape (K, rows)."""
        K = len(self.model.others)
        total = np.zeros((K, len(terms[0][1].Z) if terms else 1))
        for (_, own), u in zip(terms, effects):
            known = np.where(own.place[:, None] >= 0, u[own.place], 0.0).reshape(len(own.place), K, -1)
            total += np.stack([own.values(known[:, k]) for k in range(K)])
        return total

    def _term_effects(self, v, x) -> list[np.ndarray]:
        """Effects of each term in the reader's columns, shape (J, K q), of spherical ones at the point x."""
        model, criterion = self.model, self.model.criterion
        u = criterion.rows.scale(criterion.factor(x), v)
        out, used = [], {}
        places = dict(zip(dict.fromkeys(term.group for term in self.design.random), criterion.rows.parts))
        for term, back in zip(self.design.random, model.z_maps):
            stretch, J, _ = places[term.group]
            at = used.get(term.group, 0)
            out.append(u[stretch].reshape(J, -1)[:, at:at + len(term.names)] @ back.T)
            used[term.group] = at + len(term.names)
        return out

    def _spread(self, terms, T, which) -> np.ndarray:
        """Covariance of the K linear predictors by random effects that are averaged over, shape (K, K, rows)."""
        K = len(self.model.others)
        total = np.zeros((K, K, len(terms[0][1].Z)))
        for (_, own), cov, new in zip(terms, T, which):
            q = own.Z.shape[1]
            share = (own.members.weights**2 * new).sum(axis=1)
            total += share * np.einsum("ia,kalb,ib->kli", own.Z, cov.reshape(K, q, K, q), own.Z)
        return total

    def _at_point(self, x, v, data, groups, new_groups) -> np.ndarray:
        """Probabilities (C, rows) at a point (b, theta) with spherical effects v."""
        given = groups == "given"
        eta = self._fixed_of(data, self.model.coefficients(x))
        terms = self._by_term(data, given)
        if given:
            for term, own in terms:
                refuse_new({term.group: own}, new_groups)
            eta = eta + self._moved(terms, self._term_effects(v, x))
        if not terms or not (groups == "average" or given and new_groups == "average"):
            return self.density.probabilities(eta)
        T = [factor @ factor.T for factor in self.model.factors(x)]
        which = [own.place[own.members.codes] < 0 if given else np.ones_like(own.members.weights, dtype=bool)
                 for _, own in terms]
        return averaged_probabilities(eta, self._spread(terms, T, which))

    def _mean_at(self, x, data, groups) -> np.ndarray:
        """Probabilities (C, rows) of new rows at a point (b, theta), in a typical group or averaged over groups."""
        return self._at_point(x, None, data, groups, "population")

    def _probabilities(self, data, groups, new_groups) -> np.ndarray:
        check_groups(groups, new_groups)
        return self._at_point(self._at.x, self._at.modes.v, data, groups, new_groups)

    def _probabilities_with_se(self, data, groups, new_groups):
        """Probabilities and standard errors, by central differences over all parameters, the modes moving with them."""
        if groups == "given" and self.design.random:
            raise DataError("Intervals of probabilities are for a typical group or an average over groups: say "
                            "groups='typical' or "
                            "groups='average'.")
        at, criterion = self._at, self.model.criterion
        value = self._probabilities(data, groups, new_groups)
        se = np.sqrt(np.diagonal(self._x_cov))
        slopes = np.zeros((len(se), *value.shape))
        for k in np.flatnonzero(np.isfinite(se)):
            sides = []
            for sign in (1.0, -1.0):
                x = at.x.copy()
                x[k] += sign * 1e-4 * se[k]
                sides.append(self._at_point(x, criterion.ahead(at, x), data, groups, new_groups))
            slopes[k] = (sides[0] - sides[1]) / (2e-4 * se[k])
        cov = np.where(np.isfinite(self._x_cov), self._x_cov, 0.0)
        return value, np.sqrt(np.maximum(np.einsum("kci,kl,lci->ci", slopes, cov, slopes), 0.0))

    def _links(self, data, groups, new_groups, index):
        from .. import frames as pd
        check_groups(groups, new_groups)
        eta = self._fixed_of(data, self._params)
        if groups == "given" and self.design.random:
            terms = self._by_term(data, True)
            for term, own in terms:
                refuse_new({term.group: own}, new_groups)
            eta = eta + self._moved(terms, self._term_effects(self._at.modes.v, self._at.x))
        return pd.DataFrame(eta.T, index=index, columns=self.categories[1:])

    def simulate(self, n: int = 1, seed: int | None = None, random_effects: str = "new", *, data=None, trials=None) -> np.ndarray:
        """Draw categories from the fitted model, as numbers 0 .. C - 1, for ``refit``: see `GlmmResult.simulate`."""
        if data is not None or trials is not None:
            raise ValueError("Unordered categories are drawn for the rows of the fit only: leave data= and trials= out.")
        check_drawn(random_effects)
        rng, criterion, at = np.random.default_rng(seed), self.model.criterion, self._at
        rows, L, fixed = criterion.rows, criterion.factor(at.x), criterion.fixed(at.x)
        out = np.empty((n, self.nobs))
        for k in range(n):
            v = spherical(self, random_effects, rng)
            out[k] = self.density.simulate(fixed + rows.spread(rows.scale(L, v)), None, rng)
        return out
