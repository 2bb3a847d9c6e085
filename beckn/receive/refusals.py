"""The journal of requests that became no message, so that an operator can help a peer whose messages are refused.

Anybody can cause a refusal, so everything here is bounded: entries a minute (each address, and all together), rows in the
table (again both), bytes of the body. What is not written is counted and said with the next entry. Writing happens in its
own thread, and never delays or changes an answer.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.utils import timezone

from beckn.models import RefusedRequest
from beckn.wire import signing
from beckn.wire.errors import WireError

log = logging.getLogger(__name__)
KEPT, KEPT_EACH = 1000, 50
A_MINUTE, A_MINUTE_EACH = 120, 20
FIRST_BYTES = 512
MOST_WAITING = 200


class Refusals:
    """Started by the first refusal; it ends with the process. Losing an entry here loses no message."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[RefusedRequest] = queue.Queue(MOST_WAITING)
        self.thread: threading.Thread | None = None
        self.lock = threading.Lock()
        self.minute, self.noted, self.unrecorded = 0, Counter[str](), Counter[str]()

    def note(self, problem: WireError, raw: bytes, *, scope: Mapping[str, Any], role: str, authorization: str) -> None:
        """Remember a refusal, if there is room for it."""
        address = str((scope.get("client") or ("",))[0])[:64]
        if not self.has_room(address):
            return
        entry = entry_of(problem, raw, path=scope["path"], role=role, authorization=authorization)
        entry.address, entry.unrecorded = address, self.unrecorded.pop(address, 0)
        try:
            self.waiting.put_nowait(entry)
        except queue.Full:
            self.unrecorded[address] += entry.unrecorded + 1
            return
        if self.thread is None:
            self.thread = threading.Thread(target=self.write, name="refusals", daemon=True)
            self.thread.start()

    def has_room(self, address: str) -> bool:
        """Whether another entry of this address may be written in this minute; counts it either way."""
        with self.lock:
            if (minute := int(time.monotonic() // 60)) != self.minute:
                self.minute, self.noted = minute, Counter()
            if self.noted.total() >= A_MINUTE or self.noted[address] >= A_MINUTE_EACH:
                if address in self.unrecorded or len(self.unrecorded) < KEPT:
                    self.unrecorded[address] += 1
                return False
            self.noted[address] += 1
            return True

    def write(self) -> None:
        """Entry after entry."""
        while True:
            entry = self.waiting.get()
            try:
                store(entry)
            except Exception as problem:  # noqa: BLE001 - a journal that stops at its first fault is none
                log.warning("a refusal was not recorded: %s", problem)
            finally:
                connection.close()


def entry_of(problem: WireError, raw: bytes, *, path: str, role: str, authorization: str) -> RefusedRequest:
    """The row of a refusal. What the header claims is kept as a claim."""
    try:
        claim = signing.parse(authorization)
        claimed, key_id = claim.subscriber_id, claim.key_id
    except WireError:
        claimed = key_id = ""
    return RefusedRequest(
        at=timezone.now(),
        path=path[:120],
        role=role,
        claimed=claimed[:255],
        key_id=key_id[:80],
        status=problem.http_status,
        code=problem.code,
        reason=printable(problem.message)[:500],
        pointer=printable(problem.path)[:300],
        size=len(raw),
        digest=hashlib.blake2b(raw, digest_size=64).hexdigest(),
        beginning=raw[:FIRST_BYTES],
    )


def printable(text: str) -> str:
    """A text every database keeps: what cannot be printed is shown as an escape."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def store(entry: RefusedRequest) -> None:
    """Write one entry, and let go of the oldest beyond what is kept."""
    entry.save()
    rows = RefusedRequest.objects.order_by("-at", "-pk")
    for kept, most in ((rows, KEPT), (rows.filter(address=entry.address), KEPT_EACH)):
        beyond = list(kept.values_list("pk", flat=True)[most : most + MOST_WAITING])
        if beyond:
            RefusedRequest.objects.filter(pk__in=beyond).delete()
