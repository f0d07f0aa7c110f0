// The working correlation (chapter 20): GEE with a correlation that the reader assumes, while the data have another. Estimates
// stay right; a wrong assumption costs precision and makes model-based standard errors wrong; robust ones hold, if clusters are many.
import { lab } from "./frame.js";
import { designOf, drawStudy, exactly, fitGee, rootOf, trueCorrelation, workingAt } from "./gee_fits.js";
import { random, normalQuantile, tQuantile } from "./numerics.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const MOST = 5000, FRAME = 11;
const WORKING = [["independence", "independence"], ["exchangeable", "exchangeable"], ["ar1", "AR(1)"]], TRUTH = [["exchangeable", "exchangeable: all alike"], ["ar1", "AR(1): fades"], ["mixed", "half lasts, half fades"]];
const PREDICTORS = [["onoff", "on or off, wave by wave"], ["time", "time"], ["dropout", "time, and clusters leave"]];
const TERMS = [["treatment", "the treatment of whole clusters"], ["within", "the predictor within clusters"]];
export const KINDS = [{ key: "model", name: "model-based", short: "model", color: "pooled" }, { key: "robust", name: "robust", short: "robust", color: "good" }, { key: "corrected", name: "Mancl-DeRouen", short: "M-D", color: "unpooled" }];
const nameOf = (list, key) => list.find(([k]) => k === key)[1];

// --- Numbers ------------------------------------------------------------------------------------

function compute(state, _, memory) {
  const { truth, rho, corr, predictor, J, m, t, seed } = state, frame = JSON.stringify([truth, rho, predictor, J, m]), world = JSON.stringify([frame, corr, seed]);
  if (memory.frame !== frame) {
    const design = designOf(state), best = exactly(design, state, "truth");
    Object.assign(memory, { frame, design, root: rootOf(truth, rho, m), best, exact: WORKING.map(([key]) => exactly(design, state, key, best)) });
  }
  const { design, root } = memory;
  if (memory.world !== world) {
    const y = drawStudy(design, root, (j) => random(seed * 1009 + j));
    Object.assign(memory, { world, y, fit: fitGee(design, y, corr), rng: random(seed * 7919 + 1), runs: [], failed: 0 });
  }
  const wanted = Math.min(MOST, state.studies), stop = performance.now() + FRAME;
  while (memory.runs.length + memory.failed < wanted) {
    const run = fitGee(design, drawStudy(design, root, () => memory.rng), corr, 1e-8);
    if (run) memory.runs.push(run); else memory.failed++;
    if (performance.now() > stop) break;
  }
  const { runs, failed } = memory, count = runs.length, limit = t ? tQuantile(0.975, J - 3) : normalQuantile(0.975);
  const alarms = KINDS.map(({ key }) => [0, 1].map((k) => runs.reduce((s, r) => s + (Math.abs(r.b[k]) > limit * r[key][k] ? 1 : 0), 0) / count));
  return { design, y: memory.y, fit: memory.fit, exact: memory.exact, own: memory.exact.find((e) => e.corr === corr), best: memory.best, runs, failed, count,
    pending: count + failed < wanted, limit, alarms, spread: [0, 1].map((k) => Math.sqrt(runs.reduce((s, r) => s + r.b[k] ** 2, 0) / count)) };
}

// --- The picture --------------------------------------------------------------------------------

const ROW = 27, GAP = 48, SIDE = 150, BLOCKS = 24 + 6 * ROW + GAP;
const layout = (w) => {
  const wide = w >= 480, half = wide ? (w - 40) / 2 : w, lag = { x: 38, y: 50, w: half - 44 }, lines = { x: wide ? half + 74 : 38, y: wide ? 50 : 50 + SIDE + 84, w: half - 44 };
  const ses = lines.y + SIDE + 96, alarms = ses + BLOCKS + 70;
  return { wide, lag, lines, ses, alarms, h: alarms + BLOCKS + 28 };
};
const percent = (v) => `${num(100 * v, v > 0 && v < 0.0995 ? 1 : 0)} %`;

function draw({ s, w, state, result: r, set, redraw }) {
  if (r.pending) redraw();
  const at = layout(w);
  drawLags(s, at.lag, { state, r, set });
  drawClusters(s, at.lines, { state, r });
  drawErrors(s, w, at, { state, r });
  drawAlarms(s, w, at, r);
}

/** Correlation by distance: the truth as dots, what is assumed as a line; drag the truth. */
function drawLags(s, box, { state, r, set }) {
  const layer = s.layer("lags", { "aria-hidden": "true" }), bottom = box.y + SIDE, lags = Array.from({ length: state.m - 1 }, (_, k) => k + 1), a = r.fit?.a ?? NaN;
  const x = linear([0.6, Math.max(2.4, state.m - 0.6)], [box.x, box.x + box.w]), y = linear([-0.1, 1], [bottom, box.y]), shown = lags.map((d) => clamp(workingAt(state.corr, a, d), -0.1, 1));
  layer.text("name", 0, 14, "correlation by distance", { "font-weight": 650 });
  layer.text("true-key", 0, 34, "● true", { fill: "var(--fixed-ink)", "font-weight": 650 });
  layer.text("work-key", 56, 34, `━ working${state.corr === "independence" ? "" : `, estimated ${num(a, 2)}`}`, { fill: "var(--model-ink)", "font-weight": 650 });
  axisX(layer, x, bottom, { values: lags, label: "waves apart", format: (v) => num(v, 0) });
  axisY(layer, y, box.x, { values: [0, 0.5, 1], format: (v) => num(v, 1), label: "", grid: [box.x, box.x + box.w] });
  if (r.fit) layer.path("working", lags.map((d, k) => [x(d), y(shown[k])]), { stroke: "var(--model)", "stroke-width": 3 });
  if (r.fit) lags.forEach((d, k) => layer.circle(`work${d}`, x(d), y(shown[k]), 3.4, { fill: "var(--model)" }));
  lags.forEach((d) => layer.circle(`true${d}`, x(d), y(trueCorrelation(state.truth, state.rho, d)), 5, { fill: "var(--fixed)", "fill-opacity": 0.85, stroke: "var(--bg)", "stroke-width": 1 }));
  const to = (v) => set({ rho: Number(clamp(v, 0, 0.9).toFixed(2)) });
  s.layer("points").handle("rho", {
    x: x(1), y: y(state.rho), r: 7, fill: "var(--fixed)", axis: "y", label: "True correlation of neighboring waves", now: state.rho, min: 0, max: 0.9,
    text: `${num(state.rho, 2)}: the working correlation keeps ${num(100 * r.own.kept[0], 0)} percent of the precision of the treatment and ${num(100 * r.own.kept[1], 0)} of the predictor`,
    drag: (px, py) => to(y.invert(py)), step: (dx, dy, big) => to(state.rho + (dx + dy) * (big ? 0.2 : 0.05)), edge: (way) => to(way < 0 ? 0 : 0.9),
  });
}

/** The first clusters of the study. */
function drawClusters(s, box, { state, r }) {
  const layer = s.layer("clusters", { "aria-hidden": "true" }), bottom = box.y + SIDE, shown = r.y.slice(0, 10), x = linear([1, state.m], [box.x + 4, box.x + box.w - 4]);
  const far = Math.max(2.5, ...shown.flat().map(Math.abs)), y = linear([-far, far], [bottom, box.y]), on = state.predictor === "onoff";
  layer.text("name", box.x - 38, box.y - 36, `${shown.length} of ${state.J} clusters`, { "font-weight": 650 });
  layer.text("control", box.x - 38, box.y - 16, "━ control", { fill: "var(--data-ink)", "font-weight": 650 });
  layer.text("treated", box.x + 36, box.y - 16, `━ treated${on ? "   ● on" : ""}`, { fill: "var(--purple)", "font-weight": 650 });
  axisX(layer, x, bottom, { values: Array.from({ length: state.m }, (_, k) => k + 1), label: "wave", format: (v) => num(v, 0) });
  axisY(layer, y, box.x, { values: [-2, 0, 2], label: "", format: (v) => num(v, 0) });
  shown.forEach((own, j) => {
    const color = j % 2 ? "var(--purple)" : "var(--data)";
    layer.path(`line${j}`, own.map((v, i) => [x(i + 1), y(v)]), { stroke: color, "stroke-width": 1.6, opacity: 0.85 });
    own.forEach((v, i) => { if (on ? r.design[j][i][2] : i === own.length - 1) layer.circle(`dot${j}-${i}`, x(i + 1), y(v), 3, { fill: color }); });
  });
}

/** Rows of two blocks, one a coefficient, with titles. */
const rowY = (top, block, i) => top + 24 + block * (3 * ROW + GAP) + ROW * (i + 0.5);

/** For each working correlation: the true standard error, and what the three estimates come to on average. */
function drawErrors(s, w, at, { state, r }) {
  const layer = s.layer("errors", { "aria-hidden": "true" }), left = at.wide ? 112 : 96, right = w - 58, small = !at.wide;
  layer.text("name", 0, at.ses - 36, small ? "Standard errors, on average" : "Standard errors with this working correlation, on average", { "font-weight": 650 });
  [["┃ true", "fixed"], ["● model-based", "pooled"], ["◆ robust", "good"], [small ? "▲ M-D" : "▲ Mancl-DeRouen", "unpooled"]].forEach(([text, color], i) =>
    layer.text(`key${i}`, small ? [0, 50, 156, 234][i] : [0, 58, 168, 250][i], at.ses - 16, text, { class: "label tick", fill: `var(--${color}-ink)`, "font-weight": 650 }));
  TERMS.forEach(([key, title], block) => {
    const most = 1.1 * Math.max(...r.exact.flatMap((e) => [e.truly, e.model, e.robust, e.corrected].map((v) => v[block]))), x = linear([0, most], [left, right]);
    layer.text(`${key}-title`, 0, rowY(at.ses, block, 0) - 22, small ? title.replace("the ", "") : title, { fill: "var(--fg)" });
    if (!block) layer.text("kept", w, rowY(at.ses, 0, 0) - 22, "precision kept", { class: "label tick", fill: "var(--muted)", "text-anchor": "end" });
    r.exact.forEach((e, i) => {
      const y = rowY(at.ses, block, i), mine = e.corr === state.corr, id = `${key}-${e.corr}`;
      if (mine) layer.rect(`${id}-band`, 0, y - ROW / 2, w, ROW, { fill: "var(--model)", opacity: 0.12 });
      layer.text(`${id}-name`, 4, y + 4, WORKING[i][1], { class: "label tick", fill: mine ? "var(--model-ink)" : "var(--muted)", "font-weight": mine ? 700 : 400 });
      layer.line(`${id}-rail`, left, y, right, y, { stroke: "var(--grid)" });
      layer.line(`${id}-true`, x(e.truly[block]), y - 11, x(e.truly[block]), y + 11, { stroke: "var(--fixed)", "stroke-width": 3 });
      const dim = mine ? 1 : 0.5, cx = x(e.robust[block]), tx = x(e.corrected[block]);
      layer.circle(`${id}-model`, x(e.model[block]), y, 5, { fill: "var(--pooled)", opacity: dim });
      layer.el("path", `${id}-robust`, { d: `M${num(cx, 1)} ${y - 6}l6 6l-6 6l-6 -6z`, fill: "var(--good)", opacity: dim });
      layer.el("path", `${id}-corrected`, { d: `M${num(tx, 1)} ${y - 6}l6 11h-12z`, fill: "var(--unpooled)", opacity: dim });
      layer.text(`${id}-kept`, w, y + 4, percent(e.kept[block]), { class: "label tick", "text-anchor": "end", "font-weight": mine ? 700 : 400 });
    });
    axisX(s.layer(`errors-axis${block}`, { "aria-hidden": "true" }), x, rowY(at.ses, block, 2) + ROW / 2, { ticks: 4, format: (v) => num(v, most < 0.06 ? 3 : most < 0.25 ? 2 : 1) });
  });
}

/** How often each standard error finds an effect that is not there. */
function drawAlarms(s, w, at, { alarms, count }) {
  const layer = s.layer("alarms", { "aria-hidden": "true" }), left = 116, right = w - 52, all = count ? alarms.flat() : [0], most = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1].find((v) => v >= 1.02 * Math.max(...all)) ?? 1;
  const x = linear([0, most], [left, right]), half = count ? 1.96 * Math.sqrt(0.05 * 0.95 / count) : 0;
  layer.text("name", 0, at.alarms - 12, count ? `False alarms in ${count} studies${at.wide ? " without any effect" : ""}` : "False alarms: draw studies", { "font-weight": 650 });
  TERMS.forEach(([key, title], block) => {
    const top = rowY(at.alarms, block, 0) - ROW / 2, bottom = rowY(at.alarms, block, 2) + ROW / 2;
    layer.text(`${key}-title`, 0, top - 9, at.wide ? title : title.replace("the ", ""), { fill: "var(--fg)" });
    if (half) layer.rect(`${key}-luck`, x(Math.max(0, 0.05 - half)), top, x(0.05 + half) - x(Math.max(0, 0.05 - half)), bottom - top, { fill: "var(--data)", "fill-opacity": 0.18 });
    KINDS.forEach((kind, i) => {
      const y = rowY(at.alarms, block, i), rate = alarms[i][block], id = `${key}-${kind.key}`;
      layer.text(`${id}-name`, 4, y + 4, kind.name, { class: "label tick", fill: `var(--${kind.color}-ink)`, "font-weight": 650 });
      if (!count) return;
      layer.rect(`${id}-bar`, x(0), y - 6, x(Math.min(most, rate)) - x(0), 12, { fill: `var(--${kind.color})`, opacity: 0.85 });
      layer.text(`${id}-rate`, w, y + 4, percent(rate), { class: "label tick", "text-anchor": "end", "font-weight": 700, fill: rate > 0.05 + half ? "var(--miss)" : "var(--fg)" });
    });
    layer.line(`${key}-nominal`, x(0.05), top, x(0.05), bottom, { stroke: "var(--fixed)", "stroke-width": 1.5, "stroke-dasharray": "5 4" });
  });
  axisX(layer, x, rowY(at.alarms, 1, 2) + ROW / 2, { values: [0.05, ...(most > 0.1 ? [most / 2] : []), most], format: (v) => `${num(100 * v, 0)} %` });
}

// --- The lab ------------------------------------------------------------------------------------

function says(r, st) {
  const e = r.own, ratio = (k) => e.model[k] / e.truly[k], off = (v) => (v > 1.02 ? `${num(100 * (v - 1), 0)} % too large` : v < 0.98 ? `${num(100 * (1 - v), 0)} % too small` : "about right");
  const short = [0, 1].map((k) => 100 * (1 - e.robust[k] / e.truly[k])), robust = Math.max(...short) < 2 ? `With ${st.J} clusters the robust ones are right to 2 %.` : `The robust ones are ${num(short[0], 0)} and ${num(short[1], 0)} % too small, because there are only ${st.J} clusters.`;
  const bad = r.fit ? "" : " In the study shown the estimated correlation was no correlation, and there is no fit: choose a simpler one.";
  return `Nothing here has an effect. With working ${nameOf(WORKING, st.corr)} the model-based standard error is ${off(ratio(0))} for the treatment and ${off(ratio(1))} for the predictor within. ${robust} Of the precision that the true correlation would give, ${percent(e.kept[0])} and <strong>${percent(e.kept[1])}</strong> are kept.${bad}${r.failed ? ` ${r.failed} studies had no solution.` : ""}`;
}

const range = (key, label, symbol, min, max, step, digits = 0) => ({ key, type: "range", label, symbol, min, max, step, format: (v) => num(v, digits) });
const fitted = (r, key, k) => (r.fit ? (key === "b" ? r.fit.b : r.fit[key])[k] : NaN);

export default lab({
  name: "working_correlation",
  title: "Working correlation",
  idea: "Estimating equations ask you for a correlation and forgive you a wrong one. See what the forgiveness costs, and how many clusters it needs.",
  state: { truth: "ar1", rho: 0.8, corr: "independence", predictor: "onoff", J: 20, m: 6, t: false, seed: 4, studies: 200 },
  controls: [
    { key: "corr", type: "select", lead: true, label: "Working correlation", options: WORKING },
    { key: "truth", type: "select", lead: true, label: "True correlation", options: TRUTH },
    { type: "button", id: "sample", lead: true, label: "New study", press: (ctx) => ctx.set({ seed: ctx.state.seed % 1e6 + 1 }) },
    { type: "button", id: "more", lead: true, main: false, label: "Draw 200 studies", press: (ctx) => ctx.set({ studies: Math.min(MOST, ctx.state.studies + 200) }) },
    range("rho", "true correlation of neighbors", "ρ", 0, 0.9, 0.05, 2),
    { key: "predictor", type: "select", label: "Predictor within clusters", options: PREDICTORS },
    range("J", "clusters", "J", 6, 100, 1), range("m", "waves", "", 3, 10, 1),
    { key: "t", type: "check", label: "test by <i>t</i> with <i>J</i> − 3 degrees of freedom (else normal)" },
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r) => [
    ...TERMS.flatMap(([key], k) => [
      { key: `${key}_estimate`, label: k ? "predictor, this study" : "treatment, this study", value: fitted(r, "b", k), text: num(fitted(r, "b", k), 3) },
      ...KINDS.map((kind) => ({ key: `${key}_${kind.key}`, label: `its ${kind.name} SE`, value: fitted(r, kind.key, k), text: num(fitted(r, kind.key, k), 3), ink: kind.color })),
      { key: `${key}_true`, label: "true SE", value: r.own.truly[k], text: num(r.own.truly[k], 3) },
      { key: `${key}_kept`, label: "precision kept", value: r.own.kept[k], text: percent(r.own.kept[k]), ink: "model" },
    ]),
    { key: "alpha", label: "correlation, estimated", symbol: "<span class=\"hat\">α</span>", value: r.fit ? r.fit.a : NaN, text: num(r.fit ? r.fit.a : NaN, 3), ink: "model" },
    { key: "alpha_long", label: "with very many clusters", symbol: "α", value: r.own.a, text: num(r.own.a, 3) },
    { key: "studies", label: "studies drawn", value: r.count, text: String(r.count) },
    ...KINDS.flatMap((kind, i) => TERMS.map(([key], k) => ({ key: `alarm_${key}_${kind.key}`, label: `alarms, ${k ? "within" : "treatment"}, ${kind.short}`, value: r.alarms[i][k], text: r.count ? percent(r.alarms[i][k]) : "–", ink: kind.color }))),
  ],
  says,
  table: (r, st) => ({
    caption: `${st.J} clusters, ${st.m} waves, true correlation ${nameOf(TRUTH, st.truth)}, ρ = ${num(st.rho, 2)}. This study with working ${nameOf(WORKING, st.corr)}: ${TERMS.map(([key], k) => `${key} ${num(fitted(r, "b", k), 4)} (${KINDS.map((kind) => `${kind.name} ${num(fitted(r, kind.key, k), 4)}`).join(", ")})`).join("; ")}. The rows: on average, exactly, with α as it is with very many clusters.`,
    columns: ["working correlation", "of", "α", "true SE", ...KINDS.map((kind) => kind.name), "precision kept"],
    rows: TERMS.flatMap(([key], k) => r.exact.map((e, i) => [WORKING[i][1], key, num(e.a, 4), num(e.truly[k], 4), num(e.model[k], 4), num(e.robust[k], 4), num(e.corrected[k], 4), percent(e.kept[k])])),
  }),
  describe: (r, st) => `Top, the true correlation of waves by their distance, ${num(st.rho, 2)} for neighbors, and the working correlation ${nameOf(WORKING, st.corr)}; beside, ten of ${st.J} clusters over ${st.m} waves. Middle, standard errors on average. ${TERMS.map(([key], k) => `Of ${key}: true ${num(r.own.truly[k], 3)}, model-based ${num(r.own.model[k], 3)}, robust ${num(r.own.robust[k], 3)}, Mancl-DeRouen ${num(r.own.corrected[k], 3)}, ${percent(r.own.kept[k])} of the precision kept`).join(". ")}. Below, false alarms in ${r.count} studies: ${TERMS.map(([key], k) => `${key} ${KINDS.map((kind, i) => `${kind.name} ${percent(r.alarms[i][k])}`).join(", ")}`).join("; ")}.`,
  announce: (r, st) => `Working ${nameOf(WORKING, st.corr)}, true rho ${num(st.rho, 2)}, ${st.J} clusters. Precision kept: treatment ${percent(r.own.kept[0])}, predictor ${percent(r.own.kept[1])}. ${r.count} studies; false alarms for the treatment: ${KINDS.map((kind, i) => `${kind.name} ${percent(r.alarms[i][0])}`).join(", ")}.`,
  tries: [
    { try: "Go through the three working correlations. Whose estimate suffers from a wrong one, that of the treatment or that of the predictor?",
      see: "The treatment hardly: it keeps 94 % of its precision under any of them, since with as many waves in each cluster its estimate is close to a difference of means. The predictor that goes on and off keeps 29 % under independence, 63 % under exchangeable and all under AR(1), the truth. Independence compares waves of different clusters as gladly as neighbors of one cluster, and pays for all that differs between them: it would need more than three times the clusters." },
    { try: "Look at the orange dots with independence, and at the orange bars. In which direction is the model-based standard error wrong?",
      see: "In both. For the treatment it is half of what it should be, and about one study in three finds an effect where there is none. For the predictor within it is 7 % too large, and alarms are too rare. The robust standard errors are near the truth whatever is assumed." },
    { try: "Take 8 clusters, then 100. What do the green bars do, and what do the blue ones?",
      see: "With 8 clusters robust standard errors are some 15 % too small on average, and they alarm in about 14 % of the studies. Mancl and DeRouen’s correction brings that to about 6 %, with standard errors that are too large on average but vary a lot; with <i>t</i> it is too careful. With 100 clusters the two are one, near 5 %. With 20, where the lab opens, robust alarms are 7 to 8 %." },
  ],
});
