"""Gaps are named, and filled only when short and only when asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flex_engine.feeds.reading import Reading, Value
from flex_engine.feeds.runs import describe, fill_short_gaps, missing, noted, spans, windows
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR

START = datetime(2024, 1, 2, tzinfo=UTC)


def at(*indices: int) -> list[datetime]:
    return [START + i * HALF_HOUR for i in indices]


@given(st.sets(st.integers(0, 40), min_size=1))
def test_spans_hold_exactly_the_starts(indices: set[int]):
    found = spans(at(*indices))
    covered = [i for a, b in found for i in range((a - START) // HALF_HOUR, (b - START) // HALF_HOUR)]
    assert covered == sorted(indices)
    assert all(a[1] < b[0] for a, b in pairwise(found)), "neighbours are joined"


@given(st.dictionaries(st.integers(0, 20), st.floats(-100, 100), min_size=1))
def test_filling_bridges_gaps_of_one_or_two_and_nothing_else(values: dict[int, float]):
    known = {START + i * HALF_HOUR: value for i, value in values.items()}
    grid = at(*range(21))
    made = fill_short_gaps(known, grid)
    assert not set(made) & set(known)
    for start, end in spans(missing(known, grid)):
        inside = {moment for moment in grid if start <= moment < end}
        short = len(inside) <= 2 and start - HALF_HOUR in known and end in known
        assert inside <= set(made) if short else not inside & set(made)
    for moment, value in made.items():
        before = max(m for m in known if m < moment)
        after = min(m for m in known if m > moment)
        low, high = sorted((known[before], known[after]))
        assert low - 1e-9 <= value <= high + 1e-9


def test_gaps_in_words():
    assert describe(at(0)) == "1 half hour: 2024-01-02T00:00Z to 2024-01-02T00:30Z"
    assert describe(at(0, 1, 4), most=1) == "3 half hours: 2024-01-02T00:00Z to 2024-01-02T01:00Z and 1 more gaps"


def test_what_lacks_is_noted_once_it_should_be_there():
    held = Reading((Value("price", START, 1.0, "GBP/MWh", Label.MEASURED),))
    later = Reading((*held.values, Value("price", START + 3 * HALF_HOUR, 1.0, "GBP/MWh", Label.MEASURED)))
    now = START + timedelta(hours=2)
    assert noted(held, at(0, 1, 2), "price", now=now).notes == (), "the publisher may still be on its way"
    assert noted(later, at(0, 1, 2, 3), "price", now=now).notes == (
        "The publisher has no price for 2 half hours: 2024-01-02T00:30Z to 2024-01-02T01:30Z.",
    )
    assert noted(Reading(), at(0, 1, 2, 3), "price", now=now).notes == (
        "The publisher has no price for 2 half hours: 2024-01-02T00:00Z to 2024-01-02T01:00Z.",
    )


def test_windows_tile_the_time_asked_for():
    end = START + timedelta(days=30)
    cut = windows(START, end, longest=timedelta(days=14))
    assert [b - a for a, b in cut] == [timedelta(days=14), timedelta(days=14), timedelta(days=2)]
    assert (cut[0][0], cut[-1][1]) == (START, end)
