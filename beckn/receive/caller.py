"""The unsigned side of the adapter: POST /bap/caller/<action> and /bpp/caller/<action>, by an application of our own.

Off unless the settings open it, and then only for whom they name. What is said goes to whom the registry confirms, and the
answer is that peer's receipt; where none came yet, 202 says so, and the outbox goes on trying.
"""

from __future__ import annotations

import re
from functools import partial

from django.conf import settings
from django.utils import timezone

from beckn.adapter import admission, speech
from beckn.outbox import LEASE
from beckn.receive import asgi
from beckn.receive.answered import message_id_in
from beckn.receive.asgi import Answer
from beckn.receive.reading import header, read
from beckn.receive.threads import Threads
from beckn.wire import body, receipts
from beckn.wire.errors import WireError

PATH = re.compile(r"/(?P<role>bap|bpp)/caller/(?P<word>[a-z_/]{1,40})")
PREFIXES = ("/bap/caller/", "/bpp/caller/")
PROOF = "X-Beckn-Receipt"  # SIGNED, UNSIGNED or INVALID: whether the peer signed the receipt back
THREADS = Threads("caller", size=16, most=64)


async def respond(scope: asgi.Scope, receive: asgi.Receive) -> Answer:
    """Is it open, may they, is it a message; then say it."""
    found = PATH.fullmatch(scope["path"])
    if not settings.BECKN_ADAPTER or found is None:
        return asgi.problem(404, "There is no such address here. The adapter may be off (BECKN_ADAPTER).")
    if not admitted(scope):
        return asgi.problem(
            401,
            "Send Authorization: Bearer and the secret of BECKN_ADAPTER_SECRET, or call directly from a network in "
            "BECKN_ADAPTER_NETWORKS.",
            WWW_Authenticate='Bearer realm="caller"',
        )
    if scope["method"] != "POST":
        return asgi.problem(405, "Messages are POSTed.", Allow="POST")
    raw = b""
    try:
        raw = await read(scope, receive)
        return await speak(raw, found["role"], found["word"])
    except WireError as problem:
        return refuse(problem, raw)


def admitted(scope: asgi.Scope) -> bool:
    """Whether this request may use the unsigned side."""
    try:
        authorization = header(scope, b"authorization")
    except WireError:
        return False
    names = {name.decode("latin-1").lower() for name, _ in scope["headers"]}
    address = str((scope.get("client") or ("",))[0])
    return admission.is_admitted(address=address, authorization=authorization, names=names)


async def speak(raw: bytes, role: str, word: str) -> Answer:
    """Store it, send it, and tell what became of it."""
    pk, is_new = await THREADS.run(partial(speech.say, raw, role=role, word=word, now=timezone.now()))
    if is_new:
        await THREADS.run(lambda: speech.deliver(pk, now=timezone.now()))
    said = await THREADS.until_known(lambda: speech.said(pk, now=timezone.now()), within_s=LEASE.total_seconds())
    return Answer(said.status, said.body, {PROOF: said.proof} if said.proof else {})


def refuse(problem: WireError, raw: bytes) -> Answer:
    """A NACK in the words of a receipt. It is not signed: it is for ourselves."""
    told = receipts.merged("NACK", message_id_in(raw), problem)
    again = {"Retry-After": "1"} if problem.http_status == 503 else {}
    return Answer(problem.http_status, body.dump(told), again)
