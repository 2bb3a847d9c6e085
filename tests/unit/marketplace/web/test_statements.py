"""Statements and disputes in the browser: what a party and an auditor see, take away and do, and what is refused in words."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.models import Dispute, Event, Membership, SettlementStatement, User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World

SignedIn = Callable[[User], Client]
CLAIM = {"reason": "METER_GAP", "unit": "PENCE", "claimed_value": "1.50", "words": "The meter stood still."}


def listed(client: Client, query: str = "") -> list[str]:
    page = read(client.get(reverse("statements") + query))
    return [cell.text[:8] for cell in page.all("td") if cell.attributes.get("data-name") == "Statement"]


def test_both_parties_and_the_auditor_list_it_with_totals_and_others_do_not(world: World, signed_in: SignedIn) -> None:
    short = str(world.statement.pk)[:8]
    for person in (world.operator, world.grid, world.viewer):
        assert listed(signed_in(person)) == [short]
    assert set(listed(signed_in(world.auditor))) == {short, str(world.foreign["statement"].pk)[:8]}
    assert short not in listed(signed_in(world.other))
    page = read(signed_in(world.grid).get(reverse("statements"))).text
    pounds = f"£{world.statement.amount_pence // 100}.{world.statement.amount_pence % 100:02d}"
    assert pounds in page
    claimed = sum(abs(one.difference_pence) for one in world.disputes.values())
    assert f"£{claimed // 100}.{claimed % 100:02d}" in page


def test_the_list_s_download_holds_what_is_listed(world: World, signed_in: SignedIn) -> None:
    client = signed_in(world.auditor)
    for query in ("", "?run=II&state=ALL", "?disputed=yes", "?run=R1"):
        answer = client.get(reverse("statements-csv") + query)
        rows = list(csv.DictReader(answer.getvalue().decode().splitlines()))
        assert [row["statement"][:8] for row in rows] == listed(client, query)
    rows = list(csv.DictReader(client.get(reverse("disputes-csv")).getvalue().decode().splitlines()))
    assert {row["dispute"] for row in rows} == {str(one.pk) for one in Dispute.objects.all()}
    assert all(row["difference_pence"] for row in rows)


def test_the_files_say_what_the_page_says(world: World, signed_in: SignedIn) -> None:
    client, pk = signed_in(world.grid), world.statement.pk
    page = read(client.get(reverse("statement", args=[pk])))
    document = json.loads(client.get(reverse("statement-file", args=[pk, "json"])).content)
    assert document["totals"]["amount_pence"] == world.statement.amount_pence
    rows = list(
        csv.DictReader(client.get(reverse("statement-file", args=[pk, "csv"])).getvalue().decode().splitlines())
    )
    shown = [cell.text for cell in page.all("td") if cell.inside("table")]
    for row, period in zip(rows, document["periods"], strict=True):
        assert int(row["metered_wh"]) == period["metered"]["value_wh"]
        assert f"{int(row['metered_wh']) / 1000:g}" in shown
    pdf = client.get(reverse("statement-file", args=[pk, "pdf"]))
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf["Content-Disposition"].endswith('-II-1.pdf"')
    assert pdf.content == client.get(reverse("statement-file", args=[pk, "pdf"])).content
    assert client.get(reverse("statement-file", args=[pk, "doc"])).status_code == 404
    assert client.get(reverse("statement-file", args=[world.foreign["statement"].pk, "json"])).status_code == 404


def test_a_statement_of_an_order_that_was_never_called_is_read_and_taken_away(
    world: World, signed_in: SignedIn
) -> None:
    """Nothing was metered: no period, no baseline and no delivery is shown, and no energy can be claimed."""
    order = world.statement.order
    SettlementStatement.objects.filter(pk=world.statement.pk).update(
        activation=None, label="AGREED", baseline_method=""
    )
    Dispute.objects.all().delete()
    order.activations.all().delete()
    world.statement.lines.all().delete()
    client, pk = signed_in(world.operator), world.statement.pk
    text = read(client.get(reverse("statement", args=[pk]))).text
    assert "None: the order stood ready and was not called" in text
    assert "Nothing was called" in text
    assert "Settlement periods" not in text
    assert "Baseline" not in text
    assert "Settled for standing ready, without a dispatch" in read(client.get(reverse("order", args=[order.pk]))).text
    assert json.loads(client.get(reverse("statement-file", args=[pk, "json"])).content)["settles"] == "ORDER"
    assert b"none: nothing was metered" in client.get(reverse("statement-file", args=[pk, "pdf"])).content
    assert len(client.get(reverse("statement-file", args=[pk, "csv"])).getvalue().splitlines()) == 1
    assert "Which settlement periods" not in read(client.get(reverse("statement-dispute", args=[pk]))).text
    refused = client.post(reverse("statement-dispute", args=[pk]), CLAIM | {"unit": "WH"})
    assert "settles no energy" in read(refused).text
    assert listed(client) == [str(pk)[:8]]


def test_a_form_with_a_mistake_names_the_field_and_keeps_what_was_typed(world: World, signed_in: SignedIn) -> None:
    Dispute.objects.all().delete()
    client, path = signed_in(world.grid), reverse("statement-dispute", args=[world.statement.pk])
    before = Event.objects.count()
    for field, value in [
        ("reason", ""), ("unit", "x"), ("claimed_value", "ten"), ("claimed_value", "1.234"), ("claimed_value", "9" * 20),
        ("words", ""), ("evidence_sha256", "zz"), ("periods", "2024-01-16/77"), ("periods", "x"),
    ]:  # fmt: skip
        typed = CLAIM | {"words": "Kept as typed."} | {field: value}
        answer = client.post(path, typed)
        page = read(answer)
        assert answer.status_code == 422, (field, value)
        assert page.faults() == [], (field, value)
        assert page.problems(), (field, value)
        assert field == "words" or "Kept as typed." in page.text
    assert (Dispute.objects.count(), Event.objects.count()) == (0, before)


def test_a_buyer_opens_a_seller_answers_and_the_buyer_upholds(world: World, signed_in: SignedIn) -> None:
    Dispute.objects.all().delete()
    grid, operator = signed_in(world.grid), signed_in(world.operator)
    line = world.statement.lines.order_by("start_at")[0]
    periods = f"{line.settlement_date}/{line.settlement_period}"
    opened = grid.post(
        reverse("statement-dispute", args=[world.statement.pk]), CLAIM | {"unit": "WH", "claimed_value": "1.5", "periods": periods}
    )  # fmt: skip
    dispute = Dispute.objects.get()
    assert opened["Location"] == reverse("dispute", args=[dispute.pk])
    assert (dispute.claimed_value, dispute.side, dispute.lines.get()) == (1_500, "BUYER", line)
    page = read(grid.get(opened["Location"]))
    assert "The next step is the other party’s, by the end of " in page.text
    assert not [form for form in page.all("form", method="post") if "dispute" in form.attributes.get("action", "")]
    respond, uphold = (reverse("dispute-step", args=[dispute.pk, step]) for step in ("respond", "uphold"))
    unsaid = operator.post(respond, {"words": "No."})
    assert unsaid.status_code == 422
    assert "agrees" in read(unsaid).problems()[0]
    assert operator.post(respond, {"words": "The log shows none.", "agrees": "no"}, follow=True).status_code == 200
    early = operator.post(uphold, {"words": "So it stands."})
    assert early.status_code == 409
    assert read(early).faults() == []
    done = grid.post(uphold, {"words": "Agreed."}, follow=True)
    assert "The statement stands, and the dispute is closed." in read(done).text
    assert Dispute.objects.get().state == "UPHELD"
    assert grid.get(uphold)["Location"] == reverse("dispute", args=[dispute.pk])


def test_an_amendment_that_cannot_be_is_told_by_its_field(world: World, signed_in: SignedIn) -> None:
    found = Dispute.objects.get(pk=world.disputes["open"].pk)
    Dispute.objects.filter(pk=found.pk).update(state="ANSWERED", answer_agrees=True)
    client, path = signed_in(world.operator), reverse("dispute-step", args=[found.pk, "amend"])
    for typed, field in [
        ({"readings": "yesterday, 5"}, "readings"), ({"readings": "2024-01-16T09:00:00Z, -5"}, "readings"),
        ({"readings": "2024-01-16T09:00, 5"}, "readings"), ({"event_day": "soon"}, "event_day"), ({"event_day": "2030-01-01"}, "event_day"),
    ]:  # fmt: skip
        answer = client.post(path, {"words": "Revised."} | typed)
        page = read(answer)
        assert answer.status_code == 422, typed
        assert page.faults() == []
        assert [link for link in page.all("a") if link.attributes.get("href") == f"#{field}"], typed
    assert (SettlementStatement.objects.count(), Dispute.objects.get(pk=found.pk).state) == (2, "ANSWERED")


def test_who_may_not_write_is_told_so_and_changes_nothing(world: World, signed_in: SignedIn) -> None:
    statement, dispute = world.statement.pk, world.disputes["open"].pk
    writes = {
        reverse("statement-dispute", args=[statement]): CLAIM,
        reverse("dispute-step", args=[dispute, "respond"]): {"words": "x", "agrees": "no"},
        reverse("dispute-step", args=[dispute, "amend"]): {"words": "x"},
    }
    before = sorted(Dispute.objects.values_list("pk", "state")), Event.objects.count()
    for path, typed in writes.items():
        answer = signed_in(world.viewer).post(path, typed)
        assert answer.status_code == 403, path
        assert read(answer).faults() == []
        assert signed_in(world.auditor).post(path, typed).status_code == 404
        assert signed_in(world.other).post(path, typed).status_code == 404
        assert Client().post(path, typed)["Location"].startswith("/sign-in")
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(world.operator)
        assert strict.post(path, typed).status_code == 403
    assert (sorted(Dispute.objects.values_list("pk", "state")), Event.objects.count()) == before
    Membership.objects.filter(user=world.operator).update(role="TRADER")
    Dispute.objects.filter(pk=dispute).update(state="ANSWERED", answer_agrees=True)
    answer = signed_in(world.operator).post(reverse("dispute-step", args=[dispute, "amend"]), {"words": "x"})
    assert answer.status_code == 403, "only who settles amends"


@pytest.mark.parametrize("who", ["operator", "grid"])
def test_money_in_dispute_is_shown_apart_where_money_is_shown(world: World, signed_in: SignedIn, who: str) -> None:
    client = signed_in(getattr(world, who))
    amount = f"£{world.statement.amount_pence // 100}.{world.statement.amount_pence % 100:02d}"
    total = sum(abs(one.difference_pence) for one in world.disputes.values())
    claimed = f"£{total // 100}.{total % 100:02d}"
    paths = [reverse("statement", args=[world.statement.pk])]
    if who == "operator":
        paths += [reverse("order", args=[world.orders["settled"].pk]), "/"]
    for path in paths:
        text = read(client.get(path)).text
        assert amount in text, path
        assert claimed in text, path


def test_home_names_the_disputes_whose_next_step_is_ours(world: World, signed_in: SignedIn) -> None:
    asked, decided = (reverse("dispute", args=[world.disputes[key].pk]) for key in ("open", "answered"))
    page = read(signed_in(world.operator).get("/"))
    links = [link.attributes["href"] for link in page.all("a")]
    assert {asked, decided} <= set(links)
    for step in ("answer", "decision"):
        assert f"A dispute over Leeds 1 waits for your {step}" in page.text
    grid = signed_in(world.grid)
    assert "waits for your decision" not in read(grid.get("/")).text, "the seller has not answered it yet"
    late = world.disputes["open"].opened_at
    Dispute.objects.filter(pk=world.disputes["open"].pk).update(
        state="ANSWERED", answer_agrees=False, decision_due_at=late
    )
    assert "A dispute over Leeds 1 waits for your decision" in read(grid.get("/")).text
