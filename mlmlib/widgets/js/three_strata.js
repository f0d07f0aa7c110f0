// Tests in children in schools, balanced (chapter 11): everything follows from the mean squares of three strata. With a
// predictor at each level (its mean square is 1) the strata have E1 = σ² + d τ_child + d n τ_school with J − 2 degrees of
// freedom, E2 = σ² + d τ_child with J(n − 1) − 1 and E3 = σ². d is the number of tests for levels, and the sum of squares
// of time for rates. REML on balanced data solves exactly these equations, and a model without a level pools two of them.
import { normalCdf, random } from "./numerics.js";

/** Sum of squares of m equally spaced times, one unit apart, around their mean. */
export const timeSquares = (m) => m * (m * m - 1) / 12;

const pool = (a, b, fa, fb) => (fa * a + fb * b) / (fa + fb);

/** The three mean squares, their degrees of freedom, and N = the sum of squares of a predictor of SD 1. */
export function strata({ school, child, test, J, n, m }, rate) {
  const d = rate ? timeSquares(m) : m, E2 = test + d * child;
  return { d, N: J * n * d, E: [E2 + d * n * school, E2, test],
    df: [J - 2, J * (n - 1) - 1, rate ? J * n * (m - 2) : J * n * (m - 1) - 1] };
}

/** What REML finds, and the standard errors that it gives, when the level `out` is left out. */
export function leaveOut({ E, df, d, N }, n, out) {
  const [E1, E2, E3] = E, se = (...squares) => squares.map((v) => Math.sqrt(v / N));
  if (out === "school") {
    const children = pool(E1, E2, df[0], df[1]);
    return { school: 0, child: (children - E3) / d, test: E3, se: se(children, children, E3) };
  }
  if (out === "child") {
    const tests = pool(E2, E3, df[1], df[2]);
    return { school: (E1 - tests) / (n * d), child: 0, test: tests, se: se(E1, tests, tests) };
  }
  if (out === "both") {
    const rows = pool(pool(E1, E2, df[0], df[1]), E3, df[0] + df[1], df[2]);
    return { school: 0, child: 0, test: rows, se: se(rows, rows, rows) };
  }
  return { school: (E1 - E2) / (n * d), child: (E2 - E3) / d, test: E3, se: se(E1, E2, E3) };
}

/** How often a test at the 5 % level rejects a true null when its standard error is `ratio` times the right one. */
export const falseAlarms = (ratio) => 2 * normalCdf(-1.959963984540054 * ratio);

/** The estimated share τ_school / (τ_school + τ_child) of each of `count` studies of this size; variances stop at 0. */
export function estimatedShares({ E, df, d }, n, chis) {
  return chis.map((chi) => {
    const M = E.map((e, k) => e * chi[k] / df[k]);
    let [M1, M2, M3] = M, child = (M2 - M3) / d;
    if (child < 0) { child = 0; M2 = pool(M2, M3, df[1], df[2]); }
    const school = Math.max(0, (M1 - M2) / (n * d));
    return school + child > 0 ? school / (school + child) : NaN;
  });
}

/** `count` triples of chi-square draws with these degrees of freedom, the same for the same seed. */
export function chiSquares(df, count, seed) {
  const g = random(seed);
  return Array.from({ length: count }, () => df.map((f) => (f > 0 ? 2 * gamma(f / 2, g) : 0)));
}

// Marsaglia and Tsang (2000); a shape below 1 by way of shape + 1.
function gamma(a, g) {
  if (a < 1) return gamma(a + 1, g) * g.uniform() ** (1 / a);
  const d = a - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = g.normal(), v = (1 + c * z) ** 3;
    if (v > 0 && Math.log(g.uniform()) < 0.5 * z * z + d - d * v + d * Math.log(v)) return d * v;
  }
}
