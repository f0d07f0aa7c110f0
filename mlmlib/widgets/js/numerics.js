// Numbers for the labs: seeded random draws, tails and quantiles, small linear algebra, and the
// straight line by least squares with ordinary and cluster-robust standard errors (chapters 1 and 2).
// Plain JavaScript, no dependency. The random-intercept and random-slope models are in mixed.js.

// --- Random numbers ---------------------------------------------------------------------------
// xoshiro128** (Blackman and Vigna), its four words filled by splitmix32 from one whole number.

export function random(seed = 1) {
  let s = seed >>> 0;
  const word = () => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = s;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [word(), word(), word(), word()];
  let spare = null;
  const rotate = (x, k) => (x << k) | (x >>> (32 - k));
  const bits = () => {
    const out = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a; d ^= b; b ^= c; a ^= d; c ^= t;
    d = rotate(d, 11);
    return out;
  };
  const uniform = () => (bits() + 0.5) / 4294967296; // never 0, never 1
  const normal = (mean = 0, sd = 1) => {
    // Marsaglia's polar method gives two at a time
    if (spare !== null) { const z = spare; spare = null; return mean + sd * z; }
    let u, v, q;
    do { u = 2 * uniform() - 1; v = 2 * uniform() - 1; q = u * u + v * v; } while (q >= 1);
    const f = Math.sqrt(-2 * Math.log(q) / q);
    spare = v * f;
    return mean + sd * u * f;
  };
  const integer = (n) => Math.floor(uniform() * n);
  return { bits, uniform, normal, integer };
}

// --- Distributions ----------------------------------------------------------------------------

const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];

export function logGamma(x) {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  let sum = LANCZOS[0];
  for (let i = 1; i < 9; i++) sum += LANCZOS[i] / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Upper tail of the gamma distribution with shape a: the regularized Q(a, x). */
export function gammaTail(a, x) {
  if (x <= 0) return 1;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) { // power series of the lower tail
    let term = 1 / a, sum = term;
    for (let k = 1; k < 2000 && term > sum * 1e-17; k++) sum += (term *= x / (a + k));
    return 1 - front * sum;
  }
  let b = x + 1 - a, c = 1e300, d = 1 / b, h = d; // Lentz's continued fraction of the upper tail
  for (let k = 1; k < 2000; k++) {
    const an = k * (a - k);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    const step = c * d;
    h *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return front * h;
}

/** The regularized incomplete beta function I_x(a, b). */
export function betaLower(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaLower(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a;
  const guard = (v) => (Math.abs(v) < 1e-300 ? 1e-300 : v);
  let c = 1, d = 1 / guard(1 - (a + b) * x / (a + 1)), h = d;
  for (let m = 1; m < 3000; m++) {
    let t = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + t * d); c = guard(1 + t / c); h *= c * d;
    t = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + t * d); c = guard(1 + t / c);
    h *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return front * h;
}

export const normalTail = (x) => (x < 0 ? 1 - normalTail(-x) : 0.5 * gammaTail(0.5, x * x / 2));
export const normalCdf = (x) => normalTail(-x);
export const normalDensity = (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
export const chi2Tail = (x, df) => gammaTail(df / 2, x / 2);

/** Normal quantile: Acklam's rational approximation, then one Halley step to full precision. */
export function normalQuantile(p) {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : NaN;
  const A = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
    2.506628277459239];
  const B = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  const C = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783];
  const D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  const poly = (k, z) => k.reduce((sum, coef) => sum * z + coef, 0);
  const tail = Math.min(p, 1 - p);
  let z;
  if (tail > 0.02425) {
    const q = p - 0.5, r = q * q;
    z = q * poly(A, r) / poly(B, r);
  } else {
    const q = Math.sqrt(-2 * Math.log(tail));
    z = (p < 0.5 ? 1 : -1) * poly(C, q) / poly(D, q);
  }
  const e = (z < 0 ? normalCdf(z) - p : 1 - p - normalTail(z)) / normalDensity(z);
  return z - e / (1 + z * e / 2);
}

/** Upper tail of Student's t; df = Infinity is the normal. */
export function tTail(t, df) {
  if (df === Infinity) return normalTail(t);
  if (t < 0) return 1 - tTail(-t, df);
  return 0.5 * betaLower(df / (df + t * t), df / 2, 0.5);
}

/** Student's t quantile: Newton from Cornish and Fisher's start, kept inside a bracket. */
export function tQuantile(p, df) {
  if (df === Infinity) return normalQuantile(p);
  if (p === 0.5) return 0;
  if (p < 0.5) return -tQuantile(1 - p, df);
  const z = normalQuantile(p), logC = logGamma((df + 1) / 2) - logGamma(df / 2) - 0.5 * Math.log(df * Math.PI);
  let low = 0, high = Infinity, t = z + (z ** 3 + z) / (4 * df);
  for (let i = 0; i < 200; i++) {
    const gap = tTail(t, df) - (1 - p); // positive: t is too small
    if (gap > 0) low = t; else high = t;
    let next = t + gap / Math.exp(logC - (df + 1) / 2 * Math.log1p(t * t / df));
    if (!(next > low && next < high)) next = high === Infinity ? 2 * t + 1 : (low + high) / 2;
    if (Math.abs(next - t) <= 1e-15 * Math.abs(t)) return next;
    t = next;
  }
  return t;
}

// --- Small symmetric systems ------------------------------------------------------------------

/** Inverse and log-determinant of a small positive definite matrix (array of rows); null if it is not. */
export function invertSymmetric(M) {
  const p = M.length, L = M.map((row) => row.slice());
  let logDet = 0;
  for (let j = 0; j < p; j++) {
    for (let i = j; i < p; i++) {
      let s = L[i][j];
      for (let k = 0; k < j; k++) s -= L[i][k] * L[j][k];
      if (i > j) { L[i][j] = s / L[j][j]; continue; }
      if (!(s > 1e-13 * Math.abs(M[j][j]))) return null;
      L[j][j] = Math.sqrt(s);
      logDet += Math.log(s);
    }
  }
  const inverse = M.map(() => new Array(p).fill(0));
  for (let c = 0; c < p; c++) {
    const x = new Array(p).fill(0);
    for (let i = c; i < p; i++) {
      let s = i === c ? 1 : 0;
      for (let k = c; k < i; k++) s -= L[i][k] * x[k];
      x[i] = s / L[i][i];
    }
    for (let i = p - 1; i >= 0; i--) {
      let s = x[i];
      for (let k = i + 1; k < p; k++) s -= L[k][i] * x[k];
      x[i] = s / L[i][i];
    }
    for (let i = 0; i < p; i++) inverse[i][c] = x[i];
  }
  return { inverse, logDet };
}

// --- The straight line ------------------------------------------------------------------------

/** Least squares of y on an intercept and x: estimates, standard errors, sigma, R2, fitted values. */
export function lineFit(x, y) {
  const n = x.length, mx = mean(x), my = mean(y);
  let sxx = 0, sxy = 0, syy = 0;
  for (let i = 0; i < n; i++) {
    const a = x[i] - mx, b = y[i] - my;
    sxx += a * a; sxy += a * b; syy += b * b;
  }
  const slope = sxy / sxx, intercept = my - slope * mx, rss = Math.max(0, syy - slope * sxy), df = n - 2;
  const sigma2 = rss / df;
  return { n, df, intercept, slope, rss, sigma2, sigma: Math.sqrt(sigma2), r2: syy > 0 ? 1 - rss / syy : 0,
    seSlope: Math.sqrt(sigma2 / sxx), seIntercept: Math.sqrt(sigma2 * (1 / n + mx * mx / sxx)), meanX: mx, meanY: my,
      sxx };
}

/**
 * Cluster-robust covariance of the same line, CR1 as Stata and statsmodels print it: the sandwich times
 * J/(J-1) x (N-1)/(N-2). Its t has J - 1 degrees of freedom.
 */
export function lineClusterRobust(x, y, group, J) {
  const fit = lineFit(x, y), n = x.length, score = Array.from({ length: J }, () => [0, 0]);
  for (let i = 0; i < n; i++) {
    const a = x[i] - fit.meanX, e = y[i] - fit.meanY - fit.slope * a; // centered: bread is diagonal
    score[group[i]][0] += e;
    score[group[i]][1] += a * e;
  }
  let m00 = 0, m01 = 0, m11 = 0;
  for (const [s0, s1] of score) { m00 += s0 * s0; m01 += s0 * s1; m11 += s1 * s1; }
  const k = J / (J - 1) * (n - 1) / (n - 2), v00 = k * m00 / (n * n), v01 = k * m01 / (n * fit.sxx),
    v11 = k * m11 / fit.sxx ** 2;
  const c = fit.meanX;
  return { ...fit, df: J - 1, seSlope: Math.sqrt(v11), seIntercept: Math.sqrt(v00 - 2 * c * v01 + c * c * v11) };
}

export const sum = (v) => { let s = 0; for (let i = 0; i < v.length; i++) s += v[i]; return s; };
export const mean = (v) => sum(v) / v.length;
