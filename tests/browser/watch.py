"""Listens to everything a browser window complains about, and to every address it asks."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

# Chromium reports each answer of 400 or more on the console; the tests that ask for one look at the page instead.
ASKED_FOR = "the server responded with a status of 4"


class Watch:
    """Collects faults of all pages of one context: console errors and warnings (the content security policy's among them),
    exceptions in scripts, requests to anybody else, and answers of 500."""

    def __init__(self, context: BrowserContext, url: str, expects: str = "") -> None:
        self.faults: list[str] = []
        self.expects = re.compile(expects) if expects else None
        self.here = urlsplit(url).netloc
        context.on("console", self.console)
        context.on("weberror", self.exception)
        context.on("request", self.request)
        context.on("response", lambda answer: self.note(answer.status >= 500, f"{answer.status} for {answer.url}"))
        context.on("page", self.page)

    def note(self, wrong: bool, words: str) -> None:
        """Keep a fault, unless the test asked for it."""
        if wrong and not (self.expects and self.expects.search(words)):
            self.faults.append(words)

    def console(self, message: ConsoleMessage) -> None:
        """Errors and warnings, except the report of an answer that a test asked for."""
        self.note(message.type in {"error", "warning"} and ASKED_FOR not in message.text, f"console: {message.text}")

    def exception(self, error: WebError) -> None:
        """A script stopped."""
        self.note(True, f"exception: {error.error}")

    def request(self, request: Request) -> None:
        """Somebody else was asked."""
        found = urlsplit(request.url)
        self.note(found.scheme not in {"data", "blob"} and found.netloc != self.here, f"asked {request.url}")

    def page(self, page: Page) -> None:
        """Sockets are not requests to playwright."""
        page.on("websocket", lambda socket: self.note(urlsplit(socket.url).netloc != self.here, f"asked {socket.url}"))
