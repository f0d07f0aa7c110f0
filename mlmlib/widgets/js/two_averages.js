// Two kinds of average (chapter 16): a curve for each person, that of the average person, and the average of all curves.
// The more people differ, the flatter the average of the curves, while each curve stays as steep as it was.
import { LINKS, attenuated, averaged, averagedScale, latentIcc, medianOddsRatio, people } from "./averages.js";
import { lab } from "./frame.js";
import { axisX, axisY, clamp, linear, num } from "./svg.js";

const LIMITS = { tau: [0, 4], beta: [0.1, 3], intercept: [-4, 4], slope_sd: [0, 2], x: [-4, 3], person: [-2.5, 2.5] };
const CROWD = people(41);

// --- Numbers ------------------------------------------------------------------------------------

export function compute(state, data) {
  const { tau, beta, intercept, slope_sd, link, x, person, hide, guess } = state, study = data[state.study];
  const { chance, scale } = LINKS[link], odds = link === "logit";
  const sd = (t) => Math.hypot(tau, slope_sd * t), typical = (t) => intercept + beta * t;
  const average = (t) => averaged(link, typical(t), sd(t)), step = (f) => f(x + 1) - f(x);
  const marginal = step((t) => averagedScale(link, typical(t), sd(t))), approximate = step((t) => attenuated(link, typical(t), sd(t)));
  const one = (t) => chance(typical(t) + person * tau), ends = (f) => [f(x), f(x + 1)];
  const guessed = guess > 0 ? scale(guess, 1 - guess) - averagedScale(link, typical(x), sd(x)) : NaN;
  return { study, link, odds, sd, typical, average, chance, marginal, approximate, one, guessed, beta, tau, x, slope_sd, hidden: hide,
    crowd: CROWD.map(([u, s]) => (t) => chance(typical(t) + u * tau + s * slope_sd * t)), middle: (t) => chance(typical(t)),
    averages: ends(average), ones: ends(one), middles: ends((t) => chance(typical(t))), ratio: marginal / beta,
    icc: latentIcc(link, sd(x)), mor: odds ? medianOddsRatio(sd(x)) : NaN, oddsConditional: Math.exp(beta), oddsMarginal: Math.exp(marginal) };
}

/** The marginal slope of the step at another SD of intercepts. */
const marginalAt = (r, tau) => {
  const sd = (t) => Math.hypot(tau, r.slope_sd * t), at = (t) => averagedScale(r.link, r.typical(t), sd(t));
  return at(r.x + 1) - at(r.x);
};

// --- The picture --------------------------------------------------------------------------------

const LEFT = 42, SIDE = 128;
const layout = (w) => {
  const wide = w >= 480, top = wide ? 62 : 84, bottom = top + (wide ? 270 : 240), second = bottom + 86, half = wide ? (w - 36) / 2 : w;
  return { wide, top, bottom, bell: { x: 0, y: second, w: half }, law: { x: wide ? half + 36 : 0, y: wide ? second : second + SIDE + 62, w: half },
    h: (wide ? second : second + SIDE + 62) + SIDE + 44 };
};
const grid = ([a, b], count = 80) => Array.from({ length: count + 1 }, (_, k) => a + (b - a) * k / count);
const round = (v, digits = 2) => Number(v.toFixed(digits));
/** A change of the numbers: a guess that has been shown was about other ones. */
const anew = (state, patch) => ({ ...patch, ...(state.hide ? {} : { guess: 0 }) });

function draw({ s, w, state, result: r, set }) {
  const at = layout(w), x = linear(r.study.domain, [LEFT, w - 12]), y = linear([0, 1], [at.bottom, at.top]);
  drawCurves(s, w, x, y, { state, r });
  drawSteps(s, x, y, { state, r });
  drawBell(s, at.bell, { state, r, set });
  drawLaw(s, at.law, r);
  drawHandles(s, x, y, { state, r, set });
}

function drawCurves(s, w, x, y, { state, r }) {
  const back = s.layer("back", { "aria-hidden": "true" }), alone = state.show === "person", { places } = r.study;
  back.text("event", 0, 14, w < 480 ? r.study.short : r.study.event, { class: "axis-name" });
  axisX(back, x, y(0), { label: r.study.axis, values: places.length ? [0, 1] : [-4, -2, 0, 2, 4], format: (v) => (places.length ? places[v] : num(v, 0)) });
  axisY(back, y, LEFT, { values: [0, 0.25, 0.5, 0.75, 1], format: (v) => `${num(100 * v, 0)} %`, label: "" });
  [state.x, state.x + 1].forEach((t, k) => back.line(`step${k}`, x(t), y(0), x(t), y(1), { stroke: "var(--axis)", "stroke-dasharray": "2 4" }));
  const layer = s.layer("people", { "aria-hidden": "true" }), trace = (f, count) => grid(r.study.domain, count).map((t) => [x(t), y(f(t))]);
  r.crowd.forEach((f, i) => layer.path(`p${i}`, trace(f, 48), { stroke: "var(--data)", "stroke-width": 1, opacity: alone ? 0.22 : 0.5 }));
  const front = s.layer("curves", { "aria-hidden": "true" });
  front.path("middle", trace(r.middle), { stroke: "var(--fixed)", "stroke-width": 2.4, opacity: state.show === "both" ? 1 : 0.35 });
  if (!r.hidden) front.path("average", trace(r.average), { stroke: "var(--pooled)", "stroke-width": state.show === "population" ? 5 : 4, opacity: alone ? 0.35 : 1 });
  if (alone) front.path("one", trace(r.one), { stroke: "var(--model)", "stroke-width": 3.4 });
  const names = s.layer("names", { "aria-hidden": "true" }), who = r.study.who[0], stacked = w < 480;
  const first = alone ? [`── one ${who}`, "var(--model-ink)"] : [`── average ${who}`, "var(--fixed-ink)"];
  names.text("first", LEFT, 38, `${first[0]}: slope ${num(r.beta, 2)}`, { fill: first[1], "font-weight": 650 });
  names.text("second", stacked ? LEFT : w - 12, stacked ? 58 : 38, `━━ average of all: ${stacked ? "slope " : ""}${r.hidden ? "?" : num(r.marginal, 2)}`,
    { fill: "var(--pooled-ink)", "font-weight": 650, "text-anchor": stacked ? "start" : "end" });
}

/** The step of x by one: along and up, on the curve of the question. */
function drawSteps(s, x, y, { state, r }) {
  const layer = s.layer("steps", { "aria-hidden": "true" }), [a, b] = [state.x, state.x + 1], factor = (v) => (r.odds ? `odds × ${num(Math.exp(v), 2)}` : `probit + ${num(v, 2)}`);
  const climb = (key, [p, q], ink) => layer.path(key, [[x(a), y(p)], [x(b), y(p)], [x(b), y(q)]], { stroke: ink, "stroke-width": 2 });
  const dots = (key, pair, ink) => pair.forEach((p, k) => layer.circle(`${key}${k}`, x([a, b][k]), y(p), 5, { fill: ink, stroke: "var(--bg)", "stroke-width": 1.4 }));
  const over = r.study.places.length > 0, left = x(b) > x.range[1] - 96; // lines that hardly rise: the words stand over and under the dot
  const beside = (key, at, text, ink, up = true) => layer.text(key, over ? x(b) : x(b) + (left ? -12 : 12), at + (over ? (up || at + 26 > y(0) ? -10 : 21) : 4), text,
    { "text-anchor": over ? "middle" : left ? "end" : "start", fill: ink, "font-weight": 650 });
  const apart = (v, w) => (!over && Math.abs(v - w) < 18 ? (v <= w ? [(v + w) / 2 - 9, (v + w) / 2 + 9] : [(v + w) / 2 + 9, (v + w) / 2 - 9]) : [v, w]);
  if (state.show === "population") {
    r.crowd.forEach((f, i) => [a, b].forEach((t, k) => layer.circle(`c${i}-${k}`, x(t), y(f(t)), 2.6, { fill: "var(--data)", "fill-opacity": 0.75 })));
  }
  if (state.show === "person") {
    climb("climb", r.ones, "var(--model)");
    dots("one", r.ones, "var(--model)");
    beside("one", y(r.ones[1]), factor(r.beta), "var(--model-ink)");
  } else {
    const tops = apart(y(r.middles[1]), r.hidden ? -99 : y(r.averages[1]));
    if (state.show === "both") {
      dots("middle", r.middles, "var(--fixed)");
      beside("middle", tops[0], factor(r.beta), "var(--fixed-ink)", r.hidden || tops[0] < tops[1]);
    } else if (!r.hidden) climb("climb", r.averages, "var(--pooled)");
    dots("average", r.hidden ? r.averages.slice(0, 1) : r.averages, "var(--pooled)");
    if (!r.hidden) beside("average", state.show === "both" ? tops[1] : y(r.averages[1]), factor(r.marginal), "var(--pooled-ink)", state.show !== "both" || tops[1] <= tops[0]);
  }
}

function drawBell(s, box, { state, r, set }) {
  const layer = s.layer("bell", { "aria-hidden": "true" }), points = s.layer("bell-points"), bottom = box.y + SIDE, { tau } = state;
  const x = linear([-8, 8], [box.x + 8, box.x + box.w - 8]), y = linear([0, 1], [bottom, box.y + 24]), height = (u) => (tau > 0 ? Math.exp(-u * u / (2 * tau * tau)) : 0);
  layer.text("name", box.x, box.y - 4, `How ${r.study.who[1]} differ: u ~ N(0, τ²)`, { "font-weight": 650 });
  const curve = tau > 0 ? grid([-8, 8], 120).map((u) => [x(u), y(height(u))]) : [[x(0), y(0)], [x(0), y(1)]];
  if (tau > 0) layer.path("area", [[x(-8), bottom], ...curve, [x(8), bottom]], { fill: "var(--data)", "fill-opacity": 0.18, stroke: "none" });
  layer.path("curve", curve, { stroke: "var(--data-ink)", "stroke-width": 1.6 });
  axisX(layer, x, bottom, { values: [-8, -4, 0, 4, 8], format: (v) => num(v, 0) });
  const top = y(Math.exp(-0.5));
  layer.line("sd", x(0), top, x(tau), top, { stroke: "var(--fg)", "stroke-width": 2 });
  layer.text("tau", x(tau) + 14, top + 4, `τ = ${num(tau, 2)}`, { "font-weight": 650 });
  const to = (v) => set(anew(state, { tau: round(clamp(v, ...LIMITS.tau)) })), walk = (v) => set({ person: round(clamp(v, ...LIMITS.person)) });
  points.handle("tau", {
    x: x(tau), y: top, r: 7, fill: "var(--fg)", axis: "x", label: `SD of the intercepts of ${r.study.who[1]}`, now: tau, min: 0, max: 4,
    text: `tau ${num(tau, 2)}: marginal slope ${r.hidden ? "hidden" : num(r.marginal, 2)}, conditional ${num(r.beta, 2)}`,
    drag: (px) => to(x.invert(px)), step: (dx, dy, big) => to(tau + (dx + dy) * (big ? 0.5 : 0.05)), edge: (way) => to(LIMITS.tau[way < 0 ? 0 : 1]),
  });
  if (state.show !== "person") return;
  points.handle("person", {
    x: x(state.person * tau), y: bottom, r: 7, fill: "var(--model)", axis: "x", label: `The one ${r.study.who[0]}, in SDs from the average`, now: state.person,
    min: LIMITS.person[0], max: LIMITS.person[1], text: `${num(state.person, 2)} SD: chance ${num(r.ones[0], 2)}, then ${num(r.ones[1], 2)}`,
    drag: (px) => { if (tau > 0) walk(x.invert(px) / tau); }, step: (dx, dy, big) => walk(state.person + (dx + dy) * (big ? 0.5 : 0.05)),
    edge: (way) => walk(LIMITS.person[way < 0 ? 0 : 1]),
  });
}

/** Both slopes against the SD of intercepts. */
function drawLaw(s, box, r) {
  const layer = s.layer("law", { "aria-hidden": "true" }), bottom = box.y + SIDE, x = linear(LIMITS.tau, [box.x + 40, box.x + box.w - 10]);
  const y = linear([0, 1.25 * Math.max(r.beta, r.hidden ? 0 : r.marginal)], [bottom, box.y + 10]);
  layer.text("name", box.x, box.y - 4, "Slope, as people differ more", { "font-weight": 650 });
  axisX(layer, x, bottom, { values: [0, 1, 2, 3, 4], label: "" });
  layer.text("axis", x.range[1], bottom + 36, "SD of intercepts, τ", { class: "tick", fill: "var(--fg)", "text-anchor": "end" });
  axisY(layer, y, box.x + 40, { ticks: 3, label: "" });
  layer.line("conditional", x(0), y(r.beta), x(4), y(r.beta), { stroke: "var(--fixed)", "stroke-width": 2.2 });
  if (r.hidden) {
    layer.text("wait", x(2), y(r.beta / 2), "first your guess", { fill: "var(--muted)", "text-anchor": "middle" });
    return;
  }
  layer.path("curve", grid(LIMITS.tau, 40).map((t) => [x(t), y(marginalAt(r, t))]), { stroke: "var(--pooled)", "stroke-width": 3 });
  layer.line("fall", x(r.tau), y(r.beta), x(r.tau), y(r.marginal), { stroke: "var(--muted)", "stroke-dasharray": "2 3" });
  layer.circle("now", x(r.tau), y(r.marginal), 5.5, { fill: "var(--pooled)", stroke: "var(--bg)", "stroke-width": 1.5 });
  const right = x(r.tau) > x(2.9);
  layer.text("now-name", x(r.tau) + (right ? -10 : 10), clamp(y(r.marginal) + (r.marginal > 0.55 * r.beta ? 20 : -9), box.y + 14, bottom - 6), num(r.marginal, 2),
    { fill: "var(--pooled-ink)", "font-weight": 650, "text-anchor": right ? "end" : "start" });
}

function drawHandles(s, x, y, { state, r, set }) {
  const marks = s.layer("marks", { "aria-hidden": "true", "pointer-events": "none" }), layer = s.layer("handles"), { x: t, guess, hide } = state;
  const to = (v) => set(anew(state, { x: round(clamp(v, ...LIMITS.x), 1) })), aim = (v) => set({ guess: round(clamp(v, 0.01, 0.99), 3) });
  if (!r.study.places.length) {
    layer.handle("x", {
      x: x(t), y: y(0), r: 6, fill: "var(--focus)", axis: "x", label: "Where the step of x begins", now: t, min: LIMITS.x[0], max: LIMITS.x[1],
      text: `from ${num(t, 1)} to ${num(t + 1, 1)}`, drag: (px) => to(x.invert(px)), step: (dx, dy, big) => to(t + (dx + dy) * (big ? 1 : 0.1)),
      edge: (way) => to(LIMITS.x[way < 0 ? 0 : 1]),
    });
  }
  const start = clamp(r.chance(averagedScale(r.link, r.typical(t), r.sd(t)) + r.beta), 0.01, 0.99), now = guess > 0 ? guess : start;
  if (hide) {
    marks.path("aim", [[x(t), y(r.averages[0])], [x(t + 1), y(now)]], { stroke: "var(--pooled)", "stroke-width": 2.5, "stroke-dasharray": "5 4" });
    marks.text("guess", x(t + 1) - 14, y(now) - 8, "your guess", { fill: "var(--pooled-ink)", "font-weight": 650, "text-anchor": "end" });
    layer.handle("guess", {
      x: x(t + 1), y: y(now), r: 8, fill: "var(--pooled)", axis: "y", label: "Your guess: the chance in the population after the step, in percent", now: 100 * now, min: 1, max: 99,
      text: `from ${num(100 * r.averages[0], 0)} to ${num(100 * now, 1)} percent`, drag: (px, py) => aim(y.invert(py)), step: (dx, dy, big) => aim(now + (dx + dy) * (big ? 0.05 : 0.005)),
      edge: (way) => aim(way < 0 ? 0.01 : 0.99),
    });
  } else if (guess > 0) {
    marks.circle("guessed", x(t + 1), y(guess), 8, { fill: "none", stroke: "var(--pooled-ink)", "stroke-width": 2, "stroke-dasharray": "3 2" });
  }
}

// --- The lab ------------------------------------------------------------------------------------

const range = (key, label, symbol, step) => ({ key, type: "range", label, symbol, min: LIMITS[key][0], max: LIMITS[key][1], step, format: (v) => num(v, 2),
  change: (ctx, v) => ctx.set(anew(ctx.state, { [key]: v })) });
const percent = (p) => `${num(100 * p, p < 0.1 || p > 0.9 ? 1 : 0)} %`;
const effect = (r, v) => (r.odds ? `multiplies the odds by <strong>${num(Math.exp(v), 2)}</strong>` : `raises the probit by <strong>${num(v, 2)}</strong>`);

function says(r, st) {
  const [one, many] = r.study.who, step = r.study.places.length ? `From “${r.study.places[0]}” to “${r.study.places[1]}”` : `From x = ${num(r.x, 1)} to ${num(r.x + 1, 1)}`;
  if (r.hidden) return `${step}, the average ${one} goes from ${percent(r.middles[0])} to ${percent(r.middles[1])}: that ${effect(r, r.beta)}. Over all ${many} together the chance is ${percent(r.averages[0])} before the step. Drag your guess for after it, then show the average.`;
  const told = r.guessed !== r.guessed ? "" : ` You guessed ${r.odds ? `an odds ratio of ${num(Math.exp(r.guessed), 2)}` : num(r.guessed, 2)}${Math.abs(r.guessed - r.beta) < 0.06 * r.beta && r.ratio < 0.94 ? ", that of one person" : ""}.`;
  const inside = st.slope_sd > 0 ? `the ${one} of average slope` : `each ${one}`, person = `${step} the change ${effect(r, r.beta)} for ${inside}`, all = `for all ${many} together, from ${percent(r.averages[0])} to ${percent(r.averages[1])}, it ${effect(r, r.marginal)}`;
  const why = r.ratio > 0.93 ? `${many[0].toUpperCase()}${many.slice(1)} differ so little that this is nearly one ${one}’s answer.` : `Where most ${many} stand near 0 or 100 %, few of them have far to go.`;
  if (st.show === "person") return `The conditional question: what does the step do to this ${one}? From ${percent(r.ones[0])} to ${percent(r.ones[1])}, which ${effect(r, r.beta)}. Another ${one} starts elsewhere and moves by other percentages, along a curve of the same slope on the ${r.link} scale${st.slope_sd > 0 ? ", if slopes did not differ" : ""}.`;
  if (st.show === "population") return `The marginal question: what does the step do to the average chance? Average the ${many} before (${percent(r.averages[0])}) and after (${percent(r.averages[1])}); that ${effect(r, r.marginal)}. ${why}${told}`;
  return `${person}; ${all}. The averaged curve has ${num(r.ratio, 2)} of the slope, and both numbers are right.${told}`;
}

const pick = (ctx, study) => ctx.set({ study, ...ctx.data[study].values, guess: 0 });
const shown = (r, text) => (r.hidden ? "?" : text), kept = (r, v) => (r.hidden ? NaN : v);

export default lab({
  name: "two_averages",
  title: "Two kinds of average",
  idea: "Every gray curve is one person. Drag τ: the curves move apart and stay as steep as they were. Their average does not.",
  state: { study: "yours", tau: 2, beta: 1.5, intercept: 0, slope_sd: 0, link: "logit", x: 0, person: -1, show: "both", hide: false, guess: 0 },
  controls: [
    { key: "study", type: "select", lead: true, label: "Numbers", options: [["yours", "your own"], ["contraception", "contraception: 60 districts"], ["ohio", "wheeze: 537 children of Ohio"]], change: pick },
    { key: "show", type: "select", lead: true, label: "Question", options: [["both", "both averages"], ["person", "one person (conditional)"], ["population", "the population (marginal)"]],
      change: (ctx, show) => ctx.set({ show, ...(show === "population" ? { hide: false } : {}) }) },
    { key: "hide", type: "check", lead: true, label: "hide the average, and guess", change: (ctx, hide) => ctx.set({ hide, ...(hide ? { guess: 0, show: "both" } : {}) }) },
    range("tau", "SD of people’s intercepts", "τ", 0.05), range("beta", "slope of each curve", "β", 0.05), range("intercept", "average person at x = 0", "", 0.1), range("slope_sd", "SD of people’s slopes", "", 0.05),
    { key: "link", type: "select", label: "Link", options: [["logit", "logit"], ["probit", "probit"]], change: (ctx, link) => ctx.set(anew(ctx.state, { link })) },
  ],
  compute,
  size: (w) => [w, layout(w).h],
  draw,
  readouts: (r) => [
    { key: "beta_conditional", label: "each person", symbol: "β<sub>conditional</sub>", value: r.beta, text: num(r.beta, 3) },
    { key: "beta_marginal", label: "average", symbol: "β<sub>marginal</sub>", value: kept(r, r.marginal), text: shown(r, num(r.marginal, 3)), ink: "pooled" },
    { key: "beta_approximate", label: r.slope_sd > 0 ? "by attenuation" : `β/√(1 + ${r.odds ? "0.346 " : ""}τ²)`, value: kept(r, r.approximate), text: shown(r, num(r.approximate, 3)), ink: "pooled" },
    { key: "ratio", label: "marginal / conditional", value: kept(r, r.ratio), text: shown(r, num(r.ratio, 3)) },
    ...(r.odds ? [
      { key: "or_conditional", label: "odds ratio, a person", value: r.oddsConditional, text: num(r.oddsConditional, 2) },
      { key: "or_marginal", label: "odds ratio, population", value: kept(r, r.oddsMarginal), text: shown(r, num(r.oddsMarginal, 2)), ink: "pooled" }] : []),
    { key: "icc", label: "ICC, latent", value: r.icc, text: num(r.icc, 3) },
    ...(r.odds ? [{ key: "mor", label: "median odds ratio", value: r.mor, text: num(r.mor, 2) }] : []),
    { key: "p_before", label: "population, before", value: r.averages[0], text: percent(r.averages[0]), ink: "pooled" },
    { key: "p_after", label: "and after the step", value: kept(r, r.averages[1]), text: shown(r, percent(r.averages[1])), ink: "pooled" },
  ],
  says,
  table: (r, st) => ({
    caption: `Chances of ${r.study.who[1]}, ${r.link} link: τ = ${num(r.tau, 4)}, slope ${num(r.beta, 4)}${r.slope_sd > 0 ? ` with SD ${num(r.slope_sd, 2)}` : ""}. Step from x = ${num(r.x, 1)} to ${num(r.x + 1, 1)}: marginal slope ${shown(r, num(r.marginal, 5))}, by attenuation ${shown(r, num(r.approximate, 5))}.`,
    columns: ["x", `average ${r.study.who[0]}`, "average of all", "10 % are below", "10 % are above"],
    rows: (r.study.places.length ? [0, 1] : grid(r.study.domain, 16)).map((t) => [num(t, 1), num(r.middle(t), 5), r.hidden ? "?" : num(r.average(t), 5),
      ...[-1, 1].map((k) => num(r.chance(r.typical(t) + k * 1.2815515655446004 * r.sd(t)), 5))]),
  }),
  describe: (r) => `Gray ${r.link} curves of ${CROWD.length} ${r.study.who[1]} against x, all with slope ${num(r.beta, 2)}${r.slope_sd > 0 ? " on average" : ""}, spread with an SD of ${num(r.tau, 2)}; in black the average ${r.study.who[0]}. ${r.hidden ? "The average of the curves is hidden until you have guessed." : `In orange the average of all curves, flatter: its slope from x = ${num(r.x, 1)} to ${num(r.x + 1, 1)} is ${num(r.marginal, 2)}.`} Below, the normal distribution of ${r.study.who[1]}, and the marginal slope falling as its SD grows from 0 to 4.`,
  announce: (r, st) => `Tau ${num(st.tau, 2)}, slope ${num(r.beta, 2)}. ${r.hidden ? `Population before the step ${num(100 * r.averages[0], 1)} percent; your guess ${st.guess > 0 ? `${num(100 * st.guess, 1)} percent` : "is still to come"}.` : `Marginal slope ${num(r.marginal, 2)}, ${num(r.ratio, 2)} of it.${r.odds ? ` Odds ratio ${num(r.oddsConditional, 2)} for a person, ${num(r.oddsMarginal, 2)} for the population.` : ""}`}`,
  tries: [
    { try: "Tick “hide the average, and guess”. The step multiplies each person’s odds by 4.48, and takes the average person from 50 to 82 %. Drag your guess to where all people together go, and untick. Then drag τ to 0, and to 4.",
      see: "To 72 %: the odds are multiplied by 2.51, and the slope is 0.92 where each curve has 1.5. With τ = 0 the two averages are one. With τ = 4 the slope is 0.55 and the odds ratio 1.73; the approximation, β/√(1 + 0.346 τ²), says 0.59. No gray curve became flatter on the way. They moved apart, and averaging smears them." },
    { try: "Ask about one person. Drag the person along the bell, and the step along x; watch “odds ×”. Then ask about the population, and drag the step to the right end.",
      see: "Whoever it is and wherever the step begins, the odds are multiplied by 4.48, though the percentages differ. For the population they are multiplied by 2.51 in the middle and by 3.44 from 3 to 4: an average of logistic curves is not quite logistic. With the probit link it stays a probit curve, and β/√(1 + τ²) is exact." },
    { try: "Open both studies. A doctor talks to one mother; a ministry counts cases. Which odds ratio does each need, and for which study does it matter?",
      see: "The doctor needs the child’s, 1.59; the ministry the population’s, 1.35. (A model of the population alone, fitted to the same children, says 1.37: chapter 20.) Children differ much, with a median odds ratio of 7.9. Districts differ little, with 1.58, and there the answers are nearly one: 2.01 and 1.94." },
  ],
});
