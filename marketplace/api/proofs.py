"""Proofs of entries of the log, to be checked elsewhere: every byte, the path to a tree head, and where that head stands."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Shape
from marketplace.api.view import ApiView
from marketplace.models import LedgerEntry, Order
from marketplace.queries.proofs import proof_of, statement_entry_of


class OnChainShape(Shape):
    """Where something stands, or is to stand, on a chain."""

    state = serializers.CharField(help_text="FINAL: on the chain for good.")
    tx_hash = serializers.CharField()
    chain_id = serializers.IntegerField(allow_null=True)
    contract = serializers.CharField()
    block_number = serializers.IntegerField(allow_null=True)
    block_hash = serializers.CharField()


class ProvenEntryShape(Shape):
    """The entry with the payload and the salt of its commitment."""

    seq = serializers.IntegerField()
    type = serializers.CharField()
    at = serializers.CharField()
    subject = serializers.CharField()
    parties = serializers.ListField(child=serializers.IntegerField())
    payload = serializers.CharField(help_text="Canonical JSON (RFC 8785), byte for byte.")
    salt = serializers.CharField()
    payload_commit = serializers.CharField()
    leaf = serializers.CharField(help_text="Canonical JSON (RFC 8785), byte for byte.")
    leaf_hash = serializers.CharField()
    prev_hash = serializers.CharField()
    org_seqs = serializers.ListField(
        child=serializers.IntegerField(), help_text="The entry's number within each of parties, in their order."
    )


class ProvenHeadShape(Shape):
    """The tree head the entry is proven under."""

    number = serializers.IntegerField()
    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment] # a field of that name
    anchor = OnChainShape()


class ProvenSettlementShape(Shape):
    """The record of the statement an entry is about."""

    statement = serializers.CharField()
    run = serializers.CharField()
    salt = serializers.CharField()
    settlement_id = serializers.CharField()
    commitment = serializers.CharField()
    record_key = serializers.CharField()
    supersedes = serializers.CharField()
    anchor = OnChainShape()


class ProofShape(Shape):
    """Everything it takes to check an entry anywhere. Hashes are hex; docs/reference/api.md says how to check them."""

    log_id = serializers.CharField()
    entry = ProvenEntryShape()
    previous = serializers.CharField(allow_null=True, help_text="The leaf hash of the entry before.")
    head = ProvenHeadShape(allow_null=True, help_text="Null while no tree head covers the entry.")
    path = serializers.ListField(child=serializers.CharField(), help_text="Siblings, the nearest first (RFC 9162).")
    settlement = ProvenSettlementShape(allow_null=True, help_text="Null for entries that are no statement.")


class EntryProof(ApiView):
    """The proof of one entry."""

    scopes = {"GET": "ledger:read"}
    tag = "ledger"

    @extend_schema(responses=ProofShape)
    def get(self, request: Request, seq: int) -> Response:
        """Read the proof of one entry, to check it elsewhere."""
        entry = self.find(self.rows(LedgerEntry).select_related("event"), seq=seq)
        return Response(proof_of(entry).as_json())


class OrderProof(ApiView):
    """The proof of what an order was settled at."""

    scopes = {"GET": "orders:read"}
    tag = "orders"

    @extend_schema(responses=ProofShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read the proof of the order's newest settlement statement. It is 404 until that statement is in the log."""
        order = self.find(self.rows(Order), pk=pk)
        entry = statement_entry_of(self.rows(LedgerEntry), order_id=order.pk)
        if entry is None:
            raise NotFound("This order has no settlement statement in the log yet.")
        return Response(proof_of(entry).as_json())
