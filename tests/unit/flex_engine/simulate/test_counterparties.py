"""Simulated counterparties do what the real ones are said to do: silence, unit-only acceptance, restated runs, odd meters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.quantities import Label
from flex_engine.settle.position import Position, render
from flex_engine.settle.settlement_calendar import gate_closure, runs
from flex_engine.simulate.counterparties import Filed, happens
from flex_engine.simulate.counterparties_ecvaa import Ecvaa
from flex_engine.simulate.counterparties_meter import Meter
from flex_engine.simulate.counterparties_saa import Saa
from flex_engine.simulate.counterparties_supplier import Remittance, Supplier
from flex_engine.simulate.counterparties_svaa import DeliveredVolume, Svaa
from flex_engine.timegrid import HALF_HOUR

UNIT = "V__CACO001"
FIVE = datetime(2026, 2, 17, 17, tzinfo=UTC)
ECVAA = Ecvaa(frozenset({UNIT}))
FIRST = Position(UNIT, FIVE, 1, 200_000)


def filed(position: Position, at: datetime = FIVE - timedelta(hours=3)) -> Filed:
    return Filed(position.key, render(position), at)


def test_a_correct_file_gets_silence_and_a_copy_of_it_changes_nothing() -> None:
    once, twice = ECVAA.book([filed(FIRST)]), ECVAA.book([filed(FIRST), filed(FIRST)])
    assert once == twice
    assert (once.exceptions, once.held) == ((), {(UNIT, FIVE): FIRST})


def test_each_thing_wrong_with_a_file_gets_an_exception_of_at_most_80_characters() -> None:
    second = replace(FIRST, revision=2, position_wh=0)
    wrong = [
        ([Filed("x", b"{", FIVE)], "JSON"),
        ([filed(replace(FIRST, unit="V__NOBODY"))], "not known"),
        ([filed(FIRST, gate_closure(FIVE))], "Gate was closed for settlement period 35"),
        ([filed(second), filed(FIRST, FIVE - timedelta(hours=2))], "came after revision 2"),
        ([filed(FIRST), filed(replace(FIRST, position_wh=7), FIVE - timedelta(hours=2))], "different contents"),
    ]
    for files, words in wrong:
        (found,) = ECVAA.book(files).exceptions
        assert words in found.reason
        assert len(found.reason) <= 80
        assert found.label == Label.SIMULATED
    by_chance = replace(ECVAA, seed=3, exceptions_per_mille=1000).book([filed(FIRST)])
    assert "submit it again" in by_chance.exceptions[0].reason
    assert by_chance.held == {}


def test_svaa_accepts_by_unit_alone_and_names_a_period_only_in_an_exception() -> None:
    day = [DeliveredVolume(UNIT, FIVE + slot * HALF_HOUR, 100_000) for slot in range(4)]
    svaa = Svaa(frozenset({UNIT}))
    (accepted,) = svaa.answer(day)
    assert (accepted.kind, accepted.unit, accepted.start) == ("ACCEPTED", UNIT, None)
    (excepted,) = svaa.answer([*day[:3], replace(day[3], status="F")])
    assert (excepted.kind, excepted.start) == ("EXCEPTION", day[3].start)
    (rejected,) = svaa.answer([replace(one, unit="V__NOBODY") for one in day])
    assert (rejected.kind, rejected.start) == ("REJECTED", None)
    assert svaa.answer([*day, day[0]])[0].kind == "REJECTED"
    assert {one.kind for one in replace(svaa, exceptions_per_mille=1000).answer(day)} == {"EXCEPTION"}
    assert replace(svaa, rejections_per_mille=1000).answer(day)[0].kind == "REJECTED"


def test_saa_restates_energy_less_from_run_to_run_and_never_takes_a_gap_for_zero() -> None:
    held = {(UNIT, FIVE + slot * HALF_HOUR): replace(FIRST, start=FIVE + slot * HALF_HOUR) for slot in range(20)}
    metered = dict.fromkeys(held, 500_000)
    gap = (UNIT, FIVE)
    del metered[gap]
    saa, price = Saa(seed=4), Decimal("87.21")
    reports = [saa.report(run, held, metered, price) for run in runs()]
    assert all(row.price_run == row.run and row.position_wh == 200_000 for report in reports for row in report)
    assert {(row.status, row.metered_wh) for report in reports for row in report if row.start == FIVE} == {("F", None)}
    energy = [{row.start: row.metered_wh or 0 for row in report} for report in reports]
    moved = [max(abs(later[at] - earlier[at]) for at in later) for earlier, later in pairwise(energy)]
    assert 0 < moved[0] <= 2_000
    assert all(step <= 2_000 // 2**number for number, step in enumerate(moved))
    assert saa.report("R1", held, metered, price) == reports[2]
    with pytest.raises(ValueError, match="no settlement run"):
        saa.report("XX", held, metered, price)


def test_a_supplier_queries_what_was_paid_otherwise_to_the_penny() -> None:
    day = date(2026, 2, 17)
    supplier = Supplier("Northern Supply", frozenset({UNIT}), {day: Decimal("98.53")})
    right = Remittance("Northern Supply", UNIT, FIVE, day, 10_000_000, 98_530)
    assert supplier.queries([right]) == ()
    found = {
        kind: supplier.queries(paid)
        for kind, paid in {
            "UNDERPAID": [replace(right, paid_pence=98_529)],
            "OVERPAID": [replace(right, paid_pence=98_531)],
            "PAID_TWICE": [right, right],
            "NOT_OURS": [replace(right, unit="V__OTHER")],
            "NO_PRICE": [replace(right, day=date(2026, 2, 18))],
        }.items()
    }
    assert {kind: [(one.kind, one.owed_pence) for one in queries] for kind, queries in found.items()} == {
        "UNDERPAID": [("UNDERPAID", 1)],
        "OVERPAID": [("OVERPAID", -1)],
        "PAID_TWICE": [("PAID_TWICE", -98_530)],
        "NOT_OURS": [("NOT_OURS", -98_530)],
        "NO_PRICE": [("NO_PRICE", 0)],
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60), st.integers(0, 1799), st.integers(1, 1000))
def test_a_meter_loses_no_energy_to_its_steps_and_its_clock(true_wh: list[int], drift_s: int, step_wh: int) -> None:
    reported = Meter(step_wh=step_wh, drift_s=drift_s).read(true_wh, start=FIVE)
    assert 0 <= sum(true_wh) - sum(reported.values()) < step_wh
    assert all(value % step_wh == 0 for value in reported.values())


def test_a_slow_clock_hands_energy_to_the_half_hour_before() -> None:
    assert list(Meter(step_wh=1, drift_s=180).read([0, 1000, 0], start=FIVE).values()) == [100, 900, 0]
    with pytest.raises(ValueError, match="drift_s"):
        Meter(drift_s=1800).read([1], start=FIVE)


def test_gaps_are_missing_and_spikes_too_large_and_both_come_as_often_as_asked() -> None:
    meter = Meter(seed=2, gaps_per_mille=100, spikes_per_mille=50)
    reported = meter.read([5_000] * 2_000, start=FIVE)
    assert 1_740 < len(reported) < 1_860
    assert set(reported.values()) == {5_000, 50_000}
    assert 60 < sum(value == 50_000 for value in reported.values()) < 130
    assert meter.label == Label.SIMULATED
    assert reported == meter.read([5_000] * 2_000, start=FIVE)
    assert not happens(1, "anything", per_mille=0)
