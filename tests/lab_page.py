"""A bare page with labs or self-checks on it, opened from a file in a real browser; it remembers what went wrong."""

from __future__ import annotations

import os

from browser import PHONE, WIDE

# MLM_SLOW_FRAMES=200 holds every animation frame back by so many milliseconds, as a busy machine may: a test that reads
# a lab without waiting for its picture then fails every time, and no longer once in a thousand runs.
SLOW = """const now = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (draw) => setTimeout(() => now(draw), %d);
window.cancelAnimationFrame = (key) => clearTimeout(key);"""

SHELL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="font: 16px sans-serif; max-width: 50rem; margin: 1rem auto; padding: 0 .5rem">
<main><h1>A page</h1><h2>A part</h2>%s</main></body></html>"""


class LabPages:
    """`view = pages(mlm.labs.least_squares())` opens a page; `check()` asserts that nothing went wrong on any."""

    def __init__(self, browser, folder):
        self.browser, self.folder, self.contexts, self.faults = browser, folder, [], []

    def __call__(self, *components, dark=False, phone=False, fragment="", reduced=False, context=None):
        path = self.folder / f"page{len(list(self.folder.glob('page*')))}.html"
        path.write_text(SHELL % "\n".join(part.to_html() for part in components), encoding="utf-8")
        if context is None:
            context = self.browser.new_context(
                viewport=PHONE if phone else WIDE,
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce" if reduced else "no-preference",
            )
            self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        if os.environ.get("MLM_SLOW_FRAMES"):
            page.add_init_script(SLOW % int(os.environ["MLM_SLOW_FRAMES"]))
        page.on("pageerror", lambda error: self.faults.append(f"uncaught {error}"))
        page.on(
            "console", lambda m: self.faults.append(f"console {m.text}") if m.type in ("error", "warning") else None
        )
        page.on(
            "request",
            lambda r: (
                self.faults.append(f"asked for {r.url}") if not r.url.startswith(("file:", "data:", "blob:")) else None
            ),
        )
        page.goto(path.as_uri() + fragment)
        return LabPage(page)

    def check(self):
        """Nothing went wrong on any of the pages."""
        for context in self.contexts:
            context.close()
        assert not self.faults, "\n".join(self.faults)


class LabPage:
    """What a test does with a lab: look at its numbers, move its points, use its controls."""

    def __init__(self, page):
        self.page = page
        self.host = page.locator(".mlm-lab-host").first

    def settle(self):
        """Wait until the picture has followed."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    @property
    def state(self):
        """The lab's state as it is now."""
        self.settle()
        return self.host.evaluate("(host) => host.lab.state")

    @property
    def numbers(self):
        """The readouts at full precision, by key."""
        self.settle()
        rows = self.host.evaluate(
            """(host) => [...host.shadowRoot.querySelectorAll('dl.readouts div')]
            .map((d) => [d.dataset.key, d.dataset.value])"""
        )
        return {key: float(value) for key, value in rows}

    @property
    def picture(self):
        """The drawing, as text."""
        self.settle()
        return self.host.evaluate("(host) => host.shadowRoot.querySelector('svg').innerHTML")

    def handle(self, key):
        """A point that can be dragged."""
        return self.page.locator(f".handle[data-key='{key}']")

    def control(self, key):
        """A slider, check box or list."""
        return self.page.locator(f"[data-key='{key}']:is(input, select)")

    def drag(self, key, dx, dy):
        """Drag a point by the mouse, by so many pixels."""
        box = self.handle(key).locator(".dot").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + dx / 2, y + dy / 2)
        mouse.move(x + dx, y + dy)
        mouse.up()

    def table(self):
        """The table view: (caption, rows of text)."""
        button = self.page.get_by_role("button", name="Numbers as a table")
        if button.get_attribute("aria-expanded") != "true":
            button.click()
        self.settle()
        rows = self.page.locator(".sheet tbody tr").all()
        return self.page.locator(".sheet caption").inner_text(), [
            row.locator("th, td").all_inner_texts() for row in rows
        ]
