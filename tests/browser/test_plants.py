"""Each check finds its fault on a small page that has it, and none on one that has not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import checks
import pytest
from browser import PHONE, Browser, absent, foreign, requests
from conftest import refusal
from serving import pages, served

Plant = Callable[..., str]
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="


def home(url: str) -> str:
    return url.rpartition("/")[0]


def test_sound_page_passes_every_check(browser: Browser, planted: Plant) -> None:
    url = planted(
        f'<p>Plain words and <a href="#here">a link</a>.</p><p id="here">Here.</p>'
        f'<img src="{DOT}" alt="A dot.">'
        '<div style="overflow-x:auto;width:100%"><div style="width:3000px">wide</div></div>'
    )
    record = browser.open(url)
    assert url in record.asked
    found = [
        *checks.quiet(record, home(url)),
        *checks.looks(browser, 1280),
        *checks.accessible(browser),
        *checks.made_links_alive(browser, home(url)),
    ]
    assert found == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("console.error('a planted complaint')", "a planted complaint"),
        ("null.planted", "Cannot read properties of null"),
        ("Promise.reject(new Error('a planted promise'))", "a planted promise"),
    ],
)
def test_complaint_of_script_is_found(
    browser: Browser, planted: Plant, script: str, said: str
) -> None:
    url = planted(f"<script>{script}</script>")
    found = checks.quiet(browser.open(url), home(url))
    assert len(found) == 1
    assert found[0].startswith("console:")
    assert said in found[0]


def test_console_log_is_no_complaint(browser: Browser, planted: Plant) -> None:
    url = planted("<script>console.log('only a word'); console.warn('and a warning')</script>")
    assert checks.quiet(browser.open(url), home(url)) == []


@pytest.mark.parametrize(
    "plant",
    [
        '<img src="https://example.org/dot.png" alt="A dot from far away.">',
        '<script src="https://example.org/code.js"></script>',
        "<script>fetch('https://example.org/data.json').catch(() => 0)</script>",
        '<style>@import url("https://example.org/style.css");</style>',
        "<script>try { new WebSocket('wss://example.org/socket') } catch {}</script>",
        "<script>navigator.sendBeacon('https://example.org/beacon')</script>",
    ],
)
def test_request_to_the_network_is_found(browser: Browser, planted: Plant, plant: str) -> None:
    url = planted(plant)
    found = checks.quiet(browser.open(url), home(url))
    assert any(line.startswith("reaches for the network:") for line in found), found


def test_network_is_off(browser: Browser, planted: Plant) -> None:
    url = planted('<img src="https://example.org/dot.png" alt="A dot from far away.">')
    failed = browser.open(url).failed
    assert [line for line in failed if "example.org" in line and "ERR_NAME_NOT_RESOLVED" in line]


def test_missing_file_of_own_server_is_found(browser: Browser, planted: Plant) -> None:
    url = planted('<img src="absent.png" alt="A picture that is not there.">')
    found = checks.quiet(browser.open(url), home(url))
    assert f"failed request: {home(url)}/absent.png: status 404" in found


def test_late_request_is_found_at_next_reading(browser: Browser, planted: Plant) -> None:
    url = planted("<button onclick=\"fetch('absent.json')\">Ask</button>")
    assert checks.quiet(browser.open(url), home(url)) == []
    browser.run("document.querySelector('button').click()")
    browser.driver.execute_async_script("setTimeout(arguments[0], 500)")
    assert any("absent.json" in line for line in checks.quiet(browser.read(), home(url)))


def test_wide_page_is_found_with_its_cause(browser: Browser, planted: Plant) -> None:
    url = planted('<pre id="wide" style="width:900px">wide</pre>')
    browser.open(url)
    assert checks.fits(browser, 1280) == []
    browser.shape(*PHONE)
    browser.open(url)
    (found,) = checks.fits(browser, PHONE[0])
    assert "in 390" in found
    assert "pre#wide up to 9" in found


@pytest.mark.parametrize(
    ("plant", "guilty"),
    [
        (f'<img src="{DOT}">', True),
        (f'<img src="{DOT}" alt=" ">', True),
        ("<canvas></canvas>", True),
        ('<svg role="img"></svg>', True),
        (f'<img src="{DOT}" alt="A dot.">', False),
        ('<svg role="img"><title>A dot.</title></svg>', False),
        ('<div role="group" aria-label="A model."><canvas></canvas></div>', False),
        (f"<script>document.write('<img src=\"{DOT}\">')</script>", True),
    ],
)
def test_picture_without_words(browser: Browser, planted: Plant, plant: str, guilty: bool) -> None:
    browser.open(planted(plant))
    assert bool(checks.images_speak(browser)) is guilty


def test_tiny_text_is_found_unless_hidden(browser: Browser, planted: Plant) -> None:
    browser.open(
        planted(
            '<p style="font-size:6px">Small print</p>'
            '<p style="font-size:6px;display:none">Hidden print</p>'
        )
    )
    assert checks.legible(browser) == ["tiny text, 6.0 px: Small print"]


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        ('<p style="color:#bbb;background:#fff">Pale words</p>', "color-contrast"),
        ("<button></button>", "button-name"),
        ('<a href="page.html"></a>', "link-name"),
        ("<label>Words</label><input>", "label"),
        (
            '<div style="overflow:auto;height:20px;width:80px"><p style="height:90px">Words</p></div>',
            "scrollable-region-focusable",
        ),
    ],
)
def test_axe_finding_is_reported(browser: Browser, planted: Plant, plant: str, rule: str) -> None:
    browser.open(planted(plant))
    found = checks.accessible(browser)
    assert [line for line in found if line.startswith(f"axe {rule} (")], found


def test_axe_sees_the_dark_theme(browser: Browser, planted: Plant) -> None:
    url = planted(
        "<p>Words that vanish in the dark</p>",
        "<style>@media (prefers-color-scheme: dark) { html { background:#111; color:#222 } }</style>",
    )
    browser.open(url)
    assert checks.accessible(browser) == []
    browser.prefer("dark")
    assert [line for line in checks.accessible(browser) if "color-contrast" in line]


def test_axe_leaves_out_what_is_not_grave(browser: Browser, planted: Plant) -> None:
    browser.open(planted("<h4>A heading three steps down</h4>"))  # heading-order is moderate
    assert checks.accessible(browser) == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("absent.html", "leads nowhere"),
        ("other.html#absent", "without its anchor"),
        ("#absent", "without its anchor"),
        ("https://example.org/", "out of the book"),
        ("other.html#here", ""),
        ("other.html?word=x#here", ""),
        ("#made", ""),
    ],
)
def test_links_made_by_script(browser: Browser, planted: Plant, link: str, said: str) -> None:
    url = planted(
        f"<script>const a = document.createElement('a'); a.href = {link!r}; a.id = 'made';"
        "a.textContent = 'made'; document.body.append(a)</script>",
        other='<p id="here">Here.</p>',
    )
    browser.open(url)
    found = checks.made_links_alive(browser, home(url))
    assert [said in line for line in found] == ([True] if said else [])


def test_written_links_are_left_to_the_build(browser: Browser, planted: Plant) -> None:
    url = planted('<a href="absent.html">Written</a>')
    browser.open(url)
    assert checks.made_links_alive(browser, home(url)) == []


def test_requests_are_read_from_events() -> None:
    def event(method: str, **params: object) -> dict[str, object]:
        return {"method": f"Network.{method}", "params": params}

    asked, failed = requests(
        [
            event("requestWillBeSent", requestId="1", request={"url": "http://a/x"}),
            event("responseReceived", requestId="1", response={"url": "http://a/x", "status": 500}),
            event("requestWillBeSent", requestId="2", request={"url": "http://a/y"}),
            event("loadingFailed", requestId="2", errorText="net::ERR_FAILED"),
            event("requestWillBeSent", requestId="3", request={"url": "http://a/z"}),
            event("loadingFailed", requestId="3", errorText="net::ERR_ABORTED", canceled=True),
            event("responseReceived", requestId="3", response={"url": "http://a/z", "status": 304}),
        ]
    )
    assert asked == ("http://a/x", "http://a/y", "http://a/z")
    assert failed == ("http://a/x: status 500", "http://a/y: net::ERR_FAILED")


def test_own_and_foreign_addresses() -> None:
    asked = ("http://127.0.0.1:80/a", "http://127.0.0.1:81/b", "data:,x", "file:///c", "blob:x")
    assert foreign(asked, "http://127.0.0.1:80") == ["http://127.0.0.1:81/b", "file:///c"]
    assert foreign(asked[2:], "file:") == []


def test_absent_program_is_named_with_what_to_install(tmp_path: Path) -> None:
    programs = {"chromium": "/nowhere/chromium", "chromium-driver": "/bin/sh"}
    assert absent(programs) == ["chromium"]
    said = refusal(tmp_path, programs)
    assert "found no /nowhere/chromium" in said
    assert said.count("apt-get install chromium ") == 1


def test_absent_book_is_named(tmp_path: Path) -> None:
    programs = {"chromium": "/bin/sh", "chromium-driver": "/bin/sh"}
    assert "make book" in refusal(tmp_path, programs)
    (tmp_path / "index.html").touch()
    assert refusal(tmp_path, programs) == ""


def test_pages_are_those_a_reader_opens(tmp_path: Path) -> None:
    for name in ("index.html", "book/a.html", "_static/x.html", "_sources/y.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert pages(tmp_path) == ["book/a.html", "index.html"]


def test_server_is_silent_and_ends(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("words")
    with served(tmp_path) as address:
        from urllib.request import urlopen

        with urlopen(f"{address}/a.txt") as answer:
            assert answer.read() == b"words"
    assert capfd.readouterr() == ("", "")
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{address}/a.txt", timeout=5)
