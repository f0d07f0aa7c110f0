"""Releases: the book as files to take away. ``mlm release --out dir`` makes them; `make_release` is the same from Python.

Files are made from a built site and built student copies, and from nothing else: the same ones give the same bytes.
"""

from __future__ import annotations

from mlmlib.release.everything import Release, make_release

__all__ = ["Release", "make_release"]
