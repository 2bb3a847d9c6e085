"""A deal's actions, from discover to cancel: each is translated, handed to one use case, and answered."""

from __future__ import annotations

from django.conf import settings

from beckn.ports import Message, Reply
from beckn.wire import intent
from marketplace import clock
from marketplace.bpp.answering import refusing, seller, transaction_of
from marketplace.models import Offer, Order
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.activate_order import activate_order
from marketplace.usecases.cancel_order import cancel_order
from marketplace.usecases.confirm_order import confirm_order
from marketplace.usecases.initialise_order import initialise_order, order_of
from marketplace.usecases.quote_order import quote_order
from marketplace.wire.activation import activation_attributes, read_instruction
from marketplace.wire.catalogue import catalogues
from marketplace.wire.contract import (
    order_contract,
    performance_entry,
    read_agreed_pence,
    read_asked,
)
from marketplace.wire.need import need_catalogues, refuse_answer
from marketplace.wire.report import report_order


@refusing
def discover(message: Message) -> Reply:
    """Everything on sale, and every open need, that the intent asks for and that is open to whoever asks."""
    asked = intent.read(message.message, message.context.get("schemaContext") or ())
    offers = (
        Offer.objects.filter(state=Offer.State.PUBLISHED)
        .select_related("site__organisation", "plan")
        .prefetch_related("periods")
    )
    found = catalogues(
        offers.order_by("start_at"), seller=seller(), bpp_url=settings.BECKN_PARTICIPANTS["bpp"]["url"], now=clock.now()
    )
    ours = settings.BECKN_PARTICIPANTS["bpp"]
    found += need_catalogues(us=seller(), url=ours["url"], now=clock.now())
    asker = intent.Asker(message.subscriber_id, str(message.context.get("networkId", "")))
    return Reply(message={"catalogs": intent.matching(found, asked, now=clock.now(), asker=asker)})


@refusing
def select(message: Message) -> Reply:
    """A quote."""
    asked = read_asked(message.message)
    refuse_answer(asked.offer_id)
    order = quote_order(
        offer_id=asked.offer_id,
        buyer_subscriber_id=message.subscriber_id,
        transaction_id=transaction_of(message),
        kw=asked.kw,
        periods=asked.periods,
        accept_counter=asked.accept_counter,
        now=clock.now(),
    )
    return Reply(message={"contract": order_contract(order, seller=seller(), with_id=False)})


@refusing
def init(message: Message) -> Reply:
    """Final terms and the order's id."""
    order = initialise_order(
        transaction_id=transaction_of(message), buyer_subscriber_id=message.subscriber_id, now=clock.now()
    )
    return Reply(message={"contract": order_contract(order, seller=seller())})


@refusing
def confirm(message: Message) -> Reply:
    """The sale, with its capacity reserved; or an order that waits for the seller's yes."""
    order = confirm_order(
        transaction_id=transaction_of(message),
        buyer_subscriber_id=message.subscriber_id,
        agreed_pence=read_agreed_pence(message.message),
        request_digest=message.digest,
        now=clock.now(),
    )
    return Reply(message={"contract": order_contract(order, seller=seller())})


@refusing
def update(message: Message) -> Reply:
    """A dispatch, accepted before its ackBy, or rejected because another instruction goes first."""
    instruction = read_instruction(message.message)
    activation = activate_order(
        transaction_id=transaction_of(message),
        buyer_subscriber_id=message.subscriber_id,
        instruction=instruction,
        request_digest=message.digest,
        now=clock.now(),
    )
    contract = order_contract(activation.order, seller=seller())
    rejected = activation.state == ActivationState.REJECTED
    code = "ACTIVATION_REJECTED" if rejected else "ACTIVATION_ACCEPTED"
    contract["performance"] = [performance_entry(activation, code, activation_attributes(activation))]
    return Reply(message={"contract": contract})


@refusing
def status(message: Message) -> Reply:
    """The order as it stands, with each activation and, once settled, its measured delivery, settlements and disputes."""
    order = order_of(transaction_of(message), message.subscriber_id)
    return Reply(message={"contract": report_order(order)})


@refusing
def cancel(message: Message) -> Reply:
    """A cancellation before dispatch."""
    contract = message.message.get("contract") or {}
    order: Order = cancel_order(
        transaction_id=transaction_of(message),
        buyer_subscriber_id=message.subscriber_id,
        reason=str((contract.get("descriptor") or {}).get("code", "not given")),
        now=clock.now(),
    )
    return Reply(message={"contract": order_contract(order, seller=seller())})
