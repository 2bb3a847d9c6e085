"""The kit in action: it drafts messages, signs and sends them, and keeps what came of it for the rules to look at."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from beckn.conformance import speech
from beckn.conformance.exchange import JSON, Answer, Request, exchange
from beckn.conformance.listener import Callback, Listener
from beckn.conformance.official import Official
from beckn.conformance.rule import Failed, NotTested
from beckn.conformance.speech import Identity, Target

# The least that a discover and its answer may say, in 2.0.0 and in 1.1.
MESSAGES: dict[tuple[str, bool], dict[str, Any]] = {
    ("bpp", False): {"intent": {}},
    ("bap", False): {"catalogs": []},
    ("bpp", True): {"intent": {}},
    ("bap", True): {"catalog": {"providers": []}},
}
COPIES = 8


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for an answer, for a callback, for one that is sent again, and for what should not come."""

    answer_s: float = 1.0
    callback_s: float = 15.0
    retry_s: float = 30.0
    settle_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Conversation:
    """One good message, its receipt, and the callbacks it had when the waiting ended."""

    request: Request
    answer: Answer
    callbacks: list[Callback]


@dataclass(frozen=True, slots=True)
class Deal:
    """Terms that were agreed and may be confirmed: the contract as on_select quoted and as on_init returned it."""

    transaction_id: str
    quoted: dict[str, Any]
    terms: dict[str, Any]


@dataclass
class Kit:
    """`main` is registered with the target as the kit; `other` is registered too, `revoked` registered and revoked.

    `answers` grows with every exchange; `refused` are the message ids of what must have no effect; `deal` are agreed terms,
    and `sale` the confirm that bought them, with its callback, where the kit was told that it may.
    """

    target: Target
    main: Identity
    other: Identity
    revoked: Identity
    listener: Listener
    patience: Patience = field(default_factory=Patience)
    official: Official | None = None
    buys: bool = False
    answers: list[tuple[Request, Answer]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    deal: Deal | None = None
    sale: tuple[Request, dict[str, Any]] | None = None

    @property
    def action(self) -> str:
        """The action of most cases, by its name in 2.0.0: the one that any participant of the role must take."""
        return "discover" if self.target.role == "bpp" else "on_discover"

    def told(
        self,
        action: str = "",
        message: Mapping[str, Any] | None = None,
        *,
        change: Mapping[str, Any] | None = None,
        drop: str = "",
        transaction_id: str = "",
        late_s: float = 0.0,
    ) -> dict[str, Any]:
        """A body; `change` and `drop` name members of the context as 2.0.0 does. `late_s` is how long ago it was written."""
        made = speech.context(
            self.target,
            self.main,
            action=action or self.action,
            message_id=str(uuid.uuid4()),
            transaction_id=transaction_id or str(uuid.uuid4()),
            at=datetime.now(UTC) - timedelta(seconds=late_s),
        )
        for name, value in (change or {}).items():
            made[speech.name_in(self.target.profile, name)] = value
        if drop:
            del made[speech.name_in(self.target.profile, drop)]
        least = MESSAGES[self.target.role, self.target.is_v1]
        return {"context": made, "message": least if message is None else message}

    def message_id(self, told: Mapping[str, Any]) -> str:
        """The message id in a body of ours."""
        return str(told["context"].get(speech.name_in(self.target.profile, "messageId"), ""))

    def sealed(
        self,
        told: Mapping[str, Any],
        raw: bytes = b"",
        *,
        action: str = "",
        identity: Identity | None = None,
        created_s: int = 0,
        **header: Any,
    ) -> Request:
        """A signed request. `raw` replaces the bytes, `created_s` shifts the signature's time, `header` goes to speech.sign."""
        raw = raw or json.dumps(told, separators=(",", ":")).encode()
        signed = speech.sign(raw, identity or self.main, created=int(time.time()) + created_s, **header)
        path = speech.action_in(self.target.profile, action or self.action)
        return Request(path, raw, (JSON, ("Authorization", signed)), self.message_id(told))

    def send(self, request: Request) -> Answer:
        """Send, and keep what came back."""
        answer = exchange(self.target.url, request, timeout_s=10 * self.patience.answer_s)
        self.answers.append((request, answer))
        return answer

    def send_bad(self, request: Request) -> Answer:
        """Send what must have no effect."""
        self.refused.add(request.message_id)
        return self.send(request)

    def send_copies(self, request: Request) -> list[Answer]:
        """The same bytes many times at once."""
        with ThreadPoolExecutor(COPIES) as pool:
            return list(pool.map(self.send, [request] * COPIES))

    def callbacks_to(self, request: Request, *, count: int = 1, seconds: float = 0.0) -> list[Callback]:
        """Callbacks that answer a request, by message id; fewer than `count` when the time is over."""
        wait = seconds or self.patience.callback_s
        return self.listener.within(lambda one: one.message_id == request.message_id, count, wait)

    @cached_property
    def conversation(self) -> Conversation:
        """A good message and all that follows, once for all the rules that look at it."""
        told = self.told()
        request = self.sealed(told)
        answer = self.send(request)
        if self.target.role == "bap" or answer.status != 200:
            return Conversation(request, answer, [])
        transaction_id = told["context"][speech.name_in(self.target.profile, "transactionId")]
        ids = {request.message_id, transaction_id}
        # Whichever id it kept: a callback with a new message id is another fault than none at all.
        found = self.listener.within(
            lambda one: bool(ids & {one.message_id, one.transaction_id}), 1, self.patience.callback_s
        )
        return Conversation(request, answer, found)

    def acknowledged(self) -> Conversation:
        """The conversation, if its message was taken."""
        if self.conversation.answer.status != 200:
            raise NotTested(f"a good message was answered {describe(self.conversation.answer)}")
        return self.conversation

    def callback(self) -> Callback:
        """The callback of the conversation."""
        found = self.acknowledged().callbacks
        if not found:
            raise NotTested(f"no callback came within {self.patience.callback_s:g} s")
        return found[0]

    def accepted(self, request: Request, what: str) -> Answer:
        """Send what must be acknowledged."""
        answer = self.send(request)
        if answer.status != 200:
            raise Failed(f"{what} was answered {describe(answer)}")
        return answer


def describe(answer: Answer) -> str:
    """An answer in a few words."""
    if not answer.status:
        return f"by nothing ({answer.lost})"
    return f"HTTP {answer.status} {answer.body[:160].decode('utf-8', 'replace')}".strip()
