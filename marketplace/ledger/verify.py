"""Recompute the whole log from what the database holds, and compare it with the contract.

Everything goes the second way (recompute.py, reader.py), never through the code that wrote it. Each check names the first
thing that does not agree. What could not be asked is said, and has neither held nor failed. Statements and their records
are checked next door, in verify_settlements.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.db import connection

from marketplace.ledger import append_only, merkle
from marketplace.ledger.checks import Check, judged_all
from marketplace.ledger.log import read_log
from marketplace.ledger.reader import AnchoredHead, NewestHead
from marketplace.ledger.recompute import Stored, chained
from marketplace.ledger.verify_manifests import manifests_check
from marketplace.ledger.verify_money import money_check, rounding_check
from marketplace.ledger.verify_settlements import final_records, record_checks, statements_check
from marketplace.models import Anchor

HEADS = Anchor.objects.filter(kind=Anchor.Kind.HEAD).order_by("seq")


class LogReader(Protocol):
    """What the whole log is compared with. Each method raises OSError when the chain cannot be asked."""

    def check_place(self) -> None:
        """Refuse another chain, or an address without a contract."""

    def head(self) -> NewestHead:
        """The newest head."""

    def origin_hash(self) -> str:
        """Which log the contract is for."""

    def heads(self) -> list[AnchoredHead]:
        """Every head ever accepted, in order."""

    def records(self) -> dict[str, str]:
        """The commitment of every record key."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """All that the contract says about the log, asked once."""

    heads: tuple[AnchoredHead, ...]
    newest: NewestHead
    origin: str
    records: dict[str, str]


def verify_log(connect: Callable[[], LogReader | None]) -> tuple[Check, ...]:
    """Every check of the whole log. `connect` gives the contract, None where there is no chain, or raises OSError."""
    # What is said to be final is read before the chain is asked, and everything else after: the log may grow meanwhile.
    final_heads, final = set(HEADS.filter(state=Anchor.State.FINAL).values_list("seq", flat=True)), final_records()
    state, unasked = ask(connect)
    heads, roots = list(HEADS.all()), {0: merkle.EMPTY_ROOT}
    entries = entries_check(watched(read_log(), {head.size or 0 for head in heads}, roots))
    count, contract = len(heads), "The contract accepted these heads and no other"
    return (
        entries,
        judged_all("heads", "Every tree head is the root of the log at its size", count, root_faults(heads, roots)),
        judged_all("growth", "Every tree head extends the one before", count, growth_faults(heads)),
        judged_all("chain_heads", contract, len(final_heads), chain_faults(heads, final_heads, state), unasked),
        *record_checks(final, state.records if state else {}, unasked),
        statements_check(),
        money_check(),
        rounding_check(),
        manifests_check(),
        triggers_check(),
    )


def ask(connect: Callable[[], LogReader | None]) -> tuple[ChainState | None, str]:
    """What the contract says, or why it says nothing."""
    try:
        chain = connect()
        if chain is None:
            return None, "this installation has no chain (NO_CHAIN)"
        chain.check_place()
        return ChainState(tuple(chain.heads()), chain.head(), chain.origin_hash(), chain.records()), ""
    except OSError as problem:
        return None, f"could not be asked: {problem}"


def watched(entries: Iterable[Stored], sizes: set[int], roots: dict[int, bytes]) -> Iterator[Stored]:
    """Pass entries on, and note in `roots` the root over their leaves at each of `sizes`."""
    tree = merkle.GrowingTree()
    for entry in entries:
        tree.append(merkle.leaf_hash(entry.leaf))
        if tree.size in sizes:
            roots[tree.size] = tree.root()
        yield entry


def entries_check(entries: Iterable[Stored]) -> Check:
    """Every entry from its payload and salt up, and the chain of hashes through them."""
    count, wrong = 0, []

    def counted() -> Iterator[Stored]:
        nonlocal count
        for entry in entries:
            count += 1
            yield entry

    try:
        for entry, fault in chained(counted()):
            wrong.append(f"entry {entry.seq} ({entry.type}): {fault.why}")
    except (ValueError, TypeError, AttributeError, OverflowError) as problem:
        wrong.append(f"the log cannot be read on after its first {count} entries: {problem}")
    title = "Every entry follows from its event and links to the one before"
    return judged_all("entries", title, count, wrong)


def root_faults(heads: Sequence[Anchor], roots: dict[int, bytes]) -> Iterator[str]:
    """Heads whose root is not that of the log."""
    for head in heads:
        root = roots.get(head.size or 0)
        if root is None:
            yield f"head {head.seq} is over {head.size} entries, more than the log holds"
        elif root.hex() != head.root:
            yield f"head {head.seq} over {head.size} entries is not the root of the log at that size"


def growth_faults(heads: Sequence[Anchor]) -> Iterator[str]:
    """Heads out of order, or whose stored proof does not show that they extend the one before."""
    number, size, root = 0, 0, merkle.EMPTY_ROOT
    for head in heads:
        if head.seq != number + 1:
            yield f"head {number + 1} is missing"
        elif not extends(head, size, root):
            yield f"head {head.seq} does not extend head {number}"
        number, size, root = head.seq or 0, head.size or 0, unhexed(head.root)


def extends(head: Anchor, size: int, root: bytes) -> bool:
    """Whether the stored proof of `head` shows that it extends the tree of `size` leaves with `root`."""
    proof = [unhexed(one) for one in head.proof]
    return merkle.verify_consistency(
        old_size=size, new_size=head.size or 0, old_root=root, new_root=unhexed(head.root), proof=proof
    )


def unhexed(text: str) -> bytes:
    """Hex as bytes; what is no hex is no hash, so it gives an empty one, which no proof accepts."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def chain_faults(heads: Sequence[Anchor], final: set[int | None], state: ChainState | None) -> Iterator[str]:
    """Where the contract and our heads differ, and whether its events are all there."""
    if state is None:
        return
    if state.origin != hashlib.sha256(settings.LEDGER_LOG_ID.encode()).hexdigest():
        yield f"the contract was deployed for another log than {settings.LEDGER_LOG_ID}"
    ours = {head.seq: (head.size, head.root) for head in heads}
    for event in state.heads:
        if ours.get(event.number) != (event.size, event.root):
            yield f"the contract accepted a head {event.number} over {event.size} entries that is not ours"
    accepted: set[int | None] = {event.number for event in state.heads}
    for number in sorted(one or 0 for one in final - accepted):
        yield f"the contract never accepted head {number}"
    if folded(state) != state.newest.acc:
        yield "the contract's running hash over all heads is not that of its events: an event is missing or made up"


def folded(state: ChainState) -> str:
    """The running hash as it follows from the events: SHA-256(acc || number || size || root) from the origin's hash on."""
    acc = bytes.fromhex(state.origin)
    for event in state.heads:
        numbers = event.number.to_bytes(8, "big") + event.size.to_bytes(8, "big")
        acc = hashlib.sha256(acc + numbers + bytes.fromhex(event.root)).digest()
    return acc.hex()


def triggers_check() -> Check:
    """Whether the database still refuses changes of the log."""
    absent = [f"trigger {name} is missing" for name in append_only.missing(connection)]
    return judged_all("triggers", "The database refuses changes of the log", len(append_only.TABLES), absent)
