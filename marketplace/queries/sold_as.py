"""What a seller's contract says it is sold as, and which document it names: read from the message, never looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace.wire.purchase import product_of


@dataclass(frozen=True, slots=True)
class SoldAs:
    """The product by the seller's terms. `availability_price` is GBP per MW and hour, where it is paid.

    `direction` is REDUCE or INCREASE, empty where the terms do not say.
    """

    name: str
    by_schedule: bool
    availability_price: Decimal | None
    direction: str = ""

    @property
    def moves(self) -> str:
        """What is sold, as a person says it."""
        return {"REDUCE": "Turn-down", "INCREASE": "Turn-up"}.get(self.direction, "Power")


def sold_as(contract: Mapping[str, Any]) -> SoldAs:
    """The product of a contract; without a name where the terms name none."""
    told = product_of(contract)
    try:
        price = Decimal(str(told["availabilityPriceGbpPerMwH"]))
    except (KeyError, InvalidOperation):
        price = None
    return SoldAs(
        name=str(told.get("name", told.get("key", ""))),
        by_schedule=told.get("dispatch", "INSTRUCTION") != "INSTRUCTION",
        availability_price=price,
        direction=str(told.get("direction", "")),
    )


def document_of(contract: Mapping[str, Any]) -> Mapping[str, str]:
    """{label, url, sha256} of the contract document that the seller names; empty where it names none that can be read."""
    try:
        told = contract["descriptor"]["docs"][0]
        label, url, security = str(told["label"]), str(told["url"]), told["security"]
        if security["checksumAlgorithm"] != "SHA256" or not url.startswith(("https://", "http://")):
            return {}
        return {"label": label, "url": url, "sha256": str(security["checksum"])}
    except (KeyError, IndexError, TypeError):
        return {}
