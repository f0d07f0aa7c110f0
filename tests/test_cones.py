"""Cones, their projections and intrinsic volumes; the information and the tangent cones of the models."""

from math import comb

import numpy as np
import pytest
from scipy.special import chdtrc

import mlmlib as mlm
from mlmlib.covariance import exchangeable, identity, independent, unstructured
from mlmlib.inference import cones
from mlmlib.inference.boundary import boundary_weights, expected_information, tangent
from mlmlib.inference.cones import Cone, intrinsic_volumes, project
from mlmlib.inference.nesting import embed
from models import data

CONES = [Cone(positive=3), Cone(matrices=(2,)), Cone(positive=2, matrices=(2,)), Cone(1, 2, (3, 2)), Cone(matrices=(4,))]


def metric(m, seed=1, extra=3):
    G = np.random.default_rng(seed).normal(size=(m, m + extra))
    return G @ G.T


def simulated(cone, information, n=20_000, seed=3):
    """The weights by draws, also where they have a closed form."""
    root = np.linalg.cholesky(information)
    z = np.linalg.solve(root.T, np.random.default_rng(seed).standard_normal((cone.dim, n))).T
    return z, cones._coins(cones._contraction(cone, information, root, z)).mean(axis=0)


@pytest.mark.parametrize("cone", CONES, ids=str)
def test_projections_are_nearest_points(cone):
    """In the cone, at a right angle to what is left, and what is left in the polar cone."""
    J = metric(cone.dim)
    z = np.random.default_rng(2).normal(size=(200, cone.dim))
    x = project(cone, J, z)
    assert np.allclose(cone.nearest(x), x, atol=1e-6)
    pull = (z - x) @ J
    assert np.abs((pull * x).sum(axis=1)).max() < 1e-4 * np.linalg.eigvalsh(J)[-1]
    assert np.allclose(cone.nearest(-pull)[:, cone.free:], -pull[:, cone.free:], atol=1e-4 * np.linalg.eigvalsh(J)[-1])
    assert np.allclose(pull[:, :cone.free], 0, atol=1e-4)


@pytest.mark.parametrize("cone", CONES, ids=str)
def test_the_slope_of_the_projection(cone):
    rng = np.random.default_rng(4)
    points, step = rng.normal(size=(5, cone.dim)), 1e-6 * rng.normal(size=(5, cone.dim))
    change = (cone.nearest(points + step) - cone.nearest(points - step)) / 2
    assert np.allclose(np.einsum("nij,nj->ni", cone.slope(points), step), change, atol=1e-11)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_orthants_have_binomial_weights(m):
    assert np.allclose(intrinsic_volumes(Cone(positive=m), np.eye(m)), [comb(m, k) / 2 ** m for k in range(m + 1)])


def test_larger_orthants():
    found = intrinsic_volumes(Cone(positive=6), np.diag([1.0, 4.0, 1e4, 1e-4, 2.0, 3.0]))
    assert np.allclose(found, [comb(6, k) / 64 for k in range(7)], atol=4 * 0.5 / np.sqrt(20_000))


def test_semidefinite_matrices():
    """The chance that a Gaussian symmetric 3 x 3 matrix is definite is (pi - 2 sqrt 2) / (4 pi); the cone is its own dual."""
    found = intrinsic_volumes(Cone(matrices=(3,)), np.eye(6), draws=40_000)
    chance = (np.pi - 2 * np.sqrt(2)) / (4 * np.pi)
    assert abs(found[0] - chance) < 0.003 and abs(found[6] - chance) < 0.003
    assert np.allclose(found, found[::-1], atol=0.006) and found @ np.arange(7) == pytest.approx(3, abs=0.02)
    half = (1 - np.sqrt(0.5)) / 2
    assert np.allclose(intrinsic_volumes(Cone(matrices=(2,)), np.eye(3)), [half, 0.5 - half, 0.5 - half, half])


@pytest.mark.parametrize("cone", [Cone(positive=2), Cone(positive=3), Cone(matrices=(2,))], ids=str)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_closed_forms_against_draws(cone, seed):
    J = metric(cone.dim, seed, extra=1)
    assert np.allclose(intrinsic_volumes(cone, J), simulated(cone, J)[1], atol=4 * 0.5 / np.sqrt(20_000))


@pytest.mark.parametrize("cone", [Cone(positive=2, matrices=(2,)), Cone(matrices=(3,))], ids=str)
def test_the_weights_make_the_distribution(cone):
    """The tail of the mixture is that of the squared length of projections."""
    J = metric(cone.dim, 7)
    weights = intrinsic_volumes(cone, J)
    z = np.linalg.solve(np.linalg.cholesky(J).T, np.random.default_rng(8).standard_normal((cone.dim, 20_000))).T
    x = project(cone, J, z)
    length = np.einsum("ni,ij,nj->n", x, J, x)
    for value in (0.5, 2.0, 5.0, 9.0):
        tail = sum(weight * chdtrc(k, value) for k, weight in enumerate(weights) if k)
        assert abs((length > value).mean() - tail) < 0.012


def test_blocks_that_share_no_information_are_independent():
    J = np.zeros((4, 4))
    J[0, 0], J[1:, 1:] = 2.0, metric(3)
    apart = np.convolve([0.5, 0.5], intrinsic_volumes(Cone(matrices=(2,)), J[1:, 1:]))
    assert np.allclose(intrinsic_volumes(Cone(positive=1, matrices=(2,)), J), apart, atol=0.014)


@pytest.mark.parametrize("structures, D, cone", [
    ([unstructured(2)], np.zeros((2, 2)), Cone(0, 0, (2,))),
    ([unstructured(3)], np.diag([0.0, 1.0, 2.0]), Cone(5, 1)),
    ([unstructured(2)], np.full((2, 2), 0.7), Cone(2, 1)),
    ([unstructured(2)], np.eye(2), Cone(3)),
    ([independent(3)], np.diag([0.0, 1.0, 0.0]), Cone(1, 2)),
    ([identity(3)], np.zeros((3, 3)), Cone(0, 1)),
    ([exchangeable(3)], np.ones((3, 3)), Cone(1, 1)),
    ([exchangeable(2)], np.zeros((2, 2)), Cone(0, 2)),
    ([unstructured(1), unstructured(2)], np.diag([0.0, 0.0, 0.0]), Cone(0, 1, (2,))),
    ([unstructured(3), unstructured(3)], np.zeros((6, 6)), Cone(0, 0, (3, 3))),
])
def test_tangent_cones(structures, D, cone):
    found = tangent(structures, D)
    assert found.cone == cone and len(found.directions) == cone.dim
    flat = found.directions.reshape(cone.dim, -1)
    assert np.linalg.matrix_rank(flat) == cone.dim and np.allclose(found.directions, found.directions.transpose(0, 2, 1))
    rng = np.random.default_rng(1)
    inside = cone.nearest(rng.normal(size=(20, cone.dim))) + 1e-3 * cone.nearest(np.abs(rng.normal(size=(20, cone.dim))))
    for E in np.tensordot(inside, found.directions, 1):  # a small step is a covariance matrix, up to second order
        assert np.linalg.eigvalsh(D + 1e-5 * E)[0] > -1e-8


@pytest.mark.parametrize("reml", [True, False])
def test_expected_information_against_dense_matrices(reml):
    few = data("hsb")[data("hsb")["school"].isin(sorted(data("hsb")["school"].unique())[:6])]
    few = few.assign(w=1.0 + np.arange(len(few)) % 3)
    fitted = mlm.lmm("mathach ~ cses + (1 + cses | school)", few, reml=reml, weights="w")
    D, term = np.array([[0.3, 0.1], [0.1, 0.2]]), fitted.design.random[0]
    E = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.3], [0.3, 1.0]]])
    root = np.sqrt(fitted.design.weights)[:, None]
    Z, X = term.Z @ fitted.model.z_maps[0] * root, fitted.design.X * root
    same = term.codes[:, None] == term.codes
    V = np.eye(len(X)) + same * (Z @ D @ Z.T)
    W = np.linalg.inv(V)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W if reml else W
    S = [*(same * (Z @ e @ Z.T) for e in E), V]
    whole = np.array([[np.trace(P @ a @ P @ b) / 2 for b in S] for a in S])
    dense = whole[:3, :3] - np.outer(whole[:3, 3], whole[:3, 3]) / whole[3, 3]
    assert np.allclose(expected_information(fitted.model, D, E), dense, rtol=1e-8)


def test_the_null_in_the_columns_of_the_larger_model():
    null, full = (mlm.lmm(f"mathach ~ cses + ({part} | school)", data("hsb")) for part in ("1", "1 + cses"))
    found = embed(null, full)
    back = full.model.z_maps[0] @ found.D @ full.model.z_maps[0].T
    assert np.allclose(back, np.diag([null.theta[0] ** 2, 0]), atol=1e-10) and not found.singular
    assert full.model.criterion.evaluate(np.linalg.eigh(found.D)[1] * np.sqrt(np.maximum(np.linalg.eigvalsh(found.D), 0)),
                                         full.model.criterion.basis).value == pytest.approx(null.criterion, abs=1e-6)
    assert boundary_weights(full, found.D, 1) == {1: 0.5, 2: 0.5}
