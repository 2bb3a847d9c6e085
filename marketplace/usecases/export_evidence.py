"""Export an evidence pack: what somebody may see of the log, with all that it takes to check it where we are not.

A pack is cut at a tree head, so that the same head and the same sight give the same bytes. Who may see what is decided by
the door (queries.visible) and handed in as rows; nothing outside them goes into a pack. That it was made is an event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from beckn.models import InboxMessage, OutboxMessage
from marketplace import events
from marketplace.ledger import evidence, evidence_chain
from marketplace.ledger.evidence_lines import (
    checkpoint_files,
    entry_lines,
    head_lines,
    message_lines,
    payload_lines,
    price_book,
    reading_lines,
    record_lines,
)
from marketplace.ledger.evidence_scope import Scope, Sight
from marketplace.ledger.log import STATEMENT, leaf_hashes, statement_of
from marketplace.models import Anchor, LedgerEntry, Order, SettlementRecord, SettlementStatement, Site
from marketplace.rules.errors import MarketError
from marketplace.usecases.gather_settlement_inputs import gather_settlement_inputs

NOMINATED = "baseline.nominated"


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished pack."""

    path: Path
    sha256: str
    head: int
    size: int
    shown: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows of a pack: its tree head, the entries shown, the statements among them and those shown with their readings."""

    head: Anchor
    entries: QuerySet[LedgerEntry]
    statements: Sequence[SettlementStatement]
    settled: Sequence[SettlementStatement]

    @property
    def size(self) -> int:
        """How many entries the head covers."""
        return self.head.size or 0


def export_evidence(
    *, sight: Sight, scope: Scope, out: Path, chain: evidence_chain.RawChain | None, code_hash: str = "", now: datetime
) -> Exported:
    """Write the pack to `out` and note in the log that it was made.

    Raises MarketError NOT_ANCHORED while there is no tree head, and ChainError where the chain cannot be asked.
    """
    cut = cut_at(newest_head(), sight, scope)
    about = {
        "log_id": settings.LEDGER_LOG_ID,
        "head": cut.head.seq,
        "size": cut.size,
        "scope": scope.told(),
        "leaves": leaves_of(scope),
        "opened": "all" if sight.everything and scope.told()["kind"] == "whole" else "some",
        "complete_for": complete_for(sight, scope),
    }
    written = out.with_name(f"{out.name}.new")
    try:
        with written.open("wb") as file:
            evidence.write_pack(file, about=about, files=contents(cut, sight, scope, chain, code_hash))
        written.replace(out)
    finally:
        written.unlink(missing_ok=True)
    made = Exported(out, evidence.sha256_of(out), cut.head.seq or 0, cut.size, cut.entries.count())
    note(made, sight, scope, now=now)
    return made


def newest_head() -> Anchor:
    """The newest final head; the newest at all while none is final. Raises MarketError NOT_ANCHORED."""
    heads = Anchor.objects.filter(kind=Anchor.Kind.HEAD, size__gt=0).order_by("-seq")
    found = heads.filter(state=Anchor.State.FINAL).first() or heads.first()
    if found is None:
        raise MarketError("NOT_ANCHORED", "The log has no tree head yet.", fix="Try again once the first is made.")
    return found


def leaves_of(scope: Scope) -> str:
    """Whether the pack holds every leaf of the log, or those shown with a path each."""
    return "proven" if scope.order is not None or scope.told()["kind"] == "range" else "all"


def complete_for(sight: Sight, scope: Scope) -> list[int]:
    """The organisations whose every entry is shown, so that a gap in their own numbers is a fault."""
    one = scope.organisation
    if one is not None:
        return [one.pk] if sight.everything or one.pk in sight.complete_for else []
    return sorted(sight.complete_for) if scope.told()["kind"] == "whole" else []


def cut_at(head: Anchor, sight: Sight, scope: Scope) -> Cut:
    """The rows of the pack. What the meters behind its statements wrote down belongs to it, whenever that was."""
    numbered = sight.entries.filter(seq__lt=head.size or 0)
    entries = within(numbered, scope)
    settled = entries.filter(event__type=STATEMENT).select_related("event").order_by("seq")
    wanted = [found for entry in settled.iterator(chunk_size=1000) if (found := statement_of(entry))]
    rows = SettlementStatement.objects.filter(pk__in=wanted).select_related(
        "activation", "order__offer__site", "order__offer__plan", "supersedes"
    )
    statements, sites = list(rows.order_by("created_at", "sequence", "pk")), set(sight.sites)
    shown = [one for one in statements if one.terms and one.order.offer.site in sites]
    subjects = {f"site:{one.order.offer.site.slug}" for one in shown}
    meters = numbered.filter(event__subject__in=subjects, event__type__startswith="meter.")
    either = Q(seq__in=entries.values("seq")) | Q(seq__in=meters.values("seq"))
    return Cut(head, LedgerEntry.objects.filter(either).order_by("seq"), statements, shown)


def within(entries: QuerySet[LedgerEntry], scope: Scope) -> QuerySet[LedgerEntry]:
    """The entries that the scope is about."""
    if scope.order is not None:
        entries = entries.filter(about_order(scope.order))
    if scope.organisation is not None:
        entries = entries.filter(event__organisations=scope.organisation)
    if scope.start is not None:
        entries = entries.filter(event__at__gte=scope.start)
    if scope.end is not None:
        entries = entries.filter(event__at__lt=scope.end)
    return entries


def about_order(order: Order) -> Q:
    """Entries about an order and its dispatches, and the nominations of its site."""
    subjects = [f"order:{order.pk}", *(f"activation:{pk}" for pk in order.activations.values_list("pk", flat=True))]
    return Q(event__subject__in=subjects) | Q(event__subject=f"site:{order.offer.site.slug}", event__type=NOMINATED)


def contents(
    cut: Cut, sight: Sight, scope: Scope, chain: evidence_chain.RawChain | None, code_hash: str
) -> dict[str, evidence.Contents]:
    """The pack's files by name."""
    records = SettlementRecord.objects.filter(statement__in=cut.statements).select_related("statement", "anchor")
    final = records.filter(anchor__state=Anchor.State.FINAL)
    lines = list(record_lines(final.order_by("statement__created_at", "statement__sequence", "pk")))
    keys = {one.pop("key") for one in lines}
    anchors = {"state": "WAITING"}
    if cut.head.state == Anchor.State.FINAL or chain is None:
        anchors = evidence_chain.anchors(chain, code_hash=code_hash, heads=cut.head.seq or 0, keys=keys)
    files: dict[str, evidence.Contents] = {
        "entries.jsonl": entry_lines(cut.entries, size=cut.size, proven=leaves_of(scope) == "proven"),
        "payloads.jsonl": payload_lines(cut.entries),
        "heads.jsonl": head_lines(cut.head),
        "records.jsonl": lines,
        "anchors.json": anchors,
        "pricebook.json": price_book(cut.settled),
        "settlements.jsonl": (gather_settlement_inputs(statement=one, now=one.knowledge_time) for one in cut.settled),
        "readings.jsonl": readings(cut),
        **checkpoint_files(cut.head),
    }
    messages = list(message_lines(*messages_of(cut, sight, scope)))
    if messages:
        files["beckn.jsonl"] = messages
    if leaves_of(scope) == "all":
        files |= evidence.tiles(list(leaf_hashes(cut.size)))
    return files


def readings(cut: Cut) -> Iterator[dict[str, Any]]:
    """The readings that the statements' sites had, by the entry that recorded them."""
    known: dict[Site, datetime] = {}
    for statement in cut.settled:
        site = statement.order.offer.site
        known[site] = max(statement.knowledge_time, known.get(site, statement.knowledge_time))
    for site, known_at in sorted(known.items(), key=lambda one: one[0].slug):
        yield from reading_lines(site, size=cut.size, known_at=known_at)


def messages_of(cut: Cut, sight: Sight, scope: Scope) -> tuple[QuerySet[InboxMessage], QuerySet[OutboxMessage]]:
    """The messages of the deals in the pack, as far as they may be seen."""
    received, sent = sight.received.filter(role__in=["bap", "bpp"]), sight.sent.filter(role__in=["bap", "bpp"])
    if scope.told()["kind"] == "whole":
        return received, sent
    subjects = cut.entries.filter(event__subject__startswith="order:").values_list("event__subject", flat=True)
    orders = {subject.partition(":")[2] for subject in subjects}
    deals = list(Order.objects.filter(pk__in=orders).values_list("transaction_id", flat=True))
    return received.filter(transaction_id__in=deals), sent.filter(transaction_id__in=deals)


def note(made: Exported, sight: Sight, scope: Scope, *, now: datetime) -> None:
    """The log says that a pack was made, of what, and by its digest which."""
    with transaction.atomic():
        events.append(
            type="audit.exported",
            subject=f"pack:{made.sha256}",
            payload={
                "scope": scope.told(),
                "head": made.head,
                "size": made.size,
                "entries": made.shown,
                "sha256": made.sha256,
            },
            organisations=[sight.organisation] if sight.organisation else [],
            now=now,
        )
