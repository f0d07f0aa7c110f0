"""`mlm serve`: show the built site on this machine, to this machine only."""

from __future__ import annotations

import functools
import http.server
import webbrowser
from pathlib import Path

HOST = "127.0.0.1"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Quiet, and never cached, so that a rebuilt page is seen at once."""

    def log_message(self, *args):
        """Say nothing."""

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()


def server(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """A server of one folder on the first free port from `port` up (0: any)."""
    handler = functools.partial(Handler, directory=str(folder))
    for candidate in range(port, port + 20) if port else (0,):
        try:
            return http.server.ThreadingHTTPServer((HOST, candidate), handler)
        except OSError as error:
            last = error
    raise last


def run(root: Path, args) -> int:
    """Serve `_build/html` until Ctrl-C."""
    site = root / "_build" / "html"
    if not (site / "index.html").is_file():
        print("There is no built site yet: run `make book` (or `mlm book`) first.")
        return 1
    with server(site, args.port) as httpd:
        address = f"http://{HOST}:{httpd.server_port}/"
        print(f"The book is at {address}  (Ctrl-C stops it)", flush=True)
        if args.open:
            webbrowser.open(address)
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            print("\nStopped.")
    return 0
