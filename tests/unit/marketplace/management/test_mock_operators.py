"""What a mock operator orders: a distribution network one offer that is large enough, the system operator as many as it needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from beckn.client.deal import Choice, DealError
from marketplace.management.mock_operators import MANNERS, award, expression

START = datetime(2026, 1, 15, 17, tzinfo=UTC)


def on_offer(name: str, kw: str, price: str, start: datetime = START) -> Choice:
    return Choice(
        {"id": name}, f"r-{name}", "seller.example", Decimal(kw), Decimal(price), start, start + timedelta(hours=1)
    )


OFFERS = [on_offer("dear", "500", "0.30"), on_offer("small", "60", "0.10"), on_offer("cheap", "120", "0.20")]


def ordered(who: str, need: str, ceiling: str | None = None, **asked: object) -> list[tuple[str, Decimal]]:
    found = award(
        OFFERS,
        MANNERS[who],
        need_kw=Decimal(need),
        ceiling_gbp_per_kwh=None if ceiling is None else Decimal(ceiling),
        **{"window": None, **asked},  # type: ignore[arg-type]
    )
    return [(str(one.choice.offer["id"]), one.kw) for one in found]


def test_a_distribution_network_takes_the_cheapest_offer_that_is_large_enough() -> None:
    assert ordered("ukpn", "50") == [("small", Decimal(50))]
    assert ordered("ukpn", "100") == [("cheap", Decimal(100))]
    assert ordered("ukpn", "200") == [("dear", Decimal(200))]
    assert ordered("ukpn", "50", offer_id="dear") == [("dear", Decimal(50))]


def test_the_system_operator_adds_offers_up_and_buys_no_slice_below_its_least() -> None:
    assert ordered("neso", "300") == [("cheap", Decimal(120)), ("dear", Decimal(180))]
    assert ordered("neso", "150") == [("cheap", Decimal(120)), ("dear", Decimal(100))]
    assert ordered("neso", "20") == [("small", Decimal(20))]


@pytest.mark.parametrize(
    ("who", "need", "ceiling", "asked"),
    [
        ("ukpn", "501", None, {}),
        ("neso", "700", None, {}),
        ("ukpn", "50", "0.05", {}),
        ("neso", "300", "0.25", {}),
        ("ukpn", "50", None, {"window": (START + timedelta(minutes=30), START + timedelta(hours=5))}),
    ],
)
def test_a_need_that_cannot_be_met_whole_is_said_with_what_was_on_offer(
    who: str, need: str, ceiling: str | None, asked: dict[str, object]
) -> None:
    with pytest.raises(DealError, match=r"cannot be met from the 3 offers found \(dear: 500 kW"):
        ordered(who, need, ceiling, **asked)


def test_only_the_network_looks_in_its_licence_areas_and_both_in_a_zone_if_told() -> None:
    network = expression(MANNERS["ukpn"], direction="REDUCE", zone="NORM_1")
    assert network == (
        "$.catalogs[*].resources[?(@.resourceAttributes.direction == 'REDUCE' && (@.resourceAttributes.licenceArea == 'EPN' || "
        "@.resourceAttributes.licenceArea == 'LPN' || @.resourceAttributes.licenceArea == 'SPN') && "
        "@.resourceAttributes.gridZone == 'GSP:NORM_1')]"
    )
    assert "licenceArea" not in expression(MANNERS["neso"], direction="REDUCE", zone="")
