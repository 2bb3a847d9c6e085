"""Who is asking, and how much their credential lets through: API tokens with scopes, or the session of a signed-in person.

A token acts for its one organisation: `User.acting_for` narrows what `visible` shows and what `role_of` answers. What the
person may do with a row they see is decided by the use cases, for tokens and sessions alike.
"""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.models import ApiToken, User, role_of

SECRET = re.compile(rb"[0-9a-f]{16,128}")
# "Last used" is for finding forgotten tokens; a row is not written on every request for it.
USE_NOTED_EVERY = timedelta(minutes=5)


class TokenOfOneOrganisation(TokenAuthentication):
    """`Authorization: Token <secret>`. The person must still belong to the token's organisation."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        """The token's person, narrowed to its organisation, and the token. Raises AuthenticationFailed."""
        if not SECRET.fullmatch(token):
            raise AuthenticationFailed("This is not a token.")
        user, found = super().authenticate_credentials(token)
        if found.organisation is None or role_of(user, found.organisation) is None:
            raise AuthenticationFailed("The person behind this token no longer belongs to its organisation.")
        user.acting_for = found.organisation
        note_use(found)
        return user, found


def note_use(token: ApiToken) -> None:
    """Remember roughly when the token was last used, in real time as its expiry is."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


class SessionWithCsrf(SessionAuthentication):
    """The session of somebody signed in on the pages. A POST needs their CSRF token, so that no other site can send it."""

    def enforce_csrf(self, request: Request) -> None:
        """Raises PermissionDenied with a code that says how to put it right."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as refused:
            raise PermissionDenied(str(refused.detail), code="CSRF_FAILED") from refused


class HoldsScope(BasePermission):
    """Lets a session through, and a token that holds the scope its view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises PermissionDenied naming the scope, and MethodNotAllowed for a method the view names none for."""
        if not isinstance(request.user, User):
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        wanted: str | None = getattr(view, "scopes", {}).get(method)
        if wanted is None:
            raise MethodNotAllowed(method)
        if wanted and isinstance(request.auth, ApiToken) and wanted not in request.auth.scopes:
            raise PermissionDenied(f"This token does not hold the scope {wanted}.", code="SCOPE_MISSING")
        return True
