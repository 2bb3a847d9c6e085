"""The conversation: send a signed request in the seller's profile, wait for its callback, and go on to the next step."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from beckn import egress
from beckn.client.listener import Callback, Listener
from beckn.client.registry import NetworkError, Peer
from beckn.wire import actions, context, dialect, receipts, signing
from beckn.wire.context import Party

TTL = timedelta(hours=1)


class RefusedError(Exception):
    """The seller will not; the text is its code and words."""


class LateError(Exception):
    """No answer within the time that was given."""


@dataclass
class Buyer:
    """One deal with `seller`; every message of it carries the same transaction."""

    listener: Listener
    seller: Peer
    url: str
    timeout_s: float
    transaction_id: uuid.UUID

    def ask(self, action: str, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the message of its callback. Raises RefusedError, LateError or NetworkError."""
        message_id = self.send(action, message)
        answer = self.wait(lambda one: one.message_id == message_id, f"on_{action}", self.timeout_s)
        return answer.message

    def send(self, action: str, message: dict[str, Any]) -> str:
        """Send a request; returns its message id once the seller has acknowledged it."""
        now, signer, message_id = timezone.now(), self.listener.identity.signer, uuid.uuid4()
        profile, said = self.listener.profile, self.listener.said
        peer, deal = self.seller.party.subscriber_id, str(self.transaction_id)
        head = context.build(
            action=actions.ACTIONS[action],
            us=Party(signer.subscriber_id, self.url),
            peer=self.seller.party,
            network_id=self.listener.network_id,
            transaction_id=self.transaction_id,
            message_id=message_id,
            now=now,
            ttl=TTL,
        )
        raw = dialect.say(
            {"context": head, "message": message}, profile=profile, contract=said.contracts.get((peer, deal))
        )
        authorization = signing.sign(raw, signer, now=now)
        said.asked(action, str(message_id), authorization)
        said.keep(peer, deal, message)
        address = f"{self.seller.party.url.rstrip('/')}/{dialect.word_of(action, profile)}"
        try:
            answer = egress.post(address, raw, headers={"Authorization": authorization})
        except egress.EgressError as problem:
            raise NetworkError(f"{peer} cannot be reached: {problem}") from problem
        self.check_receipt(action, address, answer)
        return str(message_id)

    def check_receipt(self, action: str, address: str, answer: egress.Answer) -> None:
        """Raise RefusedError or NetworkError unless a callback is owed to us now."""
        profile, receipt = self.listener.profile, receipts.read(answer.body)
        if receipt.status == "NACK":
            raise RefusedError(f"{action} was not taken: {receipt.code} {receipt.message}")
        if receipt.status != "ACK" or answer.status not in profile.delivered:
            raise NetworkError(
                f"{address} answered HTTP {answer.status} without a receipt we can read as {profile.name}"
            )
        if answer.status == profile.no_callback != 200:
            raise RefusedError(f"{action} was taken, but HTTP {answer.status} says that no answer will come")

    def wait(self, wanted: Callable[[Callback], bool], what: str, timeout_s: float) -> Callback:
        """The next callback of this deal that is wanted; others of it are passed over. Raises LateError or RefusedError."""
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            try:
                found = self.listener.arrived.get(timeout=left)
            except queue.Empty:
                break
            ours = (found.sender, found.transaction_id) == (
                self.seller.party.subscriber_id,
                str(self.transaction_id),
            )
            if not ours or not wanted(found):
                continue
            if found.error:
                code = found.error.get("errorCode") or found.error.get("code", "")
                words = found.error.get("errorMessage") or found.error.get("message", "")
                raise RefusedError(f"{found.action}: {code} {words}")
            return found
        raise LateError(f"{what} did not come within {timeout_s:.0f} s")
