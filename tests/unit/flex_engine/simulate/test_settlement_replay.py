"""The last statement depends on what was known by its day, not on when it came, in which order, or who looked."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.settlement_replay import Tally, event_of, play
from flex_engine.settle.settlement_calendar import runs
from flex_engine.settle.versions import due_at
from flex_engine.simulate.settlement_replay import Reading, arrivals, figures_of, replay
from flex_engine.timegrid import HALF_HOUR


@st.composite
def histories(draw):
    """(event, final Wh, two lists of readings that end alike, two lists of looks, each with one after RF's day)."""
    rng = Random(draw(st.integers(0, 10**6)))
    event, final = event_of(rng)
    end, closed = max(event.instructed_wh) + HALF_HOUR, due_at(event.day, "RF")
    days = st.integers(0, (closed - end).days)
    looks = st.lists(days.map(lambda n: end + timedelta(days=n, hours=3)), max_size=8)
    known = [arrivals(rng, final_wh=final, first=end, last=closed, revisions=draw(st.integers(0, 8))) for _ in range(2)]
    return event, final, known, [[*draw(looks), closed + timedelta(days=draw(st.integers(0, 40)))] for _ in range(2)]


@given(histories())
@settings(max_examples=40, deadline=None)
def test_the_final_cash_is_the_same_and_the_deltas_lead_to_it(history):
    event, final, known, looks = history
    closed = due_at(event.day, "RF")
    truth = figures_of(event, [Reading(start, wh, closed) for start, wh in final.items()], closed)
    for readings, looked in zip(known, looks, strict=True):
        made = replay(event, readings, looked)
        names = [one.name.run for one in made]
        assert sorted(set(names), key=runs().index) == list(runs()[:6]), "each run is made, and RF closes"
        assert names == sorted(names, key=runs().index), "never an earlier run after a later one"
        assert made[-1].figures == truth
        first, *rest = made
        assert first.delta_pence is None
        assert first.figures.amount_pence + sum(one.delta_pence for one in rest) == made[-1].figures.amount_pence
        for before, after in zip(made, rest, strict=False):
            assert before.known_at <= after.known_at, "knowledge never goes back"
            assert after.name.version == (before.name.version + 1 if before.name.run == after.name.run else 1)
        assert replay(event, readings[::-1], [*looked, *looked]) == made, "stored in another order, looked at twice"


def test_what_becomes_known_after_rf_moves_nothing_and_on_the_day_before_it_does():
    event, final = event_of(Random(1))
    end, closed = max(event.instructed_wh) + HALF_HOUR, due_at(event.day, "RF")
    first = [Reading(start, wh, end) for start, wh in final.items()]
    start = min(final)
    for at, moved in ((closed + timedelta(seconds=1), False), (closed, True)):
        late = Reading(start, event.baseline_wh[start], at)
        made = replay(event, [*first, late], [end, closed + timedelta(days=1)])
        assert (made[-1].figures != made[0].figures) is moved


@pytest.mark.parametrize("seed", range(3))
def test_a_slice_of_the_campaign(seed):
    tally = Tally()
    for number in range(4):
        play(seed * 100 + number, orders=5, tally=tally)
    assert (tally.events, tally.wrong) == (4, 0)
    assert tally.corrections > 0
