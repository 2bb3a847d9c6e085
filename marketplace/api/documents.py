"""The contract document of an order: for its seller, its buyer where both are here, and the auditor."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import ContractDocument
from marketplace.queries.documents import document_page, newest_first


class ClauseChangeShape(Shape):
    """One clause that reads otherwise than in the version before."""

    place = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class DocumentShape(Shape):
    """One version of a contract document: a skeleton, not legal advice."""

    order = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Of the canonical text, in UTF-8.")
    created_at = Instant(read_only=True)
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    notice = serializers.CharField()
    sections = serializers.ListField(child=serializers.DictField())
    versions = serializers.ListField(child=serializers.IntegerField())
    changes = ClauseChangeShape(many=True, help_text="Against the version before.")
    text = serializers.CharField(help_text="Canonical JSON (RFC 8785), byte for byte: what the hash is of.")


class OrderDocument(ApiView):
    """The newest version."""

    scopes = {"GET": "orders:read"}
    tag = "orders"

    @extend_schema(responses=DocumentShape)
    def get(self, request: Request, pk: str) -> Response:
        """Read the newest version of an order's contract document, its hash and what changed."""
        found = self.find(newest_first(self.rows(ContractDocument)), order=pk)
        return Response(DocumentShape(document_page(found)).data)


class OrderDocumentVersion(ApiView):
    """One version."""

    scopes = {"GET": "orders:read"}
    tag = "orders"

    @extend_schema(responses=DocumentShape)
    def get(self, request: Request, pk: str, version: int) -> Response:
        """Read one version of an order's contract document."""
        found = self.find(self.rows(ContractDocument), order=pk, version=version)
        return Response(DocumentShape(document_page(found)).data)
