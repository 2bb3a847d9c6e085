"""The value every method makes: cut to what the site can draw, with what was cut on record."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle.baseline import Baseline, BaselineError, clipped, event_of
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, 17, tzinfo=UTC)


@given(st.lists(st.integers(-(10**6), 10**7), min_size=1, max_size=6), st.integers(0, 10**6))
def test_a_baseline_is_cut_to_what_the_site_can_draw_and_the_cut_is_kept(values: list[int], most: int):
    periods = {START + i * HALF_HOUR: wh for i, wh in enumerate(values)}
    made = clipped(Baseline("m", periods, periods), most_wh=most)
    assert all(0 <= wh <= most for wh in made.periods.values())
    assert made.periods | made.clipped == periods, "what was cut and what was not make up the whole"
    assert all(not 0 <= wh <= most for wh in made.clipped.values())
    assert clipped(made, most_wh=most) == made


def test_the_cut_is_among_the_facts_of_a_statement_only_where_there_is_one():
    made = Baseline("m", {START: -5}, {START: -5})
    assert "before_clipping_wh" not in made.facts()
    facts = json.loads(json.dumps(clipped(made, most_wh=1).facts()))
    assert facts["before_clipping_wh"] == {"2026-01-15T17:00:00+00:00": -5}


def test_limits_that_exclude_everything_and_events_of_nothing_are_refused():
    with pytest.raises(ValueError, match="least_wh is 0 and most_wh -1"):
        clipped(Baseline("m", {}, {}), most_wh=-1)
    with pytest.raises(BaselineError, match="no settlement period"):
        event_of([])
