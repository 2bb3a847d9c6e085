"""The four views that reconciliation lays side by side, and what it finds: plain data.

Positions are signed whole Wh of one half hour, positive for less import. A place is (unit, UTC start). What is not known is
None or empty, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Place = tuple[str, datetime]
Leg = Literal["TRADED_NOTIFIED", "NOTIFIED_ACCEPTED", "ACCEPTED_SETTLED"]


class Cause(StrEnum):
    """Why two views differ, or why a figure may not be used."""

    NOTIFICATION_MISSING = "NOTIFICATION_MISSING"
    NOTIFICATION_LATE = "NOTIFICATION_LATE"
    NOTIFIED_WRONG_PERIOD = "NOTIFIED_WRONG_PERIOD"
    NOTIFIED_NOT_TRADED = "NOTIFIED_NOT_TRADED"
    NOTIFICATION_DUPLICATE = "NOTIFICATION_DUPLICATE"
    EXCEPTION_NOT_RESUBMITTED = "EXCEPTION_NOT_RESUBMITTED"
    VOLUME_WRONG = "VOLUME_WRONG"
    MW_FOR_MWH = "MW_FOR_MWH"
    SIGN_FLIPPED = "SIGN_FLIPPED"
    ACCEPTED_UNIT_ONLY = "ACCEPTED_UNIT_ONLY"
    NOT_HELD = "NOT_HELD"
    HELD_NOT_NOTIFIED = "HELD_NOT_NOTIFIED"
    TRADED_AFTER_CANCELLATION = "TRADED_AFTER_CANCELLATION"
    SETTLEMENT_MISSING = "SETTLEMENT_MISSING"
    SETTLED_NOT_TRADED = "SETTLED_NOT_TRADED"
    PERIOD_DOUBLE_COUNTED = "PERIOD_DOUBLE_COUNTED"
    METER_GAP = "METER_GAP"
    STALE_RUN = "STALE_RUN"
    PRICE_RUN_MISMATCH = "PRICE_RUN_MISMATCH"


@dataclass(frozen=True, slots=True)
class Traded:
    """What one trade sold in one period. `ref` is the trade's id; a cancelled one keeps its rows."""

    ref: str
    unit: str
    start: datetime
    position_wh: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Notified:
    """One notification that was sent. `exception` is the counterparty's reason; empty is silence, which accepts nothing."""

    key: str
    unit: str
    start: datetime
    revision: int
    position_wh: int
    sent_at: datetime
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the counterparty holds, by its own report. `start` is None where it names the unit only."""

    unit: str
    start: datetime | None
    position_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """One line of a statement of `run`. Status F: not calculated. `replaced_by` names a newer run or version."""

    ref: str
    unit: str
    start: datetime
    position_wh: int
    run: str
    version: int = 1
    status: Literal["T", "F"] = "T"
    replaced_by: str = ""
    price_run: str = ""


@dataclass(frozen=True, slots=True)
class Views:
    """The four. `accepted_at` is when the counterparty reported; None: not yet. `settled_due` says when a line is owed, and
    `unmetered` where no reading is known, so that no line can be made."""

    traded: tuple[Traded, ...] = ()
    notified: tuple[Notified, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    settled: tuple[Settled, ...] = ()
    accepted_at: datetime | None = None
    settled_due: Mapping[Place, datetime] | None = None
    unmetered: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One finding: its cause, between which views, where, what was expected and found in Wh, and a sentence."""

    cause: Cause
    leg: Leg
    unit: str
    start: datetime
    says: str
    expected_wh: int | None = None
    found_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The four views of one place: net positions in Wh, None where a view has nothing."""

    unit: str
    start: datetime
    traded_wh: int | None
    notified_wh: int | None
    accepted_wh: int | None
    settled_wh: int | None
    differences: tuple[Difference, ...] = ()
