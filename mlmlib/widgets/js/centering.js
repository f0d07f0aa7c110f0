// Centering (chapter 6): schools as clouds with one slope inside them and another between them. Three places for zero,
// and which of the slopes the random-intercept model then reports; where it blends the two, the weights are a seesaw.
import { lab } from "./frame.js";
import { ellipse, estimates, fitIntercept, groupSums, prepare } from "./mixed.js";
import { lineFit, mean, normalQuantile, random } from "./numerics.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const MID = { x: 5, y: 50 }, SPREAD = 1.6, SLOPE = 4; // centers of the picture, SD of x, how far the slopes go

// --- Numbers ------------------------------------------------------------------------------------

const squares = (v) => v.reduce((s, a) => s + a * a, 0);
const dot = (v, w) => v.reduce((s, a, i) => s + a * w[i], 0);
const less = (v, w) => { const k = dot(v, w) / squares(w); return v.map((a, i) => a - k * w[i]); };
const scaled = (v, ss) => { const k = Math.sqrt(ss / squares(v)); return v.map((a) => a * k); };
const centered = (v) => { const m = mean(v); return v.map((a) => a - m); };

/** Shapes of the clouds: school means m, their luck d (unrelated to m), students' places z and luck e (unrelated to z). */
function shapes(seed, J, n) {
  const m = scaled(centered(Array.from({ length: J }, (_, j) => normalQuantile((j + 0.5) / J))), J);
  const r = random(seed), d = less(centered(m.map(() => r.normal())), m);
  const pairs = m.map((_, j) => { // each school has its own generator: more students leave those drawn where they were
    const own = random(7919 * seed + j + 1);
    return Array.from({ length: n }, () => [own.normal(), own.normal()]);
  });
  const z = scaled(pairs.flatMap((rows) => centered(rows.map(([a]) => a))), J * n);
  return { m, d, z, e: less(pairs.flatMap((rows) => centered(rows.map(([, b]) => b))), z) };
}

/**
 * Students whose within and between slope are exactly the ones asked for, and in whom the within-between model finds
 * exactly tau and sigma. What the reader sets is what the data have; only the blends are left to be found.
 */
function students({ within, between, share, n, tau, seed }, { J, sigma, reml }) {
  const { m, d, z, e } = shapes(seed, J, n), N = J * n, lost = reml ? 1 : 0;
  const luck = scaled(d, (J - 2 * lost) * (sigma ** 2 / n + tau ** 2)), rest = scaled(e, (N - J - lost) * sigma ** 2);
  const xMean = m.map((v) => MID.x + SPREAD * Math.sqrt(share) * v), inner = SPREAD * Math.sqrt(1 - share);
  const group = Array.from({ length: N }, (_, i) => Math.floor(i / n));
  const yMean = xMean.map((v, j) => MID.y + between * (v - MID.x) + luck[j]);
  return { group, xMean, yMean, inner, x: group.map((j, i) => xMean[j] + inner * z[i]),
    y: group.map((j, i) => yMean[j] + within * inner * z[i] + rest[i]) };
}

export function compute(state, data) {
  const { J } = data, reml = Boolean(data.reml), s = students(state, data), { group, x, y, xMean } = s;
  const one = x.map(() => 1), own = group.map((j) => xMean[j]), grand = mean(x), zero = state.mode === "none" ? 0 : grand;
  const entered = { none: x, grand: x.map((v) => v - grand), group: x.map((v, i) => v - own[i]) }[state.mode];
  const columns = [one, entered, ...(state.mean ? [own.map((v) => v - zero)] : [])];
  const fit = fitIntercept(prepare(groupSums([...columns, y], group, J)), reml);
  // within and between slope with their precision, at the variances of the model that was fitted
  const both = estimates(prepare(groupSums([one, x.map((v, i) => v - own[i]), own, y], group, J)), fit.tau2, fit.sigma2);
  const [, gw, gb] = both.beta, w = [1 / both.cov[1][1], 1 / both.cov[2][2]], weight = w[0] / (w[0] + w[1]);
  const conflated = state.mode !== "group" && !state.mean;
  return { ...s, J, reml, entered, grand, zero, within: gw, between: gb, contextual: gb - gw, pooled: lineFit(entered, y),
    intercept: fit.beta[0], slope: fit.beta[1], se: fit.se[1], ofMean: fit.beta[2], seMean: fit.se[2], u: fit.u,
    tau2: fit.tau2, sigma2: fit.sigma2, criterion: fit.criterion, conflated, w, weight,
    average: weight * gw + (1 - weight) * gb };
}

// --- The picture --------------------------------------------------------------------------------

const NAMES = {
  none: "homework (hours a week), x_{ij}", grand: "homework − mean of all students, x_{ij} − x̄",
  group: "homework − mean of own school, x_{ij} − x̄_j",
};
const signed = (v, digits = 2) => { // a hair outward, so that two equal slopes never round apart
  const w = v + Math.sign(v) * 1e-9;
  return (Number(w.toFixed(digits)) > 0 ? "+" : "") + num(w, digits);
};
const tenth = (v) => clamp(Number((Math.round(v * 10) / 10).toFixed(1)), -SLOPE, SLOPE);

/** How far the clouds have slid onto each other: 0 where they belong, 1 all on their own mean. */
function slid({ state, memory, reduced, redraw }) {
  const goal = state.mode === "group" ? 1 : 0;
  const from = memory.slid ?? goal, gap = goal - from;
  memory.slid = reduced || Math.abs(gap) < 0.004 ? goal : from + gap * 0.2;
  if (memory.slid !== goal) redraw();
  return memory.slid;
}

function draw(o) {
  const { s, w, h } = o, seesawTop = h - 142;
  drawClouds(s, { left: 40, right: w - (w < 400 ? 68 : 74), top: 34, bottom: seesawTop - 66 }, o, slid(o));
  drawSeesaw(s, { left: 46, right: w - 46, y: seesawTop + 50, top: seesawTop }, o);
}

function drawClouds(s, box, { state, result: r, set, data }, slide) {
  const far = Math.max(...r.y.map((v) => Math.abs(v - MID.y))), half = far <= 20 ? 20 : far <= 30 ? 30 : 40;
  const x = linear([0, 10], [box.left, box.right]), y = linear([MID.y - half, MID.y + half], [box.bottom, box.top]);
  const back = s.layer("back", { "aria-hidden": "true" }), clouds = s.layer("clouds", { "aria-hidden": "true" }),
    lines = s.layer("lines", { "aria-hidden": "true", "pointer-events": "none" }), points = s.layer("points");
  const zero = state.mode === "none" ? 0 : MID.x;
  axisX(back, x, box.bottom, { values: [0, 2.5, 5, 7.5, 10], label: NAMES[state.mode],
    format: (v) => num(v - zero, (v - zero) % 1 ? 1 : 0) });
  axisY(back, y, box.left, { ticks: 5, grid: x.range, label: "math score (points)", labelX: 0 });
  back.line("zero", x(zero), box.top, x(zero), box.bottom, { stroke: "var(--fixed)", "stroke-dasharray": "3 4" });

  const at = (j) => r.xMean[j] - slide * (r.xMean[j] - MID.x), reach = 1.55 * r.inner;
  const e = ellipse([r.inner ** 2, state.within * r.inner ** 2, (state.within * r.inner) ** 2 + data.sigma ** 2], 3.2);
  const cos = Math.cos(e.angle), sin = Math.sin(e.angle), ring = Array.from({ length: 41 }, (_, k) => {
    const a = e.a * Math.cos(k * Math.PI / 20), b = e.b * Math.sin(k * Math.PI / 20);
    return [a * cos - b * sin, a * sin + b * cos];
  });
  const visible = (v) => clamp(v, ...y.domain);
  r.xMean.forEach((_, j) => clouds.path(`cloud${j}`, ring.map(([a, b]) => [x(clamp(at(j) + a, 0, 10)), y(visible(r.yMean[j] + b))]),
    { fill: "var(--sky)", "fill-opacity": 0.11, stroke: "none" }));
  let d = "";
  r.x.forEach((v, i) => {
    const px = x(clamp(v - r.xMean[r.group[i]] + at(r.group[i]), 0, 10)), py = y(visible(r.y[i]));
    d += `M${px.toFixed(1)} ${py.toFixed(1)}h.01`;
  });
  clouds.el("path", "students", { d, fill: "none", stroke: "var(--data)", "stroke-width": 4.4, "stroke-linecap": "round", opacity: 0.8 });
  const short = (layer, key, cx, cy, slope, attrs) => layer.path(key, clip(cx, cy, slope, cx - reach, cx + reach, y.domain)
    .map(([a, b]) => [x(a), y(b)]), { "stroke-linecap": "round", ...attrs });
  r.xMean.forEach((v, j) => short(lines, `w${j}`, at(j), r.yMean[j], r.within, { stroke: "var(--unpooled)", "stroke-width": 2, opacity: state.mean ? 0.4 : 1 }));

  // whole lines, each named at its right end
  const ends = [], through = (key, name, color, cy, slope, width, dash = null) => {
    const part = clip(MID.x, cy, slope, 0, 10, y.domain);
    lines.path(key, part.map(([a, b]) => [x(a), y(b)]), { stroke: `var(--${color})`, "stroke-width": width, "stroke-dasharray": dash });
    const [ex, ey] = part[part.length - 1];
    ends.push({ key, name, color, px: Math.max(x(ex), box.right), py: y(ey) });
  };
  const fade = 1 - slide;
  if (fade > 0.5) through("between", "between", "good", MID.y, r.between, 2.2);
  through("pooled", "pooled", "pooled", r.pooled.intercept + r.pooled.slope * (MID.x - (state.mode === "none" ? 0 : MID.x)),
    r.pooled.slope, 2.6, "7 4");
  if (!state.mean) through("model", "model", "model", r.intercept + r.slope * (state.mode === "none" ? MID.x : 0), r.slope, 3);
  else if (state.mode === "group") r.xMean.forEach((v, j) => short(lines, `m${j}`, at(j), r.intercept + r.ofMean * (v - MID.x), r.slope,
    { stroke: "var(--model)", "stroke-width": 2.4 }));
  r.xMean.forEach((_, j) => lines.circle(`g${j}`, x(at(j)), y(visible(r.yMean[j])), 3.8,
    { fill: "var(--good)", stroke: "var(--bg)", "stroke-width": 1.2 }));
  nameEnds(lines, ends, box);
  const context = state.mean && state.mode !== "group";
  if (context) drawContext(lines, x, y, r, short, box);
  lines.circle("intercept", x(zero), y(visible(r.intercept)), 5, { fill: "var(--bg)", stroke: "var(--fixed)", "stroke-width": 2.2 });
  const left = state.mode !== "none", below = (r.slope > 0) !== left;
  if (!context || !left) lines.text("intercept-name", x(zero) + (left ? -9 : 9), y(visible(r.intercept)) + (below ? 17 : -9), `γ_{00} ${num(r.intercept, 1)}`,
    { fill: "var(--fixed-ink)", "font-weight": 650, "text-anchor": left ? "end" : "start" });

  // two slopes to take hold of
  const last = r.J - 1, arm = Math.min(2, 10 - r.xMean[last]), hold = (key, px, py, name, fill, value, pull) => points.handle(key, {
    x: px, y: py, r: 6.5, axis: "y", fill, label: `Slope ${name} schools, end of its line`, now: value, min: -SLOPE, max: SLOPE, text: spoken(name, value, r),
    drag: (_, to) => pull(y.invert(to)),
    step: (dx, dy, big) => set({ [key]: tenth(value + (dx || dy) * (big ? 1 : 0.1)) }), edge: (way) => set({ [key]: way * SLOPE }),
  });
  hold("within", x(at(last) + arm), y(visible(r.yMean[last] + arm * r.within)), "within", "var(--unpooled)", state.within,
    (v) => set({ within: tenth((v - r.yMean[last]) / arm) }));
  lines.path("arm", [[x(at(last)), y(visible(r.yMean[last]))], [x(at(last) + arm), y(visible(r.yMean[last] + arm * r.within))]],
    { stroke: "var(--unpooled)", "stroke-width": 2, "stroke-dasharray": "2 3" });
  if (fade > 0.5) hold("between", x(9.4), y(visible(MID.y + r.between * (9.4 - MID.x))), "between", "var(--good)", state.between,
    (v) => set({ between: tenth((v - MID.y) / (9.4 - MID.x)) }));
}

const spoken = (name, value, r) => `${name} slope ${num(value, 1)}; the model's slope ${num(r.slope, 2)}`;

/** The part of the line through (cx, cy) that lies in the picture. */
function clip(cx, cy, slope, a, b, [low, high]) {
  [a, b] = [Math.max(a, 0), Math.min(b, 10)];
  if (Math.abs(slope) > 1e-9) {
    const cuts = [low, high].map((v) => cx + (v - cy) / slope).sort((p, q) => p - q);
    [a, b] = [Math.max(a, cuts[0]), Math.min(b, cuts[1])];
  }
  return a < b ? [[a, cy + slope * (a - cx)], [b, cy + slope * (b - cx)]] : [];
}

function nameEnds(layer, ends, box) {
  const spread = ends.sort((a, b) => a.py - b.py).map((e) => ({ ...e, ly: clamp(e.py, box.top, box.bottom) }));
  for (let i = 1; i < spread.length; i++) spread[i].ly = Math.max(spread[i].ly, spread[i - 1].ly + 15);
  const over = Math.max(0, (spread.at(-1)?.ly ?? 0) - box.bottom);
  for (const { key, name, color, px, ly } of spread) layer.text(`${key}-name`, px + 6, ly - over + 4, name, { fill: `var(--${color}-ink)`, "font-weight": 600 });
}

/** Two students with the same x, the second in a school whose mean is one hour higher. */
function drawContext(layer, x, y, r, short, box) {
  const c = r.contextual, top = y(MID.y + c), from = y(MID.y), way = Math.sign(top - from);
  for (const k of [0, 1]) short(layer, `school${k}`, MID.x + k, MID.y + k * r.between, r.slope, { stroke: "var(--model)", "stroke-width": 3 });
  layer.line("context", x(MID.x), from, x(MID.x), top, { stroke: "var(--fixed)", "stroke-width": 3 });
  if (Math.abs(top - from) > 8) layer.el("path", "context-tip", { d: `M${x(MID.x)} ${top + way * 2}l-5 ${-8 * way}h10z`, fill: "var(--fixed)" });
  const up = c > 0, ly = up ? box.top + 14 : box.bottom - 10; // outside the clouds, on the side to which the arrow points
  layer.line("leader", x(MID.x), top + 4 * way, x(MID.x), ly + (up ? 5 : -13), { stroke: "var(--fixed)", "stroke-width": 1 });
  layer.text("context-name", x(MID.x), ly, `contextual γ_C ${signed(c)}${box.right - box.left < 340 ? "" : ": same x, school mean + 1"}`, { "text-anchor": "middle", "font-weight": 650 });
}

/** Slopes on one axis: two weights on a beam, and where it balances. */
function drawSeesaw(s, { left, right, y, top }, { state, result: r, set, w }) {
  const layer = s.layer("seesaw", { "aria-hidden": "true" }), x = linear([-SLOPE, SLOPE], [left, right]), a = x(r.within), b = x(r.between);
  layer.line("axis", left, y + 52, right, y + 52, { stroke: "var(--axis)" });
  for (const v of [-4, -3, -2, -1, 0, 1, 2, 3, 4]) {
    layer.line(`t${v}`, x(v), y + 52, x(v), y + 57, { stroke: "var(--axis)" });
    layer.text(`l${v}`, x(v), y + 71, signed(v, 0), { class: "tick", fill: "var(--muted)", "text-anchor": "middle" });
  }
  layer.text("axis-name", 0, top - 2, w < 400 ? "slopes (points an hour)" : "the slopes, in points an hour of homework", { class: "axis-name" });
  layer.line("nought", x(0), y - 16, x(0), y + 52, { stroke: "var(--grid)", "stroke-width": 1.5 });
  layer.line("beam", a, y, b, y, { stroke: r.conflated ? "var(--fg)" : "var(--axis)", "stroke-width": r.conflated ? 3 : 1.5, "stroke-dasharray": r.conflated ? null : "3 4" });
  const size = (part) => 5 + 11 * Math.sqrt(part), sizes = r.conflated ? [size(r.weight), size(1 - r.weight)] : [8, 8];
  const percent = (v) => (r.conflated ? ` · ${num(100 * v, 0)} %` : ""), apart = Math.abs(a - b) < 190;
  const side = (here, there) => (!apart ? [0, "middle"] : here < there || (here === there && there === a) ? [-10, "end"] : [10, "start"]);
  const put = (key, px, [shift, anchor], text, ink) => {
    const room = { start: [0, 8], middle: [4, 4], end: [8, 0] }[anchor].map((k) => k * 16);
    layer.text(key, clamp(px + shift, room[0], w - room[1]), y - 24, text, { fill: `var(--${ink}-ink)`, "text-anchor": anchor, "font-weight": 650 });
  };
  put("w-name", a, apart && a === b ? [-10, "end"] : side(a, b), `within${percent(r.weight)}`, "unpooled");
  put("b-name", b, apart && a === b ? [10, "start"] : side(b, a), `between${percent(1 - r.weight)}`, "good");
  layer.el("path", "pooled", { d: `M${x(r.pooled.slope)} ${y + 52}l-6 -10h12z`, fill: "var(--pooled)" });
  const name = (where, key, v, dy, text, ink) => { // its name, toward the side with more room
    const way = x(v) > w - 110 ? -1 : 1;
    where.text(key, x(v) + way * 12, y + dy, text, { fill: `var(--${ink}-ink)`, "text-anchor": way > 0 ? "start" : "end", "font-weight": 650 });
  };
  name(layer, "pooled-name", r.pooled.slope, 46, `pooled ${signed(r.pooled.slope)}`, "pooled");
  const points = s.layer("weights");
  [["within", a, sizes[0], "var(--unpooled)"], ["between", b, sizes[1], "var(--good)"]].forEach(([key, px, radius, fill]) => points.handle(`beam-${key}`, {
    x: px, y, r: radius, fill, axis: "x", label: `Slope ${key} schools, on the beam`, now: state[key], min: -SLOPE, max: SLOPE, text: spoken(key, state[key], r),
    drag: (to) => set({ [key]: tenth(x.invert(to)) }),
    step: (dx, dy, big) => set({ [key]: tenth(state[key] + (dx || dy) * (big ? 1 : 0.1)) }), edge: (way) => set({ [key]: way * SLOPE }),
  }));
  const front = s.layer("fulcrum", { "aria-hidden": "true", "pointer-events": "none" });
  const ends = [[x(r.slope), "model"]];
  if (state.mean && state.mode === "group") ends.push([b, "model2"]);
  ends.forEach(([px, key]) => front.el("path", key, { d: `M${px} ${y + 3}l-8 22h16z`, fill: "var(--model)", stroke: "var(--bg)", "stroke-width": 1.2 }));
  const out = (key, px, other, v) => { // away from the other weight
    const way = px < other ? -1 : 1;
    front.text(key, px + way * 12, y + 27, signed(v), { fill: "var(--model-ink)", "text-anchor": way > 0 ? "start" : "end", "font-weight": 650 });
  };
  if (state.mean) out("model-name", a, b === a ? a + 1 : b, r.slope);
  else name(front, "model-name", r.slope, 27, `model ${signed(r.slope)}`, "model");
  if (state.mean && state.mode === "group") out("model2-name", b, a, r.ofMean);
  if (state.mean && state.mode !== "group") {
    if (Math.abs(a - b) > 90) front.text("gap-name", (a + b) / 2, y + 28, `γ_C ${signed(r.contextual)}`, { "text-anchor": "middle", "font-weight": 650 });
    front.line("gap", a, y + 11, b, y + 11, { stroke: "var(--fixed)", "stroke-width": 2.6 });
    if (Math.abs(a - b) > 30) front.el("path", "gap-tip", { d: `M${b} ${y + 11}l${8 * Math.sign(a - b)} -5v10z`, fill: "var(--fixed)" });
  }
}

// --- The lab ------------------------------------------------------------------------------------

const GAMMA = (sub) => `<span class="hat">γ</span><sub>${sub}</sub>`;
const slopes = (r) => `within ${signed(r.within)}, between ${signed(r.between)}, contextual ${signed(r.contextual)}, pooled ${signed(r.pooled.slope)}`;

function says(r, { mode, mean: added, within, between }) {
  const model = `<strong>${signed(r.slope)}</strong>`, reversal = within * between < 0;
  if (added && mode === "group") return `Two predictors, two questions: ${model} among students of one school, <strong>${signed(r.ofMean)}</strong> among schools. The coefficient of x̄<sub>j</sub> is the <em>between</em> slope.`;
  if (added) return `The coefficient of x is now the within slope, ${model}. That of x̄<sub>j</sub> is the <em>contextual</em> effect, <strong>${signed(r.ofMean)}</strong> = ${num(r.between, 1)} − ${r.within < 0 ? `(${num(r.within, 1)})` : num(r.within, 1)}: two students with the same homework, one in a school whose mean is an hour higher.`;
  if (mode === "group") return `Every school now stands on its own mean. What x knew about schools is gone: the slope is the within slope, ${model}, and τ<sub>00</sub>, now ${num(r.tau2, 1)}, is what it would be without x (or a little more).`;
  const agree = Math.abs(within - between) < 1e-9;
  const blend = `${num(100 * r.weight, 0)} % of ${signed(r.within, 1)} and ${num(100 - 100 * r.weight, 0)} % of ${signed(r.between, 1)}, each counted by its precision`;
  const turned = reversal ? ` The pooled line ${r.pooled.slope * r.slope < 0 ? "runs the other way" : "runs the same way"}: ${signed(r.pooled.slope)}.` : "";
  if (mode === "grand") return `Only zero has moved: slope ${model} and criterion ${num(r.criterion, 2)} are those of the raw x. ${agree
    ? "The two slopes agree, and the one coefficient answers both" : `The slope is still a blend, ${blend}`}; the intercept is now the score at average homework.`;
  if (agree) return `The model with one slope says ${model} points an hour. The two slopes agree, and the one coefficient answers both.`;
  return `The model with one slope says ${model} points an hour. It is ${blend}: an answer to neither question.${turned}`;
}

export default lab({
  name: "centering",
  title: "Centering",
  idea: "One slope inside schools, another between them. What you subtract from x decides which of them the model reports, or which blend.",
  state: { within: 1, between: 3.5, share: 0.7, n: 10, tau: 1.5, mode: "none", mean: false, seed: 1 },
  data: { J: 8, sigma: 2.5, reml: false },
  controls: [
    { key: "mode", type: "select", lead: true, label: "What enters the model",
      options: [["none", "x as it is"], ["grand", "x − the mean of all: grand-mean centering"], ["group", "x − its school’s mean: group-mean centering"]] },
    { key: "mean", type: "check", lead: true, label: "and the school’s mean x̄<sub>j</sub>, as a second predictor" },
    { type: "button", id: "simpson", label: "Simpson’s reversal", press: (c) => c.set({ within: 1.5, between: -2.5, share: 0.7, mode: "none", mean: false }) },
    { key: "within", type: "range", label: "slope within schools", symbol: "γ<sub>W</sub>", min: -SLOPE, max: SLOPE, step: 0.1, format: (v) => signed(v, 1) },
    { key: "between", type: "range", label: "slope between schools", symbol: "γ<sub>B</sub>", min: -SLOPE, max: SLOPE, step: 0.1, format: (v) => signed(v, 1) },
    { key: "share", type: "range", label: "share of x between schools", min: 0.05, max: 0.95, step: 0.01, format: (v) => `${num(100 * v, 0)} %` },
    { key: "n", type: "range", label: "students a school", symbol: "n", min: 2, max: 30, step: 1 },
    { key: "tau", type: "range", label: "SD of schools around the line between", min: 0, max: 5, step: 0.1, format: (v) => num(v, 1) },
    { type: "button", id: "draw", main: false, label: "Draw other students: dots move, slopes are held", press: (c) => c.set({ seed: c.state.seed % 999 + 1 }) },
  ],
  compute,
  size: (w) => [w, w < 400 ? 520 : 560],
  draw,
  readouts: (r, st) => [
    { key: "within", label: "within", symbol: GAMMA("W"), value: r.within, text: signed(r.within), ink: "unpooled" },
    { key: "between", label: "between", symbol: GAMMA("B"), value: r.between, text: signed(r.between), ink: "good" },
    { key: "contextual", label: "contextual", symbol: `${GAMMA("C")}`, value: r.contextual, text: signed(r.contextual) },
    { key: "pooled", label: "pooled (OLS)", value: r.pooled.slope, text: signed(r.pooled.slope), ink: "pooled" },
    { key: "slope", label: st.mode === "none" ? "model: slope of x" : "model: slope of centered x", value: r.slope, text: signed(r.slope, 3), ink: "model" },
    { key: "se", label: "its standard error", value: r.se, text: num(r.se, 3) },
    ...(st.mean ? [{ key: "ofMean", label: "model: slope of x̄<sub>j</sub>", value: r.ofMean, text: signed(r.ofMean, 3), ink: "model" },
      { key: "seMean", label: "its standard error", value: r.seMean, text: num(r.seMean, 3) }] : []),
    ...(r.conflated ? [{ key: "weight", label: "weight of within", value: r.weight, text: num(r.weight, 3) }] : []),
    { key: "intercept", label: "intercept", symbol: GAMMA("00"), value: r.intercept, text: num(r.intercept, 2) },
    { key: "tau2", label: "<span class=\"hat\">τ</span><sub>00</sub> of this model", value: r.tau2, text: num(r.tau2, 2) },
    { key: "sigma2", label: "students", symbol: "<span class=\"hat\">σ</span><sup>2</sup>", value: r.sigma2, text: num(r.sigma2, 2) },
    { key: "criterion", label: `criterion (${r.reml ? "REML" : "ML"})`, value: r.criterion, text: num(r.criterion, 2) },
  ],
  says,
  table: (r, st) => ({
    caption: `Slopes: ${slopes(r)}; model ${signed(r.slope, 4)}${st.mean ? `, of x̄ⱼ ${signed(r.ofMean, 4)}` : ""}${r.conflated
      ? `, the average of within and between with precisions ${num(r.w[0], 3)} and ${num(r.w[1], 3)}` : ""}. τ₀₀ = ${num(r.tau2, 4)}, σ² = ${num(r.sigma2, 4)}.`,
    columns: ["school", "students", "mean homework", "mean score", "uⱼ"],
    rows: r.xMean.map((v, j) => [String(j + 1), String(st.n), num(v, 3), num(r.yMean[j], 3), num(r.u[j], 3)]),
  }),
  describe: (r, st) => `${r.J} clouds of ${st.n} students each, a cloud a school: math score against ${{ none: "homework", grand: "homework minus the mean of all", group: "homework minus the school’s mean, so that all clouds stand above zero" }[st.mode]}. Slopes: ${slopes(r)}. The random-intercept model reports ${signed(r.slope)}${st.mean ? ` for x and ${signed(r.ofMean)} for the school mean` : ""}. Below, a beam of slopes with the within and the between slope as weights${r.conflated ? `, ${num(100 * r.weight, 0)} and ${num(100 - 100 * r.weight, 0)} percent, that balances at the model’s slope` : ""}.`,
  announce: (r, st) => `Within ${num(r.within, 1)}, between ${num(r.between, 1)}, pooled ${num(r.pooled.slope, 2)}; the model says ${num(r.slope, 2)}${st.mean ? ` for x and ${num(r.ofMean, 2)} for the school mean` : ""}${r.conflated ? `, ${num(100 * r.weight, 0)} percent within` : ""}.`,
  tries: [
    { try: "Press Simpson’s reversal, and read the slopes. Then center at the mean of all, then at each school’s mean.",
      see: "Pooled, an hour of homework costs more than a point; inside every school it brings one and a half. Grand-mean centering moves numbers on the axis and the intercept; slope and criterion stay to the last digit. Group-mean centering slides the clouds onto each other: the slope is exactly the within slope, and τ<sub>00</sub> is what it would be without x. That is less than before: the one slope ran the wrong way between schools, and τ<sub>00</sub> had to make up for it." },
    { try: "Reset. Now leave both slopes alone: 2 students a school, 95 % of x between schools, SD of schools 0.",
      see: "The beam tips over. The within slope had 89 % of the weight and keeps 5 %; the model’s slope has run from +1.3 to +3.4, and stands on the pooled one, since a τ<sub>00</sub> of zero <em>is</em> the pooled regression. Neither slope was changed, only who was sampled and how much schools differ." },
    { try: "Reset, and let the school’s mean enter as a second predictor. Then switch between x as it is and group-mean centering.",
      see: "The coefficient of x is the within slope, +1.00, in both. The coefficient of the mean is +2.50 in one and +3.50 in the other: contextual and between. The criterion does not move: one model, two ways to write it. Papers that report the one and the other for the same data do not disagree." },
  ],
});
