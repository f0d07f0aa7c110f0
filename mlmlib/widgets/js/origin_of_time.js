// The origin of time (chapter 13): growth lines, and the moment that is called zero. Drag it: the status at zero, its
// variance, its correlation with the rate and the difference between groups all move. No line does, nor the fit.
import { lab } from "./frame.js";
import { correlation, shiftOrigin } from "./mixed.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const CLOCKS = { orthodont: "age", sleepstudy: "day", egsingle: "year" }; // the state’s name for zero in each study
const Z = 1.959963984540054;

// --- Numbers ------------------------------------------------------------------------------------

/** The matrix that takes coefficients of 1, t, t² to those of 1, (t − c), (t − c)². */
const mover = (p, c) => [[1, c, c * c], [0, 1, 2 * c], [0, 0, 1]].slice(0, p).map((row) => row.slice(0, p));
const times = (M, v) => M.map((row) => row.reduce((sum, m, k) => sum + m * v[k], 0));
const sandwich = (M, V) => M.map((a) => M.map((b) => a.reduce((sum, m, i) => sum + m * times(V, b)[i], 0)));

/** Coefficients with time measured from c, and their standard errors. */
export function moved(beta, cov, c) {
  const M = mover(beta.length, c);
  return { beta: times(M, beta), se: sandwich(M, cov).map((row, k) => Math.sqrt(row[k])) };
}

export function compute(state, data) {
  const study = data[state.study], fit = study.fits[state.curved ? 1 : 0];
  const c = clamp(state[study.key], ...study.ends);
  const T = shiftOrigin(fit.T, c), mean = moved(fit.mean, fit.meanCov, c);
  const difference = fit.difference.length ? moved(fit.difference, fit.differenceCov, c) : null;
  const people = fit.u.map(([u0, u1], i) => {
    const beta = mean.beta.map((b, k) => b + (study.group[i] ? difference.beta[k] : 0));
    return { label: study.labels[i], group: study.group[i], status: beta[0] + u0 + u1 * c, rate: beta[1] + u1 };
  });
  const differs = (t) => moved(fit.difference, fit.differenceCov, t);
  return { study, fit, c, T, mean, difference, people, sd: Math.sqrt(T[0]), correlation: correlation(T), criterion: fit.criterion,
    calm: -fit.T[1] / fit.T[2], least: Math.sqrt(shiftOrigin(fit.T, -fit.T[1] / fit.T[2])[0]), differs,
    outside: c < study.seen[0] - 1e-9 || c > study.seen[1] + 1e-9 };
}

const lower = (d) => d.beta[0] - Z * d.se[0], upper = (d) => d.beta[0] + Z * d.se[0];

// --- The picture --------------------------------------------------------------------------------

const LEFT = 46, PANEL = 132, TOP = 56;
const linesHeight = (w) => (w >= 460 ? 250 : 220);
const heightOf = (w) => TOP + linesHeight(w) + 72 + 3 * PANEL;
const grid = ([a, b], count = 72) => Array.from({ length: count + 1 }, (_, k) => a + (b - a) * k / count);
const INKS = ["var(--sky)", "var(--purple)"];

function draw({ s, w, state, result: r, set }) {
  const x = linear(r.study.ends, [LEFT, w - 10]), bottom = TOP + linesHeight(w), panels = r.difference ? 3 : 2;
  s.layer("origin-line", { "aria-hidden": "true" });
  drawLines(s, w, x, TOP, bottom, r);
  const first = bottom + 80;
  drawSpread(s, x, first, r);
  drawCorrelation(s, x, first + PANEL, r);
  if (r.difference) drawDifference(s, x, first + 2 * PANEL, r);
  drawOrigin(s, x, first + (panels - 1) * PANEL + 82, { state, r, set });
}

const curveOf = (beta) => (t) => beta.reduceRight((sum, b) => sum * t + b, 0);

function drawLines(s, w, x, top, bottom, r) {
  const { study, fit } = r, groups = [fit.mean], back = s.layer("back", { "aria-hidden": "true" });
  if (r.difference) groups.push(fit.mean.map((b, k) => b + fit.difference[k]));
  const curves = fit.u.map(([u0, u1], i) => groups[study.group[i]].map((b, k) => b + [u0, u1, 0][k]));
  const [a, b] = study.seen, ys = curves.flatMap((beta) => [a, (a + b) / 2, b].map(curveOf(beta)));
  const reach = Math.max(...ys) - Math.min(...ys), y = linear([Math.min(...ys) - 0.34 * reach, Math.max(...ys) + 0.12 * reach], [bottom, top]);
  const inside = (beta, span) => grid(span, 36).map((t) => [t, curveOf(beta)(t)])
    .map(([t, v]) => (v >= y.domain[0] && v <= y.domain[1] ? [x(t), y(v)] : null));
  back.rect("seen", x(a), top, x(b) - x(a), bottom - top, { fill: "var(--panel)" });
  back.text("seen-name", (x(a) + x(b)) / 2, bottom - 8, "when people were seen", { class: "tick", fill: "var(--muted)", "text-anchor": "middle" });
  axisX(back, x, bottom, { label: `${study.clock} (${study.unit})` });
  axisY(back, y, LEFT, { label: "" });
  back.text("name", 0, 14, `${study.status}: a line for each person`, { class: "axis-name" });
  const layer = s.layer("people", { "aria-hidden": "true" });
  curves.forEach((beta, i) => {
    const ink = INKS[study.group[i]];
    layer.path(`far${i}`, inside(beta, study.ends), { stroke: ink, "stroke-width": 0.8, opacity: 0.4, "stroke-dasharray": "2 3" });
    layer.path(`near${i}`, inside(beta, study.spans[i]), { stroke: ink, "stroke-width": 1.3, opacity: 0.75 });
  });
  r.people.forEach((person, i) => {
    if (person.status < y.domain[0] || person.status > y.domain[1]) return;
    layer.circle(`dot${i}`, x(r.c), y(person.status), 3.2, { fill: INKS[person.group], stroke: "var(--bg)", "stroke-width": 0.8 });
  });
  const front = s.layer("means", { "aria-hidden": "true" });
  groups.forEach((beta, k) => {
    front.path(`mean${k}`, inside(beta, study.ends), { stroke: "var(--fixed)", "stroke-width": 2.6, "stroke-dasharray": k ? "7 4" : null });
    if (study.names[k]) front.text(`who${k}`, LEFT + 8, top + 14 + 18 * k, `${k ? "╌╌" : "──"} ${study.names[k]}`, { "font-weight": 650 });
  });
  const steep = r.mean.beta[1], reachT = (study.ends[1] - study.ends[0]) * 0.13, at = r.mean.beta[0];
  const tangent = [-1, 1].map((k) => [x(r.c + k * reachT), y(at + k * reachT * steep)]);
  if (r.mean.beta.length > 2 && at >= y.domain[0] && at <= y.domain[1]) front.path("rate", tangent, { stroke: "var(--model)", "stroke-width": 3.4 });
  if (r.difference) {
    const ends = [at, at + r.difference.beta[0]].map((v) => clamp(v, ...y.domain));
    front.line("gap", x(r.c), y(ends[0]), x(r.c), y(ends[1]), { stroke: "var(--model)", "stroke-width": 5 });
    const left = x(r.c) > w - 120;
    front.text("gap-name", x(r.c) + (left ? -10 : 10), (y(ends[0]) + y(ends[1])) / 2 + 5, `γ_{01} = ${num(r.difference.beta[0], 2)}`,
      { "text-anchor": left ? "end" : "start", fill: "var(--model-ink)", "font-weight": 650 });
  }
}

/** A panel: a curve over all origins, with a dot at the present one. */
function panel(s, name, x, top, domain, label, values = undefined) {
  const layer = s.layer(name, { "aria-hidden": "true" }), y = linear(domain, [top + 82, top + 4]);
  axisX(layer, x, top + 82, {});
  axisY(layer, y, LEFT, { ticks: 3, values, label: "" });
  layer.text("name", 0, top - 12, label, { "font-weight": 600 });
  return [layer, y];
}

function spot(layer, x, y, c, v, text) {
  const px = x(c), left = px > (x.range[0] + x.range[1]) / 2;
  layer.circle("now", px, y(v), 5.5, { fill: "var(--model)", stroke: "var(--bg)", "stroke-width": 1.5 });
  layer.text("now-name", px + (left ? -11 : 11), clamp(y(v) - 8, y.range[1] + 8, y.range[0] - 8), text,
    { "text-anchor": left ? "end" : "start", fill: "var(--model-ink)", "font-weight": 650 });
}

function drawSpread(s, x, top, r) {
  const sd = (t) => Math.sqrt(shiftOrigin(r.fit.T, t)[0]), [a, b] = r.study.ends, most = 1.08 * Math.max(sd(a), sd(b));
  const [layer, y] = panel(s, "spread", x, top, [0, most], "SD of people’s status at zero, √τ₀₀");
  layer.path("curve", grid(r.study.ends).map((t) => [x(t), y(sd(t))]), { stroke: "var(--model)" });
  if (r.calm > a && r.calm < b) layer.line("calm", x(r.calm), top + 6, x(r.calm), top + 82, { stroke: "var(--muted)", "stroke-dasharray": "2 3" });
  spot(layer, x, y, r.c, r.sd, num(r.sd, 2));
}

function drawCorrelation(s, x, top, r) {
  const [layer, y] = panel(s, "correlation", x, top, [-1, 1], "correlation of status at zero and rate", [-1, 0, 1]);
  layer.line("zero", x.range[0], y(0), x.range[1], y(0), { stroke: "var(--grid)", "stroke-width": 1.5 });
  layer.path("curve", grid(r.study.ends).map((t) => [x(t), y(correlation(shiftOrigin(r.fit.T, t)))]), { stroke: "var(--model)" });
  if (r.calm > r.study.ends[0] && r.calm < r.study.ends[1]) layer.line("calm", x(r.calm), top + 4, x(r.calm), top + 82, { stroke: "var(--muted)", "stroke-dasharray": "2 3" });
  spot(layer, x, y, r.c, r.correlation, num(r.correlation, 2));
}

function drawDifference(s, x, top, r) {
  const points = grid(r.study.ends).map((t) => [t, r.differs(t)]);
  const low = Math.min(0, ...points.map(([, d]) => lower(d))), high = Math.max(0, ...points.map(([, d]) => upper(d)));
  const [layer, y] = panel(s, "difference", x, top, [low, high], `difference at zero, γ₀₁${x.range[1] > 420 ? `: ${r.study.names[1]} − ${r.study.names[0]}` : ""}`);
  layer.path("band", [...points.map(([t, d]) => [x(t), y(upper(d))]), ...points.slice().reverse().map(([t, d]) => [x(t), y(lower(d))])],
    { fill: "var(--model)", "fill-opacity": 0.16, stroke: "none" });
  layer.line("zero", x.range[0], y(0), x.range[1], y(0), { stroke: "var(--axis)", "stroke-width": 1.5 });
  layer.path("curve", points.map(([t, d]) => [x(t), y(d.beta[0])]), { stroke: "var(--model)" });
  const d = r.difference;
  layer.line("interval", x(r.c), y(lower(d)), x(r.c), y(upper(d)), { stroke: "var(--model)", "stroke-width": 3 });
  spot(layer, x, y, r.c, d.beta[0], `${num(d.beta[0], 2)} ± ${num(Z * d.se[0], 2)}`);
}

function drawOrigin(s, x, bottom, { r, set }) {
  const { study } = r, line = s.layer("origin-line", { "aria-hidden": "true" }), layer = s.layer("origin");
  line.line("origin", x(r.c), TOP - 14, x(r.c), bottom, { stroke: "var(--focus)", "stroke-width": 2 });
  const move = (v) => set({ [study.key]: clamp(Number((Math.round(v / study.step) * study.step).toFixed(6)), ...study.ends) });
  layer.text("zero", clamp(x(r.c), LEFT + 24, x.range[1] - 24), 38, "time 0", { "text-anchor": x(r.c) > x.range[1] - 70 ? "end" : "start", dx: x(r.c) > x.range[1] - 70 ? -14 : 14, class: "label", fill: "var(--fg)" });
  layer.handle("origin", {
    x: x(r.c), y: TOP - 18, r: 8, fill: "var(--focus)", axis: "x", label: `Where time is zero: ${study.clock}`, now: Number(r.c.toFixed(3)),
    min: study.ends[0], max: study.ends[1], text: `${num(r.c, 1)}: SD of status ${num(r.sd, 2)}, correlation ${num(r.correlation, 2)}`,
    drag: (px) => move(x.invert(px)), step: (dx, dy, big) => move(r.c + (dx || dy) * study.step * (big ? 10 : 1)),
    edge: (way) => move(way < 0 ? study.ends[0] : study.ends[1]),
  });
}

// --- The lab ------------------------------------------------------------------------------------

const signed = (v, digits = 2) => (v > 0 ? "+" : "") + num(v, digits);
const range = (study, key, label, min, max) => ({ key, type: "range", label, symbol: "c", min, max, step: 0.1, format: (v) => num(v, 1), show: (st) => st.study === study });
const go = (id, label, where) => ({ type: "button", id, main: false, label, press: ({ state, data, set }) => {
  const study = data[state.study], to = where(study);
  set({ [study.key]: clamp(Number((Math.round(to / study.step) * study.step).toFixed(6)), ...study.ends) });
} });
const outwardly = (r) => (r.outside ? " Nobody was seen then: the numbers are those of straight continuation." : "");

function says(r) {
  const { study } = r, when = `${study.clock} ${num(r.c, 1)}`, d = r.difference;
  const gap = d ? ` The difference of the groups there, γ<sub>01</sub>, is <strong>${signed(d.beta[0])}</strong> (${num(lower(d), 2)} to ${num(upper(d), 2)})${lower(d) * upper(d) > 0 ? "" : ", not distinguishable from none"}; elsewhere it is another number.` : "";
  return `With zero at ${when}, people’s status has an SD of <strong>${num(r.sd, 2)}</strong> and correlates <strong>${signed(r.correlation)}</strong> with their rate.${gap}${outwardly(r).replace("straight continuation", r.mean.beta.length > 2 ? "the curve continued" : "lines continued")} The criterion is ${num(r.criterion, 2)} at every origin.`;
}

export default lab({
  name: "origin_of_time",
  title: "The origin of time",
  idea: "When is time zero? Status, its variance, its correlation with the rate and every difference at zero depend on the answer. No line moves, and the fit stays the same.",
  state: { study: "orthodont", curved: false, age: 8, day: 0, year: -1.5 },
  python: (st) => ({ study: st.study, origin: st[CLOCKS[st.study]], curved: st.curved }),
  controls: [
    { key: "study", type: "select", lead: true, label: "Growth of", options: [["orthodont", "27 children’s jaws"], ["sleepstudy", "18 drivers’ reaction times"], ["egsingle", "1,721 children’s math"]] },
    { key: "curved", type: "check", lead: true, label: "average growth may curve (quadratic)" },
    range("orthodont", "age", "age that is called zero", 0, 18),
    range("sleepstudy", "day", "day that is called zero", -6, 12),
    range("egsingle", "year", "year that is called zero", -4, 4),
    go("first", "First occasion", (study) => study.first), go("middle", "Middle", (study) => (study.first + study.seen[1]) / 2),
    go("last", "Last occasion", (study) => study.seen[1]),
  ],
  compute,
  size: (w) => [w, heightOf(w)],
  draw,
  readouts: (r) => [
    { key: "gamma00", label: "status at zero", symbol: "γ₀₀", value: r.mean.beta[0], text: num(r.mean.beta[0], 2), ink: "model" },
    { key: "gamma00_se", label: "its standard error", value: r.mean.se[0], text: num(r.mean.se[0], 3), ink: "model" },
    { key: "gamma10", label: "rate at zero", symbol: "γ₁₀", value: r.mean.beta[1], text: num(r.mean.beta[1], 3) },
    ...(r.mean.beta.length > 2 ? [{ key: "gamma20", label: "curvature", symbol: "γ₂₀", value: r.mean.beta[2], text: num(r.mean.beta[2], 4) }] : []),
    { key: "tau00", label: "variance of status", symbol: "τ₀₀", value: r.T[0], text: num(r.T[0], 3), ink: "model" },
    { key: "tau01", label: "covariance with rate", symbol: "τ₀₁", value: r.T[1], text: signed(r.T[1], 3), ink: "model" },
    { key: "tau11", label: "variance of rates", symbol: "τ₁₁", value: r.T[2], text: num(r.T[2], 4) },
    { key: "correlation", label: "correlation", symbol: "r", value: r.correlation, text: signed(r.correlation), ink: "model" },
    ...(r.difference ? [
      { key: "gamma01", label: "difference at zero", symbol: "γ₀₁", value: r.difference.beta[0], text: signed(r.difference.beta[0]), ink: "model" },
      { key: "gamma01_se", label: "its standard error", value: r.difference.se[0], text: num(r.difference.se[0], 3), ink: "model" },
      { key: "gamma11", label: "difference in rate", symbol: "γ₁₁", value: r.difference.beta[1], text: signed(r.difference.beta[1], 3) },
      { key: "gamma11_se", label: "its standard error", value: r.difference.se[1], text: num(r.difference.se[1], 3) }] : []),
    { key: "sigma2", label: "occasions", symbol: "σ²", value: r.fit.sigma2, text: num(r.fit.sigma2, 3) },
    { key: "criterion", label: "criterion (REML)", value: r.criterion, text: num(r.criterion, 2) },
  ],
  says,
  table: (r) => ({
    caption: `${r.study.title}, zero at ${r.study.clock} ${num(r.c, 1)}: γ = [${r.mean.beta.map((v) => num(v, 4)).join(", ")}]${r.difference ? `, differences [${r.difference.beta.map((v) => num(v, 4)).join(", ")}] with SE [${r.difference.se.map((v) => num(v, 4)).join(", ")}]` : ""}, T = [${r.T.map((v) => num(v, 4)).join(", ")}]. Status varies least at ${num(r.calm, 2)}, with SD ${num(r.least, 2)}.`,
    columns: ["person", ...(r.difference ? ["group"] : []), "status at zero", "rate at zero"],
    rows: r.people.map((p) => [p.label, ...(r.difference ? [r.study.names[p.group]] : []), num(p.status, 3), num(p.rate, 4)]),
  }),
  describe: (r) => `${r.people.length} growth lines of ${r.study.title} over ${r.study.clock} with a vertical line at time zero, ${num(r.c, 1)}. Below, three things against where zero is: the SD of people’s status, now ${num(r.sd, 2)}, smallest at ${num(r.calm, 1)}; the correlation of status and rate, now ${num(r.correlation, 2)}, zero where the SD is smallest${r.difference ? `; and the difference of ${r.study.names[1]} from ${r.study.names[0]} with a 95 percent band, now ${num(r.difference.beta[0], 2)} from ${num(lower(r.difference), 2)} to ${num(upper(r.difference), 2)}` : ""}.`,
  announce: (r) => `Zero at ${r.study.clock} ${num(r.c, 1)}: SD of status ${num(r.sd, 2)}, correlation with rate ${num(r.correlation, 2)}${r.difference ? `, difference ${num(r.difference.beta[0], 2)}, standard error ${num(r.difference.se[0], 2)}` : ""}. Criterion ${num(r.criterion, 2)}, as before.`,
  tries: [
    { try: "“Do girls have smaller jaws than boys?” Answer at the first occasion, at the last, and at birth.",
      see: "At 8 the data cannot tell: 1.4 mm smaller, give or take 1.6. At 14 surely, by 3.2 mm. At birth they would be larger, by 1.0 mm give or take 3.1. One model answers all three: the coefficient of sex is a difference at zero, and nowhere else. A paper must say when its zero was. The difference in <em>rate</em>, γ<sub>11</sub>, is the same everywhere." },
    { try: "Take the drivers. “Those who are slow also get slower faster”: find an origin that proves it, and one that proves the opposite. Where does status vary least?",
      see: "On the last day the correlation is +0.91, since those who deteriorated are slow then; six days before the first it is −0.81. It is zero on day −0.3, where the bundle of lines is narrowest. The sentence is about the origin; about people, the variance of the rates says all there is." },
    { try: "Let average growth curve, with the math data, and drag zero from the first to the last occasion. Watch the rate at zero and its difference.",
      see: "On a curve the rate is the slope of a tangent, so γ<sub>10</sub> now moves too, from 1.0 points a year to 0.6, and γ<sub>11</sub> with it. Only the highest power, γ<sub>20</sub>, is the same at every origin. The criterion is, too: it is one model. (“First occasion” is year −1.5, the first of the five; a few children had a test the year before.)" },
  ],
});
