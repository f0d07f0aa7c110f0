// Small things the theme leaves out: arrow keys turn pages, wide boxes can be reached and scrolled by keyboard, solutions open for paper.
(() => {
  "use strict";

  // Opened from a file, a page may not read another, so search lists its hits without an excerpt.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // Left and right turn the page, but only when nothing on it has the focus: labs and controls keep their keys.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (document.activeElement && document.activeElement !== document.body) return;
    const side = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    const link = side && document.querySelector(`.prev-next-footer a.${side === "prev" ? "left-prev" : "right-next"}`);
    if (link) { event.preventDefault(); location.assign(link.href); }
  });

  // What is wider than the screen scrolls in its own box; a box that scrolls must be reachable without a mouse.
  const boxes = ".bd-article pre, .bd-article div.math, .bd-article .pst-scrollable-table-container, .bd-article div.output, .bd-article dt.sig, .bd-article .mlm-result";
  const reach = () => document.querySelectorAll(boxes).forEach((box) => {
    const wide = box.scrollWidth > box.clientWidth + 1;
    if (wide && !box.hasAttribute("tabindex")) { box.tabIndex = 0; box.dataset.reached = ""; }
    else if (!wide && "reached" in box.dataset) { box.removeAttribute("tabindex"); delete box.dataset.reached; }
  });
  let waiting = 0;
  const later = () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(reach); };
  addEventListener("load", () => { later(); window.MathJax?.startup?.promise?.then(later); document.fonts?.ready.then(later); });
  addEventListener("resize", later);
  document.addEventListener("toggle", later, true);

  addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((d) => { d.open = true; d.dataset.printed = ""; }));
  addEventListener("afterprint", () => document.querySelectorAll("details[data-printed]").forEach((d) => { d.open = false; delete d.dataset.printed; }));
})();
