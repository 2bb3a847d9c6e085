"""TimeSeries: what is written reads back, and what cannot be read is refused in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.errors import MarketError
from marketplace.wire.series import HALF_HOUR, number, read_column, time_series

START = datetime(2026, 1, 15, 17, tzinfo=UTC)


@given(values=st.lists(st.decimals(0, 99999, places=3), min_size=1, max_size=50))
def test_a_column_reads_back_as_it_was_written(values: list[Decimal]) -> None:
    series = time_series(START, {"CAPACITY_OFFERED": values})
    assert read_column(series, "CAPACITY_OFFERED") == {START + i * HALF_HOUR: value for i, value in enumerate(values)}


def test_an_offset_start_is_read_in_utc() -> None:
    series = time_series(START, {"PRICE": [Decimal(1)]})
    series["intervalPeriod"]["start"] = "2026-01-15T18:00:00+01:00"
    assert list(read_column(series, "PRICE")) == [START]


@pytest.mark.parametrize(
    "series",
    [
        None,
        {},
        {"intervalPeriod": {"start": "2026-01-15T17:00:00Z", "duration": "PT15M"}, "intervals": []},
        {"intervalPeriod": {"start": "2026-01-15T17:00:00", "duration": "PT30M"}, "intervals": []},
        {
            "intervalPeriod": {"start": "2026-01-15T17:00:00Z"},
            "intervals": [{"id": "x", "payloads": [{"type": "PRICE", "values": [1]}]}],
        },
        {
            "intervalPeriod": {"start": "2026-01-15T17:00:00Z"},
            "intervals": [{"id": 0, "payloads": [{"type": "PRICE", "values": ["a"]}]}],
        },
        {
            "intervalPeriod": {"start": "2026-01-15T17:00:00Z"},
            "intervals": [{"id": 0, "payloads": [{"type": "PRICE", "values": []}]}],
        },
        {
            "intervalPeriod": {"start": "2026-01-15T17:00:00Z"},
            "intervals": [{"id": 0, "payloads": [{"type": "OTHER", "values": [1]}]}],
        },
    ],
)
def test_unreadable_series_are_refused_by_name(series) -> None:
    with pytest.raises(MarketError, match="PRICE"):
        read_column(series, "PRICE")


def test_numbers_lose_only_trailing_zeros() -> None:
    assert number(Decimal("1200.000")) == 1200
    assert str(number(Decimal("0.2500"))) == "0.25"
    assert timedelta(minutes=30) == HALF_HOUR
