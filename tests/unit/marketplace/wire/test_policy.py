"""The published policy's example comes out of the room that settles, and contracts point to where it is served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from django.test import Client

from flex_engine.settle.delivery import deliver
from flex_engine.settle.payment import pay
from marketplace.wire import policy

START = datetime(2026, 1, 15, 17, tzinfo=UTC)


def test_the_example_is_what_the_engine_works_out() -> None:
    example = Client().get(urlsplit(policy.URL).path).json()["example"]
    starts = [START + timedelta(minutes=30) * number for number in range(4)]

    def column(name: str) -> dict[datetime, int]:
        return {start: period[name] for start, period in zip(starts, example["periods"], strict=True)}

    lines = deliver(
        instructed_wh=column("instructedWh"),
        baseline_wh=column("baselineWh"),
        metered_wh=column("meteredWh"),
        direction=example["direction"],
    )
    assert {line.start: line.eligible_wh for line in lines} == column("eligibleWh")
    assert {line.start: line.shortfall_wh for line in lines} == column("shortfallWh")
    money = pay(
        lines,
        price_gbp_per_kwh=Decimal(example["priceGbpPerKwh"]),
        penalty_gbp_per_kwh=Decimal(example["shortfallPenaltyGbpPerKwh"]),
    )
    assert (money.payment_pence, money.penalty_pence, money.amount_pence) == (
        example["paymentPence"],
        example["penaltyPence"],
        example["amountPence"],
    )
    assert money.amount_pence == 54_125  # 2,175 kWh at 25 p less 25 kWh at 10 p, by hand


def test_it_is_served_where_contracts_say() -> None:
    response = Client().get(urlsplit(policy.URL).path)
    assert response.json()["id"] == policy.URL
    assert response["Cache-Control"] == "public, max-age=86400"
    assert "penalty" in response.json()["rules"]
