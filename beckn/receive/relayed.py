"""Messages for an application behind the adapter, on the event loop: stored like any other, then handed over and answered."""

from __future__ import annotations

from functools import partial

from django.utils import timezone

from beckn.adapter import relay, routing
from beckn.inbox import Judged
from beckn.models import InboxMessage
from beckn.receive.threads import Threads
from beckn.receive.writer import Writer

# Two sets: an application may speak before it has answered what it is asked, and must then not wait for itself.
ROUTING, RELAYING = Threads("routing", size=4, most=200), Threads("relaying", size=16, most=64)


async def is_for_application(judged: Judged, *, at_receiver: bool) -> bool:
    """Whether a verified message goes to the application. A preview, which is to have no effect, goes to nobody."""
    row = judged.row
    if not routing.application(row.role) or row.state != InboxMessage.State.RECEIVED:
        return False
    return await ROUTING.run(partial(routing.is_for_application, row, at_receiver=at_receiver))


async def hand_over(judged: Judged, *, word: str, writer: Writer) -> relay.Receipt:
    """The receipt that the application's answer led to. Raises WireError when there is none."""
    judged.row.receipt, judged.row.application_status = b"", 0
    pk = (await writer.put(judged)).pk
    return await RELAYING.until_known(
        lambda: relay.hand_over(pk, word=word, now=timezone.now()), within_s=relay.LEASE.total_seconds()
    )
