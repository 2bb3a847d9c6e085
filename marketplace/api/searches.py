"""Searching the network for flexibility on sale: a signed discover, and the catalogues that come back."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Exact, Input, Instant, Kw, Shape
from marketplace.api.sites import Nothing
from marketplace.api.view import ApiView
from marketplace.models import Offer, Organisation, SearchResult
from marketplace.queries.catalogue import CatalogueRow, SearchPage, search_page
from marketplace.usecases.search_catalogue import search_catalogue

PAGE_FACTS = (
    "transaction_id",
    "requested_at",
    "answered_at",
    "late",
    "refusal",
    "returned",
    "matched",
    "unreadable",
)


class SearchInput(Input):
    """What is looked for; everything may be left out."""

    text = serializers.CharField(
        default="", allow_blank=True, max_length=200, help_text="Words, at most 200 characters."
    )
    direction = serializers.ChoiceField(
        ("REDUCE", "INCREASE"), default="", allow_blank=True, help_text="Write REDUCE or INCREASE, or leave it out."
    )
    min_kw = Kw(default=None, allow_null=True)


class CataloguePeriodShape(Shape):
    """One settlement period of an offer on sale."""

    start_at = Instant(source="start", read_only=True)
    kw = Exact(read_only=True)
    price_gbp_per_kwh = Exact(source="price", read_only=True)
    carbon_g_per_kwh = Exact(source="carbon", allow_null=True, read_only=True)


class CatalogueOfferShape(Shape):
    """An offer on sale, as its seller's message says it. Numbers are strings, as exact as they came."""

    id = serializers.CharField(source="offer_id")
    name = serializers.CharField()
    direction = serializers.SerializerMethodField()
    start_at = Instant(source="start", read_only=True)
    end_at = Instant(source="end", read_only=True)
    kw = Exact(read_only=True, help_text="Can be ordered in every half hour.")
    price_gbp_per_kwh = Exact(source="price", read_only=True)
    penalty_gbp_per_kwh = Exact(source="penalty", allow_null=True, read_only=True)
    notice_s = serializers.SerializerMethodField()
    gate_closure_at = Instant(source="gate_closure", allow_null=True, read_only=True)
    zone = serializers.CharField()
    baseline_method = serializers.CharField()
    max_events_per_day = serializers.IntegerField(source="events_per_day", allow_null=True)
    carbon_g_per_kwh = Exact(source="carbon", allow_null=True, read_only=True)
    full_pence = serializers.IntegerField(help_text="A full order, fully dispatched, before the seller's quote.")
    periods = CataloguePeriodShape(many=True)

    def get_direction(self, row: CatalogueRow) -> str:
        """REDUCE or INCREASE, as on the wire."""
        return next((one.value for one in Offer.Direction if one.label == row.direction), row.direction)

    def get_notice_s(self, row: CatalogueRow) -> int | None:
        """The notice in whole seconds."""
        return None if row.notice is None else int(row.notice.total_seconds())


class CatalogueShape(Shape):
    """What one provider has on sale."""

    provider = serializers.CharField()
    seller = serializers.CharField(help_text="The seller's subscriber id.")
    offers = CatalogueOfferShape(many=True)


class SearchRefusalShape(Shape):
    """Why a search was refused or could not be sent; both empty when it was not."""

    code = serializers.CharField(default="")
    message = serializers.CharField(default="")


class SearchRowShape(Shape):
    """A search in the list."""

    transaction_id = serializers.UUIDField()
    requested_at = Instant(read_only=True)
    answered_at = Instant(allow_null=True, read_only=True)


class SearchShape(SearchRowShape):
    """A search and what came back, cheapest first. `late` means that nobody has answered in time."""

    late = serializers.BooleanField()
    refusal = SearchRefusalShape(help_text="Why the network did not answer, or not with everything; empty when it did.")
    returned = serializers.IntegerField(
        allow_null=True, help_text="How many resources came, where not all fitted into the answer; else null."
    )
    matched = serializers.IntegerField(allow_null=True, help_text="How many resources there are then; else null.")
    unreadable = serializers.IntegerField(help_text="Offers left out, because they could not be read.")
    catalogs = CatalogueShape(many=True)


class Searches(ApiView):
    """The searches of a grid operator."""

    scopes = {"GET": "purchases:read", "POST": "purchases:write"}
    tag = "purchases"
    ordering = "-requested_at"

    @extend_schema(responses=SearchRowShape(many=True))
    def get(self, request: Request) -> Response:
        """List your searches, newest first."""
        self.asked(Nothing)
        return self.listed(self.rows(SearchResult).defer("catalogs"), SearchRowShape)

    @extend_schema(request=SearchInput, responses={202: SearchShape})
    def post(self, request: Request) -> Response:
        """Ask the network what flexibility is on sale. The answer appears under the search's transaction id."""
        given = self.given(SearchInput)
        organisation = self.acting(Organisation.Kind.GRID)
        search = search_catalogue(organisation=organisation, user=self.person, now=self.now, **given)
        return Response(found(search_page(search, self.now)), status=202)


class OneSearch(ApiView):
    """One search."""

    scopes = {"GET": "purchases:read"}
    tag = "purchases"

    @extend_schema(responses=SearchShape)
    def get(self, request: Request, transaction_id: str) -> Response:
        """Read a search and the offers that came back, by provider and cheapest first."""
        search = self.find(self.rows(SearchResult), transaction_id=transaction_id)
        return Response(found(search_page(search, self.now)))


def found(page: SearchPage) -> dict[str, Any]:
    """The search with its rows put together by provider."""
    rows = sorted(page.rows, key=provider_of)
    catalogs = [
        {"provider": provider, "seller": seller, "offers": list(offers)}
        for (seller, provider), offers in groupby(rows, key=provider_of)
    ]
    return dict(SearchShape({**{name: getattr(page, name) for name in PAGE_FACTS}, "catalogs": catalogs}).data)


def provider_of(row: CatalogueRow) -> tuple[str, str]:
    """(seller, provider) of an offer on sale."""
    return row.seller, row.provider
