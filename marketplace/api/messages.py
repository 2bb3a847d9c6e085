"""The Beckn messages of one's own deals, as the journal holds them. Which those are is decided in queries.visible."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.queries.messages import MessageFilters, messages_list


class MessageShape(Shape):
    """One message, sent or received."""

    id = serializers.IntegerField()
    direction = serializers.CharField(help_text="in or out.")
    at = Instant(read_only=True)
    role = serializers.CharField(help_text="buyer or seller: whose side of the deal it is.")
    action = serializers.CharField()
    partner = serializers.CharField(source="peer")
    state = serializers.CharField()
    problem = serializers.CharField(source="note")
    message_id = serializers.UUIDField()
    transaction_id = serializers.UUIDField()


class MessagesShape(Shape):
    """A slice of the journal."""

    next = serializers.URLField(allow_null=True, help_text="The next slice; null on the last.")
    results = MessageShape(many=True)


class MessagesAsked(Input):
    """Which messages. The journal is two tables read as one, so its slices are numbered."""

    way = serializers.ChoiceField(("in", "out"), required=False, help_text="Write in or out.")
    action = serializers.CharField(required=False, max_length=40, help_text="An action, such as on_confirm.")
    state = serializers.CharField(required=False, max_length=10, help_text="A state, such as DELIVERED.")
    transaction = serializers.UUIDField(required=False, help_text="A whole transaction id.")
    page = serializers.IntegerField(default=1, min_value=1, max_value=100_000, help_text="Write a number from 1.")


class Messages(ApiView):
    """The journal."""

    scopes = {"GET": "messages:read"}
    tag = "messages"
    pagination_class = None

    @extend_schema(parameters=[MessagesAsked], responses=MessagesShape)
    def get(self, request: Request) -> Response:
        """List the Beckn messages of your own deals, newest first."""
        asked = self.asked(MessagesAsked)
        number = asked.pop("page")
        page = messages_list(
            self.person, MessageFilters(**{name: str(value) for name, value in asked.items()}), number
        ).page
        here = request.build_absolute_uri()
        following = replace_query_param(here, "page", page.after) if page.after else None
        return Response(MessagesShape({"next": following, "results": page.rows if number <= page.pages else ()}).data)
