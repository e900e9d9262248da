"""Chromium without a network, and its record of what a page asked for and complained of.

Names other than 127.0.0.1 are made unknown to the browser, so a page that needs the
network fails here as it would on a train.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

DESKTOP = (1280, 900)
PHONE = (390, 844)
THEMES = ("light", "dark")
PATIENCE = 600  # seconds for one call of the browser
PROGRAMS = {
    "chromium": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
    "chromium-driver": os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver"),
}
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL for the models, drawn by the processor
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Waits for what a page still draws after its load event: formulas, fonts, colours that fade.
_SETTLED = """
const done = arguments[arguments.length - 1];
const frame = () => new Promise((go) => requestAnimationFrame(go));
(async () => {
  if (document.readyState !== "complete")
    await new Promise((go) => addEventListener("load", go, { once: true }));
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  await frame(); await frame();
  const fading = document.getAnimations().filter((one) => one.playState === "running" &&
    Number.isFinite(one.effect?.getComputedTiming().endTime));
  await Promise.race([Promise.allSettled(fading.map((one) => one.finished)),
    new Promise((go) => setTimeout(go, 2000))]);
})().then(() => done(""), (error) => done(String(error)));
"""


def absent(programs: dict[str, str]) -> list[str]:
    """Return the Debian packages to be installed: those whose program is not there."""
    return [package for package, file in programs.items() if shutil.which(file) is None]


@dataclass(frozen=True)
class Record:
    """What the browser noted since the last reading.

    Attributes
    ----------
    complaints:
        Console errors and uncaught exceptions, one line each.
    asked:
        Address of each request.
    failed:
        Each request without an answer, or with one of 400 and above: address and reason.
    """

    complaints: tuple[str, ...]
    asked: tuple[str, ...]
    failed: tuple[str, ...]


class Browser:
    """One Chromium with one tab."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def shape(self, width: int, height: int) -> None:
        """Give the window a size in CSS pixels; below 600 it is a phone, with touch."""
        phone = width < 600
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=phone)

    def prefer(self, theme: str) -> None:
        """Say that the reader's system is ``light`` or ``dark``; reload a page to see it."""
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.cdp("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> Record:
        """Load a page, wait until it is drawn, and return what was noted on the way."""
        # A link to another place on the page at hand would load nothing.
        self.driver.get("about:blank")
        self.read()
        self.driver.get(url)
        self.settle()
        return self.read()

    def settle(self) -> None:
        """Wait until formulas and fonts of the page are there."""
        trouble = self.driver.execute_async_script(_SETTLED)
        if trouble:
            raise AssertionError(f"{self.driver.current_url} did not settle: {trouble}")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return its value."""
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command: str, **options: Any) -> Any:
        """Call the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, options)

    def read(self) -> Record:
        """Return what was noted since the last reading, and forget it."""
        complaints = [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
        ]
        events = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        return Record(tuple(complaints), *requests(events))


def requests(events: list[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return ``(asked, failed)`` of :class:`Record` from events of the DevTools protocol."""
    address: dict[str, str] = {}
    asked, failed = [], []
    for event in events:
        about = event["params"]
        if event["method"] == "Network.requestWillBeSent":
            address[about["requestId"]] = about["request"]["url"]
            asked.append(about["request"]["url"])
        elif event["method"] == "Network.webSocketCreated":
            asked.append(about["url"])
        elif event["method"] == "Network.responseReceived":
            if about["response"]["status"] >= 400:
                failed.append(f"{about['response']['url']}: status {about['response']['status']}")
        elif event["method"] == "Network.loadingFailed" and not about.get("canceled"):
            where = address.get(about["requestId"], "an unknown address")
            failed.append(f"{where}: {about['errorText'] or about.get('blockedReason', 'failed')}")
    return tuple(asked), tuple(failed)


def foreign(asked: tuple[str, ...], home: str) -> list[str]:
    """Return the requests that did not go to one's own server.

    Parameters
    ----------
    asked:
        Addresses.
    home:
        Address of the server, or ``file:`` for a book opened from the disk.
    """
    own = urlsplit(home)
    inside = {"data", "blob", "about"}

    def is_own(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in inside or (parts.scheme, parts.netloc) == (own.scheme, own.netloc)

    return [url for url in asked if not is_own(url)]


@contextmanager
def chromium(profile: Path, downloads: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile; end it afterwards.

    Parameters
    ----------
    profile, downloads:
        Empty folders for the profile and for what a page downloads.
    """
    options = Options()
    options.binary_location = PROGRAMS["chromium"]
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(PROGRAMS["chromium-driver"]))
    try:
        # On a machine that does other things as well everything takes ten times as long.
        driver.command_executor.client_config.timeout = PATIENCE + 60
        driver.set_page_load_timeout(PATIENCE)
        driver.set_script_timeout(PATIENCE)
        browser = Browser(driver)
        # Scripts count as dangerous, and nobody is here to say that they shall be kept.
        browser.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        yield browser
    finally:
        driver.quit()
