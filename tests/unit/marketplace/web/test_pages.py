"""Every page for every role: it answers, its title says what it is, and what is another's does not exist."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.models import Activation, User
from marketplace.usecases.write_document import write_document
from tests.unit.marketplace.api.routes import meter_file, tendered
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import NOW, World, bought_elsewhere

ROLES = ("operator", "viewer", "other", "grid", "auditor")
SignedIn = Callable[[User], Client]


def addresses(world: World) -> dict[str, tuple[str, ...]]:
    """Every page that reads, by what it is about: the roles whose page it is come first."""
    seller, buyer, everybody = "operator viewer", "grid", "operator viewer other grid auditor"
    site = world.site.slug
    found = {
        reverse("home"): everybody,
        reverse("ledger"): everybody,
        reverse("ledger") + "?type=order.confirmed&state=FINAL&find=4&subject=order&page=2": everybody,
        reverse("operations"): everybody,
        reverse("feeds"): everybody,
        reverse("messages"): everybody,
        reverse("messages") + "?way=in&action=select&state=HANDLED&transaction=1f": everybody,
        reverse("entry", args=[4]): "operator viewer grid auditor",
        reverse("sites"): seller + " other",
        reverse("offers"): seller + " other",
        reverse("offers") + "?state=DRAFT&site=leeds-1&sort=price": seller + " other",
        reverse("orders"): seller + " other auditor",
        reverse("orders") + "?state=SETTLED&site=leeds-1": seller + " other auditor",
        reverse("statements"): seller + " other grid auditor",
        reverse("statements") + "?run=II&state=ALL&disputed=yes&order=nobody&page=9": seller + " other grid auditor",
        reverse("statement", args=[world.statement.pk]): seller + " grid auditor",
        reverse("statement-dispute", args=[world.statement.pk]): seller + " grid",
        reverse("disputes"): seller + " other grid auditor",
        reverse("disputes") + "?state=UNDECIDED&reason=CLOCK": seller + " other grid auditor",
        reverse("reconciliation"): seller + " other auditor",
        reverse("reconciliation") + "?day=2024-01-15&site=leeds-1&run=II": seller + " other auditor",
        reverse("site", args=[site]): seller,
        reverse("queue", args=[site]): seller,
        reverse("queue", args=[site]) + "?text=train&tier=BATCH&status=all&sort=power&page=9": seller,
        reverse("schedule", args=[site]): seller,
        reverse("schedule", args=[site]) + "?text=train&sort=energy&page=x": seller,
        reverse("flexibility", args=[site]): seller,
        reverse("baseline", args=[site]): seller,
        reverse("readings", args=[site]): seller,
        reverse("reading-day", args=[site, "2024-01-15"]) + "?known=2024-01-16T12:00Z": seller,
        reverse("reading-day", args=[site, "2024-01-16"]): seller,
        reverse("reading-history", args=[site, "2024-01-16", 1]): seller,
        reverse("meter-file", args=[meter_file(world.site).pk]): seller,
        reverse("commitments", args=[site]): seller,
        reverse("sale-rules", args=[site]): seller,
        reverse("catalogue"): buyer,
        reverse("purchases"): buyer,
        reverse("purchases") + "?state=SETTLED": buyer,
        reverse("message", args=["in", world.messages["select"].pk]): seller,
        reverse("message", args=["out", world.messages["dead"].pk]): seller,
        reverse("message", args=["in", world.messages["answered"].pk]): buyer,
        reverse("message", args=["out", world.messages["pending"].pk]): buyer,
    }
    found |= {reverse("dispute", args=[row.pk]): seller + " grid auditor" for row in world.disputes.values()}
    found |= {reverse("upload", args=[row.pk]): seller for row in world.uploads.values()}
    for row in world.offers.values():
        found |= {reverse(name, args=[row.pk]): seller for name in ("offer", "offer-publish", "offer-withdraw")}
    choosing = (
        reverse("offer-publish", args=[world.offers["draft"].pk]) + "?baseline_method=meter-before-meter-after-v1"
    )
    found[choosing] = seller
    found |= {reverse("order", args=[row.pk]): seller + " auditor" for row in world.orders.values()}
    found |= dict.fromkeys([reverse("tenders"), reverse("tender", args=[tendered(world).pk])], seller + " other grid")
    found[reverse("tender-new")] = buyer
    settled = world.orders["settled"]
    for pence in (7425, 7000):
        settled.quote_pence = pence
        write_document(order=settled, now=NOW)
    found[reverse("order-document", args=[settled.pk])] = seller + " grid auditor"
    found[reverse("order-document-version", args=[settled.pk, 1])] = seller + " grid auditor"
    found[reverse("order-decide", args=[world.orders["confirmed"].pk])] = seller
    found |= {reverse("search", args=[row.pk]): buyer for row in world.searches.values()}
    for key in ("published", "draft"):
        found[reverse("catalogue-entry", args=[world.searches["answered"].pk, str(world.offers[key].pk)])] = buyer
    for purchase in world.purchases.values():
        found[reverse("purchase", args=[purchase.pk])] = buyer
        found |= {
            reverse("purchase-act", args=[purchase.pk, step]): buyer for step in ("confirm", "dispatch", "cancel")
        }
    elsewhere = bought_elsewhere(world.purchases["settled"]).purchase_id
    for purchase_id in (elsewhere, world.purchases["settled"].pk, world.purchases["quoted"].pk):
        found[reverse("purchase-dispute", args=[purchase_id])] = buyer
    found[reverse("purchase", args=[elsewhere])] = buyer
    return {path: tuple(roles.split()) for path, roles in found.items()}


@pytest.mark.parametrize("role", ROLES)
def test_each_page_opens_for_its_roles_and_is_sound(world: World, signed_in: SignedIn, role: str) -> None:
    """200 or 404; one h1, headings in order, labels, unique ids, no word of the machine: see reading.py."""
    client = signed_in(getattr(world, role))
    wrong = []
    for path, roles in addresses(world).items():
        answer = client.get(path)
        if answer.status_code != (200 if role in roles else 404):
            wrong.append(f"{path} answers {answer.status_code}")
        elif role in roles:
            wrong += [f"{path}: {fault}" for fault in read(answer).faults()]
    assert wrong == []


def test_nobody_reads_a_page_without_signing_in(world: World) -> None:
    client = Client()
    for path in addresses(world):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/sign-in?next="), path


def test_the_clock_and_the_way_in_are_open_to_everybody(world: World) -> None:
    client = Client()
    assert "13:10 GMT" in client.get(reverse("clock")).content.decode()
    assert client.get(reverse("sign-in")).status_code == 200


def test_a_foreign_row_does_not_exist(world: World, signed_in: SignedIn) -> None:
    """404 and not 403, also for a write: that a row is there is already somebody's business."""
    client = signed_in(world.operator)
    foreign = world.foreign
    foreign_dispatch = Activation.objects.get(order__offer__site=foreign["site"], state="SETTLED")
    site, upload = foreign["site"].slug, foreign["upload"].pk
    for name, key in [
        ("readings", site), ("meter-file", meter_file(foreign["site"]).pk), ("readings-template", foreign_dispatch.pk),
        ("site", site), ("queue", site), ("queue-csv", site), ("schedule", site), ("schedule-csv", site), ("flexibility", site), ("baseline", site), ("nominations-csv", site),
        ("upload", upload), ("upload-errors", upload), ("offer", foreign["offer"].pk), ("offer-publish", foreign["offer"].pk),
        ("offer-withdraw", foreign["offer"].pk), ("order", foreign["order"].pk), ("order-decide", foreign["order"].pk),
        ("commitments", site), ("commitments-csv", site), ("sale-rules", site),
    ]:  # fmt: skip
        assert client.get(reverse(name, args=[key])).status_code == 404, name
    for name, key in [
        ("readings", site), ("estimation", site), ("meters", site), ("meter-file-cancel", meter_file(foreign["site"]).pk),
        ("queue", site), ("replan", site), ("flexibility", site), ("baseline", site), ("upload-accept", upload), ("upload-discard", upload),
        ("offer-publish", foreign["offer"].pk), ("offer-withdraw", foreign["offer"].pk),
    ]:  # fmt: skip
        assert client.post(reverse(name, args=[key])).status_code == 404, name
    assert client.get(reverse("message", args=["in", foreign["message"].pk])).status_code == 404
    assert client.get(reverse("message", args=["sideways", foreign["message"].pk])).status_code == 404


def test_what_never_was_is_the_same_404(world: World, signed_in: SignedIn) -> None:
    client = signed_in(world.operator)
    for path in (
        "/sites/nowhere",
        "/uploads/99999",
        "/ledger/99999",
        "/offers/7c1d5f1e-0000-4000-8000-000000000000",
        "/x",
    ):
        answer = client.get(path)
        assert answer.status_code == 404
        page = read(answer)
        assert page.faults() == []
        assert "quote reference" in page.text


def test_the_menu_fits_the_role(world: World, signed_in: SignedIn) -> None:
    for role, wanted in {
        "operator": ["Home", "Sites", "Offers", "Orders", "Statements", "Ledger", "Operations"],
        "grid": ["Home", "Catalogue", "Purchases", "Statements", "Tenders", "Ledger", "Operations"],
        "auditor": ["Home", "Ledger", "Orders", "Statements", "Operations"],
    }.items():
        page = read(signed_in(getattr(world, role)).get("/"))
        assert page.navigation("Main") == wanted


def test_titles_are_nouns_and_states(world: World, signed_in: SignedIn) -> None:
    operator, grid = signed_in(world.operator), signed_in(world.grid)
    for client, path, title in [
        (operator, reverse("upload", args=[world.uploads["review"].pk]), "night-queue.csv: needs review – CACO"),
        (operator, reverse("offer", args=[world.offers["draft"].pk]), "Offer of Leeds 1: draft – CACO"),
        (operator, reverse("schedule", args=["leeds-1"]), "Leeds 1: schedule – CACO"),
        (grid, reverse("purchase", args=[world.purchases["settled"].pk]), "Leeds 1, turn-down: settled – CACO"),
        (grid, reverse("search", args=[world.searches["answered"].pk]), "Catalogue: 2 offers – CACO"),
    ]:
        assert read(client.get(path)).title == title


def test_the_page_says_when_its_clock_is_not_todays(world: World, signed_in: SignedIn, monkeypatch) -> None:
    monkeypatch.setattr("marketplace.clock.is_simulated", lambda: True)
    assert "Simulated clock" in read(signed_in(world.operator).get("/")).text
    monkeypatch.setattr("marketplace.clock.is_simulated", lambda: False)
    assert "Simulated clock" not in read(signed_in(world.operator).get("/")).text


def test_a_day_of_46_or_50_periods_is_announced(world: World, signed_in: SignedIn, monkeypatch) -> None:
    monkeypatch.setattr("marketplace.clock.now", lambda: NOW.replace(month=3, day=30))
    assert (
        "Tomorrow the clocks change: Sun 31 Mar 2024 has 46 settlement periods."
        in read(signed_in(world.operator).get("/")).text
    )
