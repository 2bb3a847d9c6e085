"""One Beckn message in full, driving it again, and what was refused at the door."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from beckn.models import InboxMessage, OutboxMessage
from marketplace.api.messages import MessageShape
from marketplace.api.shapes import Instant, Shape
from marketplace.api.sites import Nothing
from marketplace.api.view import ApiView
from marketplace.queries.inspection import Inspection, inspect
from marketplace.queries.messages import MessagePage, message_of, page_of_message
from marketplace.queries.refusals import may_see_refusals, refusals
from marketplace.usecases.redrive_message import redrive_message


class SignatureShape(Shape):
    """The last signature over the message, judged again now."""

    subscriber_id = serializers.CharField()
    key_id = serializers.CharField()
    created = Instant(read_only=True)
    expires = Instant(read_only=True)
    signing_string = serializers.CharField(help_text="Exactly the lines that were signed.")
    holds = serializers.BooleanField(allow_null=True, help_text="Null where the key is not known here now.")
    key_state = serializers.CharField(help_text="How the registry holds the key now; empty when it does not.")
    key_from = Instant(read_only=True, allow_null=True)
    key_until = Instant(read_only=True, allow_null=True)


class VerdictShape(Shape):
    """What the schema says of the body."""

    fits = serializers.BooleanField()
    code = serializers.CharField()
    pointer = serializers.CharField(help_text="JSON pointer to what does not fit.")
    reason = serializers.CharField()


class TimingShape(Shape):
    """One thing that happened."""

    name = serializers.CharField()
    at = Instant(read_only=True)
    after_s = serializers.FloatField(help_text="Seconds after the first of them.")


class WholeMessageShape(Shape):
    """One message: its row, its bytes, and what can be said about them."""

    message = MessageShape()
    raw_base64 = serializers.CharField(help_text="The body's bytes exactly as they were signed.")
    digest = serializers.CharField()
    authorizations = serializers.ListField(child=serializers.CharField(), help_text="One header an attempt.")
    signature = SignatureShape(allow_null=True)
    unreadable = serializers.CharField(help_text="Why the last signature cannot be read; empty when it can.")
    schema = VerdictShape()
    profile = serializers.CharField()
    forgiven = serializers.ListField(child=serializers.CharField(), help_text="Names of the tolerances it needed.")
    timings = TimingShape(many=True)
    receipt = serializers.CharField()
    attempts = serializers.IntegerField()
    can_redrive = serializers.BooleanField()
    paired = MessageShape(many=True, help_text="The request or callbacks with the same message id.")


class RefusedRequestShape(Shape):
    """A request that became no message. Nothing of it is verified."""

    at = Instant(read_only=True)
    address = serializers.CharField()
    path = serializers.CharField()
    claimed = serializers.CharField(help_text="Who its signature's header says it is.")
    key_id = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    reason = serializers.CharField()
    pointer = serializers.CharField()
    size = serializers.IntegerField()
    digest = serializers.CharField(help_text="BLAKE2b-512 of the body, hex.")
    beginning = serializers.CharField(help_text="The first bytes of the body, as text.")
    unrecorded = serializers.IntegerField(help_text="Refusals before it that were only counted.")


class RefusedListShape(Shape):
    """The newest refused requests."""

    results = RefusedRequestShape(many=True)


class OneMessage(ApiView):
    """One message."""

    scopes = {"GET": "messages:read"}
    tag = "messages"

    @extend_schema(operation_id="messages_whole_retrieve", responses=WholeMessageShape)
    def get(self, request: Request, direction: str, pk: int) -> Response:
        """Read one message in full: bytes, signature, schema, timings and what belongs to it."""
        return Response(whole(self, own_message(self, direction, pk)))


class Redrive(ApiView):
    """Driving again."""

    scopes = {"POST": "messages:write"}
    tag = "messages"

    @extend_schema(request=None, responses=WholeMessageShape)
    def post(self, request: Request, direction: str, pk: int) -> Response:
        """Give a dead or refused message a fresh set of attempts, with the same bytes."""
        message = own_message(self, direction, pk)
        self.given(Nothing)
        redrive_message(message=message, user=self.person, now=timezone.now())
        return Response(whole(self, own_message(self, direction, pk)))


class Refused(ApiView):
    """The journal of refusals."""

    scopes = {"GET": "messages:read"}
    tag = "messages"
    pagination_class = None

    @extend_schema(responses=RefusedListShape)
    def get(self, request: Request) -> Response:
        """List the newest requests refused at the Beckn door, for administrators."""
        if not may_see_refusals(self.person):
            raise NotFound
        return Response(RefusedListShape({"results": refusals(self.person)}).data)


def own_message(view: ApiView, direction: str, pk: int) -> InboxMessage | OutboxMessage:
    """The journal's row, if it is the person's to see."""
    found = message_of(view.person, direction, pk)
    if found is None:
        raise NotFound
    return found


def whole(view: ApiView, message: InboxMessage | OutboxMessage) -> dict[str, object]:
    """Page and inspection as one answer."""
    page: MessagePage = page_of_message(view.person, message)
    found: Inspection = inspect(message)
    kept = ("raw_base64", "digest", "authorizations", "unreadable", "schema", "profile", "timings")
    told = {name: getattr(found, name) for name in kept} | {
        "message": page.row,
        "signature": found.signed,
        "forgiven": [name for name, _ in found.forgiven],
        "receipt": bytes(message.receipt).decode("utf-8", "replace"),
        "attempts": message.attempts,
        "can_redrive": page.can_redrive,
        "paired": page.answers,
    }
    return dict(WholeMessageShape(told).data)
