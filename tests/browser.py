"""A real browser for the tests: where it is, how it is started, and a page that remembers everything that went wrong on it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from mlmlib.release.printing import FLAGS, chromium_path

__all__ = ["FLAGS", "HERE", "PHONE", "WIDE", "Visits", "chromium_path"]

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}
HERE = ("127.0.0.1", "localhost")


class Visits:
    """Opens pages of the built site and keeps the faults of all of them.

    `page = visit("index.html", dark=True, width="phone", via="file")`; after the test the fixture asserts that `faults` is empty:
    no request to another host, no console error, no uncaught error, no file that is missing.
    """

    def __init__(self, browser, site: Path, address: str):
        self.browser, self.site, self.address = browser, site, address
        self.faults: list[str] = []
        self.contexts = []

    def __call__(self, path: str = "index.html", *, dark=False, width="wide", via="http", reduced_motion=False, **context):
        base = self.site.as_uri() + "/" if via == "file" else self.address
        made = self.browser.new_context(
            viewport=PHONE if width == "phone" else WIDE,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if reduced_motion else "no-preference",
            **context,
        )
        self.contexts.append(made)
        page = made.new_page()
        page.set_default_timeout(15_000)
        page.set_default_navigation_timeout(60_000)  # the heaviest page, on a machine that does other things too
        page.on("request", lambda request: self._check(request, path))
        page.on("requestfailed", lambda request: self._failed(request, path))
        page.on("response", lambda r: self.faults.append(f"{path}: {r.status} {r.url}") if r.status >= 400 else None)
        page.on("pageerror", lambda error: self.faults.append(f"{path}: uncaught {error}"))
        page.on("console", lambda m: self.faults.append(f"{path}: console {m.text}") if m.type == "error" else None)
        page.goto(base + path, wait_until="load")
        page.wait_for_function("() => !window.MathJax?.startup?.promise || window.MathJax.startup.promise.then(() => true)")
        return page

    def _check(self, request, path):
        target = urlsplit(request.url)
        if target.scheme in ("http", "https", "ws", "wss") and target.hostname not in HERE:
            self.faults.append(f"{path}: asked another machine for {request.url}")

    def _failed(self, request, path):
        if request.failure != "net::ERR_ABORTED":  # a page that is left drops what it was still asking for
            self.faults.append(f"{path}: failed to load {request.url} ({request.failure})")

    def close(self):
        """Close every page opened through this object."""
        for context in self.contexts:
            context.close()
        self.contexts.clear()
