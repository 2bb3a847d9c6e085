"""A simulated meter: turns true half-hourly energy into what a real one reports, with its gaps, spikes, drift and steps.

A register in steps loses nothing: what one half hour leaves below a step comes with the next. A clock that is slow by d
seconds hands d / 1,800 of a half hour to the one before it. Integers only, so that a test can add them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flex_engine.quantities import Label
from flex_engine.simulate.counterparties import LABEL, happens
from flex_engine.timegrid import HALF_HOUR

SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Meter:
    """`step_wh` is the register's step; `drift_s` how far the clock is slow (less than a half hour); chances by seed and time."""

    seed: int = 0
    step_wh: int = 1000
    gaps_per_mille: int = 0
    spikes_per_mille: int = 0
    spike_times: int = 10
    drift_s: int = 0

    @property
    def label(self) -> Label:
        """Always Simulated."""
        return LABEL

    def read(self, true_wh: Sequence[int], *, start: datetime) -> dict[datetime, int]:
        """Reported Wh by start of the half hour; a gap has no entry. Raises ValueError for a drift of more than a half hour."""
        if not 0 <= self.drift_s < SECONDS:
            raise ValueError(f"drift_s is {self.drift_s}; write 0 to {SECONDS - 1}")
        reported = {}
        for slot, energy in enumerate(self.stepped(self.drifted(true_wh))):
            at = start + slot * HALF_HOUR
            if happens(self.seed, at, "gap", per_mille=self.gaps_per_mille):
                continue
            spiked = happens(self.seed, at, "spike", per_mille=self.spikes_per_mille)
            reported[at] = energy * self.spike_times if spiked else energy
        return reported

    def drifted(self, true_wh: Sequence[int]) -> list[int]:
        """Energy by the meter's own clock; the last half hour has no successor to take from."""
        early = [energy * self.drift_s // SECONDS for energy in true_wh]
        after = [*early[1:], 0]
        return [energy - gone + came for energy, gone, came in zip(true_wh, [0, *early[1:]], after, strict=True)]

    def stepped(self, energy_wh: Sequence[int]) -> list[int]:
        """Differences of a register that shows whole steps."""
        total, shown, found = 0, 0, []
        for energy in energy_wh:
            total += energy
            register = total // self.step_wh * self.step_wh
            found.append(register - shown)
            shown = register
        return found
