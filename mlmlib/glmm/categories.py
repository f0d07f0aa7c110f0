"""What the results of ordered and unordered categories share: probabilities of categories, for given and new rows.

Chapter 18 (``18_categories``) predicts them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError
from ..results import check_level, normal_quantile
from .failure import refit_shape
from .result import GlmmResult

__all__ = ["CategoryResult"]

SCALES = ("response", "class", "link")


class CategoryResult(GlmmResult):
    """A result whose outcome is a category.

    A subclass supplies ``_probabilities(data, groups, new_groups)`` and ``_probabilities_with_se``, arrays (C, rows).
    """

    @property
    def categories(self) -> list:
        """The outcome's categories."""
        return list(self.model.reading.categories.tolist())

    @cached_property
    def _variances(self):
        return super()._variances if self.design.random else _NoVariances()

    @property
    def probabilities(self):
        """Probability of each category in each row used, random effects included (DataFrame)."""
        return self.predict()

    @property
    def endog(self):
        """The outcome, rows used (Series): categories."""
        from .. import frames as pd
        codes = self.design.y.astype(int)
        return pd.Series(pd.Categorical.from_codes(codes, self.categories, ordered=self.family.name == "ordinal"),
                         index=self.design.index(), name=self.design.endog_name)

    # a subclass says how a model with an intercept relates to it, and what its probabilities are
    _with_intercept: Callable[[], Any]
    _of_contrast: Callable[[np.ndarray], np.ndarray]
    _probabilities: Callable[..., np.ndarray]
    _probabilities_with_se: Callable[..., tuple[np.ndarray, np.ndarray]]

    def _term_hypotheses(self, kind: int) -> dict:
        """For each term the rows of its hypothesis, as `term_contrasts` has them for a model with an intercept."""
        from types import SimpleNamespace

        from ..inference.term_contrasts import term_contrasts
        design = self._with_intercept()
        plain = term_contrasts(SimpleNamespace(design=design, _names=design.exog_names, reml=False), kind)
        return {term: self._of_contrast(C) for term, C in plain.items()}

    def predict(self, data=None, random_effects: bool = True, new_groups: str = "population", *,
                scale: str = "response", groups: str | None = None, interval=None, level: float = 0.95):
        """Predict categories, for given groups, a typical group, or averaged over groups.

        Parameters
        ----------
        data : table, optional
            New rows; the rows of the fit when left out.
        random_effects : bool
            ``groups="given"`` if True, ``"typical"`` if False.
        new_groups : {"population", "error", "average"}
            What to do with groups that the fit has not seen: random effects of zero, an error, or an average over groups.
        scale : {"response", "class", "link"}
            Probabilities of all categories, the most probable category, or linear predictors.
        groups : {"given", "typical", "average"}, optional
        interval : {"confidence"}, optional
            Of the probabilities, formed on their logits.
        level : float

        Returns
        -------
        DataFrame or Series
            Probabilities: a column a category; with `interval` columns (category, ``mean``, ``se``, ``lower``, ``upper``).

        Notes
        -----
        Chapter 18 (``18_categories``).

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.glmm("rating ~ temp + contact + (1 | judge)", mlm.load("wine"), family="ordinal")
        >>> new = {"temp": ["cold", "warm"], "contact": ["no", "no"], "judge": [1, 1]}
        >>> fit.predict(new, groups="average").round(3).values.tolist()
        [[0.212, 0.56, 0.203, 0.021, 0.004], [0.017, 0.206, 0.495, 0.208, 0.074]]
        >>> fit.predict(new, scale="class").tolist()
        ['3', '4']
        """
        from .. import frames as pd
        check_level(level)
        if scale not in SCALES:
            raise ValueError(f"scale={scale!r} must be 'response' (probabilities), 'class' or 'link'.")
        if interval not in (None, "confidence"):
            raise ValueError(f"interval={interval!r} must be 'confidence'; a new outcome is a category, of which "
                             "`predict` gives the probabilities.")
        groups = groups or ("given" if random_effects else "typical")
        index = self.design.index() if data is None else getattr(data, "index", None)
        index = None if callable(index) else index
        names = self.categories
        if scale == "link":
            if interval is not None or groups == "average":
                raise ValueError("Linear predictors are given without an interval and for given or typical groups; "
                                 "leave scale= out for probabilities.")
            return self._links(data, groups, new_groups, index)
        if interval is None:
            p = self._probabilities(data, groups, new_groups)
            if scale == "class":
                return pd.Series(np.asarray(names, dtype=object)[p.argmax(axis=0)], index=index, name="predicted")
            return pd.DataFrame(p.T, index=index, columns=names)
        if scale == "class":
            raise ValueError("The most probable category has no interval; leave scale= out for the probabilities.")
        p, se = self._probabilities_with_se(data, groups, new_groups)
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = np.log(p) - np.log1p(-p)
            half = normal_quantile(level) * se / (p * (1.0 - p))
            lower, upper = (1.0 / (1.0 + np.exp(-(middle + sign * half))) for sign in (-1, 1))
        whole = np.stack([p, se, lower, upper], axis=2).transpose(1, 0, 2).reshape(p.shape[1], -1)
        columns = pd.MultiIndex.from_product([names, ["mean", "se", "lower", "upper"]])
        return pd.DataFrame(whole, index=index, columns=columns)

    def margins(self, over=None, at=None, *, dydx=None, level: float = 0.95, groups: str = "average",
                scale: str = "response"):
        """Average probabilities of categories at chosen values, or average effects on them: see `category_margins`."""
        from ..inference.category_margins import category_margins
        if scale != "response":
            raise ValueError(f"scale={scale!r}: margins of categories are of their probabilities; leave scale= out.")
        return category_margins(self, over, at, dydx=dydx, level=level, groups=groups)

    def _links(self, data, groups, new_groups, index):
        from .. import frames as pd

        from .predictors import predictors
        return pd.Series(predictors(self, data, groups, new_groups, derivatives=False).eta, index=index,
                         name="predicted")

    def refit(self, y=None):
        """Fit the same model to other categories of the same rows.

        Parameters
        ----------
        y : array, shape (nobs,), optional
            Numbers of the categories, 0 .. C - 1, as `simulate` draws them, or the categories themselves.
        """
        if y is None:
            return self
        place = {value: k for k, value in enumerate(self.categories)}
        if np.shape(y) != (self.nobs,):
            raise DataError(refit_shape(np.shape(y), self.nobs))
        values = np.asarray(y).tolist()
        if any(value not in range(len(place)) for value in values):
            unknown = [value for value in values if value not in place]
            if unknown:
                raise DataError(f"refit met the category {unknown[0]!r}; the fit knows {', '.join(map(str, place))}.")
            values = [place[value] for value in values]
        return super().refit(np.asarray(values, dtype=float))


class _NoVariances:
    """The variance parameters of a model without random effects: none."""

    names: tuple = ()
    cov = np.zeros((0, 0))

    def rows(self):
        return iter(())

    def table(self, scale: str = "variance", level: float = 0.95):
        from .. import frames as pd
        return pd.DataFrame([], columns=["group", "name", "estimate", "se", "lower", "upper"])

    def components(self, level: float = 0.95):
        from .. import frames as pd
        return pd.DataFrame([], columns=["group", "name", "variance", "sd", "correlation", "se", "lower", "upper"])
