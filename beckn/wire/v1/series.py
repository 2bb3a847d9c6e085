"""Time series: intervals with payloads in 2.0.0, one tag group for each kind of payload in 1.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from beckn.wire.v1 import number, tags
from beckn.wire.v1.member import Object, obj, objs, text

CONTEXT = "https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld"
REPORTED = frozenset({"BASELINE", "USAGE"})
VALUE = re.compile(r"v(0|[1-9][0-9]{0,3})")
UNITS = {"KW": "kW"}


def to_groups(series: Any) -> list[Object]:
    """A group for each payload type, with its first value in each interval; none for what is no series."""
    told = obj(series)
    if told.get("@type") != "TimeSeries":
        return []
    period, columns = obj(told.get("intervalPeriod")), dict[str, list[tuple[str, str]]]()
    for index, interval in enumerate(objs(told.get("intervals"))):
        for payload in objs(interval.get("payloads")):
            values = payload.get("values")
            first = values[0] if isinstance(values, list) and values else None
            pair = f"v{index}", number.text(first) or text(first)
            columns.setdefault(text(payload.get("type")), []).append(pair)
    units = {text(one.get("payloadType")): text(one.get("units")) for one in objs(told.get("payloadDescriptors"))}
    grid = [("start", text(period.get("start"))), ("duration", text(period.get("duration")))]
    return [
        tags.group(kind, [*grid, ("unit", UNITS.get(units.get(kind, ""), units.get(kind, ""))), *pairs])
        for kind, pairs in columns.items()
    ]


def is_series(pairs: Mapping[str, str]) -> bool:
    """Whether a group's values are those of a series."""
    return bool(pairs.get("start") and pairs.get("duration") and any(VALUE.fullmatch(name) for name in pairs))


def from_groups(groups: Mapping[str, Mapping[str, str]], *, kinds: tuple[str, ...] = ()) -> Object | None:
    """The series that these groups make, on the grid of the first; None when there is none. `kinds` limits the types."""
    columns = {
        kind: pairs for kind, pairs in groups.items() if is_series(pairs) and (not kinds or kind in kinds) and kind
    }
    if not columns:
        return None
    first = next(iter(columns.values()))
    grid = first["start"], first["duration"]
    columns = {kind: pairs for kind, pairs in columns.items() if (pairs["start"], pairs["duration"]) == grid}
    last = max(int(name[1:]) for pairs in columns.values() for name in pairs if VALUE.fullmatch(name))
    intervals = [
        {"id": index, "payloads": payloads}
        for index in range(last + 1)
        if (payloads := [payload(kind, pairs[f"v{index}"]) for kind, pairs in columns.items() if f"v{index}" in pairs])
    ]
    return {
        "@context": CONTEXT,
        "@type": "TimeSeries",
        "intervalPeriod": {"start": grid[0], "duration": grid[1]},
        "payloadDescriptors": [descriptor(kind, pairs) for kind, pairs in columns.items()],
        "intervals": intervals,
    }


def payload(kind: str, written: str) -> Object:
    """One value."""
    value = number.maybe(written)
    return {"type": kind, "values": [written if value is None else value]}


def descriptor(kind: str, pairs: Mapping[str, str]) -> Object:
    """What a column is and in which unit."""
    unit = next((full for full, short in UNITS.items() if short == pairs.get("unit")), pairs.get("unit", ""))
    reported = "REPORT" if kind in REPORTED else "EVENT"
    found = {"objectType": f"{reported}_PAYLOAD_DESCRIPTOR", "payloadType": kind}
    return found | ({"units": unit} if unit else {})
