"""Estimation rules reach as far as their row says, use actual readings alone, and name them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from flex_engine.settle.metering_estimates import EstimateError, Known, estimate, rules

FIRST = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)  # a Thursday
HALF_HOUR = timedelta(minutes=30)


def at(count: float) -> datetime:
    return FIRST + count * HALF_HOUR


def test_a_line_over_two_half_hours_in_whole_wh():
    known = Known({at(-1): 100, at(2): 200}, ())
    found = estimate("linear-2-v1", missing=[at(1), at(0)], known=known)
    assert [(one.start, one.wh) for one in found] == [(at(0), 133), (at(1), 167)]
    assert {one.made_from for one in found} == {(at(-1), at(2))}


@pytest.mark.parametrize(
    ("actual", "missing", "words"),
    [
        ({-1: 1, 3: 1}, (0, 1, 2), "gap of 3 half hours"),
        ({-1: 1}, (0,), "no actual reading beside it at 2026-01-15T17:30Z"),
        ({1: 1}, (0,), "no actual reading beside it at 2026-01-15T16:30Z"),
    ],
)
def test_a_line_does_not_reach_further(actual, missing, words):
    known = Known({at(place): wh for place, wh in actual.items()}, ())
    with pytest.raises(EstimateError, match=words):
        estimate("linear-2-v1", missing=[at(place) for place in missing], known=known)


def test_the_last_like_day_without_a_dispatch_stands_in():
    day = 48
    known = Known({at(-day): 1, at(-2 * day): 2, at(-4 * day): 4, at(-7 * day): 7}, {date(2026, 1, 14)})
    [found] = estimate("like-day-v1", missing=[FIRST], known=known)
    assert (found.wh, found.made_from) == (2, (at(-2 * day),)), "not Wednesday, which had a dispatch; Tuesday"
    sunday = FIRST + timedelta(days=3)
    assert estimate("like-day-v1", missing=[sunday], known=known)[0].wh == 4, "the Sunday before, no working day"
    with pytest.raises(EstimateError, match="no like day"):
        estimate("like-day-v1", missing=[at(1)], known=known)


def test_a_day_of_a_clock_change_is_like_no_other():
    with pytest.raises(EstimateError, match="clock change"):
        estimate("like-day-v1", missing=[datetime(2026, 3, 29, 12, tzinfo=UTC)], known=Known({}, ()))


def test_an_unknown_rule_or_one_not_in_force_is_refused():
    with pytest.raises(EstimateError, match="guess-v1"):
        estimate("guess-v1", missing=[FIRST], known=Known({}, ()))
    with pytest.raises(EstimateError, match="linear-2-v1"):
        estimate("linear-2-v1", missing=[datetime(2015, 6, 1, tzinfo=UTC)], known=Known({}, ()))


def test_every_rule_says_what_it_is():
    assert {rule.id for rule in rules()} == {"linear-2-v1", "like-day-v1"}
    for rule in rules():
        assert rule.id.endswith(f"-v{rule.version}")
        assert rule.note
        assert rule.source
