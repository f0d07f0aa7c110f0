// Confounded schools (chapter 19): the level of x in a school goes with the school's effect on y. Within schools the slope is
// the true one, between them it is not; least squares and random effects mix the two, fixed effects and Mundlak's do not.
import { lab } from "./frame.js";
import { random } from "./numerics.js";
import { BETA, GAMMA, drawMoments, fitAll, longRun, momentsOf, sample } from "./panel_fits.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const LIMITS = { rho: [-0.95, 0.95], tau: [0, 2], share: [0.05, 0.9], J: [6, 100], n: [2, 40] }, MOST = 5000, FRAME = 11;
export const METHODS = [
  { key: "ols", name: "OLS", color: "pooled", terms: ["x", "w"] },
  { key: "re", name: "random effects", short: "RE", color: "model", terms: ["x", "w"] },
  { key: "fe", name: "fixed effects", short: "FE", color: "unpooled", terms: ["x"] },
  { key: "mundlak", name: "Mundlak", color: "good", terms: ["x", "w"] },
];
const TRUTH = { x: BETA, w: GAMMA }, ROWS = ["x", "w"].flatMap((term) => METHODS.map((m) => ({ ...m, term, id: `${m.key}_${term}` })));

// --- Numbers ------------------------------------------------------------------------------------

const missed = (i, truth) => i.low > truth || i.high < truth;

function compute(state, _, memory) {
  const world = JSON.stringify([state.rho, state.tau, state.share, state.J, state.n, state.seed]);
  if (memory.world !== world) {
    const data = sample(state);
    Object.assign(memory, { world, data, moments: momentsOf(data), rng: random(state.seed * 7919 + 1), runs: [] });
  }
  const wanted = Math.min(MOST, state.studies), stop = performance.now() + FRAME;
  while (memory.runs.length < wanted) {
    memory.runs.push(fitAll(drawMoments(memory.rng, state)));
    if (performance.now() > stop) break;
  }
  const runs = memory.runs.slice(0, wanted), count = runs.length, mean = (f) => runs.reduce((s, r) => s + f(r), 0) / count, fit = fitAll(memory.moments);
  const rows = ROWS.map((row) => {
    if (!row.terms.includes(row.term)) return { ...row, none: true };
    const truth = TRUTH[row.term], of = (r) => r[row.key][row.term], bias = mean((r) => of(r).estimate) - truth;
    return { ...row, truth, ...of(fit), bias, covers: mean((r) => (missed(of(r), truth) ? 0 : 1)), sd: Math.sqrt(mean((r) => (of(r).estimate - truth - bias) ** 2)) };
  });
  return { data: memory.data, moments: memory.moments, fit, rows, runs, count, pending: count < wanted, long: longRun(state),
    found: mean((r) => (r.hausman.p < 0.05 ? 1 : 0)), strange: mean((r) => (r.hausman.variance > 0 ? 0 : 1)), mundlakFound: mean((r) => (r.mundlakTest.p < 0.05 ? 1 : 0)) };
}

// --- The picture --------------------------------------------------------------------------------

const TOP = 30, ROW = 31;
const layout = (w) => {
  const wide = w >= 480, bottom = TOP + (wide ? 280 : 240), rows = bottom + 112, law = rows + ROW * 8 + 106;
  return { wide, bottom, rows, law, h: law + 130 + 44 };
};
const percent = (v) => `${num(100 * v, v > 0 && v < 0.0995 ? 1 : 0)} %`;

function draw({ s, w, state, result: r, set, redraw }) {
  if (r.pending) redraw();
  const at = layout(w);
  drawData(s, w, at, r);
  drawForest(s, w, at, r);
  drawLaw(s, w, at, { state, r, set });
}

const span = (v) => { const low = Math.min(...v), high = Math.max(...v), pad = 0.04 * (high - low); return [low - pad, high + pad]; };

/** Students as specks, schools as dots with the slope within; the lines of the truth, of school means and of random effects. */
function drawData(s, w, at, { data, moments: m, fit }) {
  const back = s.layer("back", { "aria-hidden": "true" }), x = linear(span(data.x), [34, w - 14]), y = linear(span(data.y), [at.bottom, TOP]);
  back.text("name", 0, 14, `y of ${data.J * data.n} students in ${data.J} schools`, { class: "axis-name" });
  axisX(back, x, at.bottom, { label: "x", ticks: 6, format: (v) => num(v, 0) });
  axisY(back, y, 34, { label: "", ticks: 6, format: (v) => num(v, 0) });
  const specks = s.layer("specks", { "aria-hidden": "true" }), tenth = (v) => Math.round(10 * v) / 10;
  specks.el("path", "students", { d: data.x.map((v, i) => `M${tenth(x(v))} ${tenth(y(data.y[i]))}h0`).join(""), stroke: "var(--data)", "stroke-width": data.x.length > 600 ? 2.2 : 3.4, "stroke-linecap": "round", opacity: 0.7 });
  const ends = m.xm.map((_, j) => { const own = data.x.slice(j * data.n, (j + 1) * data.n); return [Math.min(...own), Math.max(...own)]; });
  const slope = fit.fe.x.estimate, on = (j, v) => y(m.ym[j] + slope * (v - m.xm[j]));
  specks.el("path", "within", { d: ends.map(([a, b], j) => `M${tenth(x(a))} ${tenth(on(j, a))}L${tenth(x(b))} ${tenth(on(j, b))}`).join(""), stroke: "var(--unpooled)", "stroke-width": 1.3, opacity: 0.6, fill: "none" });
  m.xm.forEach((v, j) => specks.circle(`school${j}`, x(v), y(m.ym[j]), 3.6, { fill: "var(--purple)", stroke: "var(--bg)", "stroke-width": 1 }));
  const lines = s.layer("lines", { "aria-hidden": "true" }), cx = m.xm.reduce((a, b) => a + b, 0) / m.J, cy = m.ym.reduce((a, b) => a + b, 0) / m.J;
  const through = (key, b, attrs) => {
    const line = (v) => cy + b * (v - cx), [low, high] = y.domain, meet = (v) => cx + (v - cy) / b, [a, c] = x.domain;
    const [p, q] = b > 1e-9 ? [Math.max(a, meet(low)), Math.min(c, meet(high))] : b < -1e-9 ? [Math.max(a, meet(high)), Math.min(c, meet(low))] : [a, c];
    lines.line(key, x(p), y(line(p)), x(q), y(line(q)), attrs);
  };
  through("between", fit.between.x, { stroke: "var(--purple)", "stroke-width": 2.4 });
  through("true", BETA, { stroke: "var(--fixed)", "stroke-width": 2, "stroke-dasharray": "6 4" });
  through("re", fit.re.x.estimate, { stroke: "var(--model)", "stroke-width": 2.6 });
  const keys = [["between", `between schools ${num(fit.between.x, 2)}`, "fg", "purple"], ["re", `random effects ${num(fit.re.x.estimate, 2)}`, "model-ink", "model"],
    ["fe", `within schools ${num(slope, 2)}`, "unpooled-ink", "unpooled"], ["true", `true slope ${num(BETA, 2)}`, "fixed-ink", "fixed"]];
  keys.forEach(([key, text, ink, color], i) => {
    const top = at.bottom + 58 + 18 * Math.floor(i / 2), left = (i % 2) * w / 2;
    lines.line(`${key}-key`, left, top - 4, left + 14, top - 4, { stroke: `var(--${color})`, "stroke-width": 3, "stroke-dasharray": key === "true" ? "5 3" : null });
    lines.text(`${key}-name`, left + 18, top, text, { class: "label tick", fill: `var(--${ink})`, "font-weight": 650 });
  });
}

/** Estimates with intervals, those of the other samples as specks below; bias and coverage beside. */
function drawForest(s, w, at, { rows, runs, count, pending }) {
  const layer = s.layer("forest", { "aria-hidden": "true" }), specks = s.layer("forest-specks", { "aria-hidden": "true" }), left = at.wide ? 128 : 66, right = w - (at.wide ? 116 : 92);
  const own = rows.filter((q) => !q.none), far = Math.max(0.4, ...own.flatMap((q) => [Math.abs(q.low - q.truth), Math.abs(q.high - q.truth), Math.abs(q.bias || 0) + 2.6 * (q.sd || 0)]));
  const x = linear([BETA - far, BETA + far], [left, right]), bottom = at.rows + ROW * 8 + 34, tenth = (v) => Math.round(10 * v) / 10;
  layer.text("bias-name", w - (at.wide ? 62 : 48), at.rows - 8, "bias", { class: "tick", fill: "var(--muted)", "text-anchor": "end" });
  layer.text("covers-name", w, at.rows - 8, "covers", { class: "tick", fill: "var(--muted)", "text-anchor": "end" });
  axisX(layer, x, bottom, { ticks: at.wide ? 5 : 3, label: count ? `this sample, and ${count} others${pending ? " so far" : ""} below it` : "this sample", format: (v) => num(v, 1) });
  layer.line("truth", x(BETA), at.rows + 2, x(BETA), bottom, { stroke: "var(--fixed)", "stroke-width": 1.6, "stroke-dasharray": "6 4" });
  rows.forEach((q, i) => {
    const y = at.rows + ROW * (i + 0.5) + (i < 4 ? 6 : 30), ink = `var(--${q.color}-ink)`;
    if (i % 4 === 0) layer.text(`term${i}`, 0, y - 20, i ? "the program w (true 0.50)" : "the slope of x (true 0.50)", { "font-weight": 650 });
    layer.text(`${q.id}-name`, 8, y + 4, at.wide ? q.name : q.short ?? q.name, { fill: ink, "font-weight": 650 });
    if (q.none) { layer.text(`${q.id}-none`, (left + right) / 2, y + 4, at.wide ? "w does not vary within schools: no answer" : "no answer", { class: "label tick", fill: "var(--muted)", "text-anchor": "middle" }); return; }
    specks.el("path", q.id, { d: runs.slice(-400).map((run, k) => `M${tenth(clamp(x(run[q.key][q.term].estimate), left, right))} ${tenth(y + 5 + 1.9 * (k % 5))}h0`).join(""), stroke: `var(--${q.color})`, "stroke-width": 2, "stroke-linecap": "round", opacity: 0.45 });
    const off = missed(q, q.truth);
    layer.line(`${q.id}-ci`, x(q.low), y, x(q.high), y, { stroke: off ? "var(--miss)" : `var(--${q.color})`, "stroke-width": 3 });
    layer.circle(`${q.id}-dot`, x(q.estimate), y, 5, { fill: `var(--${q.color})`, stroke: "var(--bg)", "stroke-width": 1.4 });
    if (!count) return;
    layer.text(`${q.id}-bias`, w - (at.wide ? 62 : 48), y + 4, `${q.bias >= 0.005 ? "+" : ""}${num(q.bias, 2)}`, { class: "label tick", "text-anchor": "end" });
    layer.text(`${q.id}-covers`, w, y + 4, percent(q.covers), { class: "label tick", "text-anchor": "end", "font-weight": q.covers < 0.9 ? 700 : 400, fill: q.covers < 0.9 ? "var(--miss)" : "var(--fg)" });
  });
}

/** Bias in the long run against rho. */
function drawLaw(s, w, at, { state, r, set }) {
  const layer = s.layer("law", { "aria-hidden": "true" }), top = at.law, bottom = top + 130, x = linear([-1, 1], [44, w - (at.wide ? 84 : 52)]);
  const line = (key) => Array.from({ length: 39 }, (_, k) => { const rho = -0.95 + k * 0.05; return [x(rho), longRun({ ...state, rho })[key]]; });
  const [ols, re] = ["ols", "re"].map(line), most = Math.max(0.1, ...ols.map((p) => Math.abs(p[1])), ...re.map((p) => Math.abs(p[1]))), y = linear([-1.08 * most, 1.08 * most], [bottom, top]);
  layer.text("name", 0, top - 10, at.wide ? "Bias of the slope of x, with very many schools" : "Bias of the slope, very many schools", { "font-weight": 650 });
  axisX(layer, x, bottom, { values: [-1, -0.5, 0, 0.5, 1], label: "correlation ρ of schools’ x with their effects", format: (v) => num(v, 1) });
  axisY(layer, y, 44, { ticks: 6, format: (v) => num(v, most < 0.3 ? 2 : 1), label: "" });
  layer.line("fe", x(-0.95), y(0), x(0.95), y(0), { stroke: "var(--unpooled)", "stroke-width": 2.4 });
  layer.line("mundlak", x(-0.95), y(0), x(0.95), y(0), { stroke: "var(--good)", "stroke-width": 2.4, "stroke-dasharray": "7 7" });
  layer.path("ols", ols.map(([a, b]) => [a, y(b)]), { stroke: "var(--pooled)" });
  layer.path("re", re.map(([a, b]) => [a, y(b)]), { stroke: "var(--model)", "stroke-width": 2.6 });
  const end = x(0.95) + 8, tops = [y(ols.at(-1)[1]), y(re.at(-1)[1]), y(0)];
  tops[1] = Math.max(tops[1], tops[0] + 15); tops[2] = Math.max(tops[2], tops[1] + 15);
  [["OLS", "pooled"], ["RE", "model"], [at.wide ? "FE, Mundlak" : "FE", "unpooled"]].forEach(([text, color], k) => layer.text(`end${k}`, end, tops[k] + 4, text, { class: "label tick", fill: `var(--${color}-ink)`, "font-weight": 650 }));
  const to = (v) => set({ rho: Number(clamp(v, ...LIMITS.rho).toFixed(2)) });
  s.layer("points").handle("rho", {
    x: x(state.rho), y: y(r.long.re), r: 7, fill: "var(--model)", axis: "x", label: "Correlation of schools’ x with their effects", now: state.rho, min: LIMITS.rho[0], max: LIMITS.rho[1],
    text: `rho ${num(state.rho, 2)}: in the long run random effects are off by ${num(r.long.re, 2)}, least squares by ${num(r.long.ols, 2)}, fixed effects by 0`,
    drag: (px) => to(x.invert(px)), step: (dx, dy, big) => to(state.rho + (dx + dy) * (big ? 0.2 : 0.05)), edge: (way) => to(LIMITS.rho[way < 0 ? 0 : 1]),
  });
}

// --- The lab ------------------------------------------------------------------------------------

const range = (key, label, symbol, step, digits = 2) => ({ key, type: "range", label, symbol, min: LIMITS[key][0], max: LIMITS[key][1], step, format: (v) => num(v, digits) });
const pText = (v) => (v < 0.00005 ? "< 0.0001" : num(v, 4)), p = (v) => (v < 0.0005 ? "p &lt; 0.001" : `p = ${num(v, 3)}`), inText = (h) => (h.variance > 0 ? `${num(h.statistic, 2)} (${p(h.p)})` : "no test");

function says(r, st) {
  const { fit: f } = r, h = f.hausman, told = h.variance > 0
    ? `Hausman’s statistic is <strong>${num(h.statistic, 2)}</strong>, ${p(h.p)}${h.p < 0.05 ? ": the two slopes differ by more than luck" : st.rho !== 0 && st.tau > 0 ? ": it does not see what is there" : ""}.`
    : `Hausman’s statistic fails: here fixed effects have the smaller variance, the difference (${h.variance.toPrecision(2).replace("-", "\u2212")}) is not positive, and the quotient (${num(h.statistic, 1)}) is no chi-square. Mundlak’s test has ${p(f.mundlakTest.p)}.`;
  const why = st.rho === 0 || st.tau === 0 ? "Schools’ effects have nothing to do with x: nobody is biased, and random effects have the narrower interval." : `Schools high in x are ${st.rho > 0 ? "better" : "worse"} anyway. Random effects take off ${num(100 * f.theta, 0)} % of each school’s mean (<i>θ</i>) and keep the rest of the confounding.`;
  const many = r.count ? ` In ${r.count} other samples${r.pending ? " so far" : ""} Hausman rejects in ${percent(r.found)}${r.strange > 0 ? ` and fails, as fixed effects have the smaller variance, in ${percent(r.strange)}` : ""}.` : "";
  return `${why} RE says ${num(f.re.x.estimate, 2)}, FE ${num(f.fe.x.estimate, 2)}, Mundlak ${num(f.mundlak.x.estimate, 2)}, and Mundlak still speaks of w: ${num(f.mundlak.w.estimate, 2)}. ${told}${f.atZero ? " The variance between schools is estimated as zero, so RE is OLS." : ""}${many}`;
}

export default lab({
  name: "confounded_schools",
  title: "Confounded schools",
  idea: "Let schools that are high in x be better schools anyway. The slope within schools does not notice. The slope between schools does, and random effects take some of each.",
  state: { rho: 0.7, tau: 0.6, share: 0.5, J: 40, n: 5, seed: 12, studies: 200 },
  controls: [
    { key: "linked", type: "check", lead: true, label: "schools’ effects go with x", value: (ctx) => ctx.state.rho !== 0, change: (ctx, on) => ctx.set({ rho: on ? 0.7 : 0 }) },
    { type: "button", id: "sample", lead: true, label: "New sample", press: (ctx) => ctx.set({ seed: ctx.state.seed % 1e6 + 1 }) },
    { type: "button", id: "more", lead: true, main: false, label: "Draw 200 studies", press: (ctx) => ctx.set({ studies: Math.min(MOST, ctx.state.studies + 200) }) },
    range("rho", "correlation of x and effects", "ρ", 0.05), range("tau", "SD of schools’ effects", "τ", 0.05), range("share", "share of x between schools", "", 0.05),
    range("J", "schools", "J", 1, 0), range("n", "students per school", "n", 1, 0),
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r) => [
    ...r.rows.filter((q) => !q.none).map((q) => ({ key: q.id, label: `${q.short ?? q.name}, ${q.term === "x" ? "slope of x" : "program w"}`, value: q.estimate, text: `${num(q.estimate, 3)} ± ${num((q.high - q.low) / 2, 3)}`, ink: q.color })),
    { key: "between", label: "slope between schools", value: r.fit.between.x, text: num(r.fit.between.x, 3) },
    { key: "theta", label: "share of means taken off", symbol: "θ", value: r.fit.theta, text: num(r.fit.theta, 3), ink: "model" },
    { key: "hausman", label: "Hausman", symbol: "χ<sup>2</sup><sub>1</sub>", value: r.fit.hausman.statistic, text: num(r.fit.hausman.statistic, 2) },
    { key: "hausman_p", label: "its p", value: r.fit.hausman.p, text: r.fit.hausman.variance > 0 ? pText(r.fit.hausman.p) : "none" },
    { key: "mundlak_p", label: "p of Mundlak’s test", value: r.fit.mundlakTest.p, text: pText(r.fit.mundlakTest.p), ink: "good" },
    { key: "long_ols", label: "OLS bias, many schools", value: r.long.ols, text: num(r.long.ols, 3), ink: "pooled" },
    { key: "long_re", label: "RE bias, many schools", value: r.long.re, text: num(r.long.re, 3), ink: "model" },
    { key: "studies", label: "other samples drawn", value: r.count, text: String(r.count) },
    { key: "found", label: "Hausman rejects in", value: r.found, text: r.count ? percent(r.found) : "–" },
    { key: "strange", label: "and fails in", value: r.strange, text: r.count ? percent(r.strange) : "–" },
  ],
  says,
  table: (r, st) => ({
    caption: `${st.J} schools of ${st.n} students, ρ = ${num(st.rho, 2)}, τ = ${num(st.tau, 2)}, ${num(100 * st.share, 0)} % of x between schools. θ = ${num(r.fit.theta, 4)}; Hausman ${inText(r.fit.hausman).replace("&lt;", "<")}, difference of variances ${num(r.fit.hausman.variance, 6)}; Mundlak’s test ${num(r.fit.mundlakTest.statistic, 4)}. Last three columns: ${r.count} other samples.`,
    columns: ["estimator", "estimate", "SE", "lower", "upper", "bias", "SD", "covers"],
    rows: r.rows.filter((q) => !q.none).map((q) => [`${q.name}, ${q.term}`, num(q.estimate, 4), num(q.se, 4), num(q.low, 4), num(q.high, 4), num(q.bias, 4), num(q.sd, 4), r.count ? percent(q.covers) : "–"]),
  }),
  describe: (r, st) => `Top, ${st.J * st.n} students in ${st.J} schools. Within each school y rises with x by ${num(r.fit.fe.x.estimate, 2)}; the line through the schools' means rises by ${num(r.fit.between.x, 2)}, that of random effects by ${num(r.fit.re.x.estimate, 2)}; the truth is ${num(BETA, 2)}. Middle, estimates with 95 percent intervals: ${r.rows.map((q) => `${q.name} of ${q.term}: ${q.none ? "no answer" : `${num(q.estimate, 2)}, ${num(q.low, 2)} to ${num(q.high, 2)}${r.count ? `, covers in ${percent(q.covers)} of ${r.count} samples` : ""}`}`).join("; ")}. Below, the bias with very many schools as rho goes from minus 1 to 1: fixed effects and Mundlak stay at 0, random effects and least squares go with rho.`,
  announce: (r, st) => `Rho ${num(st.rho, 2)}. Slope of x: OLS ${num(r.fit.ols.x.estimate, 2)}, random effects ${num(r.fit.re.x.estimate, 2)}, fixed effects ${num(r.fit.fe.x.estimate, 2)}, Mundlak ${num(r.fit.mundlak.x.estimate, 2)}. Hausman ${inText(r.fit.hausman).replace("&lt;", "below")}.${r.count ? ` ${r.count} samples${r.pending ? " so far" : ""}.` : ""}`,
  tries: [
    { try: "Untick “schools’ effects go with x”, look, and tick it again. Which of the four slopes move, and which interval is the narrowest?",
      see: "Fixed effects and Mundlak do not move at all: what is common to a school drops out of them. Random effects go from 0.54 to 0.75, OLS from 0.56 to 0.86. Unticked, random effects are right and have the narrowest honest interval: they use the schools’ means too. Ticked, their interval covers the truth in fewer than half of the samples. All but fixed effects have an answer for w." },
    { try: "Give each school 30 students instead of 5. Do random effects come to their senses?",
      see: "Nearly. With more students each school’s mean is better known, θ rises from 0.30 to 0.61, and the bias in the long run falls from 0.21 to 0.08. But the intervals shrink as well, and still cover the truth in only half of the samples. With ever more students random effects become fixed effects; they never quite are." },
    { try: "Reset, and lower ρ to 0.25: what does Hausman’s test see? Then set ρ back to 0.7 and raise τ to 2.",
      see: "At 0.25 random effects are off by 0.06 in the long run, and the test rejects in one sample out of six: a large p is no leave to use them. At τ = 2 the bias is 0.17, and in more than two samples out of five the statistic fails, that is, its variance (fixed effects’ less random effects’) comes out negative: confounding has inflated the residual variance of random effects until they look less precise than fixed effects. Mundlak’s test, the same question asked as a regression, rejects in 99 %." },
  ],
});
