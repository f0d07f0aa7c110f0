// What a reader has answered, kept in this browser under one key, and nowhere else:
//   localStorage["mlmlib.progress"] = {"version": 1,
//     "answers": {"ch02": {"icc-share": {"right": true, "tries": 2, "hints": 1, "shown": false, "answer": "0.25", "when": "2026-..."}}},
//     "questions": {"ch02": ["icc-share", ...]},
//     "objectives": {"ch02": {"design": {"level": 2, "when": "2026-..."}}}}      level: 1 with help, 2 on my own

export const STORE = "mlmlib.progress";

let memory = null; // where a browser keeps nothing (private window, blocked storage), the page remembers until it closes

const empty = () => ({ version: 1, answers: {}, questions: {}, objectives: {} });

export function load() {
  let text = null;
  try { text = localStorage.getItem(STORE); } catch { /* blocked */ }
  if (text === null) return memory ?? empty();
  try {
    const found = JSON.parse(text);
    return { version: 1, answers: found.answers ?? {}, questions: found.questions ?? {}, objectives: found.objectives ?? {} };
  } catch { return empty(); }
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
  else { all.answers = {}; all.objectives = {}; }
  save(all);
}

/** Count of a chapter: {asked, tried, right}. */
export function tally(chapter) {
  const all = load(), answers = all.answers[chapter] ?? {}, ids = all.questions[chapter] ?? Object.keys(answers);
  const got = ids.map((id) => answers[id]).filter(Boolean);
  return { asked: ids.length, tried: got.length, right: got.filter((a) => a.right).length };
}

/** What a reader says of an objective: 0 not yet, 1 with help, 2 on my own. */
export const level = (chapter, id) => load().objectives[chapter]?.[id]?.level ?? 0;

export function rate(chapter, id, value) {
  const all = load();
  (all.objectives[chapter] ??= {})[id] = { level: value, when: new Date().toISOString() };
  save(all);
}

const NAME = /^(?!(?:constructor|prototype|toString|valueOf)$)[A-Za-z0-9][\w-]{0,79}$/;
const table = (value) => (value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value).filter(([name]) => NAME.test(name)) : []);
const words = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");
const whole = (value, most) => (Number.isInteger(value) ? Math.min(most, Math.max(0, value)) : 0);

/** An answer of a file with nothing in it but what an answer may hold; null if it is none. */
function cleaned(entry) {
  if (!entry || typeof entry !== "object" || typeof entry.right !== "boolean") return null;
  const { answer } = entry, picked = Array.isArray(answer) && answer.every((i) => Number.isInteger(i) && i >= 0) ? answer.slice(0, 50) : null;
  return { tries: whole(entry.tries, 9999), hints: whole(entry.hints, 99), shown: entry.shown === true, right: entry.right,
    answer: picked ?? (typeof answer === "string" ? answer.slice(0, 200) : null), when: words(entry.when, 40) };
}

/** Whether `theirs` is to replace `ours`: what is right stays right, then the later one counts. */
const better = (theirs, ours) => !ours || (theirs.right !== ours.right ? theirs.right : theirs.when > (ours.when ?? ""));

/** Take in a file that `load` wrote, here or in another browser. Gives how many answers and objectives came from it; an error says why not. */
export function absorb(text) {
  let found;
  try { found = JSON.parse(text); } catch { throw new Error("That is not a file of progress: it cannot be read."); }
  if (found?.version !== 1 || !found.answers || typeof found.answers !== "object") throw new Error("That is not a file of progress from this book.");
  const all = load(), taken = { answers: 0, objectives: 0 };
  for (const [chapter, answers] of table(found.answers)) for (const [id, entry] of table(answers)) {
    const made = cleaned(entry), mine = (all.answers[chapter] ??= {});
    if (made && better(made, mine[id])) { mine[id] = made; taken.answers++; }
  }
  for (const [chapter, rated] of table(found.objectives)) for (const [id, entry] of table(rated)) {
    const mine = (all.objectives[chapter] ??= {}), when = words(entry?.when, 40);
    if ([0, 1, 2].includes(entry?.level) && (!mine[id] || when > (mine[id].when ?? ""))) { mine[id] = { level: entry.level, when }; taken.objectives++; }
  }
  for (const [chapter, ids] of table(found.questions)) if (Array.isArray(ids)) {
    const mine = (all.questions[chapter] ??= []);
    for (const id of ids) if (typeof id === "string" && NAME.test(id) && !mine.includes(id)) mine.push(id);
  }
  save(all);
  return taken;
}
