"""Orders as their seller holds them, with dispatches and settlement statements; energy in whole Wh, money in whole pence."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Exact, Input, Instant, Kw, Rate, Shape
from marketplace.api.sites import Nothing
from marketplace.api.view import ApiView
from marketplace.models import (
    Activation,
    ActivationPeriod,
    Anchor,
    Order,
    OrderPeriod,
    SettlementStatement,
    StatementLine,
)
from marketplace.queries.orders import OrderFilters, filtered_orders
from marketplace.rules.order_state import OrderState
from marketplace.usecases.approve_order import approve_order
from marketplace.usecases.decline_order import decline_order


class OrderPeriodShape(Shape):
    """One settlement period."""

    start_at = Instant(read_only=True)
    ordered_kw = Kw(read_only=True)


class OrderShape(Shape):
    """A buyer's order against one offer."""

    id = serializers.UUIDField()
    offer = serializers.UUIDField(source="offer_id")
    site = serializers.CharField(source="offer.site.slug")
    state = serializers.ChoiceField([state.value for state in OrderState])
    version = serializers.IntegerField(help_text="Rises with each change.")
    buyer = serializers.CharField(source="buyer_subscriber_id")
    transaction_id = serializers.UUIDField()
    utilisation_price_gbp_per_kwh = Rate(read_only=True)
    shortfall_penalty_gbp_per_kwh = Rate(read_only=True)
    availability_price_gbp_per_mw_h = Rate(read_only=True, help_text="GBP per MW and hour of standing ready.")
    product = serializers.CharField(source="offer.product")
    quote_pence = serializers.IntegerField()
    terms_sha256 = serializers.CharField(source="terms_digest")
    quote_expires_at = Instant(read_only=True)
    periods = OrderPeriodShape(many=True)
    created_at = Instant(read_only=True)
    confirmed_at = Instant(allow_null=True, read_only=True)
    approve_by = Instant(allow_null=True, read_only=True, help_text="Until when a PENDING order may be approved.")
    waits_because = serializers.CharField()
    refused_because = serializers.CharField(help_text="Why it was declined or lapsed, as the buyer reads it.")
    free_cancellation_until = Instant(allow_null=True, read_only=True)
    cancellation_fee_pence = serializers.IntegerField(help_text="What cancelling costs from then on.")
    cancellation_charged_pence = serializers.IntegerField(allow_null=True, help_text="What cancelling did cost.")


class DispatchPeriodShape(Shape):
    """One settlement period of a dispatch."""

    start_at = Instant(read_only=True)
    requested_kw = Kw(read_only=True)
    declared_kw = Kw(read_only=True, help_text="The load that is turned down, or up, from.")


class LineShape(Shape):
    """One settlement period of a statement, in Wh."""

    start_at = Instant(read_only=True)
    settlement_date = serializers.DateField()
    settlement_period = serializers.IntegerField()
    instructed_wh = serializers.IntegerField()
    baseline_wh = serializers.IntegerField()
    metered_wh = serializers.IntegerField()
    delivered_wh = serializers.IntegerField()
    eligible_wh = serializers.IntegerField()
    shortfall_wh = serializers.IntegerField()
    price_gbp_per_kwh = Exact(allow_null=True, read_only=True)
    ratio = Exact(allow_null=True, read_only=True, help_text="Delivered share of the instruction.")
    scale = Exact(allow_null=True, read_only=True, help_text="Share of the price that it earns.")
    pay_gbp = serializers.CharField(help_text="Exact, before rounding.")
    penalty_gbp = serializers.CharField(help_text="Exact, before rounding.")
    imbalance = serializers.DictField(help_text="A trade's MWh, system price in GBP/MWh, GBP, source, label, known_at.")
    reading_source = serializers.CharField()
    reading_quality = serializers.CharField()
    reading_label = serializers.CharField()
    reading_known_at = Instant(allow_null=True, read_only=True)


class RecordShape(Shape):
    """Where the statement's record stands on its way to the chain."""

    settlement_id = serializers.CharField()
    commitment = serializers.CharField()
    state = serializers.SerializerMethodField()
    tx_hash = serializers.CharField(source="anchor.tx_hash", default="", read_only=True)
    block_number = serializers.IntegerField(source="anchor.block_number", default=None, read_only=True)
    chain_id = serializers.IntegerField(source="anchor.chain_id", default=None, read_only=True)
    contract = serializers.CharField(source="anchor.contract", default="", read_only=True)

    def get_state(self, record: object) -> str:
        """QUEUED until it is in a transaction, then that transaction's state."""
        anchor: Anchor | None = getattr(record, "anchor", None)
        return str(anchor.state) if anchor else "QUEUED"


class StatementShape(Shape):
    """What a dispatch delivered and what it is paid. A correction is a new statement that supersedes."""

    id = serializers.UUIDField()
    run = serializers.CharField()
    version = serializers.IntegerField()
    sequence = serializers.IntegerField(help_text="Number within the dispatch, from 1 on.")
    supersedes = serializers.UUIDField(source="supersedes_id", allow_null=True)
    reason = serializers.CharField(help_text="RUN_DUE, NEW_READINGS, NEW_PRICES, DISPUTE or CANCELLED.")
    knowledge_time = Instant(read_only=True, help_text="Readings and prices known by then were used, and no others.")
    terms = serializers.DictField(help_text="Product, basis, tables, cap and rates the money was worked out by.")
    baseline_method = serializers.CharField()
    baseline_facts = serializers.DictField(help_text="Days used, adjustment, window: enough to recompute.")
    delivered_wh = serializers.IntegerField()
    eligible_wh = serializers.IntegerField()
    shortfall_wh = serializers.IntegerField()
    payment_pence = serializers.IntegerField()
    penalty_pence = serializers.IntegerField()
    amount_pence = serializers.IntegerField(
        help_text="Payment less penalty, the sum of the components; positive: to the seller."
    )
    buyer_pence = serializers.IntegerField(help_text="What the buyer pays of it: all but an imbalance.")
    delta_pence = serializers.IntegerField(
        allow_null=True, help_text="Amount less that of the statement it supersedes."
    )
    components = serializers.ListField(
        child=serializers.DictField(), help_text="Type, description, pence and residual_gbp."
    )
    vat = serializers.DictField(help_text="Net, VAT and gross pence of what the buyer pays, or why not.")
    compensation = serializers.ListField(child=serializers.DictField(), help_text="The supplier's, beside the amount.")
    carbon = serializers.DictField(help_text="kg, g/kWh, source, as_of and label, or why not.")
    label = serializers.CharField(
        help_text="MEASURED, ESTIMATED or SIMULATED, the least certain of its parts; AGREED where nothing was metered."
    )  # type: ignore[assignment] # a field of that name
    created_at = Instant(read_only=True)
    lines = LineShape(many=True)
    record = RecordShape(allow_null=True, default=None, read_only=True)


class ActivationShape(Shape):
    """One dispatch under an order."""

    id = serializers.IntegerField()
    instruction_id = serializers.CharField()
    mechanism = serializers.CharField()
    state = serializers.CharField()
    start_at = Instant(read_only=True)
    end_at = Instant(read_only=True)
    issued_at = Instant(read_only=True)
    ack_by = Instant(read_only=True)
    responded_at = Instant(allow_null=True, read_only=True)
    periods = DispatchPeriodShape(many=True)
    statements = StatementShape(many=True)


class OrderDetailShape(OrderShape):
    """An order with its dispatches, and their statements oldest first."""

    activations = ActivationShape(many=True)
    statements = StatementShape(
        source="own_statements",
        many=True,
        help_text="Those that settle the order itself: never called, or cancelled late.",
    )


class OrdersAsked(Input):
    """Which orders."""

    state = serializers.ChoiceField(
        [state.value for state in OrderState],
        required=False,
        help_text=f"Write one of {', '.join(state.value for state in OrderState)}.",
    )
    site = serializers.CharField(required=False, max_length=60, help_text="A site's slug.")


class Orders(ApiView):
    """The list."""

    scopes = {"GET": "orders:read"}
    tag = "orders"
    ordering = "-created_at"

    @extend_schema(parameters=[OrdersAsked], responses=OrderShape(many=True))
    def get(self, request: Request) -> Response:
        """List the orders placed on your offers, newest first. An auditor sees every organisation's."""
        rows = filtered_orders(self.rows(Order), OrderFilters(**self.asked(OrdersAsked)))
        return self.listed(rows.prefetch_related(in_order(OrderPeriod)), OrderShape)


class OneOrder(ApiView):
    """One order."""

    scopes = {"GET": "orders:read"}
    tag = "orders"

    @extend_schema(responses=OrderDetailShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read one order, its dispatches and its settlement statements."""
        return Response(OrderDetailShape(self.find(whole(self.rows(Order)), pk=pk)).data)


class ApproveOrder(ApiView):
    """A yes."""

    scopes = {"POST": "orders:write"}
    tag = "orders"

    @extend_schema(request=None, responses=OrderDetailShape)
    def post(self, request: Request, pk: str) -> Response:
        """Approve an order that waits. Saying it twice changes nothing."""
        order = self.find(self.rows(Order), pk=pk)
        self.given(Nothing)
        approve_order(order=order, user=self.person, now=self.now)
        return Response(OrderDetailShape(self.find(whole(self.rows(Order)), pk=pk)).data)


class DeclineInput(Input):
    """Why."""

    reason = serializers.CharField(max_length=200, help_text="Say why, in at most 200 characters; the buyer reads it.")


class DeclineOrder(ApiView):
    """A no."""

    scopes = {"POST": "orders:write"}
    tag = "orders"

    @extend_schema(request=DeclineInput, responses=OrderDetailShape)
    def post(self, request: Request, pk: str) -> Response:
        """Decline an order that waits. Its power goes back on sale."""
        order, given = self.find(self.rows(Order), pk=pk), self.given(DeclineInput)
        decline_order(order=order, user=self.person, reason=given["reason"], now=self.now)
        return Response(OrderDetailShape(self.find(whole(self.rows(Order)), pk=pk)).data)


def in_order(model: type[OrderPeriod] | type[ActivationPeriod]) -> Prefetch[str]:
    """The periods of an order or a dispatch by time."""
    return Prefetch("periods", model._default_manager.order_by("start_at"))


def whole(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Orders with everything that hangs on them, in ten queries at most, however much that is."""
    statements = (
        SettlementStatement.objects.order_by("created_at", "sequence")
        .select_related("record__anchor")
        .prefetch_related(Prefetch("lines", StatementLine.objects.order_by("start_at")))
    )
    activations = Activation.objects.order_by("start_at", "pk").prefetch_related(
        in_order(ActivationPeriod), Prefetch("statements", statements)
    )
    own = Prefetch("statements", statements.filter(activation__isnull=True), to_attr="own_statements")
    return orders.select_related("offer__site").prefetch_related(
        in_order(OrderPeriod), Prefetch("activations", activations), own
    )
