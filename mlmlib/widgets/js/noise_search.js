// A search among noise (chapter 10): facts about schools that are random numbers, the random-intercept model with any
// of them by maximum likelihood, and forward selection by AIC. A fact is the same for all students of a school, so that
// sums over schools are all that is needed.
import { fitIntercept, prepare } from "./mixed.js";
import { normalTail, random } from "./numerics.js";

export const FACTS = 12; // in a world
export const LIMIT = 0.05; // "significant"
const MOST_CHOSEN = 6, // that a search keeps
  BASE = 2, // columns before the facts: intercept and homework
  Z95 = 1.959963984540054;

/** Facts of one world: [fact][school], normal draws set to mean 0 and SD 1, so that a coefficient is per SD. */
export function drawFacts(seed, J) {
  const rng = random(seed);
  return Array.from({ length: FACTS }, () => {
    const raw = Array.from({ length: J }, () => rng.normal()), mean = raw.reduce((s, v) => s + v, 0) / J;
    const sd = Math.sqrt(raw.reduce((s, v) => s + (v - mean) ** 2, 0) / (J - 1));
    return raw.map((v) => (v - mean) / sd);
  });
}

/** Sums of [1, homework, facts, math] over the students of each school and over all. */
function worldSums({ n, x, y, xx, xy, yy }, facts) {
  const m = BASE + facts.length + 1, last = m - 1, cross = Array.from({ length: m }, () => new Array(m).fill(0));
  const sums = n.map((size, j) => [size, x[j], ...facts.map((f) => size * f[j]), y[j]]);
  sums.forEach((own, j) => { // a column that is constant in the school times any other: its value times that one's sum
    for (let a = 0; a < m; a++) {
      if (a === 1 || a === last) continue;
      for (let b = 0; b < m; b++) cross[a][b] += own[a] / n[j] * own[b];
    }
  });
  for (const a of [1, last]) for (let b = 0; b < m; b++) if (b !== 1 && b !== last) cross[a][b] = cross[b][a];
  cross[1][1] = xx;
  cross[1][last] = cross[last][1] = xy;
  cross[last][last] = yy;
  return { size: n, sums, cross };
}

/**
 * The smallest -2 log-likelihood of models that hold some of the columns, quickly: S = [X y]' V^-1 [X y] of all columns
 * is the same for every model, a model takes its part of it, and only the deviance is wanted. The derivative is sought
 * as in fitIntercept, on the same grid.
 */
function devianceOf({ cross, kinds, size, N }) {
  const m = cross.length, nbar = N / size.length, grid = [0, 1, 2, 3, 4, 5].map((k) => k / 6).concat(1 - 1e-8);
  const flat = (M) => new Float64Array(M.flat()), total = flat(cross), same = kinds.map((kind) => ({ ...kind, outer: flat(kind.outer) }));
  const sums = (phi, keep, out = { S: new Float64Array(m * m), dS: new Float64Array(m * m) }) => { // lower triangles, at the columns kept
    const { S, dS } = out;
    S.set(total);
    dS.fill(0);
    out.logV = out.dLogV = 0;
    for (const { n, count, outer } of same) {
      const d = 1 + n * phi, w = phi / d, dw = 1 / (d * d);
      out.logV += count * Math.log(d);
      out.dLogV += count * n / d;
      for (let i = 0; i < keep.length; i++) for (let j = 0; j <= i; j++) { const at = keep[i] * m + keep[j]; S[at] -= w * outer[at]; dS[at] -= dw * outer[at]; }
    }
    return out;
  };
  const every = cross.map((_, k) => k), known = grid.map((r) => sums(r / (1 - r) / nbar, every)), room = sums(0, every);
  const L = new Float64Array(m * m), v = new Float64Array(m);
  const part = ({ S, dS, logV, dLogV }, keep) => { // Cholesky's last pivot is the residual sum of squares
    const q = keep.length, p = q - 1;
    for (let i = 0; i < q; i++) {
      for (let j = 0; j <= i; j++) {
        let s = S[keep[i] * m + keep[j]];
        for (let k = 0; k < j; k++) s -= L[i * m + k] * L[j * m + k];
        L[i * m + j] = i > j ? s / L[j * m + j] : j < p ? Math.sqrt(s) : s;
      }
    }
    const rss = L[p * m + p];
    v[p] = 1; // [-beta, 1]
    for (let i = p - 1; i >= 0; i--) {
      let s = -L[p * m + i];
      for (let k = i + 1; k < p; k++) s -= L[k * m + i] * v[k];
      v[i] = s / L[i * m + i];
    }
    let dRss = 0;
    for (let i = 0; i < q; i++) for (let j = 0; j <= i; j++) dRss += (i === j ? 1 : 2) * v[i] * v[j] * dS[keep[i] * m + keep[j]];
    return { value: logV + N * (1 + Math.log(2 * Math.PI * rss / N)), slope: dLogV + N * dRss / rss };
  };
  const within = (a, b, fa, fb, keep) => { // Illinois false position, until the deviance changes no more
    let ga = fa.slope, gb = fb.slope, last = 0, now = fb;
    for (let k = 0; k < 60; k++) {
      const phi = k % 4 === 3 ? (a + b) / 2 : (a * gb - b * ga) / (gb - ga);
      now = part(sums(phi, keep, room), keep);
      const sign = Math.sign(now.slope);
      if (Math.abs(now.slope) * Math.min(phi, b - a) < 1e-8) break;
      if (sign < 0) { a = phi; ga = now.slope; if (last < 0) gb /= 2; } else { b = phi; gb = now.slope; if (last > 0) ga /= 2; }
      last = sign;
    }
    return now.value;
  };
  return (keep) => {
    const at = known.map((k) => part(k, keep));
    let least = Math.min(at[0].value, at.at(-1).value);
    for (let k = 1; k < grid.length; k++) {
      if (at[k - 1].slope < 0 && at[k].slope >= 0) least = Math.min(least, within(grid[k - 1] / (1 - grid[k - 1]) / nbar, grid[k] / (1 - grid[k]) / nbar, at[k - 1], at[k], keep));
    }
    return least;
  };
}

/** One world: `fit(mask)` is the model with the facts whose bits are set, `aic(mask)` its AIC alone; each is found once. */
export function world(data, seed) {
  const facts = drawFacts(seed, data.n.length), all = prepare(worldSums(data, facts)), fits = new Map(), known = new Map(), deviance = devianceOf(all);
  const inside = (mask) => facts.map((_, k) => k).filter((k) => mask >> k & 1);
  const columns = (mask) => [0, 1, ...inside(mask).map((k) => BASE + k), BASE + FACTS];
  const pick = (M, keep) => keep.map((a) => keep.map((b) => M[a][b]));
  const once = (map, mask, make) => { if (!map.has(mask)) map.set(mask, make()); return map.get(mask); };
  const aic = (mask) => once(known, mask, () => { const keep = columns(mask); return deviance(keep) + 2 * (keep.length + 1); });
  const fit = (mask) => once(fits, mask, () => {
    const keep = columns(mask), stats = { ...all, p: keep.length - 1, cross: pick(all.cross, keep), sums: all.sums.map((own) => keep.map((a) => own[a])),
      kinds: all.kinds.map((kind) => ({ ...kind, outer: pick(kind.outer, keep) })) };
    const { beta, se, tau2, sigma2, criterion } = fitIntercept(stats, false, 6);
    return { inside: inside(mask), beta, se, tau2, sigma2, aic: criterion + 2 * (keep.length + 1) };
  });
  return { seed, facts, fit, aic };
}

/** A coefficient with its test, as a program prints it: fact k of a fit, or homework (k = -1). */
export function coefficient(fit, k) {
  const at = k < 0 ? 1 : BASE + fit.inside.indexOf(k), value = fit.beta[at], se = fit.se[at], z = value / se;
  return { value, se, z, p: 2 * normalTail(Math.abs(z)), low: value - Z95 * se, high: value + Z95 * se };
}

/** Which of the first `count` facts AIC takes next, or -1 when none lowers it or enough are in. */
export function nextFact({ aic }, mask, count) {
  let best = -1, least = aic(mask), kept = 0;
  for (let k = 0; k < FACTS; k++) kept += mask >> k & 1;
  for (let k = 0; k < count && kept < MOST_CHOSEN; k++) {
    if (mask >> k & 1) continue;
    const value = aic(mask | 1 << k);
    if (value < least) { best = k; least = value; }
  }
  return best;
}

/** The whole search from nothing: facts in the order in which they come in. */
export function searchPath(here, count) {
  const path = [];
  for (let mask = 0, k; (k = nextFact(here, mask, count)) >= 0; mask |= 1 << k) path.push(k);
  return path;
}

export const maskOf = (chosen) => chosen.reduce((mask, k) => mask | 1 << k, 0);

/** How many of the facts in a model have p < 0.05. */
export const significant = (fit) => fit.inside.filter((k) => coefficient(fit, k).p < LIMIT).length;

/** What comes out of one world: significant facts after a search among the first 1, 2, ... facts, and of fact 1 planned. */
export function outcome(here) {
  return { found: here.facts.map((_, k) => significant(here.fit(maskOf(searchPath(here, k + 1))))), planned: significant(here.fit(1)) };
}
