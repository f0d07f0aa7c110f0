"""The book's two typefaces, cut down to the letters it needs: about 200 kB instead of 2 MB, and never from the network.

Source Serif for reading and Source Sans for headings, tables, figures and labs (SIL Open Font License), from installed packages.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

FACES = {
    # file: (package, family, weight, style)
    "SourceSerifPro-Regular": ("font_source_serif_pro", "Book Serif", 400, "normal"),
    "SourceSerifPro-It": ("font_source_serif_pro", "Book Serif", 400, "italic"),
    "SourceSerifPro-Semibold": ("font_source_serif_pro", "Book Serif", 600, "normal"),
    "SourceSerifPro-SemiboldIt": ("font_source_serif_pro", "Book Serif", 600, "italic"),
    "SourceSansPro-Regular": ("font_source_sans_pro", "Book Sans", 400, "normal"),
    "SourceSansPro-It": ("font_source_sans_pro", "Book Sans", 400, "italic"),
    "SourceSansPro-Semibold": ("font_source_sans_pro", "Book Sans", 600, "normal"),
}
# Latin with accents, Greek, punctuation, arrows and the signs of mathematics that prose uses
LETTERS = [*range(0x20, 0x180), *range(0x370, 0x400), *range(0x2010, 0x2060), *range(0x2070, 0x20B0), *range(0x2190, 0x2200)]
LETTERS += [0x2113, 0x2122, 0x2126, 0x212E, *range(0x2200, 0x2300), 0x25CF, 0x25A0, 0x2713, 0x2717]
RULE = (
    "@font-face {{ font-family: '{family}'; font-weight: {weight}; font-style: {style}; font-display: swap; "
    "src: url('fonts/{name}.woff') format('woff'); }}\n"
)


def cut(source: Path, target: Path):
    """One face with only our letters, kerning and figures kept, as WOFF."""
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=["kern", "liga", "onum", "lnum", "tnum", "mark", "ccmp", "locl"], hinting=True)
    font = subset.load_font(str(source), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=LETTERS)
    cutter.subset(font)
    subset.save_font(font, str(target), options)


def write_fonts(app, error):
    """Fonts and their style sheet into the site's `_static`."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "fonts").mkdir(parents=True, exist_ok=True)
    rules = []
    for name, (package, family, weight, style) in FACES.items():
        target = static / "fonts" / f"{name}.woff"
        folder = Path(str(files(package))) / "files"
        if not target.is_file():
            cut(folder / f"{name}.ttf", target)
            (static / "fonts" / f"LICENSE-{package}.txt").write_bytes((folder / "LICENSE.txt").read_bytes())
        rules.append(RULE.format(name=name, family=family, weight=weight, style=style))
    (static / "fonts.css").write_text("".join(rules), encoding="utf-8")


def setup(app):
    """Connect."""
    app.add_css_file("fonts.css", priority=150)
    app.connect("build-finished", write_fonts)
