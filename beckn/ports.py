"""What the protocol asks of the application above it: one handler per action, a reply or a refusal.

A handler module (settings.BECKN_HANDLERS, one per role, by dotted path) has `ACTIONS: dict[str, Handler]`. Handlers run in
the worker, inside the one transaction that also marks the message handled and stores the callback. The module may also
have `on_undeliverable`, which is told of a message of ours that the peer refused or that could not be delivered in its
time, so that nobody waits for an answer that cannot come. This room knows no application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Message:
    """A verified, validated message from `subscriber_id`. Numbers in `message` are int or Decimal, never float.

    `digest` is the BLAKE2b-512 of its bytes as they came, in hex, for whoever must name what was signed; empty for our own.
    """

    role: str
    action: str
    subscriber_id: str
    context: Mapping[str, Any]
    message: Mapping[str, Any]
    error: Mapping[str, Any] | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The `message` member of the callback that answers. `error` says beside it what the answer lacks, if it lacks anything."""

    message: Mapping[str, Any]
    error: Mapping[str, Any] | None = None


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An anticipated no: a request is answered by its callback with `error` at the root; a refused callback is kept.

    `code` is one of beckn.wire.errors.CODES (CTX_, AUT_, SCH_, NET_, BIZ_, POL_) or the application's own word.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, dict(details or {})


Handler = Callable[[Message], Reply | None]
Actions = dict[str, Handler]
# Told (message, code, text); in `message`, `subscriber_id` is the peer that our message never reached or that refused it.
Undeliverable = Callable[[Message, str, str], None]


def handlers(role: str) -> Actions:
    """The actions the application handles as `role`."""
    actions: Actions = module_at(settings.BECKN_HANDLERS[role]).ACTIONS
    return actions


@cache
def module_at(path: str) -> ModuleType:
    """A handler module; asked for at every message."""
    return import_module(path)


def undeliverable(role: str) -> Undeliverable | None:
    """The application's `on_undeliverable` for `role`, if it has one."""
    hook: Undeliverable | None = getattr(module_at(settings.BECKN_HANDLERS[role]), "on_undeliverable", None)
    return hook
