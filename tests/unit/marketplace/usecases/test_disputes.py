"""From a claim to a decision: who may, once only, in time; and an amendment that is worked out, never written by hand."""

from __future__ import annotations

import copy
from datetime import timedelta

import orjson
import pytest
from django.db import transaction

from marketplace.ledger.log import as_bytes
from marketplace.models import Dispute, Event, EventDay, MeterReading, Order, SettlementStatement
from marketplace.queries.sentences import sentence
from marketplace.rules.errors import MarketError
from marketplace.usecases.amend_dispute import Correction
from marketplace.usecases.open_dispute import Evidence
from marketplace.usecases.resettle import resettle
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.conftest import events_of, join_the_network
from tests.unit.marketplace.usecases.disputed import LATER, METERED, SPOILT, Table
from tests.unit.marketplace.usecases.market import BUYER, END, FIRST

SHA = "ab" * 32


@pytest.fixture(scope="module")
def sold(django_db_setup, django_db_blocker):
    """The two parties and their statement, made once."""
    with django_db_blocker.unblock(), transaction.atomic():
        join_the_network()
        found = Table(market.site(market.organisation()))
        found.buyer_is_here()
        yield found
        transaction.set_rollback(True)


@pytest.fixture
def table(sold, db):
    """The same; what a test changes in it is rolled back after that test."""
    found = copy.copy(sold)
    found.people = dict(sold.people)
    return found


def refused(call, *args, **kwargs):
    with pytest.raises(MarketError) as caught:
        call(*args, **kwargs)
    return caught.value


def payload(kind):
    return orjson.loads(as_bytes(Event.objects.filter(type=kind).latest("id").payload))


def test_a_dispute_states_its_claim_its_worth_and_its_deadline(table):
    dispute = table.open(evidence=Evidence("meter-log.csv", SHA))
    assert (dispute.state, dispute.side, dispute.difference_pence) == ("OPEN", "BUYER", -500)
    assert (dispute.stated_value, dispute.unit) == (table.statement.amount_pence, "PENCE")
    assert dispute.response_due_at.isoformat() == "2024-01-31T00:00:00+00:00"
    assert events_of(f"order:{table.order.pk}")[-1] == "dispute.opened"
    told = payload("dispute.opened")
    assert (told["statement"], told["evidence_sha256"]) == (str(table.statement.pk), SHA)
    assert set(Event.objects.get(type="dispute.opened").organisations.all()) == {table.seller, table.buyer}


def test_energy_of_one_half_hour_is_valued_at_the_order_s_rates(table):
    line = table.statement.lines.get(start_at=FIRST)
    claimed = line.eligible_wh + 10_000
    dispute = table.open(by=table.seller, periods=[(settled.DAY, 35)], unit="WH", claimed_value=claimed)
    assert (dispute.stated_value, dispute.claimed_value) == (line.eligible_wh, claimed)
    assert dispute.difference_pence in {349, 350, 351}  # 10 kWh at 25 p and 10 p, each side rounded once
    assert [one.settlement_period for one in dispute.lines.all()] == [35]


def test_the_same_dispute_twice_is_one_and_another_over_the_same_lines_is_refused(table):
    first = table.open(periods=[(settled.DAY, 35)], claimed_value=0)
    assert table.open(periods=[(settled.DAY, 35)], claimed_value=0).pk == first.pk
    assert Event.objects.filter(type="dispute.opened").count() == 1
    assert refused(table.open, claimed_value=0).code == "DISPUTE_OVERLAPS"
    assert refused(table.open, periods=[(settled.DAY, 35)], claimed_value=1).code == "DISPUTE_OVERLAPS"
    table.open(periods=[(settled.DAY, 36)], claimed_value=0)
    table.open(by=table.seller, claimed_value=10_000)
    assert Dispute.objects.count() == 3


BAD = {
    "reason": ({"reason": "WEATHER"}, "BASELINE_INPUT"),
    "unit": ({"unit": "KWH"}, "PENCE or WH"),
    "words": ({"words": " "}, "1 to 1000"),
    "evidence_sha256": ({"evidence": Evidence("file.csv", "AB" * 32)}, "64 hexadecimal"),
    "evidence_reference": ({"evidence": Evidence("", SHA)}, "belong together"),
    "periods": ({"periods": [(settled.DAY, 20)]}, "SP 20"),
    "claimed_value": ({"unit": "WH", "claimed_value": 400_001}, "400000 Wh"),
}


def test_a_bad_field_is_named_and_nothing_is_opened(table):
    for field, (changes, words) in BAD.items():
        error = refused(table.open, **changes)
        assert error.code.startswith("BAD_")
        assert error.details["column"] == field
        assert words in str(error)
    assert not Dispute.objects.exists()


def test_only_a_party_with_the_role_opens_and_only_in_time(table):
    stranger = market.organisation("Elsewhere", "GRID")
    table.people[stranger] = market.person(stranger, "ADMIN")
    assert refused(table.open, by=stranger).code == "NOT_ALLOWED"
    table.people[table.buyer] = market.person(market.organisation("Third", "GRID"), "ADMIN")
    assert refused(table.open).code == "NOT_ALLOWED"
    table.people[table.buyer] = market.person(table.buyer, "VIEWER")
    assert refused(table.open).code == "NOT_ALLOWED"
    late = END + timedelta(days=29)
    assert refused(table.open, by=table.seller, now=late).code == "DISPUTE_TOO_LATE"


def test_a_buyer_elsewhere_is_no_party_here_and_its_answer_is_written_down_by_the_seller(table):
    Order.objects.update(buyer_subscriber_id=BUYER)
    assert refused(table.open).code == "NOT_ALLOWED"
    dispute = table.open(by=table.seller)
    answered = table.step(dispute, "RESPOND", table.seller, words="Ticket 7: the buyer agrees.", agrees=True)
    assert (answered.state, answered.answer_agrees) == ("ANSWERED", True)


def test_answer_uphold_and_every_event(table):
    dispute = table.open()
    assert refused(table.step, dispute, "RESPOND", table.buyer, agrees=True).code == "DISPUTE_TURN"
    assert refused(table.step, dispute, "RESPOND", table.seller).code == "BAD_ANSWER"
    answered = table.step(dispute, "RESPOND", table.seller, agrees=False)
    assert table.step(dispute, "RESPOND", table.seller, agrees=False).pk == answered.pk, "sent twice"
    closed = table.step(dispute, "UPHOLD", table.buyer, words="We accept that.")
    assert (closed.state, closed.closed_at, closed.amended_by) == ("UPHELD", LATER, None)
    assert events_of(f"order:{table.order.pk}")[-3:] == ["dispute.opened", "dispute.answered", "dispute.upheld"]
    assert refused(table.step, dispute, "ESCALATE", table.buyer, words="No.").code == "DISPUTE_STATE"
    assert SettlementStatement.objects.count() == 1
    said = [sentence(row.type, as_bytes(row.payload)) for row in Event.objects.filter(type__startswith="dispute.")]
    assert sorted(said) == [
        "The buyer disputes run II, version 1 (meter gap): −£5.00 claimed.",
        "The buyer upholds run II: the statement stands.",
        "The seller objects to the dispute over run II.",
    ]
    assert table.open(claimed_value=1).state == "OPEN", "what was decided may be disputed on other grounds"


def test_an_amendment_carries_readings_and_the_statement_is_worked_out_from_them(table):
    dispute = table.open()
    table.step(dispute, "RESPOND", table.seller, agrees=True)
    correction = Correction(readings=[(FIRST, 360_001)], source="meter operator's revision 2")
    amended = table.amend(dispute, correction)
    made = amended.amended_by
    assert (amended.state, made.reason, made.version, made.supersedes_id) == (
        "AMENDED",
        "DISPUTE",
        2,
        table.statement.pk,
    )
    readings = settled.history() | METERED | {FIRST: 360_001}
    assert (made.payment_pence, made.penalty_pence) == settled.amounts_pence(readings, instructed_wh=200_000)
    assert made.delta_pence == made.amount_pence - table.statement.amount_pence == -1050
    told = payload("dispute.amended")
    assert sentence("dispute.amended", orjson.dumps(told)).endswith(
        "a new statement, −£10.50 against the disputed one."
    )
    assert (told["delta_pence"], told["readings"]) == ("-1050", "1")
    assert told["readings_sha256"] == payload("meter.recorded")["sha256"]
    assert refused(table.open, claimed_value=7).code == "STATEMENT_SUPERSEDED"
    assert table.amend(dispute, correction).amended_by == made, "sent twice"
    assert SettlementStatement.objects.count() == 2
    again = resettle(activation=made.activation, reason="NEW_READINGS", now=LATER + timedelta(days=1))
    assert again.pk == made.pk, "the correction stays for every later run"


def test_an_amendment_by_a_missing_event_day(table):
    dispute = table.open(by=table.seller, reason="EVENT_DAY_MISSING", claimed_value=table.statement.amount_pence + 900)
    table.step(dispute, "RESPOND", table.buyer, agrees=True)
    made = table.amend(dispute, Correction(event_days=[SPOILT])).amended_by
    found = {line.start_at: line.baseline_wh for line in made.lines.all()}
    assert found == settled.baseline_wh(settled.history() | METERED, events=[SPOILT])
    assert SPOILT.isoformat() not in made.baseline_facts["days_used"]
    assert EventDay.objects.get().known_at == LATER
    assert refused(table.amend, table_again(table), Correction(event_days=[LATER.date()])).code == "BAD_EVENT_DAY"


def table_again(table):
    table.statement = SettlementStatement.objects.latest("sequence")
    dispute = table.open(now=LATER, claimed_value=3)
    return table.step(dispute, "RESPOND", table.seller, agrees=True)


def test_an_amendment_that_changes_nothing_is_refused_and_records_nothing(table):
    dispute = table.open()
    table.step(dispute, "RESPOND", table.seller, agrees=True)
    readings, count = MeterReading.objects.count(), Event.objects.count()
    unused = FIRST - timedelta(days=30)  # no day of the baseline
    error = refused(table.amend, dispute, Correction(readings=[(unused, 1)]))
    assert error.code == "AMENDS_NOTHING"
    assert (MeterReading.objects.count(), Event.objects.count()) == (readings, count)
    assert refused(table.amend, dispute, Correction(readings=[(FIRST, -1)])).code == "BAD_READING"
    assert Dispute.objects.get().state == "ANSWERED"


def test_a_correction_that_was_recorded_meanwhile_is_what_amends(table):
    """The readings were revised by themselves and the statement superseded: the dispute is decided by that statement."""
    dispute = table.open()
    table.step(dispute, "RESPOND", table.seller, agrees=True)
    assert refused(table.amend, dispute, Correction()).code == "AMENDS_NOTHING"
    market.metered(table.site, {FIRST: 360_001}, known_at=LATER)
    later = resettle(activation=table.statement.activation, reason="NEW_READINGS", now=LATER)
    assert refused(table.amend, dispute, Correction(readings=[(FIRST, 360_001)])).code == "AMENDS_NOTHING"
    amended = table.amend(dispute, Correction(readings=[], source="as recorded", event_days=[]))
    assert (amended.state, amended.amended_by) == ("AMENDED", later)
    assert payload("dispute.amended")["delta_pence"] == "-1050"
    assert SettlementStatement.objects.count() == 2


def test_only_the_seller_amends_and_not_over_an_objection_to_its_own_dispute(table):
    mine = table.open()
    table.step(mine, "RESPOND", table.seller, agrees=False)
    assert refused(table.amend, mine, Correction(readings=[(FIRST, 1)]), by=table.buyer).code == "DISPUTE_TURN"
    table.step(mine, "UPHOLD", table.buyer)
    theirs = table.open(by=table.seller, claimed_value=9_999)
    table.step(theirs, "RESPOND", table.buyer, agrees=False)
    revised = Correction(readings=[(FIRST, 300_001)])
    assert refused(table.amend, theirs, revised).code == "DISPUTE_TURN"
    table.step(theirs, "ESCALATE", table.seller)
    assert table.amend(theirs, revised).state == "AMENDED"
