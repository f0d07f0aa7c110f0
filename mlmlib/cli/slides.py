"""`mlm slides`: slides from the built chapters, one HTML file each."""

from __future__ import annotations

from pathlib import Path

from mlmlib.cli.environment import SetupError


def run(root: Path, args) -> int:
    """Write slides of the chapters asked for, or of all, into `_build/slides`."""
    from mlmlib.release.slides import make_slides

    site, out = root / "_build" / "html", Path(args.out).resolve() if args.out else root / "_build" / "slides"
    pages = [page for page in sorted((site / "chapters").glob("*.html")) if not args.chapters or page.name.startswith(tuple(args.chapters))]
    if not pages:
        raise SetupError(f"No built chapter {' or '.join(args.chapters) or 'at all'} in {site}: `mlm book` builds them.")
    for page in pages:
        print(make_slides(page, out, site), flush=True)
    return 0
