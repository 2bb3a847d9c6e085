"""Carbon of a delivery: exact grams, the rebound counted, and no factor made up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle.carbon import Basis, CarbonFactor, Scope, carbon_of
from flex_engine.settle.delivery import MissingReadingError
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, 17, tzinfo=UTC)
NEXT = START + HALF_HOUR


def factor(grams: str, scope: Scope = "national", basis: Basis = "actual") -> CarbonFactor:
    return CarbonFactor(Decimal(grams), scope, basis, "NESO Carbon Intensity API", START, "0" * 64)


def test_energy_moved_from_a_dirty_half_hour_to_a_cleaner_one():
    made = carbon_of(
        event_wh={START: 250_000}, rebound_wh={NEXT: -250_000}, factors={START: factor("210"), NEXT: factor("134.5")}
    )
    assert (made.event_grams, made.rebound_grams, made.net_grams) == (52_500, -33_625, 18_875)
    assert [line.grams for line in made.lines] == [52_500, -33_625]
    assert made.lines[0].factor.raw_sha256 == "0" * 64, "each line keeps where its factor came from"
    assert made.label == "average, location-based, national actual; not marginal, so no claim of avoided emissions"


@given(st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(0, 99_999)), min_size=1, max_size=12), st.data())
def test_event_and_rebound_sum_to_the_net(rows, data: st.DataObject):
    cut = data.draw(st.integers(0, len(rows)))
    starts = [START + i * HALF_HOUR for i in range(len(rows))]
    made = carbon_of(
        event_wh={starts[i]: rows[i][0] for i in range(cut)},
        rebound_wh={starts[i]: rows[i][0] for i in range(cut, len(rows))},
        factors={start: factor(str(Decimal(row[1]) / 100)) for start, row in zip(starts, rows, strict=True)},
    )
    assert made.event_grams + made.rebound_grams == made.net_grams
    assert made.net_grams * 10**5 == sum(wh * hundredths for wh, hundredths in rows)


def test_a_half_hour_without_a_factor_makes_no_figure():
    with pytest.raises(MissingReadingError, match="no carbon intensity for 2026-01-15T17:30Z"):
        carbon_of(event_wh={START: 1}, rebound_wh={NEXT: 1}, factors={START: factor("1")})


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no regional actual"):
        factor("100", "regional", "actual")
    with pytest.raises(ValueError, match="at least 0"):
        factor("-1")
    with pytest.raises(ValueError, match="in the event and in its rebound"):
        carbon_of(event_wh={START: 1}, rebound_wh={START: 1}, factors={START: factor("1")})


def test_the_label_names_every_kind_of_factor_used():
    made = carbon_of(
        event_wh={START: 1},
        rebound_wh={NEXT: 1},
        factors={START: factor("1"), NEXT: factor("1", "regional", "forecast")},
    )
    assert "national actual and regional forecast" in made.label
