"""What the fake participant sells: one offer, and the contract after each step, right or with one fault."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

CATALOGUE = {
    "id": "catalogue-1",
    "descriptor": {"name": "Turn-down"},
    "provider": {"id": "provider-1", "descriptor": {"name": "A data centre"}},
    "resources": [{"id": "r1", "descriptor": {"name": "A site"}}],
    "offers": [{"id": "o1", "descriptor": {"name": "An evening"}, "resourceIds": ["r1"]}],
}
AMOUNT = Decimal("541.25")
SOLD_OUT = CATALOGUE | {"offers": []}


SCRAPS: list[Any] = [
    "x",
    {"resources": [{}, "r0", {"id": 1}], "offers": ["o0", {}, {"id": "o1", "resourceIds": [{}, "r1"]}, {"id": "o2"}]},
    {"resources": {}, "offers": None},
]


class Shop:
    """It keeps what was confirmed, by transaction."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.sold: dict[str, int] = {}

    @property
    def catalogs(self) -> list[dict[str, Any]]:
        """What is on sale."""
        return {"nothing on sale": [SOLD_OUT], "scraps on sale": SCRAPS}.get(self.fault, [CATALOGUE])

    def is_silent(self, action: str, transaction_id: str) -> bool:
        """Whether it acknowledges a step and never answers it."""
        again = action == "confirm" and self.sold.get(transaction_id)
        return self.fault == f"no answer to {action}" or bool(again and self.fault == "no answer to a second confirm")

    def answer(self, action: str, transaction_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """The body's members beside the context: the contract after this step, or why it is refused."""
        if action == "confirm" and self.asked_price(wanted) != AMOUNT and self.fault != "any price":
            return refused("BIZ_QUOTE_EXPIRED_OR_CHANGED", wanted)
        if self.fault == f"refuses {action}":
            return refused("BIZ_QUANTITY_UNAVAILABLE", wanted)
        times = self.sold.get(transaction_id, 0) + (action == "confirm")
        self.sold[transaction_id] = times
        if times > 1 and self.fault == "refuses a second confirm":
            return refused("BIZ_ALREADY_CONFIRMED", wanted)
        code = "ACTIVE" if action == "confirm" and self.fault != "confirms nothing" else "DRAFT"
        contract = wanted | {"status": {"code": code}, "consideration": [self.consideration(action, times)]}
        if action != "select" and not (action == "init" and self.fault == "terms without an id"):
            contract["id"] = self.id_of(action, transaction_id, times)
        if self.fault == "sales without an id" and action == "confirm":
            del contract["id"]
        return {"message": {"contract": contract} if self.fault != f"no contract in on_{action}" else {}}

    def asked_price(self, wanted: dict[str, Any]) -> Decimal:
        """What a confirm says is to be paid."""
        return Decimal(wanted["consideration"][0]["considerationAttributes"]["value"])

    def id_of(self, action: str, transaction_id: str, times: int) -> str:
        """The transaction's own id, unless that is the fault."""
        if self.fault == "sells twice" and times > 1:
            return str(uuid.uuid4())
        if self.fault == "another id for the sale" and action == "confirm":
            return str(uuid.uuid5(uuid.NAMESPACE_URL, transaction_id))
        return transaction_id

    def consideration(self, action: str, times: int) -> dict[str, Any]:
        """543.75 for energy, less 2.50."""
        usage, penalty, value = Decimal("543.75"), Decimal("-2.50"), AMOUNT
        if self.fault == "quotes that do not add up" and action == "select":
            usage -= Decimal("0.01")
        if self.fault == "terms that do not add up" and action == "init":
            penalty = -penalty
        if self.fault == "asks more in the end" and action == "confirm":
            usage, value = usage + 10, value + 10
        if self.fault == "asks more than it quoted" and action == "select":
            usage, value = usage - 10, value - 10
        if self.fault == "a second confirm costs twice" and times > 1:
            usage, value = usage + value, 2 * value
        lines = [("USAGE", usage), ("PENALTY", penalty), ("TOTAL", value)]
        price = {
            "@context": "https://schema.beckn.io/PriceSpecification/v2.2/context.jsonld",
            "@type": "PriceSpecification",
            "currency": "GBP",
            "value": value,
            "components": [{"type": kind, "value": amount, "currency": "GBP"} for kind, amount in lines],
        }
        return {"id": "consideration-1", "status": {"code": "QUOTED"}, "considerationAttributes": price}


def refused(code: str, contract: dict[str, Any]) -> dict[str, Any]:
    """An answer that is a no."""
    return {
        "message": {"contract": contract},
        "error": {"errorCode": code, "errorMessage": "No.", "code": code, "message": "No."},
    }
