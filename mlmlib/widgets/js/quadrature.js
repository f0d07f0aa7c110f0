// Quadrature seen (chapter 16): one group's integrand over its intercept u, Laplace's normal on it, Gauss-Hermite nodes
// added one by one, about the mode or by the prior, and the error of each.
import { lab } from "./frame.js";
import { believed, groupOf, quadrature, truth } from "./gauss_hermite.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const LIMITS = { nodes: [1, 25], tau: [0.1, 4], k: [0, 150], n: [1, 150], intercept: [-6, 6] };
const GOOD = 1e-6, MOST = 60, FLOOR = 1e-13;

// --- Numbers ------------------------------------------------------------------------------------

/** The least number of nodes from which on the error stays below GOOD; Infinity if MOST do not reach it. */
function needed(group, exact, adaptive) {
  let n = MOST;
  while (n >= 1 && Math.abs(quadrature(group, n, adaptive).value - exact) < GOOD) n -= 1;
  return n === MOST ? Infinity : n + 1;
}

export function compute({ family, k, n, tau, intercept, nodes, method, group: name }, data, memory) {
  const key = JSON.stringify([family, k, n, tau, intercept]);
  if (memory.key !== key) { // what does not hang on the number of nodes
    const group = groupOf({ family, k, n, b: intercept, tau }), exact = truth(group);
    const all = Array.from({ length: LIMITS.nodes[1] }, (_, i) => [true, false].map((adaptive) => quadrature(group, i + 1, adaptive).value));
    Object.assign(memory, { key, group, exact, all, enough: [true, false].map((adaptive) => needed(group, exact.value, adaptive)) });
  }
  const { group, exact, all, enough } = memory, adaptive = method === "adaptive", errors = all.map((pair) => pair.map((v) => v - exact.value));
  const rule = quadrature(group, nodes, adaptive), [byMode, byPrior] = all[nodes - 1], [errorMode, errorPrior] = errors[nodes - 1];
  return { name: data[name]?.title ?? "", group, exact: exact.value, ends: exact.ends, all, errors, enough, rule, nodes, adaptive, byMode, byPrior, errorMode, errorPrior,
    laplace: all[0][0], errorLaplace: errors[0][0], error: adaptive ? errorMode : errorPrior, seen: believed(group, nodes, adaptive), family, k, n, tau };
}

// --- The picture --------------------------------------------------------------------------------

const LEFT = 46;
const layout = (w) => { const top = 72, bottom = top + 210, second = bottom + 104; return { top, bottom, second, h: second + 178 + 46 }; };
const INK = { true: "--good", false: "--pooled" }; // nodes about the mode, nodes by the prior
const grid = ([a, b], count) => Array.from({ length: count + 1 }, (_, i) => a + (b - a) * i / count);
const round = (v, digits = 2) => Number(v.toFixed(digits));

function draw({ s, w, result: r, set }) {
  const at = layout(w);
  drawIntegrand(s, w, at, r, set);
  drawErrors(s, w, at.second, r, set);
}

const listed = (r) => [["━━", "likelihood × prior", "--model-ink"],
  ["╌╌", r.nodes === 1 ? (r.adaptive ? "1 node: Laplace" : "what 1 node sees") : `what ${r.nodes} nodes see`, `${INK[r.adaptive]}-ink`], ["──", "likelihood", "--unpooled-ink"], ["──", "prior", "--pooled-ink"]];

function drawIntegrand(s, w, at, r, set) {
  const { group, tau } = r, reach = Math.max(3.6 * group.sd, 0.8 * tau), domain = [Math.min(-2.6 * tau, group.mode - reach), Math.max(2.6 * tau, group.mode + reach)];
  const x = linear(domain, [8, w - 8]), y = linear([0, 1.14], [at.bottom, at.top]), back = s.layer("back", { "aria-hidden": "true" });
  const near = grid([Math.max(domain[0], group.mode - 4.5 * group.sd), Math.min(domain[1], group.mode + 4.5 * group.sd)], 140);
  const us = [...grid(domain, 160), ...near].sort((a, b) => a - b); // a narrow peak is not missed
  back.text("name", 0, 14, "one group: what its intercept u may be", { class: "axis-name" });
  listed(r).forEach(([mark, text, ink], i) => {
    back.text(`l${i}`, i % 2 ? 8 + Math.min(200, w / 2) : 8, i < 2 ? 38 : 58, `${mark} ${text}`, { fill: `var(${ink})`, "font-weight": i < 2 ? 650 : 400 });
  });
  axisX(back, x, at.bottom, { values: x.ticks(w >= 480 ? 8 : 5), format: (v) => String(v).replace("-", "\u2212"), label: "" });
  back.text("unit", w - 10, at.bottom + 36, `u, on the ${r.family === "binomial" ? "logit" : "log"} scale`, { class: "tick", fill: "var(--fg)", "text-anchor": "end" });
  const layer = s.layer("curves", { "aria-hidden": "true" }), trace = (f) => us.map((u) => [x(u), y(f(u))]);
  const height = (u) => Math.exp(group.log(u) - group.top), likeliest = Math.max(...us.map(group.likelihood));
  layer.path("area", [[x(domain[0]), at.bottom], ...trace(height), [x(domain[1]), at.bottom]], { fill: "var(--model)", "fill-opacity": 0.16, stroke: "none" });
  layer.path("prior", trace((u) => Math.exp(-u * u / (2 * tau * tau))), { stroke: "var(--pooled)", "stroke-width": 1.4 });
  layer.path("likelihood", trace((u) => Math.exp(group.likelihood(u) - likeliest)), { stroke: "var(--unpooled)", "stroke-width": 1.4 });
  layer.path("integrand", trace(height), { stroke: "var(--model)", "stroke-width": 3.4 });
  const bent = (u) => { const v = r.seen(u); return v > -0.06 && v < 1.14 ? [x(u), y(v)] : null; };
  layer.path("seen", us.map(bent), { stroke: `var(${INK[r.adaptive]})`, "stroke-width": 2.4, "stroke-dasharray": "6 4" });
  const nodes = s.layer("nodes", { "aria-hidden": "true" });
  r.rule.u.forEach((u, i) => {
    if (u < domain[0] || u > domain[1]) return;
    nodes.line(`n${i}`, x(u), at.bottom, x(u), y(height(u)), { stroke: `var(${INK[r.adaptive]})`, "stroke-width": 1.5 });
    nodes.circle(`d${i}`, x(u), y(height(u)), 2.5 + 5 * Math.sqrt(r.rule.shares[i]), { fill: `var(${INK[r.adaptive]})`, stroke: "var(--bg)", "stroke-width": 1.2 });
  });
  const to = (v) => set({ tau: round(clamp(v, ...LIMITS.tau)), group: "yours" }), points = s.layer("points");
  points.handle("tau", {
    x: x(tau), y: y(Math.exp(-0.5)), r: 6, fill: "var(--pooled)", axis: "x", label: "SD of the prior", now: tau, min: LIMITS.tau[0], max: LIMITS.tau[1],
    text: `tau ${num(tau, 2)}: error of ${r.nodes} nodes ${small(r.error)}`, drag: (px) => to(x.invert(px)), step: (dx, dy, big) => to(tau + (dx + dy) * (big ? 0.5 : 0.05)),
    edge: (way) => to(LIMITS.tau[way < 0 ? 0 : 1]),
  });
  back.text("tau", x(tau) + 10, y(Math.exp(-0.5)) - 8, `τ`, { fill: "var(--pooled-ink)", "font-weight": 650 });
}

function drawErrors(s, w, top, r, set) {
  const layer = s.layer("errors", { "aria-hidden": "true" }), bottom = top + 178, x = linear([1, 25], [LEFT + 4, w - 14]);
  const power = (e) => Math.log10(clamp(Math.abs(e), FLOOR, 10)), y = linear([-13, 1], [bottom, top]);
  layer.text("name", 0, top - 30, "Error of the log of the integral", { "font-weight": 650 });
  layer.text("mode", LEFT + 4, top - 10, "● nodes about the mode", { fill: "var(--good-ink)" });
  layer.text("prior", LEFT + 174, top - 10, "○ by the prior", { fill: "var(--pooled-ink)" });
  axisX(layer, x, bottom, { values: [1, 5, 10, 15, 20, 25], label: "nodes" });
  axisY(layer, y, LEFT, { values: [0, -3, -6, -9, -12], format: (v) => (v ? `10${raised(v)}` : "1"), grid: [x(1), x(25)], label: "" });
  [1, 0].forEach((k) => {
    const ink = `var(${INK[k === 0]})`, points = r.errors.map((pair, i) => [x(i + 1), y(power(pair[k]))]);
    layer.path(`line${k}`, points, { stroke: ink, "stroke-width": 1.6 });
    points.forEach(([px, py], i) => layer.circle(`e${k}-${i}`, px, py, 3, { fill: k ? "var(--bg)" : ink, stroke: ink, "stroke-width": 1.4 }));
  });
  layer.line("now", x(r.nodes), top, x(r.nodes), bottom, { stroke: "var(--focus)", "stroke-width": 1.6 });
  const to = (v) => set({ nodes: clamp(Math.round(v), ...LIMITS.nodes) });
  s.layer("choose").handle("nodes", {
    x: x(r.nodes), y: bottom, r: 7, fill: "var(--focus)", axis: "x", label: "Number of nodes", now: r.nodes, min: 1, max: 25,
    text: `${r.nodes}: error ${small(r.errorMode)} about the mode, ${small(r.errorPrior)} by the prior`, drag: (px) => to(x.invert(px)),
    step: (dx, dy, big) => to(r.nodes + (dx + dy) * (big ? 5 : 1)), edge: (way) => to(LIMITS.nodes[way < 0 ? 0 : 1]),
  });
}

// --- Words --------------------------------------------------------------------------------------

const raised = (v) => String(v).replace(/-/g, "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);

/** A small number with its sign: 0.0251, 2·10⁻⁵; nothing below what a double holds. */
function small(v, sign = false) {
  const a = Math.abs(v), front = v < 0 ? "−" : sign ? "+" : "";
  if (!(a >= FLOOR)) return "< 10⁻¹³";
  if (a >= 0.00095) return front + num(a, a < 0.1 ? 4 : a < 10 ? 3 : 1);
  const [m, e] = a.toExponential(0).split("e");
  return `${front}${m}·10${raised(Number(e))}`;
}

const many = (v) => (v === Infinity ? `> ${MOST}` : num(v, 0));

function says(r) {
  const { k, n } = r, who = `${r.name ? `${r.name}: ` : ""}${r.family === "binomial" ? `${k} yes of ${n}` : `${k} events in ${n} visits`}`, left = Math.abs(r.error);
  const share = left < 5e-4 ? "" : r.error < -5 ? ", so nearly all of the integral is missed" : r.error > 5 ? ", so the integral is many times too large" : `, so the integral is ${num(100 * Math.abs(Math.expm1(r.error)), left < 0.1 ? 1 : 0)} % too ${r.error < 0 ? "small" : "large"}`;
  const nodes = r.nodes === 1 ? "One node" : `${r.nodes} nodes`;
  const how = !r.adaptive ? `${nodes}, placed by the prior before the group was looked at` : r.nodes === 1 ? "Laplace, one node at the mode" : `${nodes} about the mode`;
  return `${who}. ${how}: the log of the integral is off by <strong>${small(r.error, true)}</strong>${share}. Six digits need <strong>${many(r.enough[0])}</strong> node${r.enough[0] === 1 ? "" : "s"} about the mode, and <strong>${many(r.enough[1])}</strong> placed by the prior.`;
}

// --- The lab ------------------------------------------------------------------------------------

const range = (key, label, symbol, step, digits, more = {}) => ({ key, type: "range", label, symbol, min: LIMITS[key][0], max: LIMITS[key][1], step, format: (v) => num(v, digits),
  change: (ctx, v) => ctx.set({ [key]: v, group: "yours" }), ...more });
const capped = ({ family, k, n }) => (family === "binomial" ? { k: Math.min(k, n) } : {});
const options = [["ohio_ones", "child, Ohio: wheezes at all 4 visits"], ["ohio_zeros", "child, Ohio: never wheezes, 4 visits"], ["herd_small", "herd 14, later visits: 0 of 7 cows ill"], ["herd_large", "herd 3: 12 of 74 cows ill"],
  ["epil_zero", "patient 58: no seizure, 4 visits"], ["epil_many", "patient 25: 143 seizures, 4 visits"], ["yours", "numbers of your own"]];

export default lab({
  name: "quadrature",
  title: "Quadrature seen",
  idea: "A group’s likelihood is the area under the thick curve. One node lays a normal on it; each further node lets the dashed curve bend once more. Add nodes, and watch the error fall.",
  state: { group: "ohio_ones", family: "binomial", k: 4, n: 4, intercept: -2.8527, tau: 2.1552, nodes: 1, method: "adaptive" },
  controls: [
    { key: "group", type: "select", lead: true, label: "Group", options, change: (ctx, group) => ctx.set({ group, ...(ctx.data[group]?.values ?? {}) }) },
    { key: "method", type: "select", lead: true, label: "Nodes placed", options: [["adaptive", "about the mode (adaptive)"], ["prior", "by the prior"]] },
    { type: "button", id: "more", lead: true, label: "One node more", enabled: (st) => st.nodes < LIMITS.nodes[1], press: (ctx) => ctx.set({ nodes: ctx.state.nodes + 1 }) },
    { type: "button", id: "laplace", lead: true, main: false, label: "Laplace", press: (ctx) => ctx.set({ nodes: 1, method: "adaptive" }) },
    range("nodes", "nodes", "", 1, 0, { change: (ctx, nodes) => ctx.set({ nodes }) }),
    range("tau", "SD of groups", "τ", 0.05, 2),
    range("k", (st) => (st.family === "binomial" ? "yes" : "events"), "", 1, 0, { change: (ctx, k) => ctx.set({ k, n: ctx.state.family === "binomial" ? Math.max(k, ctx.state.n) : ctx.state.n, group: "yours" }) }),
    range("n", (st) => (st.family === "binomial" ? "trials" : "visits"), "", 1, 0, { scale: "log", change: (ctx, n) => ctx.set({ n, ...capped({ ...ctx.state, n }), group: "yours" }) }),
    range("intercept", "average group", "", 0.1, 2),
    { key: "family", type: "select", label: "Outcome", options: [["binomial", "yes or no (logit)"], ["poisson", "counts (Poisson)"]],
      change: (ctx, family) => ctx.set({ family, ...capped({ ...ctx.state, family }), group: "yours" }) },
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r) => [
    { key: "mode", label: "mode of u", value: r.group.mode, text: num(r.group.mode, 3), ink: "model" },
    { key: "sd", label: "SD by its curvature", value: r.group.sd, text: num(r.group.sd, 3), ink: "model" },
    { key: "truth", label: "log integral", value: r.exact, text: num(r.exact, 6), ink: "model" },
    { key: "laplace", label: "Laplace", value: r.laplace, text: num(r.laplace, 6) },
    { key: "error_laplace", label: "its error", value: r.errorLaplace, text: small(r.errorLaplace, true) },
    { key: "adaptive", label: `${r.nodes} about mode`, value: r.byMode, text: num(r.byMode, 6), ink: "good" },
    { key: "error_adaptive", label: "error", value: r.errorMode, text: small(r.errorMode, true), ink: "good" },
    { key: "prior", label: `${r.nodes} by prior`, value: r.byPrior, text: num(r.byPrior, 6), ink: "pooled" },
    { key: "error_prior", label: "error", value: r.errorPrior, text: small(r.errorPrior, true), ink: "pooled" },
    { key: "enough_adaptive", label: "nodes for 10⁻⁶, mode", value: r.enough[0], text: many(r.enough[0]), ink: "good" },
    { key: "enough_prior", label: "nodes for 10⁻⁶, prior", value: r.enough[1], text: many(r.enough[1]), ink: "pooled" },
  ],
  says,
  table: (r) => ({
    caption: `${r.family === "binomial" ? `${r.k} yes of ${r.n}` : `${r.k} events in ${r.n} visits`}, τ = ${num(r.tau, 4)}. Log of the integral: ${num(r.exact, 10)}.`,
    columns: ["nodes", "about the mode", "error", "by the prior", "error"],
    rows: r.all.map(([a, b], i) => [String(i + 1), num(a, 8), small(r.errors[i][0], true), num(b, 8), small(r.errors[i][1], true)]),
  }),
  describe: (r) => `The likelihood of one group times the normal prior of its intercept u: a curve with its mode at ${num(r.group.mode, 2)} and the curvature of an SD of ${num(r.group.sd, 2)}. A dashed curve shows what ${r.nodes} node${r.nodes > 1 ? "s" : ""} ${r.adaptive ? "about the mode" : "placed by the prior"} see of it. Below, the error of the log of the integral against the number of nodes, on a log scale: Laplace ${small(r.errorLaplace, true)}; with ${r.nodes}, ${small(r.errorMode, true)} about the mode and ${small(r.errorPrior, true)} by the prior.`,
  announce: (r) => `${r.nodes} node${r.nodes > 1 ? "s" : ""}: error ${small(r.errorMode, true)} about the mode, ${small(r.errorPrior, true)} by the prior. Mode ${num(r.group.mode, 2)}.`,
  tries: [
    { try: "How many nodes until the error of this child is below 0.001? Guess, then press “One node more”. How many does it take if the prior places them?",
      see: "Six. Laplace is off by −0.039, two nodes by −0.035, three by −0.012, six by −0.0003: the curve leans to one side, and a normal cannot. Placed by the prior, 21 nodes are still off by −0.0015, and 25 by −0.0002. They stand where an average child is, and this one is not." },
    { try: "Take the child who never wheezes, as 355 of the 537 do. What is the sign of Laplace’s error now? Then set “yes” to 1, 2, 3.",
      see: "+0.025: Laplace praises those who never wheeze, and is short by 0.036 to 0.040 of all others. Over hundreds of children that bends the estimates: with one node lme4 finds τ = 2.33, with fifty 2.16. Four answers say so little that nodes about the mode are hardly better than those of the prior; seven leave 0.0009." },
    { try: "Take patient 25 with 143 seizures, and Laplace. Then let the prior place the nodes, up to 25. Which groups need quadrature, and which nodes?",
      see: "Laplace is off by 0.0006: a group that says much has a likelihood that is nearly normal, and so have the 74 cows of herd 3, −0.0045. But 25 nodes of the prior miss more than half of the integral, −0.81: the peak, with an SD of 0.08, lies between them. Small and lopsided groups need nodes; distinct groups need them about the mode." },
  ],
});
