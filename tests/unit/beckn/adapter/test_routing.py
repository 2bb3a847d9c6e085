"""A deal has one owner: whoever began it, whatever address the next message comes to."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.utils import timezone

from beckn.adapter import routing
from beckn.models import InboxMessage, OutboxMessage

pytestmark = pytest.mark.django_db
DEAL = uuid.uuid4()


@pytest.fixture(autouse=True)
def opened(settings) -> None:
    settings.BECKN_ADAPTER = True
    settings.BECKN_APPLICATIONS = {"bap": "http://127.0.0.1:1/", "bpp": "http://127.0.0.1:1/"}


def received(action: str = "select", *, role: str = "bpp", peer: str = "peer", **change: Any) -> InboxMessage:
    now = timezone.now()
    return InboxMessage(
        role=role, subscriber_id=peer, action=action, message_id=uuid.uuid4(), transaction_id=DEAL, authorization="",
        public_key="", raw=b"", digest="", receipt=b"", received_at=now, next_attempt_at=now, **change,
    )  # fmt: skip


def sent(*, asked: str, role: str = "bap", to: str = "peer") -> None:
    now = timezone.now()
    OutboxMessage.objects.create(
        role=role, to=to, action="select", transaction_id=DEAL, raw=b"", created_at=now, next_attempt_at=now,
        asked_digest=asked,
    )  # fmt: skip


def both(row: InboxMessage) -> tuple[bool, bool]:
    """Whose it is at the market's address, and at the receiver's."""
    at_market, at_receiver = (routing.is_for_application(row, at_receiver=where) for where in (False, True))
    return at_market, at_receiver


def test_a_new_deal_goes_by_its_address():
    assert both(received()) == (False, True)


@pytest.mark.parametrize(("status", "owned"), [(None, False), (0, True), (200, True)])
def test_a_request_stays_where_the_first_of_its_deal_went(status, owned):
    received(application_status=status).save()
    assert both(received("confirm")) == (owned, owned)
    assert both(received("confirm", peer="another")) == (False, True)  # a transaction id is no claim on a peer's deal


@pytest.mark.parametrize(("role", "action"), [("bap", "on_select"), ("bpp", "catalog/on_publish")])
@pytest.mark.parametrize(("asked", "owned"), [("", False), ("digest", True)])
def test_a_callback_goes_to_whoever_asked_that_peer(role, action, asked, owned):
    sent(role=role, asked=asked)
    assert both(received(action, role=role)) == (owned, owned)
    assert both(received(action, role=role, peer="another")) == (False, False)


def test_a_callback_that_nobody_asked_for_is_the_markets():
    assert both(received("on_select", role="bap")) == (False, False)


@pytest.mark.parametrize("change", [{"BECKN_ADAPTER": False}, {"BECKN_APPLICATIONS": {}}])
def test_without_an_application_everything_is_the_markets(settings, change):
    sent(asked="digest")
    for name, value in change.items():
        setattr(settings, name, value)
    assert both(received()) == both(received("on_select", role="bap")) == (False, False)
