// Chances under a normal random effect (chapter 16): one person's curve, the average over people, exactly, and the
// constants that take one coefficient to the other.
import { normalCdf, normalQuantile } from "./numerics.js";

const logistic = (eta) => (eta >= 0 ? 1 / (1 + Math.exp(-eta)) : Math.exp(eta) / (1 + Math.exp(eta)));

/** chance(eta), and scale(p, q): the link of a chance p whose complement is q. c: Phi(c eta) is closest to the chance. */
export const LINKS = {
  logit: { chance: logistic, scale: (p, q) => Math.log(p) - Math.log(q), c: 16 * Math.sqrt(3) / (15 * Math.PI), latent: Math.PI ** 2 / 3 },
  probit: { chance: normalCdf, scale: (p, q) => (p < q ? normalQuantile(p) : -normalQuantile(q)), c: 1, latent: 1 },
};

/** E F(eta + sd z), z ~ N(0, 1). Of the logit by the trapezoid rule, whose error falls as exp(−2π² / (sd h)): with
 *  h = 0.1 it is beyond the digits of a double for sd up to 5. Of the probit in closed form. */
export function averaged(link, eta, sd) {
  if (link === "probit") return normalCdf(eta / Math.sqrt(1 + sd * sd));
  if (sd === 0) return logistic(eta);
  let sum = 0;
  for (let k = -95; k <= 95; k++) sum += WEIGHTS[k + 95] * logistic(eta + sd * k * 0.1);
  return sum;
}

const WEIGHTS = Array.from({ length: 191 }, (_, i) => 0.1 * Math.exp(-(((i - 95) * 0.1) ** 2) / 2) / Math.sqrt(2 * Math.PI));

/** Link of the averaged chance. */
export const averagedScale = (link, eta, sd) => LINKS[link].scale(averaged(link, eta, sd), averaged(link, -eta, sd));

/** The same by the approximation of Zeger, Liang and Albert (1988): eta / sqrt(1 + c² sd²); exact for the probit. */
export const attenuated = (link, eta, sd) => eta / Math.sqrt(1 + LINKS[link].c ** 2 * sd * sd);

/** Intraclass correlation on the scale of the latent variable. */
export const latentIcc = (link, sd) => sd * sd / (sd * sd + LINKS[link].latent);

/** Median odds ratio of two people drawn at random, the higher against the lower (Larsen et al. 2000). */
export const medianOddsRatio = (sd) => Math.exp(Math.SQRT2 * normalQuantile(0.75) * sd);

/** J people who stand for all: deviations at the normal's quantiles, and unrelated ones of the slope. */
export function people(J) {
  const vdc = (i) => { let v = 0, b = 0.5; for (let k = i; k > 0; k = Math.floor(k / 2), b /= 2) v += b * (k % 2); return v; };
  const order = Array.from({ length: J }, (_, i) => [vdc(i + 1), i]).sort((a, b) => a[0] - b[0]).map(([, i]) => i), z = (k) => normalQuantile((k + 0.5) / J);
  const slope = new Array(J);
  order.forEach((i, rank) => { slope[i] = z(rank); });
  return slope.map((s, i) => [z(i), s]);
}
