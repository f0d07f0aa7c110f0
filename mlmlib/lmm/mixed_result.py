"""What the results of linear and of generalized linear mixed models share: groups, their effects, their covariance."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..results import LinearResult
from .factors import only_one_factor

__all__ = ["MixedResult", "singular_message"]


def singular_message(term, zero: list[str], remark: str = "") -> str:
    """Name a singular term, what it usually means, and what to try; `zero` are its effects without variance."""
    if zero:
        named = " and ".join(map(repr, zero))
        what = f"the variance of {named} between groups of {term.group!r} is estimated as zero"
        means = "groups differ no more than chance alone would make them"
        tries = (f"leave {named} out of the random part" if len(zero) < len(term.names)
                 else "compare with the model without this term")
    else:
        what = f"the effects that vary over {term.group!r} ({', '.join(term.names)}) are estimated as perfectly correlated"
        means = "the data hold too little information for that many variances and correlations"
        tries = f"try {term.text.replace('|', '||', 1)}, which has no correlations, or fewer effects"
    return (f"Singular fit in {term.text}: {what}. Usually {means}. The estimates are the best there are{remark}, but "
            f"standard errors of the random part do not hold; {tries}.")


class MixedResult(LinearResult):
    """A result with random effects.

    A subclass supplies ``_T`` (covariance matrix of each term's effects), ``_variances`` (`VarianceParameters`) and
    ``_by_group`` ({factor: (predicted effects (J, q), their conditional covariances (J, q, q))}).
    """

    _variances: Any
    _T: list[np.ndarray]
    _by_group: Any

    # covariance of the random effects

    @property
    def variance_components(self):
        """Variances and covariances with standard errors and 95 % intervals (DataFrame), the residual last."""
        return self._variances.components()

    def random_table(self, scale: str = "variance", level: float = 0.95):
        """The random part as Stata prints it after ``mixed`` (``"variance"``) or ``estat sd`` (``"sd"``)."""
        return self._variances.table(scale, level)

    def variance_cov(self):
        """Names and covariance matrix of (log sd ..., atanh corr ..., log sigma) from the observed information."""
        return list(self._variances.names), self._variances.cov.copy()

    def covariance_matrix(self, group: str | None = None):
        """Covariance matrix T of a grouping factor's random effects (DataFrame)."""
        from .. import frames as pd
        groups = list(self.n_groups)
        if not groups:
            raise ValueError(f"The model {self.formula} has no random effects, so they have no covariance matrix.")
        if group is None and len(groups) > 1:
            raise ValueError(f"Say which of the groups {groups} is meant.")
        group = groups[0] if group is None else group
        if group not in groups:
            raise ValueError(f"There is no grouping factor {group!r}; the model has {groups}.")
        names = [name for term in self.design.random if term.group == group for name in term.names]
        return pd.DataFrame(self._T_of(group), index=names, columns=names)

    def _own_terms(self, group: str):
        """Of a grouping factor: (term's number, its slice in the factor's effects)."""
        at, found = 0, []
        for k, term in enumerate(self.design.random):
            if term.group == group:
                found.append((k, slice(at, at + len(term.names))))
                at += len(term.names)
        return found, at

    def _T_of(self, group: str) -> np.ndarray:
        """Covariance matrix of all effects of a grouping factor."""
        found, q = self._own_terms(group)
        out = np.zeros((q, q))
        for k, place in found:
            out[place, place] = self._T[k]
        return out

    # groups

    @property
    def n_groups(self) -> dict[str, int]:
        """Number of groups of each grouping factor."""
        return {term.group: len(term.levels) for term in self.design.random}

    @property
    def groups(self) -> dict:
        """The group of every row used ({factor: Series}); of several memberships the one with the largest weight."""
        return {term.group: self._row_series(term.levels[term.codes], term.group) for term in self.design.random}

    @property
    def group_sizes(self) -> dict:
        """Rows in each group ({factor: Series})."""
        from .. import frames as pd
        return {term.group: pd.Series(term.sizes, index=pd.Index(term.levels, name=term.group), name="n")
                for term in self.design.random}

    # random effects

    @property
    def _effects(self) -> tuple[np.ndarray, np.ndarray]:
        """BLUPs, shape (J, q), and their covariances, shape (J, q, q), of a model with one grouping factor."""
        only_one_factor(self.design, "This")
        return next(iter(self._by_group.values()))

    def _effects_of(self, term) -> np.ndarray:
        """BLUPs of one term, shape (J, q)."""
        at = 0
        for other in self.design.random:
            if other is term:
                return self._by_group[term.group][0][:, at:at + len(term.names)]
            at += len(other.names) if other.group == term.group else 0
        raise ValueError(f"The model has no term {term.text}.")

    def _tables(self, make) -> dict:
        from .. import frames as pd
        out = {}
        for group, (effects, cov) in self._by_group.items():
            terms = [term for term in self.design.random if term.group == group]
            out[group] = pd.DataFrame(make(effects, cov), index=pd.Index(terms[0].levels, name=group),
                                      columns=[name for term in terms for name in term.names])
        return out

    @property
    def random_effects(self) -> dict:
        """Predicted random effects (BLUPs): {factor: DataFrame, one row a group}."""
        return self._tables(lambda effects, cov: effects.copy())

    @property
    def random_effects_se(self) -> dict:
        """Conditional standard deviations of the random effects: {factor: DataFrame}."""
        return self._tables(lambda effects, cov: np.sqrt(np.maximum(np.einsum("jaa->ja", cov), 0.0)))

    @property
    def random_effects_cov(self) -> dict:
        """Conditional covariances of the random effects: {factor: array (J, q, q)}."""
        return {group: cov.copy() for group, (_, cov) in self._by_group.items()}

    @property
    def coefficients(self) -> dict:
        """Each group's own coefficients, fixed plus random: {factor: DataFrame}."""
        effects = self.random_effects
        fixed = self.params
        for group, table in effects.items():
            whole = table.copy()
            for name in fixed.index:
                whole[name] = fixed[name] + table.get(name, 0.0)
            order = [*fixed.index, *[name for name in table if name not in fixed.index]]
            effects[group] = whole[order]
        return effects

    # rows

    @cached_property
    def _fixed_part(self) -> np.ndarray:
        fixed = self.design.X @ self._params
        return fixed if self.design.offset is None else fixed + self.design.offset
