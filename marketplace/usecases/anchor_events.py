"""Number what happened and, when it is time, make the next tree head for the chain.

It makes the head a row. Sending it, and following it until it is final, is ledger.sender's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from marketplace import notify
from marketplace.ledger import merkle
from marketplace.ledger.log import STATEMENT, leaf_hashes, log_size
from marketplace.ledger.published import check_published, publish
from marketplace.ledger.sequencer import sequence
from marketplace.ledger.tiles import Tree
from marketplace.models import Anchor, LedgerEntry
from marketplace.usecases.lease import holding


def anchor_events(*, now: datetime) -> Anchor | None:
    """Number every committed event, then answer the head that was made, or None when none is due.

    One unfinished head at a time: the next proof starts where the chain will stand. While another process holds the
    duty nothing is done. Raises ledger.log.BrokenLogError when the log is not what it must be, and OSError or TilesError
    when it cannot be written outside the database: nothing is anchored that could be lost with it.
    """
    with holding("sequencer", seconds=120) as held:
        if not held:
            return None
        check_published()
        sequence(now=now)
        tree = publish()
        with transaction.atomic():
            return next_head(tree, now=now)


def next_head(tree: Tree | None, *, now: datetime) -> Anchor | None:
    """The next head, if it is due: over everything published or, where no files are kept, over everything numbered."""
    last = Anchor.objects.filter(kind=Anchor.Kind.HEAD).order_by("-seq").first()
    size = tree.size if tree else log_size()
    if last is not None and last.state != Anchor.State.FINAL:
        return None
    covered = last.size or 0 if last else 0
    if size <= covered or (last is not None and not due(last, now=now)):
        return None
    root, proof = proven(tree, covered, size)
    head = Anchor.objects.create(
        kind=Anchor.Kind.HEAD,
        seq=(last.seq or 0) + 1 if last else 1,
        size=size,
        root=root.hex(),
        proof=[one.hex() for one in proof],
        created_at=now,
        updated_at=now,
    )
    notify.changed("ledger")
    return head


def proven(tree: Tree | None, covered: int, size: int) -> tuple[bytes, list[bytes]]:
    """The root over the first `size` entries, and the proof that it extends that over `covered`."""
    if tree is not None:
        return tree.root(), tree.consistency_proof(covered)
    leaves = leaf_hashes(size)
    return merkle.root(leaves), merkle.consistency_proof(leaves, covered)


def due(last: Anchor, *, now: datetime) -> bool:
    """Whether a statement waits to be covered, or the last head is old enough."""
    if LedgerEntry.objects.filter(seq__gte=last.size or 0, event__type=STATEMENT).exists():
        return True
    return now - last.created_at >= timedelta(seconds=settings.ANCHOR_EVERY_S)
