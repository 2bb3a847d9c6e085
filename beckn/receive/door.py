"""From an HTTP request to a receipt. Every refusal says what is wrong; none is a 500 that input could cause."""

from __future__ import annotations

import logging
import re

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from beckn import egress, inbox, keys, ports
from beckn.receive import asgi, challenge
from beckn.receive.asgi import Answer
from beckn.receive.known_keys import KnownKeys
from beckn.receive.refusals import Refusals
from beckn.receive.writer import Writer
from beckn.registry import DECISIVE, Record
from beckn.wire import actions, receipts, signing
from beckn.wire.errors import WireError

log = logging.getLogger(__name__)
PATH = re.compile(r"/beckn/(?P<role>bap|bpp|ds)/(?P<action>[a-z_/]{1,40})")
ID = re.compile(rb'"messageId"\s*:\s*"([0-9a-fA-F-]{36})"')
KEYS = KnownKeys(lambda: egress.ask_registry if settings.BECKN_REGISTRY_URL else None)
WRITER, REFUSALS = Writer(), Refusals()
ON_SUBSCRIBE = "on_subscribe"


async def application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """The ASGI application for everything under /beckn/bpp/ and /beckn/bap/."""
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
    found = PATH.fullmatch(scope["path"])
    role, action = (found["role"], found["action"]) if found else ("", "")
    if actions.known(action, role) is None and action != ON_SUBSCRIBE:
        return asgi.problem(404, "There is no such action here. Post to /beckn/bpp/<action> or /beckn/bap/on_<action>.")
    if scope["method"] != "POST":
        return asgi.problem(405, "Messages are POSTed.", Allow="POST")
    raw = b""
    try:
        raw = await read(scope, receive)
        if action == ON_SUBSCRIBE:
            sent = header(scope, b"authorization")
            return Answer(200, await challenge.answer(raw, authorization=sent, role=role, known=KEYS))
        return Answer(200, await accept(scope, raw, role=role, action=action))
    except WireError as problem:
        REFUSALS.note(problem, raw, scope=scope, role=role, authorization=claimed(scope))
        return refuse(problem, raw, role=role)


def claimed(scope: asgi.Scope) -> str:
    """The Authorization header of a refused request; empty when there is not exactly one."""
    try:
        return header(scope, b"authorization")
    except WireError:
        return ""


async def read(scope: asgi.Scope, receive: asgi.Receive) -> bytes:
    """The body, if it is what it should be: JSON in UTF-8, unencoded, of bounded size."""
    kind, _, parameter = header(scope, b"content-type").partition(";")
    charset = parameter.lower().replace(" ", "").replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise WireError("SCH_INVALID_FORMAT", "Send Content-Type: application/json in UTF-8.", http_status=415)
    if header(scope, b"content-encoding").lower() not in ("", "identity"):
        raise WireError("SCH_INVALID_FORMAT", "Send the body without Content-Encoding.", http_status=415)
    limit = settings.BECKN_MAX_BODY
    length = header(scope, b"content-length")
    try:
        if length.isdigit() and int(length[:12]) > limit:
            raise asgi.TooLargeError
        return await asgi.read_body(receive, limit=limit)
    except asgi.TooLargeError as problem:
        raise WireError("SCH_INVALID_FORMAT", f"The body is longer than {limit} bytes.", http_status=413) from problem


def header(scope: asgi.Scope, name: bytes) -> str:
    """A header that may stand once."""
    try:
        return asgi.header(scope, name)
    except ValueError as problem:
        code = "AUT_SIGNATURE_INVALID" if name == b"authorization" else "SCH_INVALID_FORMAT"
        raise WireError(code, f"Send each header once: {problem}.") from problem


async def accept(scope: asgi.Scope, raw: bytes, *, role: str, action: str) -> bytes:
    """The receipt of a message that is stored by the time this returns."""
    if action not in ports.handlers(role):
        raise WireError("NET_NOT_IMPLEMENTED", f"{action} is not served here.", "/context/action")
    authorization = header(scope, b"authorization")
    signature = signing.parse(authorization)
    now = timezone.now()
    signing.check_times(signature, now=now)
    key = (signature.subscriber_id, signature.key_id)
    signer = await KEYS.find(key)

    def judge(signer: Record) -> inbox.Judged:
        return inbox.judge(
            raw, authorization=authorization, signature=signature, signer=signer, role=role, action=action, now=now
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
    return (await WRITER.put(judged)).receipt


def refuse(problem: WireError, raw: bytes, *, role: str) -> Answer:
    """The NACK. The message id is only quoted if it can be found; a refused body need not even be JSON."""
    found = ID.search(raw)
    receipt = receipts.nack(
        problem,
        request=raw,
        message_id=found.group(1).decode().lower() if found else "",
        signer=keys.own(role),
        now=timezone.now(),
    )
    headers = {}
    if problem.http_status == 401:
        realm = settings.BECKN_PARTICIPANTS[role]["subscriber_id"]
        headers["WWW-Authenticate"] = f'Signature realm="{realm}",headers="{signing.LINES}"'
    if problem.http_status == 503:
        headers["Retry-After"] = "1"
    return Answer(problem.http_status, receipt, headers)
