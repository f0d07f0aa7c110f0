"""What a fitted GLMM can be asked beside what every mixed model can: averages over groups, ratios, quantile residuals.

Chapter 16 (``16_binary``) asks them.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Questions"]


class Questions:
    """Methods of `mlmlib.GlmmResult`; each is a function of a module of its own."""

    model: Any
    family: Any
    link: Any
    density: Any

    def marginal_coef(self, method: str = "average", level: float = 0.95):
        """Coefficients averaged over groups, beside those within groups: see `mlmlib.glmm.marginal.marginal_coef`."""
        from .marginal import marginal_coef
        return marginal_coef(self, method, level)

    def ratios(self, level: float = 0.95, *, method: str = "wald", marginal: bool = False, intercept: bool = False):
        """Exponentiated coefficients, called what they are in this model: see `mlmlib.glmm.ratios.ratios`."""
        from .ratios import ratios
        return ratios(self, level, method=method, marginal=marginal, intercept=intercept)

    def odds_ratios(self, level: float = 0.95, **options):
        """Odds ratios; an error where the model has others (then `ratios` has them)."""
        from .ratios import odds_ratios
        return odds_ratios(self, level, **options)

    def rate_ratios(self, level: float = 0.95, **options):
        """Rate ratios; an error where the model has others (then `ratios` has them)."""
        from .ratios import rate_ratios
        return rate_ratios(self, level, **options)

    def residuals(self, kind: str = "raw", level: str = "conditional", *, seed: int = 1):
        """Residuals of rows or of groups: see `mlmlib.diagnostics.glmm_residuals.glmm_residuals`."""
        from ..diagnostics.glmm_residuals import glmm_residuals
        return glmm_residuals(self, kind, level, seed)

    def lr_vs_linear(self, mixture: bool = False):
        """Likelihood-ratio test of the random part: see `mlmlib.inference.generalized_comparison.lr_vs_plain`."""
        from ..inference.generalized_comparison import lr_vs_plain
        return lr_vs_plain(self, mixture)

    def profile(self, of=None, *, reml: bool = False, progress=None):
        """The profile likelihood of the parameters: see `mlmlib.inference.profile.profile`."""
        from ..inference.profile import profile
        return profile(self, of, reml=reml, progress=progress)

    def margins(self, over=None, at=None, *, dydx=None, level: float = 0.95, groups: str = "average",
                scale: str = "response"):
        """Average expected outcomes at chosen values, or average marginal effects.

        See `mlmlib.inference.generalized_margins.generalized_margins`.
        """
        from ..inference.generalized_margins import generalized_margins
        return generalized_margins(self, over, at, dydx=dydx, level=level, groups=groups, scale=scale)

    def _of_design(self, design, near=None):
        """The same kind of model of another design, fitted by the same method; begun at the estimates of a fit `near` to it."""
        model = self.model
        options = {name: getattr(model, name) for name in ("penalized", "order", "reml") if hasattr(model, name)}
        if hasattr(model, "free"):
            options["dispersion"] = "free" if model.free and not self.density.psi_names else "fixed"
        other = type(model)(design, self.family, self.link, model.covariance, nodes=model.nodes, reading=model.reading,
                            trials=model.trials_option, exposure=model.exposure_option, **options)
        start = None
        if near is not None and not near.is_singular and not options:
            start = other.point(near._params, near._T, near._psi)
        return type(self)(other, *other.fit(start))
