// A link that carries a lab's state (in the fragment, so that it works from file:// too), and the same as a line of Python.

import { make } from "./dom.js";

const PREFIX = "#lab-";

/** State of lab `name` in the address, checked against the types of its opening state; null if there is none. */
export function readHash(name, state) {
  const start = `${PREFIX}${name}?`;
  if (!location.hash.startsWith(start)) return null;
  const out = {};
  for (const [key, text] of new URLSearchParams(location.hash.slice(start.length))) {
    if (!(key in state)) continue;
    try {
      const value = JSON.parse(text);
      if (typeof value === typeof state[key] && Array.isArray(value) === Array.isArray(state[key])) out[key] = value;
    } catch { /* a mangled link opens the lab as it was */ }
  }
  return out;
}

const tidy = (v) => JSON.stringify(v, (_, x) => (typeof x === "number" ? Number(x.toPrecision(8)) : x));

export function hashOf(name, state, opening) {
  const pairs = Object.keys(state).filter((k) => tidy(state[k]) !== tidy(opening[k])).map((k) => [k, tidy(state[k])]);
  return `${PREFIX}${name}?${new URLSearchParams(pairs)}`;
}

const python = (v) => tidy(v).replace(/\btrue\b/g, "True").replace(/\bfalse\b/g, "False").replace(/\bnull\b/g, "None");

/**
 * The state as a call, with what differs from the opening or from what the lab opens with unasked. A lab whose Python
 * face takes other arguments than its state says which in python(state, data).
 */
export function pythonOf(spec, ctx) {
  const { name, python: named = (state) => state } = spec, [state, ...others] = [ctx.state, ctx.opening, spec.state].map((v) => named(v, ctx.data));
  const pairs = Object.keys(state).filter((k) => others.some((o) => tidy(state[k]) !== tidy(o[k]))).map((k) => `${k}=${python(state[k])}`);
  return `mlm.labs.${name}(${pairs.join(", ")})`;
}

export function copyables(spec, ctx, button) {
  const note = make("span", { class: "note", role: "status" });
  const copy = async (text, done) => {
    try {
      await navigator.clipboard.writeText(text);
      note.textContent = done;
    } catch {
      note.replaceChildren("Copy this: ", make("code", {}, text));
    }
  };
  if (!ctx.onSite) return [button("Copy as Python", () => copy(pythonOf(spec, ctx), "Copied.")), note];
  return [button("Link to this state", () => {
    const hash = hashOf(spec.name, ctx.state, ctx.opening);
    history.replaceState(null, "", hash);
    copy(location.href, "Link copied; it also stands in the address bar.");
  }), note];
}
