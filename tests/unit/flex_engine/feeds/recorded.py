"""Recorded answers of the publishers, read as the feeds read them, and small made ones in the documented shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flex_engine.feeds.archive import Answer
from flex_engine.feeds.catalogue import FEEDS
from flex_engine.feeds.collect import read
from flex_engine.feeds.reading import Reading
from flex_engine.timegrid import HALF_HOUR, day_start
from tests.shared_data import shared


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def raw(name: str) -> bytes:
    return shared(f"fixtures/{name}").read_bytes()


def reading(feed: str, body: bytes | Any, *, now: datetime, about: Mapping[str, str] | None = None) -> Reading:
    """What `feed` reads in `body`, given as bytes or as what JSON makes of them."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(FEEDS[feed], Answer(feed, "https://publisher.example/", about or {}, now, content)).reading


def why(found: Reading) -> str:
    return " | ".join(f"{one.row}: {one.why}" for one in found.set_aside)


def stamp(start: datetime) -> str:
    return f"{start:%Y-%m-%dT%H:%MZ}"


def blocks(*values: Any, start: datetime, word: str = "actual") -> dict[str, Any]:
    """National intensity in the documented shape, one block a half hour from `start`."""
    return {
        "data": [
            {
                "from": stamp(start + i * HALF_HOUR),
                "to": stamp(start + (i + 1) * HALF_HOUR),
                "intensity": {"forecast": 100, "actual": 100, "index": "low"} | {word: value},
            }
            for i, value in enumerate(values)
        ]
    }


def price_row(day: date, period: int, **changes: Any) -> dict[str, Any]:
    start = day_start(day) + (period - 1) * timedelta(minutes=30)
    return {
        "settlementDate": day.isoformat(), "settlementPeriod": period, "startTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "systemSellPrice": 50.0, "systemBuyPrice": 50.0,
    } | changes  # fmt: skip
