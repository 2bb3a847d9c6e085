"""An application for the protocol's tests: it records what it is handed and answers, refuses or fails as told."""

from __future__ import annotations

from collections.abc import Callable

from beckn.ports import Message, Reply
from beckn.wire import schema
from tests.unit.beckn.messages import CONTRACT

seen: list[Message] = []
undelivered: list[tuple[Message, str, str]] = []
behaviour: list[Callable[[Message], Reply | None]] = []


def reset() -> None:
    """Forget everything, and answer with a contract again."""
    seen.clear()
    undelivered.clear()
    behaviour[:] = [answer]


def answer(message: Message) -> Reply | None:
    """A valid reply to a request, nothing to a callback."""
    if message.role == "bap":
        return None
    return Reply({"catalogs": []} if message.action == "discover" else {"contract": CONTRACT})


def handle(message: Message) -> Reply | None:
    """Record, then behave."""
    seen.append(message)
    return behaviour[0](message)


def on_undeliverable(message: Message, code: str, text: str) -> None:
    """Record."""
    undelivered.append((message, code, text))


ACTIONS = dict.fromkeys(schema.ACTIONS, handle)
