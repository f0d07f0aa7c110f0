// Contour lines of a function on a grid, by marching squares.

/** Values of f(x, y) at the corners of an n x m grid over two scales' domains: {xs, ys, z[row of y][column of x]}. */
export function gridOf(f, [x0, x1], [y0, y1], n, m) {
  const line = (a, b, k) => Array.from({ length: k }, (_, i) => a + (b - a) * i / (k - 1)), xs = line(x0, x1, n), ys = line(y0, y1, m);
  return { xs, ys, z: ys.map((y) => xs.map((x) => f([x, y]))) };
}

/** SVG path data of one level; x and y are scales. */
export function contour({ xs, ys, z }, level, x, y) {
  let d = "";
  for (let r = 0; r + 1 < ys.length; r++) for (let c = 0; c + 1 < xs.length; c++) {
    const corner = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]].map(([i, k]) => [xs[i], ys[k], z[k][i] - level]), cuts = [];
    for (let k = 0; k < 4; k++) {
      const [ax, ay, a] = corner[k], [bx, by, b] = corner[(k + 1) % 4];
      if (a < 0 === b < 0) continue;
      const t = a / (a - b);
      cuts.push([x(ax + t * (bx - ax)), y(ay + t * (by - ay))]);
    }
    if (cuts.length === 4 && corner.reduce((s, p) => s + p[2], 0) < 0 === corner[0][2] < 0) cuts.push(cuts.shift()); // a saddle
    for (let k = 0; k + 1 < cuts.length; k += 2) d += `M${cuts[k].map(tenth)}L${cuts[k + 1].map(tenth)}`;
  }
  return d;
}

const tenth = (v) => Math.round(v * 10) / 10;

/** How far from `from` towards `to` (0 to 1) f first rises above the level; null if it does not. */
export function crossing(f, from, to, level, pieces = 160) {
  for (let k = 1; k <= pieces; k++) {
    const t = k / pieces;
    if (f([0, 1].map((i) => from[i] + t * (to[i] - from[i]))) >= level) return t;
  }
  return null;
}
