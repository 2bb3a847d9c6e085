"""A message under the lens: real signatures over real bytes, whole and spoilt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from beckn import inbox, keys, outbox, registry
from beckn.models import InboxMessage, OutboxMessage
from beckn.testing import Participant
from beckn.wire import body, signing
from marketplace.queries.inspection import inspect
from tests.unit.beckn.conftest import buyer, installed  # noqa: F401 - fixtures
from tests.unit.beckn.messages import CONTRACT

pytestmark = pytest.mark.django_db


@pytest.fixture
def received(buyer: Participant) -> InboxMessage:  # noqa: F811 - the fixture
    """A select that came through the judge and the store."""
    now = timezone.now()
    raw = body.dump(buyer.envelope("select", {"contract": CONTRACT}))
    header = buyer.authorization(raw)
    signer = registry.lookup("buyer.example", buyer.signer.key_id, now=now)
    judged = inbox.judge(
        raw, authorization=header, signature=signing.parse(header), signer=signer, role="bpp", action="select", now=now
    )  # fmt: skip
    inbox.store([judged], now=now + timedelta(milliseconds=3))
    return InboxMessage.objects.get()


def test_a_received_message_is_judged_again_from_its_bytes(received):
    found = inspect(received)
    assert found.signed is not None
    assert found.signed.holds is True
    assert found.signed.signing_string.endswith(found.digest)
    assert (found.signed.subscriber_id, found.signed.key_state) == ("buyer.example", "Subscribed")
    assert found.schema.fits
    assert [(step.name, step.after_s) for step in found.timings] == [
        ("Received", 0.0),
        ("Storing began, receipt after it", 0.003),
    ]


def test_one_changed_byte_breaks_the_signature_and_a_missing_member_the_schema(received):
    received.raw = bytes(received.raw).replace(
        b'"status":{"code":"DRAFT"},"commitments"', b'"Status":{"code":"DRAFT"},"commitments"'
    )
    found = inspect(received)
    assert found.signed is not None
    assert found.signed.holds is False
    assert (found.schema.fits, found.schema.code) == (False, "SCH_FIELD_NOT_ALLOWED")
    assert found.schema.pointer == "/message/contract"


def test_a_header_nobody_can_read_is_said(received):
    received.authorization = "nonsense"
    found = inspect(received)
    assert found.signed is None
    assert "cannot be read" in found.unreadable


def test_the_callback_shows_request_and_answer_in_one_line_of_time(received):
    row = outbox.send(
        role="bpp", action="on_select", message={"contract": CONTRACT}, to="buyer.example",
        transaction_id=received.transaction_id, message_id=received.message_id, answers=received,
    )  # fmt: skip
    header = signing.sign(bytes(row.raw), keys.own("bpp"), now=timezone.now())
    OutboxMessage.objects.update(delivered_at=timezone.now(), authorizations=[header])
    InboxMessage.objects.update(handled_at=timezone.now())
    found = inspect(OutboxMessage.objects.get())
    assert [step.name for step in found.timings] == ["select received", "select handled", "Stored", "Delivered"]
    assert found.signed is not None
    assert found.signed.holds is True
    assert found.authorizations == (header,)
    names = [step.name for step in inspect(InboxMessage.objects.get()).timings]
    assert names == [
        "Received",
        "Storing began, receipt after it",
        "Handled",
        "on_select stored",
        "on_select delivered",
    ]


def test_a_message_of_1_1_is_judged_by_its_own_schema(received):
    received.profile = "v1"
    found = inspect(received)
    assert (found.profile, found.schema.fits) == ("v1", False)  # its names are those of 2.0.0
    assert found.schema.pointer.startswith("/context")
