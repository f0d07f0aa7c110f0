"""What an interrupted or killed run has done is not lost: the same call goes on from its file, to the same result."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.inference.replicate import BLOCK
from models import fit

SETUP = """
import sys, time, numpy as np, mlmlib as mlm
from mlmlib.inference.blocks import BLOCK
def slow(fit):
    time.sleep(0.002)
    return fit.params["Days"] / fit.sigma
fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
glmm = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
null = mlm.glmm("incidence ~ 1 + (1 | herd)", mlm.load("cbpp"), trials="size")
plan = mlm.power.cluster_randomized(0.5, icc=0.1, groups=10, n=5)
def analysis(data):
    time.sleep(0.01)
    return mlm.ols("y ~ treatment", data)
"""
RUNS = {
    "bootstrap": ("fit.bootstrap(400, statistic=slow, {options})", "values = found.replicates.to_numpy()"),
    "generalized": ("glmm.bootstrap(150, {options})", "values = found.replicates.to_numpy()"),
    "test": ("mlm.compare(null, glmm, method='bootstrap', n=150, {options})", "values = found.replicates"),
    "power": ("mlm.power.simulate(plan, replicates=80, analysis=['lmm', analysis], {options})", "values = found.values"),
}


def script(name: str, file, out, options: str) -> list[str]:
    """A process that runs, with a file of what is done, and writes what it found."""
    call, values = RUNS[name]
    text = f"{SETUP}found = {call.format(options=f'checkpoint={str(file)!r}, {options}')}\n{values}\n"
    return [sys.executable, "-c", text + f"np.save({str(out)!r}, values)\nprint(repr(found), flush=True)\n"]


def here(name: str, options: str):
    """The same in this process."""
    call, values = RUNS[name]
    space = {}
    exec(f"{SETUP}found = {call.format(options=options)}\n{values}", space)
    return space["found"], space["values"]


@pytest.fixture(scope="module")
def whole():
    """What a run finds that nobody interrupts."""
    found = {}
    return lambda name: found[name] if name in found else found.setdefault(name, here(name, "n_jobs=1")[1])


def started(command, file, blocks=1):
    """The process, when its file holds some blocks."""
    import sqlite3
    with file.with_suffix(".told").open("w") as told:  # no pipe: workers that outlive a killed process would hold it open
        process = subprocess.Popen(command, stdout=told, stderr=told, start_new_session=True)
    limit = time.monotonic() + 120
    while time.monotonic() < limit and process.poll() is None:
        if file.exists():
            try:
                with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
                    if database.execute("select count(*) from blocks").fetchone()[0] >= blocks:
                        return process
            except sqlite3.Error:
                pass
        time.sleep(0.01)
    raise AssertionError(f"no block was kept: {file.with_suffix('.told').read_text()}")


@pytest.mark.parametrize("name, how, workers", [
    *((name, "SIGINT", 1) for name in RUNS), ("bootstrap", "SIGINT", 2), ("bootstrap", "SIGKILL", 1), ("bootstrap", "SIGKILL", 2),
    ("power", "SIGKILL", 1),
])
def test_an_ended_process_goes_on(name, how, workers, tmp_path, whole):
    if workers > 1:
        pytest.importorskip("joblib")
    file, out = tmp_path / "kept", tmp_path / "found.npy"
    process = started(script(name, file, out, f"n_jobs={workers}"), file)
    process.send_signal(signal.Signals[how])
    code, told = process.wait(timeout=120), file.with_suffix(".told")
    if how == "SIGINT":
        assert code == 0 and "nterrupted: " in told.read_text() and f"goes on from {str(file)!r}" in told.read_text(), told.read_text()
        assert 0 < len(np.load(out)) < len(whole(name))
    else:
        assert code == -signal.SIGKILL and not out.exists()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # workers whose master was killed wait for five minutes
    found, values = here(name, f"n_jobs={workers}, checkpoint={str(file)!r}")
    assert "nterrupted" not in repr(found)
    np.testing.assert_array_equal(values, whole(name))


def test_what_is_kept_is_not_computed_again(tmp_path, monkeypatch):
    from mlmlib.inference.replicate import Mixed
    base, file, drawn = fit("sleepstudy_corr_reml"), tmp_path / "kept", []
    one = base.bootstrap(2 * BLOCK, checkpoint=file).replicates
    carry_out = Mixed.__call__
    monkeypatch.setattr(Mixed, "__call__", lambda self, seed, size: (drawn.append(size), carry_out(self, seed, size))[1])
    assert base.bootstrap(2 * BLOCK, checkpoint=file).replicates.equals(one) and drawn == [1]
    more = base.bootstrap(3 * BLOCK + 7, checkpoint=file)
    assert drawn == [1, 1, BLOCK, 7]  # the first replicate again, to see that it is the same run, and what is new
    assert more.replicates.equals(base.bootstrap(3 * BLOCK + 7).replicates)


def test_without_a_seed_that_of_the_file_is_taken(tmp_path):
    base, file = fit("sleepstudy_corr_reml"), tmp_path / "kept"
    one = base.bootstrap(BLOCK, seed=None, checkpoint=file)
    assert base.bootstrap(BLOCK, seed=None, checkpoint=file).seed == one.seed != 1


def test_a_file_of_another_run_is_refused(tmp_path):
    sleep, file = mlm.load("sleepstudy"), tmp_path / "kept"
    base = mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    base.bootstrap(60, checkpoint=file)
    for call, words in [
        (lambda: base.bootstrap(60, seed=2, checkpoint=file), "holds another run .*seed 1.*seed 2"),
        (lambda: base.bootstrap(60, kind="cluster", checkpoint=file), "holds another run .parametric bootstrap.*cluster bootstrap"),
        (lambda: fit("sleepstudy_corr_reml").bootstrap(60, checkpoint=file), "holds another run"),
        (lambda: mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep.iloc[10:]).bootstrap(60, checkpoint=file), "is of other data"),
        (lambda: base.bootstrap(60, statistic=lambda f: f.sigma, checkpoint=file), "or another statistic"),
        (lambda: mlm.power.simulate(base, {"Days": 5.0}, replicates=10, checkpoint=file), "holds another run"),
    ]:
        with pytest.raises(mlm.DataError, match=words):
            call()
    text = tmp_path / "text"
    text.write_text("no database, and longer than the head of one would be, so that it is seen\n" * 40)
    for path in (text, tmp_path, tmp_path / "nowhere" / "kept"):
        with pytest.raises(mlm.DataError, match="checkpoint=.* cannot be used"):
            base.bootstrap(60, checkpoint=path)
    assert text.read_text().startswith("no database")


def test_lost_replicates_and_their_reasons_are_kept(tmp_path):
    """A run whose analysis fails now and then, from the file and at once."""
    def analysis(data):
        if data["y"].iloc[0] > 0:
            raise ValueError("The first outcome is positive. It should not be.")
        return mlm.ols("y ~ treatment", data)

    plan, file = mlm.power.cluster_randomized(0.5, icc=0.1, groups=6, n=4), tmp_path / "kept"
    whole = mlm.power.simulate(plan, replicates=30, analysis=analysis)
    mlm.power.simulate(plan, replicates=20, analysis=analysis, checkpoint=file)
    found = mlm.power.simulate(plan, replicates=30, analysis=analysis, checkpoint=file)
    assert whole.failures and found.failures == whole.failures and np.array_equal(found.values, whole.values, equal_nan=True)
