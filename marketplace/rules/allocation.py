"""Which bids meet a need at the least cost: an integer programme in whole watts and whole units of money, solved exactly.

A bid is taken with nothing, or with any whole watts from its least to its most, the same in each half hour it covers. What
stays unmet is worth the ceiling, so a bid that would cost more than the need it meets is left out. Where bids are divisible
the answer is the merit order; where they cover different half hours it is a flow of least cost, which is whole because each
bid covers consecutive half hours; where a least has to be kept, branch and bound decides about those bids alone. Two
answers of one cost differ in who was earlier: the later bid gets as little as it can, then the one before it.

Pure: no clock, no floats, no solver of others. `proved` is False where the search was cut short, and `bound` says how far
off it can be. Sources: merit order as in any auction; successive shortest paths for the flow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from marketplace.rules.cheapest_flow import Item, cheapest

MOST_NODES = 20_000
# Money is counted in 0.0001 GBP / 2,000,000: a watt for half an hour at 0.0001 GBP per kWh is 1,000 of them, at 0.0001 GBP
# per MW and hour it is one.
UNITS_PER_GBP = 10_000 * 2_000_000
PER_KWH, PER_MW_H = 1_000, 1


@dataclass(frozen=True, slots=True)
class BidIn:
    """A bid on half hours [first, last) of the need. Prices in 0.0001 GBP, per kWh and per MW and hour."""

    id: str
    received: datetime
    first: int
    last: int
    least_w: int
    most_w: int
    price: int
    availability: int = 0

    @property
    def cost_per_watt(self) -> int:
        """Units of money for one watt in all its half hours, held ready and dispatched."""
        return (self.last - self.first) * (self.price * PER_KWH + self.availability * PER_MW_H)

    @property
    def divisible(self) -> bool:
        """Whether any whole watt of it can be taken."""
        return self.least_w <= 1


@dataclass(frozen=True, slots=True)
class Allocation:
    """Watts taken of each bid, watts of need unmet in each half hour, and what bids and unmet need cost together.

    `cost` and `bound` are in units of money; no allocation costs less than `bound`, which is `cost` where `proved`.
    """

    taken_w: Mapping[str, int]
    unmet_w: tuple[int, ...]
    cost: int
    bound: int
    proved: bool
    nodes: int


@dataclass(slots=True)
class Search:
    """The programme and the best answer so far; costs here also carry the order of receipt in their last places."""

    needed: tuple[int, ...]
    bids: tuple[BidIn, ...]
    costs: tuple[int, ...]
    unmet: int
    beats: tuple[tuple[int, ...], ...]
    beaten_by: tuple[tuple[int, ...], ...]
    best: tuple[int, tuple[int, ...]] | None = None
    nodes: int = 0
    open_bounds: list[int] = field(default_factory=list)


def allocate(
    needed_w: Sequence[int], bids: Sequence[BidIn], *, ceiling: int, ceiling_availability: int = 0,
    most_nodes: int = MOST_NODES,
) -> Allocation:  # fmt: skip
    """The cheapest allocation of `bids` to `needed_w` watts by half hour; unmet need costs the ceilings (0.0001 GBP).

    Raises ValueError for a bid outside the need, with a least above its most, or with a price below nothing.
    """
    check(needed_w, bids)
    ordered = tuple(sorted(bids, key=lambda bid: (bid.received, bid.id)))
    worth = ceiling * PER_KWH + ceiling_availability * PER_MW_H
    # More than any count of watts there can be, so that a place of the order of receipt never spills into the next.
    base = sum(bid.most_w * (bid.last - bid.first) for bid in ordered) + sum(needed_w) + 1
    scale = base ** (len(ordered) + 2)
    costs = tuple(bid.cost_per_watt * scale + base**rank for rank, bid in enumerate(ordered))
    beats = tuple(
        tuple(j for j in range(len(ordered)) if i != j and dominates(ordered, costs, i, j)) for i in range(len(ordered))
    )
    beaten_by = tuple(tuple(i for i in range(len(ordered)) if j in beats[i]) for j in range(len(ordered)))
    search = Search(tuple(needed_w), ordered, costs, worth * scale + base ** (len(ordered) + 1), beats, beaten_by)
    explore(search, most_nodes)
    if search.best is None:  # the first node always leaves an answer: nothing taken
        raise RuntimeError("no allocation was found, not even the empty one")
    total, taken = search.best
    bound = min([total, *search.open_bounds])
    cost = sum(watts * bid.cost_per_watt for watts, bid in zip(taken, ordered, strict=True))
    unmet = unmet_of(search.needed, ordered, taken)
    return Allocation(
        taken_w={bid.id: watts for bid, watts in zip(ordered, taken, strict=True) if watts},
        unmet_w=unmet,
        cost=cost + worth * sum(unmet),
        bound=bound // scale,
        proved=not search.open_bounds,
        nodes=search.nodes,
    )


def check(needed_w: Sequence[int], bids: Sequence[BidIn]) -> None:
    """Raise ValueError for what no need and no bid can be."""
    if any(watts < 0 for watts in needed_w):
        raise ValueError("a need is below nothing")
    for bid in bids:
        if not 0 <= bid.first < bid.last <= len(needed_w):
            raise ValueError(f"bid {bid.id} covers half hours {bid.first} to {bid.last} of {len(needed_w)}")
        if not 0 <= bid.least_w <= bid.most_w or bid.most_w == 0:
            raise ValueError(f"bid {bid.id} offers from {bid.least_w} to {bid.most_w} W")
        if bid.price < 0 or bid.availability < 0:
            raise ValueError(f"bid {bid.id} has a price below nothing")
    if len({bid.id for bid in bids}) != len(bids):
        raise ValueError("two bids have one id")


def dominates(bids: Sequence[BidIn], costs: Sequence[int], i: int, j: int) -> bool:
    """Whether bid i can stand in for all that bid j can, for less: then j is never taken without i."""
    one, other = bids[i], bids[j]
    same = (one.first, one.last) == (other.first, other.last)
    return same and costs[i] < costs[j] and one.least_w <= other.least_w and one.most_w >= other.most_w


def explore(search: Search, most_nodes: int) -> None:
    """Depth first over which bids are on (1), off (-1) or undecided (0); what cannot be cheaper than the best is left."""
    stack: list[tuple[int, tuple[int, ...]]] = [(0, (0,) * len(search.bids))]
    while stack:
        bound, states = stack.pop()
        if search.best is not None and bound >= search.best[0]:
            continue
        if search.nodes >= most_nodes:
            best = search.best[0] if search.best else 0
            search.open_bounds = [one for one in (bound, *(one for one, _ in stack)) if one < best]
            return
        search.nodes += 1
        cost, taken = relaxed(search, states)
        if search.best is not None and cost >= search.best[0]:
            continue
        broken = [i for i, watts in enumerate(taken) if 0 < watts < search.bids[i].least_w]
        if not broken:
            search.best = (cost, taken)
            continue
        if search.best is None:
            settle(search, states, broken)
        chosen = max(broken, key=lambda i: (taken[i] * search.bids[i].cost_per_watt, -i))
        rounded_up = 2 * taken[chosen] >= search.bids[chosen].least_w
        for state in (-1, 1) if rounded_up else (1, -1):  # the likelier one is looked at first
            decided = decide(search, states, chosen, state)
            if decided is not None:
                stack.append((cost, decided))


def settle(search: Search, states: tuple[int, ...], broken: Sequence[int]) -> None:
    """A first answer to measure others by: bids that would be cut below their least are left out, until none is."""
    while broken:
        states = tuple(-1 if i in broken and state == 0 else state for i, state in enumerate(states))
        cost, taken = relaxed(search, states)
        broken = [i for i, watts in enumerate(taken) if 0 < watts < search.bids[i].least_w]
    search.best = (cost, taken)


def decide(search: Search, states: tuple[int, ...], chosen: int, state: int) -> tuple[int, ...] | None:
    """`states` with `chosen` decided and all that follows from it; None where that contradicts what was decided."""
    made = list(states)
    for i in (chosen, *(search.beaten_by if state == 1 else search.beats)[chosen]):
        if made[i] == -state:
            return None
        made[i] = state
    return tuple(made)


def relaxed(search: Search, states: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """(cost, watts of each bid) where undecided bids may be taken with any watts: nothing that keeps to `states` is cheaper."""
    fixed = [bid.least_w if state == 1 else 0 for bid, state in zip(search.bids, states, strict=True)]
    left = list(search.needed)
    for bid, watts in zip(search.bids, fixed, strict=True):
        for slot in range(bid.first, bid.last) if watts else ():
            left[slot] = max(0, left[slot] - watts)
    items = [
        Item(bid.first, bid.last, 0 if state == -1 else bid.most_w - watts, cost)
        for bid, watts, state, cost in zip(search.bids, fixed, states, search.costs, strict=True)
    ]
    more, cost = cheapest(left, items, search.unmet)
    taken = tuple(a + b for a, b in zip(fixed, more, strict=True))
    return cost + sum(watts * one for watts, one in zip(fixed, search.costs, strict=True)), taken


def unmet_of(needed_w: Sequence[int], bids: Sequence[BidIn], taken: Sequence[int]) -> tuple[int, ...]:
    """Watts of need that the taken bids leave, by half hour."""
    left = list(needed_w)
    for bid, watts in zip(bids, taken, strict=True):
        for slot in range(bid.first, bid.last):
            left[slot] -= watts
    return tuple(max(0, watts) for watts in left)
