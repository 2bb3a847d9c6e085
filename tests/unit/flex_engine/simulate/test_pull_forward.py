"""A slice of the campaign of benchmarks/pull_forward.py: days planned, sold from and planned again by the real optimiser."""

from __future__ import annotations

from datetime import date

import pytest

from flex_engine.settle.pull_forward import judge_window, window_rule
from flex_engine.simulate.pull_forward import Day, play

SEEDS = range(5000, 5016)
RULE = window_rule(day=date(2026, 1, 15))


def alarm(day: Day) -> bool:
    return judge_window(
        day.window, controls=day.controls, sold_at=day.sold_at, event_periods=day.event_periods, rule=RULE
    ).alarm


@pytest.fixture(scope="module")
def days() -> dict[bool, list[Day]]:
    return {guarded: [day for seed in SEEDS if (day := play(seed, guarded=guarded))] for guarded in (False, True)}


def test_the_scheduler_left_alone_works_ahead_and_held_to_its_schedule_does_not(days):
    assert max(day.pulled_kwh for day in days[True]) < 0.1
    assert len([day for day in days[False] if day.pulled_kwh > 0.1 * day.sold_kwh]) >= 5


def test_every_pull_forward_that_matters_is_found(days):
    guilty = [day for day in days[False] if day.pulled_kwh >= 0.1 * day.sold_kwh]
    assert [alarm(day) for day in guilty] == [True] * len(guilty)


def test_no_day_that_kept_to_its_schedule_raises_an_alarm(days):
    assert len(days[True]) >= 8
    assert not any(alarm(day) for day in days[True])


def test_the_same_seed_is_the_same_day():
    assert play(SEEDS[0], guarded=False) == play(SEEDS[0], guarded=False)
