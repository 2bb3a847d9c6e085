"""Receipts: their shape in the profile, who signed them, and how soon they come."""

from __future__ import annotations

from beckn.conformance import receipt
from beckn.conformance.exchange import Answer, Request
from beckn.conformance.kit import Kit
from beckn.conformance.rule import Failed, NotTested, Rule
from beckn.conformance.speech import V2


def ack_shape(kit: Kit) -> None:
    """The members an ACK must have."""
    complain(receipt.shape_problem(kit.target.profile, kit.acknowledged().answer, "ACK"))


def refused(kit: Kit) -> tuple[Request, Answer]:
    """A NACK for a message whose id can be read."""
    told = kit.told(message={})
    request = kit.sealed(told)
    answer = kit.send_bad(request)
    if answer.status != 400:
        raise NotTested(f"a message without its content was answered HTTP {answer.status}, not 400")
    return request, answer


def nack_shape(kit: Kit) -> None:
    """The members a NACK must have."""
    _, answer = refused(kit)
    complain(receipt.shape_problem(kit.target.profile, answer, "NACK"))


def ack_signature(kit: Kit) -> None:
    """Whoever acknowledges signs for it."""
    talk = kit.acknowledged()
    complain(receipt.signature_problem(kit.target, talk.request, talk.answer))


def nack_signature(kit: Kit) -> None:
    """Whoever refuses signs for it too."""
    request, answer = refused(kit)
    complain(receipt.signature_problem(kit.target, request, answer))


def message_id(kit: Kit) -> None:
    """In the newer drafts a receipt names the message it is for."""
    talk = kit.acknowledged()
    named = receipt.member(talk.answer.told, "message", "messageId")
    if named != talk.request.message_id:
        raise Failed(f"it names {named!r} instead of {talk.request.message_id}")


def in_time(kit: Kit) -> None:
    """Looks at every answer of the run. What was not answered at all has its own rule."""
    slow = [(answer.seconds, request.path) for request, answer in kit.answers if answer.seconds > kit.patience.answer_s]
    if slow:
        seconds, path = max(slow)
        raise Failed(f"{len(slow)} of {len(kit.answers)} answers took longer; the slowest {seconds:.2f} s, to {path}")


def no_server_errors(kit: Kit) -> None:
    """Looks at every answer of the run: input must never be a fault of the receiver."""
    broken = [answer.status for _, answer in kit.answers if answer.status >= 500]
    if broken:
        raise Failed(f"{len(broken)} of {len(kit.answers)} requests were answered HTTP {broken[0]}")


def complain(problem: str) -> None:
    """Fail with a problem, if there is one."""
    if problem:
        raise Failed(problem)


RULES = (
    Rule("receipt-ack", "An ACK has the profile's shape.", ack_shape),
    Rule("receipt-nack", "A NACK has the profile's shape, with a code and words.", nack_shape),
    Rule("receipt-ack-signed", "An ACK is signed back over both bodies.", ack_signature, V2),
    Rule("receipt-nack-signed", "A NACK is signed back over both bodies.", nack_signature, V2),
    Rule("receipt-message-id", "A receipt names the message it is for.", message_id, frozenset({"onix"})),
)
LAST = (
    Rule("answer-in-time", "Every answer comes in time: within a second, unless told otherwise.", in_time),
    Rule("answer-no-5xx", "No input makes the receiver answer with a server error.", no_server_errors),
)
