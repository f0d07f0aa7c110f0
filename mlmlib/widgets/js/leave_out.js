// A line between groups fitted by a random-intercept model, with and without each group (chapter 9). A group is
// {n, x, y, ss}: students, mean of x (the same for all of them), mean outcome, sum of squares around it.
import { fitIntercept, prepare } from "./mixed.js";

const CENTER = 50; // of the outcome, for digits only

/** REML (or ML) of y = g0 + g1 x + u_j + e from the groups alone. */
export function fitLine(groups, reml = true) {
  const size = groups.map((g) => g.n), sums = groups.map(({ n, x, y }) => [n, n * x, n * (y - CENTER)]);
  const cross = [0, 1, 2].map(() => [0, 0, 0]);
  groups.forEach(({ n, ss }, j) => {
    for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) cross[a][b] += sums[j][a] * sums[j][b] / n;
    cross[2][2] += ss;
  });
  const fit = fitIntercept(prepare({ size, sums, cross }), reml);
  if (!fit) return null;
  const [g0, g1] = fit.beta;
  return { intercept: g0 + CENTER, slope: g1, seIntercept: fit.se[0], se: fit.se[1], cov: fit.cov, tau2: fit.tau2,
    sigma2: fit.sigma2, criterion: fit.criterion, at: (x) => g0 + CENTER + g1 * x };
}

/** The line through all students, schools ignored. */
export function studentLine(groups) {
  let N = 0, mx = 0, my = 0, sxx = 0, sxy = 0;
  for (const { n, x, y } of groups) { N += n; mx += n * x; my += n * y; }
  mx /= N; my /= N;
  for (const { n, x, y } of groups) { sxx += n * (x - mx) ** 2; sxy += n * (x - mx) * (y - my); }
  const slope = sxy / sxx;
  return { slope, at: (x) => my + slope * (x - mx) };
}

/**
 * What one group is in the fit of all: its weight 1 / (tau2 + sigma2 / n), leverage h = w x' Cov x, surprise (its
 * residual over the residual's own SD), and Cook's distance with the variances held, surprise^2 h / (1 - h) / p.
 */
export function standing({ n, x, y }, fit) {
  const { cov } = fit, weight = 1 / (fit.tau2 + fit.sigma2 / n);
  const leverage = weight * (cov[0][0] + 2 * x * cov[0][1] + x * x * cov[1][1]), residual = y - fit.at(x);
  const surprise = residual * Math.sqrt(weight / Math.max(1e-12, 1 - leverage));
  return { weight, leverage, residual, surprise, held: surprise ** 2 * leverage / Math.max(1e-12, 1 - leverage) / 2 };
}

/** Cook's distance between two fits: the change of both coefficients, in the covariance of the fit of all. */
export function cooks(full, less) {
  const d0 = less.intercept - full.intercept, d1 = less.slope - full.slope, [[a, b], [, c]] = full.cov, det = a * c - b * b;
  return (c * d0 * d0 - 2 * b * d0 * d1 + a * d1 * d1) / det / 2;
}
