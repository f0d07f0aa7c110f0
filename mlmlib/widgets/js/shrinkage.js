// The shrinkage lab (chapter 3): each school's raw mean and the model's estimate, joined by an arrow. Drag a school
// or a student, change n_j, the two variances, or let REML choose them again, here in the page.
import { lab } from "./frame.js";
import { criterionAt, estimates, fitIntercept, meansToSums, prepare } from "./mixed.js";
import { mean, normalQuantile } from "./numerics.js";
import { axisX, clamp, linear, num } from "./svg.js";

const MODES = {
  none: { name: "no pooling", short: "", color: "var(--unpooled)", ink: "unpooled" },
  partial: { name: "partial pooling", short: "model", color: "var(--model)", ink: "model" },
  complete: { name: "complete pooling", short: "pooled", color: "var(--pooled)", ink: "pooled" },
};

// --- Numbers ------------------------------------------------------------------------------------

/** Scores of school j: the data's own, moved by `shift`; another n_j draws a smooth sample of the same mean and SD. */
function scoresOf(j, { shift, sizes, edits }, { groups }) {
  const own = groups[j], n = sizes[j] ?? own.length, by = shift[j] ?? 0, m = mean(own);
  let scores = own.map((v) => v + by);
  if (n !== own.length) {
    const z = Array.from({ length: n }, (_, i) => normalQuantile((i + 0.5) / n));
    const sd = Math.sqrt(own.reduce((s, v) => s + (v - m) ** 2, 0) / Math.max(1, own.length - 1));
    const scale = n > 1 ? sd / Math.sqrt(z.reduce((s, v) => s + v * v, 0) / (n - 1)) : 0;
    scores = z.map((v) => m + by + scale * v);
  }
  for (const [school, i, by2] of edits) if (school === j && i < n) scores[i] += by2;
  return scores;
}

function compute(state, data) {
  const scores = data.groups.map((_, j) => scoresOf(j, state, data)), size = scores.map((v) => v.length),
    means = scores.map(mean);
  const within = scores.map((v, j) => v.reduce((s, y) => s + (y - means[j]) ** 2, 0));
  const N = size.reduce((a, b) => a + b, 0), grand = means.reduce((s, m, j) => s + m * size[j], 0) / N;
  const stats = prepare(meansToSums(size, means, within, grand)), best = fitIntercept(stats, data.reml !== false);
  const fit = state.auto ? best : estimates(stats, state.tau2, state.sigma2);
  const criterion = state.auto ? best.criterion : criterionAt(stats, state.tau2, state.sigma2, data.reml !== false);
  const gamma = state.mode === "complete" ? grand : fit.beta[0] + grand;
  const lambda = { none: size.map(() => 1), partial: fit.lambda, complete: size.map(() => 0) }[state.mode];
  const estimate = means.map((m, j) => gamma + lambda[j] * (m - gamma));
  const schools = data.labels.map((label, j) => ({ j, label, n: size[j], mean: means[j], within: within[j],
    lambda: lambda[j], estimate: estimate[j], u: estimate[j] - gamma, sd: fit.uSd[j] }));
  const lowest = Math.max(0, criterion - best.criterion);
  return { N, grand, gamma, se: fit.se[0], tau2: fit.tau2, sigma2: fit.sigma2, icc: fit.icc, criterion, excess: lowest,
    best, schools, scores,
    mode: MODES[state.mode], order: orderOf(data), chosen: schools[state.school] };
}

const orders = new WeakMap();
function orderOf(data) { // rows stay where the data's own means put them
  if (!orders.has(data.groups)) {
    const means = data.groups.map(mean);
    orders.set(data.groups, means.map((_, j) => j).sort((a, b) => means[b] - means[a]));
  }
  return orders.get(data.groups);
}

const scaleOf = ({ groups }) => {
  const means = groups.map(mean), low = Math.min(...means), high = Math.max(...means), pad = 0.09 * (high - low);
  return [low - pad, high + pad];
};
const replace = (list, length, j, value, empty) =>
  Array.from({ length }, (_, k) => (k === j ? value : list[k] ?? empty));

// --- The picture --------------------------------------------------------------------------------

const ROW = 18, TOP = 34, BELOW = 168; // below the rows: two axes and the students

function draw({ s, w, state, data, result, set }) {
  const J = data.labels.length, bottom = TOP + ROW * J, x = linear(scaleOf(data), [88, w - 46]);
  const back = s.layer("back", { "aria-hidden": "true" });
  for (const [key, at, text, anchor] of [["school", 0, "school", "start"], ["n", 74, "nⱼ", "end"],
    ["lambda", w, "λⱼ", "end"]]) {
    back.text(`head-${key}`, at, TOP - 12, text, { class: "tick", fill: "var(--muted)", "text-anchor": anchor });
  }
  axisX(back, x, bottom + 4, { label: data.axis, grid: [TOP - 4, bottom + 4] });
  const rowOf = new Map(result.order.map((j, row) => [j, TOP + ROW * (row + 0.5)]));
  const picked = rowOf.get(state.school);
  back.rect("picked", 0, picked - ROW / 2, w, ROW, { fill: "var(--panel)", stroke: "var(--edge)", rx: 4 });
  const lines = s.layer("lines", { "aria-hidden": "true" });
  lines.line("gamma", x(result.gamma), TOP - 6, x(result.gamma), bottom + 4,
    { stroke: "var(--fixed)", "stroke-width": 2 });
  const gamma = `${state.mode === "complete" ? "all students" : "γ₀₀ ="} ${num(result.gamma, 1)}`;
  lines.text("gamma-name", x(result.gamma), TOP - 12, gamma,
    { fill: "var(--fixed-ink)", "text-anchor": "middle", "font-weight": 650 });
  const { color, ink } = result.mode, points = s.layer("points"),
    arrows = s.layer("arrows", { "aria-hidden": "true", "pointer-events": "none" }),
    rows = s.layer("rows", { "aria-hidden": "true" });
  for (const school of result.schools) {
    const { j, label, n, lambda, estimate } = school, y = rowOf.get(j), from = x(school.mean), to = x(estimate),
      here = j === state.school;
    const hit = rows.rect(`hit${j}`, 0, y - ROW / 2, 84, ROW, { fill: "transparent", style: "cursor:pointer" });
    hit.onclick = () => set({ school: j });
    back.text(`name${j}`, 0, y + 4.5, label, { class: "tick", fill: here ? "var(--fg)" : "var(--muted)",
      "font-weight": here ? 700 : 400 });
    back.text(`n${j}`, 74, y + 4.5, String(n),
      { class: "tick", fill: here ? "var(--fg)" : "var(--muted)", "text-anchor": "end",
        "font-weight": here ? 700 : 400 });
    back.text(`lambda${j}`, w, y + 4.5, num(lambda, 2),
      { class: "tick", fill: `var(--${ink}-ink)`, "text-anchor": "end", "font-weight": here ? 700 : 400 });
    const way = Math.sign(to - from), tip = to - way * 3, start = from + way * radius(n);
    if ((tip - start) * way > 1.5) arrows.line(`t${j}`, start, y, to, y, { stroke: color, "stroke-width": 2 });
    if ((tip - start) * way > 7) {
      arrows.el("path", `h${j}`, { d: `M${tip} ${y}l${-5 * way} -4v8z`, fill: color });
    }
    arrows.circle(`e${j}`, to, y, here ? 4.5 : 3.4, { fill: color, stroke: "var(--bg)", "stroke-width": 1 });
    if (here) nameEnds(arrows, school, from, to, y, w, result.mode);
    handleOf(points, school, from, y, x, { state, data, result, set });
  }
  drawStudents(s, w, bottom + 62, { state, data, result, set });
}

const radius = (n) => 3.6 + 0.42 * Math.sqrt(n);

/** On the chosen row: which dot is which, in words where there is room. */
function nameEnds(layer, { n, mean: m, estimate, lambda }, from, to, y, w, mode) {
  const side = m >= estimate ? 1 : -1, outer = side > 0 ? w - 46 - from : from - 88;
  const raw = outer > 102 ? `raw mean ${num(m, 1)}` : num(m, 1), anchor = (way) => (way > 0 ? "start" : "end");
  if (outer > 40) layer.text("raw", from + side * (radius(n) + 5), y + 4.5, raw,
    { fill: "var(--unpooled-ink)", "text-anchor": anchor(side), "font-weight": 650 });
  const model = (side > 0 ? to - 88 : w - 46 - to) > 100 ? `${mode.short} ${num(estimate, 1)}` : num(estimate, 1);
  if (lambda < 1) layer.text("model", to - side * 9, y + 4.5, model,
    { fill: `var(--${mode.ink}-ink)`, "text-anchor": anchor(-side), "font-weight": 650 });
}

function handleOf(points, school, px, y, x, { state, data, result, set }) {
  const { j, label, n, mean: m } = school, J = data.labels.length, low = x.domain[0], high = x.domain[1];
  const move = (to) => set({ school: j,
    shift: replace(state.shift, J, j, (state.shift[j] ?? 0) + clamp(to, low, high) - m, 0) });
  const node = points.handle(`school${j}`, {
    x: px, y, r: radius(n), fill: "var(--unpooled)", axis: "x", tabindex: j === state.school ? 0 : -1,
    label: `School ${label}, ${n} students`, now: Number(m.toFixed(2)), min: low.toFixed(1), max: high.toFixed(1),
    text: `mean ${num(m, 1)}, ${result.mode.name} ${num(school.estimate, 1)}, lambda ${num(school.lambda, 2)}`,
    drag: (to) => move(x.invert(to)),
    step: (dx, dy, big) => {
      if (dx) { move(Math.round(2 * m) / 2 + dx * (big ? 2 : 0.5)); return; }
      const at = result.order.indexOf(j), next = result.order[clamp(at - dy, 0, J - 1)];
      set({ school: next });
      points.nodes.get(`school${next}`)?.focus();
    },
  });
  node.onpointerdown = () => { if (state.school !== j) set({ school: j }); };
}

/** The chosen school's students as a dot plot with the scale of scores, not of means. */
function drawStudents(s, w, top, { state, data, result, set }) {
  const layer = s.layer("students"), back = s.layer("students-back", { "aria-hidden": "true" });
  const { j, label, mean: m } = result.chosen, scores = result.scores[j], y0 = top + 78;
  const all = data.groups.flat(), x = linear([Math.min(...all) - 2, Math.max(...all) + 2], [8, w - 8]),
    r = scores.length > 45 ? 3.2 : 4.2;
  back.text("name", 0, top + 8, `Students of school ${label}: drag one`, { class: "axis-name", fill: "var(--muted)" });
  axisX(back, x, y0, {});
  back.line("mean", x(clamp(m, ...x.domain)), y0 - 52, x(clamp(m, ...x.domain)), y0,
    { stroke: "var(--unpooled)", "stroke-width": 2 });
  const piles = new Map();
  scores.map((v, i) => [v, i]).sort((a, b) => a[0] - b[0]).forEach(([v, i], rank) => {
    const column = Math.round(x(v) / (2 * r)), pile = piles.get(column) ?? 0;
    piles.set(column, pile + 1);
    const move = (to) => {
      const others = state.edits.filter(([a, b]) => a !== j || b !== i),
        old = state.edits.find(([a, b]) => a === j && b === i)?.[2] ?? 0;
      set({ edits: [...others, [j, i, Number((old + clamp(to, ...x.domain) - v).toFixed(6))]] });
    };
    layer.handle(`s${j}-${i}`, {
      x: x(clamp(v, ...x.domain)), y: y0 - 8 - Math.min(52, 2 * r * pile), r, fill: "var(--data)", axis: "x",
        tabindex: rank === 0 ? 0 : -1,
      label: `Student ${rank + 1} of ${scores.length}, school ${label}`, text: `score ${num(v, 1)}`,
        now: Number(v.toFixed(2)), min: x.domain[0], max: x.domain[1],
      drag: (to) => move(Math.round(2 * x.invert(to)) / 2),
      step: (dx, dy, big) => {
        if (dx) { move(v + dx * (big ? 5 : 1)); return; }
        const sorted = scores.map((value, k) => [value, k]).sort((a, b) => a[0] - b[0]);
        layer.nodes.get(`s${j}-${sorted[clamp(rank + dy, 0, scores.length - 1)][1]}`)?.focus();
      },
    });
  });
}

// --- The lab ------------------------------------------------------------------------------------

const variance = (v) => `${num(v, 1)} (SD ${num(Math.sqrt(v), 1)})`;
const tidy = (state, j) => ({ shift: state.shift.map((v, k) => (k === j ? 0 : v)),
  sizes: state.sizes.map((v, k) => (k === j ? null : v)),
  edits: state.edits.filter(([a]) => a !== j) });

const controls = (ctx) => {
  const { data } = ctx, J = data.labels.length, [low, high] = scaleOf(data);
  return [
    { key: "mode", type: "select", label: "Estimate of a school’s mean by", lead: true,
      options: Object.entries(MODES).map(([key, m]) => [key, m.name]) },
    { key: "auto", type: "check", label: `let ${data.reml === false ? "ML" : "REML"} choose both variances`,
      change: (c, auto) => c.set({ auto, tau2: c.result.tau2, sigma2: c.result.sigma2 }) },
    { key: "tau2", type: "range", label: "between", symbol: "τ₀₀", min: 0, max: 150, format: variance,
      value: (c) => c.result.tau2,
      change: (c, v) => c.set({ tau2: v, sigma2: c.result.sigma2, auto: false }) },
    { key: "sigma2", type: "range", label: "within", symbol: "σ²", min: 5, max: 250, format: variance,
      value: (c) => c.result.sigma2,
      change: (c, v) => c.set({ sigma2: v, tau2: c.result.tau2, auto: false }) },
    { key: "school", type: "select", label: "school", options: data.labels.map((label, j) => [j, String(label)]) },
    { key: "size", type: "range", label: "its students", symbol: "nⱼ", min: 1, max: 100, step: 1,
      value: (c) => c.result.chosen.n,
      change: (c, v) => c.set({ sizes: replace(c.state.sizes, J, c.state.school, v, null) }) },
    { key: "mean", type: "range", label: "its raw mean", symbol: "ȳⱼ", min: low, max: high, format: (v) => num(v, 1),
      value: (c) => c.result.chosen.mean,
      change: (c, v) => c.set({ shift: replace(c.state.shift, J, c.state.school,
        (c.state.shift[c.state.school] ?? 0) + v - c.result.chosen.mean, 0) }) },
    { type: "button", id: "restore", main: false, label: "Give this school its data back",
      press: (c) => c.set(tidy(c.state, c.state.school)) },
  ];
};

export default lab({
  name: "shrinkage",
  title: "Shrinkage",
  idea: "The model moves each school’s mean toward the average of all, and further the fewer students the school sent.",
  state: { mode: "partial", auto: true, tau2: 26, sigma2: 81, school: 0, shift: [], sizes: [], edits: [] },
  python: ({ mode, auto, tau2, sigma2, school, shift, sizes, edits }, { labels }) => {
    const named = (list) => Object.fromEntries(labels.map((label, j) => [label, list[j]]).filter(([, v]) => v));
    return { mode, school: labels[school], tau2: auto ? null : tau2, sigma2: auto ? null : sigma2, shift: named(shift), sizes: named(sizes),
      edits: edits.map(([j, ...rest]) => [labels[j], ...rest]) };
  },
  controls,
  compute,
  size: (w, data) => [w, TOP + ROW * data.labels.length + BELOW],
  draw,
  readouts: (r) => [
    { key: "gamma", label: "overall mean", symbol: "γ₀₀", value: r.gamma, text: num(r.gamma, 2) },
    { key: "tau2", label: "between schools", symbol: "τ₀₀", value: r.tau2, text: num(r.tau2, 2) },
    { key: "sigma2", label: "within schools", symbol: "σ²", value: r.sigma2, text: num(r.sigma2, 2) },
    { key: "icc", label: "ICC", symbol: "ρ", value: r.icc, text: num(r.icc, 3) },
    { key: "excess", label: "criterion above its lowest", value: r.excess, text: num(r.excess, 2) },
    { key: "mean", label: `raw mean of ${r.chosen.label}`, symbol: "ȳⱼ", value: r.chosen.mean,
      text: num(r.chosen.mean, 2), ink: "unpooled" },
    { key: "lambda", label: "goes this far", symbol: "λⱼ", value: r.chosen.lambda, text: num(r.chosen.lambda, 3),
      ink: r.mode.ink },
    { key: "estimate", label: `estimate, ${r.mode.name}`, value: r.chosen.estimate, text: num(r.chosen.estimate, 2),
      ink: r.mode.ink },
  ],
  says: ({ chosen: c, gamma, tau2, sigma2, mode }, state) => {
    const head = `School ${c.label} sent ${c.n} student${c.n === 1 ? "" : "s"}; their mean is ${num(c.mean, 1)}. `;
    if (state.mode === "none") return `${head}No pooling believes it, chance and all.`;
    if (state.mode === "complete") return `${head}Complete pooling gives every school ${num(gamma, 1)}, the mean of all students.`;
    const nt = num(c.n * tau2, 1), share = num(100 * c.lambda, 0);
    return `${head}λⱼ = ${c.n}·${num(tau2, 1)} / (${c.n}·${num(tau2, 1)} + ${num(sigma2, 1)}) = ${nt} / ${num(c.n * tau2 + sigma2, 1)} = ${num(c.lambda, 2)}: the model goes ${share} % of the way from ${num(gamma, 1)} to ${num(c.mean, 1)} and stops at ${num(c.estimate, 1)}.`;
  },
  table: (r) => ({
    caption: `Raw means and estimates (${r.mode.name}); τ₀₀ = ${num(r.tau2, 4)}, σ² = ${num(r.sigma2, 4)}, γ₀₀ = ${num(r.gamma, 4)}, criterion ${num(r.criterion, 4)}, lowest ${num(r.best.criterion, 4)}`,
    columns: ["school", "students", "raw mean", "SD within", "λ", "estimate", "estimate − γ₀₀", "SD given the data"],
    rows: r.order.map((j) => r.schools[j]).map((c) => [String(c.label), String(c.n), num(c.mean, 4),
      c.n > 1 ? num(Math.sqrt(c.within / (c.n - 1)), 4) : "–",
      num(c.lambda, 4), num(c.estimate, 4), num(c.u, 4), num(c.sd, 4)]),
  }),
  describe: (r) => `${r.schools.length} schools, one a row, ordered by raw mean. A blue dot marks the raw mean, larger for more students; an arrow leads from it to the ${r.mode.name} estimate. A black line marks ${num(r.gamma, 1)}. The arrows are longest where a school has few students and lies far out. School ${r.chosen.label}: mean ${num(r.chosen.mean, 1)}, estimate ${num(r.chosen.estimate, 1)}, lambda ${num(r.chosen.lambda, 2)}.`,
  announce: (r) => `School ${r.chosen.label}, ${r.chosen.n} students: mean ${num(r.chosen.mean, 1)}, estimate ${num(r.chosen.estimate, 1)}, lambda ${num(r.chosen.lambda, 2)}. Between ${num(r.tau2, 1)}, within ${num(r.sigma2, 1)}.`,
  tries: [
    { try: "School 6327 has 8 students. Give it 67 without touching its mean, then 2.",
      see: "With 67 the arrow almost vanishes (λ about 0.96), with 2 it takes the school more than half of the way to the average. Nothing about the school's own mean has changed, only how much luck could hide in it." },
    { try: "Take the check mark off, and push τ₀₀ to 0. Then push it as far up as it goes.",
      see: "At 0 the schools do not differ, and every arrow runs all the way: partial pooling has become complete pooling. Far up, the arrows shrink toward no pooling. The criterion tells you what each opinion costs against REML's own choice." },
    { try: "Let REML choose again, and drag the lowest and the highest school toward the middle.",
      see: "REML sees less difference between schools and lowers τ₀₀, so λ falls for <em>every</em> school, also for those you did not touch. One school’s mean changes what is believed of the others: they lend each other strength." },
  ],
});
