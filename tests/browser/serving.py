"""The built book behind an address on this machine, as a reader's web server shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Handler(SimpleHTTPRequestHandler):
    """Files of a folder, kept-alive connections, nothing said on the terminal."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Stay silent: the tests read the browser's own record of each request."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of 127.0.0.1; give the address, without a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def pages(folder: Path) -> list[str]:
    """Return the pages of a built book, relative to its folder; parts of the theme are none."""
    found = (file.relative_to(folder).as_posix() for file in folder.rglob("*.html"))
    return sorted(name for name in found if not name.startswith(("_static/", "_sources/")))
