"""`make lab`: the scripts of notebooks/ open as notebooks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = "@jupyterlab/docmanager-extension:plugin"


def _get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=10) as reply:
        content: dict[str, object] = json.load(reply)
    return content


def test_make_writes_the_default_viewer() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    line = next(part for part in makefile.split("'") if SETTINGS in part)
    assert json.loads(line)[SETTINGS]["defaultViewers"]["python"] == "Jupytext Notebook"


@pytest.mark.live
def test_a_script_opens_as_a_notebook(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path / "log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}",
         "--IdentityProvider.token=t", f"--ServerApp.root_dir={ROOT}", "--allow-root",
         "--ServerApp.ip=127.0.0.1"],
        stdout=log, stderr=log, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    script = next(p.name for p in sorted((ROOT / "notebooks").glob("[0-9]*.py")))
    url = f"{base}/api/contents/notebooks/{script}?type=notebook&content=1&token=t"
    try:
        for _ in range(120):
            assert server.poll() is None, (tmp_path / "log").read_text()
            try:
                found = _get(url)
                break
            except urllib.error.HTTPError as error:
                pytest.fail(f"{error}: {error.read().decode()}")
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail("JupyterLab did not answer within a minute")
        assert found["type"] == "notebook"
        cells = found["content"]["cells"]  # type: ignore[index]
        assert any("parameters" in cell["metadata"].get("tags", []) for cell in cells)
    finally:
        server.terminate()
        server.wait(20)
        log.close()
