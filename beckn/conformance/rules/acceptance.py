"""What must be taken: good messages, also in forms that only a strict reader of the wrong thing would refuse."""

from __future__ import annotations

import json

from beckn.conformance import receipt
from beckn.conformance.exchange import Request
from beckn.conformance.kit import Kit, describe
from beckn.conformance.rule import Failed, Rule


def valid(kit: Kit) -> None:
    """The message every other rule leans on."""
    answer = kit.conversation.answer
    if answer.status != 200:
        raise Failed(f"it was answered {describe(answer)}")


def raw_bytes(kit: Kit) -> None:
    """The same JSON written with other white space: whoever signs what it parsed and wrote again loses the digest."""
    told = kit.told()
    raw = json.dumps(told, indent=2).encode() + b"\n"
    kit.accepted(kit.sealed(told, raw), "a body with line breaks, signed as it is,")


def other_spelling(kit: Kit) -> None:
    """Parameters in another order, with spaces after the commas."""
    request = kit.sealed(kit.told())
    name, value = request.headers[1]
    kind, _, rest = value.partition(" ")
    spelt = f"{kind} {', '.join(reversed(rest.split(',')))}"
    sent = Request(request.path, request.raw, (request.headers[0], (name, spelt)), request.message_id)
    kit.accepted(sent, "a signature with its parameters in another order")


def charset(kit: Kit) -> None:
    """application/json; charset=utf-8 says nothing new."""
    request = kit.sealed(kit.told())
    headers = (("Content-Type", "application/json; charset=utf-8"), request.headers[1])
    kit.accepted(Request(request.path, request.raw, headers, request.message_id), "charset=utf-8")


def unicode_text(kit: Kit) -> None:
    """Text beyond ASCII, as UTF-8 and not escaped, in a place that is open to more members."""
    told = kit.told() | {"note": "£ 5 — électricité"}
    kit.accepted(kit.sealed(told, json.dumps(told, ensure_ascii=False).encode()), "UTF-8 text")


def other_role(kit: Kit) -> None:
    """An ACK is an ACK in the body too."""
    answer = kit.acknowledged().answer
    status = receipt.status_of(kit.target.profile, answer)
    if status and status != "ACK":
        raise Failed(f"HTTP 200 came with {status}")


RULES = (
    Rule("accept-valid", "A well-formed, signed message is acknowledged with HTTP 200.", valid),
    Rule("accept-raw-bytes", "The signature is verified on the bytes as sent, whatever their white space.", raw_bytes),
    Rule(
        "accept-header-order", "Signature parameters may come in any order, with spaces between them.", other_spelling
    ),
    Rule("accept-charset", "Content-Type application/json; charset=utf-8 is taken.", charset),
    Rule("accept-utf8", "Text beyond ASCII in UTF-8 is taken.", unicode_text),
    Rule("accept-means-ack", "HTTP 200 never comes with a NACK.", other_role),
)
