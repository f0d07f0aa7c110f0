// The criterion as a function of two parameters (chapter 7), with its derivatives and what the walkers need.
// Random intercept: (tau, sigma), nothing else left. Three random effects: two elements of the factor L, the rest held.

// --- Random intercept: y_ij = mu + u_j + e_ij, from each group's size, mean and within sum of squares -------------

/**
 * The criterion at tau2 and sigma2 with its gradient, its expected second derivatives and one EM step, all in the
 * variances. EM is the gradient scaled: tau2 - tau2^2 g / J and sigma2 - sigma2^2 g / N are Laird and Ware's updates.
 */
export function interceptAt({ size, means, ss }, t2, s2, reml) {
  const J = size.length;
  let N = 0, h = 0, hm = 0, logV = 0, within = 0;
  for (let j = 0; j < J; j++) {
    const n = size[j], d = s2 + n * t2;
    N += n; h += n / d; hm += n / d * (means[j] - means[0]); within += ss[j];
    logV += Math.log(d) + (n - 1) * Math.log(s2);
  }
  const mu = hm / h + means[0];
  let q = within / s2, gt = 0, gs = (N - J) / s2 - within / s2 ** 2;
  let a2 = 0, b2 = 0, c2 = 0, a3 = 0, b3 = 0, c3 = 0; // sums of n^2/d^2, n/d^2, 1/d^2 and n^3/d^3, n^2/d^3, n/d^3
  for (let j = 0; j < J; j++) {
    const n = size[j], d = s2 + n * t2, r2 = n * (means[j] - mu) ** 2;
    q += r2 / d;
    gt += n / d - n * r2 / d ** 2;
    gs += 1 / d - r2 / d ** 2;
    a2 += (n / d) ** 2; b2 += n / d ** 2; c2 += 1 / d ** 2;
    a3 += (n / d) ** 3; b3 += n * n / d ** 3; c3 += n / d ** 3;
  }
  let tt = a2, ts = b2, ssi = c2 + (N - J) / s2 ** 2;
  if (reml) {
    gt -= a2 / h; gs -= b2 / h;
    tt += -2 * a3 / h + (a2 / h) ** 2;
    ts += -2 * b3 / h + a2 * b2 / h ** 2;
    ssi += -2 * c3 / h + (b2 / h) ** 2;
  }
  const df = reml ? N - 1 : N;
  return { criterion: df * Math.log(2 * Math.PI) + logV + q + (reml ? Math.log(h) : 0), mu, gradient: [gt, gs],
    information: [tt, ts, ssi], em: [t2 - t2 * t2 * gt / J, s2 - s2 * s2 * gs / N] };
}

/** What a walker sees over x = (tau, sigma). Scoring and EM step in the variances, the others in the SDs. */
export const interceptSurface = (groups, reml) => ({
  lower: [0, 0.5],
  value: ([t, s]) => interceptAt(groups, t * t, s * s, reml).criterion,
  at([t, s]) {
    const r = interceptAt(groups, t * t, s * s, reml), [gt, gs] = r.gradient;
    return { value: r.criterion, gradient: [2 * t * gt, 2 * s * gs] };
  },
  scoring: { to: ([t, s]) => [t * t, s * s], from: (v) => v.map(Math.sqrt), lower: [0, 0.25],
    at(v) { const r = interceptAt(groups, ...v, reml); return { value: r.criterion, gradient: r.gradient, information: r.information }; } },
  em: ([t, s]) => interceptAt(groups, t * t, s * s, reml).em.map((v) => Math.sqrt(Math.max(0, v))),
});

// --- Three random effects that are also the fixed part (Z = X) ----------------------------------------------------
// A school is [a00, a01, a02, a11, a12, a22, c0, c1, c2]: Z'Z and Z'y. 3 x 3 matrices are arrays of nine, by rows.

const mul = (A, B) => {
  const out = new Array(9);
  for (let i = 0; i < 9; i += 3) for (let j = 0; j < 3; j++) out[i + j] = A[i] * B[j] + A[i + 1] * B[3 + j] + A[i + 2] * B[6 + j];
  return out;
};
const apply = (A, [x, y, z]) => [0, 3, 6].map((i) => A[i] * x + A[i + 1] * y + A[i + 2] * z);
const trace = (A, B) => { // of A B
  let t = 0;
  for (let i = 0; i < 3; i++) for (let k = 0; k < 3; k++) t += A[3 * i + k] * B[3 * k + i];
  return t;
};

function inverse([a, b, c, d, e, f, g, h, i]) {
  const A = e * i - f * h, B = f * g - d * i, C = d * h - e * g, det = a * A + b * B + c * C;
  return { det, inv: [A, c * h - b * i, b * f - c * e, B, a * i - c * g, c * d - a * f, C, b * g - a * h, a * e - b * d].map((v) => v / det) };
}

/** The criterion (beta and sigma2 profiled out) at relative covariance factor L = [l11, l21, l31, l22, l32, l33]. */
export function slopesAt({ schools, yy, N }, [l11, l21, l31, l22, l32, l33], reml, derivatives = false) {
  const d00 = l11 * l11, d01 = l11 * l21, d02 = l11 * l31, d11 = l21 * l21 + l22 * l22, d12 = l21 * l31 + l22 * l32,
    d22 = l31 * l31 + l32 * l32 + l33 * l33, D = [d00, d01, d02, d01, d11, d12, d02, d12, d22];
  const H = new Array(9).fill(0), Xy = [0, 0, 0], parts = [];
  let logV = 0, rss = yy;
  for (const [a00, a01, a02, a11, a12, a22, c0, c1, c2] of schools) {
    const A = [a00, a01, a02, a01, a11, a12, a02, a12, a22], M = mul(A, D), c = [c0, c1, c2];
    M[0] += 1; M[4] += 1; M[8] += 1;
    const { det, inv } = inverse(M), K = mul(inv, A), w = apply(inv, c), Dw = apply(D, w);
    logV += Math.log(det);
    for (let k = 0; k < 9; k++) H[k] += K[k];
    for (let k = 0; k < 3; k++) { Xy[k] += w[k]; rss -= c[k] * Dw[k]; }
    if (derivatives) parts.push([K, w]);
  }
  const { det, inv: Hi } = inverse(H), beta = apply(Hi, Xy), df = reml ? N - 3 : N;
  rss -= beta[0] * Xy[0] + beta[1] * Xy[1] + beta[2] * Xy[2];
  const s2 = rss / df, value = logV + (reml ? Math.log(det) : 0) + df * (1 + Math.log(2 * Math.PI * s2));
  return derivatives ? { value, beta, sigma2: s2, ...slopes(parts, H, Hi, beta, s2, df, reml, [0, l22, l32]) } : { value, beta, sigma2: s2 };
}

/** Gradient in (l22, l32), both in the column `col` of L, and the expected second derivatives with sigma2 profiled. */
function slopes(parts, H, Hi, beta, s2, df, reml, col) {
  const E = [1, 2].map((row) => { // dD / d l = e col' + col e'
    const out = new Array(9).fill(0);
    for (let k = 0; k < 3; k++) { out[3 * row + k] += col[k]; out[3 * k + row] += col[k]; }
    return out;
  });
  const Gamma = new Array(9).fill(0), info = [0, 0, 0], t = [0, 0], R = [new Array(9).fill(0), new Array(9).fill(0)];
  for (const [K, w] of parts) {
    const Kb = apply(K, beta), h = w.map((v, k) => v - Kb[k]), G = reml ? mul(mul(K, Hi), K) : null;
    for (let i = 0; i < 3; i++) for (let k = 0; k < 3; k++) Gamma[3 * i + k] += K[3 * i + k] - h[i] * h[k] / s2 - (G ? G[3 * i + k] : 0);
    const EK = E.map((e) => mul(e, K));
    [[0, 0], [0, 1], [1, 1]].forEach(([a, b], k) => { info[k] += trace(EK[a], EK[b]) - (G ? 2 * trace(EK[a], mul(E[b], G)) : 0); });
    E.forEach((e, a) => {
      t[a] += trace(e, K) - (G ? trace(e, G) : 0);
      if (G) { const KEK = mul(K, EK[a]); for (let k = 0; k < 9; k++) R[a][k] += KEK[k]; }
    });
  }
  const RH = reml ? R.map((r) => mul(r, Hi)) : null;
  return { gradient: E.map((e) => trace(Gamma, e)),
    information: [[0, 0], [0, 1], [1, 1]].map(([a, b], k) => info[k] + (RH ? trace(RH[a], RH[b]) : 0) - t[a] * t[b] / df) };
}

/** What a walker sees over x = (theta22, theta32), the other four elements held; theta22 >= 0 if there is a wall. */
export function slopesSurface(data, held, reml, wall) {
  const [l11, l21, l31, l33] = held, place = ([a, b]) => [l11, l21, l31, a, b, l33], lower = [wall ? 0 : -Infinity, -Infinity];
  const at = (x) => slopesAt(data, place(x), reml, true);
  return { lower, at, value: (x) => slopesAt(data, place(x), reml).value,
    scoring: { to: (x) => x, from: (v) => v, lower, at } };
}
