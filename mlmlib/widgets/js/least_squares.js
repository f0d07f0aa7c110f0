// Lab of chapter 1: drag a student, and the least-squares line, its squares and its standard error follow. Enter every
// student twice, and the standard error falls though nothing new is known.

import { lab } from "./frame.js";
import { lineFit, tQuantile } from "./numerics.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const SCHOOLS = {
  72991: { x: [4, 4, 2, 1, 2, 1, 1, 1, 1, 5, 1, 0, 0, 5], y: [67, 69, 53, 59, 65, 57, 44, 61, 41, 71, 49, 30, 40, 63] },
  6327: { x: [1, 0, 0, 0, 1, 1, 0, 3], y: [46, 63, 68, 65, 56, 61, 61, 39] },
};
const X = [0, 7], Y = [20, 80];

/** The fit as a reader's computer would print it, with every student entered `copies` times. */
export function compute({ x, y, twice }) {
  const fit = lineFit(twice ? [...x, ...x] : x, twice ? [...y, ...y] : y);
  const once = twice ? lineFit(x, y) : fit;
  const t = tQuantile(0.975, fit.df);
  return { ...fit, t, lower: fit.slope - t * fit.seSlope, upper: fit.slope + t * fit.seSlope, seOnce: once.seSlope,
    ratio: once.seSlope / fit.seSlope };
}

const seMean = (fit, x) => fit.sigma * Math.sqrt(1 / fit.n + (x - fit.meanX) ** 2 / fit.sxx);

function draw({ s, w, h, state, result: fit, set }) {
  const m = { left: 44, right: 14, top: 34, bottom: 48 };
  const sx = linear([X[0] - 0.35, X[1] + 0.35], [m.left, w - m.right]), sy = linear(Y, [h - m.bottom, m.top]);
  const axes = s.layer("axes", { "aria-hidden": "true" });
  axisX(axes, sx, sy(Y[0]), { values: [0, 1, 2, 3, 4, 5, 6, 7], label: "homework (hours a week)" });
  axisY(axes, sy, sx.range[0], { values: [20, 30, 40, 50, 60, 70, 80], label: "math score", grid: [sx.range[0], sx.range[1]], labelX: 6 });

  const inside = (v) => clamp(sy(v), m.top, h - m.bottom), at = (x) => fit.intercept + fit.slope * x;
  const band = s.layer("band", { "aria-hidden": "true" }), squares = s.layer("squares", { "aria-hidden": "true" });
  const lines = s.layer("lines", { "aria-hidden": "true" });
  if (Number.isFinite(fit.slope)) {
    const grid = Array.from({ length: 41 }, (_, i) => sx.domain[0] + (i / 40) * (sx.domain[1] - sx.domain[0]));
    const edge = (sign) => grid.map((x) => [sx(x), inside(at(x) + sign * fit.t * seMean(fit, x))]);
    band.path("band", [...edge(1), ...edge(-1).reverse()], { fill: "var(--pooled)", "fill-opacity": 0.2, stroke: "none" });
    state.x.forEach((x, i) => {
      const e = state.y[i] - at(x), side = Math.abs(sy(e) - sy(0)), top = Math.min(sy(state.y[i]), sy(at(x)));
      if (state.squares) {
        const left = sx(x) + side < sx.range[1] ? sx(x) : sx(x) - side;
        squares.rect(`q${i}`, left, top, side, side, { fill: "var(--data)", "fill-opacity": 0.13, stroke: "var(--data)", "stroke-opacity": 0.55 });
      }
      lines.line(`e${i}`, sx(x), sy(state.y[i]), sx(x), sy(at(x)), { stroke: "var(--data)", "stroke-width": 1.5 });
    });
    const ends = clip(fit, sx.domain);
    lines.path("fit", ends.map((x) => [sx(x), sy(at(x))]), { stroke: "var(--pooled)", "stroke-width": 3, "stroke-linecap": "round" });
  }
  const ghosts = s.layer("ghosts", { "aria-hidden": "true" }), points = s.layer("points");
  state.x.forEach((x, i) => {
    const y = state.y[i];
    const move = (nx, ny) => set({
      x: state.x.map((v, k) => (k === i ? clamp(nx, X[0], X[1]) : v)), y: state.y.map((v, k) => (k === i ? clamp(ny, Y[0], Y[1]) : v)),
    });
    points.handle(`p${i}`, {
      x: sx(x), y: sy(y), r: 6.5, label: `Student ${i + 1}`, now: y, min: Y[0], max: Y[1],
      text: `homework ${num(x, 2)} hours, math ${num(y, 1)}`,
      drag: (px, py) => move(Math.round(sx.invert(px) * 20) / 20, Math.round(sy.invert(py) * 2) / 2),
      step: (dx, dy, big) => move(x + dx * (big ? 1 : 0.25), y + dy * (big ? 5 : 1)),
    });
    if (state.twice) ghosts.circle(`g${i}`, sx(x) + 5, sy(y) - 5, 6.5, { fill: "var(--data)", "fill-opacity": 0.5, stroke: "var(--bg)", "pointer-events": "none" });
  });
}

/** Where the line is inside the picture. */
function clip(fit, [a, b]) {
  if (Math.abs(fit.slope) < 1e-9) return [a, b];
  const at = Y.map((y) => (y - fit.intercept) / fit.slope).sort((p, q) => p - q);
  return [Math.max(a, at[0]), Math.min(b, at[1])];
}

const count = (r, st) => (st.twice ? `${r.n} rows, ${r.n / 2} students` : `${r.n} students`);

export default lab({
  name: "least_squares",
  title: "Least squares by hand",
  idea: "The line is where the squares are smallest together. Its standard error believes that every row is news.",
  state: { x: SCHOOLS[72991].x, y: SCHOOLS[72991].y, school: "72991", twice: false, squares: true },
  controls: [
    { key: "school", type: "select", label: "Start from school", options: [["72991", "72991, 14 students"], ["6327", "6327, 8 students"]],
      change: (ctx, school) => ctx.set({ school, ...structuredClone(SCHOOLS[school]) }) },
    { key: "twice", type: "check", label: "Enter every student twice" },
    { key: "squares", type: "check", label: "Draw the squares" },
  ],
  size: (w) => [w, w < 480 ? 340 : 430],
  compute,
  draw,
  readouts: (r, st) => [
    { key: "n", label: "rows", symbol: "N", value: r.n, text: String(r.n) },
    { key: "slope", label: "slope", symbol: "<span class=\"hat\">β</span><sub>1</sub>", value: r.slope, text: num(r.slope, 3), ink: "pooled" },
    { key: "se", label: "its standard error", symbol: "SE", value: r.seSlope, text: num(r.seSlope, 3), ink: "pooled" },
    { key: "lower", label: "95 % interval, from", value: r.lower, text: num(r.lower, 2) },
    { key: "upper", label: "to", value: r.upper, text: num(r.upper, 2) },
    { key: "intercept", label: "intercept", symbol: "<span class=\"hat\">β</span><sub>0</sub>", value: r.intercept, text: num(r.intercept, 2) },
    { key: "rss", label: "sum of the squares", value: r.rss, text: num(r.rss, 0) },
    { key: "sigma", label: "residual SD", symbol: "<span class=\"hat\">σ</span>", value: r.sigma, text: num(r.sigma, 2) },
    { key: "r2", label: "share explained", symbol: "R<sup>2</sup>", value: r.r2, text: num(r.r2, 3) },
    ...(st.twice ? [{ key: "ratio", label: "SE fell by a factor of", value: r.ratio, text: num(r.ratio, 2), ink: "model" }] : []),
  ],
  says: (r, st) => (st.twice
    ? `Every student stands in the file twice. The line and R<sup>2</sup> are as before, yet the SE went from ${num(r.seOnce, 3)} to ${num(r.seSlope, 3)}. Nobody new was tested.`
    : `One more hour of homework goes with ${num(Math.abs(r.slope), 1)} points ${r.slope < 0 ? "less" : "more"} in math, give or take ${num(r.seSlope, 1)}.`),
  table: (r, st) => ({
    caption: `${count(r, st)}: slope ${num(r.slope, 3)}, SE ${num(r.seSlope, 3)}, R² ${num(r.r2, 3)}`,
    columns: ["student", "homework", "math", "line", "residual", "its square"],
    rows: st.x.map((x, i) => {
      const at = r.intercept + r.slope * x, e = st.y[i] - at;
      return [String(i + 1), num(x, 2), num(st.y[i], 1), num(at, 2), num(e, 2), num(e * e, 1)];
    }),
  }),
  describe: (r, st) => `Scatterplot of math score against homework, ${count(r, st)}, with the least-squares line: intercept ${num(r.intercept, 1)}, slope ${num(r.slope, 2)} with standard error ${num(r.seSlope, 2)}, R squared ${num(r.r2, 2)}. A square on each residual; a band, the 95 percent interval of the line. Each student is a point that can be dragged or moved with the arrow keys.`,
  announce: (r) => `Slope ${num(r.slope, 2)}, standard error ${num(r.seSlope, 2)}, R squared ${num(r.r2, 2)}.`,
  tries: [
    { try: "Drag a student at five hours up and down by ten points. Then do the same to one at one hour.",
      see: "The line swings with the first and hardly notices the second. A point pulls on the slope in proportion to how far its <em>x</em> stands from the mean of <em>x</em>." },
    { try: "Switch to school 6327, and look at the sign of the slope. Then move its one student at three hours.",
      see: "In this school homework seems to do harm. Lift that one student to 70 points and the slope is above zero: one of eight can turn the sign. Chapter 3 asks what the other schools can lend a school that sent so few." },
    { try: "Go back to school 72991 and enter every student twice.",
      see: "Line and R<sup>2</sup> stay where they were, and the band tightens: the SE falls by a factor of 1.47. That is √2 for twice the rows, and a little more because the formula divides by <i>N</i>&nbsp;−&nbsp;2, which went from 12 to 26. Copies are the extreme case of students who resemble each other. Students of one school do so a little, and the formula is fooled a little, every time." },
  ],
});
