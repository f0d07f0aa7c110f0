// Ways of walking downhill (chapter 7), each a list of steps {x, value, evaluations}: EM, Fisher scoring, BFGS and
// Nelder and Mead's simplex, on two parameters with lower bounds. A `surface` is one of surfaces.js; `scale` is what
// counts as a long way in each direction.

const MOST = 600; // steps

const clampTo = (lower) => (x) => x.map((v, k) => Math.max(v, lower[k]));

/** Each step needs one evaluation; it ends when a step gains less than a millionth. */
export function em(surface, start) {
  let x = start, value = surface.value(x);
  const steps = [{ x, value, evaluations: 1 }];
  while (steps.length <= MOST) {
    x = surface.em(x);
    const next = surface.value(x), gain = value - next;
    value = next;
    steps.push({ x, value, evaluations: steps.length + 1 });
    if (gain < 1e-6) return { steps, done: true };
  }
  return { steps, done: false };
}

/** Newton's step with the expected second derivatives, halved until it goes down, variances kept at or above zero. */
export function scoring({ scoring: s }, start) {
  const clamp = clampTo(s.lower);
  let v = s.to(start), here = s.at(v), evaluations = 1;
  const steps = [{ x: start, value: here.value, evaluations }];
  while (steps.length <= MOST) {
    const { gradient: g, information: [a, b, c] } = here, held = g.map((slope, k) => v[k] <= s.lower[k] && slope >= 0);
    const cross = held[0] || held[1] ? 0 : b, det = a * c - cross * cross;
    const step = [held[0] ? 0 : -(c * g[0] - cross * g[1]) / det, held[1] ? 0 : -(a * g[1] - cross * g[0]) / det];
    let next = null;
    for (let size = 1; size > 1e-9 && !next; size /= 2) {
      const to = clamp(v.map((w, k) => w + size * (Number.isFinite(step[k]) ? step[k] : 0))), there = s.at(to);
      evaluations++;
      if (there.value < here.value) next = { to, there };
      else if (there.value === here.value) break;
    }
    if (!next) return { steps, done: true };
    const gain = here.value - next.there.value;
    v = next.to; here = next.there;
    steps.push({ x: s.from(v), value: here.value, evaluations });
    if (gain < 1e-8) return { steps, done: true };
  }
  return { steps, done: false };
}

/** Gradient and an idea of the curvature, learned on the way. What stands at a bound and is pushed against it, stays. */
export function bfgs(surface, start, scale) {
  const clamp = clampTo(surface.lower), dot = (a, b) => a[0] * b[0] + a[1] * b[1];
  let x = start, here = surface.at(x), evaluations = 1, H = null, before = "";
  const steps = [{ x, value: here.value, evaluations }];
  while (steps.length <= MOST) {
    const held = here.gradient.map((slope, k) => x[k] <= surface.lower[k] && slope >= 0), g = here.gradient.map((v, k) => (held[k] ? 0 : v));
    if (Math.max(...g.map((v, k) => Math.abs(v) * scale[k])) < 1e-4) return { steps, done: true };
    if (before !== held.join()) H = null; // another edge, another valley
    before = held.join();
    const plain = () => { const d = g.map((v, k) => -v * scale[k] ** 2), size = Math.hypot(d[0] / scale[0], d[1] / scale[1]); return d.map((v) => 0.15 * v / size); };
    let d = H ? [-(H[0] * g[0] + H[1] * g[1]), -(H[1] * g[0] + H[2] * g[1])].map((v, k) => (held[k] ? 0 : v)) : plain();
    if (!(dot(d, g) < 0)) { H = null; d = plain(); }
    let next = null;
    for (let size = 1; size > 1e-9 && !next; size /= 2) {
      const to = clamp(x.map((v, k) => v + size * d[k])), there = surface.at(to);
      evaluations++;
      if (there.value <= here.value + 1e-4 * dot(g, [to[0] - x[0], to[1] - x[1]]) && there.value < here.value) next = { to, there };
    }
    if (!next) return { steps, done: true };
    const s = next.to.map((v, k) => v - x[k]), y = next.there.gradient.map((v, k) => v - here.gradient[k]), sy = dot(s, y);
    if (held.includes(true)) y.forEach((_, k) => { if (held[k]) s[k] = y[k] = 0; });
    if (sy > 1e-12) H = update(H ?? [sy / dot(y, y), 0, sy / dot(y, y)], s, y, sy);
    const gain = here.value - next.there.value;
    x = next.to; here = next.there;
    steps.push({ x, value: here.value, evaluations });
    if (gain < 1e-9) return { steps, done: true };
  }
  return { steps, done: false };
}

function update([a, b, c], [s0, s1], [y0, y1], sy) {
  const h0 = a * y0 + b * y1, h1 = b * y0 + c * y1, k = (1 + (y0 * h0 + y1 * h1) / sy) / sy;
  return [a + k * s0 * s0 - 2 * s0 * h0 / sy, b + k * s0 * s1 - (s0 * h1 + s1 * h0) / sy, c + k * s1 * s1 - 2 * s1 * h1 / sy];
}

/** A triangle that feels its way with the criterion alone: reflect, stretch, contract, shrink. */
export function nelderMead(surface, start, scale) {
  const clamp = clampTo(surface.lower);
  let evaluations = 0;
  const look = (x) => { const at = clamp(x); evaluations++; return { x: at, value: surface.value(at) }; };
  const first = [start, [start[0] + 0.12 * scale[0], start[1]], [start[0], start[1] + 0.12 * scale[1]]].map(look);
  const steps = [{ ...first[0], evaluations, simplex: first.map((p) => p.x) }];
  let tri = first.sort((p, q) => p.value - q.value);
  const keep = () => {
    tri.sort((p, q) => p.value - q.value);
    steps.push({ x: tri[0].x, value: tri[0].value, evaluations, simplex: tri.map((p) => p.x) });
  };
  while (steps.length <= MOST) {
    const [best, middle, worst] = tri, center = [0, 1].map((k) => (best.x[k] + middle.x[k]) / 2);
    const along = (t) => look(center.map((c, k) => c + t * (worst.x[k] - c)));
    const reflected = along(-1);
    if (reflected.value < best.value) {
      const stretched = along(-2);
      tri = [best, middle, stretched.value < reflected.value ? stretched : reflected];
    } else if (reflected.value < middle.value) tri = [best, middle, reflected];
    else {
      const pulled = along(reflected.value < worst.value ? -0.5 : 0.5);
      if (pulled.value < Math.min(worst.value, reflected.value)) tri = [best, middle, pulled];
      else tri = [best, ...[middle, worst].map((p) => look(p.x.map((v, k) => (v + best.x[k]) / 2)))];
    }
    keep();
    const size = Math.max(...tri.slice(1).map((p) => Math.hypot((p.x[0] - tri[0].x[0]) / scale[0], (p.x[1] - tri[0].x[1]) / scale[1])));
    if (tri[2].value - tri[0].value < 1e-7 && size < 1e-3) return { steps, done: true };
  }
  return { steps, done: false };
}
