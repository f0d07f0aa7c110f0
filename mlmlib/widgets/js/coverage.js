// The coverage machine (chapter 2): each press draws one study of J schools, half of them treated, and fits it three
// ways. Intervals that miss the true effect turn red; the running miss rates stand beside the nominal 5 %.
import { lab } from "./frame.js";
import { fitIntercept, groupSums, prepare } from "./mixed.js";
import { lineClusterRobust, lineFit, normalCdf, random, tQuantile } from "./numerics.js";
import { axisX, axisY, linear, num } from "./svg.js";

export const METHODS = [
  { key: "ols", name: "OLS", color: "var(--pooled)", ink: "pooled" },
  { key: "robust", name: "cluster-robust", color: "var(--good)", ink: "good" },
  { key: "mixed", name: "mixed model", color: "var(--model)", ink: "model" },
];
const FRAME = 11, MOST = 5000; // milliseconds of drawing per frame; studies kept

/** One study in the state's world: total variance 1, `icc` of it between schools; odd schools are treated. */
export function drawStudy(rng, { J, n, icc, effect }) {
  const N = J * n, y = new Array(N), w = new Array(N), school = new Array(N), tau = Math.sqrt(icc),
    sigma = Math.sqrt(1 - icc);
  for (let j = 0, i = 0; j < J; j++) {
    const mean = (j % 2) * effect + tau * rng.normal();
    for (let k = 0; k < n; k++, i++) { y[i] = mean + sigma * rng.normal(); w[i] = j % 2; school[i] = j; }
  }
  return { y, w, school, J };
}

/** Effect of treatment with its 95 % interval, three ways. The mixed model's t has J - 2 degrees of freedom. */
export function analyze({ y, w, school, J }) {
  const line = lineFit(w, y), robust = lineClusterRobust(w, y, school, J);
  const ones = new Array(y.length).fill(1);
  const mixed = fitIntercept(prepare(groupSums([ones, w, y], school, J)), true);
  const interval = (estimate, se, df) => {
    const half = quantile(df) * se;
    return { estimate, se, df, low: estimate - half, high: estimate + half };
  };
  return {
    ols: interval(line.slope, line.seSlope, line.df),
    robust: interval(robust.slope, robust.seSlope, J - 1),
    mixed: { ...interval(mixed.beta[1], mixed.se[1], J - 2), tau2: mixed.tau2, sigma2: mixed.sigma2 },
  };
}

const quantiles = new Map();
const quantile = (df) => {
  if (!quantiles.has(df)) quantiles.set(df, tQuantile(0.975, df));
  return quantiles.get(df);
};

/** How often OLS should miss: per student the difference varies by n tau2 + sigma2; OLS believes rss/(N - 2). */
export function olsMissRate({ J, n, icc }) {
  const N = J * n, lambda = n * icc + 1 - icc, within = 1 - icc, t = quantile(N - 2);
  const believed = (lambda * (J - 2) + within * J * (n - 1)) / (N - 2);
  const spread = Math.sqrt(2 * (lambda ** 2 * (J - 2) + within ** 2 * J * (n - 1))) / (N - 2);
  const miss = (s2) => 2 * normalCdf(-t * Math.sqrt(Math.max(s2, 0) / lambda));
  return (miss(believed - spread) + miss(believed + spread)) / 2;
}

const trueSe = ({ J, n, icc }) => Math.sqrt(4 * (icc + (1 - icc) / n) / J);
const designEffect = ({ n, icc }) => 1 + (n - 1) * icc;

// --- The machine: studies drawn so far ----------------------------------------------------------

function compute(state, _, memory) {
  const { J, n, icc, effect, seed } = state, world = [J, n, icc, effect, seed].join();
  const wanted = Math.min(MOST, state.studies);
  if (memory.world !== world || memory.runs.length > wanted) {
    Object.assign(memory, { world, rng: random(seed), runs: [], misses: METHODS.map(() => [0]), last: null });
  }
  const stop = performance.now() + FRAME;
  while (memory.runs.length < wanted) {
    memory.last = drawStudy(memory.rng, state);
    const run = analyze(memory.last);
    memory.runs.push(run);
    METHODS.forEach(({ key }, m) => {
      memory.misses[m].push(memory.misses[m].at(-1) + (missed(run[key], effect) ? 1 : 0));
    });
    if (performance.now() > stop) break;
  }
  const { runs, misses } = memory, count = runs.length;
  const estimates = runs.map((r) => r.mixed.estimate), mean = estimates.reduce((a, b) => a + b, 0) / count;
  const sd = Math.sqrt(estimates.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, count - 1));
  const methods = METHODS.map((m, k) => ({ ...m, misses: misses[k][count], rate: misses[k][count] / count,
    se: runs.reduce((a, r) => a + r[m.key].se, 0) / count }));
  return { count, pending: count < wanted, runs, misses, methods, sd, last: memory.last, expected: olsMissRate(state),
    trueSe: trueSe(state), deff: designEffect(state) };
}

const missed = (interval, effect) => interval.low > effect || interval.high < effect;

let streak = 0;
function press(ctx, held) {
  streak = held ? streak + 1 : 0;
  if (held && ctx.result.pending) return; // a held key waits for the studies asked for; a press of its own is never lost
  ctx.set({ studies: Math.min(MOST, ctx.state.studies + 1 + Math.min(20, Math.floor(Math.max(0, streak - 15) / 8))) });
}

// --- The picture --------------------------------------------------------------------------------

function draw({ s, w, h, state, result, redraw }) {
  if (result.pending) redraw();
  const small = w < 460, gap = small ? 8 : 18, each = (w - 2 * gap) / 3;
  drawLatest(s, w, 0, state, result);
  const top = small ? 166 : 176, bottom = h - 206;
  METHODS.forEach((method, m) => drawStack(s, method, m, m * (each + gap), each, top, bottom, state, result, small));
  drawRates(s, w, h - 138, h - 44, result, small);
}

/** The study just drawn: one dot a school, control above, treated below. */
function drawLatest(s, w, top, state, { last, runs }) {
  const layer = s.layer("latest"), n = state.n, left = 62;
  const means = Array.from({ length: last.J }, (_, j) => {
    let sum = 0;
    for (let i = j * n; i < (j + 1) * n; i++) sum += last.y[i];
    return sum / n;
  });
  const reach = 3.2 * Math.sqrt(state.icc + (1 - state.icc) / n);
  const x = linear([-reach, Math.max(reach, state.effect + reach)], [left, w - 6]);
  layer.text("name", 0, top + 14, "The latest study, a dot a school", { class: "axis-name", fill: "var(--muted)" });
  ["control", "treated"].forEach((arm, a) => {
    const y = top + 38 + 26 * a, own = means.filter((_, j) => j % 2 === a),
      mean = own.reduce((p, q) => p + q, 0) / own.length;
    layer.text(`arm${a}`, 0, y + 4, arm, { fill: "var(--fg)" });
    layer.line(`rail${a}`, left, y, w, y, { stroke: "var(--grid)" });
    own.forEach((v, k) => layer.circle(`m${a}-${k}`, x(v), y, 4, { fill: "var(--data)", "fill-opacity": 0.55 }));
    layer.line(`mean${a}`, x(mean), y - 11, x(mean), y + 11, { stroke: "var(--fg)", "stroke-width": 2.5 });
    if (a === 1) {
      const run = runs.at(-1).mixed;
      layer.text("diff", Math.min(Math.max(x(mean), left + 60), w - 90), y + 27, `difference ${num(run.estimate, 2)}`,
        { "text-anchor": "middle", fill: "var(--fg)" });
    }
  });
}

function drawStack(s, method, m, left, width, top, bottom, state, result, small) {
  const layer = s.layer(`stack-${method.key}`), { effect } = state, { runs, count } = result;
  const reach = (2.4 + quantile(state.J - 2)) * result.trueSe,
    x = linear([effect - reach, effect + reach], [left + 2, left + width - 2]);
  const step = 4, room = Math.floor((bottom - top - 6) / step), shown = runs.slice(-room);
  const { rate, misses } = result.methods[m], center = left + width / 2;
  layer.text("name", center, top - 50, method.name,
    { class: "axis-name", "font-weight": 650, fill: `var(--${method.ink}-ink)`, "text-anchor": "middle" });
  layer.text("rate", center, top - 26, `${num(100 * rate, rate < 0.0995 ? 1 : 0)} %`,
    { class: "big", "text-anchor": "middle" });
  layer.text("count", center, top - 9, small ? `${misses} of ${count}` : `missed ${misses} of ${count}`,
    { class: "tick", fill: "var(--muted)", "text-anchor": "middle" });
  layer.rect("ground", left, top, width, bottom - top, { fill: "var(--panel)", rx: 4 });
  let hits = "", wrong = "", ends = "";
  const clampX = (v) => Math.round(10 * Math.min(left + width, Math.max(left, x(v)))) / 10;
  shown.forEach((run, k) => {
    const { low, high } = run[method.key], y = bottom - 5 - step * k, d = `M${clampX(low)} ${y}H${clampX(high)}`;
    if (!missed(run[method.key], effect)) { hits += d; return; }
    wrong += d;
    ends += `M${clampX(low > effect ? low : high)} ${y}h0`; // the end that should have reached the truth
  });
  layer.el("path", "hits", { d: hits, stroke: "var(--data)", "stroke-width": 1.6, fill: "none", opacity: 0.75 });
  layer.el("path", "misses", { d: wrong, stroke: "var(--miss)", "stroke-width": 2.4, fill: "none", class: "misses" });
  layer.el("path", "ends", { d: ends, stroke: "var(--miss)", "stroke-width": 5.5, "stroke-linecap": "round",
    fill: "none" });
  const newest = shown.at(-1)[method.key], y = bottom - 5 - step * (shown.length - 1);
  layer.circle("newest", clampX(newest.estimate), y, 3, { fill: missed(newest, effect) ? "var(--miss)" : "var(--fg)" });
  layer.line("truth", x(effect), top, x(effect), bottom, { stroke: "var(--fixed)", "stroke-width": 1.5 });
  layer.text("truth-name", center, bottom + 16, m === 1 || !small ? `true effect ${num(effect, 2)}` : "",
    { class: "tick", fill: "var(--fg)", "text-anchor": "middle" });
}

/** Miss rate so far against the number of studies (log scale), with the band of an honest 5 % machine. */
function drawRates(s, w, top, bottom, result, small) {
  const layer = s.layer("rates"), { count, misses } = result, right = w - (small ? 94 : 116), left = 34;
  const last = Math.max(20, count), from = Math.min(10, count);
  const x = linear([Math.log(from), Math.log(last)], [left, right]), points = [];
  for (let k = 0; k <= 160; k++) {
    const v = Math.round(from * (count / from) ** (k / 160));
    if (v > 0 && v !== points.at(-1)) points.push(v);
  }
  let most = 0.14;
  for (const m of misses) for (const v of points) most = Math.max(most, 1.08 * m[v] / v);
  most = Math.min(1, most);
  const y = linear([0, most], [bottom, top]);
  const band = (v, sign) => Math.max(0, 0.05 + sign * 1.96 * Math.sqrt(0.05 * 0.95 / v));
  const across = Array.from({ length: 41 }, (_, k) => from * (last / from) ** (k / 40));
  const edge = [...across.map((v) => [x(Math.log(v)), y(Math.min(most, band(v, 1)))]),
    ...across.reverse().map((v) => [x(Math.log(v)), y(band(v, -1))])];
  layer.path("band", edge, { fill: "var(--data)", "fill-opacity": 0.16, stroke: "none" });
  const marks = [1, 10, ...(small ? [] : [20]), 50, 100, 200, 500, 1000, 2000, 5000].filter((v) => v >= from && v <= last);
  axisX(layer, x, bottom,
    { values: marks.map(Math.log), format: (v) => String(Math.round(Math.exp(v))), label: "studies drawn" });
  axisY(layer, y, left, { ticks: 3, format: (v) => `${Math.round(100 * v)}`, label: "miss rate so far, %", labelX: 0 });
  layer.line("nominal", left, y(0.05), right, y(0.05),
    { stroke: "var(--fixed)", "stroke-dasharray": "5 4", "stroke-width": 1.5 });
  const labels = [{ text: "nominal 5 %", at: y(0.05), color: "var(--fg)" }];
  METHODS.forEach((m, k) => {
    layer.path(`rate-${m.key}`, points.map((v) => [x(Math.log(v)), y(misses[k][v] / v)]),
      { stroke: m.color, "stroke-width": m.key === "robust" ? 5 : 2.2, opacity: m.key === "robust" ? 0.55 : 1 });
    labels.push({ text: m.name, at: y(result.methods[k].rate), color: `var(--${m.ink}-ink)`, bold: 650 });
  });
  labels.sort((a, b) => a.at - b.at);
  for (let round = 0; round < 20; round++) labels.forEach((l, k) => { // push apart
    const push = k ? Math.max(0, 15 - (l.at - labels[k - 1].at)) / 2 : 0;
    if (push) { l.at += push; labels[k - 1].at -= push; }
  });
  const low = labels.at(-1).at - (bottom - 3);
  labels.forEach((l) => layer.text(`end-${l.text}`, right + 8, l.at + 4 - Math.max(0, low),
    small ? l.text.replace("cluster-", "") : l.text,
    { class: small ? "tick" : "axis-name", fill: l.color, "font-weight": l.bold ?? 400 }));
}

const percent = (v) => `${num(100 * v, v < 0.0995 ? 1 : 0)} %`;

export default lab({
  name: "coverage",
  title: "The coverage machine",
  idea: "A 95 % interval promises to miss the truth in 5 studies of 100. Draw studies in which whole schools are treated, and see who keeps the promise.",
  state: { J: 40, n: 20, icc: 0.15, effect: 0.3, seed: 1, studies: 100 },
  controls: [
    { type: "button", id: "draw", label: "Draw one study (hold for many)", lead: true, hold: true, press },
    { key: "icc", type: "range", label: "ICC", symbol: "ρ", min: 0, max: 0.5, step: 0.01, format: (v) => num(v, 2),
      change: (ctx, v) => ctx.set({ icc: v, studies: 100 }) },
    { key: "n", type: "range", label: "students per school", symbol: "n", min: 2, max: 60, step: 1,
      change: (ctx, v) => ctx.set({ n: v, studies: 100 }) },
    { key: "J", type: "range", label: "schools", symbol: "J", min: 4, max: 100, step: 2,
      change: (ctx, v) => ctx.set({ J: v, studies: 100 }) },
    { key: "effect", type: "range", label: "true effect, in SDs", symbol: "γ₀₁", min: 0, max: 1, step: 0.05,
      format: (v) => num(v, 2), change: (ctx, v) => ctx.set({ effect: v, studies: 100 }) },
    { type: "button", id: "again", main: false, label: "Start over with other luck",
      press: (ctx) => ctx.set({ seed: ctx.state.seed + 1, studies: 1 }) },
  ],
  compute,
  size: (w) => [w, w < 460 ? 540 : 640],
  draw,
  readouts: (r) => [
    { key: "studies", label: "studies drawn", value: r.count, text: String(r.count) },
    { key: "deff", label: "design effect", symbol: "1+(n−1)ρ", value: r.deff, text: num(r.deff, 2) },
    ...r.methods.map((m) => ({ key: `${m.key}_rate`, label: `${m.name} misses`, value: m.rate, text: percent(m.rate),
      ink: m.ink })),
    { key: "expected_ols", label: "OLS should miss", value: r.expected, text: percent(r.expected), ink: "pooled" },
    { key: "true_se", label: "true SE of the estimate", value: r.trueSe, text: num(r.trueSe, 3) },
    ...r.methods.map((m) => ({ key: `${m.key}_se`, label: `mean SE, ${m.name}`, value: m.se, text: num(m.se, 3),
      ink: m.ink })),
  ],
  says: (r) => `The treatment is given to whole schools. OLS counts ${r.last.y.length} students and claims a standard error of ${num(r.methods[0].se, 3)}; the estimates really vary by ${num(r.trueSe, 3)}. The other two count ${r.last.J} schools: cluster-robust uses <i>t</i> with <i>J</i>&nbsp;−&nbsp;1&nbsp;=&nbsp;${r.last.J - 1} degrees of freedom, the mixed model <i>t</i> with <i>J</i>&nbsp;−&nbsp;2&nbsp;=&nbsp;${r.last.J - 2}: ${r.last.J} schools, less the two means they must estimate.`,
  table: (r, state) => ({
    caption: `${r.count} studies of ${state.J} schools with ${state.n} students, ICC ${num(state.icc, 2)}, true effect ${num(state.effect, 2)}. SD of the estimates so far: ${num(r.sd, 4)}. The last four columns are the latest study.`,
    columns: ["method", "missed", "miss rate", "mean SE", "df", "estimate", "SE", "lower", "upper"],
    rows: r.methods.map((m) => {
      const last = r.runs.at(-1)[m.key];
      return [m.name, String(m.misses), percent(m.rate), num(m.se, 4), String(last.df), num(last.estimate, 4),
        num(last.se, 4), num(last.low, 4), num(last.high, 4)];
    }),
  }),
  describe: (r, state) => `Three stacks of 95 percent intervals from ${r.count} simulated studies of ${state.J} schools with ${state.n} students each, ICC ${num(state.icc, 2)}, with a line at the true effect ${num(state.effect, 2)}. ${r.methods.map((m) => `${m.name}: ${m.misses} intervals miss, ${percent(m.rate)}`).join("; ")}. Nominal: 5 percent. Below, the three miss rates as the studies accumulate.`,
  announce: (r) => `${r.count} studies. Missed: ${r.methods.map((m) => `${m.name} ${percent(m.rate)}`).join(", ")}.`,
  tries: [
    { try: "Hold the button (or Space) until 1,000 studies are drawn. Whose line settles in the gray band?",
      see: "The gray band holds a machine that really misses 5 %. Cluster-robust and mixed settle near it. OLS settles near 32 %: about one study in three reports an interval without the truth in it, and no warning." },
    { try: "Give every school 60 students instead of 20. Three times the data: does OLS get better?",
      see: "It gets worse. Its claimed SE falls with every student, but the schools are still 40, and what varies between schools does not average out over students. The design effect rises from 3.9 to 9.9 and OLS misses about half of the time." },
    { try: "Set J to 6 schools and hold again. Who still keeps the promise?",
      see: "The mixed model with t(J − 2) keeps it, at the price of very wide intervals. Cluster-robust now misses about 8 %: its SE is itself estimated from six schools and comes out too small. With 4 schools it misses about 12 %, and the mixed model errs on the other side: it often finds no variance between schools, and its wide t then covers too much." },
  ],
});
