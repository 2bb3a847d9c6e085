"""The Beckn journal as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message, sent or received."""

    id: int
    direction: str
    at: datetime
    way: str
    action: str
    peer: str
    state: str
    state_name: str
    note: str
    message_id: str


def messages_of(transactions: Sequence[str], *, role: str) -> tuple[MessageRow, ...]:
    """Messages of these transactions."""
    return ()
