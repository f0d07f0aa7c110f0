// Influence (chapter 9): schools as points, the mixed model's line between them, and what one school does to it.
// Below, influence taken apart into leverage and surprise, and what a school's size is worth.
import { lab } from "./frame.js";
import { cooks, fitLine, standing, studentLine } from "./leave_out.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const LEAST = 4; // schools that must stay

// --- Numbers ------------------------------------------------------------------------------------

/** The schools as they stand: the data's own, moved, resized, and some taken out. A resized school keeps its SD. */
function schoolsOf(state, data) {
  return data.labels.map((label, j) => {
    const n = state.n[j] ?? data.n[j], own = data.n[j];
    return { j, label, n, x: state.x[j] ?? data.x[j], y: state.y[j] ?? data.y[j], ss: data.ss[j] * (n - 1) / (own - 1), out: state.out.includes(j) };
  });
}

export function compute(state, data) {
  const schools = schoolsOf(state, data), kept = schools.filter((s) => !s.out), chosen = schools[state.school], reml = data.reml !== false;
  const withIt = schools.filter((s) => !s.out || s === chosen), full = fitLine(withIt, reml);
  const stand = new Map(withIt.map((s) => {
    const less = fitLine(withIt.filter((o) => o !== s), reml);
    return [s.j, { ...standing(s, full), less, cooks: cooks(full, less), moves: (less.slope - full.slope) / less.se }];
  }));
  const own = stand.get(chosen.j), meanOf = (f) => withIt.reduce((a, s) => a + f(s), 0) / withIt.length;
  const meanWeight = meanOf((s) => stand.get(s.j).weight), meanSize = meanOf((s) => s.n);
  return { schools, kept, chosen, full, less: own.less, now: chosen.out ? own.less : full, own, stand, m: withIt.length, threshold: 4 / withIt.length,
    students: studentLine(kept), meanWeight, meanSize, counts: own.weight / meanWeight, sizeRatio: chosen.n / meanSize,
    ceiling: full.tau2 > 0 ? 1 / full.tau2 / meanWeight : Infinity };
}

const change = (list, length, j, value) => Array.from({ length }, (_, k) => (k === j ? value : list[k] ?? null));
const toggle = ({ out, school }, j = school) => (out.includes(j) ? out.filter((k) => k !== j) : [...out, j].sort((a, b) => a - b));
const mayGo = ({ out, school }, data, j = school) => out.includes(j) || data.labels.length - out.length > LEAST;

// --- The picture --------------------------------------------------------------------------------

const radius = (n) => 3 + 0.62 * Math.sqrt(n);
const SIDE = 172;

function draw(o) {
  const { s, w, h } = o, wide = w >= 440, top = 30, bottom = wide ? h - SIDE - 146 : h - 2 * SIDE - 256;
  drawSchools(s, { left: 34, right: w - 12, top, bottom }, o);
  const first = { left: 34, right: wide ? w / 2 - 18 : w - 12, top: bottom + 102, bottom: bottom + 102 + SIDE };
  drawProduct(s, first, o);
  drawWorth(s, wide ? { ...first, left: w / 2 + 30, right: w - 12 } : { ...first, top: first.bottom + 102, bottom: first.bottom + 102 + SIDE }, o);
}

function drawSchools(s, box, { state, data, result: r, set }) {
  const x = linear(data.xRange, [box.left, box.right]), y = linear(data.yRange, [box.bottom, box.top]);
  const back = s.layer("back", { "aria-hidden": "true" }), lines = s.layer("lines", { "aria-hidden": "true", "pointer-events": "none" }),
    points = s.layer("points"), front = s.layer("front", { "aria-hidden": "true", "pointer-events": "none" });
  axisX(back, x, box.bottom, { label: data.xName, grid: [box.top, box.bottom], values: [-1, -0.5, 0, 0.5, 1, 1.5].filter((v) => v <= data.xRange[1]), format: (v) => num(v, v % 1 ? 1 : 0) });
  axisY(back, y, box.left, { label: data.yName, labelX: 0, ticks: 5 });
  const rows = [], through = (key, name, line, color, attrs) => {
    const style = { stroke: `var(--${color})`, ...attrs };
    lines.path(key, data.xRange.map((v) => [x(v), y(clamp(line.at(v), data.yRange[0] - 4, data.yRange[1] + 4))]), style);
    rows.push({ key, name, color, style });
  };
  if (state.students) through("students", "all students", r.students, "pooled", { "stroke-width": 2.4, "stroke-dasharray": "2 4" });
  const other = r.chosen.out ? r.full : r.less;
  through("other", `${r.chosen.out ? "with" : "without"} ${r.chosen.label}`, other, "fixed", { "stroke-width": 2, "stroke-dasharray": "7 5" });
  through("now", "the model", r.now, "model", { "stroke-width": 3 });
  rows.forEach(({ key, name, color, style }, k) => { // a key where few schools stand: poor marks, rich pupils
    const ky = box.bottom - 14 - 18 * k, kx = box.right - 142;
    lines.path(`${key}-key`, [[kx, ky], [kx + 30, ky]], style);
    front.text(`${key}-name`, kx + 38, ky + 4.5, name, { fill: `var(--${color}-ink)`, "font-weight": 650 });
  });

  const J = data.labels.length, [lowX, highX] = data.xRange, [lowY, highY] = data.yRange;
  const move = (j, to) => set({ school: j, x: change(state.x, J, j, Number(clamp(to[0], lowX, highX).toFixed(3))), y: change(state.y, J, j, Number(clamp(to[1], lowY, highY).toFixed(2))) });
  for (const school of r.schools) {
    const { j, label, n, out } = school, here = j === state.school, own = r.stand.get(j);
    const node = points.handle(`school${j}`, {
      x: x(school.x), y: y(school.y), r: radius(n), tabindex: here ? 0 : -1, fill: out ? "var(--off)" : here ? "var(--unpooled)" : "var(--data)",
      label: `School ${label}, ${n} students${out ? ", taken out" : ""}; Delete ${out ? "puts it back" : "takes it out"}`, now: Number(school.y.toFixed(1)), min: lowY, max: highY,
      text: `mean SES ${num(school.x, 2)}, mean score ${num(school.y, 1)}${own ? `; leverage ${num(own.leverage, 2)}, surprise ${num(own.surprise, 1)}, Cook's distance ${num(own.cooks, 2)}` : ""}`,
      drag: (px, py) => move(j, [x.invert(px), y.invert(py)]),
      step: (dx, dy, big) => move(j, [school.x + dx * (big ? 0.2 : 0.02), school.y + dy * (big ? 2 : 0.2)]),
    });
    node.onfocus = () => { if (state.school !== j) set({ school: j }); };
    node.onkeydown = (event) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      event.preventDefault();
      if (mayGo(state, data, j)) set({ school: j, out: toggle(state, j) });
    };
  }
  // the chosen one: how far it lies from the line that does not know it
  const { chosen } = r, px = x(chosen.x), py = y(chosen.y), foot = y(clamp(r.less.at(chosen.x), ...data.yRange));
  lines.line("surprise", px, py, px, foot, { stroke: "var(--unpooled)", "stroke-width": 2.2, "stroke-dasharray": "3 3" });
  const dy = py < box.top + 24 ? 20 : foot < py ? radius(chosen.n) + 16 : -radius(chosen.n) - 8;
  front.text("chosen", clamp(px, box.left + 46, box.right - 46), py + dy, `${chosen.label}: ${chosen.n}`, { "text-anchor": "middle", "font-weight": 700, fill: "var(--unpooled-ink)" });
}

/** Each school's leverage and surprise; on a curve Cook's distance is the same. */
function drawProduct(s, box, { state, result: r, set }) {
  const all = [...r.stand.values()], most = Math.max(0.32, ...all.map((q) => q.leverage * 1.08)), tall = Math.max(3.6, ...all.map((q) => Math.abs(q.surprise) * 1.08));
  const x = linear([0, Math.min(1, most)], [box.left, box.right]), y = linear([0, tall], [box.bottom, box.top]);
  const back = s.layer("product-back", { "aria-hidden": "true" }), dots = s.layer("product", { "aria-hidden": "true" });
  back.text("title", 0, box.top - 30, "influence = leverage × surprise", { "font-weight": 650 });
  axisX(back, x, box.bottom, { ticks: 3, label: "leverage", format: (v) => num(v, 1) });
  axisY(back, y, box.left, { ticks: 4, label: "surprise (SDs, either way)", labelX: 0, format: (v) => num(v, 0) });
  for (const [key, level, name] of [["flag", r.threshold, `D = 4/${r.m}`], ["one", 1, "D = 1"]]) {
    const curve = [];
    for (let k = 1; k <= 100; k++) { const h = x.domain[1] * k / 100, t = Math.sqrt(2 * level * (1 - h) / h); if (t <= tall) curve.push([x(h), y(t)]); }
    if (curve.length < 2) continue;
    back.path(key, curve, { stroke: "var(--axis)", "stroke-width": 1.4, "stroke-dasharray": "4 4" });
    const [cx, cy] = curve[Math.floor(0.55 * (curve.length - 1))];
    back.text(`${key}-name`, cx + 4, Math.max(cy - 4, box.top + 10), name, { class: "label tick", fill: "var(--muted)" });
  }
  for (const [j, q] of r.stand) {
    const here = j === state.school, dot = dots.circle(`d${j}`, x(q.leverage), y(Math.abs(q.surprise)), here ? 6.5 : 4.5, { fill: here ? "var(--unpooled)" : "var(--data)", stroke: "var(--bg)", "stroke-width": 1.2, style: "cursor:pointer" });
    dot.onclick = () => set({ school: j });
  }
}

/** What so many students are worth: the model's weight levels off, since tau stays however many there are. */
function drawWorth(s, box, { state, result: r }) {
  const back = s.layer("worth-back", { "aria-hidden": "true" }), dots = s.layer("worth", { "aria-hidden": "true", "pointer-events": "none" });
  const far = Math.max(75, r.chosen.n * 1.08), top = Math.max(3.2, 1.15 * r.counts), { tau2, sigma2 } = r.full, x = linear([0, far], [box.left, box.right]), y = linear([0, top], [box.bottom, box.top]);
  back.text("title", box.left - 34, box.top - 30, "what a school’s size is worth", { "font-weight": 650 });
  axisX(back, x, box.bottom, { ticks: 4, label: "students in the school" });
  axisY(back, y, box.left, { ticks: 4, label: "weight ÷ average school’s", labelX: box.left - 34, format: (v) => num(v, 0) });
  const grid = Array.from({ length: 60 }, (_, k) => far * k / 59), worth = (n) => (n ? 1 / (tau2 + sigma2 / n) / r.meanWeight : 0);
  const edge = Math.min(far, top * r.meanSize);
  back.path("count", [[x(0), y(0)], [x(edge), y(edge / r.meanSize)]], { stroke: "var(--pooled)", "stroke-width": 2, "stroke-dasharray": "5 4" });
  back.text("count-name", x(edge) - 8, y(edge / r.meanSize) + 4, "by head", { fill: "var(--pooled-ink)", "text-anchor": "end", "font-weight": 650 });
  back.path("worth", grid.map((n) => [x(n), y(Math.min(top, worth(n)))]), { stroke: "var(--model)", "stroke-width": 2.6 });
  if (r.ceiling < top) {
    back.line("ceiling", box.left, y(r.ceiling), box.right, y(r.ceiling), { stroke: "var(--axis)", "stroke-dasharray": "4 4" });
    back.text("ceiling-name", box.left + 6, y(r.ceiling) - 6, "ceiling, 1/τ_{00}", { class: "label tick", fill: "var(--muted)" });
  }
  back.text("worth-name", box.right, y(Math.min(top, worth(far))) + 18, "in the model", { fill: "var(--model-ink)", "text-anchor": "end", "font-weight": 650 });
  for (const [j, q] of r.stand) {
    const here = j === state.school, { n } = r.schools[j];
    dots.circle(`w${j}`, x(n), y(q.weight / r.meanWeight), here ? 6.5 : 3.6, { fill: here ? "var(--unpooled)" : "var(--data)", stroke: "var(--bg)", "stroke-width": 1.2 });
  }
}

// --- The lab ------------------------------------------------------------------------------------

const GAMMA = "<span class=\"hat\">γ</span><sub>01</sub>", TAU = "<span class=\"hat\">τ</span><sub>00</sub>";
const times = (v) => `${num(v, 1)} times`;

function says(r) {
  const { chosen: c, own, full, less } = r, name = `School ${c.label}`;
  const product = `leverage ${num(own.leverage, 2)} (an average school has ${num(2 / r.m, 2)}) and lies ${num(Math.abs(own.surprise), 1)} SDs from the line`;
  const effect = `${c.out ? "Back in, it would move" : "Without it"} the slope ${c.out ? `from ${num(less.slope, 2)} to ${num(full.slope, 2)}` : `goes from ${num(full.slope, 2)} to ${num(less.slope, 2)}`}, its SE ${c.out ? `from ${num(less.se, 2)} to ${num(full.se, 2)}` : `from ${num(full.se, 2)} to ${num(less.se, 2)}`}, τ<sub>00</sub> ${c.out ? `from ${num(less.tau2, 1)} to ${num(full.tau2, 1)}` : `from ${num(full.tau2, 1)} to ${num(less.tau2, 1)}`}`;
  return `${name} has ${product}: <i>D</i> = <strong>${num(own.cooks, 2)}</strong>. ${effect}. It has ${times(r.sizeRatio)} an average school’s students and counts ${times(r.counts)} as much.`;
}

export default lab({
  name: "influence",
  title: "Influence of a school",
  idea: "Influence is leverage times surprise: far out and off the line. A school’s size matters less than one thinks, since τ₀₀ puts a floor under its variance.",
  state: { school: 17, x: [], y: [], n: [], out: [], students: false },
  controls: (ctx) => [
    { key: "school", type: "select", lead: true, label: "School", options: ctx.data.labels.map((label, j) => [j, `${label} (${ctx.data.n[j]} students)`]) },
    { type: "button", id: "out", main: false, lead: true, label: (st) => `${st.out.includes(st.school) ? "Put" : "Take"} ${ctx.data.labels[st.school]} ${st.out.includes(st.school) ? "back" : "out"}`,
      enabled: (st) => mayGo(st, ctx.data), press: (c) => c.set({ out: toggle(c.state) }) },
    { key: "n", type: "range", label: "students in the chosen school", symbol: "n<sub>j</sub>", min: 2, max: 200, step: 1, value: (c) => c.state.n[c.state.school] ?? c.data.n[c.state.school],
      change: (c, v) => c.set({ n: change(c.state.n, c.data.labels.length, c.state.school, v) }) },
    { key: "students", type: "check", label: "show the line of all students, schools ignored" },
    { type: "button", id: "back", main: false, label: "This school as it was", press: ({ set, state, data }) => {
      const J = data.labels.length, j = state.school;
      set({ x: change(state.x, J, j, null), y: change(state.y, J, j, null), n: change(state.n, J, j, null), out: state.out.filter((k) => k !== j) });
    } },
  ],
  python: (st, { labels, n, x, y }) => {
    const own = (j) => [st.x[j] ?? Number(x[j].toFixed(3)), st.y[j] ?? Number(y[j].toFixed(2))], some = (f, g) => Object.fromEntries(labels.map((label, j) => [label, f(j), g(j)]).filter(([, ok]) => ok).map(([label, , v]) => [label, v]));
    return { school: labels[st.school], out: st.out.map((j) => labels[j]), moved: some((j) => (st.x[j] ?? st.y[j] ?? null) !== null, own),
      sizes: some((j) => (st.n[j] ?? n[j]) !== n[j], (j) => st.n[j]), students: st.students };
  },
  compute,
  size: (w) => [w, w >= 440 ? 608 : 890],
  draw,
  readouts: ({ full, less, own, chosen, counts, sizeRatio }) => [
    { key: "leverage", label: "leverage", symbol: "h<sub>j</sub>", value: own.leverage, text: num(own.leverage, 3), ink: "unpooled" },
    { key: "surprise", label: "surprise, in SDs", value: own.surprise, text: num(own.surprise, 2), ink: "unpooled" },
    { key: "held", label: "Cook’s <i>D</i>, variances held", value: own.held, text: num(own.held, 3) },
    { key: "cooks", label: "Cook’s <i>D</i>, refitted", value: own.cooks, text: num(own.cooks, 3), ink: "unpooled" },
    { key: "slope", label: `slope with it${chosen.out ? " (out now)" : ""}`, symbol: GAMMA, value: full.slope, text: num(full.slope, 3), ink: chosen.out ? undefined : "model" },
    { key: "slope_less", label: "without it", value: less.slope, text: num(less.slope, 3), ink: chosen.out ? "model" : undefined },
    { key: "se", label: "SE with it", value: full.se, text: num(full.se, 3) },
    { key: "se_less", label: "without it", value: less.se, text: num(less.se, 3) },
    { key: "tau2", label: "between schools with it", symbol: TAU, value: full.tau2, text: num(full.tau2, 2) },
    { key: "tau2_less", label: "without it", value: less.tau2, text: num(less.tau2, 2) },
    { key: "moves", label: "slope moves, in SEs", value: own.moves, text: num(own.moves, 2) },
    { key: "size", label: "students ÷ average school’s", value: sizeRatio, text: num(sizeRatio, 2) },
    { key: "counts", label: "weight ÷ average school’s", value: counts, text: num(counts, 2) },
  ],
  says,
  table: (r, st, data) => ({
    caption: `${r.kept.length} of ${data.labels.length} schools in the model: ${num(r.now.intercept, 3)} + ${num(r.now.slope, 3)} × mean SES (SE ${num(r.now.se, 3)}), τ₀₀ = ${num(r.now.tau2, 3)}, σ² = ${num(r.now.sigma2, 3)}. Measures are those of the fit with school ${r.chosen.label} in; Cook’s D above ${num(r.threshold, 2)} is worth a look.`,
    columns: ["school", "students", "mean SES", "mean score", "leverage", "surprise", "D, held", "D, refitted", "slope without", "SE without", "τ₀₀ without"],
    rows: r.schools.map((q) => {
      const own = r.stand.get(q.j);
      return [q.out ? `${q.label} (out)` : q.label, String(q.n), num(q.x, 3), num(q.y, 2), ...(own ? [num(own.leverage, 3), num(own.surprise, 2), num(own.held, 3), num(own.cooks, 3), num(own.less.slope, 3), num(own.less.se, 3), num(own.less.tau2, 3)] : new Array(7).fill("–"))];
    }),
  }),
  describe: (r, st, data) => `${data.labels.length} schools as dots, larger for more students, mean score against mean SES, with the mixed model's line, slope ${num(r.now.slope, 2)}, and a dashed line ${r.chosen.out ? "with" : "without"} school ${r.chosen.label}, slope ${num(r.chosen.out ? r.full.slope : r.less.slope, 2)}. That school has ${r.chosen.n} students, leverage ${num(r.own.leverage, 2)}, lies ${num(r.own.surprise, 1)} standard deviations from the line, and has Cook's distance ${num(r.own.cooks, 2)}. Below, left, all schools by leverage and surprise, with curves of equal influence; right, weight against size: it levels off at ${num(r.ceiling, 2)} times an average school's.`,
  announce: (r) => `School ${r.chosen.label}${r.chosen.out ? ", taken out" : ""}: slope ${num(r.full.slope, 2)} with it, ${num(r.less.slope, 2)} without; leverage ${num(r.own.leverage, 2)}, surprise ${num(r.own.surprise, 1)}, Cook's distance ${num(r.own.cooks, 2)}.`,
  tries: [
    { try: "Take 62821 out. Put it back, choose 54344, and take that out instead. Both have a Cook’s distance near 0.36. Do they do the same?",
      see: "62821 is far out, with leverage 0.29: without it the slope falls from 7.16 to 6.08. 54344 stands in the middle, where nobody moves a slope much, but 3.2 SDs below the line: without it τ<sub>00</sub> falls from 9.9 to 3.3 and the slope’s SE from 1.40 to 0.99. One school held the line up; the other was paid for in the variance, and so in every standard error." },
    { try: "Reset. Give 62821 three times its students, 200. Then 10.",
      see: "Three times the students change next to nothing: leverage stays at 0.29, <i>D</i> goes from 0.38 to 0.40. With 10 students the leverage is still 0.19. Its weight is 1/(τ<sub>00</sub> + σ<sup>2</sup>/<i>n</i>), and of that sum σ<sup>2</sup>/67 was 1.2 and τ<sub>00</sub> was 9.9: even a school whose mean is known exactly says only where one school lies." },
    { try: "Reset. Drag 54344 to the right, to a mean SES of 1.2, as low as it is. Reset again, and drag 62821 to the right edge, onto its dashed line.",
      see: "54344 surprises about as much as before, now with leverage 0.23: <i>D</i> goes from 0.34 to 2.3 and drags the slope to 4.6. 62821 at the edge has more leverage than any school had, 0.45, and next to no influence, for it says what the others say. The slope’s SE falls from 1.40 to 1.16. A school far out is the best you can have, if you believe it." },
  ],
});
