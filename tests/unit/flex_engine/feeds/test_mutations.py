"""Whatever a publisher sends: reading never fails, and what it believes is in range, about a possible time, and once.

Answers in the documented shapes are damaged at random places. The rows that were not touched must come through.
"""

from __future__ import annotations

import copy
import json
import math
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flex_engine.feeds.reading import FURTHEST, LIMITS, OLDEST
from flex_engine.timegrid import HALF_HOUR, day_start
from tests.unit.flex_engine.feeds.recorded import blocks, moment, price_row, reading, stamp
from tests.unit.flex_engine.feeds.test_elexon import dated

NOW = moment("2025-01-09T06:00")
DAY = date(2025, 1, 8)
START = day_start(DAY)
ASKED = {"from": stamp(START), "to": stamp(START + timedelta(hours=3))}
AHEAD = [NOW + i * HALF_HOUR for i in range(1, 5)]
GOOD: dict[str, tuple[Any, dict[str, str]]] = {
    "carbon-intensity": (blocks(90, 91, 92, 93, start=START), ASKED),
    "carbon-forecast": (blocks(90, 91, 92, 93, start=AHEAD[0], word="forecast"), {}),
    "carbon-regions": ({"data": {"regionid": 13, "data": blocks(90, 91, start=AHEAD[0], word="forecast")["data"]}}, {"region": "13"}),
    "system-price": ({"data": [price_row(DAY, period, netImbalanceVolume=5.0) for period in (1, 2, 3)]}, {"day": f"{DAY}"}),
    "market-index": ({"data": [dated(START, dataProvider="APXMIDP", price=80.0, volume=9.0)]}, {}),
    "fuel-mix": ({"data": [dated(START, fuelType=fuel, generation=9) for fuel in ("CCGT", "WIND")]}, {}),
    "generation-types": ({"data": [dated(START, data=[{"psrType": "Solar", "quantity": 4}])]}, {}),
    "demand-forecast": ({"data": [dated(when, publishTime=stamp(NOW), nationalDemand=30000) for when in AHEAD]}, {}),
    "frequency": ({"data": [{"measurementTime": stamp(START + i * timedelta(minutes=1)), "frequency": 50.0} for i in range(3)]}, {}),
    "neso-embedded": ({"result": {"records": [{"SETTLEMENT_DATE": "2025-01-10", "SETTLEMENT_PERIOD": 3, "EMBEDDED_WIND_FORECAST": 1, "EMBEDDED_SOLAR_FORECAST": 2}]}}, {}),
    "octopus-agile": ({"results": [{"value_exc_vat": 9.5, "valid_from": stamp(when), "valid_to": stamp(when + HALF_HOUR)} for when in AHEAD]}, {"region": "C"}),
    "met-office": ({"features": [{"properties": {"modelRunDate": stamp(NOW), "timeSeries": [{"time": "2025-01-09T08:00Z", "screenTemperature": 4.5, "windSpeed10m": 3}]}}]}, {"place": "51,0"}),
}  # fmt: skip
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "", "x", "2025-01-08T00:00Z", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00+14:00", "2025-W02-3", 0, -1, 48.5, 1e308, -1e308, 10**400,
     [], {}, [{}], {"data": []}, "\ud800", "1" * 500, float("inf"), [[[]]]]
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a JSON value, the root left out."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [one for key, value in inner for one in [(*path, key), *places(value, (*path, key))]]


def damage(data: st.DataObject, payload: Any) -> Any:
    """The payload with one place removed, replaced by junk, doubled or moved."""
    made = copy.deepcopy(payload)
    *way, last = data.draw(st.sampled_from(places(made)))
    holder = made
    for key in way:
        holder = holder[key]
    act = data.draw(st.sampled_from(["junk", "drop", "double", "reverse", "change"]))
    if act == "drop":
        del holder[last]
    elif isinstance(holder, list) and act == "double":
        holder.insert(last, copy.deepcopy(holder[last]))
    elif isinstance(holder, list) and act == "reverse":
        holder.reverse()
    elif act == "change" and isinstance(holder[last], int | float):
        holder[last] = data.draw(st.floats(allow_nan=False) | st.integers(-(10**6), 10**6))
    else:
        holder[last] = data.draw(JUNK)
    return made


@pytest.mark.parametrize("feed", GOOD)
def test_the_undamaged_answer_is_believed_whole(feed: str) -> None:
    payload, about = GOOD[feed]
    found = reading(feed, payload, now=NOW, about=about)
    assert found.set_aside == ()
    assert found.values or feed == "frequency"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damage_is_never_fatal_and_never_believed(data: st.DataObject) -> None:
    feed = data.draw(st.sampled_from(sorted(GOOD)))
    payload, about = GOOD[feed]
    for _ in range(data.draw(st.integers(1, 3))):
        payload = damage(data, payload)
        if not places(payload):
            break
    body = json.dumps(payload).replace("Infinity", "1e999").encode("utf-8", "replace")
    if data.draw(st.booleans()):
        body = body[: data.draw(st.integers(0, len(body)))]
    found = reading(feed, body, now=NOW, about=about)
    keys = [(value.series, value.start, value.issued_at) for value in found.values]
    assert len(keys) == len(set(keys))
    for value in found.values:
        limit = LIMITS[value.family]
        assert math.isfinite(value.value)
        assert limit.low <= value.value <= limit.high
        assert OLDEST <= value.start <= NOW + FURTHEST
        assert value.issued_at is not None or limit.ahead or value.start < NOW + timedelta(minutes=5)
        assert len(value.series) <= 60
    assert all(one.why and len(one.said) <= 200 for one in found.set_aside)
