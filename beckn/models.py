"""The message journal and the network's address book. Raw bytes are kept as they came or went; nothing is rewritten.

Inbox rows are inserted with their receipt, before the receipt is sent; outbox rows in the transaction of the effect they
announce. `state` and `next_attempt_at` are all a sweeper needs, so that nothing depends on a wake-up call.
"""

from __future__ import annotations

import uuid

from django.db import models


class Subscriber(models.Model):
    """A participant of the network as the registry knows it: where it listens and which key verifies it.

    Rows are our development registry, or, with BECKN_REGISTRY_URL, what that registry last answered (`fetched_at`).
    """

    class Status(models.TextChoices):
        """A revoked or expired key verifies nothing, at once."""

        SUBSCRIBED = "SUBSCRIBED", "Subscribed"
        REVOKED = "REVOKED", "Revoked"

    subscriber_id = models.CharField(max_length=255)
    key_id = models.CharField(max_length=80, help_text="uniqueKeyId of the signing key")
    role = models.CharField(max_length=8, help_text="bap, bpp, ds, or registry: whoever admits the others")
    url = models.CharField(max_length=500, help_text="Base URL; actions are appended. Only these URLs are ever called.")
    public_key = models.CharField(max_length=64, help_text="Ed25519 public key, base64 of 32 bytes")
    encr_public_key = models.CharField(max_length=64, blank=True, help_text="X25519 public key, base64 of 32 bytes")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.SUBSCRIBED)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True, blank=True)
    lifetime_s = models.PositiveIntegerField(default=300, help_text="How long a fetched answer may be repeated, s")
    profile = models.CharField(
        max_length=8, blank=True, help_text="How it speaks (beckn.wire.profile); empty: settings.BECKN_PROFILE"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber_id", "key_id"], name="one_row_per_subscriber_and_key"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id}|{self.key_id}"


class Subscription(models.Model):
    """Somebody who asked our registry to be admitted with this key, and has not yet answered the challenge.

    It verifies nothing: only an answered challenge makes a Subscriber of it.
    """

    class State(models.TextChoices):
        """PENDING -> ADMITTED, or FAILED when the challenge was not answered at any attempt."""

        PENDING = "PENDING", "Under subscription"
        ADMITTED = "ADMITTED", "Admitted"
        FAILED = "FAILED", "Failed"

    subscriber_id = models.CharField(max_length=255)
    key_id = models.CharField(max_length=80)
    role = models.CharField(max_length=3, help_text="bap or bpp")
    url = models.CharField(max_length=500)
    public_key = models.CharField(max_length=64)
    encr_public_key = models.CharField(max_length=64)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    nonce = models.CharField(max_length=100, help_text="The same nonce is the same request")
    is_first = models.BooleanField(help_text="Nobody had this subscriber id when it was asked for")
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber_id", "key_id"], name="one_subscription_per_subscriber_and_key"),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"])]


class RefusedRequest(models.Model):
    """A request that became no message: a bad signature, schema or address. Bounded in number, so that it cannot fill a disk.

    Nothing in it is verified: `claimed` is whoever the signature's header says it is.
    """

    at = models.DateTimeField()
    address = models.CharField(max_length=64, help_text="The network address it came from")
    path = models.CharField(max_length=120)
    role = models.CharField(max_length=3, blank=True)
    claimed = models.CharField(max_length=255, blank=True, help_text="The subscriber id its header claims")
    key_id = models.CharField(max_length=80, blank=True)
    status = models.PositiveSmallIntegerField(help_text="The HTTP status it was answered with")
    code = models.CharField(max_length=60)
    reason = models.CharField(max_length=500)
    pointer = models.CharField(max_length=300, blank=True, help_text="JSON pointer into the body, where one is known")
    size = models.PositiveIntegerField(help_text="Bytes of the body that were read")
    digest = models.CharField(max_length=128, help_text="BLAKE2b-512 of these bytes, hex")
    beginning = models.BinaryField(help_text="The first bytes of the body")
    unrecorded = models.PositiveIntegerField(default=0, help_text="Refusals before it that were only counted")

    class Meta:
        indexes = [models.Index(fields=["-at"]), models.Index(fields=["address"])]


class InboxMessage(models.Model):
    """A message we acknowledged. Refused ones (bad signature, bad schema) leave no effect; see RefusedRequest."""

    class State(models.TextChoices):
        """RECEIVED -> HANDLED, or REFUSED with an anticipated error; a fault is retried and ends DEAD, visibly."""

        RECEIVED = "RECEIVED", "Received"
        HANDLED = "HANDLED", "Handled"
        REFUSED = "REFUSED", "Refused"
        DEAD = "DEAD", "Dead letter"

    role = models.CharField(max_length=3, help_text="The role it was addressed to: bap, bpp or ds")
    subscriber_id = models.CharField(max_length=255, help_text="Verified sender")
    action = models.CharField(max_length=40, help_text="Its name in 2.0.0, whatever the sender's profile calls it")
    profile = models.CharField(max_length=8, default="lts", help_text="The sender's profile when it came")
    tolerances = models.JSONField(default=list, help_text="Names of what was forgiven (beckn.wire.tolerance)")
    message_id = models.UUIDField()
    transaction_id = models.UUIDField()
    authorization = models.TextField(help_text="The Authorization header, as received")
    public_key = models.CharField(max_length=64, help_text="The key that verified it, as resolved then")
    raw = models.BinaryField(help_text="The body's bytes, as received")
    digest = models.CharField(max_length=128, help_text="BLAKE2b-512 of raw, hex")
    receipt = models.BinaryField(help_text="The receipt's bytes, replayed for every copy of this message")
    received_at = models.DateTimeField()
    stored_at = models.DateTimeField(
        null=True, blank=True, help_text="When its storing began; the receipt went out after"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, help_text="The refusal or the last fault, in words")
    application_status = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="For the application behind our adapter: HTTP status of the receipt, 0 while it has not said; else none",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["role", "subscriber_id", "action", "message_id"], name="one_row_per_message_received"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"]),
            models.Index(fields=["transaction_id"]),
            models.Index(fields=["-received_at"]),
        ]


class OutboxMessage(models.Model):
    """A message we owe somebody. Its bytes are fixed at once, with a ttl that outlasts the retries; each attempt is signed anew."""

    class State(models.TextChoices):
        """PENDING -> DELIVERED, or REFUSED by the peer's NACK; DEAD when attempts ran out, and can be driven again."""

        PENDING = "PENDING", "Waiting to be sent"
        DELIVERED = "DELIVERED", "Delivered"
        REFUSED = "REFUSED", "Refused by the peer"
        DEAD = "DEAD", "Dead letter"

    role = models.CharField(max_length=3, help_text="The role that speaks: bap, bpp or ds")
    to = models.CharField(max_length=255, help_text="The peer's subscriber id")
    action = models.CharField(max_length=40, help_text="Its name in 2.0.0, whatever the peer's profile calls it")
    profile = models.CharField(max_length=8, default="lts", help_text="The peer's profile when it was stored")
    message_id = models.UUIDField(default=uuid.uuid4)
    transaction_id = models.UUIDField()
    answers = models.ForeignKey(InboxMessage, models.PROTECT, null=True, blank=True, related_name="callbacks")
    raw = models.BinaryField(help_text="The body's bytes: the same at every attempt, so that a repeat is a copy")
    created_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    policy = models.JSONField(default=dict, help_text="The receiver's retryPolicy, where it has one (beckn.retry)")
    next_attempt_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status of the last attempt")
    receipt = models.BinaryField(default=b"", help_text="The peer's last receipt, as received")
    receipt_proof = models.CharField(
        max_length=8, blank=True, help_text="Whether the receipt is signed back: SIGNED, UNSIGNED, INVALID"
    )
    authorizations = models.JSONField(
        default=list, help_text="What each attempt was signed with; an onix peer's callback names one of them"
    )
    asked_digest = models.CharField(
        max_length=128, blank=True, help_text="BLAKE2b-512 of the body an application had us send, hex; empty: our own"
    )
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "to", "action", "message_id"], name="one_row_per_message_sent"),
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"]),
            models.Index(fields=["transaction_id"]),
            models.Index(fields=["-created_at"]),
        ]


class Catalogue(models.Model):
    """A catalogue that a seller published to our discovery service, whole, as it answers searches."""

    publisher = models.CharField(max_length=255, help_text="Verified subscriber id of the seller")
    catalogue_id = models.CharField(max_length=255, help_text="The seller's own id for it")
    network_id = models.CharField(max_length=255)
    is_active = models.BooleanField(help_text="Inactive ones answer nobody")
    is_master = models.BooleanField(default=False, help_text="Of items that others refer to, not of things on sale")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="The end of its validity, if it has one")
    types = models.JSONField(default=list, help_text="@context of each kind of resource in it")
    items = models.PositiveIntegerField(help_text="How many resources")
    body = models.BinaryField(help_text="The catalogue as JSON, exact numbers, with the publisher's registered address")
    version = models.PositiveIntegerField(default=1, help_text="Rises with each publication")
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "catalogue_id"], name="one_catalogue_per_publisher_and_id"),
        ]
        indexes = [models.Index(fields=["network_id", "is_active"])]


class CatalogueSubscription(models.Model):
    """A buyer's wish to be sent what is published; each delivery is an on_discover in the transaction that asked for it."""

    class Status(models.TextChoices):
        """ACTIVE until deleted; INACTIVE when the registry does not know the subscriber any more."""

        ACTIVE = "ACTIVE", "Active"
        INACTIVE = "INACTIVE", "Inactive"
        DELETED = "DELETED", "Deleted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscriber_id = models.CharField(max_length=255)
    transaction_id = models.UUIDField()
    network_ids = models.JSONField()
    types = models.JSONField(default=list, help_text="Only resources of these @context; empty: all")
    callback_url = models.CharField(max_length=500, blank=True, help_text="As asked for; it is the registered address")
    policy = models.JSONField(
        default=dict, help_text="deliveryPolicy as asked for; what it leaves out is the standard's"
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    problem = models.TextField(blank=True, help_text="Why something was last not delivered")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["subscriber_id", "status"])]


class CataloguePull(models.Model):
    """What a buyer asked to be given at once, and the answer, to be fetched by its request id."""

    subscriber_id = models.CharField(max_length=255)
    request_id = models.UUIDField(help_text="The message id of the request")
    catalogs = models.BinaryField(help_text='{"catalogs": [...]} as JSON')
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber_id", "request_id"], name="one_pull_per_subscriber_and_request"),
        ]
