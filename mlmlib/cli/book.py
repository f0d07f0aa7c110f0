"""`mlm book`: run every chapter and build the website; any failed cell, warning or dead reference fails the build."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

# When one of these changes, earlier results may be wrong, so the build starts from nothing. Sphinx itself sees changed pages.
KEYED = ("mlmlib", "data", "bookext", "_config.yml", "_toc.yml", "references.bib", "requirements.lock")
UNKEYED = ("mlmlib/cli", "mlmlib/release")  # no page depends on these


def state_key(root: Path) -> str:
    """One hash of everything that a chapter's numbers and the site's form depend on, besides the chapters."""
    digest = hashlib.sha256()
    for name in KEYED:
        top = root / name
        files = [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file())
        for path in files:
            if "__pycache__" in path.parts or ".ipynb_checkpoints" in path.parts or any(path.is_relative_to(root / other) for other in UNKEYED):
                continue
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _folder(root: Path, args) -> Path:
    if args.out:
        return Path(args.out).resolve()
    return root / "_build" / ("preview" if args.only else "")


def _preview_toc(root: Path, wanted: list[str], folder: Path) -> Path:
    """A table of contents with the wanted chapters only."""
    import yaml

    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        part["chapters"] = [
            page
            for page in part["chapters"]
            if not page["file"].startswith("chapters/")
            or any(page["file"].startswith(f"chapters/{number}") for number in wanted)
        ]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    path = folder / "preview-toc.yml"
    path.write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    return path


def run(root: Path, args) -> int:
    """Build into `_build/html`; the value is 0 only if every page and every cell is clean."""
    from jupyter_book.sphinx import build_sphinx

    folder = _folder(root, args)
    folder.mkdir(parents=True, exist_ok=True)
    html, trees, stamp = folder / "html", folder / "doctrees", folder / "key.json"
    key = {"state": state_key(root), "only": args.only}
    known = json.loads(stamp.read_text()) if stamp.is_file() else None
    if args.all or known != key:
        for old in (html, trees):
            shutil.rmtree(old, ignore_errors=True)
    # A build that fails leaves no stamp, so the next one cannot take its half-made pages for good ones.
    stamp.unlink(missing_ok=True)

    os.environ["TQDM_DISABLE"] = "1"  # nobody watches a chapter run: no progress bar among its outputs
    overrides: dict[str, bool | str] = {"nitpicky": True, "latex_individualpages": False}
    if args.only:
        overrides["external_toc_path"] = str(_preview_toc(root, args.only, folder))
    began = time.time()
    code = build_sphinx(
        str(root),
        str(html),
        path_config=str(root / "_config.yml"),
        noconfig=True,
        confoverrides=overrides,
        doctreedir=str(trees),
        warningiserror=not args.only,
        keep_going=True,
        jobs=args.jobs,
    )
    if code != 0:
        print("mlm: the book was not built: see the warnings and errors above.", flush=True)
        return 1
    broken = [page.name for page in html.rglob("*.html") if 'class="traceback' in page.read_text(encoding="utf-8")]
    if broken:
        print(f"mlm: a cell failed on {', '.join(broken)}.", flush=True)
        return 1
    stamp.write_text(json.dumps(key))
    pages = [p for p in html.rglob("*.html") if "_static" not in p.parts]
    print(f"Built {len(pages)} pages in {time.time() - began:.0f} s. Open {html / 'index.html'}", flush=True)
    return 0
