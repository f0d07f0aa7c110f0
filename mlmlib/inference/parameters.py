"""The parameters of a fit under one set of names: coefficients, standard deviations, correlations, sigma.

``"cses"``, ``"sd(school: Intercept)"``, ``"corr(school: Intercept, cses)"``, ``"sigma"``: the names of the rows of
``fit.conf_int(which="all")``, of a profile and of a bootstrap.  Chapter 8 (``08_inference``) uses them throughout.
"""

from __future__ import annotations

import numpy as np

from ..lmm.optimise import Minimum

__all__ = ["Parameters", "icc_name", "sigma_name", "sources"]


def sigma_name(names) -> str:
    """What the residual standard deviation is called beside coefficients of these names.

    Examples
    --------
    >>> sigma_name(["Intercept", "x"]), sigma_name(["Intercept", "sigma"])
    ('sigma', 'sd(Residual)')
    """
    return "sd(Residual)" if "sigma" in names else "sigma"


def icc_name(names) -> str:
    """What the intraclass correlation is called beside coefficients of these names: ``"ICC"`` where one is "icc"."""
    return "ICC" if "icc" in names else "icc"


def sources(model) -> list[tuple[int, int, int]]:
    """For each parameter of the random part but sigma: its term and the place in the term's covariance matrix.

    Standard deviations (on the diagonal), then correlations, term by term; one place of those that are equal.
    """
    found = []
    for k, shape in enumerate(model.structures):
        for number in range(shape.sd.max() + 1):
            a = int(np.flatnonzero(shape.sd == number)[0])
            found.append((k, a, a))
        for number in range(shape.corr.max() + 1):
            a, b = (int(i[0]) for i in np.nonzero(np.triu(shape.corr == number)))
            found.append((k, a, b))
    return found


class Parameters:
    """Names and values of the parameters of a fit, and of many fits of the same model at once.

    Parameters
    ----------
    fit : LmmResult or OlsResult

    Attributes
    ----------
    names : tuple of str
        Fixed effects, then the standard deviations and correlations of each term, then ``"sigma"``
        (``"sd(Residual)"`` where a coefficient is called sigma).
    p : int
        How many of them are fixed effects.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> found = Parameters(fit)
    >>> found.names[2:]
    ('sd(Subject: Intercept)', 'sd(Subject: Days)', 'corr(Subject: Intercept, Days)', 'sigma')
    >>> found.values().round(2).tolist()
    [251.41, 10.47, 24.74, 5.92, 0.07, 25.59]
    """

    def __init__(self, fit):
        self.fit, self.p = fit, len(fit._names)
        names, self._sources = [], sources(fit.model) if fit.design.random else []
        for k, a, b in self._sources:
            term, shape = fit.design.random[k], fit.model.structures[k]
            if a == b:
                alike = np.flatnonzero(shape.sd == shape.sd[a])
                names.append(f"sd({term.group}: {' = '.join(term.names[one] for one in alike)})")
            else:
                names.append(f"corr({term.group}: {term.names[a]}, {term.names[b]})")
        self.names = (*fit._names, *names, sigma_name(fit._names))

    def values(self) -> np.ndarray:
        """The estimates, shape (k,)."""
        fit = self.fit
        T = [own[None] for own in fit._T] if self._sources else []
        return self.gather(fit._params[None], T, np.array([fit.sigma]))[0]

    def gather(self, b: np.ndarray, T: list[np.ndarray], sigma: np.ndarray) -> np.ndarray:
        """The values of R fits, shape (R, k).

        Parameters
        ----------
        b : ndarray, shape (R, p)
        T : list of ndarray, shape (R, q, q)
            The covariance matrix of each term; a correlation with an effect that does not vary is NaN.
        sigma : ndarray, shape (R,)
        """
        columns = [*b.T]
        for k, a, c in self._sources:
            sd = np.sqrt(np.maximum(T[k][:, a, a], 0.0))
            if a == c:
                columns.append(sd)
                continue
            product = sd * np.sqrt(np.maximum(T[k][:, c, c], 0.0))
            with np.errstate(divide="ignore", invalid="ignore"):
                r = np.where(product > 1e-12 * sigma ** 2, T[k][:, a, c] / product, np.nan)
            columns.append(np.clip(r, -1.0, 1.0))
        return np.stack([*columns, sigma], axis=1)

    def gather_batch(self, found, b: np.ndarray) -> np.ndarray:
        """The values of a `BatchFit`, its coefficients already in the reader's columns."""
        model = self.fit.model
        T = []
        for block, back in zip(model.criterion.blocks, model.z_maps):
            factor = back @ found.L[:, block, block]
            T.append(found.s2[:, None, None] * (factor @ factor.transpose(0, 2, 1)))
        return self.gather(b, T, np.sqrt(found.s2))

    def covariances(self, values: np.ndarray) -> list[np.ndarray]:
        """The covariance matrix of each term at R sets of values, shape (R, k): a list of arrays (R, q, q)."""
        found = []
        for k, shape in enumerate(self.fit.model.structures):
            own = {(a, c): values[:, self.p + at] for at, (term, a, c) in enumerate(self._sources) if term == k}
            sd = np.stack([own[first, first] for first in (int(np.argmax(shape.sd == s)) for s in shape.sd)], axis=1)
            R = np.broadcast_to(np.eye(sd.shape[1]), (len(values), *shape.corr.shape)).copy()
            for (a, c), r in own.items():
                if a != c:
                    R[:, shape.corr == shape.corr[a, c]] = np.where(np.isnan(r), 0.0, r)[:, None]
            found.append(R * sd[:, :, None] * sd[:, None])
        return found

    @property
    def scales(self) -> tuple[str, ...]:
        """On which scale each is close to normal: ``"plain"``, ``"log"`` (sd, sigma), ``"atanh"`` (correlations)."""
        random = ["atanh" if a != c else "log" for _, a, c in self._sources]
        return (*["plain"] * self.p, *random, "log")

    def covariance(self) -> np.ndarray:
        """Covariance of the values, each on its scale: that of the coefficients and that of the variances, no more.

        NaN in the rows of parameters on the boundary.
        """
        fit, p = self.fit, self.p
        whole = np.zeros((len(self.names), len(self.names)))
        whole[:p, :p] = fit._cov
        if fit.reml is not None:
            whole[p:, p:] = fit.variance_cov()[1]
        else:
            degrees = fit.nobs if fit.method == "ml" else fit.df_resid
            whole[p:, p:] = 1.0 / (2.0 * degrees)
        return whole

    def moved(self, values: np.ndarray):
        """The fit as it would be with other values of its parameters: what a derived quantity is computed from.

        Coefficients, covariances and what follows from them (variances, random effects, predictions) move; data,
        likelihood and messages stay those of the fit.

        Parameters
        ----------
        values : ndarray, shape (k,)

        Returns
        -------
        LmmResult or OlsResult
        """
        import copy
        from dataclasses import replace
        fit, p = self.fit, self.p
        b, sigma = values[:p], float(values[-1])
        if not self._sources:
            other = copy.copy(fit)
            other.__dict__.pop("_fitted", None)
            other.__dict__.update(_params=np.array(b), sigma=sigma, _cov=fit._cov * (sigma / fit.sigma) ** 2)
            return other
        model, at = fit.model, fit._at
        L = np.zeros_like(at.L)
        parts = zip(model.structures, model.criterion.blocks, model.z_maps, self.covariances(values[None]))
        for shape, block, back, T in parts:
            forward = np.linalg.inv(back)
            L[block, block] = shape.factor(shape.theta(forward @ T[0] @ forward.T / sigma ** 2))
        there = model.criterion.evaluate(L, model.criterion.basis)
        there = replace(there, b=model.x_map.T @ b - model.start_b, s2=sigma ** 2)
        from ..lmm.result import LmmResult
        return LmmResult(model, Minimum(there, fit.n_evaluations, fit.converged, fit.gradient_norm))
