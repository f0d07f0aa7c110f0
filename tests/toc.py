"""The pages that the book is made of, read from its table of contents."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def pages() -> list[str]:
    """Every page of the table of contents, without suffix, in order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"]] + [page["file"] for part in toc["parts"] for page in part["chapters"]]


def chapters() -> list[str]:
    """The notebooks among them."""
    return [name for name in pages() if name.startswith("chapters/")]
