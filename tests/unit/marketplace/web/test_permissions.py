"""Who may write: a role that may not is told so in words, a form from elsewhere is refused, and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from beckn.models import OutboxMessage
from marketplace.models import Event, Membership, Offer, OfferRequest, Purchase, Upload, User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World
from tests.unit.marketplace.web.world.parties import organisation, person

SignedIn = Callable[[User], Client]


def seller_writes(world: World) -> dict[str, dict[str, str]]:
    """Every address a seller posts to, with what is posted."""
    return {
        reverse("queue", args=["leeds-1"]): {"paste": "id,arrival\n"},
        reverse("replan", args=["leeds-1"]): {},
        reverse("flexibility", args=["leeds-1"]): {},
        reverse("baseline", args=["leeds-1"]): {"day": "2024-01-18"},
        reverse("sale-rules", args=["leeds-1"]): {
            "approve_within": "60",
            "free_cancellation": "0",
            "cancellation_fee_percent": "0",
        },
        reverse("upload-accept", args=[world.uploads["clean"].pk]): {"rows": "all"},
        reverse("upload-discard", args=[world.uploads["clean"].pk]): {},
        reverse("offer-publish", args=[world.offers["draft"].pk]): {},
        reverse("offer-withdraw", args=[world.offers["draft"].pk]): {"reason": "no"},
    }


def buyer_writes(world: World) -> dict[str, dict[str, str]]:
    """Every address at which a buyer binds somebody."""
    entry = reverse("catalogue-entry", args=[world.searches["answered"].pk, str(world.offers["published"].pk)])
    steps = {"quoted": "initialise", "initialised": "confirm", "confirmed": "dispatch", "active": "status"}
    acts = [reverse("purchase-act", args=[world.purchases[key].pk, step]) for key, step in steps.items()]
    active = world.purchases["active"].pk
    asks: dict[str, dict[str, str]] = {"track": {}, "rate": {"score": "4"}, "support": {"subject": "METERING"}}
    questions = {reverse("purchase-ask", args=[active, word]): typed for word, typed in asks.items()}
    steps_taken: dict[str, dict[str, str]] = {path: {} for path in (*acts, acts[2].replace("dispatch", "cancel"))}
    return {entry: {"kw": "50"}, **steps_taken, **questions}


def state_of_things() -> tuple[object, ...]:
    """Everything a write could have changed."""
    rows = [sorted(model.objects.values_list("pk", "state")) for model in (Upload, Offer, Purchase, OfferRequest)]
    return (*rows, Event.objects.count(), OutboxMessage.objects.count())


def test_a_viewer_may_look_and_not_touch(world: World, signed_in: SignedIn) -> None:
    client, before = signed_in(world.viewer), state_of_things()
    for path, typed in seller_writes(world).items():
        answer = client.post(path, typed)
        page = read(answer)
        assert answer.status_code == 403, path
        assert page.problems()[0].startswith("Your role does not let you"), path
        assert "Ask an administrator of your organisation" in page.problems()[0]
        assert page.faults() == []
    assert state_of_things() == before


def test_a_viewer_of_the_buyer_cannot_order(world: World, signed_in: SignedIn) -> None:
    Membership.objects.filter(user=world.grid).update(role="VIEWER")
    client, before = signed_in(world.grid), state_of_things()
    for path, typed in buyer_writes(world).items():
        answer = client.post(path, typed)
        assert answer.status_code == 403, path
        assert read(answer).problems()[0].startswith("Your role does not let you order and dispatch flexibility")
    assert state_of_things() == before


def test_pages_offer_a_role_only_what_it_may_do(world: World, signed_in: SignedIn) -> None:
    """Buttons and forms are there for an administrator and not for a viewer; signing out and verifying stay."""
    admin, viewer = signed_in(world.operator), signed_in(world.viewer)
    own = {"/sign-out"}
    for path in [
        reverse("queue", args=["leeds-1"]), reverse("schedule", args=["leeds-1"]), reverse("flexibility", args=["leeds-1"]),
        reverse("upload", args=[world.uploads["clean"].pk]), reverse("offer-publish", args=[world.offers["draft"].pk]),
        reverse("offer-withdraw", args=[world.offers["draft"].pk]),
    ]:  # fmt: skip
        wanted = {
            form.attributes.get("action", path) for form in read(admin.get(path)).all("form", method="post")
        } - own
        shown = {
            form.attributes.get("action", path) for form in read(viewer.get(path)).all("form", method="post")
        } - own
        assert wanted, path
        assert not shown, path


def test_other_roles_cannot_post_at_all(world: World, signed_in: SignedIn) -> None:
    before = state_of_things()
    for path, typed in seller_writes(world).items():
        for person_ in (world.grid, world.auditor, world.other):
            assert signed_in(person_).post(path, typed).status_code == 404, path
    for path, typed in buyer_writes(world).items():
        for person_ in (world.operator, world.auditor):
            assert signed_in(person_).post(path, typed).status_code == 404, path
    assert state_of_things() == before


def test_a_post_without_signing_in_asks_for_it_and_changes_nothing(world: World) -> None:
    before = state_of_things()
    for path, typed in {**seller_writes(world), **buyer_writes(world)}.items():
        answer = Client().post(path, typed)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in?next=")
    assert state_of_things() == before


def test_a_fragment_asked_for_after_signing_out_is_refused_and_not_a_sign_in_page(world: World) -> None:
    """htmx would follow a redirect and put nothing where the part of the page stood."""
    answer = Client().get(reverse("order", args=[world.orders["active"].pk]), headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.content == b""


def test_coming_back_to_a_post_address_shows_its_page(world: World, signed_in: SignedIn) -> None:
    """After signing in again a browser follows next= with a GET: it must land on a page and do nothing."""
    client, before = signed_in(world.operator), state_of_things()
    upload = world.uploads["clean"].pk
    for name, page in [("upload-accept", "upload"), ("upload-discard", "upload")]:
        assert client.get(reverse(name, args=[upload]))["Location"] == reverse(page, args=[upload])
    assert client.get(reverse("replan", args=["leeds-1"]))["Location"] == reverse("schedule", args=["leeds-1"])
    assert client.get(reverse("choose-organisation"))["Location"] == reverse("home")
    assert client.get(reverse("entry-verify", args=[4]))["Location"] == reverse("entry", args=[4])
    assert state_of_things() == before
    bought = world.purchases["quoted"].pk
    answer = signed_in(world.grid).get(reverse("purchase-act", args=[bought, "initialise"]))
    assert answer["Location"] == reverse("purchase", args=[bought])


@pytest.mark.parametrize("side", ["seller", "buyer"])
def test_a_form_from_elsewhere_is_refused(world: World, side: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.operator if side == "seller" else world.grid)
    before = state_of_things()
    writes = seller_writes(world) if side == "seller" else buyer_writes(world)
    for path, typed in {**writes, reverse("sign-out"): {}, reverse("choose-organisation"): {}}.items():
        answer = client.post(path, typed)
        assert answer.status_code == 403, path
        page = read(answer)
        assert "This form is too old to send" in page.text
        assert page.faults() == []
    assert state_of_things() == before


def test_acting_for_another_of_ones_organisations(world: World, signed_in: SignedIn) -> None:
    aire, networks = world.site.organisation, Membership.objects.get(user=world.grid).organisation
    Membership.objects.create(user=world.operator, organisation=networks, role="TRADER")
    client = signed_in(world.operator)
    assert read(client.get("/")).all("h1")[0].text == "Aire Valley Compute now"
    client.post(reverse("choose-organisation"), {"organisation": networks.slug})
    page = read(client.get("/"))
    assert page.all("h1")[0].text == "Northern Networks now"
    assert page.navigation("Main")[1] == "Catalogue"
    assert client.get(reverse("site", args=["leeds-1"])).status_code == 200  # deep links of the other role keep working
    foreign = world.foreign["site"].organisation
    assert client.post(reverse("choose-organisation"), {"organisation": foreign.slug}).status_code == 404
    assert read(client.get("/")).all("h1")[0].text == "Northern Networks now"
    client.post(reverse("choose-organisation"), {"organisation": aire.slug})
    assert read(client.get("/")).all("h1")[0].text == "Aire Valley Compute now"


def test_a_platform_administrator_sees_every_page(world: World, signed_in: SignedIn) -> None:
    root = signed_in(User.objects.create_superuser("root@caco.example", "a long password for tests"))
    for path in (
        "/",
        "/sites",
        "/offers",
        "/orders",
        "/catalogue",
        "/purchases",
        "/ledger",
        "/operations",
        "/operations/messages",
    ):
        answer = root.get(path)
        assert answer.status_code == 200, path
        assert read(answer).faults() == []
    assert root.get(reverse("site", args=[world.foreign["site"].slug])).status_code == 200


def test_a_person_of_no_organisation_sees_an_empty_house(world: World, signed_in: SignedIn) -> None:
    lonely = User.objects.create_user("lonely@caco.example", "a long password for tests")
    answer = signed_in(lonely).get("/")
    assert answer.status_code == 200
    assert read(answer).faults() == []
    assert signed_in(lonely).get(reverse("site", args=["leeds-1"])).status_code == 404


def test_a_newcomer_with_nothing_sees_why_and_what_to_do(world: World, signed_in: SignedIn) -> None:
    for kind, pages in {
        "OPERATOR": ("/", "/sites", "/offers", "/orders", "/ledger", "/operations", "/operations/messages"),
        "GRID": ("/", "/catalogue", "/purchases", "/ledger", "/operations"),
        "AUDITOR": ("/", "/ledger", "/orders", "/operations"),
    }.items():
        client = signed_in(person(f"new@{kind.lower()}.example", organisation(f"New {kind}", kind), "ADMIN"))
        for path in pages:
            answer = client.get(path)
            assert answer.status_code == 200
            assert read(answer).faults() == []


def test_a_dead_letter_is_sent_again_by_its_own_administrator_only(world: World, signed_in: SignedIn) -> None:
    dead = world.messages["dead"]
    OutboxMessage.objects.filter(pk=dead.pk).update(created_at=timezone.now())
    page, redrive = (reverse(name, args=["out", dead.pk]) for name in ("message", "message-redrive"))
    assert not read(signed_in(world.viewer).get(page)).all("form", action=redrive)
    refused = signed_in(world.viewer).post(redrive)
    assert refused.status_code == 403
    assert read(refused).faults() == []
    assert signed_in(world.grid).post(redrive).status_code == 404
    operator = signed_in(world.operator)
    assert operator.get(redrive)["Location"] == page
    assert read(operator.get(page)).all("form", action=redrive)
    answer = operator.post(redrive, follow=True)
    assert "The message is tried again now." in read(answer).text
    assert OutboxMessage.objects.get(pk=dead.pk).state == "PENDING"
    late = operator.post(redrive)
    assert late.status_code == 409
    assert not read(late).all("form", action=redrive)
