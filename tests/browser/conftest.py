"""Fixtures of the browser tests: the built book, its server, Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, PROGRAMS, Browser, absent, chromium
from serving import pages, served

ROOT = Path(__file__).resolve().parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--book", type=Path, default=ROOT / "_build" / "html", help="folder of the built book"
    )


def refusal(book: Path, programs: dict[str, str]) -> str:
    """Return why the tests cannot begin and what to do, or nothing."""
    lacking = absent(programs)
    if lacking:
        paths = ", ".join(programs[package] for package in lacking)
        return (
            f"the browser tests need Debian's chromium and chromium-driver; found no {paths}. "
            f"Install them with: apt-get install {' '.join(lacking)} (or name yours in the "
            "variables CHROMIUM and CHROMEDRIVER)"
        )
    if not (book / "index.html").is_file():
        return f"no built book in {book}; say `make book` first"
    return ""


def pytest_configure(config: pytest.Config) -> None:
    said = refusal(config.getoption("--book"), PROGRAMS)
    if said:
        raise pytest.UsageError(said)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", pages(metafunc.config.getoption("--book")))


@pytest.fixture(scope="session")
def book(request: pytest.FixtureRequest) -> Path:
    """The folder of the built book."""
    return Path(request.config.getoption("--book"))


@pytest.fixture(scope="session")
def home(book: Path) -> Iterator[str]:
    """The address of the served book."""
    with served(book) as address:
        yield address


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Chromium puts what it downloads."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile"), downloads) as running:
        yield running


@pytest.fixture
def browser(_chromium: Browser, home: str) -> Browser:
    """Chromium as for a new reader: desktop, light, nothing remembered."""
    _chromium.shape(*DESKTOP)
    _chromium.prefer("light")
    _chromium.driver.get("about:blank")
    _chromium.cdp("Storage.clearDataForOrigin", origin=home, storageTypes="all")
    _chromium.read()
    return _chromium


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Serve a small page with the given body and head; give its address."""
    with served(tmp_path) as address:

        def plant(body: str, head: str = "", name: str = "page.html", **others: str) -> str:
            text = (
                '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A small page'
                '</title><meta name="viewport" content="width=device-width, initial-scale=1">'
                f'<link rel="icon" href="data:,">{head}</head><body><main><h1>A small page</h1>'
                f"{body}</main></body></html>"
            )
            (tmp_path / name).write_text(text, encoding="utf-8")
            for other, content in others.items():
                (tmp_path / f"{other}.html").write_text(content, encoding="utf-8")
            return f"{address}/{name}"

        yield plant
