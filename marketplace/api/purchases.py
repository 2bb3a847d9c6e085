"""What a grid operator buys: each step sends a signed message, and the seller's answer appears in the purchase."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.deliveries import DeliveryShape
from marketplace.api.shapes import Exact, Input, Instant, Kw, Shape
from marketplace.api.sites import Nothing
from marketplace.api.view import ApiView
from marketplace.models import Purchase, SearchResult
from marketplace.queries.catalogue import catalogue_offer
from marketplace.queries.purchases import PurchaseFilters, PurchasePage, Settlement, filtered_purchases, purchase_page
from marketplace.queries.replies import Reply
from marketplace.rules.errors import MarketError
from marketplace.usecases.advance_purchase import STEPS, advance_purchase
from marketplace.usecases.ask_seller import HIGHEST, LOWEST, WORDS, ask_seller
from marketplace.usecases.request_quote import request_quote


class PurchaseInput(Input):
    """What to buy."""

    search = serializers.UUIDField(help_text="Write the transaction id of the search that brought the offer.")
    offer_id = serializers.CharField(max_length=255, help_text="Write the offer's id as it stands in the search.")
    kw = Kw(help_text="Write the power wanted in every half hour, above 0 and to the watt, such as 412.5.")
    accept_counter = serializers.BooleanField(
        default=False, help_text="Write true to be quoted the most that is left, where less is left than wanted."
    )


class PurchasesAsked(Input):
    """Which purchases."""

    state = serializers.ChoiceField(
        Purchase.State.choices, required=False, help_text=f"Write one of {', '.join(Purchase.State.values)}."
    )


class RefusalShape(Shape):
    """The seller's last no."""

    code = serializers.CharField()
    message = serializers.CharField()


class PurchaseShape(Shape):
    """The buyer's own record of a deal, as the seller's messages told it."""

    id = serializers.UUIDField()
    transaction_id = serializers.UUIDField()
    seller = serializers.CharField(source="seller_subscriber_id")
    offer_id = serializers.CharField()
    offer_name = serializers.CharField()
    state = serializers.ChoiceField(Purchase.State.choices)
    contract_id = serializers.CharField(help_text="The seller's order id, once there is one.")
    requested_kw = Kw(read_only=True)
    start_at = Instant(allow_null=True, read_only=True)
    end_at = Instant(allow_null=True, read_only=True)
    quote_pence = serializers.IntegerField(allow_null=True)
    refusal = serializers.SerializerMethodField()
    created_at = Instant(read_only=True)
    updated_at = Instant(read_only=True)

    @extend_schema_field(RefusalShape(allow_null=True))
    def get_refusal(self, purchase: Purchase) -> dict[str, str] | None:
        """The refusal, or null when there was none."""
        return purchase.refusal or None


class PurchasePeriodShape(Shape):
    """One settlement period, in kW; what is metered appears once the seller has sent it."""

    start_at = Instant(source="start", read_only=True)
    ordered_kw = Exact(read_only=True)
    price_gbp_per_kwh = Exact(source="price", allow_null=True, read_only=True)
    baseline_kw = Exact(allow_null=True, read_only=True)
    metered_kw = Exact(allow_null=True, read_only=True)
    delivered_kw = Exact(allow_null=True, read_only=True)


class SettledShape(Shape):
    """What the seller says it settled, and where its proof stands."""

    id = serializers.CharField()
    run = serializers.CharField()
    amount_pence = serializers.IntegerField(allow_null=True)
    delivered_kwh = Exact(allow_null=True, read_only=True)
    eligible_kwh = Exact(allow_null=True, read_only=True)
    shortfall_kwh = Exact(allow_null=True, read_only=True)
    proof_state = serializers.CharField()
    proof = serializers.SerializerMethodField()

    def get_proof(self, settlement: Settlement) -> dict[str, str]:
        """Chain, contract, transaction and the statement's two hashes, as the seller wrote them."""
        return dict(settlement.proof)


class TrackingShape(Shape):
    """How a dispatch goes, as the seller says it; the newest reading with its label, where there is one."""

    status = serializers.CharField()
    url = serializers.CharField()
    delivered_kw = Exact(allow_null=True, read_only=True)
    period_start = Instant(allow_null=True, read_only=True)
    as_of = Instant(allow_null=True, read_only=True)
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name


class KeptRatingShape(Shape):
    """The score that the seller kept."""

    value = Exact(read_only=True)
    lowest = Exact(allow_null=True, read_only=True)
    highest = Exact(allow_null=True, read_only=True)


class SupportChannelShape(Shape):
    """Where a question is followed up."""

    kind = serializers.CharField()
    address = serializers.CharField()
    ticket = serializers.CharField()


class ReplyShape(Shape):
    """A question to the seller and the newest answer to it."""

    question = serializers.ChoiceField(WORDS, source="word")
    waiting = serializers.BooleanField(help_text="The seller's answer is due.")
    received_at = Instant(allow_null=True, read_only=True)
    refusal = serializers.SerializerMethodField()
    tracking = TrackingShape(allow_null=True)
    rating = KeptRatingShape(allow_null=True)
    channels = SupportChannelShape(many=True)

    @extend_schema_field(RefusalShape(allow_null=True))
    def get_refusal(self, reply: Reply) -> dict[str, str] | None:
        """Why the seller would not answer, or the question did not arrive; null when it did."""
        told = {"code": reply.refusal_code, "message": reply.refusal}
        return told if any(told.values()) else None


class RatingInput(Input):
    """How good the order was."""

    score = serializers.IntegerField(
        min_value=LOWEST, max_value=HIGHEST, help_text=f"Write a whole number from {LOWEST} to {HIGHEST}."
    )


class SupportInput(Input):
    """What the question is about."""

    subject = serializers.CharField(
        max_length=80, help_text="Write a word or a sentence of at most 80 characters, such as SETTLEMENT_QUERY."
    )


class PurchasePageShape(Shape):
    """What stands beside the purchase on its own page."""

    waiting = serializers.BooleanField(help_text="The seller's answer is due.")
    late = serializers.BooleanField(help_text="The seller's answer is overdue.")
    next_steps = serializers.SerializerMethodField()
    dispatch_code = serializers.CharField(help_text="Where the dispatch stands, in the seller's code.")
    periods = PurchasePeriodShape(many=True)
    delivery = DeliveryShape()
    settlement = SettledShape(allow_null=True)
    replies = ReplyShape(many=True, help_text="What the seller was asked about the order, and what it answered.")

    def get_next_steps(self, page: PurchasePage) -> list[str]:
        """Steps that fit the state."""
        return [step for step, fits in page.can.items() if fits]


class PurchaseDetailShape(PurchasePageShape, PurchaseShape):
    """A purchase with its periods, its settlement, and the steps that fit its state."""


def detail(purchase: Purchase, now: datetime) -> dict[str, Any]:
    """One purchase in the shape of PurchaseDetailShape."""
    return {**PurchaseShape(purchase).data, **PurchasePageShape(purchase_page(purchase, now)).data}


class Purchases(ApiView):
    """The purchases of a grid operator."""

    scopes = {"GET": "purchases:read", "POST": "purchases:write"}
    tag = "purchases"
    ordering = "-created_at"

    @extend_schema(parameters=[PurchasesAsked], responses=PurchaseShape(many=True))
    def get(self, request: Request) -> Response:
        """List your purchases, newest first."""
        filters = PurchaseFilters(**self.asked(PurchasesAsked))
        return self.listed(filtered_purchases(self.rows(Purchase), filters), PurchaseShape)

    @extend_schema(request=PurchaseInput, responses={202: PurchaseDetailShape})
    def post(self, request: Request) -> Response:
        """Ask the seller of an offer for a quote. A quote reserves nothing."""
        given = self.given(PurchaseInput)
        search = self.find(self.rows(SearchResult).select_related("organisation"), transaction_id=given["search"])
        if catalogue_offer(search, given["offer_id"]) is None:
            raise MarketError(
                "BIZ_OFFER_NOT_FOUND",
                f"This search brought back no offer {given['offer_id'][:80]}.",
                fix="Search again.",
                details={"column": "offer_id"},
            )
        purchase = request_quote(
            organisation=search.organisation,
            search=search,
            offer_id=given["offer_id"],
            kw=given["kw"],
            accept_counter=given["accept_counter"],
            user=self.person,
            now=self.now,
        )
        return Response(detail(purchase, self.now), status=202)


class OnePurchase(ApiView):
    """One purchase."""

    scopes = {"GET": "purchases:read"}
    tag = "purchases"

    @extend_schema(responses=PurchaseDetailShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read one purchase: its state, its refusal if there was one, its delivery and its settlement."""
        return Response(detail(self.find(self.rows(Purchase), pk=pk), self.now))


class PurchaseStep(ApiView):
    """The buyer's next word."""

    scopes = {"POST": "purchases:write"}
    tag = "purchases"

    @extend_schema(
        operation_id="purchases_step",
        parameters=[OpenApiParameter("step", str, OpenApiParameter.PATH, enum=list(STEPS))],
        request=None,
        responses={202: PurchaseDetailShape},
    )
    def post(self, request: Request, pk: str, step: str) -> Response:
        """Take a step: initialise, confirm, dispatch, status or cancel.

        It sends one signed message; saying it again while the answer is awaited sends nothing more.
        """
        purchase = self.find(self.rows(Purchase), pk=pk)
        if step not in STEPS:
            raise NotFound(f"There is no step {step}; the steps are {', '.join(STEPS)}.")
        self.given(Nothing)
        purchase = advance_purchase(purchase=purchase, step=step, user=self.person, now=self.now)
        return Response(detail(purchase, self.now), status=202)


class PurchaseQuestion(ApiView):
    """A question to the seller about the order. It binds nobody; the answer appears in the purchase's replies."""

    scopes = {"POST": "purchases:write"}
    tag = "purchases"

    def ask(self, pk: str, word: str, shape: type[Input]) -> Response:
        """Send it with the fields of `shape`, and answer with the purchase."""
        purchase = self.find(self.rows(Purchase), pk=pk)
        purchase = ask_seller(purchase=purchase, word=word, user=self.person, now=self.now, **self.given(shape))
        return Response(detail(purchase, self.now), status=202)


class PurchaseTrack(PurchaseQuestion):
    """Where delivery stands."""

    @extend_schema(operation_id="purchases_track", request=None, responses={202: PurchaseDetailShape})
    def post(self, request: Request, pk: str) -> Response:
        """Ask the seller where delivery stands."""
        return self.ask(pk, "track", Nothing)


class PurchaseRate(PurchaseQuestion):
    """A rating."""

    @extend_schema(operation_id="purchases_rate", request=RatingInput, responses={202: PurchaseDetailShape})
    def post(self, request: Request, pk: str) -> Response:
        """Rate the order, from 1 to 5."""
        return self.ask(pk, "rate", RatingInput)


class PurchaseSupport(PurchaseQuestion):
    """A question to the seller's people."""

    @extend_schema(operation_id="purchases_support", request=SupportInput, responses={202: PurchaseDetailShape})
    def post(self, request: Request, pk: str) -> Response:
        """Ask the seller's people about the order; the answer names a ticket and where it is followed up."""
        return self.ask(pk, "support", SupportInput)
