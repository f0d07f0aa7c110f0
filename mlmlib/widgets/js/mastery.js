// The map of what a reader can do: what the self-checks of each chapter have seen, and what the reader says of each objective.
// The page has all objectives as text, without any script; this adds what this browser remembers, and the controls.

import { askCss } from "./ask_style.js";
import { followTheme, make } from "./dom.js";
import { offer } from "./files.js";
import { absorb, forget, level, load, rate } from "./progress.js";

const LEVELS = ["not yet", "with help", "on my own"];
const css = `
.mlm-map summary { flex-wrap: wrap; }
.mlm-map summary .mlm-far { order: 9; flex: 1 0 100%; font-weight: 400; font-size: .85em; display: flex; gap: 0 .8em; align-items: center; flex-wrap: wrap; }
.mlm-map summary .mlm-far progress { width: 6rem; }
.mlm-map ol > li > select { margin-left: .5em; font: inherit; font-size: .85em; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: 4px; padding: .1em .3em; }
.mlm-map ol > li > select:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.mlm-ask input[type=file] { position: absolute; width: 1px; height: 1px; opacity: 0; }
@media print { .mlm-map select { display: none; } }
`;

/** What is known of one chapter: questions asked, met and right, objectives and those that the reader can do alone or with help. */
function known(name, { questions, objectives }) {
  const answers = load().answers[name] ?? {}, met = questions.map((id) => answers[id]).filter(Boolean), levels = objectives.map((id) => level(name, id));
  return { asked: questions.length, right: met.filter((a) => a.right).length, tried: met.filter((a) => !a.right && a.tries).length,
    objectives: objectives.length, alone: levels.filter((l) => l === 2).length, helped: levels.filter((l) => l === 1).length };
}

const told = (k) => `${k.right} of ${k.asked} questions right${k.tried ? `, ${k.tried} to come back to` : ""}; ${k.alone} of ${k.objectives} objectives on your own${k.helped ? `, ${k.helped} with help` : ""}`;

function render({ model, el }) {
  if (!document.getElementById("mlm-ask-style")) document.head.append(make("style", { id: "mlm-ask-style" }, askCss));
  document.head.append(make("style", {}, css));
  const chapters = model.get("chapters"), box = el.appendChild(make("div", { class: "mlm-ask" })), stop = followTheme(box), rows = [];

  const sum = make("p", { class: "mlm-sum" }), note = make("p", { class: "reply", role: "status" });
  const down = make("button", { type: "button" }, "Save to a file"), up = make("button", { type: "button" }, "Load from a file"), clear = make("button", { type: "button" }, "Start everything again");
  const file = make("input", { type: "file", accept: "application/json,.json", "aria-label": "A file of progress", tabindex: "-1" });
  box.append(make("fieldset", {}, make("legend", {}, "How far you are in the book"), sum, make("div", { class: "row" }, down, up, file, clear), note,
    make("p", { class: "rule" }, "Kept in this browser only. The file takes it to another one; what both know, the right or the later answer, stays.")));

  for (const [name, chapter] of Object.entries(chapters)) {
    const part = document.querySelector(`.mlm-map-${name}`), summary = part?.querySelector("summary");
    if (!summary) continue;
    const bar = make("progress", { max: chapter.questions.length + chapter.objectives.length, value: 0, "aria-hidden": "true" }), said = make("span");
    summary.append(make("span", { class: "mlm-far" }, bar, said));
    const picks = [...part.querySelectorAll("ol > li")].slice(0, chapter.objectives.length).map((item, i) => {
      const words = item.textContent.trim().replace(/\s+/g, " "), pick = make("select", { "aria-label": `How far you are: ${words}` }, ...LEVELS.map((l, v) => make("option", { value: v }, l)));
      (item.querySelector(":scope > p") ?? item).after(pick);
      if (!item.querySelector(":scope > p")) item.append(pick);
      pick.addEventListener("change", () => { rate(name, chapter.objectives[i], Number(pick.value)); note.textContent = ""; });
      return pick;
    });
    rows.push({ name, chapter, bar, said, picks });
  }

  const update = () => {
    const all = { asked: 0, right: 0, tried: 0, objectives: 0, alone: 0, helped: 0 };
    for (const { name, chapter, bar, said, picks } of rows) {
      const k = known(name, chapter);
      for (const key of Object.keys(all)) all[key] += k[key];
      bar.value = k.right + k.alone + k.helped / 2;
      said.textContent = told(k);
      picks.forEach((pick, i) => { pick.value = String(level(name, chapter.objectives[i])); });
    }
    const begun = all.right + all.tried + all.alone + all.helped;
    sum.textContent = begun ? `${told(all)[0].toUpperCase()}${told(all).slice(1)}.`
      : "Nothing yet. Answer a question in the self-check of a chapter, or open a chapter below and say what you can do.";
    down.disabled = !begun;
  };

  down.addEventListener("click", () => { offer("my-progress.json", JSON.stringify(load(), null, 2)); note.textContent = "Saved as my-progress.json."; });
  up.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      if (chosen.size > 5e6) throw new Error("That is not a file of progress: it is too large.");
      const { answers, objectives } = absorb(await chosen.text());
      note.textContent = answers + objectives ? `Loaded: ${answers} answers and ${objectives} objectives.` : "Nothing in it that this browser did not know.";
    } catch (error) { note.textContent = `${error.message} Nothing was changed.`; }
    file.value = "";
  });
  let armed = false;
  clear.addEventListener("click", () => {
    if (!armed) { armed = true; note.textContent = "Press again to forget all answers and objectives."; return; }
    armed = false;
    forget("");
    note.textContent = "Forgotten.";
  });
  clear.addEventListener("blur", () => { armed = false; });

  const elsewhere = (event) => { if (event.key === null || event.key === "mlmlib.progress") update(); }; // another tab answered
  addEventListener("mlm-progress", update);
  addEventListener("storage", elsewhere);
  update();
  return () => { stop(); removeEventListener("mlm-progress", update); removeEventListener("storage", elsewhere); };
}

export default { render };
