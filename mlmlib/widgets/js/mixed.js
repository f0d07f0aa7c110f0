// Two-level models from per-group sufficient statistics (chapters 3, 4 and 7): the same algebra as mlmlib's.
// A group enters through its size and the sums of its rows' products only, so one evaluation of the criterion
// costs nothing that a picture would notice.
import { invertSymmetric } from "./numerics.js";

const zeros = (r, c) => Array.from({ length: r }, () => new Array(c).fill(0));

// --- Random intercept -------------------------------------------------------------------------

/** Per-group sums of [X y]: `columns` are those of X then y; group[i] is 0..J-1. */
export function groupSums(columns, group, J) {
  const m = columns.length, n = group.length, size = new Array(J).fill(0), sums = zeros(J, m), cross = zeros(m, m);
  for (let i = 0; i < n; i++) {
    size[group[i]]++;
    for (let a = 0; a < m; a++) {
      sums[group[i]][a] += columns[a][i];
      for (let b = 0; b <= a; b++) cross[a][b] += columns[a][i] * columns[b][i];
    }
  }
  for (let a = 0; a < m; a++) for (let b = a + 1; b < m; b++) cross[a][b] = cross[b][a];
  return { size, sums, cross };
}

/** Sums of an intercept-only model from each group's size, mean and within sum of squares; `center` keeps digits. */
export function meansToSums(size, means, ssWithin, center = 0) {
  const sums = size.map((n, j) => [n, n * (means[j] - center)]);
  let N = 0, sy = 0, syy = 0;
  size.forEach((n, j) => {
    const d = means[j] - center;
    N += n; sy += n * d; syy += ssWithin[j] + n * d * d;
  });
  return { size: size.slice(), sums, cross: [[N, sy], [sy, syy]] };
}

/** Groups of one size share one matrix: the sum of b_j b_j' over them. */
export function prepare({ size, sums, cross }) {
  const m = cross.length, bySize = new Map();
  size.forEach((n, j) => {
    if (n === 0) return;
    if (!bySize.has(n)) bySize.set(n, { n, count: 0, outer: zeros(m, m) });
    const entry = bySize.get(n), b = sums[j];
    entry.count++;
    for (let r = 0; r < m; r++) for (let c = 0; c < m; c++) entry.outer[r][c] += b[r] * b[c];
  });
  return { size, sums, cross, kinds: [...bySize.values()], N: size.reduce((s, n) => s + n, 0), p: m - 1 };
}

/**
 * Everything at one value of phi = tau2 / sigma2: S = [X y]' V^-1 [X y], log|V|, generalized least squares,
 * and the criterion with beta and sigma2 profiled out, with its derivative in phi. Without X'V^-1X of full
 * rank, null.
 */
export function profile(stats, phi, reml = true) {
  const { cross, kinds, N, p } = stats, m = p + 1, S = cross.map((row) => row.slice()), dS = zeros(m, m);
  let logV = 0, dLogV = 0;
  for (const { n, count, outer } of kinds) {
    const d = 1 + n * phi, w = phi / d, dw = -1 / (d * d);
    logV += count * Math.log(d);
    dLogV += count * n / d;
    for (let r = 0; r < m; r++) for (let c = 0; c < m; c++) {
      S[r][c] -= w * outer[r][c];
      dS[r][c] += dw * outer[r][c];
    }
  }
  const H = invertSymmetric(S.slice(0, p).map((row) => row.slice(0, p)));
  if (!H) return null;
  const beta = H.inverse.map((row) => row.reduce((s, h, c) => s + h * S[c][p], 0));
  let rss = S[p][p], dRss = dS[p][p], dLogH = 0;
  for (let r = 0; r < p; r++) {
    rss -= beta[r] * S[r][p];
    dRss -= 2 * beta[r] * dS[r][p];
    for (let c = 0; c < p; c++) {
      dRss += beta[r] * beta[c] * dS[r][c];
      dLogH += H.inverse[r][c] * dS[r][c];
    }
  }
  rss = Math.max(rss, 0);
  const df = reml ? N - p : N;
  const criterion = logV + (reml ? H.logDet : 0) + df * (1 + Math.log(2 * Math.PI * rss / df));
  const slope = dLogV + (reml ? dLogH : 0) + df * dRss / rss;
  return { phi, beta, inverse: H.inverse, logDetH: H.logDet, rss, df, logV, criterion, slope, sigma2: rss / df };
}

/** -2 x (restricted) log-likelihood at a given tau2 and sigma2, not the best ones. */
export function criterionAt(stats, tau2, sigma2, reml = true) {
  const at = profile(stats, tau2 / sigma2, reml);
  return at.df * Math.log(2 * Math.PI * sigma2) + at.logV + (reml ? at.logDetH : 0) + at.rss / sigma2;
}

/**
 * REML or ML of the random-intercept model. The search runs over r = phi nbar / (1 + phi nbar) in [0, 1), the
 * reliability of an average group: the whole half-line in one finite interval, with tau2 = 0 an ordinary end point.
 * A scan finds every bracket in which the derivative changes sign; the root is polished to rounding error; the
 * boundary wins when nothing inside is lower, and is then exactly zero.
 */
export function fitIntercept(stats, reml = true, scan = 24) {
  const nbar = stats.N / stats.size.filter((n) => n > 0).length, at = (r) => profile(stats, r / (1 - r) / nbar, reml);
  let evaluations = 0, best = at(0), left = best, rLeft = 0;
  if (!best) return null;
  for (let k = 1; k <= scan; k++) {
    const r = k < scan ? k / scan : 1 - 1e-8, right = at(r);
    evaluations++;
    if (left.slope < 0 && right.slope >= 0) {
      const root = polish(at, rLeft, left, r, right);
      evaluations += root.steps;
      if (root.point.criterion < best.criterion) best = root.point;
    }
    left = right; rLeft = r;
  }
  if (left.slope < 0 && left.criterion < best.criterion) best = left; // sigma2 -> 0: nothing varies inside groups
  return { ...estimates(stats, best.phi * best.sigma2, best.sigma2, reml, best), criterion: best.criterion,
    gradient: best.phi === 0 ? Math.min(0, best.slope) : best.slope * (best.phi + 1 / nbar), evaluations, reml };
}

// Illinois false position on the derivative, with a bisection every fourth step.
function polish(at, a, fa, b, fb) {
  let ga = fa.slope, gb = fb.slope, point = fb, steps = 0, last = 0;
  while (steps < 100 && b - a > 4e-16 * b) {
    let r = steps % 4 === 3 ? (a + b) / 2 : (a * gb - b * ga) / (gb - ga);
    if (!(r > a && r < b)) r = (a + b) / 2;
    if (r === a || r === b) break;
    point = at(r);
    steps++;
    const g = point.slope;
    if (g === 0) break;
    if (g < 0) { a = r; ga = g; if (last < 0) gb /= 2; } else { b = r; gb = g; if (last > 0) ga /= 2; }
    last = Math.sign(g);
  }
  return { point, steps };
}

/**
 * What the model says at a given tau2 and sigma2: fixed part by generalized least squares with its covariance, and
 * per group lambda_j = n_j tau2 / (n_j tau2 + sigma2), u_j = lambda_j x mean residual, and its conditional SD.
 */
export function estimates(stats, tau2, sigma2, reml = true, at = profile(stats, tau2 / sigma2, reml)) {
  const { size, sums, p } = stats, { beta } = at;
  const cov = at.inverse.map((row) => row.map((v) => v * sigma2));
  const lambda = size.map((n) => n * tau2 / (n * tau2 + sigma2));
  const u = size.map((n, j) => {
    if (n === 0) return 0;
    let rest = sums[j][p];
    for (let r = 0; r < p; r++) rest -= beta[r] * sums[j][r];
    return lambda[j] * rest / n;
  });
  const uSd = size.map((n) => Math.sqrt(tau2 * sigma2 / (n * tau2 + sigma2)));
  return { tau2, sigma2, icc: tau2 / (tau2 + sigma2), beta, cov, se: cov.map((row, r) => Math.sqrt(row[r])), lambda, u,
    uSd, logV: at.logV, rss: at.rss, df: at.df };
}

// --- Random intercept and slope: 2 x 2 algebra --------------------------------------------------
// T = [t00, t01, t11] is the covariance matrix of (intercept, slope).

/** T when x is measured from c: the intercept becomes u0 + c u1. det T, and every line, stays as it was. */
export const shiftOrigin = ([t00, t01, t11], c) => [t00 + 2 * c * t01 + c * c * t11, t01 + c * t11, t11];

export const correlation = ([t00, t01, t11]) => (t00 > 0 && t11 > 0 ? t01 / Math.sqrt(t00 * t11) : NaN);

/** Half axes and angle (radians, of the first axis) of the ellipse {d: d' T^-1 d = k2}. */
export function ellipse([t00, t01, t11], k2) {
  const mid = (t00 + t11) / 2, gap = Math.hypot((t00 - t11) / 2, t01);
  return { a: Math.sqrt(k2 * (mid + gap)), b: Math.sqrt(k2 * Math.max(0, mid - gap)),
    angle: 0.5 * Math.atan2(2 * t01, t00 - t11) };
}

/** Per-group [n, sum x, sum xx, sum y, sum xy, sum yy] of a line y on x. */
export function lineSums(x, y, group, J) {
  const out = zeros(J, 6);
  for (let i = 0; i < group.length; i++) {
    const g = out[group[i]], a = x[i], b = y[i];
    g[0] += 1; g[1] += a; g[2] += a * a; g[3] += b; g[4] += a * b; g[5] += b * b;
  }
  return out;
}

/** The same sums with x measured from c. */
export const shiftSums = (sums, c) => sums.map(([n, sx, sxx, sy, sxy, syy]) =>
  [n, sx - c * n, sxx - 2 * c * sx + c * c * n, sy, sxy - c * sy, syy]);

/**
 * y = (b0 + u0j) + (b1 + u1j) x + e at a given relative covariance D = T / sigma2: generalized least squares, the
 * criterion with beta and sigma2 profiled out, and each group's (u0, u1). No factor of D is taken, so a singular D
 * is an ordinary point: (I + A_j D)^-1 by hand.
 */
export function profileLine(sums, [d00, d01, d11], reml = true) {
  let N = 0, logV = 0, s00 = 0, s01 = 0, s11 = 0, s0y = 0, s1y = 0, syy = 0;
  const parts = sums.map(([n, sx, sxx, sy, sxy, yy]) => {
    const m00 = 1 + n * d00 + sx * d01, m01 = n * d01 + sx * d11, m10 = sx * d00 + sxx * d01,
      m11 = 1 + sx * d01 + sxx * d11;
    const det = m00 * m11 - m01 * m10;
    const solve = (a, b) => [(m11 * a - m01 * b) / det, (m00 * b - m10 * a) / det];
    const w0 = solve(n, sx), w1 = solve(sx, sxx), wy = solve(sy, sxy); // (I + A D)^-1 [Z'X, Z'y]
    const D = ([a, b]) => [d00 * a + d01 * b, d01 * a + d11 * b];
    const [p0, q0] = D(w0), [p1, q1] = D(w1), [py, qy] = D(wy);
    N += n;
    logV += Math.log(det);
    s00 += n - n * p0 - sx * q0; s01 += sx - n * p1 - sx * q1; s11 += sxx - sx * p1 - sxx * q1;
    s0y += sy - n * py - sx * qy; s1y += sxy - sx * py - sxx * qy; syy += yy - sy * py - sxy * qy;
    return [p0, q0, p1, q1, py, qy];
  });
  const det = s00 * s11 - s01 * s01, b0 = (s11 * s0y - s01 * s1y) / det, b1 = (s00 * s1y - s01 * s0y) / det;
  const rss = syy - b0 * s0y - b1 * s1y, df = reml ? N - 2 : N, sigma2 = rss / df;
  const criterion = logV + (reml ? Math.log(det) : 0) + df * (1 + Math.log(2 * Math.PI * sigma2));
  const u = parts.map(([p0, q0, p1, q1, py, qy]) => [py - b0 * p0 - b1 * p1, qy - b0 * q0 - b1 * q1]);
  return { beta: [b0, b1], cov: [sigma2 * s11 / det, -sigma2 * s01 / det, sigma2 * s00 / det], sigma2, criterion, u,
    rss, df };
}

/**
 * The best diagonal D (no covariance between intercept and slope): Fisher scoring on the two variances, each step
 * halved until the criterion falls, negative values set to zero. The derivative is
 * Gamma = sum K_j - G_j H^-1 G_j' - h_j h_j' / s2 with K_j = (I + A_j D)^-1 A_j; here Z = X, so G_j = K_j.
 */
export function fitIndependent(sums, reml = true, start = [0.5, 0.5]) {
  let d = start.map((v) => Math.max(v, 1e-3)), at = profileLine(sums, [d[0], 0, d[1]], reml), steps = 0,
    slope = [Infinity, Infinity];
  for (; steps < 200; steps++) {
    const { beta, cov, sigma2 } = at, H = cov.map((v) => v / sigma2);
    slope = [0, 0];
    let f00 = 0, f01 = 0, f11 = 0;
    for (const [n, sx, sxx, sy, sxy] of sums) {
      const m00 = 1 + n * d[0], m01 = sx * d[1], m10 = sx * d[0], m11 = 1 + sxx * d[1], det = m00 * m11 - m01 * m10;
      const k00 = (m11 * n - m01 * sx) / det, k01 = (m11 * sx - m01 * sxx) / det, k11 = (m00 * sxx - m10 * sx) / det;
      const r0 = sy - n * beta[0] - sx * beta[1], r1 = sxy - sx * beta[0] - sxx * beta[1];
      const h0 = (m11 * r0 - m01 * r1) / det, h1 = (m00 * r1 - m10 * r0) / det;
      slope[0] += k00 - h0 * h0 / sigma2;
      slope[1] += k11 - h1 * h1 / sigma2;
      if (reml) {
        slope[0] -= k00 * k00 * H[0] + 2 * k00 * k01 * H[1] + k01 * k01 * H[2];
        slope[1] -= k01 * k01 * H[0] + 2 * k01 * k11 * H[1] + k11 * k11 * H[2];
      }
      f00 += k00 * k00; f01 += k01 * k01; f11 += k11 * k11;
    }
    const held = [d[0] === 0 && slope[0] > 0, d[1] === 0 && slope[1] > 0];
    if ([0, 1].every((k) => held[k] || Math.abs(slope[k]) * (d[k] + 1e-3) < 1e-9)) break;
    const c = held[0] || held[1] ? 0 : f01, det = f00 * f11 - c * c;
    const step = [-(f11 * slope[0] - c * slope[1]) / det, -(f00 * slope[1] - c * slope[0]) / det];
    let moved = null;
    for (let size = 1; size > 1e-12 && !moved; size /= 2) {
      const next = d.map((v, k) => (held[k] ? v : Math.max(0, v + size * step[k]))),
        there = profileLine(sums, [next[0], 0, next[1]], reml);
      if (there.criterion < at.criterion) moved = { next, there };
    }
    if (!moved) break;
    d = moved.next;
    at = moved.there;
  }
  return { ...at, D: [d[0], 0, d[1]], T: [d[0] * at.sigma2, 0, d[1] * at.sigma2], steps, slope };
}
