// What a reader has answered, kept in this browser under one key, and nowhere else:
//   localStorage["mlmlib.progress"] = {"version": 1,
//     "answers": {"ch02": {"icc-share": {"right": true, "tries": 2, "hints": 1, "shown": false, "answer": "0.25", "when": "2026-..."}}},
//     "questions": {"ch02": ["icc-share", ...]}}

export const STORE = "mlmlib.progress";

let memory = null; // where a browser keeps nothing (private window, blocked storage), the page remembers until it closes

export function load() {
  let text = null;
  try { text = localStorage.getItem(STORE); } catch { /* blocked */ }
  if (text === null) return memory ?? { version: 1, answers: {}, questions: {} };
  try {
    const found = JSON.parse(text);
    return { version: 1, answers: found.answers ?? {}, questions: found.questions ?? {} };
  } catch { return { version: 1, answers: {}, questions: {} }; }
}

function save(all) {
  memory = all;
  try { localStorage.setItem(STORE, JSON.stringify(all)); } catch { /* blocked: memory it is */ }
  dispatchEvent(new CustomEvent("mlm-progress"));
}

export const recall = (chapter, id) => load().answers[chapter]?.[id] ?? null;

export function remember(chapter, id, entry) {
  const all = load();
  (all.answers[chapter] ??= {})[id] = { ...entry, when: new Date().toISOString() };
  save(all);
}

/** A question tells that it exists, so that "3 of 6" can be said on any page. */
export function enroll(chapter, id) {
  const all = load(), list = (all.questions[chapter] ??= []);
  if (!list.includes(id)) { list.push(id); save(all); }
}

export function forget(chapter) {
  const all = load();
  if (chapter) delete all.answers[chapter];
  else all.answers = {};
  save(all);
}

/** Count of a chapter: {asked, tried, right}. */
export function tally(chapter) {
  const all = load(), answers = all.answers[chapter] ?? {}, ids = all.questions[chapter] ?? Object.keys(answers);
  const got = ids.map((id) => answers[id]).filter(Boolean);
  return { asked: ids.length, tried: got.length, right: got.filter((a) => a.right).length };
}
