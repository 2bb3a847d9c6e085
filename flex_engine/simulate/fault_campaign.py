"""Put faults into made-up trading days, reconcile, and compare what was found with what was put in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from flex_engine.settle.reconcile import differences, reconcile
from flex_engine.settle.reconcile_views import Cause, Difference
from flex_engine.simulate.day_faults import FAULTS, Fault
from flex_engine.simulate.traded_days import clean, views_of

Finding = tuple[str, datetime, Cause]


@dataclass
class Tally:
    """Cases by the name of the fault: played, all of it found, and found with anything besides. "" is a clean day."""

    played: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Case:
    """One market of several units: what was put in, by unit, and what came out."""

    put_in: dict[str, tuple[str, frozenset[Finding]]]
    came_out: tuple[Difference, ...]

    def found_of(self, unit: str) -> frozenset[Finding]:
        """The findings of one unit."""
        return frozenset((one.unit, one.start, one.cause) for one in self.came_out if one.unit == unit)


def play(seed: int, *, units: int = 6, each: int = 1, faults: tuple[Fault, ...] = FAULTS) -> Case:
    """Some units, half of them with `each` different faults, in the order of the seed."""
    random = Random(seed)  # noqa: S311 - a reproducible test bed
    stories, put_in = [], {}
    for number in range(units):
        story = clean(f"V__SIM{number:03d}", random)
        wanted: tuple[str, frozenset[Finding]] = ("", frozenset())
        if random.random() < 0.5:
            chosen = random.sample(faults, each)
            where = [(start, fault.cause) for fault in chosen for start in fault.spoil(story, random)]
            name = chosen[0].name if each == 1 else f"{each} faults in one unit's day"
            wanted = (name, frozenset((story.unit, start, cause) for start, cause in where))
        stories.append(story)
        put_in[story.unit] = wanted
    views, as_of = views_of(stories, seed=seed)
    return Case(put_in, differences(reconcile(views, as_of=as_of)))


def count(case: Case, tally: Tally) -> None:
    """Add a case to the tally."""
    for unit, (name, wanted) in case.put_in.items():
        found = case.found_of(unit)
        tally.played[name] += 1
        tally.found[name] += wanted <= found
        tally.false[name] += bool(found - wanted)
