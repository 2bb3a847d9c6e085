"""A dispute over the network, both sides through their own doors: opened once, only by the buyer of the order, and decided."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from beckn.models import OutboxMessage, Subscriber
from beckn.ports import Message, Refusal
from beckn.registry import register
from beckn.wire import body, schema
from beckn.wire.context import Party
from marketplace import bap, bpp, clock
from marketplace.models import Dispute, DisputeEntry, Organisation, Purchase, PurchaseDispute
from marketplace.queries.disputes import dispute_page
from marketplace.queries.purchase_disputes import disputes_with_seller
from marketplace.rules.dispute import DisputeStep
from marketplace.rules.errors import MarketError
from marketplace.usecases.advance_dispute import advance_dispute
from marketplace.usecases.dispute_purchase import dispute_purchase, step_dispute
from marketplace.wire.purchase import freeze
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of, join_the_network
from tests.unit.marketplace.usecases.disputed import LATER, Table
from tests.unit.marketplace.usecases.market import BUYER, RIVAL

SELLER = "seller.example"  # elsewhere, in the record of our own buyer


@pytest.fixture(scope="module")
def sold(django_db_setup: None, django_db_blocker: Any) -> Any:
    """A statement of ours whose buyer is elsewhere, made once."""
    with django_db_blocker.unblock(), transaction.atomic():
        join_the_network()
        party = Party(SELLER, "http://127.0.0.1:9/beckn/bpp")
        register(party, role="bpp", key_id="k1", public_key="A" * 43 + "=", now=timezone.now())
        found = Table(market.site(market.organisation()))
        yield found
        transaction.set_rollback(True)


@pytest.fixture
def table(sold: Table, db: None, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(clock, "now", lambda: LATER)
    return sold


@pytest.fixture
def bought(table: Table) -> Purchase:
    """The same deal as its buyer elsewhere keeps it: told the settlement by our own status answer."""
    purchase = Purchase.objects.get(transaction_id=table.order.transaction_id)
    Purchase.objects.filter(pk=purchase.pk).update(
        seller_subscriber_id=SELLER, contract_id=str(table.order.pk), contract=freeze({"id": str(table.order.pk)})
    )
    hear(purchase, "on_status", answered(say(table, "status", {"contract": {}})))
    return Purchase.objects.get(pk=purchase.pk)


def answered(message: Any) -> dict[str, Any]:
    return dict(body.parse(body.dump({"message": message}))["message"])


def say(table: Table, action: str, message: dict[str, Any], *, by: str = BUYER) -> Any:
    """Our seller's answer to a buyer's message."""
    context = {"transactionId": str(table.order.transaction_id), "action": action}
    with transaction.atomic():
        reply = bpp.ACTIONS[action](Message("bpp", action, by, context, answered(message)))
    assert reply is not None
    return reply.message


def hear(purchase: Purchase, action: str, message: dict[str, Any], *, answers: Any = "", minutes: int = 0,
         error: dict[str, Any] | None = None) -> None:  # fmt: skip
    """A callback arrives at our buyer's side."""
    context = {
        "transactionId": str(purchase.transaction_id),
        "action": action,
        "messageId": str(answers),
        "timestamp": (LATER + timedelta(minutes=minutes)).isoformat(),
    }
    bap.ACTIONS[action](Message("bap", action, SELLER, context, message, error))


def support(table: Table, **change: Any) -> dict[str, Any]:
    about = {
        "@context": "c", "@type": "FlexDispute", "settlementId": str(table.statement.pk), "claimId": "mine-1",
        "reasonCode": "METER_GAP", "unit": "PENCE", "claimedValue": table.statement.amount_pence - 500,
        "words": "The meter stood still at 17:10.",
    } | change  # fmt: skip
    channel = {name: value for name, value in about.items() if value is not None}
    return {"support": {"orderId": str(table.order.pk), "descriptor": {"code": "DISPUTE"}, "channels": [channel]}}


def refusal(call: Any, *args: Any, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call(*args, **more)
    return caught.value


def dispute_in(answer: Any) -> dict[str, Any]:
    return next(one for one in answered(answer)["support"]["channels"] if one["@type"] == "FlexDispute")


def test_a_buyer_elsewhere_opens_one_dispute_and_gets_its_number(table: Table) -> None:
    first, again = (say(table, "support", support(table)) for _ in range(2))
    assert first == again
    told = dispute_in(first)
    dispute = Dispute.objects.get()
    assert (told["disputeId"], told["claimId"], told["state"]) == (str(dispute.pk), "mine-1", "OPEN")
    assert (dispute.side, dispute.opened_by, dispute.difference_pence) == ("BUYER", None, -500)
    assert DisputeEntry.objects.get().organisation is None
    page = dispute_page(dispute, table.seller, LATER)
    assert (page.row.opened_by, page.entries[0].organisation) == (BUYER, BUYER)
    assert page.steps == ("RESPOND",)
    assert events_of(f"order:{table.order.pk}").count("dispute.opened") == 1
    (entry,) = answered(say(table, "status", {"contract": {}}))["contract"]["settlements"]
    assert [one["disputeId"] for one in entry["settlementAttributes"]["disputes"]] == [str(dispute.pk)]


def test_nobody_else_opens_one_and_half_a_claim_is_refused_in_words(table: Table) -> None:
    assert refusal(say, table, "support", support(table), by=RIVAL).code == "BIZ_ORDER_NOT_FOUND"
    foreign = refusal(say, table, "support", support(table, settlementId=str(uuid.uuid4())))
    assert foreign.code == "BIZ_INVALID_UPDATE_TARGET"
    assert refusal(say, table, "support", support(table, settlementId="x")).code == "BIZ_INVALID_UPDATE_TARGET"
    lacking = refusal(say, table, "support", support(table, reasonCode=None, claimedValue=None))
    assert "reasonCode, claimedValue" in lacking.message
    assert refusal(say, table, "support", support(table, claimedValue=table.statement.amount_pence)).code == "BAD_CLAIM"
    two = support(table)
    two["support"]["channels"] *= 2
    assert "2 disputes" in refusal(say, table, "support", two).message
    step = support(table, step="ESCALATE", disputeId=str(uuid.uuid4()))
    assert refusal(say, table, "support", step).code == "BIZ_INVALID_UPDATE_TARGET"
    assert not Dispute.objects.exists()


def test_the_answer_goes_out_by_itself_and_the_buyer_elsewhere_takes_it_further(table: Table) -> None:
    told = dispute_in(say(table, "support", support(table)))
    dispute = Dispute.objects.get()
    OutboxMessage.objects.all().delete()
    advance_dispute(
        dispute=dispute, step=DisputeStep.RESPOND, organisation=table.seller, user=table.people[table.seller], words="It did not.",
        agrees=False, now=LATER,
    )  # fmt: skip
    row = OutboxMessage.objects.get()
    sent = body.parse(bytes(row.raw))
    schema.validate(sent)
    assert (row.action, row.to) == ("on_status", BUYER)
    (entry,) = sent["message"]["contract"]["settlements"]
    (state,) = entry["settlementAttributes"]["disputes"]
    assert (state["state"], state["answer"], state["answerAgrees"]) == ("ANSWERED", "It did not.", False)
    step = support(table, step="ESCALATE", disputeId=told["disputeId"], reasonCode=None, unit=None, claimedValue=None)
    assert dispute_in(say(table, "support", step))["state"] == "ESCALATED"
    assert dispute_in(say(table, "support", step))["state"] == "ESCALATED", "said twice is said once"
    assert Dispute.objects.get().entries.count() == 3
    assert refusal(say, table, "support", step, by=RIVAL).code == "BIZ_ORDER_NOT_FOUND"


def claim(table: Table, bought: Purchase, **change: Any) -> PurchaseDispute:
    facts: dict[str, Any] = {
        "purchase": bought, "reason": "METER_GAP", "unit": "PENCE", "claimed_value": table.statement.amount_pence - 500,
        "words": "The meter stood still.", "user": table.people[table.buyer], "now": LATER,
    }  # fmt: skip
    return dispute_purchase(**facts | change)


def test_our_buyer_disputes_a_settlement_elsewhere_and_sees_it_through(table: Table, bought: Purchase) -> None:
    OutboxMessage.objects.all().delete()
    row, again = claim(table, bought), claim(table, bought)
    assert row == again
    sent = body.parse(bytes(OutboxMessage.objects.get().raw))
    schema.validate(sent)
    assert (sent["context"]["action"], sent["context"]["messageId"]) == ("support", str(row.message_id))
    hear(bought, "on_support", answered(say(table, "support", sent["message"])), answers=row.message_id)
    dispute = Dispute.objects.get()
    (seen,) = disputes_with_seller(bought)
    assert (seen.state, seen.dispute_id, seen.steps) == ("OPEN", str(dispute.pk), ("UPHOLD",))
    assert seen.answer_due_at == dispute.response_due_at
    advance_dispute(
        dispute=dispute, step=DisputeStep.RESPOND, organisation=table.seller, user=table.people[table.seller], words="It did not.",
        agrees=False, now=LATER,
    )  # fmt: skip
    status = answered(say(table, "status", {"contract": {}}))
    hear(bought, "on_status", status, minutes=5)
    (seen,) = disputes_with_seller(bought)
    assert (seen.state, seen.answer, seen.steps) == ("ANSWERED", "It did not.", ("UPHOLD", "ESCALATE"))
    OutboxMessage.objects.all().delete()
    step = step_dispute(
        dispute=row, step=DisputeStep.ESCALATE, words="Look.", user=table.people[table.buyer], now=LATER
    )
    sent = body.parse(bytes(OutboxMessage.objects.get().raw))
    hear(bought, "on_support", answered(say(table, "support", sent["message"])), answers=step.message_id, minutes=9)
    hear(bought, "on_status", status, minutes=5)
    (seen,) = disputes_with_seller(bought)
    assert seen.state == "ESCALATED", "an older word that comes late changes nothing"
    assert "on_support" not in Purchase.objects.get(pk=bought.pk).answers
    kinds = events_of(f"purchase:{bought.pk}")
    assert [kind for kind in kinds if "dispute" in kind] == [
        "purchase.disputed", "purchase.dispute", "purchase.dispute", "purchase.dispute_step", "purchase.dispute",
    ]  # fmt: skip


def test_what_the_seller_does_not_take_is_said_and_can_be_sent_again(table: Table, bought: Purchase) -> None:
    row = claim(table, bought)
    stranger = uuid.uuid4()
    hear(bought, "on_support", {}, answers=stranger, error={"code": "BIZ_SUPPORT_NOT_AVAILABLE", "message": "No."})
    assert PurchaseDispute.objects.get().state == "SENT", "the answer to another question"
    hear(bought, "on_support", {}, answers=row.message_id, error={"code": "DISPUTE_TOO_LATE", "message": "Too late."})
    (seen,) = disputes_with_seller(bought)
    assert (seen.state, seen.refusal_code, seen.refusal, seen.steps) == ("REFUSED", "DISPUTE_TOO_LATE", "Too late.", ())
    assert claim(table, bought) != row


def test_a_seller_that_knows_no_disputes_answers_like_any_question(table: Table, bought: Purchase) -> None:
    row = claim(table, bought)
    channel = {"@context": "c", "@type": "EmailChannel", "email": "help@seller.example"}
    hear(bought, "on_support", {"support": {"channels": [channel]}}, answers=row.message_id)
    assert PurchaseDispute.objects.get().state == "SENT"
    assert Purchase.objects.get(pk=bought.pk).answers["on_support"]["message"]["support"]["channels"] == [channel]


def test_a_buyer_that_left_the_registry_does_not_keep_the_seller_from_answering(table: Table) -> None:
    say(table, "support", support(table))
    Subscriber.objects.filter(subscriber_id=BUYER).delete()
    dispute = advance_dispute(
        dispute=Dispute.objects.get(), step=DisputeStep.RESPOND, organisation=table.seller, user=table.people[table.seller],
        words="It did not.", agrees=False, now=LATER,
    )  # fmt: skip
    assert dispute.state == "ANSWERED"


def test_only_a_buyer_who_may_and_only_a_settlement_elsewhere(table: Table, bought: Purchase) -> None:
    viewer = market.person(Organisation.objects.get(pk=table.buyer.pk), "VIEWER")
    for change, code in (
        ({"user": viewer}, "NOT_ALLOWED"),
        ({"words": ""}, "BAD_WORDS"),
        ({"reason": "MOOD"}, "BAD_REASON"),
        ({"claimed_value": 10**13}, "BAD_CLAIM"),
    ):
        with pytest.raises(MarketError) as caught:
            claim(table, bought, **change)
        assert caught.value.code == code
    Purchase.objects.update(seller_subscriber_id=bpp.answering.seller())
    with pytest.raises(MarketError) as caught:
        claim(table, bought)
    assert caught.value.code == "DISPUTE_HERE"
    assert not PurchaseDispute.objects.exists()
