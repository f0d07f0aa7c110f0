// The self-check: a question with options or a number, an instant reply that names a known mistake, hints in rising
// strength, a solution, and progress kept in the browser. anywidget's contract, and the same on a page without a kernel.

import { judgeChoice, judgeNumber, nudge, unlock } from "./answers.js";
import { askCss } from "./ask_style.js";
import { followTheme, make } from "./dom.js";
import { offer } from "./files.js";
import { enroll, forget, load, recall, remember, tally } from "./progress.js";
import { typeset } from "./tex.js";

let count = 0;
const fill = (node, html) => { node.innerHTML = html; typeset(node); };

function render({ model, el }) {
  if (!document.getElementById("mlm-ask-style")) {
    document.head.append(make("style", { id: "mlm-ask-style" }, askCss));
  }
  const box = el.appendChild(make("div", { class: "mlm-ask", "data-lm-suppress-shortcuts": "true" }));
  const stopTheme = followTheme(box);
  const stop = model.get("kind") === "progress" ? progress(model, box) : question(model, box);
  return () => { stopTheme(); stop?.(); };
}

function question(model, box) {
  const { chapter, name, kind, text, unit, options, many } = Object.fromEntries(
    ["chapter", "name", "kind", "text", "unit", "options", "many"].map((k) => [k, model.get(k)]));
  const key = unlock(model.get("key")), uid = `ask${++count}-${name}`, hints = key.hints ?? [];
  box.dataset.ask = `${chapter}-${name}`;
  enroll(chapter, name);

  const legend = make("legend", { id: `${uid}-q` }), reply = make("div", { class: "reply", role: "status" });
  const list = make("ol", { class: "hints", "aria-label": "Hints", "aria-live": "polite" });
  const check = make("button", { type: "submit" }, "Check"), hint = make("button", { type: "button" }), show = make("button", { type: "button" }, "Show the solution");
  const part = kind === "choice" ? choices(options, many, uid) : entry(unit, key, uid);
  const form = make("form", { novalidate: true }, make("fieldset", {}, legend, part.node, reply, list,
    make("div", { class: "row" }, check, hint, show)));
  fill(legend, text);
  box.append(form);
  typeset(part.node);

  const state = { tries: 0, hints: 0, shown: false, right: false, answer: null, ...recall(chapter, name) };
  const keep = () => {
    const { when, ...entry } = state;
    remember(chapter, name, entry);
    model.set("result", { ...entry });
    model.save_changes();
  };
  const buttons = () => {
    hint.hidden = state.hints >= hints.length;
    hint.textContent = hints.length > 1 ? `Hint ${Math.min(state.hints + 1, hints.length)} of ${hints.length}` : "Hint";
    show.hidden = !key.solution || state.shown || !(state.right || (state.hints >= hints.length && state.tries > 0));
    box.dataset.state = state.right ? "right" : state.tries ? "wrong" : "new";
  };
  const say = (verdict, html) => {
    reply.className = `reply ${verdict}`;
    const word = { right: "Right.", wrong: "Not yet.", "": "" }[verdict];
    fill(reply, word ? html.replace(/^(<p>)?/, `$1<b class="verdict">${word}</b> `) : html);
  };
  const solution = () => {
    if (!key.solution || reply.querySelector(".solution")) return;
    const more = make("div", { class: "solution" });
    reply.append(more);
    fill(more, key.solution);
  };
  const hintAt = (i) => { const item = make("li"); list.append(item); fill(item, hints[i]); };

  const judge = (live) => {
    const answer = part.read();
    if (answer === null) { if (live) say("", part.empty); return; }
    const { right, html } = part.judge(answer, key);
    if (live) {
      state.tries += state.right ? 0 : 1;
      state.answer = answer;
      state.right = state.right || right;
    }
    const more = !right && !state.right && state.hints < hints.length && state.tries > 1 ? " <em>There is a hint below.</em>" : "";
    say(right ? "right" : "wrong", html.replace(/(<\/p>)?$/, `${more}$1`));
    part.mark?.(answer, key);
    if (state.shown) solution();
    if (live) keep();
    buttons();
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); judge(true); });
  form.addEventListener("keydown", (event) => { // JupyterLab swallows the browser's own submit on Enter
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input")) return;
    event.preventDefault();
    judge(true);
  });
  part.instant?.(() => judge(true));
  hint.addEventListener("click", () => {
    hintAt(state.hints++);
    keep();
    buttons();
    if (hint.hidden) check.focus();
  });
  show.addEventListener("click", () => { state.shown = true; if (!reply.firstChild) say("", ""); solution(); keep(); buttons(); });

  const restore = () => {
    Object.assign(state, { tries: 0, hints: 0, shown: false, right: false, answer: null }, recall(chapter, name));
    list.replaceChildren();
    for (let i = 0; i < Math.min(state.hints, hints.length); i++) hintAt(i);
    part.write(state.answer);
    say("", "");
    if (state.answer !== null) judge(false);
    buttons();
  };
  restore();
  const cleared = () => { if (!recall(chapter, name) && state.tries + state.hints) restore(); };
  addEventListener("mlm-progress", cleared);
  return () => removeEventListener("mlm-progress", cleared);
}

/** Radio buttons, or check boxes where several are right. */
function choices(options, many, uid) {
  const node = make("div", { class: "options" });
  const inputs = options.map((html, i) => {
    const input = make("input", { type: many ? "checkbox" : "radio", name: uid, value: i, id: `${uid}-${i}` });
    const words = make("span", {});
    words.innerHTML = html;
    node.append(make("label", { class: "option", for: `${uid}-${i}` }, input, words, make("span", { class: "mark", "aria-hidden": "true" })));
    return input;
  });
  const label = (i) => inputs[i].closest(".option");
  const clean = () => inputs.forEach((_, i) => { label(i).classList.remove("was-right", "was-wrong"); label(i).querySelector(".mark").textContent = ""; });
  return {
    node,
    empty: many ? "Tick all that hold, then press Check." : "Pick one, then press Check.",
    read: () => { const picked = inputs.flatMap((x, i) => (x.checked ? [i] : [])); return picked.length ? picked : null; },
    write: (answer) => { clean(); inputs.forEach((x, i) => { x.checked = Boolean(answer?.includes(i)); }); },
    judge(picked, key) {
      const { right, wrong, missed } = judgeChoice(picked, key);
      if (!many) return { right, html: key.replies[picked[0]] };
      if (right) return { right, html: picked.map((i) => key.replies[i]).join("") };
      const part = wrong.map((i) => key.replies[i]).join("");
      return { right, html: part || `<p>What you ticked holds, and ${missed === 1 ? "one more does" : `${missed} more do`}.</p>` };
    },
    mark(picked, key) {
      clean();
      if (many && !judgeChoice(picked, key).right && !judgeChoice(picked, key).wrong.length) return;
      for (const i of picked) {
        const good = key.right.includes(i);
        if (many && good && judgeChoice(picked, key).wrong.length) continue;
        label(i).classList.add(good ? "was-right" : "was-wrong");
        label(i).querySelector(".mark").textContent = good ? "✓" : "✗";
      }
    },
    /** A click or tap on an option answers at once; by keyboard, arrows only move and Check (or Enter) answers. */
    instant(go) {
      if (!many) for (const input of inputs) input.addEventListener("click", (event) => { if (event.screenX || event.screenY || event.pointerType) go(); });
    },
  };
}

/** A field for a number. */
function entry(unit, key, uid) {
  const input = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", id: uid, "aria-labelledby": `${uid}-q ${uid}-u`,
    "aria-describedby": `${uid}-r` });
  const u = make("span", { class: "unit", id: `${uid}-u` });
  u.innerHTML = unit;
  const figures = ["", "one digit", "two significant digits", "three significant digits", "four significant digits"][key.digits] ?? `${key.digits} significant digits`;
  return {
    node: make("div", {}, make("div", { class: "entry" }, input, u), make("p", { class: "rule", id: `${uid}-r` }, `Any rounding to ${figures} or more counts.`)),
    empty: "Type a number, then press Check.",
    read: () => (input.value.trim() === "" ? null : input.value.trim()),
    write: (answer) => { input.value = answer ?? ""; },
    judge(text) {
      const found = judgeNumber(text, key, unit);
      if (found.verdict === "right") return { right: true, html: key.reply };
      return { right: false, html: found.verdict === "known" ? found.reply : nudge(found) };
    },
  };
}

/** How far a reader is: one chapter, or all that this browser has seen. */
function progress(model, box) {
  const chapter = model.get("chapter");
  const list = make("div"), note = make("span", { role: "status" });
  const copy = make("button", { type: "button" }, "Download my answers"), clear = make("button", { type: "button" }, chapter ? "Start this chapter again" : "Start everything again");
  box.append(make("fieldset", {}, make("legend", {}, chapter ? "How far you are" : "How far you are in the book"), list, make("div", { class: "row" }, copy, clear, note),
    make("p", { class: "rule" }, "Kept in this browser only.")));
  const update = () => {
    const chapters = chapter ? [chapter] : Object.keys(load().questions).sort();
    list.replaceChildren(...chapters.map((c) => {
      const { asked, tried, right } = tally(c);
      const words = `${chapter ? "" : `Chapter ${Number(c.replace(/\D/g, "")) || c}: `}${right} of ${asked} right${tried > right ? `, ${tried - right} to come back to` : ""}`;
      return make("div", {}, make("progress", { max: Math.max(1, asked), value: right, "aria-label": words }), ` ${words}`);
    }));
    if (!chapters.length) list.textContent = "No question met yet.";
  };
  copy.addEventListener("click", () => {
    offer("my-answers.json", JSON.stringify(load(), null, 2));
    note.textContent = "Saved as my-answers.json.";
  });
  let armed = false;
  clear.addEventListener("click", () => {
    if (!armed) { armed = true; note.textContent = "Press again to forget the answers."; return; }
    armed = false;
    forget(chapter);
    note.textContent = "Forgotten.";
  });
  addEventListener("mlm-progress", update);
  update();
  return () => removeEventListener("mlm-progress", update);
}

export default { render };
