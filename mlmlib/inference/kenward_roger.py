"""Kenward and Roger's adjusted covariance of the coefficients, and F tests with their degrees of freedom.

The covariance Phi = s2 (X'V^-1X)^-1 of the coefficients takes the variances for known. With few groups they are not,
and Phi is too small. Let Sigma = sum_i g_i G_i be linear in the variances and covariances g, W the covariance matrix
of their estimates (twice the inverse of the expected REML information), P_i = -X'S G_i S X and
Q_ij = X'S G_i S G_j S X with S = Sigma^-1. Then

    Phi_A = Phi + 2 Phi (sum_ij W_ij (Q_ij - P_i Phi P_j)) Phi,

and a multiple of the Wald statistic with Phi_A is compared with F(q, nu), multiple and nu chosen so that its first two
moments agree with those of F.

No n x n matrix is needed. With V = Sigma / s2 and K_j = Z_j'V_j^-1 Z_j, Y_j = Z_j'V_j^-1 X_j H^(-1/2), a direction E of
the random effects' covariance contributes sums over groups of Y'EY, Y'EKFY and tr(EKFK). For the residual variance
the identity is written as V less the random effects' part: P and Q in the direction of V are the identity, its
information n - p, and as the formulas do not depend on the coordinates of g, V may take the place of the identity.

Chapter 8 (``08_inference``) derives the idea and shows when the adjustment matters.

References
----------
Kenward, M. G., & Roger, J. H. (1997). Small sample inference for fixed effects from restricted maximum likelihood.
Biometrics, 53, 983-997.
Halekoh, U., & Hojsgaard, S. (2014). A Kenward-Roger approximation and parametric bootstrap methods for tests in linear
mixed models: the R package pbkrtest. Journal of Statistical Software, 59(9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["KenwardRoger", "directions", "put_together"]


@dataclass(frozen=True)
class Sums:
    """What the method needs of the data, in units of the residual variance and with X'V^-1X turned to the identity.

    Attributes
    ----------
    information : ndarray, shape (m + 1, m + 1)
        Of the covariance parameters, and V last; twice the expected REML information.
    first : ndarray, shape (m + 1, p, p)
        -P: sum of Y'EY, and the identity last.
    second : ndarray, shape (m, m, p, p)
        Q: sum of Y'EKFY.
    """

    information: np.ndarray
    first: np.ndarray
    second: np.ndarray


class KenwardRoger:
    """Kenward-Roger's covariance and degrees of freedom.

    Parameters
    ----------
    fit : LmmResult
        A fit by maximum likelihood is fitted again by REML, which the method is made for; `note` says so.

    Attributes
    ----------
    params : ndarray, shape (p,)
        Coefficients (of the REML fit).
    cov : ndarray, shape (p, p)
        The adjusted covariance matrix.
    plain : ndarray, shape (p, p)
        The covariance matrix that takes the variances for known.
    note : str

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ homework + (1 + homework | schid)", mlm.load("math"))
    >>> kr = KenwardRoger(fit)
    >>> np.sqrt(np.diagonal(kr.cov)).round(4).tolist(), kr.df(np.eye(2)).round(3).tolist()
    ([1.7602, 0.9293], [21.9, 21.894])
    """

    name = "Kenward-Roger F test"

    def __init__(self, fit):
        notes = [] if fit.reml else ["fitted again by REML, which Kenward-Roger is made for"]
        fit = fit if fit.reml else fit.refit(reml=True)
        sums = _sums(fit)
        self.params, self.plain = fit._params, fit._cov
        self._half = np.sqrt(fit._at.s2) * np.linalg.inv(fit.model.x_map).T @ fit._at.half  # plain = half half'
        W, lost = _inverse(sums.information)
        if lost:
            notes.append("the variance parameters cannot all be told apart; what can is used")
        m = len(sums.second)
        W_effects, first = 2.0 * W[:m, :m], sums.first[:m]
        spread = (np.tensordot(W_effects, sums.second, 2)
                  - np.einsum("ij,iab,jbc->ac", W_effects, first, first, optimize=True))
        spread = (spread + spread.T) / 2.0
        self.cov = self.plain + 2.0 * self._half @ spread @ self._half.T
        self._W, self._first, self.note = 2.0 * W, sums.first, "; ".join(notes)

    def df(self, C: np.ndarray) -> np.ndarray:
        """Degrees of freedom of the rows of `C`, shape (k, p), each by itself; NaN where a row has no variance."""
        rows = C @ self._half
        size = (rows * rows).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.einsum("ka,iab,kb->ki", rows, self._first, rows, optimize=True) / size[:, None]
            return 2.0 / np.einsum("ki,ij,kj->k", ratio, self._W, ratio)

    def f(self, C: np.ndarray, difference: np.ndarray) -> tuple[float, float]:
        """F, scaled, and its denominator degrees of freedom for ``C b - rhs = difference``, rows of `C` independent."""
        q = len(C)
        plain = difference @ np.linalg.solve(C @ self.cov @ C.T, difference) / q
        if q == 1:
            return float(plain), float(self.df(C)[0])
        scale, df = self._moments(C)
        return float(scale * plain), df

    def _moments(self, C: np.ndarray) -> tuple[float, float]:
        """Scale of the Wald statistic and degrees of freedom that match two moments (Kenward & Roger, 1997, p. 987)."""
        q = len(C)
        Q = np.linalg.qr((C @ self._half).T)[0]  # an orthonormal basis of the tested directions
        turned = Q.T @ self._first @ Q
        traces = np.einsum("iaa->i", turned)
        flat = turned.reshape(len(turned), -1)
        A1 = float(traces @ self._W @ traces)
        A2 = float(np.sum(self._W * (flat @ flat.T)))
        B = (A1 + 6.0 * A2) / (2.0 * q)
        g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
        base = 3.0 * q + 2.0 * (1.0 - g)
        V0, V1, V2 = 1.0 + g / base * B, 1.0 - (q - g) / base * B, 1.0 - (q + 2 - g) / base * B
        V0 = 0.0 if abs(V0) < 1e-10 else V0
        top = 1.0 - A2 / q
        ratio = 1.0 if abs(top) < 1e-14 and abs(V1) < 1e-14 else top / V1
        rho = ratio ** 2 * V0 / (V2 * q)
        df = 4.0 + (q + 2) / (q * rho - 1.0)
        scale = 1.0 if abs(df - 2.0) < 1e-2 else df * (1.0 - A2 / q) / (df - 2.0)
        return scale, df


def directions(fit) -> np.ndarray:
    """The random effects' covariance matrix by each free variance and covariance, shape (m, q, q); it is linear in them.

    In the model's working columns, in which K and Y are.
    """
    model, found = fit.model, []
    wide = sum(len(term.names) for term in model.design.random)
    for shape, back, block in zip(model.structures, model.z_maps, model.criterion.blocks):
        forward = np.linalg.inv(back)
        patterns = [np.diag((shape.sd == k).astype(float)) for k in range(shape.sd.max() + 1)]
        patterns += [(shape.corr == k).astype(float) for k in range(shape.corr.max() + 1)]
        for pattern in patterns:
            E = np.zeros((wide, wide))
            E[block, block] = forward @ pattern @ forward.T
            found.append(E / np.abs(E).max())
    return np.array(found)


def _sums(fit) -> Sums:
    """The sums over groups, of the arrays K and Y that the criterion holds."""
    if hasattr(fit, "residual_table"):
        from .row_small_sample import row_sums
        return row_sums(fit)
    at, E = fit._at, directions(fit)
    if not fit.model.one_factor:
        return _several(fit, E)
    K = at.parts.K.transpose(2, 0, 1)  # (J, q, q)
    Y = at.Y[:, :-1].transpose(2, 0, 1)  # (J, q, p)
    p, n = Y.shape[2], len(fit.design.y)
    EY = E[:, None] @ Y  # (m, J, q, p)
    KEY = K @ EY
    first = np.tensordot(EY, Y, axes=([1, 2], [0, 1])).transpose(0, 1, 2)  # (m, p, p)
    second = np.tensordot(EY, KEY, axes=([1, 2], [1, 2])).transpose(0, 2, 1, 3)  # (m, m, p, p)
    EK = E[:, None] @ K
    trace = np.einsum("ijab,kjba->ik", EK, EK, optimize=True)
    single = np.einsum("ijaa->i", EK)
    return put_together(first, second, trace, single, n - p)


def _several(fit, E: np.ndarray) -> Sums:
    """The same sums where factors share rows, and K is one matrix for all their groups."""
    at, criterion = fit._at, fit.model.criterion
    K = criterion.elimination.K_sums(at.parts, at.L)
    n, p = fit.design.X.shape
    return put_together(criterion.fixed_sums(at, E), criterion.curved(at, E, slice(0, p)), criterion.traces(at, E),
                         np.einsum("iab,ab->i", E, K), n - p)


def put_together(first, second, trace, single, degrees: int) -> Sums:
    m, p = first.shape[:2]
    flat = first.reshape(m, -1)
    information = np.empty((m + 1, m + 1))
    information[:m, :m] = trace - 2.0 * np.einsum("ijaa->ij", second) + flat @ flat.T
    information[:m, m] = information[m, :m] = single - np.einsum("iaa->i", first)
    information[m, m] = degrees
    return Sums(information, np.concatenate([first, np.eye(p)[None]]), second)


def _inverse(information: np.ndarray) -> tuple[np.ndarray, bool]:
    """Inverse, in directions that have any information; whether one was left out."""
    scale = np.sqrt(np.maximum(np.diagonal(information), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    values, axes = np.linalg.eigh(information / np.outer(scale, scale))
    use = values > 1e-10
    root = axes[:, use] / np.sqrt(values[use]) / scale[:, None]
    return root @ root.T, not use.all()
