"""What a buyer reads in a catalogue and a contract, and the messages it makes of them. Pure: no network, no clock.

A seller's contract is sent back as it came; only what the step asks for is added, so that nothing is lost in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

HALF_HOUR = timedelta(minutes=30)
SERIES = "https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld"
CONTRACT = "https://schema.nfh.global/DEGContract/v2.0/context.jsonld"
ACTIVATION = "https://caco.example/schema/FlexActivation/v1.0/context.jsonld"
POLICY = {
    "url": "https://caco.example/schema/policies/compute-flex-v1.json",
    "queryPath": "data.caco.contracts.compute_flex",
}


class DealError(Exception):
    """Nothing on offer fits, or an answer cannot be read; the text says what."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer that can be ordered: its terms as sent, power in kW in every half hour of its window, mean price in GBP/kWh."""

    offer: Mapping[str, Any]
    resource_id: str
    seller: str
    kw: Decimal
    price: Decimal
    start: datetime
    end: datetime


def column(series: Any, name: str) -> dict[datetime, Decimal]:
    """A column of a half-hourly TimeSeries as {start: value}. Raises DealError."""
    try:
        period = series["intervalPeriod"]
        start = datetime.fromisoformat(period["start"])
        if period.get("duration", "PT30M") != "PT30M" or start.tzinfo is None:
            raise ValueError("it is not half-hourly in a known zone")
        values = [(entry["id"], payload) for entry in series["intervals"] for payload in entry["payloads"]]
        found = {
            (start + int(i) * HALF_HOUR).astimezone(UTC): Decimal(str(payload["values"][0]))
            for i, payload in values
            if payload["type"] == name
        }
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as problem:
        raise DealError(f"the {name} series cannot be read: {problem}") from problem
    if not found:
        raise DealError(f"the series has no {name}")
    return found


def instant(moment: datetime) -> str:
    """UTC with Z and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def choices(catalogs: Any, *, seller: str = "") -> Iterator[Choice]:
    """Every offer of an on_discover that can be read; another seller's oddity hides nobody else's offer.

    `seller` is whose a catalogue is that does not say it, as in 1.1.
    """
    for catalogue in catalogs if isinstance(catalogs, list) else []:
        resources = {entry.get("id"): entry for entry in catalogue.get("resources") or []}
        for offer in catalogue.get("offers") or []:
            try:
                yield choice_of({"bppId": seller, **catalogue}, resources, offer)
            except (DealError, KeyError, IndexError, TypeError, StopIteration):
                continue


def choice_of(catalogue: Mapping[str, Any], resources: Mapping[Any, Any], offer: Mapping[str, Any]) -> Choice:
    """One offer as a choice."""
    resource_id = offer["resourceIds"][0]
    power = column(resources[resource_id]["resourceAttributes"]["availability"], "CAPACITY_AVAILABLE")
    terms = next(entry["inputs"] for entry in offer["offerAttributes"]["inputs"] if entry["role"] == "seller")
    price = column(terms["price"], "PRICE")
    return Choice(
        offer,
        str(resource_id),
        str(catalogue.get("bppId", "")),
        min(power[start] for start in price),
        sum(price.values(), Decimal(0)) / len(price),
        min(price),
        max(price) + HALF_HOUR,
    )


def pick(
    found: list[Choice],
    *,
    kw: Decimal | None,
    window: tuple[datetime, datetime] | None,
    offer_id: str,
) -> Choice:
    """The cheapest choice that has the power and overlaps the window, or the offer asked for. Raises DealError saying why none does."""
    if offer_id:
        found = [one for one in found if one.offer["id"] == offer_id]
    fits = [
        one
        for one in found
        if (kw is None or one.kw >= kw) and (window is None or (window[0] <= one.start and one.end <= window[1]))
    ]
    if not fits:
        listed = "; ".join(
            f"{one.offer['id']}: {one.kw} kW from {instant(one.start)} to {instant(one.end)}" for one in found[:5]
        )
        raise DealError(f"none of the {len(found)} offers on sale fits{f' ({listed})' if listed else ''}")
    return min(fits, key=lambda one: (one.price, one.start, str(one.offer["id"])))


def plain(value: Decimal) -> Decimal | int:
    """A number as it is written on the wire: without trailing zeros."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def select_message(choice: Choice, *, kw: Decimal, buyer: str) -> dict[str, Any]:
    """A select for `kw` in every half hour of the offer."""
    kept = {name: choice.offer[name] for name in ("id", "resourceIds", "offerAttributes") if name in choice.offer}
    resource = {"id": choice.resource_id, "quantity": {"unitCode": "kW", "unitQuantity": plain(kw)}}
    return {
        "contract": {
            "status": {"code": "DRAFT"},
            "commitments": [
                {
                    "id": "commitment-1",
                    "status": {"descriptor": {"code": "DRAFT"}},
                    "resources": [resource],
                    "offer": kept,
                }
            ],
            "contractAttributes": {
                "@context": CONTRACT,
                "@type": "DEGContract",
                "roles": [
                    {"role": "buyer", "participantId": buyer},
                    {"role": "seller", "participantId": choice.seller},
                ],
                "policy": POLICY,
            },
        }
    }


def again(contract: Mapping[str, Any]) -> dict[str, Any]:
    """The seller's contract sent back, for init and confirm."""
    return {"contract": {name: value for name, value in contract.items() if name not in ("performance", "settlements")}}


def amount_of(contract: Mapping[str, Any]) -> Decimal:
    """What the contract asks or paid in GBP. Raises DealError."""
    try:
        return Decimal(str(contract["consideration"][0]["considerationAttributes"]["value"]))
    except (KeyError, IndexError, TypeError, ArithmeticError) as problem:
        raise DealError("the seller's contract names no amount") from problem


def dispatch_message(
    contract: Mapping[str, Any], *, instruction_id: str, now: datetime, mechanism: str = "P415"
) -> dict[str, Any]:
    """An update that dispatches everything ordered. Raises DealError when the contract does not say what that is."""
    message = again(contract)
    try:
        commitment = contract["commitments"][0]
        ordered = column(commitment["commitmentAttributes"], "CAPACITY_OFFERED")
        inputs = commitment["offer"]["offerAttributes"]["inputs"]
        meters = next(entry["inputs"] for entry in inputs if entry["role"] == "seller")["participatingMeters"]
    except (KeyError, IndexError, TypeError, StopIteration) as problem:
        raise DealError("the seller's contract does not say what was ordered, or for which meters") from problem
    starts = sorted(ordered)
    attributes = {
        "@context": ACTIVATION,
        "@type": "FlexActivation",
        "activationId": instruction_id,
        "instruction": "DISPATCH",
        "mechanism": mechanism,
        "msidPairs": list(meters),
        "issuedAt": instant(now),
        "ackBy": instant(now + timedelta(minutes=5)),
        "setpoint": setpoint(starts[0], [ordered[start] for start in starts]),
    }
    message["contract"]["performance"] = [
        {
            "id": instruction_id,
            "status": {"code": "ACTIVATION_REQUESTED"},
            "commitmentIds": [commitment["id"]],
            "performanceAttributes": attributes,
        }
    ]
    return message


def setpoint(start: datetime, values: list[Decimal]) -> dict[str, Any]:
    """Requested power on consecutive half hours."""
    described = {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": "CAPACITY_REQUESTED", "units": "KW"}
    return {
        "@context": SERIES,
        "@type": "TimeSeries",
        "intervalPeriod": {"start": instant(start), "duration": "PT30M"},
        "payloadDescriptors": [described],
        "intervals": [
            {"id": i, "payloads": [{"type": "CAPACITY_REQUESTED", "values": [plain(value)]}]}
            for i, value in enumerate(values)
        ],
    }


def codes(contract: Mapping[str, Any]) -> set[str]:
    """The performance states a contract tells of."""
    entries = contract.get("performance") or []
    return {str((entry.get("status") or {}).get("code", "")) for entry in entries if isinstance(entry, Mapping)}
