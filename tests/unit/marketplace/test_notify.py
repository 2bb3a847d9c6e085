"""Open pages are told after commit that a topic changed, and nothing else; a lost push never hurts the effect."""

from __future__ import annotations

import asyncio

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from marketplace import notify


def listening(*topics):
    """A channel that hears these topics."""
    layer = get_channel_layer()

    async def subscribe():
        channel = await layer.new_channel()
        for topic in topics:
            await layer.group_add(notify.group(topic), channel)
        return channel

    return asyncio.run(subscribe())


def heard(channel):
    """The next message on the channel, or None when there is none."""

    async def receive():
        try:
            return await asyncio.wait_for(get_channel_layer().receive(channel), 0.2)
        except TimeoutError:
            return None

    return asyncio.run(receive())


@pytest.mark.django_db(transaction=True)
def test_a_change_is_told_after_the_commit_and_carries_no_data():
    channel = listening("order:7")
    with transaction.atomic():
        notify.changed("order:7", "offers")
        assert heard(channel) is None
    message = heard(channel)
    assert (message["type"], message["topic"]) == ("topic.changed", "order:7")
    assert set(message) == {"type", "topic", "version"}
    assert heard(channel) is None


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_told():
    channel = listening("order:7")
    with transaction.atomic():
        notify.changed("order:7")
        transaction.set_rollback(True)
    assert heard(channel) is None


def test_versions_grow_and_fit_into_javascript():
    channel = listening("offers")
    versions = []
    for _ in range(3):
        notify.tell(("offers",))
        versions.append(heard(channel)["version"])
    assert versions == sorted(versions)
    assert versions[-1] < 2**53


def test_a_layer_that_fails_costs_a_log_line(monkeypatch, caplog):
    class Broken:
        async def group_send(self, *_):
            raise ConnectionError("no Redis")

    monkeypatch.setattr(notify, "get_channel_layer", Broken)
    notify.tell(("offers",))
    assert "offers" in caplog.text


@pytest.mark.parametrize("topic", ["site:leeds-1", "orders:aire valley", "x" * 300, "søk", "a/b?c"])
def test_whatever_a_topic_is_called_its_listeners_hear_it(topic):
    channel = listening(topic)
    notify.tell((topic,))
    assert heard(channel)["topic"] == topic
