"""Confirms as a grid operator sends them (about 3.7 kB), distinct, signed beforehand, and written out as HTTP requests."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from beckn.wire import signing
from beckn.wire.signing import Signer
from benchmarks.beckn_house import BUYER, House

SCHEMA = "https://caco.example/schema"


def series(*columns: str, slots: int = 8) -> dict[str, Any]:
    """A time series of half hours."""
    return {
        "@context": "https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld",
        "@type": "TimeSeries",
        "intervalPeriod": {"start": "2026-01-15T17:00:00Z", "duration": "PT30M"},
        "payloadDescriptors": [
            {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": name, "units": "KW"} for name in columns
        ],
        "intervals": [
            {"id": slot, "payloads": [{"type": name, "values": [1200 - slot]} for name in columns]}
            for slot in range(slots)
        ],
    }


def contract() -> dict[str, Any]:
    """A quoted order for four hours."""
    inputs = {
        "currency": "GBP",
        "baselineMethodology": {"method": "5of10"},
        "participatingMeters": ["msid-1900000000001"],
        "price": series("PRICE", "SHORTFALL_PENALTY"),
    }
    attributes = {
        "@context": f"{SCHEMA}/ComputeFlexSellOffer/v1.0/context.jsonld",
        "@type": "ComputeFlexSellOffer",
        "inputs": [{"role": "seller", "participantId": "market.caco.local", "inputs": inputs}],
    }
    price = {
        "@context": "https://schema.beckn.io/PriceSpecification/v2.2/context.jsonld",
        "@type": "PriceSpecification",
        "currency": "GBP",
        "value": 550,
        "components": [{"type": "USAGE", "value": 550, "currency": "GBP", "description": "2200 kWh x 0.25"}],
    }
    return {
        "id": "b7a0a4a2-2a39-4f0f-8d52-6f5f2d1a9c10",
        "status": {"code": "DRAFT"},
        "commitments": [
            {
                "id": "commitment-1",
                "status": {"descriptor": {"code": "DRAFT"}},
                "resources": [{"id": "flex-norwich", "quantity": {"unitCode": "kW", "unitQuantity": 1200}}],
                "offer": {"id": "offer-1", "resourceIds": ["flex-norwich"], "offerAttributes": attributes},
                "commitmentAttributes": series("CAPACITY_OFFERED"),
            }
        ],
        "consideration": [{"id": "consideration-1", "status": {"code": "QUOTED"}, "considerationAttributes": price}],
    }


def body(house: House, *, action: str = "confirm", message: dict[str, Any] | None = None) -> bytes:
    """A body with @TRANSACTION and @MESSAGE where each message has its own ids."""
    peer = house.peer()
    context = {
        "networkId": peer["network"],
        "version": "2.0.0",
        "action": action,
        "bapId": BUYER,
        "bapUri": house.callback_url,
        "bppId": peer["subscriber_id"],
        "bppUri": peer["url"],
        "transactionId": "@TRANSACTION",
        "messageId": "@MESSAGE",
        "timestamp": datetime.now(UTC).isoformat(),
        "ttl": "PT4H",
    }
    told = {"context": context, "message": message or {"contract": contract()}}
    return json.dumps(told, separators=(",", ":")).encode()


def requests(
    house: House, count: int, *, action: str = "confirm", message: dict[str, Any] | None = None
) -> list[bytes]:
    """`count` whole HTTP requests, each a message of its own."""
    template = body(house, action=action, message=message)
    signer = Signer.of(BUYER, "load-1", bytes.fromhex(house.seed))
    made = []
    for _ in range(count):
        raw = template.replace(b"@TRANSACTION", str(uuid.uuid4()).encode()).replace(
            b"@MESSAGE", str(uuid.uuid4()).encode()
        )
        header = signing.sign(raw, signer, now=datetime.now(UTC))
        head = (
            f"POST /beckn/bpp/{action} HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\nContent-Type: application/json\r\n"
            f"Authorization: {header}\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        made.append(head.encode() + raw)
    return made
