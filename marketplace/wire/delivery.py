"""Measured delivery and settlements as a seller tells them, read from a contract that comes from other people's machines.

What cannot be read is left out and said in words; it never stops the message that carried it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace.rules.errors import MarketError
from marketplace.wire.series import read_column

LIVE = "RESOURCE_TELEMETRY"  # telemetry on the way; it never settles and is no reading
MOST_KW = Decimal(10**9)
MOST_POUNDS = Decimal(10**12)
MOST_ROWS = 5_000  # a message of a mebibyte holds fewer
MOST_NAME, MOST_METHOD = 120, 80


@dataclass(frozen=True, slots=True)
class Reported:
    """One half hour of one meter in whole Wh. `metered_wh` is None while only the baseline is published."""

    instruction_id: str
    meter_id: str
    methodology: str
    start: datetime
    baseline_wh: int | None
    metered_wh: int | None


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement in its own words: what the buyer pays, in pence, and what counted, in Wh; None where it does not say."""

    settlement_id: str
    supersedes: str
    amount_pence: int | None
    eligible_wh: int | None
    entry: Mapping[str, Any]


def read_deliveries(contract: Mapping[str, Any]) -> tuple[list[Reported], list[str]]:
    """(half hours of every DemandFlexPerformance, what could not be read, in words). Said twice, the last one counts.

    Live telemetry is passed over: it settles nothing.
    """
    rows: dict[tuple[str, str, datetime], Reported] = {}
    problems: list[str] = []
    for entry in objects(contract.get("performance")):
        attributes = mapping(entry.get("performanceAttributes"))
        if attributes.get("@type") != "DemandFlexPerformance" or attributes.get("methodology") == LIVE:
            continue
        name = str(attributes.get("eventId") or entry.get("id") or "")
        for meter in objects(attributes.get("meters")):
            try:
                found = list(half_hours(name, str(attributes.get("methodology", "")), meter))
            except MarketError as problem:
                problems.append(f"{name[:40]}, meter {str(meter.get('meterId'))[:40]}: {problem}")
                continue
            rows.update({(one.instruction_id, one.meter_id, one.start): one for one in found})
    if len(rows) > MOST_ROWS:
        return [], [f"The seller sent {len(rows):,} half hours at once; at most {MOST_ROWS:,} are kept."]
    return sorted(rows.values(), key=lambda one: (one.instruction_id, one.meter_id, one.start)), problems


def half_hours(name: str, methodology: str, meter: Mapping[str, Any]) -> Iterator[Reported]:
    """The half hours of one meter. Raises MarketError saying what is wrong with them."""
    meter_id, telemetry = str(meter.get("meterId", "")), meter.get("telemetry")
    if not name or not meter_id or len(name) > MOST_NAME or len(meter_id) > MOST_NAME:
        raise MarketError("SCH_ATTRIBUTE_PACK_INVALID", f"eventId and meterId have 1 to {MOST_NAME} characters.")
    if not isinstance(telemetry, Mapping):
        raise MarketError("SCH_ATTRIBUTE_PACK_INVALID", "There are means of the window only, and no half hours.")
    baseline, usage = column(telemetry, "BASELINE"), column(telemetry, "USAGE")
    if not baseline and not usage:
        raise MarketError("SCH_ATTRIBUTE_PACK_INVALID", "The time series has neither BASELINE nor USAGE.")
    for start in sorted({*baseline, *usage}):
        yield Reported(name, meter_id, methodology[:MOST_METHOD], start, baseline.get(start), usage.get(start))


def column(telemetry: Mapping[str, Any], name: str) -> dict[datetime, int]:
    """A column of mean kW as energy of its half hours in whole Wh, half to even; empty where there is no such column."""
    if not any(
        payload.get("type") == name
        for interval in objects(telemetry.get("intervals"))
        for payload in objects(interval.get("payloads"))
    ):
        return {}
    found = {}
    for start, kw in read_column(telemetry, name).items():
        if not kw.is_finite() or abs(kw) > MOST_KW:
            raise MarketError("SCH_ATTRIBUTE_PACK_INVALID", f"{name} of {start:%Y-%m-%dT%H:%M}Z is {kw} kW.")
        if start.minute % 30 or start.second or start.microsecond:
            raise MarketError("SCH_ATTRIBUTE_PACK_INVALID", f"{name} begins at {start:%H:%M:%S}, within a half hour.")
        found[start] = round(kw * 500)
    return found


def read_settlements(contract: Mapping[str, Any]) -> list[Settled]:
    """The FlexSettlement entries of a contract that have an id, in its order."""
    found = []
    for entry in objects(contract.get("settlements")):
        attributes = mapping(entry.get("settlementAttributes"))
        identity = str(entry.get("id", ""))
        if not 0 < len(identity) <= MOST_NAME:
            continue
        amount = bounded(mapping(attributes.get("amount")).get("value"))
        eligible = bounded(attributes.get("eligibleKwh"))
        found.append(
            Settled(
                settlement_id=identity,
                supersedes=str(attributes.get("supersedes", ""))[:MOST_NAME],
                amount_pence=None if amount is None else round(amount * 100),
                eligible_wh=None if eligible is None else round(eligible * 1000),
                entry=entry,
            )
        )
    return found


def disputes_told(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The FlexDispute objects in a settlement's attributes."""
    return objects(mapping(entry.get("settlementAttributes")).get("disputes"))


def bounded(value: Any) -> Decimal | None:
    """A number of a size that can be meant, or None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) <= MOST_POUNDS else None


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; none of anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}
