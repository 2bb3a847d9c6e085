"""Offers: the window asked for or the best there is, whole kW of what is proved less a margin, and plain refusals."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings

from flex_engine.flexibility.certificate import certify
from flex_engine.flexibility.envelope import envelope
from flex_engine.flexibility.offer import LENGTH_SLOTS, MARGIN, NoOfferError, Wanted, draft
from flex_engine.optimise.checker import check
from flex_engine.optimise.fifo import fifo
from flex_engine.optimise.problem import Commitment, Problem, SiteLimits, remaining
from flex_engine.optimise.solve import solve
from flex_engine.simulate import synthetic
from tests.unit.flex_engine.flexibility.test_envelope import planned
from tests.unit.flex_engine.optimise.queues import HALF, START, job, problem, queues


@pytest.fixture(scope="module")
def site() -> Problem:
    """Two days of a synthetic site."""
    made = synthetic.signals(START, 96, seed=3)
    end = START + timedelta(days=2)
    jobs = [one for one in synthetic.jobs(START, 1, 60, seed=3) if one.deadline <= end]
    return Problem(
        jobs=tuple(jobs),
        site=SiteLimits(import_limit_kw=1500, must_run_kw=200),
        start=START,
        slots=96,
        price_gbp_per_mwh=made["price"].values,
        carbon_g_per_kwh=made["carbon_intensity"].values,
        carbon_price_gbp_per_tonne=85.0,
    )


@pytest.fixture(scope="module")
def plan(site: Problem):
    return solve(site)


def test_the_best_hour_is_found_and_priced(site: Problem, plan):
    made = draft(site, plan, start=None, end=None, earliest=START + timedelta(hours=1))
    assert made.end - made.start == LENGTH_SLOTS * HALF
    assert made.start >= START + timedelta(hours=1)
    assert made.certificate.holds
    assert made.quantity_kw == int(made.quantity_kw) >= 1
    assert made.quantity_kw <= made.certificate.quantity_kw * (1 - MARGIN) < made.quantity_kw + 1
    assert made.utilisation_price_gbp_per_kwh == made.utilisation_price_gbp_per_kwh.quantize(Decimal("0.0001"))
    assert [line["item"] for line in made.arithmetic][:2] == ["Turn-down proved", "Baseline"]
    assert all(set(line) == {"item", "value", "unit", "why"} for line in made.arithmetic)
    room = envelope(site, plan).down_kw
    assert float(made.certificate.quantity_kw) > 0.2 * max(room), "not a leftover"


def test_a_named_window_is_that_window_and_delivering_it_keeps_every_deadline(site: Problem, plan):
    best = draft(site, plan, start=None, end=None, earliest=START)
    made = draft(site, plan, start=best.start, end=best.end, earliest=START)
    assert (made.start, made.quantity_kw, made.certificate.quantity_kw) == (
        best.start, best.quantity_kw, best.certificate.quantity_kw,
    )  # fmt: skip
    first, last = site.slot_of(made.start), site.slot_of(made.end)
    bound = remaining(site, plan.allocations, slot=first)
    bound = type(bound)(
        **{name: getattr(bound, name) for name in bound.__dataclass_fields__}
        | {
            "commitments": tuple(
                Commitment("o", site.time(slot), plan.load_kw[slot] - float(made.quantity_kw))
                for slot in range(first, last)
            )
        }
    )
    delivered = solve(bound)
    assert delivered.status in {"OPTIMAL", "FEASIBLE"}
    assert delivered.unplanned == ()
    assert check(bound, delivered) == []
    for slot in range(first, last):
        assert delivered.load_kw[slot - first] <= plan.load_kw[slot] - float(made.quantity_kw) + 1e-3


def test_a_product_bounds_the_window_and_the_size(site: Problem, plan):
    best = draft(site, plan, start=None, end=None, earliest=START)
    elsewhere = Wanted(within=lambda start, end: end <= best.start or start >= best.end)
    made = draft(site, plan, start=None, end=None, earliest=START, wanted=elsewhere)
    assert elsewhere.fits(made.start, made.end)
    with pytest.raises(NoOfferError, match="an offer needs 5000 kW"):
        draft(site, plan, start=None, end=None, earliest=START, wanted=Wanted(least_kw=Decimal(5000)))
    with pytest.raises(NoOfferError, match="that the product is bought in"):
        draft(site, plan, start=None, end=None, earliest=START, wanted=Wanted(within=lambda start, end: False))


def test_a_start_alone_means_an_hour_from_there(site: Problem, plan):
    best = draft(site, plan, start=None, end=None, earliest=START)
    assert draft(site, plan, start=best.start, end=None, earliest=START).end == best.start + LENGTH_SLOTS * HALF


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (0.5, 3, "is not on the half hour"),
        (3, 3, "which is not after its start"),
        (1, 3, "must start at 2026-03-02T01:00Z or later"),
        (94, 98, "the window does not lie within"),
    ],
)
def test_impossible_windows_are_refused_in_words(site: Problem, plan, start: float, end: float, sentence: str):
    with pytest.raises(NoOfferError, match=sentence):
        draft(site, plan, start=START + start * HALF, end=START + end * HALF, earliest=START + 2 * HALF)


def test_nothing_to_offer_is_said():
    idle = problem([], [50.0] * 8, must_run=10)
    with pytest.raises(NoOfferError, match="nothing runs then that could wait"):
        draft(idle, solve(idle), start=None, end=None, earliest=START)
    with pytest.raises(NoOfferError, match="nothing can be turned down in every half hour"):
        draft(idle, solve(idle), start=START, end=START + HALF, earliest=START)
    small = problem([job("a", 0, 4, 1, 0.9)], [10.0, 50.0, 50.0, 50.0])
    with pytest.raises(NoOfferError, match=r"Only 0\.\d+ kW can be turned down .* an offer needs 1 kW"):
        draft(small, solve(small), start=START, end=START + HALF, earliest=START)


def test_first_come_first_served_can_be_offered_from_too(site: Problem):
    """The offer needs a schedule and its load, not a solver's: a site without a plan in force could sell as well."""
    plain = fifo(site)
    if plain.unplanned:
        pytest.fail("this site must keep its deadlines first come, first served")
    assert draft(site, plain, start=None, end=None, earliest=START).certificate.holds


@settings(max_examples=20)
@given(queues(most=6))
def test_an_offer_is_proved_or_refused_in_words(made: Problem):
    found = planned(made)
    if found is None:
        return
    made, plan = found
    try:
        offer = draft(made, plan, start=None, end=None, earliest=START)
    except NoOfferError:
        return
    again = certify(made, plan, first=made.slot_of(offer.start), last=made.slot_of(offer.end))
    assert again.holds
    assert offer.quantity_kw <= again.quantity_kw
