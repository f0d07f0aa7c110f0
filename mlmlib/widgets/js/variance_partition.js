// Variance partition (chapter 11): tests in children in schools as nested boxes whose areas are variances. Leave a level
// out of the model: its variance moves to its neighbors, and the predictors that live on it look surer than they are.
import { lab } from "./frame.js";
import { axisX, clamp, linear, num } from "./svg.js";
import { chiSquares, estimatedShares, falseAlarms, leaveOut, strata } from "./three_strata.js";

const LEVELS = ["school", "child", "test"], STUDIES = 1000;
const MANY = { school: "schools", child: "children", test: "tests" };
const INK = { school: "var(--purple)", child: "var(--sky)", test: "var(--data)" };
const MAX = { school: 0.4, child: 0.8, test: 0.4, school_rate: 0.02, child_rate: 0.02 };
const MOST = { level: 1.6, rate: 0.04 }; // the largest total: the box never leaves its place

// --- Numbers ------------------------------------------------------------------------------------

export function compute(state, data, memory) {
  const rate = state.what === "rate", { J, n, m } = state;
  const out = rate && state.out !== "none" ? "school" : state.out;
  const [school, child] = rate ? [state.school_rate, state.child_rate] : [state.school, state.child];
  const at = strata({ school, child, test: state.test, J, n, m }, rate), full = { ...leaveOut(at, n, "none"), school, child };
  const found = out === "none" ? full : leaveOut(at, n, out), shown = rate ? LEVELS.slice(0, 2) : LEVELS;
  const total = (v) => shown.reduce((sum, level) => sum + v[level], 0);
  const ratio = found.se.map((se, k) => se / full.se[k]);
  const key = at.df.join();
  if (memory.key !== key) Object.assign(memory, { key, chis: chiSquares(at.df, STUDIES, 11) });
  const shares = estimatedShares(at, n, memory.chis).filter(Number.isFinite).sort((a, b) => a - b);
  const quantile = (p) => shares[clamp(Math.round(p * shares.length - 0.5), 0, shares.length - 1)];
  return { rate, out, J, n, m, full, found, shown, ratio, alarms: ratio.map(falseAlarms), E: at.E, df: at.df,
    total: total(full), foundTotal: total(found), predictors: rate ? 2 : 3,
    rhoChild: (school + child) / total(full), rhoSchool: school / total(full),
    rhoChildFound: out === "child" || out === "both" ? NaN : (found.school + found.child) / total(found),
    rhoSchoolFound: out === "school" || out === "both" ? NaN : found.school / total(found),
    share: school + child > 0 ? school / (school + child) : NaN, shares, low: quantile(0.025), high: quantile(0.975) };
}

// --- The picture --------------------------------------------------------------------------------

const digits = (r) => (r.rate ? 4 : 3);
const percent = (v) => (Number.isFinite(v) ? `${num(100 * v, 0)} %` : "–");
const without = { none: "with all three levels", school: "without schools", child: "without children", both: "without both" };
const layout = (w) => {
  const wide = w >= 460, side = wide ? Math.min(250, w / 2 - 100) : Math.min(200, w - 128);
  const second = wide ? { x: w / 2 + 6, y: 30 } : { x: 2, y: side + 76 };
  const bars = second.y + side + 56;
  return { wide, side, first: { x: 2, y: 30 }, second, bars, strip: bars + 162, h: bars + 286 };
};

function draw({ s, w, state, result: r, set }) {
  const at = layout(w), K = at.side / Math.sqrt(MOST[r.rate ? "rate" : "level"]);
  const back = s.layer("boxes", { "aria-hidden": "true" });
  back.text("name1", at.first.x, 14, `${r.rate ? "Rates" : "Levels"} as they vary`, { "font-weight": 650 });
  back.text("name2", at.second.x, at.second.y - 16, `Found ${without[r.out]}`, { "font-weight": 650 });
  const corners = boxes(back, "a", at.first, at.side, K, r.full, r);
  boxes(back, "b", at.second, at.side, K, r.found, r);
  drawCorners(s, at, K, corners, { r, state, set });
  drawBars(s, w, at.bars, r);
  drawStrip(s, w, at.strip, r);
}

/** Nested squares from the bottom left corner; gives the corner of each. */
function boxes(layer, id, { x, y }, side, K, v, r) {
  const bottom = y + side, corners = {}, names = [];
  let below = r.shown.reduce((sum, level) => sum + v[level], 0);
  const outer = K * Math.sqrt(below), total = below;
  for (const level of r.shown) {
    const size = K * Math.sqrt(Math.max(0, below));
    corners[level] = [x + size, bottom - size];
    below -= v[level];
    if (v[level] <= 1e-12) continue;
    layer.rect(`${id}${level}`, x, bottom - size, size, size,
      { fill: `color-mix(in srgb, ${INK[level]} 60%, var(--bg))`, stroke: "var(--bg)", "stroke-width": 1.5 });
    const inner = K * Math.sqrt(Math.max(0, below));
    names.push({ level, from: [x + size, bottom - (size + inner) / 2], text: num(v[level], digits(r)), share: v[level] / total });
  }
  if (id === "b" && r.out !== "none") {
    let rest = r.total;
    for (const level of r.shown) {
      const size = K * Math.sqrt(Math.max(0, rest));
      layer.rect(`ghost${level}`, x, bottom - size, size, size, { fill: "none", stroke: "var(--fg)", "stroke-dasharray": "2 4" });
      rest -= r.full[level];
    }
  }
  const right = x + Math.max(outer, id === "b" ? K * Math.sqrt(r.total) : 0) + 14;
  let least = y + 8;
  const room = names.map(({ from }) => from[1]);
  for (let k = room.length - 1, most = bottom - 22; k >= 0; k--) { room[k] = Math.min(room[k], most); most = room[k] - 38; }
  names.forEach(({ level, from, text, share }, k) => {
    const ty = Math.max(room[k], least);
    least = ty + 38;
    layer.line(`${id}lead${level}`, from[0] - 3, from[1], right - 3, ty, { stroke: "var(--axis)" });
    layer.text(`${id}name${level}`, right, ty, MANY[level], { "font-weight": 650 });
    layer.text(`${id}num${level}`, right, ty + 16, `${text} · ${percent(share)}`, { fill: "var(--muted)" });
  });
  return corners;
}

const keyOf = (level, r) => (r.rate ? `${level}_rate` : level);

function drawCorners(s, { first, side }, K, corners, { r, state, set }) {
  const layer = s.layer("corners"), step = r.rate ? 0.001 : 0.01;
  r.shown.forEach((level, i) => {
    const inside = r.shown.slice(i + 1).reduce((sum, l) => sum + r.full[l], 0), key = keyOf(level, r), least = key === "test" ? 0.02 : 0;
    const to = (v) => set({ [key]: clamp(Number((Math.round(v / step) * step).toFixed(6)), least, MAX[key]) });
    const [x, y] = corners[level];
    layer.handle(level, {
      x, y, r: 7, fill: INK[level], axis: "xy", label: `Variance between ${MANY[level]}`, now: state[key], min: least, max: MAX[key],
      text: `${num(state[key], digits(r))}, ${percent(r.full[level] / r.total)} of the variance`,
      drag: (px, py) => to((Math.max(0, (px - first.x + first.y + side - py) / 2) / K) ** 2 - inside),
      step: (dx, dy, big) => to(state[key] + (dx + dy) * step * (big ? 10 : 1)), edge: (way) => to(way < 0 ? least : MAX[key]),
    });
  });
}

/** A pair of bars for each predictor: the right standard error, and that of the model which leaves a level out. */
function drawBars(s, w, top, r) {
  const layer = s.layer("bars", { "aria-hidden": "true" }), left = w >= 560 ? 116 : 74, right = w - (w >= 560 ? 150 : 84);
  layer.text("title", 0, top, `Standard error of a predictor${r.rate ? " of rates" : ""}`, { "font-weight": 650 });
  const x = linear([0, Math.max(...r.full.se, ...r.found.se)], [left, right]);
  LEVELS.slice(0, r.predictors).forEach((level, k) => {
    const y = top + 18 + k * 42, off = Math.abs(r.ratio[k] - 1) > 5e-4;
    layer.text(`of${level}`, left - 8, y + 18, w >= 560 ? `of ${MANY[level]}` : MANY[level], { "text-anchor": "end" });
    layer.rect(`full${level}`, left, y, x(r.full.se[k]) - left, 11, { fill: "var(--model)" });
    layer.rect(`found${level}`, left, y + 14, x(r.found.se[k]) - left, 11, { fill: "var(--pooled)" });
    layer.text(`right${level}`, x(r.full.se[k]) + 6, y + 10, num(r.full.se[k], digits(r)), { class: "label tick", fill: "var(--model-ink)" });
    layer.text(`wrong${level}`, x(r.found.se[k]) + 6, y + 24, `${num(r.found.se[k], digits(r))}${off ? ` (× ${num(r.ratio[k], 2)})` : ""}`,
      { class: "label tick", fill: "var(--pooled-ink)" });
  });
}

/** Where studies of this size would estimate the share of schools in what lasts of children. */
function drawStrip(s, w, top, r) {
  const layer = s.layer("strip", { "aria-hidden": "true" }), x = linear([0, 1], [8, w - 18]), bins = new Array(51).fill(0), base = top + 78;
  layer.text("title", 0, top, w >= 560 ? `Estimated share of schools in the ${r.rate ? "rates" : "levels"} of children, in 1,000 studies of this size`
    : `Estimated share of schools, 1,000 studies`, { "font-weight": 650 });
  r.shares.forEach((v) => { bins[Math.round(v * 50)]++; });
  const most = Math.max(...bins, 1), width = (x(1) - x(0)) / 50;
  bins.forEach((count, k) => layer.rect(`bin${k}`, x(k / 50) - width / 2 + 0.5, base - 60 * count / most, width - 1, 60 * count / most,
    { fill: k / 50 >= r.low - 0.01 && k / 50 <= r.high + 0.01 ? "var(--model)" : "var(--off)" }));
  axisX(layer, x, base, { values: [0, 0.25, 0.5, 0.75, 1], format: (v) => `${100 * v} %` });
  if (!Number.isFinite(r.share)) return;
  layer.line("truth", x(r.share), base - 66, x(r.share), base + 6, { stroke: "var(--fixed)", "stroke-width": 2.4 });
  const end = r.share > 0.6;
  layer.text("truth-name", x(r.share) + (end ? -6 : 6), base - 56, `truth ${percent(r.share)}`, { "text-anchor": end ? "end" : "start", "font-weight": 650 });
}

// --- The lab ------------------------------------------------------------------------------------

const TAU = (sub) => `τ<sub>${sub}</sub>`, RHO = (sub) => `ρ<sub>${sub}</sub>`;
const range = (key, label, symbol, min, step, when) => ({ key, type: "range", label, symbol, min, max: MAX[key], step,
  format: (v) => num(v, step < 0.01 ? 3 : 2), show: when ? (st) => st.what === when : undefined });

function says(r) {
  const wrong = r.out === "none" ? "" : r.alarms.slice(0, r.predictors)
    .map((a, k) => (Math.abs(a - 0.05) > 0.0005 ? `of ${MANY[LEVELS[k]]} in <strong>${num(100 * a, a < 0.001 ? 2 : a < 0.095 ? 1 : 0)} %</strong>` : "")).filter(Boolean).join(", ");
  const errs = wrong ? ` A test at the 5 % level then errs, for a predictor ${wrong} of studies.` : "";
  const f = (v) => num(v, digits(r)), { full, found } = r;
  if (r.out === "none") return `All levels are in. ${r.rate ? "" : `Two tests of one child correlate ${num(r.rhoChild, 2)}, two tests of two children of one school ${num(r.rhoSchool, 2)}. `}The share of schools in what lasts of children is ${percent(r.share)}; studies of this size estimate it between ${percent(r.low)} and ${percent(r.high)}.`;
  if (r.out === "school") return `The variance between schools did not vanish. It moved down to the children: ${f(full.child)} became <strong>${f(found.child)}</strong>.${errs}`;
  if (r.out === "child") return `The variance between children went both ways: tests have ${f(found.test)} instead of ${f(full.test)}, schools ${f(found.school)} instead of ${f(full.school)}. What is known about schools stays as it was.${errs}`;
  return `One variance is left, ${f(found.test)}: every row counts as news about everything.${errs}`;
}

export default lab({
  name: "variance_partition",
  title: "Variance partition",
  idea: "Tests in children in schools. Each box is a level, and its area is a variance. Leave a level out of the model, and see where its variance goes and whose standard error is wrong.",
  state: { school: 0.17, child: 0.64, test: 0.3, school_rate: 0.011, child_rate: 0.011, J: 60, n: 29, m: 4, out: "school", what: "level" },
  controls: [
    { key: "what", type: "select", lead: true, label: "What varies", options: [["level", "where children stand (levels)"], ["rate", "how fast they learn (rates)"]],
      change: (ctx, what) => ctx.set({ what, out: what === "rate" && ctx.state.out !== "none" ? "school" : ctx.state.out }) },
    { key: "out", type: "select", lead: true, label: "The model", allowed: (v, st) => st.what === "level" || v === "none" || v === "school",
      options: [["none", "has all three levels"], ["school", "leaves out schools"], ["child", "leaves out children"], ["both", "leaves out both (OLS)"]] },
    range("school", "between schools", TAU("school"), 0, 0.01, "level"),
    range("child", "between children of a school", TAU("child"), 0, 0.01, "level"),
    range("school_rate", "rates, between schools", TAU("school"), 0, 0.001, "rate"),
    range("child_rate", "rates, between children", TAU("child"), 0, 0.001, "rate"),
    range("test", "between tests of a child", "σ<sup>2</sup>", 0.02, 0.01),
    { key: "J", type: "range", label: "schools", symbol: "J", min: 6, max: 100, step: 1 },
    { key: "n", type: "range", label: "children a school", symbol: "n", min: 2, max: 40, step: 1 },
    { key: "m", type: "range", label: (st) => (st.what === "rate" ? "tests a child, a year apart" : "tests a child"), symbol: "m", min: 3, max: 8, step: 1 },
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r) => {
    const f = (v) => num(v, digits(r));
    return [
      ...(r.rate ? [] : [{ key: "rhoChild", label: "one child, two tests", symbol: RHO("child"), value: r.rhoChild, text: num(r.rhoChild, 3), ink: "model" }]),
      ...(r.rate ? [] : [{ key: "rhoSchool", label: "one school, two children", symbol: RHO("school"), value: r.rhoSchool, text: num(r.rhoSchool, 3), ink: "model" }]),
      { key: "share", label: "share of schools", symbol: `${TAU("school")}/(${TAU("school")}+${TAU("child")})`, value: r.share, text: percent(r.share) },
      { key: "low", label: "its estimate: from", value: r.low, text: percent(r.low) },
      { key: "high", label: "to, in 95 % of studies", value: r.high, text: percent(r.high) },
      ...(r.out === "none" ? [] : r.shown.filter((level) => r.found[level] > 0).map((level) => (
        { key: `found_${level}`, label: `found between ${MANY[level]}`, value: r.found[level], text: f(r.found[level]), ink: "pooled" }))),
      ...LEVELS.slice(0, r.predictors).flatMap((level, k) => [
        { key: `se_${level}`, label: `SE, predictor of ${MANY[level]}`, value: r.full.se[k], text: f(r.full.se[k]), ink: "model" },
        ...(r.out === "none" ? [] : [{ key: `said_${level}`, label: "as this model says", value: r.found.se[k], text: f(r.found.se[k]), ink: "pooled" }])]),
    ];
  },
  says,
  table: (r) => ({
    caption: `${r.rate ? "Rates" : "Levels"}: J = ${r.J}, n = ${r.n}, m = ${r.m}; the model ${without[r.out]}.${r.rate ? "" : ` ρ child ${num(r.rhoChild, 4)}, ρ school ${num(r.rhoSchool, 4)}.`} The share of schools in what lasts is ${percent(r.share)}, estimated between ${percent(r.low)} and ${percent(r.high)} in 95 % of studies.`,
    columns: ["level", "variance", "share", "found", "mean square", "SE of a predictor", "SE said", "false alarms at 5 %"],
    rows: LEVELS.map((level, k) => [MANY[level], num(r.full[level], 4), r.shown.includes(level) ? percent(r.full[level] / r.total) : "–", num(r.found[level], 4),
      num(r.E[k], 4), ...(k < r.predictors ? [num(r.full.se[k], 5), num(r.found.se[k], 5), `${num(100 * r.alarms[k], 2)} %`] : ["–", "–", "–"])]),
  }),
  describe: (r) => `Nested squares whose areas are variances of ${r.rate ? "yearly rates" : "levels"}: ${r.shown.map((level) => `${MANY[level]} ${num(r.full[level], digits(r))}`).join(", ")}. Beside them the squares that a model ${without[r.out]} finds: ${r.shown.filter((level) => r.found[level] > 0).map((level) => `${MANY[level]} ${num(r.found[level], digits(r))}`).join(", ") || "nothing"}. Below, bars of standard errors, the right one and what the model says: ${LEVELS.slice(0, r.predictors).map((level, k) => `predictor of ${MANY[level]} ${num(r.full.se[k], 4)} and ${num(r.found.se[k], 4)}`).join("; ")}. A histogram of estimated shares of schools runs from ${percent(r.low)} to ${percent(r.high)} around the true ${percent(r.share)}.`,
  announce: (r) => `Model ${without[r.out]}. ${r.shown.map((level) => `${MANY[level]} ${num(r.full[level], digits(r))}, found ${num(r.found[level], digits(r))}`).join("; ")}. Standard errors are ${r.ratio.slice(0, r.predictors).map((v, k) => `${num(v, 2)} of the right one for ${MANY[LEVELS[k]]}`).join(", ")}.`,
  tries: [
    { try: "Leave out schools, then children, then both. Watch the dotted lines, and which pair of bars is equal.",
      see: "Without schools, their variance goes down to the children. A predictor of schools looks surer than it is, a predictor of children less sure, and one of tests does not notice. Without children it goes both ways, most of it to the tests; now a predictor of schools does not notice. The damage is done next to the level that was left out." },
    { try: "Reset. How would you make a predictor of schools as uncertain as you can without touching a variance? Move J, n and m.",
      see: "Only the number of schools matters much: 15 schools instead of 60 double its standard error. With 4 children a school instead of 29 it is a third larger, because children were never what was scarce. The model without schools thinks otherwise." },
    { try: "Look at rates, with all levels in. Half of the variance of rates lies between schools. Read what studies of this size would report. Then 20 schools with 10 children each; then 8 tests a child.",
      see: "Anything from 34 % to 70 % with 60 schools of 29: the variance of rates between children is small beside the noise of a child’s slope, and is known badly. With 20 schools of 10, one study may print 83 % and the next 10 %, of the same truth. With 8 tests the slopes are 8 times as precise, and the strip is as narrow as the number of schools allows." },
  ],
});
