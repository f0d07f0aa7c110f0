"""One release, made: the site, the notebooks, the PDF and their checksums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlmlib
from mlmlib.release import archives, contents

NAME = "multilevel-models"


@dataclass(frozen=True)
class Release:
    """The files of a release, and what there is to say about them."""

    version: str
    files: tuple[Path, ...]
    messages: tuple[str, ...]


def make_release(root: Path, out: Path, *, site: Path, student: Path, pdf: bool = True, when: int | None = None,
                 progress: Callable[[str], None] = print) -> Release:
    """Write a release of the book into a folder.

    Parameters
    ----------
    root : Path
        The folder of the book.
    out : Path
        Where the files go; files of the same names are replaced.
    site : Path
        The built site.
    student : Path
        The built student copies of the exercises.
    pdf : bool
        Whether to print the book. Where there is no Chromium, or no playwright, a message says so and the PDF is left out.
    when : int, optional
        The date of all that is in the release, in seconds since 1970; SOURCE_DATE_EPOCH, or else the last commit.
    progress : callable
        Is told what is being done.

    Returns
    -------
    Release
        Version, paths of the files written, messages.

    Raises
    ------
    FileNotFoundError
        If the site or a student copy has not been built.

    Examples
    --------
    >>> from mlmlib.release import make_release
    >>> make_release.__name__
    'make_release'
    """
    root, out, site, student = (Path(p).resolve() for p in (root, out, site, student))
    if not (site / "index.html").is_file():
        raise FileNotFoundError(f"There is no built site in {site}: `mlm book` builds it.")
    missing = {path.name for path in (root / "exercises").glob("*.ipynb")} - {path.name for path in student.glob("*.ipynb")}
    if missing:
        raise FileNotFoundError(f"No student copy of {', '.join(sorted(missing))} in {student}: `mlm exercises` builds them.")
    version, when = mlmlib.__version__, archives.moment(root) if when is None else when
    base, messages = f"{NAME}-{version}", []
    out.mkdir(parents=True, exist_ok=True)
    progress("site ...")
    files = [archives.write_zip(out / f"{base}-site.zip", archives.site_files(site, f"{base}-site"), when)]
    progress("notebooks ...")
    held = archives.notebook_files(root, student, f"{base}-notebooks", version)
    files.append(archives.write_zip(out / f"{base}-notebooks.zip", held, when))
    paper = out / f"{base}.pdf"
    paper.unlink(missing_ok=True)  # one of an earlier release must not pass for this one's
    if pdf:
        from mlmlib.release import printing

        try:
            found = contents.pages(root / "_toc.yml", site)
            messages += printing.write_pdf(paper, found, site, version=version, when=when, progress=progress)
            files.append(paper)
        except printing.NoBrowser as error:
            messages.append(f"NO PDF WAS MADE: {error}")
    files.append(archives.write_checksums(out / "SHA256SUMS", files))
    return Release(version, tuple(files), tuple(messages))
