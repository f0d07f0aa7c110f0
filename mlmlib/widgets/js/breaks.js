// Growth with knots (chapter 14): the columns of the model matrix, the random-intercept model fitted by ML, and the search
// for the best place of one knot, in data and in worlds that have none. Everybody is seen at the same times.
import { fitIntercept, groupSums, prepare } from "./mixed.js";
import { random } from "./numerics.js";

export const SHAPES = ["line", "quadratic", "piecewise", "jump"];

/** Columns of the model matrix at these times, with their names: "t", "t2", "bend0", "jump0", ... */
export function columnsOf(times, shape, knots) {
  const out = [["one", times.map(() => 1)], ["t", times.slice()]];
  if (shape === "quadratic") out.push(["t2", times.map((t) => t * t)]);
  if (shape === "piecewise" || shape === "jump") knots.forEach((k, i) => {
    if (shape === "jump") out.push([`jump${i}`, times.map((t) => (t >= k ? 1 : 0))]);
    out.push([`bend${i}`, times.map((t) => Math.max(0, t - k))]);
  });
  return out;
}

/** The model y ~ columns + (1 | person) by ML; Y is a row for each person. Null where the columns say the same twice. */
export function fitShape(Y, times, shape, knots) {
  const J = Y.length, n = times.length, columns = columnsOf(times, shape, knots), mid = (times[0] + times[n - 1]) / 2;
  if (orthonormal(columns.map(([, v]) => v)).length < columns.length) return null;
  // centered and scaled for the arithmetic: the criterion, and after the way back every coefficient, are the same
  const scale = (times[n - 1] - times[0]) / 2, z = times.map((t) => (t - mid) / scale);
  const own = columnsOf(z, shape, knots.map((k) => (k - mid) / scale)).map(([, v]) => v);
  const group = Y.flatMap((_, i) => new Array(n).fill(i)), repeat = (v) => Y.flatMap(() => v);
  const fit = fitIntercept(prepare(groupSums([...own.map(repeat), Y.flat()], group, J)), false);
  if (!fit) return null;
  const back = columns.map(([name]) => backRow(name, columns, mid, scale));
  const beta = back.map((row) => row.reduce((sum, v, k) => sum + v * fit.beta[k], 0));
  const se = back.map((row) => Math.sqrt(row.reduce((s, a, i) => s + row.reduce((q, b, k) => q + a * b * fit.cov[i][k], 0), 0)));
  const parameters = columns.length + 2, aic = fit.criterion + 2 * parameters, bic = fit.criterion + parameters * Math.log(J * n);
  return { names: columns.map(([name]) => name), columns, beta, se, tau2: fit.tau2, sigma2: fit.sigma2, criterion: fit.criterion, parameters, aic, bic };
}

/** How the coefficient of `name` is made of those of the scaled columns. */
function backRow(name, columns, mid, scale) {
  const c = mid / scale;
  return columns.map(([other]) => {
    if (name === "one") return other === "one" ? 1 : other === "t" ? -c : other === "t2" ? c * c : 0;
    if (name === "t") return other === "t" ? 1 / scale : other === "t2" ? -2 * c / scale : 0;
    if (name !== other) return 0;
    return name === "t2" ? 1 / scale ** 2 : name.startsWith("bend") ? 1 / scale : 1;
  });
}

/** Gram and Schmidt; a column that the others determine is left out. */
function orthonormal(columns) {
  const basis = [], dot = (a, b) => a.reduce((s, v, i) => s + v * b[i], 0);
  for (const column of columns) {
    let v = column.slice();
    const size = Math.sqrt(dot(v, v));
    for (let twice = 0; twice < 2; twice++) for (const q of basis) { const k = dot(q, v); v = v.map((a, i) => a - k * q[i]); }
    const left = Math.sqrt(dot(v, v));
    if (left > 1e-9 * size) basis.push(v.map((a) => a / left));
  }
  return basis;
}

/** Places where a knot may stand: at least two times before (three of them for a jump) and one after. */
export const rangeOf = (times, shape, step) => [shape === "jump" ? times[1] + step : times[1], times[times.length - 2]];

export function placesOf(times, shape, step) {
  const [a, b] = rangeOf(times, shape, step);
  return Array.from({ length: Math.round((b - a) / step) + 1 }, (_, k) => Number((a + k * step).toFixed(6)));
}

/**
 * Prepares the search for one knot. With everybody seen at the same times, ML's statistic against a straight line is
 * J(n − 1) log(RSS₀ / RSS) of the rows within people, as long as people differ at all; so a place costs a dot product.
 */
export function searcher(times, shape, places) {
  const start = [times.map(() => 1), times];
  const kinds = places.map((k) => orthonormal(columnsOf(times, shape, [k]).map(([, v]) => v)).slice(2));
  const [, slope] = orthonormal(start), n = times.length;
  return (Y) => {
    const J = Y.length, mean = new Array(n).fill(0);
    let within = 0;
    for (const y of Y) {
      const m = y.reduce((s, v) => s + v, 0) / n;
      for (let t = 0; t < n; t++) { within += (y[t] - m) ** 2; mean[t] += y[t] / J; }
    }
    const part = (q) => { let s = 0; for (let t = 0; t < n; t++) s += q[t] * mean[t]; return s * s; };
    const line = within - J * part(slope);
    const lr = kinds.map((kind) => -J * (n - 1) * Math.log1p(-J * kind.reduce((s, q) => s + part(q), 0) / line));
    const best = lr.reduce((b, v, k) => (v > lr[b] ? k : b), 0);
    return { lr, best: lr[best], where: places[best] };
  };
}

/** World number i: straight growth for everybody, different starts, and noise. No knot anywhere. */
export function flatWorld(i, J, times, { start, slope, tau, sigma }) {
  const g = random(i);
  return Array.from({ length: J }, () => {
    const own = start + tau * g.normal();
    return times.map((t) => own + slope * t + sigma * g.normal());
  });
}
