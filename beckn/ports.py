"""What the protocol asks of the application above it: one handler per action, a reply or a refusal.

A handler module (settings.BECKN_HANDLERS, one per role) has `ACTIONS: dict[str, Handler]`. Handlers run in the worker,
inside the one transaction that also marks the message handled and stores the callback. This room knows no application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """A verified, validated message from `subscriber_id`. Numbers in `message` are int or Decimal, never float."""

    role: str
    action: str
    subscriber_id: str
    context: Mapping[str, Any]
    message: Mapping[str, Any]
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The `message` member of the callback `on_<action>` that answers."""

    message: Mapping[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An anticipated no: a request is answered by its callback with `error` at the root; a refused callback is kept.

    `code` is one of beckn.wire.errors.CODES (CTX_, AUT_, SCH_, NET_, BIZ_, POL_) or the application's own word.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, dict(details or {})


Handler = Callable[[Message], Reply | None]
Actions = dict[str, Handler]
