"""A log with a real statement in it, and a contract in memory that accepts what the Solidity one would.

Tests of proofs use the stand-in to be quick; test_reader.py and test_proof_check.py run the same checks against the real one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from beckn.registry import register
from beckn.wire.context import Party
from marketplace import events
from marketplace.ledger import append_only, merkle
from marketplace.ledger.onchain import ChainUnavailableError
from marketplace.ledger.reader import AnchoredHead, NewestHead
from marketplace.ledger.settlement import record_key
from marketplace.models import Anchor, Event, SettlementStatement
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.record_settlements import record_settlements
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, NOW, SECOND


class Contract:
    """The contract's rules over HEAD and RECORD anchors, in the order they were made. `down`: it does not answer."""

    def __init__(self) -> None:
        self.accepted: list[AnchoredHead] = []
        self.kept: dict[str, str] = {}
        self.recorded_in: dict[str, str] = {}
        self.acc = self.origin_hash()
        self.down = False

    def take(self) -> None:
        """Accept every waiting anchor and mark it final; refuse, by assertion, what the contract would refuse."""
        for anchor in Anchor.objects.exclude(state="FINAL").order_by("pk"):
            tx_hash = f"0x{anchor.pk:064x}"
            if anchor.kind == "HEAD":
                self.accept(anchor, tx_hash)
            for record in anchor.records.order_by("pk"):
                assert record.supersedes in {"", *self.kept}
                key = record_key(record.settlement_id, record.run)
                self.kept[key], self.recorded_in[key] = record.commitment, tx_hash
            facts = {"tx_hash": tx_hash, "chain_id": 31337, "contract": "0x" + "c0" * 20, "block_number": anchor.pk}
            Anchor.objects.filter(pk=anchor.pk).update(state="FINAL", block_hash="0x" + "b0" * 32, **facts)

    def accept(self, anchor: Anchor, tx_hash: str) -> None:
        last = self.head()
        assert anchor.seq == last.number + 1
        assert anchor.size is not None
        assert anchor.size > last.size
        assert merkle.verify_consistency(
            old_size=last.size,
            new_size=anchor.size,
            old_root=bytes.fromhex(last.root) if last.size else merkle.EMPTY_ROOT,
            new_root=bytes.fromhex(anchor.root),
            proof=[bytes.fromhex(one) for one in anchor.proof],
        )
        numbers = anchor.seq.to_bytes(8, "big") + anchor.size.to_bytes(8, "big")
        self.acc = hashlib.sha256(bytes.fromhex(self.acc) + numbers + bytes.fromhex(anchor.root)).hexdigest()
        self.accepted.append(AnchoredHead(anchor.seq, last.size, anchor.size, anchor.root, self.acc, tx_hash))

    def answering(self) -> None:
        if self.down:
            raise ChainUnavailableError("the chain does not answer")

    def check_place(self) -> None:
        self.answering()

    def origin_hash(self) -> str:
        return hashlib.sha256(settings.LEDGER_LOG_ID.encode()).hexdigest()

    def head(self) -> NewestHead:
        if not self.accepted:
            return NewestHead(0, 0, "00" * 32, self.acc)
        last = self.accepted[-1]
        return NewestHead(last.number, last.size, last.root, self.acc)

    def heads(self) -> list[AnchoredHead]:
        self.answering()
        return list(self.accepted)

    def records(self) -> dict[str, str]:
        return dict(self.kept)

    def anchored_root(self, number: int, /) -> tuple[int, str, str] | None:
        self.answering()
        return next(((one.size, one.root, one.tx_hash) for one in self.accepted if one.number == number), None)

    def recorded_commitment(self, key: str, /) -> tuple[str, str] | None:
        self.answering()
        return (self.kept[key], self.recorded_in[key]) if key in self.kept else None


def statement() -> SettlementStatement:
    """A dispatch of 400 kW in two half hours, delivered but for a little, and settled."""
    party = Party(market.BUYER, "http://127.0.0.1:9/beckn/bap")  # in the registry; nobody listens there
    register(party, role="bap", key_id="k1", public_key="A" * 43 + "=", now=timezone.now())
    readings = {FIRST: 250_000, SECOND: 310_000}
    return settle_activation(activation=settled.over(market.site(), metered=readings), now=END)


def happened(count: int, *, now: datetime = NOW, **facts: Any) -> None:
    """So many small events."""
    with transaction.atomic():
        for n in range(count):
            told: dict[str, Any] = {"type": "offer.drafted", "subject": f"offer:{n}", "organisations": [], **facts}
            events.append(payload={"n": n}, now=now, **told)


def anchored(contract: Contract, *, now: datetime = END) -> None:
    """Number, anchor and record until nothing waits."""
    for _ in range(3):
        anchor_events(now=now)
        record_settlements(now=now)
        contract.take()


@contextmanager
def at_the_database() -> Iterator[None]:
    """What somebody does who owns the database: the triggers are down meanwhile."""
    append_only.disarm(connection)
    try:
        yield
    finally:
        append_only.arm(connection)


def change_event(seq: int, **changes: Any) -> None:
    """Change the event of entry `seq` behind everybody's back."""
    with at_the_database():
        assert Event.objects.filter(entry__seq=seq).update(**changes) == 1
