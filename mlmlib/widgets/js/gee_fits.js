// Generalized estimating equations of a normal outcome (chapter 20): J clusters of up to m waves, y on a constant, a treatment
// of whole clusters and a predictor that varies within. Moments as mlm.gee takes them, the sandwich, its correction for few
// clusters by Mancl and DeRouen, and what each of them comes to on average, exactly. No effect is true, the variance is 1.
import { invertSymmetric, random } from "./numerics.js";

export const P = 3; // coefficients: constant, treatment, predictor within
const times = (A, B) => A.map((row) => B[0].map((_, k) => row.reduce((s, v, i) => s + v * B[i][k], 0)));
const turned = (A) => A[0].map((_, k) => A.map((row) => row[k]));
const zeros = () => [0, 1, 2].map(() => [0, 0, 0]);
const add = (A, B, k = 1) => A.forEach((row, i) => row.forEach((_, j) => { A[i][j] += k * B[i][j]; }));
const plus = (A, B, k = 1) => A.map((row, i) => row.map((v, j) => v + k * B[i][j]));

// --- The design ---------------------------------------------------------------------------------

/** Rows of each cluster: odd ones are treated; time for all, time until some leave, or on and off at random. */
export function designOf({ J, m, predictor }) {
  return Array.from({ length: J }, (_, j) => {
    const rng = random(40000 + j), n = predictor === "dropout" ? m - Math.floor(j / 2) % Math.ceil(m / 2) : m;
    return Array.from({ length: n }, (__, t) => [1, j % 2, predictor === "onoff" ? (rng.uniform() < 0.5 ? 1 : 0) : t]);
  });
}

/** True correlation at a distance of d waves: the same at all, fading, or half of it lasting and half fading. */
export function trueCorrelation(truth, rho, d) {
  if (d === 0) return 1;
  if (truth === "exchangeable") return rho;
  if (truth === "ar1") return rho ** d;
  const rest = 1 - rho / 2;
  return rho / 2 + rest * (rho / 2 / rest) ** d;
}

const matrix = (n, f) => Array.from({ length: n }, (_, a) => Array.from({ length: n }, (__, b) => f(Math.abs(a - b))));
export const workingAt = (corr, a, d) => (d === 0 ? 1 : corr === "independence" ? 0 : corr === "exchangeable" ? a : a ** d);

/** Pairs of rows at each distance, over all clusters. */
function pairCounts(design, m) {
  const counts = new Array(m).fill(0);
  for (const X of design) for (let d = 1; d < X.length; d++) counts[d] += X.length - d;
  return counts;
}

const FINE = 200;
const at = (k) => -0.999 + 1.998 * k / FINE;
const POWERS = Array.from({ length: FINE + 1 }, (_, k) => Array.from({ length: 12 }, (__, d) => at(k) ** d));

/** The working correlation's parameter from mean products at each distance (index 0 unused). */
export function momentOf(corr, means, counts) {
  const m = counts.length, over = (f) => { let s = 0; for (let d = 1; d < m; d++) if (counts[d]) s += counts[d] * f(d); return s; };
  if (corr === "independence") return 0;
  if (corr === "exchangeable") return over((d) => means[d]) / over(() => 1);
  const slope = (a) => over((d) => d * a ** (d - 1) * (means[d] - a ** d));
  let best = 0, least = Infinity;
  for (let k = 0; k <= FINE; k++) { const value = over((d) => (means[d] - POWERS[k][d]) ** 2); if (value < least) { least = value; best = k; } }
  let low = at(Math.max(0, best - 1)), high = at(Math.min(FINE, best + 1));
  const first = slope(low);
  if (first * slope(high) > 0) return at(best);
  for (let k = 0; k < 60 && high - low > 1e-15; k++) {
    const mid = (low + high) / 2;
    if (slope(mid) * first > 0) low = mid; else high = mid;
  }
  return (low + high) / 2;
}

/** R^-1 of the first n waves for every n that occurs; null where the working matrix is no correlation matrix. */
function inverses(design, corr, a) {
  const out = [];
  for (const { length: n } of design) {
    if (out[n]) continue;
    const found = invertSymmetric(matrix(n, (d) => workingAt(corr, a, d)));
    if (!found) return null;
    out[n] = found.inverse;
  }
  return out;
}

// --- One study ----------------------------------------------------------------------------------

/** Lower Cholesky factor of the true correlation of m waves. */
export function rootOf(truth, rho, m) {
  const L = matrix(m, (d) => trueCorrelation(truth, rho, d));
  for (let j = 0; j < m; j++) for (let i = 0; i < m; i++) {
    if (i < j) { L[i][j] = 0; continue; }
    let s = L[i][j];
    for (let k = 0; k < j; k++) s -= L[i][k] * L[j][k];
    L[i][j] = i === j ? Math.sqrt(Math.max(s, 0)) : s / L[j][j];
  }
  return L;
}

/** Outcomes of each cluster; `normal(j)` is where its numbers come from. */
export const drawStudy = (design, L, rng) => design.map((X, j) => {
  const { normal } = rng(j), z = X.map(() => normal());
  return X.map((_, i) => L[i].reduce((s, v, k) => (k <= i ? s + v * z[k] : s), 0));
});

/** The estimating equations solved (null where the correlation becomes none), with model-based, robust and corrected covariances of treatment and predictor. */
export function fitGee(design, y, corr, tolerance = 1e-12) {
  const counts = pairCounts(design, Math.max(...design.map((X) => X.length)) + 1), N = design.reduce((s, X) => s + X.length, 0);
  let a = 0, b = null, T, phi, resid, pieces;
  for (let step = 0; step < 200; step++) {
    const R = inverses(design, corr, a), r = [0, 0, 0];
    if (!R) return null;
    T = zeros();
    pieces = design.map((X, j) => {
      const G = turned(times(R[X.length], X)), B = times(G, X); // X'R^-1 and X'R^-1 X
      add(T, B);
      G.forEach((row, k) => row.forEach((v, i) => { r[k] += v * y[j][i]; }));
      return { G, B };
    });
    const { inverse } = invertSymmetric(T), next = inverse.map((row) => row.reduce((s, v, k) => s + v * r[k], 0));
    const moved = b ? Math.max(...next.map((v, k) => Math.abs(v - b[k]))) : Infinity;
    b = next;
    resid = design.map((X, j) => X.map((row, i) => y[j][i] - row.reduce((s, v, k) => s + v * b[k], 0)));
    phi = resid.flat().reduce((s, v) => s + v * v, 0) / N;
    const sums = counts.map(() => 0);
    for (const e of resid) for (let i = 0; i < e.length; i++) for (let k = i + 1; k < e.length; k++) sums[k - i] += e[i] * e[k];
    const last = a;
    a = momentOf(corr, sums.map((s, d) => (counts[d] ? s / counts[d] / phi : 0)), counts);
    if (Math.max(moved, Math.abs(a - last)) <= tolerance || (corr === "independence" && step > 0)) break;
  }
  const bread = invertSymmetric(T).inverse, meat = zeros(), corrected = zeros();
  pieces.forEach(({ G, B }, j) => {
    const s = G.map((row) => row.reduce((q, v, i) => q + v * resid[j][i], 0)), out = invertSymmetric(plus(T, B, -1)).inverse.map((row) => row.reduce((q, v, k) => q + v * s[k], 0));
    add(meat, s.map((v) => s.map((w) => v * w)));
    add(corrected, out.map((v) => out.map((w) => v * w)));
  });
  const se = (V) => [1, 2].map((k) => Math.sqrt(V[k][k]));
  return { b: b.slice(1), a, phi, model: se(bread.map((row) => row.map((v) => phi * v))), robust: se(times(times(bread, meat), bread)), corrected: se(corrected) };
}

// --- Exactly ------------------------------------------------------------------------------------

/**
 * Of a working correlation held at the value that many clusters lead to: the true standard errors of treatment and
 * predictor, and the roots of what the three estimated variances are on average; the part of the best that is kept.
 */
export function exactly(design, { truth, rho, m }, corr, best = null) {
  const counts = pairCounts(design, m), c = counts.map((_, d) => trueCorrelation(truth, rho, d)), a = corr === "truth" ? 0 : momentOf(corr, c, counts);
  const R = [], S = [], T = zeros(), middle = zeros();
  const pieces = design.map((X) => {
    const n = X.length;
    S[n] ??= matrix(n, (d) => c[d]);
    R[n] ??= invertSymmetric(corr === "truth" ? S[n] : matrix(n, (d) => workingAt(corr, a, d))).inverse;
    const G = turned(times(R[n], X)), B = times(G, X), A = times(times(G, S[n]), turned(G));
    add(T, B);
    add(middle, A);
    return { A, B, SX: times(times(G, S[n]), X), XX: times(turned(X), X), n };
  });
  const bread = invertSymmetric(T).inverse, V = times(times(bread, middle), bread), meat = zeros(), corrected = zeros(), trace = (M, W) => M.reduce((s, row, i) => s + row.reduce((q, v, k) => q + v * W[k][i], 0), 0);
  let rows = 0, squares = 0; // of the residuals, on average: phi is less than 1
  for (const { A, B, SX, XX, n } of pieces) { // residuals are e_j - X_j (b - beta): their scores have less variance than A
    const BM = times(B, bread), C = plus(plus(A, times(BM, A), -1), turned(times(BM, A)), -1), out = invertSymmetric(plus(T, B, -1)).inverse;
    add(C, times(times(B, V), B));
    rows += n;
    squares += n - 2 * trace(bread, SX) + trace(V, XX);
    add(meat, C);
    add(corrected, times(times(out, C), out));
  }
  const se = (W) => [1, 2].map((k) => Math.sqrt(Math.max(0, W[k][k]))), truly = se(V);
  return { corr, a, truly, model: se(bread.map((row) => row.map((v) => v * squares / rows))), robust: se(times(times(bread, meat), bread)), corrected: se(corrected), kept: best ? truly.map((v, k) => (best.truly[k] / v) ** 2) : [1, 1] };
}
