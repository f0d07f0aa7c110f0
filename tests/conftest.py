"""Fixtures that tests of the site and of the labs share, and what makes nbval compare the reference cells."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from browser import FLAGS, Visits, chromium_path

ROOT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def missing(what: str):
    """Skip with a message nobody overlooks; in CI a missing tool is a failure."""
    message = f"{what}: the book was NOT checked in a browser"
    if IN_CI:
        pytest.fail(f"{message}, and CI never skips that", pytrace=False)
    pytest.skip(message.upper())


def pytest_collection_modifyitems(items):
    """A notebook cell tagged `reference` has its output compared; every other cell has to run, no more."""
    for item in items:
        if type(item).__name__ == "IPyNbCell" and "reference" in item.cell.metadata.get("tags", []):
            item.options["check"] = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """A test in a browser that fails is run once more, for a browser on a busy machine is no clock; the summary names it.

    What is wrong with the book fails both times. `MLM_ONCE=1` runs every test once.
    """
    if "browser" not in getattr(item, "fixturenames", ()) or os.environ.get("MLM_ONCE"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports):
        first = next(report for report in reports if report.failed)
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            report.user_properties.append(("failed first", str(first.longrepr)[-300:]))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    """Tests that passed at the second attempt only."""
    for report in terminalreporter.getreports("passed"):
        for name, why in report.user_properties:
            if name == "failed first" and report.when == "call":
                terminalreporter.write_line(f"PASSED AT THE SECOND ATTEMPT {report.nodeid}: {why.splitlines()[-1]}")


def pytest_sessionfinish(session):
    """`mlm coverage`: a worker keeps what it saw before it says that it is done, for pytest gives it ten seconds to end after that."""
    measuring = sys.modules.get("coverage") and sys.modules["coverage"].Coverage.current()
    if measuring and hasattr(session.config, "workerinput"):
        measuring.stop()
        measuring.save()


@pytest.fixture(scope="session")
def root():
    """The folder of the book."""
    return ROOT


@pytest.fixture(scope="session")
def site():
    """The built site; `mlm test` builds it first, alone a test builds it if there is none."""
    folder = Path(os.environ.get("MLM_SITE", ROOT / "_build" / "html"))
    if not (folder / "index.html").is_file():
        if os.environ.get("PYTEST_XDIST_WORKER") or os.environ.get("MLM_SITE"):
            pytest.fail(f"there is no built site in {folder}: `make book` builds it", pytrace=False)
        done = subprocess.run([sys.executable, "-m", "mlmlib.cli", "book"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return folder


@pytest.fixture(scope="session")
def address(site):
    """The site on a port of this machine."""
    from mlmlib.cli.serve import server

    httpd = server(site)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium."""
    path = chromium_path()
    if path is None:
        missing("no Chromium on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visit(browser, site, address):
    """Open pages of the site: `page = visit("chapters/01_linear_model.html", dark=True, width="phone", via="file")`."""
    visits = Visits(browser, site, address)
    yield visits
    visits.close()
    assert not visits.faults, "\n".join(sorted(set(visits.faults)))
