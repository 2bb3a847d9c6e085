"""Questions to the seller about a purchase: where delivery stands, a rating, support."""

from __future__ import annotations

from typing import Any

import pytest

from beckn.models import OutboxMessage
from beckn.wire import body, schema
from tests.unit.marketplace.web.world import World


@pytest.mark.parametrize(
    ("word", "given"), [("track", {}), ("rate", {"score": 4}), ("support", {"subject": "SETTLEMENT_QUERY"})]
)
def test_each_question_sends_one_valid_message_and_waits(
    world: World, program: Any, word: str, given: dict[str, Any]
) -> None:
    purchase = world.purchases["active"]
    status, told = program(world.grid).post(f"/purchases/{purchase.pk}/{word}", given)
    assert (status, told["state"]) == (202, "ACTIVE")
    assert [(one["question"], one["waiting"], one["received_at"]) for one in told["replies"]] == [(word, True, None)]
    sent = OutboxMessage.objects.get(transaction_id=purchase.transaction_id, role="bap", action=word)
    schema.validate(body.parse(bytes(sent.raw)))


@pytest.mark.parametrize(
    ("word", "given", "field"),
    [
        ("track", {"url": "x"}, "url"),
        ("rate", {}, "score"),
        ("rate", {"score": 0}, "score"),
        ("rate", {"score": 6}, "score"),
        ("rate", {"score": 4.5}, "score"),
        ("rate", {"score": "very good"}, "score"),
        ("support", {}, "subject"),
        ("support", {"subject": ""}, "subject"),
        ("support", {"subject": "x" * 81}, "subject"),
    ],
)
def test_a_question_that_makes_no_sense_is_named_and_not_sent(
    world: World, program: Any, word: str, given: dict[str, Any], field: str
) -> None:
    purchase = world.purchases["active"]
    status, told = program(world.grid).post(f"/purchases/{purchase.pk}/{word}", given)
    assert (status, [error["field"] for error in told["errors"]]) == (422, [field])
    assert not OutboxMessage.objects.filter(transaction_id=purchase.transaction_id, action=word).exists()


def test_nobody_is_asked_about_an_order_that_is_none(world: World, program: Any) -> None:
    status, told = program(world.grid).post(f"/purchases/{world.purchases['refused'].pk}/track")
    assert (status, told["code"]) == (409, "BIZ_INVALID_STATE_TRANSITION")


def test_what_the_seller_said_is_told_exactly(world: World, program: Any) -> None:
    grid = program(world.grid)
    assert grid.get(f"/purchases/{world.purchases['active'].pk}")[1]["replies"] == []
    track, rate, support = grid.get(f"/purchases/{world.purchases['settled'].pk}")[1]["replies"]
    assert track["tracking"]["delivered_kw"] == "262.5"
    assert (track["tracking"]["as_of"], track["tracking"]["label"]) == ("2024-01-16T13:01:00Z", "MEASURED")
    assert rate["rating"] == {"value": "4", "lowest": "1", "highest": "5"}
    assert support["channels"] == [{"kind": "EmailChannel", "address": "help@seller.example", "ticket": "t-1"}]
    assert {one["refusal"] for one in (track, rate, support)} == {None}
