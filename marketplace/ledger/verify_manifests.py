"""Count the log again and hold every daily manifest to it: no gap between two, every number and every sum.

It counts in its own way, not with the code that wrote them. It writes nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from marketplace.ledger.checks import Check, judged_all
from marketplace.ledger.log import read_log
from marketplace.ledger.recompute import Stored

MANIFEST = "daily.manifest"
WHOLE = re.compile(r"-?[0-9]{1,39}")
LOG = 0  # the party that stands for the whole log; organisations are numbered from 1 on


def manifests_check() -> Check:
    """Whether every manifest says what the entries before it come to, each from where the one before it ended."""
    title = "Every daily manifest counts what the log holds"
    manifests = Counter[str]()

    def counted() -> Iterator[Stored]:
        for entry in read_log():
            manifests[entry.type] += 1
            yield entry

    try:
        wrong = list(manifest_faults(counted()))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        wrong = [f"a manifest cannot be read ({problem})"]
    return judged_all("manifests", title, manifests[MANIFEST], wrong)


def manifest_faults(entries: Iterable[Stored]) -> Iterator[str]:
    """Every manifest that does not follow. Tallies are kept per entry number, as a manifest ends before itself."""
    waiting: dict[int, list[tuple[int, Counter[tuple[str, str]]]]] = defaultdict(list)
    for entry in entries:
        if entry.type == MANIFEST:
            said = json.loads(entry.payload)
            party = LOG if said["scope"] == "log" else int(said["organisation"])
            counted = [one for one in waiting[party] if one[0] <= said["last"]]
            del waiting[party][: len(counted)]
            if due(counted) != {name: said[name] for name in ("first", "last", "entries", "types")}:
                yield f"the manifest at entry {entry.seq} does not say what its entries come to"
        tally = tallied(entry)
        for party, seq in [(LOG, entry.seq), *zip(entry.parties, entry.org_seqs, strict=False)]:
            waiting[party].append((seq, tally))


def due(counted: list[tuple[int, Counter[tuple[str, str]]]]) -> dict[str, Any]:
    """What a manifest over these numbered tallies says."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for _, tally in counted:
        for (kind, name), value in tally.items():
            sums[kind][name] += value
    first, last = (counted[0][0], counted[-1][0]) if counted else (0, -1)
    types = {kind: {name: str(value) for name, value in own.items()} for kind, own in sums.items()}
    return {"first": first, "last": last, "entries": len(counted), "types": types}


def tallied(entry: Stored) -> Counter[tuple[str, str]]:
    """One entry, and every whole number of pence and Wh at the top of its payload."""
    found = Counter({(entry.type, "entries"): 1})
    try:
        told = json.loads(entry.payload)
    except (ValueError, RecursionError):
        return found
    for name, value in told.items() if isinstance(told, dict) else ():
        number = isinstance(value, int | str) and not isinstance(value, bool) and WHOLE.fullmatch(str(value))
        if name.endswith(("_pence", "_wh")) and number:
            found[entry.type, name] += int(value)
    return found
