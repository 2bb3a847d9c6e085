"""Times as people read them: London with its letters, settlement periods, UTC kept in the tooltip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.templatetags.moments import (
    brief,
    brief_window,
    clock,
    deadline,
    duration,
    moment,
    odd_day,
    period_number,
    period_text,
    utc_clock,
    window,
)

WINTER = datetime(2024, 1, 16, 13, 10, tzinfo=UTC)
SUMMER = datetime(2024, 7, 2, 15, 30, tzinfo=UTC)


def test_a_moment_carries_zone_period_and_utc() -> None:
    assert moment(WINTER) == (
        '<time datetime="2024-01-16T13:10:00Z" title="2024-01-16 13:10:00 UTC">Tue 16 Jan 2024, 13:10 GMT</time> <span class="sp">(SP 27)</span>'
    )
    assert ">Tue 2 Jul 2024, 16:30 BST</time>" in str(moment(SUMMER))
    assert ">Tue 2 Jul, 16:30 BST<" in str(brief(SUMMER))
    assert ">16:30 BST<" in str(clock(SUMMER))
    assert utc_clock(SUMMER) == "15:30 UTC"


def test_nothing_is_a_dash() -> None:
    assert (
        moment(None)
        == brief(None)
        == clock(None)
        == window(None, WINTER)
        == brief_window(WINTER, None)
        == duration(None)
        == "—"
    )


@pytest.mark.parametrize(
    ("start", "end", "text", "periods"),
    [
        (datetime(2024, 1, 2, 16, 30, tzinfo=UTC), datetime(2024, 1, 2, 18, tzinfo=UTC), "Tue 2 Jan, 16:30–18:00 GMT", "SP 34–36"),
        (datetime(2024, 1, 2, 22, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC), "Tue 2 Jan, 22:00–24:00 GMT", "SP 45–48"),
        (datetime(2024, 1, 2, 23, tzinfo=UTC), datetime(2024, 1, 3, 1, tzinfo=UTC), "Tue 2 Jan, 23:00–Wed 3 Jan, 01:00 GMT", "SP 47–2"),
        (datetime(2024, 7, 2, 15, tzinfo=UTC), datetime(2024, 7, 2, 15, 30, tzinfo=UTC), "Tue 2 Jul, 16:00–16:30 BST", "SP 33"),
        (datetime(2024, 3, 31, 0, 30, tzinfo=UTC), datetime(2024, 3, 31, 1, 30, tzinfo=UTC), "Sun 31 Mar, 00:30–02:30 GMT to BST", "SP 2–3"),
        (datetime(2024, 10, 27, 0, 30, tzinfo=UTC), datetime(2024, 10, 27, 1, 30, tzinfo=UTC), "Sun 27 Oct, 01:30–01:30 BST to GMT", "SP 4–5"),
    ],
)  # fmt: skip
def test_a_window_names_a_second_day_and_a_second_zone(start: datetime, end: datetime, text: str, periods: str) -> None:
    shown = str(brief_window(start, end))
    assert f">{text}</time>" in shown
    assert f"({periods})" in shown
    assert period_text(start, end) == periods


@given(st.integers(1_577_836_800, 1_893_456_000))
def test_every_moment_has_a_period_of_its_day(seconds: int) -> None:
    assert 1 <= period_number(datetime.fromtimestamp(seconds, UTC)) <= 50


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 s"), (59, "59 s"), (90, "1 min 30 s"), (3600, "1 h"), (timedelta(days=1, minutes=5), "1 d 5 min"), (-5400, "−1 h 30 min")],
)  # fmt: skip
def test_durations_are_said_in_the_two_largest_units(value: int | timedelta, text: str) -> None:
    assert duration(value) == text


def test_days_of_46_and_50_periods_are_announced_a_day_ahead() -> None:
    assert odd_day(WINTER) == ""
    assert "Tomorrow the clocks change: Sun 31 Mar 2024 has 46" in odd_day(datetime(2024, 3, 30, 12, tzinfo=UTC))
    assert "Today the clocks change: Sun 27 Oct 2024 has 50" in odd_day(datetime(2024, 10, 27, 12, tzinfo=UTC))


def test_a_day_that_ends_is_named_itself() -> None:
    midnight = datetime(2024, 7, 1, 23, tzinfo=UTC)
    assert ">the end of Mon 1 Jul 2024<" in deadline(midnight)
    assert ">Tue 2 Jul 2024, 16:30 BST<" in deadline(SUMMER)
    assert deadline(None) == "—"
