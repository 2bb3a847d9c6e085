"""What surrounds a deal: watching a delivery, a rating, a question, and what a discovery service made of our catalogue."""

from __future__ import annotations

from beckn.ports import Message, Reply
from marketplace import clock
from marketplace.bpp.answering import refusing, transaction_of
from marketplace.queries.tracking import tracking_of
from marketplace.usecases.hear_dispute import hear_dispute
from marketplace.usecases.initialise_order import order_of
from marketplace.usecases.note_publication import note_publication
from marketplace.usecases.open_ticket import open_ticket
from marketplace.usecases.rate_order import rate_order
from marketplace.wire.aftercare import (
    check_order_id,
    rating_entry,
    read_question,
    read_rating,
    support_answer,
    tracking_answer,
)
from marketplace.wire.dispute import dispute_answer, read_claim


@refusing
def track(message: Message) -> Reply:
    """How a dispatch is going, by the newest meter reading there is."""
    order = order_of(transaction_of(message), message.subscriber_id)
    check_order_id(order, (message.message["tracking"].get("contract") or {}).get("id"))
    return Reply({"tracking": tracking_answer(order, tracking_of(order, now=clock.now()))})


@refusing
def rate(message: Message) -> Reply:
    """A buyer's rating of an order, kept in the record."""
    ratings = [read_rating(told) for told in message.message["ratingInputs"]]
    for rating in ratings:
        rate_order(
            order_id=rating.order_id,
            buyer_subscriber_id=message.subscriber_id,
            score=rating.score,
            lowest=rating.lowest,
            highest=rating.highest,
            now=clock.now(),
        )
    return Reply({"ratings": [rating_entry(rating) for rating in ratings]})


@refusing
def support(message: Message) -> Reply:
    """A question about an order, kept under a ticket; or a dispute over one of its settlements. Both say where it is followed up."""
    claim = read_claim(message.message["support"])
    if claim is not None:
        dispute = hear_dispute(claim=claim, buyer_subscriber_id=message.subscriber_id, now=clock.now())
        return Reply({"support": dispute_answer(claim, dispute)})
    question = read_question(message.message["support"])
    ticket = open_ticket(
        order_id=question.order_id, buyer_subscriber_id=message.subscriber_id, subject=question.subject, now=clock.now()
    )
    return Reply({"support": support_answer(question, ticket=ticket)})


def on_publish(message: Message) -> None:
    """What the discovery service made of each catalogue."""
    note_publication(service=message.subscriber_id, results=message.message["results"], now=clock.now())
