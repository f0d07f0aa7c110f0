"""New rows in the groups of a fit: which groups they are in, which of these the fit knows, and their columns.

Chapter 4 (``04_random_slopes``) predicts for known and new groups; Chapter 12 (``12_crossed``) for several factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .design import Design, _group_codes, _members, _refuse_missing, _replay
from .errors import DataError
from .membership import Membership
from .table import Categorical, Table

__all__ = ["NewRows", "new_rows", "refuse_new"]


@dataclass(frozen=True)
class NewRows:
    """New rows in the groups of one factor, all its terms side by side.

    Attributes
    ----------
    Z : ndarray, shape (m, q)
    members : Membership
        Own codes of the rows' groups, and weights.
    place : ndarray of int
        Of each own group its number in the fit; -1 for one that the fit has not seen.
    """

    Z: np.ndarray
    members: Membership
    place: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """The groups' numbers in the fit, shape (m, k)."""
        return self.place[self.members.codes]

    def matrix(self, Z: np.ndarray, J: int) -> Any:
        """The rows' columns of the random effects of known groups, sparse, shape (m, J q)."""
        import scipy.sparse as sp
        (m, q), whole = Z.shape, 0
        for codes, weights in zip(self.known.T, self.members.weights.T):
            there = np.flatnonzero(codes >= 0)
            columns = (codes[there, None] * q + np.arange(q)).ravel()
            values = (Z[there] * weights[there, None]).ravel()
            whole = whole + sp.csr_matrix((values, (np.repeat(there, q), columns)), shape=(m, J * q))
        return whole

    def values(self, effects: np.ndarray) -> np.ndarray:
        """What effects of the own groups, shape (groups, q), give the rows, shape (m,)."""
        return self.members.values(self.Z, effects)

    def variance_of_new(self, T: np.ndarray) -> np.ndarray:
        """Variance that the groups not seen give each row, shape (m,)."""
        left = Membership(self.members.codes, np.where(self.known < 0, self.members.weights, 0.0), self.members.levels)
        return left.square * np.einsum("ij,jk,ik->i", self.Z, T, self.Z)


def new_rows(design: Design, group: str, data: Any, random_effects: bool) -> NewRows:
    """New rows in the groups of a factor; each in a group of its own where groups are not asked for."""
    terms = [term for term in design.random if term.group == group]
    first, J = terms[0], len(terms[0].levels)
    if data is None:
        members = first.members or Membership(first.codes[:, None], np.ones((len(first.codes), 1)), first.levels)
        Z, place = np.hstack([term.Z for term in terms]), np.arange(J)
    else:
        table = Table(data)
        Z = np.hstack([term.encoder.rows(_replay(term.encoder, table), table.n).T for term in terms])
        if first.members is not None:
            _refuse_missing(first.factors, table)
            members = _members(first.factors, table)
        elif random_effects:
            _refuse_missing(first.factors, table.with_groups(first.factors))
            codes, levels = _group_codes(first.factors, table)
            members = Membership(codes[:, None], np.ones((table.n, 1)), levels)
        else:
            members = Membership(np.zeros((table.n, 1), dtype=int), np.ones((table.n, 1)), np.zeros(1))
        own = Categorical(np.arange(len(members.levels)), np.asarray(members.levels, dtype=object))
        place = own.recode(np.asarray(first.levels, dtype=object)).codes
    return NewRows(Z, members, place if random_effects else np.full(max(len(place), 1), -1))


def refuse_new(rows: dict, new_groups: str) -> None:
    """Refuse rows in groups that the fit has not seen, where ``new_groups="error"``."""
    for group, own in rows.items():
        unseen = ((own.known < 0) & (own.members.weights > 0)).any(axis=1)
        if new_groups == "error" and unseen.any():
            raise DataError(f"The new data have {int(unseen.sum())} rows in groups of {group!r} that the fit has not "
                            "seen; new_groups='population' predicts them for the average group.")
