// The likelihood-ratio test of the variance between groups in balanced data (chapter 8): J groups of n, no predictors.
// Everything is a function of F = MSB / MSW, so the statistic has a closed form and its distribution at these very J
// and n is that of F (Crainiceanu and Ruppert's theorem with one eigenvalue).
import { betaLower, chi2Tail } from "./numerics.js";

/** Where the estimate leaves zero: J - 1 by REML, J by ML. */
const edge = ({ J, reml }) => (reml ? 1 : J / (J - 1));

/** The statistic from the sums of squares between and within: 0 where the best variance is 0. */
export function statisticOf(ssb, ssw, { J, n, reml }) {
  const d1 = reml ? J - 1 : J, d2 = J * (n - 1), msb = ssb / d1, msw = ssw / d2;
  if (!(msb > msw)) return 0;
  return Math.max(0, (d1 + d2) * Math.log((ssb + ssw) / (d1 + d2)) - d1 * Math.log(msb) - d2 * Math.log(msw));
}

/** The estimate of tau2. */
export const tau2Of = (ssb, ssw, { J, n, reml }) => Math.max(0, (ssb / (reml ? J - 1 : J) - ssw / (J * (n - 1))) / n);

const atF = (F, at) => statisticOf((at.J - 1) * F, at.J * (at.n - 1), at);

/** The F at which the statistic is x > 0: it rises with F, from zero at the edge. */
export function ratioOf(x, at) {
  let low = edge(at), high = 2 * low + 1;
  while (atF(high, at) < x) high *= 2;
  for (let k = 0; k < 200 && high - low > 1e-14 * high; k++) {
    const mid = (low + high) / 2;
    if (atF(mid, at) < x) low = mid; else high = mid;
  }
  return (low + high) / 2;
}

const fTail = (F, d1, d2) => betaLower(d2 / (d2 + d1 * F), d2 / 2, d1 / 2);

/** P(statistic > x), exactly, at a true variance of tau2 where sigma2 = 1; for x = 0 the chance of a positive estimate. */
export function exactTail(x, at, tau2 = 0) {
  const F = x > 0 ? ratioOf(x, at) : edge(at);
  return fTail(F / (1 + at.n * tau2), at.J - 1, at.J * (at.n - 1));
}

/** The exact 5 % limit of the statistic (or another). */
export function exactLimit(at, alpha = 0.05) {
  let low = edge(at), high = 2 * low + 2;
  const tail = (F) => fTail(F, at.J - 1, at.J * (at.n - 1));
  while (tail(high) > alpha) high *= 2;
  for (let k = 0; k < 200 && high - low > 1e-14 * high; k++) {
    const mid = (low + high) / 2;
    if (tail(mid) > alpha) low = mid; else high = mid;
  }
  return atF(high, at);
}

export const naiveTail = (x) => (x > 0 ? chi2Tail(x, 1) : 1);
export const mixtureTail = (x) => chi2Tail(Math.max(x, 0), 1) / 2;

/** One study: sums of squares of J groups of n, group means tau2 apart, students' variance 1. */
export function drawStudy(rng, { J, n, tau2 }) {
  const tau = Math.sqrt(tau2), means = new Array(J);
  let ssw = 0, grand = 0;
  for (let j = 0; j < J; j++) {
    const u = tau * rng.normal();
    let sum = 0, squares = 0;
    for (let i = 0; i < n; i++) { const e = rng.normal(); sum += e; squares += e * e; }
    ssw += squares - sum * sum / n;
    means[j] = u + sum / n;
    grand += means[j] / J;
  }
  return { means, grand, ssw, ssb: n * means.reduce((s, m) => s + (m - grand) ** 2, 0) };
}
