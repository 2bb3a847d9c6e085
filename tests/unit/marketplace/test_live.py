"""The live door: who may come in, what they hear, and that a hundred open pages need no hundred connections."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from django.contrib.auth.models import AnonymousUser

from marketplace import live, notify
from marketplace.live import Live, wanted_topics
from marketplace.models import User

PEOPLE = 120
PATIENCE_S = 30  # nobody measures here how soon: the machine may be busy


@pytest.fixture
def person():
    return User(email="someone@example.com")


@pytest.fixture(autouse=True)
def permissions(monkeypatch):
    """This person may hear anything but what is another's; who may hear what is queries.topics' own test."""
    monkeypatch.setattr(
        live, "heard_by", lambda user, topics: frozenset(one for one in topics if not one.endswith(":another"))
    )


class Page(ApplicationCommunicator):
    """An open page of `user`, as its server sees it. (Channels' own communicator needs a second web server installed.)"""

    def __init__(self, user):
        super().__init__(Live.as_asgi(), {"type": "websocket", "path": "/ws/live", "headers": [], "user": user})

    async def connect(self):
        await self.send_input({"type": "websocket.connect"})
        return await self.receive_output(PATIENCE_S)

    async def send(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def ask(self, *topics):
        await self.send(json.dumps({"subscribe": topics}))
        return await self.hear()

    async def hear(self):
        return json.loads((await self.receive_output(PATIENCE_S))["text"])

    async def leave(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE_S)


async def opened(user, *topics):
    page = Page(user)
    assert (await page.connect())["type"] == "websocket.accept"
    if topics:
        await page.ask(*topics)
    return page


async def change(*topics):
    await notify.send(topics)


def test_nobody_comes_in_without_signing_in():
    async def story():
        assert await Page(AnonymousUser()).connect() == {"type": "websocket.close", "code": live.NOT_SIGNED_IN}

    asyncio.run(story())


@pytest.mark.django_db
def test_a_page_hears_what_it_asked_for_and_may_hear(person):
    async def story():
        page = await opened(person)
        assert await page.ask("offers", "site:norwich", "site:another") == {"subscribed": ["offers", "site:norwich"]}
        await change("site:norwich", "site:another", "ledger")
        told = await page.hear()
        assert told["topic"] == "site:norwich"
        assert told["version"] > 1_700_000_000_000_000
        assert set(told) == {"topic", "version"}
        assert await page.receive_nothing(0.05)
        await page.leave()

    asyncio.run(story())


@pytest.mark.django_db
def test_asking_again_replaces_what_was_heard(person):
    async def story():
        page = await opened(person, "offers")
        await page.ask("ledger")
        await change("offers", "ledger")
        assert (await page.hear())["topic"] == "ledger"
        assert await page.receive_nothing(0.05)
        await page.leave()

    asyncio.run(story())


@pytest.mark.django_db
def test_two_topics_that_share_a_group_are_kept_apart(person):
    assert notify.group("site:a/b") == notify.group("site:a:b")

    async def story():
        page = await opened(person, "site:a/b")
        await change("site:a:b")
        assert await page.receive_nothing(0.05)
        await page.leave()

    asyncio.run(story())


@pytest.mark.django_db
def test_a_closed_page_leaves_nothing_behind(person):
    async def story():
        page = await opened(person, "offers")
        await page.leave()
        assert get_channel_layer().groups == {}

    asyncio.run(story())


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "no json", "[]", '{"subscribe": 1}', '{"subscribe": [1]}', "x" * 20_000])
def test_nonsense_closes_the_socket_with_a_reason(person, text):
    async def story():
        page = await opened(person)
        await page.send(text)
        closed = await page.receive_output()
        assert (closed["type"], closed["code"]) == ("websocket.close", live.BAD_MESSAGE)
        assert "subscribe" in closed["reason"]

    asyncio.run(story())


def test_more_topics_than_any_page_has_are_nonsense():
    assert wanted_topics(json.dumps({"subscribe": [str(n) for n in range(live.MOST_TOPICS)]})) is not None
    assert wanted_topics(json.dumps({"subscribe": [str(n) for n in range(live.MOST_TOPICS + 1)]})) is None


@pytest.mark.django_db
def test_more_than_a_hundred_pages_hear_one_change(person):
    async def story():
        pages = [await opened(person, "offers") for _ in range(PEOPLE)]
        await change("offers")
        assert [(await page.hear())["topic"] for page in pages] == ["offers"] * PEOPLE
        for page in pages:
            await page.leave()

    asyncio.run(story())
