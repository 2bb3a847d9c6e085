"""Signed transactions of an anchor: kept before they are sent, counted against the chain, replaced by dearer ones.

What they are for, and what became of them, is the sender's to say.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from marketplace.ledger.onchain import ChainPort, ChainUnavailableError, Signed
from marketplace.models import Anchor, AnchorAttempt


def mined_by_us(port: ChainPort) -> QuerySet[AnchorAttempt]:
    """Transactions of this key that were seen in a block of this chain."""
    ours = {"sender": port.sender, "anchor__chain_id": port.chain_id, "anchor__contract": port.address}
    return AnchorAttempt.objects.filter(outcome="MINED", **ours)


def next_nonce(port: ChainPort) -> int:
    """The next nonce by the chain, checked against what we saw mined.

    Only the chain knows what else the key has sent, and what a reorganisation took. Raises ChainUnavailableError when it shows
    a receipt that it does not count: its nodes do not agree, and what is signed now would be refused.
    """
    mined, counted = port.mined_nonce(), port.next_nonce()
    ours = AnchorAttempt.objects.filter(sender=port.sender, anchor__chain_id=port.chain_id)
    if ours.filter(outcome="NONCE GAP", nonce__gte=mined, nonce__lt=counted).exists():
        counted = mined  # some nodes count what waits above a gap
    newest = mined_by_us(port).order_by("-nonce").first()
    if newest is not None and newest.nonce >= counted and port.receipt(newest.tx_hash) is not None:
        raise ChainUnavailableError(
            f"the chain counts {counted} transactions of the chain key and shows the receipt of number {newest.nonce + 1}; it is asked again"
        )
    return counted


def raise_fee(old: AnchorAttempt, port: ChainPort, now: datetime) -> AnchorAttempt:
    """A new attempt with the same nonce and a higher fee; whichever of them is mined, the effect is one."""
    return attempt(old.anchor, port.sign_again(bytes(old.raw_tx)), now)


def attempt(anchor: Anchor, signed: Signed, now: datetime) -> AnchorAttempt:
    """Commit signed bytes; only then may they be sent. Bytes that an earlier attempt had are that attempt come back."""
    facts = {"nonce": signed.nonce, "raw_tx": signed.raw, "created_at": now, "outcome": "", "sender": signed.sender}
    facts |= {"max_fee_wei": signed.max_fee_wei, "priority_fee_wei": signed.priority_fee_wei, "sent_at": None}
    return AnchorAttempt.objects.update_or_create(anchor=anchor, tx_hash=signed.tx_hash, defaults=facts)[0]
