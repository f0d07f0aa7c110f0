// What residuals remember (chapter 14): V = Z T Z' + R as a picture of correlations and by lag. A random intercept never
// forgets, AR(1) forgets all, both forget down to a floor; and what a random intercept alone would claim in their place.
import { lab } from "./frame.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const LIMITS = { tau00: [0, 4], tau11: [0, 0.2], sigma2: [0.2, 3], phi: [-0.5, 0.95], m: [4, 16] };

// --- Numbers ------------------------------------------------------------------------------------

export function compute({ tau00, tau11, sigma2, phi, m }) {
  const waves = Array.from({ length: m }, (_, k) => k);
  const V = waves.map((a) => waves.map((b) => tau00 + tau11 * a * b + sigma2 * phi ** Math.abs(a - b)));
  const R = V.map((row, a) => row.map((v, b) => v / Math.sqrt(V[a][a] * V[b][b])));
  const total = tau00 + sigma2, level = (d) => (tau00 + sigma2 * phi ** d) / total;
  // what a random intercept would be in a large study: the mean variance and the mean covariance
  const trace = waves.reduce((s, a) => s + V[a][a], 0), all = V.flat().reduce((s, v) => s + v, 0);
  const common = Math.max(0, (all - trace) / (m * (m - 1))), own = trace / m - common;
  const ratio = (x) => {
    const xx = x.reduce((s, v) => s + v * v, 0), spread = x.reduce((s, a, i) => s + a * x.reduce((q, b, k) => q + V[i][k] * b, 0), 0);
    return Math.sqrt(own * xx / spread);
  };
  const centered = (x) => { const mid = x.reduce((s, v) => s + v, 0) / m; return x.map((v) => v - mid); };
  const slow = centered(waves.map((a) => Math.cos(Math.PI * (a + 0.5) / m * 2))), fast = centered(waves.map((a) => (a % 2 ? 1 : -1)));
  return { m, waves, V, R, level, trend: centered(waves), floor: tau00 / total, lag1: level(1), common, own, slow, fast, slowRatio: ratio(slow), fastRatio: ratio(fast),
    trendRatio: ratio(centered(waves)), first: R[0][1], far: R[0][m - 1], still: tau11 === 0 };
}

// --- The picture --------------------------------------------------------------------------------

const layout = (w) => {
  const wide = w >= 460, side = wide ? Math.min(260, w * 0.48) : Math.min(270, w - 20), lag = wide ? { x: side + 62, y: 40, w: w - side - 72, h: side - 34 } : { x: 44, y: side + 86, w: w - 56, h: 170 };
  const bars = wide ? side + 92 : lag.y + lag.h + 84;
  return { side, lag, bars, h: bars + 170 };
};

function draw({ s, w, state, result: r, set }) {
  const at = layout(w);
  drawMatrix(s, at.side, r);
  drawLags(s, w, at.lag, { r, state, set });
  drawRatios(s, w, at.bars, r);
}

function drawMatrix(s, side, r) {
  const layer = s.layer("matrix", { "aria-hidden": "true" }), cell = (side - 22) / r.m, top = 40, left = 20;
  layer.text("name", 0, 14, "correlation of waves", { "font-weight": 650 });
  r.waves.forEach((a) => {
    if (r.m <= 10 || a % 2 === 0) layer.text(`c${a}`, left + (a + 0.5) * cell, top - 6, String(a + 1), { class: "tick", fill: "var(--muted)", "text-anchor": "middle" });
    if (r.m <= 10 || a % 2 === 0) layer.text(`r${a}`, left - 6, top + (a + 0.5) * cell + 4, String(a + 1), { class: "tick", fill: "var(--muted)", "text-anchor": "end" });
    r.waves.forEach((b) => {
      const v = r.R[a][b];
      layer.rect(`x${a}-${b}`, left + b * cell, top + a * cell, cell - 1, cell - 1,
        { fill: `color-mix(in srgb, var(${v < 0 ? "--unpooled" : "--model"}) ${num(100 * Math.min(1, Math.abs(v)) * 0.72, 1).replace("\u2212", "-")}%, var(--bg))`, stroke: "var(--grid)", "stroke-width": 0.5 });
      if (cell >= 25) layer.text(`t${a}-${b}`, left + (b + 0.5) * cell - 0.5, top + (a + 0.5) * cell + 4, num(v, 2).replace(/^(\u2212?)0\./, "$1.").replace("1.00", "1"), { class: "tick", style: "font-size:11px", fill: "var(--fg)", "text-anchor": "middle" });
    });
  });
}

/** Correlation by lag: every pair of waves as a dot; the curve is that of a random intercept and AR(1) alone. */
function drawLags(s, w, box, { r, state, set }) {
  const layer = s.layer("lags", { "aria-hidden": "true" }), handles = s.layer("points"), bottom = box.y + box.h;
  const x = linear([0, r.m - 1], [box.x, box.x + box.w]), low = Math.min(0, ...r.R.flat(), r.level(1)) < -0.005 ? -0.5 : 0, y = linear([low, 1], [bottom, box.y]);
  layer.text("name", box.x - 34, box.y - 26, "by lag", { "font-weight": 650 });
  axisX(layer, x, bottom, { values: r.waves.filter((d) => r.m <= 8 || d % 2 === 0), label: "waves apart" });
  axisY(layer, y, box.x, { values: low ? [-0.5, 0, 0.5, 1] : [0, 0.5, 1], label: "" });
  layer.line("floor", x(0), y(r.floor), x(r.m - 1), y(r.floor), { stroke: "var(--muted)", "stroke-dasharray": "4 4" });
  layer.text("floor-name", x(r.m - 1) - 14, y(r.floor) + (r.floor > 0.12 ? 18 : -10), `floor ${num(r.floor, 2)}`, { class: "label tick", fill: "var(--muted)", "text-anchor": "end" });
  if (low) layer.line("zero", x(0), y(0), x(r.m - 1), y(0), { stroke: "var(--axis)" });
  r.waves.forEach((a) => r.waves.forEach((b) => { if (b > a) layer.circle(`d${a}-${b}`, x(b - a), y(r.R[a][b]), 3, { fill: "var(--data)", "fill-opacity": 0.7 }); }));
  layer.path("curve", r.waves.map((d) => [x(d), y(r.level(d))]), { stroke: "var(--model)", "stroke-dasharray": r.still ? null : "5 4" });
  const { tau00, sigma2, phi } = state, toPhi = (v) => set({ phi: round(clamp(v, ...LIMITS.phi)) }), toTau = (v) => set({ tau00: round(clamp(v, ...LIMITS.tau00)) });
  handles.handle("lag1", {
    x: x(1), y: y(r.lag1), r: 7, fill: "var(--model)", axis: "y", label: "Correlation of neighbors, by phi", now: phi, min: LIMITS.phi[0], max: LIMITS.phi[1],
    text: `phi ${num(phi, 2)}: correlation ${num(r.lag1, 2)}`, drag: (px, py) => toPhi((y.invert(py) * (tau00 + sigma2) - tau00) / sigma2),
    step: (dx, dy, big) => toPhi(phi + (dx + dy) * (big ? 0.1 : 0.01)), edge: (way) => toPhi(LIMITS.phi[way < 0 ? 0 : 1]),
  });
  handles.handle("floor", {
    x: x(r.m - 1), y: y(r.floor), r: 7, fill: "var(--fg)", axis: "y", label: "Floor of the correlation, by the variance of intercepts", now: tau00, min: 0, max: LIMITS.tau00[1],
    text: `variance ${num(tau00, 2)}: floor ${num(r.floor, 2)}`, drag: (px, py) => { const f = clamp(y.invert(py), 0, 0.95); toTau(sigma2 * f / (1 - f)); },
    step: (dx, dy, big) => toTau(tau00 + (dx + dy) * (big ? 0.2 : 0.02)), edge: (way) => toTau(LIMITS.tau00[way < 0 ? 0 : 1]),
  });
}

const round = (v) => Number(v.toFixed(2));

/** What a random intercept alone claims, as a share of the standard error that its estimate really has. */
function drawRatios(s, w, top, r) {
  const layer = s.layer("ratios", { "aria-hidden": "true" }), left = 104, x = linear([0, 2], [left, w - 12]);
  layer.text("name", 0, top, w >= 460 ? "SE that a random intercept alone claims, over the real one" : "SE a random intercept claims / the real one", { "font-weight": 650 });
  [["trend", r.trend, r.trendRatio], ["wave", r.slow, r.slowRatio], ["zigzag", r.fast, r.fastRatio]].forEach(([name, values, ratio], k) => {
    const y = top + 32 + k * 34, most = Math.max(...values.map(Math.abs)), reach = Math.min(ratio, 2);
    layer.text(`n${name}`, 0, y + 4, name);
    layer.path(`p${name}`, values.map((v, i) => [50 + 42 * i / (r.m - 1), y - 9 * v / most]), { stroke: "var(--fg)", "stroke-width": 1.6 });
    layer.rect(`b${name}`, x(Math.min(1, reach)), y - 9, Math.abs(x(reach) - x(1)), 18, { fill: ratio < 1 ? "var(--pooled)" : "var(--unpooled)" });
    const right = ratio >= 1;
    layer.text(`t${name}`, x(reach) + (right && reach < 1.8 ? 6 : -6), y + 5, `× ${num(ratio, 2)}`, { "text-anchor": right && reach < 1.8 ? "start" : "end", "font-weight": 650 });
  });
  layer.line("one", x(1), top + 14, x(1), top + 126, { stroke: "var(--fg)", "stroke-width": 1.6 });
  axisX(layer, x, top + 126, { values: [0, 0.5, 1, 1.5, 2] });
}

// --- The lab ------------------------------------------------------------------------------------

const range = (key, label, symbol, step, digits) => ({ key, type: "range", label, symbol, min: LIMITS[key][0], max: LIMITS[key][1], step, format: (v) => num(v, digits) });
const preset = (id, label, patch) => ({ type: "button", id, main: false, label, press: (ctx) => ctx.set(patch) });

function says(r, st) {
  const memory = st.phi > 0.005 ? "errors remember" : st.phi < -0.005 ? "errors swing back" : "errors forget at once";
  const shape = !r.still ? "Slopes that differ make late waves more alike than early ones" : st.phi === 0 ? "Any two waves are equally alike" : st.tau00 > 0 ? `Likeness falls from ${num(r.lag1, 2)} to a floor of <strong>${num(r.floor, 2)}</strong>` : "Likeness falls toward nothing";
  const off = (v) => (Math.abs(v - 1) < 0.005 ? "the real one" : `<strong>${num(v, 2)}</strong> of the real one`);
  return `${shape}; ${memory}. A model with a random intercept alone would find a correlation of ${num(r.common / (r.common + r.own), 2)} everywhere. The standard error that it claims is ${off(r.trendRatio)} for a trend, and ${off(r.fastRatio)} for a predictor that swings with every wave.`;
}

export default lab({
  name: "residual_memory",
  title: "What residuals remember",
  idea: "A random intercept never forgets; AR(1) forgets all; the two together forget down to a floor. Drag the correlation of neighbors and the floor, and see who pays if the model has the intercept only.",
  state: { tau00: 1, tau11: 0, sigma2: 1, phi: 0.6, m: 8 },
  controls: [
    range("tau00", "variance of intercepts", "τ₀₀", 0.02, 2), range("phi", "correlation of neighboring errors", "φ", 0.01, 2), range("sigma2", "variance of errors", "σ<sup>2</sup>", 0.05, 2),
    range("tau11", "variance of slopes a wave", "τ₁₁", 0.005, 3), range("m", "waves", "m", 1, 0),
    preset("intercept", "Random intercept", { tau00: 1, tau11: 0, sigma2: 1, phi: 0 }), preset("slope", "Random slope", { tau00: 1, tau11: 0.05, sigma2: 1, phi: 0 }),
    preset("ar1", "AR(1)", { tau00: 0, tau11: 0, sigma2: 1, phi: 0.6 }), preset("both", "Intercept and AR(1)", { tau00: 1, tau11: 0, sigma2: 1, phi: 0.6 }),
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r) => [
    { key: "first", label: "waves 1 and 2", value: r.first, text: num(r.first, 3), ink: "model" },
    { key: "far", label: `waves 1 and ${r.m}`, value: r.far, text: num(r.far, 3), ink: "model" },
    { key: "floor", label: "floor", symbol: "τ₀₀/(τ₀₀+σ²)", value: r.floor, text: num(r.floor, 3) },
    { key: "common", label: "intercept alone: variance found", value: r.common, text: num(r.common, 3), ink: "pooled" },
    { key: "own", label: "and of errors", value: r.own, text: num(r.own, 3), ink: "pooled" },
    { key: "trend", label: "its SE, a trend", value: r.trendRatio, text: `× ${num(r.trendRatio, 3)}`, ink: "pooled" },
    { key: "slow", label: "its SE, a slow wave", value: r.slowRatio, text: `× ${num(r.slowRatio, 3)}`, ink: "pooled" },
    { key: "fast", label: "its SE, a zigzag", value: r.fastRatio, text: `× ${num(r.fastRatio, 3)}`, ink: "pooled" },
  ],
  says,
  table: (r) => ({
    caption: `Correlations of ${r.m} waves. In their place a random intercept alone has the variance ${num(r.common, 4)}, with errors of variance ${num(r.own, 4)}; it claims ${num(r.slowRatio, 3)} of the real standard error for a slow wave, ${num(r.trendRatio, 3)} for a trend, ${num(r.fastRatio, 3)} for a zigzag.`,
    columns: ["wave", "variance", ...r.waves.map((a) => String(a + 1))],
    rows: r.waves.map((a) => [String(a + 1), num(r.V[a][a], 4), ...r.R[a].map((v) => num(v, 4))]),
  }),
  describe: (r) => `A square of ${r.m} by ${r.m} correlations of waves, the darker the higher: ${num(r.first, 2)} between waves 1 and 2, ${num(r.far, 2)} between waves 1 and ${r.m}. Beside it the correlations by lag, falling toward a floor of ${num(r.floor, 2)}. Below, bars of the standard error that a random intercept alone would claim: ${num(r.trendRatio, 2)} of the real one for a trend, ${num(r.slowRatio, 2)} for a slow wave, ${num(r.fastRatio, 2)} for a zigzag.`,
  announce: (r, st) => `Intercept variance ${num(st.tau00, 2)}, phi ${num(st.phi, 2)}: neighbors ${num(r.first, 2)}, farthest ${num(r.far, 2)}, floor ${num(r.floor, 2)}. Claimed standard errors: trend ${num(r.trendRatio, 2)}, wave ${num(r.slowRatio, 2)}, zigzag ${num(r.fastRatio, 2)}.`,
  tries: [
    { try: "Press the four buttons one after another, and look at the square only. Which could you tell apart with 4 waves?",
      see: "One shade; a fan that darkens toward the last waves; a bright diagonal that fades; one that fades to a floor. With 4 waves the last two hardly differ: whether there is a floor is seen at lags that the study does not have." },
    { try: "Press AR(1). Go from 4 waves to 16, and watch the bars.",
      see: "For a trend the random intercept claims 0.78 of the real standard error, and with 16 waves 0.56. For one cycle of a wave, which is not slow with 4 waves, the claim falls from 1.10 to 0.62. For a zigzag it claims too much, 1.24 and then 1.73: neighbors cancel what they share. The mares’ cosine is a slow wave, over almost thirty days." },
    { try: "Set φ to 0, and drag the floor from bottom to top.",
      see: "Nothing happens to the bars: they stay at 1, because the model is right, however large the intercepts’ variance. Likeness does no harm. Likeness of a kind that the model does not have does." },
  ],
});
