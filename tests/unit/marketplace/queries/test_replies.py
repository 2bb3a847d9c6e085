"""What a seller said to a buyer's questions, also a seller that says strange things."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.queries.messages import MessageRow
from marketplace.queries.replies import LONGEST, link_of, replies_of
from marketplace.wire.purchase import freeze

AT = datetime(2026, 1, 15, 17, tzinfo=UTC)


def message(direction: str, action: str, state: str, message_id: str = "m-1") -> MessageRow:
    return MessageRow(1, direction, AT, "", "buyer", action, "s", state, state, "", message_id, "t")


def purchase(**said: Any) -> Any:
    answers = {
        f"on_{word}": {
            "message": told.get("message", {}),
            "error": told.get("error", {}),
            "received_at": AT.isoformat(),
        }
        for word, told in said.items()
    }
    return SimpleNamespace(answers=freeze(answers))


def test_nothing_asked_is_nothing_shown():
    assert replies_of(purchase(), []) == ()


def test_a_question_waits_until_its_own_answer_came():
    asked = message("out", "track", "DELIVERED", "m-2")
    older = [message("in", "on_track", "HANDLED", "m-1"), message("out", "track", "DELIVERED", "m-1")]
    (reply,) = replies_of(purchase(), [asked])
    assert (reply.word, reply.waiting, reply.received_at, reply.is_empty) == ("track", True, None, False)
    (reply,) = replies_of(purchase(track={}), [asked, *older])
    assert (reply.waiting, reply.received_at, reply.is_empty) == (True, AT, True)
    (reply,) = replies_of(purchase(track={}), older)
    assert reply.waiting is False
    for state in ("DEAD", "REFUSED"):
        assert replies_of(purchase(), [message("out", "track", state)]) == ()


def test_a_delivery_is_read_with_its_label():
    attributes = {"deliveredKw": Decimal("12.5"), "periodStart": "2026-01-15T16:30:00Z", "asOf": "2026-01-15T17:00:00Z"}
    told = {"url": "https://s.example/1", "status": "ACTIVE", "trackingAttributes": attributes | {"label": "MEASURED"}}
    (reply,) = replies_of(purchase(track={"message": {"tracking": told}}), [])
    found = reply.tracking
    assert found is not None
    assert (found.status, found.delivered_kw, found.label, found.source) == ("ACTIVE", Decimal("12.5"), "MEASURED", "")
    assert (found.period_start, found.as_of) == (datetime(2026, 1, 15, 16, 30, tzinfo=UTC), AT)


def test_a_rating_and_a_ticket_are_read():
    rating = {"ratings": [{"range": {"min": 1, "max": 5, "value": 4}}]}
    support = {
        "support": {"channels": [{"@type": "WebChannel", "url": "https://s.example/1", "ticket": "7"}, {}, "PHONE"]}
    }
    rated, helped = replies_of(purchase(rate={"message": rating}, support={"message": support}), [])
    assert rated.rating is not None
    assert (rated.rating.value, rated.rating.highest) == (4, 5)
    assert [(one.kind, one.address, one.ticket) for one in helped.channels] == [
        ("WebChannel", "https://s.example/1", "7")
    ]


def test_a_no_is_shown_in_the_sellers_words():
    error = {"errorCode": "BIZ_ORDER_NOT_FOUND", "errorMessage": "There is no such order."}
    (reply,) = replies_of(purchase(support={"error": error}), [])
    assert (reply.refusal_code, reply.refusal, reply.is_empty) == (*error.values(), False)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "a@b@c", "x", "a b@c", ""]
)
def test_what_is_no_address_of_the_web_is_no_link(address):
    assert link_of(address) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tracking", "status", "ratings", "range", "value",
        "support", "channels", "email", "url", "trackingAttributes", "deliveredKw", "asOf"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON, JSON)
def test_whatever_a_seller_sends_the_page_can_show(message, error):
    said = {word: {"message": message, "error": error} for word in ("track", "rate", "support")}
    told = purchase(**said)
    told.answers = json.loads(json.dumps(told.answers))
    for reply in replies_of(told, []):
        assert all(len(one.address) <= LONGEST for one in reply.channels)
        assert reply.rating is None or reply.rating.value.is_finite()
