"""What a site has promised, how it sells, and the yes or no to an order that waits: pages, their forms and their refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.test import Client
from django.urls import reverse

from marketplace.models import Order, SaleRules, SiteCapacity, StackingRow, User
from tests.unit.marketplace.usecases.market import moved
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import NOW, World

SignedIn = Callable[[User], Client]
RULES = {
    "approve_above_kw": "250.5",
    "floor_gbp_per_kwh": "0.18",
    "approve_within": "90",
    "free_cancellation": "24",
    "cancellation_fee_percent": "12.5",
}


def holding(world: World) -> StackingRow:
    """150 kW of the confirmed order in the ledger, and the site's row of its first half hour."""
    order = world.orders["confirmed"]
    first = order.offer.start_at
    SiteCapacity.objects.create(
        site=world.site, start_at=first, direction="REDUCE", deliverable_kw=Decimal("412.5"), reserved_kw=150
    )
    return StackingRow.objects.create(
        site=world.site, order=order, service="DNO_OPERATIONAL", direction="REDUCE", form="JUMPING", start_at=first,
        end_at=order.offer.end_at, kw=150, created_at=NOW,
    )  # fmt: skip


def waiting(world: World) -> Order:
    order = moved(Order.objects.get(pk=world.orders["quoted"].pk), "PENDING")
    order.waits_because, order.approve_by = (
        "100 kW is more than the 50 kW sold without asking.",
        NOW + timedelta(hours=1),
    )
    order.save()
    return order


def test_a_day_shows_what_is_offered_reserved_and_dispatched_by_service(world: World, signed_in: SignedIn) -> None:
    row, client = holding(world), signed_in(world.operator)
    path = reverse("commitments", args=["leeds-1"]) + f"?day={row.start_at:%Y-%m-%d}"
    page = read(client.get(path))
    assert page.faults() == []
    # Offered 412.5 kW, reserved 150 kW by one order, dispatched 150 kW under another: rows of the world under test.
    assert "41DNO, called close to real timeTurn-down412.51500150Alone412.5262.5" in page.text
    lines = client.get(path.replace("commitments?", "commitments.csv?")).getvalue().decode().splitlines()
    assert "leeds-1,2024-01-16T20:00:00Z,2024-01-16,41,DNO_OPERATIONAL,REDUCE,412.5,150,0,150,412.5,150" in lines
    empty = read(client.get(reverse("commitments", args=["leeds-1"]) + "?day=2024-02-01"))
    assert "Nothing of this site is on sale or sold on this day." in empty.text
    wrong = client.get(reverse("commitments", args=["leeds-1"]) + "?day=soon")
    assert (wrong.status_code, read(wrong).problems()[0][:22]) == (422, "The day is 'soon'. Wri")


def test_sale_rules_are_kept_and_what_means_nothing_is_named(world: World, signed_in: SignedIn) -> None:
    path, client = reverse("sale-rules", args=["leeds-1"]), signed_in(world.operator)
    assert client.post(path, RULES).status_code == 302
    rules = SaleRules.objects.get()
    assert (rules.approve_above_kw, rules.floor_gbp_per_kwh) == (Decimal("250.5"), Decimal("0.18"))
    assert (rules.approve_within_s, rules.free_cancellation_s, rules.cancellation_fee_percent) == (5400, 86_400, 12.5)
    assert 'value="250.5"' in client.get(path).content.decode()
    for name, text in {
        "approve_above_kw": "-1", "floor_gbp_per_kwh": "cheap", "approve_within": "0", "free_cancellation": "1.5",
        "cancellation_fee_percent": "100.01",
    }.items():  # fmt: skip
        answer = client.post(path, RULES | {name: text})
        page = read(answer)
        assert answer.status_code == 422, name
        assert page.faults() == []
        assert f'id="{name}-wrong"' in answer.content.decode(), name
    client.post(path, RULES | {"approve_above_kw": "", "floor_gbp_per_kwh": ""})
    rules.refresh_from_db()
    assert (rules.approve_above_kw, rules.floor_gbp_per_kwh) == (None, None)


def test_an_order_that_waits_is_on_the_home_page_and_decided_on_its_own(world: World, signed_in: SignedIn) -> None:
    order, client = waiting(world), signed_in(world.operator)
    path = reverse("order-decide", args=[order.pk])
    assert "An order for Leeds 1 waits for you" in read(client.get("/")).text
    assert "100 kW is more than the 50 kW" in read(client.get(reverse("order", args=[order.pk]))).text
    refused = client.post(path, {"answer": "decline", "reason": " "})
    assert (refused.status_code, read(refused).faults()) == (422, [])
    assert client.post(path, {"answer": "approve"}).status_code == 302
    assert Order.objects.get(pk=order.pk).state == "CONFIRMED"
    late = client.post(path, {"answer": "decline", "reason": "Too late."})
    assert late.status_code == 409
    assert "so there is nothing to decide" in read(late).text


def test_declining_shows_the_reason_and_a_viewer_decides_nothing(world: World, signed_in: SignedIn) -> None:
    order = waiting(world)
    path = reverse("order-decide", args=[order.pk])
    assert signed_in(world.viewer).post(path, {"answer": "approve"}).status_code == 403
    assert signed_in(world.viewer).post(reverse("sale-rules", args=["leeds-1"]), RULES).status_code == 403
    assert Order.objects.get(pk=order.pk).state == "PENDING"
    client = signed_in(world.operator)
    assert client.post(path, {"answer": "decline", "reason": "Maintenance."}).status_code == 302
    assert "Not sold: Maintenance." in read(client.get(reverse("order", args=[order.pk]))).text
