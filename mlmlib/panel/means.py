"""Group means for models of any family: the hybrid and Mundlak's form as formula and data for ``mlm.glmm`` and ``mlm.lmm``.

Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from ..design import build_design
from ..errors import DataError, FormulaError
from ..formula import as_groups, as_written, parse
from .frame import Frame
from ..optional import needs

__all__ = ["WithMeans", "group_means"]


class WithMeans(NamedTuple):
    """A formula with group means in it, and the data that have them."""

    formula: str
    data: Any


def group_means(formula: str, data, *, groups: str, form: str = "hybrid") -> WithMeans:
    """Split the predictors that vary within groups, for a model of any family with a random intercept.

    Parameters
    ----------
    formula : str
        ``"use ~ age + urban"``; no random terms.
    data : pandas or polars DataFrame, or dict of columns
    groups : str
        Column of the groups.
    form : {"hybrid", "mundlak"}
        ``"hybrid"``: x becomes x_within, the deviation from its group's mean, and x_between, the mean.  ``"mundlak"``: x stays,
        with x_between beside it.

    Returns
    -------
    WithMeans
        ``formula``, with ``(1 | groups)``, and ``data`` (DataFrame): the rows without missing values, with the new columns.

    Raises
    ------
    FormulaError, DataError

    Notes
    -----
    Terms that do not vary within groups stay as they are.  A category has a column for each level but the first, as in
    ``mlm.within_between``; a product or power is taken as one column, whose mean is not the product of the means.  In a linear
    model the coefficients of x are those of fixed effects; in others nearly so (Neuhaus & Kalbfleisch, 1998, Biometrics 54,
    638-645; Allison, 2009, Fixed Effects Regression Models, Sage).  Chapter 19 (``19_fixed_or_random``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> formula, data = mlm.group_means("union ~ married + exper + school", mlm.load("males"), groups="nr")
    >>> print(formula)
    union ~ school + married_yes_within + exper_within + married_yes_between + exper_between + (1 | nr)
    >>> fit = mlm.glmm(formula, data, family="binomial")
    >>> fit.params[["married_yes_within", "married_yes_between"]].round(2).tolist()
    [0.29, 0.46]
    """
    if form not in ("hybrid", "mundlak"):
        raise ValueError(f"form={form!r} must be 'hybrid' or 'mundlak'.")
    with needs("mlm.group_means"):
        import pandas as pd
    written = parse(formula)
    if written.random:
        raise FormulaError(f"The formula {formula!r} has a random term; group_means adds (1 | {groups}) itself. Write other "
                           "random terms into the formula it returns.")
    if not isinstance(data, pd.DataFrame):
        data = data.to_pandas() if hasattr(data, "to_pandas") else pd.DataFrame(data)
    design = build_design(f"{formula} + (1 | {as_groups(groups)})", data, outcome=lambda y, factor: np.arange(float(_length(y))))
    own = design.random[0]
    frame = Frame(design, own.group, own.codes, own.levels)
    constant, means = frame.constant(frame.X), frame.means(frame.X)[frame.codes]
    kept = data if design.kept is None else data[design.kept]
    stay, inner, outer, new, at = [], [], [], {}, 0
    for term, names in design.encoder.named_terms:
        places = range(at, at := at + len(names))
        if not term:
            continue
        label = ":".join(map(as_written, term))
        if all(constant[k] for k in places):
            stay.append(label)
            continue
        if form == "mundlak":
            inner.append(label)
        for name, k in zip(names, places):
            plain = re.sub(r"[^0-9A-Za-z_]+", "_", re.sub(r"\[T\.", "_", name)).strip("_")
            if form == "hybrid" and not constant[k]:
                new[f"{plain}_within"] = frame.X[:, k] - means[:, k]
                inner.append(f"{plain}_within")
            new[f"{plain}_between"] = means[:, k]
            outer.append(f"{plain}_between")
    if not new:
        raise DataError(f"No predictor of {formula!r} varies within groups of {groups!r}; there are no group means to add.")
    taken = [name for name in new if name in data]
    if taken:
        raise DataError(f"The data already have a column {taken[0]!r}; drop or rename it first.")
    offsets = [factor.label for factor in written.offsets]
    right = [*([] if written.has_intercept else ["0"]), *stay, *inner, *outer, *offsets, f"(1 | {as_groups(groups)})"]
    return WithMeans(f"{as_written(written.outcome)} ~ {' + '.join(right)}", kept.assign(**new))


def _length(y) -> int:
    return len(y.codes) if hasattr(y, "codes") else len(y)
