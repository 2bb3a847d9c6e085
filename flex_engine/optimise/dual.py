"""What capacity is worth in each half hour, found without a solver, and with it a bound that no plan can beat.

The limits alone couple jobs. Priced instead of kept, they let every job go where it costs least by itself:

    bound(mu, nu) = sum over jobs of least (value + mu - nu) . load  -  mu . room  +  nu . floor,   mu, nu >= 0

is below the cost of every schedule, whatever the prices (weak duality; Fisher 1981). To climb to its top, the least is
replaced by a soft one (log-sum-exp over the starts of a job that may not be interrupted, Fermi's distribution over the half
hours of one that may) whose temperature falls, and a projected L-BFGS goes up; the bound itself is then worked out without smoothing.
Jobs with the same starts and work are one row. It knows no solver and no cvxpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from flex_engine.optimise.classes import JobClass

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TEMPERATURES = (8.0, 2.0, 0.5, 0.12, 0.03)  # hundred-and-twenty-fifths of the spread of the value
STEPS = (40, 40, 40, 40, 40)
SPREAD = 125.0
MEMORY = 20


@dataclass(frozen=True, slots=True)
class StartClasses:
    """Rows of jobs with the same possible starts and work. `begin` and `end` in half hours, row after row; row k has the
    starts from `edges[k]` up to `edges[k + 1]`; `kw` is the power of its jobs together."""

    begin: Floats
    end: Floats
    edges: Ints
    kw: Floats
    first: Ints = field(init=False)
    last: Ints = field(init=False)
    rests: tuple[Floats, Floats] | None = field(init=False)

    def __post_init__(self) -> None:
        """The half hours that begin and end lie in, and how far into them; None where all are whole."""
        first, last = self.begin.astype(int), self.end.astype(int)
        rests = (self.begin - first, self.end - last)
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "last", last)
        object.__setattr__(self, "rests", rests if any(rest.any() for rest in rests) else None)

    @property
    def sizes(self) -> Ints:
        """How many starts each row has."""
        found: Ints = np.diff(self.edges)
        return found


@dataclass(frozen=True, slots=True)
class WindowClasses:
    """Rows of interruptible jobs with the same window and work, laid out as StartClasses: `slot` and `share` of each half
    hour, `need` half hours of work by row."""

    slot: Ints
    share: Floats
    edges: Ints
    need: Floats
    kw: Floats


def window_classes(classes: Sequence[JobClass]) -> WindowClasses:
    """The planner's classes as rows."""
    sizes = [len(group.window.shares) for group in classes]
    slots = [np.arange(group.window.first, group.window.first + n) for group, n in zip(classes, sizes, strict=True)]
    return WindowClasses(
        slot=np.concatenate([np.zeros(0, dtype=int), *slots]),
        share=np.concatenate([np.zeros(0), *(np.asarray(group.window.shares) for group in classes)]),
        edges=np.concatenate([[0], np.cumsum(sizes)]).astype(int),
        need=np.array([group.window.work for group in classes]),
        kw=np.array([group.power_kw for group in classes]),
    )


@dataclass(frozen=True, slots=True)
class Dual:
    """The Lagrangian of a plan. `value` is GBP per kW held for a half hour; room and floor kW of the load of jobs.

    Prices are one vector: those of the room, then those of the floor where there is one (`held`).
    """

    starts: StartClasses
    windows: WindowClasses
    value: Floats
    room: Floats
    floor: Floats

    @property
    def held(self) -> Ints:
        """Half hours with a floor."""
        found: Ints = np.flatnonzero(self.floor > 0)
        return found

    @property
    def unit(self) -> float:
        """What temperatures are counted in."""
        spread = float(np.ptp(self.value)) if len(self.value) else 0.0
        return spread / SPREAD or 1.0 / SPREAD

    def idle(self) -> Floats:
        """No price on anything."""
        return np.zeros(len(self.room) + len(self.held))

    def key(self, prices: Floats) -> Floats:
        """What a kW held for each half hour costs with its prices."""
        found = self.value + prices[: len(self.room)]
        found[self.held] -= prices[len(self.room) :]
        return found

    def limits(self, prices: Floats) -> float:
        """What the limits are worth at these prices."""
        slots = len(self.room)
        return float(prices[slots:] @ self.floor[self.held] - prices[:slots] @ self.room)

    def bound(self, prices: Floats) -> float:
        """GBP that every schedule of these jobs costs at least."""
        key = self.key(prices)
        total = self.limits(prices)
        if len(self.starts.kw):
            total += float(self.starts.kw @ np.minimum.reduceat(costs(self.starts, key), self.starts.edges[:-1]))
        if len(self.windows.kw):
            total += float(self.windows.kw @ cheapest_of(self.windows, key))
        return total

    def smooth(self, prices: Floats, temperature: float) -> tuple[float, Floats]:
        """(smoothed bound, load of jobs less the limits at its softly least cost)."""
        key = self.key(prices)
        soft, load = soft_starts(self.starts, key, temperature)
        more, other = soft_windows(self.windows, key, temperature)
        load = load + other
        slope = np.concatenate([load - self.room, self.floor[self.held] - load[self.held]])
        return soft + more + self.limits(prices), slope

    def climb(
        self, prices: Floats, *, temperatures: Sequence[float] = TEMPERATURES, steps: Sequence[int] = STEPS
    ) -> tuple[Floats, float]:
        """(prices, bound) near the top, from `prices`: the best of what each temperature ended with."""
        size = max(1e-12, float(self.starts.kw.sum() + self.windows.kw.sum()) * self.unit)
        best, found = prices, self.bound(prices)
        for temperature, most in zip(temperatures, steps, strict=True):

            def down(scaled: Floats, at: float = temperature) -> tuple[float, Floats]:
                worth, slope = self.smooth(scaled * self.unit, at * self.unit)
                return -worth / size, -slope * self.unit / size

            prices = descend(down, prices / self.unit, steps=most) * self.unit
            bound = self.bound(prices)
            if bound > found:
                best, found = prices, bound
        return best, found

    def without(self, kw: Floats, load: Floats) -> Dual:
        """The same with `kw` of each row of starts placed already, as `load`."""
        rest = self.starts.kw - kw
        kept = np.flatnonzero(rest > 1e-9)
        sizes = self.starts.sizes[kept]
        edges = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        at = np.repeat(self.starts.edges[kept] - edges[:-1], sizes) + np.arange(edges[-1])
        starts = StartClasses(self.starts.begin[at], self.starts.end[at], edges, rest[kept])
        floor = np.where(self.floor > 0, np.maximum(1e-9, self.floor - load), self.floor)
        return replace(self, starts=starts, room=self.room - load, floor=floor)


def descend(function: Callable[[Floats], tuple[float, Floats]], at: Floats, *, steps: int) -> Floats:
    """The lowest point found from `at` among vectors that are nowhere negative, by limited-memory BFGS on the coordinates
    that may move (Bertsekas 1982). scipy's own spends most of its time waiting for threads at this size."""
    value, slope = function(at)
    moves: list[tuple[Floats, Floats]] = []
    for _ in range(steps):
        free = (at > 0) | (slope < 0)
        way = -quasi_newton(np.where(free, slope, 0.0), moves)
        way = np.where(free, way, 0.0)
        fall = float(slope @ way)
        if fall > -1e-12:
            if not moves:
                break
            moves = []
            continue
        size, best = 1.0 if moves else min(1.0, 1.0 / float(np.abs(way).max())), None
        for _ in range(20):
            to = np.maximum(0.0, at + size * way)
            found, there = function(to)
            if found <= value + 1e-4 * float(slope @ (to - at)):
                best = to
                break
            size /= 2
        if best is None:
            if not moves:
                break
            moves = []
            continue
        step, turn = best - at, there - slope
        if float(step @ turn) > 1e-12 * float(turn @ turn):
            moves = [*moves[1 - MEMORY :], (step, turn)]
        at, value, slope = best, found, there
    return at


def quasi_newton(slope: Floats, moves: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The slope times the inverse curvature seen on the last moves (Nocedal's two loops)."""
    found, parts = slope.copy(), []
    for step, turn in reversed(moves):
        part = float(step @ found) / float(step @ turn)
        found -= part * turn
        parts.append(part)
    if moves:
        step, turn = moves[-1]
        found *= float(step @ turn) / float(turn @ turn)
    for (step, turn), part in zip(moves, reversed(parts), strict=True):
        found += (part - float(turn @ found) / float(step @ turn)) * step
    return found


def costs(starts: StartClasses, key: Floats) -> Floats:
    """Cost of a kW from each start on."""
    total = np.concatenate([[0.0], np.cumsum(key)])
    found: Floats = total[starts.last] - total[starts.first]
    if starts.rests is not None:
        padded = np.append(key, 0.0)
        found += starts.rests[1] * padded[starts.last] - starts.rests[0] * padded[starts.first]
    return found


def soft_starts(starts: StartClasses, key: Floats, temperature: float) -> tuple[float, Floats]:
    """(softly least cost of all rows, load of their jobs)."""
    slots = len(key)
    if not len(starts.kw):
        return 0.0, np.zeros(slots)
    cost, first = costs(starts, key), starts.edges[:-1]
    least = np.minimum.reduceat(cost, first)
    weight = np.exp((np.repeat(least, starts.sizes) - cost) / temperature)
    total = np.add.reduceat(weight, first)
    kw = weight * np.repeat(starts.kw / total, starts.sizes)
    begun = np.bincount(starts.first, kw, slots + 1) - np.bincount(starts.last, kw, slots + 1)
    load = np.cumsum(begun)[:slots]
    if starts.rests is not None:
        early, late = starts.rests
        parts = np.bincount(starts.last, kw * late, slots + 1) - np.bincount(starts.first, kw * early, slots + 1)
        load += parts[:slots]
    return float(starts.kw @ (least - temperature * np.log(total))), load


def soft_windows(windows: WindowClasses, key: Floats, temperature: float) -> tuple[float, Floats]:
    """The same of interruptible rows: a share of x costs temperature * (x log x + (1 - x) log(1 - x)) more than its key."""
    slots = len(key)
    if not len(windows.kw):
        return 0.0, np.zeros(slots)
    sizes, first = np.diff(windows.edges), windows.edges[:-1]
    at = key[windows.slot]
    low = np.minimum.reduceat(at, first) - 40 * temperature
    high = np.maximum.reduceat(at, first) + 40 * temperature
    level = (low + high) / 2
    for _ in range(60):
        x = occupied(np.repeat(level, sizes) - at, temperature)
        over = np.add.reduceat(windows.share * x, first) - windows.need
        high, low = np.where(over > 0, level, high), np.where(over > 0, low, level)
        slope = np.add.reduceat(windows.share * x * (1 - x), first) / temperature
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = level - over / slope
        inside = (newton > low) & (newton < high)
        level = np.where(inside, newton, (low + high) / 2)
        if np.abs(over).max() < 1e-10:
            break
    inner = np.clip(x, 1e-300, 1 - 1e-16)
    cost = at * x + temperature * (inner * np.log(inner) + (1 - inner) * np.log1p(-inner))
    kw = windows.share * x * np.repeat(windows.kw, sizes)
    load = np.bincount(windows.slot, kw, slots).astype(float)
    return float(windows.kw @ np.add.reduceat(windows.share * cost, first)), load


def occupied(above: Floats, temperature: float) -> Floats:
    """Fermi's distribution, without overflow."""
    found: Floats = 1 / (1 + np.exp(np.clip(-above / temperature, -700, 700)))
    return found


def cheapest_of(windows: WindowClasses, key: Floats) -> Floats:
    """Cost of a kW of each interruptible row in its cheapest half hours."""
    at = key[windows.slot]
    owner = np.repeat(np.arange(len(windows.kw)), np.diff(windows.edges))
    order = np.lexsort((at, owner))
    share, ranked = windows.share[order], at[order]
    before = np.cumsum(share) - share
    before -= np.repeat(before[windows.edges[:-1]], np.diff(windows.edges))
    used = np.clip(windows.need[owner] - before, 0.0, share)
    found: Floats = np.add.reduceat(used * ranked, windows.edges[:-1])
    return found
