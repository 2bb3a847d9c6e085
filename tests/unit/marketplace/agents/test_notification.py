"""Every half hour sold as P415 is told five minutes before its gate closes, or alarmed: on a clock that runs through sales,
cancellations, an unreachable counterparty and ticks that are killed half way."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from flex_engine.simulate.counterparties import Filed
from flex_engine.simulate.counterparties_ecvaa import Book, Ecvaa
from marketplace.agents import notification
from marketplace.agents.notification import SimulatedEcvaa, work
from marketplace.models import AgentDecision, Event, Offer, Order, PositionHeld, PositionNotification
from marketplace.models.notification import sold_periods
from marketplace.queries.attention import operator_items
from marketplace.rules.errors import MarketError
from marketplace.usecases import send_notifications
from marketplace.usecases.resubmit_notification import resubmit_notification
from marketplace.usecases.send_notifications import UnreachableError
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import FIRST, HALF_HOUR, NOW, SECOND

pytestmark = pytest.mark.usefixtures("network")
BSC_GATE = FIRST - timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """The process ends here."""


class Moody(SimulatedEcvaa):
    """A counterparty that can be out of reach, and remembers every byte it was handed."""

    def __init__(self, **rules: Any) -> None:
        self.rules, self.is_down = rules, False
        self.taken: list[tuple[str, bytes]] = []

    def take(self, filed: Filed) -> None:
        if self.is_down:
            raise UnreachableError("no answer")
        self.taken.append((filed.key, filed.raw))

    def book(self, files: Any) -> Book:
        units = frozenset(PositionNotification.objects.values_list("unit", flat=True))
        return Ecvaa(units, **self.rules).book(files)


def states() -> list[tuple[str, str]]:
    return list(
        PositionNotification.objects.order_by("start_at", "planned_at", "revision").values_list("state", "alarm")
    )


def administrator(site: Any) -> Any:
    return market.person(site.organisation, "ADMIN")


def test_a_sale_is_told_hears_silence_and_is_never_called_accepted(site, at):
    market.dispatched(market.confirmed(market.offer(site)))
    for when in (NOW, NOW + MINUTE, SECOND):
        at(when)
        notification.tick()
    assert states() == [("UNCONFIRMED", ""), ("UNCONFIRMED", "")]
    first = PositionNotification.objects.order_by("start_at")[0]
    assert (first.sent_at, first.position_wh, first.label) == (NOW, 200_000, "SIMULATED")
    assert [row.position_wh for row in PositionHeld.objects.all()] == [200_000, 200_000]
    kinds = list(Event.objects.filter(type__startswith="notification").order_by("id").values_list("type", flat=True))
    assert kinds == ["notification.planned", "notification.sent"]
    (decision,) = AgentDecision.objects.filter(subject__startswith="notification")
    assert "silence will not mean acceptance" in decision.why


def test_a_sale_too_late_for_the_gate_is_alarmed_and_not_refused(site, at):
    order = market.confirmed(market.offer(site))
    soon = FIRST - 40 * MINUTE
    market.dispatched(order, market.instruction("400", at=soon), now=soon)
    at(soon)
    notification.tick()
    notification.tick()
    assert states() == [("MISSED", "MISSED"), ("SENT", "")]
    (item,) = [one for one in operator_items(administrator(site), soon) if one.route == "reconciliation-place"]
    assert item.text == "1 position notification of Leeds 1 was missed"
    assert (item.tone, "V__CACO" in item.why) == ("bad", True)


def test_an_exception_is_alarmed_with_its_reason(site):
    market.dispatched(market.confirmed(market.offer(site)))
    counterparty = Moody(exceptions_per_mille=1000)
    work(counterparty, now=NOW, since=NOW - timedelta(days=1))
    work(counterparty, now=NOW + MINUTE, since=NOW + MINUTE - timedelta(days=1))
    assert states() == [("EXCEPTION", "EXCEPTION")] * 2
    row = PositionNotification.objects.first()
    assert row is not None
    assert row.exception_reason == "The file could not be applied; submit it again."
    decisions = AgentDecision.objects.filter(subject=f"notification:{row.key}", saw__contains="exception")
    assert [one.why for one in decisions] == [row.exception_reason]
    assert Event.objects.filter(type="notification.exception").count() == 2
    person = administrator(site)
    assert [one.text for one in operator_items(person, NOW) if one.route == "reconciliation-place"] == [
        "2 position notifications of Leeds 1 came back with an exception"
    ]
    counterparty.rules = {}
    for row in list(PositionNotification.objects.all()):
        again = resubmit_notification(notification=row, user=person, now=NOW + 2 * MINUTE)
        assert again.pk == resubmit_notification(notification=row, user=person, now=NOW + 2 * MINUTE).pk
    work(counterparty, now=NOW + 2 * MINUTE, since=NOW + 2 * MINUTE - timedelta(days=1))
    assert states() == [("EXCEPTION", "EXCEPTION"), ("SENT", "")] * 2
    assert [one for one in operator_items(person, NOW) if one.route == "reconciliation-place"] == []
    with pytest.raises(MarketError, match="did not come back"):
        resubmit_notification(notification=row, user=person, now=NOW + 3 * MINUTE)


def sale(site: Any, random: Random, now: datetime) -> None:
    """A wholesale order for a few half hours, some so near that it is too late; written as rows."""
    first = now.replace(minute=0, second=0) + random.randrange(0, 14) * HALF_HOUR
    offer = market.offer(
        site, start=first, periods=random.randrange(1, 4), product="P415_WHOLESALE", state=Offer.State.SOLD
    )
    order = Order.objects.create(
        offer=offer, buyer_subscriber_id=market.BUYER, transaction_id=offer.pk, state="CONFIRMED", quote_pence=1,
        utilisation_price_gbp_per_kwh=1, shortfall_penalty_gbp_per_kwh=1, terms_digest="", quote_expires_at=now,
        created_at=now, confirmed_at=now,
    )  # fmt: skip
    for row in offer.periods.all():
        order.periods.create(start_at=row.start_at, ordered_kw=Decimal(random.randrange(1, 400)))


def happen(site: Any, counterparty: Moody, random: Random, now: datetime) -> None:
    """Perhaps a sale, perhaps a cancellation, perhaps the counterparty goes away or comes back."""
    if random.random() < 0.25:
        sale(site, random, now)
    confirmed = Order.objects.filter(state="CONFIRMED").order_by("pk")
    if random.random() < 0.08 and confirmed:
        Order.objects.filter(pk=random.choice(list(confirmed)).pk).update(state="CANCELLED")
    if random.random() < 0.15:
        counterparty.is_down = not counterparty.is_down


def tick(counterparty: Moody, random: Random, now: datetime, monkeypatch: pytest.MonkeyPatch) -> bool:
    """One round, killed now and then before what was sent is written down. Whether it went through."""
    with monkeypatch.context() as patched:
        if random.random() < 0.15:

            def die(*_: Any, **__: Any) -> None:
                raise Killed

            patched.setattr(send_notifications, "write_down", die)
        try:
            work(counterparty, now=now, since=now - timedelta(days=1))
        except Killed:
            return False
    return not counterparty.is_down


@pytest.mark.parametrize("seed", range(4))
def test_every_sold_half_hour_is_told_in_time_or_alarmed(site, seed, monkeypatch):
    random, counterparty = Random(seed), Moody()
    market.plan(site)
    now, calm = NOW, {}
    for _ in range(50):
        happen(site, counterparty, random, now)
        wanted = Counter[datetime]()
        for sold in sold_periods(since=NOW - timedelta(days=1)):
            wanted[sold.start] += 0 if sold.is_cancelled else sold.position_wh
        if tick(counterparty, random, now, monkeypatch):
            calm |= {start: volume for start, volume in wanted.items() if now <= start - 65 * MINUTE}
        now += timedelta(seconds=random.randrange(60, 900))
    counterparty.is_down = False
    work(counterparty, now=now + timedelta(hours=12), since=now + timedelta(hours=12) - timedelta(days=1))
    check(wanted, calm)
    copies = {(key, raw) for key, raw in counterparty.taken}
    assert len({key for key, _ in copies}) == len(copies), "the same key always came with the same bytes"
    assert len(counterparty.taken) > len(copies) or seed != 0


def check(wanted: Counter[datetime], calm: dict[datetime, int]) -> None:
    """Hold each period to the rule, worked out from what was sold and from the clock alone."""
    told_in_time = alarmed = 0
    for start, volume in wanted.items():
        rows = PositionNotification.objects.filter(start_at=start).order_by("revision")
        gate = start - timedelta(hours=1)
        in_time = [row.position_wh for row in rows if row.sent_at and row.sent_at <= gate - 5 * MINUTE]
        if (in_time[-1] if in_time else 0) == volume:
            told_in_time += 1
        else:
            assert any(row.alarm for row in rows), f"{start} was sold, not told in time, and nobody was alarmed"
            alarmed += 1
        if calm.get(start) == volume:
            assert in_time[-1:] == [volume] or volume == 0, f"{start} could have been told"
        assert all(row.sent_at is None or row.sent_at < gate for row in rows), "nothing goes out after the gate"
        assert all(row.state in ("UNCONFIRMED", "MISSED", "WITHDRAWN") for row in rows)
    assert told_in_time > 0
    assert alarmed > 0
    payloads = [bytes(event.payload) for event in Event.objects.filter(type="notification.alarm")]
    for row in PositionNotification.objects.exclude(alarm=""):
        assert AgentDecision.objects.filter(subject=f"notification:{row.key}", decided__contains="alarm").exists()
        assert any(row.key.encode() in payload for payload in payloads)


def test_a_clock_that_jumped_or_an_outage_of_weeks_hides_nothing(site, at):
    """The market's clock of a demonstration jumps over months; a worker may have been away as long."""
    told = market.dispatched(market.confirmed(market.offer(site)))
    at(NOW)
    notification.tick()
    later = market.site(site.organisation, "leeds-2")
    market.dispatched(market.confirmed(market.offer(later)), market.instruction("400", identity="d-2"))
    at(NOW + timedelta(days=40))
    notification.tick()
    assert states() == [("UNCONFIRMED", ""), ("MISSED", "MISSED")] * 2
    assert PositionHeld.objects.filter(site=told.order.offer.site).count() == 2
    notification.tick()
    assert (PositionNotification.objects.count(), PositionHeld.objects.count()) == (4, 2)
