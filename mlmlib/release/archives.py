"""Archives whose bytes depend on their content alone: names sorted, one date, one set of permissions."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import time
import zipfile
from pathlib import Path

EARLIEST = 315_532_800  # 1 January 1980, the first day that a zip can name
NOT_SITE = (".buildinfo",)
LIBRARY = (".py", ".pyi", ".js", ".css", ".html", ".toml", ".json", ".md")
DATA = (".csv", ".gz", ".md")
PUBLISHED = (".toml", ".json", ".md")  # chapters show the literature's numbers beside ours
TOP = ("LICENSE", "LICENSE-text", "CITATION.cff", "Makefile", "_toc.yml", "pyproject.toml", "setup.py",
       "requirements.lock", "requirements-test.lock")
README = """# Multilevel Models, version {version}: the notebooks

The chapters as notebooks (`chapters/`), the graded exercises for students (`exercises/`), and all that they run on: the
library (`mlmlib/`), the data (`data/`) and the published numbers (`tests/reference/`). They need Python 3.11 or newer.

    make lab

(or `python -m mlmlib.cli lab`) makes an environment in `.venv` from the locked list of packages, which needs the
internet once, and opens the chapters in JupyterLab. In an environment of your own, `pip install ".[book,exercises]"` in
this folder is enough. Code is under the MIT license, text under CC BY 4.0, data under the terms in each data sheet.
"""


def moment(root: Path) -> int:
    """The date that everything in a release bears: SOURCE_DATE_EPOCH, or else that of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given:
        done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=root, capture_output=True, text=True)
        given = done.stdout.strip() if done.returncode == 0 else ""
    return max(int(given), EARLIEST) if given.isdigit() else EARLIEST


def write_zip(path: Path, files: dict[str, bytes | Path], when: int) -> Path:
    """Write `files` (name in the archive: content, or where it is) with one date and one set of permissions."""
    stamp = time.gmtime(when)[:6]
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in sorted(files):
            content = files[name]
            info = zipfile.ZipInfo(name, stamp)
            info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, content.read_bytes() if isinstance(content, Path) else content, compresslevel=9)
    path.write_bytes(held.getvalue())
    return path


def _tree(folder: Path, top: str, endings=None, without=()) -> dict[str, bytes | Path]:
    """The files of a folder, by their name in the archive."""
    return {
        f"{top}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts
        and (endings is None or path.suffix in endings) and path.name not in without
    }


def site_files(site: Path, name: str) -> dict[str, bytes | Path]:
    """The built site in a folder of its own."""
    return _tree(site, name, without=NOT_SITE)


def notebook_files(root: Path, student: Path, name: str, version: str) -> dict[str, bytes | Path]:
    """Chapters, student copies, library and data, laid out so that the notebooks run where they are unpacked."""
    files: dict[str, bytes | Path] = {f"{name}/{top}": root / top for top in TOP if (root / top).is_file()}
    files |= _tree(root / "mlmlib", f"{name}/mlmlib", LIBRARY) | _tree(root / "data", f"{name}/data", DATA)
    files |= _tree(root / "tests" / "reference", f"{name}/tests/reference", PUBLISHED)
    files |= _tree(root / "binder", f"{name}/binder")  # so that the unpacked archive, as a repository, runs on Binder
    for folder, where in (("chapters", root / "chapters"), ("exercises", student)):
        files |= {f"{name}/{folder}/{path.name}": path for path in sorted(where.glob("*.ipynb"))}
    return files | {f"{name}/README.md": README.format(version=version).encode()}


def write_checksums(path: Path, files: list[Path]) -> Path:
    """SHA-256 of each file, as `sha256sum --check` reads them."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(files)]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
    return path
