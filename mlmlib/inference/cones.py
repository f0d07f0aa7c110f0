"""Convex cones of parameters, projections on them, and the weights of chi-square that they lead to.

Let z be normal with covariance inverse to the information J.  The squared length of its projection on a cone, both in
the metric J, is a mixture of chi-squares: chi2(k) has as weight the cone's k-th intrinsic volume v_k.  These are

- for one half line 1/2 and 1/2;
- in two and three dimensions angles, areas and arcs: v_2 is the angle's part of the circle; v_3 the part of the sphere
  inside the cone and v_2 its perimeter over 4 pi, and the even and the odd ones sum to 1/2 each;
- for more, averages over draws of z.  The derivative of the projection at z has eigenvalues between 0 and 1; the
  chances that k independent coins with these probabilities show heads have v_k as their expectation, because the
  volume of a tube about a face grows with the curvatures in just that way (Steiner's formula).  Where the cone has flat
  faces alone the eigenvalues are 0 and 1 and this counts the dimension of the face.

Chapter 8 (``08_inference``) uses the weights to test variances.

References
----------
Shapiro, A. (1988). Towards a unified theory of inequality constrained testing in multivariate analysis. International
Statistical Review, 56, 49-62.
McCoy, M. B., & Tropp, J. A. (2014). From Steiner formulas for cones to concentration of intrinsic volumes. Discrete &
Computational Geometry, 51, 926-963.
Boyd, S., Parikh, N., Chu, E., Peleato, B., & Eckstein, J. (2011). Distributed optimization and statistical learning via
the alternating direction method of multipliers. Foundations and Trends in Machine Learning, 3, 1-122, section 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Cone", "intrinsic_volumes", "project"]

_ARC = 20_000  # points of the quadrature along an elliptical cone


@dataclass(frozen=True)
class Cone:
    """Free coordinates, then coordinates that are not negative, then positive semidefinite matrices.

    Attributes
    ----------
    free, positive : int
        How many coordinates of each kind.
    matrices : tuple of int
        Sizes r of the matrices, each r (r + 1) / 2 coordinates: the upper triangle row by row, elements off the
        diagonal times the root of 2, so that lengths are Frobenius norms.
    """

    free: int = 0
    positive: int = 0
    matrices: tuple[int, ...] = ()

    @property
    def dim(self) -> int:
        return self.free + self.positive + sum(r * (r + 1) // 2 for r in self.matrices)

    @property
    def places(self) -> list[slice]:
        """Where the coordinates of each matrix stand."""
        found, at = [], self.free + self.positive
        for r in self.matrices:
            found.append(slice(at, at + r * (r + 1) // 2))
            at = found[-1].stop
        return found

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """The nearest points of the cone in ordinary distance, shape (N, dim)."""
        found = points.copy()
        np.maximum(points[:, self.free:self.free + self.positive], 0.0,
                   out=found[:, self.free:self.free + self.positive])
        for r, place in zip(self.matrices, self.places):
            values, vectors = np.linalg.eigh(_matrices(points[:, place], r))
            found[:, place] = _coordinates((vectors * np.maximum(values, 0.0)[:, None]) @ vectors.transpose(0, 2, 1))
        return found

    def slope(self, points: np.ndarray) -> np.ndarray:
        """The derivative of `nearest` at each point, shape (N, dim, dim)."""
        slope = np.zeros((len(points), self.dim, self.dim))
        flat = np.arange(self.free + self.positive)
        slope[:, flat, flat] = (flat < self.free) | (points[:, flat] > 0)
        for r, place in zip(self.matrices, self.places):
            values, vectors = np.linalg.eigh(_matrices(points[:, place], r))
            rows, columns = np.triu_indices(r)
            axes = vectors.transpose(0, 2, 1)
            pair = axes[:, rows, :, None] * axes[:, columns, None]
            pair = (pair + pair.transpose(0, 1, 3, 2)) / np.where(rows == columns, 2.0, np.sqrt(2.0))[:, None, None]
            frame = _coordinates(pair.reshape(-1, r, r)).reshape(len(points), len(rows), -1)
            top, bottom = values[:, columns], values[:, rows]  # eigenvalues ascend
            share = np.where(bottom > 0, 1.0, np.where(top > 0, top / np.where(top > bottom, top - bottom, 1.0), 0.0))
            slope[:, place, place] = frame.transpose(0, 2, 1) @ (share[..., None] * frame)
        return slope


def _matrices(coordinates: np.ndarray, r: int) -> np.ndarray:
    rows, columns = np.triu_indices(r)
    values = coordinates * np.where(rows == columns, 1.0, np.sqrt(0.5))
    found = np.empty((len(coordinates), r, r))
    found[:, rows, columns] = found[:, columns, rows] = values
    return found


def _coordinates(matrices: np.ndarray) -> np.ndarray:
    rows, columns = np.triu_indices(matrices.shape[-1])
    return matrices[:, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))


def project(cone: Cone, information: np.ndarray, points: np.ndarray, limit: int = 4000) -> np.ndarray:
    """Projections of points on a cone in the metric of an information matrix.

    Parameters
    ----------
    cone : Cone
    information : ndarray, shape (dim, dim)
        Positive definite.
    points : ndarray, shape (N, dim)
    limit : int
        Largest number of steps.

    Returns
    -------
    ndarray, shape (N, dim)

    Notes
    -----
    The method of multipliers, all points at once; a point that has settled to 1e-7 of its length is left out.

    Examples
    --------
    >>> project(Cone(positive=2), np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([[-1.0, 1.0]])).round(6).tolist()
    [[0.0, 0.5]]
    """
    return _solve(cone, information, points, limit)[0]


def _solve(cone, information, points, limit=4000):
    """The projections, and the points whose ordinary projections they are, with the step that relates the two."""
    values = np.linalg.eigvalsh(information)
    step = float(np.sqrt(values[0] * values[-1]))
    inverse = np.linalg.inv(information + step * np.eye(cone.dim))
    pull = points @ information
    size = np.sqrt(np.einsum("ij,ij->i", pull, points) / step) + 1e-300
    w = cone.nearest(points)
    u = np.zeros_like(w)
    going = np.arange(len(points))
    for _ in range(limit):
        x = (pull[going] + step * (w[going] - u[going])) @ inverse
        x = 1.6 * x - 0.6 * w[going]
        moved = cone.nearest(x + u[going])
        u[going] += x - moved
        gap = np.maximum(np.abs(x - moved).max(axis=1), np.abs(moved - w[going]).max(axis=1))
        w[going] = moved
        going = going[gap > 1e-7 * size[going]]
        if not len(going):
            break
    return w, w + u, step


def intrinsic_volumes(cone: Cone, information: np.ndarray, draws: int = 20_000, seed: int = 20) -> np.ndarray:
    """The weights of chi2(0), chi2(1), ..., chi2(dim).

    Parameters
    ----------
    cone : Cone
        Without free coordinates.
    information : ndarray, shape (dim, dim)
    draws : int
        Where the weights have no closed form (more than three dimensions).
    seed : int

    Returns
    -------
    ndarray, shape (dim + 1,)
        Exact up to three dimensions; else with a standard error of at most ``0.5 / sqrt(draws)``.

    Examples
    --------
    >>> intrinsic_volumes(Cone(positive=3), np.eye(3)).round(6).tolist()
    [0.125, 0.375, 0.375, 0.125]
    >>> intrinsic_volumes(Cone(matrices=(2,)), np.eye(3)).round(4).tolist()
    [0.1464, 0.3536, 0.3536, 0.1464]
    """
    if cone.free:
        raise ValueError("Profile the free coordinates out first.")
    scale = _scale(cone, information)
    information = information / np.outer(scale, scale)
    if cone.dim < 2:
        return np.full(cone.dim + 1, 1.0 / (cone.dim + 1))
    if cone.dim <= 3:
        return _small(cone, information)
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(information)
    found = np.zeros(cone.dim + 1)
    for at in range(0, draws, 5000):
        z = np.linalg.solve(root.T, rng.standard_normal((cone.dim, min(5000, draws - at)))).T
        found += _coins(_contraction(cone, information, root, z)).sum(axis=0)
    for parity in (0, 1):
        found[parity::2] *= 0.5 / found[parity::2].sum()
    return found


def _scale(cone, information) -> np.ndarray:
    """Units of the coordinates in which the information is of moderate size and the cone the same."""
    scale = np.sqrt(np.diagonal(information)).copy()
    for place in cone.places:
        scale[place] = np.sqrt(np.mean(scale[place] ** 2))
    return scale


def _contraction(cone, information, root, z) -> np.ndarray:
    """Eigenvalues of the projection's derivative at each z, shape (N, dim)."""
    _, before, step = _solve(cone, information, z)
    slope = cone.slope(before)
    right = slope @ (information / step)
    derivative = np.linalg.solve(np.eye(cone.dim) - slope + right, right)
    turned = root.T @ derivative @ np.linalg.inv(root.T)
    return np.clip(np.linalg.eigvalsh((turned + turned.transpose(0, 2, 1)) / 2.0), 0.0, 1.0)


def _coins(chances: np.ndarray) -> np.ndarray:
    """Distribution of the number of heads of coins with these chances, shape (N, coins + 1)."""
    found = np.zeros((len(chances), chances.shape[1] + 1))
    found[:, 0] = 1.0
    for chance in chances.T[..., None]:
        found[:, 1:] = found[:, 1:] * (1.0 - chance) + found[:, :-1] * chance
        found[:, :1] *= 1.0 - chance
    return found


def _small(cone, information) -> np.ndarray:
    """Two or three dimensions: angle, or area and perimeter on the sphere."""
    root = np.linalg.cholesky(information).T
    if cone.matrices:
        t = np.arange(_ARC) * (np.pi / _ARC)
        ray = root @ np.array([np.cos(t) ** 2, np.sqrt(2.0) * np.sin(t) * np.cos(t), np.sin(t) ** 2])
        slant = root @ np.array([-np.sin(2 * t), np.sqrt(2.0) * np.cos(2 * t), np.sin(2 * t)])
        long = np.sqrt((ray ** 2).sum(axis=0))
        axis = (ray / long).sum(axis=1)
        axis /= np.linalg.norm(axis)
        turn = axis @ np.cross(ray, slant, axis=0)
        height = axis @ ray
        area = abs(float((turn / (long ** 2 - height ** 2) * (1.0 - height / long)).sum())) * np.pi / _ARC
        swept = np.sqrt((np.cross(ray, slant, axis=0) ** 2).sum(axis=0)) / long ** 2
        perimeter = float(swept.sum()) * np.pi / _ARC
    else:
        ray = root / np.sqrt((root ** 2).sum(axis=0))
        cosine = (ray.T @ ray)[np.triu_indices(cone.dim, 1)]
        angles = np.arccos(np.clip(cosine, -1.0, 1.0))
        if cone.dim == 2:
            inside = float(angles[0]) / (2.0 * np.pi)
            return np.array([0.5 - inside, 0.5, inside])
        perimeter = float(angles.sum())
        area = 2.0 * float(np.arctan2(abs(np.linalg.det(ray)), 1.0 + cosine.sum()))
    inside, edge = area / (4.0 * np.pi), perimeter / (4.0 * np.pi)
    return np.array([0.5 - edge, 0.5 - inside, edge, inside])
