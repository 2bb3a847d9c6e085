"""The log outside the database: bring what was numbered into its files, and see whether the two still are one log.

Under settings.LEDGER_DIR lie `public`, the C2SP files that anybody may read, and `sealed`, the events with payload and salt,
which nobody is served: a database that was lost, or restored from an older copy, gets its entries back from there. Nothing
is anchored before it stands in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from marketplace.ledger import checkpoint, merkle, tiles, witness
from marketplace.ledger.checkpoint import Checkpoint, Head, PrivateKey
from marketplace.ledger.log import BrokenLogError, as_bytes, log_size, numbers_of
from marketplace.ledger.tiles import WIDTH, Files, TilesError, Tree
from marketplace.models import LedgerEntry

BATCH = 5000
CHECKPOINT = "checkpoint"


class RestoredDatabaseError(BrokenLogError):
    """The database holds less than was published from it: it was restored from an older copy."""


def folder(name: str) -> Files | None:
    """The files under LEDGER_DIR/`name`; None where no files are kept."""
    return None if settings.LEDGER_DIR is None else Files(Path(settings.LEDGER_DIR) / name)


def own_key() -> PrivateKey:
    """This installation's checkpoint key, made on first use. Raises KeyFileError."""
    return checkpoint.own_key(settings.CHECKPOINT_KEY_FILE, name=settings.LEDGER_LOG_ID)


def published(public: Files) -> Checkpoint | None:
    """The standing checkpoint; None before the first. Raises TilesError for one that is not ours."""
    if not (public.folder / CHECKPOINT).exists():
        return None
    note = public.read(CHECKPOINT).decode("utf-8", "replace")
    try:
        found = checkpoint.parse(note)
    except checkpoint.NoteError as problem:
        raise TilesError(f"{public.folder / CHECKPOINT} cannot be read: {problem}") from problem
    if found.head.origin != settings.LEDGER_LOG_ID or not checkpoint.signed_by(found, [own_key().public]):
        raise TilesError(
            f"{public.folder / CHECKPOINT} is not signed by this installation for {settings.LEDGER_LOG_ID}"
        )
    return found


def published_tree() -> tuple[Checkpoint, Tree] | None:
    """The standing checkpoint with its tree; None before the first, and where no files are kept."""
    public = folder("public")
    standing = published(public) if public else None
    return (standing, Tree(public.read, standing.head.size)) if public and standing else None


def check_published() -> None:
    """Refuse a database that is not the one the files were written from: it lacks entries, or has others.

    Each leaf holds the hash of the one before, so that the last published leaf vouches for all. Raises
    RestoredDatabaseError, or BrokenLogError when the two have parted.
    """
    public = folder("public")
    standing = published(public) if public else None
    if public is None or standing is None or standing.head.size == 0:
        return
    size, held = standing.head.size, log_size()
    if held < size:
        raise RestoredDatabaseError(
            f"the database holds {held} entries of the log and {size} were published: it was restored from an older copy. "
            f"manage.py audit_restore puts the others back from {public.folder.parent}"
        )
    leaf = tiles.leaf_at(public, size - 1, size)
    row = LedgerEntry.objects.filter(seq=size - 1).values_list("leaf", flat=True).first()
    if row is None or as_bytes(row) != leaf:
        raise BrokenLogError(f"entry {size - 1} of the database is not the one that was published: the two have parted")


def publish() -> Tree | None:
    """Bring every numbered entry into the files, and a signed checkpoint over them; None where no files are kept.

    Raises TilesError or OSError when they cannot be written, BrokenLogError when the database has a gap.
    """
    public, sealed = folder("public"), folder("sealed")
    if public is None or sealed is None:
        return None
    standing = published(public)
    size = standing.head.size if standing else 0
    while batch := numbered(size):
        leaves = [as_bytes(entry.leaf) for entry in batch]
        seal(sealed, batch)
        full = tiles.extend(public, leaves, size=size)
        tree = Tree(public.read, size + len(leaves))
        put_checkpoint(public, tree, old=size)
        for path in full:
            public.discard_partials(path)
        size = tree.size
        if len(batch) < BATCH:
            break
    return Tree(public.read, size)


def numbered(first: int) -> list[LedgerEntry]:
    """Up to BATCH entries from number `first` on, with their events."""
    found = list(LedgerEntry.objects.filter(seq__gte=first).order_by("seq").select_related("event")[:BATCH])
    for seq, entry in enumerate(found, start=first):
        if entry.seq != seq or merkle.leaf_hash(as_bytes(entry.leaf)).hex() != entry.leaf_hash:
            raise BrokenLogError(f"entry {seq} is missing, or its leaf is not what was numbered")
    return found


def put_checkpoint(public: Files, tree: Tree, *, old: int) -> None:
    """Sign the tree's head, ask the witnesses for their cosignatures, and let the checkpoint stand."""
    key = own_key()
    head = Head(key.name, tree.size, tree.root())
    signed = Checkpoint(head, head.text(), (key.sign(head.text()),))
    public.write(CHECKPOINT, witness.cosigned(signed, tree, old=old).note().encode())


def seal(sealed: Files, batch: Sequence[LedgerEntry]) -> None:
    """Write the events of `batch` where only the installation reads them, one JSON line each, 256 to a file."""
    by_file: dict[int, list[LedgerEntry]] = {}
    for entry in batch:
        by_file.setdefault(entry.seq // WIDTH, []).append(entry)
    for number, entries in by_file.items():
        kept = [line for line in sealed_lines(sealed, number) if line["seq"] < entries[0].seq]
        numbers = numbers_of([entry.seq for entry in entries])
        new = (sealed_line(entry, numbers[entry.seq]) for entry in entries)
        lines = [orjson.dumps(one) for one in [*kept, *new]]
        sealed.write(sealed_path(number), b"\n".join(lines) + b"\n", mode=0o600)


def sealed_path(number: int) -> str:
    """Where the entries from 256 times `number` on lie."""
    return tiles.tile_path("sealed", number)


def sealed_line(entry: LedgerEntry, numbers: Mapping[int, int]) -> dict[str, Any]:
    """An entry with everything its rows hold. `parties` pairs an organisation's number with the entry's number in it."""
    event = entry.event
    return {
        "seq": entry.seq,
        "event": str(event.pk),
        "type": event.type,
        "at": event.at.astimezone(UTC).isoformat(),
        "numbered_at": entry.created_at.astimezone(UTC).isoformat(),
        "subject": event.subject,
        "parties": sorted([party, number] for party, number in numbers.items()),
        "payload": as_bytes(event.payload).decode(),
        "salt": as_bytes(event.salt).hex(),
    }


def sealed_lines(sealed: Files, number: int) -> Iterator[dict[str, Any]]:
    """The entries of one sealed file; none when it is not there yet."""
    if (sealed.folder / sealed_path(number)).exists():
        for line in sealed.read(sealed_path(number)).splitlines():
            yield orjson.loads(line)
