// On a built page or in a notebook without widgets: mount every block of one kind that stands on the page.

/** The part of anywidget's model that our modules use, over a plain object. */
export function pageModel(values) {
  const listeners = {};
  return {
    onSite: true,
    get: (key) => values[key],
    set(key, value) { values[key] = value; for (const f of listeners[`change:${key}`] ?? []) f(); },
    save_changes() {},
    on(event, f) { (listeners[event] ??= []).push(f); },
    off(event, f) { listeners[event] = (listeners[event] ?? []).filter((g) => g !== f); },
  };
}

export function mountAll(name, component) {
  for (const block of document.querySelectorAll(`[data-mlm="${name}"]:not([data-mounted])`)) {
    block.dataset.mounted = "yes";
    const json = block.querySelector("script[type='application/json']");
    const model = pageModel(JSON.parse(json.textContent));
    block.querySelector(".mlm-waiting")?.remove();
    component.render({ model, el: block });
    block.mlmModel = model;
  }
}
