"""Wholesale settlement: the golden day run by run, compensation of the supplier both ways, and sums that are zero."""

from __future__ import annotations

import doctest
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.quantities import gbp, mwh
from flex_engine.settle import wholesale
from flex_engine.settle.delivery import MissingReadingError, deviations
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.settlement_calendar import runs
from flex_engine.settle.wholesale import (
    Kind,
    WholesaleCash,
    compensation_kind,
    compensation_line,
    mutualise,
    reference_price,
    settle_wholesale,
)
from flex_engine.timegrid import HALF_HOUR, period_start
from tests.shared_data import shared

DAY = date(2025, 1, 8)
START = datetime(2026, 1, 15, 17, tzinfo=UTC)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(wholesale).failed == 0


def golden() -> dict[str, Any]:
    return dict(json.loads(shared("fixtures/golden_p415_day_2025-01-08.json").read_text()))


def wh(text: str) -> int:
    energy = Decimal(text) * 10**6
    assert energy == int(energy)
    return int(energy)


def settled(day: dict[str, Any], run: dict[str, Any], kind: Kind) -> WholesaleCash:
    """One run of the golden day, from its baseline and meter alone."""
    starts = {line["sp"]: period_start(DAY, line["sp"]) for line in run["lines"]}
    delivered = deviations(
        periods=starts.values(),
        baseline_wh={starts[line["sp"]]: wh(line["baseline"]) for line in run["lines"]},
        metered_wh={starts[line["sp"]]: wh(line["metered"]) for line in run["lines"]},
    )
    return settle_wholesale(
        sold_wh=dict.fromkeys(starts.values(), wh(day["sold_mwh_per_sp"])),
        delivered_wh=delivered,
        contract_gbp_per_mwh=Decimal(day["contract_price"]),
        system_gbp_per_mwh={start: Decimal(day["prices"][str(sp)]["system_price"]) for sp, start in starts.items()},
        scrp_gbp_per_mwh=dict.fromkeys(starts.values(), Decimal(day["scrp"])),
        kind=kind,
    )


@pytest.mark.parametrize("run", ["II", "SF", "R1"])
def test_the_golden_day_run_by_run(run: str):
    day = golden()
    (expected,) = [one for one in day["runs"] if one["run"] == run]
    p415, p444 = settled(day, expected, "MUTUALISED"), settled(day, expected, "DIRECT")
    for line, want in zip(p415.lines, expected["lines"], strict=True):
        assert line.start == datetime.fromisoformat(day["prices"][str(want["sp"])]["startTime"])
        assert line.delivered_mwh == Decimal(want["delivered"])
        assert line.imbalance_mwh == Decimal(want["imbalance"])
        assert line.contract_gbp == Decimal(want["contract_cash"])
        assert line.imbalance_gbp == Decimal(want["imbalance_cash"])
        assert line.compensation_gbp == Decimal(want["supplier_compensation"])
    assert sum(line.delivered_mwh for line in p415.lines) == Decimal(expected["delivered_mwh"])
    assert gbp(p415.seller_pence) == Decimal(expected["seller_cash"])
    assert p415.compensation is not None
    assert gbp(p415.compensation.supplier_pence) == Decimal(expected["supplier_compensation"])
    assert gbp(p444.seller_pence) == Decimal(expected["seller_cash_if_P444_direct"])


def test_the_golden_day_s_deltas_follow_from_its_runs():
    day = golden()
    assert [one["run"] for one in day["runs"]] == list(runs()[:3])
    cash = [settled(day, one, "MUTUALISED").seller_pence for one in day["runs"]]
    assert [None, *(gbp(b - a) for a, b in pairwise(cash))] == [
        None if one["delta_vs_previous"] is None else Decimal(one["delta_vs_previous"]) for one in day["runs"]
    ]
    assert cash == [-650, 5150, 5730], (
        "a shortfall of 5.7 % costs the whole sale, a correction of 0.02 MWh brings 58.00"
    )


def test_ten_megawatt_hours_are_985_30_for_the_supplier_and_cost_the_seller_only_under_p444():
    scrp = reference_price(day=date(2026, 8, 28))
    volume = Decimal(10)
    p415 = compensation_line("MUTUALISED", volume, volume * scrp)
    p444 = compensation_line("DIRECT", volume, volume * scrp)
    assert gbp(p415.supplier_pence) == gbp(p444.supplier_pence) == Decimal("985.30")
    assert (p415.seller_pence, p415.pot_pence) == (0, -98530)
    assert (p444.seller_pence, p444.pot_pence) == (-98530, 0)


def test_a_reference_price_is_that_of_its_day_and_is_never_guessed():
    assert reference_price(day=date(2026, 2, 17)) == Decimal("87.21")
    with pytest.raises(NothingInForceError, match="Nothing is held for SCRP on 2026-05-01"):
        reference_price(day=date(2026, 5, 1))


def test_a_basis_decides_who_compensates_from_its_first_day():
    assert compensation_kind("P415_VTP", day=date(2024, 11, 7)) == "MUTUALISED"
    assert compensation_kind("P444_BM", day=date(2026, 9, 1)) == "DIRECT"
    with pytest.raises(NothingInForceError):
        compensation_kind("P415_VTP", day=date(2024, 11, 6))
    with pytest.raises(ValueError, match="kind is 'BOTH'; write MUTUALISED or DIRECT"):
        compensation_line("BOTH", Decimal(1), Decimal(1))


signed = st.integers(-(10**8), 10**8)
prices = st.integers(-(10**8), 10**8).map(lambda n: Decimal(n).scaleb(-5))


@given(st.lists(st.tuples(signed, signed, prices, prices), min_size=1, max_size=12), prices)
def test_the_parts_sum_to_the_seller_s_cash_and_all_accounts_to_nothing(rows, contract: Decimal):
    starts = [START + i * HALF_HOUR for i in range(len(rows))]

    def made(kind: Kind, order=slice(None)) -> WholesaleCash:
        pairs = list(zip(starts, rows, strict=True))[order]
        return settle_wholesale(
            sold_wh={start: row[0] for start, row in pairs},
            delivered_wh={start: row[1] for start, row in pairs},
            contract_gbp_per_mwh=contract,
            system_gbp_per_mwh={start: row[2] for start, row in pairs},
            scrp_gbp_per_mwh={start: row[3] for start, row in pairs},
            kind=kind,
        )

    for kind in ("MUTUALISED", "DIRECT"):
        cash = made(kind)
        paid = cash.compensation
        assert paid is not None
        assert cash.contract_pence + cash.imbalance_pence + paid.seller_pence == cash.seller_pence
        assert paid.supplier_pence + paid.pot_pence + paid.seller_pence == 0
        assert made(kind, slice(None, None, -1)) == cash, "the order of half hours does not matter"
        exact = sum(mwh(row[0]) * contract + mwh(row[1] - row[0]) * row[2] for row in rows)
        assert abs(Decimal(cash.contract_pence + cash.imbalance_pence) / 100 - exact) <= Decimal("0.01")
        credit = paid.supplier_pence
    assert made("DIRECT").seller_pence - made("MUTUALISED").seller_pence == -credit


def test_spilling_and_turning_up_keep_their_signs():
    def cash(sold: int, delivered: int, system: str) -> int:
        return settle_wholesale(
            sold_wh={START: sold},
            delivered_wh={START: delivered},
            contract_gbp_per_mwh=Decimal(100),
            system_gbp_per_mwh={START: Decimal(system)},
            scrp_gbp_per_mwh={START: Decimal(0)},
            kind="MUTUALISED",
        ).seller_pence

    assert cash(0, 10**6, "80") == 8000, "long: paid the system price"
    assert cash(0, -(10**6), "80") == -8000, "drawing more than expected pays it"
    assert cash(-(10**6), -(10**6), "-40") == -10000, "bought forward and consumed"
    assert cash(0, -(10**6), "-40") == 4000, "turned up at a negative price: paid for it"


def test_a_period_without_data_is_never_zero():
    with pytest.raises(MissingReadingError, match="no reading for 2026-01-15T17:00Z"):
        deviations(periods=[START], baseline_wh={START: 1}, metered_wh={})
    with pytest.raises(KeyError):
        settle_wholesale(
            sold_wh={START: 1},
            delivered_wh={},
            contract_gbp_per_mwh=Decimal(1),
            system_gbp_per_mwh={START: Decimal(1)},
            scrp_gbp_per_mwh={START: Decimal(1)},
            kind="DIRECT",
        )


@given(
    st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(0, 10**9), min_size=1),
    st.integers(-(10**7), 10**7),
)
def test_a_pot_is_spread_to_the_last_penny_by_final_demand(demand: dict[str, int], pot: int):
    if sum(demand.values()) == 0:
        with pytest.raises(ValueError, match="somebody must have some"):
            mutualise(pot, demand)
        return
    spread = mutualise(pot, demand)
    assert sum(spread.values()) == pot
    whole = sum(demand.values())
    assert all(abs(spread[name] * whole - pot * part) < whole for name, part in demand.items())
