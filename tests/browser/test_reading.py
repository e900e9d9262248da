"""What a reader does with the book: filter, turn, search, unfold, download, switch the theme."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import checks
import pytest
from browser import PHONE, Browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait
from serving import pages

WAIT = 120  # seconds, for a machine that does other things too
BOARD = "book/scoreboard.html"


def until(browser: Browser, condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds; return its value."""
    return WebDriverWait(browser.driver, WAIT, poll_frequency=0.2).until(lambda _: condition())


def one(browser: Browser, selector: str) -> WebElement:
    return browser.driver.find_element(By.CSS_SELECTOR, selector)


def every(browser: Browser, selector: str) -> list[WebElement]:
    return browser.driver.find_elements(By.CSS_SELECTOR, selector)


@pytest.fixture(autouse=True)
def _nothing_complained_of(browser: Browser, home: str) -> Iterator[None]:
    """Hold every test here to a quiet console and to requests of the book alone."""
    yield
    record = browser.read()
    where = "file:" if any(url.startswith("file:") for url in record.asked) else home
    assert checks.quiet(record, where) == []


def rows(browser: Browser) -> list[dict[str, str]]:
    """Return what the rows of the scoreboard say of themselves, those that are seen only."""
    return browser.run(
        "return [...document.querySelectorAll('.scoreboard tbody tr')]"
        ".filter((r) => r.checkVisibility()).map((r) => ({ ...r.dataset, words: r.textContent }))"
    )


def choose(browser: Browser, field: str, value: str) -> None:
    Select(one(browser, f"select[data-filter={field}]")).select_by_value(value)


def said(browser: Browser) -> str:
    return one(browser, ".scoreboard-filters output").text


def options(browser: Browser, field: str) -> list[str]:
    found = every(browser, f"select[data-filter={field}] option")
    return [str(option.get_attribute("value")) for option in found][1:]


def test_every_filter_keeps_its_rows_and_no_others(browser: Browser, home: str) -> None:
    browser.open(f"{home}/{BOARD}")
    all_rows = rows(browser)
    assert len(all_rows) > 100
    for field in ("verdict", "kind", "chapter"):
        values = options(browser, field)
        assert sorted(values) == sorted({row[field] for row in all_rows}), field
        for value in values:
            choose(browser, field, value)
            kept = rows(browser)
            assert kept == [row for row in all_rows if row[field] == value]
            assert said(browser) == f"{len(kept)} of {len(all_rows)} claims"
        choose(browser, field, "")
        assert rows(browser) == all_rows


def test_filters_work_together_and_words_search(browser: Browser, home: str) -> None:
    browser.open(f"{home}/{BOARD}")
    all_rows = rows(browser)
    field = one(browser, "[data-filter=words]")
    field.send_keys("Lithium")
    with_word = rows(browser)
    assert with_word == [row for row in all_rows if "lithium" in row["words"].lower()]
    assert 0 < len(with_word) < len(all_rows)
    verdict = with_word[0]["verdict"]
    choose(browser, "verdict", verdict)
    assert rows(browser) == [row for row in with_word if row["verdict"] == verdict]
    field.clear()
    field.send_keys("no claim has these words")
    assert rows(browser) == []
    assert said(browser) == f"0 of {len(all_rows)} claims"


def test_filtered_scoreboard_has_an_address_of_its_own(browser: Browser, home: str) -> None:
    browser.open(f"{home}/{BOARD}")
    choose(browser, "verdict", "disagrees")
    one(browser, "[data-filter=words]").send_keys("energy")
    wanted = rows(browser)
    assert wanted
    address = browser.driver.current_url
    assert address == f"{home}/{BOARD}?verdict=disagrees&words=energy"
    browser.open(address)
    assert rows(browser) == wanted
    assert one(browser, "[data-filter=words]").get_attribute("value") == "energy"
    choose(browser, "verdict", "")
    one(browser, "[data-filter=words]").clear()
    assert browser.driver.current_url == f"{home}/{BOARD}"


def test_address_with_an_unknown_verdict_shows_all(browser: Browser, home: str) -> None:
    browser.open(f"{home}/{BOARD}")
    number = len(rows(browser))
    browser.open(f"{home}/{BOARD}?verdict=perhaps&other=1")
    assert len(rows(browser)) == number


def test_link_to_a_claim_shows_it(browser: Browser, home: str) -> None:
    browser.open(f"{home}/{BOARD}")
    last = browser.run("return [...document.querySelectorAll('.scoreboard tbody tr')].at(-1).id")
    browser.open(f"{home}/{BOARD}?verdict=disagrees#{last}")
    seen = browser.run("return document.getElementById(arguments[0]).checkVisibility()", last)
    assert seen, "a claim that was linked to is hidden by a filter"


def with_models(book: Path) -> list[str]:
    """Return the pages that have models to turn."""
    return [
        page
        for page in pages(book)
        if 'class="structure-viewer"' in (book / page).read_text(encoding="utf-8")
    ]


def start_model(browser: Browser, number: int) -> WebElement:
    """Press the button of a model and wait for its canvas."""
    frame = every(browser, ".structure-viewer")[number]
    button = frame.find_element(By.TAG_NAME, "button")
    browser.run("arguments[0].scrollIntoView({ block: 'center' })", button)
    button.click()
    until(browser, lambda: browser.run("return !!arguments[0].viewer", frame))
    browser.run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", frame)
    return frame


def picture(browser: Browser, frame: WebElement) -> str:
    """Return what the canvas of a model shows, once two looks are the same."""
    canvas = frame.find_element(By.TAG_NAME, "canvas")
    looks = [canvas.screenshot_as_base64]
    while len(looks) < 40:
        time.sleep(0.1)
        looks.append(canvas.screenshot_as_base64)
        if looks[-1] == looks[-2]:
            return looks[-1]
    raise AssertionError("the model does not come to rest")


def drag(browser: Browser, frame: WebElement) -> None:
    mouse = ActionChains(browser.driver, duration=100).move_to_element(frame).click_and_hold()
    mouse.move_by_offset(60, 25).move_by_offset(30, 10).release().perform()


def test_models_turn_under_the_mouse_and_by_keys(browser: Browser, book: Path, home: str) -> None:
    found = with_models(book)
    assert found, "no page has a model"
    for page in found:
        record = browser.open(f"{home}/{page}")
        assert not [url for url in record.asked if "3Dmol" in url], "the library came unasked"
        for number in range(len(every(browser, ".structure-viewer"))):
            frame = start_model(browser, number)
            shown = [picture(browser, frame)]
            assert colours(browser, frame) > 3, f"{page}: model {number} shows nothing"
            time.sleep(0.5)
            assert picture(browser, frame) == shown[0], "the model turns by itself"
            drag(browser, frame)
            shown.append(picture(browser, frame))
            for key in (Keys.ARROW_RIGHT, Keys.ARROW_DOWN):
                frame.send_keys(key)
                shown.append(picture(browser, frame))
            assert all(a != b for a, b in pairwise(shown)), f"{page}: model {number} stood still"


def colours(browser: Browser, frame: WebElement) -> int:
    """Return how many colours, coarsely, the canvas of a model shows."""
    canvas = frame.find_element(By.TAG_NAME, "canvas")
    return browser.driver.execute_async_script(
        """
        const [png, done] = arguments, image = new Image();
        image.onload = () => {
          const sheet = new OffscreenCanvas(image.width, image.height).getContext("2d");
          sheet.drawImage(image, 0, 0);
          const { data } = sheet.getImageData(0, 0, image.width, image.height), seen = new Set();
          for (let i = 0; i < data.length; i += 4)
            seen.add(((data[i] >> 5) << 6) | ((data[i + 1] >> 5) << 3) | (data[i + 2] >> 5));
          done(seen.size);
        };
        image.src = "data:image/png;base64," + png;
        """,
        canvas.screenshot_as_base64,
    )


def test_model_turns_under_a_finger(browser: Browser, book: Path, home: str) -> None:
    browser.shape(*PHONE)
    browser.open(f"{home}/{with_models(book)[0]}")
    frame = start_model(browser, 0)
    before = picture(browser, frame)
    box = browser.run("return arguments[0].getBoundingClientRect().toJSON()", frame)
    x, y = box["left"] + box["width"] / 2, box["top"] + box["height"] / 2
    touches = [("touchStart", x), *(("touchMove", x + 10 * step) for step in range(1, 8))]
    for kind, at in touches:
        browser.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": at, "y": y}])
    browser.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert picture(browser, frame) != before
    assert checks.fits(browser, PHONE[0]) == []


def hits(browser: Browser) -> list[str]:
    """Return the addresses found by a search that has ended, one for each page and heading."""
    text = "return document.querySelector('.search-summary')?.textContent ?? ''"
    summary = until(
        browser, lambda: re.search(r"found (\d+)|did not match", browser.run(text))
    )  # fmt: skip
    links = every(browser, "#search-results > ul.search > li > a")
    assert len(links) == int(summary[1] or 0)
    return [str(link.get_attribute("href")) for link in links]


def test_search_finds_and_its_links_live(browser: Browser, home: str) -> None:
    browser.open(f"{home}/search.html?q=gallium")
    assert len(hits(browser)) > 3
    assert checks.made_links_alive(browser, home) == []
    assert checks.accessible(browser) == []


def test_search_for_nonsense_finds_nothing(browser: Browser, home: str) -> None:
    browser.open(f"{home}/search.html?q=xyzzyplugh")
    assert hits(browser) == []


def test_search_button_opens_the_field_and_asks(browser: Browser, home: str) -> None:
    browser.open(f"{home}/book/index.html")
    one(browser, ".bd-sidebar-primary .search-button__button").click()
    field = until(
        browser, lambda: next((f for f in every(browser, "#pst-search-dialog input") if f.is_displayed()), None)
    )  # fmt: skip
    assert checks.accessible(browser) == []
    field.send_keys("glass" + Keys.ENTER)
    until(browser, lambda: "/search.html" in browser.driver.current_url)
    browser.settle()
    assert hits(browser)


def test_theme_switch_darkens_and_is_remembered(browser: Browser, home: str) -> None:
    browser.open(f"{home}/book/index.html")
    ground = "return getComputedStyle(document.body).backgroundColor"
    seen = {browser.run("return document.documentElement.dataset.theme"): browser.run(ground)}
    for _ in range(2):  # auto, light and dark take turns
        one(browser, ".theme-switch-button").click()
        mode = browser.run("return document.documentElement.dataset.mode")
        theme = browser.run("return document.documentElement.dataset.theme")
        until(browser, lambda: browser.run("return document.getAnimations().length") == 0)
        seen[theme] = browser.run(ground)
        if mode == "dark":
            break
    assert set(seen) == {"light", "dark"}
    assert seen["light"] != seen["dark"]
    browser.open(f"{home}/book/how_to.html")
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert browser.run(ground) == seen["dark"]


def test_folded_parts_open_and_close(browser: Browser, book: Path, home: str) -> None:
    page = next(page for page in pages(book) if page.startswith("notebooks/"))
    browser.open(f"{home}/{page}")
    browser.run("document.documentElement.style.scrollBehavior = 'auto'")
    for kind in ("details.sd-dropdown:not(.provenance)", "details.provenance", "details.hide"):
        fold = one(browser, kind)
        inside = fold.find_element(By.CSS_SELECTOR, ":scope > :not(summary)")
        assert not browser.run("return arguments[0].checkVisibility()", inside), kind
        summary = fold.find_element(By.CSS_SELECTOR, ":scope > summary")
        browser.run("arguments[0].scrollIntoView({ block: 'center' })", summary)
        summary.click()
        assert browser.run("return arguments[0].checkVisibility()", inside), kind
        summary.send_keys(Keys.ENTER)  # without a mouse
        assert not browser.run("return arguments[0].checkVisibility()", inside), kind


def test_phone_finds_its_way_by_the_menu(browser: Browser, home: str) -> None:
    browser.shape(*PHONE)
    browser.open(f"{home}/book/index.html")
    link = ".bd-sidenav a[href$='scoreboard.html']"
    assert not any(found.is_displayed() for found in every(browser, link))
    one(browser, ".primary-toggle").click()
    shown = until(
        browser, lambda: next((found for found in every(browser, link) if found.is_displayed()), None)
    )  # fmt: skip
    until(browser, lambda: browser.run("return document.getAnimations().length") == 0)
    assert checks.accessible(browser) == []
    shown.click()
    until(browser, lambda: browser.driver.current_url == f"{home}/{BOARD}")


def test_script_and_notebook_can_be_downloaded(
    browser: Browser, book: Path, home: str, downloads: Path
) -> None:
    page = next(page for page in pages(book) if page.startswith("notebooks/"))
    browser.open(f"{home}/{page}")
    for suffix in (".py", ".ipynb"):
        link = one(browser, f"a.download[href$='{suffix}']")
        original = Path(browser.run("return new URL(arguments[0].href).pathname", link))
        browser.run("arguments[0].click()", link)  # it may stand in a folded part
        target = downloads / original.name
        until(browser, lambda file=target: file.is_file() and file.stat().st_size > 0)
        assert target.read_bytes() == (book / original.relative_to("/")).read_bytes()


def test_book_opened_from_the_disk(browser: Browser, book: Path) -> None:
    """README says: open _build/html/index.html; that is an address that begins with file."""
    top = book.resolve().as_uri()
    record = browser.open(f"{top}/book/index.html")
    found = checks.quiet(record, "file:")
    found += checks.quiet(browser.open(f"{top}/{BOARD}"), "file:")
    choose(browser, "verdict", "disagrees")
    assert {row["verdict"] for row in rows(browser)} == {"disagrees"}
    found += checks.quiet(browser.open(f"{top}/search.html?q=gallium"), "file:")
    assert len(hits(browser)) > 3
    found += checks.quiet(browser.open(f"{top}/{with_models(book)[0]}"), "file:")
    frame = start_model(browser, 0)
    before = picture(browser, frame)
    drag(browser, frame)
    assert picture(browser, frame) != before
    assert found == []


def test_first_page_leads_to_the_book(browser: Browser, home: str) -> None:
    browser.driver.get(f"{home}/index.html")
    until(browser, lambda: browser.driver.current_url == f"{home}/book/index.html")
    browser.settle()
