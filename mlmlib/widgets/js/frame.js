// The shell of every lab. A lab describes itself (state, controls, what it computes, how it draws) and `lab(spec)`
// turns it into anywidget's contract {render({model, el})}. What it gives:
//
//   export default lab({
//     name, title, idea,                     // one sentence: what this instrument shows
//     state: {n: 20, ...},                   // everything a reader can change, with the opening values; JSON only
//     data: {...},                           // optional fixed input, may come from Python
//     controls: [{key, type: "range"|"select"|"check"|"button", label, ...}],   // may be a function of ctx
//     compute(state, data, memory) -> result,                  // pure numbers, tested against mlmlib
//     size: (width, data) => [w, h],                           // of the picture, in CSS pixels
//     draw({s, w, h, state, data, result, set, memory}),       // s: a scene of svg.js
//     readouts(result, state) -> [{key, symbol, label, value, text, ink}],
//     table(result, state, data) -> {caption, columns, rows},
//     describe(result, state) -> what the picture shows, in words,
//     announce(result, state) -> what has just changed, for a screen reader,
//     tries: [{try, see}, ...],
//     python(state, data),                   // optional: the arguments of the Python function, where they are not the state
//   });

import { controls } from "./controls.js";
import { followTheme, make } from "./dom.js";
import { css } from "./style.js";
import { scene } from "./svg.js";
import { copyables, pythonOf, readHash } from "./link.js";

export function lab(spec) {
  const definition = { ...spec, render: ({ model, el }) => mount(spec, model, el) };
  return definition;
}

function mount(spec, model, el) {
  const keys = Object.keys(spec.state);
  const given = (key) => { const v = model.get(key); return v === undefined || v === null ? structuredClone(spec.state[key]) : structuredClone(v); };
  const opening = Object.fromEntries(keys.map((key) => [key, given(key)]));
  const ctx = {
    spec, opening, state: structuredClone(opening), data: model.get("data") ?? spec.data ?? {}, memory: {}, result: null,
    reduced: matchMedia("(prefers-reduced-motion: reduce)").matches, onSite: Boolean(model.onSite),
  };
  const fromLink = ctx.onSite ? readHash(spec.name, spec.state) : null;
  if (fromLink) Object.assign(ctx.state, fromLink);

  const host = el.appendChild(make("div", { class: "mlm-lab-host", "data-lab": spec.name, "data-lm-suppress-shortcuts": "true" }));
  const root = host.attachShadow({ mode: "open" });
  // Keys that move a point or a slider are not for the page around it (the theme turns pages on an arrow key).
  root.addEventListener("keydown", (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); });
  const stopTheme = followTheme(host);
  const ui = build(root, spec);
  const s = scene(ui.svg);

  let frame = 0, sheetOpen = false;
  const draw = () => {
    frame = 0;
    ctx.result = spec.compute(ctx.state, ctx.data, ctx.memory);
    const [w, h] = ctx.size;
    s.begin();
    spec.draw({ ...ctx, s, w, h });
    s.end();
    ui.svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
    ui.svg.setAttribute("role", s.handles ? "group" : "img");
    panel.update();
    showReadouts(ui, spec, ctx);
    if (sheetOpen) showTable(ui, spec, ctx);
    later();
  };
  ctx.redraw = () => { frame ||= requestAnimationFrame(draw); };
  s.flush = () => { if (frame) { cancelAnimationFrame(frame); draw(); } };

  /** Change the state: one patch, one frame. */
  ctx.set = (patch, { quiet = false } = {}) => {
    for (const [key, value] of Object.entries(patch)) {
      if (!(key in ctx.state)) throw new Error(`${spec.name}: no state called ${key}`);
      ctx.state[key] = value;
    }
    if (!quiet) changed = true;
    ctx.redraw();
  };
  ctx.reset = () => { ctx.memory = {}; ctx.set(structuredClone(opening)); };
  ctx.python = () => pythonOf(spec, ctx);
  ctx.say = (text) => { ui.live.textContent = text; };

  // A moment after the last change: tell the screen reader, tell Python, refresh the text alternative.
  let timer = 0, changed = false, first = true;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      ui.desc.textContent = spec.describe(ctx.result, ctx.state, ctx.data);
      if (changed) ctx.say((spec.announce ?? spec.describe)(ctx.result, ctx.state, ctx.data));
      changed = first = false;
      for (const key of keys) if (!same(model.get(key), ctx.state[key])) model.set(key, structuredClone(ctx.state[key]));
      model.set("result", numbersOf(spec.readouts(ctx.result, ctx.state, ctx.data)));
      model.save_changes();
    }, first ? 0 : 450);
  };

  const listeners = keys.map((key) => {
    const listen = () => { if (!same(model.get(key), ctx.state[key])) ctx.set({ [key]: structuredClone(model.get(key)) }); };
    model.on(`change:${key}`, listen);
    return [key, listen];
  });

  const panel = controls(ui.controls, spec, ctx);
  ui.tools.append(
    button("Reset", () => ctx.reset()),
    ...copyables(spec, ctx, button),
    toggle("Numbers as a table", (open) => { sheetOpen = open; ui.sheet.hidden = !open; if (open) showTable(ui, spec, ctx); }),
  );
  const print = () => showTable(ui, spec, ctx);
  addEventListener("beforeprint", print);

  const fit = () => {
    const width = Math.max(280, Math.round(ui.stage.clientWidth || 640));
    ctx.size = (spec.size ?? ((w) => [w, Math.min(440, Math.max(300, w * 0.64))]))(width, ctx.data);
    if (frame) s.flush();
    else draw();
  };
  const watcher = new ResizeObserver(() => { if (Math.round(ui.stage.clientWidth) !== ctx.size?.[0]) fit(); });
  fit();
  watcher.observe(ui.stage);
  if (fromLink) host.scrollIntoView();
  const follow = () => { const linked = ctx.onSite && readHash(spec.name, spec.state); if (linked) ctx.set(linked); };
  addEventListener("hashchange", follow);
  host.lab = ctx; // for tests and for a curious reader's console

  return () => {
    watcher.disconnect();
    stopTheme();
    removeEventListener("hashchange", follow);
    removeEventListener("beforeprint", print);
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    for (const [key, listen] of listeners) model.off(`change:${key}`, listen);
  };
}

function build(root, spec) {
  root.append(make("style", {}, css));
  const ui = {
    svg: document.createElementNS("http://www.w3.org/2000/svg", "svg"),
    stage: make("div", { class: "stage" }), controls: make("div", { class: "controls" }), lead: make("div", { class: "lead" }), over: make("div", { class: "over" }),
    readouts: make("dl", { class: "readouts" }), says: make("p", { class: "says" }),
    tools: make("div", { class: "tools" }), sheet: make("div", { class: "sheet", hidden: true, tabindex: 0, role: "region", "aria-label": "Numbers as a table" }),
    desc: make("p", { class: "hidden", id: "desc" }), live: make("div", { class: "hidden", "aria-live": "polite", role: "status" }),
  };
  Object.assign(ui.controls, { lead: ui.lead, over: ui.over });
  ui.svg.setAttribute("aria-labelledby", "title");
  ui.svg.setAttribute("aria-describedby", "desc");
  ui.stage.append(ui.svg, ui.over);
  const section = make("section", { class: "lab", "aria-labelledby": "title" },
    make("h3", { id: "title" }, make("small", {}, "Lab"), spec.title),
    make("p", { class: "idea" }, spec.idea),
    make("div", { class: "body" }, ui.controls, make("div", { class: "picture" }, ui.lead, ui.stage, ui.says), ui.readouts),
    ui.desc, ui.live, tries(spec), ui.tools, ui.sheet);
  root.append(section);
  return ui;
}

function tries(spec) {
  const items = spec.tries.map(({ try: what, see }) => {
    const hidden = make("p");
    hidden.innerHTML = see;
    const task = make("span");
    task.innerHTML = what;
    return make("li", {}, task, make("details", {}, make("summary", {}, "What you should see"), hidden));
  });
  const words = ["", "One thing", "Two things", "Three things", "Four things"][items.length];
  return make("div", { class: "tries" }, make("h4", {}, `${words} to try`), make("ol", {}, ...items));
}

function showReadouts(ui, spec, ctx) {
  const rows = spec.readouts(ctx.result, ctx.state, ctx.data);
  while (ui.readouts.children.length > rows.length) ui.readouts.lastChild.remove();
  rows.forEach((row, i) => {
    let div = ui.readouts.children[i];
    if (!div) {
      div = ui.readouts.appendChild(make("div", {}, make("dt"), make("dd")));
    }
    if (div.dataset.key !== row.key || div.__label !== row.label) {
      div.dataset.key = row.key;
      div.__label = row.label;
      div.firstChild.innerHTML = `${row.label}${row.symbol ? ` <i>${row.symbol}</i>` : ""}`;
    }
    div.className = row.ink ? `ink-${row.ink}` : "";
    div.dataset.value = row.value;
    if (div.lastChild.textContent !== row.text) div.lastChild.textContent = row.text;
  });
  const says = spec.says?.(ctx.result, ctx.state, ctx.data) ?? "";
  if (ui.says.innerHTML !== says) ui.says.innerHTML = says;
}

function showTable(ui, spec, ctx) {
  const { caption, columns, rows } = spec.table(ctx.result, ctx.state, ctx.data);
  const cell = (tag, text, scope) => { const c = make(tag, scope ? { scope } : {}); c.innerHTML = text; return c; };
  const table = make("table", {}, make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...columns.map((c) => cell("th", c, "col")))),
    make("tbody", {}, ...rows.map((r) => make("tr", {}, ...r.map((c, i) => cell(i ? "td" : "th", c, i ? null : "row"))))));
  ui.sheet.replaceChildren(table);
}

const numbersOf = (rows) => Object.fromEntries(rows.map((r) => [r.key, Number.isFinite(r.value) || typeof r.value === "string" ? r.value : null]));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function button(text, press) {
  const node = make("button", { type: "button" }, text);
  node.addEventListener("click", press);
  return node;
}

function toggle(text, turn) {
  const node = button(text, () => {
    const open = node.getAttribute("aria-expanded") !== "true";
    node.setAttribute("aria-expanded", open);
    turn(open);
  });
  node.setAttribute("aria-expanded", "false");
  return node;
}
