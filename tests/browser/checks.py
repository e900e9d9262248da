"""What is asked of a page in the browser; each check returns what is wrong, in words.

``test_plants.py`` holds that each finds what it is for on a small page with one fault.
"""

from __future__ import annotations

from html.parser import HTMLParser
from importlib.resources import files
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import Request, urlopen

from browser import Browser, Record, foreign

GRAVE = ("serious", "critical")
SMALLEST_TEXT = 10.0  # CSS pixels
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

# Things that stick out of the page, unless something around them scrolls or cuts.
_WIDE = """
const room = arguments[0];
const contained = (e) => {
  for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== "visible" && p.getBoundingClientRect().right <= room + 1)
      return true;
  return false;
};
const page = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
if (page <= room + 1) return null;
const out = [...document.body.querySelectorAll("*")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width > 0 && box.right > room + 1 && !contained(e);
});
const name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") +
  [...e.classList].slice(0, 3).map((c) => "." + c).join("");
return { page, out: out.slice(0, 5).map((e) => name(e) + " up to " +
  Math.round(e.getBoundingClientRect().right)) };
"""
_SILENT = """
const named = (e) => (e.getAttribute("alt") ?? "").trim() !== "" ||
  e.closest("[aria-label]:not([aria-label=''])") || e.closest("[aria-hidden='true']");
return [...document.querySelectorAll("img, canvas, svg[role='img'], [role='img']:not(mjx-container)")]
  .filter((e) => !named(e) && !e.querySelector("title"))
  .map((e) => e.outerHTML.slice(0, 120));
"""
_TINY = """
const least = arguments[0], found = new Map();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
  if (!text || e.closest("script, style, noscript, svg, mjx-container")) continue;
  if (!e.checkVisibility({ checkVisibilityCSS: true })) continue;
  const size = parseFloat(getComputedStyle(e).fontSize);
  if (size < least) found.set(text.slice(0, 40), size);
}
return [...found].slice(0, 5).map(([text, size]) => `${size.toFixed(1)} px: ${text}`);
"""
# Without "preload", by which axe-core fetches style sheets once more, from wrong addresses.
_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"], preload: false }).then(
  (found) => done({ found: found.violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help,
    where: v.nodes.map((n) => n.target.join(" ") + (n.any[0] ? ": " + n.any[0].message : "")) })) }),
  (error) => done({ error: String(error) }));
"""
_LIVE_LINKS = "return [...document.querySelectorAll('a[href]')].map((a) => a.href)"
_RAW_LINKS = "return [...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href'))"


def quiet(record: Record, home: str) -> list[str]:
    """Return console errors, failed requests, and requests to anywhere but one's own server."""
    return [
        *(f"console: {line}" for line in record.complaints),
        *(f"failed request: {line}" for line in record.failed),
        *(f"reaches for the network: {url}" for url in foreign(record.asked, home)),
    ]


def fits(browser: Browser, width: int) -> list[str]:
    """Return what makes the whole page wider than the window, if anything does."""
    found = browser.run(_WIDE, width)
    if found is None:
        return []
    return [f"the page is {found['page']} wide in {width}: {', '.join(found['out']) or 'unknown'}"]


def images_speak(browser: Browser) -> list[str]:
    """Return each picture, drawn by script or not, that has no words for those who cannot see it."""
    return [f"a picture without alt text: {text}" for text in browser.run(_SILENT)]


def legible(browser: Browser) -> list[str]:
    """Return visible text that is smaller than anyone should have to read."""
    return [f"tiny text, {text}" for text in browser.run(_TINY, SMALLEST_TEXT)]


def accessible(browser: Browser) -> list[str]:
    """Return what axe-core finds of serious or critical impact in the page as it stands."""
    if not browser.run("return typeof axe === 'object'"):
        browser.run(AXE)
    answer = browser.driver.execute_async_script(_AXE)
    if "error" in answer:
        raise AssertionError(f"axe-core could not finish: {answer['error']}")
    return [_in_words(v) for v in answer["found"] if v["impact"] in GRAVE]


def _in_words(violation: dict[str, Any]) -> str:
    where = violation["where"]
    shown = "; ".join(where[:4]) + (f" and {len(where) - 4} more" if len(where) > 4 else "")
    return f"axe {violation['id']} ({violation['impact']}): {violation['help']}: {shown}"


class _Names(HTMLParser):
    """The anchors and the links of a page as it lies on the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids.update(value for key in ("id", "name") if (value := values.get(key)))
        if tag == "a" and values.get("href"):
            self.links.add(values["href"] or "")


def _names(url: str) -> _Names | None:
    try:
        with urlopen(Request(url), timeout=60) as answer:
            names = _Names()
            if answer.headers.get_content_type() == "text/html":
                names.feed(answer.read().decode("utf-8"))
            return names
    except HTTPError:
        return None


def made_links_alive(browser: Browser, home: str) -> list[str]:
    """Return dead links among those that a script put into the page.

    The links of the page as built are followed by ``repro.site`` at build time.
    """
    here = urldefrag(browser.driver.current_url).url
    written = _names(here)
    assert written is not None, f"{here} is not served"
    found = []
    made = {
        full
        for raw, full in zip(browser.run(_RAW_LINKS), browser.run(_LIVE_LINKS), strict=True)
        if raw not in written.links and urlsplit(full).scheme in ("http", "https")
    }
    for link in sorted(made):
        if foreign((link,), home):
            found.append(f"a script made a link out of the book: {link}")
            continue
        page, anchor = urldefrag(link)
        if page.partition("?")[0] == here.partition("?")[0]:
            if anchor and not browser.run(
                "return !!document.getElementById(arguments[0])", unquote(anchor)
            ):
                found.append(f"a script made a link without its anchor: {link}")
            continue
        target = _names(page)
        if target is None:
            found.append(f"a script made a link that leads nowhere: {link}")
        elif anchor and unquote(anchor) not in target.ids:
            found.append(f"a script made a link without its anchor: {link}")
    return found


def looks(browser: Browser, width: int) -> list[str]:
    """Return everything wrong with how the page at hand stands in a window of this width."""
    return [*fits(browser, width), *images_speak(browser), *legible(browser)]
