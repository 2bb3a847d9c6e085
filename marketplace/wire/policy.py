"""The policy that contracts point to: how a dispatch is settled, in words and in a worked example.

The engine room that settles is flex_engine.settle; a test works the example out there and compares.
"""

from __future__ import annotations

from typing import Any

from beckn.wire.types import BASE

NAME = "compute-flex-v1.json"
URL = f"{BASE}/policies/{NAME}"
QUERY_PATH = "data.caco.contracts.compute_flex"
RULES = {
    "period": "Each settlement period is half an hour on the UTC grid. Energy is whole watt-hours, money whole pence.",
    "baseline": "The site's load had it not been dispatched, by the method that the offer names, from readings of earlier days.",
    "delivered": "REDUCE: baseline minus metered energy; INCREASE: metered minus baseline; never below zero.",
    "eligible": "The smaller of delivered and instructed energy. What was offered and not instructed earns and costs nothing.",
    "shortfall": "Instructed minus delivered energy, never below zero.",
    "payment": "Sum over periods of eligible energy times PRICE, rounded half to even to the penny once, for the whole dispatch.",
    "penalty": "Sum over periods of shortfall energy times SHORTFALL_PENALTY, rounded in the same way.",
    "amount": "Payment minus penalty: positive flows from buyer to seller, negative back. The two revenue flows sum to zero.",
    "sharing": "Dispatches at one site and time share what its meter shows in proportion to what each instructed, rounded down.",
    "readings": "A missing reading is asked for and never taken as zero. Live telemetry settles nothing.",
    "runs": "A later run replaces an earlier one by a new settlement entry; no entry is ever changed.",
}
EXAMPLE = {
    "direction": "REDUCE",
    "priceGbpPerKwh": "0.25",
    "shortfallPenaltyGbpPerKwh": "0.10",
    "periods": [
        {
            "instructedWh": 600_000,
            "baselineWh": 1_000_000,
            "meteredWh": 400_000,
            "eligibleWh": 600_000,
            "shortfallWh": 0,
        },
        {
            "instructedWh": 600_000,
            "baselineWh": 1_000_000,
            "meteredWh": 380_000,
            "eligibleWh": 600_000,
            "shortfallWh": 0,
        },
        {
            "instructedWh": 500_000,
            "baselineWh": 1_000_000,
            "meteredWh": 525_000,
            "eligibleWh": 475_000,
            "shortfallWh": 25_000,
        },
        {
            "instructedWh": 500_000,
            "baselineWh": 1_000_000,
            "meteredWh": 500_000,
            "eligibleWh": 500_000,
            "shortfallWh": 0,
        },
    ],
    "paymentPence": 54_375,
    "penaltyPence": 250,
    "amountPence": 54_125,
}


def policy() -> dict[str, Any]:
    """The whole document."""
    return {
        "id": URL,
        "queryPath": QUERY_PATH,
        "version": "1",
        "title": "Settlement of computing flexibility by half hours",
        "rules": RULES,
        "example": EXAMPLE,
    }
