"""The stacking ledger takes what it can and nothing else; the matrix is whole, dated and says where it is from."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from benchmarks.stacking import WRONG, one_set
from flex_engine.settle.effective import rows_of
from marketplace.rules.capacity import Proof, covers, deliverable_kw
from marketplace.rules.errors import MarketError
from marketplace.rules.stacking import Form, Row, Wish, forms, most, place, primacy, released, service_of

START = datetime(2026, 7, 1, 16, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
DAYS = (date(2024, 1, 16), date(2026, 3, 31), date(2026, 4, 1), date(2030, 1, 1))


def wish(kw, service, *, periods=1, direction="REDUCE"):
    return Wish({START + n * HALF_HOUR: Decimal(kw) for n in range(periods)}, service, direction)


def row(key, kw, service, *, periods=2, **more):
    return Row(key, START, START + periods * HALF_HOUR, Decimal(kw), service, **more)


def room(kw, periods=2):
    return {START + n * HALF_HOUR: Decimal(kw) for n in range(periods)}


def test_random_ledgers_agree_with_brute_force():
    """A slice of `python -m benchmarks.stacking`: nothing unsound is let in, and nothing is refused that had a place."""
    told: Counter[str] = Counter()
    for seed in range(250):
        told += one_set(10**6 + seed)
    assert {name: told[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert min(told["placed"], told["refused"], told["co-delivered"], told["given back"]) > 50


def test_power_of_its_own_comes_first_and_adjoining_half_hours_are_one_piece():
    held = [row(1, 100, "DNO_SCHEDULED", periods=1)]
    pieces = place(wish(50, "NESO_DFS", periods=2), held=held, room=room(60))
    assert [(one.form, one.start, one.kw) for one in pieces] == [
        (Form.SPLITTING, START, 50), (Form.JUMPING, START + HALF_HOUR, 50),
    ]  # fmt: skip
    [one] = place(wish(50, "NESO_DFS", periods=2), held=[], room=room(60))
    assert (one.form, one.end) == (Form.JUMPING, START + 2 * HALF_HOUR)


def test_a_listed_pair_shares_power_when_none_is_left_and_no_third_buyer_joins():
    held = [row(7, 100, "DNO_SCHEDULED")]
    [one] = place(wish(80, "NESO_DFS", periods=2), held=held, room=room(0))
    assert (one.form, one.beside, one.end) == (Form.CO_DELIVERY, 7, START + 2 * HALF_HOUR)
    both = [*held, row(8, 80, "NESO_DFS", form=Form.CO_DELIVERY, beside=7)]
    assert most(wish(1, "NESO_DFS"), START, both, Decimal(0)) == 20
    with pytest.raises(MarketError) as caught:
        place(wish(21, "NESO_DFS"), held=both, room=room(0))
    assert caught.value.details["available_kw"] == "20"
    [promoted] = released(both, 7)
    assert (promoted.form, promoted.beside) == (Form.SPLITTING, None)


def test_a_refusal_names_the_service_and_the_period_that_stand_against_it():
    with pytest.raises(MarketError) as caught:
        place(wish(10, "P444_BM"), held=[row(1, 60, "NESO_DFS")], room=room(1000))
    assert str(caught.value) == (
        "10 kW for P444_BM cannot be had at 2026-07-01T16:00Z: the site holds 60 kW for NESO_DFS from 2026-07-01T16:00Z "
        "to 17:00Z. Choose other half hours, or another offer."
    )
    with pytest.raises(MarketError, match="60 kW, the other way, for DNO_SCHEDULED"):
        place(wish(10, "NESO_DFS", direction="INCREASE"), held=[row(1, 60, "DNO_SCHEDULED")], room=room(1000))
    with pytest.raises(MarketError, match="where the site has 5 kW left beside what it holds for NESO_RESERVE"):
        place(wish(10, "NESO_RESPONSE"), held=[row(1, 60, "NESO_RESERVE")], room=room(5))


def test_every_pair_of_services_has_its_forms_on_every_day():
    services = {found.values["service"] for found in rows_of("stacking_services")}
    for day, (one, other) in itertools.product(DAYS, itertools.combinations_with_replacement(sorted(services), 2)):
        found = forms(one, other, day)
        assert Form.JUMPING in found, (one, other, day)
        assert found == forms(other, one, day)
        assert not (one == other and Form.CO_DELIVERY in found), f"{one} would sell a megawatt to itself twice"
    assert forms("NESO_DFS", "A_NEW_ONE", DAYS[0]) == frozenset()


def test_the_matrix_changes_with_the_day_and_every_product_has_a_service():
    before, after = (forms("CAPACITY_MARKET", "NESO_DFS", day) for day in DAYS[1:3])
    assert before == {Form.JUMPING}
    assert after == {Form.SPLITTING, Form.JUMPING}
    for found in rows_of("products"):
        assert service_of(found.key, found.effective_from or DAYS[0])
    with pytest.raises(MarketError, match="A_NEW_ONE"):
        service_of("A_NEW_ONE", DAYS[0])
    assert all(len(found.source) > 20 for name in ("stacking", "primacy") for found in rows_of(name))


def test_the_distribution_network_goes_before_the_system_operator_and_nothing_before_itself():
    found = primacy("NESO_DFS", "DNO_SCHEDULED", DAYS[2])
    assert (found.first, found.second, found.evidence) == ("DNO_SCHEDULED", "NESO_DFS", "assumed")
    assert primacy("NESO_DFS", "NESO_DFS", DAYS[2]) is None
    assert primacy("NESO_DFS", "A_NEW_ONE", DAYS[2]) is None


def test_what_offers_prove_together_never_goes_beyond_one_certificate():
    """Whatever is sold of either offer, the site ends no lower than the lowest level that one certificate proved."""
    for ref_a, kw_a, ref_b, kw_b in itertools.product((900, 1000), (0, 100, 400), (800, 950, 1000), (100, 350)):
        proofs = [Proof(Decimal(ref_a), Decimal(kw_a)), Proof(Decimal(ref_b), Decimal(kw_b))]
        sold = deliverable_kw(proofs, "REDUCE")
        assert sold >= 0
        assert min(ref_a, ref_b) - sold >= min(ref_a - kw_a, ref_b - kw_b)
        mirrored = [Proof(2000 - one.reference_kw, one.offered_kw) for one in proofs]
        assert deliverable_kw(mirrored, "INCREASE") == sold
    assert deliverable_kw([], "REDUCE") == 0


def test_a_proof_covers_another_only_with_its_whole_window_and_as_far_out():
    low = {START: Proof(Decimal(1000), Decimal(400)), START + HALF_HOUR: Proof(Decimal(1000), Decimal(400))}
    assert covers(low, {START: Proof(Decimal(900), Decimal(300))}, "REDUCE")
    assert not covers(low, {START: Proof(Decimal(900), Decimal(301))}, "REDUCE")
    assert not covers({START: low[START]}, low, "REDUCE")
    assert covers({START: Proof(Decimal(500), Decimal(100))}, {START: Proof(Decimal(550), Decimal(50))}, "INCREASE")
