"""Predictors split into their levels: centering, and the within and between part of a column.

Chapter 6 (`06_centering`) derives what each centering does to the coefficients; chapters 3 and 4 center to give the
intercept a meaning.
"""

from __future__ import annotations

import re

from .errors import DataError
from .given import the_columns

__all__ = ["center", "within_between"]


def center(df, cols, groups=None, how=None):
    """Center columns: subtract the mean of all rows, or of the row's own group.

    Parameters
    ----------
    df : DataFrame
    cols : str or list of str
    groups : str, optional
        Column of groups, needed for group-mean centering.
    how : "grand" or "group"
        "group" when groups are given, else "grand". "grand" with groups is for level-2 predictors: the mean is taken
        over groups, each counted once, as HLM does.

    Returns
    -------
    Series for one column, DataFrame for a list; put it where you like.

    Notes
    -----
    Chapter 6 (`06_centering`): which centering answers which question.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> hsb = mlm.load("hsb")
    >>> cses = mlm.center(hsb, "ses", groups="school", how="group")
    >>> bool(abs(cses - hsb["cses"]).max() < 1e-12)
    True
    """
    how = how or ("grand" if groups is None else "group")
    if how not in ("grand", "group"):
        raise DataError(f"how is 'grand' or 'group', not {how!r}.")
    if how == "group" and groups is None:
        raise DataError("Group-mean centering needs the groups, as in groups='school'.")
    wanted = _numeric(df, [cols] if isinstance(cols, str) else list(cols), groups)
    if how == "grand":
        rows = wanted if groups is None else _one_per_group(wanted, df[groups], groups)
        result = wanted - rows.mean()
    else:
        result = wanted - _group_means(wanted, df[groups])
    return result[cols] if isinstance(cols, str) else result


def within_between(df, cols, groups):
    """Split predictors into their group mean and the deviation from it.

    Parameters
    ----------
    df : DataFrame
    cols : str or list of str
        Numbers, or categories. A category is split for each of its levels but the first.
    groups : str
        Column of groups.

    Returns
    -------
    DataFrame
        A copy of df with two columns more for each x: x_between, the mean of x in the row's group, and x_within, x minus that.
        For a category ``female`` with levels No and Yes they are ``female_Yes_between``, the share of Yes in the group, and
        ``female_Yes_within``, which is 1 or 0 minus that share.

    Notes
    -----
    Chapter 6 (`06_centering`). In a model that has both, they carry the between-group and the within-group slope. With random
    intercepts the coefficients of within parts do not change when a between part comes or goes. A missing value stays missing
    in the within part, and the mean is that of the rest of the group.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> split = mlm.within_between(mlm.load("math"), ["homework"], groups="schid")
    >>> fit = mlm.lmm("math ~ homework_between + homework_within + (1 | schid)", split, reml=False)
    >>> fit.params.round(3).to_dict()
    {'Intercept': 43.371, 'homework_between': 4.023, 'homework_within': 2.361}
    >>> hsb = mlm.within_between(mlm.load("hsb"), ["ses", "female"], groups="school")
    >>> list(hsb.columns[-4:])
    ['ses_between', 'ses_within', 'female_Yes_between', 'female_Yes_within']
    """
    cols = [cols] if isinstance(cols, str) else list(cols)
    the_columns(df, [*cols, groups], "Centering")
    wanted = _numbers_and_shares(df, cols, groups)
    means = _group_means(wanted, df[groups])
    flat = [c for c in wanted if wanted[c].notna().any()
            and (wanted[c] - means[c]).abs().max() <= 1e-12 * wanted[c].abs().max()]
    if flat:
        raise DataError(f"Column {flat[0]!r} does not vary within groups of {groups!r}: it has no within part. It is a "
                        "level-2 predictor and goes into the model as it is.")
    split = {f"{c}_{part}": values for c in wanted for part, values in
             (("between", means[c]), ("within", wanted[c] - means[c]))}
    taken = [name for name in split if name in df]
    if taken:
        raise DataError(f"The data already have a column {taken[0]!r}; drop or rename it first.")
    return df.assign(**split)


def _numbers_and_shares(df, cols, groups):
    """The columns as numbers, a category as one 0/1 column for each level but the first."""
    from . import frames as pd

    numeric = [c for c in cols if c not in df or df[c].dtype.kind in "iufb"]
    parts = {c: _numeric(df, [c], groups)[c] for c in numeric}
    for c in cols:
        if c in parts:
            continue
        column = df[c].astype("category").cat.remove_unused_categories()
        if len(column.cat.categories) > max(20, len(df) // 10):
            raise DataError(f"Column {c!r} has {len(column.cat.categories)} different values; that is a label, not a "
                            "category.")
        for level in column.cat.categories[1:]:
            name = f"{c}_{re.sub(r'[^0-9A-Za-z]+', '_', str(level)).strip('_')}"
            parts[name] = (column == level).astype(float).where(column.notna())
    order = [name for c in cols for name in parts if name == c or (c not in parts and name.startswith(f"{c}_"))]
    return pd.DataFrame({name: parts[name] for name in dict.fromkeys(order)}, index=df.index)


def _numeric(df, cols, groups):
    the_columns(df, [*cols, *([groups] if groups is not None else [])], "Centering")
    if groups is not None and len(df) and df[groups].isna().all():
        raise DataError(f"Column {groups!r} is missing in every row: there are no groups to take means of.")
    for name in cols:
        if df[name].dtype.kind not in "iufb":
            raise DataError(f"Column {name!r} holds {df[name].dtype}, not numbers: there is no mean to subtract. "
                            f"Make it 0 and 1 first, as in df[{name!r}] == 'Yes'.")  # fmt: skip
        if (df[name].abs() == float("inf")).any():
            raise DataError(f"Column {name!r} is infinite in {int((df[name].abs() == float('inf')).sum())} rows; mend or drop them.")
    return df[cols].astype(float)


def _group_means(wanted, groups):
    return wanted.groupby(groups.to_numpy()).transform("mean")


def _one_per_group(wanted, groups, name):
    grouped = wanted.groupby(groups.to_numpy())
    spread = grouped.max() - grouped.min()
    varying = [c for c in wanted if (spread[c] > 1e-9 * wanted[c].abs().max()).any()]
    if varying:
        raise DataError(
            f"how='grand' with groups is for level-2 columns, but {', '.join(map(repr, varying))} differs within "
            f"{name!r}. Leave groups out for the mean of all rows, or use how='group'."
        )
    return grouped.first()
