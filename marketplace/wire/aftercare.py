"""Tracking, ratings and support on the wire, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from marketplace.models import Order
from marketplace.rules.errors import MarketError
from marketplace.wire.catalogue import SCHEMA
from marketplace.wire.series import instant, number

LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True, slots=True)
class Live:
    """How a dispatch is going. `delivered_kw` is None while there is no reading of it; figures carry their label."""

    is_active: bool
    delivered_kw: Decimal | None = None
    period_start: Any = None
    as_of: Any = None
    label: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rating:
    """A score between two ends for an order."""

    order_id: str
    score: Decimal
    lowest: Decimal
    highest: Decimal


@dataclass(frozen=True, slots=True)
class Question:
    """What a buyer asks about an order; `subject` is a word like SETTLEMENT_QUERY, or a sentence."""

    order_id: str
    subject: str


def order_page(order_id: str) -> str:
    """Where the seller's people see the order."""
    return f"{settings.PUBLIC_URL}/orders/{order_id}"


def check_order_id(order: Order, told: Any) -> None:
    """Raise MarketError unless the contract that a message names is the order of its transaction."""
    if told and str(told).lower() != str(order.pk):
        raise MarketError("BIZ_ORDER_NOT_FOUND", f"The order of this transaction is not {str(told)[:60]}.")


def tracking_answer(order: Order, live: Live) -> dict[str, Any]:
    """tracking with FlexTracking."""
    attributes: dict[str, Any] = {
        "@context": f"{SCHEMA}/FlexTracking/v1.0/context.jsonld",
        "@type": "FlexTracking",
        "transport": "POLL",
        "resolution": "PT30M",
    }
    if live.delivered_kw is not None:
        attributes |= {
            "deliveredKw": number(live.delivered_kw),
            "periodStart": instant(live.period_start),
            "asOf": instant(live.as_of),
            "label": live.label,
            "source": live.source,
        }
    return {
        "url": order_page(str(order.pk)),
        "status": "ACTIVE" if live.is_active else "INACTIVE",
        "trackingAttributes": attributes,
    }


def read_rating(told: Mapping[str, Any]) -> Rating:
    """One of ratingInputs. Raises MarketError naming the missing or impossible value."""
    target, scale = told["target"], told["range"]
    values = [scale.get("value"), scale.get("min", LOWEST), scale.get("max", HIGHEST)]
    if not all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in values):
        raise MarketError(
            "BIZ_INVALID_RATING_VALUE", "range needs the numbers value, min and max.", fix="Send a number."
        )
    score, lowest, highest = (Decimal(value) for value in values)
    if not lowest <= score <= highest:
        raise MarketError(
            "BIZ_INVALID_RATING_VALUE",
            f"{score} is not between {lowest} and {highest}.",
            fix="Send a score in the range.",
        )
    return Rating(str(target.get("id") or ""), score, lowest, highest)


def rating_entry(rating: Rating) -> dict[str, Any]:
    """One of ratings, as it was kept."""
    scale = {"min": number(rating.lowest), "max": number(rating.highest), "value": number(rating.score)}
    return {"target": {"id": rating.order_id, "descriptor": {"code": "CONTRACT"}}, "range": scale}


def read_question(told: Mapping[str, Any]) -> Question:
    """A support request. Raises MarketError when it names no order."""
    if not told.get("orderId"):
        raise MarketError("SCH_REQUIRED_FIELD_MISSING", "support.orderId is missing.", fix="Name the order.")
    about = told.get("descriptor") or {}
    return Question(str(told["orderId"]), str(about.get("code") or about.get("name") or "GENERAL")[:80])


def support_answer(question: Question, *, ticket: str) -> dict[str, Any]:
    """support with the channels on which the question is followed up, each naming the ticket."""
    context = f"{SCHEMA}/SupportChannel/v1.0/context.jsonld"
    channels: list[dict[str, Any]] = [
        {"@context": context, "@type": "WebChannel", "url": order_page(question.order_id), "ticket": ticket}
    ]
    if settings.BECKN_SUPPORT_EMAIL:
        email = {"@context": context, "@type": "EmailChannel", "email": settings.BECKN_SUPPORT_EMAIL, "ticket": ticket}
        channels.insert(0, email)
    return {"orderId": question.order_id, "descriptor": {"code": question.subject}, "channels": channels}
