"""A settlement of a seller elsewhere is disputed on the purchase's own pages, by people of the buyer who may."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from beckn.models import OutboxMessage
from beckn.wire import body
from marketplace.models import Membership, PurchaseDispute, User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World, bought_elsewhere

SignedIn = Callable[[User], Client]
CLAIM = {"reason": "CLOCK", "unit": "WH", "claimed_value": "410.5", "words": "The clock was an hour ahead."}


def test_a_dispute_and_a_step_are_sent_and_what_cannot_be_sent_stays_typed(world: World, signed_in: SignedIn) -> None:
    row, client = bought_elsewhere(world.purchases["settled"]), signed_in(world.grid)
    address = reverse("purchase-dispute", args=[row.purchase_id])
    answer = client.post(address, CLAIM | {"claimed_value": "much"})
    page = read(answer)
    assert "much" in page.problems()[0]
    assert "The clock was an hour ahead." in answer.content.decode()
    assert client.post(address, CLAIM | {"periods": "2024-01-15/45"})["Location"] == reverse(
        "purchase", args=[row.purchase_id]
    )
    (channel,) = body.parse(bytes(OutboxMessage.objects.latest("pk").raw))["message"]["support"]["channels"]
    assert (channel["claimedValue"], channel["reasonCode"]) == (410_500, "CLOCK")
    assert channel["periods"] == [{"settlementDate": "2024-01-15", "settlementPeriod": 45}]
    step = reverse("purchase-dispute-step", args=[row.purchase_id, row.pk, "escalate"])
    assert client.post(step, {"words": "Look again."}).status_code == 302
    (channel,) = body.parse(bytes(OutboxMessage.objects.latest("pk").raw))["message"]["support"]["channels"]
    assert (channel["step"], channel["disputeId"]) == ("ESCALATE", "case-7")


def test_a_viewer_and_a_stranger_send_nothing(world: World, signed_in: SignedIn) -> None:
    row = bought_elsewhere(world.purchases["settled"])
    address = reverse("purchase-dispute", args=[row.purchase_id])
    step = reverse("purchase-dispute-step", args=[row.purchase_id, row.pk, "escalate"])
    before = (OutboxMessage.objects.count(), PurchaseDispute.objects.count())
    Membership.objects.filter(user=world.grid).update(role="VIEWER")
    assert signed_in(world.grid).post(address, CLAIM).status_code == 403
    signed_in(world.grid).post(step, {"words": "Look again."})
    assert signed_in(world.operator).post(address, CLAIM).status_code == 404
    assert (OutboxMessage.objects.count(), PurchaseDispute.objects.count()) == before
