// Covariance and origin (chapter 4): a line for each school, and where x is zero. Slide the origin: the variance of the
// intercepts traces a parabola and their correlation with the slopes changes sign, while no line moves.
import { lab } from "./frame.js";
import { correlation, ellipse, fitIndependent, lineSums, profileLine, shiftOrigin, shiftSums } from "./mixed.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const CHI2 = 5.991464547107979; // 95 % of pairs lie inside the ellipse

// --- Numbers ------------------------------------------------------------------------------------

const prepared = new WeakMap();
function sumsOf(data) {
  if (!prepared.has(data.x)) prepared.set(data.x, lineSums(data.x, data.y, data.group, data.labels.length));
  return prepared.get(data.x);
}

/** The model with x measured from `origin`: the data's own fit moved there, or refitted with no covariance allowed. */
export function compute({ origin, free }, data) {
  const reml = data.reml !== false, sums = shiftSums(sumsOf(data), origin), start = shiftOrigin(data.T, origin);
  const moved = start.map((v) => v / data.sigma2);
  const whole = { ...profileLine(sums, moved, reml), D: moved };
  const at = free ? whole : fitIndependent(sums, reml, [moved[0], moved[2]]);
  const T = at.D.map((v) => v * at.sigma2);
  const linesOf = ({ beta, u }) => u.map(([u0, u1], j) => (
    { label: data.labels[j], intercept: beta[0] + u0, slope: beta[1] + u1, u0, u1 }));
  return { origin, free, beta: at.beta, se: [Math.sqrt(at.cov[0]), Math.sqrt(at.cov[2])], T,
    correlation: correlation(T), sigma2: at.sigma2, criterion: at.criterion, excess: at.criterion - whole.criterion,
    lines: linesOf(at), ghosts: free ? [] : linesOf(whole), turning: T[2] > 0 ? origin - T[1] / T[2] : NaN };
}

// --- The picture --------------------------------------------------------------------------------

function draw({ s, w, h, state, data, result, set }) {
  const wide = w >= 560, [low, high] = data.origins, left = 44;
  const leftW = wide ? w * 0.58 : w;
  const x = linear([low, high], [left, leftW - 12]);
  const linesBox = { top: 50, bottom: wide ? h - 226 : 270 },
    varBox = { top: wide ? h - 176 : 318, bottom: wide ? h - 46 : 408 };
  s.layer("back");
  s.layer("origin-line", { "aria-hidden": "true" });
  drawLines(s, x, linesBox, { state, data, result });
  drawParabola(s, x, varBox, { data, result });
  drawOrigin(s, x, linesBox.top, varBox.bottom, { state, data, set, result });
  const pairs = wide
    ? { left: leftW + 46, right: w - 6, top: 50, bottom: Math.min(h - 46, 50 + (w - leftW) * 1.2) }
    : { left, right: w - 12, top: 490, bottom: h - 46 };
  drawPairs(s, pairs, { data, result });
}

function drawLines(s, x, { top, bottom }, { data, result, state }) {
  const [low, high] = x.domain, y = linear(data.yRange, [bottom, top]),
    at = (b0, b1, v) => b0 + b1 * (v - result.origin);
  const back = s.layer("back", { "aria-hidden": "true" }), layer = s.layer("lines", { "aria-hidden": "true" });
  axisX(back, x, bottom, { grid: [top, bottom] });
  axisY(back, y, x.range[0], { grid: [x.range[0], x.range[1]] });
  back.text("name", 0, 12, `${data.yName}: a line a school`, { class: "axis-name" });
  const grid = Array.from({ length: 61 }, (_, k) => low + (high - low) * k / 60),
    sd = (v) => Math.sqrt(shiftOrigin(result.T, v - result.origin)[0]);
  const inside = (v) => clamp(v, top, bottom);
  const edge = (way) => grid.map((v) => [x(v), inside(y(at(...result.beta, v) + way * 1.96 * sd(v)))]);
  layer.path("band", [...edge(1), ...edge(-1).reverse()],
    { fill: "var(--model)", "fill-opacity": 0.1, stroke: "none" });
  result.ghosts.forEach(({ intercept, slope }, j) => layer.path(`g${j}`,
    clipped(intercept, slope, result.origin, x.domain, data.yRange)
    .map(([a, b]) => [x(a), y(b)]), { stroke: "var(--data)", "stroke-width": 1, "stroke-dasharray": "2 3" }));
  result.lines.forEach(({ intercept, slope }, j) => {
    layer.path(`l${j}`, clipped(intercept, slope, result.origin, x.domain, data.yRange).map(([a, b]) => [x(a), y(b)]),
      { stroke: "var(--model)", "stroke-width": 1.3, opacity: 0.7 });
    const [a, b] = data.spans[j];
    layer.path(`seen${j}`, clipped(intercept, slope, result.origin, [Math.max(a, low), Math.min(b, high)],
      data.yRange).map(([p, q]) => [x(p), y(q)]), { stroke: "var(--model)", "stroke-width": 2.2 });
    if (intercept < data.yRange[0] || intercept > data.yRange[1]) return;
    layer.circle(`c${j}`, x(state.origin), y(intercept), 3.6, { fill: "var(--model)", stroke: "var(--bg)", "stroke-width": 1 });
  });
  layer.path("fixed", clipped(...result.beta, result.origin, x.domain, data.yRange).map(([a, b]) => [x(a), y(b)]),
    { stroke: "var(--fixed)", "stroke-width": 2.6 });
}

/** The part of a line that lies inside the picture. */
function clipped(intercept, slope, origin, [a, b], [low, high]) {
  const at = (v) => intercept + slope * (v - origin);
  if (Math.abs(slope) > 1e-9) {
    const cuts = [low, high].map((v) => origin + (v - intercept) / slope).sort((p, q) => p - q);
    a = Math.max(a, cuts[0]);
    b = Math.min(b, cuts[1]);
  }
  return a < b ? [[a, at(a)], [b, at(b)]] : [];
}

function drawParabola(s, x, { top, bottom }, { data, result }) {
  const layer = s.layer("parabola", { "aria-hidden": "true" }), [low, high] = x.domain, free = data.T;
  const at = (v) => shiftOrigin(free, v)[0], most = 1.06 * Math.max(at(low), at(high), result.free ? 0 : result.T[0]),
    y = linear([0, most], [bottom, top]);
  axisX(layer, x, bottom, { label: `where ${data.xName} is zero${data.xUnit ? ` (${data.xUnit})` : ""}` });
  axisY(layer, y, x.range[0], { ticks: 3, label: "variance of the intercepts, τ₀₀", labelX: 0 });
  const grid = Array.from({ length: 81 }, (_, k) => low + (high - low) * k / 80), turn = -free[1] / free[2];
  layer.path("curve", grid.map((v) => [x(v), y(at(v))]),
    { stroke: "var(--model)", "stroke-width": 2.4, "stroke-dasharray": result.free ? null : "3 4" });
  if (turn > low && turn < high) {
    layer.line("turn", x(turn), top + 8, x(turn), bottom, { stroke: "var(--muted)", "stroke-dasharray": "2 3" });
    layer.text("turn-name", x(turn), top + 4, `r = 0 at ${num(turn, 2)}`,
      { class: "tick", fill: "var(--muted)", "text-anchor": "middle" });
  }
  layer.circle("now", x(result.origin), y(result.T[0]), 6,
    { fill: "var(--model)", stroke: "var(--bg)", "stroke-width": 1.5 });
  const right = result.origin > turn; // the label stands inside the parabola
  layer.text("now-name", x(result.origin) + (right ? -11 : 11), y(result.T[0]) - 8, num(result.T[0], 1),
    { "text-anchor": right ? "end" : "start", fill: "var(--model-ink)", "font-weight": 650 });
}

/** The origin: a line through both pictures with a handle. */
function drawOrigin(s, x, top, bottom, { state, data, set, result }) {
  const line = s.layer("origin-line", { "aria-hidden": "true" }), layer = s.layer("origin");
  line.line("origin", x(state.origin), top - 14, x(state.origin), bottom,
    { stroke: "var(--focus)", "stroke-width": 2 });
  const [low, high] = data.origins,
    move = (v) => set({ origin: clamp(Number((Math.round(v / data.step) * data.step).toFixed(10)), low, high) });
  layer.handle("origin", {
    x: x(state.origin), y: top - 16, r: 8, fill: "var(--focus)", axis: "x",
    label: `Origin of ${data.xName}`, now: Number(state.origin.toFixed(3)), min: low, max: high,
    text: `${num(state.origin, 2)}: variance ${num(result.T[0], 1)}, correlation ${num(result.correlation, 2)}`,
    drag: (px) => move(x.invert(px)),
    step: (dx, dy, big) => move(state.origin + (dx || dy) * data.step * (big ? 10 : 1)),
  });
}

function drawPairs(s, box, { data, result }) {
  const layer = s.layer("pairs", { "aria-hidden": "true" }), { T, beta, lines } = result;
  const far = Math.max(...data.origins.map((o) => Math.sqrt(shiftOrigin(data.T, o)[0]))),
    reach1 = 3 * Math.sqrt(data.T[2]);
  const reach0 = 2.7 * Math.min(far, Math.max(Math.sqrt(T[0]), 0.45 * far)); // zooms: a narrow ellipse still reads
  const x = linear([beta[0] - reach0, beta[0] + reach0], [box.left, box.right]),
    y = linear([data.slope - reach1, data.slope + reach1], [box.bottom, box.top]);
  axisX(layer, x, box.bottom, { ticks: 4, label: `intercept: ${data.yName} at ${num(result.origin, 2)}` });
  axisY(layer, y, box.left, { ticks: 5, label: "slope", labelX: box.left - 40 });
  layer.line("mid0", x(beta[0]), box.top, x(beta[0]), box.bottom, { stroke: "var(--grid)", "stroke-width": 1.5 });
  layer.line("mid1", box.left, y(beta[1]), box.right, y(beta[1]), { stroke: "var(--grid)", "stroke-width": 1.5 });
  const e = ellipse(T, CHI2), round = Array.from({ length: 73 }, (_, k) => {
    const p = e.a * Math.cos(k * Math.PI / 36), q = e.b * Math.sin(k * Math.PI / 36);
    const c = Math.cos(e.angle), d = Math.sin(e.angle);
    return [x(beta[0] + p * c - q * d), y(beta[1] + p * d + q * c)];
  });
  layer.path("ellipse", round, { stroke: "var(--model)", "stroke-width": 2, fill: "var(--model)",
    "fill-opacity": 0.1 });
  lines.forEach(({ intercept, slope }, j) => layer.circle(`p${j}`, x(intercept), y(slope), 3.6,
    { fill: "var(--model)", stroke: "var(--bg)", "stroke-width": 1 }));
  layer.el("path", "mean", { d: `M${x(beta[0]) - 6} ${y(beta[1])}h12M${x(beta[0])} ${y(beta[1]) - 6}v12`,
    stroke: "var(--fixed)", "stroke-width": 2.5 });
  layer.text("r", box.right, box.top - 14, `correlation ${num(result.correlation, 2)}`,
    { style: "font-size:16px", "font-weight": 650, "text-anchor": "end" });
}

// --- The lab ------------------------------------------------------------------------------------

const signed = (v, digits) => (v > 0 ? "+" : "") + num(v, digits);

export default lab({
  name: "covariance_origin",
  title: "Covariance and origin",
  idea: "An intercept is where a line crosses x = 0. Move zero: the intercepts and all that is said of them change, and no line moves.",
  state: { origin: 0, free: true },
  controls: (ctx) => [
    { key: "origin", type: "range", label: `where ${ctx.data.xName} is zero`, symbol: "c", min: ctx.data.origins[0],
      max: ctx.data.origins[1], step: ctx.data.step, format: (v) => num(v, 2) },
    { key: "free", type: "check", label: "let intercepts and slopes covary (unstructured)" },
  ],
  compute,
  size: (w) => [w, w >= 560 ? 560 : 740],
  draw,
  readouts: (r) => [
    { key: "gamma00", label: "mean intercept", symbol: "γ₀₀", value: r.beta[0], text: num(r.beta[0], 2) },
    { key: "gamma00_se", label: "its standard error", value: r.se[0], text: num(r.se[0], 2) },
    { key: "gamma10", label: "mean slope", symbol: "γ₁₀", value: r.beta[1], text: num(r.beta[1], 2) },
    { key: "tau00", label: "intercept variance", symbol: "τ₀₀", value: r.T[0], text: num(r.T[0], 2), ink: "model" },
    { key: "tau01", label: "covariance", symbol: "τ₀₁", value: r.T[1], text: signed(r.T[1], 2), ink: "model" },
    { key: "tau11", label: "slope variance", symbol: "τ₁₁", value: r.T[2], text: num(r.T[2], 2) },
    { key: "correlation", label: "correlation", symbol: "r", value: r.correlation, text: signed(r.correlation, 2),
      ink: "model" },
    { key: "sigma2", label: "within schools", symbol: "σ²", value: r.sigma2, text: num(r.sigma2, 2) },
    { key: "criterion", label: "criterion of the fit", value: r.criterion, text: num(r.criterion, 3),
      ink: r.free ? "" : "pooled" },
  ],
  says: (r, state, data) => (r.free
    ? `With zero at ${data.xName} = ${num(r.origin, 2)}${data.xUnit ? ` ${data.xUnit}` : ""}, the intercepts have SD ${num(Math.sqrt(r.T[0]), 1)} and correlate ${signed(r.correlation, 2)} with the slopes. The fit is the same at every origin: criterion ${num(r.criterion, 3)}.`
    : `The covariance is held at zero <em>at this origin</em>, and the model is fitted again here: criterion ${num(r.criterion, 3)}, which is ${num(r.excess, 2)} above the model that may covary. Now the lines do move, because this is a different model at each origin; the dotted lines are those of the model that may covary.`),
  table: (r, state, data) => ({
    caption: `Lines of the schools with ${data.xName} measured from ${num(r.origin, 2)}. T = [${r.T.map((v) => num(v, 4)).join(", ")}], γ = [${r.beta.map((v) => num(v, 4)).join(", ")}], criterion ${num(r.criterion, 4)}.`,
    columns: ["school", "intercept", "slope", "u₀", "u₁"],
    rows: r.lines.map((l) => [String(l.label), num(l.intercept, 4), num(l.slope, 4), num(l.u0, 4), num(l.u1, 4)]),
  }),
  describe: (r, state, data) => `${r.lines.length} school lines of ${data.yName} on ${data.xName} with a vertical line at the origin ${num(r.origin, 2)}; below, the variance of the intercepts as a parabola over all origins, now ${num(r.T[0], 1)}; beside, the ellipse of intercepts and slopes, correlation ${num(r.correlation, 2)}. The lines fan out away from ${num(r.turning, 2)}, where the variance is smallest and the correlation zero.`,
  announce: (r) => `Origin ${num(r.origin, 2)}: intercept variance ${num(r.T[0], 1)}, correlation ${num(r.correlation, 2)}, criterion ${num(r.criterion, 2)}.`,
  tries: [
    { try: "Slide the origin from left to right and watch one line. Then watch the ellipse.",
      see: "No line moves. The ellipse tips over: left of the waist, schools with high intercepts have low slopes; right of it, high intercepts go with high slopes. The sign of the correlation says where zero is, not what schools are like." },
    { try: "Find the origin with the smallest intercept variance. What is the correlation there?",
      see: "Zero, at c = −τ₀₁/τ₁₁: the waist of the bundle. The parabola τ₀₀ + 2cτ₀₁ + c²τ₁₁ has its lowest point where the intercepts no longer go with the slopes." },
    { try: "Forbid the covariance, and slide again. Watch the lines and the criterion.",
      see: "The lines move, and the criterion rises away from the waist. The ellipse stands upright because it must, while the schools’ dots still lean. A model without covariance says that the waist is exactly at your zero. That is a claim about schools, and it comes from the choice of an origin." },
  ],
});
