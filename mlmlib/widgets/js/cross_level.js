// A cross-level interaction (chapter 5). Left, what level 2 says: each school's level and slope against its mean SES.
// Right, what that means inside a school: the model's line for one sector and mean SES, beside the other sector's.
import { lab } from "./frame.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const Z = 1.959963984540054;
const SECTORS = { Public: { color: "data", mark: 3 }, Catholic: { color: "good", mark: 3.4 } };
const other = (sector) => (sector === "Public" ? "Catholic" : "Public");

// --- Numbers ------------------------------------------------------------------------------------
// The six coefficients, in the order in which Python sends them: level 1, w, z; slope 1, w, z.

const dot = (a, b) => a.reduce((s, v, k) => s + v * b[k], 0);
const value = (row, { gamma, cov }) => ({ row, value: dot(row, gamma), se: Math.sqrt(Math.max(0, dot(row, cov.map((c) => dot(c, row))))) });
const within = ({ value: v, se }) => ({ lower: v - Z * se, upper: v + Z * se });

/** A linear combination of the coefficients with its standard error from their covariance matrix. */
const combine = (row, data) => { const c = value(row, data); return { ...c, ...within(c) }; };

export function schoolOf(sector, w, data) {
  const z = sector === "Catholic" ? 1 : 0;
  return { sector, w, z, level: combine([1, w, z, 0, 0, 0], data), slope: combine([0, 0, 0, 1, w, z], data),
    at: (x) => combine([1, w, z, x, x * w, x * z], data) };
}

export function compute({ mean_ses: w, sector, student }, data) {
  const [, , g02, , , g12] = data.gamma, v02 = data.cov[2][2], v12 = data.cov[5][5], c = data.cov[2][5];
  // sectors differ by g02 + g12 x: where that is zero, and where its interval still holds zero
  const A = g12 ** 2 - Z * Z * v12, B = g02 * g12 - Z * Z * c, C = g02 ** 2 - Z * Z * v02, disc = B * B - A * C;
  const unsure = A > 0 && disc > 0 ? [(-B - Math.sqrt(disc)) / A, (-B + Math.sqrt(disc)) / A] : null;
  const chosen = schoolOf(sector, w, data), twin = schoolOf(other(sector), w, data);
  return { gamma: data.gamma, chosen, twin, cross: -g02 / g12, unsure, difference: combine([0, 0, 1, 0, 0, student], data),
    student: chosen.at(student), twinStudent: twin.at(student),
    kinds: ["Public", "Catholic"].flatMap((name) => data.typical.map(([label, v]) => ({ label, ...schoolOf(name, v, data) }))) };
}

// --- The picture --------------------------------------------------------------------------------

const signed = (v, digits = 2) => (Number(v.toFixed(digits)) > 0 ? "+" : "") + num(v, digits);

function draw(o) {
  const { s, w } = o, wide = w >= 440, leftW = wide ? Math.round(w * 0.46) : w - 8, tall = wide ? 150 : 130;
  const first = { left: 30, right: leftW, top: 34, bottom: 34 + tall }, second = { ...first, top: first.bottom + 66, bottom: first.bottom + 66 + tall };
  const mine = wide ? { left: leftW + 44, right: w - 10, top: 34, bottom: second.bottom } : { left: 30, right: w - 12, top: second.bottom + 84, bottom: second.bottom + 324 };
  for (const name of ["axes", "dots", "lines"]) s.layer(name, { "aria-hidden": "true", "pointer-events": "none" });
  drawLevelTwo(s, first, "level", "level β_{0j}: mean score of the school", o, 0);
  drawLevelTwo(s, second, "slope", "slope β_{1j}: points a unit of own SES", o, 1);
  drawInside(s, mine, o);
}

/** Each school's level or slope against its mean SES, and level 2's line for each sector. */
function drawLevelTwo(s, box, key, name, { state, data, result: r, set }, k) {
  const x = linear(data.wRange, [box.left, box.right]), y = linear(state.own ? data.ownRange[key] : data.range[key], [box.bottom, box.top]);
  const axes = s.layer(`axes-${key}`, { "aria-hidden": "true" }), dots = s.layer(`dots-${key}`, { "aria-hidden": "true" }),
    lines = s.layer(`lines-${key}`, { "aria-hidden": "true", "pointer-events": "none" });
  axisX(axes, x, box.bottom, { values: [-1, -0.5, 0, 0.5], format: (v) => num(v, v % 1 ? 1 : 0), label: k ? "mean SES of the school, w_{1j}" : undefined });
  axisY(axes, y, box.left, { ticks: 4, grid: [box.left, box.right], label: name, labelX: 0 });
  const show = (v) => clamp(v, ...y.domain);
  for (const school of data.schools) {
    const { label, w, sector } = school, here = x(w), chosen = sector === state.sector;
    if (state.own && Number.isFinite(school[`own_${key}`])) {
      dots.line(`a${label}`, here, y(show(school[`own_${key}`])), here, y(school[key]), { stroke: "var(--unpooled)", "stroke-width": 0.8, opacity: 0.35 });
      dots.circle(`o${label}`, here, y(show(school[`own_${key}`])), 1.8, { fill: "var(--unpooled)", opacity: 0.75 });
    }
    dots.circle(`d${label}`, here, y(school[key]), SECTORS[sector].mark, { fill: `var(--${SECTORS[sector].color})`, opacity: chosen ? 0.9 : 0.45 });
  }
  for (const school of [r.twin, r.chosen]) {
    const chosen = school === r.chosen, ends = data.wRange.map((w) => [x(w), y(show(dot(school[key].row.with(1 + 3 * k, w), data.gamma)))]);
    lines.path(school.sector, ends, { stroke: `var(--${SECTORS[school.sector].color})`, "stroke-width": chosen ? 3 : 2, "stroke-dasharray": chosen ? null : "5 4" });
  }
  const { value: v, lower, upper } = r.chosen[key], px = x(state.mean_ses);
  lines.line("now", px, box.top, px, box.bottom, { stroke: "var(--focus)", "stroke-width": 1.2, "stroke-dasharray": "2 3" });
  lines.line("interval", px, y(lower), px, y(upper), { stroke: "var(--fixed)", "stroke-width": 2.4 });
  const side = state.mean_ses > -0.25 ? -1 : 1;
  lines.text("value", px + side * 11, y(v) - 9, num(v, 2), { "text-anchor": side > 0 ? "start" : "end", "font-weight": 700 });
  const [low, high] = data.slide, move = (to) => set({ mean_ses: clamp(Number((Math.round(to * 50) / 50).toFixed(2)), low, high) });
  s.layer(`points-${key}`).handle(key, {
    x: px, y: y(v), r: 6.5, axis: "x", fill: "var(--fixed)", label: `Mean SES of the school, on the line of its ${key}`, now: state.mean_ses, min: low, max: high,
    text: `mean SES ${num(state.mean_ses, 2)}, ${state.sector}: ${key} ${num(v, 2)}`,
    drag: (to) => move(x.invert(to)),
    step: (dx, dy, big) => move(state.mean_ses + (dx || dy) * (big ? 0.2 : 0.02)),
  });
}

/** The model's lines inside a school of the chosen kind and inside its twin of the other sector. */
function drawInside(s, box, { state, data, result: r, set }) {
  const x = linear([-2, 2], [box.left, box.right]), y = linear([0, 25], [box.bottom, box.top]);
  const axes = s.layer("inside-axes", { "aria-hidden": "true" }), lines = s.layer("inside", { "aria-hidden": "true", "pointer-events": "none" });
  axisX(axes, x, box.bottom, { values: [-2, -1, 0, 1, 2], label: "own SES − school mean, x_{ij}", format: (v) => signed(v, 0) });
  axisY(axes, y, box.left, { values: [0, 5, 10, 15, 20], grid: [box.left, box.right], label: "math score inside such a school", labelX: box.left - 28 });
  const inside = (v) => clamp(v, ...y.domain), grid = Array.from({ length: 33 }, (_, i) => -2 + i / 8);
  const edge = (which) => grid.map((v) => [x(v), y(inside(r.chosen.at(v)[which]))]);
  lines.path("band", [...edge("upper"), ...edge("lower").reverse()], { fill: `var(--${SECTORS[state.sector].color})`, "fill-opacity": 0.22, stroke: "none" });
  const low = Math.max(-2, r.unsure?.[0] ?? 9), high = Math.min(2, r.unsure?.[1] ?? 9);
  if (low < high) {
    lines.rect("unsure", x(low), box.top, x(high) - x(low), box.bottom - box.top, { fill: "var(--purple)", "fill-opacity": 0.1 });
    lines.text("unsure-name", clamp((x(low) + x(high)) / 2, box.left + 50, box.right - 50), box.bottom - 26, "too close to call", { class: "label tick", "text-anchor": "middle", fill: "var(--muted)" });
  }
  for (const school of [r.twin, r.chosen]) {
    const chosen = school === r.chosen, color = SECTORS[school.sector].color, at = (v) => dot([1, school.w, school.z, v, v * school.w, v * school.z], data.gamma);
    lines.path(school.sector, [-2, 2].map((v) => [x(v), y(inside(at(v)))]), { stroke: `var(--${color})`, "stroke-width": chosen ? 3.4 : 2, "stroke-dasharray": chosen ? null : "5 4" });
    const row = box.top + (school.sector === "Catholic" ? 12 : 30); // no line ever comes up to this corner
    lines.line(`${school.sector}-key`, box.left + 8, row, box.left + 32, row, { stroke: `var(--${color})`, "stroke-width": chosen ? 3.4 : 2, "stroke-dasharray": chosen ? null : "5 4" });
    lines.text(`${school.sector}-name`, box.left + 38, row + 4.5, school.sector, { fill: `var(--${color}-ink)`, "font-weight": 650 });
  }
  // the slope as a step: one unit to the right, so many points up
  const { level, slope } = r.chosen, foot = level.value, head = foot + slope.value;
  lines.path("step", [[x(0), y(foot)], [x(1), y(foot)], [x(1), y(head)]], { stroke: "var(--fixed)", "stroke-width": 1.8 });
  lines.text("step-name", x(1) + 6, y((foot + head) / 2) + (slope.value > 1 ? 8 : 22), signed(slope.value), { "font-weight": 700 });
  lines.circle("level", x(0), y(foot), 4.6, { fill: "var(--fixed)", stroke: "var(--bg)", "stroke-width": 1.2 });
  lines.text("level-name", x(0) + 4, y(foot) + 26, `level ${num(foot, 1)}`, { "font-weight": 700 });
  if (Math.abs(r.cross) < 2) {
    const joint = dot([1, state.mean_ses, 0, r.cross, r.cross * state.mean_ses, 0], data.gamma);
    lines.line("cross", x(r.cross), y(joint), x(r.cross), box.bottom, { stroke: "var(--muted)", "stroke-dasharray": "2 3" });
    lines.text("cross-name", x(r.cross), box.bottom - 8, `equal at ${signed(r.cross)}`, { "text-anchor": "middle", fill: "var(--muted)", class: "label tick" });
  }
  const mine = r.student.value, theirs = r.twinStudent.value;
  lines.line("gap", x(state.student), y(inside(mine)), x(state.student), y(inside(theirs)), { stroke: "var(--model)", "stroke-width": 3 });
  const move = (v) => set({ student: clamp(Number((Math.round(v * 20) / 20).toFixed(2)), -2, 2) });
  s.layer("student").handle("student", {
    x: x(state.student), y: y(inside(mine)), r: 6.5, axis: "x", fill: "var(--model)", label: "A student’s SES relative to schoolmates", now: state.student, min: -2, max: 2,
    text: `${signed(state.student)}: predicted ${num(mine, 1)}, Catholic minus public ${signed(r.difference.value)}`,
    drag: (to) => move(x.invert(to)),
    step: (dx, dy, big) => move(state.student + (dx || dy) * (big ? 0.5 : 0.05)),
  });
}

// --- The lab ------------------------------------------------------------------------------------

const GAMMA = (sub) => `<span class="hat">γ</span><sub>${sub}</sub>`, BETA = (sub) => `<span class="hat">β</span><sub>${sub}</sub>`;
const term = (v, times) => `${v < 0 ? "−" : "+"} ${num(Math.abs(v), 2)}·${times < 0 ? `(${num(times, 2)})` : num(times, 2).replace(/\.00$/, "")}`;
const equation = (k, [g0, g1, g2], { w, z }, result) => `${BETA(k)} = ${GAMMA(`${k}0`)} + ${GAMMA(`${k}1`)}w<sub>1</sub> + ${GAMMA(`${k}2`)}w<sub>2</sub> = ${num(g0, 2)} ${term(g1, w)} ${term(g2, z)} = <strong>${num(result, 2)}</strong>`;

export default lab({
  name: "cross_level",
  title: "Cross-level interaction",
  idea: "Facts about a school move two things inside it: the level of its line and the slope. Pick a kind of school, and see its line.",
  state: { mean_ses: 0, sector: "Catholic", student: -1, own: false },
  controls: (ctx) => [
    { key: "sector", type: "select", lead: true, label: "Sector, w<sub>2j</sub>", options: [["Public", "Public (0)"], ["Catholic", "Catholic (1)"]] },
    { key: "mean_ses", type: "range", label: "mean SES of the school", symbol: "w<sub>1j</sub>", min: ctx.data.slide[0], max: ctx.data.slide[1], step: 0.02, format: (v) => signed(v) },
    { key: "student", type: "range", label: "a student, relative to schoolmates", symbol: "x<sub>ij</sub>", min: -2, max: 2, step: 0.05, format: (v) => signed(v) },
    { key: "own", type: "check", label: "show each school’s own estimates too (no pooling)" },
  ],
  compute,
  size: (w) => [w, w >= 440 ? 450 : 740],
  draw,
  readouts: (r) => [
    { key: "level", label: "level of such a school", symbol: BETA("0"), value: r.chosen.level.value, text: num(r.chosen.level.value, 2) },
    { key: "level_se", label: "its standard error", value: r.chosen.level.se, text: num(r.chosen.level.se, 2) },
    { key: "slope", label: "slope in it", symbol: BETA("1"), value: r.chosen.slope.value, text: num(r.chosen.slope.value, 2) },
    { key: "slope_se", label: "its standard error", value: r.chosen.slope.se, text: num(r.chosen.slope.se, 2) },
    { key: "difference", label: "Catholic − public, this student", value: r.difference.value, text: signed(r.difference.value), ink: "model" },
    { key: "difference_se", label: "its standard error", value: r.difference.se, text: num(r.difference.se, 2), ink: "model" },
    { key: "cross", label: "sectors are equal at", symbol: "x", value: r.cross, text: signed(r.cross) },
    ...[["00", "level, public, w<sub>1</sub> = 0"], ["01", "level, by mean SES"], ["02", "level, Catholic"], ["10", "slope, public, w<sub>1</sub> = 0"], ["11", "slope, by mean SES"], ["12", "slope, Catholic"]]
      .map(([sub, label], k) => ({ key: `gamma${sub}`, label, symbol: GAMMA(sub), value: r.gamma[k], text: num(r.gamma[k], 2) })),
  ],
  says: ({ gamma: g, chosen: c }) => `${equation(0, g.slice(0, 3), c, c.level.value)}<br>${equation(1, g.slice(3), c, c.slope.value)}`,
  table: (r, st, data) => {
    const row = (k, who) => [who, k.sector, num(k.w, 2), num(k.level.value, 3), num(k.level.se, 3), num(k.slope.value, 3), num(k.slope.se, 3)];
    return {
      caption: `Model: level and slope of kinds of school. Catholic − public at x = ${num(st.student, 2)}: ${signed(r.difference.value, 3)} (SE ${num(r.difference.se, 3)}), zero at x = ${num(r.cross, 3)}${r.unsure
        ? `, its 95 % interval holds zero from ${num(r.unsure[0], 3)} to ${num(r.unsure[1], 3)}` : ""}. Then the ${data.schools.length} schools.`,
      columns: ["school", "sector", "mean SES", "level", "SE", "slope", "SE"],
      rows: [row(r.chosen, "the one chosen"), row(r.twin, "the same, other sector"), ...r.kinds.map((k) => row(k, k.label)),
        ...data.schools.map((q) => [q.label, q.sector, num(q.w, 3), num(q.level, 3), "–", num(q.slope, 3), "–"])],
    };
  },
  describe: (r, st, data) => `Left, ${data.schools.length} schools: level and slope against mean SES, with a line for each sector. Levels rise with mean SES, Catholic schools a little above; slopes rise a little with mean SES and are lower in Catholic schools. Right, the lines inside a ${st.sector} school of mean SES ${num(st.mean_ses, 2)}, level ${num(r.chosen.level.value, 1)}, slope ${num(r.chosen.slope.value, 2)}, and inside its twin of the other sector; the Catholic line starts higher and rises less, and they meet at ${num(r.cross, 2)}.`,
  announce: (r, st) => `${st.sector}, mean SES ${num(st.mean_ses, 2)}: level ${num(r.chosen.level.value, 1)}, slope ${num(r.chosen.slope.value, 2)}. At ${num(st.student, 2)}, Catholic minus public ${num(r.difference.value, 2)}.`,
  tries: [
    { try: "Slide mean SES from left to right, and watch the line inside the school. What does it do besides rising?",
      see: "It turns: γ<sub>11</sub> makes the slope steeper in richer schools, in Catholic schools from next to nothing to more than two points. One dot runs along two lines on the left, a steep one for levels and a gentle one for slopes, and those two lines are level 2 of the model." },
    { try: "Now watch the place where the two sectors’ lines meet while mean SES moves.",
      see: "It stays at the same <em>x</em>. Sectors differ by γ<sub>02</sub> + γ<sub>12</sub><i>x</i>, and mean SES is not in it: the model has no term in which sector, mean SES and the student’s SES are multiplied. That is a claim, and it could be tested." },
    { try: "Move the student from −2 to +2. Where can the data not tell the sectors apart?",
      see: "At the bottom of their school, students of Catholic schools are ahead by more than four points; at the top the sign turns. In the shaded stretch the 95 % interval of the difference holds zero. Left of it Catholic schools are ahead, right of it public ones, and few students sit there." },
  ],
});
