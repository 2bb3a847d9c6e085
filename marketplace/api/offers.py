"""Offers as their seller holds them, and the wishes that the optimisation agent turns into offers."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Kw, Rate, Shape
from marketplace.api.view import ApiView
from marketplace.models import Offer, OfferRequest, Site
from marketplace.queries.offers import OfferFilters, filtered_offers
from marketplace.rules.product_terms import DEFAULT
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.request_offer import request_offer
from marketplace.usecases.withdraw_offer import withdraw_offer

DIRECTIONS = "REDUCE (turn-down) or INCREASE (turn-up)."


class OfferPeriodShape(Shape):
    """One settlement period of an offer."""

    start_at = Instant(read_only=True)
    offered_kw = Kw(read_only=True)
    reserved_kw = Kw(read_only=True, help_text="What is sold of it.")


class OfferShape(Shape):
    """Flexibility for sale in [start_at, end_at)."""

    id = serializers.UUIDField()
    site = serializers.CharField(source="site.slug")
    plan = serializers.IntegerField(source="plan_id")
    state = serializers.ChoiceField(Offer.State.choices)
    product = serializers.CharField()
    direction = serializers.CharField(help_text=DIRECTIONS)
    start_at = Instant(read_only=True)
    end_at = Instant(read_only=True)
    gate_closure_at = Instant(read_only=True, help_text="The last moment to order.")
    notice_s = serializers.IntegerField(help_text="Least time between a dispatch and its start, in seconds.")
    max_events_per_day = serializers.IntegerField()
    free_cancellation_s = serializers.IntegerField(
        help_text="Before the window; from then on cancelling costs the fee."
    )
    cancellation_fee_percent = serializers.DecimalField(5, 2, read_only=True, help_text="Of the quote.")
    utilisation_price_gbp_per_kwh = Rate(read_only=True)
    shortfall_penalty_gbp_per_kwh = Rate(read_only=True)
    availability_price_gbp_per_mw_h = Rate(read_only=True, help_text="GBP per MW and hour of standing ready.")
    baseline_method = serializers.CharField()
    periods = OfferPeriodShape(many=True)
    created_at = Instant(read_only=True)
    published_at = Instant(allow_null=True, read_only=True)


class PriceLineShape(Shape):
    """One line of the price's arithmetic."""

    item = serializers.CharField()
    value = serializers.CharField()
    unit = serializers.CharField()
    why = serializers.CharField()


class OfferDetailShape(OfferShape):
    """An offer with its price's arithmetic and its certificate."""

    price_arithmetic = PriceLineShape(many=True)
    certificate = serializers.DictField(help_text="The proof that every dispatch allowed can be met.")
    standing = serializers.DictField(
        help_text="The proof solved anew beside all that is sold: plan, at, holds, why, lowered, broken. Empty: never."
    )
    back_test = serializers.DictField(
        help_text="Each baseline method on past days without an event, and what speaks against it."
    )


class OffersAsked(Input):
    """Which offers."""

    state = serializers.ChoiceField(
        Offer.State.choices, required=False, help_text=f"Write one of {', '.join(Offer.State.values)}."
    )
    site = serializers.CharField(required=False, max_length=60, help_text="A site's slug.")


class WindowInput(Input):
    """The window wanted; left out, the engine looks for the best one."""

    start = Instant(required=False, help_text="Write a half hour's start with a zone, such as 2024-01-16T17:00:00Z.")
    end = Instant(required=False, help_text="Write a half hour's start with a zone, such as 2024-01-16T18:30:00Z.")
    product = serializers.CharField(default=DEFAULT, max_length=60, help_text="Write a product's key; see /products.")
    direction = serializers.ChoiceField(
        Offer.Direction.choices, default=Offer.Direction.TURN_DOWN, help_text="Write REDUCE or INCREASE."
    )
    availability_price_gbp_per_mw_h = Rate(
        required=False,
        allow_null=True,
        help_text="Write GBP per MW and hour, such as 21.40; leave it out for the product's reference.",
    )


class PublishInput(Input):
    """What whoever publishes has seen."""

    accept_back_test = serializers.BooleanField(
        default=False,
        help_text="Write true where the back-test breaks a limit and you sell by this baseline all the same.",
    )
    baseline_method = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=40,
        help_text="Name a baseline that the product allows, such as nominated-v1; leave it out for the draft's own.",
    )


class WithdrawInput(Input):
    """Why."""

    reason = serializers.CharField(
        default="", allow_blank=True, max_length=200, help_text="Say why, in at most 200 characters."
    )


class WishShape(Shape):
    """A wish for an offer: PENDING, DONE with an offer in draft, or REFUSED with the reason."""

    id = serializers.IntegerField()
    site = serializers.CharField(source="site.slug")
    start_at = Instant(allow_null=True, read_only=True)
    end_at = Instant(allow_null=True, read_only=True)
    product = serializers.CharField()
    direction = serializers.CharField(help_text=DIRECTIONS)
    availability_price_gbp_per_mw_h = Rate(allow_null=True, read_only=True)
    state = serializers.ChoiceField(OfferRequest.State.choices)
    offer = serializers.UUIDField(source="offer_id", allow_null=True)
    problem = serializers.CharField()
    created_at = Instant(read_only=True)
    answered_at = Instant(allow_null=True, read_only=True)


class SiteWishes(ApiView):
    """Wishes for offers of a site."""

    scopes = {"POST": "offers:write"}
    tag = "offers"

    @extend_schema(request=WindowInput, responses={202: WishShape})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for an offer, for a window or for the best one the engine finds.

        The answer appears on the wish: an offer in draft, or why there is none. Nothing is on sale until it is published.
        """
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        wish = request_offer(site=site, user=self.person, now=self.now, **self.given(WindowInput))
        return Response(WishShape(wish).data, status=202)


class OneWish(ApiView):
    """One wish."""

    scopes = {"GET": "offers:read"}
    tag = "offers"

    @extend_schema(responses=WishShape)
    def get(self, request: Request, pk: int) -> Response:
        """Read a wish for an offer and its answer."""
        return Response(WishShape(self.find(self.rows(OfferRequest).select_related("site"), pk=pk)).data)


class Offers(ApiView):
    """The list."""

    scopes = {"GET": "offers:read"}
    tag = "offers"
    ordering = "-created_at"

    @extend_schema(parameters=[OffersAsked], responses=OfferShape(many=True))
    def get(self, request: Request) -> Response:
        """List your offers, newest first."""
        return self.listed(filtered_offers(self.rows(Offer), OfferFilters(**self.asked(OffersAsked))), OfferShape)


class OneOffer(ApiView):
    """One offer."""

    scopes = {"GET": "offers:read"}
    tag = "offers"

    @extend_schema(responses=OfferDetailShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read one offer, its price's arithmetic and its certificate."""
        return Response(OfferDetailShape(own_offer(self, pk)).data)


class PublishOffer(ApiView):
    """Putting on sale."""

    scopes = {"POST": "offers:write"}
    tag = "offers"

    @extend_schema(request=PublishInput, responses=OfferDetailShape)
    def post(self, request: Request, pk: str) -> Response:
        """Put a drafted offer on sale. Publishing twice changes nothing.

        Refused with BACK_TEST_NOT_ACCEPTED where the back-test of its baseline breaks a limit, until you accept that.
        """
        offer, given = own_offer(self, pk), self.given(PublishInput)
        publish_offer(offer=offer, user=self.person, **given, now=self.now)
        return Response(OfferDetailShape(own_offer(self, pk)).data)


class WithdrawOffer(ApiView):
    """Taking off sale."""

    scopes = {"POST": "offers:write"}
    tag = "offers"

    @extend_schema(request=WithdrawInput, responses=OfferDetailShape)
    def post(self, request: Request, pk: str) -> Response:
        """Take an offer off sale. What was ordered from it stays sold."""
        offer, given = own_offer(self, pk), self.given(WithdrawInput)
        withdraw_offer(offer=offer, user=self.person, reason=given["reason"], now=self.now)
        return Response(OfferDetailShape(own_offer(self, pk)).data)


def own_offer(view: ApiView, pk: str) -> Offer:
    """The offer with its periods in order."""
    return view.find(filtered_offers(view.rows(Offer), OfferFilters()), pk=pk)
