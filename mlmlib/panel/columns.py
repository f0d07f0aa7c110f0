"""The design of a panel fit: the columns estimated, for its rows and for new ones, with the means of their groups."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..design import Design, _group_codes
from ..table import Table
from .frame import Frame
from .random import planned

__all__ = ["PanelDesign", "panel_design", "places"]


@dataclass(frozen=True, kw_only=True)
class PanelDesign(Design):
    """A design of which a model estimates some columns, and has group means of some.

    Attributes
    ----------
    frame : Frame
        As the formula has it.
    plan : tuple or None
        How columns are made of those of the formula and their group means.
    columns : ndarray of int
        The ones estimated.
    """

    frame: Frame
    plan: tuple | None
    columns: np.ndarray

    def fixed_matrix(self, data) -> np.ndarray:
        """X for new rows: groups of the fit have its means, others those of the new rows."""
        X = super().fixed_matrix(data)
        if self.plan is not None:
            codes, own = places(self.frame.group_factors, data, self.frame.levels)
            count = np.bincount(own)
            new = np.array([np.bincount(own, c) / count for c in X.T]).T[own]
            X = planned(self.plan, X, np.where((codes < 0)[:, None], new, self.frame.means(self.frame.X)[codes]))
        return X[:, self.columns]


def places(factors, data, known) -> tuple[np.ndarray, np.ndarray]:
    """The groups of new rows: their places among those known (-1 for others), and numbers of their own."""
    table = Table(data)
    return _group_codes(factors, table, known=known)[0], _group_codes(factors, table)[0]


def panel_design(base: Frame, estimated: Frame, plan, kept) -> PanelDesign:
    """The design of a fit whose estimator saw the frame `estimated`, made of the frame `base`."""
    own = {field.name: getattr(estimated.design, field.name) for field in fields(Design)}
    own.update(X=estimated.X[:, kept], exog_names=tuple(estimated.names[k] for k in kept))
    return PanelDesign(**own, frame=base, plan=plan, columns=kept)
