// Regressions of a balanced panel (chapter 19): J schools of n students, one predictor x of students, one w of schools.
// Everything follows from the schools' means and the sums within schools: pooled least squares, random effects with
// Swamy and Arora's variances, fixed effects, Mundlak's regression, Hausman's test. As mlm.panel has them.
import { chi2Tail, invertSymmetric, normalQuantile, random, tQuantile } from "./numerics.js";

/** True slopes of x and of w; students differ by 1 within schools. */
export const BETA = 0.5;
export const GAMMA = 0.5;
const Z = normalQuantile(0.975), quantiles = new Map();
const quantile = (df) => { if (!quantiles.has(df)) quantiles.set(df, tQuantile(0.975, df)); return quantiles.get(df); };

// --- Data ---------------------------------------------------------------------------------------

/** One sample, each school with numbers of its own that a slider scales: x = √b a_j + √(1 − b) e, u_j = τ(ρ a_j + ...). */
export function sample({ J, n, rho, tau, share, seed }) {
  const x = [], y = [], w = [], school = [];
  for (let j = 0; j < J; j++) {
    const rng = random(seed * 1009 + j), a = rng.normal(), u = tau * (rho * a + Math.sqrt(1 - rho * rho) * rng.normal());
    for (let i = 0; i < n; i++) {
      const own = Math.sqrt(share) * a + Math.sqrt(1 - share) * rng.normal();
      x.push(own); w.push(j % 2); school.push(j); y.push(BETA * own + GAMMA * (j % 2) + u + rng.normal());
    }
  }
  return { J, n, x, y, w, school };
}

/** Means of schools and sums of squares and products within them. */
export function momentsOf({ J, n, x, y, w }) {
  const m = { J, n, xm: new Array(J).fill(0), ym: new Array(J).fill(0), w: new Array(J), sxx: 0, sxy: 0, syy: 0 };
  x.forEach((v, i) => { const j = Math.floor(i / n); m.xm[j] += v / n; m.ym[j] += y[i] / n; m.w[j] = w[i]; });
  x.forEach((v, i) => {
    const j = Math.floor(i / n), a = v - m.xm[j], b = y[i] - m.ym[j];
    m.sxx += a * a; m.sxy += a * b; m.syy += b * b;
  });
  return m;
}

/** Chi-square draw (Marsaglia and Tsang, 2000). */
function chiSquare(rng, df) {
  const d = df / 2 - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = rng.normal(), v = (1 + c * z) ** 3;
    if (v > 0 && Math.log(rng.uniform()) < 0.5 * z * z + d - d * v + d * Math.log(v)) return 2 * d * v;
  }
}

/** The moments of another sample, drawn directly: means are normal, sums within schools chi-square. */
export function drawMoments(rng, { J, n, rho, tau, share }) {
  const m = { J, n, xm: new Array(J), ym: new Array(J), w: new Array(J) }, df = J * (n - 1);
  for (let j = 0; j < J; j++) {
    const a = rng.normal(), u = tau * (rho * a + Math.sqrt(1 - rho * rho) * rng.normal());
    m.w[j] = j % 2;
    m.xm[j] = Math.sqrt(share) * a + Math.sqrt((1 - share) / n) * rng.normal();
    m.ym[j] = BETA * m.xm[j] + GAMMA * m.w[j] + u + rng.normal() / Math.sqrt(n);
  }
  m.sxx = (1 - share) * chiSquare(rng, df);
  m.sxy = BETA * m.sxx + Math.sqrt(m.sxx) * rng.normal();
  m.syy = m.sxy ** 2 / m.sxx + chiSquare(rng, df - 1);
  return m;
}

// --- Fits ---------------------------------------------------------------------------------------

/** Cross-products of the columns and y, within and between schools; those between about the grand means. */
function products(m) {
  const center = (v) => { const c = v.reduce((s, t) => s + t, 0) / m.J; return v.map((t) => t - c); };
  const [x, w, y] = [m.xm, m.w, m.ym].map(center), dot = (a, b) => m.n * a.reduce((s, t, j) => s + t * b[j], 0);
  return { x: { x: dot(x, x), w: dot(x, w), y: dot(x, y) }, w: { x: dot(x, w), w: dot(w, w), y: dot(w, y) }, yy: dot(y, y) };
}

/**
 * Least squares of rows that have lost a share of their school's mean: between schools, products count psi = (1 − θ)².
 * `columns` are x, w and mean (of x); without psi the regression of the schools' means.
 */
function regress(m, B, columns, psi, within = 1) {
  const between = { x: B.x, w: B.w, mean: B.x }, name = (c) => (c === "w" ? "w" : "x");
  const A = columns.map((a) => columns.map((b) => psi * between[a][name(b)] + (a === "x" && b === "x" ? within * m.sxx : 0)));
  const r = columns.map((a) => psi * between[a].y + (a === "x" ? within * m.sxy : 0)), { inverse } = invertSymmetric(A);
  const b = inverse.map((row) => row.reduce((s, v, k) => s + v * r[k], 0)), df = (within ? m.J * m.n : m.J) - columns.length - 1;
  const ssr = Math.max(0, psi * B.yy + within * m.syy - b.reduce((s, v, k) => s + v * r[k], 0)), s2 = ssr / df;
  return { b, se: inverse.map((row, k) => Math.sqrt(s2 * row[k])), s2, df };
}

const part = (estimate, se, limit) => ({ estimate, se, low: estimate - limit * se, high: estimate + limit * se });

/** All fits of one sample's moments. Intervals by t after least squares, by z after random effects, as mlm.panel has them. */
export function fitAll(m) {
  const B = products(m), N = m.J * m.n, named = (f, k, limit) => part(f.b[k], f.se[k], limit);
  const pooled = regress(m, B, ["x", "w"], 1), means = regress(m, B, ["x", "w"], 1, 0);
  const feDf = N - m.J - 1, slope = m.sxy / m.sxx, s2 = Math.max(0, m.syy - slope * m.sxy) / feDf, fe = part(slope, Math.sqrt(s2 / m.sxx), quantile(feDf));
  const s2u = (means.s2 - s2) / m.n, theta = 1 - Math.sqrt(s2 / (m.n * Math.max(0, s2u) + s2)), psi = (1 - theta) ** 2;
  const re = regress(m, B, ["x", "w"], psi), mundlak = regress(m, B, ["x", "w", "mean"], psi), reX = named(re, 0, Z), t = quantile(pooled.df);
  return { ols: { x: named(pooled, 0, t), w: named(pooled, 1, t) }, re: { x: reX, w: named(re, 1, Z) }, fe: { x: fe },
    mundlak: { x: named(mundlak, 0, Z), w: named(mundlak, 1, Z), mean: named(mundlak, 2, Z) },
    between: { x: means.b[0], w: means.b[1] }, sigma2: s2, tau2: Math.max(0, s2u), theta, atZero: s2u <= 0, hausman: hausman(fe, reX), mundlakTest: wald(mundlak.b[2], mundlak.se[2]) };
}

const wald = (b, se) => ({ statistic: (b / se) ** 2, p: chi2Tail((b / se) ** 2, 1) });

/** Hausman's statistic of one slope: the squared difference over the difference of the variances, which need not be positive. */
function hausman(fe, re) {
  const difference = fe.estimate - re.estimate, variance = fe.se ** 2 - re.se ** 2, statistic = difference ** 2 / variance;
  return { difference, variance, statistic, p: variance > 0 ? chi2Tail(statistic, 1) : NaN };
}

// --- In the long run ------------------------------------------------------------------------------

/** Bias of least squares and of random effects with very many schools; random effects and θ. */
export function longRun({ n, rho, tau, share }) {
  const shared = tau * rho * Math.sqrt(share), mean = share + (1 - share) / n; // cov(mean of x, u), var(mean of x)
  const psi = 1 / (1 + n * (tau ** 2 - shared ** 2 / mean));
  return { ols: shared, re: psi * n * shared / ((n - 1) * (1 - share) + psi * n * mean), theta: 1 - Math.sqrt(psi), between: shared / mean };
}
