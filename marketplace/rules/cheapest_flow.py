"""Cover a need with divisible items that each span consecutive half hours, at the least cost, in whole numbers.

Row t less row t-1 of "what covers half hour t is at least its need" makes a network with a node before each half hour: an
item is an arc from its first half hour to its end, unmet need an arc of one half hour, and cover beyond the need an arc
back at no cost. Its cheapest flow is the answer, and it is whole. Where every item spans the same half hours, taking the
cheapest first does the same. Successive shortest paths; see any text on network flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class Item:
    """Up to `most` in each of half hours [first, last), at `cost` >= 0 for one in all of them."""

    first: int
    last: int
    most: int
    cost: int


@dataclass(slots=True)
class Arc:
    """One direction of an arc; `twin` is the index of the other. `room` is what can still flow."""

    to: int
    room: int
    cost: int
    twin: int


def cheapest(needed: Sequence[int], items: Sequence[Item], unmet: int) -> tuple[list[int], int]:
    """(taken of each item, cost with unmet need at `unmet` >= 0 per half hour). Costs are never negative."""
    spans = {(item.first, item.last) for item in items if item.most}
    if not spans:
        return [0] * len(items), unmet * sum(needed)
    if len(spans) == 1:
        return merit_order(needed, items, unmet, *spans.pop())
    return flow(needed, items, unmet)


def merit_order(
    needed: Sequence[int], items: Sequence[Item], unmet: int, first: int, last: int
) -> tuple[list[int], int]:
    """Items of one span, cheapest first, each as long as it costs less than the need it meets."""
    taken, covered = [0] * len(items), 0
    levels = sorted(needed[first:last])
    for i in sorted(range(len(items)), key=lambda i: (items[i].cost, i)):
        left = items[i].most
        while left:
            above = [level for level in levels if level > covered]
            if items[i].cost >= unmet * len(above):
                break
            step = min(left, above[0] - covered)
            taken[i] += step
            covered += step
            left -= step
    cost = sum(amount * item.cost for amount, item in zip(taken, items, strict=True))
    rest = sum(max(0, level - covered) for level in levels) + sum(needed[:first]) + sum(needed[last:])
    return taken, cost + unmet * rest


def flow(needed: Sequence[int], items: Sequence[Item], unmet: int) -> tuple[list[int], int]:
    """The cheapest flow of the network above."""
    nodes = len(needed) + 1
    arcs: list[Arc] = []
    out: list[list[int]] = [[] for _ in range(nodes)]
    most = sum(item.most for item in items) + max(needed, default=0)
    for item in items:
        join(arcs, out, item.first, item.last, item.most, item.cost)
    for slot in range(len(needed)):
        join(arcs, out, slot, slot + 1, most, unmet)
        join(arcs, out, slot + 1, slot, most, 0)
    steps = [*needed, 0]
    excess = [step - before for step, before in zip(steps, [0, *steps], strict=False)]
    push(arcs, out, excess)
    taken = [arcs[2 * i + 1].room for i in range(len(items))]
    cost = sum(arcs[i ^ 1].room * arcs[i].cost for i in range(0, len(arcs), 2))
    return taken, cost


def join(arcs: list[Arc], out: list[list[int]], start: int, end: int, most: int, cost: int) -> None:
    """An arc and its twin for what flows back."""
    out[start].append(len(arcs))
    arcs.append(Arc(end, most, cost, len(arcs) + 1))
    out[end].append(len(arcs))
    arcs.append(Arc(start, 0, -cost, len(arcs) - 1))


def push(arcs: list[Arc], out: list[list[int]], excess: list[int]) -> None:
    """Send every excess to the deficits by shortest paths, until none is left."""
    potential = [0] * len(out)
    for source in range(len(out)):
        while excess[source] > 0:
            distance, by = paths(arcs, out, potential, source)
            sink = min((node for node in range(len(out)) if excess[node] < 0), key=lambda node: distance[node])
            for node, far in enumerate(distance):
                potential[node] += min(far, distance[sink])
            path, node = [], sink
            while node != source:
                path.append(by[node])
                node = arcs[arcs[by[node]].twin].to
            amount = min(excess[source], -excess[sink], *(arcs[i].room for i in path))
            for i in path:
                arcs[i].room -= amount
                arcs[arcs[i].twin].room += amount
            excess[source] -= amount
            excess[sink] += amount


def paths(arcs: list[Arc], out: list[list[int]], potential: Sequence[int], source: int) -> tuple[list[int], list[int]]:
    """(reduced distance from `source`, arc by which each node is reached). Every node is: arcs join neighbours both ways."""
    far = sum(abs(arc.cost) for arc in arcs) + sum(map(abs, potential)) + 1
    distance, by = [far] * len(out), [-1] * len(out)
    distance[source] = 0
    heap = [(0, source)]
    while heap:
        here, node = heappop(heap)
        if here > distance[node]:
            continue
        for i in out[node]:
            arc = arcs[i]
            there = here + arc.cost + potential[node] - potential[arc.to]
            if arc.room and there < distance[arc.to]:
                distance[arc.to], by[arc.to] = there, i
                heappush(heap, (there, arc.to))
    return distance, by
