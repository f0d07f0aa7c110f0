// Power of a trial in schools (chapter 21), as mlm.power has it: the noncentral t, the standard error of the effect when
// schools or students within schools are treated, half of them, and what a budget buys.
import { betaLower, logGamma, normalCdf, tQuantile } from "./numerics.js";

/** P(T <= t) of the noncentral t for t >= 0 (Lenth, 1989, AS 243). */
export function noncentralCdf(t, df, delta) {
  const x = t * t / (t * t + df), half = delta * delta / 2, b = df / 2, start = normalCdf(-delta);
  if (!(x > 0)) return start;
  if (half > 700) return delta > 0 ? (t > delta * 4 ? NaN : 0) : 1; // too far out for the series; no t test gets there
  const rest = Math.exp(b * Math.log1p(-x)), root = Math.sqrt(Math.PI);
  let p = 0.5 * Math.exp(-half), q = Math.sqrt(2 / Math.PI) * p * delta, left = 0.5 - p, a = 0.5;
  let odd = betaLower(x, a, b), even = 1 - rest, stepOdd = 2 * rest * Math.exp(a * Math.log(x)) * Math.exp(logGamma(a + b) - logGamma(b)) / root, stepEven = b * x * rest, sum = p * odd + q * even;
  for (let k = 1; k < 4000; k++) {
    a += 1;
    odd -= stepOdd;
    even -= stepEven;
    stepOdd *= x * (a + b - 1) / a;
    stepEven *= x * (a + b - 0.5) / (a + 0.5);
    p *= half / k;
    q *= half / (k + 0.5);
    left -= p;
    sum += p * odd + q * even;
    if (k > half && 2 * left * (odd - stepOdd) < 1e-14) break;
  }
  return Math.min(1, Math.max(0, sum + start));
}

const critical = new Map();
function limitOf(alpha, df) {
  const key = `${alpha}|${df}`;
  if (!critical.has(key)) {
    if (critical.size > 5000) critical.clear();
    critical.set(key, tQuantile(1 - alpha / 2, df));
  }
  return critical.get(key);
}

/** Power of the two-sided t test; nothing without a degree of freedom. */
export function powerAt(delta, df, alpha) {
  if (!(df > 0)) return NaN;
  const t = limitOf(alpha, df), shift = Math.abs(delta);
  if (shift > 37) return t < shift / 4 ? 1 : NaN;
  return Math.min(1, 1 - noncentralCdf(t, df, shift) + (1 - noncentralCdf(t, df, -shift)));
}

/** The noncentrality that has a power. */
export function noncentralityFor(power, df, alpha) {
  let low = 0, high = 1;
  while (high < 36 && powerAt(high, df, alpha) < power) high = Math.min(36, 2 * high);
  for (let k = 0; k < 80 && high - low > 1e-12; k++) {
    const mid = (low + high) / 2;
    if (powerAt(mid, df, alpha) < power) low = mid; else high = mid;
  }
  return (low + high) / 2;
}

/** Variance of the effect per school: what lies between schools, and what students take off. */
export function parts({ level, icc, r2_group, r2_unit, effect_sd }) {
  return { between: level === "school" ? 4 * icc * (1 - r2_group) : effect_sd ** 2, within: 4 * (1 - icc) * (1 - r2_unit) };
}

export const degrees = ({ level, r2_group }, J) => (level === "school" ? J - 2 - (r2_group > 0 ? 1 : 0) : J - 1);

/** Standard error, degrees of freedom and power of J schools with n students. */
export function designOf(state, J, n) {
  const { between, within } = parts(state), se = Math.sqrt((between + within / n) / J), df = degrees(state, J);
  return { J, n, se, df, delta: state.effect / se, power: powerAt(state.effect / se, df, state.alpha), share: between / (between + within / n) };
}

export const costOf = ({ cost_group, cost_unit }, J, n) => J * (cost_group + cost_unit * n);
export const schoolsFor = ({ budget, cost_group, cost_unit }, n) => budget / (cost_group + cost_unit * n);

/** Students a school that money is best spent on (Raudenbush, 1997; Raudenbush and Liu, 2000); degrees of freedom aside. */
export function optimalN(state) {
  const { between, within } = parts(state);
  return Math.sqrt(state.cost_group / state.cost_unit * within / between);
}

/** Halves are treated: schools come in twos, or the students of a school. */
export const steps = ({ level }) => (level === "school" ? { J: 2, n: 1 } : { J: 1, n: 2 });

/** As many schools, in whole pairs where need be, as the budget buys with n students. */
export const affordable = (state, n) => { const by = steps(state).J; return by * Math.floor(schoolsFor(state, n) / by + 1e-9); };

/** The whole numbers that have most power for the budget; null if it buys too few schools. */
export function bestDesign(state, [leastJ, mostJ], [leastN, mostN]) {
  let best = null;
  for (let n = leastN; n <= mostN; n += steps(state).n) {
    const J = Math.min(mostJ, affordable(state, n));
    if (J < leastJ) break;
    const found = designOf(state, J, n);
    if (!best || found.power > best.power + 1e-12) best = found;
  }
  return best;
}
