"""Deadlines of a dispute fall on the end of a London day, across clock changes and bank holidays, by the row of the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from flex_engine.settle.dispute_clock import decision_due, dispute_until, response_due
from flex_engine.settle.effective import NothingInForceError, rows_of


def test_the_window_is_in_calendar_days_to_the_end_of_a_london_day() -> None:
    assert dispute_until(datetime(2024, 1, 16, 18, 0, tzinfo=UTC)) == datetime(2024, 2, 14, tzinfo=UTC)
    # Issued in winter time, over in summer time: London's midnight is 23:00 UTC the day before.
    assert dispute_until(datetime(2024, 3, 20, 12, 0, tzinfo=UTC)) == datetime(2024, 4, 17, 23, 0, tzinfo=UTC)
    # 23:30 UTC in June is the next day in London.
    assert dispute_until(datetime(2024, 6, 3, 23, 30, tzinfo=UTC)) == datetime(2024, 7, 2, 23, 0, tzinfo=UTC)


def test_an_answer_and_a_decision_are_due_in_working_days() -> None:
    # Christmas Day, Boxing Day and New Year's Day do not count.
    assert response_due(datetime(2024, 12, 18, 9, 0, tzinfo=UTC)) == datetime(2025, 1, 7, tzinfo=UTC)
    assert decision_due(datetime(2024, 1, 16, 9, 0, tzinfo=UTC)) == datetime(2024, 1, 31, tzinfo=UTC)


def test_the_row_of_the_day_decides_and_a_day_without_one_is_refused() -> None:
    (standard,) = rows_of("dispute_clock")
    old = replace(standard, effective_to=date(2025, 1, 1))
    new = replace(standard, effective_from=date(2025, 1, 1), values={**standard.values, "window_days": 5})
    rows = (old, new)
    assert dispute_until(datetime(2024, 12, 31, 12, 0, tzinfo=UTC), rows=rows) == datetime(2025, 1, 29, tzinfo=UTC)
    assert dispute_until(datetime(2025, 1, 1, 12, 0, tzinfo=UTC), rows=rows) == datetime(2025, 1, 7, tzinfo=UTC)
    with pytest.raises(NothingInForceError, match="2015-12-31"):
        dispute_until(datetime(2015, 12, 31, 12, 0, tzinfo=UTC))
    with pytest.raises(ValueError, match="no time zone"):
        dispute_until(datetime(2024, 1, 16, 12, 0))  # noqa: DTZ001 - a naive time is what is tried
