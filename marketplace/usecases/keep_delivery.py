"""Keep what a seller reports of a delivery as the buyer's own record: readings by half hour, and settlements.

It is part of taking a callback in (receive_answer), which holds the purchase. Nothing kept before is changed: a seller that
reports other figures later leaves both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketplace import events
from marketplace.models import Purchase, PurchaseReading, PurchaseSettlement
from marketplace.usecases.keep_dispute_reply import keep_dispute_state
from marketplace.wire.delivery import Reported, Settled, disputes_told, read_deliveries, read_settlements
from marketplace.wire.purchase import freeze


def keep_delivery(*, purchase: Purchase, contract: Mapping[str, Any], told_at: datetime, now: datetime) -> int:
    """Store the half hours and settlements that say something new; returns how many half hours were. The caller holds the row."""
    rows, _ = read_deliveries(contract)
    known = told_before(purchase, rows, told_at)
    fresh = [one for one in rows if known.get((one.instruction_id, one.meter_id, one.start)) != said(one)]
    PurchaseReading.objects.bulk_create(
        PurchaseReading(
            purchase=purchase,
            instruction_id=one.instruction_id,
            meter_id=one.meter_id,
            start_at=one.start,
            baseline_wh=one.baseline_wh,
            metered_wh=one.metered_wh,
            methodology=one.methodology,
            source=purchase.seller_subscriber_id,
            told_at=told_at,
            known_at=now,
        )
        for one in fresh
    )
    for settled in read_settlements(contract):
        keep_settlement(purchase, settled, told_at=told_at, now=now)
        for told in disputes_told(settled.entry):
            keep_dispute_state(purchase=purchase, told=told, told_at=told_at, now=now)
    if fresh:
        events.append(
            type="purchase.readings",
            subject=f"purchase:{purchase.pk}",
            payload={
                "seller": purchase.seller_subscriber_id,
                "readings": len(fresh),
                "revised": sum(1 for one in fresh if (one.instruction_id, one.meter_id, one.start) in known),
                "first": min(one.start for one in fresh).isoformat(),
                "last": max(one.start for one in fresh).isoformat(),
            },
            organisations=[purchase.organisation],
            now=now,
        )
    return len(fresh)


def said(one: Reported) -> tuple[int | None, int | None, str]:
    """What a reported half hour says."""
    return one.baseline_wh, one.metered_wh, one.methodology


def told_before(
    purchase: Purchase, rows: list[Reported], told_at: datetime
) -> dict[tuple[str, str, datetime], tuple[int | None, int | None, str]]:
    """What was told last of each half hour among `rows`, by `told_at`: messages may overtake each other."""
    if not rows:
        return {}
    kept = purchase.readings.filter(told_at__lte=told_at, start_at__gte=min(one.start for one in rows))
    return {
        (row.instruction_id, row.meter_id, row.start_at): (row.baseline_wh, row.metered_wh, row.methodology)
        for row in kept.order_by("told_at", "known_at", "pk")
    }


def keep_settlement(purchase: Purchase, settled: Settled, *, told_at: datetime, now: datetime) -> None:
    """Store a settlement unless the last word on it by then said the same."""
    entry = freeze(settled.entry)
    same = purchase.settlements.filter(settlement_id=settled.settlement_id, told_at__lte=told_at)
    newest = same.order_by("told_at", "known_at", "pk").last()
    if newest is not None and newest.entry == entry:
        return
    PurchaseSettlement.objects.create(
        purchase=purchase,
        settlement_id=settled.settlement_id,
        supersedes=settled.supersedes,
        amount_pence=settled.amount_pence,
        eligible_wh=settled.eligible_wh,
        entry=entry,
        source=purchase.seller_subscriber_id,
        told_at=told_at,
        known_at=now,
    )
