// Math in question text. On the book's pages MathJax is there and typesets it. Where it is not (JupyterLab keeps its own to
// itself), the little TeX that questions use becomes MathML, which browsers draw by themselves.

const GREEK = Object.fromEntries("alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ phi φ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Sigma Σ Phi Φ Psi Ψ Omega Ω ell ℓ infty ∞"
  .split(" ").reduce((pairs, w, i, all) => (i % 2 ? pairs : [...pairs, [w, all[i + 1]]]), []));
const OPERATORS = Object.fromEntries("times × cdot · pm ± le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ sim ∼ to → mid | ldots … dots … in ∈ sum ∑ prod ∏ propto ∝ mp ∓ quad \u2003 , \u2009 ; \u2005 ! _ % %"
  .split(" ").reduce((pairs, w, i, all) => (i % 2 ? pairs : [...pairs, [w, all[i + 1] === "_" ? "" : all[i + 1]]]), []));
const ACCENTS = { hat: "^", widehat: "^", bar: "¯", overline: "¯", tilde: "~", dot: "˙" };
const esc = (t) => t.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** TeX to the inside of a <math> element. */
export function mathml(tex) {
  const tokens = tex.match(/\\[a-zA-Z]+|\\.|[{}^_]|\d+(?:\.\d+)?|[^\s]/g) ?? [];
  let at = 0;
  const text = () => { // the raw text of the next group
    if (tokens[at] !== "{") return tokens[at++];
    let out = "", depth = 0;
    for (; at < tokens.length; at++) {
      if (tokens[at] === "{" && depth++ === 0) continue;
      if (tokens[at] === "}" && --depth === 0) { at++; break; }
      out += tokens[at];
    }
    return out;
  };
  const atom = () => {
    const t = tokens[at++];
    if (t === undefined) return "";
    if (t === "{") {
      let out = "";
      while (at < tokens.length && tokens[at] !== "}") out += scripted();
      at++;
      return `<mrow>${out}</mrow>`;
    }
    if (t[0] !== "\\") {
      if (/^\d/.test(t)) return `<mn>${t}</mn>`;
      return /^[a-zA-Z]$/.test(t) ? `<mi>${t}</mi>` : `<mo>${esc(t === "-" ? "−" : t)}</mo>`;
    }
    const name = t.slice(1);
    if (name === "frac") return `<mfrac>${atom()}${atom()}</mfrac>`;
    if (name === "sqrt") return `<msqrt>${atom()}</msqrt>`;
    if (name in ACCENTS) return `<mover accent="true">${atom()}<mo>${ACCENTS[name]}</mo></mover>`;
    if (["text", "mathrm", "operatorname", "textrm"].includes(name)) return `<mtext>${esc(text())}</mtext>`;
    if (["mathbf", "boldsymbol"].includes(name)) return `<mi mathvariant="bold">${esc(text())}</mi>`;
    if (["left", "right", "big", "Big", "displaystyle"].includes(name)) return "";
    if (["var", "cov", "corr"].includes(name)) return `<mi>${name[0].toUpperCase()}${name.slice(1)}</mi>`;
    if (["E", "N"].includes(name)) return `<mi>${name}</mi>`;
    if (name in GREEK) return `<mi>${GREEK[name]}</mi>`;
    if (name in OPERATORS) return `<mo>${esc(OPERATORS[name])}</mo>`;
    return /^[a-z]/.test(name) ? `<mi>${esc(name)}</mi>` : `<mo>${esc(name)}</mo>`;
  };
  const scripted = () => {
    let base = atom(), sub = null, sup = null;
    while (tokens[at] === "_" || tokens[at] === "^") {
      if (tokens[at++] === "_") sub = atom(); else sup = atom();
    }
    if (sub !== null && sup !== null) return `<msubsup>${base}${sub}${sup}</msubsup>`;
    if (sub !== null) return `<msub>${base}${sub}</msub>`;
    return sup !== null ? `<msup>${base}${sup}</msup>` : base;
  };
  let out = "";
  while (at < tokens.length) {
    if (tokens[at] === "}") { at++; continue; }
    out += scripted();
  }
  return out;
}

/** Typeset every math span inside `node`. */
export function typeset(node) {
  const spans = [...node.querySelectorAll("span.math")].filter((s) => !s.firstElementChild);
  if (!spans.length) return;
  const jax = globalThis.MathJax;
  if (jax?.startup?.promise) jax.startup.promise.then(() => jax.typesetPromise(spans.filter((s) => s.isConnected && !s.firstElementChild)));
  else if (!jax) for (const s of spans) s.innerHTML = `<math>${mathml(s.textContent.replace(/^\\\(|\\\)$/g, ""))}</math>`;
  // MathJax is coming but has not started: its first run takes these spans too
}
