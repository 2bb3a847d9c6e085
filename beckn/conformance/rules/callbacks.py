"""Callbacks: one is owed for every 200, in the participant's name and for this message, and none for a NACK."""

from __future__ import annotations

import time

from beckn.conformance import speech
from beckn.conformance.kit import Kit
from beckn.conformance.listener import Callback
from beckn.conformance.official import UnusableError
from beckn.conformance.rule import BPP, Failed, NotTested, Rule
from beckn.conformance.speech import name_in
from beckn.wire import body, schema
from beckn.wire.errors import WireError
from beckn.wire.profile import PROFILES
from beckn.wire.v1 import shape

AHEAD_S = 5


def owed(kit: Kit) -> None:
    """It comes."""
    if not kit.acknowledged().callbacks:
        raise Failed(f"none came within {kit.patience.callback_s:g} s")


def same_message(kit: Kit) -> None:
    """It is found by the id of what it answers."""
    found = kit.callback()
    if found.message_id != kit.conversation.request.message_id:
        raise Failed(
            f"its messageId is {found.message_id or 'missing'}, the request's {kit.conversation.request.message_id}"
        )


def same_transaction(kit: Kit) -> None:
    """It belongs to the same deal."""
    asked = speech_member(kit, "transactionId")
    found = kit.callback().transaction_id
    if found != asked:
        raise Failed(f"its transactionId is {found or 'missing'}, the request's {asked}")


def speech_member(kit: Kit, name: str) -> str:
    """A member of the context that we sent."""
    return str(body.parse(kit.conversation.request.raw)["context"][name_in(kit.target.profile, name)])


def addressed(kit: Kit) -> None:
    """Its path, action and parties are those of an answer to us."""
    found, profile = kit.callback(), kit.target.profile
    wanted = {
        "action": speech.action_in(profile, f"on_{kit.action}"),
        "bapId": kit.main.subscriber_id,
        "bppId": kit.target.subscriber_id,
    }
    told = {name: found.context(name_in(profile, name)) for name in wanted}
    if told != wanted or found.action != wanted["action"]:
        raise Failed(f"it was posted to {found.action} with {told}; right is {wanted}")


def signed(kit: Kit) -> None:
    """Its signature is the participant's, over these bytes, at this time."""
    if problem := signature_problem(kit, kit.callback()):
        raise Failed(problem)


def signature_problem(kit: Kit, callback: Callback) -> str:
    """Why a callback is not signed as it should be, or nothing. With `onix` it is chained to the request it answers."""
    named = speech.parameters(callback.headers.get("authorization", ""))
    subscriber_id, _, rest = named.get("keyId", "").partition("|")
    public_key = kit.target.public_keys.get(rest.partition("|")[0], "")
    if subscriber_id != kit.target.subscriber_id or not public_key:
        return (
            f"it is signed as {named.get('keyId', 'nobody')!r}, not with a registered key of {kit.target.subscriber_id}"
        )
    times = named.get("created", ""), named.get("expires", "")
    if not all(one.isdigit() for one in times):
        return "its signature has no times"
    created, expires = map(int, times)
    if not created - AHEAD_S <= callback.at <= expires:
        return f"its signature is in force from {created} to {expires}, but it came at {callback.at:.0f}"
    chain = request_signature(kit, callback.message_id) if PROFILES[kit.target.profile].is_chained else ""
    text = speech.signing_string(callback.raw, created, expires, answering=chain)
    return "" if speech.is_signed(text, named, public_key) else "its signature does not fit its body"


def request_signature(kit: Kit, message_id: str) -> str:
    """The signature of the request with this id."""
    found = [request for request, _ in kit.answers if request.message_id == message_id]
    return speech.parameters(found[0].headers[1][1]).get("signature", "") if found else ""


def valid(kit: Kit) -> None:
    """It is shaped as its action wants it, by our own schemas."""
    judge = shape.validate if kit.target.is_v1 else schema.validate
    try:
        judge(body.parse(kit.callback().raw))
    except WireError as problem:
        raise Failed(str(problem)) from problem


def official(kit: Kit) -> None:
    """It is valid by the standard's own file."""
    if kit.official is None:
        raise NotTested("give the standard's OpenAPI file with --spec", by_choice=True)
    found = kit.callback()
    try:
        problem = kit.official.problem(found.action, body.parse(found.raw))
    except (UnusableError, WireError) as fault:
        raise NotTested(str(fault)) from fault
    if problem:
        raise Failed(problem)


def retried(kit: Kit) -> None:
    """A callback that was not taken comes again: the same message, signed anew."""
    request = kit.sealed(kit.told())
    kit.listener.fail_once.add(request.message_id)
    if kit.send(request).status != 200:
        raise NotTested("a good message was not acknowledged")
    if not kit.callbacks_to(request):
        raise NotTested("no callback came the first time")
    found = kit.callbacks_to(request, count=2, seconds=kit.patience.retry_s)
    if len(found) < 2:
        raise Failed(f"it was answered 503 and did not come again within {kit.patience.retry_s:g} s")
    if found[1].raw != found[0].raw:
        raise Failed("it came again with other bytes; a repeat must be a copy")


def once(kit: Kit) -> None:
    """A callback that was taken does not come again."""
    kit.callback()
    found = kit.callbacks_to(kit.conversation.request, count=2, seconds=kit.patience.settle_s)
    if len(found) > 1:
        raise Failed(f"{len(found)} callbacks came for one message")


def none_refused(kit: Kit) -> None:
    """What was refused has no answer later. Looks at everything the run has sent."""
    time.sleep(kit.patience.settle_s)
    taken = {request.message_id for request, answer in kit.answers if answer.status == 200}
    late = [one for one in list(kit.listener.received) if one.message_id in kit.refused - taken]
    if late:
        raise Failed(f"{len(late)} callbacks came for refused messages, the first to {late[0].action}")


RULES = (
    Rule("callback-owed", "A message that is acknowledged with 200 is answered by a callback.", owed, roles=BPP),
    Rule("callback-message", "A callback has the messageId of what it answers.", same_message, roles=BPP),
    Rule("callback-transaction", "A callback has the transactionId of what it answers.", same_transaction, roles=BPP),
    Rule("callback-addressed", "A callback names its action and both parties.", addressed, roles=BPP),
    Rule("callback-signed", "A callback is signed by the participant.", signed, roles=BPP),
    Rule("callback-valid", "A callback is shaped as its action wants it.", valid, roles=BPP),
    Rule("callback-official", "A callback is valid by the standard's own file.", official, roles=BPP),
    Rule("callback-once", "A callback that was taken does not come again.", once, roles=BPP),
    Rule("callback-retried", "A callback that was answered 503 comes again as a copy.", retried, roles=BPP),
)
LAST = (Rule("callback-none-refused", "A message that was refused has no callback.", none_refused, roles=BPP),)
