// Answers named jobs about the labs' numbers: tests/test_lab_numerics.py runs this in node and in Chromium.
// `labs` holds everything that numerics.js and mixed.js export.
function answer(labs, { job, args }) {
  const plain = (fit) => ({ ...fit, lambda: fit.lambda, u: fit.u });
  const stats = ({ columns, group, J }) => labs.prepare(labs.groupSums(columns, group, J));
  const jobs = {
    map: ({ name, points }) => points.map((p) => labs[name](...p)),
    draws: ({ seed, n }) => {
      const r = labs.random(seed);
      return { normal: Array.from({ length: n }, () => r.normal()), uniform: Array.from({ length: n }, () => r.uniform()) };
    },
    line: ({ x, y }) => labs.lineFit(x, y),
    robust: ({ x, y, group, J }) => labs.lineClusterRobust(x, y, group, J),
    intercept: (a) => plain(labs.fitIntercept(stats(a), a.reml)),
    interceptFromMeans: ({ size, means, ss, center, reml }) =>
      labs.fitIntercept(labs.prepare(labs.meansToSums(size, means, ss, center)), reml),
    criterionAt: (a) => a.points.map(([tau2, sigma2]) => labs.criterionAt(stats(a), tau2, sigma2, a.reml)),
    slopes: ({ x, y, group, J, D, reml, origin }) => {
      const sums = labs.shiftSums(labs.lineSums(x, y, group, J), origin || 0);
      return labs.profileLine(sums, labs.shiftOrigin(D, origin || 0), reml);
    },
    independent: ({ x, y, group, J, reml, start, origin }) =>
      labs.fitIndependent(labs.shiftSums(labs.lineSums(x, y, group, J), origin || 0), reml, start),
    ellipse: ({ T, k2 }) => labs.ellipse(T, k2),
    lowest: (a) => {
      const s = stats(a), at = [];
      for (let k = 0; k <= 4000; k++) at.push(labs.profile(s, k === 0 ? 0 : 1e-6 * Math.pow(1e9, k / 4000), a.reml).criterion);
      return Math.min(...at);
    },
  };
  return jobs[job](args);
}
if (typeof module !== "undefined") module.exports = { answer };
