// The likelihood surface (chapter 7): the criterion as contours over two parameters, and four ways of walking downhill
// from wherever the reader drops the start. Below, how far each has come against how often it has looked.
import { contour, crossing, gridOf } from "./contours.js";
import { lab } from "./frame.js";
import { fitIntercept, meansToSums, prepare } from "./mixed.js";
import { interceptSurface, slopesSurface } from "./surfaces.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";
import { bfgs, em, nelderMead, scoring } from "./walkers.js";

const METHODS = [["em", "EM", em], ["scoring", "Fisher scoring", scoring], ["bfgs", "BFGS", bfgs], ["simplex", "Nelder–Mead", nelderMead]];
const nameOf = (key) => METHODS.find(([k]) => k === key)[1];
const isHsb = (surface) => surface === "hsb";
const LEVELS = { math: [0.5, 2, 5, 10, 20, 40, 80, 160, 320, 640], dealt: [0.1, 0.5, 1, 2, 4, 8, 16, 32, 64, 128], hsb: [0.5, 1, 2, 4, 6, 8, 10, 13, 17, 25, 40, 60] };
const WRITTEN = { math: [20, 80, 320], dealt: [8, 32], hsb: [2, 6, 10, 25] };

// --- Numbers ------------------------------------------------------------------------------------

/** The function to walk on, its grid for the contours and its lowest point; kept while the surface stays. */
function landscape({ surface, reml, wall }, data, memory) {
  const key = [surface, reml, wall].join();
  if (memory.key === key) return memory.land;
  const [rangeX, rangeY] = data.ranges[surface];
  let f, best;
  if (isHsb(surface)) {
    f = slopesSurface(data.hsb, data.held, reml, wall);
    const free = slopesSurface(data.hsb, data.held, reml, false);
    const ends = [[0.1, -0.1], [0.1, 0.1]].map((from) => scoring(free, from).steps.at(-1)).sort((a, b) => a.value - b.value);
    best = { ...ends[0], x: ends[0].x.map((v) => v * Math.sign(ends[0].x[0])) };
  } else {
    f = interceptSurface(data[surface], reml);
    const { size, means, ss } = data[surface], fit = fitIntercept(prepare(meansToSums(size, means, ss, means[0])), reml);
    best = { x: [Math.sqrt(fit.tau2), Math.sqrt(fit.sigma2)], value: fit.criterion };
  }
  const cut = [surface, reml].join(), grid = memory.cut === cut ? memory.land.grid : gridOf(f.value, rangeX, rangeY, isHsb(surface) ? 53 : 65, isHsb(surface) ? 53 : 57);
  const scale = [rangeX, rangeY].map(([a, b]) => (b - a) / 2);
  Object.assign(memory, { key, cut, land: { f, grid, best, scale }, from: null });
  return memory.land;
}

/** All four walks from one start; kept while the start stays. */
function walks(start, { f, scale }, memory) {
  const from = start.join();
  if (memory.from !== from) {
    memory.from = from;
    memory.walks = Object.fromEntries(METHODS.map(([key, , walk]) => [key, key === "em" && !f.em ? null : walk(f, start, scale)]));
  }
  return memory.walks;
}

export function compute(state, data, memory) {
  const land = landscape(state, data, memory), { f, best } = land, start = [Math.max(state.x, f.lower[0]), state.y];
  const all = walks(start, land, memory), method = all[state.method] ? state.method : "bfgs", walk = all[method], last = walk.steps.length - 1;
  const step = state.step < 0 ? last : Math.min(state.step, last), now = walk.steps[step];
  const ends = METHODS.filter(([key]) => all[key]).map(([key, name]) => {
    const { steps, done } = all[key], end = steps.at(-1);
    return { key, name, steps: steps.length - 1, evaluations: end.evaluations, x: end.x, value: end.value, above: Math.max(0, end.value - best.value), done };
  });
  return { ...land, start, all, method, walk, step, last, now, above: Math.max(0, now.value - best.value), ends,
    end: ends.find((e) => e.key === method) };
}

// --- Playing ------------------------------------------------------------------------------------

function play(ctx) {
  ctx.memory.playing = !ctx.memory.playing;
  if (ctx.memory.playing && ctx.result.step >= ctx.result.last) ctx.set({ step: 0 });
  ctx.redraw();
}

/** While playing, one timer for the next step; a long walk takes several steps at a time. */
function carryOn({ memory, result: r, set, redraw }) {
  if (!memory.playing || memory.timer) return;
  if (r.step >= r.last) { memory.playing = false; redraw(); return; }
  memory.timer = setTimeout(() => {
    memory.timer = 0;
    if (memory.playing) set({ step: Math.min(r.last, r.step + Math.max(1, Math.round(r.last / 120))) });
  }, clamp(4500 / r.last, 35, 500));
}

const halt = (ctx, step) => { ctx.memory.playing = false; ctx.set({ step }); };

// --- The picture --------------------------------------------------------------------------------

const AXES = {
  hsb: ["θ_{22}: what slopes of cses have of their own", "θ_{32}: how slopes of minority go with it"],
  rest: ["τ = √τ_{00}: SD between schools (points)", "σ: SD within schools (points)"],
};
const plain = (v) => num(v, Math.abs(v) < 0.995 ? 2 : Math.abs(v) < 99.5 ? 1 : 0);

function draw(o) {
  const { s, w, h } = o, bottom = h - 216;
  carryOn(o);
  drawMap(s, { left: 46, right: w - 10, top: 30, bottom }, o);
  drawDescent(s, { left: 46, right: w - 104, top: bottom + 78, bottom: h - 44 }, o);
}

function drawMap(s, box, { state, data, result: r, set }) {
  const { surface } = state, [rangeX, rangeY] = data.ranges[surface], x = linear(rangeX, [box.left, box.right]), y = linear(rangeY, [box.bottom, box.top]);
  const ground = s.layer("ground"), land = s.layer("land", { "aria-hidden": "true", "pointer-events": "none" }),
    path = s.layer("path", { "aria-hidden": "true", "pointer-events": "none" }), points = s.layer("points");
  const low = Math.max(rangeX[0], r.f.lower[0]), digits = isHsb(surface) ? 3 : 2;
  const round = (v, [a, b]) => Number(clamp(v, a, b).toFixed(digits));
  const move = (to) => set({ x: round(to[0], [low, rangeX[1]]), y: round(to[1], rangeY) });
  ground.rect("all", box.left, box.top, box.right - box.left, box.bottom - box.top, { fill: "var(--panel)", "aria-hidden": "true" }).onclick = (event) => {
    const [px, py] = s.locate(event);
    move([x.invert(px), y.invert(py)]);
  };
  const levels = LEVELS[surface];
  levels.forEach((level, k) => land.el("path", `c${k}`, { d: contours(r, surface, level, k, x, y), fill: "none", stroke: "var(--fg)",
    "stroke-width": 1.1, opacity: 0.75 - 0.45 * k / levels.length }));
  axisX(land, x, box.bottom, { label: AXES[surface]?.[0] ?? AXES.rest[0], format: (v) => num(v, isHsb(surface) ? 1 : 0) });
  axisY(land, y, box.left, { ticks: 5, label: AXES[surface]?.[1] ?? AXES.rest[1], labelX: 0, format: (v) => num(v, isHsb(surface) ? 1 : 0) });
  // a level is written where a ray from the lowest point first meets it
  const to = isHsb(surface) ? [0.17, rangeY[1]] : [rangeX[1], r.best.x[1] + 0.42 * (rangeY[1] - r.best.x[1])];
  for (const level of WRITTEN[surface]) {
    const t = crossing(r.f.value, r.best.x, to, r.best.value + level);
    if (t !== null && t < 0.97) land.text(`level${level}`, ...[0, 1].map((k) => (k ? y : x)(r.best.x[k] + t * (to[k] - r.best.x[k])) + (k ? 4 : 0)), `+${level}`,
      { class: "label tick", "text-anchor": "middle", fill: "var(--muted)" });
  }
  if (isHsb(surface) && state.wall) {
    land.rect("beyond", box.left, box.top, x(0) - box.left, box.bottom - box.top, { fill: "var(--off)", opacity: 0.72 });
    land.text("beyond-name", (box.left + x(0)) / 2, box.top + 20, "not allowed", { "text-anchor": "middle", fill: "var(--muted)" });
  }
  land.line("wall", x(0), box.top, x(0), box.bottom, { stroke: "var(--fixed)", "stroke-width": r.f.lower[0] === 0 ? 2.6 : 1, "stroke-dasharray": r.f.lower[0] === 0 ? null : "4 4" });
  if (isHsb(surface)) mark(land, "stop", x(data.stop[0]), y(data.stop[1]), "published fit", "miss", -1);
  mark(land, "best", x(r.best.x[0]), y(r.best.x[1]), "lowest", "good", x(r.best.x[0]) > box.right - 56 ? -1 : 1);

  // the walk so far, in view
  const inside = ([a, b]) => [x(clamp(a, ...rangeX)), y(clamp(b, ...rangeY))], done = r.walk.steps.slice(0, r.step + 1), seen = done.map((q) => inside(q.x));
  if (r.now.simplex) done.forEach(({ simplex }, k) => {
    const latest = k === done.length - 1, fade = Math.max(0.4, 1 - (done.length - 1 - k) / 8);
    path.path(`t${k}`, [...simplex, simplex[0]].map(inside), { stroke: "var(--sky)", "stroke-width": latest ? 2 : 1.2, opacity: latest ? 1 : fade, fill: latest ? "var(--sky)" : "none", "fill-opacity": 0.25 });
  });
  path.path("walk", seen, { stroke: "var(--model)", "stroke-width": 2.4, "stroke-linejoin": "round" });
  path.el("path", "steps", { d: seen.map((q) => `M${q.map((v) => v.toFixed(1)).join(" ")}h.01`).join(""), stroke: "var(--model)", "stroke-width": 6.5, "stroke-linecap": "round", fill: "none" });
  path.circle("now", ...inside(r.now.x), 6, { fill: "var(--bg)", stroke: "var(--model)", "stroke-width": 3 });
  const one = isHsb(surface) ? 0.005 : 0.1;
  points.handle("start", {
    x: x(r.start[0]), y: y(r.start[1]), r: 7, fill: "var(--fixed)", label: "Start of the walk", now: r.start[0], min: low, max: rangeX[1],
    text: `start at ${names(surface)[0]} ${num(r.start[0], digits)}, ${names(surface)[1]} ${num(r.start[1], digits)}; ${nameOf(r.method)} ends ${num(r.end.above, 2)} above the lowest`,
    drag: (px, py) => move([x.invert(px), y.invert(py)]),
    step: (dx, dy, big) => move([r.start[0] + dx * one * (big ? 10 : 1), r.start[1] + dy * one * (big ? 10 : 1)]),
  });
}

/** Path data of one contour, drawn again only when the surface or the picture's size has changed. */
function contours({ grid, best, land }, surface, level, k, x, y) {
  const kept = (grid.kept ??= {}), key = [...x.range, ...y.range].join();
  if (kept.key !== key) Object.assign(kept, { key, paths: [] });
  return (kept.paths[k] ??= contour(grid, best.value + level, x, y));
}

function mark(layer, key, px, py, name, color, way) {
  layer.path(`${key}-a`, [[px - 5, py - 5], [px + 5, py + 5]], { stroke: `var(--${color})`, "stroke-width": 3 });
  layer.path(`${key}-b`, [[px - 5, py + 5], [px + 5, py - 5]], { stroke: `var(--${color})`, "stroke-width": 3 });
  layer.text(key, px + 10 * way, py - 8, name, { fill: color === "miss" ? "var(--miss)" : `var(--${color}-ink)`, "font-weight": 650, "text-anchor": way > 0 ? "start" : "end" });
}

/** How far above the lowest point each walker is after so many evaluations, both on log scales. */
function drawDescent(s, box, { result: r }) {
  const layer = s.layer("descent", { "aria-hidden": "true", "pointer-events": "none" });
  const most = Math.max(20, ...r.ends.map((e) => e.evaluations)), top = Math.max(10, ...r.ends.map((e) => r.all[e.key].steps[0].value - r.best.value));
  const x = linear([0, Math.log(most)], [box.left, box.right]), y = linear([-4, Math.log10(top)], [box.bottom, box.top]);
  const px = (n) => x(Math.log(n)), py = (v) => y(Math.max(-4, Math.log10(Math.max(v, 1e-9))));
  axisX(layer, x, box.bottom, { values: (most > 90 && box.right - box.left < 300 ? [1, 10, 100] : [1, 2, 5, 10, 20, 50, 100, 200, 500]).filter((v) => v <= most).map(Math.log), format: (v) => String(Math.round(Math.exp(v))), label: "evaluations of the criterion" });
  axisY(layer, y, box.left, { values: [-4, -2, 0, 2].filter((v) => v <= y.domain[1]), grid: [box.left, box.right], format: (v) => ({ "-4": "0.0001", "-2": "0.01", 0: "1", 2: "100" })[v], label: "criterion above its lowest", labelX: 0 });
  const labels = [];
  for (const { key, name } of [...r.ends].sort((a, b) => (a.key === r.method) - (b.key === r.method))) {
    const mine = key === r.method, { steps } = r.all[key];
    layer.path(key, steps.map((q) => [px(q.evaluations), py(q.value - r.best.value)]), { stroke: mine ? "var(--model)" : "var(--data)", "stroke-width": mine ? 2.6 : 1.8, "stroke-linejoin": "round" });
    const end = steps.at(-1);
    layer.circle(`${key}-end`, px(end.evaluations), py(end.value - r.best.value), mine ? 4 : 3, { fill: mine ? "var(--model)" : "var(--data)" });
    labels.push({ key, name, at: py(end.value - r.best.value), from: px(end.evaluations), ink: mine ? "model" : "data", mine });
  }
  layer.circle("here", px(r.now.evaluations), py(r.now.value - r.best.value), 5.5, { fill: "var(--bg)", stroke: "var(--model)", "stroke-width": 3 });
  labels.sort((a, b) => a.at - b.at || b.from - a.from);
  labels.forEach((l, k) => { l.y = Math.max(l.at, k ? labels[k - 1].y + 15 : box.top); });
  const over = Math.max(0, labels.at(-1).y - box.bottom);
  for (const { key, name, y: ly, ink, mine } of labels) layer.text(`${key}-name`, box.right + 10, ly - over + 4, name, { fill: `var(--${ink}-ink)`, "font-weight": mine ? 700 : 400 });
}

// --- The lab ------------------------------------------------------------------------------------

const names = (surface) => (isHsb(surface) ? ["θ22", "θ32"] : ["τ", "σ"]);
const symbols = (surface) => (isHsb(surface) ? ["θ<sub>22</sub>", "θ<sub>32</sub>"] : ["τ", "σ"]);
const fixed = (surface) => (isHsb(surface) ? 4 : 3);
const many = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

function says(r, { surface, wall, reml }) {
  const who = `<strong>${nameOf(r.method)}</strong>`, where = `after ${many(r.step, "step")} and ${many(r.now.evaluations, "evaluation")}`;
  if (r.step < r.last) return `${who} ${where}: ${num(r.above, 2)} above the lowest point.`;
  if (r.above < 0.01) return `${who} is down ${where}. ${surface === "dealt" ? "The lowest point lies on the edge, at τ = 0." : isHsb(surface) && r.now.x[0] < 0
    ? "This is the mirror image of the lowest point: turn the sign of a column of the factor, and it is the same fit." : "From other starts the others may be quicker, or lost."}`;
  if (!r.end.done) return `${who} is still on its way ${where}, ${num(r.above, 3)} above the lowest point: toward an edge each of its steps is shorter than the one before.`;
  if (isHsb(surface) && r.now.x[0] === 0 && Math.abs(r.now.x[1]) > 1e-6) return `${who} reports success ${where}, <strong>${num(r.above, 2)}</strong> above the lowest point. Beyond the wall it goes further down, along the wall it goes up: a false optimum${reml ? ", and the published fit" : ""}.`;
  if (r.step === 0 || r.now.x[0] === 0) return `${who} reports success ${where}, <strong>${num(r.above, 2)}</strong> above the lowest point. At ${symbols(surface)[0]} = 0 the surface is level in that direction, and whoever asks only for the slope stays.`;
  return `${who} stops ${where}, <strong>${num(r.above, 3)}</strong> above the lowest point.`;
}

const SURFACES = [["math", "23 schools of the math data"], ["dealt", "their students dealt to schools at random"], ["hsb", "High School & Beyond, three random effects"]];

export default lab({
  name: "likelihood_surface",
  title: "The likelihood surface",
  idea: "An estimate is the lowest point of a landscape. Drop a start on the map, and see who gets down, how fast, and who stops where it only looks like the bottom.",
  state: { surface: "math", method: "em", reml: false, wall: true, x: 1, y: 14, step: -1 },
  controls: [
    { key: "surface", type: "select", lead: true, label: "Landscape", options: SURFACES,
      change: (ctx, surface) => {
        const [x, y] = ctx.data.starts[surface], lost = isHsb(surface) && ctx.state.method === "em";
        ctx.memory.playing = false;
        ctx.set({ surface, x, y, step: -1, reml: isHsb(surface), ...(lost ? { method: "bfgs" } : {}) });
      } },
    { key: "method", type: "select", lead: true, label: "Who walks", options: METHODS.map(([key, name]) => [key, name]),
      allowed: (key, state) => key !== "em" || !isHsb(state.surface), change: (ctx, method) => { ctx.memory.playing = false; ctx.set({ method, step: -1 }); } },
    { type: "button", id: "play", lead: true, label: (_, ctx) => (ctx.memory.playing ? "Pause" : "Play the walk"), press: play },
    { type: "button", id: "step", main: false, lead: true, label: "One step", press: (ctx) => halt(ctx, ctx.result.step < ctx.result.last ? ctx.result.step + 1 : 0) },
    { type: "button", id: "home", main: false, lead: true, label: "Back to the start", press: (ctx) => halt(ctx, 0) },
    { type: "button", id: "end", main: false, lead: true, label: "The whole walk", press: (ctx) => halt(ctx, -1) },
    { key: "reml", type: "check", label: "REML (else ML)" },
    { key: "wall", type: "check", label: "forbid θ<sub>22</sub> &lt; 0, as lme4 does", show: (state) => isHsb(state.surface) },
  ],
  compute,
  size: (w) => [w, Math.round(clamp(0.72 * w, 260, 380)) + 246],
  draw,
  readouts: (r, { surface }) => [
    { key: "step", label: "step", value: r.step, text: `${r.step} of ${r.last}` },
    { key: "evaluations", label: "evaluations (looks) so far", value: r.now.evaluations, text: String(r.now.evaluations) },
    ...symbols(surface).map((symbol, k) => ({ key: `x${k}`, label: "now at", symbol, value: r.now.x[k], text: num(r.now.x[k], fixed(surface)), ink: "model" })),
    { key: "criterion", label: "criterion there", value: r.now.value, text: num(r.now.value, 3), ink: "model" },
    { key: "above", label: "above the lowest", value: r.above, text: num(r.above, 3) },
    ...symbols(surface).map((symbol, k) => ({ key: `best${k}`, label: "lowest at", symbol, value: r.best.x[k], text: num(r.best.x[k], fixed(surface)), ink: "good" })),
    { key: "best", label: "lowest criterion", value: r.best.value, text: num(r.best.value, 3), ink: "good" },
    ...r.ends.map((e) => ({ key: e.key, label: e.name, value: e.evaluations, text: `${e.done ? "" : "> "}${many(e.evaluations, "look")}, +${num(e.above, 2)}` })),
  ],
  says,
  table: (r, { surface, reml }) => {
    const apart = Math.max(1, Math.ceil((r.step + 1) / 120)), shown = r.walk.steps.slice(0, r.step + 1).map((q, k) => ({ ...q, k })).filter(({ k }) => k % apart === 0 || k === r.step);
    return {
      caption: `${nameOf(r.method)} on the ${reml ? "REML" : "ML"} criterion, ${SURFACES.find(([key]) => key === surface)[1]}${apart > 1 ? `, every ${apart}th step` : ""}. Lowest: ${num(r.best.value, 4)} at ${names(surface)[0]} = ${num(r.best.x[0], 4)}, ${names(surface)[1]} = ${num(r.best.x[1], 4)}. From this start: ${r.ends.map((e) => `${e.name} ${many(e.steps, "step")}, ${many(e.evaluations, "evaluation")}, ends at ${num(e.value, 4)}${e.done ? "" : " (not done)"}`).join("; ")}.`,
      columns: ["step", ...symbols(surface), "criterion", "above the lowest", "evaluations"],
      rows: shown.map((q) => [String(q.k), num(q.x[0], 4), num(q.x[1], 4), num(q.value, 4), num(Math.max(0, q.value - r.best.value), 4), String(q.evaluations)]),
    };
  },
  describe: (r, { surface, reml, wall }) => `Contour map of the ${reml ? "REML" : "ML"} criterion over ${names(surface).join(" and ")}, for ${SURFACES.find(([key]) => key === surface)[1]}. Lowest point ${num(r.best.value, 2)} at ${names(surface)[0]} ${num(r.best.x[0], 3)}, ${names(surface)[1]} ${num(r.best.x[1], 3)}. ${isHsb(surface) ? `The map is its own mirror image through its middle${wall ? "; its left half is not allowed, and the published fit stands on the wall between" : ""}. ` : ""}${nameOf(r.method)} starts at ${num(r.start[0], 3)}, ${num(r.start[1], 3)} and stands after ${many(r.step, "step")} at ${num(r.now.x[0], 3)}, ${num(r.now.x[1], 3)}, ${num(r.above, 3)} above the lowest. Below, criterion against evaluations: ${r.ends.map((e) => `${e.name} ends ${num(e.above, 2)} above after ${e.evaluations}`).join(", ")}.`,
  announce: (r) => `${nameOf(r.method)}, step ${r.step} of ${r.last}: criterion ${num(r.now.value, 2)}, ${num(r.above, 2)} above the lowest, ${many(r.now.evaluations, "evaluation")}.`,
  tries: [
    { try: "Let each of the four walk from where the lab opens. Then drag the start onto the left edge, τ = 0, and let them walk again.",
      see: "All four arrive, Fisher scoring after half a dozen looks, the simplex after ten times as many. From the edge, EM and BFGS stay on it and end at τ = 0, more than 130 above the lowest point: EM multiplies τ<sup>2</sup> by something, and zero times anything is zero; BFGS asks for the slope in τ, which is zero there by symmetry. Scoring steps in τ<sup>2</sup>, sees the slope and leaves. The simplex needs no slope." },
    { try: "Deal the students to schools at random, and compare EM with the others.",
      see: "Now schools do not differ, and the lowest point lies on the edge. Scoring lands on it in two or three steps. EM walks toward it for ever: near zero its step is as small as τ<sup>4</sup>, so after 600 steps it still reports a τ above zero. Whoever reads an estimate of 0.13 off such a program reads the day on which it was stopped." },
    { try: "Choose High School &amp; Beyond. Where do the walkers end? Allow θ<sub>22</sub> below zero, and look again. Then find a start from which all get down with the wall in place.",
      see: "All three stop on the wall, at 46503.39, the criterion that was published (chapter 4), and report success. The slope still points down, but through the wall. Without it they walk on to the mirror image of the lowest point, 46495.52: θ<sub>22</sub> and θ<sub>32</sub> with both signs turned are the same fit. With the wall, every start in the lower half gets down, for example (0.1, −0.2). The other four elements of the factor are held where the published fit has them; let go as well, they gain another 0.4." },
  ],
});
