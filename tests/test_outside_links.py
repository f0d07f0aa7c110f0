"""Outside addresses: found, well formed, and asked for in the right way; whether they answer is `mlm links`, where there is a net."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from mlmlib.cli import links
from toc import ROOT


@pytest.fixture(scope="module")
def found():
    return links.addresses(ROOT)


def test_dois_are_well_formed():
    dois = links.dois((ROOT / "references.bib").read_text(encoding="utf-8"))
    assert len(dois) >= 40 and len(dois) == len(set(dois))
    assert not [doi for doi in dois if not links.DOI.match(doi)]


def test_addresses_are_well_formed(found):
    assert len(found) >= 40
    assert not [address for address in found if not re.fullmatch(r"[\w.-]+\.[a-z]{2,}(:\d+)?", urlsplit(address).netloc)]


def test_what_belongs_to_the_sentence_is_left_out(tmp_path):
    (tmp_path / "page.md").write_text("See (https://a.org/x_(y)), [it](https://b.org/z). `http://localhost:8000`", encoding="utf-8")
    (tmp_path / "r.bib").write_text("@book{a,\n  doi = {10.1000/182},\n}", encoding="utf-8")
    assert list(links.addresses(tmp_path)) == ["https://a.org/x_(y)", "https://b.org/z", "https://doi.org/10.1000/182"]


class _Site(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response({"/here": 200, "/gets-only": 405}.get(self.path, 404))
        self.end_headers()

    def do_GET(self):
        self.send_response({"/here": 200, "/gets-only": 200}.get(self.path, 404))
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_site_is_asked_and_a_dead_link_is_seen():
    server = HTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        assert links.answer(f"{base}/here") == "ok" and links.answer(f"{base}/gets-only") == "ok"
        assert links.answer(f"{base}/gone") == "answers 404"
    finally:
        server.shutdown()
        server.server_close()
    assert links.answer(f"{base}/here", wait=2.0) != "ok"
