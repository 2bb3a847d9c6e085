"""A claim is worth what a second calculation finds, and one that claims nothing or cannot be is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.settle.delivery import PeriodDelivery
from marketplace.rules.claim import Part, value_claim, worth_pence
from marketplace.rules.dispute import ClaimUnit
from marketplace.rules.errors import MarketError

START = datetime(2024, 1, 16, 17, 0, tzinfo=UTC)
PRICE, PENALTY = Decimal("0.2500"), Decimal("0.1000")


def line(index: int, instructed: int, eligible: int) -> PeriodDelivery:
    start = START + index * timedelta(minutes=30)
    return PeriodDelivery(start, instructed, 600_000, 600_000 - eligible, eligible, eligible, instructed - eligible)


def part(*lines: PeriodDelivery) -> Part:
    return Part(lines, worth_pence(lines, price=PRICE, penalty=PENALTY), PRICE, PENALTY)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=4), st.integers(0, 800_000))
def test_energy_is_valued_at_price_and_penalty(eligible: list[int], claimed: int) -> None:
    disputed = part(*(line(i, 200_000, wh) for i, wh in enumerate(eligible)))
    total, most = sum(eligible), 200_000 * len(eligible)
    if claimed > most or claimed == total:
        with pytest.raises(MarketError):
            value_claim(disputed, unit=ClaimUnit.WH, claimed=claimed)
        return
    found = value_claim(disputed, unit=ClaimUnit.WH, claimed=claimed)

    def worth(wh: int) -> int:
        return round(Fraction(wh, 1000) * 25) - round(Fraction(most - wh, 1000) * 10)

    assert (found.stated, found.claimed) == (total, claimed)
    assert found.difference_pence == worth(claimed) - worth(total)
    assert found.difference_pence * (claimed - total) >= 0


def test_money_is_taken_as_it_is() -> None:
    found = value_claim(part(line(0, 200_000, 150_000)), unit=ClaimUnit.PENCE, claimed=-100)
    assert (found.stated, found.difference_pence) == (3250, -3350)


@pytest.mark.parametrize(
    ("unit", "claimed", "words"),
    [
        (ClaimUnit.PENCE, 3250, "says the same"),
        (ClaimUnit.PENCE, 10**13, "no amount of pence"),
        (ClaimUnit.WH, -1, "between 0 and 200000 Wh"),
        (ClaimUnit.WH, 200_001, "between 0 and 200000 Wh"),
        (ClaimUnit.WH, 150_000, "says the same"),
    ],
)
def test_a_claim_that_cannot_be_is_refused_by_its_field(unit: ClaimUnit, claimed: int, words: str) -> None:
    with pytest.raises(MarketError, match=words) as caught:
        value_claim(part(line(0, 200_000, 150_000)), unit=unit, claimed=claimed)
    assert (caught.value.code, caught.value.details["column"]) == ("BAD_CLAIM", "claimed_value")
