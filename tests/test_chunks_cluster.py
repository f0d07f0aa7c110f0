"""A Dask DataFrame is read by the workers of its cluster; only a plan and sums travel to the process that asks."""

import os
import pickle

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.lmm import chunk_model, chunks
from test_chunks import agree, rows

dask = pytest.importorskip("dask")
frames = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
FORMULA = "y ~ x + f + (1 + x | g)"


@pytest.fixture(scope="module", params=[False, True], ids=["threads", "processes"])
def client(request):
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=request.param, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            yield client


def test_the_fit_is_that_of_all_rows(client):
    d = rows()
    for formula, options in [(FORMULA, {}), (FORMULA, {"weights": "w", "offset": "o", "reml": False}), ("y ~ x + (1 | t)", {})]:
        agree(mlm.lmm(formula, frames.from_pandas(d, npartitions=21), **options), mlm.lmm(formula, d, **options))


def test_rows_stay_on_the_cluster(client, monkeypatch):
    """This process may read no chunk, and what it is sent is as large for ten times the rows."""
    def received(n):
        sizes, compute = [], dask.compute
        with monkeypatch.context() as patch:
            patch.setattr(dask, "compute", lambda *asked: (found := compute(*asked), sizes.append(len(pickle.dumps(found))))[0])
            fit = mlm.lmm("y ~ x + (1 + x | g)", frames.from_pandas(rows(n), npartitions=20))
        assert fit.nobs == n - 1 and len(sizes) == 2
        return sum(sizes)

    if isinstance(client.cluster.scheduler_info["workers"], dict) and os.getpid() not in client.run(os.getpid).values():
        class Nobody:
            def __getattr__(self, name):
                raise AssertionError("a chunk was read here")
        monkeypatch.setattr(chunk_model, "chunks_of", Nobody())
        monkeypatch.setattr(chunks, "Table", Nobody())  # of this process; the workers have their own
    small, large = received(2_000), received(20_000)
    assert large < 1.1 * small and large < 40_000


def test_the_sum_does_not_depend_on_the_workers(client):
    d, found = rows(), []
    for scheduler in (client, "synchronous", "threads"):
        with dask.config.set(scheduler=scheduler):
            found.append(mlm.lmm(FORMULA, frames.from_pandas(d, npartitions=21)))
    assert len({fit.criterion for fit in found}) == 1 and all(np.array_equal(fit.params, found[0].params) for fit in found)


def test_faults_on_the_cluster_are_told(client):
    d = rows()
    with pytest.raises(mlm.DataError, match="no column 'q'"):
        mlm.lmm("y ~ q + (1 | g)", frames.from_pandas(d, npartitions=3))
    with pytest.raises(mlm.DataError, match="zz in 'f'.*C\\(f, levels="):
        mlm.lmm("y ~ f + (1 | g)", frames.from_pandas(d.assign(f=np.where(np.arange(len(d)) > 2500, "zz", d.f)), npartitions=3))
