"""More that a test does with one lab: look inside, slide, drag by a finger, read the table's columns."""

from __future__ import annotations

import json

from browser import PHONE, WIDE
from lab_page import LabPage, LabPages


class OneLab(LabPage):
    """A lab alone on a page opened from a file; `finish()` closes it and asserts that nothing went wrong."""

    def __init__(self, browser, folder, lab, *, phone=False, dark=False, touch=False, fragment=""):
        self.pages = LabPages(browser, folder)
        self.context = browser.new_context(
            viewport=PHONE if phone else WIDE, color_scheme="dark" if dark else "light", has_touch=touch
        )
        self.pages.contexts.append(self.context)
        super().__init__(self.pages(lab, fragment=fragment, context=self.context).page)
        self.settle()

    def finish(self):
        self.pages.check()

    def js(self, expression):
        """Evaluate with `lab` as the lab's own context (state, data, result, memory)."""
        self.settle()
        text = self.host.evaluate(f"(host) => {{ const lab = host.lab; return JSON.stringify({expression}); }}")
        return None if text is None else json.loads(text)

    def readout(self, key):
        """The number behind a readout."""
        return self.numbers[key]

    def shown(self, key):
        """A readout as it is written, with a plain minus sign."""
        self.settle()
        return self.page.locator(f".readouts [data-key={key}] dd").inner_text().replace("\u2212", "-")

    def slide(self, key, value):
        """Put a range control to a value, as a reader's finger would end up doing."""
        self.control(key).evaluate(
            "(node, v) => { node.value = v; node.dispatchEvent(new Event('input', {bubbles: true})); }", value
        )
        self.settle()

    def sheet(self):
        """The table view: caption, columns, rows of text with plain minus signs."""
        self.table()
        read = "(t) => [t.caption.textContent, ...[...t.rows].map((r) => [...r.cells].map((c) => c.textContent))]"
        caption, columns, *rows = self.page.locator(".sheet table").evaluate(read)
        return caption, columns, [[cell.replace("\u2212", "-") for cell in row] for row in rows]

    def mouse_drag(self, key, dx):
        """Drag a point sideways by the mouse, wherever it is on the page."""
        self.handle(key).scroll_into_view_if_needed()
        self.drag(key, dx, 0)
        self.settle()

    def touch_drag(self, key, dx):
        """Drag a point sideways by one finger."""
        self.handle(key).scroll_into_view_if_needed()
        box = self.handle(key).locator(".dot").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        client = self.context.new_cdp_session(self.page)
        for kind, at in (("touchStart", 0), ("touchMove", dx / 2), ("touchMove", dx), ("touchEnd", None)):
            points = [] if at is None else [{"x": x + at, "y": y}]
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.settle()

    def announced(self, start):
        """Wait until the live region says something that starts so."""
        said = "document.querySelector('.mlm-lab-host').shadowRoot.querySelector('[aria-live]').textContent"
        self.page.wait_for_function(f"(start) => {said}.startsWith(start)", arg=start)

    def overflow(self):
        """Pixels by which the page is wider than the screen."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
