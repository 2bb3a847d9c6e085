"""Availability, clawback and the end of a contract."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle.availability import AvailabilityWindow, TerminationRule, availability, may_terminate
from flex_engine.settle.payment import total
from flex_engine.settle.performance import performance_table

START = datetime(2026, 1, 15, 16, tzinfo=UTC)
TABLE = performance_table("SSEN_TRANSITION_AVAILABILITY", day=date(2026, 1, 15))


def window(days: int = 0, **more) -> AvailabilityWindow:
    return AvailabilityWindow(START + timedelta(days=days), 6, Decimal("0.5"), Decimal("21.41"), **more)


def test_a_season_of_a_published_example():
    """0.5 MW for 228 h at 21.41 GBP/MW/h is 2,440.74; the source says 2,440.80 for about 21.4."""
    windows = [window(day) for day in range(76)]
    (line,) = availability(windows, table=TABLE, delivered_wh=1, instructed_wh=1)
    assert (line.type, line.pence) == ("AVAILABILITY", 244074)
    assert line.description == "114 MW h available, paid at 100.00%"


def test_last_month_s_record_scales_the_fee_and_a_missed_instruction_takes_its_part_back():
    lines = availability([window(0), window(1)], table=TABLE, delivered_wh=800, instructed_wh=1000, missed=[START])
    assert [(line.type, line.pence) for line in lines] == [("AVAILABILITY", 5138), ("CLAWBACK", -2569)]
    made = total(lines)
    assert (made.payment_pence, made.penalty_pence, made.amount_pence) == (5138, 2569, 2569)


def test_a_window_that_was_not_available_earns_nothing():
    (line,) = availability([window(available=False)], table=TABLE, delivered_wh=1, instructed_wh=1)
    assert line.pence == 0


def test_a_month_without_an_instruction_pays_in_full():
    (line,) = availability([window()], table=TABLE, delivered_wh=0, instructed_wh=0)
    assert line.pence == 3212, "32.115 to the even penny"
    assert line.residual_gbp == Decimal("-0.005")


def test_a_missed_window_must_be_one_of_them():
    with pytest.raises(ValueError, match="No availability window starts at 2026-01-16T16:00Z"):
        availability([window()], table=TABLE, delivered_wh=1, instructed_wh=1, missed=[START + timedelta(days=1)])


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(0, 1000))
def test_nobody_is_made_to_give_back_more_than_was_earned(there: list[bool], delivered: int):
    windows = [window(i, available=yes) for i, yes in enumerate(there)]
    lines = availability(
        windows, table=TABLE, delivered_wh=delivered, instructed_wh=1000, missed={one.start for one in windows}
    )
    assert sum(line.pence for line in lines) == 0


@given(st.sets(st.integers(0, 120), max_size=12), st.integers(1, 4))
def test_a_contract_ends_after_so_many_failures_in_so_many_days(back: set[int], failures: int):
    day = date(2026, 6, 1)
    rule = TerminationRule(failures=failures, days=60)
    failed = [day - timedelta(days=one) for one in back]
    assert may_terminate(rule, failed_on=failed, day=day) == (len([one for one in back if one < 60]) >= failures)
