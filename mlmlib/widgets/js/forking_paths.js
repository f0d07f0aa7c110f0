// Forking paths (chapter 10): twelve school facts that are random numbers, ticked by hand or by AIC, and the table that
// comes out. Below, what the same search finds in other worlds, against what 5 % promises for one planned fact.
import { lab } from "./frame.js";
import { FACTS, LIMIT, coefficient, maskOf, nextFact, outcome, searchPath, significant, world } from "./noise_search.js";
import { axisX, axisY, linear, num } from "./svg.js";

const FRAME = 9, MOST = 5000, OTHERS = 100000; // ms a frame; worlds; their seeds lie beyond those of the page's own
/** Invented names, in the order of the draws. */
export const NAMES = ["library books", "age of building", "trees in the yard", "bus stops near", "lunch minutes", "parking places",
  "clubs", "window area", "altitude", "principal’s years", "bright walls", "letters in name"];

// --- Numbers ------------------------------------------------------------------------------------

/** What is on offer and in the model: a planned fact is the first one, and nothing else is looked at. */
const offered = (state) => (state.planned ? 1 : state.facts);
const inModel = (state) => (state.planned ? [0] : state.chosen.filter((k) => Number.isInteger(k) && k >= 0 && k < state.facts));

function worldOf(state, data, memory) {
  if (memory.here?.seed !== state.seed) memory.here = world(data, state.seed);
  return memory.here;
}

function compute(state, data, memory) {
  const here = worldOf(state, data, memory), chosen = inModel(state), mask = maskOf(chosen), offer = offered(state), fit = here.fit(mask), base = here.fit(0);
  const rows = here.facts.map((_, k) => {
    const inside = Boolean(mask >> k & 1);
    return { k, name: NAMES[k], inside, seen: k < offer, ...(k < offer ? coefficient(inside ? fit : here.fit(mask | 1 << k), k) : {}) };
  });
  memory.others ??= [];
  const wanted = Math.min(MOST, state.worlds), stop = performance.now() + FRAME;
  while (memory.others.length < wanted) {
    memory.others.push(outcome(world(data, OTHERS + memory.others.length)));
    if (performance.now() > stop) break;
  }
  const others = memory.others.slice(0, wanted), count = others.length, share = (f) => others.reduce((s, o) => s + f(o), 0) / count;
  const worlds = here.facts.map((_, k) => ({ m: k + 1, share: share((o) => (o.found[k] > 0 ? 1 : 0)), mean: share((o) => o.found[k]), luck: 1 - (1 - LIMIT) ** (k + 1) }));
  return { facts: here.facts, chosen, fit, rows, homework: coefficient(fit, -1), aic: fit.aic, aicBase: base.aic, tau2: fit.tau2, tau2Base: base.tau2,
    explained: 1 - fit.tau2 / base.tau2, found: significant(fit), looks: state.planned ? 1 : state.looks, next: state.planned ? -1 : nextFact(here, mask, offer),
    count, pending: count < wanted, worlds, planned: share((o) => o.planned), search: worlds[state.facts - 1] };
}

// --- What a reader does: each new table is so many tests more that were looked at ----------------------

function choose(ctx, chosen) {
  const { state, memory } = ctx, story = [state.seed, state.facts].join(), mask = maskOf(chosen);
  if (memory.story !== story) Object.assign(memory, { story, seen: new Set([maskOf(inModel(state))]) });
  const looks = state.looks + (memory.seen.has(mask) ? 0 : state.facts);
  memory.seen.add(mask);
  ctx.set({ chosen, looks });
}

/** One step of forward selection from where the reader stands; false when AIC takes nothing more. */
function step(ctx) {
  const { state, data, memory } = ctx, chosen = inModel(state), k = nextFact(worldOf(state, data, memory), maskOf(chosen), state.facts);
  if (k >= 0) choose(ctx, [...chosen, k]);
  else ctx.say("AIC takes no more.");
  return k >= 0;
}

const toEnd = (ctx) => { while (step(ctx)); };
const tick = (ctx, k, on) => { const rest = inModel(ctx.state).filter((c) => c !== k); choose(ctx, on ? [...rest, k] : rest); };
const startWith = (facts) => ({ facts, chosen: [], looks: facts });
const drawOthers = (ctx) => ctx.set({ seed: ctx.state.seed % (OTHERS - 1) + 1, ...startWith(ctx.state.facts) });

/** A press is never lost. A key or button held down waits for what was asked for, and asks for more as it goes on. */
function press(ctx, held) {
  const { memory: m } = ctx;
  m.streak = held ? m.streak + 1 : 0;
  if (held && ctx.result.pending) return;
  more(ctx, 1 + Math.min(20, Math.floor(Math.max(0, m.streak - 15) / 3)));
}

const more = (ctx, count) => ctx.set({ worlds: Math.min(MOST, ctx.state.worlds + count) });

// --- The picture --------------------------------------------------------------------------------

const ROW = 26, TOP = 34, rowY = (i) => TOP + ROW * (i + 0.5), FOOT = TOP + ROW * (FACTS + 1); // row 0 is homework
const nameWidth = (w) => (w < 460 ? 148 : 164);
const percent = (v) => `${num(100 * v, v > 0 && v < 0.0995 ? 1 : 0)} %`, pText = (p) => (p < 0.0005 ? "<0.001" : num(p, 3));

function draw(o) {
  const { s, w, h, result, redraw } = o, small = w < 460;
  if (result.pending) redraw();
  drawTable(s, { left: nameWidth(w), right: w - (small ? 60 : 126), w }, o, small);
  drawWorlds(s, { left: 34, right: w - 14, top: FOOT + 112, bottom: h - 44 }, o, small);
}

/** Each fact's coefficient with its interval, z and p: in the model, or as it would be if it were added. */
function drawTable(s, box, { result: r, memory }, small) {
  const back = s.layer("back", { "aria-hidden": "true" }), marks = s.layer("marks", { "aria-hidden": "true" }), { w } = box;
  const all = [r.homework, ...r.rows.filter((q) => q.seen)], most = Math.max(...all.flatMap((q) => [-q.low, q.high]));
  memory.reach = [4, 6, 8, 12, 20, 40].find((v) => v >= most) ?? 80;
  const x = linear([-memory.reach, memory.reach], [box.left + 8, box.right]), zAt = w - 70;
  back.text("name", 0, TOP - 16, "school fact (noise)", { class: "axis-name", fill: "var(--muted)" });
  if (!small) {
    back.text("plot", (box.left + box.right) / 2 + 4, TOP - 16, "coefficient, 95 % interval", { class: "axis-name", fill: "var(--muted)", "text-anchor": "middle" });
    back.text("z", zAt, TOP - 16, "z", { class: "axis-name", fill: "var(--muted)", "text-anchor": "end" });
  }
  back.text("p", w - 10, TOP - 16, "p", { class: "axis-name", fill: "var(--muted)", "text-anchor": "end" });
  back.line("zero", x(0), TOP - 4, x(0), FOOT, { stroke: "var(--axis)" });
  axisX(back, x, FOOT, { values: (small ? [-1, 0, 1] : [-1, -0.5, 0, 0.5, 1]).map((v) => v * memory.reach), label: small ? "points per SD of the fact" : "points per SD of the fact (homework: per hour)", format: (v) => num(v, 0) });
  const row = (key, i, q, color, inside) => {
    const y = rowY(i), weight = inside && q.p < LIMIT ? 700 : 400, ink = inside && color !== "data" ? `var(--${color}-ink)` : "var(--muted)";
    marks.line(`${key}-ci`, x(q.low), y, x(q.high), y, { stroke: `var(--${color})`, "stroke-width": inside ? 3.2 : 1.6, opacity: inside ? 1 : 0.75 });
    marks.circle(`${key}-dot`, x(q.value), y, inside ? 5 : 4, { fill: inside ? `var(--${color})` : "var(--bg)", stroke: `var(--${color})`, "stroke-width": 1.6 });
    if (!small) marks.text(`${key}-z`, zAt, y + 4.5, num(q.z, 2), { class: "label tick", "text-anchor": "end", fill: ink, "font-weight": weight });
    marks.text(`${key}-p`, w - 10, y + 4.5, pText(q.p), { class: "label tick", "text-anchor": "end", fill: ink, "font-weight": weight });
    if (q.p < LIMIT) marks.text(`${key}-star`, w - 7, y + 7, "*", { fill: ink, "font-weight": 700 });
  };
  marks.text("homework", 27, rowY(0) + 4.5, "homework (real)", { "font-weight": 650 });
  row("homework", 0, r.homework, "fixed", true);
  for (const q of r.rows) {
    const y = rowY(q.k + 1);
    back.line(`rule${q.k}`, 0, y - ROW / 2, w, y - ROW / 2, { stroke: "var(--grid)" });
    if (q.inside) back.rect(`band${q.k}`, 0, y - ROW / 2, w, ROW, { fill: "var(--model)", opacity: 0.1 });
    if (q.seen) row(`fact${q.k}`, q.k + 1, q, q.inside ? "model" : "data", q.inside);
    else marks.text(`unseen${q.k}`, x(0), y + 4.5, "not looked at", { class: "label tick", "text-anchor": "middle", fill: "var(--muted)" });
    if (q.k === r.next) marks.el("path", "next", { d: `M${box.left - 6} ${y - 5}l9 5l-9 5z`, fill: "var(--model)" });
  }
}

/** How often the search finds something in other worlds, by the number of facts on offer. */
function drawWorlds(s, box, { state, result: r, set }, small) {
  const back = s.layer("worlds-back", { "aria-hidden": "true" }), lines = s.layer("worlds", { "aria-hidden": "true", "pointer-events": "none" });
  const x = linear([1, FACTS], [box.left + 14, box.right - 14]), y = linear([0, 1], [box.bottom, box.top]), along = (f) => r.worlds.map((q) => [x(q.m), y(f(q))]), dim = state.planned ? 0.35 : 1;
  back.text("title", 0, box.top - 34, `${r.count} other worlds of noise`, { "font-weight": 650 });
  axisX(back, x, box.bottom, { values: r.worlds.map((q) => q.m), label: "facts on offer" });
  axisY(back, y, box.left, { values: [0, 0.25, 0.5, 0.75, 1], grid: [box.left, box.right], format: (v) => num(100 * v, 0), label: small ? "searches with p < 0.05 in the end, %" : "searches that end with at least one p < 0.05, %", labelX: 0 });
  lines.path("luck", along((q) => q.luck), { stroke: "var(--muted)", "stroke-width": 1.6, "stroke-dasharray": "2 4" });
  lines.path("search", along((q) => q.share), { stroke: "var(--model)", "stroke-width": 2.6, opacity: dim });
  for (const q of r.worlds) lines.circle(`w${q.m}`, x(q.m), y(q.share), 3.5, { fill: "var(--model)", opacity: dim });
  lines.line("promise", box.left, y(LIMIT), box.right, y(LIMIT), { stroke: "var(--fixed)", "stroke-width": 1.4, "stroke-dasharray": "5 4" });
  if (state.planned) lines.line("planned", box.left, y(r.planned), box.right, y(r.planned), { stroke: "var(--good)", "stroke-width": 3 });
  const row = (i) => box.top + 12 + 18 * i, keys = [["search", "model", state.planned ? "search" : `search: ${percent(r.search.share)}`, null], ["luck", "muted", small ? "1 in m by luck" : "at least one of m by luck", "2 4"],
    ["promise", "fixed", "promised: 5 %", "5 4"], ...(state.planned ? [["planned", "good", `${small ? "" : "one "}planned: ${percent(r.planned)}`, null]] : [])];
  keys.forEach(([key, color, text, dash], i) => {
    lines.line(`${key}-key`, box.left + 8, row(i), box.left + 32, row(i), { stroke: `var(--${color})`, "stroke-width": 2.4, "stroke-dasharray": dash });
    lines.text(`${key}-name`, box.left + 38, row(i) + 4.5, text, { fill: color === "muted" ? "var(--muted)" : `var(--${color}-ink)`, "font-weight": 650 });
  });
  const move = (v) => { const m = Math.min(FACTS, Math.max(1, Math.round(v))); if (m !== state.facts) set(startWith(m)); };
  s.layer("points").handle("facts", {
    x: x(state.facts), y: y(r.search.share), r: 7, axis: "x", fill: "var(--model)", label: "Facts on offer to the search", now: state.facts, min: 1, max: FACTS,
    text: `${state.facts} facts on offer: ${percent(r.search.share)} of the searches find something, ${num(r.search.mean, 1)} facts on average`,
    drag: (to) => move(x.invert(to)), step: (dx, dy, big) => move(state.facts + (dx || dy) * (big ? 3 : 1)), edge: (way) => move(way < 0 ? 1 : FACTS),
  });
}

// --- The lab ------------------------------------------------------------------------------------

const TAU = "<span class=\"hat\">τ</span><sub>00</sub>", list = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);
const facts = (n) => (n === 1 ? "1 fact" : `${n} facts`);

function says(r, st) {
  const noise = "Each is a column of random numbers, whatever its name.";
  if (st.planned) return `One fact, <em>${NAMES[0]}</em>, named before anybody looked: p = ${pText(r.rows[0].p)}, and that is the whole study. In ${r.count} other worlds such a planned test is significant in <strong>${percent(r.planned)}</strong>. A little more than 5 % is to be expected, since <i>z</i> takes 23 schools for many.`;
  const others = `In ${r.count} other worlds the same search among ${facts(st.facts)} ended with at least one p < 0.05 in <strong>${percent(r.search.share)}</strong>.`;
  if (!r.chosen.length) return `${noise} None is in the model. ${r.next >= 0 ? `AIC would take <em>${NAMES[r.next]}</em> first (▸).` : "AIC would take none."} ${others}`;
  const signs = r.rows.filter((q) => q.inside && q.p < LIMIT).map((q) => `<em>${q.name}</em>`);
  return `${facts(r.chosen.length)} in the model after ${r.looks} tests looked at: ${signs.length ? `${list(signs)} ${signs.length > 1 ? "have" : "has"} p < 0.05` : "none has p < 0.05"}, and ${percent(Math.max(0, r.explained))} of the variance between schools is “explained”. ${noise} ${r.next >= 0 ? `AIC would take <em>${NAMES[r.next]}</em> next (▸).` : "AIC takes no more."} ${others}`;
}

const cells = (q) => [num(q.value, 4), num(q.se, 4), num(q.low, 3), num(q.high, 3), num(q.z, 3), num(q.p, 4)];

export default lab({
  name: "forking_paths",
  title: "Forking paths",
  idea: "A search among noise makes science. Twelve facts about 23 schools are random numbers with invented names. Tick those that you find plausible, or let AIC choose, and read the table.",
  state: { seed: 6, chosen: [], facts: FACTS, planned: false, looks: FACTS, worlds: 200 },
  controls: [
    { type: "button", id: "step", lead: true, label: (st, { result }) => (st.planned || result.next >= 0 ? "Let AIC choose one" : "AIC takes no more"), press: step, enabled: (st) => !st.planned },
    { type: "button", id: "end", main: false, lead: true, label: "To the end", press: toEnd, enabled: (st) => !st.planned },
    { type: "button", id: "none", main: false, lead: true, label: "None", press: (ctx) => choose(ctx, []), enabled: (st) => !st.planned },
    { type: "button", id: "other", main: false, lead: true, label: "Draw other facts", press: drawOthers },
    ...NAMES.map((name, k) => ({ key: `fact${k + 1}`, type: "check", label: name, over: ({ size }) => [0, rowY(k + 1), nameWidth(size[0]) - 8], value: (ctx) => inModel(ctx.state).includes(k),
      change: (ctx, on) => tick(ctx, k, on), enabled: (st) => !st.planned && k < st.facts })),
    { key: "planned", type: "check", label: `plan one fact in advance (${NAMES[0]}), and look at nothing else` },
    { key: "facts", type: "range", label: "facts on offer", symbol: "m", min: 1, max: FACTS, step: 1, change: (ctx, v) => { if (v !== ctx.state.facts) ctx.set(startWith(v)); }, enabled: (st) => !st.planned },
    { type: "button", id: "world", main: false, label: "Search another world (hold for many)", hold: true, press },
    { type: "button", id: "more", main: false, label: "Search 200 more worlds", press: (ctx) => more(ctx, 200) },
  ],
  compute,
  size: (w) => [w, FOOT + (w < 460 ? 320 : 330)],
  draw,
  readouts: (r, st) => [
    { key: "looks", label: "tests looked at so far", value: r.looks, text: String(r.looks) },
    { key: "chosen", label: "facts in the model", value: r.chosen.length, text: String(r.chosen.length), ink: "model" },
    { key: "found", label: "of them with p &lt; 0.05", value: r.found, text: String(r.found), ink: "model" },
    { key: "aic", label: "AIC", value: r.aic, text: num(r.aic, 1) },
    { key: "aic_base", label: "without any fact", value: r.aicBase, text: num(r.aicBase, 1) },
    { key: "tau2", label: "between schools", symbol: TAU, value: r.tau2, text: num(r.tau2, 2) },
    { key: "tau2_base", label: "without any fact", value: r.tau2Base, text: num(r.tau2Base, 2) },
    { key: "worlds", label: "other worlds searched", value: r.count, text: String(r.count) },
    { key: "share", label: `something found, ${facts(st.facts)}`, value: r.search.share, text: percent(r.search.share), ink: "model" },
    { key: "mean", label: "finds a search, on average", value: r.search.mean, text: num(r.search.mean, 2), ink: "model" },
    { key: "luck", label: `one of ${st.facts} by luck`, value: r.search.luck, text: percent(r.search.luck) },
    { key: "planned_share", label: "one planned fact, p &lt; 0.05", value: r.planned, text: percent(r.planned), ink: "good" },
    { key: "promise", label: "promised", value: LIMIT, text: "5 %" },
  ],
  says,
  table: (r, st) => ({
    caption: `math ~ homework + facts + (1 | schid) by ML: ${facts(r.chosen.length)} in the model, AIC ${num(r.aic, 3)} (${num(r.aicBase, 3)} without any), τ₀₀ ${num(r.tau2, 3)} (${num(r.tau2Base, 3)}), σ² ${num(r.fit.sigma2, 3)}; ${r.looks} tests looked at. A fact that is not in is shown as it would be if added. Last two columns: ${r.count} other worlds, searched among the facts down to this row; one planned fact ${percent(r.planned)}.`,
    columns: ["predictor", "in", "coefficient", "SE", "from", "to", "z", "p", "searches that find", "finds a search"],
    rows: [["homework", "yes", ...cells(r.homework), "", ""],
      ...r.rows.map((q) => [q.name, q.inside ? "yes" : "no", ...(q.seen ? cells(q) : new Array(6).fill("–")), percent(r.worlds[q.k].share), num(r.worlds[q.k].mean, 2)])],
  }),
  describe: (r, st) => `A table of ${FACTS} invented school facts, all random numbers, each with its coefficient, interval and p-value, under the real predictor homework. ${r.chosen.length ? `In the model: ${list(r.chosen.map((k) => `${NAMES[k]} (p ${pText(r.rows[k].p)})`))}.` : "None is in the model."} The others are shown as they would be if added. Below, the share of ${r.count} other worlds in which the search finds something, against the number of facts on offer: it rises from ${percent(r.worlds[0].share)} with one to ${percent(r.worlds.at(-1).share)} with twelve; ${st.facts} are on offer. The promise is 5 percent; one planned fact is significant in ${percent(r.planned)}.`,
  announce: (r, st) => (st.planned ? `One planned fact, ${NAMES[0]}: p ${pText(r.rows[0].p)}. In ${r.count} worlds ${percent(r.planned)} significant.`
    : `${facts(r.chosen.length)} in the model, ${r.found} with p below 0.05; AIC ${num(r.aic, 1)}; ${r.looks} tests looked at. ${st.facts} on offer: ${percent(r.search.share)} of ${r.count} searches find something.`),
  tries: [
    { try: "Press “Let AIC choose one” until it takes no more. What would the paper say?",
      see: "Four facts come in, and three have p &lt; 0.05: principal’s years, clubs and lunch minutes, with 46 % of the variance between schools “explained” and an AIC five points lower. Alone only the first was significant: what comes in lowers τ<sub>00</sub>, and with it the standard errors of what comes next. The paper would show one table. There were five, and 60 tests." },
    { try: "Press “Draw other facts” a few times, each time followed by “To the end”. How often does nothing come out?",
      see: "The first five draws end with 4, 0, 5, 0 and 4 facts that have p &lt; 0.05. Nobody would publish the second and the fourth. In the long run nothing comes out of about two searches in nine, and an average search brings home two finds. Nothing is there to be found in any of them." },
    { try: "Pull the number of facts on offer from 12 down to 1, then plan one fact in advance.",
      see: "The curve falls from 77 % through 43 % with six facts to 8.5 %, and stays above the dotted line, which is luck in as many separate tests: the search also picks the company in which a fact looks well. One planned fact is the honest end. With more worlds it settles between 7 and 8 %, not at 5: <i>z</i> takes 23 schools for many, and a <i>t</i> would not." },
  ],
});
