"""Many orders settled at once: the figures of deliver and pay, to the last penny, by arrays of whole numbers.

Energy is whole Wh, a rate whole ten-thousandths of GBP per kWh, a share of the price whole millionths. Before a product is
formed its largest possible value is reckoned in Python's own integers; where int64 would not hold it, the same sums are
made in those instead, slower and as exact. The one room of settlement with arrays: nothing in it is ever a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flex_engine.quantities import divide
from flex_engine.settle.performance import PerformanceTable

Whole = NDArray[Any]  # int64, or Python's integers in an object array
RATE = 10**4
SHARE = 10**6
MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders by rows, settlement periods by columns, whole numbers; a period an order lacks is all zeros.

    `price` and `penalty` are ten-thousandths of GBP per kWh, one for each order (`rates` makes them). `reduce` says which
    orders turn down; the others turn up. `others_wh` is what other dispatches instructed at the same site and time.
    Raises ValueError for arrays of floats, of different shapes, or below zero where nothing can be.
    """

    instructed_wh: Whole
    baseline_wh: Whole
    metered_wh: Whole
    price: Whole
    penalty: Whole
    reduce: NDArray[np.bool_]
    others_wh: Whole | None = None

    def __post_init__(self) -> None:
        energy = {"instructed_wh": self.instructed_wh, "baseline_wh": self.baseline_wh, "metered_wh": self.metered_wh}
        if self.others_wh is not None:
            energy["others_wh"] = self.others_wh
        for name, values in {**energy, "price": self.price, "penalty": self.penalty}.items():
            if values.dtype != np.int64:
                raise ValueError(f"{name} is an array of {values.dtype}; settlement reckons with int64")
            if most(values) > MOST // 4:  # so that two of them may be added or subtracted
                raise ValueError(f"{name} holds {most(values)}; {MOST // 4} is the most")
        shapes = {values.shape for values in energy.values()}
        if len(shapes) != 1 or {self.price.shape, self.penalty.shape, self.reduce.shape} != {(len(self.price),)}:
            raise ValueError("the arrays must have one row for each order and one column for each period")
        if self.instructed_wh.shape[0] != len(self.price):
            raise ValueError(f"{self.instructed_wh.shape[0]} orders have {len(self.price)} prices")
        asked = [self.instructed_wh] if self.others_wh is None else [self.instructed_wh, self.others_wh]
        if any(values.size and values.min() < 0 for values in asked):
            raise ValueError("an instructed energy is below zero")


@dataclass(frozen=True, slots=True)
class Settled:
    """Energy by order and period in Wh, money by order in whole pence; amount = payment - penalty."""

    delivered_wh: Whole
    eligible_wh: Whole
    shortfall_wh: Whole
    payment_pence: Whole
    penalty_pence: Whole
    amount_pence: Whole


def rates(values: list[Decimal]) -> Whole:
    """Rates in GBP per kWh as Orders takes them. Raises ValueError for one with more than four decimal places."""
    scaled = [value * RATE for value in values]
    for value, whole in zip(values, scaled, strict=True):
        if whole != whole.to_integral_value():
            raise ValueError(f"the rate {value} has more than four decimal places")
    return np.array([int(whole) for whole in scaled], dtype=np.int64)


def settle_many(orders: Orders, *, table: PerformanceTable | None = None, cap_percent: int = 100) -> Settled:
    """What deliver and pay come to for every order, under one performance table and cap."""
    instructed = orders.instructed_wh
    turned = np.where(orders.reduce[:, None], 1, -1) * (orders.baseline_wh - orders.metered_wh)
    delivered = np.maximum(turned, 0)
    if orders.others_wh is not None:
        delivered = shared(delivered, instructed, orders.others_wh)
    paid_up_to = fitting(instructed, most(instructed) * cap_percent) * cap_percent // 100
    eligible = np.minimum(delivered, paid_up_to.astype(np.int64))
    shortfall = np.maximum(instructed - delivered, 0)
    scale = None if table is None else scales(table, delivered, instructed)
    payment = pennies(eligible, orders.price, scale)
    penalty = pennies(shortfall, orders.penalty, None)
    return Settled(delivered, eligible, shortfall, payment, penalty, payment - penalty)


def shared(delivered: Whole, instructed: Whole, others: Whole) -> Whole:
    """The share of each dispatch in what the meter shows, rounded down; all of it where no other ran beside it."""
    wide = fitting(delivered, most(delivered) * most(instructed))
    together = np.maximum(instructed + others, 1)
    return np.where(others > 0, (wide * instructed // together).astype(np.int64), delivered)


def pennies(energy_wh: Whole, rate: Whole, scale: Whole | None) -> Whole:
    """Energy times rate times share, summed over an order's periods and rounded to pence once, half to even."""
    bound = most(energy_wh) * most(rate) * energy_wh.shape[1] * (1 if scale is None else SHARE)
    parts = fitting(energy_wh, bound) * rate[:, None]
    if scale is not None:
        parts = parts * scale
    unit = 1000 * RATE // 100  # Wh x ten-thousandths of GBP per kWh in a penny
    return halved_even(parts.sum(axis=1), unit if scale is None else unit * SHARE).astype(np.int64)


def scales(table: PerformanceTable, delivered: Whole, instructed: Whole) -> Whole:
    """The table's share for each period in millionths, half to even, as PerformanceTable.scale gives it."""
    xs, x_unit = whole_numbers([x for x, _ in table.points])
    ys, y_unit = whole_numbers([y for _, y in table.points])
    # num below is at most y_unit x (dx i + d x_unit + x i), and millionths of it are divided
    reach = y_unit * (2 * max(xs[-1], 1) * most(instructed) + most(delivered) * x_unit)
    d, i = fitting(delivered, reach * SHARE), fitting(instructed, reach * SHARE)
    found = np.full(d.shape, divide(ys[-1] * SHARE, y_unit), dtype=np.int64)
    undecided = np.asarray(i > 0, dtype=bool)
    found[~undecided] = 0
    here = undecided & np.asarray(d * x_unit <= xs[0] * i, dtype=bool)
    found[here] = divide(ys[0] * SHARE, y_unit)
    undecided &= ~here
    for (x0, x1), (y0, y1) in zip(pairwise(xs), pairwise(ys), strict=True):
        here = undecided & np.asarray(d * x_unit <= x1 * i, dtype=bool)
        num = y0 * (x1 - x0) * i[here] + (y1 - y0) * (d[here] * x_unit - x0 * i[here])
        found[here] = halved_even(num * SHARE, (x1 - x0) * y_unit * i[here]).astype(np.int64)
        undecided &= ~here
    return found


def whole_numbers(values: list[Decimal]) -> tuple[list[int], int]:
    """(whole numbers, unit): the values in `unit`-ths, exact."""
    unit = lcm(*(value.as_integer_ratio()[1] for value in values))
    return [int(value * unit) for value in values], unit


def fitting(values: Whole, bound: int) -> Whole:
    """`values` as they are where products up to `bound` fit int64; as Python's integers where they would not."""
    return values if bound <= MOST else values.astype(object)


def most(values: Whole) -> int:
    """The largest magnitude among `values`; 0 for none."""
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


def halved_even(values: Whole, unit: int | Whole) -> Whole:
    """values / unit to the nearest whole number, half to even; `unit` is positive."""
    whole, rest = values // unit, values % unit
    return whole + ((2 * rest > unit) | ((2 * rest == unit) & (whole % 2 == 1)))
