"""The result of a model with a structure of its residuals."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import numpy as np

from ..errors import DataError
from .result import LmmResult
from .row_model import RowModel
from .row_variances import RowVarianceParameters, residual_table

__all__ = ["RowResult"]

_FAR = 50.0  # logarithms from the rows' residual standard deviations to sigma


class RowResult(LmmResult):
    """A fitted linear (mixed) model whose residuals are correlated or of unequal variance.

    As `LmmResult`, and:

    Attributes
    ----------
    sigma : float
        Residual standard deviation where the variance structure is one: of the first group for ``by_group``, where the
        covariate is 1 for ``power`` and 0 for ``exponential``, as in nlme.
    residual_sd : Series
        Residual standard deviation of every row.

    Notes
    -----
    Chapter 14 (``14_growth_shapes``) reads one.  Tests of coefficients refer to the normal distribution.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("distance ~ age + (1 | Subject)", mlm.load("orthodont"), variance=mlm.by_group("Sex"))
    >>> fit.residual_structure
    [('variance', 'by group of Sex')]
    >>> fit.residual_table().round(3)
                                         name  estimate     se  lower  upper
    0  by_group(Sex): sd ratio(Female / Male)     0.453  0.078  0.324  0.635
    >>> fit.residual_sd.round(2).unique().tolist()
    [1.76, 0.8]
    """

    sigma: float
    n_params: int
    messages: tuple[str, ...]

    def __init__(self, model: RowModel, minimum, messages=()):
        super().__init__(model, minimum, messages)
        log_sd = model.rows.log_sd(model.psi)
        with np.errstate(over="ignore"):
            sigma = float(np.sqrt(minimum.at.s2) * np.exp(-np.mean(log_sd)))
        self._freeze(sigma=sigma, n_params=self.n_params + model.rows.n_params)
        if abs(np.mean(log_sd)) > _FAR:
            self._freeze(messages=(*self.messages, _far(model.rows.titles)))

    # the residuals' structure

    @cached_property
    def _variances(self) -> RowVarianceParameters:
        return RowVarianceParameters(self)

    @property
    def residual_structure(self) -> list:
        """What was asked for: pairs such as ``("correlation", "AR(1) within Subject")``."""
        return list(self.model.rows.titles)

    @property
    def residual_params(self):
        """Parameters of the residuals' structure (Series)."""
        from .. import frames as pd
        return pd.Series(self.model.rows.natural(self.model.psi),
                         index=[parameter.name for parameter in self.model.rows.parameters])

    def residual_table(self, level: float = 0.95):
        """Parameters of the residuals' structure with standard errors and intervals (DataFrame)."""
        return residual_table(self, level)

    @cached_property
    def _row_sd(self) -> np.ndarray:
        log_sd = np.broadcast_to(self.model.rows.log_sd(self.model.psi), self.nobs)
        sd = np.sqrt(self._at.s2) * np.exp(log_sd - log_sd.mean())
        return sd if self.model.root_weights is None else sd / self.model.root_weights

    @property
    def residual_sd(self):
        """Residual standard deviation of every row used (Series)."""
        return self._row_series(self._row_sd, "residual sd")

    def residual_cov(self, group):
        """Covariance matrix of one group's residuals, in the order of the data's rows (DataFrame).

        Parameters
        ----------
        group : label
            A group of the correlation structure.
        """
        from .. import frames as pd
        correlation = self.model.rows.correlation
        if correlation is None:
            raise ValueError("The residuals are uncorrelated; see residual_sd.")
        layout = correlation.layout
        labels = [str(level) for level in layout.levels]
        if str(group) not in labels:
            raise ValueError(f"There is no group {group!r}; the first are {', '.join(labels[:5])}.")
        rows = np.flatnonzero(layout.codes == labels.index(str(group)))
        units = np.zeros((len(rows), self.nobs))
        units[np.arange(len(rows)), rows] = 1.0
        white = self.model.rows.whiten(units, self.model.psi)[0][:, rows]  # column of L^-1 for each row
        if self.model.root_weights is not None:
            white = white * self.model.root_weights[rows, None]
        cov = self._at.s2 * np.linalg.inv(white @ white.T)
        index = self.design.index()[rows]
        return pd.DataFrame(cov, index=index, columns=index)

    # rows

    def _whitened(self, values: np.ndarray) -> np.ndarray:
        """Values of rows freed of correlation, in units of their standard deviation."""
        root = self.model.root_weights
        rows = values[None] if root is None else (values * root)[None]
        return self.model.rows.whiten(rows, self.model.psi)[0][0] / np.sqrt(self._at.s2)

    @property
    def scaled_residuals(self):
        """Residuals divided by each row's own standard deviation (nlme's ``"pearson"``)."""
        return self._row_series((self.design.y - self._fitted) / self._row_sd, "scaled residual")

    def residuals(self, kind: str = "raw", level: str = "conditional"):
        """Residuals of rows, or the random effects of groups.

        Parameters
        ----------
        kind : {"raw", "pearson", "scaled"}
            In units of the outcome; divided by each row's standard deviation; or freed of correlation too (nlme's
            ``"normalized"``: row i less what the rows of its group before it predict).
        level : {"conditional", "marginal"}
            Outcome less fixed and random part, or less the fixed part.  The name of a grouping factor: its predicted
            random effects (DataFrame).
        """
        if level in self.n_groups and kind == "raw":
            return self.random_effects[level]
        if level not in ("conditional", "marginal"):
            raise ValueError(f"level={level!r} is not known; residuals are 'conditional' or 'marginal' here, and those "
                             "of groups 'raw'.")
        if kind not in ("raw", "pearson", "scaled"):
            raise ValueError(f"kind={kind!r} is not known for a model with correlation= or variance=; choose one of "
                             "raw, pearson, scaled.")
        values = self.design.y - (self._fitted if level == "conditional" else self._fixed_part)
        if level == "marginal" and kind == "scaled" and self.design.random:
            raise ValueError("kind='scaled' is there for conditional residuals of this model; marginal ones are 'raw' "
                             "or 'pearson'.")
        if kind == "pearson":
            variance = self._row_sd ** 2
            for term, T in zip(self.design.random, self._T) if level == "marginal" else ():
                share = 1.0 if term.members is None else term.members.square
                variance = variance + share * np.einsum("na,ab,nb->n", term.Z, T, term.Z)
            values = values / np.sqrt(variance)
        elif kind == "scaled":
            values = self._whitened(values)
        return self._row_series(values, f"{kind} {level} residual")

    # other fits

    def refit(self, y=None, *, reml: bool | None = None) -> Self:
        model = self.model
        if reml is not None and reml != self.reml:
            model = type(model)(self.design, model.covariance, reml, model.correlation, model.variance)
        if y is not None:
            y = np.asarray(y, dtype=float)
            if y.shape != (self.nobs,) or not np.isfinite(y).all():
                raise DataError(f"refit needs {self.nobs} finite outcomes, one for each row used.")
            model = model.with_outcome(y)
        elif model is self.model:
            return self
        return type(self)(model, *model.fit())

    def _noise(self, e: np.ndarray) -> np.ndarray:
        out = self.model.rows.colour(e, self.model.psi) * np.sqrt(self._at.s2)
        return out if self.model.root_weights is None else out / self.model.root_weights

    # tests and intervals

    def conf_int(self, level: float = 0.95, method: str = "wald", which: str = "fixed", of=None, **options):
        """Confidence intervals as those of a mixed model; ``which="all"`` has the residuals' parameters too.

        See `mlmlib.inference.intervals.conf_int`.
        """
        from ..inference.row_intervals import conf_int
        return conf_int(self, level, method, which, of, **options)

    def lr_vs_linear(self, mixture: bool = False):
        """Test of the random part against the model with the same residual structure and no random effects."""
        from ..inference.row_comparison import lr_vs_gls
        return lr_vs_gls(self)

    @cached_property
    def _satterthwaite(self):
        from ..inference.row_small_sample import RowSatterthwaite
        return RowSatterthwaite(self)

    @property
    def theta(self) -> np.ndarray:
        """Parameters of the relative covariance factors, one term after the other (relative to the typical row)."""
        return super().theta if self.design.random else np.empty(0)

    @cached_property
    def _by_group(self) -> dict:
        return super()._by_group if self.design.random else {}

    def covariance_matrix(self, group: str | None = None):
        """Covariance matrix T of a grouping factor's random effects (DataFrame)."""
        if not self.design.random:
            raise ValueError("The model has no random effects; see residual_cov.")
        return super().covariance_matrix(group)


def _far(titles) -> str:
    structure = next(text for what, text in titles if what == "variance")
    return (f"The rows lie so far from where sigma is the residual standard deviation (structure: {structure}) that "
            "sigma itself means nothing; subtract a typical value from the column, or divide by it for a power. "
            "Nothing else depends on it.")
