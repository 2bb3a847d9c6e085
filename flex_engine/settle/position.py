"""The file that says which unit is active in which settlement period, and with what position: one file a period, ours by format.

Its fields follow the items of a wholesale market activity notification (settlement date, settlement period, BM unit, active
flag) and add the position, so that a wrong volume can be found. The real flow (ECVAA-I051) has another layout: this file is
labelled Simulated and goes to simulated counterparties only. Positions are signed whole Wh, positive for less import, as CVA
counts. The same key always has the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flex_engine.quantities import mwh
from flex_engine.settle.settlement_calendar import gate_closure
from flex_engine.timegrid import period_start, settlement_period

LEAD = timedelta(minutes=5)
KIND = "SIMULATED-POSITION-NOTIFICATION"
MOST_BYTES = 1000
MOST_REASON = 80
FIELDS = ("bm_unit_id", "file", "label", "position_mwh", "revision", "settlement_date", "settlement_period", "wholesale_activity")  # fmt: skip
POSITION = re.compile(r"-?\d{1,8}\.\d{6}")


class PositionFileError(ValueError):
    """The bytes are no file of ours; the text names the field, its value and what belongs there."""


@dataclass(frozen=True, slots=True)
class Position:
    """What is told of one unit in one period. Revision 1 is the first; 0 Wh takes an earlier revision back."""

    unit: str
    start: datetime
    revision: int
    position_wh: int

    @property
    def key(self) -> str:
        """The file's name: unit, settlement date, period and revision.

        >>> from datetime import UTC
        >>> Position("V__CACO001", datetime(2026, 1, 15, 17, tzinfo=UTC), 1, 200_000).key
        'V__CACO001-2026-01-15-35-r1'
        """
        day, period = settlement_period(self.start)
        return f"{self.unit}-{day}-{period:02d}-r{self.revision}"


def notify_by(start: datetime) -> datetime:
    """The last moment for a file about the period from `start`: five minutes before its gate closure at the BSC."""
    return gate_closure(start) - LEAD


def render(position: Position) -> bytes:
    """The file's bytes: JSON in one line, members in alphabetical order."""
    day, period = settlement_period(position.start)
    told = {
        "bm_unit_id": position.unit,
        "file": KIND,
        "label": "SIMULATED",
        "position_mwh": f"{mwh(position.position_wh):.6f}",
        "revision": position.revision,
        "settlement_date": day.isoformat(),
        "settlement_period": period,
        "wholesale_activity": position.position_wh != 0,
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def read(raw: bytes) -> Position:
    """The position a file tells. Raises PositionFileError naming the first field that cannot be right."""
    if len(raw) > MOST_BYTES:  # before it is read: what is nested deeper than the stack would take the process with it
        raise PositionFileError(f"The file has {len(raw)} bytes; as JSON a position takes at most {MOST_BYTES}.")
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise PositionFileError("The file is no JSON.") from problem
    if not isinstance(told, dict) or sorted(told) != sorted(FIELDS):
        raise PositionFileError(f"The file must have exactly the fields {', '.join(FIELDS)}.")
    check(told, "file", told["file"] == KIND, KIND)
    check(told, "label", told["label"] == "SIMULATED", "SIMULATED")
    check(told, "bm_unit_id", isinstance(told["bm_unit_id"], str) and told["bm_unit_id"] != "", "a unit's id")
    check(told, "revision", type(told["revision"]) is int and told["revision"] >= 1, "a number from 1")
    text = told["position_mwh"]
    check(told, "position_mwh", isinstance(text, str) and POSITION.fullmatch(text) is not None, "MWh with six places")
    position_wh = int(text.replace(".", ""))
    check(
        told, "wholesale_activity", told["wholesale_activity"] is (position_wh != 0), "true where there is a position"
    )
    return Position(told["bm_unit_id"], start_of(told), told["revision"], position_wh)


def start_of(told: Mapping[str, Any]) -> datetime:
    """The UTC start of the period a file names. Raises PositionFileError for a period its day does not have."""
    try:
        day = date.fromisoformat(told["settlement_date"])
    except (TypeError, ValueError):
        check(told, "settlement_date", False, "a date such as 2026-01-15")
    check(told, "settlement_period", type(told["settlement_period"]) is int, "a whole number")
    try:
        return period_start(day, told["settlement_period"])
    except ValueError as problem:
        raise PositionFileError(f"settlement_period: {problem}") from problem


def check(told: Mapping[str, Any], field: str, holds: bool, wanted: str) -> None:
    """Raise PositionFileError for `field` unless it `holds`."""
    if not holds:
        raise PositionFileError(f"{field} is {str(told[field])[:40]!r}; write {wanted}")
