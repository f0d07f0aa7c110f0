// Dark or light as the page is: the book theme's data-theme, JupyterLab's data-jp-theme-light, VS Code's body class, the system.

/** Keep host.dataset.mode at "dark" or "light". Gives the function that stops it. */
export function followTheme(host) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const look = () => {
    const html = document.documentElement, body = document.body, jupyter = body.dataset.jpThemeLight;
    const named = html.dataset.theme ?? (jupyter ? (jupyter === "false" ? "dark" : "light") : null)
      ?? (/vscode-(dark|high-contrast)/.test(body.className) ? "dark" : /vscode-light/.test(body.className) ? "light" : null);
    host.dataset.mode = named === "dark" || (named !== "light" && system.matches) ? "dark" : "light";
  };
  const watch = new MutationObserver(look);
  for (const node of [document.documentElement, document.body]) watch.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light", "class"] });
  system.addEventListener("change", look);
  look();
  return () => { watch.disconnect(); system.removeEventListener("change", look); };
}

/** A DOM element with attributes and children. */
export function make(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) if (v !== null && v !== undefined && v !== false) node.setAttribute(k, v === true ? "" : v);
  node.append(...children);
  return node;
}
