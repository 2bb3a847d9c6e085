"""The live door: a page says which topics it shows, and hears that one of them changed. No data passes here.

What changed is fetched by the page itself, with its own permissions; here a person only learns of topics whose rows they
may see (queries.topics).
"""

from __future__ import annotations

import json
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from marketplace.notify import group
from marketplace.queries.topics import heard_by

MOST_TOPICS = 64
MOST_CHARACTERS = 16 * 1024
NOT_SIGNED_IN, BAD_MESSAGE = 4401, 4400


class Live(AsyncWebsocketConsumer):
    """One open page. It sends {"subscribe": [topic, ...]}, which replaces what it heard before."""

    topics: frozenset[str] = frozenset()

    async def connect(self) -> None:
        """Let signed-in people in."""
        if self.scope["user"].is_authenticated:
            await self.accept()
        else:
            await self.close(NOT_SIGNED_IN)

    async def disconnect(self, _code: int) -> None:
        """Hear nothing more."""
        await self.listen(frozenset())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Subscribe to the topics named that this person may hear; the answer lists them. Nonsense closes the socket."""
        wanted = wanted_topics(text_data) if bytes_data is None else None
        if wanted is None:
            await self.close(BAD_MESSAGE, 'send {"subscribe": ["topic", ...]}')
            return
        await self.listen(await database_sync_to_async(heard_by)(self.scope["user"], wanted))
        await self.send(json.dumps({"subscribed": sorted(self.topics)}))

    async def listen(self, topics: frozenset[str]) -> None:
        """Join and leave groups until exactly `topics` are heard."""
        before, after = {group(topic) for topic in self.topics}, {group(topic) for topic in topics}
        self.topics = topics
        for name in before - after:
            await self.channel_layer.group_discard(name, self.channel_name)
        for name in after - before:
            await self.channel_layer.group_add(name, self.channel_name)

    async def topic_changed(self, event: dict[str, Any]) -> None:
        """Pass a change on. Two topics may share a group's name, so the topic itself is compared."""
        if event["topic"] in self.topics:
            await self.send(json.dumps({"topic": event["topic"], "version": event["version"]}))


def wanted_topics(text: str | None) -> frozenset[str] | None:
    """The topics a message asks for, or None when it is not such a message.

    >>> sorted(wanted_topics('{"subscribe": ["offers", "site:norwich"]}'))
    ['offers', 'site:norwich']
    >>> wanted_topics('{"subscribe": "offers"}') is None
    True
    """
    if text is None or len(text) > MOST_CHARACTERS:
        return None
    try:
        message = json.loads(text)
    except ValueError:
        return None
    wanted = message.get("subscribe") if isinstance(message, dict) else None
    if not isinstance(wanted, list) or len(wanted) > MOST_TOPICS or not all(isinstance(one, str) for one in wanted):
        return None
    return frozenset(wanted)
