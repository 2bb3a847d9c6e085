"""The log: numbered events, the bytes each one stands on, and where it stands on its way to the chain."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import LedgerEntry
from marketplace.queries.ledger import NAMES, LedgerFilters, entry_page, entry_row, filtered_entries, heads


class EntryShape(Shape):
    """One entry of the log."""

    seq = serializers.IntegerField()
    at = Instant(read_only=True)
    type = serializers.CharField()
    subject = serializers.CharField()
    sentence = serializers.CharField(help_text="What happened, for people.")
    leaf_hash = serializers.CharField()
    state = serializers.CharField(help_text="SEQUENCED, or the state of the tree head that covers it; FINAL: on chain.")
    tx_hash = serializers.CharField()


class HeadShape(Shape):
    """The smallest tree head on chain, or on its way there, that covers an entry."""

    number = serializers.IntegerField()
    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment] # a field of that name
    state = serializers.CharField()
    tx_hash = serializers.CharField()
    block_number = serializers.IntegerField(allow_null=True)
    block_hash = serializers.CharField()
    chain_id = serializers.IntegerField(allow_null=True)
    contract = serializers.CharField()
    updated_at = Instant(read_only=True)


class EntryDetailShape(Shape):
    """An entry and every byte it stands on: leaf and payload as canonical JSON text, and the salt of the commitment."""

    entry = EntryShape(source="row")
    leaf = serializers.CharField()
    payload = serializers.CharField()
    salt = serializers.CharField()
    payload_commit = serializers.CharField()
    prev_hash = serializers.CharField()
    head = HeadShape(allow_null=True)


class EntriesAsked(Input):
    """Which entries."""

    type = serializers.CharField(required=False, max_length=60, help_text="A type, such as order.confirmed.")
    subject = serializers.CharField(required=False, max_length=120, help_text="A part of the subject, such as order:.")
    state = serializers.ChoiceField(
        sorted(NAMES), required=False, help_text=f"Write one of {', '.join(sorted(NAMES))}."
    )
    find = serializers.CharField(
        required=False, max_length=80, help_text="An entry's number, a leaf hash or a transaction hash."
    )


class Entries(ApiView):
    """The list."""

    scopes = {"GET": "ledger:read"}
    tag = "ledger"
    ordering = "-seq"

    @extend_schema(parameters=[EntriesAsked], responses=EntryShape(many=True))
    def get(self, request: Request) -> Response:
        """List the entries you may see, newest first."""
        rows = filtered_entries(self.rows(LedgerEntry), LedgerFilters(**self.asked(EntriesAsked)))
        page, found = self.paginate_queryset(rows) or [], heads()
        return self.get_paginated_response(EntryShape([entry_row(row, found) for row in page], many=True).data)


class OneEntry(ApiView):
    """One entry."""

    scopes = {"GET": "ledger:read"}
    tag = "ledger"

    @extend_schema(responses=EntryDetailShape)
    def get(self, request: Request, seq: int) -> Response:
        """Read one entry and every byte it stands on."""
        entry = self.find(self.rows(LedgerEntry).select_related("event"), seq=seq)
        return Response(EntryDetailShape(entry_page(entry)).data)
