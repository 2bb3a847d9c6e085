"""A settlement is corrected by a new statement that supersedes: in the order of the runs, exact to the penny, told and logged."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from beckn.models import OutboxMessage
from beckn.wire import body
from flex_engine.settle.versions import due_at
from marketplace.ledger.log import as_bytes
from marketplace.ledger.settlement import record_key
from marketplace.ledger.verify_settlements import record_checks, statements_check
from marketplace.models import Activation, Event, Order, SettlementProgress, SettlementStatement
from marketplace.rules.errors import MarketError
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.record_settlements import record_settlements
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.ledger.logged import Contract
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, SECOND

pytestmark = pytest.mark.usefixtures("network")
METERED = {FIRST: 330_001, SECOND: 349_999}
HOUR = timedelta(hours=1)
DUE = {run: due_at(settled.DAY, run) for run in ("SF", "R1", "R2", "R3", "RF", "DF")}


@pytest.fixture
def first(site):
    return settle_activation(activation=settled.over(site, metered=METERED), now=END)


def again(first, run=None, *, now=END + HOUR, reason="NEW_READINGS", **more):
    return resettle(activation=first.activation, run=run, reason=reason, now=now, **more)


def revise(first, changes, *, known_at):
    market.metered(first.activation.order.offer.site, changes, known_at=known_at)


def runs_up_to(first, last):
    made = first
    for run, due in DUE.items():
        made = again(first, run, now=due, reason="RUN_DUE")
        if run == last:
            return made
    raise AssertionError(last)


def test_where_nothing_differs_the_same_statement_stands(first):
    revise(first, {FIRST: METERED[FIRST], FIRST - 40 * HOUR * 24: 1}, known_at=END + HOUR)
    assert again(first).pk == first.pk
    assert SettlementStatement.objects.count() == 1
    assert SettlementProgress.objects.get().checked_at == END + HOUR


def test_a_revised_reading_makes_the_next_version_of_the_run_that_stands(first):
    revise(first, {FIRST: 300_001}, known_at=END + HOUR)
    made = again(first)
    assert (made.run, made.version, made.sequence, made.reason) == ("II", 2, 2, "NEW_READINGS")
    assert (made.supersedes_id, made.knowledge_time) == (first.pk, END + HOUR)
    payment, penalty = settled.amounts_pence(settled.history() | METERED | {FIRST: 300_001}, instructed_wh=200_000)
    assert (made.payment_pence, made.penalty_pence) == (payment, penalty)
    assert made.delta_pence == made.amount_pence - first.amount_pence == 1050
    first.refresh_from_db()
    assert first.lines.get(start_at=FIRST).metered_wh == METERED[FIRST]
    assert first.delta_pence is None


def test_a_reading_in_the_baseline_s_days_counts_too(first):
    day_before = FIRST - timedelta(days=1)
    revise(first, {day_before: settled.usual_wh(day_before) + 100_000}, known_at=END + HOUR)
    made = again(first)
    assert made.lines.get(start_at=FIRST).baseline_wh != first.lines.get(start_at=FIRST).baseline_wh


def test_what_was_not_known_by_then_is_not_used(first):
    revise(first, {FIRST: 300_001}, known_at=END + 2 * HOUR)
    assert again(first, now=END + 3 * HOUR, known_at=END + HOUR).pk == first.pk
    assert again(first, now=END + 3 * HOUR).version == 2
    assert again(first, now=END + 4 * HOUR, known_at=END).version == 2, "knowledge never goes back"


def test_a_later_run_is_made_though_nothing_differs(first):
    made = runs_up_to(first, "R1")
    assert (made.run, made.version, made.sequence, made.delta_pence, made.reason) == ("R1", 1, 3, 0, "RUN_DUE")
    assert again(first, "R1", now=DUE["R1"], reason="RUN_DUE").pk == made.pk


def test_an_earlier_run_after_a_later_one_is_refused_in_words(first):
    runs_up_to(first, "R1")
    with pytest.raises(MarketError) as caught:
        again(first, "SF", now=DUE["R1"])
    assert caught.value.code == "RUN_ORDER"
    assert "Run SF comes before R1" in caught.value.message


def test_a_run_is_not_made_before_its_day(first):
    with pytest.raises(MarketError) as caught:
        again(first, "SF", now=DUE["SF"] - timedelta(seconds=1), reason="RUN_DUE")
    assert caught.value.code == "RUN_NOT_DUE"
    assert "2024-02-07" in caught.value.message


def test_without_run_ii_nothing_can_follow(site):
    with pytest.raises(MarketError) as caught:
        resettle(activation=settled.over(site, metered=METERED), run="SF", reason="RUN_DUE", now=DUE["SF"])
    assert caught.value.code == "NOT_SETTLED"


def test_rf_closes_and_a_dispute_opens_df(first):
    closed = runs_up_to(first, "RF")
    progress = SettlementProgress.objects.get()
    assert (progress.next_run, progress.next_due_at) == ("", None)
    after = DUE["RF"] + HOUR
    revise(first, {FIRST: 300_001}, known_at=after)
    for run in (None, "RF"):
        with pytest.raises(MarketError) as caught:
            again(first, run, now=after)
        assert caught.value.code == "RUN_ORDER"
    final = again(first, now=after, reason="DISPUTE")
    assert (final.run, final.version, final.supersedes_id, final.delta_pence) == ("DF", 1, closed.pk, 1050)
    assert again(first, now=after + HOUR, reason="DISPUTE").pk == final.pk
    with pytest.raises(MarketError) as caught:
        again(first, now=DUE["DF"] + 25 * HOUR, reason="DISPUTE")
    assert caught.value.code == "RUN_TOO_LATE"


def test_before_rf_a_dispute_makes_a_new_version_and_no_df(first):
    revise(first, {FIRST: 300_001}, known_at=END + HOUR)
    with pytest.raises(MarketError) as caught:
        again(first, "DF", reason="DISPUTE")
    assert caught.value.code == "RUN_ORDER"
    assert (again(first, reason="DISPUTE").run, SettlementStatement.objects.count()) == ("II", 2)


def test_every_run_and_version_goes_on_chain_behind_the_one_it_supersedes(first):
    revise(first, {FIRST: 300_001}, known_at=END + HOUR)
    again(first)
    runs_up_to(first, "R1")
    anchor_events(now=DUE["R1"])
    assert record_settlements(now=DUE["R1"]) == 4
    Contract().take()  # it refuses an unknown predecessor, and a second successor
    records = [one.record for one in SettlementStatement.objects.order_by("sequence")]
    keys = [record_key(record.settlement_id, record.run) for record in records]
    assert [record.run for record in records] == ["II", "II", "SF", "R1"]
    assert [record.supersedes for record in records] == ["", *keys[:-1]]
    checks = {check.name: check for check in (statements_check(), *record_checks([], {}, ""))}
    assert checks["statements"].held
    assert checks["records"].held
    SettlementStatement.objects.filter(run="SF").update(delta_pence=1)
    assert statements_check().held is False


def test_a_correction_is_logged_and_told_and_moves_no_order(first):
    Order.objects.update(state="SETTLED")
    Activation.objects.update(state="SETTLED")
    version = Order.objects.get().version
    revise(first, {FIRST: 300_001}, known_at=END + HOUR)
    made = again(first)
    told = orjson.loads(as_bytes(Event.objects.filter(type="settlement.statement").order_by("id").last().payload))
    assert (told["statement"], told["supersedes"], told["delta_pence"]) == (str(made.pk), str(first.pk), "1050")
    message = body.parse(bytes(OutboxMessage.objects.order_by("pk").last().raw))["message"]["contract"]
    assert message["performance"][0]["status"]["code"] == "SETTLED"
    assert message["consideration"][0]["considerationAttributes"]["value"] == Decimal(made.amount_pence) / 100
    (entry,) = message["settlements"]
    assert entry["settlementAttributes"]["supersedes"] == str(first.pk)
    assert entry["settlementAttributes"]["auditTrail"] == {"state": "WAITING"}
    order = Order.objects.get()
    assert (order.state, order.version, Activation.objects.get().state) == ("SETTLED", version, "SETTLED")
