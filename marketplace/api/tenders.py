"""Tenders: grid operators publish and cancel them, data-centre operators bid, and both read the need, the bids and the outcome."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Kw, Rate, Shape
from marketplace.api.view import ApiView
from marketplace.models import Bid, Offer, Organisation, Tender, TenderPeriod
from marketplace.queries.tenders import filtered_tenders
from marketplace.rules.product_terms import DEFAULT
from marketplace.rules.tender_terms import by_half_hour
from marketplace.usecases.cancel_tender import cancel_tender
from marketplace.usecases.place_bid import place_bid
from marketplace.usecases.publish_tender import publish_tender
from marketplace.usecases.withdraw_bid import withdraw_bid
from marketplace.wire.need import need_as_text


class TenderPeriodShape(Shape):
    """One settlement period of a need."""

    start_at = Instant(read_only=True)
    needed_kw = Kw(read_only=True)
    taken_kw = Kw(read_only=True, help_text="Of the bids that were taken.")


class TenderShape(Shape):
    """A need in [start_at, end_at), open for bids until closes_at."""

    id = serializers.UUIDField()
    buyer = serializers.CharField(source="organisation.name")
    name = serializers.CharField()
    state = serializers.ChoiceField(Tender.State.choices)
    product = serializers.CharField()
    direction = serializers.CharField(help_text="REDUCE (turn-down) or INCREASE (turn-up).")
    gsp_group = serializers.CharField()
    gsp_zone = serializers.CharField(help_text="Empty: the whole group.")
    start_at = Instant(read_only=True)
    end_at = Instant(read_only=True)
    closes_at = Instant(read_only=True)
    pricing = serializers.ChoiceField(Tender.Pricing.choices)
    ceiling_gbp_per_kwh = Rate(read_only=True)
    ceiling_availability_gbp_per_mw_h = Rate(read_only=True, help_text="GBP per MW and hour.")
    clearing_price_gbp_per_kwh = Rate(
        read_only=True, allow_null=True, help_text="What all are paid, where paid as clear."
    )
    proved = serializers.BooleanField(
        source="clearing.proved",
        default=None,
        allow_null=True,
        help_text="Whether the allocation is proved the cheapest.",
    )
    cancel_reason = serializers.CharField()
    periods = TenderPeriodShape(many=True)
    created_at = Instant(read_only=True)
    closed_at = Instant(allow_null=True, read_only=True)


class TenderDetailShape(TenderShape):
    """A tender with its need as it is said on the Beckn network."""

    need = serializers.SerializerMethodField(help_text="DemandFlexNeed: a half-hourly TimeSeries of power and price.")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_need(self, tender: Tender) -> dict[str, object]:
        """The need on the wire."""
        return need_as_text(tender)


class BidShape(Shape):
    """A bid on a tender. Others' bids are shown to the buyer once the tender has closed."""

    id = serializers.UUIDField()
    tender = serializers.UUIDField(source="tender_id")
    offer = serializers.UUIDField(source="offer_id")
    site = serializers.CharField(source="offer.site.name")
    kw = Kw(read_only=True)
    least_kw = Kw(read_only=True, help_text="What must be taken, if anything is.")
    utilisation_price_gbp_per_kwh = Rate(read_only=True)
    availability_price_gbp_per_mw_h = Rate(read_only=True, help_text="GBP per MW and hour.")
    state = serializers.ChoiceField(Bid.State.choices)
    taken_kw = Kw(read_only=True)
    reason = serializers.CharField(help_text="Why it was not taken.")
    order = serializers.UUIDField(source="order_id", allow_null=True)
    placed_at = Instant(read_only=True)


class TendersAsked(Input):
    """Which tenders."""

    state = serializers.ChoiceField(
        Tender.State.choices, required=False, help_text=f"Write one of {', '.join(Tender.State.values)}."
    )


class NeedInput(Input):
    """The need. `needed_kw` has one power for the whole window, or one for each half hour."""

    name = serializers.CharField(max_length=120, help_text="Say in a few words what it is for.")
    product = serializers.CharField(default=DEFAULT, max_length=60, help_text="Write a product's key; see /products.")
    direction = serializers.ChoiceField(
        Offer.Direction.choices, default=Offer.Direction.TURN_DOWN, help_text="Write REDUCE or INCREASE."
    )
    gsp_group = serializers.CharField(max_length=2, help_text="Write a GSP group, such as _A.")
    gsp_zone = serializers.CharField(
        default="", allow_blank=True, max_length=40, help_text="Write a grid supply point, or leave it out."
    )
    start = Instant(help_text="Write a half hour's start with a zone, such as 2024-01-16T17:00:00Z.")
    end = Instant(help_text="Write a half hour's start with a zone, such as 2024-01-16T18:30:00Z.")
    closes_at = Instant(help_text="Write a time with a zone, before the product's gate.")
    needed_kw = serializers.ListField(
        child=Kw(), min_length=1, max_length=48, help_text="Write one power in kW, or one for each half hour."
    )
    pricing = serializers.ChoiceField(
        Tender.Pricing.choices, default=Tender.Pricing.AS_BID, help_text="Write PAY_AS_BID or PAY_AS_CLEAR."
    )
    ceiling_gbp_per_kwh = Rate(help_text="Write GBP per kWh, such as 0.50.")
    ceiling_availability_gbp_per_mw_h = Rate(
        default=Decimal(0), help_text="Write GBP per MW and hour, or leave it out."
    )


class BidInput(Input):
    """The bid, drawn from one of one's drafts."""

    offer = serializers.UUIDField(help_text="Write the id of a drafted offer.")
    kw = Kw()
    least_kw = Kw(default=Decimal(0), help_text="Write what must be taken if anything is, in kW; 0 for any part.")
    price_gbp_per_kwh = Rate(required=False, help_text="Write GBP per kWh; left out, it is the offer's.")
    availability_gbp_per_mw_h = Rate(
        required=False, help_text="Write GBP per MW and hour; left out, it is the offer's."
    )
    accept_back_test = serializers.BooleanField(
        default=False, help_text="Write true to bid where the back-test speaks against the baseline."
    )


class ReasonInput(Input):
    """Why."""

    reason = serializers.CharField(max_length=200, help_text="Say why, in at most 200 characters; bidders read it.")


class Tenders(ApiView):
    """The list, and publishing."""

    scopes = {"GET": "tenders:read", "POST": "tenders:write"}
    tag = "tenders"
    ordering = "-created_at"

    @extend_schema(parameters=[TendersAsked], responses=TenderShape(many=True))
    def get(self, request: Request) -> Response:
        """List tenders, newest first."""
        return self.listed(
            whole(filtered_tenders(self.rows(Tender), self.asked(TendersAsked).get("state", ""))), TenderShape
        )

    @extend_schema(request=NeedInput, responses={201: TenderDetailShape})
    def post(self, request: Request) -> Response:
        """Publish a need as a grid operator."""
        organisation, given = self.acting(Organisation.Kind.GRID), self.given(NeedInput)
        made = publish_tender(
            organisation=organisation,
            user=self.person,
            kw=by_half_hour(given.pop("start"), given.pop("end"), given.pop("needed_kw")),
            now=self.now,
            **given,
        )
        return Response(TenderDetailShape(own_tender(self, str(made.pk))).data, status=201)


class OneTender(ApiView):
    """One tender."""

    scopes = {"GET": "tenders:read"}
    tag = "tenders"

    @extend_schema(responses=TenderDetailShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read one tender, its need and what was taken of it."""
        return Response(TenderDetailShape(own_tender(self, pk)).data)


class CancelTender(ApiView):
    """Cancelling."""

    scopes = {"POST": "tenders:write"}
    tag = "tenders"

    @extend_schema(request=ReasonInput, responses=TenderDetailShape)
    def post(self, request: Request, pk: str) -> Response:
        """Cancel a tender of your own before it is cleared."""
        found = self.find(self.rows(Tender).filter(organisation__in=self.rows(Organisation)), pk=pk)
        cancel_tender(tender=found, user=self.person, reason=self.given(ReasonInput)["reason"], now=self.now)
        return Response(TenderDetailShape(own_tender(self, pk)).data)


class TenderBids(ApiView):
    """The bids of a tender."""

    scopes = {"GET": "tenders:read", "POST": "tenders:write"}
    tag = "tenders"
    ordering = "placed_at"

    @extend_schema(responses=BidShape(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """List the bids on a tender that you may see: your own, and all of your own tender once it has closed."""
        found = own_tender(self, pk)
        return self.listed(self.rows(Bid).filter(tender=found).select_related("offer__site"), BidShape)

    @extend_schema(request=BidInput, responses={201: BidShape})
    def post(self, request: Request, pk: str) -> Response:
        """Bid on a tender with a drafted, certified offer."""
        found, given = own_tender(self, pk), self.given(BidInput)
        offer = self.find(self.rows(Offer), pk=given.pop("offer"))
        made = place_bid(tender=found, offer=offer, user=self.person, now=self.now, **given)
        return Response(BidShape(made).data, status=201)


class WithdrawBid(ApiView):
    """Taking a bid back."""

    scopes = {"POST": "tenders:write"}
    tag = "tenders"

    @extend_schema(request=None, responses=BidShape)
    def post(self, request: Request, pk: str) -> Response:
        """Withdraw a bid of your own while its tender is open."""
        found = self.find(self.rows(Bid).filter(offer__in=self.rows(Offer)).select_related("offer__site"), pk=pk)
        return Response(BidShape(withdraw_bid(bid=found, user=self.person, now=self.now)).data)


def whole(tenders: QuerySet[Tender]) -> QuerySet[Tender]:
    """Tenders with their periods in order."""
    return tenders.prefetch_related(Prefetch("periods", TenderPeriod.objects.order_by("start_at")))


def own_tender(view: ApiView, pk: str) -> Tender:
    """The tender, with its periods."""
    return view.find(whole(filtered_tenders(view.rows(Tender))), pk=pk)
