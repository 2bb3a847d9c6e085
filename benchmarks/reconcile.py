"""Is every fault between what was traded, notified, accepted and settled found with its cause, and nothing else on clean days?

    .venv/bin/python -m benchmarks.reconcile --markets 2000

Plays markets of six units (flex_engine/simulate/fault_campaign.py), about half of them with one fault, and prints by kind how
many were put in, how many were found with the right cause in every half hour they touch, and how many units had any finding
besides. About 5 ms a market.
"""

from __future__ import annotations

import argparse
import time

from flex_engine.simulate.day_faults import FAULTS
from flex_engine.simulate.fault_campaign import Tally, count, play


def main() -> None:
    """Plays the markets and prints the tally."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=2000, help="markets of six units")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=1, help="faults in a unit's day; several hide one another")
    options = parser.parse_args()
    tally, begun = Tally(), time.monotonic()
    for seed in range(options.seed, options.seed + options.markets):
        count(play(seed, each=options.each), tally)
    for name in sorted(tally.played):
        print(f"{name or 'clean':45} put in {tally.played[name]:6}  found {tally.found[name]:6}  something besides {tally.false[name]:4}")  # fmt: skip
    faults = sum(tally.played.values()) - tally.played[""]
    found = sum(tally.found.values()) - tally.found[""]
    print(f"{found} of {faults} units with {options.each} of {len(FAULTS)} kinds of fault found with every cause; {sum(tally.false.values())} "
          f"units with any other finding, {tally.false['']} of {tally.played['']} clean ones; {time.monotonic() - begun:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
