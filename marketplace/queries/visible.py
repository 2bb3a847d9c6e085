"""Which rows a person may see: the one place that answers it, for pages, the API and the sockets.

A row outside the answer does not exist for that person: doors turn it into 404, never 403. What a person may *do* with
a row they see is another question, and marketplace.rules.roles answers it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet

from beckn.models import InboxMessage, OutboxMessage
from marketplace.models import (
    Activation,
    AgentDecision,
    Anchor,
    ApiToken,
    Bid,
    ContractDocument,
    Dispute,
    DisputeEntry,
    EstimationChoice,
    Event,
    EventDay,
    ExportReading,
    FeedQuarantine,
    FeedState,
    Forecast,
    Job,
    LedgerEntry,
    Membership,
    MeterFile,
    MeterReading,
    MsidPair,
    Offer,
    OfferPeriod,
    OfferRequest,
    Order,
    OrderPeriod,
    Organisation,
    Plan,
    PositionHeld,
    PositionNotification,
    PublishedRunDate,
    Purchase,
    PurchaseDispute,
    PurchaseReading,
    PurchaseSettlement,
    RoundingAccount,
    SearchResult,
    SettlementProgress,
    SettlementRecord,
    SettlementStatement,
    SignalPoint,
    Site,
    StatementLine,
    Tender,
    TenderPeriod,
    Upload,
    User,
)

M = TypeVar("M", bound=Model)

# The path from each model to the organisation that owns its rows; members of that organisation see them.
OWNED_THROUGH: dict[type[Model], str] = {
    Organisation: "",
    Site: "organisation__",
    Job: "site__organisation__",
    Upload: "site__organisation__",
    Plan: "site__organisation__",
    MeterReading: "site__organisation__",
    EventDay: "site__organisation__",
    ExportReading: "site__organisation__",
    MeterFile: "site__organisation__",
    MsidPair: "site__organisation__",
    EstimationChoice: "site__organisation__",
    AgentDecision: "site__organisation__",
    PositionNotification: "site__organisation__",
    PositionHeld: "site__organisation__",
    Offer: "site__organisation__",
    OfferRequest: "site__organisation__",
    OfferPeriod: "offer__site__organisation__",
    Order: "offer__site__organisation__",
    OrderPeriod: "order__offer__site__organisation__",
    Activation: "order__offer__site__organisation__",
    SettlementProgress: "order__offer__site__organisation__",
    SettlementRecord: "statement__order__offer__site__organisation__",
    Purchase: "organisation__",
    RoundingAccount: "organisation__",
    PurchaseReading: "purchase__organisation__",
    PurchaseDispute: "purchase__organisation__",
    PurchaseSettlement: "purchase__organisation__",
    SearchResult: "organisation__",
}
# The path from each model to its order, for what both parties of an order read: its seller, and its buyer if it is here.
DEALT_THROUGH: dict[type[Model], str] = {
    ContractDocument: "order",
    SettlementStatement: "order",
    StatementLine: "statement__order",
    Dispute: "statement__order",
    DisputeEntry: "dispute__statement__order",
}
# Hashes, public figures and published needs: the same for everybody who is signed in.
PUBLIC: frozenset[type[Model]] = frozenset(
    {Anchor, PublishedRunDate, SignalPoint, Forecast, FeedState, FeedQuarantine, Tender, TenderPeriod}
)
# What was said on the network, kept by beckn: shown to the party that said or heard it.
JOURNAL: frozenset[type[Model]] = frozenset({InboxMessage, OutboxMessage})
# What an auditor reads of every organisation. Queues, plans, drafts and searches are not among it.
AUDITED: frozenset[type[Model]] = frozenset(
    {
        Order,
        OrderPeriod,
        Activation,
        SettlementStatement,
        StatementLine,
        SettlementRecord,
        ContractDocument,
        Dispute,
        DisputeEntry,
        PositionNotification,
        PositionHeld,
        Event,
        LedgerEntry,
        AgentDecision,
    }
)


def visible(model: type[M], user: User | AnonymousUser) -> QuerySet[M]:
    """The rows of `model` that `user` may see, without duplicates. Raises LookupError for a model nobody thought of."""
    everything = model._default_manager.all()
    if isinstance(user, AnonymousUser) or not user.is_active:
        return everything.none()
    if model in PUBLIC or (user.is_superuser and user.acting_for is None) or (model in AUDITED and is_auditor(user)):
        return everything
    if model is ApiToken:
        own = everything.filter(user=user)
        return own if user.acting_for is None else own.filter(organisation=user.acting_for)
    if model is Event:
        return everything.filter(event_seen("", user)).distinct()
    if model is LedgerEntry:
        return everything.filter(event_seen("event__", user)).distinct()
    if model in JOURNAL:
        return everything.filter(message_seen(user))
    if model is Bid:
        return everything.filter(bid_seen(user))
    if model in DEALT_THROUGH:
        return everything.filter(deal_seen(DEALT_THROUGH[model], user))
    if model not in OWNED_THROUGH:
        raise LookupError(f"{model.__name__} has no rule of visibility in queries/visible.py")
    return everything.filter(**own_organisations(OWNED_THROUGH[model], user))


def own_organisations(path: str, user: User) -> dict[str, Any]:
    """The lookup, along `path`, of the organisations `user` acts for: all they belong to, or the one of their token."""
    if user.acting_for is not None:
        return {f"{path}pk": user.acting_for.pk}
    return {f"{path}memberships__user": user}


def is_auditor(user: User) -> bool:
    """Whether `user` acts for an auditing organisation."""
    if user.acting_for is not None:
        return user.acting_for.kind == Organisation.Kind.AUDITOR
    return Membership.objects.filter(user=user, organisation__kind=Organisation.Kind.AUDITOR).exists()


def deal_seen(path: str, user: User) -> Q:
    """Rows of orders that the person's organisations sold or bought; subqueries, so that no row appears twice."""
    own = Organisation.objects.filter(**own_organisations("", user)).values("pk")
    return Q(**{f"{path}__offer__site__organisation__in": own}) | Q(**{f"{path}__in": bought_orders(user).values("pk")})


def bid_seen(user: User) -> Q:
    """Bids of the person's own sites; those of others only once the tender has closed, for its buyer and for auditors."""
    own = Organisation.objects.filter(**own_organisations("", user)).values("pk")
    closed = ~Q(tender__state=Tender.State.OPEN)
    bought = closed if is_auditor(user) else closed & Q(tender__organisation__in=own)
    return Q(offer__site__organisation__in=own) | bought


def event_seen(path: str, user: User) -> Q:
    """Events of the person's organisations, and events about orders their organisations bought."""
    return Q(**own_organisations(f"{path}organisations__", user)) | Q(**{f"{path}subject__in": bought_subjects(user)})


def message_seen(user: User) -> Q:
    """A seller's messages about orders of their own organisations; a buyer's about their own purchases and searches.

    Prices and partners stand in them, so that an auditor, who reads every order, still reads nobody's messages.
    """
    orders = Order.objects.filter(**own_organisations(OWNED_THROUGH[Order], user))
    purchases, searches = visible(Purchase, user), visible(SearchResult, user)
    sold = Q(role="bpp", transaction_id__in=orders.values("transaction_id"))
    bought = Q(transaction_id__in=purchases.values("transaction_id")) | Q(
        transaction_id__in=searches.values("transaction_id")
    )
    return sold | (Q(role="bap") & bought)


def bought_orders(user: User) -> QuerySet[Order]:
    """The orders this person's organisations placed, if the seller's rows are here.

    Both ids must fit: the transaction is one we began, and the order's verified sender is our own participant.
    """
    return Order.objects.filter(
        transaction_id__in=visible(Purchase, user).values("transaction_id"),
        buyer_subscriber_id=settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"],
    )


def bought_subjects(user: User) -> list[str]:
    """Event subjects of the orders this person's organisations placed."""
    orders = bought_orders(user)
    activations = Activation.objects.filter(order__in=orders)
    return [f"order:{pk}" for pk in orders.values_list("pk", flat=True)] + [
        f"activation:{pk}" for pk in activations.values_list("pk", flat=True)
    ]
