"""Batches of refits against each refit by itself, and what becomes of replicates that cannot be fitted."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.inference.replicate import Mixed
from mlmlib.inference.resample import outcomes
from mlmlib.lmm import batch_fit
from mlmlib.lmm.batch_fit import fit_replicates
from mlmlib.lmm.batch_steps import steps

SLEEP = mlm.load("sleepstudy")
LINE = "Reaction ~ Days + (1 + Days | Subject)"


def unsettled(monkeypatch):
    """No batch is told that it converged, so that each replicate is fitted alone."""
    search = batch_fit.minimize_batch

    def minimize(*arguments, **options):
        state, converged = search(*arguments, **options)
        return state, np.zeros_like(converged)

    monkeypatch.setattr(batch_fit, "minimize_batch", minimize)


@pytest.mark.parametrize("kind", ["parametric", "residual", "cluster"])
@pytest.mark.parametrize("formula, reml", [(LINE, True), ("Reaction ~ Days + (1 | Subject)", False)])
def test_replicates_alone_are_those_of_the_batch(monkeypatch, formula, reml, kind):
    """Also of drawn groups, which come several times, and where the batch is handed a replicate that it gives up."""
    own = Mixed(mlm.lmm(formula, SLEEP, reml=reml), kind)
    batch = own(3, 6)
    unsettled(monkeypatch)
    alone = own(3, 6)
    assert not alone.failed.any() and np.array_equal(alone.singular, batch.singular)
    np.testing.assert_allclose(alone.values, batch.values, rtol=2e-5, atol=1e-6)


def test_replicates_alone_have_the_criterion_of_a_fit(monkeypatch):
    fit = mlm.lmm(LINE, SLEEP)
    Y = fit.simulate(2, seed=4)
    unsettled(monkeypatch)
    found = fit_replicates(fit.model, outcomes(fit.model, Y))
    for k, y in enumerate(Y):
        own = fit.refit(y)
        assert found.value[k] == pytest.approx(own.criterion, abs=1e-7)
        np.testing.assert_allclose((fit.model.start_b + found.b[k]) @ np.linalg.inv(fit.model.x_map), own.params, rtol=1e-7)


def test_a_replicate_that_no_search_ends_has_failed(monkeypatch):
    fit = mlm.lmm(LINE, SLEEP)
    unsettled(monkeypatch)

    def broken(*_):
        raise np.linalg.LinAlgError("not positive definite")

    monkeypatch.setattr(batch_fit, "alone", broken)
    found = fit_replicates(fit.model, outcomes(fit.model, fit.simulate(2, seed=4)))
    assert found.failed.all() and not found.singular.any()
    assert np.isnan(found.value).all() and np.isnan(found.b).all() and np.isnan(found.s2).all()


def test_a_batch_without_fixed_part():
    fit = mlm.lmm("Reaction ~ 0 + (1 + Days | Subject)", SLEEP, reml=False)
    Y = fit.simulate(3, seed=5)
    found = fit_replicates(fit.model, outcomes(fit.model, Y))
    np.testing.assert_allclose(found.value, [fit.refit(y).criterion for y in Y], atol=1e-7)


def test_a_step_off_a_saddle_goes_down_along_its_direction():
    """Without a slope there, Newton's step is zero: the step has the length of the radius, along the lowest curvature."""
    hessian = np.array([[[2.0, 0.0], [0.0, -1.0]], [[3.0, 0.0], [0.0, 2.0]]])
    step, promised, decrement = steps(np.zeros((2, 2)), hessian, np.array([0.5, 0.5]))
    np.testing.assert_allclose(np.abs(step), [[0.0, 0.5], [0.0, 0.0]], atol=1e-9)
    np.testing.assert_allclose(promised, [0.5 * 0.5**2, 0.0], atol=1e-9)
    assert decrement[0] > 0 and decrement[1] == 0
