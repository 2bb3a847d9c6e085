"""Contract documents of orders, version by version. What was written is never changed; other terms are another version."""

from __future__ import annotations

from django.db import models

from marketplace.models.order import Order


class ContractDocument(models.Model):
    """The canonical bytes (RFC 8785) of an order's document, and their SHA-256."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="documents")
    version = models.PositiveIntegerField()
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64, db_index=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "version"], name="one_document_per_order_and_version"),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="document_versions_begin_with_one"),
        ]
