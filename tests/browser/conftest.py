"""A real Chromium against a real installation. Every page it opens is watched: one console error fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.house import EMAILS, House, open_house
from tests.browser.watch import Watch

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
]


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """One installation for the whole suite; tests leave each other's rows alone."""
    with open_house() as found:
        yield found


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser. It ends with this package, because a running playwright keeps Django's database calls out of its thread."""
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def window(browser: Browser, house: House) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser window of its own; in the end every window has seen no error and asked nobody else for anything.

    `expects` is a pattern of complaints that a test provokes on purpose.
    """
    opened: list[tuple[BrowserContext, Watch]] = []

    def make(*, expects: str = "", **options: Any) -> BrowserContext:
        context = browser.new_context(base_url=house.url, locale="en-GB", timezone_id="Europe/London", **options)
        context.set_default_timeout(20_000)
        opened.append((context, Watch(context, house.url, expects)))
        return context

    yield make
    faults = [fault for _, watch in opened for fault in watch.faults]
    for context, _ in opened:
        context.close()
    assert faults == [], house.last_words()


@pytest.fixture(scope="package")
def sessions() -> dict[str, object]:
    """What each role's browser keeps once it has signed in, so that it need not do so in every test."""
    return {}


@pytest.fixture
def sign_in(window: Callable[..., BrowserContext], house: House, sessions: dict[str, object]) -> Callable[..., Page]:
    """Gives a role its home page, signed in through the form the first time, and each time that is `fresh`."""

    def make(role: str, *, fresh: bool = False, **options: Any) -> Page:
        if role in sessions and not fresh:
            page = window(storage_state=sessions[role], **options).new_page()
            page.goto("/")
            return page
        page = window(**options).new_page()
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(EMAILS[role])
        page.get_by_label("Password").fill(house.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{house.url}/")
        if not fresh:
            sessions[role] = page.context.storage_state()
        return page

    return make
