"""A buyer's own sum over the seller's readings: the published example, its mirror, several meters, and what cannot be summed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.rules.delivery_check import Agreed, check_delivery
from marketplace.wire.policy import EXAMPLE

START = datetime(2026, 1, 15, 17, tzinfo=UTC)
PERIODS: list[dict[str, int]] = EXAMPLE["periods"]  # type: ignore[assignment]
STARTS = [START + timedelta(minutes=30 * i) for i in range(4)]


def agreed(direction: str = "REDUCE", **more: object) -> Agreed:
    instructed = {start: one["instructedWh"] for start, one in zip(STARTS, PERIODS, strict=True)}
    facts = {
        "direction": direction,
        "instructed_wh": instructed,
        "price_gbp_per_kwh": dict.fromkeys(STARTS, Decimal("0.25")),
        "penalty_gbp_per_kwh": dict.fromkeys(STARTS, Decimal("0.10")),
    }
    return Agreed(**facts | more)  # type: ignore[arg-type]


def halves() -> dict[datetime, tuple[int, int]]:
    return {start: (one["baselineWh"], one["meteredWh"]) for start, one in zip(STARTS, PERIODS, strict=True)}


def test_the_policy_s_own_example_comes_to_its_own_amount_in_both_directions():
    down = check_delivery(agreed(), {"m": halves()})
    up = check_delivery(agreed("INCREASE"), {"m": {start: (used, base) for start, (base, used) in halves().items()}})
    for found in (down, up):
        assert (found.amount_pence, found.eligible_wh) == (EXAMPLE["amountPence"], 2_175_000)
    assert check_delivery(agreed("INCREASE"), {"m": halves()}).eligible_wh == 0, "never by its absolute value"


def test_a_trade_is_paid_as_sold_and_availability_is_taken_as_stated():
    found = check_delivery(agreed(sold_whole=True, others_pence=700), {"m": halves()})
    assert found.amount_pence == 55_000 + 700


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)),
        min_size=4,
        max_size=4,
    )
)
def test_each_meter_delivers_at_least_nothing_before_they_are_summed(rows):
    meters = {
        "a": {start: (row[0], row[1]) for start, row in zip(STARTS, rows, strict=True)},
        "b": {start: (row[2], row[3]) for start, row in zip(STARTS, rows, strict=True)},
    }
    found = check_delivery(agreed(), meters)
    wanted = [max(0, row[0] - row[1]) + max(0, row[2] - row[3]) for row in rows]
    assert [line.delivered_wh for line in found.lines] == wanted


def test_what_is_missing_is_said_and_never_taken_as_zero():
    rows = halves()
    del rows[STARTS[1]]
    for meters in ({"m": rows}, {"m": halves(), "n": {}}, {"m": halves() | {STARTS[1]: (1, None)}}):
        found = check_delivery(agreed(), meters)
        assert found.amount_pence is None
        assert "2026-01-15T17:30Z" in found.because
    assert "turns load down or up" in check_delivery(agreed(""), {"m": halves()}).because
    assert "power and price" in check_delivery(agreed(price_gbp_per_kwh={}), {"m": halves()}).because
