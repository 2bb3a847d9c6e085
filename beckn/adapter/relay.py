"""A verified message on its way to the application: handed over as it came, and answered by us as the application says.

It stands in the journal before it is handed over, so that a copy is not handed over again: a copy waits for the first, and
gets the same receipt. If the application does not answer, nothing was acknowledged, and the sender's next try goes to it once
more; if we die between its answer and our commit, too. So it may see a message twice, always with the same message id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from beckn import egress, keys
from beckn.adapter import routing
from beckn.models import InboxMessage
from beckn.wire import receipts
from beckn.wire.errors import CODES, WireError
from beckn.wire.profile import named
from beckn.wire.v1 import error as v1_error

State = InboxMessage.State
LEASE = timedelta(seconds=egress.CONNECT_S + egress.APPLICATION_S + 2)  # one hands over, everybody else waits
AGAIN = frozenset({408, 425, 429})  # the 4xx that are about the moment, not the message
SENDER = "X-Beckn-Subscriber"  # tells the application who was verified to have sent it
LONGEST_REASON = 500


class SilentError(Exception):
    """The application gave no receipt. The text is for our journal: a peer is not told where our applications are."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender gets."""

    status: int
    body: bytes


def hand_over(pk: int, *, word: str, now: datetime) -> Receipt | None:
    """Take message `pk` to the application, unless somebody has; None while somebody else is at it.

    `word` is the last part of the address it came to. Raises WireError when the application does not answer.
    """
    row = InboxMessage.objects.get(pk=pk)
    if row.application_status is None:  # taken before there was an application, and answered then
        return Receipt(200, bytes(row.receipt))
    if row.application_status:
        return Receipt(row.application_status, bytes(row.receipt))
    if not claim(row, now=now):
        return None
    try:
        answer = ask(row, word)
    except SilentError as problem:
        waiting = InboxMessage.objects.filter(pk=pk, application_status=0, attempts=row.attempts)
        waiting.update(next_attempt_at=now, problem=str(problem))
        words = "Whoever handles this here does not answer; nothing was acknowledged, send again."
        raise WireError("NET_DOWNSTREAM_UNAVAILABLE", words, http_status=503) from problem
    return conclude(row, answer, now=now)


def claim(row: InboxMessage, *, now: datetime) -> bool:
    """Take the message for the length of a lease, counting the attempt."""
    if row.next_attempt_at > now:
        return False
    mine = InboxMessage.objects.filter(pk=row.pk, application_status=0, attempts=row.attempts).update(
        attempts=row.attempts + 1, next_attempt_at=now + LEASE
    )
    row.attempts += 1
    return bool(mine)


def ask(row: InboxMessage, word: str) -> egress.Answer:
    """The application's answer. Raises SilentError when it gives none that could be a receipt."""
    url = f"{routing.application(row.role).rstrip('/')}/{word}"
    secret = settings.BECKN_ADAPTER_SECRET
    headers = {SENDER: row.subscriber_id} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    try:
        answer = egress.post_to_application(url, bytes(row.raw), headers=headers)
    except egress.EgressError as problem:
        raise SilentError(f"The application cannot be asked: {problem}") from problem
    if answer.status >= 500 or answer.status in AGAIN or not receipts.read(answer.body).status:
        raise SilentError(f"The application answered HTTP {answer.status} without a receipt.")
    return answer


def conclude(row: InboxMessage, answer: egress.Answer, *, now: datetime) -> Receipt:
    """Write our receipt, keep it for every copy, and return it: the first there is, should this attempt have outlived its lease."""
    profile, signer = named(row.profile), keys.own(row.role)
    told = receipts.read(answer.body)
    raw, message_id = bytes(row.raw), str(row.message_id)
    if told.status == "ACK":
        row.state, row.problem = State.HANDLED, "Taken by the application behind the adapter."
        row.application_status = profile.no_callback if answer.status in (202, 409) else 200
        row.receipt = receipts.ack(request=raw, message_id=message_id, signer=signer, now=now, form=profile.receipts)
    else:
        problem = refusal(told)
        row.state, row.problem, row.application_status = State.REFUSED, str(problem), problem.http_status
        row.receipt = receipts.nack(
            problem, request=raw, message_id=message_id, signer=signer, now=now, form=profile.receipts
        )
    changed = InboxMessage.objects.filter(pk=row.pk, application_status=0).update(
        state=row.state,
        problem=row.problem,
        application_status=row.application_status,
        receipt=row.receipt,
        handled_at=now,
    )
    if not changed:
        row.refresh_from_db()
    return Receipt(row.application_status, bytes(row.receipt))


def refusal(told: receipts.Receipt) -> WireError:
    """The application's no in the network's words; the sender was verified, so it is never told that it was not."""
    code = told.code if told.code in CODES else v1_error.word_of(told.code)
    code = "POL_ENGAGEMENT_REFUSED" if code.startswith("AUT_") else code
    words = "".join(letter for letter in told.message if letter.isprintable())[:LONGEST_REASON]
    return WireError(code, words or "The application refused it.", http_status=400)
