"""Who this credential speaks for, and one's own tokens."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Left
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.sites import Nothing
from marketplace.api.view import ApiView
from marketplace.models import ApiToken, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, may
from marketplace.rules.scopes import SCOPES
from marketplace.usecases.make_token import LONGEST, make_token, public_id
from marketplace.usecases.revoke_token import revoke_token


class OrganisationShape(Shape):
    """A party of the market."""

    slug = serializers.SlugField()
    name = serializers.CharField()
    kind = serializers.CharField(help_text="OPERATOR, GRID or AUDITOR.")


class MeShape(Shape):
    """The person, the organisation they act for, and what their role and their token let them do."""

    email = serializers.EmailField()
    organisation = OrganisationShape(allow_null=True)
    role = serializers.CharField(help_text="In that organisation; empty without one.")
    may = serializers.ListField(child=serializers.CharField(), help_text="What the role allows.")
    scopes = serializers.ListField(child=serializers.CharField(), help_text="What the credential lets through.")
    environment = serializers.CharField(help_text="DEMO, SANDBOX or LIVE.")
    market_time = Instant(read_only=True, help_text="The market's clock; in a demonstration it may stand elsewhere.")


class TokenShape(Shape):
    """A token, without its secret."""

    id = serializers.SerializerMethodField()
    name = serializers.CharField()
    organisation = serializers.CharField(source="organisation.slug", default="", read_only=True)
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = Instant(source="created", read_only=True)
    expires_at = Instant(source="expiry", allow_null=True, read_only=True)
    last_used_at = Instant(allow_null=True, read_only=True, help_text="To within five minutes.")

    def get_id(self, token: ApiToken) -> str:
        """What the token is called."""
        return public_id(token)


class NewTokenShape(TokenShape):
    """A new token with its secret, which is shown this once and kept nowhere."""

    secret = serializers.CharField()


class TokenInput(Input):
    """What the token is for."""

    name = serializers.CharField(max_length=80, help_text="Say what uses it, in at most 80 characters.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(sorted(SCOPES)),
        allow_empty=False,
        max_length=len(SCOPES),
        help_text=f"Choose among {', '.join(SCOPES)}.",
    )
    days = serializers.IntegerField(
        default=30, min_value=1, max_value=LONGEST.days, help_text="Write how many days it lives, 1 to 90."
    )


class Me(ApiView):
    """The credential's owner."""

    scopes = {"GET": ""}
    tag = "me"

    @extend_schema(responses=MeShape)
    def get(self, request: Request) -> Response:
        """Read who you are here, and what you may do."""
        organisation = self.organisation
        role = role_of(self.person, organisation) if organisation else None
        held = request.auth.scopes if isinstance(request.auth, ApiToken) else list(SCOPES)
        facts = {
            "email": self.person.email,
            "organisation": organisation,
            "role": role or "",
            "may": [action.value for action in Action if may(role, action)],
            "scopes": held,
            "environment": settings.ENVIRONMENT,
            "market_time": self.now,
        }
        return Response(MeShape(facts).data)


class Tokens(ApiView):
    """One's own tokens."""

    scopes = {"GET": "tokens:read", "POST": "tokens:write"}
    tag = "me"
    ordering = "-created"

    @extend_schema(responses=TokenShape(many=True))
    def get(self, request: Request) -> Response:
        """List your tokens, newest first."""
        self.asked(Nothing)
        return self.listed(self.rows(ApiToken).select_related("organisation"), TokenShape)

    @extend_schema(request=TokenInput, responses={201: NewTokenShape})
    def post(self, request: Request) -> Response:
        """Make a token for the organisation you act for. Its secret is in this answer only.

        A token made with another one holds no scope that one lacks, and ends no later.
        """
        given = self.given(TokenInput)
        organisation = self.organisation
        if organisation is None:
            raise MarketError("NOT_ALLOWED", "You belong to no organisation.", fix="A token acts for an organisation.")
        token, secret = make_token(
            user=self.person,
            organisation=organisation,
            name=given["name"],
            scopes=given["scopes"],
            life=timedelta(days=given["days"]),
            within=request.auth if isinstance(request.auth, ApiToken) else None,
            now=self.now,
        )
        return Response({**TokenShape(token).data, "secret": secret}, status=201)


class OneToken(ApiView):
    """One token."""

    scopes = {"DELETE": "tokens:write"}
    tag = "me"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, token: str) -> Response:
        """Revoke a token, at once and for good."""
        rows = self.rows(ApiToken).select_related("organisation").annotate(public_id=Left("digest", 16))
        revoke_token(token=self.find(rows, public_id=token), now=self.now)
        return Response(status=204)
