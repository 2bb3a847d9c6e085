"""TimeSeries: half-hourly columns on one grid, in the OpenADR 3.1 naming that Beckn's energy schemas use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from marketplace.rules.errors import MarketError

CONTEXT = "https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld"
HALF_HOUR = timedelta(minutes=30)
UNITS = {
    "CAPACITY_AVAILABLE": "KW",
    "CAPACITY_OFFERED": "KW",
    "CAPACITY_REQUESTED": "KW",
    "BASELINE": "KW",
    "USAGE": "KW",
    "CARBON_INTENSITY": "GCO2_PER_KWH",
    "PRICE": "GBP_PER_KWH",
    "SHORTFALL_PENALTY": "GBP_PER_KWH",
}


def instant(moment: datetime) -> str:
    """`moment` in UTC with Z and whole seconds, as the wire wants it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_series(
    start: datetime, columns: Mapping[str, Sequence[Decimal]], *, kind: str = "EVENT_PAYLOAD_DESCRIPTOR"
) -> dict[str, Any]:
    """A PT30M TimeSeries from `start` with one value per half hour in each column (units by UNITS)."""
    length = len(next(iter(columns.values())))
    return {
        "@context": CONTEXT,
        "@type": "TimeSeries",
        "intervalPeriod": {"start": instant(start), "duration": "PT30M"},
        "payloadDescriptors": [{"objectType": kind, "payloadType": name, "units": UNITS[name]} for name in columns],
        "intervals": [
            {"id": i, "payloads": [{"type": name, "values": [number(values[i])]} for name, values in columns.items()]}
            for i in range(length)
        ],
    }


def number(value: Decimal) -> Decimal | int:
    """A Decimal without trailing zeros; whole numbers as int, so that 1200.000 reads 1200 on the wire."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def read_column(series: Any, name: str) -> dict[datetime, Decimal]:
    """Column `name` of a TimeSeries as {start: value}. Raises MarketError naming what is wrong with it."""
    try:
        start = datetime.fromisoformat(series["intervalPeriod"]["start"].replace("Z", "+00:00"))
        if series["intervalPeriod"].get("duration", "PT30M") != "PT30M" or start.tzinfo is None:
            raise ValueError("the grid is not PT30M in UTC")
        found: dict[datetime, Decimal] = {}
        for interval in series["intervals"]:
            for payload in interval["payloads"]:
                if payload["type"] == name:
                    found[(start + int(interval["id"]) * HALF_HOUR).astimezone(UTC)] = Decimal(
                        str(payload["values"][0])
                    )
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as problem:
        raise MarketError(
            "SCH_ATTRIBUTE_PACK_INVALID",
            f"The {name} time series cannot be read: {problem}.",
            fix="Send a PT30M TimeSeries.",
        ) from problem
    if not found:
        raise MarketError("SCH_ATTRIBUTE_PACK_INVALID", f"The time series has no {name} column.", fix=f"Add {name}.")
    return found
