// The power planner (chapter 21): schools across, students up, power as shade. A budget is a line; a study is a dot on or under it.
import { contour, gridOf } from "./contours.js";
import { lab } from "./frame.js";
import { affordable, bestDesign, costOf, designOf, noncentralityFor, optimalN, parts, powerAt, degrees, schoolsFor, steps } from "./power_formulas.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const LIMITS = { J: [6, 200], n: [2, 200] }, LEVELS = [0.5, 0.8, 0.9], AIM = 0.8;

// --- Numbers ------------------------------------------------------------------------------------

const powerOf = (state, J, n) => { const { between, within } = parts(state); return powerAt(state.effect / Math.sqrt((between + within / n) / J), degrees(state, J), state.alpha); };

export function compute(state, _, memory) {
  const own = designOf(state, state.J, state.n), world = JSON.stringify([state.level, state.effect, state.icc, state.r2_group, state.r2_unit, state.effect_sd, state.alpha]);
  if (memory.world !== world) { // the map does not depend on the dot, nor on money
    memory.world = world;
    memory.map = gridOf(([a, b]) => powerOf(state, Math.exp(a), Math.exp(b)), LIMITS.J.map(Math.log), LIMITS.n.map(Math.log), 60, 48);
  }
  const cost = costOf(state, state.J, state.n), ideal = optimalN(state), best = bestDesign(state, LIMITS.J, LIMITS.n);
  const schools = affordable(state, state.n), afford = schools >= LIMITS.J[0] ? designOf(state, Math.min(LIMITS.J[1], schools), state.n) : null;
  return { own, map: memory.map, cost, left: state.budget - cost, ideal, best, afford, mdes: noncentralityFor(AIM, own.df, state.alpha) * own.se, students: state.J * state.n,
    deff: state.level === "school" ? 1 + (state.n - 1) * state.icc : NaN };
}

/** The design nearest to (J, n) that spends the budget and no more: as many schools as n students leave. */
function onLine(state, J, n) {
  let best = null;
  for (let k = LIMITS.n[0]; k <= LIMITS.n[1]; k += steps(state).n) {
    const many = affordable(state, k);
    if (many < LIMITS.J[0]) break;
    const own = Math.min(LIMITS.J[1], many), far = Math.hypot(Math.log(own / J), Math.log(k / n));
    if (!best || far < best.far - 1e-12) best = { J: own, n: k, far };
  }
  return best ? { J: best.J, n: best.n } : { J, n };
}

const place = (state, J, n) => {
  const by = steps(state), at = { J: clamp(by.J * Math.round(J / by.J), ...LIMITS.J), n: clamp(by.n * Math.round(n / by.n), ...LIMITS.n) };
  return state.snap ? onLine(state, at.J, at.n) : at;
};
/** One school or student more or less (a pair where halves are treated); on the line the next number of students. */
function walk(state, dx, dy, big) {
  const by = steps(state), far = big ? 10 : 1;
  if (!state.snap) return place(state, state.J + dx * by.J * far, state.n + dy * by.n * far);
  const n = clamp(state.n + (dy || -dx) * by.n * far, ...LIMITS.n), J = affordable(state, n);
  return J < LIMITS.J[0] ? {} : { J: Math.min(LIMITS.J[1], J), n };
}

// --- The picture --------------------------------------------------------------------------------

const layout = (w) => {
  const wide = w >= 480, left = 44, bottom = 44 + (wide ? 330 : 270), curve = bottom + 92;
  return { wide, left, top: 44, bottom, curve, h: curve + 130 + 44 };
};
const percent = (v) => (v > 0.995 ? "over 99 %" : `${num(100 * v, 0)} %`), money = (v) => Math.round(v).toLocaleString("en-US");

function draw({ s, w, state, result: r, set }) {
  const at = layout(w), x = linear(LIMITS.J.map(Math.log), [at.left, w - 14]), y = linear(LIMITS.n.map(Math.log), [at.bottom, at.top]);
  drawMap(s, w, at, x, y, { state, r });
  drawBudget(s, at, x, y, { state, r });
  drawCurve(s, w, at, { state, r });
  const px = (J) => x(Math.log(J)), py = (n) => y(Math.log(n));
  s.layer("points").handle("design", {
    x: px(state.J), y: py(state.n), r: 8, fill: "var(--model)", axis: "xy", label: "The chosen design: schools across, students up", now: state.J, min: LIMITS.J[0], max: LIMITS.J[1],
    text: `${state.J} schools with ${state.n} students: power ${percent(r.own.power)}, cost ${money(r.cost)} of ${money(state.budget)}`,
    drag: (a, b) => set(place(state, Math.exp(x.invert(a)), Math.exp(y.invert(b)))), step: (dx, dy, big) => set(walk(state, dx, dy, big)),
    edge: (way) => set(place(state, LIMITS.J[way < 0 ? 0 : 1], state.n)),
  });
}

const BANDS = 10;

/** Power in ten shades, with the lines of 50, 80 and 90 %. */
function drawMap(s, w, at, x, y, { state, r }) {
  const layer = s.layer("map", { "aria-hidden": "true" }), { xs, ys, z } = r.map, paths = Array.from({ length: BANDS }, () => ""), tenth = (v) => Math.round(10 * v) / 10;
  for (let k = 0; k + 1 < ys.length; k++) for (let i = 0; i + 1 < xs.length; i++) {
    const mid = (z[k][i] + z[k][i + 1] + z[k + 1][i] + z[k + 1][i + 1]) / 4, a = tenth(x(xs[i])), b = tenth(x(xs[i + 1])), c = tenth(y(ys[k])), d = tenth(y(ys[k + 1]));
    paths[Math.min(BANDS - 1, Math.floor(BANDS * mid))] += `M${a} ${c}H${b}V${d}H${a}z`;
  }
  paths.forEach((d, i) => layer.el("path", `band${i}`, { d: d || "M0 0", fill: "var(--unpooled)", "fill-opacity": 0.04 + 0.052 * i, stroke: "none" }));
  layer.text("name", 0, 14, at.wide ? `power to find ${num(state.effect, 2)} SD, when ${state.level === "school" ? "schools" : "students within schools"} are treated` : `power to find ${num(state.effect, 2)} SD`, { "font-weight": 650 });
  const ticks = { J: [6, 10, 20, 50, 100, 200], n: [2, 5, 10, 20, 50, 100, 200] }, log = (v) => num(Math.exp(v), 0);
  axisX(layer, x, at.bottom, { values: ticks.J.map(Math.log), format: log, label: "schools, J" });
  axisY(layer, y, at.left, { values: ticks.n.map(Math.log), format: log, label: "students per school, n", labelX: 0 });
  const lines = s.layer("lines", { "aria-hidden": "true" }), rows = [0.86, 0.5, 0.1].map((v) => Math.round(v * (ys.length - 1)));
  LEVELS.forEach((level, k) => {
    const own = { stroke: "var(--fixed)", "stroke-width": level === AIM ? 2.4 : 1.3, fill: "none", "stroke-dasharray": level === AIM ? null : "4 4" };
    lines.el("path", `iso${k}`, { d: contour(r.map, level, x, y) || "M0 0", ...own });
    const found = rows.map((m) => [m, z[m].findIndex((v) => v >= level)]).find(([, i]) => i > 0);
    if (found) lines.text(`iso-name${k}`, x(xs[found[1]]) + 3, y(ys[found[0]]) + (k - 1) * 18, percent(level), { class: "label tick", fill: "var(--fixed-ink)", "font-weight": 650 });
  });
}

/** What the budget buys: everything under the line. */
function drawBudget(s, at, x, y, { state, r }) {
  const layer = s.layer("budget", { "aria-hidden": "true" }), points = [];
  for (let k = 0; k <= 120; k++) {
    const n = 2 * 100 ** (k / 120), J = schoolsFor(state, n);
    points.push(J >= LIMITS.J[0] && J <= LIMITS.J[1] ? [x(Math.log(J)), y(Math.log(n))] : null);
  }
  layer.path("line", points, { stroke: "var(--model)", "stroke-width": 3 });
  const own = points.filter(Boolean), low = own[0];
  const before = low && low[0] > at.left + (at.wide ? 160 : 96);
  if (low) layer.text("name", low[0] + (before ? -8 : 8), Math.min(at.bottom - 8, low[1] - 8), at.wide ? "what the budget buys" : "your budget", { fill: "var(--model-ink)", "font-weight": 650, "text-anchor": before ? "end" : "start" });
  if (!r.best) return;
  const bx = x(Math.log(r.best.J)), by = y(Math.log(r.best.n));
  layer.el("path", "best", { d: `M${num(bx, 1)} ${num(by - 9, 1)}l9 9l-9 9l-9 -9z`, fill: "var(--good)", stroke: "var(--bg)", "stroke-width": 1.4 });
  const right = bx < x.range[1] - 90;
  layer.text("best-name", bx + (right ? 13 : -13), by - 8, `best ${percent(r.best.power)}`, { fill: "var(--good-ink)", "font-weight": 650, "text-anchor": right ? "start" : "end" });
}

/** Power along the budget line. */
function drawCurve(s, w, at, { state, r }) {
  const layer = s.layer("curve", { "aria-hidden": "true" }), top = at.curve, bottom = top + 130, x = linear(LIMITS.n.map(Math.log), [at.left, w - 14]), y = linear([0, 1], [bottom, top]), points = [];
  layer.text("name", 0, top - 14, at.wide ? `Power for ${money(state.budget)}: few students in many schools, or many in few` : `Power for ${money(state.budget)}`, { "font-weight": 650 });
  axisX(layer, x, bottom, { values: [2, 5, 10, 20, 50, 100, 200].map(Math.log), format: (v) => num(Math.exp(v), 0), label: "students per school, n" });
  axisY(layer, y, at.left, { values: [0, 0.5, AIM, 1], format: (v) => `${num(100 * v, 0)} %`, label: "" });
  layer.line("aim", at.left, y(AIM), w - 14, y(AIM), { stroke: "var(--fixed)", "stroke-width": 1.4, "stroke-dasharray": "5 4" });
  for (let k = 0; k <= 90; k++) {
    const n = 2 * 100 ** (k / 90), J = Math.min(LIMITS.J[1], schoolsFor(state, n));
    points.push(J >= LIMITS.J[0] ? [x(Math.log(n)), y(powerOf(state, J, n))] : null);
  }
  layer.path("power", points, { stroke: "var(--model)", "stroke-width": 2.6 });
  if (r.best) layer.circle("best", x(Math.log(r.best.n)), y(r.best.power), 6, { fill: "var(--good)", stroke: "var(--bg)", "stroke-width": 1.4 });
  const fall = r.afford && r.afford.power - r.own.power;
  if (r.afford && Math.abs(fall) > 0.004) layer.line("fall", x(Math.log(state.n)), y(r.own.power), x(Math.log(state.n)), y(r.afford.power), { stroke: "var(--muted)", "stroke-dasharray": "2 3" });
  layer.circle("own", x(Math.log(state.n)), y(r.own.power), 6, { fill: "var(--model)", stroke: "var(--bg)", "stroke-width": 1.4 });
  const cx = x(Math.log(state.n)), cy = y(r.own.power), high = r.own.power > 0.9, beside = (r.afford && Math.abs(fall) > 0.06), right = cx < w - 110;
  if (beside) layer.text("own-name", cx + (right ? 11 : -11), cy + 4, `yours ${percent(r.own.power)}`, { fill: "var(--model-ink)", "font-weight": 650, "text-anchor": right ? "start" : "end" });
  else layer.text("own-name", clamp(cx, at.left + 50, w - 60), high ? y(AIM) + 18 : cy + (r.own.power > 0.3 ? 22 : -12), `yours ${percent(r.own.power)}`, { fill: "var(--model-ink)", "font-weight": 650, "text-anchor": "middle" });
}

// --- The lab ------------------------------------------------------------------------------------

function says(r, st) {
  const enough = r.left < 0 ? `<strong>${money(-r.left)} more than you have</strong>` : r.left > st.cost_group + st.cost_unit * st.n ? `${money(r.left)} less than you have` : "within the budget";
  const first = `${st.J} schools with ${st.n} students cost ${money(r.cost)}, ${enough}, and find an effect of ${num(st.effect, 2)} with <strong>${percent(r.own.power)}</strong>.`;
  if (!r.best) return `${first} The budget does not buy ${LIMITS.J[0]} schools.`;
  const gain = r.best.power - r.own.power, better = gain > 0.005 ? `${r.left < 0 ? "Your own" : "The same"} money buys ${r.best.J} schools with ${r.best.n} students, and ${percent(r.best.power)}.` : gain > -0.005 ? "The budget buys no better." : `The budget alone buys ${percent(r.best.power)}.`;
  const where = st.level === "school" ? `Of the variance of your estimate ${percent(r.own.share)} lies between schools, where further students help nothing.` : st.effect_sd > 0 ? `Each school is its own control; of the variance of your estimate ${percent(r.own.share)} comes from effects that differ between schools.` : "Each school is its own control, and the effect is the same in all: only the number of students counts.";
  return `${first} ${better} ${where}`;
}

const range = (key, label, symbol, min, max, step, digits = 2, more = {}) => ({ key, type: "range", label, symbol, min, max, step, format: (v) => num(v, digits), change: (ctx, v) => moved(ctx, { [key]: v }), ...more });
const cash = (key, label, min, max, step) => ({ ...range(key, label, "", min, max, step), scale: "log", format: money });
/** A change of prices or of what is treated: the design goes along, in pairs, and to the budget if it shall. */
function moved(ctx, patch) {
  const next = { ...ctx.state, ...patch };
  ctx.set({ ...patch, ...place(next, next.J, next.n) });
}
const toBest = (ctx) => { if (ctx.result.best) ctx.set({ J: ctx.result.best.J, n: ctx.result.best.n }); };

export default lab({
  name: "power_planner",
  title: "Power planner",
  idea: "Money buys schools or students. Drag the dot along the line of your budget, and find where it buys the most power.",
  state: { level: "school", effect: 0.4, icc: 0.2, r2_group: 0, r2_unit: 0, effect_sd: 0.1, alpha: 0.05, J: 30, n: 40, budget: 40000, cost_group: 500, cost_unit: 20, snap: false },
  controls: [
    { key: "level", type: "select", lead: true, label: "Treated are", options: [["school", "whole schools"], ["student", "students within schools"]], change: (ctx, level) => moved(ctx, { level }) },
    { key: "snap", type: "check", lead: true, label: "keep to the budget", change: (ctx, snap) => moved(ctx, { snap }) },
    { type: "button", id: "best", lead: true, main: false, label: "Best for the budget", press: toBest },
    range("effect", "effect, in SDs", "γ<sub>01</sub>", 0.05, 1, 0.05), range("icc", "ICC", "ρ", 0.01, 0.5, 0.01),
    range("r2_group", "explained between schools", "R<sup>2</sup><sub>2</sub>", 0, 0.95, 0.05, 2, { show: (st) => st.level === "school" }),
    range("r2_unit", "explained within schools", "R<sup>2</sup><sub>1</sub>", 0, 0.95, 0.05),
    range("effect_sd", "SD of the effect between schools", "√τ<sub>11</sub>", 0, 0.5, 0.05, 2, { show: (st) => st.level === "student" }),
    { key: "alpha", type: "select", label: "level of the test", options: [[0.05, "5 %"], [0.01, "1 %"], [0.1, "10 %"]] },
    cash("budget", "budget", 5000, 200000, 1000), cash("cost_group", "cost of a school", 50, 5000, 50), cash("cost_unit", "cost of a student", 1, 200, 1),
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r, st) => [
    { key: "power", label: "power", value: r.own.power, text: num(r.own.power, 3), ink: "model" },
    { key: "se", label: "SE of the effect", value: r.own.se, text: num(r.own.se, 3) },
    { key: "mdes", label: "found with 80 % (MDES)", value: r.mdes, text: num(r.mdes, 3) },
    { key: "df", label: "degrees of freedom", value: r.own.df, text: String(r.own.df) },
    { key: "noncentrality", label: "effect / SE", value: r.own.delta, text: num(r.own.delta, 2) },
    { key: "schools", label: "schools", symbol: "J", value: st.J, text: String(st.J) },
    { key: "per_school", label: "students per school", symbol: "n", value: st.n, text: String(st.n) },
    { key: "students", label: "students in all", value: r.students, text: money(r.students) },
    { key: "cost", label: "cost", value: r.cost, text: money(r.cost) },
    { key: "left", label: r.left < 0 ? "missing" : "left over", value: r.left, text: money(Math.abs(r.left)) },
    { key: "optimal_n", label: "best n by formula", value: r.ideal, text: Number.isFinite(r.ideal) ? num(r.ideal, 1) : "all there are", ink: "good" },
    { key: "best_schools", label: "best for the budget: J", value: r.best ? r.best.J : NaN, text: r.best ? String(r.best.J) : "–", ink: "good" },
    { key: "best_n", label: "with n", value: r.best ? r.best.n : NaN, text: r.best ? String(r.best.n) : "–", ink: "good" },
    { key: "best_power", label: "and power", value: r.best ? r.best.power : NaN, text: num(r.best ? r.best.power : NaN, 3), ink: "good" },
  ],
  says,
  table: (r, st) => ({
    caption: `${st.level === "school" ? "Schools" : "Students within schools"} are treated, effect ${num(st.effect, 2)}, ICC ${num(st.icc, 2)}, two-sided test at ${num(st.alpha, 2)}. Yours: ${st.J} schools with ${st.n} students, SE ${num(r.own.se, 4)}, power ${num(r.own.power, 4)}, MDES ${num(r.mdes, 4)}, cost ${money(r.cost)}. The rows: what ${money(st.budget)} buys; as many schools as the students leave.`,
    columns: ["students per school", "schools", "students", "cost", "SE", "power"],
    rows: [2, 5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200].map((n) => (st.level === "school" ? n : 2 * Math.ceil(n / 2))).map((n) => [n, Math.min(LIMITS.J[1], affordable(st, n))]).filter(([, J]) => J >= LIMITS.J[0])
      .map(([n, J]) => { const own = designOf(st, J, n); return [String(n), String(J), String(n * J), money(costOf(st, J, n)), num(own.se, 4), num(own.power, 4)]; }),
  }),
  describe: (r, st) => `A map of power: schools from 6 to 200 across, students per school from 2 to 200 up, both on log scales; lines of 50, 80 and 90 percent power, which fall steeply: schools count more than students. The line of the budget of ${money(st.budget)} goes from many schools with few students to few with many. Your dot, ${st.J} schools with ${st.n} students, has power ${percent(r.own.power)} and costs ${money(r.cost)}. ${r.best ? `The best that the budget buys is ${r.best.J} schools with ${r.best.n} students, ${percent(r.best.power)}.` : "The budget buys too few schools."} Below, the power along that line.`,
  announce: (r, st) => `${st.J} schools with ${st.n} students: power ${percent(r.own.power)}, cost ${money(r.cost)} of ${money(st.budget)}. ${r.best ? `Best for the budget: ${r.best.J} with ${r.best.n}, ${percent(r.best.power)}.` : ""}`,
  tries: [
    { try: "Tick “keep to the budget”, and drag the dot along the line, or walk it with the arrow keys. Where is the top, and how flat is it?",
      see: "At 54 schools with 12 students: 80 %, where 30 schools with 40 students have 62 %. The formula √((cost of a school / cost of a student) · (1 − ρ)/ρ) says 10; whole pairs of schools leave less change with 12. The top is flat: 5 students or 20 cost you only 4 points. The slope to the right is not: with 80 students in 18 schools you have 41 %, for the same money." },
    { try: "Reset. You may have last year’s scores of the schools: set “explained between schools” to 0.7. Compare with buying twice as many schools (60 with 40 students).",
      see: "Power goes from 62 to 96 %, for the price of looking up a file. Twice the schools cost 78,000 and give 90 %. A covariate that explains what differs between schools takes away the very part of the error that students cannot. The best n rises with it, from 10 to about 18: once schools differ less, students count for more." },
    { try: "Treat students within schools, and lower the budget to 10,000. What do you still find? Then raise the SD of the effect between schools to 0.3.",
      see: "With a quarter of the money the best design, 7 schools with 46 students, has 88 %, where treating whole schools would have 26 %: each school is its own control. If the effect differs between schools by an SD of 0.3, that design falls to 60 %, and the best is now 11 schools with 20 students, 67 %: more schools with fewer students again. What the map does not show: in one school the treated may teach the controls." },
  ],
});
