"""Rows: one file per noun. Integrity lives in named database constraints; there is no logic in save()."""

from marketplace.models.agent_decision import AgentDecision
from marketplace.models.capacity import SiteCapacity, StackingRow
from marketplace.models.dispute import Dispute, DisputeEntry, buyer_of, opener_of, other_is_here, side_of
from marketplace.models.document import ContractDocument
from marketplace.models.event import (
    Anchor,
    AnchorAttempt,
    Event,
    Lease,
    LedgerEntry,
    OrganisationNumber,
    SettlementRecord,
)
from marketplace.models.event_day import EventDay, declared_event_days
from marketplace.models.feed import FeedQuarantine, FeedState
from marketplace.models.job import Job, Upload
from marketplace.models.meter import ExportReading, MeterReading
from marketplace.models.metering import EstimationChoice, MeterFile, MsidPair
from marketplace.models.nomination import BaselineNomination
from marketplace.models.notification import PositionHeld, PositionNotification
from marketplace.models.offer import Offer, OfferPeriod, OfferRequest
from marketplace.models.order import Activation, ActivationPeriod, Order, OrderPeriod, Purchase, SearchResult
from marketplace.models.organisation import Membership, Organisation, User, role_of
from marketplace.models.plan import Plan
from marketplace.models.purchase_record import (
    PurchaseDispute,
    PurchaseReading,
    PurchaseSettlement,
    standing_settlement,
)
from marketplace.models.sale_rules import SaleRules
from marketplace.models.settlement import (
    Held,
    RoundingAccount,
    SettlementProgress,
    SettlementStatement,
    StatementLine,
    settlement_day,
    standing_statement,
    window_of,
)
from marketplace.models.settlement_calendar import PublishedRunDate, calendar_source, published_dates
from marketplace.models.signal import Forecast, SignalPoint
from marketplace.models.site import Site
from marketplace.models.tender import Bid, Tender, TenderPeriod
from marketplace.models.token import ApiToken

__all__ = [
    "Activation",
    "ActivationPeriod",
    "AgentDecision",
    "Anchor",
    "AnchorAttempt",
    "ApiToken",
    "BaselineNomination",
    "Bid",
    "ContractDocument",
    "Dispute",
    "DisputeEntry",
    "EstimationChoice",
    "Event",
    "EventDay",
    "ExportReading",
    "FeedQuarantine",
    "FeedState",
    "Forecast",
    "Held",
    "Job",
    "Lease",
    "LedgerEntry",
    "Membership",
    "MeterFile",
    "MeterReading",
    "MsidPair",
    "Offer",
    "OfferPeriod",
    "OfferRequest",
    "Order",
    "OrderPeriod",
    "Organisation",
    "OrganisationNumber",
    "Plan",
    "PositionHeld",
    "PositionNotification",
    "PublishedRunDate",
    "Purchase",
    "PurchaseDispute",
    "PurchaseReading",
    "PurchaseSettlement",
    "RoundingAccount",
    "SaleRules",
    "SearchResult",
    "SettlementProgress",
    "SettlementRecord",
    "SettlementStatement",
    "SignalPoint",
    "Site",
    "SiteCapacity",
    "StackingRow",
    "StatementLine",
    "Tender",
    "TenderPeriod",
    "Upload",
    "User",
    "buyer_of",
    "calendar_source",
    "declared_event_days",
    "opener_of",
    "other_is_here",
    "published_dates",
    "role_of",
    "settlement_day",
    "side_of",
    "standing_settlement",
    "standing_statement",
    "window_of",
]
