"""The event log and the audit trail over it.

An Event is written in the transaction of the effect it records. The sequencer then numbers events in commit order
into LedgerEntry rows (hash-chained, insert-only), the leaves of the RFC 6962 tree. An Anchor is one tree head on chain.
"""

from __future__ import annotations

import uuid

from django.db import models

from marketplace.models.organisation import Organisation
from marketplace.models.settlement import SettlementStatement


class Event(models.Model):
    """Something that happened, as canonical JSON. `payload_commit` hides the payload behind a salt."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=60, help_text="Dotted name, for example order.confirmed")
    at = models.DateTimeField()
    organisations = models.ManyToManyField(Organisation, related_name="events", blank=True)
    subject = models.CharField(max_length=120, blank=True, help_text="What it is about, for example order:<uuid>")
    payload = models.BinaryField(help_text="RFC 8785 canonical JSON")
    salt = models.BinaryField(max_length=32)
    payload_commit = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["subject"]), models.Index(fields=["-at"])]


class LedgerEntry(models.Model):
    """A numbered event: leaf `seq` of the log. Insert-only, enforced by database triggers."""

    seq = models.PositiveBigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, models.PROTECT, related_name="entry")
    leaf = models.BinaryField(help_text="RFC 8785 canonical JSON of the entry without its payload")
    leaf_hash = models.CharField(max_length=64, unique=True)
    prev_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()


class OrganisationNumber(models.Model):
    """An entry's number within an organisation it concerns: gapless from 1 on, and insert-only like the entry itself."""

    entry = models.ForeignKey(LedgerEntry, models.PROTECT, related_name="numbers")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", db_index=False)
    org_seq = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "org_seq"], name="one_entry_per_number_of_an_organisation"),
            models.UniqueConstraint(fields=["entry", "organisation"], name="one_number_per_entry_and_organisation"),
        ]


class Anchor(models.Model):
    """A tree head on its way to the chain, or on it. `state` is what people see: anchored only when FINAL."""

    class State(models.TextChoices):
        """PENDING -> SIGNED -> SENT -> MINED -> FINAL; REORGED goes back to SENT; NO_CHAIN waits, visibly."""

        PENDING = "PENDING", "Waiting"
        SIGNED = "SIGNED", "Signed"
        SENT = "SENT", "Submitted"
        MINED = "MINED", "Mined"
        FINAL = "FINAL", "Anchored"
        REORGED = "REORGED", "Reorganised"
        FAILED = "FAILED", "Failed"

    class Kind(models.TextChoices):
        """What the transaction does: extend the log, or record a batch of statements."""

        HEAD = "HEAD", "Tree head"
        RECORD = "RECORD", "Settlement record"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    seq = models.PositiveBigIntegerField(null=True, blank=True, help_text="Head number, for HEAD")
    size = models.PositiveBigIntegerField(null=True, blank=True)
    root = models.CharField(max_length=64, blank=True)
    proof = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    tx_hash = models.CharField(max_length=66, blank=True)
    block_number = models.PositiveBigIntegerField(null=True, blank=True)
    block_hash = models.CharField(max_length=66, blank=True)
    chain_id = models.PositiveBigIntegerField(null=True, blank=True)
    contract = models.CharField(max_length=42, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "seq"], name="one_anchor_per_head_number")]


class AnchorAttempt(models.Model):
    """One signed transaction for an anchor: the raw bytes are committed before they are first broadcast."""

    anchor = models.ForeignKey(Anchor, models.CASCADE, related_name="attempts")
    sender = models.CharField(max_length=42, blank=True, help_text="Address of the key that signed")
    nonce = models.PositiveBigIntegerField()
    tx_hash = models.CharField(max_length=66, unique=True)
    raw_tx = models.BinaryField()
    max_fee_wei = models.PositiveBigIntegerField(default=0, help_text="Wei per gas at most")
    priority_fee_wei = models.PositiveBigIntegerField(default=0, help_text="Wei per gas of it for the block's maker")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True, help_text="First handed to the chain; empty: never yet")
    outcome = models.CharField(max_length=40, blank=True)


class SettlementRecord(models.Model):
    """One statement's entry in a RECORD anchor: the three hashes that stand on chain."""

    statement = models.OneToOneField(SettlementStatement, models.PROTECT, related_name="record")
    anchor = models.ForeignKey(Anchor, models.PROTECT, null=True, blank=True, related_name="records")
    settlement_id = models.CharField(max_length=64)
    commitment = models.CharField(max_length=64)
    supersedes = models.CharField(max_length=64, blank=True)
    run = models.CharField(max_length=2)
    salt = models.BinaryField(max_length=32)


class Lease(models.Model):
    """Who may run a single-runner duty (sequencer, sender, relay) until when."""

    name = models.CharField(max_length=80, primary_key=True, help_text="A duty, or one with the UUID of what it is for")
    holder = models.CharField(max_length=120)
    until = models.DateTimeField()
