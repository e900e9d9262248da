"""Every page of the built book, at desktop and at phone width, in light and in dark."""

from __future__ import annotations

import checks
import pytest
from browser import DESKTOP, PHONE, THEMES, Browser

# What a reader may unfold is looked at too: solutions with their output, provenance.  Of folded
# code, provenance and the hundreds of notes on the scoreboard, which are all alike, the first
# ones stand for the others: axe-core looks at the colour of every word.
_UNFOLD = """
const alike = [".tag_hide-input > details", "details.provenance", ".scoreboard details"];
for (const kind of alike) {
  for (const one of [...document.querySelectorAll(kind)].slice(0, 2)) one.open = true;
}
for (const one of document.querySelectorAll("details")) {
  if (!alike.some((kind) => one.matches(kind))) one.open = true;
}
"""
_THEME = "return document.documentElement.dataset.theme"


@pytest.mark.parametrize("shape", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page(browser: Browser, home: str, page: str, shape: tuple[int, int]) -> None:
    browser.shape(*shape)
    found = checks.quiet(browser.open(f"{home}/{page}"), home)
    found += checks.fits(browser, shape[0])
    browser.run(_UNFOLD)
    browser.settle()
    found += checks.looks(browser, shape[0])
    found += checks.made_links_alive(browser, home)
    for theme in THEMES:
        browser.prefer(theme)
        browser.settle()
        assert browser.run(_THEME) == theme, "the page does not follow the reader's system"
        found += [f"{theme}: {line}" for line in checks.accessible(browser)]
    found += checks.quiet(browser.read(), home)
    assert not found, f"{page}:\n  " + "\n  ".join(found)
