"""From an HTTP request to a receipt. Every refusal says what is wrong; none is a 500 that input could cause."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from beckn import egress, inbox, keys, ports
from beckn.receive import asgi, caller, challenge, relayed
from beckn.receive.answered import answered_by, message_id_in
from beckn.receive.asgi import Answer
from beckn.receive.known_keys import KnownKeys
from beckn.receive.reading import header, read
from beckn.receive.refusals import Refusals
from beckn.receive.writer import Writer
from beckn.registry import DECISIVE, Record
from beckn.wire import dialect, receipts, signing
from beckn.wire.errors import WireError
from beckn.wire.profile import V1, Profile, named

log = logging.getLogger(__name__)
PATH = re.compile(r"/beckn/(?P<role>bap|bpp|ds)/(?P<action>[a-z_/]{1,40})")
RECEIVER = re.compile(
    r"/(?P<role>bap|bpp)/receiver/(?P<action>[a-z_/]{1,40})"
)  # the same door, where an adapter has it
KEYS = KnownKeys(lambda: egress.ask_registry if settings.BECKN_REGISTRY_URL else None)
WRITER, REFUSALS = Writer(), Refusals()
ON_SUBSCRIBE = "on_subscribe"


@dataclass(slots=True)
class Call:
    """A request as far as we know it: the role and word of its address, the action that means, and how its sender speaks."""

    scope: asgi.Scope
    role: str
    word: str
    action: str
    profile: Profile
    raw: bytes = b""
    authorization: str = ""
    at_receiver: bool = False

    @classmethod
    def of(cls, scope: asgi.Scope) -> Call:
        """What the address says. Until we know the sender, it speaks as its words do, or as most do here."""
        adapter = RECEIVER.fullmatch(scope["path"]) if settings.BECKN_ADAPTER else None
        found = adapter or PATH.fullmatch(scope["path"])
        role, word = (found["role"], found["action"]) if found else ("", "")
        action = dialect.action_of(word, role)
        old = action and word not in (action, "rating", "on_rating") and word == dialect.word_of(action, V1)
        profile = V1 if old else named(settings.BECKN_PROFILE)
        return cls(scope, role, word, action, profile, at_receiver=adapter is not None)


async def application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """The ASGI application for everything under /beckn/bpp/ and /beckn/bap/, and for the adapter's addresses."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    try:
        answer = await respond(scope, receive)
    except asgi.GoneError:
        answer = asgi.problem(408, "The body did not arrive in time.", Connection="close")
    except ImproperlyConfigured as problem:
        log.error("%s", problem)
        answer = asgi.problem(503, "This participant has no signing key yet.", Retry_After="5")
    except Exception:
        log.exception("a request to %s was not answered as it should", scope["path"])
        answer = asgi.problem(500, "A fault of ours. Nothing was acknowledged; send again.")
    await asgi.write(send, answer)


async def live(receive: asgi.Receive, send: asgi.Send) -> None:
    """Lifespan, when served alone: on shutdown, store what is waiting."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    if WRITER.threads:
        WRITER.stop()
    await send({"type": "lifespan.shutdown.complete"})


async def respond(scope: asgi.Scope, receive: asgi.Receive) -> Answer:
    """Address and method first, then the body, then the message."""
    if scope["path"].startswith(caller.PREFIXES):
        return await caller.respond(scope, receive)
    call = Call.of(scope)
    if not call.action and call.word != ON_SUBSCRIBE:
        return asgi.problem(404, "There is no such action here. Post to /beckn/bpp/<action> or /beckn/bap/on_<action>.")
    if scope["method"] != "POST":
        return asgi.problem(405, "Messages are POSTed.", Allow="POST")
    try:
        call.raw = await read(scope, receive)
        call.authorization = header(scope, b"authorization")
        if call.word == ON_SUBSCRIBE:
            sent = call.authorization
            return Answer(200, await challenge.answer(call.raw, authorization=sent, role=call.role, known=KEYS))
        return await accept(call)
    except WireError as problem:
        REFUSALS.note(problem, call.raw, scope=scope, role=call.role, authorization=claimed(scope))
        return refuse(problem, call)


def claimed(scope: asgi.Scope) -> str:
    """The Authorization header of a refused request; empty when there is not exactly one."""
    try:
        return header(scope, b"authorization")
    except WireError:
        return ""


async def accept(call: Call) -> Answer:
    """The receipt of a message that is stored by the time this returns."""
    raw, role, action = call.raw, call.role, call.action
    if action not in ports.handlers(role):
        raise WireError("NET_NOT_IMPLEMENTED", f"{call.word} is not served here.", "/context/action")
    signature = signing.parse(call.authorization)
    now = timezone.now()
    signing.check_times(signature, now=now)
    key = (signature.subscriber_id, signature.key_id)
    signer = await KEYS.find(key)
    call.profile = signer.profile
    answered = await answered_by(
        raw, profile=signer.profile, role=role, peer=key[0], action=action, threads=KEYS.threads
    )

    def judge(signer: Record) -> inbox.Judged:
        return inbox.judge(
            raw,
            authorization=call.authorization,
            signature=signature,
            signer=signer,
            role=role,
            action=action,
            now=now,
            word=call.word,
            answered=answered,
        )

    try:
        judged = judge(signer)
    except WireError as problem:
        # The key may have been replaced under its id since we looked.
        newer = await KEYS.refresh(key, signer) if problem.code == "AUT_SIGNATURE_INVALID" else None
        if newer is None:
            raise
        judged = judge(newer)
    if action in DECISIVE:
        await KEYS.check_now(key)
    if await relayed.is_for_application(judged, at_receiver=call.at_receiver):
        given = await relayed.hand_over(judged, word=call.word, writer=WRITER)
        return Answer(given.status, given.body, proof(call, given.body))
    receipt = (await WRITER.put(judged)).receipt
    if not receipt:  # it went to an application that is not there any more, and never answered
        raise WireError("NET_DOWNSTREAM_UNAVAILABLE", "Whoever was to handle this does not answer.", http_status=503)
    return Answer(judged.status, receipt, proof(call, receipt))


def refuse(problem: WireError, call: Call) -> Answer:
    """The NACK. The message id is only quoted if it can be found; a refused body need not even be JSON."""
    receipt = receipts.nack(
        problem,
        request=call.raw,
        message_id=message_id_in(call.raw),
        signer=keys.own(call.role),
        now=timezone.now(),
        form=call.profile.receipts,
    )
    headers = proof(call, receipt)
    if problem.http_status == 401:
        realm = settings.BECKN_PARTICIPANTS[call.role]["subscriber_id"]
        headers["WWW-Authenticate"] = f'Signature realm="{realm}",headers="{signing.LINES}"'
    if problem.http_status == 503:
        headers["Retry-After"] = "1"
    return Answer(problem.http_status, receipt, headers)


def proof(call: Call, receipt: bytes) -> dict[str, str]:
    """The receipt's signature where it is a header: over the receipt and the signature it answers, if that can be read."""
    if not call.profile.is_chained:
        return {}
    try:
        answering = signing.value_of(call.authorization)
    except WireError:
        answering = ""
    return {"Signature": signing.sign(receipt, keys.own(call.role), now=timezone.now(), answering=answering)}
