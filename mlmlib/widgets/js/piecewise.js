// Growth in pieces (chapter 14): drag a knot along growth curves. The model matrix, the fit and the meaning of every
// coefficient follow; AIC is drawn by place; and worlds without a knot show what a search for the best place finds there.
import { fitShape, flatWorld, placesOf, rangeOf, searcher } from "./breaks.js";
import { lab } from "./frame.js";
import { chi2Tail, mean } from "./numerics.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const MOST = 2000, CUT = [NaN, 3.841458820694124, 5.991464547107979], LEFT = 52, ROOM = 108; // for the rows of the model matrix

// --- Numbers ------------------------------------------------------------------------------------

const flat = (study, i) => flatWorld(i, study.Y.length, study.times, study.truth ?? { start: 40, slope: 1.2, tau: 6, sigma: 4 });

const rowsOf = (state, study) => (state.study === "none" ? flat(study, Math.max(1, state.worlds)) : study.Y);

export function compute(state, data, memory) {
  const study = data[state.study], { times, step } = study, Y = rowsOf(state, study);
  const { shape, knots } = state, hasKnots = shape === "piecewise" || shape === "jump", at = clamp(state.at, 0, knots.length - 1);
  const fit = fitShape(Y, times, shape, knots), line = fitShape(Y, times, "line", []), quadratic = fitShape(Y, times, "quadratic", []);
  const key = JSON.stringify([state.study, shape, knots.filter((_, i) => i !== at), at, state.study === "none" ? state.worlds : 0]);
  if (memory.key !== key) Object.assign(memory, { key, profile: hasKnots ? profileOf(Y, study, shape, knots, at) : [] });
  const kind = shape === "jump" ? "jump" : "piecewise", df = kind === "jump" ? 2 : 1, places = placesOf(times, kind, step);
  const seek = searcher(times, kind, places), fixedAt = places.indexOf(study.event), own = seek(Y);
  const pileKey = `${state.study === "rats"}${kind}`;
  if (memory.pileKey !== pileKey) Object.assign(memory, { pileKey, pile: [] });
  const { pile } = memory;
  while (pile.length < state.worlds) { const found = seek(flat(study, pile.length + 1)); pile.push({ fixed: found.lr[fixedAt], best: found.best, where: found.where }); }
  const shown = pile.slice(0, state.worlds), rate = (f) => (shown.length ? shown.filter(f).length / shown.length : NaN);
  return { study, Y, times, shape, knots, at, hasKnots, fit, line, quadratic, profile: memory.profile, df, cut: CUT[df], kind, own, fixed: own.lr[fixedAt], shown, places,
    lr: fit ? line.criterion - fit.criterion : NaN, fixedRate: rate((w) => w.fixed > CUT[df]), bestRate: rate((w) => w.best > CUT[df]),
    naive: chi2Tail(own.best, df), honest: shown.length ? (1 + shown.filter((w) => w.best >= own.best).length) / (1 + shown.length) : NaN };
}

/** How far a knot can go: to its neighbors, and to the ends of the data. */
function room({ times, step }, shape, knots, i) {
  const [a, b] = rangeOf(times, shape, step);
  return [i > 0 ? Math.max(a, knots[i - 1] + step) : a, i < knots.length - 1 ? Math.min(b, knots[i + 1] - step) : b];
}

function profileOf(Y, study, shape, knots, at) {
  const [a, b] = room(study, shape, knots, at), count = Math.round((b - a) / study.step);
  return Array.from({ length: count + 1 }, (_, k) => Number((a + k * study.step).toFixed(6)))
    .map((k) => [k, fitShape(Y, study.times, shape, knots.map((own, i) => (i === at ? k : own)))]).map(([k, fit]) => [k, fit ? fit.aic : NaN]);
}

/** Each knot in turn to its best place, until none moves. */
function bestKnots(Y, study, shape, knots) {
  let now = knots.slice();
  for (let round = 0; round < 12; round++) {
    const before = now.join();
    now.forEach((_, i) => {
      const best = profileOf(Y, study, shape, now, i).reduce((b, p) => (p[1] < b[1] - 1e-7 ? p : b), [now[i], Infinity]);
      now = now.map((k, j) => (j === i ? best[0] : k));
    });
    if (now.join() === before) break;
  }
  return now;
}

// --- The picture --------------------------------------------------------------------------------

const curveHeight = (w) => (w >= 460 ? 236 : 216);
const layout = (w) => { const bottom = 52 + curveHeight(w), matrix = bottom + 62, aic = matrix + ROOM + 40, pile = aic + 156; return { top: 52, bottom, matrix, aic, pile, h: pile + 148 }; };
const INK = { one: "var(--fg)", t: "var(--fg)", t2: "var(--purple)", bend: "var(--model)", jump: "var(--unpooled)" };
const inkOf = (name) => INK[name.replace(/\d$/, "")] ?? INK[name];
const at2 = (v) => num(v, Number.isInteger(v) ? 0 : 2);

function draw({ s, w, state, result: r, set }) {
  const at = layout(w), n = r.times.length, pad = (r.times[n - 1] - r.times[0]) * 0.045, x = linear([r.times[0] - pad, r.times[n - 1] + pad], [LEFT, w - 8]);
  s.layer("knot-lines", { "aria-hidden": "true" });
  drawCurves(s, x, at, r);
  drawMatrix(s, x, at.matrix, r);
  drawAic(s, w, x, at.aic, r);
  drawPile(s, w, at.pile, r);
  if (r.hasKnots) drawKnots(s, x, at, { r, set });
}

function drawCurves(s, x, { top, bottom }, r) {
  const middle = mean(r.Y.flat()), shown = r.study.centered ? r.Y.map((row) => row.map((v) => v - mean(row) + middle)) : r.Y;
  const back = s.layer("curves", { "aria-hidden": "true" }), all = shown.flat(), y = linear([Math.min(...all), Math.max(...all)], [bottom - 4, top + 6]);
  axisX(back, x, bottom, { values: x.range[1] < 420 ? r.times.filter((t, i) => i % 2 === 0) : r.times.filter((t, i) => i === 0 || x(t) - x(r.times[i - 1]) > 18), label: r.study.clock });
  axisY(back, y, LEFT, { label: "" });
  back.text("name", 0, 14, `${r.study.yName}, ${r.study.people}${r.study.centered ? " at one common mean" : ""}`, { class: "axis-name" });
  shown.forEach((row, i) => back.path(`p${i}`, row.map((v, k) => [x(r.times[k]), y(v)]), { stroke: "var(--data)", "stroke-width": 0.8, opacity: 0.45 }));
  r.times.forEach((t, k) => back.circle(`m${k}`, x(t), y(mean(r.Y.map((row) => row[k]))), 4, { fill: "var(--data)", stroke: "var(--bg)", "stroke-width": 1.2 }));
  if (!r.fit) return;
  const front = s.layer("fit", { "aria-hidden": "true" }), { beta, names } = r.fit, a = r.times[0], b = r.times[r.times.length - 1];
  const value = (t, side) => names.reduce((sum, name, k) => sum + beta[k] * basis(name, t, r.knots, side), 0);
  const stops = r.hasKnots ? [a, ...r.knots, b] : [a, b], points = [];
  stops.slice(1).forEach((to, i) => {
    for (let k = 0; k <= 30; k++) { const t = stops[i] + (to - stops[i]) * k / 30; points.push([x(t), y(value(t, k === 30 && i < stops.length - 2 ? -1 : 1))]); }
    if (r.shape === "jump" && i < stops.length - 2) {
      front.line(`jump${i}`, x(to), y(value(to, -1)), x(to), y(value(to, 1)), { stroke: "var(--unpooled)", "stroke-width": 3.4 });
      points.push(null);
    }
  });
  front.path("mean", points, { stroke: "var(--model)", "stroke-width": 3 });
  if (r.hasKnots) r.knots.forEach((k, i) => { // the slope before, carried on: what the bend is a change of
    const until = stops[i + 2], slope = beta[1] + names.reduce((sum, name, c) => sum + (name.startsWith("bend") && Number(name.slice(4)) < i ? beta[c] : 0), 0);
    front.path(`on${i}`, [[x(k), y(value(k, -1))], [x(until), y(value(k, -1) + slope * (until - k))]], { stroke: "var(--fg)", "stroke-width": 1.4, "stroke-dasharray": "4 4" });
  });
}

function basis(name, t, knots, side) {
  if (name === "one") return 1;
  if (name === "t") return t;
  if (name === "t2") return t * t;
  const k = knots[Number(name.slice(4))];
  return name.startsWith("jump") ? Number(t > k || (t === k && side > 0)) : Math.max(0, t - k);
}

/** The rows of the model matrix that a person has, lying down: each number stands under its time. */
function drawMatrix(s, x, top, r) {
  const layer = s.layer("matrix", { "aria-hidden": "true" });
  layer.text("title", 0, top, "model matrix, under each time", { "font-weight": 600 });
  const columns = r.fit?.columns ?? [], high = Math.min(17, ROOM / columns.length);
  if (!r.fit) layer.text("none", 0, top + 24, "The columns say the same twice: too few occasions between the knots.", { fill: "var(--pooled-ink)" });
  columns.forEach(([name, values], row) => {
    const y = top + 20 + row * high;
    layer.text(`n${row}`, 0, y, short(name, r), { class: "label tick", fill: inkOf(name) === "var(--fg)" ? "var(--fg)" : inkOf(name), "font-weight": 650 });
    let last = -Infinity;
    values.forEach((v, k) => {
      const px = x(r.times[k]), narrow = x.range[1] < 420;
      if (px - last < (narrow && (r.step < 1 || Math.abs(v) >= 100) ? 25 : 20)) return;
      last = px;
      layer.text(`v${row}-${k}`, px, y, Math.abs(v) >= 1000 ? `${num(v / 1000, 1)}k` : num(v, Number.isInteger(v) || Math.abs(v) >= 10 ? 0 : narrow || Number.isInteger(v * 10) ? 1 : 2),
        { class: "label tick", style: "font-size:11px", fill: v === 0 ? "var(--axis)" : "var(--fg)", "text-anchor": "middle" });
    });
  });
}

const short = (name, r) => ({ one: "1", t: "t", t2: "t²" }[name] ?? (name.startsWith("jump") ? `t ≥ ${at2(r.knots[name.slice(4)])}` : `(t−${at2(r.knots[name.slice(4)])})₊`));

function drawAic(s, w, x, top, r) {
  const layer = s.layer("aic", { "aria-hidden": "true" }), bottom = top + 96, curve = r.profile.filter(([, v]) => Number.isFinite(v));
  const levels = [["line", r.line.aic, "straight"], ["quadratic", r.quadratic.aic, "quadratic"]];
  const values = [...curve.map(([, v]) => v), ...levels.map(([, v]) => v), ...(r.fit ? [r.fit.aic] : [])], span = Math.max(...values) - Math.min(...values) || 1;
  const y = linear([Math.min(...values) - 0.08 * span, Math.max(...values) + 0.08 * span], [bottom, top + 8]);
  layer.text("title", 0, top - 10, r.hasKnots ? `AIC by the place of ${r.knots.length > 1 ? `knot ${r.at + 1}` : "the knot"} (low is good)` : "AIC of the shapes (low is good)", { "font-weight": 600 });
  axisX(layer, x, bottom, {});
  axisY(layer, y, LEFT, { ticks: 3, label: "" });
  const close = Math.abs(y(levels[0][1]) - y(levels[1][1])) < 16;
  levels.forEach(([key, v, name], k) => {
    layer.line(key, x.range[0], y(v), x.range[1], y(v), { stroke: k ? "var(--purple)" : "var(--data)", "stroke-dasharray": "5 4" });
    const dy = close ? (levels[k][1] >= levels[1 - k][1] && (k === 0 || levels[0][1] !== levels[1][1]) ? -5 : 14) : -5;
    layer.text(`${key}-name`, x.range[1], y(v) + dy, name, { class: "label tick", "text-anchor": "end", fill: "var(--muted)" });
  });
  layer.path("curve", curve.map(([k, v]) => [x(k), y(v)]), { stroke: "var(--model)" });
  if (!r.fit) return;
  const px = r.hasKnots ? x(r.knots[r.at]) : (x.range[0] + x.range[1]) / 2, left = px > (x.range[0] + x.range[1]) / 2;
  layer.circle("now", px, y(r.fit.aic), 5.5, { fill: "var(--model)", stroke: "var(--bg)", "stroke-width": 1.5 });
  layer.text("now-name", px + (left ? -10 : 10), clamp(y(r.fit.aic) + 16, top + 12, bottom - 4), num(r.fit.aic, 1), { "text-anchor": left ? "end" : "start", fill: "var(--model-ink)", "font-weight": 650 });
}

function drawPile(s, w, top, r) {
  const layer = s.layer("pile", { "aria-hidden": "true" }), bottom = top + 98, most = 20, x = linear([0, most], [8, w - 14]), bins = 40;
  layer.text("title", 0, top - 10, w >= 460 ? "statistic of one knot against a straight line, in worlds without one" : "statistic of a knot, in worlds without one", { "font-weight": 600 });
  axisX(layer, x, bottom, {});
  const heights = ["fixed", "best"].map((kind) => { const out = new Array(bins).fill(0); r.shown.forEach((v) => { out[clamp(Math.floor(v[kind] / most * bins), 0, bins - 1)]++; }); return out; });
  const y = linear([0, Math.max(1, ...heights[1], heights[0][1], heights[0][2])], [bottom, top + 8]), wide = x(most / bins) - x(0);
  heights[0].forEach((count, k) => layer.rect(`f${k}`, x(k * most / bins) + 0.5, Math.max(top + 8, y(count)), wide - 1, bottom - Math.max(top + 8, y(count)), { fill: "var(--data)", "fill-opacity": 0.55 }));
  heights[1].forEach((count, k) => layer.rect(`b${k}`, x(k * most / bins) + 0.5, y(count), wide - 1, bottom - y(count), { fill: "var(--pooled)", "fill-opacity": 0.75 }));
  layer.line("cut", x(r.cut), top + 2, x(r.cut), bottom, { stroke: "var(--fg)", "stroke-dasharray": "3 3" });
  layer.text("cut-name", x(r.cut) + 5, top + 8, `χ² cut ${num(r.cut, 2)}`, { class: "label tick", fill: "var(--muted)" });
  const own = Math.min(r.own.best, most);
  layer.line("own", x(own), top + 24, x(own), bottom, { stroke: "var(--model)", "stroke-width": 2.6 });
  layer.text("own-name", x(own) + (own > most / 2 ? -6 : 6), top + 34, `this data, best place: ${num(r.own.best, 1)}`, { "text-anchor": own > most / 2 ? "end" : "start", fill: "var(--model-ink)", "font-weight": 650 });
  if (r.shown.length) {
    layer.text("fixed-name", x(most), top + 56, `known place: ${num(100 * r.fixedRate, 1)} % beyond the cut`, { "text-anchor": "end", fill: "var(--data-ink)" });
    layer.text("best-name", x(most), top + 74, `best place: ${num(100 * r.bestRate, 1)} %`, { "text-anchor": "end", fill: "var(--pooled-ink)", "font-weight": 650 });
  } else layer.text("empty", x(most), top + 66, "no world drawn yet", { "text-anchor": "end", fill: "var(--muted)" });
}

function drawKnots(s, x, { top, bottom, aic }, { r, set }) {
  const lines = s.layer("knot-lines", { "aria-hidden": "true" }), layer = s.layer("knots"), { step } = r.study;
  r.knots.forEach((k, i) => {
    const [a, b] = room(r.study, r.shape, r.knots, i), chosen = i === r.at;
    lines.line(`k${i}`, x(k), top - 12, x(k), chosen ? aic + 96 : bottom, { stroke: chosen ? "var(--focus)" : "var(--axis)", "stroke-width": 2 });
    const to = (v) => set({ knots: r.knots.map((own, j) => (j === i ? clamp(Number((Math.round(v / step) * step).toFixed(6)), a, b) : own)), at: i });
    layer.handle(`knot${i}`, {
      x: x(k), y: top - 14, r: 8, fill: chosen ? "var(--focus)" : "var(--axis)", axis: "x", label: `Knot ${i + 1}`, now: k, min: a, max: b,
      text: `${r.study.clock} ${at2(k)}${r.fit ? `: AIC ${num(r.fit.aic, 1)}` : ": not to be estimated"}`,
      drag: (px) => to(x.invert(px)), step: (dx, dy, big) => to(k + (dx || dy) * step * (big ? 4 : 1)), edge: (way) => to(way < 0 ? a : b),
    });
  });
}

// --- The lab ------------------------------------------------------------------------------------

const signed = (v, digits = 2) => (v > 0 ? "+" : "") + num(v, digits);
const usable = (st) => st.shape === "piecewise" || st.shape === "jump";

function meaning(name, r) {
  if (name === "one") return `level at ${r.study.clock} 0`;
  if (name === "t") return r.shape === "line" ? `gain a ${r.study.clock}` : r.hasKnots ? `gain a ${r.study.clock}, before` : `gain a ${r.study.clock}, at 0`;
  if (name === "t2") return "bend of the parabola";
  return `${name.startsWith("jump") ? "jump" : "change of gain"} at ${at2(r.knots[name.slice(4)])}`;
}

/** A place for one more knot, in the middle of the widest gap. */
function added({ knots, shape }, study) {
  const [a, b] = rangeOf(study.times, shape, study.step), stops = [a, ...knots, b];
  const i = stops.slice(1).map((v, k) => v - stops[k]).reduce((best, v, k, all) => (v > all[best] ? k : best), 0);
  const place = Number((Math.round((stops[i] + stops[i + 1]) / 2 / study.step) * study.step).toFixed(6));
  return { knots: [...knots.slice(0, i), place, ...knots.slice(i)], at: i };
}

const within = (shape, study, knots) => { const [a, b] = rangeOf(study.times, shape, study.step); return knots.map((k) => clamp(k, a, b)); };

function says(r) {
  if (!r.fit) return "Between two jumps there must be two occasions, or a line through them is not determined. Move a knot.";
  const gain = r.fit.beta[1], first = r.fit.names.indexOf("bend0"), jump = r.fit.names.indexOf("jump0"), { clock } = r.study;
  const story = r.shape === "line" ? `A straight line: ${signed(gain)} a ${clock}.` : r.shape === "quadratic" ? `A parabola: ${signed(gain)} a ${clock} at ${clock} 0, and the gain changes by ${signed(2 * r.fit.beta[2], 3)} with every ${clock}.`
    : `Until ${clock} ${at2(r.knots[0])} the gain is ${signed(gain)} a ${clock}${jump > 0 ? `; there, a jump of <strong>${signed(r.fit.beta[jump])}</strong>` : ""}; from then on the gain is <strong>${signed(gain + r.fit.beta[first])}</strong>.`;
  const luck = r.shown.length > 19 ? ` In ${r.shown.length} worlds without any knot, a known place passes the cut in ${num(100 * r.fixedRate, 1)} %, the best place in <strong>${num(100 * r.bestRate, 1)} %</strong>.` : "";
  return `${story} AIC ${num(r.fit.aic, 1)}, against ${num(r.line.aic, 1)} straight and ${num(r.quadratic.aic, 1)} quadratic.${luck}`;
}

export default lab({
  name: "piecewise",
  title: "Growth in pieces",
  idea: "Drag the knot at which growth bends or jumps. A knot that was known beforehand is a fact about the study; one that was found by looking is a guess that the usual test takes for a fact.",
  state: { study: "trial", shape: "piecewise", knots: [6], at: 0, worlds: 0 },
  controls: [
    { key: "study", type: "select", lead: true, label: "Growth of", options: [["trial", "readers, program from week 6 (simulated)"], ["rats", "rats, weighed on 11 days"], ["none", "readers to whom nothing happens"]],
      change: (ctx, study) => ctx.set({ study, knots: [ctx.data[study].event], at: 0, worlds: 0 }) },
    { key: "shape", type: "select", lead: true, label: "Average growth", options: [["line", "straight"], ["quadratic", "quadratic"], ["piecewise", "bends at the knots"], ["jump", "jumps and bends at the knots"]],
      change: (ctx, shape) => ctx.set({ shape, knots: within(shape, ctx.data[ctx.state.study], ctx.state.knots) }) },
    { type: "button", id: "search", label: "Look for the best place", enabled: usable, press: ({ state, data, set }) => {
      const study = data[state.study];
      set({ knots: bestKnots(rowsOf(state, study), study, state.shape, state.knots) });
    } },
    { type: "button", id: "more", main: false, label: "One more knot", enabled: (st) => usable(st) && st.knots.length < 3, press: (ctx) => ctx.set(added(ctx.state, ctx.data[ctx.state.study])) },
    { type: "button", id: "fewer", main: false, label: "One knot less", enabled: (st) => usable(st) && st.knots.length > 1,
      press: (ctx) => ctx.set({ knots: ctx.state.knots.filter((_, i) => i !== ctx.state.at), at: 0 }) },
    { type: "button", id: "world", hold: true, label: "Draw a world without a knot (hold for many)", enabled: (st) => st.worlds < MOST,
      press: (ctx, held) => ctx.set({ worlds: Math.min(MOST, ctx.state.worlds + (held ? 8 : 1)) }) },
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r) => [
    ...(r.fit ? r.fit.names.flatMap((name, k) => [
      { key: name, label: meaning(name, r), symbol: `γ<sub>${k}0</sub>`, value: r.fit.beta[k], text: name === "t2" ? signed(r.fit.beta[k], 4) : k ? signed(r.fit.beta[k]) : num(r.fit.beta[k], 2), ink: k > 1 ? "model" : "" },
      { key: `${name}_se`, label: "its standard error", value: r.fit.se[k], text: num(r.fit.se[k], name === "t2" ? 4 : 3) }]) : []),
    ...(r.fit ? [{ key: "tau2", label: "between people", symbol: "τ₀₀", value: r.fit.tau2, text: num(r.fit.tau2, 2) },
      { key: "sigma2", label: "occasions", symbol: "σ²", value: r.fit.sigma2, text: num(r.fit.sigma2, 2) },
      { key: "criterion", label: "−2 log likelihood (ML)", value: r.fit.criterion, text: num(r.fit.criterion, 2) },
      { key: "aic", label: "AIC", value: r.fit.aic, text: num(r.fit.aic, 1), ink: "model" }, { key: "bic", label: "BIC", value: r.fit.bic, text: num(r.fit.bic, 1), ink: "model" },
      { key: "lr", label: "statistic against straight", value: r.lr, text: num(r.lr, 2) }] : []),
    { key: "known", label: `one knot at ${r.study.clock} ${r.study.event}`, value: r.fixed, text: num(r.fixed, 2) },
    { key: "best", label: `best: ${r.study.clock} ${at2(r.own.where)}`, value: r.own.best, text: num(r.own.best, 2), ink: "pooled" },
    { key: "naive", label: "its p by χ²", value: r.naive, text: r.naive < 0.0001 ? "< 0.0001" : num(r.naive, 4), ink: "pooled" },
    ...(r.shown.length ? [{ key: "honest", label: "by the worlds", value: r.honest, text: num(r.honest, 4), ink: "good" },
      { key: "fixed_rate", label: "beyond the cut: known place", value: r.fixedRate, text: `${num(100 * r.fixedRate, 1)} %` },
      { key: "best_rate", label: "best place", value: r.bestRate, text: `${num(100 * r.bestRate, 1)} %`, ink: "pooled" }] : []),
  ],
  says,
  table: (r) => ({
    caption: `${r.study.people}: ${r.fit ? `AIC ${num(r.fit.aic, 3)}, BIC ${num(r.fit.bic, 3)}, −2 log likelihood ${num(r.fit.criterion, 3)}` : "this model cannot be estimated"}; straight: AIC ${num(r.line.aic, 3)}, BIC ${num(r.line.bic, 3)}; quadratic: AIC ${num(r.quadratic.aic, 3)}, BIC ${num(r.quadratic.bic, 3)}. One knot: known place ${num(r.fixed, 3)}, best place ${num(r.own.best, 3)} at ${r.own.where}. ${r.shown.length} worlds drawn.`,
    columns: ["coefficient", "column", "estimate", "SE", ...r.times.map((t) => `at ${t}`)],
    rows: (r.fit?.names ?? []).map((name, k) => [meaning(name, r), short(name, r), num(r.fit.beta[k], 5), num(r.fit.se[k], 5), ...r.fit.columns[k][1].map((v) => String(Number(v.toFixed(2))))]),
  }),
  describe: (r) => `Growth curves of ${r.study.people}, with their means as dots and a fitted mean curve${r.hasKnots ? ` with knots at ${r.knots.map(at2).join(", ")}` : ` that is ${r.shape === "line" ? "straight" : "quadratic"}`}. Under each time stand the entries of the model matrix. Below, AIC ${r.hasKnots ? "against the place of the knot, with" : "of"} the straight line at ${num(r.line.aic, 1)} and the parabola at ${num(r.quadratic.aic, 1)}; the model has ${r.fit ? num(r.fit.aic, 1) : "none"}. Last, statistics of one knot in ${r.shown.length} worlds without one${r.shown.length ? `: beyond the cut are ${num(100 * r.fixedRate, 1)} percent at a known place and ${num(100 * r.bestRate, 1)} percent at the best place` : ""}.`,
  announce: (r) => (r.fit ? `${r.hasKnots ? `Knot ${r.at + 1} of ${r.knots.length} at ${r.study.clock} ${at2(r.knots[r.at])}: ` : ""}${r.fit.names.slice(1).map((name) => `${meaning(name, r)} ${num(r.fit.beta[r.fit.names.indexOf(name)], 2)}`).join(", ")}. AIC ${num(r.fit.aic, 1)}.${r.shown.length ? ` ${r.shown.length} worlds: best place beyond the cut in ${num(100 * r.bestRate, 1)} percent.` : ""}` : "This model cannot be estimated: too few occasions between the knots."),
  tries: [
    { try: "The program began in week 6. Look for the best place of the bend. Then let it jump, and look again.",
      see: "A bend alone goes to week 4.5, before anything happened: it has to make up for a jump that it may not have. With a jump, the best place is between week 5 and week 6, and AIC is flat there: nobody was tested in between. A wrong shape moves the place; no search tells you so." },
    { try: "Readers to whom nothing happens. Hold the button until some hundred worlds are drawn. How often does a knot pass the cut?",
      see: "At week 6, named before looking, in about 5 %. At the best place, in about 19 %; with a jump, in about 23 %. The best of many statistics is not χ². Its p-value has to come from the same search in worlds without a knot: “by the worlds” among the numbers." },
    { try: "With the trial, one bend: look for the best place, then add a knot and look again, twice. Watch AIC and BIC.",
      see: "AIC likes a second knot but no third, and BIC wants one only. Neither was told that the places were searched; each would have to be charged for that as well. A curve with knots at three places that nobody had named describes these children, and promises little about others." },
  ],
});
