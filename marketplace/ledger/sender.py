"""Brings anchors onto the chain with exactly one effect each, whatever crashes in between.

PENDING -> SIGNED -> SENT -> MINED -> FINAL, one at a time in the order they were made. Signed bytes are committed before they
are first sent, so a crash sends the same bytes again. An outcome that is not known is looked up, never guessed: by the receipts
of every attempt, and by what already stands in the contract. The chain's clock is real time: `now` is never the market's.
It runs under the housekeeping lease and leaves web3 to `chain`, the states' meaning to models.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from marketplace import notify
from marketplace.ledger import chain
from marketplace.ledger.attempts import attempt, mined_by_us, next_nonce, raise_fee
from marketplace.ledger.onchain import (
    ChainError,
    ChainPort,
    ChainUnavailableError,
    NonceUsedError,
    Place,
    Record,
    RevertedError,
    Signed,
    UnderpricedError,
)
from marketplace.ledger.refusals import REASONS, WAITS
from marketplace.ledger.settlement import record_key
from marketplace.models import Anchor, AnchorAttempt

log = logging.getLogger(__name__)
State = Anchor.State
REPLACE_AFTER = timedelta(seconds=90)  # several blocks of any chain we would use
BUDGET_S = 40  # less than the lease, so that no second sender starts while this one still works
MOST_REVERTED = 3  # reverted transactions paid for before an operator is asked
GIVEN_UP = "GIVEN UP"  # what became of attempts before an operator's retry
ARRIVED = {State.MINED, State.FINAL, State.FAILED}  # the next anchor may go


class MovedError(RuntimeError):
    """Another process moved this anchor first; this one stops."""


class ContradictionError(RuntimeError):
    """The chain already says something else than the anchor."""


def send_due(*, now: datetime, connect: Callable[[], ChainPort | None] = chain.connect) -> int:
    """Move every unfinished anchor as far as the chain lets it; answers how many became final.

    A chain that cannot be asked leaves everything as it is, with the reason in the anchor's last_error.
    Without a chain (CACO_RPC_URL=none) anchors wait as PENDING.
    """
    due = list(Anchor.objects.exclude(state__in=[State.FINAL, State.FAILED]).order_by("pk"))
    if not due:
        return 0
    try:
        port = connect()
    except ChainError as problem:
        return halt(due[0], problem, now)
    return send_all(due, port, now) if port is not None else 0


def send_all(due: list[Anchor], port: ChainPort, now: datetime) -> int:
    """One anchor after the other, until one has to wait or the time is up. What the chain has lost goes first."""
    final, begun = 0, time.monotonic()
    try:
        due = [*lost(port, now), *due]
    except ChainError as problem:
        return halt(due[0], problem, now)
    for anchor in due:
        try:
            advance(anchor, port, now)
        except ChainError as problem:
            return final + halt(anchor, problem, now)
        except MovedError as problem:
            log.info("%s", problem)
            return final
        final += anchor.state == State.FINAL
        if anchor.state not in ARRIVED or time.monotonic() - begun > BUDGET_S:
            break
    return final


def lost(port: ChainPort, now: datetime) -> list[Anchor]:
    """Final anchors that a reorganisation deeper than CACO_CONFIRMATIONS took away, now REORGED.

    Their nonces are a gap below everything that would be signed next; sending their stored bytes again closes it.
    """
    gone = []
    attempts = mined_by_us(port).filter(anchor__state=State.FINAL, nonce__gte=port.mined_nonce())
    for one in attempts.select_related("anchor").order_by("nonce"):
        if port.receipt(one.tx_hash) is None:
            reorganised(one.anchor, now)
            gone.append(one.anchor)
    return gone


def halt(anchor: Anchor, problem: ChainError, now: datetime) -> int:
    """The chain cannot be asked: say why at the anchor that waits."""
    note(anchor, str(problem), now)
    return 0


def advance(anchor: Anchor, port: ChainPort, now: datetime) -> None:
    """Take one anchor through as many steps as need no waiting."""
    steps: dict[str, Callable[[Anchor, ChainPort, datetime], bool]] = {
        State.PENDING: prepare,
        State.SIGNED: submit,
        State.SENT: submit,
        State.REORGED: submit,
        State.MINED: confirm,
    }
    if anchor.state != State.PENDING and (anchor.chain_id, anchor.contract) != (port.chain_id, port.address):
        why = "The installation now anchors in another contract; it is signed for that one."
        anchor.attempts.filter(outcome__in=["MINED", "REPLACED"]).update(outcome="OTHER CHAIN")
        start_again(anchor, "OTHER CHAIN", why, now)
    try:
        while anchor.state in steps and steps[anchor.state](anchor, port, now):
            pass
    except ContradictionError as problem:
        move(anchor, State.FAILED, now, last_error=str(problem))


def start_again(anchor: Anchor, outcome: str, why: str, now: datetime) -> None:
    """Back to PENDING. Its attempts stay watched; one that is mined after all is found by what then stands."""
    anchor.attempts.filter(outcome="").update(outcome=outcome)
    move(anchor, State.PENDING, now, last_error=why, tx_hash="", block_number=None, block_hash="")


def retry(anchor: Anchor, *, now: datetime) -> None:
    """Put a failed anchor back in line. Reverted transactions of before do not count against it any more."""
    anchor.attempts.filter(outcome="REVERTED").update(outcome=GIVEN_UP)
    start_again(anchor, GIVEN_UP, "", now)


def prepare(anchor: Anchor, port: ChainPort, now: datetime) -> bool:
    """Sign the call, unless what it would do is done already. The contract's refusal shows before anything is spent."""
    try:
        place = standing(anchor, port)
        if place is not None:
            return arrive(anchor, place, port, now)
        signed = sign(anchor, port)
    except RevertedError as problem:
        return refuse(anchor, problem.name, now)
    with transaction.atomic():
        move(anchor, State.SIGNED, now, chain_id=port.chain_id, contract=port.address, last_error="")
        attempt(anchor, signed, now)
    return True


def standing(anchor: Anchor, port: ChainPort) -> Place | None:
    """Where the anchor's effect stands already, if it does. Raises ContradictionError when something else stands there."""
    if anchor.kind == Anchor.Kind.RECORD:
        return records_standing(anchor, port)
    number = anchor.seq or 0
    if port.head().seq < number:
        return None
    found = port.anchored(number)
    if found is None:
        raise ChainUnavailableError(
            f"the chain counts head {number} but shows no event of it; ask a node that keeps logs"
        )
    if (found.size, found.root) != (anchor.size, anchor.root):
        raise ContradictionError(
            f"The contract holds another head {number}: {found.size} entries under {found.root}. This log and the chain have parted."
        )
    return found.place


def records_standing(anchor: Anchor, port: ChainPort) -> Place | None:
    """The same for a batch: it stands when every record does."""
    records = {record_key(row.settlement_id, row.run): row for row in anchor.records.all()}
    if not records:
        raise ContradictionError("The batch holds no records.")
    found = port.recorded(list(records))
    for key, event in found.items():
        if event.commitment != records[key].commitment:
            raise ContradictionError(f"The contract holds another commitment under record {key}.")
    return max((event.place for event in found.values()), key=place_order) if len(found) == len(records) else None


def place_order(place: Place) -> int:
    """Later blocks come later."""
    return place.block_number


def sign(anchor: Anchor, port: ChainPort) -> Signed:
    """The signed call of this anchor. Raises RevertedError when the contract would refuse it."""
    nonce = next_nonce(port)
    if anchor.kind == Anchor.Kind.RECORD:
        rows = anchor.records.order_by("pk")
        return port.sign_record(
            [Record(row.settlement_id, row.commitment, row.supersedes, row.run) for row in rows], nonce=nonce
        )
    return port.sign_anchor(
        seq=anchor.seq or 0, size=anchor.size or 0, root=anchor.root, proof=anchor.proof, nonce=nonce
    )


def submit(anchor: Anchor, port: ChainPort, now: datetime) -> bool:
    """Send the newest attempt's bytes, unless one of the attempts is in the chain already."""
    if arrived(anchor, port, now):
        return True
    newest = anchor.attempts.filter(outcome="").order_by("-pk").first()
    if newest is None:
        # Nothing of ours is under way: what stood in the contract was lost, or the last try was reverted.
        start_again(anchor, "", anchor.last_error, now)
        return True
    if newest.sender not in {"", port.sender}:
        start_again(anchor, "OTHER KEY", "The chain key was changed; it is signed with the new one.", now)
        return True
    try:
        # A sending whose answer never comes may have arrived, so it counts as well: its state is still SIGNED.
        if anchor.state in {State.SIGNED, State.SENT} and newest.sent_at and now - newest.sent_at > REPLACE_AFTER:
            if port.mined_nonce() < newest.nonce:
                # A reorganisation took a transaction that was not ours, and with it the nonce before this one.
                start_again(anchor, "NONCE GAP", "The nonce before it is free again; it is signed anew.", now)
                return True
            newest = raise_fee(newest, port, now)
        AnchorAttempt.objects.filter(pk=newest.pk, sent_at=None).update(sent_at=now)
        port.broadcast(bytes(newest.raw_tx))
    except UnderpricedError as problem:
        raise_fee(newest, port, now)
        note(anchor, str(problem), now)
        return False
    except NonceUsedError:
        if not arrived(anchor, port, now):
            start_again(anchor, "NONCE TAKEN", "Another transaction took the nonce; it is signed anew.", now)
            return False
        return True
    if anchor.state != State.SENT:
        move(anchor, State.SENT, now, last_error="", tx_hash=newest.tx_hash)
    return arrived(anchor, port, now)


def arrived(anchor: Anchor, port: ChainPort, now: datetime) -> bool:
    """Look for the receipt of every attempt. A good one counts when the effect stands; a bad one is tried out again."""
    for one in anchor.attempts.exclude(outcome="REVERTED").order_by("-pk"):
        found = port.receipt(one.tx_hash)
        if found is None or (one.outcome == GIVEN_UP and not found.ok):
            continue
        if found.ok:
            place = standing(anchor, port)
            if place is None:
                raise ChainUnavailableError("the transaction is mined, but the chain shows no event of it yet")
            return arrive(anchor, place, port, now)
        one.outcome = "REVERTED"
        one.save(update_fields=["outcome"])
        why = f"The transaction was reverted: {port.revert_reason(one.tx_hash)}."
        if anchor.attempts.filter(outcome="REVERTED").count() >= MOST_REVERTED:
            return move(anchor, State.FAILED, now, last_error=why)
        start_again(anchor, "REPLACED", why, now)
        return True
    return False


def arrive(anchor: Anchor, place: Place, port: ChainPort, now: datetime) -> bool:
    """The effect stands in a block: the one whose transaction emitted the event."""
    with transaction.atomic():
        anchor.attempts.filter(tx_hash=place.tx_hash).update(outcome="MINED")
        anchor.attempts.filter(outcome="").update(outcome="REPLACED")
        return move(
            anchor,
            State.MINED,
            now,
            tx_hash=place.tx_hash,
            block_number=place.block_number,
            block_hash=place.block_hash,
            chain_id=port.chain_id,
            contract=port.address,
            last_error="",
        )


def confirm(anchor: Anchor, port: ChainPort, now: datetime) -> bool:
    """Final once enough blocks stand on it; back to the start when its block is gone."""
    found, number = port.receipt(anchor.tx_hash), anchor.block_number or 0
    same = found is not None and found.place.block_hash == anchor.block_hash == port.block_hash(number)
    if not same:
        reorganised(anchor, now)
        return False
    if port.block_number() - number + 1 < settings.CHAIN_CONFIRMATIONS:
        return False
    return move(anchor, State.FINAL, now)


def reorganised(anchor: Anchor, now: datetime) -> None:
    """Its block is gone, so each of its attempts may count again."""
    anchor.attempts.filter(outcome__in=["MINED", "REPLACED"]).update(outcome="")
    why = f"Block {anchor.block_number} was replaced by another; it is sent again."
    move(anchor, State.REORGED, now, last_error=why)


def refuse(anchor: Anchor, name: str, now: datetime) -> bool:
    """The contract would say no: wait where waiting helps, else fail with the reason."""
    if name in WAITS:
        note(anchor, WAITS[name], now)
        return False
    return move(anchor, State.FAILED, now, last_error=REASONS.get(name, f"The contract refuses: {name}."))


def move(anchor: Anchor, state: Anchor.State, now: datetime, **fields: Any) -> bool:
    """Change the state if it is still what we saw. Raises MovedError otherwise."""
    with transaction.atomic():
        fields |= {"state": state, "updated_at": now}
        if not Anchor.objects.filter(pk=anchor.pk, state=anchor.state).update(**fields):
            raise MovedError(f"anchor {anchor.pk} was moved by another process")
        notify.changed("ledger")
    for name, value in fields.items():
        setattr(anchor, name, value)
    return True


def note(anchor: Anchor, sentence: str, now: datetime) -> None:
    """Say why nothing moves, once and not at every tick."""
    if anchor.last_error != sentence:
        log.warning("anchor %s waits: %s", anchor.pk, sentence)
        Anchor.objects.filter(pk=anchor.pk).update(last_error=sentence, updated_at=now)
        anchor.last_error = sentence
        notify.changed("ledger")
