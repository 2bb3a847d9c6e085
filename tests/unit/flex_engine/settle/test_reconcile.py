"""Four views of a sale: each kind of fault is found where it is with its cause, and days that agree are left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.settle.reconcile import differences, reconcile
from flex_engine.settle.reconcile_views import Accepted, Cause, Notified, Settled, Traded, Views
from flex_engine.simulate.day_faults import FAULTS, Fault
from flex_engine.simulate.fault_campaign import play
from flex_engine.simulate.traded_days import clean, views_of

UNIT, OTHER = "V__CACO001", "V__CACO002"
FIVE = datetime(2026, 1, 15, 17, tzinfo=UTC)
LONG_AFTER = FIVE + timedelta(days=90)
TRADE = Traded("t1", UNIT, FIVE, 200_000)
TOLD = Notified("k1", UNIT, FIVE, 1, 200_000, FIVE - timedelta(hours=3))


def causes(views: Views, as_of: datetime = LONG_AFTER) -> list[Cause]:
    return [one.cause for one in differences(reconcile(views, as_of=as_of))]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_each_fault_is_found_where_it_is_with_its_cause(fault: Fault, seed: int) -> None:
    random = Random(seed)
    spoiled, beside = clean(UNIT, random), clean(OTHER, random)
    where = fault.spoil(spoiled, random)
    views, as_of = views_of([spoiled, beside], seed=seed)
    found = differences(reconcile(views, as_of=as_of))
    assert {(one.unit, one.start, one.cause) for one in found} == {(UNIT, start, fault.cause) for start in where}
    assert all(UNIT in one.says and one.says.endswith(".") for one in found)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), units=st.integers(1, 5))
def test_days_on_which_all_agree_have_no_difference(seed: int, units: int) -> None:
    random = Random(seed)
    views, as_of = views_of([clean(f"V__SIM{number:03d}", random) for number in range(units)], seed=seed)
    rows = reconcile(views, as_of=as_of)
    assert differences(rows) == ()
    assert all(row.traded_wh == row.notified_wh == row.accepted_wh == row.settled_wh for row in rows)
    assert len(rows) >= 3 * units


def test_there_are_faults_of_every_cause_but_those_the_simulators_never_make() -> None:
    assert len({fault.cause for fault in FAULTS}) >= 12
    assert {fault.cause for fault in FAULTS} == set(Cause) - {Cause.HELD_NOT_NOTIFIED, Cause.SETTLED_NOT_TRADED}


def test_a_slice_of_the_campaign() -> None:
    for seed in range(40):
        case = play(seed)
        for unit, (_, wanted) in case.put_in.items():
            assert case.found_of(unit) == wanted


def test_what_is_not_due_is_no_difference() -> None:
    views = Views(traded=(TRADE,), settled_due={(UNIT, FIVE): LONG_AFTER})
    assert causes(views, FIVE - timedelta(minutes=66)) == []
    assert causes(views, FIVE - timedelta(minutes=65)) == [Cause.NOTIFICATION_MISSING]
    told = Views(traded=(TRADE,), notified=(TOLD,), settled_due={(UNIT, FIVE): LONG_AFTER})
    assert causes(told, LONG_AFTER - timedelta(seconds=1)) == []
    assert causes(told, LONG_AFTER) == [Cause.SETTLEMENT_MISSING]
    assert causes(told, TOLD.sent_at - timedelta(seconds=1)) == []
    assert causes(replace(told, unmetered=frozenset({(UNIT, FIVE)}))) == [Cause.METER_GAP]


def test_held_or_settled_out_of_nothing() -> None:
    held = Views(accepted=(Accepted(UNIT, FIVE, 100),), accepted_at=LONG_AFTER)
    assert causes(held) == [Cause.HELD_NOT_NOTIFIED]
    assert causes(Views(settled=(Settled("t9", UNIT, FIVE, 100, "II"),))) == [Cause.SETTLED_NOT_TRADED]
    both = Views(traded=(TRADE,), settled=(Settled("t1", UNIT, FIVE, 200_000, "II"),))
    assert causes(both) == [Cause.NOTIFICATION_MISSING], "settled between buyer and seller all the same"


def test_a_revision_puts_an_exception_right_and_takes_a_cancelled_trade_back() -> None:
    refused = Notified("k1", UNIT, FIVE, 1, 200_000, FIVE - timedelta(hours=3), "The file could not be applied.")
    again = Notified("k2", UNIT, FIVE, 2, 200_000, FIVE - timedelta(hours=2))
    held = (Accepted(UNIT, FIVE, 200_000),)
    assert causes(Views((TRADE,), (refused, again), held, accepted_at=LONG_AFTER)) == []
    gone = Traded("t1", UNIT, FIVE, 200_000, cancelled=True)
    back = Notified("k2", UNIT, FIVE, 2, 0, FIVE - timedelta(hours=2))
    assert causes(Views((gone,), (TOLD, back), accepted_at=LONG_AFTER)) == []
    assert causes(Views((gone,), (TOLD,))) == [Cause.TRADED_AFTER_CANCELLATION]


def test_two_faults_of_one_half_hour_are_both_told() -> None:
    late = Notified("k1", UNIT, FIVE, 1, 400_000, FIVE - timedelta(minutes=61))
    assert causes(Views((TRADE,), (late,))) == [Cause.NOTIFICATION_LATE, Cause.MW_FOR_MWH]
