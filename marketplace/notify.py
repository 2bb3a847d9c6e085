"""Tell open pages that a topic changed, after commit. The message carries no data: pages refetch with their own permissions."""

from __future__ import annotations

import logging
import re
import time

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)
UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def changed(*topics: str) -> None:
    """After commit, send {"topic", "version"} to everyone who subscribed to one of `topics`."""
    transaction.on_commit(lambda: tell(topics))


def group(topic: str) -> str:
    """The channel group of a topic; group names allow fewer characters than topics, so readers compare the topic again."""
    return f"topic.{UNSAFE.sub('.', topic)}"[:99]


def tell(topics: tuple[str, ...]) -> None:
    """Send now, all topics over one connection; a lost message costs an open page its push, and its poll finds the change."""
    try:
        async_to_sync(send)(topics)
    except Exception as problem:  # noqa: BLE001 - any layer fault is the same to us: pages poll as well
        log.warning("topics %s were not pushed (%s)", ", ".join(topics), problem)


async def send(topics: tuple[str, ...]) -> None:
    """One message per topic. The version is microseconds since 1970: it grows, and JavaScript can hold it exactly."""
    layer = get_channel_layer()
    if layer is None:
        return
    version = time.time_ns() // 1000
    for topic in dict.fromkeys(topics):
        await layer.group_send(group(topic), {"type": "topic.changed", "topic": topic, "version": version})
