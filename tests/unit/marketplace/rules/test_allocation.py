"""The cheapest allocation: against brute force on small tenders, against another solver on larger ones, and by hand."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.tenders import CEILING, by_highs, random_tender
from marketplace.rules.allocation import PER_KWH, BidIn, allocate
from marketplace.rules.cheapest_flow import Item, cheapest, flow, merit_order

T0 = datetime(2026, 1, 15, 9, tzinfo=UTC)


def bid(
    name: str, price: int, most: int, *, least: int = 0, first: int = 0, last: int = 1, at: int = 0, ready: int = 0
):
    return BidIn(name, T0 + timedelta(minutes=at), first, last, least, most, price, ready)


@st.composite
def tenders(draw: st.DrawFn):
    slots = draw(st.integers(1, 3))
    needed = draw(st.lists(st.integers(0, 5), min_size=slots, max_size=slots))
    bids = []
    for i in range(draw(st.integers(0, 4))):
        first = draw(st.integers(0, slots - 1))
        most = draw(st.integers(1, 4))
        bids.append(
            bid(
                f"b{i}",
                draw(st.integers(0, 6)),
                most,
                least=draw(st.integers(0, most)),
                first=first,
                last=draw(st.integers(first + 1, slots)),
                at=draw(st.integers(0, 2)),
                ready=draw(st.integers(0, 900)),
            )
        )
    return needed, bids, draw(st.integers(0, 6))


def by_force(needed, bids, ceiling):
    """(cost, latest-first watts) of every allocation there is, the least of them."""
    ordered = sorted(bids, key=lambda one: (one.received, one.id))
    ways = [[0, *range(max(1, one.least_w), one.most_w + 1)] for one in ordered]
    found = []
    for taken in itertools.product(*ways):
        left = list(needed)
        for one, watts in zip(ordered, taken, strict=True):
            for slot in range(one.first, one.last):
                left[slot] -= watts
        unmet = sum(max(0, watts) for watts in left)
        cost = sum(w * one.cost_per_watt for w, one in zip(taken, ordered, strict=True)) + unmet * ceiling * PER_KWH
        found.append((cost, unmet, tuple(reversed(taken))))
    cost, unmet, latest_first = min(found)
    return cost, {one.id: w for one, w in zip(reversed(ordered), latest_first, strict=True) if w}


@settings(max_examples=250, deadline=None)
@given(tenders())
def test_no_allocation_is_cheaper_and_of_equal_ones_the_earlier_bids_win(tender):
    needed, bids, ceiling = tender
    made = allocate(needed, bids, ceiling=ceiling)
    assert (made.cost, dict(made.taken_w)) == by_force(needed, bids, ceiling)
    assert made.proved
    assert made.bound == made.cost


@settings(max_examples=60, deadline=None)
@given(tenders())
def test_the_flow_and_the_merit_order_agree_where_both_can_be_asked(tender):
    needed, bids, ceiling = tender
    items = [Item(0, len(needed), one.most_w, one.cost_per_watt) for one in bids]
    by_order, cheap = merit_order(needed, items, ceiling * PER_KWH, 0, len(needed))
    _, by_flow = flow(needed, items, ceiling * PER_KWH)
    assert cheap == by_flow
    assert cheapest(needed, items, ceiling * PER_KWH)[1] == cheap
    assert all(0 <= watts <= item.most for watts, item in zip(by_order, items, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_a_tender_of_thirty_bids_costs_what_highs_finds(seed: int):
    """A slice of `python -m benchmarks.tenders`."""
    needed, bids = random_tender(random.Random(seed), 30)
    made = allocate(needed, bids, ceiling=CEILING)
    assert made.proved
    assert made.cost == pytest.approx(by_highs(needed, bids, CEILING), rel=1e-6)


def test_a_whole_bid_that_costs_more_than_it_meets_is_left_out():
    # 60 W are needed at a ceiling of 10: unmet they cost 600. 100 W at 5 in one piece cost 500, at 7 they cost 700.
    assert allocate([60], [bid("a", 5, 100, least=100)], ceiling=10).taken_w == {"a": 100}
    left = allocate([60], [bid("a", 7, 100, least=100)], ceiling=10)
    assert (left.taken_w, left.unmet_w, left.cost) == ({}, (60,), 600 * PER_KWH)


def test_a_cheaper_bid_may_be_passed_over_for_its_least():
    # 100 W: the cheapest bid takes 90 or nothing and leaves 10 to the dear one's least of 50.
    made = allocate([100], [bid("a", 1, 90, least=90), bid("b", 2, 100), bid("c", 9, 60, least=50)], ceiling=20)
    assert made.taken_w == {"a": 90, "b": 10}
    made = allocate([100], [bid("a", 1, 90, least=90), bid("b", 2, 100, least=100)], ceiling=20)
    assert made.taken_w == {"b": 100}  # 200, where a and ten unmet cost 290


def test_the_earlier_of_two_equal_bids_is_taken_and_then_the_smaller_id():
    assert allocate([5], [bid("b", 3, 5, at=0), bid("a", 3, 5, at=1)], ceiling=9).taken_w == {"b": 5}
    assert allocate([5], [bid("b", 3, 5), bid("a", 3, 5)], ceiling=9).taken_w == {"a": 5}
    whole = [bid(name, 3, 5, least=5) for name in "edcba"]
    assert allocate([10], whole, ceiling=9).taken_w == {"a": 5, "b": 5}


def test_a_search_cut_short_says_so_and_how_far_off_it_can_be():
    bids = [bid(f"b{i}", 100 + 7 * i, 60 + 11 * i, least=60 + 11 * i, at=i) for i in range(9)]
    whole = allocate([400], bids, ceiling=900)
    cut = allocate([400], bids, ceiling=900, most_nodes=1)
    assert whole.proved
    assert not cut.proved
    assert cut.bound <= whole.cost <= cut.cost


def test_thirty_like_bids_in_one_piece_are_soon_decided():
    bids = [bid(f"b{i:02}", 100 + i % 3, 100, least=100, at=i) for i in range(30)]
    made = allocate([1450], bids, ceiling=900)
    assert made.proved
    assert sum(made.taken_w.values()) == 1500
    assert made.nodes < 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (bid("x", 1, 5, first=0, last=3), "covers half hours 0 to 3"),
        (bid("x", 1, 5, least=6), "from 6 to 5 W"),
        (bid("x", -1, 5), "below nothing"),
    ],
)
def test_what_is_no_bid_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        allocate([5], [wrong], ceiling=9)
    with pytest.raises(ValueError, match="one id"):
        allocate([5], [bid("a", 1, 1), bid("a", 2, 1)], ceiling=9)
