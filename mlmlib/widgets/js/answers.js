// How a numeric answer is read and judged: pure functions, the same rules in the page and in the tests.

/** A number as people type it: "24.85", "24,85", "−1.2", "1 207,5", "0.24 %", "1e-3", "3/4". Null if it is none. */
export function readNumber(text) {
  let t = String(text).trim().replace(/[\u2212\u2013]/g, "-").replace(/[\s\u00a0\u202f_]+/g, "");
  const percent = t.endsWith("%");
  if (percent) t = t.slice(0, -1);
  if (/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(t) && t.includes(".")) t = t.replace(/,/g, "");
  else t = t.replace(",", ".");
  const ratio = /^([+-]?[\d.]+)\/([\d.]+)$/.exec(t);
  if (ratio && Number(ratio[2])) return { value: Number(ratio[1]) / Number(ratio[2]), half: 0, digits: 99, percent };
  const m = /^[+-]?(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(t);
  if (!m || !(m[1] || m[2])) return null;
  const decimals = (m[2] ?? "").length - Number(m[3] ?? 0);
  const figures = ((m[1] ?? "") + (m[2] ?? "")).replace(/^0+/, "").length;
  return { value: Number(t), half: 0.5 * 10 ** -decimals, digits: figures, percent };
}

/** Whether `given` is `target` rounded as the writer rounded it. A hair is added for binary fractions and ties. */
const rounds = (given, target) => Math.abs(given.value - target) <= given.half * (1 + 1e-9) + 1e-12 * Math.abs(target);

/**
 * Judge a typed answer.
 * key: {answer, tolerance (absolute), digits (fewest significant digits), known: [{value, reply}]}
 * Gives {verdict: "right" | "coarse" | "known" | "sign" | "percent" | "far" | "unread", reply}.
 */
export function judgeNumber(text, key, unit = "") {
  const given = readNumber(text);
  if (!given) return { verdict: "unread" };
  if (given.percent && unit !== "%") { given.value /= 100; given.half /= 100; }
  const a = key.answer, close = Math.max(key.tolerance ?? 0, 0.002 * Math.abs(a));
  const enough = given.digits >= key.digits || given.value === a || (Number.isInteger(a) && given.half <= 0.5 && rounds(given, a));
  const exact = rounds(given, a);
  if (exact && enough) return { verdict: "right" };
  const known = (key.known ?? []).filter((k) => rounds(given, k.value) || Math.abs(given.value - k.value) <= 0.002 * Math.abs(k.value))
    .sort((p, q) => Math.abs(given.value - p.value) - Math.abs(given.value - q.value))[0];
  const error = Math.abs(given.value - a);
  if (error <= close && !(known && Math.abs(given.value - known.value) < error)) return { verdict: "right" };
  if (known && !exact && (given.digits >= Math.min(2, key.digits) || given.value === known.value)) return { verdict: "known", reply: known.reply };
  if (exact) return { verdict: "coarse" };
  const like = (target) => Math.abs(given.value - target) <= Math.max(0.01 * Math.abs(target), given.digits >= 2 ? given.half : 0);
  if (a !== 0 && like(-a)) return { verdict: "sign" };
  if (a !== 0 && (like(a * 100) || like(a / 100))) return { verdict: "percent" };
  return { verdict: "far", ratio: a ? given.value / a : NaN, larger: given.value > a };
}

/** What to say to a wrong number that matches no known mistake: where the right one is, not what it is. */
export function nudge({ verdict, ratio, larger }) {
  if (verdict === "unread") return "That does not read as a number. Write it like 24.9 or 0.25.";
  if (verdict === "coarse") return "That is it, rounded very hard. Give a digit more, so that we know you have it.";
  if (verdict === "sign") return "The size is right. Look at the sign.";
  if (verdict === "percent") return "The digits are right, the scale is not: off by a factor of 100. Proportion or percent?";
  const side = larger ? "too large" : "too small";
  if (ratio > 0 && (ratio > 3 || ratio < 1 / 3)) return `Not this: yours is ${side} by a factor of ${fuzzy(Math.max(ratio, 1 / ratio))}. That is another quantity, not a rounding.`;
  if (ratio > 0.95 && ratio < 1.05) return `Close, and a little ${side}: more than rounding explains. Which step gives a slightly different number?`;
  return `Not this: yours is ${side}.`;
}

const fuzzy = (r) => (r < 8 ? `about ${Math.round(r)}` : r < 50 ? "ten or more" : "a hundred or so or more");

/** Judge a choice. key: {right: [indices], replies: [html]}; picked: indices. */
export function judgeChoice(picked, key) {
  const right = new Set(key.right), wrong = picked.filter((i) => !right.has(i)), missed = key.right.filter((i) => !picked.includes(i));
  return { right: picked.length > 0 && !wrong.length && !missed.length, wrong, missed: missed.length };
}

/** The key is not for the eye of someone who looks at the page's source: UTF-8 in base64. */
export function unlock(text) {
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
}
