// Test of a variance (chapter 8): studies in which schools do not differ, or do; the likelihood-ratio statistics pile up,
// about half of them at zero, and three reference distributions are laid over. Below, how often each test rejects.
import { lab } from "./frame.js";
import { random } from "./numerics.js";
import { drawStudy, exactLimit, exactTail, mixtureTail, naiveTail, statisticOf, tau2Of } from "./one_variance.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const FRAME = 11, MOST = 20000, NAIVE = 3.841458820694124, MIXTURE = 2.705543454095404; // ms a frame; studies; 5 % limits
export const TESTS = [
  { key: "naive", name: "χ²_{1}", plain: "chi-square(1)", html: "χ<sup>2</sup><sub>1</sub>", color: "pooled", dash: "7 4" },
  { key: "mixture", name: "χ̄²_{01}", plain: "chibar-square(01)", html: "χ̄<sup>2</sup><sub>01</sub>", color: "model", dash: null },
  { key: "exact", name: "exact", plain: "exact", html: "exact", color: "good", dash: "2 3" },
];

// --- Numbers: studies drawn so far ----------------------------------------------------------------

/** Both criteria are kept for each study, so that switching draws nothing anew. */
function compute(state, _, memory) {
  const { J, n, tau2, seed, reml } = state, world = [J, n, tau2, seed].join(), wanted = Math.min(MOST, state.studies);
  if (memory.world !== world || memory.kinds[0].values.length > wanted) {
    const kinds = [false, true].map((r) => {
      const at = { J, n, reml: r }, limits = [NAIVE, MIXTURE, exactLimit(at)];
      return { at, limits, values: [], zeros: 0, hits: limits.map(() => [0]),
        expected: limits.map((x) => exactTail(x, at, tau2)), zero: 1 - exactTail(0, at, tau2), zeroNull: 1 - exactTail(0, at) };
    });
    Object.assign(memory, { world, rng: random(seed), kinds, last: null });
  }
  const stop = performance.now() + FRAME;
  while (memory.kinds[0].values.length < wanted) {
    memory.last = drawStudy(memory.rng, state);
    for (const kind of memory.kinds) {
      const x = statisticOf(memory.last.ssb, memory.last.ssw, kind.at);
      kind.values.push(x);
      kind.zeros += x === 0 ? 1 : 0;
      kind.limits.forEach((limit, t) => kind.hits[t].push(kind.hits[t].at(-1) + (x > limit ? 1 : 0)));
    }
    if (performance.now() > stop) break;
  }
  const kind = memory.kinds[reml ? 1 : 0], { at, limits, values, zeros, hits, expected, zero, zeroNull } = kind, count = values.length, { cut } = state;
  const tails = [naiveTail(cut), mixtureTail(cut), exactTail(cut, at)];
  return { count, pending: count < wanted, at, values, zeros, zeroShare: zeros / count, zeroExpected: zero, zeroNull, hits, last: memory.last,
    latest: values.at(-1), tau2: tau2Of(memory.last.ssb, memory.last.ssw, at), beyond: values.reduce((s, x) => s + (x > cut ? 1 : 0), 0) / count,
    tests: TESTS.map((t, k) => ({ ...t, limit: limits[k], rate: hits[k][count] / count, expected: expected[k], p: tails[k] })),
    curve: [(x) => naiveTail(x), (x) => mixtureTail(x), (x) => exactTail(x, at)] };
}

/** A press is never lost. A key or button held down waits for what was asked for, and asks for more as it goes on. */
function press(ctx, held) {
  const { memory: m } = ctx;
  m.streak = held ? m.streak + 1 : 0;
  if (held && ctx.result.pending) return;
  more(ctx, 1 + Math.min(60, Math.floor(Math.max(0, m.streak - 15) / 3)));
}

const more = (ctx, count) => ctx.set({ studies: Math.min(MOST, ctx.state.studies + count) });

// --- The picture --------------------------------------------------------------------------------

const percent = (v) => `${num(100 * v, v < 0.0995 ? 1 : 0)} %`;

function draw(o) {
  const { s, w, h, result, redraw } = o, small = w < 460;
  if (result.pending) redraw();
  drawLatest(s, w, o);
  drawPile(s, { left: 40, zero: 40 + (small ? 40 : 56), right: w - 12, top: 132, bottom: h - 246 }, o, small);
  drawRates(s, { left: 34, right: w - 62, top: h - 152, bottom: h - 44 }, o, small);
}

/** The study just drawn, a dot a school, between the limits of what chance alone does. */
function drawLatest(s, w, { state: { n, tau2 }, result: { last, latest } }) {
  const layer = s.layer("latest", { "aria-hidden": "true" }), se = 1 / Math.sqrt(n), reach = 3.4 * Math.sqrt(tau2 + 1 / n);
  const x = linear([-reach, reach], [6, w - 6]), y = 46;
  layer.text("name", 0, 14, w < 460 ? "Latest study, a dot a school" : "The latest study, a dot a school; shaded: where chance puts 95 %", { class: "axis-name", fill: "var(--muted)" });
  layer.rect("chance", x(-1.96 * se), y - 16, x(1.96 * se) - x(-1.96 * se), 32, { fill: "var(--data)", opacity: 0.16 });
  layer.line("rail", 6, y, w - 6, y, { stroke: "var(--grid)" });
  last.means.forEach((m, j) => layer.circle(`m${j}`, clamp(x(m - last.grand), 6, w - 6), y, 4, { fill: "var(--data)", "fill-opacity": 0.6 }));
  layer.text("says", w / 2, y + 36, latest > 0 ? `LR statistic ${num(latest, 2)}` : `LR statistic 0${w < 460 ? "" : ": schools differ no more than chance makes them"}`, { "text-anchor": "middle", "font-weight": 650 });
}

/** The largest statistic on the axis: a round number that holds nearly all. */
function farOf(values, cut) {
  const sorted = [...values].sort((a, b) => a - b), high = Math.max(sorted[Math.floor(0.985 * (sorted.length - 1))], cut);
  return [8, 16, 32, 64, 128].find((v) => v >= high) ?? 256;
}

function drawPile(s, box, o, small) {
  const { state, result: r, set, memory } = o, tail = state.view === "tail";
  const kept = [r.count, state.reml, state.cut > 8, memory.world].join();
  if (memory.farKey !== kept) Object.assign(memory, { farKey: kept, far: farOf(r.values, state.cut) });
  const far = memory.far, x = linear([0, far], [tail ? box.left : box.zero, box.right]);
  const back = s.layer("back", { "aria-hidden": "true" }), pile = s.layer("pile", { "aria-hidden": "true" }), lines = s.layer("lines", { "aria-hidden": "true", "pointer-events": "none" });
  axisX(back, x, box.bottom, { values: x.ticks(small ? 4 : 8), label: "likelihood-ratio statistic" });
  if (tail) drawTail(pile, lines, back, x, box, r);
  else drawDensity(pile, lines, back, x, box, r, far, small);
  drawLimits(lines, x, box, r, tail, small);
  const hold = clamp(state.cut, 0, far), move = (v) => set({ cut: Number(clamp(Math.round(v * 20) / 20, 0.05, 30).toFixed(2)) });
  lines.line("cut", x(hold), box.top, x(hold), box.bottom, { stroke: "var(--focus)", "stroke-width": 1.6, "stroke-dasharray": "3 3" });
  s.layer("points").handle("cut", {
    x: x(hold), y: box.bottom, r: 7, axis: "x", fill: "var(--fixed)", label: "A statistic to look up", now: state.cut, min: 0.05, max: 30,
    text: `statistic ${num(state.cut, 2)}: p ${TESTS.map((t, k) => `${t.plain} ${num(r.tests[k].p, 3)}`).join(", ")}`,
    drag: (to) => move(x.invert(to)),
    step: (dx, dy, big) => move(state.cut + (dx || dy) * (big ? 0.5 : 0.05)),
  });
}

/** Left the share at zero, right the density of the rest; bars are studies, lines are references. */
function drawDensity(pile, lines, back, x, box, r, far, small) {
  const width = far / 32, top = far <= 8 ? 0.9 : far <= 16 ? 0.6 : 0.4, y = linear([0, top], [box.bottom, box.top]), share = linear([0, 1], [box.bottom, box.top]);
  const bins = new Array(32).fill(0);
  for (const v of r.values) if (v > 0 && v < far) bins[Math.min(31, Math.floor(v / width))]++;
  const bar = (a, b, height) => `M${a.toFixed(1)} ${box.bottom}V${height.toFixed(1)}H${b.toFixed(1)}V${box.bottom}z`;
  pile.el("path", "bars", { d: bins.map((c, k) => (c ? bar(x(k * width) + 0.5, x((k + 1) * width) - 0.5, y(Math.min(top, c / r.count / width))) : "")).join(""), fill: "var(--data)", "fill-opacity": 0.55 });
  axisY(back, y, box.zero, { ticks: 4, format: (v) => num(v, 1) });
  const left = box.left - 38, right = box.zero - 32, mid = (left + right) / 2;
  pile.el("path", "zero", { d: bar(left, right, share(r.zeroShare)), fill: "var(--data)", "fill-opacity": 0.55 });
  lines.text("zero-name", left, box.top - 26, small ? "at 0" : "exactly 0", { "font-weight": 650 });
  lines.text("zero-share", left, box.top - 9, percent(r.zeroShare), { "font-weight": 700 });
  lines.text("rest-name", box.zero + 6, box.top - 26, small ? "the rest: density" : "the rest: density of the statistic", { "font-weight": 650 });
  for (const [k, v] of [[1, 0.5], [2, r.zeroNull]]) lines.line(`zero${k}`, left - 1, share(v), right + 1, share(v), { stroke: `var(--${TESTS[k].color})`, "stroke-width": 2.6, "stroke-dasharray": TESTS[k].dash });
  back.line("zero-foot", left, box.bottom, right, box.bottom, { stroke: "var(--axis)" });
  back.text("zero-tick", mid, box.bottom + 19, "0", { class: "tick", fill: "var(--muted)", "text-anchor": "middle" });
  const grid = Array.from({ length: 97 }, (_, i) => far * i / 96);
  r.curve.forEach((tail, k) => {
    const points = grid.slice(1).map((v, i) => [x((v + grid[i]) / 2), y(Math.min(top * 1.02, (tail(Math.max(grid[i], 1e-9)) - tail(v)) / (v - grid[i])))]);
    lines.path(TESTS[k].key, points, { stroke: `var(--${TESTS[k].color})`, "stroke-width": 2.4, "stroke-dasharray": TESTS[k].dash });
  });
}

/** How much lies beyond each statistic, on a log scale. */
function drawTail(pile, lines, back, x, box, r) {
  const y = linear([-3, 0], [box.bottom, box.top]), py = (p) => y(Math.max(-3, Math.log10(Math.max(p, 1e-9)))), [, far] = x.domain;
  axisY(back, y, box.left, { values: [0, Math.log10(0.5), -1, Math.log10(0.05), -2, -3], grid: [box.left, box.right], label: "share beyond (log scale)", labelX: 0, format: (v) => String(Number((10 ** v).toPrecision(1))) });
  const grid = Array.from({ length: 161 }, (_, i) => far * i / 160), sorted = [...r.values].sort((a, b) => a - b);
  let at = 0;
  const beyond = grid.map((v) => { while (at < sorted.length && sorted[at] <= v) at++; return (sorted.length - at) / sorted.length; });
  pile.path("studies", grid.map((v, i) => [x(v), py(beyond[i])]), { stroke: "var(--data)", "stroke-width": 6, opacity: 0.6, "stroke-linejoin": "round" });
  r.curve.forEach((tail, k) => lines.path(TESTS[k].key, grid.map((v) => [v, tail(Math.max(v, 1e-9))]).filter(([, p]) => p >= 1e-3).map(([v, p]) => [x(v), py(p)]), { stroke: `var(--${TESTS[k].color})`, "stroke-width": 2.4, "stroke-dasharray": TESTS[k].dash }));
}

/** The three 5 % limits, named and with what each has rejected. */
function drawLimits(lines, x, box, r, tail, small) {
  const order = r.tests.map((t, k) => ({ ...t, k })).sort((a, b) => b.limit - a.limit);
  order.forEach((t, row) => {
    const px = Math.min(x(t.limit), box.right), ly = box.top + (tail ? 12 : 16) + 20 * row, flip = px > box.right - (small ? 70 : 120);
    lines.line(`limit-${t.key}`, px, ly - 8, px, box.bottom, { stroke: `var(--${t.color})`, "stroke-width": 1.6 });
    lines.text(`limit-${t.key}-name`, px + (flip ? -6 : 6), ly + 3, `${t.name}: ${small ? "" : "5 % beyond "}${num(t.limit, 2)}`, { fill: `var(--${t.color}-ink)`, "font-weight": 650, "text-anchor": flip ? "end" : "start" });
  });
}

/** Rejection rates so far against the number of studies, with the band of an honest 5 % test. */
function drawRates(s, box, { result: { count, hits, tests }, state }, small) {
  const layer = s.layer("rates", { "aria-hidden": "true" }), last = Math.max(50, count), from = Math.min(20, count), x = linear([Math.log(from), Math.log(last)], [box.left, box.right]);
  const points = [];
  for (let k = 0; k <= 140; k++) { const v = Math.round(from * (count / from) ** (k / 140)); if (v > 0 && v !== points.at(-1)) points.push(v); }
  const most = Math.min(1, Math.max(0.1, 1.1 * Math.max(...tests.map((t) => t.expected)), ...hits.flatMap((own) => points.filter((v) => v >= 40).map((v) => own[v] / v))));
  const y = linear([0, most], [box.bottom, box.top]), band = (v, sign) => clamp(0.05 + sign * 1.96 * Math.sqrt(0.05 * 0.95 / v), 0, most);
  const across = Array.from({ length: 41 }, (_, k) => from * (last / from) ** (k / 40));
  layer.path("band", [...across.map((v) => [x(Math.log(v)), y(band(v, 1))]), ...across.reverse().map((v) => [x(Math.log(v)), y(band(v, -1))])], { fill: "var(--data)", "fill-opacity": 0.16, stroke: "none" });
  const marks = (small ? [1, 10, 100, 1000, 10000] : [1, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000]).filter((v) => v >= from && v <= last);
  axisX(layer, x, box.bottom, { values: marks.map(Math.log), format: (v) => String(Math.round(Math.exp(v))), label: "studies drawn" });
  axisY(layer, y, box.left, { ticks: 3, format: (v) => String(Math.round(100 * v)), label: state.tau2 > 0 ? "rejected so far, %: power" : "rejected so far, %, though schools do not differ", labelX: 0 });
  layer.line("nominal", box.left, y(0.05), box.right, y(0.05), { stroke: "var(--fixed)", "stroke-dasharray": "5 4", "stroke-width": 1.4 });
  const labels = tests.map((t, k) => {
    layer.path(t.key, points.map((v) => [x(Math.log(v)), y(Math.min(most, hits[k][v] / v))]), { stroke: `var(--${t.color})`, "stroke-width": 2.4, "stroke-dasharray": t.dash });
    layer.el("path", `${t.key}-expected`, { d: `M${box.right + 2} ${y(t.expected).toFixed(1)}l7 -4v8z`, fill: `var(--${t.color})` });
    return { ...t, at: y(t.expected) };
  }).sort((a, b) => a.at - b.at);
  for (let round = 0; round < 20; round++) labels.forEach((l, k) => { const push = k ? Math.max(0, 15 - (l.at - labels[k - 1].at)) / 2 : 0; if (push) { l.at += push; labels[k - 1].at -= push; } });
  const low = Math.max(0, labels.at(-1).at - (box.bottom - 3));
  labels.forEach((l) => layer.text(`end-${l.key}`, box.right + 13, l.at + 4 - low, l.name, { fill: `var(--${l.color}-ink)`, "font-weight": 650 }));
}

// --- The lab ------------------------------------------------------------------------------------

const again = (key) => (ctx, v) => ctx.set({ [key]: v, studies: 1000 });

export default lab({
  name: "variance_test",
  title: "Test of a variance",
  idea: "A variance cannot be negative, so its estimate often stops at zero, and the likelihood-ratio statistic with it. Draw studies, and see which reference distribution they follow.",
  state: { J: 20, n: 10, tau2: 0, reml: true, cut: 2.7, view: "density", seed: 2, studies: 1000 },
  controls: [
    { type: "button", id: "draw", label: "Draw one study (hold for many)", lead: true, hold: true, press },
    { type: "button", id: "more", main: false, label: "Draw 1,000", lead: true, press: (ctx) => more(ctx, 1000) },
    { key: "tau2", type: "range", label: "true variance between schools (σ<sup>2</sup> = 1)", symbol: "τ<sub>00</sub>", min: 0, max: 0.3, step: 0.01, format: (v) => num(v, 2), change: again("tau2") },
    { key: "J", type: "range", label: "schools", symbol: "J", min: 4, max: 100, step: 1, change: again("J") },
    { key: "n", type: "range", label: "students per school", symbol: "n", min: 2, max: 60, step: 1, change: again("n") },
    { key: "view", type: "select", label: "show", options: [["density", "density, and the pile at zero"], ["tail", "share beyond each value"]] },
    { key: "reml", type: "check", label: "REML (else ML)" },
    { type: "button", id: "again", main: false, label: "Start over with other luck", press: (ctx) => ctx.set({ seed: ctx.state.seed + 1, studies: 1 }) },
  ],
  compute,
  size: (w) => [w, w < 460 ? 610 : 660],
  draw,
  readouts: (r, { cut }) => [
    { key: "studies", label: "studies drawn", value: r.count, text: String(r.count) },
    { key: "zero", label: "statistic exactly zero", value: r.zeroShare, text: percent(r.zeroShare) },
    { key: "zero_expected", label: "should be", value: r.zeroExpected, text: percent(r.zeroExpected) },
    ...r.tests.flatMap((t) => [
      { key: `${t.key}_rate`, label: `${t.html} rejects`, value: t.rate, text: percent(t.rate), ink: t.color },
      { key: `${t.key}_expected`, label: "in the long run", value: t.expected, text: percent(t.expected) },
    ]),
    { key: "beyond", label: `studies beyond ${num(cut, 2)}`, value: r.beyond, text: percent(r.beyond) },
    ...r.tests.map((t) => ({ key: `${t.key}_p`, label: `p of ${num(cut, 2)} by ${t.html}`, value: t.p, text: num(t.p, 3), ink: t.color })),
  ],
  says: (r, st) => (st.tau2 > 0
    ? `Schools do differ, by an SD of ${num(Math.sqrt(st.tau2), 2)} where students differ by 1, and still ${percent(r.zeroShare)} of the studies estimate a variance of zero. A test with the wrong reference throws power away: ${percent(r.tests[0].rate)} of the studies are significant by χ<sup>2</sup><sub>1</sub>, ${percent(r.tests[1].rate)} by the mixture, ${percent(r.tests[2].rate)} by the exact test.`
    : `Schools do not differ. In ${r.zeros} of ${r.count} studies (<strong>${percent(r.zeroShare)}</strong>) the best variance is zero, and so is the statistic. χ<sup>2</sup><sub>1</sub> knows nothing of that pile: it rejects <strong>${percent(r.tests[0].rate)}</strong> where it promises 5 %. The half-and-half mixture rejects <strong>${percent(r.tests[1].rate)}</strong>, the exact distribution for ${st.J} schools of ${st.n} students <strong>${percent(r.tests[2].rate)}</strong>.`),
  table: (r, st) => ({
    caption: `${r.count} studies of ${st.J} schools with ${st.n} students, true variance between schools ${num(st.tau2, 2)}, ${st.reml ? "REML" : "ML"}. Statistic zero: ${r.zeros} (should be ${percent(r.zeroExpected)}). Latest study: between sum of squares ${num(r.last.ssb, 4)}, within ${num(r.last.ssw, 4)}, estimate ${num(r.tau2, 4)}, statistic ${num(r.latest, 4)}. Last column: p of a statistic of ${num(st.cut, 2)}, beyond which ${percent(r.beyond)} of the studies lie.`,
    columns: ["reference", "5 % limit", "rejected", "rate", "in the long run", "p"],
    rows: r.tests.map((t, k) => [t.html, num(t.limit, 4), String(r.hits[k][r.count]), percent(t.rate), percent(t.expected), num(t.p, 4)]),
  }),
  describe: (r, st) => `Top, the means of ${st.J} schools in the latest study. Middle, the likelihood-ratio statistics of ${r.count} studies with true variance ${num(st.tau2, 2)}: ${percent(r.zeroShare)} stand exactly at zero, the rest fall off to the right. Laid over are chi-square with one degree of freedom, far above the studies; the half-and-half mixture; and the exact distribution. Rejected at nominal 5 percent: ${r.tests.map((t) => `${t.plain} ${percent(t.rate)}`).join(", ")}. Below, these rates as the studies accumulate.`,
  announce: (r, st) => `${r.count} studies, ${percent(r.zeroShare)} at zero. Rejected: ${r.tests.map((t) => `${t.plain} ${percent(t.rate)}`).join(", ")}. Statistic ${num(st.cut, 2)}: p ${r.tests.map((t) => num(t.p, 3)).join(", ")}.`,
  tries: [
    { try: "Draw 1,000 studies a few times over, and watch the three rates below. Who keeps the 5 %?",
      see: "The exact test settles at 5 %. χ<sup>2</sup><sub>1</sub> settles near 2 %: it spreads over the whole axis what is in truth half a pile at zero. The mixture is much better, and still a little timid, since with 20 schools the pile holds 54 % and not half." },
    { try: "Go down to 5 schools, then switch from REML to ML. How large is the pile at zero?",
      see: "By REML 58 % of the studies stand at zero, by ML 70 %: maximum likelihood estimates the variance as if the mean were known, too low. The mixture’s half-and-half is what many groups come to, and five are not many; by ML it rejects fewer than 2 % of the studies. The exact test does not care." },
    { try: "Reset, and raise the true variance to 0.05. What does the choice of reference cost?",
      see: "Schools now differ: τ<sub>00</sub> = 0.05 is an ICC of 4.8 %. In the long run χ<sup>2</sup><sub>1</sub> finds it in 24 % of the studies, the mixture in 33 %, the exact test in 36 %. The data are the same. Halving a p-value is worth as much as several more schools. And in 15 % of the studies the estimate is zero: a variance estimated as zero is no proof that there is none." },
  ],
});
