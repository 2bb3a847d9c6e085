"""The OpenAPI document: each operation says what it does, the scope it needs, and the problems it answers with.

Summary and description are the method's docstring, so that they stand beside the code they describe.
"""

from __future__ import annotations

import inspect
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from marketplace.api.problems import CONTENT_TYPE, TITLES
from marketplace.rules.scopes import SCOPES


class FieldErrorShape(serializers.Serializer[Any]):
    """One value that must be put right."""

    field = serializers.CharField(help_text="The value's path, for example readings[3].start.")
    value = serializers.CharField(help_text="What was given, shortened; empty when nothing was.")
    problem = serializers.CharField()
    fix = serializers.CharField(help_text="What to write instead.")


class ProblemShape(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField(help_text="urn:caco:problem:<code>")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong, in a sentence.")
    code = serializers.CharField(help_text="For programs: stable, in capitals.")
    fix = serializers.CharField(help_text="What to do, in a sentence; may be empty.")
    errors = FieldErrorShape(many=True, required=False)  # type: ignore[assignment] # a field of that name


class Described(AutoSchema):  # type: ignore[no-untyped-call, unused-ignore]
    """AutoSchema with our words, scopes and problems."""

    def words(self) -> tuple[str, str]:
        """(first line, rest) of the method's docstring."""
        text = inspect.getdoc(getattr(self.view, self.method.lower())) or ""
        summary, _, rest = text.partition("\n")
        return summary.strip().removesuffix("."), rest.strip()

    @property
    def scope(self) -> str:
        """The scope a token needs for this operation; empty for any credential."""
        scopes: dict[str, str] = getattr(self.view, "scopes", {})
        return scopes.get(self.method, "")

    def get_summary(self) -> str:
        """The docstring's first line."""
        return self.words()[0]

    def get_description(self) -> str:  # type: ignore[override]
        """The docstring's rest, and the scope."""
        needs = f"Scope: `{self.scope}` ({SCOPES[self.scope]})." if self.scope else "Any token, or a session."
        return "\n\n".join(part for part in (self.words()[1], needs) if part)

    def get_tags(self) -> list[str]:
        """One tag a noun."""
        return [getattr(self.view, "tag", "")]

    def get_extensions(self) -> dict[str, Any]:
        """The scope again, for programs."""
        return {"x-scope": self.scope} if self.scope else {}

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """What the view declares, and the problems that come with its method and path."""
        bodies = super()._get_response_bodies(direction)
        for body in bodies.values():
            body["description"] = body["description"] or self.get_summary()
        shape = self.resolve_serializer(ProblemShape(), "response").ref
        for status in self.problems():
            content = {CONTENT_TYPE: {"schema": shape}}
            bodies.setdefault(str(status), {"content": content, "description": TITLES[status]})
        return bodies

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """A shape's name without the word shape."""
        return super().get_serializer_name(serializer, direction).removesuffix("Shape")

    def get_paginated_name(self, serializer_name: str) -> str:
        """What a slice of a list is called."""
        return f"{serializer_name}Slice"

    def problems(self) -> list[int]:
        """The statuses this operation can refuse with."""
        found = [401, 403]
        if "{" in self.path:
            found.append(404)
        if self.method == "GET":
            return [*found, 422] if self._is_list_view() else found
        if self.method == "POST":
            found += [400, 409, 413, 415, 422]
        return sorted(found)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call, unused-ignore]
    """How a token is sent."""

    target_class = "marketplace.api.credentials.TokenOfOneOrganisation"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """A header with a word in front, which OpenAPI can only say as an API key."""
        words = "`Token <secret>`: a token of one person for one organisation, with scopes, made at /api/v1/tokens."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": words}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call, unused-ignore]
    """The session of somebody signed in on the pages."""

    target_class = "marketplace.api.credentials.SessionWithCsrf"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """The session's cookie."""
        words = "The session of somebody signed in. A POST or DELETE also needs the header X-CSRFToken."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": words}


def tidied(result: Any, **_: Any) -> Any:
    """A hook of drf-spectacular: the document without its internal marks."""
    if isinstance(result, dict):
        return {name: tidied(value) for name, value in result.items() if name != "x-spec-enum-id"}
    return [tidied(value) for value in result] if isinstance(result, list) else result
