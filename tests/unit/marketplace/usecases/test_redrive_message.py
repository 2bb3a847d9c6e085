"""Trying a message again: dead letters only, by administrators of the deal's own side, while its time lasts."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from beckn.models import InboxMessage, OutboxMessage
from marketplace.models import Membership, User
from marketplace.rules.errors import MarketError
from marketplace.usecases.redrive_message import redrive_message
from tests.unit.marketplace.web.world import World, build
from tests.unit.marketplace.web.world.journal import message_in, message_out

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def dead(world: World) -> OutboxMessage:
    """A dead letter of the seller that was written a minute ago, in real time."""
    row = world.messages["dead"]
    assert isinstance(row, OutboxMessage)
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(minutes=1))
    row.refresh_from_db()
    return row


def test_a_dead_letter_gets_a_fresh_set_of_attempts_and_keeps_its_bytes(world: World, dead: OutboxMessage) -> None:
    raw, now = bytes(dead.raw), timezone.now()
    redrive_message(message=dead, user=world.operator, now=now)
    dead.refresh_from_db()
    assert (dead.state, dead.attempts, dead.next_attempt_at, bytes(dead.raw)) == ("PENDING", 0, now, raw)
    with pytest.raises(MarketError) as again:
        redrive_message(message=dead, user=world.operator, now=now)
    assert again.value.code == "MESSAGE_NOT_DEAD"


def test_a_message_that_could_not_be_handled_is_handled_again(world: World) -> None:
    row = message_in("bpp", "confirm", world.orders["active"].transaction_id, 1, state="DEAD", attempts=5)
    redrive_message(message=row, user=world.operator, now=timezone.now())
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("RECEIVED", 0)


def test_what_was_handled_or_delivered_is_left_alone(world: World) -> None:
    for row in (world.messages["select"], world.messages["on_select"]):
        OutboxMessage.objects.filter(pk=row.pk).update(created_at=timezone.now())
        with pytest.raises(MarketError) as caught:
            redrive_message(message=row, user=world.operator, now=timezone.now())
        assert caught.value.code == "MESSAGE_NOT_DEAD"


def test_a_message_whose_time_has_ended_is_not_sent_late(world: World) -> None:
    row = message_out("bpp", "on_update", world.orders["active"].transaction_id, 1, state="DEAD")
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=4))
    with pytest.raises(MarketError) as caught:
        redrive_message(message=row, user=world.operator, now=timezone.now())
    assert caught.value.code == "MESSAGE_ENDED"
    assert "Take the step again" in caught.value.fix


def test_only_an_administrator_of_that_side_may(world: World, dead: OutboxMessage) -> None:
    Membership.objects.filter(user=world.grid).update(role="ADMIN")
    for stranger in (world.viewer, world.other, world.grid, world.auditor):
        with pytest.raises(MarketError) as caught:
            redrive_message(message=dead, user=stranger, now=timezone.now())
        assert caught.value.code == "NOT_ALLOWED"
    bought = message_out("bap", "confirm", world.purchases["confirmed"].transaction_id, 1, state="DEAD")
    OutboxMessage.objects.filter(pk=bought.pk).update(created_at=timezone.now())
    redrive_message(message=bought, user=world.grid, now=timezone.now())
    searched = message_out("bap", "discover", world.searches["late"].transaction_id, 1, state="DEAD")
    OutboxMessage.objects.filter(pk=searched.pk).update(created_at=timezone.now())
    redrive_message(message=searched, user=world.grid, now=timezone.now())


def test_a_message_of_no_deal_is_the_platforms(world: World) -> None:
    row = message_in("bpp", "discover", uuid.uuid4(), 1, state="DEAD")
    with pytest.raises(MarketError):
        redrive_message(message=row, user=world.operator, now=timezone.now())
    root = User.objects.create_superuser("root@caco.example", "a long password for tests")
    redrive_message(message=row, user=root, now=timezone.now())
    assert InboxMessage.objects.get(pk=row.pk).state == "RECEIVED"
