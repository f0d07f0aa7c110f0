"""Bootstraps, power and studies give the same numbers on every backend of joblib, a Dask cluster among them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mlmlib as mlm

sys.path.insert(0, str(Path(mlm.__file__).parents[1] / "data"))
import study

joblib = pytest.importorskip("joblib")
BACKENDS = ["threading", "loky", "multiprocessing", "dask threads", "dask processes"]
SLEEP, HERDS = mlm.load("sleepstudy").iloc[:80], mlm.load("cbpp")  # 8 subjects


def slope_share(fit) -> float:
    return fit.params["Days"] / fit.sigma


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request):
    """Two workers of a backend, told to joblib as a reader would."""
    name, _, kind = request.param.partition(" ")
    if name != "dask":
        with joblib.parallel_config(backend=name, n_jobs=2):
            yield request.param
        return
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=kind == "processes", dashboard_address=None) as cluster:
        with distributed.Client(cluster), joblib.parallel_config(backend="dask"):
            yield request.param


def lmm(random="(1 + Days | Subject)", **options):
    return mlm.lmm(f"Reaction ~ Days + {random}", SLEEP, **options)


def herds():
    return mlm.glmm("incidence ~ period + (1 | herd)", HERDS, trials="size")


def ratio(**options):
    return mlm.compare(lmm("(1 | Subject)"), lmm(), method="bootstrap", **options).replicates


PLAN = {"effect": 0.5, "icc": 0.1, "groups": 10, "n": 5}
RUNS = {
    "parametric": lambda **o: lmm().bootstrap(130, **o).replicates,
    "residual": lambda **o: lmm().bootstrap(130, kind="residual", **o).replicates,
    "cluster": lambda **o: lmm().bootstrap(130, kind="cluster", **o).replicates,
    "statistic": lambda **o: lmm().bootstrap(52, statistic=slope_share, **o).replicates,
    "statistic that is a lambda": lambda **o: lmm().bootstrap(52, statistic=lambda fit: fit.params["Days"] / fit.sigma, **o).replicates,
    "several factors": lambda **o: lmm("(1 | Subject) + (1 | Days)").bootstrap(52, **o).replicates,
    "residual structure": lambda **o: lmm("(1 | Subject)", correlation=mlm.ar1("Days")).bootstrap(52, **o).replicates,
    "linear model": lambda **o: mlm.ols("Reaction ~ Days", SLEEP).bootstrap(130, kind="cluster", groups="Subject", **o).replicates,
    "generalized": lambda **o: herds().bootstrap(52, **o).replicates,
    "generalized, cluster": lambda **o: herds().bootstrap(52, kind="cluster", **o).replicates,
    "test": ratio,
    "power": lambda **o: mlm.power.simulate(mlm.power.cluster_randomized(**PLAN), replicates=12, analysis=["lmm", "ols"], **o).values,
    "power of a fit": lambda **o: mlm.power.simulate(lmm(), {"Days": 8.0}, groups=10, replicates=12, **o).values,
}


@pytest.fixture(scope="module")
def serial():
    found = {}
    return lambda name: found.setdefault(name, np.asarray(RUNS[name](n_jobs=1, seed=4)))


@pytest.mark.parametrize("name", RUNS)
def test_the_same_numbers_on_every_backend(backend, name, serial):
    """n_jobs is not given: the backend that is in force is taken.

    Where the BLAS has one thread here and in the workers, as `make test` has it, no bit differs.  Workers whose BLAS has another number
    of threads than this process add products in another order.
    """
    found, one = np.asarray(RUNS[name](seed=4)), serial(name)
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        np.testing.assert_array_equal(found, one)
    else:
        np.testing.assert_allclose(found, one, rtol=1e-9, atol=1e-9 * np.nanmax(np.abs(one)))


def test_no_bit_differs_where_workers_have_as_many_threads_of_the_blas():
    """Two crossed factors, whose matrices are large enough for two threads; the number is set before NumPy is loaded."""
    code = ("import joblib, numpy as np, mlmlib as mlm\n"
            "fit = mlm.lmm('diameter ~ 1 + (1 | plate) + (1 | sample)', mlm.load('penicillin'))\n"
            "one = fit.bootstrap(20, seed=1, n_jobs=1).replicates\n"
            "with joblib.parallel_config(backend='loky', n_jobs=2):\n"
            "    assert np.array_equal(one, fit.bootstrap(20, seed=1).replicates)\n")
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "PYTHONPATH": str(Path(mlm.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def path_of(cache, scenario, number):
    return cache / f"{scenario}-{number}.npz"


def keep(cache, scenario, number):
    study.save(path_of(cache, scenario, number), {"drawn": np.random.default_rng([scenario, number]).standard_normal(3)})


def test_blocks_of_a_study(backend, tmp_path):
    """Those that are there are left as they are; the others come from the workers."""
    study.save(path_of(tmp_path, 2, 0), {"drawn": np.full(3, 7.0)})
    study.run(keep, path_of, (1, 2), tmp_path, 3, 2, progress=False)
    assert study.complete(path_of, (1, 2), tmp_path) == 3
    found = [study.gathered([path_of(tmp_path, scenario, number) for number in range(3)])["drawn"] for scenario in (1, 2)]
    own = [np.concatenate([np.random.default_rng([scenario, number]).standard_normal(3) for number in range(3)]) for scenario in (1, 2)]
    assert np.array_equal(found[0], own[0]) and np.array_equal(found[1], [7.0] * 3 + own[1][3:].tolist())


def test_the_work_is_done_by_the_workers(backend):
    """The statistic tells where it was computed."""
    found = set(lmm().bootstrap(200, statistic=lambda fit: {"pid": float(os.getpid())}).replicates["pid"])
    assert (os.getpid() in found) == (backend in ("threading", "dask threads"))


def test_without_a_backend_nothing_is_started():
    """One worker is this process, and joblib need not be there."""
    code = ("import sys, mlmlib as mlm; sys.modules['tqdm'] = None; fit = mlm.lmm('Reaction ~ Days + (1 | Subject)', mlm.load('sleepstudy'));"
            "fit.bootstrap(20); assert 'joblib' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)
