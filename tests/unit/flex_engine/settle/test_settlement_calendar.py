"""Gate closure and the run calendar: worked dates, the order of runs, and nothing guessed."""

from __future__ import annotations

import doctest
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle import settlement_calendar
from flex_engine.settle.effective import NothingInForceError, Row
from flex_engine.settle.settlement_calendar import (
    gate_closure,
    latest_run,
    months_after,
    run_calendar,
    run_date,
    runs,
    statement_day,
    supersedes,
)
from flex_engine.timegrid import is_working_day, period_start

DAY = date(2025, 1, 8)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(settlement_calendar).failed == 0


def test_gate_closes_an_hour_before_the_period_across_a_clock_change_too():
    assert gate_closure(period_start(DAY, 33)) == datetime(2025, 1, 8, 15, 0, tzinfo=UTC)
    # 01:30 GMT on the autumn change is an hour after 01:30 BST: elapsed time, not the clock on the wall
    second = period_start(date(2025, 10, 26), 6)
    assert gate_closure(second) == period_start(date(2025, 10, 26), 4)


def test_the_runs_of_the_golden_day_by_nominal_offsets():
    """Counted by hand: 5 working days after Wednesday 8 January is the 15th, 16 is the 30th."""
    calendar = run_calendar(DAY)
    assert [one.run for one in calendar] == ["II", "SF", "R1", "R2", "R3", "RF", "DF"]
    assert [one.day for one in calendar[:2]] == [date(2025, 1, 15), date(2025, 1, 30)]
    assert all(a.day < b.day for a, b in pairwise(calendar))
    assert {one.basis for one in calendar} == {"COMPUTED"}
    assert {one.evidence for one in calendar} == {"assumed"}, "nominal offsets are said to be nominal"
    assert all(is_working_day(one.day) for one in calendar)


@given(st.dates(date(2016, 1, 1), date(2028, 12, 31)))
def test_an_offset_counts_every_working_day_once(day: date):
    due = run_date(day, "II").day
    between = [day + timedelta(days=i) for i in range(1, (due - day).days + 1)]
    assert sum(is_working_day(one) for one in between) == 5
    assert is_working_day(due)


def test_a_published_calendar_goes_before_the_arithmetic():
    made = run_date(DAY, "II", published={(DAY, "II"): date(2025, 1, 16)})
    assert (made.day, made.basis, made.evidence) == (date(2025, 1, 16), "PUBLISHED", "primary")
    assert run_date(DAY, "SF", published={(DAY, "II"): date(2025, 1, 16)}).basis == "COMPUTED"


def test_a_migrated_meter_ends_after_four_months_and_its_other_runs_are_not_guessed():
    day = date(2026, 1, 15)
    assert run_date(day, "RF", timetable="MHHS").day == date(2026, 5, 15)
    assert run_date(day, "RF").day > date(2027, 1, 1), "the same day by the old timetable"
    with pytest.raises(NothingInForceError, match="MHHS/II on 2026-01-15"):
        run_date(day, "II", timetable="MHHS")
    with pytest.raises(NothingInForceError, match="2025-10-22"):
        run_date(date(2025, 10, 21), "RF", timetable="MHHS")
    assert [one.run for one in run_calendar(day, timetable="MHHS")] == ["RF"]


def test_runs_are_in_one_order_and_only_a_later_one_supersedes():
    order = runs()
    for i, run in enumerate(order):
        assert [other for other in order if supersedes(run, other)] == list(order[:i])
    with pytest.raises(ValueError, match="'R9' is no settlement run"):
        supersedes("R9", "II")


def test_the_latest_run_on_a_day():
    assert latest_run(DAY, on=date(2025, 1, 14)) is None
    assert latest_run(DAY, on=date(2025, 1, 15)) == "II"
    assert latest_run(DAY, on=date(2025, 1, 30)) == "SF"
    assert latest_run(DAY, on=date(2030, 1, 1)) == "RF", "DF follows a dispute alone"


def test_other_rows_give_other_dates():
    rows = (Row("BSC/II", None, None, "primary", "test", {"order": 1, "working_days": 1}),)
    assert run_date(DAY, "II", rows=rows).day == date(2025, 1, 9)
    assert [one.run for one in run_calendar(DAY, rows=rows)] == ["II"]


def test_a_month_with_fewer_days_lends_its_last():
    assert months_after(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert months_after(date(2024, 12, 15), 1) == date(2025, 1, 15)


@given(st.dates(date(2016, 1, 1), date(2029, 12, 31)), st.sampled_from([("NESO/PRELIMINARY", 8), ("NESO/FINAL", 18)]))
def test_a_monthly_statement_is_due_on_a_working_day_of_the_next_month(day: date, asked: tuple[str, int]):
    statement, count = asked
    due = statement_day(day, statement)
    assert (due.year * 12 + due.month) - (day.year * 12 + day.month) == 1
    assert sum(is_working_day(due.replace(day=one)) for one in range(1, due.day + 1)) == count
