"""The same message again: the same receipt and no second effect; the same id for something else: a conflict."""

from __future__ import annotations

import json

from beckn.conformance import receipt
from beckn.conformance.kit import Kit, describe
from beckn.conformance.rule import BPP, Failed, NotTested, Rule
from beckn.wire.profile import PROFILES

TAKEN = frozenset({"CTX_MESSAGE_ID_DUPLICATE"})


def same_receipt(kit: Kit) -> None:
    """The same bytes, signed again, as every retry is."""
    talk = kit.acknowledged()
    told = json.loads(talk.request.raw)
    again = kit.accepted(kit.sealed(told, talk.request.raw, created_s=-1), "the same message again")
    if again.body != talk.answer.body:
        raise Failed(f"the copy's receipt is {again.body[:200]!r}, the first one {talk.answer.body[:200]!r}")


def conflict(kit: Kit) -> None:
    """Other bytes under a used id: 400 in 2.0.0, where 409 means that no callback will come; 409 in the newer drafts."""
    talk = kit.acknowledged()
    told = json.loads(talk.request.raw) | {"other": "body"}
    answer = kit.send(kit.sealed(told))
    wanted = PROFILES[kit.target.profile].conflict
    if answer.status != wanted:
        raise Failed(f"it was answered {describe(answer)}; refuse it with {wanted}")
    code = receipt.error_of(kit.target.profile, answer)[0]
    if code and code not in TAKEN and not kit.target.is_v1:
        raise Failed(f"its code is {code}; name it CTX_MESSAGE_ID_DUPLICATE")


def at_once(kit: Kit) -> None:
    """Copies at the same moment are one message."""
    answers = kit.send_copies(kit.sealed(kit.told()))
    if {answer.status for answer in answers} != {200}:
        raise Failed(f"copies at the same moment were answered {sorted({answer.status for answer in answers})}")
    if len({answer.body for answer in answers}) > 1:
        raise Failed(
            f"{len(answers)} copies at the same moment had {len({a.body for a in answers})} different receipts"
        )


def one_callback(kit: Kit) -> None:
    """Copies at the same moment are answered once."""
    request = kit.sealed(kit.told())
    if {answer.status for answer in kit.send_copies(request)} != {200}:
        raise NotTested("copies at the same moment were not all acknowledged")
    if not kit.callbacks_to(request):
        raise NotTested("no callback came for any of them")
    found = kit.callbacks_to(request, count=2, seconds=kit.patience.settle_s)
    if len(found) > 1:
        raise Failed(f"{len(found)} callbacks came for copies of one message")


RULES = (
    Rule("copy-same-receipt", "A copy of a message has the first one's receipt, byte for byte.", same_receipt),
    Rule("copy-conflict", "A used messageId with another body is refused as a conflict.", conflict),
    Rule("copy-at-once", "Copies at the same moment have one receipt.", at_once),
    Rule("copy-one-callback", "Copies at the same moment have one callback.", one_callback, roles=BPP),
)
