"""What the seller answered to a buyer's questions about a purchase: where delivery stands, a rating, support.

Read from the seller's own messages; whatever they do not say, or say unreadably, is left empty. An address is repeated only as
the text that it is, and followed only where it begins like one of the web.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from beckn.models import OutboxMessage
from marketplace.models import Purchase
from marketplace.queries.messages import MessageRow
from marketplace.wire.purchase import exact

TITLES = {"track": "Where delivery stands", "rate": "Rating", "support": "Support"}
GIVEN_UP = frozenset({OutboxMessage.State.DEAD.value, OutboxMessage.State.REFUSED.value})
LONGEST = 500
MOST_CHANNELS = 10


@dataclass(frozen=True, slots=True)
class Tracking:
    """How a dispatch goes. `delivered_kw` is None without a reading, which carries its time, label and source."""

    status: str
    url: str
    delivered_kw: Decimal | None
    period_start: datetime | None
    as_of: datetime | None
    label: str
    source: str


@dataclass(frozen=True, slots=True)
class Rating:
    """The score that the seller kept, and the scale it is on."""

    value: Decimal
    lowest: Decimal | None
    highest: Decimal | None


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a question is followed up: an e-mail address or a web page, and the seller's ticket."""

    kind: str
    address: str
    ticket: str

    @property
    def link(self) -> str:
        """The address as a link, where it is one."""
        return link_of(self.address)


@dataclass(frozen=True, slots=True)
class Reply:
    """One question and the newest answer to it. `waiting`: it was asked again, or first, and the answer is due.

    `refusal` says why the seller would not answer, or why the question did not arrive. At most one of the last three is there.
    """

    word: str
    title: str
    waiting: bool
    received_at: datetime | None
    refusal_code: str
    refusal: str
    tracking: Tracking | None
    rating: Rating | None
    channels: tuple[Channel, ...]

    @property
    def is_empty(self) -> bool:
        """Whether an answer came that says nothing we can read."""
        told = self.refusal or self.refusal_code or self.tracking or self.rating or self.channels
        return self.received_at is not None and not told


def replies_of(purchase: Purchase, messages: Sequence[MessageRow]) -> tuple[Reply, ...]:
    """The questions that were asked about a purchase, with their answers. `messages` are its own, newest first."""
    found = [reply_to(purchase, word, is_waiting(word, messages)) for word in TITLES]
    return tuple(one for one in found if one.waiting or one.received_at)


def is_waiting(word: str, messages: Sequence[MessageRow]) -> bool:
    """Whether the newest question of this kind is on its way or not answered yet."""
    asked = next((one for one in messages if (one.direction, one.action) == ("out", word)), None)
    if asked is None or asked.state in GIVEN_UP:
        return False
    answered = {one.message_id for one in messages if (one.direction, one.action) == ("in", f"on_{word}")}
    return asked.message_id not in answered


def reply_to(purchase: Purchase, word: str, waiting: bool) -> Reply:
    """One question."""
    told = mapping(exact(purchase.answers).get(f"on_{word}"))
    message, error = mapping(told.get("message")), mapping(told.get("error"))
    return Reply(
        word=word,
        title=TITLES[word],
        waiting=waiting,
        received_at=moment(told.get("received_at")),
        refusal_code=text(error.get("errorCode") or error.get("code")),
        refusal=text(error.get("errorMessage") or error.get("message")),
        tracking=tracking_of(mapping(message.get("tracking"))) if word == "track" else None,
        rating=rating_of(message.get("ratings")) if word == "rate" else None,
        channels=channels_of(mapping(message.get("support"))) if word == "support" else (),
    )


def tracking_of(told: Mapping[str, Any]) -> Tracking | None:
    """The tracking of an on_track, or None without a status."""
    attributes = mapping(told.get("trackingAttributes"))
    if not text(told.get("status")):
        return None
    return Tracking(
        status=text(told.get("status")),
        url=text(told.get("url")),
        delivered_kw=number(attributes.get("deliveredKw")),
        period_start=moment(attributes.get("periodStart")),
        as_of=moment(attributes.get("asOf")),
        label=text(attributes.get("label")),
        source=text(attributes.get("source")),
    )


def rating_of(told: Any) -> Rating | None:
    """The first rating that was kept, or None without a value."""
    scale = mapping(mapping(told[0]).get("range")) if isinstance(told, list) and told else {}
    value = number(scale.get("value"))
    return Rating(value, number(scale.get("min")), number(scale.get("max"))) if value is not None else None


def channels_of(told: Mapping[str, Any]) -> tuple[Channel, ...]:
    """Channels with an address."""
    entries = told.get("channels")
    found = [mapping(one) for one in entries[:MOST_CHANNELS]] if isinstance(entries, list) else []
    made = [
        Channel(text(one.get("@type")), text(one.get("email") or one.get("url")), text(one.get("ticket")))
        for one in found
    ]
    return tuple(one for one in made if one.address)


def link_of(address: str) -> str:
    """A web address or an e-mail address as a link, anything else not.

    >>> link_of("https://seller.example/1"), link_of("help@seller.example"), link_of("javascript:alert(1)")
    ('https://seller.example/1', 'mailto:help@seller.example', '')
    """
    if address.startswith(("https://", "http://")):
        return address
    name, at, host = address.partition("@")
    plain = name and host and all(letter.isalnum() or letter in ".-_+" for letter in name + host)
    return f"mailto:{address}" if at and plain else ""


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def text(value: Any) -> str:
    """A text of bounded length, or nothing."""
    return value[:LONGEST] if isinstance(value, str) else ""


def number(value: Any) -> Decimal | None:
    """A number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def moment(value: Any) -> datetime | None:
    """A time with a zone, or None."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
