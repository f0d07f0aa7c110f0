"""`mlm links`: ask whether the outside addresses in the book, and the DOIs of its sources, still answer.

Nothing is asked when the book is read or built; this is a maintainer's check, on a machine with the net.  Links inside of
the book are tests (`tests/test_site_links.py`).
"""

from __future__ import annotations

import concurrent.futures
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

ADDRESS = re.compile(r"""https?://[^\s"'<>`\\{}|]+""")
DOI = re.compile(r"^10\.\d{4,9}/\S+$")
PLACES = ("*.md", "*.bib", "CITATION.cff", "backmatter/*.md", "chapters/*.ipynb", "exercises/*.ipynb", "data/*.md")
LOCAL = ("localhost", "127.0.0.1", "www.w3.org", "example.", "//HUB/")  # that name a format, or stand for a reader's own


def addresses(root: Path) -> dict[str, list[str]]:
    """Each address, DOIs as those of their resolver, and the files that have it."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for place in PLACES for path in root.glob(place)):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
        here = {_trimmed(address) for address in ADDRESS.findall(text)}
        here |= {f"https://doi.org/{doi}" for doi in dois(text)}
        for address in here:
            if not any(part in address for part in LOCAL):
                found.setdefault(address, []).append(name)
    return dict(sorted(found.items()))


def dois(bibliography: str) -> list[str]:
    """The DOIs of a bibliography's entries."""
    return re.findall(r'^\s*doi\s*=\s*[{"]([^}"]*)', bibliography, flags=re.M | re.I)


def _trimmed(address: str) -> str:
    """Without what belongs to the sentence: its full stop, the bracket around it."""
    address = address.rstrip(".,;:!?*")
    while address.endswith((")", "]")) and address.count(address[-1]) > address.count("(" if address[-1] == ")" else "["):
        address = address[:-1].rstrip(".,;:")
    return address


def answer(address: str, wait: float = 20.0) -> str:
    """``"ok"``, or what went wrong; a site that refuses programs (403, 405, 429) counts as there."""
    for method in ("HEAD", "GET"):
        asked = urllib.request.Request(address, method=method, headers={"User-Agent": "Mozilla/5.0 (link check of a book)"})
        try:
            with urllib.request.urlopen(asked, timeout=wait):
                return "ok"
        except urllib.error.HTTPError as error:
            if error.code in (401, 403, 405, 418, 429) and method == "GET":
                return "ok"
            said = f"answers {error.code}"
        except (OSError, ValueError) as error:
            said = str(getattr(error, "reason", error))
    return said


def run(root: Path, args) -> int:
    """Ask for every address; the value is 0 if all answer, 2 where there is no net."""
    found = addresses(root)
    try:
        socket.getaddrinfo("doi.org", 443)
    except OSError:
        print(f"{len(found)} addresses were found and none was asked: this machine does not reach the net.")
        return 2
    broken = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for (address, files), said in zip(found.items(), pool.map(answer, found)):
            if said != "ok":
                broken.append(address)
                print(f"{address}: {said}  ({', '.join(files)})", flush=True)
    print(f"{len(found) - len(broken)} of {len(found)} addresses answer.")
    return int(bool(broken))
