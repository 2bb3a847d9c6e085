"""One message for each action, with everything in it that our market says."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

ID = "b7a0a4a2-2a39-4f0f-8d52-6f5f2d1a9c10"
TRANSACTION, MESSAGE = "6f1d0c2e-7a54-4c0b-9a6e-0d2b7f3f1a01", "0c9e5a10-1111-4222-8333-000000000010"
OURS = "https://caco.example/schema"


def series(**columns: list[Any]) -> dict[str, Any]:
    """A time series of half hours."""
    length = len(next(iter(columns.values())))
    return {
        "@context": "https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld",
        "@type": "TimeSeries",
        "intervalPeriod": {"start": "2026-01-15T17:00:00Z", "duration": "PT30M"},
        "payloadDescriptors": [
            {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": name, "units": "KW"} for name in columns
        ],
        "intervals": [
            {"id": index, "payloads": [{"type": name, "values": [values[index]]} for name, values in columns.items()]}
            for index in range(length)
        ],
    }


RESOURCE = {
    "id": "flex-1",
    "descriptor": {"name": "Norwich, less"},
    "resourceAttributes": {
        "@context": f"{OURS}/ComputeFlexResource/v1.0/context.jsonld",
        "@type": "ComputeFlexResource",
        "direction": "REDUCE",
        "capacityType": "SHIFT",
        "maxCapacityKw": Decimal("514.25"),
        "noticePeriod": "PT15M",
        "maxDuration": "PT1H",
        "maxEventsPerDay": 2,
        "location": {"geo": {"type": "Point", "coordinates": [Decimal("1.2974"), Decimal("52.6309")]}},
        "gridZone": "GSP:P",
        "availability": series(CAPACITY_AVAILABLE=[Decimal("514.25"), 600], CARBON_INTENSITY=[310, Decimal("305.5")]),
    },
}
PRICES = {"currency": "GBP", "price": series(PRICE=[Decimal("0.028"), Decimal("0.0280")], SHORTFALL_PENALTY=[0, 1])}
OFFER = {
    "id": "offer-1",
    "descriptor": {"name": "Tonight"},
    "resourceIds": ["flex-1"],
    "validity": {"startDate": "2026-01-10T00:00:00Z", "endDate": "2026-01-15T16:00:00Z"},
    "offerAttributes": {
        "@context": f"{OURS}/ComputeFlexSellOffer/v1.0/context.jsonld",
        "@type": "ComputeFlexSellOffer",
        "inputs": [
            {"role": "seller", "participantId": "seller.example", "inputs": PRICES},
            {"role": "buyer", "participantId": None, "inputs": {}},
        ],
    },
}
CATALOG = {
    "id": "cat-1",
    "descriptor": {"name": "Compute flexibility"},
    "bppId": "seller.example",
    "bppUri": "https://seller.example/bpp",
    "isActive": True,
    "provider": {"id": "dc-operator", "descriptor": {"name": "Norwich Data Centre"}},
    "resources": [RESOURCE],
    "offers": [OFFER],
}
COMMITMENT = {
    "id": "commitment-1",
    "status": {"descriptor": {"code": "ACTIVE"}},
    "resources": [{"id": "flex-1", "quantity": {"unitCode": "kW", "unitQuantity": 1200}}],
    "offer": {key: OFFER[key] for key in ("id", "resourceIds", "offerAttributes")},
    "commitmentAttributes": series(CAPACITY_OFFERED=[1200, Decimal("1000.50")]),
}
CONTRACT: dict[str, Any] = {
    "id": ID,
    "status": {"code": "ACTIVE"},
    "commitments": [COMMITMENT],
    "consideration": [
        {
            "id": "consideration-1",
            "status": {"code": "AGREED"},
            "considerationAttributes": {
                "@context": "https://schema.beckn.io/PriceSpecification/v2.2/context.jsonld",
                "@type": "PriceSpecification",
                "currency": "GBP",
                "value": Decimal("541.25"),
                "components": [
                    {"type": "USAGE", "value": Decimal("543.75"), "currency": "GBP", "description": "2175 kWh x 0.25"},
                    {"type": "PENALTY", "value": Decimal("-2.50"), "currency": "GBP", "description": "25 kWh short"},
                ],
            },
        }
    ],
    "participants": [
        {"id": "buyer.example", "descriptor": {"code": "BUYER", "name": "Grid"}},
        {"id": "seller.example", "descriptor": {"code": "SELLER", "name": "Market"}},
        {"id": "dc-operator", "descriptor": {"code": "ASSET_OPERATOR", "name": "Norwich Data Centre"}},
    ],
    "contractAttributes": {
        "@context": "https://schema.nfh.global/DEGContract/v2.0/context.jsonld",
        "@type": "DEGContract",
        "roles": [
            {"role": "buyer", "participantId": "buyer.example"},
            {"role": "seller", "participantId": "seller.example"},
        ],
        "policy": {"url": "https://caco.example/policy.json", "queryPath": "data.x"},
    },
}
ACTIVATION = {
    "id": "activation-1",
    "status": {"code": "ACTIVATION_REQUESTED"},
    "commitmentIds": ["commitment-1"],
    "performanceAttributes": {
        "@context": f"{OURS}/FlexActivation/v1.0/context.jsonld",
        "@type": "FlexActivation",
        "activationId": "activation-1",
        "instruction": "DISPATCH",
        "mechanism": "P415",
        "settlementDate": "2026-01-15",
        "settlementPeriods": [35, 36],
        "msidPairs": ["msid-1"],
        "issuedAt": "2026-01-15T16:40:00Z",
        "ackBy": "2026-01-15T16:45:00Z",
        "setpoint": series(CAPACITY_REQUESTED=[1200, 1000]),
    },
}
DELIVERY = {
    "id": "activation-1",
    "status": {"code": "DELIVERY_COMPLETE"},
    "performanceAttributes": {
        "@context": "https://schema.nfh.global/DemandFlexPerformance/v2.0/context.jsonld",
        "@type": "DemandFlexPerformance",
        "eventId": "activation-1",
        "methodology": "5of10",
        "meters": [
            {
                "meterId": "msid-1",
                "baselineKw": 2000,
                "actualKw": Decimal("902.5"),
                "telemetry": series(BASELINE=[2000, 2000], USAGE=[800, Decimal("760.125")]),
            }
        ],
    },
}
SETTLEMENT = {
    "id": "7",
    "considerationId": "consideration-1",
    "status": "COMPLETE",
    "settlementAttributes": {
        "@context": f"{OURS}/FlexSettlement/v1.0/context.jsonld",
        "@type": "FlexSettlement",
        "run": "SF",
        "amount": {"currency": "GBP", "value": Decimal("541.25")},
        "deliveredKwh": 2195,
        "eligibleKwh": Decimal("2175.0"),
        "shortfallKwh": 25,
        "auditTrail": {"chainId": 31337, "txHash": "0xab"},
    },
}
ORDER: dict[str, Any] = {
    "id": ID,
    "status": "ACTIVE",
    "items": [{"id": "flex-1", "quantity": {"selected": {"measure": {"value": "1200", "unit": "kW"}}}}],
    "offers": [{"id": "offer-1"}],
}
SPATIAL = {
    "op": "S_DWITHIN",
    "targets": "$['resourceAttributes']['location']['geo']",
    "geometry": {"type": "Point", "coordinates": [Decimal("1.30"), Decimal("52.63")]},
    "distanceMeters": 20500,
    "quantifier": "ANY",
}
FILTER = {"type": "jsonpath", "expression": "$.catalogs[*].resources[?(@.resourceAttributes.direction == 'REDUCE')]"}
RATING = {"target": {"id": ID, "descriptor": {"code": "CONTRACT"}}, "range": {"min": 1, "max": 5, "value": 4}}
CHANNEL = {"@context": f"{OURS}/SupportChannel/v1.0/context.jsonld", "@type": "EmailChannel", "email": "help@a.example"}
TRACKING = {"url": "https://seller.example/track", "status": "ACTIVE"}
MESSAGES: dict[str, Any] = {
    "discover": {"intent": {"textSearch": "norwich", "filters": FILTER, "spatial": [SPATIAL]}},
    "on_discover": {"catalogs": [CATALOG]},
    "track": {"tracking": TRACKING | {"contract": {"id": ID, "commitments": [COMMITMENT]}}},
    "on_track": {"tracking": TRACKING},
    "rate": {"ratingInputs": [RATING]},
    "on_rate": {"ratings": [RATING]},
    "support": {"support": {"orderId": ID}},
    "on_support": {"support": {"orderId": ID, "channels": [CHANNEL]}},
    "cancel": {"contract": CONTRACT | {"descriptor": {"code": "2", "shortDesc": "withdrawn"}}},
    "update": {"contract": CONTRACT | {"performance": [ACTIVATION]}},
    "on_status": {"contract": CONTRACT | {"performance": [DELIVERY]}},
    "on_update": {"contract": CONTRACT | {"performance": [DELIVERY], "settlements": [SETTLEMENT]}},
}


def sample(action: str) -> dict[str, Any]:
    """A whole body of 2.0.0, with numbers as they come from the wire."""
    head = {
        "networkId": "caco.example/flex-dev",
        "version": "2.0.0",
        "action": action,
        "bapId": "buyer.example",
        "bapUri": "https://buyer.example/bap",
        "bppId": "seller.example",
        "bppUri": "https://seller.example/bpp",
        "transactionId": TRANSACTION,
        "messageId": MESSAGE,
        "timestamp": "2026-01-15T10:07:00Z",
        "ttl": "PT30S",
    }
    return copy.deepcopy({"context": head, "message": MESSAGES.get(action, {"contract": CONTRACT})})


def context(word: str) -> dict[str, Any]:
    """A context of 1.1."""
    return {
        "domain": "energy:flexibility",
        "action": word,
        "version": "1.1.1",
        "bap_id": "buyer.example",
        "bap_uri": "https://buyer.example/bap",
        "bpp_id": "seller.example",
        "bpp_uri": "https://seller.example/bpp",
        "transaction_id": TRANSACTION,
        "message_id": MESSAGE,
        "timestamp": "2026-01-15T10:07:00Z",
        "ttl": "PT30S",
    }


ACTIVATED = sample("update")
