"""What was known when: the newest version known at the decision, and never a later one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.grid.vintages import Vintages, minute, slot
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly

START = datetime(2024, 1, 2, tzinfo=UTC)
VERSIONS = st.lists(st.tuples(st.integers(0, 5), st.integers(-300, 300), st.floats(-9, 9)), max_size=30)


@given(VERSIONS, st.integers(-400, 400))
def test_as_known_is_the_newest_version_known_by_then(versions: list[tuple[int, int, float]], after: int) -> None:
    first, decision = slot(START), minute(START) + after
    rows = [
        (START + at * timedelta(minutes=30), START + timedelta(minutes=known), value) for at, known, value in versions
    ]
    found = Vintages.read("x", "MW", rows).as_known(np.array([decision]), first + np.arange(6))
    for at in range(6):
        held = [
            (known, place, value)
            for place, (target, known, value) in enumerate(versions)
            if target == at and known <= after
        ]
        assert np.isnan(found[at]) if not held else found[at] == max(held)[2]


def test_nothing_is_known_before_it_was() -> None:
    later = START + timedelta(seconds=30)
    one = Vintages.read("x", "MW", [(START, later, 1.0)])
    assert np.isnan(one.as_known(np.array([minute(START)]), np.array([slot(START)]))).all(), (
        "not in the same minute either"
    )
    assert one.as_known(np.array([minute(START) + 1]), np.array([slot(START)])) == 1.0


def test_a_measured_half_hour_is_known_from_its_end() -> None:
    history = HalfHourly("x", START, (1.0, 2.0), "MW", "made up", Label.SIMULATED, START)
    one, targets = Vintages.of_history(history), slot(START) + np.arange(2)
    assert np.isnan(one.as_known(np.array([minute(START) + 29]), targets)).all()
    assert one.as_known(np.array([minute(START) + 59]), targets).tolist()[0] == 1.0
    assert one.as_known(np.array([minute(START) + 60]), targets).tolist() == [1.0, 2.0]
    assert one.known_by(slot(START) + 1)[1].tolist() == [1.0]


def test_what_is_no_version_is_refused() -> None:
    ones = np.ones(2)
    with pytest.raises(ValueError, match="has 2 targets, 1 times of knowledge"):
        Vintages.of("x", "MW", ones.astype(int), ones[:1].astype(int), ones)
    with pytest.raises(ValueError, match="not finite"):
        Vintages.of("x", "MW", ones.astype(int), ones.astype(int), ones * np.nan)
    with pytest.raises(ValueError, match="not on the half hour"):
        Vintages.read("x", "MW", [(START + timedelta(minutes=1), START, 1.0)])
