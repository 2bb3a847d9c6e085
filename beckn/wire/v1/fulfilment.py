"""Execution: performance entries in 2.0.0, fulfilments with a state in 1.1, their series and single values as tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beckn.wire.v1 import series, tags
from beckn.wire.v1.member import Object, obj, objs, some, text

OURS = "https://caco.example/schema"
DEG = "https://schema.nfh.global"
ACTIVATION: tags.Fields = {
    "instruction": ("instruction", False),
    "mechanism": ("mechanism", False),
    "issued_at": ("issuedAt", False),
    "ack_by": ("ackBy", False),
    "settlement_date": ("settlementDate", False),
    "bm_unit_id": ("bmUnitId", False),
}
DELIVERY: tags.Fields = {"methodology": ("methodology", False)}
METER: tags.Fields = {
    "meter_id": ("meterId", False),
    "baseline_kw": ("baselineKw", True),
    "actual_kw": ("actualKw", True),
}


def to_v1(entry: Object) -> Object:
    """One performance entry."""
    attributes = obj(entry.get("performanceAttributes"))
    groups: list[Object] = []
    if attributes.get("@type") == "FlexActivation":
        groups = [
            tags.group("flex-activation", tags.write_fields(attributes, ACTIVATION)),
            *series.to_groups(attributes.get("setpoint")),
        ]
    if attributes.get("@type") == "DemandFlexPerformance":
        meter = next(iter(objs(attributes.get("meters"))), {})
        pairs = tags.write_fields(attributes, DELIVERY) + tags.write_fields(meter, METER)
        groups = [tags.group("flex-performance", pairs), *series.to_groups(meter.get("telemetry"))]
    code = text(obj(entry.get("status")).get("code"))
    return some(id=text(entry.get("id")), type="Flexibility", state=some(descriptor=some(code=code)), tags=groups)


def to_v2(fulfilment: Object, *, sent_at: str, commitments: list[str]) -> Object:
    """The entry that a fulfilment with a state means. `sent_at` is when it was said, where it does not say itself."""
    code = text(obj(obj(fulfilment.get("state")).get("descriptor")).get("code"))
    identity = text(fulfilment.get("id"))
    groups = tags.read(fulfilment.get("tags"))
    attributes = activation(identity, groups, sent_at) or delivery(identity, groups)
    return some(id=identity, status=some(code=code), commitmentIds=commitments, performanceAttributes=attributes)


def activation(identity: str, groups: Mapping[str, Mapping[str, str]], sent_at: str) -> Object:
    """FlexActivation, when there is a setpoint. One that names no last moment for the answer has it at its start."""
    setpoint = series.from_groups(groups, kinds=("CAPACITY_REQUESTED",))
    if setpoint is None:
        return {}
    said = {"instruction": "DISPATCH", "issuedAt": sent_at, "ackBy": setpoint["intervalPeriod"]["start"]}
    return {
        "@context": f"{OURS}/FlexActivation/v1.0/context.jsonld",
        "@type": "FlexActivation",
        "activationId": identity,
        **said,
        **tags.read_fields(groups.get("flex-activation", {}), ACTIVATION),
        "setpoint": setpoint,
    }


def delivery(identity: str, groups: Mapping[str, Mapping[str, str]]) -> Object:
    """DemandFlexPerformance, when there is telemetry. What 1.1 leaves unsaid is called so, never invented."""
    telemetry = series.from_groups(groups, kinds=("BASELINE", "USAGE"))
    pairs = groups.get("flex-performance", {})
    if telemetry is None and not pairs:
        return {}
    meter = {"meterId": "unstated"} | tags.read_fields(pairs, METER) | ({"telemetry": telemetry} if telemetry else {})
    return {
        "@context": f"{DEG}/DemandFlexPerformance/v2.0/context.jsonld",
        "@type": "DemandFlexPerformance",
        "eventId": identity,
        "methodology": "unstated",
        **tags.read_fields(pairs, DELIVERY),
        "meters": [meter],
    }


def performance_of(fulfilments: Any, *, sent_at: str, commitments: list[str]) -> list[Object]:
    """The entries of those fulfilments that have a state; without one they only describe what is on sale."""
    return [to_v2(one, sent_at=sent_at, commitments=commitments) for one in objs(fulfilments) if obj(one.get("state"))]
