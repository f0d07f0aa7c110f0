// Native controls of a lab, from its list:
//   {key, type: "range", label, symbol, min, max, step, format(v), scale: "log", value(ctx), change(ctx, v)}
//   {key, type: "select", label, options: [[value, text], ...]}
//   {key, type: "check", label, value(ctx), change(ctx, on)}
//   {type: "button", label, press(ctx, held), hold: true, id}     held down (mouse, touch, Space, Enter): pressed every
//     frame with held = true; only the first, a press of its own, has held = false
//   any may have lead: true, to stand above the picture, or over(ctx) -> [x, y, width], to stand in it with its middle at y,
//   and show(state) and enabled(state), to come and go with the state; label may be a function of (state, ctx);
//   a select may have allowed(value, state), to gray options out.

import { make } from "./dom.js";

export function controls(box, spec, ctx) {
  const list = typeof spec.controls === "function" ? spec.controls(ctx) : spec.controls;
  const updates = list.map((c, i) => {
    const [node, update] = BUILD[c.type](c, ctx, `c${i}`);
    (c.over ? box.over : c.lead ? box.lead : box).append(node);
    return () => {
      if (c.over) place(node, c.over(ctx));
      if (c.show) node.hidden = !c.show(ctx.state);
      update();
    };
  });
  return { update: () => updates.forEach((f) => f()) };
}

const named = (c, ctx) => `${typeof c.label === "function" ? c.label(ctx.state, ctx) : c.label}${c.symbol ? ` <i>${c.symbol}</i>` : ""}`;
const write = (node, html) => { if (node.__html !== html) { node.__html = html; node.innerHTML = html; } };
const place = (node, at) => ["left", "top", "width"].forEach((side, i) => { node.style[side] = `${at[i]}px`; });
const enable = (c, input, ctx) => { input.disabled = c.enabled ? !c.enabled(ctx.state) : false; };

const BUILD = {
  range(c, ctx, id) {
    const log = c.scale === "log";
    const to = (v) => (log ? Math.log(v) : v), from = (v) => (log ? Math.exp(v) : v);
    const snap = (v) => (c.step ? Number((Math.round(v / c.step) * c.step).toFixed(10)) : v);
    const input = make("input", { type: "range", id, "data-key": c.key, min: to(c.min), max: to(c.max),
      step: log ? (to(c.max) - to(c.min)) / 200 : c.step ?? "any" });
    const label = make("label", { for: id }), out = make("output", { for: id });
    const format = c.format ?? String;
    input.addEventListener("input", () => {
      let v = snap(from(Number(input.value)));
      if (log && v === ctx.state[c.key]) v = snap(v + Math.sign(Number(input.value) - to(v)) * (c.step ?? 0)); // a key press always moves
      const value = Math.min(c.max, Math.max(c.min, v));
      c.change ? c.change(ctx, value) : ctx.set({ [c.key]: value });
    });
    const node = make("div", { class: "control" }, make("div", { class: "top" }, label, out), input);
    return [node, () => {
      const v = c.value ? c.value(ctx) : ctx.state[c.key], text = format(v);
      write(label, named(c, ctx));
      if (Number(input.value) !== to(v)) input.value = to(v);
      if (out.textContent !== text) { out.textContent = text; input.setAttribute("aria-valuetext", text); }
      enable(c, input, ctx);
    }];
  },

  select(c, ctx, id) {
    const label = make("label", { for: id });
    const input = make("select", { id, "data-key": c.key });
    for (const [value, text] of c.options) input.append(make("option", { value }, text));
    input.addEventListener("change", () => {
      const value = c.options.find(([v]) => String(v) === input.value)[0];
      c.change ? c.change(ctx, value) : ctx.set({ [c.key]: value });
    });
    return [make("div", { class: "control" }, label, input), () => {
      write(label, named(c, ctx));
      if (input.value !== String(ctx.state[c.key])) input.value = ctx.state[c.key];
      if (c.allowed) c.options.forEach(([v], k) => { input.options[k].disabled = !c.allowed(v, ctx.state); });
      enable(c, input, ctx);
    }];
  },

  check(c, ctx, id) {
    const input = make("input", { type: "checkbox", id, "data-key": c.key }), text = make("span");
    input.addEventListener("change", () => (c.change ? c.change(ctx, input.checked) : ctx.set({ [c.key]: input.checked })));
    return [make("label", { class: "check", for: id }, input, text), () => {
      write(text, named(c, ctx));
      input.checked = Boolean(c.value ? c.value(ctx) : ctx.state[c.key]);
      enable(c, input, ctx);
    }];
  },

  button(c, ctx, id) {
    const node = make("button", { type: "button", id: c.id ?? id, class: c.main === false ? "" : "main" });
    if (c.hold) holdable(node, (held) => c.press(ctx, held));
    else node.addEventListener("click", () => c.press(ctx));
    return [node, () => { write(node, named(c, ctx)); enable(c, node, ctx); }];
  },
};

/** One press on a click; pressed again at every frame while held for more than a third of a second. */
function holdable(node, press) {
  let held = false, timer = 0;
  const tick = () => { if (held && !node.disabled) { press(true); requestAnimationFrame(tick); } };
  const start = () => {
    if (held || timer) return;
    press(false);
    timer = setTimeout(() => { held = true; requestAnimationFrame(tick); }, 350);
  };
  const stop = () => { held = false; clearTimeout(timer); timer = 0; };
  node.addEventListener("pointerdown", (event) => { if (event.button === 0) { node.setPointerCapture(event.pointerId); start(); } });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) node.addEventListener(type, stop);
  const isKey = (event) => event.key === " " || event.key === "Enter";
  node.addEventListener("keydown", (event) => { if (isKey(event)) { event.preventDefault(); start(); } });
  node.addEventListener("keyup", (event) => { if (isKey(event)) { event.preventDefault(); stop(); } });
  node.addEventListener("click", (event) => { if (event.detail === 0 && event.isTrusted && !timer) press(false); }); // a screen reader's click
  node.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
}
