"""Delivery per settlement period, in whole Wh."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle.delivery import Direction, MissingReadingError, deliver, deviations
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, 17, tzinfo=UTC)
wh = st.integers(0, 10**9)


@given(st.lists(st.tuples(wh, wh, wh), min_size=1, max_size=8), st.sampled_from(["REDUCE", "INCREASE"]))
def test_eligible_and_shortfall_make_up_what_was_instructed(rows, direction):
    starts = [START + i * HALF_HOUR for i in range(len(rows))]
    lines = deliver(
        instructed_wh={s: row[0] for s, row in zip(starts, rows, strict=True)},
        baseline_wh={s: row[1] for s, row in zip(starts, rows, strict=True)},
        metered_wh={s: row[2] for s, row in zip(starts, rows, strict=True)},
        direction=direction,
    )
    assert [line.start for line in lines] == starts
    for line, (instructed, baseline, metered) in zip(lines, rows, strict=True):
        turned = baseline - metered if direction == "REDUCE" else metered - baseline
        assert line.delivered_wh == max(0, turned)
        assert line.eligible_wh + line.shortfall_wh == instructed
        assert 0 <= line.eligible_wh <= line.delivered_wh
        assert line.shortfall_wh == 0 or line.eligible_wh == line.delivered_wh


def test_turning_the_wrong_way_delivers_nothing_and_is_short_of_everything():
    (line,) = deliver(
        instructed_wh={START: 600}, baseline_wh={START: 1000}, metered_wh={START: 1400}, direction="REDUCE"
    )
    assert (line.delivered_wh, line.eligible_wh, line.shortfall_wh) == (0, 0, 600)


def test_a_missing_reading_is_an_error_and_never_zero():
    later = START + HALF_HOUR
    with pytest.raises(MissingReadingError, match="no reading for 2026-01-15T17:30Z"):
        deliver(
            instructed_wh={START: 1, later: 1},
            baseline_wh={START: 1, later: 1},
            metered_wh={START: 1},
            direction="REDUCE",
        )
    with pytest.raises(MissingReadingError, match="no baseline for 2026-01-15T17:00Z, 2026-01-15T17:30Z"):
        deliver(instructed_wh={START: 1, later: 1}, baseline_wh={}, metered_wh={START: 1, later: 1}, direction="REDUCE")


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="direction is 'DOWN'; write REDUCE or INCREASE"):
        deliver(instructed_wh={}, baseline_wh={}, metered_wh={}, direction="DOWN")


@given(wh, st.lists(st.integers(1, 10**9), min_size=1, max_size=4))
def test_one_meter_is_never_paid_twice_for_several_dispatches(turned: int, instructed: list[int]):
    shares = [
        deliver(
            instructed_wh={START: one},
            baseline_wh={START: turned},
            metered_wh={START: 0},
            direction="REDUCE",
            others_wh={START: sum(instructed) - one},
        )[0]
        for one in instructed
    ]
    assert turned - len(instructed) < sum(line.delivered_wh for line in shares) <= turned
    if turned >= sum(instructed):
        assert all(line.shortfall_wh == 0 for line in shares), "enough for all of them"


@given(wh, wh, wh, st.integers(100, 150))
def test_a_cap_above_the_instruction_pays_for_more_and_no_further(instructed, baseline, metered, cap):
    (line,) = deliver(
        instructed_wh={START: instructed},
        baseline_wh={START: baseline},
        metered_wh={START: metered},
        direction="REDUCE",
        cap_percent=cap,
    )
    assert line.eligible_wh == min(line.delivered_wh, instructed * cap // 100)
    assert line.shortfall_wh == max(0, instructed - line.delivered_wh)


@given(wh, wh, wh)
def test_turn_up_is_turn_down_in_the_mirror(instructed: int, baseline: int, metered: int):
    def made(direction: Direction, first: int, second: int) -> tuple[int, int, int]:
        (line,) = deliver(
            instructed_wh={START: instructed},
            baseline_wh={START: first},
            metered_wh={START: second},
            direction=direction,
        )
        return line.delivered_wh, line.eligible_wh, line.shortfall_wh

    assert made("REDUCE", baseline, metered) == made("INCREASE", metered, baseline)


@given(wh, wh)
def test_a_deviation_keeps_its_sign(baseline: int, metered: int):
    made = deviations(periods=[START], baseline_wh={START: baseline}, metered_wh={START: metered})
    assert made == {START: baseline - metered}
