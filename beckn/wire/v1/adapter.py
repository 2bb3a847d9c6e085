"""Whole bodies both ways, and the tag that makes the way there and back exact.

A message's plain form is made first, and made back at once; what then differs from the original goes into the tag
(beckn.wire.v1.patch). The receiver does the same in reverse, so both ends need nothing but this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beckn.wire.errors import WireError
from beckn.wire.v1 import catalogue, context, error, intent, order, patch, rating, support, tags, target, tracking
from beckn.wire.v1.member import Object, obj, objs, some, text
from beckn.wire.v1.names import action_of

HOLDERS = {
    "discover": "intent",
    "on_discover": "catalog",
}  # the member that holds the tag; else the order, else message
ALONE = frozenset({"discover", "on_discover", "select", "rate", "on_rate", "support", "on_support", "on_track"})
FIXED = (
    "action",
    "version",
    "networkId",
    "bapId",
    "bapUri",
    "bppId",
    "bppUri",
    "transactionId",
    "messageId",
    "timestamp",
)
Contract = Mapping[str, Any]


def to_v1(told: Object, *, contract: Contract | None = None) -> Object:
    """The form in 1.1 of a body of 2.0.0. `contract` is the deal as last spoken of, to say what an update changes."""
    action = told["context"]["action"]
    message = message_to_v1(action, told["message"], contract)
    found = {"context": context.to_v1(told["context"]), "message": message}
    if told.get("error"):
        found["error"] = error.to_v1(told["error"])
    rest = patch.between(plain(found, told["context"].get("networkId", "")), told)
    if rest or action not in ALONE:  # with the tag, even an empty one, a deal is never guessed from what came before
        holder = holder_of(action, message)
        holder["tags"] = [*objs(holder.get("tags")), tags.extension(rest)]
    return found


def to_v2(told: Object, *, network_id: str, contract: Contract | None = None) -> Object:
    """The form in 2.0.0 of a body of 1.1. `contract` is the deal as last spoken of, for what the message leaves out.

    Raises WireError, with a JSON pointer into the body of 1.1, when a member cannot be understood.
    """
    action, message = action_of(told["context"]["action"]), obj(told.get("message"))
    if action == "update" and contract:
        target.check(message.get("update_target"), order.to_v1(contract), obj(message.get("order")))
    rest = tags.read_extension(holder_of(action, message).get("tags"))
    if rest is not None:
        return extended(plain(told, network_id), rest)
    found = derived(told, network_id, contract)
    deal = found["message"].get("contract", obj(found["message"].get("tracking")).get("contract"))
    if deal is not None and not deal.get("commitments"):
        known = "message.order_id" if "order_id" in message else "message.order without items"
        path = "/message/order_id" if "order_id" in message else "/message/order/items"
        raise WireError("BIZ_ORDER_NOT_FOUND", f"{known} means an order that this transaction does not know.", path)
    return found


def extended(found: Object, rest: Object) -> Object:
    """The plain form with what the tag adds to it. Who speaks to whom, of what and when, no tag may change."""
    whole = obj(patch.applied(found, rest))
    if any(obj(whole.get("context")).get(name) != found["context"].get(name) for name in FIXED):
        raise WireError("SCH_SCHEMA_ADAPTATION_FAILED", "The beckn-v2 tag changes whom or what the message is for.")
    return whole


def needs_contract(told: Object) -> bool:
    """Whether a body of 1.1 can only be understood by who knows the deal."""
    action, message = action_of(told["context"]["action"]), obj(told.get("message"))
    if action in ALONE:
        return False
    tagged = tags.EXTENSION in tags.read(holder_of(action, message).get("tags"))
    return action == "update" or not tagged


def holder_of(action: str, message: Object) -> Object:
    """The object whose tags hold the extension."""
    member = HOLDERS.get(action, "order")
    return message[member] if isinstance(message.get(member), dict) else message


def plain(told: Object, network_id: str) -> Object:
    """What a body of 1.1 means without its tag and without knowing the deal; bare where that cannot be said."""
    try:
        return derived(told, network_id, None)
    except WireError:
        return {"context": context.to_v2(told["context"], network_id), "message": {}}


def derived(told: Object, network_id: str, contract: Contract | None) -> Object:
    """What a body of 1.1 means, its tag left aside."""
    action = action_of(told["context"]["action"])
    message = message_to_v2(action, obj(told.get("message")), told["context"], contract)
    found = {"context": context.to_v2(told["context"], network_id), "message": message}
    return found | ({"error": error.to_v2(told["error"])} if obj(told.get("error")) else {})


def message_to_v1(action: str, message: Object, contract: Contract | None) -> Object:
    """The message alone."""
    match action:
        case "discover":
            return {"intent": intent.to_v1(message.get("intent"))}
        case "on_discover":
            return {"catalog": catalogue.to_v1(message.get("catalogs"))}
        case "status":
            return some(order_id=text(obj(message.get("contract")).get("id")))
        case "cancel":
            return cancel_to_v1(obj(message.get("contract")))
        case "track":
            return tracking.asked_to_v1(message.get("tracking"))
        case "on_track":
            return {"tracking": tracking.to_v1(message.get("tracking"))}
        case "rate":
            return {"ratings": rating.to_v1(message.get("ratingInputs"))}
        case "on_rate":
            return {"feedback_form": {"required": False}}
        case "support" | "on_support":
            return {"support": support.to_v1(message.get("support"))}
    deal = order.to_v1(obj(message.get("contract")))
    changed = {"update_target": target.between(order.to_v1(contract) if contract else None, deal)}
    return (changed if action == "update" else {}) | {"order": deal}


def message_to_v2(action: str, message: Object, head: Mapping[str, Any], contract: Contract | None) -> Object:
    """And back."""
    match action:
        case "discover":
            return {"intent": intent.to_v2(message.get("intent"))}
        case "on_discover":
            return {"catalogs": catalogue.to_v2(obj(message.get("catalog")), head)}
        case "status":
            return {"contract": tracking.meant(message, contract)}
        case "cancel":
            return {"contract": cancel_to_v2(message, contract)}
        case "track":
            return {"tracking": tracking.asked_to_v2(message, head, contract)}
        case "on_track":
            return {"tracking": tracking.to_v2(message.get("tracking"), head)}
        case "rate":
            return {"ratingInputs": rating.to_v2(message.get("ratings"))}
        case "on_rate":
            return {"ratings": []}
        case "support" | "on_support":
            return {"support": support.to_v2(message.get("support"))}
    return {"contract": order.to_v2(obj(message.get("order")), head, contract)}


def cancel_to_v1(contract: Object) -> Object:
    """A cancellation with its reason."""
    reason = obj(contract.get("descriptor"))
    words = some(code=text(reason.get("code")), short_desc=text(reason.get("shortDesc")))
    return some(order_id=text(contract.get("id")), cancellation_reason_id=words.get("code"), descriptor=words)


def cancel_to_v2(message: Object, contract: Contract | None) -> Object:
    """And back: the reason stands in the contract's descriptor."""
    words = obj(message.get("descriptor"))
    code = text(message.get("cancellation_reason_id")) or text(words.get("code"))
    return tracking.meant(message, contract) | some(descriptor=some(code=code, shortDesc=text(words.get("short_desc"))))
