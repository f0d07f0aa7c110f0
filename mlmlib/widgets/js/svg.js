// Small drawing helpers of the labs: a keyed SVG scene (nodes are kept between frames, so that focus and
// dragging survive a redraw), linear scales, axes, paths, labels and draggable handles.

const NS = "http://www.w3.org/2000/svg";

/** Round for an SVG attribute: tenths of a pixel are enough. */
const px = (v) => (typeof v === "number" ? Math.round(v * 10) / 10 : v);

/** A keyed scene. `layer(name)` gives a drawing layer (first use fixes the stacking order); whatever a frame
 *  does not draw again is removed by `end()`. */
export function scene(svg) {
  const layers = new Map();
  return {
    svg,
    handles: 0,
    flush() {},
    begin() {
      this.handles = 0;
      for (const layer of layers.values()) layer.seen.clear();
    },
    layer(name, attrs = {}) {
      if (!layers.has(name)) layers.set(name, new Layer(this, svg.appendChild(document.createElementNS(NS, "g"))));
      const layer = layers.get(name);
      setAll(layer.g, attrs);
      return layer;
    },
    end() {
      for (const layer of layers.values()) layer.sweep();
    },
    /** Client coordinates of a pointer event in the units of the viewBox. */
    locate(event) {
      const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      return [p.x, p.y];
    },
  };
}

function setAll(node, attrs) {
  const old = (node.__old ??= {});
  for (const [name, value] of Object.entries(attrs)) {
    const v = px(value);
    if (old[name] === v) continue;
    old[name] = v;
    if (v === null || v === undefined || v === false) node.removeAttribute(name);
    else node.setAttribute(name, v);
  }
  for (const name of Object.keys(old)) {
    if (!(name in attrs) && old[name] !== null) {
      old[name] = null;
      node.removeAttribute(name);
    }
  }
}

class Layer {
  constructor(scene, g) {
    this.scene = scene;
    this.g = g;
    this.nodes = new Map();
    this.seen = new Set();
  }

  sweep() {
    for (const [key, node] of this.nodes) {
      if (this.seen.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
  }

  /** Draw (or update) the element `key`. Attributes not named again are taken off. */
  el(tag, key, attrs = {}, text = undefined) {
    let node = this.nodes.get(key);
    if (!node) {
      node = this.g.appendChild(document.createElementNS(NS, tag));
      this.nodes.set(key, node);
    }
    this.seen.add(key);
    setAll(node, attrs);
    if (text !== undefined && node.__text !== text) {
      node.__text = text;
      node.textContent = text;
    }
    return node;
  }

  line(key, x1, y1, x2, y2, attrs = {}) {
    return this.el("line", key, { x1, y1, x2, y2, stroke: "var(--fg)", ...attrs });
  }

  path(key, points, attrs = {}) {
    return this.el("path", key, { d: pathOf(points), fill: "none", stroke: "var(--fg)", "stroke-width": 2, ...attrs });
  }

  circle(key, cx, cy, r, attrs = {}) {
    return this.el("circle", key, { cx, cy, r, ...attrs });
  }

  rect(key, x, y, width, height, attrs = {}) {
    return this.el("rect", key, { x, y, width: Math.max(0, width), height: Math.max(0, height), ...attrs });
  }

  /** Text with a halo in the background color, so that it reads on top of lines. `_eff` and `_{00}` become subscripts. */
  text(key, x, y, text, attrs = {}) {
    const node = this.el("text", key, { x, y, class: "label", fill: "var(--fg)", ...attrs });
    if (node.__text === text) return node;
    node.__text = text;
    node.replaceChildren();
    String(text).split(/_(?:\{([^}]*)\}|([A-Za-z0-9]+))/).forEach((part, i) => { // plain, {sub}, sub, plain, ...
      if (!part) return;
      const span = node.appendChild(document.createElementNS(NS, "tspan"));
      span.textContent = part;
      if (i % 3) { span.setAttribute("dy", "0.3em"); span.setAttribute("font-size", "0.75em"); }
      else if (i) span.setAttribute("dy", "-0.225em");
    });
    return node;
  }

  /** A point that can be moved by mouse, touch and arrow keys.
   *  o: {x, y, label, text, now, min, max, fill, r, drag(x, y), step(dx, dy, big), edge(way), done(), axis: "x"|"y"|"xy"}
   *  `text` is what a screen reader says of its place; `step` gets -1, 0, 1 for each direction (up is +1).
   *  `edge` gets -1 for the Home key and 1 for End: the smallest and the largest value.
   *  `tabindex: -1` leaves it out of the Tab order (many points, one stop). */
  handle(key, o) {
    let node = this.nodes.get(key);
    if (!node) node = this.#newHandle(key);
    this.seen.add(key);
    this.scene.handles += 1;
    node.__o = o;
    setAll(node, {
      class: `handle ${o.axis ?? "xy"}`, role: "slider", tabindex: o.tabindex ?? 0, transform: `translate(${px(o.x)} ${px(o.y)})`,
      "aria-label": o.label, "aria-valuetext": o.text, "aria-valuenow": o.now ?? 0, "aria-valuemin": o.min,
      "aria-valuemax": o.max, "aria-roledescription": "draggable point", "data-key": key,
      "aria-orientation": o.axis === "x" ? "horizontal" : "vertical",
    });
    const r = o.r ?? 7;
    setAll(node.__hit, { class: "hit", r: Math.max(14, r + 5), fill: "transparent" });
    setAll(node.__ring, { class: "ring", r: r + 5, fill: "none" });
    setAll(node.__dot, { class: "dot", r, fill: o.fill ?? "var(--data)", stroke: "var(--bg)", "stroke-width": 1.5 });
    return node;
  }

  /** The point whose center is closest: fingers need wide points, and those overlap. */
  #nearest(x, y, hit) {
    const far = (n) => Math.hypot(n.__o.x - x, n.__o.y - y);
    return [...this.nodes.values()].filter((n) => n.__o).reduce((best, n) => (far(n) < far(best) ? n : best), hit);
  }

  #newHandle(key) {
    const node = this.g.appendChild(document.createElementNS(NS, "g"));
    for (const part of ["__hit", "__ring", "__dot"]) node[part] = node.appendChild(document.createElementNS(NS, "circle"));
    this.nodes.set(key, node);
    node.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      const [x, y] = this.scene.locate(event), point = this.#nearest(x, y, node);
      point.__grip = [point.__o.x - x, point.__o.y - y];
      point.setPointerCapture(event.pointerId);
      point.focus({ preventScroll: true });
      point.classList.add("held");
      event.preventDefault();
    });
    node.addEventListener("pointermove", (event) => {
      if (!node.__grip) return;
      const [x, y] = this.scene.locate(event);
      node.__o.drag?.(x + node.__grip[0], y + node.__grip[1]);
    });
    const drop = () => {
      if (!node.__grip) return;
      node.__grip = null;
      node.classList.remove("held");
      node.__o.done?.();
    };
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) node.addEventListener(type, drop);
    node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false }); // a finger on a point does not scroll
    node.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
        PageUp: [0, 1], PageDown: [0, -1] }[event.key];
      const end = node.__o.edge ? { Home: -1, End: 1 }[event.key] : undefined;
      if (!(move || end) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.scene.flush(); // two keys within one frame are two steps
      if (end) return node.__o.edge(end);
      node.__o.step?.(move[0], move[1], event.shiftKey || event.key.startsWith("Page"));
    });
    return node;
  }
}

/** SVG path data through points [[x, y], ...]; null breaks the line. */
export function pathOf(points) {
  let d = "", pen = "M";
  for (const p of points) {
    if (!p || !Number.isFinite(p[0]) || !Number.isFinite(p[1])) { pen = "M"; continue; }
    d += `${pen}${px(p[0])} ${px(p[1])}`;
    pen = "L";
  }
  return d;
}

/** Linear scale from [d0, d1] to [r0, r1]: f(v), f.invert(r), f.ticks(count). */
export function linear([d0, d1], [r0, r1]) {
  const k = (r1 - r0) / (d1 - d0 || 1);
  const f = (v) => r0 + (v - d0) * k;
  f.invert = (r) => d0 + (r - r0) / k;
  f.ticks = (count = 5) => ticks(d0, d1, count);
  f.domain = [d0, d1];
  f.range = [r0, r1];
  return f;
}

/** Round tick values (1, 2, 5 times a power of ten) within [a, b]. */
export function ticks(a, b, count = 5) {
  const low = Math.min(a, b), high = Math.max(a, b), raw = (high - low) / Math.max(1, count);
  if (!(raw > 0)) return [low];
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * unit >= raw * 0.9999) * unit;
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) out.push(Number((i * step).toPrecision(12)));
  return out;
}

/** Horizontal axis at height y. o: {label, ticks, format, grid: [top, bottom]} */
export function axisX(layer, scale, y, o = {}) {
  const [a, b] = scale.range;
  layer.line("ax", a, y, b, y, { stroke: "var(--axis)" });
  for (const v of o.values ?? scale.ticks(o.ticks ?? Math.max(3, Math.round(Math.abs(b - a) / 80)))) {
    const x = scale(v);
    if (o.grid) layer.line(`gx${v}`, x, o.grid[0], x, o.grid[1], { stroke: "var(--grid)" });
    layer.line(`tx${v}`, x, y, x, y + 5, { stroke: "var(--axis)" });
    layer.text(`lx${v}`, x, y + 19, (o.format ?? String)(v), { class: "tick", fill: "var(--muted)", "text-anchor": "middle" });
  }
  if (o.label) layer.text("nx", (a + b) / 2, y + 38, o.label, { class: "axis-name", fill: "var(--fg)", "text-anchor": "middle" });
}

/** Vertical axis at x. The name stands above the axis, to be read without turning the head. */
export function axisY(layer, scale, x, o = {}) {
  const [a, b] = scale.range;
  layer.line("ay", x, a, x, b, { stroke: "var(--axis)" });
  for (const v of o.values ?? scale.ticks(o.ticks ?? Math.max(3, Math.round(Math.abs(b - a) / 60)))) {
    const y = scale(v);
    if (o.grid) layer.line(`gy${v}`, o.grid[0], y, o.grid[1], y, { stroke: "var(--grid)" });
    layer.line(`ty${v}`, x - 5, y, x, y, { stroke: "var(--axis)" });
    layer.text(`ly${v}`, x - 9, y + 4, (o.format ?? String)(v), { class: "tick", fill: "var(--muted)", "text-anchor": "end" });
  }
  if (o.label) layer.text("ny", o.labelX ?? x - 30, Math.min(a, b) - 14, o.label, { class: "axis-name", fill: "var(--fg)" });
}

export const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

/** Number with a real minus sign and fixed decimals; "–" for what cannot be computed. */
export function num(v, digits = 2) {
  if (!Number.isFinite(v)) return "–";
  const s = v.toFixed(digits);
  return (Number(s) === 0 ? s.replace("-", "") : s).replace("-", "\u2212");
}
