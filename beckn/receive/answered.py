"""What the request was signed with that a callback claims to answer: asked in a thread, and only where a profile needs it."""

from __future__ import annotations

import asyncio
import re
import uuid
from concurrent.futures import Executor

from django.db import connection

from beckn import journal
from beckn.wire import actions
from beckn.wire.profile import Profile

ID = re.compile(rb'"message_?[iI]d"\s*:\s*"([0-9a-fA-F-]{36})"')


def message_id_in(raw: bytes) -> str:
    """The message id in a body that need not even be JSON, "" when none can be found."""
    found = ID.search(raw)
    return found.group(1).decode().lower() if found else ""


async def answered_by(
    raw: bytes, *, profile: Profile, role: str, peer: str, action: str, threads: Executor
) -> list[str]:
    """The Authorization headers of our request, one an attempt; empty unless the profile chains and it is a callback."""
    if not profile.is_chained or not actions.ACTIONS[action].is_callback:
        return []
    return await asyncio.get_running_loop().run_in_executor(threads, look_back, raw, role, peer, action)


def look_back(raw: bytes, role: str, peer: str, action: str) -> list[str]:
    """The same, in the thread; its database connection does not outlive the question."""
    try:
        message_id = uuid.UUID(message_id_in(raw))
    except ValueError:
        return []
    try:
        return journal.signed_with(role=role, peer=peer, action=action, message_id=message_id)
    finally:
        connection.close()
