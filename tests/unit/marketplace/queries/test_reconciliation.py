"""The page of the four views on a real sale: it agrees, and when a row is spoiled it says which view differs and why."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from flex_engine.settle.reconcile_views import Cause
from flex_engine.settle.versions import due_at
from flex_engine.simulate.counterparties_supplier import Remittance, Supplier
from marketplace import clock
from marketplace.agents.notification import SimulatedEcvaa, work
from marketplace.models import Activation, MeterReading, Organisation, PositionHeld, PositionNotification, StatementLine
from marketplace.queries.reconciliation import Filters, reconciliation
from marketplace.rules.notification import unit_of
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases import test_golden_day as golden_day
from tests.unit.marketplace.usecases.conftest import network, owner, site
from tests.unit.marketplace.usecases.market import END, FIRST, NOW, SECOND
from tests.unit.marketplace.usecases.test_golden_day import trade
from tests.unit.marketplace.web.reading import read

__all__ = ["network", "owner", "site", "trade"]
pytestmark = pytest.mark.usefixtures("network")
AFTER = END + timedelta(days=30)


@pytest.fixture
def activation(site: Any) -> Any:
    """A dispatch of 400 kW that was notified, held, and settled by run II."""
    made = settled.over(site, metered={FIRST: 240_000, SECOND: 260_000})
    for when in (NOW, NOW + timedelta(minutes=1), END):
        work(SimulatedEcvaa(), now=when, since=when - timedelta(days=1))
    settle_activation(activation=made, now=END)
    return made


@pytest.fixture
def person(site: Any) -> Any:
    return market.person(site.organisation, "ADMIN")


def causes(person: Any, **filters: Any) -> list[Cause]:
    found = reconciliation(person, Filters(**filters), now=AFTER)
    return [one.cause for row in found.rows for one in row.differences]


def test_a_sale_that_went_well_agrees_in_all_four(activation, person):
    found = reconciliation(person, Filters(), now=AFTER)
    assert [(row.traded_wh, row.notified_wh, row.held_wh, row.settled_wh) for row in found.rows] == [(200_000,) * 4] * 2
    assert [(row.settlement_period, row.run, row.version, row.settled_label) for row in found.rows] == [
        (35, "II", 1, "MEASURED"),
        (36, "II", 1, "MEASURED"),
    ]
    assert (found.day, found.differing, causes(person)) == (FIRST.date(), 0, [])
    assert (
        causes(market.person(Organisation.objects.create(name="x", slug="x", kind="GRID", created_at=NOW), "ADMIN"))
        == []
    )
    auditor = market.person(market.organisation("Fieldhouse Audit", "AUDITOR"), "AUDITOR")
    assert len(reconciliation(auditor, Filters(site="leeds-1"), now=AFTER).rows) == 2


def test_what_is_spoiled_is_found_with_its_cause(activation, person):
    first = PositionNotification.objects.get(start_at=FIRST)
    for change, cause in (
        ({"position_wh": 400_000}, Cause.MW_FOR_MWH),
        ({"position_wh": -200_000}, Cause.SIGN_FLIPPED),
        ({"sent_at": FIRST - timedelta(minutes=62)}, Cause.NOTIFICATION_LATE),
        ({"state": "MISSED", "sent_at": None}, Cause.NOTIFICATION_MISSING),
    ):
        before = {name: getattr(first, name) for name in change}
        PositionNotification.objects.filter(pk=first.pk).update(**change)
        found = causes(person)
        assert found[0] == cause
        assert set(found[1:]) <= {Cause.VOLUME_WRONG, Cause.HELD_NOT_NOTIFIED, Cause.MW_FOR_MWH, Cause.SIGN_FLIPPED}
        PositionNotification.objects.filter(pk=first.pk).update(**before)
    PositionHeld.objects.filter(start_at=FIRST).delete()
    assert causes(person) == [Cause.NOT_HELD]
    StatementLine.objects.filter(start_at=FIRST).delete()
    assert causes(person) == [Cause.NOT_HELD]  # what is not held need not be settled


def test_an_older_run_is_said_to_be_replaced_and_one_that_is_due_is_missed(activation, person):
    resettle(activation=activation, run="SF", reason="RUN_DUE", now=AFTER)
    assert causes(person) == []
    assert causes(person, run="II") == [Cause.STALE_RUN] * 2
    rows = reconciliation(person, Filters(run="II"), now=AFTER).rows
    assert [row.run for row in rows] == ["II", "II"]
    assert "SF version 1" in rows[0].differences[0].says
    assert causes(person, run="R1") == []  # due 39 working days after, which is not yet
    late = reconciliation(person, Filters(run="R1"), now=END + timedelta(days=80))
    assert {one.cause for row in late.rows for one in row.differences} == {Cause.SETTLEMENT_MISSING}
    MeterReading.objects.filter(start_at=SECOND).delete()
    gap = reconciliation(person, Filters(run="R1"), now=END + timedelta(days=80))
    assert [one.cause for row in gap.rows for one in row.differences] == [Cause.SETTLEMENT_MISSING, Cause.METER_GAP]


def test_page_file_and_api_show_the_same(activation, person, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AFTER)
    PositionNotification.objects.filter(start_at=SECOND).update(position_wh=-200_000)
    client = Client()
    client.force_login(person)
    page = read(client.get("/reconciliation"))
    assert page.faults() == []
    assert "1 of 2 half hours differ" in page.text
    assert "the sign is turned round" in page.text
    assert "Simulated" in page.text
    assert "Sent, unconfirmed" in page.text
    assert "accepted." not in page.text.replace("that a notification is accepted", "")
    text = b"".join(client.get("/reconciliation.csv?day=2024-01-16").streaming_content).decode()
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["cause"] for row in rows] == ["", "SIGN_FLIPPED", "SIGN_FLIPPED"]
    assert (rows[0]["traded_wh"], rows[1]["notified_wh"], rows[0]["run"]) == ("200000", "-200000", "II")
    body = client.get("/api/v1/reconciliation?day=2024-01-16").json()
    assert [[one["cause"] for one in row["differences"]] for row in body["rows"]] == [[], ["SIGN_FLIPPED"] * 2]
    assert (body["differing"], body["rows"][0]["held_wh"]) == (1, 200_000)
    answer = client.get("/reconciliation?day=yesterday&run=ZZ")
    assert answer.status_code == 422
    assert [words.split(".")[0] for words in read(answer).problems()] == ["The day is 'yesterday'", "The run is 'ZZ'"]
    for day in ("yesterday", "0001-01-01", "9999-12-31"):
        assert client.get(f"/api/v1/reconciliation?day={day}").status_code == 422
        assert client.get(f"/reconciliation?day={day}").status_code == 422


def test_what_came_back_is_sent_again_from_the_page(site, person, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    market.dispatched(market.confirmed(market.offer(site)))
    work(SimulatedEcvaa(), now=NOW, since=NOW - timedelta(days=1))
    row = PositionNotification.objects.get(start_at=FIRST)
    PositionNotification.objects.filter(pk=row.pk).update(
        state="EXCEPTION", exception_reason="Submit it again.", alarm="EXCEPTION", alarm_at=NOW, exception_at=NOW
    )
    client = Client()
    client.force_login(person)
    assert f"Send {row.key} again" in client.get("/reconciliation").content.decode()
    answer = client.post(f"/reconciliation/{row.pk}/resubmit")
    assert (answer.status_code, answer["Location"]) == (302, f"/reconciliation/{row.pk}")
    assert client.get(answer["Location"])["Location"] == "/reconciliation?day=2024-01-16&site=leeds-1"
    again = PositionNotification.objects.get(start_at=FIRST, revision=2)
    assert (again.state, again.position_wh) == ("PLANNED", 200_000)
    assert client.get(f"/reconciliation/{again.pk}/file").content == bytes(again.content)
    work(SimulatedEcvaa(), now=NOW, since=NOW - timedelta(days=1))
    refused = client.post(f"/reconciliation/{row.pk}/resubmit")
    assert refused.status_code == 409
    assert "did not come back" in read(refused).problems()[0]
    viewer = Client()
    viewer.force_login(market.person(site.organisation, "VIEWER"))
    assert viewer.post(f"/reconciliation/{row.pk}/resubmit").status_code == 403


def test_a_dispatch_that_was_stood_down_takes_its_position_back_or_is_shown_as_cancelled(site, person):
    for start, stands_down in (
        (FIRST, NOW + timedelta(minutes=5)),
        (FIRST.replace(hour=20), FIRST.replace(hour=19)),
    ):
        order = market.confirmed(market.offer(site, start=start, max_events_per_day=9))
        starts = [row.start_at for row in order.periods.order_by("start_at")]
        made = market.dispatched(order, market.instruction("400", *starts, identity=f"d-{start.hour}"))
        work(SimulatedEcvaa(), now=NOW, since=NOW - timedelta(days=1))
        Activation.objects.filter(pk=made.pk).update(state="ACTIVATION_REJECTED")
        work(SimulatedEcvaa(), now=stands_down, since=stands_down - timedelta(days=1))
    rows = PositionNotification.objects.order_by("start_at", "revision").values_list("position_wh", "state")
    assert list(rows) == [(200_000, "UNCONFIRMED"), (0, "UNCONFIRMED")] * 2 + [
        (200_000, "UNCONFIRMED"),
        (0, "MISSED"),
    ] + [
        (200_000, "SENT"),
        (0, "SENT"),
    ]
    found = reconciliation(person, Filters(day=FIRST.date()), now=FIRST.replace(hour=19, minute=1))
    assert [[one.cause for one in row.differences] for row in found.rows] == [
        [],
        [],
        [Cause.TRADED_AFTER_CANCELLATION],
        [],
    ]


def test_the_golden_day_as_a_wholesale_trade_agrees_in_each_run_and_its_supplier_has_no_query(site, trade, person):
    work(SimulatedEcvaa(), now=golden_day.SOLD, since=golden_day.SOLD - timedelta(days=1))
    work(SimulatedEcvaa(), now=golden_day.END, since=golden_day.END - timedelta(days=1))
    settle_activation(activation=trade, now=golden_day.END)
    for run in golden_day.golden()["runs"][1:]:
        due = due_at(golden_day.DAY, run["run"])
        golden_day.meter(site, run, known_at=due - timedelta(days=1))
        resettle(activation=trade, run=run["run"], reason="RUN_DUE", now=due)
    found = reconciliation(person, Filters(), now=due)
    assert [row.settlement_period for row in found.rows] == [33, 34, 35, 36, 37, 38]
    assert {(row.traded_wh, row.notified_wh, row.held_wh, row.settled_wh, row.run) for row in found.rows} == {
        (250_000, 250_000, 250_000, 250_000, "R1")
    }
    assert found.differing == 0
    assert {
        one.cause for row in reconciliation(person, Filters(run="II"), now=due).rows for one in row.differences
    } == {Cause.STALE_RUN}
    supplier = Supplier("Northern Supply", frozenset({unit_of(site.pk)}), {golden_day.DAY: Decimal("87.21")})
    for statement in trade.statements.all():
        (paid,) = statement.compensation
        volume_wh = int(Decimal(paid["volume_mwh"]) * 10**6)
        told = (unit_of(site.pk), golden_day.STARTS[0], golden_day.DAY, volume_wh, paid["supplier_pence"])
        assert supplier.queries([Remittance("Northern Supply", *told)]) == ()
