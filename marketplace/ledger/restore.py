"""Put entries back that a database lost, from the files they were published to, and heads from the contract.

Each entry is derived anew from its sealed line and must give, byte for byte, the leaf that was published; nothing is taken
on trust, and nothing is half done. It restores the log. Orders, statements and the rest come from the database's own backup.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from marketplace.ledger import merkle
from marketplace.ledger.leaf import FIRST_PREV, payload_commitment
from marketplace.ledger.log import BrokenLogError, as_bytes, log_size, read_log
from marketplace.ledger.published import folder, published, sealed_lines
from marketplace.ledger.reader import AnchoredHead
from marketplace.ledger.recompute import FIRST_VERSION, chained
from marketplace.ledger.sequencer import entry_of
from marketplace.ledger.tiles import WIDTH, Files, Tree, bundled, leaf_at, tile_path
from marketplace.models import Anchor, Event, LedgerEntry, Organisation, OrganisationNumber


@dataclass(frozen=True, slots=True)
class Restored:
    """How much was put back: entries, and tree heads that stand in the contract."""

    entries: int
    heads: int


class HeadsReader(Protocol):
    """A contract that tells the heads it accepted."""

    chain_id: int
    contract: str

    def heads(self) -> list[AnchoredHead]:
        """Every head ever accepted, in order."""


def restore(contract: HeadsReader | None, *, now: datetime) -> Restored:
    """Put back every published entry the database lacks, then every head of `contract` it lacks (None: no chain).

    All of it or nothing. Raises BrokenLogError, naming the entry or head, when files, database and contract are not of one
    log, and TilesError when a file is missing.
    """
    public, sealed = folder("public"), folder("sealed")
    standing = published(public) if public else None
    if public is None or sealed is None or standing is None:
        raise BrokenLogError("no published log is kept at CACO_LOG_DIR: there is nothing to restore from")
    size = standing.head.size
    tree = Tree(public.read, size)
    if tree.root() != standing.head.root:
        raise BrokenLogError("the published tiles do not give the root of their checkpoint")
    heads = contract.heads() if contract else []
    with transaction.atomic():
        first = log_size()
        check_common(public, first, size)
        for number in range(first // WIDTH, -(-size // WIDTH)):
            put_back(sealed_entries(sealed, number, first, size), published_leaves(public, number, first, size))
        for entry, fault in chained(read_log()):
            raise BrokenLogError(f"entry {entry.seq} ({entry.type}) is not as it was published: {fault.why}")
        place = (contract.chain_id, contract.contract) if contract else (0, "")
        return Restored(max(size - first, 0), restore_heads(heads, tree, place, now))


def check_common(public: Files, first: int, size: int) -> None:
    """The entries that both hold must be the same ones."""
    last = min(first, size) - 1
    if last < 0:
        return
    held = as_bytes(LedgerEntry.objects.get(seq=last).leaf)
    if leaf_at(public, last, size) != held:
        raise BrokenLogError(f"entry {last} of the database is not the one that was published: the two have parted")


def published_leaves(public: Files, number: int, first: int, size: int) -> list[bytes]:
    """The leaves of bundle `number` that the database lacks."""
    leaves = bundled(public.read(tile_path("entries", number, min(WIDTH, size - number * WIDTH))))
    return leaves[max(first - number * WIDTH, 0) :]


def sealed_entries(sealed: Files, number: int, first: int, size: int) -> list[dict[str, Any]]:
    """What was sealed of the same entries."""
    lines = {line["seq"]: line for line in sealed_lines(sealed, number)}
    due = range(max(first, number * WIDTH), min(size, (number + 1) * WIDTH))
    for seq in due:
        if seq not in lines:
            raise BrokenLogError(f"entry {seq} was published, and what it was made from is not in {sealed.folder}")
    return [lines[seq] for seq in due]


def put_back(lines: Sequence[dict[str, Any]], leaves: Sequence[bytes]) -> None:
    """The rows of some consecutive entries, if they give the published leaves."""
    events = events_of(lines)
    entries: list[LedgerEntry] = []
    numbers: list[OrganisationNumber] = []
    prev = LedgerEntry.objects.order_by("-seq").values_list("leaf_hash", flat=True).first() or FIRST_PREV
    for line, leaf in zip(lines, leaves, strict=True):
        seq, numbered_at = line["seq"], datetime.fromisoformat(line["numbered_at"])
        own = [OrganisationNumber(entry_id=seq, organisation_id=one, org_seq=n) for one, n in line["parties"]]
        entry = entry_of(events[uuid.UUID(line["event"])], seq=seq, prev=prev, numbers=own, now=numbered_at)
        if entry.leaf != leaf and not leaf.endswith(FIRST_VERSION):
            raise BrokenLogError(f"what was sealed of entry {seq} does not give the leaf that was published")
        entry.leaf, entry.leaf_hash = leaf, merkle.leaf_hash(leaf).hex()
        entries.append(entry)
        numbers += own
        prev = entry.leaf_hash
    LedgerEntry.objects.bulk_create(entries)
    OrganisationNumber.objects.bulk_create(numbers)


def events_of(lines: Sequence[dict[str, Any]]) -> dict[uuid.UUID, Event]:
    """The events of some sealed lines by their ids. One that the database kept is left as it is."""
    by_id = {uuid.UUID(line["event"]): line for line in lines}
    kept = Event.objects.in_bulk(list(by_id))
    lost = {pk: line for pk, line in by_id.items() if pk not in kept}
    parties = {party for line in lost.values() for party, _ in line["parties"]}
    missing = sorted(parties - set(Organisation.objects.filter(pk__in=parties).values_list("pk", flat=True)))
    if missing:
        numbers = ", ".join(str(one) for one in missing)
        raise BrokenLogError(f"these entries concern organisation {numbers}, which the database does not hold")
    made = Event.objects.bulk_create([event_of(pk, line) for pk, line in lost.items()])
    link = Event.organisations.through
    link.objects.bulk_create(
        [link(event_id=pk, organisation_id=party) for pk, line in lost.items() for party, _ in line["parties"]]
    )
    return kept | {event.pk: event for event in made}


def event_of(pk: uuid.UUID, line: dict[str, Any]) -> Event:
    """The event of a sealed line."""
    payload, salt = line["payload"].encode(), bytes.fromhex(line["salt"])
    return Event(
        id=pk,
        type=line["type"],
        at=datetime.fromisoformat(line["at"]),
        subject=line["subject"],
        payload=payload,
        salt=salt,
        payload_commit=payload_commitment(type=line["type"], salt=salt, payload=payload),
    )


def restore_heads(heads: Sequence[AnchoredHead], tree: Tree, place: tuple[int, str], now: datetime) -> int:
    """The heads that the contract accepted and the database lacks, each with its proof worked out again."""
    made, kept = 0, {one.seq: one for one in Anchor.objects.filter(kind=Anchor.Kind.HEAD)}
    for head in heads:
        if head.size > tree.size or tree.root(head.size).hex() != head.root:
            raise BrokenLogError(
                f"the contract holds a head {head.number} over {head.size} entries that is not of this log"
            )
        if head.number in kept:
            continue
        Anchor.objects.create(
            kind=Anchor.Kind.HEAD,
            seq=head.number,
            size=head.size,
            root=head.root,
            proof=[one.hex() for one in tree.consistency_proof(head.prev_size, head.size)],
            state=Anchor.State.FINAL,
            tx_hash=head.tx_hash,
            chain_id=place[0],
            contract=place[1],
            created_at=now,
            updated_at=now,
        )
        made += 1
    return made
