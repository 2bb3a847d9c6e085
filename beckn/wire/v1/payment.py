"""Money that has moved or will: settlements in 2.0.0, payments in 1.1."""

from __future__ import annotations

from typing import Any

from beckn.wire.v1 import money, number, tags
from beckn.wire.v1.member import Object, obj, objs, some, text

CONTEXT = "https://caco.example/schema/FlexSettlement/v1.0/context.jsonld"
PAID = {"COMPLETE": "PAID", "COMMITTED": "NOT-PAID", "DRAFT": "NOT-PAID"}
SETTLED = {"PAID": "COMPLETE", "NOT-PAID": "COMMITTED"}
ENERGY: tags.Fields = {
    "delivered_kwh": ("deliveredKwh", True),
    "eligible_kwh": ("eligibleKwh", True),
    "shortfall_kwh": ("shortfallKwh", True),
    "run": ("run", False),
}


def to_v1(settlement: Object) -> Object:
    """One settlement."""
    attributes = obj(settlement.get("settlementAttributes"))
    amount = obj(attributes.get("amount"))
    params = some(amount=number.text(amount.get("value")), currency=text(amount.get("currency")))
    groups = []
    if attributes.get("@type") == "FlexSettlement":
        groups = [tags.group("flex-settlement", tags.write_fields(attributes, ENERGY))]
    status = PAID.get(text(settlement.get("status")), "")
    return some(id=text(settlement.get("id")), type="POST-FULFILLMENT", status=status, params=params, tags=groups)


def to_v2(payment: Object, path: str, index: int) -> Object:
    """And back; without measured energy its amount is only a price."""
    params = obj(payment.get("params"))
    attributes: Object = {}
    energy = tags.read(payment.get("tags")).get("flex-settlement")
    if "amount" in params:
        currency, value = text(params.get("currency")), number.read(params["amount"], f"{path}/params/amount")
        attributes = money.specification({"currency": currency, "value": params["amount"]}, f"{path}/params")
        if energy is not None:
            attributes = {
                "@context": CONTEXT,
                "@type": "FlexSettlement",
                "amount": some(currency=currency) | {"value": value},
                **tags.read_fields(energy, ENERGY),
            }
    return some(
        id=text(payment.get("id")) or f"settlement-{index + 1}",
        considerationId="consideration-1",
        status=SETTLED.get(text(payment.get("status"))),
        settlementAttributes=attributes,
    )


def settlements_of(payments: Any, path: str) -> list[Object]:
    """All of an order's payments."""
    return [to_v2(one, f"{path}/{index}", index) for index, one in enumerate(objs(payments))]
