// Lab of chapter 2: students as lights in schools. The intraclass correlation puts lights out; those left burning are
// the effective sample size.

import { lab } from "./frame.js";
import { normalTail } from "./numerics.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const LIMIT = { n: [1, 80], J: [2, 60] };
const Z = 1.959963984540054;

/** Kish's design effect and what follows from it, for J schools of n students. */
export function compute({ icc, n, J }) {
  const N = n * J, deff = 1 + (n - 1) * icc, nEff = N / deff;
  return { N, deff, nEff, lit: n / deff, ceiling: icc > 0 ? J / icc : Infinity, seFactor: Math.sqrt(deff), alpha: 2 * normalTail(Z / Math.sqrt(deff)) };
}

const schoolsFor = (total, n) => Math.max(LIMIT.J[0], Math.round(total / n));

/** Another cluster size; where the number of students is kept, the number of schools gives way. */
function resize(state, n) {
  const size = clamp(Math.round(n), ...LIMIT.n);
  return state.keep ? { n: size, J: schoolsFor(state.total, size) } : { n: size };
}

/** The arrangement of J boxes with n dots each in W x H that lets the dots be largest. */
export function arrange(J, n, W, H, most = 15) {
  let best = { pitch: 0 };
  for (let cols = 1; cols <= J; cols++) {
    const rows = Math.ceil(J / cols), bw = W / cols, bh = H / rows;
    for (let dc = 1; dc <= n; dc++) {
      const dr = Math.ceil(n / dc), pitch = Math.min((bw - 4) / (dc + 0.7), (bh - 4) / (dr + 0.7), most);
      if (pitch > best.pitch + 1e-9) best = { pitch, cols, rows, dc, dr };
    }
  }
  return best;
}

function drawSchools(s, state, r, box) {
  const { J, n } = state, a = arrange(J, n, box.w, box.h), p = a.pitch;
  const bw = (a.dc + 0.7) * p, bh = (a.dr + 0.7) * p, gapX = Math.min(box.w / a.cols - bw, 10), gapY = Math.min(box.h / a.rows - bh, 10);
  const left = box.x + (box.w - a.cols * (bw + gapX) + gapX) / 2, top = box.y + (box.h - a.rows * (bh + gapY) + gapY) / 2;
  const frames = s.layer("schools", { "aria-hidden": "true" }), dots = s.layer("dots", { "aria-hidden": "true" });
  const whole = Math.floor(r.lit + 1e-9), part = r.lit - whole;
  const paths = { on: [], off: [], part: [] };
  let outline = "";
  for (let j = 0; j < J; j++) {
    const x0 = left + (j % a.cols) * (bw + gapX), y0 = top + Math.floor(j / a.cols) * (bh + gapY);
    outline += `M${x0.toFixed(1)} ${y0.toFixed(1)}h${bw.toFixed(1)}v${bh.toFixed(1)}h${(-bw).toFixed(1)}z`;
    for (let i = 0; i < n; i++) { // lights fill from the bottom row, like a glass
      const cx = x0 + ((i % a.dc) + 0.85) * p, cy = y0 + bh - (Math.floor(i / a.dc) + 0.85) * p;
      paths[i < whole ? "on" : i === whole && part > 0.02 ? "part" : "off"].push(`M${cx.toFixed(1)} ${cy.toFixed(1)}h.01`);
    }
  }
  frames.el("path", "boxes", { d: outline, fill: "none", stroke: "var(--edge)", "stroke-linejoin": "round" });
  const dot = { fill: "none", "stroke-linecap": "round", "stroke-width": p * 0.74 };
  dots.el("path", "off", { ...dot, d: paths.off.join("") || "M0 0", stroke: "var(--off)" });
  dots.el("path", "part-off", { ...dot, d: paths.part.join("") || "M0 0", stroke: "var(--off)" });
  dots.el("path", "part", { ...dot, d: paths.part.join("") || "M0 0", stroke: "var(--model)", "stroke-opacity": part });
  dots.el("path", "on", { ...dot, d: paths.on.join("") || "M0 0", stroke: "var(--model)" });
}

function drawCurve(s, state, r, box, set) {
  const schools = (n) => (state.keep ? schoolsFor(state.total, n) : state.J), at = (n) => compute({ icc: state.icc, n, J: schools(n) });
  const top = state.keep ? state.total * 1.15 : clamp(Math.min(state.J * LIMIT.n[1], Math.max(at(LIMIT.n[1]).nEff * 1.7, r.N * 1.12)), 10, 1e9);
  const sx = linear([0, LIMIT.n[1]], [box.x, box.x + box.w]), sy = linear([0, top], [box.y + box.h, box.y]);
  const axes = s.layer("axes", { "aria-hidden": "true" }), lines = s.layer("lines", { "aria-hidden": "true" });
  axisX(axes, sx, box.y + box.h, { label: "students a school, n", values: [1, 20, 40, 60, 80] });
  axisY(axes, sy, box.x, { ticks: 3, grid: [box.x, box.x + box.w], label: "students", labelX: 4 });
  const ns = Array.from({ length: LIMIT.n[1] }, (_, i) => i + 1), inside = (v) => (v <= top ? sy(v) : NaN);
  const share = state.keep ? state.total : null;
  const believed = (n) => share ?? n * state.J;
  const edge = Math.min(LIMIT.n[1], share === null ? top / state.J : LIMIT.n[1]);
  lines.path("believed", [[sx(1), sy(believed(1))], [sx(edge), sy(believed(edge))]], { stroke: "var(--pooled)", "stroke-width": 2.5 });
  const early = share === null && edge < 45; // the line leaves the picture early: its name stands to the right of it
  lines.text("believed-name", share !== null ? sx(LIMIT.n[1]) : sx(edge) + (early ? 6 : -8), share !== null ? sy(share) - 7 : box.y + 12, "N, what OLS counts",
    { fill: "var(--pooled-ink)", "text-anchor": early ? "start" : "end" });
  const smooth = (n) => (share === null ? at(n).nEff : share / (1 + (n - 1) * state.icc));
  lines.path("worth", ns.map((n) => [sx(n), inside(smooth(n))]), { stroke: "var(--model)", "stroke-width": 3 });
  const end = smooth(LIMIT.n[1]), named = { fill: "var(--model-ink)", "text-anchor": share === null ? "end" : "start" };
  if (share !== null) lines.text("worth-name", sx(9), sy(smooth(9)) - 9, "N_eff, what they are worth", named);
  else if (sy(end) - sy(believed(LIMIT.n[1])) < 60) lines.text("worth-name", sx(LIMIT.n[1]), box.y + box.h - 10, state.icc ? "N_eff, what they are worth" : "N_eff is N: all of them are news", named);
  else if (end <= top) { // below the curve; where there is no room, above the ceiling's own name
    const y = sy(end) + 26 < box.y + box.h ? sy(end) + 20 : sy(Math.min(r.ceiling, top)) - (r.ceiling <= top ? 24 : -14);
    lines.text("worth-name", sx(LIMIT.n[1]), y, "N_eff, what they are worth", named);
  }
  if (share === null && r.ceiling <= top) {
    lines.line("ceiling", box.x, sy(r.ceiling), box.x + box.w, sy(r.ceiling), { stroke: "var(--muted)", "stroke-dasharray": "5 4" });
    lines.text("ceiling-name", sx(LIMIT.n[1]), sy(r.ceiling) - 6, `ceiling J/ρ = ${num(r.ceiling, 0)}`, { fill: "var(--muted)", "text-anchor": "end" });
  }
  lines.line("gap", sx(state.n), clamp(sy(r.N), box.y, box.y + box.h), sx(state.n), sy(r.nEff), { stroke: "var(--data)", "stroke-dasharray": "2 3" });
  s.layer("points").handle("n", {
    x: sx(state.n), y: inside(r.nEff) || box.y, r: 8, axis: "x", fill: "var(--model)", label: "Students a school", now: state.n, min: LIMIT.n[0], max: LIMIT.n[1],
    text: `${state.n} students a school, effective sample size ${num(r.nEff, 0)}`,
    drag: (px) => set(resize(state, sx.invert(px))),
    step: (dx, dy, big) => set(resize(state, state.n + (dx || dy) * (big ? 10 : 1))),
  });
}

function draw({ s, w, h, state, result, set }) {
  const lower = w < 480 ? 150 : 170, foot = 46;
  drawSchools(s, state, result, { x: 2, y: 2, w: w - 4, h: h - lower - foot - 40 });
  drawCurve(s, state, result, { x: 44, y: h - lower - foot + 8, w: w - 54, h: lower - 8 }, set);
}

const percent = (v, digits = 0) => `${num(100 * v, digits)} %`;

export default lab({
  name: "design_effect",
  title: "What clustering costs",
  idea: "A dot is a student, a box a school. The lights left on are as many independent students as these are worth.",
  state: { icc: 0.1, n: 20, J: 30, keep: false, total: 600 },
  python: ({ icc, n, J, keep }) => ({ icc, n, J, keep }),
  controls: [
    { key: "icc", type: "range", label: "intraclass correlation", symbol: "ρ", min: 0, max: 0.5, step: 0.005, format: (v) => num(v, 3) },
    { key: "n", type: "range", label: "students a school", symbol: "n", min: LIMIT.n[0], max: LIMIT.n[1], step: 1, change: (ctx, n) => ctx.set(resize(ctx.state, n)) },
    { key: "J", type: "range", label: "schools", symbol: "J", min: LIMIT.J[0], max: LIMIT.J[1], step: 1, enabled: (state) => !state.keep },
    { key: "keep", type: "check", label: (state) => `Keep about ${state.keep ? state.total : state.n * state.J} students: larger schools, fewer of them`,
      change: (ctx, keep) => ctx.set({ keep, J: clamp(ctx.state.J, ...LIMIT.J), total: ctx.state.n * ctx.state.J }) },
  ],
  size: (w) => (w < 480 ? [w, 470] : [w, 530]),
  compute,
  draw,
  readouts: (r) => [
    { key: "N", label: "students", symbol: "N = nJ", value: r.N, text: num(r.N, 0), ink: "pooled" },
    { key: "deff", label: "design effect", symbol: "1 + (n − 1)ρ", value: r.deff, text: num(r.deff, 2) },
    { key: "nEff", label: "effective sample size", symbol: "N<sub>eff</sub>", value: r.nEff, text: num(r.nEff, 0), ink: "model" },
    { key: "lit", label: "lights on in a school", value: r.lit, text: num(r.lit, 1) },
    { key: "seFactor", label: "true SE over OLS’s", symbol: "√deff", value: r.seFactor, text: num(r.seFactor, 2) },
    { key: "alpha", label: "a 5 % test errs", value: r.alpha, text: percent(r.alpha, 1), ink: "model" },
  ],
  says: (r, st) => `${num(r.N, 0)} students in ${st.J} schools say as much about a mean, or about anything that is the same for a whole school, as <strong>${num(r.nEff, 0)}</strong> students drawn one by one. OLS counts all ${num(r.N, 0)}, and its 5 % test of a school-level predictor errs ${percent(r.alpha)} of the time.`,
  table: (r, st) => {
    const sizes = [...new Set([1, 5, 10, 20, 40, 80, st.n])].sort((a, b) => a - b);
    return {
      caption: `ρ = ${num(st.icc, 3)}${st.keep ? `, about ${st.total} students` : `, ${st.J} schools`}`,
      columns: ["students a school", "schools", "students", "design effect", "effective sample size", "a 5 % test errs"],
      rows: sizes.map((n) => {
        const J = st.keep ? schoolsFor(st.total, n) : st.J, q = compute({ icc: st.icc, n, J });
        return [`${n}${n === st.n ? " (now)" : ""}`, String(J), num(q.N, 0), num(q.deff, 2), num(q.nEff, 1), percent(q.alpha, 1)];
      }),
    };
  },
  describe: (r, st) => `${st.J} boxes, one a school, with ${st.n} dots each, one a student. In each box ${num(r.lit, 1)} of ${st.n} dots are lit: with an intraclass correlation of ${num(st.icc, 3)} the design effect is ${num(r.deff, 2)}, and ${num(r.N, 0)} students are worth ${num(r.nEff, 0)}. Below, a curve of the effective sample size over students a school${st.keep ? ", falling as schools become larger and fewer" : `, which flattens${r.ceiling < Infinity ? ` toward ${num(r.ceiling, 0)}` : ""}`}; its point can be dragged.`,
  announce: (r) => `Design effect ${num(r.deff, 2)}, effective sample size ${num(r.nEff, 0)} of ${num(r.N, 0)}; a 5 percent test errs ${percent(r.alpha, 1)}.`,
  tries: [
    { try: "Pull ρ down to 0.05, a value that many papers call negligible.",
      see: "Half of the lights are still out: twenty students a school make a design effect of 1.95. What counts is not ρ but (<i>n</i> − 1)ρ." },
    { try: "Back at ρ = 0.10, drag the point on the curve from 20 students a school to 60. Then go back, and double the schools instead.",
      see: "Three times the students buy a quarter more information: 207 becomes 261, and the ceiling is 300 however many you test. Twice the schools make it 414. Schools are the sample; students only sharpen our picture of each." },
    { try: "With ρ = 0.05, keep the 600 students, and put them into schools of 60.",
      see: "Ten schools are left, worth 152 students, and the 5 % test now errs in one of three tries. Nothing in a regression table shows it: the count of rows is the same." },
  ],
});
