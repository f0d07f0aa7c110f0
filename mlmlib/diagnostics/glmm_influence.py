"""What a GLMM's estimates would be without a group: the model is fitted again to the rows that are left.

Chapter 16 (``16_binary``) leaves districts out; the measures are those of Chapter 9 (``09_diagnostics``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DataError
from .deletion import Deleted
from .influence import Influence, _column

__all__ = ["GlmmInfluence", "glmm_influence", "part_of"]

_MANY = 1000  # fits, above which a column with fewer values is asked for


class GlmmInfluence(Influence):
    """Estimates of a GLMM without each group: `Influence`, the variance parameters those of ``variance_components``."""

    @property
    def _names(self):
        return [*self.fit._names, *_variance_names(self.fit)]

    @property
    def _full(self):
        return np.concatenate([self.fit._params, _variance_values(self.fit)])

    @property
    def rvc(self):
        """Of a GLMM `estimates` has standard deviations; there is no residual variance."""
        raise DataError("Relative changes of variances are for linear models; compare the sd(...) columns of "
                        "estimates.")


def _variance_names(fit) -> list[str]:
    """Standard deviations and correlations of each term, then the density's own parameters as reported."""
    names = []
    for term, T in zip(fit.design.random, fit._T):
        names += [f"sd({term.group}: {name})" for name in term.names]
        names += [f"corr({term.group}: {term.names[a]}, {term.names[b]})" for a in range(len(T))
                  for b in range(a + 1, len(T)) if not term.independent]
    return [*names, *fit.dispersion.index]


def _variance_values(fit) -> np.ndarray:
    values = []
    for term, T in zip(fit.design.random, fit._T):
        sd = np.sqrt(np.maximum(np.diagonal(T), 0.0))
        values += sd.tolist()
        with np.errstate(divide="ignore", invalid="ignore"):
            values += [T[a, b] / (sd[a] * sd[b]) for a in range(len(T)) for b in range(a + 1, len(T))
                       if not term.independent]
    return np.array([*values, *fit.dispersion], dtype=float)


def part_of(design, rows: np.ndarray):
    """The design of some of its rows; groups without rows are gone."""
    random = []
    for term in design.random:
        used, codes = np.unique(term.codes[rows], return_inverse=True)
        random.append(replace(term, Z=term.Z[rows], codes=codes, levels=term.levels[used]))
    cut = {name: None if getattr(design, name) is None else getattr(design, name)[rows]
           for name in ("weights", "offset")}
    extra = {name: None if value is None else value[rows] for name, value in (design.extra or {}).items()}
    kept = np.ones(len(design.y), dtype=bool) if design.kept is None else design.kept.copy()
    kept[np.flatnonzero(kept)[~np.isin(np.arange(len(design.y)), rows)]] = False
    return replace(design, y=design.y[rows], X=design.X[rows], random=tuple(random), kept=kept, extra=extra,
                   messages=(), **cut)


def glmm_influence(fit, by: str | None = None, progress=None) -> GlmmInfluence:
    """Leave out one group at a time and fit the GLMM again: see `mlmlib.influence`.

    Parameters
    ----------
    fit : GlmmResult
    by : str, optional
        A grouping factor, or a column of the data; the factor with the fewest groups when left out.
    progress : bool, optional
        A progress bar; by default when it takes longer than a second.

    Returns
    -------
    GlmmInfluence

    Raises
    ------
    DataError
        For single rows, for too many values of a column, and for memberships in several groups.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> mlm.influence(fit).most(1)[["dfbetas", "of"]].round(2).to_dict("index")
    {11: {'dfbetas': -1.07, 'of': 'period[T.2]'}}
    """
    from ..inference.blocks import bar_of
    from .several_blocks import default_factor
    if fit.density.K > 1 or hasattr(fit.density, "thresholds") or hasattr(fit.model, "penalized") or hasattr(fit, "outcomes"):
        raise DataError("Influence is there for one outcome with one mean a row, fitted by maximum likelihood; for "
                        "others leave rows out of the data and fit again.")
    several = [term.group for term in fit.design.random if term.members is not None]
    if several:
        raise DataError(f"Rows belong to several groups of {several[0]!r}; leaving out rows is for models with one group a row.")
    by = default_factor(fit) if by is None else by
    if by == "row":
        raise DataError(f"Leaving out each of {fit.nobs} rows would take as many fits. See fit.residuals('quantile') "
                        "for rows that do not fit, or name a grouping factor or a column: by=.")
    term = next((term for term in fit.design.random if term.group == by), None)
    codes, labels = (term.codes, term.levels) if term is not None else _column(fit, by)
    m, p = len(labels), len(fit._params)
    if m < 2 or (m == 2 and term is not None):
        raise DataError(f"There are too few groups of {by!r} to leave one out.")
    if m > _MANY:
        raise DataError(f"{by!r} has {m} values; leaving each of them out would take as many fits. Name a column with "
                        "fewer: by=.")
    k = len(_variance_names(fit))
    fixed, cov, values = np.full((m, p), np.nan), np.full((m, p, p), np.nan), np.full((m, k), np.nan)
    singular, why, count = np.zeros(m, dtype=bool), {}, 0
    with bar_of(m, progress, f"fits without a {by}") as bar:
        for j in range(m):
            try:
                left = fit._of_design(part_of(fit.design, np.flatnonzero(codes != j)), fit)
                if not left.converged:
                    raise DataError("the search did not converge")
                fixed[j], cov[j], values[j] = left._params, left._cov, _variance_values(left)
                singular[j], count = left.is_singular, count + left.n_evaluations
            except (DataError, np.linalg.LinAlgError) as error:
                why[j] = str(error).rstrip(".")
            bar.update(1)
    measures = {name: np.full(m, np.nan) for name in ("cooks", "mdffits", "covratio", "covtrace")}
    inverse, det = np.linalg.inv(fit._cov), np.linalg.slogdet(fit._cov)[1]
    for j in np.flatnonzero(np.isfinite(cov).all(axis=(1, 2))).tolist():
        shift = fixed[j] - fit._params
        measures["cooks"][j] = shift @ inverse @ shift / p
        measures["mdffits"][j] = shift @ np.linalg.solve(cov[j], shift) / p
        measures["covratio"][j] = np.exp(np.linalg.slogdet(cov[j])[1] - det)
        measures["covtrace"][j] = abs(np.trace(inverse @ cov[j]) - p)
    done = Deleted(fixed, np.sqrt(np.einsum("jaa->ja", cov)), values, singular, why, count)
    return GlmmInfluence(fit, by, labels, np.bincount(codes, minlength=m), done, measures, False)
