"""A grid operator's need on the wire: DemandFlexNeed, a half-hourly TimeSeries of power asked for and the most that is paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marketplace.models import Tender
from marketplace.wire.series import time_series


def demand_flex_need(tender: Tender) -> dict[str, Any]:
    """The newest published shape: columns CAPACITY_REQUESTED, PRICE (the ceiling) and SHORTFALL_PENALTY, as text and numbers.

    The penalty is each offer's own, so the column holds none. Numbers go out as text: JSON's would be rounded by readers.
    """
    rows = sorted(tender.periods.all(), key=lambda row: row.start_at)
    series = time_series(
        tender.start_at,
        {
            "CAPACITY_REQUESTED": [row.needed_kw for row in rows],
            "PRICE": [tender.ceiling_gbp_per_kwh] * len(rows),
            "SHORTFALL_PENALTY": [Decimal(0)] * len(rows),
        },
    )
    for interval in series["intervals"]:
        for payload in interval["payloads"]:
            payload["values"] = [str(value) for value in payload["values"]]
    return series | {
        "@type": "DemandFlexNeed",
        "@context": "https://schema.nfh.global/DemandFlexNeed/v2.0/context.jsonld",
    }
