"""Several workers at once, on a server with row locks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from beckn import inbox, outbox
from beckn.models import InboxMessage, OutboxMessage
from tests.unit.beckn import application
from tests.unit.beckn.test_tasks import receive

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def by_many(work, pks: list[int]) -> None:
    """Each row offered to four workers at once."""

    def one(pk: int) -> None:
        try:
            work(pk, now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, [pk for pk in pks for _ in range(4)]))


def test_each_message_is_handled_and_each_callback_sent_exactly_once(buyer, buyer_door):
    pks = [receive(buyer) for _ in range(40)]
    by_many(inbox.handle, pks)
    assert set(InboxMessage.objects.values_list("state", "attempts")) == {("HANDLED", 1)}
    assert len(application.seen) == 40
    callbacks = list(OutboxMessage.objects.values_list("pk", flat=True))
    assert len(callbacks) == 40
    by_many(outbox.deliver, callbacks)
    assert set(OutboxMessage.objects.values_list("state", "attempts")) == {("DELIVERED", 1)}
    assert len({got.raw for got in buyer_door.received}) == len(buyer_door.received) == 40
