"""One self-contained ES module from the small modules in ``js/``.

Each module becomes a function that returns its exports, in the order of need; an import becomes a lookup. That is
all a bundler has to do for modules which keep two rules: imports and exports stand at the start of a line, and what is
exported is declared there (``export const | let | function | class | default`` or ``export { a, b as c };``).
Anything else is refused by name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

SOURCES = Path(__file__).parent / "js"

_IMPORT = re.compile(r"^import\s+([^;\"']*?)\s*from\s*[\"']\./([\w.-]+)[\"'];?[ \t]*$", re.M)
_DECLARED = re.compile(r"^export\s+((?:async\s+)?function\s*\*?|const|let|class)\s+(\w+)", re.M)
_DEFAULT = re.compile(r"^export\s+default\s+", re.M)
_LIST = re.compile(r"^export\s*\{([^}]*)\};?[ \t]*$", re.M)
_COMMENT = re.compile(r"^[ \t]*//[^\n]*\n", re.M)


def _parts(name: str) -> tuple[str, list[str]]:
    """The body of one module as a function expression, and the modules that it needs."""
    text = (SOURCES / name).read_text(encoding="utf-8")
    needs: list[str] = []
    exports: list[str] = []

    def take(match: re.Match) -> str:
        what, module = match.group(1).strip(), match.group(2)
        if module not in needs:
            needs.append(module)
        found = f'M["{module}"]'
        if what.startswith("{"):
            names = re.sub(r"\s+as\s+", ": ", " ".join(what.split()))
            return f"const {names} = {found};"
        if what.startswith("*"):
            return f"const {what.split()[-1]} = {found};"
        return f"const {what} = {found}.default;"

    def give_list(match: re.Match) -> str:
        for item in filter(None, (part.strip() for part in match.group(1).split(","))):
            inner, _, outer = item.partition(" as ")
            exports.append(f"{outer.strip() or inner.strip()}: {inner.strip()}")
        return ""

    text = _IMPORT.sub(take, text)
    exports += [m.group(2) for m in _DECLARED.finditer(text)]
    text = _DECLARED.sub(r"\1 \2", text)
    text = _LIST.sub(give_list, text)
    if _DEFAULT.search(text):
        text = _DEFAULT.sub("const exported = ", text)
        exports.append("default: exported")
    left = re.search(r"^(import|export)\b.*", text, re.M)
    if left:
        raise ValueError(f"{name}: cannot bundle the line {left.group(0)!r}; see the rules in {__name__}")
    text = _COMMENT.sub("", text)
    return f"() => {{\n{text.strip()}\nreturn {{ {', '.join(exports)} }};\n}}", needs


@lru_cache
def modules(entry: str) -> tuple[str, ...]:
    """Names of the modules that `entry` needs, itself last, each after what it needs."""
    order: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(f"modules import each other in a circle: {' -> '.join((*path, name))}")
        if name not in order:
            for need in _parts(name)[1]:
                visit(need, (*path, name))
            order.append(name)

    visit(entry, ())
    return tuple(order)


@lru_cache
def bundle(entry: str, mount: str | None = None) -> str:
    """`entry` (a file in ``js/``) and all that it needs, as the text of one ES module.

    With ``mount`` the module mounts every block of that kind on the page (for the site); without, it default-exports
    what the entry does (for anywidget).
    """
    names = [*modules(entry), *(["mount.js"] if mount else [])]
    lines = ["const M = {};"]
    lines += [f'M["{name}"] = ({_parts(name)[0]})();' for name in names]
    if mount:
        lines.append(f'M["mount.js"].mountAll("{mount}", M["{entry}"].default);')
    else:
        lines.append(f'export default M["{entry}"].default;')
    return "\n".join(lines) + "\n"
