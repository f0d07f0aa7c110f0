// Gauss-Hermite quadrature, plain and adaptive, of one group's integral over its random intercept (chapter 16).
import { logGamma } from "./numerics.js";

const RULES = new Map();

/** n nodes and weights for the standard normal: E f(z) = sum of w f(z), exact for polynomials up to degree 2n - 1.
 *  Newton on the orthonormal polynomials, each root deflated by those before. */
export function hermite(n) {
  if (RULES.has(n)) return RULES.get(n);
  const polynomials = (z) => { let before = 0, now = 1; for (let k = 0; k < n; k++) [before, now] = [now, (z * now - Math.sqrt(k) * before) / Math.sqrt(k + 1)]; return [before, now]; };
  const half = [], m = Math.ceil(n / 2);
  for (let i = 0; i < m; i++) {
    let z = n % 2 && i === m - 1 ? 0 : i === 0 ? Math.sqrt(4 * n + 2) : half[i - 1] - 0.01; // from outside each root is approached from above
    for (let round = 0; round < 300 && z !== 0; round++) {
      const [before, now] = polynomials(z), roots = half.reduce((s, r) => s + 1 / (z - r) + 1 / (z + r), 0);
      const move = now / (Math.sqrt(n) * before - now * roots);
      z -= move;
      if (Math.abs(move) < 1e-15 * (1 + Math.abs(z))) break;
    }
    half.push(z);
  }
  const z = [...half.map((v) => -v), ...(n % 2 ? half.slice(0, -1) : half).slice().reverse()];
  const w = z.map((v) => 1 / (n * polynomials(v)[0] ** 2));
  const rule = { z, w };
  RULES.set(n, rule);
  return rule;
}

const softplus = (eta) => Math.max(eta, 0) + Math.log1p(Math.exp(-Math.abs(eta)));
const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/** One group: k yes of n (binomial, logit) or k events in n visits (Poisson, log), intercept b, SD tau of u. */
export function groupOf({ family, k, n, b, tau }) {
  const yes = family === "binomial", constant = yes ? logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) : k * Math.log(n) - logGamma(k + 1);
  const likelihood = (u) => k * (b + u) - (yes ? n * softplus(b + u) : n * Math.exp(b + u)) + constant;
  const prior = (u) => -u * u / (2 * tau * tau) - Math.log(tau) - HALF_LOG_2PI;
  const slopes = (u) => { // first and second derivative of the log integrand
    const p = yes ? 1 / (1 + Math.exp(-b - u)) : Math.exp(b + u);
    return [k - n * p - u / (tau * tau), -n * (yes ? p * (1 - p) : p) - 1 / (tau * tau)];
  };
  let low = -1, high = 1;
  while (slopes(low)[0] < 0) low *= 2;
  while (slopes(high)[0] > 0) high *= 2;
  let mode = 0;
  for (let round = 0; round < 200; round++) { // Newton, kept in the bracket: the log integrand is concave
    const [d1, d2] = slopes(mode);
    if (d1 > 0) low = mode; else high = mode;
    let next = mode - d1 / d2;
    if (!(next > low && next < high)) next = (low + high) / 2;
    const done = Math.abs(next - mode) < 1e-14 * (1 + Math.abs(mode));
    mode = next;
    if (done) break;
  }
  const sd = 1 / Math.sqrt(-slopes(mode)[1]), log = (u) => likelihood(u) + prior(u), top = log(mode);
  return { likelihood, prior, log, mode, sd, top, tau };
}

/** Log of the integral by the trapezoid rule, out to where nothing is left: exact to a double's last digits. */
export function truth({ log, mode, sd, top }) {
  const h = Math.min(sd, 1.5) / 12;
  let sum = 1, ends = [];
  for (const way of [-1, 1]) {
    let j = 1, gap;
    for (; (gap = log(mode + way * j * h) - top) > -44; j++) sum += Math.exp(gap);
    ends.push(mode + way * j * h);
  }
  return { value: top + Math.log(sum * h), ends };
}

/** Nodes in u, and the log of the integral: about the mode ("adaptive") or by the prior. */
export function quadrature(group, n, adaptive) {
  const { z, w } = hermite(n), center = adaptive ? group.mode : 0, scale = adaptive ? group.sd : group.tau, u = z.map((v) => center + scale * v);
  const terms = u.map((v, i) => Math.log(w[i]) + (adaptive ? group.log(v) + z[i] * z[i] / 2 + Math.log(scale) + HALF_LOG_2PI : group.likelihood(v)));
  const most = Math.max(...terms), parts = terms.map((t) => Math.exp(t - most)), sum = parts.reduce((s, v) => s + v, 0);
  return { u, value: most + Math.log(sum), shares: parts.map((v) => v / sum), center, scale };
}

/** What the rule believes: the normal of its nodes times the polynomial through the integrand there. Its integral is the
 *  rule's value exactly; with one adaptive node it is Laplace's normal. Log integrand less `top` at nodes: barycentric. */
export function believed(group, n, adaptive) {
  const { z } = hermite(n), { u, center, scale } = quadrature(group, n, adaptive);
  const ratio = u.map((v, i) => Math.exp(group.log(v) - group.top + z[i] * z[i] / 2));
  const lambda = z.map((a, i) => 1 / z.reduce((p, b, j) => (j === i ? p : p * (a - b)), 1));
  return (v) => {
    const t = (v - center) / scale, hit = z.findIndex((a) => Math.abs(a - t) < 1e-12), normal = Math.exp(-t * t / 2);
    if (hit >= 0) return ratio[hit] * normal;
    let above = 0, below = 0;
    for (let i = 0; i < n; i++) { const c = lambda[i] / (t - z[i]); above += c * ratio[i]; below += c; }
    return above / below * normal;
  };
}
