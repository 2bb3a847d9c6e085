"""Restatements are the same for the same seed, stay near what was metered, and end with R2."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flex_engine.timegrid import HALF_HOUR
from marketplace.management.later_runs import LATEST, RESTATED, restated

METERED = {datetime(2024, 1, 16, 17, tzinfo=UTC) + i * HALF_HOUR: 100_000 for i in range(200)}


@pytest.mark.parametrize("run", LATEST)
def test_a_run_restates_as_many_half_hours_and_by_as_much_as_it_says(run):
    found = restated(METERED, run=run, seed=1)
    of_thousand, most = RESTATED.get(run, (0, 0))
    assert of_thousand * 0.15 <= len(found) <= of_thousand * 0.25
    assert found.keys() <= METERED.keys()
    assert all(abs(wh - 100_000) <= 100 * most for wh in found.values())
    assert restated(METERED, run=run, seed=1) == found
    assert not found or restated(METERED, run=run, seed=2) != found
